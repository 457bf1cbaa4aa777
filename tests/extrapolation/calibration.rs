//! Coverage and error rates over many repetitions, for the numbers on the page of `compare`.

use crate::world::{EXPECTED, SIZES, World, covers, plausible, stream, terms};
use asymptotica::compare::{Finding, Group, Metric, Terms, extrapolate};

/// What becomes of Gaussian deviations from the law.
#[derive(Clone, Copy, Debug)]
enum Shape {
    Gaussian,
    /// Logarithms of ratios are Gaussian, and a relative claim on a positive observable compares those.
    Logarithms,
    /// Standardised log-normal, exp of a standard Gaussian: skewness 6.2, compared as it is.
    LogNormal,
}

impl Shape {
    /// Gives deviations `spread` z from the mean deviation another shape of the same variance.
    fn apply(self, world: &World, groups: &mut [Group]) {
        for group in groups {
            for row in &mut group.simulation {
                for (p, value) in row.iter_mut().enumerate() {
                    let law = group.law[0][p].unwrap();
                    let (mean, spread) = (world.mean(p, group.size), world.spread(p, group.size));
                    let z = (value.unwrap() - law - mean) / spread;
                    let e = std::f64::consts::E;
                    *value = Some(match self {
                        Shape::Gaussian => law + mean + spread * z,
                        Shape::Logarithms => law * (mean + spread * z).exp(),
                        Shape::LogNormal => {
                            law + mean + spread * (z.exp() - e.sqrt()) / (e * (e - 1.0)).sqrt()
                        }
                    });
                }
            }
        }
    }
}

#[test]
#[ignore = "calibration, minutes: run by name"]
fn calibration_of_extrapolated_coverage() {
    let repetitions = 2000;
    for shape in [Shape::LogNormal, Shape::Gaussian, Shape::Logarithms] {
        for (n, sizes) in
            [8, 12, 16, 32].map(|n| (n, &SIZES[..])).into_iter().chain([8, 32].map(|n| (n, &SIZES[2..])))
        {
            let world = World { limit: 0.013, slope: 3.0, ..World::QUIET };
            let (mut data, mut signs) = (stream(n as u64), stream(1000 + n as u64));
            let (mut covered, mut failed, mut warned) = (0, 0, 0);
            let (metric, gap) = match shape {
                Shape::Logarithms => (Metric::Relative, 0.013_f64.exp_m1()),
                Shape::Gaussian | Shape::LogNormal => (Metric::Absolute, 0.013),
            };
            for _ in 0..repetitions {
                let mut groups = world.groups(sizes, n, &mut data);
                shape.apply(&world, &mut groups);
                let terms = Terms { draws: 1000, ..terms(metric, 0.05) };
                let limit = extrapolate(&groups, &terms, EXPECTED, &mut signs);
                covered += u64::from(covers(&limit, gap));
                warned += u64::from(limit.verdict.findings.contains(&Finding::Skewed));
                failed += u64::from(limit.form.is_some_and(|form| form.fails()));
            }
            let share = |count: u64| 100.0 * count as f64 / repetitions as f64;
            println!(
                "{shape:?}, {n} replicas at {} sizes: covered {:.2} %, form rejected {:.2} %, skewness named {:.1} %",
                sizes.len(),
                share(covered),
                share(failed),
                share(warned)
            );
            if !matches!(shape, Shape::LogNormal) {
                assert!(plausible(0.95, repetitions).contains(&covered), "{shape:?}, {n}: {covered}");
                assert!(failed <= *plausible(0.01, repetitions).end(), "{shape:?}, {n}: {failed}");
            }
        }
    }
}
