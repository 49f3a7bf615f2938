//! The files of the report, and when they are written anew.

use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::complain;
use crate::page::Page;
use crate::report::Report;
use crate::whole_file::write_whole;

/// While messages keep coming, the files are written once in this time: to write them takes longer than
/// a message does.
const PAUSE: Duration = Duration::from_secs(1);

/// Those that were asked for.
#[derive(Debug)]
pub(crate) struct Files {
    html: Option<Kept>,
    json: Option<Kept>,
    written: Option<Instant>,
}

/// A file, and how it went with it so far.
#[derive(Debug)]
struct Kept {
    path: PathBuf,
    content: String,
    /// Why it could not be written the last time.
    failure: Option<String>,
    has_failed: bool,
}

impl Files {
    pub(crate) fn new(html: Option<PathBuf>, json: Option<PathBuf>) -> Self {
        Self {
            html: html.map(Kept::new),
            json: json.map(Kept::new),
            written: None,
        }
    }

    pub(crate) const fn is_none(&self) -> bool {
        self.html.is_none() && self.json.is_none()
    }

    /// How long it is until they should be written again.
    pub(crate) fn pause(&self) -> Duration {
        self.written.map_or(Duration::ZERO, |written| {
            PAUSE.saturating_sub(written.elapsed())
        })
    }

    /// Brings them to what is known now; `is_kept_current` if that will be done again.
    pub(crate) fn write(&mut self, report: &Report<'_>, is_kept_current: bool) {
        if let Some(html) = &mut self.html {
            let page = Page {
                report,
                is_kept_current,
            };
            html.write(Ok(page.to_string()));
        }
        if let Some(json) = &mut self.json {
            json.write(report.to_json().map_err(io::Error::from));
        }
        self.written = Some(Instant::now());
    }

    /// Whether each could be written whenever it was to be.
    pub(crate) fn all_written(&self) -> bool {
        let mut files = self.html.iter().chain(&self.json);
        !files.any(|file| file.has_failed)
    }
}

impl Kept {
    const fn new(path: PathBuf) -> Self {
        Self {
            path,
            content: String::new(),
            failure: None,
            has_failed: false,
        }
    }

    /// Writes it if it is not so already. What is wrong is told when that changes.
    fn write(&mut self, content: io::Result<String>) {
        if content
            .as_ref()
            .is_ok_and(|content| *content == self.content)
        {
            return;
        }
        let written = content.and_then(|content| {
            write_whole(&self.path, content.as_bytes())?;
            self.content = content;
            Ok(())
        });
        let failure = written.err().map(|error| error.to_string());
        self.has_failed |= failure.is_some();
        if failure != self.failure {
            let path = self.path.display();
            match &failure {
                Some(error) => complain(format_args!("cannot write {path}: {error}")),
                None => complain(format_args!("{path} is written again")),
            }
        }
        self.failure = failure;
    }
}
