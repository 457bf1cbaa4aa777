//! Test error of kernel ridge regression against the number of samples, from the spectrum of the kernel alone.
//!
//! B. Bordelon, A. Canatar & C. Pehlevan, ICML 2020, arXiv:2002.02561; J. Simon, M. Dickens, D. Karkada & M. DeWeese,
//! arXiv:2110.03922, eqs. 2 to 9. Letters: n samples, lambda_i eigenvalues, a_i coefficients of the target, delta the
//! ridge on K (not on K/n), kappa the effective ridge, L_i learnabilities, E_0 the overfitting coefficient:
//!
//! n = sum_i L_i + delta/kappa, L_i = lambda_i/(lambda_i + kappa), E_0 = n/(n - sum_i L_i^2), and on labels with noise
//! the mean squared test error is E = E_0 [sum_i (1 - L_i)^2 a_i^2 + sigma^2], the training error (delta/(n kappa))^2 E.
//!
//! Spectra on the sphere come from Gauss-Legendre sums over the angle up to degree 800, continued in two to four dimensions by
//! their power laws, or for exponential kernels from Bessel functions; errors of the law are reported as zero. Where kappa
//! is not resolved, or reaches eigenvalues that are not, the law refuses.
//!
//! The law takes features as Gaussian. Harmonics on the circle (d = 2) are far from that: there runs differ from it by tens of
//! per cent.

mod continuation;
mod spectrum;

use spectrum::MOST_DEGREES;
pub use spectrum::{Spectrum, multiplicity};

use super::{LawError, LawOptions};
use crate::problem::Definition;
use crate::problem::kernel_regression::{KIND, Kernel, KernelRegression};
use crate::trajectory::Curve;

/// Effective ridges below this many errors of an eigenvalue see their rounding: at 1e3 the test loss was wrong by 0.3 %.
const UNRESOLVED: f64 = 1e5;

/// Eigenvalues below this share of kappa act as a ridge.
const RIDGE_LIKE: f64 = 1e-3;

/// The state of learning after n samples.
#[derive(Clone, Debug, PartialEq)]
pub struct Learnt {
    /// kappa.
    pub kappa: f64,
    /// E_0.
    pub overfitting: f64,
    /// E_0 - 1, which E_0 rounds away at many samples.
    pub excess: f64,
}

/// lambda/(lambda + kappa), also for an infinite lambda.
fn learnability(eigenvalue: f64, kappa: f64) -> f64 {
    1.0 / (1.0 + kappa / eigenvalue)
}

/// 1 - L.
fn unlearnt(eigenvalue: f64, kappa: f64) -> f64 {
    1.0 / (1.0 + eigenvalue / kappa)
}

impl Learnt {
    /// kappa and E_0 for n samples.
    ///
    /// ```
    /// use asymptotica::theory::kernel_regression::{Learnt, Spectrum};
    /// // Ten equal eigenvalues l, no ridge: n = 10 l/(l + kappa), kappa = l (10 - n)/n, E_0 = 1/(1 - n/10).
    /// let spectrum = Spectrum::exact(vec![(0.3, 10.0)], 0.0);
    /// let learnt = Learnt::new(&spectrum, 4.0, 0.0).unwrap();
    /// assert!((learnt.kappa - 0.45).abs() < 1e-14 && (learnt.overfitting - 1.0 / 0.6).abs() < 1e-13);
    /// ```
    ///
    /// # Errors
    /// [`LawError::Uncovered`] without samples, and without a ridge for as many samples as eigenvalues.
    pub fn new(spectrum: &Spectrum, n: f64, ridge: f64) -> Result<Self, LawError> {
        if n.is_nan() || n <= 0.0 {
            return Err(LawError::Uncovered { reason: format!("{n} samples: at least one is needed") });
        }
        let rank: f64 = spectrum.levels.iter().filter(|(l, _)| *l != 0.0).map(|(_, count)| count).sum();
        if ridge == 0.0 && spectrum.tail <= 0.0 && n >= rank {
            let reason =
                format!("{n} samples of a kernel of rank {rank} without a ridge: the kernel is singular");
            return Err(LawError::Uncovered { reason });
        }
        let above = |kappa: f64| -> f64 {
            let sum: f64 = spectrum.levels.iter().map(|(l, count)| count * learnability(*l, kappa)).sum();
            sum + (spectrum.tail + ridge) / kappa - n
        };
        // The left side falls with kappa and is at most (trace + ridge)/kappa.
        let mut high = (spectrum.trace() + ridge) / n;
        let mut low = high;
        while above(low) < 0.0 {
            high = low;
            low *= 0.1;
            if low == 0.0 {
                return Err(LawError::Uncovered { reason: "the effective ridge is below 1e-300".into() });
            }
        }
        loop {
            let middle = (low * high).sqrt();
            if middle <= low || middle >= high {
                break;
            }
            if above(middle) < 0.0 { high = middle } else { low = middle }
        }
        if low < UNRESOLVED * spectrum.error {
            let reason =
                format!("the effective ridge {low:e} lies below the rounding of the spectrum: add a ridge");
            return Err(LawError::Uncovered { reason });
        }
        if spectrum.largest_of_tail > RIDGE_LIKE * low {
            let reason = format!(
                "{n} samples learn more degrees than the {} that are resolved: the effective ridge {low:e} is not far above \
                 eigenvalue {:e} of the next: take fewer samples or add a ridge",
                spectrum.levels.len(),
                spectrum.largest_of_tail
            );
            return Err(LawError::Uncovered { reason });
        }
        Ok(Self::at(spectrum, low, n))
    }

    /// E_0 = 1 + sum L^2/(n - sum L^2) at this kappa.
    fn at(spectrum: &Spectrum, kappa: f64, n: f64) -> Self {
        let squares: f64 =
            spectrum.levels.iter().map(|(l, count)| count * learnability(*l, kappa).powi(2)).sum();
        Self { kappa, overfitting: n / (n - squares), excess: squares / (n - squares) }
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Faults {
    overfitting: bool,
    kappa: bool,
    multiplicity: bool,
    ridge: bool,
    noise: bool,
}

impl Faults {
    fn parse(names: &[String]) -> Result<Self, LawError> {
        let mut faults = Self::default();
        for name in names {
            match name.as_str() {
                "drop=overfitting" => faults.overfitting = true,
                "scale=kappa" => faults.kappa = true,
                "shift=multiplicity" => faults.multiplicity = true,
                "drop=ridge" => faults.ridge = true,
                "square=noise" => faults.noise = true,
                other => return Err(super::unknown_fault(other, &KIND)),
            }
        }
        Ok(faults)
    }
}

/// The law of one problem at one size.
struct Law {
    spectrum: Spectrum,
    /// Coefficient and eigenvalue of every term of the target.
    target: Vec<(f64, f64)>,
    /// sigma^2.
    noise: f64,
    ridge: f64,
    faults: Faults,
}

impl Law {
    fn new(problem: &KernelRegression, size: usize, faults: Faults) -> Result<Self, LawError> {
        let p = problem.samples_exponent;
        let mut spectrum = match (&problem.kernel, size) {
            (Kernel::Sphere(kernel), 0) if p > 0 => Spectrum::of_infinite_dimension(kernel, p as usize),
            (_, 0) => {
                let reason = "at infinite size a finite number of samples learns next to nothing: simulate at a size, \
                              or set samples_exponent on the sphere";
                return Err(LawError::Start { reason: reason.into() });
            }
            (Kernel::Sphere(_), 1) => {
                return Err(LawError::Start { reason: "the sphere needs two dimensions".into() });
            }
            (kernel, size) => Spectrum::new(kernel, size),
        };
        let coefficients = problem.coefficients(size);
        let eigenvalue = |i: usize| spectrum.levels.get(i).map_or(0.0, |level| level.0);
        let target = coefficients.iter().enumerate().map(|(i, a)| (*a, eigenvalue(i))).collect();
        if faults.multiplicity {
            let other = spectrum::multiplicities(size + 1).take(MOST_DEGREES);
            match problem.kernel {
                Kernel::Sphere(_) if size > 0 => {
                    spectrum.levels.iter_mut().zip(other).for_each(|(level, count)| level.1 = count);
                }
                _ => spectrum.levels.iter_mut().for_each(|level| level.1 *= 2.0),
            }
        }
        let noise = if faults.noise { problem.noise_std } else { problem.noise_std * problem.noise_std };
        let ridge = if faults.ridge { 0.0 } else { problem.ridge };
        Ok(Self { spectrum, target, noise, ridge, faults })
    }

    /// kappa and E_0 for n samples, faults included.
    fn learnt(&self, n: f64) -> Result<Learnt, LawError> {
        let mut learnt = Learnt::new(&self.spectrum, n, self.ridge)?;
        if self.faults.kappa {
            learnt = Learnt::at(&self.spectrum, 1.1 * learnt.kappa, n);
        }
        if self.faults.overfitting {
            (learnt.overfitting, learnt.excess) = (1.0, 0.0);
        }
        Ok(learnt)
    }

    /// Mean squared test error on labels with noise, less that noise.
    fn excess_error(&self, learnt: &Learnt) -> f64 {
        let left = |&(a, l): &(f64, f64)| (a * unlearnt(l, learnt.kappa)).powi(2);
        learnt.overfitting * self.target.iter().map(left).sum::<f64>() + learnt.excess * self.noise
    }
}

/// One observable.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Observable {
    Test,
    Train,
    Coefficient(usize),
}

impl Observable {
    fn parse(name: &str, terms: usize) -> Option<Self> {
        match name {
            "test_loss" => Some(Self::Test),
            "train_loss" => Some(Self::Train),
            _ => {
                let index = name.strip_prefix("coefficient[")?.strip_suffix(']')?.parse::<usize>().ok()?;
                (1..=terms).contains(&index).then_some(Self::Coefficient(index - 1))
            }
        }
    }
}

/// The law of `problem` at `size`, 0 for the limit; see [`super::integrate`].
///
/// # Errors
/// [`LawError`].
pub fn integrate(
    problem: &KernelRegression,
    size: usize,
    times: &[f64],
    observables: &[String],
    options: &LawOptions,
) -> Result<Curve, LawError> {
    let law = Law::new(problem, size, Faults::parse(&options.faults)?)?;
    let parsed = observables
        .iter()
        .map(|name| {
            Observable::parse(name, law.target.len())
                .ok_or_else(|| super::unknown_observable(name, &problem.observables()))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let mut curve = Curve::new(observables);
    let mut snapshot = vec![0.0; parsed.len()];
    for &time in times {
        let n = if size == 0 { time } else { problem.samples(time, size) as f64 };
        let learnt = law.learnt(n)?;
        let excess = law.excess_error(&learnt);
        for (value, observable) in snapshot.iter_mut().zip(&parsed) {
            *value = match *observable {
                Observable::Test => 0.5 * excess,
                Observable::Train => 0.5 * (excess + law.noise) * (law.ridge / (n * learnt.kappa)).powi(2),
                Observable::Coefficient(i) => {
                    let (a, l) = law.target[i];
                    a * learnability(l, learnt.kappa)
                }
            };
        }
        curve.push(time, &snapshot);
    }
    Ok(curve)
}

/// The value of a named formula; see [`super::overlay`].
///
/// # Errors
/// [`LawError::UnknownOverlay`].
pub fn overlay(problem: &KernelRegression, name: &str) -> Result<f64, LawError> {
    use crate::problem::kernel_regression::Target;
    match (name, &problem.target) {
        ("nothing-learnt", Target::Coefficients(list)) => Ok(0.5 * list.iter().map(|a| a * a).sum::<f64>()),
        ("nothing-learnt", Target::PowerLaw { .. }) => Err(LawError::Overlay {
            name: name.into(),
            reason: "it depends on the number of features".into(),
        }),
        _ => Err(super::unknown_overlay(name, &KIND)),
    }
}
