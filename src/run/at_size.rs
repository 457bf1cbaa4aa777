//! What a claim or a panel about finite size compares: the law at a size against the runs of that size.

use super::collect::{Predicted, Track};
use crate::compare::{Group, Moments};
use crate::report::data::{Row, Source};
use crate::report::figure::{Curves, Layer, Overlay};
use crate::run::draw;
use crate::scenario::{About, Against, FiniteSizePanel, Quantity, Scenario};
use crate::theory::SizeRow;

/// The curve that a claim compares, if its prediction exists.
pub(super) fn compared(about: About, track: &Track) -> Option<Group> {
    match about {
        About::Law => Some(track.group.clone()),
        About::Mean => mean(track),
        About::Spread => spread(track),
    }
}

/// The curve against its predicted mean in place of the law. A mean of logarithms would be another one.
fn mean(track: &Track) -> Option<Group> {
    let predicted = track.predicted.as_ref()?;
    let mut group = Group { positive: false, ..track.group.clone() };
    let at = |x: &f64| predicted.position(*x);
    group.law = vec![group.x.iter().map(|x| at(x).map(|k| predicted.mean[k])).collect()];
    group.law_error = group.x.iter().map(|x| at(x).map_or(0.0, |k| predicted.error[k])).collect();
    Some(group)
}

/// Squared deviations of the runs from their mean, times n/(n - 1), against the predicted variance: their mean
/// over runs is the sample variance. Points that are predicted not to spread are left out.
fn spread(track: &Track) -> Option<Group> {
    let predicted = track.predicted.as_ref()?;
    let group = &track.group;
    let points: Vec<(usize, f64)> = (0..group.x.len())
        .filter_map(|p| Some((p, predicted.std[predicted.position(group.x[p])?].powi(2))))
        .filter(|&(_, variance)| variance > 0.0)
        .collect();
    let column = |p: usize| -> Vec<f64> {
        group.simulation.iter().filter_map(|row| row[p].filter(|value| value.is_finite())).collect()
    };
    let moments: Vec<Option<Moments>> = points.iter().map(|&(p, _)| Moments::of(&column(p))).collect();
    let square = |row: &Vec<Option<f64>>| -> Vec<Option<f64>> {
        let one = |(&(p, _), moments): (&(usize, f64), &Option<Moments>)| {
            let moments = moments.as_ref().filter(|moments| moments.count > 1)?;
            let n = moments.count as f64;
            Some((row[p]? - moments.mean).powi(2) * n / (n - 1.0))
        };
        points.iter().zip(&moments).map(one).collect()
    };
    Some(Group {
        observable: format!("variance of {}", group.observable),
        positive: false,
        x: points.iter().map(|&(p, _)| group.x[p]).collect(),
        simulation: group.simulation.iter().map(square).collect(),
        law: vec![points.iter().map(|&(_, variance)| Some(variance)).collect()],
        law_error: vec![0.0; points.len()],
        ..group.clone()
    })
}

/// Rows of the table: mean and standard deviation over runs as predicted, and the quantiles as rows of their own.
pub(super) fn rows(group: &Group, predicted: &Predicted) -> Vec<Row> {
    let row = |observable: String, x: f64, mean: f64| Row {
        series: group.label.clone(),
        observable,
        x,
        source: Source::AtSize,
        size: Some(group.size),
        mean,
        std_error: None,
        std: None,
        replicas: None,
    };
    let mut rows = Vec::new();
    for (k, &x) in predicted.x.iter().enumerate() {
        rows.push(Row {
            std_error: Some(predicted.error[k]),
            std: Some(predicted.std[k]),
            ..row(group.observable.clone(), x, predicted.mean[k])
        });
    }
    for (suffix, values) in SizeRow::QUANTILES.iter().zip(&predicted.quantiles) {
        let name = format!("{}{suffix}", group.observable);
        rows.extend(predicted.x.iter().zip(values).map(|(&x, &value)| row(name.clone(), x, value)));
    }
    rows
}

/// A finite-size panel: one line for the prediction, points for every size.
pub(super) fn panel(scenario: &Scenario, rows: &[Row], panel: &FiniteSizePanel) -> Curves {
    let symbol = scenario.cases[0].problem.size_symbol();
    let what = match panel.quantity {
        Quantity::Variance => format!("{symbol} × variance over runs"),
        Quantity::Shift => format!("{symbol} × (mean over runs − law)"),
        Quantity::RelativeSpread => format!("√{symbol} × standard deviation over runs / law"),
        Quantity::VarianceRatio => "variance over runs / prediction".into(),
    };
    let mut drawn = Curves {
        title: panel.title.clone(),
        x: draw::axis(&panel.x_label, panel.log_x, None),
        y: draw::axis(&what, panel.log_y, panel.y_range),
        ..Curves::default()
    };
    let mut index = 0;
    for &series in &panel.series {
        for observable in &panel.y {
            let label = &scenario.series[series];
            let own: Vec<&Row> =
                rows.iter().filter(|r| r.series == *label && r.observable == *observable).collect();
            let curve = Measured::new(own, panel.quantity);
            let Some(&largest) = curve.sizes.last() else { continue };
            let mut name = draw::entry_label(scenario, observable);
            if panel.series.len() > 1 {
                name = format!("{label}, {name}");
            }
            if panel.against == Against::Points && panel.quantity != Quantity::VarianceRatio {
                let (x, y) = curve.predicted(largest).into_iter().unzip();
                drawn.layers.push(Layer::theory(&name, index, x, y));
            }
            for (style, &size) in curve.sizes.iter().enumerate() {
                let points = curve.at(size);
                let of = |f: fn(&Point) -> f64| points.iter().map(f).collect::<Vec<_>>();
                let x = if panel.against == Against::Variance { of(|p| p.variance) } else { of(|p| p.x) };
                let name = format!("{name}, {symbol} = {size}");
                let mut layer = Layer::points(name, index, x, of(|p| p.y), of(|p| p.error));
                layer.style = style;
                drawn.layers.push(layer);
            }
            index += 1;
        }
    }
    if panel.quantity == Quantity::VarianceRatio {
        drawn.layers.push(Layer::overlay("prediction", 0, Overlay::Horizontal(1.0)));
    }
    drawn
}

/// What one point of a panel shows.
struct Point {
    x: f64,
    /// Predicted.
    variance: f64,
    y: f64,
    error: f64,
}

/// The rows of one observable of one series.
struct Measured<'a> {
    rows: Vec<&'a Row>,
    sizes: Vec<usize>,
    quantity: Quantity,
}

impl<'a> Measured<'a> {
    fn new(rows: Vec<&'a Row>, quantity: Quantity) -> Self {
        let mut sizes: Vec<usize> =
            rows.iter().filter(|r| r.source == Source::AtSize).filter_map(|r| r.size).collect();
        sizes.sort_unstable();
        sizes.dedup();
        Self { rows, sizes, quantity }
    }

    fn of(&self, size: usize, source: fn(Source) -> bool) -> impl Iterator<Item = &'a Row> {
        self.rows.iter().copied().filter(move |r| source(r.source) && r.size == Some(size))
    }

    fn law(&self, size: usize, x: f64) -> f64 {
        self.of(size, |s| s == Source::Law).find(|r| r.x == x).map_or(f64::NAN, |r| r.mean)
    }

    /// The prediction at one size, over the points.
    fn predicted(&self, size: usize) -> Vec<(f64, f64)> {
        let d = size as f64;
        let value = |r: &Row| {
            let std = r.std.unwrap_or(f64::NAN);
            match self.quantity {
                Quantity::Shift => d * (r.mean - self.law(size, r.x)),
                Quantity::RelativeSpread => d.sqrt() * std / self.law(size, r.x),
                _ => d * std * std,
            }
        };
        self.of(size, |s| s == Source::AtSize).map(|r| (r.x, value(r))).collect()
    }

    /// What was measured at one size.
    fn at(&self, size: usize) -> Vec<Point> {
        let d = size as f64;
        let predicted = |x: f64| {
            let at = self.of(size, |s| s == Source::AtSize).find(|r| r.x == x);
            at.and_then(|r| r.std).map_or(f64::NAN, |std| std * std)
        };
        let source: fn(Source) -> bool = match self.quantity {
            Quantity::Shift => |s| s == Source::Residual,
            _ => Source::is_simulation,
        };
        let point = |r: &Row| {
            let runs = r.replicas.unwrap_or(0) as f64;
            let variance = r.std.unwrap_or(f64::NAN).powi(2);
            // Standard error of a variance, relative to it.
            let chance = (2.0 / (runs - 1.0)).sqrt();
            let expected = predicted(r.x);
            let (y, error) = match self.quantity {
                Quantity::Variance => (d * variance, d * variance * chance),
                Quantity::Shift => (d * r.mean, d * r.std_error.unwrap_or(f64::NAN)),
                Quantity::RelativeSpread => {
                    let y = (d * variance).sqrt() / self.law(size, r.x);
                    (y, 0.5 * y * chance)
                }
                Quantity::VarianceRatio => (variance / expected, variance / expected * chance),
            };
            Point { x: r.x, variance: expected, y, error }
        };
        self.of(size, source).map(point).filter(|p| p.y.is_finite()).collect()
    }
}
