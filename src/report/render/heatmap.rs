//! Matrices side by side on one colour scale, white at 0: its bar shows the signs that occur.

use super::RenderError;
use super::axis;
use super::font::Face;
use super::markup::{self, Line};
use super::scene::{Color, Item, Rect, Role, Shape};
use super::style::{FRAME_WIDTH, GREY, INK, LABEL, TICK_LABEL, WHITE};
use super::ticks::{self, number};
use crate::report::figure::Heatmap;

const BLOCK_GAP: f64 = 14.0;
const BAR_GAP: f64 = 9.0;
const BAR_WIDTH: f64 = 7.0;
const NAME: f64 = 12.0;
const LABELS: f64 = 11.0;
const LARGEST_CELL: f64 = 40.0;
const SMALLEST_NUMBER: f64 = 5.0;
const MOST_BAR_LABELS: usize = 5;

/// ColorBrewer's RdBu without its darkest ends, from -1 (blue) through white to 1 (red).
const COLORS: [Color; 9] = [
    Color(0x21, 0x66, 0xac),
    Color(0x43, 0x93, 0xc3),
    Color(0x92, 0xc5, 0xde),
    Color(0xd1, 0xe5, 0xf0),
    Color(0xf7, 0xf7, 0xf7),
    Color(0xfd, 0xdb, 0xc7),
    Color(0xf4, 0xa5, 0x82),
    Color(0xd6, 0x60, 0x4d),
    Color(0xb2, 0x18, 0x2b),
];

/// Colour of a value between -1 and 1.
fn color(share: f64) -> Color {
    let position = 0.5 * (share + 1.0) * (COLORS.len() - 1) as f64;
    let below = (position.floor() as usize).min(COLORS.len() - 2);
    let part = position - below as f64;
    let mix = |a: u8, b: u8| (f64::from(a) + part * (f64::from(b) - f64::from(a))).round() as u8;
    let (Color(r0, g0, b0), Color(r1, g1, b1)) = (COLORS[below], COLORS[below + 1]);
    Color(mix(r0, r1), mix(g0, g1), mix(b0, b1))
}

/// Ink that stands out on a background (relative luminance, ITU-R BT.709).
fn ink_on(Color(r, g, b): Color) -> Color {
    let luminance = 0.2126 * f64::from(r) + 0.7152 * f64::from(g) + 0.0722 * f64::from(b);
    if luminance < 125.0 { WHITE } else { INK }
}

fn bar_labels((low, high): (f64, f64), target: usize) -> Result<Vec<(f64, Line)>, RenderError> {
    let bar = ticks::linear(low, high, target);
    let label = |value: f64, text: &str| match bar.exponent {
        Some(e) if value != 0.0 => format!("{text}×{}", ticks::power(e)),
        Some(_) => "0".into(),
        None => text.into(),
    };
    let set =
        |(v, text): &(f64, String)| Ok((*v, markup::line(&label(*v, text), TICK_LABEL, Face::Regular)?));
    bar.major.iter().map(set).collect()
}

pub struct Measured<'a> {
    panel: &'a Heatmap,
    rows: usize,
    columns: usize,
    /// Largest magnitude.
    limit: f64,
    /// Values at the ends of the colour bar.
    bar: (f64, f64),
    row_labels: Vec<Line>,
    column_labels: Vec<Line>,
    /// Width of the widest label of the colour bar.
    bar_label: f64,
    /// Room for labels to the left of the first block.
    pub left: f64,
    /// Cells are not made larger than this.
    pub largest_cell: f64,
}

impl<'a> Measured<'a> {
    pub fn new(panel: &'a Heatmap) -> Result<Self, RenderError> {
        let rows = panel.blocks.first().map_or(0, |block| block.values.len());
        let columns = panel.blocks.first().and_then(|block| block.values.first()).map_or(0, Vec::len);
        for block in &panel.blocks {
            let lengths = |left, right| RenderError::Lengths { what: block.name.clone(), left, right };
            if block.values.len() != rows {
                return Err(lengths(block.values.len(), rows));
            }
            if let Some(row) = block.values.iter().find(|row| row.len() != columns) {
                return Err(lengths(row.len(), columns));
            }
        }
        for (labels, count) in [(&panel.row_labels, rows), (&panel.column_labels, columns)] {
            if !labels.is_empty() && labels.len() != count && count > 0 {
                let (left, right) = (labels.len(), count);
                return Err(RenderError::Lengths { what: panel.title.clone(), left, right });
            }
        }
        let finite = panel.blocks.iter().flat_map(|b| b.values.iter().flatten()).filter(|v| v.is_finite());
        let (lowest, highest) = finite.fold((0.0f64, 0.0f64), |(low, high), v| (low.min(*v), high.max(*v)));
        let limit = match highest.max(-lowest) {
            0.0 => 1.0,
            largest => largest,
        };
        let bar = (
            if lowest < 0.0 { -limit } else { 0.0 },
            if highest > 0.0 || lowest == 0.0 { limit } else { 0.0 },
        );
        let set = |labels: &[String]| -> Result<Vec<Line>, RenderError> {
            labels.iter().map(|label| Ok(markup::line(label, TICK_LABEL, Face::Regular)?)).collect()
        };
        let row_labels = set(&panel.row_labels)?;
        let bar_label = bar_labels(bar, MOST_BAR_LABELS)?.iter().map(|(_, l)| l.width).fold(0.0, f64::max);
        let left = row_labels.iter().map(|line| line.width).fold(0.0, f64::max) + 5.0;
        let column_labels = set(&panel.column_labels)?;
        Ok(Self {
            panel,
            rows,
            columns,
            limit,
            bar,
            row_labels,
            column_labels,
            bar_label,
            left,
            largest_cell: LARGEST_CELL,
        })
    }

    pub fn notes(&self) -> &[String] {
        &self.panel.notes
    }

    fn is_empty(&self) -> bool {
        self.rows == 0 || self.columns == 0
    }

    fn bar_room(&self) -> f64 {
        BAR_GAP + BAR_WIDTH + 3.0 + self.bar_label
    }

    fn labels_room(&self) -> f64 {
        if self.column_labels.is_empty() { 0.0 } else { LABELS }
    }

    /// Cell size with `across` blocks side by side and `down` of them one above the other.
    fn cell(&self, width: f64, height: f64, across: usize, down: usize) -> f64 {
        let (across, down) = (across as f64, down as f64);
        let level = (width - self.bar_room() - BLOCK_GAP * (across - 1.0)) / (across * self.columns as f64);
        let upright = (height / down - NAME - self.labels_room()) / self.rows as f64;
        level.min(upright).clamp(1.0, self.largest_cell.max(1.0))
    }

    /// Size of the cells with all blocks side by side; `None` without any.
    pub fn natural_cell(&self, width: f64) -> Option<f64> {
        (!self.is_empty()).then(|| self.cell(width, f64::INFINITY, self.panel.blocks.len(), 1))
    }

    /// Blocks side by side, or one above the other where that gives larger cells.
    fn arrange(&self, area: &Rect) -> (usize, usize, f64) {
        let count = self.panel.blocks.len();
        let level = self.cell(area.width(), area.height(), count, 1);
        let upright = self.cell(area.width(), area.height(), 1, count);
        if upright > 1.3 * level { (1, count, upright) } else { (count, 1, level) }
    }

    /// Distance of the first block from the left of the area.
    pub fn indent(&self, area: &Rect) -> f64 {
        if self.is_empty() {
            return 0.0;
        }
        let (across, _, cell) = self.arrange(area);
        0.5 * (area.width() - self.total_width(across, cell))
    }

    fn total_width(&self, across: usize, cell: f64) -> f64 {
        let pitch = cell * self.columns as f64 + BLOCK_GAP;
        pitch * across as f64 - BLOCK_GAP + self.bar_room()
    }

    /// Height that a panel of this width fills.
    pub fn height(&self, width: f64) -> f64 {
        if self.is_empty() {
            return 60.0;
        }
        self.cell(width, f64::INFINITY, self.panel.blocks.len(), 1) * self.rows as f64
            + NAME
            + self.labels_room()
    }

    pub fn draw(&self, area: &Rect) -> Result<Vec<Item>, RenderError> {
        let mut items = Vec::new();
        let text = |items: &mut Vec<Item>, color, origin, line| {
            items.push(Item::new(Role::Text, color, Shape::Text { origin, line, rotated: false }));
        };
        if self.is_empty() {
            let line = markup::line("no data", LABEL, Face::Regular)?;
            let middle = (0.5 * (area.left + area.right - line.width), 0.5 * (area.top + area.bottom));
            text(&mut items, GREY, middle, line);
            items.push(axis::frame(area));
            return Ok(items);
        }
        let (across, down, cell) = self.arrange(area);
        let (width, height) = (cell * self.columns as f64, cell * self.rows as f64);
        let left = area.left + self.indent(area);
        let pitch = NAME + height + self.labels_room();
        let first = area.top + 0.5 * (area.height() - pitch * down as f64) + NAME;

        for (b, block) in self.panel.blocks.iter().enumerate() {
            let top = first + (b / across) as f64 * pitch;
            let frame = Rect::new(left + (b % across) as f64 * (width + BLOCK_GAP), top, width, height);
            let name = markup::line(&block.name, TICK_LABEL, Face::Regular)?;
            text(&mut items, INK, (0.5 * (frame.left + frame.right - name.width), top - 4.0), name);
            self.draw_cells(&block.values, &frame, cell, &mut items)?;
            items.push(axis::frame(&frame));
            for (j, label) in self.column_labels.iter().enumerate() {
                let x = frame.left + (j as f64 + 0.5) * cell - 0.5 * label.width;
                text(&mut items, INK, (x, frame.bottom + 3.0 + 0.8 * TICK_LABEL), label.clone());
            }
            if b % across == 0 {
                for (i, label) in self.row_labels.iter().enumerate() {
                    let y = frame.top + (i as f64 + 0.5) * cell + 0.35 * TICK_LABEL;
                    text(&mut items, INK, (frame.left - 4.0 - label.width, y), label.clone());
                }
            }
        }
        let bar_left = left + self.total_width(across, cell) - self.bar_room() + BAR_GAP;
        let bar_height = pitch * down as f64 - NAME - self.labels_room();
        self.draw_bar(&Rect::new(bar_left, first, BAR_WIDTH, bar_height), &mut items)?;
        Ok(items)
    }

    fn draw_cells(
        &self,
        values: &[Vec<f64>],
        frame: &Rect,
        cell: f64,
        items: &mut Vec<Item>,
    ) -> Result<(), RenderError> {
        let size = self.number_size(cell)?;
        for (i, row) in values.iter().enumerate() {
            for (j, &value) in row.iter().enumerate() {
                let corner = (frame.left + j as f64 * cell, frame.top + i as f64 * cell);
                // Half a point less than the pitch: white joints between cells.
                let rect = Rect::new(corner.0, corner.1, cell, cell);
                let inner = if cell > 6.0 { rect.grown(-0.25) } else { rect };
                let fill = if value.is_finite() { color(value / self.limit) } else { WHITE };
                items.push(Item::new(Role::Cell, fill, Shape::Block(inner)));
                let label = if value.is_finite() { number(value, self.decimals()) } else { String::new() };
                if let Some(size) = size {
                    let line = markup::line(&label, size, Face::Regular)?;
                    let origin = (corner.0 + 0.5 * (cell - line.width), corner.1 + 0.5 * cell + 0.35 * size);
                    let shape = Shape::Text { origin, line, rotated: false };
                    items.push(Item::new(Role::Text, ink_on(fill), shape));
                }
            }
        }
        Ok(())
    }

    fn decimals(&self) -> usize {
        match self.limit {
            limit if limit >= 100.0 => 0,
            limit if limit >= 10.0 => 1,
            limit if limit >= 0.1 => 2,
            limit => (1.0 - limit.log10().floor()).min(6.0) as usize,
        }
    }

    /// Font size at which every number fits into its cell; `None` if that would be too small to read.
    fn number_size(&self, cell: f64) -> Result<Option<f64>, RenderError> {
        let mut widest = 0.0f64;
        for value in self.panel.blocks.iter().flat_map(|block| block.values.iter().flatten()) {
            if value.is_finite() {
                let line = markup::line(&number(*value, self.decimals()), 1.0, Face::Regular)?;
                widest = widest.max(line.width);
            }
        }
        let size = (0.78 * cell / widest).min(TICK_LABEL).min(0.6 * cell);
        Ok((size >= SMALLEST_NUMBER).then_some(size))
    }

    fn draw_bar(&self, rect: &Rect, items: &mut Vec<Item>) -> Result<(), RenderError> {
        let steps = 80;
        let step = rect.height() / f64::from(steps);
        let (low, high) = self.bar;
        for i in 0..steps {
            let value = high - (high - low) * (f64::from(i) + 0.5) / f64::from(steps);
            let top = rect.top + f64::from(i) * step;
            // Overlapping downwards, so that no seams shine through.
            let bottom = (top + 1.6 * step).min(rect.bottom);
            let block = Rect { top, bottom, ..*rect };
            items.push(Item::new(Role::Cell, color(value / self.limit), Shape::Block(block)));
        }
        items.push(axis::frame(rect));
        let room = (rect.height() / 14.0) as usize;
        for (value, label) in bar_labels(self.bar, room.clamp(2, MOST_BAR_LABELS))? {
            let y = rect.top + (high - value) / (high - low) * rect.height();
            let points = vec![(rect.right, y), (rect.right - 2.2, y)];
            items.push(Item::new(Role::Frame, INK, Shape::Path { points, width: FRAME_WIDTH }));
            let origin = (rect.right + 3.0, y + 0.35 * TICK_LABEL);
            let shape = Shape::Text { origin, line: label, rotated: false };
            items.push(Item::new(Role::Text, INK, shape));
        }
        Ok(())
    }
}
