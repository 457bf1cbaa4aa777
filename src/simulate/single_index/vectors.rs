//! Student, planted directions and inputs as vectors of length d.

use super::body::Body;
use super::inputs::Source;
use crate::problem::single_index::{Init, Inputs, Planted, SingleIndex};
use crate::rng::{Gaussians, Stream};
use crate::simulate::dense::{add, dot};

/// Coordinates of samples between two questions whether to stop: some milliseconds.
const WORK_BETWEEN_POLLS: usize = 1 << 21;

/// Inputs come from the stream `data`, the start and planted directions from `init`.
pub(super) struct Vectors {
    theta: Vec<f64>,
    planted: Vec<Vec<f64>>,
    x: Vec<f64>,
    h: f64,
    fields: Vec<f64>,
    m: Vec<f64>,
    source: Source,
    law: Inputs,
    test_set: Stream,
}

impl Vectors {
    pub fn new(problem: &SingleIndex, d: usize, stream: &Stream) -> Self {
        let mut normals = stream.child("init").gaussians();
        let p = problem.directions;
        let mut planted: Vec<Vec<f64>> = Vec::with_capacity(p);
        for j in 0..p {
            planted.push(match problem.planted {
                Planted::Axes => (0..d).map(|i| f64::from(i == j)).collect(),
                Planted::Random => direction(d, &planted, &mut normals),
            });
        }
        let theta = match &problem.init {
            Init::Given { m } => {
                let square: f64 = m.iter().map(|m| m * m).sum();
                let mut theta = direction(d, &planted, &mut normals);
                let own = (1.0 - square).max(0.0).sqrt();
                theta.iter_mut().for_each(|x| *x *= own);
                m.iter().zip(&planted).for_each(|(m, direction)| add(&mut theta, *m, direction));
                theta
            }
            Init::Random { hemisphere } => {
                let mut theta = direction(d, &[], &mut normals);
                if *hemisphere && dot(&theta, &planted[0]) < 0.0 {
                    theta.iter_mut().for_each(|x| *x = -*x);
                }
                theta
            }
        };
        let mut vectors = Self {
            theta,
            planted,
            x: vec![0.0; d],
            h: 0.0,
            fields: vec![0.0; p],
            m: vec![0.0; p],
            source: Source::new(problem.inputs, &stream.child("data")),
            law: problem.inputs,
            test_set: stream.child("test-set"),
        };
        vectors.measure();
        vectors
    }

    /// Student, planted directions, and inputs to come.
    pub fn into_parts(self) -> (Vec<f64>, Vec<Vec<f64>>, Source) {
        (self.theta, self.planted, self.source)
    }
}

/// A unit vector, uniform among those orthogonal to `others`: Gram-Schmidt twice, orthogonal to rounding.
fn direction(d: usize, others: &[Vec<f64>], normals: &mut Gaussians) -> Vec<f64> {
    let mut v = vec![0.0; d];
    normals.fill(&mut v);
    for other in others.iter().chain(others) {
        let overlap = dot(other, &v);
        add(&mut v, -overlap, other);
    }
    normalise(&mut v);
    v
}

pub(super) fn normalise(v: &mut [f64]) {
    let inverse = 1.0 / dot(v, v).sqrt();
    v.iter_mut().for_each(|x| *x *= inverse);
}

impl Body for Vectors {
    fn next_input(&mut self) -> f64 {
        self.source.fill(&mut self.x);
        self.h = dot(&self.theta, &self.x);
        for (field, direction) in self.fields.iter_mut().zip(&self.planted) {
            *field = dot(direction, &self.x);
        }
        self.h
    }

    fn planted_fields(&self) -> &[f64] {
        &self.fields
    }

    fn tangent_square(&self) -> Option<f64> {
        Some(dot(&self.x, &self.x) - self.h * self.h)
    }

    fn advance(&mut self, alpha: f64) {
        let keep = 1.0 - alpha * self.h;
        for (theta, x) in self.theta.iter_mut().zip(&self.x) {
            *theta = keep * *theta + alpha * x;
        }
        normalise(&mut self.theta);
        self.measure();
    }

    fn overlaps(&self) -> &[f64] {
        &self.m
    }

    fn measure(&mut self) {
        for (m, direction) in self.m.iter_mut().zip(&self.planted) {
            *m = dot(&self.theta, direction);
        }
    }

    fn probe(
        &mut self,
        samples: usize,
        number: usize,
        stop: &dyn Fn() -> bool,
        take: &mut dyn FnMut(f64, &[f64]),
    ) -> bool {
        let d = self.theta.len();
        let mut source = Source::new(self.law, &self.test_set.index(number as u64));
        let mut x = vec![0.0; d];
        let mut fields = vec![0.0; self.m.len()];
        for sample in 0..samples {
            if sample % (WORK_BETWEEN_POLLS / d + 1) == 0 && stop() {
                return false;
            }
            source.fill(&mut x);
            for (field, direction) in fields.iter_mut().zip(&self.planted) {
                *field = dot(direction, &x);
            }
            take(dot(&self.theta, &x), &fields);
        }
        true
    }

    fn updates_between_polls(&self) -> u64 {
        (WORK_BETWEEN_POLLS / self.theta.len()) as u64 + 1
    }
}
