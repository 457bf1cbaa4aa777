//! Gradient descent on the population at a stated step: the limit of infinitely many measurements.

use super::reduced::Reduced;

/// One update of both factors.
pub(super) fn next(state: &Reduced, step: f64) -> Reduced {
    let f = &state.f + step * state.pull(&state.f, state.right());
    let g = state.g.as_ref().map(|g| g + step * state.pull(g, &state.f));
    Reduced { f, g, strengths: state.strengths.clone() }
}

pub(super) fn follow(start: &Reduced, from: f64, times: &[f64], step: f64, rate: f64) -> Vec<Reduced> {
    let mut state = start.clone();
    let mut done = (from / step).round() as u64;
    let mut states = Vec::with_capacity(times.len());
    for &time in times {
        let wanted = (time / step).round() as u64;
        while done < wanted {
            state = next(&state, rate * step);
            done += 1;
        }
        states.push(state.clone());
    }
    states
}
