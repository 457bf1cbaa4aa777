//! Which numbers a formula may name, and their values.

use super::expression::Expression;
use super::raw::{Node, Raw, Table};
use crate::problem::spec::{Default, Kind, Parameter};

/// The numbers that expressions may name.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    pub free: &'a [(String, f64)],
    /// The problem's own keys, themselves possibly expressions.
    pub problem: Option<(&'a Table, &'a [Parameter])>,
}

impl Scope<'_> {
    pub const EMPTY: Scope<'static> = Scope { free: &[], problem: None };
}

/// Why a name has no value.
pub(super) enum Missing {
    Unknown,
    NoValue,
    Cycle(Vec<String>),
    /// Wrong by itself, and reported there.
    Reported,
}

/// The value of a name in expressions; `stack` holds the keys that are being evaluated.
pub(super) fn lookup(scope: Scope, name: &str, stack: &mut Vec<String>) -> Result<f64, Missing> {
    if let Some((_, x)) = scope.free.iter().find(|(free, _)| free == name) {
        return Ok(*x);
    }
    let (table, parameters) = scope.problem.ok_or(Missing::Unknown)?;
    let name = name.strip_prefix("problem.").unwrap_or(name);
    let (node, parameter) = find(table, parameters, name).ok_or(Missing::Unknown)?;
    let Some(node) = node else {
        return match parameter.default {
            Default::Number(x) => Ok(x),
            Default::Count(n) => Ok(n as f64),
            Default::Required => Err(Missing::Reported),
            _ => Err(Missing::NoValue),
        };
    };
    let x = match &node.raw {
        Raw::Integer(n) => *n as f64,
        Raw::Float(x) => *x,
        Raw::Text(text) if node.as_expression().is_some() => {
            if let Some(start) = stack.iter().position(|key| key == name) {
                let mut cycle = stack[start..].to_vec();
                cycle.push(name.to_string());
                return Err(if start == 0 { Missing::Cycle(cycle) } else { Missing::Reported });
            }
            stack.push(name.to_string());
            let expression = Expression::parse(text).map_err(|_| Missing::Reported)?;
            let mut values = Vec::new();
            for (inner, _) in expression.variables() {
                let x = lookup(scope, inner, stack).map_err(|problem| match problem {
                    Missing::Cycle(cycle) => Missing::Cycle(cycle),
                    _ => Missing::Reported,
                })?;
                values.push((inner, x));
            }
            stack.pop();
            expression
                .evaluate(&|inner| values.iter().find(|(key, _)| *key == inner).map(|(_, x)| *x))
                .map_err(|_| Missing::Reported)?
        }
        _ => return Err(Missing::Reported),
    };
    let valid = match parameter.kind {
        Kind::Count { min, max } => (min as f64..=max as f64).contains(&x),
        Kind::Number(range) | Kind::NumberOrVector(range) => range.contains(x),
        _ => false,
    };
    if valid { Ok(x) } else { Err(Missing::Reported) }
}

/// A numeric key of the problem by its dotted name, with its node if it is written.
fn find<'a>(
    table: &'a Table,
    parameters: &'a [Parameter],
    name: &str,
) -> Option<(Option<&'a Node>, &'a Parameter)> {
    let (first, rest) = name.split_once('.').unwrap_or((name, ""));
    let parameter = parameters.iter().find(|p| p.key == first)?;
    let node = table.get(first);
    match parameter.kind {
        Kind::Number(_) | Kind::Count { .. } | Kind::NumberOrVector(_) if rest.is_empty() => {
            Some((node, parameter))
        }
        Kind::Tagged(variants) if !rest.is_empty() => {
            let inner = node?.as_table()?;
            let kind = inner.get("kind")?.as_text()?;
            find(inner, variants.iter().find(|v| v.name == kind)?.parameters, rest)
        }
        _ => None,
    }
}

/// Names that a formula may use, for messages.
pub(super) fn known_names(scope: Scope) -> Vec<String> {
    let numeric =
        |p: &&Parameter| matches!(p.kind, Kind::Number(_) | Kind::Count { .. } | Kind::NumberOrVector(_));
    let keys = scope.problem.map_or(&[][..], |(_, parameters)| parameters);
    let free = scope.free.iter().map(|(name, _)| name.clone());
    free.chain(keys.iter().filter(numeric).map(|p| p.key.to_string())).collect()
}
