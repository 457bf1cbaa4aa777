//! From checked keys to the problem: the rules between keys.

use super::architecture::{self, Context};
use super::table::Table;
use super::{Architecture, Inputs, Loss, Nonlinearity, Ntk, Parametrisation, Target, classes};
use crate::problem::spec::{Settings, Violation};
use nalgebra::{DMatrix, DVector};

const DECLARED: &str = "every key is declared and checked";

/// Checks of types and ranges are done; what is left are the rules between keys.
pub(super) fn read(settings: &Settings) -> Result<Ntk, Vec<Violation>> {
    let mut broken = Vec::new();
    let number = |key| settings.number(key).expect(DECLARED);
    let table = table(settings, &mut broken);
    if !broken.is_empty() {
        return Err(broken);
    }
    let loss = classes::loss(settings, &mut broken);
    let from_table = table.is_some();
    let (inputs, target) = match table {
        Some(Table { x, tests, y, test_y }) => {
            let inputs = distinct(Inputs::Given { x, tests }, "inputs.path", &mut broken);
            (inputs, Target::Given { y, tests: test_y })
        }
        None => {
            let inputs = inputs(settings, &mut broken);
            let target = target(settings, &inputs, loss, &mut broken);
            (inputs, target)
        }
    };
    let nonlinearity = nonlinearity(settings, &mut broken);
    let hidden_layers = settings.count("hidden_layers").expect(DECLARED);
    let centred = settings.flag("centred").expect(DECLARED);
    let architecture = architecture::read(settings, number("weight_std"));
    let parametrisation = match settings.text("parametrisation") {
        Some("mean-field") => Parametrisation::MeanField,
        Some("standard") => Parametrisation::Standard,
        _ => Parametrisation::Ntk,
    };
    if parametrisation == Parametrisation::Standard && architecture != Architecture::FullyConnected {
        broken.push(Violation::new(
            "parametrisation",
            "\"standard\" is that of fully connected networks",
            "leave out architecture, or take parametrisation = \"ntk\"",
        ));
    }
    let context = Context { inputs: &inputs, nonlinearity: &nonlinearity, hidden_layers, centred };
    architecture::check(&architecture, &context, &mut broken);
    let context = classes::Context {
        target: &target,
        from_table,
        architecture: &architecture,
        noise_std: number("noise_std"),
    };
    classes::check(loss, &context, &mut broken);
    let problem = Ntk {
        hidden_layers,
        architecture,
        nonlinearity,
        weight_std: number("weight_std"),
        bias_std: number("bias_std"),
        learning_rate: number("learning_rate"),
        loss,
        batch: batch(settings.count("batch"), inputs.points(), &mut broken),
        output_scale: number("output_scale"),
        parametrisation,
        centred,
        kernel_points: settings.count("kernel_points").expect(DECLARED).min(inputs.points()),
        inputs,
        rms_norm: number("rms_norm"),
        target,
        noise_std: number("noise_std"),
    };
    if broken.is_empty() { Ok(problem) } else { Err(broken) }
}

fn batch(batch: Option<usize>, points: usize, broken: &mut Vec<Violation>) -> Option<usize> {
    if let Some(b) = batch.filter(|b| *b > points) {
        let rule = format!("{b} points of {points}");
        broken.push(Violation::new("batch", rule, format!("give at most {points}, or leave it out")));
    }
    // All points in every update are gradient descent.
    batch.filter(|b| *b < points)
}

fn nonlinearity(settings: &Settings, broken: &mut Vec<Violation>) -> Nonlinearity {
    let name = settings.text("activation").expect(DECLARED);
    let leak = settings.number("leak");
    let coefficients = match settings.get("coefficients") {
        Some(_) => settings.vector("coefficients", 1),
        None => None,
    };
    for (key, given, owner) in
        [("leak", leak.is_some(), "leaky-relu"), ("coefficients", coefficients.is_some(), "polynomial")]
    {
        if given != (name == owner) {
            let (rule, remedy) = if given {
                (format!("has no meaning for activation = {name:?}"), "remove it".to_string())
            } else {
                (format!("is missing: activation = {owner:?} needs it"), format!("add {key}"))
            };
            broken.push(Violation::new(key, rule, remedy));
        }
    }
    match name {
        "leaky-relu" => Nonlinearity::LeakyRelu { slope: leak.unwrap_or(0.0) },
        "erf" => Nonlinearity::Erf,
        "gelu" => Nonlinearity::Gelu,
        "sine" => Nonlinearity::Sine,
        "tanh" => Nonlinearity::Tanh,
        "linear" => Nonlinearity::Linear,
        "polynomial" => {
            let coefficients = coefficients.unwrap_or_default();
            if coefficients.is_empty() || coefficients.len() > MOST_COEFFICIENTS {
                let rule = format!("has {} entries", coefficients.len());
                broken.push(Violation::new("coefficients", rule, format!("give 1 to {MOST_COEFFICIENTS}")));
            }
            Nonlinearity::Polynomial { coefficients }
        }
        _ => Nonlinearity::LeakyRelu { slope: 0.0 },
    }
}

/// Of a polynomial activation: its moments reach twice the degree.
const MOST_COEFFICIENTS: usize = 16;

/// The data set of a file, if the problem names one. Labels stand in the same file, so that inputs and target go together.
fn table(settings: &Settings, broken: &mut Vec<Violation>) -> Option<Table> {
    let (kind, keys) = settings.tagged("inputs").expect(DECLARED);
    let (target, _) = settings.tagged("target").expect(DECLARED);
    if (kind == "table") != (target == "table") {
        let rule = "a table holds inputs and labels, the other kinds hold one of them";
        broken.push(Violation::new("target.kind", rule, "write kind = \"table\" for both, or for none"));
        return None;
    }
    if kind != "table" {
        return None;
    }
    let path = keys.text("path").expect(DECLARED);
    let (tests, standardised) =
        (keys.count("tests").expect(DECLARED), keys.flag("standardised").expect(DECLARED));
    Table::read(path, tests, standardised).map_err(|violation| broken.push(violation)).ok()
}

/// Refuses stated training inputs of which two are equal: labels of one could not be told from labels of the other.
fn distinct(inputs: Inputs, key: &str, broken: &mut Vec<Violation>) -> Inputs {
    if let Inputs::Given { x, .. } = &inputs {
        let mut pairs = (0..x.ncols()).flat_map(|j| (0..j).map(move |i| (i, j)));
        if let Some((i, j)) = pairs.find(|&(i, j)| x.column(i) == x.column(j)) {
            let rule = format!("rows {} and {} are equal: the kernel is singular", i + 1, j + 1);
            broken.push(Violation::new(key, rule, "remove one of them"));
        }
    }
    inputs
}

fn inputs(settings: &Settings, broken: &mut Vec<Violation>) -> Inputs {
    let (kind, keys) = settings.tagged("inputs").expect(DECLARED);
    let count = |key| keys.count(key).expect(DECLARED);
    match kind {
        "circle" => Inputs::Circle { points: count("points"), tests: count("tests") },
        "arc" => {
            let (points, angle) = (count("points"), keys.number("angle").expect(DECLARED));
            let turns = |i: usize| i as f64 * angle / std::f64::consts::TAU;
            // Equal up to the rounding of the angle.
            if let Some(i) = (1..points).find(|&i| (turns(i) - turns(i).round()).abs() < 1e-12 * i as f64) {
                let rule = format!("points 1 and {} are equal: the kernel is singular", i + 1);
                broken.push(Violation::new(
                    "inputs.angle",
                    rule,
                    "choose an angle that does not close the circle",
                ));
            }
            Inputs::Arc { points, angle }
        }
        "sphere" | "gaussian" => {
            let (points, tests, dimension) = (count("points"), count("tests"), count("dimension"));
            let seed = count("seed") as u64;
            if kind == "sphere" && dimension == 1 && points > 2 {
                let rule =
                    "a sphere in one dimension has two points: others repeat them and the kernel is singular";
                broken.push(Violation::new("inputs.points", rule, "give two points, or more dimensions"));
            }
            if kind == "sphere" {
                Inputs::Sphere { points, tests, dimension, seed }
            } else {
                Inputs::Gaussian { points, tests, dimension, seed }
            }
        }
        _ => {
            let columns = |key: &str| {
                let rows = keys.matrix(key).unwrap_or_default();
                DMatrix::from_fn(rows.first().map_or(0, Vec::len), rows.len(), |i, j| rows[j][i])
            };
            let (x, mut tests) = (columns("x"), columns("tests"));
            if x.is_empty() {
                broken.push(Violation::new("inputs.x", "holds no point", "give at least one row"));
            }
            if tests.ncols() > 0 && tests.nrows() != x.nrows() {
                let rule = format!("has {} coordinates where x has {}", tests.nrows(), x.nrows());
                broken.push(Violation::new("inputs.tests", rule, "give rows of equal length"));
                tests = DMatrix::zeros(x.nrows(), 0);
            }
            if tests.ncols() == 0 {
                tests = DMatrix::zeros(x.nrows(), 0);
            }
            distinct(Inputs::Given { x, tests }, "inputs.x", broken)
        }
    }
}

fn target(settings: &Settings, inputs: &Inputs, loss: Loss, broken: &mut Vec<Violation>) -> Target {
    if let Some(target) = classes::target(settings, inputs, loss, broken) {
        return target;
    }
    let (kind, keys) = settings.tagged("target").expect(DECLARED);
    let list = |key: &str| keys.get(key).and_then(|_| keys.vector(key, 1)).unwrap_or_default();
    match kind {
        "harmonics" => {
            let (cosine, sine) = (list("cosine"), list("sine"));
            if cosine.is_empty() && sine.is_empty() {
                broken.push(Violation::new("target", "is zero", "give cosine or sine"));
            }
            if inputs.dimension() < 2 {
                broken.push(Violation::new(
                    "target.kind",
                    "harmonics need two coordinates",
                    "use polynomial",
                ));
            }
            Target::Harmonics { cosine, sine }
        }
        "polynomial" => {
            let product = keys.number("product").expect(DECLARED);
            if product != 0.0 && inputs.dimension() < 2 {
                broken.push(Violation::new("target.product", "needs two coordinates", "set it to 0"));
            }
            Target::Polynomial { coefficients: list("coefficients"), product }
        }
        _ => {
            let (y, tests) = (list("y"), list("tests"));
            for (key, found, needed) in
                [("target.y", y.len(), inputs.points()), ("target.tests", tests.len(), inputs.tests())]
            {
                if found != needed {
                    let rule = format!("has {found} entries for {needed} points");
                    broken.push(Violation::new(key, rule, format!("give {needed} numbers")));
                }
            }
            Target::Given { y: DVector::from_vec(y), tests: DVector::from_vec(tests) }
        }
    }
}
