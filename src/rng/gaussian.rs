//! Batched Gaussian numbers.

use super::{Simd, Stream, multiversion};

const LANES: usize = 16;
const BLOCK: usize = 2 * LANES;

/// Largest |z| that [`Gaussians`] can return, sqrt(2 * 53 ln 2): a normal number exceeds it with probability
/// 1.0e-17.
pub const MAX_ABS: f64 = 8.571_674_348_652_905;

/// One step of all lanes leaves the generators here.
type State = [[u64; LANES]; 4];

/// Independent N(0, 1) numbers, to full double precision.
///
/// Sixteen xoshiro256++ generators with hashed, hence unrelated, seeds run side by side; two words of one
/// lane become a pair of normal numbers by the transform of Box & Muller (1958), r = sqrt(-2 ln u) times
/// cosine and sine of a uniform angle. u takes the 2^52 values (j + 1/2) 2^-52, so that r is never 0 and |z|
/// never above [`MAX_ABS`]; the angle takes 2^54 values, placed symmetrically, so that all odd moments vanish
/// exactly. Logarithm, sine and cosine are polynomials of our own without branches and tables (relative error
/// of the logarithm below 6e-16, error of sine and cosine below 3e-16), for the compiler to vectorise. They
/// and everything else are + - * / sqrt and integer operations: the numbers are the same bits with every
/// instruction set, which those of a system's `ln` and `sin` are not.
///
/// The sequence does not depend on how it is cut into calls.
///
/// ```
/// use asymptotica::rng::Stream;
/// let (mut a, mut b) = (Stream::root(1).gaussians(), Stream::root(1).gaussians());
/// let mut x = [0.0; 100];
/// a.fill(&mut x);
/// assert!(x.iter().all(|&x| x == b.next()));
/// ```
#[derive(Clone, Debug)]
pub struct Gaussians {
    simd: Simd,
    state: State,
    buffer: [f64; BLOCK],
    /// Numbers of `buffer` that were handed out.
    used: usize,
}

impl Gaussians {
    pub(super) fn new(stream: &Stream) -> Self {
        Self::with_simd(stream, Simd::best())
    }

    /// The same numbers, computed with a stated instruction set.
    pub fn with_simd(stream: &Stream, simd: Simd) -> Self {
        let mut state = [[0; LANES]; 4];
        for lane in 0..LANES {
            for (word, seed) in state.iter_mut().zip(stream.lane(lane)) {
                word[lane] = seed;
            }
        }
        Self { simd, state, buffer: [0.0; BLOCK], used: BLOCK }
    }

    /// The next numbers of the sequence.
    pub fn fill(&mut self, out: &mut [f64]) {
        let (head, rest) = out.split_at_mut(out.len().min(BLOCK - self.used));
        head.copy_from_slice(&self.buffer[self.used..self.used + head.len()]);
        self.used += head.len();
        let (blocks, tail) = rest.as_chunks_mut::<BLOCK>();
        generate(self.simd, &mut self.state, blocks);
        if !tail.is_empty() {
            self.refill();
            tail.copy_from_slice(&self.buffer[..tail.len()]);
            self.used = tail.len();
        }
    }

    /// The next number of the sequence.
    #[allow(clippy::should_implement_trait, reason = "an endless stream, not an iterator that may end")]
    pub fn next(&mut self) -> f64 {
        if self.used == BLOCK {
            self.refill();
        }
        self.used += 1;
        self.buffer[self.used - 1]
    }

    fn refill(&mut self) {
        generate(self.simd, &mut self.state, std::slice::from_mut(&mut self.buffer));
        self.used = 0;
    }
}

multiversion!(fn generate(state: &mut State, out: &mut [[f64; BLOCK]]) = generate_blocks);

#[inline(always)]
fn generate_blocks(state: &mut State, out: &mut [[f64; BLOCK]]) {
    let [mut a, mut b, mut c, mut d] = *state;
    for block in out {
        let mut radial = [0; LANES];
        let mut angular = [0; LANES];
        for word in [&mut radial, &mut angular] {
            for l in 0..LANES {
                word[l] = a[l].wrapping_add(d[l]).rotate_left(23).wrapping_add(a[l]);
                let shifted = b[l] << 17;
                c[l] ^= a[l];
                d[l] ^= b[l];
                b[l] ^= c[l];
                a[l] ^= d[l];
                c[l] ^= shifted;
                d[l] = d[l].rotate_left(45);
            }
        }
        let (cosines, sines) = block.split_at_mut(LANES);
        for l in 0..LANES {
            (cosines[l], sines[l]) = box_muller(radial[l], angular[l]);
        }
    }
    *state = [a, b, c, d];
}

#[inline(always)]
fn box_muller(radial: u64, angular: u64) -> (f64, f64) {
    let r = minus_two_ln((2.0 - one_to_two(radial)) - HALF_STEP).sqrt();
    let (cos, sin) = quarter_turn((one_to_two(angular) - 1.5) + HALF_STEP);
    // The angle covers the quarter turn around (1, 0); two more bits reach the other three quarters.
    let cos = f64::from_bits(cos.to_bits() ^ (angular & 2) << 62);
    let exchange = angular & 1 == 1;
    (r * if exchange { sin } else { cos }, r * if exchange { cos } else { sin })
}

/// The upper 52 bits as a number in [1, 2).
#[inline(always)]
fn one_to_two(word: u64) -> f64 {
    f64::from_bits((word >> 12) | ONE)
}

/// -2 ln u for normal u > 0: u = 2^k m with m in [sqrt(1/2), sqrt 2), ln m = 2 atanh s with s = (m - 1)/(m +
/// 1).
#[inline(always)]
fn minus_two_ln(u: f64) -> f64 {
    let shifted = u.to_bits() + (ONE - SQRT_HALF);
    let k = f64::from_bits((shifted >> 52) | TWO_52) - (4_503_599_627_370_496.0 + 1023.0);
    let m = f64::from_bits((shifted & 0x000f_ffff_ffff_ffff) + SQRT_HALF);
    let s = (m - 1.0) / (m + 1.0);
    let z = s * s;
    k * -1.386_294_361_119_890_6 + (s * -4.0 + s * z * polynomial(z, &ATANH))
}

/// Cosine and sine of (pi/2) t for |t| <= 1/2.
#[inline(always)]
fn quarter_turn(t: f64) -> (f64, f64) {
    let z = t * t;
    (1.0 + z * polynomial(z, &COS), t * polynomial(z, &SIN))
}

#[inline(always)]
fn polynomial<const N: usize>(z: f64, coefficients: &[f64; N]) -> f64 {
    let mut sum = coefficients[N - 1];
    for i in (0..N - 1).rev() {
        sum = sum * z + coefficients[i];
    }
    sum
}

const HALF_STEP: f64 = 1.0 / (1_u64 << 53) as f64;
const ONE: u64 = 1.0_f64.to_bits();
const SQRT_HALF: u64 = std::f64::consts::FRAC_1_SQRT_2.to_bits();
const TWO_52: u64 = 4_503_599_627_370_496.0_f64.to_bits();

// Interpolation at Chebyshev nodes in 50-digit arithmetic, rounded to double; the relative error of the whole
// function is 4e-18 for the logarithm, 4e-17 for the sine, 3e-17 for the cosine, before rounding.

/// (-4 atanh s + 4 s) / s^3 in z = s^2 <= (3 - 2 sqrt 2)^2.
const ATANH: [f64; 7] = [
    -1.333_333_333_333_334,
    -0.799_999_999_997_988_9,
    -0.571_428_572_520_065_4,
    -0.444_444_222_605_197_56,
    -0.363_657_789_113_498_94,
    -0.306_634_212_364_215_45,
    -0.292_331_708_497_772_46,
];
/// sin(pi t/2) / t in z = t^2 <= 1/4.
const SIN: [f64; 7] = [
    std::f64::consts::FRAC_PI_2,
    -0.645_964_097_506_244_3,
    0.079_692_626_246_043_01,
    -0.004_681_754_132_340_976,
    0.000_160_441_150_742_190_9,
    -3.598_643_352_982_31e-6,
    5.633_933_781_537_854e-8,
];
/// (cos(pi t/2) - 1) / t^2 in z = t^2 <= 1/4.
const COS: [f64; 7] = [
    -1.233_700_550_136_169_7,
    0.253_669_507_901_047_8,
    -0.020_863_480_763_340_773,
    0.000_919_260_274_546_844_7,
    -2.520_203_902_802_917_8e-5,
    4.710_678_405_505_227e-7,
    -6.329_396_344_967_424e-9,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polynomials_are_accurate_to_rounding() {
        for i in 1..20_000 {
            let u = f64::from(i) / 20_001.0;
            for u in [u, u * 1e-9, 1.0 - u * 1e-9] {
                let exact = -2.0 * libm::log(u);
                assert!((minus_two_ln(u) / exact - 1.0).abs() < 6e-16, "ln {u:e}");
            }
            let t = u - 0.5;
            let (cos, sin) = quarter_turn(t);
            assert!((cos - libm::cos(std::f64::consts::FRAC_PI_2 * t)).abs() < 3e-16, "cos {t:e}");
            assert!((sin - libm::sin(std::f64::consts::FRAC_PI_2 * t)).abs() < 3e-16, "sin {t:e}");
        }
    }

    #[test]
    fn extreme_words_give_the_stated_maximum_and_nothing_above() {
        let (z, _) = box_muller(u64::MAX, 1 << 63);
        assert!((z - MAX_ABS).abs() < 4e-15, "{z}");
        let (z, w) = box_muller(0, 0);
        assert!(z.abs() > 0.0 && w.abs() > 0.0 && z.abs() < 2e-8);
    }
}
