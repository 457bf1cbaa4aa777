//! What a comparison found: the outcome, its numbers, and everything that stood in the way.

use super::{Scale, Skewness, Terms};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The whole simultaneous band lies within +-resolution.
    Confirmed,
    /// Somewhere the band lies wholly outside +-resolution, or one road diverges where the other does not.
    Refuted,
    /// Neither.
    Undecided,
}

/// A point of a curve.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Place {
    pub series: String,
    /// `None` in the limit of infinite size.
    pub size: Option<usize>,
    pub observable: String,
    pub x: f64,
}

/// The gap at one point, in units of the metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gap {
    pub place: Place,
    pub gap: f64,
    /// Ends of the simultaneous band, the law's error included; `None` where no band exists.
    pub band: Option<(f64, f64)>,
    /// Numerical error of the law at this point.
    pub law_error: f64,
}

/// What would decide an undecided claim, if the gaps stay where they were measured.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Decides {
    /// About so many replicas.
    Replicas { replicas: usize },
    /// In the limit: about so many times the replicas at every size.
    Times { factor: f64 },
    /// No number of replicas: the gap sits at the resolution.
    AtResolution,
    /// No number of replicas: the law's own error keeps the band across the resolution.
    LawError,
}

/// Why a run takes no part in an extrapolation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum LeftOut {
    /// Replicas diverged at claimed points where their law does not.
    ReplicasDiverged { from: Place, diverged: usize, replicas: usize },
    /// The law diverged at claimed points where no replica of this run did.
    LawDiverged { from: Place, replicas: usize },
    /// Too few replicas for their spread.
    TooFewReplicas { replicas: usize, needed: usize },
}

/// Something that decides a claim without statistics, keeps it from being confirmed, or limits it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Finding {
    /// Replicas diverged at claimed points where their law does not diverge at all. Refutes.
    ReplicasDiverged { from: Place, diverged: usize, replicas: usize },
    /// The law diverged at claimed points that so many replicas reached without diverging. Refutes.
    LawDiverged { from: Place, replicas: usize },
    /// Law and replica both diverge at claimed points, but not together. Prevents confirmation.
    DivergedApart { from: Place },
    /// Neither road reached these points, which are outside the claim. A remark.
    OutsideClaim { from: Place },
    /// A positive observable has a value <= 0, so ratios are compared instead of logarithms. A remark.
    NotPositive { at: Place },
    /// The law is exactly 0, where a relative gap has no meaning. Prevents confirmation.
    LawIsZero { at: Place },
    /// The gap or the law's error there is not a finite number. Prevents confirmation.
    GapUndefined { at: Place },
    /// Too few replicas for a band at all. Prevents any statistical decision.
    TooFewReplicas { replicas: usize, needed: usize },
    /// The signs of so few replicas give no finite critical value. Prevents any statistical decision.
    NoBand { replicas: usize },
    /// No point that both roads reached. Prevents any decision.
    NothingToCompare { why: String },
    /// The replicas are so skewed that the band covers less than stated. A warning.
    Skewed,
    /// A size takes no part in the extrapolation. Prevents confirmation if something diverged there and no
    /// larger size was kept, for then nothing shows that the divergence goes away; a remark otherwise.
    SizeLeftOut { series: String, size: usize, why: LeftOut, smaller_than_kept: bool },
    /// A curve with one size, which cannot be extrapolated. Prevents any decision about it by statistics.
    OneSize { series: String, observable: String, size: usize },
    /// So many claimed points were recorded at one size only, this one first. Prevents confirmation.
    NotRecorded { at: Place, points: usize },
    /// No point has three sizes, so the form of the approach to the limit is assumed. A remark.
    FormUntested,
    /// The sizes contradict the form r_inf + c N^-beta, and bands are widened. Prevents confirmation where it
    /// `matters`: where the widening is a tenth of the resolution or more at some point.
    FormFails { at: Place, chi_squared: f64, p_value: f64, smallest: usize, matters: bool },
}

impl Finding {
    pub fn refutes(&self) -> bool {
        matches!(self, Finding::ReplicasDiverged { .. } | Finding::LawDiverged { .. })
    }

    pub fn prevents_confirmation(&self) -> bool {
        match self {
            Finding::SizeLeftOut { why: LeftOut::TooFewReplicas { .. }, .. } => false,
            Finding::SizeLeftOut { smaller_than_kept, .. } => !smaller_than_kept,
            Finding::OutsideClaim { .. }
            | Finding::NotPositive { .. }
            | Finding::Skewed
            | Finding::FormUntested => false,
            Finding::ReplicasDiverged { .. }
            | Finding::LawDiverged { .. }
            | Finding::DivergedApart { .. }
            | Finding::LawIsZero { .. }
            | Finding::GapUndefined { .. }
            | Finding::TooFewReplicas { .. }
            | Finding::NoBand { .. }
            | Finding::NothingToCompare { .. }
            | Finding::OneSize { .. }
            | Finding::NotRecorded { .. } => true,
            Finding::FormFails { matters, .. } => *matters,
        }
    }
}

/// One curve as judged, for figures: arrays over its compared points, in units of the metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judged {
    pub series: String,
    /// `None` in the limit of infinite size.
    pub size: Option<usize>,
    pub observable: String,
    pub scale: Scale,
    /// Fewest replicas behind a point.
    pub replicas: usize,
    pub x: Vec<f64>,
    /// The estimated gap.
    pub residual: Vec<f64>,
    /// Ends of the simultaneous band; `None` where no band exists.
    pub band: Option<Vec<(f64, f64)>>,
}

/// The answer to one claim.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    pub outcome: Outcome,
    pub terms: Terms,
    /// Fewest replicas behind any compared point; 0 if nothing was compared.
    pub replicas: usize,
    /// Compared points, over all curves.
    pub points: usize,
    /// Critical value of max abs(t); `None` where no band exists or no point has any spread.
    pub critical_value: Option<f64>,
    /// Where the estimated gap is largest.
    pub largest: Option<Gap>,
    /// The point that decides: for a refutation by the band, where it lies farthest outside; otherwise where
    /// it reaches farthest out.
    pub deciding: Option<Gap>,
    /// With the stated probability, the largest true gap over all points lies between these two.
    pub sup_gap: Option<(f64, f64)>,
    /// Largest numerical error of the law over the compared points, in units of the metric.
    pub law_error: f64,
    pub skewness: Option<Skewness>,
    /// For an undecided claim that a band exists for.
    pub decides: Option<Decides>,
    pub findings: Vec<Finding>,
    pub curves: Vec<Judged>,
}
