//! Quadratic networks of extensive width, learned from real samples.

mod denoiser;
mod estimators;
mod samples;

use super::{Measure, Replica, SimulationError};
use crate::problem::extensive_width::{Algorithm, ExtensiveWidth};
use crate::problem::scaling::OnePassStep;
use crate::problem::{Definition, Start};
use crate::rng::Stream;
use crate::trajectory::{Curve, End};
use estimators::{Descent, Gamp};
use nalgebra::DMatrix;
use samples::{Samples, squared_error};
use std::time::Instant;

enum Run {
    Gamp(Gamp),
    Descent(Descent),
}

/// What one snapshot can report.
#[derive(Clone, Copy)]
struct State {
    error: f64,
    effective_noise: f64,
    start_error: f64,
}

impl Run {
    fn update(&mut self, samples: &mut Samples) -> Result<(), SimulationError> {
        match self {
            Self::Gamp(gamp) => gamp.update(samples)?,
            Self::Descent(descent) => descent.update(samples),
        }
        Ok(())
    }

    fn state(&mut self, samples: &Samples) -> State {
        match self {
            Self::Gamp(gamp) => State {
                error: squared_error(&gamp.estimate, &samples.teacher),
                effective_noise: gamp.effective_noise,
                start_error: f64::NAN,
            },
            Self::Descent(descent) => {
                let (mean, start_error) = descent.average(|m| squared_error(m, &samples.teacher));
                let error = squared_error(&mean, &samples.teacher);
                State { error, effective_noise: f64::NAN, start_error }
            }
        }
    }
}

fn observe(problem: &ExtensiveWidth, state: &State, name: &str) -> Result<f64, SimulationError> {
    Ok(match (name, problem.algorithm) {
        ("mmse" | "error", _) => state.error,
        ("scaled_mmse", _) => problem.width_ratio * state.error,
        ("effective_noise", Algorithm::Gamp { .. }) => state.effective_noise,
        ("start_error", Algorithm::GradientDescent { .. }) => state.start_error,
        _ => return Err(SimulationError::UnknownObservable(name.to_string())),
    })
}

/// S seen through symmetric Gaussian noise, denoised once.
fn denoise_once(
    problem: &ExtensiveWidth,
    d: usize,
    variance: f64,
    stream: &Stream,
) -> Result<f64, SimulationError> {
    let (_, teacher) = samples::teacher(problem, d, stream);
    let mut noise = DMatrix::zeros(d, d);
    stream.child("data").gaussians().fill(noise.as_mut_slice());
    let scale = (0.5 * variance).sqrt() * OnePassStep::new(d).field;
    let mut matrix = &teacher + (&noise + noise.transpose()) * scale;
    let kappa = problem.units(d) as f64 / d as f64;
    denoiser::denoise(&mut matrix, &mut noise, kappa, variance)?;
    Ok(squared_error(&matrix, &teacher))
}

pub(super) fn replica(
    problem: &ExtensiveWidth,
    size: usize,
    measure: &Measure,
    stream: &Stream,
    stop: &dyn Fn() -> bool,
) -> Result<Replica, SimulationError> {
    let clock = Instant::now();
    super::check_times(measure)?;
    let needed = problem.smallest_size();
    if size < needed {
        return Err(SimulationError::TooSmall { size, needed });
    }
    let mut curve = Curve::new(measure.observables);
    if let Algorithm::Denoiser { variance } = problem.algorithm {
        let error = denoise_once(problem, size, variance, stream)?;
        let mut values = Vec::with_capacity(measure.observables.len());
        for name in measure.observables {
            values.push(match name.as_str() {
                "denoiser_error" => error,
                "samples_needed" => error / (2.0 * variance),
                _ => return Err(SimulationError::UnknownObservable(name.clone())),
            });
        }
        for &time in measure.times {
            curve.push(time, &values);
        }
        curve.work.seconds = clock.elapsed().as_secs_f64();
        return Ok(Replica { curve, start: Start::Size(size) });
    }
    let n = problem.samples(size);
    if n == 0 {
        return Err(SimulationError::NoSamples { samples: n, size });
    }
    let mut samples = Samples::new(problem, size, stream);
    let mut run = match problem.algorithm {
        Algorithm::GradientDescent { starts, rate, init_std } => {
            Run::Descent(Descent::new(problem, size, (starts, rate, init_std), stream))
        }
        Algorithm::Gamp { damping, estimate_damping } => {
            Run::Gamp(Gamp::new(problem, size, (damping, estimate_damping)))
        }
        Algorithm::Denoiser { .. } => return Err(SimulationError::OnlyALaw("denoised above")),
    };
    let mut values = vec![0.0; measure.observables.len()];
    let mut updates = 0;
    'times: for &time in measure.times {
        while updates < time.round() as u64 {
            if stop() {
                return Err(SimulationError::Interrupted);
            }
            match run.update(&mut samples) {
                Ok(()) => updates += 1,
                Err(SimulationError::Linalg(error)) => {
                    curve.end = End::Diverged { time: updates as f64, reason: error.to_string() };
                    break 'times;
                }
                Err(error) => return Err(error),
            }
        }
        let state = run.state(&samples);
        if !state.error.is_finite() {
            let time = curve.times.last().copied().unwrap_or(0.0);
            curve.end = End::Diverged { time, reason: format!("the error is {}", state.error) };
            break;
        }
        for (value, name) in values.iter_mut().zip(measure.observables) {
            *value = observe(problem, &state, name)?;
        }
        curve.push(updates as f64, &values);
    }
    curve.work.updates = updates;
    curve.work.seconds = clock.elapsed().as_secs_f64();
    Ok(Replica { curve, start: Start::Size(size) })
}
