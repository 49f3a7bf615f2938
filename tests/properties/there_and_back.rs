//! A bounce finds its way back to the sender, over any number of hops and changed on the way as
//! mail servers change addresses; and the senders that are left alone.

use mail_srs::{ForwardedKind, SrsKind};
use proptest::{collection::vec, prelude::*, sample::Index};

use crate::mailboxes::{Tag, ordinary_mailbox, requoted, srs0_mailbox, srs1_mailbox};
use crate::settings::{Settings, day, later};
use crate::syntax;
use crate::{
    bounce_destination, came_back, config, forwarded, hash, hop, mailbox_with_a_way_back, meaning,
    reversed, sender_and_chain, sender_and_hop,
};

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_bounce_comes_back_to_the_sender(
        (sender, hop) in sender_and_hop(ordinary_mailbox()),
        today in day(),
        when in any::<Index>(),
    ) {
        let srs = hop.settings.srs();
        let address = forwarded(&srs, &sender, &hop.alias, today)?;
        for age in [0, any_age(&hop.settings, when)?] {
            let bounce = reversed(&srs, &address, later(today, age))?;
            came_back(&bounce.to_string(), &sender)?;
            prop_assert_eq!(bounce.kind(), SrsKind::Srs0);
            prop_assert_eq!(bounce.age(), Some(age));
            prop_assert_eq!(bounce.secret_index(), 0);
            prop_assert!(!bounce.case_folded());
        }
    }

    #[test]
    fn a_bounce_comes_back_to_an_srs0_sender_of_any_system(
        (sender, hop) in sender_and_hop(srs0_mailbox()),
        today in day(),
        bounced in day(),
    ) {
        let srs = hop.settings.srs();
        let address = forwarded(&srs, &sender, &hop.alias, today)?;
        // SRS1 bears no date. The first hop looks at that of its SRS0.
        let bounce = reversed(&srs, &address, bounced)?;
        let (came, expected) = (bounce.to_string(), bounce_destination(&sender)?);
        if address.starts_with('"') {
            // The first hop's host needs quotes if it is an address literal. Whether its SRS0 had
            // them too is not to be seen then, and equal as an address is all that can be asked.
            prop_assert_eq!(meaning(&came)?, meaning(&expected)?);
        } else {
            came_back(&came, &expected)?;
        }
        prop_assert_eq!(bounce.kind(), SrsKind::Srs1);
        prop_assert_eq!(bounce.age(), None);
    }

    #[test]
    fn a_bounce_to_an_srs1_sender_goes_to_the_first_hop(
        ((sender, srs0), hop) in (srs1_mailbox(), hop()),
        today in day(),
        bounced in day(),
    ) {
        prop_assume!(!meaning(&sender)?.1.eq_ignore_ascii_case(&hop.domain));
        let srs = hop.settings.srs();
        let address = forwarded(&srs, &sender, &hop.alias, today)?;
        let bounce = reversed(&srs, &address, bounced)?;
        // Equal as addresses: it came within quotes or without, and may go so.
        prop_assert_eq!(meaning(&bounce.to_string())?, meaning(&srs0)?);
        prop_assert_eq!(bounce.kind(), SrsKind::Srs1);
        prop_assert_eq!(bounce.age(), None);
    }

    // 2. Several forwarders in a row.
    #[test]
    fn a_bounce_goes_from_any_hop_to_the_first_and_from_there_to_the_sender(
        (sender, hops) in sender_and_chain(),
        today in day(),
        when in any::<Index>(),
    ) {
        let mut addresses: Vec<String> = Vec::new();
        let mut day = today;
        for hop in &hops {
            let last = addresses.last().unwrap_or(&sender);
            addresses.push(forwarded(&hop.settings.srs(), last, &hop.alias, day)?);
            day = later(day, 1);
        }
        let first = hops.first().zip(addresses.first());
        let (first_hop, first_address) = first.ok_or_else(|| TestCaseError::reject("no hop"))?;
        // Of an SRS sender the first hop is another, which made it. All of ours then wrap what that
        // one made, or wrapped.
        let sender_is_srs0 = Tag::of(&meaning(first_address)?.0) == Tag::Srs0;
        let from_first = bounce_destination(&sender)?;
        for (hop, address) in hops.iter().zip(&addresses).skip(1) {
            let bounce = reversed(&hop.settings.srs(), address, later(day, 100))?.to_string();
            if sender_is_srs0 {
                came_back(&bounce, first_address)?;
            } else {
                prop_assert_eq!(meaning(&bounce)?, meaning(&from_first)?);
            }
        }
        let age = any_age(&first_hop.settings, when)?;
        let bounce =
            reversed(&first_hop.settings.srs(), first_address, later(today, age))?.to_string();
        if sender_is_srs0 {
            came_back(&bounce, &sender)?;
        } else {
            prop_assert_eq!(meaning(&bounce)?, meaning(&from_first)?);
        }
    }

    // 3. Mail servers that fold the case of local parts.
    #[test]
    fn an_address_survives_any_change_of_case(
        (sender, hop) in sender_and_hop(mailbox_with_a_way_back()),
        today in day(),
        upper_case in cases(),
    ) {
        let srs = hop.settings.srs();
        let made = forwarded(&srs, &sender, &hop.alias, today)?;
        let (local_part, domain) = syntax::split(&made).unwrap_or_default();
        let presented = format!("{}@{domain}", with_case(local_part, &upper_case));
        let bounce = reversed(&srs, &presented, today)?;
        let came = bounce.to_string().to_ascii_lowercase();
        prop_assert_eq!(
            meaning(&came)?,
            meaning(&bounce_destination(&sender)?.to_ascii_lowercase())?
        );
        let (made, presented) = (meaning(&made)?.0, meaning(&presented)?.0);
        prop_assert_eq!(bounce.case_folded(), hash(&made) != hash(&presented));
    }

    #[test]
    fn an_address_survives_quotes_and_quoted_pairs_that_it_did_not_need(
        (sender, hop) in sender_and_hop(mailbox_with_a_way_back()),
        today in day(),
        backslashes in vec(any::<bool>(), 1..40),
    ) {
        let srs = hop.settings.srs();
        let made = forwarded(&srs, &sender, &hop.alias, today)?;
        let (local_part, domain) = syntax::split(&made).unwrap_or_default();
        let presented = format!("{}@{domain}", requoted(local_part, &backslashes));
        let bounce = reversed(&srs, &presented, today)?;
        prop_assert_eq!(
            meaning(&bounce.to_string())?,
            meaning(&bounce_destination(&sender)?)?
        );
        prop_assert!(!bounce.case_folded());
        prop_assert!(
            syntax::is_mailbox(&bounce.to_string()),
            "{bounce} from {presented}"
        );
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_null_sender_is_left_alone(hop in hop(), today in day()) {
        let srs = hop.settings.srs();
        for null in ["", "<>"] {
            let forwarded = srs.forward(null, &hop.alias, today);
            let forwarded = forwarded.map_err(|error| TestCaseError::fail(error.to_string()))?;
            prop_assert_eq!(forwarded.to_string(), null);
            prop_assert_eq!(forwarded.kind(), ForwardedKind::Null);
            prop_assert!(!forwarded.is_rewritten());
            prop_assert!(forwarded.within_rfc5321_limits());
            prop_assert!(!forwarded.needs_smtputf8());
        }
    }

    #[test]
    fn a_sender_in_the_own_domain_is_left_alone_unless_always_rewritten(
        sender in mailbox_with_a_way_back(),
        hop in hop(),
        today in day(),
        upper_case in cases(),
    ) {
        // Any sender, with its host replaced by the forwarder's, in any case; quotes stay as they
        // are.
        let (local_part, _) = syntax::split(&sender).unwrap_or_default();
        let sender = format!("{local_part}@{}", with_case(&hop.domain, &upper_case));
        let srs = hop.settings.always_rewriting(false).srs();
        let left = srs.forward(&sender, &hop.alias, today);
        let left = left.map_err(|error| TestCaseError::fail(format!("{sender:?}: {error}")))?;
        prop_assert_eq!(left.to_string(), sender.clone());
        prop_assert_eq!(left.kind(), ForwardedKind::OwnDomain);
        prop_assert!(!left.is_rewritten());

        let srs = hop.settings.always_rewriting(true).srs();
        let address = forwarded(&srs, &sender, &hop.alias, today)?;
        let bounce = reversed(&srs, &address, today)?.to_string();
        prop_assert_eq!(meaning(&bounce)?, meaning(&bounce_destination(&sender)?)?);
    }
}

/// Any age within the window.
pub(crate) fn any_age(settings: &Settings, when: Index) -> Result<i16, TestCaseError> {
    let ages = settings.window();
    Ok(ages.start() + i16::try_from(when.index(ages.clone().count()))?)
}

/// A sender that differs from another only by its letters' case, where `upper_case`, repeated,
/// says.
pub(crate) fn with_case(text: &str, upper_case: &[bool]) -> String {
    let fold = |(character, &upper_case): (char, &bool)| {
        if upper_case {
            character.to_ascii_uppercase()
        } else {
            character.to_ascii_lowercase()
        }
    };
    text.chars()
        .zip(upper_case.iter().cycle())
        .map(fold)
        .collect()
}

/// All letters to upper case, all to lower case, or any mixture.
pub(crate) fn cases() -> impl Strategy<Value = Vec<bool>> {
    prop_oneof![
        Just(vec![true]),
        Just(vec![false]),
        vec(any::<bool>(), 1..40)
    ]
}
