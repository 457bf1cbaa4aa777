//! The noisy quadratic model: independent modes, exact in the mean at every number of them.

mod parameters;

pub use parameters::KIND;

use super::spec::{Settings, Violation};
use super::{Definition, Method, ObservableInfo, ProblemKind};
use std::f64::consts::PI;

/// Curvatures h_1, ..., h_K.
#[derive(Clone, Debug, PartialEq)]
pub enum Spectrum {
    /// h_i = i^-exponent.
    PowerLaw { exponent: f64 },
    /// Repeated in turn.
    List { values: Vec<f64> },
}

impl Spectrum {
    pub fn curvatures(&self, modes: usize) -> Vec<f64> {
        match self {
            Self::PowerLaw { exponent } => (1..=modes).map(|i| libm::pow(i as f64, -exponent)).collect(),
            Self::List { values } => values.iter().copied().cycle().take(modes).collect(),
        }
    }
}

/// The update.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Optimizer {
    Sgd,
    /// v <- mu v - eta g(theta), theta <- theta + v.
    Momentum {
        momentum: f64,
    },
    /// The gradient is taken at theta + mu v.
    Nesterov {
        momentum: f64,
    },
}

/// How the rate moves.
#[derive(Clone, Debug, PartialEq)]
pub enum Schedule {
    Constant,
    Linear {
        steps: f64,
    },
    Cosine {
        steps: f64,
    },
    /// Pieces of equal length with these factors; the last one stays.
    Piecewise {
        steps: f64,
        factors: Vec<f64>,
    },
}

impl Schedule {
    /// Factor on the rate of the update after `completed` ones.
    pub fn factor(&self, completed: u64) -> f64 {
        let k = completed as f64;
        match self {
            Self::Constant => 1.0,
            Self::Linear { steps } => (1.0 - k / steps).max(0.0),
            Self::Cosine { steps } => 0.5 * (1.0 + libm::cos(PI * (k / steps).min(1.0))),
            Self::Piecewise { steps, factors } => {
                let piece = (k / steps * factors.len() as f64) as usize;
                factors[piece.min(factors.len() - 1)]
            }
        }
    }

    /// The first update after that of `completed` ones whose factor may differ; `u64::MAX` once the rate stays.
    pub fn steady_until(&self, completed: u64) -> u64 {
        let ended = |steps: f64| completed as f64 >= steps;
        match self {
            Self::Constant => u64::MAX,
            Self::Linear { steps } | Self::Cosine { steps } if ended(*steps) => u64::MAX,
            Self::Linear { .. } | Self::Cosine { .. } => completed + 1,
            Self::Piecewise { steps, factors } => {
                let count = factors.len() as f64;
                // As `factor` rounds it: the end by division can be one update off.
                let piece = |k: u64| (k as f64 / steps * count).floor();
                let now = piece(completed);
                if now >= count - 1.0 {
                    return u64::MAX;
                }
                let mut end = (((now + 1.0) * steps / count) as u64).max(completed + 1);
                while end > completed + 1 && piece(end - 1) > now {
                    end -= 1;
                }
                while piece(end) <= now {
                    end += 1;
                }
                end
            }
        }
    }
}

/// How tuned rates move: as one rate, or to 0 over exactly the updates that are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    Constant,
    Linear,
    Cosine,
}

impl Shape {
    /// The schedule of this shape over `steps` updates.
    pub fn over(self, steps: u64) -> Schedule {
        let steps = steps as f64;
        match self {
            Self::Constant => Schedule::Constant,
            Self::Linear => Schedule::Linear { steps },
            Self::Cosine => Schedule::Cosine { steps },
        }
    }
}

/// What the law optimises.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Tune {
    Nothing,
    /// Rate and momentum, for the fewest updates to this risk.
    StepsToTarget {
        target: f64,
        shape: Shape,
    },
    /// Constant pieces of equal length of SGD.
    Schedule {
        target: f64,
        pieces: usize,
    },
}

/// Risk 1/2 sum h_i theta_i^2, gradient noise of variance noise_std^2 h_i / B in every update, rate eta h_i^-p.
#[derive(Clone, Debug, PartialEq)]
pub struct NoisyQuadratic {
    pub spectrum: Spectrum,
    /// K where no simulation states it.
    pub modes: usize,
    pub init_std: f64,
    pub noise_std: f64,
    /// B.
    pub batch: f64,
    /// eta.
    pub learning_rate: f64,
    pub optimizer: Optimizer,
    /// p.
    pub preconditioner: f64,
    /// gamma of m <- gamma m + (1 - gamma) theta.
    pub moving_average: f64,
    pub schedule: Schedule,
    pub tune: Tune,
}

const DECLARED: &str = "every key is declared and checked";

impl NoisyQuadratic {
    pub fn updates_at(&self, time: f64) -> u64 {
        time.round() as u64
    }

    /// See [`super::Problem::from_settings`].
    ///
    /// # Errors
    /// Empty lists, a moving average that forgets nothing.
    pub fn from_settings(settings: &Settings) -> Result<Self, Vec<Violation>> {
        let mut broken = Vec::new();
        let number = |key| settings.number(key).expect(DECLARED);
        let (kind, keys) = settings.tagged("spectrum").expect(DECLARED);
        let spectrum = match kind {
            "list" => {
                let values = keys.vector("values", 1).expect(DECLARED);
                if values.is_empty() {
                    broken.push(Violation::new("spectrum.values", "is empty", "give at least one curvature"));
                }
                Spectrum::List { values }
            }
            _ => Spectrum::PowerLaw { exponent: keys.number("exponent").expect(DECLARED) },
        };
        let (kind, keys) = settings.tagged("optimizer").expect(DECLARED);
        let momentum = || keys.number("momentum").expect(DECLARED);
        let optimizer = match kind {
            "momentum" => Optimizer::Momentum { momentum: momentum() },
            "nesterov" => Optimizer::Nesterov { momentum: momentum() },
            _ => Optimizer::Sgd,
        };
        let (kind, keys) = settings.tagged("schedule").expect(DECLARED);
        let steps = || keys.number("steps").expect(DECLARED);
        let schedule = match kind {
            "linear" => Schedule::Linear { steps: steps() },
            "cosine" => Schedule::Cosine { steps: steps() },
            "piecewise" => {
                let factors = keys.vector("factors", 1).expect(DECLARED);
                if factors.is_empty() {
                    broken.push(Violation::new("schedule.factors", "is empty", "give at least one factor"));
                }
                Schedule::Piecewise { steps: steps(), factors }
            }
            _ => Schedule::Constant,
        };
        let (kind, keys) = settings.tagged("tune").expect(DECLARED);
        let target = || keys.number("target").expect(DECLARED);
        let tune = match kind {
            "steps-to-target" => Tune::StepsToTarget {
                target: target(),
                shape: match keys.text("shape") {
                    Some("linear") => Shape::Linear,
                    Some("cosine") => Shape::Cosine,
                    _ => Shape::Constant,
                },
            },
            "schedule" => Tune::Schedule { target: target(), pieces: keys.count("pieces").expect(DECLARED) },
            _ => Tune::Nothing,
        };
        let moving_average = number("moving_average");
        if moving_average >= 1.0 {
            let rule = format!("is {moving_average}: an average that keeps everything never moves");
            broken.push(Violation::new("moving_average", rule, "choose a number from 0 to below 1"));
        }
        let problem = Self {
            spectrum,
            modes: settings.count("modes").expect(DECLARED),
            init_std: number("init_std"),
            noise_std: number("noise_std"),
            batch: number("batch"),
            learning_rate: number("learning_rate"),
            optimizer,
            preconditioner: number("preconditioner"),
            moving_average,
            schedule,
            tune,
        };
        if broken.is_empty() { Ok(problem) } else { Err(broken) }
    }
}

impl Definition for NoisyQuadratic {
    fn kind(&self) -> &'static ProblemKind {
        &KIND
    }

    fn observables(&self) -> Vec<ObservableInfo> {
        let scalar = |name, label, doc| ObservableInfo {
            name,
            label,
            doc,
            shape: vec![],
            // The law is the mean of a risk that spreads at every K: ratios are compared, no logarithms.
            positive: !matches!(name, "best_momentum" | "risk"),
            symmetric: false,
        };
        match self.tune {
            Tune::Nothing => {
                vec![scalar("risk", "risk", "1/2 sum h theta^2, of the moving average where there is one")]
            }
            _ => {
                let mut list = vec![scalar(
                    "steps_to_target",
                    "steps to target",
                    "fewest updates after which the mean risk is at most the target, over all stable rates",
                )];
                if matches!(self.tune, Tune::StepsToTarget { .. }) {
                    list.push(scalar("best_rate", "$η$", "the rate, or first rate, with the fewest updates"));
                    list.push(scalar(
                        "critical_batch",
                        "$B$_{crit}",
                        "batch whose steps to target are twice those without noise; batch itself is not used",
                    ));
                    if self.optimizer != Optimizer::Sgd {
                        list.push(scalar("best_momentum", "$μ$", "the momentum with the fewest updates"));
                    }
                }
                list
            }
        }
    }

    /// Why no law covers the problem, if so.
    fn uncovered(&self) -> Option<String> {
        match self.tune {
            Tune::Nothing => None,
            _ if self.schedule != Schedule::Constant => {
                Some("steps are tuned without a schedule: leave schedule out, and choose tune.shape".into())
            }
            Tune::Schedule { .. } if self.optimizer != Optimizer::Sgd || self.moving_average > 0.0 => {
                Some("schedules are tuned for sgd without a moving average".into())
            }
            _ => None,
        }
    }

    fn replica_bytes(&self, size: usize, _method: Method) -> f64 {
        8.0 * 8.0 * size as f64
    }

    fn law_needs_size(&self) -> bool {
        true
    }

    fn recorded_time(&self, time: f64, _size: usize) -> f64 {
        self.updates_at(time) as f64
    }

    fn size_symbol(&self) -> &'static str {
        "$K$"
    }

    /// See [`Definition::cost`]: 3 ns per mode and update.
    fn cost(&self, end: f64, size: usize, _method: Method, law: bool) -> f64 {
        let tuned = if self.tune == Tune::Nothing { 0.01 } else { 1.0 };
        3e-9 * end * size as f64 + if law { tuned } else { 0.0 }
    }
}
