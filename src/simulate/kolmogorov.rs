//! Two samples of the same law? For the tests of the overlap chains.

/// Smallest p-value of the two-sample Kolmogorov-Smirnov tests of all columns, times their number (Bonferroni).
/// Asymptotic distribution with the correction of Stephens (1970).
pub(super) fn smallest_p(a: &[Vec<f64>], b: &[Vec<f64>]) -> f64 {
    let columns = a[0].len();
    let p = |column: usize| {
        let sorted = |rows: &[Vec<f64>]| {
            let mut values: Vec<f64> = rows.iter().map(|row| row[column]).collect();
            values.sort_by(f64::total_cmp);
            values
        };
        let (a, b) = (sorted(a), sorted(b));
        let (mut i, mut j, mut distance) = (0, 0, 0.0_f64);
        while i < a.len() && j < b.len() {
            let next = a[i].min(b[j]);
            while i < a.len() && a[i] <= next {
                i += 1;
            }
            while j < b.len() && b[j] <= next {
                j += 1;
            }
            distance = distance.max((i as f64 / a.len() as f64 - j as f64 / b.len() as f64).abs());
        }
        let root = (a.len() as f64 * b.len() as f64 / (a.len() + b.len()) as f64).sqrt();
        let x = (root + 0.12 + 0.11 / root) * distance;
        let series: f64 = (1..100)
            .map(|k| (if k % 2 == 1 { 2.0 } else { -2.0 }) * (-2.0 * f64::from(k * k) * x * x).exp())
            .sum();
        if x < 0.2 { 1.0 } else { series.clamp(0.0, 1.0) }
    };
    (0..columns).map(p).fold(1.0, f64::min) * columns as f64
}
