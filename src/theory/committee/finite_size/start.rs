//! The process of a problem and its state at time 0.

use super::super::Coefficients;
use super::Planted;
use super::drift::Units;
use super::step::{Coordinate, Overlapping, Step, StepFaults};
use crate::problem::committee::{Committee, Init, Surplus, Teacher, Trained};
use crate::theory::LawError;
use crate::theory::linear_noise::{Process, State};
use nalgebra::DMatrix;

/// The units of a problem that this law covers.
fn units(problem: &Committee) -> Option<Units> {
    use crate::problem::activation::Activation;
    match problem.activation {
        Activation::Erf => Some(Units::Erf),
        Activation::Linear => Some(Units::Linear),
        Activation::Quadratic => Some(Units::Quadratic),
        Activation::Relu => Some(Units::Relu),
        _ => None,
    }
}

/// The overlaps of `problem` as a process, and its state at time 0.
pub(super) fn process(problem: &Committee, faults: &[String]) -> Result<(Overlapping, State), LawError> {
    let Some(units) = units(problem) else {
        let reason = format!("{} units have no closed moments of the noise", problem.activation.name());
        return Err(LawError::Uncovered { reason });
    };
    let coefficients = Coefficients::new(problem, faults)?;
    let overlaps = problem.limit_start();
    if units == Units::Relu {
        check_angles(&overlaps.covariance())?;
    }
    let step = Step {
        units,
        rate: coefficients.rate,
        second_order: coefficients.second_order,
        batch: problem.batch as f64,
        noise_variance: coefficients.noise_variance,
        spread_noise_variance: if faults.iter().any(|fault| fault == "drop=spread-noise") {
            0.0
        } else {
            coefficients.noise_variance
        },
        planted: StepFaults::new(faults),
        decay: coefficients.decay,
        student_scale: coefficients.student_scale,
        teacher_scale: coefficients.teacher_scale,
        v: overlaps.v.as_slice().to_vec(),
        v_star: overlaps.v_star.as_slice().to_vec(),
        second_layer_rate: coefficients.second_layer_rate,
        second_layer_decay: coefficients.second_layer_decay,
        both_layers: problem.trained == Trained::BothLayers,
    };
    let random_teacher = matches!(problem.teacher, Teacher::Random { .. });
    let process = Overlapping::new(step, &overlaps.t, random_teacher);
    let c = overlaps.covariance();
    let fixed = fixed_part(problem, &c);
    let n = process.dimension();
    let place = |coordinate: Coordinate| process.place(coordinate);
    let single_diagonal = Planted::new(faults).single_diagonal;
    let covariance = DMatrix::from_fn(n, n, |p, q| {
        let (Some((i, j)), Some((k, l))) = (place(process.coordinates[p]), place(process.coordinates[q]))
        else {
            return 0.0;
        };
        let pairs = |a: &DMatrix<f64>| a[(i, k)] * a[(j, l)] + a[(i, l)] * a[(j, k)];
        let value = pairs(&c) - pairs(&fixed);
        if single_diagonal && p == q && i == j { 0.5 * value } else { value }
    });
    let mean = process
        .coordinates
        .iter()
        .map(|&coordinate| match (place(coordinate), coordinate) {
            (Some(entry), _) => c[entry],
            (None, Coordinate::V(i)) => overlaps.v[i],
            (None, _) => unreachable!("every overlap has a place"),
        })
        .collect();
    Ok((process, State { mean, covariance, bias: vec![0.0; n] }))
}

/// Averages of ReLU units have no derivatives where two units coincide or one vanishes.
fn check_angles(c: &DMatrix<f64>) -> Result<(), LawError> {
    for a in 0..c.nrows() {
        for b in 0..=a {
            let minor = if a == b { c[(a, a)] } else { c[(a, a)] * c[(b, b)] - c[(a, b)].powi(2) };
            if minor <= 1e-12 * c[(a, a)] * c[(b, b)] {
                let reason =
                    "ReLU units that vanish at the start, or are multiples of each other there, leave no \
                              expansion: the averages have no second derivatives; start them apart"
                        .into();
                return Err(LawError::Uncovered { reason });
            }
        }
    }
    Ok(())
}

/// Gram matrix of those parts of the weights that are the same in every replica, students first.
fn fixed_part(problem: &Committee, c: &DMatrix<f64>) -> DMatrix<f64> {
    let k = problem.student_width;
    let teacher_is_fixed = matches!(problem.teacher, Teacher::Given { .. });
    match &problem.init {
        // Weights are built on the overlaps, teacher included.
        Init::Given { .. } => c.clone(),
        Init::Random { .. } => DMatrix::from_fn(c.nrows(), c.ncols(), |a, b| {
            if a >= k && b >= k && teacher_is_fixed { c[(a, b)] } else { 0.0 }
        }),
        Init::Informed { surplus, .. } => {
            let on = |a: usize| match a {
                a if a >= k => Some(a - k),
                a => teacher_unit(*surplus, a, problem.teacher_width),
            };
            DMatrix::from_fn(c.nrows(), c.ncols(), |a, b| match (on(a), on(b)) {
                (Some(n), Some(m)) if teacher_is_fixed => c[(k + n, k + m)],
                _ => 0.0,
            })
        }
    }
}

fn teacher_unit(surplus: Surplus, unit: usize, teacher_width: usize) -> Option<usize> {
    surplus.teacher_unit(unit, teacher_width)
}
