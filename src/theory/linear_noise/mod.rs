//! The linear-noise law of a process with small steps: variance and bias of its state at finite size.
//!
//! A state moves by Y/d at each of d steps per unit of time, with exact mean E Y = F(X) + G1(X)/d. Then
//!
//! X_d(t) = X(t) + d^(-1/2) xi(t) + d^(-1) b(t) + O(d^(-3/2)),   X' = F(X),
//!
//! Sigma' = J Sigma + Sigma J^T + D(X),   D = <Y Y^T> - F F^T,   J = dF/dX,
//!
//! b' = J b + 1/2 H:Sigma + G1(X) - 1/2 J F,   (H:Sigma)_a = sum_bc Sigma_bc d^2 F_a / dX_b dX_c,
//!
//! with xi Gaussian of covariance Sigma. -F F^T and -1/2 J F are there because the number of steps is no random
//! number. Derivatives are exact: F is evaluated on numbers that carry them, along the eigenvectors of Sigma.

pub(crate) mod family;
pub mod jet;
pub(crate) mod redrawn;
pub(crate) mod route;
pub(crate) mod starts;

use crate::ode::{self, OdeError};
use jet::{Jet, Scalar};
use nalgebra::{DMatrix, DVector, SymmetricEigen};
use std::convert::Infallible;

/// A process whose steps are of order 1/d.
pub trait Process: Sync {
    fn dimension(&self) -> usize;
    /// F(x).
    fn drift<S: Scalar>(&self, x: &[S], out: &mut [S]);
    /// G1(x).
    fn correction(&self, x: &[f64], out: &mut [f64]);
    /// D(x).
    fn noise(&self, x: &[f64], out: &mut DMatrix<f64>);
    /// A squared distance of the states over which the drift changes: noise as wide as that is no longer linear.
    fn extent(&self, x: &[f64]) -> f64 {
        x.iter().map(|x| x * x).sum()
    }
}

/// Terms of the law that a planted fault leaves out or bends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weights {
    /// Of 1/2 H:Sigma.
    pub curvature: f64,
    /// Of G1.
    pub correction: f64,
    /// Of -1/2 J F.
    pub clock: f64,
}

impl Default for Weights {
    fn default() -> Self {
        Self { curvature: 1.0, correction: 1.0, clock: 1.0 }
    }
}

impl Weights {
    /// The faults `drop=clock`, `drop=correction`, `drop=curvature` and `double=curvature`; others are none of this law.
    pub fn planted(faults: &[String]) -> Self {
        let has = |name: &str| faults.iter().any(|fault| fault == name);
        let weight = |name: &str| if has(name) { 0.0 } else { 1.0 };
        Self {
            curvature: if has("double=curvature") { 2.0 } else { weight("drop=curvature") },
            correction: weight("drop=correction"),
            clock: weight("drop=clock"),
        }
    }
}

/// X, Sigma and b at one time.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    pub mean: Vec<f64>,
    pub covariance: DMatrix<f64>,
    pub bias: Vec<f64>,
}

impl State {
    /// One list of numbers: X, the upper triangle of Sigma row by row, b.
    pub fn pack(&self) -> Vec<f64> {
        let n = self.mean.len();
        let mut y = self.mean.clone();
        for p in 0..n {
            y.extend((p..n).map(|q| self.covariance[(p, q)]));
        }
        y.extend_from_slice(&self.bias);
        y
    }

    pub fn unpack(y: &[f64], n: usize) -> Self {
        let mut covariance = DMatrix::zeros(n, n);
        let mut triangle = y[n..].iter();
        for p in 0..n {
            for q in p..n {
                let &value = triangle.next().expect("a packed state");
                covariance[(p, q)] = value;
                covariance[(q, p)] = value;
            }
        }
        Self { mean: y[..n].to_vec(), covariance, bias: y[y.len() - n..].to_vec() }
    }
}

/// Directions side by side.
pub const LANES: usize = 8;

/// The right-hand side of (X, Sigma, b) as one system.
pub struct LinearNoise<'a, P> {
    process: &'a P,
    weights: Weights,
    /// Orthonormal directions that noise does not enter.
    silenced: Vec<DVector<f64>>,
    noise: DMatrix<f64>,
    /// Size of the numbers that matter, at most 1: the absolute tolerance is this much finer than the relative one.
    resolution: f64,
}

impl<'a, P: Process> LinearNoise<'a, P> {
    pub fn new(process: &'a P, weights: Weights) -> Self {
        let n = process.dimension();
        Self { process, weights, silenced: Vec::new(), noise: DMatrix::zeros(n, n), resolution: 1.0 }
    }

    /// Leaves the noise along these orthonormal directions out of D.
    pub fn silence(mut self, directions: &[DVector<f64>]) -> Self {
        self.silenced = directions.to_vec();
        self
    }

    /// Follows numbers down to `size`, where that is below 1.
    pub fn resolve(mut self, size: f64) -> Self {
        self.resolution = size.min(1.0);
        self
    }

    /// The directional derivatives J w and half of w^T H w along each column of `directions`.
    fn derivatives(&self, x: &[f64], directions: &DMatrix<f64>) -> (DMatrix<f64>, DMatrix<f64>) {
        let n = x.len();
        let count = directions.ncols();
        let mut first = DMatrix::zeros(n, count);
        let mut second = DMatrix::zeros(n, count);
        let mut input = vec![Jet::<LANES>::constant(0.0); n];
        let mut output = input.clone();
        for start in (0..count).step_by(LANES) {
            let used = LANES.min(count - start);
            for (p, jet) in input.iter_mut().enumerate() {
                *jet = Jet::constant(x[p]);
                for w in 0..used {
                    jet.first[w] = directions[(p, start + w)];
                }
            }
            self.process.drift(&input, &mut output);
            for (p, jet) in output.iter().enumerate() {
                for w in 0..used {
                    first[(p, start + w)] = jet.first[w];
                    second[(p, start + w)] = jet.second[w];
                }
            }
        }
        (first, second)
    }

    /// J at `x`.
    pub fn jacobian(&self, x: &[f64]) -> DMatrix<f64> {
        self.derivatives(x, &DMatrix::identity(x.len(), x.len())).0
    }

    /// D at `x`, silenced directions taken out.
    pub fn noise(&mut self, x: &[f64]) -> &DMatrix<f64> {
        self.process.noise(x, &mut self.noise);
        silence(&mut self.noise, &self.silenced);
        &self.noise
    }

    /// X, Sigma and b at `times` from `start` at time `from`.
    ///
    /// # Errors
    /// Where the integrator cannot go on.
    pub fn follow(
        &mut self,
        from: f64,
        start: &State,
        times: &[f64],
        tolerance: f64,
    ) -> Result<Vec<State>, OdeError<Infallible>> {
        let n = self.process.dimension();
        let mut states = Vec::with_capacity(times.len());
        let absolute = tolerance * self.resolution;
        ode::integrate(
            &mut |_: f64, y: &[f64], dy: &mut [f64]| -> Result<(), Infallible> {
                self.rhs(y, dy);
                Ok(())
            },
            from,
            &start.pack(),
            times,
            &ode::Options {
                method: ode::Method::Explicit,
                absolute,
                ..ode::Options::with_tolerance(tolerance)
            },
            |_, y| states.push(State::unpack(y, n)),
        )?;
        Ok(states)
    }

    /// The right-hand side of the packed system.
    fn rhs(&mut self, y: &[f64], dy: &mut [f64]) {
        let n = self.process.dimension();
        let state = State::unpack(y, n);
        let x = &state.mean;
        let mut drift = vec![0.0; n];
        self.process.drift(x, &mut drift);
        let eigen = SymmetricEigen::new(state.covariance.clone());
        let scale = eigen.eigenvalues.amax() * 1e-14;
        let active: Vec<usize> = (0..n).filter(|&p| eigen.eigenvalues[p].abs() > scale).collect();
        let mut directions = DMatrix::zeros(n, active.len() + 1);
        for (w, &p) in active.iter().enumerate() {
            directions.set_column(w, &eigen.eigenvectors.column(p));
        }
        for p in 0..n {
            directions[(p, active.len())] = state.bias[p] - 0.5 * self.weights.clock * drift[p];
        }
        let (first, second) = self.derivatives(x, &directions);
        let mut correction = vec![0.0; n];
        self.process.correction(x, &mut correction);
        // J Sigma = sum_p l_p (J e_p) e_p^T, 1/2 H:Sigma = sum_p l_p (1/2 e_p^T H e_p).
        let mut spread = DMatrix::zeros(n, n);
        let mut bias: Vec<f64> =
            (0..n).map(|p| first[(p, active.len())] + self.weights.correction * correction[p]).collect();
        for (w, &p) in active.iter().enumerate() {
            let l = eigen.eigenvalues[p];
            spread.ger(l, &first.column(w), &eigen.eigenvectors.column(p), 1.0);
            for (bias, second) in bias.iter_mut().zip(second.column(w).iter()) {
                *bias += self.weights.curvature * l * second;
            }
        }
        let noise = self.noise(x);
        dy[..n].copy_from_slice(&drift);
        let mut position = n;
        for p in 0..n {
            for q in p..n {
                dy[position] = spread[(p, q)] + spread[(q, p)] + noise[(p, q)];
                position += 1;
            }
        }
        dy[position..].copy_from_slice(&bias);
    }
}

/// (1 - U U^T) A (1 - U U^T) for a symmetric A and orthonormal columns U.
pub fn silence(a: &mut DMatrix<f64>, directions: &[DVector<f64>]) {
    for u in directions {
        let au = &*a * u;
        let uau = u.dot(&au);
        *a += u * u.transpose() * uau - &au * u.transpose() - u * au.transpose();
    }
}

/// What the law says of a smooth reading h of the state.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// h(X).
    pub value: f64,
    /// d Var h -> grad h . Sigma . grad h.
    pub variance: f64,
    /// d (E h - h(X)) -> grad h . b + `hessian_weight` 1/2 Hess h : Sigma.
    pub shift: f64,
    /// d^2 times the third cumulant of grad h . xi / sqrt d + Hess h : xi xi / (2 d).
    pub third: f64,
    /// Sum of the moduli of what the variance is made of.
    scale: f64,
}

/// Reads `h`, which is evaluated on numbers with derivatives. `hessian_weight` is 1 but for a planted fault.
/// [`Reading::complete`] refuses a negative variance. An exact state, with nothing to differentiate along, has the value of
/// any `h`, also where that has no derivatives.
pub fn read(state: &State, hessian_weight: f64, h: impl Fn(&[Jet<LANES>]) -> Jet<LANES>) -> Reading {
    let frame = Frame::new(state);
    let mut input = vec![Jet::<LANES>::constant(0.0); state.mean.len()];
    let mut along = Derivatives::default();
    for block in frame.directions.chunks(LANES) {
        for (p, jet) in input.iter_mut().enumerate() {
            *jet = Jet::constant(state.mean[p]);
            for (w, direction) in block.iter().enumerate() {
                jet.first[w] = direction[p];
            }
        }
        let jet = h(&input);
        along.value = jet.value;
        for (w, direction) in block.iter().enumerate() {
            let still = direction.iter().all(|&x| x == 0.0);
            along.first.push(if still { 0.0 } else { jet.first[w] });
            along.second.push(if still { 0.0 } else { jet.second[w] });
        }
    }
    frame.reading(&along, hessian_weight)
}

/// Directions along which a reading is differentiated: the axes of Sigma, the bias, and sums of pairs of axes.
struct Frame {
    spread: Vec<f64>,
    directions: Vec<DVector<f64>>,
}

/// A reading and its derivatives along the directions of a frame; `second` is half the second derivative.
#[derive(Default)]
struct Derivatives {
    value: f64,
    first: Vec<f64>,
    second: Vec<f64>,
}

impl Frame {
    fn new(state: &State) -> Self {
        let eigen = SymmetricEigen::new(state.covariance.clone());
        let top = eigen.eigenvalues.amax();
        let active: Vec<usize> =
            (0..state.mean.len()).filter(|&p| eigen.eigenvalues[p].abs() > 1e-14 * top).collect();
        let mut directions: Vec<DVector<f64>> =
            active.iter().map(|&p| eigen.eigenvectors.column(p).into_owned()).collect();
        directions.push(DVector::from_column_slice(&state.bias));
        for p in 0..active.len() {
            for q in p + 1..active.len() {
                directions.push(&directions[p] + &directions[q]);
            }
        }
        Self { spread: active.iter().map(|&p| eigen.eigenvalues[p]).collect(), directions }
    }

    fn reading(&self, along: &Derivatives, hessian_weight: f64) -> Reading {
        let Self { spread, .. } = self;
        let Derivatives { value, first, second } = along;
        let count = spread.len();
        let mut reading =
            Reading { value: *value, variance: 0.0, shift: first[count], third: 0.0, scale: 0.0 };
        for p in 0..count {
            reading.variance += spread[p] * first[p] * first[p];
            reading.scale += spread[p].abs() * first[p] * first[p];
            reading.shift += hessian_weight * spread[p] * second[p];
            // H_pp = 2 second, H_pq from the sum of both directions.
            reading.third += 3.0 * (spread[p] * first[p]).powi(2) * 2.0 * second[p];
        }
        let mut pair = count + 1;
        for p in 0..count {
            for q in p + 1..count {
                let mixed = second[pair] - second[p] - second[q];
                reading.third += 6.0 * spread[p] * first[p] * spread[q] * first[q] * mixed;
                pair += 1;
            }
        }
        reading
    }
}

impl Reading {
    /// The reading of a whole law. Rounding of a vanishing variance is none; a variance that is truly negative is the
    /// mark of a wrong equation and becomes no number, which the laws refuse.
    pub fn complete(self) -> Self {
        let rounding = -1e-9 * self.scale.max(1e-6);
        let variance = match self.variance {
            v if v >= 0.0 => v,
            v if v > rounding => 0.0,
            _ => f64::NAN,
        };
        Self { variance, ..self }
    }

    /// Mean of h at size d.
    pub fn mean(&self, d: f64) -> f64 {
        self.value + self.shift / d
    }

    /// Standard deviation of h at size d.
    pub fn std(&self, d: f64) -> f64 {
        (self.variance / d).sqrt()
    }

    /// The quantile of h at size d whose standard normal deviate is `z`, skewness included (Cornish & Fisher).
    pub fn quantile(&self, d: f64, z: f64) -> f64 {
        let std = self.std(d);
        if std == 0.0 {
            return self.mean(d);
        }
        let skewness = self.third / (d * d) / (std * std * std);
        self.mean(d) + std * (z + skewness / 6.0 * (z * z - 1.0))
    }
}
