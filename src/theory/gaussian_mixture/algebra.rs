//! Small algebra on combinations of the latest vectors: inner products outside the pool.

use super::sums::Sums;

/// Coefficients over the latest vectors.
pub(super) type Combination = Vec<f64>;

/// The inner products of the latest vectors, without their parts along chosen pool vectors.
#[derive(Clone, Debug)]
pub(super) struct Outside {
    vectors: usize,
    gram: Vec<f64>,
}

impl Outside {
    /// `counts` says which pool vectors are taken out.
    pub fn new(sums: &Sums, counts: impl Fn(usize) -> bool) -> Self {
        let n = sums.vectors;
        let mut gram = sums.gram.clone();
        for i in 0..n {
            for j in 0..n {
                let along = sums.row(i).iter().zip(sums.row(j)).enumerate();
                gram[i * n + j] -= along.filter(|(p, _)| counts(*p)).map(|(_, (a, b))| a * b).sum::<f64>();
            }
        }
        Self { vectors: n, gram }
    }

    pub fn unit(&self, i: usize) -> Combination {
        let mut unit = vec![0.0; self.vectors];
        unit[i] = 1.0;
        unit
    }

    pub fn inner(&self, a: &[f64], b: &[f64]) -> f64 {
        let row = |i: usize| -> f64 {
            self.gram[i * self.vectors..(i + 1) * self.vectors].iter().zip(b).map(|(g, b)| g * b).sum()
        };
        a.iter().enumerate().filter(|(_, a)| **a != 0.0).map(|(i, a)| a * row(i)).sum()
    }

    /// Takes the parts along orthonormal combinations out of `x` and returns them.
    pub fn reduce(&self, x: &mut Combination, basis: &[Combination]) -> Vec<f64> {
        let mut along = vec![0.0; basis.len()];
        for _ in 0..2 {
            for (u, sum) in basis.iter().zip(&mut along) {
                let part = self.inner(u, x);
                *sum += part;
                add(x, -part, u);
            }
        }
        along
    }

    /// The combinations `x` recombined so that their inner products are `wanted` (row by row), by the triangular
    /// factors of both; unchanged where one of them is singular.
    pub fn recolour(&self, x: Vec<Combination>, wanted: &[f64]) -> Vec<Combination> {
        let n = x.len();
        let found: Vec<f64> = x.iter().flat_map(|a| x.iter().map(|b| self.inner(a, b))).collect();
        let (Some(from), Some(to)) = (triangle(&found, n), triangle(wanted, n)) else { return x };
        let mut white: Vec<Combination> = Vec::with_capacity(n);
        for (a, x) in x.into_iter().enumerate() {
            let mut y = x;
            for (b, white) in white.iter().enumerate() {
                add(&mut y, -from[a * n + b], white);
            }
            y.iter_mut().for_each(|y| *y /= from[a * n + a]);
            white.push(y);
        }
        (0..n)
            .map(|a| {
                let mut y = vec![0.0; self.vectors];
                (0..=a).for_each(|b| add(&mut y, to[a * n + b], &white[b]));
                y
            })
            .collect()
    }
}

/// y += c x.
pub(super) fn add(y: &mut [f64], c: f64, x: &[f64]) {
    y.iter_mut().zip(x).for_each(|(y, x)| *y += c * x);
}

/// The lower triangular L with A = L L^T, unless a pivot is lost among rounding.
fn triangle(a: &[f64], n: usize) -> Option<Vec<f64>> {
    let mut l = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..=i {
            let known: f64 = (0..j).map(|k| l[i * n + k] * l[j * n + k]).sum();
            let rest = a[i * n + j] - known;
            if i == j {
                if !(rest > 1e-12 * a[i * n + i] && rest > 0.0) {
                    return None;
                }
                l[i * n + i] = rest.sqrt();
            } else {
                l[i * n + j] = rest / l[j * n + j];
            }
        }
    }
    Some(l)
}
