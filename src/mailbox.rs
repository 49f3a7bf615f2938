//! An envelope address: local part, host, quoting.

use core::fmt::{self, Write};

use crate::error::AddressError;

/// What an octet of an address may be, as bits that can be gathered over a whole text.
///
/// They are as wide as the pointer and the length that they stand beside in a [`Text`]: if they were
/// not, copies of it would be read back in other pieces than it was written in, which takes the
/// processor longer.
#[derive(Clone, Copy)]
struct Classes(usize);

impl Classes {
    /// None of those below: `atext` less `=`, and the full stop.
    const PLAIN: Self = Self(0);
    /// C0 controls and DEL: RFC 5321 §4.1.2 allows them in no form.
    const CONTROL: Self = Self(1);
    const SPACE: Self = Self(1 << 1);
    /// `<>@"\`: outside quotes they would end or open something else.
    const SPECIAL: Self = Self(1 << 2);
    /// Not `atext`, so in a local part it may stand only between quotes.
    const QUOTED_ONLY: Self = Self(1 << 3);
    const EQUALS: Self = Self(1 << 4);
    /// `UTF8-non-ascii` of RFC 6531 §3.3: such an address needs SMTPUTF8.
    const NON_ASCII: Self = Self(1 << 5);
    /// Between quotes it makes a pair with what follows it; elsewhere it may not stand.
    const BACKSLASH: Self = Self(1 << 6);
    const ALL: Self = Self(usize::MAX);

    const fn of(octet: u8) -> Self {
        match octet {
            0..=0x1f | 0x7f => Self::CONTROL,
            b' ' => Self(Self::SPACE.0 | Self::QUOTED_ONLY.0),
            b'\\' => Self(Self::BACKSLASH.0 | Self::SPECIAL.0 | Self::QUOTED_ONLY.0),
            b'<' | b'>' | b'@' | b'"' => Self(Self::SPECIAL.0 | Self::QUOTED_ONLY.0),
            // The other specials of RFC 5322 §3.2.3, less the full stop.
            b'(' | b')' | b'[' | b']' | b':' | b';' | b',' => Self::QUOTED_ONLY,
            b'=' => Self::EQUALS,
            0x80.. => Self::NON_ASCII,
            _ => Self::PLAIN,
        }
    }

    /// These and those of one octet more.
    fn and_of(self, octet: u8) -> Self {
        // The table has a place for each octet.
        let class = CLASSES.get(usize::from(octet)).copied();
        self.and(class.unwrap_or(Self::CONTROL))
    }

    fn of_all(text: &str) -> Self {
        text.bytes().fold(Self::PLAIN, Self::and_of)
    }

    const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    const fn has(self, any: Self) -> bool {
        self.0 & any.0 != 0
    }

    /// Whether a local part with these must be quoted.
    const fn needs_quotes(self) -> bool {
        self.has(Self::QUOTED_ONLY)
    }
}

/// [`Classes::of`] each octet.
#[expect(
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    reason = "the compiler has run this"
)]
static CLASSES: [Classes; 256] = {
    let mut classes = [Classes::PLAIN; 256];
    let mut octet = 0;
    while octet < classes.len() {
        classes[octet] = Classes::of(octet as u8);
        octet += 1;
    }
    classes
};

/// A text of an address, such as a user, with its quotes taken off; `Display` writes it plain.
///
/// It borrows from the address and may hold quoted pairs (`\x` for `x`, RFC 5321 §4.1.2); all that
/// looks at it sees them resolved, so two texts are equal when they mean the same.
#[derive(Clone, Copy)]
pub struct Text<'a> {
    raw: &'a str,
    /// The classes of all that `raw` was cut out of. None of its octets is of another, so that it need
    /// be looked through for these only.
    within: Classes,
}

impl<'a> Text<'a> {
    /// A text that is looked through now.
    fn read(raw: &'a str) -> Self {
        Self {
            raw,
            within: Classes::of_all(raw),
        }
    }

    /// What follows the opening quote of an address, up to its end and so too long, for a look at
    /// how a quoted local part begins.
    pub(crate) fn opened(address: &'a str) -> Self {
        Self {
            raw: address.strip_prefix('"').unwrap_or_default(),
            within: Classes::ALL,
        }
    }

    /// Whether it may hold quoted pairs; if not, every octet of it means itself.
    const fn has_pairs(self) -> bool {
        self.within.has(Classes::BACKSLASH)
    }

    /// Its pieces between the backslashes of quoted pairs. A `"` or `\` begins a piece.
    pub(crate) fn pieces(self) -> Pieces<'a> {
        Pieces {
            rest: Some(self.raw),
            has_pairs: self.has_pairs(),
            pair: false,
        }
    }

    pub(crate) fn octets(self) -> impl Iterator<Item = u8> + use<'a> {
        self.pieces().flat_map(str::bytes)
    }

    /// How many octets it has.
    pub(crate) fn len(self) -> usize {
        if self.has_pairs() {
            self.pieces().map(str::len).sum()
        } else {
            self.raw.len()
        }
    }

    pub(crate) fn is_empty(self) -> bool {
        self.raw.is_empty()
    }

    /// Whether an octet of it is of one of these classes.
    #[inline]
    fn has(self, any: Classes) -> bool {
        self.within.has(any) && self.classes().has(any)
    }

    /// Whether a local part of this must be quoted.
    #[inline]
    pub(crate) fn needs_quotes(self) -> bool {
        self.has(Classes::QUOTED_ONLY)
    }

    pub(crate) fn needs_smtputf8(self) -> bool {
        self.has(Classes::NON_ASCII)
    }

    fn classes(self) -> Classes {
        if self.has_pairs() {
            self.pieces()
                .map(Classes::of_all)
                .fold(Classes::PLAIN, Classes::and)
        } else {
            Classes::of_all(self.raw)
        }
    }

    /// Divides it into `N` pieces, each but the last ended by an `=`. The last may hold more of them.
    #[inline]
    pub(crate) fn split_at_equals<const N: usize>(self) -> Option<[Self; N]> {
        let mut pieces = [self; N];
        let (last, others) = pieces.split_last_mut()?;
        let mut rest = self.raw;
        for piece in others {
            let end = if self.has_pairs() {
                equals_among_pairs(rest)?
            } else {
                rest.bytes().position(|octet| octet == b'=')?
            };
            let (before, border) = rest.split_at_checked(end)?;
            piece.raw = before;
            piece.within = self.within.without(Classes::EQUALS);
            rest = border
                .strip_prefix('=')
                .or_else(|| border.strip_prefix(r"\="))?;
        }
        last.raw = rest;
        Some(pieces)
    }

    /// Divides it after its first `N` octets, if it has so many and they end a character.
    #[inline]
    pub(crate) fn split_first_chunk<const N: usize>(self) -> Option<([u8; N], Self)> {
        if self.has_pairs() {
            return self.split_first_chunk_of_pairs();
        }
        let first = *self.raw.as_bytes().first_chunk()?;
        let raw = self.raw.get(N..)?;
        Some((first, Self { raw, ..self }))
    }

    #[cold]
    fn split_first_chunk_of_pairs<const N: usize>(self) -> Option<([u8; N], Self)> {
        let mut first = [0; N];
        let mut raw = self.raw;
        for octet in &mut first {
            raw = raw.strip_prefix('\\').unwrap_or(raw);
            *octet = *raw.as_bytes().first()?;
            raw = raw.get(1..)?;
        }
        Some((first, Self { raw, ..self }))
    }

    /// Its octets, resolved in `buffer` where they are not so already, if they are at most `N`.
    #[inline]
    pub(crate) fn resolve<'b, const N: usize>(self, buffer: &'b mut [u8; N]) -> Option<&'b [u8]>
    where
        'a: 'b,
    {
        if !self.has_pairs() {
            return (self.raw.len() <= N).then_some(self.raw.as_bytes());
        }
        let resolved = buffer.get_mut(..self.len())?;
        for (to, from) in resolved.iter_mut().zip(self.octets()) {
            *to = from;
        }
        Some(resolved)
    }

    /// Whether it may stand where a host stands: the characters of a domain, or an address literal.
    #[inline]
    pub(crate) fn may_be_host(self) -> bool {
        let specials = self.needs_quotes() && !is_literal(self.octets());
        !self.is_empty() && !self.has(HOST_NEVER) && !specials
    }

    /// Whether it is a host by its labels as well, so that an address with it is a valid one.
    pub(crate) fn is_host(self) -> bool {
        self.may_be_host() && (self.needs_quotes() || self.is_dot_string())
    }

    /// Whether it is empty or begins with a full stop, so that it is no `Dot-string`, though the
    /// text that it ends may be one.
    pub(crate) fn cannot_begin_dot_string(self) -> bool {
        self.octets().next().is_none_or(|octet| octet == b'.')
    }

    /// Whether it is a `Dot-string` (RFC 5321 §4.1.2), which stands without quotes.
    pub(crate) fn is_dot_string(self) -> bool {
        let mut after_dot = true;
        for octet in self.octets() {
            if Classes::of(octet).needs_quotes() || (after_dot && octet == b'.') {
                return false;
            }
            after_dot = octet == b'.';
        }
        !after_dot
    }

    /// The octets it takes between quotes.
    pub(crate) fn quoted_len(self) -> usize {
        let escapes = |piece: &&str| piece.starts_with(['"', '\\']);
        if self.has_pairs() {
            self.len() + self.pieces().filter(escapes).count()
        } else {
            self.raw.len()
        }
    }

    /// Writes it as it stands between quotes if `quoted`, else plain.
    #[inline]
    pub(crate) fn write(self, out: &mut impl Write, quoted: bool) -> fmt::Result {
        if self.has_pairs() {
            self.write_pairs(out, quoted)
        } else {
            out.write_str(self.raw)
        }
    }

    #[cold]
    fn write_pairs(self, out: &mut impl Write, quoted: bool) -> fmt::Result {
        for piece in self.pieces() {
            if quoted && piece.starts_with(['"', '\\']) {
                out.write_char('\\')?;
            }
            out.write_str(piece)?;
        }
        Ok(())
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, false)
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.raw.escape_debug())
    }
}

impl PartialEq for Text<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.octets().eq(other.octets())
    }
}

impl Eq for Text<'_> {}

impl PartialEq<str> for Text<'_> {
    fn eq(&self, other: &str) -> bool {
        self.octets().eq(other.bytes())
    }
}

impl PartialEq<&str> for Text<'_> {
    fn eq(&self, other: &&str) -> bool {
        *self == **other
    }
}

/// Where the first `=` of a text with quoted pairs begins, with the backslash before it if there is
/// one.
#[cold]
fn equals_among_pairs(text: &str) -> Option<usize> {
    let mut octets = text.bytes().enumerate();
    loop {
        let (start, octet) = octets.next()?;
        let meant = match octet {
            b'\\' => octets.next()?.1,
            _ => octet,
        };
        if meant == b'=' {
            return Some(start);
        }
    }
}

/// See [`Text::pieces`].
pub(crate) struct Pieces<'a> {
    rest: Option<&'a str>,
    has_pairs: bool,
    /// Whether `rest` begins with the character that a backslash stood before.
    pair: bool,
}

impl<'a> Iterator for Pieces<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let rest = self.rest.take()?;
        if !self.has_pairs {
            return Some(rest);
        }
        let backslash = rest
            .bytes()
            .enumerate()
            .skip(usize::from(self.pair))
            .find(|&(_, octet)| octet == b'\\');
        let Some((piece, pair)) =
            backslash.and_then(|(offset, _)| Some((rest.get(..offset)?, rest.get(offset + 1..)?)))
        else {
            return Some(rest);
        };
        self.rest = Some(pair);
        self.pair = true;
        Some(piece)
    }
}

/// An envelope address, such as the reverse-path of a message without its angle brackets.
///
/// It is what RFC 5321 §4.1.2 and RFC 6531 §3.3 call a `Mailbox`, taken leniently: nothing in it
/// could end an SMTP command or be mistaken for another address, but hosts are not looked up, and
/// local parts such as `a..b`, which are in use though the RFC has no place for them, stay as they
/// are. `Display` writes it, with quotes only where they are needed.
///
/// ```
/// use mail_srs::{AddressError, Mailbox};
///
/// let mailbox = Mailbox::parse(r#""john \doe"@example.com"#)?;
/// assert_eq!(mailbox.to_string(), r#""john doe"@example.com"#);
/// assert_eq!(mailbox.host(), "example.com");
///
/// let split = Mailbox::parse("alice@example.com\r\nRCPT TO:<bob@example.com>");
/// assert_eq!(split, Err(AddressError::SpecialCharacter { offset: 5 }));
/// # Ok::<(), AddressError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Mailbox<'a> {
    /// What stands before `text`: the tag of an SRS address that was taken apart, or nothing.
    tag: &'static str,
    text: Text<'a>,
    quoted: bool,
    host: Text<'a>,
}

impl<'a> Mailbox<'a> {
    /// Reads an address, such as `alice@example.com` or `"john doe"@[192.0.2.1]`.
    ///
    /// # Errors
    ///
    /// An [`AddressError`], which tells the defect and where it stands.
    pub fn parse(address: &'a str) -> Result<Self, AddressError> {
        let Parsed {
            text,
            came_quoted,
            host,
        } = Parsed::parse(address)?;
        let quoted = text.needs_quotes() || (came_quoted && !text.is_dot_string());
        Ok(Self {
            tag: "",
            text,
            quoted,
            host,
        })
    }

    /// A mailbox that was taken out of an SRS address.
    pub(crate) const fn unpacked(
        tag: &'static str,
        text: Text<'a>,
        quoted: bool,
        host: Text<'a>,
    ) -> Self {
        Self {
            tag,
            text,
            quoted,
            host,
        }
    }

    /// What [`unpacked`](Self::unpacked) was given.
    #[cfg(feature = "std")]
    pub(crate) const fn tag_and_text(&self) -> (&'static str, Text<'a>) {
        (self.tag, self.text)
    }

    #[cfg(feature = "std")]
    pub(crate) const fn is_quoted(&self) -> bool {
        self.quoted
    }

    /// The local part as it is written, between quotes if it needs them.
    #[must_use]
    pub fn local_part(&self) -> impl fmt::Display + use<'a> {
        LocalPart(*self)
    }

    /// The domain or address literal after the `@`.
    #[must_use]
    pub const fn host(&self) -> Text<'a> {
        self.host
    }

    /// The octets of the local part as it is written, quotes and backslashes included.
    #[must_use]
    pub fn local_part_octets(&self) -> usize {
        self.tag.len() + written_len(self.text, self.quoted)
    }

    /// Whether it keeps within RFC 5321 §4.5.3.1: 64 octets for the local part, 255 for the host,
    /// 256 for the path, which adds angle brackets.
    #[must_use]
    pub fn within_rfc5321_limits(&self) -> bool {
        within_rfc5321_limits(self.local_part_octets(), self.host.len())
    }

    /// Whether it holds other characters than ASCII, so that sending it needs SMTPUTF8 (RFC 6531).
    #[must_use]
    pub fn needs_smtputf8(&self) -> bool {
        self.text.needs_smtputf8() || self.host.needs_smtputf8()
    }
}

struct LocalPart<'a>(Mailbox<'a>);

impl fmt::Display for LocalPart<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Mailbox {
            tag, text, quoted, ..
        } = self.0;
        write_between_quotes(f, quoted, |out| {
            out.write_str(tag)?;
            text.write(out, quoted)
        })
    }
}

impl fmt::Display for Mailbox<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        LocalPart(*self).fmt(f)?;
        f.write_char('@')?;
        self.host.fmt(f)
    }
}

/// Two mailboxes are equal if they mean the same: needless quotes and quoted pairs do not count,
/// letters' case does (RFC 5321 §2.4).
impl PartialEq for Mailbox<'_> {
    fn eq(&self, other: &Self) -> bool {
        let octets = |mailbox: &Self| mailbox.tag.bytes().chain(mailbox.text.octets());
        octets(self).eq(octets(other)) && self.host == other.host
    }
}

impl Eq for Mailbox<'_> {}

/// An envelope address as it was read.
pub(crate) struct Parsed<'a> {
    /// The local part without quotes.
    pub(crate) text: Text<'a>,
    /// Whether the local part came between quotes.
    pub(crate) came_quoted: bool,
    /// The host, which holds no quoted pairs.
    pub(crate) host: Text<'a>,
}

impl<'a> Parsed<'a> {
    /// The host as a domain is compared.
    pub(crate) const fn domain(&self) -> &'a str {
        self.host.raw
    }

    #[inline]
    pub(crate) fn parse(address: &'a str) -> Result<Self, AddressError> {
        match Self::at_plain_host(address) {
            Some(parsed) if !parsed.text.is_empty() => {
                parsed.check_unquoted(0)?;
                Ok(parsed)
            }
            _ => Self::parse_closely(address),
        }
    }

    /// Divides an address that is not quoted, if its host leaves no question: nothing but plain octets
    /// behind the last `@`. Most addresses are so; of any other this says nothing.
    ///
    /// The local part may be empty, and is still to be checked.
    #[inline]
    pub(crate) fn at_plain_host(address: &'a str) -> Option<Self> {
        if address.starts_with('"') {
            return None;
        }
        let is_plain = |octet| !Classes::PLAIN.and_of(octet).has(Classes::ALL);
        let at = address.bytes().rposition(|octet| !is_plain(octet))?;
        let (local_part, host) = address.split_at_checked(at)?;
        let host = host.strip_prefix('@')?;
        (!host.is_empty()).then(|| Self {
            text: Text::read(local_part),
            came_quoted: false,
            host: Text {
                raw: host,
                within: Classes::PLAIN,
            },
        })
    }

    /// Refuses a local part without quotes, which begins at `start` in its address, if a character may
    /// not stand there.
    #[inline]
    pub(crate) fn check_unquoted(&self, start: usize) -> Result<(), AddressError> {
        check(self.text, start, UNQUOTED_NEVER)
    }

    /// Reads any address, and tells the defect if there is one.
    #[cold]
    #[inline(never)]
    pub(crate) fn parse_closely(address: &'a str) -> Result<Self, AddressError> {
        let came_quoted = address.starts_with('"');
        let (text, host) = if came_quoted {
            split_quoted(address)?
        } else {
            split_unquoted(address)?
        };
        let (start, never) = if came_quoted {
            (1, QUOTED_NEVER)
        } else {
            (0, UNQUOTED_NEVER)
        };
        check(text, start, never)?;
        check_host(host, address.len() - host.raw.len())?;
        Ok(Self {
            text,
            came_quoted,
            host,
        })
    }
}

/// The domain of an alias, which is a domain or a whole address.
#[inline]
pub(crate) fn alias_domain(alias: &str) -> Result<&str, AddressError> {
    let is_plain = !Classes::of_all(alias).has(Classes::ALL);
    if is_plain && !alias.is_empty() {
        Ok(alias)
    } else {
        alias_domain_closely(alias)
    }
}

#[cold]
fn alias_domain_closely(alias: &str) -> Result<&str, AddressError> {
    if alias.contains('@') {
        Parsed::parse(alias).map(|parsed| parsed.domain())
    } else {
        check_host(Text::read(alias), 0).map(|()| alias)
    }
}

/// Divides an address at its last `@`.
///
/// RFC 5321 §4.1.2 allows `@` in a local part between quotes only; where it stands without, the last
/// one is taken for the divider, and the others are the defect.
fn split_unquoted(address: &str) -> Result<(Text<'_>, Text<'_>), AddressError> {
    let Some((local_part, host)) = address.rsplit_once('@') else {
        return Err(AddressError::MissingAt {
            offset: address.len(),
        });
    };
    if local_part.is_empty() {
        return Err(AddressError::EmptyLocalPart { offset: 0 });
    }
    Ok((Text::read(local_part), Text::read(host)))
}

/// Takes the local part out of its quotes, and the host from behind the `@`.
fn split_quoted(address: &str) -> Result<(Text<'_>, Text<'_>), AddressError> {
    let mut octets = address.bytes().enumerate().skip(1);
    let closing = loop {
        match octets.next() {
            Some((offset, b'"')) => break offset,
            Some((_, b'\\')) => {
                // What it stands before means itself, a quote too.
                octets.next();
            }
            Some(_) => {}
            None => return Err(AddressError::UnterminatedQuote { offset: 0 }),
        }
    };
    let raw = address.get(1..closing).unwrap_or_default();
    let offset = closing + 1;
    let rest = address.get(offset..).unwrap_or_default();
    if let Some(host) = rest.strip_prefix('@') {
        Ok((Text::read(raw), Text::read(host)))
    } else if rest.contains('@') {
        Err(AddressError::TextAfterQuote { offset })
    } else {
        Err(AddressError::MissingAt {
            offset: address.len(),
        })
    }
}

const QUOTED_NEVER: Classes = Classes::CONTROL;
const UNQUOTED_NEVER: Classes = QUOTED_NEVER.and(Classes::SPACE).and(Classes::SPECIAL);
const HOST_NEVER: Classes = UNQUOTED_NEVER.and(Classes::EQUALS);

#[inline]
fn check_host(host: Text<'_>, start: usize) -> Result<(), AddressError> {
    if host.is_empty() {
        return Err(AddressError::EmptyHost { offset: start });
    }
    check(host, start, HOST_NEVER)?;
    // What RFC 5322 §3.2.3 calls specials stands in no domain, and in an address literal only
    // within its brackets.
    if host.needs_quotes() && !is_literal(host.octets()) {
        let special = |&(_, octet): &(usize, u8)| Classes::of(octet).needs_quotes();
        let found = host.octets().enumerate().find(special);
        let offset = start + found.map_or(0, |(offset, _)| offset);
        return Err(AddressError::SpecialCharacter { offset });
    }
    Ok(())
}

/// Whether it stands in brackets, and holds none within (RFC 5321 §4.1.3).
fn is_literal(mut octets: impl Iterator<Item = u8>) -> bool {
    octets.next() == Some(b'[')
        && octets.find(|octet| matches!(octet, b'[' | b']')) == Some(b']')
        && octets.next().is_none()
}

/// Refuses `text`, which begins at `start`, for the first character that may `never` stand there.
#[inline]
fn check(text: Text<'_>, start: usize, never: Classes) -> Result<(), AddressError> {
    if text.within.has(never.and(Classes::NON_ASCII)) {
        check_closely(text.raw, start, never)
    } else {
        Ok(())
    }
}

#[cold]
fn check_closely(text: &str, start: usize, never: Classes) -> Result<(), AddressError> {
    // All before it is ASCII, so that it begins a character.
    let suspect = never.and(Classes::NON_ASCII);
    let is_suspect = |octet| Classes::PLAIN.and_of(octet).has(suspect);
    let first = text.bytes().position(is_suspect).unwrap_or_default();
    let rest = text.get(first..).unwrap_or(text);
    for (offset, character) in rest.char_indices() {
        let offset = start + first + offset;
        // Unicode's controls beyond ASCII too (C1): RFC 5198 §2 keeps them out of text on the net,
        // and some programs end a line at U+0085.
        if character.is_control() {
            return Err(AddressError::ControlCharacter { offset });
        }
        let found = match character {
            ' ' => (Classes::SPACE, AddressError::Space { offset }),
            '<' | '>' | '@' | '"' | '\\' => {
                (Classes::SPECIAL, AddressError::SpecialCharacter { offset })
            }
            '=' => (Classes::EQUALS, AddressError::EqualsInHost { offset }),
            _ => continue,
        };
        if never.has(found.0) {
            return Err(found.1);
        }
    }
    Ok(())
}

/// Writes a local part, between quotes if `quoted`.
pub(crate) fn write_between_quotes<W: Write>(
    out: &mut W,
    quoted: bool,
    local_part: impl FnOnce(&mut W) -> fmt::Result,
) -> fmt::Result {
    if quoted {
        out.write_char('"')?;
        local_part(out)?;
        out.write_char('"')
    } else {
        local_part(out)
    }
}

/// The octets that a text takes, between quotes with those, or plain.
pub(crate) fn written_len(text: Text<'_>, quoted: bool) -> usize {
    if quoted {
        text.quoted_len() + 2
    } else {
        text.len()
    }
}

/// RFC 5321 §4.5.3.1.1 and §4.5.3.1.3: local part, and path with its angle brackets. A path within
/// its limit has no domain beyond that of §4.5.3.1.2, 255.
pub(crate) const fn within_rfc5321_limits(local_part: usize, domain: usize) -> bool {
    local_part <= 64 && local_part + "@".len() + domain + "<>".len() <= 256
}
