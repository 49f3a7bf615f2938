//! An address is accepted on the days of its window and on no other; SRS1 bears no date.

use mail_srs::{ReverseError, Timestamp};
use proptest::prelude::*;

use crate::mailboxes::ordinary_mailbox;
use crate::settings::{CYCLE, Settings, day, later};
use crate::{config, fewer_cases, forwarded, reversed, sender_and_hop, stamp};

proptest! {
    #![proptest_config(fewer_cases())]

    #[test]
    fn an_address_is_accepted_on_the_days_of_its_window_and_on_no_other(
        (sender, hop) in sender_and_hop(ordinary_mailbox()),
        today in day(),
    ) {
        let Settings {
            max_age, max_skew, ..
        } = hop.settings;
        let srs = hop.settings.srs();
        let address = forwarded(&srs, &sender, &hop.alias, today)?;
        for age in 0..CYCLE {
            let verdict = srs.reverse(&address, later(today, age.cast_signed()));
            let ahead = CYCLE - age;
            if age <= max_age {
                prop_assert_eq!(
                    verdict.map(|reversed| reversed.age()),
                    Ok(Some(age.cast_signed()))
                );
            } else if ahead <= max_skew {
                prop_assert_eq!(
                    verdict.map(|reversed| reversed.age()),
                    Ok(Some(-ahead.cast_signed()))
                );
            } else {
                prop_assert_eq!(verdict, Err(ReverseError::Expired { age, max_age }));
            }
        }
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_day_after_the_last_is_too_late_and_the_day_before_the_first_too_early(
        (sender, hop) in sender_and_hop(ordinary_mailbox()),
        today in day(),
    ) {
        let max_age = hop.settings.max_age;
        let (first, last) = hop.settings.window().into_inner();
        let srs = hop.settings.srs();
        let address = forwarded(&srs, &sender, &hop.alias, today)?;
        for age in [first, last] {
            prop_assert_eq!(
                reversed(&srs, &address, later(today, age))?.age(),
                Some(age)
            );
        }
        for days in [first - 1, last + 1] {
            // A stamp from ahead of the window is one from the cycle before.
            let age = days.rem_euclid(CYCLE.cast_signed()).cast_unsigned();
            let verdict = srs.reverse(&address, later(today, days));
            prop_assert_eq!(verdict, Err(ReverseError::Expired { age, max_age }));
        }
    }

    #[test]
    fn a_timestamp_is_the_day_in_ten_bits(stamped in day(), days in 0..CYCLE) {
        let timestamp = Timestamp::from(stamped);
        prop_assert_eq!(
            u64::from(timestamp.slot()),
            stamped.number() % u64::from(CYCLE)
        );
        prop_assert_eq!(timestamp.to_string(), stamp(stamped));
        prop_assert_eq!(stamp(stamped).parse(), Ok(timestamp));
        prop_assert_eq!(stamp(stamped).to_ascii_lowercase().parse(), Ok(timestamp));
        prop_assert_eq!(timestamp.age(later(stamped, days.cast_signed())), days);
    }
}
