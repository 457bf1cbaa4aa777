//! The marks of the layers of a panel, clipped at its frame.

use super::axis::Mapping;
use super::clip;
use super::legend;
use super::markup::Line;
use super::scene::{Color, Item, Point, Rect, Role, Shape};
use super::style::{self, BAR_WIDTH, GREY, LEGEND, LINE_WIDTH, MARKER_RADIUS, REFERENCE_WIDTH};
use crate::report::figure::{Layer, LayerKind, Overlay};

/// Opacity of the band of a spread.
const BAND_OPACITY: f64 = 0.16;

/// Of single runs.
const RUN_WIDTH: f64 = 0.6;
const RUN_OPACITY: f64 = 0.7;

/// A frame with its two axes.
pub struct Plot<'a> {
    pub x: Mapping,
    pub y: Mapping,
    pub frame: &'a Rect,
    /// Of the markers.
    pub radius: f64,
}

impl Plot<'_> {
    fn at(&self, x: f64, y: f64) -> Option<Point> {
        Some((self.x.at(x)?, self.y.at(y)?))
    }

    pub fn inside(&self, x: f64, y: f64) -> Option<Point> {
        self.at(x, y).filter(|&point| self.frame.contains(point))
    }

    fn strokes(
        &self,
        points: &[Option<Point>],
        pattern: &[f64],
        item: impl Fn(Vec<Point>) -> Item,
    ) -> Vec<Item> {
        let pieces = clip::path(points, self.frame);
        pieces.iter().flat_map(|piece| clip::dashes(piece, pattern)).map(item).collect()
    }

    fn curve(&self, x: &[f64], y: &[f64]) -> Vec<Option<Point>> {
        x.iter().zip(y).map(|(&x, &y)| self.at(x, y)).collect()
    }

    pub fn band(&self, layer: &Layer, items: &mut Vec<Item>) {
        let (x, low, high): (_, Vec<f64>, Vec<f64>) = match &layer.kind {
            LayerKind::Points { x, y, spread: Some(spread), .. } => {
                let edge = |sign: f64| y.iter().zip(spread).map(|(y, s)| y + sign * s).collect();
                (x, edge(-1.0), edge(1.0))
            }
            LayerKind::Band { x, low, high } => (x, low.clone(), high.clone()),
            _ => return,
        };
        // On a logarithmic axis a band that reaches zero has no lower edge: it leaves through the bottom.
        let floor = self.frame.bottom + 10.0 * self.frame.height();
        let edges: Vec<Option<(f64, f64, f64)>> = (0..x.len())
            .map(|i| {
                let above = self.y.at(high[i])?;
                let below = if low[i].is_finite() { self.y.at(low[i]) } else { None };
                Some((self.x.at(x[i])?, above, below.unwrap_or(floor)))
            })
            .collect();
        for run in edges.split(Option::is_none).filter(|run| run.len() > 1) {
            let upper = run.iter().flatten().map(|&(x, above, _)| (x, above));
            let lower = run.iter().rev().flatten().map(|&(x, _, below)| (x, below));
            let outline: Vec<Point> = upper.chain(lower).collect();
            let points = clip::polygon(&outline, self.frame);
            if points.len() > 2 {
                let item = Item::new(Role::Band, style::color(layer.color), Shape::Polygon(points));
                items.push(item.faded(BAND_OPACITY));
            }
        }
    }

    pub fn line(&self, layer: &Layer, items: &mut Vec<Item>) {
        let LayerKind::Theory { x, y, diverged } = &layer.kind else { return };
        let color = style::color(layer.color);
        let points = self.curve(x, y);
        let item = |points| Item::new(Role::Line, color, Shape::Path { points, width: LINE_WIDTH });
        items.extend(self.strokes(&points, style::dash(layer.style), item));
        if diverged.is_some()
            && let Some(end) = points.iter().flatten().rfind(|&&point| self.frame.contains(point))
        {
            items.extend(style::marker(5, *end, 1.5 * MARKER_RADIUS, color, Role::Line));
        }
    }

    pub fn runs(&self, layer: &Layer, items: &mut Vec<Item>) {
        let LayerKind::Runs(runs) = &layer.kind else { return };
        for (x, y) in runs {
            let item = |points| {
                let shape = Shape::Path { points, width: RUN_WIDTH };
                Item::new(Role::Line, GREY, shape).faded(RUN_OPACITY)
            };
            items.extend(self.strokes(&self.curve(x, y), &[], item));
        }
    }

    pub fn points(&self, layer: &Layer, items: &mut Vec<Item>) {
        let LayerKind::Points { x, y, std_error, .. } = &layer.kind else { return };
        let color = style::color(layer.color);
        for (i, (&x, &y)) in x.iter().zip(y).enumerate() {
            let Some(center) = self.inside(x, y) else { continue };
            if let Some(&error) = std_error.get(i).filter(|error| error.is_finite()) {
                self.bar(center, y, error, color, items);
            }
            items.extend(style::marker(layer.style, center, self.radius, color, Role::Marker));
        }
    }

    /// The standard error, from the edge of the marker outwards. Where it reaches zero on a logarithmic
    /// axis it ends in an arrow at the frame.
    fn bar(&self, center: Point, mean: f64, error: f64, color: Color, items: &mut Vec<Item>) {
        let mut push =
            |points| items.push(Item::new(Role::Bar, color, Shape::Path { points, width: BAR_WIDTH }));
        for side in [1.0, -1.0] {
            let away = -side;
            let start = center.1 + away * self.radius;
            let limit = if side > 0.0 { self.frame.top } else { self.frame.bottom };
            let tip = self.y.at(mean + side * error);
            let end = tip.unwrap_or(limit).clamp(self.frame.top, self.frame.bottom);
            if away * (end - start) <= 0.0 {
                continue;
            }
            push(vec![(center.0, start), (center.0, end)]);
            let half = 0.6 * self.radius;
            match tip {
                Some(tip) if tip == end => push(vec![(center.0 - half, end), (center.0 + half, end)]),
                Some(_) => {}
                None => push(vec![
                    (center.0 - half, end - away * 2.2 * half),
                    (center.0, end),
                    (center.0 + half, end - away * 2.2 * half),
                ]),
            }
        }
    }

    pub fn overlay(&self, layer: &Layer, items: &mut Vec<Item>) {
        let LayerKind::Overlay(overlay) = &layer.kind else { return };
        let points = match overlay {
            Overlay::Horizontal(y) => {
                let y = self.y.at(*y);
                vec![y.map(|y| (self.frame.left, y)), y.map(|y| (self.frame.right, y))]
            }
            Overlay::Vertical(x) => {
                let x = self.x.at(*x);
                vec![x.map(|x| (x, self.frame.bottom)), x.map(|x| (x, self.frame.top))]
            }
            Overlay::Curve { x, y } => self.curve(x, y),
        };
        let item = |points| Item::new(Role::Reference, GREY, Shape::Path { points, width: REFERENCE_WIDTH });
        items.extend(self.strokes(&points, style::reference(layer.style), item));
    }

    /// The name of a straight reference at a place beside it where it covers no data, if there is one.
    pub fn beside(&self, overlay: &Overlay, line: &Line, items: &[Item]) -> Option<Item> {
        let frame = self.frame;
        let inset = 6.0;
        let places: Vec<Point> = match overlay {
            Overlay::Curve { .. } => return None,
            Overlay::Horizontal(y) => {
                let y = self.y.at(*y)?;
                let lefts = [
                    frame.right - inset - line.width,
                    frame.left + inset,
                    0.5 * (frame.left + frame.right - line.width),
                ];
                lefts.iter().flat_map(|&x| [(x, y - 3.4), (x, y + 0.74 * LEGEND + 2.0)]).collect()
            }
            Overlay::Vertical(x) => {
                let x = self.x.at(*x)?;
                let heights = [frame.top + inset + 0.74 * LEGEND, frame.bottom - inset];
                heights.iter().flat_map(|&y| [(x + 3.0, y), (x - 3.0 - line.width, y)]).collect()
            }
        };
        let mut texts = places.into_iter().map(|origin| {
            let shape = Shape::Text { origin, line: line.clone(), rotated: false };
            Item::new(Role::Reference, GREY, shape)
        });
        let obstacles: Vec<&Item> = items.iter().filter(|item| item.role.shows_data()).collect();
        texts.find(|text| {
            let bounds = text.bounds();
            let room = bounds.grown(1.2);
            frame.contains((bounds.left, bounds.top))
                && frame.contains((bounds.right, bounds.bottom))
                && !obstacles.iter().any(|item| legend::reaches(item, &room))
        })
    }
}
