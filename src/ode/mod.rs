//! Adapter over ODE solvers: tolerances, requested output times, typed failures. No physics.
//!
//! [`integrate`] advances y' = f(t, y) through a list of output times. Two methods stand behind it:
//!
//! - Dop853 of `ode_solvers`, Dormand & Prince's explicit pair of order 8(5,3) (Hairer, Norsett &
//!   Wanner, *Solving Ordinary Differential Equations I*, II.5);
//! - Rodas5P, a stiffly accurate Rosenbrock method of order 5(4) (Steinebach, BIT 63:27, 2023).
//!
//! [`Method::Automatic`] starts explicit. Where the explicit step is bound by stability rather than by accuracy it
//! tries the Rosenbrock method, and keeps it as long as its steps are long enough to pay for their Jacobians.
//! [`Stats`] tells how many steps each method took.

mod explicit;
mod rosenbrock;

use std::fmt;

/// Which method integrates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Explicit until the step is bound by stability, then whichever method is cheaper.
    Automatic,
    /// Dop853 throughout.
    Explicit,
    /// Rodas5P throughout.
    Rosenbrock,
}

/// How to integrate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// A step is accepted if the root mean square of (error estimate) / (absolute + relative |y|) is at most 1.
    pub relative: f64,
    pub absolute: f64,
    /// Attempted steps before the integration gives up.
    pub max_steps: u64,
    pub max_step: f64,
    pub method: Method,
}

impl Options {
    /// The same number as relative and absolute tolerance; 10^7 steps; automatic method.
    pub fn with_tolerance(tolerance: f64) -> Self {
        Self {
            relative: tolerance,
            absolute: tolerance,
            max_steps: 10_000_000,
            max_step: f64::INFINITY,
            method: Method::Automatic,
        }
    }
}

/// The work of an integration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Evaluations of the right-hand side, those for Jacobians included.
    pub rhs_calls: u64,
    /// Accepted steps of Dop853 and of Rodas5P.
    pub explicit_steps: u64,
    pub rosenbrock_steps: u64,
    pub rejected_steps: u64,
    /// Changes of method.
    pub switches: u64,
}

impl Stats {
    pub fn steps(&self) -> u64 {
        self.explicit_steps + self.rosenbrock_steps
    }
}

/// Why an integration stopped before its last output time.
#[derive(Clone, Debug, PartialEq)]
pub enum OdeError<E> {
    /// The right-hand side failed at the start, at an accepted state, or at every trial step down to the smallest.
    Rhs {
        time: f64,
        error: E,
        stats: Stats,
    },
    /// The state or its derivative is not finite at any step beyond `time`.
    Diverged {
        time: f64,
        state: Vec<f64>,
        stats: Stats,
    },
    /// The derivative is finite, but no step that the clock resolves meets the tolerance.
    StepTooSmall {
        time: f64,
        state: Vec<f64>,
        stats: Stats,
    },
    TooManySteps {
        time: f64,
        state: Vec<f64>,
        stats: Stats,
    },
    /// Output times that do not ascend from the start, a tolerance that is not positive, a start that is not finite.
    Input {
        reason: String,
    },
}

impl<E> OdeError<E> {
    /// The work done up to the failure.
    pub fn stats(&self) -> Stats {
        match self {
            Self::Rhs { stats, .. }
            | Self::Diverged { stats, .. }
            | Self::StepTooSmall { stats, .. }
            | Self::TooManySteps { stats, .. } => *stats,
            Self::Input { .. } => Stats::default(),
        }
    }
}

impl<E: fmt::Display> fmt::Display for OdeError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rhs { time, error, .. } => {
                write!(f, "the right-hand side failed at t = {time:.6e}: {error}")
            }
            Self::Diverged { time, state, .. } => write!(
                f,
                "no finite state beyond t = {time:.6e}; the largest entry there is {:.3e}",
                largest(state)
            ),
            Self::StepTooSmall { time, state, .. } => write!(
                f,
                "no step meets the tolerance beyond t = {time:.6e}; the largest entry there is {:.3e}",
                largest(state)
            ),
            Self::TooManySteps { time, stats, .. } => {
                write!(f, "{} steps reached only t = {time:.6e}", stats.steps() + stats.rejected_steps)
            }
            Self::Input { reason } => f.write_str(reason),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> std::error::Error for OdeError<E> {}

fn largest(state: &[f64]) -> f64 {
    state.iter().fold(0.0, |a: f64, b| a.max(b.abs()))
}

/// Where an integration stands between two advances.
struct Position {
    t: f64,
    y: Vec<f64>,
    /// The step that the method would take if no output time were near; 0 if unknown.
    step: f64,
    /// Power iteration for the spectral radius of the Jacobian; radius 0 if unknown.
    direction: Vec<f64>,
    radius: f64,
    /// Largest step that the explicit method's stability allows, infinite if unknown, and how many
    /// steps were bound by it of late.
    stability_cap: f64,
    bound_steps: u64,
}

/// Why an advance ended.
enum Advance {
    Reached,
    /// The explicit step is bound by stability.
    Stiff,
    /// Rosenbrock steps stay shorter than what their Jacobians cost.
    Unprofitable,
}

enum Failure<E> {
    Rhs(E),
    Diverged,
    StepTooSmall,
    TooManySteps,
}

/// A Jacobian by differences costs `dimension` evaluations; beyond this dimension its factorisation and its
/// memory are no longer negligible beside them, and `Automatic` stays explicit.
const LARGEST_JACOBIAN: usize = 600;

/// Explicit steps between a return from the Rosenbrock method and the next trial of it; doubled at every return.
const FIRST_PATIENCE: u64 = 200;

/// Integrates y' = f(t, y) from (`t0`, `y0`) and calls `observe` at each of `times`, in order.
///
/// `system(t, y, dy)` fills `dy`. An error at a trial point, or a derivative that is not finite, only shortens the
/// step; it ends the integration at the start, at an accepted state, or if no shorter step avoids it. The last step
/// before an output time is shortened to meet it, and the step before it is resumed afterwards.
///
/// # Errors
/// [`OdeError`], after `observe` has seen all the times that were reached.
///
/// ```
/// use asymptotica::ode::{Options, integrate};
/// // y'' = -y from (0, 1): y(2) = sin 2 = 0.909297426825682 (Abramowitz & Stegun, table 4.6).
/// let mut pendulum = |_t: f64, y: &[f64], dy: &mut [f64]| -> Result<(), std::convert::Infallible> {
///     dy.copy_from_slice(&[y[1], -y[0]]);
///     Ok(())
/// };
/// let mut at_2 = 0.0;
/// let options = Options::with_tolerance(1e-12);
/// integrate(&mut pendulum, 0.0, &[0.0, 1.0], &[1.0, 2.0], &options, |_, y| at_2 = y[0]).unwrap();
/// assert!((at_2 - 0.909_297_426_825_682).abs() < 1e-11);
/// ```
pub fn integrate<E>(
    system: &mut impl FnMut(f64, &[f64], &mut [f64]) -> Result<(), E>,
    t0: f64,
    y0: &[f64],
    times: &[f64],
    options: &Options,
    mut observe: impl FnMut(f64, &[f64]),
) -> Result<Stats, OdeError<E>> {
    check(t0, y0, times, options).map_err(|reason| OdeError::Input { reason })?;
    let mut stats = Stats::default();
    let mut derivative = vec![0.0; y0.len()];
    stats.rhs_calls += 1;
    system(t0, y0, &mut derivative).map_err(|error| OdeError::Rhs { time: t0, error, stats })?;
    if derivative.iter().any(|f| !f.is_finite()) {
        return Err(OdeError::Diverged { time: t0, state: y0.to_vec(), stats });
    }

    let end = times.last().copied().unwrap_or(t0);
    let max_step = options.max_step.min(end - t0);
    let mut position = Position {
        t: t0,
        y: y0.to_vec(),
        step: 0.0,
        direction: (0..y0.len()).map(|i| 1.0 + 0.5 * (1.7 * i as f64).sin()).collect(),
        radius: 0.0,
        stability_cap: f64::INFINITY,
        bound_steps: 0,
    };
    let may_switch = options.method == Method::Automatic && y0.len() <= LARGEST_JACOBIAN;
    let mut stiff = options.method == Method::Rosenbrock;
    let mut explicit_step = 0.0;
    let mut patience = 0;
    let mut watch_from = 0;
    let mut rosenbrock = rosenbrock::Stepper::new(y0.len());

    for &time in times {
        while position.t < time {
            let outcome = if stiff {
                let profitable_step =
                    if may_switch { explicit_step * (y0.len() as f64 + 9.0) / 12.0 } else { 0.0 };
                rosenbrock.advance(
                    system,
                    &mut position,
                    time,
                    max_step,
                    profitable_step,
                    options,
                    &mut stats,
                )
            } else {
                let watch_from = if may_switch { watch_from } else { u64::MAX };
                explicit::advance(system, &mut position, time, max_step, watch_from, options, &mut stats)
            };
            match outcome {
                Ok(Advance::Reached) => position.t = time,
                Ok(Advance::Stiff) => {
                    stiff = true;
                    explicit_step = position.step;
                    rosenbrock.restart();
                    stats.switches += 1;
                }
                Ok(Advance::Unprofitable) => {
                    stiff = false;
                    position.step = explicit_step;
                    position.stability_cap = f64::INFINITY;
                    position.bound_steps = 0;
                    patience = if patience == 0 { FIRST_PATIENCE } else { 2 * patience };
                    watch_from = stats.explicit_steps + patience;
                    stats.switches += 1;
                }
                Err(failure) => {
                    let (time, state) = (position.t, position.y);
                    return Err(match failure {
                        Failure::Rhs(error) => OdeError::Rhs { time, error, stats },
                        Failure::Diverged => OdeError::Diverged { time, state, stats },
                        Failure::StepTooSmall => OdeError::StepTooSmall { time, state, stats },
                        Failure::TooManySteps => OdeError::TooManySteps { time, state, stats },
                    });
                }
            }
        }
        observe(time, &position.y);
    }
    Ok(stats)
}

fn check(t0: f64, y0: &[f64], times: &[f64], options: &Options) -> Result<(), String> {
    if !t0.is_finite() || y0.iter().any(|y| !y.is_finite()) {
        return Err("the start of an integration must be finite".into());
    }
    let mut last = t0;
    for &time in times {
        if !(time.is_finite() && time >= last) {
            return Err(format!("output times must ascend from the start: {time} follows {last}"));
        }
        last = time;
    }
    if !(options.relative > 0.0 && options.absolute > 0.0 && options.max_step > 0.0) {
        return Err("tolerances and the largest step must be positive".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests;
