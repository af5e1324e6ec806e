//! Files that are written: never one that is read or that the database is in, and an existing one
//! only when asked.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// A file to write, which is made when the first byte is.
#[derive(Clone, Debug)]
pub struct OutputFile {
    path: PathBuf,
    may_replace: bool,
}

impl OutputFile {
    /// Checks a path to write to. `protected` are files that must stay as they are: inputs, and the
    /// database's. With `may_replace` another existing file is replaced.
    ///
    /// # Errors
    /// Why nothing can be written there.
    pub fn check(path: &Path, protected: &[PathBuf], may_replace: bool) -> Result<Self, String> {
        for other in protected {
            if is_same(path, other) {
                return Err(format!(
                    "{}: it is {}, which this command reads or the database is in",
                    path.display(),
                    other.display()
                ));
            }
        }
        let reason = match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => "it is a folder",
            // Devices and pipes hold nothing that could be lost.
            Ok(metadata) if metadata.is_file() && !may_replace => {
                "it exists; name another file, or replace it with --overwrite"
            }
            Err(_) if fs::symlink_metadata(path).is_ok() => {
                "it is a link to a file that does not exist"
            }
            Err(_) if resolve(path).is_none() => "there is no such folder",
            _ => return Ok(Self { path: path.to_owned(), may_replace }),
        };
        Err(format!("{}: {reason}", path.display()))
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the file, empty.
    ///
    /// # Errors
    /// Also if another program has made the file since it was checked.
    pub fn create(&self) -> io::Result<File> {
        let is_special = fs::metadata(&self.path).is_ok_and(|metadata| !metadata.is_file());
        let mut options = OpenOptions::new();
        options.write(true);
        if is_special {
            options.open(&self.path)
        } else if self.may_replace {
            options.create(true).truncate(true).open(&self.path)
        } else {
            options.create_new(true).open(&self.path)
        }
    }
}

/// A SQLite database's file, and those that SQLite makes beside it.
pub fn sqlite_files(database: &Path) -> Vec<PathBuf> {
    ["", "-wal", "-shm", "-journal"]
        .into_iter()
        .map(|ending| {
            let mut path = OsString::from(database);
            path.push(ending);
            path.into()
        })
        .collect()
}

/// Whether two paths lead to the same file, by any name or link.
fn is_same(a: &Path, b: &Path) -> bool {
    match (fs::metadata(a), fs::metadata(b)) {
        (Ok(metadata), Ok(_)) => {
            metadata.is_file() && same_file::is_same_file(a, b).unwrap_or(false)
        }
        // One that does not exist yet can only have the same name.
        _ => matches!((resolve(a), resolve(b)), (Some(a), Some(b)) if a == b),
    }
}

/// The path of a file that need not exist, in a folder that does.
fn resolve(path: &Path) -> Option<PathBuf> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    Some(fs::canonicalize(folder).ok()?.join(path.file_name()?))
}
