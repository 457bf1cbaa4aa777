//! A teacher, its samples, and the two linear maps between matrices and labels.
//!
//! A(M)_mu = Tr[M (x_mu x_mu^T - I)] / sqrt d and its transpose, through products with blocks of inputs: neither forms any
//! x x^T.

use crate::linalg::{Read, multiply};
use crate::problem::extensive_width::ExtensiveWidth;
use crate::problem::scaling::OnePassStep;
use crate::rng::Stream;
use crate::simulate::dense::dot;
use nalgebra::DMatrix;

/// Inputs of one block, so that it and its product stay in the cache.
const BLOCK: usize = 256;

pub(super) struct Samples {
    /// S.
    pub(super) teacher: DMatrix<f64>,
    pub(super) labels: Vec<f64>,
    /// ||x_mu x_mu^T - I||^2 / d^2, 1 in the limit.
    pub(super) weights: Vec<f64>,
    /// Inputs as columns, in blocks.
    blocks: Vec<DMatrix<f64>>,
    scratch: Vec<DMatrix<f64>>,
    field: f64,
}

/// W^T W / m for a Gaussian W of m rows, with W.
pub(super) fn teacher(problem: &ExtensiveWidth, d: usize, stream: &Stream) -> (DMatrix<f64>, DMatrix<f64>) {
    let units = problem.units(d);
    let mut weights = DMatrix::zeros(units, d);
    stream.child("teacher").gaussians().fill(weights.as_mut_slice());
    let mut matrix = DMatrix::zeros(d, d);
    square(&weights, &mut matrix);
    (weights, matrix)
}

/// W^T W / m.
pub(super) fn square(weights: &DMatrix<f64>, matrix: &mut DMatrix<f64>) {
    let factor = 1.0 / weights.nrows() as f64;
    multiply(matrix, false, factor, (weights, Read::Transposed), (weights, Read::Plain));
}

impl Samples {
    pub(super) fn new(problem: &ExtensiveWidth, d: usize, stream: &Stream) -> Self {
        let n = problem.samples(d);
        let (network, teacher) = teacher(problem, d, stream);
        let mut gaussians = stream.child("data").gaussians();
        let sizes = (0..n).step_by(BLOCK).map(|first| BLOCK.min(n - first));
        let blocks: Vec<DMatrix<f64>> = sizes
            .map(|columns| {
                let mut block = DMatrix::zeros(d, columns);
                gaussians.fill(block.as_mut_slice());
                block
            })
            .collect();
        let columns = blocks.iter().flat_map(|block| block.as_slice().chunks_exact(d));
        let weights = columns
            .map(|x| {
                let square = dot(x, x);
                (square * square - 2.0 * square + d as f64) / (d * d) as f64
            })
            .collect();
        let full = blocks.first().map_or(0, |block| block.ncols());
        let last = blocks.last().map_or(0, |block| block.ncols());
        let scratch = vec![DMatrix::zeros(d, full), DMatrix::zeros(d, last)];
        let field = OnePassStep::new(d).field;
        let mut samples = Self { teacher, labels: vec![0.0; n], weights, blocks, scratch, field };
        samples.draw_labels(problem, &network, stream);
        samples
    }

    /// Labels of the teacher network, each hidden unit with its own noise, centred by their mean given S.
    fn draw_labels(&mut self, problem: &ExtensiveWidth, weights: &DMatrix<f64>, stream: &Stream) {
        let (units, d) = weights.shape();
        let sigma = problem.hidden_noise_std;
        let mut hidden = stream.child("label-noise").child("hidden").gaussians();
        let mut outer = stream.child("label-noise").gaussians();
        let std = problem.noise_variance.sqrt();
        let mean = self.teacher.trace() / d as f64 + sigma * sigma;
        let mut fields = DMatrix::zeros(0, 0);
        for (block, labels) in self.blocks.iter().zip(self.labels.chunks_mut(BLOCK)) {
            if fields.ncols() != block.ncols() {
                fields = DMatrix::zeros(units, block.ncols());
            }
            multiply(&mut fields, false, self.field, (weights, Read::Plain), (block, Read::Plain));
            for (label, fields) in labels.iter_mut().zip(fields.column_iter()) {
                let mut output = 0.0;
                for &field in fields.iter() {
                    let noisy = if sigma > 0.0 { field + sigma * hidden.next() } else { field };
                    output += noisy * noisy;
                }
                *label = (output / units as f64 - mean) / self.field + std * outer.next();
            }
        }
    }

    /// A(M), M symmetric.
    pub(super) fn forward(&mut self, matrix: &DMatrix<f64>, out: &mut [f64]) {
        let trace = matrix.trace();
        for (block, out) in self.blocks.iter().zip(out.chunks_mut(BLOCK)) {
            let scratch = &mut self.scratch[usize::from(block.ncols() < BLOCK)];
            multiply(scratch, false, 1.0, (matrix, Read::Plain), (block, Read::Plain));
            let d = block.nrows();
            let columns = block.as_slice().chunks_exact(d).zip(scratch.as_slice().chunks_exact(d));
            for (out, (x, mx)) in out.iter_mut().zip(columns) {
                *out = (dot(x, mx) - trace) * self.field;
            }
        }
    }

    /// A^T(g) = sum_mu g_mu (x_mu x_mu^T - I) / sqrt d.
    pub(super) fn backward(&mut self, g: &[f64], out: &mut DMatrix<f64>) {
        out.fill(0.0);
        for (block, g) in self.blocks.iter().zip(g.chunks(BLOCK)) {
            let scratch = &mut self.scratch[usize::from(block.ncols() < BLOCK)];
            let d = block.nrows();
            let columns = block.as_slice().chunks_exact(d).zip(scratch.as_mut_slice().chunks_exact_mut(d));
            for (&g, (x, gx)) in g.iter().zip(columns) {
                let g = g * self.field;
                for (gx, x) in gx.iter_mut().zip(x) {
                    *gx = g * x;
                }
            }
            multiply(out, true, 1.0, (scratch, Read::Plain), (block, Read::Transposed));
        }
        let total = g.iter().sum::<f64>() * self.field;
        for i in 0..out.nrows() {
            out[(i, i)] -= total;
        }
    }
}

/// ||A - B||^2 / d.
pub(super) fn squared_error(a: &DMatrix<f64>, b: &DMatrix<f64>) -> f64 {
    let sum: f64 = a.iter().zip(b.iter()).map(|(a, b)| (a - b) * (a - b)).sum();
    sum / a.nrows() as f64
}
