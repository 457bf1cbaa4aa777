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
    let mut signs: Vec<Vec<f64>> = replicas.iter().map(|&n| vec![1.0; n]).collect();
    let mut values: Vec<f64> = (0..draws)
        .map(|_| {
            for run in &mut signs {
                draw_signs(run, generator);
            }
            statistic(&signs)
        })
        .collect();
    let rank = (level * (draws + 1) as f64).ceil() as usize;
    if rank > draws {
        return f64::INFINITY;
    }
    *values.select_nth_unstable_by(rank - 1, f64::total_cmp).1
}

fn draw_signs<R: Rng + ?Sized>(signs: &mut [f64], generator: &mut R) {
    for chunk in signs.chunks_mut(64) {
        let bits = generator.next_u64();
        for (k, sign) in chunk.iter_mut().enumerate() {
            *sign = if bits >> k & 1 == 0 { 1.0 } else { -1.0 };
        }
    }
}

/// max abs(t) over the points of one run as a function of the signs of its replicas.
///
/// With c_i the centred deviations of a point, S = sum c_i^2 and y = sum w_i c_i / sqrt(S), mean and variance of
/// w_i c_i give t^2 = (n - 1) q / (1 - q) with q = y^2 / n: since w_i^2 = 1, one sum per point suffices, and t
/// grows with abs(y), so the maximum is taken over y.
pub(super) struct MaxT {
    points: usize,
    /// c_i / sqrt(S), `[replica][point]` in one row after the other.
    scaled: Vec<f64>,
    sums: Vec<f64>,
}

impl MaxT {
    /// `deviations[point][replica]`, each point with some spread.
    pub fn new(deviations: &[&[f64]]) -> Self {
        let points = deviations.len();
        let replicas = deviations.first().map_or(0, |values| values.len());
        let mut scaled = vec![0.0; points * replicas];
        for (p, values) in deviations.iter().enumerate() {
            let first = values[0];
            let mean = first + values.iter().map(|v| (v - first) / replicas as f64).sum::<f64>();
            let largest = values.iter().map(|v| (v - mean).abs()).fold(0.0, f64::max);
            let norm = values.iter().map(|v| ((v - mean) / largest).powi(2)).sum::<f64>().sqrt();
            for (i, v) in values.iter().enumerate() {
                scaled[i * points + p] = (v - mean) / largest / norm;
            }
        }
        Self { points, scaled, sums: vec![0.0; points] }
    }

    pub fn statistic(&mut self, signs: &[f64]) -> f64 {
        if self.points == 0 {
            return 0.0;
        }
        self.sums.fill(0.0);
        for (row, &sign) in self.scaled.chunks_exact(self.points).zip(signs) {
            for (sum, &value) in self.sums.iter_mut().zip(row) {
                *sum += sign * value;
            }
        }
        let n = signs.len() as f64;
        let q = self.sums.iter().fold(0.0, |largest: f64, y| largest.max(y * y)) / n;
        // All w_i c_i equal: the draw has no spread, t is infinite, and rounding leaves 1 - q at a few 1e-16.
        if 1.0 - q < 1e-12 { f64::INFINITY } else { ((n - 1.0) * q / (1.0 - q)).sqrt() }
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
        let fast = MaxT::new(&[&points[0], &points[1]]).statistic(&signs);
        assert!((fast - direct).abs() < 1e-13 * direct, "{fast} {direct}");
    }

    #[test]
    fn a_draw_without_spread_has_infinite_t() {
        let values = [2.5, 1.5, 2.5, 1.5, 1.5, 2.5];
        let aligned = [1.0, -1.0, 1.0, -1.0, -1.0, 1.0];
        assert_eq!(MaxT::new(&[&values]).statistic(&aligned), f64::INFINITY);
    }
}
