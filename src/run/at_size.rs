//! What a claim or a panel about finite size compares: the law at a size against the runs of that size.

use super::collect::{Predicted, Track};
use crate::compare::{Group, Moments};
use crate::report::data::{Row, Source};
use crate::report::figure::{Axis, Curves, Layer};
use crate::run::draw;
use crate::scenario::{About, FiniteSizePanel, Quantity, Scenario};
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

/// Spread or shift times size over time: one line for the prediction, points for every size.
pub(super) fn panel(scenario: &Scenario, rows: &[Row], panel: &FiniteSizePanel) -> Curves {
    let symbol = scenario.cases[0].problem.size_symbol();
    let what = match panel.quantity {
        Quantity::Variance => format!("{symbol} × variance over runs"),
        Quantity::Shift => format!("{symbol} × (mean over runs − law)"),
    };
    let mut drawn = Curves {
        title: panel.title.clone(),
        x: Axis::linear(&panel.x_label),
        y: Axis { range: panel.y_range, ..Axis::linear(what) },
        ..Curves::default()
    };
    let mut index = 0;
    for &series in &panel.series {
        for observable in &panel.y {
            let label = &scenario.series[series];
            let of = |source: fn(Source) -> bool| -> Vec<&Row> {
                let own = |r: &&Row| source(r.source) && r.series == *label && r.observable == *observable;
                rows.iter().filter(own).collect()
            };
            let (law, at_size) = (of(|s| s == Source::Law), of(|s| s == Source::AtSize));
            let mut sizes: Vec<usize> = at_size.iter().filter_map(|r| r.size).collect();
            sizes.sort_unstable();
            sizes.dedup();
            let Some(&largest) = sizes.last() else { continue };
            let limit =
                |r: &Row| law.iter().find(|l| (l.size, l.x) == (r.size, r.x)).map_or(f64::NAN, |l| l.mean);
            let scaled = |r: &Row| match panel.quantity {
                Quantity::Variance => largest as f64 * r.std.unwrap_or(f64::NAN).powi(2),
                Quantity::Shift => largest as f64 * (r.mean - limit(r)),
            };
            let line: Vec<(f64, f64)> =
                at_size.iter().filter(|r| r.size == Some(largest)).map(|r| (r.x, scaled(r))).collect();
            let (x, y) = line.into_iter().unzip();
            let mut name = draw::entry_label(scenario, observable);
            if panel.series.len() > 1 {
                name = format!("{label}, {name}");
            }
            drawn.layers.push(Layer::theory(&name, index, x, y));
            let points = match panel.quantity {
                Quantity::Variance => of(Source::is_simulation),
                Quantity::Shift => of(|s| s == Source::Residual),
            };
            for (style, &size) in sizes.iter().enumerate() {
                let d = size as f64;
                let (mut x, mut y, mut error) = (Vec::new(), Vec::new(), Vec::new());
                for r in points.iter().filter(|r| r.size == Some(size)) {
                    let n = r.replicas.unwrap_or(0) as f64;
                    let (value, bar) = match panel.quantity {
                        Quantity::Variance => {
                            let variance = r.std.unwrap_or(f64::NAN).powi(2);
                            (d * variance, d * variance * (2.0 / (n - 1.0)).sqrt())
                        }
                        Quantity::Shift => (d * r.mean, d * r.std_error.unwrap_or(f64::NAN)),
                    };
                    x.push(r.x);
                    y.push(value);
                    error.push(bar);
                }
                let mut layer = Layer::points(format!("{name}, {symbol} = {size}"), index, x, y, error);
                layer.style = style;
                drawn.layers.push(layer);
            }
            index += 1;
        }
    }
    drawn
}
