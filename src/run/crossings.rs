//! Panels that show where a curve passes a level, against size, with fitted powers: hitting times and their
//! quantiles, where the curve is the distribution function of a time.

use super::abscissa::Abscissa;
use super::draw::axis;
use super::power_fit::{Point, PowerFit, fit};
use crate::report::data::{Row, Source};
use crate::report::figure::{Curves, Layer, Overlay};
use crate::scenario::{CrossingsPanel, Expression, PowersAgainst, Scenario};

/// A passage at one size.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Passage {
    size: f64,
    x: f64,
    error: f64,
}

pub(super) fn crossings(scenario: &Scenario, rows: &[Row], panel: &CrossingsPanel) -> Curves {
    let symbol = scenario.cases[0].problem.size_symbol();
    let mut drawn = Curves {
        title: panel.title.clone(),
        x: axis(symbol, true, None),
        y: axis(&panel.y_label, panel.log_y, None),
        ..Curves::default()
    };
    let road = Road::new(scenario, rows, panel);
    let mut style = 0;
    for (at, &series) in panel.series.iter().enumerate() {
        for &level in &panel.levels {
            let mut parts = Vec::new();
            if panel.series.len() > 1 {
                parts.push(scenario.series[series].clone());
            }
            if panel.levels.len() > 1 {
                parts.push(format!("{level}"));
            }
            let law = road.passages(series, level, false);
            let measured = road.passages(series, level, true);
            if law.len() > 1 {
                let (x, y) = law.iter().map(|p| (p.size, p.x)).unzip();
                drawn.layers.push(Layer::theory("", style, x, y));
            }
            if measured.is_empty() {
                drawn.notes.push(format!("{}: never passed", parts.join(", ")));
                continue;
            }
            if let Some(found) = panel.fit.then(|| road.fit(at, &measured)).flatten() {
                parts.push(format!("{symbol}^{{{}}}", with_error(&found)));
                let (x, y) = road.line(at, &found, &measured);
                drawn.layers.push(Layer::overlay("", style, Overlay::Curve { x, y }));
            }
            let of = |f: fn(&Passage) -> f64| measured.iter().map(f).collect::<Vec<_>>();
            let points = Layer::points(parts.join(": "), style, of(|p| p.size), of(|p| p.x), of(|p| p.error));
            drawn.layers.push(points);
            style += 1;
        }
    }
    drawn
}

/// Fitted powers of the size against a number that belongs to each series, with the powers expected.
pub(super) fn powers(
    scenario: &Scenario,
    rows: &[Row],
    panel: &CrossingsPanel,
    order: &PowersAgainst,
) -> Curves {
    let mut drawn = Curves {
        title: panel.title.clone(),
        x: axis(&order.x_label, false, None),
        y: axis(&panel.y_label, false, None),
        ..Curves::default()
    };
    drawn.layers.push(Layer::theory("expected", 0, order.order.clone(), order.expected.clone()));
    let road = Road::new(scenario, rows, panel);
    for (l, &level) in panel.levels.iter().enumerate() {
        let (mut x, mut y, mut errors) = (Vec::new(), Vec::new(), Vec::new());
        for (at, &series) in panel.series.iter().enumerate() {
            match road.fit(at, &road.passages(series, level, true)) {
                Some(found) => {
                    x.push(order.order[at]);
                    y.push(found.power);
                    errors.push(found.error);
                    if l == 0 {
                        drawn.notes.push(format!("{}: {}", scenario.series[series], with_error(&found)));
                    }
                }
                None => drawn.notes.push(format!("{}: too few sizes for a fit", scenario.series[series])),
            }
        }
        let label = if panel.levels.len() > 1 { format!("measured, {level}") } else { "measured".into() };
        drawn.layers.push(Layer::points(label, l + 1, x, y, errors));
    }
    drawn
}

fn with_error(found: &PowerFit) -> String {
    let digits = if found.error < 0.01 { 3 } else { 2 };
    format!("{:.digits$} ± {:.digits$}", found.power, found.error).replace('-', "−")
}

/// What the panel reads: the table, what a passage is, and the factor of each series.
struct Road<'a> {
    scenario: &'a Scenario,
    rows: &'a [Row],
    panel: &'a CrossingsPanel,
    abscissa: Abscissa<'a>,
    factors: Vec<Option<Expression>>,
}

impl<'a> Road<'a> {
    fn new(scenario: &'a Scenario, rows: &'a [Row], panel: &'a CrossingsPanel) -> Self {
        let parse = |text: &String| Expression::parse(text).ok();
        Self {
            scenario,
            rows,
            panel,
            abscissa: Abscissa::new(scenario, &panel.x, &panel.y_divided_by),
            factors: panel.factors.iter().map(parse).collect(),
        }
    }

    /// F at a size, for the series at a position of the panel; 1 if none is stated.
    fn factor(&self, at: usize, size: f64) -> f64 {
        let expression = self.factors.get(at).and_then(Option::as_ref);
        let value =
            |formula| self.abscissa.evaluate(formula, self.panel.series[at], Some(size as usize), 0.0);
        expression.map_or(1.0, value)
    }

    fn fit(&self, at: usize, passages: &[Passage]) -> Option<PowerFit> {
        let point =
            |p: &Passage| Point { size: p.size, y: p.x, error: p.error, factor: self.factor(at, p.size) };
        fit(&passages.iter().map(point).collect::<Vec<_>>())
    }

    /// The fitted function between the smallest and the largest size.
    fn line(&self, at: usize, found: &PowerFit, passages: &[Passage]) -> (Vec<f64>, Vec<f64>) {
        let ends = passages.first().zip(passages.last());
        let (low, high) = ends.map_or((1.0, 1.0), |(a, b)| (a.size, b.size));
        let sizes = (0..=32).map(|i| (low * (high / low).powf(f64::from(i) / 32.0)).round());
        sizes.map(|size| (size, found.value(size, self.factor(at, size)))).unzip()
    }

    /// The first upward passage of a level at every size. A mean with the standard error e passes within e over the
    /// slope.
    fn passages(&self, series: usize, level: f64, simulated: bool) -> Vec<Passage> {
        let (scenario, rows, panel) = (self.scenario, self.rows, self.panel);
        let abscissa = &self.abscissa;
        // A law at the size of the runs says more than the limit.
        let at_size = rows.iter().any(|r| r.source == Source::AtSize && r.observable == panel.y);
        let predicts = if at_size { Source::AtSize } else { Source::Law };
        let of_curve = |r: &&Row| {
            r.series == scenario.series[series]
                && r.observable == panel.y
                && if simulated { r.source.is_simulation() } else { r.source == predicts }
                && r.size.is_some()
        };
        let mut sizes: Vec<usize> = rows.iter().filter(of_curve).filter_map(|r| r.size).collect();
        sizes.sort_unstable();
        sizes.dedup();
        let at_size = |size: usize| -> Option<Passage> {
            let curve: Vec<&Row> = rows.iter().filter(of_curve).filter(|r| r.size == Some(size)).collect();
            let pair = curve.windows(2).find(|w| w[0].mean < level && w[1].mean >= level)?;
            let [a, b] = [pair[0], pair[1]];
            let share = (level - a.mean) / (b.mean - a.mean);
            let [x_a, x_b] =
                [a, b].map(|r| abscissa.x(series, r.size, r.x) / abscissa.unit(series, r.size, r.x));
            let mix = |f: fn(&Row) -> f64| (1.0 - share) * f(a) + share * f(b);
            let error = mix(|r| r.std_error.unwrap_or(0.0)) * (x_b - x_a) / (b.mean - a.mean);
            Some(Passage { size: size as f64, x: x_a + share * (x_b - x_a), error })
        };
        sizes.into_iter().filter_map(at_size).collect()
    }
}
