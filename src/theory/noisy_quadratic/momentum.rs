//! The fewest updates over rate and momentum together, from a first guess.
//!
//! The risk R_k after exactly k updates is smooth in the rate and the momentum, while the count of updates is whole and
//! jumps. A count k can be undercut if the smallest R_(k-1) is at the target; so R is scanned on a grid of both numbers,
//! and simplices descend from its lowest dips.
//!
//! Few modes with little noise swing through the target for single updates, in narrow dips that move with k, and the
//! lowest R_k need not fall with k: up to [`WALK`] updates every k is looked at. Many modes wash the dips out, and
//! the effort falls with the number of different curvatures.

use super::moments::{Map, Matrix, noise, read, start};
use super::tuning::{self, Best, with_momentum};
use super::{Faults, dimension};
use crate::problem::noisy_quadratic::NoisyQuadratic;

/// Counts up to which grid points are walked update by update, and every count below the best is a candidate.
const WALK: u64 = 128;

/// Above: relative width of the count at which the search ends.
const WIDTH: u64 = 5000;

/// log10(1 - mu) goes from here to 0.
const LARGEST: f64 = -3.0;

/// Decades of the scanned rates below and above the smaller one of the largest stable rate and that whose floor is the
/// target.
const BELOW: f64 = -1.5;
const ABOVE: f64 = 0.5;

/// Dips of the grid from which simplices descend, and moves of each.
const DIPS: usize = 4;
const MOVES: usize = 80;

/// log10(1 - mu), and the decades of the rate above that of reference.
type Point = [f64; 2];

struct Search<'a, const N: usize> {
    problem: &'a NoisyQuadratic,
    target: f64,
    noise: f64,
    /// Different curvatures, and how many modes have each.
    modes: Vec<(f64, f64)>,
    sharpest: f64,
    /// Without momentum.
    floor_rate: f64,
    /// Points in each direction of the grid.
    side: usize,
}

/// The fewest updates that a search around all dips finds, `first` if it finds nothing better: momenta from 0 to 0.999.
pub(super) fn improve(
    problem: &NoisyQuadratic,
    modes: usize,
    faults: Faults,
    target: f64,
    first: Best,
) -> Best {
    match dimension(problem) {
        2 => Search::<2>::new(problem, modes, faults, target).improve(first),
        _ => Search::<3>::new(problem, modes, faults, target).improve(first),
    }
}

impl<'a, const N: usize> Search<'a, N> {
    fn new(problem: &'a NoisyQuadratic, modes: usize, faults: Faults, target: f64) -> Self {
        let mut curvatures = problem.spectrum.curvatures(modes);
        curvatures.sort_by(f64::total_cmp);
        let modes_of = |equal: &[f64]| (equal[0], equal.len() as f64);
        let different: Vec<(f64, f64)> = curvatures.chunk_by(|a, b| a == b).map(modes_of).collect();
        let still = with_momentum(problem, 0.0);
        Self {
            problem,
            target,
            noise: noise(problem, faults),
            sharpest: tuning::edge(problem.optimizer) / tuning::largest_rate(problem, modes),
            floor_rate: tuning::floor_rate(&still, modes, faults, target),
            side: (1e5 / different.len() as f64).sqrt().clamp(12.0, 64.0) as usize,
            modes: different,
        }
    }

    /// Rate of reference, and the decades from it to the largest of the scan.
    fn rates(&self, exponent: f64) -> (f64, f64) {
        let kept = libm::pow(10.0, exponent);
        let optimizer = with_momentum(self.problem, 1.0 - kept).optimizer;
        let top = 0.9999 * tuning::edge(optimizer) / self.sharpest;
        let reference = top.min(self.floor_rate * kept);
        (reference, libm::log10(top / reference).min(ABOVE))
    }

    fn grid(&self) -> Vec<Point> {
        let share = |i: usize| i as f64 / (self.side - 1) as f64;
        let mut points = Vec::with_capacity(self.side * self.side);
        for i in 0..self.side {
            let exponent = LARGEST * share(i);
            let (_, above) = self.rates(exponent);
            points.extend((0..self.side).map(|j| [exponent, BELOW + (above - BELOW) * share(j)]));
        }
        points
    }

    /// Momentum and rate of a point, the nearest one in the searched range.
    fn place(&self, point: &mut Point) -> (f64, f64) {
        point[0] = point[0].clamp(LARGEST, 0.0);
        let (reference, above) = self.rates(point[0]);
        point[1] = point[1].min(above);
        (1.0 - libm::pow(10.0, point[0]), reference * libm::pow(10.0, point[1]))
    }

    /// Maps of all modes at a point, with the weights of their second moments in the risk.
    fn maps(&self, mut point: Point) -> impl Iterator<Item = (Map<N>, f64)> {
        let (momentum, rate) = self.place(&mut point);
        let problem = with_momentum(self.problem, momentum);
        let map = move |&(h, count): &(f64, f64)| {
            (Map::<N>::update(&problem, h, rate, self.noise * h), 0.5 * h * count)
        };
        self.modes.iter().map(map)
    }

    /// R after `steps` updates.
    fn risk(&self, point: Point, steps: u64) -> f64 {
        let (start, read): (Matrix<N>, usize) = (start(self.problem), read::<N>(self.problem));
        self.maps(point).map(|(map, weight)| weight * map.power(steps).apply(&start)[read][read]).sum()
    }

    /// R after 1, 2, ..., `steps` updates.
    fn walk(&self, point: Point, steps: u64) -> Vec<f64> {
        let read = read::<N>(self.problem);
        let mut risks = vec![0.0; steps as usize];
        for (map, weight) in self.maps(point) {
            let mut s: Matrix<N> = start(self.problem);
            for risk in &mut risks {
                s = map.apply(&s);
                *risk += weight * s[read][read];
            }
        }
        risks
    }

    fn improve(&self, first: Best) -> Best {
        let grid = self.grid();
        let best = if first.steps > WALK { self.bisect(&grid, first) } else { first };
        if best.steps > WALK || best.steps < 2 { best } else { self.count_down(&grid, best) }
    }

    /// Counts ever further below the best, then between the last two; the lowest R is taken to fall with the count.
    fn bisect(&self, grid: &[Point], first: Best) -> Best {
        let (mut best, mut low) = (first, 0);
        let mut stride = 1 + first.steps / WIDTH;
        while best.steps - low > 1 + best.steps / WIDTH {
            let steps = match low {
                0 => best.steps.saturating_sub(stride).max(1),
                _ => low + (best.steps - low) / 2,
            };
            let risks = || grid.iter().map(|&point| self.risk(point, steps)).collect();
            match self.attempt(grid, risks, steps, best) {
                Some(found) => best = found,
                None => low = steps,
            }
            stride *= 2;
        }
        best
    }

    /// Every count below the best, until so many in a row are out of reach that the effort is spent.
    fn count_down(&self, grid: &[Point], first: Best) -> Best {
        let walks: Vec<Vec<f64>> = grid.iter().map(|&point| self.walk(point, first.steps - 1)).collect();
        let patience = (2000 / self.modes.len() as u64).max(2);
        let mut best = first;
        for steps in (1..first.steps).rev() {
            if best.steps - steps > patience {
                break;
            }
            let risks = || walks.iter().map(|walk| walk[steps as usize - 1]).collect();
            if let Some(found) = self.attempt(grid, risks, steps, best) {
                best = found;
            }
        }
        best
    }

    /// Rate and momentum with R at the target after `steps` updates, from the best ones so far, else from the lowest dips
    /// of the grid.
    fn attempt(
        &self,
        grid: &[Point],
        risks: impl FnOnce() -> Vec<f64>,
        steps: u64,
        best: Best,
    ) -> Option<Best> {
        let reach = |first: Point| {
            let (risk, mut point) = self.descend(first, steps);
            let (momentum, rate) = self.place(&mut point);
            (risk <= self.target).then_some(Best { steps, rate, momentum })
        };
        let exponent = libm::log10(1.0 - best.momentum);
        let near = [exponent, libm::log10(best.rate / self.rates(exponent).0)];
        reach(near).or_else(|| self.dips(&risks()).into_iter().find_map(|dip| reach(grid[dip])))
    }

    /// The lowest points of the grid below their neighbours.
    fn dips(&self, risks: &[f64]) -> Vec<usize> {
        let side = self.side;
        let around = |i: usize| i.saturating_sub(1)..=(i + 1).min(side - 1);
        let is_dip = |&place: &usize| {
            let mut near = around(place / side).flat_map(|i| around(place % side).map(move |j| i * side + j));
            near.all(|other| risks[place] <= risks[other])
        };
        let mut dips: Vec<usize> = (0..risks.len()).filter(is_dip).collect();
        dips.sort_by(|&a, &b| risks[a].total_cmp(&risks[b]));
        dips.truncate(DIPS);
        dips
    }

    /// Nelder and Mead's simplex, until R is at the target or the moves are spent.
    fn descend(&self, first: Point, steps: u64) -> (f64, Point) {
        let at = |mut point: Point| {
            self.place(&mut point);
            (self.risk(point, steps), point)
        };
        let cell = 2.0 / self.side as f64;
        let inwards = if first[0] < 0.5 * LARGEST { cell } else { -cell };
        let mut corners = [at(first), at([first[0] + inwards, first[1]]), at([first[0], first[1] - cell])];
        for _ in 0..MOVES {
            corners.sort_by(|a, b| a.0.total_cmp(&b.0));
            let [lowest, second, highest] = corners;
            if lowest.0 <= self.target {
                break;
            }
            let middle: Point = std::array::from_fn(|i| 0.5 * (lowest.1[i] + second.1[i]));
            let beyond =
                |share: f64| at(std::array::from_fn(|i| middle[i] + share * (middle[i] - highest.1[i])));
            let reflected = beyond(1.0);
            let moved = if reflected.0 < lowest.0 {
                let further = beyond(2.0);
                if further.0 < reflected.0 { further } else { reflected }
            } else if reflected.0 < second.0 {
                reflected
            } else {
                beyond(if reflected.0 < highest.0 { 0.5 } else { -0.5 })
            };
            if moved.0 < highest.0 {
                corners[2] = moved;
            } else {
                let halved =
                    |corner: (f64, Point)| at(std::array::from_fn(|i| 0.5 * (corner.1[i] + lowest.1[i])));
                (corners[1], corners[2]) = (halved(second), halved(highest));
            }
        }
        corners.into_iter().min_by(|a, b| a.0.total_cmp(&b.0)).expect("three corners")
    }
}
