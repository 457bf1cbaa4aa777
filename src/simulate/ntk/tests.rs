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
