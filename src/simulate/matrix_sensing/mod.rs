//! Matrix sensing by gradient descent on real factors, on the population or on drawn measurements.

mod factors;
mod sensing;

use super::{Measure, Replica, SimulationError};
use crate::linalg::{symmetric_eigen, transpose_product};
use crate::problem::matrix_sensing::{self as definition, Factors, MatrixSensing};
use crate::problem::{Definition, Method, Start};
use crate::rng::Stream;
use crate::trajectory::{Curve, End};
use factors::Descent;
use nalgebra::DMatrix;
use std::time::Instant;

enum Target {
    Error,
    ScaledError,
    Rate,
    Strength(usize),
    Excess,
    Imbalance(usize),
    Restricted,
    FinalRate,
}

impl Target {
    fn parse(name: &str, problem: &MatrixSensing) -> Option<Self> {
        let plain = match name {
            "error" => Some(Self::Error),
            "scaled_error" => Some(Self::ScaledError),
            "rate" => Some(Self::Rate),
            "excess" => Some(Self::Excess),
            "final_rate" if !problem.is_symmetric() => Some(Self::FinalRate),
            "restricted_eigenvalue" if !problem.is_symmetric() && problem.excess() > 0 => {
                Some(Self::Restricted)
            }
            _ => None,
        };
        if plain.is_some() {
            return plain;
        }
        let (family, index) = name.strip_suffix(']')?.split_once('[')?;
        let index = index.parse::<usize>().ok()?.checked_sub(1)?;
        match family {
            "strength" if index < problem.rank() => Some(Self::Strength(index)),
            "imbalance" if !problem.is_symmetric() && index < problem.columns => Some(Self::Imbalance(index)),
            _ => None,
        }
    }
}

/// F^T F - G^T G.
fn imbalance(f: &DMatrix<f64>, g: &DMatrix<f64>) -> DMatrix<f64> {
    transpose_product(f, f) - transpose_product(g, g)
}

/// Smallest eigenvalue on the right singular directions of G that belong to its smallest singular values.
fn restricted(f: &DMatrix<f64>, g: &DMatrix<f64>, excess: usize) -> Result<f64, SimulationError> {
    let gram = symmetric_eigen(&transpose_product(g, g))?;
    let null = gram.vectors.columns(0, excess).into_owned();
    let inside = null.transpose() * imbalance(f, g) * &null;
    Ok(symmetric_eigen(&inside)?.values[0])
}

fn observe(
    descent: &mut Descent,
    problem: &MatrixSensing,
    targets: &[Target],
    time: f64,
    step: f64,
) -> Result<Vec<f64>, SimulationError> {
    let gap = descent.gap().clone();
    let r = problem.rank();
    let error = gap.norm_squared();
    let mut eigenvalues = None;
    let mut values = Vec::with_capacity(targets.len());
    for target in targets {
        values.push(match *target {
            Target::Error => error,
            Target::ScaledError => time * time * error,
            Target::Rate => -0.5 * descent.next_decay() / step,
            Target::Strength(i) => gap[(i, i)] + problem.strengths[i],
            Target::Excess => gap.view_range(r.., r..).norm_squared(),
            Target::Imbalance(i) => {
                let Some(g) = &descent.g else { continue };
                if eigenvalues.is_none() {
                    eigenvalues = Some(symmetric_eigen(&imbalance(&descent.f, g))?.values);
                }
                eigenvalues.as_ref().map_or(f64::NAN, |values| values[i])
            }
            Target::FinalRate => {
                let Some(g) = &descent.g else { continue };
                let left = symmetric_eigen(&transpose_product(&descent.f, &descent.f))?.values[0];
                let right = symmetric_eigen(&transpose_product(g, g))?.values[problem.excess()];
                left.min(right)
            }
            Target::Restricted => {
                let Some(g) = &descent.g else { continue };
                restricted(&descent.f, g, problem.excess())?
            }
        });
    }
    Ok(values)
}

pub(super) fn start(problem: &MatrixSensing, size: usize, stream: &Stream) -> Start {
    let (f, g) = factors::draw(problem, stream);
    Start::MatrixSensing(definition::Start::Measured { factors: Box::new(Factors { f, g }), size })
}

pub(super) fn replica(
    problem: &MatrixSensing,
    size: usize,
    measure: &Measure,
    stream: &Stream,
    stop: &dyn Fn() -> bool,
) -> Result<Replica, SimulationError> {
    let clock = Instant::now();
    super::check_times(measure)?;
    if size == 0 {
        return Err(SimulationError::TooSmall { size, needed: 1 });
    }
    let parse = |name: &String| {
        Target::parse(name, problem).ok_or_else(|| SimulationError::UnknownObservable(name.clone()))
    };
    let targets: Vec<Target> = measure.observables.iter().map(parse).collect::<Result<_, _>>()?;
    let start = start(problem, size, stream);
    let mut descent = Descent::new(problem, size, stream, stop)?;
    let cure = problem.cure.map(|cure| (problem.updates_at(cure.time, size), cure));
    let update = problem.cost(problem.step(size), size, Method::Direct, false).max(1e-7);
    let between_polls = (5e-3 / update) as u64 + 1;
    let step = problem.step(size);
    let mut curve = Curve::new(measure.observables);
    let mut updates = 0;
    let mut cured = false;
    for &time in measure.times {
        let wanted = problem.updates_at(time, size);
        loop {
            if let Some((_, cure)) = cure.filter(|&(at, _)| !cured && at == updates) {
                descent.cure(cure)?;
                cured = true;
            }
            if updates >= wanted {
                break;
            }
            if updates % between_polls == 0 && stop() {
                return Err(SimulationError::Interrupted);
            }
            descent.update();
            updates += 1;
        }
        let time = problem.time_of(updates, size);
        let values = if descent.is_finite() {
            observe(&mut descent, problem, &targets, time, step)?
        } else {
            vec![f64::NAN]
        };
        if let Some(value) = values.iter().find(|value| !value.is_finite()) {
            curve.end = End::Diverged { time, reason: format!("an observable is {value}") };
            break;
        }
        curve.push(time, &values);
    }
    curve.work.updates = updates;
    curve.work.seconds = clock.elapsed().as_secs_f64();
    Ok(Replica { curve, start })
}
