//! Lines as they come, and what is between them: the time in which none does.

use std::io::{self, Read};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use crate::lines::Lines;

/// Lines that may lie ready. None is longer than [`crate::lines::LONGEST_LINE`] and its end.
const READY: usize = 64;

/// A line with its number, from 1.
pub(crate) type Line = (u64, Vec<u8>);

/// Lines that a thread of its own reads, for a read cannot be left once it waits.
#[derive(Debug)]
pub(crate) struct Arrivals(Receiver<io::Result<Line>>);

impl Arrivals {
    pub(crate) fn of(input: impl Read + Send + 'static) -> Self {
        let (sender, receiver) = mpsc::sync_channel(READY);
        let mut lines = Lines::new(input);
        thread::spawn(move || {
            while let Some(next) = lines.next().transpose() {
                let line = next.map(<[u8]>::to_vec);
                let is_last = line.is_err();
                let line = line.map(|line| (lines.number(), line));
                if sender.send(line).is_err() || is_last {
                    break;
                }
            }
        });
        Self(receiver)
    }

    /// The next line, `None` at the end, if either comes within this time.
    pub(crate) fn within(&self, limit: Duration) -> Option<io::Result<Option<Line>>> {
        match self.0.recv_timeout(limit) {
            Ok(line) => Some(line.map(Some)),
            Err(RecvTimeoutError::Disconnected) => Some(Ok(None)),
            Err(RecvTimeoutError::Timeout) => None,
        }
    }

    /// The next line, whenever it comes; `None` at the end.
    pub(crate) fn next(&self) -> io::Result<Option<Line>> {
        self.0.recv().ok().transpose()
    }
}
