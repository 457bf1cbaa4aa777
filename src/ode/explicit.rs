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
//! its counters and its next step are private (both are rebuilt from the calls seen).

use super::{Advance, Failure, Options, Position, Stats, largest};
use ode_solvers::dop_shared::IntegrationError;
use ode_solvers::{DVector, Dop853, OutputType, System};
use std::cell::RefCell;

const RUN: u64 = 1000;

/// Accepted steps between two tests for stiffness (Hairer's HINSTIFF).
const TEST_EVERY: u32 = 50;

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
    /// Since the last accepted step: the last failure of the system, and whether a derivative was not finite.
    error: Option<E>,
    not_finite: bool,
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
        if usable {
            watched.error = None;
            watched.not_finite = false;
        } else {
            watched.not_finite = true;
        }
        !usable
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
        let first_step = position.step.min(max_step);
        let cell = RefCell::new(Watched {
            system: &mut *system,
            calls: 0,
            accepted: 0,
            calls_at_accept: 0,
            t: position.t,
            last_step: 0.0,
            step_before: 0.0,
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
            max_step,
            first_step,
            budget as u32,
            if watching { TEST_EVERY } else { u32::MAX },
            OutputType::Sparse,
        );
        let outcome = solver.integrate();
        if let Some(y) = solver.y_out().last() {
            position.y.copy_from_slice(&y.as_slice()[..n]);
        }
        drop(solver);
        let watched = cell.into_inner();

        position.t = watched.t;
        stats.rhs_calls += watched.calls;
        stats.explicit_steps += watched.accepted;
        // One call at the start, two more if the first step was guessed, 11 per attempt and one per accepted step.
        let at_start = if first_step == 0.0 { 3 } else { 1 };
        let attempted = watched.calls.saturating_sub(at_start + watched.accepted) / 11;
        stats.rejected_steps += attempted.saturating_sub(watched.accepted);

        match outcome {
            Ok(_) if watched.not_finite => {
                return Err(watched.error.map_or(Failure::Diverged, Failure::Rhs));
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
            }
            Err(IntegrationError::StiffnessDetected { .. }) => {
                position.step = watched.last_step;
                return Ok(Advance::Stiff);
            }
            Err(IntegrationError::StepSizeUnderflow { .. }) => {
                return Err(match watched.error {
                    Some(error) => Failure::Rhs(error),
                    None if watched.not_finite || largest(&position.y) > OVERFLOWING => Failure::Diverged,
                    None => Failure::StepTooSmall,
                });
            }
        }
    }
}
