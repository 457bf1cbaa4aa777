//! Weights at time 0, from the stream `init`.

use super::network::{Batch, Hidden, Layers};
use super::task::{Task, gaussian, orthonormal};
use crate::linalg::{product, product_transpose};
use crate::problem::deep_linear::{DeepLinear, Init};
use crate::rng::{Gaussians, Stream};
use crate::simulate::SimulationError;
use nalgebra::DMatrix;

/// Step and initial weights of the autoencoders of a pretrained start.
const PRETRAINING_STEP: f64 = 0.05;
const PRETRAINING_STD: f64 = 0.01;

pub(super) fn weights(
    problem: &DeepLinear,
    task: &Task,
    size: usize,
    stream: &Stream,
) -> Result<Vec<DMatrix<f64>>, SimulationError> {
    let mut gaussians = stream.child("init").gaussians();
    let layers = problem.weight_layers();
    let shapes: Vec<(usize, usize)> = problem.widths.windows(2).map(|w| (w[1], w[0])).collect();
    let mut weights = match &problem.init {
        Init::Aligned { u0 } => {
            let factors: Vec<f64> = u0.iter().map(|u| u.powf(1.0 / layers as f64)).collect();
            aligned(problem, task, &vec![factors; layers], &mut gaussians)?
        }
        Init::Unbalanced { a, b } => aligned(problem, task, &[a.clone(), b.clone()], &mut gaussians)?,
        Init::Random { std } => {
            shapes.iter().map(|&(rows, columns)| gaussian(rows, columns, &mut gaussians) * *std).collect()
        }
        Init::Gaussian { gain } => {
            let scale = |columns: usize| gain / (columns as f64).sqrt();
            shapes
                .iter()
                .map(|&(rows, columns)| gaussian(rows, columns, &mut gaussians) * scale(columns))
                .collect()
        }
        Init::Orthogonal { gain } => shapes
            .iter()
            .map(|&(rows, columns)| Ok(orthonormal(rows, columns, &mut gaussians)? * *gain))
            .collect::<Result<_, SimulationError>>()?,
        Init::Pretrained { gain, time } => {
            let encoders = pretrain(&shapes, task, *time, &mut gaussians);
            encoders.into_iter().map(|w| w * *gain).collect()
        }
        Init::LambdaBalanced { lambda, std } => {
            balanced([shapes[0].1, shapes[0].0, shapes[1].0], *lambda, *std, &mut gaussians)?
        }
        Init::Given { w1, w2 } => vec![w1.clone(), w2.clone()],
    };
    let scale = problem.initial_scale(size);
    if scale != 1.0 {
        weights.iter_mut().for_each(|w| *w *= scale);
    }
    Ok(weights)
}

/// W_l = R_(l+1) diag(factors_l) R_l^T, R_1 = V, R_(L+1) = U, orthonormal columns between.
fn aligned(
    problem: &DeepLinear,
    task: &Task,
    factors: &[Vec<f64>],
    gaussians: &mut Gaussians,
) -> Result<Vec<DMatrix<f64>>, SimulationError> {
    let layers = problem.weight_layers();
    let modes = problem.modes();
    let mut below = task.right.clone();
    let mut weights = Vec::with_capacity(layers);
    for (l, factors) in factors.iter().enumerate() {
        let above = match l + 1 {
            top if top == layers => task.left.clone(),
            hidden => orthonormal(problem.widths[hidden], modes, gaussians)?,
        };
        let mut scaled = above.clone();
        for (mut column, factor) in scaled.column_iter_mut().zip(factors) {
            column *= *factor;
        }
        weights.push(product_transpose(&scaled, &below));
        below = above;
    }
    Ok(weights)
}

/// W_1 = A diag(a) B^T, W_2 = C diag(b) A^T with orthonormal A, B, C and b^2 - a^2 = lambda on every hidden
/// direction that either layer uses.
fn balanced(
    [inputs, hidden, outputs]: [usize; 3],
    lambda: f64,
    std: f64,
    gaussians: &mut Gaussians,
) -> Result<Vec<DMatrix<f64>>, SimulationError> {
    let frame = orthonormal(hidden, hidden, gaussians)?;
    let first = orthonormal(inputs, hidden.min(inputs), gaussians)?;
    let second = orthonormal(outputs, hidden.min(outputs), gaussians)?;
    // The weaker layer has random singular values where both layers have room, 0 elsewhere.
    let shared = inputs.min(hidden).min(outputs);
    let weaker: Vec<f64> =
        (0..hidden).map(|i| if i < shared { (std * gaussians.next()).abs() } else { 0.0 }).collect();
    let stronger: Vec<f64> = weaker.iter().map(|x| (x * x + lambda.abs()).sqrt()).collect();
    let (a, b) = if lambda >= 0.0 { (weaker, stronger) } else { (stronger, weaker) };
    let outer = |basis: &DMatrix<f64>, factors: &[f64]| {
        let columns = basis.ncols();
        let mut scaled = basis.clone();
        for (mut column, factor) in scaled.column_iter_mut().zip(factors) {
            column *= *factor;
        }
        product_transpose(&scaled, &frame.columns(0, columns).into_owned())
    };
    Ok(vec![outer(&first, &a).transpose(), outer(&second, &b)])
}

/// Encoders of linear autoencoders, each trained from small random weights by gradient descent on the exact
/// reconstruction error of what the encoder below makes of the inputs.
fn pretrain(
    shapes: &[(usize, usize)],
    task: &Task,
    time: f64,
    gaussians: &mut Gaussians,
) -> Vec<DMatrix<f64>> {
    let mut columns = task.root();
    let mut encoders = Vec::with_capacity(shapes.len());
    for &(rows, inner) in shapes {
        let encoder = gaussian(rows, inner, gaussians) * PRETRAINING_STD;
        let decoder = gaussian(inner, rows, gaussians) * PRETRAINING_STD;
        let batch = Batch { inputs: Some(columns.clone()), labels: columns.clone(), weight: 1.0 };
        let mut layers = Layers::new(vec![encoder, decoder], Hidden::Linear, columns.ncols());
        for _ in 0..(time / PRETRAINING_STEP).round() as u64 {
            layers.descend(&batch, PRETRAINING_STEP);
        }
        let encoder = layers.weights.swap_remove(0);
        columns = product(&encoder, &columns);
        encoders.push(encoder);
    }
    encoders
}
