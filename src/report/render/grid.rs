//! The grid of panels: columns, frames, heights of rows.

use super::RenderError;
use super::curves::{self, STRIP_GAP};
use super::heatmap;
use super::legend::Entry;
use super::scene::{Item, PanelGeometry, Rect};
use crate::report::figure::{Figure, Panel};

pub const MARGIN: f64 = 5.0;
const GUTTER: f64 = 12.0;
/// Right of a frame, for the half of a tick label that may hang over.
pub const OVERHANG: f64 = 7.0;
const STRIP: f64 = 40.0;
const MOST_COLUMNS: usize = 4;

pub enum Measured<'a> {
    Curves(Box<curves::Measured<'a>>),
    Heatmap(heatmap::Measured<'a>),
}

impl Measured<'_> {
    pub fn left(&self) -> f64 {
        match self {
            Measured::Curves(panel) => panel.left,
            Measured::Heatmap(panel) => panel.left,
        }
    }

    pub fn notes(&self) -> &[String] {
        match self {
            Measured::Curves(panel) => &panel.notes,
            Measured::Heatmap(panel) => panel.notes(),
        }
    }
}

/// A panel drawn with the top of its frame at zero, until the height of its row is known.
pub struct Placed {
    pub items: Vec<Item>,
    pub geometry: PanelGeometry,
    pub entries: Vec<Entry>,
    /// Lowest point of what belongs to the panel.
    pub bottom: f64,
}

/// Panels side by side when the figure does not say.
fn default_columns(panels: usize) -> usize {
    match panels {
        0 | 1 => 1,
        2 | 4 => 2,
        _ => 3,
    }
}

/// Panels that share a grid: all of a figure, or each run of panels of one kind, so that heat maps do not
/// squeeze the curves beside them.
pub struct Grid {
    pub first: usize,
    pub count: usize,
    columns: usize,
    /// Width of a column.
    pub cell: f64,
    /// Height of the frames of curves.
    pub height: f64,
    /// Room for tick labels left of the frames, by column.
    pub lefts: Vec<f64>,
}

impl Grid {
    fn new(first: usize, count: usize, columns: usize, inner: f64) -> Self {
        let cell = (inner - GUTTER * (columns - 1) as f64) / columns as f64;
        let height = cell * [0.42, 0.62, 0.78, 0.85][columns - 1];
        Self { first, count, columns, cell, height, lefts: vec![0.0; columns] }
    }

    pub fn column(&self, i: usize) -> usize {
        (i - self.first) % self.columns
    }

    /// Left end of the cell of panel `i`.
    pub fn left(&self, i: usize) -> f64 {
        MARGIN + self.column(i) as f64 * (self.cell + GUTTER)
    }

    /// Left end and width of the frame of panel `i`.
    pub fn frame(&self, i: usize) -> (f64, f64) {
        let room = self.lefts[self.column(i)];
        (self.left(i) + room, self.cell - room - OVERHANG)
    }

    /// Panels of each row.
    pub fn rows(&self) -> impl Iterator<Item = std::ops::Range<usize>> + '_ {
        let end = self.first + self.count;
        (self.first..end).step_by(self.columns).map(move |i| i..(i + self.columns).min(end))
    }
}

/// One grid if the figure states its columns, otherwise one for each run of panels of one kind.
pub fn grids(figure: &Figure, inner: f64) -> Result<Vec<Grid>, RenderError> {
    let panels = figure.panels.len();
    if let Some(columns) = figure.columns {
        if columns == 0 || columns > MOST_COLUMNS {
            return Err(RenderError::Columns { columns, most: MOST_COLUMNS });
        }
        return Ok(vec![Grid::new(0, panels, columns.min(panels.max(1)), inner)]);
    }
    let same = |a: &Panel, b: &Panel| matches!(a, Panel::Curves(_)) == matches!(b, Panel::Curves(_));
    let mut first = 0;
    let mut grids = Vec::new();
    for run in figure.panels.chunk_by(same) {
        // More than two heat maps side by side have no room for numbers in their cells.
        let most = if matches!(run[0], Panel::Heatmap(_)) { 2 } else { MOST_COLUMNS };
        grids.push(Grid::new(first, run.len(), default_columns(run.len()).min(most), inner));
        first += run.len();
    }
    Ok(grids)
}

/// Heat maps of one grid get cells of one size.
pub fn equalise(grid: &Grid, panels: &mut [Measured]) {
    let width = |i: usize| grid.frame(grid.first + i).1;
    let natural = |(i, panel): (usize, &Measured)| match panel {
        Measured::Heatmap(panel) => panel.natural_cell(width(i)),
        Measured::Curves(_) => None,
    };
    let smallest = panels.iter().enumerate().filter_map(natural).fold(f64::INFINITY, f64::min);
    for panel in panels {
        if let Measured::Heatmap(panel) = panel {
            panel.largest_cell = panel.largest_cell.min(smallest);
        }
    }
}

/// Height of the frames of a row: fixed beside curves, otherwise what the heat maps fill.
pub fn row_height(panels: &[Measured], height: f64, width_of: impl Fn(usize) -> f64) -> f64 {
    let mut tallest = 0.0f64;
    let mut curves = false;
    let mut strips = false;
    for (c, panel) in panels.iter().enumerate() {
        match panel {
            Measured::Curves(panel) => {
                curves = true;
                strips |= panel.has_strip();
            }
            Measured::Heatmap(panel) => tallest = tallest.max(panel.height(width_of(c))),
        }
    }
    match (curves, strips) {
        (false, _) => tallest,
        (true, false) => height,
        (true, true) => height + STRIP_GAP + STRIP,
    }
}

pub fn place(panel: &Measured, area: &Rect) -> Result<Placed, RenderError> {
    match panel {
        Measured::Heatmap(panel) => {
            let items = panel.draw(area)?;
            let geometry = PanelGeometry { frame: *area, strip: None, legend: None };
            Ok(Placed { items, geometry, entries: Vec::new(), bottom: area.bottom })
        }
        Measured::Curves(panel) => {
            let (frame, strip) = if panel.has_strip() {
                let strip = Rect { top: area.bottom - STRIP, ..*area };
                (Rect { bottom: strip.top - STRIP_GAP, ..*area }, Some(strip))
            } else {
                (*area, None)
            };
            let (items, entries) = panel.draw(&frame, strip.as_ref())?;
            let bottom = area.bottom + panel.room_below(area.width())?;
            Ok(Placed { items, geometry: PanelGeometry { frame, strip, legend: None }, entries, bottom })
        }
    }
}
