//! X' = (M - X X^T) X in closed form.

use super::Rules;
use super::reduced::{Reduced, numerical};
use crate::linalg::cholesky;
use crate::theory::LawError;
use crate::trajectory::Curve;
use nalgebra::DMatrix;

/// s_1 times the longest step of the closed solution. One formula over the whole time loses all digits of what decays
/// while e^(2 s_1 t) grows; over one step of this length it loses a factor e^6 of rounding.
pub const STRIDE: f64 = 3.0;

/// One step of the solution W = X X^T: with I = int_0^h e^(2 M s) ds and the Cholesky factor L of 1 + 2 X^T I X,
///
/// X(h) = e^(M h) X L^-T, which has the W of the flow and its columns up to a rotation.
///
/// ```
/// use asymptotica::theory::matrix_sensing::Riccati;
/// use nalgebra::DMatrix;
/// // One direction outside the target: 1/x^2 grows by 2 t.
/// let mut x = DMatrix::from_element(1, 1, 0.5);
/// Riccati::new(&[], 1, 8.0).step(&mut x).unwrap();
/// assert!((x[(0, 0)].powi(-2) - 20.0).abs() < 1e-13);
/// // A mode of strength s from u: s / (1 + (s/u - 1) e^(-2 s t)).
/// let mut x = DMatrix::from_element(1, 1, 0.1);
/// Riccati::new(&[2.0], 1, 0.7).step(&mut x).unwrap();
/// assert!((x[(0, 0)].powi(2) - 2.0 / (1.0 + 199.0 * (-2.8_f64).exp())).abs() < 1e-14);
/// ```
#[derive(Clone, Debug)]
pub struct Riccati {
    /// e^(s h), row by row.
    growth: Vec<f64>,
    /// 2 int e^(2 s tau) d tau.
    doubled: Vec<f64>,
}

impl Riccati {
    /// A step of length `h` on `rows` rows, of which the first have the stated strengths.
    pub fn new(strengths: &[f64], rows: usize, h: f64) -> Self {
        let of_row = |i: usize| strengths.get(i).copied().unwrap_or(0.0);
        let doubled = |s: f64| if s == 0.0 { 2.0 * h } else { libm::expm1(2.0 * s * h) / s };
        Self {
            growth: (0..rows).map(|i| libm::exp(of_row(i) * h)).collect(),
            doubled: (0..rows).map(|i| doubled(of_row(i))).collect(),
        }
    }

    /// # Errors
    /// [`LawError::Integration`] if an entry is not finite.
    pub fn step(&self, x: &mut DMatrix<f64>) -> Result<(), LawError> {
        let k = x.ncols();
        let mut inner = DMatrix::identity(k, k);
        for (row, weight) in x.row_iter().zip(&self.doubled) {
            for j in 0..k {
                for i in j..k {
                    inner[(i, j)] += weight * row[i] * row[j];
                }
            }
        }
        let lower = cholesky(&inner).map_err(numerical)?;
        for (mut row, growth) in x.row_iter_mut().zip(&self.growth) {
            // The row of X L^-T by forward substitution.
            for j in 0..k {
                let known: f64 = (0..j).map(|i| lower[(j, i)] * row[i]).sum();
                row[j] = (row[j] - known) / lower[(j, j)];
            }
            row *= *growth;
        }
        Ok(())
    }
}

pub(super) fn follow(
    start: &Reduced,
    from: f64,
    times: &[f64],
    rules: Rules,
    curve: &mut Curve,
) -> Result<Vec<Reduced>, LawError> {
    let mut state = start.clone();
    let rows = state.f.nrows();
    let fastest = state.strengths.iter().copied().fold(0.0, f64::max);
    let mut at = from;
    let mut states = Vec::with_capacity(times.len());
    for &time in times {
        let length = rules.rate * (time - at);
        if length > 0.0 {
            let steps = (length * fastest / rules.stride).ceil().max(1.0);
            let riccati = Riccati::new(&state.strengths, rows, length / steps);
            for _ in 0..steps as u64 {
                riccati.step(&mut state.f)?;
            }
            curve.work.steps += steps as u64;
        }
        at = time;
        states.push(state.clone());
    }
    Ok(states)
}
