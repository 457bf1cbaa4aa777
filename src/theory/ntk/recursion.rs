//! The kernels of infinitely wide networks on sets of inputs, layer by layer.

use super::dual::{Dual, Fields, diagonal, dual};
use crate::linalg::transpose_product;
use crate::problem::ntk::Nonlinearity;
use nalgebra::DMatrix;
use rayon::prelude::*;

/// A network of infinite width.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    pub nonlinearity: Nonlinearity,
    /// L.
    pub hidden_layers: usize,
    /// W_s.
    pub weight_std: f64,
    /// b_s.
    pub bias_std: f64,
}

/// Kernels between two sets of inputs, rows over the first.
#[derive(Clone, Debug, PartialEq)]
pub struct Kernels {
    /// S: covariance of the outputs over starts.
    pub nngp: DMatrix<f64>,
    /// T: the tangent kernel.
    pub ntk: DMatrix<f64>,
}

/// Squared sines below this are computed from the vectors themselves.
const NEAR_PARALLEL: f64 = 1e-2;

/// One input with the variances of its fields and of its hidden units, layer by layer.
struct Point {
    norm: f64,
    fields: Vec<f64>,
    units: Vec<(f64, f64)>,
}

impl Network {
    fn shifted(&self, k: f64) -> f64 {
        self.weight_std * self.weight_std * k + self.bias_std * self.bias_std
    }

    fn points(&self, x: &DMatrix<f64>) -> Vec<Point> {
        let dimension = x.nrows() as f64;
        let point = |column: usize| {
            let norm_squared = x.column(column).norm_squared();
            let mut fields = vec![self.shifted(norm_squared / dimension)];
            let mut units = Vec::with_capacity(self.hidden_layers);
            for layer in 0..self.hidden_layers {
                let of_layer = diagonal(&self.nonlinearity, fields[layer]);
                units.push(of_layer);
                fields.push(self.shifted(of_layer.0));
            }
            Point { norm: norm_squared.sqrt(), fields, units }
        };
        (0..x.ncols()).map(point).collect()
    }

    /// The kernels between the columns of `x`: one triangle is computed, the other copied.
    ///
    /// Deep ReLU networks with W_s^2 = 2, b_s = 0 and |x|^2 = d keep S = 2 and have T = 2 (L + 1) on the diagonal:
    ///
    /// ```
    /// use asymptotica::problem::ntk::Nonlinearity;
    /// use asymptotica::theory::ntk::Network;
    /// let relu = Nonlinearity::LeakyRelu { slope: 0.0 };
    /// let network = Network { nonlinearity: relu, hidden_layers: 4, weight_std: 2.0_f64.sqrt(), bias_std: 0.0 };
    /// let kernels = network.kernels(&nalgebra::DMatrix::from_element(3, 1, 1.0));
    /// assert!((kernels.nngp[(0, 0)] - 2.0).abs() < 1e-14 && (kernels.ntk[(0, 0)] - 10.0).abs() < 1e-13);
    /// ```
    pub fn kernels(&self, x: &DMatrix<f64>) -> Kernels {
        let points = self.points(x);
        let mut kernels = self.block(x, &points, x, &points, true);
        for matrix in [&mut kernels.nngp, &mut kernels.ntk] {
            matrix.fill_lower_triangle_with_upper_triangle();
        }
        kernels
    }

    /// The kernels between the columns of `x` and those of `y`.
    ///
    /// # Panics
    /// If the inputs have different dimensions.
    pub fn cross_kernels(&self, x: &DMatrix<f64>, y: &DMatrix<f64>) -> Kernels {
        self.block(x, &self.points(x), y, &self.points(y), false)
    }

    /// S(x, x) of every column.
    pub fn variances(&self, x: &DMatrix<f64>) -> Vec<f64> {
        self.points(x).iter().map(|point| point.fields[self.hidden_layers]).collect()
    }

    fn block(
        &self,
        x: &DMatrix<f64>,
        of_x: &[Point],
        y: &DMatrix<f64>,
        of_y: &[Point],
        upper: bool,
    ) -> Kernels {
        let mut nngp = transpose_product(x, y);
        let mut ntk = DMatrix::zeros(x.ncols(), y.ncols());
        let rows = x.ncols();
        if rows == 0 {
            return Kernels { nngp, ntk };
        }
        let columns = nngp.as_mut_slice().par_chunks_mut(rows).zip(ntk.as_mut_slice().par_chunks_mut(rows));
        columns.enumerate().for_each(|(j, (s, t))| {
            for (i, (s, t)) in s.iter_mut().zip(t).enumerate().take(if upper { j + 1 } else { rows }) {
                let same = upper && i == j;
                let start = if same {
                    let p = of_x[i].fields[0];
                    Fields { p, q: p, c: p, determinant: 0.0 }
                } else {
                    self.first_layer(x, i, &of_x[i], y, j, &of_y[j], *s)
                };
                (*s, *t) = self.descend(&of_x[i], &of_y[j], start);
            }
        });
        Kernels { nngp, ntk }
    }

    /// The fields of the first layer from the product x.y.
    #[allow(clippy::too_many_arguments, reason = "two columns, each with its matrix and its norm")]
    fn first_layer(
        &self,
        x: &DMatrix<f64>,
        i: usize,
        of_x: &Point,
        y: &DMatrix<f64>,
        j: usize,
        of_y: &Point,
        product: f64,
    ) -> Fields {
        let dimension = x.nrows() as f64;
        let norms = (of_x.norm * of_y.norm).powi(2);
        let mut area = norms - product * product;
        let mut distance = of_x.norm * of_x.norm + of_y.norm * of_y.norm - 2.0 * product;
        if norms > 0.0 && area < NEAR_PARALLEL * norms {
            // sin = |a - b| |a + b| / 2 for unit vectors a, b.
            let (mut minus, mut plus) = (0.0, 0.0);
            distance = 0.0;
            for (x, y) in x.column(i).iter().zip(y.column(j).iter()) {
                let (a, b) = (x / of_x.norm, y / of_y.norm);
                minus += (a - b) * (a - b);
                plus += (a + b) * (a + b);
                distance += (x - y) * (x - y);
            }
            area = norms * 0.25 * minus * plus;
        }
        let weight = self.weight_std * self.weight_std / dimension;
        let bias = self.bias_std * self.bias_std;
        Fields {
            p: of_x.fields[0],
            q: of_y.fields[0],
            c: weight * product + bias,
            determinant: weight * weight * area + weight * bias * distance,
        }
    }

    /// S^(L+1) and T^(L+1) from the fields of the first layer.
    fn descend(&self, of_x: &Point, of_y: &Point, mut fields: Fields) -> (f64, f64) {
        let weight = self.weight_std * self.weight_std;
        let bias = self.bias_std * self.bias_std;
        let mut ntk = fields.c;
        for layer in 0..self.hidden_layers {
            let (k_uu, k_vv) = (of_x.units[layer].0, of_y.units[layer].0);
            let Dual { k, k_dot, determinant, distance } = dual(&self.nonlinearity, &fields, k_uu, k_vv);
            fields = Fields {
                p: of_x.fields[layer + 1],
                q: of_y.fields[layer + 1],
                c: weight * k + bias,
                determinant: weight * weight * determinant + weight * bias * distance,
            };
            ntk = fields.c + weight * k_dot * ntk;
        }
        (fields.c, ntk)
    }
}
