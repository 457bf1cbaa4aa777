//! Four unit vectors: the probability that four correlated normal variables are all positive, and the angles
//! that belong to it.
//!
//! P(u_0 > 0, .., u_3 > 0) has no elementary closed form. Turn one unit vector a about the span of the other
//! three, from orthogonal (angle pi/2, where P is half a trivariate probability) down to its own angle x0. By
//! Plackett's identity dP/dr_aj = b_kl|aj / (2 pi sqrt(1 - r_aj^2)), with b the probability that the other two
//! are positive given u_a = u_j = 0, hence
//!
//! P = 1/16 + (1/8 pi) sum_pairs asin r + (1/4 pi^2) int_x0^{pi/2} sum_j f_j dx,
//!
//! f_j = (p_j y / sqrt A_j) atan(X_j / (y sqrt(A_j D))),
//!
//! y = sin x, p the direction of the projection of a on the span, p_j = p.u_j, A_j = 1 - p_j^2 cos^2 x, D the
//! Gram determinant of the other three and X_j a linear function of y^2. All singularities of the integrand
//! lie at sin(angle of p to u_j or to the plane of u_j, u_k) = +- i tan x, on the imaginary axis of x. With
//! delta the smallest of these sines the substitution x = delta sinh u moves all of them to |Im u| = pi/2 or
//! farther, so Gauss-Legendre in u converges geometrically at a rate that the length of the u interval alone
//! decides, also for (nearly) singular covariances, and the number of nodes is known beforehand.

use crate::math::elementary::{atan_ratio, exp, sin};
use gauss_quad::GaussLegendre;
use std::f64::consts::{FRAC_PI_2, PI};
use std::num::NonZeroUsize;
use std::sync::LazyLock;

/// The six pairs of four vectors; `PAIRS[5 - n]` are the two that `PAIRS[n]` leaves.
pub(crate) const PAIRS: [(usize, usize); 6] = [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)];

/// Position of a pair in [`PAIRS`].
pub(crate) const PAIR: [[usize; 4]; 4] = [[6, 0, 1, 2], [0, 6, 3, 4], [1, 3, 6, 5], [2, 4, 5, 6]];

/// Correlation of two fields and what follows from it alone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pair {
    /// r.
    pub r: f64,
    /// sqrt(1 - r^2).
    pub wedge: f64,
    /// asin r.
    pub asin: f64,
}

/// Where 1 - r^2 or a conditional variance is this far below 0, C is no covariance; above, it is rounding.
pub(crate) const ROUNDING: f64 = 1e-12;

impl Pair {
    /// A field with itself.
    pub const SAME: Self = Self { r: 1.0, wedge: 0.0, asin: FRAC_PI_2 };

    /// The pair, or 1 - r^2 if that is negative beyond rounding (or not a number).
    #[inline]
    pub fn new(r: f64) -> Result<Self, f64> {
        let minor = (1.0 - r) * (1.0 + r);
        if minor > 0.0 {
            let wedge = minor.sqrt();
            Ok(Self { r, wedge, asin: libm::atan2(r, wedge) })
        } else if minor >= -ROUNDING {
            Ok(Self { r: r.signum(), wedge: 0.0, asin: FRAC_PI_2.copysign(r) })
        } else {
            Err(minor)
        }
    }
}

/// Four unit vectors by their six correlations in the order of [`PAIRS`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Orthant {
    /// P(all four positive).
    pub probability: f64,
    /// Probability that the other two are positive given that the pair is 0.
    pub rest: [f64; 6],
}

/// Nodes and weights on [0, 1], and the longest u interval for which they suffice.
struct Rule {
    reach: f64,
    nodes: Vec<f64>,
    weights: Vec<f64>,
}

/// Most nodes of a rule; their numbers are multiples of `STRIDE`, the widest vector of a processor.
const MOST: usize = 112;
const STRIDE: usize = 8;

/// Error of P allowed by the choice of the number of nodes.
const DIGITS: f64 = 1e-12;

static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    (STRIDE..=MOST)
        .step_by(STRIDE)
        .map(|n| {
            let gauss = GaussLegendre::new(NonZeroUsize::new(n).expect("n > 0"));
            // Bernstein: the error falls as rho^(-2n). rho is limited by the branch points at a distance pi/2
            // above the interval and by their mirror images at pi - x, ln 2 (0.67 for the largest delta)
            // beyond its end.
            let log_rho = -DIGITS.ln() / (2.0 * n as f64);
            let above = PI / log_rho.sinh();
            let beyond = 2.0 * 0.67 / (log_rho.cosh() - 1.0);
            Rule {
                reach: above.min(beyond),
                nodes: gauss.nodes().map(|t| 0.5 * (1.0 + t)).collect(),
                weights: gauss.weights().map(|w| 0.5 * w).collect(),
            }
        })
        .collect()
});

impl Orthant {
    /// # Errors
    /// The conditional variance that is negative beyond rounding.
    #[inline]
    pub fn new(pairs: &[Pair; 6]) -> Result<Self, f64> {
        let frame = Frame::new(pairs)?;
        let mut rest = [0.0; 6];
        for (n, rest) in rest.iter_mut().enumerate() {
            let (k, l) = PAIRS[5 - n];
            let angle = atan_ratio(-frame.adjugate[k][l], frame.volume * frame.area2[n].sqrt());
            *rest = 0.25 + angle / (2.0 * PI);
        }
        let asin: f64 = pairs.iter().map(|p| p.asin).sum();
        let probability = 1.0 / 16.0 + asin / (8.0 * PI) + frame.turn(pairs) / (4.0 * PI * PI);
        Ok(Self { probability, rest })
    }
}

/// Independent component that every field is granted, far below the rounding of C, so that no angle is
/// undefined.
const TINY: f64 = 1e-16;

/// Four unit vectors in coordinates.
struct Frame {
    /// Volume of their parallelepiped.
    volume: f64,
    /// Adjugate of their Gram matrix; its diagonal holds the squared volumes of three of them.
    adjugate: [[f64; 4]; 4],
    /// u_i ^ u_j for [`PAIRS`], and its square.
    wedges: [[f64; 6]; 6],
    area2: [f64; 6],
}

impl Frame {
    /// Pivoted Cholesky factor, then the adjugate from the factor: products of graded numbers, so that even
    /// angles between nearly parallel vectors keep the accuracy that C allows.
    #[allow(clippy::needless_range_loop, reason = "the indices of a factorisation")]
    fn new(pairs: &[Pair; 6]) -> Result<Self, f64> {
        let mut s = [[1.0; 4]; 4];
        for (n, &(i, j)) in PAIRS.iter().enumerate() {
            s[i][j] = pairs[n].r;
            s[j][i] = pairs[n].r;
        }
        let mut rows = [[0.0; 4]; 4];
        let mut left = [true; 4];
        let mut volume = 1.0;
        for step in 0..4 {
            let mut pivot = 4;
            for i in 0..4 {
                if left[i] && (pivot == 4 || s[i][i] > s[pivot][pivot]) {
                    pivot = i;
                }
            }
            left[pivot] = false;
            let variance = s[pivot][pivot];
            if variance.is_nan() || variance < -ROUNDING {
                return Err(variance);
            }
            if variance < 8.0 * f64::EPSILON {
                rows[pivot][step] = TINY;
                volume *= TINY;
                continue;
            }
            let root = variance.sqrt();
            rows[pivot][step] = root;
            volume *= root;
            for i in 0..4 {
                if left[i] {
                    rows[i][step] = s[i][pivot] / root;
                }
            }
            for i in 0..4 {
                for j in 0..4 {
                    if left[i] && left[j] {
                        s[i][j] -= rows[i][step] * rows[j][step];
                    }
                }
            }
        }
        let wedges = PAIRS.map(|(i, j)| wedge(&rows[i], &rows[j]));
        let area2 = wedges.map(|w| dot(&w, &w));
        let (m01, m23) = (dual(&wedges[0]), dual(&wedges[5]));
        let cofactors = [
            apply(&m23, &rows[1], 1.0),
            apply(&m23, &rows[0], -1.0),
            apply(&m01, &rows[3], 1.0),
            apply(&m01, &rows[2], -1.0),
        ];
        let mut adjugate = [[0.0; 4]; 4];
        for i in 0..4 {
            for j in 0..=i {
                adjugate[i][j] = dot(&cofactors[i], &cofactors[j]);
                adjugate[j][i] = adjugate[i][j];
            }
        }
        Ok(Self { volume, adjugate, wedges, area2 })
    }

    /// The integral over the turn of one vector.
    #[allow(clippy::needless_range_loop, reason = "the indices name vectors")]
    fn turn(&self, pairs: &[Pair; 6]) -> f64 {
        let adj = &self.adjugate;
        // The u interval is short where the vector keeps away from the planes of any two others.
        let mut best = (0, -1.0);
        for a in 0..4 {
            let mut nearest = f64::INFINITY;
            for l in 0..4 {
                if l != a {
                    nearest = nearest.min(adj[l][l] / self.area2[5 - PAIR[a][l]]);
                }
            }
            if nearest > best.1 {
                best = (a, nearest);
            }
        }
        let a = best.0;
        let root = adj[a][a].sqrt();
        let sin0 = self.volume / root;
        let others: [usize; 3] = std::array::from_fn(|n| n + usize::from(n >= a));
        let sin2 = sin0 * sin0;
        let cos2 = if sin2 < 0.5 {
            1.0 - sin2
        } else {
            -others.iter().map(|&j| adj[a][j] * pairs[PAIR[a][j]].r).sum::<f64>() / adj[a][a]
        };
        if cos2 <= 0.0 {
            return 0.0;
        }
        let cos0 = cos2.sqrt();
        let mut delta = 1.0f64;
        let terms: [Term; 3] = std::array::from_fn(|n| {
            let (j, k, l) = (others[n], others[(n + 1) % 3], others[(n + 2) % 3]);
            let aj = PAIR[a][j];
            let p = pairs[aj].r / cos0;
            let near = -adj[a][k] * adj[a][l] / (adj[a][a] * cos2);
            // Stored as u_i ^ u_j with i < j.
            let sign = if (j < k) == (j < l) { 1.0 } else { -1.0 };
            let far = sign * dot(&self.wedges[PAIR[j][k]], &self.wedges[PAIR[j][l]]);
            let sine = adj[a][j].abs() / (root * cos0 * self.area2[PAIR[k][l]].sqrt());
            delta = delta.min(sine);
            Term { p, p2: p * p, s2: ((self.area2[aj] - sin2) / cos2).max(0.0), near, slope: far - near }
        });
        let turn = Turn { terms, root, x0: libm::atan2(sin0, cos0), delta: delta.max(1e-9) };
        turn.integral()
    }
}

/// u ^ v, its components ordered as [`PAIRS`]. Taken as u ^ (v -+ u), because the difference of nearly
/// parallel vectors is exact: from the components of u and v themselves the angles of three nearly parallel
/// vectors come out with relative errors of 1e-16 over their angle squared, and no longer add up (error of P
/// 4e-9 at angles of 1e-5).
#[inline(always)]
fn wedge(u: &[f64; 4], v: &[f64; 4]) -> [f64; 6] {
    let sign = 1f64.copysign(dot(u, v));
    let d: [f64; 4] = std::array::from_fn(|e| v[e] - sign * u[e]);
    PAIRS.map(|(a, b)| u[a] * d[b] - u[b] * d[a])
}

#[inline(always)]
fn dot<const N: usize>(u: &[f64; N], v: &[f64; N]) -> f64 {
    (0..N).map(|e| u[e] * v[e]).sum()
}

/// Complement of u ^ v as an antisymmetric matrix.
#[inline(always)]
fn dual(w: &[f64; 6]) -> [[f64; 4]; 4] {
    let (n01, n02, n03, n12, n13, n23) = (w[5], -w[4], w[3], w[2], -w[1], w[0]);
    [[0.0, n01, n02, n03], [-n01, 0.0, n12, n13], [-n02, -n12, 0.0, n23], [-n03, -n13, -n23, 0.0]]
}

#[inline(always)]
fn apply(n: &[[f64; 4]; 4], v: &[f64; 4], sign: f64) -> [f64; 4] {
    std::array::from_fn(|e| sign * (0..4).map(|b| n[e][b] * v[b]).sum::<f64>())
}

#[derive(Clone, Copy)]
struct Term {
    p: f64,
    p2: f64,
    /// sin^2 of the angle between p and u_j.
    s2: f64,
    /// X = near + slope y^2.
    near: f64,
    slope: f64,
}

struct Turn {
    terms: [Term; 3],
    root: f64,
    x0: f64,
    delta: f64,
}

impl Turn {
    fn integral(&self) -> f64 {
        let (x0, delta) = (self.x0, self.delta);
        let start = (x0 + (x0 * x0 + delta * delta).sqrt()) / delta;
        let end = (FRAC_PI_2 + (FRAC_PI_2 * FRAC_PI_2 + delta * delta).sqrt()) / delta;
        let length = libm::log(end / start);
        let rules = &*RULES;
        let rule = rules.iter().find(|rule| length <= rule.reach).unwrap_or(&rules[rules.len() - 1]);
        #[cfg(target_arch = "x86_64")]
        {
            if std::arch::is_x86_feature_detected!("avx512f") {
                // SAFETY: the processor has AVX-512F.
                return unsafe { self.sum_avx512(start, length, rule) };
            }
            if std::arch::is_x86_feature_detected!("avx2") {
                // SAFETY: the processor has AVX2.
                return unsafe { self.sum_avx2(start, length, rule) };
            }
        }
        self.sum(start, length, rule)
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn sum_avx2(&self, start: f64, length: f64, rule: &Rule) -> f64 {
        self.sum(start, length, rule)
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f")]
    fn sum_avx512(&self, start: f64, length: f64, rule: &Rule) -> f64 {
        self.sum(start, length, rule)
    }

    #[inline(always)]
    fn sum(&self, start: f64, length: f64, rule: &Rule) -> f64 {
        let half = 0.5 * self.delta;
        let n = rule.nodes.len();
        let mut y = [0.0; MOST];
        let mut sum = [0.0; MOST];
        let mut jacobian = [0.0; MOST];
        let (y, sum, jacobian) = (&mut y[..n], &mut sum[..n], &mut jacobian[..n]);
        let (nodes, weights) = (&rule.nodes[..n], &rule.weights[..n]);
        for i in 0..n {
            let e = start * exp(length * nodes[i]);
            let inverse = 1.0 / e;
            y[i] = sin(half * (e - inverse));
            jacobian[i] = weights[i] * (e + inverse);
        }
        for term in &self.terms {
            for i in 0..n {
                let y2 = y[i] * y[i];
                let root = (term.s2 + term.p2 * y2).sqrt();
                let angle = atan_ratio(term.near + term.slope * y2, y[i] * root * self.root);
                sum[i] += term.p * y[i] / root * angle;
            }
        }
        let mut total = [0.0; STRIDE];
        for (sum, jacobian) in sum.chunks_exact(STRIDE).zip(jacobian.chunks_exact(STRIDE)) {
            for i in 0..STRIDE {
                total[i] += sum[i] * jacobian[i];
            }
        }
        half * length * total.iter().sum::<f64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(r: [f64; 6]) -> [Pair; 6] {
        r.map(|r| Pair::new(r).expect("a correlation"))
    }

    /// All correlations 1/2: P = 1/(n + 1).
    #[test]
    fn equal_correlations_of_one_half() {
        let orthant = Orthant::new(&pairs([0.5; 6])).unwrap();
        assert!((orthant.probability - 0.2).abs() < 1e-14, "{}", orthant.probability);
    }

    #[test]
    fn every_instruction_set_returns_the_same_bits() {
        let term = |p: f64, near, slope| Term { p, p2: p * p, s2: 1.0 - p * p, near, slope };
        let terms = [term(0.31, 0.2, 0.14), term(-0.52, -0.13, 0.77), term(0.83, 0.05, -0.41)];
        let turn = Turn { terms, root: 0.63, x0: 0.021, delta: 0.17 };
        let (start, length, rule) = (1.13, 2.7, &RULES[2]);
        let plain = turn.sum(start, length, rule);
        #[cfg(target_arch = "x86_64")]
        {
            if std::arch::is_x86_feature_detected!("avx2") {
                // SAFETY: the processor has AVX2.
                assert_eq!(plain, unsafe { turn.sum_avx2(start, length, rule) });
            }
            if std::arch::is_x86_feature_detected!("avx512f") {
                // SAFETY: the processor has AVX-512F.
                assert_eq!(plain, unsafe { turn.sum_avx512(start, length, rule) });
            }
        }
        assert!(plain.is_finite());
    }
}
