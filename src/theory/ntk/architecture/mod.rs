//! Kernels of infinitely wide networks of any wiring.
//!
//! G. Yang, NeurIPS 2019, arXiv:1910.12478 (covariances) and arXiv:2006.14548 (tangent kernels: Tensor Programs II); S.
//! Alemohammad et al., ICLR 2021, arXiv:2006.10246 (recurrent); S. Arora et al., NeurIPS 2019, arXiv:1904.11955 (convolution).
//! With S the covariance of two Gaussian vectors over their units and T the tangent kernel of one unit:
//!
//! | node | S | T |
//! |---|---|---|
//! | sum of a_e W_e u_e, matrices e shared where they are equal | sum over equal e of a_e a'_e S(u_e, u'_e) | the same sum over S + T |
//! | stream z + s f, f of fresh weights | S(z) + s^2 S(f) | T(z) + s^2 T(f) |
//! | z normalised over its units | S / sqrt((S_xx + epsilon)(S_yy + epsilon)) | T / the same root |
//! | phi(z) | K(S) | K'(S) T |
//!
//! Layer normalisation: its derivative is (1 - 1 1^T/n - z z^T/(n r^2))/r at the root mean square r of z, which tends to the
//! root of S_xx + epsilon. What is projected out are two directions of n: the error that comes from above has fresh zero-mean
//! weights, so that its part along either is of order n^(-1/2) of its length, also for x = y. The mean over units is of the same
//! order, for fields of zero-mean weights.
//!
//! A readout of one time or one position only never meets two different sites of one input, so that there the sharing of
//! weights between sites leaves no trace in either kernel; a mean over sites does.
//!
//! | what | file |
//! |---|---|
//! | second moments without cancellation | `moments` |
//! | nodes, schedule, evaluation | `program` |
//! | programs of the architectures | `wiring` |
//! | readout tied to the input weights | `tied` |

mod moments;
mod program;
mod tied;
mod wiring;

pub use program::Program;
pub use tied::Tied;
pub use wiring::{Wiring, program};

use super::recursion::{Kernels, Network};
use nalgebra::DMatrix;

/// The infinitely wide network of any problem.
#[derive(Clone, Debug)]
pub enum Limit {
    FullyConnected(Network),
    Program(Program),
    Tied(Tied),
}

impl Limit {
    /// The kernels between the columns of `x`.
    pub fn kernels(&self, x: &DMatrix<f64>) -> Kernels {
        match self {
            Self::FullyConnected(network) => network.kernels(x),
            Self::Program(program) => program.kernels(x),
            Self::Tied(tied) => tied.cross_kernels(x, x),
        }
    }

    /// The kernels between the columns of `x` and those of `y`.
    ///
    /// # Panics
    /// If the inputs have different dimensions.
    pub fn cross_kernels(&self, x: &DMatrix<f64>, y: &DMatrix<f64>) -> Kernels {
        match self {
            Self::FullyConnected(network) => network.cross_kernels(x, y),
            Self::Program(program) => program.cross_kernels(x, y),
            Self::Tied(tied) => tied.cross_kernels(x, y),
        }
    }

    /// S(x, x) of every column.
    pub fn variances(&self, x: &DMatrix<f64>) -> Vec<f64> {
        match self {
            Self::FullyConnected(network) => network.variances(x),
            Self::Program(program) => program.variances(x),
            Self::Tied(tied) => tied.variances(x),
        }
    }
}
