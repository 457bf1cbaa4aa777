//! The coefficients of the law, faults included.

use crate::problem::teacher_mixture::{KIND, LabelMoments, Overlaps, TeacherMixture};
use crate::theory::{LawError, is_of_finite_size};
use nalgebra::DMatrix;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Coefficients {
    /// eta.
    pub rate: f64,
    /// eta^2.
    pub second_order: f64,
    /// eta_b.
    pub bias_rate: f64,
    /// rho_c and Delta_c.
    pub probability: Vec<f64>,
    pub variance: Vec<f64>,
    /// E_c, k_c and <y^2>_c.
    pub labels: Vec<LabelMoments>,
    /// T_cj as it enters the equation of R_j.
    pub t: DMatrix<f64>,
    pub s: DMatrix<f64>,
    pub u: DMatrix<f64>,
}

impl Coefficients {
    pub fn new(problem: &TeacherMixture, start: &Overlaps, faults: &[String]) -> Result<Self, LawError> {
        let groups = problem.groups();
        let mut coefficients = Self {
            rate: problem.learning_rate,
            second_order: problem.learning_rate * problem.learning_rate,
            bias_rate: problem.bias_rate,
            probability: problem.probability.clone(),
            variance: problem.variance.clone(),
            labels: (0..groups).map(|c| problem.label_moments(start, c)).collect(),
            t: start.t.clone(),
            s: start.s.clone(),
            u: start.u.clone(),
        };
        for fault in faults {
            match fault.as_str() {
                "drop=eta2" => coefficients.second_order = 0.0,
                // Of the law at finite size alone.
                other if is_of_finite_size(other, &KIND) => {}
                "drop=slope" => coefficients.labels.iter_mut().for_each(|label| label.slope = 0.0),
                "merge=teachers" => {
                    let first = coefficients.t.row(0).into_owned();
                    coefficients.t.row_iter_mut().for_each(|mut row| row.copy_from(&first));
                }
                other => {
                    let known: Vec<&str> = KIND.law_faults.iter().map(|(name, _)| *name).collect();
                    return Err(LawError::UnknownFault { name: other.into(), known: known.join(", ") });
                }
            }
        }
        Ok(coefficients)
    }

    /// C.
    pub fn groups(&self) -> usize {
        self.probability.len()
    }

    /// sum_c rho_c Delta_c^power.
    pub fn moment(&self, power: i32) -> f64 {
        self.probability.iter().zip(&self.variance).map(|(p, v)| p * v.powi(power)).sum()
    }

    /// The rate at which Q decays: 2 eta sum rho Delta - eta^2 sum rho Delta^2.
    pub fn decay_of_q(&self) -> f64 {
        2.0 * self.rate * self.moment(1) - self.second_order * self.moment(2)
    }
}
