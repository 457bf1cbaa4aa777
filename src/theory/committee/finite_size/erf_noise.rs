//! Moments of the noise of one SGD step for erf units, in closed form up to one smooth integral.
//!
//! g'(x) = sqrt(2/pi) exp(-x^2/2) tilts a Gaussian into a Gaussian: `<g'(u_j) f>_C = phi_j <f>_{C_j}` with
//! phi_j = sqrt(2/pi) / sqrt(1 + C_jj) and C_j = C - C e_j e_j^T C / (1 + C_jj). What is left after all tilts are
//! moments of Delta_0 = sum_c s_c g(u_c) and one field:
//!
//! E2 = <Delta_0^2>, L1(a) = <u_a Delta_0>, L3(a) = <u_a Delta_0^3>, U2(a, b) = <u_a u_b Delta_0^2>,
//!
//! E4 = <Delta_0^4> = int_0^1 dh sum_ab 6 C_ab s_a s_b phi_ab E2((hC)_ab) / (1 + h C_aa),
//!
//! the heat equation in the scale h of the covariance, phi_ab the factor of both tilts of h C.

use super::super::arcsine::asin;
use gauss_quad::GaussLegendre;
use std::f64::consts::FRAC_2_PI;

/// Nodes of the integral over the scale, in lanes. Sixteen leave 5e-11 at overlaps of 2.4, rounding below 1.
const NODES: usize = 16;
type Lanes = [f64; NODES];

/// A covariance after tilts, and the product of their factors.
#[derive(Clone, Debug)]
pub struct Tilted {
    pub c: Vec<f64>,
    pub factor: f64,
}

impl Tilted {
    pub fn new(c: &[f64]) -> Self {
        Self { c: c.to_vec(), factor: 1.0 }
    }

    /// Multiplies the measure by g'(u_j).
    pub fn tilt(&self, j: usize, n: usize) -> Self {
        let norm = 1.0 + self.c[j * n + j];
        let mut c = self.c.clone();
        for a in 0..n {
            let share = self.c[a * n + j] / norm;
            for b in 0..n {
                c[a * n + b] -= share * self.c[j * n + b];
            }
        }
        Self { c, factor: self.factor * (FRAC_2_PI / norm).sqrt() }
    }
}

/// E2 at covariance `c`.
pub fn e2(c: &[f64], s: &[f64]) -> f64 {
    let n = s.len();
    let mut sum = 0.0;
    for a in 0..n {
        let norm_a = 1.0 + c[a * n + a];
        let mut inner = s[a] * asin(c[a * n + a] / norm_a);
        for b in a + 1..n {
            inner += 2.0 * s[b] * asin(c[a * n + b] / (norm_a * (1.0 + c[b * n + b])).sqrt());
        }
        sum += s[a] * inner;
    }
    FRAC_2_PI * sum
}

/// L1(b) = <u_b Delta_0> of every field b.
pub fn l1(c: &[f64], s: &[f64], out: &mut [f64]) {
    let n = s.len();
    out.fill(0.0);
    for e in 0..n {
        let weight = s[e] * (FRAC_2_PI / (1.0 + c[e * n + e])).sqrt();
        for (b, out) in out.iter_mut().enumerate() {
            *out += c[b * n + e] * weight;
        }
    }
}

/// L3(a) = <u_a Delta_0^3> of every field a.
pub fn l3(tilted: &Tilted, s: &[f64], out: &mut [f64]) {
    let n = s.len();
    out.fill(0.0);
    for e in 0..n {
        let once = tilted.tilt(e, n);
        let weight = 3.0 * s[e] * (once.factor / tilted.factor) * e2(&once.c, s);
        for (a, out) in out.iter_mut().enumerate() {
            *out += tilted.c[a * n + e] * weight;
        }
    }
}

/// U2(a, b) = <u_a u_b Delta_0^2> of all pairs of fields, row by row.
pub fn u2(tilted: &Tilted, s: &[f64], out: &mut [f64]) {
    let n = s.len();
    let c = &tilted.c;
    let square = e2(c, s);
    for (out, c) in out.iter_mut().zip(c) {
        *out = c * square;
    }
    let mut first = vec![0.0; n];
    for e in 0..n {
        let once = tilted.tilt(e, n);
        l1(&once.c, s, &mut first);
        let weight = 2.0 * s[e] * once.factor / tilted.factor;
        for a in 0..n {
            let share = c[a * n + e] * weight;
            for b in 0..n {
                out[a * n + b] += share * first[b];
            }
        }
    }
}

/// Gauss-Legendre on [0, 1].
#[derive(Clone, Debug)]
pub struct Scale {
    nodes: Lanes,
    weights: Lanes,
    /// A planted fault: factors of the tilts at h = 1.
    frozen: bool,
}

impl Scale {
    pub fn new(frozen: bool) -> Self {
        let rule = GaussLegendre::new(NODES.try_into().expect("more than one node"));
        let mut scale = Self { nodes: [0.0; NODES], weights: [0.0; NODES], frozen };
        for (l, &(x, w)) in rule.iter().enumerate() {
            scale.nodes[l] = 0.5 * (1.0 + x);
            scale.weights[l] = 0.5 * w;
        }
        scale
    }

    /// E4 at covariance `c`.
    pub fn e4(&self, c: &[f64], s: &[f64], work: &mut Work) -> f64 {
        work.resize(s.len());
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") {
                // SAFETY: the instructions were found on this processor.
                return unsafe { self.e4_avx512(c, s, work) };
            }
            if is_x86_feature_detected!("avx2") {
                // SAFETY: as above.
                return unsafe { self.e4_avx2(c, s, work) };
            }
        }
        self.e4_body(c, s, work)
    }

    // No fma: it would round differently from the other levels.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn e4_avx2(&self, c: &[f64], s: &[f64], work: &mut Work) -> f64 {
        self.e4_body(c, s, work)
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512vl,avx512dq")]
    fn e4_avx512(&self, c: &[f64], s: &[f64], work: &mut Work) -> f64 {
        self.e4_body(c, s, work)
    }

    #[inline(always)]
    fn e4_body(&self, c: &[f64], s: &[f64], work: &mut Work) -> f64 {
        let n = s.len();
        let Work { once, twice, norm } = work;
        let mut total = [0.0; NODES];
        for a in 0..n {
            // (hC)_a; its upper triangle is enough.
            let mut factor_a = [0.0; NODES];
            let mut shrink = [0.0; NODES];
            for l in 0..NODES {
                let h = self.nodes[l];
                factor_a[l] = 1.0 / (1.0 + h * c[a * n + a]);
                shrink[l] = h * h * factor_a[l];
            }
            for i in 0..n {
                for j in i..n {
                    let (ij, product) = (c[i * n + j], c[a * n + i] * c[a * n + j]);
                    let entry = &mut once[i * n + j];
                    for l in 0..NODES {
                        entry[l] = self.nodes[l] * ij - shrink[l] * product;
                    }
                }
            }
            for b in a..n {
                let c_ab = c[a * n + b];
                if c_ab == 0.0 {
                    continue;
                }
                let mut inverse = [0.0; NODES];
                for l in 0..NODES {
                    inverse[l] = 1.0 / (1.0 + once[b * n + b][l]);
                }
                let at = |i: usize, j: usize| if i <= j { i * n + j } else { j * n + i };
                for i in 0..n {
                    for j in i..n {
                        let (x, y, old) = (once[at(b, i)], once[at(b, j)], once[i * n + j]);
                        let entry = &mut twice[i * n + j];
                        for l in 0..NODES {
                            entry[l] = old[l] - x[l] * y[l] * inverse[l];
                        }
                    }
                    let (own, norm) = (&twice[i * n + i], &mut norm[i]);
                    for l in 0..NODES {
                        norm[l] = 1.0 / (1.0 + own[l]).sqrt();
                    }
                }
                let mut square = [0.0; NODES];
                for i in 0..n {
                    let mut inner = [0.0; NODES];
                    for j in i..n {
                        let weight = if i == j { s[i] } else { 2.0 * s[j] };
                        let (entry, ni, nj) = (&twice[i * n + j], &norm[i], &norm[j]);
                        for l in 0..NODES {
                            inner[l] += weight * asin(entry[l] * ni[l] * nj[l]);
                        }
                    }
                    for l in 0..NODES {
                        square[l] += s[i] * inner[l];
                    }
                }
                // The two orders of (a, b) share everything but 1 / (1 + h C_aa).
                let weight = 6.0 * c_ab * s[a] * s[b];
                let frozen = self.frozen.then(|| {
                    let factor = 1.0 / (1.0 + c[a * n + a]);
                    (factor / (1.0 + c[b * n + b] - factor * c_ab * c_ab)).sqrt()
                });
                for l in 0..NODES {
                    let orders = if a == b {
                        factor_a[l]
                    } else {
                        factor_a[l] + 1.0 / (1.0 + self.nodes[l] * c[b * n + b])
                    };
                    let tilts = match frozen {
                        Some(tilts) => tilts,
                        None => (factor_a[l] * inverse[l]).sqrt(),
                    };
                    total[l] += weight * orders * tilts * square[l];
                }
            }
        }
        let sum: f64 = total.iter().zip(&self.weights).map(|(x, w)| x * w).sum();
        FRAC_2_PI * FRAC_2_PI * sum
    }
}

/// Space for [`Scale::e4`].
#[derive(Clone, Debug, Default)]
pub struct Work {
    once: Vec<Lanes>,
    twice: Vec<Lanes>,
    norm: Vec<Lanes>,
}

impl Work {
    fn resize(&mut self, n: usize) {
        if self.norm.len() != n {
            self.once = vec![[0.0; NODES]; n * n];
            self.twice = vec![[0.0; NODES]; n * n];
            self.norm = vec![[0.0; NODES]; n];
        }
    }
}

/// All moments that the noise of one step consists of, at one covariance.
pub struct Moments {
    k: usize,
    n: usize,
    /// <g'_i g'_j u_a u_b Delta^2> for i <= j, by pair, then a, b.
    linear: Vec<Vec<f64>>,
    /// <g'_i g'_j g'_l u_a Delta^3> for i <= j <= l, at (i K + j) K + l, then a.
    mixed: Vec<Vec<f64>>,
    /// <g'_i g'_j g'_l g'_m Delta^4> for i <= j <= l <= m.
    fourth: Vec<f64>,
    /// <g'_i u_a g_k Delta^2>, <g'_i g'_j g_k Delta^3> by pair, <g_k g_l Delta^2>; empty unless v moves.
    linear_output: Vec<f64>,
    square_output: Vec<f64>,
    output: Vec<f64>,
}

impl Moments {
    /// `students` come first among the fields; `with_output` adds the moments of a second layer that moves.
    pub fn new(
        scale: &Scale,
        c: &[f64],
        s: &[f64],
        students: usize,
        noise_variance: f64,
        with_output: bool,
    ) -> Self {
        let (k, n) = (students, s.len());
        let base = Tilted::new(c);
        let once: Vec<Tilted> = (0..k).map(|i| base.tilt(i, n)).collect();
        let pairs: Vec<(usize, usize)> = (0..k).flat_map(|i| (i..k).map(move |j| (i, j))).collect();
        let twice: Vec<Tilted> = pairs.iter().map(|&(i, j)| once[i].tilt(j, n)).collect();
        let mut linear = vec![vec![0.0; n * n]; pairs.len()];
        for (table, tilted) in linear.iter_mut().zip(&twice) {
            u2(tilted, s, table);
            for (value, c) in table.iter_mut().zip(&tilted.c) {
                *value = tilted.factor * (*value + noise_variance * c);
            }
        }
        let mut mixed = vec![Vec::new(); k * k * k];
        let mut fourth = vec![0.0; k * k * k * k];
        let mut work = Work::default();
        let (mut cubic, mut single) = (vec![0.0; n], vec![0.0; n]);
        for (&(i, j), tilted) in pairs.iter().zip(&twice) {
            for l in j..k {
                let third = tilted.tilt(l, n);
                l3(&third, s, &mut cubic);
                l1(&third.c, s, &mut single);
                let moments = cubic.iter().zip(&single);
                mixed[(i * k + j) * k + l] = moments
                    .map(|(cubic, single)| third.factor * (cubic + 3.0 * noise_variance * single))
                    .collect();
                for m in l..k {
                    let all = third.tilt(m, n);
                    fourth[((i * k + j) * k + l) * k + m] = all.factor
                        * (scale.e4(&all.c, s, &mut work)
                            + noise_variance * (6.0 * e2(&all.c, s) + 3.0 * noise_variance));
                }
            }
        }
        let mut moments = Self {
            k,
            n,
            linear,
            mixed,
            fourth,
            linear_output: Vec::new(),
            square_output: Vec::new(),
            output: Vec::new(),
        };
        if with_output {
            moments.add_output(scale, &base, &once, &twice, s, noise_variance);
        }
        moments
    }

    /// Moments with g_k: E4, L3, E2 and L1 are forms in s of degree 4, 3, 2 and 1 whose derivatives bring down g_k.
    fn add_output(
        &mut self,
        scale: &Scale,
        base: &Tilted,
        once: &[Tilted],
        twice: &[Tilted],
        s: &[f64],
        noise_variance: f64,
    ) {
        let (k, n) = (self.k, self.n);
        let mut work = Work::default();
        let mut row = vec![0.0; n];
        for tilted in once {
            for a in 0..n {
                for unit in 0..k {
                    let mut form = |s: &[f64]| {
                        l3(tilted, s, &mut row);
                        let cubic = row[a] / 3.0;
                        l1(&tilted.c, s, &mut row);
                        cubic + noise_variance * row[a]
                    };
                    self.linear_output.push(tilted.factor * slope(&mut form, s, unit));
                }
            }
        }
        for tilted in twice {
            for unit in 0..k {
                let mut form = |s: &[f64]| {
                    0.25 * scale.e4(&tilted.c, s, &mut work) + 1.5 * noise_variance * e2(&tilted.c, s)
                };
                self.square_output.push(tilted.factor * slope(&mut form, s, unit));
            }
        }
        let mut form =
            |s: &[f64]| scale.e4(&base.c, s, &mut work) / 12.0 + 0.5 * noise_variance * e2(&base.c, s);
        let own: Vec<f64> = (0..k).map(|i| curvature(&mut form, s, &[i])).collect();
        for i in 0..k {
            for j in 0..k {
                self.output.push(if i == j {
                    own[i]
                } else {
                    0.5 * (curvature(&mut form, s, &[i, j]) - own[i] - own[j])
                });
            }
        }
    }

    fn pair(&self, i: usize, j: usize) -> usize {
        i * (2 * self.k - i + 1) / 2 + (j - i)
    }

    /// <g'_i u_a g'_j u_b Delta^2>.
    pub fn linear_linear(&self, i: usize, a: usize, j: usize, b: usize) -> f64 {
        self.linear[self.pair(i.min(j), i.max(j))][a * self.n + b]
    }

    /// <g'_i u_a g'_l g'_m Delta^3> for [i, l, m].
    pub fn linear_square(&self, mut list: [usize; 3], a: usize) -> f64 {
        list.sort_unstable();
        self.mixed[(list[0] * self.k + list[1]) * self.k + list[2]][a]
    }

    /// <g'_i g'_j g'_l g'_m Delta^4>.
    pub fn square_square(&self, mut list: [usize; 4]) -> f64 {
        list.sort_unstable();
        self.fourth[((list[0] * self.k + list[1]) * self.k + list[2]) * self.k + list[3]]
    }

    /// <g'_i u_a g_k Delta^2>.
    pub fn linear_output(&self, i: usize, a: usize, k: usize) -> f64 {
        self.linear_output[(i * self.n + a) * self.k + k]
    }

    /// <g'_i g'_j g_k Delta^3>.
    pub fn square_output(&self, i: usize, j: usize, k: usize) -> f64 {
        self.square_output[self.pair(i.min(j), i.max(j)) * self.k + k]
    }

    /// <g_k g_l Delta^2>.
    pub fn output_output(&self, k: usize, l: usize) -> f64 {
        self.output[k * self.k + l]
    }
}

/// The derivative along s_k of a polynomial of degree four at most: the five-point formula is exact for it.
fn slope(form: &mut impl FnMut(&[f64]) -> f64, s: &[f64], k: usize) -> f64 {
    let mut at = |h: f64| {
        let mut moved = s.to_vec();
        moved[k] += h;
        form(&moved)
    };
    (8.0 * (at(1.0) - at(-1.0)) - (at(2.0) - at(-2.0))) / 12.0
}

/// The second derivative of such a polynomial along the sum of the unit vectors `units`, exact as well.
fn curvature(form: &mut impl FnMut(&[f64]) -> f64, s: &[f64], units: &[usize]) -> f64 {
    let mut at = |h: f64| {
        let mut moved = s.to_vec();
        units.iter().for_each(|&k| moved[k] += h);
        form(&moved)
    };
    (16.0 * (at(1.0) + at(-1.0)) - (at(2.0) + at(-2.0)) - 30.0 * at(0.0)) / 12.0
}
