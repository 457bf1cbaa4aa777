//! The smallest error along one run in closed form in time: of the flow, and of updates, whose even and odd numbers
//! are two smooth curves where factors 1 - eta l are negative.

use super::Best;

/// Errors per decade of time; the lowest valleys between them are searched to the end.
const PER_DECADE: f64 = 30.0;
const VALLEYS: usize = 4;

/// Updates that are looked at one by one.
const LISTED: u64 = 64;

/// Where the grid of the flow begins, in units of the shortest time of the spectrum.
const FIRST: f64 = 1e-3;

fn better(best: Best, other: Best) -> Best {
    if other.error < best.error { other } else { best }
}

fn geometric(first: f64, end: f64) -> impl Iterator<Item = f64> {
    let count = (PER_DECADE * libm::log10(end / first)).ceil().max(0.0) as i32;
    (0..count).map(move |i| first * libm::exp10(f64::from(i) / PER_DECADE))
}

/// Positions of values that no neighbour is below of, the lowest first.
fn valleys(values: &[f64]) -> Vec<usize> {
    let lowest = |i: usize| {
        let low = i.saturating_sub(1);
        values[low..values.len().min(i + 2)].iter().all(|&other| values[i] <= other)
    };
    let mut found: Vec<usize> = (0..values.len()).filter(|&i| lowest(i)).collect();
    found.sort_by(|&i, &j| values[i].total_cmp(&values[j]));
    found.truncate(VALLEYS);
    found
}

/// The smallest error up to time `end`, by golden sections around the valleys of a grid; `shortest` is the shortest
/// time of the spectrum.
pub(super) fn of_flow(error: impl Fn(f64) -> f64, shortest: f64, end: f64) -> Best {
    const GOLDEN: f64 = 0.618_033_988_749_895;
    let grid: Vec<f64> = [0.0].into_iter().chain(geometric(FIRST * shortest, end)).chain([end]).collect();
    let values: Vec<f64> = grid.iter().map(|&t| error(t)).collect();
    let mut best = Best { time: 0.0, error: values[0] };
    for i in valleys(&values) {
        best = better(best, Best { time: grid[i], error: values[i] });
        let (mut low, mut high) = (grid[i.saturating_sub(1)], grid[(i + 1).min(grid.len() - 1)]);
        for _ in 0..60 {
            let (left, right) = (high - GOLDEN * (high - low), low + GOLDEN * (high - low));
            if error(left) < error(right) { high = right } else { low = left }
        }
        let time = 0.5 * (low + high);
        best = better(best, Best { time, error: error(time) });
    }
    best
}

/// The smallest error among the first `end` updates of length `step`, by bisection around the valleys of two grids.
pub(super) fn of_steps(error: impl Fn(f64) -> f64, step: f64, end: u64) -> Best {
    let at = |k: u64| Best { time: k as f64 * step, error: error(k as f64 * step) };
    let mut best = (1..=LISTED.min(end)).map(at).fold(at(0), better);
    for parity in [0, 1].into_iter().filter(|parity| LISTED + parity <= end) {
        let (update, last) = (|pair: u64| 2 * pair + parity, (end - parity) / 2);
        let pairs = geometric((LISTED / 2) as f64, last as f64).map(|pair| pair as u64);
        let mut grid: Vec<u64> = pairs.chain([last]).collect();
        grid.dedup();
        let values: Vec<f64> = grid.iter().map(|&pair| at(update(pair)).error).collect();
        for i in valleys(&values) {
            let (mut low, mut high) = (grid[i.saturating_sub(1)], grid[(i + 1).min(grid.len() - 1)]);
            while low < high {
                let middle = low + (high - low) / 2;
                let falls = at(update(middle + 1)).error < at(update(middle)).error;
                if falls { low = middle + 1 } else { high = middle }
            }
            best = [at(update(grid[i])), at(update(low))].into_iter().fold(best, better);
        }
    }
    best
}
