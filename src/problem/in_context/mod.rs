//! Linear regression in context: prompts of examples, linear self-attention that learns to use them.

mod parameters;

pub use parameters::KIND;

use super::spec::{Settings, Violation};
use super::{Definition, Method, ObservableInfo, ProblemKind};

/// Eigenvalues s_1, ..., s_d of the covariance S of the inputs, which is diagonal.
#[derive(Clone, Debug, PartialEq)]
pub enum Covariance {
    Identity,
    /// s_i = i^-exponent.
    PowerLaw {
        exponent: f64,
    },
    /// Repeated in turn.
    List {
        values: Vec<f64>,
    },
}

/// Covariance of the task w.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prior {
    /// w ~ N(0, I).
    Identity,
    /// w ~ N(0, S^-1).
    InverseCovariance,
}

/// First entries of the attention.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// The label's entry of the value row and a multiple of the identity among inputs; 0 elsewhere.
    Aligned { value: f64, attention: f64 },
    /// Every entry N(0, std^2).
    Random { std: f64 },
}

/// How the gradient becomes a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Optimizer {
    Sgd,
    Adam { beta1: f64, beta2: f64 },
}

/// What predicts the label of the query.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Predictor {
    /// Linear self-attention with all entries free, trained on fresh prompts.
    Attention {
        optimizer: Optimizer,
        rate: f64,
        /// Updates over which the rate falls to 0 as (1 + cos)/2; constant if absent.
        decay: Option<f64>,
        init: Init,
    },
    /// One gradient step from 0 on the examples, yhat = rate x_q . P sum y_i x_i, with P = S^-1 where `preconditioned`.
    OneStep { rate: Option<f64>, preconditioned: bool },
}

/// Prompts of n examples y_i = w.x_i + noise and one query, x ~ N(0, S) in dimension d.
#[derive(Clone, Debug, PartialEq)]
pub struct InContext {
    /// d.
    pub dimension: usize,
    /// n.
    pub context: usize,
    pub covariance: Covariance,
    pub prior: Prior,
    /// s2: variance of the noise on every label.
    pub noise_variance: f64,
    pub predictor: Predictor,
    /// Prompts on which a simulation measures its risk.
    pub test_prompts: usize,
}

const DECLARED: &str = "every key is declared and checked";

impl InContext {
    /// s_1, ..., s_d.
    pub fn input_variances(&self) -> Vec<f64> {
        let d = self.dimension;
        match &self.covariance {
            Covariance::Identity => vec![1.0; d],
            Covariance::PowerLaw { exponent } => (1..=d).map(|i| libm::pow(i as f64, -exponent)).collect(),
            Covariance::List { values } => values.iter().copied().cycle().take(d).collect(),
        }
    }

    /// Variances of the entries of w, in the same order.
    pub fn task_variances(&self) -> Vec<f64> {
        match self.prior {
            Prior::Identity => vec![1.0; self.dimension],
            Prior::InverseCovariance => self.input_variances().into_iter().map(|s| 1.0 / s).collect(),
        }
    }

    /// See [`super::Problem::from_settings`].
    ///
    /// # Errors
    /// Empty or nonpositive lists, moment rates of 1 or more.
    pub fn from_settings(settings: &Settings) -> Result<Self, Vec<Violation>> {
        let mut broken = Vec::new();
        let (kind, keys) = settings.tagged("covariance").expect(DECLARED);
        let covariance = match kind {
            "power-law" => Covariance::PowerLaw { exponent: keys.number("exponent").expect(DECLARED) },
            "list" => {
                let values = keys.vector("values", 1).expect(DECLARED);
                if values.is_empty() {
                    broken.push(Violation::new(
                        "covariance.values",
                        "is empty",
                        "give at least one eigenvalue",
                    ));
                }
                Covariance::List { values }
            }
            _ => Covariance::Identity,
        };
        let prior = match settings.text("prior").expect(DECLARED) {
            "inverse-covariance" => Prior::InverseCovariance,
            _ => Prior::Identity,
        };
        let (kind, keys) = settings.tagged("predictor").expect(DECLARED);
        let predictor = match kind {
            "one-step" => Predictor::OneStep {
                rate: keys.number("rate"),
                preconditioned: keys.flag("preconditioned").expect(DECLARED),
            },
            _ => Predictor::Attention {
                optimizer: optimizer(keys, &mut broken),
                rate: keys.number("rate").expect(DECLARED),
                decay: keys.number("decay"),
                init: init(keys),
            },
        };
        let problem = Self {
            dimension: settings.count("dimension").expect(DECLARED),
            context: settings.count("context").expect(DECLARED),
            covariance,
            prior,
            noise_variance: settings.number("noise_variance").expect(DECLARED),
            predictor,
            test_prompts: settings.count("test_prompts").expect(DECLARED),
        };
        if broken.is_empty() { Ok(problem) } else { Err(broken) }
    }
}

impl Definition for InContext {
    fn kind(&self) -> &'static ProblemKind {
        &KIND
    }

    fn observables(&self) -> Vec<ObservableInfo> {
        let scalar = |name, label, doc, positive| ObservableInfo {
            name,
            label,
            doc,
            shape: vec![],
            positive,
            symmetric: false,
        };
        let risk = "excess risk";
        vec![
            scalar("risk", risk, "mean of (yhat - w.x_q)^2 over prompts", true),
            scalar("best_risk", risk, "risk; law: that of the best preconditioned step, at every time", true),
            scalar(
                "rate",
                "$η$",
                "tr(M S)/d of the step yhat = x_q . M^T sum y_i x_i: the learning rate where S = I or P = S^-1",
                false,
            ),
            scalar(
                "best_rate",
                "$η$",
                "rate; law: that of the best preconditioned step, at every time",
                false,
            ),
            scalar("rate_first", "$η$_{1}", "s_1 M_11, the rate along the first direction", false),
            scalar("rate_last", "$η$_{d}", "s_d M_dd, the rate along the last direction", false),
            scalar(
                "off_diagonal",
                "off-diagonal",
                "root mean square of the off-diagonal entries of M",
                false,
            ),
        ]
    }

    fn replica_bytes(&self, _size: usize, _method: Method) -> f64 {
        let d = (self.dimension + 1) as f64;
        8.0 * (d * (self.context as f64 + 2.0) + 8.0 * d * d)
    }

    fn recorded_time(&self, time: f64, _size: usize) -> f64 {
        time.round()
    }

    fn size_symbol(&self) -> &'static str {
        "$B$"
    }

    /// 4 ns per number of a prompt.
    fn cost(&self, end: f64, size: usize, _method: Method, law: bool) -> f64 {
        let numbers = ((self.dimension + 1) * (self.context + 2)) as f64;
        let prompts = match self.predictor {
            Predictor::Attention { .. } => end * size as f64,
            Predictor::OneStep { .. } => size as f64,
        };
        let law = if law { 1e-8 * end * self.dimension as f64 + 1e-4 } else { 0.0 };
        4e-9 * numbers * (prompts + self.test_prompts as f64) + law
    }
}

fn optimizer(keys: &Settings, broken: &mut Vec<Violation>) -> Optimizer {
    let (kind, keys) = keys.tagged("optimizer").expect(DECLARED);
    if kind != "adam" {
        return Optimizer::Sgd;
    }
    let mut beta = |key: &str| {
        let value = keys.number(key).expect(DECLARED);
        if value >= 1.0 {
            let rule = format!("is {value}: an average that keeps everything never moves");
            broken.push(Violation::new(
                format!("predictor.optimizer.{key}"),
                rule,
                "choose a number from 0 to below 1",
            ));
        }
        value
    };
    Optimizer::Adam { beta1: beta("beta1"), beta2: beta("beta2") }
}

fn init(keys: &Settings) -> Init {
    let (kind, keys) = keys.tagged("init").expect(DECLARED);
    let number = |key| keys.number(key).expect(DECLARED);
    match kind {
        "random" => Init::Random { std: number("std") },
        _ => Init::Aligned { value: number("value"), attention: number("attention") },
    }
}
