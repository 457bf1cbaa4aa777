//! A network of finite width in the tangent-kernel parametrisation, its gradient step and its tangent kernel.

use crate::linalg::{Read, multiply};
use crate::problem::ntk::{Nonlinearity, Ntk};
use crate::rng::Stream;
use nalgebra::{DMatrix, DVector};

/// W^1, ..., W^(L+1) and beta^1, ..., beta^(L+1).
#[derive(Clone, Debug)]
pub(super) struct Network {
    weights: Vec<DMatrix<f64>>,
    biases: Vec<DVector<f64>>,
    nonlinearity: Nonlinearity,
    weight_std: f64,
    bias_std: f64,
    /// A of f = A z^(L+1).
    factor: f64,
    /// Factors on the step of the weights and biases of every layer.
    steps: Vec<(f64, f64)>,
}

/// Fields, units and errors of one set of inputs.
#[derive(Clone, Debug)]
pub(super) struct Pass {
    /// z^l and phi(z^l), l = 1, ..., L; n x P.
    fields: Vec<DMatrix<f64>>,
    units: Vec<DMatrix<f64>>,
    /// df/dz^l, the error of the output included where a step is taken; n x P, and outputs x P for l = L + 1.
    errors: Vec<DMatrix<f64>>,
    /// f, outputs x P.
    pub output: DMatrix<f64>,
}

impl Network {
    /// Entries N(0, 1) on the stream `init`.
    pub fn draw(problem: &Ntk, width: usize, stream: &Stream) -> Self {
        let mut gaussians = stream.child("init").gaussians();
        let layers = problem.hidden_layers;
        let mut weights = Vec::with_capacity(layers + 1);
        let mut biases = Vec::with_capacity(layers + 1);
        for l in 0..=layers {
            let below = if l == 0 { problem.inputs.dimension() } else { width };
            let here = if l == layers { problem.loss.outputs() } else { width };
            let mut w = DMatrix::zeros(here, below);
            gaussians.fill(w.as_mut_slice());
            let mut beta = DVector::zeros(here);
            gaussians.fill(beta.as_mut_slice());
            weights.push(w);
            biases.push(beta);
        }
        let steps = weights.iter().map(|w| problem.step_factors(w.ncols(), width)).collect();
        Self {
            weights,
            biases,
            steps,
            nonlinearity: problem.nonlinearity.clone(),
            weight_std: problem.weight_std,
            bias_std: problem.bias_std,
            factor: problem.output_factor(width),
        }
    }

    /// W_s / sqrt(units below).
    fn scale(&self, layer: usize) -> f64 {
        self.weight_std / (self.weights[layer].ncols() as f64).sqrt()
    }

    pub fn outputs(&self) -> usize {
        self.biases.last().map_or(0, |bias| bias.len())
    }

    pub fn room(&self, points: usize) -> Pass {
        let hidden = &self.weights[..self.weights.len() - 1];
        let room: Vec<DMatrix<f64>> = hidden.iter().map(|w| DMatrix::zeros(w.nrows(), points)).collect();
        let output = DMatrix::zeros(self.outputs(), points);
        let errors = room.iter().cloned().chain([output.clone()]).collect();
        Pass { fields: room.clone(), units: room, errors, output }
    }

    /// f of the columns of `x`, into `pass`.
    pub fn forward(&self, x: &DMatrix<f64>, pass: &mut Pass) {
        let last = self.weights.len() - 1;
        for l in 0..=last {
            let (below, above) = pass.units.split_at_mut(l);
            let input = below.last().unwrap_or(x);
            let w = (&self.weights[l], Read::Plain);
            if l < last {
                multiply(&mut pass.fields[l], false, self.scale(l), w, (input, Read::Plain));
                let bias = &self.biases[l];
                for mut column in pass.fields[l].column_iter_mut() {
                    column.axpy(self.bias_std, bias, 1.0);
                }
                let values = pass.fields[l].as_slice().iter();
                for (unit, z) in above[0].as_mut_slice().iter_mut().zip(values) {
                    *unit = self.nonlinearity.value(*z);
                }
            } else {
                // The errors of the outputs lend their room to the output fields.
                let output = &mut pass.errors[last];
                multiply(output, false, self.scale(l), w, (input, Read::Plain));
                for (mut f, z) in pass.output.column_iter_mut().zip(output.column_iter()) {
                    for ((f, z), beta) in f.iter_mut().zip(z.iter()).zip(self.biases[last].iter()) {
                        *f = self.factor * (z + self.bias_std * beta);
                    }
                }
            }
        }
    }

    /// Errors of all layers from those of the output field.
    fn backward(&self, pass: &mut Pass) {
        for l in (0..self.weights.len() - 1).rev() {
            let (here, above) = pass.errors.split_at_mut(l + 1);
            let w = (&self.weights[l + 1], Read::Transposed);
            multiply(&mut here[l], false, self.scale(l + 1), w, (&above[0], Read::Plain));
            let fields = pass.fields[l].as_slice().iter();
            for (error, z) in here[l].as_mut_slice().iter_mut().zip(fields) {
                *error *= self.nonlinearity.derivative(*z);
            }
        }
    }

    /// Moves all parameters by -`step` times the gradient of sum_i e_i . f(x_i), f as [`Network::forward`] left it.
    pub fn descend(&mut self, x: &DMatrix<f64>, errors: &DMatrix<f64>, step: f64, pass: &mut Pass) {
        let last = self.weights.len() - 1;
        pass.errors[last].iter_mut().zip(errors.iter()).for_each(|(d, e)| *d = self.factor * e);
        self.backward(pass);
        for l in 0..=last {
            let scale = self.scale(l);
            let (of_weights, of_biases) = self.steps[l];
            let input = if l == 0 { x } else { &pass.units[l - 1] };
            let error = &pass.errors[l];
            multiply(
                &mut self.weights[l],
                true,
                -step * scale * of_weights,
                (error, Read::Plain),
                (input, Read::Transposed),
            );
            if self.bias_std > 0.0 {
                for column in error.column_iter() {
                    self.biases[l].axpy(-step * self.bias_std * of_biases, &column, 1.0);
                }
            }
        }
    }

    /// sum_p s_p (df(x_i)/dp) (df(x_j)/dp) / A^2 of the first output, s_p the factor on the step of p, of the inputs of the
    /// last forward pass.
    pub fn kernel(&self, x: &DMatrix<f64>, pass: &mut Pass) -> DMatrix<f64> {
        let last = self.weights.len() - 1;
        pass.errors[last].fill(0.0);
        pass.errors[last].row_mut(0).fill(1.0);
        self.backward(pass);
        let points = x.ncols();
        let mut kernel = DMatrix::zeros(points, points);
        let (mut of_units, mut of_errors) = (kernel.clone(), kernel.clone());
        let bias = self.bias_std * self.bias_std;
        for l in 0..=last {
            let input = if l == 0 { x } else { &pass.units[l - 1] };
            let scale = self.scale(l);
            let (of_weights, of_biases) = self.steps[l];
            multiply(
                &mut of_units,
                false,
                scale * scale * of_weights,
                (input, Read::Transposed),
                (input, Read::Plain),
            );
            let error = &pass.errors[l];
            multiply(&mut of_errors, false, 1.0, (error, Read::Transposed), (error, Read::Plain));
            let parts = of_units.iter().zip(of_errors.iter());
            kernel.iter_mut().zip(parts).for_each(|(k, (u, e))| *k += (u + bias * of_biases) * e);
        }
        kernel
    }

    /// The parameters as one vector, and back: for tests of gradients.
    #[cfg(test)]
    pub fn parameters(&mut self) -> Vec<&mut f64> {
        self.weights
            .iter_mut()
            .flat_map(|w| w.iter_mut())
            .chain(self.biases.iter_mut().flat_map(|b| b.iter_mut()))
            .collect()
    }
}
