//! How many messages had which fate. Recipients that do not exist are here, and nowhere by name.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::fate::Fate;
use crate::message::Message;

/// By the codes of the library, which stay the same.
pub(crate) type ByCode = BTreeMap<&'static str, u64>;

/// The counts, with the names that they have in the JSON report.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Counts {
    /// Messages read, and those that came back.
    pub(crate) messages: u64,
    /// Forwarded, by the code of [`mail_srs::Outgoing`].
    pub(crate) forwarded: ByCode,
    pub(crate) forwarded_octets: u64,
    pub(crate) discarded: u64,
    pub(crate) discarded_octets: u64,
    pub(crate) unknown_recipients: u64,
    /// Bounces that were genuine, and went on to the original sender.
    pub(crate) bounces_reversed: u64,
    /// SRS addresses that were refused, by the code of [`mail_srs::Incoming`].
    pub(crate) bounces_refused: ByCode,
    /// Senders that are none, by the code of [`mail_srs::OutgoingError`].
    pub(crate) senders_refused: ByCode,
    /// Messages kept for a fault of the provider's own, by the same.
    pub(crate) deferred: ByCode,
    /// Lines of the input that are no message.
    pub(crate) unreadable_lines: u64,
}

impl Counts {
    pub(crate) fn count(&mut self, message: &Message, fate: &Fate<'_>) {
        self.messages += 1;
        let octets = message.size.unwrap_or(0);
        let (codes, code) = match fate {
            Fate::Forwarded(outgoing) => {
                self.forwarded_octets = self.forwarded_octets.saturating_add(octets);
                (&mut self.forwarded, outgoing.code())
            }
            Fate::RecipientRefused(error) => (&mut self.bounces_refused, error.code()),
            Fate::SenderRefused(error) => (&mut self.senders_refused, error.code()),
            Fate::Deferred(error) => (&mut self.deferred, error.code()),
            Fate::Discarded(_) => {
                self.discarded += 1;
                self.discarded_octets = self.discarded_octets.saturating_add(octets);
                return;
            }
            Fate::UnknownRecipient => {
                self.unknown_recipients += 1;
                return;
            }
            Fate::Reversed(_) => {
                self.bounces_reversed += 1;
                return;
            }
        };
        *codes.entry(code).or_default() += 1;
    }

    pub(crate) fn count_unreadable(&mut self) {
        self.unreadable_lines += 1;
    }
}
