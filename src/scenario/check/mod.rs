//! Values as written against declared parameters: the keys of a section, and the kind of each value.
//!
//! One number is read in `numbers`, several in `lists`.

mod lists;
mod numbers;

use super::message::{Issue, nearest, suggestion};
use super::raw::{At, Entry, Node, Raw, Table};
use super::scope::Scope;
use crate::markup;
use crate::problem::spec::{Default, Kind, Parameter, Settings, Value, Variant};
use std::collections::BTreeSet;

/// Reads sections and collects what is wrong with them.
pub(super) struct Checker<'a> {
    pub scope: Scope<'a>,
    pub issues: Vec<Issue>,
    /// Names that expressions used.
    pub used: BTreeSet<String>,
}

impl<'a> Checker<'a> {
    pub fn new(scope: Scope<'a>) -> Self {
        Self { scope, issues: Vec::new(), used: BTreeSet::new() }
    }

    /// All keys of one section; `None` if one of them is wrong.
    pub fn section(
        &mut self,
        table: &Table,
        at: &At,
        path: &str,
        parameters: &[Parameter],
    ) -> Option<Settings> {
        self.keys(table, Some(at), path, parameters, &[])
    }

    /// As [`Checker::section`] with keys that are read elsewhere, and a place for missing keys if there is one.
    pub fn keys(
        &mut self,
        table: &Table,
        at: Option<&At>,
        path: &str,
        parameters: &[Parameter],
        others: &[&str],
    ) -> Option<Settings> {
        let before = self.issues.len();
        for entry in &table.entries {
            if parameters.iter().any(|p| p.key == entry.key) || others.contains(&entry.key.as_str()) {
                continue;
            }
            let known = parameters.iter().map(|p| p.key).chain(others.iter().copied());
            self.issues.push(
                Issue::key(&entry.at, join(path, &entry.key), "unknown key")
                    .help(suggestion(&entry.key, "keys", known)),
            );
        }
        let mut settings = Settings::default();
        let mut silent = None;
        for parameter in parameters {
            let key = join(path, parameter.key);
            let value = match (table.get(parameter.key), parameter.default) {
                (Some(node), _) => self.value(node, &key, parameter),
                (None, Default::Required) => {
                    // a misspelt key is reported as such
                    let meant = |entry: &Entry| nearest(&entry.key, [parameter.key]).is_some();
                    if !table.entries.iter().any(meant) {
                        self.missing(at, &key, parameter);
                    }
                    None
                }
                (None, _) => default(parameter),
            };
            match value {
                Some(value) => settings.0.push((parameter.key, value)),
                None => silent = silent.or(table.get(parameter.key).map(|node| (node, key))),
            }
        }
        // keys of crossing cycles may each leave the report to another one
        if let (Some((node, key)), true) = (silent, self.issues.len() == before) {
            let issue = Issue::value(&node.at, key, "formulas refer to each other in a circle");
            self.issues.push(issue.help("give one of these keys a number"));
        }
        (self.issues.len() == before).then_some(settings)
    }

    /// Reports an absent key.
    pub fn missing(&mut self, at: Option<&At>, path: &str, parameter: &Parameter) {
        let help = format!("add {} = {}  ({})", parameter.key, parameter.example, parameter.doc);
        let issue = match at {
            Some(at) => Issue::key(at, path, "missing key"),
            None => Issue::general(path, "missing key"),
        };
        self.issues.push(issue.help(help));
    }

    /// A table whose `kind` selects its keys.
    pub fn tagged(
        &mut self,
        node: &Node,
        path: &str,
        variants: &[Variant],
        default: Option<&str>,
    ) -> Option<(&'static str, Settings)> {
        let names = || variants.iter().map(|v| v.name);
        let Some(table) = node.as_table() else {
            let rule = format!("must be a table, found {}", node.found());
            let help =
                format!("write {{ kind = \"{}\", ... }}; known kinds: {}", variants[0].name, list(names()));
            self.issues.push(Issue::value(&node.at, path, rule).help(help));
            return None;
        };
        let (name, at) = match table.get("kind") {
            Some(kind) => (kind.as_text(), &kind.at),
            None if default.is_some() => (default, &node.at),
            None => {
                let help = format!("add kind = \"{}\"; known kinds: {}", variants[0].name, list(names()));
                self.issues.push(Issue::key(&node.at, join(path, "kind"), "missing key").help(help));
                return None;
            }
        };
        let Some(variant) = variants.iter().find(|v| Some(v.name) == name) else {
            let rule = format!("must be one of {}", quoted(names()));
            let help = suggestion(name.unwrap_or(""), "kinds", names());
            self.issues.push(Issue::value(at, join(path, "kind"), rule).help(help));
            return None;
        };
        let settings = self.keys(table, Some(&node.at), path, variant.parameters, &["kind"])?;
        Some((variant.name, settings))
    }

    fn value(&mut self, node: &Node, path: &str, parameter: &Parameter) -> Option<Value> {
        let example = format!("for example {} = {}", parameter.key, parameter.example);
        match parameter.kind {
            Kind::Flag => match node.raw {
                Raw::Flag(flag) => Some(Value::Flag(flag)),
                _ => self.wrong(node, path, "true or false", example),
            },
            Kind::Count { min, max } => self.count(node, path, min, max).map(Value::Count),
            Kind::Number(range) => self.number(node, path, range).map(Value::Number),
            Kind::Choice(choices) => match node.as_text() {
                Some(text) if choices.iter().any(|(name, _)| *name == text) => Some(Value::Text(text.into())),
                found => {
                    let names = || choices.iter().map(|(name, _)| *name);
                    let rule = format!("must be one of {}", quoted(names()));
                    let issue = Issue::value(&node.at, path, rule);
                    self.issues.push(match nearest(found.unwrap_or(""), names()) {
                        Some(near) => issue.help(format!("did you mean \"{near}\"?")),
                        None => issue,
                    });
                    None
                }
            },
            Kind::Text => match node.as_text() {
                Some(text) => Some(Value::Text(text.into())),
                None => self.wrong(node, path, "text in quotes", example),
            },
            Kind::Markup => match node.as_text() {
                Some(text) => self.markup(&node.at, path, text).then(|| Value::Text(text.into())),
                None => self.wrong(node, path, "text in quotes", example),
            },
            Kind::Expression => self.formula(node, path, example),
            Kind::Vector(range) => match &node.raw {
                Raw::List(_) => self.numbers(node, path, range).map(Value::Vector),
                _ => self.wrong(node, path, "a list of numbers", example),
            },
            Kind::NumberOrVector(range) => match &node.raw {
                Raw::List(_) => self.numbers(node, path, range).map(Value::Vector),
                _ => self.number(node, path, range).map(Value::Number),
            },
            Kind::Matrix => self.matrix(node, path, example),
            Kind::Counts { min, distinct } => self.counts(node, path, min, distinct, example),
            Kind::Texts => self.texts(node, path, example),
            Kind::Labels => self.labels(node, path, example),
            Kind::Interval => self.interval(node, path).map(|pair| Value::Intervals(vec![pair])),
            Kind::Intervals => self.intervals(node, path, example),
            Kind::Times => self.times(node, path, example),
            Kind::Tagged(variants) => self
                .tagged(node, path, variants, None)
                .map(|(name, settings)| Value::Tagged(name.to_string(), settings)),
        }
    }

    /// Whether the text can be set in a figure.
    pub fn markup(&mut self, at: &At, path: &str, text: &str) -> bool {
        let error = markup::check(text).err();
        self.issues.extend(error.iter().map(|e| Issue::value(at, path, e.rule()).help(e.remedy())));
        error.is_none()
    }

    fn wrong<T>(&mut self, node: &Node, path: &str, needed: &str, help: String) -> Option<T> {
        let rule = format!("must be {needed}, found {}", node.found());
        self.issues.push(Issue::value(&node.at, path, rule).help(help));
        None
    }
}

fn default(parameter: &Parameter) -> Option<Value> {
    Some(match parameter.default {
        Default::Required | Default::Absent => return None,
        Default::Flag(flag) => Value::Flag(flag),
        Default::Count(n) => Value::Count(n),
        Default::Number(x) => Value::Number(x),
        Default::Text(text) => Value::Text(text.into()),
        Default::Variant(name) => {
            let Kind::Tagged(variants) = parameter.kind else {
                unreachable!("only a tagged table has a variant as its default")
            };
            let variant = variants.iter().find(|v| v.name == name)?;
            let inner = variant.parameters.iter().filter_map(|p| Some((p.key, default(p)?))).collect();
            Value::Tagged(name.into(), Settings(inner))
        }
    })
}

pub(super) fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_string() } else { format!("{path}.{key}") }
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

fn quoted<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
}
