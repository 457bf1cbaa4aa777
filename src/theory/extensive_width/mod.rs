//! The law of Bayes-optimal learning of a quadratic network of extensive width.
//!
//! A. Maillard, E. Troiani, S. Martin, F. Krzakala & L. Zdeborova 2024, arXiv:2408.03733. Letters: kappa = m/d, alpha =
//! n/d^2, Delta the variance of all noise on the centred label, v = 1/qhat the noise through which the samples show S,
//! e = ||S - Shat||^2/d, 1/kappa without samples; the paper's figures show kappa e. The fixed point of
//! v = (Delta + 2 e)/(4 alpha), e = MMSE_den(v) is the Bayes error and, iterated from e = 1/kappa, the state evolution of
//! GAMP. Corrections at finite d are of order 1/d.

mod spectrum;

pub use spectrum::Spectrum;

use super::{LawError, LawOptions};
use crate::problem::Definition;
use crate::problem::extensive_width::{Algorithm, ExtensiveWidth, KIND};
use crate::trajectory::Curve;
use std::time::Instant;

/// Below this share of the prior variance, MMSE_den(v) is its leading order.
const SMALL: f64 = 1e-13;

/// Limit d -> infinity at fixed kappa and alpha.
///
/// ```
/// use asymptotica::problem::extensive_width::{Algorithm, ExtensiveWidth};
/// use asymptotica::theory::extensive_width::Law;
/// let problem = ExtensiveWidth {
///     width_ratio: 0.5,
///     sample_ratio: 0.3,
///     noise_variance: 0.0,
///     hidden_noise_std: 0.25,
///     algorithm: Algorithm::Gamp { damping: 0.0, estimate_damping: 0.0 },
/// };
/// // Maillard et al. 2024.
/// assert!((Law::new(&problem).mmse()? - 0.6785).abs() < 5e-5);
/// # Ok::<(), asymptotica::theory::LawError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Law {
    kappa: f64,
    /// Delta.
    noise: f64,
    /// 4 alpha.
    samples: f64,
    gaussian_prior: bool,
}

impl Law {
    pub fn new(problem: &ExtensiveWidth) -> Self {
        Self {
            kappa: problem.width_ratio,
            noise: problem.noise(),
            samples: 4.0 * problem.sample_ratio,
            gaussian_prior: false,
        }
    }

    fn with_faults(problem: &ExtensiveWidth, options: &LawOptions) -> Result<Self, LawError> {
        let mut law = Self::new(problem);
        for fault in &options.faults {
            match fault.as_str() {
                "drop=noise" => law.noise = 0.0,
                "drop=width" => law.gaussian_prior = true,
                "halve=samples" => law.samples *= 0.5,
                other => return Err(super::unknown_fault(other, &KIND)),
            }
        }
        Ok(law)
    }

    /// Error of the prior mean.
    fn prior(&self) -> f64 {
        1.0 / self.kappa
    }

    /// MMSE_den(v), the error of estimating S from S + sqrt(v) GOE.
    pub fn denoiser_error(&self, v: f64) -> f64 {
        let prior = self.prior();
        if self.gaussian_prior {
            v * prior / (v + prior)
        } else if v < SMALL * prior {
            2.0 * recovery_threshold(self.kappa) * v
        } else {
            Spectrum::new(self.kappa, v).denoiser_error().0
        }
    }

    /// The noise v through which the samples show S to an estimate of error e.
    pub fn effective_noise(&self, error: f64) -> f64 {
        (self.noise + 2.0 * error) / self.samples
    }

    /// The Bayes error: MMSE_den(v) at the v where (MMSE_den(v) + Delta/2) / v, which falls with v, is 2 alpha.
    ///
    /// # Errors
    /// [`LawError::Integration`] if the fixed point is not found.
    pub fn mmse(&self) -> Result<f64, LawError> {
        let excess = |ln_v: f64| {
            let v = libm::exp(ln_v);
            libm::log((self.denoiser_error(v) + 0.5 * self.noise) / v / (0.5 * self.samples))
        };
        // v lies between its values for an exact estimate and for none.
        let mut high = libm::log(self.effective_noise(self.prior()));
        let mut low = if self.noise > 0.0 {
            libm::log(self.effective_noise(0.0))
        } else {
            libm::log(0.5 * SMALL * self.prior())
        };
        let (mut at_low, mut at_high) = (excess(low), excess(high));
        if at_low <= 0.0 {
            if self.noise == 0.0 {
                // Samples enough to find S exactly.
                return Ok(0.0);
            }
            return Ok(self.denoiser_error(libm::exp(low)));
        }
        // False position, with the value at an end that stays halved (Illinois).
        let mut side = 0;
        for _ in 0..200 {
            let step = (high - low) * at_low / (at_low - at_high);
            let middle = if step > 0.0 && step < high - low { low + step } else { 0.5 * (low + high) };
            let value = excess(middle);
            if value.abs() < 1e-14 || high - low < 1e-14 {
                return Ok(self.denoiser_error(libm::exp(middle)));
            }
            if value > 0.0 {
                (low, at_low) = (middle, value);
                if side == 1 {
                    at_high *= 0.5;
                }
                side = 1;
            } else {
                (high, at_high) = (middle, value);
                if side == -1 {
                    at_low *= 0.5;
                }
                side = -1;
            }
        }
        // Quadratures of relative error 1e-13 can keep the value above 1e-14.
        if high - low < 1e-9 {
            return Ok(self.denoiser_error(libm::exp(0.5 * (low + high))));
        }
        Err(LawError::Integration { reason: format!("no fixed point between ln v = {low} and {high}") })
    }

    /// Errors after 0, 1, ..., `iterations` iterations of undamped GAMP.
    pub fn state_evolution(&self, iterations: usize) -> Vec<f64> {
        let mut errors = Vec::with_capacity(iterations + 1);
        let mut error = self.prior();
        errors.push(error);
        for _ in 0..iterations {
            error = self.denoiser_error(self.effective_noise(error));
            errors.push(error);
        }
        errors
    }
}

/// Samples per d^2 from which S is found exactly without noise.
fn recovery_threshold(kappa: f64) -> f64 {
    if kappa < 1.0 { kappa - 0.5 * kappa * kappa } else { 0.5 }
}

/// The law of `problem`; see [`super::integrate`].
///
/// # Errors
/// [`LawError`]; `error` and `effective_noise` have a law for undamped GAMP alone.
pub fn integrate(
    problem: &ExtensiveWidth,
    times: &[f64],
    observables: &[String],
    options: &LawOptions,
) -> Result<Curve, LawError> {
    let clock = Instant::now();
    let law = Law::with_faults(problem, options)?;
    let has = |names: &[&str]| observables.iter().any(|o| names.contains(&o.as_str()));
    let mmse = if has(&["mmse", "scaled_mmse", "start_error"]) { law.mmse()? } else { f64::NAN };
    let iterations = times.last().map_or(0, |t| t.round() as usize);
    let evolution = if has(&["error", "effective_noise"]) {
        if problem.algorithm != (Algorithm::Gamp { damping: 0.0, estimate_damping: 0.0 }) {
            let reason =
                "state evolution is that of GAMP without any damping: set problem.algorithm = { kind = \
                          \"gamp\" }, or observe mmse"
                    .to_string();
            return Err(LawError::Uncovered { reason });
        }
        law.state_evolution(iterations)
    } else {
        Vec::new()
    };
    let mut curve = Curve::new(observables);
    for &time in times {
        let iteration = time.round() as usize;
        let mut snapshot = Vec::with_capacity(observables.len());
        for name in observables {
            snapshot.push(match (name.as_str(), problem.algorithm) {
                ("denoiser_error", Algorithm::Denoiser { variance }) => law.denoiser_error(variance),
                ("samples_needed", Algorithm::Denoiser { variance }) => {
                    2.0 * law.denoiser_error(variance) / (law.samples / problem.sample_ratio * variance)
                }
                (_, Algorithm::Denoiser { .. }) => {
                    return Err(super::unknown_observable(name, &problem.observables()));
                }
                ("mmse", _) => mmse,
                ("scaled_mmse", _) => mmse * law.kappa,
                ("start_error", Algorithm::GradientDescent { .. }) => 2.0 * mmse,
                ("error", _) => evolution[iteration],
                // Iteration t looks through the noise that the estimate of iteration t - 1 leaves.
                ("effective_noise", _) => law.effective_noise(evolution[iteration.saturating_sub(1)]),
                _ => return Err(super::unknown_observable(name, &problem.observables())),
            });
        }
        curve.push(time, &snapshot);
    }
    curve.work.seconds = clock.elapsed().as_secs_f64();
    Ok(curve)
}

/// The value of a named formula; see [`super::overlay`].
///
/// # Errors
/// [`LawError::UnknownOverlay`].
pub fn overlay(problem: &ExtensiveWidth, name: &str) -> Result<f64, LawError> {
    match name {
        "perfect-recovery" => Ok(recovery_threshold(problem.width_ratio)),
        _ => Err(super::unknown_overlay(name, &KIND)),
    }
}
