//! One layer of the recursion for one column of a kernel: many pairs of fields at once.
//!
//! The averages are those of [`super::dual`], written without branches, so that eight pairs share each instruction. They
//! agree with it to rounding, and with one another to the bit on every instruction set.

use super::dual::{Dual, Fields, dual};
use crate::math::elementary::atan_ratio;
use crate::problem::ntk::Nonlinearity;
use crate::rng::{Simd, multiversion};
use std::f64::consts::{FRAC_1_PI, FRAC_2_PI, FRAC_PI_2, PI};

/// What the inputs of one side have in one layer, each alone.
#[derive(Clone, Debug, Default)]
pub(super) struct Side {
    /// p: variance of the field.
    pub p: Vec<f64>,
    /// sqrt p, or sqrt(1 + 4 p) for erf.
    pub root: Vec<f64>,
    /// <phi(u)^2>.
    pub k: Vec<f64>,
}

impl Side {
    pub fn push(&mut self, phi: &Nonlinearity, p: f64, k: f64) {
        self.p.push(p);
        self.root.push(if *phi == Nonlinearity::Erf { (1.0 + 4.0 * p).sqrt() } else { p.sqrt() });
        self.k.push(k);
    }
}

/// The pairs of one column: all inputs of one side with one of the other.
#[derive(Debug)]
pub(super) struct Column<'a> {
    /// Covariance of the fields.
    pub c: &'a mut [f64],
    /// p q - c^2.
    pub determinant: &'a mut [f64],
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
    /// The next layer from the averages over this one.
    #[inline(always)]
    fn pass(self, dual: Dual, c: &mut f64, determinant: &mut f64, ntk: &mut f64) {
        *c = self.weight * dual.k + self.bias;
        *determinant = self.weight * self.weight * dual.determinant + self.weight * self.bias * dual.distance;
        *ntk = *c + self.weight * dual.k_dot * *ntk;
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
    let one = [other.p[j], other.root[j], other.k[j]];
    match phi {
        Nonlinearity::LeakyRelu { slope } => rectifier(simd, *slope, side, one, variances, column),
        Nonlinearity::Erf => error_function(simd, side, one, variances, column),
        _ => {
            let Column { c, determinant, ntk } = column;
            for (i, ((c, determinant), ntk)) in
                c.iter_mut().zip(determinant.iter_mut()).zip(ntk.iter_mut()).enumerate()
            {
                let fields = Fields { p: side.p[i], q: one[0], c: *c, determinant: *determinant };
                variances.pass(dual(phi, &fields, side.k[i], one[2]), c, determinant, ntk);
            }
        }
    }
}

multiversion!(
    fn rectifier(slope: f64, side: &Side, one: [f64; 3], variances: Variances, column: &mut Column) =
        rectifier_body
);

multiversion!(
    fn error_function(side: &Side, one: [f64; 3], variances: Variances, column: &mut Column) =
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
fn rectifier_body(a: f64, side: &Side, one: [f64; 3], variances: Variances, column: &mut Column) {
    let [q, root_q, _] = one;
    let n = column.c.len();
    let (p, root) = (&side.p[..n], &side.root[..n]);
    let (c, determinant, ntk) = (&mut column.c[..n], &mut column.determinant[..n], &mut column.ntk[..n]);
    let power = 0.5 * (1.0 + a * a);
    let bend = (1.0 - a) * (1.0 - a) / (2.0 * power) * FRAC_1_PI;
    for i in 0..n {
        let r = root[i] * root_q;
        let inverse = 1.0 / if r > 0.0 { r } else { 1.0 };
        let height = determinant[i].sqrt();
        let size = c[i].abs();
        // The smaller of theta and pi - theta, with its sine and cosine.
        let t = if r > 0.0 { atan_ratio(height, size) } else { FRAC_PI_2 };
        let (sine, cosine) = (height * inverse, size * inverse);
        let large = sine + (PI - t) * cosine;
        let small = sine - t * cosine;
        let small = if t < 0.5 { small_segment(t) } else { small };
        let ahead = c[i] > 0.0;
        let near = if ahead { small } else { large };
        let far = if ahead { large } else { small };
        let theta = if ahead { t } else { PI - t };
        let rest = if ahead { PI - t } else { t };
        let kappa = FRAC_1_PI * (2.0 * power * far - 2.0 * a * near) / (2.0 * power);
        let below = r * (r + size);
        let one_minus_cos = determinant[i] / if below > 0.0 { below } else { 1.0 };
        let opposite = ((1.0 + a) * (1.0 + a) - 2.0 * a * one_minus_cos) / (2.0 * power);
        let gap = if ahead { one_minus_cos } else { opposite } - bend * small;
        let sum = root[i] + root_q;
        let difference = (p[i] - q) / if sum > 0.0 { sum } else { 1.0 };
        let dual = Dual {
            k: power * r * kappa,
            k_dot: 0.5 * FRAC_1_PI * (2.0 * power * rest + 2.0 * a * theta),
            determinant: power * power * r * r * gap * (2.0 - gap),
            distance: power * (difference * difference + 2.0 * r * gap),
        };
        variances.pass(dual, &mut c[i], &mut determinant[i], &mut ntk[i]);
    }
}

#[inline(always)]
fn error_function_body(side: &Side, one: [f64; 3], variances: Variances, column: &mut Column) {
    let [q, own_q, k_q] = one;
    let n = column.c.len();
    let (p, own, k_p) = (&side.p[..n], &side.root[..n], &side.k[..n]);
    let (c, determinant, ntk) = (&mut column.c[..n], &mut column.determinant[..n], &mut column.ntk[..n]);
    for i in 0..n {
        let (p, own_p, d, size) = (p[i], own[i], determinant[i], c[i].abs());
        let root = (1.0 + 2.0 * p + 2.0 * q + 4.0 * d).sqrt();
        let between = atan_ratio(2.0 * size, root);
        // The angle of one field with itself less `between`, by the tangent of the difference.
        let excess = |p: f64, q: f64, own: f64| {
            let rise = 2.0 * (1.0 + 2.0 * p) * (p * (p - q) + d * (1.0 + 2.0 * p));
            let below = p * root + size * own;
            let rise = rise / if below > 0.0 { below } else { 1.0 };
            atan_ratio(rise, own * root + 4.0 * p * size)
        };
        let (of_u, of_v) = (excess(p, q, own_p), excess(q, p, own_q));
        let (half_sum, half_difference) = (0.5 * (of_u + of_v), 0.5 * (of_u - of_v));
        let ahead = c[i] > 0.0;
        let k = FRAC_2_PI * between;
        let k = if ahead { k } else { -k };
        let of_parallel = FRAC_2_PI
            * FRAC_2_PI
            * (half_sum * (half_sum + 2.0 * between) - half_difference * half_difference);
        let dual = Dual {
            k,
            k_dot: 2.0 * FRAC_2_PI / root,
            determinant: if ahead { of_parallel } else { k_p[i] * k_q - k * k },
            distance: if ahead { FRAC_2_PI * 2.0 * half_sum } else { k_p[i] + k_q - 2.0 * k },
        };
        variances.pass(dual, &mut c[i], &mut determinant[i], &mut ntk[i]);
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
        let mut pairs = vec![Fields { p: 0.0, q: 0.7, c: 0.0, determinant: 0.0 }];
        pairs.push(Fields { p: 2.0, q: 2.0, c: -2.0, determinant: 0.0 });
        for p in [1e-6, 0.5, 3.0, 1e5] {
            for q in [1e-3, 0.5, 0.500_001, 200.0] {
                for t in angles {
                    let (sine, cosine) = (f64::sin(t), f64::cos(t));
                    pairs.push(Fields { p, q, c: (p * q).sqrt() * cosine, determinant: p * q * sine * sine });
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
            let single = |fields: &Fields| {
                let own = |p: f64| diagonal(&phi, p).0;
                let dual = dual(&phi, fields, own(fields.p), own(fields.q));
                let (mut c, mut determinant, mut ntk) = (0.0, 0.0, 0.8);
                variances.pass(dual, &mut c, &mut determinant, &mut ntk);
                [c, determinant, ntk]
            };
            // All pairs of one q are one column.
            let mut of_q: Vec<f64> = pairs().iter().map(|f| f.q).collect();
            of_q.sort_by(f64::total_cmp);
            of_q.dedup();
            for q in of_q {
                let pairs: Vec<Fields> = pairs().into_iter().filter(|f| f.q == q).collect();
                let (mut side, mut other) = (Side::default(), Side::default());
                pairs.iter().for_each(|f| side.push(&phi, f.p, diagonal(&phi, f.p).0));
                other.push(&phi, q, diagonal(&phi, q).0);
                let mut first: Option<[Vec<f64>; 3]> = None;
                for simd in Simd::available() {
                    let mut c: Vec<f64> = pairs.iter().map(|f| f.c).collect();
                    let mut determinant: Vec<f64> = pairs.iter().map(|f| f.determinant).collect();
                    let mut ntk = vec![0.8; pairs.len()];
                    let mut column = Column { c: &mut c, determinant: &mut determinant, ntk: &mut ntk };
                    descend(simd, &phi, &side, &other, 0, variances, &mut column);
                    for (i, fields) in pairs.iter().enumerate() {
                        let found = [c[i], determinant[i], ntk[i]];
                        let expected = single(fields);
                        // Sizes of the terms: covariance and bias may cancel; the determinant of erf is a difference of
                        // terms as large as the difference of the two variances.
                        let own = |p: f64| diagonal(&phi, p).0;
                        let terms = if phi == Nonlinearity::Erf {
                            (own(fields.p) - own(fields.q)).abs()
                        } else {
                            0.0
                        };
                        let Variances { weight, bias } = variances;
                        let sum = (expected[0] - bias).abs() + bias;
                        let scales = [sum, expected[1] + weight * weight * terms, sum + weight * 0.8];
                        for k in 0..3 {
                            assert!(
                                (found[k] - expected[k]).abs() <= 2e-14 * scales[k].abs(),
                                "{phi:?} {fields:?}: {found:?} for {expected:?}"
                            );
                        }
                    }
                    let found = [c, determinant, ntk];
                    assert_eq!(first.get_or_insert_with(|| found.clone()), &found);
                }
            }
        }
    }
}
