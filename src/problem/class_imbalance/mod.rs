//! Softmax regression on classes of unequal frequency.

mod frequencies;
mod parameters;

pub use frequencies::Frequencies;
pub use parameters::KIND;

use super::definition::{IdleKey, idle_where};
use super::scaling;
use super::spec::{Settings, Violation};
use super::{Definition, Method, ObservableInfo, ProblemKind};

/// What the network sees of class k.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Inputs {
    /// The unit vector e_k: d = c, every sample of a class is the same.
    OneHot,
    /// Samples with independent entries, uniform on [0, scale].
    Uniform { dimension: usize, scale: f64 },
    /// Samples with independent N(0, scale^2) entries.
    Gaussian { dimension: usize, scale: f64 },
}

/// Full-batch update of the weights w with gradient g, step eta = `learning_rate` / size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Algorithm {
    /// w <- w - eta g.
    Gd,
    /// v <- mu v + g, w <- w - eta v.
    HeavyBall { momentum: f64 },
    /// w <- w - eta g / |g|, the norm over all weights.
    NormalisedGd,
    /// w <- w - eta sign(g), sign(0) = 0.
    Sign,
    /// m <- beta1 m + (1 - beta1) g, v <- beta2 v + (1 - beta2) g^2, w <- w - eta m^ / (sqrt(v^) + epsilon), with the
    /// bias corrections m^ = m / (1 - beta1^n), v^ = v / (1 - beta2^n) after n updates.
    Adam { beta1: f64, beta2: f64, epsilon: f64 },
}

/// Which weights of a one-hot problem are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// For every frequency the own weight of its classes and one for all others: from zero weights, all c - 1 others
    /// receive the same numbers in every update of every algorithm here, and so do classes of one frequency.
    Paired,
    /// The whole c x c matrix.
    Dense,
}

/// Logits W x, loss = mean over samples of -ln softmax(W x)_label, weights 0 at time 0; time = updates / size.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassImbalance {
    pub inputs: Inputs,
    pub frequencies: Frequencies,
    /// n of random inputs; groups count their own.
    pub samples: Option<usize>,
    pub algorithm: Algorithm,
    /// kappa.
    pub learning_rate: f64,
    pub storage: Storage,
    /// pi_k, summing to 1.
    pub shares: Vec<f64>,
    /// The group of every class, from 0.
    pub group_of: Vec<usize>,
    /// Number of groups.
    pub groups: usize,
}

const DECLARED: &str = "every key is declared and checked";

impl ClassImbalance {
    /// c.
    pub fn classes(&self) -> usize {
        self.shares.len()
    }

    /// Length of one update.
    pub fn step(&self, size: usize) -> f64 {
        self.learning_rate * scaling::time_of(1, size)
    }

    /// Samples of every class with random inputs: those of a group, or n pi_k rounded, at least one.
    pub fn counts(&self) -> Vec<usize> {
        if let Frequencies::Groups { count } = self.frequencies {
            return frequencies::group_counts(count);
        }
        let n = self.samples.unwrap_or(0) as f64;
        self.shares.iter().map(|pi| ((n * pi).round() as usize).max(1)).collect()
    }

    /// Dimension and samples of random inputs.
    fn shape(&self) -> Option<(usize, usize)> {
        match self.inputs {
            Inputs::OneHot => None,
            Inputs::Uniform { dimension, .. } | Inputs::Gaussian { dimension, .. } => {
                Some((dimension, self.counts().iter().sum()))
            }
        }
    }

    /// Different frequencies.
    fn distinct(&self) -> usize {
        1 + self.shares.windows(2).filter(|pair| pair[0] != pair[1]).count()
    }

    fn states(&self) -> f64 {
        match self.algorithm {
            Algorithm::Adam { .. } => 4.0,
            Algorithm::HeavyBall { .. } => 3.0,
            _ => 2.0,
        }
    }

    /// See [`super::Problem::from_settings`].
    ///
    /// # Errors
    /// Frequencies that are none, random inputs without samples, momenta of 1 and more.
    pub fn from_settings(settings: &Settings) -> Result<Self, Vec<Violation>> {
        let mut broken = Vec::new();
        let (kind, keys) = settings.tagged("inputs").expect(DECLARED);
        let dimension = || keys.count("dimension").expect(DECLARED);
        let scale = || keys.number("scale").expect(DECLARED);
        let inputs = match kind {
            "uniform" => Inputs::Uniform { dimension: dimension(), scale: scale() },
            "gaussian" => Inputs::Gaussian { dimension: dimension(), scale: scale() },
            _ => Inputs::OneHot,
        };
        let (frequencies, shares) = frequencies::read(settings, &mut broken);
        let samples = settings.count("samples");
        let counted = matches!(frequencies, Frequencies::Groups { .. });
        if inputs != Inputs::OneHot && samples.is_none() && !counted {
            let rule = "is missing, and random inputs are drawn once for every sample";
            broken.push(Violation::new("samples", rule, "give the number of samples, as samples = 1000"));
        }
        let (kind, keys) = settings.tagged("algorithm").expect(DECLARED);
        let mut memory = |key: &'static str| {
            let value = keys.number(key).expect(DECLARED);
            if value >= 1.0 {
                let rule = format!("is {value}: an average that keeps everything never moves");
                broken.push(Violation::new(
                    format!("algorithm.{key}"),
                    rule,
                    "choose a number from 0 to below 1",
                ));
            }
            value
        };
        let algorithm = match kind {
            "heavy-ball" => Algorithm::HeavyBall { momentum: memory("momentum") },
            "normalised-gd" => Algorithm::NormalisedGd,
            "sign" => Algorithm::Sign,
            "adam" => Algorithm::Adam {
                beta1: memory("beta1"),
                beta2: memory("beta2"),
                epsilon: keys.number("epsilon").expect(DECLARED),
            },
            _ => Algorithm::Gd,
        };
        let storage = match settings.text("storage").expect(DECLARED) {
            "dense" => Storage::Dense,
            _ => Storage::Paired,
        };
        if !broken.is_empty() {
            return Err(broken);
        }
        let wanted = settings.count("loss_groups").expect(DECLARED);
        let (group_of, groups) = frequencies::grouped(&frequencies, &shares, wanted);
        Ok(Self {
            inputs,
            frequencies,
            samples,
            algorithm,
            learning_rate: settings.number("learning_rate").expect(DECLARED),
            storage,
            shares,
            group_of,
            groups,
        })
    }
}

impl Definition for ClassImbalance {
    fn kind(&self) -> &'static ProblemKind {
        &KIND
    }

    fn idle_keys(&self) -> Vec<IdleKey> {
        idle_where([
            (self.inputs == Inputs::OneHot, "samples", "one-hot inputs have no samples, only frequencies"),
            (
                self.inputs != Inputs::OneHot && matches!(self.frequencies, Frequencies::Groups { .. }),
                "samples",
                "groups count their own samples",
            ),
            (self.inputs != Inputs::OneHot, "storage", "it concerns one-hot inputs"),
            (
                matches!(self.frequencies, Frequencies::Groups { .. }),
                "loss_groups",
                "the frequencies state groups themselves",
            ),
        ])
    }

    fn observables(&self) -> Vec<ObservableInfo> {
        let entry = |name, label, doc, shape, positive| ObservableInfo {
            name,
            label,
            doc,
            shape,
            positive,
            symmetric: false,
        };
        vec![
            entry("loss", "loss", "mean cross-entropy over samples", vec![], true),
            entry(
                "class_loss",
                "$ℓ$",
                "mean cross-entropy over the samples of class k, the most frequent first",
                vec![self.classes()],
                true,
            ),
            entry(
                "group_loss",
                "$L$",
                "mean cross-entropy over the samples of a group of classes, the most frequent first",
                vec![self.groups],
                true,
            ),
            entry(
                "margin",
                "$z$",
                "logit of the label less the largest other one, mean over the samples of class k",
                vec![self.classes()],
                false,
            ),
        ]
    }

    /// Why no law covers the problem, if so.
    fn uncovered(&self) -> Option<String> {
        (self.inputs != Inputs::OneHot)
            .then(|| "classes decouple for one-hot inputs alone; random inputs have no closed law".into())
    }

    fn replica_bytes(&self, _size: usize, _method: Method) -> f64 {
        let c = self.classes() as f64;
        8.0 * match (self.shape(), self.storage) {
            (Some((d, n)), _) => {
                let (d, n) = (d as f64, n as f64);
                self.states() * c * d + n * (d + 2.0 * c)
            }
            (None, Storage::Dense) => self.states() * c * c,
            (None, Storage::Paired) => 2.0 * self.states() * c,
        }
    }

    fn recorded_time(&self, time: f64, size: usize) -> f64 {
        scaling::time_of(scaling::updates_at(time, size), size)
    }

    /// See [`Definition::cost`]: 20 ns for an exponential and what goes with it, 0.2 ns per multiplication.
    fn cost(&self, end: f64, size: usize, _method: Method, law: bool) -> f64 {
        let c = self.classes() as f64;
        let update = match (self.shape(), self.storage) {
            (Some((d, n)), _) => 2e-8 * c * n as f64 + 4e-10 * c * (d * n) as f64,
            (None, Storage::Dense) => 2e-8 * c * c,
            (None, Storage::Paired) => 3e-8 * self.distinct() as f64,
        };
        end * size as f64 * update + if law { 1e-5 * c } else { 0.0 }
    }

    fn size_symbol(&self) -> &'static str {
        "$κ$/$η$"
    }
}
