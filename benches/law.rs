//! The law of two-layer networks beside forward Euler steps with one average after the other.
//!
//! ```text
//! cargo bench --bench law
//! ```
//! Criterion reports times per call; the summary at the end gives the shortest of several runs, which a busy
//! machine disturbs least, the error that each of the two makes, and what a ReLU right-hand side costs in erf
//! right-hand sides, the integrator's own work included in both.

use asymptotica::problem::activation::Activation;
use asymptotica::problem::committee::{Committee, Init, Overlaps, Teacher, Trained};
use asymptotica::problem::scaling::OutputScaling;
use asymptotica::problem::{Problem, Start};
use asymptotica::theory::committee::averages::Averages;
use asymptotica::theory::{LawOptions, at_size, integrate};
use asymptotica::trajectory::Curve;
use criterion::Criterion;
use nalgebra::{DMatrix, DVector};
use std::hint::black_box;
use std::time::Instant;

const END: f64 = 1000.0;
const TOLERANCE: f64 = 1e-8;

/// Step of the reference; a public program for this law takes the same.
const STEP: f64 = 0.01;

/// K, M and eta. The first one is the case that public programs were timed on.
const CASES: [(usize, usize, f64); 2] = [(4, 2, 0.5), (16, 16, 0.1)];

/// K of the students of a teacher with M = 2 on which ReLU is compared with erf.
const RELU_WIDTHS: [usize; 2] = [4, 5];

/// A start without random numbers.
fn problem(k: usize, m: usize, learning_rate: f64, activation: Activation) -> Committee {
    Committee {
        student_width: k,
        teacher_width: m,
        activation,
        trained: Trained::FirstLayer,
        learning_rate,
        second_layer_rate: learning_rate,
        noise_std: 0.01,
        weight_decay: 0.0,
        second_layer_decay: 0.0,
        batch: 1,
        output: OutputScaling::Committee,
        teacher: Teacher::Given { t: DMatrix::identity(m, m) },
        teacher_second_layer: DVector::from_element(m, 1.0),
        init: Init::Given {
            q: DMatrix::from_fn(k, k, |i, j| if i == j { 0.25 } else { 0.01 * (0.5 * (i + j) as f64).cos() }),
            r: DMatrix::from_fn(k, m, |i, n| 0.02 * (1.0 + (2 * i + 3 * n) as f64).cos()),
        },
        student_second_layer: DVector::from_element(k, 1.0),
        second_layer_std: 0.0,
        training_set: None,
    }
}

/// The law up to `end`.
fn law(problem: &Committee, end: f64, tolerance: f64) -> Curve {
    let start = Start::Committee(problem.limit_start());
    let options = LawOptions { tolerance, faults: Vec::new(), measure_error: false };
    let names = ["generalisation_error".to_string()];
    integrate(&Problem::Committee(problem.clone()), &start, &[end], &names, &options)
        .expect("the law covers the problem")
}

/// The generalisation error at `end`.
fn final_error(curve: &Curve) -> f64 {
    curve.values[0][0]
}

/// The same law by forward Euler steps, as one writes it down first: committee of unit second layers, T = I.
/// The generalisation error after `steps` steps.
fn plain(problem: &Committee, steps: usize) -> f64 {
    let averages = Averages::new(problem.activation);
    let Overlaps { q, r, .. } = &problem.limit_start();
    let (k, m) = r.shape();
    let n = k + m;
    let s = DVector::from_fn(n, |c, _| if c < k { -1.0 } else { 1.0 });
    let (eta, noise) = (problem.learning_rate, problem.noise_std.powi(2));
    let mut c = DMatrix::identity(n, n);
    c.view_mut((0, 0), (k, k)).copy_from(q);
    c.view_mut((0, k), (k, m)).copy_from(r);
    c.view_mut((k, 0), (m, k)).copy_from(&r.transpose());
    let value = |average: Result<f64, _>| average.expect("erf and ReLU averages of a covariance");
    for _ in 0..steps {
        let i3 = DMatrix::from_fn(k, n, |i, b| {
            (0..n).map(|e| s[e] * value(averages.i3(&c, i, b, e))).sum::<f64>()
        });
        let mut next = c.clone();
        for i in 0..k {
            for b in i..n {
                let change = if b < k {
                    let mut fourth = noise * value(averages.j2(&c, i, b));
                    for e in 0..n {
                        for f in 0..=e {
                            let times = if e == f { 1.0 } else { 2.0 };
                            fourth += times * s[e] * s[f] * value(averages.i4(&c, i, b, e, f));
                        }
                    }
                    eta * (i3[(i, b)] + i3[(b, i)]) + eta * eta * fourth
                } else {
                    eta * i3[(i, b)]
                };
                next[(i, b)] += STEP * change;
                next[(b, i)] = next[(i, b)];
            }
        }
        c = next;
    }
    let pairs = (0..n).flat_map(|a| (0..n).map(move |b| (a, b)));
    0.5 * pairs.map(|(a, b)| s[a] * s[b] * value(averages.i2(&c, a, b))).sum::<f64>()
}

fn criterion_groups(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("law");
    group.sample_size(10);
    for (k, m, eta) in CASES {
        let problem = problem(k, m, eta, Activation::Erf);
        group.bench_function(format!("law to t = {END}, K = {k}, M = {m}"), |b| {
            b.iter(|| law(&problem, END, TOLERANCE))
        });
        group
            .bench_function(format!("ten plain steps, K = {k}, M = {m}"), |b| b.iter(|| plain(&problem, 10)));
    }
    for k in RELU_WIDTHS {
        for activation in [Activation::Erf, Activation::Relu] {
            let problem = problem(k, 2, 0.1, activation);
            group.bench_function(format!("{} to t = 20, K = {k}, M = 2", activation.name()), |b| {
                b.iter(|| law(&problem, 20.0, TOLERANCE))
            });
        }
    }
}

/// Shortest of some seconds of runs.
fn shortest(mut run: impl FnMut() -> f64) -> f64 {
    let clock = Instant::now();
    let mut best = run();
    while clock.elapsed().as_secs_f64() < 3.0 {
        best = run().min(best);
    }
    best
}

fn seconds<T>(run: impl FnOnce() -> T) -> f64 {
    let clock = Instant::now();
    black_box(run());
    clock.elapsed().as_secs_f64()
}

/// Seconds for each evaluation of a right-hand side, integrator included.
fn per_call(problem: &Committee) -> f64 {
    shortest(|| {
        let work = law(problem, 20.0, TOLERANCE).work;
        work.seconds / work.rhs_calls as f64
    })
}

fn summary() {
    println!("Law to t = {END}, tolerance {TOLERANCE:e}, one thread; plain: Euler steps of {STEP}");
    for (k, m, eta) in CASES {
        let problem = problem(k, m, eta, Activation::Erf);
        let ours = shortest(|| seconds(|| law(&problem, END, TOLERANCE)));
        let curve = law(&problem, END, TOLERANCE);
        let best = final_error(&law(&problem, END, 1e-12));
        let relative = |value: f64| (value / best - 1.0).abs();
        let steps = (END / STEP).round();
        let each = shortest(|| seconds(|| plain(&problem, 10))) / 10.0;
        println!(
            "    K = {k:2}, M = {m:2}: {:.2} ms, {} right-hand sides, relative error {:.0e}; plain {:.0} ms, ratio {:.0}",
            1e3 * ours,
            curve.work.rhs_calls,
            relative(final_error(&curve)),
            1e3 * steps * each,
            steps * each / ours
        );
        // A plain run of the wide network takes minutes.
        if k * m < 100 {
            println!(
                "        relative error of the plain one {:.0e}",
                relative(plain(&problem, steps as usize))
            );
        }
    }
    println!("Law at finite size, tolerance {TOLERANCE:e}: limit, spread and bias of all overlaps");
    for (k, end) in [(2, 100.0), (4, 50.0)] {
        let case = Problem::Committee(problem(k, 2, 0.5, Activation::Erf));
        let ours = shortest(|| {
            seconds(|| {
                let options = LawOptions { tolerance: TOLERANCE, faults: vec![], measure_error: false };
                let names = ["generalisation_error".to_string()];
                at_size(&case, 1_000_000, &[end], &names, &options).expect("a law at this size")
            })
        });
        println!("    K = {k}, M = 2, to t = {end}: {:.0} ms", 1e3 * ours);
    }
    println!("Microseconds for each right-hand side, M = 2:");
    for k in RELU_WIDTHS {
        let erf = per_call(&problem(k, 2, 0.1, Activation::Erf));
        let problem = problem(k, 2, 0.1, Activation::Relu);
        let relu = per_call(&problem);
        let plain = shortest(|| seconds(|| plain(&problem, 10))) / 10.0;
        println!(
            "    K = {k}: erf {:.2}, ReLU {:.1}, ratio {:.1}; ReLU average by average {:.0}, ratio to ours {:.1}",
            1e6 * erf,
            1e6 * relu,
            relu / erf,
            1e6 * plain,
            plain / relu
        );
    }
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    criterion_groups(&mut criterion);
    criterion.final_summary();
    summary();
}
