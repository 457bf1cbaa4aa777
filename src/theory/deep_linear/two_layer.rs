//! One aligned mode of two layers, balanced or not: a' = b (s - a b), b' = a (s - a b).
//!
//! c = b^2 - a^2 is conserved: orbits are hyperbolas (Saxe, McClelland & Ganguli 2014, appendix A). In
//! P = (a + b)^2/2 and M = (b - a)^2/2, with u = a b = (P - M)/2 and P M = c^2/4,
//!
//! P' = -(P - P1)(P - P2), P1,2 = s +- w, w = sqrt(s^2 + c^2/4), and M alike with -s in place of s,
//!
//! so both are logistic at the rate 2 w, and nothing is singular as c -> 0, where u = P/2 is the balanced mode.

/// A mode with its start.
#[derive(Clone, Copy, Debug)]
pub struct TwoLayerMode {
    pub strength: f64,
    a0: f64,
    b0: f64,
    /// Learning rate times input variance.
    rate: f64,
    saturates: bool,
}

/// a, b, and s - a b without cancellation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Factors {
    pub a: f64,
    pub b: f64,
    pub gap: f64,
}

impl TwoLayerMode {
    pub fn new(strength: f64, a0: f64, b0: f64, rate: f64) -> Self {
        Self { strength, a0, b0, rate, saturates: true }
    }

    /// The fault without saturation: a' = b s, b' = a s.
    pub fn without_saturation(self) -> Self {
        Self { saturates: false, ..self }
    }

    fn quarter_c2(&self) -> f64 {
        let c = (self.b0 - self.a0) * (self.b0 + self.a0);
        0.25 * c * c
    }

    pub fn at(&self, t: f64) -> Factors {
        let (sum, difference) = (self.a0 + self.b0, self.b0 - self.a0);
        let (p0, m0) = (0.5 * sum * sum, 0.5 * difference * difference);
        let t = self.rate * t;
        if !self.saturates {
            let (p, m) = (p0 * (2.0 * self.strength * t).exp(), m0 * (-2.0 * self.strength * t).exp());
            return factors(sum, difference, p, m, self.strength - 0.5 * (p - m));
        }
        let q = self.quarter_c2();
        let (p, p_gap) = logistic(self.strength, q, p0, t);
        let (m, m_gap) = logistic(-self.strength, q, m0, t);
        // s = (P1 - M1)/2 with the stable roots P1 of P and M1 of M.
        factors(sum, difference, p, m, 0.5 * (p_gap - m_gap))
    }

    /// The time at which a b reaches `u`; the mode must be on its way there.
    pub fn time_to(&self, u: f64) -> f64 {
        let q = self.quarter_c2();
        let w = (self.strength * self.strength + q).sqrt();
        let (upper, lower) = roots(self.strength, q);
        // From P - q/P = 2 u.
        let p = u + (u * u + q).sqrt();
        let p0 = 0.5 * (self.a0 + self.b0) * (self.a0 + self.b0);
        ((p - lower) * (upper - p0) / ((p0 - lower) * (upper - p))).ln() / (2.0 * w * self.rate)
    }
}

fn factors(sum: f64, difference: f64, p: f64, m: f64, gap: f64) -> Factors {
    let (sum, difference) =
        ((2.0 * p).sqrt().copysign(sum), if m > 0.0 { (2.0 * m).sqrt().copysign(difference) } else { 0.0 });
    Factors { a: 0.5 * (sum - difference), b: 0.5 * (sum + difference), gap }
}

/// s + w and s - w, the second from the product -q of the two.
fn roots(s: f64, q: f64) -> (f64, f64) {
    let w = (s * s + q).sqrt();
    if s >= 0.0 {
        (s + w, if q > 0.0 { -q / (s + w) } else { 0.0 })
    } else {
        (if q > 0.0 { q / (w - s) } else { 0.0 }, s - w)
    }
}

/// x(t) of x' = -(x - x1)(x - x2) from x0 >= 0, and x1 - x(t).
fn logistic(s: f64, q: f64, x0: f64, t: f64) -> (f64, f64) {
    let (upper, lower) = roots(s, q);
    let width = upper - lower;
    if x0 == 0.0 && q == 0.0 {
        return (0.0, upper);
    }
    if width == 0.0 {
        let x = x0 / (1.0 + x0 * t);
        return (x, -x);
    }
    // (x1 - x)/(x - x2) decays at the rate x1 - x2.
    let ratio = (upper - x0) / (x0 - lower) * (-width * t).exp();
    let gap = width * ratio / (1.0 + ratio);
    (if ratio < 1.0 { upper - gap } else { (upper + lower * ratio) / (1.0 + ratio) }, gap)
}
