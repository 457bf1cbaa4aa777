//! The graphs of the architectures, with their parameters drawn.

use super::graph::{Graph, Operation, Term};
use crate::problem::ntk::{Architecture, Ntk, StreamNorm};
use crate::rng::{Gaussians, Stream};
use nalgebra::{DMatrix, DVector};

struct Builder {
    graph: Graph,
    width: usize,
    outputs: usize,
    weight_std: f64,
    gaussians: Gaussians,
}

/// The network of `problem` at this width, entries N(0, 1) on the stream `init`.
pub(super) fn graph(problem: &Ntk, width: usize, stream: &Stream) -> Graph {
    let graph = Graph {
        weights: Vec::new(),
        biases: Vec::new(),
        operations: Vec::new(),
        units: Vec::new(),
        nonlinearity: problem.nonlinearity.clone(),
        bias_std: problem.bias_std,
        factor: problem.output_factor(width),
    };
    let gaussians = stream.child("init").gaussians();
    let (outputs, weight_std) = (problem.loss.outputs(), problem.weight_std);
    let mut b = Builder { graph, width, outputs, weight_std, gaussians };
    let (d, layers) = (problem.inputs.dimension(), problem.hidden_layers);
    match problem.architecture {
        Architecture::FullyConnected => b.chain(d, layers, None),
        Architecture::LayerNorm { epsilon } => b.chain(d, layers, Some(epsilon)),
        Architecture::Residual { strength, norm } => b.residual(d, layers, strength, norm),
        Architecture::Recurrent { step_dimension, recurrent_std, average } => {
            let hidden = b.recurrent(d, step_dimension, layers, recurrent_std);
            if average {
                b.read_mean(&hidden);
            } else {
                b.read(hidden[hidden.len() - 1]);
            }
        }
        Architecture::Convolution { channels, filter, circular, average } => {
            let hidden = b.convolution(d, channels, layers, filter, circular);
            if average {
                b.read_mean(&hidden);
            } else {
                b.read_flat(&hidden);
            }
        }
        Architecture::Tied => b.tied(d),
    }
    b.graph
}

impl Builder {
    fn node(&mut self, units: usize, operation: Operation) -> usize {
        self.graph.units.push(units);
        self.graph.operations.push(operation);
        self.graph.units.len() - 1
    }

    fn input(&mut self, from: usize, count: usize) -> usize {
        self.node(count, Operation::Input { from, count })
    }

    fn weight(&mut self, rows: usize, columns: usize) -> usize {
        let mut w = DMatrix::zeros(rows, columns);
        self.gaussians.fill(w.as_mut_slice());
        self.graph.weights.push(w);
        self.graph.weights.len() - 1
    }

    fn bias(&mut self, rows: usize) -> usize {
        let mut beta = DVector::zeros(rows);
        self.gaussians.fill(beta.as_mut_slice());
        self.graph.biases.push(beta);
        self.graph.biases.len() - 1
    }

    fn units(&mut self, fields: usize) -> usize {
        self.node(self.width, Operation::Units(fields))
    }

    /// W_s/sqrt(units below) W u + b_s beta with parameters of its own.
    fn layer(&mut self, source: usize, rows: usize) -> usize {
        let columns = self.graph.units[source];
        let weight = self.weight(rows, columns);
        let bias = self.bias(rows);
        let scale = self.weight_std / (columns as f64).sqrt();
        let terms = vec![Term { weight, scale, source }];
        self.node(rows, Operation::Affine { terms, bias: Some(bias) })
    }

    fn read(&mut self, source: usize) {
        self.layer(source, self.outputs);
    }

    fn read_mean(&mut self, sources: &[usize]) {
        let share = 1.0 / sources.len() as f64;
        let units = self.graph.units[sources[0]];
        let mean = self.node(units, Operation::Sum(sources.iter().map(|&s| (share, s)).collect()));
        self.read(mean);
    }

    fn read_flat(&mut self, sources: &[usize]) {
        let columns = self.graph.units[sources[0]];
        let scale = self.weight_std / ((columns * sources.len()) as f64).sqrt();
        let mut terms = Vec::with_capacity(sources.len());
        for &source in sources {
            terms.push(Term { weight: self.weight(self.outputs, columns), scale, source });
        }
        let bias = Some(self.bias(self.outputs));
        self.node(self.outputs, Operation::Affine { terms, bias });
    }

    fn chain(&mut self, d: usize, layers: usize, epsilon: Option<f64>) {
        let mut node = self.input(0, d);
        for _ in 0..layers {
            node = self.layer(node, self.width);
            if let Some(epsilon) = epsilon {
                node = self.node(self.width, Operation::Normalise { source: node, epsilon });
            }
            node = self.units(node);
        }
        self.read(node);
    }

    fn residual(&mut self, d: usize, layers: usize, strength: f64, norm: StreamNorm) {
        let input = self.input(0, d);
        let mut stream = self.layer(input, self.width);
        for _ in 0..layers {
            let mut branch = stream;
            if let StreamNorm::Before { epsilon } = norm {
                branch = self.node(self.width, Operation::Normalise { source: branch, epsilon });
            }
            branch = self.units(branch);
            branch = self.layer(branch, self.width);
            stream = self.node(self.width, Operation::Sum(vec![(1.0, stream), (strength, branch)]));
            if let StreamNorm::After { epsilon } = norm {
                stream = self.node(self.width, Operation::Normalise { source: stream, epsilon });
            }
        }
        self.read(stream);
    }

    /// The hidden units of the last layer at every step.
    fn recurrent(&mut self, d: usize, m: usize, layers: usize, recurrent_std: f64) -> Vec<usize> {
        let n = self.width;
        let mut below: Vec<usize> = (0..d / m).map(|t| self.input(t * m, m)).collect();
        for _ in 0..layers {
            let columns = self.graph.units[below[0]];
            let (up, across, bias) = (self.weight(n, columns), self.weight(n, n), self.bias(n));
            let up_scale = self.weight_std / (columns as f64).sqrt();
            let across_scale = recurrent_std / (n as f64).sqrt();
            let mut before = None;
            for node in &mut below {
                let mut terms = vec![Term { weight: up, scale: up_scale, source: *node }];
                if let Some(source) = before {
                    terms.push(Term { weight: across, scale: across_scale, source });
                }
                let fields = self.node(n, Operation::Affine { terms, bias: Some(bias) });
                *node = self.units(fields);
                before = Some(*node);
            }
        }
        below
    }

    /// The hidden units of the last layer at every position.
    fn convolution(
        &mut self,
        d: usize,
        channels: usize,
        layers: usize,
        filter: usize,
        circular: bool,
    ) -> Vec<usize> {
        let n = self.width;
        let positions = (d / channels) as isize;
        let mut below: Vec<usize> = (0..d / channels).map(|a| self.input(a * channels, channels)).collect();
        for _ in 0..layers {
            let columns = self.graph.units[below[0]];
            let taps: Vec<usize> = (0..filter).map(|_| self.weight(n, columns)).collect();
            let bias = self.bias(n);
            let scale = self.weight_std / ((columns * filter) as f64).sqrt();
            let left = ((filter - 1) / 2) as isize;
            let mut here = Vec::with_capacity(below.len());
            for a in 0..positions {
                let mut terms = Vec::with_capacity(filter);
                for (b, &weight) in taps.iter().enumerate() {
                    let seen = a + b as isize - left;
                    let seen = if circular { seen.rem_euclid(positions) } else { seen };
                    if let Some(&source) = usize::try_from(seen).ok().and_then(|seen| below.get(seen)) {
                        terms.push(Term { weight, scale, source });
                    }
                }
                let fields = self.node(n, Operation::Affine { terms, bias: Some(bias) });
                here.push(self.units(fields));
            }
            below = here;
        }
        below
    }

    /// One hidden layer, its readout the first column of the input weights.
    fn tied(&mut self, d: usize) {
        let n = self.width;
        let x = self.input(0, d);
        let (weight, bias, output_bias) = (self.weight(n, d), self.bias(n), self.bias(1));
        let scale = self.weight_std / (d as f64).sqrt();
        let terms = vec![Term { weight, scale, source: x }];
        let fields = self.node(n, Operation::Affine { terms, bias: Some(bias) });
        let units = self.units(fields);
        let mut first = DVector::zeros(d);
        first[0] = 1.0;
        let pick = self.node(d, Operation::Constant(first));
        let terms = vec![Term { weight, scale: 1.0, source: pick }];
        let readout = self.node(n, Operation::Affine { terms, bias: None });
        let factor = self.weight_std / (n as f64).sqrt();
        self.node(1, Operation::Dot { factor, nodes: (readout, units), bias: output_bias });
    }
}
