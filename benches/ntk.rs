//! The kernel limit at n = 1000 points: kernel, eigendecomposition, predictions, each beside a plain version.
//!
//! ```text
//! cargo bench --bench ntk
//! ```
//! One thread; every number is the shortest of several runs, which a busy machine disturbs least. The floor of the kernel
//! is one angle per pair and layer: 1.5 million of about 20 ns for half of 1000 x 1000 pairs and three layers.

use asymptotica::linalg::{symmetric_eigen, transpose_product};
use asymptotica::problem::ntk::Nonlinearity;
use asymptotica::rng::Stream;
use asymptotica::theory::ntk::{Descent, Network};
use nalgebra::{DMatrix, DVector};
use std::hint::black_box;
use std::time::Instant;

const POINTS: usize = 1000;
const TESTS: usize = 200;
const DIMENSION: usize = 100;

fn shortest<T>(runs: usize, mut work: impl FnMut() -> T) -> (f64, T) {
    let mut best = (f64::INFINITY, None);
    for _ in 0..runs {
        let clock = Instant::now();
        let value = black_box(work());
        best = (best.0.min(clock.elapsed().as_secs_f64()), Some(value));
    }
    (best.0, best.1.expect("at least one run"))
}

/// The recursion written down pair by pair, all of them, with the textbook formula of ReLU.
fn plain(x: &DMatrix<f64>, layers: usize, weight: f64, bias: f64) -> DMatrix<f64> {
    let n = x.ncols();
    DMatrix::from_fn(n, n, |i, j| {
        let field = |a: usize, b: usize| weight * x.column(a).dot(&x.column(b)) / x.nrows() as f64 + bias;
        let (mut p, mut q, mut c) = (field(i, i), field(j, j), field(i, j));
        let mut ntk = c;
        for _ in 0..layers {
            let r = (p * q).sqrt();
            let angle = (c / r).clamp(-1.0, 1.0).acos();
            let rest = std::f64::consts::PI - angle;
            let k = r * (angle.sin() + rest * angle.cos()) / (2.0 * std::f64::consts::PI);
            let k_dot = rest / (2.0 * std::f64::consts::PI);
            (p, q, c) = (weight * p / 2.0 + bias, weight * q / 2.0 + bias, weight * k + bias);
            ntk = c + weight * k_dot * ntk;
        }
        ntk
    })
}

fn main() {
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global().expect("the first pool");
    let mut gaussians = Stream::root(1).child("data").gaussians();
    let mut draw = |n: usize| {
        let mut x = DMatrix::zeros(DIMENSION, n);
        gaussians.fill(x.as_mut_slice());
        x
    };
    let (x, tests) = (draw(POINTS), draw(TESTS));
    let y = DVector::from_fn(POINTS, |i, _| x[(0, i)]);
    let relu = Nonlinearity::LeakyRelu { slope: 0.0 };
    let network = Network { nonlinearity: relu, hidden_layers: 3, weight_std: 1.4, bias_std: 0.1 };
    let (seconds, kernels) = shortest(7, || network.kernels(&x));
    let (by_hand, expected) = shortest(3, || plain(&x, 3, 1.4 * 1.4, 0.01));
    let gap = (&kernels.ntk - &expected).amax() / expected.amax();
    println!(
        "kernel, n = {POINTS}, d = {DIMENSION}, three ReLU layers: {:.1} ms, plain {:.1} ms, ratio {:.1}; they differ by {gap:.1e}",
        1e3 * seconds,
        1e3 * by_hand,
        by_hand / seconds
    );
    let (erf, _) = shortest(3, || Network { nonlinearity: Nonlinearity::Erf, ..network.clone() }.kernels(&x));
    println!("the same with erf: {:.1} ms", 1e3 * erf);
    let (bare, _) = shortest(7, || symmetric_eigen(&kernels.ntk).expect("finite"));
    let (eigen, descent) = shortest(7, || Descent::new(&kernels.ntk, 0.1, &y).expect("finite"));
    println!(
        "eigendecomposition: {:.1} ms, with the projection of the labels {:.1} ms ({})",
        1e3 * bare,
        1e3 * eigen,
        asymptotica::linalg::provider()
    );
    let cross = network.cross_kernels(&tests, &x).ntk;
    let (prepare, prepared) = shortest(3, || descent.tests(&cross));
    let gap = descent.gap(None);
    let (predict, outputs) = shortest(7, || {
        let mut taken = DMatrix::zeros(100, POINTS);
        for time in 0..100 {
            let decay = descent.decay(f64::from(time) * 10.0);
            for ((entry, gap), g) in taken.row_mut(time as usize).iter_mut().zip(gap.iter()).zip(&decay.g) {
                *entry = gap * g;
            }
        }
        transpose_product(&taken.transpose(), &prepared.response.transpose())
    });
    println!(
        "predictions at 100 times for {TESTS} test points: {:.1} ms, after {:.1} ms for T_* V; |f| at the last {:.3}",
        1e3 * predict,
        1e3 * prepare,
        outputs.row(99).norm()
    );
}
