//! The student as coordinates in a moving frame: the overlap chain.
//!
//! Within sub-population c an input is mu_c/sqrt d + sqrt(Delta_c) z with z ~ N(0, I_d), and all vectors that matter
//! are fixed ones (teachers, means) and the student: W moves by a multiple of z, as in [`Frame`], and by a multiple of
//! mu_c, which the frame holds. Nothing is approximated.

use super::learner::{Body, Fields};
use crate::problem::scaling::OnePassStep;
use crate::problem::teacher_mixture::{Init, Overlaps, TeacherMixture};
use crate::rng::Stream;
use crate::simulate::SimulationError;
use crate::simulate::chain::Frame;
use crate::simulate::semidefinite::square_root;
use nalgebra::DMatrix;

/// Samples between two questions whether to stop: some milliseconds.
const SAMPLES_BETWEEN_POLLS: u64 = 1 << 14;

/// Inputs come from the streams `data` (along the frame) and `residual` (the rest), a random student from `init`.
pub(super) struct Coordinates {
    frame: Frame,
    groups: usize,
    /// sqrt Delta_c.
    width: Vec<f64>,
    /// W_T^c.mu_c/d.
    teacher_mean: Vec<f64>,
    /// The frame holds the means after the teachers.
    has_means: bool,
    /// Of the latest input.
    group: usize,
    step: OnePassStep,
    /// Overlaps of teachers and means.
    fixed: Overlaps,
    test_set: Stream,
}

impl Coordinates {
    pub fn new(problem: &TeacherMixture, d: usize, stream: &Stream) -> Result<Self, SimulationError> {
        if d == 0 {
            return Err(SimulationError::TooSmall { size: 0, needed: 1 });
        }
        let groups = problem.groups();
        let has_means = problem.has_means();
        let held = if has_means { 2 * groups } else { groups };
        let start = problem.limit_start();
        let (fixed, moving) = match problem.init {
            Init::Random { std } => {
                let fixed = root(&start.fixed_gram(), d)?.rows(0, held).into_owned();
                let along = fixed.ncols();
                let moving = Frame::gaussian(1, along, std, d, &stream.child("init").child("student"));
                (fixed, moving)
            }
            _ => {
                let all = root(&start.gram(), d)?;
                (all.rows(1, held).into_owned(), all.rows(0, 1).into_owned())
            }
        };
        Ok(Self {
            frame: Frame::new(&fixed, &moving, d, stream),
            groups,
            width: problem.variance.iter().map(|v| v.sqrt()).collect(),
            teacher_mean: (0..groups).map(|c| problem.alignments[(c, c)]).collect(),
            has_means,
            group: 0,
            step: OnePassStep::new(d),
            fixed: start,
            test_set: stream.child("test-set"),
        })
    }

    /// W.mu_c/d.
    fn student_mean(&self, group: usize) -> f64 {
        if self.has_means { self.frame.overlap(0, self.groups + group) } else { 0.0 }
    }
}

/// Coordinates of vectors with these overlaps; as many as their rank.
fn root(gram: &DMatrix<f64>, d: usize) -> Result<DMatrix<f64>, SimulationError> {
    let root = square_root(gram)?;
    let needed = root.ncols();
    if d < needed { Err(SimulationError::TooSmall { size: d, needed }) } else { Ok(root) }
}

impl Body for Coordinates {
    #[inline]
    fn next_input(&mut self, group: usize) -> Fields {
        self.group = group;
        let mean = self.student_mean(group);
        let fields = self.frame.draw();
        Fields {
            student: mean + self.width[group] * fields[0],
            teacher: self.teacher_mean[group] + self.width[group] * fields[1 + group],
        }
    }

    #[inline]
    fn descend(&mut self, c: f64) {
        self.frame.advance(1.0, &[c * self.width[self.group]]);
        if self.has_means {
            self.frame.shift(0, self.groups + self.group, c * self.step.field);
        }
    }

    fn overlaps(&mut self) -> Overlaps {
        let (q, r, _) = self.frame.overlaps();
        let mut overlaps = Overlaps { q: q[(0, 0)], b: 0.0, ..self.fixed.clone() };
        for c in 0..self.groups {
            overlaps.r[c] = r[(0, c)];
            overlaps.m[c] = self.student_mean(c);
        }
        overlaps
    }

    fn probe(
        &mut self,
        group: usize,
        samples: usize,
        number: usize,
        stop: &dyn Fn() -> bool,
        take: &mut dyn FnMut(Fields),
    ) -> bool {
        let mut normals = self.test_set.index(number as u64).index(group as u64).gaussians();
        let mut fields = vec![0.0; 1 + self.groups * if self.has_means { 2 } else { 1 }];
        let (mean, width) = (self.student_mean(group), self.width[group]);
        for sample in 0..samples {
            if (sample as u64).is_multiple_of(SAMPLES_BETWEEN_POLLS) && stop() {
                return false;
            }
            self.frame.probe(&mut normals, &mut fields);
            take(Fields {
                student: mean + width * fields[0],
                teacher: self.teacher_mean[group] + width * fields[1 + group],
            });
        }
        true
    }

    fn updates_between_polls(&self) -> u64 {
        SAMPLES_BETWEEN_POLLS
    }
}
