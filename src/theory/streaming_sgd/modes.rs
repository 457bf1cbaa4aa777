//! One pass in the limit: linear modes at a constant rate, a nonlinear ordinary differential equation with AdaGrad-norm.

use super::propagator::{Mode, Propagator};
use super::{Observable, Seen};
use crate::math::gaussian::AverageError;
use crate::problem::streaming_sgd::{Group, KIND, Rule, StreamingSgd};
use crate::theory::{Law, LawError, LawOptions};

/// What the fault scale=rate does to a step.
pub(super) const LONGER: f64 = 1.1;

/// Rate, noise and batch of the laws, faults included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rates {
    /// gamma, or eta of AdaGrad-norm.
    pub rate: f64,
    /// sigma^2 of the labels.
    pub noise: f64,
    /// sigma^2 / 2 as the risk shows it.
    pub floor: f64,
    /// 1/B, 0 without the noise of the steps.
    pub kicks: f64,
    /// 1, or 0 without the part l^2 s of the noise.
    pub fourth: f64,
}

impl Rates {
    /// # Errors
    /// An unknown fault.
    pub fn new(problem: &StreamingSgd, options: &LawOptions) -> Result<Self, LawError> {
        let noise = problem.noise_std * problem.noise_std;
        let kicks = 1.0 / problem.batch as f64;
        let mut rates = Self { rate: problem.learning_rate, noise, floor: 0.5 * noise, kicks, fourth: 1.0 };
        for fault in &options.faults {
            match fault.as_str() {
                "drop=gamma2" => rates.kicks = 0.0,
                "drop=noise-floor" => rates.floor = 0.0,
                "square=noise" => {
                    (rates.noise, rates.floor) = (problem.noise_std, 0.5 * problem.noise_std);
                }
                "drop=fourth-moment" => rates.fourth = 0.0,
                "scale=rate" => rates.rate *= LONGER,
                other => return Err(crate::theory::unknown_fault(other, &KIND)),
            }
        }
        Ok(rates)
    }
}

/// Its square divides 1 without overflow, as the integrator does where a state starts at 0.
const NEXT_TO_NOTHING: f64 = 1e-140;

/// Groups up to which [`Steady`] is used: n^2 operations a time, where an integrator costs n a step.
pub(super) const MOST_STEADY: usize = 1000;

/// The modes of [`OnePassModes`] at a constant rate, in closed form.
pub(super) struct Steady {
    groups: Vec<Group>,
    rate: f64,
    propagator: Propagator,
    spread: Vec<f64>,
}

impl Steady {
    pub fn new(groups: Vec<Group>, rates: Rates) -> Self {
        let rate = rates.rate;
        let mode = |g: &Group| Mode {
            decay: 2.0 * rate * g.eigenvalue,
            kick: 2.0 * rate * rate * rates.kicks * g.eigenvalue,
            share: 0.5 * g.fraction * g.eigenvalue,
            load: 0.5 * g.eigenvalue * g.squares,
        };
        let propagator = Propagator::new(groups.iter().map(mode).collect(), 0.5 * rates.noise);
        let spread = propagator.factors(groups.iter().map(|g| g.fraction));
        Self { groups, rate, propagator, spread }
    }

    pub fn seen(&self, t: f64) -> Seen {
        let kicked = self.propagator.kicked(t);
        let left = |g: &Group| g.squares * libm::exp(-2.0 * self.rate * g.eigenvalue * t);
        let spread: f64 = self.spread.iter().zip(&kicked).map(|(s, g)| s * g).sum();
        Seen {
            excess: self.propagator.forcing(t) + self.propagator.added(&kicked),
            distance: self.groups.iter().map(left).sum::<f64>() + spread,
            rate: self.rate,
            training: 0.0,
        }
    }
}

/// Mean squares T_i of w - w* per dimension (times d) in groups with eigenvalue l_i and share f_i:
/// dT_i/dt = -2 gamma l_i T_i + (2 gamma^2 / B) l_i Psi, Psi = sigma^2/2 + 1/2 sum_i f_i l_i T_i.
///
/// AdaGrad-norm carries b^2 as one more variable, db^2/dt = (2 tr H / (B d)) Psi, gamma = eta / b.
pub(super) struct OnePassModes {
    groups: Vec<Group>,
    rates: Rates,
    rule: Rule,
    first: f64,
}

impl OnePassModes {
    pub fn new(problem: &StreamingSgd, groups: Vec<Group>, rates: Rates) -> Self {
        let excess: f64 = groups.iter().map(|g| 0.5 * g.eigenvalue * g.squares).sum();
        Self { groups, rates, rule: problem.rule, first: rates.floor + excess }
    }

    fn excess(&self, y: &[f64]) -> f64 {
        0.5 * self.groups.iter().zip(y).map(|(g, m)| g.fraction * g.eigenvalue * m).sum::<f64>()
    }

    /// gamma where b^2 stands behind the modes.
    fn rate(&self, y: &[f64]) -> f64 {
        match self.rule {
            Rule::Constant => self.rates.rate,
            Rule::AdaGradNorm { .. } => self.rates.rate / y[self.groups.len()].sqrt(),
        }
    }
}

impl Law for OnePassModes {
    type Observable = Observable;

    /// Without label noise all of the state decays to 0, and keeps its relative accuracy.
    fn absolute_tolerance(&self, _tolerance: f64) -> f64 {
        NEXT_TO_NOTHING
    }

    fn start(&self) -> Vec<f64> {
        let mut start: Vec<f64> = self.groups.iter().map(|g| g.squares / g.fraction).collect();
        if let Rule::AdaGradNorm { offset } = self.rule {
            start.push(offset * offset);
        }
        start
    }

    fn rhs(&mut self, _t: f64, y: &[f64], dy: &mut [f64]) -> Result<(), AverageError> {
        let rate = self.rate(y);
        let risk = 0.5 * self.rates.noise + self.excess(y);
        let kick = 2.0 * rate * rate * self.rates.kicks * risk;
        for ((dy, g), m) in dy.iter_mut().zip(&self.groups).zip(y) {
            *dy = g.eigenvalue * (kick - 2.0 * rate * m);
        }
        if matches!(self.rule, Rule::AdaGradNorm { .. }) {
            let mean: f64 = self.groups.iter().map(|g| g.fraction * g.eigenvalue).sum();
            dy[self.groups.len()] = 2.0 * mean * self.rates.kicks * risk;
        }
        Ok(())
    }

    fn observe(&mut self, t: f64, y: &[f64], observable: &Observable) -> Result<f64, AverageError> {
        let seen = Seen {
            excess: self.excess(y),
            distance: self.groups.iter().zip(y).map(|(g, m)| g.fraction * m).sum(),
            rate: self.rate(y),
            training: 0.0,
        };
        Ok(seen.value(*observable, self.rates.floor, self.first, t))
    }
}
