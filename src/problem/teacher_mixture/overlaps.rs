//! Order parameters of the teacher-mixture problem.

use nalgebra::{DMatrix, DVector};

/// Overlaps of the student W with teachers W_T^c and means mu_c, and of those among each other, all divided by
/// d, and the student's bias.
#[derive(Clone, Debug, PartialEq)]
pub struct Overlaps {
    /// |W|^2/d.
    pub q: f64,
    /// W.W_T^c/d (C).
    pub r: DVector<f64>,
    /// W.mu_c/d (C).
    pub m: DVector<f64>,
    pub b: f64,
    /// W_T^c.W_T^j/d (C x C).
    pub t: DMatrix<f64>,
    /// W_T^j.mu_c/d, row j of teachers, column c of means.
    pub s: DMatrix<f64>,
    /// mu_a.mu_c/d (C x C).
    pub u: DMatrix<f64>,
}

impl Overlaps {
    /// C.
    pub fn groups(&self) -> usize {
        self.t.nrows()
    }

    /// Gram matrix of teachers, then means.
    pub fn fixed_gram(&self) -> DMatrix<f64> {
        let c = self.groups();
        let mut gram = DMatrix::zeros(2 * c, 2 * c);
        gram.view_mut((0, 0), (c, c)).copy_from(&self.t);
        gram.view_mut((0, c), (c, c)).copy_from(&self.s);
        gram.view_mut((c, 0), (c, c)).copy_from(&self.s.transpose());
        gram.view_mut((c, c), (c, c)).copy_from(&self.u);
        gram
    }

    /// Gram matrix of the student, then teachers, then means.
    pub fn gram(&self) -> DMatrix<f64> {
        let c = self.groups();
        let mut gram = DMatrix::zeros(1 + 2 * c, 1 + 2 * c);
        gram.view_mut((1, 1), (2 * c, 2 * c)).copy_from(&self.fixed_gram());
        gram[(0, 0)] = self.q;
        for j in 0..c {
            for (at, value) in [(1 + j, self.r[j]), (1 + c + j, self.m[j])] {
                gram[(0, at)] = value;
                gram[(at, 0)] = value;
            }
        }
        gram
    }
}
