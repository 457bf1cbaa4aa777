//! From a figure to a page: the grid of panels, titles, legends, key and footnote.

use super::RenderError;
use super::curves::{self, STRIP_GAP};
use super::font::Face;
use super::heatmap;
use super::legend::{self, Block, Entry};
use super::markup::{self, LEADING};
use super::scene::{Color, Item, PanelGeometry, Rect, Role, Scene, Shape};
use super::style::{GREY, INK, LABEL, NOTE, PAGE_WIDTH, SHADE, SUBTITLE, TITLE};
use crate::report::figure::{Figure, LayerKind, Panel};

const MARGIN: f64 = 5.0;
const GUTTER: f64 = 12.0;
const ROW_GAP: f64 = 12.0;
/// Right of a frame, for the half of a tick label that may hang over.
const OVERHANG: f64 = 7.0;
const STRIP: f64 = 40.0;
const MOST_COLUMNS: usize = 4;

enum Measured<'a> {
    Curves(Box<curves::Measured<'a>>),
    Heatmap(heatmap::Measured<'a>),
}

impl Measured<'_> {
    fn left(&self) -> f64 {
        match self {
            Measured::Curves(panel) => panel.left,
            Measured::Heatmap(panel) => panel.left,
        }
    }

    fn notes(&self) -> &[String] {
        match self {
            Measured::Curves(panel) => &panel.notes,
            Measured::Heatmap(panel) => panel.notes(),
        }
    }
}

/// A panel drawn with the top of its frame at zero, until the height of its row is known.
struct Placed {
    items: Vec<Item>,
    geometry: PanelGeometry,
    entries: Vec<Entry>,
    /// Lowest point of what belongs to the panel.
    bottom: f64,
}

fn paragraph(
    text: &str,
    size: f64,
    face: Face,
    color: Color,
    (left, top): (f64, f64),
    width: f64,
    items: &mut Vec<Item>,
) -> Result<f64, RenderError> {
    let mut y = top;
    for piece in text.lines() {
        for line in markup::wrap(piece, size, face, width)? {
            let shape = Shape::Text { origin: (left, y + 0.8 * size), line, rotated: false };
            items.push(Item::new(Role::Text, color, shape));
            y += LEADING * size;
        }
    }
    Ok(y)
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
struct Grid {
    first: usize,
    count: usize,
    columns: usize,
    /// Width of a column.
    cell: f64,
    /// Height of the frames of curves.
    height: f64,
    /// Room for tick labels left of the frames, by column.
    lefts: Vec<f64>,
}

impl Grid {
    fn new(first: usize, count: usize, columns: usize, inner: f64) -> Self {
        let cell = (inner - GUTTER * (columns - 1) as f64) / columns as f64;
        let height = cell * [0.42, 0.62, 0.78, 0.85][columns - 1];
        Self { first, count, columns, cell, height, lefts: vec![0.0; columns] }
    }

    fn column(&self, i: usize) -> usize {
        (i - self.first) % self.columns
    }

    /// Left end of the cell of panel `i`.
    fn left(&self, i: usize) -> f64 {
        MARGIN + self.column(i) as f64 * (self.cell + GUTTER)
    }

    /// Left end and width of the frame of panel `i`.
    fn frame(&self, i: usize) -> (f64, f64) {
        let room = self.lefts[self.column(i)];
        (self.left(i) + room, self.cell - room - OVERHANG)
    }

    /// Panels of each row.
    fn rows(&self) -> impl Iterator<Item = std::ops::Range<usize>> + '_ {
        let end = self.first + self.count;
        (self.first..end).step_by(self.columns).map(move |i| i..(i + self.columns).min(end))
    }
}

/// One grid if the figure states its columns, otherwise one for each run of panels of one kind.
fn grids(figure: &Figure, inner: f64) -> Result<Vec<Grid>, RenderError> {
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

/// Decides on every position of a figure.
///
/// # Errors
/// As [`render`](super::render).
pub fn compose(figure: &Figure) -> Result<Scene, RenderError> {
    let inner = PAGE_WIDTH - 2.0 * MARGIN;
    let mut items = Vec::new();
    let mut y = MARGIN;
    y = paragraph(&figure.title, TITLE, Face::Bold, INK, (MARGIN, y), inner, &mut items)?;
    if !figure.source.is_empty() {
        y += 1.0;
        y = paragraph(&figure.source, SUBTITLE, Face::Regular, GREY, (MARGIN, y), inner, &mut items)?;
    }
    if y > MARGIN {
        y += 7.0;
    }

    let mut grids = grids(figure, inner)?;
    let grid_of: Vec<usize> = grids.iter().enumerate().flat_map(|(g, grid)| vec![g; grid.count]).collect();
    let mut measured = Vec::new();
    for (i, panel) in figure.panels.iter().enumerate() {
        measured.push(match panel {
            Panel::Curves(panel) => {
                Measured::Curves(Box::new(curves::Measured::new(panel, grids[grid_of[i]].height)?))
            }
            Panel::Heatmap(panel) => Measured::Heatmap(heatmap::Measured::new(panel)?),
        });
    }
    for grid in &mut grids {
        let of_grid = &mut measured[grid.first..grid.first + grid.count];
        for (i, panel) in of_grid.iter().enumerate() {
            let c = grid.column(grid.first + i);
            grid.lefts[c] = grid.lefts[c].max(panel.left());
        }
        equalise(grid, of_grid);
    }

    let mut placed = Vec::new();
    for grid in &grids {
        for row in grid.rows() {
            let area = row_height(&measured[row.clone()], grid.height, |c| grid.frame(row.start + c).1);
            for i in row {
                let (left, width) = grid.frame(i);
                placed.push(place(&measured[i], &Rect::new(left, 0.0, width, area))?);
            }
        }
    }
    let cell_of = |i: usize| (grids[grid_of[i]].left(i), grids[grid_of[i]].cell);
    let shared = set_legends(&mut placed, &cell_of)?;
    for (i, (panel, measured)) in placed.iter_mut().zip(&measured).enumerate() {
        let (left, cell) = cell_of(i);
        for note in measured.notes() {
            let corner = (left + 2.0, panel.bottom + 3.0);
            panel.bottom =
                paragraph(note, NOTE, Face::Regular, GREY, corner, cell - 2.0, &mut panel.items)? - 1.5;
        }
    }

    // Rows one under the other, frames of a row at one height.
    for (grid, row) in grids.iter().flat_map(|grid| grid.rows().map(move |row| (grid, row))) {
        let mut headings = Vec::new();
        for i in row.clone() {
            let (left, width) = grid.frame(i);
            let indent = match &measured[i] {
                Measured::Curves(_) => 0.0,
                Measured::Heatmap(panel) => panel.indent(&placed[i].geometry.frame),
            };
            headings.push(heading(figure, i, left + indent, width - indent)?);
        }
        let top = y + headings.iter().map(|(_, height)| *height).fold(0.0, f64::max);
        let panels = &mut placed[row];
        for (panel, (lines, height)) in panels.iter_mut().zip(headings) {
            items.extend(lines.into_iter().map(|item| moved(item, top - height)));
            let geometry = &mut panel.geometry;
            geometry.frame = lower(&geometry.frame, top);
            geometry.strip = geometry.strip.map(|rect| lower(&rect, top));
            geometry.legend = geometry.legend.map(|rect| lower(&rect, top));
            items.extend(std::mem::take(&mut panel.items).into_iter().map(|item| moved(item, top)));
        }
        let lowest = panels.iter().map(|panel| panel.bottom).fold(0.0, f64::max);
        y = top + lowest + ROW_GAP;
    }
    if !figure.panels.is_empty() {
        y -= ROW_GAP;
    }

    for block in shared {
        let block = Block::within(&block, inner)?;
        y += 6.0;
        items.extend(block.draw((MARGIN + 0.5 * (inner - block.width), y)));
        y += block.height;
    }
    let key = key(figure, items.iter().any(|item| item.role == Role::Shade));
    if !key.is_empty() {
        let block = Block::within(&key, inner)?;
        y += 6.0;
        items.extend(block.draw((MARGIN + 0.5 * (inner - block.width), y)));
        y += block.height;
    }
    if let Some(footnote) = figure.footnote.as_ref().filter(|text| !text.trim().is_empty()) {
        y = paragraph(footnote, NOTE, Face::Regular, INK, (MARGIN, y + 6.0), inner, &mut items)?;
    }
    Ok(Scene {
        width: PAGE_WIDTH,
        height: y + MARGIN,
        items,
        panels: placed.into_iter().map(|panel| panel.geometry).collect(),
        title: markup::plain(&figure.title)?,
        description: description(figure)?,
    })
}

/// Heat maps of one grid get cells of one size.
fn equalise(grid: &Grid, panels: &mut [Measured]) {
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
fn row_height(panels: &[Measured], height: f64, width_of: impl Fn(usize) -> f64) -> f64 {
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

fn place(panel: &Measured, area: &Rect) -> Result<Placed, RenderError> {
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

/// Panels with the same series share one legend. It goes into the first frame that has room for it, else
/// under its panel, or, if several share it, under all of them: those are returned.
fn set_legends(
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

/// Letter and title of a panel from zero downwards, and their height with the space to the frame.
fn heading(figure: &Figure, i: usize, left: f64, width: f64) -> Result<(Vec<Item>, f64), RenderError> {
    let title = match &figure.panels[i] {
        Panel::Curves(panel) => &panel.title,
        Panel::Heatmap(panel) => &panel.title,
    };
    let mut items = Vec::new();
    let mut indent = 0.0;
    let mut height = 0.0f64;
    if figure.panels.len() > 1 {
        let letter = format!("({})", (b'a' + (i % 26) as u8) as char);
        let line = markup::line(&letter, LABEL, Face::Bold)?;
        indent = line.width + 4.0;
        let shape = Shape::Text { origin: (left, 0.8 * LABEL), line, rotated: false };
        items.push(Item::new(Role::Text, INK, shape));
        height = LEADING * LABEL;
    }
    let end = paragraph(
        title,
        LABEL,
        Face::Regular,
        INK,
        (left + indent, 0.0),
        width + OVERHANG - indent,
        &mut items,
    )?;
    height = height.max(end);
    Ok((items, if height > 0.0 { height + 2.5 } else { 0.0 }))
}

/// What lines, markers, bands and shading stand for, in one row under all panels.
fn key(figure: &Figure, shaded: bool) -> Vec<Entry> {
    let (mut theory, mut points, mut errors) = (false, false, false);
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

fn lower(rect: &Rect, by: f64) -> Rect {
    Rect { top: rect.top + by, bottom: rect.bottom + by, ..*rect }
}

fn moved(item: Item, by: f64) -> Item {
    let down = |(x, y): (f64, f64)| (x, y + by);
    let shape = match item.shape {
        Shape::Path { points, width } => {
            Shape::Path { points: points.into_iter().map(down).collect(), width }
        }
        Shape::Polygon(points) => Shape::Polygon(points.into_iter().map(down).collect()),
        Shape::Block(rect) => Shape::Block(lower(&rect, by)),
        Shape::Circle { center, radius, width } => Shape::Circle { center: down(center), radius, width },
        Shape::Text { origin, line, rotated } => Shape::Text { origin: down(origin), line, rotated },
    };
    Item { shape, ..item }
}

/// The words of a figure in one paragraph.
fn description(figure: &Figure) -> Result<String, RenderError> {
    let mut words = vec![markup::plain(&figure.source)?];
    for panel in &figure.panels {
        words.push(match panel {
            Panel::Curves(panel) => {
                let axes = format!("{} against {}", panel.y.label, panel.x.label);
                markup::plain(&if panel.title.is_empty() {
                    axes
                } else {
                    format!("{}: {axes}", panel.title)
                })?
            }
            Panel::Heatmap(panel) => markup::plain(&panel.title)?,
        });
    }
    if let Some(footnote) = &figure.footnote {
        words.push(markup::plain(footnote)?);
    }
    words.retain(|text| !text.trim().is_empty());
    Ok(words.join(". "))
}
