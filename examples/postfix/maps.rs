//! What is asked for and what is answered, in whatever protocol.

use std::fmt::{self, Display, Write as _};

use log::{debug, info, warn};
use mail_srs::{Day, Envelope, Forwarder, Incoming, Outgoing};

/// The tables that can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Map {
    /// A sender gives the one to forward with: `sender_canonical_maps`.
    Forward,
    /// An SRS address gives the sender it was made of: `recipient_canonical_maps`.
    Reverse,
    /// An SRS address that must not be taken gives the SMTP reply: `check_recipient_access`.
    Access,
}

impl Map {
    pub(crate) fn named(name: &[u8]) -> Option<Self> {
        match name {
            b"forward" => Some(Self::Forward),
            b"reverse" => Some(Self::Reverse),
            b"access" => Some(Self::Access),
            _ => None,
        }
    }
}

impl Display for Map {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Forward => "forward",
            Self::Reverse => "reverse",
            Self::Access => "access",
        })
    }
}

/// What a map has for a key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Found(String),
    /// With the reason, a short name.
    NotFound(&'static str),
}

/// Looks a key up. What is no acceptable address is not found, like all that needs no rewriting: an
/// error would make Postfix defer the mail, over and over (`PostSRSd` issue 198).
pub(crate) fn look_up(forwarder: &Forwarder, map: Map, key: &[u8], today: Day) -> Answer {
    let Ok(key) = str::from_utf8(key) else {
        return Answer::NotFound("not-utf8");
    };
    let answer = match map {
        Map::Forward => forward(forwarder, key, today),
        Map::Reverse => reverse(forwarder, key, today),
        Map::Access => access(forwarder, key, today),
    };
    match &answer {
        Answer::Found(address) if map == Map::Access => info!("access: {}: {address}", Shown(key)),
        Answer::Found(address) => info!("{map}: {} becomes {}", Shown(key), Shown(address)),
        Answer::NotFound(reason) => debug!("{map}: {} is left alone: {reason}", Shown(key)),
    }
    answer
}

fn forward(forwarder: &Forwarder, sender: &str, today: Day) -> Answer {
    // So Postfix writes the null sender in its canonical maps.
    let sender = if sender == r#""""# { "" } else { sender };
    match forwarder.outgoing(Envelope::to_unknown_destination(sender), today) {
        Ok(Outgoing::Rewrite(address)) => Answer::Found(address.to_string()),
        Ok(Outgoing::Keep(reason)) => Answer::NotFound(reason.code()),
        Err(error) => {
            warn!("forward: {} cannot be rewritten: {error}", Shown(sender));
            Answer::NotFound(error.code())
        }
    }
}

fn reverse(forwarder: &Forwarder, recipient: &str, today: Day) -> Answer {
    match forwarder.incoming(recipient, None, today) {
        Incoming::Ours(sender) => Answer::Found(sender.to_string()),
        verdict @ (Incoming::Ordinary | Incoming::Foreign) => Answer::NotFound(verdict.code()),
        Incoming::Refused(error) => {
            warn!("reverse: {} is refused: {error}", Shown(recipient));
            Answer::NotFound(error.code())
        }
    }
}

fn access(forwarder: &Forwarder, recipient: &str, today: Day) -> Answer {
    match forwarder.incoming(recipient, None, today) {
        Incoming::Refused(error) => Answer::Found(error.smtp_reply().to_string()),
        verdict => Answer::NotFound(verdict.code()),
    }
}

/// An address in a line of the log, which nothing in it can end.
struct Shown<'a>(&'a str);

impl Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<")?;
        for character in self.0.chars() {
            match character {
                // Within the brackets there are no others.
                '<' | '>' => write!(f, "{}", character.escape_unicode())?,
                '"' | '\'' | '\\' => f.write_char(character)?,
                // Controls, and what changes the direction of writing.
                _ => write!(f, "{}", character.escape_debug())?,
            }
        }
        f.write_str(">")
    }
}
