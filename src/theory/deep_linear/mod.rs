//! The laws of deep linear networks: exact at every finite size, for vanishing steps.
//!
//! A. Saxe, J. McClelland & S. Ganguli, ICLR 2014, arXiv:1312.6120; K. Fukumizu, ICONIP 1998; L. Braun, C. Domine,
//! J. Fitzgerald & A. Saxe, NeurIPS 2022. Letters: N_0 ... N_L widths, A = U s V^T the target map, Sigma = <x x^T>,
//! kappa the learning rate, time = step x updates.
//!
//! | start | form | file |
//! |---|---|---|
//! | aligned, any depth | closed form of t(u), inverted; logistic for L = 2 | `mode`, `two_layer` |
//! | aligned, two unequal layers | hyperbolic, closed form | `two_layer` |
//! | two layers, W_2^T W_2 - W_1 W_1^T = lambda I, white inputs | stepped matrix solution | `balanced` |
//! | anything else | gradient flow of the weights, integrated | `flow` |
//! | two layers, vanishing random weights | aligned modes from the effective strengths of [`effective_starts`] | `mode` |

mod balanced;
mod basis;
mod flow;
mod mode;
mod motion;
mod observables;
mod table;
mod tracker;
mod two_layer;

pub use balanced::Balanced;
pub use flow::{Drive, Flow, Stop};
pub use mode::{Clock, Mode, infinite_depth_time, learning_time, one_layer_time, small_start_time};
pub use observables::Blocks;
pub use table::Table;
pub use two_layer::{Factors, TwoLayerMode};

use super::{LawError, LawOptions};
use crate::linalg::{product, product_transpose, transpose_product};
use crate::problem::Definition;
use crate::problem::deep_linear::{DeepLinear, Init, KIND, Limit, Measured, Start};
use crate::trajectory::Curve;
use basis::Frame;
use motion::{Clocked, Modes};
use nalgebra::{DMatrix, DVector};
use observables::{Observable, Reader, State};
use std::time::Instant;
use tracker::{Motion, Thresholds, follow};

/// The law, faults included.
#[derive(Clone, Copy, Debug)]
struct Rates {
    /// kappa.
    rate: f64,
    saturates: bool,
    tolerance: f64,
    /// Of the matrix solution: dt |F|.
    stride: f64,
}

impl Rates {
    fn new(problem: &DeepLinear, options: &LawOptions) -> Result<Self, LawError> {
        let mut rates =
            Self { rate: problem.learning_rate, saturates: true, tolerance: options.tolerance, stride: 1.0 };
        for fault in &options.faults {
            match fault.as_str() {
                "drop=saturation" => rates.saturates = false,
                "drop=depth" => rates.rate /= problem.weight_layers() as f64,
                other => {
                    let known: Vec<&str> = KIND.law_faults.iter().map(|(name, _)| *name).collect();
                    return Err(LawError::UnknownFault { name: other.into(), known: known.join(", ") });
                }
            }
        }
        Ok(rates)
    }
}

/// Strengths of a given target are equal if they differ by less, relative to the largest.
const TIE: f64 = 1e-9;

/// The law of `problem` from `start`; see [`super::integrate`].
///
/// # Errors
/// [`LawError`].
pub fn integrate(
    problem: &DeepLinear,
    start: &Start,
    times: &[f64],
    observables: &[String],
    options: &LawOptions,
) -> Result<Curve, LawError> {
    if let Some(reason) = problem.uncovered() {
        return Err(LawError::Uncovered { reason });
    }
    let clock = Instant::now();
    let rates = Rates::new(problem, options)?;
    let mut curve = once(problem, start, times, observables, rates)?;
    if options.measure_error {
        let loose = Rates { tolerance: 10.0 * rates.tolerance, stride: 0.5 * rates.stride, ..rates };
        let loose = once(problem, start, times, observables, loose)?;
        curve.set_errors(&loose);
    }
    curve.work.seconds = clock.elapsed().as_secs_f64();
    Ok(curve)
}

fn once(
    problem: &DeepLinear,
    start: &Start,
    times: &[f64],
    names: &[String],
    rates: Rates,
) -> Result<Curve, LawError> {
    let (start, frame) = match start {
        Start::Measured(start) => {
            check(problem, start)?;
            (Some(start.as_ref().clone()), Frame::measured(problem, start))
        }
        Start::Stated => {
            if !problem.states_start() {
                return Err(LawError::Start { reason: "the problem draws its start and states none".into() });
            }
            let frame = Frame::stated(problem)?;
            (stated_weights(problem, &frame), frame)
        }
    };
    let layers = problem.weight_layers();
    let smallest = *problem.widths.iter().min().expect("a network has layers");
    let parsed = names
        .iter()
        .map(|name| {
            Observable::parse(name, &frame, layers, smallest).ok_or_else(|| LawError::UnknownObservable {
                name: name.clone(),
                known: problem.observables().iter().map(|info| info.name).collect::<Vec<_>>().join(", "),
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    let law = Law { problem, frame, rates, parsed, names, times };
    match start {
        None => law.aligned(),
        Some(start) if matches!(problem.limit, Limit::InitialScale { .. }) => law.vanishing(&start),
        Some(start) => law.measured(&start),
    }
}

/// The weights of a start that states them; `None` for decoupled modes.
fn stated_weights(problem: &DeepLinear, frame: &Frame) -> Option<Measured> {
    let Init::Given { w1, w2 } = &problem.init else { return None };
    let inputs = problem.inputs();
    Some(Measured {
        weights: vec![w1.clone(), w2.clone()],
        target: &frame.target / problem.target_scale,
        left: frame.left.clone(),
        right: frame.right.clone(),
        input: frame.input.clone().unwrap_or_else(|| DMatrix::identity(inputs, inputs)),
        sample: None,
    })
}

fn check(problem: &DeepLinear, start: &Measured) -> Result<(), LawError> {
    let refused = |reason: String| Err(LawError::Start { reason });
    let (inputs, outputs) = (problem.inputs(), problem.outputs());
    if start.target.shape() != (outputs, inputs) {
        return refused(format!(
            "the target is {:?}, needed is {:?}",
            start.target.shape(),
            (outputs, inputs)
        ));
    }
    if start.weights.len() != problem.weight_layers() {
        return refused(format!("{} layers for {}", start.weights.len(), problem.weight_layers()));
    }
    for (l, (w, pair)) in start.weights.iter().zip(problem.widths.windows(2)).enumerate() {
        if w.shape() != (pair[1], pair[0]) {
            return refused(format!("W_{} is {:?}, needed is {:?}", l + 1, w.shape(), (pair[1], pair[0])));
        }
    }
    Ok(())
}

/// One request.
struct Law<'a> {
    problem: &'a DeepLinear,
    frame: Frame,
    rates: Rates,
    parsed: Vec<Observable>,
    names: &'a [String],
    times: &'a [f64],
}

impl Law<'_> {
    /// Decoupled modes of a stated start.
    fn aligned(self) -> Result<Curve, LawError> {
        let layers = self.problem.weight_layers();
        let modes = self.frame.strengths.iter().zip(&self.frame.variances);
        let modes = modes.map(|(&s, &variance)| (s, self.rates.rate * variance));
        let motion = match &self.problem.init {
            Init::Unbalanced { a, b } => {
                let modes: Vec<_> =
                    modes.zip(a.iter().zip(b)).map(|((s, rate), (&a, &b))| (s, a, b, rate)).collect();
                Modes::unbalanced(&modes, self.rates.saturates)
            }
            Init::Aligned { u0 } => {
                let modes: Vec<_> = modes.zip(u0).map(|((s, rate), &u0)| (s, u0, rate)).collect();
                Modes::balanced(&modes, layers, self.rates.saturates, self.rates.tolerance)
            }
            _ => return Err(LawError::Start { reason: "an aligned start is needed".into() }),
        };
        self.run(motion).map(|(curve, _)| curve)
    }

    /// Two layers from vanishing random weights.
    fn vanishing(self, start: &Measured) -> Result<Curve, LawError> {
        let strengths = &self.frame.strengths;
        let tie = |pair: &[f64]| pair[0] - pair[1] <= TIE * strengths[0] && pair[1] > TIE * strengths[0];
        if let Some(pair) = strengths.windows(2).find(|pair| tie(pair)) {
            let reason = format!(
                "the law of vanishing initial scale needs mode strengths that differ, and the target has {} twice: \
                 modes that grow at one rate share their directions",
                pair[0]
            );
            return Err(LawError::Uncovered { reason });
        }
        let (w1, w2) = (&start.weights[0], &start.weights[1]);
        let u0 = effective_starts(w1, w2, &self.frame.left, &self.frame.right);
        if u0.iter().any(|&u| u <= 0.0) {
            let reason = "there are more modes than hidden units".to_string();
            return Err(LawError::Start { reason });
        }
        let modes = self.frame.strengths.iter().zip(&self.frame.variances).zip(&u0);
        let modes: Vec<_> = modes.map(|((&s, &variance), &u0)| (s, u0, self.rates.rate * variance)).collect();
        let motion = Modes::balanced(&modes, 2, self.rates.saturates, self.rates.tolerance);
        self.run(motion).map(|(curve, _)| curve)
    }

    /// Any weights: the matrix solution where it holds, otherwise the flow.
    fn measured(self, start: &Measured) -> Result<Curve, LawError> {
        let (cross, input) = match &self.frame.sample {
            Some(sample) => (sample.cross.clone(), Some(sample.input.clone())),
            None => match &self.frame.input {
                None => (self.frame.target.clone(), None),
                Some(sigma) => (product(&self.frame.target, sigma), Some(sigma.clone())),
            },
        };
        let variance = input.as_ref().map_or(Some(1.0), white);
        let lambda = if start.weights.len() == 2 { imbalance(&start.weights) } else { None };
        if let (Some(lambda), Some(variance)) = (lambda, variance) {
            let s = &cross / variance;
            let lambda = if self.rates.saturates { lambda } else { 0.0 };
            let solution = Balanced::new(&start.weights[0], &start.weights[1], &s, lambda)
                .map_err(|error| LawError::Integration { reason: error.to_string() })?
                .with_stride(self.rates.stride);
            let solution = if self.rates.saturates { solution } else { solution.without_saturation() };
            let motion = Clocked { solution, rate: self.rates.rate * variance };
            return self.run(motion).map(|(curve, _)| curve);
        }
        let drive = Drive { cross, input, rate: self.rates.rate, saturates: self.rates.saturates };
        let motion = Flow::new(&start.weights, drive, self.rates.tolerance);
        let (mut curve, flow) = self.run(motion)?;
        curve.work.rhs_calls = flow.stats.rhs_calls;
        curve.work.steps = flow.stats.steps();
        curve.work.rejected_steps = flow.stats.rejected_steps;
        Ok(curve)
    }

    fn run<M: Motion>(self, mut motion: M) -> Result<(Curve, M), LawError> {
        let layers = self.problem.weight_layers();
        let strongest = self.frame.strengths.iter().fold(0.0_f64, |a, &s| a.max(s));
        let widest = self.problem.input_variance.iter().fold(0.0_f64, |a, &v| a.max(v));
        let depth = layers as f64;
        let rate = self.rates.rate * widest * depth * strongest.powf(2.0 - 2.0 / depth);
        let mut reader = Reader { frame: self.frame, layers, start: None };
        // The state at time 0 exists for every form: it is where it starts.
        motion.advance(0.0).map_err(|_| LawError::Start { reason: "the start is not finite".into() })?;
        if self.parsed.contains(&Observable::KernelDrift) {
            reader.start = Some(reader.blocks(&motion.state()));
        }
        let zero = State::Blocks(Blocks::of_weights(&[reader.frame.target.map(|_| 0.0)]));
        let thresholds = Thresholds {
            fraction: self.problem.learnt_fraction,
            loss: self.problem.learnt_loss * reader.training_loss(&zero),
            stride: if rate > 0.0 { 2.0 / rate } else { f64::INFINITY },
        };
        follow(motion, &reader, thresholds, &self.parsed, self.names, self.times)
    }
}

/// The common diagonal of a multiple of the identity, if it is one to rounding.
fn white(sigma: &DMatrix<f64>) -> Option<f64> {
    let n = sigma.nrows();
    let variance = sigma.trace() / n as f64;
    let rest = (sigma - DMatrix::identity(n, n) * variance).amax();
    (rest <= 1e-12 * n as f64 * variance).then_some(variance)
}

/// lambda of W_2^T W_2 - W_1 W_1^T = lambda I, if the weights are balanced to rounding.
fn imbalance(weights: &[DMatrix<f64>]) -> Option<f64> {
    let difference =
        transpose_product(&weights[1], &weights[1]) - product_transpose(&weights[0], &weights[0]);
    let n = difference.nrows();
    let lambda = difference.trace() / n as f64;
    let scale = weights.iter().map(|w| w.norm_squared()).fold(0.0, f64::max);
    let rest = (difference - DMatrix::identity(n, n) * lambda).amax();
    (rest <= 1e-12 * scale).then_some(lambda)
}

/// Effective strengths of the modes of two layers for vanishing random weights.
///
/// Small weights first grow linearly: of mode i only h_i = row i of (U^T W_2 + (W_1 V)^T)/2 grows, at the rate s_i.
/// A mode that is learnt binds its direction h_i among the hidden units and suppresses the part of weaker modes
/// along it (their growth rate there is s_j - s_i < 0), so mode j starts from what is orthogonal to all stronger
/// ones. Exact as the scale of the weights vanishes, for strengths that descend without ties. With |h_i|^2
/// itself, as the literature states it, times to learn keep an error of order (modes / hidden units) / (log
/// scale).
pub fn effective_starts(
    w1: &DMatrix<f64>,
    w2: &DMatrix<f64>,
    left: &DMatrix<f64>,
    right: &DMatrix<f64>,
) -> Vec<f64> {
    let h = growing_directions(w1, w2, left, right);
    let mut frame: Vec<DVector<f64>> = Vec::new();
    let mut starts = Vec::new();
    for row in h.row_iter() {
        let mut rest = row.transpose();
        // Gram-Schmidt twice: orthogonal to rounding.
        for _ in 0..2 {
            for q in &frame {
                let along = q.dot(&rest);
                rest -= q * along;
            }
        }
        let squared = rest.norm_squared();
        // What is left of a row within the span of the others is rounding.
        let independent = squared > 1e-24 * row.norm_squared();
        starts.push(if independent { squared } else { 0.0 });
        if independent {
            frame.push(rest / squared.sqrt());
        }
    }
    starts
}

/// Rows h_i = row i of (U^T W_2 + (W_1 V)^T)/2.
pub fn growing_directions(
    w1: &DMatrix<f64>,
    w2: &DMatrix<f64>,
    left: &DMatrix<f64>,
    right: &DMatrix<f64>,
) -> DMatrix<f64> {
    0.5 * (transpose_product(left, w2) + product(w1, right).transpose())
}

/// The value of a named asymptotic formula of the problem; see [`super::overlay`].
///
/// # Errors
/// [`LawError`]: an unknown name, or a problem outside the formula.
pub fn overlay(problem: &DeepLinear, name: &str) -> Result<f64, LawError> {
    let refused = |reason: &str| Err(LawError::Overlay { name: name.into(), reason: reason.into() });
    let layers = problem.weight_layers();
    if name == "largest-singular-value" {
        let Init::Gaussian { gain } = problem.init else { return refused("the weights are not Gaussian") };
        if problem.widths.iter().any(|&width| width != problem.inputs()) {
            return refused("the layers are not square");
        }
        let depth = layers as f64;
        let edge = (depth + 1.0) * ((depth + 1.0) / depth).powf(depth);
        return Ok(gain.powf(depth) * edge.sqrt());
    }
    if !KIND.overlays.iter().any(|(known, _)| *known == name) {
        let known: Vec<&str> = KIND.overlays.iter().map(|(name, _)| *name).collect();
        return Err(LawError::UnknownOverlay { name: name.into(), known: known.join(", ") });
    }
    let Init::Aligned { u0 } = &problem.init else { return refused("the start is not aligned") };
    let frame = Frame::stated(problem)?;
    let (s, u0, u) = (frame.strengths[0], u0[0], problem.learnt_fraction * frame.strengths[0]);
    let rate = problem.learning_rate * frame.variances[0];
    if !(0.0 < u0 && u0 < u) {
        return refused("the mode starts beyond its threshold");
    }
    match name {
        "first-mode-time" => Ok(learning_time(layers, s, u0, u) / rate),
        "small-start-time" if layers > 2 => Ok(small_start_time(layers, s, u0) / rate),
        "small-start-time" => refused("it holds for more than two layers"),
        _ => Ok(infinite_depth_time(s, u0, u) / (rate * layers as f64)),
    }
}
