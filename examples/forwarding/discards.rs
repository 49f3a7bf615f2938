//! The tally of what was not forwarded: for each forwarding target and local recipient, who sent how
//! much of it.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde::Serialize;

/// Senders that are told apart for one recipient. Spam has a new one for each message, so that without
/// an end a program that runs for weeks would fill its memory with them.
pub(crate) const MOST_SENDERS: usize = 1_000;

/// The tally, in which everything is found by target, recipient and sender.
#[derive(Debug, Default)]
pub(crate) struct Discards(BTreeMap<(String, String), Senders>);

#[derive(Debug, Default)]
struct Senders {
    named: BTreeMap<String, Tally>,
    /// Those beyond [`MOST_SENDERS`], together.
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
    pub(crate) target: &'a str,
    pub(crate) recipient: &'a str,
    /// Those that sent most come first, then those that scored highest.
    pub(crate) senders: Vec<Line<'a>>,
}

/// One line of the report.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Line<'a> {
    pub(crate) count: u64,
    pub(crate) highest_score: f64,
    /// Empty for the null sender; `None` for all those beyond [`MOST_SENDERS`], which come last.
    pub(crate) sender: Option<&'a str>,
}

impl Discards {
    /// Targets and recipients are the provider's own names: their case tells nothing apart. What tells
    /// senders apart is for others to say, so they stay as they are.
    pub(crate) fn add(&mut self, target: &str, recipient: &str, sender: &str, score: f64) {
        let key = (target.to_ascii_lowercase(), recipient.to_ascii_lowercase());
        let senders = self.0.entry(key).or_default();
        let sender = if sender == "<>" { "" } else { sender };
        let is_full = senders.named.len() >= MOST_SENDERS;
        let tally = match senders.named.entry(sender.to_owned()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(_) if is_full => senders.others.get_or_insert(Tally::NONE),
            Entry::Vacant(new) => new.insert(Tally::NONE),
        };
        tally.count += 1;
        tally.highest = tally.highest.max(score);
    }

    /// The groups, by target and then by recipient.
    pub(crate) fn groups(&self) -> impl Iterator<Item = Group<'_>> {
        self.0.iter().map(|((target, recipient), senders)| {
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
                target,
                recipient,
                senders: lines,
            }
        })
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
