//! The kernel limit of wide networks against outside references, quadrature, and plain iterations.

mod architecture;
mod classes;
mod dynamics;
#[path = "../common/planted.rs"]
mod planted;
mod precision;
mod standard;
mod widths;

use asymptotica::linalg::solve;
use asymptotica::problem::ntk::Nonlinearity;
use asymptotica::scenario::{Overrides, Source, resolve};
use asymptotica::theory::ntk::{Descent, Fields, Network, diagonal, dual};
use asymptotica::theory::{self, LawOptions};
use asymptotica::trajectory::{Curve, End};
use nalgebra::{DMatrix, DVector};
use std::f64::consts::PI;

const RELU: Nonlinearity = Nonlinearity::LeakyRelu { slope: 0.0 };

/// Two inputs of d = 2 with these root-mean-square norms and this angle.
fn pair(norm_x: f64, norm_y: f64, angle: f64) -> DMatrix<f64> {
    let root = std::f64::consts::SQRT_2;
    DMatrix::from_columns(&[
        DVector::from_vec(vec![root * norm_x, 0.0]),
        DVector::from_vec(vec![root * norm_y * angle.cos(), root * norm_y * angle.sin()]),
    ])
}

/// 128 entries made with an independent public implementation in double precision: ReLU and erf, four (W_s, b_s), one
/// and two hidden layers, eight pairs of norm and angle.
#[test]
fn kernels_are_the_reference_entries() {
    let text = include_str!("reference.json");
    let file: serde_json::Value = serde_json::from_str(text).expect("JSON");
    let cases = file["cases"].as_array().expect("a list");
    assert_eq!(cases.len(), 128);
    for case in cases {
        let number = |key: &str| case[key].as_f64().unwrap_or_else(|| panic!("{key} in {case}"));
        let network = Network {
            nonlinearity: if case["activation"] == "relu" { RELU } else { Nonlinearity::Erf },
            hidden_layers: case["hidden_layers"].as_u64().expect("a count") as usize,
            weight_std: number("W_std"),
            bias_std: number("b_std"),
        };
        let kernels = network.kernels(&pair(number("rms_norm_x"), number("rms_norm_y"), number("angle")));
        for (name, matrix) in [("nngp", &kernels.nngp), ("ntk", &kernels.ntk)] {
            for (suffix, at) in [("xx", (0, 0)), ("xy", (0, 1)), ("yy", (1, 1))] {
                let expected = number(&format!("{name}_{suffix}"));
                // Entries that vanish at angle pi are rounding in the reference.
                let scale = expected.abs().max(1e-3 * matrix[(0, 0)]);
                let found = matrix[at];
                assert!((found - expected).abs() <= 1e-12 * scale, "{name}_{suffix} = {found} in {case}");
            }
        }
    }
}

/// <f(u, v)> over two fields, by the trapezoidal rule on the square [-9, 9]^2 of standard normal numbers: for smooth f of
/// moderate gain.
fn smooth_average(p: f64, q: f64, angle: f64, f: impl Fn(f64, f64) -> f64) -> f64 {
    let steps = 300;
    let h = 18.0 / f64::from(steps);
    let place = |i: i32| -9.0 + h * f64::from(i);
    let mut sum = 0.0;
    for i in 0..=steps {
        for j in 0..=steps {
            let (a, b) = (place(i), place(j));
            let weight = (-0.5 * (a * a + b * b)).exp();
            sum += weight * f(p.sqrt() * a, q.sqrt() * (angle.cos() * a + angle.sin() * b));
        }
    }
    sum * h * h / (2.0 * PI)
}

fn fields(p: f64, q: f64, angle: f64) -> Fields {
    let r = (p * q).sqrt();
    Fields { p, q, c: r * angle.cos(), sine_squared: angle.sin().powi(2) }
}

fn averages(phi: &Nonlinearity, p: f64, q: f64, angle: f64) -> (f64, f64) {
    let found = dual(phi, &fields(p, q, angle), diagonal(phi, p).0, diagonal(phi, q).0);
    (found.k, found.k_dot)
}

#[test]
fn closed_forms_of_smooth_activations_are_averages_over_the_fields() {
    let polynomial = Nonlinearity::Polynomial { coefficients: vec![0.3, -1.0, 0.5, 0.2] };
    let all = [
        Nonlinearity::Linear,
        Nonlinearity::Erf,
        Nonlinearity::Gelu,
        Nonlinearity::Sine,
        Nonlinearity::Tanh,
        polynomial,
    ];
    for phi in &all {
        for (p, q) in [(1.0, 1.0), (0.3, 2.5)] {
            for angle in [0.0, 0.4, 1.3, 2.6, PI] {
                let (k, k_dot) = averages(phi, p, q, angle);
                let expected = smooth_average(p, q, angle, |u, v| phi.value(u) * phi.value(v));
                let slope = smooth_average(p, q, angle, |u, v| phi.derivative(u) * phi.derivative(v));
                let name = phi.name();
                assert!(
                    (k - expected).abs() < 1e-12 * (1.0 + p * q),
                    "{name} {p} {q} {angle}: {k} {expected}"
                );
                assert!(
                    (k_dot - slope).abs() < 1e-12 * (1.0 + p * q),
                    "{name} {p} {q} {angle}: {k_dot} {slope}"
                );
            }
        }
    }
}

/// ReLU-like units in polar coordinates: the angular integral of the kinks, piecewise by Simpson's rule.
#[test]
fn closed_forms_of_rectifiers_are_averages_over_the_fields() {
    for slope in [0.0, 0.1, -0.7, 2.0] {
        let phi = Nonlinearity::LeakyRelu { slope };
        for (p, q) in [(1.0_f64, 1.0_f64), (0.3, 2.5), (1e6, 2e6), (1e-8, 3.0)] {
            for angle in [0.0, 1e-8, 0.4, 1.3, 2.6, PI] {
                // u = sqrt(p) rho cos t, v = sqrt(q) rho cos(t - angle); <rho^2> = 2.
                let mut kinks: Vec<f64> = [0.5 * PI, -0.5 * PI, 0.5 * PI + angle, angle - 0.5 * PI, PI]
                    .iter()
                    .map(|t| t.rem_euclid(2.0 * PI))
                    .collect();
                kinks.extend([0.0, 2.0 * PI]);
                kinks.sort_by(f64::total_cmp);
                let (mut k, mut k_dot) = (0.0, 0.0);
                for piece in kinks.windows(2) {
                    let (a, b) = (piece[0], piece[1]);
                    let middle = 0.5 * (a + b);
                    let sign = |t: f64| phi.derivative(t.cos()) * phi.derivative((t - angle).cos());
                    let factor = sign(middle);
                    // The integral of cos t cos(t - angle) in closed form.
                    let primitive = |t: f64| 0.5 * t * angle.cos() + 0.25 * (2.0 * t - angle).sin();
                    k += factor * (primitive(b) - primitive(a));
                    k_dot += factor * (b - a);
                }
                let expected = ((p * q).sqrt() * 2.0 * k / (2.0 * PI), k_dot / (2.0 * PI));
                let found = averages(&phi, p, q, angle);
                let scale = (p * q).sqrt();
                assert!(
                    (found.0 - expected.0).abs() < 1e-14 * scale * (1.0 + slope * slope),
                    "{slope} {p} {q} {angle}: {found:?} {expected:?}"
                );
                assert!(
                    (found.1 - expected.1).abs() < 2e-15 * (1.0 + slope * slope),
                    "{slope} {p} {q} {angle}: {found:?} {expected:?}"
                );
            }
        }
    }
}

/// Limits that are known to all digits: large variances make erf and tanh the sign, whose averages are an angle.
#[test]
fn high_gain_and_near_parallel_inputs_keep_their_digits() {
    let angle = 1e-8;
    for phi in [Nonlinearity::Erf, Nonlinearity::Tanh] {
        let (k, _) = averages(&phi, 1e14, 1e14, 1.0);
        assert!((k - (1.0 - 2.0 / PI)).abs() < 1e-7, "{}: {k}", phi.name());
    }
    // sin and cos of nearly equal fields: <cos u cos v> = 1/2 (e^(-p angle^2/2) + e^(-2 p)) for p = q.
    let (k, k_dot) = averages(&Nonlinearity::Sine, 400.0, 400.0, angle);
    assert!((k - 0.5).abs() < 1e-13 && (k_dot - 0.5).abs() < 1e-13);
    // erf: K' = (4/pi) / sqrt(1 + 4 p + 4 p^2 sin^2).
    let p = 1e12;
    let (_, k_dot) = averages(&Nonlinearity::Erf, p, p, angle);
    let expected = 4.0 / PI / (1.0 + 4.0 * p + 4.0 * (p * angle.sin()).powi(2)).sqrt();
    assert!((k_dot / expected - 1.0).abs() < 1e-14);
    // tanh at high gain: <sech^4 u> -> (4/3) / sqrt(2 pi p).
    let (_, k_dot) = averages(&Nonlinearity::Tanh, p, p, 0.0);
    assert!((k_dot * (2.0 * PI * p).sqrt() * 0.75 - 1.0).abs() < 1e-10, "{k_dot}");

    // Deep ReLU, W_s^2 = 2: 1 - cos of the next angle is (1 - cos t) - (sin t - t cos t)/pi, t^2/2 - t^3/(3 pi) + ...
    let network = Network { nonlinearity: RELU, hidden_layers: 2, weight_std: 2.0_f64.sqrt(), bias_std: 0.0 };
    let kernels = network.kernels(&pair(1.0, 1.0, angle));
    // T^2 = 2 (1 - t/pi) + 2 (1 - ..), T^3 = 2 + (1 - t'/pi) T^2 with t' = t (1 - t/(3 pi)) to first order.
    let expected = 2.0 + (1.0 - angle / PI) * (2.0 + 2.0 * (1.0 - angle / PI));
    assert!(
        (kernels.ntk[(0, 1)] - expected).abs() < 2e-15 * expected * 4.0,
        "{} {expected}",
        kernels.ntk[(0, 1)]
    );
    // Unequal norms, the same angle.
    let unequal = network.kernels(&pair(1.7, 0.3, angle));
    assert!((unequal.ntk[(0, 1)] / (1.7 * 0.3) - expected).abs() < 1e-14 * expected);
    // Erf at high gain: the second layer sees the distance of nearly equal units.
    let erf = Network { nonlinearity: Nonlinearity::Erf, hidden_layers: 2, weight_std: 1e3, bias_std: 0.5 };
    let found = erf.kernels(&pair(1.0, 1.0, angle)).ntk[(0, 1)];
    assert!((found / erf_by_hand(1e3, 0.5, angle) - 1.0).abs() < 1e-12, "{found}");
}

/// Two hidden erf layers for two inputs of norm 1, with 1 - cos and the difference of angles by their series.
fn erf_by_hand(weight: f64, bias: f64, angle: f64) -> f64 {
    let (w, b) = (weight * weight, bias * bias);
    let (p, distance) = (w + b, 2.0 * w * (1.0 - angle.cos()).max(0.5 * angle * angle));
    let layer = |p: f64, distance: f64| {
        // c = p - distance/2; the angle of (sqrt R, 2 c) differs from its own by x with sin x = ...: small here.
        let c = p - 0.5 * distance;
        let determinant = distance * (p - 0.25 * distance);
        let r = 1.0 + 4.0 * p + 4.0 * determinant;
        let own = (1.0 + 4.0 * p).sqrt();
        let tangent = determinant * 2.0 * (1.0 + 2.0 * p).powi(2) / (p * r.sqrt() + c * own);
        let gap = (tangent / (own * r.sqrt() + 4.0 * p * c)).atan();
        let k = 2.0 / PI * (2.0 * p / own).atan();
        (k - 2.0 / PI * gap, 4.0 / PI / r.sqrt(), w * k + b, w * 4.0 / PI * gap)
    };
    let (k1, dot1, p2, distance2) = layer(p, distance);
    let (k2, dot2, _, _) = layer(p2, distance2);
    let t1 = p - 0.5 * distance;
    let t2 = w * k1 + b + w * dot1 * t1;
    w * k2 + b + w * dot2 * t2
}

#[test]
fn descent_in_function_space_is_its_iteration() {
    let network = Network { nonlinearity: RELU, hidden_layers: 2, weight_std: 1.4, bias_std: 0.3 };
    let x = DMatrix::from_fn(3, 6, |i, j| ((3 * i + 5 * j) as f64 * 0.7).sin() + 0.1 * j as f64);
    let tests = DMatrix::from_fn(3, 2, |i, j| ((i + 2 * j) as f64 * 1.1).cos());
    let (kernel, cross) = (network.kernels(&x).ntk, network.cross_kernels(&tests, &x).ntk);
    let y = DVector::from_fn(6, |i, _| (i as f64).cos());
    let f0 = DVector::from_fn(6, |i, _| 0.3 * (i as f64).sin());
    let start = DVector::from_vec(vec![0.2, -0.4]);
    let rate = 1.9 * 6.0 / kernel.symmetric_eigenvalues().max();
    let descent = Descent::new(&kernel, rate, &y).expect("finite");
    let response = descent.tests(&cross).response;
    let gap = descent.gap(Some(&f0));
    let (mut f, mut f_test) = (f0.clone(), start.clone());
    for k in 0..=300 {
        if [0, 1, 2, 7, 50, 300].contains(&k) {
            let decay = descent.decay(f64::from(k));
            let taken = gap.component_mul(&DVector::from_vec(decay.g));
            let found = &start + &response * &taken;
            assert!((&found - &f_test).amax() < 1e-10, "k = {k}: {found} {f_test}");
            let learnt = DVector::from_iterator(6, decay.d.iter().map(|d| 1.0 - d));
            let trained = &f0 + &descent.eigen.vectors * gap.component_mul(&learnt);
            assert!((&trained - &f).amax() < 1e-10, "k = {k}");
        }
        let error = &f - &y;
        f_test -= &cross * &error * (rate / 6.0);
        f -= &kernel * &error * (rate / 6.0);
    }
}

fn law(keys: &str, times: &[f64], observables: &[&str], faults: &[&str]) -> Curve {
    let text = format!(
        "title = \"t\"\nsource = \"t\"\n[problem]\nkind = \"ntk\"\n{keys}\n[observe]\ntimes = [1.0]\n[law]\nstart = \
         \"limit\"\n[[panel]]\ny = \"train_loss\"\n"
    );
    let source = Source::from_text("t", "t.toml", &text).expect("valid TOML");
    let scenario = match resolve(&source, &Overrides::default()) {
        Ok(scenario) => scenario,
        Err(report) => panic!("{report}"),
    };
    let problem = &scenario.cases[0].problem;
    let names: Vec<String> = observables.iter().map(|o| o.to_string()).collect();
    let faults = faults.iter().map(|f| f.to_string()).collect();
    let options = LawOptions { tolerance: 1e-10, faults, measure_error: false };
    theory::integrate(problem, &problem.limit_start(), times, &names, &options).expect("a law")
}

const SPHERE: &str = "hidden_layers = 2\nactivation = \"erf\"\nweight_std = 1.5\nbias_std = 0.2\nlearning_rate = 1.0\n\
                      inputs = { kind = \"sphere\", points = 8, tests = 3, dimension = 4 }\n\
                      target = { kind = \"polynomial\", coefficients = [0.0, 1.0, 0.5] }\n";

/// The variance over starts by plain matrices and an inverse: S** - A S_*^T - S_* A^T + A S A^T.
#[test]
fn the_ensemble_has_the_covariance_of_its_linear_map() {
    let text = format!(
        "title = \"t\"\nsource = \"t\"\n[problem]\nkind = \"ntk\"\n{SPHERE}[observe]\ntimes = [1.0]\n[law]\nstart = \"limit\"\n[[panel]]\ny = \"train_loss\"\n"
    );
    let source = Source::from_text("t", "t.toml", &text).expect("valid TOML");
    let scenario = resolve(&source, &Overrides::default()).unwrap_or_else(|report| panic!("{report}"));
    let asymptotica::problem::Problem::Ntk(problem) = &scenario.cases[0].problem else {
        panic!("another problem")
    };
    let (data, network) = (problem.data(), theory::ntk::network(problem));
    let kernels = network.kernels(&data.inputs);
    let cross = network.cross_kernels(&data.tests, &data.inputs);
    let own = network.kernels(&data.tests).nngp;
    let k = 25.0;
    let one = DMatrix::<f64>::identity(8, 8);
    let step = &one - &kernels.ntk * (problem.learning_rate / 8.0);
    let mut power = one.clone();
    for _ in 0..25 {
        power = &power * &step;
    }
    let learnt = solve(&kernels.ntk, &(&one - &power)).expect("regular");
    let a = &cross.ntk * learnt;
    let mean = &a * &data.labels;
    let covariance =
        &own - &a * cross.nngp.transpose() - &cross.nngp * a.transpose() + &a * &kernels.nngp * a.transpose();
    let curve =
        law(SPHERE, &[k], &["f[1]", "f[3]", "f_squared[1]", "f_squared[3]", "test_loss", "train_loss"], &[]);
    let value = |name: &str| curve.get(name).expect("recorded")[0];
    for i in [0, 2] {
        assert!((value(&format!("f[{}]", i + 1)) - mean[i]).abs() < 1e-11);
        let squared = mean[i] * mean[i] + covariance[(i, i)];
        assert!((value(&format!("f_squared[{}]", i + 1)) - squared).abs() < 1e-11);
    }
    let loss: f64 =
        (0..3).map(|i| (mean[i] - data.test_labels[i]).powi(2) + covariance[(i, i)]).sum::<f64>() / 6.0;
    assert!((value("test_loss") - loss).abs() < 1e-11);
    let left = &power * &data.labels;
    let spread = (&power * &kernels.nngp * power.transpose()).trace();
    assert!((value("train_loss") - (left.norm_squared() + spread) / 16.0).abs() < 1e-11);
}

#[test]
fn an_unstable_rate_is_a_typed_divergence_and_a_stable_one_is_none() {
    let at = |rate: &str| {
        law(&SPHERE.replace("learning_rate = 1.0", rate), &[0.0, 1.0, 50.0, 4000.0], &["train_loss"], &[])
    };
    let stable = at("learning_rate = 0.5");
    assert!(stable.is_complete());
    let curve = at("learning_rate = 100.0");
    let End::Diverged { time, reason } = &curve.end else { panic!("{:?}", curve.end) };
    assert!(*time > 0.0 && reason.contains("2 P / largest eigenvalue"), "{reason}");
}

#[test]
fn every_fault_moves_the_law() {
    let names = ["train_loss", "test_loss", "kernel[1,2]"];
    let sound = law(SPHERE, &[3.0], &names, &[]);
    for fault in ["drop=layer", "drop=bias", "drop=derivative", "drop=variance"] {
        let faulty = law(SPHERE, &[3.0], &names, &[fault]);
        let moved =
            names.iter().map(|name| (faulty.get(name).unwrap()[0] / sound.get(name).unwrap()[0] - 1.0).abs());
        assert!(moved.fold(0.0, f64::max) > 0.03, "{fault}");
    }
}
