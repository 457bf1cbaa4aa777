//! Least squares by stochastic gradient descent, on fresh samples or on a data set.

mod parameters;
mod spectrum;

pub use parameters::KIND;
pub use spectrum::{Group, Spectrum, Target};

use super::spec::{Settings, Violation};
use super::{Definition, Method, ObservableInfo, ProblemKind, scaling};
use nalgebra::DMatrix;

/// How the rate moves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    Constant,
    /// eta / sqrt(b_0^2 + sum of |gradient|^2 / d^2), this update's gradient included.
    AdaGradNorm {
        offset: f64,
    },
}

/// Which law.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moments {
    Limit,
    /// The exact second moments for Gaussian inputs at every d.
    Gaussian,
    /// Several passes on the measured spectrum of every replica's data.
    Data,
}

/// What is asked of the updates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Find {
    /// The course of learning.
    Course,
    /// The largest gamma at which the mean square of w - w* stays bounded, whatever the start.
    LargestStableRate {
        /// Runs that a simulation keeps beside each other.
        walkers: usize,
        /// Units of time that its search takes.
        duration: f64,
    },
}

/// Inputs x ~ N(0, H), labels y = x.w* + sigma zeta, start at w = 0.
///
/// One update is w -= (gamma/d) mean over B samples of (x.w - y) x. Time counts updates / d on fresh samples, epochs
/// (updates / n) on a data set of n samples that is drawn once; the samples of a batch are drawn with replacement, or
/// all different.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamingSgd {
    pub spectrum: Spectrum,
    pub target: Target,
    /// n/d; `None` for fresh samples.
    pub sample_ratio: Option<f64>,
    /// Whether a sample of the data set may stand twice in a batch.
    pub replacement: bool,
    /// gamma, or eta of AdaGrad-norm.
    pub learning_rate: f64,
    pub rule: Rule,
    /// sigma.
    pub noise_std: f64,
    /// B.
    pub batch: usize,
    pub moments: Moments,
    pub find: Find,
}

/// What the law needs of one data set: A = X / sqrt(d), n x d, with X's rows the samples.
#[derive(Clone, Debug, PartialEq)]
pub struct DataStart {
    /// Eigenvalues of A^T A that are not 0, descending.
    pub eigenvalues: Vec<f64>,
    /// Their eigenvectors as rows, in the eigenbasis of H.
    pub modes: DMatrix<f64>,
    /// sqrt(d) v_i.(w_0 - w_LS), the start from the least-squares solution.
    pub distance: Vec<f64>,
    /// sqrt(d) (w_LS - w*), where w_LS keeps the start's part beyond the modes.
    pub offset: Vec<f64>,
    /// |A sqrt(d) w_LS - y|^2 / (2 n).
    pub least_loss: f64,
    pub samples: usize,
}

const DECLARED: &str = "every key is declared and checked";

impl StreamingSgd {
    /// n for this dimension.
    pub fn samples(&self, d: usize) -> Option<usize> {
        self.sample_ratio.map(|ratio| (ratio * d as f64).round() as usize)
    }

    /// Share p of the noise of one sample that the mean of a batch keeps, among n samples: 1/B, or (n - B) / (B (n - 1))
    /// where all are different.
    pub fn kept_noise(&self, n: usize) -> f64 {
        let (n, b) = (n as f64, self.batch as f64);
        if self.replacement {
            1.0 / b
        } else if n > 1.0 {
            (n - b) / (b * (n - 1.0))
        } else {
            0.0
        }
    }

    /// Updates in one unit of time.
    fn updates_per_time(&self, d: usize) -> usize {
        self.samples(d).unwrap_or(d)
    }

    pub fn updates_at(&self, time: f64, d: usize) -> u64 {
        scaling::updates_at(time, self.updates_per_time(d))
    }

    pub fn time_of(&self, updates: u64, d: usize) -> f64 {
        scaling::time_of(updates, self.updates_per_time(d))
    }

    /// See [`super::Problem::from_settings`].
    ///
    /// # Errors
    /// A spectrum that is empty or cannot be read.
    pub fn from_settings(settings: &Settings) -> Result<Self, Vec<Violation>> {
        let mut broken = Vec::new();
        let (kind, keys) = settings.tagged("rule").expect(DECLARED);
        let rule = match kind {
            "adagrad-norm" => Rule::AdaGradNorm { offset: keys.number("offset").expect(DECLARED) },
            _ => Rule::Constant,
        };
        let (_, data) = settings.tagged("data").expect(DECLARED);
        let (find, search) = settings.tagged("find").expect(DECLARED);
        let spectrum = Spectrum::from_settings(settings, &mut broken);
        let problem = Self {
            spectrum,
            target: Target::from_settings(settings),
            sample_ratio: data.number("sample_ratio"),
            replacement: data.flag("replacement").unwrap_or(true),
            learning_rate: settings.number("learning_rate").expect(DECLARED),
            rule,
            noise_std: settings.number("noise_std").expect(DECLARED),
            batch: settings.count("batch").expect(DECLARED),
            moments: match settings.text("moments") {
                Some("gaussian") => Moments::Gaussian,
                Some("data") => Moments::Data,
                _ => Moments::Limit,
            },
            find: match find {
                "largest-stable-rate" => Find::LargestStableRate {
                    walkers: search.count("walkers").expect(DECLARED),
                    duration: search.number("duration").expect(DECLARED),
                },
                _ => Find::Course,
            },
        };
        if broken.is_empty() { Ok(problem) } else { Err(broken) }
    }
}

impl Definition for StreamingSgd {
    fn kind(&self) -> &'static ProblemKind {
        &KIND
    }

    fn observables(&self) -> Vec<ObservableInfo> {
        let scalar = |name, label, doc| ObservableInfo {
            name,
            label,
            doc,
            shape: vec![],
            // The exact mean of runs that spread is compared by ratios, not by means of logarithms.
            positive: self.moments != Moments::Gaussian && !matches!(name, "log_risk" | "growth_rate"),
            symmetric: false,
        };
        if self.find != Find::Course {
            let doc =
                "largest rate γ with a bounded mean square, step η = γ/d; learning_rate itself is not used";
            return vec![ObservableInfo {
                positive: true,
                ..scalar("largest_stable_rate", "largest stable $γ$", doc)
            }];
        }
        let mut list = vec![
            scalar("risk", "$Ψ$", "half the mean squared error on fresh samples, label noise included"),
            scalar("excess_risk", "$Ψ$ − $σ$^{2}/2", "the risk without label noise"),
            scalar("distance", "|$w$ − $w$*|^{2}", "squared distance to the target"),
            scalar("rate", "$γ$", "rate of the next update"),
            scalar("log_risk", "ln $Ψ$", "logarithm of the risk: its mean over runs is the typical one"),
            scalar(
                "growth_rate",
                "d ln $Ψ$/d$t$",
                "logarithm of the risk over that at time 0, divided by the time; 0 at time 0",
            ),
        ];
        if self.sample_ratio.is_some() {
            list.push(scalar(
                "training_loss",
                "training loss",
                "half the mean squared error on the data set",
            ));
        }
        list
    }

    /// Whether the scenario says all that the law needs of the start.
    fn states_start(&self) -> bool {
        self.moments != Moments::Data
    }

    fn law_needs_size(&self) -> bool {
        self.moments == Moments::Gaussian || (self.moments != Moments::Data && self.groups(0).is_none())
    }

    /// The spectrum of drawn data is known only when they are drawn.
    fn limit_start_warning(&self) -> Option<String> {
        (self.moments == Moments::Data).then(|| {
            "moments = \"data\" is the law on the spectrum of every replica's data; use law.start = \"replica\"".into()
        })
    }

    /// Why no law covers the problem, if so.
    fn uncovered(&self) -> Option<String> {
        let constant = self.rule == Rule::Constant;
        if self.find != Find::Course && !constant {
            return Some("the largest stable rate is that of a constant one".into());
        }
        if self.find != Find::Course && self.sample_ratio.is_some() && self.moments != Moments::Data {
            return Some(
                "the largest stable rate on a data set is that of each one; set moments = \"data\"".into(),
            );
        }
        if self.moments == Moments::Gaussian && (self.sample_ratio.is_some() || !constant) {
            return Some("the exact Gaussian moments are those of one pass at a constant rate".into());
        }
        if self.sample_ratio.is_some() && !constant {
            return Some("AdaGrad-norm has a law on fresh samples only".into());
        }
        let white = matches!(self.spectrum, Spectrum::Isotropic { .. });
        match (self.sample_ratio, self.moments) {
            (Some(_), Moments::Limit) if !white => {
                Some("the limit of several passes is that of white inputs; set moments = \"data\"".into())
            }
            (None, Moments::Data) => Some("fresh samples have no data set to measure".into()),
            _ => None,
        }
    }

    fn replica_bytes(&self, d: usize, _method: Method) -> f64 {
        let data = self.samples(d).map_or(0.0, |n| 4.0 * (n * d) as f64);
        let walkers = match self.find {
            Find::Course => 0.0,
            Find::LargestStableRate { walkers, .. } => 2.0 * (walkers * d) as f64,
        };
        8.0 * (data + walkers + 8.0 * d as f64)
    }

    fn recorded_time(&self, time: f64, size: usize) -> f64 {
        self.time_of(self.updates_at(time, size), size)
    }

    /// See [`Definition::cost`]: 2 ns per coordinate and sample.
    fn cost(&self, end: f64, d: usize, _method: Method, law: bool) -> f64 {
        let (end, runs) = match self.find {
            Find::Course => (end, 1),
            Find::LargestStableRate { walkers, duration } => (duration, walkers),
        };
        let samples = end * (self.updates_per_time(d) * self.batch * runs) as f64;
        2e-9 * samples * d as f64 + if law { 0.05 } else { 0.0 }
    }
}
