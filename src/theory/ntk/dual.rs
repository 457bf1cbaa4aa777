//! K = <phi(u) phi(v)> and K' = <phi'(u) phi'(v)> of Gaussian fields with variances p, q and covariance c.
//!
//! Written in p, q, c and the squared sine s = 1 - c^2/(p q), which the recursion carries along: near-parallel inputs and
//! large variances then lose no digits to 1 - cos, and small ones none to p q. With r = sqrt p sqrt q, D = r^2 s, theta =
//! angle of (c, sqrt D):
//!
//! | phi | K | K' |
//! |---|---|---|
//! | ReLU | r (sin theta + (pi - theta) cos theta) / 2 pi | (pi - theta) / 2 pi |
//! | erf(z) | (2/pi) angle of (sqrt R, 2 c), R = 1 + 2 p + 2 q + 4 D | (4/pi) / sqrt R |
//! | GELU | c A + B (D + c^2/(1+p) + c^2/(1+q)), A = 1/4 + angle of (sqrt R, c) / 2 pi, B = 1/(2 pi sqrt R), R = 1 + p + q + D | A + B c (1/(1+p) + 1/(1+q) + 1/R) |
//! | sin | (e^(-(p+q-2c)/2) - e^(-(p+q+2c)/2)) / 2 | half the sum |
//! | tanh | mean over scales a, b of (2/pi) angle of (sqrt R, c), R = a^2 b^2 + a^2 q + b^2 p + D | mean of (2/pi) / sqrt R |
//!
//! The squared sine of the next layer is exact to rounding, relative for ReLU. For erf and sin it is the sum of what it is
//! at c = r, which depends on p and q alone, and of a part proportional to s: errors of s are handed on without growth.
//!
//! ReLU: Cho & Saul, NeurIPS 2009; erf: Williams, NeurIPS 1996. GELU and sin follow from Stein's lemma and the
//! characteristic function. tanh z = <erf(z / (sqrt 2 a))> over Kolmogorov's distribution of a (Andrews & Mallows,
//! J. R. Stat. Soc. B 36, 99 (1974)), so that its averages are those of erf, summed over [`Scales`]: exact to
//! rounding at any gain, where quadrature over the fields fails.

use crate::problem::ntk::Nonlinearity;
use std::f64::consts::{FRAC_1_PI, FRAC_2_PI, PI};
use std::sync::OnceLock;

/// Second moments of two fields.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fields {
    pub p: f64,
    pub q: f64,
    pub c: f64,
    /// 1 - c^2 / (p q); any number where p or q is 0.
    pub sine_squared: f64,
}

impl Fields {
    /// sqrt p sqrt q: the product p q may leave the range of numbers.
    fn r(&self) -> f64 {
        self.p.sqrt() * self.q.sqrt()
    }

    fn determinant(&self) -> f64 {
        let r = self.r();
        r * (r * self.sine_squared)
    }

    /// r - |c|.
    fn short(&self) -> f64 {
        short(self.r(), self.c, self.sine_squared)
    }

    /// Whether one variance is at most [`NEAR`] times the other.
    fn near(&self) -> bool {
        self.p <= NEAR * self.q && self.q <= NEAR * self.p
    }
}

/// Variances closer than this factor have differences of angles; beyond it nothing cancels.
pub(super) const NEAR: f64 = 4.0;

/// Cosines below this lose no digits when taken from 1.
const WIDE: f64 = 0.9;

fn short(r: f64, c: f64, sine_squared: f64) -> f64 {
    if r > 0.0 { r * sine_squared / (1.0 + c.abs() / r) } else { 0.0 }
}

/// (sqrt p - sqrt q)^2.
fn sides(p: f64, q: f64) -> f64 {
    let sum = p.sqrt() + q.sqrt();
    if sum > 0.0 { ((p - q) / sum).powi(2) } else { 0.0 }
}

/// Averages over two fields, and what the next layer needs of them without cancellation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dual {
    /// <phi(u) phi(v)>.
    pub k: f64,
    /// <phi'(u) phi'(v)>.
    pub k_dot: f64,
    /// 1 - k^2 / (<phi(u)^2> <phi(v)^2>).
    pub sine_squared: f64,
    /// <(phi(u) - phi(v))^2>.
    pub distance: f64,
}

impl Dual {
    fn new((k, k_dot): (f64, f64), sine_squared: f64, k_uu: f64, k_vv: f64) -> Self {
        let r = k_uu.sqrt() * k_vv.sqrt();
        let gap = if k > 0.0 { short(r, k, sine_squared) } else { r - k };
        Self { k, k_dot, sine_squared, distance: sides(k_uu, k_vv) + 2.0 * gap }
    }
}

/// <phi(u)^2> and <phi'(u)^2> at variance `p`.
pub fn diagonal(phi: &Nonlinearity, p: f64) -> (f64, f64) {
    let (k, k_dot) = averages(phi, &Fields { p, q: p, c: p, sine_squared: 0.0 });
    (k, k_dot)
}

/// The averages over two fields; `k_uu` and `k_vv` are those of [`diagonal`].
///
/// ```
/// use asymptotica::problem::ntk::Nonlinearity;
/// use asymptotica::theory::ntk::{Fields, dual};
/// // Two orthogonal unit fields through ReLU: 1/(2 pi) and 1/4.
/// let fields = Fields { p: 1.0, q: 1.0, c: 0.0, sine_squared: 1.0 };
/// let relu = dual(&Nonlinearity::LeakyRelu { slope: 0.0 }, &fields, 0.5, 0.5);
/// assert!((relu.k - 0.159154943091895).abs() < 1e-15 && (relu.k_dot - 0.25).abs() < 1e-15);
/// ```
pub fn dual(phi: &Nonlinearity, fields: &Fields, k_uu: f64, k_vv: f64) -> Dual {
    let averages = match phi {
        Nonlinearity::LeakyRelu { slope } => return rectifier(*slope, fields),
        _ => averages(phi, fields),
    };
    let sine_squared = match phi {
        Nonlinearity::Erf => error_function(fields, k_uu, k_vv),
        Nonlinearity::Sine => sine(fields, averages.0, k_uu, k_vv),
        Nonlinearity::Linear => fields.sine_squared,
        _ => {
            let r = k_uu.sqrt() * k_vv.sqrt();
            let cosine = if r > 0.0 { averages.0 / r } else { 1.0 };
            (1.0 - cosine) * (1.0 + cosine)
        }
    };
    Dual::new(averages, sine_squared, k_uu, k_vv)
}

fn averages(phi: &Nonlinearity, fields: &Fields) -> (f64, f64) {
    let &Fields { p, q, c, .. } = fields;
    let determinant = fields.determinant();
    match phi {
        Nonlinearity::Linear => (c, 1.0),
        Nonlinearity::LeakyRelu { slope } => {
            let dual = rectifier(*slope, fields);
            (dual.k, dual.k_dot)
        }
        Nonlinearity::Erf => {
            let root = (1.0 + 2.0 * p + 2.0 * q + 4.0 * determinant).sqrt();
            (FRAC_2_PI * (2.0 * c).atan2(root), 2.0 * FRAC_2_PI / root)
        }
        Nonlinearity::Gelu => {
            let square = 1.0 + p + q + determinant;
            let root = square.sqrt();
            let a = 0.25 + 0.5 * FRAC_1_PI * c.atan2(root);
            let b = 0.5 * FRAC_1_PI / root;
            let sides = c / (1.0 + p) + c / (1.0 + q);
            (c * a + b * (determinant + c * sides), a + b * (sides + c / square))
        }
        Nonlinearity::Sine => sine_averages(p, q, c, fields.short()),
        Nonlinearity::Tanh => Scales::get().averages(fields),
        Nonlinearity::Polynomial { coefficients } => polynomial(coefficients, fields),
    }
}

/// sin t - t cos t, to full relative precision.
fn segment(t: f64) -> f64 {
    if t >= 0.5 {
        return t.sin() - t * t.cos();
    }
    // sum over m >= 1 of (-1)^(m+1) 2 m t^(2 m + 1) / (2 m + 1)!.
    let z = t * t;
    let terms = [
        1.0 / 3.0,
        -1.0 / 30.0,
        1.0 / 840.0,
        -1.0 / 45_360.0,
        1.0 / 3_991_680.0,
        -1.0 / 518_918_400.0,
        1.0 / 93_405_312_000.0,
    ];
    t * z * terms.iter().rev().fold(0.0, |sum, term| sum * z + term)
}

/// z for z > 0 and a z below; a = 0 is ReLU.
fn rectifier(a: f64, fields: &Fields) -> Dual {
    let &Fields { p, q, c, sine_squared } = fields;
    let r = fields.r();
    let power = 0.5 * (1.0 + a * a);
    let sides = sides(p, q);
    if r == 0.0 {
        // One field is 0: its angle to the other is anything, and stands at a right angle.
        let k_dot = 0.25 * (1.0 + a) * (1.0 + a);
        return Dual { k: 0.0, k_dot, sine_squared: 1.0, distance: power * sides };
    }
    let (sine, cosine) = (sine_squared.sqrt(), c / r);
    let (theta, rest) = (sine.atan2(cosine), sine.atan2(-cosine));
    // K = r/2pi [(1 + a^2) (sin + (pi - theta) cos) - 2 a (sin - theta cos)]; both brackets are segments.
    let (near, far) = (segment(theta), segment(rest));
    let kappa = FRAC_1_PI * (2.0 * power * far - 2.0 * a * near) / (2.0 * power);
    // 1 - kappa without cancellation, from t = min(theta, pi - theta): 1 - cos t = sin^2/(1 + cos), and the larger segment
    // is the smaller one + pi cos t.
    let one_minus_cos = sine_squared / (1.0 + cosine.abs());
    let bend = (1.0 - a) * (1.0 - a) / (2.0 * power) * FRAC_1_PI;
    let gap = if c > 0.0 {
        one_minus_cos - bend * near
    } else {
        ((1.0 + a) * (1.0 + a) - 2.0 * a * one_minus_cos) / (2.0 * power) - bend * far
    };
    Dual {
        k: power * r * kappa,
        k_dot: 0.5 * FRAC_1_PI * (2.0 * power * rest + 2.0 * a * theta),
        sine_squared: gap * (2.0 - gap),
        distance: power * (sides + 2.0 * r * gap),
    }
}

/// The squared sine behind erf(z). With angles alpha, beta, gamma of K over (p, p), (q, q), (p, q), and mu that of c = r, it is
/// 1 - gamma^2/(alpha beta) = [(alpha beta - mu^2) + (mu^2 - gamma^2)] / (alpha beta).
fn error_function(fields: &Fields, k_uu: f64, k_vv: f64) -> f64 {
    let &Fields { p, q, c, sine_squared } = fields;
    let (u, v) = (p.sqrt(), q.sqrt());
    let (r, size) = (u * v, c.abs());
    let inverse = FRAC_2_PI / (k_uu.sqrt() * k_vv.sqrt());
    if r == 0.0 || !inverse.is_finite() {
        return 0.0;
    }
    let whole = (1.0 + 2.0 * p + 2.0 * q).sqrt();
    let root = (1.0 + 2.0 * p + 2.0 * q + 4.0 * fields.determinant()).sqrt();
    let gamma = (2.0 * size).atan2(root);
    let rise = 2.0 * r * sine_squared * (1.0 + 2.0 * p) * (1.0 + 2.0 * q) / (root + size / r * whole);
    let between = rise.atan2(whole * root + 4.0 * r * size);
    let mu = gamma + between;
    let first = if fields.near() {
        // alpha - mu and beta - mu, by the tangent of the difference.
        let excess = |p: f64, q: f64, u: f64, v: f64| {
            let own = (1.0 + 4.0 * p).sqrt();
            let rise = 2.0 * u * (p - q) * (1.0 + 2.0 * p) / (u * whole + v * own);
            rise.atan2(own * whole + 4.0 * p * r)
        };
        let (of_u, of_v) = (excess(p, q, u, v) * inverse, excess(q, p, v, u) * inverse);
        of_u * of_v + mu * inverse * (of_u + of_v)
    } else {
        1.0 - (mu * inverse).powi(2)
    };
    first + between * inverse * ((gamma + mu) * inverse)
}

/// K and K' of sin, `short` = r - |c|.
pub(super) fn sine_averages(p: f64, q: f64, c: f64, short: f64) -> (f64, f64) {
    let damping = 0.5 * (-0.5 * sides(p, q) - short).exp();
    let learnt = -(-2.0 * c.abs()).exp_m1();
    ((damping * learnt).copysign(c), damping * (2.0 - learnt))
}

/// The squared sine behind sin: <phi(u)^2> <phi(v)^2> - K^2 is e^(-p-q) times
/// [sinh p sinh q - sinh^2 r] + sinh(r + |c|) sinh(r - |c|).
fn sine(fields: &Fields, k: f64, k_uu: f64, k_vv: f64) -> f64 {
    let &Fields { p, q, c, .. } = fields;
    let inverse = 0.5 / (k_uu.sqrt() * k_vv.sqrt());
    if !inverse.is_finite() {
        return 0.0;
    }
    let cosine = 2.0 * k.abs() * inverse;
    if cosine < WIDE {
        return (1.0 - cosine) * (1.0 + cosine);
    }
    // 2 e^(-x) sinh x.
    let rise = |x: f64| -(-2.0 * x).exp_m1() * inverse;
    let (r, sides) = (fields.r(), sides(p, q));
    let first = if fields.near() {
        // sinh p sinh q - sinh^2 r = sinh((p+q)/2 + r) sinh((p+q)/2 - r) - sinh^2((p-q)/2).
        let sum = p.sqrt() + q.sqrt();
        rise(0.5 * sum * sum) * rise(0.5 * sides) - ((-p.min(q)).exp() * rise(0.5 * (p - q).abs())).powi(2)
    } else {
        1.0 - ((-0.5 * sides).exp() * rise(r)).powi(2)
    };
    first + (-sides).exp() * rise(r + c.abs()) * rise(fields.short())
}

/// Isserlis: <u^i v^j> = (i - 1) p <u^(i-2) v^j> + j c <u^(i-1) v^(j-1)>.
fn polynomial(coefficients: &[f64], fields: &Fields) -> (f64, f64) {
    let &Fields { p, q, c, .. } = fields;
    let n = coefficients.len();
    let mut moments = vec![vec![0.0; n]; n];
    for i in 0..n {
        for j in 0..n {
            moments[i][j] = match (i, j) {
                (0, 0) => 1.0,
                (0, 1) => 0.0,
                (0, j) => (j - 1) as f64 * q * moments[0][j - 2],
                (i, j) => {
                    let own = if i > 1 { (i - 1) as f64 * p * moments[i - 2][j] } else { 0.0 };
                    own + if j > 0 { j as f64 * c * moments[i - 1][j - 1] } else { 0.0 }
                }
            };
        }
    }
    let mut sums = (0.0, 0.0);
    for (i, a) in coefficients.iter().enumerate() {
        for (j, b) in coefficients.iter().enumerate() {
            sums.0 += a * b * moments[i][j];
            if i > 0 && j > 0 {
                sums.1 += (i * j) as f64 * a * b * moments[i - 1][j - 1];
            }
        }
    }
    sums
}

/// Scales a and weights with tanh z = sum w erf(z / (sqrt 2 a)): the trapezoidal rule in ln a for Kolmogorov's
/// distribution, of which 2 a times a standard normal number is logistic. 32 nodes are exact to rounding.
#[derive(Debug)]
struct Scales {
    /// (a^2, weight).
    nodes: Vec<(f64, f64)>,
}

impl Scales {
    fn get() -> &'static Self {
        static SCALES: OnceLock<Scales> = OnceLock::new();
        SCALES.get_or_init(|| {
            const NODES: usize = 36;
            let (first, last) = (0.15_f64.ln(), 4.7_f64.ln());
            let step = (last - first) / (NODES - 1) as f64;
            let node = |i: usize| {
                let a = (first + step * i as f64).exp();
                (a * a, kolmogorov_density(a) * a * step)
            };
            Self { nodes: (0..NODES).map(node).collect() }
        })
    }

    fn averages(&self, fields: &Fields) -> (f64, f64) {
        let &Fields { p, q, c, .. } = fields;
        let determinant = fields.determinant();
        let mut sums = (0.0, 0.0);
        for &(a, of_a) in &self.nodes {
            for &(b, of_b) in &self.nodes {
                let root = (a * b + a * q + b * p + determinant).sqrt();
                sums.0 += of_a * of_b * c.atan2(root);
                sums.1 += of_a * of_b / root;
            }
        }
        (FRAC_2_PI * sums.0, FRAC_2_PI * sums.1)
    }
}

/// Density of Kolmogorov's distribution by whichever of its two series converges fast.
fn kolmogorov_density(x: f64) -> f64 {
    let square = x * x;
    if x < 0.8 {
        let term = |j: i32| {
            let e = f64::from(2 * j - 1).powi(2) * PI * PI / 8.0;
            (2.0 * e / square - 1.0) / square * (-e / square).exp()
        };
        (2.0 * PI).sqrt() * (1..6).map(term).sum::<f64>()
    } else {
        let term = |j: i32| {
            let sign = if j % 2 == 1 { 8.0 } else { -8.0 };
            sign * f64::from(j * j) * x * (-2.0 * f64::from(j * j) * square).exp()
        };
        (1..8).map(term).sum()
    }
}
