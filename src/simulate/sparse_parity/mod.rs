//! Sign SGD on fresh parity samples.

mod network;

use super::{Measure, Replica, SimulationError};
use crate::problem::sparse_parity::SparseParity;
use crate::problem::{Definition, Start};
use crate::rng::Stream;
use crate::trajectory::Curve;
use network::{Gradient, Network};
use std::time::Instant;

pub(super) fn replica(
    problem: &SparseParity,
    size: usize,
    measure: &Measure,
    stream: &Stream,
    stop: &dyn Fn() -> bool,
) -> Result<Replica, SimulationError> {
    let clock = Instant::now();
    super::check_times(measure)?;
    let needed = problem.smallest_size();
    if size < needed {
        return Err(SimulationError::TooSmall { size, needed });
    }
    let mut network = Network::new(problem, size, stream);
    let mut gradient = Gradient::new(problem, size, &stream.child("data"));
    let mut probe = Gradient::new(problem, size, &stream.child("probe"));
    let mut tests = Gradient::new(problem, size, &stream.child("test-set"));
    let wants = |names: &[&str]| measure.observables.iter().any(|name| names.contains(&name.as_str()));
    let (wants_gradient, wants_accuracy) = (wants(&["gradient_noise", "signal"]), wants(&["accuracy"]));
    let batch = problem.batch_samples(size);
    let mut curve = Curve::new(measure.observables);
    let mut values = vec![0.0; measure.observables.len()];
    let mut updates = 0_u64;
    for &time in measure.times {
        while updates < time.round() as u64 {
            gradient.draw(&network, batch, stop)?;
            network.update(&gradient.mean);
            updates += 1;
        }
        if wants_gradient {
            probe.draw(&network, batch, stop)?;
        }
        let accuracy = if wants_accuracy { tests.accuracy(&network, problem.test_samples) } else { 0.0 };
        for (value, name) in values.iter_mut().zip(measure.observables) {
            *value = match name.as_str() {
                "feature" => network.aligned(&network.weights, true),
                "bad_feature" => network.aligned(&network.weights, false),
                "signal" => network.aligned(&probe.mean, true),
                "noise_coordinate" => network.noise_mean(),
                "noise_rms" => network.noise_rms(&network.weights),
                "gradient_noise" => network.noise_rms(&probe.mean),
                "accuracy" => accuracy,
                _ => return Err(SimulationError::UnknownObservable(name.clone())),
            };
        }
        curve.push(updates as f64, &values);
    }
    curve.work.updates = updates;
    curve.work.seconds = clock.elapsed().as_secs_f64();
    Ok(Replica { curve, start: Start::Size(size) })
}
