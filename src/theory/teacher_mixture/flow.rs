//! The exact solution of the law by a matrix exponential.
//!
//! Means and bias obey a linear system of their own, dz/dt = G z for z = (M_1..M_C, b, 1). The products P = z z^T
//! then obey dP/dt = G P + P G^T, and R and Q, whose equations contain P, z (a column of P), R and Q to first order
//! only, close a linear system with constant coefficients: (C + 2)^2 + C + 1 numbers, 19 for two sub-populations.

use super::coefficients::Coefficients;
use crate::problem::teacher_mixture::Overlaps;
use nalgebra::{DMatrix, DVector};

#[derive(Clone, Debug)]
pub(super) struct Flow {
    groups: usize,
    generator: DMatrix<f64>,
    start: DVector<f64>,
}

impl Flow {
    pub fn new(coefficients: &Coefficients, start: &Overlaps) -> Self {
        let groups = coefficients.groups();
        let n = groups + 2;
        let size = n * n + groups + 1;
        let g = means(coefficients);
        let mut generator = DMatrix::zeros(size, size);
        for column in 0..size {
            let mut unit = vec![0.0; size];
            unit[column] = 1.0;
            generator.set_column(column, &DVector::from_vec(derivative(coefficients, &g, &unit)));
        }
        let z: Vec<f64> = start.m.iter().copied().chain([start.b, 1.0]).collect();
        let products = (0..n * n).map(|at| z[at % n] * z[at / n]);
        let all: Vec<f64> = products.chain(start.r.iter().copied()).chain([start.q]).collect();
        Self { groups, generator, start: DVector::from_vec(all) }
    }

    /// exp(A t).
    pub fn propagator(&self, t: f64) -> DMatrix<f64> {
        (&self.generator * t).exp()
    }

    pub fn start(&self) -> DVector<f64> {
        self.start.clone()
    }

    /// (R_1..R_C, M_1..M_C, b, Q) of a state.
    pub fn order_parameters(&self, state: &DVector<f64>) -> Vec<f64> {
        let (groups, n) = (self.groups, self.groups + 2);
        let (products, rest) = state.as_slice().split_at(n * n);
        let z = &products[(n - 1) * n..];
        rest[..groups].iter().chain(&z[..groups + 1]).chain(&rest[groups..]).copied().collect()
    }
}

/// G.
pub(super) fn means(coefficients: &Coefficients) -> DMatrix<f64> {
    let Coefficients { rate, bias_rate, probability, variance, labels, s, u, .. } = coefficients;
    let groups = probability.len();
    let (bias, one) = (groups, groups + 1);
    let mut g = DMatrix::zeros(groups + 2, groups + 2);
    for c in 0..groups {
        let (rho, delta, label) = (probability[c], variance[c], labels[c]);
        for a in 0..groups {
            let pull = rate * rho * u[(a, c)];
            g[(a, c)] -= pull;
            g[(a, bias)] -= pull;
            g[(a, one)] += pull * label.mean + rate * rho * delta * s[(c, a)] * label.slope;
            g[(a, a)] -= rate * rho * delta;
        }
        g[(bias, c)] -= bias_rate * rho;
        g[(bias, bias)] -= bias_rate * rho;
        g[(bias, one)] += bias_rate * rho * label.mean;
    }
    g
}

/// The derivative of (P column by column, R, Q), a linear function.
fn derivative(coefficients: &Coefficients, g: &DMatrix<f64>, state: &[f64]) -> Vec<f64> {
    let Coefficients { rate, second_order, probability, variance, labels, t, s, .. } = coefficients;
    let groups = probability.len();
    let (n, bias, one) = (groups + 2, groups, groups + 1);
    let p = DMatrix::from_column_slice(n, n, &state[..n * n]);
    let (r, q) = (&state[n * n..n * n + groups], state[n * n + groups]);
    let change = g * &p + &p * g.transpose();
    let z = p.column(one);
    let mut dr = vec![0.0; groups];
    let mut dq = 0.0;
    for c in 0..groups {
        let (rho, delta, label) = (probability[c], variance[c], labels[c]);
        let miss = label.mean * z[one] - z[c] - z[bias];
        for (j, dr) in dr.iter_mut().enumerate() {
            *dr += rate * rho * (s[(j, c)] * miss + delta * (t[(c, j)] * label.slope * z[one] - r[j]));
        }
        let mean_miss = label.mean * z[c] - p[(c, c)] - p[(c, bias)];
        let mean_squared = p[(c, c)] + 2.0 * p[(c, bias)] + p[(bias, bias)];
        let twice_loss = label.square * z[one] + mean_squared + delta * q
            - 2.0 * ((z[c] + z[bias]) * label.mean + delta * r[c] * label.slope);
        dq += 2.0 * rate * rho * (mean_miss + delta * (r[c] * label.slope - q))
            + second_order * rho * delta * twice_loss;
    }
    change.as_slice().iter().copied().chain(dr).chain([dq]).collect()
}
