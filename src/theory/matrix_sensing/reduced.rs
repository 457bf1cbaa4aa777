//! Factors with the rows that matter.

use crate::linalg::{LinalgError, product_transpose, svd};
use crate::problem::matrix_sensing::{Cure, Factors, MatrixSensing};
use crate::theory::LawError;
use nalgebra::DMatrix;

/// X, or F and G, in the basis of the target: the first r rows as they are, the others rotated into at most k.
#[derive(Clone, Debug, PartialEq)]
pub struct Reduced {
    pub f: DMatrix<f64>,
    pub g: Option<DMatrix<f64>>,
    /// s_1, ..., s_r.
    pub strengths: Vec<f64>,
}

pub(super) fn numerical(error: LinalgError) -> LawError {
    LawError::Integration { reason: error.to_string() }
}

fn compressed(x: &DMatrix<f64>, rank: usize) -> Result<DMatrix<f64>, LawError> {
    let (rows, k) = x.shape();
    if rows <= rank + k {
        return Ok(x.clone());
    }
    let null = svd(&x.rows(rank, rows - rank).into_owned()).map_err(numerical)?;
    let mut kept = x.rows(0, rank + k).into_owned();
    for i in 0..k {
        kept.row_mut(rank + i).copy_from(&(null.v_t.row(i) * null.values[i]));
    }
    Ok(kept)
}

impl Reduced {
    /// # Errors
    /// [`LawError::Start`] if shapes do not fit the problem, [`LawError::Integration`] if entries are not finite.
    pub fn new(problem: &MatrixSensing, factors: &Factors, null_space: bool) -> Result<Self, LawError> {
        let k = factors.f.ncols();
        let expected = (problem.dimension, k);
        let right = factors.g.as_ref().map(DMatrix::shape);
        let fits = factors.f.shape() == expected
            && right.is_none() == problem.is_symmetric()
            && right.is_none_or(|shape| shape == (problem.width(), k));
        if !fits {
            let reason = format!("factors of {:?} and {right:?} for {expected:?}", factors.f.shape());
            return Err(LawError::Start { reason });
        }
        let rank = problem.rank();
        let reduce = |x: &DMatrix<f64>| {
            let mut kept = compressed(x, rank)?;
            if !null_space {
                kept.rows_mut(rank, kept.nrows() - rank).fill(0.0);
            }
            Ok::<_, LawError>(kept)
        };
        let g = factors.g.as_ref().map(reduce).transpose()?;
        Ok(Self { f: reduce(&factors.f)?, g, strengths: problem.strengths.clone() })
    }

    /// G, or X.
    pub fn right(&self) -> &DMatrix<f64> {
        self.g.as_ref().unwrap_or(&self.f)
    }

    /// W - M.
    pub fn gap(&self) -> DMatrix<f64> {
        let mut gap = product_transpose(&self.f, self.right());
        for (i, s) in self.strengths.iter().enumerate() {
            gap[(i, i)] -= s;
        }
        gap
    }

    /// M G - F (G^T G), the flow of `own` against `other`.
    pub(super) fn pull(&self, own: &DMatrix<f64>, other: &DMatrix<f64>) -> DMatrix<f64> {
        let mut flow = -(own * (other.transpose() * other));
        for (i, s) in self.strengths.iter().enumerate() {
            let row = flow.row(i) + other.row(i) * *s;
            flow.row_mut(i).copy_from(&row);
        }
        flow
    }

    /// F = U S V^T becomes scale U, and G becomes G V S / scale.
    ///
    /// Columns of U without a singular value are others in reduced rows than in all of them: `checked` refuses those.
    pub(super) fn cured(&self, cure: Cure, checked: bool) -> Result<Self, LawError> {
        let Some(g) = &self.g else { return Ok(self.clone()) };
        let parts = svd(&self.f).map_err(numerical)?;
        if let Some(reason) = cure.undefined(&parts.values).filter(|_| checked) {
            return Err(LawError::Uncovered { reason });
        }
        let scale = cure.scale;
        let turned = g * parts.v_t.transpose() * DMatrix::from_diagonal(&(&parts.values / scale));
        Ok(Self { f: parts.u * scale, g: Some(turned), strengths: self.strengths.clone() })
    }
}
