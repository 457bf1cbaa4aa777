//! Spread and bias of the mixture at finite input dimension, by the linear-noise law of its overlaps.
//!
//! State (R_1..R_C, M_1..M_C, b, Q) as in the equations of [`super`]. A sample of sub-population c has the fields
//! ell = W.z/sqrt d, r_j = W_T^j.z/sqrt d, v_a = mu_a.z/sqrt d of covariance G, the Gram matrix of all vectors, and the
//! error e = y - M_c - b - sqrt(Delta_c) ell. One step moves the overlaps by 1/d times
//!
//! Y_R_j = eta e (S_jc + sqrt(Delta_c) r_j),   Y_M_a = eta e (U_ac + sqrt(Delta_c) v_a),   Y_b = eta_b e,
//!
//! Y_Q = 2 eta e (M_c + sqrt(Delta_c) ell) + eta^2 e^2 x.x/d,
//!
//! x.x/d = Delta_c + (U_cc + 2 sqrt(Delta_c) v_c + Delta_c (z.z - r))/d in the mean, z the r components of the input in the
//! space of all vectors. F is affine but for F_Q, which is quadratic in M and b; G1_Q = eta^2 sum_c rho_c <e^2 (U_cc + 2 sqrt(Delta_c) v_c + Delta_c (z.z - r))>.
//! Moments are integrals over the teacher's field, in panels that end at the label's jump and are as narrow as its
//! transition, and exact for the rest, which enters by polynomials.

use super::coefficients::Coefficients;
use super::equations::with_state;
use super::smooth::Smooth;
use crate::math::special::normal_pdf;
use crate::problem::Definition;
use crate::problem::teacher_mixture::{Init, LabelRule, Overlaps, TeacherMixture};
use crate::theory::linear_noise::jet::Scalar;
use crate::theory::linear_noise::{LinearNoise, Process, State, Weights, read};
use crate::theory::{LawError, LawOptions, QUANTILES, SizeRow};
use crate::trajectory::Curve;
use gauss_quad::{GaussHermite, GaussLegendre};
use nalgebra::{DMatrix, DVector, SymmetricEigen};
use std::f64::consts::{PI, SQRT_2};

/// Nodes of a panel, its largest width, and standard deviations up to which panels reach.
const NODES: usize = 16;
const PANEL: f64 = 4.25;
const REACH: f64 = 8.5;
/// Panels over a transition of the label, and their width in units of the transition: beyond, the label is constant
/// to 1e-18.
const TRANSITION: (i32, f64) = (6, 3.0);

struct Mixture<'a> {
    problem: &'a TeacherMixture,
    start: &'a Overlaps,
    coefficients: Coefficients,
    keep_mean_square: bool,
}

/// One sample of a sub-population at a node.
struct Sample<'a> {
    group: usize,
    weight: f64,
    label: f64,
    /// ell, r_1..r_C, v_1..v_C.
    fields: &'a [f64],
    /// z.z - r.
    excess: f64,
}

impl Mixture<'_> {
    /// Calls `visit` for the nodes of all sub-populations; weights sum to 1.
    fn samples(&self, x: &[f64], visit: &mut dyn FnMut(&Sample)) {
        let groups = self.coefficients.groups();
        let gram = with_state(self.start, x).gram();
        for group in 0..groups {
            self.samples_of(group, &gram, visit);
        }
    }

    fn samples_of(&self, group: usize, gram: &DMatrix<f64>, visit: &mut dyn FnMut(&Sample)) {
        let own = 1 + group;
        let (delta, variance) = (self.coefficients.variance[group], gram[(own, own)]);
        let mean = self.start.s[(group, group)] + self.problem.teacher_bias[group];
        let rule = self.problem.labels[group];
        // The other fields given the teacher's: slope and what is left of their covariance.
        let n = gram.nrows();
        let slope = if variance > 0.0 { gram.column(own) / variance } else { DVector::zeros(n) };
        let rest = gram - &slope * slope.transpose() * variance;
        let eigen = SymmetricEigen::new(rest);
        let smallest = 1e-13 * gram.amax();
        let axes: Vec<DVector<f64>> = (0..n)
            .filter(|&p| eigen.eigenvalues[p] > smallest)
            .map(|p| eigen.eigenvectors.column(p) * eigen.eigenvalues[p].sqrt())
            .collect();
        // Degree four at most in what is left.
        let hermite = GaussHermite::new(3.try_into().expect("several nodes"));
        let points: Vec<(f64, f64)> = hermite.iter().map(|&(x, w)| (SQRT_2 * x, w / PI.sqrt())).collect();
        let rank = axes.len() as f64 + if variance > 0.0 { 1.0 } else { 0.0 };
        let mut fields = DVector::zeros(n);
        for (z, share) in teacher_nodes(mean, delta * variance, rule) {
            let field = z * variance.sqrt();
            let label = rule.value(mean + delta.sqrt() * field);
            for index in 0..points.len().pow(axes.len() as u32) {
                let (mut left, mut weight, mut square) = (index, share, z * z);
                fields.copy_from(&slope);
                fields *= field;
                for axis in &axes {
                    let (x, w) = points[left % points.len()];
                    left /= points.len();
                    weight *= w;
                    square += x * x;
                    fields.axpy(x, axis, 1.0);
                }
                visit(&Sample {
                    group,
                    weight: weight * self.coefficients.probability[group],
                    label,
                    fields: fields.as_slice(),
                    excess: square - rank,
                });
            }
        }
    }

    /// Y at a node, x.x/d at its limit; and the error.
    fn step(&self, x: &[f64], sample: &Sample, out: &mut [f64]) -> f64 {
        let Coefficients { rate, second_order, bias_rate, variance, s, u, .. } = &self.coefficients;
        let (c, groups) = (sample.group, self.coefficients.groups());
        let (m, b) = (&x[groups..2 * groups], x[2 * groups]);
        let root = variance[c].sqrt();
        let (ell, rest) = sample.fields.split_first().expect("a student");
        let (r, v) = rest.split_at(groups);
        let error = sample.label - m[c] - b - root * ell;
        for j in 0..groups {
            out[j] = rate * error * (s[(j, c)] + root * r[j]);
            out[groups + j] = rate * error * (u[(j, c)] + root * v[j]);
        }
        out[2 * groups] = bias_rate * error;
        out[2 * groups + 1] =
            2.0 * rate * error * (m[c] + root * ell) + second_order * error * error * variance[c];
        error
    }
}

/// Standard normal nodes and weights of the teacher's field, on both sides of the jump of a sign or across the
/// transition of an error function, which is one unit of the field wide.
fn teacher_nodes(mean: f64, variance: f64, rule: LabelRule) -> Vec<(f64, f64)> {
    if variance == 0.0 {
        return vec![(0.0, 1.0)];
    }
    let (centre, width) = (-mean / variance.sqrt(), 1.0 / variance.sqrt());
    let (panels, wide) = TRANSITION;
    let mut ends = match rule {
        LabelRule::Sign => vec![centre],
        LabelRule::Linear => Vec::new(),
        LabelRule::Erf => {
            (0..=panels).map(|k| centre + wide * width * (f64::from(k) - 0.5 * f64::from(panels))).collect()
        }
    };
    ends.retain(|end| end.abs() < REACH);
    ends.extend([-REACH, REACH]);
    ends.sort_by(f64::total_cmp);
    let legendre = GaussLegendre::new(NODES.try_into().expect("several nodes"));
    let mut nodes = Vec::new();
    for pair in ends.windows(2) {
        let count = ((pair[1] - pair[0]) / PANEL).ceil();
        let half = 0.5 * (pair[1] - pair[0]) / count;
        for panel in 0..count as usize {
            let middle = pair[0] + half * (2.0 * panel as f64 + 1.0);
            for &(x, w) in legendre.iter() {
                let z = middle + half * x;
                nodes.push((z, half * w * normal_pdf(z)));
            }
        }
    }
    nodes
}

impl Process for Mixture<'_> {
    fn dimension(&self) -> usize {
        2 * self.coefficients.groups() + 2
    }

    fn drift<S: Scalar>(&self, x: &[S], out: &mut [S]) {
        let Coefficients { rate, second_order, bias_rate, probability, variance, labels, t, s, u } =
            &self.coefficients;
        let groups = probability.len();
        let (r, m, b, q) = (&x[..groups], &x[groups..2 * groups], x[2 * groups], x[2 * groups + 1]);
        out.fill(S::constant(0.0));
        for c in 0..groups {
            let (rho, delta, label) = (probability[c], variance[c], labels[c]);
            let mean = m[c] + b;
            let miss = -mean + label.mean;
            for j in 0..groups {
                let teacher = miss * s[(j, c)] + (-r[j] + t[(c, j)] * label.slope) * delta;
                out[j] = out[j] + teacher * (rate * rho);
                let cluster = miss * u[(j, c)] + (-m[j] + s[(c, j)] * label.slope) * delta;
                out[groups + j] = out[groups + j] + cluster * (rate * rho);
            }
            out[2 * groups] = out[2 * groups] + miss * (bias_rate * rho);
            let twice_loss = mean * mean + q * delta + label.square
                - (mean * label.mean + r[c] * (delta * label.slope)) * 2.0;
            let growth = (m[c] * miss + (r[c] * label.slope - q) * delta) * (2.0 * rate * rho);
            out[2 * groups + 1] = out[2 * groups + 1] + growth + twice_loss * (second_order * rho * delta);
        }
    }

    fn correction(&self, x: &[f64], out: &mut [f64]) {
        let groups = self.coefficients.groups();
        let mut step = vec![0.0; self.dimension()];
        let mut sum = 0.0;
        self.samples(x, &mut |sample| {
            let error = self.step(x, sample, &mut step);
            let (c, delta) = (sample.group, self.coefficients.variance[sample.group]);
            let v = sample.fields[1 + groups + c];
            let length = self.coefficients.u[(c, c)] + 2.0 * delta.sqrt() * v + delta * sample.excess;
            sum += sample.weight * error * error * length;
        });
        out.fill(0.0);
        out[2 * groups + 1] = self.coefficients.second_order * sum;
    }

    fn noise(&self, x: &[f64], out: &mut DMatrix<f64>) {
        let n = self.dimension();
        let mut step = vec![0.0; n];
        out.fill(0.0);
        self.samples(x, &mut |sample| {
            self.step(x, sample, &mut step);
            for p in 0..n {
                for q in p..n {
                    out[(p, q)] += sample.weight * step[p] * step[q];
                }
            }
        });
        self.drift(x, &mut step);
        for p in 0..n {
            for q in p..n {
                let square = if self.keep_mean_square { 0.0 } else { step[p] * step[q] };
                out[(p, q)] -= square;
                out[(q, p)] = out[(p, q)];
            }
        }
    }
}

/// The smallest squared length of a teacher, a mean or the student, of those that have one: overlaps are as small, their
/// variances as its square.
fn smallest(start: &Overlaps) -> f64 {
    let (teachers, means) = (start.t.diagonal(), start.u.diagonal());
    let lengths = teachers.iter().chain(&means).copied().chain([start.q]);
    lengths.filter(|&length| length > 0.0).fold(1.0, f64::min)
}

/// Mean, standard deviation and quantiles of `observables` at size `size`; see [`crate::theory::at_size`].
///
/// # Errors
/// [`LawError`]; observables that have no derivative at some time, as classification errors of a student of length 0.
pub fn at_size(
    problem: &TeacherMixture,
    size: usize,
    times: &[f64],
    observables: &[String],
    options: &LawOptions,
) -> Result<Curve, LawError> {
    let clock = std::time::Instant::now();
    if let Some(reason) = problem.finite_size_uncovered() {
        return Err(LawError::Uncovered { reason });
    }
    let readings = super::parse(problem, observables)?;
    let start = problem.limit_start();
    let coefficients = Coefficients::new(problem, &start, &options.faults)?;
    let keep_mean_square = options.faults.iter().any(|fault| fault == "drop=mean-square");
    let process = Mixture { problem, start: &start, coefficients, keep_mean_square };
    let groups = problem.groups();
    let n = process.dimension();
    let mean: Vec<f64> = start.r.iter().chain(&start.m).chain([&start.b, &start.q]).copied().collect();
    let mut covariance = DMatrix::zeros(n, n);
    if let Init::Random { std } = problem.init {
        // W = std z: d Var of W.a/d is std^2 a.a/d, that of |W|^2/d is 2 std^4.
        let gram = start.fixed_gram() * (std * std);
        covariance.view_mut((0, 0), (2 * groups, 2 * groups)).copy_from(&gram);
        covariance[(n - 1, n - 1)] = 2.0 * std.powi(4);
    }
    let state = State { mean, covariance, bias: vec![0.0; n] };
    let mut law =
        LinearNoise::new(&process, Weights::planted(&options.faults)).resolve(smallest(&start).powi(2));
    let smooth = Smooth::new(problem, &start);
    let states = law
        .follow(0.0, &state, times, options.tolerance.max(1e-9))
        .map_err(|error| LawError::Integration { reason: error.to_string() })?;
    let names: Vec<String> = observables.iter().flat_map(|name| SizeRow::names(name)).collect();
    let mut curve = Curve::new(&names);
    let d = size as f64;
    for (&time, state) in times.iter().zip(&states) {
        let mut snapshot = Vec::with_capacity(names.len());
        for (reading, name) in readings.iter().zip(observables) {
            let law = read(state, 1.0, |x| smooth.value(*reading, x)).complete();
            if !(law.value.is_finite() && law.variance.is_finite() && law.shift.is_finite()) {
                let reason = format!("{name} has no derivative at t = {time}: choose later times");
                return Err(LawError::Integration { reason });
            }
            snapshot.extend([law.mean(d), law.std(d)]);
            snapshot.extend(QUANTILES.iter().map(|&z| law.quantile(d, z)));
        }
        curve.push(time, &snapshot);
    }
    curve.work.seconds = clock.elapsed().as_secs_f64();
    Ok(curve)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::dmatrix;

    /// The mean of the nodes is the drift that the law's closed forms give, for all label rules, also where they are steep
    /// or turn in a tail.
    #[test]
    fn mean_of_the_samples_is_the_drift() {
        use LabelRule::{Erf, Linear, Sign};
        let plain = [0.2, -0.3];
        let cases = [(Sign, 1.0, plain), (Linear, 1.0, plain), (Erf, 1.0, plain)];
        for (rule, norm, bias) in cases.into_iter().chain([
            (Erf, 100.0, [10.0, -10.0]),
            (Erf, 1e4, plain),
            (Sign, 1.0, [7.0, -40.0]),
        ]) {
            let problem = TeacherMixture {
                probability: vec![0.7, 0.3],
                variance: vec![0.5, 1.3],
                teachers: dmatrix![1.0, 0.4; 0.4, 1.2] * norm,
                alignments: dmatrix![0.3, -0.2; 0.1, 0.4],
                means: dmatrix![0.8, -0.1; -0.1, 0.6],
                teacher_bias: bias.to_vec(),
                labels: vec![rule; 2],
                learning_rate: 0.4,
                bias_rate: 0.3,
                init: Init::Given {
                    q: 0.9,
                    r: DVector::from_vec(vec![0.3, 0.2]),
                    m: DVector::from_vec(vec![0.1, -0.2]),
                },
                student_bias: 0.15,
            };
            let start = problem.limit_start();
            let coefficients = Coefficients::new(&problem, &start, &[]).expect("no faults");
            let process = Mixture { problem: &problem, start: &start, coefficients, keep_mean_square: false };
            let x = [0.3, 0.2, 0.1, -0.2, 0.15, 0.9];
            let (mut drift, mut step, mut mean) = ([0.0; 6], [0.0; 6], [0.0; 6]);
            process.drift(&x, &mut drift);
            let mut total = 0.0;
            process.samples(&x, &mut |sample| {
                process.step(&x, sample, &mut step);
                total += sample.weight;
                mean.iter_mut().zip(&step).for_each(|(m, y)| *m += sample.weight * y);
            });
            assert!((total - 1.0).abs() < 1e-12, "{total}");
            let scale = drift.iter().fold(1.0, |top: f64, f| top.max(f.abs()));
            for (a, b) in mean.iter().zip(&drift) {
                assert!((a - b).abs() < 1e-11 * scale, "{rule:?}: {mean:?} for {drift:?}");
            }
        }
    }
}
