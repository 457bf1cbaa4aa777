//! Observables of the factors.

use super::reduced::{Reduced, numerical};
use super::{Rules, recursion};
use crate::linalg::{product_transpose, symmetric_eigen, transpose_product};
use crate::problem::matrix_sensing::{Limit, MatrixSensing};
use crate::theory::LawError;
use nalgebra::DMatrix;

pub(super) enum Target {
    Error,
    ScaledError,
    Rate,
    Strength(usize),
    Excess,
    Imbalance(usize),
    Restricted,
    FinalRate,
}

impl Target {
    pub fn parse(name: &str, problem: &MatrixSensing) -> Option<Self> {
        let asymmetric = !problem.is_symmetric();
        match name.split_once('[') {
            None => match name {
                "error" => Some(Self::Error),
                "scaled_error" => Some(Self::ScaledError),
                "rate" => Some(Self::Rate),
                "excess" => Some(Self::Excess),
                "final_rate" if asymmetric => Some(Self::FinalRate),
                "restricted_eigenvalue" if asymmetric && problem.excess() > 0 => Some(Self::Restricted),
                _ => None,
            },
            Some((family, rest)) => {
                let index = rest.trim_end_matches(']').parse::<usize>().ok()?.checked_sub(1)?;
                match family {
                    "strength" if index < problem.rank() => Some(Self::Strength(index)),
                    "imbalance" if asymmetric && index < problem.columns => Some(Self::Imbalance(index)),
                    _ => None,
                }
            }
        }
    }
}

/// -1/2 d ln |W - M|^2 / dt: of the flow, or over the next update of the recursion.
fn rate(state: &Reduced, problem: &MatrixSensing, factor: f64) -> f64 {
    let gap = state.gap();
    if let Limit::Measurements { step } = problem.limit {
        let next = recursion::next(state, factor * step).gap();
        return -0.5 * libm::log(next.norm_squared() / gap.norm_squared()) / step;
    }
    let right = state.right();
    let (df, dg) = (state.pull(&state.f, right), state.pull(right, &state.f));
    let moved = product_transpose(&df, right) + product_transpose(&state.f, &dg);
    -factor * gap.dot(&moved) / gap.norm_squared()
}

pub(super) fn read(
    state: &Reduced,
    problem: &MatrixSensing,
    targets: &[Target],
    time: f64,
    rules: Rules,
) -> Result<Vec<f64>, LawError> {
    let gap = state.gap();
    let r = problem.rank();
    // A planted fault on the columns leaves the start's own.
    let excess = problem.excess().min(state.f.ncols() - 1);
    let imbalance =
        || transpose_product(&state.f, &state.f) - transpose_product(state.right(), state.right());
    let eigenvalues = |a: &DMatrix<f64>| symmetric_eigen(a).map(|eigen| eigen.values).map_err(numerical);
    let value = |target: &Target| {
        Ok(match *target {
            Target::Error => gap.norm_squared(),
            Target::ScaledError => time * time * gap.norm_squared(),
            Target::Rate => rate(state, problem, rules.rate),
            Target::Strength(i) => gap[(i, i)] + problem.strengths[i],
            Target::Excess => gap.view_range(r.., r..).norm_squared(),
            Target::Imbalance(i) => eigenvalues(&imbalance())?[i],
            Target::FinalRate => {
                let left = eigenvalues(&transpose_product(&state.f, &state.f))?;
                let right = eigenvalues(&transpose_product(state.right(), state.right()))?;
                left[0].min(right[excess])
            }
            Target::Restricted if !rules.restricts => eigenvalues(&imbalance())?[0],
            Target::Restricted => {
                let right = symmetric_eigen(&transpose_product(state.right(), state.right()));
                let null = right.map_err(numerical)?.vectors.columns(0, excess).into_owned();
                eigenvalues(&transpose_product(&null, &(imbalance() * &null)))?[0]
            }
        })
    };
    targets.iter().map(value).collect()
}
