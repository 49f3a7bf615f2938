//! The "Forwarded Discards" report, whatever form it is given: as text, as JSON, or as a page.

use serde::Serialize;

use crate::counts::Counts;
use crate::date::Date;
use crate::discards::Group;

/// What the report tells. The names of its fields are those of the JSON document, and stay.
#[derive(Debug, Serialize)]
pub(crate) struct Report<'a> {
    /// The first and the last day of the messages.
    pub(crate) from: Date,
    pub(crate) to: Date,
    /// The lowest score that is not forwarded, and whether that holds for `all` destinations or for
    /// those `listed`.
    pub(crate) spam_cut_off: f64,
    pub(crate) spam_destinations: &'static str,
    /// The domain whose recipients these are; `None` for all.
    pub(crate) customer: Option<&'a str>,
    pub(crate) discards: Vec<Group<'a>>,
    /// Of everybody's messages.
    pub(crate) counts: &'a Counts,
}

impl Report<'_> {
    /// How many messages were discarded, of those that the report is about.
    pub(crate) fn count(&self) -> u64 {
        self.discards.iter().map(Group::count).sum()
    }

    /// The day, or the first and the last.
    pub(crate) fn days(&self) -> String {
        let (from, to) = (self.from.to_string(), self.to.to_string());
        if from == to {
            from
        } else {
            format!("{from} to {to}")
        }
    }

    /// One document over several lines, which no terminal obeys.
    pub(crate) fn to_json(&self) -> serde_json::Result<String> {
        let mut json = String::new();
        for character in serde_json::to_string_pretty(self)?.chars() {
            if matches!(character, ' '..='~' | '\n') {
                json.push(character);
            } else {
                // Such as DEL or U+202E, which JSON leaves alone. It is in a string: all else is ASCII.
                for unit in character.encode_utf16(&mut [0; 2]) {
                    json.extend(format!("\\u{unit:04x}").chars());
                }
            }
        }
        json.push('\n');
        Ok(json)
    }
}
