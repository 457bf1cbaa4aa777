//! Claims about the limit of infinite size: what `figure verify` changes in a scenario, and the panels that show
//! the approach to the limit.

use super::edit::Edit;
use super::message::{Issue, Report};
use super::panels::Stage;
use super::raw::{At, Document, Node, Raw, Table, parse_value};
use super::resolved::{Against, ApproachPanel, Case, Claim, FiniteSizePanel, Limit, Panel, Quantity};
use crate::problem::Method;
use crate::problem::spec::Settings;

/// What `figure verify` makes of a scenario: every claim is about the limit, the figure shows the approach to it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verify {
    /// Values of the limit parameter. If absent, those of the scenario if it has three or more; otherwise its
    /// largest one, a half, a quarter and an eighth of it.
    pub sizes: Option<Vec<usize>>,
    /// Methods of simulation, each a series of its own if there are several; that of the scenario if empty.
    pub methods: Vec<Method>,
}

/// Applies [`Verify`] to a tree.
pub(super) fn apply(root: &mut Table, verify: &Verify) -> Result<(), Report> {
    let Some(claims) = root.get("claim").map(|node| node.items().len()).filter(|&n| n > 0) else {
        let issue = Issue::general("claim", "the scenario claims nothing that could be verified");
        return Err(issue.help("add [claim] with observables, metric and resolution").into());
    };
    if let Some(sizes) = sizes(root, verify) {
        set(root, "--sizes", "simulation.sizes", &format!("{sizes:?}"))?;
    }
    let about_law = |claim: &usize| {
        let items = root.get("claim").map_or(&[][..], Node::items);
        let table = items.get(*claim).and_then(Node::as_table);
        table.and_then(|table| table.get("about")).is_none_or(|about| about.as_text() == Some("law"))
    };
    // Predictions at finite size are tested at every size as they are.
    let limits: Vec<usize> = (0..claims).filter(about_law).collect();
    if limits.is_empty() {
        let issue = Issue::general("claim", "no claim is about the law of infinite size");
        return Err(issue.help("add [[claim]] with about = \"law\"").into());
    }
    for &claim in &limits {
        set(root, "figure verify", &format!("claim[{claim}].limit"), "\"extrapolate\"")?;
    }
    let panels: Vec<String> = limits
        .iter()
        .flat_map(|claim| {
            ["extrapolation", "sizes"].map(|kind| format!("{{ kind = {kind:?}, claim = {claim} }}"))
        })
        .collect();
    root.remove("panel");
    set(root, "figure verify", "panel", &format!("[{}]", panels.join(", ")))?;
    match &verify.methods[..] {
        [] => Ok(()),
        [method] => set(root, "--method", "simulation.method", &format!("{:?}", method.name())),
        several => set_methods(root, several),
    }
}

fn sizes(root: &Table, verify: &Verify) -> Option<Vec<usize>> {
    if verify.sizes.is_some() {
        return verify.sizes.clone();
    }
    let node = root.table("simulation")?.get("sizes")?;
    let stated: Vec<usize> = node
        .items()
        .iter()
        .filter_map(|item| match item.raw {
            Raw::Integer(n) => usize::try_from(n).ok(),
            _ => None,
        })
        .collect();
    let largest = *stated.iter().max()?;
    (stated.len() < 3)
        .then(|| [8, 4, 2, 1].iter().map(|part| largest / part).filter(|&n| n > 0).collect::<Vec<_>>())
        .map(|mut sizes| {
            sizes.dedup();
            sizes
        })
}

/// One series for each method, times the series that there are.
fn set_methods(root: &mut Table, methods: &[Method]) -> Result<(), Report> {
    let names: Vec<String> = methods.iter().map(|method| format!("{:?}", method.name())).collect();
    let list = root.get("series").and_then(|node| match &node.raw {
        Raw::List(items) => Some(items.clone()),
        _ => None,
    });
    let Some(items) = list else {
        return set(root, "--method", "series.\"simulation.method\"", &format!("[{}]", names.join(", ")));
    };
    let mut all = Vec::new();
    for item in &items {
        for name in &names {
            let mut one = item.clone();
            let Raw::Table(table) = &mut one.raw else { continue };
            let label = table.get("label").and_then(Node::as_text).unwrap_or_default().to_string();
            set(
                table,
                "--method",
                "label",
                &format!("{:?}", format!("{label}, {}", name.trim_matches('"'))),
            )?;
            set(table, "--method", "\"simulation.method\"", name)?;
            all.push(one);
        }
    }
    let entry = root.entries.iter_mut().find(|entry| entry.key == "series").expect("just read");
    entry.node.raw = Raw::List(all);
    Ok(())
}

/// Puts a value, written as TOML, at a path; `who` stands in messages about it.
fn set(table: &mut Table, who: &str, path: &str, value: &str) -> Result<(), Report> {
    let text = format!("{path}={value}");
    let document = Document::option(who, &text);
    let equals = path.len();
    let at = At::new(&document, 0..path.len());
    let node = parse_value(&document, equals + 1)?;
    Ok(Edit { path: path.into(), at, node }.apply(table)?)
}

impl Stage<'_> {
    /// A panel that shows how a claim's curves approach their limit.
    pub(super) fn approach(
        &mut self,
        settings: &Settings,
        table: &Table,
        path: &str,
    ) -> Option<ApproachPanel> {
        let y = match settings.texts("y") {
            Some(names) => self.expand(names, table.get("y"), &format!("{path}.y")),
            None => Vec::new(),
        };
        Some(ApproachPanel {
            title: settings.text("title")?.to_string(),
            claim: settings.count("claim")?,
            y,
            series: self.positions(settings, table, path)?,
        })
    }

    /// A panel of the law at finite size.
    pub(super) fn finite_size(
        &mut self,
        settings: &Settings,
        table: &Table,
        node: &Node,
        path: &str,
    ) -> Option<FiniteSizePanel> {
        let before = self.issues.len();
        let y = self.expand(settings.texts("y")?, table.get("y"), &format!("{path}.y"));
        let series = self.positions(settings, table, path)?;
        let shown = |case: &&Case| series.contains(&case.series);
        if !self.cases.iter().filter(shown).all(|case| case.law.finite_size) {
            let issue = Issue::key(&node.at, path, "shows a prediction that law.finite_size does not make");
            self.issues.push(issue.help("add finite_size = true to [law]"));
        }
        let against = match settings.text("against")? {
            "variance" => Against::Variance,
            _ => Against::Points,
        };
        let panel = FiniteSizePanel {
            title: settings.text("title")?.to_string(),
            y,
            quantity: match settings.text("quantity")? {
                "shift" => Quantity::Shift,
                "relative-spread" => Quantity::RelativeSpread,
                "variance-ratio" => Quantity::VarianceRatio,
                _ => Quantity::Variance,
            },
            against,
            x_label: match (against, self.sweep) {
                (Against::Points, Some(swept)) => swept.sweep.label.clone(),
                (Against::Points, None) => format!("time ({})", self.kind.time_unit),
                (Against::Variance, _) => "predicted variance".into(),
            },
            log_x: matches!(settings.text("scale")?, "log-log" | "log-linear"),
            log_y: matches!(settings.text("scale")?, "log-log" | "linear-log"),
            y_range: settings.intervals("y_range").and_then(|list| list.first().copied()),
            series,
        };
        (self.issues.len() == before).then_some(panel)
    }

    /// Panels of the approach to a limit need a claim about a limit.
    pub(super) fn check_approaches(&mut self, root: &Table, panels: &[Panel], claims: &[Claim]) {
        let stated = root.get("claim").map_or(0, |node| node.items().len());
        let items = root.get("panel").map_or(&[][..], Node::items);
        for (panel, item) in panels.iter().zip(items) {
            let (Panel::Extrapolation(panel) | Panel::Sizes(panel)) = panel else { continue };
            let at = item.as_table().and_then(|table| table.get("claim")).map_or(&item.at, |node| &node.at);
            if panel.claim >= stated {
                let rule = format!("shows claim {}, and there are {stated}", panel.claim);
                self.issues.push(Issue::key(at, "panel.claim", rule).help("claims count from 0"));
            } else if let Some(claim) = claims.get(panel.claim)
                && claim.limit != Limit::Extrapolate
            {
                let rule = "shows the approach to a limit, and its claim is about every simulated size";
                let help = "use limit = \"extrapolate\" in the claim, or another kind of panel";
                self.issues.push(Issue::key(at, "panel", rule).help(help));
            }
        }
    }

    /// A claim about the limit needs at least two sizes wherever it compares.
    pub(super) fn check_limit(&mut self, table: &Table, path: &str, series: &[usize]) {
        let few = self.cases.iter().filter(|case| series.contains(&case.series)).find_map(|case| {
            let simulation = case.simulation.as_ref().filter(|s| !s.starts_only)?;
            (simulation.sizes.len() < 2).then_some(simulation.sizes.len())
        });
        if let (Some(sizes), Some(node)) = (few, table.get("limit")) {
            let rule = format!("a limit needs several sizes, and there is {sizes}");
            let help = "give simulation.sizes = [100, 200, 400], or use limit = \"at-size\"";
            self.issues.push(Issue::value(&node.at, format!("{path}.limit"), rule).help(help));
        }
    }
}
