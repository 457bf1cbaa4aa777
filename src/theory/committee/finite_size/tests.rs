use super::erf_noise::{Scale, Tilted, Work, e2, l1};
use super::relu_noise::Orthants;
use super::step::Coordinate;
use super::*;
use crate::math::special::erf;
use crate::problem::activation::Activation;
use crate::problem::committee::{Init, Teacher, Trained};
use crate::rng::Stream;
use crate::theory::committee::tests::problem as generic;
use crate::theory::linear_noise::{LinearNoise, Process, State};
use gauss_quad::GaussHermite;
use nalgebra::DVector;
use std::f64::consts::{FRAC_1_SQRT_2, PI, SQRT_2};

/// K = M = 2, eta = .5, sigma = .1, from overlaps far from symmetry.
fn start_p() -> Committee {
    Committee {
        learning_rate: 0.5,
        noise_std: 0.1,
        weight_decay: 0.0,
        second_layer_decay: 0.0,
        batch: 1,
        trained: Trained::FirstLayer,
        teacher: Teacher::Given { t: DMatrix::identity(2, 2) },
        teacher_second_layer: DVector::from_element(2, 1.0),
        student_second_layer: DVector::from_element(2, 1.0),
        second_layer_std: 0.0,
        init: Init::Given {
            q: DMatrix::from_row_slice(2, 2, &[0.2, 0.05, 0.05, 0.3]),
            r: DMatrix::from_row_slice(2, 2, &[0.3, 0.02, 0.03, 0.25]),
        },
        ..generic(2, 2, Activation::Erf)
    }
}

fn noise(problem: &Committee) -> (Overlapping, State, DMatrix<f64>) {
    let (process, start) = process(problem, &[]).expect("a covered problem");
    let n = process.dimension();
    let mut out = DMatrix::zeros(n, n);
    process.noise(&start.mean, &mut out);
    (process, start, out)
}

/// Ten digits of D, F, G1 and -JF/2 at the start, computed outside this program (order Q11 Q12 Q22 R11 R12 R21 R22).
#[test]
fn step_moments_have_the_digits_of_an_independent_computation() {
    let (process, start, d) = noise(&start_p());
    let stated = [
        ((1, 1), 0.0410796279),
        ((1, 2), 0.0239244843),
        ((1, 3), 0.0053920582),
        ((1, 4), 0.0357839336),
        ((2, 2), 0.0321709803),
        ((3, 3), 0.0410917470),
        ((4, 4), 0.0583938866),
        ((4, 5), 0.0171992594),
        ((4, 6), 0.0568742999),
        ((5, 5), 0.0642774549),
        ((7, 7), 0.0591435718),
    ];
    for ((p, q), value) in stated {
        assert!((d[(p - 1, q - 1)] - value).abs() < 6e-11, "D{p}{q} = {}", d[(p - 1, q - 1)]);
    }
    let x = &start.mean;
    let (mut f, mut g) = (vec![0.0; 7], vec![0.0; 7]);
    process.drift(x, &mut f);
    process.correction(x, &mut g);
    let law = LinearNoise::new(&process, Weights::default());
    let clock = law.jacobian(x) * DVector::from_column_slice(&f) * -0.5;
    let close = |found: &[f64], stated: [f64; 7]| {
        for (a, b) in found.iter().zip(stated) {
            assert!((a - b).abs() < 6e-9, "{found:?} for {stated:?}");
        }
    };
    close(&f, [0.06874205, 0.03262972, 0.01273727, 0.12097894, 0.1363344, 0.11412225, 0.13803562]);
    close(&g, [0.06442155, 0.05250255, 0.05057657, 0.0, 0.0, 0.0, 0.0]);
    close(
        clock.as_slice(),
        [0.00061108, -0.01178085, -0.01110598, 0.03378298, 0.03785846, 0.02791052, 0.03572317],
    );
}

/// The mean step from the tilted moments that D is made of, against the drift from the law's own closed forms.
#[test]
fn mean_of_the_tilted_moments_is_the_drift() {
    let problem = start_p();
    let (process, start, _) = noise(&problem);
    let (c, s, _) = process.unpack(&start.mean);
    let mut drift = vec![0.0; 7];
    process.drift(&start.mean, &mut drift);
    let base = Tilted::new(&c);
    let mut first = vec![0.0; 4];
    let mut linear = |i: usize, a: usize| {
        let tilted = base.tilt(i, 4);
        l1(&tilted.c, &s, &mut first);
        0.5 * tilted.factor * first[a]
    };
    let square = |i: usize, k: usize| {
        let tilted = base.tilt(i, 4).tilt(k, 4);
        0.25 * tilted.factor * (e2(&tilted.c, &s) + 0.01)
    };
    for (value, &coordinate) in drift.iter().zip(&process.coordinates) {
        let mean = match coordinate {
            Coordinate::Q(i, k) => linear(i, k) + linear(k, i) + square(i, k),
            Coordinate::R(i, n) => linear(i, 2 + n),
            _ => unreachable!("neither the teacher nor v moves"),
        };
        assert!((mean - value).abs() < 1e-13, "{coordinate:?}: {mean} for {value}");
    }
}

/// <f> under N(0, C) by a tensor rule of Gauss and Hermite.
fn tensor(c: &DMatrix<f64>, count: usize, f: &mut dyn FnMut(&[f64], f64)) {
    let rule = GaussHermite::new(count.try_into().expect("several nodes"));
    let points: Vec<(f64, f64)> = rule.iter().map(|&(x, w)| (SQRT_2 * x, w / PI.sqrt())).collect();
    let n = c.nrows();
    let root = c.clone().cholesky().expect("a covariance").l();
    for index in 0..count.pow(n as u32) {
        let (mut rest, mut weight) = (index, 1.0);
        let z = DVector::from_fn(n, |_, _| {
            let (x, w) = points[rest % count];
            rest /= count;
            weight *= w;
            x
        });
        f((&root * z).as_slice(), weight);
    }
}

/// One real step of R, Q and v at a node, averaged with the moments of the label noise.
fn by_tensor(problem: &Committee, count: usize) -> DMatrix<f64> {
    let (process, start, _) = noise(problem);
    let (k, n) = (problem.student_width, process.dimension());
    let c = problem.limit_start().covariance();
    let (_, s, v) = process.unpack(&start.mean);
    let (eta, eta_v, sigma2) =
        (problem.learning_rate, problem.effective_second_layer_rate(), problem.noise_std.powi(2));
    let b = problem.batch as f64;
    let g = |x: f64| erf(x * FRAC_1_SQRT_2);
    let slope = |x: f64| (2.0 / PI).sqrt() * (-0.5 * x * x).exp();
    let mut second: DMatrix<f64> = DMatrix::zeros(n, n);
    let mut mean: DVector<f64> = DVector::zeros(n);
    tensor(&c, count, &mut |u, weight| {
        let delta: f64 = s.iter().zip(u).map(|(s, &u)| s * g(u)).sum();
        // Y = p Delta + q Delta^2.
        let parts: Vec<(f64, f64)> = process
            .coordinates
            .iter()
            .map(|&coordinate| match coordinate {
                Coordinate::Q(i, j) => (
                    eta * (v[i] * slope(u[i]) * u[j] + v[j] * slope(u[j]) * u[i]),
                    eta * eta / b * v[i] * v[j] * slope(u[i]) * slope(u[j]),
                ),
                Coordinate::R(i, m) => (eta * v[i] * slope(u[i]) * u[k + m], 0.0),
                Coordinate::T(..) => (0.0, 0.0),
                Coordinate::V(i) => (eta_v * g(u[i]), 0.0),
            })
            .collect();
        let (m2, m3) = (delta * delta + sigma2, delta * (delta * delta + 3.0 * sigma2));
        let m4 = delta.powi(4) + 6.0 * sigma2 * delta * delta + 3.0 * sigma2 * sigma2;
        for (p, &(ap, bp)) in parts.iter().enumerate() {
            mean[p] += weight * (ap * delta + bp * m2);
            for (q, &(aq, bq)) in parts.iter().enumerate() {
                second[(p, q)] += weight * (ap * aq * m2 + (ap * bq + bp * aq) * m3 + bp * bq * m4);
            }
        }
    });
    (second - &mean * mean.transpose()) / b
}

#[test]
fn closed_forms_of_the_noise_are_its_integrals() {
    let single = Committee {
        student_width: 1,
        teacher_width: 1,
        teacher: Teacher::Given { t: DMatrix::identity(1, 1) },
        teacher_second_layer: DVector::from_element(1, 1.3),
        student_second_layer: DVector::from_element(1, 0.8),
        init: Init::Given { q: DMatrix::from_element(1, 1, 0.25), r: DMatrix::from_element(1, 1, 0.1) },
        trained: Trained::BothLayers,
        second_layer_rate: 0.7,
        batch: 3,
        ..start_p()
    };
    let pair = Committee { trained: Trained::BothLayers, second_layer_rate: 0.4, ..start_p() };
    for (problem, nodes, tolerance) in [(single, 40, 1e-10), (pair, 18, 1e-6)] {
        let (_, _, closed) = noise(&problem);
        let integral = by_tensor(&problem, nodes);
        let gap = (&closed - &integral).amax();
        assert!(gap < tolerance, "{gap:e} at {} fields", problem.student_width + problem.teacher_width);
    }
}

/// <Delta_0^4> at overlaps of 2.4, where sixteen nodes are fewest.
#[test]
fn fourth_moment_needs_no_more_nodes() {
    let c = DMatrix::from_row_slice(2, 2, &[2.4, 0.9, 0.9, 1.7]);
    let s = [-1.1, 0.8];
    let value = Scale::new(false).e4(c.as_slice(), &s, &mut Work::default());
    let mut integral = 0.0;
    tensor(&c, 120, &mut |u, weight| {
        let delta: f64 = s.iter().zip(u).map(|(s, &u)| s * erf(u * FRAC_1_SQRT_2)).sum();
        integral += weight * delta.powi(4);
    });
    assert!((value - integral).abs() < 1e-8, "{value} for {integral}");
}

#[test]
fn random_starts_spread_as_wishart_matrices_do() {
    let random = Committee { init: Init::Random { std: 0.5 }, ..start_p() };
    let (process, start) = process(&random, &[]).expect("a covered problem");
    let s0 = 0.25;
    for (p, &first) in process.coordinates.iter().enumerate() {
        for (q, &second) in process.coordinates.iter().enumerate() {
            let stated = match (first, second) {
                (Coordinate::Q(i, k), _) if p == q => s0 * s0 * if i == k { 2.0 } else { 1.0 },
                (Coordinate::R(..), _) if p == q => s0,
                _ => 0.0,
            };
            assert!((start.covariance[(p, q)] - stated).abs() < 1e-15, "{first:?} {second:?}");
        }
    }
    let both = Committee { teacher: Teacher::Random { std: 0.7 }, ..random };
    let (process, start) = super::process(&both, &[]).expect("a covered problem");
    let teacher = process.coordinates.iter().position(|&c| c == Coordinate::T(0, 0)).expect("T moves");
    assert!((start.covariance[(teacher, teacher)] - 2.0 * 0.49 * 0.49).abs() < 1e-15);
}

/// Two ReLU students and two or three teachers, both layers trained, numbers without symmetry.
fn relu(m: usize) -> Committee {
    let r = [0.3, 0.02, 0.1, 0.03, 0.25, -0.07];
    Committee {
        activation: Activation::Relu,
        trained: Trained::BothLayers,
        learning_rate: 0.6,
        second_layer_rate: 0.4,
        noise_std: 0.3,
        student_second_layer: DVector::from_vec(vec![0.8, -1.1]),
        teacher_width: m,
        teacher: Teacher::Given {
            t: DMatrix::from_fn(m, m, |i, j| if i == j { 1.0 + 0.2 * i as f64 } else { 0.1 }),
        },
        teacher_second_layer: DVector::from_fn(m, |i, _| 1.0 - 0.4 * i as f64),
        init: Init::Given {
            q: DMatrix::from_row_slice(2, 2, &[0.4, 0.05, 0.05, 0.3]),
            r: DMatrix::from_fn(2, m, |i, n| r[i * 3 + n]),
        },
        ..start_p()
    }
}

/// One real step of ReLU units at fields `u` with label noise `zeta`, by its definition.
fn relu_step(
    problem: &Committee,
    process: &Overlapping,
    s: &[f64],
    v: &[f64],
    u: &[f64],
    zeta: f64,
) -> Vec<f64> {
    let k = problem.student_width;
    let ramp = |x: f64| x.max(0.0);
    let delta: f64 = s.iter().zip(u).map(|(s, &u)| s * ramp(u)).sum::<f64>() + problem.noise_std * zeta;
    let c = |i: usize| if u[i] > 0.0 { v[i] * delta } else { 0.0 };
    let eta = problem.learning_rate;
    let one = |&coordinate: &Coordinate| match coordinate {
        Coordinate::Q(i, j) => eta * (c(i) * u[j] + c(j) * u[i]) + eta * eta * c(i) * c(j),
        Coordinate::R(i, n) => eta * c(i) * u[k + n],
        Coordinate::T(..) => 0.0,
        Coordinate::V(i) => problem.second_layer_rate * ramp(u[i]) * delta,
    };
    process.coordinates.iter().map(one).collect()
}

/// F from the orthants of D against the closed averages with one quadrature; D against half a million real steps.
#[test]
fn relu_noise_is_that_of_real_steps() {
    for m in [1, 2, 3] {
        let problem = relu(m);
        let (process, start, d) = noise(&problem);
        let (c, s, v) = process.unpack(&start.mean);
        let (n, count) = (2 + m, process.dimension());
        let mut drift = vec![0.0; count];
        process.drift(&start.mean, &mut drift);
        let mut mean = vec![0.0; count];
        Orthants::new(&c, n).visit(&s, |part| {
            let along = |a: usize| (0..n).map(|b| part.form[b] * part.second[a][b]).sum::<f64>();
            let square = (0..n).map(|a| part.form[a] * along(a)).sum::<f64>() + 0.09 * part.probability;
            let on = |i: usize| if part.positive[i] { 1.0 } else { 0.0 };
            for (mean, &coordinate) in mean.iter_mut().zip(&process.coordinates) {
                *mean += match coordinate {
                    Coordinate::Q(i, j) => {
                        0.6 * (on(i) * v[i] * along(j) + on(j) * v[j] * along(i))
                            + 0.36 * on(i) * on(j) * v[i] * v[j] * square
                    }
                    Coordinate::R(i, n) => 0.6 * on(i) * v[i] * along(2 + n),
                    Coordinate::T(..) => 0.0,
                    Coordinate::V(i) => 0.4 * on(i) * along(i),
                };
            }
        });
        for (mean, drift) in mean.iter().zip(&drift) {
            assert!((mean - drift).abs() < 1e-13, "M = {m}: {mean} for {drift}");
        }
        let root = DMatrix::from_row_slice(n, n, &c).cholesky().expect("a covariance").l();
        let mut gaussians = Stream::root(0x5eed_0501).index(m as u64).gaussians();
        let (mut products, mut squares) =
            (DMatrix::<f64>::zeros(count, count), DMatrix::<f64>::zeros(count, count));
        const SAMPLES: usize = 500_000;
        let mut z = vec![0.0; n + 1];
        for _ in 0..SAMPLES {
            gaussians.fill(&mut z);
            let u = &root * DVector::from_column_slice(&z[..n]);
            let step = relu_step(&problem, &process, &s, &v, u.as_slice(), z[n]);
            for p in 0..count {
                for q in 0..=p {
                    let product = (step[p] - drift[p]) * (step[q] - drift[q]);
                    products[(p, q)] += product;
                    squares[(p, q)] += product * product;
                }
            }
        }
        for p in 0..count {
            for q in 0..=p {
                let mean = products[(p, q)] / SAMPLES as f64;
                let error = ((squares[(p, q)] / SAMPLES as f64 - mean * mean) / SAMPLES as f64).sqrt();
                assert!(
                    (mean - d[(p, q)]).abs() < 4.0 * error,
                    "M = {m}, {p} {q}: {mean} +- {error} for {}",
                    d[(p, q)]
                );
                assert!((d[(p, q)] - d[(q, p)]).abs() < 1e-15);
            }
        }
    }
}

/// Derivatives of the ReLU drift along a generic direction, against central differences of its values.
#[test]
fn relu_drift_has_the_derivatives_of_its_values() {
    use crate::theory::linear_noise::jet::Jet;
    let (process, start, _) = noise(&relu(3));
    let n = process.dimension();
    let w: Vec<f64> = (0..n).map(|p| 0.1 * (1.0 + p as f64).sin()).collect();
    let at = |h: f64| {
        let x: Vec<f64> = start.mean.iter().zip(&w).map(|(x, w)| x + h * w).collect();
        let mut out = vec![0.0; n];
        process.drift(&x, &mut out);
        out
    };
    let input: Vec<Jet<1>> =
        start.mean.iter().zip(&w).map(|(&x, &w)| Jet { value: x, first: [w], second: [0.0] }).collect();
    let mut jets = input.clone();
    process.drift(&input, &mut jets);
    let h = 1e-2;
    let (a, b, centre, c, e) = (at(-2.0 * h), at(-h), at(0.0), at(h), at(2.0 * h));
    for p in 0..n {
        let first = (8.0 * (c[p] - b[p]) - (e[p] - a[p])) / (12.0 * h);
        let second = (16.0 * (b[p] + c[p]) - (a[p] + e[p]) - 30.0 * centre[p]) / (12.0 * h * h);
        assert!((jets[p].first[0] - first).abs() < 1e-7, "{p}: {} for {first}", jets[p].first[0]);
        assert!(
            (2.0 * jets[p].second[0] - second).abs() < 1e-6,
            "{p}: {} for {second}",
            2.0 * jets[p].second[0]
        );
    }
}
