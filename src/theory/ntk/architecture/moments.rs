//! Second moments of two Gaussian fields, without cancellation where the fields are nearly parallel or opposite.
//!
//! Beside the mean c of u v stand r - c and r + c, r = sqrt(p q) with p, q the variances; their product is the
//! determinant. Both are sums of what their parts contribute, all of one sign: for independent parts u = sum u_m,
//! v = sum v_m,
//! r -+ c = sum (r_m -+ c_m) + (r - sum r_m), and by Lagrange's identity
//! r - sum r_m = sum over m < l of (sqrt(p_m q_l) - sqrt(p_l q_m))^2 / (r + sum r_m).

use crate::problem::ntk::Nonlinearity;
use crate::theory::ntk::dual::{Dual, Fields, dual};
use crate::theory::ntk::recursion::{NEAR_PARALLEL, small_sine_squared};

/// c, r - c and r + c.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Moments {
    pub c: f64,
    pub minus: f64,
    pub plus: f64,
}

/// One of the independent parts of a sum: the roots of its variances, and its moments.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub left: f64,
    pub right: f64,
    pub moments: Moments,
}

impl Moments {
    pub fn scaled(self, factor: f64) -> Self {
        Self { c: factor * self.c, minus: factor * self.minus, plus: factor * self.plus }
    }

    /// x.y/m of vectors of m coordinates and norms `norms`.
    pub fn of_inputs<'a>(pairs: impl Iterator<Item = (&'a f64, &'a f64)> + Clone, norms: (f64, f64)) -> Self {
        let count = pairs.clone().count() as f64;
        let product: f64 = pairs.clone().map(|(x, y)| x * y).sum();
        let r = norms.0 * norms.1;
        if r == 0.0 {
            return Self::default();
        }
        let cosine = product / r;
        let mut sine_squared = (1.0 - cosine) * (1.0 + cosine);
        if sine_squared < NEAR_PARALLEL {
            sine_squared = small_sine_squared(pairs, norms.1);
        }
        let (near, far) = (r * sine_squared / (1.0 + cosine.abs()), r * (1.0 + cosine.abs()));
        let (minus, plus) = if product > 0.0 { (near, far) } else { (far, near) };
        Self { c: product / count, minus: minus / count, plus: plus / count }
    }

    /// Of the sum of independent parts.
    pub fn sum(parts: &[Part]) -> Self {
        let mut sum = Self::default();
        let (mut p, mut q, mut of_parts, mut surplus) = (0.0, 0.0, 0.0, 0.0);
        for (m, part) in parts.iter().enumerate() {
            sum.c += part.moments.c;
            sum.minus += part.moments.minus;
            sum.plus += part.moments.plus;
            p += part.left * part.left;
            q += part.right * part.right;
            of_parts += part.left * part.right;
            for other in &parts[..m] {
                let difference = part.left * other.right - other.left * part.right;
                surplus += difference * difference;
            }
        }
        let whole = p.sqrt() * q.sqrt() + of_parts;
        if whole > 0.0 {
            sum.minus += surplus / whole;
            sum.plus += surplus / whole;
        }
        sum
    }

    /// Of units phi(u), phi(v) of fields of variances p, q, with mean squares `k_uu` and `k_vv`; and <phi' phi'>.
    pub fn units(self, phi: &Nonlinearity, (p, q): (f64, f64), (k_uu, k_vv): (f64, f64)) -> (Self, f64) {
        let r = p.sqrt() * q.sqrt();
        let sine_squared = if r > 0.0 { self.minus / r * (self.plus / r) } else { 0.0 };
        let fields = Fields { p, q, c: self.c, sine_squared };
        let Dual { k, k_dot, sine_squared, .. } = dual(phi, &fields, k_uu, k_vv);
        let r = k_uu.sqrt() * k_vv.sqrt();
        let far = r + k.abs();
        let near = if far > 0.0 { r * sine_squared * (r / far) } else { 0.0 };
        let (minus, plus) = if k > 0.0 { (near, far) } else { (far, near) };
        (Self { c: k, minus, plus }, k_dot)
    }
}
