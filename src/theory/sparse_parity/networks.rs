//! Networks of m units followed through their features, at d -> infinity and fixed batch ratio.

use super::Rules;
use crate::linalg::{LinalgError, symmetric_eigen};
use crate::math::gaussian::bivariate::upper_quadrant;
use crate::math::special::normal_cdf;
use crate::rng::{Gaussians, Stream};
use crate::theory::LawError;
use nalgebra::DMatrix;

/// Networks of the Monte-Carlo average.
pub(super) const NETWORKS: usize = 250;
/// Gaussian fields for every sign pattern of the features, per network.
const FIELDS: usize = 12;
/// Deviations beyond which a normal tail is no double any more.
const FARTHEST: f64 = 38.0;

/// What a unit shares with others: whether it is good, and the first signs of its features as bits.
type Class = (bool, usize);

/// Means over all units of all networks.
///
/// Two units differ in delta first signs of features. Their batch noise is correlated through the overlap of their weights,
/// which depends on delta and on whether each is good alone.
pub(super) struct Background {
    /// Mean square of a coordinate that is no feature.
    pub(super) square: f64,
    /// Mean of such a coordinate times its first sign.
    pub(super) mean: f64,
    /// |w|^2/d of bad and good units, features included.
    levels: [f64; 2],
    /// Mean variance of a batch's gradient of bad and good units.
    variances: [f64; 2],
    /// Mean feature of bad and good units times its first sign.
    features: [f64; 2],
    /// Mean product of such a coordinate in two units, by their kinds and delta.
    overlaps: [[Vec<f64>; 2]; 2],
    classes: usize,
    /// Factor of the covariance of the noise that classes share, and its part that units have of their own.
    noise: Vec<f64>,
    own: [f64; 2],
}

impl Background {
    pub(super) fn start(rules: &Rules) -> Self {
        let none = || [vec![0.0; rules.order + 1], vec![0.0; rules.order + 1]];
        Self {
            square: 1.0,
            mean: 1.0,
            levels: [1.0; 2],
            variances: [rules.noise_variance(1.0, &vec![1.0; rules.order]); 2],
            features: [1.0; 2],
            overlaps: [none(), none()],
            classes: 2 << rules.order,
            noise: Vec::new(),
            own: [1.0; 2],
        }
    }

    fn class(&self, (good, pattern): Class) -> usize {
        pattern + if good { self.classes / 2 } else { 0 }
    }

    /// Correlation of the batch noise of two units, a a' E[u^p v^p] / E[u^2p] at the correlation of their fields.
    fn shared(&self, rules: &Rules, g: usize, h: usize, delta: usize) -> f64 {
        let (k, p) = (rules.order as f64, rules.order - 1);
        let features = self.features[g] * self.features[h] * (k - 2.0 * delta as f64);
        let product = self.overlaps[g][h][delta] * (rules.dimension - k) + features;
        let r = product / (rules.dimension * (self.levels[g] * self.levels[h]).sqrt());
        let factorial = |n: usize| (1..=n).map(|i| i as f64).product::<f64>();
        let mut sum = 0.0;
        for j in (p % 2..=p).step_by(2) {
            let l = (p - j) / 2;
            let hermite = factorial(p) / (factorial(j) * factorial(l) * libm::pow(2.0, l as f64));
            sum += hermite * hermite * factorial(j) * libm::pow(r, j as f64);
        }
        let sign = if (delta + g + h).is_multiple_of(2) { 1.0 } else { -1.0 };
        sign * sum / double_factorial(2 * p as i64 - 1)
    }

    /// A factor L, L L^T the matrix over classes whose entries depend on kinds and delta.
    fn factor(&self, entry: impl Fn(usize, usize, usize) -> f64) -> Result<Vec<f64>, LawError> {
        let half = self.classes / 2;
        let matrix = DMatrix::from_fn(self.classes, self.classes, |i, j| {
            entry(i / half, j / half, ((i % half) ^ (j % half)).count_ones() as usize)
        });
        let reason = |error: LinalgError| LawError::Integration { reason: error.to_string() };
        let mut eigen = symmetric_eigen(&matrix).map_err(reason)?;
        for (mut column, value) in eigen.vectors.column_iter_mut().zip(eigen.values.iter()) {
            // Zero eigenvalues come out as rounding of either sign.
            column *= value.max(0.0).sqrt();
        }
        Ok(eigen.vectors.as_slice().to_vec())
    }

    /// One update of all networks, and of what they share.
    pub(super) fn update(&mut self, rules: &Rules, networks: &mut [Network]) -> Result<(), LawError> {
        self.noise = self.factor(|g, h, delta| self.shared(rules, g, h, delta))?;
        self.own = [0, 1].map(|g| (1.0 - self.shared(rules, g, g, 0)).max(0.0).sqrt());
        let mut moved = self.overlaps.clone();
        for (g, row) in moved.iter_mut().enumerate() {
            for (h, overlaps) in row.iter_mut().enumerate() {
                for (delta, overlap) in overlaps.iter_mut().enumerate() {
                    let c = self.shared(rules, g, h, delta);
                    let zones = [g, h].map(|g| rules.dead_zone / self.variances[g].sqrt());
                    *overlap =
                        rules.keep * rules.keep * *overlap + rules.rate * rules.rate * same_steps(zones, c)?;
                }
            }
        }
        self.overlaps = moved;
        for network in networks.iter_mut() {
            network.update(rules, self);
        }
        self.mean *= rules.keep;
        let (mut square, mut sums) = (0.0, [[0.0; 4]; 2]);
        for network in networks.iter() {
            let units =
                network.features.chunks_exact(rules.order).zip(network.first.chunks_exact(rules.order));
            for (((w, first), q), class) in units.zip(&network.squares).zip(&network.classes) {
                square += q;
                let [count, level, variance, feature] = &mut sums[usize::from(class.0)];
                *count += 1.0;
                *level += rules.level(*q, w);
                *variance += rules.noise_variance(*q, w);
                *feature += w.iter().zip(first).map(|(w, s)| w * s).sum::<f64>() / rules.order as f64;
            }
        }
        self.square = square / (sums[0][0] + sums[1][0]);
        for (g, [count, sums @ ..]) in sums.into_iter().enumerate().filter(|(_, s)| s[0] > 0.0) {
            [self.levels[g], self.variances[g], self.features[g]] = sums.map(|sum| sum / count);
        }
        Ok(())
    }
}

/// E[sgn~(u) sgn~(v)] of two standard normal numbers of correlation c with these dead zones.
fn same_steps([h, k]: [f64; 2], c: f64) -> Result<f64, LawError> {
    // Nothing, or less than the smallest double, crosses both dead zones together.
    if c == 0.0 || h > FARTHEST || k > FARTHEST {
        return Ok(0.0);
    }
    let quadrant = |c| {
        let reason =
            |r: f64| LawError::Integration { reason: format!("correlation {r} of two units' noise") };
        upper_quadrant(h, k, c).map_err(reason)
    };
    Ok(2.0 * (quadrant(c)? - quadrant(-c)?))
}

/// n!! for odd n, 1 for n <= 0.
pub(super) fn double_factorial(n: i64) -> f64 {
    (1..=n).step_by(2).map(|i| i as f64).product()
}

/// Means over one network; NaN where no unit counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Means {
    pub(super) feature: f64,
    pub(super) bad_feature: f64,
    pub(super) signal: f64,
}

/// One network: features of its units, one after the other.
pub(super) struct Network {
    gaussians: Gaussians,
    features: Vec<f64>,
    /// Mean square of the other coordinates of every unit.
    squares: Vec<f64>,
    first: Vec<f64>,
    /// a_r.
    outer: Vec<f64>,
    classes: Vec<Class>,
    normal: Vec<f64>,
    common: Vec<f64>,
    noise: Vec<f64>,
    signal: Vec<f64>,
}

impl Network {
    pub(super) fn new(rules: &Rules, stream: &Stream) -> Self {
        let (k, m) = (rules.order, rules.width);
        let mut gaussians = stream.gaussians();
        let mut sign = || if gaussians.next() > 0.0 { 1.0 } else { -1.0 };
        let first: Vec<f64> = (0..k * m).map(|_| sign()).collect();
        let outer: Vec<f64> = (0..m).map(|_| sign()).collect();
        let class = |(w, a): (&[f64], &f64)| {
            let pattern = w.iter().enumerate().map(|(j, w)| usize::from(*w < 0.0) << j).sum();
            (a * w.iter().product::<f64>() > 0.0, pattern)
        };
        let classes = first.chunks_exact(k).zip(&outer).map(class).collect();
        Self {
            gaussians,
            features: first.clone(),
            squares: vec![1.0; m],
            first,
            outer,
            classes,
            normal: vec![0.0; 2 << k],
            common: vec![0.0; k * (2 << k)],
            noise: vec![0.0; k],
            signal: vec![0.0; k],
        }
    }

    /// Normal numbers of all classes with the covariance that `factor` belongs to.
    fn draw_common(gaussians: &mut Gaussians, factor: &[f64], normal: &mut [f64], out: &mut [f64]) {
        gaussians.fill(normal);
        out.fill(0.0);
        for (column, z) in factor.chunks_exact(out.len()).zip(normal.iter()) {
            for (out, l) in out.iter_mut().zip(column) {
                *out += z * l;
            }
        }
    }

    /// Population gradient of one unit, k! a prod of the other features.
    fn signal(rules: &Rules, w: &[f64], a: f64, out: &mut [f64]) {
        for (j, out) in out.iter_mut().enumerate() {
            let others: f64 = w.iter().enumerate().filter(|(i, _)| *i != j).map(|(_, w)| w).product();
            *out = rules.factorial * a * others;
        }
    }

    fn update(&mut self, rules: &Rules, background: &Background) {
        let classes = background.classes;
        for common in self.common.chunks_exact_mut(classes) {
            Self::draw_common(&mut self.gaussians, &background.noise, &mut self.normal, common);
        }
        let units = self.features.chunks_exact_mut(rules.order).zip(&mut self.squares);
        for (((w, square), &a), &class) in units.zip(&self.outer).zip(&self.classes) {
            let deviation = rules.noise_variance(*square, w).sqrt();
            let (index, own) = (background.class(class), background.own[usize::from(class.0)]);
            self.gaussians.fill(&mut self.noise);
            Self::signal(rules, w, a, &mut self.signal);
            for (j, w) in w.iter_mut().enumerate() {
                let noise = self.common[j * classes + index] + own * self.noise[j];
                let gradient = self.signal[j] + deviation * noise;
                let step = if gradient.abs() > rules.dead_zone { gradient.signum() } else { 0.0 };
                *w = rules.keep * *w + rules.rate * step;
            }
            let active = 2.0 * normal_cdf(-rules.dead_zone / deviation);
            *square = rules.keep * rules.keep * *square + rules.rate * rules.rate * active;
        }
    }

    /// Mean over units of the variance of a batch's gradient per coordinate.
    pub(super) fn gradient_variance(&self, rules: &Rules) -> f64 {
        let units = self.features.chunks_exact(rules.order).zip(&self.squares);
        let sum: f64 = units.map(|(w, q)| rules.noise_variance(*q, w)).sum();
        sum / self.squares.len() as f64
    }

    pub(super) fn means(&mut self, rules: &Rules) -> Means {
        let k = rules.order;
        let (mut good, mut bad) = ((0.0, 0.0, 0.0), (0.0, 0.0));
        let units = self.features.chunks_exact(k).zip(self.first.chunks_exact(k));
        for (((w, first), &a), &(is_good, _)) in units.zip(&self.outer).zip(&self.classes) {
            let aligned: f64 = w.iter().zip(first).map(|(w, s)| w * s).sum();
            if is_good {
                Self::signal(rules, w, a, &mut self.signal);
                let signal: f64 = self.signal.iter().zip(first).map(|(g, s)| g * s).sum();
                good = (good.0 + 1.0, good.1 + aligned, good.2 + signal);
            } else {
                bad = (bad.0 + 1.0, bad.1 + aligned);
            }
        }
        let k = k as f64;
        Means {
            feature: good.1 / (k * good.0),
            bad_feature: bad.1 / (k * bad.0),
            signal: good.2 / (k * good.0),
        }
    }

    /// Share of right signs over all patterns of the features and Gaussian fields of the other coordinates.
    fn accuracy(&mut self, rules: &Rules, background: &Background, factor: &[f64]) -> f64 {
        let (k, m) = (rules.order, rules.width);
        let others = (rules.dimension - k as f64).sqrt();
        let mut fields = vec![0.0; m];
        let mut right = 0.0;
        for pattern in 0..1_usize << k {
            let label = if pattern.count_ones() % 2 == 0 { 1.0 } else { -1.0 };
            for _ in 0..FIELDS {
                let common = &mut self.common[..background.classes];
                Self::draw_common(&mut self.gaussians, factor, &mut self.normal, common);
                self.gaussians.fill(&mut fields);
                let mut output = 0.0;
                for (r, w) in self.features.chunks_exact(k).enumerate() {
                    let class = self.classes[r];
                    let g = usize::from(class.0);
                    // Of a unit's own square, the part that its class does not share.
                    let own = (self.squares[r] - background.overlaps[g][g][0]).max(0.0).sqrt();
                    let mut z = others * (common[background.class(class)] + own * fields[r]);
                    for (j, w) in w.iter().enumerate() {
                        z += if pattern >> j & 1 == 1 { -w } else { *w };
                    }
                    output += self.outer[r] * z.powi(k as i32);
                }
                right += if output * label > 0.0 {
                    1.0
                } else if output == 0.0 {
                    0.5
                } else {
                    0.0
                };
            }
        }
        right / ((1_usize << k) * FIELDS) as f64
    }
}

/// Accuracies of all networks.
pub(super) fn accuracies(
    rules: &Rules,
    background: &Background,
    networks: &mut [Network],
) -> Result<Vec<f64>, LawError> {
    let factor = background.factor(|g, h, delta| background.overlaps[g][h][delta])?;
    Ok(networks.iter_mut().map(|network| network.accuracy(rules, background, &factor)).collect())
}
