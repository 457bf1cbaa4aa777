//! Linear units with a fixed second layer: M + K + 1 equations in place of O((K + M)^2).
//!
//! With g(x) = x every weight moves along one common vector U: w_i(t) = D w_i(0) + v_i U(t), D = exp(-kappa t),
//! U(0) = 0. Its overlaps u_n = U.w*_n/d, p_k = U.w_k(0)/d, h = U.U/d close among themselves. With a = s v,
//! b = s* v*, s2 = a.v and averages of err = teacher - student with the fields of w*_n, w_k(0) and U,
//!
//! du_n/dt = eta [sum_m b_m T_mn - D sum_j a_j R_jn(0) - s2 u_n] - kappa u_n
//!
//! dp_k/dt = eta [sum_m b_m R_km(0) - D sum_j a_j Q_jk(0) - s2 p_k] - kappa p_k
//!
//! dh/dt = 2 eta [b.u - D a.p - s2 h] + (eta^2/b) (2 e_g + sigma^2) - 2 kappa h
//!
//! 2 e_g = b.T b - 2 b.(D R(0)^T a + s2 u) + D^2 a.Q(0) a + 2 D s2 a.p + s2^2 h.

use super::averages::AverageError;
use super::general::ROUNDING;
use super::{Coefficients, Observable};
use crate::problem::committee::Overlaps;
use crate::theory::Law;
use nalgebra::{DMatrix, DVector};

pub(super) struct Reduced {
    coefficients: Coefficients,
    start: Overlaps,
    /// a and b, and s2 = a.v.
    student: DVector<f64>,
    teacher: DVector<f64>,
    s2: f64,
    /// T b, R(0) b, R(0)^T a, Q(0) a, b.T b, a.Q(0) a.
    t_b: DVector<f64>,
    r_b: DVector<f64>,
    rt_a: DVector<f64>,
    q_a: DVector<f64>,
    b_t_b: f64,
    a_q_a: f64,
}

impl Reduced {
    pub(super) fn new(start: &Overlaps, coefficients: Coefficients) -> Self {
        let student = &start.v * coefficients.student_scale;
        let teacher = &start.v_star * coefficients.teacher_scale;
        let (t_b, r_b) = (&start.t * &teacher, &start.r * &teacher);
        let (rt_a, q_a) = (start.r.tr_mul(&student), &start.q * &student);
        Self {
            s2: student.dot(&start.v),
            b_t_b: teacher.dot(&t_b),
            a_q_a: student.dot(&q_a),
            start: start.clone(),
            coefficients,
            student,
            teacher,
            t_b,
            r_b,
            rt_a,
            q_a,
        }
    }

    /// D, and u, p, h of a state.
    fn parts<'y>(&self, t: f64, y: &'y [f64]) -> (f64, &'y [f64], &'y [f64], f64) {
        let m = self.teacher.len();
        let (u, rest) = y.split_at(m);
        let (p, h) = rest.split_at(self.student.len());
        (libm::exp(-self.coefficients.decay * t), u, p, h[0])
    }

    fn squared_error(&self, t: f64, y: &[f64]) -> f64 {
        let (d, u, p, h) = self.parts(t, y);
        let s2 = self.s2;
        let with_teacher: f64 =
            self.teacher.iter().zip(self.rt_a.iter().zip(u)).map(|(b, (r, u))| b * (d * r + s2 * u)).sum();
        let a_p: f64 = self.student.iter().zip(p).map(|(a, p)| a * p).sum();
        self.b_t_b - 2.0 * with_teacher + d * d * self.a_q_a + 2.0 * d * s2 * a_p + s2 * s2 * h
    }
}

impl Law for Reduced {
    type Observable = Observable;

    fn start(&self) -> Vec<f64> {
        vec![0.0; self.teacher.len() + self.student.len() + 1]
    }

    fn rhs(&mut self, t: f64, y: &[f64], dy: &mut [f64]) -> Result<(), AverageError> {
        let (d, u, p, h) = self.parts(t, y);
        let Coefficients { rate, second_order, noise_variance, decay, .. } = self.coefficients;
        let m = u.len();
        let mut b_u = 0.0;
        for (n, u) in u.iter().enumerate() {
            b_u += self.teacher[n] * u;
            dy[n] = rate * (self.t_b[n] - d * self.rt_a[n] - self.s2 * u) - decay * u;
        }
        let mut a_p = 0.0;
        for (k, p) in p.iter().enumerate() {
            a_p += self.student[k] * p;
            dy[m + k] = rate * (self.r_b[k] - d * self.q_a[k] - self.s2 * p) - decay * p;
        }
        dy[m + p.len()] = 2.0 * rate * (b_u - d * a_p - self.s2 * h)
            + second_order * (self.squared_error(t, y) + noise_variance)
            - 2.0 * decay * h;
        Ok(())
    }

    fn observe(&mut self, t: f64, y: &[f64], observable: &Observable) -> Result<f64, AverageError> {
        let (d, u, p, h) = self.parts(t, y);
        let v = &self.start.v;
        Ok(match *observable {
            Observable::GeneralisationError => 0.5 * self.coefficients.i2_factor * self.squared_error(t, y),
            Observable::Q(i, j) => {
                d * d * self.start.q[(i, j)] + d * (v[i] * p[j] + v[j] * p[i]) + v[i] * v[j] * h
            }
            Observable::R(i, n) => d * self.start.r[(i, n)] + v[i] * u[n],
            Observable::T(i, j) => self.start.t[(i, j)],
            Observable::V(i) => v[i],
            Observable::Specialised => {
                let shape = self.start.r.shape();
                let r = DMatrix::from_fn(shape.0, shape.1, |i, n| d * self.start.r[(i, n)] + v[i] * u[n]);
                f64::from(u8::from(Overlaps::is_specialised(&r)))
            }
        })
    }

    /// Near the teacher the terms of the squared error are those of its output, with weights 1, 2 and 1.
    fn rounding(&mut self, _t: f64, _y: &[f64], observable: &Observable) -> Result<f64, AverageError> {
        Ok(match observable {
            Observable::GeneralisationError => 2.0 * self.coefficients.i2_factor * ROUNDING * self.b_t_b,
            _ => 0.0,
        })
    }
}
