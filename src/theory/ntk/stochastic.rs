//! Mini-batches in the limit of infinite width: the mean is that of gradient descent, second moments have an exact
//! recursion at any step.
//!
//! With r = f(X) - y, one update on b of P points moves r by -eta T D r and f(x*) by -eta T_* D r, D diagonal with 1/b at
//! the points of the batch. Batches are independent of r, <D_ii D_ii> = 1/(P b) and <D_ii D_jj> = (b - 1)/(b P (P - 1)), so
//! that G = <D r r^T D> and
//!
//! <r r^T> -> <r r^T> - (eta/P) (T <r r^T> + <r r^T> T) + eta^2 T G T,
//! <f_* r^T> -> <f_* r^T> - (eta/P) (T_* <r r^T> + <f_* r^T> T) + eta^2 T_* G T,
//! <f_*^2> -> <f_*^2> - 2 (eta/P) T_* <r f_*> + eta^2 T_* G T_*^T.
//!
//! Starts enter through the moments at time 0. Finite networks follow this up to 1/width, as they follow gradient descent.

use super::{Faults, Law, LawError, Observable, OnData, countable};
use crate::linalg::{Read, multiply};
use crate::problem::ntk::{Ntk, Start};
use crate::trajectory::{Curve, End};
use nalgebra::{DMatrix, DVector};

/// Second moments of the residuals and test outputs, averaged over batches and starts.
struct Moments {
    /// <r r^T>, P x P.
    train: DMatrix<f64>,
    /// <f_* r^T>, tests x P.
    cross: DMatrix<f64>,
    /// <f_*^2>.
    test: DVector<f64>,
}

/// The recursion, with room for its products.
struct Recursion {
    on_data: OnData,
    /// eta/P, and eta^2 times the averages over two different points and over one.
    rate: f64,
    pair: f64,
    own: f64,
    g: DMatrix<f64>,
    of_train: DMatrix<f64>,
    of_test: DMatrix<f64>,
}

fn plain(m: &DMatrix<f64>) -> (&DMatrix<f64>, Read) {
    (m, Read::Plain)
}

impl Recursion {
    fn new(problem: &Ntk, on_data: OnData, batch: usize) -> Self {
        let (points, tests) = (on_data.data.labels.len(), on_data.data.test_labels.len());
        let (p, b, eta) = (points as f64, batch as f64, problem.learning_rate);
        Self {
            rate: eta / p,
            pair: eta * eta * (b - 1.0) / (b * p * (p - 1.0)),
            own: eta * eta / (p * b),
            g: DMatrix::zeros(points, points),
            of_train: DMatrix::zeros(points, points),
            of_test: DMatrix::zeros(tests, points),
            on_data,
        }
    }

    fn update(&mut self, moments: &mut Moments) {
        let Self { on_data, rate, pair, own, g, of_train, of_test } = self;
        g.copy_from(&moments.train);
        *g *= *pair;
        for i in 0..g.nrows() {
            g[(i, i)] = *own * moments.train[(i, i)];
        }
        // The tests first: they need the moments before the update. T_* G and T_* <r r^T> share one product each.
        multiply(of_test, false, 1.0, plain(&on_data.cross), plain(g));
        for i in 0..moments.test.len() {
            let row = on_data.cross.row(i);
            moments.test[i] += of_test.row(i).dot(&row) - 2.0 * *rate * moments.cross.row(i).dot(&row);
        }
        // <f_* r^T> - (rate <f_* r^T> - T_* G) T - rate T_* <r r^T>.
        of_test.zip_apply(&moments.cross, |a, b| *a -= *rate * b);
        multiply(&mut moments.cross, true, 1.0, plain(of_test), plain(&on_data.kernel));
        multiply(&mut moments.cross, true, -*rate, plain(&on_data.cross), plain(&moments.train));
        // A = T G - rate <r r^T>; the change is A T - rate T <r r^T>.
        multiply(of_train, false, 1.0, plain(&on_data.kernel), plain(g));
        of_train.zip_apply(&moments.train, |a, b| *a -= *rate * b);
        g.copy_from(&moments.train);
        multiply(&mut moments.train, true, 1.0, plain(of_train), plain(&on_data.kernel));
        multiply(&mut moments.train, true, -*rate, plain(&on_data.kernel), plain(g));
    }
}

/// Multiplications of one update, and some for what does not shrink with the kernel.
fn products(problem: &Ntk) -> f64 {
    let (p, tests) = (problem.inputs.points() as f64, problem.inputs.tests() as f64);
    5e3 + 3.0 * p * p * (p + tests)
}

pub(super) fn integrate(
    problem: &Ntk,
    start: &Start,
    times: &[f64],
    parsed: &[Observable],
    names: &[String],
    faults: Faults,
) -> Result<Curve, LawError> {
    countable(times, products(problem))?;
    let mean = Law::new(problem, start, faults)?;
    for observable in parsed {
        if let Observable::Residual(i) = observable {
            mean.component(*i)?;
        }
    }
    let on_data = OnData::new(problem, faults);
    let batch = problem.batch.unwrap_or(on_data.data.labels.len());
    let (f, f_test) = on_data.outputs(start)?;
    let r = f - &on_data.data.labels;
    let mut moments =
        Moments { train: &r * r.transpose(), cross: &f_test * r.transpose(), test: f_test.map(|f| f * f) };
    if *start == Start::Ensemble && !problem.centred && !faults.variance {
        let scale = problem.output_scale * problem.output_scale;
        moments.train += &on_data.starts * scale;
        moments.cross += &on_data.starts_cross * scale;
        let own = on_data.limit.variances(&on_data.data.tests);
        moments.test.iter_mut().zip(own).for_each(|(m, v)| *m += v * scale);
    }
    let first = moments.train.trace();
    let targets = on_data.data.test_labels.clone();
    let mut recursion = Recursion::new(problem, on_data, batch);
    let mut curve = Curve::new(names);
    let mut updates = 0;
    for &time in times {
        while updates < time.round() as u64 {
            recursion.update(&mut moments);
            updates += 1;
        }
        let trace = moments.train.trace();
        let now = mean
            .at(time.round())
            .filter(|_| trace.is_finite() && trace < super::DIVERGED * super::DIVERGED * first);
        let Some(now) = now else {
            curve.end = End::Diverged {
                time,
                reason: "second moments under mini-batches grow: the learning rate is unstable".into(),
            };
            break;
        };
        let read = |observable: &Observable| match *observable {
            Observable::TrainLoss => 0.5 * trace / moments.train.nrows() as f64,
            Observable::TestLoss => {
                let term =
                    |i: usize| moments.test[i] - 2.0 * targets[i] * now.test[i] + targets[i] * targets[i];
                0.5 * (0..targets.len()).map(term).sum::<f64>() / targets.len() as f64
            }
            Observable::TestSquared(i) => moments.test[i],
            other => mean.read(problem, &now, other),
        };
        let snapshot: Vec<f64> = parsed.iter().map(read).collect();
        curve.push(time, &snapshot);
    }
    Ok(curve)
}
