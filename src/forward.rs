//! A sender becomes Forwarded: null, own domain, SRS0, SRS0 to SRS1, SRS1 to SRS1.

use core::fmt;

use crate::error::ForwardError;
use crate::hash::Hash;
use crate::mailbox::{Parsed, Text, alias_domain, within_rfc5321_limits};
use crate::secret::Secret;
use crate::srs_address::{Fields, Layout, Separator, SrsKind, split_tag};
use crate::timestamp::{Day, Timestamp};

/// The settings that forwarding needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) separator: Separator,
    pub(crate) hash_length: usize,
    pub(crate) always_rewrite: bool,
    pub(crate) local_part_limit: Option<usize>,
}

/// The sender to forward a message with; `Display` writes it.
///
/// It borrows from the sender and the alias, and holds the hash inline. It comes from
/// [`Srs::forward`](crate::Srs::forward).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Forwarded<'a>(Outcome<'a>);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome<'a> {
    Null(&'a str),
    OwnDomain(&'a str),
    Rewritten { layout: Layout<'a>, hash: Hash },
}

/// What became of a sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ForwardedKind {
    /// It is the null sender (RFC 5321 §4.5.5), empty or `<>`, and was left alone.
    Null,
    /// It is in the alias's own domain already, and was left alone.
    OwnDomain,
    /// It was packed into an SRS0 address.
    Srs0,
    /// It was another hop's SRS0 or SRS1 address, and the first hop's was packed into an SRS1.
    Srs1,
}

pub(crate) fn forward<'a>(
    settings: &Settings,
    signing: &Secret,
    sender: &'a str,
    alias: &'a str,
    today: Day,
) -> Result<Forwarded<'a>, ForwardError> {
    if matches!(sender, "" | "<>") {
        return Ok(Forwarded(Outcome::Null(sender)));
    }
    let domain = alias_domain(alias).map_err(ForwardError::Alias)?;
    let parsed = Parsed::parse(sender).map_err(ForwardError::Sender)?;
    if !settings.always_rewrite && parsed.domain().eq_ignore_ascii_case(domain) {
        return Ok(Forwarded(Outcome::OwnDomain(sender)));
    }

    let fields = pack(parsed.text, parsed.host, today);
    let quoted = fields.need_quotes() || (parsed.came_quoted && fields.keep_quotes());
    if let Some(limit) = settings.local_part_limit {
        let octets = fields.local_part_octets(settings.hash_length, quoted);
        if octets > limit {
            return Err(ForwardError::LocalPartTooLong { octets, limit });
        }
    }
    let hash = Hash::sign(signing, settings.hash_length, |message| {
        fields.hash_into(message);
    });
    Ok(Forwarded(Outcome::Rewritten {
        layout: Layout {
            separator: settings.separator,
            fields,
            domain,
            quoted,
        },
        hash,
    }))
}

fn pack<'a>(text: Text<'a>, host: Text<'a>, today: Day) -> Fields<'a> {
    match split_tag(text) {
        // Somebody else's SRS0, whose fields are opaque: Exim's and others' are not like ours.
        Some((SrsKind::Srs0, rest)) if host.is_host() => return Fields::srs1(host, rest),
        // The first hop stays, so that a bounce goes straight there; only the hash is ours.
        Some((SrsKind::Srs1, rest)) => {
            if let Some(fields) = Fields::parse_tagged_srs1(rest) {
                return fields;
            }
        }
        _ => {}
    }
    // Whatever cannot be an SRS1 is wrapped like any sender, and so can still be reversed.
    Fields::srs0(Timestamp::from(today), host, text)
}

impl Forwarded<'_> {
    /// What became of the sender.
    #[must_use]
    pub const fn kind(&self) -> ForwardedKind {
        match &self.0 {
            Outcome::Null(_) => ForwardedKind::Null,
            Outcome::OwnDomain(_) => ForwardedKind::OwnDomain,
            Outcome::Rewritten { layout, .. } => match layout.fields.kind() {
                SrsKind::Srs0 => ForwardedKind::Srs0,
                SrsKind::Srs1 => ForwardedKind::Srs1,
            },
        }
    }

    /// Whether the sender was rewritten, not left alone.
    #[must_use]
    pub const fn is_rewritten(&self) -> bool {
        matches!(self.0, Outcome::Rewritten { .. })
    }

    /// The octets of the local part as it is written, quotes and backslashes included.
    #[must_use]
    pub fn local_part_octets(&self) -> usize {
        self.octets().0
    }

    /// Whether it keeps within RFC 5321 §4.5.3.1: 64 octets for the local part, 255 for the domain,
    /// 256 for the path, which adds angle brackets.
    ///
    /// Longer ones are refused by some receivers (`PostSRSd` issue 108); to have an error instead,
    /// set [`SrsBuilder::local_part_limit`](crate::SrsBuilder::local_part_limit).
    #[must_use]
    pub fn within_rfc5321_limits(&self) -> bool {
        let (local_part, domain) = self.octets();
        within_rfc5321_limits(local_part, domain)
    }

    /// Whether it holds other characters than ASCII, so that sending it needs SMTPUTF8 (RFC 6531).
    #[must_use]
    pub fn needs_smtputf8(&self) -> bool {
        match &self.0 {
            Outcome::Null(sender) | Outcome::OwnDomain(sender) => !sender.is_ascii(),
            Outcome::Rewritten { layout, .. } => layout.needs_smtputf8(),
        }
    }

    /// The octets of the local part and of the domain.
    fn octets(&self) -> (usize, usize) {
        match &self.0 {
            Outcome::Null(_) => (0, 0),
            // It was parsed, so its last at sign divides it.
            Outcome::OwnDomain(sender) => sender
                .rsplit_once('@')
                .map_or((0, 0), |(local_part, host)| (local_part.len(), host.len())),
            Outcome::Rewritten { layout, hash } => {
                let local_part = layout.fields.local_part_octets(hash.len(), layout.quoted);
                (local_part, layout.domain.len())
            }
        }
    }
}

impl fmt::Display for Forwarded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Outcome::Null(sender) | Outcome::OwnDomain(sender) => f.write_str(sender),
            Outcome::Rewritten { layout, hash } => layout.write_signed(f, hash),
        }
    }
}

impl fmt::Debug for Forwarded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Forwarded")
            .field("kind", &self.kind())
            .field("sender", &format_args!("{self}"))
            .finish()
    }
}
