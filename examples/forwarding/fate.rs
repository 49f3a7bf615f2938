//! What becomes of a message: the provider's rules, and what they say of each.

use mail_srs::{
    Day, Domains, Envelope, Forwarder, Incoming, IncomingError, Outgoing, OutgoingError, Reversed,
};

use crate::message::Message;

/// The provider's rules.
#[derive(Debug)]
pub(crate) struct Rules {
    pub(crate) forwarder: Forwarder,
    pub(crate) spam: SpamRule,
}

/// Which messages are too bad to be forwarded. What a provider sends on counts against the provider.
#[derive(Debug)]
pub(crate) struct SpamRule {
    /// The lowest score that is not forwarded.
    pub(crate) cut_off: f64,
    /// To whom it is not.
    pub(crate) scope: Scope,
    /// Domains to which nothing is forwarded, for it stays with the provider.
    pub(crate) local: Domains,
}

/// The destinations of a rule.
#[derive(Debug)]
pub(crate) enum Scope {
    All,
    Only(Domains),
}

/// What becomes of a message.
#[derive(Debug)]
pub(crate) enum Fate<'a> {
    /// Forwarded, with a new sender or with the one it has.
    Forwarded(Outgoing<'a>),
    /// Not forwarded, for this score.
    Discarded(f64),
    /// Rejected: there is no such recipient.
    UnknownRecipient,
    /// A genuine bounce, sent on to the original sender.
    Reversed(Reversed<'a>),
    /// An SRS address that takes no mail, or not this.
    RecipientRefused(IncomingError),
    /// The sender is none.
    SenderRefused(OutgoingError),
    /// A fault of the provider's own: kept until that is mended.
    Deferred(OutgoingError),
}

impl Rules {
    /// Goes through the stages of a delivery: the recipient, the sender, the message itself.
    pub(crate) fn fate<'a>(&'a self, message: &'a Message, today: Day) -> Fate<'a> {
        let recipient = message.recipient.as_str();
        match self
            .forwarder
            .incoming(recipient, Some(&message.sender), today)
        {
            Incoming::Ours(original) => return Fate::Reversed(original),
            Incoming::Refused(error) => return Fate::RecipientRefused(error),
            // Somebody else's SRS address is a recipient like any other: here it is unknown, for the
            // provider relays for nobody.
            Incoming::Ordinary | Incoming::Foreign => {}
        }
        let Some(target) = message.target.as_deref() else {
            return Fate::UnknownRecipient;
        };
        let envelope = Envelope::new(&message.sender, target);
        match self.forwarder.outgoing(envelope, today) {
            Err(error) if error.smtp_reply().is_some() => Fate::SenderRefused(error),
            Err(error) => Fate::Deferred(error),
            Ok(outgoing) => match (message.score, outgoing) {
                (Some(score), _) if self.spam.discards(score, target) => Fate::Discarded(score),
                (_, outgoing) => Fate::Forwarded(outgoing),
            },
        }
    }
}

impl SpamRule {
    fn discards(&self, score: f64, target: &str) -> bool {
        let domain = target.rsplit_once('@').map_or(target, |(_, domain)| domain);
        score >= self.cut_off && !self.local.contains(domain) && self.scope.covers(domain)
    }
}

impl Scope {
    fn covers(&self, domain: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(domains) => domains.contains(domain),
        }
    }
}
