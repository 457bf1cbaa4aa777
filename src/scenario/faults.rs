//! Planted faults: what the command line asks for, and the change of one number among checked settings.

use super::message::Issue;
use super::raw::{At, Document};
use super::sections::numeric_keys;
use crate::problem::ProblemKind;
use crate::problem::spec::{Kind, Parameter, Settings, Value};

/// A fault of the command line.
#[derive(Clone, Debug)]
pub(super) enum Fault {
    /// Named by the problem.
    Structural(String),
    /// x -> factor x + shift of one numeric key of the problem.
    Affine { key: String, factor: f64, shift: f64, at: At },
}

/// Reads `--fault` arguments.
pub(super) fn faults(arguments: &[String], kind: &ProblemKind, issues: &mut Vec<Issue>) -> Vec<Fault> {
    let keys = numeric_keys(kind);
    let mut faults = Vec::new();
    for argument in arguments {
        let document = Document::option("--fault", argument);
        let whole = At::new(&document, 0..argument.len());
        let text = argument.trim();
        let all = || kind.law_faults.iter().chain(kind.finite_size_faults);
        if all().any(|(name, _)| *name == text) {
            faults.push(Fault::Structural(text.into()));
            continue;
        }
        let (key, value, shifts) = match (text.split_once("+="), text.split_once('=')) {
            (Some((key, value)), _) => (key, value, true),
            (None, Some((key, value))) => (key, value, false),
            (None, None) => (text, "", false),
        };
        let key = key.trim().strip_prefix("problem.").unwrap_or(key.trim());
        let structural = all().map(|(name, _)| *name);
        if !keys.iter().any(|known| known == key) {
            let all: Vec<&str> = keys.iter().map(String::as_str).chain(structural.clone()).collect();
            let help = match super::message::nearest(text, structural.clone())
                .or_else(|| super::message::nearest(key, all.iter().copied()))
            {
                Some(near) => format!("did you mean {near}?"),
                None => format!(
                    "KEY=FACTOR or KEY+=DELTA with a numeric key of the problem ({}), or one of {}",
                    keys.join(", "),
                    structural.collect::<Vec<_>>().join(", ")
                ),
            };
            issues
                .push(Issue::key(&whole, "", format!("{text:?} is no fault that can be planted")).help(help));
            continue;
        }
        match value.trim().parse::<f64>() {
            Ok(x) if x.is_finite() => {
                let (factor, shift) = if shifts { (1.0, x) } else { (x, 0.0) };
                faults.push(Fault::Affine { key: key.into(), factor, shift, at: whole });
            }
            _ => issues.push(
                Issue::key(&whole, "", format!("{:?} is no number", value.trim()))
                    .help("write KEY=FACTOR or KEY+=DELTA, as in learning_rate=1.1 or student_width+=1"),
            ),
        }
    }
    faults
}

/// Changes one number among checked settings.
pub(super) fn plant(
    settings: &mut Settings,
    parameters: &[Parameter],
    key: &str,
    factor: f64,
    shift: f64,
    at: &At,
) -> Result<(), Issue> {
    let (first, rest) = key.split_once('.').unwrap_or((key, ""));
    let parameter = parameters.iter().find(|p| p.key == first);
    let value = settings.0.iter_mut().find(|(name, _)| *name == first).map(|(_, value)| value);
    let refused =
        |rule: String| Err(Issue::key(at, "", rule).help("plant the fault in a key that has one number"));
    match (parameter.map(|p| p.kind), value) {
        (Some(Kind::Tagged(variants)), Some(Value::Tagged(name, inner))) => {
            let variant = variants.iter().find(|v| v.name == *name);
            plant(inner, variant.map_or(&[][..], |v| v.parameters), rest, factor, shift, at)
        }
        (Some(Kind::Number(range) | Kind::NumberOrVector(range)), Some(Value::Number(x))) => {
            let changed = *x * factor + shift;
            if changed == *x {
                return Err(Issue::key(at, "", format!("leaves {key} = {x} as it is"))
                    .help(format!("add to it instead: --fault {key}+=0.1")));
            }
            if !range.contains(changed) {
                return Err(Issue::key(at, "", format!("makes {key} = {changed}: {}", range.rule())));
            }
            *x = changed;
            Ok(())
        }
        (Some(Kind::Count { min, max }), Some(Value::Count(n))) => {
            let changed = *n as f64 * factor + shift;
            let nearest = changed.round();
            if (changed - nearest).abs() > 1e-9 || !(min as f64..=max as f64).contains(&nearest) {
                return Err(Issue::key(
                    at,
                    "",
                    format!("makes {key} = {changed}: must be an integer >= {min}"),
                )
                .help(format!("add to it instead: --fault {key}+=1")));
            }
            if nearest == *n as f64 {
                return Err(Issue::key(at, "", format!("leaves {key} = {n} as it is")));
            }
            *n = nearest as u64;
            Ok(())
        }
        (Some(Kind::Vector(range) | Kind::NumberOrVector(range)), Some(Value::Vector(list))) => {
            for x in list {
                *x = *x * factor + shift;
                if !range.contains(*x) {
                    return Err(Issue::key(at, "", format!("makes an entry of {key} {x}: {}", range.rule())));
                }
            }
            Ok(())
        }
        (Some(_), Some(_)) => refused(format!("{key} is a list here, not one number")),
        _ => refused(format!("{key} has no value in this scenario")),
    }
}
