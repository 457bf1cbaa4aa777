//! Gradient descent on the losses of classes in function space: the logistic loss of one output, softmax of C outputs.
//!
//! Readouts of different outputs are independent, so that the limit kernel of C outputs is T for every output and 0
//! between two of them. With f of one row for each output and s_k the sum over earlier updates of the derivatives of the
//! loss in f (softmax p - 1_y, logistic -y/(1 + e^(y f))), f_k(X) = f_0(X) - (eta/P) s_k T and
//! f_k(x*) = f_0(x*) - (eta/P) s_k T_*^T. The recursion is the exact limit of wide networks at a finite step; for small
//! steps it is the flow df/dt = -g T/P of those derivatives g, t = eta k. Outputs act on each other through p alone. The
//! second derivative of the loss is at most 1/4 (logistic) or 1/2 (softmax), so that the loss falls in every update for
//! eta < 8 P or 4 P / largest eigenvalue; beyond it the loss may rise, while outputs stay finite: they grow by no more
//! than eta times the largest entry of T in an update. Nothing of this is linear in f_0, so that no mean over starts
//! follows: the start is f_0 = 0 of centred networks, or that of one network.

use super::{Faults, LawError, Observable, OnData, countable};
use crate::linalg::{product, product_transpose, symmetric_eigen};
use crate::problem::ntk::{Loss, Ntk, Start, probabilities};
use crate::trajectory::{Curve, End};
use nalgebra::{DMatrix, DVector};

/// In ascending order, where they are asked for.
fn eigenvalues(parsed: &[Observable], kernel: &DMatrix<f64>) -> Result<DVector<f64>, LawError> {
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
        let loss = if problem.loss == Loss::Logistic { "logistic" } else { "softmax" };
        let reason = format!(
            "the mean over starts of the {loss} loss is not closed: set centred = true, or law.start = \"replica\""
        );
        return Err(LawError::Start { reason });
    }
    let points = problem.inputs.points() as f64;
    countable(times, 5e3 + problem.loss.outputs() as f64 * points * (points + 10.0))?;
    let on_data = OnData::new(problem, faults);
    let (labels, test_labels) = (&on_data.data.labels, &on_data.data.test_labels);
    let classes = problem.loss.outputs();
    let (first, first_test) = on_data.outputs(start)?;
    let by_output =
        |list: &DVector<f64>| DMatrix::from_column_slice(classes, list.len() / classes, list.as_slice());
    let (first, first_test) = (by_output(&first), by_output(&first_test));
    let eigenvalues = eigenvalues(parsed, &on_data.kernel)?;
    let rate = problem.learning_rate / labels.len() as f64;
    let mut sum = DMatrix::zeros(classes, labels.len());
    let mut derivatives = vec![0.0; classes];
    let mut f = first.clone();
    let mut curve = Curve::new(names);
    let mut updates = 0;
    for &time in times {
        while updates < time.round() as u64 {
            for ((mut sum, f), y) in sum.column_iter_mut().zip(f.column_iter()).zip(labels) {
                problem.loss.derivative(f.as_slice(), *y, &mut derivatives);
                sum.iter_mut().zip(&derivatives).for_each(|(sum, g)| *sum += g);
            }
            f = &first - product(&sum, &on_data.kernel) * rate;
            updates += 1;
        }
        if f.iter().any(|f| !f.is_finite()) {
            curve.end = End::Diverged { time, reason: "an output is not finite".into() };
            break;
        }
        let test = &first_test - product_transpose(&sum, &on_data.cross) * rate;
        let mean = |f: &DMatrix<f64>, y: &DVector<f64>, of: &dyn Fn(&[f64], f64) -> f64| {
            f.column_iter().zip(y).map(|(f, y)| of(f.as_slice(), *y)).sum::<f64>() / y.len() as f64
        };
        let loss = |f: &[f64], y: f64| problem.loss.value(f, y);
        let error = |f: &[f64], y: f64| problem.loss.misclassified(f, y);
        let read = |observable: &Observable| match *observable {
            Observable::TrainLoss => mean(&f, labels, &loss),
            Observable::TestLoss => mean(&test, test_labels, &loss),
            Observable::TrainError => mean(&f, labels, &error),
            Observable::TestError => mean(&test, test_labels, &error),
            Observable::Test(i, c) => test[(c, i)],
            Observable::Train(i, c) => f[(c, i)],
            Observable::Probability(i, c) => {
                let mut p = vec![0.0; classes];
                probabilities(test.column(i).as_slice(), &mut p);
                p[c]
            }
            Observable::Kernel(i, j) => on_data.kernel[(i, j)],
            Observable::Eigenvalue(i) => eigenvalues[eigenvalues.len() - 1 - i],
            Observable::TestSquared(i) => test[(0, i)] * test[(0, i)],
            // Those of the squared loss, which the parser knows.
            Observable::Residual(_) | Observable::Harmonic(_) => f64::NAN,
            Observable::Drift => 0.0,
        };
        let snapshot: Vec<f64> = parsed.iter().map(read).collect();
        curve.push(time, &snapshot);
    }
    Ok(curve)
}
