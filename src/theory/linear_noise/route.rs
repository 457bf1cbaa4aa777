//! Which law is used where: the plain expansion while it holds, then a family of starts drawn from it; where the noise
//! after that start matters as well, a family whose members are drawn anew along the way.

use super::family::Family;
use super::starts::{self, Starts};
use super::{LinearNoise, Process, State, Weights};
use crate::ode::OdeError;
use nalgebra::DMatrix;
use std::convert::Infallible;

/// Largest eigenvalue of Sigma/d, in units of the squared distance travelled, up to which the plain expansion is used.
pub const LARGEST_SPREAD: f64 = 0.05;
/// The same where starts of a family are drawn from it.
const SPREAD_TO_DRAW: f64 = 0.004;
/// Points of time at which the spread is looked at.
const LOOKS: usize = 120;
/// Tolerance of the members of a family: a mixture over them is not known to more digits.
pub const LOOSEST: f64 = 1e-7;

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
/// What the integrator reports.
pub fn expand(
    process: &impl Process,
    start: &State,
    size: f64,
    times: &[f64],
    weights: Weights,
    tolerance: f64,
) -> Result<Route, OdeError<Infallible>> {
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
    let scale = states
        .iter()
        .map(|state| state.mean.iter().zip(&start.mean).map(|(x, y)| (x - y).powi(2)).sum::<f64>())
        .fold(1e-6, f64::max);
    let spread = |state: &State| state.covariance.clone().symmetric_eigenvalues().max() / (size * scale);
    let Some(first) = states.iter().position(|state| spread(state) > LARGEST_SPREAD) else {
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
    let (times, tolerance) = (&times[early..], tolerance.max(LOOSEST));
    let mut late = Family::new(process, &starts, size, weights, times, tolerance)?;
    if late.holding(|state| spread(state) <= LARGEST_SPREAD) < times.len() {
        let small = |state: &State| spread(state) <= SPREAD_TO_DRAW;
        if let Some(redrawn) = Family::redrawn(process, &starts, size, weights, times, tolerance, small)? {
            late = redrawn;
        }
    }
    Ok(Route::Family { early: plain[..early].to_vec(), late })
}
