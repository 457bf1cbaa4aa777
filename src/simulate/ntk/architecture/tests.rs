//! Gradients and tangent kernels of all wirings against differences of the output.

use super::Network;
use crate::problem::ntk::{
    Architecture, Inputs, Loss, Nonlinearity, Ntk, Parametrisation, StreamNorm, Target,
};
use crate::rng::Stream;
use nalgebra::DMatrix;

fn problem(architecture: Architecture) -> Ntk {
    let layers = if architecture == Architecture::Tied { 1 } else { 2 };
    Ntk {
        hidden_layers: layers,
        architecture,
        nonlinearity: Nonlinearity::Erf,
        weight_std: 1.3,
        bias_std: 0.4,
        learning_rate: 0.1,
        loss: Loss::Squared,
        batch: None,
        output_scale: 0.7,
        parametrisation: Parametrisation::Ntk,
        centred: false,
        inputs: Inputs::Gaussian { points: 3, tests: 0, dimension: 6, seed: 5 },
        rms_norm: 0.9,
        target: Target::Polynomial { coefficients: vec![0.1, 1.0], product: 0.3 },
        noise_std: 0.0,
        kernel_points: 3,
    }
}

const N: usize = 4;

#[test]
fn kernels_are_products_of_numerical_derivatives_and_steps_follow_them() {
    let epsilon = 0.05;
    let residual = |norm| Architecture::Residual { strength: 0.6, norm };
    let recurrent = |average| Architecture::Recurrent { step_dimension: 2, recurrent_std: 0.8, average };
    let convolution = |channels, filter, circular, average| Architecture::Convolution {
        channels,
        filter,
        circular,
        average,
    };
    // With the number of parameters by hand: shared ones count once.
    let all = [
        (Architecture::LayerNorm { epsilon }, N * 6 + N * N + N + 3 * N - N + 1),
        (residual(StreamNorm::None), N * 6 + 2 * N * N + 3 * N + N + 1),
        (residual(StreamNorm::Before { epsilon }), N * 6 + 2 * N * N + 3 * N + N + 1),
        (residual(StreamNorm::After { epsilon }), N * 6 + 2 * N * N + 3 * N + N + 1),
        (recurrent(false), N * 2 + N * N + N + 2 * N * N + N + N + 1),
        (recurrent(true), N * 2 + N * N + N + 2 * N * N + N + N + 1),
        (convolution(2, 3, true, false), 3 * N * 2 + N + 3 * N * N + N + 3 * N + 1),
        (convolution(1, 3, true, true), 3 * N + N + 3 * N * N + N + N + 1),
        (convolution(1, 2, false, true), 2 * N + N + 2 * N * N + N + N + 1),
        (convolution(2, 3, false, false), 3 * N * 2 + N + 3 * N * N + N + 3 * N + 1),
        (Architecture::Tied, N * 6 + N + 1),
    ];
    for (architecture, expected_count) in all {
        let problem = problem(architecture.clone());
        let data = problem.data();
        let mut network = Network::draw(&problem, N, &Stream::root(3));
        let mut pass = network.room(3);
        let mut at = |network: &Network| {
            network.forward(&data.inputs, &mut pass);
            pass.output.transpose()
        };
        fn parameters(network: &mut Network) -> Vec<&mut f64> {
            match network {
                Network::Graph(graph) => graph.parameters(),
                Network::FullyConnected(network) => network.parameters(),
            }
        }
        let count = parameters(&mut network).len();
        assert_eq!(count, expected_count, "{architecture:?}");
        let h = 1e-5;
        let mut jacobian = DMatrix::zeros(3, count);
        for p in 0..count {
            *parameters(&mut network)[p] += h;
            let up = at(&network);
            *parameters(&mut network)[p] -= 2.0 * h;
            let down = at(&network);
            *parameters(&mut network)[p] += h;
            jacobian.set_column(p, &((up - down) / (2.0 * h)).column(0));
        }
        at(&network);
        let expected = &jacobian * jacobian.transpose() / (0.7 * 0.7);
        let kernel = network.kernel(&data.inputs, &mut pass);
        assert!(
            (&kernel - &expected).amax() < 1e-8 * expected.amax(),
            "{architecture:?}: {kernel} {expected}"
        );

        let errors = DMatrix::from_row_slice(1, 3, &[0.3, -1.0, 0.2]);
        let before: Vec<f64> = parameters(&mut network).iter().map(|p| **p).collect();
        network.forward(&data.inputs, &mut pass);
        network.descend(&data.inputs, &errors, 0.01, &mut pass);
        let gradient = jacobian.transpose() * errors.transpose();
        for ((after, before), g) in parameters(&mut network).iter().zip(&before).zip(gradient.iter()) {
            assert!((**after - before + 0.01 * g).abs() < 1e-9, "{architecture:?}: {after} {before} {g}");
        }
    }
}
