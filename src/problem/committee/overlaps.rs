//! Order parameters of the committee problem.

use nalgebra::{DMatrix, DVector};

/// Q = w w^T/d (K x K), R = w w*^T/d (K x M), T = w* w*^T/d (M x M), second layers v (K) and v* (M).
#[derive(Clone, Debug, PartialEq)]
pub struct Overlaps {
    pub q: DMatrix<f64>,
    pub r: DMatrix<f64>,
    pub t: DMatrix<f64>,
    pub v: DVector<f64>,
    pub v_star: DVector<f64>,
}

impl Overlaps {
    pub fn student_width(&self) -> usize {
        self.q.nrows()
    }

    pub fn teacher_width(&self) -> usize {
        self.t.nrows()
    }

    /// C = [[Q, R], [R^T, T]], the covariance of all fields, students first.
    pub fn covariance(&self) -> DMatrix<f64> {
        let (k, m) = self.r.shape();
        let mut c = DMatrix::zeros(k + m, k + m);
        c.view_mut((0, 0), (k, k)).copy_from(&self.q);
        c.view_mut((0, k), (k, m)).copy_from(&self.r);
        c.view_mut((k, 0), (m, k)).copy_from(&self.r.transpose());
        c.view_mut((k, k), (m, m)).copy_from(&self.t);
        c
    }

    /// Norm of the doubly centred part of R, R_in - row mean - column mean + mean: what tells units apart that specialise
    /// from units that all do the same. 0 with a single student or teacher unit.
    pub fn specialisation(r: &DMatrix<f64>) -> f64 {
        let (rows, columns, mean) = (r.column_mean(), r.row_mean(), r.mean());
        let centred = |(i, n): (usize, usize)| r[(i, n)] - rows[i] - columns[n] + mean;
        let entries = (0..r.nrows()).flat_map(|i| (0..r.ncols()).map(move |n| (i, n)));
        entries.map(|at| centred(at).powi(2)).sum::<f64>().sqrt()
    }

    /// Whether [`Overlaps::specialisation`] exceeds one half: past the plateau, for teachers of unit norm.
    pub fn is_specialised(r: &DMatrix<f64>) -> bool {
        Self::specialisation(r) > 0.5
    }

    /// The same overlaps for other widths: surplus units are dropped from the end, missing ones are added
    /// orthogonal to all others with the norm and second-layer weight of the last unit.
    pub fn resized(&self, student_width: usize, teacher_width: usize) -> Self {
        let (k, m) = self.r.shape();
        if (k, m) == (student_width, teacher_width) {
            return self.clone();
        }
        let square = |a: &DMatrix<f64>, n: usize, old: usize| {
            DMatrix::from_fn(n, n, |i, j| {
                if i < old && j < old {
                    a[(i, j)]
                } else if i == j {
                    a[(old - 1, old - 1)]
                } else {
                    0.0
                }
            })
        };
        let line = |a: &DVector<f64>, n: usize| DVector::from_fn(n, |i, _| a[i.min(a.len() - 1)]);
        Self {
            q: square(&self.q, student_width, k),
            r: DMatrix::from_fn(student_width, teacher_width, |i, n| {
                if i < k && n < m { self.r[(i, n)] } else { 0.0 }
            }),
            t: square(&self.t, teacher_width, m),
            v: line(&self.v, student_width),
            v_star: line(&self.v_star, teacher_width),
        }
    }
}
