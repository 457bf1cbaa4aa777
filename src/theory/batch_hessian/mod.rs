//! The law of batch Hessians: outliers beyond their transition, the edge within.
//!
//! D. Granziol, S. Zohren & S. Roberts 2020, arXiv:2006.09092; the transition is that of J. Baik, G. Ben Arous & S. Peche
//! (2005), eigenvectors by D. Paul (2007) and F. Benaych-Georges & R. Nadakuditi (2011). Letters: P dimensions, b the
//! effective batch, q = P/b, s^2 = sigma^2 q, l_i the true outliers, finitely many: each moves as if it were alone
//! (Benaych-Georges & Nadakuditi, theorems 2.1 and 2.2), on either side of the bulk. Corrections are of order 1/P above the transition
//! and P^(-2/3) below it, where an extrapolation with 1/P leaves a part of them.

use super::{LawError, LawOptions};
use crate::math::marchenko_pastur;
use crate::problem::Definition;
use crate::problem::batch_hessian::{BatchHessian, KIND, Noise};
use crate::trajectory::Curve;
use std::f64::consts::PI;

/// Spectrum of the batch Hessian at infinite dimension.
///
/// ```
/// use asymptotica::problem::batch_hessian::{BatchHessian, Noise};
/// use asymptotica::theory::batch_hessian::Law;
/// let problem = |noise| BatchHessian {
///     noise,
///     outliers: vec![3.0],
///     listed: false,
///     batch_ratio: 0.5,
///     data_ratio: None,
///     window: 0.2,
///     lowest: 0.0,
/// };
/// // s^2 = 2: 3 + 2/3. q = 2: 3 (1 + 2/2).
/// assert!((Law::new(&problem(Noise::Additive { std: 1.0 })).top() - (3.0 + 2.0 / 3.0)).abs() < 1e-14);
/// assert!((Law::new(&problem(Noise::Multiplicative { std: 1.0 })).top() - 6.0).abs() < 1e-14);
/// ```
#[derive(Clone, Debug)]
pub struct Law {
    additive: bool,
    /// sigma^2.
    variance: f64,
    load: f64,
    outliers: Vec<f64>,
    shifts: bool,
}

impl Law {
    pub fn new(problem: &BatchHessian) -> Self {
        let (Noise::Additive { std } | Noise::Multiplicative { std }) = problem.noise;
        Self {
            additive: matches!(problem.noise, Noise::Additive { .. }),
            variance: std * std,
            load: problem.load(),
            outliers: problem.outliers.clone(),
            shifts: true,
        }
    }

    fn with_faults(problem: &BatchHessian, options: &LawOptions) -> Result<Self, LawError> {
        let mut law = Self::new(problem);
        for fault in &options.faults {
            match fault.as_str() {
                "drop=shift" => law.shifts = false,
                "square=noise" => law.variance = law.variance.sqrt(),
                other => return Err(super::unknown_fault(other, &KIND)),
            }
        }
        Ok(law)
    }

    /// Upper edge of the bulk.
    pub fn edge(&self) -> f64 {
        if self.additive {
            2.0 * (self.variance * self.load).sqrt()
        } else {
            self.variance * (1.0 + self.load.sqrt()) * (1.0 + self.load.sqrt())
        }
    }

    /// Lower edge of the bulk, zeros left out.
    pub fn lower_edge(&self) -> f64 {
        if self.additive {
            -self.edge()
        } else {
            self.variance * (1.0 - self.load.sqrt()) * (1.0 - self.load.sqrt())
        }
    }

    /// Eigenvalue of the true Hessian beside the outliers.
    fn centre(&self) -> f64 {
        if self.additive { 0.0 } else { self.variance }
    }

    /// Whether a true outlier `l` stands apart from the bulk.
    pub fn stands_apart(&self, l: f64) -> bool {
        if self.additive {
            return l.abs() > (self.variance * self.load).sqrt();
        }
        let root = self.load.sqrt();
        l > self.variance * (1.0 + root) || l < self.variance * (1.0 - root)
    }

    /// Where the eigenvalue of a true outlier `l` goes.
    pub fn moved(&self, l: f64) -> f64 {
        match self.stands_apart(l) {
            false if l < self.centre() => self.lower_edge(),
            false => self.edge(),
            true if !self.shifts => l,
            true if self.additive => l + self.variance * self.load / l,
            true => l * (1.0 + self.load * self.variance / (l - self.variance)),
        }
    }

    /// Largest eigenvalue.
    pub fn top(&self) -> f64 {
        let above = self.outliers.iter().filter(|&&l| l >= self.centre());
        above.map(|&l| self.moved(l)).fold(self.edge(), f64::max)
    }

    /// Square of the eigenvector of a true outlier `l` along it: 1 without noise, 1 - s^2/l^2, or
    /// (1 - q/(l/sigma^2 - 1)^2) / (1 + q/(l/sigma^2 - 1)); 0 within the transition.
    pub fn alignment(&self, l: f64) -> f64 {
        if !self.stands_apart(l) {
            return 0.0;
        }
        if self.additive {
            return 1.0 - self.variance * self.load / (l * l);
        }
        let excess = l / self.variance - 1.0;
        (1.0 - self.load / (excess * excess)) / (1.0 + self.load / excess)
    }

    /// Share of the bulk's eigenvalues between `low` and `high`.
    pub fn bulk(&self, low: f64, high: f64) -> f64 {
        if self.load == 0.0 {
            return if low <= self.centre() && self.centre() < high { 1.0 } else { 0.0 };
        }
        if self.additive {
            // Semicircle of radius 2 s.
            let edge = self.edge();
            let below = |x: f64| {
                let u = (x / edge).clamp(-1.0, 1.0);
                0.5 + (u * (1.0 - u * u).sqrt() + libm::asin(u)) / PI
            };
            return below(high) - below(low);
        }
        // X^T X / b = (P/b) X^T X / P.
        let ratio = 1.0 / self.load;
        let scale = self.variance * self.load;
        let zeros = if low <= 0.0 && high > 0.0 { (1.0 - ratio).max(0.0) } else { 0.0 };
        zeros + marchenko_pastur::mass(ratio, low / scale, high / scale)
    }

    /// Density over a window, with each outlier as one eigenvalue of `dimension` (0: infinitely many).
    fn density(&self, at: f64, window: f64, dimension: usize) -> f64 {
        let (low, high) = (at - 0.5 * window, at + 0.5 * window);
        let mut share = self.bulk(low, high);
        if dimension > 0 {
            let one = 1.0 / dimension as f64;
            let apart: Vec<f64> =
                self.outliers.iter().filter(|&&l| self.stands_apart(l)).map(|&l| self.moved(l)).collect();
            share *= 1.0 - one * apart.len() as f64;
            share += one * apart.iter().filter(|&&l| low <= l && l < high).count() as f64;
        }
        share / window
    }
}

/// Index of the outlier of `name`, an entry of `family`: the only one where `name` has no index.
fn entry(name: &str, family: &str, problem: &BatchHessian) -> Option<usize> {
    let rest = name.strip_prefix(family)?;
    if rest.is_empty() {
        return (!problem.listed).then_some(0);
    }
    let i: usize = rest.strip_prefix('[')?.strip_suffix(']')?.parse().ok()?;
    (problem.listed && (1..=problem.outliers.len()).contains(&i)).then(|| i - 1)
}

/// The law of `problem`; see [`super::integrate`].
///
/// # Errors
/// [`LawError`].
pub fn integrate(
    problem: &BatchHessian,
    size: usize,
    times: &[f64],
    observables: &[String],
    options: &LawOptions,
) -> Result<Curve, LawError> {
    let law = Law::with_faults(problem, options)?;
    let mut curve = Curve::new(observables);
    for &time in times {
        let mut snapshot = Vec::with_capacity(observables.len());
        for name in observables {
            snapshot.push(match name.as_str() {
                "top_eigenvalue" => law.top(),
                "largest_rate" => 2.0 / law.top(),
                "adaptive_rate" => 2.0 / law.top().sqrt(),
                "density" => law.density(problem.lowest + time, problem.window, size),
                _ => {
                    let of = |family| entry(name, family, problem).map(|i| problem.outliers[i]);
                    match (of("eigenvalue"), of("alignment")) {
                        (Some(l), _) => law.moved(l),
                        (_, Some(l)) => law.alignment(l),
                        _ => return Err(super::unknown_observable(name, &problem.observables())),
                    }
                }
            });
        }
        curve.push(time, &snapshot);
    }
    Ok(curve)
}

/// The value of a named formula; see [`super::overlay`].
///
/// # Errors
/// [`LawError::UnknownOverlay`].
pub fn overlay(problem: &BatchHessian, name: &str) -> Result<f64, LawError> {
    let outliers = problem.outliers.iter().copied();
    match name {
        "true-eigenvalue" => Ok(outliers.fold(f64::NEG_INFINITY, f64::max)),
        "smallest-true-eigenvalue" => Ok(outliers.fold(f64::INFINITY, f64::min)),
        "bulk-edge" => Ok(Law::new(problem).edge()),
        "lower-edge" => Ok(Law::new(problem).lower_edge()),
        _ => Err(super::unknown_overlay(name, &KIND)),
    }
}
