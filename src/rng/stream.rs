//! The tree of named streams.

use super::Gaussians;
use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;

/// A node of the seed tree: a 256-bit hash of the path that leads to it.
///
/// Each step of the path is absorbed word by word into four 64-bit lanes. A word enters lane 0 by exclusive
/// or; two rounds of a Feistel network over the lanes follow, with the finaliser of SplitMix64 (Steele, Lea &
/// Flood 2014) as its round function. Every round is a bijection of the state, so distinct states never merge
/// under the same step, and distinct steps from one state always differ; other collisions have the
/// probability of a random 256-bit hash. Steps carry their kind and length, so `child("ab")` differs from
/// `child("a").child("b")`, and `index(0)` from every name. The result depends on the bytes of the path
/// alone, not on platform or version of a library.
///
/// ```
/// use asymptotica::rng::Stream;
/// use rand::Rng;
/// let replica = Stream::root(7).child("plateau").index(784).index(3);
/// let mut a = replica.child("data").generator();
/// let mut b = replica.child("label-noise").generator();
/// assert_ne!(a.next_u64(), b.next_u64());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stream {
    lanes: [u64; 4],
}

/// Kind of a step, in the low bits of its first word.
const NAME: u64 = 1;
const INDEX: u64 = 2;
const GENERATOR: u64 = 3;
const GAUSSIANS: u64 = 4;

impl Stream {
    /// The root of the tree.
    pub fn root(seed: u64) -> Self {
        // Fractional parts of the square roots of 2, 3, 5 and 7.
        let lanes =
            [0x6a09_e667_f3bc_c908, 0xbb67_ae85_84ca_a73b, 0x3c6e_f372_fe94_f82b, 0xa54f_f53a_5f1d_36f1];
        Self { lanes }.absorb(seed)
    }

    /// The stream of this name under this one.
    pub fn child(&self, name: &str) -> Self {
        let mut stream = self.absorb(NAME | (name.len() as u64) << 8);
        for chunk in name.as_bytes().chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            stream = stream.absorb(u64::from_le_bytes(word));
        }
        stream
    }

    /// The stream of this number under this one.
    pub fn index(&self, i: u64) -> Self {
        self.absorb(INDEX).absorb(i)
    }

    /// The state of the stream in hexadecimal: a digest of its path.
    ///
    /// ```
    /// use asymptotica::rng::Stream;
    /// assert_eq!(Stream::root(1).child("a").digest(), Stream::root(1).child("a").digest());
    /// assert_ne!(Stream::root(1).child("a").digest(), Stream::root(1).child("b").digest());
    /// ```
    pub fn digest(&self) -> String {
        self.lanes.iter().map(|lane| format!("{lane:016x}")).collect()
    }

    /// A scalar generator (xoshiro256++, Blackman & Vigna 2021) for uniform integers, permutations and the
    /// like.
    pub fn generator(&self) -> Xoshiro256PlusPlus {
        let mut seed = [0; 32];
        for (bytes, lane) in seed.chunks_exact_mut(8).zip(self.absorb(GENERATOR).lanes) {
            bytes.copy_from_slice(&lane.to_le_bytes());
        }
        Xoshiro256PlusPlus::from_seed(seed)
    }

    /// A generator of independent N(0, 1) numbers.
    pub fn gaussians(&self) -> Gaussians {
        Gaussians::new(self)
    }

    /// Seed of one lane of the Gaussian generator.
    pub(super) fn lane(&self, lane: usize) -> [u64; 4] {
        self.absorb(GAUSSIANS).absorb(lane as u64).lanes
    }

    fn absorb(&self, word: u64) -> Self {
        let mut s = self.lanes;
        s[0] ^= word;
        for _ in 0..2 {
            for i in 0..4 {
                s[(i + 1) % 4] ^= mix(s[i].wrapping_add(ROUND[i]));
            }
        }
        Self { lanes: s }
    }
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Multiples of the golden ratio's fraction, one for each lane.
const ROUND: [u64; 4] =
    [0x9e37_79b9_7f4a_7c15, 0x3c6e_f372_fe94_f82a, 0xdaa6_6d2c_7ddf_743f, 0x78dd_e6e5_fd29_f054];
