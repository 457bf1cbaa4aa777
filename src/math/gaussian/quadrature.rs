//! Averages of any smooth activation, by a quadrature that checks itself.
//!
//! The different fields of an average are written u = L z with a pivoted Cholesky factor, which leaves out
//! what a singular C does not span, and z is summed over a lattice with the weight of the normal density. This
//! trapezoidal rule converges exponentially for integrands that are analytic near the real axis, at a rate
//! that the nearest singularity sets; Gauss-Hermite rules need analyticity in the whole plane and return wrong
//! numbers in silence for steep integrands. Every sum is taken twice, the second time on the lattice shifted
//! by half a step along all axes. Shifting changes the sign of the leading error, so the mean of the two is
//! the value and half their difference bounds its error. The step is refined until that is below [`TOLERANCE`]
//! of the average of the modulus.

use super::AverageError;
use nalgebra::DMatrix;

/// Error allowed, relative to the average of the modulus of the integrand.
pub const TOLERANCE: f64 = 1e-10;

/// Most points of a lattice: about a second.
const MOST_POINTS: f64 = 3e7;

/// |z| <= 7.5 holds all but 6e-14 of the normal law.
const RANGE: f64 = 7.5;

/// Averages of g by its values and those of g'.
#[derive(Clone, Copy, Debug)]
pub struct Quadrature<G, D> {
    value: G,
    derivative: D,
}

/// One of the different fields of an average and how often g' and g of it occur.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Factor {
    field: usize,
    derivatives: i32,
    values: i32,
}

impl<G: Fn(f64) -> f64, D: Fn(f64) -> f64> Quadrature<G, D> {
    pub fn new(value: G, derivative: D) -> Self {
        Self { value, derivative }
    }

    /// <g(a) g(b)>.
    ///
    /// # Errors
    /// [`AverageError::NotConverged`], or [`AverageError::NotACovariance`], as all averages here.
    pub fn i2(&self, c: &DMatrix<f64>, a: usize, b: usize) -> Result<f64, AverageError> {
        self.average("<g g>", c, &[], &[a, b], None)
    }

    /// <g'(a) b g(e)>; b enters by its regression on z.
    pub fn i3(&self, c: &DMatrix<f64>, a: usize, b: usize, e: usize) -> Result<f64, AverageError> {
        self.average("<g' u g>", c, &[a], &[e], Some(b))
    }

    /// <g'(a) g'(b) g(e) g(f)>. Four different fields cost 1e5 to 1e7 evaluations of g.
    pub fn i4(&self, c: &DMatrix<f64>, a: usize, b: usize, e: usize, f: usize) -> Result<f64, AverageError> {
        self.average("<g' g' g g>", c, &[a, b], &[e, f], None)
    }

    /// <g'(a) g'(b)>.
    pub fn j2(&self, c: &DMatrix<f64>, a: usize, b: usize) -> Result<f64, AverageError> {
        self.average("<g' g'>", c, &[a, b], &[], None)
    }

    fn average(
        &self,
        average: &'static str,
        c: &DMatrix<f64>,
        derivatives: &[usize],
        values: &[usize],
        linear: Option<usize>,
    ) -> Result<f64, AverageError> {
        let mut factors: Vec<Factor> = Vec::with_capacity(4);
        for (&field, is_value) in
            derivatives.iter().map(|f| (f, false)).chain(values.iter().map(|f| (f, true)))
        {
            let known = factors.iter().position(|factor| factor.field == field).unwrap_or_else(|| {
                factors.push(Factor { field, derivatives: 0, values: 0 });
                factors.len() - 1
            });
            if is_value {
                factors[known].values += 1;
            } else {
                factors[known].derivatives += 1;
            }
        }
        let fields = || derivatives.iter().chain(values).copied().collect::<Vec<_>>();
        let frame = Frame::new(c, &mut factors, linear).map_err(|minor| AverageError::NotACovariance {
            average,
            fields: fields(),
            minor,
        })?;
        let mut refinement = 1.0;
        let mut error = f64::INFINITY;
        loop {
            let (half_counts, steps) = frame.lattice(refinement);
            let nodes = half_counts.iter().map(|n| 2 * n + 1).max().unwrap_or(1);
            let points: f64 = half_counts.iter().map(|&n| (2 * n + 1) as f64).product();
            if points > MOST_POINTS {
                return Err(AverageError::NotConverged {
                    average,
                    fields: fields(),
                    nodes,
                    error,
                    tolerance: TOLERANCE,
                });
            }
            let [on, off] = [0.0, 0.5].map(|shift| {
                let axes: Vec<Vec<(f64, f64)>> =
                    half_counts.iter().zip(&steps).map(|(&n, &h)| axis(n, h, shift)).collect();
                self.sum(&frame, &factors, &axes, 0, [0.0; 5], 1.0)
            });
            let scale = 0.5 * (on.modulus + off.modulus);
            error = 0.5 * (on.value - off.value).abs() / if scale > 0.0 { scale } else { 1.0 };
            if error <= TOLERANCE {
                return Ok(0.5 * (on.value + off.value));
            }
            refinement *= std::f64::consts::SQRT_2;
        }
    }

    /// Sum over the axes from `depth` on. `u` holds the fields in the order of the factors, and the linear one
    /// last, as far as the axes before contribute to them; `product` the weight and the factors that are
    /// complete.
    fn sum(
        &self,
        frame: &Frame,
        factors: &[Factor],
        axes: &[Vec<(f64, f64)>],
        depth: usize,
        u: [f64; 5],
        product: f64,
    ) -> Sum {
        // Field i of the factor depends on the axes up to i, so it is complete below them.
        let complete = |product: f64, i: usize, u: f64| {
            let factor = &factors[i];
            let mut product = product;
            if factor.derivatives > 0 {
                product *= (self.derivative)(u).powi(factor.derivatives);
            }
            if factor.values > 0 {
                product *= (self.value)(u).powi(factor.values);
            }
            product
        };
        if depth == axes.len() {
            let mut value = product;
            for (i, &u) in u.iter().enumerate().take(factors.len()).skip(depth) {
                value = complete(value, i, u);
            }
            if frame.linear {
                value *= u[4];
            }
            return Sum { value, modulus: value.abs() };
        }
        let mut total = Sum { value: 0.0, modulus: 0.0 };
        for &(z, weight) in &axes[depth] {
            let mut next = u;
            for (next, column) in next.iter_mut().zip(&frame.columns[depth]) {
                *next += column * z;
            }
            let inner = self.sum(
                frame,
                factors,
                axes,
                depth + 1,
                next,
                complete(product * weight, depth, next[depth]),
            );
            total.value += inner.value;
            total.modulus += inner.modulus;
        }
        total
    }
}

struct Sum {
    value: f64,
    modulus: f64,
}

/// Points and weights of one axis.
fn axis(half_count: usize, step: f64, shift: f64) -> Vec<(f64, f64)> {
    const INV_SQRT_2PI: f64 = 0.398_942_280_401_432_7;
    let n = half_count as i64;
    (-n..=n)
        .map(|k| {
            let z = (k as f64 + shift) * step;
            (z, step * INV_SQRT_2PI * libm::exp(-0.5 * z * z))
        })
        .collect()
}

/// u = L z of the fields of one average.
struct Frame {
    /// Column i: what axis i adds to each field in pivot order, and to the linear field (last).
    columns: Vec<[f64; 5]>,
    linear: bool,
}

impl Frame {
    /// Puts the factors in pivot order. Errors with a variance that is negative beyond rounding.
    fn new(c: &DMatrix<f64>, factors: &mut [Factor], linear: Option<usize>) -> Result<Self, f64> {
        let n = factors.len();
        // The linear field is regressed along but never chosen as a pivot.
        let index = |factors: &[Factor], i: usize| {
            if i < n { factors[i].field } else { linear.expect("asked for only if there is one") }
        };
        let total = n + usize::from(linear.is_some());
        let scale = factors.iter().map(|f| c[(f.field, f.field)]).fold(0.0, f64::max);
        let mut s = DMatrix::from_fn(total, total, |i, j| c[(index(factors, i), index(factors, j))]);
        let mut rows = vec![[0.0; 5]; total];
        let mut axes = 0;
        for step in 0..n {
            let pivot = (step..n).fold(step, |best, i| if s[(i, i)] > s[(best, best)] { i } else { best });
            let variance = s[(pivot, pivot)];
            if variance.is_nan() || variance < -1e-12 * scale {
                return Err(variance / scale);
            }
            if variance <= 0.0 {
                break;
            }
            factors.swap(step, pivot);
            rows.swap(step, pivot);
            s.swap_rows(step, pivot);
            s.swap_columns(step, pivot);
            let root = variance.sqrt();
            rows[step][step] = root;
            for i in step + 1..total {
                rows[i][step] = s[(i, step)] / root;
            }
            for i in step + 1..total {
                for j in step + 1..total {
                    s[(i, j)] -= rows[i][step] * rows[j][step];
                }
            }
            axes += 1;
        }
        let columns = (0..axes)
            .map(|axis| {
                let mut column = [0.0; 5];
                for i in axis..n {
                    column[i] = rows[i][axis];
                }
                if linear.is_some() {
                    column[4] = rows[n][axis];
                }
                column
            })
            .collect();
        Ok(Self { columns, linear: linear.is_some() })
    }

    /// Points on each side of 0 and step of every axis. Coarsest step .8, where the normal density alone is
    /// summed to 1e-13, and less along axes on which the fields vary fast.
    fn lattice(&self, refinement: f64) -> (Vec<usize>, Vec<f64>) {
        self.columns
            .iter()
            .map(|column| {
                let speed = column[..4].iter().fold(0.0, |m: f64, x| m.max(x.abs()));
                let step = 0.8 / (refinement * libm::hypot(1.0, speed));
                ((RANGE / step).ceil() as usize, step)
            })
            .unzip()
    }
}
