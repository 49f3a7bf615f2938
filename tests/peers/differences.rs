//! The rows of §3 of the design where a peer answers otherwise: which senders they are about, and
//! what each side makes of those to the byte. What is said of the peers here was seen on them.

use core::fmt;

use crate::{
    hops::Hop,
    mailboxes::{Tag, requoted},
    syntax,
};

/// Which peer it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    MailSrs,
    Pysrs,
    PostSrsd,
}

impl Kind {
    /// Debian's package of it.
    pub(crate) const fn package(self) -> &'static str {
        match self {
            Self::MailSrs => "libmail-srs-perl",
            Self::Pysrs => "python3-srs",
            Self::PostSrsd => "postsrsd",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MailSrs => "Mail::SRS",
            Self::Pysrs => "pysrs",
            Self::PostSrsd => "PostSRSd",
        })
    }
}

/// Where we differ on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Difference {
    /// `Mail::SRS` and `PostSRSd` pack the quotes inside, and an `@` between them misleads both.
    /// pysrs keeps them outside, but hashes the backslashes of quoted pairs.
    QuotedLocalPart,
    /// Needless quotes, which pysrs keeps.
    WhenToQuote,
    /// What holds an address literal is quoted here and by none of them.
    AddressLiteral,
    /// An SRS1 without a host, or whose rest has no separator, is an ordinary sender here.
    IrreversibleSrs1,
    /// `SRS0@host`, which `PostSRSd` takes for SRS0.
    TagWithoutSeparator,
    /// `ſRS0=`, which pysrs takes for SRS0. Case means no more than ASCII's (§2).
    CaseBeyondAscii,
    /// Empty or `<>`: an error with them.
    NullSender,
    /// `+` and `/` in the hash: our default format signs `-` and `_`.
    HashAlphabet,
    /// A hash longer than configured, whose tail is wrong: `PostSRSd` does not look at it.
    LongerHash,
    /// One character: `Mail::SRS` and pysrs sign with it.
    ShortestHash,
    /// Tomorrow's timestamp, which our default accepts.
    ClockSkew,
    /// A timestamp of three characters, which `Mail::SRS` and pysrs accept.
    TimestampField,
}

impl Difference {
    /// What is known of a sender before anybody is asked.
    pub(crate) fn of(kind: Kind, hop: &Hop, sender: &str) -> Option<Difference> {
        let (local_part, host) = syntax::split(sender).unwrap();
        let text = syntax::local_part_text(local_part);
        let is_quoted = local_part.starts_with('"');
        if hop.leaves_alone(host) {
            // All agree, but for those that cannot find the host.
            let is_misled = kind != Kind::Pysrs && text.contains('@');
            return is_misled.then_some(Difference::QuotedLocalPart);
        }
        if is_quoted && (kind != Kind::Pysrs || packs_backslash(local_part)) {
            return Some(Difference::QuotedLocalPart);
        }
        let fields = srs1_fields(&text);
        match Tag::of(&text) {
            Tag::Srs1 if fields.is_none() => return Some(Difference::IrreversibleSrs1),
            Tag::None if their_tag(kind, &text) != (Tag::None, &text) => {
                return Some(match kind {
                    Kind::Pysrs => Difference::CaseBeyondAscii,
                    _ => Difference::TagWithoutSeparator,
                });
            }
            _ => {}
        }
        let (bounce_text, _) = bounce(sender);
        if is_quoted && !needs_quotes(&bounce_text) {
            Some(Difference::WhenToQuote)
        } else if !is_quoted && fields.is_none() && syntax::is_address_literal(host) {
            Some(Difference::AddressLiteral)
        } else {
            None
        }
    }
}

/// What we are to make of a sender.
pub(crate) fn ours(hop: &Hop, stamp: &str, sender: &str) -> String {
    let (local_part, host) = syntax::split(sender).unwrap();
    if hop.leaves_alone(host) {
        return sender.to_owned();
    }
    let text = syntax::local_part_text(local_part);
    let (made, packs_literal) = match (Tag::of(&text), srs1_fields(&text)) {
        (Tag::Srs1, Some((first_hop, rest))) => (hop.srs1(first_hop, rest), false),
        (Tag::Srs0, _) => (hop.srs1(host, &text[4..]), host.starts_with('[')),
        _ => (hop.srs0(stamp, host, &text), host.starts_with('[')),
    };
    let is_quoted = packs_literal || (local_part.starts_with('"') && needs_quotes(&made));
    let made = if is_quoted {
        requoted(&syntax::local_part_for(&made), &[false])
    } else {
        made
    };
    format!("{made}@{}", hop.domain())
}

/// What the peer is to make of it; `None` for an error.
pub(crate) fn theirs(kind: Kind, hop: &Hop, stamp: &str, sender: &str) -> Option<String> {
    let (user, host) = match kind {
        Kind::PostSrsd => sender.split_once('@'),
        Kind::MailSrs => sender
            .rsplit_once('@')
            .filter(|(user, _)| !user.contains('@')),
        Kind::Pysrs => sender.rsplit_once('@'),
    }?;
    if hop.leaves_alone(host) {
        return Some(sender.to_owned());
    }
    let content = user
        .strip_prefix('"')
        .and_then(|user| user.strip_suffix('"'));
    let (quote, user) = match content {
        Some(content) if kind == Kind::Pysrs => ("\"", content),
        _ => ("", user),
    };
    let made = match their_tag(kind, user) {
        (Tag::None, user) => hop.srs0(stamp, host, user),
        (Tag::Srs0, rest) => hop.srs1(host, rest),
        (Tag::Srs1, rest) => {
            let mut fields = rest.get(1..)?.splitn(3, '=').skip(1);
            match (kind, fields.next(), fields.next()) {
                (_, Some(first_hop), Some(rest)) => hop.srs1(first_hop, rest),
                // Perl takes what is not there for empty.
                (Kind::MailSrs, first_hop, _) => hop.srs1(first_hop.unwrap_or_default(), ""),
                _ => return None,
            }
        }
    };
    Some(format!("{quote}{made}{quote}@{}", hop.domain()))
}

/// The tag that the peer sees, and what follows its four letters; the whole text if none.
fn their_tag(kind: Kind, text: &str) -> (Tag, &str) {
    // To Python the long s is an s in another case.
    let folded = match kind {
        Kind::Pysrs => text.replace('ſ', "s"),
        _ => text.to_owned(),
    };
    // libsrs2 looks for the NUL that ends a text among the separators, and finds it.
    let tag = match kind {
        Kind::PostSrsd if text.len() == 4 => Tag::of(&format!("{text}=")),
        _ => Tag::of(&folded),
    };
    let rest = text
        .char_indices()
        .nth(4)
        .map_or("", |(offset, _)| &text[offset..]);
    (tag, if tag == Tag::None { text } else { rest })
}

/// Whether pysrs packs a backslash of this quoted local part. It drops the hash of an SRS1.
fn packs_backslash(local_part: &str) -> bool {
    let packed = match their_tag(Kind::Pysrs, local_part.trim_matches('"')) {
        (Tag::Srs1, rest) => rest[1..].split_once('=').map_or(rest, |(_, packed)| packed),
        (_, text) => text,
    };
    packed.contains('\\')
}

/// What the bounce to an address made of this sender is to reach, as text and host. A tag comes
/// back in upper case.
pub(crate) fn bounce(sender: &str) -> (String, String) {
    let (text, host) = syntax::meaning(sender).unwrap();
    match (Tag::of(&text), srs1_fields(&text)) {
        (Tag::Srs0, _) => (format!("SRS0{}", &text[4..]), host.to_owned()),
        (Tag::Srs1, Some((first_hop, rest))) => (format!("SRS0{rest}"), first_hop.to_owned()),
        _ => (text, host.to_owned()),
    }
}

/// The first hop and the rest of an SRS1 text that can be reversed.
fn srs1_fields(text: &str) -> Option<(&str, &str)> {
    if Tag::of(text) != Tag::Srs1 {
        return None;
    }
    let mut fields = text[5..].splitn(3, '=').skip(1);
    let (first_hop, rest) = (fields.next()?, fields.next()?);
    let literal = first_hop
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let is_literal =
        literal.is_some_and(|text| !text.contains([' ', '<', '>', '@', '"', '\\', '[', ']']));
    let is_host = syntax::is_dot_string(first_hop) || is_literal;
    (is_host && rest.starts_with(['=', '+', '-'])).then_some((first_hop, rest))
}

/// Whether a text that came quoted needs its quotes, itself or for a user packed in it.
fn needs_quotes(text: &str) -> bool {
    let fields = match (Tag::of(text), srs1_fields(text)) {
        (Tag::Srs0, _) => Some(&text[5..]),
        (Tag::Srs1, Some((_, rest))) => Some(&rest[1..]),
        _ => None,
    };
    let user = fields.and_then(|fields| fields.splitn(4, '=').nth(3));
    !syntax::is_dot_string(text) || user.is_some_and(needs_quotes)
}
