//! Policy: which senders and destinations are rewritten; what an incoming recipient is.

use alloc::boxed::Box;

use crate::domains::{Domains, is_host};
use crate::error::{ForwarderBuildError, IncomingError, OutgoingError};
use crate::forward::Forwarded;
use crate::mailbox::{Parsed, Text, alias_domain};
use crate::reverse::Reversed;
use crate::srs::Srs;
use crate::srs_address::{has_tag, split_tag, unpacked_tag};
use crate::timestamp::Day;

/// How many SRS addresses of ours, one inside the other, are reversed. What is made here needs two:
/// an SRS1 that names ourselves as the first hop, and its SRS0. `PostSRSd` with `always-rewrite`
/// makes deeper ones.
const MAX_STEPS: usize = 8;

/// An [`Srs`] that knows whose mail it handles: what to do with each sender and each recipient.
///
/// It answers two questions of a mail server, as data: when a message leaves for a destination, is
/// the sender rewritten, and if not, why ([`outgoing`](Self::outgoing)); and when one comes in, what
/// is the recipient ([`incoming`](Self::incoming)). Neither allocates, reads a clock, or has an
/// effect. It is `Send` and `Sync`: put it in an `Arc` to share it.
///
/// ```
/// use mail_srs::{
///     Day, Domains, Envelope, Forwarder, Incoming, KeepReason, Outgoing, Secret, Srs,
/// };
///
/// let forwarder = Forwarder::builder(Srs::new(Secret::new("tops3cr3t")?))
///     .srs_domain("srs.forward.example")
///     .local_domains(Domains::new(["forward.example", ".forward.example"])?)
///     .build()?;
/// let today = Day::new(20_780);
///
/// // bob@forward.example is an alias for bob@home.example.
/// let envelope = Envelope::new("alice@example.com", "bob@home.example");
/// let Outgoing::Rewrite(forwarded) = forwarder.outgoing(envelope, today)? else {
///     panic!("the sender and the destination are elsewhere");
/// };
/// let sender = forwarded.to_string();
/// assert_eq!(sender, "SRS0=Gt5l=JM=example.com=alice@srs.forward.example");
///
/// // A user's own message stays as it is.
/// let envelope = Envelope::new("bob@forward.example", "alice@example.com");
/// let own = forwarder.outgoing(envelope, today)?;
/// assert_eq!(own, Outgoing::Keep(KeepReason::LocalSender));
///
/// // The bounce, from the null sender.
/// let Incoming::Ours(reversed) = forwarder.incoming(&sender, Some(""), today) else {
///     panic!("this host made it");
/// };
/// assert_eq!(reversed.to_string(), "alice@example.com");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Forwarder {
    srs: Srs,
    srs_domain: Option<Box<str>>,
    accepted: Domains,
    local: Domains,
    destinations: Destinations,
    too_long: TooLong,
    keep_if_spf_passes: bool,
    bounces_only: bool,
}

/// The settings of a [`Forwarder`] to be, checked by [`build`](Self::build).
///
/// | setting | default |
/// | --- | --- |
/// | [`srs_domain`](Self::srs_domain) | none: each [`Envelope`] names one of the accepted domains |
/// | [`accepted_domains`](Self::accepted_domains) | none but the SRS domain |
/// | [`local_domains`](Self::local_domains) | none |
/// | [`destinations`](Self::destinations) | all |
/// | [`too_long`](Self::too_long) | rewrite regardless |
/// | [`keep_if_spf_passes`](Self::keep_if_spf_passes) | no |
/// | [`bounces_only`](Self::bounces_only) | yes |
///
/// Setting one twice replaces it.
#[derive(Debug)]
#[must_use = "a builder does nothing until it builds"]
pub struct ForwarderBuilder {
    forwarder: Forwarder,
}

/// The destinations for which senders are rewritten.
///
/// They let a host turn SRS on for some receivers first, or leave out those that know it and need
/// none (`PostSRSd` issues 42 and 64).
#[derive(Debug, Default)]
#[non_exhaustive]
pub enum Destinations {
    /// All that are not local.
    #[default]
    All,
    /// Only these.
    Only(Domains),
    /// All but these, and those that are local.
    AllBut(Domains),
}

/// What to do with a sender whose rewritten address is too long for RFC 5321 §4.5.3.1: 64 octets for
/// the local part, or fewer if a long SRS domain leaves fewer of the 256 octets of a path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TooLong {
    /// Rewrite it regardless, the default, as every other system does: most receivers take it, and
    /// the unrewritten one would fail SPF at all. [`Outgoing::code`] is then `rewrite-too-long`, and
    /// [`Forwarded::within_rfc5321_limits`] tells.
    #[default]
    Rewrite,
    /// Keep it as it is. Receivers that check SPF may refuse it.
    Keep,
    /// Refuse to forward it: an error, with the reply to give.
    Refuse,
}

/// What SPF would say at the destination of the sender, were it not rewritten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Spf {
    /// Nobody has looked, or the answer was neither pass nor fail.
    #[default]
    Unknown,
    /// The sender's domain authorises this host.
    Passes,
    /// It does not.
    Fails,
}

/// A message about to leave for one destination. If it has several, ask for each.
#[derive(Clone, Copy, Debug)]
#[must_use = "an envelope is for `Forwarder::outgoing`"]
pub struct Envelope<'a> {
    sender: &'a str,
    destination: Option<&'a str>,
    srs_domain: Option<&'a str>,
    spf: Spf,
}

impl<'a> Envelope<'a> {
    /// The sender is the reverse-path without its angle brackets; the destination is the recipient
    /// that the message is sent on to, or only the domain of that.
    pub const fn new(sender: &'a str, destination: &'a str) -> Self {
        Self {
            destination: Some(destination),
            ..Self::to_unknown_destination(sender)
        }
    }

    /// For servers that do not tell the destination, as Postfix in its canonical maps.
    ///
    /// It is taken for one elsewhere that no list names. So have the server ask only when a message
    /// leaves: local deliveries would get the new sender too.
    pub const fn to_unknown_destination(sender: &'a str) -> Self {
        Self {
            sender,
            destination: None,
            srs_domain: None,
            spf: Spf::Unknown,
        }
    }

    /// The domain to rewrite into, or an address in it, such as the one that the message came to.
    /// The default is [`ForwarderBuilder::srs_domain`].
    ///
    /// It must be among the accepted domains. Hosts with many customers rewrite into the customer's
    /// own domain, so that one's name does not show in another's mail (`PostSRSd` issue 31).
    pub const fn srs_domain(mut self, domain: &'a str) -> Self {
        self.srs_domain = Some(domain);
        self
    }

    /// What SPF would say of the sender, if it were not rewritten and came from this host. The
    /// default is unknown. It counts only with [`ForwarderBuilder::keep_if_spf_passes`].
    pub const fn spf(mut self, spf: Spf) -> Self {
        self.spf = spf;
        self
    }
}

/// Which sender a message leaves with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a server must handle each")]
pub enum Outgoing<'a> {
    /// With this one.
    Rewrite(Forwarded<'a>),
    /// With the one it has.
    Keep(KeepReason),
}

impl Outgoing<'_> {
    /// A short name for logs and metrics, which stays the same: `rewrite`, `rewrite-too-long` if it
    /// is beyond RFC 5321's limits, or [`KeepReason::code`].
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Rewrite(forwarded) if forwarded.within_rfc5321_limits() => "rewrite",
            Self::Rewrite(_) => "rewrite-too-long",
            Self::Keep(reason) => reason.code(),
        }
    }
}

/// Why a sender stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeepReason {
    /// It is the null sender (RFC 5321 §4.5.5), empty or `<>`.
    NullSender,
    /// It is an SRS address in a domain of ours already, and so never wrapped again. Whether it is a
    /// genuine one is for [`Forwarder::incoming`] to say, at MAIL FROM.
    AlreadyOurs,
    /// It is in a local domain, or in one that is for SRS addresses.
    LocalSender,
    /// The destination is in such a domain, so the message does not leave.
    LocalDestination,
    /// Rewriting is not on for the destination.
    DestinationNotCovered,
    /// SPF passes without.
    SpfPasses,
    /// Rewritten it would be too long.
    TooLong,
}

impl KeepReason {
    /// A short name for logs and metrics, which stays the same: `null-sender`, `already-ours`,
    /// `local-sender`, `local-destination`, `destination-not-covered`, `spf-passes` or `too-long`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NullSender => "null-sender",
            Self::AlreadyOurs => "already-ours",
            Self::LocalSender => "local-sender",
            Self::LocalDestination => "local-destination",
            Self::DestinationNotCovered => "destination-not-covered",
            Self::SpfPasses => "spf-passes",
            Self::TooLong => "too-long",
        }
    }
}

/// What a recipient is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a server must handle each")]
pub enum Incoming<'a> {
    /// No SRS matter: treat it as if there were no SRS.
    ///
    /// It bears no SRS tag; or it does, but is in a local domain that is not for SRS addresses, where
    /// a user may well be called so.
    Ordinary,
    /// A genuine SRS address of ours: relay to this one, though it is elsewhere.
    Ours(Reversed<'a>),
    /// An address in a domain of ours that must not be taken, with the reply to give.
    Refused(IncomingError),
    /// Somebody else's SRS address in transit: if the message may be relayed at all, then with this
    /// recipient untouched.
    Foreign,
}

impl Incoming<'_> {
    /// A short name for logs and metrics, which stays the same: `ordinary`, `ours`, `foreign`, or
    /// [`IncomingError::code`].
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Ordinary => "ordinary",
            Self::Ours(_) => "ours",
            Self::Refused(error) => error.code(),
            Self::Foreign => "foreign",
        }
    }
}

impl Forwarder {
    /// A builder, which needs an SRS domain or accepted domains at least.
    pub fn builder(srs: Srs) -> ForwarderBuilder {
        ForwarderBuilder {
            forwarder: Self {
                srs,
                srs_domain: None,
                accepted: Domains::default(),
                local: Domains::default(),
                destinations: Destinations::default(),
                too_long: TooLong::default(),
                keep_if_spf_passes: false,
                bounces_only: true,
            },
        }
    }

    /// The rewriter underneath, for addresses that are in no envelope, such as those in headers.
    #[must_use]
    pub const fn srs(&self) -> &Srs {
        &self.srs
    }

    /// Decides which sender a message leaves with. The first of these that applies is the answer:
    ///
    /// 1. The sender is null: keep.
    /// 2. The sender, or the destination, is no address: an error.
    /// 3. The sender is an SRS address, by its tag, in the SRS domain or an accepted one: keep. So a
    ///    message that loops through hosts of one's own is rewritten once (`PostSRSd` issue 140).
    /// 4. The sender is in a local domain, or in the SRS domain or an accepted one: keep.
    /// 5. The destination is in such a domain: keep.
    /// 6. The destination is not covered by the setting: keep.
    /// 7. SPF passes, and the setting says to keep then: keep.
    /// 8. The domain to rewrite into is none, or not accepted: an error.
    /// 9. The new sender is too long: rewrite, keep or error, as the setting says.
    /// 10. Rewrite.
    ///
    /// [`SrsBuilder::always_rewrite`](crate::SrsBuilder::always_rewrite) has no say here.
    /// [`SrsBuilder::local_part_limit`](crate::SrsBuilder::local_part_limit) does: what exceeds it is
    /// too long, and not rewritten in any case.
    ///
    /// # Errors
    ///
    /// - [`OutgoingError::Sender`], [`OutgoingError::Destination`] if that is no address,
    /// - [`OutgoingError::NoSrsDomain`], [`OutgoingError::SrsDomain`] and
    ///   [`OutgoingError::SrsDomainNotAccepted`] if there is no domain to rewrite into,
    /// - [`OutgoingError::TooLong`] with [`TooLong::Refuse`], or with [`TooLong::Rewrite`] beyond the limit
    ///   of the [`Srs`].
    pub fn outgoing<'a>(
        &'a self,
        envelope: Envelope<'a>,
        today: Day,
    ) -> Result<Outgoing<'a>, OutgoingError> {
        if let Some(reason) = self.reason_to_keep(&envelope)? {
            return Ok(Outgoing::Keep(reason));
        }
        match self.rewrite(&envelope, today) {
            Err(OutgoingError::TooLong { .. }) if self.too_long == TooLong::Keep => {
                Ok(Outgoing::Keep(KeepReason::TooLong))
            }
            rewritten => rewritten.map(Outgoing::Rewrite),
        }
    }

    fn reason_to_keep(&self, envelope: &Envelope<'_>) -> Result<Option<KeepReason>, OutgoingError> {
        if is_null(envelope.sender) {
            return Ok(Some(KeepReason::NullSender));
        }
        let sender = Parsed::parse(envelope.sender).map_err(OutgoingError::Sender)?;
        let destination = envelope
            .destination
            .map(alias_domain)
            .transpose()
            .map_err(OutgoingError::Destination)?;
        Ok(if self.accepts(sender.domain()) {
            Some(match split_tag(sender.text) {
                Some(_) => KeepReason::AlreadyOurs,
                None => KeepReason::LocalSender,
            })
        } else if self.local.contains(sender.domain()) {
            Some(KeepReason::LocalSender)
        } else if destination.is_some_and(|to| self.accepts(to) || self.local.contains(to)) {
            Some(KeepReason::LocalDestination)
        } else if !self.destinations.cover(destination) {
            Some(KeepReason::DestinationNotCovered)
        } else if self.keep_if_spf_passes && envelope.spf == Spf::Passes {
            Some(KeepReason::SpfPasses)
        } else {
            None
        })
    }

    fn rewrite<'a>(
        &'a self,
        envelope: &Envelope<'a>,
        today: Day,
    ) -> Result<Forwarded<'a>, OutgoingError> {
        let domain = match (envelope.srs_domain, &self.srs_domain) {
            (Some(chosen), _) => {
                let domain = alias_domain(chosen).map_err(OutgoingError::SrsDomain)?;
                if !self.accepts(domain) {
                    return Err(OutgoingError::SrsDomainNotAccepted);
                }
                domain
            }
            (None, Some(domain)) => domain,
            (None, None) => return Err(OutgoingError::NoSrsDomain),
        };
        let forwarded = self.srs.forward(envelope.sender, domain, today)?;
        if self.too_long != TooLong::Rewrite && !forwarded.within_rfc5321_limits() {
            let path_leaves = 256_usize.saturating_sub("<@>".len() + domain.len());
            return Err(OutgoingError::TooLong {
                octets: forwarded.local_part_octets(),
                limit: path_leaves.min(64),
            });
        }
        Ok(forwarded)
    }

    /// Tells what a recipient is. The sender is that of the envelope, if it is known. Both are without
    /// angle brackets, and the recipient without a source route (RFC 5321 §4.1.2).
    ///
    /// Made for RCPT: it has no effect, and what bears no SRS tag costs a look at five octets. A
    /// tag, and a domain that is
    ///
    /// - neither ours nor local: [`Incoming::Foreign`], whatever else the address holds
    ///   (`PostSRSd` issue 198),
    /// - local, but neither the SRS domain nor an accepted one: [`Incoming::Ordinary`],
    /// - missing, or none: [`Incoming::Refused`],
    /// - the SRS domain or an accepted one: the address is reversed. What comes out may be another SRS
    ///   address of ours, if a message came back to this host on its way: that is reversed too, and so
    ///   on to the end. If all that went well, but the sender is known and not null, it is refused
    ///   unless [`ForwarderBuilder::bounces_only`] is off; else it is [`Incoming::Ours`].
    ///
    /// Of several steps, [`Reversed::age`] and [`Reversed::kind`] tell the last, which bears the date;
    /// [`Reversed::case_folded`] tells whether any was folded, and [`Reversed::secret_index`] the
    /// last secret in the ring that was needed.
    #[must_use]
    pub fn incoming<'a>(
        &self,
        recipient: &'a str,
        sender: Option<&str>,
        today: Day,
    ) -> Incoming<'a> {
        if !has_tag(recipient) {
            return Incoming::Ordinary;
        }
        // Every mailbox divides at its last at sign. What has no host there is nobody else's.
        if let Some((_, host)) = recipient.rsplit_once('@')
            && alias_domain(host).is_ok()
            && !self.accepts(host)
        {
            return if self.local.contains(host) {
                Incoming::Ordinary
            } else {
                Incoming::Foreign
            };
        }
        match self.reverse(recipient, today) {
            // Only now, so that it means genuine, but no bounce.
            Ok(_) if self.bounces_only && sender.is_some_and(|sender| !is_null(sender)) => {
                Incoming::Refused(IncomingError::NotABounce)
            }
            Ok(reversed) => Incoming::Ours(reversed),
            Err(error) => Incoming::Refused(error),
        }
    }

    /// Reverses an SRS address, and what comes out as long as it is one of ours.
    fn reverse<'a>(&self, recipient: &'a str, today: Day) -> Result<Reversed<'a>, IncomingError> {
        let mut reversed = self.srs.reverse(recipient, today)?;
        for _ in 1..MAX_STEPS {
            if !self.is_ours(&reversed) {
                return Ok(reversed);
            }
            reversed = self.srs.reverse_further(&reversed, today)?;
        }
        if self.is_ours(&reversed) {
            return Err(IncomingError::TooManySteps);
        }
        Ok(reversed)
    }

    /// Whether what came out is another SRS address in a domain of ours.
    fn is_ours(&self, reversed: &Reversed<'_>) -> bool {
        let mailbox = reversed.mailbox();
        unpacked_tag(&mailbox).is_some() && self.accepts_text(mailbox.host())
    }

    /// Whether SRS addresses in this domain are ours.
    fn accepts(&self, domain: &str) -> bool {
        self.srs_domain
            .as_ref()
            .is_some_and(|own| own.eq_ignore_ascii_case(domain))
            || self.accepted.contains(domain)
    }

    /// The same for a host that may hold quoted pairs.
    fn accepts_text(&self, host: Text<'_>) -> bool {
        let mut buffer = [0; 255];
        host.resolve(&mut buffer)
            .and_then(|host| core::str::from_utf8(host).ok())
            .is_some_and(|host| self.accepts(host))
    }
}

impl Destinations {
    fn cover(&self, domain: Option<&str>) -> bool {
        let are_in = |domains: &Domains| domain.is_some_and(|domain| domains.contains(domain));
        match self {
            Self::All => true,
            Self::Only(domains) => are_in(domains),
            Self::AllBut(domains) => !are_in(domains),
        }
    }
}

/// Whether it is the null sender (RFC 5321 §4.5.5), with or without its brackets.
fn is_null(sender: &str) -> bool {
    matches!(sender, "" | "<>")
}

impl ForwarderBuilder {
    /// The domain in which SRS addresses are made, or an address in it. They are accepted there too.
    ///
    /// An [`Envelope`] may name another. A domain for nothing else, such as `srs.forward.example`,
    /// keeps its reputation apart from that of the users' own mail.
    pub fn srs_domain(mut self, domain: &str) -> Self {
        let domain = alias_domain(domain).unwrap_or(domain);
        self.forwarder.srs_domain = Some(domain.into());
        self
    }

    /// The further domains in which SRS addresses are accepted: those that an [`Envelope`] may name,
    /// those of other hosts with the same secrets, and former ones until what was made in them has
    /// expired.
    pub fn accepted_domains(mut self, domains: Domains) -> Self {
        self.forwarder.accepted = domains;
        self
    }

    /// The domains whose mail this host delivers or sends of its own. Neither their senders nor what
    /// goes to them is rewritten, so the SPF record of each must authorise this host.
    pub fn local_domains(mut self, domains: Domains) -> Self {
        self.forwarder.local = domains;
        self
    }

    /// The destinations for which senders are rewritten. The default is all.
    pub fn destinations(mut self, destinations: Destinations) -> Self {
        self.forwarder.destinations = destinations;
        self
    }

    /// What to do if the rewritten sender is too long. The default is to rewrite regardless.
    pub fn too_long(mut self, too_long: TooLong) -> Self {
        self.forwarder.too_long = too_long;
        self
    }

    /// Whether to keep a sender for which [`Envelope::spf`] says that SPF passes. The default is no:
    /// rewriting does no harm then, and a receiver may come to another result (`PostSRSd` issues 17
    /// and 84).
    pub fn keep_if_spf_passes(mut self, keep: bool) -> Self {
        self.forwarder.keep_if_spf_passes = keep;
        self
    }

    /// Whether SRS addresses take mail from the null sender only, where the sender is known. The
    /// default is yes: otherwise whoever has seen an address can send ordinary mail through it
    /// (`PostSRSd` issue 104). Answering machines that do not use the null sender, as RFC 3834 §3.3
    /// wants, are refused then.
    pub fn bounces_only(mut self, bounces_only: bool) -> Self {
        self.forwarder.bounces_only = bounces_only;
        self
    }

    /// The forwarder with these settings.
    ///
    /// ```
    /// use mail_srs::{Forwarder, ForwarderBuildError, Secret, Srs};
    ///
    /// let srs = Srs::new(Secret::new("tops3cr3t")?);
    /// let refused = Forwarder::builder(srs).srs_domain("*.forward.example").build();
    /// assert_eq!(refused.unwrap_err(), ForwarderBuildError::SrsDomain);
    /// # Ok::<(), mail_srs::SecretError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A [`ForwarderBuildError`], which says what to change.
    pub fn build(self) -> Result<Forwarder, ForwarderBuildError> {
        match &self.forwarder.srs_domain {
            Some(domain) if !is_host(domain) => Err(ForwarderBuildError::SrsDomain),
            None if self.forwarder.accepted.is_empty() => Err(ForwarderBuildError::NoDomain),
            _ => Ok(self.forwarder),
        }
    }
}
