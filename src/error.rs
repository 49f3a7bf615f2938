//! The errors, and the SMTP reply that fits each.
//!
//! Texts are lower-case ASCII and hold no byte of the input and none of a secret: they may end up
//! in an SMTP reply or a log.

use core::fmt;

use thiserror::Error;

/// Why a text is no envelope address (RFC 5321 §4.1.2, RFC 6531 §3.3).
///
/// Each variant tells the offset of the defect, in octets from the start of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AddressError {
    /// No `@` divides the local part from the host.
    #[error("no at sign before offset {offset}")]
    MissingAt {
        /// Where the text ends.
        offset: usize,
    },
    /// Nothing stands before the `@`.
    #[error("empty local part at offset {offset}")]
    EmptyLocalPart {
        /// Where the local part was expected.
        offset: usize,
    },
    /// Nothing stands after the `@`.
    #[error("empty host at offset {offset}")]
    EmptyHost {
        /// Where the host was expected.
        offset: usize,
    },
    /// A control character, such as a line end; RFC 5321 allows none, not even between quotes.
    #[error("control character at offset {offset}")]
    ControlCharacter {
        /// Where it stands.
        offset: usize,
    },
    /// A space outside quotes.
    #[error("unquoted space at offset {offset}")]
    Space {
        /// Where it stands.
        offset: usize,
    },
    /// One of `<`, `>`, `@`, `"` and `\` outside quotes; in a host, also one of `(`, `)`, `,`, `:`,
    /// `;`, `[` and `]`, but for the brackets of an address literal and what they hold.
    #[error("special character outside quotes at offset {offset}")]
    SpecialCharacter {
        /// Where it stands.
        offset: usize,
    },
    /// An `=` in the host, which SRS could not tell from its own separator.
    #[error("equals sign in the host at offset {offset}")]
    EqualsInHost {
        /// Where it stands.
        offset: usize,
    },
    /// A quoted local part that does not end.
    #[error("quoted local part opened at offset {offset} is not closed")]
    UnterminatedQuote {
        /// Where the quote opens.
        offset: usize,
    },
    /// Something other than `@` after the closing quote.
    #[error("text after the closing quote at offset {offset}")]
    TextAfterQuote {
        /// Where it stands.
        offset: usize,
    },
}

impl AddressError {
    /// Where the defect stands, in octets from the start of the text.
    #[must_use]
    pub const fn offset(self) -> usize {
        match self {
            Self::MissingAt { offset }
            | Self::EmptyLocalPart { offset }
            | Self::EmptyHost { offset }
            | Self::ControlCharacter { offset }
            | Self::Space { offset }
            | Self::SpecialCharacter { offset }
            | Self::EqualsInHost { offset }
            | Self::UnterminatedQuote { offset }
            | Self::TextAfterQuote { offset } => offset,
        }
    }
}

/// Why a local part that begins with an SRS tag is no SRS address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SyntaxError {
    /// An SRS0 local part without the four fields hash, timestamp, host and user.
    #[error("srs0 address lacks a field: hash, timestamp, host and user are needed")]
    Srs0Fields,
    /// A timestamp that is not exactly two base32 characters.
    #[error("timestamp is not two base32 characters")]
    Timestamp,
    /// A host that is empty or holds a character that no host holds.
    #[error("host field is not a host")]
    Host,
    /// An SRS0 local part whose user is empty.
    #[error("user field is empty")]
    User,
    /// An SRS1 local part without the three fields hash, host and rest.
    #[error("srs1 address lacks a field: hash, host and rest are needed")]
    Srs1Fields,
    /// An SRS1 local part whose rest does not begin with a separator.
    #[error("rest of the srs1 address does not begin with a separator")]
    Rest,
}

/// Why a text was not read as an SRS address by [`SrsAddress::parse`](crate::SrsAddress::parse).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ParseError {
    /// It begins with no SRS tag; nothing else of it was looked at.
    #[error("not an srs address")]
    NotSrs,
    /// It begins with an SRS tag, but is no envelope address.
    #[error("invalid address: {0}")]
    Address(AddressError),
    /// It begins with an SRS tag, but its fields are wrong.
    #[error("malformed srs address: {0}")]
    Malformed(SyntaxError),
}

/// Why [`Srs::forward`](crate::Srs::forward) gave no sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ForwardError {
    /// The sender is no envelope address.
    #[error("invalid sender: {0}")]
    Sender(AddressError),
    /// The alias is neither a domain nor an envelope address.
    #[error("invalid alias: {0}")]
    Alias(AddressError),
    /// The local part of the new sender would exceed the limit that was set.
    #[error("rewritten local part takes {octets} octets, over the limit of {limit}")]
    LocalPartTooLong {
        /// The octets of the local part.
        octets: usize,
        /// The limit from [`SrsBuilder::local_part_limit`](crate::SrsBuilder::local_part_limit).
        limit: usize,
    },
}

/// Why [`Srs::reverse`](crate::Srs::reverse) gave no original address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ReverseError {
    /// It begins with no SRS tag: an ordinary recipient. Nothing else of it was looked at.
    #[error("not an srs address")]
    NotSrs,
    /// It begins with an SRS tag, but is no envelope address.
    #[error("invalid address: {0}")]
    Address(AddressError),
    /// It begins with an SRS tag, but its fields are wrong.
    #[error("malformed srs address: {0}")]
    Malformed(SyntaxError),
    /// Its hash is shorter than [`SrsBuilder::hash_min`](crate::SrsBuilder::hash_min) allows.
    #[error("hash of {length} characters is too short, {minimum} are needed")]
    HashTooShort {
        /// The characters presented.
        length: usize,
        /// The characters needed.
        minimum: usize,
    },
    /// Its hash is not ours: the address is forged, or its secret was retired.
    #[error("hash does not match")]
    HashMismatch,
    /// It is genuine but old, or dated further ahead than the allowed skew.
    #[error("address expired: it is {age} days old and {max_age} are allowed")]
    Expired {
        /// Days since it was made, modulo 1,024: one dated two days ahead is 1,022 days old.
        age: u16,
        /// The days allowed.
        max_age: u16,
    },
}

impl ReverseError {
    /// The reply to give at RCPT, or `None` for [`ReverseError::NotSrs`]: it is no SRS matter.
    ///
    /// ```
    /// use mail_srs::ReverseError;
    ///
    /// let reply = ReverseError::HashMismatch.smtp_reply().unwrap();
    /// assert_eq!(reply.to_string(), "550 5.7.1 SRS address is not genuine");
    /// assert_eq!(ReverseError::NotSrs.smtp_reply(), None);
    /// ```
    #[must_use]
    pub const fn smtp_reply(self) -> Option<SmtpReply> {
        let (enhanced, text) = match self {
            Self::NotSrs => return None,
            // RFC 3463 §3.2: X.1.3 bad destination mailbox address syntax.
            Self::Address(_) | Self::Malformed(_) => ("5.1.3", "SRS address is malformed"),
            // RFC 3463 §3.8: X.7.1 delivery not authorized, message refused.
            Self::HashTooShort { .. } | Self::HashMismatch => {
                ("5.7.1", "SRS address is not genuine")
            }
            // RFC 3463 §3.2: X.1.1 bad destination mailbox address.
            Self::Expired { .. } => ("5.1.1", "SRS address has expired"),
        };
        Some(SmtpReply { enhanced, text })
    }

    /// A short name for logs and metrics, which stays the same: `not-srs`, `invalid-address`,
    /// `malformed`, `hash-too-short`, `hash-mismatch` or `expired`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotSrs => "not-srs",
            Self::Address(_) => "invalid-address",
            Self::Malformed(_) => "malformed",
            Self::HashTooShort { .. } => "hash-too-short",
            Self::HashMismatch => "hash-mismatch",
            Self::Expired { .. } => "expired",
        }
    }
}

impl From<ParseError> for ReverseError {
    fn from(error: ParseError) -> Self {
        match error {
            ParseError::NotSrs => Self::NotSrs,
            ParseError::Address(error) => Self::Address(error),
            ParseError::Malformed(error) => Self::Malformed(error),
        }
    }
}

/// A permanent SMTP reply with its RFC 3463 code; `Display` writes it as one line without its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SmtpReply {
    enhanced: &'static str,
    text: &'static str,
}

impl SmtpReply {
    /// The reply code of RFC 5321 §4.2.3: always 550, mailbox unavailable.
    #[must_use]
    pub const fn code(self) -> u16 {
        550
    }

    /// The enhanced status code of RFC 3463, such as `5.7.1`.
    #[must_use]
    pub const fn enhanced(self) -> &'static str {
        self.enhanced
    }

    /// The text for people, in ASCII.
    #[must_use]
    pub const fn text(self) -> &'static str {
        self.text
    }
}

impl fmt::Display for SmtpReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.code(), self.enhanced, self.text)
    }
}

/// Why there is no [`Secret`](crate::Secret), or no ring of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SecretError {
    /// The secret is empty, or all zeros, which is the same to an HMAC: anybody could sign with it.
    #[error("secret is empty or all zeros: give at least one octet, better twenty random ones")]
    Empty,
    /// The lines hold no secret, only blank lines and comments.
    #[error("no secret found: give at least one line that is neither blank nor a comment")]
    NoSecret,
    /// The system gave no random numbers.
    #[error("the system gave no random numbers: try again, or make the secret elsewhere")]
    Random,
}

/// Why a text names no [`HashFormat`](crate::HashFormat).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("unknown hash format: use base64url, base64 or base32")]
#[non_exhaustive]
pub struct HashFormatError;

/// Why a character is no [`Separator`](crate::Separator).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("separator is none of those SRS knows: use an equals, plus or minus sign")]
#[non_exhaustive]
pub struct SeparatorError;

/// Why [`SrsBuilder::build`](crate::SrsBuilder::build) refused the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BuildError {
    /// `hash_length` is below the minimum that resists guessing, or beyond the encoding's length.
    #[error("hash length of {length} is out of range: use {minimum} to {maximum} characters")]
    HashLength {
        /// The length asked for.
        length: usize,
        /// The shortest length allowed.
        minimum: usize,
        /// The length of the whole hash in the format of the secret that signs.
        maximum: usize,
    },
    /// `hash_min` is below the minimum that resists guessing, or above `hash_length`.
    #[error(
        "hash minimum of {minimum} is out of range: use {lowest} to {length} characters, \
         the hash length"
    )]
    HashMin {
        /// The minimum asked for.
        minimum: usize,
        /// The lowest minimum allowed.
        lowest: usize,
        /// The hash length, which it may not exceed.
        length: usize,
    },
    /// `hash_min` exceeds the whole hash of an accepted secret, which could then verify nothing.
    #[error("hash minimum of {minimum} shuts out an accepted secret: use at most {maximum}")]
    HashMinForAccepted {
        /// The minimum asked for.
        minimum: usize,
        /// The length of the whole hash in the format of that secret.
        maximum: usize,
    },
    /// The separator is none of `=`, `+` and `-`.
    #[error(transparent)]
    Separator(#[from] SeparatorError),
    /// The same secret is in the ring as base32 and in another format, which voids what base32 adds:
    /// whoever has an address signed in the other could make one of base32 from it.
    #[error("the same secret is used in base32 and in another format: make a new one for base32")]
    SharedSecret,
    /// `max_age` and `max_skew` together cover the cycle of 1,024 days: nothing would ever expire.
    #[error(
        "maximum age of {max_age} and skew of {max_skew} days cover the cycle of timestamps: \
         keep their sum below 1023"
    )]
    Window {
        /// The days back.
        max_age: u16,
        /// The days ahead.
        max_skew: u16,
    },
}

/// Why there is no set of [`Domains`](crate::Domains).
#[cfg(feature = "std")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DomainsError {
    /// A line holds something that can be no domain.
    #[error(
        "line {line} is no domain: write example.com for that alone, .example.com for its subdomains"
    )]
    Line {
        /// Which, counted from 1, with those that are skipped.
        line: usize,
    },
    /// An entry can be no domain.
    #[error(
        "entry {entry} is no domain: write example.com for that alone, .example.com for its \
         subdomains"
    )]
    Entry {
        /// Which, counted from 1.
        entry: usize,
    },
}

/// Why [`ForwarderBuilder::build`](crate::ForwarderBuilder::build) refused the settings.
#[cfg(feature = "std")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ForwarderBuildError {
    /// The SRS domain is no domain.
    #[error("srs domain is no domain: give one such as srs.example.com")]
    SrsDomain,
    /// There is no domain in which SRS addresses could be made or accepted.
    #[error("no domain for srs addresses: give an srs domain, or accepted domains to choose from")]
    NoDomain,
}

/// Why [`Forwarder::outgoing`](crate::Forwarder::outgoing) came to no decision.
#[cfg(feature = "std")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum OutgoingError {
    /// The sender is no envelope address.
    #[error("invalid sender: {0}")]
    Sender(AddressError),
    /// The destination is neither a domain nor an envelope address.
    #[error("invalid destination: {0}")]
    Destination(AddressError),
    /// Neither the forwarder nor the envelope has a domain to rewrite into.
    #[error("no srs domain to rewrite into: the forwarder has none, so each envelope needs one")]
    NoSrsDomain,
    /// The domain to rewrite into is neither a domain nor an envelope address.
    #[error("invalid srs domain: {0}")]
    SrsDomain(AddressError),
    /// The domain to rewrite into is not among the accepted ones, so that no bounce to it would be.
    #[error("srs domain of the envelope is not among the accepted domains")]
    SrsDomainNotAccepted,
    /// The local part of the new sender would exceed the limit, and is not to be forwarded then.
    #[error("rewritten local part takes {octets} octets, over the limit of {limit}")]
    TooLong {
        /// The octets of the local part.
        octets: usize,
        /// The octets allowed: by RFC 5321, or by
        /// [`SrsBuilder::local_part_limit`](crate::SrsBuilder::local_part_limit).
        limit: usize,
    },
}

#[cfg(feature = "std")]
impl OutgoingError {
    /// A short name for logs and metrics, which stays the same: `invalid-sender`,
    /// `invalid-destination`, `no-srs-domain`, `invalid-srs-domain`, `srs-domain-not-accepted` or
    /// `refused-too-long`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Sender(_) => "invalid-sender",
            Self::Destination(_) => "invalid-destination",
            Self::NoSrsDomain => "no-srs-domain",
            Self::SrsDomain(_) => "invalid-srs-domain",
            Self::SrsDomainNotAccepted => "srs-domain-not-accepted",
            Self::TooLong { .. } => "refused-too-long",
        }
    }

    /// The reply to give if the message is still in the SMTP dialogue, or `None` where the fault is
    /// the forwarder's own: then keep the message until that is mended.
    #[must_use]
    pub const fn smtp_reply(self) -> Option<SmtpReply> {
        // RFC 3463 §3.2: X.1.7 bad sender's mailbox address syntax.
        let text = match self {
            Self::Sender(_) => "sender address is malformed",
            Self::TooLong { .. } => "sender address is too long to be forwarded",
            Self::Destination(_)
            | Self::NoSrsDomain
            | Self::SrsDomain(_)
            | Self::SrsDomainNotAccepted => return None,
        };
        Some(SmtpReply {
            enhanced: "5.1.7",
            text,
        })
    }
}

#[cfg(feature = "std")]
impl From<ForwardError> for OutgoingError {
    fn from(error: ForwardError) -> Self {
        match error {
            ForwardError::Sender(error) => Self::Sender(error),
            ForwardError::Alias(error) => Self::SrsDomain(error),
            ForwardError::LocalPartTooLong { octets, limit } => Self::TooLong { octets, limit },
        }
    }
}

/// Why [`Forwarder::incoming`](crate::Forwarder::incoming) refuses a recipient.
#[cfg(feature = "std")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum IncomingError {
    /// It is no genuine SRS address, or no longer; never [`ReverseError::NotSrs`].
    #[error(transparent)]
    Srs(#[from] ReverseError),
    /// It is genuine, but the message has a real sender.
    #[error("srs address is genuine, but the sender is not null")]
    NotABounce,
    /// It leads to so many other SRS addresses of ours that it was not followed to its end.
    #[error("srs address leads to too many others")]
    TooManySteps,
}

#[cfg(feature = "std")]
impl IncomingError {
    /// A short name for logs and metrics, which stays the same: `invalid-address`, `malformed`,
    /// `hash-too-short`, `hash-mismatch`, `expired`, `not-a-bounce` or `too-many-steps`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Srs(error) => error.code(),
            Self::NotABounce => "not-a-bounce",
            Self::TooManySteps => "too-many-steps",
        }
    }

    /// The reply to give at RCPT.
    ///
    /// ```
    /// use mail_srs::IncomingError;
    ///
    /// let reply = IncomingError::NotABounce.smtp_reply();
    /// assert_eq!(reply.to_string(), "550 5.7.1 SRS address takes bounces only");
    /// ```
    #[must_use]
    pub const fn smtp_reply(self) -> SmtpReply {
        let (enhanced, text) = match self {
            Self::Srs(error) => match error.smtp_reply() {
                Some(reply) => return reply,
                None => ("5.1.3", "SRS address is malformed"),
            },
            // RFC 3463 §3.8: X.7.1 delivery not authorized, message refused.
            Self::NotABounce => ("5.7.1", "SRS address takes bounces only"),
            // RFC 3463 §3.5: X.4.6 routing loop detected.
            Self::TooManySteps => ("5.4.6", "SRS address leads to too many others"),
        };
        SmtpReply { enhanced, text }
    }
}
