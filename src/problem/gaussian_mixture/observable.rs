//! Observables by name.

use super::GaussianMixture;

/// One observable of the problem, indices from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Observable {
    Overlap,
    SquaredLength,
    TrainingLoss,
    TrainingAccuracy,
    TestError,
    Distance,
    Correlation(usize),
    Response(usize),
    EffectiveTemperature(usize),
}

impl Observable {
    /// The observable of this name, if the problem has it.
    pub fn parse(problem: &GaussianMixture, name: &str) -> Option<Self> {
        match name {
            "m" => return Some(Self::Overlap),
            "C" => return Some(Self::SquaredLength),
            "training_loss" => return Some(Self::TrainingLoss),
            "training_accuracy" => return problem.classifies().then_some(Self::TrainingAccuracy),
            "test_error" => return Some(Self::TestError),
            "distance" => return problem.fork_time.map(|_| Self::Distance),
            _ => {}
        }
        let (family, index) = name.strip_suffix(']')?.split_once('[')?;
        let i = index.parse::<usize>().ok()?.checked_sub(1)?;
        match family {
            _ if i >= problem.correlation_times.len() => None,
            "correlation" => Some(Self::Correlation(i)),
            "response" => problem.response.then_some(Self::Response(i)),
            "effective_temperature" => problem.response.then_some(Self::EffectiveTemperature(i)),
            _ => None,
        }
    }

    /// The position of the time t' that it needs, if it needs one.
    pub fn reference(self) -> Option<usize> {
        match self {
            Self::Correlation(i) | Self::Response(i) | Self::EffectiveTemperature(i) => Some(i),
            _ => None,
        }
    }

    /// Whether it needs the response.
    pub fn needs_response(self) -> bool {
        matches!(self, Self::Response(_) | Self::EffectiveTemperature(_))
    }
}
