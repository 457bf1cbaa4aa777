//! Kernels where products, differences or depth take digits away, against sixty-digit arithmetic of the textbook formulas
//! (mpmath); singular kernels at long times; recursions that would not end.

use super::RELU;
use super::dynamics::{law, problem};
use asymptotica::problem::ntk::Nonlinearity;
use asymptotica::theory::ntk::Network;
use nalgebra::DMatrix;

/// S and T between two inputs.
fn kernels(
    phi: &Nonlinearity,
    layers: usize,
    (weight, bias): (f64, f64),
    x: [f64; 2],
    y: [f64; 2],
) -> [f64; 2] {
    let nonlinearity = phi.clone();
    let network = Network { nonlinearity, hidden_layers: layers, weight_std: weight, bias_std: bias };
    let kernels = network.kernels(&DMatrix::from_column_slice(2, 2, &[x, y].concat()));
    [kernels.nngp[(0, 1)], kernels.ntk[(0, 1)]]
}

fn close(found: [f64; 2], expected: [f64; 2], tolerance: f64) {
    for (found, expected) in found.iter().zip(expected) {
        assert!((found / expected - 1.0).abs() < tolerance, "{found:e} for {expected:e}");
    }
}

/// Errors of the squared sine grow by sqrt(p/q) in every layer where they enter as c^2 against p q.
#[test]
fn erf_of_inputs_of_different_norm_keeps_its_digits() {
    let cases = [
        (1e-2, 10, [0.1302836400153841, 1.445485982784376]),
        (1e-2, 20, [0.1772981045527826, 4.0808179633823025]),
        (1e-3, 10, [0.014823739107133528, 0.16307787378122152]),
        (1e-3, 20, [0.183641522795467, 3.9885742242939375]),
        (1e-3, 40, [0.06382972053441051, 2.8239494285009368]),
        (1e-4, 5, [0.00025511749675959317, 0.0015307050191202714]),
        (1e-4, 10, [0.001484570197636657, 0.016330288975980545]),
        (1e-4, 20, [0.049111174375492214, 1.0326435558537186]),
        (1e-4, 40, [0.0747227231079859, 3.243540971401826]),
    ];
    for (ratio, layers, expected) in cases {
        let found = kernels(&Nonlinearity::Erf, layers, (1.3, 0.0), [1.0, 0.0], [0.6 * ratio, 0.8 * ratio]);
        close(found, expected, 1e-12);
    }
    // Norms 1 : 0.49 that stay so, and a bias.
    let found = kernels(&Nonlinearity::Erf, 40, (0.88, 0.0), [1e-3, 0.0], [0.35e-3, 0.35e-3]);
    close(found, [7.70930920797425e-08, 3.1608167752702152e-06], 1e-12);
    let found = kernels(&Nonlinearity::Erf, 20, (1.3, 0.1), [1.0, 0.0], [0.6e-3, 0.8e-3]);
    close(found, [0.14371300818911417, 1.635475033369257], 1e-12);
}

/// erf is odd: T(x, -x) = -T(x, x).
#[test]
fn erf_of_opposite_inputs_is_that_of_equal_ones() {
    let found = kernels(&Nonlinearity::Erf, 60, (2.0, 0.0), [1.0, 0.3], [-1.0, -0.3]);
    close(found, [-2.5114980216908953, -936002322104.0088], 1e-12);
}

#[test]
fn sine_keeps_its_digits_at_small_variances_and_near_parallel() {
    let sine = Nonlinearity::Sine;
    let found = kernels(&sine, 10, (0.3, 0.0), [1.0, 0.3], [0.3, -0.9]);
    close(found, [4.4820349271689166e-14, 4.930238696251718e-13], 1e-12);
    let found = kernels(&sine, 2, (0.3, 0.0), [1e-9, 0.3e-9], [1e-9, 0.3e-9]);
    close(found, [3.9730499999999995e-22, 1.1919149999999998e-21], 1e-12);
    // T of parallel inputs is 80 times as large: the squared angle has grown from 1e-12 to 1. The variances differ by 5e-7,
    // of which their rounding leaves ten digits.
    let found = kernels(&sine, 20, (3.0, 0.0), [1.0, 0.3], [1.0, 0.300001]);
    close(found, [0.217979635345693, 908969231348.9214], 1e-10);
    let found = kernels(&sine, 20, (1.2, 0.0), [1.0, 0.3], [0.6e-3, 0.8e-3]);
    close(found, [0.011827145027490727, 0.2483940216179616], 1e-12);
    let found = kernels(&sine, 10, (1.2, 0.4), [1.0, 0.3], [-1.0, -0.300001]);
    close(found, [0.5618375352279189, 1.9127855527998023], 1e-12);
}

/// T(x, x) = (L + 1) S, S = W^2 |x|^2/d (W^2/2)^L: p q is below the range of numbers long before S is.
#[test]
fn deep_relu_does_not_underflow() {
    for (layers, weight, between) in [
        (600, 1.0_f64, [1.2048193413586398e-181, 1.8565813182603748e-179]),
        (1000, 1.0, [4.666118001129016e-302, 1.1865596441658812e-299]),
        (300, 0.5, [1.4781573306134214e-272, 1.1651479191742562e-270]),
    ] {
        let s = 0.5 * weight * weight * (0.5 * weight * weight).powi(layers);
        let x = [1.0, 0.0];
        let own = kernels(&RELU, layers as usize, (weight, 0.0), x, x);
        close(own, [s, s * f64::from(layers + 1)], 1e-12);
        close(kernels(&RELU, layers as usize, (weight, 0.0), x, [0.6, 0.8]), between, 1e-11);
    }
    let found = kernels(&RELU, 20, (1.4, 0.1), [1.0, 0.0], [0.6e-6, 0.8e-6]);
    close(found, [0.33870273341816076, 1.6069678093491964], 1e-12);
}

/// Opposite inputs of an odd kernel: labels 1, 2, 0, 0 on four points of the circle have 5/2 of their squares along null
/// vectors, (1, 2) against (1/2)(1 - 0, 2 - 0): loss 1/8 (2.5).
#[test]
fn a_singular_kernel_learns_nothing_along_its_null_vectors() {
    let keys = "hidden_layers = 5\nactivation = \"erf\"\nweight_std = 1.3\nbias_std = 0.0\n\
                   learning_rate = 0.1\ncentred = true\ninputs = { kind = \"circle\", points = 4, tests = 4 }\n\
                   target = { kind = \"given\", y = [1.0, 2.0, 0.0, 0.0], tests = [0.0, 0.0, 0.0, 0.0] }";
    let times = [1e9, 1e12, 1e15, 1e16, 1e17];
    let problem = problem(keys);
    let curve = law(&problem, &problem.limit_start(), &times, &["train_loss", "f[1]"]).expect("a law");
    for (name, expected) in [("train_loss", 0.3125), ("f[1]", curve.get("f[1]").expect("recorded")[0])] {
        for (value, time) in curve.get(name).expect("recorded").iter().zip(times) {
            assert!((value - expected).abs() < 1e-12, "{name} at {time:e}: {value} {expected}");
        }
    }
}

/// A test point that is a training point has the variance of that point, which descent takes to 1e-60: what rounding leaves
/// is a square.
#[test]
fn variances_over_starts_are_never_negative() {
    let keys = "hidden_layers = 1\nactivation = \"erf\"\nlearning_rate = 0.5\n\
                inputs = { kind = \"given\", x = [[1.0, 0.2], [0.3, -1.0]], tests = [[1.0, 0.2]] }\n\
                target = { kind = \"given\", y = [0.0, 0.0], tests = [0.0] }";
    let problem = problem(keys);
    let names = ["f_squared[1]", "test_loss"];
    let curve = law(&problem, &problem.limit_start(), &[100.0, 300.0], &names).expect("a law");
    for name in names {
        for value in curve.get(name).expect("recorded") {
            assert!((0.0..1e-28).contains(value), "{name}: {value:e}");
        }
    }
}

/// 1e11 updates of mini-batches or of the logistic loss would take hours.
#[test]
fn recursions_beyond_an_hour_are_refused() {
    let circle = "hidden_layers = 1\nlearning_rate = 0.1\ncentred = true\n\
                  inputs = { kind = \"circle\", points = 5, tests = 3 }\n\
                  target = { kind = \"harmonics\", cosine = [0.0, 1.0] }\n";
    for line in ["batch = 2", "loss = \"logistic\""] {
        let problem = problem(&format!("{circle}{line}"));
        let until = |time: f64| law(&problem, &problem.limit_start(), &[time], &["train_loss"]);
        let error = until(1e11).expect_err("too long").to_string();
        assert!(error.contains("end at"), "{error}");
        assert!(until(1e3).is_ok());
    }
}
