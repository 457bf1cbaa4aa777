//! The fewest updates of SGD over its one rate, against scans by recursions written here.

use super::{law, scenario};
use asymptotica::problem::noisy_quadratic::{NoisyQuadratic, Optimizer, Schedule, Spectrum, Tune};
use asymptotica::run::Job;
use asymptotica::theory::noisy_quadratic::{Faults, schedule, tuning};

fn power_law(exponent: f64) -> Spectrum {
    Spectrum::PowerLaw { exponent }
}

fn list(values: &[f64]) -> Spectrum {
    Spectrum::List { values: values.to_vec() }
}

fn sgd(spectrum: Spectrum, preconditioner: f64, batch: f64, moving_average: f64) -> NoisyQuadratic {
    NoisyQuadratic {
        spectrum,
        modes: 1,
        init_std: 1.0,
        noise_std: 1.0,
        batch,
        learning_rate: 1.0,
        optimizer: Optimizer::Sgd,
        preconditioner,
        moving_average,
        schedule: Schedule::Constant,
        tune: Tune::Nothing,
    }
}

fn curvatures(spectrum: &Spectrum, modes: usize) -> Vec<f64> {
    match spectrum {
        Spectrum::PowerLaw { exponent } => (1..=modes).map(|i| (i as f64).powf(-exponent)).collect(),
        Spectrum::List { values } => (0..modes).map(|i| values[i % values.len()]).collect(),
    }
}

/// Risks after 1, ..., `count` updates: E theta^2, E theta m and E m^2 of every mode, update by update.
fn risks(problem: &NoisyQuadratic, modes: usize, rate: f64, count: usize) -> Vec<f64> {
    let gamma = problem.moving_average;
    let mut risks = vec![0.0; count];
    for h in curvatures(&problem.spectrum, modes) {
        let rate = rate * h.powf(-problem.preconditioner);
        let a = 1.0 - rate * h;
        let (mut theta, mut both, mut average) = (1.0, 1.0, 1.0);
        for risk in &mut risks {
            let moved = a * both;
            theta = a * a * theta + rate * rate * h / problem.batch;
            both = gamma * moved + (1.0 - gamma) * theta;
            average = gamma * gamma * average
                + 2.0 * gamma * (1.0 - gamma) * moved
                + (1.0 - gamma) * (1.0 - gamma) * theta;
            *risk += 0.5 * h * average;
        }
    }
    risks
}

/// `count` rates of equal ratios over `decades` below the largest stable one.
fn scanned(problem: &NoisyQuadratic, modes: usize, decades: f64, count: usize) -> Vec<f64> {
    let sharpness =
        curvatures(&problem.spectrum, modes).into_iter().map(|h| h.powf(1.0 - problem.preconditioner));
    let top = 2.0 * (1.0 - 1e-9) / sharpness.fold(0.0, f64::max);
    (0..count).map(|i| top * f64::powf(10.0, -decades * i as f64 / (count - 1) as f64)).collect()
}

/// The best of tuning has the fewest updates of the scan, and no scanned rate has less risk after them.
fn agrees_with_a_scan(problem: &NoisyQuadratic, modes: usize, target: f64) -> u64 {
    let best = tuning::best(problem, modes, Faults::default(), target).unwrap();
    let count = best.steps as usize;
    let mut lowest = vec![f64::INFINITY; count];
    for rate in scanned(problem, modes, 4.0, 3000) {
        let risks = risks(problem, modes, rate, count);
        lowest.iter_mut().zip(risks).for_each(|(lowest, risk)| *lowest = risk.min(*lowest));
    }
    let own = risks(problem, modes, best.rate, count)[count - 1];
    let fewer = lowest[..count - 1].iter().position(|&risk| risk <= target);
    assert!(
        fewer.is_none(),
        "{problem:?}, {modes} modes: {best:?}, but {:?} updates do",
        fewer.map(|k| k + 1)
    );
    assert!(own <= target && own <= lowest[count - 1] * (1.0 + 1e-9), "{problem:?}: {best:?}, risk {own}");
    best.steps
}

#[test]
fn a_single_curvature_is_gone_after_one_update() {
    // At rate 1 nothing of the start is left, and the risk is 0.5 * 10 / 1000.
    for target in [0.0051, 0.0052, 0.0055, 0.007, 0.01] {
        assert_eq!(agrees_with_a_scan(&sgd(list(&[1.0]), 0.0, 1000.0, 0.0), 10, target), 1);
    }
    assert_eq!(agrees_with_a_scan(&sgd(list(&[1.0]), 0.0, 1000.0, 0.0), 10, 0.0049), 2);
}

#[test]
fn fewest_updates_are_those_of_a_scan() {
    // Counts in numpy, by a recursion and a scan of 20001 rates.
    let cases = [
        (power_law(1.0), 1, 0.0, 1e6, 0.9, 1e-4, 27),
        (power_law(2.0), 8, 1.0, 8.0, 0.9, 0.02, 33),
        (list(&[3.0, 0.2, 0.05]), 3, 0.0, 16.0, 0.9, 0.05, 19),
        (power_law(1.0), 2, 0.0, 1e6, 0.9, 1e-3, 27),
        (power_law(1.0), 2, 0.0, 16.0, 0.95, 0.02, 36),
        (power_law(0.7), 5, 0.5, 256.0, 0.8, 0.02, 9),
        (power_law(1.3), 3, 0.0, 4096.0, 0.5, 0.003, 6),
    ];
    for (spectrum, modes, p, batch, gamma, target, count) in cases {
        assert_eq!(agrees_with_a_scan(&sgd(spectrum, p, batch, gamma), modes, target), count);
    }
    for i in 0..40 {
        let share = |factor: f64| (factor * f64::from(i)).fract();
        let modes = 1 + i as usize % 11;
        let gamma = [0.0, 0.5, 0.8, 0.9][i as usize % 4];
        let spectrum = power_law(2.0 * share(0.618_034));
        let start: f64 = 0.5 * curvatures(&spectrum, modes).iter().sum::<f64>();
        let target = start * f64::powf(10.0, -0.5 - 1.5 * share(0.414_214));
        let batch = f64::exp2(6.0 + 8.0 * share(0.732_051));
        agrees_with_a_scan(&sgd(spectrum, if i % 3 == 0 { 0.5 } else { 0.0 }, batch, gamma), modes, target);
    }
}

#[test]
fn one_update_fewer_misses_the_target_at_every_rate() {
    // 10^4 modes, q^k by powers: at the sheet's 83 updates 82 are enough, with the risk 0.00998525 at the rate 1.95.
    for (p, batch, count) in [
        (0.5, 524_288.0, Some(82)),
        (0.0, 256.0, Some(25_778)),
        (0.5, 65_536.0, None),
        (0.75, 16_384.0, None),
    ] {
        let problem = sgd(power_law(1.0), p, batch, 0.0);
        let best = tuning::best(&problem, 10_000, Faults::default(), 0.01).unwrap();
        println!("p = {p}, B = {batch}: {best:?}");
        let risk = |rate: f64, steps: u64| -> f64 {
            let mode = |h: f64| {
                let x = rate * h.powf(1.0 - p);
                let left = ((1.0 - x) * (1.0 - x)).powf(steps as f64);
                0.5 * (h * left + x / (2.0 - x) * (1.0 - left) / batch)
            };
            (1..=10_000).map(|i| mode(1.0 / f64::from(i))).sum()
        };
        assert!(count.is_none_or(|count| count == best.steps), "{best:?}");
        assert!(risk(best.rate, best.steps) <= 0.01);
        for rate in scanned(&problem, 10_000, 2.0, 200) {
            assert!(risk(rate, best.steps - 1) > 0.01, "{best:?}, but one fewer at {rate}");
        }
        if count == Some(82) {
            assert!((risk(1.95, 82) - 0.009_985_25).abs() < 1e-8 && risk(best.rate, 82) <= risk(1.95, 82));
            assert!((best.rate - 1.95).abs() < 1e-3);
        }
    }
}

#[test]
fn critical_batches_are_those_of_a_scan() {
    // In numpy: counts without noise and the largest (target - left) / gathered over 40001 rates.
    let cases = [
        (list(&[1.0]), 10, 0.0, 0.0, 0.005, 888.1202),
        (power_law(1.5), 100, 1.0, 0.0, 0.003, 14_190.73),
        (power_law(1.5), 100, 0.5, 0.0, 0.03, 195.7026),
        (power_law(1.0), 1, 0.0, 0.9, 1e-4, 219.8347),
        (power_law(2.0), 8, 1.0, 0.9, 0.02, 9.052_925),
        (list(&[3.0, 0.2, 0.05]), 3, 0.0, 0.9, 0.05, 1.115_379),
        (power_law(0.7), 5, 0.5, 0.8, 0.02, 9.779_425),
    ];
    for (spectrum, modes, p, gamma, target, right) in cases {
        let problem = sgd(spectrum, p, 1.0, gamma);
        let found = tuning::critical_batch(&problem, modes, Faults::default(), target).unwrap();
        assert!((found / right - 1.0_f64).abs() < 2e-6, "{found} against {right}");
        // That batch takes twice the updates, one a little smaller takes more.
        let silent = Faults { no_noise: true, ..Faults::default() };
        let quiet = tuning::best(&problem, modes, silent, target).unwrap().steps;
        let steps = |batch: f64| {
            let problem = NoisyQuadratic { batch, ..problem.clone() };
            tuning::best(&problem, modes, Faults::default(), target).unwrap().steps
        };
        assert!(steps(found * 1.0001) <= 2 * quiet && steps(found * 0.9999) > 2 * quiet);
    }
    // By another scan: 5538.
    let sheet = sgd(power_law(1.0), 0.75, 1.0, 0.0);
    let found = tuning::critical_batch(&sheet, 10_000, Faults::default(), 0.1).unwrap();
    assert!((found / 5538.0 - 1.0).abs() < 1e-4, "{found}");
}

#[test]
fn pieces_without_noise_are_no_slower_than_one_rate_without_noise() {
    let problem = sgd(power_law(1.0), 0.0, 4.0, 0.0);
    let quiet = NoisyQuadratic { batch: f64::INFINITY, ..problem.clone() };
    let fewest = |rate: f64| risks(&quiet, 20, rate, 60).iter().position(|&risk| risk <= 0.05);
    let one_rate = 1 + scanned(&quiet, 20, 2.0, 2000).into_iter().filter_map(fewest).min().unwrap() as u64;
    let silent = Faults { no_noise: true, ..Faults::default() };
    let pieces = |faults| schedule::steps_to_target(&problem, 20, faults, 0.05, 3).unwrap().steps;
    let (noisy, silent) = (pieces(Faults::default()), pieces(silent));
    println!("three pieces: {noisy}, {silent} without noise; one rate without noise {one_rate}");
    assert!(silent <= one_rate && one_rate == 9 && noisy > 4 * one_rate);
}

#[test]
fn faults_reach_tuned_schedules() {
    let text = "kind = \"noisy-quadratic\"\nmodes = 20\nbatch = 4.0\nlearning_rate = 1.0\n\
                tune = { kind = \"schedule\", target = 0.05, pieces = 3 }";
    let observe = "[observe]\ntimes = [1.0]\n[[panel]]\ny = \"steps_to_target\"";
    let steps = |faults: &[&str]| law(&scenario(text, observe, faults), 0).values[0][0];
    assert!(steps(&[]) > 60.0 && steps(&["drop=noise"]) <= 9.0);
    // What cannot be planted is refused.
    let scenario = scenario(text, observe, &["drop=correlation"]);
    let error = Job { case: 0, size: 0, replica: None }.run(&scenario, &|| false);
    assert!(error.unwrap_err().to_string().contains("drop=correlation"));
}
