//! The scenario keys of kernel regression with wide networks.

use crate::problem::ProblemKind;
use crate::problem::spec::{Default, Kind, Parameter, Range, Variant};

pub const KIND: ProblemKind = ProblemKind {
    kind: "ntk",
    title: "Wide network, gradient descent near the kernel limit",
    description: "\
z¹ = W_s/√d W¹x + b_s β¹, z^(l+1) = W_s/√n W^(l+1) φ(z^l) + b_s β^(l+1), L hidden layers of width n, all entries N(0, 1) at
the start, f = α z^(L+1). Gradient descent on (1/2P) Σ (f(x_i) − y_i)², or on the mean of another loss, with step η/α²; time = updates k.
As n → ∞ the network starts as a Gaussian process with covariance S (NNGP) and learns with the fixed kernel T (NTK):
    S¹ = T¹ = W_s² x·y/d + b_s²,   S^(l+1) = W_s² K(S^l) + b_s²,   T^(l+1) = S^(l+1) + W_s² K̇(S^l) T^l,
    f_k(X) = y + (1 − η T/P)^k (f_0 − y),   f_k(x*) = f_0(x*) + T_* T⁻¹ [1 − (1 − η T/P)^k] (y − f_0(X)),
K(S) = ⟨φ(u) φ(v)⟩ and K̇(S) = ⟨φ'(u) φ'(v)⟩ for Gaussian (u, v) of covariance S. Valid at fixed k; stable for η < 2P/λ_max(T).
Along the principal component v_i of T: v_i·(y − f_k) = (1 − η λ_i/P)^k v_i·(y − f_0), e^(−η λ_i k/P) for small steps.
batch = b draws b of the P points for every update. The mean over batches is that of gradient descent, and second moments follow
their own exact recursion; both are laws of the linearised network at any step, and finite networks leave them by 1/n.
loss = \"logistic\": f_(k+1) = f_k − (η/P) T g(f_k), g_i = −y_i/(1 + e^(y_i f_i)), on labels y = ±1; for small steps the flow
∂f/∂t = −T (p − 1_{y=1})/P with p = 1/(1 + e^−f). Its mean over starts is not closed: centred = true, or law.start = \"replica\".
loss = \"softmax\": C outputs with readouts of their own, −ln p_y with p_c = e^(f_c)/Σ_a e^(f_a); T acts on every output alike,
f_(k+1),c = f_k,c − (η/P) T (p_c − 1_{y=c}), for small steps ∂f_c/∂t = −T (p_c − 1_{y=c})/P; starts as for the logistic loss.
The loss falls in every update for η < 2P/(B λ_max), B = 1 (squared), 1/4 (logistic), 1/2 (softmax).
Residual, layer-normed, recurrent and convolutional networks and a tied readout: key `architecture`, the same law with their T.
parametrisation = \"standard\": weights w = W_s/√(units below) W and biases b_s β (none where b_s = 0) move themselves, at the rate η/n. The tangent
kernel over n is the sum over layers of (units, the input, 1) times errors; its limit T^(l+1) = K(S^l) + W_s² K̇(S^l) T^l, T¹ = 0,
has no first layer and no biases, which add d/n and 1/n at finite width. At a rate η that is not divided by n training diverges.
law.start = \"limit\" gives the mean over all starts (losses and squared outputs include the variance over starts),
law.start = \"replica\" the function that one network, with its own f_0, should learn. The kernel is T in both.",
    source: "Jacot, Gabriel & Hongler, NeurIPS 2018, arXiv:1806.07572; Lee et al., NeurIPS 2019, arXiv:1902.06720; Yang 2019, arXiv:1902.04760",
    parameters: PARAMETERS,
    limit_parameter: "width n of every hidden layer",
    bias_exponent: 1.0,
    fluctuation_exponent: 0.5,
    main_observable: "train_loss",
    time_unit: "updates",
    default_tolerance: 1e-10,
    law_faults: &[
        ("drop=layer", "leaves the last hidden layer out of the recursion"),
        ("drop=bias", "takes b_s = 0"),
        ("drop=derivative", "takes the kernel of a trained last layer only, T = S"),
        ("drop=variance", "leaves the variance over starts out of losses and squared outputs"),
        ("drop=batch", "leaves the noise of mini-batches out of losses and squared outputs"),
        ("drop=slope", "takes <phi' phi'> = 1 in the recursion of the tangent kernel"),
        ("drop=sharing", "takes fresh weights at every time or position; moves averaged readouts alone"),
        ("drop=pooling", "reads an average over times or positions as if each had readout weights of its own"),
        ("drop=correlation", "takes errors as independent of the forward pass where the readout is tied"),
        ("drop=parametrisation", "takes the tangent kernel of entries N(0, 1) in the standard parametrisation"),
    ],
    finite_size_faults: &[],
    overlays: &[
        (
            "largest-stable-rate",
            "2 P / (B largest eigenvalue of the tangent kernel on the training points), B = 1, 1/4, 1/2 for the squared, \
             logistic, softmax loss: below it the loss falls in every update",
        ),
        ("optimal-stopping-time", "update at which the mean test loss over all starts is least"),
        (
            "independent-kernel",
            "tangent kernel of the first two training points, errors taken as independent of the forward pass",
        ),
    ],
};

const fn parameter(
    key: &'static str,
    symbol: &'static str,
    kind: Kind,
    default: Default,
    doc: &'static str,
    example: &'static str,
) -> Parameter {
    Parameter { key, symbol, kind, default, doc, example }
}

const fn count(
    key: &'static str,
    min: u64,
    default: Default,
    doc: &'static str,
    example: &'static str,
) -> Parameter {
    parameter(key, "", Kind::Count { min, max: 1_000_000 }, default, doc, example)
}

const POINTS: Parameter = count("points", 1, Default::Required, "training points P", "20");
const TESTS: Parameter = count("tests", 0, Default::Count(0), "test points", "20");
const DIMENSION: Parameter = count("dimension", 1, Default::Required, "input dimension d", "10");
const SEED: Parameter =
    count("seed", 0, Default::Count(1), "seed of the data set, the same for all replicas", "1");

const PARAMETERS: &[Parameter] = &[
    parameter(
        "hidden_layers",
        "L",
        Kind::Count { min: 1, max: 1000 },
        Default::Required,
        "hidden layers",
        "2",
    ),
    super::architecture::PARAMETER,
    parameter(
        "activation",
        "",
        Kind::Choice(&[
            ("relu", "max(0, z)"),
            ("leaky-relu", "z for z > 0, leak z below"),
            ("erf", "erf(z), not erf(z / sqrt 2)"),
            ("gelu", "z Phi(z)"),
            ("sine", "sin z"),
            ("tanh", "tanh z"),
            ("linear", "z"),
            ("polynomial", "sum of coefficients[k] z^k"),
        ]),
        Default::Text("relu"),
        "nonlinearity phi of the hidden units; all averages in closed form but those of tanh (a double sum)",
        "\"relu\"",
    ),
    parameter(
        "leak",
        "",
        Kind::Number(Range::Any),
        Default::Absent,
        "slope below 0 of activation = \"leaky-relu\"",
        "0.1",
    ),
    parameter(
        "coefficients",
        "",
        Kind::Vector(Range::Any),
        Default::Absent,
        "a_0, a_1, ... of activation = \"polynomial\"",
        "[0.0, 1.0, 0.5]",
    ),
    parameter(
        "weight_std",
        "W_s",
        Kind::Number(Range::Positive),
        Default::Number(std::f64::consts::SQRT_2),
        "standard deviation W_s of the weights",
        "1.5",
    ),
    parameter(
        "bias_std",
        "b_s",
        Kind::Number(Range::NonNegative),
        Default::Number(0.0),
        "standard deviation b_s of the biases",
        "0.1",
    ),
    parameter(
        "learning_rate",
        "η",
        Kind::Number(Range::Positive),
        Default::Required,
        "step eta on the mean loss of the training points, (1/2P) sum of squares where it is squared",
        "0.5",
    ),
    parameter(
        "loss",
        "",
        Kind::Choice(&[
            ("squared", "(f - y)^2 / 2"),
            ("logistic", "ln(1 + e^(-y f)), y the sign of the target; two classes by cross-entropy"),
            ("softmax", "-ln p_y, p_c = e^(f_c) / sum_a e^(f_a): `classes` outputs by cross-entropy"),
        ]),
        Default::Text("squared"),
        "loss of one point",
        "\"squared\"",
    ),
    super::classes::PARAMETER,
    parameter(
        "batch",
        "b",
        Kind::Count { min: 1, max: 1_000_000 },
        Default::Absent,
        "points in every update, drawn without repetition; all if absent",
        "4",
    ),
    parameter(
        "output_scale",
        "α",
        Kind::Number(Range::Positive),
        Default::Number(1.0),
        "factor alpha on the output; the step is divided by its square, so that small alpha is rich and large alpha lazy",
        "1.0",
    ),
    parameter(
        "parametrisation",
        "",
        Kind::Choice(&[
            ("ntk", "the kernel limit"),
            ("mean-field", "a further factor 1/sqrt(n) on the output: features move at any width; no law"),
            (
                "standard",
                "weights N(0, W_s^2/units below) and biases N(0, b_s^2), all moved at the rate eta/n: a limit of its own",
            ),
        ]),
        Default::Text("ntk"),
        "scale of parameters and output against width",
        "\"ntk\"",
    ),
    parameter(
        "centred",
        "",
        Kind::Flag,
        Default::Flag(false),
        "subtracts the function at the start from the network, so that every network starts at 0",
        "true",
    ),
    parameter(
        "inputs",
        "",
        Kind::Tagged(&[
            Variant {
                name: "circle",
                doc: "two dimensions, |x| = sqrt 2 rms_norm, equal angles; test points lie half-way between equal angles",
                parameters: &[POINTS, TESTS],
            },
            Variant {
                name: "arc",
                doc: "on the same circle at the angles 0, angle, 2 angle, ...",
                parameters: &[
                    POINTS,
                    parameter(
                        "angle",
                        "γ",
                        Kind::Number(Range::Positive),
                        Default::Required,
                        "angle between neighbours, radians",
                        "0.5",
                    ),
                ],
            },
            Variant {
                name: "sphere",
                doc: "uniform on |x| = sqrt(d) rms_norm",
                parameters: &[POINTS, TESTS, DIMENSION, SEED],
            },
            Variant {
                name: "gaussian",
                doc: "independent N(0, rms_norm^2) coordinates",
                parameters: &[POINTS, TESTS, DIMENSION, SEED],
            },
            Variant {
                name: "table",
                doc: "rows of a file, coordinates separated by commas with the label last; the last rows are test points",
                parameters: &[
                    parameter(
                        "path",
                        "",
                        Kind::Text,
                        Default::Required,
                        "file of the table, relative to the scenario file",
                        "\"tables/two-spirals.csv\"",
                    ),
                    TESTS,
                    parameter(
                        "standardised",
                        "",
                        Kind::Flag,
                        Default::Flag(true),
                        "shifts and scales every coordinate to mean 0 and mean square 1 over the training points",
                        "true",
                    ),
                ],
            },
            Variant {
                name: "given",
                doc: "as stated, one row per point",
                parameters: &[
                    parameter(
                        "x",
                        "",
                        Kind::Matrix,
                        Default::Required,
                        "training inputs, one row per point",
                        "[[1.0, 0.0], [0.0, 1.0]]",
                    ),
                    parameter(
                        "tests",
                        "",
                        Kind::Matrix,
                        Default::Absent,
                        "test inputs, one row per point",
                        "[[0.6, 0.8]]",
                    ),
                ],
            },
        ]),
        Default::Required,
        "inputs of the data set",
        "{ kind = \"circle\", points = 8, tests = 32 }",
    ),
    parameter(
        "rms_norm",
        "",
        Kind::Number(Range::Positive),
        Default::Number(1.0),
        "root mean square |x|/sqrt(d) of a coordinate of drawn inputs",
        "1.0",
    ),
    parameter(
        "target",
        "",
        Kind::Tagged(&[
            Variant {
                name: "harmonics",
                doc: "sum of cosine[k] cos(k g) + sine[k] sin(k g) of the angle g of the first two coordinates, k from 0",
                parameters: &[
                    parameter(
                        "cosine",
                        "",
                        Kind::Vector(Range::Any),
                        Default::Absent,
                        "coefficients from k = 0",
                        "[0.0, 1.0]",
                    ),
                    parameter(
                        "sine",
                        "",
                        Kind::Vector(Range::Any),
                        Default::Absent,
                        "coefficients from k = 0",
                        "[0.0, 0.5]",
                    ),
                ],
            },
            Variant {
                name: "polynomial",
                doc: "sum of coefficients[k] u^k + product u v, u and v the first two coordinates over rms_norm",
                parameters: &[
                    parameter(
                        "coefficients",
                        "",
                        Kind::Vector(Range::Any),
                        Default::Required,
                        "from k = 0",
                        "[0.0, 1.0, 0.5]",
                    ),
                    parameter(
                        "product",
                        "",
                        Kind::Number(Range::Any),
                        Default::Number(0.0),
                        "coefficient of u v",
                        "0.5",
                    ),
                ],
            },
            super::classes::SECTORS,
            super::classes::LARGEST,
            Variant { name: "table", doc: "last column of inputs = { kind = \"table\" }", parameters: &[] },
            Variant {
                name: "given",
                doc: "labels as stated",
                parameters: &[
                    parameter(
                        "y",
                        "",
                        Kind::Vector(Range::Any),
                        Default::Required,
                        "labels of the training points",
                        "[1.0, -1.0]",
                    ),
                    parameter(
                        "tests",
                        "",
                        Kind::Vector(Range::Any),
                        Default::Absent,
                        "targets at the test points",
                        "[0.5]",
                    ),
                ],
            },
        ]),
        Default::Required,
        "function to learn",
        "{ kind = \"harmonics\", cosine = [0.0, 1.0, 0.0, 0.5] }",
    ),
    parameter(
        "noise_std",
        "σ",
        Kind::Number(Range::NonNegative),
        Default::Number(0.0),
        "standard deviation of the noise on the training labels, drawn once with the data set",
        "0.1",
    ),
    count(
        "kernel_points",
        0,
        Default::Count(3),
        "first training points whose kernel entries are observables; at most P are used",
        "3",
    ),
];
