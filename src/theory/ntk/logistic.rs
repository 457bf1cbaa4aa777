//! Gradient descent on the logistic loss in function space.
//!
//! f_k(X) = f_0(X) - (eta/P) T s_k and f_k(x*) = f_0(x*) - (eta/P) T_* s_k with s_k = sum over earlier updates of the
//! derivatives g_i = -y_i/(1 + e^(y_i f_i)) of the loss. The recursion is the exact limit of wide networks at a finite
//! step; for small steps it is the flow df/dt = -T g/P, t = eta k. It is not linear in f_0, so that no mean over starts
//! follows from it: the start is f_0 = 0 of centred networks, or that of one network.

use super::{Faults, LawError, Observable, OnData};
use crate::linalg::{apply, symmetric_eigen};
use crate::problem::ntk::{Loss, Ntk, Start};
use crate::trajectory::{Curve, End};
use nalgebra::{DMatrix, DVector};

/// In ascending order, where they are asked for.
pub(super) fn eigenvalues(parsed: &[Observable], kernel: &DMatrix<f64>) -> Result<DVector<f64>, LawError> {
    if !parsed.iter().any(|o| matches!(o, Observable::Eigenvalue(_))) {
        return Ok(DVector::zeros(0));
    }
    symmetric_eigen(kernel)
        .map(|eigen| eigen.values)
        .map_err(|error| LawError::Integration { reason: error.to_string() })
}

pub(super) fn integrate(
    problem: &Ntk,
    start: &Start,
    times: &[f64],
    parsed: &[Observable],
    names: &[String],
    faults: Faults,
) -> Result<Curve, LawError> {
    if *start == Start::Ensemble && !problem.centred {
        let reason = "the mean over starts of the logistic loss is not closed: set centred = true, or law.start = \
                      \"replica\"";
        return Err(LawError::Start { reason: reason.into() });
    }
    let on_data = OnData::new(problem, faults);
    let (first, first_test) = on_data.outputs(start)?;
    let labels = &on_data.data.labels;
    let eigenvalues = eigenvalues(parsed, &on_data.kernel)?;
    let rate = problem.learning_rate / labels.len() as f64;
    let mut sum = DVector::zeros(labels.len());
    let mut f = first.clone();
    let mut curve = Curve::new(names);
    let mut updates = 0;
    let mut derivative = [0.0];
    for &time in times {
        while updates < time.round() as u64 {
            for ((sum, f), y) in sum.iter_mut().zip(&f).zip(labels) {
                Loss::Logistic.derivative(&[*f], *y, &mut derivative);
                *sum += derivative[0];
            }
            f = &first - apply(&on_data.kernel, &sum) * rate;
            updates += 1;
        }
        let test = &first_test - apply(&on_data.cross, &sum) * rate;
        let mean = |f: &DVector<f64>, y: &DVector<f64>| {
            f.iter().zip(y).map(|(f, y)| Loss::Logistic.value(&[*f], *y)).sum::<f64>() / y.len() as f64
        };
        let read = |observable: &Observable| match *observable {
            Observable::TrainLoss => mean(&f, labels),
            Observable::TestLoss => mean(&test, &on_data.data.test_labels),
            Observable::Test(i, _) => test[i],
            Observable::TestSquared(i) => test[i] * test[i],
            Observable::Train(i, _) => f[i],
            Observable::Kernel(i, j) => on_data.kernel[(i, j)],
            Observable::Eigenvalue(i) => eigenvalues[eigenvalues.len() - 1 - i],
            // The parts along components are those of the squared loss alone, and those of classes of the softmax loss,
            // which the parser knows.
            Observable::Residual(_)
            | Observable::Harmonic(_)
            | Observable::TrainError
            | Observable::TestError
            | Observable::Probability(..) => f64::NAN,
            Observable::Drift => 0.0,
        };
        let snapshot: Vec<f64> = parsed.iter().map(read).collect();
        if f.iter().any(|f| !f.is_finite()) {
            curve.end = End::Diverged { time, reason: "an output is not finite".into() };
            break;
        }
        curve.push(time, &snapshot);
    }
    Ok(curve)
}
