//! Second moments after a whole schedule as functions of the first rate, by interpolation to rounding.
//!
//! A mode of curvature h at the first rate eta h^-p sees the schedule through x = eta h^(1-p) alone: its second moment
//! is Q(x) + sigma^2 / (B h) G(x), Q what is left of the start and G what noise of unit variance adds up to at h = 1.
//! Both are polynomials of x of a degree near the number of updates. One walk through the schedule at some hundred
//! values of x therefore serves all modes and all rates.

use super::moments::{Map, Matrix, read, start};
use crate::problem::noisy_quadratic::NoisyQuadratic;
use std::f64::consts::PI;

/// Points of a panel: the even ones alone must already foretell the others.
const POINTS: usize = 17;

/// Gap at the odd points below which a panel is taken, of the start for Q and of the largest value there for G. All
/// points together have twice the degree, hence about the square of this gap.
const GAP: f64 = 1e-6;

type Column = [f64; POINTS];

/// Q and G on a panel of log x, at Chebyshev points.
#[derive(Clone, Debug)]
struct Panel {
    low: f64,
    high: f64,
    left: Column,
    gathered: Column,
}

/// Q and G after all updates of one schedule.
#[derive(Clone, Debug)]
pub(super) struct Table {
    points: Column,
    /// In ascending order, without gaps.
    panels: Vec<Panel>,
}

/// The interpolating polynomial through every `stride`-th of `values` at `s` in [-1, 1], in barycentric form.
fn interpolate(values: &Column, stride: usize, s: f64, points: &Column) -> f64 {
    let (mut above, mut below) = (0.0, 0.0);
    let mut sign = 1.0;
    for (&value, &point) in values.iter().zip(points).step_by(stride) {
        let end = point == -1.0 || point == 1.0;
        let gap = s - point;
        if gap == 0.0 {
            return value;
        }
        let weight = if end { 0.5 * sign / gap } else { sign / gap };
        above += weight * value;
        below += weight;
        sign = -sign;
    }
    above / below
}

impl Panel {
    fn new<const N: usize>(
        problem: &NoisyQuadratic,
        factors: &[f64],
        points: &Column,
        low: f64,
        high: f64,
    ) -> Self {
        let place = |s: f64| libm::exp(low + 0.5 * (s + 1.0) * (high - low));
        let x = points.map(place);
        let (left, gathered) =
            if N == 1 { plain(problem, factors, &x) } else { walk::<N>(problem, factors, &x) };
        Self { low, high, left, gathered }
    }

    /// Whether the even points foretell the odd ones, where moments start at `variance`.
    fn is_resolved(&self, points: &Column, variance: f64) -> bool {
        let largest = self.gathered.iter().fold(0.0_f64, |a, v| a.max(v.abs()));
        [(&self.left, variance), (&self.gathered, largest)].iter().all(|(values, scale)| {
            let foretold = |j: usize| (interpolate(values, 2, points[j], points) - values[j]).abs();
            (1..POINTS).step_by(2).all(|j| foretold(j) <= GAP * scale)
        })
    }
}

/// SGD without an average: Q <- (1 - x f)^2 Q, G <- (1 - x f)^2 G + (x f)^2.
fn plain(problem: &NoisyQuadratic, factors: &[f64], x: &Column) -> (Column, Column) {
    let mut left = [problem.init_std * problem.init_std; POINTS];
    let mut gathered = [0.0; POINTS];
    for factor in factors {
        for ((x, left), gathered) in x.iter().zip(&mut left).zip(&mut gathered) {
            let step = x * factor;
            let share = (1.0 - step) * (1.0 - step);
            *left *= share;
            *gathered = *gathered * share + step * step;
        }
    }
    (left, gathered)
}

/// Any optimiser, by the maps of its second moments at h = 1.
fn walk<const N: usize>(problem: &NoisyQuadratic, factors: &[f64], x: &Column) -> (Column, Column) {
    let read = read::<N>(problem);
    let end = |x: &f64| {
        let mut left: Matrix<N> = start(problem);
        let mut gathered: Matrix<N> = [[0.0; N]; N];
        for factor in factors {
            let map = Map::<N>::update(problem, 1.0, x * factor, 1.0);
            left = Map { q: [[0.0; N]; N], ..map }.apply(&left);
            gathered = map.apply(&gathered);
        }
        (left[read][read], gathered[read][read])
    };
    let ends = x.each_ref().map(end);
    (ends.map(|(left, _)| left), ends.map(|(_, gathered)| gathered))
}

impl Table {
    /// For x from exp(`low`) to exp(`high`) under these factors on the first rate, halving panels until they resolve Q
    /// and G.
    pub fn new<const N: usize>(problem: &NoisyQuadratic, factors: &[f64], low: f64, high: f64) -> Self {
        let points = std::array::from_fn(|j| -libm::cos(PI * j as f64 / (POINTS - 1) as f64));
        let variance = problem.init_std * problem.init_std;
        let mut panels = Vec::new();
        let mut open = vec![(low, high)];
        while let Some((low, high)) = open.pop() {
            let panel = Panel::new::<N>(problem, factors, &points, low, high);
            let middle = 0.5 * (low + high);
            // A single point, or neighbouring numbers, cannot be parted.
            if panel.is_resolved(&points, variance) || middle <= low || middle >= high {
                panels.push(panel);
            } else {
                open.extend([(middle, high), (low, middle)]);
            }
        }
        Self { points, panels }
    }

    /// Q and G at log x, for values in the range of the table.
    pub fn at(&self, log_x: f64) -> (f64, f64) {
        let points = &self.points;
        let place = self.panels.partition_point(|panel| panel.high < log_x).min(self.panels.len() - 1);
        let panel = &self.panels[place];
        let s = 2.0 * (log_x - panel.low) / (panel.high - panel.low) - 1.0;
        (interpolate(&panel.left, 1, s, points), interpolate(&panel.gathered, 1, s, points))
    }
}
