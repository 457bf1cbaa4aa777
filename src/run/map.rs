//! Panels that show one observable over a plane: series as rows, swept values as columns, law beside simulation.

use crate::report::data::{Row, Source};
use crate::report::figure::{HeatBlock, Heatmap};
use crate::scenario::{MapPanel, Scenario};

/// Most labels along an axis.
const MOST_LABELS: usize = 9;

/// The map of a panel, the first series at the bottom. A point that a road did not reach, as where it diverged, is
/// left white.
pub(super) fn map(scenario: &Scenario, rows: &[Row], panel: &MapPanel) -> Heatmap {
    let mut columns: Vec<f64> = Vec::new();
    for (_, value) in scenario.cases.iter().filter_map(|case| case.sweep) {
        if !columns.contains(&value) {
            columns.push(value);
        }
    }
    let series: Vec<usize> = panel.series.iter().rev().copied().collect();
    let mut drawn = Heatmap {
        title: panel.title.clone(),
        row_labels: thinned(series.iter().map(|&s| scenario.series[s].clone()).collect()),
        column_labels: thinned(columns.iter().map(|x| format!("{x}")).collect()),
        ..Heatmap::default()
    };
    for (simulated, name) in [(false, "theory"), (true, "simulation")] {
        let of_road = |r: &&Row| {
            r.observable == panel.y && r.source != Source::Residual && r.source.is_simulation() == simulated
        };
        if !rows.iter().any(|r| of_road(&r)) {
            continue;
        }
        // The largest size is the one nearest to the limit.
        let value = |s: usize, x: f64| {
            let here = rows.iter().filter(of_road).filter(|r| r.series == scenario.series[s] && r.x == x);
            here.max_by_key(|r| r.size).map_or(f64::NAN, |r| r.mean)
        };
        let values = series.iter().map(|&s| columns.iter().map(|&x| value(s, x)).collect()).collect();
        drawn.blocks.push(HeatBlock { name: name.into(), values });
    }
    if drawn.blocks.iter().any(|block| block.values.iter().flatten().any(|v| v.is_nan())) {
        drawn.notes.push("white: diverged".into());
    }
    drawn
}

/// Keeps the labels of a few, equally spaced.
fn thinned(labels: Vec<String>) -> Vec<String> {
    let every = labels.len().div_ceil(MOST_LABELS).max(1);
    labels
        .into_iter()
        .enumerate()
        .map(|(i, label)| if i % every == 0 { label } else { String::new() })
        .collect()
}
