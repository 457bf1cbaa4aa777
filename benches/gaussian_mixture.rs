//! The law of multi-pass SGD on a Gaussian mixture beside the same sweep with one plain product after the other.
//!
//! ```text
//! cargo bench --bench gaussian_mixture
//! ```
//! Everything runs on one thread. The summary gives the shortest of several runs, the error where the exact value is
//! known, and the time of a plain sweep in the same run: the same basis, every field and inner product by a loop of
//! its own, without moment matching.

use asymptotica::problem::gaussian_mixture::{Batch, Data, Dynamics, GaussianMixture, Loss, Route};
use asymptotica::rng::Stream;
use asymptotica::theory::gaussian_mixture::{Faults, Plan, Snapshot, Spectrum, sweep};
use criterion::Criterion;
use std::hint::black_box;
use std::time::Instant;

fn logistic(batch: Batch) -> GaussianMixture {
    GaussianMixture {
        data: Data::TwoClusters,
        sample_ratio: 2.0,
        cluster_variance: 0.5,
        loss: Loss::Logistic,
        ridge: 0.0,
        learning_rate: 0.2,
        normalisation: 1.0,
        initial_variance: 0.01,
        initial_overlap: 0.0,
        batch,
        momentum: 0.0,
        temperature: 0.0,
        dynamics: Dynamics::Steps,
        correlation_times: Vec::new(),
        fork_time: None,
        response: false,
        route: Route::Spectrum,
    }
}

/// The default problem of the public program for this family.
fn teacher() -> GaussianMixture {
    GaussianMixture {
        data: Data::LinearTeacher { noise_std: 0.0 },
        sample_ratio: 3.0,
        cluster_variance: 1.0,
        loss: Loss::Square,
        ridge: 0.5,
        learning_rate: 0.1,
        initial_variance: 1.0,
        initial_overlap: 0.2,
        ..logistic(Batch::Full)
    }
}

fn law(problem: &GaussianMixture, population: usize, updates: usize) -> Snapshot {
    let plan = Plan {
        population,
        moment_matching: true,
        tolerance: 1e-8,
        updates: vec![updates],
        onsets: Vec::new(),
        fork: None,
        faults: Faults::default(),
    };
    let (mut snapshots, stop) = sweep(problem, problem.start(), &plan, &Stream::root(1));
    assert!(stop.is_none(), "{stop:?}");
    snapshots.pop().expect("the snapshot at the end")
}

/// The sweep as one writes it down first: m after some updates.
fn plain(problem: &GaussianMixture, population: usize, updates: usize) -> f64 {
    let stream = Stream::root(2);
    let (mut normals, mut random) = (stream.gaussians(), stream.generator());
    let p = population as f64;
    let mut draw = || {
        let mut x = vec![0.0; population];
        normals.fill(&mut x);
        x
    };
    let mean = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>() / p;
    let (alpha, eta, delta) = (problem.sample_ratio, problem.learning_rate, problem.cluster_variance.sqrt());
    let teaches = matches!(problem.data, Data::LinearTeacher { .. });
    let zeta = draw();
    let c = |i: usize| if teaches { 0.0 } else { 1.0 - 2.0 * (i % 2) as f64 };
    let y: Vec<f64> = (0..population).map(|i| if teaches { zeta[i] } else { c(i) }).collect();
    let input: Vec<f64> = (0..population).map(|i| c(i) + delta * zeta[i]).collect();
    let (mut q, mut phi): (Vec<Vec<f64>>, Vec<Vec<f64>>) = (Vec::new(), Vec::new());
    let e = draw();
    let (mut a, mut coefficients, mut m) =
        (problem.initial_variance.sqrt(), Vec::<f64>::new(), problem.initial_overlap);
    for _ in 0..updates {
        let mut h: Vec<f64> = e.iter().map(|e| a * e).collect();
        for (phi, &c) in phi.iter().zip(&coefficients) {
            h.iter_mut().zip(phi).for_each(|(h, phi)| *h += c * phi);
        }
        let share = problem.batch.fraction();
        let mut g: Vec<f64> = Vec::with_capacity(population);
        for i in 0..population {
            let s = rand::RngExt::random::<f64>(&mut random) < share;
            g.push(f64::from(s) * problem.loss_slope(y[i], input[i] * m + delta * h[i]));
        }
        let along: Vec<f64> = phi.iter().map(|phi| mean(&g, phi)).collect();
        let mut rest = g.clone();
        for _ in 0..2 {
            for q in &q {
                let part = mean(&rest, q);
                rest.iter_mut().zip(q).for_each(|(r, q)| *r -= part * q);
            }
        }
        let keep = 1.0 - eta * problem.ridge;
        let decay = mean(&g, &e);
        m = keep * m - eta * alpha * mean(&g, &input);
        coefficients.iter_mut().zip(&along).for_each(|(c, along)| *c = keep * *c - eta * delta * along);
        a = keep * a - eta * delta * alpha * decay;
        let length = mean(&rest, &rest).sqrt();
        if length > 1e-8 * mean(&g, &g).sqrt() {
            rest.iter_mut().for_each(|r| *r /= length);
            let fresh = draw();
            phi.push(fresh.iter().zip(&rest).map(|(e, q)| alpha.sqrt() * e + q).collect());
            q.push(rest);
            coefficients.push(-eta * delta * length);
        }
    }
    m
}

/// Seconds that this thread has been on a processor; `None` where the system does not say.
fn processor_seconds() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(1e-9 * text.split_whitespace().next()?.parse::<f64>().ok()?)
}

/// Seconds of a run, the shortest of some: processor time where the system tells it, which a busy machine disturbs
/// little. Runs are repeated to a twentieth of a second at least, since the system counts in ticks.
fn shortest<T>(mut run: impl FnMut() -> T) -> f64 {
    let mut timed = |repetitions: u32| {
        let (clock, before) = (Instant::now(), processor_seconds());
        (0..repetitions).for_each(|_| drop(black_box(run())));
        let wall = clock.elapsed().as_secs_f64();
        let spent = before.zip(processor_seconds()).map_or(wall, |(before, after)| after - before);
        (spent / f64::from(repetitions), wall)
    };
    let clock = Instant::now();
    let (_, wall) = timed(1);
    let repetitions = (0.05 / wall).ceil() as u32;
    let mut best = timed(repetitions).0;
    while clock.elapsed().as_secs_f64() < 3.0 {
        best = timed(repetitions).0.min(best);
    }
    best
}

fn criterion_groups(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("gaussian mixture");
    group.sample_size(10);
    group.bench_function("linear teacher, P = 1000, T = 50", |b| b.iter(|| law(&teacher(), 1000, 50)));
    group.bench_function("logistic, full batch, P = 10^4, T = 50", |b| {
        b.iter(|| law(&logistic(Batch::Full), 10_000, 50))
    });
}

fn summary() {
    println!("One thread, one population");
    let exact = Spectrum::new(&teacher(), teacher().start()).overlap(50.0);
    let time = shortest(|| law(&teacher(), 1000, 50));
    let error = law(&teacher(), 1000, 50).first.m - exact;
    let of_plain = shortest(|| plain(&teacher(), 1000, 50));
    let plain_error = plain(&teacher(), 1000, 50) - exact;
    println!(
        "    linear teacher, square loss, P = 1000, T = 50: {:.2} ms, error of m {error:.0e}; plain {:.2} ms, error {plain_error:.0e}, ratio {:.1}",
        1e3 * time,
        1e3 * of_plain,
        of_plain / time
    );
    for (name, batch) in [("full batch", Batch::Full), ("iid, b = 0.3", Batch::Iid { fraction: 0.3 })] {
        let problem = logistic(batch);
        let time = shortest(|| law(&problem, 10_000, 400));
        let smaller = shortest(|| law(&problem, 8_000, 400)) / 0.8;
        let of_plain = shortest(|| plain(&problem, 10_000, 400));
        println!(
            "    logistic, {name}, P = 10^4, T = 400: {time:.2} s; per sample at P = 8000 {:.2} of that; plain, unmatched {of_plain:.2} s, ratio {:.1}",
            smaller / time,
            of_plain / time
        );
    }
}

fn main() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("one thread");
    pool.install(|| {
        let mut criterion = Criterion::default().configure_from_args();
        criterion_groups(&mut criterion);
        criterion.final_summary();
        summary();
    });
}
