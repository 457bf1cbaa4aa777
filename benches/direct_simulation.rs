//! The Gaussian generator and direct SGD, each beside a plain version of the same.
//!
//! ```text
//! cargo bench --bench direct_simulation
//! ```
//! Criterion reports times per call; the summary at the end gives the shortest of many short runs, per number
//! and per step and input coordinate, which a busy machine disturbs least.

use asymptotica::problem::activation::Activation;
use asymptotica::problem::committee::{Committee, Init, Teacher, Trained};
use asymptotica::problem::scaling::OutputScaling;
use asymptotica::problem::{Method, Problem};
use asymptotica::rng::{Gaussians, Simd, Stream};
use asymptotica::simulate::{self, Measure, Risk};
use criterion::{Criterion, Throughput};
use nalgebra::{DMatrix, DVector};
use rand_distr::{Distribution, StandardNormal};
use rand_xoshiro::Xoshiro256PlusPlus;
use std::hint::black_box;
use std::time::Instant;

const NUMBERS: usize = 1 << 14;

/// K of the first one is the case that public programs were timed on.
const CASES: [(usize, usize); 4] = [(1000, 4), (10_000, 4), (1000, 23), (1000, 100)];
const TEACHER_WIDTH: usize = 2;

fn problem(student_width: usize) -> Committee {
    Committee {
        student_width,
        teacher_width: TEACHER_WIDTH,
        activation: Activation::Erf,
        trained: Trained::FirstLayer,
        learning_rate: 0.5 / student_width as f64,
        second_layer_rate: 0.5,
        noise_std: 0.1,
        weight_decay: 0.0,
        second_layer_decay: 0.0,
        batch: 1,
        output: OutputScaling::Committee,
        teacher: Teacher::Random { std: 1.0 },
        teacher_second_layer: DVector::from_element(TEACHER_WIDTH, 1.0),
        init: Init::Random { std: 0.5 },
        student_second_layer: DVector::from_element(student_width, 1.0),
        second_layer_std: 0.0,
        training_set: None,
    }
}

/// Updates of about two milliseconds.
fn updates(d: usize, student_width: usize) -> usize {
    8_000_000 / (d * (student_width + TEACHER_WIDTH))
}

/// Seconds of the updates of one replica.
fn direct(problem: &Problem, d: usize, updates: usize) -> f64 {
    let times = [0.0, updates as f64 / d as f64];
    let measure = Measure { times: &times[1..], observables: &[], risk: Risk::Overlaps };
    simulate::replica(problem, d, Method::Direct, &measure, &Stream::root(1), &|| false)
        .expect("a valid problem")
        .curve
        .work
        .seconds
}

/// The same loop with the ziggurat of rand_distr and matrices of nalgebra, one hidden unit per column.
/// Seconds of the updates.
fn plain(problem: &Committee, d: usize, updates: usize) -> f64 {
    let mut rng: Xoshiro256PlusPlus = Stream::root(1).generator();
    let mut normal = || -> f64 { StandardNormal.sample(&mut rng) };
    let g = problem.activation;
    let mut w = DMatrix::from_fn(d, problem.student_width, |_, _| 0.5 * normal());
    let w_star = DMatrix::from_fn(d, problem.teacher_width, |_, _| normal());
    let scale = 1.0 / (d as f64).sqrt();
    let clock = Instant::now();
    for _ in 0..updates {
        let x = DVector::from_fn(d, |_, _| normal());
        let fields = w.tr_mul(&x) * scale;
        let teacher_fields = w_star.tr_mul(&x) * scale;
        let label: f64 =
            teacher_fields.iter().map(|&f| g.value(f)).sum::<f64>() + problem.noise_std * normal();
        let error = label - fields.iter().map(|&f| g.value(f)).sum::<f64>();
        let c = fields.map(|f| problem.learning_rate * scale * g.derivative(f) * error);
        w.ger(1.0, &x, &c, 1.0);
    }
    black_box(&w);
    clock.elapsed().as_secs_f64()
}

fn ziggurat(out: &mut [f64], rng: &mut Xoshiro256PlusPlus) {
    for x in out {
        *x = StandardNormal.sample(rng);
    }
}

fn gaussians(criterion: &mut Criterion) {
    let mut out = vec![0.0; NUMBERS];
    let mut group = criterion.benchmark_group("gaussians");
    group.throughput(Throughput::Elements(NUMBERS as u64));
    for simd in Simd::available() {
        let mut generator = Gaussians::with_simd(&Stream::root(1), simd);
        group.bench_function(simd.name(), |b| b.iter(|| generator.fill(black_box(&mut out))));
    }
    let mut rng = Stream::root(1).generator();
    group.bench_function("rand_distr", |b| b.iter(|| ziggurat(black_box(&mut out), &mut rng)));
}

fn sgd(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sgd");
    for (d, k) in CASES {
        let problem = problem(k);
        let wrapped = Problem::Committee(problem.clone());
        let steps = updates(d, k);
        group.throughput(Throughput::Elements((steps * d) as u64));
        group.bench_function(format!("direct, d = {d}, K = {k}"), |b| b.iter(|| direct(&wrapped, d, steps)));
        group.bench_function(format!("plain, d = {d}, K = {k}"), |b| b.iter(|| plain(&problem, d, steps)));
    }
}

fn shortest(mut run: impl FnMut() -> f64) -> f64 {
    (0..100).map(|_| run()).fold(f64::INFINITY, f64::min)
}

fn summary() {
    let mut out = vec![0.0; NUMBERS];
    let per_number = |seconds: f64| seconds * 1e9 / NUMBERS as f64;
    let mut rng = Stream::root(1).generator();
    let reference = per_number(shortest(|| {
        let clock = Instant::now();
        ziggurat(black_box(&mut out), &mut rng);
        clock.elapsed().as_secs_f64()
    }));
    println!("Gaussian numbers, ns each:    rand_distr {reference:.2}");
    for simd in Simd::available() {
        let mut generator = Gaussians::with_simd(&Stream::root(1), simd);
        let ns = per_number(shortest(|| {
            let clock = Instant::now();
            generator.fill(black_box(&mut out));
            clock.elapsed().as_secs_f64()
        }));
        println!("    {:10} {ns:.2}, ratio {:.1}", simd.name(), reference / ns);
    }
    println!("SGD, M = {TEACHER_WIDTH}, ns per step and input coordinate:");
    for (d, k) in CASES {
        let problem = problem(k);
        let wrapped = Problem::Committee(problem.clone());
        let steps = updates(d, k);
        let scale = 1e9 / (steps * d) as f64;
        // The time of a replica includes its start; a run without updates is taken off.
        let idle = shortest(|| direct(&wrapped, d, 0));
        let ours = scale * (shortest(|| direct(&wrapped, d, steps)) - idle);
        let reference = scale * shortest(|| plain(&problem, d, steps));
        println!("    d = {d:5}, K = {k:3}: {ours:.2}, plain {reference:.2}, ratio {:.1}", reference / ours);
    }
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    gaussians(&mut criterion);
    sgd(&mut criterion);
    criterion.final_summary();
    summary();
}
