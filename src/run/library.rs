//! Where scenarios are found by name.

use super::RunError;
use crate::scenario::Source;
use std::path::{Path, PathBuf};

/// The folder `scenarios/` of the working directory or of a directory above it.
#[derive(Clone, Debug)]
pub struct Library {
    folder: Option<PathBuf>,
}

/// A scenario of the command line.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Name or path as given.
    pub name: String,
    pub source: Source,
}

fn same_file(one: &str, other: &str) -> bool {
    let real = |path: &str| Path::new(path).canonicalize().ok();
    one == other || (real(one).is_some() && real(one) == real(other))
}

impl Library {
    pub fn find() -> Self {
        let here = std::env::current_dir().unwrap_or_default();
        let folder = here.ancestors().map(|a| a.join("scenarios")).find(|f| f.is_dir());
        Self { folder }
    }

    /// The folder that holds `scenarios/`, where the gallery is written to `figures/`.
    pub fn home(&self) -> PathBuf {
        self.folder.as_deref().and_then(Path::parent).unwrap_or(Path::new(".")).to_path_buf()
    }

    /// Names of all scenarios, sorted.
    ///
    /// # Errors
    /// No `scenarios/` folder here or above.
    pub fn names(&self) -> Result<Vec<String>, RunError> {
        let Some(folder) = &self.folder else {
            return Err(RunError::file(
                "scenarios",
                "no such folder here or in a folder above",
                "go to the project's folder, or give the path of a scenario file",
            ));
        };
        let entries = std::fs::read_dir(folder).map_err(|e| RunError::file(folder, e, "make it readable"))?;
        let mut names: Vec<String> = entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|e| e == "toml"))
            .filter_map(|path| path.file_stem().map(|s| s.to_string_lossy().into_owned()))
            .collect();
        names.sort();
        Ok(names)
    }

    /// Reads the scenarios that a command names, each file once.
    ///
    /// # Errors
    /// As [`Library::source`]; two files that would write to one folder below `out`.
    pub fn asked(&self, names: &[String], out: &Path) -> Result<Vec<Asked>, RunError> {
        let mut asked: Vec<Asked> = Vec::new();
        for name in names {
            let source = self.source(name)?;
            match asked.iter().find(|known| known.source.id() == source.id()) {
                None => asked.push(Asked { name: name.clone(), source }),
                Some(known) if same_file(known.source.name(), source.name()) => {}
                Some(known) => {
                    let folder = out.join(source.id());
                    return Err(RunError::SameFolder {
                        first: known.name.clone(),
                        second: name.clone(),
                        folder,
                    });
                }
            }
        }
        Ok(asked)
    }

    /// Reads a scenario by name or by path.
    ///
    /// # Errors
    /// A missing or unreadable file, with the names that come near.
    pub fn source(&self, name: &str) -> Result<Source, RunError> {
        let is_path = name.ends_with(".toml") || name.contains(std::path::MAIN_SEPARATOR);
        let path = match &self.folder {
            Some(folder) if !is_path => folder.join(format!("{name}.toml")),
            _ => PathBuf::from(name),
        };
        if !path.exists() {
            let known = self.names().unwrap_or_default();
            let stem = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
            let near = known
                .iter()
                .max_by(|a, b| strsim::jaro_winkler(a, &stem).total_cmp(&strsim::jaro_winkler(b, &stem)));
            let help = match near {
                Some(near) if strsim::jaro_winkler(near, &stem) > 0.7 => format!("did you mean {near}?"),
                _ if known.is_empty() => "give the path of a scenario file".to_string(),
                _ => format!("known scenarios: {}", known.join(", ")),
            };
            return Err(RunError::file(path, "no such scenario file", help));
        }
        Source::read(&path).map_err(|report| RunError::Scenario(report.to_string()))
    }
}
