//! The smallest generalisation error along a path.
//!
//! The flow is one smooth curve. Updates are two, after even and after odd numbers k of them: on each (1 - eta l)^k is
//! +-|1 - eta l|^k, smooth in k where 1 - eta l < 0 as well. A sum of exponentials e^(-r t) over a range of rates varies
//! on the scale of t itself, so minima are bracketed by the signs of the slope on a geometric grid; the first updates
//! are looked at one by one.

use super::{Law, Mode, upper_edge};
use crate::theory::LawError;

/// Slopes per decade of time: a minimum and a maximum less than 8 % apart may be missed, both of them.
const PER_DECADE: f64 = 30.0;

/// Where the grid of the flow begins, in units of the shortest time of the spectrum.
const FIRST: f64 = 1e-3;

/// Updates that are looked at one by one.
const LISTED: u32 = 64;

/// Rounding of a sum over modes, relative to the sum of the moduli of its terms.
const ROUNDING: f64 = 1e-13;

/// Where the search ends at the latest: shares of the flow are resolved up to there, updates are whole numbers.
const LATEST: [f64; 2] = [1e18, 1e15];

/// The smallest error along a run, up to every time of it: exact for the first 64 updates and for all smooth curves
/// whose extrema are 8 % apart in time, to the last bit of the flow's time and to one update.
#[derive(Clone, Debug)]
pub struct Stop {
    /// Clocks of minima in order, every error below those before.
    minima: Vec<f64>,
}

impl Stop {
    /// Of the path up to `time`. Of steps, for those that do not diverge.
    pub fn new(law: &Law, time: f64) -> Self {
        let end = law.clock(time);
        let mut clocks = vec![0.0];
        if law.step.is_some() {
            clocks.extend((1..=LISTED).map(f64::from).take_while(|&k| k <= end));
            for parity in [0.0, 1.0] {
                let path = Path { law, parity };
                for clock in path.minima(end) {
                    let below = 2.0 * ((clock - parity) / 2.0).floor() + parity;
                    clocks.extend([below, below + 2.0].iter().filter(|&&k| k <= end));
                }
            }
        } else {
            clocks.extend(Path { law, parity: 0.0 }.minima(end));
        }
        clocks.sort_by(f64::total_cmp);
        let mut minima = vec![0.0];
        for clock in clocks {
            if law.rise(*minima.last().expect("the start"), clock) < 0.0 {
                minima.push(clock);
            }
        }
        Self { minima }
    }

    /// Clock of the smallest error up to `end`: at a minimum, or where the path ends, updates of both parities.
    fn best(&self, law: &Law, end: f64) -> f64 {
        let count = self.minima.partition_point(|&clock| clock <= end);
        let before = if law.step.is_some() { (end - 1.0).max(0.0) } else { end };
        let lower = |best: f64, clock: f64| if law.rise(best, clock) < 0.0 { clock } else { best };
        [before, end].into_iter().fold(self.minima[count - 1], lower)
    }

    /// Time and value of the smallest error up to `time`, the first of equal ones.
    ///
    /// # Errors
    /// As [`Law::at`].
    pub fn until(&self, law: &Law, time: f64) -> Result<(f64, f64), LawError> {
        let best = self.best(law, law.clock(time));
        Ok((best * law.step.unwrap_or(1.0), law.at_clock(best)?.generalisation))
    }
}

/// A sum over modes and the sum of the moduli of its terms.
#[derive(Default)]
struct Balance {
    sum: f64,
    size: f64,
}

impl Balance {
    /// 0 if rounding is all there is.
    fn value(&self) -> f64 {
        if self.sum.abs() <= ROUNDING * self.size { 0.0 } else { self.sum }
    }
}

impl Law {
    /// Data modes at half the coarsest step, and the directions that no sample has.
    fn modes(&self) -> impl Iterator<Item = Mode> {
        let half = |mode: &Mode| Mode { weight: 0.5 * mode.weight, ..*mode };
        self.levels[..2].iter().flatten().map(half).chain([self.outside()])
    }

    /// Half the derivative of a mode's error in its share, affine in it: bias, and the noise that is learnt.
    fn force(&self, mode: &Mode, share: f64) -> (f64, f64) {
        let Mode { eigenvalue: l, inverse, .. } = *mode;
        if l == 0.0 {
            return (self.start * share, 0.0);
        }
        let left = l * inverse * inverse;
        (
            self.teacher * (self.decay + share * l) * left + self.start * share,
            self.learnt * (1.0 - share) * left,
        )
    }

    /// Adds `change` of a share whose mean on the way is `share`; moduli are at most `sizes`.
    fn weigh(&self, mode: &Mode, [change, share]: [f64; 2], sizes: [f64; 2], balance: &mut Balance) {
        let (bias, noise) = self.force(mode, share);
        balance.sum += 2.0 * mode.weight * change * (bias - noise);
        balance.size += 2.0 * mode.weight * sizes[0] * (self.force(mode, sizes[1]).0 + noise);
    }

    /// E_g at clock `to` less E_g at clock `from`, without the cancellation where both are almost at the end; 0 if
    /// nothing is left but rounding.
    fn rise(&self, from: f64, to: f64) -> f64 {
        let mut balance = Balance::default();
        for mode in self.modes() {
            let (first, second) = (mode.share(from), mode.share(to));
            let size = first.abs() + second.abs();
            let moved = [second - first, 0.5 * (first + second)];
            self.weigh(&mode, moved, [size, 0.5 * size], &mut balance);
        }
        balance.value()
    }
}

/// The flow, or the updates of one parity with their number as a real one.
struct Path<'a> {
    law: &'a Law,
    parity: f64,
}

impl Path<'_> {
    fn slope(&self, clock: f64) -> f64 {
        let mut balance = Balance::default();
        for mode in self.law.modes() {
            let size = if clock == 0.0 { 1.0 } else { libm::exp(mode.speed * clock) };
            if size == 0.0 {
                continue;
            }
            let share = if mode.alternates && self.parity == 1.0 { -size } else { size };
            let moved = [share * mode.speed, share];
            self.law.weigh(&mode, moved, [-size * mode.speed, size], &mut balance);
        }
        balance.value()
    }

    /// Minima up to the clock `end`, to the last bit for the flow and to one update for steps.
    fn minima(&self, end: f64) -> Vec<f64> {
        let (start, first, width) = match self.law.step {
            Some(_) => (f64::from(LISTED), f64::from(LISTED), 1.0),
            None => (0.0, FIRST / (upper_edge(self.law.ratio) + self.law.decay), 0.0),
        };
        let count = (PER_DECADE * libm::log10(end / first)).ceil().max(0.0) as i32;
        let grid = (0..count).map(|i| first * libm::exp10(f64::from(i) / PER_DECADE));
        let (mut found, mut falls) = (Vec::new(), None);
        for clock in [start].into_iter().chain(grid).chain([end]).filter(|&clock| clock <= end) {
            let slope = self.slope(clock);
            if slope < 0.0 {
                falls = Some(clock);
            } else if slope > 0.0
                && let Some(low) = falls.take()
            {
                found.push(self.root(low, clock, width));
            }
        }
        found
    }

    /// Bisection for a slope that is negative at `low` and positive at `high`.
    fn root(&self, mut low: f64, mut high: f64, width: f64) -> f64 {
        while high - low > width {
            let middle = 0.5 * (low + high);
            if middle <= low || middle >= high {
                break;
            }
            if self.slope(middle) < 0.0 { low = middle } else { high = middle }
        }
        0.5 * (low + high)
    }
}

/// Clock after which no slope changes its sign any more, or what is left of the start is below e^-50.
///
/// Without decay a mode is at its best at t = ln(1 + S l) / l <= S. Steps with eta l near 2 at the upper edge keep
/// their sign within a million updates.
fn horizon(law: &Law) -> f64 {
    const GONE: f64 = 50.0;
    let lower = (1.0 - law.ratio).powi(2) / upper_edge(law.ratio);
    let slowest = if law.unspanned() > 0.0 && law.decay > 0.0 { law.decay } else { lower + law.decay };
    let signal = 4.0 * (law.teacher + law.start) / law.learnt;
    let time = if law.decay == 0.0 { signal.min(GONE / slowest) } else { GONE / slowest };
    let Some(step) = law.step else { return time };
    let length = step * (upper_edge(law.ratio) + law.decay);
    let edge = if length > 1.0 { (-GONE / libm::log(length - 1.0)).min(1e6) } else { 0.0 };
    (time / step).ceil().max(edge.ceil()).max(2.0)
}

/// The time at which E_g is smallest over all times, among whole updates for steps; `None` if that is t -> infinity.
/// See [`Stop`] for what the search resolves.
///
/// # Errors
/// [`LawError::Integration`] for steps that diverge, and if the error still falls at t = 1e18, after 1e15 updates, but
/// rises in the end.
pub fn optimal_time(law: &Law) -> Result<Option<f64>, LawError> {
    if let Some(reason) = law.divergence() {
        return Err(LawError::Integration { reason });
    }
    let (step, whole) = (law.step.unwrap_or(1.0), law.step.is_some());
    let (wanted, latest) = (horizon(law), LATEST[usize::from(whole)]);
    let end = wanted.min(latest);
    let best = Stop::new(law, end * step).best(law, end);
    let last = if whole { end - 1.0 } else { end };
    if best < last || best == 0.0 {
        return Ok(Some(best * step));
    }
    if wanted > latest && law.learnt > 0.0 {
        let reason = format!("the error falls up to t = {:e}, beyond which nothing is resolved", end * step);
        return Err(LawError::Integration { reason });
    }
    Ok(None)
}
