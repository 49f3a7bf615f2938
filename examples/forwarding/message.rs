//! A message as the mail server tells of it: one JSON object.

use serde::Deserialize;

use crate::lines::LONGEST_LINE;

/// A message at the provider's door. Fields that are not named here are passed over, for a log holds
/// more.
#[derive(Debug, Deserialize)]
pub(crate) struct Message {
    /// When it came, as the log has it; only repeated.
    #[serde(default)]
    pub(crate) time: String,
    /// Whom it is for, in a domain of the provider: the forward-path of RCPT.
    pub(crate) recipient: String,
    /// Where that recipient's mail is forwarded to; null if there is no such recipient. It must be
    /// there, so that a misspelt name does not make every recipient unknown.
    #[serde(deserialize_with = "Option::deserialize")]
    pub(crate) target: Option<String>,
    /// The envelope sender, empty or `<>` for a bounce.
    pub(crate) sender: String,
    /// What the spam filter says. There is none where the recipient was refused before the message
    /// was sent.
    pub(crate) score: Option<f64>,
    /// In octets; as for the score.
    pub(crate) size: Option<u64>,
    /// What comes back to the sender that it leaves with, for an evening that is played: in a real one
    /// that is a message like any other.
    #[serde(default)]
    pub(crate) returns: Option<Returns>,
}

/// What an envelope sender may get, once others have seen it.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Returns {
    /// The target's host could not deliver the message.
    Bounce,
    /// It could not, and took two months to say so.
    LateBounce,
    /// Somebody writes another mailbox into the address, to have mail relayed there.
    AlteredBounce,
    /// Somebody writes to the address as if it were a mailbox.
    Mail,
}

impl Message {
    /// Reads a line.
    pub(crate) fn parse(line: &[u8]) -> Result<Self, serde_json::Error> {
        if line.len() > LONGEST_LINE {
            let error = format!("longer than {LONGEST_LINE} octets");
            return Err(serde::de::Error::custom(error));
        }
        let message: Self = serde_json::from_slice(line)?;
        if !line.trim_ascii_start().starts_with(b"{") {
            // Serde takes an array of the fields for one too.
            return Err(serde::de::Error::custom("a message is a JSON object"));
        }
        if message.target.is_some() && (message.score.is_none() || message.size.is_none()) {
            return Err(serde::de::Error::custom(
                "a message that has a target needs a score and a size",
            ));
        }
        Ok(message)
    }

    /// What comes back to the new sender of a message, and how many days later.
    pub(crate) fn returned(returns: Returns, new_sender: &str) -> (Self, u64) {
        let (recipient, sender, days) = match returns {
            Returns::Bounce => (new_sender.to_owned(), "", 0),
            Returns::LateBounce => (new_sender.to_owned(), "", 60),
            Returns::AlteredBounce => (altered(new_sender), "", 0),
            Returns::Mail => (new_sender.to_owned(), "offers@bulk.example.net", 0),
        };
        let message = Self {
            time: String::new(),
            recipient,
            target: None,
            sender: sender.to_owned(),
            score: None,
            size: None,
            returns: None,
        };
        (message, days)
    }
}

/// The same address for another mailbox in the same domain; the hash stays.
fn altered(address: &str) -> String {
    match address.rsplit_once('=') {
        Some((before, mailbox)) => format!("{before}=not.{mailbox}"),
        None => address.to_owned(),
    }
}
