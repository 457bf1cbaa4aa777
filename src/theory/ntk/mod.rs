//! The limit of infinite width: Gaussian-process starts and linear dynamics under the neural tangent kernel.
//!
//! A. Jacot, F. Gabriel & C. Hongler, NeurIPS 2018, arXiv:1806.07572 (Theorems 1 and 2); J. Lee et al., NeurIPS 2019,
//! arXiv:1902.06720, eqs. 10 to 15 (discrete steps, ensemble). Letters: L hidden layers, W_s and b_s standard deviations
//! of weights and biases, alpha the factor on the output, P training points, eta the step; time = updates.
//!
//! | what | file |
//! |---|---|
//! | averages over two Gaussian fields | `dual` |
//! | the same for many pairs at once | `column` |
//! | recursion over layers | `recursion` |
//! | other wirings: residual, recurrent, convolution, tied | `architecture` |
//! | gradient descent in function space | `dynamics` |
//!
//! Every value is a closed form up to one eigendecomposition: the errors of the law are rounding and are reported as
//! zero.

mod architecture;
mod column;
mod dual;
mod dynamics;
mod recursion;

pub use architecture::{Limit, Program, Tied, Wiring, program};
pub use dual::{Dual, Fields, diagonal, dual};
pub use dynamics::{Decay, Descent, Tests};
pub use recursion::{Kernels, Network};

use super::{LawError, LawOptions};
use crate::linalg::product;
use crate::problem::Definition;
use crate::problem::ntk::{Architecture, Data, KIND, Ntk, Start};
use crate::trajectory::{Curve, End};
use nalgebra::{DMatrix, DVector};
use std::time::Instant;

/// A mode that has grown by this factor ends the law: the learning rate is unstable.
const DIVERGED: f64 = 1e3;

/// The infinitely wide network of a problem, whatever its wiring.
pub fn limit(problem: &Ntk) -> Limit {
    Faults::default().limit(problem)
}

/// The infinitely wide network of a problem whose architecture is fully connected.
pub fn network(problem: &Ntk) -> Network {
    Network {
        nonlinearity: problem.nonlinearity.clone(),
        hidden_layers: problem.hidden_layers,
        weight_std: problem.weight_std,
        bias_std: problem.bias_std,
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Faults {
    layer: bool,
    bias: bool,
    derivative: bool,
    variance: bool,
    slope: bool,
    sharing: bool,
    pooling: bool,
    correlation: bool,
}

impl Faults {
    fn parse(names: &[String]) -> Result<Self, LawError> {
        let mut faults = Self::default();
        for name in names {
            match name.as_str() {
                "drop=layer" => faults.layer = true,
                "drop=bias" => faults.bias = true,
                "drop=derivative" => faults.derivative = true,
                "drop=variance" => faults.variance = true,
                "drop=slope" => faults.slope = true,
                "drop=sharing" => faults.sharing = true,
                "drop=pooling" => faults.pooling = true,
                "drop=correlation" => faults.correlation = true,
                other => {
                    let known: Vec<&str> = KIND.law_faults.iter().map(|(name, _)| *name).collect();
                    return Err(LawError::UnknownFault { name: other.into(), known: known.join(", ") });
                }
            }
        }
        Ok(faults)
    }

    fn limit(self, problem: &Ntk) -> Limit {
        let bias_std = if self.bias { 0.0 } else { problem.bias_std };
        if problem.architecture == Architecture::FullyConnected && !self.slope {
            let hidden_layers = problem.hidden_layers - usize::from(self.layer);
            return Limit::FullyConnected(Network { hidden_layers, bias_std, ..network(problem) });
        }
        let wiring = Wiring {
            without_layer: self.layer,
            without_bias: self.bias,
            without_sharing: self.sharing,
            without_pooling: self.pooling,
            flat_slopes: self.slope,
        };
        match program(problem, wiring) {
            Some(program) => Limit::Program(program),
            None => Limit::Tied(Tied::new(problem, bias_std, self.correlation)),
        }
    }
}

/// One observable.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Observable {
    TrainLoss,
    TestLoss,
    Test(usize),
    TestSquared(usize),
    Train(usize),
    Kernel(usize, usize),
    Drift,
}

impl Observable {
    fn parse(name: &str, problem: &Ntk) -> Option<Self> {
        let (family, indices) = match name.split_once('[') {
            Some((family, rest)) => {
                let list =
                    rest.strip_suffix(']')?.split(',').map(|i| i.parse::<usize>().ok()?.checked_sub(1));
                (family, list.collect::<Option<Vec<_>>>()?)
            }
            None => (name, Vec::new()),
        };
        let (points, tests) = (problem.inputs.points(), problem.inputs.tests());
        Some(match (family, &indices[..]) {
            ("train_loss", []) => Self::TrainLoss,
            ("test_loss", []) if tests > 0 => Self::TestLoss,
            ("f", &[i]) if i < tests => Self::Test(i),
            ("f_squared", &[i]) if i < tests => Self::TestSquared(i),
            ("f_train", &[i]) if i < points => Self::Train(i),
            ("kernel", &[i, j]) if i.max(j) < problem.kernel_points => Self::Kernel(i, j),
            ("kernel_drift", []) => Self::Drift,
            _ => return None,
        })
    }
}

/// The law of `problem` from `start`; see [`super::integrate`].
///
/// # Errors
/// [`LawError`].
pub fn integrate(
    problem: &Ntk,
    start: &Start,
    times: &[f64],
    observables: &[String],
    options: &LawOptions,
) -> Result<Curve, LawError> {
    if let Some(reason) = problem.uncovered() {
        return Err(LawError::Uncovered { reason });
    }
    let clock = Instant::now();
    let parsed = observables
        .iter()
        .map(|name| {
            Observable::parse(name, problem).ok_or_else(|| LawError::UnknownObservable {
                name: name.clone(),
                known: problem.observables().iter().map(|info| info.name).collect::<Vec<_>>().join(", "),
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    let law = Law::new(problem, start, Faults::parse(&options.faults)?)?;
    let mut curve = Curve::new(observables);
    for &time in times {
        let Some(now) = law.at(time.round()) else {
            let reason = format!(
                "the learning rate {} is beyond 2 P / largest eigenvalue = {:.6}",
                problem.learning_rate,
                law.descent.largest_stable_rate()
            );
            curve.end = End::Diverged { time, reason };
            break;
        };
        let snapshot: Vec<f64> = parsed.iter().map(|&observable| law.read(&now, observable)).collect();
        curve.push(time, &snapshot);
    }
    curve.work.seconds = clock.elapsed().as_secs_f64();
    Ok(curve)
}

struct Law {
    data: Data,
    kernel: DMatrix<f64>,
    descent: Descent,
    tests: Tests,
    /// V^T (y - f_0), and f_0 on the test points.
    gap: DVector<f64>,
    start: DVector<f64>,
    ensemble: Option<Spread>,
}

/// Covariances over starts, alpha^2 included.
struct Spread {
    /// V^T S V.
    modes: DMatrix<f64>,
    /// S_* V.
    cross: DMatrix<f64>,
    /// S(x*, x*).
    own: Vec<f64>,
}

/// The state after some updates.
struct Now {
    /// d of every mode.
    d: Vec<f64>,
    train: DVector<f64>,
    test: DVector<f64>,
    /// Variance over starts.
    variance: Vec<f64>,
}

impl Law {
    fn new(problem: &Ntk, start: &Start, faults: Faults) -> Result<Self, LawError> {
        let data = problem.data();
        let network = faults.limit(problem);
        let kernels = network.kernels(&data.inputs);
        let cross = network.cross_kernels(&data.tests, &data.inputs);
        let trained = |k: &Kernels| if faults.derivative { k.nngp.clone() } else { k.ntk.clone() };
        let kernel = trained(&kernels);
        let descent = Descent::new(&kernel, problem.learning_rate, &data.labels)
            .map_err(|error| LawError::Integration { reason: error.to_string() })?;
        let tests = descent.tests(&trained(&cross));
        let scale = problem.output_scale * problem.output_scale;
        let (gap, test, ensemble) = match start {
            Start::Outputs { train, test } => {
                if train.len() != data.labels.len() || test.len() != data.test_labels.len() {
                    let reason = format!("{} and {} outputs", train.len(), test.len());
                    return Err(LawError::Start { reason });
                }
                (descent.gap(Some(train)), test.clone(), None)
            }
            Start::Ensemble => {
                let spread = (!problem.centred && !faults.variance).then(|| Spread {
                    modes: descent.in_modes(&kernels.nngp) * scale,
                    cross: product(&cross.nngp, &descent.eigen.vectors) * scale,
                    own: network.variances(&data.tests).iter().map(|v| v * scale).collect(),
                });
                (descent.gap(None), DVector::zeros(data.test_labels.len()), spread)
            }
        };
        Ok(Self { data, kernel, descent, tests, gap, start: test, ensemble })
    }

    /// The state after `k` updates; `None` once a mode has diverged.
    fn at(&self, k: f64) -> Option<Now> {
        let Decay { d, g } = self.descent.decay(k);
        if d.iter().any(|d| d.is_nan() || d.abs() > DIVERGED) {
            return None;
        }
        let left = DVector::from_iterator(d.len(), self.gap.iter().zip(&d).map(|(gap, d)| gap * d));
        let taken = DVector::from_iterator(g.len(), self.gap.iter().zip(&g).map(|(gap, g)| gap * g));
        let train = &self.data.labels - &self.descent.eigen.vectors * left;
        let test = &self.start + &self.tests.response * taken;
        let variance = self.ensemble.as_ref().map_or(Vec::new(), |spread| self.variance(spread, &g));
        Some(Now { d, train, test, variance })
    }

    /// Of the outputs at the test points over starts: S** - 2 A S_*^T + A S A^T, A = T_* V diag(g) V^T.
    fn variance(&self, spread: &Spread, g: &[f64]) -> Vec<f64> {
        let mut a = self.tests.response.clone();
        for (mut column, g) in a.column_iter_mut().zip(g) {
            column *= *g;
        }
        let second = product(&a, &spread.modes);
        let row = |i: usize| {
            let along =
                |matrix: &DMatrix<f64>| a.row(i).iter().zip(matrix.row(i).iter()).map(|(a, b)| a * b).sum();
            let (crossed, squared): (f64, f64) = (along(&spread.cross), along(&second));
            spread.own[i] - 2.0 * crossed + squared
        };
        (0..a.nrows()).map(row).collect()
    }

    fn read(&self, now: &Now, observable: Observable) -> f64 {
        let variance = |i: usize| now.variance.get(i).copied().unwrap_or(0.0);
        match observable {
            Observable::TrainLoss => {
                let mean = (&now.train - &self.data.labels).norm_squared();
                let spread = self.ensemble.as_ref().map_or(0.0, |spread| {
                    now.d.iter().enumerate().map(|(i, d)| d * d * spread.modes[(i, i)]).sum()
                });
                0.5 * (mean + spread) / now.train.len() as f64
            }
            Observable::TestLoss => {
                let squares = now.test.iter().zip(&self.data.test_labels).enumerate();
                let sum: f64 = squares.map(|(i, (f, y))| (f - y) * (f - y) + variance(i)).sum();
                0.5 * sum / now.test.len() as f64
            }
            Observable::Test(i) => now.test[i],
            Observable::TestSquared(i) => now.test[i] * now.test[i] + variance(i),
            Observable::Train(i) => now.train[i],
            Observable::Kernel(i, j) => self.kernel[(i, j)],
            Observable::Drift => 0.0,
        }
    }
}

/// The value of a named asymptotic formula of the problem; see [`super::overlay`].
///
/// # Errors
/// [`LawError`]: an unknown name, or a kernel that cannot be decomposed.
pub fn overlay(problem: &Ntk, name: &str) -> Result<f64, LawError> {
    let data = problem.data();
    let reason = |reason: String| LawError::Overlay { name: name.into(), reason };
    match name {
        "largest-stable-rate" => {
            let kernel = limit(problem).kernels(&data.inputs).ntk;
            Descent::new(&kernel, problem.learning_rate, &data.labels)
                .map(|descent| descent.largest_stable_rate())
                .map_err(|error| reason(error.to_string()))
        }
        "independent-kernel" => {
            if data.inputs.ncols() < 2 {
                return Err(reason("needs two training points".to_string()));
            }
            let network = Faults { correlation: true, ..Faults::default() }.limit(problem);
            Ok(network.kernels(&data.inputs).ntk[(0, 1)])
        }
        _ => {
            let known: Vec<&str> = KIND.overlays.iter().map(|(name, _)| *name).collect();
            Err(LawError::UnknownOverlay { name: name.into(), known: known.join(", ") })
        }
    }
}
