//! Text with sub- and superscripts and italic formula letters, laid out in the embedded faces.
//!
//! The syntax is described in [`figure`](crate::report::figure). Kerning is off everywhere, so that the
//! widths computed here are those of the outlines and digits stay in columns.

pub mod font;

pub use font::Face;

/// Why a text cannot be set.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum MarkupError {
    #[error("no glyph for '{character}' (U+{:04X}) in the embedded font", *character as u32)]
    Glyph { character: char },
    #[error("text `{text}`: {fault}")]
    Syntax { text: String, fault: Fault },
}

impl MarkupError {
    /// The broken rule without the text.
    pub fn rule(&self) -> String {
        match self {
            Self::Glyph { .. } => self.to_string(),
            Self::Syntax { fault, .. } => fault.to_string(),
        }
    }

    /// What to do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Glyph { .. } => "use another character",
            Self::Syntax { fault, .. } => fault.remedy(),
        }
    }
}

/// What is wrong with the markup of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("a `$` is not closed")]
    OpenFormula,
    #[error("a `{{` is not closed")]
    OpenScript,
    #[error("a `$` inside a script is not closed there")]
    FormulaAcrossScript,
    #[error("two scripts at the same place")]
    TwoScripts,
    #[error("nothing follows the last backslash")]
    LastBackslash,
}

impl Fault {
    fn remedy(self) -> &'static str {
        match self {
            Self::OpenFormula => {
                "a formula stands between two `$` on one line; a backslash before a `$` makes it a plain character \
                 (two of them between double quotes)"
            }
            Self::OpenScript => "close it, as in x_{1}, or write no brace right after the `_` or `^`",
            Self::FormulaAcrossScript => "open and close a `$` on the same side of a brace, as in $x_{i}$",
            Self::TwoScripts => "write both in one pair of braces, as in x_{12}, or one `_` and one `^`",
            Self::LastBackslash => "remove it: a backslash makes the next character a plain one",
        }
    }
}

/// Size of a script relative to what it is attached to, and the shifts of its baseline in units of the
/// size of its base.
const SCRIPT: f64 = 0.72;
const RISE: f64 = 0.36;
const DROP: f64 = 0.17;

/// Baseline distance of wrapped lines in units of the size.
pub const LEADING: f64 = 1.25;

/// Set upright inside a formula.
const FUNCTIONS: [&str; 10] = ["cos", "erf", "exp", "lim", "ln", "log", "max", "min", "sin", "tanh"];

#[derive(Clone, Debug, PartialEq)]
enum Node {
    Text { text: String, math: bool },
    Space,
    Scripts { sub: Option<Vec<Node>>, sup: Option<Vec<Node>> },
}

/// A piece of text in one face and size without spaces, at an offset from the start of its line's baseline
/// (y upwards).
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    pub text: String,
    pub face: Face,
    pub size: f64,
    pub x: f64,
    pub rise: f64,
}

/// One line of text, ready to be placed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Line {
    pub runs: Vec<Run>,
    pub width: f64,
}

/// Checks that every line of a text is well-formed markup of printable characters.
///
/// # Errors
/// [`MarkupError::Syntax`] for an open brace or dollar, [`MarkupError::Glyph`] for a character that the
/// embedded faces lack.
pub fn check(text: &str) -> Result<(), MarkupError> {
    for piece in text.lines() {
        // Titles are bold.
        for face in [Face::Regular, Face::Bold] {
            line(piece, 1.0, face)?;
        }
    }
    Ok(())
}

/// Lays out one line.
pub fn line(text: &str, size: f64, face: Face) -> Result<Line, MarkupError> {
    let mut lines = wrap(text, size, face, f64::INFINITY)?;
    Ok(if lines.is_empty() { Line::default() } else { lines.swap_remove(0) })
}

/// Lays out a paragraph in lines of at most `width`, broken at spaces. A single longer word stays whole.
pub fn wrap(text: &str, size: f64, face: Face, width: f64) -> Result<Vec<Line>, MarkupError> {
    let nodes = parse(text)?;
    let space = face.advance(' ')? * size;
    let mut lines = Vec::new();
    let mut current = Line::default();
    let mut pending = 0.0;
    for word in nodes.split(|node| *node == Node::Space) {
        let mut set = Line::default();
        place(word, size, face, 0.0, &mut set)?;
        if set.runs.is_empty() {
            pending += space;
            continue;
        }
        if !current.runs.is_empty() && current.width + pending + set.width > width {
            lines.push(std::mem::take(&mut current));
            pending = 0.0;
        }
        let shift = if current.runs.is_empty() { 0.0 } else { current.width + pending };
        current.runs.extend(set.runs.into_iter().map(|run| Run { x: run.x + shift, ..run }));
        current.width = shift + set.width;
        pending = space;
    }
    if !current.runs.is_empty() {
        lines.push(current);
    }
    Ok(lines)
}

/// The characters of a text without its markup, for titles that are read rather than drawn.
pub fn plain(text: &str) -> Result<String, MarkupError> {
    fn collect(nodes: &[Node], out: &mut String) {
        for node in nodes {
            match node {
                Node::Text { text, .. } => out.push_str(text),
                Node::Space => out.push(' '),
                Node::Scripts { sub, sup } => {
                    for (mark, script) in [('_', sub), ('^', sup)] {
                        if let Some(script) = script {
                            out.push(mark);
                            collect(script, out);
                        }
                    }
                }
            }
        }
    }
    let mut out = String::new();
    collect(&parse(text)?, &mut out);
    Ok(out)
}

fn parse(text: &str) -> Result<Vec<Node>, MarkupError> {
    let characters: Vec<char> = text.chars().collect();
    let mut at = 0;
    let mut math = false;
    let nodes = sequence(&characters, &mut at, &mut math, false)
        .map_err(|fault| MarkupError::Syntax { text: text.into(), fault })?;
    if math {
        return Err(MarkupError::Syntax { text: text.into(), fault: Fault::OpenFormula });
    }
    Ok(nodes)
}

fn sequence(characters: &[char], at: &mut usize, math: &mut bool, inside: bool) -> Result<Vec<Node>, Fault> {
    let mut nodes: Vec<Node> = Vec::new();
    while let Some(&c) = characters.get(*at) {
        *at += 1;
        match c {
            '}' if inside => return Ok(nodes),
            '$' => *math = !*math,
            '_' | '^' if characters.get(*at) == Some(&'{') => {
                *at += 1;
                let mut inner = *math;
                let script = sequence(characters, at, &mut inner, true)?;
                if inner != *math {
                    return Err(Fault::FormulaAcrossScript);
                }
                if !matches!(nodes.last(), Some(Node::Scripts { .. })) {
                    nodes.push(Node::Scripts { sub: None, sup: None });
                }
                if let Some(Node::Scripts { sub, sup }) = nodes.last_mut() {
                    let slot = if c == '_' { sub } else { sup };
                    if slot.is_some() {
                        return Err(Fault::TwoScripts);
                    }
                    *slot = Some(script);
                }
            }
            c if c.is_whitespace() => nodes.push(Node::Space),
            c => {
                let c = if c == '\\' {
                    let next = *characters.get(*at).ok_or(Fault::LastBackslash)?;
                    *at += 1;
                    next
                } else if *math && c == '-' {
                    '\u{2212}'
                } else {
                    c
                };
                match nodes.last_mut() {
                    Some(Node::Text { text, math: last }) if *last == *math => text.push(c),
                    _ => nodes.push(Node::Text { text: c.into(), math: *math }),
                }
            }
        }
    }
    if inside { Err(Fault::OpenScript) } else { Ok(nodes) }
}

fn place(nodes: &[Node], size: f64, face: Face, rise: f64, line: &mut Line) -> Result<(), MarkupError> {
    for node in nodes {
        match node {
            Node::Text { text, math } => {
                let upright = !math || FUNCTIONS.contains(&text.as_str());
                for c in text.chars() {
                    // As in print: Latin letters and small Greek ones lean, capital Greek ones do not.
                    let leans = c.is_alphabetic() && (c.is_ascii() || c.is_lowercase());
                    let face = if !upright && leans { Face::Italic } else { face };
                    push(line, c, size, face, rise)?;
                }
            }
            Node::Space => line.width += face.advance(' ')? * size,
            Node::Scripts { sub, sup } => {
                let start = line.width;
                let mut end = start;
                for (script, shift) in [(sub, -DROP), (sup, RISE)] {
                    if let Some(script) = script {
                        // A hair, so that a script does not touch a leaning letter.
                        line.width = start + if shift > 0.0 { 0.06 } else { 0.02 } * size;
                        place(script, size * SCRIPT, face, rise + shift * size, line)?;
                        end = end.max(line.width);
                    }
                }
                line.width = end;
            }
        }
    }
    Ok(())
}

fn push(line: &mut Line, c: char, size: f64, face: Face, rise: f64) -> Result<(), MarkupError> {
    let advance = face.advance(c)? * size;
    match line.runs.last_mut() {
        Some(run) if run.face == face && run.size == size && run.rise == rise && touches(run, line.width) => {
            run.text.push(c);
        }
        _ => line.runs.push(Run { text: c.into(), face, size, x: line.width, rise }),
    }
    line.width += advance;
    Ok(())
}

/// Whether `run` ends where the next character starts (not so after a space or behind stacked scripts).
fn touches(run: &Run, x: f64) -> bool {
    let width: f64 = run.text.chars().filter_map(|c| run.face.advance(c).ok()).sum();
    (run.x + width * run.size - x).abs() < 1e-9
}
