//! Modes that share one loss, solved in closed form.
//!
//! T_i' = -a_i T_i + b_i Psi with Psi = s + sum c_i T_i, all of them at least 0. With F(t) = s + sum c_i T_i(0) exp(-a_i t)
//! and r_i = b_i c_i the loss is F + R * F (convolution), and 1/(1 - sum r_i/(p + a_i)) = 1 + sum_k R_k/(p + mu_k) gives
//! the kernel R(t) = sum_k R_k exp(-mu_k t): R_k > 0, and the mu_k are the roots of sum r_i/(a_i - mu) = 1, one below the
//! smallest a_i and one between any two neighbours. So the loss is a sum of positive terms, with all its digits at any
//! time and of any size.

/// One mode.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mode {
    /// a_i.
    pub decay: f64,
    /// b_i.
    pub kick: f64,
    /// c_i.
    pub share: f64,
    /// c_i T_i(0), by itself since T_i(0) may be large where c_i is small.
    pub load: f64,
}

/// mu_k as its distance from the nearest of the a_i, so that the differences a_i - mu_k keep their digits.
#[derive(Clone, Copy, Debug)]
struct Root {
    nearest: f64,
    beyond: f64,
}

impl Root {
    /// a - mu.
    fn below(&self, decay: f64) -> f64 {
        (decay - self.nearest) - self.beyond
    }

    fn value(&self) -> f64 {
        self.nearest + self.beyond
    }
}

pub(super) struct Propagator {
    modes: Vec<Mode>,
    /// s.
    floor: f64,
    roots: Vec<Root>,
    /// R_k.
    residues: Vec<f64>,
}

impl Propagator {
    pub fn new(modes: Vec<Mode>, floor: f64) -> Self {
        let poles = poles(&modes);
        let roots: Vec<Root> = (0..poles.len()).map(|k| root(&poles, k)).collect();
        let residue =
            |root: &Root| 1.0 / poles.iter().map(|&(a, r)| r / (root.below(a) * root.below(a))).sum::<f64>();
        Self { residues: roots.iter().map(residue).collect(), modes, floor, roots }
    }

    /// Factors of [`Self::kicked`] for the sum of q_i T_i: R_k sum_i q_i b_i/(a_i - mu_k).
    pub fn factors(&self, weights: impl Iterator<Item = f64>) -> Vec<f64> {
        let sources: Vec<(f64, f64)> =
            weights.zip(&self.modes).map(|(q, m)| (m.decay, q * m.kick)).filter(|s| s.1 != 0.0).collect();
        let factor = |root: &Root| sources.iter().map(|&(a, b)| b / root.below(a)).sum::<f64>();
        self.roots.iter().zip(&self.residues).map(|(root, residue)| residue * factor(root)).collect()
    }

    /// Psi - s of the start alone, without kicks.
    pub fn forcing(&self, t: f64) -> f64 {
        self.modes.iter().map(|m| m.load * libm::exp(-m.decay * t)).sum()
    }

    /// exp(-mu_k t) * F for every k.
    pub fn kicked(&self, t: f64) -> Vec<f64> {
        let left: Vec<f64> = self.modes.iter().map(|m| libm::exp(-m.decay * t)).collect();
        let one = |root: &Root| {
            let (mu, own) = (root.value(), libm::exp(-root.value() * t));
            let start = self.modes.iter().zip(&left).filter(|(m, _)| m.load > 0.0);
            let start: f64 =
                start.map(|(m, left)| m.load * convolution(root.below(m.decay), own, *left, t)).sum();
            // A constant is a mode that does not decay.
            let steady = if self.floor > 0.0 { self.floor * convolution(-mu, own, 1.0, t) } else { 0.0 };
            start + steady
        };
        self.roots.iter().map(one).collect()
    }

    /// What the kicks add to Psi.
    pub fn added(&self, kicked: &[f64]) -> f64 {
        self.residues.iter().zip(kicked).map(|(r, g)| r * g).sum()
    }
}

/// (exp(-mu t) - exp(-a t)) / (a - mu), given a - mu and both exponentials.
fn convolution(difference: f64, of_root: f64, of_mode: f64, t: f64) -> f64 {
    let x = difference * t;
    if x == 0.0 {
        t * of_root
    } else if x.abs() < 0.5 {
        -of_root * libm::expm1(-x) / difference
    } else {
        (of_root - of_mode) / difference
    }
}

/// a_i and r_i of the modes that kick, ascending, equal ones together.
fn poles(modes: &[Mode]) -> Vec<(f64, f64)> {
    let mut list: Vec<(f64, f64)> =
        modes.iter().map(|m| (m.decay, m.kick * m.share)).filter(|p| p.1 > 0.0).collect();
    list.sort_by(|x, y| x.0.total_cmp(&y.0));
    list.dedup_by(|next, kept| {
        let equal = next.0 == kept.0;
        if equal {
            kept.1 += next.1;
        }
        equal
    });
    list
}

const MOST_ITERATIONS: usize = 400;

/// The root below pole k, and above pole k - 1 if there is one.
///
/// With a_o the pole nearest to it and x = mu - a_o, x (1 - sum_(i != o) r_i/(a_i - a_o - x)) + r_o = 0: free of the pole,
/// so that Newton's method converges from afar. The sign of the function keeps the root enclosed.
fn root(poles: &[(f64, f64)], k: usize) -> Root {
    let total: f64 = poles.iter().map(|p| p.1).sum();
    let half = if k == 0 { total } else { 0.5 * (poles[k].0 - poles[k - 1].0) };
    let sum = |o: usize, x: f64| {
        let (mut s, mut slope) = (1.0, 0.0);
        for (i, &(a, r)) in poles.iter().enumerate() {
            if i != o {
                let term = r / (a - poles[o].0 - x);
                s -= term;
                slope -= term / (a - poles[o].0 - x);
            }
        }
        (s, slope)
    };
    let above_middle = k == 0 || sum(k, -half).0 - poles[k].1 / half > 0.0;
    let (o, far) = if above_middle { (k, -half) } else { (k - 1, half) };
    // The function is r_o > 0 at `near` = 0, and at most 0 at `far`.
    let (mut near, mut far) = (0.0, far);
    let mut x = 0.5 * far;
    for _ in 0..MOST_ITERATIONS {
        let (s, slope) = sum(o, x);
        let value = x * s + poles[o].1;
        if value > 0.0 {
            near = x
        } else {
            far = x
        }
        let newton = x - value / (s + x * slope);
        let narrow = (far - near).abs() <= 2.0 * f64::EPSILON * far.abs();
        if narrow || (newton - x).abs() <= 2.0 * f64::EPSILON * x.abs() {
            break;
        }
        let inside = newton > near.min(far) && newton < near.max(far);
        x = if inside { newton } else { 0.5 * (near + far) };
    }
    Root { nearest: poles[o].0, beyond: x }
}
