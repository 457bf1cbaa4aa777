//! A network as a list of operations on matrices of units x inputs: forward, backward, gradient step, tangent kernel.
//!
//! A matrix may act at several places; its gradient is the sum over them, and the tangent kernel the sum over all pairs of
//! places of (units^T units') times (errors^T errors'), entry by entry.

use crate::linalg::{Read, multiply};
use crate::problem::ntk::Nonlinearity;
use nalgebra::DMatrix;
use nalgebra::DVector;
use std::collections::HashMap;

/// What a node is made of; sources are earlier nodes.
#[derive(Clone, Debug)]
pub(in crate::simulate::ntk) enum Operation {
    /// Coordinates `from`, `from` + 1, ... of the input.
    Input {
        from: usize,
        count: usize,
    },
    /// The same vector for every input.
    Constant(DVector<f64>),
    /// Sum of matrices on nodes, and a bias vector.
    Affine {
        terms: Vec<Term>,
        bias: Option<usize>,
    },
    Units(usize),
    Sum(Vec<(f64, usize)>),
    /// Mean over units subtracted, divided by the root of their variance plus `epsilon`.
    Normalise {
        source: usize,
        epsilon: f64,
    },
    /// factor times the sum over units of the product of two nodes, and a bias number.
    Dot {
        factor: f64,
        nodes: (usize, usize),
        bias: usize,
    },
}

/// scale W u.
#[derive(Clone, Copy, Debug)]
pub(in crate::simulate::ntk) struct Term {
    pub weight: usize,
    pub scale: f64,
    pub source: usize,
}

/// The parameters and the operations; the last node is that of the output fields.
#[derive(Clone, Debug)]
pub(in crate::simulate::ntk) struct Graph {
    pub weights: Vec<DMatrix<f64>>,
    pub biases: Vec<DVector<f64>>,
    pub operations: Vec<Operation>,
    /// Units of every node.
    pub units: Vec<usize>,
    pub nonlinearity: Nonlinearity,
    pub bias_std: f64,
    /// A of f = A z, z the output field.
    pub factor: f64,
}

/// Values of all nodes and the derivatives of the output with respect to them.
#[derive(Clone, Debug)]
pub(in crate::simulate::ntk) struct Room {
    values: Vec<DMatrix<f64>>,
    errors: Vec<DMatrix<f64>>,
}

impl Graph {
    pub fn room(&self, points: usize) -> Room {
        let values: Vec<DMatrix<f64>> = self.units.iter().map(|&n| DMatrix::zeros(n, points)).collect();
        Room { errors: values.clone(), values }
    }

    pub fn outputs(&self) -> usize {
        self.units.last().copied().unwrap_or(0)
    }

    pub fn forward(&self, x: &DMatrix<f64>, room: &mut Room, output: &mut DMatrix<f64>) {
        for (node, operation) in self.operations.iter().enumerate() {
            let (below, rest) = room.values.split_at_mut(node);
            self.evaluate(operation, x, below, &mut rest[0]);
        }
        let last = room.values.last().map_or(&[][..], |field| field.as_slice());
        output.iter_mut().zip(last).for_each(|(f, z)| *f = self.factor * z);
    }

    fn evaluate(
        &self,
        operation: &Operation,
        x: &DMatrix<f64>,
        below: &[DMatrix<f64>],
        value: &mut DMatrix<f64>,
    ) {
        match operation {
            Operation::Input { from, count } => value.copy_from(&x.rows(*from, *count)),
            Operation::Constant(vector) => value.column_iter_mut().for_each(|mut c| c.copy_from(vector)),
            Operation::Affine { terms, bias } => {
                for (k, term) in terms.iter().enumerate() {
                    let w = (&self.weights[term.weight], Read::Plain);
                    multiply(value, k > 0, term.scale, w, (&below[term.source], Read::Plain));
                }
                if let Some(bias) = bias {
                    for mut column in value.column_iter_mut() {
                        column.axpy(self.bias_std, &self.biases[*bias], 1.0);
                    }
                }
            }
            Operation::Units(source) => {
                for (unit, z) in value.iter_mut().zip(below[*source].iter()) {
                    *unit = self.nonlinearity.value(*z);
                }
            }
            Operation::Sum(parts) => {
                value.fill(0.0);
                for &(factor, source) in parts {
                    value.zip_apply(&below[source], |sum, part| *sum += factor * part);
                }
            }
            Operation::Normalise { source, epsilon } => {
                for (mut y, z) in value.column_iter_mut().zip(below[*source].column_iter()) {
                    let mean = z.mean();
                    y.zip_apply(&z, |y, z| *y = z - mean);
                    let root = (y.norm_squared() / y.len() as f64 + epsilon).sqrt();
                    y /= root;
                }
            }
            Operation::Dot { factor, nodes, bias } => {
                let bias = self.bias_std * self.biases[*bias][0];
                let columns = below[nodes.0].column_iter().zip(below[nodes.1].column_iter());
                for (z, (a, b)) in value.iter_mut().zip(columns) {
                    *z = factor * a.dot(&b) + bias;
                }
            }
        }
    }

    /// Errors of all nodes from those of the output field.
    fn backward(&self, room: &mut Room) {
        let last = self.operations.len() - 1;
        room.errors[..last].iter_mut().for_each(|error| error.fill(0.0));
        for (node, operation) in self.operations.iter().enumerate().rev() {
            let (below, rest) = room.errors.split_at_mut(node);
            let error = &rest[0];
            match operation {
                Operation::Input { .. } | Operation::Constant(_) => {}
                Operation::Affine { terms, .. } => {
                    for term in terms {
                        if let Operation::Input { .. } | Operation::Constant(_) = self.operations[term.source]
                        {
                            continue;
                        }
                        let w = (&self.weights[term.weight], Read::Transposed);
                        multiply(&mut below[term.source], true, term.scale, w, (error, Read::Plain));
                    }
                }
                Operation::Units(source) => {
                    let fields = room.values[*source].iter();
                    for ((down, e), z) in below[*source].iter_mut().zip(error.iter()).zip(fields) {
                        *down += e * self.nonlinearity.derivative(*z);
                    }
                }
                Operation::Sum(parts) => {
                    for &(factor, source) in parts {
                        below[source].zip_apply(error, |down, e| *down += factor * e);
                    }
                }
                Operation::Normalise { source, epsilon } => {
                    let columns = error.column_iter().zip(room.values[node].column_iter());
                    let fields = room.values[*source].column_iter();
                    for ((mut down, (e, y)), z) in below[*source].column_iter_mut().zip(columns).zip(fields) {
                        let root = (z.variance() + epsilon).sqrt();
                        let (mean, along) = (e.mean(), e.dot(&y) / y.len() as f64);
                        for ((down, e), y) in down.iter_mut().zip(e.iter()).zip(y.iter()) {
                            *down += (e - mean - along * y) / root;
                        }
                    }
                }
                Operation::Dot { factor, nodes, .. } => {
                    for (here, other) in [(nodes.0, nodes.1), (nodes.1, nodes.0)] {
                        let columns = below[here].column_iter_mut().zip(room.values[other].column_iter());
                        for ((mut down, value), e) in columns.zip(error.iter()) {
                            down.axpy(factor * e, &value, 1.0);
                        }
                    }
                }
            }
        }
    }

    /// The places where every bias acts.
    fn biased(&self) -> impl Iterator<Item = (usize, usize)> {
        self.operations.iter().enumerate().filter_map(|(node, operation)| match operation {
            Operation::Affine { bias: Some(bias), .. } | Operation::Dot { bias, .. } => Some((node, *bias)),
            _ => None,
        })
    }

    /// Moves all parameters by -`step` times the gradient of sum_i e_i . f(x_i).
    pub fn descend(&mut self, errors: &DMatrix<f64>, step: f64, room: &mut Room) {
        let last = self.operations.len() - 1;
        room.errors[last].iter_mut().zip(errors.iter()).for_each(|(d, e)| *d = self.factor * e);
        self.backward(room);
        for (node, operation) in self.operations.iter().enumerate() {
            let Operation::Affine { terms, .. } = operation else { continue };
            for term in terms {
                let error = (&room.errors[node], Read::Plain);
                let source = (&room.values[term.source], Read::Transposed);
                multiply(&mut self.weights[term.weight], true, -step * term.scale, error, source);
            }
        }
        if self.bias_std > 0.0 {
            let places: Vec<(usize, usize)> = self.biased().collect();
            for (node, bias) in places {
                for column in room.errors[node].column_iter() {
                    self.biases[bias].axpy(-step * self.bias_std, &column, 1.0);
                }
            }
        }
    }

    /// sum_p (df(x_i)/dp) (df(x_j)/dp) / A^2 of the first output, of the inputs of the last forward pass.
    pub fn kernel(&self, room: &mut Room) -> DMatrix<f64> {
        let last = self.operations.len() - 1;
        room.errors[last].fill(0.0);
        room.errors[last].row_mut(0).fill(1.0);
        self.backward(room);
        // Of every matrix, then of every bias: (node of errors, scale, node of units).
        let mut places: Vec<Vec<(usize, f64, Option<usize>)>> = vec![Vec::new(); self.weights.len()];
        for (node, operation) in self.operations.iter().enumerate() {
            if let Operation::Affine { terms, .. } = operation {
                terms.iter().for_each(|t| places[t.weight].push((node, t.scale, Some(t.source))));
            }
        }
        let mut of_biases: Vec<Vec<(usize, f64, Option<usize>)>> = vec![Vec::new(); self.biases.len()];
        self.biased().for_each(|(node, bias)| of_biases[bias].push((node, self.bias_std, None)));
        places.append(&mut of_biases);

        let points = room.errors[last].ncols();
        let mut kernel = DMatrix::zeros(points, points);
        let mut of_units = Products::new(&room.values);
        let mut of_errors = Products::new(&room.errors);
        for places in &places {
            for (k, &(node, scale, source)) in places.iter().enumerate() {
                for &(other, other_scale, other_source) in &places[..=k] {
                    let errors = of_errors.get(node, other);
                    let factor = scale * other_scale;
                    let mut part = errors * factor;
                    if let (Some(a), Some(b)) = (source, other_source) {
                        part.component_mul_assign(of_units.get(a, b));
                    }
                    kernel += &part;
                    if (other, other_source) != (node, source) {
                        kernel += part.transpose();
                    }
                }
            }
        }
        kernel
    }

    /// The parameters as one list: for tests of gradients.
    #[cfg(test)]
    pub fn parameters(&mut self) -> Vec<&mut f64> {
        self.weights
            .iter_mut()
            .flat_map(|w| w.iter_mut())
            .chain(self.biases.iter_mut().flat_map(|b| b.iter_mut()))
            .collect()
    }
}

/// A^T B of pairs of nodes, each taken once.
struct Products<'a> {
    nodes: &'a [DMatrix<f64>],
    known: HashMap<(usize, usize), DMatrix<f64>>,
}

impl<'a> Products<'a> {
    fn new(nodes: &'a [DMatrix<f64>]) -> Self {
        Self { nodes, known: HashMap::new() }
    }

    fn get(&mut self, a: usize, b: usize) -> &DMatrix<f64> {
        let nodes = self.nodes;
        self.known.entry((a, b)).or_insert_with(|| crate::linalg::transpose_product(&nodes[a], &nodes[b]))
    }
}
