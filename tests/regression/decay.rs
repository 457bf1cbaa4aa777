//! Tuned schedules of the noisy quadratic model that fall to 0.
//!
//! Counts and rates are those of a separate program, which walks the second moments of every mode update by update for
//! several hundred rates.

use super::{case, law, scenario};
use asymptotica::problem::Problem;
use asymptotica::problem::noisy_quadratic::{NoisyQuadratic, Shape};
use asymptotica::theory::noisy_quadratic::{Faults, decay, schedule, tuning};

const OBSERVE: &str = "[observe]\ntimes = [1.0]\n[[panel]]\ny = \"risk\"";

fn problem(text: &str) -> NoisyQuadratic {
    let text = format!("kind = \"noisy-quadratic\"\nlearning_rate = 1.0\n{text}");
    match case(&text, OBSERVE).problem {
        Problem::NoisyQuadratic(problem) => problem,
        _ => panic!("another problem"),
    }
}

const BOTH: [Shape; 2] = [Shape::Linear, Shape::Cosine];

#[test]
fn counts_are_those_of_a_walk_over_all_rates() {
    // Counts of linear and cosine, then their best first rates.
    let list = [
        ("batch = 8.0", 30, 0.05, [58, 61], [1.5248, 1.5080]),
        // Here the largest stable rate is the best.
        ("batch = 1e6", 30, 0.05, [22, 21], [1.9998, 1.9998]),
        (
            "batch = 3.0\npreconditioner = 0.4\ninit_std = 0.8\nnoise_std = 1.2",
            30,
            0.05,
            [171, 191],
            [0.13554, 0.12397],
        ),
        (
            "batch = 0.5\nspectrum = { kind = \"power-law\", exponent = 1.5 }\nnoise_std = 0.7",
            12,
            0.03,
            [325, 331],
            [0.27054, 0.28095],
        ),
        (
            "batch = 40.0\npreconditioner = 0.2\noptimizer = { kind = \"momentum\", momentum = 0.8 }",
            20,
            0.05,
            [21, 24],
            [0.26259, 0.22073],
        ),
        (
            "batch = 40.0\npreconditioner = 0.2\noptimizer = { kind = \"nesterov\", momentum = 0.6 }\nmoving_average = 0.5",
            20,
            0.05,
            [9, 10],
            [1.30689, 1.08126],
        ),
        ("batch = 2.0", 100, 0.03, [1445, 1467], [0.24716, 0.25409]),
        ("batch = 20.0\nmoving_average = 0.9", 20, 0.05, [27, 27], [1.9998, 1.9998]),
    ];
    for (text, modes, target, counts, rates) in list {
        let problem = problem(text);
        for ((shape, count), rate) in BOTH.into_iter().zip(counts).zip(rates) {
            let found =
                decay::at_momentum(&problem, modes, Faults::default(), (target, shape), u64::MAX).unwrap();
            println!("{text}, {shape:?}: {found:?}, walked {count} at {rate}");
            assert_eq!(found.0, count, "{text}");
            // The risk is flat at its minimum: rates agree to a grid of 1 / 1000 of a decade.
            assert!((found.1 / rate - 1.0).abs() < 4e-3, "{text}: {found:?}");
            let below = decay::at_momentum(&problem, modes, Faults::default(), (target, shape), count);
            assert_eq!(below, None);
        }
    }
}

#[test]
fn momentum_is_tuned_with_the_first_rate() {
    // 60 modes, B = 300, target 0.01: 27 updates at mu = 0.553 and 3.106 for both shapes.
    let problem = problem("batch = 300.0\noptimizer = { kind = \"momentum\", momentum = 0.5 }");
    for shape in BOTH {
        let best = decay::best(&problem, 60, Faults::default(), 0.01, shape).unwrap();
        println!("{shape:?}: {best:?}");
        assert_eq!(best.steps, 27, "{best:?}");
        assert!(
            (best.momentum - 0.55332).abs() < 1e-5 && (best.rate / 3.10632 - 1.0).abs() < 1e-3,
            "{best:?}"
        );
    }
}

#[test]
fn the_tuned_schedule_as_a_stated_one_ends_at_the_target() {
    // The tuned first rate in the ordinary law, which walks every mode by itself: at the target after T updates.
    for (shape, kind) in BOTH.into_iter().zip(["linear", "cosine"]) {
        let text = "batch = 2.0\npreconditioner = 0.3\nmoving_average = 0.4";
        let best = decay::best(&problem(text), 70, Faults::default(), 0.05, shape).unwrap();
        let end = |steps: u64, rate: f64| {
            let text = format!(
                "kind = \"noisy-quadratic\"\nlearning_rate = {rate:?}\n{text}\nschedule = {{ kind = \"{kind}\", steps = {steps}.0 }}"
            );
            let rest = OBSERVE.replace("1.0", &format!("{steps}.0"));
            law(&scenario(&text, &rest, &[]), 70).values[0][0]
        };
        let risk = end(best.steps, best.rate);
        println!("{kind}: {best:?} ends at {risk}");
        assert!(risk <= 0.05 && risk > 0.0495, "{best:?}: {risk}");
        for factor in [0.9, 0.97, 1.0, 1.03, 1.1] {
            assert!(end(best.steps - 1, factor * best.rate) > 0.05);
        }
    }
}

#[test]
fn falling_rates_help_small_batches_and_pieces_are_no_worse() {
    let steps = |batch: f64| {
        let problem = problem(&format!("batch = {batch:?}"));
        let at = |shape| decay::best(&problem, 100, Faults::default(), 0.03, shape).unwrap().steps as f64;
        let constant = tuning::best(&problem, 100, Faults::default(), 0.03).unwrap().steps as f64;
        let pieces =
            schedule::steps_to_target(&problem, 100, Faults::default(), 0.03, 20).unwrap().steps as f64;
        [constant, at(Shape::Linear), at(Shape::Cosine), pieces]
    };
    let [constant, linear, cosine, pieces] = steps(2.0);
    println!("B = 2: {constant} {linear} {cosine} {pieces}");
    assert!(linear < 0.8 * constant && cosine < 0.8 * constant);
    assert!(pieces < 1.02 * linear.min(cosine));
    // Without noise nothing is gained by falling: the mean rate alone counts.
    let [constant, linear, cosine, pieces] = steps(1e9);
    println!("B = 1e9: {constant} {linear} {cosine} {pieces}");
    assert!(linear > 1.7 * constant && cosine > 1.7 * constant && pieces <= constant);
}

#[test]
fn the_critical_batch_doubles_the_steps() {
    let at = |batch: f64| problem(&format!("batch = {batch:?}"));
    let best =
        |batch| decay::best(&at(batch), 50, Faults::default(), 0.03, Shape::Linear).unwrap().steps as f64;
    let critical = decay::critical_batch(&at(1.0), 50, Faults::default(), 0.03, Shape::Linear).unwrap();
    let ratio = best(critical) / best(1e12);
    println!("critical batch {critical}: {ratio} times the steps");
    assert!((ratio - 2.0).abs() < 0.05, "{ratio}");
}

#[test]
fn shapes_are_read_from_a_scenario() {
    let tuned = |shape: &str| {
        let text = format!(
            "kind = \"noisy-quadratic\"\nlearning_rate = 1.0\nbatch = 8.0\nmodes = 30\n\
             tune = {{ kind = \"steps-to-target\", target = 0.05{shape} }}"
        );
        law(&scenario(&text, "[observe]\ntimes = [1.0]\n[[panel]]\ny = \"steps_to_target\"", &[]), 0).values
            [0][0]
    };
    assert_eq!(tuned(", shape = \"linear\""), 58.0);
    assert_eq!(tuned(", shape = \"cosine\""), 61.0);
    assert!(tuned("") > 61.0 && tuned("") == tuned(", shape = \"constant\""));
}
