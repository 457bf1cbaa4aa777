//! The law of single-index models under spherical one-pass SGD, exact as d -> infinity at fixed time.
//!
//! The overlap dynamics of G. Ben Arous, R. Gheissari & A. Jagannath, JMLR 22, 1 (2021), arXiv:2003.10409, with the
//! term of second order in the learning rate. With the letters of [`SingleIndex`] and p planted directions,
//!
//! dm_j/dt = eta(t) (G_j - m_j sum_l m_l G_l) - (eta(t)^2/2) m_j V(m),
//!
//! G_j = sum_k k c_k a_k m_j^(k-1)/sqrt p = <dy/dh*_j s'(h)>, V = <[(y - s(h))^2 + Delta] s'(h)^2>,
//!
//! for one direction dm/dt = eta (1 - m^2) G - (eta^2/2) m V. Time is updates / d^(1 + a); for a > 0 the steps are too
//! short for the V term to survive the limit. Averages are finite series for polynomial links, otherwise adaptive
//! quadratures. The law starts where the student does: from a random start, with m of order d^(-1/2), it predicts the
//! course of single runs only for k* = 1 and late times of k* = 2; for k* > 2 the times of escape are random and the
//! overlap chain has their law. At finite d, `finite_size` predicts mean, spread and quantiles over runs, also from random
//! starts.
//!
//! Matched h_2 without noise, V = 12 (1 - m^2), in closed form ([`second_hermite`]):
//!
//! ```
//! use asymptotica::theory::single_index::second_hermite;
//! assert!((second_hermite(0.1, 0.1, 2.0) - 0.13182).abs() < 5e-6);
//! assert!((second_hermite(0.3, 0.05, 5.0) - 0.43349).abs() < 5e-6);
//! ```

mod averages;
mod exponents;
pub(crate) mod finite_size;

pub use exponents::{RESOLUTION, generative_exponent, hermite_coefficients, information_exponent};

use super::{Law, LawError, LawOptions, follow, is_of_finite_size};
use crate::math::gaussian::AverageError;
use crate::ode;
use crate::problem::Definition;
use crate::problem::single_index::{Algorithm, KIND, SingleIndex, risk::Constants};
use crate::trajectory::Curve;
use averages::Averages;

/// m(t) of a matched h_2 without noise: [1 + (m0^-2 - 1) e^(-2 kappa t)]^(-1/2), kappa = 2 eta - 6 eta^2. Grows only
/// for eta < 1/3.
pub fn second_hermite(m0: f64, eta: f64, t: f64) -> f64 {
    let kappa = 2.0 * eta - 6.0 * eta * eta;
    (1.0 + (m0.powi(-2) - 1.0) * libm::exp(-2.0 * kappa * t)).powf(-0.5)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Observable {
    Loss,
    M(usize),
    Overlap,
    /// Of one of the two thresholds.
    Recovered(usize),
    RecoveryTime(usize),
}

impl Observable {
    fn parse(name: &str, directions: usize) -> Option<Self> {
        Some(match name {
            "loss" => Self::Loss,
            "m" if directions == 1 => Self::M(0),
            "overlap" => Self::Overlap,
            "weak_recovery" => Self::Recovered(0),
            "strong_recovery" => Self::Recovered(1),
            "weak_recovery_time" => Self::RecoveryTime(0),
            "strong_recovery_time" => Self::RecoveryTime(1),
            _ => {
                let index = name.strip_prefix("m[")?.strip_suffix(']')?.parse::<usize>().ok()?;
                Self::M(index.checked_sub(1).filter(|&j| j < directions && directions > 1)?)
            }
        })
    }
}

struct Equations<'a> {
    problem: &'a SingleIndex,
    start: &'a [f64],
    averages: Averages,
    constants: Constants,
    second_order: f64,
    on_sphere: bool,
    /// When the overlap first reached the two thresholds.
    passages: [Option<f64>; 2],
}

impl<'a> Equations<'a> {
    fn new(problem: &'a SingleIndex, start: &'a [f64], faults: &[String]) -> Result<Self, LawError> {
        let mut noise = problem.noise_variance;
        // Steps that are shorter by d^-a leave nothing of their square.
        let mut second_order = if problem.rate_exponent > 0.0 { 0.0 } else { 1.0 };
        let mut on_sphere = true;
        for fault in faults {
            match fault.as_str() {
                // Of the law at finite size alone.
                other if is_of_finite_size(other, &KIND) => {}
                "drop=V" => second_order = 0.0,
                "drop=noise" => noise = 0.0,
                "drop=sphere" => on_sphere = false,
                other => {
                    let known: Vec<&str> = KIND.law_faults.iter().map(|(name, _)| *name).collect();
                    return Err(LawError::UnknownFault { name: other.into(), known: known.join(", ") });
                }
            }
        }
        let (averages, constants) = (Averages::new(problem, noise), Constants::new(problem));
        Ok(Self { problem, start, averages, constants, second_order, on_sphere, passages: [None; 2] })
    }

    /// The first time up to the last of `times` at which the overlap reaches `threshold`: between two of 16 steps from
    /// one time to the next, then by bisection.
    fn passage(&mut self, threshold: f64, times: &[f64], tolerance: f64) -> Option<f64> {
        let mut grid = vec![0.0];
        for &time in times {
            let before = grid[grid.len() - 1];
            grid.extend(
                (1..=16).map(|i| before + (time - before) * f64::from(i) / 16.0).filter(|&t| t > before),
            );
        }
        grid.dedup();
        let options = ode::Options::with_tolerance(tolerance);
        let start = self.start.to_vec();
        if overlap(&start) >= threshold {
            return Some(0.0);
        }
        let mut last = (0.0, start.clone());
        let mut after = None;
        let _ = ode::integrate(
            &mut |t: f64, y: &[f64], dy: &mut [f64]| self.rhs(t, y, dy),
            0.0,
            &start,
            &grid,
            &options,
            |t, y| {
                if after.is_none() {
                    if overlap(y) >= threshold { after = Some(t) } else { last = (t, y.to_vec()) }
                }
            },
        );
        let (mut low, mut high) = (last.0, after?);
        for _ in 0..48 {
            let middle = 0.5 * (low + high);
            let mut reached = false;
            let ahead = ode::integrate(
                &mut |t: f64, y: &[f64], dy: &mut [f64]| self.rhs(t, y, dy),
                last.0,
                &last.1,
                &[middle],
                &options,
                |_, y| reached = overlap(y) >= threshold,
            );
            if ahead.is_err() || middle <= low || middle >= high {
                break;
            }
            if reached { high = middle } else { low = middle }
        }
        Some(high)
    }
}

fn overlap(m: &[f64]) -> f64 {
    m.iter().fold(0.0, |largest: f64, m| largest.max(m.abs()))
}

impl Law for Equations<'_> {
    type Observable = Observable;

    fn start(&self) -> Vec<f64> {
        self.start.to_vec()
    }

    fn rhs(&mut self, t: f64, m: &[f64], dm: &mut [f64]) -> Result<(), AverageError> {
        let rate = self.problem.rate_at(t);
        let mut radial = 0.0;
        for (dm, &m) in dm.iter_mut().zip(m) {
            *dm = self.averages.pull(m);
            radial += m * *dm;
        }
        let noise = match self.second_order {
            0.0 => 0.0,
            factor => 0.5 * rate * rate * factor * self.averages.noise(m),
        };
        if !self.on_sphere {
            radial = 0.0;
        }
        for (dm, m) in dm.iter_mut().zip(m) {
            *dm = rate * (*dm - m * radial) - m * noise;
        }
        Ok(())
    }

    fn observe(&mut self, t: f64, m: &[f64], observable: &Observable) -> Result<f64, AverageError> {
        let passed = |which: usize| self.passages[which].filter(|&passage| passage <= t);
        Ok(match *observable {
            Observable::Loss => self.constants.loss(self.problem, m),
            Observable::M(j) => m[j],
            Observable::Overlap => overlap(m),
            Observable::Recovered(which) => f64::from(passed(which).is_some()),
            Observable::RecoveryTime(which) => passed(which).unwrap_or(t),
        })
    }
}

/// The law of `problem` from the overlaps `start`; see [`super::integrate`].
///
/// # Errors
/// [`LawError`].
pub fn integrate(
    problem: &SingleIndex,
    start: &[f64],
    times: &[f64],
    observables: &[String],
    options: &LawOptions,
) -> Result<Curve, LawError> {
    if let Some(reason) = problem.uncovered() {
        return Err(LawError::Uncovered { reason });
    }
    if start.len() != problem.directions {
        let reason = format!("{} overlaps for {} directions", start.len(), problem.directions);
        return Err(LawError::Start { reason });
    }
    let parsed = observables
        .iter()
        .map(|name| {
            Observable::parse(name, problem.directions).ok_or_else(|| LawError::UnknownObservable {
                name: name.clone(),
                known: problem.observables().iter().map(|info| info.name).collect::<Vec<_>>().join(", "),
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    let mut law = Equations::new(problem, start, &options.faults)?;
    let mut once = |tolerance: f64| {
        for (which, threshold) in [problem.weak_overlap, problem.strong_overlap].into_iter().enumerate() {
            let wanted = [Observable::Recovered(which), Observable::RecoveryTime(which)];
            if parsed.iter().any(|o| wanted.contains(o)) {
                law.passages[which] = law.passage(threshold, times, tolerance);
            }
        }
        let once = LawOptions { tolerance, measure_error: false, ..options.clone() };
        follow(&mut law, &parsed, observables, times, &once)
    };
    let mut curve = once(options.tolerance)?;
    if options.measure_error {
        let loose = once(10.0 * options.tolerance)?;
        curve.set_errors(&loose);
    }
    Ok(curve)
}

/// Named formulas of [`KIND`], for `figure`.
///
/// # Errors
/// [`LawError::UnknownOverlay`], and [`LawError::Overlay`] outside the validity of a formula.
pub fn overlay(problem: &SingleIndex, name: &str) -> Result<f64, LawError> {
    let outside = |reason: &str| LawError::Overlay { name: name.into(), reason: reason.into() };
    let plain = problem.directions == 1 && problem.algorithm == Algorithm::Sgd;
    let averages = Averages::new(problem, problem.noise_variance);
    match name {
        "critical-rate" => {
            let exact = problem.link == problem.student && problem.noise_variance == 0.0;
            match &averages {
                Averages::Series(series) if plain && exact => {
                    Ok(4.0 * averages.pull(1.0) / series.noise_slope_at_recovery())
                }
                _ => Err(outside("it is known for one direction and a matched polynomial without noise")),
            }
        }
        "growth-rate" if plain => {
            let eta = problem.learning_rate;
            // G is linear in m at small overlap.
            let linear = averages.pull(1e-6) / 1e-6;
            if averages.pull(0.0).abs() > 1e-9 {
                return Err(outside("the information exponent is 1: a small overlap grows by itself"));
            }
            let second = if problem.rate_exponent > 0.0 { 0.0 } else { 0.5 * eta * eta };
            Ok(eta * linear - second * averages.noise(&[0.0]))
        }
        "growth-rate" => Err(outside("it is known for one direction and plain SGD")),
        _ => {
            let known: Vec<&str> = KIND.overlays.iter().map(|(name, _)| *name).collect();
            Err(LawError::UnknownOverlay { name: name.into(), known: known.join(", ") })
        }
    }
}
