//! The noisy quadratic model with real noise: every update draws one Gaussian number for each mode.

use super::{Measure, Replica, SimulationError};
use crate::problem::Start;
use crate::problem::noisy_quadratic::{NoisyQuadratic, Optimizer, Tune};
use crate::rng::Stream;
use crate::trajectory::{Curve, End};
use std::time::Instant;

/// Modes times updates between two questions whether to stop.
const WORK_BETWEEN_POLLS: usize = 1 << 20;

struct Run<'a> {
    problem: &'a NoisyQuadratic,
    curvatures: Vec<f64>,
    /// h^-p.
    powers: Vec<f64>,
    /// Standard deviations of the gradient noise.
    deviations: Vec<f64>,
    theta: Vec<f64>,
    velocity: Vec<f64>,
    average: Vec<f64>,
    noise: Vec<f64>,
}

impl<'a> Run<'a> {
    fn new(problem: &'a NoisyQuadratic, modes: usize, stream: &Stream) -> Self {
        let curvatures = problem.spectrum.curvatures(modes);
        let mut theta = vec![0.0; modes];
        stream.child("init").gaussians().fill(&mut theta);
        theta.iter_mut().for_each(|t| *t *= problem.init_std);
        let scale = problem.noise_std / problem.batch.sqrt();
        Self {
            problem,
            powers: curvatures.iter().map(|&h| libm::pow(h, -problem.preconditioner)).collect(),
            deviations: curvatures.iter().map(|h| scale * h.sqrt()).collect(),
            curvatures,
            average: theta.clone(),
            theta,
            velocity: vec![0.0; modes],
            noise: vec![0.0; modes],
        }
    }

    /// One update with the standard normal numbers in `noise`.
    fn update(&mut self, completed: u64) {
        let rate = self.problem.learning_rate * self.problem.schedule.factor(completed);
        for i in 0..self.theta.len() {
            let noise = self.deviations[i] * self.noise[i];
            let step = rate * self.powers[i];
            match self.problem.optimizer {
                Optimizer::Sgd => self.theta[i] -= step * (self.curvatures[i] * self.theta[i] + noise),
                Optimizer::Momentum { momentum } => {
                    let gradient = self.curvatures[i] * self.theta[i] + noise;
                    self.velocity[i] = momentum * self.velocity[i] - step * gradient;
                    self.theta[i] += self.velocity[i];
                }
                Optimizer::Nesterov { momentum } => {
                    let ahead = self.theta[i] + momentum * self.velocity[i];
                    self.velocity[i] =
                        momentum * self.velocity[i] - step * (self.curvatures[i] * ahead + noise);
                    self.theta[i] += self.velocity[i];
                }
            }
        }
        let kept = self.problem.moving_average;
        if kept > 0.0 {
            for (m, t) in self.average.iter_mut().zip(&self.theta) {
                *m = kept * *m + (1.0 - kept) * t;
            }
        }
    }

    fn risk(&self) -> f64 {
        let weights = if self.problem.moving_average > 0.0 { &self.average } else { &self.theta };
        0.5 * self.curvatures.iter().zip(weights).map(|(h, w)| h * w * w).sum::<f64>()
    }
}

pub(super) fn replica(
    problem: &NoisyQuadratic,
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
    if problem.tune != Tune::Nothing {
        return Err(SimulationError::OnlyALaw("a run has the rate that it is given: set tune to none"));
    }
    if let Some(name) = measure.observables.iter().find(|name| *name != "risk") {
        return Err(SimulationError::UnknownObservable(name.clone()));
    }
    let mut run = Run::new(problem, size, stream);
    let mut noise = stream.child("batch").gaussians();
    let between_polls = (WORK_BETWEEN_POLLS / size) as u64 + 1;
    let mut curve = Curve::new(measure.observables);
    let mut updates = 0;
    for &time in measure.times {
        while updates < problem.updates_at(time) {
            if updates % between_polls == 0 && stop() {
                return Err(SimulationError::Interrupted);
            }
            noise.fill(&mut run.noise);
            run.update(updates);
            updates += 1;
        }
        let risk = run.risk();
        if !risk.is_finite() {
            let time = curve.times.last().copied().unwrap_or(0.0);
            curve.end = End::Diverged { time, reason: format!("risk is {risk}") };
            break;
        }
        curve.push(updates as f64, &vec![risk; measure.observables.len()]);
    }
    curve.work.updates = updates;
    curve.work.seconds = clock.elapsed().as_secs_f64();
    Ok(Replica { curve, start: Start::Size(size) })
}
