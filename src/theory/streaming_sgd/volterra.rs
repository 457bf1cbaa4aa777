//! The Volterra equation of the risk: a second route to the law of one pass.

use crate::problem::streaming_sgd::Group;

/// Forcing and kernel of one pass at a constant rate.
///
/// F(s) = sigma^2/2 + 1/2 sum_i l_i exp(-2 s l_i) c_i^2, K(t) = (gamma^2/B) sum_i f_i l_i^2 exp(-2 gamma l_i t), f_i
/// the share of dimensions with eigenvalue l_i.
#[derive(Clone, Debug)]
pub struct OnePass<'a> {
    pub groups: &'a [Group],
    /// gamma.
    pub rate: f64,
    /// sigma^2.
    pub noise: f64,
    /// B.
    pub batch: f64,
}

impl OnePass<'_> {
    pub fn forcing(&self, t: f64) -> f64 {
        let mode = |g: &Group| g.eigenvalue * libm::exp(-2.0 * self.rate * t * g.eigenvalue) * g.squares;
        0.5 * self.noise + 0.5 * self.groups.iter().map(mode).sum::<f64>()
    }

    pub fn kernel(&self, t: f64) -> f64 {
        let mode = |g: &Group| {
            g.fraction * g.eigenvalue * g.eigenvalue * libm::exp(-2.0 * self.rate * g.eigenvalue * t)
        };
        self.rate * self.rate / self.batch * self.groups.iter().map(mode).sum::<f64>()
    }

    /// Psi at 0, h, 2 h, ..., `end` with h = end / `intervals`; see [`volterra`].
    ///
    /// ```
    /// use asymptotica::problem::streaming_sgd::Group;
    /// use asymptotica::theory::streaming_sgd::OnePass;
    /// // White inputs: Psi relaxes at 2 gamma - gamma^2 to (sigma^2/2) / (1 - gamma/2).
    /// let groups = [Group { eigenvalue: 1.0, fraction: 1.0, squares: 1.0 }];
    /// let psi = OnePass { groups: &groups, rate: 0.5, noise: 0.25, batch: 1.0 }.risk(8.0, 64);
    /// let end = 0.125 / 0.75;
    /// assert!((psi[64] - end - (0.625 - end) * f64::exp(-0.75 * 8.0)).abs() < 1e-9);
    /// ```
    pub fn risk(&self, end: f64, intervals: usize) -> Vec<f64> {
        volterra(|t| self.forcing(t), |t| self.kernel(t), end, intervals)
    }
}

/// psi(t) = forcing(t) + integral of kernel(t - s) psi(s) over s from 0 to t, at `intervals + 1` equidistant times from
/// 0 to `end`.
///
/// The trapezoidal rule, whose error expands in even powers of the step for smooth kernels, on four grids of halved
/// steps, extrapolated (Romberg): order 8 in end / intervals. Cost: 64 intervals^2 kernel products.
pub fn volterra(
    forcing: impl Fn(f64) -> f64,
    kernel: impl Fn(f64) -> f64,
    end: f64,
    intervals: usize,
) -> Vec<f64> {
    const LEVELS: usize = 4;
    let mut rows: Vec<Vec<f64>> = (0..LEVELS)
        .map(|level| {
            let stride = 1 << level;
            let fine = trapezoidal(&forcing, &kernel, end, intervals * stride);
            fine.into_iter().step_by(stride).collect()
        })
        .collect();
    for order in 1..LEVELS {
        let factor = f64::from(1 << (2 * order));
        for level in 0..LEVELS - order {
            let next = rows[level + 1].clone();
            for (coarse, fine) in rows[level].iter_mut().zip(next) {
                *coarse = (factor * fine - *coarse) / (factor - 1.0);
            }
        }
    }
    rows.swap_remove(0)
}

fn trapezoidal(
    forcing: &impl Fn(f64) -> f64,
    kernel: &impl Fn(f64) -> f64,
    end: f64,
    intervals: usize,
) -> Vec<f64> {
    let step = end / intervals as f64;
    let kernel: Vec<f64> = (0..=intervals).map(|i| step * kernel(i as f64 * step)).collect();
    let mut psi: Vec<f64> = Vec::with_capacity(intervals + 1);
    for i in 0..=intervals {
        let mut sum = forcing(i as f64 * step);
        if i == 0 {
            psi.push(sum);
            continue;
        }
        sum += 0.5 * kernel[i] * psi[0];
        sum += psi[1..].iter().zip(kernel[1..i].iter().rev()).map(|(p, k)| p * k).sum::<f64>();
        psi.push(sum / (1.0 - 0.5 * kernel[0]));
    }
    psi
}
