//! Single-index models on the sphere at finite d against their exact process.

use super::chain::Comparison;
use asymptotica::problem::Problem;
use asymptotica::problem::single_index::{
    Algorithm, Init, Inputs, Link, Planted, Polynomial, Schedule, SingleIndex,
};

fn single_index(hermite: &[f64], student: &[f64], m: &[f64]) -> Problem {
    Problem::SingleIndex(SingleIndex {
        link: Link::polynomial(Polynomial::from_hermite(hermite)),
        student: Link::polynomial(Polynomial::from_hermite(student)),
        directions: m.len(),
        learning_rate: 0.15,
        rate_exponent: 0.0,
        schedule: Schedule::Constant,
        noise_variance: 0.2,
        init: Init::Given { m: m.to_vec() },
        inputs: Inputs::Gaussian,
        planted: Planted::Axes,
        algorithm: Algorithm::Sgd,
        weak_overlap: 0.1,
        strong_overlap: 0.9,
    })
}

#[test]
fn spread_and_shift_are_those_of_the_process() {
    let names = |list: &[&str]| list.iter().map(|name| name.to_string()).collect::<Vec<_>>();
    let cases = [
        (single_index(&[0.0, 1.0], &[0.0, 1.0], &[0.3]), names(&["m", "loss"]), "a line"),
        (
            single_index(&[0.2, 0.5, 0.8], &[0.1, 0.6, 0.4], &[0.4]),
            names(&["m", "loss"]),
            "mismatched parabolas",
        ),
        (
            single_index(&[0.0, 0.7, 0.5], &[0.0, 0.8, 0.2], &[0.4, -0.3]),
            names(&["m[1]", "m[2]", "loss"]),
            "two directions",
        ),
    ];
    for (problem, names, name) in cases {
        let comparison = Comparison::new(&problem, names, &[1.0, 2.0, 4.0], 16_000, 0x5eed_0401);
        let ((variance, shift), bound) = (comparison.largest(&[]), comparison.bound());
        assert!(variance < bound && shift < bound, "{name}: {variance:.2} and {shift:.2}, bound {bound:.2}");
        for fault in ["drop=correction", "drop=clock"] {
            let (v, b) = comparison.largest(&[fault]);
            println!("{name}, {fault}: {v:.1}, {b:.1}; without {variance:.1}, {shift:.1}");
        }
        let (variance, _) = comparison.largest(&["drop=mean-square"]);
        assert!(variance > bound, "{name}: second moment for covariance, {variance:.2}");
    }
}
