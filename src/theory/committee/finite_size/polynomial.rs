//! Moments of the noise of one SGD step for polynomial units: Gauss-Hermite products, exact at a few nodes.

use gauss_quad::GaussHermite;
use nalgebra::{DMatrix, SymmetricEigen};
use std::f64::consts::{PI, SQRT_2};

/// Calls `visit(u, weight)` for the nodes of a rule for N(0, C) that is exact up to degree 2 `nodes` - 1 in every
/// direction.
pub fn nodes(c: &[f64], fields: usize, nodes: usize, mut visit: impl FnMut(&[f64], f64)) {
    let rule = GaussHermite::new(nodes.try_into().expect("at least two nodes"));
    let points: Vec<(f64, f64)> = rule.iter().map(|&(x, w)| (SQRT_2 * x, w / PI.sqrt())).collect();
    let eigen = SymmetricEigen::new(DMatrix::from_row_slice(fields, fields, c));
    let scale = eigen.eigenvalues.amax() * fields as f64 * f64::EPSILON;
    let axes: Vec<usize> = (0..fields).filter(|&p| eigen.eigenvalues[p] > scale).collect();
    let total = points.len().pow(axes.len() as u32);
    let mut u = vec![0.0; fields];
    for index in 0..total {
        u.fill(0.0);
        let (mut rest, mut weight) = (index, 1.0);
        for &axis in &axes {
            let (x, w) = points[rest % points.len()];
            rest /= points.len();
            weight *= w;
            let length = x * eigen.eigenvalues[axis].sqrt();
            for (u, e) in u.iter_mut().zip(eigen.eigenvectors.column(axis).iter()) {
                *u += length * e;
            }
        }
        visit(&u, weight);
    }
}
