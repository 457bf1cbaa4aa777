//! The gradient and the tangent kernel against differences of the output.

use super::network::Network;
use crate::problem::ntk::{Architecture, Inputs, Loss, Nonlinearity, Ntk, Parametrisation, Target};
use crate::rng::Stream;
use nalgebra::{DMatrix, DVector};

fn problem(nonlinearity: Nonlinearity, parametrisation: Parametrisation) -> Ntk {
    Ntk {
        hidden_layers: 2,
        architecture: Architecture::FullyConnected,
        nonlinearity,
        weight_std: 1.3,
        bias_std: 0.4,
        learning_rate: 0.1,
        loss: Loss::Squared,
        batch: None,
        output_scale: 0.7,
        parametrisation,
        centred: false,
        inputs: Inputs::Gaussian { points: 4, tests: 0, dimension: 3, seed: 5 },
        rms_norm: 0.9,
        target: Target::Polynomial { coefficients: vec![0.1, 1.0], product: 0.3 },
        noise_std: 0.0,
        kernel_points: 4,
    }
}

fn outputs(network: &Network, problem: &Ntk) -> DVector<f64> {
    let data = problem.data();
    let mut pass = network.room(4);
    network.forward(&data.inputs, &mut pass);
    DVector::from_column_slice(pass.output.as_slice())
}

#[test]
fn the_kernel_is_the_product_of_numerical_derivatives_and_the_step_follows_them() {
    for (phi, parametrisation) in [
        (Nonlinearity::Tanh, Parametrisation::Ntk),
        (Nonlinearity::Gelu, Parametrisation::MeanField),
        (Nonlinearity::Polynomial { coefficients: vec![0.2, 1.0, 0.5] }, Parametrisation::Ntk),
    ] {
        let problem = problem(phi, parametrisation);
        let (width, data) = (5, problem.data());
        let mut network = Network::draw(&problem, width, &Stream::root(3));
        let count = network.parameters().len();
        assert_eq!(count, 5 * 3 + 5 * 5 + 5 + 5 + 5 + 1);
        let h = 1e-5;
        let mut jacobian = DMatrix::zeros(4, count);
        for p in 0..count {
            *network.parameters()[p] += h;
            let up = outputs(&network, &problem);
            *network.parameters()[p] -= 2.0 * h;
            let down = outputs(&network, &problem);
            *network.parameters()[p] += h;
            jacobian.set_column(p, &((up - down) / (2.0 * h)));
        }
        let factor = problem.output_factor(width);
        let expected = &jacobian * jacobian.transpose() / (factor * factor);
        let mut pass = network.room(4);
        network.forward(&data.inputs, &mut pass);
        let kernel = network.kernel(&data.inputs, &mut pass);
        assert!((&kernel - &expected).amax() < 1e-8 * expected.amax(), "{kernel} {expected}");

        let errors = DMatrix::from_row_slice(1, 4, &[0.3, -1.0, 0.2, 0.5]);
        let before: Vec<f64> = network.parameters().iter().map(|p| **p).collect();
        network.forward(&data.inputs, &mut pass);
        network.descend(&data.inputs, &errors, 0.01, &mut pass);
        let gradient = jacobian.transpose() * errors.transpose();
        for ((after, before), g) in network.parameters().iter().zip(&before).zip(gradient.iter()) {
            assert!((**after - before + 0.01 * g).abs() < 1e-9, "{after} {before} {g}");
        }
    }
}

/// Gradient descent on w and b themselves, layer by layer from the definition, at the rate eta/n: the network follows it.
#[test]
fn standard_steps_are_descent_on_the_weights_themselves() {
    let problem = problem(Nonlinearity::Erf, Parametrisation::Standard);
    let (width, data) = (6, problem.data());
    let mut network = Network::draw(&problem, width, &Stream::root(9));
    let parameters: Vec<f64> = network.parameters().iter().map(|p| **p).collect();
    // W^1, W^2, W^3, beta^1, beta^2, beta^3, column by column.
    let matrix = |from: usize, rows: usize, columns: usize, std: f64| {
        DMatrix::from_column_slice(rows, columns, &parameters[from..from + rows * columns]) * std
    };
    let scale = |below: f64| 1.3 / below.sqrt();
    let mut w = [matrix(0, 6, 3, scale(3.0)), matrix(18, 6, 6, scale(6.0)), matrix(54, 1, 6, scale(6.0))];
    let mut b = [matrix(60, 6, 1, 0.4), matrix(66, 6, 1, 0.4), matrix(72, 1, 1, 0.4)];
    assert_eq!(parameters.len(), 73);
    let spread = |b: &DMatrix<f64>| DMatrix::from_fn(b.nrows(), 4, |i, _| b[(i, 0)]);
    let mut pass = network.room(4);
    let (rate, factor) = (0.05, problem.output_factor(width));
    for _ in 0..3 {
        network.forward(&data.inputs, &mut pass);
        let z1 = &w[0] * &data.inputs + spread(&b[0]);
        let u1 = z1.map(libm::erf);
        let z2 = &w[1] * &u1 + spread(&b[1]);
        let u2 = z2.map(libm::erf);
        let f = (&w[2] * &u2 + spread(&b[2])) * factor;
        assert!((&f - &pass.output).amax() < 1e-12, "{f} {}", pass.output);
        let errors = DMatrix::from_fn(1, 4, |_, i| f[(0, i)] - data.labels[i]);
        network.descend(&data.inputs, &errors, rate, &mut pass);
        let slope = |z: f64| std::f64::consts::FRAC_2_SQRT_PI * libm::exp(-z * z);
        let d3 = &errors * factor;
        let d2 = (w[2].transpose() * &d3).component_mul(&z2.map(slope));
        let d1 = (w[1].transpose() * &d2).component_mul(&z1.map(slope));
        let step = rate / width as f64;
        w[0] -= step * &d1 * data.inputs.transpose();
        w[1] -= step * &d2 * u1.transpose();
        w[2] -= step * &d3 * u2.transpose();
        for (b, d) in b.iter_mut().zip([&d1, &d2, &d3]) {
            *b -= step * d.column_sum();
        }
    }
}
