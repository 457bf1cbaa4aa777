//! `figure describe`: what a problem is and which keys it has.

use super::template::{accepts, default, toml};
use super::{Overrides, Source, resolve};
use crate::problem::ProblemKind;
use crate::problem::spec::{Kind, Parameter};

/// Equations, keys, observables, faults, overlays and source of one kind of problem, as plain text.
pub fn text(kind: &ProblemKind) -> String {
    let mut text = format!("{}  (kind = \"{}\")\n\n{}\n", kind.title, kind.kind, kind.description);
    text += &format!("\nTime unit: {}. Sizes count the {}.\n", kind.time_unit, kind.limit_parameter);
    text += &format!(
        "Expected finite-size exponents: bias {}, fluctuation {}.\n",
        kind.bias_exponent, kind.fluctuation_exponent
    );
    text += "\nKeys of [problem]\n";
    keys(&mut text, kind.parameters, 2);
    text += "\nObservables\n";
    for info in observables(kind) {
        let index = ["", "[i]", "[i,j]"][info.shape.len().min(2)];
        text += &format!("  {:<24}{}\n", format!("{}{index}", info.name), info.doc);
    }
    named(&mut text, "Asymptotic formulas for panel.overlays", kind.overlays);
    named(&mut text, "Faults of the law for --fault, besides KEY=FACTOR and KEY+=DELTA", kind.law_faults);
    named(&mut text, "Further ones of the law at finite size", kind.finite_size_faults);
    text + &format!("\nSource: {}\n", kind.source)
}

fn named(text: &mut String, title: &str, list: &[(&str, &str)]) {
    if !list.is_empty() {
        *text += &format!("\n{title}\n");
    }
    for (name, doc) in list {
        *text += &format!("  {name:<24}{doc}\n");
    }
}

fn keys(text: &mut String, parameters: &[Parameter], indent: usize) {
    for parameter in parameters {
        let symbol = format!("{:<5}", parameter.symbol);
        let rule = match default(parameter) {
            Some(default) => format!("{}; default {default}", accepts(&parameter.kind)),
            None if matches!(parameter.default, crate::problem::spec::Default::Absent) => {
                format!("{}; optional", accepts(&parameter.kind))
            }
            None => format!("{}; required", accepts(&parameter.kind)),
        };
        *text += &format!("{:indent$}{:<24}{symbol}{} ({rule})\n", "", parameter.key, parameter.doc);
        match parameter.kind {
            Kind::Choice(choices) => choices.iter().for_each(|(name, doc)| {
                *text += &format!("{:indent$}    {:<20}{:<5}{doc}\n", "", format!("\"{name}\""), "");
            }),
            Kind::Tagged(variants) => variants.iter().for_each(|v| {
                *text += &format!("{:indent$}    {:<20}{:<5}{}\n", "", format!("\"{}\"", v.name), "", v.doc);
                keys(text, v.parameters, indent + 8);
            }),
            _ => {}
        }
    }
}

/// The observables of the problem that the template describes.
fn observables(kind: &ProblemKind) -> Vec<crate::problem::ObservableInfo> {
    let source = Source::from_text("template", "template.toml", &toml(kind));
    let scenario = source.and_then(|source| resolve(&source, &Overrides::default()));
    let scenario = scenario.expect("the template of every problem is a valid scenario");
    scenario.cases[0].problem.observables()
}
