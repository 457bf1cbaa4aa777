//! Batch Hessians drawn and decomposed. Nothing is trained: every time sees the same matrix.

use super::{Measure, Replica, SimulationError};
use crate::linalg::{product_transpose, symmetric_eigen, transpose_product};
use crate::problem::batch_hessian::{BatchHessian, Noise, Rank};
use crate::problem::scaling::OnePassStep;
use crate::problem::{Definition, Start};
use crate::rng::Stream;
use crate::trajectory::Curve;
use nalgebra::DMatrix;
use std::time::Instant;

/// Spectrum of a batch Hessian.
#[derive(Clone, Debug)]
struct Spectrum {
    /// Ascending; of a matrix without full rank those that are not 0 by its construction.
    values: Vec<f64>,
    /// How many more are 0.
    zeros: usize,
    /// Square of the eigenvector of every outlier along its axis.
    alignments: Vec<f64>,
}

/// Position of a rank among `count` ascending values.
fn position(rank: Rank, count: usize) -> usize {
    match rank {
        Rank::FromTop(j) => count - 1 - j,
        Rank::FromBottom(j) => j,
    }
}

impl Spectrum {
    /// Draws a batch Hessian and decomposes it; the true outliers are the first axes.
    fn draw(problem: &BatchHessian, p: usize, stream: &Stream) -> Result<Self, SimulationError> {
        let mut gaussians = stream.child("data").gaussians();
        let ranks: Vec<Rank> = (0..problem.outliers.len()).map(|i| problem.rank(i)).collect();
        if problem.load() == 0.0 {
            let mut hessian = DMatrix::from_diagonal_element(p, p, problem.centre());
            problem.outliers.iter().enumerate().for_each(|(i, l)| hessian[(i, i)] = *l);
            return Self::of(&hessian, &ranks);
        }
        let b = problem.effective_samples(p);
        match problem.noise {
            Noise::Additive { std } => {
                let mut noise = DMatrix::zeros(p, p);
                gaussians.fill(noise.as_mut_slice());
                // Entries of variance std^2 / b off the diagonal, 1/b = load / P.
                let scale = std * (0.5 * problem.load()).sqrt() * OnePassStep::new(p).field;
                let mut hessian = (&noise + noise.transpose()) * scale;
                for (i, l) in problem.outliers.iter().enumerate() {
                    hessian[(i, i)] += l;
                }
                Self::of(&hessian, &ranks)
            }
            Noise::Multiplicative { std } => {
                if b < ranks.len() {
                    return Err(SimulationError::EmptyTrainingSet {
                        per_dimension: problem.batch_ratio,
                        size: p,
                    });
                }
                let mut samples = DMatrix::zeros(b, p);
                gaussians.fill(samples.as_mut_slice());
                samples *= std;
                for (i, l) in problem.outliers.iter().enumerate() {
                    samples.column_mut(i).scale_mut(l.sqrt() / std);
                }
                if b < p {
                    Self::of_few(&samples, &ranks)
                } else {
                    Self::of(&(transpose_product(&samples, &samples) / b as f64), &ranks)
                }
            }
        }
    }

    fn of(hessian: &DMatrix<f64>, ranks: &[Rank]) -> Result<Self, SimulationError> {
        let eigen = symmetric_eigen(hessian)?;
        let along = |(i, &rank)| eigen.vectors[(i, position(rank, hessian.nrows()))];
        let alignments = ranks.iter().enumerate().map(along).map(|a| a * a).collect();
        Ok(Self { values: eigen.values.as_slice().to_vec(), zeros: 0, alignments })
    }

    /// Of fewer samples than dimensions, the rows of X: X X^T/b has the eigenvalues of X^T X/b that are not 0, and X^T u
    /// is its eigenvector, of square length b times the eigenvalue.
    fn of_few(samples: &DMatrix<f64>, ranks: &[Rank]) -> Result<Self, SimulationError> {
        let b = samples.nrows();
        let eigen = symmetric_eigen(&(product_transpose(samples, samples) / b as f64))?;
        let alignment = |(i, &rank)| {
            let place = position(rank, b);
            let along = samples.column(i).dot(&eigen.vectors.column(place));
            along * along / (b as f64 * eigen.values[place])
        };
        Ok(Self {
            alignments: ranks.iter().enumerate().map(alignment).collect(),
            values: eigen.values.as_slice().to_vec(),
            zeros: samples.ncols() - b,
        })
    }

    fn top(&self) -> f64 {
        self.values[self.values.len() - 1]
    }

    /// Share of eigenvalues in an interval, the upper end excluded.
    fn share(&self, low: f64, high: f64) -> f64 {
        // Zeros that the construction does not tell come out as rounding of either sign.
        let rounding = 1e-12 * self.top();
        let inside = |l: f64| {
            let l = if l.abs() < rounding { 0.0 } else { l };
            low <= l && l < high
        };
        let zeros = if inside(0.0) { self.zeros } else { 0 };
        let found = self.values.iter().filter(|&&l| inside(l)).count() + zeros;
        found as f64 / (self.values.len() + self.zeros) as f64
    }
}

pub(super) fn replica(
    problem: &BatchHessian,
    size: usize,
    measure: &Measure,
    stream: &Stream,
    stop: &dyn Fn() -> bool,
) -> Result<Replica, SimulationError> {
    let clock = Instant::now();
    super::check_times(measure)?;
    let needed = problem.smallest_size();
    if size < needed {
        return Err(SimulationError::TooSmall { size, needed });
    }
    if stop() {
        return Err(SimulationError::Interrupted);
    }
    let spectrum = Spectrum::draw(problem, size, stream)?;
    let mut curve = Curve::new(measure.observables);
    for &time in measure.times {
        let mut values = Vec::with_capacity(measure.observables.len());
        for name in measure.observables {
            values.push(observe(problem, &spectrum, name, time)?);
        }
        curve.push(time, &values);
    }
    curve.work.seconds = clock.elapsed().as_secs_f64();
    Ok(Replica { curve, start: Start::Size(size) })
}

fn observe(
    problem: &BatchHessian,
    spectrum: &Spectrum,
    name: &str,
    time: f64,
) -> Result<f64, SimulationError> {
    let top = spectrum.top();
    Ok(match name {
        "top_eigenvalue" => top,
        "largest_rate" => 2.0 / top,
        "adaptive_rate" => 2.0 / top.sqrt(),
        "density" => {
            let (at, half) = (problem.lowest + time, 0.5 * problem.window);
            spectrum.share(at - half, at + half) / problem.window
        }
        _ => return of_outlier(problem, spectrum, name),
    })
}

/// `alignment` or `eigenvalue`, of outlier i with an index, of the only one without.
fn of_outlier(problem: &BatchHessian, spectrum: &Spectrum, name: &str) -> Result<f64, SimulationError> {
    for i in 0..problem.outliers.len() {
        let index = if problem.listed { format!("[{}]", i + 1) } else { String::new() };
        if name == format!("alignment{index}") {
            return Ok(spectrum.alignments[i]);
        }
        if name == format!("eigenvalue{index}") {
            return Ok(spectrum.values[position(problem.rank(i), spectrum.values.len())]);
        }
    }
    Err(SimulationError::UnknownObservable(name.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_samples_have_the_spectrum_of_their_second_moment() {
        let mut samples = DMatrix::zeros(7, 12);
        Stream::root(5).gaussians().fill(samples.as_mut_slice());
        let ranks = [Rank::FromTop(0), Rank::FromTop(1)];
        let few = Spectrum::of_few(&samples, &ranks).expect("finite");
        let whole = Spectrum::of(&(transpose_product(&samples, &samples) / 7.0), &ranks).expect("finite");
        for (few, whole) in few.values.iter().zip(&whole.values[5..]) {
            assert!((few / whole - 1.0).abs() < 1e-12, "{few} {whole}");
        }
        for (few, whole) in few.alignments.iter().zip(&whole.alignments) {
            assert!((few / whole - 1.0).abs() < 1e-10);
        }
        for (low, high) in [(-0.1, 0.1), (0.1, 2.0), (0.5, 9.0)] {
            assert_eq!(few.share(low, high), whole.share(low, high));
        }
    }
}
