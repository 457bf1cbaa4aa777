//! The law against closed forms, averages on a brute-force grid, and the exponents of known links.

use super::{second, single_index};
use asymptotica::problem::Definition;
use asymptotica::problem::single_index::{Link, Polynomial, SingleIndex};
use asymptotica::theory::single_index::{
    generative_exponent, hermite_coefficients, information_exponent, integrate, overlay, second_hermite,
};
use asymptotica::theory::{LawError, LawOptions};
use asymptotica::trajectory::Curve;

fn law(problem: &SingleIndex, times: &[f64], names: &[&str]) -> Curve {
    let names: Vec<String> = names.iter().map(|s| s.to_string()).collect();
    let options = LawOptions { tolerance: 1e-12, faults: Vec::new(), measure_error: true };
    integrate(problem, &problem.limit_start(), times, &names, &options).expect("a law")
}

/// Numbers that another program derived from the closed form, and the closed form itself at all times.
#[test]
fn second_hermite_polynomial_follows_its_closed_form() {
    assert!((law(&second(0.1, 0.1), &[2.0], &["m"]).values[0][0] - 0.13182).abs() < 5e-6);
    assert!((law(&second(0.3, 0.05), &[5.0], &["m"]).values[0][0] - 0.43349).abs() < 5e-6);
    let times = [0.5, 3.0, 10.0, 30.0];
    for (m, eta) in [(0.1, 0.1), (0.3, 0.05), (-0.4, 0.2), (0.7, 0.4)] {
        let found = law(&second(m, eta), &times, &["m", "loss"]);
        for (k, &t) in times.iter().enumerate() {
            let exact = m.signum() * second_hermite(m, eta, t);
            assert!((found.values[0][k] - exact).abs() < 1e-9, "{m} {eta} {t}");
            assert!((found.values[1][k] - (1.0 - exact * exact)).abs() < 1e-9, "{m} {eta} {t}");
        }
    }
}

#[test]
fn perfect_recovery_of_the_second_polynomial_is_stable_below_a_third() {
    assert!((overlay(&second(0.1, 0.1), "critical-rate").unwrap() - 1.0 / 3.0).abs() < 1e-12);
    assert!(law(&second(0.9, 0.33), &[200.0], &["m"]).values[0][0] > 0.9);
    assert!(law(&second(0.9, 0.34), &[200.0], &["m"]).values[0][0] < 0.9);
    // 2 eta c_2^2 - eta^2 V(0)/2 = 2 eta - 6 eta^2.
    assert!((overlay(&second(0.1, 0.1), "growth-rate").unwrap() - 0.14).abs() < 1e-12);
}

#[test]
fn recovery_is_the_passage_of_the_overlap() {
    let problem = second(0.1, 0.1);
    let curve = law(
        &problem,
        &[4.0, 9.0, 40.0],
        &["weak_recovery", "weak_recovery_time", "strong_recovery", "strong_recovery_time", "overlap"],
    );
    // m(t) = threshold solved for t.
    let passage = |m: f64| ((0.1_f64.powi(-2) - 1.0) / (m.powi(-2) - 1.0)).ln() / (2.0 * 0.14);
    assert!((curve.values[1][2] - passage(0.5)).abs() < 1e-8, "{:?} {}", curve.values, passage(0.5));
    assert!((curve.values[3][2] - passage(0.9)).abs() < 1e-8, "{:?} {}", curve.values, passage(0.9));
    assert_eq!(curve.values[1][0], 4.0, "time spent so far");
    assert_eq!(curve.values[0], [0.0, 0.0, 1.0]);
    assert_eq!(curve.values[2], [0.0, 0.0, 1.0]);
}

/// dm_j/dt at the start, from averages of the finite-d update to first order in 1/d: the mean of the step, and half
/// the mean square of its length, on a grid over all fields.
fn brute_force(problem: &SingleIndex, m: &[f64], j: usize) -> f64 {
    let p = m.len();
    let own = (1.0 - m.iter().map(|m| m * m).sum::<f64>()).sqrt();
    let nodes: Vec<(f64, f64)> = (-40..=40)
        .map(|i| {
            // Midpoints, which miss kinks at 0.
            let z = 0.2 * (f64::from(i) + 0.5);
            (z, 0.2 * (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt())
        })
        .collect();
    let mut sum = 0.0;
    let mut index = vec![0; p + 1];
    'grid: loop {
        let weight: f64 = index.iter().map(|&i| nodes[i].1).product();
        let z: Vec<f64> = index.iter().map(|&i| nodes[i].0).collect();
        let h = m.iter().zip(&z).map(|(m, z)| m * z).sum::<f64>() + own * z[p];
        let label: f64 = z[..p].iter().map(|&z| problem.link.value(z)).sum::<f64>() / (p as f64).sqrt();
        let error = label - problem.student.value(h);
        let slope = problem.student.derivative(h);
        let eta = problem.learning_rate;
        let noise = 0.5 * eta * eta * (error * error + problem.noise_variance) * slope * slope;
        sum += weight * (eta * error * slope * (z[j] - m[j] * h) - m[j] * noise);
        for place in &mut index {
            *place += 1;
            if *place < nodes.len() {
                continue 'grid;
            }
            *place = 0;
        }
        return sum;
    }
}

#[test]
fn the_law_moves_as_the_average_step() {
    let links = [
        "{ kind = \"hermite\", coefficients = [0.1, 0.5, 0.6, -0.2] }",
        "{ kind = \"relu\" }",
        "{ kind = \"abs\" }",
        "{ kind = \"sigmoid\" }",
        "{ kind = \"erf\" }",
        "{ kind = \"tanh\" }",
        "{ kind = \"phase-retrieval\" }",
        "{ kind = \"sign\" }",
    ];
    let check = |problem: &SingleIndex, name: &str, tolerance: f64| {
        let m = problem.limit_start();
        let names: Vec<String> = problem.observables()[1].entries();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let step = 2e-4;
        let curve = law(problem, &[0.0, step, 2.0 * step], &names);
        for (j, values) in curve.values.iter().enumerate() {
            // One-sided difference of second order.
            let slope = (4.0 * values[1] - 3.0 * values[0] - values[2]) / (2.0 * step);
            let exact = brute_force(problem, &m, j);
            assert!((slope - exact).abs() < tolerance, "{name}, m_{j}: {slope} {exact}");
        }
    };
    for (i, label) in links.iter().enumerate() {
        let student = links[(i + 1) % (links.len() - 1)];
        let (label_set, student_set) =
            (format!("problem.link={label}"), format!("problem.student={student}"));
        // Kinks leave the grid an error of its step squared.
        let smooth = !format!("{label}{student}").contains("relu")
            && !format!("{label}{student}").contains("abs")
            && !label.contains("sign\"");
        check(&single_index(&[&label_set, &student_set]), label, if smooth { 1e-6 } else { 8e-3 });
    }
    let several = single_index(&["problem.directions=2", "problem.init.m=[0.4, -0.2]"]);
    check(&several, "two directions", 1e-6);
}

#[test]
fn short_steps_leave_no_second_order_and_rates_decay() {
    let constant = single_index(&["problem.rate_exponent=0.5"]);
    let without = LawOptions { tolerance: 1e-11, faults: vec!["drop=V".into()], measure_error: false };
    let names = ["m".to_string()];
    let plain = single_index(&[]);
    let dropped = integrate(&plain, &[0.3], &[4.0], &names, &without).unwrap().values[0][0];
    assert!((law(&constant, &[4.0], &["m"]).values[0][0] - dropped).abs() < 1e-9);
    // eta/(1 + t) without second order is the constant rate at the time ln(1 + t).
    let decaying = single_index(&[
        "problem.rate_exponent=0.5",
        "problem.schedule={ kind = \"power\", exponent = 1.0, time = 1.0 }",
    ]);
    let late = law(&decaying, &[4.0_f64.exp() - 1.0], &["m"]).values[0][0];
    assert!((late - dropped).abs() < 1e-8, "{late} {dropped}");
}

#[test]
fn several_directions_need_polynomials() {
    let problem =
        single_index(&["problem.directions=2", "law.enabled=false", "claim=[]", "problem.init.m=0.2"]);
    assert!(problem.uncovered().is_none());
    let relu = SingleIndex { student: Link::Relu, ..problem };
    let options = LawOptions { tolerance: 1e-10, faults: Vec::new(), measure_error: false };
    let error = integrate(&relu, &[0.2, 0.2], &[1.0], &[], &options).unwrap_err();
    assert!(matches!(error, LawError::Uncovered { .. }), "{error}");
}

#[test]
fn exponents_of_known_links() {
    let he = |k: usize| {
        let mut c = vec![0.0; k + 1];
        c[k] = 1.0;
        Link::polynomial(Polynomial::from_hermite(&c))
    };
    let square = Link::polynomial(Polynomial::from_powers(&[0.0, 0.0, 1.0]));
    let cubic_tail = Link::polynomial(Polynomial::from_hermite(&[0.3, 0.0, 0.0, 0.4, 0.2]));
    // Even links have the generative exponent 2, all other polynomials 1, whatever the information exponent.
    let cases = [
        (he(1), 1, 1),
        (he(2), 2, 2),
        (he(3), 3, 1),
        (he(4), 4, 2),
        (he(6), 6, 2),
        (square, 2, 2),
        (cubic_tail, 3, 1),
        (Link::Relu, 1, 1),
        (Link::Sigmoid, 1, 1),
        (Link::Erf, 1, 1),
        (Link::Tanh, 1, 1),
        (Link::Sign, 1, 1),
        (Link::Abs, 2, 2),
    ];
    for (link, information, generative) in cases {
        assert_eq!(information_exponent(&link), Some(information), "{link:?}");
        assert_eq!(generative_exponent(&link), Some(generative), "{link:?}");
    }
    // sign: c_1 = sqrt(2/pi), c_3 = -sqrt(1/(3 pi)).
    let c = hermite_coefficients(&Link::Sign, 3);
    assert!((c[1].value - (2.0 / std::f64::consts::PI).sqrt()).abs() < 1e-13);
    assert!((c[3].value + (1.0 / (3.0 * std::f64::consts::PI)).sqrt()).abs() < 1e-13);
    assert!(c.iter().all(|c| c.error < 1e-12), "{c:?}");
}
