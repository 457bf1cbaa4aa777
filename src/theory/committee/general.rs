//! The law on the full state: upper triangle of Q, then R row by row, then v if it is trained.

use super::averages::{AverageError, Averages};
use super::{Coefficients, Observable, erf, upper};
use crate::math::gaussian::relu;
use crate::problem::activation::Activation;
use crate::problem::committee::{Overlaps, Trained};
use crate::theory::Law;
use nalgebra::DMatrix;

/// Share of the cancelling terms that rounding leaves in their sum.
pub(super) const ROUNDING: f64 = 16.0 * f64::EPSILON;

pub(super) struct General {
    k: usize,
    m: usize,
    both_layers: bool,
    coefficients: Coefficients,
    start: Overlaps,
    kernel: Kernel,
    /// For the variances of the outputs.
    averages: Averages,
    /// C, row by row, with its teacher block filled in.
    c: Vec<f64>,
    /// s_c.
    s: Vec<f64>,
    v: Vec<f64>,
    /// sum_c s_c I3(a, b, c), students a by all fields b.
    first: Vec<f64>,
    /// sum_cd s_c s_d I4 + sigma^2 J2 of the pairs i <= k.
    second: Vec<f64>,
    /// sum_c s_c I2(i, c).
    output: Vec<f64>,
}

/// How the sums over the fields are evaluated.
enum Kernel {
    Erf(erf::Kernel),
    Linear,
    Relu(relu::Sums),
    /// Average by average, on a matrix copy of C.
    Averages(Averages, DMatrix<f64>),
}

impl General {
    pub(super) fn new(
        activation: Activation,
        trained: Trained,
        start: &Overlaps,
        coefficients: Coefficients,
    ) -> Self {
        let (k, m) = (start.student_width(), start.teacher_width());
        let n = k + m;
        let kernel = match activation {
            Activation::Erf => Kernel::Erf(erf::Kernel::new(k, m)),
            Activation::Linear => Kernel::Linear,
            Activation::Relu => Kernel::Relu(relu::Sums::new(k, n)),
            other => Kernel::Averages(Averages::new(other), DMatrix::zeros(n, n)),
        };
        let mut c = vec![0.0; n * n];
        for i in 0..m {
            for j in 0..m {
                c[(k + i) * n + k + j] = start.t[(i, j)];
            }
        }
        let mut s = vec![0.0; n];
        for (s, v) in s[k..].iter_mut().zip(start.v_star.iter()) {
            *s = coefficients.teacher_scale * v;
        }
        // Linear units share one row of I3 sums and one value of I4 sums.
        let (rows, pairs) = match kernel {
            Kernel::Linear => (1, 1),
            _ => (k, k * (k + 1) / 2),
        };
        Self {
            k,
            m,
            both_layers: trained == Trained::BothLayers,
            coefficients,
            start: start.clone(),
            kernel,
            averages: Averages::new(activation),
            c,
            s,
            v: start.v.as_slice().to_vec(),
            first: vec![0.0; rows * n],
            second: vec![0.0; pairs],
            output: vec![0.0; k],
        }
    }

    /// Spreads a state over C, v and s.
    fn load(&mut self, y: &[f64]) {
        let (k, m, n) = (self.k, self.m, self.k + self.m);
        let (q, rest) = y.split_at(k * (k + 1) / 2);
        let (r, v) = rest.split_at(k * m);
        let mut packed = q.iter();
        for i in 0..k {
            for j in i..k {
                let q_ij = *packed.next().expect("the triangle has k (k + 1) / 2 entries");
                self.c[i * n + j] = q_ij;
                self.c[j * n + i] = q_ij;
            }
            for j in 0..m {
                self.c[i * n + k + j] = r[i * m + j];
                self.c[(k + j) * n + i] = r[i * m + j];
            }
        }
        if self.both_layers {
            self.v.copy_from_slice(v);
        }
        for (s, v) in self.s.iter_mut().zip(&self.v) {
            *s = -self.coefficients.student_scale * v;
        }
    }

    /// The sums over the fields at the loaded state.
    fn sums(&mut self) -> Result<(), AverageError> {
        let (k, n) = (self.k, self.k + self.m);
        let (c, s) = (&self.c[..], &self.s[..]);
        let noise_variance = self.coefficients.noise_variance;
        let with_second_order = self.coefficients.second_order != 0.0;
        match &mut self.kernel {
            Kernel::Erf(kernel) => {
                kernel.first(c, s, &mut self.first);
                if with_second_order {
                    kernel.second(c, s, noise_variance, &mut self.second);
                }
                if self.both_layers {
                    for (i, output) in self.output.iter_mut().enumerate() {
                        *output = kernel.output(c, s, i);
                    }
                }
            }
            Kernel::Linear => {
                for (b, sum) in self.first.iter_mut().enumerate() {
                    *sum = dot(&c[b * n..][..n], s);
                }
                self.second[0] = dot(&self.first, s) + noise_variance;
                self.output.copy_from_slice(&self.first[..k]);
            }
            Kernel::Relu(sums) => {
                sums.load(c, s)?;
                sums.first(&mut self.first);
                if with_second_order {
                    sums.second(noise_variance, &mut self.second)?;
                }
                if self.both_layers {
                    for (i, output) in self.output.iter_mut().enumerate() {
                        *output = sums.output(i);
                    }
                }
            }
            Kernel::Averages(averages, matrix) => {
                matrix.copy_from_slice(c);
                for a in 0..k {
                    for b in 0..n {
                        let mut sum = 0.0;
                        for (e, s) in s.iter().enumerate() {
                            sum += s * averages.i3(matrix, a, b, e)?;
                        }
                        self.first[a * n + b] = sum;
                    }
                }
                if with_second_order {
                    for i in 0..k {
                        for j in i..k {
                            let mut sum = noise_variance * averages.j2(matrix, i, j)?;
                            for e in 0..n {
                                let mut above = 0.0;
                                for (f, s_f) in s[..e].iter().enumerate() {
                                    above += s_f * averages.i4(matrix, i, j, e, f)?;
                                }
                                sum += s[e] * (2.0 * above + s[e] * averages.i4(matrix, i, j, e, e)?);
                            }
                            self.second[upper(i, j, k)] = sum;
                        }
                    }
                }
                if self.both_layers {
                    for (i, output) in self.output.iter_mut().enumerate() {
                        let mut sum = 0.0;
                        for (e, s) in s.iter().enumerate() {
                            sum += s * averages.i2(matrix, i, e)?;
                        }
                        *output = sum;
                    }
                }
            }
        }
        Ok(())
    }

    /// 1/2 sum_cd s_c s_d I2(c, d) at the loaded state.
    fn generalisation_error(&mut self) -> Result<f64, AverageError> {
        let n = self.k + self.m;
        let (c, s) = (&self.c[..], &self.s[..]);
        let mut sum = 0.0;
        match &mut self.kernel {
            Kernel::Erf(kernel) => {
                for (a, s_a) in s.iter().enumerate() {
                    sum += s_a * kernel.output(c, s, a);
                }
            }
            Kernel::Linear => {
                for (a, s_a) in s.iter().enumerate() {
                    sum += s_a * dot(&c[a * n..][..n], s);
                }
            }
            Kernel::Relu(sums) => {
                sums.load(c, s)?;
                for (a, s_a) in s.iter().enumerate() {
                    sum += s_a * sums.output(a);
                }
            }
            Kernel::Averages(averages, matrix) => {
                matrix.copy_from_slice(c);
                for a in 0..n {
                    let mut above = 0.0;
                    for (b, s_b) in s[..a].iter().enumerate() {
                        above += s_b * averages.i2(matrix, a, b)?;
                    }
                    sum += s[a] * (2.0 * above + s[a] * averages.i2(matrix, a, a)?);
                }
            }
        }
        Ok(0.5 * self.coefficients.i2_factor * sum)
    }

    /// Bound of the terms of [`Self::generalisation_error`] before they cancel: 1/2 (sum_c |s_c| sqrt I2(c, c))^2.
    fn error_unit(&self) -> Result<f64, AverageError> {
        let n = self.k + self.m;
        let c = DMatrix::from_row_slice(n, n, &self.c);
        let mut sum = 0.0;
        for (a, s) in self.s.iter().enumerate() {
            sum += s.abs() * self.averages.i2(&c, a, a)?.sqrt();
        }
        Ok(0.5 * self.coefficients.i2_factor * sum * sum)
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

impl Law for General {
    type Observable = Observable;

    fn start(&self) -> Vec<f64> {
        let k = self.k;
        let mut y: Vec<f64> =
            (0..k).flat_map(|i| (i..k).map(move |j| (i, j))).map(|index| self.start.q[index]).collect();
        y.extend(self.start.r.transpose().iter());
        if self.both_layers {
            y.extend(self.start.v.iter());
        }
        y
    }

    fn rhs(&mut self, _t: f64, y: &[f64], dy: &mut [f64]) -> Result<(), AverageError> {
        self.load(y);
        self.sums()?;
        let (k, m, n) = (self.k, self.m, self.k + self.m);
        let Coefficients {
            rate, second_order, decay, second_layer_rate, second_layer_decay, i2_factor, ..
        } = self.coefficients;
        let (row_stride, pair_stride) = if matches!(self.kernel, Kernel::Linear) { (0, 0) } else { (n, 1) };
        let swap = self.coefficients.swap_i3;
        let mut pair = 0;
        for i in 0..k {
            for j in i..k {
                let i_on_j = self.first[i * row_stride + j];
                let j_on_i = if swap { i_on_j } else { self.first[j * row_stride + i] };
                dy[pair] = rate * (self.v[i] * i_on_j + self.v[j] * j_on_i)
                    + second_order * self.v[i] * self.v[j] * self.second[pair * pair_stride]
                    - 2.0 * decay * y[pair];
                pair += 1;
            }
        }
        for i in 0..k {
            for j in 0..m {
                let at = pair + i * m + j;
                dy[at] = rate * self.v[i] * self.first[i * row_stride + k + j] - decay * y[at];
            }
        }
        if self.both_layers {
            for i in 0..k {
                dy[pair + k * m + i] =
                    second_layer_rate * i2_factor * self.output[i] - second_layer_decay * self.v[i];
            }
        }
        Ok(())
    }

    fn observe(&mut self, _t: f64, y: &[f64], observable: &Observable) -> Result<f64, AverageError> {
        let (k, m) = (self.k, self.m);
        let r_start = k * (k + 1) / 2;
        Ok(match *observable {
            Observable::GeneralisationError => {
                self.load(y);
                self.generalisation_error()?
            }
            Observable::Q(i, j) => y[upper(i.min(j), i.max(j), k)],
            Observable::R(i, j) => y[r_start + i * m + j],
            Observable::T(i, j) => self.start.t[(i, j)],
            Observable::V(i) if self.both_layers => y[r_start + k * m + i],
            Observable::V(i) => self.start.v[i],
            Observable::Specialised => {
                let r = DMatrix::from_row_slice(k, m, &y[r_start..][..k * m]);
                f64::from(u8::from(Overlaps::is_specialised(&r)))
            }
        })
    }

    fn rounding(&mut self, _t: f64, y: &[f64], observable: &Observable) -> Result<f64, AverageError> {
        if *observable != Observable::GeneralisationError {
            return Ok(0.0);
        }
        self.load(y);
        Ok(ROUNDING * self.error_unit()?)
    }
}
