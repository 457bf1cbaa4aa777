//! Spread and bias of the overlaps at finite d by the linear-noise law, and their growth from a random start.
//!
//! With u_j = h*_j - h m_j (covariance K = 1 - m m^T), g = (y - s(h)) s'(h) and the tangent input's square
//! d + u.K^-1 u - 1 - p in the mean, the step back onto the sphere gives d times the change of m_j as
//!
//! eta g u_j - (eta^2/2) g^2 m_j
//! + (1/d) [-(eta^2/2) g^2 m_j (u.K^-1 u - 1 - p) - (eta^3/2) g^3 u_j + (3/8) eta^4 g^4 m_j] + O(1/d^2):
//!
//! Y and the integrand of G1, with u = z - m (m.z)/(1 + sqrt(1 - m.m)) for standard normal z. Polynomial links have exact
//! averages; for all others, with one planted direction, they are Chebyshev series of quadratures (see `line`).
//!
//! # Starts
//! Given overlaps: Sigma(0) = 0; where that is the saddle below, S_inf = D(0)/(2 lambda). A random start is m = 0 with
//! Sigma(0) = 1, for E m_j m_l = delta_jl/d.
//!
//! - k* = 1: the drift at m = 0 does not vanish and the expansion holds.
//! - k* = 2: m = 0 is a saddle of rate lambda = 2 eta c_2 a_2/sqrt p - eta^2 V(0)/2 in every direction. Where lambda > 0, runs
//!   escape from effective starts N(0, S_inf/d), S_inf = 1 + D(0)/(2 lambda), each with the linear noise around it; that
//!   starts from the covariance -D(0)/(2 lambda), because the drawn start stands for noise which is yet to come.
//! - k* > 2, or lambda < 0: overlaps stay of order d^(-1/2) for all times of order 1, and the expansion about m = 0 says so.
//!
//! Refused are runs that spread over the sphere while no family of starts follows them, and sizes at which the shift b/d is
//! not small beside what overlaps have moved and spread (see [`crate::theory::linear_noise::route`]).
//!
//! On the hemisphere m_1 > 0 the first component is drawn from its positive half.

mod line;
mod polynomial;
mod readings;

use super::Observable;
use crate::problem::Definition;
use crate::problem::single_index::{Init, SingleIndex};
use crate::theory::linear_noise::family::Family;
use crate::theory::linear_noise::route::{LOOSEST, Route, RouteError, expand};
use crate::theory::linear_noise::starts::{self, Starts};
use crate::theory::linear_noise::{LinearNoise, Process, State, Weights, read};
use crate::theory::{LawError, LawOptions, QUANTILES, SizeRow, unknown_observable};
use crate::trajectory::Curve;
use line::Line;
use nalgebra::{DMatrix, DVector};
use polynomial::Sphere;
use readings::{Pulled, Readings, is_at_kink, is_kink};

/// Variance of an overlap up to which a saddle is left to the expansion about it.
const LARGEST_SYMMETRIC: f64 = 0.015;

/// Mean, standard deviation and quantiles of `observables` at size `size`; see [`crate::theory::at_size`].
///
/// # Errors
/// [`LawError`]; passages of thresholds, and the largest of overlaps that runs find equal, have no expansion.
pub fn at_size(
    problem: &SingleIndex,
    size: usize,
    times: &[f64],
    observables: &[String],
    options: &LawOptions,
) -> Result<Curve, LawError> {
    if let Some(reason) = problem.finite_size_uncovered() {
        return Err(LawError::Uncovered { reason });
    }
    let p = problem.directions;
    let mut parsed = Vec::with_capacity(observables.len());
    for name in observables {
        let observable =
            Observable::parse(name, p).ok_or_else(|| unknown_observable(name, &problem.observables()))?;
        let reason = match observable {
            Observable::Recovered(_) | Observable::RecoveryTime(_) => {
                format!("{name} jumps and has no expansion in 1/d")
            }
            // A random start is at 0.
            Observable::Overlap if is_kink(&problem.limit_start()) => kink(name, 0.0),
            _ => {
                parsed.push(observable);
                continue;
            }
        };
        return Err(LawError::Uncovered { reason });
    }
    if let Some(process) = Sphere::new(problem, &options.faults) {
        return curve(problem, &process, size, times, observables, &parsed, options);
    }
    let reason = "the averages of these links are not resolved by 256 Chebyshev polynomials";
    let process =
        Line::new(problem, &options.faults).ok_or_else(|| LawError::Uncovered { reason: reason.into() })?;
    curve(problem, &process, size, times, observables, &parsed, options)
}

fn kink(name: &str, time: f64) -> String {
    format!(
        "{name}, the largest modulus, has a kink at 0 and where overlaps are equal, which runs reach at t = {time}, and \
         no expansion there: ask for m or loss"
    )
}

fn curve(
    problem: &SingleIndex,
    process: &(impl Process + Pulled),
    size: usize,
    times: &[f64],
    names: &[String],
    observables: &[Observable],
    options: &LawOptions,
) -> Result<Curve, LawError> {
    let clock = std::time::Instant::now();
    let d = size as f64;
    let weights = Weights::planted(&options.faults);
    let route = route(problem, process, d, times, weights, options.tolerance.max(1e-10))
        .map_err(|error| LawError::Integration { reason: error.to_string() })?;
    let readings = Readings::new(problem, process);
    let rows: Vec<String> = names.iter().flat_map(|name| SizeRow::names(name)).collect();
    let mut curve = Curve::new(&rows);
    for (index, &time) in times.iter().enumerate() {
        let mut snapshot = Vec::with_capacity(rows.len());
        let mut errors = Vec::with_capacity(rows.len());
        for (observable, name) in observables.iter().zip(names) {
            let value = |m: &[f64]| readings.value(*observable, m);
            let around = |state: &State| read(state, 1.0, |m| readings.value(*observable, m));
            let at_kink = match &route {
                Route::Family { early, late } if index >= early.len() => {
                    late.any(index - early.len(), |state| is_at_kink(state, d))
                }
                Route::Plain(states) | Route::Family { early: states, .. } => is_at_kink(&states[index], d),
            };
            if *observable == Observable::Overlap && at_kink {
                return Err(LawError::Uncovered { reason: kink(name, time) });
            }
            let (mean, std, quantiles, error) = match &route {
                Route::Family { early, late } if index >= early.len() => {
                    let positive = *observable == Observable::Loss;
                    let law = late.read(index - early.len(), around, value, positive, &QUANTILES);
                    (law.mean, law.std, law.quantiles, law.error)
                }
                Route::Plain(states) | Route::Family { early: states, .. } => {
                    let law = around(&states[index]).complete();
                    let quantiles = QUANTILES.iter().map(|&z| law.quantile(d, z)).collect();
                    (law.mean(d), law.std(d), quantiles, 0.0)
                }
            };
            if !(mean.is_finite() && std.is_finite()) {
                let reason = format!("{name} has no derivative at t = {time}");
                return Err(LawError::Integration { reason });
            }
            snapshot.extend([mean, std]);
            snapshot.extend_from_slice(&quantiles);
            errors.extend(std::iter::repeat_n(error, 2 + QUANTILES.len()));
        }
        curve.push(time, &snapshot);
        for (row, error) in curve.errors.iter_mut().zip(errors) {
            *row.last_mut().expect("a point was pushed") = error;
        }
    }
    curve.work.seconds = clock.elapsed().as_secs_f64();
    Ok(curve)
}

fn route(
    problem: &SingleIndex,
    process: &impl Process,
    size: f64,
    times: &[f64],
    weights: Weights,
    tolerance: f64,
) -> Result<Route, RouteError> {
    let p = problem.directions;
    let (hemisphere, random) = match problem.init {
        Init::Random { hemisphere } => (hemisphere, true),
        Init::Given { .. } => (false, false),
    };
    let zero = DMatrix::zeros(p, p);
    let covariance = if random { DMatrix::identity(p, p) } else { zero.clone() };
    let start = State { mean: problem.limit_start(), covariance, bias: vec![0.0; p] };
    let Some(&end) = times.last() else {
        return expand(process, &start, size, times, weights, tolerance);
    };
    let mut drift = vec![0.0; p];
    process.drift(&start.mean, &mut drift);
    let mut law = LinearNoise::new(process, weights);
    let jacobian = law.jacobian(&start.mean);
    let rate = jacobian[(0, 0)];
    // Other than m = 0, a stationary start may grow along one direction and shrink along another.
    let alike = (&jacobian - DMatrix::identity(p, p) * rate).amax() < 1e-9 * rate.abs();
    let still = alike && drift.iter().all(|f| f.abs() < 1e-12);
    // Variance of the noise that is yet to come, where it escapes.
    let later = if still && rate > 0.0 { law.noise(&start.mean) / (2.0 * rate) } else { zero };
    let drawn = &start.covariance + &later;
    let grown = drawn.amax() / size * (2.0 * rate * end).exp();
    let escapes = still && grown > LARGEST_SYMMETRIC;
    if !(hemisphere || escapes) {
        return expand(process, &start, size, times, weights, tolerance);
    }
    let columns = if hemisphere {
        let axis = |j: usize| DVector::from_fn(p, |i, _| if i == j { 1.0 / size.sqrt() } else { 0.0 });
        let half = (0..p).map(axis);
        let noise = if later.amax() > 0.0 { starts::axes(&(&later / size)) } else { Vec::new() };
        half.chain(noise).collect()
    } else {
        starts::axes(&(drawn / size))
    };
    let starts = Starts {
        time: 0.0,
        centre: start.mean,
        columns,
        escaping: 0,
        half: hemisphere,
        covariance: -later,
        silenced: Vec::new(),
    };
    let late = Family::new(process, &starts, size, weights, times, tolerance.max(LOOSEST))?;
    Ok(Route::Family { early: Vec::new(), late })
}
