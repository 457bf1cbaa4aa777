//! Even moments of the field w.x of a unit on inputs of independent signs.

/// Largest p = k - 1.
const MOST: usize = 4;
/// C(2n, 2i).
const EVEN: [[f64; MOST + 1]; MOST + 1] = [
    [1.0, 0.0, 0.0, 0.0, 0.0],
    [1.0, 1.0, 0.0, 0.0, 0.0],
    [1.0, 6.0, 1.0, 0.0, 0.0],
    [1.0, 15.0, 15.0, 1.0, 0.0],
    [1.0, 28.0, 70.0, 28.0, 1.0],
];

/// E z^(2 p) of z = g + sum_j +-w_j, signs independent, g a Gaussian of this variance; p up to 4.
///
/// Exact: C(2n, 2i) weighs E g^2i and the moments of every sign that is added, (2n - 1)!! var^n those of g.
pub(super) fn even_moment(p: usize, variance: f64, features: impl Iterator<Item = f64>) -> f64 {
    let mut moments = [1.0; MOST + 1];
    for n in 1..=p {
        moments[n] = moments[n - 1] * (2 * n - 1) as f64 * variance;
    }
    for w in features {
        let square = w * w;
        // Downwards, so that all lower moments are still without this sign.
        for n in (1..=p).rev() {
            moments[n] = (0..=n)
                .rev()
                .fold((0.0, 1.0), |(sum, power), i| (sum + EVEN[n][i] * moments[i] * power, power * square))
                .0;
        }
    }
    moments[p]
}

#[cfg(test)]
mod tests {
    use super::even_moment;

    #[test]
    fn moments_are_those_of_all_sign_patterns() {
        // Four signs: 512 from +-4, 32 from +-2, where a Gaussian has 15 * 4^3 = 960.
        assert_eq!(even_moment(3, 0.0, [1.0; 4].into_iter()), 544.0);
        assert_eq!(even_moment(3, 4.0, std::iter::empty()), 960.0);
        let w = [0.9, -0.4, 1.3, 0.2, -0.7];
        for p in 1..=4 {
            let pattern = |bits: usize| {
                let signed = w.iter().enumerate().map(|(j, w)| if bits >> j & 1 == 1 { -w } else { *w });
                signed.sum::<f64>().powi(2 * p)
            };
            let expected = (0..32).map(pattern).sum::<f64>() / 32.0;
            let found = even_moment(p as usize, 0.0, w.into_iter());
            assert!((found / expected - 1.0).abs() < 1e-14, "{p}: {found} {expected}");
        }
        // E (g + e)^4 = 3 v^2 + 6 v + 1.
        assert!((even_moment(2, 0.5, [1.0].into_iter()) - 4.75).abs() < 1e-15);
    }
}
