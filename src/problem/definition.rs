//! What every problem tells the rest of the program.

use super::{Method, ObservableInfo, ProblemKind, Start};

/// A key, dotted below the section, and why it changes nothing.
pub type IdleKey = (&'static str, &'static str);

/// The keys of the rules that hold.
pub(super) fn idle_where<const N: usize>(rules: [(bool, &'static str, &'static str); N]) -> Vec<IdleKey> {
    rules.into_iter().filter(|rule| rule.0).map(|(_, key, reason)| (key, reason)).collect()
}

/// The questions that the program asks of a problem, whichever it is. A body here is the answer of most problems.
pub trait Definition {
    fn kind(&self) -> &'static ProblemKind;

    /// The observables that both roads can report for this problem.
    fn observables(&self) -> Vec<ObservableInfo>;

    /// What the entries of a vector observable stand for, where it is a number: the times t' of C(t, t').
    fn entry_values(&self, family: &str) -> Option<&[f64]> {
        let _ = family;
        None
    }

    /// The start in the limit of infinite size, where it exists and says everything: given overlaps, or the
    /// limit of a random start.
    fn limit_start(&self) -> Start {
        Start::Size(0)
    }

    /// The start for the law of this problem, cut out of or padded from a start that was measured on another
    /// width. Only a planted fault on a width makes the two differ.
    fn fit_start(&self, start: &Start) -> Start {
        start.clone()
    }

    /// Whether the scenario itself says where the law starts, at every size.
    fn states_start(&self) -> bool {
        true
    }

    /// Why the limit start would give a law that no finite run follows, if so.
    fn limit_start_warning(&self) -> Option<String> {
        None
    }

    /// Whether the law is that of a stated size, the simulated one where there is one.
    fn law_needs_size(&self) -> bool {
        false
    }

    /// Keys that change nothing given all others: a file that states one of them in every case is told so.
    fn idle_keys(&self) -> Vec<IdleKey> {
        Vec::new()
    }

    /// Whether a simulation can measure its risk on fresh samples instead, as observe.risk asks.
    fn draws_test_sets(&self) -> bool {
        false
    }

    /// Why no law covers the problem, if none does.
    fn uncovered(&self) -> Option<String> {
        None
    }

    /// Why no law says how far a run of finite size lies from the limit, if none does.
    fn finite_size_uncovered(&self) -> Option<String> {
        Some(format!("{} problems have no law of their spread and bias at finite size", self.kind().kind))
    }

    /// Why a method of simulation does not cover the problem, if it does not.
    fn method_uncovered(&self, method: Method) -> Option<String> {
        direct_only(method)
    }

    /// A size below which no run can be built: no more directions than dimensions. 1 where that is not known beforehand.
    fn smallest_size(&self) -> usize {
        1
    }

    /// Bytes that one replica of size `size` needs while it runs.
    fn replica_bytes(&self, size: usize, method: Method) -> f64;

    /// Bytes that the law needs while it is integrated up to `end`, where they matter.
    fn law_bytes(&self, end: f64) -> f64 {
        let _ = end;
        0.0
    }

    /// The time that a simulation of size `size` records for a requested time: whole updates only. At size 0, the
    /// limit, it is no number where updates get shorter with the size.
    fn recorded_time(&self, time: f64, size: usize) -> f64 {
        let _ = size;
        time
    }

    /// What a size is called beside its number in captions and legends, in the markup of figures.
    fn size_symbol(&self) -> &'static str {
        "$d$"
    }

    /// Rough seconds of one thread for one replica up to `end` (size 0: none), with or without a law of its
    /// own. Orders jobs and weighs the progress bar; nothing else relies on it.
    fn cost(&self, end: f64, size: usize, method: Method, law: bool) -> f64;
}

/// Why a problem with no method of its own but the direct one is not covered by `method`.
pub(super) fn direct_only(method: Method) -> Option<String> {
    match method {
        Method::Direct => None,
        Method::OverlapChain => {
            Some("the chain is the one of one-pass SGD on isotropic Gaussian inputs".to_string())
        }
        Method::MatrixFree => {
            Some("products are drawn for the stored data of a Gaussian mixture alone".to_string())
        }
    }
}
