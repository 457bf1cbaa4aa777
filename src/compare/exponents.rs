//! Measured powers of the size: how spread and bias of one curve shrink, pooled over its points.

use super::Pooled;
use super::deterministic;
use super::deviation::Sample;
use super::join::Track;
use super::pool::{Cross, Pool, jackknife};
use super::profile::Profile;
use super::student::Student;
use rand::Rng;
use serde::{Deserialize, Serialize};

/// A measured exponent of the size.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Exponent {
    Resolved {
        value: f64,
        std_error: f64,
        /// Pointwise 95 % confidence interval.
        interval: (f64, f64),
    },
    NotResolved {
        why: Unresolved,
    },
}

/// Why an exponent cannot be stated.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Unresolved {
    /// One size has no power.
    OneSize,
    /// No point has spread over replicas at every size.
    NoSpread,
    /// Without any spread the deviation lies within ten times the law's own error.
    WithinLawError,
    /// Without any spread two sizes always lie on one power.
    TwoExactSizes,
    /// The bias is significant (p < 1 %) at fewer than two sizes.
    BelowNoise { biased: usize, sizes: usize },
    /// Two sizes with significant bias have opposite biases.
    ChangesSign { sizes: (usize, usize) },
    /// The 95 % interval is wider than +-1/2, so that N^-1/2 and N^-1 cannot be told apart.
    TooUncertain { std_error: f64 },
    /// No power between N and N^-4 fits best.
    NoPower,
}

impl Exponent {
    /// The value, where resolved.
    pub fn value(&self) -> Option<f64> {
        match *self {
            Exponent::Resolved { value, .. } => Some(value),
            Exponent::NotResolved { .. } => None,
        }
    }

    /// An estimate with its variance, made up of independent parts of so many degrees of freedom each
    /// (Satterthwaite, Biometrics Bull. 2, 110 (1946)).
    fn estimated(value: f64, parts: &[(f64, usize)]) -> Self {
        let variance: f64 = parts.iter().map(|&(v, _)| v).sum();
        let share: f64 = parts.iter().map(|&(v, df)| (v / variance).powi(2) / df as f64).sum();
        let std_error = variance.sqrt();
        if !(value.is_finite() && std_error.is_finite() && share > 0.0) {
            return Exponent::NotResolved { why: Unresolved::NoPower };
        }
        let half = std_error * Student::new(1.0 / share).critical(0.025);
        if half > 0.5 {
            return Exponent::NotResolved { why: Unresolved::TooUncertain { std_error } };
        }
        Exponent::Resolved { value, std_error, interval: (value - half, value + half) }
    }
}

/// What the sizes of one curve say about its powers.
pub(super) struct Powers {
    /// By size, in the order of the track.
    pub pooled: Vec<Option<Pooled>>,
    pub fluctuation: Exponent,
    pub bias: Exponent,
}

/// Powers of the size of one curve. Estimators and criteria are described on
/// [the module page](crate::compare).
pub(super) fn powers<R: Rng + ?Sized>(
    track: &Track,
    samples: &[Sample],
    draws: usize,
    generator: &mut R,
) -> Powers {
    let unresolved = |why| Powers {
        pooled: vec![None; track.sizes.len()],
        fluctuation: Exponent::NotResolved { why },
        bias: Exponent::NotResolved { why },
    };
    if track.sizes.len() < 2 {
        return unresolved(Unresolved::OneSize);
    }
    if let Some((pooled, bias)) = deterministic::bias(track, samples) {
        return Powers { pooled, fluctuation: Exponent::NotResolved { why: Unresolved::NoSpread }, bias };
    }
    let Some(pool) = Pool::new(track, samples) else { return unresolved(Unresolved::NoSpread) };
    let spreads = pool.log_spreads();
    let cross = pool.cross();
    let p_values = pool.p_values(draws, generator);
    let pooled = (0..track.sizes.len())
        .map(|k| {
            let (log_spread, error) = (spreads[k].0, variance(&spreads[k].1).sqrt());
            let bias_squared = cross.moments[k][k] / pool.weight;
            let pooled = Pooled {
                spread: log_spread.exp(),
                spread_error: log_spread.exp() * error,
                bias_squared,
                bias_squared_error: cross.error(k) / pool.weight,
                p_value: p_values[k],
            };
            let finite = [pooled.spread, pooled.spread_error, bias_squared, pooled.bias_squared_error];
            finite.iter().all(|v| v.is_finite()).then_some(pooled)
        })
        .collect();
    Powers { pooled, fluctuation: fluctuation(&pool, &spreads), bias: bias(&pool, &cross, &p_values) }
}

fn variance(parts: &[(f64, usize)]) -> f64 {
    parts.iter().map(|&(v, _)| v).sum()
}

/// Slope of ln(standard deviation) against ln N, every size weighted with its degrees of freedom.
fn fluctuation(pool: &Pool, spreads: &[(f64, Vec<(f64, usize)>)]) -> Exponent {
    let weights: Vec<f64> =
        spreads.iter().map(|(_, parts)| parts.iter().map(|&(_, df)| df as f64).sum()).collect();
    let logs: Vec<f64> = pool.sizes.iter().map(|&size| (size as f64).ln()).collect();
    let sum: f64 = weights.iter().sum();
    let centre = logs.iter().zip(&weights).map(|(x, w)| w * x).sum::<f64>() / sum;
    let square: f64 = logs.iter().zip(&weights).map(|(x, w)| w * (x - centre).powi(2)).sum();
    let mut value = 0.0;
    let mut parts = Vec::new();
    for ((log, weight), (spread, variances)) in logs.iter().zip(&weights).zip(spreads) {
        let coefficient = weight * (log - centre) / square;
        value += coefficient * spread;
        parts.extend(variances.iter().map(|&(v, df)| (coefficient * coefficient * v, df)));
    }
    Exponent::estimated(value, &parts)
}

/// The power along which the cross moments shrink, where the bias can be told from noise.
fn bias(pool: &Pool, cross: &Cross, p_values: &[f64]) -> Exponent {
    let biased: Vec<usize> = (0..pool.sizes.len()).filter(|&k| p_values[k] < 0.01).collect();
    let unresolved = |why| Exponent::NotResolved { why };
    if biased.len() < 2 {
        return unresolved(Unresolved::BelowNoise { biased: biased.len(), sizes: pool.sizes.len() });
    }
    for (i, &a) in biased.iter().enumerate() {
        if let Some(&b) = biased[i + 1..].iter().find(|&&b| cross.moments[a][b] <= 0.0) {
            return unresolved(Unresolved::ChangesSign { sizes: (pool.sizes[a], pool.sizes[b]) });
        }
    }
    let profile = Profile::new(&pool.sizes, &pool.noise, &cross.moments);
    let Some(beta) = profile.maximum() else { return unresolved(Unresolved::NoPower) };
    let parts: Vec<(f64, usize)> = cross
        .changes
        .iter()
        .map(|(k, changes)| {
            let without: Vec<f64> = changes.iter().map(|row| profile.shift(beta, *k, row)).collect();
            (jackknife(&without), without.len() - 1)
        })
        .collect();
    Exponent::estimated(-beta, &parts)
}
