//! A replica on the singular modes of its own data: one decomposition, then every time at once.
//!
//! No descent is run: what this checks of the law is its average over data, targets and noise, not the algorithm.

use super::{Best, Drawn, search};
use crate::linalg::{Read, multiply, svd, transpose_product};
use crate::problem::linear_regression::LinearRegression;
use crate::simulate::SimulationError;
use nalgebra::DMatrix;

/// X = U diag(s) V^T, with the labels on U and the start on V.
pub(super) struct Spectrum {
    /// s^2.
    eigenvalues: Vec<f64>,
    /// V^T, modes x N.
    modes: DMatrix<f64>,
    /// s_i u_i.y, where the gradient pulls.
    pull: Vec<f64>,
    /// v_i.w_0 and v_i.w*.
    start: Vec<f64>,
    teacher: Vec<f64>,
    /// w_0 without its part along the modes.
    beyond: DMatrix<f64>,
    /// |w* beyond|^2, |w_0 beyond|^2 and their product.
    outside: [f64; 3],
    inputs: f64,
    noise: f64,
}

impl Spectrum {
    pub fn new(problem: &LinearRegression, drawn: &Drawn) -> Result<Self, SimulationError> {
        let factors = svd(&drawn.data)?;
        let along = |vector: &DMatrix<f64>| {
            let mut out = DMatrix::zeros(factors.v_t.nrows(), 1);
            multiply(&mut out, false, 1.0, (&factors.v_t, Read::Plain), (vector, Read::Plain));
            out
        };
        let (start, teacher) = (along(&drawn.start), along(&drawn.teacher));
        let rest = |vector: &DMatrix<f64>, part: &DMatrix<f64>| {
            let mut rest = vector.clone();
            multiply(&mut rest, true, -1.0, (&factors.v_t, Read::Transposed), (part, Read::Plain));
            rest
        };
        let beyond = rest(&drawn.start, &start);
        let missed = rest(&drawn.teacher, &teacher);
        // With as many samples as inputs nothing is beyond; what is left there is rounding.
        let spanned = drawn.data.nrows() >= drawn.data.ncols();
        let outside = match spanned {
            true => [0.0; 3],
            false => [missed.norm_squared(), beyond.norm_squared(), missed.dot(&beyond)],
        };
        let labels = transpose_product(&factors.u, &drawn.labels);
        let list = |m: &DMatrix<f64>| m.iter().copied().collect::<Vec<_>>();
        Ok(Self {
            eigenvalues: factors.values.iter().map(|s| s * s).collect(),
            pull: factors.values.iter().zip(&labels).map(|(s, y)| s * y).collect(),
            modes: factors.v_t,
            start: list(&start),
            teacher: list(&teacher),
            beyond,
            outside,
            inputs: drawn.data.ncols() as f64,
            noise: problem.noise_std * problem.noise_std,
        })
    }

    /// Share of a start that is left after `time` in a mode.
    fn share(problem: &LinearRegression, rate: f64, time: f64) -> f64 {
        match problem.learning_rate {
            None => libm::exp(-rate * time),
            Some(step) => {
                let (left, updates) = (1.0 - step * rate, (time / step).round());
                let size = libm::pow(left.abs(), updates);
                if left < 0.0 && updates % 2.0 == 1.0 { -size } else { size }
            }
        }
    }

    /// v_i.w at `time`.
    fn coordinates(&self, problem: &LinearRegression, time: f64) -> Vec<f64> {
        let mode = |((&l, &pull), &start): ((&f64, &f64), &f64)| {
            let rate = l + problem.weight_decay;
            let share = Self::share(problem, rate, time);
            share * start + (1.0 - share) * pull / rate
        };
        self.eigenvalues.iter().zip(&self.pull).zip(&self.start).map(mode).collect()
    }

    pub fn weights(&self, problem: &LinearRegression, time: f64) -> DMatrix<f64> {
        let along = DMatrix::from_vec(self.eigenvalues.len(), 1, self.coordinates(problem, time));
        let mut weights = &self.beyond * Self::share(problem, problem.weight_decay, time);
        multiply(&mut weights, true, 1.0, (&self.modes, Read::Transposed), (&along, Read::Plain));
        weights
    }

    /// sigma^2 + |w - w*|^2 / N without building w.
    fn error(&self, problem: &LinearRegression, time: f64) -> f64 {
        let kept = Self::share(problem, problem.weight_decay, time);
        let [teacher, start, both] = self.outside;
        let beyond = teacher - 2.0 * kept * both + kept * kept * start;
        let coordinates = self.coordinates(problem, time);
        let along: f64 = coordinates.iter().zip(&self.teacher).map(|(w, t)| (w - t) * (w - t)).sum();
        self.noise + (along + beyond) / self.inputs
    }

    /// The smallest error up to `time`; see [`search`].
    pub fn best(&self, problem: &LinearRegression, time: f64) -> Best {
        let top = self.eigenvalues.iter().copied().fold(0.0, f64::max);
        let error = |t: f64| self.error(problem, t);
        match problem.learning_rate {
            None => search::of_flow(error, 1.0 / (top + problem.weight_decay), time),
            Some(step) => search::of_steps(error, step, (time / step).round() as u64),
        }
    }

    /// |part of w - w* that no sample has|^2 / N.
    pub fn frozen(&self, weights: &DMatrix<f64>, teacher: &DMatrix<f64>) -> f64 {
        if self.outside == [0.0; 3] {
            return 0.0;
        }
        let gap = weights - teacher;
        let mut along = DMatrix::zeros(self.eigenvalues.len(), 1);
        multiply(&mut along, false, 1.0, (&self.modes, Read::Plain), (&gap, Read::Plain));
        let mut rest = gap;
        multiply(&mut rest, true, -1.0, (&self.modes, Read::Transposed), (&along, Read::Plain));
        rest.norm_squared() / self.inputs
    }

    /// The minimum of |y - X w|^2 + g |w - w_0|^2 at g = sigma^2 / (sigma_w^2 + sigma_0^2).
    pub fn ridge(&self, problem: &LinearRegression, start: &DMatrix<f64>) -> DMatrix<f64> {
        let signal = problem.teacher_std * problem.teacher_std + problem.init_std * problem.init_std;
        let g = self.noise / signal;
        let mode = |((&l, &pull), &w): ((&f64, &f64), &f64)| match l + g {
            0.0 => 0.0,
            rate => (pull - l * w) / rate,
        };
        let move_along: Vec<f64> =
            self.eigenvalues.iter().zip(&self.pull).zip(&self.start).map(mode).collect();
        let along = DMatrix::from_vec(move_along.len(), 1, move_along);
        let mut weights = start.clone();
        multiply(&mut weights, true, 1.0, (&self.modes, Read::Transposed), (&along, Read::Plain));
        weights
    }
}
