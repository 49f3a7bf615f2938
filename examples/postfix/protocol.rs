//! Postfix's two lookup protocols: octets become requests, answers become octets.

use std::fmt::{self, Display};

use crate::maps::{Answer, Map};

/// The longest request, in octets. An address within RFC 5321's limits takes fewer than 800, with
/// each of its octets as `%XX`.
pub(crate) const LONGEST_REQUEST: usize = 4096;

/// The digits of that number.
const LONGEST_REQUEST_DIGITS: usize = 4;

/// The longest reply that Postfix takes from a `tcp_table`, with its line end.
const LONGEST_TCP_REPLY: usize = 4096;

/// How a connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// `socketmap_table(5)`: netstrings, with the name of the map in each request.
    Socketmap,
    /// `tcp_table(5)`: lines; each map has a port of its own.
    Tcp(Map),
}

impl Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socketmap => f.write_str("socketmap"),
            Self::Tcp(map) => write!(f, "tcp_table {map}"),
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Request {
    LookUp {
        map: Map,
        key: Vec<u8>,
    },
    /// A socketmap that there is not.
    NoSuchMap,
}

/// What is no request, after which nobody knows where the next one begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ProtocolError {
    #[error("invalid request")]
    Invalid,
    #[error("request too long")]
    TooLong,
}

impl Protocol {
    /// Reads the first request in `octets`, if it is there as a whole, and tells how many octets it
    /// takes.
    pub(crate) fn read(self, octets: &[u8]) -> Result<Option<(Request, usize)>, ProtocolError> {
        match self {
            Self::Socketmap => read_socketmap(octets),
            Self::Tcp(map) => read_tcp(map, octets),
        }
    }

    /// Appends the reply to a request.
    pub(crate) fn write(self, answer: &Answer, out: &mut Vec<u8>) {
        match (self, answer) {
            (Self::Socketmap, Answer::Found(value)) => write_netstring("OK ", value, out),
            (Self::Socketmap, Answer::NotFound(reason)) => {
                write_netstring("NOTFOUND ", reason, out);
            }
            (Self::Tcp(_), Answer::Found(value)) => {
                let start = out.len();
                write_line("200 ", value, out);
                if out.len() - start > LONGEST_TCP_REPLY {
                    out.truncate(start);
                    write_line("500 ", "reply-too-long", out);
                }
            }
            (Self::Tcp(_), Answer::NotFound(reason)) => write_line("500 ", reason, out),
        }
    }

    /// Appends the reply to a request for a map that there is not.
    pub(crate) fn write_no_such_map(self, out: &mut Vec<u8>) {
        self.write_failure("no such map: there are forward, reverse and access", out);
    }

    /// Appends the reply to what is no request.
    pub(crate) fn write_error(self, error: ProtocolError, out: &mut Vec<u8>) {
        self.write_failure(&error.to_string(), out);
    }

    fn write_failure(self, text: &str, out: &mut Vec<u8>) {
        match self {
            Self::Socketmap => write_netstring("PERM ", text, out),
            Self::Tcp(_) => write_line("400 ", text, out),
        }
    }
}

fn read_socketmap(octets: &[u8]) -> Result<Option<(Request, usize)>, ProtocolError> {
    let Some(colon) = octets.iter().position(|&octet| octet == b':') else {
        return match octets.iter().all(u8::is_ascii_digit) {
            true if octets.len() <= LONGEST_REQUEST_DIGITS => Ok(None),
            true => Err(ProtocolError::TooLong),
            false => Err(ProtocolError::Invalid),
        };
    };
    let (digits, rest) = octets.split_at(colon);
    let length = parse_length(digits)?;
    let Some((request, end)) = rest.get(1..).and_then(|rest| rest.split_at_checked(length)) else {
        return Ok(None);
    };
    match end.first() {
        None => return Ok(None),
        Some(b',') => {}
        Some(_) => return Err(ProtocolError::Invalid),
    }
    let mut words = request.splitn(2, |&octet| octet == b' ');
    let (Some(name), Some(key)) = (words.next(), words.next()) else {
        return Err(ProtocolError::Invalid);
    };
    let request = match Map::named(name) {
        Some(map) => Request::LookUp {
            map,
            key: key.to_vec(),
        },
        None => Request::NoSuchMap,
    };
    Ok(Some((request, digits.len() + ":,".len() + length)))
}

/// The length of a netstring, of digits without a needless zero before them.
fn parse_length(digits: &[u8]) -> Result<usize, ProtocolError> {
    let valid = match digits {
        [b'0'] => true,
        [first, rest @ ..] => matches!(first, b'1'..=b'9') && rest.iter().all(u8::is_ascii_digit),
        [] => false,
    };
    if !valid {
        return Err(ProtocolError::Invalid);
    }
    str::from_utf8(digits)
        .ok()
        .and_then(|digits| digits.parse().ok())
        .filter(|&length| length <= LONGEST_REQUEST)
        .ok_or(ProtocolError::TooLong)
}

fn read_tcp(map: Map, octets: &[u8]) -> Result<Option<(Request, usize)>, ProtocolError> {
    let Some(end) = octets.iter().position(|&octet| octet == b'\n') else {
        return if octets.len() < LONGEST_REQUEST {
            Ok(None)
        } else {
            Err(ProtocolError::TooLong)
        };
    };
    if end >= LONGEST_REQUEST {
        return Err(ProtocolError::TooLong);
    }
    let key = octets
        .get(..end)
        .and_then(|line| line.strip_prefix(b"get "))
        .and_then(percent_decoded)
        .ok_or(ProtocolError::Invalid)?;
    Ok(Some((Request::LookUp { map, key }, end + 1)))
}

/// The octets for which an encoded text stands, or `None` if there is another `%` than in `%XX`.
fn percent_decoded(text: &[u8]) -> Option<Vec<u8>> {
    let mut pieces = text.split(|&octet| octet == b'%');
    let mut decoded = pieces.next()?.to_vec();
    for piece in pieces {
        let (digits, rest) = piece.split_at_checked(2)?;
        // `from_str_radix` would take a sign.
        if !digits.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        decoded.push(u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()?);
        decoded.extend_from_slice(rest);
    }
    Some(decoded)
}

fn write_netstring(status: &str, text: &str, out: &mut Vec<u8>) {
    let length = status.len() + text.len();
    out.extend_from_slice(format!("{length}:{status}{text},").as_bytes());
}

/// Writes a reply with `%`, and what is no visible ASCII, encoded.
fn write_line(status: &str, text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(status.as_bytes());
    for octet in text.bytes() {
        if octet == b'%' || !octet.is_ascii_graphic() {
            out.extend_from_slice(format!("%{octet:02x}").as_bytes());
        } else {
            out.push(octet);
        }
    }
    out.push(b'\n');
}
