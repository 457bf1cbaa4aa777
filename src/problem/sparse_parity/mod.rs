//! k-sparse parity learned by sign SGD on a polynomial network.

mod parameters;

pub use parameters::KIND;

use super::spec::{Settings, Violation};
use super::{Definition, Method, ObservableInfo, ProblemKind};

/// Samples of one update.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Batch {
    /// B = value d^(k - 1).
    Ratio(f64),
    /// B itself.
    Samples(usize),
}

/// y = x_1 ... x_k on x ~ {+-1}^d; network sum_r a_r (w_r.x)^k of m units, a and w drawn from {+-1}, a fixed;
/// w <- (1 - eta) w + eta sgn~(batch mean of y grad f), sgn~ 0 within the dead zone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SparseParity {
    /// k.
    pub order: usize,
    /// m.
    pub width: usize,
    /// eta.
    pub learning_rate: f64,
    /// rho in units of k!.
    pub dead_zone: f64,
    pub batch: Batch,
    /// d where no simulation states it.
    pub dimension: usize,
    /// Fresh samples on which a simulation measures its accuracy.
    pub test_samples: usize,
}

/// Relative covariance of squared gradients of a unit up to which the law takes them for independent Gaussians.
pub const SHARED: f64 = 0.1;

const DECLARED: &str = "every key is declared and checked";

impl SparseParity {
    /// B in dimension d.
    pub fn batch_samples(&self, d: usize) -> usize {
        match self.batch {
            Batch::Ratio(ratio) => ((ratio * self.unit(d)).round() as usize).max(1),
            Batch::Samples(samples) => samples,
        }
    }

    /// B / d^(k - 1).
    pub fn batch_ratio(&self, d: usize) -> f64 {
        match self.batch {
            Batch::Ratio(ratio) => ratio,
            Batch::Samples(samples) => samples as f64 / self.unit(d),
        }
    }

    fn unit(&self, d: usize) -> f64 {
        libm::pow(d as f64, self.order as f64 - 1.0)
    }

    /// E x^4 / (E x^2)^2 - 1 of one sample's gradient x on a coordinate that is no feature, a power k-1 of a Gaussian field:
    /// (4k-5)!! / (2k-3)!!^2 - 1.
    fn sample_variance(&self) -> f64 {
        let double_factorial = |n: usize| (1..=n).step_by(2).map(|i| i as f64).product::<f64>();
        let square = double_factorial(2 * self.order - 3);
        double_factorial(4 * self.order - 5) / (square * square) - 1.0
    }

    /// The fewest samples of a fixed batch that the law covers: with them squared gradients of a unit have a relative covariance
    /// of at most [`SHARED`].
    ///
    /// All coordinates of a unit see the same fields z_s: their mean gradients g_i = (1/B) sum_s c_s x_is, c = k y a z^(k-1),
    /// have E g_i^2 g_j^2 / (E g^2)^2 = 1 + v/B with v = E c^4 / (E c^2)^2 - 1, and each an excess kurtosis (v - 2)/B. The
    /// law takes them for independent Gaussians. With few samples they leave the dead zone together, and the noise of
    /// units spreads: at k = 2, eta = 1/2, B = 1 the law's mean square of weights is a fifth too small after four
    /// updates, at B = 20 it is 2 %. A batch in units of d^(k-1) has corrections v/B that vanish with d.
    ///
    /// ```
    /// use asymptotica::problem::sparse_parity::{Batch, SparseParity};
    /// let problem = |order| SparseParity {
    ///     order,
    ///     width: 1,
    ///     learning_rate: 0.1,
    ///     dead_zone: 0.1,
    ///     batch: Batch::Ratio(1.0),
    ///     dimension: 100,
    ///     test_samples: 1,
    /// };
    /// // v = 3/1 - 1, 105/9 - 1, 10395/225 - 1 and 2027025/11025 - 1, by 0.1.
    /// assert_eq!([2, 3, 4, 5].map(|k| problem(k).fewest_samples()), [20, 107, 452, 1829]);
    /// ```
    pub fn fewest_samples(&self) -> usize {
        (self.sample_variance() / SHARED).ceil() as usize
    }

    /// k!.
    pub fn factorial(&self) -> f64 {
        (1..=self.order).map(|i| i as f64).product()
    }

    /// See [`super::Problem::from_settings`].
    ///
    /// # Errors
    /// A rate above 1, fewer coordinates than features.
    pub fn from_settings(settings: &Settings) -> Result<Self, Vec<Violation>> {
        let count = |key| settings.count(key).expect(DECLARED);
        let number = |key| settings.number(key).expect(DECLARED);
        let (kind, keys) = settings.tagged("batch").expect(DECLARED);
        let problem = Self {
            order: count("order"),
            width: count("width"),
            learning_rate: number("learning_rate"),
            dead_zone: number("dead_zone"),
            batch: match kind {
                "samples" => Batch::Samples(keys.count("value").expect(DECLARED)),
                _ => Batch::Ratio(keys.number("value").expect(DECLARED)),
            },
            dimension: count("dimension"),
            test_samples: count("test_samples"),
        };
        let mut broken = Vec::new();
        if problem.learning_rate >= 1.0 {
            let rule = format!("is {}: one update would forget the weights", problem.learning_rate);
            broken.push(Violation::new("learning_rate", rule, "choose a rate below 1"));
        }
        if problem.dimension <= problem.order {
            let rule =
                format!("{} coordinates leave none beside {} features", problem.dimension, problem.order);
            broken.push(Violation::new("dimension", rule, "choose a dimension above order"));
        }
        if broken.is_empty() { Ok(problem) } else { Err(broken) }
    }
}

impl Definition for SparseParity {
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
        vec![
            scalar(
                "feature",
                "feature",
                "w_j times its first sign, mean over the features of good units",
                false,
            ),
            scalar("bad_feature", "bad feature", "the same over the features of bad units", false),
            scalar(
                "noise_coordinate",
                "noise",
                "w_j times its first sign, mean over all other coordinates",
                false,
            ),
            scalar(
                "noise_rms",
                "noise, r.m.s.",
                "root mean square of the coordinates that are no feature",
                true,
            ),
            scalar(
                "gradient_noise",
                "gradient noise",
                "root mean square over coordinates that are no feature of the batch mean of y grad f",
                true,
            ),
            scalar(
                "signal",
                "signal",
                "batch mean of y grad f times the first sign, mean over the features of good units",
                false,
            ),
            scalar("accuracy", "accuracy", "share of fresh samples with the right sign", false),
        ]
    }

    /// The noise of a fixed small batch is no Gaussian at any d; batches that grow with d have a Gaussian limit.
    fn uncovered(&self) -> Option<String> {
        let (k, needed) = (self.order, self.fewest_samples());
        match self.batch {
            Batch::Samples(samples) if samples < needed => Some(format!(
                "the law takes the gradients of a unit for independent Gaussians, and at order {k} with B = {samples} their \
                 squares have a relative covariance of {:.2}, above {SHARED}: give at least {needed} samples",
                self.sample_variance() / samples as f64
            )),
            _ => None,
        }
    }

    fn smallest_size(&self) -> usize {
        self.order + 1
    }

    fn replica_bytes(&self, size: usize, _method: Method) -> f64 {
        8.0 * (256.0 * (size + 2 * self.width) as f64 + 4.0 * (size * self.width) as f64)
    }

    fn law_needs_size(&self) -> bool {
        true
    }

    fn recorded_time(&self, time: f64, _size: usize) -> f64 {
        time.round()
    }

    /// .
    fn cost(&self, end: f64, size: usize, _method: Method, law: bool) -> f64 {
        let products = (size * self.width) as f64;
        let samples = end * self.batch_samples(size.max(1)) as f64 + self.test_samples as f64;
        let law = if law { 2e-6 * (end + 30.0) * (self.width * self.order) as f64 } else { 0.0 };
        if size == 0 { law } else { 4e-10 * products * samples + law }
    }
}
