//! Deep linear networks under gradient descent, and tanh networks of the same shape.

mod parameters;
mod settings;
mod start;
mod target;

pub use parameters::KIND;
pub(super) use settings::fit_settings;
pub use start::{Measured, SampleMoments, Start};
pub use target::{Basis, Factors, Target};

use super::activation::Activation;
use super::definition::{IdleKey, idle_where};
use super::spec::{Settings, Violation};
use super::{Definition, Method, ObservableInfo, ProblemKind, scaling};
use nalgebra::DMatrix;

/// Which limit the sizes of a simulation approach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    /// Sizes count the steps per unit of time, 1 / step.
    StepSize,
    /// Every weight at time 0 is divided by the size; steps have this length.
    InitialScale { step: f64 },
}

/// Weights at time 0.
#[derive(Clone, Debug, PartialEq)]
pub enum Init {
    /// W_l = R_(l+1) diag(u0^(1/L)) R_l^T with R_1 = V, R_(L+1) = U and random orthonormal R between: mode i
    /// starts at u0_i with equal factors in all layers.
    Aligned { u0: Vec<f64> },
    /// Two layers: W_1 = R diag(a) V^T, W_2 = U diag(b) R^T.
    Unbalanced { a: Vec<f64>, b: Vec<f64> },
    /// Independent N(0, std^2) entries.
    Random { std: f64 },
    /// Independent N(0, gain^2 / fan-in) entries.
    Gaussian { gain: f64 },
    /// gain times a matrix with orthonormal rows or columns, uniformly distributed.
    Orthogonal { gain: f64 },
    /// gain times the encoders of linear autoencoders, trained greedily layer by layer for `time` each.
    Pretrained { gain: f64, time: f64 },
    /// Two layers with W_2^T W_2 - W_1 W_1^T = lambda I in random orientation; the singular values of the layer
    /// with the smaller ones are absolute values of N(0, std^2).
    LambdaBalanced { lambda: f64, std: f64 },
    /// Two layers, as stated.
    Given { w1: DMatrix<f64>, w2: DMatrix<f64> },
}

/// f(x) = W_L g(... g(W_1 x)), widths N_0, N_1, ..., N_L, g = linear unless stated.
///
/// Labels y = A x + sigma zeta, A the target map. Loss 1/2 <|A x - f(x)|^2>, label noise left out. One update of
/// length eta moves every layer by eta kappa times minus the gradient of 1/2 <|y - f|^2>; time = eta updates. The
/// average is over the distribution of inputs, over a training set, or over a mini-batch of either.
#[derive(Clone, Debug, PartialEq)]
pub struct DeepLinear {
    /// N_0, ..., N_L; L = `widths.len() - 1` weight layers.
    pub widths: Vec<usize>,
    pub target: Target,
    /// Factor on the target map.
    pub target_scale: f64,
    /// Variances of the inputs along `input_basis`; all equal for white inputs.
    pub input_variance: Vec<f64>,
    pub input_basis: InputBasis,
    pub activation: Activation,
    /// kappa.
    pub learning_rate: f64,
    pub limit: Limit,
    pub init: Init,
    /// sigma.
    pub noise_std: f64,
    /// Samples of a training set, drawn once; `None` is the distribution itself.
    pub training_set: Option<usize>,
    /// The training set's inputs have the second moment of the distribution exactly.
    pub whitened: bool,
    /// Samples averaged in one update; `None` averages over everything.
    pub batch: Option<usize>,
    /// A mode is learnt when it reaches this fraction of its strength.
    pub learnt_fraction: f64,
    /// The network has learnt when its loss is this fraction of the loss of the zero map.
    pub learnt_loss: f64,
}

/// Directions along which inputs have their variances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputBasis {
    /// The target's input modes, completed to a basis.
    Modes,
    /// Random and orthonormal, redrawn in every replica.
    Random,
}

impl DeepLinear {
    /// L.
    pub fn weight_layers(&self) -> usize {
        self.widths.len() - 1
    }

    /// N_0.
    pub fn inputs(&self) -> usize {
        self.widths[0]
    }

    /// N_L.
    pub fn outputs(&self) -> usize {
        self.widths[self.weight_layers()]
    }

    /// Modes of the target map.
    pub fn modes(&self) -> usize {
        self.target.modes(self.inputs(), self.outputs())
    }

    /// The common variance of white inputs.
    pub fn white_variance(&self) -> Option<f64> {
        let first = self.input_variance[0];
        self.input_variance.iter().all(|&v| v == first).then_some(first)
    }

    pub fn is_linear(&self) -> bool {
        self.activation == Activation::Linear
    }

    /// The length of one step for a simulation of this size.
    pub fn step(&self, size: usize) -> f64 {
        match self.limit {
            Limit::StepSize => scaling::time_of(1, size),
            Limit::InitialScale { step } => step,
        }
    }

    /// Factor on every weight at time 0 for a simulation of this size.
    pub fn initial_scale(&self, size: usize) -> f64 {
        match self.limit {
            Limit::StepSize => 1.0,
            Limit::InitialScale { .. } => 1.0 / size as f64,
        }
    }

    /// Completed updates at `time`, rounded to the nearest whole one.
    pub fn updates_at(&self, time: f64, size: usize) -> u64 {
        match self.limit {
            Limit::StepSize => scaling::updates_at(time, size),
            Limit::InitialScale { step } => (time / step).round() as u64,
        }
    }

    pub fn time_of(&self, updates: u64, size: usize) -> f64 {
        match self.limit {
            Limit::StepSize => scaling::time_of(updates, size),
            Limit::InitialScale { step } => updates as f64 * step,
        }
    }

    /// Columns that one update pushes through the network.
    pub fn columns(&self) -> usize {
        match (self.batch, self.training_set) {
            (Some(batch), _) => batch,
            (None, Some(samples)) if !(self.whitened && self.is_linear()) => samples,
            (None, _) => self.inputs(),
        }
    }

    /// See [`super::Problem::from_settings`].
    ///
    /// # Errors
    /// Rules between keys: widths, shapes, which start fits which depth.
    pub fn from_settings(settings: &Settings) -> Result<Self, Vec<Violation>> {
        settings::read(settings)
    }
}

impl Definition for DeepLinear {
    fn kind(&self) -> &'static ProblemKind {
        &KIND
    }

    fn idle_keys(&self) -> Vec<IdleKey> {
        idle_where([(
            self.white_variance().is_some(),
            "input_basis",
            "white inputs have no directions of their own",
        )])
    }

    fn draws_test_sets(&self) -> bool {
        true
    }

    fn observables(&self) -> Vec<ObservableInfo> {
        let modes = self.modes();
        let smallest = *self.widths.iter().min().expect("a network has layers");
        let entry = |name, label, doc, shape| ObservableInfo {
            name,
            label,
            doc,
            shape,
            positive: matches!(name, "loss" | "training_loss"),
            symmetric: false,
        };
        let mut list = vec![entry(
            "loss",
            "loss",
            "half the mean squared difference of target map and network over the inputs, without label noise",
            vec![],
        )];
        if self.training_set.is_some() {
            list.push(entry(
                "training_loss",
                "training loss",
                "half the mean squared error on the training set, label noise included",
                vec![],
            ));
        }
        if self.is_linear() || self.training_set.is_some() {
            list.push(entry(
                "loss_time",
                "time to learn",
                "time spent so far with the loss (on the training set where there is one) above learnt_loss times that of the zero map",
                vec![],
            ));
        }
        list.push(entry(
            "singular_values",
            "$σ$",
            "singular values of the input-output Jacobian, descending; for tanh at one random input",
            vec![smallest],
        ));
        if !self.is_linear() {
            return list;
        }
        list.push(entry("u", "$u$", "mode strengths u_i.W v_i of the network's map W", vec![modes]));
        list.push(entry(
            "learning_time",
            "$τ$",
            "time spent so far by a mode below learnt_fraction of its strength",
            vec![modes],
        ));
        list.push(entry(
            "kernel_drift",
            "|Δ$K$|/|$K$(0)|",
            "relative change of the tangent kernel since the start, in the Frobenius norm",
            vec![],
        ));
        if self.weight_layers() == 2 {
            list.push(entry("a", "$a$", "input side of a mode: W_1 v_i along W_2^T u_i", vec![modes]));
            list.push(entry("b", "$b$", "output side of a mode: length of W_2^T u_i", vec![modes]));
            list.push(entry(
                "conserved",
                "$b$^{2} − $a$^{2}",
                "|W_2^T u_i|^2 - |W_1 v_i|^2, conserved for aligned modes of white inputs",
                vec![modes],
            ));
        }
        list
    }

    fn limit_start(&self) -> super::Start {
        super::Start::DeepLinear(Start::Stated)
    }

    fn fit_start(&self, start: &super::Start) -> super::Start {
        match start {
            super::Start::DeepLinear(Start::Measured(start)) => {
                super::Start::DeepLinear(Start::Measured(Box::new(start.resized(self))))
            }
            other => other.clone(),
        }
    }

    /// Whether the scenario says all that the law needs of the start.
    fn states_start(&self) -> bool {
        let oriented = match self.init {
            Init::Aligned { .. } | Init::Unbalanced { .. } => true,
            Init::Given { .. } => !self.target.is_random(),
            _ => false,
        };
        let inputs = self.white_variance().is_some() || self.input_basis == InputBasis::Modes;
        oriented && inputs && self.training_set.is_none()
    }

    /// A start that is drawn, and a target that is measured on samples, have no stated order parameters.
    fn limit_start_warning(&self) -> Option<String> {
        (!self.states_start()).then(|| {
            "weights, target or training set are drawn at random and the law depends on the draw; use law.start \
             = \"replica\""
                .into()
        })
    }

    /// Why no law covers the problem, if so.
    fn uncovered(&self) -> Option<String> {
        if !self.is_linear() {
            let name = self.activation.name();
            return Some(format!("the laws hold for linear networks, not for {name} units"));
        }
        if matches!(self.limit, Limit::StepSize) {
            return None;
        }
        let random =
            matches!(self.init, Init::Random { .. } | Init::Gaussian { .. } | Init::Orthogonal { .. });
        let reason = if self.weight_layers() != 2 {
            "is known for two weight layers"
        } else if !random {
            "holds for random starts"
        } else if self.white_variance().is_none() || self.training_set.is_some() {
            "holds for white inputs and the exact correlations"
        } else if !self.target.has_distinct_strengths() {
            "needs mode strengths in descending order, no two equal"
        } else {
            return None;
        };
        Some(format!("the law of vanishing initial scale {reason}"))
    }

    /// Weights, the activations and gradients of one batch, and the training set.
    fn replica_bytes(&self, _size: usize, _method: Method) -> f64 {
        let columns = self.columns() as f64;
        let weights: f64 = self.widths.windows(2).map(|w| (w[0] * w[1]) as f64).sum();
        let units: f64 = self.widths.iter().map(|&n| n as f64).sum();
        let ends = (self.inputs() + self.outputs()) as f64;
        let stored = self.training_set.map_or(0.0, |samples| samples as f64 * ends);
        8.0 * (2.0 * weights + 3.0 * columns * units + stored)
    }

    fn recorded_time(&self, time: f64, size: usize) -> f64 {
        self.time_of(self.updates_at(time, size), size)
    }

    fn size_symbol(&self) -> &'static str {
        match self.limit {
            Limit::StepSize => "1/$η$",
            Limit::InitialScale { .. } => "1/scale",
        }
    }

    /// See [`Definition::cost`]: three products per layer and update at 2e9 multiplications a second; a law
    /// that integrates the weights takes some thousand right-hand sides.
    fn cost(&self, end: f64, size: usize, _method: Method, law: bool) -> f64 {
        let weights: f64 = self.widths.windows(2).map(|w| (w[0] * w[1]) as f64).sum();
        let update = 3e-6 + 3.0 * 0.5e-9 * weights * self.columns() as f64;
        let simulation = if size == 0 { 0.0 } else { update * end / self.step(size) };
        let law = match (law, self.states_start()) {
            (false, _) => 0.0,
            (true, true) => 1e-4,
            (true, false) => 1e3 * 3.0 * 0.5e-9 * weights * self.inputs() as f64,
        };
        simulation + law
    }
}
