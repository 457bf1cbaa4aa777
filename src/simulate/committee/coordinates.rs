//! Networks as coordinates in a moving frame: the overlap chain.

use super::learner::{Body, label};
use crate::problem::committee::{Committee, Init, Overlaps, Teacher};
use crate::rng::{Gaussians, Stream};
use crate::simulate::SimulationError;
use crate::simulate::chain::Frame;
use crate::simulate::semidefinite::square_root;
use nalgebra::{DMatrix, DVector};

/// Samples between two questions whether to stop: some milliseconds.
const SAMPLES_BETWEEN_POLLS: u64 = 1 << 14;

/// Student and teacher by their coordinates.
///
/// Inputs come from the streams `data` (components along the frame) and `residual` (the rest), label noise from
/// `label-noise`; starts from `teacher` and `init`.
pub(super) struct Coordinates {
    frame: Frame,
    v: DVector<f64>,
    v_star: DVector<f64>,
    noise: Box<Gaussians>,
    /// Coefficients of the latest sample, where a batch has one.
    c: Option<Vec<f64>>,
    test_set: Stream,
}

impl Coordinates {
    /// Draws the start: weights of the same law as those of the direct simulation at size `d`.
    pub fn new(problem: &Committee, d: usize, stream: &Stream) -> Result<Self, SimulationError> {
        let (k, m) = (problem.student_width, problem.teacher_width);
        if d == 0 {
            return Err(SimulationError::TooSmall { size: 0, needed: 1 });
        }
        let init = stream.child("init");
        let (fixed, moving) = if let Init::Given { .. } = problem.init {
            let all = root(&problem.limit_start().covariance(), d)?;
            (all.rows(k, m).into_owned(), all.rows(0, k).into_owned())
        } else {
            let fixed = match &problem.teacher {
                Teacher::Given { t } => root(t, d)?,
                Teacher::Random { std } => Frame::gaussian(m, 0, *std, d, &stream.child("teacher")),
            };
            let moving = student(problem, &fixed, d, &init);
            (fixed, moving)
        };
        let mut v = problem.student_second_layer.clone();
        let mut second_layer = init.child("second-layer").gaussians();
        for v in v.iter_mut() {
            *v += problem.second_layer_std * second_layer.next();
        }
        Ok(Self {
            frame: Frame::new(&fixed, &moving, d, stream),
            v,
            v_star: problem.teacher_second_layer.clone(),
            noise: Box::new(stream.child("label-noise").gaussians()),
            c: (problem.batch == 1).then(|| vec![0.0; k]),
            test_set: stream.child("test-set"),
        })
    }

    #[cfg(test)]
    pub fn frame_mut(&mut self) -> &mut Frame {
        &mut self.frame
    }
}

/// Coordinates of vectors with these overlaps; as many as their rank.
fn root(overlaps: &DMatrix<f64>, d: usize) -> Result<DMatrix<f64>, SimulationError> {
    let root = square_root(overlaps)?;
    let needed = root.ncols();
    if d < needed { Err(SimulationError::TooSmall { size: d, needed }) } else { Ok(root) }
}

/// Coordinates of a student that starts at random, around teacher units or around 0.
fn student(problem: &Committee, fixed: &DMatrix<f64>, d: usize, stream: &Stream) -> DMatrix<f64> {
    let along = fixed.ncols();
    let (std, surplus) = match problem.init {
        Init::Random { std } => (std, None),
        Init::Informed { std, surplus } => (std, Some(surplus)),
        Init::Given { .. } => unreachable!("given overlaps state the start"),
    };
    let mut moving = Frame::gaussian(problem.student_width, along, std, d, stream);
    for unit in 0..problem.student_width {
        if let Some(target) = surplus.and_then(|s| s.teacher_unit(unit, problem.teacher_width)) {
            for j in 0..along {
                moving[(unit, j)] += fixed[(target, j)];
            }
        }
    }
    moving
}

impl Body for Coordinates {
    #[inline]
    fn next_sample(&mut self, problem: &Committee) -> f64 {
        let fields = self.frame.draw();
        label(problem, self.v_star.as_slice(), &fields[self.v.len()..], self.noise.next())
    }

    #[inline]
    fn fields(&self) -> &[f64] {
        self.frame.fields()
    }

    #[inline]
    fn second_layer(&self) -> &[f64] {
        self.v.as_slice()
    }

    #[inline]
    fn second_layer_mut(&mut self) -> &mut [f64] {
        self.v.as_mut_slice()
    }

    #[inline]
    fn descend(&mut self, c: &[f64]) {
        match &mut self.c {
            Some(single) => single.copy_from_slice(c),
            None => self.frame.gather(c),
        }
    }

    #[inline]
    fn complete(&mut self, keep: f64) {
        match &self.c {
            Some(c) => self.frame.advance(keep, c),
            None => self.frame.advance_batch(keep),
        }
    }

    fn overlaps(&mut self) -> Overlaps {
        let (q, r, t) = self.frame.overlaps();
        Overlaps { q, r, t, v: self.v.clone(), v_star: self.v_star.clone() }
    }

    fn probe(
        &mut self,
        samples: usize,
        number: usize,
        stop: &dyn Fn() -> bool,
        take: &mut dyn FnMut(&[f64]),
    ) -> bool {
        let mut normals = self.test_set.index(number as u64).gaussians();
        let mut fields = vec![0.0; self.v.len() + self.v_star.len()];
        for sample in 0..samples {
            if (sample as u64).is_multiple_of(SAMPLES_BETWEEN_POLLS) && stop() {
                return false;
            }
            self.frame.probe(&mut normals, &mut fields);
            take(&fields);
        }
        true
    }

    fn updates_between_polls(&self, problem: &Committee) -> u64 {
        SAMPLES_BETWEEN_POLLS / problem.batch as u64 + 1
    }
}
