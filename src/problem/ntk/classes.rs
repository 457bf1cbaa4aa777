//! Labels that are classes 1, ..., C: targets, their keys, and the rules of loss = "softmax".

use super::architecture::Architecture;
use super::{Inputs, Loss, Target};
use crate::problem::spec::{Default, Kind, Parameter, Range, Settings, Variant, Violation};
use std::f64::consts::TAU;

/// A class as a function of the angle g of the first two coordinates.
#[derive(Clone, Debug, PartialEq)]
pub enum Classes {
    /// C equal sectors, the first from g = `offset` on; a boundary belongs to the sector that begins there.
    Sectors { classes: usize, offset: f64 },
    /// The first class of largest sum_k a_ck cos(k g) + b_ck sin(k g).
    Largest { cosine: Vec<Vec<f64>>, sine: Vec<Vec<f64>> },
}

/// Functions that differ by less than this, relative to their coefficients, are equal, and points nearer to a boundary
/// lie on it.
const EQUAL: f64 = 1e-12;

impl Classes {
    /// The class at angle g.
    pub(super) fn at(&self, angle: f64) -> f64 {
        match self {
            Self::Sectors { classes, offset } => {
                let count = *classes as f64;
                let sector = (count * (angle - offset) / TAU + EQUAL * count).floor();
                1.0 + sector.rem_euclid(count)
            }
            Self::Largest { cosine, sine } => {
                let part = |rows: &[Vec<f64>], class: usize, wave: fn(f64) -> f64| -> f64 {
                    let row = rows.get(class).map_or(&[][..], Vec::as_slice);
                    row.iter().enumerate().map(|(k, a)| a * wave(k as f64 * angle)).sum()
                };
                let margin = EQUAL * cosine.iter().chain(sine).flatten().map(|a| a.abs()).sum::<f64>();
                let value = |class: usize| part(cosine, class, libm::cos) + part(sine, class, libm::sin);
                let mut best = (0, value(0));
                for class in 1..cosine.len().max(sine.len()) {
                    let value = value(class);
                    if value > best.1 + margin {
                        best = (class, value);
                    }
                }
                (best.0 + 1) as f64
            }
        }
    }
}

/// The key `classes`.
pub(super) const PARAMETER: Parameter = Parameter {
    key: "classes",
    symbol: "C",
    kind: Kind::Count { min: 2, max: 10_000 },
    default: Default::Absent,
    doc: "classes C of loss = \"softmax\": one output for each, labels 1 to C",
    example: "3",
};

const fn rows(key: &'static str, example: &'static str) -> Parameter {
    Parameter {
        key,
        symbol: "",
        kind: Kind::Matrix,
        default: Default::Absent,
        doc: "coefficients from k = 0, one row for each class",
        example,
    }
}

pub(super) const SECTORS: Variant = Variant {
    name: "sectors",
    doc: "classes: C equal sectors of the angle g of the first two coordinates, for loss = \"softmax\"",
    parameters: &[Parameter {
        key: "offset",
        symbol: "",
        kind: Kind::Number(Range::Any),
        default: Default::Number(0.0),
        doc: "angle at which the first sector begins, radians",
        example: "0.5",
    }],
};

pub(super) const LARGEST: Variant = Variant {
    name: "largest-harmonics",
    doc: "classes: that of the largest sum of cosine[c][k] cos(k g) + sine[c][k] sin(k g), for loss = \"softmax\"",
    parameters: &[
        rows("cosine", "[[0.0, 1.0], [0.0, -1.0], [0.5]]"),
        rows("sine", "[[0.0, 1.0], [0.0, -1.0], [0.5]]"),
    ],
};

/// The loss that the keys name; one of softmax without `classes` is refused.
pub(super) fn loss(settings: &Settings, broken: &mut Vec<Violation>) -> Loss {
    let classes = settings.count("classes");
    match (settings.text("loss"), classes) {
        (Some("softmax"), Some(classes)) => return Loss::Softmax { classes },
        (Some("softmax"), None) => {
            let rule = "is missing: loss = \"softmax\" needs it";
            broken.push(Violation::new("classes", rule, "add classes = 2 or more"));
            return Loss::Softmax { classes: 2 };
        }
        (_, Some(_)) => {
            let rule = "has no meaning for a loss of one output";
            let remedy = "set loss = \"softmax\", or remove classes: squared losses of several outputs do not act on \
                          each other, so that each is a problem of its own";
            broken.push(Violation::new("classes", rule, remedy));
        }
        _ => {}
    }
    if settings.text("loss") == Some("logistic") { Loss::Logistic } else { Loss::Squared }
}

/// A target of this module, if the keys name one.
pub(super) fn target(
    settings: &Settings,
    inputs: &Inputs,
    loss: Loss,
    broken: &mut Vec<Violation>,
) -> Option<Target> {
    let (kind, keys) = settings.tagged("target")?;
    if kind != "sectors" && kind != "largest-harmonics" {
        return None;
    }
    if inputs.dimension() < 2 {
        let rule = "an angle needs two coordinates";
        broken.push(Violation::new("target.kind", rule, "use kind = \"given\""));
    }
    let classes = loss.outputs();
    if kind == "sectors" {
        let offset = keys.number("offset").unwrap_or_default();
        return Some(Target::Classes(Classes::Sectors { classes, offset }));
    }
    let rows = |key: &str| keys.matrix(key).map(<[Vec<f64>]>::to_vec).unwrap_or_default();
    let (cosine, sine) = (rows("cosine"), rows("sine"));
    if cosine.is_empty() && sine.is_empty() {
        broken.push(Violation::new("target", "is zero for every class", "give cosine or sine"));
    }
    for (key, list) in [("target.cosine", &cosine), ("target.sine", &sine)] {
        if !list.is_empty() && list.len() != classes && matches!(loss, Loss::Softmax { .. }) {
            let rule = format!("has {} rows for {classes} classes", list.len());
            broken.push(Violation::new(key, rule, format!("give {classes} rows")));
        }
    }
    Some(Target::Classes(Classes::Largest { cosine, sine }))
}

/// What else stands in the problem.
pub(super) struct Context<'a> {
    pub target: &'a Target,
    pub from_table: bool,
    pub architecture: &'a Architecture,
    pub noise_std: f64,
}

/// Rules between the loss and the other keys.
pub(super) fn check(loss: Loss, context: &Context, broken: &mut Vec<Violation>) {
    let Loss::Softmax { classes } = loss else {
        if let Target::Classes(_) = context.target {
            let rule = "gives classes, which are labels of loss = \"softmax\"";
            broken.push(Violation::new("target.kind", rule, "set loss = \"softmax\" and classes"));
        }
        return;
    };
    match context.target {
        Target::Classes(_) => {}
        Target::Given { y, tests } => {
            let lists = if context.from_table {
                [("inputs.path", y), ("inputs.path", tests)]
            } else {
                [("target.y", y), ("target.tests", tests)]
            };
            for (key, list) in lists {
                let class = |y: f64| y.fract() == 0.0 && y >= 1.0 && y <= classes as f64;
                if let Some((i, y)) = list.iter().enumerate().find(|(_, y)| !class(**y)) {
                    let rule = format!("has the label {y} at point {}, which is no class", i + 1);
                    broken.push(Violation::new(key, rule, format!("number the classes from 1 to {classes}")));
                }
            }
        }
        Target::Harmonics { .. } | Target::Polynomial { .. } => {
            let rule = "gives numbers where loss = \"softmax\" needs classes";
            let remedy = "use sectors, largest-harmonics, table or given";
            broken.push(Violation::new("target.kind", rule, remedy));
        }
    }
    if context.noise_std > 0.0 {
        let rule = "is noise on numbers, and labels of loss = \"softmax\" are classes";
        broken.push(Violation::new("noise_std", rule, "remove it; for wrong labels use kind = \"given\""));
    }
    if *context.architecture == Architecture::Tied {
        let rule = "has one readout where loss = \"softmax\" needs one for each class";
        broken.push(Violation::new("architecture", rule, "use another wiring"));
    }
}
