//! Presets and options of the command line: edits of the tree before anything is checked.

use super::message::{Issue, Report};
use super::raw::{At, Document, Entry, Node, Raw, Table, parse_value};
use super::sections::CASE_SECTIONS;

/// A value for a dotted key.
#[derive(Clone, Debug)]
pub(super) struct Edit {
    /// As written: `problem.student_width`, `panel[0].x_range`.
    pub path: String,
    pub at: At,
    pub node: Node,
}

#[derive(Clone, Debug, PartialEq)]
enum Step {
    Key(String),
    Index(usize),
}

impl Edit {
    /// The edits that a table of overrides stands for. Tables of sections and dotted keys are opened, every
    /// other value replaces what it names as a whole.
    pub fn all_of(table: &Table) -> Vec<Edit> {
        let mut edits = Vec::new();
        for entry in &table.entries {
            let opened = CASE_SECTIONS.contains(&entry.key.as_str()) || entry.node.is_dotted();
            match entry.node.as_table() {
                Some(inner) if opened => edits.extend(open(&entry.key, inner)),
                _ => edits.push(Edit {
                    path: entry.key.clone(),
                    at: entry.at.clone(),
                    node: entry.node.clone(),
                }),
            }
        }
        edits
    }

    /// Puts the value into the tree, in place of what was there.
    pub fn apply(&self, root: &mut Table) -> Result<(), Issue> {
        let steps = steps(&self.path).map_err(|rule| Issue::key(&self.at, &self.path, rule))?;
        self.put(root, &steps)
    }

    fn put(&self, table: &mut Table, steps: &[Step]) -> Result<(), Issue> {
        let (Some(Step::Key(key)), rest) = (steps.first(), &steps[1..]) else {
            return Err(Issue::key(&self.at, &self.path, "an index stands where a key is expected"));
        };
        // [series] and [sweep] hold dotted keys as they are
        if let Some(whole) = joined(steps)
            && let Some(entry) = table.entries.iter_mut().find(|entry| entry.key == whole)
        {
            entry.node = self.node.clone();
            entry.at = self.at.clone();
            return Ok(());
        }
        if !table.entries.iter().any(|entry| entry.key == *key) {
            if matches!(rest.first(), Some(Step::Index(_))) {
                return Err(Issue::key(&self.at, &self.path, format!("there is no {key}")));
            }
            let node = Node { raw: Raw::Table(Table::default()), at: self.at.clone() };
            table.entries.push(Entry { key: key.clone(), at: self.at.clone(), node });
        }
        let entry = table.entries.iter_mut().find(|entry| entry.key == *key).expect("just added if absent");
        if rest.is_empty() {
            entry.at = self.at.clone();
        }
        self.put_into(&mut entry.node, key, rest)
    }

    fn put_into(&self, node: &mut Node, name: &str, steps: &[Step]) -> Result<(), Issue> {
        let (found, count) = (node.found(), node.items().len());
        match (steps.first(), &mut node.raw) {
            (None, _) => {
                *node = self.node.clone();
                Ok(())
            }
            (Some(Step::Key(_)), Raw::Table(table)) => self.put(table, steps),
            (Some(Step::Index(0)), Raw::Table(_)) => self.put_into(node, name, &steps[1..]),
            (Some(Step::Index(i)), Raw::List(items)) if *i < items.len() => {
                self.put_into(&mut items[*i], name, &steps[1..])
            }
            (Some(Step::Index(_)), Raw::List(_)) => {
                let rule = format!("{name} has the indices 0 to {}", count.saturating_sub(1));
                Err(Issue::key(&self.at, &self.path, rule))
            }
            (Some(Step::Key(key)), Raw::List(_)) => {
                let help = format!("name one entry, as in {name}[0].{key}");
                Err(Issue::key(&self.at, &self.path, format!("{name} is a list")).help(help))
            }
            _ => {
                Err(Issue::key(&self.at, &self.path, format!("{name} is {found} and has no keys of its own")))
            }
        }
    }
}

fn open(prefix: &str, table: &Table) -> Vec<Edit> {
    let mut edits = Vec::new();
    for entry in &table.entries {
        let path = format!("{prefix}.{}", entry.key);
        match entry.node.as_table() {
            Some(inner) if entry.node.is_dotted() => edits.extend(open(&path, inner)),
            _ => edits.push(Edit { path, at: entry.at.clone(), node: entry.node.clone() }),
        }
    }
    edits
}

/// All steps as one dotted key, if they are at least two and all keys.
fn joined(steps: &[Step]) -> Option<String> {
    let keys: Option<Vec<&str>> = steps
        .iter()
        .map(|step| match step {
            Step::Key(key) => Some(key.as_str()),
            Step::Index(_) => None,
        })
        .collect();
    keys.filter(|keys| keys.len() > 1).map(|keys| keys.join("."))
}

/// `panel[0]."x".y` as steps.
fn steps(path: &str) -> Result<Vec<Step>, String> {
    let mut steps = Vec::new();
    let mut rest = path.trim();
    loop {
        if let Some(quoted) = rest.strip_prefix('"') {
            let end = quoted.find('"').ok_or("a quote is not closed")?;
            steps.push(Step::Key(quoted[..end].to_string()));
            rest = &quoted[end + 1..];
        } else {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            let key = rest[..end].trim();
            if key.is_empty() {
                return Err("a key is empty; write KEY=VALUE with a key such as problem.noise_std".into());
            }
            steps.push(Step::Key(key.to_string()));
            rest = &rest[end..];
        }
        while let Some(index) = rest.strip_prefix('[') {
            let end = index.find(']').ok_or("an index is not closed with ]")?;
            let number = index[..end].trim();
            steps.push(Step::Index(number.parse().map_err(|_| format!("{number:?} is no index"))?));
            rest = &index[end + 1..];
        }
        match rest.strip_prefix('.') {
            Some(next) => rest = next,
            None if rest.is_empty() => return Ok(steps),
            None => return Err(format!("expected . or [ before {rest:?}")),
        }
    }
}

/// Applies `[preset.NAME]` and takes all presets out of the tree. "paper" is the file as written unless the
/// file defines it.
pub(super) fn apply_preset(root: &mut Table, name: Option<&str>) -> Result<(), Report> {
    let presets = root.remove("preset");
    let table = presets.as_ref().and_then(|entry| entry.node.as_table());
    if let (Some(entry), None) = (&presets, table) {
        return Err(Issue::value(&entry.node.at, "preset", "must hold sections")
            .help("write [preset.quick] and below it lines \"simulation.replicas\" = 8")
            .into());
    }
    let Some(name) = name else { return Ok(()) };
    let Some(preset) = table.and_then(|presets| presets.entry(name)) else {
        if name == "paper" {
            return Ok(());
        }
        let known = table.into_iter().flat_map(|table| table.entries.iter().map(|entry| entry.key.as_str()));
        let known: Vec<&str> = known.filter(|known| *known != "paper").chain(["paper"]).collect();
        let help = format!("known presets: {}", known.join(", "));
        return Err(Issue::general(format!("--preset {name}"), "the scenario has no such preset")
            .help(help)
            .into());
    };
    let Some(overrides) = preset.node.as_table() else {
        let issue = Issue::value(&preset.node.at, format!("preset.{name}"), "must be a table of overrides");
        return Err(issue.help("for example \"simulation.replicas\" = 8").into());
    };
    collect(Edit::all_of(overrides).iter().filter_map(|edit| edit.apply(root).err()).collect())
}

/// Applies `--set KEY=VALUE` and returns it as an edit.
pub(super) fn apply_set(root: &mut Table, argument: &str) -> Result<Edit, Report> {
    let document = Document::option("--set", argument);
    let Some(equals) = argument.find('=') else {
        let whole = At::new(&document, 0..argument.len());
        return Err(Issue::key(&whole, "", "needs KEY=VALUE")
            .help("for example problem.noise_std=0.3")
            .into());
    };
    let at = At::new(&document, 0..equals);
    let edit = Edit { path: argument[..equals].trim().into(), at, node: parse_value(&document, equals + 1)? };
    edit.apply(root)?;
    Ok(edit)
}

/// Applies `--sweep KEY=A,B,C`: it replaces the `[sweep]` of the file, and with it what panels and claims
/// say about the old x.
pub(super) fn apply_sweep(root: &mut Table, argument: &str) -> Result<(), Report> {
    let document = Document::option("--sweep", argument);
    let whole = At::new(&document, 0..argument.len());
    let Some(equals) = argument.find('=') else {
        let issue = Issue::key(&whole, "", "needs KEY=A,B,C");
        return Err(issue.help("for example problem.noise_std=0.1,0.2,0.3").into());
    };
    let mut values = Vec::new();
    let mut start = equals + 1;
    for part in argument[start..].split(',') {
        let at = At::new(&document, start..start + part.len());
        let Ok(x) = part.trim().parse::<f64>() else {
            let rule = format!("{:?} is no number", part.trim());
            return Err(Issue::key(&at, "", rule).help("write KEY=A,B,C with numbers").into());
        };
        values.push(Node { raw: Raw::Float(x), at });
        start += part.len() + 1;
    }
    let at = At::new(&document, 0..equals);
    let key = argument[..equals].trim().to_string();
    let values = Node { raw: Raw::List(values), at: At::new(&document, equals + 1..argument.len()) };
    let table = Table { entries: vec![Entry { key, at, node: values }] };
    root.remove("sweep");
    let stale: [(&str, &[&str]); 2] = [("panel", &["x", "x_label", "x_range"]), ("claim", &["within"])];
    for (section, keys) in stale {
        for table in root.tables_mut(section) {
            table.entries.retain(|entry| !keys.contains(&entry.key.as_str()));
        }
    }
    let node = Node { raw: Raw::Table(table), at: whole.clone() };
    root.entries.push(Entry { key: "sweep".into(), at: whole, node });
    Ok(())
}

/// Switches the simulation off where there is one.
pub(super) fn theory_only(root: &mut Table) -> Result<(), Report> {
    if root.table("simulation").is_some() {
        let document = Document::option("--theory-only", "simulation.enabled = false");
        let at = At::new(&document, 0..18);
        let node = Node { raw: Raw::Flag(false), at: at.clone() };
        Edit { path: "simulation.enabled".into(), at, node }.apply(root)?;
    }
    Ok(())
}

fn collect(issues: Vec<Issue>) -> Result<(), Report> {
    if issues.is_empty() { Ok(()) } else { Err(Report::new(issues)) }
}
