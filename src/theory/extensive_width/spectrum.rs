//! Spectrum of S + sqrt(v) GOE for a Wishart matrix S of ratio kappa: bands, density, and the error of its denoiser.
//!
//! The resolvent g(x - i0) solves x = v g + 1/g + kappa / (kappa - g), a cubic whose third root r > kappa is real
//! inside the bands. With p = r - kappa the complex pair has 2 h = kappa - (kappa/p - 1/r)/v and |g|^2 = kappa/(v r).

use std::f64::consts::PI;

/// Free convolution of a Wishart law of mean 1 and variance 1/kappa with a semicircle of variance v.
///
/// ```
/// use asymptotica::theory::extensive_width::Spectrum;
/// // Maillard et al. 2024: kappa = 0.5, v = 0.5.
/// let (error, _) = Spectrum::new(0.5, 0.5).denoiser_error();
/// assert!((error - 0.2917).abs() < 5e-5);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Spectrum {
    kappa: f64,
    v: f64,
}

/// Most nodes of the quadrature over one band.
const MOST_NODES: usize = 1 << 17;

impl Spectrum {
    pub fn new(kappa: f64, v: f64) -> Self {
        Self { kappa, v }
    }

    /// The real x that a real g belongs to.
    fn x_of(&self, g: f64) -> f64 {
        self.v * g + 1.0 / g + self.kappa / (self.kappa - g)
    }

    /// dx/dg for real g.
    fn slope(&self, g: f64) -> f64 {
        let rest = self.kappa - g;
        self.v - 1.0 / (g * g) + self.kappa / (rest * rest)
    }

    /// The g between `outer` and `inner` where the slope changes sign; it is positive at `outer`.
    fn turn(&self, mut outer: f64, mut inner: f64) -> f64 {
        for _ in 0..200 {
            let middle = 0.5 * (outer + inner);
            if middle == outer || middle == inner {
                break;
            }
            if self.slope(middle) > 0.0 { outer = middle } else { inner = middle }
        }
        0.5 * (outer + inner)
    }

    /// Supports of the density, ascending: one band, or two where kappa < 1 and v < (1 - kappa^(1/3))^3 / kappa^2.
    pub fn bands(&self) -> Vec<(f64, f64)> {
        let (kappa, v) = (self.kappa, self.v);
        // Below 0 the slope is negative near 0 and, as v g^2 >= 1 there, positive at -(1 + 1/sqrt v).
        let low = self.x_of(self.turn(-2.0 / v.sqrt(), -f64::MIN_POSITIVE.sqrt()));
        // Between 0 and kappa it rises from minus to plus infinity.
        let high = self.x_of(self.turn(kappa * (1.0 - f64::EPSILON), f64::MIN_POSITIVE.sqrt()));
        let root = libm::cbrt(kappa);
        let room = 1.0 - root;
        if room <= 0.0 || v >= room * room * room / (kappa * kappa) {
            return vec![(low, high)];
        }
        let deepest = kappa / room;
        // x(g) rises beyond kappa, falls through the gap, and rises again.
        let begin = self.x_of(self.turn(kappa * (1.0 + f64::EPSILON), deepest));
        let end = self.x_of(self.turn(deepest + 2.0 / v.sqrt(), deepest));
        vec![(low, end), (begin, high)]
    }

    /// p = r - kappa at x, from a guess.
    fn third_root(&self, x: f64, guess: f64) -> f64 {
        let (kappa, v) = (self.kappa, self.v);
        let f = |p: f64| v * (kappa + p) + 1.0 / (kappa + p) - kappa / p - x;
        let (mut low, mut high) = (guess, guess);
        while f(low) > 0.0 {
            low *= 0.5;
        }
        while f(high) < 0.0 {
            high *= 2.0;
        }
        let mut p = guess;
        for _ in 0..100 {
            let value = f(p);
            if value < 0.0 {
                low = p
            } else {
                high = p
            }
            let r = kappa + p;
            // Newton's step in ln p, halved into the bracket where it leaves it.
            let slope = (v - 1.0 / (r * r)) * p + kappa / p;
            let mut next = p * libm::exp(-value / slope);
            if !(low..=high).contains(&next) {
                next = (low * high).sqrt();
            }
            if (next - p).abs() <= 4.0 * f64::EPSILON * p || next == low && next == high {
                return next;
            }
            p = next;
        }
        p
    }

    /// pi rho(x) inside a band, with the root that it was computed from.
    fn height(&self, x: f64, guess: f64) -> (f64, f64) {
        let (kappa, v) = (self.kappa, self.v);
        let p = self.third_root(x, guess);
        let r = kappa + p;
        let h = 0.5 * (kappa - ((kappa - 1.0) * p + kappa * kappa) / (p * r * v));
        let square = kappa / (v * r) - h * h;
        // Rounding leaves either sign at the edges, where the density vanishes.
        (square.max(0.0).sqrt(), p)
    }

    /// Density at x; 0 outside the bands.
    pub fn density(&self, x: f64) -> f64 {
        if self.bands().iter().any(|(a, b)| (a..b).contains(&&x)) { self.height(x, 1.0).0 / PI } else { 0.0 }
    }

    /// Integral of f(pi rho, p) over a band by midpoints of the angle, which converge exponentially as the density vanishes
    /// like a root at both edges; with the change under the last doubling.
    fn over_band(&self, (a, b): (f64, f64), f: impl Fn(f64, f64) -> f64) -> (f64, f64) {
        let (middle, radius) = (0.5 * (a + b), 0.5 * (b - a));
        let mut last = f64::NAN;
        let mut nodes = 32;
        loop {
            let step = PI / nodes as f64;
            let mut sum = 0.0;
            let mut p = 1.0;
            for i in 0..nodes {
                let angle = (i as f64 + 0.5) * step;
                let height;
                (height, p) = self.height(middle - radius * libm::cos(angle), p);
                sum += f(height, p) * libm::sin(angle);
            }
            let value = sum * step * radius;
            let change = (value - last).abs();
            if change <= 1e-13 * value.abs() || nodes >= MOST_NODES {
                return (value, change);
            }
            last = value;
            nodes *= 2;
        }
    }

    /// Weight of the bands, 1 but for the error of the quadrature.
    pub fn mass(&self) -> f64 {
        self.bands().into_iter().map(|band| self.over_band(band, |height, _| height / PI).0).sum()
    }

    /// MMSE_den(v) = v - (4 pi^2 / 3) v^2 int rho^3, and the error of the quadrature.
    ///
    /// Where v is above the mean square 1 + 1/kappa of S that difference loses digits, and the error is that mean square less
    /// the one of the denoised eigenvalues, x - 2 v h = v p inside the bands.
    pub fn denoiser_error(&self) -> (f64, f64) {
        let total = 1.0 + 1.0 / self.kappa;
        let integral = |f: &dyn Fn(f64, f64) -> f64| {
            self.bands().into_iter().fold((0.0, 0.0), |(sum, error), band| {
                let (value, change) = self.over_band(band, f);
                (sum + value, error + change)
            })
        };
        if self.v > total {
            let (denoised, change) = integral(&|height, p| height / PI * (self.v * p) * (self.v * p));
            return (total - denoised, change);
        }
        let (cube, change) = integral(&|height, _| height * height * height);
        let factor = 4.0 / (3.0 * PI) * self.v * self.v;
        (self.v - factor * cube, factor * change)
    }
}
