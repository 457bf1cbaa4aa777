//! The kernels of a problem on its data set.

use super::{Faults, Kernels, LawError, Limit};
use crate::problem::ntk::{Data, Ntk, Start};
use nalgebra::{DMatrix, DVector};

/// The kernels of a problem on its data.
pub(super) struct OnData {
    pub data: Data,
    /// Outputs of a network.
    outputs: usize,
    pub limit: Limit,
    /// T and T_*, those that descent sees.
    pub kernel: DMatrix<f64>,
    pub cross: DMatrix<f64>,
    /// S and S_*, of the starts.
    pub starts: DMatrix<f64>,
    pub starts_cross: DMatrix<f64>,
}

impl OnData {
    pub fn new(problem: &Ntk, faults: Faults) -> Self {
        let data = problem.data();
        let limit = faults.limit(problem);
        let Kernels { nngp: starts, ntk } = limit.kernels(&data.inputs);
        let Kernels { nngp: starts_cross, ntk: cross } = limit.cross_kernels(&data.tests, &data.inputs);
        let (kernel, cross) =
            if faults.derivative { (starts.clone(), starts_cross.clone()) } else { (ntk, cross) };
        Self { data, outputs: problem.loss.outputs(), limit, kernel, cross, starts, starts_cross }
    }

    /// f_0 on training and test points; 0 for an ensemble.
    ///
    /// # Errors
    /// [`LawError::Start`] for another number of points or outputs; [`LawError::Integration`] where variances or slopes of
    /// deep networks have left the range of numbers.
    pub fn outputs(&self, start: &Start) -> Result<(DVector<f64>, DVector<f64>), LawError> {
        if self.kernel.iter().chain(self.starts.iter()).any(|entry| !entry.is_finite()) {
            let reason = "the kernel of that many layers leaves the range of numbers: every layer multiplies variances or \
                          slopes; take fewer hidden_layers, or a weight_std closer to the critical one (sqrt 2 for relu)";
            return Err(LawError::Integration { reason: reason.into() });
        }
        let points = (self.data.labels.len(), self.data.test_labels.len());
        let (train, test) = (points.0 * self.outputs, points.1 * self.outputs);
        match start {
            Start::Ensemble => Ok((DVector::zeros(train), DVector::zeros(test))),
            Start::Outputs { train: f, test: g } if f.len() == train && g.len() == test => {
                Ok((f.clone(), g.clone()))
            }
            Start::Outputs { train: f, test: g } => {
                Err(LawError::Start { reason: format!("{} and {} outputs", f.len(), g.len()) })
            }
        }
    }
}
