//! Day and Timestamp: ten bits, base32, age within a window; the only file that names a clock.

use core::fmt;
use core::str::FromStr;

use crate::digits::BASE32;
use crate::error::SyntaxError;

/// Days after which the timestamps repeat: ten bits of them.
const CYCLE: u16 = 1024;

/// A day, counted in UTC from 1970-01-01.
///
/// It is passed to [`Srs::forward`](crate::Srs::forward) and [`Srs::reverse`](crate::Srs::reverse);
/// nothing in this crate but `Day::today` looks at a clock.
///
/// ```
/// use mail_srs::Day;
///
/// let day = Day::from_unix_seconds(1_139_668_800); // 2006-02-11 14:40 UTC
/// assert_eq!(day, Day::new(13_190));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(u64);

impl Day {
    /// The day with this number, 0 being 1970-01-01.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The day on which a Unix time falls, in seconds since 1970-01-01 00:00 UTC.
    #[must_use]
    pub const fn from_unix_seconds(seconds: u64) -> Self {
        Self(seconds / 86_400)
    }

    /// Today by the system's clock, in UTC.
    ///
    /// A clock before 1970 counts as 1970-01-01.
    #[cfg(feature = "std")]
    #[must_use]
    pub fn today() -> Self {
        let since_epoch = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        Self::from_unix_seconds(since_epoch.as_secs())
    }

    /// The number of the day, 0 being 1970-01-01.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }
}

/// The timestamp of an SRS0 address: a day's number modulo 1,024, shown as two base32 characters.
///
/// ```
/// use mail_srs::{Day, Timestamp};
///
/// let timestamp = Timestamp::from(Day::new(13_190));
/// assert_eq!(timestamp.to_string(), "4G");
/// assert_eq!("4g".parse(), Ok(timestamp));
/// assert_eq!(timestamp.age(Day::new(13_193)), 3);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Timestamp {
    /// Below [`CYCLE`].
    slot: u16,
}

impl Timestamp {
    /// The day's place in the cycle, 0 to 1,023.
    #[must_use]
    pub const fn slot(self) -> u16 {
        self.slot
    }

    /// The days from this timestamp to `today`, 0 to 1,023.
    ///
    /// The count is modulo 1,024: a timestamp of tomorrow is 1,023 days old.
    #[must_use]
    pub fn age(self, today: Day) -> u16 {
        // Both are below the cycle, so the difference is too once a whole cycle has been added.
        (Self::from(today).slot + CYCLE - self.slot) % CYCLE
    }

    /// Signed days from this timestamp to `today`, or how old it is if outside the window.
    ///
    /// The window spans `max_age` days back and `max_skew` days ahead, both inclusive.
    pub(crate) fn age_within(self, today: Day, max_age: u16, max_skew: u16) -> Result<i16, u16> {
        let age = self.age(today);
        let ahead = CYCLE - age;
        if age <= max_age {
            Ok(age.cast_signed())
        } else if ahead <= max_skew {
            Ok(-ahead.cast_signed())
        } else {
            Err(age)
        }
    }

    /// Whether some timestamps are outside such a window, so that addresses expire at all.
    pub(crate) fn window_is_open(max_age: u16, max_skew: u16) -> bool {
        u32::from(max_age) + u32::from(max_skew) + 1 < u32::from(CYCLE)
    }

    /// The two characters, high five bits first.
    pub(crate) fn characters(self) -> [u8; 2] {
        [self.slot >> 5, self.slot & 31].map(|digit| {
            // There is one for each number below 32.
            BASE32.character(digit).unwrap_or_default()
        })
    }

    /// Reads the two characters, in either case: some mail servers fold the local part.
    #[inline]
    pub(crate) fn from_characters([high, low]: [u8; 2]) -> Option<Self> {
        let digit = |character| BASE32.of_character_folded(character).map(u16::from);
        let slot = digit(high)? << 5 | digit(low)?;
        Some(Self { slot })
    }
}

impl From<Day> for Timestamp {
    fn from(day: Day) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "it is below 1,024")]
        let slot = (day.number() % u64::from(CYCLE)) as u16;
        Self { slot }
    }
}

impl FromStr for Timestamp {
    type Err = SyntaxError;

    /// Reads two base32 characters, in either case.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.as_bytes()
            .try_into()
            .ok()
            .and_then(Self::from_characters)
            .ok_or(SyntaxError::Timestamp)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Base32 is ASCII.
        f.pad(core::str::from_utf8(&self.characters()).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_timestamp_is_read_back_in_either_case() {
        for slot in 0..CYCLE {
            let timestamp = Timestamp { slot };
            let characters = timestamp.characters();
            assert_eq!(Timestamp::from_characters(characters), Some(timestamp));
            let lower = characters.map(|character| character.to_ascii_lowercase());
            assert_eq!(Timestamp::from_characters(lower), Some(timestamp));
        }
    }

    #[test]
    fn only_two_base32_characters_are_a_timestamp() {
        for text in [
            "", "4", "4G4", "4G=", "1A", "A0", "8A", "A-", "é", "A ", "\0A",
        ] {
            assert_eq!(
                text.parse::<Timestamp>(),
                Err(SyntaxError::Timestamp),
                "{text:?}"
            );
        }
    }

    #[test]
    fn the_window_is_inclusive_on_both_sides() {
        let stamped = Day::new(20_000);
        let timestamp = Timestamp::from(stamped);
        let verdict = |offset: i64| {
            let today = Day::new(stamped.number().saturating_add_signed(offset));
            timestamp.age_within(today, 21, 1)
        };
        assert_eq!(verdict(-2), Err(1022));
        assert_eq!(verdict(-1), Ok(-1));
        assert_eq!(verdict(0), Ok(0));
        assert_eq!(verdict(21), Ok(21));
        assert_eq!(verdict(22), Err(22));
    }

    #[test]
    fn a_window_over_the_whole_cycle_is_told() {
        assert!(Timestamp::window_is_open(1022, 0));
        assert!(!Timestamp::window_is_open(1023, 0));
        assert!(Timestamp::window_is_open(1000, 22));
        assert!(!Timestamp::window_is_open(1000, 23));
        assert!(!Timestamp::window_is_open(u16::MAX, u16::MAX));
    }
}
