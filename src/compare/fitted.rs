//! The extrapolation of every point: r_N = r_inf + c N^-beta by weighted least squares.

use super::deviation::Sample;
use super::join::Track;
use super::line::Line;
use super::planning::Width;
use super::{Exponents, Finding, Group, Moments, Place};

/// The mean deviation at one size of one point.
pub(super) struct Value {
    pub size: usize,
    pub mean: f64,
    /// Variance of the mean. Without spread at this size, but with spread at another, it is carried over from
    /// there, since no spread among a few replicas is no proof of none.
    pub variance: f64,
    pub law_error: f64,
    pub replicas: usize,
    pub run: usize,
    /// Sample and point if the value moves with the signs of its replicas.
    pub drawn: Option<(usize, usize)>,
}

/// One point, fitted over its sizes.
pub(super) struct Fitted {
    pub track: usize,
    pub x: f64,
    pub values: Vec<Value>,
    pub z: Vec<f64>,
    pub line: Line,
    /// r_inf.
    pub limit: f64,
    /// Of r_inf, from the spread over replicas; 0 at a point without any spread.
    pub std_error: f64,
    pub chi_squared: f64,
    /// The law's errors as an error of r_inf.
    pub law_error: f64,
    /// At a point without spread, the misfits of the line as an error of r_inf: no noise can explain them.
    pub misfit: f64,
    /// Error of r_inf if a next term e N^-2 beta is behind the change of r_inf that leaving out the smallest
    /// of three sizes or more makes; 0 with two.
    pub truncation: f64,
}

impl Fitted {
    /// Fewest replicas at any of its sizes.
    pub fn replicas(&self) -> usize {
        self.values.iter().map(|v| v.replicas).min().unwrap_or(0)
    }

    /// Whether any of its values has spread.
    pub fn is_uncertain(&self) -> bool {
        self.std_error > 0.0
    }

    pub fn degrees_of_freedom(&self) -> usize {
        self.values.len() - 2
    }

    pub fn place(&self, tracks: &[Track]) -> Place {
        let track = &tracks[self.track];
        Place { series: track.series.clone(), size: None, observable: track.observable.clone(), x: self.x }
    }

    /// What a wrong form of the approach may add to the error of the limit.
    pub fn allowance(&self) -> f64 {
        2.0 * self.truncation.abs()
    }

    /// The band, wider by twice the error of truncation where the form fails.
    pub fn width(&self, tracks: &[Track], critical: f64, form_fails: bool) -> Width {
        let truncation = if form_fails { self.allowance() } else { 0.0 };
        Width {
            scale: tracks[self.track].scale,
            mean: self.limit,
            random: critical * self.std_error,
            fixed: self.law_error + self.misfit + truncation,
            replicas: self.replicas(),
        }
    }
}

/// Fits all joined points; one that cannot be fitted in the range of numbers is found instead.
pub(super) fn fits(
    groups: &[Group],
    samples: &[Sample],
    tracks: &[Track],
    expected: Exponents,
    findings: &mut Vec<Finding>,
) -> Vec<Fitted> {
    let mut points = Vec::new();
    for (t, track) in tracks.iter().enumerate() {
        let mut undefined = None;
        for point in &track.points {
            let mut values: Vec<Value> = point
                .members
                .iter()
                .map(|member| {
                    let sample = &samples[member.sample];
                    let moments = Moments::of(&sample.deviations[member.p]);
                    let spread = sample.spread[member.p];
                    Value {
                        size: member.size,
                        mean: moments.map_or(f64::NAN, |m| m.mean),
                        variance: moments
                            .and_then(|m| m.std_error)
                            .filter(|_| spread)
                            .map_or(0.0, |error| error * error),
                        law_error: sample.law_error[member.p],
                        replicas: sample.replicas(),
                        run: groups[sample.group].run,
                        drawn: spread.then_some((member.sample, member.p)),
                    }
                })
                .collect();
            carry_variances(&mut values, expected.fluctuation);
            match fitted(t, point.x, values, expected) {
                Some(point) => points.push(point),
                None => {
                    let last = point.members.last().expect("two sizes at least");
                    undefined.get_or_insert_with(|| samples[last.sample].place(groups, last.p));
                }
            }
        }
        findings.extend(undefined.map(|at| Finding::GapUndefined { at }));
    }
    points
}

/// Gives values without spread the largest variance that the others suggest at their size and number of
/// replicas, by the expected power.
fn carry_variances(values: &mut [Value], fluctuation: f64) {
    let single = |v: &Value| v.variance * v.replicas as f64 * (v.size as f64).powf(2.0 * fluctuation);
    let largest = values.iter().filter(|v| v.drawn.is_some()).map(single).fold(0.0, f64::max);
    for value in values.iter_mut().filter(|v| v.drawn.is_none()) {
        value.variance = largest / value.replicas as f64 / (value.size as f64).powf(2.0 * fluctuation);
    }
}

/// The fit of one point, weighted with the inverse variances n N^(2 phi) that the expected exponent gives the
/// means up to a common factor.
fn fitted(track: usize, x: f64, values: Vec<Value>, expected: Exponents) -> Option<Fitted> {
    let z: Vec<f64> = values.iter().map(|v| (v.size as f64).powf(-expected.bias)).collect();
    let r: Vec<f64> = values.iter().map(|v| v.mean).collect();
    let weight = |v: &Value| v.replicas as f64 * (v.size as f64).powf(2.0 * expected.fluctuation);
    let weights: Vec<f64> = values.iter().map(weight).collect();
    let variances: Vec<f64> = values.iter().map(|v| v.variance).collect();
    let line = Line::new(&z, &weights)?;
    let (limit, slope) = (line.limit(&r), line.slope(&r));
    let std_error = line.variance(&variances).sqrt();
    let (mut chi_squared, mut misfit) = (0.0, 0.0);
    if std_error > 0.0 {
        chi_squared = line.chi_squared(&z, &r, &variances);
    } else {
        let missed = line.a.iter().zip(&r).zip(&z).map(|((a, r), z)| (a * (r - limit - slope * z)).abs());
        misfit = missed.sum();
    }
    let law_error = line.a.iter().zip(&values).map(|(a, v)| a.abs() * v.law_error).sum();
    let truncation = if z.len() > 2 { truncation(&line, &z, &weights, &r)? } else { 0.0 };
    let finite = [limit, std_error, chi_squared, law_error, misfit, truncation];
    finite.iter().all(|v| v.is_finite()).then_some(Fitted {
        track,
        x,
        values,
        z,
        line,
        limit,
        std_error,
        chi_squared,
        law_error,
        misfit,
        truncation,
    })
}

/// What a term e z^2 does to r_inf, with e from the change of r_inf without the smallest size.
fn truncation(line: &Line, z: &[f64], weights: &[f64], r: &[f64]) -> Option<f64> {
    let fewer = Line::new(&z[1..], &weights[1..])?;
    let squares: Vec<f64> = z.iter().map(|z| z * z).collect();
    let (all_error, fewer_error) = (line.limit(&squares), fewer.limit(&squares[1..]));
    let change = fewer.limit(&r[1..]) - line.limit(r);
    Some(change * all_error / (fewer_error - all_error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn truncation_is_the_error_of_an_exact_next_term() {
        let z = [0.01, 0.005, 0.002, 0.001];
        let weights = [3.0, 1.0, 7.0, 20.0];
        let r: Vec<f64> = z.iter().map(|z| 0.07 + 2.0 * z - 150.0 * z * z).collect();
        let line = Line::new(&z, &weights).unwrap();
        let error = truncation(&line, &z, &weights, &r).unwrap();
        assert!((line.limit(&r) - error - 0.07).abs() < 1e-13 && error.abs() > 1e-4, "{error}");
    }
}
