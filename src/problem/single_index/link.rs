//! Link functions: values, derivatives, and averages over the part of their argument that another field leaves open.

use crate::math::gaussian::bivariate::upper_quadrant;
use crate::math::special::{erf, normal_cdf, normal_pdf};
use std::f64::consts::FRAC_1_SQRT_2;

/// A polynomial by its coefficients in normalised Hermite polynomials h_k (<h_j h_k> = delta_jk for a standard
/// normal argument) and in powers.
#[derive(Clone, Debug, PartialEq)]
pub struct Polynomial {
    hermite: Vec<f64>,
    powers: Vec<f64>,
}

/// Highest order of a Hermite polynomial: powers lose 3 digits there.
pub const HIGHEST_ORDER: usize = 12;

impl Polynomial {
    /// sum_k c_k h_k.
    pub fn from_hermite(coefficients: &[f64]) -> Self {
        // h_(k+1) = (x h_k - sqrt k h_(k-1))/sqrt(k + 1).
        let n = coefficients.len();
        let (mut before, mut now) = (vec![0.0; n], vec![0.0; n]);
        let mut powers = vec![0.0; n];
        if n > 0 {
            now[0] = 1.0;
        }
        for (k, c) in coefficients.iter().enumerate() {
            powers.iter_mut().zip(&now).for_each(|(p, h)| *p += c * h);
            let (root, next_root) = ((k as f64).sqrt(), ((k + 1) as f64).sqrt());
            let next = (0..n).map(|i| {
                let shifted = if i > 0 { now[i - 1] } else { 0.0 };
                (shifted - root * before[i]) / next_root
            });
            let next: Vec<f64> = next.collect();
            before = std::mem::replace(&mut now, next);
        }
        Self { hermite: coefficients.to_vec(), powers }
    }

    /// sum_n p_n x^n, by x h_k = sqrt(k + 1) h_(k+1) + sqrt k h_(k-1).
    pub fn from_powers(powers: &[f64]) -> Self {
        let n = powers.len();
        let mut hermite = vec![0.0; n];
        // Horner's scheme in the Hermite basis.
        for p in powers.iter().rev() {
            let mut next = vec![0.0; n];
            for (k, c) in hermite.iter().enumerate() {
                if k + 1 < n {
                    next[k + 1] += ((k + 1) as f64).sqrt() * c;
                }
                if k > 0 {
                    next[k - 1] += (k as f64).sqrt() * c;
                }
            }
            hermite = next;
            if n > 0 {
                hermite[0] += p;
            }
        }
        Self { hermite, powers: powers.to_vec() }
    }

    /// c_k.
    pub fn hermite(&self) -> &[f64] {
        &self.hermite
    }

    pub fn powers(&self) -> &[f64] {
        &self.powers
    }

    #[inline]
    pub fn value(&self, x: f64) -> f64 {
        self.powers.iter().rev().fold(0.0, |sum, p| sum * x + p)
    }

    pub fn derivative(&self) -> Self {
        let powers: Vec<f64> = self.powers.iter().enumerate().skip(1).map(|(n, p)| n as f64 * p).collect();
        Self::from_powers(&powers)
    }

    pub fn product(&self, other: &Self) -> Self {
        let n = (self.powers.len() + other.powers.len()).saturating_sub(1);
        let mut powers = vec![0.0; n];
        for (i, a) in self.powers.iter().enumerate() {
            for (j, b) in other.powers.iter().enumerate() {
                powers[i + j] += a * b;
            }
        }
        Self::from_powers(&powers)
    }
}

/// s(x).
#[derive(Clone, Debug, PartialEq)]
pub enum Link {
    /// A polynomial and its derivative.
    Polynomial(Polynomial, Polynomial),
    /// max(0, x).
    Relu,
    /// 1/(1 + e^-x).
    Sigmoid,
    /// erf(x/sqrt 2).
    Erf,
    Tanh,
    Sign,
    /// |x|.
    Abs,
}

/// Averages of s over an argument mu + sigma g, g ~ N(0, 1).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Smoothed {
    /// `<s>`.
    pub mean: f64,
    /// d`<s>`/d mu.
    pub slope: f64,
    /// <s^2>.
    pub square: f64,
}

impl Link {
    pub fn polynomial(polynomial: Polynomial) -> Self {
        let derivative = polynomial.derivative();
        Self::Polynomial(polynomial, derivative)
    }

    #[inline]
    pub fn value(&self, x: f64) -> f64 {
        match self {
            Self::Polynomial(p, _) => p.value(x),
            Self::Relu => x.max(0.0),
            Self::Sigmoid => 1.0 / (1.0 + libm::exp(-x)),
            Self::Erf => erf(x * FRAC_1_SQRT_2),
            Self::Tanh => libm::tanh(x),
            Self::Sign => sign(x),
            Self::Abs => x.abs(),
        }
    }

    /// s'(x), 0 at a kink; that of the sign is 0.
    #[inline]
    pub fn derivative(&self, x: f64) -> f64 {
        match self {
            Self::Polynomial(_, d) => d.value(x),
            Self::Relu => f64::from(x > 0.0),
            Self::Sigmoid => {
                let s = 1.0 / (1.0 + libm::exp(-x));
                s * (1.0 - s)
            }
            Self::Erf => 2.0 * normal_pdf(x),
            Self::Tanh => {
                let t = libm::tanh(x);
                1.0 - t * t
            }
            Self::Sign => 0.0,
            Self::Abs => sign(x),
        }
    }

    /// Averages over x = mu + sigma g; sigma = 0 is the value itself, with the slope 0 at the jump of the sign.
    pub fn smoothed(&self, mu: f64, sigma: f64) -> Smoothed {
        if sigma == 0.0 {
            let mean = self.value(mu);
            return Smoothed { mean, slope: self.derivative(mu), square: mean * mean };
        }
        let (x, phi, cdf) = (mu / sigma, normal_pdf(mu / sigma), normal_cdf(mu / sigma));
        let second = mu * mu + sigma * sigma;
        match self {
            Self::Relu => {
                Smoothed { mean: mu * cdf + sigma * phi, slope: cdf, square: second * cdf + mu * sigma * phi }
            }
            Self::Abs => {
                let spread = erf(x * FRAC_1_SQRT_2);
                Smoothed { mean: mu * spread + 2.0 * sigma * phi, slope: spread, square: second }
            }
            Self::Sign => Smoothed { mean: erf(x * FRAC_1_SQRT_2), slope: 2.0 * phi / sigma, square: 1.0 },
            Self::Erf => {
                let wide = (1.0 + sigma * sigma).sqrt();
                let y = mu / wide;
                let mean = erf(y * FRAC_1_SQRT_2);
                let correlation = sigma * sigma / (1.0 + sigma * sigma);
                let both = upper_quadrant(-y, -y, correlation).expect("a correlation below 1");
                Smoothed { mean, slope: 2.0 * normal_pdf(y) / wide, square: 4.0 * both - 2.0 * mean - 1.0 }
            }
            Self::Polynomial(..) | Self::Sigmoid | Self::Tanh => self.summed(mu, sigma),
        }
    }

    /// The trapezoidal rule with step 1/4 on |g| <= 9: the poles of tanh and sigmoid are at a distance of pi/2 or
    /// more, which leaves an error of e^(-4 pi^2), and a polynomial is summed exactly.
    fn summed(&self, mu: f64, sigma: f64) -> Smoothed {
        let mut sums = Smoothed { mean: 0.0, slope: 0.0, square: 0.0 };
        for i in -36..=36 {
            let g = 0.25 * f64::from(i);
            let weight = 0.25 * normal_pdf(g);
            let x = mu + sigma * g;
            let value = self.value(x);
            sums.mean += weight * value;
            sums.slope += weight * self.derivative(x);
            sums.square += weight * value * value;
        }
        sums
    }

    /// Arguments at which the link or its derivative is not smooth.
    pub fn kinks(&self) -> &'static [f64] {
        match self {
            Self::Relu | Self::Abs | Self::Sign => &[0.0],
            _ => &[],
        }
    }

    /// Arguments h around which `smoothed(m h, sigma)` changes within a distance of order sigma/|m|: the kinks and both
    /// ends of that region, for a quadrature over h to stop at.
    pub fn smoothed_kinks(&self, m: f64, sigma: f64) -> Vec<f64> {
        let near = |kink: f64| [-8.0, 0.0, 8.0].map(|width| (kink + width * sigma) / m);
        if m == 0.0 { Vec::new() } else { self.kinks().iter().flat_map(|&kink| near(kink)).collect() }
    }

    pub fn as_polynomial(&self) -> Option<&Polynomial> {
        match self {
            Self::Polynomial(p, _) => Some(p),
            _ => None,
        }
    }
}

/// The sign, 0 at 0.
fn sign(x: f64) -> f64 {
    if x == 0.0 { 0.0 } else { x.signum() }
}
