//! One layer of the recursion for one column of a kernel: many pairs of fields at once.
//!
//! The averages are those of [`super::dual`], written without branches, so that eight pairs share each instruction. They
//! agree with it to rounding, and with one another to the bit on every instruction set.

use super::dual::{Dual, Fields, NEAR, dual};
use crate::math::elementary::atan_ratio;
use crate::problem::ntk::Nonlinearity;
use crate::rng::{Simd, multiversion};
use std::f64::consts::{FRAC_1_PI, FRAC_2_PI, FRAC_PI_2, PI};

/// What the inputs of one side have in one layer, each alone.
#[derive(Clone, Debug, Default)]
pub(super) struct Side {
    /// p: variance of the field.
    pub p: Vec<f64>,
    /// sqrt p.
    pub root: Vec<f64>,
    /// sqrt(1 + 4 p), for erf.
    pub own: Vec<f64>,
    /// <phi(u)^2> and its root.
    pub k: Vec<f64>,
    pub root_k: Vec<f64>,
    /// Share of weights in the next variance, and where there are biases its inverse.
    pub share: Vec<f64>,
    pub inverse: Vec<f64>,
}

/// One input of a [`Side`].
#[derive(Clone, Copy, Debug)]
pub(super) struct One {
    p: f64,
    root: f64,
    own: f64,
    k: f64,
    root_k: f64,
    share: f64,
    inverse: f64,
}

impl Side {
    /// Returns the next variance.
    pub fn push(&mut self, variances: Variances, p: f64, k: f64) -> f64 {
        let next = variances.weight * k + variances.bias;
        self.p.push(p);
        self.root.push(p.sqrt());
        self.own.push((1.0 + 4.0 * p).sqrt());
        self.k.push(k);
        self.root_k.push(k.sqrt());
        self.share.push(if next > 0.0 { variances.weight * k / next } else { 0.0 });
        self.inverse.push(if variances.bias > 0.0 { 1.0 / next } else { 0.0 });
        next
    }

    #[inline(always)]
    pub fn at(&self, i: usize) -> One {
        One {
            p: self.p[i],
            root: self.root[i],
            own: self.own[i],
            k: self.k[i],
            root_k: self.root_k[i],
            share: self.share[i],
            inverse: self.inverse[i],
        }
    }
}

/// The pairs of one column: all inputs of one side with one of the other.
#[derive(Debug)]
pub(super) struct Column<'a> {
    /// Covariance of the fields.
    pub c: &'a mut [f64],
    /// 1 - c^2 / (p q).
    pub sine_squared: &'a mut [f64],
    /// The tangent kernel.
    pub ntk: &'a mut [f64],
}

/// W_s^2, b_s^2.
#[derive(Clone, Copy, Debug)]
pub(super) struct Variances {
    pub weight: f64,
    pub bias: f64,
}

impl Variances {
    /// The squared sine of the next fields, from that of units and their squared distance.
    #[inline(always)]
    pub fn next(self, of_units: f64, distance: f64, x: One, y: One) -> f64 {
        x.share * y.share * of_units + self.weight * distance * x.inverse * (self.bias * y.inverse)
    }
}

/// Carries `column` through one layer; `other` has the column's own input at `j`.
pub(super) fn descend(
    simd: Simd,
    phi: &Nonlinearity,
    side: &Side,
    other: &Side,
    j: usize,
    variances: Variances,
    column: &mut Column,
) {
    let one = other.at(j);
    match phi {
        Nonlinearity::LeakyRelu { slope } => rectifier(simd, *slope, side, one, variances, column),
        Nonlinearity::Erf => error_function(simd, side, one, variances, column),
        _ => {
            for i in 0..column.c.len() {
                let (c, sine_squared) = (column.c[i], column.sine_squared[i]);
                let fields = Fields { p: side.p[i], q: one.p, c, sine_squared };
                let Dual { k, k_dot, sine_squared, distance } = dual(phi, &fields, side.k[i], one.k);
                column.c[i] = variances.weight * k + variances.bias;
                column.sine_squared[i] = variances.next(sine_squared, distance, side.at(i), one);
                column.ntk[i] = column.c[i] + variances.weight * k_dot * column.ntk[i];
            }
        }
    }
}

multiversion!(
    fn rectifier(slope: f64, side: &Side, one: One, variances: Variances, column: &mut Column) =
        rectifier_body
);

multiversion!(
    fn error_function(side: &Side, one: One, variances: Variances, column: &mut Column) =
        error_function_body
);

/// sin t - t cos t for small t, to full relative precision.
#[inline(always)]
fn small_segment(t: f64) -> f64 {
    // sum over m >= 1 of (-1)^(m+1) 2 m t^(2 m + 1) / (2 m + 1)!.
    let z = t * t;
    let sum = 1.0 / 93_405_312_000.0;
    let sum = sum * z - 1.0 / 518_918_400.0;
    let sum = sum * z + 1.0 / 3_991_680.0;
    let sum = sum * z - 1.0 / 45_360.0;
    let sum = sum * z + 1.0 / 840.0;
    let sum = sum * z - 1.0 / 30.0;
    let sum = sum * z + 1.0 / 3.0;
    t * z * sum
}

#[inline(always)]
fn rectifier_body(a: f64, side: &Side, one: One, variances: Variances, column: &mut Column) {
    let n = column.c.len();
    let (p, root) = (&side.p[..n], &side.root[..n]);
    let (share, inverse) = (&side.share[..n], &side.inverse[..n]);
    let (c, squared, ntk) = (&mut column.c[..n], &mut column.sine_squared[..n], &mut column.ntk[..n]);
    let power = 0.5 * (1.0 + a * a);
    let bend = (1.0 - a) * (1.0 - a) / (2.0 * power) * FRAC_1_PI;
    for i in 0..n {
        let r = root[i] * one.root;
        let silent = r == 0.0;
        // The smaller of theta and pi - theta, with its sine and cosine.
        let sine_squared = squared[i];
        let (sine, cosine) = (sine_squared.sqrt(), c[i].abs() / if silent { 1.0 } else { r });
        let t = if silent { FRAC_PI_2 } else { atan_ratio(sine, cosine) };
        let large = sine + (PI - t) * cosine;
        let small = sine - t * cosine;
        let small = if t < 0.5 { small_segment(t) } else { small };
        let ahead = c[i] > 0.0;
        let near = if ahead { small } else { large };
        let far = if ahead { large } else { small };
        let theta = if ahead { t } else { PI - t };
        let rest = if ahead { PI - t } else { t };
        let kappa = FRAC_1_PI * (2.0 * power * far - 2.0 * a * near) / (2.0 * power);
        let one_minus_cos = sine_squared / (1.0 + cosine);
        let opposite = ((1.0 + a) * (1.0 + a) - 2.0 * a * one_minus_cos) / (2.0 * power);
        let gap = if ahead { one_minus_cos } else { opposite } - bend * small;
        let sum = root[i] + one.root;
        let difference = (p[i] - one.p) / if sum > 0.0 { sum } else { 1.0 };
        let k_dot = 0.5 * FRAC_1_PI * (2.0 * power * rest + 2.0 * a * theta);
        let distance = power * (difference * difference + 2.0 * r * gap);
        let of_units = if silent { 1.0 } else { gap * (2.0 - gap) };
        c[i] = variances.weight * (power * r * kappa) + variances.bias;
        squared[i] = share[i] * one.share * of_units
            + variances.weight * distance * inverse[i] * (variances.bias * one.inverse);
        ntk[i] = c[i] + variances.weight * k_dot * ntk[i];
    }
}

#[inline(always)]
fn error_function_body(side: &Side, one: One, variances: Variances, column: &mut Column) {
    let n = column.c.len();
    let (p, root, own) = (&side.p[..n], &side.root[..n], &side.own[..n]);
    let (k, root_k) = (&side.k[..n], &side.root_k[..n]);
    let (share, inverse) = (&side.share[..n], &side.inverse[..n]);
    let (c, squared, ntk) = (&mut column.c[..n], &mut column.sine_squared[..n], &mut column.ntk[..n]);
    let (q, v) = (one.p, one.root);
    for i in 0..n {
        let (p, u, own_p, size) = (p[i], root[i], own[i], c[i].abs());
        let r = u * v;
        let silent = r == 0.0;
        let sine_squared = squared[i];
        let sum = 1.0 + 2.0 * p + 2.0 * q;
        let (whole, below) = (sum.sqrt(), (sum + 4.0 * (r * (r * sine_squared))).sqrt());
        let gamma = atan_ratio(2.0 * size, below);
        let cosine = size / if silent { 1.0 } else { r };
        let rise = 2.0 * r * sine_squared * (1.0 + 2.0 * p) * (1.0 + 2.0 * q) / (below + cosine * whole);
        let between = atan_ratio(rise, whole * below + 4.0 * r * size);
        let mu = gamma + between;
        // alpha - mu and beta - mu, by the tangent of the difference.
        let excess = |p: f64, q: f64, u: f64, v: f64, own: f64| {
            let under = u * whole + v * own;
            let rise = 2.0 * u * (p - q) * (1.0 + 2.0 * p) / if silent { 1.0 } else { under };
            atan_ratio(rise, own * whole + 4.0 * p * r)
        };
        let root_kk = root_k[i] * one.root_k;
        let scale = FRAC_2_PI / if root_kk > 0.0 { root_kk } else { 1.0 };
        let (of_u, of_v) = (excess(p, q, u, v, own_p) * scale, excess(q, p, v, u, one.own) * scale);
        let mu_scaled = mu * scale;
        let near = (p <= NEAR * q) & (q <= NEAR * p);
        let close = of_u * of_v + mu_scaled * (of_u + of_v);
        let apart = 1.0 - mu_scaled * mu_scaled;
        let first = if near { close } else { apart };
        let of_units = first + between * scale * ((gamma + mu) * scale);
        let of_units = if silent { 0.0 } else { of_units };
        let k_size = FRAC_2_PI * gamma;
        let ahead = c[i] > 0.0;
        let gap = root_kk * of_units / (1.0 + k_size / if root_kk > 0.0 { root_kk } else { 1.0 });
        let gap = if ahead { gap } else { root_kk + k_size };
        let roots = root_k[i] + one.root_k;
        let difference = (k[i] - one.k) / if roots > 0.0 { roots } else { 1.0 };
        let distance = difference * difference + 2.0 * gap;
        c[i] = variances.weight * if ahead { k_size } else { -k_size } + variances.bias;
        squared[i] = share[i] * one.share * of_units
            + variances.weight * distance * inverse[i] * (variances.bias * one.inverse);
        ntk[i] = c[i] + variances.weight * (2.0 * FRAC_2_PI / below) * ntk[i];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::ntk::diagonal;

    /// Pairs at angles from 0 to pi, the near-parallel ones given by their determinant, and fields of size 0.
    fn pairs() -> Vec<Fields> {
        let angles =
            [0.0, 1e-12, 1e-8, 1e-3, 0.3, 0.49, 0.51, 0.58, 1.0, 1.18, 1.5, 1.6, 2.0, 2.6, 3.0, 3.13];
        let mut pairs = vec![Fields { p: 0.0, q: 0.7, c: 0.0, sine_squared: 1.0 }];
        pairs.push(Fields { p: 2.0, q: 2.0, c: -2.0, sine_squared: 0.0 });
        for p in [1e-6, 0.5, 3.0, 1e5] {
            for q in [1e-3, 0.5, 0.500_001, 200.0] {
                for t in angles {
                    let (sine, cosine) = (f64::sin(t), f64::cos(t));
                    pairs.push(Fields { p, q, c: (p * q).sqrt() * cosine, sine_squared: sine * sine });
                }
            }
        }
        pairs
    }

    #[test]
    fn a_column_is_its_pairs_one_by_one_with_every_instruction_set() {
        let variances = Variances { weight: 1.7, bias: 0.3 };
        let nonlinearities = [
            Nonlinearity::LeakyRelu { slope: 0.0 },
            Nonlinearity::LeakyRelu { slope: 0.3 },
            Nonlinearity::LeakyRelu { slope: -1.0 },
            Nonlinearity::Erf,
            Nonlinearity::Gelu,
        ];
        for phi in nonlinearities {
            let own = |p: f64| diagonal(&phi, p).0;
            let single = |fields: &Fields| {
                let of = dual(&phi, fields, own(fields.p), own(fields.q));
                let (mut side, c) = (Side::default(), variances.weight * of.k + variances.bias);
                for p in [fields.p, fields.q] {
                    side.push(variances, p, own(p));
                }
                let sine_squared = variances.next(of.sine_squared, of.distance, side.at(0), side.at(1));
                [c, sine_squared, c + variances.weight * of.k_dot * 0.8]
            };
            // All pairs of one q are one column.
            let mut of_q: Vec<f64> = pairs().iter().map(|f| f.q).collect();
            of_q.sort_by(f64::total_cmp);
            of_q.dedup();
            for q in of_q {
                let pairs: Vec<Fields> = pairs().into_iter().filter(|f| f.q == q).collect();
                let (mut side, mut other) = (Side::default(), Side::default());
                for f in &pairs {
                    side.push(variances, f.p, own(f.p));
                }
                other.push(variances, q, own(q));
                let mut first: Option<[Vec<f64>; 3]> = None;
                for simd in Simd::available() {
                    let mut c: Vec<f64> = pairs.iter().map(|f| f.c).collect();
                    let mut squared: Vec<f64> = pairs.iter().map(|f| f.sine_squared).collect();
                    let mut ntk = vec![0.8; pairs.len()];
                    let mut column = Column { c: &mut c, sine_squared: &mut squared, ntk: &mut ntk };
                    descend(simd, &phi, &side, &other, 0, variances, &mut column);
                    for (i, fields) in pairs.iter().enumerate() {
                        let found = [c[i], squared[i], ntk[i]];
                        let expected = single(fields);
                        // Sizes of the terms: covariance and bias may cancel; the squared sine of erf has the rounding
                        // of differing variances.
                        let (a, b) = (own(fields.p), own(fields.q));
                        let terms = if phi == Nonlinearity::Erf && a > 0.0 {
                            ((a - b) / a.max(b)).abs()
                        } else {
                            0.0
                        };
                        let Variances { weight, bias } = variances;
                        let sum = (expected[0] - bias).abs() + bias;
                        let scales = [sum, expected[1] + terms, sum + weight * 0.8];
                        for k in 0..3 {
                            assert!(
                                (found[k] - expected[k]).abs() <= 2e-14 * scales[k].abs(),
                                "{phi:?} {fields:?}: {found:?} for {expected:?}"
                            );
                        }
                    }
                    let found = [c, squared, ntk];
                    assert_eq!(first.get_or_insert_with(|| found.clone()), &found);
                }
            }
        }
    }
}
