//! Drawing: a [`Figure`] becomes one SVG and one PNG.
//!
//! [`compose`] decides on everything (ranges, ticks, clipping, legends, layout) and returns a [`Scene`] of
//! plain shapes in points. These are drawn with the SVG backend of `plotters`, text is converted to outlines of
//! the embedded faces, and the PNG is rasterised from the same outlines: both files look the same everywhere,
//! and equal figures give equal bytes.

mod axis;
mod clip;
mod curves;
mod extent;
mod grid;
mod heatmap;
mod key;
mod legend;
mod page;
mod paint;
mod plot;
pub mod scene;
mod style;
pub mod ticks;
mod words;

pub use crate::markup::{self, check as check_text};
use crate::markup::{MarkupError, font};
pub use page::compose;
pub use scene::Scene;

use super::figure::Figure;

/// Why a figure cannot be drawn.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RenderError {
    #[error("{0}: {help}", help = .0.remedy())]
    Text(#[from] MarkupError),
    #[error(
        "axis `{axis}`: range {lo} to {hi} must be finite and ascending, and positive on a logarithmic axis"
    )]
    Range { axis: String, lo: f64, hi: f64 },
    #[error("`{what}`: {left} values against {right}")]
    Lengths { what: String, left: usize, right: usize },
    #[error("a figure of {columns} columns has no room for its panels: at most {most}")]
    Columns { columns: usize, most: usize },
    #[error("drawing failed: {0}")]
    Backend(String),
}

/// What can be chosen about the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Width of the PNG in pixels; 1400 by default.
    pub png_width: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self { png_width: 1400 }
    }
}

/// A figure as files.
#[derive(Clone, Debug, PartialEq)]
pub struct Rendered {
    /// 180 mm wide, text as outlines, no outside resources.
    pub svg: String,
    pub png: Vec<u8>,
}

/// Draws a figure with the default [`Options`].
///
/// # Errors
/// [`RenderError`]: malformed text, a character without a glyph, lists of different lengths, an axis range
/// that is none.
///
/// ```
/// use asymptotica::report::figure::{Axis, Curves, Figure, Layer, Panel};
/// use asymptotica::report::render::render;
///
/// let x: Vec<f64> = (1..=30).map(f64::from).collect();
/// let y = x.iter().map(|x| x.powf(-0.5)).collect();
/// let curves = Curves {
///     x: Axis::log("$t$"),
///     y: Axis::log("$e$_{g}"),
///     layers: vec![Layer::theory("$K$ = 2", 0, x, y)],
///     ..Curves::default()
/// };
/// let figure = Figure { title: "Decay".into(), panels: vec![Panel::Curves(curves)], ..Figure::default() };
/// let rendered = render(&figure)?;
/// assert!(rendered.svg.starts_with("<svg") && !rendered.svg.contains("<text"));
/// assert_eq!(&rendered.png[1..4], b"PNG");
/// # Ok::<(), asymptotica::report::render::RenderError>(())
/// ```
pub fn render(figure: &Figure) -> Result<Rendered, RenderError> {
    render_with(figure, &Options::default())
}

/// Draws a figure.
///
/// # Errors
/// As [`render`].
pub fn render_with(figure: &Figure, options: &Options) -> Result<Rendered, RenderError> {
    paint::files(&compose(figure)?, options)
}
