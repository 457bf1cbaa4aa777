//! `[series]`, `[[series]]` and `[sweep]`: which cases a scenario has.

use super::check::Checker;
use super::edit::Edit;
use super::message::Issue;
use super::raw::{At, Node, Raw, Table};
use super::resolved::Sweep;
use super::scope::Scope;
use super::sections::{CASE_SECTIONS, SECTION_NAMES};
use crate::problem::ProblemKind;
use crate::problem::spec::{Kind, Parameter, Range};

/// Most cases that one scenario may have.
const MAX_CASES: usize = 10_000;

/// One line of the figure: what it changes in the scenario.
#[derive(Clone, Debug, Default)]
pub(super) struct Series {
    pub label: String,
    pub edits: Vec<Edit>,
    /// Free variables, for expressions.
    pub free: Vec<(String, f64, At)>,
}

/// The swept key with its values.
#[derive(Clone, Debug)]
pub(super) struct Swept {
    pub sweep: Sweep,
    pub key_at: At,
    /// A free variable rather than a key of a section.
    pub is_free: bool,
    pub values: Vec<(f64, At)>,
}

/// The series of a scenario, in order; one without a label if there are none.
pub(super) fn series(root: &Table, kind: &ProblemKind, issues: &mut Vec<Issue>) -> Vec<Series> {
    let Some(entry) = root.entry("series") else { return vec![Series::default()] };
    let list = match &entry.node.raw {
        Raw::Table(table) => product(table, &entry.node.at, kind, issues),
        Raw::List(items) => {
            items.iter().enumerate().map(|(i, item)| labelled(item, i, kind, issues)).collect()
        }
        _ => {
            let rule = format!("must be a table or [[series]] tables, found {}", entry.node.found());
            issues.push(Issue::value(&entry.node.at, "series", rule).help(HELP));
            return Vec::new();
        }
    };
    if list.is_empty() && issues.is_empty() {
        issues.push(Issue::key(&entry.node.at, "series", "is empty").help(HELP));
    }
    for (i, one) in list.iter().enumerate() {
        if list[..i].iter().any(|other| other.label == one.label) && !one.label.is_empty() {
            let at = one.edits.first().map_or(&entry.node.at, |edit| &edit.at);
            let rule = format!("two series have the label {:?}", one.label);
            issues.push(Issue::key(at, "series", rule).help("give every series its own values or label"));
            break;
        }
    }
    list
}

const HELP: &str =
    "write [series] with \"problem.student_width\" = [2, 4, 6], or [[series]] tables with a label";

/// `[series]`: the Cartesian product of the listed values, the first key slowest.
fn product(table: &Table, at: &At, kind: &ProblemKind, issues: &mut Vec<Issue>) -> Vec<Series> {
    let mut list = vec![Series::default()];
    let keys = Edit::all_of(table);
    if keys.is_empty() {
        issues.push(Issue::key(at, "series", "is empty").help(HELP));
        return Vec::new();
    }
    for key in keys {
        let path = format!("series.{:?}", key.path);
        let Raw::List(values) = &key.node.raw else {
            let rule = format!("must be a list of values, found {}", key.node.found());
            issues.push(Issue::value(&key.node.at, path, rule).help("one series for each value: [2, 4, 6]"));
            return Vec::new();
        };
        if values.is_empty() {
            issues.push(
                Issue::value(&key.node.at, path, "has no values")
                    .help("one series for each value: [2, 4, 6]"),
            );
            return Vec::new();
        }
        if list.len().saturating_mul(values.len()) > MAX_CASES {
            issues.push(Issue::key(&key.at, path, format!("makes more than {MAX_CASES} series")));
            return Vec::new();
        }
        let mut longer = Vec::new();
        for one in &list {
            for (i, value) in values.iter().enumerate() {
                let mut next = one.clone();
                add(&mut next, Edit { node: value.clone(), ..key.clone() }, kind, issues);
                if !next.label.is_empty() {
                    next.label += ", ";
                }
                next.label += &value_label(&key.path, value, i, kind);
                longer.push(next);
            }
        }
        list = longer;
    }
    list
}

/// One `[[series]]` table.
fn labelled(item: &Node, i: usize, kind: &ProblemKind, issues: &mut Vec<Issue>) -> Series {
    let mut one = Series::default();
    let Some(table) = item.as_table() else {
        issues.push(Issue::value(&item.at, format!("series[{i}]"), "must be a table").help(HELP));
        return one;
    };
    match table.get("label") {
        Some(node) if node.as_text().is_some_and(|label| !label.trim().is_empty()) => {
            one.label = node.as_text().unwrap_or_default().to_string();
            let mut checker = Checker::new(Scope::EMPTY);
            checker.markup(&node.at, &format!("series[{i}].label"), &one.label);
            issues.append(&mut checker.issues);
        }
        Some(node) => {
            issues.push(Issue::value(&node.at, format!("series[{i}].label"), "must be text in quotes"))
        }
        None => issues.push(
            Issue::key(&item.at, format!("series[{i}].label"), "missing key")
                .help("add label = \"...\" for the legend"),
        ),
    }
    for edit in Edit::all_of(table) {
        if edit.path != "label" {
            add(&mut one, edit, kind, issues);
        }
    }
    one
}

fn add(one: &mut Series, edit: Edit, kind: &ProblemKind, issues: &mut Vec<Issue>) {
    let section = edit.path.split(['.', '[']).next().unwrap_or_default();
    if edit.path.contains('.') && CASE_SECTIONS.contains(&section) {
        one.edits.push(edit);
        return;
    }
    if let Err(issue) = free_name(&edit.path, &edit.at, "series", kind) {
        issues.push(issue);
        return;
    }
    let mut checker = Checker::new(Scope::EMPTY);
    if let Some(x) = checker.number(&edit.node, &format!("series.{}", edit.path), Range::Any) {
        one.free.push((edit.path, x, edit.at));
    }
    issues.append(&mut checker.issues);
}

/// A free variable has a plain name that means nothing else.
fn free_name(name: &str, at: &At, section: &str, kind: &ProblemKind) -> Result<(), Issue> {
    let path = format!("{section}.{name:?}");
    let known = || format!("a series may change keys of {}", CASE_SECTIONS.join(", "));
    if kind.parameters.iter().any(|p| p.key == name) {
        let help = format!("write \"problem.{name}\"");
        return Err(Issue::key(at, path, "is a key of the problem, not a free variable").help(help));
    }
    let first = name.split(['.', '[']).next().unwrap_or_default();
    if SECTION_NAMES.contains(&first) {
        return Err(Issue::key(at, path, format!("{first} cannot change from case to case")).help(known()));
    }
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && name.starts_with(|c: char| c.is_ascii_alphabetic());
    if !plain || name == "time" {
        let rule = "is neither a dotted key nor the name of a free variable";
        return Err(Issue::key(at, path, rule).help("write a key as \"problem.noise_std\", a variable as L"));
    }
    Ok(())
}

/// "K = 2", "relu".
fn value_label(path: &str, value: &Node, i: usize, kind: &ProblemKind) -> String {
    let name = symbol(path, kind);
    match &value.raw {
        Raw::Integer(n) => format!("{name} = {n}"),
        Raw::Float(x) => format!("{name} = {x}"),
        Raw::Flag(flag) => format!("{name} = {flag}"),
        Raw::Text(text) if value.as_expression().is_none() => text.clone(),
        Raw::Text(text) => format!("{name} {text}"),
        Raw::Table(table) => {
            let word =
                table.get("kind").and_then(Node::as_text).map_or(format!("#{}", i + 1), str::to_string);
            format!("{name} {word}")
        }
        Raw::Date(_) | Raw::List(_) => format!("{name} #{}", i + 1),
    }
}

/// The letter of a key of the problem, or the key in words.
fn symbol(path: &str, kind: &ProblemKind) -> String {
    let plain = path.strip_prefix("problem.").unwrap_or(path);
    match parameter(kind.parameters, plain) {
        Some(parameter) if !parameter.symbol.is_empty() && plain != path => parameter.symbol.to_string(),
        _ => letter(path)
            .unwrap_or_else(|| plain.rsplit_once('.').map_or(plain, |(_, last)| last).replace('_', " ")),
    }
}

/// A free variable with the name of a Greek letter as the letter, `Delta_2` with an index.
fn letter(name: &str) -> Option<String> {
    const LETTERS: &[(&str, &str)] = &[
        ("alpha", "α"),
        ("beta", "β"),
        ("gamma", "γ"),
        ("delta", "δ"),
        ("eta", "η"),
        ("kappa", "κ"),
        ("lambda", "λ"),
        ("rho", "ρ"),
        ("sigma", "σ"),
        ("tau", "τ"),
        ("Delta", "Δ"),
    ];
    let (word, index) = name.split_once('_').map_or((name, None), |(word, index)| (word, Some(index)));
    let (_, letter) = LETTERS.iter().find(|(known, _)| *known == word)?;
    Some(index.map_or(letter.to_string(), |index| format!("{letter}_{{{index}}}")))
}

fn parameter<'a>(parameters: &'a [Parameter], path: &str) -> Option<&'a Parameter> {
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    let found = parameters.iter().find(|p| p.key == first)?;
    match found.kind {
        _ if rest.is_empty() => Some(found),
        Kind::Tagged(variants) => variants.iter().find_map(|v| parameter(v.parameters, rest)),
        _ => None,
    }
}

/// The `[sweep]` of one series.
pub(super) fn sweep(root: &Table, kind: &ProblemKind, issues: &mut Vec<Issue>) -> Option<Swept> {
    let entry = root.entry("sweep")?;
    let help = "write [sweep] with one line, \"problem.noise_std\" = [0.1, 0.2], or L = { from = 0, ... }";
    let Some(table) = entry.node.as_table() else {
        issues.push(Issue::value(&entry.node.at, "sweep", "must be a table").help(help));
        return None;
    };
    let mut label = None;
    let mut keys = Vec::new();
    for edit in Edit::all_of(table) {
        match (edit.path.as_str(), edit.node.as_text()) {
            ("label", Some(text)) => label = Some((edit.node.clone(), text.to_string())),
            ("label", None) => {
                issues.push(Issue::value(&edit.node.at, "sweep.label", "must be text in quotes"));
            }
            _ => keys.push(edit),
        }
    }
    let [key] = &keys[..] else {
        let rule = format!("must hold exactly one swept key, found {}", keys.len());
        let at = keys.get(1).map_or(&entry.node.at, |key| &key.at);
        issues.push(Issue::key(at, "sweep", rule).help(help));
        return None;
    };
    let path = format!("sweep.{:?}", key.path);
    let section = key.path.split(['.', '[']).next().unwrap_or_default();
    let is_free = !(key.path.contains('.') && CASE_SECTIONS.contains(&section) && section != "sweep");
    if is_free && let Err(issue) = free_name(&key.path, &key.at, "sweep", kind) {
        issues.push(issue);
        return None;
    }
    let mut checker = Checker::new(Scope::EMPTY);
    if let Some((node, text)) = &label {
        checker.markup(&node.at, "sweep.label", text);
    }
    let values = match &key.node.raw {
        Raw::Table(_) | Raw::List(_) => checker.values(&key.node, &path),
        _ => {
            let rule = format!("must be a list of numbers or a grid, found {}", key.node.found());
            checker.issues.push(Issue::value(&key.node.at, path.clone(), rule).help(help));
            None
        }
    };
    issues.append(&mut checker.issues);
    let values = values?;
    if values.is_empty() || values.len() > MAX_CASES {
        let rule = if values.is_empty() {
            "has no values".into()
        } else {
            format!("has more than {MAX_CASES} values")
        };
        issues.push(Issue::value(&key.node.at, path, rule).help(help));
        return None;
    }
    if let Some(i) = (1..values.len()).find(|&i| values[..i].iter().any(|(x, _)| *x == values[i].0)) {
        issues.push(Issue::value(&values[i].1, path, format!("holds {} twice", values[i].0)));
        return None;
    }
    let label = label.map_or_else(|| symbol(&key.path, kind), |(_, text)| text);
    let sweep = Sweep { key: key.path.clone(), label };
    Some(Swept { sweep, key_at: key.at.clone(), is_free, values })
}
