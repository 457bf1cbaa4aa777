//! Wirings beyond the fully connected network.

mod law;
mod networks;
#[path = "../../common/planted.rs"]
mod planted;
mod tables;

use crate::RELU;
use asymptotica::problem::Problem;
use asymptotica::problem::ntk::{Nonlinearity, Ntk};
use asymptotica::scenario::Scenario;
use nalgebra::DMatrix;

fn scenario(architecture: &str, keys: &str, rest: &str) -> Scenario {
    planted::scenario(&text(architecture, keys), rest, &[])
}

fn text(architecture: &str, keys: &str) -> String {
    let own = |key: &str, default: &str| {
        if keys.lines().any(|line| line.trim_start().starts_with(key)) {
            String::new()
        } else {
            format!("{key} = {default}\n")
        }
    };
    format!(
        "kind = \"ntk\"\n{}{}{}{}{}{}{}architecture = {architecture}\n{keys}\n[law]\nstart = \"limit\"",
        own("hidden_layers", "2"),
        own("activation", "\"erf\""),
        own("weight_std", "1.4"),
        own("bias_std", "0.3"),
        own("learning_rate", "0.5"),
        own("inputs", "{ kind = \"sphere\", points = 4, tests = 2, dimension = 6 }"),
        own("target", "{ kind = \"polynomial\", coefficients = [0.0, 1.0] }"),
    )
}

const REST: &str = "[observe]\ntimes = [0.0]\n[[panel]]\ny = \"train_loss\"\n";

fn problem(architecture: &str, keys: &str) -> Ntk {
    match &scenario(architecture, keys, REST).cases[0].problem {
        Problem::Ntk(problem) => problem.as_ref().clone(),
        _ => panic!("another problem"),
    }
}

/// Some inputs of d = 6, unequal norms, one twice another, one opposite, one nearly parallel.
fn inputs() -> DMatrix<f64> {
    let mut x = DMatrix::from_fn(6, 6, |i, j| ((3 * i + 5 * j) as f64 * 0.7).sin() + 0.1 * j as f64);
    let first = x.column(0).into_owned();
    x.set_column(3, &(&first * 2.0));
    x.set_column(4, &(-&first));
    x.set_column(5, &first.add_scalar(1e-7));
    x
}

const ACTIVATIONS: [(&str, Nonlinearity); 4] = [
    ("activation = \"relu\"", RELU),
    ("activation = \"erf\"", Nonlinearity::Erf),
    ("activation = \"tanh\"", Nonlinearity::Tanh),
    ("activation = \"gelu\"", Nonlinearity::Gelu),
];
