//! The programs of the architectures.

use super::program::{Edge, Node, Program};
use crate::problem::ntk::{Architecture, Ntk, Parametrisation, StreamNorm};

/// What a program leaves out of the network, for laws that are wrong on purpose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wiring {
    /// The last hidden layer.
    pub without_layer: bool,
    pub without_bias: bool,
    /// Fresh weights at every time or position.
    pub without_sharing: bool,
    /// A mean over times or positions is read as if each had readout weights of its own.
    pub without_pooling: bool,
    /// 1 for <phi' phi'>.
    pub flat_slopes: bool,
    /// Entries N(0, 1) move, whatever the parametrisation.
    pub tangent_steps: bool,
}

struct Builder {
    nodes: Vec<Node>,
    weights: usize,
    weight_std: f64,
    bias_std: f64,
    share: bool,
}

/// The weights of one layer: those of the first site, each later site adding as many where nothing is shared.
#[derive(Clone, Copy)]
struct Block {
    first: usize,
    matrices: usize,
}

impl Builder {
    fn add(&mut self, node: Node) -> usize {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    /// A block of `matrices` weights, used at `sites` sites.
    fn block(&mut self, matrices: usize, sites: usize) -> Block {
        let first = self.weights;
        self.weights += matrices * if self.share { 1 } else { sites };
        Block { first, matrices }
    }

    fn weight(&self, block: Block, matrix: usize, site: usize) -> usize {
        block.first + matrix + if self.share { 0 } else { site * block.matrices }
    }

    fn bias(&self, weight: usize) -> Edge {
        Edge { weight, factor: self.bias_std, source: 0 }
    }

    /// W u + bias of fresh weights.
    fn dense(&mut self, source: usize) -> usize {
        let block = self.block(2, 1);
        let edge = Edge { weight: block.first, factor: self.weight_std, source };
        let bias = self.bias(block.first + 1);
        self.add(Node::Fields(vec![edge, bias]))
    }
}

/// The infinitely wide network of a problem as a program; `None` for a tied readout, whose tangent kernel is none.
pub fn program(problem: &Ntk, wiring: Wiring) -> Option<Program> {
    let mut builder = Builder {
        nodes: vec![Node::One],
        weights: 0,
        weight_std: problem.weight_std,
        bias_std: if wiring.without_bias { 0.0 } else { problem.bias_std },
        share: !wiring.without_sharing,
    };
    let layers = problem.hidden_layers - usize::from(wiring.without_layer);
    let d = problem.inputs.dimension();
    let (last, average) = match problem.architecture {
        Architecture::FullyConnected => (vec![plain(&mut builder, d, layers, None)], false),
        Architecture::LayerNorm { epsilon } => (vec![plain(&mut builder, d, layers, Some(epsilon))], false),
        Architecture::Residual { strength, norm } => {
            (vec![residual(&mut builder, d, layers, strength, norm)], false)
        }
        Architecture::Recurrent { step_dimension, recurrent_std, average } => {
            let mut sites =
                recurrent(&mut builder, d / step_dimension, step_dimension, layers, recurrent_std);
            if !average {
                sites.drain(..sites.len() - 1);
            }
            (sites, average)
        }
        Architecture::Convolution { channels, filter, circular, average } => {
            (convolution(&mut builder, d / channels, channels, layers, filter, circular), average)
        }
        Architecture::Tied => return None,
    };
    let sites = last.len() as f64;
    let one = average && !wiring.without_pooling;
    let factor = problem.weight_std / if one { sites } else { sites.sqrt() };
    let first = builder.weights;
    let mut readout: Vec<Edge> = last
        .iter()
        .enumerate()
        .map(|(site, &source)| Edge { weight: first + 1 + if one { 0 } else { site }, factor, source })
        .collect();
    readout.push(builder.bias(first));
    let parametrisation = if wiring.tangent_steps { Parametrisation::Ntk } else { problem.parametrisation };
    let mut program = Program::new(problem.nonlinearity.clone(), parametrisation, builder.nodes, &readout);
    program.flat_slopes = wiring.flat_slopes;
    Some(program)
}

fn plain(builder: &mut Builder, d: usize, layers: usize, epsilon: Option<f64>) -> usize {
    let mut node = builder.add(Node::Input { from: 0, count: d });
    for _ in 0..layers {
        node = builder.dense(node);
        if let Some(epsilon) = epsilon {
            node = builder.add(Node::Normalised { source: node, epsilon });
        }
        node = builder.add(Node::Units(node));
    }
    node
}

fn residual(builder: &mut Builder, d: usize, layers: usize, strength: f64, norm: StreamNorm) -> usize {
    let input = builder.add(Node::Input { from: 0, count: d });
    let mut stream = builder.dense(input);
    for _ in 0..layers {
        let entering = match norm {
            StreamNorm::Before { epsilon } => builder.add(Node::Normalised { source: stream, epsilon }),
            StreamNorm::None | StreamNorm::After { .. } => stream,
        };
        let units = builder.add(Node::Units(entering));
        let branch = builder.dense(units);
        stream = builder.add(Node::Stream(vec![(1.0, stream), (strength, branch)]));
        if let StreamNorm::After { epsilon } = norm {
            stream = builder.add(Node::Normalised { source: stream, epsilon });
        }
    }
    stream
}

/// h^(L,t) of every step t.
fn recurrent(
    builder: &mut Builder,
    steps: usize,
    coordinates: usize,
    layers: usize,
    recurrent_std: f64,
) -> Vec<usize> {
    let input = |t: usize| Node::Input { from: t * coordinates, count: coordinates };
    let mut below: Vec<usize> = (0..steps).map(|t| builder.add(input(t))).collect();
    for _ in 0..layers {
        let block = builder.block(3, steps);
        let mut units: Vec<usize> = Vec::with_capacity(steps);
        for (t, &source) in below.iter().enumerate() {
            let up = Edge { weight: builder.weight(block, 0, t), factor: builder.weight_std, source };
            let mut edges = vec![up, builder.bias(builder.weight(block, 2, t))];
            if let Some(&source) = units.last() {
                edges.push(Edge { weight: builder.weight(block, 1, t), factor: recurrent_std, source });
            }
            let fields = builder.add(Node::Fields(edges));
            units.push(builder.add(Node::Units(fields)));
        }
        below = units;
    }
    below
}

/// h^L_a of every position a.
fn convolution(
    builder: &mut Builder,
    positions: usize,
    channels: usize,
    layers: usize,
    filter: usize,
    circular: bool,
) -> Vec<usize> {
    let input = |a: usize| Node::Input { from: a * channels, count: channels };
    let mut below: Vec<usize> = (0..positions).map(|a| builder.add(input(a))).collect();
    let factor = builder.weight_std / (filter as f64).sqrt();
    let reach = (filter - 1) / 2;
    for _ in 0..layers {
        let block = builder.block(filter + 1, positions);
        let mut units = Vec::with_capacity(positions);
        for a in 0..positions {
            let mut edges = vec![builder.bias(builder.weight(block, filter, a))];
            for b in 0..filter {
                // Position a + b - reach, counted from -positions.
                let place = a + b + positions - reach;
                if circular || (positions..2 * positions).contains(&place) {
                    let (weight, source) = (builder.weight(block, b, a), below[place % positions]);
                    edges.push(Edge { weight, factor, source });
                }
            }
            let fields = builder.add(Node::Fields(edges));
            units.push(builder.add(Node::Units(fields)));
        }
        below = units;
    }
    below
}
