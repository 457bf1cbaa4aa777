//! The law as ordinary differential equations for (R_1..R_C, M_1..M_C, b, Q): the plain form, integrated
//! numerically, that the exact solutions are tested against.

use super::coefficients::Coefficients;
use crate::math::gaussian::AverageError;
use crate::problem::teacher_mixture::readings::{Groups, Reading};
use crate::problem::teacher_mixture::{Overlaps, TeacherMixture};
use crate::theory::Law;

pub(super) struct Equations<'a> {
    pub problem: &'a TeacherMixture,
    pub start: &'a Overlaps,
    pub coefficients: Coefficients,
}

impl Law for Equations<'_> {
    type Observable = Reading;

    fn start(&self) -> Vec<f64> {
        let Overlaps { q, r, m, b, .. } = self.start;
        r.iter().chain(m).chain([b, q]).copied().collect()
    }

    fn rhs(&mut self, _: f64, y: &[f64], dy: &mut [f64]) -> Result<(), AverageError> {
        let Coefficients { rate, second_order, bias_rate, probability, variance, labels, t, s, u } =
            &self.coefficients;
        let groups = probability.len();
        let (r, m, b, q) = (&y[..groups], &y[groups..2 * groups], y[2 * groups], y[2 * groups + 1]);
        dy.fill(0.0);
        for c in 0..groups {
            let (rho, delta, label) = (probability[c], variance[c], labels[c]);
            let mean = m[c] + b;
            let miss = label.mean - mean;
            for j in 0..groups {
                dy[j] += rate * rho * (s[(j, c)] * miss + delta * (t[(c, j)] * label.slope - r[j]));
                dy[groups + j] += rate * rho * (u[(j, c)] * miss + delta * (s[(c, j)] * label.slope - m[j]));
            }
            dy[2 * groups] += bias_rate * rho * miss;
            let twice_loss = label.square + mean * mean + delta * q
                - 2.0 * (mean * label.mean + delta * r[c] * label.slope);
            dy[2 * groups + 1] += 2.0 * rate * rho * (m[c] * miss + delta * (r[c] * label.slope - q))
                + second_order * rho * delta * twice_loss;
        }
        Ok(())
    }

    fn observe(&mut self, _: f64, y: &[f64], reading: &Reading) -> Result<f64, AverageError> {
        read(self.problem, &with_state(self.start, y), *reading)
    }
}

/// The overlaps of a state.
pub(super) fn with_state(start: &Overlaps, y: &[f64]) -> Overlaps {
    let groups = start.groups();
    let mut overlaps = start.clone();
    overlaps.r.copy_from_slice(&y[..groups]);
    overlaps.m.copy_from_slice(&y[groups..2 * groups]);
    (overlaps.b, overlaps.q) = (y[2 * groups], y[2 * groups + 1]);
    overlaps
}

pub(super) fn read(
    problem: &TeacherMixture,
    overlaps: &Overlaps,
    reading: Reading,
) -> Result<f64, AverageError> {
    let groups = if reading.needs_groups() {
        Groups::of(problem, overlaps).map_err(|minor| AverageError::NotACovariance {
            average: "classification error",
            fields: vec![0, 1],
            minor,
        })?
    } else {
        Groups { loss: Vec::new(), error: Vec::new() }
    };
    Ok(reading.value(problem, overlaps, &groups))
}
