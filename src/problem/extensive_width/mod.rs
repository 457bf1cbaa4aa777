//! Quadratic networks with a number of hidden units proportional to the dimension, learned from d^2 samples.

mod parameters;

pub use parameters::KIND;

use super::spec::{Settings, Violation};
use super::{Definition, Method, ObservableInfo, ProblemKind};

/// What estimates the teacher's matrix S. One iteration or step is one unit of time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Algorithm {
    /// Generalised approximate message passing with the rotationally invariant denoiser.
    Gamp {
        /// Share of the last output function that is kept.
        damping: f64,
        /// Share of the last estimate, and of its variance, that is kept.
        estimate_damping: f64,
    },
    /// Full-batch gradient descent from `starts` random students, whose matrices are averaged.
    GradientDescent { starts: usize, rate: f64, init_std: f64 },
    /// No samples: S is seen through symmetric Gaussian noise and denoised once.
    Denoiser { variance: f64 },
}

/// Teacher S = W^T W / m with m = kappa d Gaussian units; n = alpha d^2 labels
/// y = Tr[S (x x^T - I)] / sqrt d + noise on Gaussian inputs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ExtensiveWidth {
    /// kappa = m / d.
    pub width_ratio: f64,
    /// alpha = n / d^2.
    pub sample_ratio: f64,
    /// Variance of Gaussian noise on the centred label.
    pub noise_variance: f64,
    /// sigma: standard deviation of Gaussian noise on each hidden unit, before the square.
    pub hidden_noise_std: f64,
    pub algorithm: Algorithm,
}

const DECLARED: &str = "every key is declared and checked";

impl ExtensiveWidth {
    /// Delta: variance of all noise on the centred label, 2 sigma^2 (2 + sigma^2) / kappa of it from the hidden units.
    pub fn noise(&self) -> f64 {
        let s = self.hidden_noise_std * self.hidden_noise_std;
        self.noise_variance + 2.0 * s * (2.0 + s) / self.width_ratio
    }

    /// Hidden units m in dimension d.
    pub fn units(&self, d: usize) -> usize {
        ((self.width_ratio * d as f64).round() as usize).max(1)
    }

    /// Samples n in dimension d.
    pub fn samples(&self, d: usize) -> usize {
        (self.sample_ratio * (d * d) as f64).round() as usize
    }

    /// See [`super::Problem::from_settings`].
    ///
    /// # Errors
    /// A damping that keeps everything.
    pub fn from_settings(settings: &Settings) -> Result<Self, Vec<Violation>> {
        let number = |key| settings.number(key).expect(DECLARED);
        let (kind, keys) = settings.tagged("algorithm").expect(DECLARED);
        let of = |key| keys.number(key).expect(DECLARED);
        let algorithm = match kind {
            "gradient-descent" => Algorithm::GradientDescent {
                starts: keys.count("starts").expect(DECLARED),
                rate: of("rate"),
                init_std: of("init_std"),
            },
            "denoiser" => Algorithm::Denoiser { variance: of("variance") },
            _ => Algorithm::Gamp { damping: of("damping"), estimate_damping: of("estimate_damping") },
        };
        if let Algorithm::Gamp { damping, estimate_damping } = algorithm {
            let all: Vec<Violation> =
                [("algorithm.damping", damping), ("algorithm.estimate_damping", estimate_damping)]
                    .into_iter()
                    .filter(|(_, share)| *share >= 1.0)
                    .map(|(key, share)| {
                        let rule = format!("is {share}: nothing new would ever enter");
                        Violation::new(key, rule, "choose a number from 0 to below 1")
                    })
                    .collect();
            if !all.is_empty() {
                return Err(all);
            }
        }
        Ok(Self {
            width_ratio: number("width_ratio"),
            sample_ratio: number("sample_ratio"),
            noise_variance: number("noise_variance"),
            hidden_noise_std: number("hidden_noise_std"),
            algorithm,
        })
    }
}

impl Definition for ExtensiveWidth {
    fn kind(&self) -> &'static ProblemKind {
        &KIND
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
        if let Algorithm::Denoiser { .. } = self.algorithm {
            return vec![
                scalar(
                    "denoiser_error",
                    "$‖S − Ŝ‖$^{2}/$d$",
                    "squared error of the rotationally invariant denoiser, divided by d",
                ),
                scalar(
                    "samples_needed",
                    "$α$",
                    "denoiser_error / (2 v): samples per d^2 without noise whose Bayes estimate sees S through v",
                ),
            ];
        }
        let mut list = vec![
            scalar(
                "mmse",
                "$‖S − Ŝ‖$^{2}/$d$",
                "squared error divided by d; law: that of the Bayes-optimal estimate, at every time",
            ),
            scalar("scaled_mmse", "$κ‖S − Ŝ‖$^{2}/$d$", "kappa times mmse: 1 without samples"),
            scalar(
                "error",
                "$‖S − Ŝ‖$^{2}/$d$",
                "squared error divided by d; law: state evolution of undamped GAMP, iteration by iteration",
            ),
        ];
        if let Algorithm::Gamp { .. } = self.algorithm {
            list.push(scalar(
                "effective_noise",
                "$v$",
                "variance of the noise through which iteration t sees S; law: state evolution, undamped",
            ));
        }
        if let Algorithm::GradientDescent { .. } = self.algorithm {
            list.push(scalar(
                "start_error",
                "$‖S − W$^{T}$W/m‖$^{2}/$d$",
                "squared error of one start, mean over starts; law: 2 mmse, what a sample of the posterior has",
            ));
        }
        list
    }

    /// Bytes of one replica: the inputs and a few matrices, never the n d^2 numbers of all x x^T.
    fn smallest_size(&self) -> usize {
        2
    }

    fn replica_bytes(&self, size: usize, _method: Method) -> f64 {
        let (d, n) = (size as f64, self.samples(size) as f64);
        let starts = match self.algorithm {
            Algorithm::GradientDescent { starts, .. } => starts as f64,
            _ => 1.0,
        };
        8.0 * (n * (d + 4.0) + (8.0 + starts * self.width_ratio) * d * d)
    }

    fn recorded_time(&self, time: f64, _size: usize) -> f64 {
        time.round()
    }

    /// Two products with all inputs in every iteration.
    fn cost(&self, end: f64, size: usize, _method: Method, law: bool) -> f64 {
        let (d, n) = (size as f64, self.samples(size) as f64);
        let step = 2e-10 * n * d * d + 1e-9 * d * d * d;
        let steps = match self.algorithm {
            Algorithm::Gamp { .. } => end,
            Algorithm::GradientDescent { starts, .. } => end * starts as f64,
            Algorithm::Denoiser { .. } => 1.0,
        };
        steps * step + if law { 0.005 } else { 0.0 }
    }
}
