//! What a sweep is asked for, and what it answers.

/// Effective samples for each basis field that moment matching needs.
pub const SAMPLES_PER_FIELD: usize = 20;

/// What a sweep follows, and how.
#[derive(Clone, Debug)]
pub struct Plan {
    pub population: usize,
    pub moment_matching: bool,
    /// Relative size below which a gradient counts as a combination of earlier ones.
    pub tolerance: f64,
    /// Updates at which snapshots are taken, ascending.
    pub updates: Vec<usize>,
    /// Updates t' at which a weak force sets in.
    pub onsets: Vec<usize>,
    /// Update after which a second copy has batches and noise of its own.
    pub fork: Option<usize>,
    pub faults: Faults,
}

/// Terms that are left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    pub memory: bool,
    pub response: bool,
    pub batch_noise: bool,
}

/// One weight vector by its coefficients.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Weights {
    pub m: f64,
    /// M_j; shorter lists have zeros.
    pub fields: Vec<f64>,
}

/// The state after some updates.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    pub first: Weights,
    /// The second copy, once it has parted.
    pub second: Option<Weights>,
    /// u.dw/d of each force, 0 before it sets in.
    pub responses: Vec<f64>,
    pub loss: f64,
    pub accuracy: f64,
}

/// Why a sweep ends early.
#[derive(Clone, Debug, PartialEq)]
pub enum Stop {
    /// More basis fields than the population can carry.
    TooSmall { fields: usize, update: usize },
    /// A number that is not finite.
    Diverged { update: usize },
}

impl Weights {
    /// w.w'/d.
    pub fn overlap(&self, other: &Self, alpha: f64) -> f64 {
        let products = self.fields.iter().zip(&other.fields).map(|(a, b)| a * b);
        self.m * other.m + alpha * products.sum::<f64>()
    }

    /// |w - w'|^2/d.
    pub fn distance(&self, other: &Self, alpha: f64) -> f64 {
        let n = self.fields.len().max(other.fields.len());
        let at = |w: &Self, j: usize| w.fields.get(j).copied().unwrap_or(0.0);
        let squares = (0..n).map(|j| (at(self, j) - at(other, j)).powi(2));
        (self.m - other.m).powi(2) + alpha * squares.sum::<f64>()
    }
}
