//! The policy, from the command line and the files that it names.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use mail_srs::{
    BuildError, Domains, DomainsError, Forwarder, ForwarderBuildError, HashFormat, SecretError,
    Secrets, Srs,
};

use crate::arguments::Arguments;

/// Octets beyond which a file is refused: it is not what was meant.
const LARGEST_FILE: u64 = 64 * 1024 * 1024;

#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingsError {
    #[error("cannot read {}: {error}", path.display())]
    Read { path: PathBuf, error: io::Error },
    #[error("{} is larger than {} MiB", path.display(), LARGEST_FILE >> 20)]
    TooLarge { path: PathBuf },
    #[error("{} can be read or written by any user: chmod 600, or 640", path.display())]
    OpenToOthers { path: PathBuf },
    #[error("{}: {error}", path.display())]
    Secrets { path: PathBuf, error: SecretError },
    #[error("{}: {error}", path.display())]
    DomainsFile { path: PathBuf, error: DomainsError },
    #[error("{} is no text in UTF-8", path.display())]
    NotText { path: PathBuf },
    #[error("{option}: {error}")]
    Domain {
        option: &'static str,
        error: DomainsError,
    },
    #[error(transparent)]
    Srs(#[from] BuildError),
    #[error("--srs-domain: {0}")]
    Forwarder(#[from] ForwarderBuildError),
}

/// Loads the policy.
pub(crate) fn load(arguments: &Arguments) -> Result<Forwarder, SettingsError> {
    let accepted = Domains::new(&arguments.accepted_domain).map_err(|error| {
        let option = "--accepted-domain";
        SettingsError::Domain { option, error }
    })?;
    Ok(Forwarder::builder(srs(arguments)?)
        .srs_domain(&arguments.srs_domain)
        .accepted_domains(accepted)
        .local_domains(local_domains(arguments)?)
        .build()?)
}

fn srs(arguments: &Arguments) -> Result<Srs, SettingsError> {
    let mut ring = secrets(&arguments.secretfile, arguments.hash_format)?;
    for (format, path) in &arguments.accept_secretfile {
        ring = ring.accept_all(secrets(path, *format)?);
    }
    let mut builder = Srs::builder(ring).separator(arguments.separator);
    if let Some(length) = arguments.hashlength {
        builder = builder.hash_length(length);
    }
    if let Some(length) = arguments.hashmin {
        builder = builder.hash_min(length);
    }
    if let Some(days) = arguments.max_age {
        builder = builder.max_age(days);
    }
    if let Some(days) = arguments.max_skew {
        builder = builder.max_skew(days);
    }
    Ok(builder.build()?)
}

fn secrets(path: &Path, format: HashFormat) -> Result<Secrets, SettingsError> {
    let (octets, mode) = read(path)?;
    let path = path.to_owned();
    // Whoever knows a secret can have the mail server relay to anybody.
    if mode & 0o007 != 0 {
        return Err(SettingsError::OpenToOthers { path });
    }
    Secrets::from_lines(octets, format).map_err(|error| SettingsError::Secrets { path, error })
}

/// Those of the command line and those of the file.
fn local_domains(arguments: &Arguments) -> Result<Domains, SettingsError> {
    let named = Domains::new(&arguments.local_domain).map_err(|error| {
        let option = "--local-domain";
        SettingsError::Domain { option, error }
    })?;
    let Some(path) = &arguments.local_domains_file else {
        return Ok(named);
    };
    let (octets, _) = read(path)?;
    let path = path.to_owned();
    let Ok(text) = String::from_utf8(octets) else {
        return Err(SettingsError::NotText { path });
    };
    let listed =
        Domains::from_lines(&text).map_err(|error| SettingsError::DomainsFile { path, error })?;
    Ok(Domains::matching(move |domain| {
        named.contains(domain) || listed.contains(domain)
    }))
}

/// A file's octets, and its mode.
fn read(path: &Path) -> Result<(Vec<u8>, u32), SettingsError> {
    let failed = |error| SettingsError::Read {
        path: path.to_owned(),
        error,
    };
    let file = File::open(path).map_err(failed)?;
    let mode = file.metadata().map_err(failed)?.mode();
    let mut octets = Vec::new();
    file.take(LARGEST_FILE + 1)
        .read_to_end(&mut octets)
        .map_err(failed)?;
    if octets.len() as u64 > LARGEST_FILE {
        let path = path.to_owned();
        return Err(SettingsError::TooLarge { path });
    }
    Ok((octets, mode))
}
