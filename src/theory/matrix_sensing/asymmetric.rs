//! F' = (M - F G^T) G, G' = (M - F G^T)^T F, integrated.

use super::Rules;
use super::reduced::Reduced;
use crate::ode;
use crate::theory::LawError;
use crate::trajectory::Curve;
use nalgebra::DMatrix;
use std::convert::Infallible;

/// Absolute over relative tolerance: parts of G die out exponentially and the error follows them.
const ABSOLUTE: f64 = 1e-4;

pub(super) fn follow(
    start: &Reduced,
    from: f64,
    times: &[f64],
    rules: Rules,
    curve: &mut Curve,
) -> Result<Vec<Reduced>, LawError> {
    let (rows, k) = start.f.shape();
    let others = start.right().nrows();
    let strengths = &start.strengths;
    let state = |y: &[f64]| Reduced {
        f: DMatrix::from_column_slice(rows, k, &y[..rows * k]),
        g: Some(DMatrix::from_column_slice(others, k, &y[rows * k..])),
        strengths: strengths.clone(),
    };
    let mut system = |_t: f64, y: &[f64], dy: &mut [f64]| -> Result<(), Infallible> {
        let now = state(y);
        let (df, dg) = (now.pull(&now.f, now.right()), now.pull(now.right(), &now.f));
        let moves = df.iter().chain(dg.iter());
        dy.iter_mut().zip(moves).for_each(|(dy, d)| *dy = rules.rate * d);
        Ok(())
    };
    let y0: Vec<f64> = start.f.iter().chain(start.right().iter()).copied().collect();
    let options = ode::Options {
        absolute: ABSOLUTE * rules.tolerance,
        ..ode::Options::with_tolerance(rules.tolerance)
    };
    let mut states = Vec::with_capacity(times.len());
    let outcome = ode::integrate(&mut system, from, &y0, times, &options, |_, y| states.push(state(y)));
    let stats = outcome.map_err(|error| LawError::Integration { reason: error.to_string() })?;
    curve.work.rhs_calls += stats.rhs_calls;
    curve.work.steps += stats.steps();
    curve.work.rejected_steps += stats.rejected_steps;
    Ok(states)
}
