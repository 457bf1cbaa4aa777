//! One mode of an aligned start with equal factors in every layer: u' = L u^(2 - 2/L) (s - u), any depth.
//!
//! Saxe, McClelland & Ganguli (2014), eqs. 12 to 14. With y = (u/s)^(1/L) and theta = s^(2 - 2/L) t every mode of
//! one depth moves on the same curve,
//!
//! dy/dtheta = y^(L-1) (1 - y^L), theta = -y^-(L-2) / (L - 2) + G(y), G(y) = integral_0^y z dz / (1 - z^L),
//!
//! and G is a sum of L logarithms over the L-th roots of unity. The time to reach a strength is therefore in closed
//! form at any depth; the strength at a time is its inverse, by Halley's method in v = ln u/(s - u), in which u near
//! 0 and near s keeps its digits and dtheta/dv = (u/s)^(2/L - 1) / L is tame at every depth. Many points
//! are read from a `table`. Two layers are the logistic curve, see `two_layer`.

use super::table::Table;
use std::f64::consts::PI;

/// theta(y) for one depth L >= 3.
#[derive(Clone, Debug)]
pub struct Clock {
    depth: f64,
    /// cos(2 pi j/L), sin(2 pi j/L), and the same of twice the angle, for 0 < j < L/2.
    roots: Vec<[f64; 4]>,
    /// -1 is a root of unity as well.
    even: bool,
    /// theta at u = s/2, where the two first guesses of the inverse meet.
    theta_half: f64,
    /// theta at [`LINEAR_FROM`].
    theta_end: f64,
}

impl Clock {
    /// # Panics
    /// For fewer than three layers.
    pub fn new(layers: usize) -> Self {
        assert!(layers >= 3, "one and two layers have their own formulas");
        let depth = layers as f64;
        let root = |j: usize| {
            let angle = 2.0 * PI * j as f64 / depth;
            [angle.cos(), angle.sin(), (2.0 * angle).cos(), (2.0 * angle).sin()]
        };
        let roots = (1..=(layers - 1) / 2).map(root).collect();
        let mut clock =
            Self { depth, roots, even: layers.is_multiple_of(2), theta_half: 0.0, theta_end: 0.0 };
        clock.theta_half = clock.theta(0.0);
        clock.theta_end = clock.theta(LINEAR_FROM);
        clock
    }

    /// L.
    pub(super) fn depth(&self) -> f64 {
        self.depth
    }

    /// theta at u/s = 1/(1 + e^-v).
    pub(super) fn theta(&self, v: f64) -> f64 {
        self.theta_and_slope(v).0
    }

    /// theta, its derivative by v, and minus the logarithmic derivative of that.
    pub(super) fn theta_and_slope(&self, v: f64) -> (f64, f64, f64) {
        let power = self.depth - 2.0;
        let share = power / self.depth;
        // -ln(u/s) = softplus(-v), and y^-(L-2) = e^(share softplus(-v)).
        let w = (-v.abs()).exp();
        let minus_ln_x = if v >= 0.0 { w.ln_1p() } else { w.ln_1p() - v };
        let grown = (share * minus_ln_x).exp();
        let bend = share * if v >= 0.0 { w } else { 1.0 } / (1.0 + w);
        let ln_y = -minus_ln_x / self.depth;
        // ln(1 - y): beyond v = 36 the expansion in e^-v is exact to rounding, and e^-v may underflow.
        let mut sum = if v > 36.0 { -v - self.depth.ln() } else { (-ln_y.exp_m1()).ln() };
        let y = ln_y.exp();
        if self.even {
            sum += y.ln_1p();
        }
        for &[cos, sin, cos_2, sin_2] in &self.roots {
            let real = 1.0 - y * cos;
            let imaginary = y * sin;
            let half_log = 0.5 * (real * real + imaginary * imaginary).ln();
            sum += 2.0 * (cos_2 * half_log - sin_2 * imaginary.atan2(real));
        }
        (-grown / power - sum / self.depth, grown / self.depth, bend)
    }

    /// v with theta(v) = `theta`: Halley's method, whose third order makes the step after one of 1e-5 rounding.
    fn invert(&self, theta: f64) -> f64 {
        let power = self.depth - 2.0;
        if theta > self.theta_end {
            return LINEAR_FROM + self.depth * (theta - self.theta_end);
        }
        let mut v = if theta > self.theta_half {
            self.depth * (theta - self.theta_half)
        } else {
            // Without G, which is small where u is.
            logit((-power * theta).powf(-self.depth / power).min(0.5))
        };
        for _ in 0..100 {
            let (value, slope, bend) = self.theta_and_slope(v);
            let newton = (value - theta) / slope;
            v -= newton / (1.0 + 0.5 * bend * newton).max(0.5);
            if newton.abs() <= 1e-5 {
                break;
            }
        }
        v
    }
}

/// From here on theta is linear in v to rounding.
pub(super) const LINEAR_FROM: f64 = 40.0;

/// One mode with 0 < u0 < s in units of its own clock.
#[derive(Clone, Debug)]
pub struct Mode {
    pub strength: f64,
    v0: f64,
    theta_0: f64,
    /// d theta / dt.
    rate: f64,
}

impl Mode {
    /// `rate` multiplies the right-hand side: learning rate times input variance.
    ///
    /// # Panics
    /// Outside 0 < u0 < s.
    pub fn new(clock: &Clock, strength: f64, u0: f64, rate: f64) -> Self {
        assert!(0.0 < u0 && u0 < strength, "a mode grows from u0 in (0, s)");
        let v0 = (u0 / (strength - u0)).ln();
        let rate = rate * strength.powf(2.0 - 2.0 / clock.depth);
        Self { strength, v0, theta_0: clock.theta(v0), rate }
    }

    /// u(t) and s - u(t), both to full relative precision.
    pub fn at(&self, clock: &Clock, t: f64) -> (f64, f64) {
        let v = if t == 0.0 { self.v0 } else { clock.invert(self.theta_0 + self.rate * t) };
        self.strengths(v)
    }

    /// The same from a table that reaches down to [`Mode::lowest`]; `near` as in [`Table::invert`].
    pub fn look_up(&self, table: &Table, near: &mut usize, t: f64) -> (f64, f64) {
        let v = if t == 0.0 { self.v0 } else { table.invert(self.theta_0 + self.rate * t, near) };
        self.strengths(v)
    }

    /// v at time 0.
    pub fn lowest(&self) -> f64 {
        self.v0
    }

    fn strengths(&self, v: f64) -> (f64, f64) {
        let w = (-v.abs()).exp();
        let (larger, smaller) = (self.strength / (1.0 + w), self.strength * w / (1.0 + w));
        if v >= 0.0 { (larger, smaller) } else { (smaller, larger) }
    }

    /// The time at which the mode reaches `u` < s.
    pub fn time_to(&self, clock: &Clock, u: f64) -> f64 {
        (clock.theta((u / (self.strength - u)).ln()) - self.theta_0) / self.rate
    }

    /// u(t) of the fault without saturation, u' = L s u^(2 - 2/L); `None` from its blow-up on.
    pub fn unsaturated(&self, clock: &Clock, t: f64) -> Option<f64> {
        let power = clock.depth - 2.0;
        let y0 = (1.0 + (-self.v0).exp()).powf(-1.0 / clock.depth);
        let left = y0.powf(-power) - power * self.rate * t;
        (left > 0.0).then(|| self.strength * left.powf(-clock.depth / power))
    }
}

/// ln x/(1 - x).
fn logit(x: f64) -> f64 {
    x.ln() - (-x).ln_1p()
}

/// Time from u0 to u for one layer, u' = s - u.
pub fn one_layer_time(s: f64, u0: f64, u: f64) -> f64 {
    ((s - u0) / (s - u)).ln()
}

/// Time from u0 to u in the limit of infinite depth at the rate 1/L: u' = u^2 (s - u).
///
/// ```
/// use asymptotica::theory::deep_linear::infinite_depth_time;
/// // s = 1, from 1/2 to 3/4: (2 - 4/3) + ln 3.
/// assert!((infinite_depth_time(1.0, 0.5, 0.75) - (2.0 / 3.0 + 3.0_f64.ln())).abs() < 1e-15);
/// ```
pub fn infinite_depth_time(s: f64, u0: f64, u: f64) -> f64 {
    (1.0 / u0 - 1.0 / u) / s + (u * (s - u0) / (u0 * (s - u))).ln() / (s * s)
}

/// Time to learn for small u0 and L > 2 layers: u0^-(1 - 2/L) / (L s (1 - 2/L)), whatever the end.
pub fn small_start_time(layers: usize, s: f64, u0: f64) -> f64 {
    let depth = layers as f64;
    let power = 1.0 - 2.0 / depth;
    u0.powf(-power) / (depth * s * power)
}

/// Time from u0 to u, 0 < u0 < s and 0 < u < s, of a mode of `layers` layers: in closed form at any depth.
///
/// ```
/// use asymptotica::theory::deep_linear::learning_time;
/// // Two layers, s = 3, u0 = 1e-3, up to 0.95 s: ln[u (s - u0) / (u0 (s - u))] / (2 s) = 1.8251.
/// assert!((learning_time(2, 3.0, 1e-3, 2.85) - 1.8251).abs() < 5e-5);
/// ```
pub fn learning_time(layers: usize, s: f64, u0: f64, u: f64) -> f64 {
    match layers {
        1 => one_layer_time(s, u0, u),
        2 => (u * (s - u0) / (u0 * (s - u))).ln() / (2.0 * s),
        _ => {
            let clock = Clock::new(layers);
            Mode::new(&clock, s, u0, 1.0).time_to(&clock, u)
        }
    }
}
