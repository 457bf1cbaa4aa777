//! High-dimensional linear regression: laws beside bare exponentials and arrays, SGD steps beside bare reads.
//!
//! ```text
//! cargo bench --bench regression
//! ```
//! Every number is the shortest of several runs on one thread.

use asymptotica::problem::linear_regression::{LinearRegression, Solver, Student};
use asymptotica::problem::{Method, Problem};
use asymptotica::rng::Stream;
use asymptotica::scenario::{Overrides, Source, resolve};
use asymptotica::simulate::{self, Measure, Risk};
use asymptotica::theory::linear_regression::Law;
use asymptotica::theory::noisy_quadratic::{Faults, Room, tuning};
use std::hint::black_box;
use std::time::Instant;

fn problem(keys: &str) -> Problem {
    let text = format!(
        "title = \"t\"\nsource = \"t\"\n[problem]\n{keys}\n[observe]\ntimes = [1.0]\n[law]\nenabled = false\n[simulation]\nsizes = \
         [1]\nreplicas = 1\nseed = 1\n[[panel]]\ny = \"risk\"\n"
    );
    let source = Source::from_text("t", "t.toml", &text).expect("valid TOML");
    match resolve(&source, &Overrides::default()) {
        Ok(scenario) => scenario.cases[0].problem.clone(),
        Err(report) => panic!("{report}"),
    }
}

/// Shortest of `runs` runs of `work`, in seconds.
fn shortest(runs: usize, mut work: impl FnMut()) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..runs {
        let clock = Instant::now();
        work();
        best = best.min(clock.elapsed().as_secs_f64());
    }
    best
}

/// Train and test error at 200 times for 10 values of a, tolerance 1e-10.
fn errors_in_time() {
    let times: Vec<f64> = (0..200).map(|i| 0.01 * f64::powf(1e4, i as f64 / 199.0)).collect();
    let ratios: Vec<f64> = (1..=10).map(|i| 0.25 * f64::from(i)).collect();
    let law = shortest(9, || {
        for &sample_ratio in &ratios {
            let problem = LinearRegression {
                sample_ratio,
                teacher_std: 2.0,
                noise_std: 1.0,
                init_std: 0.0,
                weight_decay: 0.0,
                learning_rate: None,
                solver: Solver::ExactSpectrum,
                student: Student::Linear,
            };
            black_box(Law::new(&problem, 1e-10).curve(&times).expect("the law"));
        }
    });
    // The same number of times, 192 exponentials each: what a quadrature of the fewest nodes must cost.
    let bare = shortest(9, || {
        let mut sum = 0.0;
        for i in 0..200 * 10 * 192 {
            sum += libm::exp(black_box(-1e-5 * f64::from(i)));
        }
        black_box(sum);
    });
    println!("law A, 200 times x 10 ratios: {:.1} ms; bare exponentials {:.1} ms", 1e3 * law, 1e3 * bare);
}

/// Steps to target: 20 batches, 4 preconditioners, 100 rates over four decades and those below, 10^4 modes.
fn steps_to_target() {
    let mut room = Room::default();
    let clock = Instant::now();
    let mut table = Vec::new();
    let mut searches = 0;
    for p in [0.0, 0.25, 0.5, 0.75] {
        for exponent in 2..22 {
            let keys = format!(
                "kind = \"noisy-quadratic\"\nbatch = {:?}\nlearning_rate = 1.0\npreconditioner = {p:?}",
                f64::powi(2.0, exponent)
            );
            let Problem::NoisyQuadratic(problem) = problem(&keys) else { unreachable!("that kind") };
            let rates = tuning::rates(&problem, 10_000, Faults::default(), 0.01, 100);
            searches += rates.len();
            let best = tuning::best_of(&problem, 10_000, Faults::default(), 0.01, &rates, &mut room);
            table.push((p, exponent, best));
        }
    }
    let seconds = clock.elapsed().as_secs_f64();
    let (a, b, mut c) = (vec![1.0; 10_000], vec![0.5; 10_000], vec![0.0; 10_000]);
    let pass = shortest(99, || {
        for ((c, a), b) in c.iter_mut().zip(&a).zip(&b) {
            *c = a * *c + b;
        }
        black_box(&c);
    });
    println!(
        "steps to target, {searches} searches: {seconds:.2} s; 30 bare passes each {:.2} s",
        searches as f64 * 30.0 * pass
    );
    for (p, exponent, best) in table.iter().filter(|(_, exponent, _)| [8, 16].contains(exponent)) {
        println!("  p = {p}, B = 2^{exponent}: {best:?}");
    }
}

/// One step of SGD at d = 4096: fresh samples beside the Gaussian generator, a data set beside a read of its sample.
fn sgd_step(keys: &str, updates_per_time: usize) -> f64 {
    let d = 4096;
    let problem = problem(&format!(
        "kind = \"streaming-sgd\"\nspectrum = {{ kind = \"isotropic\" }}\nlearning_rate = 0.5\nnoise_std = 0.3\n{keys}"
    ));
    let seconds = |time: f64| {
        let times = [time];
        let measure = Measure { times: &times, observables: &[], risk: Risk::Overlaps };
        shortest(5, || {
            let run = simulate::replica(&problem, d, Method::Direct, &measure, &Stream::root(1), &|| false);
            drop(black_box(run.expect("a replica")));
        })
    };
    (seconds(2.0) - seconds(0.0)) / (2 * updates_per_time) as f64
}

fn sgd() {
    let d = 4096;
    let mut gaussians = Stream::root(1).gaussians();
    let mut x = vec![0.0; d];
    let fill = shortest(999, || {
        gaussians.fill(&mut x);
        black_box(&x);
    });
    let fresh = sgd_step("", d);
    println!(
        "one fresh sample at d = 4096: {:.2} us; its Gaussian numbers alone {:.2} us",
        1e6 * fresh,
        1e6 * fill
    );

    let n = 4096;
    let data = vec![1.0; d * n];
    let mut sum = 0.0;
    let read = shortest(9, || {
        for i in 0..n {
            let row = (i * 1597) % n;
            let mut lanes = [0.0; 8];
            for chunk in data[row * d..(row + 1) * d].chunks_exact(8) {
                (0..8).for_each(|lane| lanes[lane] += chunk[lane]);
            }
            sum += lanes.iter().sum::<f64>();
        }
        black_box(sum);
    }) / n as f64;
    let step = sgd_step("data = { kind = \"finite\", sample_ratio = 1.0 }", n);
    println!(
        "one sample of a data set at d = 4096: {:.2} us; reading it alone {:.2} us",
        1e6 * step,
        1e6 * read
    );
}

fn main() {
    errors_in_time();
    steps_to_target();
    sgd();
}
