//! The overlap chain beside a plain version of the same, over widths and input dimensions, and the gain of a
//! second thread.
//!
//! ```text
//! cargo bench --bench overlap_chain
//! ```
//! Criterion reports times per step; the summary at the end gives the shortest of many short runs, which a busy
//! machine disturbs least.

use asymptotica::problem::activation::Activation;
use asymptotica::problem::committee::{Committee, Init, Teacher, Trained};
use asymptotica::problem::scaling::OutputScaling;
use asymptotica::problem::{Method, Problem};
use asymptotica::rng::Stream;
use asymptotica::simulate::{self, Measure, Risk};
use criterion::{Criterion, Throughput};
use nalgebra::{DMatrix, DVector};
use rand_distr::{ChiSquared, Distribution, StandardNormal};
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;
use std::hint::black_box;
use std::time::Instant;

const STEPS: usize = 10_000;

/// K, M and d.
const CASES: [(usize, usize, usize); 6] =
    [(4, 2, 100), (4, 2, 1_000_000), (3, 3, 10_000), (1, 1, 10_000), (8, 4, 10_000), (32, 4, 10_000)];

fn problem(student_width: usize, teacher_width: usize) -> Committee {
    Committee {
        student_width,
        teacher_width,
        activation: Activation::Erf,
        trained: Trained::FirstLayer,
        learning_rate: 0.5 / student_width as f64,
        second_layer_rate: 0.5,
        noise_std: 0.1,
        weight_decay: 0.0,
        second_layer_decay: 0.0,
        batch: 1,
        output: OutputScaling::Committee,
        teacher: Teacher::Given { t: DMatrix::identity(teacher_width, teacher_width) },
        teacher_second_layer: DVector::from_element(teacher_width, 1.0),
        init: Init::Random { std: 0.5 },
        student_second_layer: DVector::from_element(student_width, 1.0),
        second_layer_std: 0.0,
        training_set: None,
    }
}

/// Seconds of the updates of one replica.
fn replica(problem: &Problem, d: usize, method: Method, updates: usize, number: u64) -> f64 {
    let times = [updates as f64 / d as f64];
    let measure = Measure { times: &times, observables: &[], risk: Risk::Overlaps };
    let stream = Stream::root(1).index(number);
    let replica = simulate::replica(problem, d, method, &measure, &stream, &|| false);
    replica.expect("a valid problem").curve.work.seconds
}

/// The same process on the overlaps themselves: a Cholesky factor of nalgebra and the generators of
/// rand_distr in every step.
fn plain(problem: &Committee, d: usize, steps: usize) -> f64 {
    let (k, m) = (problem.student_width, problem.teacher_width);
    let n = k + m;
    let mut rng: Xoshiro256PlusPlus = Stream::root(1).generator();
    let g = problem.activation;
    let mut c =
        DMatrix::from_fn(
            n,
            n,
            |i, j| {
                if i == j { if i < k { 0.25 } else { 1.0 } } else { 0.1 / (d as f64).sqrt() }
            },
        );
    let rest = ChiSquared::new((d - n) as f64).expect("more dimensions than vectors");
    let scale = 1.0 / (d as f64).sqrt();
    let clock = Instant::now();
    for _ in 0..steps {
        let l = c.clone().cholesky().expect("a covariance").l();
        let z = DVector::from_fn(n, |_, _| StandardNormal.sample(&mut rng));
        let u = &l * &z;
        let square = z.norm_squared() + rest.sample(&mut rng);
        let noise: f64 = StandardNormal.sample(&mut rng);
        let label = (k..n).map(|i| g.value(u[i])).sum::<f64>() + problem.noise_std * noise;
        let error = label - (0..k).map(|i| g.value(u[i])).sum::<f64>();
        let step = DVector::from_fn(n, |i, _| {
            if i < k { problem.learning_rate * scale * scale * g.derivative(u[i]) * error } else { 0.0 }
        });
        c += &step * u.transpose() + &u * step.transpose() + &step * step.transpose() * square;
    }
    black_box(&c);
    clock.elapsed().as_secs_f64()
}

fn chain(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("chain");
    group.throughput(Throughput::Elements(STEPS as u64));
    for (k, m, d) in CASES {
        let problem = problem(k, m);
        let wrapped = Problem::Committee(problem.clone());
        let name = format!("K = {k}, M = {m}, d = {d}");
        group.bench_function(format!("chain, {name}"), |b| {
            b.iter(|| replica(&wrapped, d, Method::OverlapChain, STEPS, 0))
        });
        group.bench_function(format!("plain, {name}"), |b| b.iter(|| plain(&problem, d, STEPS)));
    }
}

fn shortest(mut run: impl FnMut() -> f64) -> f64 {
    (0..30).map(|_| run()).fold(f64::INFINITY, f64::min)
}

/// Seconds for 16 replicas on so many threads.
fn sixteen(problem: &Problem, d: usize, method: Method, updates: usize, threads: usize) -> f64 {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
    let clock = Instant::now();
    pool.install(|| {
        (0..16_u64).into_par_iter().for_each(|i| {
            black_box(replica(problem, d, method, updates, i));
        })
    });
    clock.elapsed().as_secs_f64()
}

fn summary() {
    println!("Overlap chain, erf, ns per step:");
    for (k, m, d) in CASES {
        let problem = problem(k, m);
        let wrapped = Problem::Committee(problem.clone());
        let ours = 1e9 / STEPS as f64 * shortest(|| replica(&wrapped, d, Method::OverlapChain, STEPS, 0));
        let reference = 1e9 / STEPS as f64 * shortest(|| plain(&problem, d, STEPS));
        println!(
            "    K = {k:2}, M = {m}, d = {d:7}: {ours:5.0}, plain {reference:6.0}, ratio {:.1}",
            reference / ours
        );
    }
    println!("16 replicas, K = 4, M = 2, one thread against two:");
    let wrapped = Problem::Committee(problem(4, 2));
    for (method, d, updates) in [(Method::Direct, 1000, 20_000), (Method::OverlapChain, 1000, 200_000)] {
        let seconds = [1, 2]
            .map(|n| (0..3).map(|_| sixteen(&wrapped, d, method, updates, n)).fold(f64::INFINITY, f64::min));
        println!(
            "    {method:?}: {:.2} s, {:.2} s, ratio {:.2}",
            seconds[0],
            seconds[1],
            seconds[0] / seconds[1]
        );
    }
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    chain(&mut criterion);
    criterion.final_summary();
    summary();
}
