//! The gradient flow of the weights themselves, for starts without a closed form.
//!
//! dW_l/dt = kappa (W_L ... W_(l+1))^T (C - W Sigma) (W_(l-1) ... W_1)^T, with C = <y x^T> and Sigma = <x x^T>.

use super::observables::Blocks;
use crate::linalg::{product, product_transpose, transpose_product};
use crate::ode::{self, OdeError, Stats};
use nalgebra::DMatrix;
use std::convert::Infallible;

/// What drives the flow.
#[derive(Clone, Debug)]
pub struct Drive {
    /// C.
    pub cross: DMatrix<f64>,
    /// Sigma; `None` is the identity.
    pub input: Option<DMatrix<f64>>,
    pub rate: f64,
    /// False with the fault that leaves out W Sigma.
    pub saturates: bool,
}

/// The flow at its current time.
#[derive(Clone, Debug)]
pub struct Flow {
    drive: Drive,
    shapes: Vec<(usize, usize)>,
    state: Vec<f64>,
    time: f64,
    tolerance: f64,
    pub stats: Stats,
}

/// Where the flow ends before it should.
#[derive(Clone, Debug, PartialEq)]
pub struct Stop {
    pub time: f64,
    pub reason: String,
}

impl Flow {
    pub fn new(weights: &[DMatrix<f64>], drive: Drive, tolerance: f64) -> Self {
        Self {
            drive,
            shapes: weights.iter().map(DMatrix::shape).collect(),
            state: weights.iter().flat_map(|w| w.iter().copied()).collect(),
            time: 0.0,
            tolerance,
            stats: Stats::default(),
        }
    }

    /// Moves on to `time`.
    ///
    /// # Errors
    /// The flow leaves the finite numbers, or the integrator cannot follow it.
    pub fn advance(&mut self, time: f64) -> Result<(), Stop> {
        self.stops(&[time]).map(|_| ())
    }

    /// Moves through ascending times in one integration and leaves the flow as it stands at each.
    ///
    /// # Errors
    /// As [`Flow::advance`].
    pub fn stops(&mut self, times: &[f64]) -> Result<Vec<Self>, Stop> {
        let (drive, shapes) = (&self.drive, &self.shapes);
        let mut system = |_: f64, y: &[f64], dy: &mut [f64]| -> Result<(), Infallible> {
            gradient(drive, &unpack(shapes, y), dy);
            Ok(())
        };
        let mut states = Vec::with_capacity(times.len());
        let options = ode::Options::with_tolerance(self.tolerance);
        let outcome = ode::integrate(&mut system, self.time, &self.state, times, &options, |time, y| {
            states.push((time, y.to_vec()));
        });
        let stats = match &outcome {
            Ok(stats) => *stats,
            Err(error) => error.stats(),
        };
        self.stats.rhs_calls += stats.rhs_calls;
        self.stats.explicit_steps += stats.explicit_steps;
        self.stats.rosenbrock_steps += stats.rosenbrock_steps;
        self.stats.rejected_steps += stats.rejected_steps;
        if let Err(error) = outcome {
            let time = match error {
                OdeError::Diverged { time, .. }
                | OdeError::StepTooSmall { time, .. }
                | OdeError::TooManySteps { time, .. }
                | OdeError::Rhs { time, .. } => time,
                OdeError::Input { .. } => self.time,
            };
            return Err(Stop { time, reason: error.to_string() });
        }
        let stop = |(time, state)| Self { time, state, ..self.clone() };
        let stops: Vec<Self> = states.into_iter().map(stop).collect();
        if let Some(last) = stops.last() {
            (self.time, self.state) = (last.time, last.state.clone());
        }
        Ok(stops)
    }

    pub fn weights(&self) -> Vec<DMatrix<f64>> {
        unpack(&self.shapes, &self.state)
    }

    pub fn blocks(&self) -> Blocks {
        Blocks::of_weights(&self.weights())
    }
}

fn unpack(shapes: &[(usize, usize)], state: &[f64]) -> Vec<DMatrix<f64>> {
    let mut from = 0;
    let mut take = |&(rows, columns): &(usize, usize)| {
        let entries = &state[from..from + rows * columns];
        from += rows * columns;
        DMatrix::from_column_slice(rows, columns, entries)
    };
    shapes.iter().map(&mut take).collect()
}

fn gradient(drive: &Drive, weights: &[DMatrix<f64>], derivative: &mut [f64]) {
    let layers = weights.len();
    let mut below = vec![weights[0].clone()];
    for w in &weights[1..] {
        let next = product(w, below.last().expect("the layer below"));
        below.push(next);
    }
    let mut error = drive.cross.clone();
    if drive.saturates {
        error -= match &drive.input {
            None => below[layers - 1].clone(),
            Some(sigma) => product(&below[layers - 1], sigma),
        };
    }
    error *= drive.rate;
    let mut end = derivative.len();
    for l in (0..layers).rev() {
        let slope = if l == 0 { error.clone() } else { product_transpose(&error, &below[l - 1]) };
        let begin = end - slope.len();
        derivative[begin..end].copy_from_slice(slope.as_slice());
        end = begin;
        if l > 0 {
            error = transpose_product(&weights[l], &error);
        }
    }
}
