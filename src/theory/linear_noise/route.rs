//! Which law is used where: the plain expansion while it holds, then a family of starts drawn from it; where the noise
//! after that start matters as well, a family whose members are drawn anew along the way.

use super::family::Family;
use super::starts::{self, Starts};
use super::{LinearNoise, Process, State, Weights};
use crate::ode::OdeError;
use nalgebra::DMatrix;
use std::convert::Infallible;
use thiserror::Error;

/// Largest eigenvalue of Sigma/d, in units of the squared distance travelled, up to which the plain expansion is used.
pub const LARGEST_SPREAD: f64 = 0.05;
/// The same where starts of a family are drawn from it.
const SPREAD_TO_DRAW: f64 = 0.004;
/// Points of time at which the spread is looked at.
const LOOKS: usize = 120;
/// Tolerance of the members of a family: a mixture over them is not known to more digits.
pub const LOOSEST: f64 = 1e-7;

/// Largest shift of the mean, b/d, in units of what the state has moved and spread (root of the sum of squares), up to
/// which an expansion in 1/d is one. On a link of third order with random start at d = 300 a share of .56 came with a
/// mean of .077 where runs have .041.
pub const LARGEST_SHIFT: f64 = 0.25;

/// Why there is no law at size d.
#[derive(Debug, Error)]
pub enum RouteError {
    #[error(transparent)]
    Integrator(#[from] OdeError<Infallible>),
    /// Sigma/d reaches what the drift changes over, and no family of starts takes its place.
    #[error(
        "from t = {time} on runs at d = {size} spread so far that noise around single trajectories is not Gaussian: ask for \
         the law of infinite size (without finite_size), a larger d, a later start or earlier times"
    )]
    Spread { time: f64, size: f64 },
    #[error(
        "at t = {time} the mean at d = {size} is shifted by {shift:.2e}, not small beside the {moved:.2e} that the overlaps \
         have moved and spread by: terms beyond 1/d matter; choose a larger d, or the law without finite_size"
    )]
    Shift { time: f64, size: f64, shift: f64, moved: f64 },
}

/// How the law at size d is obtained.
pub enum Route {
    /// The plain expansion: states at the requested times.
    Plain(Vec<State>),
    /// The plain expansion up to the first `early` of the requested times, a family after them.
    Family { early: Vec<State>, late: Family },
}

/// The law at size `size` from `start`, at `times`.
///
/// # Errors
/// What the integrator reports; [`RouteError`] where neither the expansion nor a family holds.
pub fn expand(
    process: &impl Process,
    start: &State,
    size: f64,
    times: &[f64],
    weights: Weights,
    tolerance: f64,
) -> Result<Route, RouteError> {
    let Some(&end) = times.last() else { return Ok(Route::Plain(Vec::new())) };
    // All requested times, and looks between them.
    let mut grid: Vec<f64> = times.to_vec();
    grid.extend((1..LOOKS).map(|i| end * (i as f64 / LOOKS as f64).powi(2)));
    grid.sort_by(f64::total_cmp);
    grid.dedup();
    let mut law = LinearNoise::new(process, weights);
    let states = law.follow(0.0, start, &grid, tolerance)?;
    let at = |t: f64| grid.binary_search_by(|x| x.total_cmp(&t)).expect("every time is on the grid");
    let plain: Vec<State> = times.iter().map(|&t| states[at(t)].clone()).collect();
    let scale = states.iter().map(|state| distance(&state.mean, &start.mean)).fold(1e-6, f64::max);
    let spread = |state: &State| state.covariance.clone().symmetric_eigenvalues().max() / (size * scale);
    // What a planted fault does to the shift is for a comparison to find.
    let honest = weights == Weights::default();
    let check_shift = |time: f64, shift: f64, moved: f64| {
        let refused = honest && shift > LARGEST_SHIFT * moved;
        if refused { Err(RouteError::Shift { time, size, shift, moved }) } else { Ok(()) }
    };
    let check_plain = |states: &[State]| {
        times.iter().zip(states).try_for_each(|(&time, state)| {
            let spread = state.covariance.trace().max(0.0) / size;
            let moved = (distance(&state.mean, &start.mean) + spread).sqrt();
            check_shift(time, norm(&state.bias) / size, moved)
        })
    };
    let Some(first) = states.iter().position(|state| spread(state) > LARGEST_SPREAD) else {
        check_plain(&plain)?;
        return Ok(Route::Plain(plain));
    };
    // The latest state before that from which starts may be drawn; the start itself if there is none.
    let drawn = (0..first).rev().find(|&g| spread(&states[g]) <= SPREAD_TO_DRAW);
    let (time, state) = drawn.map_or((0.0, start), |g| (grid[g], &states[g]));
    let n = process.dimension();
    let starts = Starts {
        time,
        centre: state.mean.iter().zip(&state.bias).map(|(x, b)| x + b / size).collect(),
        columns: starts::axes(&(&state.covariance / size)),
        escaping: 0,
        half: false,
        covariance: DMatrix::zeros(n, n),
        silenced: Vec::new(),
    };
    let early = times.iter().filter(|&&t| t <= time).count();
    check_plain(&plain[..early])?;
    let (times, tolerance) = (&times[early..], tolerance.max(LOOSEST));
    let mut late = Family::new(process, &starts, size, weights, times, tolerance)?;
    if late.holding(|state| spread(state) <= LARGEST_SPREAD) < times.len() {
        let small = |state: &State| spread(state) <= SPREAD_TO_DRAW;
        if let Some(redrawn) = Family::redrawn(process, &starts, size, weights, times, tolerance, small)? {
            late = redrawn;
            return Ok(Route::Family { early: plain[..early].to_vec(), late });
        }
        // Noise that comes and goes around a state that hardly moves, or that has grown beyond all bounds.
        let largest = |state: &State| state.covariance.clone().symmetric_eigenvalues().max() / size;
        let bounded = |state: &State| largest(state) <= LARGEST_SPREAD * process.extent(&state.mean);
        if let Some(&time) = times.get(late.holding(bounded)) {
            return Err(RouteError::Spread { time, size });
        }
    }
    for (k, &time) in times.iter().enumerate() {
        let (shift, moved) = late.shift(k, &start.mean);
        check_shift(time, shift, moved)?;
    }
    Ok(Route::Family { early: plain[..early].to_vec(), late })
}

/// Squared distance.
pub(super) fn distance(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(x, y)| (x - y).powi(2)).sum()
}

fn norm(x: &[f64]) -> f64 {
    x.iter().map(|x| x * x).sum::<f64>().sqrt()
}
