//! Sums of the erf averages over all fields, for the right-hand side of the law.
//!
//! Goldt et al., arXiv:1906.08632, eqs. (S27)-(S31) in the notation of [`super`]. With A = 1 + C_ii,
//! B = 1 + C_kk for a pair of student units (i, k), and
//!
//! L4 = A B - C_ik^2, p_c = A C_kc - C_ik C_ic, q_c = B C_ic - C_ik C_kc,
//!
//! the numerator and the norms of I4 are L0_cd = L4 C_cd - p_c C_kd - q_c C_id and L1_c = L4 + L0_cc, so that
//! everything but one arcsine per (i, k, c, d) is a product of vectors over the fields. Eight pairs are
//! evaluated side by side.

use super::arcsine::asin;
use std::f64::consts::FRAC_2_PI;

/// Pairs side by side: one register of AVX-512, two of AVX2, four of SSE2.
const LANES: usize = 8;
type Lanes = [f64; LANES];

/// Per field and lane of one block of pairs.
#[derive(Clone, Copy, Default)]
struct Column {
    /// C_ic and C_kc, p_c and q_c, and L4, each over sqrt(L1_c); and 1/sqrt(L1_c).
    x: Lanes,
    y: Lanes,
    p: Lanes,
    q: Lanes,
    l4: Lanes,
    norm: Lanes,
}

pub(super) struct Kernel {
    students: usize,
    fields: usize,
    /// Pairs (i, k), i <= k, row by row; filled up to whole blocks by repeating the last one.
    pairs: Vec<(usize, usize)>,
    pair_count: usize,
    columns: Vec<Column>,
    /// s_c / sqrt((1 + C_aa)(1 + C_cc) - C_ac^2).
    weights: Vec<f64>,
    level: Level,
}

/// The widest vectors of this processor. All levels give the same bits.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Level {
    Baseline,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Level {
    fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") {
                return Self::Avx512;
            }
            if is_x86_feature_detected!("avx2") {
                return Self::Avx2;
            }
        }
        Self::Baseline
    }
}

impl Kernel {
    pub(super) fn new(students: usize, teachers: usize) -> Self {
        let mut pairs: Vec<(usize, usize)> =
            (0..students).flat_map(|i| (i..students).map(move |k| (i, k))).collect();
        let pair_count = pairs.len();
        pairs.resize(pair_count.next_multiple_of(LANES), (students - 1, students - 1));
        let fields = students + teachers;
        Self {
            students,
            fields,
            pairs,
            pair_count,
            columns: vec![Column::default(); fields],
            weights: vec![0.0; fields],
            level: Level::detect(),
        }
    }

    /// `out[a * fields + b]` = sum_c s_c I3(a, b, c) for student fields a and all fields b.
    pub(super) fn first(&mut self, c: &[f64], s: &[f64], out: &mut [f64]) {
        let n = self.fields;
        for a in 0..self.students {
            let row_a = &c[a * n..][..n];
            let norm_a = 1.0 + row_a[a];
            let mut own = 0.0;
            for e in 0..n {
                let weight = s[e] / (norm_a * (1.0 + c[e * n + e]) - row_a[e] * row_a[e]).sqrt();
                self.weights[e] = weight;
                own += row_a[e] * weight;
            }
            for b in 0..n {
                let row_b = &c[b * n..][..n];
                let cross: f64 = row_b.iter().zip(&self.weights).map(|(c, w)| c * w).sum();
                out[a * n + b] = FRAC_2_PI * (cross - row_a[b] * own / norm_a);
            }
        }
    }

    /// `out[pair]` = sum_cd s_c s_d I4(i, k, c, d) + noise_variance J2(i, k) for the pairs i <= k, row by row.
    pub(super) fn second(&mut self, c: &[f64], s: &[f64], noise_variance: f64, out: &mut [f64]) {
        match self.level {
            Level::Baseline => self.second_body(c, s, noise_variance, out),
            // SAFETY: `detect` found the instructions on this processor.
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => unsafe { self.second_avx2(c, s, noise_variance, out) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => unsafe { self.second_avx512(c, s, noise_variance, out) },
        }
    }

    // No fma: it would round differently from the other levels.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn second_avx2(&mut self, c: &[f64], s: &[f64], noise_variance: f64, out: &mut [f64]) {
        self.second_body(c, s, noise_variance, out);
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512vl,avx512dq")]
    fn second_avx512(&mut self, c: &[f64], s: &[f64], noise_variance: f64, out: &mut [f64]) {
        self.second_body(c, s, noise_variance, out);
    }

    #[inline(always)]
    fn second_body(&mut self, c: &[f64], s: &[f64], noise_variance: f64, out: &mut [f64]) {
        let n = self.fields;
        assert!(c.len() == n * n && s.len() == n && self.columns.len() == n);
        for (block, pairs) in self.pairs.chunks_exact(LANES).enumerate() {
            let mut norm_i = [0.0; LANES];
            let mut norm_k = [0.0; LANES];
            let mut c_ik = [0.0; LANES];
            for (l, &(i, k)) in pairs.iter().enumerate() {
                norm_i[l] = 1.0 + c[i * n + i];
                norm_k[l] = 1.0 + c[k * n + k];
                c_ik[l] = c[i * n + k];
            }
            let mut l4 = [0.0; LANES];
            for l in 0..LANES {
                l4[l] = norm_i[l] * norm_k[l] - c_ik[l] * c_ik[l];
            }
            for (e, column) in self.columns.iter_mut().enumerate() {
                let mut x = [0.0; LANES];
                let mut y = [0.0; LANES];
                for (l, &(i, k)) in pairs.iter().enumerate() {
                    x[l] = c[i * n + e];
                    y[l] = c[k * n + e];
                }
                let c_ee = c[e * n + e];
                for l in 0..LANES {
                    let p = norm_i[l] * y[l] - c_ik[l] * x[l];
                    let q = norm_k[l] * x[l] - c_ik[l] * y[l];
                    let norm = 1.0 / (l4[l] * (1.0 + c_ee) - p * y[l] - q * x[l]).sqrt();
                    column.x[l] = x[l] * norm;
                    column.y[l] = y[l] * norm;
                    column.p[l] = p * norm;
                    column.q[l] = q * norm;
                    column.l4[l] = l4[l] * norm;
                    column.norm[l] = norm;
                }
            }
            let mut sum = [0.0; LANES];
            for e in 0..n {
                let ce = &self.columns[e];
                let mut inner = [0.0; LANES];
                for f in e..n {
                    let cf = &self.columns[f];
                    let c_ef = c[e * n + f];
                    let weight = if f == e { s[e] } else { 2.0 * s[f] };
                    for (l, inner) in inner.iter_mut().enumerate() {
                        let cosine = c_ef * (ce.l4[l] * cf.norm[l]) - (ce.p[l] * cf.y[l] + ce.q[l] * cf.x[l]);
                        *inner += weight * asin(cosine);
                    }
                }
                for l in 0..LANES {
                    sum[l] += s[e] * inner[l];
                }
            }
            let mut value = [0.0; LANES];
            for l in 0..LANES {
                value[l] = FRAC_2_PI * (FRAC_2_PI * sum[l] + noise_variance) / l4[l].sqrt();
            }
            let start = block * LANES;
            let used = LANES.min(self.pair_count - start);
            out[start..start + used].copy_from_slice(&value[..used]);
        }
    }

    /// sum_c s_c I2(a, c) for one field a.
    pub(super) fn output(&self, c: &[f64], s: &[f64], a: usize) -> f64 {
        let n = self.fields;
        let norm_a = 1.0 + c[a * n + a];
        let sum: f64 =
            (0..n).map(|e| s[e] * asin(c[a * n + e] / (norm_a * (1.0 + c[e * n + e])).sqrt())).sum();
        FRAC_2_PI * sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::activation::Activation;
    use crate::theory::committee::tests::{overlaps, problem};
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    #[test]
    fn every_instruction_set_gives_the_same_bits() {
        let mut levels = vec![Level::Baseline];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") {
                levels.push(Level::Avx2);
            }
            levels.push(Level::detect());
        }
        let mut rng = StdRng::seed_from_u64(0x5eed_0004);
        let problem = problem(7, 3, Activation::Erf);
        for _ in 0..50 {
            let c = overlaps(&problem, &mut rng).covariance();
            let s: Vec<f64> = (0..10).map(|e| 0.3 * e as f64 - 1.1).collect();
            let bits = levels.iter().map(|&level| {
                let mut kernel = Kernel { level, ..Kernel::new(7, 3) };
                let mut out = vec![0.0; 28];
                kernel.second(c.as_slice(), &s, 0.17, &mut out);
                out.iter().map(|x| x.to_bits()).collect::<Vec<_>>()
            });
            let bits: Vec<_> = bits.collect();
            assert!(bits.iter().all(|b| *b == bits[0]));
        }
    }
}
