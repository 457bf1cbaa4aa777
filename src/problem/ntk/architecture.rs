//! How the layers of a wide network are wired, and the scenario keys of it.

use super::Nonlinearity;
use super::data::Inputs;
use crate::problem::spec::{Default, Kind, Parameter, Range, Settings, Variant, Violation};

/// The wiring between the input x of d coordinates and the output field; all weights and biases are N(0, 1) entries
/// at the start, W_s and b_s their standard deviations, phi the nonlinearity, L = `hidden_layers`.
#[derive(Clone, Debug, PartialEq)]
pub enum Architecture {
    /// See [`super::Ntk`].
    FullyConnected,
    /// The fully connected network with phi(N(z^l)) in place of phi(z^l): N subtracts the mean over the units of one input
    /// and divides by the root of their variance plus `epsilon`.
    LayerNorm { epsilon: f64 },
    /// z^1 = W_s/sqrt(d) W^1 x + b_s beta^1, z^(l+1) = z^l + s (W_s/sqrt(n) W^(l+1) phi(z^l) + b_s beta^(l+1)) for l = 1, ..., L,
    /// s = `strength`, and a linear readout of z^(L+1).
    Residual { strength: f64, norm: StreamNorm },
    /// x is T steps x_1, ..., x_T of `step_dimension` m coordinates. Layer l has z^(l,t) = W_s/sqrt(m or n) U^l h^(l-1,t) +
    /// R_s/sqrt(n) V^l h^(l,t-1) + b_s beta^l with h^(0,t) = x_t, h^(l,t) = phi(z^(l,t)), h^(l,0) = 0 and the same U, V, beta at every
    /// step; R_s = `recurrent_std`. The readout takes h^(L,T) or the mean over t of h^(L,t).
    Recurrent { step_dimension: usize, recurrent_std: f64, average: bool },
    /// x is D positions of `channels` c coordinates, position by position. z^l_a = W_s/sqrt(c k or n k) sum_b W^(l,b) h^(l-1)_(a+b) + b_s
    /// beta^l with h^0_a = x_a, h^l_a = phi(z^l_a), k = `filter` offsets b from -floor((k-1)/2) on, and the same W^(l,b), beta^l
    /// at every position a. The readout has weights of its own for every position, W_s/sqrt(n D), or takes the mean over positions.
    Convolution { channels: usize, filter: usize, circular: bool, average: bool },
    /// One hidden layer whose readout weights are the first column of its input weights: f = W_s/sqrt(n) sum_i W^1_(i1) phi(z_i) +
    /// b_s beta^2.
    Tied,
}

/// Layer normalisation in a residual network.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum StreamNorm {
    None,
    /// phi(N(z^l)) in the branch.
    Before {
        epsilon: f64,
    },
    /// z^(l+1) = N(z^l + branch).
    After {
        epsilon: f64,
    },
}

const EPSILON: Parameter = crate::problem::spec::number(
    "epsilon",
    "",
    Range::NonNegative,
    Default::Number(1e-5),
    "added to the variance over units before the root of the normalisation",
    "1e-5",
);

const fn count(key: &'static str, default: Default, doc: &'static str, example: &'static str) -> Parameter {
    Parameter { key, symbol: "", kind: Kind::Count { min: 1, max: 1_000_000 }, default, doc, example }
}

/// The key `architecture`.
pub(super) const PARAMETER: Parameter = Parameter {
    key: "architecture",
    symbol: "",
    kind: Kind::Tagged(&[
        Variant {
            name: "fully-connected",
            doc: "every layer takes all units of the layer below",
            parameters: &[],
        },
        Variant {
            name: "layer-norm",
            doc: "fully connected, fields normalised over the units of one input before phi",
            parameters: &[EPSILON],
        },
        Variant {
            name: "residual",
            doc: "z^(l+1) = z^l + strength (W_s/√n W^(l+1) φ(z^l) + b_s β^(l+1)), linear readout",
            parameters: &[
                Parameter {
                    key: "strength",
                    symbol: "s",
                    kind: Kind::Number(Range::Any),
                    default: Default::Required,
                    doc: "factor s on every branch",
                    example: "0.5",
                },
                Parameter {
                    key: "layer_norm",
                    symbol: "",
                    kind: Kind::Choice(&[
                        ("none", "no normalisation"),
                        ("before", "of the fields that enter a branch"),
                        ("after", "of the sum of stream and branch"),
                    ]),
                    default: Default::Text("none"),
                    doc: "place of the layer normalisation",
                    example: "\"none\"",
                },
                EPSILON,
            ],
        },
        Variant {
            name: "recurrent",
            doc: "the input read as a sequence, the same weights at every step",
            parameters: &[
                count("step_dimension", Default::Required, "coordinates m of one step; T = d/m steps", "2"),
                Parameter {
                    key: "recurrent_std",
                    symbol: "R_s",
                    kind: Kind::Number(Range::NonNegative),
                    default: Default::Absent,
                    doc: "standard deviation R_s of the weights from step to step; W_s if absent",
                    example: "1.0",
                },
                Parameter {
                    key: "readout",
                    symbol: "",
                    kind: Kind::Choice(&[
                        ("last", "units of the last step"),
                        ("average", "mean of the units over all steps"),
                    ]),
                    default: Default::Text("last"),
                    doc: "what the output reads",
                    example: "\"average\"",
                },
            ],
        },
        Variant {
            name: "convolution",
            doc: "the input read as a line or ring of positions, the same filters at every position",
            parameters: &[
                count("channels", Default::Count(1), "coordinates c of one position; D = d/c positions", "1"),
                count("filter", Default::Required, "positions k that one filter sees", "3"),
                Parameter {
                    key: "padding",
                    symbol: "",
                    kind: Kind::Choice(&[
                        ("circular", "positions on a ring"),
                        ("zero", "zeros beyond both ends"),
                    ]),
                    default: Default::Text("circular"),
                    doc: "what filters see beyond the ends",
                    example: "\"zero\"",
                },
                Parameter {
                    key: "readout",
                    symbol: "",
                    kind: Kind::Choice(&[
                        ("flatten", "weights of its own for every position"),
                        ("average", "mean of the units over all positions (global average pooling)"),
                    ]),
                    default: Default::Text("flatten"),
                    doc: "what the output reads",
                    example: "\"average\"",
                },
            ],
        },
        Variant {
            name: "tied",
            doc: "one hidden layer, readout weights = first column of the input weights; needs centred = true",
            parameters: &[],
        },
    ]),
    default: Default::Variant("fully-connected"),
    doc: "wiring of the layers",
    example: "{ kind = \"fully-connected\" }",
};

const DECLARED: &str = "every key is declared and checked";

/// From checked keys; rules against the rest of the problem are those of [`check`].
pub(super) fn read(settings: &Settings, weight_std: f64) -> Architecture {
    let (kind, keys) = settings.tagged("architecture").expect(DECLARED);
    let count = |key| keys.count(key).expect(DECLARED);
    let epsilon = || keys.number("epsilon").expect(DECLARED);
    let average = || keys.text("readout") == Some("average");
    match kind {
        "layer-norm" => Architecture::LayerNorm { epsilon: epsilon() },
        "residual" => Architecture::Residual {
            strength: keys.number("strength").expect(DECLARED),
            norm: match keys.text("layer_norm") {
                Some("before") => StreamNorm::Before { epsilon: epsilon() },
                Some("after") => StreamNorm::After { epsilon: epsilon() },
                _ => StreamNorm::None,
            },
        },
        "recurrent" => Architecture::Recurrent {
            step_dimension: count("step_dimension"),
            recurrent_std: keys.number("recurrent_std").unwrap_or(weight_std),
            average: average(),
        },
        "convolution" => Architecture::Convolution {
            channels: count("channels"),
            filter: count("filter"),
            circular: keys.text("padding") != Some("zero"),
            average: average(),
        },
        "tied" => Architecture::Tied,
        _ => Architecture::FullyConnected,
    }
}

/// What the rest of the problem says of the wiring.
pub(super) struct Context<'a> {
    pub inputs: &'a Inputs,
    pub nonlinearity: &'a Nonlinearity,
    pub hidden_layers: usize,
    pub centred: bool,
}

/// Rules between the wiring and the other keys.
pub(super) fn check(architecture: &Architecture, context: &Context, broken: &mut Vec<Violation>) {
    let dimension = context.inputs.dimension();
    let mut divides = |key: &str, part: usize| {
        let fits = dimension.is_multiple_of(part);
        if !fits {
            let rule = format!("= {part} does not divide the input dimension {dimension}");
            broken.push(Violation::new(
                format!("architecture.{key}"),
                rule,
                format!("use a divisor of {dimension}"),
            ));
        }
        fits
    };
    match *architecture {
        Architecture::FullyConnected | Architecture::LayerNorm { .. } | Architecture::Residual { .. } => {}
        Architecture::Recurrent { step_dimension, .. } => {
            divides("step_dimension", step_dimension);
        }
        Architecture::Convolution { channels, filter, .. } => {
            if divides("channels", channels) && filter > dimension / channels {
                let positions = dimension / channels;
                let rule = format!("= {filter} is larger than the {positions} positions");
                broken.push(Violation::new("architecture.filter", rule, format!("use at most {positions}")));
            }
        }
        Architecture::Tied => {
            if context.hidden_layers != 1 {
                let rule = "must be 1 where the readout is tied";
                broken.push(Violation::new("hidden_layers", rule, "set it to 1"));
            }
            if !context.centred {
                let rule = "must be true where the readout is tied: the output at the start grows as √n";
                broken.push(Violation::new("centred", rule, "set it to true"));
            }
            if let Nonlinearity::Gelu | Nonlinearity::Tanh | Nonlinearity::Polynomial { .. } =
                context.nonlinearity
            {
                let rule = "has no closed form where the readout is tied";
                broken.push(Violation::new("activation", rule, "use relu, leaky-relu, erf, sine or linear"));
            }
        }
    }
}

impl Architecture {
    /// Steps or positions of an input of `dimension` coordinates.
    pub fn sites(&self, dimension: usize) -> usize {
        match *self {
            Self::Recurrent { step_dimension, .. } => dimension / step_dimension,
            Self::Convolution { channels, .. } => dimension / channels,
            _ => 1,
        }
    }

    /// Weight matrices of n x n entries in a network of `layers` hidden layers.
    pub fn square_weights(&self, layers: usize) -> usize {
        match *self {
            Self::Recurrent { .. } => 2 * layers - 1,
            Self::Convolution { filter, .. } => filter * (layers - 1),
            Self::Residual { .. } => layers,
            Self::FullyConnected | Self::LayerNorm { .. } => layers - 1,
            Self::Tied => 0,
        }
    }
}
