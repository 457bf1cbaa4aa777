//! From a source and the options of the command line to a [`Scenario`].

use super::case::{Common, kind_of};
use super::check::Checker;
use super::edit::{Edit, apply_preset, apply_set, apply_sweep, theory_only};
use super::faults::faults;
use super::limits::{self, Verify};
use super::message::{Issue, Report, suggestion};
use super::panels::Stage;
use super::raw::{Node, Raw, Source, Table};
use super::resolved::{Case, Claim, Panel, Scenario};
use super::scope::Scope;
use super::sections::{SECTION_NAMES, TOP};
use super::series::{Series, Swept, series, sweep};
use super::write;
use std::collections::{BTreeSet, HashMap, HashSet};

/// What the command line changes.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `--preset NAME`; the file as written if absent.
    pub preset: Option<String>,
    /// `--set KEY=VALUE`, in order.
    pub set: Vec<String>,
    /// `--sweep KEY=A,B,C`.
    pub sweep: Option<String>,
    /// `--fault KEY=FACTOR`, `KEY+=DELTA`, or a structural fault of the problem.
    pub faults: Vec<String>,
    /// Makes every claim one about the limit of infinite size.
    pub verify: Option<Verify>,
    /// Runs no simulation; replicas are drawn if the law starts from them.
    pub theory_only: bool,
}

/// Checks a scenario and makes its cases.
///
/// The file comes first, then the preset, then `set` in order, then `sweep`; series and swept values are put
/// on top of that, and every case is checked as if it had been written out.
///
/// # Errors
/// Everything that is wrong, with file, line, key, rule and remedy.
pub fn resolve(source: &Source, options: &Overrides) -> Result<Scenario, Report> {
    let mut root = source.root.clone();
    apply_preset(&mut root, options.preset.as_deref()).map_err(|report| report.in_file(source.name()))?;
    let mut sets = Vec::new();
    for argument in &options.set {
        sets.push(apply_set(&mut root, argument)?);
    }
    if let Some(argument) = &options.sweep {
        apply_sweep(&mut root, argument)?;
    }
    if let Some(verify) = &options.verify {
        limits::apply(&mut root, verify)?;
    }
    if options.theory_only {
        theory_only(&mut root)?;
    }
    let text = write::toml(&root);

    let mut issues = Vec::new();
    unknown_sections(&root, &mut issues);
    let mut checker = Checker::new(Scope::EMPTY);
    let present: Vec<&str> = root.entries.iter().map(|entry| entry.key.as_str()).collect();
    let top = checker.keys(&root, None, "", TOP, &present);
    issues.append(&mut checker.issues);
    let kind = match kind_of(&root) {
        Ok(kind) => kind,
        Err(issue) => {
            issues.push(issue);
            return Err(Report::new(issues).in_file(source.name()));
        }
    };
    let faults = faults(&options.faults, kind, &mut issues);
    let all_series = series(&root, kind, &mut issues);
    without_effect(&sets, &root, &all_series, &mut issues);

    let mut common =
        Common { kind, faults: &faults, issues: Vec::new(), used: Default::default(), idle: None };
    let mut cases: Vec<Case> = Vec::new();
    let mut attempts: Vec<(String, Vec<Issue>)> = Vec::new();
    let mut swept: Option<Swept> = None;
    let mut has_sweep = None;
    for (s, one) in all_series.iter().enumerate() {
        let mut tree = root.clone();
        for edit in &one.edits {
            issues.extend(edit.apply(&mut tree).err());
        }
        let before = issues.len();
        let own = sweep(&tree, kind, &mut issues);
        if issues.len() > before {
            continue;
        }
        if let Some(own) = &own
            && let Some(edit) = one.edits.iter().find(|edit| edit.path == own.sweep.key)
        {
            let rule = "is swept and set by the series as well";
            let help = "sweep another key, or remove it from the series";
            issues.push(Issue::key(&edit.at, format!("series.{:?}", edit.path), rule).help(help));
            continue;
        }
        if let (Some(own), Some(first)) = (&own, &swept)
            && own.sweep.key != first.sweep.key
        {
            let rule = format!("all series sweep the same key, the first one sweeps {}", first.sweep.key);
            issues.push(Issue::key(&own.key_at, "sweep", rule));
            continue;
        }
        if *has_sweep.get_or_insert(own.is_some()) != own.is_some() {
            issues.push(Issue::general("sweep", "some series sweep a key and some do not"));
            continue;
        }
        let points = own.as_ref().map_or(1, |own| own.values.len());
        for point in 0..points {
            let (tree, free, value) = at_point(&tree, one, own.as_ref(), point, &mut issues);
            let name = case_name(&one.label, own.as_ref(), value);
            if let Some(mut case) = common.case(&tree, &free) {
                case.series = s;
                case.sweep = value.map(|x| (point, x));
                if let (Some(own), Some(x)) = (&own, value)
                    && !case.values.iter().any(|(key, _)| key == own.sweep.name())
                {
                    case.values.push((own.sweep.name().to_string(), x));
                }
                cases.push(case);
            }
            attempts.push((name, std::mem::take(&mut common.issues)));
        }
        if swept.is_none() {
            swept = own;
        }
    }
    issues.extend(limited(attempts));
    unused(&all_series, swept.as_ref(), &common.used, &mut issues);

    let labels: Vec<String> = all_series.iter().map(|one| one.label.clone()).collect();
    // what a wrong case would report is not known, so nothing is said of it
    let known: &[Case] = if issues.is_empty() { &cases } else { &[] };
    let switched_off = root
        .table("simulation")
        .is_some_and(|table| table.get("enabled").is_some_and(|node| matches!(node.raw, Raw::Flag(false))));
    let mut stage = Stage::new(kind, known, &labels, swept.as_ref());
    let panels = stage.panels(&root);
    let claims = stage.claims(&root, switched_off);
    stage.check_approaches(&root, &panels, &claims);
    let recorded = recorded(&root, &mut stage, &panels, &claims);
    issues.append(&mut stage.issues);
    for (case, observables) in cases.iter_mut().zip(recorded) {
        case.observe.observables = observables;
    }
    let idle = |case: &Case| !case.law.enabled && case.simulation.is_none();
    if issues.is_empty() && cases.iter().all(idle) {
        let help = "switch on law.enabled, or add [simulation]";
        issues.push(Issue::general("law", "there is neither a law nor a simulation").help(help));
    }
    let Some(top) = top.filter(|_| issues.is_empty()) else {
        return Err(Report::new(issues).in_file(source.name()));
    };
    let text_of = |key: &str| top.text(key).unwrap_or_default().to_string();
    Ok(Scenario {
        id: source.id().to_string(),
        title: text_of("title"),
        source: text_of("source"),
        notes: text_of("notes"),
        expected_time: top.text("expected_time").map(str::to_string),
        series: labels,
        sweep: swept.map(|swept| swept.sweep),
        cases,
        panels,
        claims,
        faults: options.faults.clone(),
        notices: common.idle.iter().flatten().map(|idle| idle.issue().to_string()).collect(),
        text,
    })
}

/// The tree of one swept value, the free variables there, and the value.
type Point = (Table, Vec<(String, f64)>, Option<f64>);

fn at_point(
    tree: &Table,
    one: &Series,
    swept: Option<&Swept>,
    point: usize,
    issues: &mut Vec<Issue>,
) -> Point {
    let mut tree = tree.clone();
    let mut free: Vec<(String, f64)> = one.free.iter().map(|(name, x, _)| (name.clone(), *x)).collect();
    let Some(swept) = swept else { return (tree, free, None) };
    let (x, at) = &swept.values[point];
    if swept.is_free {
        free.push((swept.sweep.key.clone(), *x));
    } else {
        let node = Node { raw: Raw::Float(*x), at: at.clone() };
        let edit = Edit { path: swept.sweep.key.clone(), at: swept.key_at.clone(), node };
        issues.extend(edit.apply(&mut tree).err());
    }
    (tree, free, Some(*x))
}

fn case_name(label: &str, swept: Option<&Swept>, value: Option<f64>) -> String {
    let series = if label.is_empty() { String::new() } else { format!("series {label:?}") };
    match (swept, value) {
        (Some(swept), Some(x)) if series.is_empty() => format!("{} = {x}", swept.sweep.name()),
        (Some(swept), Some(x)) => format!("{series}, {} = {x}", swept.sweep.name()),
        _ => series,
    }
}

/// Issues of all cases, each once; one that not every case has says where it first occurs.
fn limited(attempts: Vec<(String, Vec<Issue>)>) -> Vec<Issue> {
    let total = attempts.len();
    let mut order: Vec<Issue> = Vec::new();
    let mut known: HashMap<String, (usize, usize)> = HashMap::new();
    for (name, issues) in attempts {
        for mut issue in issues {
            let place = *known.entry(issue.to_string()).or_insert((order.len(), 0));
            if place.1 == 0 {
                issue.scope = name.clone();
                order.push(issue.clone());
                issue.scope.clear();
            }
            known.insert(issue.to_string(), (place.0, place.1 + 1));
        }
    }
    for (place, count) in known.into_values() {
        if count == total {
            order[place].scope.clear();
        } else if count > 1 {
            order[place].scope += &format!(" and {} more of {total} cases", count - 1);
        }
    }
    order
}

fn unknown_sections(root: &Table, issues: &mut Vec<Issue>) {
    for entry in &root.entries {
        let known = SECTION_NAMES.iter().copied().chain(TOP.iter().map(|p| p.key));
        if known.clone().any(|name| name == entry.key) {
            continue;
        }
        let what = if entry.node.as_table().is_some() { "unknown section" } else { "unknown key" };
        let help = suggestion(&entry.key, "sections and keys", known);
        issues.push(Issue::key(&entry.at, &entry.key, what).help(help));
    }
}

/// `--set` of a key that every series sets again would be silently lost.
fn without_effect(sets: &[Edit], root: &Table, all: &[Series], issues: &mut Vec<Issue>) {
    let swept = root.table("sweep").map(Edit::all_of).unwrap_or_default();
    for set in sets {
        let path = set.path.replace('"', "");
        let hides = |edit: &&Edit| path == edit.path || path.starts_with(&format!("{}.", edit.path));
        let hiding: Vec<&Edit> = all.iter().filter_map(|one| one.edits.iter().find(hides)).collect();
        let hidden = match (swept.iter().find(hides), hiding.first()) {
            (Some(edit), _) => Some(("the sweep", edit)),
            (None, Some(edit)) if hiding.len() == all.len() => Some(("every series", *edit)),
            _ => None,
        };
        if let Some((who, edit)) = hidden {
            let rule = format!(
                "{who} sets {} itself ({}), so --set would have no effect",
                edit.path,
                edit.at.place(false)
            );
            let help = match root.get("series").map(|node| &node.raw) {
                Some(Raw::List(_)) => format!("set it in the series: --set 'series[0].\"{path}\"=...'"),
                Some(_) => format!("set the list: --set 'series.\"{path}\"=[...]'"),
                None => format!("set the list: --set 'sweep.\"{path}\"=[...]'"),
            };
            issues.push(Issue::key(&set.at, &set.path, rule).help(help));
        }
    }
}

/// A free variable that no expression names changes nothing.
fn unused(all: &[Series], swept: Option<&Swept>, used: &BTreeSet<String>, issues: &mut Vec<Issue>) {
    let of_series = all.iter().flat_map(|one| one.free.iter().map(|(name, _, at)| ("series", name, at)));
    let of_sweep =
        swept.filter(|swept| swept.is_free).map(|swept| ("sweep", &swept.sweep.key, &swept.key_at));
    let mut seen = Vec::new();
    for (section, name, at) in of_series.chain(of_sweep) {
        if used.contains(name) || seen.contains(&name) || !issues.is_empty() {
            continue;
        }
        seen.push(name);
        let help = format!("use it in a formula, as in student_width = \"= teacher_width + {name}\"");
        issues.push(Issue::key(at, format!("{section}.{name}"), "no formula uses this variable").help(help));
    }
}

/// What each case records: everything that panels, claims and the case itself name and that it has.
fn recorded(root: &Table, stage: &mut Stage, panels: &[Panel], claims: &[Claim]) -> Vec<Vec<String>> {
    let node = root.table("observe").and_then(|table| table.get("observables"));
    let mut shared: HashSet<String> = claims.iter().flat_map(|claim| claim.observables.clone()).collect();
    for panel in panels {
        match panel {
            Panel::Curves(curves) => shared.extend(curves.y.iter().chain(&curves.against).cloned()),
            Panel::FiniteSize(panel) => shared.extend(panel.y.iter().cloned()),
            Panel::Extrapolation(_) | Panel::Sizes(_) => {}
            Panel::Crossings(crossings) => shared.extend([crossings.y.clone()]),
            Panel::Map(map) => shared.extend([map.y.clone()]),
            Panel::Heatmap(heatmap) => {
                let info = stage.observables.iter().find(|info| info.name == heatmap.matrix);
                shared.extend(info.map(|info| info.entries()).unwrap_or_default());
            }
        }
    }
    let mut lists = Vec::new();
    for case in stage.cases {
        let own = stage.expand(&case.observe.observables, node, "observe.observables");
        let all = case.problem.observables().into_iter().flat_map(|info| info.entries());
        lists.push(all.filter(|entry| shared.contains(entry) || own.contains(entry)).collect());
    }
    lists
}
