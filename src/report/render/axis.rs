//! From values to positions, and the marks of an axis.

use super::RenderError;
use super::font::Face;
use super::markup::{self, Line};
use super::scene::{Item, Rect, Role, Shape};
use super::style::{self, FRAME_WIDTH, INK, MAJOR_TICK, MINOR_TICK, TICK_LABEL};
use super::ticks::{self, Ticks};
use crate::report::figure::{Axis, Scale};

/// Share of the axis left free at each end of the data.
const PADDING: f64 = 0.035;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    Linear,
    Log,
    /// Linear up to [`BEND`], which is at 1, and logarithmic beyond, where a factor e adds `stretch`.
    Bent {
        stretch: f64,
    },
}

/// Where [`Kind::Bent`] bends.
pub const BEND: f64 = 2.0;

impl From<Scale> for Kind {
    fn from(scale: Scale) -> Self {
        match scale {
            Scale::Linear => Kind::Linear,
            Scale::Log => Kind::Log,
        }
    }
}

impl Kind {
    /// The value on the scale of positions, if the axis can show it.
    fn forward(self, value: f64) -> Option<f64> {
        let finite = value.is_finite().then_some(value)?;
        match self {
            Kind::Linear => Some(finite),
            Kind::Log => (finite > 0.0).then(|| finite.log10()),
            Kind::Bent { stretch } => {
                let (size, sign) = (finite.abs() / BEND, finite.signum());
                Some(if size <= 1.0 { finite / BEND } else { sign * (1.0 + stretch * size.ln()) })
            }
        }
    }
}

/// Values `lo..hi` on positions `start..end`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mapping {
    pub kind: Kind,
    pub range: (f64, f64),
    pub start: f64,
    pub end: f64,
}

impl Mapping {
    /// Position of a value; outside the frame for a value out of range, `None` for one that the axis
    /// cannot show at all.
    pub fn at(&self, value: f64) -> Option<f64> {
        let (lo, hi) = (self.kind.forward(self.range.0)?, self.kind.forward(self.range.1)?);
        let share = (self.kind.forward(value)? - lo) / (hi - lo);
        Some(self.start + share * (self.end - self.start))
    }
}

/// Ends of an axis: as given, or from the values shown with some room on both sides. `None` without values.
pub fn range(axis: &Axis, values: impl Iterator<Item = f64>) -> Result<Option<(f64, f64)>, RenderError> {
    let kind = Kind::from(axis.scale);
    if let Some((lo, hi)) = axis.range {
        let shows = kind.forward(lo).is_some() && kind.forward(hi).is_some() && lo < hi;
        let error = || RenderError::Range { axis: axis.label.clone(), lo, hi };
        return if shows { Ok(Some((lo, hi))) } else { Err(error()) };
    }
    let (mut lo, mut hi) = (f64::INFINITY, f64::NEG_INFINITY);
    for value in values.filter_map(|v| kind.forward(v)) {
        lo = lo.min(value);
        hi = hi.max(value);
    }
    if lo > hi {
        return Ok(None);
    }
    // A constant: a decade or so about it, or half its size.
    let width = hi - lo;
    let negligible = match axis.scale {
        Scale::Linear => width <= 1e-12 * lo.abs().max(hi.abs()),
        Scale::Log => width < 1e-9,
    };
    let room = match axis.scale {
        Scale::Linear if negligible => {
            if lo == 0.0 {
                1.0
            } else {
                0.5 * lo.abs()
            }
        }
        Scale::Log if negligible => 0.5,
        Scale::Linear | Scale::Log => PADDING * width,
    };
    let (lo, hi) = (lo - room, hi + room);
    Ok(Some(match axis.scale {
        Scale::Linear => (lo, hi),
        Scale::Log => (10f64.powf(lo), 10f64.powf(hi)),
    }))
}

/// Ticks of an axis with their labels laid out.
pub struct Marks {
    pub ticks: Ticks,
    pub labels: Vec<Line>,
}

impl Marks {
    pub fn new(ticks: Ticks) -> Result<Self, RenderError> {
        let labels = ticks
            .major
            .iter()
            .map(|(_, label)| markup::line(label, TICK_LABEL, Face::Regular))
            .collect::<Result<_, _>>()?;
        Ok(Self { ticks, labels })
    }

    /// Ticks for an upright axis of a given height.
    pub fn upright(scale: Scale, range: (f64, f64), height: f64) -> Result<Self, RenderError> {
        let target = ((height / 24.0) as usize).clamp(2, 8);
        Self::new(choose(scale, range, target))
    }

    /// Ticks for a level axis of a given width, as many as their labels leave room for.
    pub fn level(scale: Scale, range: (f64, f64), width: f64) -> Result<Self, RenderError> {
        let mut target = ((width / 20.0) as usize).clamp(2, 8);
        loop {
            let marks = Self::new(choose(scale, range, target))?;
            let mapping = Mapping { kind: scale.into(), range, start: 0.0, end: width };
            let places: Vec<(f64, f64)> = marks
                .ticks
                .major
                .iter()
                .zip(&marks.labels)
                .filter_map(|((v, _), label)| mapping.at(*v).map(|x| (x, label.width)))
                .collect();
            let free = places
                .windows(2)
                .all(|pair| pair[1].0 - 0.5 * pair[1].1 > pair[0].0 + 0.5 * pair[0].1 + 0.9 * TICK_LABEL);
            if free || target <= 2 {
                return Ok(marks);
            }
            target -= 1;
        }
    }

    pub fn widest(&self) -> f64 {
        self.labels.iter().map(|label| label.width).fold(0.0, f64::max)
    }
}

fn choose(scale: Scale, (lo, hi): (f64, f64), target: usize) -> Ticks {
    match scale {
        Scale::Linear => ticks::linear(lo, hi, target),
        Scale::Log => ticks::log(lo, hi, target),
    }
}

/// An axis label with the power of ten that its ticks share.
pub fn label(text: &str, exponent: Option<i32>) -> String {
    match exponent {
        None => text.into(),
        Some(e) if text.is_empty() => format!("×{}", ticks::power(e)),
        Some(e) => format!("{text}  (×{})", ticks::power(e)),
    }
}

fn stroke(points: Vec<(f64, f64)>) -> Item {
    Item::new(Role::Frame, INK, Shape::Path { points, width: FRAME_WIDTH })
}

/// The four sides of a frame.
pub fn frame(rect: &Rect) -> Item {
    let Rect { left, top, right, bottom } = *rect;
    let middle = 0.5 * (left + right);
    stroke(vec![(middle, top), (right, top), (right, bottom), (left, bottom), (left, top), (middle, top)])
}

/// Ticks at the bottom and top of a frame, labels under it if wanted.
pub fn draw_level(items: &mut Vec<Item>, marks: &Marks, map: &Mapping, rect: &Rect, labelled: bool) {
    for (length, value) in lengths(&marks.ticks) {
        if let Some(x) = map.at(value) {
            items.push(stroke(vec![(x, rect.bottom), (x, rect.bottom - length)]));
            items.push(stroke(vec![(x, rect.top), (x, rect.top + length)]));
        }
    }
    if !labelled {
        return;
    }
    for ((value, _), line) in marks.ticks.major.iter().zip(&marks.labels) {
        if let Some(x) = map.at(*value) {
            let origin = (x - 0.5 * line.width, rect.bottom + 3.2 + 0.95 * TICK_LABEL);
            items.push(text(origin, line.clone()));
        }
    }
}

/// Ticks at the left and right of a frame, labels beside it.
pub fn draw_upright(items: &mut Vec<Item>, marks: &Marks, map: &Mapping, rect: &Rect) {
    for (length, value) in lengths(&marks.ticks) {
        if let Some(y) = map.at(value) {
            items.push(stroke(vec![(rect.left, y), (rect.left + length, y)]));
            items.push(stroke(vec![(rect.right, y), (rect.right - length, y)]));
        }
    }
    for ((value, _), line) in marks.ticks.major.iter().zip(&marks.labels) {
        if let Some(y) = map.at(*value) {
            items.push(text((rect.left - 3.2 - line.width, y + 0.35 * TICK_LABEL), line.clone()));
        }
    }
}

fn lengths(ticks: &Ticks) -> impl Iterator<Item = (f64, f64)> {
    let major = ticks.major.iter().map(|(v, _)| (MAJOR_TICK, *v));
    major.chain(ticks.minor.iter().map(|v| (MINOR_TICK, *v)))
}

fn text(origin: (f64, f64), line: Line) -> Item {
    Item::new(Role::Text, style::INK, Shape::Text { origin, line, rotated: false })
}
