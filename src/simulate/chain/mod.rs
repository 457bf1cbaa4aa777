//! Exact finite-d dynamics of a few vectors among isotropic Gaussian inputs, at a cost that does not depend on
//! d: the engine of the overlap chains.
//!
//! # Setting
//! Moving vectors w_1..w_K and fixed ones w*_1..w*_M in R^d; an algorithm sees inputs x ~ N(0, I_d) only through
//! their fields u = (w_k.x, w*_m.x)/sqrt d and moves w_k along the inputs: w_k <- keep w_k + sum over samples
//! of c_k x, where the c_k depend on fields and on independent noise. Then the overlaps of all vectors are a
//! Markov chain, which [`Frame`] samples. It is the finite-d process itself, not an approximation of it.
//!
//! # The step
//! The vectors have coordinates A in an orthonormal frame f_1..f_n of their span (f_j of length sqrt d, so
//! that A A^T holds the overlaps w.w'/d). An input has independent components z_j = f_j.x/sqrt d ~ N(0, 1) along
//! the frame, which give the fields u = A z, and a rest that is independent of them: its direction is new
//! and does not matter, and the square of its length is chi-square with d - n degrees of freedom. With the new
//! direction as one more frame vector, w_k += c_k x is
//!
//! A_kj += c_k z_j / sqrt d,   A_k,new = c_k r / sqrt d,   r^2 ~ chi^2(d - n).
//!
//! K moving vectors have only K dimensions beside the fixed ones, so rotations of the frame remove the surplus
//! column again. A batch of b samples whose coefficients c (K x b) form the triangle c = L O has the rest c Z
//! ~ L Z' with Z' of K rows: one K x K Wishart factor by Bartlett's method, whatever b; it has fewer columns
//! than rows where d - n < K.
//!
//! # Why coordinates and not the overlaps
//! The overlaps could be moved directly, Q += c u^T + u c^T + |x|^2 c c^T, with fields from a Cholesky factor of
//! [[Q, R], [R^T, T]]. That factor loses half of the digits where vectors coincide, as students that have
//! specialised do, and fails where rounding makes the matrix indefinite. The coordinates are a square root of
//! the overlaps that is never squared: orthogonal rotations keep it triangular, each of them backward stable,
//! so that small components are as accurate as large ones and a rank-deficient matrix is an ordinary one with
//! zeros on its diagonal (rank-one updates of a triangular factor: Gill, Golub, Murray & Saunders, Math. Comput.
//! 28, 505 (1974)).
//!
//! # Cost
//! Per sample K + M normal numbers, one chi-square number, and O(K (K + M)) operations; per batch O(K^3) more.
//! Memory: (K + M + 2)(2 K + M) numbers or less, and K b for no b.

mod columns;
mod wishart;

use crate::problem::scaling::OnePassStep;
use crate::rng::{Gaussians, Stream};
use columns::{Columns, Rotation};
use nalgebra::DMatrix;
use wishart::WishartFactor;

/// Moving and fixed vectors by their coordinates in a moving orthonormal frame; see the module's page.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    /// 1 / sqrt d.
    step: f64,
    /// Coordinates of the fixed vectors, M rows.
    fixed: Columns,
    /// Coordinates of the moving vectors along the directions of the fixed ones, K rows.
    along: Columns,
    /// Coordinates of the moving vectors in directions of their own, K rows: a lower triangle, with room for
    /// the directions of new inputs.
    own: Columns,
    /// Columns of `own` between two steps.
    own_columns: usize,
    /// Components of the latest input: along `fixed`, then along `own`, then the length of the rest.
    z: Vec<f64>,
    /// Lengths of the suffixes of the part of `z` beyond the fixed directions.
    suffix: Vec<f64>,
    /// Fields of the latest input, moving before fixed.
    fields: Vec<f64>,
    components: Box<Gaussians>,
    rest: WishartFactor,
    gathered: Gathered,
    /// Replaces |x|^2 by d: a fault for the tests to find.
    #[cfg(test)]
    pub constant_length: bool,
}

/// The samples of an unfinished batch.
#[derive(Clone, Debug)]
struct Gathered {
    /// sum over samples of c_k z_j along `fixed` and `own`.
    along: Columns,
    own: Columns,
    /// L of c = L O, K x K, and room for one more sample.
    triangle: Columns,
}

impl Frame {
    /// Vectors of given coordinates: rows of `fixed` and of `moving`, in the same orthonormal frame. A matrix of
    /// fewer columns has zeros in the others. Inputs come from the streams `data` and `residual`.
    ///
    /// # Panics
    /// If there are more coordinates than dimensions.
    pub fn new(fixed: &DMatrix<f64>, moving: &DMatrix<f64>, d: usize, stream: &Stream) -> Self {
        let (k, m) = (moving.nrows(), fixed.nrows());
        let coordinates = fixed.ncols().max(moving.ncols());
        assert!(coordinates <= d, "{coordinates} orthogonal directions in {d} dimensions");
        let mut all = Columns::zeros(m + k, coordinates);
        for j in 0..coordinates {
            let column = all.get_mut(j);
            for (rows, at) in [(fixed, 0), (moving, m)] {
                if j < rows.ncols() {
                    for i in 0..rows.nrows() {
                        column[at + i] = rows[(i, j)];
                    }
                }
            }
        }
        all.triangularise();
        let along_columns = m.min(coordinates);
        let own_columns = k.min(d - along_columns);
        let dimensions_left = d - along_columns - own_columns;
        let spare = k.min(dimensions_left);
        let mut frame = Self {
            step: OnePassStep::new(d).field,
            fixed: Columns::zeros(m, along_columns),
            along: Columns::zeros(k, along_columns),
            own: Columns::zeros(k, own_columns + spare),
            own_columns,
            z: vec![0.0; along_columns + own_columns + spare.min(1)],
            suffix: vec![0.0; own_columns + spare.min(1)],
            fields: vec![0.0; k + m],
            components: Box::new(stream.child("data").gaussians()),
            rest: WishartFactor::new(k, dimensions_left, &stream.child("residual")),
            gathered: Gathered {
                along: Columns::zeros(k, along_columns),
                own: Columns::zeros(k, own_columns),
                triangle: Columns::zeros(k, k + 1),
            },
            #[cfg(test)]
            constant_length: false,
        };
        for j in 0..coordinates {
            let column = all.get(j);
            if j < along_columns {
                frame.fixed.get_mut(j).copy_from_slice(&column[..m]);
                frame.along.get_mut(j).copy_from_slice(&column[m..]);
            } else if j - along_columns < own_columns {
                frame.own.get_mut(j - along_columns).copy_from_slice(&column[m..]);
            }
        }
        frame
    }

    /// Coordinates of `vectors` independent vectors with N(0, std^2) entries: first along `along` directions
    /// that are given, then in directions of their own.
    pub fn gaussian(vectors: usize, along: usize, std: f64, d: usize, stream: &Stream) -> DMatrix<f64> {
        let mut own = WishartFactor::new(vectors, d - along, &stream.child("own"));
        let own = own.draw();
        let mut normals = stream.child("along").gaussians();
        // f_j has length sqrt d, so a component along it counts 1 / sqrt d.
        let unit = std * OnePassStep::new(d).field;
        DMatrix::from_fn(vectors, along + own.count(), |i, j| {
            unit * if j < along { normals.next() } else { own.get(j - along)[i] }
        })
    }

    /// Draws the next input and returns its fields, moving before fixed.
    #[inline]
    pub fn draw(&mut self) -> &[f64] {
        let (k, along_columns) = (self.along.rows(), self.along.count());
        let components = along_columns + self.own_columns;
        self.components.fill(&mut self.z[..components]);
        let (moving, fixed) = self.fields.split_at_mut(k);
        moving.fill(0.0);
        fixed.fill(0.0);
        for j in 0..along_columns {
            add(moving, self.z[j], self.along.get(j));
            add(fixed, self.z[j], self.fixed.get(j));
        }
        for j in 0..self.own_columns {
            add(&mut moving[j..], self.z[along_columns + j], &self.own.get(j)[j..]);
        }
        &self.fields
    }

    /// The fields of the latest input.
    #[inline]
    pub fn fields(&self) -> &[f64] {
        &self.fields
    }

    /// w_k <- keep w_k + c_k x for the latest input x.
    pub fn advance(&mut self, keep: f64, c: &[f64]) {
        let along_columns = self.along.count();
        self.keep(keep);
        for j in 0..along_columns {
            add(self.along.get_mut(j), self.step * self.z[j], c);
        }
        if self.suffix.is_empty() {
            return;
        }
        // The own directions with the new one as the last: rotations take the components of x to a single
        // one, the first, and the triangle to a Hessenberg matrix; adding c x there keeps that form.
        let x = self.step * self.rotate_input_to_first();
        add(self.own.get_mut(0), x, c);
        for row in 0..self.suffix.len() - 1 {
            self.own.eliminate(row, row, row + 1);
        }
    }

    /// w.w*/d of one moving and one fixed vector.
    #[inline]
    pub fn overlap(&self, moving: usize, fixed: usize) -> f64 {
        (0..self.along.count()).map(|j| self.along.get(j)[moving] * self.fixed.get(j)[fixed]).sum()
    }

    /// w <- w + c w* for one moving and one fixed vector.
    #[inline]
    pub fn shift(&mut self, moving: usize, fixed: usize, c: f64) {
        for j in 0..self.along.count() {
            self.along.get_mut(j)[moving] += c * self.fixed.get(j)[fixed];
        }
    }

    /// Gives the only moving vector the length sqrt d.
    pub fn normalise(&mut self) {
        let square = |columns: &Columns| (0..columns.count()).map(|j| columns.get(j)[0].powi(2)).sum::<f64>();
        let inverse = 1.0 / (square(&self.along) + square(&self.own)).sqrt();
        self.along.scale(inverse);
        self.own.scale(inverse);
    }

    /// Draws the rest of the input and rotates the own directions so that x lies along the first of them.
    /// Returns its component there.
    #[inline]
    fn rotate_input_to_first(&mut self) -> f64 {
        let first = self.along.count();
        let n = self.suffix.len();
        if n > self.own_columns {
            self.z[first + self.own_columns] = self.rest.length();
            #[cfg(test)]
            if self.constant_length {
                let others: f64 = self.z[..first + self.own_columns].iter().map(|z| z * z).sum();
                let all = 1.0 / (self.step * self.step);
                self.z[first + self.own_columns] = if others < all { (all - others).sqrt() } else { 0.0 };
            }
        }
        let z = &self.z[first..];
        let mut square = 0.0;
        for j in (0..n).rev() {
            square += z[j] * z[j];
            self.suffix[j] = square.sqrt();
        }
        // The last component keeps its sign: it is the first one of the rotation before it.
        self.suffix[n - 1] = z[n - 1];
        for j in (0..n - 1).rev() {
            let (length, rest) = (self.suffix[j], self.suffix[j + 1]);
            if length > 0.0 {
                let rotation = Rotation { cos: z[j] / length, sin: rest / length };
                self.own.rotate(j, j + 1, j, rotation);
            }
        }
        self.suffix[0]
    }

    /// Adds c_k x for the latest input x to a batch, which [`Self::advance_batch`] ends.
    pub fn gather(&mut self, c: &[f64]) {
        let Gathered { along, own, triangle } = &mut self.gathered;
        let first = along.count();
        for j in 0..first {
            add(along.get_mut(j), self.z[j], c);
        }
        for j in 0..self.own_columns {
            add(own.get_mut(j), self.z[first + j], c);
        }
        let k = c.len();
        triangle.get_mut(k).copy_from_slice(c);
        for row in 0..k {
            triangle.eliminate(row, row, k);
        }
    }

    /// w_k <- keep w_k + the sum of the batch.
    pub fn advance_batch(&mut self, keep: f64) {
        self.keep(keep);
        for j in 0..self.along.count() {
            add(self.along.get_mut(j), self.step, self.gathered.along.get(j));
        }
        for j in 0..self.own_columns {
            add(self.own.get_mut(j), self.step, self.gathered.own.get(j));
        }
        let rest = self.rest.draw();
        for j in 0..rest.count() {
            let column = self.own.get_mut(self.own_columns + j);
            column.fill(0.0);
            for (i, &factor) in rest.get(j).iter().enumerate() {
                add(column, self.step * factor, self.gathered.triangle.get(i));
            }
        }
        self.own.triangularise();
        self.gathered.along.fill(0.0);
        self.gathered.own.fill(0.0);
        self.gathered.triangle.fill(0.0);
    }

    #[inline]
    fn keep(&mut self, keep: f64) {
        if keep != 1.0 {
            self.along.scale(keep);
            self.own.scale(keep);
        }
    }

    /// Overlaps of the moving vectors, of moving (rows) and fixed ones, and of the fixed ones.
    pub fn overlaps(&self) -> (DMatrix<f64>, DMatrix<f64>, DMatrix<f64>) {
        let (k, m) = (self.along.rows(), self.fixed.rows());
        let product = |a: &Columns, i: usize, b: &Columns, j: usize| -> f64 {
            (0..a.count()).map(|column| a.get(column)[i] * b.get(column)[j]).sum()
        };
        let q = DMatrix::from_fn(k, k, |i, j| {
            product(&self.along, i, &self.along, j) + product(&self.own, i, &self.own, j)
        });
        let r = DMatrix::from_fn(k, m, |i, n| product(&self.along, i, &self.fixed, n));
        let t = DMatrix::from_fn(m, m, |n, p| product(&self.fixed, n, &self.fixed, p));
        (q, r, t)
    }

    /// Fields of one input that is not used for learning, moving before fixed.
    pub fn probe(&self, normals: &mut Gaussians, fields: &mut [f64]) {
        let (moving, fixed) = fields.split_at_mut(self.along.rows());
        moving.fill(0.0);
        fixed.fill(0.0);
        for j in 0..self.along.count() {
            let z = normals.next();
            add(moving, z, self.along.get(j));
            add(fixed, z, self.fixed.get(j));
        }
        for j in 0..self.own_columns {
            add(moving, normals.next(), self.own.get(j));
        }
    }
}

/// y += a x
#[inline]
fn add(y: &mut [f64], a: f64, x: &[f64]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += a * x;
    }
}

#[cfg(test)]
mod tests;
