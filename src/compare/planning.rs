//! How many replicas would decide.

use statrs::distribution::{ContinuousCDF, StudentsT};

/// Searched up to this multiple of the present number: beyond, the distance from the gap to the resolution is
/// below 3 % of the present half width, so the gap sits at the resolution for all that is known.
const FARTHEST: usize = 1000;

/// The smallest number of replicas that narrows the statistical half width to the fraction `shrink` < 1 of
/// what n replicas with this critical value gave; `None` beyond [`FARTHEST`] times n.
///
/// The half width goes as c(n) / sqrt(n), and c(n) is carried to another n as the Student quantile of n - 1
/// degrees of freedom with the same pointwise probability.
pub(super) fn replicas_for(shrink: f64, n: usize, critical: f64) -> Option<usize> {
    let student = |n: usize| StudentsT::new(0.0, 1.0, (n - 1) as f64).expect("n > 1");
    let tail = student(n).cdf(-critical);
    let width = |m: usize| -student(m).inverse_cdf(tail) / critical * (n as f64 / m as f64).sqrt();
    let (mut short, mut enough) = (n, n);
    while width(enough) > shrink {
        short = enough;
        enough *= 2;
        if short > FARTHEST * n {
            return None;
        }
    }
    while enough - short > 1 {
        let middle = short + (enough - short) / 2;
        if width(middle) > shrink { short = middle } else { enough = middle }
    }
    (enough <= FARTHEST * n).then_some(enough)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two-sided 95 % Student quantiles from printed tables: 2.365 (7), 2.131 (15), 2.120 (16) degrees of freedom.
    #[test]
    fn half_widths_shrink_as_the_students_quantile_over_root_n() {
        let width = |t: f64, n: f64| t / n.sqrt();
        let between = 0.5 * (width(2.131, 16.0) + width(2.120, 17.0));
        assert_eq!(replicas_for(between / width(2.365, 8.0), 8, 2.365), Some(17));
    }

    #[test]
    fn nothing_decides_a_gap_at_the_resolution() {
        assert_eq!(replicas_for(1e-3, 16, 3.4), None);
    }
}
