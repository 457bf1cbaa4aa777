//! Kernels in special cases and against averages over units.

use super::{ACTIVATIONS, inputs, problem};
use crate::{RELU, pair};
use asymptotica::problem::ntk::Nonlinearity;
use asymptotica::theory::ntk::{Kernels, Limit, Network, Wiring, limit, program};
use nalgebra::DMatrix;

fn close(found: &DMatrix<f64>, expected: &DMatrix<f64>, name: &str) {
    let gap = (found - expected).amax() / expected.amax();
    assert!(gap < 1e-12, "{name}: {gap:e}\n{found}{expected}");
}

fn same(found: &Kernels, expected: &Kernels, name: &str) {
    close(&found.nngp, &expected.nngp, name);
    close(&found.ntk, &expected.ntk, name);
}

fn plain(activation: Nonlinearity, hidden_layers: usize) -> Network {
    Network { nonlinearity: activation, hidden_layers, weight_std: 1.4, bias_std: 0.3 }
}

#[test]
fn one_step_and_one_position_are_the_fully_connected_network() {
    let x = inputs();
    for (keys, activation) in &ACTIVATIONS {
        let expected = plain(activation.clone(), 2).kernels(&x);
        let as_program = program(&problem("{ kind = \"fully-connected\" }", keys), Wiring::default());
        same(&as_program.expect("a program").kernels(&x), &expected, keys);
        for architecture in [
            "{ kind = \"recurrent\", step_dimension = 6, recurrent_std = 0.7 }",
            "{ kind = \"recurrent\", step_dimension = 6, readout = \"average\" }",
            "{ kind = \"convolution\", channels = 6, filter = 1 }",
            "{ kind = \"convolution\", channels = 6, filter = 1, padding = \"zero\", readout = \"average\" }",
        ] {
            same(&limit(&problem(architecture, keys)).kernels(&x), &expected, architecture);
        }
        // The cross kernels and the variances are those of the square ones.
        let network = limit(&problem("{ kind = \"convolution\", channels = 2, filter = 2 }", keys));
        let (square, cross) = (network.kernels(&x), network.cross_kernels(&x, &x));
        same(&cross, &square, keys);
        for (i, variance) in network.variances(&x).iter().enumerate() {
            assert!((variance - square.nngp[(i, i)]).abs() < 1e-14 * variance);
        }
    }
}

#[test]
fn filters_of_one_position_are_fully_connected_networks_side_by_side() {
    let x = inputs();
    let blocks: Vec<DMatrix<f64>> = (0..3).map(|a| x.rows(2 * a, 2).into_owned()).collect();
    for (keys, activation) in &ACTIVATIONS {
        let network = plain(activation.clone(), 2);
        let mean = |pairs: &[(usize, usize)]| {
            let parts: Vec<Kernels> =
                pairs.iter().map(|&(a, b)| network.cross_kernels(&blocks[a], &blocks[b])).collect();
            let sum = |of: fn(&Kernels) -> &DMatrix<f64>| {
                parts.iter().map(|k| of(k).clone()).reduce(|a, b| a + b).expect("a part") / pairs.len() as f64
            };
            Kernels { nngp: sum(|k| &k.nngp), ntk: sum(|k| &k.ntk) }
        };
        let flat = limit(&problem("{ kind = \"convolution\", channels = 2, filter = 1 }", keys));
        same(&flat.kernels(&x), &mean(&[(0, 0), (1, 1), (2, 2)]), "flattened");
        let all: Vec<(usize, usize)> = (0..3).flat_map(|a| (0..3).map(move |b| (a, b))).collect();
        let architecture = "{ kind = \"convolution\", channels = 2, filter = 1, readout = \"average\" }";
        same(&limit(&problem(architecture, keys)).kernels(&x), &mean(&all), "pooled");
    }
}

#[test]
fn a_residual_network_of_strength_zero_is_a_linear_readout_of_a_linear_layer() {
    let x = inputs();
    let expected = plain(Nonlinearity::Linear, 1).kernels(&x);
    for norm in ["none", "before"] {
        let architecture = format!("{{ kind = \"residual\", strength = 0.0, layer_norm = \"{norm}\" }}");
        same(&limit(&problem(&architecture, "")).kernels(&x), &expected, norm);
    }
    // Linear branches of strength s: S grows by the factor 1 + s^2 W_s^2 without biases, T by the same beside its own.
    let keys = "activation = \"linear\"\nbias_std = 0.0\nhidden_layers = 3";
    let kernels = limit(&problem("{ kind = \"residual\", strength = 0.6 }", keys)).kernels(&x);
    let first = x.transpose() * &x * (1.4 * 1.4 / 6.0);
    let growth: f64 = 1.0 + 0.36 * 1.4 * 1.4;
    let (mut s, mut t) = (1.0, 1.0);
    for _ in 0..3 {
        t = growth * t + 0.36 * 1.4 * 1.4 * s;
        s *= growth;
    }
    close(&kernels.nngp, &(&first * (1.96 * s)), "S");
    close(&kernels.ntk, &(&first * (1.96 * (s + t))), "T");
}

/// ReLU, W_s^2 = 2, |x|^2 = d: fields of variance 2 are normalised to 1, so that S = 1 and T = L + 1.
#[test]
fn normalised_rectifiers_keep_their_variance() {
    let keys = "activation = \"relu\"\nweight_std = 1.4142135623730951\nbias_std = 0.0\nhidden_layers = 5";
    let x = pair(1.0, 3.7, 0.8);
    let inputs = format!("{keys}\ninputs = {{ kind = \"given\", x = [[1.0, 1.0]] }}");
    let network = limit(&problem("{ kind = \"layer-norm\", epsilon = 0.0 }", &inputs));
    let kernels = network.kernels(&x);
    // The size of an input does not enter: angles of 0.8 between inputs of norm 1 and 3.7.
    let equal = network.kernels(&pair(1.0, 1.0, 0.8));
    assert!((kernels.ntk[(0, 1)] / equal.ntk[(0, 1)] - 1.0).abs() < 1e-13);
    for i in 0..2 {
        assert!((kernels.nngp[(i, i)] - 1.0).abs() < 1e-13, "{kernels:?}");
        assert!((kernels.ntk[(i, i)] - 6.0).abs() < 1e-12, "{kernels:?}");
    }
}

#[test]
fn pooling_on_a_ring_does_not_see_shifts_and_flattening_does() {
    let x = DMatrix::from_columns(&[inputs().column(1)]);
    let shifted = DMatrix::from_fn(6, 1, |i, _| x[((i + 2) % 6, 0)]);
    let value = |readout: &str, padding: &str| {
        let architecture = format!(
            "{{ kind = \"convolution\", filter = 3, readout = \"{readout}\", padding = \"{padding}\" }}"
        );
        let network = limit(&problem(&architecture, ""));
        network.cross_kernels(&x, &shifted).ntk[(0, 0)] / network.kernels(&x).ntk[(0, 0)]
    };
    assert!((value("average", "circular") - 1.0).abs() < 1e-13);
    assert!((value("average", "zero") - 1.0).abs() > 1e-3);
    assert!((value("flatten", "circular") - 1.0).abs() > 0.1);
}

/// Nearly parallel and opposite pieces keep their digits: ReLU without biases is homogeneous, so that an input and a multiple
/// of it have the angle 0 at every site.
#[test]
fn parallel_sequences_have_no_angle_at_any_step() {
    let x = inputs();
    for architecture in [
        "{ kind = \"recurrent\", step_dimension = 2, readout = \"average\" }",
        "{ kind = \"convolution\", filter = 3, readout = \"average\" }",
        "{ kind = \"residual\", strength = 0.5 }",
    ] {
        let kernels = limit(&problem(architecture, "activation = \"relu\"\nbias_std = 0.0")).kernels(&x);
        for matrix in [&kernels.nngp, &kernels.ntk] {
            assert!(matrix.iter().all(|k| k.is_finite()), "{architecture}");
            assert!((matrix[(0, 3)] / matrix[(0, 0)] - 2.0).abs() < 1e-13, "{architecture}");
        }
        // K' falls by angle/(2 pi) in every layer: 1e-7 of the size of an input leaves T within 1e-6.
        let gap = 1.0 - kernels.ntk[(0, 5)].powi(2) / (kernels.ntk[(0, 0)] * kernels.ntk[(5, 5)]);
        assert!(gap > 0.0 && gap < 1e-5, "{architecture}: {gap:e}");
    }
}

fn tied_by_sampling(phi: &Nonlinearity, x: &DMatrix<f64>, count: usize) -> (f64, f64) {
    // T = b^2 + mean of W^2 [(phi e_1 + w phi' W x/sqrt d).(...)' + b^2 w^2 phi' phi'_] over units, with its standard error.
    let (w_std, b, d) = (1.4, 0.3, x.nrows() as f64);
    let mut state = asymptotica::rng::Stream::root(7).gaussians();
    let (mut sum, mut squares) = (0.0, 0.0);
    for _ in 0..count {
        let u: Vec<f64> = (0..x.nrows()).map(|_| state.next()).collect();
        let beta = state.next();
        let of = |j: usize| {
            let column = x.column(j);
            let z =
                w_std / d.sqrt() * u.iter().zip(column.iter()).map(|(u, x)| u * x).sum::<f64>() + b * beta;
            (phi.value(z), u[0] * phi.derivative(z))
        };
        let ((unit, slope), (unit2, slope2)) = (of(0), of(1));
        let mut product = b * b * slope * slope2;
        for i in 0..x.nrows() {
            let part = |unit: f64, slope: f64, j: usize| {
                slope * w_std / d.sqrt() * x[(i, j)] + if i == 0 { unit } else { 0.0 }
            };
            product += part(unit, slope, 0) * part(unit2, slope2, 1);
        }
        let value = b * b + w_std * w_std * product;
        sum += value;
        squares += value * value;
    }
    let n = count as f64;
    let mean = sum / n;
    (mean, ((squares / n - mean * mean) / n).sqrt())
}

#[test]
fn tied_kernels_are_averages_over_units_and_independence_is_refuted() {
    // Large first coordinates: readout and fields are correlated.
    let x = DMatrix::from_fn(6, 2, |i, j| if i == 0 { 1.5 - 0.4 * j as f64 } else { inputs()[(i, j + 1)] });
    let same = DMatrix::from_columns(&[x.column(0), x.column(0)]);
    for (keys, phi) in [
        ("activation = \"relu\"", RELU),
        ("activation = \"leaky-relu\"\nleak = -0.4", Nonlinearity::LeakyRelu { slope: -0.4 }),
        ("activation = \"erf\"", Nonlinearity::Erf),
        ("activation = \"sine\"", Nonlinearity::Sine),
        ("activation = \"linear\"", Nonlinearity::Linear),
    ] {
        let keys = format!("{keys}\ncentred = true\nhidden_layers = 1");
        let Limit::Tied(tied) = limit(&problem("{ kind = \"tied\" }", &keys)) else { panic!("not tied") };
        let mut naive = tied.clone();
        naive.independent = true;
        for points in [&x, &same] {
            let (mean, error) = tied_by_sampling(&phi, points, 200_000);
            let found = tied.cross_kernels(points, points).ntk[(0, 1)];
            assert!((found - mean).abs() < 4.0 * error, "{keys}: {found} {mean} +- {error}");
            let wrong = naive.cross_kernels(points, points).ntk[(0, 1)];
            assert!((wrong - mean).abs() > 8.0 * error, "{keys}: {wrong} {mean} +- {error}");
        }
        // The naive kernel is that of an untied readout.
        close(&naive.cross_kernels(&x, &x).ntk, &plain(phi, 1).kernels(&x).ntk, &keys);
    }
}
