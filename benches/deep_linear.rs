//! Gradient descent on a deep linear network beside bare products of the same shapes, and the law of many modes.
//!
//! ```text
//! cargo bench --bench deep_linear
//! ```
//! Every number is the shortest of many short runs, which a busy machine disturbs least.

use asymptotica::linalg::{Read, multiply};
use asymptotica::problem::Method;
use asymptotica::problem::Problem;
use asymptotica::rng::Stream;
use asymptotica::scenario::{Overrides, Source, resolve};
use asymptotica::simulate::{self, Measure, Risk};
use asymptotica::theory::{self, LawOptions};
use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, Par};
use nalgebra::DMatrix;
use std::hint::black_box;
use std::time::Instant;

fn problem(keys: &str) -> Problem {
    let text = format!(
        "title = \"t\"\nsource = \"t\"\n[problem]\nkind = \"deep-linear\"\n{keys}\n[observe]\ntimes = [1.0]\n[law]\nenabled = \
         false\n[simulation]\nsizes = [1]\nreplicas = 1\nseed = 1\n[[panel]]\ny = \"loss\"\n"
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

/// Flops of one update of L square layers of width n on white inputs: L - 1 products forward, L - 1 for the errors
/// below, L - 1 for the weights above the first.
fn update_flops(layers: usize, n: usize) -> f64 {
    (3 * (layers - 1)) as f64 * 2.0 * (n as f64).powi(3)
}

fn simulation(layers: usize, n: usize) {
    let problem = problem(&format!(
        "weight_layers = {layers}\ninput_width = {n}\nhidden_width = {n}\noutput_width = {n}\ntarget = {{ kind = \"power-law\", modes = \
         {n}, exponent = 0.5 }}\ninit = {{ kind = \"orthogonal\", gain = 0.9 }}"
    ));
    let updates = (4e8 / update_flops(layers, n)).ceil() as usize;
    let size = 1000;
    let times = [0.0, updates as f64 / size as f64];
    let run = |end: usize| {
        let measure = Measure { times: &times[..end], observables: &[], risk: Risk::Overlaps };
        simulate::replica(&problem, size, Method::Direct, &measure, &Stream::root(1), &|| false)
            .expect("a replica")
    };
    let start = shortest(5, || drop(black_box(run(1))));
    let whole = shortest(9, || drop(black_box(run(2))));
    let per_update = (whole - start) / updates as f64;

    // The same number of products of the same shape, by faer alone.
    let (a, b) =
        (Mat::from_fn(n, n, |i, j| (i + 2 * j) as f64), Mat::from_fn(n, n, |i, j| (3 * i + j) as f64));
    let mut c = Mat::<f64>::zeros(n, n);
    let products = 3 * (layers - 1) * updates;
    let bare = shortest(9, || {
        for _ in 0..products {
            matmul(c.as_mut(), Accum::Replace, a.as_ref(), b.as_ref(), 1.0, Par::Seq);
        }
        black_box(&c);
    });
    // And through the facade, transposed and accumulated as an update needs them.
    let (x, y) = (DMatrix::from_element(n, n, 1e-3), DMatrix::from_element(n, n, 1e-3));
    let mut z = DMatrix::zeros(n, n);
    let mixed = shortest(9, || {
        for _ in 0..products / 3 {
            multiply(&mut z, false, 1.0, (&x, Read::Plain), (&y, Read::Plain));
            multiply(&mut z, false, 1.0, (&x, Read::Transposed), (&y, Read::Plain));
            multiply(&mut z, true, 1e-3, (&x, Read::Plain), (&y, Read::Transposed));
        }
        black_box(&z);
    });
    let total = update_flops(layers, n) * updates as f64;
    println!(
        "L = {layers}, width {n}: update {:.1} us = {:.2} Gflop/s; bare faer products {:.2} Gflop/s; the same products \
         transposed and accumulated {:.2} Gflop/s; simulation at {:.0} % of bare",
        1e6 * per_update,
        update_flops(layers, n) / per_update / 1e9,
        total / bare / 1e9,
        total / mixed / 1e9,
        100.0 * bare / (whole - start)
    );
}

fn law(layers: usize) {
    let problem = problem(&format!(
        "weight_layers = {layers}\ninput_width = 100\nhidden_width = 100\noutput_width = 100\ntarget = {{ kind = \"power-law\", modes \
         = 100, exponent = 0.5, scale = 3.0 }}\ninit = {{ kind = \"aligned\", u0 = 1e-3 }}"
    ));
    let names: Vec<String> = (1..=100).map(|i| format!("u[{i}]")).collect();
    let times: Vec<f64> = (1..=1000).map(|k| 0.02 * k as f64).collect();
    let options = LawOptions { tolerance: 1e-10, faults: Vec::new(), measure_error: false };
    let start = problem.limit_start();
    let seconds = shortest(20, || {
        black_box(theory::integrate(&problem, &start, &times, &names, &options).expect("a law"));
    });
    println!("law of 100 modes at 1000 times, L = {layers}: {:.2} ms", 1e3 * seconds);
}

fn main() {
    for (layers, n) in [(3, 64), (3, 32), (3, 128), (10, 64)] {
        simulation(layers, n);
    }
    for layers in [2, 3, 5, 10] {
        law(layers);
    }
}
