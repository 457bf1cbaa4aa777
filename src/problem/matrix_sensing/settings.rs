//! Checked settings become a problem.

use super::{Cure, DECLARED, Init, Limit, MatrixSensing, Model};
use crate::problem::spec::{Settings, Violation};
use nalgebra::DMatrix;

pub(super) fn read(settings: &Settings) -> Result<MatrixSensing, Vec<Violation>> {
    let mut broken = Vec::new();
    let dimension = settings.count("dimension").expect(DECLARED);
    let columns = settings.count("columns").expect(DECLARED);
    let (kind, keys) = settings.tagged("model").expect(DECLARED);
    let model = match kind {
        "asymmetric" => Model::Asymmetric { columns: keys.count("width").unwrap_or(dimension) },
        _ => Model::Symmetric,
    };
    let width = match model {
        Model::Symmetric => dimension,
        Model::Asymmetric { columns } => columns,
    };
    let mut strengths = settings.vector("strengths", 1).expect(DECLARED);
    strengths.sort_by(|a, b| b.total_cmp(a));
    let smallest = dimension.min(width);
    if strengths.is_empty() || strengths.len() > smallest {
        let rule = format!("has {} entries for a target of smallest side {smallest}", strengths.len());
        broken.push(Violation::new("strengths", rule, format!("give 1 to {smallest} strengths")));
    }
    let init = init(settings, model, (dimension, width, columns), &mut broken);
    let measurements = settings.count("training_set");
    let limit = match settings.text("limit").expect(DECLARED) {
        "measurements" => {
            if measurements.is_some() {
                let rule = "is given, and limit = \"measurements\" takes it from simulation.sizes";
                broken.push(Violation::new("training_set", rule, "remove training_set"));
            }
            match settings.number("learning_rate") {
                Some(step) => Limit::Measurements { step },
                None => {
                    let rule = "is missing: with limit = \"measurements\" sizes are no steps";
                    broken.push(Violation::new(
                        "learning_rate",
                        rule,
                        "give the length of one update, as learning_rate = 0.1",
                    ));
                    Limit::StepSize
                }
            }
        }
        _ => {
            if settings.number("learning_rate").is_some() {
                let rule = "is given, and limit = \"step-size\" takes it from simulation.sizes";
                broken.push(Violation::new(
                    "learning_rate",
                    rule,
                    "remove learning_rate, or set limit = \"measurements\"",
                ));
            }
            Limit::StepSize
        }
    };
    let (kind, keys) = settings.tagged("cure").expect(DECLARED);
    let cure = (kind == "one-step").then(|| Cure {
        time: keys.number("time").expect(DECLARED),
        scale: keys.number("scale").expect(DECLARED),
    });
    if cure.is_some() && model == Model::Symmetric {
        let rule = "changes the balance of F and G, and X X^T has one factor";
        broken.push(Violation::new("cure", rule, "set model = { kind = \"asymmetric\" }"));
    }
    if cure.is_some() && columns > dimension {
        let rule = format!("needs {columns} orthonormal columns in {dimension} dimensions");
        broken.push(Violation::new("cure", rule, "choose columns up to dimension"));
    }
    let problem = MatrixSensing { dimension, model, strengths, columns, init, measurements, limit, cure };
    if broken.is_empty() { Ok(problem) } else { Err(broken) }
}

fn init(
    settings: &Settings,
    model: Model,
    (dimension, width, columns): (usize, usize, usize),
    broken: &mut Vec<Violation>,
) -> Init {
    let (kind, keys) = settings.tagged("init").expect(DECLARED);
    match kind {
        "aligned" => {
            let x0 = keys.vector("x0", columns).expect(DECLARED);
            if x0.len() != columns {
                let rule = format!("has {} entries for {columns} columns", x0.len());
                broken.push(Violation::new("init.x0", rule, "give one number, or one for each column"));
            }
            if columns > dimension {
                let rule = format!("puts {columns} columns on {dimension} axes");
                broken.push(Violation::new("init", rule, "choose columns up to dimension, or another start"));
            }
            if model != Model::Symmetric {
                let rule = "is a start of the symmetric model";
                broken.push(Violation::new("init", rule, "use kind = \"random\" or \"given\""));
            }
            Init::Aligned { x0 }
        }
        "given" => {
            let mut matrix = |key: &str, rows: usize| {
                let list = keys.matrix(key)?;
                let found = (list.len(), list.first().map_or(0, Vec::len));
                if found != (rows, columns) {
                    let rule = format!("is {} x {}, and needed is {rows} x {columns}", found.0, found.1);
                    let remedy = "rows are the axes of the target, columns those of the factor";
                    broken.push(Violation::new(format!("init.{key}"), rule, remedy));
                    return Some(DMatrix::zeros(rows, columns));
                }
                Some(DMatrix::from_fn(rows, columns, |i, j| list[i][j]))
            };
            let f = matrix("F", dimension).expect(DECLARED);
            let g = matrix("G", width);
            if g.is_some() != (model != Model::Symmetric) {
                let rule = "belongs to the asymmetric model, and only to it";
                broken.push(Violation::new("init.G", rule, "give G with the asymmetric model alone"));
            }
            Init::Given { f, g }
        }
        _ => Init::Random {
            std: keys.number("std").expect(DECLARED),
            ratio: keys.number("ratio").expect(DECLARED),
        },
    }
}
