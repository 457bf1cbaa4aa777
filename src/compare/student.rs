//! Critical values of Student's distribution, for any degrees of freedom.
//!
//! The quantile of statrs does not return for many degrees of freedom (20 000 and a far tail, say), and its distribution
//! function sums a continued fraction that needs about the root of the degrees. Many degrees of freedom therefore go by
//! the expansion about the normal distribution, few by bisection.

use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

/// From here on the expansion holds: its first term left out is below 1e-9 of the value up to tails of 1e-8.
const MANY: f64 = 1000.0;

/// Halvings of a bracket: more than the digits of a number.
const HALVINGS: usize = 200;

/// Student's distribution with these degrees of freedom, whole or not.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Student {
    degrees: f64,
}

impl Student {
    /// # Panics
    /// Unless the degrees of freedom are positive.
    pub fn new(degrees: f64) -> Self {
        assert!(degrees > 0.0, "{degrees} degrees of freedom");
        Self { degrees }
    }

    /// P(T > t).
    pub fn tail(&self, t: f64) -> f64 {
        if self.degrees < MANY {
            return StudentsT::new(0.0, 1.0, self.degrees).expect("positive").cdf(-t);
        }
        // The expansion is an odd increasing function of the normal quantile.
        let z = root(t.abs(), |z| self.expanded(z));
        let tail = Normal::standard().cdf(-z);
        if t < 0.0 { 1.0 - tail } else { tail }
    }

    /// The t with P(T > t) = `tail`.
    pub fn critical(&self, tail: f64) -> f64 {
        if tail > 0.5 {
            return -self.critical(1.0 - tail);
        }
        if self.degrees < MANY {
            root(-tail, |t| -self.tail(t))
        } else {
            self.expanded(-Normal::standard().inverse_cdf(tail))
        }
    }

    /// Abramowitz & Stegun 26.7.5.
    fn expanded(&self, z: f64) -> f64 {
        let s = z * z;
        let terms = [
            (s + 1.0) / 4.0,
            ((5.0 * s + 16.0) * s + 3.0) / 96.0,
            (((3.0 * s + 19.0) * s + 17.0) * s - 15.0) / 384.0,
            ((((79.0 * s + 776.0) * s + 1482.0) * s - 1920.0) * s - 945.0) / 92160.0,
        ];
        z * (1.0 + terms.iter().rev().fold(0.0, |sum, term| (sum + term) / self.degrees))
    }
}

/// The x >= 0 at which an increasing function has this value.
fn root(value: f64, f: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    while f(high) < value && high < f64::MAX / 4.0 {
        (low, high) = (high, 2.0 * high);
    }
    for _ in 0..HALVINGS {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        if f(middle) < value { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn critical_values_are_those_of_the_tables() {
        let table = [
            (1.0, 0.025, 12.706204736),
            (5.0, 0.025, 2.570581836),
            (10.0, 0.025, 2.228138852),
            (20.0, 0.0005, 3.849516275),
            (100.0, 0.025, 1.983971519),
            (1000.0, 0.025, 1.962339081),
        ];
        for (degrees, tail, expected) in table {
            let found = Student::new(degrees).critical(tail);
            assert!((found / expected - 1.0).abs() < 1e-9, "{degrees} {tail}: {found}");
        }
        assert!((Student::new(1e12).critical(0.025) - 1.959963984540).abs() < 1e-9);
    }

    #[test]
    fn tails_and_critical_values_are_inverse_and_meet_where_the_way_changes() {
        for degrees in [1.0, 2.7, 63.0, 999.0, 1001.0, 19_999.0, 3e7] {
            let student = Student::new(degrees);
            for tail in [0.4, 0.025, 1e-3, 1e-5, 1e-7] {
                let t = student.critical(tail);
                assert!((student.tail(t) / tail - 1.0).abs() < 1e-7, "{degrees} {tail}: {t}");
                assert!((student.critical(1.0 - tail) + t).abs() < 1e-6 * t, "{degrees} {tail}");
            }
        }
        for tail in [0.025, 1e-4, 1e-7] {
            let (few, many) = (Student::new(MANY - 1e-9), Student::new(MANY));
            let gap = few.critical(tail) / many.critical(tail) - 1.0;
            assert!(gap.abs() < 1e-8, "{tail}: {gap}");
        }
    }
}
