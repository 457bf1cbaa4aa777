//! Driving a law through its times, and the times that it spends below a threshold.

use super::super::LawError;
use super::observables::{Observable, Reader, State};
use crate::trajectory::{Curve, End};

/// A law that moves forward in time.
pub trait Motion: Clone {
    /// Moves on to a later time.
    ///
    /// # Errors
    /// The time and the reason of a divergence; errors of other kinds end the law.
    fn advance(&mut self, time: f64) -> Result<(), Stopped>;
    fn state(&self) -> State;

    /// Moves through ascending times and leaves the law as it stands at each.
    ///
    /// # Errors
    /// As [`Motion::advance`].
    fn stops(&mut self, times: &[f64]) -> Result<Vec<Self>, Stopped> {
        let mut stop = |&time: &f64| {
            self.advance(time)?;
            Ok(self.clone())
        };
        times.iter().map(&mut stop).collect()
    }
}

/// Copies of a law that [`watch`] holds at once.
const STOPS: usize = 64;

/// Ratio of strides at rest.
const LONGER: f64 = 8.0;

pub enum Stopped {
    Diverged { time: f64, reason: String },
    Failed(LawError),
}

impl From<crate::linalg::LinalgError> for Stopped {
    fn from(error: crate::linalg::LinalgError) -> Self {
        Self::Failed(LawError::Integration { reason: error.to_string() })
    }
}

/// What is timed: it runs while the margin is negative.
#[derive(Clone, Copy, Debug)]
enum Watch {
    Mode {
        index: usize,
        threshold: f64,
    },
    /// Margin: threshold minus loss.
    Loss {
        threshold: f64,
    },
}

impl Watch {
    fn margin(self, reader: &Reader, state: &State) -> f64 {
        match self {
            Self::Mode { index, threshold } => reader.u(state, index) - threshold,
            Self::Loss { threshold } => threshold - reader.training_loss(state),
        }
    }
}

/// Thresholds of the two times, and the longest step over which a margin is taken to change sign once.
#[derive(Clone, Copy, Debug)]
pub struct Thresholds {
    pub fraction: f64,
    /// Loss at which the network counts as trained.
    pub loss: f64,
    pub stride: f64,
}

/// The law at all `times`.
///
/// # Errors
/// What [`Motion::advance`] fails with, short of a divergence, which ends the curve.
pub fn follow<M: Motion>(
    mut motion: M,
    reader: &Reader,
    thresholds: Thresholds,
    observables: &[Observable],
    names: &[String],
    times: &[f64],
) -> Result<(Curve, M), LawError> {
    let mut curve = Curve::new(names);
    let watches: Vec<Option<Watch>> = observables
        .iter()
        .map(|observable| match *observable {
            Observable::LearningTime(index) => {
                let threshold = thresholds.fraction * reader.frame.strengths[index];
                Some(Watch::Mode { index, threshold })
            }
            Observable::LossTime => Some(Watch::Loss { threshold: thresholds.loss }),
            _ => None,
        })
        .collect();
    let timed: Vec<Watch> = watches.iter().copied().flatten().collect();
    let mut spent = vec![0.0; timed.len()];
    let mut now = 0.0;
    for &time in times {
        let moved = if timed.is_empty() {
            motion.advance(time)
        } else {
            watch(&mut motion, reader, &timed, &mut spent, (now, time), thresholds.stride)
        };
        match moved {
            Ok(()) => now = time,
            Err(Stopped::Failed(error)) => return Err(error),
            Err(Stopped::Diverged { time, reason }) => {
                curve.end = End::Diverged { time, reason };
                break;
            }
        }
        let state = motion.state();
        let mut clocks = spent.iter();
        let mut snapshot = Vec::with_capacity(observables.len());
        for (&observable, watch) in observables.iter().zip(&watches) {
            snapshot.push(match watch {
                Some(_) => *clocks.next().expect("one clock for each watch"),
                None => reader
                    .read(&state, observable)
                    .map_err(|error| LawError::Integration { reason: error.to_string() })?,
            });
        }
        if let Some(name) = names.iter().zip(&snapshot).find(|(_, value)| !value.is_finite()) {
            let reason = format!("{} is {}", name.0, name.1);
            curve.end = End::Diverged { time: curve.times.last().copied().unwrap_or(0.0), reason };
            break;
        }
        curve.push(time, &snapshot);
    }
    Ok((curve, motion))
}

/// Moves from `from` to `to` in strides and adds to each clock the time with a negative margin. Where a whole row of
/// strides leaves the state where it was, the next ones are longer; a row of longer ones in which it moves is taken back.
fn watch<M: Motion>(
    motion: &mut M,
    reader: &Reader,
    watches: &[Watch],
    spent: &mut [f64],
    (from, to): (f64, f64),
    shortest: f64,
) -> Result<(), Stopped> {
    let (mut now, mut stride) = (from, shortest);
    let mut before = motion.clone();
    let mut state = before.state();
    while now < to {
        let strides = ((to - now) / stride).ceil().clamp(1.0, STOPS as f64);
        let place = |k: u32| if now + stride * f64::from(k) >= to { to } else { now + stride * f64::from(k) };
        let times: Vec<f64> = (1..=strides as u32).map(place).collect();
        let mut ahead = motion.clone();
        let stops = ahead.stops(&times)?;
        let rests = stops.last().is_none_or(|last| state.is_near(&last.state()));
        if !rests && stride > shortest {
            stride = (stride / LONGER).max(shortest);
            continue;
        }
        *motion = ahead;
        for (&next, stop) in times.iter().zip(stops) {
            let after = stop.state();
            for (watch, spent) in watches.iter().zip(spent.iter_mut()) {
                let ends = (watch.margin(reader, &state), watch.margin(reader, &after));
                *spent += match (ends.0 < 0.0, ends.1 < 0.0) {
                    (true, true) => next - now,
                    (false, false) => 0.0,
                    (rises, _) => {
                        let crossing = crossing(&before, reader, *watch, (now, next), ends)?;
                        if rises { crossing - now } else { next - crossing }
                    }
                };
            }
            (now, before, state) = (next, stop, after);
        }
        if rests {
            stride *= LONGER;
        }
    }
    Ok(())
}

/// The zero of a margin between two times with opposite signs: regula falsi with the Illinois rule.
fn crossing<M: Motion>(
    start: &M,
    reader: &Reader,
    watch: Watch,
    (mut a, mut b): (f64, f64),
    (mut f_a, mut f_b): (f64, f64),
) -> Result<f64, Stopped> {
    let mut side = 0;
    for _ in 0..100 {
        if b - a <= 2.0 * f64::EPSILON * b.abs() || f_a == f_b {
            break;
        }
        let c = (b - f_b * (b - a) / (f_b - f_a)).clamp(a, b);
        let mut motion = start.clone();
        motion.advance(c)?;
        let f_c = watch.margin(reader, &motion.state());
        if f_c == 0.0 || c == a || c == b {
            return Ok(c);
        }
        if (f_c < 0.0) == (f_b < 0.0) {
            (b, f_b) = (c, f_c);
            if side == 1 {
                f_a *= 0.5;
            }
            side = 1;
        } else {
            (a, f_a) = (c, f_c);
            if side == -1 {
                f_b *= 0.5;
            }
            side = -1;
        }
    }
    Ok(0.5 * (a + b))
}
