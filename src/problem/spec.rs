//! Declared parameters: the one list from which a problem is read, checked, documented and listed.
//!
//! Every section of a scenario file is a list of [`Parameter`]s. Reading, range checks, messages, the JSON
//! Schema, `figure describe` and `figure new` all walk the same list, so none of them can know another set
//! of keys than the program.

/// A checked value of a scenario file.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Flag(bool),
    Count(u64),
    Number(f64),
    Text(String),
    Vector(Vec<f64>),
    Matrix(Vec<Vec<f64>>),
    Counts(Vec<u64>),
    Texts(Vec<String>),
    Intervals(Vec<(f64, f64)>),
    /// A table with its `kind`, as `init = { kind = "random", std = 1.0 }`.
    Tagged(String, Settings),
}

/// What a parameter accepts.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    Flag,
    /// An integer from `min` to `max`, both included.
    Count {
        min: u64,
        max: u64,
    },
    /// A finite number in `range`.
    Number(Range),
    /// One of the listed words, each with its meaning.
    Choice(&'static [(&'static str, &'static str)]),
    /// Any text.
    Text,
    /// Text of a figure, with formulas between `$` and scripts in braces.
    Markup,
    /// A list of finite numbers in `range`.
    Vector(Range),
    /// One number for all entries or a list of them, each in `range`.
    NumberOrVector(Range),
    /// A rectangular list of lists of finite numbers.
    Matrix,
    /// One integer not below `min`, or a list of them, `distinct` or not.
    Counts {
        min: u64,
        distinct: bool,
    },
    /// One text or a list of texts.
    Texts,
    /// Two numbers in ascending order.
    Interval,
    /// A list of intervals.
    Intervals,
    /// Ascending nonnegative numbers, as a list or as a grid `{ from, to, points, spacing }`.
    Times,
    /// Series by label, or by position counted from 0: one or a list.
    Labels,
    /// A formula over named numbers, as text.
    Expression,
    /// A table whose `kind` decides which further keys it has.
    Tagged(&'static [Variant]),
}

/// The numbers that a parameter accepts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Range {
    Any,
    Positive,
    NonNegative,
    /// Strictly between the two.
    Open(f64, f64),
}

impl Range {
    pub fn contains(self, x: f64) -> bool {
        x.is_finite()
            && match self {
                Range::Any => true,
                Range::Positive => x > 0.0,
                Range::NonNegative => x >= 0.0,
                Range::Open(a, b) => a < x && x < b,
            }
    }

    /// The rule in words, as it stands in a message: "must be finite and > 0".
    pub fn rule(self) -> String {
        match self {
            Range::Any => "must be finite".into(),
            Range::Positive => "must be finite and > 0".into(),
            Range::NonNegative => "must be finite and >= 0".into(),
            Range::Open(a, b) => format!("must be > {a} and < {b}"),
        }
    }
}

/// One form of a tagged table.
#[derive(Clone, Copy, Debug)]
pub struct Variant {
    pub name: &'static str,
    pub doc: &'static str,
    pub parameters: &'static [Parameter],
}

/// What stands for an absent key.
#[derive(Clone, Copy, Debug)]
pub enum Default {
    /// The key must be given.
    Required,
    /// The key may be absent and then means what its documentation says.
    Absent,
    Flag(bool),
    Count(u64),
    Number(f64),
    Text(&'static str),
    /// A tagged table of this kind with that kind's own defaults.
    Variant(&'static str),
}

/// One key of a section.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    pub key: &'static str,
    /// Letter of the theory, for tables and axis labels; empty if it has none.
    pub symbol: &'static str,
    pub kind: Kind,
    pub default: Default,
    /// One sentence with the unit.
    pub doc: &'static str,
    /// A value for `figure new`, written as TOML.
    pub example: &'static str,
}

/// A key of one number.
pub const fn number(
    key: &'static str,
    symbol: &'static str,
    range: Range,
    default: Default,
    doc: &'static str,
    example: &'static str,
) -> Parameter {
    Parameter { key, symbol, kind: Kind::Number(range), default, doc, example }
}

/// A required matrix, whose symbol is its key.
pub const fn matrix(key: &'static str, doc: &'static str, example: &'static str) -> Parameter {
    Parameter { key, symbol: key, kind: Kind::Matrix, default: Default::Required, doc, example }
}

/// The checked values of one section, in the order of its declaration.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings(pub Vec<(&'static str, Value)>);

/// A broken rule that only the problem itself can see, by its key relative to the section.
#[derive(Clone, Debug, PartialEq)]
pub struct Violation {
    pub key: String,
    pub rule: String,
    pub remedy: String,
}

impl Violation {
    pub fn new(key: impl Into<String>, rule: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { key: key.into(), rule: rule.into(), remedy: remedy.into() }
    }
}

impl Settings {
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.iter().find(|(k, _)| *k == key).map(|(_, v)| v)
    }

    pub fn flag(&self, key: &str) -> Option<bool> {
        match self.get(key)? {
            Value::Flag(b) => Some(*b),
            _ => None,
        }
    }

    pub fn count(&self, key: &str) -> Option<usize> {
        match self.get(key)? {
            Value::Count(n) => usize::try_from(*n).ok(),
            _ => None,
        }
    }

    pub fn number(&self, key: &str) -> Option<f64> {
        match self.get(key)? {
            Value::Number(x) => Some(*x),
            _ => None,
        }
    }

    /// A [`Kind::Counts`] value.
    pub fn counts(&self, key: &str) -> Option<Vec<usize>> {
        match self.get(key)? {
            Value::Counts(list) => list.iter().map(|&n| usize::try_from(n).ok()).collect(),
            _ => None,
        }
    }

    /// A [`Kind::Texts`] or [`Kind::Labels`] value.
    pub fn texts(&self, key: &str) -> Option<&[String]> {
        match self.get(key)? {
            Value::Texts(list) => Some(list),
            _ => None,
        }
    }

    /// A [`Kind::Intervals`] value; a [`Kind::Interval`] is a list of one.
    pub fn intervals(&self, key: &str) -> Option<&[(f64, f64)]> {
        match self.get(key)? {
            Value::Intervals(list) => Some(list),
            _ => None,
        }
    }

    pub fn text(&self, key: &str) -> Option<&str> {
        match self.get(key)? {
            Value::Text(s) => Some(s),
            _ => None,
        }
    }

    pub fn matrix(&self, key: &str) -> Option<&[Vec<f64>]> {
        match self.get(key)? {
            Value::Matrix(rows) => Some(rows),
            _ => None,
        }
    }

    /// A [`Kind::Vector`] or [`Kind::NumberOrVector`] value as a list: a single number stands for `length`
    /// equal entries.
    pub fn vector(&self, key: &str, length: usize) -> Option<Vec<f64>> {
        match self.get(key)? {
            Value::Vector(list) => Some(list.clone()),
            Value::Number(x) => Some(vec![*x; length]),
            _ => None,
        }
    }

    pub fn tagged(&self, key: &str) -> Option<(&str, &Settings)> {
        match self.get(key)? {
            Value::Tagged(kind, settings) => Some((kind, settings)),
            _ => None,
        }
    }
}
