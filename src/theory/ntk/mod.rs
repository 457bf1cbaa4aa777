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
//! | variances over starts | `spread` |
//! | the best time to stop | `stopping` |
//! | the logistic loss, update by update | `logistic` |
//! | the softmax loss of several classes, likewise | `softmax` |
//! | second moments under mini-batches | `stochastic` |
//!
//! Gradient descent on squares is a closed form up to one eigendecomposition, the others are recursions over updates, of
//! at most 1e13 multiplications: the errors of the law are rounding and are reported as zero.

mod architecture;
mod classification;
mod column;
mod dual;
mod dynamics;
mod observable;
mod on_data;
mod recursion;
mod spread;
mod stochastic;
mod stopping;

pub use architecture::{Limit, Program, Tied, Wiring, program};
pub use dual::{Dual, Fields, diagonal, dual};
pub use dynamics::{Decay, Descent, Tests};
pub use recursion::{Kernels, Network};

use super::{LawError, LawOptions};
use crate::problem::Definition;
use crate::problem::ntk::{Architecture, Data, KIND, Loss, Ntk, Parametrisation, Start};
use crate::trajectory::{Curve, End};
use nalgebra::{DMatrix, DVector};
use observable::Observable;
use on_data::OnData;
use spread::Spread;
use std::time::Instant;

/// A mode that has grown by this factor ends the law: the learning rate is unstable.
const DIVERGED: f64 = 1e3;

/// Eigenvalues that differ by less than this, relative to the largest, are taken as one.
const SAME: f64 = 1e-9;

/// Multiplications that a recursion over updates may take: about an hour.
const MOST_PRODUCTS: f64 = 1e13;

/// Refuses recursions over updates that would not end.
///
/// # Errors
/// [`LawError::Uncovered`] beyond [`MOST_PRODUCTS`], with the last time that can be reached.
fn countable(times: &[f64], of_update: f64) -> Result<(), LawError> {
    let last = times.iter().copied().fold(0.0, f64::max);
    let most = (MOST_PRODUCTS / of_update).floor();
    if last.round() <= most {
        return Ok(());
    }
    let reason = format!(
        "{last:e} updates one by one would take {:.1e} multiplications, beyond {MOST_PRODUCTS:e}: end at {most:e} updates, \
         take fewer points, or full-batch gradient descent on the squared loss, which has a closed form",
        last * of_update
    );
    Err(LawError::Uncovered { reason })
}

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
    batch: bool,
    slope: bool,
    sharing: bool,
    pooling: bool,
    correlation: bool,
    parametrisation: bool,
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
                "drop=batch" => faults.batch = true,
                "drop=slope" => faults.slope = true,
                "drop=sharing" => faults.sharing = true,
                "drop=pooling" => faults.pooling = true,
                "drop=correlation" => faults.correlation = true,
                "drop=parametrisation" => faults.parametrisation = true,
                other => return Err(super::unknown_fault(other, &KIND)),
            }
        }
        Ok(faults)
    }

    fn limit(self, problem: &Ntk) -> Limit {
        let bias_std = if self.bias { 0.0 } else { problem.bias_std };
        let standard = problem.parametrisation == Parametrisation::Standard && !self.parametrisation;
        if problem.architecture == Architecture::FullyConnected && !self.slope && !standard {
            let hidden_layers = problem.hidden_layers - usize::from(self.layer);
            return Limit::FullyConnected(Network { hidden_layers, bias_std, ..network(problem) });
        }
        let wiring = Wiring {
            without_layer: self.layer,
            without_bias: self.bias,
            without_sharing: self.sharing,
            without_pooling: self.pooling,
            flat_slopes: self.slope,
            tangent_steps: self.parametrisation,
        };
        match program(problem, wiring) {
            Some(program) => Limit::Program(program),
            None => Limit::Tied(Tied::new(problem, bias_std, self.correlation)),
        }
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
            Observable::parse(name, problem)
                .ok_or_else(|| super::unknown_observable(name, &problem.observables()))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let faults = Faults::parse(&options.faults)?;
    if problem.loss != Loss::Squared {
        return classification::integrate(problem, start, times, &parsed, observables, faults);
    }
    if problem.batch.is_some() && !faults.batch {
        return stochastic::integrate(problem, start, times, &parsed, observables, faults);
    }
    let law = Law::new(problem, start, faults)?;
    for &observable in &parsed {
        if let Observable::Residual(i) = observable {
            law.component(i)?;
        }
    }
    let mut curve = Curve::new(observables);
    for &time in times {
        let Some(now) = law.at(time.round()) else {
            curve.end = End::Diverged { time, reason: law.unstable(problem) };
            break;
        };
        let snapshot: Vec<f64> =
            parsed.iter().map(|&observable| law.read(problem, &now, observable)).collect();
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
        let on_data = OnData::new(problem, faults);
        let (train, test) = on_data.outputs(start)?;
        let OnData { data, limit, kernel, cross, starts, starts_cross, .. } = on_data;
        let descent = Descent::new(&kernel, problem.learning_rate, &data.labels)
            .map_err(|error| LawError::Integration { reason: error.to_string() })?;
        let tests = descent.tests(&cross);
        let spreads = *start == Start::Ensemble && !problem.centred && !faults.variance;
        let ensemble = spreads.then(|| {
            let own = limit.variances(&data.tests);
            Spread::new(&starts, &starts_cross, &own, &descent.eigen.vectors, problem.output_scale)
        });
        let gap = descent.gap(Some(&train));
        Ok(Self { data, kernel, descent, tests, gap, start: test, ensemble })
    }

    fn unstable(&self, problem: &Ntk) -> String {
        format!(
            "the learning rate {} is beyond 2 P / largest eigenvalue = {:.6}",
            problem.learning_rate,
            self.descent.largest_stable_rate()
        )
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

    /// Of the outputs at the test points over starts, A = T_* V diag(g) V^T.
    fn variance(&self, spread: &Spread, g: &[f64]) -> Vec<f64> {
        let mut a = self.tests.response.clone();
        for (mut column, g) in a.column_iter_mut().zip(g) {
            column *= *g;
        }
        spread.of_tests(&a)
    }

    /// The column of the i-th principal component and the sign that makes v.y positive.
    ///
    /// # Errors
    /// [`LawError::Uncovered`] where the component is not defined by itself: a multiple eigenvalue, or v.y = 0.
    fn component(&self, i: usize) -> Result<(usize, f64), LawError> {
        let values = &self.descent.eigen.values;
        let column = values.len() - 1 - i;
        let near = |j: usize| (values[column] - values[j]).abs() < SAME * values[values.len() - 1];
        if (column > 0 && near(column - 1)) || (column + 1 < values.len() && near(column + 1)) {
            let reason = format!(
                "residual[{}]: eigenvalue {:.6e} of the kernel is multiple, its components are not defined one by one; \
                 on the circle take harmonic",
                i + 1,
                values[column],
            );
            return Err(LawError::Uncovered { reason });
        }
        let labels = self.descent.labels();
        if labels[column].abs() < SAME * labels.norm() {
            let reason =
                format!("residual[{}]: the labels have no part along it, its sign is undefined", i + 1);
            return Err(LawError::Uncovered { reason });
        }
        Ok((column, labels[column].signum()))
    }

    fn test_loss(&self, now: &Now) -> f64 {
        let squares = now.test.iter().zip(&self.data.test_labels).enumerate();
        let variance = |i: usize| now.variance.get(i).copied().unwrap_or(0.0);
        let sum: f64 = squares.map(|(i, (f, y))| (f - y) * (f - y) + variance(i)).sum();
        0.5 * sum / now.test.len() as f64
    }

    fn read(&self, problem: &Ntk, now: &Now, observable: Observable) -> f64 {
        let variance = |i: usize| now.variance.get(i).copied().unwrap_or(0.0);
        match observable {
            Observable::TrainLoss => {
                let mean = (&now.train - &self.data.labels).norm_squared();
                let spread = self.ensemble.as_ref().map_or(0.0, |spread| spread.of_training(&now.d));
                0.5 * (mean + spread) / now.train.len() as f64
            }
            Observable::TestLoss => self.test_loss(now),
            Observable::Test(i, _) => now.test[i],
            Observable::TestSquared(i) => now.test[i] * now.test[i] + variance(i),
            Observable::Train(i, _) => now.train[i],
            // Those of classes belong to the softmax loss alone, which the parser knows.
            Observable::TrainError | Observable::TestError | Observable::Probability(..) => f64::NAN,
            Observable::Kernel(i, j) => self.kernel[(i, j)],
            Observable::Eigenvalue(i) => self.descent.eigen.values[now.d.len() - 1 - i],
            Observable::Residual(i) => {
                let column = now.d.len() - 1 - i;
                let sign = self.descent.labels()[column].signum();
                sign * now.d[column] * self.gap[column] / (now.d.len() as f64).sqrt()
            }
            Observable::Harmonic(k) => problem.harmonic(k).dot(&(&self.data.labels - &now.train)),
            Observable::Drift => 0.0,
        }
    }
}

/// Whether a named formula is a time.
pub fn overlay_is_time(name: &str) -> bool {
    name == "optimal-stopping-time"
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
                .map(|descent| descent.largest_stable_rate() / problem.loss.curvature())
                .map_err(|error| reason(error.to_string()))
        }
        "independent-kernel" => {
            if data.inputs.ncols() < 2 {
                return Err(reason("needs two training points".to_string()));
            }
            let network = Faults { correlation: true, ..Faults::default() }.limit(problem);
            Ok(network.kernels(&data.inputs).ntk[(0, 1)])
        }
        "optimal-stopping-time" => stopping::optimal_time(problem),
        _ => Err(super::unknown_overlay(name, &KIND)),
    }
}
