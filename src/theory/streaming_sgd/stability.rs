//! The largest stable step: as an observable, and on a finite data set.

use super::modes::{LONGER, Rates};
use super::{gaussian, no_limit};
use crate::linalg::{LinalgError, product, symmetric_eigen, transpose_product};
use crate::problem::Start;
use crate::problem::streaming_sgd::{Moments, StreamingSgd};
use crate::theory::{LawError, LawOptions};
use crate::trajectory::Curve;
use nalgebra::DMatrix;
use std::time::Instant;

/// Relative change of the eigenvalue at which the power iteration ends, and the most iterations.
const TOLERANCE: f64 = 1e-12;
const MOST_ITERATIONS: usize = 100_000;

/// The largest step of SGD on the rows x_i of `data` (n x d) with squared errors, batches of B rows without
/// replacement, for which the covariance of the weights stays bounded: eta = 2 / l_max(C^-1 D) on the span of the
/// data.
///
/// One update moves S -> (I - eta H) S (I - eta H) + p eta^2 (mean_i H_i S H_i - H S H), H_i = x_i x_i^T, H their
/// mean, p = (n - B) / (B (n - 1)). It keeps a positive S fixed where eta D(S) = 2 C(S),
/// D(S) = (1 - p) H S H + p mean_i H_i S H_i, C(S) = (H S + S H) / 2. C^-1 and D map positive matrices to such, so
/// power iteration from the identity finds the largest eigenvalue. tr H <= 2 / eta is necessary only.
///
/// # Errors
/// Of the eigenproblem of H, or if the iteration does not settle.
///
/// ```
/// use asymptotica::theory::streaming_sgd::largest_stable_step_of_data;
/// // All rows at once are gradient descent: 2 / l_max(H), H = diag(2, 1/2).
/// let data = nalgebra::DMatrix::from_row_slice(2, 2, &[2.0, 0.0, 0.0, 1.0]);
/// assert!((largest_stable_step_of_data(&data, 2)? - 1.0).abs() < 1e-10);
/// // One row at a time on orthogonal rows: each must be stable by itself, 2 / |x|^2.
/// assert!((largest_stable_step_of_data(&data, 1)? - 0.5).abs() < 1e-10);
/// # Ok::<(), asymptotica::linalg::LinalgError>(())
/// ```
pub fn largest_stable_step_of_data(data: &DMatrix<f64>, batch: usize) -> Result<f64, LinalgError> {
    let (n, b) = (data.nrows() as f64, batch as f64);
    stable_step(data, if data.nrows() == 1 { 0.0 } else { (n - b) / (b * (n - 1.0)) })
}

/// [`largest_stable_step_of_data`] for any share p of the noise of one sample.
fn stable_step(data: &DMatrix<f64>, p: f64) -> Result<f64, LinalgError> {
    let n = data.nrows() as f64;
    let moment = transpose_product(data, data) / n;
    let eigen = symmetric_eigen(&moment)?;
    let largest = eigen.values[eigen.values.len() - 1];
    let kept: Vec<usize> =
        (0..eigen.values.len()).filter(|&i| eigen.values[i] > 1e-12 * largest * n).collect();
    let l: Vec<f64> = kept.iter().map(|&i| eigen.values[i]).collect();
    let basis = eigen.vectors.select_columns(&kept);
    let rows = product(data, &basis);
    let d = l.len();
    let mut s = DMatrix::<f64>::identity(d, d);
    let mut last = 0.0;
    for _ in 0..MOST_ITERATIONS {
        // x_i^T S x_i weighs x_i x_i^T.
        let moved = product(&rows, &s);
        let mut weighted = rows.clone();
        for i in 0..rows.nrows() {
            let weight = p / n * moved.row(i).dot(&rows.row(i));
            weighted.row_mut(i).scale_mut(weight);
        }
        let mut next = transpose_product(&rows, &weighted);
        for i in 0..d {
            for j in 0..d {
                let drift = (1.0 - p) * l[i] * l[j] * s[(i, j)];
                next[(i, j)] = (next[(i, j)] + drift) / (0.5 * (l[i] + l[j]));
            }
        }
        let size = next.trace() / s.trace();
        s = next / (size * s.trace() / d as f64);
        if (size - last).abs() <= TOLERANCE * size {
            return Ok(2.0 / size);
        }
        last = size;
    }
    Err(LinalgError::NoConvergence("power iteration of the covariance map"))
}

/// The largest stable gamma, the same at all times.
pub(super) fn integrate(
    problem: &StreamingSgd,
    start: &Start,
    times: &[f64],
    names: &[String],
    options: &LawOptions,
) -> Result<Curve, LawError> {
    let clock = Instant::now();
    let rate = largest_stable_rate(problem, start, options)?;
    let mut curve = Curve::new(names);
    for &time in times {
        curve.push(time, &vec![rate; names.len()]);
    }
    curve.work.seconds = clock.elapsed().as_secs_f64();
    Ok(curve)
}

fn largest_stable_rate(problem: &StreamingSgd, start: &Start, options: &LawOptions) -> Result<f64, LawError> {
    let rates = Rates::new(problem, options)?;
    // A law whose steps are longer than the rate says finds a smaller rate.
    let longer = if options.faults.iter().any(|fault| fault == "scale=rate") { LONGER } else { 1.0 };
    let rate = match start {
        Start::Samples(inputs) => {
            let (n, d) = inputs.shape();
            // kicks is 1/B, or 0 under a fault.
            let share = rates.kicks * problem.batch as f64 * problem.kept_noise(n);
            let step = stable_step(inputs, share)
                .map_err(|error| LawError::Integration { reason: error.to_string() })?;
            step * d as f64
        }
        Start::Size(_) if problem.moments == Moments::Data => {
            return Err(LawError::Start { reason: "the law needs the data of a replica".into() });
        }
        Start::Size(0) if problem.moments == Moments::Gaussian => {
            return Err(LawError::Start {
                reason: "the exact moments are those of a dimension, and there is none".into(),
            });
        }
        Start::Size(size) if problem.moments == Moments::Gaussian => {
            let eigenvalues = problem.spectrum.eigenvalues(*size);
            gaussian::stable_step(&eigenvalues, rates.kicks, rates.fourth) * *size as f64
        }
        Start::Size(size) => {
            let groups = problem.groups(*size).ok_or_else(|| no_limit(problem))?;
            let mean: f64 = groups.iter().map(|g| g.fraction * g.eigenvalue).sum();
            2.0 / (mean * rates.kicks)
        }
        _ => {
            return Err(LawError::Start {
                reason: "a largest stable rate is that of a size or of a data set".into(),
            });
        }
    };
    Ok(rate / longer)
}
