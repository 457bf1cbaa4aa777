//! The law through an escape: a family of starts, each with the linear noise around it.
//!
//! mean = E_G[h(X_G) + b_G/d],   variance = Var_G[h(X_G)] + E_G[Var_G h]/d,
//!
//! X_G the trajectory from a start that is drawn, b_G and Var_G of the linear-noise law around it. What is drawn is left
//! out of the noise. It is the effective start along directions that escape, which stands for later noise as well, or the
//! state N(X + b/d, Sigma/d) at a time when the expansion still holds. The length of the
//! drawn vector along the escaping directions, which sets the time of the escape, is stratified over its distribution;
//! all else follows a lattice of low discrepancy.

use super::route::distance;
use super::starts::Starts;
use super::{LinearNoise, Process, Reading, State, Weights};
use crate::ode::{self, OdeError};
use statrs::distribution::{ContinuousCDF, Normal};
use std::convert::Infallible;

/// Members of a family with one drawn direction, and with several.
const STRATA: usize = 128;
pub(super) const LATTICE: usize = 384;
/// Members around which the linear noise is integrated.
pub(super) const NOISY: usize = 16;

/// One trajectory of the family, at the requested times.
pub(super) struct Member {
    pub(super) states: Vec<Vec<f64>>,
    /// The linear noise around it, for some.
    pub(super) noise: Option<Vec<State>>,
}

/// Trajectories from all starts.
pub struct Family {
    pub(super) members: Vec<Member>,
    pub(super) size: f64,
    /// Members are drawn at random, not from a lattice.
    pub(super) is_random: bool,
}

/// Mean, standard deviation and quantiles of a reading at one time, and the error of the mean.
#[derive(Clone, Debug, PartialEq)]
pub struct Distribution {
    pub mean: f64,
    pub std: f64,
    pub quantiles: Vec<f64>,
    pub error: f64,
}

impl Family {
    /// The family at `times`, none of them before the start.
    ///
    /// # Errors
    /// What the integrator reports of the first member that it cannot follow.
    pub fn new(
        process: &impl Process,
        starts: &Starts,
        size: f64,
        weights: Weights,
        times: &[f64],
        tolerance: f64,
    ) -> Result<Self, OdeError<Infallible>> {
        let n = process.dimension();
        let list = starts.list(if starts.columns.len() == 1 { STRATA } else { LATTICE });
        let stride = list.len().div_ceil(NOISY);
        let mut members = Vec::with_capacity(list.len());
        for (j, x0) in list.into_iter().enumerate() {
            // The middle of each group of strata.
            if j % stride != stride / 2 {
                let states = trajectory(process, starts.time, &x0, times, tolerance)?;
                members.push(Member { states, noise: None });
                continue;
            }
            let state = State { mean: x0, covariance: starts.covariance.clone(), bias: vec![0.0; n] };
            let mut law = LinearNoise::new(process, weights).silence(&starts.silenced);
            let noise = law.follow(starts.time, &state, times, tolerance)?;
            let states = noise.iter().map(|state| state.mean.clone()).collect();
            members.push(Member { states, noise: Some(noise) });
        }
        Ok(Self { members, size, is_random: false })
    }

    /// How many of the times come before the noise around some member no longer passes `holds`.
    pub fn holding(&self, holds: impl Fn(&State) -> bool) -> usize {
        let noisy = self.members.iter().filter_map(|member| member.noise.as_ref());
        noisy.map(|states| states.iter().take_while(|&state| holds(state)).count()).min().unwrap_or(0)
    }

    /// Whether the noise around some member has a property at time number `k`.
    pub fn any(&self, k: usize, property: impl Fn(&State) -> bool) -> bool {
        let mut noisy = self.members.iter().filter_map(|member| member.noise.as_ref());
        noisy.any(|states| property(&states[k]))
    }

    /// At time number `k`, the length of the mean b/d around members, and the root mean square of what runs have moved
    /// away from `start` by.
    pub(super) fn shift(&self, k: usize, start: &[f64]) -> (f64, f64) {
        let noisy: Vec<&State> =
            self.members.iter().filter_map(|member| Some(&member.noise.as_ref()?[k])).collect();
        let share = 1.0 / (noisy.len() as f64 * self.size);
        let mean = |p: usize| share * noisy.iter().map(|state| state.bias[p]).sum::<f64>();
        let shift = (0..start.len()).map(|p| mean(p).powi(2)).sum::<f64>().sqrt();
        let within = share * noisy.iter().map(|state| state.covariance.trace()).sum::<f64>();
        let between = self.members.iter().map(|member| distance(&member.states[k], start)).sum::<f64>();
        (shift, (between / self.members.len() as f64 + within.max(0.0)).sqrt())
    }

    /// The distribution of a reading at time number `k`, by the linear noise around a member and by its value;
    /// quantiles at the normal deviates `z`. Around each member a reading is normal, or log-normal if it is positive.
    pub fn read(
        &self,
        k: usize,
        around: impl Fn(&State) -> Reading,
        plain: impl Fn(&[f64]) -> f64,
        positive: bool,
        z: &[f64],
    ) -> Distribution {
        let values: Vec<f64> = self.members.iter().map(|member| plain(&member.states[k])).collect();
        let noisy: Vec<Reading> =
            self.members.iter().filter_map(|member| Some(around(&member.noise.as_ref()?[k]))).collect();
        let of = |part: fn(&Reading) -> f64| {
            noisy.iter().map(part).sum::<f64>() / (noisy.len() as f64 * self.size)
        };
        let (shift, within) = (of(|r| r.shift), of(|r| r.variance));
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let between = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len() as f64;
        let error = if self.is_random {
            (between / values.len() as f64).sqrt()
        } else {
            // Every second member is a coarser rule of the same kind.
            let half: Vec<f64> = values.iter().step_by(2).copied().collect();
            (half.iter().sum::<f64>() / half.len() as f64 - mean).abs() * 0.5
        };
        // Where the members stand for noise that is yet to come, all of them lie too far out.
        let drawn_in = if within < 0.0 { (1.0 + within / between).sqrt() } else { 1.0 };
        // Each member spreads as the nearest one whose noise is known.
        let components: Vec<(f64, f64)> = values
            .iter()
            .map(|&value| {
                let distance = |r: &&Reading| (r.value - value).abs();
                let nearest = noisy
                    .iter()
                    .min_by(|a, b| distance(a).total_cmp(&distance(b)))
                    .expect("some member has its noise");
                let centre = mean + drawn_in * (value - mean) + nearest.shift / self.size;
                (centre, if nearest.variance < 0.0 { 0.0 } else { nearest.std(self.size) })
            })
            .collect();
        let quantiles = z.iter().map(|&z| mixture_quantile(&components, positive, z)).collect();
        Distribution { mean: mean + shift, std: (between + within).sqrt(), quantiles, error }
    }
}

/// The law of infinite size from `x0` at time `start`.
fn trajectory(
    process: &impl Process,
    start: f64,
    x0: &[f64],
    times: &[f64],
    tolerance: f64,
) -> Result<Vec<Vec<f64>>, OdeError<Infallible>> {
    let mut states = Vec::with_capacity(times.len());
    ode::integrate(
        &mut |_: f64, y: &[f64], dy: &mut [f64]| -> Result<(), Infallible> {
            process.drift(y, dy);
            Ok(())
        },
        start,
        x0,
        times,
        &ode::Options::with_tolerance(tolerance),
        |_, y| states.push(y.to_vec()),
    )?;
    Ok(states)
}

/// Members of the family that [`escape_times`] follows.
const ESCAPES: usize = 800;
/// Times at which they are looked at; between two of them growth is exponential.
const LOOKS: usize = 400;

/// Times at which `norm` of the state first passes `level`, ascending, one for each of many members of equal weight; those that have not
/// passed it by `horizon` are infinite. Noise that is not in the start adds nothing to the time of an escape at this order.
///
/// # Errors
/// As [`Family::new`].
pub fn escape_times(
    process: &impl Process,
    starts: &Starts,
    norm: impl Fn(&[f64]) -> f64,
    level: f64,
    horizon: f64,
    tolerance: f64,
) -> Result<Vec<f64>, OdeError<Infallible>> {
    let grid: Vec<f64> =
        (1..=LOOKS).map(|i| starts.time + (horizon - starts.time) * i as f64 / LOOKS as f64).collect();
    let mut found = Vec::with_capacity(ESCAPES);
    for x0 in starts.list(ESCAPES) {
        let mut before = (starts.time, norm(&x0));
        let mut passed = f64::INFINITY;
        let states = trajectory(process, starts.time, &x0, &grid, tolerance)?;
        for (&t, x) in grid.iter().zip(&states) {
            let now = (t, norm(x));
            if now.1 > level {
                // Growth is exponential between two neighbours.
                let share = (level / before.1).ln() / (now.1 / before.1).ln();
                passed = before.0 + share.max(0.0) * (t - before.0);
                break;
            }
            before = now;
        }
        found.push(passed);
    }
    found.sort_by(f64::total_cmp);
    Ok(found)
}

/// The quantile of an even mixture of normal or log-normal distributions, each with a mean and a standard deviation.
fn mixture_quantile(components: &[(f64, f64)], positive: bool, z: f64) -> f64 {
    let log_normal = positive && components.iter().all(|&(mean, _)| mean > 0.0);
    if log_normal {
        let logarithms: Vec<(f64, f64)> = components
            .iter()
            .map(|&(mean, std)| {
                let variance = (1.0 + (std / mean).powi(2)).ln();
                (mean.ln() - 0.5 * variance, variance.sqrt())
            })
            .collect();
        return mixture_quantile(&logarithms, false, z).exp();
    }
    let normal = Normal::standard();
    let share = normal.cdf(z);
    let mut low = f64::INFINITY;
    let mut high = f64::NEG_INFINITY;
    for &(centre, std) in components {
        low = low.min(centre - 8.0 * std);
        high = high.max(centre + 8.0 * std);
    }
    let below = |x: f64| {
        let one = |&(centre, std): &(f64, f64)| {
            if std > 0.0 {
                normal.cdf((x - centre) / std)
            } else if centre <= x {
                1.0
            } else {
                0.0
            }
        };
        components.iter().map(one).sum::<f64>() / components.len() as f64
    };
    for _ in 0..50 {
        let middle = 0.5 * (low + high);
        if below(middle) < share {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}
