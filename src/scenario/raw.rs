//! The tree of a scenario as written: every key and value remembers where it stands.

use super::message::{Issue, Report, suggestion};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A text that values come from: a scenario file, or one option of the command line.
#[derive(Debug)]
pub(super) struct Document {
    /// Path of a file, or the option: "--set".
    name: String,
    text: String,
    /// Files come first and are cited by line.
    is_file: bool,
}

impl Document {
    pub fn option(name: &str, text: &str) -> Arc<Self> {
        Arc::new(Self { name: name.into(), text: text.into(), is_file: false })
    }
}

/// A stretch of a document, in bytes.
#[derive(Clone, Debug)]
pub(super) struct At {
    document: Arc<Document>,
    span: Range<usize>,
}

impl At {
    /// The stretch `span`, cut down to whole characters inside the text.
    pub fn new(document: &Arc<Document>, span: Range<usize>) -> Self {
        let text = &document.text;
        let start = text.floor_char_boundary(span.start.min(text.len()));
        let end = text.ceil_char_boundary(span.end.clamp(start, text.len()));
        Self { document: document.clone(), span: start..end }
    }

    pub fn text(&self) -> &str {
        &self.document.text[self.span.clone()]
    }

    /// `length` bytes at `offset` of a quoted text without escapes.
    pub fn inside(&self, content: &str, offset: usize, length: usize) -> Self {
        match self.text().find(content) {
            Some(quote) if !content.is_empty() => {
                let start = self.span.start + quote + offset;
                Self::new(&self.document, start..start + length)
            }
            _ => self.clone(),
        }
    }

    fn line_start(&self) -> usize {
        self.document.text[..self.span.start].rfind('\n').map_or(0, |newline| newline + 1)
    }

    pub fn line(&self) -> usize {
        1 + self.document.text[..self.span.start].matches('\n').count()
    }

    /// "x.toml:7", "x.toml:7:12" or "--set".
    pub fn place(&self, with_column: bool) -> String {
        let name = &self.document.name;
        let column = 1 + self.document.text[self.line_start()..self.span.start].chars().count();
        match (self.document.is_file, with_column) {
            (false, _) => name.clone(),
            (true, false) => format!("{name}:{}", self.line()),
            (true, true) => format!("{name}:{}:{column}", self.line()),
        }
    }

    /// Files before options, then the order of the text.
    pub fn order(&self) -> (bool, String, usize) {
        (!self.document.is_file, self.document.text.clone(), self.span.start)
    }

    /// The source line with a caret, a window of it if it is long.
    pub fn excerpt(&self) -> String {
        const WIDTH: usize = 100;
        let start = self.line_start();
        let line = self.document.text[start..].split('\n').next().unwrap_or("").trim_end();
        let column = self.document.text[start..self.span.start].chars().count();
        let length = self.text().split('\n').next().unwrap_or("").trim_end().chars().count().max(1);
        let first = if column + length.min(20) > WIDTH { column.saturating_sub(30) } else { 0 };
        let shown: String =
            line.chars().skip(first).take(WIDTH).map(|c| if c.is_control() { ' ' } else { c }).collect();
        let (lead, tail) = (
            if first > 0 { "..." } else { "" },
            if line.chars().count() > first + WIDTH { "..." } else { "" },
        );
        let number = if self.document.is_file { self.line().to_string() } else { String::new() };
        let blank = " ".repeat(number.len());
        let indent = " ".repeat(lead.len() + column - first);
        let carets = "^".repeat(length.min((first + WIDTH).saturating_sub(column).max(1)));
        format!("\n  {number} | {lead}{shown}{tail}\n  {blank} | {indent}{carets}")
    }
}

#[derive(Clone, Debug)]
pub(super) enum Raw {
    Text(String),
    Integer(i128),
    Float(f64),
    Flag(bool),
    Date(String),
    List(Vec<Node>),
    Table(Table),
}

#[derive(Clone, Debug)]
pub(super) struct Node {
    pub raw: Raw,
    pub at: At,
}

#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub key: String,
    pub at: At,
    pub node: Node,
}

/// Keys in the order of the file.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    pub entries: Vec<Entry>,
}

impl Table {
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.node)
    }

    pub fn table(&self, key: &str) -> Option<&Table> {
        self.get(key)?.as_table()
    }

    pub fn remove(&mut self, key: &str) -> Option<Entry> {
        let position = self.entries.iter().position(|entry| entry.key == key)?;
        Some(self.entries.remove(position))
    }

    /// The tables of a section that may be repeated.
    pub fn tables_mut(&mut self, key: &str) -> Vec<&mut Table> {
        let entry = self.entries.iter_mut().find(|entry| entry.key == key);
        let nodes = match entry.map(|entry| &mut entry.node) {
            Some(Node { raw: Raw::List(items), .. }) => items.as_mut_slice(),
            Some(node) => std::slice::from_mut(node),
            None => &mut [],
        };
        let table = |node| match node {
            &mut Node { raw: Raw::Table(ref mut table), .. } => Some(table),
            _ => None,
        };
        nodes.iter_mut().filter_map(table).collect()
    }

    /// The value of a dotted key.
    pub fn at(&self, path: &str) -> Option<&Node> {
        match path.split_once('.') {
            Some((first, rest)) => self.get(first)?.as_table()?.at(rest),
            None => self.get(path),
        }
    }

    /// The value of a dotted key, or of its longest part that exists.
    pub fn deepest(&self, path: &str) -> Option<&Node> {
        let (first, rest) = path.split_once('.').unwrap_or((path, ""));
        let node = self.get(first)?;
        node.as_table().filter(|_| !rest.is_empty()).and_then(|table| table.deepest(rest)).or(Some(node))
    }
}

impl Node {
    pub fn as_table(&self) -> Option<&Table> {
        match &self.raw {
            Raw::Table(table) => Some(table),
            _ => None,
        }
    }

    pub fn as_text(&self) -> Option<&str> {
        match &self.raw {
            Raw::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The elements of a list; a single value stands for a list of one.
    pub fn items(&self) -> &[Node] {
        match &self.raw {
            Raw::List(items) => items,
            _ => std::slice::from_ref(self),
        }
    }

    /// Text that starts with `=`.
    pub fn as_expression(&self) -> Option<&str> {
        self.as_text().filter(|text| text.trim_start().starts_with('='))
    }

    /// What kind of value this is, in words.
    pub fn found(&self) -> &'static str {
        match &self.raw {
            Raw::Text(_) => "text",
            Raw::Integer(_) => "an integer",
            Raw::Float(_) => "a number",
            Raw::Flag(_) => "true or false",
            Raw::Date(_) => "a date",
            Raw::List(_) => "a list",
            Raw::Table(_) => "a table",
        }
    }

    /// A table made of dotted keys, neither written in braces nor opened by a header.
    pub fn is_dotted(&self) -> bool {
        matches!(self.raw, Raw::Table(_)) && !self.at.text().starts_with(['{', '['])
    }
}

/// A scenario file as read: its text parsed, nothing checked yet.
#[derive(Clone, Debug)]
pub struct Source {
    id: String,
    name: String,
    pub(super) root: Table,
}

impl Source {
    /// Reads a file; its stem is the id.
    ///
    /// # Errors
    /// A file that cannot be read, that is not UTF-8 text, or that is not TOML.
    pub fn read(path: &Path) -> Result<Self, Report> {
        let shown = path.display().to_string();
        let bytes = std::fs::read(path).map_err(|error| {
            let help = match error.kind() {
                std::io::ErrorKind::NotFound => "check the path; figure list shows the scenarios by name",
                _ => "a scenario is a readable TOML file",
            };
            Issue::general(shown.clone(), format!("cannot be read: {error}")).help(help)
        })?;
        let id = path.file_stem().map_or(String::new(), |stem| stem.to_string_lossy().into_owned());
        let mut source = Self::from_bytes(&id, &shown, &bytes)?;
        if let Some(folder) = path.parent() {
            rebase(&mut source.root, folder);
        }
        Ok(source)
    }

    /// A scenario by what a user typed: a name among `known` (name and text), or the path of a file.
    ///
    /// # Errors
    /// As [`Source::read`]; a name that is not known, with the nearest that is.
    pub fn find(argument: &str, known: &[(&str, &str)]) -> Result<Self, Report> {
        let path = Path::new(argument);
        if let Some((name, text)) = known.iter().find(|(name, _)| *name == argument) {
            return Self::from_text(name, &format!("{name}.toml"), text);
        }
        if argument.ends_with(".toml") || path.components().count() > 1 || path.is_file() {
            return Self::read(path);
        }
        let help = suggestion(argument, "scenarios", known.iter().map(|(name, _)| *name));
        Err(Issue::general(argument, "is neither a scenario nor a file").help(help).into())
    }

    /// A scenario from its text; `name` stands in messages for the file.
    ///
    /// # Errors
    /// Text that is not TOML.
    pub fn from_text(id: &str, name: &str, text: &str) -> Result<Self, Report> {
        let document = Arc::new(Document { name: name.into(), text: text.into(), is_file: true });
        let root = parse_document(&document)?;
        Ok(Self { id: id.into(), name: name.into(), root })
    }

    /// As [`Source::from_text`] from bytes of unknown origin.
    ///
    /// # Errors
    /// Also bytes that are not UTF-8.
    pub fn from_bytes(id: &str, name: &str, bytes: &[u8]) -> Result<Self, Report> {
        let error = match std::str::from_utf8(bytes) {
            Ok(text) => return Self::from_text(id, name, text),
            Err(error) => error,
        };
        let good = error.valid_up_to();
        let text = String::from_utf8_lossy(bytes).into_owned();
        let document = Arc::new(Document { name: name.into(), text, is_file: true });
        Err(Issue::syntax(
            &At::new(&document, good..good + 1),
            format!("byte 0x{:02x} is not UTF-8 text", bytes[good]),
        )
        .help("a scenario is a TOML file in UTF-8; is this another kind of file?")
        .into())
    }

    pub fn id(&self) -> &str {
        &self.id
    }

    /// What messages call the file.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Names of the presets that the file defines.
    pub fn presets(&self) -> Vec<String> {
        let entries = self.root.table("preset").map_or(&[][..], |table| &table.entries);
        entries.iter().map(|entry| entry.key.clone()).collect()
    }
}

/// Paths of tables, `{ kind = "table", path = "..." }`, are relative to the file that names them.
fn rebase(table: &mut Table, folder: &Path) {
    let is_file = table.get("kind").and_then(Node::as_text) == Some("table");
    for entry in &mut table.entries {
        match &mut entry.node.raw {
            Raw::Text(path) if is_file && entry.key == "path" && Path::new(path.as_str()).is_relative() => {
                *path = folder.join(path.as_str()).display().to_string();
            }
            Raw::Table(inner) => rebase(inner, folder),
            Raw::List(items) => {
                for item in items {
                    if let Raw::Table(inner) = &mut item.raw {
                        rebase(inner, folder);
                    }
                }
            }
            _ => {}
        }
    }
}

fn parse_document(document: &Arc<Document>) -> Result<Table, Report> {
    match DeTable::parse(&document.text) {
        Ok(table) => Ok(convert_table(table.into_inner(), document, 0)),
        Err(error) => Err(syntax(document, &error)),
    }
}

/// One TOML value of an option, from byte `start` on; text that is no TOML value and does not look like one is taken as a string.
pub(super) fn parse_value(document: &Arc<Document>, start: usize) -> Result<Node, Report> {
    let text = &document.text[start..];
    match DeValue::parse(text) {
        Ok(value) => Ok(convert(value, document, start)),
        Err(error) if text.trim_start().starts_with(['[', '{', '"', '\'']) || text.trim().is_empty() => {
            let span = error.span().unwrap_or(0..text.len());
            let at = At::new(document, span.start + start..span.end + start);
            Err(Issue::syntax(&at, plain(error.message())).help("the value is read as TOML").into())
        }
        Err(_) => {
            let at = At::new(document, start..document.text.len());
            Ok(Node { raw: Raw::Text(text.trim().to_string()), at })
        }
    }
}

fn syntax(document: &Arc<Document>, error: &toml::de::Error) -> Report {
    let at = At::new(document, error.span().unwrap_or(0..0));
    let (message, text) = (error.message(), at.text());
    let is_word = !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || "-_ /.".contains(c));
    let (rule, help) = if message.contains("duplicate key") {
        (format!("duplicate key {text}"), "every key stands once in its section".to_string())
    } else if message.contains("string values must be quoted") && text.trim().is_empty() {
        ("the value is missing".into(), "a line is key = value".into())
    } else if is_word && (message.contains("must be quoted") || message.contains("invalid float")) {
        (format!("{text} is neither a number nor text in quotes"), format!("write \"{text}\" if it is text"))
    } else {
        (plain(message), "a scenario is TOML: [section] headers and lines key = value".into())
    };
    Issue::syntax(&at, rule).help(help).into()
}

/// The parser's message as one line.
fn plain(message: &str) -> String {
    message.trim().replace('\n', "; ")
}

fn convert_table(table: DeTable<'_>, document: &Arc<Document>, offset: usize) -> Table {
    let entries = table
        .into_iter()
        .map(|(key, value)| Entry {
            at: At::new(document, key.span().start + offset..key.span().end + offset),
            key: key.into_inner().into_owned(),
            node: convert(value, document, offset),
        })
        .collect();
    Table { entries }
}

fn convert(value: Spanned<DeValue<'_>>, document: &Arc<Document>, offset: usize) -> Node {
    let at = At::new(document, value.span().start + offset..value.span().end + offset);
    let raw = match value.into_inner() {
        DeValue::String(text) => Raw::Text(text.into_owned()),
        DeValue::Integer(digits) => match i128::from_str_radix(digits.as_str(), digits.radix()) {
            Ok(n) => Raw::Integer(n),
            Err(_) => Raw::Float(f64::INFINITY),
        },
        DeValue::Float(digits) => Raw::Float(digits.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(flag) => Raw::Flag(flag),
        DeValue::Datetime(date) => Raw::Date(date.to_string()),
        DeValue::Array(items) => {
            Raw::List(items.into_iter().map(|item| convert(item, document, offset)).collect())
        }
        DeValue::Table(table) => Raw::Table(convert_table(table, document, offset)),
    };
    Node { raw, at }
}
