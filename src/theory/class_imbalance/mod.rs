//! The laws of softmax regression on one-hot classes of unequal frequency, for vanishing steps.
//!
//! F. Kunstner, R. Yadav, A. Milligan, M. Schmidt & A. Bietti 2024, arXiv:2402.19449, for gradient and sign flow. Letters:
//! c classes of frequency pi_k, z_k margin, kappa learning rate, t = updates / size, mu momentum, epsilon that of Adam.
//! Each update has the length kappa / size; the laws are the limit of infinite size at fixed t, and deviations go as
//! 1 / size, except for sign descent, which is exact at whole updates.
//!
//! | algorithm | law |
//! |---|---|
//! | gradient descent | (c - 1) z + e^z - 1 = c kappa pi_k t, solved by Newton's method to rounding |
//! | heavy ball | the same with kappa / (1 - mu) |
//! | normalised gradient descent | the same on a clock s(t) that all classes share, s' = 1 / norm of the gradient |
//! | sign descent | z = 2 kappa t |
//! | Adam | z' = kappa (a / (a + epsilon) + b / (b + epsilon)), a = pi_k (1 - p_k), b = a / (c - 1) |

mod flow;

pub use flow::{loss, margin, missing};

use super::{LawError, LawOptions};
use crate::problem::Definition;
use crate::problem::class_imbalance::{Algorithm, ClassImbalance, Inputs, KIND};
use crate::trajectory::Curve;
use std::time::Instant;

/// The law, faults included.
#[derive(Clone, Debug)]
struct Law<'a> {
    problem: &'a ClassImbalance,
    /// pi_k as the law takes them.
    shares: Vec<f64>,
    /// kappa, divided by 1 - mu where there is a momentum.
    rate: f64,
    /// Factor on the rate of gradient flows that stands for c / (c - 1).
    classes: f64,
    /// Rate of a margin where all signs are as at the start.
    sign: f64,
    epsilon: f64,
}

impl<'a> Law<'a> {
    fn new(problem: &'a ClassImbalance, options: &LawOptions) -> Result<Self, LawError> {
        let c = problem.classes() as f64;
        let mut law = Self {
            problem,
            shares: problem.shares.clone(),
            rate: problem.learning_rate,
            classes: 1.0,
            sign: 2.0,
            epsilon: 0.0,
        };
        let mut momentum = 0.0;
        match problem.algorithm {
            Algorithm::HeavyBall { momentum: mu } => momentum = mu,
            Algorithm::Adam { epsilon, .. } => law.epsilon = epsilon,
            _ => {}
        }
        for fault in &options.faults {
            match fault.as_str() {
                "drop=frequency" => law.shares.fill(1.0),
                "drop=classes" => law.classes = (c - 1.0) / c,
                "halve=sign" => law.sign = 1.0,
                "drop=momentum" => momentum = 0.0,
                "drop=epsilon" => law.epsilon = 0.0,
                other => return Err(super::unknown_fault(other, &KIND)),
            }
        }
        law.rate /= 1.0 - momentum;
        Ok(law)
    }

    /// Margins of all classes at all times.
    fn margins(&self, times: &[f64], tolerance: f64, curve: &mut Curve) -> Result<Vec<Vec<f64>>, LawError> {
        let c = self.problem.classes();
        let flowed = |s: f64| -> Vec<f64> {
            let at = |pi: &f64| margin(c, self.classes * pi * s);
            self.shares.iter().map(at).collect()
        };
        match self.problem.algorithm {
            Algorithm::Gd | Algorithm::HeavyBall { .. } => {
                Ok(times.iter().map(|t| flowed(self.rate * t)).collect())
            }
            Algorithm::NormalisedGd => {
                let scaled: Vec<f64> = times.iter().map(|t| self.rate * t).collect();
                let clock = flow::normalised_clock(c, &self.shares, self.classes, &scaled, tolerance, curve)?;
                Ok(clock.into_iter().map(flowed).collect())
            }
            Algorithm::Adam { .. } if self.epsilon > 0.0 => {
                let scaled: Vec<f64> = times.iter().map(|t| self.rate * t).collect();
                let halved = 0.5 * self.sign;
                flow::regularised_sign(c, &self.shares, halved, self.epsilon, &scaled, tolerance, curve)
            }
            Algorithm::Sign | Algorithm::Adam { .. } => {
                Ok(times.iter().map(|t| vec![self.sign * self.rate * t; c]).collect())
            }
        }
    }

    /// Whether margins come from an integration.
    fn is_integrated(&self) -> bool {
        match self.problem.algorithm {
            Algorithm::NormalisedGd => true,
            Algorithm::Adam { .. } => self.epsilon > 0.0,
            _ => false,
        }
    }

    fn once(
        &self,
        times: &[f64],
        targets: &[Target],
        names: &[String],
        tolerance: f64,
    ) -> Result<Curve, LawError> {
        let mut curve = Curve::new(names);
        let margins = self.margins(times, tolerance, &mut curve)?;
        let c = self.problem.classes();
        let groups = self.members();
        for (&time, margins) in times.iter().zip(&margins) {
            let losses: Vec<f64> = margins.iter().map(|&z| loss(c, z)).collect();
            let values: Vec<f64> = targets
                .iter()
                .map(|target| match *target {
                    Target::Loss => self.problem.shares.iter().zip(&losses).map(|(pi, loss)| pi * loss).sum(),
                    Target::Class(k) => losses[k],
                    Target::Margin(k) => margins[k],
                    Target::Group(i) => {
                        let mass: f64 = groups[i].iter().map(|&k| self.problem.shares[k]).sum();
                        groups[i].iter().map(|&k| self.problem.shares[k] * losses[k]).sum::<f64>() / mass
                    }
                })
                .collect();
            curve.push(time, &values);
        }
        Ok(curve)
    }

    fn members(&self) -> Vec<Vec<usize>> {
        let mut members = vec![Vec::new(); self.problem.groups];
        for (k, &group) in self.problem.group_of.iter().enumerate() {
            members[group].push(k);
        }
        members
    }
}

#[derive(Clone, Copy, Debug)]
enum Target {
    Loss,
    Class(usize),
    Group(usize),
    Margin(usize),
}

fn target(name: &str, problem: &ClassImbalance) -> Result<Target, LawError> {
    let unknown = || super::unknown_observable(name, &problem.observables());
    if name == "loss" {
        return Ok(Target::Loss);
    }
    let (family, rest) = name.split_once('[').ok_or_else(unknown)?;
    let index = rest.trim_end_matches(']').parse::<usize>().ok().and_then(|i| i.checked_sub(1));
    let index = index.ok_or_else(unknown)?;
    let (target, length) = match family {
        "class_loss" => (Target::Class(index), problem.classes()),
        "margin" => (Target::Margin(index), problem.classes()),
        "group_loss" => (Target::Group(index), problem.groups),
        _ => return Err(unknown()),
    };
    if index < length { Ok(target) } else { Err(unknown()) }
}

/// The law of `problem`; see [`super::integrate`].
///
/// # Errors
/// [`LawError`].
pub fn integrate(
    problem: &ClassImbalance,
    times: &[f64],
    observables: &[String],
    options: &LawOptions,
) -> Result<Curve, LawError> {
    if problem.inputs != Inputs::OneHot {
        let reason = problem.uncovered().unwrap_or_default();
        return Err(LawError::Uncovered { reason });
    }
    let clock = Instant::now();
    let law = Law::new(problem, options)?;
    let targets: Vec<Target> =
        observables.iter().map(|name| target(name, problem)).collect::<Result<_, _>>()?;
    let mut curve = law.once(times, &targets, observables, options.tolerance)?;
    if options.measure_error && law.is_integrated() {
        let loose = law.once(times, &targets, observables, 10.0 * options.tolerance)?;
        curve.set_errors(&loose);
    }
    curve.work.seconds = clock.elapsed().as_secs_f64();
    Ok(curve)
}

/// The value of a named formula; see [`super::overlay`].
///
/// # Errors
/// [`LawError::UnknownOverlay`].
pub fn overlay(problem: &ClassImbalance, name: &str) -> Result<f64, LawError> {
    match name {
        "chance" => Ok(libm::log(problem.classes() as f64)),
        _ => Err(super::unknown_overlay(name, &KIND)),
    }
}
