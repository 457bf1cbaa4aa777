//! The two functions of the overlaps that the law consists of, G_j and V.

use crate::math::line::normal_average;
use crate::problem::single_index::{Link, Polynomial, SingleIndex};
use crate::theory::linear_noise::jet::Scalar;

/// G_j(m) = <d y/d h*_j s'(h)> and V(m) = <(y - s(h))^2 s'(h)^2>.
#[derive(Clone, Debug)]
pub(super) enum Averages {
    Series(Box<Series>),
    Table(Box<Table>),
    Integrals(Integrals),
}

impl Averages {
    pub fn new(problem: &SingleIndex, noise: f64) -> Self {
        match (problem.student.as_polynomial(), problem.link.as_polynomial()) {
            (Some(student), Some(label)) => {
                Self::Series(Box::new(Series::new(student, label, problem.directions, noise)))
            }
            _ => {
                let integrals =
                    Integrals { label: problem.link.clone(), student: problem.student.clone(), noise };
                match Table::new(&integrals) {
                    Some(table) => Self::Table(Box::new(table)),
                    None => Self::Integrals(integrals),
                }
            }
        }
    }

    /// G_j at overlap m_j.
    pub fn pull(&self, m: f64) -> f64 {
        match self {
            Self::Series(series) => series.pull(m),
            Self::Table(table) => table.pull.at(m),
            Self::Integrals(integrals) => integrals.pull(m),
        }
    }

    /// V.
    pub fn noise(&self, m: &[f64]) -> f64 {
        match self {
            Self::Series(series) => series.noise(m),
            Self::Table(table) => table.noise.at(m[0]),
            Self::Integrals(integrals) => integrals.noise(m[0]),
        }
    }
}

/// Both by adaptive quadratures over h, for one direction.
#[derive(Clone, Debug)]
pub(super) struct Integrals {
    label: Link,
    student: Link,
    noise: f64,
}

impl Integrals {
    fn average(&self, m: f64, f: impl Fn(f64) -> f64) -> f64 {
        let mut kinks = self.label.smoothed_kinks(m, sigma(m));
        kinks.extend(self.student.kinks());
        normal_average(f, &kinks).value
    }

    fn pull(&self, m: f64) -> f64 {
        let sigma = sigma(m);
        self.average(m, |h| self.student.derivative(h) * self.label.smoothed(m * h, sigma).slope)
    }

    fn noise(&self, m: f64) -> f64 {
        let sigma = sigma(m);
        // Term by term: their sum may cancel to rounding within the integrand, which no refinement resolves.
        let weight = |h: f64| self.student.derivative(h).powi(2);
        let label = |h: f64| self.label.smoothed(m * h, sigma);
        self.average(m, |h| weight(h) * (self.student.value(h).powi(2) + self.noise))
            + self.average(m, |h| weight(h) * label(h).square)
            - 2.0 * self.average(m, |h| weight(h) * self.student.value(h) * label(h).mean)
    }
}

/// Spread of h* around m h. A trial step of the integrator may leave the sphere by its tolerance, and no further.
fn sigma(m: f64) -> f64 {
    ((1.0 - m) * (1.0 + m)).max(0.0).sqrt()
}

/// Both by interpolation between quadratures. In the angle asin m both are smooth up to the ends, also for links with
/// kinks, whose averages are polynomials in the angle, its sine and its cosine.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pull: Chebyshev,
    noise: Chebyshev,
}

impl Table {
    fn new(integrals: &Integrals) -> Option<Self> {
        let pull = Chebyshev::new(|m| integrals.pull(m))?;
        Some(Self { pull, noise: Chebyshev::new(|m| integrals.noise(m))? })
    }
}

/// A function of m in Chebyshev polynomials of (2/pi) asin m.
#[derive(Clone, Debug)]
pub(super) struct Chebyshev(Vec<f64>);

/// The last eighth of the coefficients, relative to the largest one, at which a series counts as complete.
const COMPLETE: f64 = 1e-12;

impl Chebyshev {
    /// Doubles the number of nodes until the series is complete; `None` if it is not with 256.
    pub fn new(f: impl Fn(f64) -> f64) -> Option<Self> {
        let mut nodes = 16;
        while nodes <= 256 {
            let angle = |k: usize| std::f64::consts::PI * (k as f64 + 0.5) / nodes as f64;
            let values: Vec<f64> =
                (0..nodes).map(|k| f((std::f64::consts::FRAC_PI_2 * angle(k).cos()).sin())).collect();
            let coefficient = |n: usize| {
                let sum: f64 = values.iter().enumerate().map(|(k, v)| v * (n as f64 * angle(k)).cos()).sum();
                sum * if n == 0 { 1.0 } else { 2.0 } / nodes as f64
            };
            let series: Vec<f64> = (0..nodes).map(coefficient).collect();
            let largest = series.iter().fold(0.0, |a: f64, c| a.max(c.abs()));
            if series[nodes - nodes / 8..].iter().all(|c| c.abs() <= COMPLETE * largest) {
                return Some(Self(series));
            }
            nodes *= 2;
        }
        None
    }

    fn at(&self, m: f64) -> f64 {
        // Trial steps of the integrator may leave the sphere; accepted ones do so by rounding and its tolerance alone.
        self.along(m.clamp(-1.0, 1.0).asin() * std::f64::consts::FRAC_2_PI)
    }

    /// At x = (2/pi) asin m, in any arithmetic, by Clenshaw's recurrence.
    pub fn along<S: Scalar>(&self, x: S) -> S {
        let (mut before, mut now) = (S::constant(0.0), S::constant(0.0));
        for &c in self.0.iter().skip(1).rev() {
            (before, now) = (now, x * now * 2.0 - before + c);
        }
        x * now - before + self.0[0]
    }
}

/// Both for polynomials, as finite series. With F = s'^2 and x_n the n-th coefficient of x in normalised Hermite
/// polynomials, <x(h) z(h*)> = sum_n m^n x_n z_n for fields of correlation m, and for two planted fields orthogonal
/// to each other <F h_a(h*_1) h_b(h*_2)> = sqrt((a + b)!/(a! b!)) m_1^a m_2^b F_(a+b).
#[derive(Clone, Debug)]
pub(super) struct Series {
    /// 1/sqrt p.
    scale: f64,
    /// k c_k a_k of m^(k-1).
    pull: Vec<f64>,
    /// <F s^2> + Delta <F>.
    constant: f64,
    /// (F s)_n c_n and F_n (s*^2)_n of m^n.
    cross: Vec<f64>,
    square: Vec<f64>,
    /// c_a c_b sqrt((a + b)!/(a! b!)) F_(a+b) of m_1^a m_2^b.
    pairs: Vec<(i32, i32, f64)>,
}

impl Series {
    fn new(student: &Polynomial, label: &Polynomial, directions: usize, noise: f64) -> Self {
        let slope = student.derivative();
        let f = slope.product(&slope);
        let fs = f.product(student);
        let zip = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).collect::<Vec<f64>>();
        let c = label.hermite();
        let pull = zip(student.hermite(), c).iter().enumerate().skip(1).map(|(k, x)| k as f64 * x).collect();
        let mut pairs = Vec::new();
        if directions > 1 {
            for (a, ca) in c.iter().enumerate() {
                for (b, cb) in c.iter().enumerate() {
                    let Some(coefficient) = f.hermite().get(a + b).filter(|_| ca * cb != 0.0) else {
                        continue;
                    };
                    let choices: f64 = (1..=b).map(|i| (a + i) as f64 / i as f64).product();
                    pairs.push((a as i32, b as i32, ca * cb * choices.sqrt() * coefficient));
                }
            }
        }
        Self {
            scale: 1.0 / (directions as f64).sqrt(),
            pull,
            constant: mean(&fs.product(student)) + noise * mean(&f),
            cross: zip(fs.hermite(), c),
            square: zip(f.hermite(), label.product(label).hermite()),
            pairs,
        }
    }

    fn pull(&self, m: f64) -> f64 {
        self.scale * horner(&self.pull, m)
    }

    fn noise(&self, m: &[f64]) -> f64 {
        let single = |m: f64| {
            self.scale * self.scale * horner(&self.square, m) - 2.0 * self.scale * horner(&self.cross, m)
        };
        let mut sum = self.constant + m.iter().map(|&m| single(m)).sum::<f64>();
        for (j, &first) in m.iter().enumerate() {
            for (l, &second) in m.iter().enumerate() {
                if j != l {
                    let terms = self.pairs.iter().map(|&(a, b, x)| x * first.powi(a) * second.powi(b));
                    sum += self.scale * self.scale * terms.sum::<f64>();
                }
            }
        }
        sum
    }

    /// -dV/dm at m = 1, for one direction.
    pub fn noise_slope_at_recovery(&self) -> f64 {
        let slope = |x: &[f64]| x.iter().enumerate().map(|(n, x)| n as f64 * x).sum::<f64>();
        2.0 * slope(&self.cross) - slope(&self.square)
    }
}

fn mean(polynomial: &Polynomial) -> f64 {
    polynomial.hermite().first().copied().unwrap_or(0.0)
}

fn horner(coefficients: &[f64], x: f64) -> f64 {
    coefficients.iter().rev().fold(0.0, |sum, c| sum * x + c)
}
