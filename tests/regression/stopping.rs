//! The smallest error along a path, and the law where a is close to 1.
//!
//! Numbers are those of a separate program: minima over every update or a dense grid of times.

use super::{law, replicas, scenario};
use asymptotica::problem::linear_regression::{LinearRegression, Solver, Student};
use asymptotica::theory::linear_regression::{Law, Stop};

/// sample_ratio, teacher_std, noise_std, init_std, weight_decay.
type Keys = [f64; 5];

fn problem(
    [sample_ratio, teacher_std, noise_std, init_std, weight_decay]: Keys,
    rate: f64,
) -> LinearRegression {
    LinearRegression {
        sample_ratio,
        teacher_std,
        noise_std,
        init_std,
        weight_decay,
        learning_rate: (rate > 0.0).then_some(rate),
        solver: Solver::ExactSpectrum,
        student: Student::Linear,
    }
}

fn of(keys: Keys, rate: f64) -> Law {
    Law::new(&problem(keys, rate), 1e-11)
}

fn text([ratio, teacher, noise, init, decay]: Keys, rate: f64) -> String {
    format!(
        "kind = \"linear-regression\"\nsample_ratio = {ratio:?}\nteacher_std = {teacher:?}\nnoise_std = {noise:?}
init_std = {init:?}\nweight_decay = {decay:?}\nlearning_rate = {rate:?}"
    )
}

fn observe(times: &str, size: usize) -> String {
    format!(
        "[observe]\ntimes = {times}\n[simulation]\nmethod = \"direct\"\nsizes = [{size}]\nreplicas = 1\nseed = 5
[[panel]]\ny = [\"generalisation_error\", \"best_error\", \"best_time\"]\nresiduals = false"
    )
}

#[test]
fn the_law_starts_where_the_start_is_also_where_one_update_forgets_it() {
    // eta g = 1. From 0: sigma^2 + sigma_w^2; after one update with M_1 = a, M_2 = a + a^2:
    // sigma^2 (1 + eta^2 a) + sigma_w^2 (1 - 2 eta a + eta^2 (a + a^2)).
    for (keys, rate, times, once) in [
        ([4.0, 1.0, 0.5, 0.0, 10.0], 0.1, "[0.0, 0.1, 1.0]", 0.66),
        ([0.04, 1.0, 0.5, 0.0, 2.0], 0.5, "[0.0, 0.5, 1.0]", 1.2229),
        // The start is forgotten by the directions without data as well.
        ([0.04, 1.0, 0.5, 0.7, 2.0], 0.5, "[0.0, 0.5, 1.0]", 1.2229 + 0.49 * 0.25 * (0.04 + 0.0016)),
    ] {
        let curve = law(&scenario(&text(keys, rate), &observe(times, 40), &[]), 40);
        assert!(curve.is_complete(), "{:?}", curve.end);
        let start = 1.25 + keys[3] * keys[3];
        assert!((curve.values[0][0] - start).abs() < 1e-12 && (curve.values[0][1] - once).abs() < 1e-12);
    }
}

#[test]
fn the_smallest_error_of_steps_is_that_over_every_update() {
    for (keys, rate, until, updates, error, digits) in [
        // Negative factors: even and odd updates apart.
        ([0.5, 4.0, 0.5, 0.0, 1.0], 0.4956, 49.56, 3.0, 11.0293, 5e-5),
        ([4.0, 4.0, 1.0, 0.0, 0.0], 0.222, 177.6, 800.0, 1.333337, 5e-7),
        ([0.25, 0.5, 2.0, 1.0, 0.2], 0.7918, 100.0, 24.0, 4.951989, 5e-7),
    ] {
        let law = of(keys, rate);
        let (time, found) = Stop::new(&law, until).until(&law, until).unwrap();
        assert!((time - updates * rate).abs() < 1e-9 && (found - error).abs() < digits, "{time}: {found}");
    }
    // Every update of a walk along the law, random starts and decay included.
    let mut inside = 0;
    for keys in [[0.5, 1.0, 2.0, 1.5, 0.3], [2.5, 0.6, 1.1, 0.8, 0.02], [1.0, 2.0, 0.7, 0.3, 0.0]] {
        let edge = (1.0 + f64::sqrt(keys[0])).powi(2) + keys[4];
        for share in [0.5, 0.97, 0.999, 1.0] {
            let rate = 2.0 * share / edge * (1.0 - 1e-15);
            let law = of(keys, rate);
            let stop = Stop::new(&law, 2000.0 * rate);
            let (mut least, mut at) = (f64::INFINITY, 0);
            for k in 0..2000 {
                let time = f64::from(k) * rate;
                let error = law.at(time).unwrap().generalisation;
                (least, at) = if error < least { (error, k) } else { (least, at) };
                let found = stop.until(&law, time).unwrap();
                assert!((found.1 / least - 1.0).abs() < 1e-12 && found.0 <= time, "{keys:?}, {share}: {k}");
            }
            inside += usize::from(at > 0 && at < 1999);
        }
    }
    assert!(inside > 6, "{inside}");
}

#[test]
fn the_smallest_error_of_the_flow_is_that_over_all_times() {
    // A minimum at t = 1.04 at 16.1922 first; the frozen start decays later.
    let law = of([0.5, 1.0, 3.0, 3.0, 0.05], 0.0);
    let stop = Stop::new(&law, 100.0);
    let [early, late] = [10.0, 100.0].map(|time| stop.until(&law, time).unwrap());
    assert!((early.0 - 1.04).abs() < 5e-3 && (early.1 - 16.1922).abs() < 5e-5, "{early:?}");
    assert!(late.0 == 100.0 && (late.1 - 16.0005).abs() < 5e-5, "{late:?}");
    assert_eq!(law.optimal_time().unwrap(), None);
    // Weak noise: late.
    let law = of([1.0, 1.0, 1e-4, 0.0, 0.0], 0.0);
    let stop = Stop::new(&law, 1e9);
    let [first, second, third] = [1e5, 1e7, 1e9].map(|time| stop.until(&law, time).unwrap());
    assert!((second.1 - 1.4706e-4).abs() < 5e-9 && first.1 > second.1);
    assert!((third.1 - 1.02708e-4).abs() < 5e-10 && (third.0 / 6.04e7 - 1.0).abs() < 2e-3, "{third:?}");
    assert!((law.optimal_time().unwrap().unwrap() / third.0 - 1.0).abs() < 1e-6);
    // Many samples: early.
    let law = of([1e6, 1.0, 1.0, 0.0, 0.0], 0.0);
    let (time, _) = Stop::new(&law, 1.0).until(&law, 1.0).unwrap();
    assert!((time - 1.38e-5).abs() < 5e-8, "{time}");
}

#[test]
fn an_error_that_falls_for_ever_has_no_best_time() {
    // sigma^2 < g sigma_w^2: decay holds back the noise of every mode. By rounding the error stands still at 22.8.
    let law = of([0.5, 2.0, 0.5, 0.6, 1.0], 0.4);
    assert_eq!(law.optimal_time().unwrap(), None);
    let stop = Stop::new(&law, 60.0);
    for time in [20.0, 22.8, 30.0, 60.0] {
        assert!((stop.until(&law, time).unwrap().0 - time).abs() < 1e-9, "{time}");
    }
    assert!(of([0.5, 2.0, 0.5, 0.6, 1.0], 0.6).optimal_time().is_err());
}

#[test]
fn ratios_close_to_one_and_weak_noise_are_no_exceptions() {
    for a in [0.99999, 1.0 - 1e-6, 1.0 - 1e-9, 1.0, 1.0 + 1e-12, 1.00001] {
        let at = |t: f64| of([a, 1.0, 1.0, 0.0, 0.0], 0.0).at(t).unwrap().generalisation;
        assert!((at(0.0) - 2.0).abs() < 1e-13, "a = {a}: {}", at(0.0));
        // Without a jump at a = 1: dE_g/da is of order t there.
        let one = of([1.0, 1.0, 1.0, 0.0, 0.0], 0.0).at(10.0).unwrap().generalisation;
        assert!((at(10.0) - one).abs() < 20.0 * (1.0 - a).abs() + 1e-12);
    }
    // Midpoint sums of 8e6 and 6e7 terms in theta.
    for (a, time, error) in [
        (0.99999, 100.0, 7.158_883_868_993),
        (1.00001, 100.0, 7.158_907_072_343),
        (0.99999, 1e4, 66.603_654_425_44),
        (0.999999, 1e6, 661.489_460_061_63),
    ] {
        let found = of([a, 1.0, 1.0, 0.0, 0.0], 0.0).at(time).unwrap().generalisation;
        assert!((found / error - 1.0).abs() < 1e-12, "a = {a}, t = {time}: {found}");
    }
    // sigma^2 (1 + m(-sigma^2)), m(-g) = (sqrt(1 + 4/g) - 1)/2: sigma + sigma^2/2 + O(sigma^3).
    for (noise, error) in [(1e-5, 1.000_005e-5), (1e-6, 1.000_000_5e-6), (1e-8, 1.000_000_005e-8)] {
        let found = of([1.0, 1.0, noise, 0.0, 0.0], 0.0).optimal_ridge();
        assert!((found / error - 1.0).abs() < 1e-10, "{noise}: {found}");
    }
}

#[test]
fn the_end_of_the_path_is_its_closed_form() {
    for keys in [
        [0.6, 1.3, 0.8, 0.4, 0.0],
        [0.9, 1.3, 0.8, 0.4, 0.3],
        [1.0, 0.7, 0.8, 0.4, 0.2],
        [2.2, 0.7, 1.4, 0.0, 0.1],
    ] {
        let law = of(keys, 0.0);
        let (end, late) = (law.end().unwrap(), law.at(4000.0).unwrap().generalisation);
        assert!((late / end - 1.0).abs() < 1e-12, "{keys:?}: {late} against {end}");
    }
}

#[test]
fn a_run_in_closed_form_has_the_best_update_of_the_same_run_in_steps() {
    // Largest eigenvalues of the drawn data are near the edges, or above: rates a little below the largest.
    for (keys, rate) in [
        ([0.5, 4.0, 0.5, 0.0, 1.0], 0.46),
        ([0.25, 0.5, 2.0, 1.0, 0.2], 0.7),
        ([2.0, 0.5, 1.0, 0.8, 0.02], 0.3),
        ([0.7, 3.0, 0.4, 0.3, 0.0], 0.55),
    ] {
        let problem = text(keys, rate);
        let observe = observe("[0.0, 2.0, 30.0, 120.0]", 40);
        let steps = replicas(&scenario(&problem, &observe, &[]), 40, 1).remove(0);
        let exact = format!("{problem}\nsolver = \"exact-spectrum\"");
        let exact = replicas(&scenario(&exact, &observe, &[]), 40, 1).remove(0);
        for (a, b) in steps.get("best_error").unwrap().iter().zip(exact.get("best_error").unwrap()) {
            assert!((a / b - 1.0).abs() < 1e-11, "{keys:?}: {a} against {b}");
        }
    }
}

#[test]
fn the_best_time_of_a_run_does_not_depend_on_how_long_it_goes_on() {
    let exact = format!("{}\nsolver = \"exact-spectrum\"", text([0.8, 1.0, 0.9, 0.3, 0.0], 0.0));
    let run = replicas(&scenario(&exact, &observe("[20.0, 1e4, 1e8]", 40), &[]), 40, 1).remove(0);
    let [errors, times] = ["best_error", "best_time"].map(|name| run.get(name).unwrap());
    assert!(times[0] > 0.1 && times[0] < 10.0, "{times:?}");
    for (error, time) in errors.iter().zip(times) {
        assert!((error / errors[0] - 1.0).abs() < 1e-12 && (time / times[0] - 1.0).abs() < 1e-5);
    }
}
