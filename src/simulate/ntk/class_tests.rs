//! Networks of three outputs: updates and kernels against differences of the mean cross-entropy and of the outputs.

use super::architecture::Network;
use super::{Descent, Training};
use crate::problem::ntk::{
    Architecture, Classes, Inputs, Loss, Nonlinearity, Ntk, Parametrisation, StreamNorm, Target,
};
use crate::rng::Stream;
use nalgebra::DMatrix;

fn problem(architecture: Architecture, centred: bool) -> Ntk {
    Ntk {
        hidden_layers: 2,
        architecture,
        nonlinearity: Nonlinearity::Erf,
        weight_std: 1.3,
        bias_std: 0.4,
        learning_rate: 0.3,
        loss: Loss::Softmax { classes: 3 },
        batch: None,
        output_scale: 0.7,
        parametrisation: Parametrisation::Ntk,
        centred,
        inputs: Inputs::Gaussian { points: 4, tests: 1, dimension: 6, seed: 5 },
        rms_norm: 0.9,
        target: Target::Classes(Classes::Sectors { classes: 3, offset: 0.2 }),
        noise_std: 0.0,
        kernel_points: 4,
    }
}

fn parameters(network: &mut Network) -> Vec<&mut f64> {
    match network {
        Network::Graph(graph) => graph.parameters(),
        Network::FullyConnected(network) => network.parameters(),
    }
}

/// Written out: -f_y + ln sum_c e^(f_c).
fn cross_entropy(f: &DMatrix<f64>, labels: &[f64]) -> f64 {
    let of_point = |(i, y): (usize, &f64)| {
        f.column(i).iter().map(|f| f.exp()).sum::<f64>().ln() - f[(*y as usize - 1, i)]
    };
    labels.iter().enumerate().map(of_point).sum::<f64>() / labels.len() as f64
}

#[test]
fn updates_follow_numerical_derivatives_of_the_cross_entropy() {
    let flat = Architecture::Convolution { channels: 2, filter: 3, circular: true, average: false };
    let last = Architecture::Recurrent { step_dimension: 2, recurrent_std: 0.8, average: true };
    let residual = Architecture::Residual { strength: 0.6, norm: StreamNorm::None };
    for (architecture, centred) in [
        (Architecture::FullyConnected, false),
        (Architecture::FullyConnected, true),
        (flat, false),
        (last, true),
        (residual, false),
    ] {
        let problem = problem(architecture, centred);
        let mut training = Training::new(&problem, 5, &Stream::root(3)).expect("a network");
        let labels: Vec<f64> = training.data.labels.iter().copied().collect();
        assert!(labels.iter().any(|y| *y != labels[0]), "{labels:?}");
        let count = parameters(&mut training.network).len();
        let h = 1e-5;
        let mut jacobian = DMatrix::zeros(4, count);
        let mut gradient = Vec::with_capacity(count);
        for p in 0..count {
            let mut at = |change: f64| {
                *parameters(&mut training.network)[p] += change;
                training.forward();
                training.outputs()
            };
            let (up, down) = (at(h), at(-2.0 * h));
            at(h);
            gradient.push((cross_entropy(&up, &labels) - cross_entropy(&down, &labels)) / (2.0 * h));
            jacobian.set_column(p, &((up - down) / (2.0 * h)).row(0).transpose());
        }
        let expected = &jacobian * jacobian.transpose() / (0.7 * 0.7);
        let kernel = training.kernel();
        assert!((&kernel - &expected).amax() < 1e-8 * expected.amax(), "{kernel} {expected}");

        let before: Vec<f64> = parameters(&mut training.network).iter().map(|p| **p).collect();
        training.forward();
        let mut descent = Descent::new(&problem, 5, &training, &Stream::root(4));
        assert_eq!(descent.update(&problem, &mut training), None);
        for ((after, before), g) in parameters(&mut training.network).iter().zip(&before).zip(&gradient) {
            let expected = before - 0.3 / (0.7 * 0.7) * g;
            assert!((**after - expected).abs() < 1e-9, "{after} {expected}");
        }
    }
}
