//! The law of two-layer teacher-student networks against numbers that this project did not produce, against
//! other evaluations of the same formulas, and against one step of SGD itself.

use asymptotica::problem::Problem;
use asymptotica::problem::activation::Activation;
use asymptotica::problem::committee::{Committee, Init, KIND, Overlaps, Teacher, Trained};
use asymptotica::problem::scaling::OutputScaling;
use asymptotica::theory::{self, LawError, LawOptions};
use asymptotica::trajectory::{Curve, End};
use nalgebra::{DMatrix, DVector};

/// K student units and M teacher units of one kind; T = I, v = v* = 1, only the first layer trained.
fn committee(k: usize, m: usize, activation: Activation, learning_rate: f64, noise_std: f64) -> Committee {
    Committee {
        student_width: k,
        teacher_width: m,
        activation,
        trained: Trained::FirstLayer,
        learning_rate,
        second_layer_rate: learning_rate,
        noise_std,
        weight_decay: 0.0,
        second_layer_decay: 0.0,
        batch: 1,
        output: OutputScaling::Committee,
        teacher: Teacher::Given { t: DMatrix::identity(m, m) },
        teacher_second_layer: DVector::from_element(m, 1.0),
        init: Init::Given {
            q: DMatrix::from_fn(k, k, |i, j| if i == j { 0.25 } else { 0.01 * (0.5 * (i + j) as f64).cos() }),
            r: DMatrix::from_fn(k, m, |i, n| 0.02 * (1.0 + 2.0 * i as f64 + 3.0 * n as f64).cos()),
        },
        student_second_layer: DVector::from_element(k, 1.0),
        second_layer_std: 0.0,
        training_set: None,
    }
}

fn options(tolerance: f64) -> LawOptions {
    LawOptions { tolerance, faults: Vec::new(), measure_error: false }
}

fn errors_at(problem: &Committee, times: &[f64], options: &LawOptions) -> Curve {
    let problem = Problem::Committee(problem.clone());
    theory::integrate(&problem, &problem.limit_start(), times, &["generalisation_error".into()], options)
        .unwrap()
}

const ANCHOR_TIMES: [f64; 8] = [0.0, 1.0, 10.0, 50.0, 100.0, 200.0, 500.0, 1000.0];

#[test]
#[ignore]
fn measure_tolerances() {
    for tol in [1e-8, 1e-9, 1e-10, 1e-11, 1e-12, 1e-13] {
        for (p, a) in anchors() {
            let curve = errors_at(&p, &ANCHOR_TIMES, &options(tol));
            let worst = curve.values[0]
                .iter()
                .zip(a)
                .map(|(x, a)| (x / a - 1.0).abs())
                .enumerate()
                .fold(0.0, |w: f64, (i, e)| if a[i] > 1e-6 { w.max(e) } else { w });
            let abs = (curve.values[0][7] - a[7]).abs();
            println!("{tol:e} K={} worst {worst:.2e} last {abs:.2e} {:?}", p.student_width, curve.work);
        }
    }
    for t in [1e4, 1e5] {
        let p = committee(4, 2, Activation::Erf, 0.5, 0.01);
        println!("{:?}", errors_at(&p, &[t], &options(1e-11)).work);
    }
}

fn anchors() -> [(Committee, [f64; 8]); 2] {
    [
        (
            committee(2, 2, Activation::Erf, 0.5, 0.0),
            [
                4.6714418859e-1,
                2.3169835532e-1,
                1.5954216275e-2,
                1.4610692172e-2,
                1.0984942722e-2,
                3.5949366458e-4,
                6.4465354637e-10,
                f64::NAN,
            ],
        ),
        (
            committee(4, 2, Activation::Erf, 0.5, 0.01),
            [
                5.9217854619e-1,
                2.3935990631e-1,
                3.0011752386e-2,
                2.9535771667e-2,
                2.8638464733e-2,
                1.8017933904e-2,
                3.8615237293e-4,
                4.2897549885e-5,
            ],
        ),
    ]
}
