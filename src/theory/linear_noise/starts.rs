//! Where the members of a family start: directions drawn evenly rather than at random.

use nalgebra::{DMatrix, DVector, SymmetricEigen};
use statrs::distribution::{ChiSquared, ContinuousCDF, Normal};

/// The starts of a family.
pub struct Starts {
    /// Time of the start.
    pub time: f64,
    pub centre: Vec<f64>,
    /// Directions along which starts are drawn, each as long as its standard deviation at this size.
    pub columns: Vec<DVector<f64>>,
    /// Number of columns, the first ones, along which starts escape, all alike.
    pub escaping: usize,
    /// Whether the first column is drawn in its positive half alone.
    pub half: bool,
    /// Sigma that is left to the linear noise. Negative where the drawn start stands for noise that is yet to come and is
    /// not silenced: both together have the variance of the start.
    pub covariance: DMatrix<f64>,
    /// Orthonormal directions that later noise does not enter.
    pub silenced: Vec<DVector<f64>>,
}

/// The principal axes of `covariance`, each as long as its standard deviation.
pub fn axes(covariance: &DMatrix<f64>) -> Vec<DVector<f64>> {
    let eigen = SymmetricEigen::new(covariance.clone());
    let top = eigen.eigenvalues.amax();
    let mut order: Vec<usize> =
        (0..covariance.nrows()).filter(|&p| eigen.eigenvalues[p] > 1e-12 * top).collect();
    // The lattice fills its first coordinates best.
    order.sort_by(|&p, &q| eigen.eigenvalues[q].total_cmp(&eigen.eigenvalues[p]));
    order.into_iter().map(|p| eigen.eigenvectors.column(p) * eigen.eigenvalues[p].sqrt()).collect()
}

impl Starts {
    /// Starts of all members, of equal weight.
    pub(super) fn list(&self, count: usize) -> Vec<Vec<f64>> {
        let starts = deviates(self.columns.len(), self.escaping, count).into_iter().map(|g| {
            let mut x = DVector::from_column_slice(&self.centre);
            for (c, (column, g)) in self.columns.iter().zip(g).enumerate() {
                x.axpy(if self.half && c == 0 { g.abs() } else { g }, column, 1.0);
            }
            x.as_slice().to_vec()
        });
        starts.collect()
    }
}

/// `count` standard normal vectors that fill their distribution evenly. The length of the first `escaping` components
/// runs through the mid-points of its strata, ascending; their direction and the other components follow the lattice of
/// powers of the root of x^(n + 1) = x + 1.
fn deviates(dimension: usize, escaping: usize, count: usize) -> Vec<Vec<f64>> {
    let normal = Normal::standard();
    let stratum = |j: usize| (j as f64 + 0.5) / count as f64;
    if dimension == 1 {
        return (0..count).map(|j| vec![normal.inverse_cdf(stratum(j))]).collect();
    }
    let mut root: f64 = 2.0;
    for _ in 0..64 {
        root = (1.0 + root).powf(1.0 / (dimension as f64 + 1.0));
    }
    let share = |j: usize, a: usize| (0.5 + (j as f64 + 1.0) * root.powi(-(a as i32))).fract();
    let square = ChiSquared::new(escaping.max(1) as f64).expect("a number of degrees of freedom");
    // Its own inverse is no number for two degrees of freedom.
    let quantile = |share: f64| {
        let (mut low, mut high) = (0.0, 100.0 + 10.0 * escaping as f64);
        for _ in 0..80 {
            let middle = 0.5 * (low + high);
            if square.cdf(middle) < share { low = middle } else { high = middle }
        }
        0.5 * (low + high)
    };
    (0..count)
        .map(|j| {
            let mut g: Vec<f64> = (1..=dimension).map(|a| normal.inverse_cdf(share(j, a))).collect();
            let norm = g[..escaping].iter().map(|g| g * g).sum::<f64>().sqrt();
            let length = if escaping > 0 { quantile(stratum(j)).sqrt() } else { 0.0 };
            g[..escaping].iter_mut().for_each(|g| *g *= length / norm);
            g
        })
        .collect()
}
