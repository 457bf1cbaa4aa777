//! Finite networks of any wiring behind one face.

mod build;
mod graph;
#[cfg(test)]
mod tests;

use super::network;
use crate::problem::ntk::{Architecture, Ntk};
use crate::rng::Stream;
use nalgebra::DMatrix;

/// A network of finite width.
#[derive(Clone, Debug)]
pub(super) enum Network {
    FullyConnected(network::Network),
    Graph(graph::Graph),
}

/// Room for one set of inputs.
#[derive(Clone, Debug)]
pub(super) struct Pass {
    /// f, outputs x points.
    pub output: DMatrix<f64>,
    room: Room,
}

#[derive(Clone, Debug)]
enum Room {
    FullyConnected(network::Pass),
    Graph(graph::Room),
}

const SAME: &str = "the room of this network";

impl Network {
    /// Entries N(0, 1) on the stream `init`.
    pub fn draw(problem: &Ntk, width: usize, stream: &Stream) -> Self {
        if problem.architecture == Architecture::FullyConnected {
            return Self::FullyConnected(network::Network::draw(problem, width, stream));
        }
        Self::Graph(build::graph(problem, width, stream))
    }

    pub fn room(&self, points: usize) -> Pass {
        let (room, outputs) = match self {
            Self::FullyConnected(network) => (Room::FullyConnected(network.room(points)), network.outputs()),
            Self::Graph(graph) => (Room::Graph(graph.room(points)), graph.outputs()),
        };
        Pass { output: DMatrix::zeros(outputs, points), room }
    }

    /// f of the columns of `x`, into `pass`.
    pub fn forward(&self, x: &DMatrix<f64>, pass: &mut Pass) {
        match (self, &mut pass.room) {
            (Self::FullyConnected(network), Room::FullyConnected(room)) => {
                network.forward(x, room);
                pass.output.copy_from(&room.output);
            }
            (Self::Graph(graph), Room::Graph(room)) => graph.forward(x, room, &mut pass.output),
            _ => unreachable!("{SAME}"),
        }
    }

    /// Moves all parameters by -`step` times the gradient of sum_i e_i . f(x_i), f as [`Network::forward`] left it.
    pub fn descend(&mut self, x: &DMatrix<f64>, errors: &DMatrix<f64>, step: f64, pass: &mut Pass) {
        match (self, &mut pass.room) {
            (Self::FullyConnected(network), Room::FullyConnected(room)) => {
                network.descend(x, errors, step, room);
            }
            (Self::Graph(graph), Room::Graph(room)) => graph.descend(errors, step, room),
            _ => unreachable!("{SAME}"),
        }
    }

    /// sum_p (df(x_i)/dp) (df(x_j)/dp) / A^2 of the first output, of the inputs of the last forward pass.
    pub fn kernel(&self, x: &DMatrix<f64>, pass: &mut Pass) -> DMatrix<f64> {
        match (self, &mut pass.room) {
            (Self::FullyConnected(network), Room::FullyConnected(room)) => network.kernel(x, room),
            (Self::Graph(graph), Room::Graph(room)) => graph.kernel(room),
            _ => unreachable!("{SAME}"),
        }
    }
}
