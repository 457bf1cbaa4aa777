//! ReLU students under full-batch gradient descent.
//!
//! One update of all weights is two products of P x N with H x N matrices, X W^T and G^T X; of the readout alone two of
//! the stored P x H features with a vector.

use super::Best;
use crate::linalg::{Read, multiply, product_transpose};
use crate::problem::linear_regression::{LinearRegression, Network, Trained, relu_moment};
use crate::problem::scaling::OnePassStep;
use crate::rng::Stream;
use crate::simulate::{Measure, Risk, SimulationError};
use crate::trajectory::{Curve, End};
use nalgebra::DMatrix;

/// Multiplications between two questions whether to stop.
const WORK_BETWEEN_POLLS: usize = 1 << 22;

/// A layer of ReLU units and its readout.
struct Units {
    /// units x N.
    first: DMatrix<f64>,
    /// units x 1.
    readout: DMatrix<f64>,
}

impl Units {
    /// sqrt(2 / units).
    fn scale(&self) -> f64 {
        (2.0 / self.readout.len() as f64).sqrt()
    }

    /// X W^T, samples x units.
    fn fields(&self, data: &DMatrix<f64>) -> DMatrix<f64> {
        product_transpose(data, &self.first)
    }

    /// What the readout reads of these fields.
    fn features(&self, mut fields: DMatrix<f64>) -> DMatrix<f64> {
        let scale = self.scale();
        fields.iter_mut().for_each(|u| *u = if *u > 0.0 { scale * *u } else { 0.0 });
        fields
    }

    fn outputs(&self, data: &DMatrix<f64>) -> DMatrix<f64> {
        self.features(self.fields(data)) * &self.readout
    }

    /// Means over inputs of products of features of `self` and `other`, units x units.
    fn moments(&self, other: &Units) -> DMatrix<f64> {
        let per_input = 1.0 / self.first.ncols() as f64;
        let squares = |units: &Units| -> Vec<f64> {
            units.first.row_iter().map(|row| row.norm_squared() * per_input).collect()
        };
        let (mine, others) = (squares(self), squares(other));
        let scale = 0.5 * self.scale() * other.scale();
        let mut moments = product_transpose(&self.first, &other.first);
        for (mut column, b) in moments.column_iter_mut().zip(&others) {
            for (entry, a) in column.iter_mut().zip(&mine) {
                *entry = scale * relu_moment(*a, *b, *entry * per_input);
            }
        }
        moments
    }
}

/// Data, teacher, student, and what they need in an update.
struct Run<'a> {
    problem: &'a LinearRegression,
    trained: Trained,
    step: f64,
    data: DMatrix<f64>,
    labels: DMatrix<f64>,
    teacher: Units,
    student: Units,
    /// X W^T; features and the fit's residual, of the weights as they are.
    fields: DMatrix<f64>,
    features: DMatrix<f64>,
    rest: DMatrix<f64>,
    /// Mean square of the teacher's signal.
    signal: f64,
    /// Moments of the student's features among themselves and with the teacher's signal, where they stay.
    fixed: Option<(DMatrix<f64>, DMatrix<f64>)>,
}

impl<'a> Run<'a> {
    fn new(
        problem: &'a LinearRegression,
        network: &Network,
        size: usize,
        stream: &Stream,
    ) -> Result<Self, SimulationError> {
        let samples = problem.samples(size);
        if size == 0 || samples == 0 {
            return Err(SimulationError::EmptyTrainingSet { per_dimension: problem.sample_ratio, size });
        }
        let normal = |name: &str, rows: usize, columns: usize, std: f64| {
            let mut matrix = DMatrix::zeros(rows, columns);
            stream.child(name).gaussians().fill(matrix.as_mut_slice());
            matrix * std
        };
        let units = |name: &str, width: usize, first: f64, readout: f64| Units {
            first: normal(&format!("{name}-first"), width, size, first),
            readout: normal(name, width, 1, readout),
        };
        let teacher = units("teacher", network.teacher_width, 1.0, problem.teacher_std);
        let student = units("init", network.width, network.first_layer_std, problem.init_std);
        let data = normal("data", samples, size, OnePassStep::new(size).field);
        let labels = normal("label-noise", samples, 1, problem.noise_std) + teacher.outputs(&data);
        let signal = teacher.readout.dot(&(teacher.moments(&teacher) * &teacher.readout));
        let mut run = Self {
            problem,
            trained: network.trained,
            step: problem.learning_rate.expect("checked when the problem was read"),
            fields: student.fields(&data),
            features: DMatrix::zeros(samples, network.width),
            rest: labels.clone(),
            data,
            labels,
            teacher,
            student,
            signal,
            fixed: None,
        };
        run.features = run.student.features(run.fields.clone());
        if run.trained == Trained::Readout {
            run.fixed = Some(run.moments());
        }
        run.fit();
        Ok(run)
    }

    fn moments(&self) -> (DMatrix<f64>, DMatrix<f64>) {
        let with_teacher = self.student.moments(&self.teacher) * &self.teacher.readout;
        (self.student.moments(&self.student), with_teacher)
    }

    /// y - f on the samples, from features that are up to date.
    fn fit(&mut self) {
        self.rest.copy_from(&self.labels);
        let (features, readout) = (&self.features, &self.student.readout);
        multiply(&mut self.rest, true, -1.0, (features, Read::Plain), (readout, Read::Plain));
    }

    /// w += eta (-gradient of half the sum of squares - g w) for all weights that are trained.
    fn update(&mut self) {
        let shrink = 1.0 - self.step * self.problem.weight_decay;
        let scale = self.student.scale();
        if self.trained == Trained::AllWeights {
            // G = r a sqrt(2/H) relu'(u) in place of the fields, with the readout before its update.
            for (mut column, a) in self.fields.column_iter_mut().zip(&self.student.readout) {
                for (u, r) in column.iter_mut().zip(&self.rest) {
                    *u = if *u > 0.0 { scale * a * r } else { 0.0 };
                }
            }
            self.student.first *= shrink;
            let (pull, data) = (&self.fields, &self.data);
            multiply(&mut self.student.first, true, self.step, (pull, Read::Transposed), (data, Read::Plain));
        }
        self.student.readout *= shrink;
        let (features, rest) = (&self.features, &self.rest);
        multiply(
            &mut self.student.readout,
            true,
            self.step,
            (features, Read::Transposed),
            (rest, Read::Plain),
        );
        if self.trained == Trained::AllWeights {
            let (data, first) = (&self.data, &self.student.first);
            multiply(&mut self.fields, false, 1.0, (data, Read::Plain), (first, Read::Transposed));
            for (feature, u) in self.features.iter_mut().zip(&self.fields) {
                *feature = if *u > 0.0 { scale * *u } else { 0.0 };
            }
        }
        self.fit();
    }

    fn training_error(&self) -> f64 {
        self.rest.norm_squared() / self.rest.len() as f64
    }

    /// sigma^2 + E (f - y)^2 over Gaussian inputs, from the overlaps of all weights.
    fn population(&self) -> f64 {
        let moved;
        let (own, shared) = match &self.fixed {
            Some(fixed) => fixed,
            None => {
                moved = self.moments();
                &moved
            }
        };
        let readout = &self.student.readout;
        let noise = self.problem.noise_std * self.problem.noise_std;
        noise + self.signal - 2.0 * readout.dot(shared) + readout.dot(&(own * readout))
    }

    /// Mean squared error on fresh samples, label noise included.
    fn on_fresh_samples(&self, samples: usize, stream: &Stream) -> Result<f64, SimulationError> {
        if samples == 0 {
            return Err(SimulationError::EmptyTestSet);
        }
        let mut gaussians = stream.gaussians();
        let mut inputs = DMatrix::zeros(samples, self.data.ncols());
        gaussians.fill(inputs.as_mut_slice());
        inputs *= OnePassStep::new(self.data.ncols()).field;
        let mut errors = DMatrix::zeros(samples, 1);
        gaussians.fill(errors.as_mut_slice());
        errors *= self.problem.noise_std;
        errors += self.teacher.outputs(&inputs) - self.student.outputs(&inputs);
        Ok(errors.norm_squared() / samples as f64)
    }
}

/// Descends and appends to `curve`. The best error so far is looked for at the start, at recorded times, and at updates
/// that grow by a tenth from one to the next.
pub(super) fn descend(
    problem: &LinearRegression,
    network: &Network,
    size: usize,
    measure: &Measure,
    stream: &Stream,
    curve: &mut Curve,
    stop: &dyn Fn() -> bool,
) -> Result<(), SimulationError> {
    let mut run = Run::new(problem, network, size, stream)?;
    let follows = measure.observables.iter().any(|name| name.starts_with("best_"));
    let layers = if network.trained == Trained::AllWeights { 2 * size + 2 } else { 2 };
    let between_polls = (WORK_BETWEEN_POLLS / (layers * run.features.len())) as u64 + 1;
    let mut best = Best { time: 0.0, error: run.population() };
    let (mut updates, mut next_look) = (0, 1);
    for (snapshot, &time) in measure.times.iter().enumerate() {
        let wanted = problem.updates_at(time).expect("steps have a length");
        while updates < wanted {
            if updates % between_polls == 0 && stop() {
                return Err(SimulationError::Interrupted);
            }
            run.update();
            updates += 1;
            if follows && (updates == next_look || updates == wanted) {
                next_look = updates + updates.div_ceil(10);
                let error = run.population();
                if error < best.error {
                    best = Best { time: updates as f64 * run.step, error };
                }
            }
        }
        curve.work.updates = updates;
        let mut values = Vec::with_capacity(measure.observables.len());
        for name in measure.observables {
            values.push(match name.as_str() {
                "generalisation_error" => match measure.risk {
                    Risk::Overlaps => run.population(),
                    Risk::TestSet { samples } => {
                        run.on_fresh_samples(samples, &stream.child("test-set").index(snapshot as u64))?
                    }
                },
                "training_error" => run.training_error(),
                "best_error" => best.error,
                "best_time" => best.time,
                _ => return Err(SimulationError::UnknownObservable(name.clone())),
            });
        }
        let fits = run.training_error();
        if !fits.is_finite() || values.iter().any(|value| !value.is_finite()) {
            let reason = format!("the training error is {fits}: choose a smaller learning_rate");
            curve.end = End::Diverged { time: curve.times.last().copied().unwrap_or(0.0), reason };
            break;
        }
        curve.push(updates as f64 * run.step, &values);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::linear_regression::{Solver, Student};

    fn problem(trained: Trained) -> (LinearRegression, Network) {
        let network = Network { teacher_width: 4, width: 7, trained, first_layer_std: 0.9 };
        let problem = LinearRegression {
            sample_ratio: 3.0,
            teacher_std: 1.3,
            noise_std: 0.6,
            init_std: 0.8,
            weight_decay: 0.0,
            learning_rate: Some(1e-3),
            solver: Solver::Steps,
            student: Student::Relu(network),
        };
        (problem, network)
    }

    #[test]
    fn updates_go_down_half_the_sum_of_squares() {
        let (problem, network) = problem(Trained::AllWeights);
        let run = || Run::new(&problem, &network, 6, &Stream::root(3)).expect("data");
        let loss = |first: &DMatrix<f64>, readout: &DMatrix<f64>| {
            let mut run = run();
            (run.student.first, run.student.readout) = (first.clone(), readout.clone());
            0.5 * (&run.labels - run.student.outputs(&run.data)).norm_squared()
        };
        let (before, mut after) = (run().student, run());
        after.update();
        let h = 1e-6;
        for i in 0..before.first.len() {
            let (mut up, mut down) = (before.first.clone(), before.first.clone());
            up[i] += h;
            down[i] -= h;
            let slope = (loss(&up, &before.readout) - loss(&down, &before.readout)) / (2.0 * h);
            let moved = (after.student.first[i] - before.first[i]) / after.step;
            assert!((moved + slope).abs() < 1e-6, "{moved} against {slope}");
        }
        for i in 0..before.readout.len() {
            let (mut up, mut down) = (before.readout.clone(), before.readout.clone());
            up[i] += h;
            down[i] -= h;
            let slope = (loss(&before.first, &up) - loss(&before.first, &down)) / (2.0 * h);
            let moved = (after.student.readout[i] - before.readout[i]) / after.step;
            assert!((moved + slope).abs() < 1e-6, "{moved} against {slope}");
        }
    }

    #[test]
    fn overlaps_give_the_error_on_fresh_samples() {
        for trained in [Trained::Readout, Trained::AllWeights] {
            let (problem, network) = problem(trained);
            let mut run = Run::new(&problem, &network, 6, &Stream::root(4)).expect("data");
            (0..300).for_each(|_| run.update());
            let test = |i| run.on_fresh_samples(10_000, &Stream::root(5).index(i)).expect("samples");
            let list: Vec<f64> = (0..40).map(test).collect();
            let mean = list.iter().sum::<f64>() / 40.0;
            let error = (list.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (39.0 * 40.0)).sqrt();
            let exact = run.population();
            assert!((mean - exact).abs() < 4.0 * error && error < 0.01 * exact, "{exact}: {mean} ± {error}");
        }
    }
}
