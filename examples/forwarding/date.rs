//! A day of the library as a date, in the form of ISO 8601.

use std::fmt::{self, Display};

use mail_srs::Day;
use serde::{Serialize, Serializer};

/// Such as 2026-11-24.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Date(pub(crate) Day);

impl Display for Date {
    /// Howard Hinnant's `civil_from_days`: the year begins in March, so that the leap day is its last,
    /// and 400 years are an era.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DAYS_OF_ERA: u64 = 146_097;
        /// From 1 March of the year 0 to 1 January 1970.
        const BEFORE_1970: u64 = 719_468;

        let days = self.0.number().saturating_add(BEFORE_1970);
        let (era, day) = (days / DAYS_OF_ERA, days % DAYS_OF_ERA);
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let day = day - (153 * month + 2) / 5 + 1;
        let (year, month) = match month {
            0..=9 => (year, month + 3),
            _ => (year + 1, month - 9),
        };
        write!(f, "{:04}-{month:02}-{day:02}", era * 400 + year)
    }
}

impl Serialize for Date {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
