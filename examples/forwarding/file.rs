//! A file that whoever reads it finds whole, also while it is written anew.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::process;

/// Puts this into the file. What was there before stays until all of it is written.
pub(crate) fn write_whole(path: &Path, content: &[u8]) -> io::Result<()> {
    if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        // Such as a pipe or /dev/null, in whose place no file may be put.
        return File::options().write(true).open(path)?.write_all(content);
    }
    let beside = beside(path)?;
    let written = create_new(&beside)
        .and_then(|mut file| file.write_all(content))
        .and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        // It is of no use to anybody; what matters is why it could not be written.
        fs::remove_file(&beside).unwrap_or_default();
    }
    written
}

/// A name in the same folder, for a file can be renamed only within its file system.
fn beside(path: &Path) -> io::Result<std::path::PathBuf> {
    let name = path.file_name().ok_or(ErrorKind::InvalidFilename)?;
    let mut hidden = OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{}", process::id()));
    Ok(path.with_file_name(hidden))
}

/// Follows no link that somebody else may have put there.
fn create_new(path: &Path) -> io::Result<File> {
    let create = || OpenOptions::new().write(true).create_new(true).open(path);
    match create() {
        // Left by a run that was killed and had the same number.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            fs::remove_file(path)?;
            create()
        }
        created => created,
    }
}
