//! Numbers that carry their derivatives along several directions.

use std::ops::{Add, Div, Mul, Neg, Sub};

/// The arithmetic that drifts are written in: plain numbers, or numbers with derivatives.
pub trait Scalar:
    Copy
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + Mul<f64, Output = Self>
    + Add<f64, Output = Self>
{
    fn constant(x: f64) -> Self;
    /// The number itself.
    fn value(self) -> f64;
    fn sqrt(self) -> Self;
    fn asin(self) -> Self;
    /// A function of the number, from its value and its first two derivatives there.
    fn chain(self, value: f64, slope: f64, curvature: f64) -> Self;
    /// A function of which only the gradient is a closed form: its value, and (slope along x_j, x_j) for every argument.
    fn with_gradient(value: f64, parts: &[(Self, Self)]) -> Self;
}

impl Scalar for f64 {
    fn constant(x: f64) -> Self {
        x
    }

    fn value(self) -> f64 {
        self
    }

    fn sqrt(self) -> Self {
        self.sqrt()
    }

    fn asin(self) -> Self {
        self.asin()
    }

    fn chain(self, value: f64, _slope: f64, _curvature: f64) -> Self {
        value
    }

    fn with_gradient(value: f64, _: &[(Self, Self)]) -> Self {
        value
    }
}

/// f(x + eps w) = `value` + `first` eps + `second` eps^2 along `N` directions w at once; `second` is half the
/// second derivative.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Jet<const N: usize> {
    pub value: f64,
    pub first: [f64; N],
    pub second: [f64; N],
}

impl<const N: usize> Scalar for Jet<N> {
    #[inline(always)]
    fn constant(x: f64) -> Self {
        Self { value: x, first: [0.0; N], second: [0.0; N] }
    }

    #[inline(always)]
    fn value(self) -> f64 {
        self.value
    }

    #[inline(always)]
    fn sqrt(self) -> Self {
        let root = self.value.sqrt();
        self.chain(root, 0.5 / root, -0.25 / (root * self.value))
    }

    #[inline(always)]
    fn asin(self) -> Self {
        let x = self.value;
        let slope = 1.0 / ((1.0 - x) * (1.0 + x)).sqrt();
        self.chain(x.asin(), slope, x * slope * slope * slope)
    }

    #[inline(always)]
    fn chain(self, value: f64, slope: f64, curvature: f64) -> Self {
        let mut out = Self { value, first: [0.0; N], second: [0.0; N] };
        for w in 0..N {
            out.first[w] = slope * self.first[w];
            out.second[w] = slope * self.second[w] + 0.5 * curvature * self.first[w] * self.first[w];
        }
        out
    }

    fn with_gradient(value: f64, parts: &[(Self, Self)]) -> Self {
        let mut out = Self::constant(value);
        for (slope, x) in parts {
            for w in 0..N {
                out.first[w] += slope.value * x.first[w];
                out.second[w] += slope.value * x.second[w] + 0.5 * slope.first[w] * x.first[w];
            }
        }
        out
    }
}

impl<const N: usize> Add for Jet<N> {
    type Output = Self;

    #[inline(always)]
    fn add(mut self, other: Self) -> Self {
        self.value += other.value;
        for w in 0..N {
            self.first[w] += other.first[w];
            self.second[w] += other.second[w];
        }
        self
    }
}

impl<const N: usize> Sub for Jet<N> {
    type Output = Self;

    #[inline(always)]
    fn sub(mut self, other: Self) -> Self {
        self.value -= other.value;
        for w in 0..N {
            self.first[w] -= other.first[w];
            self.second[w] -= other.second[w];
        }
        self
    }
}

impl<const N: usize> Neg for Jet<N> {
    type Output = Self;

    #[inline(always)]
    fn neg(self) -> Self {
        self * -1.0
    }
}

impl<const N: usize> Mul for Jet<N> {
    type Output = Self;

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        let mut out = Self::constant(self.value * other.value);
        for w in 0..N {
            out.first[w] = self.value * other.first[w] + self.first[w] * other.value;
            out.second[w] =
                self.value * other.second[w] + self.first[w] * other.first[w] + self.second[w] * other.value;
        }
        out
    }
}

impl<const N: usize> Div for Jet<N> {
    type Output = Self;

    // The quotient is defined by the product it undoes.
    #[inline(always)]
    fn div(self, other: Self) -> Self {
        let inverse = 1.0 / other.value;
        let value = self.value * inverse;
        let mut out = Self::constant(value);
        for w in 0..N {
            out.first[w] = (self.first[w] - value * other.first[w]) * inverse;
            out.second[w] =
                (self.second[w] - out.first[w] * other.first[w] - value * other.second[w]) * inverse;
        }
        out
    }
}

impl<const N: usize> Mul<f64> for Jet<N> {
    type Output = Self;

    #[inline(always)]
    fn mul(mut self, factor: f64) -> Self {
        self.value *= factor;
        for w in 0..N {
            self.first[w] *= factor;
            self.second[w] *= factor;
        }
        self
    }
}

impl<const N: usize> Add<f64> for Jet<N> {
    type Output = Self;

    #[inline(always)]
    fn add(mut self, x: f64) -> Self {
        self.value += x;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derivatives_of_a_composition_are_those_of_the_calculus() {
        // f(x) = asin(sqrt(x) / (1 + x)) at x = 0.3, directions 1 and 2: f' and f'' by 50-digit arithmetic.
        let x = Jet::<2> { value: 0.3, first: [1.0, 2.0], second: [0.0; 2] };
        let f = (x.sqrt() / (x + 1.0)).asin();
        // d/dx asin(sqrt x/(1+x)): u = sqrt x/(1+x), u' = (1-x)/(2 sqrt x (1+x)^2).
        let u = 0.3f64.sqrt() / 1.3;
        let u1 = 0.7 / (2.0 * 0.3f64.sqrt() * 1.69);
        let slope = u1 / (1.0 - u * u).sqrt();
        assert!((f.first[0] - slope).abs() < 1e-15 && (f.first[1] - 2.0 * slope).abs() < 1e-15);
        assert!((f.second[1] - 4.0 * f.second[0]).abs() < 1e-14);
        let at = |x: f64| (x.sqrt() / (1.0 + x)).asin();
        let h = 1e-4;
        let numeric = (at(0.3 + h) - 2.0 * at(0.3) + at(0.3 - h)) / (h * h);
        assert!((2.0 * f.second[0] - numeric).abs() < 1e-6);
        // The same from value and slope alone: asin u with the slope 1 / sqrt(1 - u^2).
        let u = x.sqrt() / (x + 1.0);
        let one = Jet::constant(1.0);
        let implied = Jet::with_gradient(u.value.asin(), &[(one / (one - u * u).sqrt(), u)]);
        for w in 0..2 {
            assert!((implied.first[w] - f.first[w]).abs() < 1e-14);
            assert!((implied.second[w] - f.second[w]).abs() < 1e-13);
        }
    }
}
