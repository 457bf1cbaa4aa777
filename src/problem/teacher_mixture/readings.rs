//! What can be read off the order parameters: the observables of the problem, and their values.

use super::{Overlaps, TeacherMixture, risk};
use crate::problem::ObservableInfo;

/// One observable; indices from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    Loss,
    GroupLoss(usize),
    Error,
    GroupError(usize),
    LossGap,
    ErrorGap,
    RelativeGap,
    CrossingTime,
    Q,
    R(usize),
    M(usize),
    Bias,
    MeanAlignment(usize),
    TeacherAlignment(usize),
}

/// Losses and classification errors of all sub-populations, however they were measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Groups {
    pub loss: Vec<f64>,
    pub error: Vec<f64>,
}

impl Groups {
    /// From overlaps, by the population formulas.
    ///
    /// # Errors
    /// The negative minor of overlaps that are no covariance.
    pub fn of(problem: &TeacherMixture, overlaps: &Overlaps) -> Result<Self, f64> {
        let groups = 0..problem.groups();
        Ok(Self {
            loss: groups.clone().map(|c| risk::group_loss(problem, overlaps, c)).collect(),
            error: groups.map(|c| risk::group_error(problem, overlaps, c)).collect::<Result<_, _>>()?,
        })
    }
}

impl Reading {
    /// Reads `loss`, `group_loss[2]`, `R[1]`; indices from 1.
    pub fn parse(name: &str, groups: usize) -> Option<Self> {
        Some(match name {
            "loss" => Self::Loss,
            "classification_error" => Self::Error,
            "loss_gap" if groups > 1 => Self::LossGap,
            "error_gap" if groups > 1 => Self::ErrorGap,
            "relative_gap" if groups > 1 => Self::RelativeGap,
            "crossing_time" if groups > 1 => Self::CrossingTime,
            "Q" => Self::Q,
            "b" => Self::Bias,
            _ => {
                let (family, index) = name.strip_suffix(']')?.split_once('[')?;
                let c = index.parse::<usize>().ok()?.checked_sub(1).filter(|&c| c < groups)?;
                match family {
                    "group_loss" => Self::GroupLoss(c),
                    "group_error" => Self::GroupError(c),
                    "R" => Self::R(c),
                    "M" => Self::M(c),
                    "mean_alignment" => Self::MeanAlignment(c),
                    "teacher_alignment" => Self::TeacherAlignment(c),
                    _ => return None,
                }
            }
        })
    }

    /// Whether the value needs losses or classification errors.
    pub fn needs_groups(self) -> bool {
        use Reading::{Error, ErrorGap, GroupError, GroupLoss, Loss, LossGap, RelativeGap};
        matches!(self, Loss | GroupLoss(_) | Error | GroupError(_) | LossGap | ErrorGap | RelativeGap)
    }

    /// The value at these overlaps; not a number for the crossing time, which is a matter of the whole course.
    pub fn value(self, problem: &TeacherMixture, overlaps: &Overlaps, groups: &Groups) -> f64 {
        let gap = |of: &[f64]| of[0] - of[1];
        match self {
            Self::Loss => risk::total(problem, |c| groups.loss[c]),
            Self::GroupLoss(c) => groups.loss[c],
            Self::Error => risk::total(problem, |c| groups.error[c]),
            Self::GroupError(c) => groups.error[c],
            Self::LossGap => gap(&groups.loss),
            Self::ErrorGap => gap(&groups.error),
            Self::RelativeGap => match groups.loss[0] + groups.loss[1] {
                0.0 => 0.0,
                sum => gap(&groups.loss) / sum,
            },
            Self::CrossingTime => f64::NAN,
            Self::Q => overlaps.q,
            Self::R(c) => overlaps.r[c],
            Self::M(c) => overlaps.m[c],
            Self::Bias => overlaps.b,
            Self::MeanAlignment(c) => cosine(overlaps.m[c], overlaps.q, overlaps.u[(c, c)]),
            Self::TeacherAlignment(c) => cosine(overlaps.r[c], overlaps.q, overlaps.t[(c, c)]),
        }
    }
}

/// Cosine of an angle from an overlap and two squared lengths; 0 with a vector of no length.
fn cosine(overlap: f64, a: f64, b: f64) -> f64 {
    if a > 0.0 && b > 0.0 { overlap / (a * b).sqrt() } else { 0.0 }
}

pub(super) fn observables(problem: &TeacherMixture) -> Vec<ObservableInfo> {
    let groups = problem.groups();
    let entry = |name, label, doc, shape, positive| ObservableInfo {
        name,
        label,
        doc,
        shape,
        positive,
        symmetric: false,
    };
    let family = |name, label, doc| entry(name, label, doc, vec![groups], name.starts_with("group_"));
    let mut list = vec![
        entry("loss", "loss", "half the mean squared error over all sub-populations", vec![], true),
        family("group_loss", "$ε$", "half the mean squared error of a sub-population"),
        entry(
            "classification_error",
            "classification error",
            "probability that student output and teacher field have opposite signs",
            vec![],
            true,
        ),
        family("group_error", "$P$^{err}", "the same within a sub-population"),
    ];
    if groups > 1 {
        list.extend([
            entry("loss_gap", "$ε$_{1} − $ε$_{2}", "loss of the first minus that of the second sub-population; negative where the first is favoured", vec![], false),
            entry("error_gap", "gap of the classification errors, 1 − 2", "the same for the classification errors", vec![], false),
            entry("relative_gap", "($ε$_{1} − $ε$_{2}) / ($ε$_{1} + $ε$_{2})", "gap of the losses of the first two sub-populations relative to their sum", vec![], false),
            entry("crossing_time", "crossing time", "latest time at which the losses of the first two sub-populations changed places, from when on the present one is favoured; 0 if they never did", vec![], false),
        ]);
    }
    list.extend([
        entry("Q", "$Q$", "|W|^2/d of the student", vec![], false),
        family("R", "$R$", "overlap W.W_T^c/d with the teacher of a sub-population"),
        family("M", "$M$", "overlap W.mu_c/d with the mean of a sub-population"),
        entry("b", "$b$", "bias of the student", vec![], false),
        family(
            "mean_alignment",
            "$α$^{μ}",
            "cosine between student and mean of a sub-population, the spurious feature; 0 for W = 0",
        ),
        family(
            "teacher_alignment",
            "$α$^{T}",
            "cosine between student and teacher of a sub-population; 0 for W = 0",
        ),
    ]);
    list
}
