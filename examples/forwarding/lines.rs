//! The lines of the input, none of which takes more memory than a message can need.

use std::io::{self, BufRead, BufReader, Read};

/// Octets of the longest line that is read. A message has two paths of 256 octets at most (RFC 5321
/// §4.5.3.1.3), of which JSON may make 6 for each, and little else that is of interest here.
pub(crate) const LONGEST_LINE: usize = 16 * 1024;

/// Lines of any bytes, as `examples/srs.rs` reads them.
#[derive(Debug)]
pub(crate) struct Lines<R> {
    input: BufReader<R>,
    line: Vec<u8>,
    number: u64,
    /// The end of the line given last has not been read yet.
    cut: bool,
}

impl<R: Read> Lines<R> {
    pub(crate) fn new(input: R) -> Self {
        Self {
            input: BufReader::with_capacity(64 * 1024, input),
            line: Vec::new(),
            number: 0,
            cut: false,
        }
    }

    /// The number of the line given last, from 1.
    pub(crate) const fn number(&self) -> u64 {
        self.number
    }

    /// The next line without its end; one that is too long comes cut, but still too long.
    pub(crate) fn next(&mut self) -> io::Result<Option<&[u8]>> {
        if self.cut {
            self.input.skip_until(b'\n')?;
        }
        self.line.clear();
        let limit = LONGEST_LINE + "\r\n".len();
        self.input
            .by_ref()
            .take(limit as u64)
            .read_until(b'\n', &mut self.line)?;
        if self.line.is_empty() {
            return Ok(None);
        }
        self.number += 1;
        let ended = self.line.strip_suffix(b"\n");
        self.cut = ended.is_none() && self.line.len() == limit;
        let line = ended.unwrap_or(&self.line);
        Ok(Some(line.strip_suffix(b"\r").unwrap_or(line)))
    }
}
