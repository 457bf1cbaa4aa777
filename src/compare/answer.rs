//! The answer to one claim, about finite sizes or about their limit.

use super::{Extrapolated, Outcome, Verdict};
use serde::{Deserialize, Serialize};

/// What was found about one claim.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "about", rename_all = "kebab-case")]
pub enum Answer {
    /// Every simulated size.
    Sizes(Verdict),
    /// The limit of infinite size.
    Limit(Extrapolated),
}

impl Answer {
    pub fn verdict(&self) -> &Verdict {
        match self {
            Self::Sizes(verdict) => verdict,
            Self::Limit(limit) => &limit.verdict,
        }
    }

    pub fn outcome(&self) -> Outcome {
        self.verdict().outcome
    }

    pub fn limit(&self) -> Option<&Extrapolated> {
        match self {
            Self::Sizes(_) => None,
            Self::Limit(limit) => Some(limit),
        }
    }

    /// One line for tables.
    pub fn headline(&self) -> String {
        match self {
            Self::Sizes(verdict) => verdict.headline(),
            Self::Limit(limit) => limit.headline(),
        }
    }

    /// Everything that was found, in words.
    pub fn sentence(&self) -> String {
        match self {
            Self::Sizes(verdict) => verdict.sentence(),
            Self::Limit(limit) => limit.sentence(),
        }
    }
}
