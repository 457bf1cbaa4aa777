//! The law of a linear student on a mixture of sub-populations, exact as d -> infinity at fixed time.
//!
//! A. Jain, R. Nobahari, A. Baratin & S. Sarao Mannelli, *Bias in Motion*, NeurIPS 2024, arXiv:2405.18296, whose order
//! parameters and two-population solution these are, for any number of sub-populations with means, biases and label
//! rules of their own. With the letters of [`TeacherMixture`], E_c = `<y>`_c, k_c = <f_c'>_c, m_c = M_c + b, and time in
//! updates / d:
//!
//! dR_j/dt = eta sum_c rho_c [S_jc (E_c - m_c) + Delta_c (T_cj k_c - R_j)]
//!
//! dM_a/dt = eta sum_c rho_c [U_ac (E_c - m_c) + Delta_c (S_ca k_c - M_a)]
//!
//! db/dt = eta_b sum_c rho_c (E_c - m_c)
//!
//! dQ/dt = 2 eta sum_c rho_c [M_c (E_c - m_c) + Delta_c (R_c k_c - Q)] + eta^2 sum_c rho_c Delta_c 2 e_c
//!
//! 2 e_c = <y^2>_c + m_c^2 + Delta_c Q - 2 (m_c E_c + Delta_c R_c k_c)
//!
//! Three forms, which the tests hold against each other to 1e-10: the exact solution by a matrix exponential, which
//! [`integrate`] evaluates; [`ClosedForm`] for centred sub-populations; and the equations integrated numerically,
//! [`integrate_numerically`]. Corrections at finite d are of order 1/d in means and d^(-1/2) in fluctuations.
//!
//! ```
//! use asymptotica::problem::teacher_mixture::{Init, LabelRule, TeacherMixture};
//! use asymptotica::theory::teacher_mixture::{crossing_times, time_scales};
//! use nalgebra::{DMatrix, dmatrix};
//! let problem = TeacherMixture {
//!     probability: vec![0.8, 0.2],
//!     variance: vec![0.1, 1.0],
//!     teachers: dmatrix![1.0, 0.9; 0.9, 1.0],
//!     alignments: DMatrix::zeros(2, 2),
//!     means: DMatrix::zeros(2, 2),
//!     teacher_bias: vec![0.0, 0.0],
//!     labels: vec![LabelRule::Sign; 2],
//!     learning_rate: 0.1,
//!     bias_rate: 0.1,
//!     init: Init::Zero,
//!     student_bias: 0.0,
//! };
//! let (tau_r, tau_q) = time_scales(&problem);
//! assert!((tau_r - 35.714).abs() < 5e-4 && (tau_q.unwrap() - 18.546).abs() < 5e-4);
//! // The majority is favoured late, after the two losses have crossed once.
//! let crossings = crossing_times(&problem, 1000.0);
//! assert!(crossings.len() == 1 && (crossings[0] - 85.5).abs() < 0.05);
//! ```

mod asymptotics;
mod closed;
mod coefficients;
mod equations;
pub(crate) mod finite_size;
mod flow;
mod smooth;

pub use asymptotics::{critical_rate, crossing_times, final_state, overlay, overlay_is_time, time_scales};
pub use closed::ClosedForm;

use super::{LawError, LawOptions, follow};
use crate::problem::Definition;
use crate::problem::teacher_mixture::readings::Reading;
use crate::problem::teacher_mixture::{Overlaps, TeacherMixture};
use crate::trajectory::{Curve, End};
use coefficients::Coefficients;
use equations::{Equations, read, with_state};
use flow::Flow;
use std::time::Instant;

fn parse(problem: &TeacherMixture, observables: &[String]) -> Result<Vec<Reading>, LawError> {
    observables
        .iter()
        .map(|name| {
            Reading::parse(name, problem.groups()).ok_or_else(|| LawError::UnknownObservable {
                name: name.clone(),
                known: problem.observables().iter().map(|info| info.name).collect::<Vec<_>>().join(", "),
            })
        })
        .collect()
}

fn check_start(problem: &TeacherMixture, start: &Overlaps) -> Result<(), LawError> {
    let c = problem.groups();
    let fits = start.r.len() == c && start.m.len() == c;
    if fits && [&start.t, &start.s, &start.u].iter().all(|a| a.shape() == (c, c)) {
        return Ok(());
    }
    Err(LawError::Start { reason: format!("its overlaps do not belong to {c} sub-populations") })
}

/// The law of `problem` from `start`, by the exact solution; see [`super::integrate`]. The error of a value is its
/// difference from the same solution composed of the steps between the times. The tolerance of the options has no
/// meaning here.
///
/// # Errors
/// [`LawError`].
pub fn integrate(
    problem: &TeacherMixture,
    start: &Overlaps,
    times: &[f64],
    observables: &[String],
    options: &LawOptions,
) -> Result<Curve, LawError> {
    let clock = Instant::now();
    check_start(problem, start)?;
    let readings = parse(problem, observables)?;
    let flow = Flow::new(&Coefficients::new(problem, start, &options.faults)?, start);
    let until = times.last().copied().unwrap_or(0.0);
    let crossings = if readings.contains(&Reading::CrossingTime) {
        asymptotics::crossings(problem, start, &flow, until)
    } else {
        Vec::new()
    };
    let values = |state: &nalgebra::DVector<f64>, time: f64| -> Result<Vec<f64>, LawError> {
        let overlaps = with_state(start, &flow.order_parameters(state));
        let read = |reading: &Reading| match reading {
            Reading::CrossingTime => {
                Ok(crossings.iter().copied().take_while(|&crossing| crossing <= time).last().unwrap_or(0.0))
            }
            reading => read(problem, &overlaps, *reading),
        };
        readings
            .iter()
            .map(read)
            .collect::<Result<_, _>>()
            .map_err(|source| LawError::Average { time, source })
    };
    let mut curve = Curve::new(observables);
    let mut composed = Curve::new(observables);
    let mut stepped = flow.start();
    let mut before = 0.0;
    for &time in times {
        let state = flow.propagator(time) * flow.start();
        if !state.iter().all(|x| x.is_finite()) {
            let reason = format!("Q grows without bound and leaves the numbers before t = {time:.6e}");
            curve.end = End::Diverged { time: before, reason };
            break;
        }
        // A planted fault may lead to overlaps that are no covariance, which have no classification error.
        let found = match values(&state, time) {
            Ok(found) => found,
            Err(error) => {
                curve.end = End::Diverged { time: before, reason: error.to_string() };
                break;
            }
        };
        curve.push(time, &found);
        if options.measure_error {
            stepped = flow.propagator(time - before) * stepped;
            composed.push(time, &values(&stepped, time)?);
        }
        before = time;
    }
    if options.measure_error {
        curve.set_errors(&composed);
    }
    curve.work.seconds = clock.elapsed().as_secs_f64();
    Ok(curve)
}

/// The same by numerical integration of the equations.
///
/// # Errors
/// [`LawError`]; crossing times, which the exact solution alone gives.
pub fn integrate_numerically(
    problem: &TeacherMixture,
    start: &Overlaps,
    times: &[f64],
    observables: &[String],
    options: &LawOptions,
) -> Result<Curve, LawError> {
    check_start(problem, start)?;
    let readings = parse(problem, observables)?;
    if readings.contains(&Reading::CrossingTime) {
        return Err(LawError::Uncovered { reason: "crossing times come from the exact solution".into() });
    }
    let coefficients = Coefficients::new(problem, start, &options.faults)?;
    follow(&mut Equations { problem, start, coefficients }, &readings, observables, times, options)
}
