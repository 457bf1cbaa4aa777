//! Batch Hessians drawn and decomposed. Nothing is trained: every time sees the same matrix.

use super::{Measure, Replica, SimulationError};
use crate::linalg::{SymmetricEigen, symmetric_eigen, transpose_product};
use crate::problem::Start;
use crate::problem::batch_hessian::{BatchHessian, Noise};
use crate::problem::scaling::OnePassStep;
use crate::rng::Stream;
use crate::trajectory::Curve;
use nalgebra::DMatrix;
use std::time::Instant;

/// The batch Hessian; the true outlier is the first axis.
fn draw(problem: &BatchHessian, p: usize, stream: &Stream) -> Result<DMatrix<f64>, SimulationError> {
    let mut gaussians = stream.child("data").gaussians();
    let b = problem.effective_samples(p);
    match problem.noise {
        Noise::Additive { std } => {
            let mut noise = DMatrix::zeros(p, p);
            gaussians.fill(noise.as_mut_slice());
            // Entries of variance std^2 / b off the diagonal, 1/b = load / P.
            let scale = std * (0.5 * problem.load()).sqrt() * OnePassStep::new(p).field;
            let mut hessian = (&noise + noise.transpose()) * scale;
            hessian[(0, 0)] += problem.outlier;
            Ok(hessian)
        }
        Noise::Multiplicative { std } => {
            if b == 0 {
                return Err(SimulationError::EmptyTrainingSet {
                    per_dimension: problem.batch_ratio,
                    size: p,
                });
            }
            let mut samples = DMatrix::zeros(b, p);
            gaussians.fill(samples.as_mut_slice());
            samples *= std;
            samples.column_mut(0).scale_mut(problem.outlier.sqrt() / std);
            Ok(transpose_product(&samples, &samples) / b as f64)
        }
    }
}

pub(super) fn replica(
    problem: &BatchHessian,
    size: usize,
    measure: &Measure,
    stream: &Stream,
    stop: &dyn Fn() -> bool,
) -> Result<Replica, SimulationError> {
    let clock = Instant::now();
    super::check_times(measure)?;
    if size < 2 {
        return Err(SimulationError::TooSmall { size, needed: 2 });
    }
    if stop() {
        return Err(SimulationError::Interrupted);
    }
    let eigen = symmetric_eigen(&draw(problem, size, stream)?)?;
    let mut curve = Curve::new(measure.observables);
    for &time in measure.times {
        let mut values = Vec::with_capacity(measure.observables.len());
        for name in measure.observables {
            values.push(observe(problem, &eigen, name, time)?);
        }
        curve.push(time, &values);
    }
    curve.work.seconds = clock.elapsed().as_secs_f64();
    Ok(Replica { curve, start: Start::Size(size) })
}

fn observe(
    problem: &BatchHessian,
    eigen: &SymmetricEigen,
    name: &str,
    time: f64,
) -> Result<f64, SimulationError> {
    let last = eigen.values.len() - 1;
    let top = eigen.values[last];
    Ok(match name {
        "top_eigenvalue" => top,
        "largest_rate" => 2.0 / top,
        "adaptive_rate" => 2.0 / top.sqrt(),
        "alignment" => eigen.vectors[(0, last)] * eigen.vectors[(0, last)],
        "density" => {
            let (low, high) = (time - 0.5 * problem.window, time + 0.5 * problem.window);
            // Zeros of a rank-deficient matrix come out as rounding of either sign.
            let rounding = 1e-12 * top;
            let inside = |&&l: &&f64| {
                let l = if l.abs() < rounding { 0.0 } else { l };
                low <= l && l < high
            };
            eigen.values.iter().filter(inside).count() as f64 / (eigen.values.len() as f64 * problem.window)
        }
        _ => return Err(SimulationError::UnknownObservable(name.to_string())),
    })
}
