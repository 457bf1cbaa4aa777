//! A panel of curves: ranges, clipping, marks, residual strip.

use super::RenderError;
use super::axis::{self, Kind, Mapping, Marks};
use super::clip;
use super::extent::{abscissae, has_values, ordinates};
use super::font::Face;
use super::legend::Entry;
use super::markup::{self, LEADING, Line};
use super::plot::Plot;
use super::scene::{Item, Rect, Role, Shape};
use super::style::{self, FRAME_WIDTH, GREY, INK, LABEL, LEGEND, MARKER_RADIUS, SHADE, TICK_LABEL};
use super::ticks;
use crate::report::figure::{Curves, LayerKind, Overlay, Scale};

/// Between the panel and its residual strip.
pub const STRIP_GAP: f64 = 4.0;
const TICK_PAD: f64 = 3.2;
const LABEL_PAD: f64 = 4.0;

/// A panel with everything decided that does not depend on its width.
pub struct Measured<'a> {
    panel: &'a Curves,
    x_range: Option<(f64, f64)>,
    y_range: Option<(f64, f64)>,
    y_marks: Marks,
    y_label: Vec<Line>,
    strip: Option<Strip>,
    strip_label: Line,
    /// Room for labels to the left of the frame.
    pub left: f64,
    pub notes: Vec<String>,
}

struct Strip {
    kind: Kind,
    limit: f64,
    marks: Marks,
}

/// Share of half a bent strip up to the guides at +-2: room for their labels and that of zero.
const GUIDE_SHARE: f64 = 0.4;

impl Strip {
    fn new(largest: f64) -> Result<Self, RenderError> {
        // Beyond this, a linear strip would flatten the guides at +-2.
        if largest <= 15.0 {
            let limit = (1.12 * largest).max(3.4);
            return Ok(Self { kind: Kind::Linear, limit, marks: Marks::new(ticks::residual(limit))? });
        }
        let limit = 1.4 * largest;
        let stretch = (1.0 / GUIDE_SHARE - 1.0) / (limit / axis::BEND).ln();
        Ok(Self { kind: Kind::Bent { stretch }, limit, marks: Marks::new(ticks::bent_residual(limit))? })
    }
}

fn same_length(what: &str, left: usize, right: usize) -> Result<(), RenderError> {
    if left == right { Ok(()) } else { Err(RenderError::Lengths { what: what.into(), left, right }) }
}

impl<'a> Measured<'a> {
    /// `height` is that of the main frame, without the strip.
    pub fn new(panel: &'a Curves, height: f64) -> Result<Self, RenderError> {
        for layer in &panel.layers {
            match &layer.kind {
                LayerKind::Theory { x, y, .. } | LayerKind::Overlay(Overlay::Curve { x, y }) => {
                    same_length(&layer.label, x.len(), y.len())?;
                }
                LayerKind::Points { x, y, std_error, spread } => {
                    same_length(&layer.label, x.len(), y.len())?;
                    if !std_error.is_empty() {
                        same_length(&layer.label, x.len(), std_error.len())?;
                    }
                    if let Some(spread) = spread {
                        same_length(&layer.label, x.len(), spread.len())?;
                    }
                }
                LayerKind::Band { x, low, high } => {
                    same_length(&layer.label, x.len(), low.len())?;
                    same_length(&layer.label, x.len(), high.len())?;
                }
                LayerKind::Runs(runs) => {
                    for (x, y) in runs {
                        same_length(&layer.label, x.len(), y.len())?;
                    }
                }
                LayerKind::Overlay(Overlay::Horizontal(_) | Overlay::Vertical(_)) => {}
            }
        }
        let x_range = axis::range(&panel.x, abscissae(panel).into_iter())?;
        let y_range = axis::range(&panel.y, ordinates(panel).into_iter())?;
        let (x_range, y_range) = match (x_range, y_range) {
            (Some(x), Some(y)) if panel.layers.iter().any(has_values) => (Some(x), Some(y)),
            _ => (None, None),
        };
        let y_marks = match y_range {
            Some(range) => Marks::upright(panel.y.scale, range, height)?,
            None => Marks::new(ticks::Ticks::default())?,
        };
        let strip = match (&panel.residuals, x_range) {
            (Some(residuals), Some(_)) => {
                for series in &residuals.series {
                    same_length("residuals", series.x.len(), series.z.len())?;
                }
                let finite = residuals.series.iter().flat_map(|s| &s.z).filter(|z| z.is_finite());
                let largest = finite.fold(0.0f64, |a, z| a.max(z.abs()));
                Some(Strip::new(largest)?)
            }
            _ => None,
        };
        let y_text = axis::label(&panel.y.label, y_marks.ticks.exponent);
        let y_label = markup::wrap(&y_text, LABEL, Face::Regular, height)?;
        let strip_label = markup::line("Δ / s.e.", TICK_LABEL, Face::Regular)?;
        let ticks = strip.as_ref().map_or(0.0, |strip| strip.marks.widest()).max(y_marks.widest());
        let labels = y_label.len() as f64 * LEADING * LABEL;
        let left = ticks + TICK_PAD + LABEL_PAD + labels.max(if strip.is_some() { LABEL } else { 0.0 });
        let mut measured =
            Self { panel, x_range, y_range, y_marks, y_label, strip, strip_label, left, notes: Vec::new() };
        measured.notes = measured.collect_notes();
        Ok(measured)
    }

    /// Ticks of the level axis for a frame of a given width.
    fn x_marks(&self, width: f64) -> Result<Marks, RenderError> {
        match self.x_range {
            Some(range) => Marks::level(self.panel.x.scale, range, width),
            None => Marks::new(ticks::Ticks::default()),
        }
    }

    pub fn has_strip(&self) -> bool {
        self.panel.residuals.is_some()
    }

    /// Height of tick labels and label under a frame of a given width.
    pub fn room_below(&self, width: f64) -> Result<f64, RenderError> {
        let lines = self.x_label(width)?.len() as f64;
        Ok(TICK_PAD + TICK_LABEL + LABEL_PAD + lines * LEADING * LABEL)
    }

    /// The label of the level axis, wrapped to the width of the frame.
    fn x_label(&self, width: f64) -> Result<Vec<Line>, RenderError> {
        let marks = self.x_marks(width)?;
        let text = axis::label(&self.panel.x.label, marks.ticks.exponent);
        Ok(markup::wrap(&text, LABEL, Face::Regular, width)?)
    }

    fn collect_notes(&self) -> Vec<String> {
        let mut notes = self.panel.notes.clone();
        for layer in &self.panel.layers {
            if let LayerKind::Theory { diverged: Some(time), .. } = &layer.kind {
                let name = if layer.label.is_empty() { String::new() } else { format!(" ({})", layer.label) };
                notes.push(format!("× theory{name} diverged at {}", significant(*time)));
            }
        }
        if self.x_range.is_none() {
            return notes;
        }
        let (mut nonpositive, mut undefined) = (0, 0);
        for layer in &self.panel.layers {
            let (x, y, points) = match &layer.kind {
                LayerKind::Theory { x, y, .. } => (x, y, false),
                LayerKind::Points { x, y, .. } => (x, y, true),
                LayerKind::Band { .. } | LayerKind::Runs(_) | LayerKind::Overlay(_) => continue,
            };
            for (&x, &y) in x.iter().zip(y) {
                if !x.is_finite() || !y.is_finite() {
                    undefined += usize::from(points);
                } else if (self.panel.x.scale == Scale::Log && x <= 0.0)
                    || (self.panel.y.scale == Scale::Log && y <= 0.0)
                {
                    nonpositive += 1;
                }
            }
        }
        if self.strip.as_ref().is_some_and(|strip| strip.kind != Kind::Linear) {
            notes.push("Residual strip: linear up to ±2, logarithmic beyond.".into());
        }
        let residuals = self.panel.residuals.iter().flat_map(|r| &r.series).flat_map(|s| &s.z);
        let unscaled = residuals.filter(|z| !z.is_finite()).count();
        for (count, what) in [
            (nonpositive, "not positive (logarithmic axis)"),
            (undefined, "not finite"),
            (unscaled, "without a finite residual"),
        ] {
            if count > 0 {
                let values = if count == 1 { "value" } else { "values" };
                notes.push(format!("Not shown: {count} {values} {what}."));
            }
        }
        notes
    }

    /// Draws the panel into its frame, and its residuals into the strip under it. Also returns the rows that
    /// its legend needs.
    pub fn draw(&self, main: &Rect, strip: Option<&Rect>) -> Result<(Vec<Item>, Vec<Entry>), RenderError> {
        let mut items = Vec::new();
        let lowest = strip.unwrap_or(main);
        self.draw_labels(main, strip, &mut items)?;
        let (Some(x_range), Some(y_range)) = (self.x_range, self.y_range) else {
            let line = markup::line("no data", LABEL, Face::Regular)?;
            let middle = (0.5 * (main.left + main.right - line.width), 0.5 * (main.top + main.bottom));
            items.push(Item::new(Role::Text, GREY, Shape::Text { origin: middle, line, rotated: false }));
            items.push(axis::frame(main));
            if let Some(strip) = strip {
                items.push(axis::frame(strip));
            }
            return Ok((items, Vec::new()));
        };
        let x =
            Mapping { kind: self.panel.x.scale.into(), range: x_range, start: main.left, end: main.right };
        let y =
            Mapping { kind: self.panel.y.scale.into(), range: y_range, start: main.bottom, end: main.top };
        for rect in [Some(main), strip].into_iter().flatten() {
            self.shade(&x, rect, &mut items);
        }

        let plot = Plot { x, y, frame: main, radius: self.radius(main) };
        // Areas, then references, lines, and on top the points.
        for layer in &self.panel.layers {
            plot.band(layer, &mut items);
        }
        let mut entries = self.entries();
        let mut outside: Vec<&str> = Vec::new();
        for layer in &self.panel.layers {
            let before = items.len();
            plot.overlay(layer, &mut items);
            if items.len() == before {
                outside.push(&layer.label);
            } else {
                outside.retain(|label| *label != layer.label);
            }
        }
        // A reference that never enters the frame would name a line that nobody sees.
        entries.retain(|entry| {
            let only = entry.line.is_none() && entry.marker.is_none() && entry.reference.is_some();
            !(only && outside.contains(&entry.label.as_str()))
        });
        for layer in &self.panel.layers {
            plot.runs(layer, &mut items);
        }
        for layer in &self.panel.layers {
            plot.line(layer, &mut items);
        }
        for layer in &self.panel.layers {
            plot.points(layer, &mut items);
        }
        self.name_references(&plot, &mut items, &mut entries)?;

        let x_marks = self.x_marks(main.width())?;
        items.push(axis::frame(main));
        axis::draw_level(&mut items, &x_marks, &x, main, strip.is_none());
        axis::draw_upright(&mut items, &self.y_marks, &y, main);
        if let (Some(rect), Some(measured)) = (strip, &self.strip) {
            self.draw_strip(measured, &x, rect, &mut items);
            axis::draw_level(&mut items, &x_marks, &x, lowest, true);
        }
        Ok((items, entries))
    }

    fn draw_labels(
        &self,
        main: &Rect,
        strip: Option<&Rect>,
        items: &mut Vec<Item>,
    ) -> Result<(), RenderError> {
        let lowest = strip.unwrap_or(main);
        let mut baseline = lowest.bottom + TICK_PAD + TICK_LABEL + LABEL_PAD + 0.8 * LABEL;
        for line in self.x_label(main.width())? {
            let origin = (0.5 * (main.left + main.right - line.width), baseline);
            items.push(Item::new(Role::Text, INK, Shape::Text { origin, line, rotated: false }));
            baseline += LEADING * LABEL;
        }
        let ticks = self.strip.as_ref().map_or(0.0, |s| s.marks.widest()).max(self.y_marks.widest());
        let right = main.left - ticks - TICK_PAD - LABEL_PAD;
        let count = self.y_label.len();
        for (i, line) in self.y_label.iter().enumerate() {
            let x = right - 0.22 * LABEL - LEADING * LABEL * (count - 1 - i) as f64;
            let origin = (x, 0.5 * (main.top + main.bottom + line.width));
            items.push(Item::new(Role::Text, INK, Shape::Text { origin, line: line.clone(), rotated: true }));
        }
        if let (Some(strip), Some(_)) = (strip, &self.strip) {
            let line = self.strip_label.clone();
            let origin = (right - 0.22 * LABEL, 0.5 * (strip.top + strip.bottom + line.width));
            items.push(Item::new(Role::Text, INK, Shape::Text { origin, line, rotated: true }));
        }
        Ok(())
    }

    /// Shades the part of the abscissa outside the claimed windows.
    fn shade(&self, x: &Mapping, rect: &Rect, items: &mut Vec<Item>) {
        if self.panel.windows.is_empty() {
            return;
        }
        // A window from the first point on, or up to the last, covers the margin beyond it as well.
        let shown = abscissae(self.panel);
        let first = shown.iter().copied().fold(f64::INFINITY, f64::min);
        let last = shown.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let slack = 1e-9 * first.abs().max(last.abs());
        let lower = |lo: f64| if lo <= first + slack { rect.left } else { x.at(lo).unwrap_or(rect.left) };
        let upper = |hi: f64| if hi >= last - slack { rect.right } else { x.at(hi).unwrap_or(rect.right) };
        let mut claimed: Vec<(f64, f64)> =
            self.panel.windows.iter().map(|&(lo, hi)| (lower(lo), upper(hi))).collect();
        claimed.sort_by(|a, b| a.0.total_cmp(&b.0));
        claimed.push((rect.right, rect.right));
        let mut from = rect.left;
        for (lo, hi) in claimed {
            let to = lo.min(rect.right);
            if to - from > 0.1 {
                let block = Rect { left: from, right: to, ..*rect };
                items.push(Item::new(Role::Shade, SHADE, Shape::Block(block)));
            }
            from = from.max(hi);
        }
    }

    /// Markers shrink where many of them stand side by side.
    fn radius(&self, frame: &Rect) -> f64 {
        let densest = self
            .panel
            .layers
            .iter()
            .map(|layer| match &layer.kind {
                LayerKind::Points { x, .. } => x.len(),
                _ => 0,
            })
            .max()
            .unwrap_or(0);
        (0.42 * frame.width() / densest.max(1) as f64).clamp(1.4, MARKER_RADIUS)
    }

    /// Rows of the legend, one for each label, in the order of the layers.
    fn entries(&self) -> Vec<Entry> {
        let mut entries: Vec<Entry> = Vec::new();
        for layer in self.panel.layers.iter().filter(|layer| !layer.label.is_empty()) {
            let color = style::color(layer.color);
            let position = entries.iter().position(|entry| entry.label == layer.label);
            let position = position.unwrap_or_else(|| {
                entries.push(Entry { label: layer.label.clone(), ..Entry::default() });
                entries.len() - 1
            });
            let entry = &mut entries[position];
            match &layer.kind {
                LayerKind::Theory { .. } => entry.line = Some((color, style::dash(layer.style))),
                LayerKind::Points { .. } => entry.marker = Some((color, layer.style, false)),
                LayerKind::Band { .. } | LayerKind::Runs(_) => {}
                LayerKind::Overlay(_) => entry.reference = Some(style::reference(layer.style)),
            }
        }
        // References after the series.
        entries.sort_by_key(|entry| entry.reference.is_some());
        entries
    }

    /// Writes the name of a horizontal or vertical reference beside it where it covers no data; it then
    /// needs no row in the legend.
    fn name_references(
        &self,
        plot: &Plot,
        items: &mut Vec<Item>,
        entries: &mut Vec<Entry>,
    ) -> Result<(), RenderError> {
        for layer in &self.panel.layers {
            let LayerKind::Overlay(overlay) = &layer.kind else { continue };
            let repeated = self.panel.layers.iter().filter(|other| other.label == layer.label).count() > 1;
            if layer.label.is_empty() || repeated {
                continue;
            }
            let line = markup::line(&layer.label, LEGEND, Face::Regular)?;
            if let Some(text) = plot.beside(overlay, &line, items) {
                items.push(text);
                entries.retain(|entry| entry.label != layer.label);
            }
        }
        Ok(())
    }

    fn draw_strip(&self, strip: &Strip, x: &Mapping, rect: &Rect, items: &mut Vec<Item>) {
        let range = (-strip.limit, strip.limit);
        let y = Mapping { kind: strip.kind, range, start: rect.bottom, end: rect.top };
        let mut guide = |z: f64, pattern: &[f64]| {
            if let Some(y) = y.at(z) {
                for points in clip::dashes(&[(rect.left, y), (rect.right, y)], pattern) {
                    let shape = Shape::Path { points, width: 0.8 * FRAME_WIDTH };
                    items.push(Item::new(Role::Frame, GREY, shape));
                }
            }
        };
        guide(0.0, &[]);
        guide(2.0, &[2.5, 2.0]);
        guide(-2.0, &[2.5, 2.0]);
        let plot = Plot { x: *x, y, frame: rect, radius: 0.75 * self.radius(rect) };
        for series in self.panel.residuals.iter().flat_map(|residuals| &residuals.series) {
            for (&x, &z) in series.x.iter().zip(&series.z) {
                if let Some(center) = plot.inside(x, z) {
                    let color = style::color(series.color);
                    items.extend(style::marker(series.style, center, plot.radius, color, Role::Marker));
                }
            }
        }
        items.push(axis::frame(rect));
        axis::draw_upright(items, &strip.marks, &y, rect);
    }
}

/// A number for a note, to three figures.
fn significant(value: f64) -> String {
    if value == 0.0 || !(1e-3..1e5).contains(&value.abs()) {
        let text = format!("{value:.2e}");
        return match text.split_once('e') {
            Some((mantissa, exponent)) => format!("{mantissa}×10^{{{exponent}}}"),
            None => text,
        };
    }
    let decimals = (2 - value.abs().log10().floor() as i32).max(0) as usize;
    format!("{value:.decimals$}")
}
