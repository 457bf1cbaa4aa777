//! Kernel ridge regression as one would run it: inputs are drawn, the kernel matrix is formed, its system is solved.
//!
//! The samples of a replica are nested: n samples are the first n of the most. One Cholesky decomposition then holds
//! those of all leading blocks, and every n costs two triangular solves. Blocks that are singular to working precision
//! (more samples than features, kernels of few degrees) are solved in least squares with least norm. On the sphere the error is measured on fresh
//! inputs; Gaussian features have it in closed form from the learnt weights.

use super::{Measure, Replica, SimulationError};
use crate::linalg::{LinalgError, cholesky, least_norm, transpose_product};
use crate::problem::kernel_regression::{Kernel, KernelRegression};
use crate::problem::{Definition, Start};
use crate::rng::{Gaussians, Stream};
use crate::trajectory::Curve;
use nalgebra::{DMatrix, DVector};
use std::time::Instant;

/// One data set.
struct Drawn {
    /// K of the training inputs.
    kernel: DMatrix<f64>,
    labels: DVector<f64>,
    place: Place,
}

/// Where the learnt function is looked at.
enum Place {
    /// Kernel between training inputs (rows) and fresh ones, f* of those, and the polynomials of all terms of the target.
    Sphere { cross: DMatrix<f64>, target: DVector<f64>, terms: DMatrix<f64> },
    /// Training inputs in columns, standard deviations of the features, and the coefficients of f*.
    Features { inputs: DMatrix<f64>, scales: Vec<f64>, coefficients: Vec<f64> },
}

/// Unit vectors in columns.
fn on_sphere(dimension: usize, count: usize, gaussians: &mut Gaussians) -> DMatrix<f64> {
    let mut x = DMatrix::zeros(dimension, count);
    gaussians.fill(x.as_mut_slice());
    for mut column in x.column_iter_mut() {
        let norm = column.norm();
        column /= norm;
    }
    x
}

/// P_k of the first coordinate of every column, one row for each column.
fn terms(x: &DMatrix<f64>, count: usize) -> DMatrix<f64> {
    let mut values = vec![0.0; count];
    let mut terms = DMatrix::zeros(x.ncols(), count);
    for (i, column) in x.column_iter().enumerate() {
        KernelRegression::polynomials(x.nrows(), column[0], &mut values);
        values.iter().enumerate().for_each(|(k, v)| terms[(i, k)] = *v);
    }
    terms
}

impl Drawn {
    fn new(problem: &KernelRegression, size: usize, samples: usize, stream: &Stream) -> Self {
        let mut data = stream.child("data").gaussians();
        let coefficients = problem.coefficients(size);
        let (kernel, mut labels, place) = match &problem.kernel {
            Kernel::Sphere(kernel) => {
                let x = on_sphere(size, samples, &mut data);
                let fresh = on_sphere(size, problem.test_points, &mut stream.child("test").gaussians());
                let a = DVector::from_column_slice(&coefficients);
                let labels = terms(&x, a.len()) * &a;
                let terms = terms(&fresh, a.len());
                let mut matrix = transpose_product(&x, &x);
                // Only the lower triangle is read.
                for j in 0..samples {
                    matrix[(j, j)] = kernel.value(1.0);
                    for i in j + 1..samples {
                        matrix[(i, j)] = kernel.value(matrix[(i, j)]);
                    }
                }
                let mut cross = transpose_product(&x, &fresh);
                cross.iter_mut().for_each(|k| *k = kernel.value(*k));
                (matrix, labels, Place::Sphere { cross, target: &terms * a, terms })
            }
            Kernel::PowerLaw { decay } => {
                let mut inputs = DMatrix::zeros(size, samples);
                data.fill(inputs.as_mut_slice());
                let mut a = DVector::zeros(size);
                a.iter_mut().zip(&coefficients).for_each(|(a, c)| *a = *c);
                let labels = inputs.tr_mul(&a);
                let scales: Vec<f64> = (1..=size).map(|i| (i as f64).powf(-0.5 * decay)).collect();
                for mut column in inputs.column_iter_mut() {
                    column.iter_mut().zip(&scales).for_each(|(x, s)| *x *= s);
                }
                let matrix = transpose_product(&inputs, &inputs);
                (matrix, labels, Place::Features { inputs, scales, coefficients })
            }
        };
        if problem.noise_std > 0.0 {
            let mut noise = stream.child("label-noise").gaussians();
            labels.iter_mut().for_each(|y| *y += problem.noise_std * noise.next());
        }
        Self { kernel, labels, place }
    }

    /// f(X) - y of the first `alpha.len()` samples; the kernel is read from its lower triangle.
    fn train_errors(&self, alpha: &DVector<f64>) -> DVector<f64> {
        let n = alpha.len();
        let mut f = -self.labels.rows(0, n).clone_owned();
        for j in 0..n {
            f[j] += self.kernel[(j, j)] * alpha[j];
            for i in j + 1..n {
                let k = self.kernel[(i, j)];
                f[i] += k * alpha[j];
                f[j] += k * alpha[i];
            }
        }
        f
    }

    /// Mean squared error against the target, and the learnt coefficients of its terms.
    fn population(&self, alpha: &DVector<f64>) -> (f64, Vec<f64>) {
        let n = alpha.len();
        match &self.place {
            Place::Sphere { cross, target, terms } => {
                let f = cross.rows(0, n).tr_mul(alpha);
                let count = target.len() as f64;
                let learnt = terms.column_iter().map(|term| term.dot(&f) / count).collect();
                ((f - target).norm_squared() / count, learnt)
            }
            Place::Features { inputs, scales, coefficients } => {
                let weights = inputs.columns(0, n) * alpha;
                let learnt: Vec<f64> = weights.iter().zip(scales).map(|(w, s)| w * s).collect();
                let wanted = coefficients.iter().copied().chain(std::iter::repeat(0.0));
                let error = learnt.iter().zip(wanted).map(|(l, a)| (l - a) * (l - a)).sum();
                (error, learnt)
            }
        }
    }
}

/// K + delta with the Cholesky factor of its largest leading block that is not singular to working precision.
struct System {
    matrix: DMatrix<f64>,
    factor: DMatrix<f64>,
}

impl System {
    fn new(matrix: DMatrix<f64>) -> Result<Self, LinalgError> {
        let mut order = matrix.nrows();
        let factor = loop {
            match cholesky(&matrix.view((0, 0), (order, order)).clone_owned()) {
                Err(LinalgError::NotPositiveDefinite { order: failed }) => {
                    order = (failed - 1).min(order - 1)
                }
                other => break other?,
            }
        };
        // Pivots of rounding errors may be positive.
        let least = matrix.nrows() as f64 * f64::EPSILON * matrix.diagonal().amax();
        let sound = factor.diagonal().iter().take_while(|l| **l * **l > least).count();
        Ok(Self { matrix, factor: factor.view((0, 0), (sound, sound)).clone_owned() })
    }

    fn solve(&self, labels: &[f64]) -> Result<DVector<f64>, LinalgError> {
        let n = labels.len();
        if n > self.factor.nrows() {
            let block = self.matrix.view((0, 0), (n, n)).clone_owned();
            let alpha = least_norm(&block, &DMatrix::from_column_slice(n, 1, labels))?;
            return Ok(DVector::from_column_slice(alpha.as_slice()));
        }
        let block = self.factor.view((0, 0), (n, n));
        let mut alpha = DVector::from_column_slice(labels);
        // The diagonal of a Cholesky factor is positive, so that both solves succeed.
        block.solve_lower_triangular_mut(&mut alpha);
        block.tr_solve_lower_triangular_mut(&mut alpha);
        Ok(alpha)
    }
}

pub(super) fn replica(
    problem: &KernelRegression,
    size: usize,
    measure: &Measure,
    stream: &Stream,
    stop: &dyn Fn() -> bool,
) -> Result<Replica, SimulationError> {
    let clock = Instant::now();
    measure.check_times()?;
    let needed = problem.smallest_size();
    if size < needed {
        return Err(SimulationError::TooSmall { size, needed });
    }
    let counts: Vec<usize> = measure.times.iter().map(|&time| problem.samples(time, size)).collect();
    if let Some(&samples) = counts.iter().find(|n| **n == 0) {
        return Err(SimulationError::NoSamples { samples, size });
    }
    if stop() {
        return Err(SimulationError::Interrupted);
    }
    let drawn = Drawn::new(problem, size, counts.last().copied().unwrap_or(1), stream);
    if stop() {
        return Err(SimulationError::Interrupted);
    }
    let mut regularised = drawn.kernel.clone();
    (0..regularised.nrows()).for_each(|i| regularised[(i, i)] += problem.ridge);
    let system = System::new(regularised)?;
    let mut curve = Curve::new(measure.observables);
    for &n in &counts {
        let alpha = system.solve(&drawn.labels.as_slice()[..n])?;
        let (error, learnt) = drawn.population(&alpha);
        let mut snapshot = Vec::with_capacity(measure.observables.len());
        for name in measure.observables {
            snapshot.push(match name.as_str() {
                "test_loss" => 0.5 * error,
                "train_loss" => 0.5 * drawn.train_errors(&alpha).norm_squared() / n as f64,
                other => {
                    let index = other.strip_prefix("coefficient[").and_then(|rest| rest.strip_suffix(']'));
                    let value = index
                        .and_then(|i| i.parse::<usize>().ok())
                        .and_then(|i| learnt.get(i.wrapping_sub(1)));
                    *value.ok_or_else(|| SimulationError::UnknownObservable(name.clone()))?
                }
            });
        }
        curve.push(n as f64 / (size as f64).powi(problem.samples_exponent), &snapshot);
    }
    curve.work.seconds = clock.elapsed().as_secs_f64();
    Ok(Replica { curve, start: Start::Size(size) })
}
