//! Panels that show where a curve passes a level, against size, with fitted powers: hitting times and their
//! quantiles, where the curve is the distribution function of a time.

use super::draw::{Abscissa, axis};
use crate::report::data::{Row, Source};
use crate::report::figure::{Curves, Layer, Overlay};
use crate::scenario::{CrossingsPanel, Scenario};

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
    let abscissa = Abscissa::new(scenario, &panel.x, &panel.y_divided_by);
    let mut style = 0;
    for &series in &panel.series {
        for &level in &panel.levels {
            let mut parts = Vec::new();
            if panel.series.len() > 1 {
                parts.push(scenario.series[series].clone());
            }
            if panel.levels.len() > 1 {
                parts.push(format!("{level}"));
            }
            let found =
                |simulated: bool| passages(scenario, rows, panel, &abscissa, series, level, simulated);
            let law = found(false);
            let measured = found(true);
            if law.len() > 1 {
                let (x, y) = law.iter().map(|p| (p.size, p.x)).unzip();
                drawn.layers.push(Layer::theory("", style, x, y));
            }
            if measured.is_empty() {
                drawn.notes.push(format!("{}: never passed", parts.join(", ")));
                continue;
            }
            if let Some((power, error)) = panel.fit.then(|| fit(&measured)).flatten() {
                let digits = if error < 0.01 { 3 } else { 2 };
                let text = format!("{power:.digits$} ± {error:.digits$}").replace('-', "−");
                parts.push(format!("{symbol}^{{{text}}}"));
                let (x_middle, y_middle) = middle(&measured);
                let line = |p: &Passage| (y_middle + power * (p.size.ln() - x_middle)).exp();
                let (x, y) = measured.iter().map(|p| (p.size, line(p))).unzip();
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

/// The first upward passage of a level at every size. A mean with the standard error e passes within e over the slope.
fn passages(
    scenario: &Scenario,
    rows: &[Row],
    panel: &CrossingsPanel,
    abscissa: &Abscissa<'_>,
    series: usize,
    level: f64,
    simulated: bool,
) -> Vec<Passage> {
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
        let [x_a, x_b] = [a, b].map(|r| abscissa.x(series, r.size, r.x) / abscissa.unit(series, r.size, r.x));
        let mix = |f: fn(&Row) -> f64| (1.0 - share) * f(a) + share * f(b);
        let error = mix(|r| r.std_error.unwrap_or(0.0)) * (x_b - x_a) / (b.mean - a.mean);
        Some(Passage { size: size as f64, x: x_a + share * (x_b - x_a), error })
    };
    sizes.into_iter().filter_map(at_size).collect()
}

/// Weight of a passage in logarithms; no error counts as less than a per mille.
fn weight(p: &Passage) -> f64 {
    (p.x / p.error.max(1e-3 * p.x)).powi(2)
}

fn middle(passages: &[Passage]) -> (f64, f64) {
    let total: f64 = passages.iter().map(weight).sum();
    let mean = |f: fn(&Passage) -> f64| passages.iter().map(|p| weight(p) * f(p).ln()).sum::<f64>() / total;
    (mean(|p| p.size), mean(|p| p.x))
}

/// The power of size that fits best, with its standard error: from the errors of the passages, larger by the root of
/// chi^2 per degree of freedom where they scatter more. Needs three sizes.
fn fit(passages: &[Passage]) -> Option<(f64, f64)> {
    if passages.len() < 3 || passages.iter().any(|p| p.x <= 0.0) {
        return None;
    }
    let (x_middle, y_middle) = middle(passages);
    let deviation = |p: &Passage| (p.size.ln() - x_middle, p.x.ln() - y_middle);
    let sum = |f: fn((f64, f64)) -> f64| passages.iter().map(|p| weight(p) * f(deviation(p))).sum::<f64>();
    let width = sum(|(x, _)| x * x);
    let power = sum(|(x, y)| x * y) / width;
    let misfit: f64 = passages
        .iter()
        .map(|p| {
            let (x, y) = deviation(p);
            weight(p) * (y - power * x).powi(2)
        })
        .sum();
    let excess = (misfit / (passages.len() - 2) as f64).max(1.0);
    Some((power, (excess / width).sqrt()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_power_law_is_fitted_as_what_it_is() {
        let passage = |size: f64| Passage { size, x: 3.0 * size.powf(1.7), error: 0.01 * size.powf(1.7) };
        let exact: Vec<Passage> = [10.0, 30.0, 100.0, 1000.0].map(passage).to_vec();
        let (power, error) = fit(&exact).expect("four sizes");
        assert!((power - 1.7).abs() < 1e-12 && error > 0.0 && error < 0.01, "{power} {error}");
        assert!(fit(&exact[..2]).is_none());
    }
}
