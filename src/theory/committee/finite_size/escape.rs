//! Escape from the specialisation plateau at finite d.
//!
//! From a start that treats all student units alike (R = 0, Q = s0 I, T = tau I, equal second layers) the law of
//! infinite d stays on the symmetric manifold for ever. The doubly centred part of R,
//!
//! A_in = R_in - row mean - column mean + mean,   n = (K - 1)(M - 1) numbers,
//!
//! is alone in its representation of the permutations: along the symmetric trajectory it decouples,
//!
//! A' = l(t) A + noise of power D_A,   l = u^T J u,   D_A = u^T D u,   Lambda = int l,
//!
//! S(t) = S(0) + int_0^t exp(-2 Lambda) D_A -> S_inf,   sqrt d A exp(-Lambda) -> N(0, S) in every component,
//!
//! with S(0) = s0 tau for random weights and 0 for a given start. All noise in the unstable direction is therefore in
//! an *effective initial condition*: X_d(t) ~ X(t; X0 + a0 + sqrt(S_inf/d) G), G of independent N(0, 1).

use super::step::{Coordinate, Overlapping};
use crate::ode::{self, OdeError};
use crate::theory::linear_noise::jet::{Jet, Scalar};
use crate::theory::linear_noise::{LinearNoise, Process, State, Weights};
use gauss_quad::GaussLegendre;
use nalgebra::{DMatrix, DVector};
use std::convert::Infallible;

/// The symmetric trajectory and what grows beside it.
#[derive(Clone, Debug, PartialEq)]
pub struct Plateau {
    /// An orthonormal basis of the directions that grow, u the first of them.
    pub directions: Vec<DVector<f64>>,
    /// Growth rate of A at the saddle.
    pub rate: f64,
    /// S_inf.
    pub effective_variance: f64,
    /// lim Lambda - rate t.
    pub log_growth: f64,
    /// D_A at the saddle.
    pub noise: f64,
    /// State at the saddle.
    pub saddle: Vec<f64>,
}

/// Why a process has no symmetric plateau, or none that is left.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum NoPlateau {
    #[error("a student and a teacher of two units at least are needed")]
    TooFewUnits,
    #[error("the start tells student units apart, beyond their overlaps with single teacher units")]
    Asymmetric,
    #[error("the symmetric state is not reached by t = {0:.3e}")]
    NoSaddle(f64),
    #[error("the symmetric state is stable: nothing escapes")]
    Stable,
}

/// Position of Q diagonal, Q off the diagonal and R on the symmetric manifold.
#[derive(Clone, Copy)]
struct Symmetric {
    norm: f64,
    overlap: f64,
    teacher: f64,
}

impl Symmetric {
    fn expand(self, process: &Overlapping) -> Vec<f64> {
        process
            .coordinates
            .iter()
            .map(|&coordinate| match coordinate {
                Coordinate::Q(i, k) if i == k => self.norm,
                Coordinate::Q(..) => self.overlap,
                Coordinate::R(..) => self.teacher,
                Coordinate::T(n, p) => process.teacher_overlap(n, p),
                Coordinate::V(i) => process.second_layer(i),
            })
            .collect()
    }

    /// The mean of a state over all permutations of the units.
    fn average(process: &Overlapping, x: &[f64]) -> Self {
        let mean = |select: &dyn Fn(Coordinate) -> bool| {
            let chosen: Vec<f64> =
                process.coordinates.iter().zip(x).filter(|(c, _)| select(**c)).map(|(_, &x)| x).collect();
            chosen.iter().sum::<f64>() / chosen.len() as f64
        };
        Self {
            norm: mean(&|c| matches!(c, Coordinate::Q(i, k) if i == k)),
            overlap: mean(&|c| matches!(c, Coordinate::Q(i, k) if i != k)),
            teacher: mean(&|c| matches!(c, Coordinate::R(..))),
        }
    }
}

/// The doubly centred part of R in `x`, and the largest other departure from symmetry.
pub fn asymmetry(process: &Overlapping, x: &[f64]) -> (DMatrix<f64>, f64) {
    let (k, m) = process.widths();
    let mean = Symmetric::average(process, x).expand(process);
    let mut r = DMatrix::zeros(k, m);
    let mut other: f64 = 0.0;
    for ((&coordinate, x), mean) in process.coordinates.iter().zip(x).zip(&mean) {
        match coordinate {
            Coordinate::R(i, n) => r[(i, n)] = x - mean,
            _ => other = other.max((x - mean).abs()),
        }
    }
    let rows = r.column_mean();
    let columns = r.row_mean();
    let centred = DMatrix::from_fn(k, m, |i, n| r[(i, n)] - rows[i] - columns[n]);
    other = other.max(rows.amax()).max(columns.amax());
    (centred, other)
}

/// Contrast c of units, of norm one: units 0..=c against unit c + 1.
fn contrast(c: usize, i: usize) -> f64 {
    let norm = (((c + 1) * (c + 2)) as f64).sqrt();
    match i {
        i if i <= c => 1.0 / norm,
        i if i == c + 1 => -((c + 1) as f64) / norm,
        _ => 0.0,
    }
}

/// An orthonormal basis of the doubly centred part of R: products of Helmert contrasts of students and teachers.
pub fn basis(process: &Overlapping) -> Vec<DVector<f64>> {
    let (k, m) = process.widths();
    let vector = |a: usize, b: usize| {
        DVector::from_iterator(
            process.dimension(),
            process.coordinates.iter().map(|&coordinate| match coordinate {
                Coordinate::R(i, n) => contrast(a, i) * contrast(b, n),
                _ => 0.0,
            }),
        )
    };
    (0..k - 1).flat_map(|a| (0..m - 1).map(move |b| (a, b))).map(|(a, b)| vector(a, b)).collect()
}

/// Where the symmetric trajectory is looked for at most.
const LATEST: f64 = 1e6;

/// exp(-2 Lambda) from which on noise adds nothing to S.
const NEGLIGIBLE: f64 = 1e-16;

/// Gauss-Legendre nodes of each stretch of time, the next twice as long.
const NODES: usize = 16;

/// A direction in which one student unit differs from another in its overlaps with all teacher units alike.
fn students_apart(process: &Overlapping) -> DVector<f64> {
    let norm = ((2 * process.widths().1) as f64).sqrt();
    DVector::from_iterator(
        process.dimension(),
        process.coordinates.iter().map(|&coordinate| match coordinate {
            Coordinate::R(0, _) => 1.0 / norm,
            Coordinate::R(1, _) => -1.0 / norm,
            _ => 0.0,
        }),
    )
}

/// The plateau that the symmetric part of `x0` runs into; `variance` is S(0). `swap_block`, a planted fault, takes l
/// from another block.
///
/// # Errors
/// [`NoPlateau`].
pub fn plateau(
    process: &Overlapping,
    x0: &[f64],
    variance: f64,
    tolerance: f64,
    swap_block: bool,
) -> Result<Plateau, NoPlateau> {
    let (k, m) = process.widths();
    if k < 2 || m < 2 {
        return Err(NoPlateau::TooFewUnits);
    }
    let directions = basis(process);
    let u = directions[0].clone();
    let grows = if swap_block { students_apart(process) } else { u.clone() };
    let start = Symmetric::average(process, x0);
    let n = process.dimension();
    let mut noise = DMatrix::zeros(n, n);
    let mut drift = vec![Jet::<1>::constant(0.0); n];
    // l and the drift at a symmetric state.
    let mut local = |y: Symmetric| {
        let x = y.expand(process);
        let input: Vec<Jet<1>> =
            x.iter().zip(grows.iter()).map(|(&x, &u)| Jet { value: x, first: [u], second: [0.0] }).collect();
        process.drift(&input, &mut drift);
        let growth: f64 = drift.iter().zip(grows.iter()).map(|(f, u)| f.first[0] * u).sum();
        let values: Vec<f64> = drift.iter().map(|f| f.value).collect();
        (Symmetric::average(process, &values), growth)
    };
    let mut power = |y: Symmetric| {
        process.noise(&y.expand(process), &mut noise);
        u.dot(&(&noise * &u))
    };
    let symmetric = |y: &[f64]| Symmetric { norm: y[0], overlap: y[1], teacher: y[2] };
    let rule = GaussLegendre::new(NODES.try_into().expect("more than one node"));
    let mut y = vec![start.norm, start.overlap, start.teacher, 0.0];
    let mut gathered = variance;
    let (mut t, mut until) = (0.0, 0.25);
    loop {
        let half = 0.5 * (until - t);
        let mut times: Vec<f64> = rule.iter().map(|&(x, _)| t + half * (1.0 + x)).collect();
        times.push(until);
        let mut states = Vec::with_capacity(times.len());
        let outcome = ode::integrate(
            &mut |_t: f64, y: &[f64], dy: &mut [f64]| -> Result<(), Infallible> {
                let (f, growth) = local(symmetric(y));
                dy.copy_from_slice(&[f.norm, f.overlap, f.teacher, growth]);
                Ok(())
            },
            t,
            &y,
            &times,
            &ode::Options { method: ode::Method::Explicit, ..ode::Options::with_tolerance(tolerance) },
            |_, y| states.push(y.to_vec()),
        );
        if outcome.is_err() || states.len() < times.len() {
            return Err(NoPlateau::NoSaddle(t));
        }
        y = states.pop().expect("one state for every time");
        let mut added = 0.0;
        for (&(_, weight), y) in rule.iter().zip(&states) {
            let shrunk = (-2.0 * y[3]).exp();
            if shrunk > NEGLIGIBLE {
                added += half * weight * shrunk * power(symmetric(y));
            }
        }
        gathered += added;
        t = until;
        let (f, growth) = local(symmetric(&y));
        let still = f.norm.abs().max(f.overlap.abs()).max(f.teacher.abs()) < 1e-13;
        if still && growth <= 0.0 {
            return Err(NoPlateau::Stable);
        }
        if still && added <= 1e-12 * gathered {
            let noise = power(symmetric(&y));
            return Ok(Plateau {
                directions,
                rate: growth,
                effective_variance: gathered,
                log_growth: y[3] - growth * t,
                noise,
                saddle: symmetric(&y).expand(process),
            });
        }
        if until >= LATEST {
            return Err(NoPlateau::NoSaddle(until));
        }
        until *= 2.0;
    }
}

/// A second, slower instability beside the escape: with more students than teachers, students may also part in their
/// overlaps with all teachers alike.
pub struct Slower {
    /// Orthonormal directions of R that grow.
    pub directions: Vec<DVector<f64>>,
    /// All directions of the block that they belong to, orthonormal.
    pub block: Vec<DVector<f64>>,
    /// Variance, times d, along a direction of the start that has the effect of all later noise.
    pub gathered: f64,
}

/// Growth over which noise of the slower block is gathered, e^-10 of it left out.
const FOLDS: f64 = 5.0;

/// The slower instability along the symmetric trajectory from `x0`, if there is one.
///
/// # Errors
/// What the integrator reports.
pub fn slower(
    process: &Overlapping,
    x0: &[f64],
    plateau: &Plateau,
) -> Result<Option<Slower>, OdeError<Infallible>> {
    let n = process.dimension();
    let mean = Symmetric::average(process, x0).expand(process);
    let block = students_block(process);
    let direction = block[0].clone();
    let law = LinearNoise::new(process, Weights::default());
    // The top rate of the block by iteration of J + shift.
    let j = law.jacobian(&plateau.saddle);
    let shift = j.amax() * n as f64;
    let mut v = direction.clone();
    for _ in 0..4000 {
        let next = &j * &v + &v * shift;
        // Rounding would grow along the escape, which is faster.
        v.fill(0.0);
        for b in &block {
            v.axpy(b.dot(&next), b, 1.0);
        }
        v /= v.norm();
    }
    let rate = v.dot(&(&j * &v));
    if rate <= 1e-6 {
        return Ok(None);
    }
    // What a unit along the direction grows to, beside the noise that has gathered by then.
    let end = FOLDS / rate;
    let mut y = mean.clone();
    y.extend(direction.iter());
    let mut grown = DVector::zeros(n);
    let mut jets = vec![Jet::<1>::constant(0.0); n];
    ode::integrate(
        &mut |_: f64, y: &[f64], dy: &mut [f64]| -> Result<(), Infallible> {
            let input: Vec<Jet<1>> =
                (0..n).map(|p| Jet { value: y[p], first: [y[n + p]], second: [0.0] }).collect();
            process.drift(&input, &mut jets);
            for p in 0..n {
                dy[p] = jets[p].value;
                dy[n + p] = jets[p].first[0];
            }
            Ok(())
        },
        0.0,
        &y,
        &[end],
        &ode::Options { method: ode::Method::Explicit, ..ode::Options::with_tolerance(1e-9) },
        |_, y| grown = DVector::from_column_slice(&y[n..]),
    )?;
    let start = State { mean, covariance: DMatrix::zeros(n, n), bias: vec![0.0; n] };
    let mut law = law.silence(&plateau.directions);
    let gathered = law.follow(0.0, &start, &[end], 1e-9)?;
    let gathered = v.dot(&(&gathered[0].covariance * &v)) / v.dot(&grown).powi(2);
    let (k, _) = process.widths();
    Ok(Some(Slower { directions: block[..k - 1].to_vec(), block, gathered }))
}

/// Orthonormal contrasts of students, in R with all teachers alike, in Q_ii and in the sums of Q_ik over k.
fn students_block(process: &Overlapping) -> Vec<DVector<f64>> {
    let (k, _) = process.widths();
    let family = |which: usize, a: usize| {
        let mut vector = DVector::from_iterator(
            process.dimension(),
            process.coordinates.iter().map(|&coordinate| match (which, coordinate) {
                (0, Coordinate::R(i, _)) => contrast(a, i),
                (1, Coordinate::Q(i, j)) if i == j => contrast(a, i),
                (2, Coordinate::Q(i, j)) if i != j => contrast(a, i) + contrast(a, j),
                _ => 0.0,
            }),
        );
        let norm = vector.norm();
        if norm > 0.0 {
            vector /= norm;
        }
        vector
    };
    let families = if k > 2 { 3 } else { 2 };
    (0..families).flat_map(|which| (0..k - 1).map(move |a| (which, a))).map(|(w, a)| family(w, a)).collect()
}
