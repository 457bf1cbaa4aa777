//! Legends: rows of swatch and label, set into a free corner of the frame if there is one.

use super::RenderError;
use super::clip;
use super::font::Face;
use super::markup::{self, Line};
use super::scene::{Color, Item, Point, Rect, Role, Shape};
use super::style::{self, BAR_WIDTH, INK, LEGEND, LINE_WIDTH, MARKER_RADIUS, REFERENCE_WIDTH};

const ROW: f64 = 10.6;
const SWATCH: f64 = 20.0;
const GAP: f64 = 4.5;
const COLUMN_GAP: f64 = 12.0;
/// From the frame, so that ticks stay clear.
const INSET: f64 = 6.5;
/// Between the legend and any data.
const CLEARANCE: f64 = 2.5;

/// One row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Entry {
    pub label: String,
    pub line: Option<(Color, &'static [f64])>,
    /// Colour, shape, and whether an error bar is drawn through it.
    pub marker: Option<(Color, usize, bool)>,
    pub reference: Option<&'static [f64]>,
    /// A filled patch: the colour and its opacity.
    pub patch: Option<(Color, f64)>,
}

/// Entries arranged in columns.
#[derive(Clone, Debug)]
pub struct Block {
    rows: Vec<(Entry, Line)>,
    per_column: usize,
    widths: Vec<f64>,
    pub width: f64,
    pub height: f64,
}

impl Block {
    pub fn new(entries: &[Entry], columns: usize) -> Result<Self, RenderError> {
        let rows = entries
            .iter()
            .map(|entry| Ok((entry.clone(), markup::line(&entry.label, LEGEND, Face::Regular)?)))
            .collect::<Result<Vec<_>, RenderError>>()?;
        let per_column = rows.len().div_ceil(columns.max(1)).max(1);
        let widths: Vec<f64> = rows
            .chunks(per_column)
            .map(|column| SWATCH + GAP + column.iter().map(|(_, line)| line.width).fold(0.0, f64::max))
            .collect();
        let width = widths.iter().sum::<f64>() + COLUMN_GAP * widths.len().saturating_sub(1) as f64;
        let height = ROW * per_column.min(rows.len()) as f64;
        Ok(Self { rows, per_column, widths, width, height })
    }

    /// As few rows as a width allows.
    pub fn within(entries: &[Entry], width: f64) -> Result<Self, RenderError> {
        for columns in (2..=entries.len()).rev() {
            let block = Self::new(entries, columns)?;
            if block.width <= width {
                return Ok(block);
            }
        }
        Self::new(entries, 1)
    }

    /// Draws the block with its upper left corner at a point.
    pub fn draw(&self, (left, top): Point) -> Vec<Item> {
        let mut items = Vec::new();
        let mut x = left;
        for (column, width) in self.rows.chunks(self.per_column).zip(&self.widths) {
            for (i, (entry, line)) in column.iter().enumerate() {
                let y = top + ROW * (i as f64 + 0.5);
                swatch(entry, x, y, &mut items);
                let origin = (x + SWATCH + GAP, y + 0.35 * LEGEND);
                let shape = Shape::Text { origin, line: line.clone(), rotated: false };
                items.push(Item::new(Role::Legend, INK, shape));
            }
            x += width + COLUMN_GAP;
        }
        items
    }
}

fn swatch(entry: &Entry, x: f64, y: f64, items: &mut Vec<Item>) {
    let mut line = |color, pattern: &[f64], width| {
        for points in clip::dashes(&[(x, y), (x + SWATCH, y)], pattern) {
            items.push(Item::new(Role::Legend, color, Shape::Path { points, width }));
        }
    };
    if let Some((color, dash)) = entry.line {
        line(color, dash, LINE_WIDTH);
    }
    if let Some(dots) = entry.reference {
        line(style::GREY, dots, REFERENCE_WIDTH);
    }
    if let Some((color, opacity)) = entry.patch {
        let rect = Rect::new(x + 2.0, y - 3.2, SWATCH - 4.0, 6.4);
        items.push(Item::new(Role::Legend, color, Shape::Block(rect)).faded(opacity));
    }
    if let Some((color, shape, bar)) = entry.marker {
        let center = (x + 0.5 * SWATCH, y);
        if bar {
            for side in [-1.0, 1.0] {
                let points = vec![(center.0, y + side * MARKER_RADIUS), (center.0, y + side * 4.6)];
                items.push(Item::new(Role::Legend, color, Shape::Path { points, width: BAR_WIDTH }));
            }
        }
        items.extend(style::marker(shape, center, MARKER_RADIUS, color, Role::Legend));
    }
}

/// Whether a shape reaches into a rectangle.
pub fn reaches(item: &Item, rect: &Rect) -> bool {
    if !item.bounds().grown(0.01).meets(rect) {
        return false;
    }
    match &item.shape {
        Shape::Path { points, .. } => {
            points.windows(2).any(|pair| clip::segment(pair[0], pair[1], rect).is_some())
        }
        Shape::Polygon(points) => clip::polygon(points, rect).len() > 2,
        Shape::Block(_) | Shape::Circle { .. } | Shape::Text { .. } => true,
    }
}

/// A place inside `frame` where the legend covers no data: corners first, then along the sides, in one to
/// three columns.
pub fn place(entries: &[Entry], frame: &Rect, drawn: &[Item]) -> Result<Option<(Block, Rect)>, RenderError> {
    if entries.is_empty() {
        return Ok(None);
    }
    let obstacles: Vec<&Item> = drawn.iter().filter(|item| item.role.shows_data()).collect();
    let blocks = (1..=3.min(entries.len()))
        .map(|columns| Block::new(entries, columns))
        .collect::<Result<Vec<_>, _>>()?;
    let inner = frame.grown(-INSET);
    let fits = |block: &&Block| block.width <= 0.8 * inner.width() && block.height <= 0.8 * inner.height();
    for sliding in [false, true] {
        for block in blocks.iter().filter(fits) {
            let room = (inner.width() - block.width, inner.height() - block.height);
            for (x, y) in candidates(room, sliding) {
                let rect = Rect::new(inner.left + x, inner.top + y, block.width, block.height);
                let kept_clear = rect.grown(CLEARANCE);
                if !obstacles.iter().any(|item| reaches(item, &kept_clear)) {
                    return Ok(Some((block.clone(), rect)));
                }
            }
        }
    }
    Ok(None)
}

/// Offsets of a block that has `room` to move.
fn candidates((width, height): Point, sliding: bool) -> Vec<Point> {
    if !sliding {
        return vec![(width, 0.0), (0.0, 0.0), (0.0, height), (width, height)];
    }
    let along = |room: f64| {
        let steps = (room / 3.0).floor().max(1.0) as usize;
        (0..=steps).map(move |i| room * i as f64 / steps as f64)
    };
    let level = along(width).flat_map(|x| [(x, 0.0), (x, height)]);
    let upright = along(height).flat_map(|y| [(width, y), (0.0, y)]);
    upright.chain(level).collect()
}
