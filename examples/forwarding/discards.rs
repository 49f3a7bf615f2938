//! The tally of what was not forwarded: for each forwarding target and local recipient, who sent how
//! much of it.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde::Serialize;

/// Senders that are told apart for one recipient. Spam has a new one for each message, so that without
/// an end a program that runs for weeks would fill its memory with them.
pub(crate) const MOST_SENDERS: usize = 1_000;

/// Recipients that are told apart. Where any mailbox is one, as in a domain with a catch-all or with
/// `+tags`, strangers make these up too.
pub(crate) const MOST_RECIPIENTS: usize = 10_000;

/// Lines that are told apart in all, so that the two do not multiply.
pub(crate) const MOST_LINES: usize = 100_000;

/// The tally, in which everything is found by target, recipient and sender.
#[derive(Debug, Default)]
pub(crate) struct Discards {
    recipients: BTreeMap<(String, String), Senders>,
    /// Those beyond [`MOST_RECIPIENTS`], together.
    others: Option<Tally>,
    /// The named senders of all recipients.
    lines: usize,
}

#[derive(Debug, Default)]
struct Senders {
    named: BTreeMap<String, Tally>,
    /// Those beyond [`MOST_SENDERS`] or [`MOST_LINES`], together.
    others: Option<Tally>,
}

#[derive(Clone, Copy, Debug)]
struct Tally {
    count: u64,
    highest: f64,
}

/// What was not forwarded from one recipient to one target.
#[derive(Debug, Serialize)]
pub(crate) struct Group<'a> {
    /// Both are `None` for all recipients beyond [`MOST_RECIPIENTS`], which come last.
    pub(crate) target: Option<&'a str>,
    pub(crate) recipient: Option<&'a str>,
    /// Those that sent most come first, then those that scored highest.
    pub(crate) senders: Vec<Line<'a>>,
}

/// One line of the report.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Line<'a> {
    pub(crate) count: u64,
    pub(crate) highest_score: f64,
    /// Empty for the null sender; `None` for all those that are not told apart, which come last.
    pub(crate) sender: Option<&'a str>,
}

impl Discards {
    /// Targets and recipients are the provider's own names: their case tells nothing apart. What tells
    /// senders apart is for others to say, so they stay as they are.
    pub(crate) fn add(&mut self, target: &str, recipient: &str, sender: &str, score: f64) {
        let key = (target.to_ascii_lowercase(), recipient.to_ascii_lowercase());
        let has_room = self.recipients.len() < MOST_RECIPIENTS;
        let senders = match self.recipients.entry(key) {
            Entry::Occupied(known) => Some(known.into_mut()),
            Entry::Vacant(new) if has_room => Some(new.insert(Senders::default())),
            Entry::Vacant(_) => None,
        };
        let tally = match senders {
            Some(senders) => senders.tally(sender, &mut self.lines),
            None => self.others.get_or_insert(Tally::NONE),
        };
        tally.count += 1;
        tally.highest = tally.highest.max(score);
    }

    /// The groups, by target and then by recipient.
    pub(crate) fn groups(&self) -> impl Iterator<Item = Group<'_>> {
        let others = self.others.map(|tally| Group {
            target: None,
            recipient: None,
            senders: vec![tally.line(None)],
        });
        let groups = self
            .recipients
            .iter()
            .map(|((target, recipient), senders)| {
                let named = senders.named.iter();
                let mut lines: Vec<_> = named
                    .map(|(sender, tally)| tally.line(Some(sender)))
                    .collect();
                // The sort is stable, so what is equal stays in the order of the senders.
                lines.sort_by(|a, b| {
                    let by_count = b.count.cmp(&a.count);
                    by_count.then(b.highest_score.total_cmp(&a.highest_score))
                });
                lines.extend(senders.others.map(|tally| tally.line(None)));
                Group {
                    target: Some(target),
                    recipient: Some(recipient),
                    senders: lines,
                }
            });
        groups.chain(others)
    }
}

impl Senders {
    /// The tally that a sender counts in. `lines` is how many are told apart by now.
    fn tally(&mut self, sender: &str, lines: &mut usize) -> &mut Tally {
        let sender = if sender == "<>" { "" } else { sender };
        let has_room = self.named.len() < MOST_SENDERS && *lines < MOST_LINES;
        match self.named.entry(sender.to_owned()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) if has_room => {
                *lines += 1;
                new.insert(Tally::NONE)
            }
            Entry::Vacant(_) => self.others.get_or_insert(Tally::NONE),
        }
    }
}

impl Tally {
    const NONE: Self = Self {
        count: 0,
        highest: f64::NEG_INFINITY,
    };

    fn line(self, sender: Option<&str>) -> Line<'_> {
        Line {
            count: self.count,
            highest_score: self.highest,
            sender,
        }
    }
}

impl Group<'_> {
    pub(crate) fn count(&self) -> u64 {
        self.senders.iter().map(|line| line.count).sum()
    }
}
