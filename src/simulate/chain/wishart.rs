//! Gram matrices of Gaussian vectors, without the vectors.

use super::columns::Columns;
use crate::rng::{Gaussians, Stream};
use rand_distr::{ChiSquared, Distribution};
use rand_xoshiro::Xoshiro256PlusPlus;

/// The triangular factor of a Wishart matrix.
///
/// For G with `vectors` rows and `dimension` columns of independent N(0, 1) numbers, G = L O with orthonormal
/// rows of O. L is lower trapezoidal, its entries are independent, L_jj^2 is chi-square with dimension - j
/// degrees of freedom (j from 0) and the entries below are N(0, 1) (Bartlett 1933; Anderson, *An Introduction
/// to Multivariate Statistical Analysis*, section 7.2). It has min(vectors, dimension) columns, which also
/// covers fewer dimensions than vectors.
#[derive(Clone, Debug)]
pub(super) struct WishartFactor {
    diagonal: Vec<ChiSquared<f64>>,
    pub factor: Columns,
    squares: Xoshiro256PlusPlus,
    normals: Box<Gaussians>,
}

impl WishartFactor {
    pub fn new(vectors: usize, dimension: usize, stream: &Stream) -> Self {
        let columns = vectors.min(dimension);
        let diagonal = (0..columns)
            .map(|j| ChiSquared::new((dimension - j) as f64).expect("at least one degree of freedom"))
            .collect();
        Self {
            diagonal,
            factor: Columns::zeros(vectors, columns),
            squares: stream.generator(),
            normals: Box::new(stream.gaussians()),
        }
    }

    /// Draws a new factor.
    pub fn draw(&mut self) -> &Columns {
        for (j, squared) in self.diagonal.iter().enumerate() {
            let column = self.factor.get_mut(j);
            column[j] = squared.sample(&mut self.squares).sqrt();
            self.normals.fill(&mut column[j + 1..]);
        }
        &self.factor
    }

    /// Draws L_00 alone: the length of one Gaussian vector, 0 if there is no dimension.
    #[inline]
    pub fn length(&mut self) -> f64 {
        self.diagonal.first().map_or(0.0, |squared| squared.sample(&mut self.squares).sqrt())
    }
}
