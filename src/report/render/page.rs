//! From a figure to a page: panels row by row under the title, legends, key and footnote under them.

use super::RenderError;
use super::curves;
use super::font::Face;
use super::grid::{MARGIN, Measured, equalise, grids, place, row_height};
use super::heatmap;
use super::key::{key, set_legends};
use super::legend::Block;
use super::markup;
use super::scene::{Item, Rect, Role, Scene, Shape};
use super::style::{GREY, INK, NOTE, PAGE_WIDTH, SUBTITLE, TITLE};
use super::words::{description, heading, paragraph};
use crate::report::figure::{Figure, Panel};

const ROW_GAP: f64 = 12.0;

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
