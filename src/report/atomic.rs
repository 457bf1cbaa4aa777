//! Files that are either whole or absent.

use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// A file that could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {source}; {}", path.display(), remedy(source.kind()))]
pub struct WriteError {
    pub path: PathBuf,
    pub source: io::Error,
}

fn remedy(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::NotFound => "create its folder first, or choose another one",
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "choose a folder that you may write to"
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "free some space, or choose another disk",
        ErrorKind::IsADirectory => "a folder has that name: move it away",
        _ => "choose another folder",
    }
}

/// Writes a file under a temporary name in the same folder, flushes it to the disk and renames it, so that a
/// reader, or a run that resumes, sees the old file or the new one and never a part.
///
/// # Errors
/// [`WriteError`] with the path; nothing is left under the temporary name.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    write_with(path, bytes, true)
}

/// As [`write()`], without waiting for the disk: whole after an end of the process, but perhaps empty after a
/// failure of the machine.
///
/// # Errors
/// As [`write()`].
pub fn write_quickly(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    write_with(path, bytes, false)
}

fn write_with(path: &Path, bytes: &[u8], wait_for_disk: bool) -> Result<(), WriteError> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let error = |source| WriteError { path: path.to_path_buf(), source };
    let Some(name) = path.file_name() else {
        return Err(error(io::Error::new(ErrorKind::IsADirectory, "not the name of a file")));
    };
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let temporary =
        path.with_file_name(format!(".{}.{}-{number}.tmp", name.to_string_lossy(), std::process::id()));
    let written = std::fs::File::create(&temporary)
        .and_then(|mut file| {
            file.write_all(bytes)?;
            if wait_for_disk { file.sync_all() } else { Ok(()) }
        })
        .and_then(|()| std::fs::rename(&temporary, path));
    written.map_err(|source| {
        // The write has failed already; what is left of the temporary file matters less than why.
        let _ = std::fs::remove_file(&temporary);
        error(source)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_a_file_and_leaves_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data.csv");
        write(&path, b"old, and longer").unwrap();
        write(&path, b"new").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn names_the_path_and_the_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("absent").join("data.csv");
        let message = write(&path, b"new").unwrap_err().to_string();
        assert!(
            message.contains(path.to_str().unwrap()) && message.contains("create its folder"),
            "{message}"
        );

        let occupied = folder.path().join("record.json");
        std::fs::create_dir(&occupied).unwrap();
        assert!(write(&occupied, b"new").is_err());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "the temporary file is gone");
    }
}
