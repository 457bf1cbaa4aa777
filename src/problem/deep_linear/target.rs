//! The map that a deep linear network learns.

use nalgebra::DMatrix;

/// A = scale U diag(s) V^T, without the scale.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// Stated mode strengths s on orthonormal modes.
    Modes { strengths: Vec<f64>, basis: Basis },
    /// A itself, N_L x N_0.
    Given { map: DMatrix<f64> },
    /// Items are the leaves of a binary tree, one-hot as inputs. Every node is an output that is on for the
    /// items below it.
    Tree { levels: usize },
}

/// Where the modes of a target with stated strengths point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// Mode i is input i and output i.
    Axes,
    /// Uniformly random orthonormal modes, redrawn in every replica.
    Random,
}

/// U (N_L x r), s and V (N_0 x r).
#[derive(Clone, Debug, PartialEq)]
pub struct Factors {
    pub left: DMatrix<f64>,
    pub strengths: Vec<f64>,
    pub right: DMatrix<f64>,
}

impl Target {
    /// The number of modes r for these numbers of inputs and outputs.
    pub fn modes(&self, inputs: usize, outputs: usize) -> usize {
        match self {
            Self::Modes { strengths, .. } => strengths.len(),
            Self::Given { .. } => inputs.min(outputs),
            Self::Tree { levels } => 1 << levels,
        }
    }

    pub fn is_random(&self) -> bool {
        matches!(self, Self::Modes { basis: Basis::Random, .. })
    }

    /// Stated strengths descend, no two of them equal. What a given matrix has, its decomposition tells.
    pub fn has_distinct_strengths(&self) -> bool {
        match self {
            Self::Modes { strengths, .. } => strengths.windows(2).all(|pair| pair[0] > pair[1]),
            Self::Given { .. } => true,
            Self::Tree { .. } => false,
        }
    }

    /// The modes where the definition states them: not for a given matrix, nor for random ones.
    pub fn factors(&self, inputs: usize, outputs: usize) -> Option<Factors> {
        match self {
            Self::Modes { strengths, basis: Basis::Axes } => {
                let r = strengths.len();
                Some(Factors {
                    left: DMatrix::identity(outputs, r),
                    strengths: strengths.clone(),
                    right: DMatrix::identity(inputs, r),
                })
            }
            Self::Tree { levels } => Some(tree(*levels)),
            Self::Given { .. } | Self::Modes { basis: Basis::Random, .. } => None,
        }
    }
}

/// The modes of a binary tree of `levels` splits, n = 2^levels items and 2n - 1 nodes, root first and level by level:
/// the mean over all items, then the contrast between the two halves of every node, coarse to fine.
///
/// A contrast at depth l is on for the two halves with opposite signs; the nodes below it that it excites give
/// s^2 = 2^(levels - l) - 1, the mean has s^2 = 2n - 1.
fn tree(levels: usize) -> Factors {
    let items = 1 << levels;
    let nodes = 2 * items - 1;
    // Node k of depth l covers the items k 2^(levels - l), ..., and stands in row 2^l - 1 + k.
    let on = |row: usize, item: usize| {
        let depth = (row + 1).ilog2() as usize;
        let k = row + 1 - (1 << depth);
        item >> (levels - depth) == k
    };
    let map = DMatrix::from_fn(nodes, items, |row, item| if on(row, item) { 1.0 } else { 0.0 });
    let mut right = DMatrix::from_element(items, items, 0.0);
    right.column_mut(0).fill(1.0 / (items as f64).sqrt());
    let mut strengths = vec![(nodes as f64).sqrt()];
    for row in 0..items - 1 {
        let depth = (row + 1).ilog2() as usize;
        let half = 1 << (levels - depth - 1);
        let first = (row + 1 - (1 << depth)) * 2 * half;
        for item in first..first + 2 * half {
            let sign = if item < first + half { 1.0 } else { -1.0 };
            right[(item, row + 1)] = sign / ((2 * half) as f64).sqrt();
        }
        strengths.push(((2 * half - 1) as f64).sqrt());
    }
    let mut left = &map * &right;
    for (mut column, s) in left.column_iter_mut().zip(&strengths) {
        column /= *s;
    }
    Factors { left, strengths, right }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_modes_of_a_tree_are_orthonormal_and_give_its_map() {
        for levels in 1..5 {
            let Factors { left, strengths, right } = tree(levels);
            let n = 1 << levels;
            let off = |m: DMatrix<f64>| (m - DMatrix::identity(n, n)).amax();
            assert!(off(left.transpose() * &left) < 1e-14 && off(right.transpose() * &right) < 1e-14);
            let map = &left * DMatrix::from_diagonal(&strengths.into()) * right.transpose();
            // The root is on for every item, the last node for the last item alone.
            let last = map.nrows() - 1;
            for item in 0..n {
                assert!((map[(0, item)] - 1.0).abs() < 1e-14);
                let leaf = if item == n - 1 { 1.0 } else { 0.0 };
                assert!((map[(last, item)] - leaf).abs() < 1e-14);
            }
            assert_eq!(map.nrows(), 2 * n - 1);
        }
    }
}
