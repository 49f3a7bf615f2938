//! The SRS0/SRS1 grammar: parse and Display; no keys, no clock.

use core::fmt::{self, Write};

use crate::error::{ParseError, SeparatorError, SyntaxError};
use crate::hash::{self, Hash, Message};
use crate::mailbox::{Mailbox, Parsed, Text, write_between_quotes, written_len};
use crate::timestamp::Timestamp;

/// The character between the tag and the hash; every later separator is `=`.
///
/// ```
/// use mail_srs::Separator;
///
/// assert_eq!(Separator::try_from('+'), Ok(Separator::Plus));
/// assert!(Separator::try_from('/').is_err());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the wire format has these three")]
pub enum Separator {
    /// `=`, the default.
    #[default]
    Equals,
    /// `+`.
    Plus,
    /// `-`.
    Minus,
}

impl Separator {
    /// The character itself.
    #[must_use]
    pub const fn as_char(self) -> char {
        self.as_octet() as char
    }

    const fn as_octet(self) -> u8 {
        match self {
            Self::Equals => b'=',
            Self::Plus => b'+',
            Self::Minus => b'-',
        }
    }
}

impl TryFrom<char> for Separator {
    type Error = SeparatorError;

    fn try_from(character: char) -> Result<Self, Self::Error> {
        match character {
            '=' => Ok(Self::Equals),
            '+' => Ok(Self::Plus),
            '-' => Ok(Self::Minus),
            _ => Err(SeparatorError),
        }
    }
}

impl From<Separator> for char {
    fn from(separator: Separator) -> Self {
        separator.as_char()
    }
}

impl fmt::Display for Separator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char(self.as_char())
    }
}

/// Which of the two forms an SRS address has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the wire format has these two")]
pub enum SrsKind {
    /// Made by the first hop, from the original sender.
    Srs0,
    /// Made by a later hop, from the SRS0 of the first.
    Srs1,
}

impl SrsKind {
    pub(crate) const fn tag(self) -> &'static str {
        match self {
            Self::Srs0 => "SRS0",
            Self::Srs1 => "SRS1",
        }
    }

    /// That of a tag, which is recognised without regard to case.
    #[inline]
    const fn of([s, r, t, digit]: [u8; 4]) -> Option<Self> {
        // The bit that a lower-case letter has and its upper-case one has not.
        const LOWER: u8 = b'a' ^ b'A';
        match [s | LOWER, r | LOWER, t | LOWER, digit] {
            [b's', b'r', b's', b'0'] => Some(Self::Srs0),
            [b's', b'r', b's', b'1'] => Some(Self::Srs1),
            _ => None,
        }
    }
}

impl fmt::Display for SrsKind {
    /// Writes the tag: `SRS0` or `SRS1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.tag())
    }
}

/// Takes the tag from a local part, if a separator follows it; what is left begins with that.
#[inline]
pub(crate) fn split_tag(local_part: Text<'_>) -> Option<(SrsKind, Text<'_>)> {
    let (tag, rest) = local_part.split_first_chunk()?;
    let kind = SrsKind::of(tag)?;
    split_separator(rest).map(|_| (kind, rest))
}

#[inline]
fn split_separator(text: Text<'_>) -> Option<(Separator, Text<'_>)> {
    let ([octet], rest) = text.split_first_chunk()?;
    Some((Separator::try_from(char::from(octet)).ok()?, rest))
}

/// Whether an address begins with an SRS tag, looking at no more of it than that.
#[cfg(feature = "std")]
pub(crate) fn has_tag(address: &str) -> bool {
    Tag::read(address).is_some()
}

/// How an SRS address begins: its tag, and the separator after it.
///
/// `SRS0@host`, without a separator, is an ordinary address; libsrs2 takes it for SRS0.
#[derive(Clone, Copy)]
pub(crate) struct Tag {
    kind: SrsKind,
    separator: Separator,
}

impl Tag {
    const OCTETS: usize = 5;

    #[inline]
    fn of([tag @ .., separator]: [u8; Self::OCTETS]) -> Option<Self> {
        Some(Self {
            kind: SrsKind::of(tag)?,
            separator: Separator::try_from(char::from(separator)).ok()?,
        })
    }

    /// Reads that of an address, looking at no more of it.
    #[inline]
    pub(crate) fn read(address: &str) -> Option<Self> {
        let first: [u8; Self::OCTETS] = *address.as_bytes().first_chunk()?;
        match first {
            // Only between quotes may the tag hold quoted pairs, so it is read with care.
            [b'"', ..] => Self::of(Text::opened(address).split_first_chunk()?.0),
            _ => Self::of(first),
        }
    }
}

/// An address that begins with a tag, divided so that its fields can be read.
pub(crate) struct Tagged<'a> {
    tag: Tag,
    /// The local part from behind the separator.
    text: Text<'a>,
    pub(crate) came_quoted: bool,
    domain: &'a str,
}

impl<'a> Tagged<'a> {
    /// Reads an address, and its tag before anything else.
    #[inline]
    pub(crate) fn parse(address: &'a str) -> Result<Self, ParseError> {
        let tag = Tag::read(address).ok_or(ParseError::NotSrs)?;
        match behind_tag(address).and_then(Parsed::at_plain_host) {
            Some(parsed) => {
                parsed
                    .check_unquoted(Tag::OCTETS)
                    .map_err(ParseError::Address)?;
                Ok(Self::new(tag, &parsed))
            }
            None => Self::parse_closely(tag, address),
        }
    }

    #[cold]
    fn parse_closely(tag: Tag, address: &'a str) -> Result<Self, ParseError> {
        let parsed = Parsed::parse_closely(address).map_err(ParseError::Address)?;
        let behind_tag = parsed.text.split_first_chunk::<{ Tag::OCTETS }>();
        let (_tag, text) = behind_tag.ok_or(ParseError::NotSrs)?;
        Ok(Self::new(tag, &Parsed { text, ..parsed }))
    }

    /// The `parsed` local part lacks the tag.
    #[inline]
    const fn new(tag: Tag, parsed: &Parsed<'a>) -> Self {
        Self {
            tag,
            text: parsed.text,
            came_quoted: parsed.came_quoted,
            domain: parsed.domain(),
        }
    }

    /// Reads its hash, and what that covers.
    #[inline]
    pub(crate) fn fields(&self) -> Result<(Text<'a>, Fields<'a>), SyntaxError> {
        Fields::parse(self.tag.kind, self.text, self.came_quoted)
    }
}

/// What follows the tag of an address that is not quoted. The tag itself needs no further look: it is
/// made of characters that may stand anywhere in a local part.
#[inline]
fn behind_tag(address: &str) -> Option<&str> {
    if address.starts_with('"') {
        None
    } else {
        address.get(Tag::OCTETS..)
    }
}

/// The form of a mailbox that was taken out of an SRS address, if it is one itself; and what follows
/// the tag.
#[cfg(feature = "std")]
pub(crate) fn unpacked_tag<'a>(mailbox: &Mailbox<'a>) -> Option<(SrsKind, Text<'a>)> {
    match mailbox.tag_and_text() {
        ("", text) => split_tag(text),
        // Only an SRS1 gives one back, and always this.
        (_, rest) => Some((SrsKind::Srs0, rest)),
    }
}

/// What the hash of an SRS address covers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fields<'a> {
    /// Only an SRS0 address bears one.
    timestamp: Option<Timestamp>,
    /// The sender's host, or in an SRS1 address the first hop.
    host: Text<'a>,
    /// The user, or in an SRS1 address the first hop's local part without the tag, so that it begins
    /// with its separator.
    text: Text<'a>,
}

impl<'a> Fields<'a> {
    pub(crate) const fn srs0(timestamp: Timestamp, host: Text<'a>, user: Text<'a>) -> Self {
        Self {
            timestamp: Some(timestamp),
            host,
            text: user,
        }
    }

    pub(crate) const fn srs1(first_hop: Text<'a>, rest: Text<'a>) -> Self {
        Self {
            timestamp: None,
            host: first_hop,
            text: rest,
        }
    }

    /// Reads the fields of a local part from behind its separator: its hash, and the others.
    #[inline]
    fn parse(
        kind: SrsKind,
        fields: Text<'a>,
        came_quoted: bool,
    ) -> Result<(Text<'a>, Self), SyntaxError> {
        match kind {
            SrsKind::Srs0 => Self::parse_srs0(fields, came_quoted),
            SrsKind::Srs1 => Self::parse_srs1(fields),
        }
    }

    /// Reads the hash and the fields of a mailbox that was taken out of an SRS address.
    #[cfg(feature = "std")]
    pub(crate) fn parse_unpacked(mailbox: &Mailbox<'a>) -> Result<(Text<'a>, Self), ParseError> {
        let (kind, rest) = unpacked_tag(mailbox).ok_or(ParseError::NotSrs)?;
        let (_, fields) = split_separator(rest).ok_or(ParseError::NotSrs)?;
        Self::parse(kind, fields, mailbox.is_quoted()).map_err(ParseError::Malformed)
    }

    /// The mailbox they stand for, were they genuine.
    pub(crate) fn unpack(&self, came_quoted: bool) -> Mailbox<'a> {
        let tag = match self.kind() {
            SrsKind::Srs0 => "",
            SrsKind::Srs1 => SrsKind::Srs0.tag(),
        };
        let quoted = self.text.needs_quotes() || (came_quoted && self.keep_quotes_unpacked());
        Mailbox::unpacked(tag, self.text, quoted, self.host)
    }

    /// Reads the fields of an SRS1 local part from behind its separator: its hash, and the others.
    #[inline]
    fn parse_srs1(fields: Text<'a>) -> Result<(Text<'a>, Self), SyntaxError> {
        let [hash, host, rest] = fields.split_at_equals().ok_or(SyntaxError::Srs1Fields)?;
        if !host.is_host() {
            return Err(SyntaxError::Host);
        }
        // Without it, `SRS0` and the rest are no SRS0 address, and nobody could reverse them
        // (PostSRSd issue 100).
        split_separator(rest).ok_or(SyntaxError::Rest)?;
        Ok((hash, Self::srs1(host, rest)))
    }

    /// Reads the fields of an SRS1 local part from behind its tag, without the hash.
    pub(crate) fn parse_tagged_srs1(rest: Text<'a>) -> Option<Self> {
        let (_, fields) = split_separator(rest)?;
        let (_, fields) = Self::parse_srs1(fields).ok()?;
        Some(fields)
    }

    /// Reads the fields of an SRS0 local part from behind its separator: its hash, and the others.
    #[inline]
    fn parse_srs0(fields: Text<'a>, came_quoted: bool) -> Result<(Text<'a>, Self), SyntaxError> {
        let [hash, timestamp, host, user] =
            fields.split_at_equals().ok_or(SyntaxError::Srs0Fields)?;
        let mut characters = [0; 2];
        let timestamp = match timestamp.resolve(&mut characters) {
            Some(&[high, low]) => Timestamp::from_characters([high, low]),
            _ => None,
        };
        let timestamp = timestamp.ok_or(SyntaxError::Timestamp)?;
        if !host.may_be_host() {
            return Err(SyntaxError::Host);
        }
        // Between quotes a local part may be empty: `""@example.com` (RFC 5321 §4.1.2).
        if user.is_empty() && !came_quoted {
            return Err(SyntaxError::User);
        }
        Ok((hash, Self::srs0(timestamp, host, user)))
    }

    pub(crate) const fn kind(&self) -> SrsKind {
        match self.timestamp {
            Some(_) => SrsKind::Srs0,
            None => SrsKind::Srs1,
        }
    }

    pub(crate) const fn timestamp(&self) -> Option<Timestamp> {
        self.timestamp
    }

    /// Tells the hash what it covers: all but the hash itself, the separator after the tag, and the
    /// forwarder's domain. The borders count only in the format that is our own.
    #[inline]
    pub(crate) fn hash_into(&self, message: &mut Message<'_>) {
        match self.timestamp {
            Some(timestamp) => {
                message.append_border("srs0=");
                message.append(&timestamp.characters());
                message.append_border("=");
            }
            None => message.append_border("srs1="),
        }
        for piece in self.host.pieces() {
            message.append(piece.as_bytes());
        }
        message.append_border("=");
        for piece in self.text.pieces() {
            message.append(piece.as_bytes());
        }
    }

    /// The octets of a local part with these and a hash of this length, between quotes if `quoted`.
    pub(crate) fn local_part_octets(&self, hash: usize, quoted: bool) -> usize {
        "SRS0=".len()
            + hash
            + "=".len()
            + self.timestamp.map_or(0, |_| "TT=".len())
            + self.host.len()
            + "=".len()
            + written_len(self.text, quoted)
    }

    #[inline]
    pub(crate) fn need_quotes(&self) -> bool {
        self.host.needs_quotes() || self.text.needs_quotes()
    }

    fn need_smtputf8(&self) -> bool {
        self.host.needs_smtputf8() || self.text.needs_smtputf8()
    }

    /// Whether an address that holds them needs the quotes that they came with.
    pub(crate) fn keep_quotes(&self) -> bool {
        !self.host.is_dot_string() || self.keep_quotes_unpacked()
    }

    /// Whether what the address stands for needs them.
    fn keep_quotes_unpacked(&self) -> bool {
        match self.kind() {
            SrsKind::Srs0 => keeps_quotes(self.text),
            SrsKind::Srs1 => {
                !self.text.is_dot_string() || packs_user_with_quotes(srs0_user(self.text))
            }
        }
    }
}

/// Whether a local part that came between quotes needs them, itself or for a user packed in it.
///
/// `"SRS0=HASH=TT=example.com=.alice"` would be a Dot-string without its quotes, but `.alice`,
/// which is left when it is reversed, is none. So the quotes are kept through all hops.
fn keeps_quotes(local_part: Text<'_>) -> bool {
    !local_part.is_dot_string() || packs_user_with_quotes(packed_user(local_part))
}

/// Whether a user needs quotes that is packed in a Dot-string, or one packed in that user.
///
/// As it ends that text, only its beginning need be looked at, so that the time grows no faster
/// than the length, however deep the nesting.
fn packs_user_with_quotes(mut packed: Option<Text<'_>>) -> bool {
    while let Some(user) = packed {
        if user.cannot_begin_dot_string() {
            return true;
        }
        packed = packed_user(user);
    }
    false
}

/// The user in an SRS local part, whatever system made it.
fn packed_user(local_part: Text<'_>) -> Option<Text<'_>> {
    match split_tag(local_part)? {
        (SrsKind::Srs0, rest) => srs0_user(rest),
        (SrsKind::Srs1, rest) => srs0_user(Fields::parse_tagged_srs1(rest)?.text),
    }
}

/// The user in an SRS0 local part from behind its tag.
fn srs0_user(rest: Text<'_>) -> Option<Text<'_>> {
    let (_, fields) = split_separator(rest)?;
    let [_, _, _, user] = fields.split_at_equals()?;
    Some(user)
}

/// How an SRS address is written, whoever made its hash.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Layout<'a> {
    pub(crate) separator: Separator,
    pub(crate) fields: Fields<'a>,
    pub(crate) domain: &'a str,
    pub(crate) quoted: bool,
}

impl Layout<'_> {
    pub(crate) fn needs_smtputf8(&self) -> bool {
        self.fields.need_smtputf8() || !self.domain.is_ascii()
    }

    /// Writes it with the hash that was made for it.
    pub(crate) fn write_signed(&self, out: &mut impl Write, hash: &Hash) -> fmt::Result {
        // What stands before the host is written in one piece, since each takes its time. All of it
        // fits, and is ASCII.
        let mut head = [0; Tag::OCTETS + hash::MAX_LENGTH + "=TT=".len()];
        let mut length = 0;
        let mut append = |characters: &[u8]| {
            let end = length + characters.len();
            debug_assert!(end <= head.len(), "the longest hash and a timestamp fit");
            if let Some(place) = head.get_mut(length..end) {
                place.copy_from_slice(characters);
                length = end;
            }
        };
        append(self.fields.kind().tag().as_bytes());
        append(&[self.separator.as_octet()]);
        for character in hash.characters() {
            append(&[character]);
        }
        match self.fields.timestamp.map(Timestamp::characters) {
            Some([high, low]) => append(&[b'=', high, low, b'=']),
            None => append(b"="),
        }
        let head = head.get(..length).unwrap_or_default();
        let head = str::from_utf8(head).unwrap_or_default();
        self.write(out, |out| out.write_str(head))
    }

    /// Writes it with the hash that was read.
    fn write_claimed(&self, out: &mut impl Write, hash: Text<'_>) -> fmt::Result {
        self.write(out, |out| {
            out.write_str(self.fields.kind().tag())?;
            out.write_char(self.separator.as_char())?;
            hash.write(out, self.quoted)?;
            out.write_char('=')?;
            if let Some(timestamp) = self.fields.timestamp {
                write!(out, "{timestamp}=")?;
            }
            Ok(())
        })
    }

    /// Writes it with `head` before the host.
    fn write<W: Write>(
        &self,
        out: &mut W,
        head: impl FnOnce(&mut W) -> fmt::Result,
    ) -> fmt::Result {
        let quoted = self.quoted;
        write_between_quotes(out, quoted, |out| {
            head(out)?;
            self.fields.host.write(out, quoted)?;
            out.write_char('=')?;
            self.fields.text.write(out, quoted)
        })?;
        out.write_char('@')?;
        out.write_str(self.domain)
    }
}

/// An SRS address, read without any secret: what it says is claimed, not known to be true.
///
/// It serves logs and tools. Whoever acts on an address must use
/// [`Srs::reverse`](crate::Srs::reverse), which verifies it.
///
/// `Display` writes it as it was read, with quotes only where they are needed and the timestamp and
/// the tag in upper case.
///
/// ```
/// use mail_srs::{SrsAddress, SrsKind};
///
/// let address = SrsAddress::parse("SRS0=3lNH=4G=example.com=alice@forward.example")?;
/// assert_eq!(address.kind(), SrsKind::Srs0);
/// assert_eq!(address.claimed_hash(), "3lNH");
/// assert_eq!(address.claimed_host(), "example.com");
/// assert_eq!(address.claimed_local_part(), "alice");
/// assert_eq!(address.claimed_sender().to_string(), "alice@example.com");
/// assert_eq!(address.domain(), "forward.example");
/// # Ok::<(), mail_srs::ParseError>(())
/// ```
#[derive(Clone, Copy)]
pub struct SrsAddress<'a> {
    hash: Text<'a>,
    layout: Layout<'a>,
    came_quoted: bool,
}

impl<'a> SrsAddress<'a> {
    /// Reads an SRS0 or SRS1 address of the common format.
    ///
    /// Addresses of other formats, such as those of Exim, bear the same tags but other fields, and
    /// most of them are malformed here; for [`Srs::forward`](crate::Srs::forward) all are alike.
    ///
    /// # Errors
    ///
    /// - [`ParseError::NotSrs`] if it does not begin with an SRS tag and a separator,
    /// - [`ParseError::Address`] if it does, but is no envelope address,
    /// - [`ParseError::Malformed`] if it is one, but its fields are wrong.
    #[inline]
    pub fn parse(address: &'a str) -> Result<Self, ParseError> {
        let tagged = Tagged::parse(address)?;
        let (hash, fields) = tagged.fields().map_err(ParseError::Malformed)?;
        let Tagged {
            tag,
            text,
            came_quoted,
            domain,
        } = tagged;
        let keeps_quotes = came_quoted && (fields.keep_quotes() || !hash.is_dot_string());
        Ok(Self {
            hash,
            layout: Layout {
                separator: tag.separator,
                fields,
                domain,
                quoted: keeps_quotes || text.needs_quotes(),
            },
            came_quoted,
        })
    }

    /// Which form it has.
    #[must_use]
    pub const fn kind(&self) -> SrsKind {
        self.layout.fields.kind()
    }

    /// The character after the tag.
    #[must_use]
    pub const fn separator(&self) -> Separator {
        self.layout.separator
    }

    /// The hash, of any length.
    #[must_use]
    pub const fn claimed_hash(&self) -> Text<'a> {
        self.hash
    }

    /// The timestamp; an SRS1 address bears none of its own.
    #[must_use]
    pub const fn claimed_timestamp(&self) -> Option<Timestamp> {
        self.layout.fields.timestamp()
    }

    /// The sender's host, or the first hop in an SRS1 address.
    #[must_use]
    pub const fn claimed_host(&self) -> Text<'a> {
        self.layout.fields.host
    }

    /// The sender's local part, or in an SRS1 address that of the first hop less its tag.
    #[must_use]
    pub const fn claimed_local_part(&self) -> Text<'a> {
        self.layout.fields.text
    }

    /// What it would reverse to, were it genuine.
    #[must_use]
    pub fn claimed_sender(&self) -> Mailbox<'a> {
        self.layout.fields.unpack(self.came_quoted)
    }

    /// The domain of the forwarder that is said to have made it.
    #[must_use]
    pub const fn domain(&self) -> &'a str {
        self.layout.domain
    }
}

impl fmt::Display for SrsAddress<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.layout.write_claimed(f, self.hash)
    }
}

impl fmt::Debug for SrsAddress<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SrsAddress")
            .field("kind", &self.kind())
            .field("separator", &self.separator())
            .field("claimed_hash", &self.hash)
            .field("claimed_timestamp", &self.claimed_timestamp())
            .field("claimed_host", &self.claimed_host())
            .field("claimed_local_part", &self.claimed_local_part())
            .field("domain", &self.domain())
            .finish()
    }
}

/// Two are equal if they mean the same: needless quotes and quoted pairs do not count.
impl PartialEq for SrsAddress<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash
            && self.separator() == other.separator()
            && self.layout.fields == other.layout.fields
            && self.domain() == other.domain()
    }
}

impl Eq for SrsAddress<'_> {}
