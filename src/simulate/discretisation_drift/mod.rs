//! Plain gradient descent on a function of few coordinates.

mod gradient;

use super::{Measure, Replica, SimulationError};
use crate::linalg::symmetric_eigen;
use crate::problem::Start;
use crate::problem::discretisation_drift::DiscretisationDrift;
use crate::trajectory::{Curve, End};
use gradient::Loss;
use nalgebra::DMatrix;
use std::time::Instant;

const UPDATES_BETWEEN_POLLS: u64 = 1 << 12;

enum Target {
    Loss,
    Theta(usize),
    Sharpness,
}

fn parse(name: &str, dimension: usize) -> Option<Target> {
    match name {
        "loss" => Some(Target::Loss),
        "sharpness" => Some(Target::Sharpness),
        _ => {
            let index = name.strip_prefix("theta[")?.strip_suffix(']')?;
            let index = index.parse::<usize>().ok()?.checked_sub(1)?;
            (index < dimension).then_some(Target::Theta(index))
        }
    }
}

/// Largest eigenvalue of the Hessian by central differences of the gradient, good to about 1e-9.
fn sharpest(loss: &mut Loss, theta: &[f64]) -> Result<f64, SimulationError> {
    let n = theta.len();
    let (mut up, mut down) = (vec![0.0; n], vec![0.0; n]);
    let mut moved = theta.to_vec();
    let mut hessian = DMatrix::zeros(n, n);
    for j in 0..n {
        let delta = 1e-5 * theta[j].abs().max(1.0);
        moved[j] = theta[j] + delta;
        loss.gradient(&moved, &mut up);
        moved[j] = theta[j] - delta;
        loss.gradient(&moved, &mut down);
        moved[j] = theta[j];
        for i in 0..n {
            let slope = 0.25 * (up[i] - down[i]) / delta;
            hessian[(i, j)] += slope;
            hessian[(j, i)] += slope;
        }
    }
    Ok(symmetric_eigen(&hessian)?.values[n - 1])
}

pub(super) fn replica(
    problem: &DiscretisationDrift,
    size: usize,
    measure: &Measure,
    stop: &dyn Fn() -> bool,
) -> Result<Replica, SimulationError> {
    let clock = Instant::now();
    super::check_times(measure)?;
    if size == 0 {
        return Err(SimulationError::TooSmall { size, needed: 1 });
    }
    let n = problem.dimension();
    let parse =
        |name: &String| parse(name, n).ok_or_else(|| SimulationError::UnknownObservable(name.clone()));
    let targets: Vec<Target> = measure.observables.iter().map(parse).collect::<Result<_, _>>()?;
    let mut loss = Loss::new(&problem.function);
    let mut theta = problem.start.clone();
    let mut gradient = vec![0.0; n];
    let h = problem.step_at(size);
    let mut curve = Curve::new(measure.observables);
    let mut updates = 0;
    for &time in measure.times {
        let wanted = problem.updates_at(time, size);
        while updates < wanted {
            if updates % UPDATES_BETWEEN_POLLS == 0 && stop() {
                return Err(SimulationError::Interrupted);
            }
            loss.gradient(&theta, &mut gradient);
            theta.iter_mut().zip(&gradient).for_each(|(x, g)| *x -= h * g);
            updates += 1;
        }
        let time = problem.time_of(updates, size);
        if theta.iter().any(|x| !x.is_finite()) {
            curve.end = End::Diverged { time, reason: "a coordinate is not finite".into() };
            break;
        }
        let mut values = Vec::with_capacity(targets.len());
        for target in &targets {
            values.push(match *target {
                Target::Loss => loss.value(&theta),
                Target::Theta(i) => theta[i],
                Target::Sharpness => h * sharpest(&mut loss, &theta)?,
            });
        }
        curve.push(time, &values);
    }
    curve.work.updates = updates;
    curve.work.seconds = clock.elapsed().as_secs_f64();
    Ok(Replica { curve, start: Start::Size(size) })
}
