//! The law of two-layer teacher-student networks against numbers that this project did not produce, against
//! other evaluations of the same formulas, and against one step of SGD itself.

use asymptotica::problem::Definition;
use asymptotica::problem::Problem;
use asymptotica::problem::activation::Activation;
use asymptotica::problem::committee::{Committee, Init, KIND, Overlaps, Surplus, Teacher, Trained};
use asymptotica::problem::scaling::OutputScaling;
use asymptotica::theory::{self, LawError, LawOptions};
use asymptotica::trajectory::{Curve, End};
use nalgebra::{DMatrix, DVector};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rand_distr::StandardNormal;

/// K student units and M teacher units of one kind; T = I, v = v* = 1, only the first layer trained.
fn committee(k: usize, m: usize, activation: Activation, learning_rate: f64, noise_std: f64) -> Committee {
    Committee {
        student_width: k,
        teacher_width: m,
        activation,
        trained: Trained::FirstLayer,
        learning_rate,
        second_layer_rate: learning_rate,
        noise_std,
        weight_decay: 0.0,
        second_layer_decay: 0.0,
        batch: 1,
        output: OutputScaling::Committee,
        teacher: Teacher::Given { t: DMatrix::identity(m, m) },
        teacher_second_layer: DVector::from_element(m, 1.0),
        init: Init::Given {
            q: DMatrix::from_fn(k, k, |i, j| if i == j { 0.25 } else { 0.01 * (0.5 * (i + j) as f64).cos() }),
            r: DMatrix::from_fn(k, m, |i, n| 0.02 * (1.0 + 2.0 * i as f64 + 3.0 * n as f64).cos()),
        },
        student_second_layer: DVector::from_element(k, 1.0),
        second_layer_std: 0.0,
        training_set: None,
    }
}

fn options(tolerance: f64) -> LawOptions {
    LawOptions { tolerance, faults: Vec::new(), measure_error: false }
}

fn errors_at(problem: &Committee, times: &[f64], options: &LawOptions) -> Curve {
    let problem = Problem::Committee(problem.clone());
    theory::integrate(&problem, &problem.limit_start(), times, &["generalisation_error".into()], options)
        .unwrap()
}

const ANCHOR_TIMES: [f64; 8] = [0.0, 1.0, 10.0, 50.0, 100.0, 200.0, 500.0, 1000.0];

/// e_g at [`ANCHOR_TIMES`] from a high-precision integration (rtol 1e-11) that agreed with two public programs;
/// at t = 500 for K = 2, where that integration ends at its own absolute error (6.44654e-10), from an
/// extrapolation method in 32-digit arithmetic written apart from this program.
fn anchors() -> [(Committee, Vec<f64>); 2] {
    [
        (
            committee(2, 2, Activation::Erf, 0.5, 0.0),
            vec![
                4.6714418859e-1,
                2.3169835532e-1,
                1.5954216275e-2,
                1.4610692172e-2,
                1.0984942722e-2,
                3.5949366458e-4,
                6.44693427004e-10,
            ],
        ),
        (
            committee(4, 2, Activation::Erf, 0.5, 0.01),
            vec![
                5.9217854619e-1,
                2.3935990631e-1,
                3.0011752386e-2,
                2.9535771667e-2,
                2.8638464733e-2,
                1.8017933904e-2,
                3.8615237293e-4,
                4.2897549885e-5,
            ],
        ),
    ]
}

#[test]
fn the_law_meets_published_values_at_its_default_tolerance() {
    for (problem, published) in anchors() {
        let curve = errors_at(&problem, &ANCHOR_TIMES, &options(KIND.default_tolerance));
        assert!(curve.is_complete());
        for (k, &published) in published.iter().enumerate() {
            let (value, time) = (curve.values[0][k], ANCHOR_TIMES[k]);
            let gap = (value - published).abs();
            let allowed = if published < 1e-6 { 1e-14 } else { 1e-8 * published };
            assert!(gap < allowed, "K = {}, t = {time}: {value:e} for {published:e}", problem.student_width);
        }
    }
}

/// Output at every unit of time keeps all steps far inside the region of stability, at a finer tolerance.
#[test]
fn small_late_errors_are_right_to_1e_14() {
    let problem = committee(2, 2, Activation::Erf, 0.5, 0.0);
    let fine_times: Vec<f64> = (1..=1000).map(f64::from).collect();
    let fine = errors_at(&problem, &fine_times, &options(1e-14));
    let curve = errors_at(&problem, &[500.0, 600.0, 800.0, 1000.0], &options(KIND.default_tolerance));
    for (time, value) in curve.times.iter().zip(&curve.values[0]) {
        let reference = fine.values[0][*time as usize - 1];
        assert!((value - reference).abs() < 1e-14, "t = {time}: {value:e} for {reference:e}");
    }
}

/// At single times the difference of two tolerances may vanish by chance; over the curve it has the order of
/// magnitude of the error.
#[test]
fn the_measured_error_has_the_size_of_the_error_of_the_curve() {
    for (problem, published) in anchors() {
        let curve = errors_at(&problem, &ANCHOR_TIMES, &LawOptions { measure_error: true, ..options(1e-9) });
        // The start is exact to rounding.
        assert!(curve.errors[0][0] < 1e-13 * curve.values[0][0], "{:e}", curve.errors[0][0]);
        let relative = published.iter().enumerate().filter(|&(_, &published)| published > 1e-6);
        let (gap, stated) = relative.fold((0.0f64, 0.0f64), |(gap, stated), (k, &published)| {
            let off = (curve.values[0][k] - published).abs();
            (gap.max(off / published), stated.max(curve.errors[0][k] / published))
        });
        assert!(gap < 10.0 * stated && stated < 1e-3, "off by {gap:e}, stated {stated:e}");
    }
}

#[test]
fn final_errors_have_their_published_digits() {
    // (M, L, eta, e_g*/sigma^2)
    let published = [
        (1, 0, 0.05, 0.0046517547),
        (1, 0, 0.2, 0.0193308811),
        (2, 0, 0.05, 0.0093909059),
        (2, 0, 0.2, 0.0402187069),
        (2, 1, 0.05, 0.0177865281),
        (2, 1, 0.2, 0.0801223903),
        (4, 0, 0.05, 0.0191413532),
        (4, 0, 0.2, 0.0874763313),
        (4, 4, 0.05, 0.0558848854),
        (4, 4, 0.2, 0.3382969362),
    ];
    let sigma = 0.037;
    for (m, surplus, eta, value) in published {
        let problem = Problem::Committee(committee(m + surplus, m, Activation::Erf, eta, sigma));
        let ratio = theory::overlay(&problem, "final-error").unwrap() / (sigma * sigma);
        assert!((ratio - value).abs() < 1e-10, "M = {m}, L = {surplus}, eta = {eta}: {ratio} for {value}");
    }
    // Fig. 2a of Goldt et al., read off its text.
    let problem = Problem::Committee(committee(19, 4, Activation::Erf, 0.05, sigma));
    let ratio = theory::overlay(&problem, "final-error").unwrap() / (sigma * sigma);
    assert!((ratio - 0.190230).abs() < 1e-6, "{ratio}");
}

#[test]
fn final_errors_of_units_that_coincide_or_weigh_nothing() {
    let (eta, sigma) = (0.2, 0.037);
    let ratio = |problem: Committee| {
        theory::overlay(&Problem::Committee(problem), "final-error").map(|value| value / (sigma * sigma))
    };
    // Two teacher units on one another, or opposite, are one unit at twice the rate: the formula of one unit below.
    let pi = std::f64::consts::PI;
    let one = 0.4 * 5.0 / (2.0 * 3f64.sqrt() * (5.0 * pi - 0.4 * 15f64.sqrt()));
    for c in [1.0, -1.0] {
        let mut problem = committee(2, 2, Activation::Erf, eta, sigma);
        problem.teacher = Teacher::Given { t: DMatrix::from_row_slice(2, 2, &[1.0, c, c, 1.0]) };
        assert!((ratio(problem).unwrap() / one - 1.0).abs() < 1e-12);
    }
    // The published values of one unit, and of two, beside units of weight 0.
    for (k, v, value) in [(2, [1.0, 0.0, 0.0], 0.0193308811), (3, [1.0, 1.0, 0.0], 0.0402187069)] {
        let mut problem = committee(k, 2, Activation::Erf, eta, sigma);
        problem.student_second_layer = DVector::from_column_slice(&v[..k]);
        problem.teacher_second_layer = DVector::from_column_slice(&v[..2]);
        assert!((ratio(problem).unwrap() - value).abs() < 1e-10);
    }
    let mut silent = committee(1, 1, Activation::Linear, eta, sigma);
    silent.student_second_layer[0] = 0.0;
    assert!(ratio(silent).is_err());
}

#[test]
fn differences_of_large_terms_state_their_rounding() {
    // Small noise on the teacher: e_g is the published final error, far below the rounding of its terms of order 1.
    for (sigma, t) in [(1e-6, 4e3), (1e-7, 4e3)] {
        let mut problem = committee(1, 1, Activation::Erf, 0.2, sigma);
        problem.init =
            Init::Given { q: DMatrix::from_element(1, 1, 1.0), r: DMatrix::from_element(1, 1, 1.0) };
        let curve = errors_at(&problem, &[t], &LawOptions { measure_error: true, ..options(1e-12) });
        let gap = (curve.values[0][0] - 0.0193308811 * sigma * sigma).abs();
        let stated = curve.errors[0][0];
        assert!(gap < 2.0 * stated && stated < 1e-14, "off by {gap:e}, stated {stated:e}");
    }
}

#[test]
fn final_errors_of_linear_units_and_of_one_unit_follow_their_formulas() {
    let (eta, sigma) = (0.05, 0.21);
    for (k, value) in [(4, 0.055556), (19, 0.452381)] {
        let problem = Problem::Committee(committee(k, 4, Activation::Linear, eta, sigma));
        let ratio = theory::overlay(&problem, "final-error").unwrap() / (sigma * sigma);
        let width = k as f64;
        assert!(
            (ratio - value).abs() < 1e-6
                && (ratio / (eta * width / (4.0 - 2.0 * eta * width)) - 1.0).abs() < 1e-13
        );
    }
    for t in [0.3f64, 2.7] {
        let mut problem = committee(1, 1, Activation::Erf, eta, sigma);
        problem.teacher = Teacher::Given { t: DMatrix::from_element(1, 1, t) };
        let value = theory::overlay(&Problem::Committee(problem), "final-error").unwrap();
        let pi = std::f64::consts::PI;
        let formula = eta * sigma * sigma * (4.0 * t + 1.0)
            / (2.0
                * (2.0 * t + 1.0).sqrt()
                * (pi * (4.0 * t + 1.0) - eta * (8.0 * t * t + 6.0 * t + 1.0).sqrt()));
        assert!((value / formula - 1.0).abs() < 1e-13, "T = {t}: {value} for {formula}");
    }
}

#[test]
fn nothing_is_stationary_beyond_the_largest_rate() {
    let largest = |problem: &Committee| theory::committee::asymptotics::largest_rate(problem).unwrap();
    // sqrt 3 pi/(M + 3/sqrt 5 - 1), exact for M = 1. For M > 1 it is the zero of the diagonal element of the noise
    // equation and ignores the overlaps between deviations of different units, which lower the limit.
    for m in [1, 2, 4, 7] {
        let diagonal = 3f64.sqrt() * std::f64::consts::PI / (m as f64 + 3.0 / 5f64.sqrt() - 1.0);
        let found = largest(&committee(m, m, Activation::Erf, 0.3, 0.1));
        if m == 1 {
            assert!((found / diagonal - 1.0).abs() < 1e-12, "{found} for {diagonal}");
        } else {
            assert!(found < diagonal && found > 0.5 * diagonal, "M = {m}: {found} against {diagonal}");
        }
        let beyond = Problem::Committee(committee(m, m, Activation::Erf, 1.001 * found, 0.1));
        assert!(matches!(theory::overlay(&beyond, "final-error"), Err(LawError::Overlay { .. })));
        let below = Problem::Committee(committee(m, m, Activation::Erf, 0.999 * found, 0.1));
        assert!(theory::overlay(&below, "final-error").unwrap() > 0.0);
    }
    assert!((largest(&committee(7, 3, Activation::Linear, 0.1, 0.1)) - 2.0 / 7.0).abs() < 1e-14);
    // The law itself between the two values of M = 2, 2.3068 and 2.3238, and below both: only below does the final
    // error vanish with the noise.
    let ratio = |eta: f64, sigma: f64| {
        let mut problem = committee(2, 2, Activation::Erf, eta, sigma);
        problem.init = Init::Informed { std: 0.0, surplus: Surplus::Zero };
        errors_at(&problem, &[4e3], &options(1e-12)).values[0][0] / (sigma * sigma)
    };
    assert!(ratio(2.315, 1e-4) > 30.0 * ratio(2.315, 1e-3));
    assert!(ratio(2.30, 1e-4) < 1.5 * ratio(2.30, 1e-3));
}

#[test]
fn the_small_rate_formula_is_the_limit_of_the_exact_one() {
    let sigma = 0.4;
    let values = |eta: f64| {
        let problem = Problem::Committee(committee(5, 3, Activation::Erf, eta, sigma));
        let exact = theory::overlay(&problem, "final-error").unwrap();
        let first = theory::overlay(&problem, "final-error-small-rate").unwrap();
        // sigma^2 eta/(2 pi) (L + M/sqrt 3)
        let formula = sigma * sigma * eta / std::f64::consts::TAU * (2.0 + 3f64.sqrt());
        assert!((first / formula - 1.0).abs() < 1e-13, "{first} for {formula}");
        exact / first - 1.0
    };
    let order = (values(4e-4) / values(2e-4)).log2();
    assert!((order - 1.0).abs() < 1e-3, "{order}");
    // Both layers, one teacher unit shared by K: eta (sigma v*)^2/(2 sqrt 3 K pi).
    let mut shared = committee(3, 1, Activation::Erf, 0.02, sigma);
    shared.trained = Trained::BothLayers;
    shared.teacher_second_layer.fill(2.3);
    let first = theory::overlay(&Problem::Committee(shared), "final-error-small-rate").unwrap();
    let formula = 0.02 * (sigma * 2.3).powi(2) / (2.0 * 3f64.sqrt() * 3.0 * std::f64::consts::PI);
    assert!((first / formula - 1.0).abs() < 1e-13, "{first} for {formula}");
}

/// Late times of the law against the formula of second order in sigma: generic output weights, teacher overlaps,
/// batch and output scaling, started near the optimum.
#[test]
fn the_law_approaches_the_final_error_with_the_order_of_its_remainder() {
    let excess = |sigma: f64, m: usize| {
        let mut problem = committee(m, m, Activation::Erf, 0.9, sigma);
        problem.teacher = Teacher::Given {
            t: DMatrix::from_fn(m, m, |i, j| if i == j { 0.8 + 0.5 * i as f64 } else { 0.15 }),
        };
        problem.teacher_second_layer = DVector::from_fn(m, |i, _| 1.2 - 0.3 * i as f64);
        problem.student_second_layer = problem.teacher_second_layer.clone();
        problem.output = OutputScaling::MeanField;
        problem.batch = 2;
        problem.init = Init::Informed { std: 0.0, surplus: Surplus::Zero };
        let end = errors_at(&problem, &[6e3, 1.2e4], &options(1e-13));
        let (before, value) = (end.values[0][0], end.values[0][1]);
        assert!((value / before - 1.0).abs() < 1e-7, "not stationary: {before} {value}");
        value / theory::overlay(&Problem::Committee(problem), "final-error").unwrap() - 1.0
    };
    for m in [1, 2, 3] {
        let (coarse, fine) = (excess(0.04, m), excess(0.02, m));
        let order = (coarse / fine).log2();
        assert!(
            fine.abs() < 2e-3 && (order - 2.0).abs() < 0.1,
            "M = {m}: {coarse:e}, {fine:e}, order {order}"
        );
    }
}

/// Surplus units: their sum behaves as one further unit.
#[test]
fn surplus_units_add_their_share_of_the_final_error() {
    let excess = |sigma: f64| {
        let mut problem = committee(4, 2, Activation::Erf, 0.2, sigma);
        problem.student_second_layer = DVector::from_vec(vec![1.0, 1.0, 0.6, -1.3]);
        problem.init = Init::Informed { std: 0.0, surplus: Surplus::Zero };
        let end = errors_at(&problem, &[1600.0], &options(1e-13));
        end.values[0][0] / theory::overlay(&Problem::Committee(problem), "final-error").unwrap() - 1.0
    };
    let (coarse, fine) = (excess(0.04), excess(0.02));
    let order = (coarse / fine).log2();
    assert!(fine.abs() < 1e-2 && (order - 2.0).abs() < 0.2, "{coarse:e}, {fine:e}, order {order}");
}

#[test]
fn plateau_values_are_the_published_ones_and_those_of_the_law() {
    for (m, published) in [(2, 0.0116108), (3, 0.0202966), (4, 0.0283773)] {
        let mut problem = committee(m, m, Activation::Erf, 0.3, 0.1);
        let (q, r) = theory::committee::asymptotics::plateau_overlaps(m);
        problem.init = Init::Given { q: DMatrix::from_element(m, m, q), r: DMatrix::from_element(m, m, r) };
        let at_start = errors_at(&problem, &[0.0], &options(1e-8)).values[0][0];
        let formula = theory::overlay(&Problem::Committee(problem), "plateau").unwrap();
        assert!((formula - published).abs() < 6e-8, "M = {m}: {formula} for {published}");
        assert!((formula - at_start).abs() < 1e-12, "M = {m}: {formula} against {at_start}");
    }
}

#[test]
fn formulas_say_why_they_do_not_apply() {
    let refuse = |problem: Committee, name: &str, because: &str| match theory::overlay(
        &Problem::Committee(problem),
        name,
    ) {
        Err(LawError::Overlay { reason, .. }) => assert!(reason.contains(because), "{reason}"),
        other => panic!("{name}: {other:?}"),
    };
    let erf = || committee(3, 2, Activation::Erf, 0.2, 0.1);
    refuse(committee(3, 2, Activation::Relu, 0.2, 0.1), "final-error", "odd");
    refuse(committee(2, 3, Activation::Erf, 0.2, 0.1), "final-error", "second-layer weight");
    refuse(committee(3, 2, Activation::Tanh, 0.2, 0.1), "final-error", "small-rate");
    refuse(Committee { weight_decay: 0.01, ..erf() }, "final-error", "decay");
    refuse(Committee { trained: Trained::BothLayers, ..erf() }, "final-error", "start");
    refuse(Committee { output: OutputScaling::Normalised, ..erf() }, "final-error", "second-layer weight");
    refuse(Committee { training_set: Some(4.0), ..erf() }, "final-error-small-rate", "fresh");
    refuse(erf(), "plateau", "K = M");
    let unknown = theory::overlay(&Problem::Committee(erf()), "final");
    assert!(matches!(unknown, Err(LawError::UnknownOverlay { .. })));
}

/// A problem without any symmetry, simplification or round number.
fn generic(activation: Activation) -> Committee {
    let mut problem = committee(2, 3, activation, 1.1, 0.43);
    problem.trained = Trained::BothLayers;
    problem.second_layer_rate = 0.57;
    problem.weight_decay = 0.23;
    problem.second_layer_decay = 0.11;
    problem.batch = 3;
    problem.output = OutputScaling::MeanField;
    problem.teacher = Teacher::Given {
        t: DMatrix::from_row_slice(3, 3, &[1.2, 0.15, -0.2, 0.15, 0.7, 0.1, -0.2, 0.1, 0.9]),
    };
    problem.teacher_second_layer = DVector::from_vec(vec![1.4, -0.8, 2.1]);
    problem.student_second_layer = DVector::from_vec(vec![1.7, -1.2]);
    problem.init = Init::Given {
        q: DMatrix::from_row_slice(2, 2, &[0.6, 0.21, 0.21, 1.3]),
        r: DMatrix::from_row_slice(2, 3, &[0.3, -0.12, 0.4, 0.05, 0.35, -0.27]),
    };
    problem
}

fn all_observables(problem: &Committee) -> Vec<String> {
    problem.observables().iter().flat_map(|family| family.entries()).collect()
}

/// Derivative of every observable at t = 0, from the curve: (4 f(h/2) - f(h) - 3 f(0))/h.
fn initial_slopes(problem: &Committee) -> Vec<f64> {
    let h = 1e-4;
    let names = all_observables(problem);
    let curve = theory::integrate(
        &Problem::Committee(problem.clone()),
        &Problem::Committee(problem.clone()).limit_start(),
        &[0.0, 0.5 * h, h],
        &names,
        &options(1e-13),
    )
    .unwrap();
    curve.values.iter().map(|f| (4.0 * f[1] - f[2] - 3.0 * f[0]) / h).collect()
}

/// One update of SGD from given weights, averaged over batches: d times the mean change of every overlap is the
/// right-hand side, up to O(1/d).
#[test]
fn one_step_of_sgd_moves_the_overlaps_as_the_law_says() {
    const D: usize = 300;
    const UPDATES: usize = 60_000;
    for (activation, seed) in [(Activation::Erf, 11), (Activation::Linear, 12), (Activation::Relu, 13)] {
        let problem = generic(activation);
        let start = problem.limit_start();
        let (k, m) = (2, 3);
        let root = (D as f64).sqrt();
        let l = start.covariance().cholesky().unwrap().l();
        let weights = DMatrix::from_fn(D, k + m, |i, a| if i < k + m { root * l[(a, i)] } else { 0.0 });
        let (eta, eta_v) = (problem.effective_rate(), problem.effective_second_layer_rate());
        let d = D as f64;

        let mut rng = StdRng::seed_from_u64(seed);
        let names = all_observables(&problem);
        let mut sums = vec![[0.0f64; 2]; names.len()];
        let mut change = DMatrix::<f64>::zeros(D, k);
        let mut x = DVector::<f64>::zeros(D);
        for _ in 0..UPDATES {
            let mut v_change = [0.0; 2];
            for (i, v_change) in v_change.iter_mut().enumerate() {
                change.set_column(i, &(weights.column(i) * (-problem.weight_decay / d)));
                *v_change = -problem.second_layer_decay / d * start.v[i];
            }
            for _ in 0..problem.batch {
                x.iter_mut().for_each(|x| *x = rng.sample(StandardNormal));
                let noise: f64 = rng.sample(StandardNormal);
                let fields = weights.tr_mul(&x) / root;
                let g = |a: usize| activation.value(fields[a]);
                let teacher: f64 =
                    (0..m).map(|n| start.v_star[n] * g(k + n)).sum::<f64>() * problem.teacher_scale();
                let student: f64 = (0..k).map(|i| start.v[i] * g(i)).sum::<f64>() * problem.student_scale();
                let err = (teacher + problem.noise_std * noise - student) / problem.batch as f64;
                for i in 0..k {
                    let pull = eta / root * start.v[i] * activation.derivative(fields[i]) * err;
                    change.column_mut(i).axpy(pull, &x, 1.0);
                    v_change[i] += eta_v / d * g(i) * err;
                }
            }
            // d times the changes of w_i.w_j/d and w_i.w*_n/d.
            let cross = weights.tr_mul(&change);
            let own = change.tr_mul(&change);
            for (name, sum) in names.iter().zip(&mut sums) {
                let index: Vec<usize> =
                    name.bytes().filter(u8::is_ascii_digit).map(|b| (b - b'1') as usize).collect();
                let moved = match name.as_bytes()[0] {
                    b'Q' => {
                        cross[(index[0], index[1])] + cross[(index[1], index[0])] + own[(index[0], index[1])]
                    }
                    b'R' => cross[(k + index[1], index[0])],
                    b'v' => d * v_change[index[0]],
                    _ => continue,
                };
                sum[0] += moved;
                sum[1] += moved * moved;
            }
        }
        let slopes = initial_slopes(&problem);
        for (o, name) in names.iter().enumerate() {
            if name.starts_with(['g', 'T', 's']) {
                continue;
            }
            let n = UPDATES as f64;
            let mean = sums[o][0] / n;
            let std_error = ((sums[o][1] / n - mean * mean) / n).sqrt();
            let t = (mean - slopes[o]) / std_error;
            assert!(
                t.abs() < 4.0,
                "{activation:?} {name}: SGD {mean} +- {std_error}, law {}, t = {t}",
                slopes[o]
            );
        }
    }
}

#[test]
fn exchanging_units_exchanges_their_overlaps() {
    for activation in [Activation::Erf, Activation::Quadratic] {
        let mut problem = generic(activation);
        problem.learning_rate = 0.2;
        let mut exchanged = problem.clone();
        let start = problem.limit_start();
        let (p, pi) = ([1, 0], [2, 0, 1]);
        exchanged.student_second_layer = DVector::from_fn(2, |i, _| start.v[p[i]]);
        exchanged.teacher_second_layer = DVector::from_fn(3, |n, _| start.v_star[pi[n]]);
        exchanged.teacher = Teacher::Given { t: DMatrix::from_fn(3, 3, |i, j| start.t[(pi[i], pi[j])]) };
        exchanged.init = Init::Given {
            q: DMatrix::from_fn(2, 2, |i, j| start.q[(p[i], p[j])]),
            r: DMatrix::from_fn(2, 3, |i, n| start.r[(p[i], pi[n])]),
        };
        let curve = |problem: &Committee, names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| name.to_string()).collect();
            let problem = Problem::Committee(problem.clone());
            theory::integrate(&problem, &problem.limit_start(), &[1.5, 4.0], &names, &options(1e-12)).unwrap()
        };
        let a = curve(&problem, &["generalisation_error", "Q[1,1]", "Q[1,2]", "R[1,3]", "R[2,1]", "v[2]"]);
        let b = curve(&exchanged, &["generalisation_error", "Q[2,2]", "Q[2,1]", "R[2,1]", "R[1,2]", "v[1]"]);
        for (o, (a, b)) in a.values.iter().flatten().zip(b.values.iter().flatten()).enumerate() {
            assert!((a - b).abs() < 1e-10 * a.abs().max(1.0), "{activation:?} {o}: {a} against {b}");
        }
    }
}

#[test]
fn output_scalings_are_committees_with_other_weights_and_rates() {
    let scaled = generic(Activation::Erf);
    let mut plain = scaled.clone();
    plain.output = OutputScaling::Committee;
    plain.teacher_second_layer /= 3.0;
    plain.student_second_layer /= 2.0;
    // dw = (eta K) (v/K) g' err; d(v/K) = (eta_v K) (1/K^2) g err.
    plain.learning_rate = scaled.learning_rate * 2.0;
    plain.second_layer_rate = scaled.second_layer_rate / 2.0;
    let a = errors_at(&scaled, &[0.4, 3.0], &options(1e-12));
    let b = errors_at(&plain, &[0.4, 3.0], &options(1e-12));
    for (a, b) in a.values[0].iter().zip(&b.values[0]) {
        assert!((a / b - 1.0).abs() < 1e-9, "{a} against {b}");
    }
}

#[test]
fn linear_units_settle_at_their_exact_final_error() {
    // (K, M, eta): the wide case is out of reach of a sum over fourth-order averages.
    for (k, m, eta) in [(3, 2, 0.17), (1, 4, 0.9), (1000, 4, 0.0013)] {
        let problem = committee(k, m, Activation::Linear, eta, 0.3);
        let rate = eta * k as f64;
        let end = errors_at(&problem, &[80.0 / rate], &options(1e-12)).values[0][0];
        let formula = eta * 0.09 * k as f64 / (4.0 - 2.0 * rate);
        assert!((end / formula - 1.0).abs() < 1e-9, "K = {k}: {end} for {formula}");
    }
}

/// One unit, noiseless, T = 1: a deviation S of the length of w relaxes slowest, dS/dt = -eta <g'^2 u^2> S with
/// <g'^2 u^2> = 2/(pi 3 sqrt 3), and e_g is of second order in it.
#[test]
fn one_unit_learns_one_unit() {
    let eta = 0.7;
    let problem = committee(1, 1, Activation::Erf, eta, 0.0);
    let curve = errors_at(&problem, &[90.0, 110.0], &options(1e-13));
    let decay = (curve.values[0][0] / curve.values[0][1]).ln() / 20.0;
    let slowest = 2.0 * eta * 2.0 / (std::f64::consts::PI * 27f64.sqrt());
    assert!((decay / slowest - 1.0).abs() < 1e-3, "{decay} for {slowest}");
}

#[test]
fn too_large_a_rate_is_a_divergence_with_its_time() {
    for activation in [Activation::Linear, Activation::Quadratic] {
        let problem = committee(3, 2, activation, 1.9, 0.1);
        let times: Vec<f64> = (0..60).map(|k| 0.1 * 1.25f64.powi(k)).collect();
        let curve = errors_at(&problem, &times, &options(1e-9));
        let End::Diverged { time, reason } = &curve.end else { panic!("{:?}", curve.end) };
        let reached = curve.times.len();
        assert!(reached < times.len() && !reason.is_empty());
        assert!(reached == 0 || curve.times[reached - 1] <= *time);
        assert!(times[reached] > *time, "{time} with {reached} points");
        assert!(curve.values[0].iter().all(|value| value.is_finite()));
    }
}

#[test]
fn every_structural_fault_changes_the_curve() {
    let problem = generic(Activation::Erf);
    let names = all_observables(&problem);
    let run = |faults: &[&str]| {
        let options = LawOptions { faults: faults.iter().map(|f| f.to_string()).collect(), ..options(1e-10) };
        let problem = Problem::Committee(problem.clone());
        theory::integrate(&problem, &problem.limit_start(), &[2.0], &names, &options).unwrap()
    };
    let sound = run(&[]);
    let mut seen: Vec<Vec<f64>> = vec![sound.values.concat()];
    for (fault, _) in KIND.law_faults {
        let faulty = run(&[fault]).values.concat();
        for other in &seen {
            let gap = faulty.iter().zip(other).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(gap > 1e-3, "{fault} moves the observables by {gap:e} only");
        }
        seen.push(faulty);
    }
}

#[test]
fn long_horizons_do_not_change_the_answer() {
    // Rodas5P takes over where stability binds the explicit step; the same noise floor must come out.
    let problem = committee(2, 2, Activation::Erf, 0.5, 0.05);
    let curve = errors_at(&problem, &[2e3, 1e4, 1e5, 1e6], &options(1e-11));
    assert!(curve.is_complete());
    assert!(curve.work.rhs_calls < 100_000, "{:?}", curve.work);
    for value in &curve.values[0] {
        assert!((value / curve.values[0][0] - 1.0).abs() < 1e-8, "{:?}", curve.values[0]);
    }
}

#[test]
fn relu_learns() {
    let problem = committee(3, 2, Activation::Relu, 0.3, 0.05);
    let curve = errors_at(&problem, &[0.0, 1.0, 10.0], &options(1e-6));
    assert!(curve.is_complete(), "{:?}", curve.end);
    assert!(curve.values[0][2] < 0.2 * curve.values[0][0], "{:?}", curve.values[0]);
}

#[test]
fn misuse_is_refused_with_its_reason() {
    let problem = committee(3, 2, Activation::Erf, 0.3, 0.1);
    let start = problem.limit_start();
    let error = "generalisation_error".to_string();
    let run = |problem: &Committee, start: &Overlaps, times: &[f64], name: &str, options: &LawOptions| {
        theory::committee::integrate(problem, start, times, &[name.to_string()], options).unwrap_err()
    };
    let sound = options(1e-8);
    assert!(matches!(run(&problem, &start, &[1.0], "Q[4,1]", &sound), LawError::UnknownObservable { .. }));
    assert!(matches!(run(&problem, &start, &[2.0, 1.0], &error, &sound), LawError::Integration { .. }));
    assert!(matches!(run(&problem, &start, &[-1.0], &error, &sound), LawError::Integration { .. }));
    assert!(matches!(run(&problem, &start, &[1.0], &error, &options(0.0)), LawError::Integration { .. }));
    let faulty = LawOptions { faults: vec!["drop=eta".into()], ..sound.clone() };
    assert!(matches!(run(&problem, &start, &[1.0], &error, &faulty), LawError::UnknownFault { .. }));
    let other = start.resized(4, 2);
    assert!(matches!(run(&problem, &other, &[1.0], &error, &sound), LawError::Start { .. }));
    let finite = Committee { training_set: Some(4.0), ..problem.clone() };
    assert!(matches!(run(&finite, &start, &[1.0], &error, &sound), LawError::Uncovered { .. }));
}
