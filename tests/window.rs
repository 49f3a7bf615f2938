//! Every stamp on every day: all 1,024 × 1,024 pairs of timestamp and today, for windows of many
//! widths, against a calendar that is counted and searched day by day.

use std::collections::HashMap;
use std::ops::Range;

use mail_srs::{Day, ReverseError, Secret, Srs, Timestamp};

/// A whole cycle of timestamps, which began on 2026-01-27; `AA` stamps its first day.
const CYCLE: Range<usize> = 20_480..21_504;

/// The timestamp of each day since 1970-01-01, counted up from `AA` with no arithmetic, through the
/// cycle that follows [`CYCLE`].
fn calendar() -> Vec<String> {
    let digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let stamps: Vec<String> = digits
        .chars()
        .flat_map(|high| digits.chars().map(move |low| format!("{high}{low}")))
        .collect();
    stamps
        .iter()
        .cycle()
        .take(CYCLE.end + stamps.len())
        .cloned()
        .collect()
}

/// What is to be said of each timestamp today: the age, if a day in the window bears it, or else the
/// days since it was seen last.
fn verdicts(
    calendar: &[String],
    today: usize,
    max_age: u16,
    max_skew: u16,
) -> HashMap<&str, Result<i16, u16>> {
    let (past, future) = calendar.split_at(today + 1);
    let mut verdicts = HashMap::new();
    for (stamp, age) in past.iter().rev().zip(0..=1023_u16) {
        let verdict = if age <= max_age {
            Ok(age.try_into().unwrap())
        } else {
            Err(age)
        };
        assert!(verdicts.insert(stamp.as_str(), verdict).is_none());
    }
    for (stamp, ahead) in future.iter().zip(1..=max_skew) {
        let age = i16::try_from(ahead).unwrap();
        verdicts.insert(stamp, Ok(-age));
    }
    verdicts
}

fn day(number: usize) -> Day {
    Day::new(number.try_into().unwrap())
}

fn all_pairs(max_age: u16, max_skew: u16) {
    let calendar = calendar();
    let srs = Srs::builder(Secret::new("tops3cr3t").unwrap())
        .max_age(max_age)
        .max_skew(max_skew)
        .build()
        .unwrap();
    let made: Vec<(&String, String)> = CYCLE
        .map(|made| {
            let address = srs
                .forward("alice@example.com", "forward.example", day(made))
                .unwrap()
                .to_string();
            let stamp = &calendar[made];
            assert!(address.contains(&format!("={stamp}=example")), "{address}");
            (stamp, address)
        })
        .collect();

    let mut pairs = 0;
    for today in CYCLE {
        let verdicts = verdicts(&calendar, today, max_age, max_skew);
        for (stamp, address) in &made {
            let verdict = srs
                .reverse(address, day(today))
                .map(|reversed| reversed.age());
            let expected = match verdicts[stamp.as_str()] {
                Ok(age) => Ok(Some(age)),
                Err(age) => Err(ReverseError::Expired { age, max_age }),
            };
            assert_eq!(verdict, expected, "{stamp} on day {today}");
            pairs += 1;
        }
    }
    assert_eq!(pairs, 1024 * 1024);
}

#[test]
fn the_age_of_a_timestamp_is_the_days_since_it_was_seen_last() {
    let calendar = calendar();
    for today in CYCLE {
        let past = calendar[..=today].iter().rev();
        for (stamp, age) in past.zip(0..=1023) {
            let timestamp: Timestamp = stamp.parse().unwrap();
            assert_eq!(timestamp.age(day(today)), age, "{stamp} on day {today}");
        }
    }
}

#[test]
fn the_default_of_three_weeks_and_tomorrow() {
    all_pairs(21, 1);
}

/// As `Mail::SRS`, libsrs2 and `PostSRSd`.
#[test]
fn three_weeks_without_skew() {
    all_pairs(21, 0);
}

/// As the manual of `Mail::SRS` has it.
#[test]
fn seven_weeks_without_skew() {
    all_pairs(49, 0);
}

#[test]
fn the_same_day_only() {
    all_pairs(0, 0);
}

#[test]
fn the_same_day_and_tomorrow() {
    all_pairs(0, 1);
}

#[test]
fn all_days_back_but_one() {
    all_pairs(1022, 0);
}

#[test]
fn all_days_ahead_but_one() {
    all_pairs(0, 1022);
}

#[test]
fn as_many_days_back_as_ahead() {
    all_pairs(511, 511);
}

/// Of all timestamps, one is outside.
#[test]
fn the_widest_windows_on_both_sides() {
    all_pairs(500, 522);
    all_pairs(1021, 1);
    all_pairs(1, 1021);
}
