//! The extrapolated verdict in plain words.

use super::sentence::{counted, number, of_series, percent, signed};
use super::{Approach, Exponent, Extrapolated, Finding, Outcome, Plan, Unresolved};
use std::fmt;

/// Curves whose exponents a sentence lists; of more, it names the one with the largest gap.
const LISTED: usize = 3;

impl Extrapolated {
    /// The verdict in one line of a table.
    ///
    /// [`Extrapolated::sentence`] adds the evidence and every remark.
    pub fn headline(&self) -> String {
        let word = match self.verdict.outcome {
            Outcome::Confirmed => "confirmed",
            Outcome::Refuted => "REFUTED",
            Outcome::Undecided => "undecided",
        };
        let mut parts =
            vec![format!("{word:9}  in the limit within {}", percent(self.verdict.terms.resolution))];
        if let Some(largest) = &self.verdict.largest {
            let band = largest
                .band
                .map_or(String::new(), |(low, high)| format!(", band {} to {}", signed(low), signed(high)));
            parts[0] += &format!(": gap {}{band}, from {}", signed(largest.gap), self.from());
        }
        for approach in self.listed() {
            parts.push(format!("bias exponent{} {}", self.of(approach), approach.bias));
            parts.push(format!("fluctuation {}", approach.fluctuation));
        }
        let findings = self.verdict.findings.iter().filter(|f| f.refutes() || f.prevents_confirmation());
        parts.extend(findings.map(Finding::to_string));
        parts.join("; ")
    }

    /// The verdict for a person: what was decided about the limit, on which evidence, how the sizes approach
    /// it, and what limits the answer.
    pub fn sentence(&self) -> String {
        let evidence = format!(
            "{} simultaneous band over {}, extrapolated from {} with at least {} each",
            percent(self.verdict.terms.level),
            counted(self.verdict.points, "point"),
            self.from(),
            counted(self.verdict.replicas, "replica")
        );
        let mut sentences = self.verdict.sentences(" in the limit", &evidence);
        for approach in self.listed() {
            sentences.push(format!(
                "exponents{}: bias {} {}, fluctuation {} {}",
                self.of(approach),
                approach.bias,
                approach.bias.beside(-self.expected.bias),
                approach.fluctuation,
                approach.fluctuation.beside(-self.expected.fluctuation)
            ));
        }
        if let Some(form) = self.form.as_ref().filter(|form| !form.fails()) {
            sentences.push(format!("the form of the approach fits all sizes (p = {})", number(form.p_value)));
        }
        sentences.join("; ")
    }

    /// "sizes 100..800", or the only one.
    fn from(&self) -> String {
        match (self.sizes.first(), self.sizes.last()) {
            (Some(first), Some(last)) if first < last => format!("sizes {first}..{last}"),
            (Some(only), _) => format!("size {only}"),
            _ => "no size".to_string(),
        }
    }

    /// The curves whose exponents are named.
    fn listed(&self) -> Vec<&Approach> {
        if self.approaches.len() <= LISTED {
            return self.approaches.iter().collect();
        }
        let Some(largest) = &self.verdict.largest else { return Vec::new() };
        let is_largest = |approach: &&Approach| {
            approach.series == largest.place.series && approach.observable == largest.place.observable
        };
        self.approaches.iter().filter(is_largest).collect()
    }

    fn of(&self, approach: &Approach) -> String {
        if self.approaches.len() == 1 {
            return String::new();
        }
        format!(" of {}{}", approach.observable, of_series(&approach.series))
    }
}

impl Plan {
    /// The plan for a person, its time on so many threads.
    pub fn sentence(&self, threads: usize) -> String {
        let replicas = self.allocations.iter().map(|a| format!("{} at size {}", a.replicas, a.size));
        let form =
            if self.form_size.is_some() { "" } else { "; two sizes cannot test the form of the approach" };
        format!(
            "to decide at {}: {} replicas, about {} on {}; a law without a gap is then confirmed, and a gap of \
             twice the resolution refuted, with the probability of the band{form}",
            percent(self.resolution),
            replicas.collect::<Vec<_>>().join(", "),
            duration(self.seconds / threads.max(1) as f64),
            counted(threads.max(1), "thread")
        )
    }
}

/// Seconds in the unit that a person would use.
fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 120.0 => format!("{} s", number(s)),
        s if s < 7200.0 => format!("{} min", number(s / 60.0)),
        s => format!("{} h", number(s / 3600.0)),
    }
}

/// Standard errors from which on an exponent is said to be another one than the expected.
const OFF: f64 = 3.0;

impl Exponent {
    /// "(expected -0.5)", and how far off that is where it is. A steeper power is no fault: leading orders may vanish.
    fn beside(&self, expected: f64) -> String {
        let expected_words = number(expected);
        match *self {
            Exponent::Resolved { value, std_error, .. }
                if std_error > 0.0 && (value - expected).abs() > OFF * std_error =>
            {
                if value < expected {
                    return format!("(steeper than the expected {expected_words})");
                }
                let errors = (value - expected) / std_error;
                format!("(expected {expected_words}, which is {errors:.0} standard errors off)")
            }
            _ => format!("(expected {expected_words})"),
        }
    }
}

impl fmt::Display for Exponent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Exponent::Resolved { value, std_error, .. } => write!(f, "{}", with_error(value, std_error)),
            Exponent::NotResolved { why } => write!(f, "not resolvable ({why})"),
        }
    }
}

impl fmt::Display for Unresolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Unresolved::OneSize => write!(f, "one size has no exponent"),
            Unresolved::NoSpread => write!(f, "no point has spread over replicas at every size"),
            Unresolved::WithinLawError => {
                write!(f, "replicas are equal and within ten errors of the law")
            }
            Unresolved::TwoExactSizes => write!(f, "replicas are equal, three sizes are needed"),
            Unresolved::BelowNoise { biased, sizes } => {
                write!(f, "significant at {biased} of {sizes} sizes, two are needed")
            }
            Unresolved::ChangesSign { sizes: (a, b) } => {
                write!(f, "sizes {a} and {b} deviate in opposite directions")
            }
            Unresolved::TooUncertain { std_error } => {
                write!(f, "its standard error {} cannot tell -1/2 from -1", number(std_error))
            }
            Unresolved::NoPower => write!(f, "no power from 1 to -4 fits"),
        }
    }
}

/// Value and error to two digits of the error, two decimals at least.
fn with_error(value: f64, error: f64) -> String {
    let digits = if error > 0.0 { (1.0 - error.log10().floor()).clamp(2.0, 12.0) as usize } else { 2 };
    format!("{value:.digits$} +- {error:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exponent_that_is_not_the_expected_one_is_said_to_be_off() {
        let measured =
            |value: f64, std_error: f64| Exponent::Resolved { value, std_error, interval: (value, value) };
        assert_eq!(measured(-0.51, 0.01).beside(-0.5), "(expected -0.5)");
        assert_eq!(measured(-0.1, 0.02).beside(-0.5), "(expected -0.5, which is 20 standard errors off)");
        assert_eq!(measured(-1.0, 0.02).beside(-0.5), "(steeper than the expected -0.5)");
        let unknown = Exponent::NotResolved { why: Unresolved::OneSize };
        assert_eq!(unknown.beside(-1.0), "(expected -1)");
    }
}
