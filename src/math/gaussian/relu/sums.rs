//! Weighted sums of the averages over all fields.

use super::super::AverageError;
use super::super::orthant::{Orthant, PAIRS, Pair};
use super::{both, few, four, not_a_covariance, ramps};
use std::f64::consts::PI;

/// The sums over all fields, with one weight per field, that the law of a two-layer network consists of.
///
/// Students are the first fields. [`Self::load`] takes the angle of every pair once; of four different fields
/// all averages share one quadrature, so that the sums are several times cheaper than their terms.
///
/// ```
/// use asymptotica::math::gaussian::relu::Sums;
/// // Independent a, b of unit variance: <1(a) (b+ - a+)^2> = 1/4 + 1/2 - 2 / (2 pi).
/// let mut sums = Sums::new(1, 2);
/// sums.load(&[1.0, 0.0, 0.0, 1.0], &[-1.0, 1.0])?;
/// let mut second = [0.0];
/// sums.second(0.0, &mut second)?;
/// assert!((second[0] - (0.75 - 1.0 / std::f64::consts::PI)).abs() < 1e-15);
/// # Ok::<(), asymptotica::math::gaussian::AverageError>(())
/// ```
pub struct Sums {
    students: usize,
    fields: usize,
    /// C, row by row.
    c: Vec<f64>,
    /// Of C_ii > 0, ascending.
    active: Vec<usize>,
    /// sqrt(C_ii).
    sigma: Vec<f64>,
    s: Vec<f64>,
    /// s_i sqrt(C_ii).
    weight: Vec<f64>,
    /// Row by row; those of active fields are valid.
    pairs: Vec<Pair>,
    /// Position of a pair of students among the pairs i <= k, row by row.
    position: Vec<usize>,
}

impl Sums {
    /// # Panics
    /// If there are more students than fields.
    pub fn new(students: usize, fields: usize) -> Self {
        assert!(students <= fields, "students are fields");
        let mut position = vec![0; students * students];
        for (at, (i, k)) in (0..students).flat_map(|i| (i..students).map(move |k| (i, k))).enumerate() {
            position[i * students + k] = at;
            position[k * students + i] = at;
        }
        Self {
            students,
            fields,
            c: vec![0.0; fields * fields],
            active: Vec::with_capacity(fields),
            sigma: vec![0.0; fields],
            s: vec![0.0; fields],
            weight: vec![0.0; fields],
            pairs: vec![Pair::SAME; fields * fields],
            position,
        }
    }

    /// Takes the covariance `c`, row by row, and the weights `s`.
    ///
    /// # Errors
    /// [`AverageError::NotACovariance`] if the fields of a pair have no Gaussian law.
    ///
    /// # Panics
    /// If `c` or `s` does not fit the number of fields, as all methods for their slices.
    pub fn load(&mut self, c: &[f64], s: &[f64]) -> Result<(), AverageError> {
        let n = self.fields;
        assert!(c.len() == n * n && s.len() == n, "one weight per field");
        self.c.copy_from_slice(c);
        self.s.copy_from_slice(s);
        self.active.clear();
        for i in 0..n {
            let variance = c[i * n + i];
            if variance > 0.0 {
                self.active.push(i);
            } else if variance != 0.0 {
                return Err(not_a_covariance(&[i], variance));
            }
            self.sigma[i] = variance.sqrt();
            self.weight[i] = s[i] * self.sigma[i];
        }
        for (m, &i) in self.active.iter().enumerate() {
            for &j in &self.active[..m] {
                let r = c[i * n + j] / (self.sigma[i] * self.sigma[j]);
                let pair = Pair::new(r).map_err(|minor| not_a_covariance(&[i, j], minor))?;
                self.pairs[i * n + j] = pair;
                self.pairs[j * n + i] = pair;
            }
        }
        Ok(())
    }

    /// `out[a * fields + b]` = sum_c s_c <g'(a) b g(c)> for students a and all fields b.
    pub fn first(&self, out: &mut [f64]) {
        let n = self.fields;
        assert_eq!(out.len(), self.students * n, "a row of all fields for every student");
        for (a, out) in out.chunks_exact_mut(n).enumerate() {
            out.fill(0.0);
            if self.sigma[a] == 0.0 {
                continue;
            }
            let mut own = 0.0;
            for &e in &self.active {
                let ae = &self.pairs[a * n + e];
                own += self.weight[e] * ae.wedge;
                let gate = self.s[e] * both(ae);
                for (out, c_be) in out.iter_mut().zip(&self.c[e * n..][..n]) {
                    *out += gate * c_be;
                }
            }
            own /= 2.0 * PI * self.sigma[a];
            for (out, c_ab) in out.iter_mut().zip(&self.c[a * n..][..n]) {
                *out += own * c_ab;
            }
        }
    }

    /// `out[pair]` = sum_cd s_c s_d <g'(i) g'(k) g(c) g(d)> + noise_variance <g'(i) g'(k)> for the pairs i <= k of
    /// students, row by row.
    ///
    /// # Errors
    /// [`AverageError::NotACovariance`] if four fields have no Gaussian law.
    pub fn second(&self, noise_variance: f64, out: &mut [f64]) -> Result<(), AverageError> {
        let (students, n, weight) = (self.students, self.fields, &self.weight);
        assert_eq!(out.len(), students * (students + 1) / 2, "one entry for every pair");
        out.fill(0.0);
        let pair = |i: usize, j: usize| Ok(self.pairs[i * n + j]);
        for (m, &k) in self.active.iter().enumerate() {
            if k >= students {
                break;
            }
            for &i in &self.active[..=m] {
                let mut sum = noise_variance * both(&self.pairs[i * n + k]);
                for (top, &f) in self.active.iter().enumerate() {
                    let mut below = 0.0;
                    for &e in &self.active[..top] {
                        if let Some(value) = few(pair, i, k, e, f)? {
                            below += weight[e] * value;
                        }
                    }
                    if let Some(value) = few(pair, i, k, f, f)? {
                        sum += weight[f] * (2.0 * below + weight[f] * value);
                    }
                }
                out[self.position[i * students + k]] = sum;
            }
        }
        self.add_fours(out)
    }

    /// Adds the averages of four different fields, of which at least two are students.
    fn add_fours(&self, out: &mut [f64]) -> Result<(), AverageError> {
        let (students, n, weight) = (self.students, self.fields, &self.weight);
        for_each_four(&self.active, students, |fields| {
            let own = PAIRS.map(|(i, j)| self.pairs[fields[i] * n + fields[j]]);
            let orthant = Orthant::new(&own).map_err(|variance| not_a_covariance(&fields, variance))?;
            for (m, (i, j)) in PAIRS.into_iter().enumerate() {
                let (i, j) = (fields[i], fields[j]);
                if i < students && j < students {
                    let (e, f) = PAIRS[5 - m];
                    let value = weight[fields[e]] * weight[fields[f]] * four(&own, &orthant, m);
                    out[self.position[i * students + j]] += 2.0 * value;
                }
            }
            Ok(())
        })
    }

    /// sum_c s_c <g(a) g(c)> for one field a.
    pub fn output(&self, a: usize) -> f64 {
        let n = self.fields;
        let sum: f64 = self.active.iter().map(|&e| self.weight[e] * ramps(&self.pairs[a * n + e])).sum();
        if self.sigma[a] == 0.0 { 0.0 } else { self.sigma[a] * sum }
    }
}

/// All sets of four of `fields`, which ascend, with the second one below `second_below`.
fn for_each_four(
    fields: &[usize],
    second_below: usize,
    mut visit: impl FnMut([usize; 4]) -> Result<(), AverageError>,
) -> Result<(), AverageError> {
    for b in 1..fields.len() {
        if fields[b] >= second_below {
            break;
        }
        for d in b + 2..fields.len() {
            for c in b + 1..d {
                for a in 0..b {
                    visit([fields[a], fields[b], fields[c], fields[d]])?;
                }
            }
        }
    }
    Ok(())
}
