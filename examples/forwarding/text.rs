//! What a terminal shows: a line for each message, the report, and the counts.

use std::fmt::{self, Display};

use mail_srs::Outgoing;

use crate::counts::{ByCode, Counts};
use crate::fate::Fate;
use crate::message::Message;
use crate::report::Report;
use crate::visible::{Score, Visible, VisibleSender};

/// What became of one message; empty if its recipient does not exist, for those are only counted.
pub(crate) struct Line<'a>(pub(crate) &'a Message, pub(crate) &'a Fate<'a>);

impl Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(message, fate) = self;
        let verb = match fate {
            Fate::UnknownRecipient => return Ok(()),
            Fate::Forwarded(Outgoing::Rewrite(_)) => "rewritten",
            Fate::Forwarded(Outgoing::Keep(_)) => "unchanged",
            Fate::Discarded(_) => "discarded",
            Fate::Reversed(_) => "reversed",
            Fate::RecipientRefused(_) | Fate::SenderRefused(_) => "refused",
            Fate::Deferred(_) => "deferred",
        };
        let time = Visible(&message.time).to_string();
        write!(f, "{time:8}  {verb:9}  {}", Visible(&message.recipient))?;
        if let Some(target) = &message.target {
            write!(f, " -> {}", Visible(target))?;
        }
        let sender = VisibleSender(&message.sender);
        match fate {
            Fate::UnknownRecipient => {}
            Fate::Forwarded(outgoing @ Outgoing::Rewrite(forwarded)) => {
                write!(f, "  as {}", Visible(&forwarded.to_string()))?;
                if !forwarded.within_rfc5321_limits() {
                    write!(f, "  ({})", outgoing.code())?;
                }
            }
            Fate::Forwarded(outgoing @ Outgoing::Keep(_)) => {
                write!(f, "  from {sender}  ({})", outgoing.code())?;
            }
            Fate::Discarded(score) => write!(f, "  from {sender}  (score {})", Score(*score))?,
            Fate::Reversed(original) => write!(f, " -> {}", Visible(&original.to_string()))?,
            Fate::RecipientRefused(error) => {
                write!(
                    f,
                    "  from {sender}  ({}: {})",
                    error.code(),
                    error.smtp_reply()
                )?;
            }
            Fate::SenderRefused(error) | Fate::Deferred(error) => {
                write!(f, "  from {sender}  ({}: {error})", error.code())?;
            }
        }
        writeln!(f)
    }
}

/// The report, without the counts: those are not for customers.
impl Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Forwarded Discards, {}", self.days())?;
        let cut_off = Score(self.spam_cut_off);
        let whom = match self.spam_destinations {
            "all" => "",
            _ => " to listed destinations",
        };
        let count = self.count();
        writeln!(
            f,
            "Scoring {cut_off} and over, and so not forwarded{whom}: {count}"
        )?;
        let mut target = None;
        for group in &self.discards {
            if let Some(new) = group.target
                && target.replace(new) != Some(new)
            {
                writeln!(f, "\nNot forwarded to {}", Visible(new))?;
            }
            match group.recipient {
                Some(recipient) => writeln!(f, "\n  mail to {}", Visible(recipient))?,
                None => writeln!(f, "\nNot forwarded for all other recipients\n")?,
            }
            writeln!(f, "    count  highest  sender")?;
            for line in &group.senders {
                write!(
                    f,
                    "    {:5}  {:>7}  ",
                    line.count,
                    Score(line.highest_score)
                )?;
                match line.sender {
                    Some(sender) => writeln!(f, "{}", VisibleSender(sender))?,
                    None => writeln!(f, "all other senders")?,
                }
            }
        }
        Ok(())
    }
}

impl Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "In all")?;
        let mut count = |count: u64, what: &str| writeln!(f, "  {count:6}  {what}");
        count(self.messages, "messages")?;
        count(total(&self.forwarded), "forwarded")?;
        codes(&mut count, &self.forwarded)?;
        count(self.discarded, "discarded as spam")?;
        count(self.unknown_recipients, "rejected: no such recipient")?;
        count(
            total(&self.senders_refused),
            "refused: the sender is no address",
        )?;
        codes(&mut count, &self.senders_refused)?;
        count(total(&self.deferred), "deferred, for a fault of ours")?;
        codes(&mut count, &self.deferred)?;
        count(
            self.bounces_reversed,
            "bounces sent home from SRS addresses",
        )?;
        count(total(&self.bounces_refused), "refused at SRS addresses")?;
        codes(&mut count, &self.bounces_refused)?;
        count(self.unreadable_lines, "lines that are no message")?;
        writeln!(
            f,
            "  {} octets forwarded, {} discarded",
            self.forwarded_octets, self.discarded_octets
        )
    }
}

fn total(codes: &ByCode) -> u64 {
    codes.values().sum()
}

fn codes(count: &mut impl FnMut(u64, &str) -> fmt::Result, codes: &ByCode) -> fmt::Result {
    codes
        .iter()
        .try_for_each(|(code, number)| count(*number, &format!("  {code}")))
}
