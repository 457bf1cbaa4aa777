//! SGD for least squares on drawn samples: fresh ones, or those of one data set.
//!
//! A replica moves the gap w - w* in the eigenbasis of H, where inputs have independent coordinates. Fresh samples
//! cost one pass of the Gaussian generator and two over the gap; a data set is drawn once, sample by sample in
//! memory, and every update reads one sample twice.

mod passes;
mod stability;

use super::dense::{add, dot};
use super::{Measure, Replica, SimulationError};
use crate::problem::Start;
use crate::problem::scaling::OnePassStep;
use crate::problem::streaming_sgd::{Find, Moments, Rule, StreamingSgd};
use crate::rng::{Gaussians, Stream};
use crate::trajectory::{Curve, End};
use passes::DataSet;
use std::time::Instant;

/// Coordinates between two questions whether to stop: some milliseconds.
const WORK_BETWEEN_POLLS: usize = 1 << 22;

/// Weights, and what the updates need beside them.
struct Learner<'a> {
    problem: &'a StreamingSgd,
    /// Eigenvalues of H, their roots, and whether all are 1.
    variances: Vec<f64>,
    deviations: Vec<f64>,
    white: bool,
    /// w - w*.
    gap: Vec<f64>,
    /// b_0^2 + sum of |gradient|^2 / d^2.
    accumulated: f64,
    /// 1/d.
    slow: f64,
}

impl<'a> Learner<'a> {
    fn new(problem: &'a StreamingSgd, d: usize) -> Self {
        let variances = problem.spectrum.eigenvalues(d);
        Self {
            problem,
            deviations: variances.iter().map(|v| v.sqrt()).collect(),
            white: variances.iter().all(|&v| v == 1.0),
            variances,
            gap: problem.target.squares(d).iter().map(|c| -c.sqrt()).collect(),
            accumulated: match problem.rule {
                Rule::Constant => 0.0,
                Rule::AdaGradNorm { offset } => offset * offset,
            },
            slow: OnePassStep::new(d).slow,
        }
    }

    /// gamma of the next update before its gradient is known.
    fn rate(&self) -> f64 {
        match self.problem.rule {
            Rule::Constant => self.problem.learning_rate,
            Rule::AdaGradNorm { .. } => self.problem.learning_rate / self.accumulated.sqrt(),
        }
    }

    /// One update with a gradient (already averaged).
    fn descend(&mut self, gradient: &[f64]) {
        if let Rule::AdaGradNorm { .. } = self.problem.rule {
            self.accumulated += squared(gradient) * self.slow * self.slow;
        }
        let step = self.rate() * self.slow;
        add(&mut self.gap, -step, gradient);
    }

    /// Half the mean squared error without label noise.
    fn excess(&self) -> f64 {
        0.5 * self.gap.iter().zip(&self.variances).map(|(g, v)| v * g * g).sum::<f64>()
    }

    /// Turns standard normal numbers into a sample.
    fn colour(&self, sample: &mut [f64]) {
        if !self.white {
            sample.iter_mut().zip(&self.deviations).for_each(|(x, s)| *x *= s);
        }
    }
}

fn squared(x: &[f64]) -> f64 {
    dot(x, x)
}

/// Fresh samples.
struct Source {
    inputs: Box<Gaussians>,
    noise: Box<Gaussians>,
    sample: Vec<f64>,
    gradient: Vec<f64>,
}

impl Source {
    fn new(d: usize, stream: &Stream) -> Self {
        Self {
            inputs: Box::new(stream.child("data").gaussians()),
            noise: Box::new(stream.child("label-noise").gaussians()),
            sample: vec![0.0; d],
            gradient: vec![0.0; d],
        }
    }

    fn update(&mut self, learner: &mut Learner) {
        let problem = learner.problem;
        let share = 1.0 / problem.batch as f64;
        if problem.batch > 1 {
            self.gradient.fill(0.0);
        }
        for _ in 0..problem.batch {
            self.inputs.fill(&mut self.sample);
            learner.colour(&mut self.sample);
            let residual = dot(&self.sample, &learner.gap) - problem.noise_std * self.noise.next();
            if problem.batch == 1 {
                if problem.rule == Rule::Constant {
                    add(&mut learner.gap, -problem.learning_rate * learner.slow * residual, &self.sample);
                    return;
                }
                self.sample.iter_mut().for_each(|x| *x *= residual);
                std::mem::swap(&mut self.sample, &mut self.gradient);
            } else {
                add(&mut self.gradient, share * residual, &self.sample);
            }
        }
        learner.descend(&self.gradient);
    }
}

pub(super) fn start(problem: &StreamingSgd, size: usize, stream: &Stream) -> Result<Start, SimulationError> {
    match problem.moments {
        Moments::Data if problem.find != Find::Course => {
            Ok(Start::Samples(Box::new(DataSet::new(problem, size, stream)?.rows())))
        }
        Moments::Data => Ok(Start::Data(Box::new(DataSet::new(problem, size, stream)?.measured(problem)?))),
        Moments::Limit | Moments::Gaussian => Ok(Start::Size(size)),
    }
}

pub(super) fn replica(
    problem: &StreamingSgd,
    size: usize,
    measure: &Measure,
    stream: &Stream,
    stop: &dyn Fn() -> bool,
) -> Result<Replica, SimulationError> {
    let clock = Instant::now();
    super::check_times(measure)?;
    if size == 0 {
        return Err(SimulationError::TooSmall { size, needed: 1 });
    }
    if let Find::LargestStableRate { walkers, duration } = problem.find {
        let search = stability::Search { walkers, duration };
        return search.replica(problem, size, measure, stream, stop);
    }
    let mut learner = Learner::new(problem, size);
    let mut data = match problem.samples(size) {
        None => None,
        Some(_) => Some(DataSet::new(problem, size, stream)?),
    };
    let start = match &data {
        Some(data) if problem.moments == Moments::Data => Start::Data(Box::new(data.measured(problem)?)),
        _ => Start::Size(size),
    };
    let mut source = Source::new(size, stream);
    let mut curve = Curve::new(measure.observables);
    let first = learner.excess() + 0.5 * problem.noise_std * problem.noise_std;
    let between_polls = (WORK_BETWEEN_POLLS / (size * problem.batch)) as u64 + 1;
    let mut updates = 0;
    for &time in measure.times {
        let wanted = problem.updates_at(time, size);
        while updates < wanted {
            if updates % between_polls == 0 && stop() {
                return Err(SimulationError::Interrupted);
            }
            match &mut data {
                Some(data) => data.update(&mut learner),
                None => source.update(&mut learner),
            }
            updates += 1;
        }
        let now = problem.time_of(updates, size);
        let mut values = Vec::with_capacity(measure.observables.len());
        for name in measure.observables {
            values.push(observe(&learner, data.as_ref(), name, first, now)?);
        }
        if let Some(o) = values.iter().position(|v: &f64| !v.is_finite()) {
            let reason = format!("{} is {}", measure.observables[o], values[o]);
            curve.end = End::Diverged { time: curve.times.last().copied().unwrap_or(0.0), reason };
            break;
        }
        curve.push(now, &values);
    }
    curve.work.updates = updates;
    curve.work.seconds = clock.elapsed().as_secs_f64();
    Ok(Replica { curve, start })
}

fn observe(
    learner: &Learner,
    data: Option<&DataSet>,
    name: &str,
    first: f64,
    time: f64,
) -> Result<f64, SimulationError> {
    let risk = || learner.excess() + 0.5 * learner.problem.noise_std * learner.problem.noise_std;
    Ok(match (name, data) {
        ("risk", _) => risk(),
        ("excess_risk", _) => learner.excess(),
        ("distance", _) => squared(&learner.gap),
        ("rate", _) => learner.rate(),
        ("log_risk", _) => libm::log(risk()),
        ("growth_rate", _) if time == 0.0 => 0.0,
        ("growth_rate", _) => libm::log(risk() / first) / time,
        ("training_loss", Some(data)) => data.loss(learner),
        _ => return Err(SimulationError::UnknownObservable(name.to_string())),
    })
}
