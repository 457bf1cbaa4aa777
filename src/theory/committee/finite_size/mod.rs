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
//! D are closed forms but one smooth integral (`erf_noise`); for polynomial units they are exact by quadrature. For ReLU they
//! are moments of Gaussians cut off to orthants, closed but for the probability of four signs, one quadrature
//! (`relu_noise`): 1e-13 for K + M up to 5, where one orthant probability more would be needed.
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
//!   the law of infinite d with its own linear noise. Teachers without symmetry (graded, say) leave a saddle slowly and
//!   gather noise all the while: where that around some member passes the same bound, members are drawn anew before it
//!   does, again and again. At d = 100 a graded teacher (K = M = 2, eta = 1) has errors .01915, .01288, .00419 at
//!   t = 50, 60, 90 with standard deviations .0111, .0102, .0036; 800 runs have .0194(4), .0127(3), .0041(1) and .0108,
//!   .0096, .0041. The chance of 384 members is 5 % of a standard deviation, and such a law takes some ten seconds.
//!
//! Relative errors of variances are O(1/d): 1 % before a plateau and 8 % on it at d = 50 (K = M = 2), 15 % for K = 3,
//! M = 2. Near the largest stable learning rate all corrections blow up together: two ReLU units with 3 10^4 runs at
//! d = 25, 50, 100 have the spread and the shift of the law at eta = .4 (largest |z| 2.5 and 1.0 of 40), while at eta = 1 the
//! spread extrapolated from these sizes is not yet the limit (|z| = 8.5) and that from d = 100, 200, 400 is (3.0 and 1.6,
//! bound 3.7). With noise-free labels the corrections relative to
//! a vanishing error grow like t/d.
//!
//! A family with several escaping directions is stratified in the length of the drawn vector, which sets the time of the
//! escape: 4000 runs of K = 2, M = 3 at d = 100 escape at 59.45 +- .25, sd 15.56, where the law has 59.68 and 15.25
//! (Kolmogorov-Smirnov p = .17). For K > M the students part in a second block at a slower rate (.0150 beside .0321 for K = 3, M = 2, eta = 1);
//! its effective start has the noise of all later times as well, and all of the start is drawn
//! (4000 runs at d = 100: 59.53 +- .33, sd 20.94, law 59.40 and 20.86, p = .06; at d = 400: 80.95 +- .32, sd 20.29, law
//! 80.33 and 20.06, p = .009: mean and spread to a per cent, the shape not to the digits of 4000 runs). Products of fluctuations of
//! stable blocks, of relative order d^(-1/2), are drawn in that case alone.
//!
//! # Covered
//! erf, linear, quadratic and ReLU units; one or both layers trained from a stated v; label noise, weight decay, batches.
//! Units without closed averages are refused, as are training sets and random second layers, and ReLU units that vanish or
//! coincide at the start, where averages have no second derivatives.

mod drift;
mod erf_noise;
mod escape;
mod polynomial;
mod relu;
mod relu_noise;
mod route;
mod start;
mod step;
#[cfg(test)]
mod tests;

use super::Observable;
use crate::problem::Definition;
use crate::problem::committee::{Committee, Overlaps};
use crate::theory::linear_noise::jet::Scalar;
use crate::theory::linear_noise::route::Route;
use crate::theory::linear_noise::{State, Weights, family, read};
use crate::theory::{LawError, LawOptions, QUANTILES, SizeRow};
use crate::trajectory::Curve;
use nalgebra::DMatrix;
use route::{effective, plateau_of, route, start_variance};
use start::process;
use std::time::Instant;
use step::Overlapping;

/// Largest variance of an escaping direction up to which a symmetric start is given the plain expansion.
pub const LARGEST_SYMMETRIC: f64 = 0.015;
pub use crate::theory::linear_noise::route::LARGEST_SPREAD;

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
    /// Escaping directions of length two.
    double_direction: bool,
    /// Growth of another block.
    swap_block: bool,
    /// The plain expansion everywhere.
    force_expansion: bool,
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
            double_direction: has("double=direction"),
            swap_block: has("swap=block"),
            force_expansion: has("force=expansion"),
        }
    }
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
            let around = |state: &State| read(state, planted.hessian, |x| reading(&process, *observable, x));
            let (mean, std, quantiles, error) = match &route {
                Route::Family { early, late } if index >= early.len() => {
                    let positive = *observable == Observable::GeneralisationError;
                    let plain = |x: &[f64]| reading(&process, *observable, x);
                    let law = late.read(index - early.len(), around, plain, positive, &QUANTILES);
                    (law.mean, law.std, law.quantiles, law.error)
                }
                Route::Plain(states) | Route::Family { early: states, .. } => {
                    let law = around(&states[index]).complete();
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
    let planted = Planted::new(&[]);
    let (process, start) = process(problem, &[])?;
    let (plateau, _) = plateau_of(&process, &start, planted, 1e-10)
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
    let (mut plateau, _) = plateau_of(&process, &start, planted, 1e-10)
        .map_err(|reason| LawError::Uncovered { reason: reason.to_string() })?;
    if planted.start_alone {
        plateau.effective_variance = start_variance(&start, &plateau);
    }
    let norm = |x: &[f64]| escape::asymmetry(&process, x).0.norm();
    effective(&process, &start, &plateau, size as f64, planted)
        .and_then(|starts| family::escape_times(&process, &starts, norm, level, horizon, 1e-8))
        .map_err(|error| LawError::Integration { reason: error.to_string() })
}
