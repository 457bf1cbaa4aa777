//! Measured exponents against their truth.

use crate::world::{EXPECTED, POINTS, SIZES, World, absolute, law, plausible, stream, terms};
use asymptotica::compare::{Exponent, Metric, Terms, Unresolved, extrapolate};

/// How often exponents were resolved, and how often their intervals held the true ones.
#[derive(Default)]
struct Powers {
    bias: Measured,
    fluctuation: Measured,
    /// Sizes whose bias was called significant.
    biased: u64,
}

#[derive(Default)]
struct Measured {
    values: Vec<f64>,
    covered: u64,
}

impl Measured {
    fn add(&mut self, exponent: Exponent, truth: f64) {
        if let Exponent::Resolved { value, interval, .. } = exponent {
            self.values.push(value);
            self.covered += u64::from(interval.0 <= truth && truth <= interval.1);
        }
    }

    fn resolved(&self) -> u64 {
        self.values.len() as u64
    }

    fn mean(&self) -> f64 {
        self.values.iter().sum::<f64>() / self.values.len() as f64
    }

    /// Standard error of the mean.
    fn error(&self) -> f64 {
        let mean = self.mean();
        let n = self.values.len() as f64;
        (self.values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0) / n).sqrt()
    }
}

fn measured(world: World, sizes: &[usize], n: usize, repetitions: u64, seed: u64) -> Powers {
    let (mut data, mut signs, mut powers) = (stream(seed), stream(seed + 1_000_000), Powers::default());
    for _ in 0..repetitions {
        let groups = world.groups(sizes, n, &mut data);
        let terms = Terms { draws: 300, ..terms(Metric::Absolute, 0.05) };
        let limit = extrapolate(&groups, &terms, EXPECTED, &mut signs);
        powers.bias.add(limit.approaches[0].bias, -1.0);
        powers.fluctuation.add(limit.approaches[0].fluctuation, -0.5);
        let pooled = limit.approaches[0].at_sizes.iter().filter_map(|at| at.pooled);
        powers.biased += pooled.filter(|pooled| pooled.is_biased()).count() as u64;
    }
    powers
}

#[test]
#[ignore = "calibration, minutes: run by name"]
fn calibration_of_exponents() {
    let repetitions = 2000;
    for slope in [3.0, 0.3, 0.15, 0.08, 0.04, 0.0] {
        for n in [8, 16, 32] {
            let world = World { slope, ..World::QUIET };
            let powers = measured(world, &SIZES, n, repetitions, 7 + n as u64);
            let words = |name: &str, measured: &Measured| {
                let resolved = measured.resolved();
                println!(
                    "slope {slope}, n = {n}: {name} resolved {:.2} %, mean {:.3}, covered {:.1} % of these",
                    100.0 * resolved as f64 / repetitions as f64,
                    measured.mean(),
                    100.0 * measured.covered as f64 / resolved as f64
                );
            };
            words("bias", &powers.bias);
            words("fluctuation", &powers.fluctuation);
        }
    }
}

#[test]
fn exponents_are_recovered_within_their_stated_errors() {
    let repetitions = 200;
    let powers = measured(World { slope: 0.5, ..World::QUIET }, &SIZES, 32, repetitions, 60);
    for (measured, truth) in [(&powers.bias, -1.0), (&powers.fluctuation, -0.5)] {
        let (mean, error) = (measured.mean(), measured.error());
        println!("{mean} +- {error}, covered {} of {repetitions}", measured.covered);
        assert_eq!(measured.resolved(), repetitions);
        assert!((mean - truth).abs() < 4.0 * error && error < 0.01, "{mean} +- {error}");
        assert!(plausible(0.95, repetitions).contains(&measured.covered), "{}", measured.covered);
    }
}

#[test]
fn noise_has_no_bias_exponent() {
    let repetitions = 200;
    let powers = measured(World::QUIET, &SIZES, 16, repetitions, 61);
    assert!(powers.bias.resolved() <= *plausible(1e-3, repetitions).end(), "{}", powers.bias.resolved());
    let most = *plausible(0.01, repetitions * SIZES.len() as u64).end();
    assert!(powers.biased <= most, "{} sizes biased", powers.biased);
    let limit = absolute(&World::QUIET.groups(&SIZES, 16, &mut stream(62)), &mut stream(63));
    let why =
        |e: Exponent| matches!(e, Exponent::NotResolved { why: Unresolved::BelowNoise { sizes: 4, .. } });
    assert!(why(limit.approaches[0].bias));
    assert!(limit.sentence().contains("bias not resolvable (significant at "), "{}", limit.sentence());
}

#[test]
fn a_bias_that_changes_sign_has_no_exponent() {
    let mut data = stream(64);
    let up = World { slope: 4.0, ..World::QUIET };
    let groups = [up.group(100, 0, 16, &mut data), World { slope: -4.0, ..up }.group(200, 1, 16, &mut data)];
    let limit = absolute(&groups, &mut stream(65));
    let why = Unresolved::ChangesSign { sizes: (100, 200) };
    assert_eq!(limit.approaches[0].bias, Exponent::NotResolved { why });
}

#[test]
fn the_bias_of_a_wrong_law_has_exponent_zero() {
    let world = World { limit: 0.1, ..World::QUIET };
    let limit = absolute(&world.groups(&SIZES, 16, &mut stream(66)), &mut stream(67));
    assert!(limit.approaches[0].bias.value().unwrap().abs() < 0.02, "{:?}", limit.approaches[0].bias);
}

/// Exponents over decades of sizes and other powers, each against its own truth.
#[test]
fn other_powers_are_recovered() {
    let sizes = [100, 1000, 10_000, 100_000];
    let mut data = stream(68);
    let mut groups = World { slope: 3.0, ..World::QUIET }.groups(&sizes, 32, &mut data);
    for group in &mut groups {
        // Deviations shrink by a further N^-1/4.
        let factor = (group.size as f64).powf(-0.25);
        let law = law();
        group.simulation.iter_mut().for_each(|row| {
            row.iter_mut().zip(&law).for_each(|(v, l)| *v = v.map(|v| l + factor * (v - l)));
        });
    }
    let limit = absolute(&groups, &mut stream(69));
    for (measured, truth) in [(limit.approaches[0].bias, -1.25), (limit.approaches[0].fluctuation, -0.75)] {
        let Exponent::Resolved { value, std_error, .. } = measured else { panic!("{measured:?}") };
        assert!((value - truth).abs() < 4.0 * std_error && std_error < 0.03, "{value} +- {std_error}");
    }
}

/// E[mean^2] = bias^2 + variance / n: the pooled square is unbiased, and so are spread and errors.
#[test]
fn pooled_bias_has_its_noise_floor_subtracted() {
    let world = World { slope: 0.1, ..World::QUIET };
    let (mut data, mut signs) = (stream(70), stream(71));
    let repetitions = 300;
    let mut squares = Vec::new();
    let (mut errors, mut spreads) = (0.0, 0.0);
    for _ in 0..repetitions {
        let groups = world.groups(&[100, 400], 12, &mut data);
        let limit =
            extrapolate(&groups, &Terms { draws: 20, ..terms(Metric::Absolute, 0.05) }, EXPECTED, &mut signs);
        let pooled = limit.approaches[0].at_sizes[0].pooled.unwrap();
        squares.push(pooled.bias_squared);
        errors += pooled.bias_squared_error.powi(2) / repetitions as f64;
        spreads += pooled.spread.ln() / repetitions as f64;
    }
    let weight = |p: usize| world.spread(p, 100).powi(-2);
    let sum: f64 = (0..POINTS).map(weight).sum();
    let truth: f64 = (0..POINTS).map(|p| weight(p) * world.mean(p, 100).powi(2)).sum::<f64>() / sum;
    let floor: f64 = (0..POINTS).map(|p| weight(p) * world.spread(p, 100).powi(2)).sum::<f64>() / sum / 12.0;
    let mean = squares.iter().sum::<f64>() / repetitions as f64;
    let variance = squares.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (repetitions - 1) as f64;
    println!(
        "{mean:e} for {truth:e} over a floor of {floor:e}; error {:e} for {:e}",
        errors.sqrt(),
        variance.sqrt()
    );
    assert!((mean - truth).abs() < 4.0 * (variance / repetitions as f64).sqrt());
    assert!((mean - truth - floor).abs() > 4.0 * (variance / repetitions as f64).sqrt());
    assert!((errors / variance).sqrt() > 0.8 && (errors / variance).sqrt() < 1.3);
    let log = (0..POINTS).map(|p| world.spread(p, 100).ln()).sum::<f64>() / POINTS as f64;
    assert!((spreads - log).abs() < 0.02, "{spreads} {log}");
}
