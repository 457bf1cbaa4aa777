//! The orthonormal basis q_j of the gradients so far.

use super::algebra::add;
use super::kernels::dot;

/// q_j over the pool.
#[derive(Clone, Debug)]
pub(super) enum Past {
    /// A field without one.
    None,
    At(usize),
    Coefficients(Vec<f64>),
}

#[derive(Clone, Debug)]
pub(super) struct Field {
    /// Position of e_j in the pool.
    pub e: usize,
    pub q: Past,
}

/// <g q_j> of a gradient with these coordinates over an orthonormal pool, and the q that is new.
pub(super) fn along_basis(
    fields: &[Field],
    coordinate: &[f64],
    least: f64,
) -> (Vec<f64>, Option<(Past, f64)>) {
    let mut rest = coordinate.to_vec();
    let mut along = vec![0.0; fields.len()];
    for _ in 0..2 {
        for (sum, field) in along.iter_mut().zip(fields) {
            if let Past::Coefficients(q) = &field.q {
                let part = dot(q, &rest[..q.len()]);
                *sum += part;
                add(&mut rest, -part, q);
            }
        }
    }
    let left = dot(&rest, &rest);
    let addition = (left > least).then(|| {
        let length = left.sqrt();
        rest.iter_mut().for_each(|x| *x /= length);
        (Past::Coefficients(rest), length)
    });
    (along, addition)
}

/// The same where every q_j stands in the pool itself.
pub(super) fn along_listed(
    fields: &[Field],
    coordinate: &[f64],
    pool: usize,
    new: &[f64],
    least: f64,
) -> (Vec<f64>, Option<(Past, f64)>) {
    let along = |field: &Field| match field.q {
        Past::At(i) => coordinate[i],
        _ => 0.0,
    };
    let known = fields.iter().filter(|f| matches!(f.q, Past::At(i) if i >= pool)).count();
    let length = new.get(known).copied();
    let addition = length.filter(|l| l * l > least);
    (fields.iter().map(along).collect(), addition.map(|length| (Past::At(pool + known), length)))
}
