//! Finished jobs on disk, so that an interruption loses at most the replica in progress.
//!
//! `<out>/<id>/replicas/` holds one JSON file per finished job and a file `fingerprint` that names the
//! scenario and everything that the results depend on, number of replicas aside: more replicas of the same
//! scenario continue the stored ones.

use super::{Job, JobResult, RunError};
use crate::report::atomic;
use crate::rng::Stream;
use crate::scenario::Scenario;
use std::fs;
use std::path::{Path, PathBuf};

/// The replica folder of one run.
#[derive(Clone, Debug)]
pub struct Store {
    folder: PathBuf,
}

/// Digest of all that the results of a run depend on.
pub fn fingerprint(scenario: &Scenario) -> String {
    let mut stream = Stream::root(1).child(&scenario.id).child(env!("CARGO_PKG_VERSION"));
    for case in &scenario.cases {
        let mut case = case.clone();
        if let Some(simulation) = &mut case.simulation {
            simulation.replicas.clear();
        }
        stream = stream.child(&format!("{case:?}"));
    }
    format!("{} {}", scenario.id, stream.digest())
}

impl Store {
    /// Opens the store of a run below `out`. Without `resume` stored jobs are removed; with it they are
    /// kept if they belong to the same scenario.
    ///
    /// # Errors
    /// An unwritable folder, or a folder of another scenario under `resume`.
    pub fn open(out: &Path, fingerprint: &str, resume: bool) -> Result<Self, RunError> {
        let folder = out.join("replicas");
        let unwritable = |path: &Path, e: std::io::Error| {
            RunError::file(path, format!("cannot be written: {e}"), "choose another folder with --out")
        };
        let mark = folder.join("fingerprint");
        if resume && mark.exists() {
            let found = fs::read_to_string(&mark).map_err(|e| unwritable(&mark, e))?;
            if found.trim() != fingerprint {
                return Err(RunError::file(
                    out,
                    format!(
                        "holds replicas of another scenario or of other settings (stored: {}, wanted: {fingerprint})",
                        found.trim()
                    ),
                    "choose another folder with --out, or leave out --resume to start afresh",
                ));
            }
        } else if folder.exists() {
            fs::remove_dir_all(&folder).map_err(|e| unwritable(&folder, e))?;
        }
        fs::create_dir_all(&folder).map_err(|e| unwritable(&folder, e))?;
        atomic::write(&mark, format!("{fingerprint}\n").as_bytes())
            .map_err(|e| RunError::file(&mark, e, "choose another folder with --out"))?;
        Ok(Self { folder })
    }

    /// The stored result of a job. A file that cannot be read counts as absent: its job runs again.
    pub fn load(&self, job: &Job) -> Option<JobResult> {
        let text = fs::read_to_string(self.folder.join(job.file_name())).ok()?;
        serde_json::from_str(&text).ok()
    }

    /// Keeps the result of a finished job: whole or not at all, though not across a failure of the machine, for
    /// which thousands of short replicas would wait.
    ///
    /// # Errors
    /// A full or unwritable disk.
    pub fn save(&self, job: &Job, result: &JobResult) -> Result<(), RunError> {
        let path = self.folder.join(job.file_name());
        let text = serde_json::to_vec(result).expect("curves hold finite numbers and strings");
        atomic::write_quickly(&path, &text)
            .map_err(|e| RunError::file(&path, e, "free some space and use --resume"))
    }

    /// Copies the jobs of another store of the same scenario into this one.
    ///
    /// # Errors
    /// A folder without a store, or one of another scenario.
    pub fn absorb(&self, other: &Path, fingerprint: &str) -> Result<usize, RunError> {
        let folder = other.join("replicas");
        let mark = folder.join("fingerprint");
        let found = fs::read_to_string(&mark)
            .map_err(|e| RunError::file(&mark, e, "give the folder <out>/<name> of a run"))?;
        if found.trim() != fingerprint {
            return Err(RunError::file(
                other,
                "belongs to another scenario or other settings",
                "merge shards of one run",
            ));
        }
        let mut copied = 0;
        let entries =
            fs::read_dir(&folder).map_err(|e| RunError::file(&folder, e, "give the folder of a run"))?;
        for entry in entries.flatten() {
            if entry.path().extension().is_some_and(|e| e == "json") {
                let target = self.folder.join(entry.file_name());
                fs::copy(entry.path(), &target).map_err(|e| RunError::file(&target, e, "free some space"))?;
                copied += 1;
            }
        }
        Ok(copied)
    }
}
