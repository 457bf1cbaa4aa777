//! Asymptotic values of the generalisation error: the stationary error under small label noise, and the plateau.
//!
//! # Final error
//! Near a noiseless optimum where student unit a sits on teacher unit a with the same output weight a_a, let
//! delta_a be the deviation of its weights and P_ab = delta_a.delta_b/d. One step adds
//! (eta/sqrt d) a_a g'_a err x to delta_a with err = sigma zeta - sum_c a_c g'_c delta_c.x/sqrt d. To second order
//! in sigma, with all averages over teacher fields, A_ab = a_a a_b <g'_a g'_b>, and b the batch,
//!
//! dP/dt = -eta (A P + P A) + (eta^2/b) [sum_cd a_a a_b a_c a_d <g'_a g'_b g'_c g'_d> P_cd + sigma^2 A_ab],
//!
//! e_g = 1/2 sum_ab A_ab P_ab.
//!
//! Surplus units sit at zero weights, where all of them move along g'(0) err x: their sum is one further unit of
//! weight sqrt(sum a^2) with g' = g'(0). For erf and v = 1 this gives sigma^2 eta/(2 pi) (L + M/sqrt 3) + O(eta^2),
//! L = K - M (Goldt et al., arXiv:1906.08632, eq. 6 and supplement). Linear units are a single unit of weight
//! sqrt(sum a^2) with g' = 1: e_g = eta sigma^2 K/(4 - 2 eta K) for v = 1, b = 1.
//!
//! The second layer may be trained where it must return to the teacher's: K = M. For M = 1 and K > 1 the student
//! units are taken to share the teacher unit equally, v_k = v*/K.

use super::averages::Averages;
use crate::problem::Definition;
use crate::problem::activation::Activation;
use crate::problem::committee::{Committee, KIND, Trained};
use crate::theory::LawError;
use nalgebra::{DMatrix, DVector, Matrix4};
use std::f64::consts::{FRAC_2_PI, PI};

/// The value of one of [`KIND`]'s overlays for this problem.
///
/// # Errors
/// [`LawError::UnknownOverlay`], and [`LawError::Overlay`] where the formula does not hold, with the reason.
pub fn overlay(problem: &Committee, name: &str) -> Result<f64, LawError> {
    let value = match name {
        "final-error" => final_error(problem),
        "final-error-small-rate" => final_error_small_rate(problem),
        "plateau" => plateau_error(problem),
        _ => {
            let known: Vec<&str> = KIND.overlays.iter().map(|(name, _)| *name).collect();
            return Err(LawError::UnknownOverlay { name: name.into(), known: known.join(", ") });
        }
    };
    value.map_err(|reason| LawError::Overlay { name: name.into(), reason })
}

/// Final error to second order in sigma, exact in eta.
fn final_error(problem: &Committee) -> Result<f64, String> {
    let units = Units::of(problem)?;
    let modes = units.modes(problem.activation)?;
    let limit = modes.largest_rate(problem);
    if problem.learning_rate >= limit {
        return Err(format!(
            "no stationary state: learning_rate = {} is not below {limit:.6}, where the noise amplifies itself",
            problem.learning_rate
        ));
    }
    Ok(modes.stationary_error(problem))
}

/// Final error to second order in sigma and first order in eta: (eta sigma^2/(4 b)) tr A.
fn final_error_small_rate(problem: &Committee) -> Result<f64, String> {
    let units = Units::of(problem)?;
    let averages = Averages::new(problem.activation);
    let mut trace = 0.0;
    for (a, weight) in units.weights.iter().enumerate() {
        let gain = if units.covariance[(a, a)] == 0.0 {
            problem.activation.derivative(0.0).powi(2)
        } else {
            averages.j2(&units.covariance, a, a).map_err(|error| error.to_string())?
        };
        trace += weight * weight * gain;
    }
    let rate = problem.learning_rate * problem.output.rate(problem.student_width);
    Ok(rate * problem.noise_std.powi(2) / (4.0 * problem.batch as f64) * trace)
}

/// The learning rate above which the noise near the optimum amplifies itself and the final error diverges.
///
/// For linear units with v = 1 this is 2/K; for erf, v = 1, K = M = 1, T = 1 it is pi sqrt(5/3). The published
/// sqrt 3 pi/(M + 3/sqrt 5 - 1) is exact for M = 1 only: it leaves out the overlaps between the deviations of
/// different units and lies 0.7 % too high for M = 2 (2.3238 for 2.3068), where the law itself already diverges.
///
/// # Errors
/// [`LawError::Overlay`] where there is no optimum with the formulas of this module.
pub fn largest_rate(problem: &Committee) -> Result<f64, LawError> {
    Units::of(problem)
        .and_then(|units| units.modes(problem.activation))
        .map(|modes| modes.largest_rate(problem))
        .map_err(|reason| LawError::Overlay { name: "largest rate".into(), reason })
}

/// Units near the optimum: teacher units and, if the student is wider, the sum of its surplus units at 0.
struct Units {
    /// Output weights a.
    weights: DVector<f64>,
    /// Covariance of the fields; the row of the surplus units is zero.
    covariance: DMatrix<f64>,
}

impl Units {
    fn of(problem: &Committee) -> Result<Self, String> {
        let units = Self::all(problem)?.distinct();
        if units.weights.is_empty() {
            return Err("all second-layer weights are 0, so that nothing is learnt".into());
        }
        Ok(units)
    }

    fn all(problem: &Committee) -> Result<Self, String> {
        let (k, m) = (problem.student_width, problem.teacher_width);
        if !matches!(
            problem.activation,
            Activation::Erf | Activation::Linear | Activation::Tanh | Activation::Sine
        ) {
            return Err(format!(
                "it needs a smooth odd activation, whose surplus units can rest at zero weights; {} is none",
                problem.activation.name()
            ));
        }
        if problem.weight_decay != 0.0 || problem.effective_second_layer_decay() != 0.0 {
            return Err("weight decay moves the student away from the teacher".into());
        }
        if let Some(reason) = problem.uncovered() {
            return Err(reason);
        }
        let t = problem.limit_start().t;
        let teacher = &problem.teacher_second_layer * problem.teacher_scale();
        let student = &problem.student_second_layer * problem.student_scale();
        let both_layers = problem.trained == Trained::BothLayers;

        if problem.activation == Activation::Linear {
            if both_layers {
                return Err(
                    "linear units with a trained second layer keep the weights that their start chose".into(),
                );
            }
            return Ok(Self {
                weights: DVector::from_element(1, student.norm()),
                covariance: DMatrix::from_element(1, 1, (teacher.transpose() * &t * &teacher)[0]),
            });
        }
        if both_layers && m == 1 {
            return Ok(Self { weights: teacher / (k as f64).sqrt(), covariance: t });
        }
        if both_layers && k == m {
            return Ok(Self { weights: teacher, covariance: t });
        }
        if both_layers {
            return Err(
                "with a trained second layer, surplus units share the teacher's in a way that depends on \
                        the start, unless M = 1"
                    .into(),
            );
        }
        let surplus = surplus_weights(student.as_slice(), teacher.as_slice()).ok_or_else(|| {
            "some teacher unit has no student unit with its second-layer weight, so that no student equals the \
             teacher"
                .to_string()
        })?;
        if surplus.is_empty() {
            return Ok(Self { weights: teacher, covariance: t });
        }
        let collective = surplus.iter().map(|a| a * a).sum::<f64>().sqrt();
        Ok(Self { weights: teacher.push(collective), covariance: t.resize(m + 1, m + 1, 0.0) })
    }

    /// Units of weight 0 learn nothing, and units whose fields coincide up to sign (g is odd) share what they learn
    /// like one of weight sqrt(sum a^2): without the others, deviations of different units are independent.
    fn distinct(self) -> Self {
        let Self { weights, covariance } = self;
        let coincide = |i: usize, j: usize| {
            let (p, q, c) = (covariance[(i, i)], covariance[(j, j)], covariance[(i, j)]);
            p == q && c.abs() == p
        };
        let mut kept: Vec<(usize, f64)> = Vec::new();
        for i in (0..weights.len()).filter(|&i| weights[i] != 0.0) {
            match kept.iter_mut().find(|(j, _)| coincide(i, *j)) {
                Some((_, weight)) => *weight = weight.hypot(weights[i]),
                None => kept.push((i, weights[i])),
            }
        }
        Self {
            weights: DVector::from_iterator(kept.len(), kept.iter().map(|&(_, weight)| weight)),
            covariance: DMatrix::from_fn(kept.len(), kept.len(), |i, j| covariance[(kept[i].0, kept[j].0)]),
        }
    }

    fn modes(&self, activation: Activation) -> Result<Modes, String> {
        let n = self.weights.len();
        let erf = match activation {
            Activation::Erf => true,
            Activation::Linear => false,
            other => {
                return Err(format!(
                    "<g'g'g'g'> has a closed form here for erf and linear units only, not for {}; \
                     final-error-small-rate covers it",
                    other.name()
                ));
            }
        };
        // For erf <prod g'> = (2/pi)^(p/2) <prod exp(-u^2/2)> = (2/pi)^(p/2) det(1 + C)^(-1/2).
        let c = &self.covariance;
        let second = |a: usize, b: usize| {
            if erf {
                FRAC_2_PI / ((1.0 + c[(a, a)]) * (1.0 + c[(b, b)]) - c[(a, b)] * c[(a, b)]).sqrt()
            } else {
                1.0
            }
        };
        let fourth = |fields: [usize; 4]| {
            if erf {
                let shifted = Matrix4::identity() + Matrix4::from_fn(|i, j| c[(fields[i], fields[j])]);
                FRAC_2_PI * FRAC_2_PI / shifted.determinant().sqrt()
            } else {
                1.0
            }
        };
        let a = &self.weights;
        let gain = DMatrix::from_fn(n, n, |i, j| a[i] * a[j] * second(i, j));
        let pairs: Vec<(usize, usize)> = (0..n).flat_map(|i| (i..n).map(move |j| (i, j))).collect();
        let mut decay = DMatrix::zeros(pairs.len(), pairs.len());
        let mut growth = DMatrix::zeros(pairs.len(), pairs.len());
        for (row, &(i, j)) in pairs.iter().enumerate() {
            for (column, &(c, d)) in pairs.iter().enumerate() {
                let copies = if c == d { 1.0 } else { 2.0 };
                growth[(row, column)] = copies * a[i] * a[j] * a[c] * a[d] * fourth([i, j, c, d]);
                for (c, d) in if c == d { vec![(c, d)] } else { vec![(c, d), (d, c)] } {
                    if d == j {
                        decay[(row, column)] += gain[(i, c)];
                    }
                    if c == i {
                        decay[(row, column)] += gain[(d, j)];
                    }
                }
            }
        }
        let source = DVector::from_iterator(pairs.len(), pairs.iter().map(|&pair| gain[pair]));
        let copies =
            DVector::from_iterator(pairs.len(), pairs.iter().map(|&(i, j)| if i == j { 1.0 } else { 2.0 }));
        Ok(Modes { decay, growth, source, copies })
    }
}

/// Output weights of the student units that are left when every teacher unit is taken by a student unit of the
/// same weight up to sign (g is odd); `None` if some teacher unit finds none.
fn surplus_weights(student: &[f64], teacher: &[f64]) -> Option<Vec<f64>> {
    let mut left = student.to_vec();
    for weight in teacher {
        let match_at = left.iter().position(|a| (a.abs() - weight.abs()).abs() <= 1e-12 * weight.abs())?;
        left.remove(match_at);
    }
    Some(left)
}

/// The linear equation of P on its upper triangle: dP/dt = -eta decay P + (eta^2/b) (growth P + sigma^2 source).
struct Modes {
    decay: DMatrix<f64>,
    growth: DMatrix<f64>,
    /// A on the upper triangle, and how often each entry occurs in the square.
    source: DVector<f64>,
    copies: DVector<f64>,
}

impl Modes {
    /// eta/b with the rate factor of the output scaling; the output scale itself is in the weights a.
    fn noise_rate(problem: &Committee) -> f64 {
        problem.learning_rate * problem.output.rate(problem.student_width) / problem.batch as f64
    }

    fn stationary_error(&self, problem: &Committee) -> f64 {
        let rate = Self::noise_rate(problem);
        let matrix = &self.decay - &self.growth * rate;
        let noise = &self.source * (rate * problem.noise_std.powi(2));
        let p = matrix.lu().solve(&noise).expect("regular below the largest rate");
        0.5 * self.copies.component_mul(&self.source).dot(&p)
    }

    /// 1 / (spectral radius of decay^-1 growth), in the unit of `learning_rate`. The operator maps positive
    /// semi-definite P to positive semi-definite P, so that powers applied to a positive one converge to its
    /// leading mode.
    fn largest_rate(&self, problem: &Committee) -> f64 {
        let operator = self
            .decay
            .clone()
            .lu()
            .solve(&self.growth)
            .expect("decay is regular where no two units coincide");
        let mut p = self.source.clone();
        let mut radius = 0.0;
        for _ in 0..10_000 {
            let image = &operator * &p;
            let next = image.norm() / p.norm();
            p = image.normalize();
            let settled = (next - radius).abs() <= 1e-15 * next;
            radius = next;
            if settled {
                break;
            }
        }
        problem.learning_rate / (radius * Self::noise_rate(problem))
    }
}

/// Overlaps of the unspecialised plateau for K = M erf units, T = I, v = v*, eta -> 0: all Q_ik = 1/(2M - 1), all
/// R_in = 1/sqrt(M (2M - 1)) (Saad & Solla, Phys. Rev. E 52, 4225, sec. IV).
pub fn plateau_overlaps(m: usize) -> (f64, f64) {
    let m = m as f64;
    (1.0 / (2.0 * m - 1.0), 1.0 / (m * (2.0 * m - 1.0)).sqrt())
}

/// (a^2 M/pi) [pi/6 - M asin(1/(2M))] at [`plateau_overlaps`], a the common output weight.
fn plateau_error(problem: &Committee) -> Result<f64, String> {
    let m = problem.teacher_width;
    let weight = problem.teacher_second_layer[0] * problem.teacher_scale();
    let equal = |line: &DVector<f64>, scale: f64| line.iter().all(|v| v * scale == weight);
    let applies = problem.activation == Activation::Erf
        && problem.student_width == m
        && problem.trained == Trained::FirstLayer
        && problem.weight_decay == 0.0
        && problem.training_set.is_none()
        && problem.limit_start().t == DMatrix::identity(m, m)
        && equal(&problem.teacher_second_layer, problem.teacher_scale())
        && equal(&problem.student_second_layer, problem.student_scale());
    if !applies {
        return Err(
            "it holds for erf units, K = M, T = I, one fixed second-layer weight for all units, no decay"
                .into(),
        );
    }
    let m = m as f64;
    Ok(weight * weight * m / PI * (PI / 6.0 - m * (0.5 / m).asin()))
}
