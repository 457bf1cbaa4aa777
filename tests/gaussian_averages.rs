//! Gaussian averages: closed form = quadrature written here = Monte Carlo, on random covariances that include
//! nearly singular ones, and the identities between them.

use asymptotica::math::gaussian::{AverageError, erf, linear, quadratic, quadrature::Quadrature, relu, sine};
use asymptotica::problem::activation::Activation;
use asymptotica::problem::committee::risk::generalisation_error;
use asymptotica::problem::committee::{Committee, Init, Overlaps, Teacher, Trained};
use asymptotica::problem::scaling::OutputScaling;
use asymptotica::theory::committee::averages::Averages;
use gauss_quad::{GaussHermite, GaussLegendre};
use nalgebra::{DMatrix, DVector, Matrix4, SymmetricEigen, Vector4};
use rand::SeedableRng;
use rand_distr::{Distribution, StandardNormal, Uniform};
use rand_xoshiro::Xoshiro256PlusPlus;
use std::f64::consts::{FRAC_PI_2, PI};

const COVARIANCES: usize = 200;

/// Four fields as the rows of V: u = V z, C = V V^T.
struct Fields {
    v: Matrix4<f64>,
    c: DMatrix<f64>,
}

impl Fields {
    fn new(v: Matrix4<f64>) -> Self {
        let c = v * v.transpose();
        Self { v, c: DMatrix::from_fn(4, 4, |i, j| 0.5 * (c[(i, j)] + c[(j, i)])) }
    }

    fn row(&self, i: usize) -> Vector4<f64> {
        self.v.row(i).transpose()
    }

    fn std(&self, i: usize) -> f64 {
        self.c[(i, i)].sqrt()
    }
}

/// A random orthogonal frame, eigenvalues 10^U(lowest, 0) and an overall scale.
fn random_fields(rng: &mut Xoshiro256PlusPlus, lowest: f64) -> Fields {
    let gaussian: Matrix4<f64> = Matrix4::from_fn(|_, _| StandardNormal.sample(rng));
    let q = gaussian.qr().q();
    let exponent = Uniform::new(lowest, 0.0).unwrap();
    let roots = Matrix4::from_diagonal(&Vector4::from_fn(|_, _| 10f64.powf(0.5 * exponent.sample(rng))));
    let scale: f64 = 0.4 + 2.0 * Uniform::new(0.0, 1.0).unwrap().sample(rng);
    Fields::new(q * roots * scale)
}

fn covariances() -> Vec<Fields> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(20_251);
    (0..COVARIANCES).map(|n| random_fields(&mut rng, [-10.0, -10.0, -2.0, -0.7][n % 4])).collect()
}

fn phi(x: f64) -> f64 {
    (-0.5 * x * x).exp() / (2.0 * PI).sqrt()
}

fn cdf(x: f64) -> f64 {
    0.5 * libm::erfc(-x / 2f64.sqrt())
}

/// Gauss-Legendre on halved intervals until two orders agree.
struct Adaptive {
    coarse: GaussLegendre,
    fine: GaussLegendre,
}

impl Adaptive {
    fn new() -> Self {
        Self {
            coarse: GaussLegendre::new(11.try_into().unwrap()),
            fine: GaussLegendre::new(17.try_into().unwrap()),
        }
    }

    fn integrate(&self, f: &impl Fn(f64) -> f64, a: f64, b: f64, tolerance: f64) -> f64 {
        let (coarse, fine) = (self.coarse.integrate(a, b, f), self.fine.integrate(a, b, f));
        if (coarse - fine).abs() <= tolerance || b - a < 1e-13 {
            return fine;
        }
        let middle = 0.5 * (a + b);
        self.integrate(f, a, middle, tolerance) + self.integrate(f, middle, b, tolerance)
    }
}

/// ReLU averages by conditioning: E[e+ | a] of a normal variable is elementary.
struct ReluByConditioning<'a> {
    fields: &'a Fields,
    rule: &'a Adaptive,
}

impl ReluByConditioning<'_> {
    /// int over a > 0 of f(a, mean of e, spread of e given a).
    fn over_gate(&self, a: usize, e: usize, f: impl Fn(f64, f64, f64) -> f64) -> f64 {
        let (ua, ue) = (self.fields.row(a), self.fields.row(e));
        let slope = ua.dot(&ue) / ua.norm_squared();
        let spread = (ue - ua * slope).norm();
        let scale = self.fields.std(a);
        let g = |x: f64| phi(x) * f(x * scale, slope * x * scale, spread);
        // Intervals that shrink towards 0, where the conditional mean changes sign on the scale of its spread.
        let mut total = 0.0;
        let mut high = 9.0;
        for _ in 0..40 {
            let low = 0.5 * high;
            total += self.rule.integrate(&g, low, high, 1e-14);
            high = low;
        }
        total
    }

    fn i2(&self, a: usize, b: usize) -> f64 {
        self.over_gate(a, b, |x, m, s| x * (m * cdf(m / s) + s * phi(m / s)))
    }

    fn j2(&self, a: usize, b: usize) -> f64 {
        self.over_gate(a, b, |_, m, s| cdf(m / s))
    }

    fn i3(&self, a: usize, b: usize, e: usize) -> f64 {
        let (ua, ub, ue) = (self.fields.row(a), self.fields.row(b), self.fields.row(e));
        let along = ub.dot(&ua) / ua.norm_squared();
        let shared = (ub - ua * along).dot(&ue);
        self.over_gate(a, e, |x, m, s| along * x * (m * cdf(m / s) + s * phi(m / s)) + shared * cdf(m / s))
    }

    /// <1(a) 1(b) e+ f+> in polar coordinates (rho, angle) of the plane of e and f. The radial integral
    /// int_0^inf rho^3 exp(-rho^2/2) P(a > 0, b > 0 | rho, angle) drho is elementary after one integration by
    /// parts.
    fn i4(&self, a: usize, b: usize, e: usize, f: usize) -> f64 {
        let frame = orthonormal([e, f, a, b].map(|i| self.fields.row(i)));
        let coordinates =
            |i: usize| -> [f64; 4] { std::array::from_fn(|n| self.fields.row(i).dot(&frame[n])) };
        let (ca, cb, cf) = (coordinates(a), coordinates(b), coordinates(f));
        let turn = cf[1].atan2(cf[0]);
        let (sa, sb) = (ca[2].hypot(ca[3]), cb[2].hypot(cb[3]));
        let overlap = ca[2] * cb[2] + ca[3] * cb[3];
        let cross = (ca[2] * cb[3] - ca[3] * cb[2]).abs();
        let angular = |angle: f64| {
            let mean = |u: [f64; 4]| u[0] * angle.cos() + u[1] * angle.sin();
            let (ma, mb) = (mean(ca), mean(cb));
            let mut radial = 2.0 * (PI - cross.atan2(overlap)) / (2.0 * PI);
            for (m, s, other) in [(ma, sa, mb), (mb, sb, ma)] {
                let p = s * s + m * m;
                let kappa = (other * s * s - overlap * m) / (cross * p.sqrt());
                let zeroth = 0.25 + kappa.atan() / (2.0 * PI);
                let second = s * s / p * (zeroth + kappa / (1.0 + kappa * kappa) / (2.0 * PI));
                radial += m / p.sqrt() * (second + 2.0 * zeroth);
            }
            angle.cos() * (angle - turn).cos() * radial
        };
        let (low, high) =
            if turn >= 0.0 { (turn - FRAC_PI_2, FRAC_PI_2) } else { (-FRAC_PI_2, turn + FRAC_PI_2) };
        // Cut where a mean or a conditional mean changes sign.
        let mut cuts = vec![low, high];
        for (u, v) in [
            (ca[0], ca[1]),
            (cb[0], cb[1]),
            (cb[0] * sa * sa - overlap * ca[0], cb[1] * sa * sa - overlap * ca[1]),
            (ca[0] * sb * sb - overlap * cb[0], ca[1] * sb * sb - overlap * cb[1]),
        ] {
            let root = (-u).atan2(v);
            cuts.extend([root - PI, root, root + PI].into_iter().filter(|x| *x > low && *x < high));
        }
        cuts.sort_by(f64::total_cmp);
        let sum: f64 = cuts.windows(2).map(|w| self.rule.integrate(&angular, w[0], w[1], 1e-13)).sum();
        self.fields.std(e) * cf[0].hypot(cf[1]) * sum / (2.0 * PI)
    }
}

/// Gram-Schmidt, every vector projected twice.
fn orthonormal(mut frame: [Vector4<f64>; 4]) -> [Vector4<f64>; 4] {
    for i in 0..4 {
        for _ in 0..2 {
            for j in 0..i {
                let overlap = frame[i].dot(&frame[j]);
                let projection = frame[j] * overlap;
                frame[i] -= projection;
            }
        }
        frame[i] /= frame[i].norm();
    }
    frame
}

/// Product Gauss-Hermite rule along the eigenvectors of C. The integrands are entire, with Gaussian rates that
/// add up to at most 1 per axis, so n nodes leave (lambda/(1 + lambda))^n.
fn hermite_averages(c: &DMatrix<f64>, f: impl Fn(&[f64; 4]) -> [f64; 4]) -> [f64; 4] {
    let eigen = SymmetricEigen::new(Matrix4::from_fn(|i, j| c[(i, j)]));
    let rules: Vec<Vec<(f64, f64)>> = (0..4)
        .map(|n| {
            let lambda: f64 = eigen.eigenvalues[n].max(1e-16);
            let nodes = (30.0 / (1.0 / lambda).ln_1p()).ceil() as usize + 2;
            let rule = GaussHermite::new(nodes.try_into().unwrap());
            rule.iter().map(|(x, w)| (x * (2.0 * lambda).sqrt(), w / PI.sqrt())).collect()
        })
        .collect();
    let mut total = [0.0; 4];
    for (x0, w0) in &rules[0] {
        for (x1, w1) in &rules[1] {
            for (x2, w2) in &rules[2] {
                for (x3, w3) in &rules[3] {
                    let u = eigen.eigenvectors * Vector4::new(*x0, *x1, *x2, *x3);
                    let terms = f(&[u[0], u[1], u[2], u[3]]);
                    for (total, term) in total.iter_mut().zip(terms) {
                        *total += w0 * w1 * w2 * w3 * term;
                    }
                }
            }
        }
    }
    total
}

#[test]
fn erf_closed_forms_equal_a_product_quadrature() {
    let g = |x: f64| libm::erf(x / 2f64.sqrt());
    let d = |x: f64| 2.0 * phi(x);
    for (n, fields) in covariances().iter().enumerate() {
        // Eigenvalues of at most 1, for the sake of the number of nodes.
        let c = &(&fields.c / 6.0);
        let closed = [erf::i2(c, 0, 1), erf::i3(c, 0, 1, 2), erf::i4(c, 0, 1, 2, 3), erf::j2(c, 2, 3)];
        let quadrature = hermite_averages(c, |u| {
            let ([g0, g1, g2, g3], d0) = (u.map(g), d(u[0]));
            [g0 * g1, d0 * u[1] * g2, d0 * d(u[1]) * g2 * g3, d(u[2]) * d(u[3])]
        });
        for (closed, quadrature) in closed.into_iter().zip(quadrature) {
            assert!((closed - quadrature).abs() < 1e-10, "covariance {n}: {closed} {quadrature}");
        }
    }
}

#[test]
fn relu_equals_conditional_integrals() {
    let rule = Adaptive::new();
    let mut worst = [0.0f64; 2];
    for (n, fields) in covariances().iter().enumerate() {
        let c = &fields.c;
        let by = ReluByConditioning { fields, rule: &rule };
        let (s0, s1, s2, s3) = (fields.std(0), fields.std(1), fields.std(2), fields.std(3));
        let closed = [
            (relu::i2(c, 0, 1).unwrap() - by.i2(0, 1)) / (s0 * s1),
            (relu::i3(c, 0, 1, 2).unwrap() - by.i3(0, 1, 2)) / (s1 * s2),
            relu::j2(c, 2, 3).unwrap() - by.j2(2, 3),
        ];
        for error in closed {
            worst[0] = worst[0].max(error.abs());
            assert!(error.abs() < 1e-10, "covariance {n}: {closed:?}");
        }
        for (a, b, e, f, scale) in [(0, 1, 2, 3, s2 * s3), (3, 0, 2, 1, s2 * s1), (1, 2, 0, 3, s0 * s3)] {
            let error = (relu::i4(c, a, b, e, f).unwrap() - by.i4(a, b, e, f)) / scale;
            worst[1] = worst[1].max(error.abs());
            assert!(error.abs() < 1e-8, "covariance {n}, {a}{b}{e}{f}: {error:e}");
        }
    }
    println!("largest error of closed forms {:.1e}, of I4 {:.1e}", worst[0], worst[1]);
}

/// 200 covariances, 2 activations, 4 averages: with independent normal errors 0.1 of the 1600 comparisons
/// would lie beyond 4 standard errors. A gate that opens in less than about ten of the samples leaves no
/// normal mean and perhaps no hit at all; Bernstein's inequality then adds 16/3n of the size of a summand.
#[test]
fn closed_forms_equal_monte_carlo() {
    const SAMPLES: usize = 40_000;
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(77);
    for (n, fields) in covariances().iter().enumerate() {
        let c = &fields.c;
        for activation in [Activation::Erf, Activation::Relu] {
            let law = Averages::new(activation);
            let exact = [
                law.i2(c, 0, 1).unwrap(),
                law.i3(c, 0, 1, 2).unwrap(),
                law.i4(c, 0, 1, 2, 3).unwrap(),
                law.j2(c, 2, 3).unwrap(),
            ];
            let std = |i: usize| if activation == Activation::Erf { 1.0 } else { fields.std(i) };
            let size = [std(0) * std(1), fields.std(1) * std(2), std(2) * std(3), 1.0];
            let (mut sum, mut squares) = ([0.0; 4], [0.0; 4]);
            for _ in 0..SAMPLES {
                let u = fields.v * Vector4::from_fn(|_, _| StandardNormal.sample(&mut rng));
                let g = |i: usize| activation.value(u[i]);
                let d = |i: usize| activation.derivative(u[i]);
                let draws = [g(0) * g(1), d(0) * u[1] * g(2), d(0) * d(1) * g(2) * g(3), d(2) * d(3)];
                for m in 0..4 {
                    let x = draws[m] - exact[m];
                    sum[m] += x;
                    squares[m] += x * x;
                }
            }
            for m in 0..4 {
                let mean = sum[m] / SAMPLES as f64;
                let error = squares[m].sqrt() / SAMPLES as f64;
                let bound = 4.0 * error + 16.0 / 3.0 * size[m] / SAMPLES as f64;
                assert!(
                    mean.abs() <= bound,
                    "covariance {n}, {activation:?}, average {m}: {mean:e} beyond {bound:e}"
                );
            }
        }
    }
}

/// A generic covariance of six fields with overlaps of either sign.
fn six_fields() -> DMatrix<f64> {
    let rows = DMatrix::from_fn(6, 6, |i, j| {
        (1.3 + 2.7 * i as f64 + 4.1 * j as f64).sin() + if i == j { 0.9 } else { 0.0 }
    });
    &rows * rows.transpose() * 0.21
}

fn close(found: f64, expected: f64, tolerance: f64, what: &str) {
    assert!((found - expected).abs() <= tolerance, "{what}: {found} instead of {expected}");
}

/// Two fields with equal rows of C are one field, so averages of different indices reach those of coinciding
/// ones, at an exactly singular C.
#[test]
fn relu_of_identical_fields_is_relu_of_coinciding_indices() {
    let base = six_fields();
    // Fields 0..5 and a copy of each.
    let copies = DMatrix::from_fn(12, 12, |i, j| base[(i % 6, j % 6)]);
    for (a, b, e, f) in [
        (0, 0, 1, 2),
        (0, 1, 2, 2),
        (0, 1, 0, 3),
        (4, 5, 4, 5),
        (3, 3, 3, 1),
        (2, 2, 2, 2),
        (1, 1, 5, 5),
        (2, 5, 5, 5),
    ] {
        let coinciding = relu::i4(&base, a, b, e, f).unwrap();
        let mut used = [false; 12];
        let [a, b, e, f] = [a, b, e, f].map(|i| {
            // At most two different indices for one field: further repeats keep the copy.
            let index = if used[i] { i + 6 } else { i };
            used[i] = true;
            index
        });
        close(relu::i4(&copies, a, b, e, f).unwrap(), coinciding, 1e-8, "I4");
    }
}

#[test]
fn relu_symmetries_and_scales() {
    let c = six_fields();
    let value = relu::i4(&c, 0, 3, 4, 1).unwrap();
    for (a, b, e, f) in [(3, 0, 4, 1), (0, 3, 1, 4), (3, 0, 1, 4)] {
        close(relu::i4(&c, a, b, e, f).unwrap(), value, 1e-14, "permuted");
    }
    let scales = [0.3, 1.7, 2.9, 0.013, 41.0, 0.6];
    let scaled = DMatrix::from_fn(6, 6, |i, j| scales[i] * scales[j] * c[(i, j)]);
    let found = relu::i4(&scaled, 0, 3, 4, 1).unwrap();
    close(found, scales[4] * scales[1] * value, 1e-12 * found, "scaled");
}

/// Price's theorem: d<f>/dC_ab is the average of d^2 f/da db for a != b.
#[test]
fn derivatives_by_overlaps() {
    let moved = |i: usize, j: usize, by: f64| {
        let mut c = six_fields();
        c[(i, j)] += by;
        c[(j, i)] += by;
        c
    };
    for activation in [
        Activation::Erf,
        Activation::Relu,
        Activation::Quadratic,
        Activation::Linear,
        Activation::Sine,
        Activation::Tanh,
    ] {
        let law = Averages::new(activation);
        let error = |h: f64| {
            let slope = (law.i2(&moved(1, 4, h), 1, 4).unwrap() - law.i2(&moved(1, 4, -h), 1, 4).unwrap())
                / (2.0 * h);
            slope - law.j2(&six_fields(), 1, 4).unwrap()
        };
        let (coarse, fine) = (error(0.04), error(0.02));
        if coarse.abs() > 1e-8 {
            close(coarse / fine, 4.0, 0.1, activation.name());
        } else {
            close(fine, 0.0, 1e-8, activation.name());
        }
        // I3 is linear in C_be with the slope J2(a, e).
        let difference =
            law.i3(&moved(2, 5, 0.1), 0, 2, 5).unwrap() - law.i3(&moved(2, 5, -0.1), 0, 2, 5).unwrap();
        close(difference / 0.2, law.j2(&six_fields(), 0, 5).unwrap(), 1e-8, activation.name());
    }
}

/// The lattice rule on activations whose averages are known, on generic, nearly singular and singular
/// covariances and with coinciding indices.
#[test]
fn lattice_rule_equals_closed_forms() {
    let erf_rule = Quadrature::new(|x| Activation::Erf.value(x), |x| Activation::Erf.derivative(x));
    let sine_rule = Quadrature::new(f64::sin, f64::cos);
    let square_rule = Quadrature::new(|x| x * x, |x| 2.0 * x);
    let line_rule = Quadrature::new(|x| x, |_| 1.0);
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(3);
    let mut set: Vec<DMatrix<f64>> =
        [-0.7, -2.0, -10.0].map(|lowest| random_fields(&mut rng, lowest).c * 0.3).into();
    let half = six_fields() * 0.4;
    set.push(DMatrix::from_fn(4, 4, |i, j| half[(i % 3, j % 3)]));
    for c in &set {
        for (a, b, e, f) in [(0, 1, 2, 3), (0, 0, 1, 2), (3, 1, 1, 3), (2, 0, 3, 3), (1, 1, 1, 1)] {
            let tolerance = 3e-10;
            close(erf_rule.i4(c, a, b, e, f).unwrap(), erf::i4(c, a, b, e, f), tolerance, "erf I4");
            close(sine_rule.i4(c, a, b, e, f).unwrap(), sine::i4(c, a, b, e, f), tolerance, "sine I4");
            close(square_rule.i4(c, a, b, e, f).unwrap(), quadratic::i4(c, a, b, e, f), 1e-9, "square I4");
            close(line_rule.i4(c, a, b, e, f).unwrap(), linear::i4(c, a, b, e, f), tolerance, "linear I4");
            close(erf_rule.i3(c, a, b, e).unwrap(), erf::i3(c, a, b, e), tolerance, "erf I3");
            close(sine_rule.i3(c, a, b, e).unwrap(), sine::i3(c, a, b, e), tolerance, "sine I3");
            close(square_rule.i3(c, a, b, e).unwrap(), quadratic::i3(c, a, b, e), 1e-9, "square I3");
            close(erf_rule.i2(c, a, b).unwrap(), erf::i2(c, a, b), tolerance, "erf I2");
            close(erf_rule.j2(c, a, b).unwrap(), erf::j2(c, a, b), tolerance, "erf J2");
        }
    }
}

/// Steep tanh is resolved in two dimensions, and refused in four where the lattice would be too large.
#[test]
fn steep_activations_are_resolved_or_refused() {
    let rule = Adaptive::new();
    let c = DMatrix::from_row_slice(2, 2, &[25.0, 7.0, 7.0, 16.0]);
    let tanh = Averages::new(Activation::Tanh);
    let exact = rule.integrate(&|x: f64| phi(x) * (5.0 * x).tanh().powi(2), -9.0, 9.0, 1e-13);
    close(tanh.i2(&c, 0, 0).unwrap(), exact, 1e-10, "I2");
    let steep = six_fields() * 900.0;
    match tanh.i4(&steep, 0, 1, 2, 3) {
        Err(AverageError::NotConverged { error, tolerance, nodes, .. }) => {
            assert!(error > tolerance && nodes > 50)
        }
        other => panic!("{other:?}"),
    }
}

/// Sums of ReLU averages against their terms, for two covariances in turn; the second one has a field of
/// variance 0 among its students and another one at its end.
#[test]
fn relu_sums_equal_their_terms() {
    let s = [-0.7, 1.3, -0.4, 2.1, 0.9, -1.6];
    let mut with_zeros = six_fields();
    for i in [1, 5] {
        with_zeros.row_mut(i).fill(0.0);
        with_zeros.column_mut(i).fill(0.0);
    }
    for students in [2, 4, 6] {
        let mut sums = relu::Sums::new(students, 6);
        let mut first = vec![f64::NAN; students * 6];
        let mut second = vec![f64::NAN; students * (students + 1) / 2];
        for c in [six_fields(), with_zeros.clone()] {
            sums.load(c.as_slice(), &s).unwrap();
            sums.first(&mut first);
            sums.second(0.37, &mut second).unwrap();
            let mut of_pairs = second.iter();
            for i in 0..students {
                for b in 0..6 {
                    let terms = (0..6).map(|e| s[e] * relu::i3(&c, i, b, e).unwrap());
                    close(first[i * 6 + b], terms.sum(), 1e-14, "first");
                }
                for k in i..students {
                    let mut expected = 0.37 * relu::j2(&c, i, k).unwrap();
                    for e in 0..6 {
                        for f in 0..6 {
                            expected += s[e] * s[f] * relu::i4(&c, i, k, e, f).unwrap();
                        }
                    }
                    close(*of_pairs.next().unwrap(), expected, 1e-12, "second");
                }
            }
            for a in 0..6 {
                let terms = (0..6).map(|e| s[e] * relu::i2(&c, a, e).unwrap());
                close(sums.output(a), terms.sum(), 1e-14, "output");
            }
        }
    }
}

#[test]
fn a_matrix_that_is_no_covariance_is_refused() {
    let mut c = six_fields();
    c[(0, 1)] = 1.2 * (c[(0, 0)] * c[(1, 1)]).sqrt();
    c[(1, 0)] = c[(0, 1)];
    let law = Averages::new(Activation::Relu);
    assert!(matches!(law.i2(&c, 0, 1), Err(AverageError::NotACovariance { minor, .. }) if minor < -0.4));
    assert!(matches!(law.i4(&c, 0, 1, 2, 3), Err(AverageError::NotACovariance { .. })));
    let loaded = relu::Sums::new(4, 6).load(c.as_slice(), &[1.0; 6]);
    assert!(matches!(loaded, Err(AverageError::NotACovariance { .. })));
    assert!(matches!(Averages::new(Activation::Tanh).i2(&c, 0, 1), Err(AverageError::NotACovariance { .. })));
}

fn committee(k: usize, activation: Activation, output: OutputScaling) -> Committee {
    Committee {
        student_width: k,
        teacher_width: 2,
        activation,
        trained: Trained::FirstLayer,
        learning_rate: 0.5,
        second_layer_rate: 0.5,
        noise_std: 0.3,
        weight_decay: 0.0,
        second_layer_decay: 0.0,
        batch: 1,
        output,
        teacher: Teacher::Given { t: DMatrix::identity(2, 2) },
        teacher_second_layer: DVector::from_element(2, 1.0),
        init: Init::Given {
            q: DMatrix::from_fn(k, k, |i, j| if i == j { 0.25 } else { 0.01 * (0.5 * (i + j) as f64).cos() }),
            r: DMatrix::from_fn(k, 2, |i, n| 0.02 * (1.0 + (2 * i + 3 * n) as f64).cos()),
        },
        student_second_layer: DVector::from_element(k, 1.0),
        second_layer_std: 0.0,
        training_set: None,
    }
}

/// Values at time 0 of a high-precision integration and of two public programs, to their eleven digits.
#[test]
fn generalisation_error_at_a_start_without_random_numbers() {
    for (k, expected) in [(2, 4.6714418859e-1), (4, 5.9217854619e-1)] {
        let problem = committee(k, Activation::Erf, OutputScaling::Committee);
        close(generalisation_error(&problem, &problem.limit_start()).unwrap(), expected, 5e-11, "e_g");
    }
}

/// Every activation and output scaling against the mean over samples of (teacher - student)^2/2, within 4
/// standard errors: 24 comparisons, 0.002 false alarms expected.
#[test]
fn generalisation_error_is_half_the_mean_squared_difference() {
    const SAMPLES: usize = 40_000;
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(5);
    let c = six_fields().view((0, 0), (5, 5)).into_owned();
    let overlaps = Overlaps {
        q: c.view((0, 0), (3, 3)).into_owned(),
        r: c.view((0, 3), (3, 2)).into_owned(),
        t: c.view((3, 3), (2, 2)).into_owned(),
        v: DVector::from_vec(vec![0.7, -1.3, 0.4]),
        v_star: DVector::from_vec(vec![1.9, -0.6]),
    };
    let l = c.cholesky().expect("a covariance").l();
    for &(name, _) in Activation::CHOICES {
        let g = Activation::from_name(name).unwrap();
        for output in [OutputScaling::Committee, OutputScaling::Normalised, OutputScaling::MeanField] {
            let problem = committee(3, g, output);
            let (mut sum, mut squares) = (0.0, 0.0);
            for _ in 0..SAMPLES {
                let u = &l * DVector::<f64>::from_fn(5, |_, _| StandardNormal.sample(&mut rng));
                let student: f64 = (0..3).map(|i| overlaps.v[i] * g.value(u[i])).sum();
                let teacher: f64 = (0..2).map(|n| overlaps.v_star[n] * g.value(u[3 + n])).sum();
                let (student, teacher) = match output {
                    OutputScaling::Committee => (student, teacher),
                    OutputScaling::Normalised | OutputScaling::MeanField => (student / 3.0, teacher / 2.0),
                };
                let loss = 0.5 * (teacher - student).powi(2);
                sum += loss;
                squares += loss * loss;
            }
            let mean = sum / SAMPLES as f64;
            let error = ((squares / SAMPLES as f64 - mean * mean) / SAMPLES as f64).sqrt();
            close(generalisation_error(&problem, &overlaps).unwrap(), mean, 4.0 * error, name);
        }
    }
}
