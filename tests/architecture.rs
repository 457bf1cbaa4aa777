//! The two roads stay apart: every `crate::x` in `src/` must stand in the table of allowed uses.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Module, and what it may use of ours. `bin` and `lib.rs` sit above the table.
const ALLOWED: &[(&str, &[&str])] = &[
    ("math", &["linalg"]),
    ("linalg", &[]),
    ("rng", &[]),
    ("ode", &["math", "linalg"]),
    // Data sets that a problem states by a seed are part of its definition.
    ("problem", &["math", "rng"]),
    ("trajectory", &[]),
    // Text of figures: checked where it is written, laid out where it is drawn.
    ("markup", &[]),
    // rng for the declared streams of Monte-Carlo laws.
    ("theory", &["problem", "trajectory", "math", "linalg", "ode", "rng"]),
    ("simulate", &["problem", "trajectory", "linalg", "rng"]),
    ("compare", &["trajectory", "math", "rng"]),
    ("scenario", &["problem", "trajectory", "markup"]),
    ("report", &["trajectory", "compare", "markup"]),
    (
        "run",
        &[
            "math",
            "linalg",
            "rng",
            "ode",
            "problem",
            "trajectory",
            "theory",
            "simulate",
            "compare",
            "scenario",
            "report",
        ],
    ),
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("readable source folder") {
        let path = entry.expect("readable entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// Code without comments, so that a link in documentation is no use.
fn code(text: &str) -> String {
    text.lines().map(|line| line.split("//").next().unwrap_or("")).collect::<Vec<_>>().join("\n")
}

/// The first segments of all paths that start with `crate::`, also in a braced group.
fn uses(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for part in text.split("crate::").skip(1) {
        let identifier =
            |s: &str| -> String { s.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect() };
        let Some(group) = part.strip_prefix('{') else {
            found.insert(identifier(part));
            continue;
        };
        let mut depth = 1;
        let mut expects_segment = true;
        for (at, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 1 => expects_segment = true,
                c if expects_segment && depth == 1 && !c.is_whitespace() => {
                    found.insert(identifier(&group[at..]));
                    expects_segment = false;
                }
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    }
    found
}

#[test]
fn modules_use_only_what_the_table_allows() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut checked = 0;
    let mut wrong = Vec::new();
    for file in files {
        let relative = file.strip_prefix(&root).expect("below src");
        let first = relative.iter().next().expect("a component").to_string_lossy();
        let module = first.trim_end_matches(".rs").to_string();
        if module == "lib" || module == "bin" {
            continue;
        }
        let Some((_, allowed)) = ALLOWED.iter().find(|(name, _)| *name == module) else {
            wrong.push(format!("{}: module {module} is not in the table", relative.display()));
            continue;
        };
        for used in uses(&code(&fs::read_to_string(&file).expect("readable source"))) {
            if used != module && !allowed.contains(&used.as_str()) {
                wrong.push(format!("{}: {module} may not use {used}", relative.display()));
            }
            checked += 1;
        }
    }
    assert!(checked > 20, "only {checked} uses found: the scan is broken");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_scan_sees_grouped_and_nested_uses() {
    let text = "use crate::{math::{erf, x}, simulate}; // crate::theory\n fn f() { crate::run::go() }";
    let found: Vec<String> = uses(&code(text)).into_iter().collect();
    assert_eq!(found, ["math", "run", "simulate"]);
}
