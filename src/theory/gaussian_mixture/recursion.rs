//! Square loss with full or i.i.d. batches: second moments close, and nothing is sampled.
//!
//! The residual of a sample is linear, e = r - y = sum_i u_i B_i + sqrt(Delta) h, in two orthonormal variables B: the
//! constant and zeta for two clusters (c = y = 1 without loss of generality, u = (m - 1, sqrt(Delta) m)), zeta and the
//! label noise for a linear teacher (u = (sqrt(Delta) m - 1, -sigma)). With h = omega + sum_s R_w(t, s) g(s), Gaussian
//! omega of covariance C - m m' and g = S e, S of mean b/nu and mean square b/nu^2, independent of the past,
//!
//! w(t+1) = (1 - eta lambda) w - eta sqrt(Delta) (noise of covariance alpha <g g'> + alpha sum_s R_g(t, s) w(s))
//!
//! gives recursions for C, <g g'>, the responses R_w and R_g, and m, all exact: O(T^3) operations, O(T^2) numbers.

use crate::linalg::{Read, multiply};
use crate::problem::gaussian_mixture::{Data, GaussianMixture, Start};
use nalgebra::DMatrix;

/// The law at updates 0 to T.
#[derive(Clone, Debug)]
pub struct Recursion {
    pub m: Vec<f64>,
    /// <(r - y)^2>/2.
    pub loss: Vec<f64>,
    /// Rounding of the loss: the unit of the largest numbers that it is a difference of.
    pub loss_rounding: Vec<f64>,
    /// C(t, t') - m(t) m(t') for t' <= t.
    perpendicular: DMatrix<f64>,
}

impl Recursion {
    /// C(t, t').
    pub fn correlation(&self, t: usize, s: usize) -> f64 {
        self.perpendicular[(t.max(s), t.min(s))] + self.m[t] * self.m[s]
    }
}

/// The law of the square loss for `updates` updates; momentum and temperature are not part of it.
///
/// ```
/// use asymptotica::problem::gaussian_mixture::{Batch, Data, Dynamics, GaussianMixture, Loss, Route};
/// use asymptotica::theory::gaussian_mixture::recursion;
///
/// // alpha = 2, Delta = 1/2, lambda = 0.1, eta = 0.2, R = 0.01, i.i.d. batches of b = 0.3.
/// let problem = GaussianMixture {
///     data: Data::TwoClusters, sample_ratio: 2.0, cluster_variance: 0.5, loss: Loss::Square, ridge: 0.1,
///     learning_rate: 0.2, normalisation: 1.0, initial_variance: 0.01, initial_overlap: 0.0,
///     batch: Batch::Iid { fraction: 0.3 }, momentum: 0.0, temperature: 0.0, dynamics: Dynamics::Steps,
///     correlation_times: vec![], fork_time: None, response: false, route: Route::Recursion,
/// };
/// let law = recursion(&problem, problem.start(), 10);
/// assert!((law.m[10] - 0.492923079644).abs() < 1e-11 && (law.correlation(10, 10) - 0.333018016302).abs() < 1e-11);
/// ```
///
/// # Panics
/// For data or batches that it does not cover, which `GaussianMixture::from_settings` refuses.
pub fn recursion(problem: &GaussianMixture, start: Start, updates: usize) -> Recursion {
    let n = updates + 1;
    let (alpha, eta) = (problem.sample_ratio, problem.learning_rate);
    let root = problem.cluster_variance.sqrt();
    let keep = 1.0 - eta * problem.ridge;
    let first = problem.batch.fraction() / problem.normalisation;
    let second = first / problem.normalisation;
    // u = offset + slope m, and c + sqrt(Delta) zeta = slope.B.
    let (offset, slope) = match problem.data {
        Data::TwoClusters => ([-1.0, 0.0], [1.0, root]),
        Data::LinearTeacher { noise_std } => ([-1.0, -noise_std], [root, 0.0]),
        Data::ThreeClusters { .. } => unreachable!("the door is not linear"),
    };
    let (mut m, mut loss) = (vec![start.overlap], Vec::with_capacity(n));
    let mut loss_rounding = Vec::with_capacity(n);
    let mut a = vec![1.0];
    let mut perpendicular = DMatrix::zeros(n, n);
    let mut gradients = DMatrix::<f64>::zeros(n, n);
    // R_w and R_g, row t over s.
    let mut of_fields = DMatrix::<f64>::zeros(n, n);
    let mut of_gradients = DMatrix::<f64>::zeros(n, n);
    // <g(s) B_i>.
    let mut along = [vec![0.0; n], vec![0.0; n]];
    for t in 0..n {
        let response: Vec<f64> = (0..t).map(|s| of_fields[(t, s)]).collect();
        let memory = memory_row(&response, &gradients, &of_fields, t);
        for s in 0..=t {
            let value = start.variance * a[t] * a[s] + alpha * memory[s];
            perpendicular[(t, s)] = value;
            perpendicular[(s, t)] = value;
        }
        let u = [offset[0] + slope[0] * m[t], offset[1] + slope[1] * m[t]];
        let residual: [f64; 2] = std::array::from_fn(|i| {
            u[i] + root * response.iter().zip(&along[i]).map(|(r, g)| r * g).sum::<f64>()
        });
        // <e(t) g(s)> for s < t: through B, past gradients, and the Gaussian field that g(s) answers to.
        let past: Vec<f64> = (0..t)
            .map(|s| {
                let kept: f64 = (0..t).map(|k| response[k] * gradients[(k, s)]).sum();
                let field: f64 = (0..=s).map(|k| perpendicular[(t, k)] * of_gradients[(s, k)]).sum();
                u[0] * along[0][s] + u[1] * along[1][s] + root * (kept + field)
            })
            .collect();
        // de(t)/domega(s).
        let answers: Vec<f64> = (0..=t)
            .map(|s| {
                let through: f64 = (s..t).map(|k| response[k] * of_gradients[(k, s)]).sum();
                root * (through + if s == t { 1.0 } else { 0.0 })
            })
            .collect();
        let gaussian: f64 = (0..=t).map(|s| perpendicular[(t, s)] * answers[s]).sum();
        let kept: f64 = response.iter().zip(&past).map(|(r, p)| r * p).sum();
        let square = u[0] * residual[0] + u[1] * residual[1] + root * (gaussian + kept);
        loss.push(0.5 * square);
        let sizes: f64 = (0..=t).map(|s| (perpendicular[(t, s)] * answers[s]).abs()).sum::<f64>()
            + response.iter().zip(&past).map(|(r, p)| (r * p).abs()).sum::<f64>();
        let inputs: f64 = u.iter().zip(&residual).map(|(u, r)| (u * r).abs()).sum();
        loss_rounding.push(0.5 * f64::EPSILON * (inputs + root * sizes));
        if t + 1 == n {
            break;
        }
        for s in 0..t {
            gradients[(t, s)] = first * past[s];
            gradients[(s, t)] = gradients[(t, s)];
        }
        gradients[(t, t)] = second * square;
        for i in 0..2 {
            along[i][t] = first * residual[i];
        }
        for s in 0..=t {
            of_gradients[(t, s)] = first * answers[s];
        }
        let weight = -eta * root * alpha;
        for s in 0..t {
            let through: f64 = (s + 1..=t).map(|k| of_gradients[(t, k)] * of_fields[(k, s)]).sum();
            of_fields[(t + 1, s)] = keep * of_fields[(t, s)] + weight * through;
        }
        of_fields[(t + 1, t)] = -eta * root;
        let through: f64 = (0..=t).map(|k| of_gradients[(t, k)] * a[k]).sum();
        a.push(keep * a[t] + weight * through);
        m.push(keep * m[t] - eta * alpha * (slope[0] * along[0][t] + slope[1] * along[1][t]));
    }
    Recursion { m, loss, loss_rounding, perpendicular }
}

/// sum_{k<t, l<s} R_w(t, k) <g_k g_l> R_w(s, l) for all s <= t.
fn memory_row(response: &[f64], gradients: &DMatrix<f64>, of_fields: &DMatrix<f64>, t: usize) -> Vec<f64> {
    if t == 0 {
        return vec![0.0];
    }
    let row = DMatrix::from_row_slice(1, t, response);
    let (inner, kernel) =
        (gradients.view((0, 0), (t, t)).into_owned(), of_fields.view((0, 0), (t + 1, t)).into_owned());
    let mut half = DMatrix::zeros(1, t);
    multiply(&mut half, false, 1.0, (&row, Read::Plain), (&inner, Read::Plain));
    let mut all = DMatrix::zeros(1, t + 1);
    multiply(&mut all, false, 1.0, (&half, Read::Plain), (&kernel, Read::Transposed));
    all.iter().copied().collect()
}
