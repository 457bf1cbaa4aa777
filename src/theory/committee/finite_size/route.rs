//! Symmetric starts escape by a family of effective starts; others by the general rule.

use super::Planted;
use super::escape::{self, NoPlateau, Plateau};
use super::step::Overlapping;
use crate::ode::OdeError;
use crate::theory::linear_noise::family::Family;
use crate::theory::linear_noise::route::{LOOSEST, Route, RouteError, expand};
use crate::theory::linear_noise::starts::{self, Starts};
use crate::theory::linear_noise::{LinearNoise, Process, State, silence};
use nalgebra::DMatrix;
use std::convert::Infallible;

pub(super) fn route(
    process: &Overlapping,
    start: &State,
    size: f64,
    times: &[f64],
    planted: Planted,
    tolerance: f64,
) -> Result<Route, RouteError> {
    let Some(&end) = times.last() else { return Ok(Route::Plain(Vec::new())) };
    if planted.force_expansion {
        let mut law = LinearNoise::new(process, planted.weights);
        return Ok(Route::Plain(law.follow(0.0, start, times, tolerance)?));
    }
    if let Some(plateau) = symmetric(process, start, size, end, planted, tolerance) {
        let starts = effective(process, start, &plateau, size, planted)?;
        let late = Family::new(process, &starts, size, planted.weights, times, tolerance.max(LOOSEST))?;
        return Ok(Route::Family { early: Vec::new(), late });
    }
    expand(process, start, size, times, planted.weights, tolerance)
}

/// The plateau of a symmetric start, where the escape from it matters before `end`.
fn symmetric(
    process: &Overlapping,
    start: &State,
    size: f64,
    end: f64,
    planted: Planted,
    tolerance: f64,
) -> Option<Plateau> {
    let (mut plateau, departure) = plateau_of(process, start, planted, tolerance).ok()?;
    if planted.start_alone {
        plateau.effective_variance = start_variance(start, &plateau);
    }
    let spread = plateau.effective_variance / size;
    let grown = spread * (2.0 * (plateau.rate * end + plateau.log_growth)).exp();
    // A given departure that stands out of the noise makes the escape a deterministic one.
    let random = departure == 0.0 || spread > super::LARGEST_SYMMETRIC * departure * departure;
    (grown > super::LARGEST_SYMMETRIC && random).then_some(plateau)
}

/// S(0): the variance of the start along an escaping direction.
pub(super) fn start_variance(start: &State, plateau: &Plateau) -> f64 {
    let u = &plateau.directions[0];
    u.dot(&(&start.covariance * u))
}

/// The plateau that `start` runs into, if it is symmetric but for the escaping part of R, and the size of that part.
pub(super) fn plateau_of(
    process: &Overlapping,
    start: &State,
    planted: Planted,
    tolerance: f64,
) -> Result<(Plateau, f64), NoPlateau> {
    let (k, m) = process.widths();
    if k < 2 || m < 2 {
        return Err(NoPlateau::TooFewUnits);
    }
    let (departure, other) = escape::asymmetry(process, &start.mean);
    if other > 1e-12 || !process.treats_units_alike() {
        return Err(NoPlateau::Asymmetric);
    }
    let u = &escape::basis(process)[0];
    let variance = u.dot(&(&start.covariance * u));
    let plateau = escape::plateau(process, &start.mean, variance, tolerance, planted.swap_block)?;
    Ok((plateau, departure.norm()))
}

/// Effective starts of the escape from `plateau`. With a slower instability beside it all of the start is drawn.
pub(super) fn effective(
    process: &Overlapping,
    start: &State,
    plateau: &Plateau,
    size: f64,
    planted: Planted,
) -> Result<Starts, OdeError<Infallible>> {
    let n = process.dimension();
    let length = if planted.double_direction { 2.0 } else { 1.0 };
    let escape = length * (plateau.effective_variance / size).sqrt();
    let mut columns: Vec<_> = plateau.directions.iter().map(|u| u * escape).collect();
    let mut silenced = plateau.directions.clone();
    let mut rest = start.covariance.clone();
    silence(&mut rest, &plateau.directions);
    let slower = escape::slower(process, &start.mean, plateau)?;
    if let Some(slower) = slower {
        let noise = if planted.start_alone { 0.0 } else { slower.gathered };
        columns.extend(slower.directions.iter().map(|u| u * (noise / size).sqrt()));
        silenced.extend(slower.block);
        columns.extend(starts::axes(&(&rest / size)));
        rest = DMatrix::zeros(n, n);
    }
    let escaping = plateau.directions.len();
    Ok(Starts {
        time: 0.0,
        centre: start.mean.clone(),
        columns,
        escaping,
        half: false,
        covariance: rest,
        silenced,
    })
}
