//! The overlap chain of a single-index model, one student and one planted direction, beside a plain loop over the same
//! recursion, and direct simulation beside it.
//!
//! ```text
//! cargo bench --bench single_index
//! ```
//! Each time is the shortest of thirty runs, which a busy machine disturbs least. Target of the chain: 200 ns per step.

use asymptotica::problem::single_index::{
    Algorithm, Init, Inputs, Link, Planted, Polynomial, Schedule, SingleIndex,
};
use asymptotica::problem::{Method, Problem};
use asymptotica::rng::Stream;
use asymptotica::simulate::{self, Measure, Risk};
use criterion::{Criterion, Throughput};
use rand_distr::{ChiSquared, Distribution, StandardNormal};
use std::hint::black_box;
use std::time::Instant;

const STEPS: usize = 20_000;

fn problem(link: Link) -> SingleIndex {
    SingleIndex {
        student: link.clone(),
        link,
        directions: 1,
        learning_rate: 0.05,
        rate_exponent: 0.0,
        schedule: Schedule::Constant,
        noise_variance: 0.1,
        init: Init::Given { m: vec![0.3] },
        inputs: Inputs::Gaussian,
        planted: Planted::Random,
        algorithm: Algorithm::Sgd,
        weak_overlap: 0.5,
        strong_overlap: 0.9,
    }
}

/// Seconds of the updates of one replica.
fn replica(problem: &Problem, d: usize, method: Method, updates: usize) -> f64 {
    let times = [updates as f64 / d as f64];
    let measure = Measure { times: &times, observables: &[], risk: Risk::Overlaps };
    let replica = simulate::replica(problem, d, method, &measure, &Stream::root(1), &|| false);
    replica.expect("a valid problem").curve.work.seconds
}

/// The same recursion on the overlap, with the generators of rand_distr in every step.
fn plain(problem: &SingleIndex, d: usize, steps: usize) -> f64 {
    let mut rng = Stream::root(1).generator();
    let rest = ChiSquared::new((d - 2) as f64).expect("more than two dimensions");
    let mut m = 0.3_f64;
    let clock = Instant::now();
    for _ in 0..steps {
        let h: f64 = StandardNormal.sample(&mut rng);
        let t: f64 = StandardNormal.sample(&mut rng);
        let zeta: f64 = StandardNormal.sample(&mut rng);
        let s = (1.0 - m * m).sqrt();
        let label = problem.link.value(m * h + s * t) + problem.noise_variance.sqrt() * zeta;
        let gradient = (label - problem.student.value(h)) * problem.student.derivative(h);
        let alpha = problem.learning_rate / d as f64 * gradient;
        let length = (1.0 + alpha * alpha * (t * t + rest.sample(&mut rng))).sqrt();
        m = (m + alpha * t * s) / length;
    }
    black_box(m);
    clock.elapsed().as_secs_f64()
}

fn links() -> [(&'static str, Link); 3] {
    let second = Polynomial::from_hermite(&[0.0, 0.0, 1.0]);
    [("h_2", Link::polynomial(second)), ("ReLU", Link::Relu), ("erf", Link::Erf)]
}

fn chain(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("single-index chain");
    group.throughput(Throughput::Elements(STEPS as u64));
    for (name, link) in links() {
        let problem = problem(link);
        let wrapped = Problem::SingleIndex(problem.clone());
        group.bench_function(format!("chain, {name}"), |b| {
            b.iter(|| replica(&wrapped, 10_000, Method::OverlapChain, STEPS))
        });
        group.bench_function(format!("plain, {name}"), |b| b.iter(|| plain(&problem, 10_000, STEPS)));
    }
}

fn shortest(mut run: impl FnMut() -> f64) -> f64 {
    (0..30).map(|_| run()).fold(f64::INFINITY, f64::min)
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    chain(&mut criterion);
    criterion.final_summary();
    println!("Single-index model, ns per step:");
    for (name, link) in links() {
        let problem = problem(link);
        let wrapped = Problem::SingleIndex(problem.clone());
        let scale = 1e9 / STEPS as f64;
        for d in [100, 10_000, 1_000_000] {
            let ours = scale * shortest(|| replica(&wrapped, d, Method::OverlapChain, STEPS));
            let reference = scale * shortest(|| plain(&problem, d, STEPS));
            println!(
                "    chain, {name:4}, d = {d:7}: {ours:5.1}, plain {reference:5.1}, ratio {:.1}",
                reference / ours
            );
        }
        let direct = 1e9 / 500.0 * shortest(|| replica(&wrapped, 1000, Method::Direct, 500));
        println!("    direct, {name:4}, d = 1000: {direct:.0}");
    }
}
