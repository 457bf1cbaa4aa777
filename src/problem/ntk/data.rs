//! The data set: inputs in columns, labels, and test points.

use super::{Classes, Ntk};
use crate::rng::{Gaussians, Stream};
use nalgebra::{DMatrix, DVector};
use std::f64::consts::TAU;

/// Where inputs come from.
#[derive(Clone, Debug, PartialEq)]
pub enum Inputs {
    /// (cos g, sin g) times sqrt 2 `rms_norm`, at equal angles; test points lie half-way between.
    Circle { points: usize, tests: usize },
    /// On the same circle at the angles 0, `angle`, 2 `angle`, ...; no test points.
    Arc { points: usize, angle: f64 },
    /// Uniform on the sphere |x| = sqrt(d) `rms_norm`.
    Sphere { points: usize, tests: usize, dimension: usize, seed: u64 },
    /// N(0, `rms_norm`^2 I).
    Gaussian { points: usize, tests: usize, dimension: usize, seed: u64 },
    /// As stated, inputs in columns.
    Given { x: DMatrix<f64>, tests: DMatrix<f64> },
}

/// What is to be learnt, as a function of x.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// sum_k a_k cos(k g) + b_k sin(k g) of the angle g of the first two coordinates.
    Harmonics { cosine: Vec<f64>, sine: Vec<f64> },
    /// sum_k a_k x_1^k + c x_1 x_2 in units of the root mean square of a coordinate.
    Polynomial { coefficients: Vec<f64>, product: f64 },
    /// For the softmax loss.
    Classes(Classes),
    /// Labels as stated, for training and test points.
    Given { y: DVector<f64>, tests: DVector<f64> },
}

/// The data set of a problem.
#[derive(Clone, Debug, PartialEq)]
pub struct Data {
    /// d x n.
    pub inputs: DMatrix<f64>,
    /// y, with label noise; the number of the class, from 1, for the softmax loss.
    pub labels: DVector<f64>,
    /// d x n'.
    pub tests: DMatrix<f64>,
    /// Without label noise.
    pub test_labels: DVector<f64>,
}

impl Inputs {
    pub fn points(&self) -> usize {
        match self {
            Self::Circle { points, .. }
            | Self::Arc { points, .. }
            | Self::Sphere { points, .. }
            | Self::Gaussian { points, .. } => *points,
            Self::Given { x, .. } => x.ncols(),
        }
    }

    pub fn tests(&self) -> usize {
        match self {
            Self::Circle { tests, .. } | Self::Sphere { tests, .. } | Self::Gaussian { tests, .. } => *tests,
            Self::Arc { .. } => 0,
            Self::Given { tests, .. } => tests.ncols(),
        }
    }

    /// d.
    pub fn dimension(&self) -> usize {
        match self {
            Self::Circle { .. } | Self::Arc { .. } => 2,
            Self::Sphere { dimension, .. } | Self::Gaussian { dimension, .. } => *dimension,
            Self::Given { x, .. } => x.nrows(),
        }
    }

    fn draw(&self, rms_norm: f64) -> (DMatrix<f64>, DMatrix<f64>) {
        let at_angles = |n: usize, angle: &dyn Fn(usize) -> f64| {
            let radius = std::f64::consts::SQRT_2 * rms_norm;
            let coordinate = |i: usize, angle: f64| if i == 0 { libm::cos(angle) } else { libm::sin(angle) };
            DMatrix::from_fn(2, n, |i, k| radius * coordinate(i, angle(k)))
        };
        let on_circle = |n: usize, shift: f64| at_angles(n, &|k| TAU * (k as f64 + shift) / n as f64);
        match self {
            Self::Circle { points, tests } => (on_circle(*points, 0.0), on_circle(*tests, 0.5)),
            Self::Arc { points, angle } => (at_angles(*points, &|k| k as f64 * angle), DMatrix::zeros(2, 0)),
            Self::Gaussian { points, tests, dimension, seed } => {
                let mut data = Stream::root(*seed).child("data").gaussians();
                let x = gaussian(*dimension, *points, &mut data) * rms_norm;
                (x, gaussian(*dimension, *tests, &mut data) * rms_norm)
            }
            Self::Sphere { points, tests, dimension, seed } => {
                let mut data = Stream::root(*seed).child("data").gaussians();
                let mut on_sphere = |n: usize| {
                    let mut x = gaussian(*dimension, n, &mut data);
                    for mut column in x.column_iter_mut() {
                        column *= rms_norm * (*dimension as f64).sqrt() / column.norm();
                    }
                    x
                };
                (on_sphere(*points), on_sphere(*tests))
            }
            Self::Given { x, tests } => (x.clone(), tests.clone()),
        }
    }

    fn noise(&self) -> Gaussians {
        let seed = match self {
            Self::Sphere { seed, .. } | Self::Gaussian { seed, .. } => *seed,
            Self::Circle { .. } | Self::Arc { .. } | Self::Given { .. } => 0,
        };
        Stream::root(seed).child("label-noise").gaussians()
    }
}

fn gaussian(rows: usize, columns: usize, gaussians: &mut Gaussians) -> DMatrix<f64> {
    let mut matrix = DMatrix::zeros(rows, columns);
    gaussians.fill(matrix.as_mut_slice());
    matrix
}

impl Target {
    /// The target at the columns of `x`, unless it is stated point by point.
    fn of(&self, x: &DMatrix<f64>, rms_norm: f64) -> Option<DVector<f64>> {
        let value = |column: usize| -> Option<f64> {
            let coordinate = |i: usize| if i < x.nrows() { x[(i, column)] } else { 0.0 };
            let angle = || libm::atan2(coordinate(1), coordinate(0));
            match self {
                Self::Classes(classes) => Some(classes.at(angle())),
                Self::Harmonics { cosine, sine } => {
                    let angle = angle();
                    let part = |list: &[f64], wave: fn(f64) -> f64| -> f64 {
                        list.iter().enumerate().map(|(k, a)| a * wave(k as f64 * angle)).sum()
                    };
                    Some(part(cosine, libm::cos) + part(sine, libm::sin))
                }
                Self::Polynomial { coefficients, product } => {
                    let (first, second) = (coordinate(0) / rms_norm, coordinate(1) / rms_norm);
                    let sum = coefficients.iter().rev().fold(0.0, |sum, a| sum * first + a);
                    Some(sum + product * first * second)
                }
                Self::Given { .. } => None,
            }
        };
        (0..x.ncols()).map(value).collect::<Option<Vec<f64>>>().map(DVector::from_vec)
    }
}

impl Ntk {
    /// The data set: a function of the problem alone, the same for both roads and for every replica.
    pub fn data(&self) -> Data {
        let (inputs, tests) = self.inputs.draw(self.rms_norm);
        let stated = |at: &DMatrix<f64>, given: fn(&Target) -> Option<&DVector<f64>>| {
            self.target.of(at, self.rms_norm).or(given(&self.target).cloned()).expect("a target of points")
        };
        let mut labels = stated(&inputs, |target| match target {
            Target::Given { y, .. } => Some(y),
            _ => None,
        });
        let mut test_labels = stated(&tests, |target| match target {
            Target::Given { tests, .. } => Some(tests),
            _ => None,
        });
        if self.noise_std > 0.0 {
            let mut noise = self.inputs.noise();
            labels.iter_mut().for_each(|y| *y += self.noise_std * noise.next());
        }
        labels.iter_mut().chain(test_labels.iter_mut()).for_each(|y| *y = self.loss.label(*y));
        Data { inputs, labels, tests, test_labels }
    }
}
