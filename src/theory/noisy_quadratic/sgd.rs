//! Plain SGD at a constant rate: one number for each mode, over arrays that vectorise.

use super::Faults;
use super::moments::noise;
use crate::problem::noisy_quadratic::NoisyQuadratic;

/// All modes at one rate: s_k = q^k s_0 + n_k, q = (1 - x)^2, n_k the noise of k updates.
#[derive(Clone, Debug)]
pub struct Sgd {
    curvatures: Vec<f64>,
    /// q and n_1.
    shares: Vec<f64>,
    kicks: Vec<f64>,
    variance: f64,
}

/// What rates share: h and h^-p of every mode, powers that cost more than a search.
#[derive(Clone, Debug)]
pub(super) struct Conditioned {
    curvatures: Vec<f64>,
    preconditioner: Vec<f64>,
    noise: f64,
    variance: f64,
}

impl Conditioned {
    pub fn new(problem: &NoisyQuadratic, modes: usize, faults: Faults) -> Self {
        let curvatures = problem.spectrum.curvatures(modes);
        let p = problem.preconditioner;
        let of = |&h: &f64| if p == 0.0 { 1.0 } else { libm::pow(h, -p) };
        Self {
            preconditioner: curvatures.iter().map(of).collect(),
            curvatures,
            noise: noise(problem, faults),
            variance: problem.init_std * problem.init_std,
        }
    }

    pub fn at(&self, rate: f64) -> Sgd {
        let modes = || self.curvatures.iter().zip(&self.preconditioner).map(|(h, p)| (h, rate * p));
        Sgd {
            shares: modes().map(|(h, r)| (1.0 - r * h) * (1.0 - r * h)).collect(),
            kicks: modes().map(|(h, r)| r * r * h * self.noise).collect(),
            curvatures: self.curvatures.clone(),
            variance: self.variance,
        }
    }
}

impl Sgd {
    /// At a rate of its own in place of the problem's.
    pub fn new(problem: &NoisyQuadratic, modes: usize, rate: f64, faults: Faults) -> Self {
        Conditioned::new(problem, modes, faults).at(rate)
    }

    /// The risk at k -> infinity, 1/2 sum h n_1 / (1 - q); `None` if a mode does not shrink.
    pub fn floor(&self) -> Option<f64> {
        let mut sum = 0.0;
        for ((h, q), n) in self.curvatures.iter().zip(&self.shares).zip(&self.kicks) {
            if *q >= 1.0 {
                return None;
            }
            sum += h * n / (1.0 - q);
        }
        Some(0.5 * sum)
    }

    /// Risk after `updates`, s_k = s* + q^k (s_0 - s*) per mode.
    ///
    /// ```
    /// use asymptotica::problem::noisy_quadratic::{NoisyQuadratic, Optimizer, Schedule, Spectrum, Tune};
    /// use asymptotica::theory::noisy_quadratic::{Faults, Sgd};
    /// let problem = NoisyQuadratic {
    ///     spectrum: Spectrum::PowerLaw { exponent: 1.0 }, modes: 10_000, init_std: 1.0, noise_std: 1.0,
    ///     batch: 65536.0, learning_rate: 1.896, optimizer: Optimizer::Sgd, preconditioner: 0.0,
    ///     moving_average: 0.0, schedule: Schedule::Constant, tune: Tune::Nothing,
    /// };
    /// let sgd = Sgd::new(&problem, 10_000, 1.896, Faults::default());
    /// // The target 0.01 is first reached after 7079 updates at about this rate.
    /// assert!(sgd.risk(7070) > 0.01 && sgd.risk(7090) < 0.01);
    /// ```
    pub fn risk(&self, updates: u64) -> f64 {
        let exponent = updates as f64;
        let mode = |((h, &q), n): ((&f64, &f64), &f64)| {
            let left = libm::pow(q, exponent);
            let gathered = if q == 1.0 { exponent * n } else { n * (1.0 - left) / (1.0 - q) };
            h * (left * self.variance + gathered)
        };
        0.5 * self.curvatures.iter().zip(&self.shares).zip(&self.kicks).map(mode).sum::<f64>()
    }

    /// The first count of updates, at most `limit`, after which the risk is at the target; see
    /// `moments::first_passage`. `room` keeps its allocations from one call to the next.
    pub fn first_passage(&self, target: f64, limit: u64, room: &mut Room) -> Option<u64> {
        let start = 0.5 * self.variance * self.curvatures.iter().sum::<f64>();
        if start <= target {
            return Some(0);
        }
        // What never comes down to the target: the risk falls towards its floor where all modes start above theirs.
        let fresh =
            self.kicks.iter().zip(&self.shares).all(|(n, q)| *q < 1.0 && *n <= self.variance * (1.0 - q));
        if fresh && self.floor().is_none_or(|floor| floor >= target) {
            return None;
        }
        room.first(&self.shares, &self.kicks);
        let mut levels = 1;
        let mut count = 1;
        loop {
            let now = self.risk_of(&room.shares[levels - 1], &room.kicks[levels - 1]);
            if now <= target {
                break;
            }
            if !now.is_finite() || count >= limit {
                return None;
            }
            count *= 2;
            room.square(levels);
            levels += 1;
        }
        room.state.clear();
        room.state.resize(self.curvatures.len(), self.variance);
        let mut done = 0;
        for level in (0..levels - 1).rev() {
            room.apply(level);
            if weighed(&self.curvatures, &room.tried) > target {
                std::mem::swap(&mut room.state, &mut room.tried);
                done += 1 << level;
            }
        }
        (done < limit).then_some(done + 1)
    }

    /// The risk after updates whose maps these are, over eight partial sums.
    fn risk_of(&self, shares: &[f64], kicks: &[f64]) -> f64 {
        let term = |h: f64, q: f64, n: f64| h * (q * self.variance + n);
        let (h, rest_h) = self.curvatures.as_chunks::<8>();
        let (q, rest_q) = shares.as_chunks::<8>();
        let (n, rest_n) = kicks.as_chunks::<8>();
        let mut sums = [0.0; 8];
        for ((h, q), n) in h.iter().zip(q).zip(n) {
            for (lane, sum) in sums.iter_mut().enumerate() {
                *sum += term(h[lane], q[lane], n[lane]);
            }
        }
        let rest: f64 = rest_h.iter().zip(rest_q).zip(rest_n).map(|((&h, &q), &n)| term(h, q, n)).sum();
        0.5 * (sums.iter().sum::<f64>() + rest)
    }
}

/// 1/2 sum h s.
fn weighed(curvatures: &[f64], moments: &[f64]) -> f64 {
    let (h, rest_h) = curvatures.as_chunks::<8>();
    let (s, rest_s) = moments.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for (h, s) in h.iter().zip(s) {
        for (lane, sum) in sums.iter_mut().enumerate() {
            *sum += h[lane] * s[lane];
        }
    }
    0.5 * (sums.iter().sum::<f64>() + rest_h.iter().zip(rest_s).map(|(h, s)| h * s).sum::<f64>())
}

/// Powers of the maps, and the moments on the way.
#[derive(Clone, Debug, Default)]
pub struct Room {
    shares: Vec<Vec<f64>>,
    kicks: Vec<Vec<f64>>,
    state: Vec<f64>,
    tried: Vec<f64>,
}

impl Room {
    /// Makes room for `level` and gives it with the one before.
    fn levels(&mut self, level: usize) -> [(&mut Vec<f64>, Option<&Vec<f64>>); 2] {
        [&mut self.shares, &mut self.kicks].map(|list| {
            list.resize_with(list.len().max(level + 1), Vec::new);
            let (before, now) = list.split_at_mut(level);
            now[0].clear();
            (&mut now[0], before.last())
        })
    }

    fn first(&mut self, shares: &[f64], kicks: &[f64]) {
        let [(q, _), (n, _)] = self.levels(0);
        q.extend_from_slice(shares);
        n.extend_from_slice(kicks);
    }

    /// Level `level` from the one before: q <- q^2, n <- n + q n.
    fn square(&mut self, level: usize) {
        if let [(squared, Some(shares)), (gathered, Some(kicks))] = self.levels(level) {
            squared.extend(shares.iter().map(|q| q * q));
            gathered.extend(shares.iter().zip(kicks).map(|(q, n)| n + q * n));
        }
    }

    fn apply(&mut self, level: usize) {
        self.tried.clear();
        let (shares, kicks) = (&self.shares[level], &self.kicks[level]);
        self.tried.extend(self.state.iter().zip(shares).zip(kicks).map(|((s, q), n)| q * s + n));
    }
}
