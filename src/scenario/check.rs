//! Values as written against declared parameters.

use super::expression::Expression;
use super::message::{Issue, nearest, suggestion};
use super::raw::{At, Entry, Node, Raw, Table};
use super::scope::{Missing, Scope, known_names, lookup};
use super::sections::GRID;
use crate::problem::spec::{Default, Kind, Parameter, Range, Settings, Value, Variant};
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

    fn wrong<T>(&mut self, node: &Node, path: &str, needed: &str, help: String) -> Option<T> {
        let rule = format!("must be {needed}, found {}", node.found());
        self.issues.push(Issue::value(&node.at, path, rule).help(help));
        None
    }

    pub fn number(&mut self, node: &Node, path: &str, range: Range) -> Option<f64> {
        let (x, computed) = self.plain_number(node, path, "a number")?;
        if range.contains(x) {
            return Some(x);
        }
        let gives = if computed { format!("gives {x}: ") } else { String::new() };
        self.issues.push(Issue::value(&node.at, path, format!("{gives}{}", range.rule())));
        None
    }

    fn count(&mut self, node: &Node, path: &str, min: u64, max: u64) -> Option<u64> {
        let rule = if max == u64::MAX {
            format!("must be an integer >= {min}")
        } else {
            format!("must be an integer from {min} to {max}")
        };
        let mut found = String::new();
        let integer = if let Raw::Integer(n) = node.raw {
            u64::try_from(n).ok()
        } else {
            let (x, computed) = self.plain_number(node, path, "an integer")?;
            let nearest = x.round();
            let slack = if computed { 1e-9 * nearest.abs().max(1.0) } else { 0.0 };
            if computed {
                found = format!("gives {x}: ");
            }
            // 2^53: beyond it a float no longer names one integer
            let exact = (0.0..=9_007_199_254_740_992.0).contains(&nearest) && (x - nearest).abs() <= slack;
            exact.then_some(nearest as u64)
        };
        let valid = integer.filter(|n| (min..=max).contains(n));
        if valid.is_none() {
            self.issues.push(Issue::value(&node.at, path, format!("{found}{rule}")));
        }
        valid
    }

    /// A finite number, and whether a formula gave it.
    fn plain_number(&mut self, node: &Node, path: &str, needed: &str) -> Option<(f64, bool)> {
        match &node.raw {
            Raw::Integer(n) => Some((*n as f64, false)),
            Raw::Float(x) if x.is_finite() => Some((*x, false)),
            Raw::Float(_) => {
                self.issues.push(Issue::value(&node.at, path, "must be finite"));
                None
            }
            Raw::Text(text) if node.as_expression().is_some() => {
                self.evaluate(node, text, path).map(|x| (x, true))
            }
            Raw::Text(text) => {
                let help = if text.trim().parse::<f64>().is_ok() {
                    "remove the quotes"
                } else {
                    "a formula starts with =, as in \"= 2 * teacher_width\""
                };
                self.wrong(node, path, needed, help.into())
            }
            _ => self.wrong(
                node,
                path,
                needed,
                "give one number, or a formula such as \"= 2 * teacher_width\"".into(),
            ),
        }
    }

    fn evaluate(&mut self, node: &Node, text: &str, path: &str) -> Option<f64> {
        let expression = match Expression::parse(text) {
            Ok(expression) => expression,
            Err(error) => {
                self.issues.push(
                    Issue::value(&node.at.inside(text, error.position, 1), "", format!("{path}: {error}")).help(
                        "formulas know + - * / ^ ( ) sqrt log exp min max round and names of numeric keys",
                    ),
                );
                return None;
            }
        };
        let own_name = path.strip_prefix("problem.").unwrap_or(path);
        let mut values = Vec::new();
        let mut good = true;
        for (name, position) in expression.variables() {
            self.used.insert(name.to_string());
            let problem = match lookup(self.scope, name, &mut vec![own_name.to_string()]) {
                Ok(x) => {
                    values.push((name, x));
                    continue;
                }
                Err(problem) => problem,
            };
            good = false;
            let at = node.at.inside(text, position, name.len());
            match problem {
                Missing::Unknown => {
                    let known = known_names(self.scope);
                    let help = suggestion(name, "names", known.iter().map(String::as_str));
                    self.issues
                        .push(Issue::value(&at, "", format!("{path}: unknown name {name}")).help(help));
                }
                Missing::NoValue => self.issues.push(
                    Issue::value(&at, "", format!("{path}: {name} has no value in this scenario"))
                        .help(format!("give {name} a value")),
                ),
                Missing::Cycle(cycle) if cycle.iter().min().is_some_and(|first| first == own_name) => {
                    self.issues.push(
                        Issue::value(&node.at, path, format!("refers to itself: {}", cycle.join(" -> ")))
                            .help("give one of these keys a number"),
                    )
                }
                Missing::Cycle(_) | Missing::Reported => {}
            }
        }
        if !good {
            return None;
        }
        let x = expression
            .evaluate(&|name| values.iter().find(|(key, _)| *key == name).map(|(_, x)| *x))
            .unwrap_or(f64::NAN);
        if !x.is_finite() {
            self.issues.push(Issue::value(&node.at, path, format!("gives {x}: must be finite")));
            return None;
        }
        Some(x)
    }

    /// A formula that is evaluated later: only its grammar is checked here.
    fn formula(&mut self, node: &Node, path: &str, example: String) -> Option<Value> {
        let Some(text) = node.as_text() else {
            return self.wrong(node, path, "a formula in quotes", example);
        };
        match Expression::parse(text) {
            Ok(_) => Some(Value::Text(text.trim().trim_start_matches('=').trim().into())),
            Err(error) => {
                let at = node.at.inside(text, error.position, 1);
                self.issues.push(Issue::value(&at, "", format!("{path}: {error}")).help(example));
                None
            }
        }
    }

    pub fn numbers(&mut self, node: &Node, path: &str, range: Range) -> Option<Vec<f64>> {
        let items = node.items().iter().enumerate();
        let read: Vec<Option<f64>> =
            items.map(|(i, item)| self.number(item, &format!("{path}[{i}]"), range)).collect();
        read.into_iter().collect()
    }

    fn matrix(&mut self, node: &Node, path: &str, example: String) -> Option<Value> {
        let Raw::List(rows) = &node.raw else {
            return self.wrong(node, path, "a list of rows", example);
        };
        let mut matrix = Vec::new();
        for (i, row) in rows.iter().enumerate() {
            let row_path = format!("{path}[{i}]");
            match &row.raw {
                Raw::List(_) => matrix.push(self.numbers(row, &row_path, Range::Any)),
                _ => return self.wrong(row, &row_path, "a row of numbers", example),
            }
        }
        let matrix: Vec<Vec<f64>> = matrix.into_iter().collect::<Option<_>>()?;
        let width = matrix.first().map_or(0, Vec::len);
        if let Some(i) = matrix.iter().position(|row| row.len() != width || width == 0) {
            let rule = format!("has length {} where the first row has length {width}", matrix[i].len());
            self.issues.push(Issue::value(&rows[i].at, format!("{path}[{i}]"), rule).help(example));
            return None;
        }
        if matrix.is_empty() {
            self.issues.push(Issue::value(&node.at, path, "has no rows").help(example));
            return None;
        }
        Some(Value::Matrix(matrix))
    }

    fn counts(
        &mut self,
        node: &Node,
        path: &str,
        min: u64,
        distinct: bool,
        example: String,
    ) -> Option<Value> {
        let items = node.items();
        if items.is_empty() {
            let rule = "must hold at least one integer";
            self.issues.push(Issue::value(&node.at, path, rule).help(example));
            return None;
        }
        let listed = matches!(node.raw, Raw::List(_));
        let mut list = Vec::new();
        for (i, item) in items.iter().enumerate() {
            let path = if listed { format!("{path}[{i}]") } else { path.to_string() };
            let n = self.count(item, &path, min, u64::MAX)?;
            if distinct && list.contains(&n) {
                self.issues.push(Issue::value(&item.at, path, "is listed twice"));
                return None;
            }
            list.push(n);
        }
        Some(Value::Counts(list))
    }

    fn texts(&mut self, node: &Node, path: &str, example: String) -> Option<Value> {
        let mut list = Vec::new();
        for item in node.items() {
            match item.as_text() {
                Some(text) => list.push(text.to_string()),
                None => return self.wrong(item, path, "text or a list of texts", example),
            }
        }
        Some(Value::Texts(list))
    }

    fn labels(&mut self, node: &Node, path: &str, example: String) -> Option<Value> {
        let mut list = Vec::new();
        for item in node.items() {
            match &item.raw {
                Raw::Text(label) => list.push(label.clone()),
                Raw::Integer(position) => list.push(position.to_string()),
                _ => return self.wrong(item, path, "labels or positions of series", example),
            }
        }
        Some(Value::Texts(list))
    }

    fn interval(&mut self, node: &Node, path: &str) -> Option<(f64, f64)> {
        let Raw::List(items) = &node.raw else {
            return self.wrong(node, path, "two numbers", "for example [0.1, 100.0]".into());
        };
        let ends = self.numbers(node, path, Range::Any)?;
        match (ends.as_slice(), items.len()) {
            (&[a, b], 2) if a < b => Some((a, b)),
            _ => {
                let rule = "must be two numbers, the smaller one first";
                self.issues.push(Issue::value(&node.at, path, rule).help("for example [0.1, 100.0]"));
                None
            }
        }
    }

    fn intervals(&mut self, node: &Node, path: &str, example: String) -> Option<Value> {
        let Raw::List(items) = &node.raw else {
            return self.wrong(node, path, "a list of ranges", example);
        };
        let read: Vec<_> =
            items.iter().enumerate().map(|(i, item)| self.interval(item, &format!("{path}[{i}]"))).collect();
        read.into_iter().collect::<Option<_>>().map(Value::Intervals)
    }

    fn times(&mut self, node: &Node, path: &str, example: String) -> Option<Value> {
        let times = match &node.raw {
            Raw::Table(_) | Raw::List(_) => self.values(node, path)?,
            _ => return self.wrong(node, path, "a list of numbers or a grid", example),
        };
        if times.is_empty() {
            self.issues.push(Issue::value(&node.at, path, "holds no time").help(example));
            return None;
        }
        for (i, (t, at)) in times.iter().enumerate() {
            let item = if at.text() == node.at.text() { path.to_string() } else { format!("{path}[{i}]") };
            if *t < 0.0 {
                self.issues.push(Issue::value(at, item, "times must be >= 0"));
                return None;
            }
            if i > 0 && times[i - 1].0 >= *t {
                let rule = format!("times must ascend, {t} follows {}", times[i - 1].0);
                self.issues.push(Issue::value(at, item, rule));
                return None;
            }
        }
        Some(Value::Vector(times.into_iter().map(|(t, _)| t).collect()))
    }

    /// Numbers as a list or as a grid, each with its place.
    pub fn values(&mut self, node: &Node, path: &str) -> Option<Vec<(f64, At)>> {
        let Some(table) = node.as_table() else {
            let numbers = self.numbers(node, path, Range::Any)?;
            return Some(numbers.into_iter().zip(node.items().iter().map(|item| item.at.clone())).collect());
        };
        let settings = self.section(table, &node.at, path, GRID)?;
        let number = |key| settings.number(key).unwrap_or(f64::NAN);
        let (from, to, points) = (number("from"), number("to"), settings.count("points").unwrap_or(2));
        let log = settings.text("spacing") == Some("log");
        let broken = if from >= to {
            Some(("to", format!("must be larger than from = {from}")))
        } else if log && from <= 0.0 {
            Some(("from", "must be > 0 with spacing = \"log\"".to_string()))
        } else {
            None
        };
        if let Some((key, rule)) = broken {
            let node = table.get(key).unwrap_or(node);
            let issue = Issue::value(&node.at, join(path, key), rule);
            self.issues.push(match key {
                "from" => issue.help("start above 0 and add include_zero = true if time 0 is wanted"),
                _ => issue,
            });
            return None;
        }
        let mut grid: Vec<f64> = (0..points)
            .map(|i| match i as f64 / (points - 1) as f64 {
                0.0 => from,
                1.0 => to,
                part if log => libm::exp(libm::log(from) + part * (libm::log(to) - libm::log(from))),
                part => from + part * (to - from),
            })
            .collect();
        if settings.flag("include_zero") == Some(true) {
            grid.insert(0, 0.0);
        }
        if settings.flag("integer") == Some(true) {
            grid.iter_mut().for_each(|x| *x = x.round());
            grid.dedup();
        }
        Some(grid.into_iter().map(|x| (x, node.at.clone())).collect())
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
