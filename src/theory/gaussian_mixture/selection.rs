//! The selection process s(t) of the effective samples, with its mean and variance given the past.

use crate::problem::gaussian_mixture::Batch;
use rand::Rng;

/// What one sample remembers of its selection.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    /// Persistent: whether the sample is in. Epoch: its batch of the running epoch.
    slot: Vec<u32>,
}

/// Expected number of samples whose selection is open below which it is drawn first and then taken as given. The noise of
/// so few is nothing like a Gaussian field: scaled to its exact variance it would grow without bound where by chance none
/// departs from its mean.
const FEW: f64 = 30.0;

/// The process of all samples at one update.
#[derive(Clone, Copy, Debug)]
pub(super) struct Process {
    batch: Batch,
    learning_rate: f64,
    update: usize,
    /// Replaces s by b: a fault.
    is_mean: bool,
    /// s is drawn, and its mean given the past is replaced by it.
    is_given: bool,
}

impl Process {
    /// At an update of so many samples, whose noise is matched to its variance or not.
    pub fn new(
        batch: Batch,
        learning_rate: f64,
        update: usize,
        is_mean: bool,
        samples: usize,
        matched: bool,
    ) -> Self {
        let process = Self { batch, learning_rate, update, is_mean, is_given: false };
        Self { is_given: matched && samples as f64 * process.variance() < FEW, ..process }
    }

    /// Mean over samples of the variance of s(t) given the past.
    fn variance(&self) -> f64 {
        let of = |mean: f64| mean * (1.0 - mean);
        match self.batch {
            Batch::Persistent { fraction, .. } if self.update > 0 => {
                let (enter, leave) = self.batch.transitions(self.learning_rate);
                fraction * of(leave) + (1.0 - fraction) * of(enter)
            }
            batch => of(batch.fraction()),
        }
    }

    fn has_no_noise(&self) -> bool {
        self.is_mean || self.batch == Batch::Full
    }

    /// s has no noise about the means that gradients are taken with.
    pub fn is_certain(&self) -> bool {
        self.is_given || self.has_no_noise()
    }

    /// Puts the selection in the place of its means where it is taken as given.
    pub fn settle(&self, selected: &[f64], means: &mut [f64]) {
        if self.is_given {
            means.copy_from_slice(selected);
        }
    }

    /// Whether s is drawn along the sorted margins of all samples, where it is remembered and its noise would
    /// stay in later means: systematic sampling, with the exact probability of every sample and little noise in
    /// population means. Of an epoch only the first update draws.
    pub fn is_systematic(&self) -> bool {
        match self.batch {
            Batch::Persistent { .. } => !self.is_mean,
            Batch::Epoch { .. } => {
                !self.is_mean && self.update.is_multiple_of(self.batch.updates_per_epoch())
            }
            Batch::Full | Batch::Iid { .. } => false,
        }
    }

    /// E s(t) of every sample given the past.
    pub fn means(&self, memory: &Memory, means: &mut [f64]) {
        match self.batch {
            _ if self.is_mean => means.fill(self.batch.fraction()),
            Batch::Full => means.fill(1.0),
            Batch::Iid { fraction } => means.fill(fraction),
            Batch::Persistent { fraction, .. } if self.update == 0 => means.fill(fraction),
            Batch::Persistent { .. } => {
                let (enter, leave) = self.batch.transitions(self.learning_rate);
                for (mean, &slot) in means.iter_mut().zip(&memory.slot) {
                    *mean = if slot == 1 { 1.0 - leave } else { enter };
                }
            }
            Batch::Epoch { .. } => {
                let j = self.update % self.batch.updates_per_epoch();
                let used: f64 = (0..j).map(|i| self.batch.share_of_epoch(i)).sum();
                let last = j + 1 == self.batch.updates_per_epoch();
                let mean = if last { 1.0 } else { self.batch.share_of_epoch(j) / (1.0 - used) };
                if j == 0 {
                    means.fill(mean);
                } else {
                    for (m, &slot) in means.iter_mut().zip(&memory.slot) {
                        *m = if (slot as usize) < j { 0.0 } else { mean };
                    }
                }
            }
        }
    }

    /// Draws s(t) independently over samples.
    pub fn draw(&self, memory: &mut Memory, means: &[f64], s: &mut [f64], random: &mut impl Rng) {
        match self.batch {
            _ if self.has_no_noise() => s.copy_from_slice(means),
            Batch::Epoch { .. } => {
                let j = self.update % self.batch.updates_per_epoch();
                if j == 0 {
                    memory.slot.clear();
                    memory.slot.extend((0..s.len()).map(|_| self.slot(uniform(random))));
                }
                self.of_epoch(memory, s);
            }
            _ => {
                for (s, &mean) in s.iter_mut().zip(means) {
                    *s = f64::from(uniform(random) < mean);
                }
                self.remember(memory, s);
            }
        }
    }

    /// Draws s(t) of all samples along their sorted margins: what each is to remember.
    pub fn draw_along(&self, margins: &[f64], means: &[f64], random: &mut impl Rng) -> Vec<u32> {
        match self.batch {
            Batch::Epoch { .. } => spread(margins, random).into_iter().map(|u| self.slot(u)).collect(),
            _ => systematic(margins, means, random),
        }
    }

    /// s(t) from what [`Self::draw_along`] gave.
    pub fn recall(&self, memory: &mut Memory, drawn: &[u32], s: &mut [f64]) {
        memory.slot.clear();
        memory.slot.extend_from_slice(drawn);
        match self.batch {
            Batch::Epoch { .. } => self.of_epoch(memory, s),
            _ => s.iter_mut().zip(drawn).for_each(|(s, &slot)| *s = f64::from(slot)),
        }
    }

    fn of_epoch(&self, memory: &Memory, s: &mut [f64]) {
        let j = self.update % self.batch.updates_per_epoch();
        for (s, &slot) in s.iter_mut().zip(&memory.slot) {
            *s = f64::from(slot as usize == j);
        }
    }

    /// Keeps a persistent selection for the next update.
    fn remember(&self, memory: &mut Memory, s: &[f64]) {
        if matches!(self.batch, Batch::Persistent { .. }) {
            memory.slot.clear();
            memory.slot.extend(s.iter().map(|&s| s as u32));
        }
    }

    /// The batch of an epoch that a uniform number falls into.
    fn slot(&self, u: f64) -> u32 {
        let last = self.batch.updates_per_epoch() - 1;
        let mut sum = 0.0;
        for j in 0..last {
            sum += self.batch.share_of_epoch(j);
            if u < sum {
                return j as u32;
            }
        }
        last as u32
    }
}

/// Uniform in [0, 1).
pub(super) fn uniform(random: &mut impl Rng) -> f64 {
    (random.next_u64() >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
}

/// Systematic sampling: walks through samples sorted by `margin` within groups of equal mean and selects one
/// whenever the sum of means passes an integer, from one uniform offset for each group.
fn systematic(margins: &[f64], means: &[f64], random: &mut impl Rng) -> Vec<u32> {
    let mut order: Vec<usize> = (0..margins.len()).collect();
    let key = |&i: &usize| (means[i], margins[i]);
    order.sort_by(|a, b| {
        let (a_key, b_key) = (key(a), key(b));
        a_key.0.total_cmp(&b_key.0).then(a_key.1.total_cmp(&b_key.1)).then(a.cmp(b))
    });
    let mut s = vec![0; margins.len()];
    let mut at = 0;
    while at < order.len() {
        let mean = means[order[at]];
        let offset = uniform(random);
        let mut before = 0.0;
        let mut place = 0.0;
        while at < order.len() && means[order[at]] == mean {
            place += 1.0;
            let after = f64::floor(place * mean + offset);
            s[order[at]] = u32::from(after > before);
            before = after;
            at += 1;
        }
    }
    s
}

/// Uniform numbers that are evenly spread over any stretch of the sorted margins: multiples of the golden ratio from
/// one uniform offset.
fn spread(margins: &[f64], random: &mut impl Rng) -> Vec<f64> {
    let mut order: Vec<usize> = (0..margins.len()).collect();
    order.sort_by(|&a, &b| margins[a].total_cmp(&margins[b]).then(a.cmp(&b)));
    let offset = uniform(random);
    let mut u = vec![0.0; margins.len()];
    for (place, i) in order.into_iter().enumerate() {
        u[i] = (offset + place as f64 * 0.618_033_988_749_894_9).fract();
    }
    u
}
