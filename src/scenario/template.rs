//! `figure new`: a scenario to begin with.

use super::sections::{Section, sections};
use crate::problem::ProblemKind;
use crate::problem::spec::{Default, Kind, Parameter, Range};

/// A complete scenario for this kind of problem, every key explained: required keys with example values,
/// optional keys as comments.
pub fn toml(kind: &ProblemKind) -> String {
    let mut text = format!("# {}\n# {}\n", kind.title, kind.source);
    text += "# A line that begins with # is a comment; a commented key is optional.\n";
    text += "# Any numeric key may be a formula over others: student_width = \"= 2 * teacher_width\".\n";
    for section in sections(kind) {
        text += &opening(&section);
        if section.name == "problem" {
            text += &format!("kind = \"{}\"\n", kind.kind);
        }
        if section.name == "panel" {
            text += SERIES;
            text += "\n# one panel of the figure; [[panel]] may stand several times\n[[panel]]\n";
        }
        let width =
            section.parameters.iter().map(|p| assignment(p, kind).chars().count()).max().unwrap_or(0).min(48);
        for parameter in section.parameters {
            let note = format!("{}{}", parameter.doc, remark(parameter));
            text += &format!("{:width$}  # {note}\n", assignment(parameter, kind));
            for line in alternatives(parameter) {
                text += &format!("#     {line}\n");
            }
        }
    }
    text += "\n# overrides for --preset quick\n[preset.quick]\n";
    text + "\"simulation.replicas\" = 8\n"
}

const SERIES: &str = "
# one curve for each value, or [[series]] tables with a label and keys of their own:
# [series]
# \"problem.learning_rate\" = [0.1, 0.2, 0.4]

# points against a swept key in place of curves against time:
# [sweep]
# \"problem.learning_rate\" = { from = 0.05, to = 0.8, points = 5, spacing = \"log\" }
";

fn opening(section: &Section) -> String {
    match section.name {
        "" => "\n".into(),
        "panel" => String::new(),
        name if section.repeated => format!("\n# {}\n[[{name}]]\n", section.doc),
        name => format!("\n# {}\n[{name}]\n", section.doc),
    }
}

/// Keys whose absence is no choice that a beginner should make.
fn is_written(parameter: &Parameter) -> bool {
    matches!(parameter.default, Default::Required) || parameter.key == "start" || parameter.key == "scale"
}

fn assignment(parameter: &Parameter, kind: &ProblemKind) -> String {
    let example = parameter.example.replace("generalisation_error", kind.main_observable);
    match default(parameter) {
        _ if is_written(parameter) => format!("{} = {example}", parameter.key),
        Some(value) => format!("# {} = {value}", parameter.key),
        None => format!("# {} = {example}", parameter.key),
    }
}

fn remark(parameter: &Parameter) -> String {
    let mut parts = Vec::new();
    if !parameter.symbol.is_empty() {
        parts.push(parameter.symbol.to_string());
    }
    if default(parameter).is_some() && !is_written(parameter) {
        parts.push("the default".into());
    }
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join("; ")) }
}

fn alternatives(parameter: &Parameter) -> Vec<String> {
    match parameter.kind {
        Kind::Choice(choices) => choices.iter().map(|(name, doc)| format!("\"{name}\": {doc}")).collect(),
        Kind::Tagged(variants) => variants
            .iter()
            .map(|v| {
                let keys = v.parameters.iter().map(|p| format!(", {} = {}", p.key, p.example));
                format!("{{ kind = \"{}\"{} }}: {}", v.name, keys.collect::<String>(), v.doc)
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// The default as TOML, if there is one.
pub(super) fn default(parameter: &Parameter) -> Option<String> {
    match parameter.default {
        Default::Required | Default::Absent => None,
        Default::Flag(flag) => Some(flag.to_string()),
        Default::Count(n) => Some(n.to_string()),
        Default::Number(x) => Some(format!("{x:?}")),
        Default::Text(text) => Some(format!("{text:?}")),
        Default::Variant(name) => Some(format!("{{ kind = {name:?} }}")),
    }
}

/// What a parameter accepts, in words.
pub(super) fn accepts(kind: &Kind) -> String {
    let range = |range: &Range, what: &str| match range {
        Range::Any => what.to_string(),
        Range::Positive => format!("{what} > 0"),
        Range::NonNegative => format!("{what} >= 0"),
        Range::Open(a, b) => format!("{what} between {a} and {b}"),
    };
    match kind {
        Kind::Flag => "true or false".into(),
        Kind::Count { min, max: u64::MAX } => format!("integer >= {min}"),
        Kind::Count { min, max } => format!("integer from {min} to {max}"),
        Kind::Number(r) => range(r, "number"),
        Kind::Choice(_) => "one of".into(),
        Kind::Text => "text".into(),
        Kind::Markup => "text, $formula$, x_{1}, 10^{2}".into(),
        Kind::Vector(r) => range(r, "numbers"),
        Kind::NumberOrVector(r) => range(r, "number or list, each"),
        Kind::Matrix => "matrix as a list of rows".into(),
        Kind::Counts { min, .. } => format!("integers >= {min}"),
        Kind::Texts => "text or list of texts".into(),
        Kind::Interval => "[low, high]".into(),
        Kind::Intervals => "list of [low, high]".into(),
        Kind::Times => "ascending list, or { from, to, points, spacing }".into(),
        Kind::Labels => "label or position, or a list of them".into(),
        Kind::Expression => "formula".into(),
        Kind::Tagged(_) => "table, by kind".into(),
    }
}
