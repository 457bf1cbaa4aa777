//! What is measured on a network as it stands.

use super::{SimulationError, Training};
use crate::linalg::symmetric_eigen;
use crate::problem::ntk::{Ntk, probabilities};
use nalgebra::{DMatrix, DVector};

/// One observable; indices from 0, frequencies from 1.
#[derive(Clone, Copy, Debug)]
pub(super) enum Observable {
    TrainLoss,
    TestLoss,
    TrainError,
    TestError,
    /// Point and output.
    Test(usize, usize),
    TestSquared(usize),
    Train(usize, usize),
    Probability(usize, usize),
    Kernel(usize, usize),
    Eigenvalue(usize),
    Residual(usize),
    Harmonic(usize),
    Drift,
}

/// The tangent kernel at the start and its principal components, as far as they are asked for.
pub(super) struct First {
    kernel: Option<DMatrix<f64>>,
    /// Columns in the order of descending eigenvalues, v.y > 0.
    components: Option<DMatrix<f64>>,
}

/// The tangent kernel of a snapshot and its eigenvalues in descending order, as far as they are asked for.
struct Now {
    kernel: Option<DMatrix<f64>>,
    eigenvalues: Vec<f64>,
}

impl Observable {
    pub fn parse(name: &str) -> Option<Self> {
        let (family, rest) = name.split_once('[').unwrap_or((name, "]"));
        let rest = rest.strip_suffix(']')?;
        let indices: Vec<usize> =
            rest.split(',').filter(|part| !part.is_empty()).map(|i| i.parse().ok()).collect::<Option<_>>()?;
        Some(match (family, &indices[..]) {
            ("train_loss", []) => Self::TrainLoss,
            ("test_loss", []) => Self::TestLoss,
            ("train_error", []) => Self::TrainError,
            ("test_error", []) => Self::TestError,
            ("kernel_drift", []) => Self::Drift,
            ("f", [i]) => Self::Test(i - 1, 0),
            ("f", [i, c]) => Self::Test(i - 1, c - 1),
            ("probability", [i, c]) => Self::Probability(i - 1, c - 1),
            ("f_squared", [i]) => Self::TestSquared(i - 1),
            ("f_train", [i]) => Self::Train(i - 1, 0),
            ("f_train", [i, c]) => Self::Train(i - 1, c - 1),
            ("kernel", [i, j]) => Self::Kernel(i - 1, j - 1),
            ("eigenvalue", [i]) => Self::Eigenvalue(i - 1),
            ("residual", [i]) => Self::Residual(i - 1),
            ("harmonic", [k]) => Self::Harmonic(*k),
            _ => return None,
        })
    }

    /// What later snapshots need of the network before the first update.
    pub fn at_start(wanted: &[Self], training: &mut Training) -> Result<First, SimulationError> {
        let residual = wanted.iter().any(|o| matches!(o, Self::Residual(_)));
        let drift = wanted.iter().any(|o| matches!(o, Self::Drift));
        let kernel = (residual || drift).then(|| training.kernel());
        let mut components = None;
        if let Some(kernel) = kernel.as_ref().filter(|_| residual) {
            let mut vectors = symmetric_eigen(kernel)?.vectors;
            let last = vectors.ncols() - 1;
            (0..vectors.ncols() / 2).for_each(|i| vectors.swap_columns(i, last - i));
            for mut column in vectors.column_iter_mut() {
                if column.dot(&training.data.labels) < 0.0 {
                    column.neg_mut();
                }
            }
            components = Some(vectors);
        }
        Ok(First { kernel, components })
    }

    /// The values of a snapshot. The pass of the kernel overwrites errors and leaves the outputs.
    pub fn snapshot(
        wanted: &[Self],
        problem: &Ntk,
        training: &mut Training,
        first: &First,
    ) -> Result<Vec<f64>, SimulationError> {
        let spectrum = wanted.iter().any(|o| matches!(o, Self::Eigenvalue(_)));
        let needs_kernel = spectrum || wanted.iter().any(|o| matches!(o, Self::Kernel(..) | Self::Drift));
        let kernel = needs_kernel.then(|| training.kernel());
        let eigenvalues = match &kernel {
            Some(kernel) if spectrum => symmetric_eigen(kernel)?.values.iter().rev().copied().collect(),
            _ => Vec::new(),
        };
        let now = Now { kernel, eigenvalues };
        Ok(wanted.iter().map(|o| o.read(problem, training, first, &now)).collect())
    }

    fn read(self, problem: &Ntk, training: &Training, first: &First, now: &Now) -> f64 {
        const MEASURED: &str = "measured where it is asked for";
        let mean = |f: DMatrix<f64>, y: &DVector<f64>, of: &dyn Fn(&[f64], f64) -> f64| {
            f.column_iter().zip(y).map(|(f, y)| of(f.as_slice(), *y)).sum::<f64>() / y.len() as f64
        };
        let loss = |f: &[f64], y: f64| problem.loss.value(f, y);
        let error = |f: &[f64], y: f64| problem.loss.misclassified(f, y);
        let test = |i: usize, c: usize| training.test.output[(c, i)] - training.offsets.1[(c, i)];
        let (labels, test_labels) = (&training.data.labels, &training.data.test_labels);
        // Of one output.
        let residuals = || labels - training.outputs().row(0).transpose();
        match self {
            Self::TrainLoss => mean(training.outputs(), labels, &loss),
            Self::TestLoss => mean(training.test_outputs(), test_labels, &loss),
            Self::TrainError => mean(training.outputs(), labels, &error),
            Self::TestError => mean(training.test_outputs(), test_labels, &error),
            Self::Test(i, c) => test(i, c),
            Self::TestSquared(i) => test(i, 0) * test(i, 0),
            Self::Train(i, c) => training.train.output[(c, i)] - training.offsets.0[(c, i)],
            Self::Probability(i, c) => {
                let f: Vec<f64> = (0..problem.loss.outputs()).map(|c| test(i, c)).collect();
                let mut p = f.clone();
                probabilities(&f, &mut p);
                p[c]
            }
            Self::Kernel(i, j) => now.kernel.as_ref().expect(MEASURED)[(i, j)],
            Self::Eigenvalue(i) => now.eigenvalues[i],
            Self::Residual(i) => {
                let component = first.components.as_ref().expect(MEASURED).column(i);
                component.dot(&residuals()) / (labels.len() as f64).sqrt()
            }
            Self::Harmonic(k) => problem.harmonic(k).dot(&residuals()),
            Self::Drift => {
                let (first, now) = first.kernel.as_ref().zip(now.kernel.as_ref()).expect(MEASURED);
                (now - first).norm() / first.norm()
            }
        }
    }
}
