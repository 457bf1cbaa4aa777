//! Kernel ridge regression on sampled data, and how its test error falls with the number of samples.

mod kernel;
mod parameters;

pub use kernel::{Activation, DotProduct};
pub use parameters::KIND;

use super::definition::{IdleKey, idle_where};
use super::spec::{Settings, Violation};
use super::{Definition, Method, ObservableInfo, ProblemKind};

/// The kernel and the law of the inputs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kernel {
    /// Inputs uniform on the sphere in d = size dimensions.
    Sphere(DotProduct),
    /// k(x, x') = x.x' of size features x_i, N(0, i^-decay) and independent.
    PowerLaw { decay: f64 },
}

/// The function to learn.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// On the sphere sum_k a_k P_k(x_1), k from 0, P_k the orthonormal polynomials of one coordinate of a unit vector;
    /// on features sum_i a_i x_i / sqrt(variance), i from 1.
    Coefficients(Vec<f64>),
    /// a_i = i^(-decay/2) on all features.
    PowerLaw { decay: f64 },
}

/// f(x) = k(x, X) (K(X, X) + delta)^-1 y on n samples with labels f*(x) + noise; time = n / size^p.
#[derive(Clone, Debug, PartialEq)]
pub struct KernelRegression {
    pub kernel: Kernel,
    pub target: Target,
    /// sigma.
    pub noise_std: f64,
    /// delta, added to the diagonal of the kernel.
    pub ridge: f64,
    /// p.
    pub samples_exponent: i32,
    /// Fresh points on which a replica on the sphere measures its error.
    pub test_points: usize,
}

const DECLARED: &str = "every key is declared and checked";

impl KernelRegression {
    /// n at a time.
    pub fn samples(&self, time: f64, size: usize) -> usize {
        (time * (size as f64).powi(self.samples_exponent)).round() as usize
    }

    /// a_1, a_2, ... for `size` features, or a_0, a_1, ... of the degrees.
    pub fn coefficients(&self, size: usize) -> Vec<f64> {
        match &self.target {
            Target::Coefficients(list) => list.clone(),
            Target::PowerLaw { decay } => (1..=size).map(|i| (i as f64).powf(-0.5 * decay)).collect(),
        }
    }

    /// P_0(t), P_1(t), ... into `values`: orthonormal for a coordinate t of a uniform unit vector in d dimensions.
    ///
    /// t P_k = b_(k+1) P_(k+1) + b_k P_(k-1) with b_k^2 = k (k + d - 3) / ((2 k + d - 2) (2 k + d - 4)), b_1^2 = 1/d.
    pub fn polynomials(dimension: usize, t: f64, values: &mut [f64]) {
        let d = dimension as f64;
        let norm = |k: usize| {
            if k == 1 {
                return (1.0 / d).sqrt();
            }
            let k = k as f64;
            (k * (k + d - 3.0) / ((2.0 * k + d - 2.0) * (2.0 * k + d - 4.0))).sqrt()
        };
        for k in 0..values.len() {
            values[k] = match k {
                0 => 1.0,
                1 => t / norm(1),
                _ => (t * values[k - 1] - norm(k - 1) * values[k - 2]) / norm(k),
            };
        }
    }

    /// See [`super::Problem::from_settings`].
    ///
    /// # Errors
    /// A target that does not fit the kernel.
    pub fn from_settings(settings: &Settings) -> Result<Self, Vec<Violation>> {
        let mut broken = Vec::new();
        let (kind, keys) = settings.tagged("kernel").expect(DECLARED);
        let number = |key| keys.number(key).expect(DECLARED);
        let kernel = match kind {
            "power-law" => Kernel::PowerLaw { decay: number("decay") },
            "exponential" => Kernel::Sphere(DotProduct::Exponential { width: number("width") }),
            _ => Kernel::Sphere(DotProduct::Network {
                tangent: kind == "ntk",
                activation: match keys.text("activation") {
                    Some("erf") => Activation::Erf,
                    _ => Activation::Relu,
                },
                hidden_layers: keys.count("hidden_layers").expect(DECLARED),
                weight_std: number("weight_std"),
                bias_std: number("bias_std"),
            }),
        };
        let (kind, keys) = settings.tagged("target").expect(DECLARED);
        let target = match kind {
            "power-law" => Target::PowerLaw { decay: keys.number("decay").expect(DECLARED) },
            _ => Target::Coefficients(keys.vector("values", 1).unwrap_or_default()),
        };
        match (&kernel, &target) {
            (Kernel::Sphere(_), Target::PowerLaw { .. }) => broken.push(Violation::new(
                "target.kind",
                "a power law counts features, and on the sphere there are degrees",
                "give { kind = \"coefficients\", values = [...] }, from degree 0",
            )),
            (_, Target::Coefficients(list)) if list.is_empty() || list.len() > MOST_COEFFICIENTS => {
                let rule = format!("has {} entries", list.len());
                broken.push(Violation::new("target.values", rule, format!("give 1 to {MOST_COEFFICIENTS}")));
            }
            (_, Target::Coefficients(list)) if list.iter().all(|a| *a == 0.0) => {
                broken.push(Violation::new("target.values", "is zero", "give a coefficient to learn"));
            }
            _ => {}
        }
        let problem = Self {
            kernel,
            target,
            noise_std: settings.number("noise_std").expect(DECLARED),
            ridge: settings.number("ridge").expect(DECLARED),
            samples_exponent: settings.count("samples_exponent").expect(DECLARED) as i32,
            test_points: settings.count("test_points").expect(DECLARED),
        };
        if broken.is_empty() { Ok(problem) } else { Err(broken) }
    }
}

/// Of a target: beyond, degrees are not resolved.
const MOST_COEFFICIENTS: usize = 16;

impl Definition for KernelRegression {
    fn kind(&self) -> &'static ProblemKind {
        &KIND
    }

    fn idle_keys(&self) -> Vec<IdleKey> {
        idle_where([(
            matches!(self.kernel, Kernel::PowerLaw { .. }),
            "test_points",
            "the error of a power law is exact",
        )])
    }

    fn observables(&self) -> Vec<ObservableInfo> {
        let info = |name, label, doc, shape: Vec<usize>| ObservableInfo {
            name,
            label,
            doc,
            positive: shape.is_empty(),
            shape,
            symmetric: false,
        };
        let mut list = vec![
            info(
                "test_loss",
                "test loss",
                "half the mean squared error on fresh inputs against the target without noise",
                vec![],
            ),
            info(
                "train_loss",
                "training loss",
                "half the mean squared error on the training labels, 0 without ridge",
                vec![],
            ),
        ];
        if let Target::Coefficients(coefficients) = &self.target {
            list.push(info(
                "coefficient",
                "learnt coefficient",
                "part of the learnt function along the i-th term of target.values: degree i - 1 on the sphere, feature i \
                 of a power law",
                vec![coefficients.len()],
            ));
        }
        list
    }

    fn law_needs_size(&self) -> bool {
        self.samples_exponent == 0 || !matches!(self.kernel, Kernel::Sphere(_))
    }

    fn recorded_time(&self, time: f64, size: usize) -> f64 {
        self.samples(time, size) as f64 / (size as f64).powi(self.samples_exponent)
    }

    fn smallest_size(&self) -> usize {
        match (&self.kernel, &self.target) {
            (Kernel::Sphere(_), _) => 2,
            (Kernel::PowerLaw { .. }, Target::Coefficients(list)) => list.len(),
            (Kernel::PowerLaw { .. }, Target::PowerLaw { .. }) => 1,
        }
    }

    fn replica_bytes(&self, size: usize, _method: Method) -> f64 {
        // The number of samples is not known here: those of one unit of time.
        let n = self.samples(1.0, size) as f64;
        8.0 * (2.0 * n * n + (n + self.test_points as f64) * size as f64)
    }

    /// See [`Definition::cost`]: kernel entries at 50 ns, one Cholesky decomposition.
    fn cost(&self, end: f64, size: usize, _method: Method, law: bool) -> f64 {
        let n = if size == 0 { 0.0 } else { self.samples(end, size) as f64 };
        let entries = n * n + n * self.test_points as f64;
        5e-8 * entries + 1e-10 * n * n * n + if law { 0.02 } else { 0.0 }
    }
}
