//! The wild bootstrap: random signs on replicas, and the maximum of abs(t) over dependent points.

use rand::Rng;

/// Fewest replicas that allow a 95 % band: n signs give 2^(n-1) distinct values of abs(t), and 2^-(n-1) must
/// leave room below 5 % for a quantile that is not simply the largest of them.
pub const FEWEST_REPLICAS: usize = 6;

/// The quantile `level` of a statistic over random signs of the replicas.
///
/// `replicas[r]` is the number of replicas of run r. In each draw `statistic` receives one sign (+1 or -1) per
/// replica of each run, and recomputes from them whatever the data are condensed into, standard errors
/// included. It may return infinity. The quantile is the value of rank ceil(level (draws + 1)), infinite if
/// the draws do not reach so far.
pub fn critical_value<R: Rng + ?Sized>(
    replicas: &[usize],
    level: f64,
    draws: usize,
    generator: &mut R,
    mut statistic: impl FnMut(&[Vec<f64>]) -> f64,
) -> f64 {
    let mut values = Vec::with_capacity(draws);
    each_draw(replicas, draws, generator, |signs| values.push(statistic(signs)));
    let rank = (level * (draws + 1) as f64).ceil() as usize;
    if rank > draws {
        return f64::INFINITY;
    }
    *values.select_nth_unstable_by(rank - 1, f64::total_cmp).1
}

/// Hands over the signs of every draw, one list per run.
pub(super) fn each_draw<R: Rng + ?Sized>(
    replicas: &[usize],
    draws: usize,
    generator: &mut R,
    mut take: impl FnMut(&[Vec<f64>]),
) {
    let mut signs: Vec<Vec<f64>> = replicas.iter().map(|&n| vec![1.0; n]).collect();
    for _ in 0..draws {
        for run in &mut signs {
            draw_signs(run, generator);
        }
        take(&signs);
    }
}

/// The share of draws that reach the observed value, the observation itself counted as a draw.
pub(super) fn p_value(observed: f64, drawn: &[f64]) -> f64 {
    let reached = drawn.iter().filter(|&&value| value >= observed).count();
    (reached + 1) as f64 / (drawn.len() + 1) as f64
}

fn draw_signs<R: Rng + ?Sized>(signs: &mut [f64], generator: &mut R) {
    for chunk in signs.chunks_mut(64) {
        let bits = generator.next_u64();
        for (k, sign) in chunk.iter_mut().enumerate() {
            *sign = if bits >> k & 1 == 0 { 1.0 } else { -1.0 };
        }
    }
}

/// The signed sums y_p = sum_i w_i c_ip / sqrt(S_p) of one run, with c the centred deviations of a point and
/// S = sum c^2.
///
/// Since w_i^2 = 1, mean and variance of w_i c_i follow from y alone: with q = y^2 / n the mean is
/// y sqrt(S) / n and its squared standard error S (1 - q) / (n (n - 1)).
pub(super) struct SignedSums {
    points: usize,
    /// c_i / sqrt(S), `[replica][point]` in one row after the other.
    scaled: Vec<f64>,
    /// sqrt(S) of every point.
    pub roots: Vec<f64>,
    sums: Vec<f64>,
}

/// Below this 1 - q is rounding: all w_i c_i are equal, and the draw has no spread at this point.
const NO_SPREAD: f64 = 1e-12;

/// 1 - q of a signed sum y over n replicas, or `None` in a draw without spread.
pub(super) fn remaining(y: f64, n: f64) -> Option<f64> {
    let remaining = 1.0 - y * y / n;
    (remaining >= NO_SPREAD).then_some(remaining)
}

impl SignedSums {
    /// `deviations[point][replica]`, each point with some spread.
    pub fn new(deviations: &[&[f64]]) -> Self {
        let points = deviations.len();
        let replicas = deviations.first().map_or(0, |values| values.len());
        let mut scaled = vec![0.0; points * replicas];
        let mut roots = Vec::with_capacity(points);
        for (p, values) in deviations.iter().enumerate() {
            let first = values[0];
            let mean = first + values.iter().map(|v| (v - first) / replicas as f64).sum::<f64>();
            let largest = values.iter().map(|v| (v - mean).abs()).fold(0.0, f64::max);
            let norm = values.iter().map(|v| ((v - mean) / largest).powi(2)).sum::<f64>().sqrt();
            for (i, v) in values.iter().enumerate() {
                scaled[i * points + p] = (v - mean) / largest / norm;
            }
            roots.push(largest * norm);
        }
        Self { points, scaled, roots, sums: vec![0.0; points] }
    }

    /// y of every point under these signs.
    pub fn draw(&mut self, signs: &[f64]) -> &[f64] {
        self.sums.fill(0.0);
        if self.points > 0 {
            for (row, &sign) in self.scaled.chunks_exact(self.points).zip(signs) {
                for (sum, &value) in self.sums.iter_mut().zip(row) {
                    *sum += sign * value;
                }
            }
        }
        &self.sums
    }

    /// y of every point in the latest draw.
    pub fn latest(&self) -> &[f64] {
        &self.sums
    }

    /// max abs(t) over the points: t^2 = (n - 1) q / (1 - q) grows with abs(y), so the maximum is taken over y.
    pub fn max_t(&mut self, signs: &[f64]) -> f64 {
        let n = signs.len() as f64;
        let y = self.draw(signs).iter().fold(0.0, |largest: f64, y| largest.max(y.abs()));
        remaining(y, n).map_or(f64::INFINITY, |rest| ((n - 1.0) * (y * y / n) / rest).sqrt())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::Moments;

    #[test]
    fn max_t_is_the_students_t_of_the_signed_deviations() {
        let points = [[0.31, -1.7, 0.92, 2.4, -0.55, 1.13], [5.2, 4.9, 5.05, 5.6, 4.7, 5.31]];
        let signs = [1.0, -1.0, -1.0, 1.0, 1.0, -1.0];
        let direct = points
            .iter()
            .map(|values| {
                let mean = Moments::of(values).unwrap().mean;
                let signed: Vec<f64> = values.iter().zip(signs).map(|(v, w)| w * (v - mean)).collect();
                let moments = Moments::of(&signed).unwrap();
                (moments.mean / moments.std_error.unwrap()).abs()
            })
            .fold(0.0, f64::max);
        let fast = SignedSums::new(&[&points[0], &points[1]]).max_t(&signs);
        assert!((fast - direct).abs() < 1e-13 * direct, "{fast} {direct}");
    }

    #[test]
    fn a_draw_without_spread_has_infinite_t() {
        let values = [2.5, 1.5, 2.5, 1.5, 1.5, 2.5];
        let aligned = [1.0, -1.0, 1.0, -1.0, -1.0, 1.0];
        assert_eq!(SignedSums::new(&[&values]).max_t(&aligned), f64::INFINITY);
    }
}
