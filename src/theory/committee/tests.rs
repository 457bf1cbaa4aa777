//! Right-hand sides against each other, on states that no symmetry favours.

use super::averages::Averages;
use super::general::General;
use super::reduced::Reduced;
use super::*;
use crate::problem::committee::{Init, Teacher};
use crate::problem::scaling::OutputScaling;
use crate::theory::Law;
use nalgebra::{DMatrix, DVector};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

pub(super) fn problem(k: usize, m: usize, activation: Activation) -> Committee {
    Committee {
        student_width: k,
        teacher_width: m,
        activation,
        trained: Trained::BothLayers,
        learning_rate: 0.83,
        second_layer_rate: 0.37,
        noise_std: 0.31,
        weight_decay: 0.071,
        second_layer_decay: 0.043,
        batch: 3,
        output: OutputScaling::Committee,
        teacher: Teacher::Given { t: DMatrix::identity(m, m) },
        teacher_second_layer: DVector::from_fn(m, |i, _| 0.7 + 0.45 * i as f64),
        init: Init::Random { std: 1.0 },
        student_second_layer: DVector::from_fn(k, |i, _| 1.3 - 0.4 * i as f64),
        second_layer_std: 0.0,
        training_set: None,
    }
}

/// Overlaps of random vectors in a space hardly larger than their number, so that some are nearly dependent.
pub(super) fn overlaps(problem: &Committee, rng: &mut StdRng) -> Overlaps {
    let (k, m) = (problem.student_width, problem.teacher_width);
    let scale = 10f64.powf(rng.random_range(-1.0..0.6));
    let vectors = DMatrix::from_fn(k + m, k + m + 1, |_, _| scale * rng.random_range(-1.0..1.0));
    let c = &vectors * vectors.transpose();
    Overlaps {
        q: c.view((0, 0), (k, k)).into_owned(),
        r: c.view((0, k), (k, m)).into_owned(),
        t: c.view((k, k), (m, m)).into_owned(),
        v: problem.student_second_layer.clone(),
        v_star: problem.teacher_second_layer.clone(),
    }
}

fn derivative(law: &mut impl Law) -> Vec<f64> {
    let y = law.start();
    let mut dy = vec![f64::NAN; y.len()];
    law.rhs(0.0, &y, &mut dy).unwrap();
    dy
}

fn general(problem: &Committee, start: &Overlaps) -> General {
    let coefficients = Coefficients::new(problem, &[]).unwrap();
    General::new(problem.activation, problem.trained, start, coefficients)
}

/// The equations as they are printed, with no sum shared and no symmetry used.
fn as_printed(problem: &Committee, start: &Overlaps) -> Vec<f64> {
    let averages = Averages::new(problem.activation);
    let c = start.covariance();
    let (k, m) = start.r.shape();
    let s: Vec<f64> = start.v.iter().map(|v| -v).chain(start.v_star.iter().copied()).collect();
    let (eta, v) = (problem.learning_rate, &start.v);
    let i3 = |a, b| (0..k + m).map(|e| s[e] * averages.i3(&c, a, b, e).unwrap()).sum::<f64>();
    let mut dy = Vec::new();
    for i in 0..k {
        for j in i..k {
            let mut fourth = problem.noise_std.powi(2) * averages.j2(&c, i, j).unwrap();
            for e in 0..k + m {
                for f in 0..k + m {
                    fourth += s[e] * s[f] * averages.i4(&c, i, j, e, f).unwrap();
                }
            }
            dy.push(
                eta * v[i] * i3(i, j)
                    + eta * v[j] * i3(j, i)
                    + eta * eta / problem.batch as f64 * v[i] * v[j] * fourth
                    - 2.0 * problem.weight_decay * start.q[(i, j)],
            );
        }
    }
    for i in 0..k {
        for n in 0..m {
            dy.push(eta * v[i] * i3(i, k + n) - problem.weight_decay * start.r[(i, n)]);
        }
    }
    for i in 0..k {
        let i2: f64 = (0..k + m).map(|e| s[e] * averages.i2(&c, i, e).unwrap()).sum();
        dy.push(problem.second_layer_rate * i2 - problem.second_layer_decay * v[i]);
    }
    dy
}

#[test]
fn every_kernel_equals_the_printed_equations() {
    let mut rng = StdRng::seed_from_u64(0x5eed_0001);
    for activation in [Activation::Erf, Activation::Linear, Activation::Quadratic, Activation::Relu] {
        // 1, 3, 10 and 21 pairs: fewer than, and not a multiple of, the lanes of the erf kernel.
        for (k, m) in [(1, 1), (2, 3), (4, 2), (6, 5)] {
            for _ in 0..20 {
                let problem = problem(k, m, activation);
                let start = overlaps(&problem, &mut rng);
                let fast = derivative(&mut general(&problem, &start));
                let printed = as_printed(&problem, &start);
                let scale = printed.iter().fold(1.0, |a: f64, b| a.max(b.abs()));
                for (at, (a, b)) in fast.iter().zip(&printed).enumerate() {
                    assert!(
                        (a - b).abs() < 1e-13 * scale,
                        "{activation:?} {k} {m} entry {at}: {a} against {b}"
                    );
                }
            }
        }
    }
}

#[test]
fn the_risk_of_the_law_is_the_population_risk() {
    let mut rng = StdRng::seed_from_u64(0x5eed_0002);
    for activation in [Activation::Erf, Activation::Linear, Activation::Quadratic, Activation::Relu] {
        let mut problem = problem(4, 3, activation);
        problem.output = OutputScaling::MeanField;
        let start = overlaps(&problem, &mut rng);
        let mut law = general(&problem, &start);
        let y = law.start();
        let risk = law.observe(0.0, &y, &Observable::GeneralisationError).unwrap();
        let shared = crate::problem::committee::risk::generalisation_error(&problem, &start).unwrap();
        assert!((risk / shared - 1.0).abs() < 1e-13, "{activation:?}: {risk} against {shared}");
    }
}

#[test]
fn linear_units_reduce_to_one_common_direction() {
    let mut rng = StdRng::seed_from_u64(0x5eed_0003);
    let mut problem = problem(5, 3, Activation::Linear);
    problem.trained = Trained::FirstLayer;
    problem.learning_rate = 0.13;
    problem.output = OutputScaling::Normalised;
    let start = overlaps(&problem, &mut rng);
    let names: Vec<String> =
        ["generalisation_error", "Q[1,4]", "Q[2,2]", "R[5,3]", "T[1,2]", "v[2]"].map(String::from).to_vec();
    let parsed: Vec<Observable> = names.iter().map(|name| Observable::parse(name, 5, 3).unwrap()).collect();
    let times = [0.0, 0.7, 3.1, 12.0];
    let options = LawOptions { tolerance: 1e-12, faults: vec![], measure_error: false };
    let coefficients = Coefficients::new(&problem, &[]).unwrap();
    let mut reduced = Reduced::new(&start, coefficients);
    let short = follow(&mut reduced, &parsed, &names, &times, &options).unwrap();
    let long = follow(&mut general(&problem, &start), &parsed, &names, &times, &options).unwrap();
    for (o, name) in names.iter().enumerate() {
        for (k, time) in times.iter().enumerate() {
            let (a, b) = (short.values[o][k], long.values[o][k]);
            assert!((a - b).abs() < 1e-10 * (1.0 + b.abs()), "{name} at {time}: {a} against {b}");
        }
    }
}

/// At the plateau of vanishing rate only the second-order term is left: dQ/dt is of order eta^2, dR/dt zero.
#[test]
fn the_plateau_is_a_fixed_point_to_first_order_in_the_rate() {
    for m in [2, 3, 4] {
        let (q, r) = asymptotics::plateau_overlaps(m);
        let residual = |eta: f64| {
            let mut problem = problem(m, m, Activation::Erf);
            problem.trained = Trained::FirstLayer;
            problem.learning_rate = eta;
            problem.weight_decay = 0.0;
            problem.teacher_second_layer.fill(1.0);
            problem.student_second_layer.fill(1.0);
            let start = Overlaps {
                q: DMatrix::from_element(m, m, q),
                r: DMatrix::from_element(m, m, r),
                t: DMatrix::identity(m, m),
                v: problem.student_second_layer.clone(),
                v_star: problem.teacher_second_layer.clone(),
            };
            let dy = derivative(&mut general(&problem, &start));
            let pairs = m * (m + 1) / 2;
            assert!(dy[pairs..].iter().all(|f| f.abs() < 1e-15 * m as f64), "{dy:?}");
            dy[..pairs].iter().fold(0.0, |a: f64, b| a.max(b.abs())) / eta
        };
        let order = (residual(2e-3) / residual(1e-3)).log2();
        assert!((order - 1.0).abs() < 1e-9, "M = {m}: order {order}");
    }
}

#[test]
fn keys_of_observables_are_read_strictly() {
    assert_eq!(Observable::parse("R[4,2]", 4, 2), Some(Observable::R(3, 1)));
    assert_eq!(Observable::parse("v[3]", 4, 2), Some(Observable::V(2)));
    for wrong in ["R[2,4]", "R[0,1]", "Q[1]", "v[1,1]", "Q[1,2", "q[1,2]", "risk", "T[3,1]", "Q[1,2,3]", ""] {
        assert_eq!(Observable::parse(wrong, 4, 2), None, "{wrong}");
    }
}

#[test]
fn the_packed_triangle_is_stored_row_by_row() {
    let width = 5;
    let listed: Vec<usize> = (0..width).flat_map(|i| (i..width).map(move |j| upper(i, j, width))).collect();
    assert_eq!(listed, (0..15).collect::<Vec<_>>());
}
