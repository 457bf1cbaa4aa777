//! Direct simulation of the committee: starts, single updates, counting, determinism, risks.

use asymptotica::problem::Definition;
use asymptotica::problem::activation::Activation;
use asymptotica::problem::committee::{Committee, Init, Overlaps, Surplus, Teacher, Trained};
use asymptotica::problem::scaling::OutputScaling;
use asymptotica::problem::{Method, Problem, Start};
use asymptotica::rng::{Gaussians, Stream};
use asymptotica::simulate::{self, Measure, Replica, Risk, SimulationError};
use asymptotica::trajectory::End;
use nalgebra::{DMatrix, DVector, dmatrix, dvector};
use rand::RngExt;

/// K = 3, M = 2, every option at a generic value.
fn generic() -> Committee {
    Committee {
        student_width: 3,
        teacher_width: 2,
        activation: Activation::Erf,
        trained: Trained::BothLayers,
        learning_rate: 0.7,
        second_layer_rate: 0.45,
        noise_std: 0.23,
        weight_decay: 0.31,
        second_layer_decay: 0.17,
        batch: 3,
        output: OutputScaling::MeanField,
        teacher: Teacher::Given { t: dmatrix![1.3, 0.4; 0.4, 0.8] },
        teacher_second_layer: dvector![1.2, -0.7],
        init: Init::Given {
            q: dmatrix![0.9, 0.11, -0.2; 0.11, 0.6, 0.07; -0.2, 0.07, 0.5],
            r: dmatrix![0.3, -0.15; 0.05, 0.21; -0.12, 0.08],
        },
        student_second_layer: dvector![0.8, 1.4, -0.6],
        second_layer_std: 0.0,
        training_set: None,
    }
}

/// The error, all overlaps and v: what is read off R as 0 or 1 is left out.
fn names(problem: &Committee) -> Vec<String> {
    let infos = problem.observables();
    infos.iter().filter(|o| o.name != "specialised").flat_map(|o| o.entries()).collect()
}

fn run_with(problem: &Committee, d: usize, times: &[f64], risk: Risk, stream: &Stream) -> Replica {
    let observables = names(problem);
    let measure = Measure { times, observables: &observables, risk };
    simulate::replica(&Problem::Committee(problem.clone()), d, Method::Direct, &measure, stream, &|| false)
        .unwrap()
}

fn run(problem: &Committee, d: usize, times: &[f64], stream: &Stream) -> Replica {
    run_with(problem, d, times, Risk::Overlaps, stream)
}

fn overlaps_of(start: Start) -> Overlaps {
    match start {
        Start::Committee(overlaps) => overlaps,
        other => panic!("{other:?}"),
    }
}

fn start(problem: &Committee, d: usize, stream: &Stream) -> Result<Overlaps, SimulationError> {
    simulate::start(&Problem::Committee(problem.clone()), d, Method::Direct, stream).map(overlaps_of)
}

/// Values of all observables at one snapshot.
fn snapshot(replica: &Replica, k: usize) -> Vec<f64> {
    replica.curve.values.iter().map(|values| values[k]).collect()
}

fn largest_difference(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

mod starts {
    use super::*;

    fn assert_exact(found: &Overlaps, q: &DMatrix<f64>, r: &DMatrix<f64>, t: &DMatrix<f64>) {
        for (found, wanted) in [(&found.q, q), (&found.r, r), (&found.t, t)] {
            assert!((found - wanted).amax() < 1e-13 * t.amax(), "{found} {wanted}");
        }
    }

    #[test]
    fn given_overlaps_are_met_exactly_at_every_size() {
        let problem = generic();
        let limit = problem.limit_start();
        for d in [5, 6, 31, 32, 33, 500, 2049] {
            let found = start(&problem, d, &Stream::root(40).index(d as u64)).unwrap();
            assert_exact(&found, &limit.q, &limit.r, &limit.t);
            assert_eq!((found.v, found.v_star), (limit.v.clone(), limit.v_star.clone()));
        }
    }

    /// C of rank 2 for five units: the students and one teacher are combinations of two directions.
    #[test]
    fn singular_overlaps_are_met_exactly_down_to_their_rank() {
        let a = dmatrix![0.3, -0.4; 0.7, 0.2; -0.5, 0.6; 1.1, 0.35; 0.25, -0.9];
        let c = &a * a.transpose();
        let mut problem = generic();
        problem.teacher = Teacher::Given { t: c.view((3, 3), (2, 2)).into_owned() };
        problem.init =
            Init::Given { q: c.view((0, 0), (3, 3)).into_owned(), r: c.view((0, 3), (3, 2)).into_owned() };
        let limit = problem.limit_start();
        for d in [2, 3, 100] {
            assert_exact(&start(&problem, d, &Stream::root(41)).unwrap(), &limit.q, &limit.r, &limit.t);
        }
        assert_eq!(
            start(&problem, 1, &Stream::root(41)).unwrap_err(),
            SimulationError::TooSmall { size: 1, needed: 2 }
        );
        assert_eq!(problem.smallest_size(), 2, "known before any run");
    }

    #[test]
    fn students_at_zero_are_met_exactly() {
        let mut problem = generic();
        problem.init = Init::Given { q: DMatrix::zeros(3, 3), r: DMatrix::zeros(3, 2) };
        let limit = problem.limit_start();
        assert_exact(&start(&problem, 70, &Stream::root(42)).unwrap(), &limit.q, &limit.r, &limit.t);
    }

    #[test]
    fn fewer_dimensions_than_directions_are_refused() {
        let error = start(&generic(), 4, &Stream::root(43)).unwrap_err();
        assert_eq!(error, SimulationError::TooSmall { size: 4, needed: 5 });
        assert_eq!(generic().smallest_size(), 5);
        let mut problem = generic();
        problem.init = Init::Random { std: 0.4 };
        let error = start(&problem, 1, &Stream::root(43)).unwrap_err();
        assert_eq!(error, SimulationError::TooSmall { size: 1, needed: 2 });
        assert_eq!(problem.smallest_size(), 2);
        assert!(matches!(start(&problem, 0, &Stream::root(43)), Err(SimulationError::TooSmall { .. })));
    }

    #[test]
    fn overlaps_of_no_weights_are_refused() {
        let mut problem = generic();
        problem.teacher = Teacher::Given { t: dmatrix![1.0, 1.5; 1.5, 1.0] };
        problem.init = Init::Random { std: 0.4 };
        assert!(matches!(
            start(&problem, 50, &Stream::root(44)),
            Err(SimulationError::NotACovariance { .. })
        ));
    }

    #[test]
    fn informed_start_without_spread_sits_on_the_teacher() {
        for surplus in [Surplus::Zero, Surplus::Copy] {
            let mut problem = generic();
            problem.init = Init::Informed { std: 0.0, surplus };
            let limit = problem.limit_start();
            assert_exact(&start(&problem, 77, &Stream::root(45)).unwrap(), &limit.q, &limit.r, &limit.t);
            // Unit 3 of K = 3, M = 2 rests at 0 or shares teacher unit 1.
            let expected = if surplus == Surplus::Copy { limit.t[(0, 0)] } else { 0.0 };
            assert_eq!(limit.q[(2, 2)], expected);
        }
    }

    /// Means over replicas of independent weights: Q -> std^2, R -> 0 and, for random teachers, T -> std^2;
    /// each entry has the standard deviation of a mean of d products.
    #[test]
    fn random_starts_have_the_stated_spread() {
        let (d, replicas) = (40, 400);
        let mut problem = generic();
        problem.teacher = Teacher::Random { std: 1.3 };
        problem.init = Init::Informed { std: 0.6, surplus: Surplus::Zero };
        problem.second_layer_std = 0.25;
        let limit = problem.limit_start();
        let mut sums = vec![(0.0, 0.0); 3 * 3 + 3 * 2 + 2 * 2 + 3];
        for replica in 0..replicas {
            let found = start(&problem, d, &Stream::root(46).index(replica)).unwrap();
            let pairs = [(&found.q, &limit.q), (&found.r, &limit.r), (&found.t, &limit.t)];
            let matrices = pairs.iter().flat_map(|(a, b)| a.iter().zip(b.iter()));
            for (sum, (found, limit)) in
                sums.iter_mut().zip(matrices.chain(found.v.iter().zip(limit.v.iter())))
            {
                sum.0 += found - limit;
                sum.1 += (found - limit).powi(2);
            }
        }
        for (i, (sum, squares)) in sums.iter().enumerate() {
            let z = sum / squares.sqrt();
            assert!(z.abs() < 4.5, "entry {i}: {z} standard errors off");
        }
        let v_std = (sums[19..].iter().map(|s| s.1).sum::<f64>() / (3.0 * replicas as f64)).sqrt();
        let relative_error = 1.0 / (2.0 * 3.0 * replicas as f64).sqrt();
        assert!((v_std / 0.25 - 1.0).abs() < 4.5 * relative_error, "{v_std}");
    }

    #[test]
    fn start_alone_is_the_start_of_the_replica() {
        let mut problem = generic();
        problem.init = Init::Random { std: 0.7 };
        problem.second_layer_std = 0.2;
        let stream = Stream::root(47);
        let replica = run(&problem, 60, &[0.0], &stream);
        assert_eq!(replica.start, Start::Committee(start(&problem, 60, &stream).unwrap()));
        let overlaps = overlaps_of(replica.start.clone());
        let entries: Vec<f64> = [&overlaps.q, &overlaps.r, &overlaps.t]
            .into_iter()
            .flat_map(|a| {
                a.row_iter().flat_map(|row| row.iter().copied().collect::<Vec<_>>()).collect::<Vec<_>>()
            })
            .chain(overlaps.v.iter().copied())
            .collect();
        assert_eq!(snapshot(&replica, 0)[1..], entries);
    }
}

/// SGD written once more, in plain loops in the order of the definition. Only the random numbers are shared.
mod naive {
    use super::*;

    pub struct Naive {
        w: Vec<Vec<f64>>,
        w_star: Vec<Vec<f64>>,
        v: Vec<f64>,
        data: Gaussians,
        noise: Gaussians,
    }

    impl Naive {
        /// Random teacher and student, drawn as the program documents it.
        pub fn new(problem: &Committee, d: usize, stream: &Stream) -> Self {
            let (Teacher::Random { std: teacher_std }, Init::Random { std }) =
                (&problem.teacher, &problem.init)
            else {
                panic!("random start")
            };
            let draw = |count: usize, std: f64, name: &str| {
                let mut gaussians = stream.child(name).gaussians();
                (0..count).map(|_| (0..d).map(|_| std * gaussians.next()).collect()).collect()
            };
            Self {
                w: draw(problem.student_width, *std, "init"),
                w_star: draw(problem.teacher_width, *teacher_std, "teacher"),
                v: problem.student_second_layer.as_slice().to_vec(),
                data: stream.child("data").gaussians(),
                noise: stream.child("label-noise").gaussians(),
            }
        }

        pub fn sample(&mut self, d: usize, problem: &Committee) -> (Vec<f64>, f64) {
            let x: Vec<f64> = (0..d).map(|_| self.data.next()).collect();
            let teacher: f64 = self
                .w_star
                .iter()
                .zip(problem.teacher_second_layer.iter())
                .map(|(w, v)| v * problem.activation.value(field(w, &x)))
                .sum();
            let divisor = match problem.output {
                OutputScaling::Committee => 1.0,
                OutputScaling::Normalised | OutputScaling::MeanField => self.w_star.len() as f64,
            };
            (x, teacher / divisor + problem.noise_std * self.noise.next())
        }

        pub fn update(&mut self, problem: &Committee, batch: &[(Vec<f64>, f64)]) {
            let (k, d, b) = (self.w.len(), self.w[0].len() as f64, batch.len() as f64);
            let g = problem.activation;
            let (divisor, factor) = match problem.output {
                OutputScaling::Committee => (1.0, 1.0),
                OutputScaling::Normalised => (k as f64, 1.0),
                OutputScaling::MeanField => (k as f64, k as f64),
            };
            let (old_w, old_v) = (self.w.clone(), self.v.clone());
            for i in 0..k {
                for (w, old) in self.w[i].iter_mut().zip(&old_w[i]) {
                    *w -= problem.weight_decay / d * old;
                }
                if problem.trained == Trained::BothLayers {
                    self.v[i] -= problem.second_layer_decay / d * old_v[i];
                }
            }
            for (x, y) in batch {
                let fields: Vec<f64> = old_w.iter().map(|w| field(w, x)).collect();
                let student: f64 = (0..k).map(|i| old_v[i] * g.value(fields[i])).sum::<f64>() / divisor;
                let error = y - student;
                for i in 0..k {
                    let gradient = old_v[i] * g.derivative(fields[i]) / divisor * error;
                    for (w, x) in self.w[i].iter_mut().zip(x) {
                        *w += factor * problem.learning_rate / d.sqrt() / b * gradient * x;
                    }
                    if problem.trained == Trained::BothLayers {
                        let gradient = g.value(fields[i]) / divisor * error;
                        self.v[i] += factor * problem.second_layer_rate / d / b * gradient;
                    }
                }
            }
        }

        /// Q, R, T and v in the order of the program's observables.
        pub fn observables(&self) -> Vec<f64> {
            let mut list = Vec::new();
            for (left, right) in [(&self.w, &self.w), (&self.w, &self.w_star), (&self.w_star, &self.w_star)] {
                for a in left {
                    list.extend(right.iter().map(|b| field(a, b) / (a.len() as f64).sqrt()));
                }
            }
            list.extend(&self.v);
            list
        }
    }

    fn field(w: &[f64], x: &[f64]) -> f64 {
        w.iter().zip(x).map(|(w, x)| w * x).sum::<f64>() / (w.len() as f64).sqrt()
    }
}

fn random_start(mut problem: Committee) -> Committee {
    problem.teacher = Teacher::Random { std: 1.2 };
    problem.init = Init::Random { std: 0.8 };
    problem
}

/// One update and twenty, for all outputs, layers and batches, at sizes around the widths of the kernels.
#[test]
fn updates_are_those_of_the_definition() {
    for output in [OutputScaling::Committee, OutputScaling::Normalised, OutputScaling::MeanField] {
        for trained in [Trained::FirstLayer, Trained::BothLayers] {
            for batch in [1, 2, 5] {
                for activation in [Activation::Erf, Activation::Relu, Activation::Tanh] {
                    for d in [3, 32, 37, 1024, 1100] {
                        let mut problem = random_start(generic());
                        (problem.output, problem.trained) = (output, trained);
                        (problem.batch, problem.activation) = (batch, activation);
                        let stream = Stream::root(50).index(d as u64);
                        let times = [0.0, 1.0 / d as f64, 20.0 / d as f64];
                        let observables = names(&problem)[1..].to_vec();
                        let measure =
                            Measure { times: &times, observables: &observables, risk: Risk::Overlaps };
                        let wrapped = Problem::Committee(problem.clone());
                        let replica =
                            simulate::replica(&wrapped, d, Method::Direct, &measure, &stream, &|| false)
                                .unwrap();
                        let mut naive = naive::Naive::new(&problem, d, &stream);
                        let mut updates = 0;
                        for (snapshot_number, wanted) in [0, 1, 20].into_iter().enumerate() {
                            while updates < wanted {
                                let samples: Vec<_> = (0..batch).map(|_| naive.sample(d, &problem)).collect();
                                naive.update(&problem, &samples);
                                updates += 1;
                            }
                            let difference = largest_difference(
                                &snapshot(&replica, snapshot_number),
                                &naive.observables(),
                            );
                            assert!(
                                difference < 1e-12,
                                "{output:?} {trained:?} batch {batch} {activation:?} d {d} after {wanted}: {difference:e}"
                            );
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn updates_on_a_training_set_are_those_of_the_definition() {
    for batch in [1, 4] {
        let d = 41;
        let mut problem = random_start(generic());
        problem.batch = batch;
        problem.training_set = Some(0.3);
        let stream = Stream::root(51);
        let replica = run(&problem, d, &[100.0 / d as f64], &stream);
        let mut naive = naive::Naive::new(&problem, d, &stream);
        let set: Vec<_> = (0..12).map(|_| naive.sample(d, &problem)).collect();
        let mut choice = stream.child("batch").generator();
        for _ in 0..100 {
            let samples: Vec<_> =
                (0..batch).map(|_| set[choice.random_range(0..12_u64) as usize].clone()).collect();
            naive.update(&problem, &samples);
        }
        let difference = largest_difference(&snapshot(&replica, 0)[1..], &naive.observables());
        assert!(difference < 1e-12, "batch {batch}: {difference:e}");
    }
}

mod snapshots {
    use super::*;

    #[test]
    fn times_count_completed_updates() {
        let d = 50;
        let replica = run(&generic(), d, &[0.0, 0.004, 0.016, 0.02, 0.021, 0.033, 0.7], &Stream::root(60));
        let updates = [0.0, 0.0, 1.0, 1.0, 1.0, 2.0, 35.0];
        assert_eq!(replica.curve.times, updates.map(|u| u / d as f64));
        assert_eq!(replica.curve.work.updates, 35);
        assert_eq!(replica.curve.end, End::Complete);
        assert_eq!(snapshot(&replica, 0), snapshot(&replica, 1));
        assert_eq!(snapshot(&replica, 2), snapshot(&replica, 4));
        assert!(snapshot(&replica, 1) != snapshot(&replica, 2));
    }

    /// Every learner has an update waiting between two samples; looking at it must not move it.
    #[test]
    fn looking_does_not_disturb() {
        for (batch, training_set) in [(1, None), (3, None), (1, Some(0.5)), (2, Some(0.5))] {
            let mut problem = random_start(generic());
            (problem.batch, problem.training_set) = (batch, training_set);
            let d = 64;
            let often: Vec<f64> = (0..=300).map(|u| f64::from(u) / d as f64).collect();
            let stream = Stream::root(61);
            let watched = run(&problem, d, &often, &stream);
            let alone = run(&problem, d, &often[300..], &stream);
            let tested = run_with(&problem, d, &often[..=150], Risk::TestSet { samples: 3 }, &stream);
            assert_eq!(snapshot(&watched, 300), snapshot(&alone, 0));
            assert_eq!(snapshot(&watched, 150)[1..], snapshot(&tested, 150)[1..]);
        }
    }

    #[test]
    fn replicas_repeat_and_differ() {
        let problem = random_start(generic());
        let root = Stream::root(62);
        let times = [0.5, 1.5];
        let first = run(&problem, 80, &times, &root.index(0));
        let again = run(&problem, 80, &times, &root.index(0));
        let other = run(&problem, 80, &times, &root.index(1));
        assert_eq!((&first.curve.values, &first.start), (&again.curve.values, &again.start));
        for (a, b) in first.curve.values.iter().flatten().zip(other.curve.values.iter().flatten()) {
            assert!(a != b);
        }
    }

    /// Pinned bits of one replica with every option in use, after 250 updates.
    #[test]
    fn one_replica_is_pinned_to_the_bit() {
        let mut problem = generic();
        problem.second_layer_std = 0.3;
        let replica = run(&problem, 100, &[2.5], &Stream::root(63).child("pinned"));
        let found = ["Q[1,1]", "R[3,2]", "v[2]"].map(|name| replica.curve.get(name).unwrap()[0].to_bits());
        assert_eq!(
            found.map(|bits| format!("{bits:#018x}")),
            ["0x3fc930440e312d56", "0x3fac08b183dc5b3b", "0x3ff081c3c3cfe4fc"]
        );
    }
}

mod risks {
    use super::*;

    /// Mean over 20 test sets of the difference, in units of its standard error: beyond 4 with probability
    /// 8e-4 (Student, 19 degrees of freedom).
    #[test]
    fn test_set_agrees_with_the_population_risk_of_the_overlaps() {
        for activation in [
            Activation::Erf,
            Activation::Linear,
            Activation::Quadratic,
            Activation::Relu,
            Activation::Tanh,
            Activation::Gelu,
        ] {
            for output in [OutputScaling::Committee, OutputScaling::Normalised] {
                let mut problem = random_start(generic());
                (problem.activation, problem.output) = (activation, output);
                (problem.learning_rate, problem.second_layer_rate) = (0.04, 0.03);
                let d = 45;
                let times: Vec<f64> = (0..20).map(|u| f64::from(u) / d as f64).collect();
                let stream = Stream::root(70);
                let exact = run(&problem, d, &times, &stream);
                let tested = run_with(&problem, d, &times, Risk::TestSet { samples: 4000 }, &stream);
                let ratios: Vec<f64> = tested.curve.values[0]
                    .iter()
                    .zip(&exact.curve.values[0])
                    .map(|(a, b)| a / b - 1.0)
                    .collect();
                let n = ratios.len() as f64;
                let mean = ratios.iter().sum::<f64>() / n;
                let variance = ratios.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / (n - 1.0);
                let z = mean / (variance / n).sqrt();
                assert!(z.abs() < 4.0 && variance.sqrt() < 0.2, "{activation:?} {output:?}: {mean} {z}");
            }
        }
    }

    /// A test set without label noise has no error on the teacher itself.
    #[test]
    fn error_on_the_teacher_itself_is_zero_whatever_the_noise() {
        let mut problem = generic();
        problem.student_width = 2;
        problem.init = Init::Informed { std: 0.0, surplus: Surplus::Zero };
        problem.student_second_layer = problem.teacher_second_layer.clone();
        for risk in [Risk::Overlaps, Risk::TestSet { samples: 50 }] {
            let replica = run_with(&problem, 70, &[0.0], risk, &Stream::root(71));
            assert!(replica.curve.values[0][0].abs() < 1e-15);
        }
    }
}

mod training_sets {
    use super::*;

    /// Linear student, K = M = 1, on a set of d/2 noisy samples: SGD can fit all labels, so it ends at the
    /// weights closest to its start that do. Fresh samples keep it moving by the label noise; on the set it
    /// comes to rest.
    fn linear(training_set: Option<f64>) -> Committee {
        Committee {
            student_width: 1,
            teacher_width: 1,
            activation: Activation::Linear,
            trained: Trained::FirstLayer,
            learning_rate: 0.6,
            second_layer_rate: 0.6,
            noise_std: 0.35,
            weight_decay: 0.0,
            second_layer_decay: 0.0,
            batch: 1,
            output: OutputScaling::Committee,
            teacher: Teacher::Random { std: 1.1 },
            teacher_second_layer: dvector![1.3],
            init: Init::Random { std: 0.7 },
            student_second_layer: dvector![0.9],
            second_layer_std: 0.0,
            training_set,
        }
    }

    #[test]
    fn a_small_set_is_memorised() {
        let d = 60;
        let problem = linear(Some(0.5));
        let stream = Stream::root(80);
        let late = run(&problem, d, &[600.0, 800.0], &stream);
        assert!(largest_difference(&snapshot(&late, 0), &snapshot(&late, 1)) < 1e-10);
        let fresh = run(&linear(None), d, &[600.0, 800.0], &stream);
        assert!(largest_difference(&snapshot(&fresh, 0), &snapshot(&fresh, 1)) > 1e-3);

        // The same samples once more: w = w0 + X^T (X X^T)^-1 (y - X w0), with X in units of fields times v.
        let mut naive = naive::Naive::new(&problem, d, &stream);
        let set: Vec<_> = (0..30).map(|_| naive.sample(d, &problem)).collect();
        let scale = 0.9 / (d as f64).sqrt();
        let x = DMatrix::from_fn(30, d, |i, j| scale * set[i].0[j]);
        let y = DVector::from_fn(30, |i, _| set[i].1);
        let mut init = stream.child("init").gaussians();
        let w0 = DVector::from_fn(d, |_, _| 0.7 * init.next());
        let w = &w0 + x.transpose() * (&x * x.transpose()).lu().solve(&(y - &x * &w0)).unwrap();
        let q = late.curve.get("Q[1,1]").unwrap()[1];
        assert!((q / (w.norm_squared() / d as f64) - 1.0).abs() < 1e-10);
    }

    /// Early on, before a sample is seen twice, the set acts as fresh samples do: the squared deviation of
    /// the means falls with the size of the set.
    #[test]
    fn a_large_set_approaches_fresh_samples() {
        let (d, replicas, t) = (30, 160, 3.0);
        let mean = |training_set: Option<f64>| {
            let errors: Vec<f64> = (0..replicas)
                .map(|i| {
                    run(&linear(training_set), d, &[t], &Stream::root(81).index(i)).curve.values[0][0].ln()
                })
                .collect();
            let mean = errors.iter().sum::<f64>() / replicas as f64;
            let variance = errors.iter().map(|e| (e - mean).powi(2)).sum::<f64>() / (replicas as f64 - 1.0);
            (mean, variance / replicas as f64)
        };
        let fresh = mean(None);
        let z = |set: (f64, f64)| (set.0 - fresh.0) / (set.1 + fresh.1).sqrt();
        let (small, large) = (z(mean(Some(1.0))), z(mean(Some(200.0))));
        assert!(small > 5.0, "a set of d samples generalises worse: {small}");
        assert!(large.abs() < 4.0, "a set of 200 d samples does not differ: {large}");
    }

    #[test]
    fn an_empty_set_is_refused() {
        let problem = Problem::Committee(linear(Some(0.004)));
        let measure = Measure { times: &[1.0], observables: &[], risk: Risk::Overlaps };
        let error = simulate::replica(&problem, 30, Method::Direct, &measure, &Stream::root(82), &|| false)
            .unwrap_err();
        assert_eq!(error, SimulationError::EmptyTrainingSet { per_dimension: 0.004, size: 30 });
    }
}

/// On the teacher itself and without decay, the label noise alone moves the weights. One update from rest
/// gives the exact mean <R_11 change> = 0 and <Q_11 change> = eta^2 sigma^2 v^2 <g'^2> / d for linear g
/// (<|x|^2> = d).
#[test]
fn label_noise_enters_as_a_standard_deviation() {
    let (d, replicas, eta, sigma) = (20, 4000, 0.8, 0.3);
    let mut problem = generic();
    problem.student_width = 2;
    problem.init = Init::Informed { std: 0.0, surplus: Surplus::Zero };
    problem.student_second_layer = problem.teacher_second_layer.clone();
    problem.activation = Activation::Linear;
    (problem.output, problem.trained, problem.batch) = (OutputScaling::Committee, Trained::FirstLayer, 1);
    (problem.learning_rate, problem.noise_std, problem.weight_decay) = (eta, sigma, 0.0);
    let exact = (eta * sigma * 1.2_f64).powi(2) / d as f64;
    let moved: Vec<f64> = (0..replicas)
        .map(|i| {
            let replica = run(&problem, d, &[1.0 / d as f64], &Stream::root(90).index(i));
            let get = |name| replica.curve.get(name).unwrap()[0];
            // |w - w*|^2 / d of the first unit.
            get("Q[1,1]") - 2.0 * get("R[1,1]") + get("T[1,1]")
        })
        .collect();
    let mean = moved.iter().sum::<f64>() / replicas as f64;
    let variance = moved.iter().map(|m| (m - mean).powi(2)).sum::<f64>() / replicas as f64;
    let z = (mean - exact) / (variance / replicas as f64).sqrt();
    assert!(z.abs() < 4.0, "{mean} {exact} {z}");
}

mod outcomes {
    use super::*;

    #[test]
    fn a_divergence_has_its_time_and_keeps_what_was_reached() {
        let mut problem = random_start(generic());
        problem.activation = Activation::Linear;
        problem.learning_rate = 40.0;
        let times = [0.0, 0.05, 1e4];
        let replica = run(&problem, 40, &times, &Stream::root(100));
        let End::Diverged { time, reason } = replica.curve.end else { panic!("must diverge") };
        assert_eq!(replica.curve.times, [0.0, 0.05]);
        assert!(time > 0.05 && time < 1e4 && time == replica.curve.work.updates as f64 / 40.0, "{time}");
        assert!(reason.contains("error") || reason.contains("overlaps"), "{reason}");
        assert!(replica.curve.values.iter().flatten().all(|x| x.is_finite()));
    }

    #[test]
    fn a_stop_is_obeyed_within_some_work() {
        let problem = Problem::Committee(generic());
        let measure = Measure { times: &[1e9], observables: &[], risk: Risk::Overlaps };
        let polls = std::cell::Cell::new(0);
        let stop = || {
            polls.set(polls.get() + 1);
            polls.get() == 5
        };
        let error =
            simulate::replica(&problem, 50, Method::Direct, &measure, &Stream::root(101), &stop).unwrap_err();
        assert_eq!((error, polls.get()), (SimulationError::Interrupted, 5));
    }

    #[test]
    fn bad_requests_are_typed_errors() {
        let problem = Problem::Committee(generic());
        let ask = |times: &[f64], observable: &str, risk| {
            let observables = [observable.to_string()];
            let measure = Measure { times, observables: &observables, risk };
            simulate::replica(&problem, 50, Method::Direct, &measure, &Stream::root(102), &|| false)
                .unwrap_err()
        };
        for name in ["Q[0,1]", "Q[4,1]", "R[1,3]", "R[3]", "T[3,1]", "v[1,1]", "v[]", "v[4]", "error", "Q"] {
            assert_eq!(ask(&[0.5], name, Risk::Overlaps), SimulationError::UnknownObservable(name.into()));
        }
        assert_eq!(ask(&[0.5], "v[1]", Risk::TestSet { samples: 0 }), SimulationError::EmptyTestSet);
        let error = ask(&[0.5, 0.2], "v[1]", Risk::Overlaps);
        assert_eq!(error, SimulationError::Times { previous: 0.5, time: 0.2 });
        assert!(matches!(ask(&[f64::NAN], "v[1]", Risk::Overlaps), SimulationError::Times { .. }));
    }
}
