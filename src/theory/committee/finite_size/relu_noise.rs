//! Moments of the noise of one SGD step for ReLU units, from truncated Gaussians.
//!
//! On every orthant of the fields Delta_0 is a linear form l.u and a step is a polynomial in u. With 1 the indicator
//! of an orthant of signs w, Stein's lemma lowers degrees until probabilities are left,
//!
//! <u_a G 1> = sum_b C_ab <dG/du_b 1> + sum_e C_ae w_e <G 1 | u_e = 0> / sqrt(2 pi C_ee),
//!
//! the last average over the other fields given u_e = 0. Fourth moments need probabilities of orthants of n, n - 2 and
//! n - 4 fields: arc sines up to three fields, one quadrature for four, and for five by inclusion and exclusion from those,
//! because all signs turned round have the same probability. Sums over all orthants have the rounding of C and the
//! error of that quadrature, 1e-13; where a conditional variance v is left after cancellation, 1e-16 / sqrt v.

use crate::math::gaussian::orthant::{Orthant, PAIRS, Pair};
use std::f64::consts::PI;

/// Fields at most.
pub const MOST: usize = 5;

type Line = [f64; MOST];
type Square = [[f64; MOST]; MOST];

/// Fields given that those in the set `mask` are 0.
#[derive(Clone, Copy)]
struct Given {
    c: Square,
    /// 1/sqrt(2 pi C_ee), the density at 0.
    density: Line,
    /// Correlations.
    r: Square,
    /// Whether any field is given.
    conditional: bool,
}

/// Averages over the orthants of N(0, C).
pub struct Orthants {
    n: usize,
    /// By mask.
    given: Vec<Given>,
}

/// What an orthant of N(0, C) contributes.
pub struct Part<'a> {
    /// Whether every field is positive.
    pub positive: &'a [bool],
    /// l of Delta_0 = l.u.
    pub form: Line,
    pub probability: f64,
    /// <u_a u_b 1>.
    pub second: Square,
    /// <u_a u_b Delta_0^2 1>.
    pub fourth: Square,
}

impl Orthants {
    /// # Panics
    /// For more than [`MOST`] fields.
    pub fn new(c: &[f64], n: usize) -> Self {
        assert!(n <= MOST, "at most {MOST} fields");
        let mut root = [[0.0; MOST]; MOST];
        for a in 0..n {
            root[a][..n].copy_from_slice(&c[a * n..][..n]);
        }
        let mut given: Vec<Given> = Vec::with_capacity(1 << n);
        given.push(Given::new(root, n, false));
        for mask in 1usize..1 << n {
            let e = mask.trailing_zeros() as usize;
            let before = &given[mask & (mask - 1)].c;
            let mut c = *before;
            let variance = before[e][e];
            for a in 0..n {
                for b in 0..n {
                    let shared = before[a][e] * before[e][b];
                    c[a][b] = if a == e || b == e {
                        0.0
                    } else if variance > 0.0 {
                        before[a][b] - shared / variance
                    } else {
                        before[a][b]
                    };
                }
            }
            given.push(Given::new(c, n, true));
        }
        Self { n, given }
    }

    /// Visits all orthants; `s` are the weights of the fields in Delta_0.
    pub fn visit(&self, s: &[f64], mut visit: impl FnMut(&Part)) {
        let n = self.n;
        let mut positive = [false; MOST];
        for signs in 0..1usize << n {
            let mut part = Part {
                positive: &[],
                form: [0.0; MOST],
                probability: 0.0,
                second: [[0.0; MOST]; MOST],
                fourth: [[0.0; MOST]; MOST],
            };
            for a in 0..n {
                positive[a] = signs >> a & 1 == 1;
                part.form[a] = if positive[a] { s[a] } else { 0.0 };
            }
            self.moments(&positive, &mut part);
            part.positive = &positive[..n];
            visit(&part);
        }
    }

    fn moments(&self, positive: &[bool; MOST], part: &mut Part) {
        let n = self.n;
        let form = part.form;
        let sign = |e: usize| if positive[e] { 1.0 } else { -1.0 };
        let given = |mask: usize| &self.given[mask];
        let outside = |mask: usize| (0..n).filter(move |e| mask >> e & 1 == 0);
        let along: Vec<Line> = self.given.iter().map(|g| g.along(&form, n)).collect();
        let edge = |mask: usize, e: usize| sign(e) * given(mask).density[e];
        // Probabilities of an even number of fields given, moments of Delta_0 given others.
        let mut p = [0.0; 1 << MOST];
        for mask in
            (0..1usize << n).filter(|mask| mask.count_ones().is_multiple_of(2) && mask.count_ones() <= 4)
        {
            p[mask] = self.probability(mask, positive);
        }
        let mut first = [0.0; 1 << MOST];
        for mask in (0..1usize << n).filter(|mask| matches!(mask.count_ones(), 1 | 3)) {
            first[mask] = outside(mask).map(|e| along[mask][e] * edge(mask, e) * p[mask | 1 << e]).sum();
        }
        let square = |mask: usize| -> f64 {
            let own: f64 = outside(mask).map(|e| form[e] * along[mask][e]).sum();
            let edges: f64 =
                outside(mask).map(|e| along[mask][e] * edge(mask, e) * first[mask | 1 << e]).sum();
            own * p[mask] + edges
        };
        let mut second = [0.0; 1 << MOST];
        for mask in (0..1usize << n).filter(|mask| matches!(mask.count_ones(), 0 | 2)) {
            second[mask] = square(mask);
        }
        part.probability = p[0];
        // <u_b 1> and <u_b Delta_0^2 1> given that u_e = 0.
        let (mut one, mut three) = ([[0.0; MOST]; MOST], [[0.0; MOST]; MOST]);
        for e in 0..n {
            let mask = 1 << e;
            for b in outside(mask) {
                three[e][b] = 2.0 * along[mask][b] * first[mask];
                for f in outside(mask) {
                    let step = given(mask).c[b][f] * edge(mask, f);
                    one[e][b] += step * p[mask | 1 << f];
                    three[e][b] += step * second[mask | 1 << f];
                }
            }
        }
        // <u_b Delta_0 1>.
        let mut mixed = [0.0; MOST];
        let c = &given(0).c;
        for b in 0..n {
            mixed[b] = along[0][b] * p[0] + (0..n).map(|e| c[b][e] * edge(0, e) * first[1 << e]).sum::<f64>();
        }
        for a in 0..n {
            for b in 0..n {
                part.second[a][b] = c[a][b] * p[0];
                part.fourth[a][b] = c[a][b] * second[0] + 2.0 * along[0][a] * mixed[b];
                for e in 0..n {
                    let step = c[a][e] * edge(0, e);
                    part.second[a][b] += step * one[e][b];
                    part.fourth[a][b] += step * three[e][b];
                }
            }
        }
    }

    /// Probability that the fields outside `mask` have the wanted signs.
    fn probability(&self, mask: usize, positive: &[bool; MOST]) -> f64 {
        let mut left = [0; MOST];
        let mut count = 0;
        for e in (0..self.n).filter(|e| mask >> e & 1 == 0) {
            left[count] = e;
            count += 1;
        }
        self.given[mask].probability(&left[..count], positive)
    }
}

impl Given {
    fn new(c: Square, n: usize, conditional: bool) -> Self {
        let mut given = Self { c, density: [0.0; MOST], r: [[0.0; MOST]; MOST], conditional };
        for a in 0..n {
            // A field that the others fix has no density of its own: its weight C_ae / sqrt(C_ee) vanishes.
            if c[a][a] > 0.0 {
                given.density[a] = 1.0 / (2.0 * PI * c[a][a]).sqrt();
            }
            for b in 0..n {
                let scale = c[a][a] * c[b][b];
                if scale > 0.0 {
                    given.r[a][b] = c[a][b] / scale.sqrt();
                }
            }
        }
        given
    }

    /// C l.
    fn along(&self, form: &Line, n: usize) -> Line {
        let mut out = [0.0; MOST];
        for (out, row) in out.iter_mut().zip(&self.c).take(n) {
            *out = row.iter().zip(form).take(n).map(|(c, l)| c * l).sum();
        }
        out
    }

    fn probability(&self, fields: &[usize], positive: &[bool; MOST]) -> f64 {
        let r = |a: usize, b: usize| if positive[a] == positive[b] { self.r[a][b] } else { -self.r[a][b] };
        // A conditional variance that is rounding alone gives any correlation, and weighs nothing.
        let pair = |a: usize, b: usize| match Pair::new(r(a, b)) {
            Ok(pair) => pair,
            Err(_) if self.conditional => {
                let sign = r(a, b).signum();
                Pair { r: sign, wedge: 0.0, asin: 0.5 * PI * sign }
            }
            Err(minor) => Pair { r: f64::NAN, wedge: minor, asin: f64::NAN },
        };
        match *fields {
            [] => 1.0,
            [_] => 0.5,
            [a, b] => 0.25 + pair(a, b).asin / (2.0 * PI),
            [a, b, c] => 0.125 + (pair(a, b).asin + pair(a, c).asin + pair(b, c).asin) / (4.0 * PI),
            [_, _, _, _] => {
                let pairs = PAIRS.map(|(i, j)| pair(fields[i], fields[j]));
                Orthant::new(&pairs).map_or(f64::NAN, |orthant| orthant.probability)
            }
            _ => {
                // 2 P = 1 - sum P_i + sum P_ij - sum P_ijk + sum P_ijkl for an odd number of fields.
                let mut sum = 1.0;
                let mut some = [0; MOST];
                for chosen in 1usize..(1 << fields.len()) - 1 {
                    let mut count = 0;
                    for (i, &field) in fields.iter().enumerate() {
                        if chosen >> i & 1 == 1 {
                            some[count] = field;
                            count += 1;
                        }
                    }
                    let sign = if count % 2 == 1 { -1.0 } else { 1.0 };
                    sum += sign * self.probability(&some[..count], positive);
                }
                0.5 * sum
            }
        }
    }
}
