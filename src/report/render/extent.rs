//! The values that the axes of a panel of curves must show.

use crate::report::figure::{Curves, Layer, LayerKind, Overlay, Scale};

pub(super) fn has_values(layer: &Layer) -> bool {
    match &layer.kind {
        LayerKind::Theory { x, .. }
        | LayerKind::Points { x, .. }
        | LayerKind::Band { x, .. }
        | LayerKind::Overlay(Overlay::Curve { x, .. }) => !x.is_empty(),
        LayerKind::Runs(runs) => !runs.is_empty(),
        LayerKind::Overlay(Overlay::Horizontal(_) | Overlay::Vertical(_)) => false,
    }
}

/// Values that the level axis must show: those whose ordinate can be drawn.
pub(super) fn abscissae(panel: &Curves) -> Vec<f64> {
    let shown = |x: &[f64], y: &[f64]| -> Vec<f64> {
        let visible = |y: f64| y.is_finite() && (panel.y.scale == Scale::Linear || y > 0.0);
        x.iter().zip(y).filter(|&(_, &y)| visible(y)).map(|(&x, _)| x).collect()
    };
    let mut values = Vec::new();
    for layer in &panel.layers {
        match &layer.kind {
            LayerKind::Theory { x, y, .. }
            | LayerKind::Points { x, y, .. }
            | LayerKind::Band { x, high: y, .. }
            | LayerKind::Overlay(Overlay::Curve { x, y }) => values.extend(shown(x, y)),
            LayerKind::Runs(runs) => runs.iter().for_each(|(x, y)| values.extend(shown(x, y))),
            LayerKind::Overlay(Overlay::Vertical(x)) => values.push(*x),
            LayerKind::Overlay(Overlay::Horizontal(_)) => {}
        }
    }
    values
}

/// Values that the upright axis must show. Error bars count where they do not stretch a logarithmic axis;
/// a reference curve may leave the frame.
pub(super) fn ordinates(panel: &Curves) -> Vec<f64> {
    let in_range = |x: f64| match panel.x.range {
        Some((lo, hi)) => (lo..=hi).contains(&x),
        None => x.is_finite() && (panel.x.scale == Scale::Linear || x > 0.0),
    };
    let mut values = Vec::new();
    for layer in &panel.layers {
        match &layer.kind {
            LayerKind::Theory { x, y, .. } => {
                values.extend(x.iter().zip(y).filter(|&(&x, _)| in_range(x)).map(|(_, &y)| y));
            }
            LayerKind::Points { x, y, std_error, spread } => {
                for (i, &mean) in y.iter().enumerate().filter(|&(i, _)| in_range(x[i])) {
                    let error = std_error.get(i).copied().unwrap_or(0.0);
                    let spread = spread.as_ref().map_or(0.0, |s| s[i]);
                    let reach = if error.is_finite() { error } else { 0.0 };
                    let reach = if spread.is_finite() { reach.max(spread) } else { reach };
                    values.extend([mean, mean + reach]);
                    if panel.y.scale == Scale::Linear || mean - reach > 0.5 * mean {
                        values.push(mean - reach);
                    }
                }
            }
            LayerKind::Band { x, low, high } => {
                let within = |list: &[f64]| -> Vec<f64> {
                    x.iter().zip(list).filter(|&(&x, _)| in_range(x)).map(|(_, &y)| y).collect()
                };
                values.extend(within(high));
                let positive = |y: &f64| panel.y.scale == Scale::Linear || *y > 0.0;
                values.extend(within(low).into_iter().filter(positive));
            }
            LayerKind::Runs(runs) => {
                for (x, y) in runs {
                    values.extend(x.iter().zip(y).filter(|&(&x, _)| in_range(x)).map(|(_, &y)| y));
                }
            }
            LayerKind::Overlay(Overlay::Horizontal(y)) => values.push(*y),
            LayerKind::Overlay(Overlay::Vertical(_) | Overlay::Curve { .. }) => {}
        }
    }
    if values.is_empty() {
        for layer in &panel.layers {
            if let LayerKind::Overlay(Overlay::Curve { y, .. }) = &layer.kind {
                values.extend(y);
            }
        }
    }
    values
}
