//! Cutting lines and areas at the frame, and lines into dashes.

use super::scene::{Point, Rect};

/// The part of a segment inside `rect` (Liang and Barsky 1984).
pub fn segment(a: Point, b: Point, rect: &Rect) -> Option<(Point, Point)> {
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let (mut enter, mut leave) = (0.0f64, 1.0f64);
    let edges =
        [(-dx, a.0 - rect.left), (dx, rect.right - a.0), (-dy, a.1 - rect.top), (dy, rect.bottom - a.1)];
    for (slope, distance) in edges {
        if slope == 0.0 {
            if distance < 0.0 {
                return None;
            }
            continue;
        }
        let cut = distance / slope;
        if slope < 0.0 {
            enter = enter.max(cut);
        } else {
            leave = leave.min(cut);
        }
    }
    if enter > leave {
        return None;
    }
    let at = |s: f64| (a.0 + s * dx, a.1 + s * dy);
    Some((if enter > 0.0 { at(enter) } else { a }, if leave < 1.0 { at(leave) } else { b }))
}

/// The pieces of a line inside `rect`; `None` among the points is a gap.
pub fn path(points: &[Option<Point>], rect: &Rect) -> Vec<Vec<Point>> {
    let mut pieces: Vec<Vec<Point>> = Vec::new();
    let mut continues = false;
    for pair in points.windows(2) {
        let (Some(a), Some(b)) = (pair[0], pair[1]) else {
            continues = false;
            continue;
        };
        let Some((start, end)) = segment(a, b, rect) else {
            continues = false;
            continue;
        };
        match pieces.last_mut() {
            Some(piece) if continues && start == a => piece.push(end),
            _ => pieces.push(vec![start, end]),
        }
        continues = end == b;
    }
    pieces
}

/// The part of a polygon inside `rect` (Sutherland and Hodgman 1974); empty if there is none.
pub fn polygon(points: &[Point], rect: &Rect) -> Vec<Point> {
    let vertical = |x: f64| move |a: Point, b: Point| (x, a.1 + (x - a.0) / (b.0 - a.0) * (b.1 - a.1));
    let horizontal = |y: f64| move |a: Point, b: Point| (a.0 + (y - a.1) / (b.1 - a.1) * (b.0 - a.0), y);
    let cut = half_plane(points, |p| p.0 >= rect.left, vertical(rect.left));
    let cut = half_plane(&cut, |p| p.0 <= rect.right, vertical(rect.right));
    let cut = half_plane(&cut, |p| p.1 >= rect.top, horizontal(rect.top));
    half_plane(&cut, |p| p.1 <= rect.bottom, horizontal(rect.bottom))
}

fn half_plane(
    points: &[Point],
    keeps: impl Fn(Point) -> bool,
    crossing: impl Fn(Point, Point) -> Point,
) -> Vec<Point> {
    let mut kept = Vec::with_capacity(points.len() + 2);
    for (i, &b) in points.iter().enumerate() {
        let a = points[(i + points.len() - 1) % points.len()];
        if keeps(a) != keeps(b) {
            kept.push(crossing(a, b));
        }
        if keeps(b) {
            kept.push(b);
        }
    }
    kept
}

/// Cuts a line into the strokes of a dash pattern (stroke, gap, stroke, gap, ...); an empty pattern is a
/// solid line.
pub fn dashes(points: &[Point], pattern: &[f64]) -> Vec<Vec<Point>> {
    if pattern.is_empty() {
        return vec![points.to_vec()];
    }
    let mut strokes = Vec::new();
    let mut stroke = vec![points[0]];
    let (mut phase, mut left) = (0, pattern[0]);
    for pair in points.windows(2) {
        let (mut a, b) = (pair[0], pair[1]);
        loop {
            let length = (b.0 - a.0).hypot(b.1 - a.1);
            if length <= left {
                left -= length;
                if phase % 2 == 0 {
                    stroke.push(b);
                }
                break;
            }
            let share = left / length;
            a = (a.0 + share * (b.0 - a.0), a.1 + share * (b.1 - a.1));
            if phase % 2 == 0 {
                stroke.push(a);
                strokes.push(std::mem::take(&mut stroke));
            } else {
                stroke = vec![a];
            }
            phase = (phase + 1) % pattern.len();
            left = pattern[phase];
        }
    }
    if stroke.len() > 1 {
        strokes.push(stroke);
    }
    strokes
}
