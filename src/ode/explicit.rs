//! Dop853 of `ode_solvers`, restarted at output times.
//!
//! What the crate leaves to its caller, and how it is met here:
//! it has no output at given times (restart, carrying the step over);
//! it keeps every accepted state in memory (runs of at most [`RUN`] attempts);
//! it evaluates the twelfth stage at time t where the method has t + h (c_12 is 0 in its table, version 0.6.2), so
//! that y' = f(t, y) loses all order: time travels as a last component of the state, and its own is not used;
//! its system cannot fail (the error is kept aside and the derivative made NaN, which rejects the step);
//! with NaN it divides the step by 3 until the clock no longer resolves it, about 700 times at t = 0 (after
//! [`FUTILE`] evaluations without an accepted step the system is no longer called);
//! its test for stiffness fires only after steps have been unstable for long (the test is made here);
//! its counters and its next step are private (both are rebuilt from the calls seen).

use super::{Advance, Failure, Options, Position, Stats, largest};
use ode_solvers::dop_shared::IntegrationError;
use ode_solvers::{DVector, Dop853, OutputType, System};
use std::cell::RefCell;

const RUN: u64 = 1000;

/// Where the state relaxes, a step that accuracy alone would choose leaves the region of stability, |h rho| < 6.1
/// on the negative axis. The error control then lets fast modes grow until they reach the tolerance many times
/// over: at tolerance 1e-12 the committee law had errors of 5e-11 in e_g = 6e-9. So a step beyond [`UNSTABLE`] is
/// discarded and steps are capped at |h rho| = [`STABLE`]. The spectral radius rho comes from a power iteration
/// that makes one product with the Jacobian, by differences, in every [`PROBE_EVERY`]th step. (Hairer's estimate
/// from the last stage of a step shows a fast mode only after it has been excited.)
const UNSTABLE: f64 = 5.0;
const STABLE: f64 = 4.0;

const PROBE_EVERY: u64 = 2;

/// Steps with |h rho| > [`STABLE`]/2, less the others, after which the problem counts as stiff.
const STIFF: u64 = 40;

/// Sums within a step overflow before the state does.
const OVERFLOWING: f64 = 1e300;

const FUTILE: u64 = 11 * 64;

/// The system together with what one run of the solver did to it.
struct Watched<'a, F, E> {
    system: &'a mut F,
    calls: u64,
    accepted: u64,
    calls_at_accept: u64,
    /// Where the last accepted step ended, its length, and the length of the one before.
    t: f64,
    last_step: f64,
    step_before: f64,
    /// Direction and result of the power iteration, and calls spent on it.
    direction: Vec<f64>,
    radius: f64,
    probes: u64,
    /// Largest step that stability allows, and how many steps were bound by it of late.
    cap: f64,
    bound_steps: u64,
    stop_when_stiff: bool,
    stopped: Option<Stopped>,
    /// Since the last accepted step: the last failure of the system, and whether a derivative was not finite.
    error: Option<E>,
    not_finite: bool,
}

/// Why a run was ended from here.
#[derive(Clone, Copy, PartialEq)]
enum Stopped {
    /// The last step is discarded: its error estimate does not see what it did to the fast modes.
    Unstable,
    Stiff,
}

impl<F, E> Watched<'_, F, E>
where
    F: FnMut(f64, &[f64], &mut [f64]) -> Result<(), E>,
{
    /// One power iteration for the spectral radius of the Jacobian at an accepted state.
    fn probe(&mut self, t: f64, y: &[f64], f: &[f64]) {
        let norm = |a: &[f64]| a.iter().map(|a| a * a).sum::<f64>().sqrt();
        let length = norm(&self.direction);
        let delta = f64::EPSILON.sqrt() * (1.0 + norm(y)) / length;
        let shifted: Vec<f64> = y.iter().zip(&self.direction).map(|(y, v)| y + delta * v).collect();
        let mut image = vec![0.0; y.len()];
        self.probes += 1;
        // A failure beside an accepted state is no failure of the integration.
        if (self.system)(t, &shifted, &mut image).is_err() {
            return;
        }
        image.iter_mut().zip(f).for_each(|(image, f)| *image = (*image - f) / delta);
        let radius = norm(&image) / length;
        if radius.is_finite() && radius > 0.0 {
            self.radius = radius;
            self.direction = image.iter().map(|image| image / (radius * length)).collect();
        }
    }
}

struct Handle<'b, 'a, F, E>(&'b RefCell<Watched<'a, F, E>>);

impl<F, E> System<f64, DVector<f64>> for Handle<'_, '_, F, E>
where
    F: FnMut(f64, &[f64], &mut [f64]) -> Result<(), E>,
{
    fn system(&self, _: f64, y: &DVector<f64>, dy: &mut DVector<f64>) {
        let n = y.len() - 1;
        let (state, time) = (&y.as_slice()[..n], y[n]);
        dy[n] = 1.0;
        let mut watched = self.0.borrow_mut();
        watched.calls += 1;
        if watched.calls - watched.calls_at_accept > FUTILE {
            dy.fill(f64::NAN);
            return;
        }
        if y.iter().any(|x| !x.is_finite()) {
            watched.not_finite = true;
            dy.fill(f64::NAN);
            return;
        }
        match (watched.system)(time, state, &mut dy.as_mut_slice()[..n]) {
            Ok(()) => {
                if dy.iter().any(|f| !f.is_finite()) {
                    watched.not_finite = true;
                }
            }
            Err(error) => {
                watched.error = Some(error);
                dy.fill(f64::NAN);
            }
        }
    }

    fn solout(&mut self, t: f64, y: &DVector<f64>, dy: &DVector<f64>) -> bool {
        let mut watched = self.0.borrow_mut();
        watched.accepted += 1;
        watched.calls_at_accept = watched.calls;
        watched.step_before = watched.last_step;
        watched.last_step = t - watched.t;
        watched.t = t;
        // `dy` is the derivative at the accepted state: without it there is no further step.
        let usable = dy.iter().chain(y.iter()).all(|x| x.is_finite());
        if !usable {
            watched.not_finite = true;
            return true;
        }
        watched.error = None;
        watched.not_finite = false;
        let step = watched.last_step;
        if watched.accepted.is_multiple_of(PROBE_EVERY) {
            let n = y.len() - 1;
            watched.probe(y[n], &y.as_slice()[..n], &dy.as_slice()[..n]);
        }
        let radius = watched.radius;
        if step * radius > 0.5 * STABLE {
            watched.bound_steps += 1;
        } else {
            watched.bound_steps = watched.bound_steps.saturating_sub(1);
        }
        if step * radius > UNSTABLE {
            watched.cap = STABLE / radius;
            watched.stopped = Some(Stopped::Unstable);
        } else if watched.stop_when_stiff && watched.bound_steps >= STIFF {
            watched.stopped = Some(Stopped::Stiff);
        }
        watched.stopped.is_some()
    }
}

/// Advances to `end`. Looks for stiffness once `stats.explicit_steps` has reached `watch_from`.
pub(super) fn advance<E>(
    system: &mut impl FnMut(f64, &[f64], &mut [f64]) -> Result<(), E>,
    position: &mut Position,
    end: f64,
    max_step: f64,
    watch_from: u64,
    options: &Options,
    stats: &mut Stats,
) -> Result<Advance, Failure<E>> {
    let n = position.y.len();
    loop {
        let attempts = stats.steps() + stats.rejected_steps;
        let budget = RUN.min(options.max_steps.saturating_sub(attempts));
        if budget == 0 {
            return Err(Failure::TooManySteps);
        }
        let watching = stats.explicit_steps >= watch_from;
        let largest_step = max_step.min(position.stability_cap);
        let first_step = position.step.min(largest_step);
        let cell = RefCell::new(Watched {
            system: &mut *system,
            calls: 0,
            accepted: 0,
            calls_at_accept: 0,
            t: position.t,
            last_step: 0.0,
            step_before: 0.0,
            direction: std::mem::take(&mut position.direction),
            radius: position.radius,
            probes: 0,
            cap: position.stability_cap,
            bound_steps: position.bound_steps,
            stop_when_stiff: watching,
            stopped: None,
            error: None,
            not_finite: false,
        });
        let mut solver = Dop853::from_param(
            Handle(&cell),
            position.t,
            end,
            0.0,
            DVector::from_iterator(n + 1, position.y.iter().copied().chain([position.t])),
            options.relative,
            options.absolute,
            0.9,
            0.0,
            0.333,
            6.0,
            largest_step,
            first_step,
            budget as u32,
            u32::MAX,
            OutputType::Sparse,
        );
        let outcome = solver.integrate();
        let discarded = usize::from(cell.borrow().stopped == Some(Stopped::Unstable));
        let (reached_at, reached) = (solver.x_out(), solver.y_out());
        let kept = reached.len() - 1 - discarded;
        position.t = reached_at[kept];
        position.y.copy_from_slice(&reached[kept].as_slice()[..n]);
        drop(solver);
        let watched = cell.into_inner();

        position.direction = watched.direction;
        position.radius = watched.radius;
        position.stability_cap = watched.cap;
        position.bound_steps = watched.bound_steps;
        stats.rhs_calls += watched.calls + watched.probes;
        stats.explicit_steps += watched.accepted - discarded as u64;
        // One call at the start, two more if the first step was guessed, 11 per attempt and one per accepted step.
        let at_start = if first_step == 0.0 { 3 } else { 1 };
        let attempted = watched.calls.saturating_sub(at_start + watched.accepted) / 11;
        stats.rejected_steps += attempted.saturating_sub(watched.accepted) + discarded as u64;

        match outcome {
            Ok(_) if watched.not_finite => {
                return Err(watched.error.map_or(Failure::Diverged, Failure::Rhs));
            }
            Ok(_) if watched.stopped == Some(Stopped::Unstable) => position.step = watched.cap,
            Ok(_) if watched.stopped == Some(Stopped::Stiff) && position.t < end => {
                position.step = watched.last_step;
                return Ok(Advance::Stiff);
            }
            Ok(_) => {
                // The last step was cut to end at `end`: it says nothing unless it had been shortened before.
                if watched.accepted >= 2 {
                    position.step = watched.step_before;
                } else if first_step == 0.0 || attempted > watched.accepted {
                    position.step = watched.last_step;
                }
                return Ok(Advance::Reached);
            }
            Err(IntegrationError::MaxNumStepReached { .. }) => {
                if watched.accepted > 0 {
                    position.step = watched.last_step;
                }
                // The bound may have moved up as well as down: measure it again.
                position.stability_cap = f64::INFINITY;
            }
            Err(IntegrationError::StepSizeUnderflow { .. } | IntegrationError::StiffnessDetected { .. }) => {
                return Err(match watched.error {
                    Some(error) => Failure::Rhs(error),
                    None if watched.not_finite || largest(&position.y) > OVERFLOWING => Failure::Diverged,
                    None => Failure::StepTooSmall,
                });
            }
        }
    }
}
