//! Messages about scenario files: where, what, which rule, what to do.

use super::raw::At;
use std::fmt;

/// One broken rule.
#[derive(Clone, Debug)]
pub struct Issue {
    at: Option<At>,
    /// Full key, as `problem.init.Q[1]`; empty where no key is concerned.
    path: Box<str>,
    /// Whether the text at `at` is the value of the key and short enough to be repeated.
    shows_value: bool,
    shows_column: bool,
    /// Name of the file where there is no place in it.
    file: Box<str>,
    rule: Box<str>,
    help: Box<str>,
    /// The cases that the issue is limited to, in words.
    pub(super) scope: String,
}

impl Issue {
    /// About the value at `at`.
    pub(super) fn value(at: &At, path: impl Into<String>, rule: impl Into<String>) -> Self {
        Self { shows_value: true, ..Self::key(at, path, rule) }
    }

    /// About a key or a section as a whole.
    pub(super) fn key(at: &At, path: impl Into<String>, rule: impl Into<String>) -> Self {
        Self { at: Some(at.clone()), ..Self::general(path, rule) }
    }

    /// About the text itself: shown with its column.
    pub(super) fn syntax(at: &At, rule: impl Into<String>) -> Self {
        Self { shows_column: true, ..Self::key(at, "", rule) }
    }

    /// Without a place.
    pub(super) fn general(path: impl Into<String>, rule: impl Into<String>) -> Self {
        Self {
            at: None,
            path: path.into().into(),
            shows_value: false,
            shows_column: false,
            file: "".into(),
            rule: rule.into().into(),
            help: "".into(),
            scope: String::new(),
        }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into().into();
        self
    }

    fn headline(&self) -> String {
        let mut line = String::new();
        if let Some(at) = &self.at {
            line += &at.place(self.shows_column);
            line += ": ";
        } else if !self.file.is_empty() {
            line += &self.file;
            line += ": ";
        }
        if !self.path.is_empty() {
            line += &self.path;
            let value = self.at.as_ref().filter(|_| self.shows_value).map_or("", At::text);
            if !value.is_empty() && value.len() <= 60 && !value.contains('\n') {
                line += " = ";
                line += value;
            }
            line += ": ";
        }
        line += &self.rule;
        line
    }
}

impl fmt::Display for Issue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.headline())?;
        if !self.scope.is_empty() {
            write!(f, " ({})", self.scope)?;
        }
        if let Some(at) = &self.at {
            write!(f, "{}", at.excerpt())?;
        }
        if !self.help.is_empty() {
            write!(f, "\n  help: {}", self.help)?;
        }
        Ok(())
    }
}

/// Everything that is wrong with a scenario, in the order of the file.
#[derive(Clone, Debug, thiserror::Error)]
pub struct Report {
    issues: Vec<Issue>,
}

impl Report {
    pub(super) fn new(mut issues: Vec<Issue>) -> Self {
        issues.sort_by_key(|issue| issue.at.as_ref().map(At::order));
        let mut seen = std::collections::HashSet::new();
        issues.retain(|issue| seen.insert(issue.to_string()));
        Self { issues }
    }

    /// Names the file where an issue has no place in it.
    pub(super) fn in_file(mut self, name: &str) -> Self {
        self.issues.iter_mut().for_each(|issue| issue.file = name.into());
        self
    }

    /// Number of separate errors.
    pub fn len(&self) -> usize {
        self.issues.len()
    }

    pub fn is_empty(&self) -> bool {
        self.issues.is_empty()
    }
}

impl From<Issue> for Report {
    fn from(issue: Issue) -> Self {
        Self::new(vec![issue])
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, issue) in self.issues.iter().enumerate() {
            write!(f, "{}{issue}", if i > 0 { "\n\n" } else { "" })?;
        }
        Ok(())
    }
}

/// The known name that was probably meant.
pub(super) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&name, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= 1.max(candidate.chars().count() / 3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// "did you mean x?", or the list of what is known.
pub(super) fn suggestion<'a>(name: &str, what: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean {near}?"),
        None if known.is_empty() => format!("there are no {what} here"),
        None => format!("known {what}: {}", known.join(", ")),
    }
}
