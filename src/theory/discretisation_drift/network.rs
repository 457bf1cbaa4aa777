//! Derivatives of the tanh network, unit by unit.
//!
//! For E = mean r^2 / 2, r = f - y: grad E = mean r grad f, H = mean (grad f grad f^T + r D^2 f),
//! D^3 E[g, g] = mean (2 (g.grad f) D^2 f g + (g.D^2 f g) grad f + r D^3 f[g, g]). A unit v tanh(u), u = b + w.x, is a
//! function of v and, along (1, x), of u alone.

use crate::problem::discretisation_drift::Network;
use nalgebra::{DMatrix, DVector};

/// tanh and its first three derivatives.
fn tanh_jet(u: f64) -> [f64; 4] {
    let t = libm::tanh(u);
    let s = 1.0 - t * t;
    [t, s, -2.0 * t * s, s * (6.0 * t * t - 2.0)]
}

/// One sample: (1, x), and of every unit its outer weight and jet.
struct Sample {
    input: Vec<f64>,
    units: Vec<(f64, [f64; 4])>,
    residual: f64,
}

fn samples<'a>(net: &'a Network, theta: &'a [f64]) -> impl Iterator<Item = Sample> + 'a {
    net.inputs.column_iter().zip(&net.labels).map(move |(x, y)| {
        let input: Vec<f64> = std::iter::once(1.0).chain(x.iter().copied()).collect();
        let unit = |u: &[f64]| {
            let field: f64 = u[1..].iter().zip(&input).map(|(w, x)| w * x).sum();
            (u[0], tanh_jet(field))
        };
        let units: Vec<(f64, [f64; 4])> = theta.chunks_exact(input.len() + 1).map(unit).collect();
        let output: f64 = units.iter().map(|(v, jet)| v * jet[0]).sum();
        Sample { input, units, residual: output - y }
    })
}

impl Sample {
    /// Writes `outer` for v and `inner` times (1, x) for the rest of every unit.
    fn spread(&self, mut parts: impl FnMut(usize) -> (f64, f64)) -> DVector<f64> {
        let width = self.input.len() + 1;
        let mut out = DVector::zeros(self.units.len() * width);
        for k in 0..self.units.len() {
            let (outer, inner) = parts(k);
            out[k * width] = outer;
            for (i, x) in self.input.iter().enumerate() {
                out[k * width + 1 + i] = inner * x;
            }
        }
        out
    }

    /// grad f.
    fn slope(&self) -> DVector<f64> {
        self.spread(|k| {
            let (v, jet) = self.units[k];
            (jet[0], v * jet[1])
        })
    }

    /// Parts of g: along v, and along u.
    fn along(&self, g: &[f64]) -> Vec<(f64, f64)> {
        let width = self.input.len() + 1;
        g.chunks_exact(width)
            .map(|g| (g[0], g[1..].iter().zip(&self.input).map(|(g, x)| g * x).sum()))
            .collect()
    }
}

pub(super) fn value(net: &Network, theta: &[f64]) -> f64 {
    samples(net, theta).map(|s| 0.5 * s.residual * s.residual).sum::<f64>() / net.labels.len() as f64
}

pub(super) fn gradient(net: &Network, theta: &[f64]) -> Vec<f64> {
    let mut sum = DVector::zeros(theta.len());
    for sample in samples(net, theta) {
        sum += sample.slope() * sample.residual;
    }
    (sum / net.labels.len() as f64).as_slice().to_vec()
}

pub(super) fn hessian(net: &Network, theta: &[f64]) -> DMatrix<f64> {
    let n = theta.len();
    let mut sum = DMatrix::zeros(n, n);
    for sample in samples(net, theta) {
        let slope = sample.slope();
        sum.ger(1.0, &slope, &slope, 1.0);
        let width = sample.input.len() + 1;
        for (k, (v, jet)) in sample.units.iter().enumerate() {
            let at = k * width;
            for (i, x) in sample.input.iter().enumerate() {
                let mixed = sample.residual * jet[1] * x;
                sum[(at, at + 1 + i)] += mixed;
                sum[(at + 1 + i, at)] += mixed;
                for (j, z) in sample.input.iter().enumerate() {
                    sum[(at + 1 + i, at + 1 + j)] += sample.residual * v * jet[2] * x * z;
                }
            }
        }
    }
    sum / net.labels.len() as f64
}

pub(super) fn third(net: &Network, theta: &[f64], g: &[f64]) -> Vec<f64> {
    let mut sum = DVector::zeros(theta.len());
    for sample in samples(net, theta) {
        let along = sample.along(g);
        let slope = sample.slope();
        let first: f64 = slope.iter().zip(g).map(|(s, g)| s * g).sum();
        // D^2 f g and g.D^2 f g, D^3 f[g, g].
        let bent = sample.spread(|k| {
            let ((v, jet), (a, q)) = (sample.units[k], along[k]);
            (jet[1] * q, jet[1] * a + v * jet[2] * q)
        });
        let second: f64 = bent.iter().zip(g).map(|(s, g)| s * g).sum();
        let twisted = sample.spread(|k| {
            let ((v, jet), (a, q)) = (sample.units[k], along[k]);
            (jet[2] * q * q, 2.0 * jet[2] * a * q + v * jet[3] * q * q)
        });
        sum += bent * (2.0 * first) + slope * second + twisted * sample.residual;
    }
    (sum / net.labels.len() as f64).as_slice().to_vec()
}
