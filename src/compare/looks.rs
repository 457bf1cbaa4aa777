//! Looking repeatedly at growing data, without growing errors.

use super::Terms;

/// Looks at the verdict that keep the error of all of them together at 1 - `level`.
///
/// Replicas are added until the verdict is confirmed or refuted. Each look judges everything simulated so far,
/// and look k = 1, 2, ... spends alpha_k = (1 - level) / (k (k + 1)) of the error. These add up to 1 - level
/// over any number of looks, since 1 / (k (k + 1)) = 1/k - 1/(k + 1). A verdict is wrong only if the band of
/// its look misses the truth somewhere, so by the union bound a wrong one is ever given with probability
/// at most 1 - level, however the looks depend on each other and whichever rule stops them, a time limit
/// included. Doubling the replicas keeps the looks few: the band of look k is wider than that of a single look
/// by the ratio of two quantiles, for one Gaussian point 1.46 at the third look and 1.79 at the tenth, for many
/// points less.
///
/// ```
/// use asymptotica::compare::Looks;
/// let looks = Looks { level: 0.95, first: 8 };
/// assert_eq!(looks.replicas_of_look(4), 64);
/// assert!((looks.level_of_look(1) - 0.975).abs() < 1e-12);
/// let spent: f64 = (1..=1000).map(|k| 1.0 - looks.level_of_look(k)).sum();
/// assert!(spent < 0.05);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Looks {
    /// Probability that no look is wrong, such as 0.95.
    pub level: f64,
    /// Replicas at every size at the first look; 8 is the least that carries its level.
    pub first: usize,
}

/// Draws expected beyond the critical value: 20 place it to a few percent, and more draws at later looks would
/// cost more than the replicas that they save.
const TAIL: f64 = 20.0;

impl Looks {
    /// Level of the band of look `look`, counted from 1.
    ///
    /// # Panics
    /// If `look` is 0.
    pub fn level_of_look(&self, look: usize) -> f64 {
        assert!(look > 0, "looks count from 1");
        1.0 - (1.0 - self.level) / (look as f64 * (look + 1) as f64)
    }

    /// Replicas at every size that look `look` judges: twice those of the look before.
    pub fn replicas_of_look(&self, look: usize) -> usize {
        assert!(look > 0, "looks count from 1");
        u32::try_from(look - 1).ok().and_then(|k| self.first.checked_shl(k)).unwrap_or(usize::MAX)
    }

    /// The terms under which look `look` judges: the level of the look, and draws that resolve it.
    pub fn terms_of_look(&self, terms: &Terms, look: usize) -> Terms {
        let level = self.level_of_look(look);
        let draws = terms.draws.max((TAIL / (1.0 - level)).ceil() as usize);
        Terms { level, draws, ..terms.clone() }
    }
}
