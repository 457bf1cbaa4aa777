//! The record of a run, `record.json`: what was asked, what was decided, what it cost, and with what.

use super::atomic;
use crate::compare::Answer;
use crate::trajectory::Work;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Everything about a run except its numbers, which are in `data.csv`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    pub scenario: ScenarioLabel,
    /// Stable hash of what was computed; runs with equal fingerprints have equal numbers.
    pub fingerprint: String,
    /// One per claim, in the order of the scenario.
    pub verdicts: Vec<ClaimVerdict>,
    /// Asymptotic formulas that the panels draw, to all digits.
    #[serde(default)]
    pub formulas: Vec<Formula>,
    /// Trajectories that did not reach their last time, and values that are undefined, in words.
    pub diverged: Vec<String>,
    pub work: WorkDone,
    /// Root seed.
    pub seed: u64,
    /// How the named streams follow from the root seed.
    pub streams: String,
    pub versions: Versions,
    pub threads: usize,
    /// Faults planted in the law alone.
    pub faults: Vec<String>,
    /// Values set on the command line.
    pub overrides: Vec<String>,
    /// The scenario as resolved, after preset and overrides, as TOML.
    pub resolved: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScenarioLabel {
    pub id: String,
    pub title: String,
    pub source: String,
}

/// A formula of a panel for one case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Formula {
    pub name: String,
    pub series: String,
    /// Value of the swept key, if one is swept.
    pub swept: Option<f64>,
    /// Size that a formula at finite size is evaluated for; 0 without simulation.
    pub size: usize,
    /// `None` where the formula does not hold, or diverges.
    pub value: Option<f64>,
    /// Why it does not hold.
    pub refused: Option<String>,
}

/// A verdict beside its sentence, so that the file can be read without the program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClaimVerdict {
    pub sentence: String,
    pub verdict: Answer,
}

impl From<Answer> for ClaimVerdict {
    fn from(verdict: Answer) -> Self {
        Self { sentence: verdict.sentence(), verdict }
    }
}

/// Work over all curves of the run, replicas included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WorkDone {
    /// Right-hand sides, steps, rejected steps, and seconds of one thread.
    pub law: Work,
    /// Updates, and seconds of one thread.
    pub simulation: Work,
    /// Seconds from start to end of the run.
    pub wall_seconds: f64,
}

/// What the numbers were computed with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Versions {
    pub asymptotica: String,
    /// Git commit of the source, if known.
    pub commit: Option<String>,
    /// Libraries by role, as ("linear algebra", "faer 0.24").
    pub providers: Vec<(String, String)>,
    /// Architecture and operating system.
    pub platform: String,
}

impl Versions {
    /// The versions of this program. `commit` and `providers` are known to the caller only.
    pub fn here(commit: Option<String>, providers: Vec<(String, String)>) -> Self {
        Self {
            asymptotica: env!("CARGO_PKG_VERSION").to_string(),
            commit,
            providers,
            platform: format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS),
        }
    }
}

/// A record that could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    #[error(transparent)]
    Write(#[from] atomic::WriteError),
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    /// The message of `source` ends with line and column.
    #[error("{}: not a record of this version of asymptotica: {source}; run the scenario again", path.display())]
    Malformed { path: PathBuf, source: serde_json::Error },
}

impl Record {
    /// Writes the record as indented JSON, whole or not at all.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), RecordError> {
        let mut text = serde_json::to_string_pretty(self).expect("every key of a record is text");
        text.push('\n');
        Ok(atomic::write(path, text.as_bytes())?)
    }

    /// Reads a record back, bit for bit.
    ///
    /// # Errors
    /// A file that cannot be read, or is not a record, with line and column.
    pub fn read(path: &Path) -> Result<Self, RecordError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| RecordError::Read { path: path.to_path_buf(), source })?;
        serde_json::from_str(&text)
            .map_err(|source| RecordError::Malformed { path: path.to_path_buf(), source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::{Group, Metric, Terms, judge};
    use rand::{RngExt, SeedableRng};

    fn record() -> Record {
        let mut stream = rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(3);
        let law = [0.31, 0.12, 0.047];
        let mut replica = || law.map(|v| Some(v * (1.0 + 0.02 * (stream.random::<f64>() - 0.5)))).to_vec();
        let group = Group {
            label: "K = 4".into(),
            size: 784,
            observable: "generalisation_error".into(),
            positive: true,
            x: vec![0.7, 2.3, 11.0],
            simulation: (0..9).map(|_| replica()).collect(),
            law: vec![law.map(Some).to_vec()],
            law_error: vec![1e-9, 2e-9, 3e-9],
            run: 0,
        };
        let terms = Terms {
            metric: Metric::Relative,
            resolution: 0.03,
            within: vec![(0.5, 15.0)],
            level: 0.95,
            draws: 400,
        };
        let verdict = judge(&[group], &terms, &mut stream);
        Record {
            formulas: vec![Formula {
                name: "final-error".into(),
                series: "K = 2".into(),
                swept: Some(0.5),
                size: 0,
                value: Some(1.25e-3),
                refused: None,
            }],
            scenario: ScenarioLabel {
                id: "plateau".into(),
                title: "Specialisation plateau".into(),
                source: "Goldt et al., NeurIPS 2019".into(),
            },
            fingerprint: "9f3c".into(),
            verdicts: vec![Answer::Sizes(verdict).into()],
            diverged: vec!["law of series K = 4 diverged after t = 3.5".into()],
            work: WorkDone {
                law: Work { rhs_calls: 812, steps: 61, rejected_steps: 4, updates: 0, seconds: 0.1 + 0.2 },
                simulation: Work { updates: 7_840_000, seconds: 1.0 / 3.0, ..Work::default() },
                wall_seconds: 0.7,
            },
            seed: u64::MAX,
            streams: "root -> scenario -> series -> size -> replica".into(),
            versions: Versions::here(None, vec![("linear algebra".into(), "faer 0.24".into())]),
            threads: 2,
            faults: vec!["problem.learning_rate=1.1".into()],
            overrides: vec!["simulation.replicas=9".into()],
            resolved: "title = \"Specialisation plateau\"\n".into(),
        }
    }

    #[test]
    fn reads_back_to_the_same_record() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record.json");
        record().write(&path).unwrap();
        assert_eq!(Record::read(&path).unwrap(), record());
    }

    #[test]
    fn says_where_a_record_is_broken() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record.json");
        std::fs::write(&path, "{\n  \"seed\": -1\n}\n").unwrap();
        let message = Record::read(&path).unwrap_err().to_string();
        assert!(message.contains("record.json") && message.contains("line"), "{message}");
    }
}
