//! The law of linear regression in context: the best preconditioned step, and how attention trained by SGD finds it.
//!
//! A. Mahankali, T. Hashimoto & T. Ma 2023, arXiv:2307.03576; K. Ahn, X. Cheng, H. Daneshmand & S. Sra 2023,
//! arXiv:2306.00297; the training curve is derived here. Letters: s_i and gamma_i variances of inputs and task along
//! direction i, s2 the noise, n the context, M_i the step's matrix. With c = sum y_i x_i,
//! E[c w^T] = n S Gamma and E[c c^T] = n [(n + 1) S Gamma S + (tr(S Gamma) + s2) S] = n B. Exact at every d and n; the training
//! curve is the limit of many prompts per update.

use super::{LawError, LawOptions};
use crate::problem::Definition;
use crate::problem::in_context::{InContext, Init, KIND, Optimizer, Predictor};
use crate::trajectory::{Curve, End};
use std::f64::consts::PI;

/// Moments of a prompt.
///
/// ```
/// use asymptotica::problem::in_context::{Covariance, InContext, Predictor, Prior};
/// use asymptotica::theory::in_context::Law;
/// let law = Law::new(&InContext {
///     dimension: 8,
///     context: 20,
///     covariance: Covariance::Identity,
///     prior: Prior::Identity,
///     noise_variance: 0.5,
///     predictor: Predictor::OneStep { rate: None, preconditioned: false },
///     test_prompts: 1,
/// });
/// let best = law.best();
/// assert!((best[0] - 1.0 / 29.5).abs() < 1e-15);
/// assert!((law.risk(&best) - 2.5763).abs() < 5e-5);
/// ```
#[derive(Clone, Debug)]
pub struct Law {
    context: f64,
    inputs: Vec<f64>,
    tasks: Vec<f64>,
    /// b_i.
    moments: Vec<f64>,
}

impl Law {
    pub fn new(problem: &InContext) -> Self {
        Self::with(problem, 1.0, 1.0, 1.0)
    }

    fn with(problem: &InContext, one: f64, noise: f64, trace: f64) -> Self {
        let (inputs, tasks) = (problem.input_variances(), problem.task_variances());
        let n = problem.context as f64;
        let total: f64 = inputs.iter().zip(&tasks).map(|(s, g)| s * g).sum();
        let rest = trace * total + noise * problem.noise_variance;
        let moments = inputs.iter().zip(&tasks).map(|(s, g)| (n + one) * s * s * g + rest * s).collect();
        Self { context: n, inputs, tasks, moments }
    }

    fn with_faults(problem: &InContext, options: &LawOptions) -> Result<Self, LawError> {
        let (mut one, mut noise, mut trace) = (1.0, 1.0, 1.0);
        for fault in &options.faults {
            match fault.as_str() {
                "drop=one" => one = 0.0,
                "drop=noise" => noise = 0.0,
                "drop=trace" => trace = 0.0,
                other => return Err(super::unknown_fault(other, &KIND)),
            }
        }
        Ok(Self::with(problem, one, noise, trace))
    }

    /// Excess risk of the step with diagonal matrix `m`.
    pub fn risk(&self, m: &[f64]) -> f64 {
        let mut risk = 0.0;
        for (i, m) in m.iter().enumerate() {
            let (s, g) = (self.inputs[i], self.tasks[i]);
            risk += s * g - 2.0 * self.context * s * s * g * m + self.context * s * self.moments[i] * m * m;
        }
        risk
    }

    /// Diagonal of the best step's matrix, gamma_i / ((n + 1) s_i gamma_i + tr(S Gamma) + s2).
    pub fn best(&self) -> Vec<f64> {
        (0..self.inputs.len()).map(|i| self.inputs[i] * self.tasks[i] / self.moments[i]).collect()
    }

    /// tr(M S)/d.
    pub fn rate(&self, m: &[f64]) -> f64 {
        m.iter().zip(&self.inputs).map(|(m, s)| m * s).sum::<f64>() / m.len() as f64
    }

    /// One gradient step with a multiple of the identity or of S^-1: the stated one, or the best.
    fn one_step(&self, rate: Option<f64>, preconditioned: bool) -> Vec<f64> {
        let shape: Vec<f64> =
            self.inputs.iter().map(|s| if preconditioned { 1.0 / s } else { 1.0 }).collect();
        let rate = rate.unwrap_or_else(|| {
            let (mut gain, mut square) = (0.0, 0.0);
            for (i, p) in shape.iter().enumerate() {
                gain += self.inputs[i] * self.inputs[i] * self.tasks[i] * p;
                square += self.inputs[i] * self.moments[i] * p * p;
            }
            gain / square
        });
        shape.into_iter().map(|p| rate * p).collect()
    }
}

/// Attention on the aligned manifold, M_i = u v_i.
struct Training<'a> {
    law: &'a Law,
    u: f64,
    v: Vec<f64>,
}

impl Training<'_> {
    fn matrix(&self) -> Vec<f64> {
        self.v.iter().map(|v| self.u * v).collect()
    }

    fn update(&mut self, rate: f64) {
        let law = self.law;
        let u = self.u;
        let mut du = 0.0;
        for (i, v) in self.v.iter_mut().enumerate() {
            let s = law.inputs[i];
            let slope = law.context * s * (law.moments[i] * u * *v - s * law.tasks[i]);
            du += *v * slope;
            *v -= rate * u * slope;
        }
        self.u -= rate * du;
    }
}

/// The law of `problem`; see [`super::integrate`].
///
/// # Errors
/// [`LawError`].
pub fn integrate(
    problem: &InContext,
    times: &[f64],
    observables: &[String],
    options: &LawOptions,
) -> Result<Curve, LawError> {
    let law = Law::with_faults(problem, options)?;
    let best = law.best();
    let mut curve = Curve::new(observables);
    let mut training = match problem.predictor {
        Predictor::Attention {
            optimizer: Optimizer::Sgd,
            rate,
            decay,
            init: Init::Aligned { value, attention },
        } => {
            let v = vec![attention; problem.dimension];
            Some((Training { law: &law, u: value, v }, rate, decay))
        }
        _ => None,
    };
    let mut updates = 0_u64;
    for &time in times {
        let m = match (&mut training, problem.predictor) {
            (Some((training, rate, decay)), _) => {
                while updates < time.round() as u64 {
                    let factor = decay
                        .map_or(1.0, |end| 0.5 * (1.0 + libm::cos(PI * (updates as f64 / end).min(1.0))));
                    training.update(*rate * factor);
                    updates += 1;
                }
                training.matrix()
            }
            (None, Predictor::OneStep { rate, preconditioned }) => law.one_step(rate, preconditioned),
            (None, _) => best.clone(),
        };
        if !law.risk(&m).is_finite() {
            let reason =
                "the rate of the training is too large: the risk left the finite numbers".to_string();
            curve.end = End::Diverged { time: curve.times.last().copied().unwrap_or(0.0), reason };
            break;
        }
        let last = m.len() - 1;
        let mut snapshot = Vec::with_capacity(observables.len());
        for name in observables {
            snapshot.push(match name.as_str() {
                "risk" => law.risk(&m),
                "best_risk" => law.risk(&best),
                "rate" => law.rate(&m),
                "best_rate" => law.rate(&best),
                "rate_first" => law.inputs[0] * m[0],
                "rate_last" => law.inputs[last] * m[last],
                "off_diagonal" => 0.0,
                _ => return Err(super::unknown_observable(name, &problem.observables())),
            });
        }
        curve.push(time, &snapshot);
    }
    Ok(curve)
}

/// The value of a named formula; see [`super::overlay`].
///
/// # Errors
/// [`LawError::UnknownOverlay`].
pub fn overlay(problem: &InContext, name: &str) -> Result<f64, LawError> {
    let law = Law::new(problem);
    match name {
        "best-risk" => Ok(law.risk(&law.best())),
        "best-rate" => Ok(law.rate(&law.best())),
        _ => Err(super::unknown_overlay(name, &KIND)),
    }
}
