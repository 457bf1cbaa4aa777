//! A family whose members are drawn anew along the way, where noise after the start matters as much as the start.

use super::family::{Family, LATTICE, Member, NOISY};
use super::starts::{Starts, axes};
use super::{LinearNoise, Process, State, Weights};
use crate::ode::OdeError;
use crate::rng::{Gaussians, Stream};
use nalgebra::{DMatrix, DVector};
use rayon::prelude::*;
use std::convert::Infallible;

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

impl Family {
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::linear_noise::jet::Scalar;
    use crate::theory::linear_noise::read;

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
        let around = |state: &State| read(state, 1.0, |x| x[0]);
        for (k, t) in times.into_iter().enumerate() {
            let found = family.read(k, around, |x| x[0], false, &[0.0]);
            let std = ((1.0 - libm::exp(-2.0 * t)) / size).sqrt();
            // 384 members: 5 % of the standard deviation, and 4 % of it in itself.
            assert!((found.mean - 0.7 * libm::exp(-t)).abs() < 0.15 * std, "{t}: {found:?}");
            assert!((found.std / std - 1.0).abs() < 0.12, "{t}: {found:?} for {std}");
        }
    }
}
