//! Hessians of mini-batches around a true Hessian with one outlier.

mod parameters;

pub use parameters::KIND;

use super::spec::{Settings, Violation};
use super::{Definition, Method, ObservableInfo, ProblemKind};

/// How a batch departs from the true Hessian.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Noise {
    /// Independent symmetric Gaussian noise; one sample has entries of this standard deviation.
    Additive { std: f64 },
    /// Second moment of Gaussian samples with variance l_1 along the outlier, std^2 along all else.
    Multiplicative { std: f64 },
}

/// Dimension P, batch of B = `batch_ratio` P samples out of N = `data_ratio` P.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatchHessian {
    pub noise: Noise,
    /// l_1.
    pub outlier: f64,
    pub batch_ratio: f64,
    pub data_ratio: Option<f64>,
    /// Width of the window of `density`.
    pub window: f64,
}

const DECLARED: &str = "every key is declared and checked";

impl BatchHessian {
    /// P/b, 1/b = 1/B - 1/N.
    pub fn load(&self) -> f64 {
        1.0 / self.batch_ratio - self.data_ratio.map_or(0.0, |ratio| 1.0 / ratio)
    }

    /// Samples b for P dimensions.
    pub fn effective_samples(&self, dimension: usize) -> usize {
        (dimension as f64 / self.load()).round() as usize
    }

    /// See [`super::Problem::from_settings`].
    ///
    /// # Errors
    /// A batch as large as the data.
    pub fn from_settings(settings: &Settings) -> Result<Self, Vec<Violation>> {
        let number = |key| settings.number(key).expect(DECLARED);
        let (kind, keys) = settings.tagged("noise").expect(DECLARED);
        let std = keys.number("std").expect(DECLARED);
        let problem = Self {
            noise: match kind {
                "multiplicative" => Noise::Multiplicative { std },
                _ => Noise::Additive { std },
            },
            outlier: number("outlier"),
            batch_ratio: number("batch_ratio"),
            data_ratio: settings.number("data_ratio"),
            window: number("window"),
        };
        if problem.load() <= 0.0 {
            let rule = format!("{} leaves no sample out of the data", problem.batch_ratio);
            return Err(vec![Violation::new("batch_ratio", rule, "choose a batch below data_ratio")]);
        }
        Ok(problem)
    }
}

impl Definition for BatchHessian {
    fn kind(&self) -> &'static ProblemKind {
        &KIND
    }

    fn observables(&self) -> Vec<ObservableInfo> {
        let scalar = |name, label, doc| ObservableInfo {
            name,
            label,
            doc,
            shape: vec![],
            positive: !matches!(name, "alignment" | "density"),
            symmetric: false,
        };
        vec![
            scalar("top_eigenvalue", "$λ$_{max}", "largest eigenvalue of the batch Hessian"),
            scalar("largest_rate", "$η$_{max}", "largest stable rate of gradient steps, 2 / top eigenvalue"),
            scalar(
                "adaptive_rate",
                "$η$_{max}",
                "largest stable rate with the root of the Hessian as preconditioner, 2 / sqrt(top eigenvalue)",
            ),
            scalar("alignment", "|$v$.$e$|^{2}", "square of the top eigenvector along the true outlier"),
            scalar(
                "density",
                "density",
                "share of eigenvalues in a window around the time, divided by its width: time is the eigenvalue",
            ),
        ]
    }

    fn replica_bytes(&self, size: usize, _method: Method) -> f64 {
        8.0 * (6.0 * (size * size) as f64 + (size * self.effective_samples(size)) as f64)
    }

    fn size_symbol(&self) -> &'static str {
        "$P$"
    }

    /// See [`Definition::cost`].
    fn cost(&self, _end: f64, size: usize, _method: Method, law: bool) -> f64 {
        let p = size as f64;
        5e-9 * p * p * p + if law { 0.001 } else { 0.0 }
    }
}
