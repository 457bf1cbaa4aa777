//! The averages of ReLU units in any arithmetic: the formulas of [`crate::math::gaussian::relu`] with derivatives.
//!
//! Only the probability P that four fields are positive is no closed form. Its gradient is one, by Plackett's identity
//! dP/dr_ij = b_kl|ij / (2 pi sqrt(1 - r_ij^2)), so that its value by quadrature is all that is needed.

use super::drift::Sums;
use crate::math::gaussian::orthant::{Orthant, PAIR, PAIRS, Pair};
use crate::theory::linear_noise::jet::Scalar;
use std::f64::consts::PI;

/// Correlation r of two fields, sqrt(1 - r^2) and the probability that both are positive.
#[derive(Clone, Copy)]
struct Angle<S> {
    r: S,
    wedge: S,
    both: S,
}

/// All pairs of fields, and their standard deviations.
struct Angles<S> {
    n: usize,
    pairs: Vec<Angle<S>>,
    sigma: Vec<S>,
}

impl<S: Scalar> Angles<S> {
    fn new(c: &[S], n: usize) -> Self {
        let sigma: Vec<S> = (0..n).map(|a| c[a * n + a].sqrt()).collect();
        let one = S::constant(1.0);
        let same = Angle { r: one, wedge: S::constant(0.0), both: S::constant(0.5) };
        let mut pairs = vec![same; n * n];
        for a in 0..n {
            for b in a + 1..n {
                let r = c[a * n + b] / (sigma[a] * sigma[b]);
                let wedge = ((one - r) * (one + r)).sqrt();
                let pair = Angle { r, wedge, both: r.asin() * (0.5 / PI) + 0.25 };
                pairs[a * n + b] = pair;
                pairs[b * n + a] = pair;
            }
        }
        Self { n, pairs, sigma }
    }

    fn at(&self, a: usize, b: usize) -> &Angle<S> {
        &self.pairs[a * self.n + b]
    }

    /// <a+ b+> at unit variances.
    fn ramps(&self, a: usize, b: usize) -> S {
        let ab = self.at(a, b);
        ab.r * ab.both + ab.wedge * (0.5 / PI)
    }

    fn all_three(&self, a: usize, b: usize, c: usize) -> S {
        (self.at(a, b).both + self.at(a, c).both + self.at(b, c).both) * 0.5 + -0.25
    }

    /// h_cd.
    fn across(&self, a: usize, b: usize, c: usize, d: usize) -> S {
        let ab = self.at(a, b);
        let (ac, ad) = (self.at(a, c).r, self.at(a, d).r);
        let (c_given_a, d_given_a) = (self.at(b, c).r - ab.r * ac, self.at(b, d).r - ab.r * ad);
        ab.wedge * (ab.r * ac * ad + ac * d_given_a + c_given_a * ad)
            - ab.r * (c_given_a / ab.wedge) * d_given_a
    }

    /// <1(a) 1(b) c+ d+> at unit variances where fields coincide; none for four different ones.
    fn few(&self, a: usize, b: usize, c: usize, d: usize) -> Option<S> {
        let gate_square = |a, c| {
            let ac = self.at(a, c);
            ac.both + ac.r * ac.wedge * (0.5 / PI)
        };
        let gate_ramps = |a, c, d| {
            let (ac, ad, cd) = (self.at(a, c), self.at(a, d), self.at(c, d));
            let edges = cd.wedge + ad.r * ac.wedge + ac.r * ad.wedge;
            cd.r * self.all_three(a, c, d) + edges * (0.25 / PI)
        };
        // A gate on a ramp's own field is no gate.
        let (gate_a, gate_b) = (a != c && a != d, b != c && b != d && b != a);
        Some(match (gate_a, gate_b, c == d) {
            (true, true, false) => return None,
            (true, true, true) => {
                let (ac, bc) = (self.at(a, c), self.at(b, c));
                let edges = ac.r * ac.wedge + bc.r * bc.wedge + self.across(a, b, c, c);
                self.all_three(a, b, c) + edges * (0.25 / PI)
            }
            (true, false, true) => gate_square(a, c),
            (false, true, true) => gate_square(b, c),
            (true, false, false) => gate_ramps(a, c, d),
            (false, true, false) => gate_ramps(b, c, d),
            (false, false, true) => S::constant(0.5),
            (false, false, false) => self.ramps(c, d),
        })
    }

    /// Probability that all of four fields are positive, and for every pair that the others are where it is 0.
    fn orthant(&self, fields: [usize; 4]) -> (S, [S; 6]) {
        let pair = |n: usize| {
            let (i, j) = PAIRS[n];
            *self.at(fields[i], fields[j])
        };
        let pairs: [Angle<S>; 6] = std::array::from_fn(pair);
        let rest: [S; 6] = std::array::from_fn(|n| {
            let ((i, j), (k, l)) = (PAIRS[n], PAIRS[5 - n]);
            let of = |a: usize, b: usize| pairs[PAIR[a][b]].r;
            let ij = &pairs[n];
            let square = ij.wedge * ij.wedge;
            let left = |a: usize, b: usize, same: S| {
                let (ia, ja, ib, jb) = (of(i, a), of(j, a), of(i, b), of(j, b));
                same - (ia * ib + ja * jb - ij.r * (ia * jb + ja * ib)) / square
            };
            let one = S::constant(1.0);
            let r = left(k, l, of(k, l)) / (left(k, k, one) * left(l, l, one)).sqrt();
            r.asin() * (0.5 / PI) + 0.25
        });
        let plain = pairs.map(|p| Pair::new(p.r.value()));
        let value = if plain.iter().all(Result::is_ok) {
            let plain = plain.map(|p| p.unwrap_or(Pair::SAME));
            Orthant::new(&plain).map_or(f64::NAN, |orthant| orthant.probability)
        } else {
            f64::NAN
        };
        let parts: [(S, S); 6] = std::array::from_fn(|n| (rest[n] / pairs[n].wedge * (0.5 / PI), pairs[n].r));
        (S::with_gradient(value, &parts), rest)
    }

    /// <1(a) 1(b) c+ d+> at unit variances for four different fields; (a, b) is `PAIRS[gates]` of `fields`.
    fn four(&self, fields: [usize; 4], (probability, rest): &(S, [S; 6]), gates: usize) -> S {
        let (a, b) = PAIRS[gates];
        let (c, d) = PAIRS[5 - gates];
        let of = |i: usize, j: usize| self.at(fields[i], fields[j]);
        let edge = |ramp: usize, gate: usize, other: usize| {
            of(gate, other).r * of(gate, ramp).wedge * rest[PAIR[gate][ramp]]
        };
        let edges = of(c, d).wedge * rest[PAIR[c][d]]
            + edge(c, a, d)
            + edge(d, a, c)
            + edge(c, b, d)
            + edge(d, b, c)
            + self.across(fields[a], fields[b], fields[c], fields[d]) * rest[gates];
        of(c, d).r * *probability + edges * (0.5 / PI)
    }
}

/// See [`super::drift::Units::sums`].
pub fn sums<S: Scalar>(c: &[S], s: &[S], noise_variance: f64, sums: &mut Sums<S>) {
    let n = s.len();
    let students = sums.output.len();
    let zero = S::constant(0.0);
    let angles = Angles::new(c, n);
    let weight: Vec<S> = s.iter().zip(&angles.sigma).map(|(&s, &sigma)| s * sigma).collect();
    for a in 0..students {
        let mut own = zero;
        for (e, &weight) in weight.iter().enumerate() {
            own = own + weight * angles.at(a, e).wedge;
        }
        let own = own * (0.5 / PI) / angles.sigma[a];
        for b in 0..n {
            let mut sum = own * c[a * n + b];
            for e in 0..n {
                sum = sum + s[e] * angles.at(a, e).both * c[b * n + e];
            }
            sums.first[a * n + b] = sum;
        }
    }
    let position = |i: usize, k: usize| i * (2 * students - i + 1) / 2 + (k - i);
    for i in 0..students {
        for k in i..students {
            let mut sum = angles.at(i, k).both * noise_variance;
            for e in 0..n {
                for f in e..n {
                    if let Some(value) = angles.few(i, k, e, f) {
                        sum = sum + weight[e] * weight[f] * value * if e == f { 1.0 } else { 2.0 };
                    }
                }
            }
            sums.second[position(i, k)] = sum;
        }
    }
    for fields in sets_of_four(n) {
        if fields[1] >= students {
            continue;
        }
        let orthant = angles.orthant(fields);
        for (gates, (i, j)) in PAIRS.into_iter().enumerate() {
            let (i, j) = (fields[i], fields[j]);
            if j < students {
                let (e, f) = PAIRS[5 - gates];
                let product = weight[fields[e]] * weight[fields[f]] * 2.0;
                let at = position(i, j);
                sums.second[at] = sums.second[at] + product * angles.four(fields, &orthant, gates);
            }
        }
    }
    sums.error = zero;
    for (a, &s) in s.iter().enumerate() {
        let own = (0..n).fold(zero, |sum, e| sum + weight[e] * angles.ramps(a, e)) * angles.sigma[a];
        if a < students {
            sums.output[a] = own;
        }
        sums.error = sums.error + s * own;
    }
}

/// sum_cd s_c s_d I2(c, d).
pub fn error<S: Scalar>(c: &[S], s: &[S]) -> S {
    let n = s.len();
    let angles = Angles::new(c, n);
    let mut sum = S::constant(0.0);
    for a in 0..n {
        for b in 0..n {
            sum = sum + s[a] * s[b] * angles.sigma[a] * angles.sigma[b] * angles.ramps(a, b);
        }
    }
    sum
}

/// See [`super::drift::Units::gradient`]: g' is a step, g'' a delta function.
pub fn gradient(c: &[f64], s: &[f64], i: usize, out: &mut [f64]) {
    let n = s.len();
    let angles = Angles::new(c, n);
    for (b, out) in out.iter_mut().enumerate() {
        *out = s[b] * angles.at(i, b).both;
    }
    out[i] += (0..n).map(|e| s[e] * angles.sigma[e] * angles.at(i, e).wedge).sum::<f64>()
        / (2.0 * PI * angles.sigma[i]);
}

fn sets_of_four(n: usize) -> impl Iterator<Item = [usize; 4]> {
    (0..n).flat_map(move |a| {
        (a + 1..n).flat_map(move |b| (b + 1..n).flat_map(move |c| (c + 1..n).map(move |d| [a, b, c, d])))
    })
}
