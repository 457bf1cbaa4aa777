//! The verdict in plain words.

use super::{Decides, Finding, Gap, Metric, Outcome, Place, Verdict};
use std::fmt;

impl Verdict {
    /// The verdict in one line of a table: outcome, resolution, largest gap, and what is in the way.
    ///
    /// [`Verdict::sentence`] adds the evidence and every remark.
    pub fn headline(&self) -> String {
        let word = match self.outcome {
            Outcome::Confirmed => "confirmed",
            Outcome::Refuted => "REFUTED",
            Outcome::Undecided => "undecided",
        };
        let mut line = format!("{word:9}  within {}", percent(self.terms.resolution));
        if let Some(largest) = &self.largest {
            line += &format!(", largest gap {}", percent(largest.gap));
            if let Some((low, high)) = largest.band {
                line += &format!(" [{}, {}]", percent(low), percent(high));
            }
        }
        match self.decides {
            Some(Decides::Replicas { replicas }) => {
                line += &format!("; about {replicas} replicas would decide")
            }
            Some(Decides::AtResolution) => line += "; the gap sits at the resolution",
            Some(Decides::LawError) => line += "; the law's own error is too large",
            None => {}
        }
        for finding in self.findings.iter().filter(|f| f.refutes() || f.prevents_confirmation()) {
            line += &format!("; {finding}");
        }
        line
    }

    /// The verdict for a person: what was decided, on which evidence, and what limits it.
    pub fn sentence(&self) -> String {
        let unit = match self.terms.metric {
            Metric::Relative => "of the law",
            Metric::Absolute => "of the law's range",
        };
        let resolution = format!("{} {unit}", percent(self.terms.resolution));
        let evidence = format!(
            "{} simultaneous band over {} and {}",
            percent(self.terms.level),
            counted(self.points, "point"),
            counted(self.replicas, "replica")
        );
        let mut sentences = vec![match (self.outcome, &self.deciding) {
            (Outcome::Confirmed, _) => {
                format!("confirmed: simulation and law agree within {resolution} ({evidence})")
            }
            (Outcome::Refuted, Some(deciding)) if !self.findings.iter().any(Finding::refutes) => {
                format!("refuted: {} lies outside {resolution} ({evidence})", gap(deciding))
            }
            (Outcome::Refuted, _) => "refuted: one road diverges where the other does not".to_string(),
            (Outcome::Undecided, Some(_)) if self.points > 0 => {
                format!(
                    "undecided: the data neither exclude nor establish a gap of {resolution} ({evidence})"
                )
            }
            (Outcome::Undecided, _) => "undecided".to_string(),
        }];
        if let Some(largest) = &self.largest {
            sentences.push(format!("largest gap: {}", gap(largest)));
        }
        if let (Outcome::Undecided, Some(deciding)) = (self.outcome, &self.deciding)
            && self.largest.as_ref().is_none_or(|largest| largest.place != deciding.place)
        {
            sentences.push(format!("least certain: {}", gap(deciding)));
        }
        if self.points > 0 && self.law_error > 0.0 {
            sentences.push(format!("the law's own numerical error is at most {}", percent(self.law_error)));
        }
        sentences.extend(self.decides.map(|decides| {
            match decides {
                Decides::Replicas { replicas } => format!("about {replicas} replicas would decide"),
                Decides::AtResolution => {
                    "no number of replicas decides: the gap sits at the resolution".to_string()
                }
                Decides::LawError => "no number of replicas decides: the law's own error reaches across the \
                                  resolution, so tighten its tolerance"
                    .to_string(),
            }
        }));
        sentences.extend(self.findings.iter().map(|finding| match (finding, &self.skewness) {
            (Finding::Skewed, Some(skewness)) => format!(
                "warning: the replicas are skewed ({} at {}), so the band covers less than stated; more \
                 replicas, or a range of x that leaves this point out, would mend it",
                number(skewness.value),
                skewness.place
            ),
            _ => finding.to_string(),
        }));
        sentences.join("; ")
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.observable)?;
        if !self.series.is_empty() {
            write!(f, " of {}", self.series)?;
        }
        write!(f, " (size {}) at x = {}", self.size, number(self.x))
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Finding::ReplicasDiverged { from, diverged, replicas } => {
                write!(f, "{diverged} of {replicas} replicas diverged where the law does not: {from}")
            }
            Finding::LawDiverged { from, replicas } => {
                write!(f, "the law diverges where {} did not: {from}", counted(*replicas, "replica"))
            }
            Finding::DivergedApart { from } => write!(
                f,
                "law and replicas both diverge, but not together, so nothing is decided from {from}; a \
                 claimed range that ends before it would be tested"
            ),
            Finding::OutsideClaim { from } => {
                write!(f, "law and replicas both diverge: outside the claim from {from}")
            }
            Finding::NotPositive { at } => {
                write!(f, "a value is not positive ({at}), so ratios were compared instead of logarithms")
            }
            Finding::LawIsZero { at } => write!(
                f,
                "the law is exactly 0 ({at}), where a relative gap has no meaning; use metric = \"absolute\" or \
                 leave the point out of the claimed range"
            ),
            Finding::GapUndefined { at } => {
                write!(f, "the gap or the law's error is not a finite number ({at})")
            }
            Finding::TooFewReplicas { replicas, needed } => write!(
                f,
                "{} cannot carry a band: at least {needed} are needed",
                counted(*replicas, "replica")
            ),
            Finding::NoBand { replicas } => write!(
                f,
                "the signs of {replicas} replicas give no finite band for these data; more replicas would"
            ),
            Finding::NothingToCompare { why } => write!(f, "nothing to compare: {why}"),
            Finding::Skewed => write!(f, "warning: the replicas are skewed"),
        }
    }
}

fn gap(gap: &Gap) -> String {
    let value = signed(gap.gap);
    match gap.band {
        Some((low, high)) => format!("{value} (band {} to {}) in {}", signed(low), signed(high), gap.place),
        None => format!("{value} in {}", gap.place),
    }
}

fn counted(n: usize, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}

/// A fraction in percent, or, where percents are no longer read, as a multiple of the unit.
fn percent(x: f64) -> String {
    if x.abs() < 100.0 { format!("{} %", number(100.0 * x)) } else { format!("{} times the unit", number(x)) }
}

fn signed(x: f64) -> String {
    if x > 0.0 { format!("+{}", percent(x)) } else { percent(x) }
}

/// Three significant digits, in plain notation where that is short.
fn number(x: f64) -> String {
    let text = format!("{x:.2e}");
    match text.parse::<f64>() {
        Ok(rounded) if rounded == 0.0 || (1e-3..1e6).contains(&rounded.abs()) => format!("{rounded}"),
        _ => text,
    }
}
