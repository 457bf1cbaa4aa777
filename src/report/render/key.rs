//! Which legend stands where, and the key of a page.

use super::RenderError;
use super::grid::Placed;
use super::legend::{self, Block, Entry};
use super::style::{GREY, SHADE};
use crate::report::figure::{Figure, LayerKind, Panel};

/// Panels with the same series share one legend. It goes into the first frame that has room for it, else
/// under its panel, or, if several share it, under all of them: those are returned.
pub fn set_legends(
    placed: &mut [Placed],
    cell_of: &dyn Fn(usize) -> (f64, f64),
) -> Result<Vec<Vec<Entry>>, RenderError> {
    let mut shared = Vec::new();
    let mut done = vec![false; placed.len()];
    for i in 0..placed.len() {
        let entries = placed[i].entries.clone();
        if done[i] || entries.is_empty() {
            continue;
        }
        let group: Vec<usize> = (i..placed.len()).filter(|&j| placed[j].entries == entries).collect();
        for &j in &group {
            done[j] = true;
        }
        let mut inside = None;
        for &j in &group {
            if let Some((block, rect)) = legend::place(&entries, &placed[j].geometry.frame, &placed[j].items)?
            {
                inside = Some((j, block, rect));
                break;
            }
        }
        match inside {
            Some((j, block, rect)) => {
                placed[j].items.extend(block.draw((rect.left, rect.top)));
                placed[j].geometry.legend = Some(rect);
            }
            None if group.len() > 1 => shared.push(entries),
            None => {
                let (left, width) = cell_of(i);
                let block = Block::within(&entries, width)?;
                if block.width > width {
                    shared.push(entries);
                    continue;
                }
                let frame = placed[i].geometry.frame;
                let centred = 0.5 * (frame.left + frame.right - block.width);
                let x = centred.min(left + width - block.width).max(left);
                let y = placed[i].bottom + 4.0;
                placed[i].items.extend(block.draw((x, y)));
                placed[i].bottom = y + block.height;
            }
        }
    }
    Ok(shared)
}

/// What lines, markers, bands and shading stand for, in one row under all panels.
pub fn key(figure: &Figure, shaded: bool) -> Vec<Entry> {
    let (mut theory, mut points, mut errors, mut runs) = (false, false, false, false);
    let mut bands: Vec<&str> = Vec::new();
    let curves = figure.panels.iter().filter_map(|panel| match panel {
        Panel::Curves(curves) => Some(curves),
        Panel::Heatmap(_) => None,
    });
    for (panel, layer) in curves.flat_map(|panel| panel.layers.iter().map(move |layer| (panel, layer))) {
        match &layer.kind {
            LayerKind::Theory { .. } => theory = true,
            LayerKind::Points { std_error, spread: band, .. } => {
                points = true;
                errors |= std_error.iter().any(|error| *error > 0.0);
                let means = match panel.band.as_str() {
                    "" => "± standard deviation over replicas",
                    means => means,
                };
                if band.is_some() && !bands.contains(&means) {
                    bands.push(means);
                }
            }
            LayerKind::Band { .. } => {
                let means = "predicted range of single runs: 5 to 95 %, 25 to 75 %";
                if !bands.contains(&means) {
                    bands.push(means);
                }
            }
            LayerKind::Runs(_) => runs = true,
            LayerKind::Overlay(_) => {}
        }
    }
    let mut entries = Vec::new();
    if theory {
        entries.push(Entry { label: "theory".into(), line: Some((GREY, &[])), ..Entry::default() });
    }
    if points {
        let label = if errors { "simulation, mean ± standard error" } else { "simulation" };
        entries.push(Entry { label: label.into(), marker: Some((GREY, 0, errors)), ..Entry::default() });
    }
    if runs {
        let label = "single runs".into();
        entries.push(Entry { label, reference: Some(&[]), ..Entry::default() });
    }
    for means in bands {
        let label = means.into();
        entries.push(Entry { label, patch: Some((GREY, 0.25)), ..Entry::default() });
    }
    if shaded {
        let label = "outside the claim".into();
        entries.push(Entry { label, patch: Some((SHADE, 1.0)), ..Entry::default() });
    }
    entries
}
