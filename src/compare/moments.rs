//! Mean, spread and standard error of one sample.

use serde::{Deserialize, Serialize};

/// Moments of one sample. The spread `std` is a property of a replica; `std_error` is the error of the mean.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Moments {
    pub mean: f64,
    /// Square root of the unbiased variance; `None` for a single value, which has no measurable spread.
    pub std: Option<f64>,
    /// `std / sqrt(count)`.
    pub std_error: Option<f64>,
    pub count: usize,
}

impl Moments {
    /// Moments of finite values, in two passes: shifted by the first value, so that equal values have exactly
    /// zero spread, and in units of the largest deviation, so that squares neither overflow nor vanish.
    ///
    /// `None` for no values, or if a value or a result is not finite.
    ///
    /// ```
    /// use asymptotica::compare::Moments;
    /// // NIST StRD "NumAcc3": mean 1000000.2, standard deviation 0.1.
    /// let mut values = vec![1000000.2];
    /// for _ in 0..500 {
    ///     values.extend([1000000.1, 1000000.3]);
    /// }
    /// let moments = Moments::of(&values).unwrap();
    /// assert!((moments.mean - 1000000.2).abs() < 1e-9);
    /// assert!((moments.std.unwrap() - 0.1).abs() < 1e-10);
    /// ```
    pub fn of(values: &[f64]) -> Option<Self> {
        let n = values.len() as f64;
        let first = *values.first()?;
        let mean = first + values.iter().map(|v| (v - first) / n).sum::<f64>();
        let largest = values.iter().map(|v| (v - mean).abs()).fold(0.0, f64::max);
        let std = if values.len() < 2 {
            None
        } else if largest == 0.0 {
            Some(0.0)
        } else {
            let scaled = || values.iter().map(|v| (v - mean) / largest);
            let squares = scaled().map(|u| u * u).sum::<f64>() - scaled().sum::<f64>().powi(2) / n;
            Some(largest * (squares / (n - 1.0)).sqrt())
        };
        let finite = values.iter().all(|v| v.is_finite()) && mean.is_finite();
        (finite && std.is_none_or(f64::is_finite)).then_some(Self {
            mean,
            std,
            std_error: std.map(|s| s / n.sqrt()),
            count: values.len(),
        })
    }

    /// Moments at every point over those rows (`[row][point]`) that have a value there, NaN being none; `None` at a
    /// point without any.
    pub fn per_point(rows: &[Vec<Option<f64>>], points: usize) -> Vec<Option<Self>> {
        let column =
            |p: usize| rows.iter().filter_map(|row| row[p].filter(|v| !v.is_nan())).collect::<Vec<_>>();
        (0..points).map(|p| Self::of(&column(p))).collect()
    }
}
