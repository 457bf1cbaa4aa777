//! Panels of claims about the limit: gaps at every size beside the band of the limit, and bias and spread
//! against size.

use super::draw::entry_label;
use crate::compare::{Answer, Approach, Exponent, Extrapolated, Judged, Scale as Unit, Unresolved};
use crate::report::figure::{Axis, Curves, Layer, LayerKind, Overlay};
use crate::scenario::{ApproachPanel, Scenario};

/// Most curves in one panel of sizes.
const MOST_CURVES: usize = 4;

/// One curve of the claim with its limit.
#[derive(Clone, Copy)]
struct Strand<'a> {
    approach: &'a Approach,
    limit: &'a Judged,
}

/// The curves that the panel may show.
fn strands<'a>(scenario: &Scenario, panel: &ApproachPanel, limit: &'a Extrapolated) -> Vec<Strand<'a>> {
    let shown = |approach: &Approach| {
        panel.series.iter().any(|&s| scenario.series[s] == approach.series)
            && (panel.y.is_empty() || panel.y.contains(&approach.observable))
    };
    let pairs = limit.approaches.iter().zip(&limit.verdict.curves);
    pairs.filter(|(a, _)| shown(a)).map(|(approach, limit)| Strand { approach, limit }).collect()
}

fn of_claim<'a>(panel: &ApproachPanel, answers: &'a [Answer]) -> Option<&'a Extrapolated> {
    answers.get(panel.claim)?.limit()
}

/// Gaps at every size and the band of the limit, for one curve: the one asked for, or that with the largest gap.
pub(super) fn extrapolation(scenario: &Scenario, panel: &ApproachPanel, answers: &[Answer]) -> Curves {
    let mut drawn = Curves { title: panel.title.clone(), ..Curves::default() };
    let Some(limit) = of_claim(panel, answers) else { return drawn };
    let all = strands(scenario, panel, limit);
    let largest = limit.verdict.largest.as_ref().map(|gap| &gap.place);
    let is_largest = |s: &&Strand| {
        largest.is_some_and(|p| p.series == s.approach.series && p.observable == s.approach.observable)
    };
    let Some(strand) = all.iter().find(is_largest).or(all.first()) else { return drawn };
    if panel.title.is_empty() {
        drawn.title = name(scenario, strand.approach);
    }
    let percent = |values: &[f64]| values.iter().map(|v| 100.0 * v).collect::<Vec<f64>>();
    drawn.x = abscissa(scenario, strand);
    drawn.y = Axis::linear(match strand.approach.scale {
        Unit::LogRatio | Unit::Ratio => "gap to the law, %",
        Unit::Unit { .. } => "gap to the law, % of its range",
    });
    let symbol = scenario.cases[0].problem.size_symbol();
    drawn.band = "95 % simultaneous band of the limit".into();
    for (i, at) in strand.approach.at_sizes.iter().enumerate() {
        let half: Vec<f64> = at.bar.iter().map(|(low, high)| 50.0 * (high - low)).collect();
        let label = format!("{symbol} = {}", at.size);
        drawn.layers.push(Layer::points(label, i + 1, at.x.clone(), percent(&at.residual), half));
    }
    let middle = |band: &[(f64, f64)]| band.iter().map(|(a, b)| 50.0 * (a + b)).collect::<Vec<f64>>();
    let layer = match &strand.limit.band {
        Some(band) => {
            let half = band.iter().map(|(a, b)| 50.0 * (b - a)).collect();
            Layer::points("limit", 0, strand.limit.x.clone(), middle(band), Vec::new()).with_spread(half)
        }
        None => {
            Layer::points("limit", 0, strand.limit.x.clone(), percent(&strand.limit.residual), Vec::new())
        }
    };
    drawn.layers.push(layer);
    let resolution = 100.0 * limit.verdict.terms.resolution;
    for (label, y) in [("claimed resolution", resolution), ("", -resolution)] {
        drawn.layers.push(Layer::overlay(label, 0, Overlay::Horizontal(y)));
    }
    drawn
}

/// Logarithmic where the points span more than a decade and a half.
fn abscissa(scenario: &Scenario, strand: &Strand) -> Axis {
    let label = match &scenario.sweep {
        Some(sweep) => sweep.label.clone(),
        None => format!("time ({})", scenario.cases[0].problem.kind().time_unit),
    };
    let (first, last) = (strand.limit.x.first().copied(), strand.limit.x.last().copied());
    match first.zip(last) {
        Some((a, b)) if a > 0.0 && b > 30.0 * a => Axis::log(label),
        _ => Axis::linear(label),
    }
}

/// Bias and spread against size, pooled over the points of each curve, with their fitted powers.
pub(super) fn sizes(scenario: &Scenario, panel: &ApproachPanel, answers: &[Answer]) -> Curves {
    let mut drawn = Curves { title: panel.title.clone(), ..Curves::default() };
    let Some(limit) = of_claim(panel, answers) else { return drawn };
    let mut all = strands(scenario, panel, limit);
    let total = all.len();
    if panel.y.is_empty() && total > MOST_CURVES {
        // Curves with a bias to show come first, the largest gap before others.
        let largest = |s: &Strand| s.limit.residual.iter().fold(0.0, |a: f64, r| a.max(r.abs()));
        all.sort_by(|a, b| {
            let resolved = |s: &Strand| s.approach.bias.value().is_some();
            resolved(b).cmp(&resolved(a)).then(largest(b).total_cmp(&largest(a)))
        });
        all.truncate(MOST_CURVES);
        drawn.notes.push(format!("{MOST_CURVES} of {total} curves; the others are in record.json"));
    }
    let symbol = scenario.cases[0].problem.size_symbol();
    drawn.x = Axis::log(symbol.to_string());
    drawn.y = Axis::log("bias and spread over replicas, units of the claim");
    let mut unresolved: Vec<(String, Vec<String>)> = Vec::new();
    for (i, strand) in all.iter().enumerate() {
        let curve = name(scenario, strand.approach);
        let of = if all.len() > 1 { format!("{curve}: ") } else { String::new() };
        let sizes: Vec<(f64, _)> = strand
            .approach
            .at_sizes
            .iter()
            .filter_map(|at| Some((at.size as f64, at.pooled.as_ref()?)))
            .collect();
        let spread = sizes.iter().map(|(size, p)| (*size, p.spread, p.spread_error)).collect();
        let bias = sizes
            .iter()
            .filter_map(|(size, p)| Some((*size, p.bias()?, 0.5 * p.bias_squared_error / p.bias()?)))
            .collect();
        let exponents = [("spread", strand.approach.fluctuation), ("bias", strand.approach.bias)];
        for (style, (points, (what, exponent))) in [spread, bias].into_iter().zip(exponents).enumerate() {
            let label = format!("{of}{what}");
            let Some(reason) = measured(&mut drawn, label, symbol, 2 * i + style, points, exponent) else {
                continue;
            };
            let reason = format!("exponent of the {what} {reason}");
            match unresolved.iter_mut().find(|(known, _)| *known == reason) {
                Some((_, curves)) => curves.push(curve.clone()),
                None => unresolved.push((reason, vec![curve.clone()])),
            }
        }
    }
    let note = |(reason, curves): (String, Vec<String>)| match curves.len() {
        _ if all.len() == 1 => reason,
        n if n == all.len() => format!("every curve: {reason}"),
        _ => format!("{}: {reason}", curves.join("; ")),
    };
    drawn.notes.extend(unresolved.into_iter().map(note));
    drawn
}

/// Points with their errors, and the fitted power through their middle; otherwise why there is none.
fn measured(
    drawn: &mut Curves,
    mut label: String,
    symbol: &str,
    style: usize,
    points: Vec<(f64, f64, f64)>,
    exponent: Exponent,
) -> Option<String> {
    let points: Vec<_> = points.into_iter().filter(|p| p.1 > 0.0).collect();
    if points.is_empty() {
        // An algorithm without chance has no spread, which needs no word.
        let is_certain = matches!(exponent, Exponent::NotResolved { why: Unresolved::NoSpread });
        return (!is_certain).then(|| exponent.to_string());
    }
    let mut reason = None;
    let x: Vec<f64> = points.iter().map(|p| p.0).collect();
    let y: Vec<f64> = points.iter().map(|p| p.1).collect();
    if let Exponent::Resolved { value, std_error, .. } = exponent {
        // The line through the weighted middle in logarithms.
        let weight = |p: &(f64, f64, f64)| (p.1 / p.2.max(1e-3 * p.1)).powi(2);
        let total: f64 = points.iter().map(weight).sum();
        let middle = |f: fn(&(f64, f64, f64)) -> f64| -> f64 {
            points.iter().map(|p| weight(p) * f(p).ln()).sum::<f64>() / total
        };
        let (x_middle, y_middle) = (middle(|p| p.0), middle(|p| p.1));
        let line = x.iter().map(|x| (y_middle + value * (x.ln() - x_middle)).exp()).collect();
        let digits = if std_error < 0.01 { 3 } else { 2 };
        let power = format!("{value:.digits$} ± {std_error:.digits$}").replace('-', "−");
        label = format!("{label} ~ {symbol}^{{{power}}}");
        drawn.layers.push(Layer::overlay("", style, Overlay::Curve { x: x.clone(), y: line }));
    } else {
        reason = Some(exponent.to_string());
    }
    let std_error = points.iter().map(|p| p.2).collect();
    let kind = LayerKind::Points { x, y, std_error, spread: None };
    drawn.layers.push(Layer { label, color: style, style, kind });
    reason
}

fn name(scenario: &Scenario, approach: &Approach) -> String {
    let observable = entry_label(scenario, &approach.observable);
    if approach.series.is_empty() { observable } else { format!("{observable}, {}", approach.series) }
}
