//! Panels that show a matrix or vector observable: its entries at one time, or those of a vector over time.

use crate::problem::ObservableInfo;
use crate::report::data::{Row, Source};
use crate::report::figure::{HeatBlock, Heatmap};
use crate::scenario::{Case, HeatmapPanel, Scenario};

/// The heat map of a panel: law beside simulation, or their difference.
pub(super) fn heatmap(scenario: &Scenario, rows: &[Row], panel: &HeatmapPanel) -> Heatmap {
    let series = &scenario.series[panel.series];
    let mut drawn = Heatmap { title: panel.title.clone(), ..Heatmap::default() };
    let Some(case) = scenario.cases.iter().find(|c| c.series == panel.series) else { return drawn };
    let Some(info) = case.problem.observables().into_iter().find(|o| o.name == panel.matrix) else {
        return drawn;
    };
    let (height, width) = match info.shape[..] {
        [n] => (1, n),
        [rows, columns] => (rows, columns),
        _ => return drawn,
    };
    if panel.over_time {
        return over_time(case, rows, panel, series, &info);
    }
    let keys = info.entries();
    let numbers = |count: usize| (1..=count).map(|i| i.to_string()).collect::<Vec<_>>();
    drawn.row_labels = if info.shape.len() > 1 { numbers(height) } else { Vec::new() };
    drawn.column_labels = numbers(width);
    let label = format!("${}$", info.name);
    drawn.title = if panel.title.is_empty() { label } else { format!("{label}, {}", panel.title) };
    for (simulated, name) in [(false, "theory"), (true, "simulation")] {
        let of_road = |r: &Row| r.source.is_simulation() == simulated && r.source != Source::Residual;
        let of_source: Vec<&Row> = rows
            .iter()
            .filter(|r| r.series == *series && of_road(r) && keys.contains(&r.observable))
            .collect();
        let wanted = panel.time.unwrap_or(f64::INFINITY);
        let distance = |x: f64| if wanted.is_finite() { (x - wanted).abs() } else { -x };
        let Some(at) = of_source.iter().map(|r| r.x).min_by(|a, b| distance(*a).total_cmp(&distance(*b)))
        else {
            continue;
        };
        let value = |key: &String| {
            of_source.iter().find(|r| r.observable == *key && r.x == at).map_or(f64::NAN, |r| r.mean)
        };
        let values = (0..height).map(|i| (0..width).map(|j| value(&keys[i * width + j])).collect()).collect();
        drawn.blocks.push(HeatBlock { name: name.into(), values });
    }
    if panel.difference {
        drawn.blocks = difference(&drawn.blocks);
    }
    drawn
}

/// The entries of a vector as rows, the snapshots as columns.
fn over_time(
    case: &Case,
    rows: &[Row],
    panel: &HeatmapPanel,
    series: &str,
    info: &ObservableInfo,
) -> Heatmap {
    let keys = info.entries();
    let mut drawn = Heatmap::default();
    let mut times: Vec<f64> = Vec::new();
    for (simulated, name) in [(false, "theory"), (true, "simulation")] {
        let of_road = |r: &&Row| {
            r.source.is_simulation() == simulated && r.source != Source::Residual && r.series == *series
        };
        let of_entry = |key: &String| -> Vec<&Row> {
            rows.iter().filter(of_road).filter(|r| r.observable == *key).collect()
        };
        let entries: Vec<Vec<&Row>> = keys.iter().map(of_entry).collect();
        let Some(first) = entries.first().filter(|list| !list.is_empty()) else { continue };
        times = first.iter().map(|r| r.x).collect();
        let value = |list: &Vec<&Row>, x: f64| list.iter().find(|r| r.x == x).map_or(f64::NAN, |r| r.mean);
        let values = entries.iter().map(|list| times.iter().map(|&x| value(list, x)).collect()).collect();
        drawn.blocks.push(HeatBlock { name: name.into(), values });
    }
    let numbered: Vec<f64> = (1..=keys.len()).map(|i| i as f64).collect();
    drawn.row_labels = sparse(case.problem.entry_values(info.name).unwrap_or(&numbered));
    drawn.column_labels = sparse(&times);
    if panel.difference {
        drawn.blocks = difference(&drawn.blocks);
    }
    let title = format!("{}, columns: time", info.label);
    drawn.title = if panel.title.is_empty() { title } else { panel.title.clone() };
    drawn
}

/// Labels of at most eight of some numbers, the others empty.
fn sparse(values: &[f64]) -> Vec<String> {
    let stride = values.len().div_ceil(8).max(1);
    let label = |(i, v): (usize, &f64)| if i % stride == 0 { format!("{v}") } else { String::new() };
    values.iter().enumerate().map(label).collect()
}

/// Simulation minus law, where there are both.
fn difference(blocks: &[HeatBlock]) -> Vec<HeatBlock> {
    let [law, simulation] = blocks else { return Vec::new() };
    let row = |(s, l): (&Vec<f64>, &Vec<f64>)| s.iter().zip(l).map(|(s, l)| s - l).collect();
    let values = simulation.values.iter().zip(&law.values).map(row).collect();
    vec![HeatBlock { name: "simulation − theory".into(), values }]
}
