//! Eigenvalues beyond the degrees that are integrated, where their power law is known.
//!
//! Kernels with a singularity (1 -+ t)^(integer + 1/2), those of ReLU networks, have lambda_k = C s^-a (1 + B/s^2 + ...) in
//! s = k + (d - 2)/2 for each parity of k, a an integer: the Laplacian on the sphere depends on s^2 alone. C and B come
//! from two degrees and are checked at a third; further degrees enter in groups of one parity.

/// Smallest eigenvalue that enters a fit, relative to k(1): a million times its rounding.
const FITTED: f64 = 1e-10;

/// Degrees below this are not yet in the power law.
const FIRST_FITTED: usize = 32;

/// Errors allowed: of the exponent before it is rounded, of the eigenvalue at the third degree, of the sum of all.
const EXPONENT: f64 = 0.02;
const CHECKED: f64 = 1e-4;

/// As many components need no continuation: no number of samples reaches them.
const ENOUGH: f64 = 1e10;

/// The last degree, and the number of components beyond which all is left to the tail.
const LAST_DEGREE: f64 = 1e8;
const MOST_COMPONENTS: f64 = 1e13;

/// Degrees in a group are one part in this many of the degree.
const GROUPS: usize = 1024;

/// C, a and B of one parity.
#[derive(Clone, Copy, Debug)]
struct PowerLaw {
    factor: f64,
    exponent: f64,
    correction: f64,
    /// The last degree of the fit.
    last: usize,
}

impl PowerLaw {
    fn at(&self, s: f64) -> f64 {
        self.factor * s.powf(-self.exponent) * (1.0 + self.correction / (s * s))
    }

    /// Of the degrees of one parity; `Err` where they follow no power law, `Ok(None)` where they vanish.
    fn fit(levels: &[(f64, f64)], parity: usize, shift: f64, whole: f64) -> Result<Option<Self>, ()> {
        let resolved = |k: &usize| levels[*k].0 > FITTED * whole;
        let last = (parity..levels.len()).step_by(2).rfind(resolved).unwrap_or(0);
        if last < FIRST_FITTED {
            let rest = (parity..levels.len()).step_by(2).filter(|k| *k >= FIRST_FITTED.min(last + 4));
            let vanish = rest.map(|k| levels[k].0).fold(0.0, f64::max) < FITTED * whole;
            return if vanish && last < 4 { Ok(None) } else { Err(()) };
        }
        let below = |share: f64| last - 2 * (0.5 * share * last as f64) as usize;
        let (far, middle, near) = (last, below(0.3), below(0.5));
        let s = |k: usize| k as f64 + shift;
        let exponent = (levels[near].0 / levels[far].0).ln() / (s(far) / s(near)).ln();
        if (exponent - exponent.round()).abs() > EXPONENT {
            return Err(());
        }
        let exponent = exponent.round();
        let scaled = |k: usize| levels[k].0 * s(k).powf(exponent);
        let inverse = |k: usize| 1.0 / (s(k) * s(k));
        let slope = (scaled(near) - scaled(far)) / (inverse(near) - inverse(far));
        let factor = scaled(far) - slope * inverse(far);
        let fit = Self { factor, exponent, correction: slope / factor, last };
        let error = (fit.at(s(middle)) / levels[middle].0 - 1.0).abs();
        if error < CHECKED { Ok(Some(fit)) } else { Err(()) }
    }
}

/// N_k of one degree, s = k + (d - 2)/2.
fn multiplicity(dimension: usize, s: f64) -> f64 {
    let k = s - 0.5 * (dimension as f64 - 2.0);
    match dimension {
        2 => 2.0,
        _ => (1..=dimension - 3).fold(2.0 * s, |n, j| n * (k + j as f64) / j as f64) / (dimension - 2) as f64,
    }
}

/// `levels` of the degrees from 0, continued, and the trace of the rest; `None` where they follow no power law, or need not
/// be continued.
pub(super) fn continued(
    levels: &[(f64, f64)],
    dimension: usize,
    whole: f64,
) -> Option<(Vec<(f64, f64)>, f64)> {
    let components: f64 = levels.iter().map(|level| level.1).sum();
    if components > ENOUGH {
        return None;
    }
    let shift = 0.5 * (dimension as f64 - 2.0);
    let mut all = levels.to_vec();
    let mut tail = 0.0;
    for parity in [0, 1] {
        let Some(law) = PowerLaw::fit(levels, parity, shift, whole).ok()? else { continue };
        let mut k = law.last + 2;
        // Those that have lost digits.
        while k < levels.len() {
            all[k].0 = law.at(k as f64 + shift);
            k += 2;
        }
        let mut sum = components;
        while (k as f64) < LAST_DEGREE && sum < MOST_COMPONENTS {
            let degrees = (k / (2 * GROUPS)).max(1);
            let s = (k + degrees - 1) as f64 + shift;
            let count = degrees as f64 * multiplicity(dimension, s);
            all.push((law.at(s), count));
            sum += count;
            k += 2 * degrees;
        }
        // The sum over the remaining degrees as an integral from half a step below.
        let s = k as f64 - 1.0 + shift;
        tail += 0.5 * law.at(s) * multiplicity(dimension, s) * s / (law.exponent - dimension as f64 + 1.0);
    }
    let trace = tail + all.iter().map(|(l, count)| l * count).sum::<f64>();
    (all.len() > levels.len() && (trace / whole - 1.0).abs() < CHECKED).then_some((all, tail))
}
