//! Small matrices, column by column, and the plane rotations of their columns.

/// A matrix stored column by column: a rotation of two columns runs over contiguous numbers.
#[derive(Clone, Debug)]
pub(super) struct Columns {
    rows: usize,
    data: Vec<f64>,
}

impl Columns {
    pub fn zeros(rows: usize, columns: usize) -> Self {
        Self { rows, data: vec![0.0; rows * columns] }
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns; 0 for a matrix without rows.
    pub fn count(&self) -> usize {
        self.data.len().checked_div(self.rows).unwrap_or(0)
    }

    pub fn get(&self, column: usize) -> &[f64] {
        &self.data[column * self.rows..][..self.rows]
    }

    pub fn get_mut(&mut self, column: usize) -> &mut [f64] {
        &mut self.data[column * self.rows..][..self.rows]
    }

    pub fn fill(&mut self, value: f64) {
        self.data.fill(value);
    }

    pub fn scale(&mut self, factor: f64) {
        for x in &mut self.data {
            *x *= factor;
        }
    }

    /// Columns `left` < `right`, rows from `first` on.
    fn pair(&mut self, left: usize, right: usize, first: usize) -> (&mut [f64], &mut [f64]) {
        let (head, tail) = self.data.split_at_mut(right * self.rows);
        (&mut head[left * self.rows + first..(left + 1) * self.rows], &mut tail[first..self.rows])
    }

    /// Rotates columns `left` < `right` in the rows from `first` on.
    #[inline]
    pub fn rotate(&mut self, left: usize, right: usize, first: usize, rotation: Rotation) {
        let (left, right) = self.pair(left, right, first);
        let Rotation { cos, sin } = rotation;
        for (a, b) in left.iter_mut().zip(right) {
            (*a, *b) = (cos * *a + sin * *b, cos * *b - sin * *a);
        }
    }

    /// Rotates columns `left` < `right` so that the entry of `row` in the right one becomes 0. Rows above, in
    /// which both columns are to be 0, stay as they are.
    #[inline]
    pub fn eliminate(&mut self, row: usize, left: usize, right: usize) {
        let (a, b) = (self.get(left)[row], self.get(right)[row]);
        if b == 0.0 {
            return;
        }
        let (rotation, length) = Rotation::onto_first(a, b);
        self.rotate(left, right, row + 1, rotation);
        self.get_mut(left)[row] = length;
        self.get_mut(right)[row] = 0.0;
    }

    /// Turns the matrix into a lower trapezoidal one, L with L L^T unchanged, by rotations of its columns.
    pub fn triangularise(&mut self) {
        for row in 0..self.rows {
            for right in row + 1..self.count() {
                self.eliminate(row, row, right);
            }
        }
    }
}

/// (a, b) -> (cos a + sin b, cos b - sin a)
#[derive(Clone, Copy, Debug)]
pub(super) struct Rotation {
    pub cos: f64,
    pub sin: f64,
}

impl Rotation {
    /// The rotation that takes (a, b) to (length, 0), and the length.
    #[inline]
    pub fn onto_first(a: f64, b: f64) -> (Self, f64) {
        let length = (a * a + b * b).sqrt();
        if length == 0.0 {
            return (Self { cos: 1.0, sin: 0.0 }, 0.0);
        }
        let inverse = 1.0 / length;
        (Self { cos: a * inverse, sin: b * inverse }, length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Stream;

    fn gram(matrix: &Columns) -> Vec<f64> {
        let n = matrix.rows();
        let entry = |i: usize, j: usize| -> f64 {
            (0..matrix.count()).map(|c| matrix.get(c)[i] * matrix.get(c)[j]).sum()
        };
        (0..n * n).map(|at| entry(at / n, at % n)).collect()
    }

    #[test]
    fn triangular_form_keeps_the_gram_matrix() {
        for (rows, columns) in [(1, 1), (3, 3), (4, 7), (5, 2)] {
            let mut matrix = Columns::zeros(rows, columns);
            Stream::root(301).index(columns as u64).gaussians().fill(&mut matrix.data);
            // Two equal rows: the rotations of a singular matrix.
            if rows > 2 {
                for column in 0..columns {
                    let first = matrix.get(column)[0];
                    matrix.get_mut(column)[1] = first;
                }
            }
            let before = gram(&matrix);
            matrix.triangularise();
            for (a, b) in gram(&matrix).iter().zip(&before) {
                assert!((a - b).abs() < 1e-14 * columns as f64 * 10.0, "{a} {b}");
            }
            for column in 0..columns {
                assert!(matrix.get(column)[..column.min(rows)].iter().all(|&x| x == 0.0));
            }
        }
    }
}
