//! Time scales, the state for infinite time, and the times at which two sub-populations change places.

use super::coefficients::Coefficients;
use super::equations::with_state;
use super::flow::{Flow, means};
use crate::linalg;
use crate::problem::teacher_mixture::{KIND, Overlaps, TeacherMixture, risk};
use crate::theory::LawError;
use nalgebra::DMatrix;

/// tau_R = 1/(eta D1), the memory of the overlaps with the teachers, and tau_Q = 1/(2 eta D1 - eta^2 D2), that of
/// |W|^2/d; `None` where Q grows without bound. D_n = sum_c rho_c Delta_c^n.
pub fn time_scales(problem: &TeacherMixture) -> (f64, Option<f64>) {
    let coefficients = plain(problem);
    let decay = coefficients.decay_of_q();
    (1.0 / (coefficients.rate * coefficients.moment(1)), (decay > 0.0).then(|| 1.0 / decay))
}

/// The learning rate 2 D1/D2 from which SGD diverges on.
pub fn critical_rate(problem: &TeacherMixture) -> f64 {
    let coefficients = plain(problem);
    2.0 * coefficients.moment(1) / coefficients.moment(2)
}

fn plain(problem: &TeacherMixture) -> Coefficients {
    Coefficients::new(problem, &problem.limit_start(), &[]).expect("no faults")
}

/// The order parameters for infinite time; `None` where Q diverges.
///
/// # Errors
/// A stationary state of means and bias that cannot be solved for.
pub fn final_state(problem: &TeacherMixture) -> Result<Option<Overlaps>, LawError> {
    let coefficients = plain(problem);
    let decay = coefficients.decay_of_q();
    if decay <= 0.0 {
        return Ok(None);
    }
    let mut state = problem.limit_start();
    let groups = problem.groups();
    let g = means(&coefficients);
    // A bias that stays is part of the constants.
    let moving = if coefficients.bias_rate > 0.0 { groups + 1 } else { groups };
    let constant = |i: usize| {
        let bias = if moving == groups { g[(i, groups)] * state.b } else { 0.0 };
        -g[(i, groups + 1)] - bias
    };
    let right = DMatrix::from_fn(moving, 1, |i, _| constant(i));
    let z = linalg::solve(&g.view((0, 0), (moving, moving)).into_owned(), &right)
        .map_err(|error| LawError::Integration { reason: error.to_string() })?;
    state.m.copy_from_slice(&z.as_slice()[..groups]);
    if moving > groups {
        state.b = z[groups];
    }
    let Coefficients { rate, second_order, probability, variance, labels, t, s, .. } = &coefficients;
    let d1 = coefficients.moment(1);
    for j in 0..groups {
        let sum = |c: usize| {
            let miss = labels[c].mean - state.m[c] - state.b;
            probability[c] * (s[(j, c)] * miss + variance[c] * t[(c, j)] * labels[c].slope)
        };
        state.r[j] = (0..groups).map(sum).sum::<f64>() / d1;
    }
    let mut source = 0.0;
    for c in 0..groups {
        let (rho, delta, label) = (probability[c], variance[c], labels[c]);
        let mean = state.m[c] + state.b;
        let pull = delta * state.r[c] * label.slope;
        source += 2.0 * rate * rho * (state.m[c] * (label.mean - mean) + pull);
        source +=
            second_order * rho * delta * (label.square + mean * mean - 2.0 * (mean * label.mean + pull));
    }
    state.q = source / decay;
    Ok(Some(state))
}

/// The longest of the times over which R, Q, the means and a bias that moves relax; growth of Q is none.
fn longest_memory(problem: &TeacherMixture) -> f64 {
    let coefficients = plain(problem);
    let groups = problem.groups();
    let moving = if coefficients.bias_rate > 0.0 { groups + 1 } else { groups };
    let block = means(&coefficients).view((0, 0), (moving, moving)).into_owned();
    let (tau_r, tau_q) = time_scales(problem);
    let rates = block.complex_eigenvalues();
    let slow = rates.iter().map(|rate| 1.0 / rate.re.abs()).filter(|tau| tau.is_finite());
    slow.chain(tau_q).fold(tau_r, f64::max)
}

/// Ascending times up to `until` at which e_1 - e_2 changes its sign: the borders between the phases of bias. From
/// the exact solution on a grid of 2000 times, equally spaced in t + tau/100 on a logarithmic scale with tau the
/// shorter time scale, then by bisection to rounding. Ends where the losses leave the numbers.
pub fn crossing_times(problem: &TeacherMixture, until: f64) -> Vec<f64> {
    let start = problem.limit_start();
    crossings(problem, &start, &Flow::new(&plain(problem), &start), until)
}

/// The same from a start, along its exact solution.
pub(super) fn crossings(problem: &TeacherMixture, start: &Overlaps, flow: &Flow, until: f64) -> Vec<f64> {
    let gap = |t: f64| {
        let state = flow.propagator(t) * flow.start();
        let overlaps = with_state(start, &flow.order_parameters(&state));
        risk::group_loss(problem, &overlaps, 0) - risk::group_loss(problem, &overlaps, 1)
    };
    let (tau_r, tau_q) = time_scales(problem);
    let shift = 0.01 * tau_q.map_or(tau_r, |q| q.min(tau_r));
    let points = 2000;
    let grid = |i: usize| shift * ((1.0 + until / shift).powf(i as f64 / points as f64) - 1.0);
    let mut crossings = Vec::new();
    let mut before = (grid(1), gap(grid(1)));
    for i in 2..=points {
        let now = (grid(i), gap(grid(i)));
        if !now.1.is_finite() {
            break;
        }
        if before.1 * now.1 < 0.0 {
            let (mut low, mut high) = (before.0, now.0);
            for _ in 0..60 {
                let middle = 0.5 * (low + high);
                if gap(middle) * before.1 > 0.0 { low = middle } else { high = middle }
            }
            crossings.push(0.5 * (low + high));
        }
        before = now;
    }
    crossings
}

/// Whether a named formula of [`KIND`] is a time.
pub fn overlay_is_time(name: &str) -> bool {
    matches!(name, "tau-R" | "tau-Q" | "crossing-time")
}

/// Named formulas of [`KIND`], for `figure`.
///
/// # Errors
/// [`LawError::UnknownOverlay`], and [`LawError::Overlay`] outside the validity of a formula.
pub fn overlay(problem: &TeacherMixture, name: &str) -> Result<f64, LawError> {
    let outside = |reason: &str| LawError::Overlay { name: name.into(), reason: reason.into() };
    let final_loss = |c: usize| {
        if c >= problem.groups() {
            return Err(outside("there is no such sub-population"));
        }
        let state = final_state(problem)?.ok_or_else(|| outside("SGD diverges at this learning rate"))?;
        Ok(risk::group_loss(problem, &state, c))
    };
    match name {
        "final-loss-1" => final_loss(0),
        "final-loss-2" => final_loss(1),
        "tau-R" => Ok(time_scales(problem).0),
        "tau-Q" => time_scales(problem).1.ok_or_else(|| outside("Q grows without bound")),
        "crossing-time" if problem.groups() > 1 => crossing_times(problem, 30.0 * longest_memory(problem))
            .first()
            .copied()
            .ok_or_else(|| outside("the losses do not cross")),
        "crossing-time" => Err(outside("there is only one sub-population")),
        _ => {
            let known: Vec<&str> = KIND.overlays.iter().map(|(name, _)| *name).collect();
            Err(LawError::UnknownOverlay { name: name.into(), known: known.join(", ") })
        }
    }
}
