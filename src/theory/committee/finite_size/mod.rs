//! What a committee of finite input dimension d does, predicted without a fitted number: mean, spread and quantiles of
//! every observable at size d, through the escape from a plateau where there is one.
//!
//! # Law
//! State X of overlaps, t = updates / d, exact step of the overlaps at finite d:
//!
//! R_in += (eta/d) c_i rho_n,   Q_ik += (eta/d)(c_i lambda_k + c_k lambda_i) + (eta^2/d)(x.x/d) c_i c_k,
//!
//! c_i = v_i g'(lambda_i) Delta, Delta = teacher + noise - student, and x.x = z.z + chi^2 with d - K - M degrees of freedom,
//! z the K + M components of the input in the space of the weights. So the mean of d times a step is F(X) + G1(X)/d
//! without remainder, F the law of infinite d and
//!
//! G1_Q,ik = 2 eta^2 v_i v_k d/ds [sum_cd s_c s_d I4(i,k,c,d; sC) + sigma^2 J2(i,k; sC)] at s = 1,
//!
//! divided by b for a batch of b samples, which adds eta^2 (1 - 1/b) m_i.C^-1 m_k with m_i = <c_i u>, and decay adds
//! kappa^2 Q_ik - kappa eta (m_i(k) + m_k(i)). Mean and covariance at size d follow from
//! [`linear_noise`](crate::theory::linear_noise) with D = Cov(Y) of one sample over b. For erf all averages of
//! D are closed forms but one smooth integral (`erf_noise`); for polynomial units they are exact by quadrature.
//!
//! # Starts
//! Given overlaps are exact at every size: Sigma(0) = 0, b(0) = 0. Random weights with covariance A + B of all rows, A that of
//! the random part, fixed part B: Sigma(0) of two overlaps (ij), (kl) is C_ik C_jl + C_il C_jk - B_ik B_jl - B_il B_jk.
//!
//! # Where it ends
//! The expansion is one in Sigma/d. The variance of the unstable direction of a symmetric plateau is 5 % off where its
//! Sigma/d is .016 and 18 % where it is .06 (K = M = 2, d = 100). Beyond [`LARGEST_SYMMETRIC`] for symmetric starts, and
//! beyond [`LARGEST_SPREAD`] of the squared distance travelled for others, another law is used:
//!
//! - symmetric starts escape by `escape`: the effective initial condition, uniform in d and t;
//! - other starts are drawn from N(X + b/d, Sigma/d) at a time when the expansion holds well, and each follows
//!   the law of infinite d with its own linear noise (`family`).
//!
//! Relative errors of variances are O(1/d): 1 % before a plateau and 8 % on it at d = 50 (K = M = 2), 15 % for K = 3,
//! M = 2. Near the largest stable learning rate all corrections blow up together. With noise-free labels the
//! corrections relative to a vanishing error grow like t/d.
//!
//! # Covered
//! erf, linear and quadratic units; one or both layers trained from a stated v; label noise, weight decay, batches.
//! ReLU and units without closed forms are refused, as are training sets and random second layers.

mod drift;
mod erf_noise;
mod escape;
mod family;
mod polynomial;
mod step;
#[cfg(test)]
mod tests;

use super::{Coefficients, Observable};
use crate::ode::OdeError;
use crate::problem::Definition;
use crate::problem::committee::{Committee, Init, Overlaps, Surplus, Teacher, Trained};
use crate::theory::linear_noise::jet::Scalar;
use crate::theory::linear_noise::{LinearNoise, Process, State, Weights, read};
use crate::theory::{LawError, LawOptions, QUANTILES, SizeRow};
use crate::trajectory::Curve;
use drift::Units;
use escape::{NoPlateau, Plateau};
use family::{Family, Starts};
use nalgebra::DMatrix;
use std::convert::Infallible;
use std::time::Instant;
use step::{Coordinate, Overlapping, Step};

/// Largest variance of an escaping direction up to which a symmetric start is given the plain expansion.
pub const LARGEST_SYMMETRIC: f64 = 0.015;
/// Largest eigenvalue of Sigma/d, in units of the squared distance travelled, up to which other starts are.
pub const LARGEST_SPREAD: f64 = 0.05;
/// The same where starts of a family are drawn from it.
const SPREAD_TO_DRAW: f64 = 0.004;
/// Points of time at which the spread is looked at.
const LOOKS: usize = 120;

/// Planted faults of this law alone.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Planted {
    weights: Weights,
    /// Weight of 1/2 Hess h : Sigma in the shift of an observable.
    hessian: f64,
    /// Sigma(0) of Q_ii without its factor two.
    single_diagonal: bool,
    /// Noise after the start does not enter the escape.
    start_alone: bool,
}

impl Planted {
    fn new(faults: &[String]) -> Self {
        let has = |name: &str| faults.iter().any(|fault| fault == name);
        let weight = |name: &str| if has(name) { 0.0 } else { 1.0 };
        Self {
            weights: Weights::planted(faults),
            hessian: weight("drop=hessian"),
            single_diagonal: has("halve=start-variance"),
            start_alone: has("drop=late-noise"),
        }
    }
}

/// The units of a problem that this law covers.
fn units(problem: &Committee) -> Option<Units> {
    use crate::problem::activation::Activation;
    match problem.activation {
        Activation::Erf => Some(Units::Erf),
        Activation::Linear => Some(Units::Linear),
        Activation::Quadratic => Some(Units::Quadratic),
        _ => None,
    }
}

/// The overlaps of `problem` as a process, and its state at time 0.
fn process(problem: &Committee, faults: &[String]) -> Result<(Overlapping, State), LawError> {
    let Some(units) = units(problem) else {
        let reason = format!("{} units have no closed moments of the noise", problem.activation.name());
        return Err(LawError::Uncovered { reason });
    };
    let coefficients = Coefficients::new(problem, faults)?;
    let overlaps = problem.limit_start();
    let step = Step {
        units,
        rate: coefficients.rate,
        second_order: coefficients.second_order,
        batch: problem.batch as f64,
        noise_variance: coefficients.noise_variance,
        spread_noise_variance: if faults.iter().any(|fault| fault == "drop=spread-noise") {
            0.0
        } else {
            coefficients.noise_variance
        },
        keep_mean_square: faults.iter().any(|fault| fault == "drop=mean-square"),
        decay: coefficients.decay,
        student_scale: coefficients.student_scale,
        teacher_scale: coefficients.teacher_scale,
        v: overlaps.v.as_slice().to_vec(),
        v_star: overlaps.v_star.as_slice().to_vec(),
        second_layer_rate: coefficients.second_layer_rate,
        second_layer_decay: coefficients.second_layer_decay,
        both_layers: problem.trained == Trained::BothLayers,
    };
    let random_teacher = matches!(problem.teacher, Teacher::Random { .. });
    let process = Overlapping::new(step, &overlaps.t, random_teacher);
    let c = overlaps.covariance();
    let fixed = fixed_part(problem, &c);
    let n = process.dimension();
    let place = |coordinate: Coordinate| process.place(coordinate);
    let single_diagonal = Planted::new(faults).single_diagonal;
    let covariance = DMatrix::from_fn(n, n, |p, q| {
        let (Some((i, j)), Some((k, l))) = (place(process.coordinates[p]), place(process.coordinates[q]))
        else {
            return 0.0;
        };
        let pairs = |a: &DMatrix<f64>| a[(i, k)] * a[(j, l)] + a[(i, l)] * a[(j, k)];
        let value = pairs(&c) - pairs(&fixed);
        if single_diagonal && p == q && i == j { 0.5 * value } else { value }
    });
    let mean = process
        .coordinates
        .iter()
        .map(|&coordinate| match (place(coordinate), coordinate) {
            (Some(entry), _) => c[entry],
            (None, Coordinate::V(i)) => overlaps.v[i],
            (None, _) => unreachable!("every overlap has a place"),
        })
        .collect();
    Ok((process, State { mean, covariance, bias: vec![0.0; n] }))
}

/// Gram matrix of those parts of the weights that are the same in every replica, students first.
fn fixed_part(problem: &Committee, c: &DMatrix<f64>) -> DMatrix<f64> {
    let k = problem.student_width;
    let teacher_is_fixed = matches!(problem.teacher, Teacher::Given { .. });
    match &problem.init {
        // Weights are built on the overlaps, teacher included.
        Init::Given { .. } => c.clone(),
        Init::Random { .. } => DMatrix::from_fn(c.nrows(), c.ncols(), |a, b| {
            if a >= k && b >= k && teacher_is_fixed { c[(a, b)] } else { 0.0 }
        }),
        Init::Informed { surplus, .. } => {
            let on = |a: usize| match a {
                a if a >= k => Some(a - k),
                a => teacher_unit(*surplus, a, problem.teacher_width),
            };
            DMatrix::from_fn(c.nrows(), c.ncols(), |a, b| match (on(a), on(b)) {
                (Some(n), Some(m)) if teacher_is_fixed => c[(k + n, k + m)],
                _ => 0.0,
            })
        }
    }
}

fn teacher_unit(surplus: Surplus, unit: usize, teacher_width: usize) -> Option<usize> {
    surplus.teacher_unit(unit, teacher_width)
}

/// How the law at size d is obtained.
enum Route {
    /// The plain expansion: states at the requested times.
    Plain(Vec<State>),
    /// The plain expansion up to the first `early` of the requested times, a family after them.
    Family { early: Vec<State>, late: Family },
}

/// Mean, standard deviation and quantiles of `observables` at size `size`, at `times`, from the start that the problem
/// states; rows as [`crate::theory::at_size`] says.
///
/// # Errors
/// [`LawError`].
pub fn at_size(
    problem: &Committee,
    size: usize,
    times: &[f64],
    observables: &[String],
    options: &LawOptions,
) -> Result<Curve, LawError> {
    let started = Instant::now();
    if let Some(reason) = problem.finite_size_uncovered() {
        return Err(LawError::Uncovered { reason });
    }
    let (k, m) = (problem.student_width, problem.teacher_width);
    let parsed = observables
        .iter()
        .map(|name| {
            Observable::parse(name, k, m).ok_or_else(|| LawError::UnknownObservable {
                name: name.clone(),
                known: format!("generalisation_error, specialised, Q, R, T, v of K = {k}, M = {m}"),
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    let planted = Planted::new(&options.faults);
    let (process, start) = process(problem, &options.faults)?;
    let route = route(&process, &start, size as f64, times, planted, options.tolerance)
        .map_err(|error| LawError::Integration { reason: error.to_string() })?;
    let names: Vec<String> = observables.iter().flat_map(|name| SizeRow::names(name)).collect();
    let mut curve = Curve::new(&names);
    let d = size as f64;
    for (index, &time) in times.iter().enumerate() {
        let mut snapshot = Vec::with_capacity(names.len());
        let mut errors = Vec::with_capacity(names.len());
        for (observable, name) in parsed.iter().zip(observables) {
            let jet = |x: &[_]| reading(&process, *observable, x);
            let (mean, std, quantiles, error) = match &route {
                Route::Family { early, late } if index >= early.len() => {
                    let positive = *observable == Observable::GeneralisationError;
                    let plain = |x: &[f64]| reading(&process, *observable, x);
                    let law =
                        late.read(index - early.len(), planted.hessian, jet, plain, positive, &QUANTILES);
                    (law.mean, law.std, law.quantiles, law.error)
                }
                Route::Plain(states) | Route::Family { early: states, .. } => {
                    let law = read(&states[index], planted.hessian, jet);
                    let quantiles = QUANTILES.iter().map(|&z| law.quantile(d, z)).collect();
                    (law.mean(d), law.std(d), quantiles, 0.0)
                }
            };
            if !(mean.is_finite() && std.is_finite()) {
                let reason = format!("mean and variance of {name} are no numbers at t = {time}");
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
    curve.work.seconds = started.elapsed().as_secs_f64();
    Ok(curve)
}

/// An observable of a packed state.
fn reading<S: Scalar>(process: &Overlapping, observable: Observable, x: &[S]) -> S {
    let (c, s, v) = process.unpack(x);
    let n = process.fields();
    let (k, _) = process.widths();
    match observable {
        Observable::GeneralisationError => process.units().error(&c, &s) * 0.5,
        Observable::Q(i, j) => c[i * n + j],
        Observable::R(i, j) => c[i * n + k + j],
        Observable::T(i, j) => c[(k + i) * n + k + j],
        Observable::V(i) => v[i],
        Observable::Specialised => {
            let r = DMatrix::from_fn(k, n - k, |i, j| c[i * n + k + j].value());
            S::constant(f64::from(u8::from(Overlaps::is_specialised(&r))))
        }
    }
}

fn route(
    process: &Overlapping,
    start: &State,
    size: f64,
    times: &[f64],
    planted: Planted,
    tolerance: f64,
) -> Result<Route, OdeError<Infallible>> {
    let Some(&end) = times.last() else { return Ok(Route::Plain(Vec::new())) };
    // A mixture over members is not known to more digits.
    let loose = tolerance.max(1e-7);
    if let Some((plateau, centre)) = symmetric(process, start, size, end, planted, tolerance) {
        let starts = effective(process, start, &plateau, centre, size);
        let late = Family::new(process, &starts, size, planted.weights, times, loose)?;
        return Ok(Route::Family { early: Vec::new(), late });
    }
    // All requested times, and looks between them.
    let mut grid: Vec<f64> = times.to_vec();
    grid.extend((1..LOOKS).map(|i| end * (i as f64 / LOOKS as f64).powi(2)));
    grid.sort_by(f64::total_cmp);
    grid.dedup();
    let mut law = LinearNoise::new(process, planted.weights);
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
        columns: family::axes(&(&state.covariance / size)),
        covariance: DMatrix::zeros(n, n),
        silenced: Vec::new(),
    };
    let early = times.iter().filter(|&&t| t <= time).count();
    let late = Family::new(process, &starts, size, planted.weights, &times[early..], loose)?;
    Ok(Route::Family { early: plain[..early].to_vec(), late })
}

/// The plateau of a symmetric start and the start itself, where the escape from it matters before `end`.
fn symmetric(
    process: &Overlapping,
    start: &State,
    size: f64,
    end: f64,
    planted: Planted,
    tolerance: f64,
) -> Option<(Plateau, Vec<f64>)> {
    let (mut plateau, departure) = plateau_of(process, start, tolerance).ok()?;
    if planted.start_alone {
        plateau.effective_variance = start_variance(start, &plateau);
    }
    let spread = plateau.effective_variance / size;
    let grown = spread * (2.0 * (plateau.rate * end + plateau.log_growth)).exp();
    // A given departure that stands out of the noise makes the escape a deterministic one.
    let random = departure == 0.0 || spread > LARGEST_SYMMETRIC * departure * departure;
    (grown > LARGEST_SYMMETRIC && random).then(|| (plateau, start.mean.clone()))
}

/// S(0): the variance of the start along an escaping direction.
fn start_variance(start: &State, plateau: &Plateau) -> f64 {
    let u = &plateau.directions[0];
    u.dot(&(&start.covariance * u))
}

/// The plateau that `start` runs into, if it is symmetric but for the escaping part of R, and the size of that part.
fn plateau_of(process: &Overlapping, start: &State, tolerance: f64) -> Result<(Plateau, f64), NoPlateau> {
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
    Ok((escape::plateau(process, &start.mean, variance, tolerance)?, departure.norm()))
}

/// Effective starts of the escape from `plateau`.
fn effective(process: &Overlapping, start: &State, plateau: &Plateau, centre: Vec<f64>, size: f64) -> Starts {
    let (k, m) = process.widths();
    let n = process.dimension();
    let escape = (plateau.effective_variance / size).sqrt();
    let mut columns: Vec<_> = plateau.directions.iter().map(|u| u * escape).collect();
    let mut rest = start.covariance.clone();
    crate::theory::linear_noise::silence(&mut rest, &plateau.directions);
    // With K > M students differ by a second, slower instability, which starts from the start's own spread.
    if k > m {
        columns.extend(family::axes(&(&rest / size)));
        rest = DMatrix::zeros(n, n);
    }
    Starts { time: 0.0, centre, columns, covariance: rest, silenced: plateau.directions.clone() }
}

/// What the escape of a problem from its symmetric plateau is made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Escape {
    /// lambda, the growth rate of the specialising overlaps at the saddle.
    pub rate: f64,
    /// S_inf: d times the variance of the effective start along an escaping direction.
    pub effective_variance: f64,
    /// lim int_0^t l - lambda t.
    pub log_growth: f64,
    /// D_A at the saddle.
    pub noise: f64,
    /// Generalisation error of the saddle.
    pub error: f64,
}

/// The escape from the plateau of a problem whose start treats all units alike.
///
/// # Errors
/// [`LawError::Uncovered`] with the reason why there is none.
pub fn escape_of(problem: &Committee) -> Result<Escape, LawError> {
    let (process, start) = process(problem, &[])?;
    let (plateau, _) = plateau_of(&process, &start, 1e-10)
        .map_err(|reason| LawError::Uncovered { reason: reason.to_string() })?;
    Ok(Escape {
        rate: plateau.rate,
        effective_variance: plateau.effective_variance,
        log_growth: plateau.log_growth,
        noise: plateau.noise,
        error: reading(&process, Observable::GeneralisationError, &plateau.saddle[..]),
    })
}

/// Times at which the specialising part of R first exceeds `level` in norm at size `size`: many values of equal weight,
/// ascending, infinite where it does not before `horizon`. The whole distribution follows from the effective
/// initial condition alone.
///
/// # Errors
/// [`LawError`] where the problem has no symmetric plateau.
pub fn escape_times(
    problem: &Committee,
    size: usize,
    level: f64,
    horizon: f64,
    faults: &[String],
) -> Result<Vec<f64>, LawError> {
    let planted = Planted::new(faults);
    let (process, start) = process(problem, faults)?;
    let (mut plateau, _) = plateau_of(&process, &start, 1e-10)
        .map_err(|reason| LawError::Uncovered { reason: reason.to_string() })?;
    if planted.start_alone {
        plateau.effective_variance = start_variance(&start, &plateau);
    }
    let starts = effective(&process, &start, &plateau, start.mean.clone(), size as f64);
    family::escape_times(&process, &starts, level, horizon, 1e-8)
        .map_err(|error| LawError::Integration { reason: error.to_string() })
}
