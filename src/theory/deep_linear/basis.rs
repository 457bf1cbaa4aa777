//! The target as the law sees it: its map, its modes and the moments of the inputs.

use super::super::LawError;
use crate::linalg::{product, product_transpose, svd};
use crate::problem::deep_linear::{DeepLinear, Factors, Measured, SampleMoments};
use nalgebra::DMatrix;

/// Everything beside the weights, in true units.
#[derive(Clone, Debug)]
pub struct Frame {
    /// A, N_L x N_0.
    pub target: DMatrix<f64>,
    /// U, s and V.
    pub left: DMatrix<f64>,
    pub strengths: Vec<f64>,
    pub right: DMatrix<f64>,
    /// Input variances along the modes.
    pub variances: Vec<f64>,
    /// Sigma; `None` is the identity.
    pub input: Option<DMatrix<f64>>,
    pub sample: Option<SampleMoments>,
}

impl Frame {
    /// From the definition alone. The axes stand for random modes, on which nothing of a stated start depends.
    pub fn stated(problem: &DeepLinear) -> Result<Self, LawError> {
        let (inputs, outputs) = (problem.inputs(), problem.outputs());
        let Factors { left, strengths, right } = match problem.target.factors(inputs, outputs) {
            Some(factors) => factors,
            None => match &problem.target {
                crate::problem::deep_linear::Target::Given { map } => decompose(map)?,
                crate::problem::deep_linear::Target::Modes { strengths, .. } => Factors {
                    left: DMatrix::identity(outputs, strengths.len()),
                    strengths: strengths.clone(),
                    right: DMatrix::identity(inputs, strengths.len()),
                },
                crate::problem::deep_linear::Target::Tree { .. } => unreachable!("a tree states its modes"),
            },
        };
        let strengths: Vec<f64> = strengths.iter().map(|s| s * problem.target_scale).collect();
        let s = DMatrix::from_diagonal(&strengths.clone().into());
        let target = product_transpose(&product(&left, &s), &right);
        let variances = problem.input_variance[..strengths.len()].to_vec();
        let input = match problem.white_variance() {
            Some(1.0) => None,
            Some(v) => Some(DMatrix::identity(inputs, inputs) * v),
            None => Some(sigma(problem, &right)?),
        };
        Ok(Self { target, left, strengths, right, variances, input, sample: None })
    }

    /// From what a replica measured.
    pub fn measured(problem: &DeepLinear, start: &Measured) -> Self {
        let scale = problem.target_scale;
        let (left, right) = (start.left.clone(), start.right.clone());
        let modes = product(&left.transpose(), &product(&start.target, &right));
        let along = product(&right.transpose(), &product(&start.input, &right));
        let identity = problem.white_variance() == Some(1.0);
        Self {
            target: &start.target * scale,
            strengths: modes.diagonal().iter().map(|s| s * scale).collect(),
            variances: along.diagonal().iter().copied().collect(),
            left,
            right,
            input: (!identity).then(|| start.input.clone()),
            sample: start.sample.as_ref().map(|sample| SampleMoments {
                input: sample.input.clone(),
                cross: &sample.cross * scale,
                label_power: sample.label_power * scale * scale,
            }),
        }
    }
}

/// Modes of a stated map, as many as its smaller side has.
fn decompose(map: &DMatrix<f64>) -> Result<Factors, LawError> {
    let svd = svd(map).map_err(|error| LawError::Integration { reason: error.to_string() })?;
    Ok(Factors { left: svd.u, strengths: svd.values.iter().copied().collect(), right: svd.v_t.transpose() })
}

/// Sigma for variances along the modes. Directions that the target leaves out are stated up to a rotation, so they must
/// have one variance unless they are axes.
fn sigma(problem: &DeepLinear, right: &DMatrix<f64>) -> Result<DMatrix<f64>, LawError> {
    let inputs = problem.inputs();
    let variances = DMatrix::from_diagonal(&problem.input_variance.clone().into());
    if right.ncols() == inputs {
        return Ok(product_transpose(&product(right, &variances), right));
    }
    if *right == DMatrix::identity(inputs, right.ncols()) {
        return Ok(variances);
    }
    let (along, others) = problem.input_variance.split_at(right.ncols());
    let other = others[0];
    if others.iter().any(|&v| v != other) {
        return Err(LawError::Integration {
            reason: format!(
                "the target has {} modes of {inputs} inputs; give the {} directions that it leaves out one variance: \
                 which is which is not stated",
                right.ncols(),
                others.len()
            ),
        });
    }
    let beyond = DMatrix::from_diagonal(&along.iter().map(|v| v - other).collect::<Vec<_>>().into());
    Ok(DMatrix::identity(inputs, inputs) * other + product_transpose(&product(right, &beyond), right))
}
