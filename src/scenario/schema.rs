//! `figure schema`: JSON Schema of scenario files, from the declared keys.

use super::panel_keys::PANEL_KINDS;
use super::sections::{CASE_SECTIONS, GRID, sections};
use super::template::accepts;
use crate::problem::spec::{Default, Kind, Parameter, Range, Variant};
use crate::problem::{KINDS, ProblemKind};
use serde_json::{Map, Value, json};

/// JSON Schema (2020-12) of scenario files for one kind of problem, or for all.
///
/// It covers names, types and ranges; rules between keys are checked by [`super::resolve`] alone.
pub fn json(kind: Option<&ProblemKind>) -> Value {
    let kinds: Vec<&ProblemKind> = kind.map_or_else(|| KINDS.iter().collect(), |kind| vec![kind]);
    let mut properties = Map::new();
    let mut required = vec![json!("panel")];
    for section in sections(kinds[0]) {
        match section.name {
            "" => {
                for parameter in section.parameters {
                    properties.insert(parameter.key.into(), property(parameter));
                    if matches!(parameter.default, Default::Required) {
                        required.push(json!(parameter.key));
                    }
                }
            }
            "problem" => {
                let problems: Vec<Value> = kinds
                    .iter()
                    .map(|kind| table(kind.parameters, Some((kind.kind, true)), kind.title))
                    .collect();
                properties.insert("problem".into(), any_of(problems));
                required.push(json!("problem"));
            }
            "panel" => {
                let panels = PANEL_KINDS.iter().enumerate();
                let panels = panels.map(|(i, v)| table(v.parameters, Some((v.name, i > 0)), v.doc)).collect();
                properties.insert("panel".into(), one_or_many(any_of(panels)));
            }
            name if section.repeated => {
                properties.insert(name.into(), one_or_many(table(section.parameters, None, section.doc)));
            }
            name => {
                properties.insert(name.into(), table(section.parameters, None, section.doc));
                if !section.optional {
                    required.push(json!(name));
                }
            }
        }
    }
    let cases = CASE_SECTIONS.join(", ");
    properties.insert(
        "series".into(),
        json!({
            "description": format!("dotted keys of {cases}, or free variables: lists of values, or tables with a label"),
            "anyOf": [
                { "type": "object", "minProperties": 1 },
                { "type": "array", "minItems": 1, "items": {
                    "type": "object", "required": ["label"],
                    "properties": { "label": { "type": "string", "minLength": 1 } }
                } },
            ]
        }),
    );
    properties.insert(
        "sweep".into(),
        json!({
            "description": "one dotted key or free variable with its values, and a label",
            "type": "object", "minProperties": 1, "maxProperties": 2,
            "properties": { "label": { "type": "string" } },
            "additionalProperties": { "anyOf": [list(number(Range::Any)), table(GRID, None, "a grid"), { "type": "object" }] }
        }),
    );
    properties.insert(
        "preset".into(),
        json!({
            "description": "overrides by dotted key, chosen with --preset",
            "type": "object", "additionalProperties": { "type": "object" }
        }),
    );
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "asymptotica scenario",
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

/// An object with these keys; the constant `kind` with whether it must be given.
fn table(parameters: &[Parameter], kind: Option<(&str, bool)>, doc: &str) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    if let Some((name, must)) = kind {
        properties.insert("kind".into(), json!({ "const": name }));
        if must {
            required.push("kind");
        }
    }
    for parameter in parameters {
        properties.insert(parameter.key.into(), property(parameter));
        if matches!(parameter.default, Default::Required) {
            required.push(parameter.key);
        }
    }
    json!({
        "type": "object", "description": doc, "properties": properties, "required": required,
        "additionalProperties": false,
    })
}

fn property(parameter: &Parameter) -> Value {
    let mut schema = match parameter.kind {
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Count { min, max } => or_formula(count(min, max)),
        Kind::Number(range) => or_formula(number(range)),
        Kind::Choice(choices) => json!({ "enum": choices.iter().map(|(name, _)| *name).collect::<Vec<_>>() }),
        Kind::Text | Kind::Markup | Kind::Expression => json!({ "type": "string" }),
        Kind::Vector(range) => list(or_formula(number(range))),
        Kind::NumberOrVector(range) => {
            any_of(vec![or_formula(number(range)), list(or_formula(number(range)))])
        }
        Kind::Matrix => list(list(or_formula(number(Range::Any)))),
        Kind::Counts { min, .. } => one_or_many(or_formula(count(min, u64::MAX))),
        Kind::Texts => one_or_many(json!({ "type": "string" })),
        Kind::Labels => one_or_many(json!({ "type": ["string", "integer"] })),
        Kind::Interval => interval(),
        Kind::Intervals => list(interval()),
        Kind::Times => {
            any_of(vec![list(or_formula(number(Range::NonNegative))), table(GRID, None, "a grid of times")])
        }
        Kind::Tagged(variants) => any_of(
            variants.iter().map(|v: &Variant| table(v.parameters, Some((v.name, true)), v.doc)).collect(),
        ),
    };
    let symbol = if parameter.symbol.is_empty() { String::new() } else { format!("{}: ", parameter.symbol) };
    let choices = match parameter.kind {
        Kind::Choice(choices) => {
            let each: Vec<String> = choices.iter().map(|(name, doc)| format!("{name} ({doc})")).collect();
            each.join("; ")
        }
        ref other => accepts(other),
    };
    schema["description"] = json!(format!("{symbol}{}. {choices}", parameter.doc));
    match parameter.default {
        Default::Required | Default::Absent => {}
        Default::Flag(flag) => schema["default"] = json!(flag),
        Default::Count(n) => schema["default"] = json!(n),
        Default::Number(x) => schema["default"] = json!(x),
        Default::Text(text) => schema["default"] = json!(text),
        Default::Variant(name) => schema["default"] = json!({ "kind": name }),
    }
    schema
}

fn number(range: Range) -> Value {
    match range {
        Range::Any => json!({ "type": "number" }),
        Range::Positive => json!({ "type": "number", "exclusiveMinimum": 0 }),
        Range::NonNegative => json!({ "type": "number", "minimum": 0 }),
        Range::Open(a, b) => json!({ "type": "number", "exclusiveMinimum": a, "exclusiveMaximum": b }),
    }
}

fn count(min: u64, max: u64) -> Value {
    match max {
        u64::MAX => json!({ "type": "integer", "minimum": min }),
        _ => json!({ "type": "integer", "minimum": min, "maximum": max }),
    }
}

fn interval() -> Value {
    json!({ "type": "array", "items": number(Range::Any), "minItems": 2, "maxItems": 2 })
}

fn list(items: Value) -> Value {
    json!({ "type": "array", "items": items })
}

fn one_or_many(item: Value) -> Value {
    any_of(vec![item.clone(), list(item)])
}

fn or_formula(number: Value) -> Value {
    any_of(vec![number, json!({ "type": "string", "pattern": "^\\s*=" })])
}

fn any_of(schemas: Vec<Value>) -> Value {
    if schemas.len() == 1 {
        schemas.into_iter().next().unwrap_or_default()
    } else {
        json!({ "anyOf": schemas })
    }
}
