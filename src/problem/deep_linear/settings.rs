//! From checked keys to the deep linear problem: the rules between keys.

use super::parameters::MAX_WIDTH;
use super::{Basis, DeepLinear, Init, InputBasis, Limit, Target};
use crate::problem::activation::Activation;
use crate::problem::spec::{Settings, Value, Violation};
use nalgebra::DMatrix;

const DECLARED: &str = "every key is declared and checked";

/// Checks of types and ranges are done; what is left are the rules between keys.
pub(super) fn read(settings: &Settings) -> Result<DeepLinear, Vec<Violation>> {
    let mut broken = Vec::new();
    let layers = settings.count("weight_layers").expect(DECLARED);
    let inputs = settings.count("input_width").expect(DECLARED);
    let outputs = settings.count("output_width").expect(DECLARED);
    let widths = widths(settings, layers, inputs, outputs, &mut broken);
    let (target, target_scale) = target(settings, inputs, outputs, &mut broken);
    let modes = target.modes(inputs, outputs);
    if modes > inputs.min(outputs) {
        broken.push(Violation::new(
            "target",
            format!(
                "has {modes} modes, a map of {inputs} inputs to {outputs} outputs has at most {}",
                inputs.min(outputs)
            ),
            "raise input_width and output_width",
        ));
    }
    let init = init(settings, &widths, modes, &mut broken);
    let input_variance = settings.vector("input_variance", inputs).expect(DECLARED);
    if input_variance.len() != inputs {
        broken.push(Violation::new(
            "input_variance",
            format!("has {} entries for {inputs} inputs", input_variance.len()),
            "give one number for white inputs or one for each input",
        ));
    }
    let limit = match (settings.text("limit"), settings.number("step")) {
        (Some("initial-scale"), Some(step)) => Limit::InitialScale { step },
        (Some("initial-scale"), None) => {
            let rule = "is missing: with limit = \"initial-scale\" the sizes do not say how long a step is";
            broken.push(Violation::new("step", rule, "add step = 0.001"));
            Limit::StepSize
        }
        (_, Some(_)) => {
            let rule = "has no meaning where the sizes are steps per unit of time";
            broken.push(Violation::new("step", rule, "remove it, or set limit = \"initial-scale\""));
            Limit::StepSize
        }
        _ => Limit::StepSize,
    };
    let problem = DeepLinear {
        widths,
        target,
        target_scale,
        input_variance,
        input_basis: match settings.text("input_basis") {
            Some("random") => InputBasis::Random,
            _ => InputBasis::Modes,
        },
        activation: Activation::from_name(settings.text("activation").expect(DECLARED)).expect(DECLARED),
        learning_rate: settings.number("learning_rate").expect(DECLARED),
        limit,
        init,
        noise_std: settings.number("noise_std").expect(DECLARED),
        training_set: settings.count("training_set"),
        whitened: settings.flag("whitened").expect(DECLARED),
        batch: settings.count("batch"),
        learnt_fraction: settings.number("learnt_fraction").expect(DECLARED),
        learnt_loss: settings.number("learnt_loss").expect(DECLARED),
    };
    samples(&problem, &mut broken);
    if broken.is_empty() { Ok(problem) } else { Err(broken) }
}

fn widths(
    settings: &Settings,
    layers: usize,
    inputs: usize,
    outputs: usize,
    broken: &mut Vec<Violation>,
) -> Vec<usize> {
    let hidden = settings.vector("hidden_width", layers - 1).expect(DECLARED);
    if hidden.len() != layers - 1 {
        broken.push(Violation::new(
            "hidden_width",
            format!(
                "has {} entries where {layers} weight layers have {} hidden ones",
                hidden.len(),
                layers - 1
            ),
            "give one number for all hidden layers, or one for each",
        ));
    }
    if let Some(width) = hidden.iter().find(|w| w.fract() != 0.0 || **w > MAX_WIDTH as f64) {
        let rule = format!("holds {width}: must be an integer from 1 to {MAX_WIDTH}");
        broken.push(Violation::new("hidden_width", rule, "round it"));
    }
    let mut widths = vec![inputs];
    widths.extend(hidden.iter().map(|&w| w as usize));
    widths.push(outputs);
    widths
}

fn target(settings: &Settings, inputs: usize, outputs: usize, broken: &mut Vec<Violation>) -> (Target, f64) {
    let (kind, keys) = settings.tagged("target").expect(DECLARED);
    let basis = match keys.text("basis") {
        Some("axes") => Basis::Axes,
        _ => Basis::Random,
    };
    let target = match kind {
        "modes" => {
            let strengths = keys.vector("strengths", 1).expect(DECLARED);
            if strengths.is_empty() {
                broken.push(Violation::new("target.strengths", "is empty", "give at least one strength"));
            }
            Target::Modes { strengths, basis }
        }
        "power-law" => {
            let exponent = keys.number("exponent").expect(DECLARED);
            let strength = |i: usize| libm::pow(i as f64, -exponent);
            let modes = keys.count("modes").expect(DECLARED);
            Target::Modes { strengths: (1..=modes).map(strength).collect(), basis }
        }
        "given" => Target::Given { map: shaped(keys, "A", "target.A", outputs, inputs, broken) },
        _ => {
            let levels = keys.count("levels").expect(DECLARED);
            let (items, nodes) = (1 << levels, (2 << levels) - 1);
            for (key, found, needed, what) in
                [("input_width", inputs, items, "items"), ("output_width", outputs, nodes, "nodes")]
            {
                if found != needed {
                    broken.push(Violation::new(
                        key,
                        format!("is {found}, and a tree of {levels} levels has {needed} {what}"),
                        format!("set {key} = {needed}"),
                    ));
                }
            }
            Target::Tree { levels }
        }
    };
    (target, keys.number("scale").expect(DECLARED))
}

fn init(settings: &Settings, widths: &[usize], modes: usize, broken: &mut Vec<Violation>) -> Init {
    let (kind, keys) = settings.tagged("init").expect(DECLARED);
    let layers = widths.len() - 1;
    let narrowest = widths[1..layers].iter().copied().min().unwrap_or(modes);
    let mut line = |key: &str| {
        let list = keys.vector(key, modes).expect(DECLARED);
        if list.len() != modes {
            let rule = format!("has {} entries where the target has {modes} modes", list.len());
            broken.push(Violation::new(
                format!("init.{key}"),
                rule,
                format!("give {modes} numbers, or one for all modes"),
            ));
        }
        list
    };
    let number = |key| keys.number(key).expect(DECLARED);
    let init = match kind {
        "aligned" => Init::Aligned { u0: line("u0") },
        "unbalanced" => Init::Unbalanced { a: line("a"), b: line("b") },
        "random" => Init::Random { std: number("std") },
        "gaussian" => Init::Gaussian { gain: number("gain") },
        "orthogonal" => Init::Orthogonal { gain: number("gain") },
        "pretrained" => Init::Pretrained { gain: number("gain"), time: number("time") },
        "lambda-balanced" => Init::LambdaBalanced { lambda: number("lambda"), std: number("std") },
        _ if layers == 2 => Init::Given {
            w1: shaped(keys, "W1", "init.W1", widths[1], widths[0], broken),
            w2: shaped(keys, "W2", "init.W2", widths[2], widths[1], broken),
        },
        _ => Init::Given { w1: DMatrix::zeros(0, 0), w2: DMatrix::zeros(0, 0) },
    };
    let two = matches!(init, Init::Unbalanced { .. } | Init::LambdaBalanced { .. } | Init::Given { .. });
    if two && layers != 2 {
        broken.push(Violation::new(
            "init.kind",
            format!("{kind} is a start of two weight layers, and there are {layers}"),
            "set weight_layers = 2, or choose another start",
        ));
    }
    if matches!(init, Init::Aligned { .. } | Init::Unbalanced { .. }) && narrowest < modes {
        broken.push(Violation::new(
            "hidden_width",
            format!("{narrowest} units cannot carry the {modes} modes of an aligned start"),
            format!("use at least {modes}"),
        ));
    }
    if let Init::LambdaBalanced { lambda, .. } = init
        && two
        && layers == 2
    {
        let room = if lambda > 0.0 { widths[2] } else { widths[0] };
        if lambda != 0.0 && room < widths[1] {
            broken.push(Violation::new(
                "hidden_width",
                format!(
                    "{} units cannot all have the imbalance lambda = {lambda} with {room} units beside them",
                    widths[1]
                ),
                format!("use at most {room}, or lambda = 0"),
            ));
        }
    }
    init
}

/// Rules about samples.
fn samples(problem: &DeepLinear, broken: &mut Vec<Violation>) {
    if !problem.is_linear() && problem.training_set.is_none() && problem.batch.is_none() {
        broken.push(Violation::new(
            "activation",
            "a nonlinear network has no exact average over inputs to train on",
            "give training_set, or batch for fresh samples",
        ));
    }
    if problem.whitened && problem.training_set.is_none_or(|samples| samples < problem.inputs()) {
        broken.push(Violation::new(
            "whitened",
            format!("needs a training set of at least {} samples, one for each input", problem.inputs()),
            "raise training_set, or set whitened = false",
        ));
    }
}

/// A given matrix of the right shape.
fn shaped(
    settings: &Settings,
    key: &str,
    path: &str,
    rows: usize,
    columns: usize,
    broken: &mut Vec<Violation>,
) -> DMatrix<f64> {
    let list = settings.matrix(key).expect(DECLARED);
    let found = (list.len(), list.first().map_or(0, Vec::len));
    if found != (rows, columns) {
        broken.push(Violation::new(
            path,
            format!("is {} x {} where {rows} x {columns} is needed", found.0, found.1),
            "rows run over outputs, columns over inputs of the layer",
        ));
        return DMatrix::zeros(rows, columns);
    }
    DMatrix::from_fn(rows, columns, |i, j| list[i][j])
}

/// See [`crate::problem::Problem::fit_settings`]: hidden widths of a missing layer are those of the last one.
pub(in crate::problem) fn fit_settings(settings: &mut Settings) {
    let Some(layers) = settings.count("weight_layers") else { return };
    for (key, value) in &mut settings.0 {
        if let ("hidden_width", Value::Vector(list)) = (*key, value) {
            let last = list.last().copied().unwrap_or(1.0);
            list.resize(layers - 1, last);
        }
    }
}
