//! What the law can be asked for.

use crate::problem::ntk::{Inputs, Loss, Ntk};

/// One observable.
#[derive(Clone, Copy, Debug, PartialEq)]
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

impl Observable {
    pub fn parse(name: &str, problem: &Ntk) -> Option<Self> {
        let (family, indices) = match name.split_once('[') {
            Some((family, rest)) => {
                let list =
                    rest.strip_suffix(']')?.split(',').map(|i| i.parse::<usize>().ok()?.checked_sub(1));
                (family, list.collect::<Option<Vec<_>>>()?)
            }
            None => (name, Vec::new()),
        };
        let (points, tests) = (problem.inputs.points(), problem.inputs.tests());
        let classes = problem.loss.outputs();
        if classes > 1 {
            match (family, &indices[..]) {
                ("f", &[i, c]) if i < tests && c < classes => return Some(Self::Test(i, c)),
                ("f_train", &[i, c]) if i < points && c < classes => return Some(Self::Train(i, c)),
                ("probability", &[i, c]) if i < tests && c < classes => return Some(Self::Probability(i, c)),
                ("f" | "f_train" | "f_squared", _) => return None,
                _ => {}
            }
        }
        Some(match (family, &indices[..]) {
            ("train_loss", []) => Self::TrainLoss,
            ("test_loss", []) if tests > 0 => Self::TestLoss,
            ("train_error", []) if problem.loss != Loss::Squared => Self::TrainError,
            ("test_error", []) if tests > 0 && problem.loss != Loss::Squared => Self::TestError,
            ("f", &[i]) if i < tests => Self::Test(i, 0),
            ("f_squared", &[i]) if i < tests => Self::TestSquared(i),
            ("f_train", &[i]) if i < points => Self::Train(i, 0),
            ("kernel", &[i, j]) if i.max(j) < problem.kernel_points => Self::Kernel(i, j),
            ("eigenvalue", &[i]) if i < points => Self::Eigenvalue(i),
            ("residual", &[i]) if i < points && problem.loss == Loss::Squared => Self::Residual(i),
            ("harmonic", &[i])
                if i < points / 2
                    && problem.loss == Loss::Squared
                    && matches!(problem.inputs, Inputs::Circle { .. }) =>
            {
                Self::Harmonic(i + 1)
            }
            ("kernel_drift", []) => Self::Drift,
            _ => return None,
        })
    }
}
