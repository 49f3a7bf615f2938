//! Standard output, for as long as somebody reads it.

use std::fmt::Display;
use std::io::{self, BufWriter, ErrorKind, StdoutLock, Write};

/// Takes all that is printed. Once something could not be, the rest is dropped, so that the work of
/// which the report's files tell is done all the same.
#[derive(Debug)]
pub(crate) struct Screen {
    out: BufWriter<StdoutLock<'static>>,
    failure: Option<io::Error>,
}

impl Screen {
    pub(crate) fn new() -> Self {
        Self {
            out: BufWriter::new(io::stdout().lock()),
            failure: None,
        }
    }

    pub(crate) fn print(&mut self, text: impl Display) {
        if self.is_open()
            && let Err(error) = write!(self.out, "{text}")
        {
            self.fail(error);
        }
    }

    pub(crate) fn flush(&mut self) {
        if self.is_open()
            && let Err(error) = self.out.flush()
        {
            self.fail(error);
        }
    }

    /// Prints no more, for this reason.
    pub(crate) fn fail(&mut self, error: io::Error) {
        self.failure = Some(error);
    }

    /// Whether what is printed is still written.
    pub(crate) const fn is_open(&self) -> bool {
        self.failure.is_none()
    }

    /// Ends it. It is no failure if the reader has seen enough, as `head` does.
    pub(crate) fn end(mut self) -> io::Result<()> {
        self.flush();
        match self.failure {
            Some(error) if error.kind() != ErrorKind::BrokenPipe => Err(error),
            _ => Ok(()),
        }
    }
}
