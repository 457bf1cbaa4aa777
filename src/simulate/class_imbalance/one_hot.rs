//! One-hot inputs: weights as a matrix, or as the different numbers in it.

use super::{Classifier, Reading};
use crate::problem::class_imbalance::ClassImbalance;

/// Own weights, then the weight that the other c - 1 rows of each column share, once for all classes of one frequency.
///
/// From zero, the rows other than k of column k receive equal gradients in every update, and so do columns of equal
/// frequency; every optimiser acts on each weight alone or on the norm of all. They stay equal to the last bit.
pub(super) struct Paired {
    /// Distinct frequencies, and how many classes have each.
    shares: Vec<f64>,
    counts: Vec<f64>,
    /// Which frequency every class has.
    which: Vec<usize>,
    /// c - 1.
    others: f64,
    weights: Vec<f64>,
    gradient: Vec<f64>,
}

impl Paired {
    pub fn new(problem: &ClassImbalance) -> Self {
        // Shares descend: equal ones are neighbours.
        let (mut shares, mut counts, mut which) = (Vec::new(), Vec::new(), Vec::new());
        for &share in &problem.shares {
            if shares.last() == Some(&share) {
                if let Some(count) = counts.last_mut() {
                    *count += 1.0;
                }
            } else {
                shares.push(share);
                counts.push(1.0);
            }
            which.push(shares.len() - 1);
        }
        let weights = 2 * shares.len();
        Self {
            others: (problem.classes() - 1) as f64,
            shares,
            counts,
            which,
            weights: vec![0.0; weights],
            gradient: vec![0.0; weights],
        }
    }
}

impl Classifier for Paired {
    fn gradient(&mut self) -> f64 {
        let n = self.shares.len();
        let others = self.others;
        let (own, other) = self.gradient.split_at_mut(n);
        let (own_weight, other_weight) = self.weights.split_at(n);
        let mut squared = 0.0;
        for k in 0..n {
            let (of_label, of_other) = weigh(own_weight[k], other_weight[k]);
            let total = of_label + others * of_other;
            // The probability that the label lacks, without 1 - p.
            own[k] = -self.shares[k] * (others * of_other) / total;
            other[k] = self.shares[k] * of_other / total;
            squared += self.counts[k] * (own[k] * own[k] + others * other[k] * other[k]);
        }
        let counts = self.counts.iter();
        let pairs = own.iter().zip(other.iter()).zip(counts);
        super::length(squared, pairs.flat_map(|((own, other), n)| [(*own, *n), (*other, n * others)]))
    }

    fn parts(&mut self) -> (&mut [f64], &[f64]) {
        (&mut self.weights, &self.gradient)
    }

    fn read(&mut self, class: usize) -> Reading {
        let k = self.which[class];
        let (own, other) = (self.weights[k], self.weights[self.shares.len() + k]);
        let (of_label, of_other) = weigh(own, other);
        let logit = own - own.max(other);
        Reading { loss: cross_entropy(logit, of_label, self.others * of_other), margin: own - other }
    }
}

/// Exponentials of two logits, the larger one 1.
fn weigh(own: f64, other: f64) -> (f64, f64) {
    let highest = own.max(other);
    (libm::exp(own - highest), libm::exp(other - highest))
}

/// -ln of the label's probability, from its logit below the highest one and the exponentials.
pub(super) fn cross_entropy(logit: f64, of_label: f64, rest: f64) -> f64 {
    // The label is the highest one: ln(1 + rest) keeps its digits where rest is small.
    if logit == 0.0 { libm::log1p(rest) } else { libm::log(of_label + rest) - logit }
}

/// The whole matrix, column k the logits of input e_k.
pub(super) struct Dense {
    shares: Vec<f64>,
    weights: Vec<f64>,
    gradient: Vec<f64>,
}

impl Dense {
    pub fn new(problem: &ClassImbalance) -> Self {
        let c = problem.classes();
        Self { shares: problem.shares.clone(), weights: vec![0.0; c * c], gradient: vec![0.0; c * c] }
    }
}

impl Classifier for Dense {
    fn gradient(&mut self) -> f64 {
        let c = self.shares.len();
        let columns = self.weights.chunks_exact(c).zip(self.gradient.chunks_exact_mut(c));
        let mut squared = 0.0;
        for ((k, (logits, gradient)), share) in columns.enumerate().zip(&self.shares) {
            super::residual(logits, k, *share, gradient);
            squared += gradient.iter().map(|g| g * g).sum::<f64>();
        }
        super::length(squared, self.gradient.iter().map(|g| (*g, 1.0)))
    }

    fn parts(&mut self) -> (&mut [f64], &[f64]) {
        (&mut self.weights, &self.gradient)
    }

    fn read(&mut self, class: usize) -> Reading {
        let c = self.shares.len();
        super::reading(&self.weights[class * c..(class + 1) * c], class)
    }
}
