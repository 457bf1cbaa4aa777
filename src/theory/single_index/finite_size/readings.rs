//! What is read off the overlaps, on numbers that carry derivatives.

use super::super::{Observable, overlap};
use crate::problem::single_index::SingleIndex;
use crate::problem::single_index::risk::Constants;
use crate::theory::linear_noise::State;
use crate::theory::linear_noise::jet::Scalar;

/// A process whose loss has the slope -G(m_j) in every overlap.
pub trait Pulled {
    /// G = <dy/dh* s'(h)> at overlap m.
    fn pull<S: Scalar>(&self, m: S) -> S;
}

pub struct Readings<'a, P> {
    problem: &'a SingleIndex,
    process: &'a P,
    constants: Constants,
}

impl<'a, P: Pulled> Readings<'a, P> {
    pub fn new(problem: &'a SingleIndex, process: &'a P) -> Self {
        Self { problem, process, constants: Constants::new(problem) }
    }

    pub fn value<S: Scalar>(&self, observable: Observable, m: &[S]) -> S {
        match observable {
            Observable::M(j) => m[j],
            Observable::Overlap => {
                let largest = m[largest(m.iter().map(|m| m.value()))];
                if largest.value() < 0.0 { -largest } else { largest }
            }
            _ => {
                let plain: Vec<f64> = m.iter().map(|m| m.value()).collect();
                let slopes: Vec<(S, S)> = m.iter().map(|&m| (-self.process.pull(m), m)).collect();
                S::with_gradient(self.constants.loss(self.problem, &plain), &slopes)
            }
        }
    }
}

/// Index of the largest modulus.
fn largest(m: impl Iterator<Item = f64>) -> usize {
    m.enumerate().fold((0, 0.0), |top, (j, m)| if m.abs() > top.1 { (j, m.abs()) } else { top }).0
}

/// Standard deviations of the distance from a kink within which an expansion crosses it.
const NEAR: f64 = 3.0;

/// Whether runs at size `d` reach a kink of the largest modulus: 0, or an overlap as large as the largest one.
pub fn is_at_kink(state: &State, d: f64) -> bool {
    let (m, covariance) = (&state.mean, &state.covariance);
    let j = largest(m.iter().copied());
    let near = |gap: f64, variance: f64| gap * gap <= NEAR * NEAR * variance / d;
    let equal = |l: usize| {
        let both = covariance[(j, l)] * m[j].signum() * m[l].signum();
        near(m[j].abs() - m[l].abs(), covariance[(j, j)] + covariance[(l, l)] - 2.0 * both)
    };
    near(m[j], covariance[(j, j)]) || (0..m.len()).any(|l| l != j && equal(l))
}

/// Whether the largest modulus has a kink at `m` itself.
pub fn is_kink(m: &[f64]) -> bool {
    overlap(m) == 0.0 || m.iter().filter(|x| x.abs() == overlap(m)).count() > 1
}
