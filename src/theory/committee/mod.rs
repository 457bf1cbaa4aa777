//! The law of two-layer teacher-student networks under one-pass SGD, exact as d -> infinity at fixed time.
//!
//! D. Saad & S. A. Solla, Phys. Rev. E 52, 4225 (1995); S. Goldt et al., NeurIPS 2019, arXiv:1906.08632. With
//! s_c = -s v_k on student and +s* v*_m on teacher fields (s, s* the output scales), sums over all K + M fields,
//! eta the rate of [`Committee::effective_rate`], b the batch, and time in updates / d:
//!
//! dR_in/dt = eta v_i sum_c s_c I3(i,n,c) - kappa R_in
//!
//! dQ_ik/dt = eta v_i sum_c s_c I3(i,k,c) + eta v_k sum_c s_c I3(k,i,c) - 2 kappa Q_ik
//! + (eta^2/b) v_i v_k [sum_cd s_c s_d I4(i,k,c,d) + sigma^2 J2(i,k)]
//!
//! dv_i/dt = eta_v sum_c s_c I2(i,c) - kappa_v v_i
//!
//! The averages are those of [`averages::Averages`]. The paper prints the error as student minus teacher where these
//! equations need teacher minus student, and the third I3 of the Q equation as I3(i,k,.).
//!
//! Two forms of the right-hand side: `general` for any activation, with vectorised sums for erf, sums that share
//! quadratures for ReLU and matrix products for linear units; `reduced`, M + K + 1 equations for linear units with
//! a fixed second layer.

mod arcsine;
pub mod asymptotics;
pub mod averages;
mod erf;
pub mod finite_size;
mod general;
mod reduced;

use super::{LawError, LawOptions, follow, is_of_finite_size};
use crate::problem::Definition;
use crate::problem::activation::Activation;
use crate::problem::committee::{Committee, KIND, Overlaps, Trained};
use crate::trajectory::Curve;

pub use asymptotics::overlay;

/// The coefficients of the law, faults included.
#[derive(Clone, Debug, PartialEq)]
struct Coefficients {
    /// eta.
    rate: f64,
    /// eta^2 / b.
    second_order: f64,
    /// sigma^2.
    noise_variance: f64,
    decay: f64,
    second_layer_rate: f64,
    second_layer_decay: f64,
    student_scale: f64,
    teacher_scale: f64,
    /// 1, or 1/2 with the fault "halve=i2".
    i2_factor: f64,
    /// The fault "swap=i3".
    swap_i3: bool,
}

impl Coefficients {
    fn new(problem: &Committee, faults: &[String]) -> Result<Self, LawError> {
        let rate = problem.effective_rate();
        let mut coefficients = Self {
            rate,
            second_order: rate * rate / problem.batch as f64,
            noise_variance: problem.noise_std.powi(2),
            decay: problem.weight_decay,
            second_layer_rate: problem.effective_second_layer_rate(),
            second_layer_decay: problem.effective_second_layer_decay(),
            student_scale: problem.student_scale(),
            teacher_scale: problem.teacher_scale(),
            i2_factor: 1.0,
            swap_i3: false,
        };
        for fault in faults {
            match fault.as_str() {
                "drop=eta2" => coefficients.second_order = 0.0,
                "drop=noise" => coefficients.noise_variance = 0.0,
                "square=noise" => coefficients.noise_variance = problem.noise_std.powi(4),
                "swap=i3" => coefficients.swap_i3 = true,
                "halve=i2" => coefficients.i2_factor = 0.5,
                // Of the law at finite size alone.
                other if is_of_finite_size(other, &KIND) => {}
                other => {
                    let known: Vec<&str> = KIND.law_faults.iter().map(|(name, _)| *name).collect();
                    return Err(LawError::UnknownFault { name: other.into(), known: known.join(", ") });
                }
            }
        }
        Ok(coefficients)
    }
}

/// One number of the state; indices from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Observable {
    GeneralisationError,
    Q(usize, usize),
    R(usize, usize),
    T(usize, usize),
    V(usize),
    Specialised,
}

impl Observable {
    /// Reads "generalisation_error", "Q[1,2]", "v[3]"; indices from 1.
    fn parse(name: &str, k: usize, m: usize) -> Option<Self> {
        if name == "generalisation_error" {
            return Some(Self::GeneralisationError);
        }
        if name == "specialised" {
            return Some(Self::Specialised);
        }
        let (family, rest) = name.split_once('[')?;
        let indices: Vec<usize> =
            rest.strip_suffix(']')?.split(',').map(|index| index.parse().ok()).collect::<Option<_>>()?;
        let within = |index: usize, width: usize| (1..=width).contains(&index);
        match (family, &indices[..]) {
            ("Q", &[i, j]) if within(i, k) && within(j, k) => Some(Self::Q(i - 1, j - 1)),
            ("R", &[i, n]) if within(i, k) && within(n, m) => Some(Self::R(i - 1, n - 1)),
            ("T", &[n, p]) if within(n, m) && within(p, m) => Some(Self::T(n - 1, p - 1)),
            ("v", &[i]) if within(i, k) => Some(Self::V(i - 1)),
            _ => None,
        }
    }
}

/// Position of Q_ik, i <= k, in the upper triangle of a K x K matrix stored row by row.
fn upper(i: usize, k: usize, width: usize) -> usize {
    i * (2 * width - i + 1) / 2 + (k - i)
}

/// The law of `problem` from `start`; see [`super::integrate`].
///
/// # Errors
/// [`LawError`].
pub fn integrate(
    problem: &Committee,
    start: &Overlaps,
    times: &[f64],
    observables: &[String],
    options: &LawOptions,
) -> Result<Curve, LawError> {
    if let Some(reason) = problem.uncovered() {
        return Err(LawError::Uncovered { reason });
    }
    let (k, m) = (problem.student_width, problem.teacher_width);
    check_start(start, k, m)?;
    let parsed = observables
        .iter()
        .map(|name| {
            Observable::parse(name, k, m).ok_or_else(|| LawError::UnknownObservable {
                name: name.clone(),
                known: format!(
                    "generalisation_error, specialised, Q[1..{k},1..{k}], R[1..{k},1..{m}], T[1..{m},1..{m}], v[1..{k}]"
                ),
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    let coefficients = Coefficients::new(problem, &options.faults)?;
    let frozen_second_layer = problem.trained == Trained::FirstLayer;
    if problem.activation == Activation::Linear && frozen_second_layer && !coefficients.swap_i3 {
        let mut law = reduced::Reduced::new(start, coefficients);
        follow(&mut law, &parsed, observables, times, options)
    } else {
        let mut law = general::General::new(problem.activation, problem.trained, start, coefficients);
        follow(&mut law, &parsed, observables, times, options)
    }
}

fn check_start(start: &Overlaps, k: usize, m: usize) -> Result<(), LawError> {
    let shapes = [
        ("Q", start.q.shape(), (k, k)),
        ("R", start.r.shape(), (k, m)),
        ("T", start.t.shape(), (m, m)),
        ("v", start.v.shape(), (k, 1)),
        ("v*", start.v_star.shape(), (m, 1)),
    ];
    for (name, found, needed) in shapes {
        if found != needed {
            return Err(LawError::Start { reason: format!("{name} is {found:?}, needed is {needed:?}") });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
