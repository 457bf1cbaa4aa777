//! The equivalence test in the limit of infinite size.

use super::calibrate::{Calibration, calibrate};
use super::decision::decide;
use super::deviation::Sample;
use super::exponents::{Powers, powers};
use super::fitted::{Fitted, fits};
use super::join::{Joined, Track, join};
use super::judge::{check, measured_skewness};
use super::planning::{Needed, Width, what_decides};
use super::{
    Approach, AtSize, Decides, Exponents, Extrapolated, Finding, Form, Gap, Group, Judged, Moments, Outcome,
    Skewness, Terms, Verdict,
};
use rand::Rng;
use std::collections::{BTreeMap, BTreeSet};

/// Share of the resolution from which on a wrong form of the approach keeps a claim from being confirmed.
const MATTERS: f64 = 0.1;

/// Draws that tell whether a bias is significant at 1 %.
const POWER_DRAWS: usize = 1000;

/// Judges one claim in the limit of infinite size: whether r_inf of r_N = r_inf + c N^-beta is within the
/// resolution at every claimed point of all curves together. See [the module page](crate::compare) for what
/// is estimated, tested and assumed.
///
/// Groups of one series and observable at different sizes form a curve; several groups of one size are the
/// values of a sweep. `generator` is the bootstrap's own stream. The result depends on it, on the groups, the
/// terms and the exponents only; the order of the groups matters for the order of the curves alone.
///
/// # Panics
/// As [`judge`](super::judge); if groups of one run have different sizes, since sizes must be independent; if
/// two groups of one series, observable and size hold the same x; if an exponent is not positive.
///
/// ```
/// use asymptotica::compare::{Exponents, Group, Metric, Outcome, Terms, extrapolate, judge};
/// use rand::SeedableRng;
/// // Eight replicas at each of three sizes; their mean lies 16 / N above the law.
/// let scatter = [0.011, -0.007, 0.004, -0.013, -0.002, 0.009, -0.005, 0.003];
/// let group = |run: usize, size: usize| Group {
///     label: "K = 4".into(),
///     size,
///     observable: "generalisation_error".into(),
///     positive: true,
///     x: vec![2.0, 30.0],
///     simulation: (0..8)
///         .map(|i| {
///             let ratio = 1.0 + 16.0 / size as f64 + scatter[(i + run) % 8];
///             vec![Some(0.31 * ratio), Some(0.047 * ratio)]
///         })
///         .collect(),
///     law: vec![vec![Some(0.31), Some(0.047)]],
///     law_error: vec![1e-9, 1e-9],
///     run,
/// };
/// let groups = [group(0, 100), group(1, 200), group(2, 400)];
/// let terms = Terms {
///     metric: Metric::Relative,
///     resolution: 0.05,
///     within: vec![],
///     level: 0.95,
///     draws: 2000,
/// };
/// let expected = Exponents { bias: 1.0, fluctuation: 0.5 };
/// let mut stream = rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(1);
/// // At size 100 the gap of 16 % is real, and in the limit there is none.
/// assert_eq!(judge(&groups[..1], &terms, &mut stream).outcome, Outcome::Refuted);
/// let limit = extrapolate(&groups, &terms, expected, &mut stream);
/// assert_eq!(limit.verdict.outcome, Outcome::Confirmed);
/// println!("{}", limit.sentence());
/// ```
pub fn extrapolate<R: Rng + ?Sized>(
    groups: &[Group],
    terms: &Terms,
    expected: Exponents,
    generator: &mut R,
) -> Extrapolated {
    check(groups, terms);
    check_sizes(groups, expected);
    let Joined { samples, tracks, mut findings } = join(groups, terms);
    let points = fits(groups, &samples, &tracks, expected, &mut findings);
    let replicas = points.iter().map(Fitted::replicas).min().unwrap_or(0);

    let Calibration { critical, form } = calibrate(&points, &samples, terms, generator);
    if critical.is_none() {
        findings.push(Finding::NoBand { replicas });
    }
    let form = form.map(|(k, p_value)| Form {
        place: points[k].place(&tracks),
        chi_squared: points[k].chi_squared / points[k].degrees_of_freedom() as f64,
        degrees_of_freedom: points[k].degrees_of_freedom(),
        p_value,
    });
    if form.is_none() && points.iter().any(Fitted::is_uncertain) {
        findings.push(Finding::FormUntested);
    }
    let fails = form.as_ref().is_some_and(Form::fails);
    if let Some(form) = form.as_ref().filter(|_| fails) {
        let smallest = tracks.iter().flat_map(|track| track.sizes.first()).min();
        findings.push(Finding::FormFails {
            at: form.place.clone(),
            chi_squared: form.chi_squared,
            p_value: form.p_value,
            smallest: *smallest.expect("a point has sizes"),
            matters: points.iter().any(|point| point.allowance() > MATTERS * terms.resolution),
        });
    }
    let skewness = measured_skewness(groups, &samples);
    if skewness.as_ref().is_some_and(Skewness::is_strong) {
        findings.push(Finding::Skewed);
    }

    let widths: Vec<Width> =
        points.iter().map(|point| point.width(&tracks, critical.unwrap_or(0.0), fails)).collect();
    let gaps: Vec<f64> = widths.iter().map(|width| width.scale.report(width.mean)).collect();
    let bands: Option<Vec<(f64, f64)>> = critical.map(|_| widths.iter().map(Width::band).collect());
    let decision = decide(&gaps, bands.as_deref(), &findings, terms.resolution);
    let gap = |k: usize| Gap {
        place: points[k].place(&tracks),
        gap: gaps[k],
        band: bands.as_ref().map(|bands| bands[k]),
        law_error: points[k].law_error,
    };
    let verdict = Verdict {
        outcome: decision.outcome,
        terms: terms.clone(),
        replicas,
        points: points.len(),
        critical_value: critical.filter(|&c| c > 0.0),
        largest: decision.largest.map(gap),
        deciding: decision.deciding.map(gap),
        sup_gap: decision.sup_gap,
        law_error: points.iter().map(|point| point.law_error).fold(0.0, f64::max),
        skewness,
        decides: critical
            .filter(|_| decision.outcome == Outcome::Undecided)
            .and_then(|c| decides(&widths, terms.resolution, c)),
        findings,
        curves: curves(&tracks, &points, &gaps, bands.as_deref()),
    };
    let sizes: BTreeSet<usize> = points.iter().flat_map(|p| p.values.iter().map(|v| v.size)).collect();
    let draws = terms.draws.min(POWER_DRAWS);
    let approaches = tracks.iter().map(|track| approach(groups, track, &samples, draws, generator)).collect();
    Extrapolated { verdict, expected, sizes: sizes.into_iter().collect(), form, approaches }
}

pub(super) fn check_sizes(groups: &[Group], expected: Exponents) {
    let Exponents { bias, fluctuation } = expected;
    assert!(bias > 0.0 && bias.is_finite(), "the bias exponent {bias} is positive");
    assert!(
        fluctuation > 0.0 && fluctuation.is_finite(),
        "the fluctuation exponent {fluctuation} is positive"
    );
    let mut sizes = BTreeMap::new();
    for group in groups {
        let size = *sizes.entry(group.run).or_insert(group.size);
        assert!(group.size > 0, "a size is positive");
        assert_eq!(size, group.size, "run {}: groups of one run have one size", group.run);
    }
}

fn decides(widths: &[Width], resolution: f64, critical: f64) -> Option<Decides> {
    Some(match what_decides(widths, resolution, critical)? {
        Needed::Replicas { needed, from } => Decides::Times { factor: needed as f64 / from as f64 },
        Needed::AtResolution => Decides::AtResolution,
        Needed::LawError => Decides::LawError,
    })
}

fn curves(tracks: &[Track], points: &[Fitted], gaps: &[f64], bands: Option<&[(f64, f64)]>) -> Vec<Judged> {
    tracks
        .iter()
        .enumerate()
        .map(|(t, track)| {
            let own: Vec<usize> = (0..points.len()).filter(|&k| points[k].track == t).collect();
            let replicas = own.iter().map(|&k| points[k].replicas());
            Judged {
                series: track.series.clone(),
                size: None,
                observable: track.observable.clone(),
                scale: track.scale,
                replicas: replicas.min().unwrap_or(0),
                x: own.iter().map(|&k| points[k].x).collect(),
                residual: own.iter().map(|&k| gaps[k]).collect(),
                band: bands.map(|bands| own.iter().map(|&k| bands[k]).collect()),
            }
        })
        .collect()
}

fn approach<R: Rng + ?Sized>(
    groups: &[Group],
    track: &Track,
    samples: &[Sample],
    draws: usize,
    generator: &mut R,
) -> Approach {
    let Powers { pooled, fluctuation, bias } = powers(track, samples, draws, generator);
    let at_size = |(&size, pooled): (&usize, _)| {
        let own = samples.iter().filter(|sample| {
            let group = &groups[sample.group];
            group.size == size && group.label == track.series && group.observable == track.observable
        });
        let mut replicas = Vec::new();
        let mut points: Vec<(f64, f64, (f64, f64))> = Vec::new();
        for sample in own {
            replicas.push(sample.replicas());
            for (deviations, &x) in sample.deviations.iter().zip(&sample.x) {
                let Some(moments) = Moments::of(deviations) else { continue };
                let error = moments.std_error.unwrap_or(0.0);
                let report = |deviation| track.scale.report(deviation);
                let bar = (report(moments.mean - error), report(moments.mean + error));
                points.push((x, report(moments.mean), bar));
            }
        }
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        AtSize {
            size,
            replicas: replicas.into_iter().min().unwrap_or(0),
            x: points.iter().map(|p| p.0).collect(),
            residual: points.iter().map(|p| p.1).collect(),
            bar: points.iter().map(|p| p.2).collect(),
            pooled,
        }
    };
    Approach {
        series: track.series.clone(),
        observable: track.observable.clone(),
        scale: track.scale,
        at_sizes: track.sizes.iter().zip(pooled).map(at_size).collect(),
        fluctuation,
        bias,
    }
}
