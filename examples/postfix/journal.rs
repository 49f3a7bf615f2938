//! The log's lines, written to standard error by a thread of their own, so that a reader who has
//! stopped reading stops no lookup.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::Duration;

/// Lines that wait to be written. What comes beyond is lost, and counted.
const LONGEST_QUEUE: usize = 4096;

/// How long the last lines may take when the program ends.
const FAREWELL: Duration = Duration::from_secs(1);

enum Entry {
    Line(Vec<u8>),
    End(SyncSender<()>),
}

/// What the log is written to.
pub(crate) struct Journal {
    lines: SyncSender<Entry>,
    lost: usize,
}

/// Has what is left written.
pub(crate) struct End(SyncSender<Entry>);

impl Journal {
    pub(crate) fn begin() -> (Self, End) {
        let (lines, entries) = sync_channel(LONGEST_QUEUE);
        thread::spawn(move || write_all(&entries));
        let end = End(lines.clone());
        (Self { lines, lost: 0 }, end)
    }
}

fn write_all(entries: &Receiver<Entry>) {
    for entry in entries {
        match entry {
            // There is nobody to tell that this failed.
            Entry::Line(line) => io::stderr().write_all(&line).unwrap_or_default(),
            Entry::End(written) => written.send(()).unwrap_or_default(),
        }
    }
}

/// Each call is a line.
impl Write for Journal {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.lost > 0 {
            let told = format!(
                "warn: lines of the log that nobody read, lost: {}\n",
                self.lost
            );
            if self.lines.try_send(Entry::Line(told.into())).is_ok() {
                self.lost = 0;
            }
        }
        if self.lines.try_send(Entry::Line(line.to_vec())).is_err() {
            self.lost += 1;
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl End {
    pub(crate) fn wait(&self) {
        let (written, is_written) = sync_channel(1);
        let mut end = Entry::End(written);
        let pause = Duration::from_millis(10);
        for _ in 0..FAREWELL.as_millis() / pause.as_millis() {
            match self.0.try_send(end) {
                Err(TrySendError::Full(again)) => end = again,
                // Whoever does not read in this time does not get them.
                _ => return is_written.recv_timeout(FAREWELL).unwrap_or_default(),
            }
            thread::sleep(pause);
        }
    }
}
