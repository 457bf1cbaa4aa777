//! The law through an escape: a family of starts, each with the linear noise around it.
//!
//! mean = E_G[h(X_G) + b_G/d],   variance = Var_G[h(X_G)] + E_G[Var_G h]/d,
//!
//! X_G the trajectory from a start that is drawn, b_G and Var_G of the linear-noise law around it. What is drawn is left
//! out of the noise. It is the effective start along directions that escape, which stands for later noise as well, or the
//! state N(X + b/d, Sigma/d) at a time when the expansion still holds. The length of the
//! drawn vector along the escaping directions, which sets the time of the escape, is stratified over its distribution;
//! all else follows a lattice of low discrepancy.

use super::{LinearNoise, Process, Reading, State, Weights};
use crate::ode::{self, OdeError};
use crate::rng::{Gaussians, Stream};
use nalgebra::{DMatrix, DVector, SymmetricEigen};
use rayon::prelude::*;
use statrs::distribution::{ChiSquared, ContinuousCDF, Normal};
use std::convert::Infallible;

/// Members of a family with one drawn direction, and with several.
const STRATA: usize = 128;
const LATTICE: usize = 384;
/// Members around which the linear noise is integrated.
const NOISY: usize = 16;

/// The starts of a family.
pub struct Starts {
    /// Time of the start.
    pub time: f64,
    pub centre: Vec<f64>,
    /// Directions along which starts are drawn, each as long as its standard deviation at this size.
    pub columns: Vec<DVector<f64>>,
    /// Number of columns, the first ones, along which starts escape, all alike.
    pub escaping: usize,
    /// Whether the first column is drawn in its positive half alone.
    pub half: bool,
    /// Sigma that is left to the linear noise. Negative where the drawn start stands for noise that is yet to come and is
    /// not silenced: both together have the variance of the start.
    pub covariance: DMatrix<f64>,
    /// Orthonormal directions that later noise does not enter.
    pub silenced: Vec<DVector<f64>>,
}

/// The principal axes of `covariance`, each as long as its standard deviation.
pub fn axes(covariance: &DMatrix<f64>) -> Vec<DVector<f64>> {
    let eigen = SymmetricEigen::new(covariance.clone());
    let top = eigen.eigenvalues.amax();
    let mut order: Vec<usize> =
        (0..covariance.nrows()).filter(|&p| eigen.eigenvalues[p] > 1e-12 * top).collect();
    // The lattice fills its first coordinates best.
    order.sort_by(|&p, &q| eigen.eigenvalues[q].total_cmp(&eigen.eigenvalues[p]));
    order.into_iter().map(|p| eigen.eigenvectors.column(p) * eigen.eigenvalues[p].sqrt()).collect()
}

impl Starts {
    /// Starts of all members, of equal weight.
    fn list(&self, count: usize) -> Vec<Vec<f64>> {
        let starts = deviates(self.columns.len(), self.escaping, count).into_iter().map(|g| {
            let mut x = DVector::from_column_slice(&self.centre);
            for (c, (column, g)) in self.columns.iter().zip(g).enumerate() {
                x.axpy(if self.half && c == 0 { g.abs() } else { g }, column, 1.0);
            }
            x.as_slice().to_vec()
        });
        starts.collect()
    }
}

/// `count` standard normal vectors that fill their distribution evenly. The length of the first `escaping` components
/// runs through the mid-points of its strata, ascending; their direction and the other components follow the lattice of
/// powers of the root of x^(n + 1) = x + 1.
fn deviates(dimension: usize, escaping: usize, count: usize) -> Vec<Vec<f64>> {
    let normal = Normal::standard();
    let stratum = |j: usize| (j as f64 + 0.5) / count as f64;
    if dimension == 1 {
        return (0..count).map(|j| vec![normal.inverse_cdf(stratum(j))]).collect();
    }
    let mut root: f64 = 2.0;
    for _ in 0..64 {
        root = (1.0 + root).powf(1.0 / (dimension as f64 + 1.0));
    }
    let share = |j: usize, a: usize| (0.5 + (j as f64 + 1.0) * root.powi(-(a as i32))).fract();
    let square = ChiSquared::new(escaping.max(1) as f64).expect("a number of degrees of freedom");
    // Its own inverse is no number for two degrees of freedom.
    let quantile = |share: f64| {
        let (mut low, mut high) = (0.0, 100.0 + 10.0 * escaping as f64);
        for _ in 0..80 {
            let middle = 0.5 * (low + high);
            if square.cdf(middle) < share { low = middle } else { high = middle }
        }
        0.5 * (low + high)
    };
    (0..count)
        .map(|j| {
            let mut g: Vec<f64> = (1..=dimension).map(|a| normal.inverse_cdf(share(j, a))).collect();
            let norm = g[..escaping].iter().map(|g| g * g).sum::<f64>().sqrt();
            let length = if escaping > 0 { quantile(stratum(j)).sqrt() } else { 0.0 };
            g[..escaping].iter_mut().for_each(|g| *g *= length / norm);
            g
        })
        .collect()
}

/// Stretches between two drawings that [`Family::redrawn`] begins with, and the share of one that it goes down to.
const FEWEST_STRETCHES: f64 = 8.0;
const SHORTEST: f64 = 0.1;

/// Puts the state itself in the place of its distribution.
fn draw(state: &mut State, size: f64, random: &mut Gaussians) {
    let mut x = DVector::from_fn(state.mean.len(), |p, _| state.mean[p] + state.bias[p] / size);
    for column in axes(&(&state.covariance / size)) {
        let mut g = [0.0];
        random.fill(&mut g);
        x.axpy(g[0], &column, 1.0);
    }
    state.mean.copy_from_slice(x.as_slice());
    state.covariance.fill(0.0);
    state.bias.fill(0.0);
}

/// One trajectory of the family, at the requested times.
struct Member {
    states: Vec<Vec<f64>>,
    /// The linear noise around it, for some.
    noise: Option<Vec<State>>,
}

/// Trajectories from all starts.
pub struct Family {
    members: Vec<Member>,
    size: f64,
    /// Members are drawn at random, not from a lattice.
    is_random: bool,
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

    /// The family at `times` where noise after the start matters as much as the start: all members carry their own linear
    /// noise, and are drawn anew from N(X + b/d, Sigma/d) before it leaves what `small` allows. Transitions over such
    /// stretches are Gaussian to the order of the law, so the mixture stays one of the process itself; what is left is
    /// the chance of a finite number of members, in `error`. `None` where some noise grows too large within the shortest
    /// stretch: then it comes and goes faster than a saddle is left, and drawing anew gains nothing.
    ///
    /// # Errors
    /// What the integrator reports of a member that it cannot follow even over the shortest stretch.
    pub fn redrawn(
        process: &impl Process,
        starts: &Starts,
        size: f64,
        weights: Weights,
        times: &[f64],
        tolerance: f64,
        small: impl Fn(&State) -> bool + Sync,
    ) -> Result<Option<Self>, OdeError<Infallible>> {
        let n = process.dimension();
        let end = times.last().copied().unwrap_or(starts.time);
        let mut random = Stream::root(0).child("redrawn members").gaussians();
        let mut now: Vec<State> = starts
            .list(LATTICE)
            .into_iter()
            .map(|mean| State { mean, covariance: DMatrix::zeros(n, n), bias: vec![0.0; n] })
            .collect();
        let mut noise: Vec<Vec<State>> = vec![Vec::with_capacity(times.len()); now.len()];
        let (mut time, mut stretch) = (starts.time, (end - starts.time) / FEWEST_STRETCHES);
        let shortest = stretch * SHORTEST;
        while time < end {
            let next = if time + 1.05 * stretch >= end { end } else { time + stretch };
            let mut grid: Vec<f64> = times.iter().copied().filter(|&t| time < t && t <= next).collect();
            let wanted = grid.len();
            if grid.last() != Some(&next) {
                grid.push(next);
            }
            let follow =
                |state: &State| LinearNoise::new(process, weights).follow(time, state, &grid, tolerance);
            // A few members say first whether the stretch is short enough.
            let few: Result<Vec<Vec<State>>, _> = now.iter().step_by(LATTICE / NOISY).map(follow).collect();
            let mut holds = few.as_ref().is_ok_and(|few| few.iter().flatten().all(&small));
            let found = if holds { now.par_iter().map(follow).collect() } else { few };
            holds = holds && found.as_ref().is_ok_and(|found| found.par_iter().flatten().all(&small));
            if !holds {
                // The noise of a stretch that was begun with some is drawn first.
                let fresh = now.iter().all(|state| state.covariance.iter().all(|&c| c == 0.0));
                if !fresh {
                    now.iter_mut().for_each(|state| draw(state, size, &mut random));
                } else if stretch > shortest {
                    stretch *= 0.5;
                } else {
                    return found.map(|_| None);
                }
                continue;
            }
            for ((noise, now), states) in noise.iter_mut().zip(&mut now).zip(found?) {
                *now = states.last().expect("the end of the stretch").clone();
                noise.extend(states.into_iter().take(wanted));
            }
            time = next;
            stretch *= 1.5;
        }
        let members = noise.into_iter().map(|noise| {
            let states = noise.iter().map(|state| state.mean.clone()).collect();
            Member { states, noise: Some(noise) }
        });
        Ok(Some(Self { members: members.collect(), size, is_random: true }))
    }

    /// How many of the times come before the noise around some member no longer passes `holds`.
    pub fn holding(&self, holds: impl Fn(&State) -> bool) -> usize {
        let noisy = self.members.iter().filter_map(|member| member.noise.as_ref());
        noisy.map(|states| states.iter().take_while(|&state| holds(state)).count()).min().unwrap_or(0)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::linear_noise::jet::Scalar;
    use crate::theory::linear_noise::read_smooth;

    /// dx = -x dt with noise of variance 2 dt/d: stationary variance 1/d.
    struct OrnsteinUhlenbeck;

    impl Process for OrnsteinUhlenbeck {
        fn dimension(&self) -> usize {
            1
        }
        fn drift<S: Scalar>(&self, x: &[S], out: &mut [S]) {
            out[0] = x[0] * -1.0;
        }
        fn correction(&self, _x: &[f64], out: &mut [f64]) {
            out[0] = 0.0;
        }
        fn noise(&self, _x: &[f64], out: &mut DMatrix<f64>) {
            out[(0, 0)] = 2.0;
        }
    }

    #[test]
    fn members_that_are_drawn_anew_keep_mean_and_variance() {
        let size = 50.0;
        let starts = Starts {
            time: 0.0,
            centre: vec![0.7],
            columns: Vec::new(),
            escaping: 0,
            half: false,
            covariance: DMatrix::zeros(1, 1),
            silenced: Vec::new(),
        };
        let weights = Weights { clock: 0.0, ..Weights::default() };
        // Drawn anew whenever Sigma passes a tenth of its stationary value.
        let small = |state: &State| state.covariance[(0, 0)] < 0.1;
        let times = [0.5, 3.0];
        let family = Family::redrawn(&OrnsteinUhlenbeck, &starts, size, weights, &times, 1e-8, small)
            .expect("an integration")
            .expect("a family");
        let around = |state: &State| read_smooth(state, 1.0, |x: &[f64]| x[0]);
        for (k, t) in times.into_iter().enumerate() {
            let found = family.read(k, around, |x| x[0], false, &[0.0]);
            let std = ((1.0 - libm::exp(-2.0 * t)) / size).sqrt();
            // 384 members: 5 % of the standard deviation, and 4 % of it in itself.
            assert!((found.mean - 0.7 * libm::exp(-t)).abs() < 0.15 * std, "{t}: {found:?}");
            assert!((found.std / std - 1.0).abs() < 0.12, "{t}: {found:?} for {std}");
        }
    }
}
