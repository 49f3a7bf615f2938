//! The evening so far: what came, what became of it, and what the report says of that.

use std::io::{self, Write};
use std::path::Path;

use mail_srs::{Day, Outgoing};

use crate::counts::Counts;
use crate::date::Date;
use crate::discards::Discards;
use crate::fate::{Fate, Rules, Scope};
use crate::file;
use crate::message::{Message, Returns};
use crate::page::Page;
use crate::report::Report;
use crate::settings::Outputs;
use crate::text::Line;

/// What is known of the messages that have come.
#[derive(Debug)]
pub(crate) struct Evening {
    rules: Rules,
    outputs: Outputs,
    /// Whether messages come while somebody looks.
    is_followed: bool,
    counts: Counts,
    discards: Discards,
    first_day: Day,
    last_day: Day,
    /// What will come back to the new senders, when all messages have come.
    later: Vec<(Returns, String)>,
}

impl Evening {
    pub(crate) fn new(rules: Rules, outputs: Outputs, is_followed: bool, today: Day) -> Self {
        Self {
            rules,
            outputs,
            is_followed,
            counts: Counts::default(),
            discards: Discards::default(),
            first_day: today,
            last_day: today,
            later: Vec::new(),
        }
    }

    /// Takes a message that comes today, and prints what became of it.
    pub(crate) fn take(
        &mut self,
        message: &Message,
        today: Day,
        out: &mut impl Write,
    ) -> io::Result<()> {
        self.last_day = today;
        let new_sender = self.decide(message, today, out)?;
        match (message.returns, new_sender) {
            (Some(returns), Some(new_sender)) if self.is_followed => {
                self.take_back(returns, &new_sender, today, out)
            }
            (Some(returns), Some(new_sender)) => {
                self.later.push((returns, new_sender));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Does what the rules say. Returns the sender that the message leaves with, if it is a new one.
    fn decide(
        &mut self,
        message: &Message,
        today: Day,
        out: &mut impl Write,
    ) -> io::Result<Option<String>> {
        let fate = self.rules.fate(message, today);
        self.counts.count(message, &fate);
        if let (Fate::Discarded(score), Some(target)) = (&fate, &message.target)
            && self.is_reported(&message.recipient)
        {
            let recipient = &message.recipient;
            self.discards
                .add(target, recipient, &message.sender, *score);
        }
        if !self.outputs.json_only {
            write!(out, "{}", Line(message, &fate))?;
        }
        Ok(match fate {
            Fate::Forwarded(Outgoing::Rewrite(forwarded)) => Some(forwarded.to_string()),
            _ => None,
        })
    }

    fn is_reported(&self, recipient: &str) -> bool {
        let domain = recipient.rsplit_once('@').map_or("", |(_, domain)| domain);
        let customer = self.outputs.customer.as_ref();
        customer.is_none_or(|(_, domains)| domains.contains(domain))
    }

    /// Plays what comes back to a new sender.
    fn take_back(
        &mut self,
        returns: Returns,
        new_sender: &str,
        today: Day,
        out: &mut impl Write,
    ) -> io::Result<()> {
        let (message, days) = Message::returned(returns, new_sender);
        let then = Day::new(today.number().saturating_add(days));
        self.decide(&message, then, out).map(drop)
    }

    pub(crate) fn count_unreadable(&mut self) {
        self.counts.count_unreadable();
    }

    /// Ends it: the report, then what comes back, then the counts.
    pub(crate) fn end(&mut self, today: Day, out: &mut impl Write) -> io::Result<()> {
        if !self.outputs.json_only {
            let report = self.report();
            write!(out, "\n{report}")?;
            if !self.later.is_empty() {
                writeln!(out, "\nWhat comes back")?;
            }
        }
        for (returns, new_sender) in std::mem::take(&mut self.later) {
            self.take_back(returns, &new_sender, today, out)?;
        }
        if self.outputs.json_only {
            out.write_all(&self.report().to_json()?)
        } else {
            write!(out, "\n{}", self.counts)
        }
    }

    fn report(&self) -> Report<'_> {
        let customer = self.outputs.customer.as_ref();
        Report {
            from: Date(self.first_day),
            to: Date(self.last_day),
            spam_cut_off: self.rules.spam.cut_off,
            spam_destinations: match self.rules.spam.scope {
                Scope::All => "all",
                Scope::Only(_) => "listed",
            },
            customer: customer.map(|(name, _)| name.as_str()),
            discards: self.discards.groups().collect(),
            counts: &self.counts,
        }
    }

    /// Brings the report's files to what is known now. Tells how that went for each.
    pub(crate) fn write_files(&self) -> Vec<(&Path, io::Result<()>)> {
        let mut written = Vec::new();
        if let Some(path) = &self.outputs.html {
            let report = self.report();
            let page = Page {
                report: &report,
                is_kept_current: self.is_followed,
            };
            let page = page.to_string();
            written.push((&**path, file::write_whole(path, page.as_bytes())));
        }
        if let Some(path) = &self.outputs.json {
            let json = self.report().to_json();
            written.push((
                &**path,
                json.and_then(|json| file::write_whole(path, &json)),
            ));
        }
        written
    }
}
