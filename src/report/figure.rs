//! What a figure shows, before anything is drawn: panels, layers, axes, and the words around them.
//!
//! Nothing here has a size or a position. [`render`](crate::report::render::render) decides on ticks,
//! ranges, legends and layout, so that every figure of the crate looks alike.
//!
//! # Text
//! Titles, labels and notes are written in a small markup: `_{..}` and `^{..}` are sub- and superscripts
//! (both on one symbol are stacked, and they may be nested), `$..$` sets letters in italics as a formula
//! does and turns `-` into a minus sign, and a backslash takes the next character literally. Greek letters are
//! typed as such. A lone underscore is an underscore, so names such as `generalisation_error` need no care.
//!
//! ```text
//! $e$_{g} / $σ$^{2}      $R_{in}$      10^{-3}      mean over 16 replicas, $d$ = 784
//! ```

/// One figure: panels in reading order under a common title.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figure {
    pub title: String,
    /// Paper and figure that the data belong to, printed small under the title.
    pub source: String,
    pub panels: Vec<Panel>,
    /// Printed under the panels, for example the verdict. Line breaks are kept.
    pub footnote: Option<String>,
    /// Panels side by side; chosen from their number if absent.
    pub columns: Option<usize>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Panel {
    Curves(Curves),
    Heatmap(Heatmap),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scale {
    #[default]
    Linear,
    Log,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Axis {
    pub label: String,
    pub scale: Scale,
    /// Ends of the axis; from the data if absent.
    pub range: Option<(f64, f64)>,
}

impl Axis {
    pub fn linear(label: impl Into<String>) -> Self {
        Self { label: label.into(), scale: Scale::Linear, range: None }
    }

    pub fn log(label: impl Into<String>) -> Self {
        Self { label: label.into(), scale: Scale::Log, range: None }
    }
}

/// A panel of curves and points over a common abscissa.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curves {
    pub title: String,
    pub x: Axis,
    pub y: Axis,
    pub layers: Vec<Layer>,
    /// Ranges of x that the claim covers; the rest is shaded. Empty if nothing is to be shaded.
    pub windows: Vec<(f64, f64)>,
    pub residuals: Option<Residuals>,
    /// What a band of points means; the standard deviation over replicas if empty.
    pub band: String,
    /// Small lines under the panel.
    pub notes: Vec<String>,
}

/// One set of marks in a panel.
///
/// Layers with the same label share one row of the legend: the line of a theory and the points of the
/// simulation that belongs to it carry the same label and the same `color`.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// Row of the legend; empty for the only series of a panel.
    pub label: String,
    /// Colour of the series, by position in the palette (which repeats, darker).
    pub color: usize,
    /// Dash pattern of a line or shape of a marker, by position.
    pub style: usize,
    pub kind: LayerKind,
}

#[derive(Clone, Debug, PartialEq)]
pub enum LayerKind {
    /// The law: a line. Values that are not finite leave a gap.
    Theory {
        x: Vec<f64>,
        y: Vec<f64>,
        /// The time after which the trajectory diverged: its last point is crossed and the time noted.
        diverged: Option<f64>,
    },
    /// The simulation: open markers with the standard error of the mean as a bar.
    Points {
        x: Vec<f64>,
        y: Vec<f64>,
        /// Standard error of each mean, empty if there is none.
        std_error: Vec<f64>,
        /// Standard deviation over replicas, drawn as a light band.
        spread: Option<Vec<f64>>,
    },
    /// Where the law expects single runs: a band.
    Band { x: Vec<f64>, low: Vec<f64>, high: Vec<f64> },
    /// Single runs of the simulation: thin lines, abscissae and ordinates of each.
    Runs(Vec<(Vec<f64>, Vec<f64>)>),
    /// A reference that is neither road, drawn thin and grey.
    Overlay(Overlay),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Overlay {
    /// At one y, across the panel.
    Horizontal(f64),
    /// At one x, from bottom to top.
    Vertical(f64),
    Curve {
        x: Vec<f64>,
        y: Vec<f64>,
    },
}

impl Layer {
    /// The line of series number `series`.
    pub fn theory(label: impl Into<String>, series: usize, x: Vec<f64>, y: Vec<f64>) -> Self {
        let kind = LayerKind::Theory { x, y, diverged: None };
        Self { label: label.into(), color: series, style: series, kind }
    }

    /// The points of series number `series`, with their standard errors.
    pub fn points(
        label: impl Into<String>,
        series: usize,
        x: Vec<f64>,
        y: Vec<f64>,
        std_error: Vec<f64>,
    ) -> Self {
        let kind = LayerKind::Points { x, y, std_error, spread: None };
        Self { label: label.into(), color: series, style: series, kind }
    }

    /// The range in which the law of series number `series` expects single runs.
    pub fn band(series: usize, x: Vec<f64>, low: Vec<f64>, high: Vec<f64>) -> Self {
        let kind = LayerKind::Band { x, low, high };
        Self { label: String::new(), color: series, style: series, kind }
    }

    /// Single runs of series number `series`.
    pub fn runs(series: usize, runs: Vec<(Vec<f64>, Vec<f64>)>) -> Self {
        Self { label: String::new(), color: series, style: series, kind: LayerKind::Runs(runs) }
    }

    /// A reference; `style` sets the dots of the `style`-th reference of the panel apart.
    pub fn overlay(label: impl Into<String>, style: usize, overlay: Overlay) -> Self {
        Self { label: label.into(), color: 0, style, kind: LayerKind::Overlay(overlay) }
    }

    /// Adds the standard deviation over replicas to a layer of points.
    ///
    /// # Panics
    /// If the layer holds no points.
    pub fn with_spread(mut self, std: Vec<f64>) -> Self {
        match &mut self.kind {
            LayerKind::Points { spread, .. } => *spread = Some(std),
            _ => panic!("only points have a spread"),
        }
        self
    }

    /// Marks the line of a theory as diverged after `time`.
    ///
    /// # Panics
    /// If the layer is not a theory.
    pub fn diverged_at(mut self, time: f64) -> Self {
        match &mut self.kind {
            LayerKind::Theory { diverged, .. } => *diverged = Some(time),
            _ => panic!("only a theory diverges"),
        }
        self
    }
}

/// The strip under a panel: simulation minus law, in units of the standard error, with a guide at +-2.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Residuals {
    pub series: Vec<ResidualSeries>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct ResidualSeries {
    /// Colour and marker of the points that the residuals belong to.
    pub color: usize,
    pub style: usize,
    pub x: Vec<f64>,
    /// (mean - law) / standard error; values that are not finite are left out and counted.
    pub z: Vec<f64>,
}

/// Matrices side by side on one diverging colour scale that is symmetric about zero.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Heatmap {
    pub title: String,
    /// One label for each row and column of every block; none are drawn where the list is empty.
    pub row_labels: Vec<String>,
    pub column_labels: Vec<String>,
    pub blocks: Vec<HeatBlock>,
    pub notes: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct HeatBlock {
    /// "theory", "simulation", ...
    pub name: String,
    /// `values[row][column]`.
    pub values: Vec<Vec<f64>>,
}
