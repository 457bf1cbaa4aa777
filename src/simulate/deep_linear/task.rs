//! What a replica learns from: the target with its modes, the inputs, and samples of both.

use super::network::Batch;
use crate::linalg::{cholesky, product, product_transpose, solve, svd};
use crate::problem::deep_linear::{Basis, DeepLinear, Factors, InputBasis, SampleMoments, Target};
use crate::rng::{Gaussians, Stream};
use crate::simulate::SimulationError;
use nalgebra::DMatrix;
use rand::RngExt;
use rand_xoshiro::Xoshiro256PlusPlus;

/// The target map and the inputs.
#[derive(Clone, Debug)]
pub(super) struct Task {
    /// A, scale included.
    pub target: DMatrix<f64>,
    /// U and V.
    pub left: DMatrix<f64>,
    pub right: DMatrix<f64>,
    pub strengths: Vec<f64>,
    /// Orthonormal directions of the input variances, and the square roots of those.
    directions: DMatrix<f64>,
    deviations: Vec<f64>,
    /// White inputs of variance 1.
    plain: bool,
}

/// A matrix with orthonormal rows or columns, uniformly distributed: the orthogonal factor of a Gaussian matrix.
pub(super) fn orthonormal(
    rows: usize,
    columns: usize,
    gaussians: &mut Gaussians,
) -> Result<DMatrix<f64>, SimulationError> {
    let factors = svd(&gaussian(rows, columns, gaussians))?;
    Ok(product(&factors.u, &factors.v_t))
}

/// Independent N(0, 1) entries.
pub(super) fn gaussian(rows: usize, columns: usize, gaussians: &mut Gaussians) -> DMatrix<f64> {
    let mut matrix = DMatrix::zeros(rows, columns);
    gaussians.fill(matrix.as_mut_slice());
    matrix
}

impl Task {
    /// Draws what is random of the target, from `teacher`.
    pub fn new(problem: &DeepLinear, stream: &Stream) -> Result<Self, SimulationError> {
        let (inputs, outputs) = (problem.inputs(), problem.outputs());
        let mut gaussians = stream.child("teacher").gaussians();
        let (factors, basis) = match &problem.target {
            Target::Modes { strengths, basis: Basis::Random } => {
                let right = orthonormal(inputs, inputs, &mut gaussians)?;
                let left = orthonormal(outputs, strengths.len(), &mut gaussians)?;
                let modes = right.columns(0, strengths.len()).into_owned();
                (Factors { left, strengths: strengths.clone(), right: modes }, Some(right))
            }
            Target::Given { map } => {
                // Rows of zeros complete the input modes to a basis and change nothing else.
                let square = map.clone().resize(outputs.max(inputs), inputs, 0.0);
                let factors = svd(&square)?;
                let modes = inputs.min(outputs);
                let basis = factors.v_t.transpose();
                let left = factors.u.view((0, 0), (outputs, modes)).into_owned();
                let strengths = factors.values.iter().copied().take(modes).collect();
                (Factors { left, strengths, right: basis.columns(0, modes).into_owned() }, Some(basis))
            }
            Target::Modes { basis: Basis::Axes, .. } | Target::Tree { .. } => {
                let factors = problem.target.factors(inputs, outputs).expect("stated modes");
                let complete = factors.right.ncols() == inputs;
                let basis = if complete { factors.right.clone() } else { DMatrix::identity(inputs, inputs) };
                (factors, Some(basis))
            }
        };
        let Factors { left, strengths, right } = factors;
        let strengths: Vec<f64> = strengths.iter().map(|s| s * problem.target_scale).collect();
        let scaled = product(&left, &DMatrix::from_diagonal(&strengths.clone().into()));
        let directions = match (problem.input_basis, basis) {
            (InputBasis::Modes, Some(basis)) => basis,
            _ => orthonormal(inputs, inputs, &mut stream.child("inputs").gaussians())?,
        };
        Ok(Self {
            target: product_transpose(&scaled, &right),
            left,
            right,
            strengths,
            directions,
            deviations: problem.input_variance.iter().map(|v| v.sqrt()).collect(),
            plain: problem.white_variance() == Some(1.0),
        })
    }

    /// Sigma^(1/2) z for every column z.
    fn colour(&self, z: &DMatrix<f64>) -> DMatrix<f64> {
        if self.plain {
            return z.clone();
        }
        let mut along = z.clone();
        for (mut row, deviation) in along.row_iter_mut().zip(&self.deviations) {
            row *= *deviation;
        }
        product(&self.directions, &along)
    }

    /// Sigma = <x x^T>.
    pub fn input(&self) -> DMatrix<f64> {
        let n = self.directions.nrows();
        if self.plain {
            return DMatrix::identity(n, n);
        }
        let root = self.root();
        product_transpose(&root, &root)
    }

    /// R with R R^T = Sigma.
    pub fn root(&self) -> DMatrix<f64> {
        self.colour(&DMatrix::identity(self.directions.nrows(), self.directions.nrows()))
    }

    /// The exact average over inputs as a batch: columns R and A R.
    pub fn average(&self) -> Batch {
        if self.plain {
            return Batch { inputs: None, labels: self.target.clone(), weight: 1.0 };
        }
        let root = self.root();
        Batch { labels: product(&self.target, &root), inputs: Some(root), weight: 1.0 }
    }

    /// `n` fresh inputs in columns.
    pub fn draw(&self, n: usize, gaussians: &mut Gaussians) -> DMatrix<f64> {
        self.colour(&gaussian(self.directions.nrows(), n, gaussians))
    }

    /// Labels with noise.
    pub fn label(&self, inputs: &DMatrix<f64>, noise_std: f64, noise: &mut Gaussians) -> DMatrix<f64> {
        let mut labels = product(&self.target, inputs);
        if noise_std > 0.0 {
            labels += gaussian(labels.nrows(), labels.ncols(), noise) * noise_std;
        }
        labels
    }
}

/// A training set in columns.
#[derive(Clone, Debug)]
pub(super) struct Samples {
    pub inputs: DMatrix<f64>,
    pub labels: DMatrix<f64>,
}

impl Samples {
    pub fn new(problem: &DeepLinear, task: &Task, stream: &Stream) -> Result<Option<Self>, SimulationError> {
        let Some(count) = problem.training_set else { return Ok(None) };
        let mut inputs = task.draw(count, &mut stream.child("data").gaussians());
        if problem.whitened {
            // L L^T is the second moment of the sample: R L^-1 x has that of the distribution.
            let moment = product_transpose(&inputs, &inputs) / count as f64;
            inputs = product(&task.root(), &solve(&cholesky(&moment)?, &inputs)?);
        }
        let labels = task.label(&inputs, problem.noise_std, &mut stream.child("label-noise").gaussians());
        Ok(Some(Self { inputs, labels }))
    }

    fn count(&self) -> f64 {
        self.inputs.ncols() as f64
    }

    /// Moments in units of the target's scale.
    pub fn moments(&self, scale: f64) -> SampleMoments {
        SampleMoments {
            input: product_transpose(&self.inputs, &self.inputs) / self.count(),
            cross: product_transpose(&self.labels, &self.inputs) / (self.count() * scale),
            label_power: self.labels.norm_squared() / (self.count() * scale * scale),
        }
    }
}

/// Where the batches of the updates come from.
pub(super) enum Source {
    /// The same batch every time: an exact average.
    Whole(Batch),
    /// Samples of the training set, chosen uniformly with replacement on the stream `batch`.
    Chosen { samples: Samples, batch: Batch, choice: Xoshiro256PlusPlus },
    /// Fresh samples, from the streams `data` and `label-noise`.
    Fresh { batch: Batch, inputs: Box<Gaussians>, noise: Box<Gaussians>, noise_std: f64 },
}

impl Source {
    pub fn new(
        problem: &DeepLinear,
        task: &Task,
        samples: Option<&Samples>,
        stream: &Stream,
    ) -> Result<Self, SimulationError> {
        let columns = problem.columns();
        let room = || Batch {
            inputs: Some(DMatrix::zeros(problem.inputs(), columns)),
            labels: DMatrix::zeros(problem.outputs(), columns),
            weight: 1.0 / columns as f64,
        };
        Ok(match (samples, problem.batch) {
            (None, None) => Self::Whole(task.average()),
            (None, Some(_)) => Self::Fresh {
                batch: room(),
                inputs: Box::new(stream.child("data").gaussians()),
                noise: Box::new(stream.child("label-noise").gaussians()),
                noise_std: problem.noise_std,
            },
            (Some(samples), Some(_)) => Self::Chosen {
                samples: samples.clone(),
                batch: room(),
                choice: stream.child("batch").generator(),
            },
            (Some(samples), None) if problem.whitened && problem.is_linear() => {
                // Of a linear network the gradient knows only the second moments: columns R, labels C R^-T.
                let moments = samples.moments(1.0);
                let root = task.root();
                let labels = solve(&root, &moments.cross.transpose())?.transpose();
                let plain = problem.white_variance() == Some(1.0);
                Self::Whole(Batch { inputs: (!plain).then_some(root), labels, weight: 1.0 })
            }
            (Some(samples), None) => Self::Whole(Batch {
                inputs: Some(samples.inputs.clone()),
                labels: samples.labels.clone(),
                weight: 1.0 / samples.count(),
            }),
        })
    }

    /// The batch of the next update.
    pub fn next(&mut self, task: &Task) -> &Batch {
        match self {
            Self::Whole(batch) => batch,
            Self::Chosen { samples, batch, choice } => {
                let count = samples.inputs.ncols() as u64;
                let inputs = batch.inputs.as_mut().expect("room for inputs");
                for column in 0..inputs.ncols() {
                    let sample = choice.random_range(0..count) as usize;
                    inputs.column_mut(column).copy_from(&samples.inputs.column(sample));
                    batch.labels.column_mut(column).copy_from(&samples.labels.column(sample));
                }
                batch
            }
            Self::Fresh { batch, inputs, noise, noise_std } => {
                let drawn = task.draw(batch.labels.ncols(), inputs);
                batch.labels = task.label(&drawn, *noise_std, noise);
                batch.inputs = Some(drawn);
                batch
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::transpose_product;

    #[test]
    fn orthonormal_matrices_are_orthonormal_on_their_shorter_side() {
        let mut gaussians = Stream::root(3).gaussians();
        for (rows, columns) in [(7, 7), (9, 4), (4, 9)] {
            let q = orthonormal(rows, columns, &mut gaussians).unwrap();
            let gram = if rows >= columns { transpose_product(&q, &q) } else { product_transpose(&q, &q) };
            assert!((gram - DMatrix::identity(rows.min(columns), rows.min(columns))).amax() < 1e-14);
        }
    }
}
