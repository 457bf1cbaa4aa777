//! Gaussian measurements of W - M.

use crate::linalg::{Read, multiply};
use crate::problem::matrix_sensing::MatrixSensing;
use crate::rng::Stream;
use crate::simulate::SimulationError;
use nalgebra::DMatrix;
use std::f64::consts::SQRT_2;

/// Rows of measurements that are drawn at once.
const BLOCK: usize = 512;

/// m measurements with p entries each that act.
///
/// <A, W> of a symmetric W sees the symmetric part of A alone. With weights sqrt 2 off the diagonal its coordinates
/// are again independent N(0, 1) numbers, p = n (n + 1)/2 of them, and those are drawn.
pub(super) struct Sensing {
    operator: Operator,
    symmetric: bool,
    /// p x 1.
    packed: DMatrix<f64>,
    gradient: DMatrix<f64>,
}

enum Operator {
    /// A, m x p, with the m readings.
    Stored { measurements: DMatrix<f64>, readings: DMatrix<f64> },
    /// A^T A / m, p x p, where m > p: the same gradient at less work.
    Gram(DMatrix<f64>),
}

impl Sensing {
    pub fn new(
        problem: &MatrixSensing,
        m: usize,
        stream: &Stream,
        stop: &dyn Fn() -> bool,
    ) -> Result<Self, SimulationError> {
        let p = problem.entries();
        let mut gaussians = stream.child("data").gaussians();
        let operator = if m <= p {
            let mut measurements = DMatrix::zeros(m, p);
            gaussians.fill(measurements.as_mut_slice());
            Operator::Stored { measurements, readings: DMatrix::zeros(m, 1) }
        } else {
            let mut gram = DMatrix::zeros(p, p);
            let mut left = m;
            while left > 0 {
                if stop() {
                    return Err(SimulationError::Interrupted);
                }
                let mut block = DMatrix::zeros(left.min(BLOCK), p);
                gaussians.fill(block.as_mut_slice());
                let factor = 1.0 / m as f64;
                multiply(&mut gram, true, factor, (&block, Read::Transposed), (&block, Read::Plain));
                left -= block.nrows();
            }
            Operator::Gram(gram)
        };
        let column = || DMatrix::zeros(p, 1);
        Ok(Self { operator, symmetric: problem.is_symmetric(), packed: column(), gradient: column() })
    }

    /// W - M becomes the mean of <A_i, W - M> A_i.
    pub fn gradient(&mut self, gap: &mut DMatrix<f64>) {
        self.pack(gap);
        match &mut self.operator {
            Operator::Stored { measurements, readings } => {
                let m = measurements.nrows() as f64;
                multiply(readings, false, 1.0, (measurements, Read::Plain), (&self.packed, Read::Plain));
                let (rows, readings) = ((&*measurements, Read::Transposed), (&*readings, Read::Plain));
                multiply(&mut self.gradient, false, 1.0 / m, rows, readings);
            }
            Operator::Gram(gram) => {
                multiply(&mut self.gradient, false, 1.0, (gram, Read::Plain), (&self.packed, Read::Plain));
            }
        }
        self.unpack(gap);
    }

    fn pack(&mut self, gap: &DMatrix<f64>) {
        let packed = self.packed.as_mut_slice();
        if !self.symmetric {
            packed.copy_from_slice(gap.as_slice());
            return;
        }
        let mut at = 0;
        for j in 0..gap.ncols() {
            for i in j..gap.nrows() {
                packed[at] = if i == j { gap[(i, j)] } else { SQRT_2 * gap[(i, j)] };
                at += 1;
            }
        }
    }

    fn unpack(&self, gap: &mut DMatrix<f64>) {
        let gradient = self.gradient.as_slice();
        if !self.symmetric {
            gap.as_mut_slice().copy_from_slice(gradient);
            return;
        }
        let mut at = 0;
        for j in 0..gap.ncols() {
            for i in j..gap.nrows() {
                let value = if i == j { gradient[at] } else { gradient[at] / SQRT_2 };
                gap[(i, j)] = value;
                gap[(j, i)] = value;
                at += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The mean of <A_i, E> (A_i + A_i^T)/2 over whole matrices A_i is what packed measurements give, stored or as
    /// their Gram matrix.
    #[test]
    fn packed_measurements_are_whole_ones() {
        let (n, m) = (3, 5);
        let p = n * (n + 1) / 2;
        let whole: Vec<DMatrix<f64>> = (0..m)
            .map(|i| DMatrix::from_fn(n, n, |a, b| ((1 + 2 * i + 3 * a + 7 * b) as f64).sin()))
            .collect();
        let gap = DMatrix::from_fn(n, n, |a, b| ((1 + a + b + a * b) as f64).cos());
        let mut expected = DMatrix::zeros(n, n);
        let mut measurements = DMatrix::zeros(m, p);
        for (i, a) in whole.iter().enumerate() {
            let symmetric = (a + a.transpose()) * 0.5;
            expected += &symmetric * (a.dot(&gap) / m as f64);
            let mut at = 0;
            for column in 0..n {
                for row in column..n {
                    let weight = if row == column { 1.0 } else { SQRT_2 };
                    measurements[(i, at)] = weight * symmetric[(row, column)];
                    at += 1;
                }
            }
        }
        let gram = measurements.transpose() * &measurements / m as f64;
        let stored = Operator::Stored { measurements, readings: DMatrix::zeros(m, 1) };
        for operator in [stored, Operator::Gram(gram)] {
            let column = || DMatrix::zeros(p, 1);
            let mut sensing = Sensing { operator, symmetric: true, packed: column(), gradient: column() };
            let mut found = gap.clone();
            sensing.gradient(&mut found);
            assert!((found - &expected).norm() < 1e-14);
        }
    }
}
