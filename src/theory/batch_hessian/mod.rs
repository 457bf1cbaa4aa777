//! The law of batch Hessians: the outlier above its transition, the edge below.
//!
//! D. Granziol, S. Zohren & S. Roberts 2020, arXiv:2006.09092; the transition is that of J. Baik, G. Ben Arous & S. Peche
//! (2005), eigenvectors by D. Paul (2007) and F. Benaych-Georges & R. Nadakuditi (2011). Letters: P dimensions, b the
//! effective batch, q = P/b, s^2 = sigma^2 q, l_1 the true outlier. Corrections are of order 1/P above the transition
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
/// let problem = |noise| BatchHessian { noise, outlier: 3.0, batch_ratio: 0.5, data_ratio: None, window: 0.2 };
/// // s^2 = 2: 3 + 2/3. q = 2: 3 (1 + 2/2).
/// assert!((Law::new(&problem(Noise::Additive { std: 1.0 })).top() - (3.0 + 2.0 / 3.0)).abs() < 1e-14);
/// assert!((Law::new(&problem(Noise::Multiplicative { std: 1.0 })).top() - 6.0).abs() < 1e-14);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Law {
    additive: bool,
    /// sigma^2.
    variance: f64,
    load: f64,
    outlier: f64,
    shifts: bool,
}

impl Law {
    pub fn new(problem: &BatchHessian) -> Self {
        let (Noise::Additive { std } | Noise::Multiplicative { std }) = problem.noise;
        Self {
            additive: matches!(problem.noise, Noise::Additive { .. }),
            variance: std * std,
            load: problem.load(),
            outlier: problem.outlier,
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

    /// Whether the outlier stands apart from the bulk.
    pub fn stands_apart(&self) -> bool {
        let threshold = if self.additive {
            (self.variance * self.load).sqrt()
        } else {
            self.variance * (1.0 + self.load.sqrt())
        };
        self.outlier > threshold
    }

    pub fn top(&self) -> f64 {
        let l = self.outlier;
        match self.stands_apart() {
            false => self.edge(),
            true if !self.shifts => l,
            true if self.additive => l + self.variance * self.load / l,
            true => l * (1.0 + self.load * self.variance / (l - self.variance)),
        }
    }

    /// Square of the top eigenvector along the true outlier: 1 - s^2/l^2, or
    /// (1 - q/(l/sigma^2 - 1)^2) / (1 + q/(l/sigma^2 - 1)); 0 below the transition.
    pub fn alignment(&self) -> f64 {
        if !self.stands_apart() {
            return 0.0;
        }
        if self.additive {
            return 1.0 - self.variance * self.load / (self.outlier * self.outlier);
        }
        let excess = self.outlier / self.variance - 1.0;
        (1.0 - self.load / (excess * excess)) / (1.0 + self.load / excess)
    }

    /// Share of the bulk's eigenvalues between `low` and `high`.
    pub fn bulk(&self, low: f64, high: f64) -> f64 {
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

    /// Density over a window, with the outlier as one eigenvalue of `dimension` (0: infinitely many).
    fn density(&self, at: f64, window: f64, dimension: usize) -> f64 {
        let (low, high) = (at - 0.5 * window, at + 0.5 * window);
        let mut share = self.bulk(low, high);
        if dimension > 0 && self.stands_apart() {
            let one = 1.0 / dimension as f64;
            let top = self.top();
            share *= 1.0 - one;
            if low <= top && top < high {
                share += one;
            }
        }
        share / window
    }
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
                "alignment" => law.alignment(),
                "density" => law.density(time, problem.window, size),
                _ => return Err(super::unknown_observable(name, &problem.observables())),
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
    match name {
        "true-eigenvalue" => Ok(problem.outlier),
        "bulk-edge" => Ok(Law::new(problem).edge()),
        _ => Err(super::unknown_overlay(name, &KIND)),
    }
}
