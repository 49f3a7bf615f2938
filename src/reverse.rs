//! An address becomes Reversed: grammar, then hash, then age.

use core::fmt;

use crate::error::ReverseError;
use crate::hash::{MAX_LENGTH, verify};
use crate::mailbox::{Mailbox, Text};
use crate::secret::Secrets;
use crate::srs_address::{Fields, SrsKind, Tagged};
use crate::timestamp::Day;

/// The settings that reversing needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) hash_min: usize,
    pub(crate) max_age: u16,
    pub(crate) max_skew: u16,
}

/// The address that a bounce goes to; `Display` writes it.
///
/// It is the original sender, or the SRS0 address of the first hop, which knows that sender. It
/// borrows from the address that was reversed, and comes from
/// [`Srs::reverse`](crate::Srs::reverse), which has verified it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reversed<'a> {
    mailbox: Mailbox<'a>,
    kind: SrsKind,
    secret_index: usize,
    case_folded: bool,
    age: Option<i16>,
}

pub(crate) fn reverse<'a>(
    settings: &Settings,
    secrets: &Secrets,
    address: &'a str,
    today: Day,
) -> Result<Reversed<'a>, ReverseError> {
    let tagged = Tagged::parse(address)?;
    let (hash, fields) = tagged.fields().map_err(ReverseError::Malformed)?;
    verified(settings, secrets, hash, &fields, tagged.came_quoted, today)
}

/// Reverses once more what came out of an SRS address, if it is one itself, as if it had been
/// written out. What is told of the result holds for all steps.
#[cfg(feature = "std")]
pub(crate) fn reverse_further<'a>(
    settings: &Settings,
    secrets: &Secrets,
    reversed: &Reversed<'a>,
    today: Day,
) -> Result<Reversed<'a>, ReverseError> {
    let (hash, fields) = Fields::parse_unpacked(&reversed.mailbox)?;
    let came_quoted = reversed.mailbox.is_quoted();
    let last = verified(settings, secrets, hash, &fields, came_quoted, today)?;
    Ok(Reversed {
        // Secrets are retired from the end of the ring, so the last one needed counts.
        secret_index: last.secret_index.max(reversed.secret_index),
        case_folded: last.case_folded || reversed.case_folded,
        ..last
    })
}

/// The mailbox that the fields stand for, if the hash and then the age are right.
#[inline]
fn verified<'a>(
    settings: &Settings,
    secrets: &Secrets,
    hash: Text<'a>,
    fields: &Fields<'a>,
    came_quoted: bool,
    today: Day,
) -> Result<Reversed<'a>, ReverseError> {
    if hash.len() < settings.hash_min {
        return Err(ReverseError::HashTooShort {
            length: hash.len(),
            minimum: settings.hash_min,
        });
    }
    // The hash comes before the age, so that `Expired` means genuine but old.
    let mut presented = [0; MAX_LENGTH];
    let verified = hash
        .resolve(&mut presented)
        .and_then(|hash| verify(secrets, hash, |message| fields.hash_into(message)))
        .ok_or(ReverseError::HashMismatch)?;

    let age = fields
        .timestamp()
        .map(|timestamp| timestamp.age_within(today, settings.max_age, settings.max_skew))
        .transpose()
        .map_err(|age| ReverseError::Expired {
            age,
            max_age: settings.max_age,
        })?;
    Ok(Reversed {
        mailbox: fields.unpack(came_quoted),
        kind: fields.kind(),
        secret_index: verified.secret_index,
        case_folded: verified.case_folded,
        age,
    })
}

impl<'a> Reversed<'a> {
    /// The address itself.
    #[must_use]
    pub const fn mailbox(&self) -> Mailbox<'a> {
        self.mailbox
    }

    /// What was reversed: an SRS0 address gives the original sender, an SRS1 the first hop's SRS0.
    #[must_use]
    pub const fn kind(&self) -> SrsKind {
        self.kind
    }

    /// Which secret of the ring it was signed with, 0 being the one that signs.
    ///
    /// When no bounce names a retired secret any more, it can go.
    #[must_use]
    pub const fn secret_index(&self) -> usize {
        self.secret_index
    }

    /// Whether the hash matched only without regard to case: some mail server has folded the local
    /// part on its way, and the original's letters with it.
    #[must_use]
    pub const fn case_folded(&self) -> bool {
        self.case_folded
    }

    /// The days since it was made, negative if it is dated ahead; `None` for SRS1, which bears no
    /// timestamp: the first hop looks at that of its SRS0.
    #[must_use]
    pub const fn age(&self) -> Option<i16> {
        self.age
    }
}

impl fmt::Display for Reversed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.mailbox.fmt(f)
    }
}
