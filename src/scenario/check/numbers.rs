//! One number: as written, or from a formula over other keys.

use super::Checker;
use crate::problem::spec::{Range, Value};
use crate::scenario::expression::Expression;
use crate::scenario::message::{Issue, suggestion};
use crate::scenario::raw::{Node, Raw};
use crate::scenario::scope::{Missing, known_names, lookup};

impl Checker<'_> {
    pub fn number(&mut self, node: &Node, path: &str, range: Range) -> Option<f64> {
        let (x, computed) = self.plain_number(node, path, "a number")?;
        if range.contains(x) {
            return Some(x);
        }
        let gives = if computed { format!("gives {x}: ") } else { String::new() };
        self.issues.push(Issue::value(&node.at, path, format!("{gives}{}", range.rule())));
        None
    }

    pub(super) fn count(&mut self, node: &Node, path: &str, min: u64, max: u64) -> Option<u64> {
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
    pub(super) fn formula(&mut self, node: &Node, path: &str, example: String) -> Option<Value> {
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
}
