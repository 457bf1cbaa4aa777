//! Second moments of one mode as linear maps, for every optimiser.

use super::Faults;
use crate::problem::noisy_quadratic::{NoisyQuadratic, Optimizer};

pub(super) type Matrix<const N: usize> = [[f64; N]; N];

/// What some updates do to the second moments S of a mode: S <- A S A^T + Q.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Map<const N: usize> {
    pub a: Matrix<N>,
    pub q: Matrix<N>,
}

fn product<const N: usize>(a: &Matrix<N>, b: &Matrix<N>) -> Matrix<N> {
    std::array::from_fn(|i| std::array::from_fn(|j| (0..N).map(|k| a[i][k] * b[k][j]).sum()))
}

/// A S A^T.
fn sandwich<const N: usize>(a: &Matrix<N>, s: &Matrix<N>) -> Matrix<N> {
    let left = product(a, s);
    std::array::from_fn(|i| std::array::from_fn(|j| (0..N).map(|k| left[i][k] * a[j][k]).sum()))
}

impl<const N: usize> Map<N> {
    /// One update of a mode with curvature h at the rate eta h^-p: theta alone, theta and velocity, theta and moving
    /// average, or all three.
    pub fn update(problem: &NoisyQuadratic, curvature: f64, rate: f64, noise: f64) -> Self {
        let rate = rate * libm::pow(curvature, -problem.preconditioner);
        let x = rate * curvature;
        // Rows of theta and velocity over (theta, velocity).
        let (theta, velocity) = match problem.optimizer {
            Optimizer::Sgd => ([1.0 - x, 0.0], [0.0, 0.0]),
            Optimizer::Momentum { momentum } => ([1.0 - x, momentum], [-x, momentum]),
            Optimizer::Nesterov { momentum } => {
                let kept = momentum * (1.0 - x);
                ([1.0 - x, kept], [-x, kept])
            }
        };
        let moving = problem.optimizer != Optimizer::Sgd;
        let gamma = problem.moving_average;
        let mut a = [[0.0; N]; N];
        let mut kick = [0.0; N];
        a[0][0] = theta[0];
        kick[0] = rate;
        if moving {
            (a[0][1], a[1][0], a[1][1]) = (theta[1], velocity[0], velocity[1]);
            kick[1] = rate;
        }
        if gamma > 0.0 {
            let last = N - 1;
            let row = a[0];
            for (entry, from) in a[last].iter_mut().zip(row) {
                *entry = (1.0 - gamma) * from;
            }
            a[last][last] = gamma;
            kick[last] = (1.0 - gamma) * rate;
        }
        let q = std::array::from_fn(|i| std::array::from_fn(|j| noise * kick[i] * kick[j]));
        Self { a, q }
    }

    /// First `self`, then `next`.
    pub fn then(&self, next: &Self) -> Self {
        let mut q = sandwich(&next.a, &self.q);
        for (row, more) in q.iter_mut().zip(&next.q) {
            row.iter_mut().zip(more).for_each(|(q, more)| *q += more);
        }
        Self { a: product(&next.a, &self.a), q }
    }

    /// A S A^T + Q.
    pub fn apply(&self, s: &Matrix<N>) -> Matrix<N> {
        let mut moved = sandwich(&self.a, s);
        for (row, more) in moved.iter_mut().zip(&self.q) {
            row.iter_mut().zip(more).for_each(|(s, more)| *s += more);
        }
        moved
    }

    /// The map `count` times, by squaring.
    pub fn power(&self, mut count: u64) -> Self {
        let unit = std::array::from_fn(|i| std::array::from_fn(|j| f64::from(u8::from(i == j))));
        let mut result = Self { a: unit, q: [[0.0; N]; N] };
        let mut square = *self;
        while count > 0 {
            if count % 2 == 1 {
                result = result.then(&square);
            }
            count /= 2;
            if count > 0 {
                square = square.then(&square);
            }
        }
        result
    }
}

/// Second moments of all modes.
#[derive(Clone, Debug)]
pub struct Modes<const N: usize> {
    curvatures: Vec<f64>,
    moments: Vec<Matrix<N>>,
    /// sigma^2 / B.
    noise: f64,
    /// The variable whose risk counts.
    read: usize,
    faults: Faults,
}

impl<const N: usize> Modes<N> {
    /// The start: theta of variance init_std^2, velocity 0, the average at theta.
    pub fn new(problem: &NoisyQuadratic, modes: usize, faults: Faults) -> Self {
        Self {
            curvatures: problem.spectrum.curvatures(modes),
            moments: vec![start(problem); modes],
            noise: noise(problem, faults),
            read: read::<N>(problem),
            faults,
        }
    }

    /// The updates after `done` until `wanted` are completed, in one power of the map for as long as the rate stays.
    pub fn advance(&mut self, problem: &NoisyQuadratic, done: u64, wanted: u64) {
        let update = |h: f64, factor: f64| {
            Map::<N>::update(problem, h, problem.learning_rate * factor, self.noise * h)
        };
        let diagonal = |s: &Matrix<N>| -> Matrix<N> {
            std::array::from_fn(|i| std::array::from_fn(|j| if i == j { s[i][j] } else { 0.0 }))
        };
        for (s, &h) in self.moments.iter_mut().zip(&self.curvatures) {
            let mut k = done;
            while k < wanted {
                let map = update(h, problem.schedule.factor(k));
                let end = problem.schedule.steady_until(k).min(wanted);
                if self.faults.no_correlation {
                    *s = diagonal(&map.apply(s));
                    k += 1;
                } else if end == k + 1 {
                    *s = map.apply(s);
                    k = end;
                } else {
                    *s = map.power(end - k).apply(s);
                    k = end;
                }
            }
        }
    }

    /// 1/2 sum h E theta^2, of the moving average where there is one.
    pub fn risk(&self) -> f64 {
        let squares = self.moments.iter().map(|s| s[self.read][self.read]);
        0.5 * self.curvatures.iter().zip(squares).map(|(h, s)| h * s).sum::<f64>()
    }
}

/// Theta stands first, its moving average last.
pub(super) fn read<const N: usize>(problem: &NoisyQuadratic) -> usize {
    if problem.moving_average > 0.0 { N - 1 } else { 0 }
}

/// Second moments at time 0: theta of variance init_std^2, velocity 0, the average at theta.
pub(super) fn start<const N: usize>(problem: &NoisyQuadratic) -> Matrix<N> {
    let variance = problem.init_std * problem.init_std;
    let mut start = [[0.0; N]; N];
    start[0][0] = variance;
    if problem.moving_average > 0.0 {
        let last = N - 1;
        (start[0][last], start[last][0], start[last][last]) = (variance, variance, variance);
    }
    start
}

/// sigma^2 / B.
pub(super) fn noise(problem: &NoisyQuadratic, faults: Faults) -> f64 {
    if faults.no_noise { 0.0 } else { problem.noise_std * problem.noise_std / problem.batch }
}

/// Updates after which the risk is first at the target under `maps`, one for each mode: doubling until
/// the risk is low enough, then the largest count that is not, bit by bit. `None` beyond `limit` updates, or if the
/// moments diverge first.
///
/// Between powers of two the risk is taken to fall, as it does below its floor's rate; a risk that dips and rises
/// again within one doubling is not seen.
pub(super) fn first_passage<const N: usize>(
    maps: &[Map<N>],
    curvatures: &[f64],
    start: Matrix<N>,
    read: usize,
    target: f64,
    limit: u64,
) -> Option<u64> {
    let risk = |states: &mut dyn Iterator<Item = f64>| -> f64 {
        0.5 * curvatures.iter().zip(states).map(|(h, s)| h * s).sum::<f64>()
    };
    let value = |map: &Map<N>, s: &Matrix<N>| map.apply(s)[read][read];
    if risk(&mut curvatures.iter().map(|_| start[read][read])) <= target {
        return Some(0);
    }
    let mut powers = vec![maps.to_vec()];
    let mut count = 1;
    loop {
        let top = powers.last().expect("a level");
        let now = risk(&mut top.iter().map(|map| value(map, &start)));
        if now <= target {
            break;
        }
        if !now.is_finite() || count >= limit {
            return None;
        }
        count *= 2;
        let next = top.iter().map(|map| map.then(map)).collect();
        powers.push(next);
    }
    let mut states = vec![start; maps.len()];
    let mut done = 0;
    for level in (0..powers.len() - 1).rev() {
        let tried: Vec<Matrix<N>> = powers[level].iter().zip(&states).map(|(map, s)| map.apply(s)).collect();
        if risk(&mut tried.iter().map(|s| s[read][read])) > target {
            states = tried;
            done += 1 << level;
        }
    }
    (done < limit).then_some(done + 1)
}
