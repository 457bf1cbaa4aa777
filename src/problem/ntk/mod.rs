//! Wide networks in the parametrisation of the neural tangent kernel, trained by gradient descent on a stated data
//! set.

mod architecture;
mod classes;
mod data;
mod loss;
mod nonlinearity;
mod parameters;
mod settings;
mod table;

pub use architecture::{Architecture, StreamNorm};
pub use classes::Classes;
pub use data::{Data, Inputs, Target};
pub use loss::{Loss, probabilities};
pub use nonlinearity::Nonlinearity;
pub use parameters::KIND;

use super::definition::{IdleKey, idle_where};
use super::spec::{Settings, Violation};
use super::{Definition, Method, ObservableInfo, ProblemKind};
use nalgebra::DVector;

/// How parameters and output are scaled with the width n.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parametrisation {
    /// f = alpha z^(L+1): the kernel limit.
    Ntk,
    /// f = alpha z^(L+1) / sqrt n: features move at any width, and no kernel limit exists.
    MeanField,
    /// Weights N(0, W_s^2 / units below) and biases N(0, b_s^2) themselves, all moved at the rate eta / n. The function at
    /// the start is that of `Ntk`; as n grows, its first layer and its biases stand still beside the other weights.
    Standard,
}

/// z^1 = W_s/sqrt(d) W^1 x + b_s beta^1, z^(l+1) = W_s/sqrt(n) W^(l+1) phi(z^l) + b_s beta^(l+1), L hidden layers of
/// width n, all entries of W and beta N(0, 1) at the start; output f = alpha z^(L+1), z^(L+1) of C fields under the softmax
/// loss of C classes. Other wirings: [`Architecture`].
///
/// With A the factor on z^(L+1), one update moves every entry of W and beta by -(eta / A^2) times the gradient of the
/// mean loss over the P training points, 1/(2P) sum_i (f(x_i) - y_i)^2 where it is squared, or over `batch` of them, drawn
/// for every update without repetition; time = updates.
#[derive(Clone, Debug, PartialEq)]
pub struct Ntk {
    /// L.
    pub hidden_layers: usize,
    pub architecture: Architecture,
    pub nonlinearity: Nonlinearity,
    /// W_s.
    pub weight_std: f64,
    /// b_s.
    pub bias_std: f64,
    /// eta.
    pub learning_rate: f64,
    pub loss: Loss,
    /// b; all points where it is absent.
    pub batch: Option<usize>,
    /// alpha.
    pub output_scale: f64,
    pub parametrisation: Parametrisation,
    /// The function at the start is subtracted from the network.
    pub centred: bool,
    pub inputs: Inputs,
    /// Root mean square of a coordinate of the inputs.
    pub rms_norm: f64,
    pub target: Target,
    /// Of the training labels.
    pub noise_std: f64,
    /// The first training points whose kernel entries are observables.
    pub kernel_points: usize,
}

/// Where the law starts.
#[derive(Clone, Debug, PartialEq)]
pub enum Start {
    /// All networks: the mean over the Gaussian process of their starts.
    Ensemble,
    /// One network with these outputs on training and test points; all outputs of a point stand together.
    Outputs { train: DVector<f64>, test: DVector<f64> },
}

impl Ntk {
    /// Factor alpha (times n^-1/2 in the mean-field parametrisation) on the last field.
    pub fn output_factor(&self, width: usize) -> f64 {
        match self.parametrisation {
            Parametrisation::Ntk | Parametrisation::Standard => self.output_scale,
            Parametrisation::MeanField => self.output_scale / (width as f64).sqrt(),
        }
    }

    /// Factors on the step of W and of beta in a layer with `below` units under it. In the standard parametrisation the
    /// gradient moves w = W_s / sqrt(below) W and b_s beta: a step of w is below / W_s^2 steps of W.
    pub fn step_factors(&self, below: usize, width: usize) -> (f64, f64) {
        match self.parametrisation {
            Parametrisation::Ntk | Parametrisation::MeanField => (1.0, 1.0),
            Parametrisation::Standard => {
                let square = |std: f64| if std > 0.0 { 1.0 / (std * std * width as f64) } else { 0.0 };
                (below as f64 * square(self.weight_std), square(self.bias_std))
            }
        }
    }

    /// Weights of the amplitude of cos(k g) on the training points of the circle: 2/P cos(k g_i), half of it at k = P/2.
    pub fn harmonic(&self, k: usize) -> DVector<f64> {
        let points = self.inputs.points();
        let norm = if 2 * k == points { 1.0 } else { 2.0 } / points as f64;
        // k i modulo P: the cosines of high frequencies keep their digits.
        let angle = |i: usize| std::f64::consts::TAU * (k * i % points) as f64 / points as f64;
        DVector::from_fn(points, |i, _| norm * libm::cos(angle(i)))
    }

    /// Parts of y - f along the components of the kernel: those of the squared loss, which do not mix.
    fn components(&self, list: &mut Vec<ObservableInfo>) {
        let points = self.inputs.points();
        let mut push = |name, label, doc, count| {
            list.push(ObservableInfo {
                name,
                label,
                doc,
                shape: vec![count],
                positive: false,
                symmetric: false,
            });
        };
        push(
            "residual",
            "$r$",
            "part of y - f along the i-th principal component of the tangent kernel at the start, largest eigenvalue \
             first, by 1/sqrt(P); the sign of the component is the one with v.y > 0; needs simple eigenvalues",
            points,
        );
        if matches!(self.inputs, Inputs::Circle { .. }) && points > 1 {
            push(
                "harmonic",
                "cosine part of $y$ − $f$",
                "amplitude of cos(k g) in y - f over the angles g of the training points, frequency k = 1 to P/2: by \
                 symmetry a principal component of the limit kernel",
                points / 2,
            );
        }
    }

    /// What losses of classes add to the observables.
    fn class_observables(&self, list: &mut Vec<ObservableInfo>) {
        let tests = self.inputs.tests();
        let mut push = |name, label, doc, shape| {
            list.push(ObservableInfo { name, label, doc, shape, positive: false, symmetric: false });
        };
        push(
            "train_error",
            "training error",
            "part of the training points whose class is not the one that the outputs name: the sign of one output, the \
             largest of several; ties count in part",
            vec![],
        );
        if tests > 0 {
            push("test_error", "test error", "the same part of the test points", vec![]);
            if self.loss.outputs() > 1 {
                push(
                    "probability",
                    "$p$",
                    "softmax e^(f_c) / sum_a e^(f_a) of class c at a test point",
                    vec![tests, self.loss.outputs()],
                );
            }
        }
    }

    /// Weight matrices of n x n entries, and sites of one input at which they act.
    fn wiring(&self) -> (f64, f64) {
        let square = self.architecture.square_weights(self.hidden_layers);
        (square as f64, self.architecture.sites(self.inputs.dimension()) as f64)
    }

    /// See [`super::Problem::from_settings`].
    ///
    /// # Errors
    /// Rules between keys: shapes of stated data, equal inputs.
    pub fn from_settings(settings: &Settings) -> Result<Self, Vec<Violation>> {
        settings::read(settings)
    }
}

impl Definition for Ntk {
    fn kind(&self) -> &'static ProblemKind {
        &KIND
    }

    fn idle_keys(&self) -> Vec<IdleKey> {
        idle_where([(
            matches!(self.inputs, Inputs::Given { .. }) && !matches!(self.target, Target::Polynomial { .. }),
            "rms_norm",
            "the inputs are given as they are",
        )])
    }

    fn observables(&self) -> Vec<ObservableInfo> {
        let info = |name, label, doc, shape, positive, symmetric| ObservableInfo {
            name,
            label,
            doc,
            shape,
            positive,
            symmetric,
        };
        let (points, tests) = (self.inputs.points(), self.inputs.tests());
        let pairs = vec![self.kernel_points, self.kernel_points];
        let several = self.loss.outputs() > 1;
        let of_points = |count| if several { vec![count, self.loss.outputs()] } else { vec![count] };
        // Over starts that are not centred squares keep a spread of order one at any width: a mean of their logarithms
        // is not the logarithm of the law's mean.
        let concentrates = self.centred;
        let mut list = vec![info(
            "train_loss",
            "training loss",
            "mean loss on the training points, label noise included",
            vec![],
            concentrates,
            false,
        )];
        if tests > 0 {
            list.push(info(
                "test_loss",
                "test loss",
                "mean loss on the test points against the target without noise",
                vec![],
                concentrates,
                false,
            ));
            list.push(info(
                "f",
                "$f$",
                "output at a test point, f[i,c] that of class c under the softmax loss; the mean over starts where the law \
                 is that of the ensemble",
                of_points(tests),
                false,
                false,
            ));
            if !several {
                list.push(info(
                    "f_squared",
                    "$f$^{2}",
                    "squared output at a test point",
                    vec![tests],
                    concentrates,
                    false,
                ));
            }
        }
        list.push(info("f_train", "$f$", "output at a training point", of_points(points), false, false));
        if self.loss != Loss::Squared {
            self.class_observables(&mut list);
        }
        if self.kernel_points > 0 {
            list.push(info(
                "kernel",
                "$Θ$",
                "tangent kernel sum_p (df(x_i)/dp) (df(x_j)/dp) / A^2 of the first training points, f the first output",
                pairs,
                false,
                true,
            ));
        }
        list.push(info(
            "eigenvalue",
            "$λ$",
            "eigenvalue of the tangent kernel on the training points, the largest first; multiple ones of the limit split \
             by n^(-1/2)",
            vec![points],
            false,
            false,
        ));
        if self.loss == Loss::Squared {
            self.components(&mut list);
        }
        list.push(info(
            "kernel_drift",
            "|Δ$Θ$|/|$Θ$(0)|",
            "relative change of the tangent kernel on the training points since the start, in the Frobenius norm",
            vec![],
            false,
            false,
        ));
        list
    }

    fn limit_start(&self) -> super::Start {
        super::Start::Ntk(Start::Ensemble)
    }

    /// Why no law covers the problem, if so.
    fn uncovered(&self) -> Option<String> {
        if self.parametrisation == Parametrisation::MeanField {
            return Some("in the mean-field parametrisation the kernel moves at any width".into());
        }
        (self.loss != Loss::Squared && self.batch.is_some()).then(|| {
            let name = if self.loss == Loss::Logistic { "logistic" } else { "softmax" };
            format!(
                "mini-batches on the {name} loss have no closed moments: leave batch out, or take the squared loss"
            )
        })
    }

    /// Weights; activations, derivatives and errors of all points; three kernels.
    fn replica_bytes(&self, width: usize, _method: Method) -> f64 {
        let (n, layers, d) = (width as f64, self.hidden_layers as f64, self.inputs.dimension() as f64);
        let points = (self.inputs.points() + self.inputs.tests()) as f64;
        let (square, sites) = self.wiring();
        let nodes = sites * points * (3.0 * layers * n + d);
        8.0 * (n * d + square * n * n + nodes + 3.0 * (sites * points).powi(2))
    }

    /// Bytes of the law: covariances, kernels and modes of all pairs of points.
    fn law_bytes(&self, _end: f64) -> f64 {
        let (points, tests) = (self.inputs.points() as f64, self.inputs.tests() as f64);
        8.0 * points * (6.0 * points + 3.0 * tests)
    }

    fn recorded_time(&self, time: f64, _size: usize) -> f64 {
        time.round()
    }

    fn size_symbol(&self) -> &'static str {
        "$n$"
    }

    /// See [`Definition::cost`]: forward, backward and update products at 5e9 multiplications a second.
    fn cost(&self, end: f64, width: usize, _method: Method, law: bool) -> f64 {
        let (n, layers, d) = (width as f64, self.hidden_layers as f64, self.inputs.dimension() as f64);
        let points = self.inputs.points() as f64;
        let (square, sites) = self.wiring();
        let weights = n * d + square * sites * n * n + n * sites * layers;
        let simulation = if width == 0 { 0.0 } else { end * (1e-5 + 3.0 * weights * points / 5e9) };
        // One eigendecomposition, and over starts the variances at every time.
        let cubes = if self.centred { 3e-10 } else { 1.2e-9 };
        let law = if law { 1e-3 + cubes * points.powi(3) } else { 0.0 };
        // Other losses: one product of the kernel with all outputs in every update; mini-batches: three of second moments.
        let tests = self.inputs.tests() as f64;
        let of_update = match self.loss {
            Loss::Squared if self.batch.is_none() => 0.0,
            Loss::Squared => 1e-6 + 3.0 * points * points * (points + tests) / 5e9,
            _ => 1e-6 + self.loss.outputs() as f64 * points * points / 2e9,
        };
        let products = if law > 0.0 { end * of_update } else { 0.0 };
        simulation + law + products
    }
}
