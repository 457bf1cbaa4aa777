//! Polynomial links: all averages are polynomials in (h, z), exact at finitely many nodes.

use super::readings::Pulled;
use crate::problem::single_index::SingleIndex;
use crate::theory::linear_noise::Process;
use crate::theory::linear_noise::jet::Scalar;
use gauss_quad::GaussHermite;
use nalgebra::DMatrix;
use std::f64::consts::{PI, SQRT_2};

pub struct Sphere {
    rate: f64,
    /// 1, or 0 with the fault "drop=V".
    second_order: f64,
    noise_variance: f64,
    directions: usize,
    /// Power series of s*/sqrt p, s and s'.
    label: Vec<f64>,
    student: Vec<f64>,
    slope: Vec<f64>,
    /// k c_k a_k/sqrt p of m^(k-1).
    pull: Vec<f64>,
    /// Nodes (h, z_1..z_p) and weights.
    nodes: Vec<(Vec<f64>, f64)>,
    keep_mean_square: bool,
}

/// Moments of g over the label noise at a node, and u.
struct Node<S> {
    first: S,
    second: S,
    third: S,
    fourth: S,
    u: Vec<S>,
}

fn horner<S: Scalar>(series: &[f64], x: S) -> S {
    series.iter().rev().fold(S::constant(0.0), |sum, &a| sum * x + a)
}

impl Sphere {
    pub fn new(problem: &SingleIndex, faults: &[String]) -> Option<Self> {
        let (link, student) = (problem.link.as_polynomial()?, problem.student.as_polynomial()?);
        let p = problem.directions;
        let has = |name: &str| faults.iter().any(|fault| fault == name);
        let degree = link.powers().len().max(student.powers().len()) - 1;
        // g^4 u u has this degree in every variable.
        let top = 4 * (degree + student.powers().len().saturating_sub(2)) + 2;
        let rule = GaussHermite::new((top / 2 + 1).max(2).try_into().ok()?);
        let points: Vec<(f64, f64)> = rule.iter().map(|&(x, w)| (SQRT_2 * x, w / PI.sqrt())).collect();
        let nodes = (0..points.len().pow(p as u32 + 1)).map(|index| {
            let (mut rest, mut weight) = (index, 1.0);
            let coordinates = (0..=p).map(|_| {
                let (x, w) = points[rest % points.len()];
                rest /= points.len();
                weight *= w;
                x
            });
            (coordinates.collect::<Vec<f64>>(), weight)
        });
        let nodes = nodes.collect();
        let products = student.hermite().iter().zip(link.hermite()).enumerate().skip(1);
        let pull = products.map(|(k, (a, c))| k as f64 * a * c / (p as f64).sqrt()).collect();
        Some(Self {
            rate: problem.learning_rate,
            second_order: if has("drop=V") { 0.0 } else { 1.0 },
            noise_variance: if has("drop=noise") { 0.0 } else { problem.noise_variance },
            directions: p,
            label: link.powers().iter().map(|a| a / (p as f64).sqrt()).collect(),
            student: student.powers().to_vec(),
            slope: student.derivative().powers().to_vec(),
            pull,
            nodes,
            keep_mean_square: has("drop=mean-square"),
        })
    }

    fn node<S: Scalar>(&self, m: &[S], node: &[f64]) -> Node<S> {
        let (h, z) = (node[0], &node[1..]);
        let square = m.iter().fold(S::constant(0.0), |sum, &m| sum + m * m);
        let own = (-square + 1.0).sqrt();
        let along = m.iter().zip(z).fold(S::constant(0.0), |sum, (&m, &z)| sum + m * z) / (own + 1.0);
        let u: Vec<S> = m.iter().zip(z).map(|(&m, &z)| -(m * along) + z).collect();
        let label =
            m.iter().zip(&u).fold(S::constant(0.0), |sum, (&m, &u)| sum + horner(&self.label, m * h + u));
        let error = label + -horner(&self.student, h);
        let slope = horner(&self.slope, h);
        let (delta, square) = (self.noise_variance, error * error);
        Node {
            first: error * slope,
            second: (square + delta) * slope.powi(2),
            third: error * (square + 3.0 * delta) * slope.powi(3),
            fourth: (square * square + square * (6.0 * delta) + 3.0 * delta * delta) * slope.powi(4),
            u,
        }
    }
}

impl Pulled for Sphere {
    fn pull<S: Scalar>(&self, m: S) -> S {
        horner(&self.pull, m)
    }
}

impl Process for Sphere {
    fn dimension(&self) -> usize {
        self.directions
    }

    fn extent(&self, _: &[f64]) -> f64 {
        1.0
    }

    fn drift<S: Scalar>(&self, m: &[S], out: &mut [S]) {
        out.fill(S::constant(0.0));
        let half = -0.5 * self.second_order * self.rate * self.rate;
        for (node, weight) in &self.nodes {
            let at = self.node(m, node);
            for ((out, &m), &u) in out.iter_mut().zip(m).zip(&at.u) {
                *out = *out + (at.first * u * self.rate + at.second * m * half) * *weight;
            }
        }
    }

    fn correction(&self, m: &[f64], out: &mut [f64]) {
        out.fill(0.0);
        let rate = self.rate;
        for (node, weight) in &self.nodes {
            let at = self.node(m, node);
            let excess = node[1..].iter().map(|z| z * z).sum::<f64>() - 1.0 - self.directions as f64;
            for ((out, &m), &u) in out.iter_mut().zip(m).zip(&at.u) {
                *out += weight
                    * (-0.5 * rate.powi(2) * at.second * m * excess - 0.5 * rate.powi(3) * at.third * u
                        + 0.375 * rate.powi(4) * at.fourth * m);
            }
        }
    }

    fn noise(&self, m: &[f64], out: &mut DMatrix<f64>) {
        let p = self.directions;
        let (rate, half) = (self.rate, -0.5 * self.second_order * self.rate * self.rate);
        out.fill(0.0);
        for (node, weight) in &self.nodes {
            let at = self.node(m, node);
            for j in 0..p {
                for l in j..p {
                    let mixed = rate * half * at.third * (at.u[j] * m[l] + at.u[l] * m[j]);
                    let square = rate * rate * at.second * at.u[j] * at.u[l];
                    out[(j, l)] += weight * (square + mixed + half * half * at.fourth * m[j] * m[l]);
                }
            }
        }
        let mut mean = vec![0.0; p];
        self.drift(m, &mut mean);
        for j in 0..p {
            for l in j..p {
                if !self.keep_mean_square {
                    out[(j, l)] -= mean[j] * mean[l];
                }
                out[(l, j)] = out[(j, l)];
            }
        }
    }
}
