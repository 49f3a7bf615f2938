//! A file that whoever reads it finds whole, also while it is written anew.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process;

/// Puts this into the file. What was there before stays until all of it is written; who may read it
/// stays too, and so does a link to it.
pub(crate) fn write_whole(path: &Path, content: &[u8]) -> io::Result<()> {
    let path = without_links(path)?;
    let found = fs::metadata(&path).ok();
    if found.as_ref().is_some_and(|found| !found.is_file()) {
        // Such as a pipe or /dev/null, in whose place no file may be put.
        return File::options().write(true).open(path)?.write_all(content);
    }
    let permissions = found.map(|found| found.permissions());
    let beside = beside(&path)?;
    let written = create_new(&beside, permissions)
        .and_then(|mut file| file.write_all(content))
        .and_then(|()| fs::rename(&beside, &path));
    if written.is_err() {
        // It is of no use to anybody; what matters is why it could not be written.
        fs::remove_file(&beside).unwrap_or_default();
    }
    written
}

/// Where the file lies, for a link that is renamed over is one no more.
fn without_links(path: &Path) -> io::Result<PathBuf> {
    match fs::canonicalize(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            if !path.is_symlink() {
                return Ok(path.to_owned());
            }
            // A link to what is not there yet.
            OpenOptions::new().append(true).create(true).open(path)?;
            fs::canonicalize(path)
        }
        found => found,
    }
}

/// A name in the same folder, for a file can be renamed only within its file system.
fn beside(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or(ErrorKind::InvalidFilename)?;
    let mut hidden = OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{}", process::id()));
    Ok(path.with_file_name(hidden))
}

/// Follows no link that somebody else may have put there.
fn create_new(path: &Path, permissions: Option<Permissions>) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if let Some(permissions) = &permissions {
        // From the first moment: whoever has opened it goes on reading.
        use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
        options.mode(permissions.mode());
    }
    let file = match options.open(path) {
        // Left by a run that was killed and had the same number.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            fs::remove_file(path)?;
            options.open(path)
        }
        created => created,
    }?;
    if let Some(permissions) = permissions {
        // The umask may have taken some away.
        file.set_permissions(permissions)?;
    }
    Ok(file)
}
