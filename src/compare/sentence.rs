//! The verdict in plain words.

use super::{Decides, Finding, Gap, LeftOut, Metric, Outcome, Place, Verdict};
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
            Some(Decides::Times { factor }) => {
                line += &format!("; about {} times the replicas would decide", number(factor))
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
        let evidence = format!(
            "{} simultaneous band over {} and {}",
            percent(self.terms.level),
            counted(self.points, "point"),
            counted(self.replicas, "replica")
        );
        self.sentences("", &evidence).join("; ")
    }

    /// All parts of the sentence, `wherever` after the outcome.
    pub(super) fn sentences(&self, wherever: &str, evidence: &str) -> Vec<String> {
        let unit = match self.terms.metric {
            Metric::Relative => "of the law",
            Metric::Absolute => "of the law's range",
        };
        let resolution = format!("{} {unit}", percent(self.terms.resolution));
        let mut sentences = vec![match (self.outcome, &self.deciding) {
            (Outcome::Confirmed, _) => {
                format!("confirmed{wherever}: simulation and law agree within {resolution} ({evidence})")
            }
            (Outcome::Refuted, Some(deciding)) if !self.findings.iter().any(Finding::refutes) => {
                format!("refuted{wherever}: {} lies outside {resolution} ({evidence})", gap(deciding))
            }
            (Outcome::Refuted, _) => {
                format!("refuted{wherever}: one road diverges where the other does not")
            }
            (Outcome::Undecided, Some(_)) if self.points > 0 => {
                format!(
                    "undecided{wherever}: the data neither exclude nor establish a gap of {resolution} \
                     ({evidence})"
                )
            }
            (Outcome::Undecided, _) => format!("undecided{wherever}"),
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
                Decides::Times { factor } => {
                    format!("about {} times the replicas at every size would decide", number(factor))
                }
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
        sentences
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.observable)?;
        if !self.series.is_empty() {
            write!(f, " of {}", self.series)?;
        }
        if let Some(size) = self.size {
            write!(f, " (size {size})")?;
        }
        write!(f, " at x = {}", number(self.x))
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
            Finding::SizeLeftOut { series, size, why, smaller_than_kept } => {
                write!(f, "size {size}{} is left out of the extrapolation: {why}", of_series(series))?;
                let diverged = !matches!(why, LeftOut::TooFewReplicas { .. });
                if diverged && !smaller_than_kept {
                    write!(f, "; no larger size shows that this goes away")?;
                }
                Ok(())
            }
            Finding::OneSize { series, observable, size } => write!(
                f,
                "{observable}{} has one size, {size}, and one size cannot be extrapolated; simulate another",
                of_series(series)
            ),
            Finding::NotRecorded { at, points } => write!(
                f,
                "{} recorded at one size only, the first being {at}; request times that every size can record, \
                 or leave them out of the claimed range",
                if *points == 1 {
                    "1 claimed point was".to_string()
                } else {
                    format!("{points} claimed points were")
                }
            ),
            Finding::FormUntested => write!(
                f,
                "two sizes determine the extrapolation but cannot test its form; a third size would"
            ),
            Finding::FormFails { at, chi_squared, p_value, smallest, .. } => write!(
                f,
                "the sizes do not follow r_inf + c N^-beta (chi^2 per degree of freedom {} for {at}, p = {}), \
                 so the smallest are too small: leave out size {smallest}",
                number(*chi_squared),
                number(*p_value)
            ),
        }
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LeftOut::ReplicasDiverged { from, diverged, replicas } => {
                write!(f, "{diverged} of {replicas} replicas diverged where the law does not, first {from}")
            }
            LeftOut::LawDiverged { from, replicas } => {
                write!(f, "the law diverges where {} did not, first {from}", counted(*replicas, "replica"))
            }
            LeftOut::TooFewReplicas { replicas, needed } => {
                write!(f, "{} cannot carry a band, {needed} are needed", counted(*replicas, "replica"))
            }
        }
    }
}

pub(super) fn of_series(series: &str) -> String {
    if series.is_empty() { String::new() } else { format!(" of {series}") }
}

fn gap(gap: &Gap) -> String {
    let value = signed(gap.gap);
    match gap.band {
        Some((low, high)) => format!("{value} (band {} to {}) in {}", signed(low), signed(high), gap.place),
        None => format!("{value} in {}", gap.place),
    }
}

pub(super) fn counted(n: usize, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}

/// A fraction in percent, or, where percents are no longer read, as a multiple of the unit.
pub(super) fn percent(x: f64) -> String {
    if x.abs() < 100.0 { format!("{} %", number(100.0 * x)) } else { format!("{} times the unit", number(x)) }
}

pub(super) fn signed(x: f64) -> String {
    if x > 0.0 { format!("+{}", percent(x)) } else { percent(x) }
}

/// Three significant digits, in plain notation where that is short.
pub(super) fn number(x: f64) -> String {
    let text = format!("{x:.2e}");
    match text.parse::<f64>() {
        Ok(rounded) if rounded == 0.0 || (1e-3..1e6).contains(&rounded.abs()) => format!("{rounded}"),
        _ => text,
    }
}
