//! The words of a page: paragraphs, headings of panels, and the description for those who cannot see it.

use super::RenderError;
use super::font::Face;
use super::grid::OVERHANG;
use super::markup::{self, LEADING};
use super::scene::{Color, Item, Role, Shape};
use super::style::{INK, LABEL};
use crate::report::figure::{Figure, Panel};

pub fn paragraph(
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

/// Letter and title of a panel from zero downwards, and their height with the space to the frame.
pub fn heading(figure: &Figure, i: usize, left: f64, width: f64) -> Result<(Vec<Item>, f64), RenderError> {
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

/// The words of a figure in one paragraph.
pub fn description(figure: &Figure) -> Result<String, RenderError> {
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
