//! Fine-tuning of pretrained linear models.

mod parameters;

pub use parameters::KIND;

use super::definition::{IdleKey, idle_where};
use super::spec::{Settings, Violation};
use super::{Definition, Method, ObservableInfo, ProblemKind};

/// What the samples ask for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Task {
    /// y = x.w* + sigma zeta, w* - w_0 of this length in a random direction.
    Regression { distance: f64, noise_std: f64 },
    /// x = y mu + z, labels +-1.
    Classification { separation: f64, pretrained_norm: f64, alignment: f64 },
}

/// Law of the entries of z, mean 0 and variance 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Inputs {
    Gaussian,
    Rademacher,
    ChiSquare,
    Bernoulli { probability: f64 },
    StudentT { degrees: f64 },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Solver {
    Interpolation,
    GradientDescent,
    Sgd,
}

/// n = d / `overparametrisation` samples, weights from w_0 to interpolation.
#[derive(Clone, Debug, PartialEq)]
pub struct Transfer {
    pub task: Task,
    /// d/n.
    pub overparametrisation: f64,
    /// Eigenvalues of the covariance and their shares of the dimensions.
    pub spectrum: Vec<(f64, f64)>,
    pub inputs: Inputs,
    pub solver: Solver,
    pub learning_rate: f64,
}

const DECLARED: &str = "every key is declared and checked";

impl Transfer {
    /// n.
    pub fn samples(&self, d: usize) -> usize {
        (d as f64 / self.overparametrisation).round() as usize
    }

    /// Variance of the inputs in every direction, if there is one.
    pub fn isotropic_variance(&self) -> Option<f64> {
        let &(first, _) = self.spectrum.first()?;
        self.spectrum.iter().all(|&(l, _)| l == first).then_some(first)
    }

    /// Eigenvalue of every coordinate.
    pub fn eigenvalues(&self, d: usize) -> Vec<f64> {
        let mut list = Vec::with_capacity(d);
        let mut share = 0.0;
        for &(l, fraction) in &self.spectrum {
            share += fraction;
            list.resize(((share * d as f64).round() as usize).min(d), l);
        }
        list.resize(d, self.spectrum[self.spectrum.len() - 1].0);
        list
    }

    /// Updates in one unit of time.
    fn updates_per_time(&self, d: usize) -> f64 {
        match self.solver {
            Solver::Sgd => self.samples(d) as f64 / self.learning_rate,
            _ => 1.0 / self.learning_rate,
        }
    }

    pub fn updates_at(&self, time: f64, d: usize) -> u64 {
        (time * self.updates_per_time(d)).round() as u64
    }

    /// The time that is recorded for a requested one: whole updates, or any time where nothing is updated.
    pub fn recorded_time(&self, time: f64, d: usize) -> f64 {
        match self.solver {
            Solver::Interpolation => time,
            _ => self.updates_at(time, d) as f64 / self.updates_per_time(d),
        }
    }

    /// See [`super::Problem::from_settings`].
    ///
    /// # Errors
    /// Rules between keys.
    pub fn from_settings(settings: &Settings) -> Result<Self, Vec<Violation>> {
        let mut broken = Vec::new();
        let (kind, keys) = settings.tagged("task").expect(DECLARED);
        let of = |key| keys.number(key).expect(DECLARED);
        let task = match kind {
            "classification" => Task::Classification {
                separation: of("separation"),
                pretrained_norm: of("pretrained_norm"),
                alignment: of("alignment"),
            },
            _ => Task::Regression { distance: of("distance"), noise_std: of("noise_std") },
        };
        if task == (Task::Regression { distance: 0.0, noise_std: 0.0 }) {
            let rule = "is 0 without label noise: every risk is 0, and no gain is defined";
            broken.push(Violation::new("task.distance", rule, "give a distance or a noise_std above 0"));
        }
        if let Task::Classification { alignment, .. } = task
            && alignment.abs() > 1.0
        {
            let rule = format!("is {alignment}: a cosine lies between -1 and 1");
            broken.push(Violation::new("task.alignment", rule, "choose a number from -1 to 1"));
        }
        let (kind, keys) = settings.tagged("spectrum").expect(DECLARED);
        let of = |key| keys.number(key).expect(DECLARED);
        let spectrum = match kind {
            "bilevel" => vec![(of("high"), of("fraction")), (of("low"), 1.0 - of("fraction"))],
            "list" => {
                let values = keys.vector("values", 1).expect(DECLARED);
                if values.is_empty() {
                    broken.push(Violation::new(
                        "spectrum.values",
                        "is empty",
                        "give at least one eigenvalue",
                    ));
                }
                let share = 1.0 / values.len() as f64;
                values.into_iter().map(|l| (l, share)).collect()
            }
            _ => vec![(1.0, 1.0)],
        };
        let (kind, keys) = settings.tagged("inputs").expect(DECLARED);
        let inputs = match kind {
            "rademacher" => Inputs::Rademacher,
            "chi-square" => Inputs::ChiSquare,
            "bernoulli" => Inputs::Bernoulli { probability: keys.number("probability").expect(DECLARED) },
            "student-t" => Inputs::StudentT { degrees: keys.number("degrees").expect(DECLARED) },
            _ => Inputs::Gaussian,
        };
        let problem = Self {
            task,
            overparametrisation: settings.number("overparametrisation").expect(DECLARED),
            spectrum,
            inputs,
            solver: match settings.text("solver") {
                Some("gradient-descent") => Solver::GradientDescent,
                Some("sgd") => Solver::Sgd,
                _ => Solver::Interpolation,
            },
            learning_rate: settings.number("learning_rate").expect(DECLARED),
        };
        if broken.is_empty() { Ok(problem) } else { Err(broken) }
    }
}

impl Definition for Transfer {
    fn kind(&self) -> &'static ProblemKind {
        &KIND
    }

    fn idle_keys(&self) -> Vec<IdleKey> {
        idle_where([(
            self.solver == Solver::Interpolation,
            "learning_rate",
            "interpolation is found without descent",
        )])
    }

    fn observables(&self) -> Vec<ObservableInfo> {
        let scalar = |name, label, doc| ObservableInfo {
            name,
            label,
            doc,
            shape: vec![],
            positive: true,
            symmetric: false,
        };
        let (label, doc) = match self.task {
            Task::Regression { .. } => {
                ("excess risk", "mean squared error on fresh inputs without label noise, fine-tuned")
            }
            Task::Classification { .. } => ("error", "share of wrong signs on fresh inputs, fine-tuned"),
        };
        vec![
            scalar("fine_tuned", label, doc),
            scalar("pretrained", label, "the same of the pretrained weights"),
            scalar("gain", "pretrained / fine-tuned", "above 1 where fine-tuning wins"),
        ]
    }

    /// Why no law covers the problem, if so.
    fn uncovered(&self) -> Option<String> {
        if self.overparametrisation <= 1.0 {
            return Some("the samples interpolate only where there are more dimensions: d/n > 1".into());
        }
        if matches!(self.task, Task::Classification { .. }) && self.isotropic_variance() != Some(1.0) {
            return Some("classification has a law for isotropic inputs of variance 1".into());
        }
        let has_path = self.isotropic_variance().is_some() && matches!(self.task, Task::Regression { .. });
        if self.solver != Solver::Interpolation && !has_path {
            let reason = "the path has a law for regression on isotropic inputs; its end has one with solver = \"interpolation\"";
            return Some(reason.into());
        }
        None
    }

    fn smallest_size(&self) -> usize {
        2
    }

    fn replica_bytes(&self, d: usize, _method: Method) -> f64 {
        let n = self.samples(d) as f64;
        8.0 * (d as f64 * (2.0 * n + 10.0) + 3.0 * n * n)
    }

    fn recorded_time(&self, time: f64, size: usize) -> f64 {
        self.recorded_time(time, size)
    }

    /// See [`Definition::cost`].
    fn cost(&self, end: f64, d: usize, _method: Method, law: bool) -> f64 {
        let (n, dimension) = (self.samples(d) as f64, d as f64);
        let passes = match self.solver {
            Solver::Interpolation => n,
            Solver::GradientDescent => 2.0 * end / self.learning_rate,
            Solver::Sgd => 2.0 * end / self.learning_rate,
        };
        1e-9 * n * dimension * (passes + 10.0) + if law { 0.001 } else { 0.0 }
    }
}
