//! The evening so far: what came, what became of it, and what the report says of that.

use mail_srs::{Day, Outgoing};

use crate::counts::Counts;
use crate::date::Date;
use crate::discards::Discards;
use crate::fate::{Fate, Rules, Scope};
use crate::message::{Message, Returns};
use crate::report::Report;
use crate::screen::Screen;
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
    pub(crate) fn take(&mut self, message: &Message, today: Day, screen: &mut Screen) {
        self.last_day = today;
        let new_sender = self.decide(message, today, screen);
        if let (Some(returns), Some(new_sender)) = (message.returns, new_sender) {
            if self.is_followed {
                self.take_back(returns, &new_sender, today, screen);
            } else {
                self.later.push((returns, new_sender));
            }
        }
    }

    /// Does what the rules say. Returns the sender that the message leaves with, if it is a new one.
    fn decide(&mut self, message: &Message, today: Day, screen: &mut Screen) -> Option<String> {
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
            screen.print(Line(message, &fate));
        }
        match fate {
            Fate::Forwarded(Outgoing::Rewrite(forwarded)) => Some(forwarded.to_string()),
            _ => None,
        }
    }

    fn is_reported(&self, recipient: &str) -> bool {
        let domain = recipient.rsplit_once('@').map_or("", |(_, domain)| domain);
        let customer = self.outputs.customer.as_ref();
        customer.is_none_or(|(_, domains)| domains.contains(domain))
    }

    /// Plays what comes back to a new sender.
    fn take_back(&mut self, returns: Returns, new_sender: &str, today: Day, screen: &mut Screen) {
        let (message, days) = Message::returned(returns, new_sender);
        let then = Day::new(today.number().saturating_add(days));
        self.decide(&message, then, screen);
    }

    pub(crate) fn count_unreadable(&mut self) {
        self.counts.count_unreadable();
    }

    /// Ends it: the report, then what comes back, then the counts.
    pub(crate) fn end(&mut self, today: Day, screen: &mut Screen) {
        if !self.outputs.json_only {
            screen.print(format_args!("\n{}", self.report()));
            if !self.later.is_empty() {
                screen.print("\nWhat comes back\n");
            }
        }
        for (returns, new_sender) in std::mem::take(&mut self.later) {
            self.take_back(returns, &new_sender, today, screen);
        }
        if self.outputs.json_only {
            match self.report().to_json() {
                Ok(json) => screen.print(json),
                Err(error) => screen.fail(error.into()),
            }
        } else {
            screen.print(format_args!("\n{}", self.counts));
        }
    }

    pub(crate) fn report(&self) -> Report<'_> {
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
}
