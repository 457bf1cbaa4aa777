//! Linear regression on P samples in N dimensions under full-batch gradient descent, and ReLU networks beside it.

mod parameters;
mod student;

pub use parameters::KIND;
pub use student::{Network, Student, Trained, relu_moment};

use super::spec::{Settings, Violation};
use super::{Definition, Method, ObservableInfo, ProblemKind};

/// How a replica moves its weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Solver {
    /// Update after update.
    Steps,
    /// Every singular mode of the data in closed form in time.
    ExactSpectrum,
}

/// X is P x N with N(0, 1/N) entries, y = X w* + e, w* ~ N(0, `teacher_std`^2), e ~ N(0, `noise_std`^2).
///
/// Weights start at N(0, `init_std`^2) and follow w += eta (X^T (y - X w) - g w), time = eta updates, or this flow
/// for vanishing eta. Errors are mean squares, on fresh samples of the same law and on the P samples, label noise
/// included.
#[derive(Clone, Debug, PartialEq)]
pub struct LinearRegression {
    /// a = P/N.
    pub sample_ratio: f64,
    /// sigma_w.
    pub teacher_std: f64,
    /// sigma.
    pub noise_std: f64,
    /// sigma_0.
    pub init_std: f64,
    /// g.
    pub weight_decay: f64,
    /// eta; `None` is the flow.
    pub learning_rate: Option<f64>,
    pub solver: Solver,
    pub student: Student,
}

const DECLARED: &str = "every key is declared and checked";

impl LinearRegression {
    /// P for N inputs.
    pub fn samples(&self, inputs: usize) -> usize {
        (self.sample_ratio * inputs as f64).round() as usize
    }

    /// Completed updates at `time`; `None` for the flow.
    pub fn updates_at(&self, time: f64) -> Option<u64> {
        self.learning_rate.map(|step| (time / step).round() as u64)
    }

    /// The time of the nearest whole update; every time for the flow.
    pub fn recorded_time(&self, time: f64) -> f64 {
        match (self.learning_rate, self.updates_at(time)) {
            (Some(step), Some(updates)) => updates as f64 * step,
            _ => time,
        }
    }

    /// (sigma_w^2 + sigma_0^2) / sigma^2.
    pub fn signal_to_noise(&self) -> f64 {
        (self.teacher_std * self.teacher_std + self.init_std * self.init_std)
            / (self.noise_std * self.noise_std)
    }

    /// See [`super::Problem::from_settings`].
    ///
    /// # Errors
    /// Steps without a length, a closed form for a network.
    pub fn from_settings(settings: &Settings) -> Result<Self, Vec<Violation>> {
        let number = |key| settings.number(key).expect(DECLARED);
        let problem = Self {
            sample_ratio: number("sample_ratio"),
            teacher_std: number("teacher_std"),
            noise_std: number("noise_std"),
            init_std: number("init_std"),
            weight_decay: number("weight_decay"),
            learning_rate: settings.number("learning_rate").filter(|&eta| eta > 0.0),
            solver: match settings.text("solver") {
                Some("exact-spectrum") => Solver::ExactSpectrum,
                _ => Solver::Steps,
            },
            student: Student::from_settings(settings),
        };
        if problem.student != Student::Linear && problem.solver != Solver::Steps {
            let rule = "is the closed form of the linear student";
            return Err(vec![Violation::new("solver", rule, "set solver = \"steps\" for a ReLU student")]);
        }
        if problem.solver == Solver::Steps && problem.learning_rate.is_none() {
            let rule = "is 0: no simulation by updates has vanishing steps";
            let remedy = "set learning_rate = 0.1, or solver = \"exact-spectrum\"";
            return Err(vec![Violation::new("learning_rate", rule, remedy)]);
        }
        Ok(problem)
    }
}

impl Definition for LinearRegression {
    fn kind(&self) -> &'static ProblemKind {
        &KIND
    }

    fn observables(&self) -> Vec<ObservableInfo> {
        let scalar = |name, label, doc| ObservableInfo {
            name,
            label,
            doc,
            shape: vec![],
            positive: name != "best_time",
            symmetric: false,
        };
        let mut list = vec![
            scalar(
                "generalisation_error",
                "$E$_{g}",
                "mean squared error on fresh samples, label noise included",
            ),
            scalar("training_error", "$E$_{t}", "mean squared error on the P samples"),
            scalar("weight_norm", "|$w$|^{2}/$N$", "mean square of the weights"),
            scalar(
                "frozen_error",
                "frozen error",
                "part of the generalisation error along directions that the data do not span",
            ),
            scalar("best_error", "min $E$_{g}", "smallest generalisation error so far"),
            scalar("best_time", "$t$_{opt}", "time of the smallest generalisation error so far"),
            scalar(
                "ridge_error",
                "ridge error",
                "generalisation error of ridge regression towards the start at its optimal strength, at every time",
            ),
        ];
        if self.student != Student::Linear {
            list.retain(|info| !matches!(info.name, "weight_norm" | "frozen_error" | "ridge_error"));
        }
        list
    }

    /// Why no law covers the problem, if so.
    fn uncovered(&self) -> Option<String> {
        (self.student != Student::Linear).then(|| {
            "the law is that of the linear student; ReLU networks of finite width on a finite set have none".into()
        })
    }

    /// Data, their decomposition, and some vectors; of networks fields, features, and moments of all pairs of units.
    fn replica_bytes(&self, size: usize, _method: Method) -> f64 {
        let samples = self.samples(size);
        let units = match self.student {
            Student::Linear => 0,
            Student::Relu(network) => network.width,
        };
        8.0 * (4 * samples * size + units * (3 * samples + 2 * size + 2 * units)) as f64
    }

    fn recorded_time(&self, time: f64, _size: usize) -> f64 {
        self.recorded_time(time)
    }

    fn size_symbol(&self) -> &'static str {
        "$N$"
    }

    /// See [`Definition::cost`]: two passes over the data in one update at 2e9 multiplications a second.
    fn cost(&self, end: f64, size: usize, _method: Method, law: bool) -> f64 {
        let (p, n) = (self.samples(size) as f64, size as f64);
        let steps = match (self.solver, self.learning_rate) {
            (Solver::Steps, Some(step)) => end / step,
            _ => 5.0 * p.min(n),
        };
        // Layers of a network, in units of one product of the data with a vector.
        let products = match self.student {
            Student::Linear => 1.0,
            Student::Relu(Network { width, trained: Trained::Readout, .. }) => width as f64 / n,
            Student::Relu(Network { width, .. }) => 0.5 * width as f64,
        };
        steps * p * n * products * 1e-9 + if law { 0.01 } else { 0.0 }
    }
}
