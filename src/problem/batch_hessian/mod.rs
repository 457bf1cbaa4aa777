//! Hessians of mini-batches around a true Hessian with a few outliers.

mod parameters;

pub use parameters::KIND;

use super::spec::{Settings, Violation};
use super::{Definition, Method, ObservableInfo, ProblemKind};

/// How a batch departs from the true Hessian.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Noise {
    /// Independent symmetric Gaussian noise; one sample has entries of this standard deviation.
    Additive { std: f64 },
    /// Second moment of Gaussian samples with variance l_i along each outlier, std^2 along all else.
    Multiplicative { std: f64 },
}

/// Dimension P, batch of B = `batch_ratio` P samples out of N = `data_ratio` P.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchHessian {
    pub noise: Noise,
    /// l_1, l_2, ...: distinct, in the order of the scenario.
    pub outliers: Vec<f64>,
    /// Whether the scenario gives a list, whose entries have observables with an index.
    pub listed: bool,
    pub batch_ratio: f64,
    pub data_ratio: Option<f64>,
    /// Width of the window of `density`.
    pub window: f64,
    /// The eigenvalue at which `density` looks at time 0.
    pub lowest: f64,
}

/// A place among eigenvalues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rank {
    /// Counted from the largest, from 0.
    FromTop(usize),
    /// Counted from the smallest, from 0; zeros that too few samples leave do not count.
    FromBottom(usize),
}

const DECLARED: &str = "every key is declared and checked";

impl BatchHessian {
    /// P/b, 1/b = 1/B - 1/N: 0 for a batch of all data, whose Hessian is the true one.
    pub fn load(&self) -> f64 {
        1.0 / self.batch_ratio - self.data_ratio.map_or(0.0, |ratio| 1.0 / ratio)
    }

    /// Samples b for P dimensions, where a batch leaves some of the data out.
    pub fn effective_samples(&self, dimension: usize) -> usize {
        (dimension as f64 / self.load()).round() as usize
    }

    /// Eigenvalue of the true Hessian beside the outliers.
    pub fn centre(&self) -> f64 {
        match self.noise {
            Noise::Additive { .. } => 0.0,
            Noise::Multiplicative { std } => std * std,
        }
    }

    /// Which eigenvalue of a batch Hessian belongs to outlier i (from 0): those above the centre are counted from the
    /// top, those below it from the bottom.
    pub fn rank(&self, i: usize) -> Rank {
        let (own, centre) = (self.outliers[i], self.centre());
        if own >= centre {
            Rank::FromTop(self.outliers.iter().filter(|&&l| l > own).count())
        } else {
            Rank::FromBottom(self.outliers.iter().filter(|&&l| l < own).count())
        }
    }

    /// Outliers that are 0, negative where noise is multiplicative, or equal.
    fn check_outliers(&self, broken: &mut Vec<Violation>) {
        let key = |i: usize| if self.listed { format!("outlier[{i}]") } else { "outlier".to_string() };
        if self.outliers.is_empty() {
            broken.push(Violation::new("outlier", "is empty", "give at least one eigenvalue"));
        }
        for (i, &l) in self.outliers.iter().enumerate() {
            if l == 0.0 {
                broken.push(Violation::new(key(i), "is 0, which is no outlier", "choose another number"));
            } else if l < 0.0 && matches!(self.noise, Noise::Multiplicative { .. }) {
                let rule = format!("is {l}: the second moment of samples has no negative eigenvalue");
                broken.push(Violation::new(
                    key(i),
                    rule,
                    "choose a positive number, or noise of kind additive",
                ));
            }
            if self.outliers[..i].contains(&l) {
                let rule = format!("{l} stands twice: equal outliers share their eigenvectors");
                broken.push(Violation::new(key(i), rule, "set them apart"));
            }
        }
    }

    /// See [`super::Problem::from_settings`].
    ///
    /// # Errors
    /// A batch larger than the data; outliers that are none.
    pub fn from_settings(settings: &Settings) -> Result<Self, Vec<Violation>> {
        let number = |key| settings.number(key).expect(DECLARED);
        let (kind, keys) = settings.tagged("noise").expect(DECLARED);
        let std = keys.number("std").expect(DECLARED);
        let mut broken = Vec::new();
        let problem = Self {
            noise: match kind {
                "multiplicative" => Noise::Multiplicative { std },
                _ => Noise::Additive { std },
            },
            outliers: settings.vector("outlier", 1).expect(DECLARED),
            listed: settings.number("outlier").is_none(),
            batch_ratio: number("batch_ratio"),
            data_ratio: settings.number("data_ratio"),
            window: number("window"),
            lowest: number("lowest"),
        };
        problem.check_outliers(&mut broken);
        if problem.load() < 0.0 {
            let rule = format!("{} is more than all data", problem.batch_ratio);
            broken.push(Violation::new("batch_ratio", rule, "choose a batch up to data_ratio"));
        }
        let flat = problem.centre() == 0.0 && problem.outliers.iter().all(|&l| l < 0.0);
        if problem.load() == 0.0 && flat {
            let rule = "all data have no positive eigenvalue, and every rate is stable";
            broken.push(Violation::new("outlier", rule, "give a positive one, or choose a smaller batch"));
        }
        if broken.is_empty() { Ok(problem) } else { Err(broken) }
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
            positive: !matches!(name, "alignment" | "density" | "eigenvalue"),
            symmetric: false,
        };
        let family = |name, label, doc| {
            let shape = if self.listed { vec![self.outliers.len()] } else { vec![] };
            ObservableInfo { shape, ..scalar(name, label, doc) }
        };
        vec![
            scalar("top_eigenvalue", "$λ$_{max}", "largest eigenvalue of the batch Hessian"),
            scalar("largest_rate", "$η$_{max}", "largest stable rate of gradient steps, 2 / top eigenvalue"),
            scalar(
                "adaptive_rate",
                "$η$_{max}",
                "largest stable rate with the root of the Hessian as preconditioner, 2 / sqrt(top eigenvalue)",
            ),
            family(
                "eigenvalue",
                "$λ$",
                "eigenvalue of an outlier, by rank: above the bulk from the top, below it from the bottom",
            ),
            family("alignment", "|$v$.$e$|^{2}", "square of that eigenvector along its true outlier"),
            scalar(
                "density",
                "density",
                "share of eigenvalues in a window around lowest + time, divided by its width",
            ),
        ]
    }

    fn smallest_size(&self) -> usize {
        self.outliers.len() + 1
    }

    fn replica_bytes(&self, size: usize, _method: Method) -> f64 {
        let drawn = match self.noise {
            Noise::Multiplicative { .. } if self.load() > 0.0 => self.effective_samples(size),
            _ => 0,
        };
        8.0 * size as f64 * (6.0 * size as f64 + drawn as f64)
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
