//! Which samples an update uses: s_mu(t), independent over samples.

/// The selection process.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Batch {
    /// s = 1.
    Full,
    /// s ~ Bernoulli(b), afresh in every update: multi-pass SGD.
    Iid { fraction: f64 },
    /// s(0) ~ Bernoulli(b), then 0 -> 1 with probability eta/tau and 1 -> 0 with (1 - b) eta/(b tau), whose limit
    /// eta -> 0 is stochastic gradient flow.
    Persistent { fraction: f64, time: f64 },
    /// Every sample once in each epoch of ceil(1/b) updates, in random order; the last batch of an epoch is what
    /// is left, 1 - (ceil(1/b) - 1) b.
    Epoch { fraction: f64 },
}

impl Batch {
    /// b; 1 in full batch.
    pub fn fraction(&self) -> f64 {
        match *self {
            Self::Full => 1.0,
            Self::Iid { fraction } | Self::Persistent { fraction, .. } | Self::Epoch { fraction } => fraction,
        }
    }

    /// Probabilities of 0 -> 1 and of 1 -> 0 in one update of the persistent process.
    pub fn transitions(&self, learning_rate: f64) -> (f64, f64) {
        match *self {
            Self::Persistent { fraction, time } => {
                (learning_rate / time, (1.0 - fraction) * learning_rate / (fraction * time))
            }
            Self::Full => (1.0, 0.0),
            Self::Iid { fraction } | Self::Epoch { fraction } => (fraction, 1.0 - fraction),
        }
    }

    /// Updates of one epoch.
    pub fn updates_per_epoch(&self) -> usize {
        // 1/b is an integer up to rounding where one is meant.
        ((1.0 / self.fraction() - 1e-9).ceil() as usize).max(1)
    }

    /// Share of the samples that the `j`-th batch of an epoch takes, from 0.
    pub fn share_of_epoch(&self, j: usize) -> f64 {
        let last = self.updates_per_epoch() - 1;
        if j < last { self.fraction() } else { 1.0 - last as f64 * self.fraction() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_of_an_epoch_add_to_one() {
        for fraction in [1.0, 0.5, 0.3, 0.25, 0.1, 1.0 / 3.0, 0.7] {
            let batch = Batch::Epoch { fraction };
            let shares: Vec<f64> = (0..batch.updates_per_epoch()).map(|j| batch.share_of_epoch(j)).collect();
            assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            assert!(shares.iter().all(|&s| s > 1e-9 && s <= fraction + 1e-8), "{fraction}: {shares:?}");
        }
        assert_eq!(Batch::Epoch { fraction: 0.1 }.updates_per_epoch(), 10);
        assert_eq!(Batch::Epoch { fraction: 0.3 }.updates_per_epoch(), 4);
    }
}
