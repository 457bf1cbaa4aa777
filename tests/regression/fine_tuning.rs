//! Transfer: fine-tuning to interpolation.

use super::{law, refutes, replicas, scenario};
use asymptotica::theory::transfer::{Classifier, implicit_ridge, regression};

const REGRESSION: &str = "kind = \"transfer\"
task = { kind = \"regression\", distance = 1.2, noise_std = 0.6 }
overparametrisation = 2.5
spectrum = { kind = \"bilevel\", high = 4.0, low = 0.5, fraction = 0.25 }";

const CLASSIFICATION: &str = "kind = \"transfer\"
task = { kind = \"classification\", separation = 1.5, pretrained_norm = 0.3, alignment = 0.6 }
overparametrisation = 2.0";

fn rest(observe: &str, sizes: &str, replicas: &str, resolution: f64) -> String {
    let limit = if sizes.contains(',') { "extrapolate" } else { "at-size" };
    format!(
        "[observe]\n{observe}\n[simulation]\nmethod = \"direct\"\nsizes = {sizes}\nreplicas = {replicas}\nseed = 3
[[panel]]\ny = \"fine_tuned\"
[claim]\nobservables = [\"fine_tuned\"]\nmetric = \"relative\"\nresolution = {resolution:?}\nlimit = \"{limit}\""
    )
}

#[test]
fn the_published_errors_before_and_after() {
    // M = 1.5, |w_0| = 0.3, cosine 0.6: fine-tuning hurts, hurts, helps.
    let before = Classifier { along: 0.18, across: 0.24, new: 0.0 }.error(1.5);
    assert!((before - 0.1841).abs() < 5e-5);
    for (ratio, error) in [(1.5, 0.2417), (2.0, 0.2025), (4.0, 0.1740)] {
        let tuned = Classifier::tuned(ratio, 1.5, 0.18, 0.24).error(1.5);
        assert!((tuned - error).abs() < 5e-5, "{tuned}");
        assert_eq!(tuned < before, ratio == 4.0);
    }
}

#[test]
fn the_general_risk_is_the_isotropic_one_and_wins_where_it_says() {
    for ratio in [1.3, 2.0, 5.0] {
        let share = 1.0 / ratio;
        for noise in [0.01_f64, 0.7] {
            let closed = |distance: f64| (1.0 - share) * distance + noise * share / (1.0 - share);
            // Fine-tuning wins exactly where |delta|^2 > sigma^2 d / (d - n).
            let edge = noise / (1.0 - share);
            for distance in [0.9 * edge, 1.1 * edge] {
                let risk = regression(&[(1.0, 0.4), (1.0, 0.6)], ratio, distance, noise);
                assert!((risk - closed(distance)).abs() < 1e-12 * (1.0 + risk));
                assert_eq!(risk < distance, distance > edge);
            }
        }
        let spectrum = [(4.0, 0.25), (0.5, 0.75)];
        let kappa = implicit_ridge(&spectrum, ratio);
        let load: f64 = spectrum.iter().map(|(l, f)| f * l / (l + kappa)).sum();
        assert!((load - share).abs() < 1e-13);
    }
}

#[test]
fn descent_ends_at_the_interpolating_weights() {
    // The same samples by one linear system, by gradient descent and by SGD.
    let run = |solver: &str| {
        let text = format!("{CLASSIFICATION}\nlearning_rate = 0.5\n{solver}\n[law]\nenabled = false");
        let rest = rest("times = [600.0]", "[40]", "1", 0.1);
        let (rest, _) = rest.split_once("[claim]").expect("a claim");
        replicas(&scenario(&text.replace("2.0", "4.0"), rest, &[]), 40, 1).remove(0).values[0][0]
    };
    let end = run("solver = \"interpolation\"");
    for solver in ["gradient-descent", "sgd"] {
        let other = run(&format!("solver = \"{solver}\""));
        assert!((other / end - 1.0).abs() < 1e-6, "{solver}: {other} against {end}");
    }
}

#[test]
fn the_path_of_gradient_descent_is_followed() {
    let text = "kind = \"transfer\"
task = { kind = \"regression\", distance = 1.2, noise_std = 0.6 }
overparametrisation = 1.6
solver = \"gradient-descent\"
learning_rate = 0.4";
    // The noise that is learnt has a correction of 1/(d - n): 1.7 % at d = 160.
    let rest = rest("times = [0.4, 2.0, 8.0, 40.0]", "[80, 160, 320]", "[800, 400, 200]", 0.04);
    refutes(text, &rest, &["drop=inflation", "square=noise"]);
}

#[test]
fn the_path_of_sgd_is_followed_at_a_small_rate() {
    let text = "kind = \"transfer\"
task = { kind = \"regression\", distance = 1.0, noise_std = 0.3 }
overparametrisation = 2.0
solver = \"sgd\"
learning_rate = 0.03";
    let rest = rest("times = [0.0, 1.0, 5.0]", "[60, 120, 240]", "[800, 400, 200]", 0.05);
    refutes(text, &rest, &["drop=start", "task.distance=1.1"]);
}

#[test]
fn a_path_without_a_law_is_not_held_against_that_of_its_end() {
    let bilevel = "spectrum = { kind = \"bilevel\", high = 4.0, low = 0.5, fraction = 0.25 }";
    let regression = "kind = \"transfer\"\ntask = { kind = \"regression\", distance = 1.0, noise_std = 0.3 }
overparametrisation = 2.0";
    for (text, covered) in [
        (format!("{CLASSIFICATION}\nsolver = \"sgd\""), false),
        (format!("{regression}\n{bilevel}\nsolver = \"gradient-descent\""), false),
        (format!("{regression}\n{bilevel}"), true),
        (format!("{regression}\nsolver = \"sgd\""), true),
    ] {
        let text = format!("{text}\n[law]\nenabled = false");
        let case = super::case(
            &text,
            rest("times = [1.0]", "[40]", "1", 0.1).split_once("[claim]").expect("a claim").0,
        );
        assert_eq!(case.problem.uncovered().is_none(), covered, "{text}");
    }
}

#[test]
fn test_sets_of_every_input_law_agree_with_overlaps() {
    for inputs in [
        "kind = \"rademacher\"",
        "kind = \"chi-square\"",
        "kind = \"bernoulli\", probability = 0.3",
        "kind = \"student-t\", degrees = 7",
    ] {
        let text = format!("{CLASSIFICATION}\ninputs = {{ {inputs} }}");
        let run = |risk: &str| {
            let rest = rest(&format!("times = [1.0]\n{risk}"), "[200]", "1", 0.1);
            replicas(&scenario(&text, &rest, &[]), 200, 1).remove(0).values[0][0]
        };
        let (overlaps, drawn) = (run(""), run("risk = \"test-set\"\ntest_samples = 20000"));
        // Standard error 0.003; sums of 200 inputs are Gaussian to about that.
        assert!((overlaps - drawn).abs() < 0.015, "{inputs}: {drawn} against {overlaps}");
    }
}

#[test]
fn faults_of_the_law_are_refuted() {
    let faults = [
        "drop=inflation",
        "square=noise",
        "drop=start",
        "problem.task.distance=1.05",
        "problem.overparametrisation=1.15",
    ];
    refutes(REGRESSION, &rest("times = [1.0]", "[48, 96, 192]", "[2400, 1200, 600]", 0.03), &faults);
    let faults =
        ["drop=inflation", "drop=start", "problem.task.separation=1.05", "problem.overparametrisation=1.1"];
    refutes(CLASSIFICATION, &rest("times = [1.0]", "[48, 96, 192]", "[4000, 2000, 1000]", 0.012), &faults);
}

/// Where n is nearly d the smallest eigenvalues are close to 0 and learn the noise last: numbers of an independent
/// quadrature, 1000 at the end (also that of interpolation).
#[test]
fn the_path_is_followed_near_the_interpolation_threshold() {
    let text = "kind = \"transfer\"\ntask = { kind = \"regression\", distance = 1.0, noise_std = 1.0 }
overparametrisation = 1.001\nsolver = \"gradient-descent\"\nlearning_rate = 0.1";
    let rest = rest("times = [1e7, 1e9]", "[60]", "2", 0.1);
    let curve = law(&scenario(text, &rest, &[]), 0);
    for (found, expected) in curve.values[0].iter().zip([988.89, 1000.0]) {
        assert!((found - expected).abs() < 6e-3, "{found} for {expected}");
    }
}

/// Inputs of variance 2 and noise of variance 2 are those of variance 1 with risks twice as large, at half the rate.
#[test]
fn the_variance_of_the_inputs_sets_the_scale() {
    let run = |keys: &str| {
        let text =
            format!("kind = \"transfer\"\noverparametrisation = 1.6\nsolver = \"gradient-descent\"\n{keys}");
        law(&scenario(&text, &rest("times = [0.4, 2.0, 40.0]", "[60]", "2", 0.1), &[]), 0).values[0].clone()
    };
    let unit = run("task = { kind = \"regression\", distance = 1.2, noise_std = 0.5 }\nlearning_rate = 0.4");
    let task = "task = { kind = \"regression\", distance = 1.2, noise_std = 0.7071067811865476 }";
    let text = "learning_rate = 0.2\nspectrum = { kind = \"list\", values = [2.0, 2.0] }";
    let double = format!("{task}\n{text}");
    let observe = "times = [0.2, 1.0, 20.0]";
    let text =
        format!("kind = \"transfer\"\noverparametrisation = 1.6\nsolver = \"gradient-descent\"\n{double}");
    let double = law(&scenario(&text, &rest(observe, "[60]", "2", 0.1), &[]), 0).values[0].clone();
    for (one, two) in unit.iter().zip(&double) {
        assert!((2.0 * one - two).abs() < 1e-12 * two, "{one} {two}");
    }
}

#[test]
fn steps_of_one_sample_that_overshoot_diverge() {
    let text = "kind = \"transfer\"\ntask = { kind = \"regression\", distance = 1.0, noise_std = 1.0 }
overparametrisation = 2.0\nsolver = \"sgd\"\nlearning_rate = 5.0";
    let curve = law(&scenario(text, &rest("times = [0.0, 5.0]", "[60]", "2", 0.1), &[]), 0);
    assert_eq!(curve.times, [0.0]);
    assert!(format!("{:?}", curve.end).contains("overshoot"), "{:?}", curve.end);
}

/// Equal and opposite samples of signs leave the Gram matrix singular: least squares of least change, where gradient
/// descent from w_0 ends as well.
#[test]
fn samples_that_depend_on_each_other_are_fitted_in_least_squares() {
    let run = |solver: &str, entries: &str, size: usize| {
        let text = format!(
            "kind = \"transfer\"\ntask = {{ kind = \"regression\", distance = 1.2, noise_std = 0.6 }}
overparametrisation = 4.0\ninputs = {{ {entries} }}\nlearning_rate = 0.2\n{solver}"
        );
        let rest = format!(
            "[observe]\ntimes = [3000.0]\n[simulation]\nmethod = \"direct\"\nsizes = [{size}]\nreplicas = 1\nseed = 3
[[panel]]\ny = \"fine_tuned\"\nresiduals = false"
        );
        replicas(&scenario(&text, &rest, &[]), size, 300)
    };
    for (entries, size) in [("kind = \"rademacher\"", 8), ("kind = \"bernoulli\", probability = 0.02", 20)] {
        let (direct, descent) = (run("", entries, size), run("solver = \"gradient-descent\"", entries, size));
        let mut compared = 0;
        for (direct, descent) in direct.iter().zip(&descent).filter(|(_, descent)| descent.is_complete()) {
            let (end, other) = (direct.values[0][0], descent.values[0][0]);
            assert!((other / end - 1.0).abs() < 1e-6, "{entries}: {other} against {end}");
            compared += 1;
        }
        assert!(compared > 200, "{compared}");
    }
}

/// Errors below the smallest number: ratios of 60 digits of a continued fraction.
#[test]
fn gains_are_there_where_errors_underflow() {
    let run = |ratio: f64, norm: f64, alignment: f64| {
        let text = format!(
            "kind = \"transfer\"\noverparametrisation = {ratio:?}
task = {{ kind = \"classification\", separation = 60.0, pretrained_norm = {norm:?}, alignment = {alignment:?} }}"
        );
        let rest = "[observe]\ntimes = [1.0]\n[[panel]]\ny = \"gain\"\nresiduals = false";
        law(&scenario(&text, rest, &[]), 0)
    };
    for (ratio, norm, alignment, expected) in [
        (1e6, 2.0, 1.0, 1.741_253_821_964_98e-3),
        (1e4, 2.0, 1.0, 2.443_682_752_280_10e-204),
        (1e6, 0.5, 0.8, 5.081_664_180_870_24e-3),
        (2.0, 0.3, 0.6, 1.700_967_420_146_20e-275),
    ] {
        let gain = run(ratio, norm, alignment).values[0][0];
        assert!((gain / expected - 1.0).abs() < 1e-10, "{gain:e} for {expected:e}");
    }
    // Beyond the numbers: said, with the power of ten.
    for (norm, alignment, power) in [(0.0, 0.0, "10^392.4"), (2.0, 1.0, "10^-643.1")] {
        let end = format!("{:?}", run(2.0, norm, alignment).end);
        assert!(end.contains(power) && end.contains("smaller separation"), "{end}");
    }
}
