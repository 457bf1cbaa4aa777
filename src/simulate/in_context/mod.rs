//! Predictors of linear regression in context on real prompts.

mod attention;
mod prompts;

use super::{Measure, Replica, SimulationError};
use crate::problem::Start;
use crate::problem::in_context::{InContext, Predictor};
use crate::rng::Stream;
use crate::trajectory::{Curve, End};
use attention::{Attention, Steps};
use prompts::{Prompts, product};
use std::f64::consts::PI;
use std::time::Instant;

/// Numbers of prompts between two questions whether to stop.
const WORK_BETWEEN_POLLS: usize = 1 << 21;

/// What one snapshot can report.
struct State {
    risk: f64,
    rate: f64,
    first: f64,
    last: f64,
    off_diagonal: f64,
}

impl State {
    /// Measures a step matrix by its entries.
    fn of(problem: &InContext, risk: f64, entry: impl Fn(usize, usize) -> f64) -> Self {
        let d = problem.dimension;
        let s = problem.input_variances();
        let rate = (0..d).map(|i| s[i] * entry(i, i)).sum::<f64>() / d as f64;
        let mut squares = 0.0;
        for i in 0..d {
            for j in (0..d).filter(|&j| j != i) {
                squares += entry(i, j) * entry(i, j);
            }
        }
        let pairs = (d * (d - 1)).max(1) as f64;
        Self {
            risk,
            rate,
            first: s[0] * entry(0, 0),
            last: s[d - 1] * entry(d - 1, d - 1),
            off_diagonal: (squares / pairs).sqrt(),
        }
    }

    fn observe(&self, name: &str) -> Result<f64, SimulationError> {
        Ok(match name {
            "risk" | "best_risk" => self.risk,
            "rate" | "best_rate" => self.rate,
            "rate_first" => self.first,
            "rate_last" => self.last,
            "off_diagonal" => self.off_diagonal,
            _ => return Err(SimulationError::UnknownObservable(name.to_string())),
        })
    }
}

/// Mean risk of an estimator of the task on fresh prompts.
fn test_risk(problem: &InContext, stream: &Stream, mut estimate: impl FnMut(&Prompts, &mut [f64])) -> f64 {
    let mut prompts = Prompts::new(problem, stream);
    let mut theta = vec![0.0; problem.dimension];
    let mut sum = 0.0;
    for _ in 0..problem.test_prompts {
        prompts.draw();
        estimate(&prompts, &mut theta);
        sum += prompts.query_risk(&theta);
    }
    sum / problem.test_prompts as f64
}

/// P sum y_i x_i.
fn step_of(examples: &[f64], shape: &[f64], out: &mut [f64]) {
    let d = shape.len();
    out.fill(0.0);
    for example in examples.chunks_exact(d + 1) {
        for (out, x) in out.iter_mut().zip(&example[..d]) {
            *out += example[d] * x;
        }
    }
    for (out, p) in out.iter_mut().zip(shape) {
        *out *= p;
    }
}

/// One step: at the stated rate, or at that of least squares on `size` prompts.
fn one_step(
    problem: &InContext,
    size: usize,
    (rate, preconditioned): (Option<f64>, bool),
    stream: &Stream,
    stop: &dyn Fn() -> bool,
) -> Result<State, SimulationError> {
    let shape: Vec<f64> =
        problem.input_variances().iter().map(|s| if preconditioned { 1.0 / s } else { 1.0 }).collect();
    let rate = match rate {
        Some(rate) => rate,
        None => {
            let mut prompts = Prompts::new(problem, &stream.child("data"));
            let mut step = vec![0.0; problem.dimension];
            let (mut gain, mut square) = (0.0, 0.0);
            for i in 0..size {
                if i % 4096 == 0 && stop() {
                    return Err(SimulationError::Interrupted);
                }
                prompts.draw();
                step_of(&prompts.examples, &shape, &mut step);
                let feature = product(&step, &prompts.query);
                gain += prompts.clean * feature;
                square += feature * feature;
            }
            gain / square
        }
    };
    let risk = test_risk(problem, &stream.child("test-set"), |prompts, theta| {
        step_of(&prompts.examples, &shape, theta);
        theta.iter_mut().for_each(|t| *t *= rate);
    });
    Ok(State::of(problem, risk, |i, j| if i == j { rate * shape[i] } else { 0.0 }))
}

pub(super) fn replica(
    problem: &InContext,
    size: usize,
    measure: &Measure,
    stream: &Stream,
    stop: &dyn Fn() -> bool,
) -> Result<Replica, SimulationError> {
    let clock = Instant::now();
    super::check_times(measure)?;
    if size == 0 {
        return Err(SimulationError::NoSamples { samples: 0, size });
    }
    let mut curve = Curve::new(measure.observables);
    let mut values = vec![0.0; measure.observables.len()];
    let (optimizer, rate, decay, init) = match problem.predictor {
        Predictor::Attention { optimizer, rate, decay, init } => (optimizer, rate, decay, init),
        Predictor::OneStep { rate, preconditioned } => {
            let state = one_step(problem, size, (rate, preconditioned), stream, stop)?;
            for (value, name) in values.iter_mut().zip(measure.observables) {
                *value = state.observe(name)?;
            }
            for &time in measure.times {
                curve.push(time, &values);
            }
            curve.work.seconds = clock.elapsed().as_secs_f64();
            return Ok(Replica { curve, start: Start::Size(size) });
        }
    };
    let mut attention = Attention::new(problem, init, stream);
    let mut steps = Steps::new(optimizer, attention.parameters.len());
    let mut prompts = Prompts::new(problem, &stream.child("data"));
    let tests = stream.child("test-set");
    let measures_risk = measure.observables.iter().any(|name| name.ends_with("risk"));
    let between_polls = WORK_BETWEEN_POLLS / prompts.examples.len() + 1;
    let weight = 1.0 / size as f64;
    let (mut updates, mut drawn) = (0_u64, 0);
    for (k, &time) in measure.times.iter().enumerate() {
        while updates < time.round() as u64 {
            for _ in 0..size {
                if drawn % between_polls == 0 && stop() {
                    return Err(SimulationError::Interrupted);
                }
                drawn += 1;
                prompts.draw();
                attention.accumulate(&prompts, weight);
            }
            let factor =
                decay.map_or(1.0, |end| 0.5 * (1.0 + libm::cos(PI * (updates as f64 / end).min(1.0))));
            steps.update(&mut attention, rate * factor);
            updates += 1;
        }
        let risk = if measures_risk {
            test_risk(problem, &tests.index(k as u64), |prompt, theta| attention.task_estimate(prompt, theta))
        } else {
            0.0
        };
        let state = State::of(problem, risk, |i, j| attention.step(i, j));
        if !(state.risk.is_finite() && state.rate.is_finite()) {
            let reason = format!("risk {}, rate {} of the step", state.risk, state.rate);
            curve.end = End::Diverged { time: curve.times.last().copied().unwrap_or(0.0), reason };
            break;
        }
        for (value, name) in values.iter_mut().zip(measure.observables) {
            *value = state.observe(name)?;
        }
        curve.push(updates as f64, &values);
    }
    curve.work.updates = updates;
    curve.work.seconds = clock.elapsed().as_secs_f64();
    Ok(Replica { curve, start: Start::Size(size) })
}
