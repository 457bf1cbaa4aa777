//! Weights at time 0.

use super::units::{Units, product, update};
use crate::problem::committee::{Committee, Init, Overlaps, Teacher};
use crate::problem::scaling::OnePassStep;
use crate::rng::{Gaussians, Simd, Stream};
use crate::simulate::SimulationError;
use crate::simulate::semidefinite::square_root;
use nalgebra::{DMatrix, DVector};

/// Student and teacher: first-layer weights, students before teachers, and second layers.
#[derive(Clone, Debug)]
pub(super) struct Network {
    pub d: usize,
    pub k: usize,
    pub m: usize,
    pub simd: Simd,
    pub step: OnePassStep,
    pub weights: Units,
    pub v: DVector<f64>,
    pub v_star: DVector<f64>,
}

impl Network {
    /// Draws the weights: the teacher from `teacher`, the student from `init`. Overlaps that are given
    /// between the two come from one frame of `init`.
    pub fn new(problem: &Committee, d: usize, stream: &Stream, simd: Simd) -> Result<Self, SimulationError> {
        let (k, m) = (problem.student_width, problem.teacher_width);
        if d == 0 {
            return Err(SimulationError::TooSmall { size: 0, needed: 1 });
        }
        let mut network = Self {
            d,
            k,
            m,
            simd,
            step: OnePassStep::new(d),
            weights: Units::zeros(k + m, d),
            v: problem.student_second_layer.clone(),
            v_star: problem.teacher_second_layer.clone(),
        };
        let init = stream.child("init");
        let mut gaussians = init.gaussians();
        match &problem.init {
            Init::Given { .. } => network.realise(&problem.limit_start().covariance(), 0, &mut gaussians)?,
            Init::Random { std } => {
                network.draw_teacher(problem, stream)?;
                network.spread(0..k, *std, &mut gaussians);
            }
            Init::Informed { std, surplus } => {
                network.draw_teacher(problem, stream)?;
                network.spread(0..k, *std, &mut gaussians);
                for unit in 0..k {
                    if let Some(target) = surplus.teacher_unit(unit, m) {
                        let (student, teacher) = network.weights.pair(unit, k + target);
                        update(simd, student, 1.0, 1.0, teacher);
                    }
                }
            }
        }
        let mut second_layer = init.child("second-layer").gaussians();
        for v in network.v.iter_mut() {
            *v += problem.second_layer_std * second_layer.next();
        }
        Ok(network)
    }

    fn draw_teacher(&mut self, problem: &Committee, stream: &Stream) -> Result<(), SimulationError> {
        let mut gaussians = stream.child("teacher").gaussians();
        match &problem.teacher {
            Teacher::Given { t } => self.realise(t, self.k, &mut gaussians)?,
            Teacher::Random { std } => self.spread(self.k..self.k + self.m, *std, &mut gaussians),
        }
        Ok(())
    }

    /// Independent N(0, std^2) weights.
    fn spread(&mut self, units: std::ops::Range<usize>, std: f64, gaussians: &mut Gaussians) {
        for unit in units {
            let values = self.weights.values_mut(unit);
            gaussians.fill(values);
            for w in values {
                *w *= std;
            }
        }
    }

    /// Gives the units from `first` on the overlaps `c` exactly: with c = A A^T, A of full column rank, unit
    /// a is sum_j A_aj f_j on an orthonormal frame f_j (times sqrt d) whose orientation is uniformly random.
    fn realise(
        &mut self,
        c: &DMatrix<f64>,
        first: usize,
        gaussians: &mut Gaussians,
    ) -> Result<(), SimulationError> {
        let factor = square_root(c)?;
        let rank = factor.ncols();
        if self.d < rank {
            return Err(SimulationError::TooSmall { size: self.d, needed: rank });
        }
        let unit_overlap = self.step.field * self.step.field;
        for j in first..first + rank {
            gaussians.fill(self.weights.values_mut(j));
            // Gram-Schmidt twice: orthogonal to rounding, whatever the vectors (Giraud et al. 2005).
            for i in (first..j).chain(first..j) {
                let overlap = self.overlap(i, j);
                let (changed, other) = self.weights.pair(j, i);
                update(self.simd, changed, 1.0, -overlap, other);
            }
            let length = product(self.simd, self.weights.get(j), self.weights.get(j)) * unit_overlap;
            for w in self.weights.values_mut(j) {
                *w /= length.sqrt();
            }
        }
        let mut frame = vec![0.0; rank];
        for i in 0..self.d {
            for (j, f) in frame.iter_mut().enumerate() {
                *f = self.weights.get(first + j)[i];
            }
            for (a, row) in factor.row_iter().enumerate() {
                self.weights.get_mut(first + a)[i] = row.iter().zip(&frame).map(|(a, f)| a * f).sum();
            }
        }
        Ok(())
    }

    /// w_a.w_b / d.
    fn overlap(&self, a: usize, b: usize) -> f64 {
        product(self.simd, self.weights.get(a), self.weights.get(b)) * (self.step.field * self.step.field)
    }

    /// The measured order parameters.
    pub fn overlaps(&self) -> Overlaps {
        let (k, m) = (self.k, self.m);
        let symmetric = |n: usize, first: usize| {
            let mut c = DMatrix::zeros(n, n);
            for j in 0..n {
                for i in 0..=j {
                    c[(i, j)] = self.overlap(first + i, first + j);
                    c[(j, i)] = c[(i, j)];
                }
            }
            c
        };
        Overlaps {
            q: symmetric(k, 0),
            r: DMatrix::from_fn(k, m, |i, n| self.overlap(i, k + n)),
            t: symmetric(m, k),
            v: self.v.clone(),
            v_star: self.v_star.clone(),
        }
    }
}
