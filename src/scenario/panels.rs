//! Panels: what is drawn, against what the cases can report.

use super::check::{Checker, join};
use super::claims::is_compared;
use super::expression::Expression;
use super::message::{Issue, suggestion};
use super::panel_keys::PANEL_KINDS;
use super::raw::{Node, Raw, Table};
use super::resolved::{Case, CurvesPanel, HeatmapPanel, MapPanel, Panel};
use super::scope::Scope;
use super::series::Swept;
use crate::problem::spec::Settings;
use crate::problem::{ObservableInfo, ProblemKind};

/// What panels and claims refer to.
pub(super) struct Stage<'a> {
    pub kind: &'static ProblemKind,
    pub cases: &'a [Case],
    pub series: &'a [String],
    pub sweep: Option<&'a Swept>,
    /// Observables of all cases, each with its largest shape.
    pub observables: Vec<ObservableInfo>,
    /// Names that expressions of panels may use.
    pub(super) names: Vec<String>,
    pub issues: Vec<Issue>,
}

impl<'a> Stage<'a> {
    pub fn new(
        kind: &'static ProblemKind,
        cases: &'a [Case],
        series: &'a [String],
        sweep: Option<&'a Swept>,
    ) -> Self {
        let mut observables: Vec<ObservableInfo> = Vec::new();
        let mut names: Vec<String> =
            if sweep.is_none() { vec!["time".into(), "size".into()] } else { Vec::new() };
        let mut seen: Vec<Vec<ObservableInfo>> = Vec::new();
        for case in cases {
            for (name, _) in &case.values {
                if !names.contains(name) {
                    names.push(name.clone());
                }
            }
            let own = case.problem.observables();
            if seen.contains(&own) {
                continue;
            }
            for info in &own {
                match observables.iter_mut().find(|known| known.name == info.name) {
                    Some(known) => {
                        known.shape.iter_mut().zip(&info.shape).for_each(|(a, b)| *a = (*a).max(*b))
                    }
                    None => observables.push(info.clone()),
                }
            }
            seen.push(own);
        }
        Self { kind, cases, series, sweep, observables, names, issues: Vec::new() }
    }

    /// Names of observables as entries; unknown ones are reported at their place. Without a case that is in
    /// order nothing is known of them.
    pub fn expand(&mut self, names: &[String], node: Option<&Node>, path: &str) -> Vec<String> {
        let mut entries: Vec<String> = Vec::new();
        if self.cases.is_empty() {
            return entries;
        }
        for (i, name) in names.iter().enumerate() {
            let compact: String = name.chars().filter(|c| !c.is_whitespace()).collect();
            let family = compact.split('[').next().unwrap_or_default();
            let info = self.observables.iter().find(|info| info.name == family);
            let found = match info {
                Some(info) if compact == family => info.distinct_entries(),
                Some(info) => info.entries().into_iter().filter(|entry| *entry == compact).collect(),
                None => Vec::new(),
            };
            if found.is_empty() {
                let at = node.and_then(|node| node.items().get(i)).or(node).map(|node| &node.at);
                let help = match info {
                    Some(info) => {
                        let all = info.entries();
                        match (all.first(), all.last()) {
                            (Some(first), Some(last)) if all.len() > 1 => {
                                format!("{family} has {first} to {last}")
                            }
                            _ => format!("{family} is a single number"),
                        }
                    }
                    None => suggestion(family, "observables", self.observables.iter().map(|info| info.name)),
                };
                let rule = format!("is no observable of the {} problem", self.kind.kind);
                if let Some(at) = at {
                    self.issues.push(Issue::value(at, path, rule).help(help));
                }
            }
            entries.extend(found.into_iter().filter(|entry| !entries.contains(entry)).collect::<Vec<_>>());
        }
        entries
    }

    pub(super) fn positions(&mut self, settings: &Settings, table: &Table, path: &str) -> Option<Vec<usize>> {
        let Some(labels) = settings.texts("series") else { return Some((0..self.series.len()).collect()) };
        let node = table.get("series")?;
        let mut positions = Vec::new();
        for (label, item) in labels.iter().zip(node.items()) {
            let by_position = || label.parse().ok().filter(|&i: &usize| i < self.series.len());
            match self.series.iter().position(|known| known == label).or_else(by_position) {
                Some(i) => positions.push(i),
                None => {
                    let known: Vec<String> =
                        self.series.iter().enumerate().map(|(i, label)| format!("{i}: {label:?}")).collect();
                    self.issues.push(
                        Issue::value(&item.at, join(path, "series"), "is no series of this scenario")
                            .help(format!("series by position and label: {}", known.join(", "))),
                    );
                    return None;
                }
            }
        }
        if positions.is_empty() {
            let issue = Issue::value(&node.at, join(path, "series"), "names no series");
            self.issues.push(issue.help("leave the key out for all series"));
            return None;
        }
        Some(positions)
    }

    pub(super) fn formula(
        &mut self,
        settings: &Settings,
        table: &Table,
        path: &str,
        key: &str,
    ) -> Option<String> {
        let text = settings.text(key)?.to_string();
        let node = table.get(key)?;
        for (name, _) in Expression::parse(&text).ok()?.variables() {
            if self.cases.is_empty() || self.names.iter().any(|known| known == name) {
                continue;
            }
            let (rule, help) = match (name, self.sweep) {
                ("time", Some(swept)) => (
                    "a point of a sweep stands for one time".to_string(),
                    format!("x is a formula over {} and keys of the problem", swept.sweep.name()),
                ),
                _ => (
                    format!("unknown name {name}"),
                    suggestion(name, "names", self.names.iter().map(String::as_str)),
                ),
            };
            self.issues.push(Issue::value(&node.at, join(path, key), rule).help(help));
            return None;
        }
        Some(text)
    }

    pub fn panels(&mut self, root: &Table) -> Vec<Panel> {
        let Some(node) = root.get("panel") else {
            let help = "add [[panel]] with y = \"...\", one for each panel of the figure";
            self.issues.push(Issue::general("panel", "the scenario draws nothing").help(help));
            return Vec::new();
        };
        if node.items().is_empty() {
            self.issues
                .push(Issue::value(&node.at, "panel", "is empty").help("add [[panel]] with y = \"...\""));
        }
        let numbered = matches!(node.raw, Raw::List(_));
        let mut panels = Vec::new();
        for (i, item) in node.items().iter().enumerate() {
            let path = if numbered { format!("panel[{i}]") } else { "panel".into() };
            let mut checker = Checker::new(Scope::EMPTY);
            let read = checker.tagged(item, &path, PANEL_KINDS, Some("curves"));
            self.issues.append(&mut checker.issues);
            let (Some((kind, settings)), Some(table)) = (read, item.as_table()) else { continue };
            let first = panels.is_empty();
            let panel = match kind {
                "heatmap" => self.heatmap(&settings, table, item, &path).map(Panel::Heatmap),
                "crossings" => self.crossings(&settings, table, item, &path).map(Panel::Crossings),
                "finite-size" => self.finite_size(&settings, table, item, &path).map(Panel::FiniteSize),
                "map" => self.map(&settings, table, item, &path).map(Panel::Map),
                "extrapolation" => self.approach(&settings, table, &path).map(Panel::Extrapolation),
                "sizes" => self.approach(&settings, table, &path).map(Panel::Sizes),
                _ => self.curves(&settings, table, item, &path, first).map(Panel::Curves),
            };
            panels.extend(panel);
        }
        panels
    }

    fn curves(
        &mut self,
        settings: &Settings,
        table: &Table,
        node: &Node,
        path: &str,
        first: bool,
    ) -> Option<CurvesPanel> {
        let before = self.issues.len();
        let y = self.expand(settings.texts("y")?, table.get("y"), &join(path, "y"));
        if settings.texts("y")?.is_empty() {
            let at = table.get("y").map_or(&node.at, |y| &y.at);
            self.issues.push(Issue::value(at, join(path, "y"), "names no observable"));
        }
        let default_x = self.sweep.map_or("time", |swept| swept.sweep.name()).to_string();
        let x = self.formula(settings, table, path, "x");
        let against = self.against(settings, table, path);
        let y_divided_by = self.formula(settings, table, path, "divide_y_by").unwrap_or_default();
        let series = self.positions(settings, table, path);
        let (log_x, log_y) = match settings.text("scale")? {
            "log-log" => (true, true),
            "log-linear" => (true, false),
            "linear-log" => (false, true),
            _ => (false, false),
        };
        for (key, log) in [("x_range", log_x), ("y_range", log_y)] {
            if let (Some([(low, _)]), true) = (settings.intervals(key), log)
                && *low <= 0.0
                && let Some(node) = table.get(key)
            {
                self.issues.push(Issue::value(
                    &node.at,
                    join(path, key),
                    "a logarithmic axis begins above 0",
                ));
            }
        }
        let overlays = settings.texts("overlays").unwrap_or_default().to_vec();
        for (overlay, item) in overlays.iter().zip(table.get("overlays").map_or(&[][..], Node::items)) {
            let known = || self.kind.overlays.iter().map(|(name, _)| *name);
            if !known().any(|name| name == overlay) {
                let rule = format!("is no asymptotic formula of the {} problem", self.kind.kind);
                let help = suggestion(overlay, "overlays", known());
                self.issues.push(Issue::value(&item.at, join(path, "overlays"), rule).help(help));
            }
        }
        let compared = self.cases.iter().any(is_compared);
        let text = |key: &str| settings.text(key).map(str::to_string);
        let x_label = text("x_label").unwrap_or_else(|| match (&x, self.sweep) {
            _ if against.is_some() => self.label(against.as_slice()),
            (Some(formula), _) if *formula != default_x => formula.clone(),
            (_, Some(swept)) => swept.sweep.label.clone(),
            _ => format!("time ({})", self.kind.time_unit),
        });
        let y_label = text("y_label").unwrap_or_else(|| {
            let label = self.label(&y);
            if y_divided_by.is_empty() { label } else { format!("{label} / ({y_divided_by})") }
        });
        let panel = CurvesPanel {
            title: text("title")?,
            residuals: settings.flag("residuals").unwrap_or(first && y.len() == 1 && compared),
            y,
            x: x.unwrap_or(default_x),
            against,
            y_divided_by,
            x_label,
            y_label,
            log_x,
            log_y,
            x_range: settings.intervals("x_range").and_then(|list| list.first().copied()),
            y_range: settings.intervals("y_range").and_then(|list| list.first().copied()),
            series: series?,
            overlays,
            spread: settings.flag("spread")?,
            sizes: settings.counts("sizes"),
            runs: settings.count("runs")?,
        };
        (self.issues.len() == before).then_some(panel)
    }

    /// The observable that a panel puts on its x axis.
    fn against(&mut self, settings: &Settings, table: &Table, path: &str) -> Option<String> {
        let node = table.get("against")?;
        let names = [settings.text("against")?.to_string()];
        let mut entries = self.expand(&names, Some(node), &join(path, "against"));
        if entries.len() > 1 {
            let help = format!("choose one, as {:?}", entries[0]);
            let issue = Issue::value(&node.at, join(path, "against"), "stands for several observables");
            self.issues.push(issue.help(help));
        }
        if table.get("x").is_some() {
            let rule = "the x axis shows a formula or an observable, not both";
            self.issues.push(Issue::key(&node.at, join(path, "against"), rule).help("remove x or against"));
        }
        entries.pop()
    }

    /// Labels of the observables drawn: the entry for one, the families for several.
    fn label(&self, entries: &[String]) -> String {
        let mut labels: Vec<String> = Vec::new();
        for entry in entries {
            let (family, index) = entry.split_once('[').unwrap_or((entry, ""));
            let label =
                self.observables.iter().find(|info| info.name == family).map_or(family, |info| info.label);
            let label = match index.trim_end_matches(']') {
                index if entries.len() == 1 && !index.is_empty() => format!("{label}_{{{index}}}"),
                _ => label.to_string(),
            };
            if !labels.contains(&label) {
                labels.push(label);
            }
        }
        labels.join(", ")
    }

    fn heatmap(
        &mut self,
        settings: &Settings,
        table: &Table,
        node: &Node,
        path: &str,
    ) -> Option<HeatmapPanel> {
        let before = self.issues.len();
        let matrix = settings.text("matrix")?.trim().to_string();
        let at = table.get("matrix").map_or(&node.at, |node| &node.at);
        let matrices = || self.observables.iter().filter(|info| !info.shape.is_empty()).map(|info| info.name);
        if !self.cases.is_empty() && !matrices().any(|name| name == matrix) {
            let rule = match self.observables.iter().find(|info| info.name == matrix) {
                Some(_) => "is one number, a heat map needs a matrix or a vector",
                None => "is no matrix or vector observable",
            };
            let help = format!(
                "matrices and vectors of the {} problem: {}",
                self.kind.kind,
                matrices().collect::<Vec<_>>().join(", ")
            );
            self.issues.push(Issue::value(at, join(path, "matrix"), rule).help(help));
        }
        let over_time = settings.flag("over_time")?;
        let is_vector = |info: &ObservableInfo| info.name == matrix && info.shape.len() == 1;
        if over_time && !self.cases.is_empty() && !self.observables.iter().any(is_vector) {
            let rule = "is no vector, and over_time shows entries against snapshots";
            let issue = Issue::value(at, join(path, "matrix"), rule);
            self.issues.push(issue.help("remove over_time, or name a vector observable"));
        }
        if self.sweep.is_some() {
            let help = "use [series] in place of [sweep], or a panel of curves";
            let issue =
                Issue::key(&node.at, path, "a heat map shows one trajectory, and this scenario sweeps");
            self.issues.push(issue.help(help));
        }
        let series = match table.get("series") {
            None if self.series.len() > 1 => {
                let known: Vec<String> = self.series.iter().map(|label| format!("{label:?}")).collect();
                let issue =
                    Issue::key(&node.at, join(path, "series"), "missing key, a heat map shows one series");
                self.issues.push(issue.help(format!("add series = one of {}", known.join(", "))));
                None
            }
            None => Some(0),
            Some(item) => match self.positions(settings, table, path)?[..] {
                [one] => Some(one),
                _ => {
                    let rule = "a heat map shows one series";
                    self.issues.push(Issue::value(&item.at, join(path, "series"), rule));
                    None
                }
            },
        };
        let panel = HeatmapPanel {
            title: settings.text("title")?.to_string(),
            matrix,
            time: settings.number("time"),
            over_time,
            difference: settings.flag("difference")?,
            series: series?,
        };
        (self.issues.len() == before).then_some(panel)
    }

    fn map(&mut self, settings: &Settings, table: &Table, node: &Node, path: &str) -> Option<MapPanel> {
        let before = self.issues.len();
        let names = [settings.text("y")?.to_string()];
        let mut entries = self.expand(&names, table.get("y"), &join(path, "y"));
        let at = table.get("y").map_or(&node.at, |y| &y.at);
        if entries.len() > 1 {
            let issue = Issue::value(at, join(path, "y"), "stands for several observables");
            self.issues.push(issue.help(format!("choose one, as {:?}", entries[0])));
        }
        if self.sweep.is_none() {
            let issue = Issue::key(&node.at, path, "a map needs swept values for its columns");
            self.issues.push(issue.help("add [sweep] with a key and its values, and [series] for the rows"));
        }
        let series = self.positions(settings, table, path)?;
        let panel = MapPanel { title: settings.text("title")?.to_string(), y: entries.pop()?, series };
        (self.issues.len() == before).then_some(panel)
    }
}
