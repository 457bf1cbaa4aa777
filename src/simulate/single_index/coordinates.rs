//! One student and several planted directions: the overlap chain in a frame of p + 1 coordinates.

use super::body::Body;
use crate::rng::Stream;
use crate::simulate::chain::Frame;
use nalgebra::DMatrix;

const SAMPLES_BETWEEN_POLLS: u64 = 1 << 14;

/// Vectors of length sqrt d in the frame: theta sqrt d has the field theta.x. Inputs come from the streams `data` and
/// `residual`.
pub(super) struct Coordinates {
    frame: Frame,
    /// sqrt d.
    root: f64,
    h: f64,
    planted: Vec<f64>,
    m: Vec<f64>,
    test_set: Stream,
}

impl Coordinates {
    pub fn new(m: &[f64], d: usize, stream: &Stream) -> Self {
        let p = m.len();
        let square: f64 = m.iter().map(|m| m * m).sum();
        let own = (1.0 - square).max(0.0).sqrt();
        let moving = DMatrix::from_fn(1, p + 1, |_, j| if j < p { m[j] } else { own });
        Self {
            frame: Frame::new(&DMatrix::identity(p, p), &moving, d, stream),
            root: (d as f64).sqrt(),
            h: 0.0,
            planted: vec![0.0; p],
            m: m.to_vec(),
            test_set: stream.child("test-set"),
        }
    }
}

impl Body for Coordinates {
    fn next_input(&mut self) -> f64 {
        let fields = self.frame.draw();
        self.h = fields[0];
        self.planted.copy_from_slice(&fields[1..]);
        self.h
    }

    fn planted_fields(&self) -> &[f64] {
        &self.planted
    }

    fn tangent_square(&self) -> Option<f64> {
        None
    }

    fn advance(&mut self, alpha: f64) {
        self.frame.advance(1.0 - alpha * self.h, &[alpha * self.root]);
        self.frame.normalise();
        for (j, m) in self.m.iter_mut().enumerate() {
            *m = self.frame.overlap(0, j);
        }
    }

    fn overlaps(&self) -> &[f64] {
        &self.m
    }

    fn measure(&mut self) {}

    fn probe(
        &mut self,
        samples: usize,
        number: usize,
        stop: &dyn Fn() -> bool,
        take: &mut dyn FnMut(f64, &[f64]),
    ) -> bool {
        let mut normals = self.test_set.index(number as u64).gaussians();
        let mut fields = vec![0.0; 1 + self.m.len()];
        for sample in 0..samples {
            if (sample as u64).is_multiple_of(SAMPLES_BETWEEN_POLLS) && stop() {
                return false;
            }
            self.frame.probe(&mut normals, &mut fields);
            take(fields[0], &fields[1..]);
        }
        true
    }

    fn updates_between_polls(&self) -> u64 {
        SAMPLES_BETWEEN_POLLS
    }
}
