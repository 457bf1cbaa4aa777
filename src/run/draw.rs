//! From a scenario and its data table to the words, lines and points of its figure.
//!
//! Works on the rows of `data.csv`, so that a figure can be drawn again without computing.

use super::abscissa::Abscissa;
use super::formulas;
use super::heatmap::heatmap;
use super::{approach, at_size, crossings, map};
use crate::compare::Answer;
use crate::report::data::{Row, Source};
use crate::report::figure::{
    Axis, Curves, Figure, Layer, Overlay, Panel as Drawn, ResidualSeries, Residuals, Scale,
};
use crate::scenario::{Case, CurvesPanel, Panel, Scenario};
use crate::theory::{self, SizeRow};
use std::collections::{BTreeMap, HashMap};

/// The figure of a scenario. `answers` go under it, one line each.
pub fn figure(scenario: &Scenario, rows: &[Row], answers: &[Answer]) -> Figure {
    let panels = scenario
        .panels
        .iter()
        .map(|panel| match panel {
            Panel::Curves(panel) => Drawn::Curves(curves(scenario, rows, panel)),
            Panel::FiniteSize(panel) => Drawn::Curves(at_size::panel(scenario, rows, panel)),
            Panel::Heatmap(panel) => Drawn::Heatmap(heatmap(scenario, rows, panel)),
            Panel::Extrapolation(panel) => Drawn::Curves(approach::extrapolation(scenario, panel, answers)),
            Panel::Sizes(panel) => Drawn::Curves(approach::sizes(scenario, panel, answers)),
            Panel::Crossings(panel) => Drawn::Curves(match &panel.powers {
                Some(order) => crossings::powers(scenario, rows, panel, order),
                None => crossings::crossings(scenario, rows, panel),
            }),
            Panel::Map(panel) => Drawn::Heatmap(map::map(scenario, rows, panel)),
        })
        .collect();
    let mut lines = vec![caption(scenario, rows)];
    lines.extend(answers.iter().map(Answer::sentence));
    Figure {
        title: scenario.title.clone(),
        source: scenario.source.clone(),
        panels,
        footnote: Some(lines.join("\n")),
        columns: None,
    }
}

/// What was run, and the scenario's own remarks.
fn caption(scenario: &Scenario, rows: &[Row]) -> String {
    let mut text = String::new();
    for (source, name) in [
        (Source::Direct, "Direct simulation"),
        (Source::Chain, "Overlap chain"),
        (Source::MatrixFree, "Matrix-free simulation"),
    ] {
        // Fewest and most replicas at each size.
        let mut sizes: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
        for row in rows.iter().filter(|row| row.source == source) {
            if let (Some(size), Some(replicas)) = (row.size, row.replicas) {
                let (fewest, most) = sizes.entry(size).or_insert((replicas, replicas));
                (*fewest, *most) = ((*fewest).min(replicas), (*most).max(replicas));
            }
        }
        if sizes.is_empty() {
            continue;
        }
        let mut replicas: Vec<String> =
            sizes.values().map(|(a, b)| if a < b { format!("{a} to {b}") } else { b.to_string() }).collect();
        if replicas.iter().all(|count| *count == replicas[0]) {
            replicas.truncate(1);
        }
        let with = if replicas.len() > 1 { " with" } else { "," };
        let list: Vec<String> = sizes.keys().map(usize::to_string).collect();
        let space = if text.is_empty() { "" } else { " " };
        let symbol = scenario.cases[0].problem.size_symbol();
        let (list, replicas) = (list.join(", "), replicas.join(", "));
        text += &format!("{space}{name} at {symbol} = {list}{with} {replicas} replicas.");
    }
    if !scenario.notes.is_empty() {
        text += &format!(" {}", scenario.notes);
    }
    if !scenario.faults.is_empty() {
        text += &format!(" FAULT PLANTED IN THE LAW: {}.", scenario.faults.join(", "));
    }
    text
}

/// One line of the panel: an observable of a series at a size.
struct Strand<'a> {
    series: usize,
    observable: &'a str,
    size: Option<usize>,
    label: String,
}

/// Rows by series and observable: a panel of thousands of curves must not read all rows for each of them.
struct Groups<'a>(HashMap<&'a str, HashMap<&'a str, Vec<&'a Row>>>);

impl<'a> Groups<'a> {
    fn new(rows: &'a [Row]) -> Self {
        let mut groups: HashMap<_, HashMap<_, Vec<&Row>>> = HashMap::new();
        for row in rows {
            let series = groups.entry(row.series.as_str()).or_default();
            series.entry(row.observable.as_str()).or_default().push(row);
        }
        Self(groups)
    }

    fn of(&self, series: &str, observable: &str) -> &[&'a Row] {
        self.0.get(series).and_then(|series| series.get(observable)).map_or(&[], Vec::as_slice)
    }
}

fn curves(scenario: &Scenario, rows: &[Row], panel: &CurvesPanel) -> Curves {
    let groups = Groups::new(rows);
    let abscissa = Abscissa::new(scenario, &panel.x, &panel.y_divided_by);
    let mut drawn = Curves {
        title: panel.title.clone(),
        x: axis(&panel.x_label, panel.log_x, panel.x_range),
        y: axis(&panel.y_label, panel.log_y, panel.y_range),
        ..Curves::default()
    };
    if abscissa.is_plain() && panel.against.is_none() {
        let claims = scenario.claims.iter();
        let shown: Vec<_> =
            claims.filter(|claim| claim.observables.iter().any(|o| panel.y.contains(o))).collect();
        // A claim without ranges covers everything.
        if shown.iter().all(|claim| !claim.within.is_empty()) {
            drawn.windows = shown.iter().flat_map(|claim| claim.within.iter().copied()).collect();
        }
    }
    let mut residuals = Residuals::default();
    for (index, strand) in strands(scenario, &groups, panel).into_iter().enumerate() {
        let series = &scenario.series[strand.series];
        let of = |wanted: fn(Source) -> bool| -> Vec<&Row> {
            let group = groups.of(series, strand.observable).iter().copied();
            group.filter(|r| wanted(r.source) && r.size == strand.size).collect()
        };
        let law = of(|source| source == Source::Law);
        let simulation = of(Source::is_simulation);
        let residual = of(|source| source == Source::Residual);
        let x = |r: &Row| match &panel.against {
            None => abscissa.x(strand.series, r.size, r.x),
            Some(observable) => partner(rows, r, observable).unwrap_or(f64::NAN),
        };
        let xs = |rows: &[&Row]| rows.iter().map(|r| x(r)).collect::<Vec<_>>();
        let ys = |rows: &[&Row], value: fn(&Row) -> f64| {
            rows.iter().map(|r| value(r) / abscissa.unit(strand.series, r.size, r.x)).collect::<Vec<_>>()
        };
        let predicted = of(|source| source == Source::AtSize);
        if !predicted.is_empty() {
            let range = |suffix: &str| {
                let group = groups.of(series, &format!("{}{suffix}", strand.observable)).iter().copied();
                let own = group.filter(|r| r.source == Source::AtSize && r.size == strand.size);
                ys(&own.collect::<Vec<_>>(), |r| r.mean)
            };
            let [outer_low, inner_low, _, inner_high, outer_high] = SizeRow::QUANTILES.map(range);
            let x = xs(&predicted);
            if panel.spread || panel.runs > 0 {
                drawn.layers.push(Layer::band(index, x.clone(), outer_low, outer_high));
                drawn.layers.push(Layer::band(index, x.clone(), inner_low, inner_high));
            }
            drawn.layers.push(Layer::theory(&strand.label, index, x, ys(&predicted, |r| r.mean)));
            let limit = Overlay::Curve { x: xs(&law), y: ys(&law, |r| r.mean) };
            let symbol = scenario.cases[0].problem.size_symbol();
            drawn.layers.push(Layer::overlay(format!("{symbol} → ∞"), 0, limit));
        } else if !law.is_empty() {
            let mut layer = Layer::theory(&strand.label, index, xs(&law), ys(&law, |r| r.mean));
            if let Some(time) = diverged(scenario, strand.series, &law) {
                layer = layer.diverged_at(time);
            }
            drawn.layers.push(layer);
        }
        let runs = of(|source| source == Source::Run);
        if panel.runs > 0 && !runs.is_empty() {
            // One run after the other; a new one begins where x starts again.
            let single = runs.chunk_by(|a, b| a.x < b.x).take(panel.runs);
            let lines = single.map(|run| (xs(run), ys(run, |r| r.mean))).collect();
            drawn.layers.push(Layer::runs(index, lines));
        } else if !simulation.is_empty() {
            let error = |r: &Row| r.std_error.unwrap_or(0.0);
            let points = ys(&simulation, |r| r.mean);
            let mut layer =
                Layer::points(&strand.label, index, xs(&simulation), points, ys(&simulation, error));
            if panel.spread && predicted.is_empty() {
                layer = layer.with_spread(ys(&simulation, |r| r.std.unwrap_or(0.0)));
            }
            drawn.layers.push(layer);
        }
        if panel.residuals && !residual.is_empty() {
            // Where the law at the size is known, its shift is no residual.
            let shift = |r: &Row| {
                let at = |rows: &[&Row]| rows.iter().find(|other| other.x == r.x).map(|other| other.mean);
                at(&predicted).zip(at(&law)).map_or(0.0, |(mean, limit)| mean - limit)
            };
            let z = |r: &Row| r.std_error.filter(|&e| e > 0.0).map(|e| (r.mean - shift(r)) / e);
            let points: Vec<(f64, f64)> = residual.iter().filter_map(|r| Some((x(r), z(r)?))).collect();
            let (x, z) = points.into_iter().unzip();
            residuals.series.push(ResidualSeries { color: index, style: index, x, z });
        }
    }
    if residuals.series.iter().any(|s| !s.x.is_empty()) {
        drawn.residuals = Some(residuals);
    }
    for name in &panel.overlays {
        overlays(scenario, panel, name, &abscissa, &mut drawn);
    }
    drawn
}

/// The value of another observable at the same point of the same curve.
fn partner(rows: &[Row], row: &Row, observable: &str) -> Option<f64> {
    let of_residual = |r: &Row| row.source == Source::Residual && r.source.is_simulation();
    rows.iter()
        .find(|r| {
            r.observable == observable
                && (r.x, r.size) == (row.x, row.size)
                && (r.source == row.source || of_residual(r))
                && r.series == row.series
        })
        .map(|r| r.mean)
}

pub(super) fn axis(label: &str, log: bool, range: Option<(f64, f64)>) -> Axis {
    Axis { label: label.to_string(), scale: if log { Scale::Log } else { Scale::Linear }, range }
}

/// What the panel shows, in the order of series, observable, size, with the shortest labels that tell apart.
fn strands<'a>(scenario: &Scenario, groups: &Groups, panel: &'a CurvesPanel) -> Vec<Strand<'a>> {
    let mut strands = Vec::new();
    for &series in &panel.series {
        for observable in &panel.y {
            let group = groups.of(&scenario.series[series], observable);
            let mut sizes: Vec<Option<usize>> = group.iter().map(|r| r.size).collect();
            sizes.sort_unstable();
            sizes.dedup();
            if let Some(shown) = &panel.sizes {
                sizes.retain(|size| size.is_some_and(|size| shown.contains(&size)));
            }
            let several_sizes = sizes.len() > 1;
            for size in sizes {
                let mut parts = Vec::new();
                if panel.series.len() > 1 {
                    parts.push(scenario.series[series].clone());
                }
                if panel.y.len() > 1 {
                    parts.push(entry_label(scenario, observable));
                }
                if let Some(size) = size.filter(|_| several_sizes) {
                    parts.push(format!("{} = {size}", scenario.cases[0].problem.size_symbol()));
                }
                strands.push(Strand { series, observable, size, label: parts.join(", ") });
            }
        }
    }
    strands
}

/// `R[1,2]` as R with subscript 12; a family whose label is a formula is written as that, and one whose entries
/// stand for times t' with the time in its place.
pub(super) fn entry_label(scenario: &Scenario, key: &str) -> String {
    match key.split_once('[') {
        Some((name, indices)) => {
            let indices = indices.trim_end_matches(']');
            let problem = &scenario.cases[0].problem;
            if let (Some(values), Ok(i)) = (problem.entry_values(name), indices.parse::<usize>())
                && let Some(info) = problem.observables().into_iter().find(|o| o.name == name)
                && let Some(value) = values.get(i - 1)
            {
                return info.label.replace("$t$'", &format!("{value}"));
            }
            let short = indices.split(',').all(|i| i.len() == 1);
            let indices = if short { indices.replace(',', "") } else { indices.to_string() };
            let infos = scenario.cases[0].problem.observables();
            let formula = infos.iter().find(|o| o.name == name && o.label.starts_with('$')).map(|o| o.label);
            formula.map_or(format!("${name}$"), str::to_string) + &format!("_{{{indices}}}")
        }
        None => key.replace('_', " "),
    }
}

/// The time after which the law stops, if it stops before the last requested one.
fn diverged(scenario: &Scenario, series: usize, law: &[&Row]) -> Option<f64> {
    let case = scenario.cases.iter().find(|c| c.series == series && c.sweep.is_none())?;
    let end = *case.observe.times.last()?;
    let last = law.last()?.x;
    // Recorded times are rounded to whole updates.
    let previous = case.observe.times.iter().rev().nth(1).copied().unwrap_or(0.0);
    (last < 0.5 * (previous + end)).then_some(last)
}

/// An asymptotic formula: horizontal lines over time, a curve over a sweep. Where the formula does not hold
/// for a problem there is no line; if it holds for none, a note says why.
fn overlays(
    scenario: &Scenario,
    panel: &CurvesPanel,
    name: &str,
    abscissa: &Abscissa<'_>,
    drawn: &mut Curves,
) {
    let kind = scenario.cases[0].problem.kind();
    // Formulas of one panel are told apart by their dots.
    let style = panel.overlays.iter().position(|known| known == name).unwrap_or(0);
    let label = kind.overlays.iter().find(|(n, _)| *n == name).map_or(name, |(n, _)| *n).replace('-', " ");
    let value = |case: &Case| formulas::value(case, panel, name).ok().filter(|v| v.is_finite());
    let mut seen: Vec<f64> = Vec::new();
    for &series in &panel.series {
        let cases: Vec<&Case> = scenario.cases.iter().filter(|c| c.series == series).collect();
        if scenario.sweep.is_none() {
            let Some(y) = cases.first().and_then(|case| value(case)) else { continue };
            if !seen.contains(&y) {
                let first = seen.is_empty();
                seen.push(y);
                let text = if first { label.clone() } else { String::new() };
                if theory::overlay_is_time(&scenario.cases[0].problem, name) {
                    drawn.layers.push(Layer::overlay(
                        text,
                        style,
                        Overlay::Vertical(abscissa.x(series, None, y)),
                    ));
                    continue;
                }
                let unit = abscissa.unit(series, None, 0.0);
                drawn.layers.push(Layer::overlay(text, style, Overlay::Horizontal(y / unit)));
            }
            continue;
        }
        let points: Vec<(f64, f64)> = cases
            .iter()
            .filter_map(|case| {
                let (_, x) = case.sweep?;
                Some((abscissa.x(series, None, x), value(case)? / abscissa.unit(series, None, x)))
            })
            .collect();
        if points.is_empty() {
            continue;
        }
        let (x, y) = points.into_iter().unzip();
        let text = if seen.is_empty() { label.clone() } else { String::new() };
        seen.push(0.0);
        drawn.layers.push(Layer::overlay(text, style, Overlay::Curve { x, y }));
    }
    let refused = |case: &Case| formulas::value(case, panel, name).err();
    if seen.is_empty()
        && let Some(error) =
            scenario.cases.iter().filter(|c| panel.series.contains(&c.series)).find_map(refused)
    {
        drawn.notes.push(format!("Not drawn: {label}, {error}."));
    }
}
