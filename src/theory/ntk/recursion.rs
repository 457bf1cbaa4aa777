//! The kernels of infinitely wide networks on sets of inputs, layer by layer.

use super::column::{Column, Side, Variances, descend};
use super::dual::diagonal;
use crate::linalg::transpose_product;
use crate::problem::ntk::Nonlinearity;
use crate::rng::Simd;
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
pub(super) const NEAR_PARALLEL: f64 = 1e-2;

/// The inputs of one side of a kernel, each alone.
struct Inputs {
    norms: Vec<f64>,
    /// The inputs as units.
    below: Side,
    /// One for each hidden layer.
    layers: Vec<Side>,
    /// Variances of the fields of the first layer, and of the outputs.
    first: Vec<f64>,
    outputs: Vec<f64>,
}

impl Network {
    fn variances_of(&self) -> Variances {
        Variances { weight: self.weight_std * self.weight_std, bias: self.bias_std * self.bias_std }
    }

    fn inputs(&self, x: &DMatrix<f64>) -> Inputs {
        let variances = self.variances_of();
        let norms: Vec<f64> = x.column_iter().map(|x| x.norm()).collect();
        let mut below = Side::default();
        let first: Vec<f64> = x
            .column_iter()
            .map(|x| below.push(variances, 0.0, x.norm_squared() / x.nrows() as f64))
            .collect();
        let mut outputs = first.clone();
        let layers = (0..self.hidden_layers).map(|_| {
            let mut side = Side::default();
            for p in &mut outputs {
                let k = diagonal(&self.nonlinearity, *p).0;
                *p = side.push(variances, *p, k);
            }
            side
        });
        Inputs { layers: layers.collect(), norms, below, first, outputs }
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
        let inputs = self.inputs(x);
        let mut kernels = self.block(x, &inputs, x, &inputs, true);
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
        self.block(x, &self.inputs(x), y, &self.inputs(y), false)
    }

    /// S(x, x) of every column.
    pub fn variances(&self, x: &DMatrix<f64>) -> Vec<f64> {
        self.inputs(x).outputs
    }

    fn block(
        &self,
        x: &DMatrix<f64>,
        of_x: &Inputs,
        y: &DMatrix<f64>,
        of_y: &Inputs,
        upper: bool,
    ) -> Kernels {
        let mut nngp = transpose_product(x, y);
        let mut ntk = DMatrix::zeros(x.ncols(), y.ncols());
        let rows = x.ncols();
        if rows == 0 {
            return Kernels { nngp, ntk };
        }
        let (simd, variances) = (Simd::best(), self.variances_of());
        let columns = nngp.as_mut_slice().par_chunks_mut(rows).zip(ntk.as_mut_slice().par_chunks_mut(rows));
        columns.enumerate().for_each_init(Vec::new, |squared, (j, (c, ntk))| {
            let pairs = if upper { j + 1 } else { rows };
            let (c, ntk) = (&mut c[..pairs], &mut ntk[..pairs]);
            squared.clear();
            for (i, c) in c.iter_mut().enumerate() {
                let sine_squared;
                (*c, sine_squared) = if upper && i == j {
                    (of_x.first[i], 0.0)
                } else {
                    let norms = (of_x.norms[i], of_y.norms[j]);
                    let (sine_squared, distance) = angle((x, i), (y, j), norms, *c);
                    let (below, other) = (of_x.below.at(i), of_y.below.at(j));
                    let scale = 1.0 / x.nrows() as f64;
                    (
                        variances.weight * (*c * scale) + variances.bias,
                        variances.next(sine_squared, distance * scale, below, other),
                    )
                };
                squared.push(sine_squared);
            }
            ntk.copy_from_slice(c);
            let mut column = Column { c, sine_squared: squared, ntk };
            for (side, other) in of_x.layers.iter().zip(&of_y.layers) {
                descend(simd, &self.nonlinearity, side, other, j, variances, &mut column);
            }
        });
        Kernels { nngp, ntk }
    }
}

/// Squared sine and squared distance of two columns, from their norms and their product.
fn angle(
    (x, i): (&DMatrix<f64>, usize),
    (y, j): (&DMatrix<f64>, usize),
    (of_x, of_y): (f64, f64),
    product: f64,
) -> (f64, f64) {
    let r = of_x * of_y;
    let cosine = if r > 0.0 { product / r } else { 0.0 };
    let sine_squared = (1.0 - cosine) * (1.0 + cosine);
    if r == 0.0 || sine_squared >= NEAR_PARALLEL {
        return (sine_squared, of_x * of_x + of_y * of_y - 2.0 * product);
    }
    let pairs = x.column(i).into_iter().zip(y.column(j));
    let distance = pairs.clone().map(|(x, y)| (x - y) * (x - y)).sum();
    (small_sine_squared(pairs, of_y), distance)
}

/// The squared sine of nearly parallel or opposite vectors x, y with |y| = `of_y`: |y - t x|^2 / |y|^2, of which one rounding
/// for each coordinate is lost. Equal vectors have 0.
pub(super) fn small_sine_squared<'a>(
    pairs: impl Iterator<Item = (&'a f64, &'a f64)> + Clone,
    of_y: f64,
) -> f64 {
    let (mut square, mut product) = (0.0, 0.0);
    for (x, y) in pairs.clone() {
        square += x * x;
        product += x * y;
    }
    if square == 0.0 || of_y == 0.0 {
        return 0.0;
    }
    let t = product / square;
    let (mut rest, mut along) = (0.0, 0.0);
    for (x, y) in pairs {
        let z = x.mul_add(-t, *y) / of_y;
        rest += z * z;
        along += z * x;
    }
    // The rounding of t leaves a part along x.
    rest - along * along / square
}
