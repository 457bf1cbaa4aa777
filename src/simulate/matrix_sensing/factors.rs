//! Gradients with respect to X, or to F and G.

use super::sensing::Sensing;
use crate::linalg::{Read, multiply, svd};
use crate::problem::matrix_sensing::{Cure, Init, MatrixSensing};
use crate::rng::Stream;
use crate::simulate::SimulationError;
use nalgebra::DMatrix;

/// Factors, and room for one update.
pub(super) struct Descent {
    pub f: DMatrix<f64>,
    pub g: Option<DMatrix<f64>>,
    strengths: Vec<f64>,
    step: f64,
    sensing: Option<Sensing>,
    /// W - M where it is formed.
    gap: DMatrix<f64>,
    /// k x k.
    gram: DMatrix<f64>,
    move_f: DMatrix<f64>,
    move_g: DMatrix<f64>,
}

/// The factors at time 0.
pub(super) fn draw(problem: &MatrixSensing, stream: &Stream) -> (DMatrix<f64>, Option<DMatrix<f64>>) {
    if let Some(stated) = problem.stated() {
        return (stated.f, stated.g);
    }
    let Init::Random { std, ratio } = problem.init else {
        unreachable!("a start that is not random is stated")
    };
    let gaussian = |name: &str, rows: usize, std: f64| {
        let mut matrix = DMatrix::zeros(rows, problem.columns);
        stream.child("init").child(name).gaussians().fill(matrix.as_mut_slice());
        matrix * std
    };
    let f = gaussian("F", problem.dimension, std);
    let g = (!problem.is_symmetric()).then(|| gaussian("G", problem.width(), std * ratio));
    (f, g)
}

impl Descent {
    pub fn new(
        problem: &MatrixSensing,
        size: usize,
        stream: &Stream,
        stop: &dyn Fn() -> bool,
    ) -> Result<Self, SimulationError> {
        let (f, g) = draw(problem, stream);
        let (n, k) = f.shape();
        let width = problem.width();
        let sensing = match problem.measurements_at(size) {
            Some(m) => Some(Sensing::new(problem, m, stream, stop)?),
            None => None,
        };
        Ok(Self {
            move_f: DMatrix::zeros(n, k),
            move_g: DMatrix::zeros(width, k),
            gap: DMatrix::zeros(n, width),
            gram: DMatrix::zeros(k, k),
            strengths: problem.strengths.clone(),
            step: problem.step(size),
            sensing,
            f,
            g,
        })
    }

    /// W - M.
    pub fn gap(&mut self) -> &DMatrix<f64> {
        let right = self.g.as_ref().unwrap_or(&self.f);
        multiply(&mut self.gap, false, 1.0, (&self.f, Read::Plain), (right, Read::Transposed));
        for (i, s) in self.strengths.iter().enumerate() {
            self.gap[(i, i)] -= s;
        }
        &self.gap
    }

    /// The moves of the next update: minus the gradients.
    fn moves(&mut self) {
        if self.sensing.is_some() {
            self.gap();
            if let Some(sensing) = &mut self.sensing {
                sensing.gradient(&mut self.gap);
            }
            let right = self.g.as_ref().unwrap_or(&self.f);
            multiply(&mut self.move_f, false, -1.0, (&self.gap, Read::Plain), (right, Read::Plain));
            if self.g.is_some() {
                let (gap, f) = ((&self.gap, Read::Transposed), (&self.f, Read::Plain));
                multiply(&mut self.move_g, false, -1.0, gap, f);
            }
            return;
        }
        // (M - F G^T) G = M G - F (G^T G), and the same for G: no n x n matrix is formed.
        let right = self.g.as_ref().unwrap_or(&self.f);
        population(&mut self.move_f, &mut self.gram, &self.strengths, &self.f, right);
        if let Some(g) = &self.g {
            population(&mut self.move_g, &mut self.gram, &self.strengths, g, &self.f);
        }
    }

    /// One update of gradient descent, both factors at once.
    pub fn update(&mut self) {
        self.moves();
        add(&mut self.f, self.step, &self.move_f);
        if let Some(g) = &mut self.g {
            add(g, self.step, &self.move_g);
        }
    }

    /// ln |W - M|^2 after the next update less that now.
    pub fn next_decay(&mut self) -> f64 {
        let before = self.gap().norm_squared();
        let kept = (self.f.clone(), self.g.clone());
        self.update();
        let after = self.gap().norm_squared();
        (self.f, self.g) = kept;
        (after / before).ln()
    }

    /// F = U S V^T becomes scale U, G becomes G V S / scale.
    pub fn cure(&mut self, cure: Cure) -> Result<(), SimulationError> {
        let Some(g) = &mut self.g else { return Ok(()) };
        let parts = svd(&self.f)?;
        if let Some(reason) = cure.undefined(&parts.values) {
            return Err(SimulationError::Cure { reason });
        }
        let scale = cure.scale;
        let mut mixed = parts.v_t.transpose();
        for (mut column, s) in mixed.column_iter_mut().zip(parts.values.iter()) {
            column *= s / scale;
        }
        *g = &*g * mixed;
        self.f = parts.u * scale;
        Ok(())
    }

    pub fn is_finite(&self) -> bool {
        self.f.iter().all(|x| x.is_finite())
    }
}

fn add(matrix: &mut DMatrix<f64>, step: f64, direction: &DMatrix<f64>) {
    matrix.iter_mut().zip(direction.iter()).for_each(|(x, d)| *x += step * d);
}

/// M other - own (other^T other), M diagonal.
fn population(
    out: &mut DMatrix<f64>,
    gram: &mut DMatrix<f64>,
    strengths: &[f64],
    own: &DMatrix<f64>,
    other: &DMatrix<f64>,
) {
    multiply(gram, false, 1.0, (other, Read::Transposed), (other, Read::Plain));
    multiply(out, false, -1.0, (own, Read::Plain), (gram, Read::Plain));
    for j in 0..own.ncols() {
        for (i, s) in strengths.iter().enumerate() {
            out[(i, j)] += s * other[(i, j)];
        }
    }
}
