//! The selection process s(t) of the effective samples, with its mean and variance given the past.

use crate::problem::gaussian_mixture::Batch;
use rand::Rng;
use std::cmp::Ordering;

/// What one sample remembers of its selection.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    /// Persistent: whether the sample is in. Epoch: its batch of the running epoch.
    slot: Vec<u32>,
}

impl Memory {
    /// What is remembered of the `i`-th sample; 0 before anything is.
    pub fn of(&self, i: usize) -> u32 {
        self.slot.get(i).copied().unwrap_or(0)
    }
}

/// One sample before its selection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    /// y r.
    pub margin: f64,
    /// E s(t) given the past.
    pub mean: f64,
    /// Of the second copy: what the first one remembers of the sample, before this draw and after it. The product of the
    /// two noises then has mean 0 along every stretch of margins.
    pub first_copy: [u32; 2],
}

impl Candidate {
    fn stratum(&self, other: &Self) -> Ordering {
        self.mean.total_cmp(&other.mean).then(self.first_copy.cmp(&other.first_copy))
    }
}

/// Expected number of samples whose selection is open below which it is drawn first and then taken as given. The noise of
/// so few is nothing like a Gaussian field: scaled to its exact variance it would grow without bound where by chance none
/// departs from its mean. Those of a persistent batch are the samples that enter or leave, its first update included.
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
        Self { is_given: matched && (process.compensates() || process.is_open_for_few(samples)), ..process }
    }

    /// Whether later updates take back the noise of this one, sample by sample. The noise of an epoch adds to nothing over
    /// the epoch, and what is left of it in the end is small only if every update has the selection itself: with noise
    /// that is matched apart from it, distances of two copies after whole epochs were several times too large (0.0007 for
    /// 0.00003 at 1000 samples), and errors of means ten times those of selections that are taken as drawn.
    fn compensates(&self) -> bool {
        matches!(self.batch, Batch::Epoch { .. })
    }

    fn is_open_for_few(&self, samples: usize) -> bool {
        let of = |mean: f64| mean * (1.0 - mean);
        let variance = match self.batch {
            Batch::Persistent { fraction, .. } => {
                let (enter, leave) = self.batch.transitions(self.learning_rate);
                fraction * of(leave) + (1.0 - fraction) * of(enter)
            }
            batch => of(batch.fraction()),
        };
        samples as f64 * variance < FEW
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

    /// Whether copies draw selections of their own in this update; otherwise they go on with what they remember.
    pub fn draws(&self) -> bool {
        match self.batch {
            Batch::Epoch { .. } => self.update.is_multiple_of(self.batch.updates_per_epoch()),
            Batch::Full | Batch::Iid { .. } | Batch::Persistent { .. } => true,
        }
    }

    /// Whether s is drawn along the sorted margins of all samples, where it is remembered and its noise would
    /// stay in later means: balanced sampling, with the exact probability of every sample and little noise in
    /// population means. Of an epoch only the first update draws.
    pub fn is_systematic(&self) -> bool {
        match self.batch {
            Batch::Persistent { .. } | Batch::Epoch { .. } => !self.is_mean && self.draws(),
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
    pub fn draw_along(&self, candidates: &[Candidate], random: &mut impl Rng) -> Vec<u32> {
        let mut drawn = vec![0; candidates.len()];
        for stratum in strata(candidates) {
            match self.batch {
                Batch::Epoch { .. } => {
                    let stretch = self.batch.updates_per_epoch();
                    spread(&stratum, stretch, random, |i, u| drawn[i] = self.slot(u));
                }
                _ => pivotal(&stratum, candidates[stratum[0]].mean, random, &mut drawn),
            }
        }
        drawn
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

/// Splits samples into strata, sorted by margin within each: samples of the same mean with which the first copy has
/// done the same.
fn strata(candidates: &[Candidate]) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..candidates.len()).collect();
    order.sort_by(|&i, &j| {
        let (a, b) = (&candidates[i], &candidates[j]);
        a.stratum(b).then(a.margin.total_cmp(&b.margin)).then(i.cmp(&j))
    });
    let same = |i: &usize, j: &usize| candidates[*i].stratum(&candidates[*j]).is_eq();
    order.chunk_by(same).map(<[usize]>::to_vec).collect()
}

/// The ordered pivotal method (Deville & Tillé, Biometrika 85, 89 (1998)) for samples of one mean: along the order the
/// sample that is still open meets the next one, and one of the two is decided, so that every mean is exact and
/// any stretch of the order gives its share but for one. Every meeting is drawn afresh: one offset for all of them would
/// make the patterns of two updates or of two copies shifts of each other.
fn pivotal(order: &[usize], mean: f64, random: &mut impl Rng, s: &mut [u32]) {
    let Some((&first, others)) = order.split_first() else { return };
    let (mut open, mut chance) = (first, mean);
    for &next in others {
        let sum = chance + mean;
        let u = uniform(random);
        if sum < 1.0 {
            if u * sum >= chance {
                open = next;
            }
            chance = sum;
        } else {
            let is_next = u * (2.0 - sum) >= 1.0 - mean;
            s[if is_next { next } else { open }] = 1;
            if !is_next {
                open = next;
            }
            chance = sum - 1.0;
        }
    }
    s[open] = u32::from(uniform(random) < chance);
}

/// Uniform numbers that are evenly spread over every `stretch` samples of the order, shuffled within it.
fn spread(order: &[usize], stretch: usize, random: &mut impl Rng, mut give: impl FnMut(usize, f64)) {
    let mut places: Vec<usize> = Vec::with_capacity(stretch);
    for samples in order.chunks(stretch) {
        places.clear();
        places.extend(0..samples.len());
        for (taken, &i) in samples.iter().enumerate() {
            let left = samples.len() - taken;
            let place = places.swap_remove(((uniform(random) * left as f64) as usize).min(left - 1));
            give(i, (place as f64 + uniform(random)) / samples.len() as f64);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Stream;

    const SAMPLES: usize = 6000;

    /// Correlation of two lists over samples.
    fn correlation(a: &[f64], b: &[f64]) -> f64 {
        let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
        let product = |x: &[f64], y: &[f64]| {
            let (mx, my) = (mean(x), mean(y));
            x.iter().zip(y).map(|(x, y)| (x - mx) * (y - my)).sum::<f64>()
        };
        product(a, b) / (product(a, a) * product(b, b)).sqrt()
    }

    #[test]
    fn selections_of_two_updates_and_of_two_copies_are_independent_along_unchanged_margins() {
        // With one offset for all samples every draw of these shares repeats the pattern before it, or a shift of it.
        let mut random = Stream::root(1).generator();
        for batch in [Batch::Epoch { fraction: 0.25 }, Batch::Persistent { fraction: 0.5, time: 0.4 }] {
            let (b, n) = (batch.fraction(), SAMPLES as f64);
            let process = Process::new(batch, 0.2, 0, false, SAMPLES, true);
            let mut draw = |first_copy: &dyn Fn(usize) -> [u32; 2]| {
                let candidate = |i: usize| Candidate { margin: i as f64, mean: b, first_copy: first_copy(i) };
                process.draw_along(&(0..SAMPLES).map(candidate).collect::<Vec<_>>(), &mut random)
            };
            let before = draw(&|_| [0; 2]);
            let after = draw(&|_| [0; 2]);
            let copy = draw(&|i| [before[i], after[i]]);
            let selected =
                [before, after, copy].map(|s| s.iter().map(|&x| f64::from(x == 1)).collect::<Vec<f64>>());
            for (k, s) in selected.iter().enumerate() {
                // A third of the margins would be off by 0.01 at random.
                for part in [&s[..], &s[..SAMPLES / 3]] {
                    let share = part.iter().sum::<f64>() / part.len() as f64;
                    assert!((share - b).abs() < 3e-3, "{batch:?}: {share}");
                }
                for other in &selected[..k] {
                    let found = correlation(s, other);
                    assert!(found.abs() < 4.0 / n.sqrt(), "{batch:?} {k}: {found}");
                }
            }
        }
    }

    #[test]
    fn every_sample_has_its_own_probability() {
        let mut random = Stream::root(2).generator();
        let order: Vec<usize> = (0..7).collect();
        for mean in [0.1, 0.5, 0.77, 1.0] {
            let (mut counts, draws) = ([0_u32; 7], 40_000);
            for _ in 0..draws {
                let mut s = [0; 7];
                pivotal(&order, mean, &mut random, &mut s);
                counts.iter_mut().zip(s).for_each(|(count, s)| *count += s);
            }
            for count in counts {
                let (share, error) =
                    (f64::from(count) / f64::from(draws), (mean * (1.0 - mean) / 4e4).sqrt());
                assert!((share - mean).abs() <= 4.5 * error, "{share} for {mean}");
            }
        }
    }
}
