//! How addresses are written, and read without a secret.

use mail_srs::{
    ForwardError, ForwardedKind, HashFormat, Mailbox, Srs, SrsAddress, SrsKind, Timestamp,
};
use proptest::prelude::*;

use crate::mailboxes::{Tag, hostile, mailbox, ordinary_mailbox, srs0_mailbox, srs1_mailbox};
use crate::settings::{Key, Settings, day, key, settings};
use crate::syntax;
use crate::{
    came_back, config, forwarded, has_a_way_back, hash, is_within_limits, mailbox_with_a_way_back,
    meaning, octets, reversed, sender_and_hop, srs1_fields, stamp,
};

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_fields_stand_where_the_wire_format_has_them(
        (sender, hop) in sender_and_hop(mailbox_with_a_way_back()),
        today in day(),
    ) {
        let Settings {
            separator,
            hash_length,
            ..
        } = hop.settings;
        let srs = hop.settings.srs();
        let forwarded = srs.forward(&sender, &hop.alias, today);
        let forwarded = forwarded.map_err(|error| TestCaseError::fail(error.to_string()))?;
        let address = forwarded.to_string();
        let (text, domain) = meaning(&address)?;
        let (sender_text, host) = meaning(&sender)?;

        let hash = text
            .get("SRS0=".len()..)
            .and_then(|fields| fields.get(..hash_length))
            .unwrap_or_default();
        let first_hop = srs1_fields(&sender_text).filter(|_| Tag::of(&sender_text) == Tag::Srs1);
        let (kind, expected) = match (Tag::of(&sender_text), first_hop) {
            (Tag::Srs0, _) => {
                let rest = sender_text.get("SRS0".len()..).unwrap_or_default();
                (
                    ForwardedKind::Srs1,
                    format!("SRS1{separator}{hash}={host}={rest}"),
                )
            }
            (_, Some((first_hop, rest))) => (
                ForwardedKind::Srs1,
                format!("SRS1{separator}{hash}={first_hop}={rest}"),
            ),
            _ => (
                ForwardedKind::Srs0,
                format!(
                    "SRS0{separator}{hash}={}={host}={sender_text}",
                    stamp(today)
                ),
            ),
        };
        prop_assert_eq!(&text, &expected);
        prop_assert_eq!(&domain, &hop.domain);
        prop_assert_eq!(forwarded.kind(), kind);
        prop_assert!(forwarded.is_rewritten());

        let format = hop
            .settings
            .keys
            .first()
            .map(|key| key.format)
            .unwrap_or_default();
        let in_alphabet = |character: char| match format {
            HashFormat::Base64 => {
                character.is_ascii_alphanumeric() || matches!(character, '+' | '/')
            }
            HashFormat::Base32 => matches!(character, 'A'..='Z' | '2'..='7'),
            _ => character.is_ascii_alphanumeric() || matches!(character, '-' | '_'),
        };
        prop_assert!(hash.chars().all(in_alphabet), "{} is no {}", hash, format);
    }

    #[test]
    fn a_valid_address_gives_a_valid_one_there_and_back(
        (sender, hop) in sender_and_hop(mailbox()),
        today in day(),
    ) {
        let srs = hop.settings.srs();
        let forwarded = srs.forward(&sender, &hop.alias, today);
        let forwarded = forwarded.map_err(|error| TestCaseError::fail(error.to_string()))?;
        let address = forwarded.to_string();
        prop_assert!(syntax::is_mailbox(&address), "{address} for {sender}");
        prop_assert_eq!(forwarded.local_part_octets(), octets(&address)?.0);
        prop_assert_eq!(
            forwarded.within_rfc5321_limits(),
            is_within_limits(&address)?
        );
        prop_assert_eq!(forwarded.needs_smtputf8(), !address.is_ascii());

        let reversed = reversed(&srs, &address, today)?.mailbox();
        let original = reversed.to_string();
        prop_assert!(
            syntax::is_mailbox(&original) || !has_a_way_back(&sender),
            "{original} for {sender}"
        );
        prop_assert_eq!(reversed.local_part_octets(), octets(&original)?.0);
        prop_assert_eq!(
            reversed.within_rfc5321_limits(),
            is_within_limits(&original)?
        );
        prop_assert_eq!(reversed.needs_smtputf8(), !original.is_ascii());
    }

    /// Random lengths seldom meet the limits of RFC 5321 §4.5.3.1 to the octet, so these are aimed.
    #[test]
    fn the_limits_of_rfc_5321_are_told_to_the_octet(
        local_part in 62..=66_usize,
        path in 254..=258_usize,
        hash_length in 4..=27_usize,
        settings in settings(),
        key in key(),
        today in day(),
    ) {
        let settings = settings.with_whole_hashes(&[key]);
        let srs = Settings {
            hash_length,
            hash_min: 4,
            ..settings
        }
        .srs();
        let user = "u".repeat(local_part - "SRS0==TT=a.example=".len() - hash_length);
        let sender = format!("{user}@a.example");
        let domain = "d".repeat(path - "<@>".len() - local_part);
        let forwarded = srs.forward(&sender, &domain, today);
        let forwarded = forwarded.map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(forwarded.local_part_octets(), local_part);
        prop_assert_eq!(
            forwarded.within_rfc5321_limits(),
            local_part <= 64 && path <= 256
        );
        prop_assert_eq!(format!("<{forwarded}>").len(), path);
    }

    #[test]
    fn quotes_stand_only_where_the_address_or_its_sender_needs_them(
        (sender, hop) in sender_and_hop(ordinary_mailbox()),
        today in day(),
    ) {
        let srs = hop.settings.srs();
        let address = forwarded(&srs, &sender, &hop.alias, today)?;
        let needs_quotes =
            |address: &str| meaning(address).map(|(text, _)| !syntax::is_dot_string(&text));
        // `".a"@example.com` gives `SRS0=…=.a`, which is a dot-string; but what it is made of is
        // none, and would come back without its quotes if they were dropped here.
        let needed = needs_quotes(&address)? || needs_quotes(&sender)?;
        prop_assert_eq!(
            address.starts_with('"'),
            needed,
            "{} for {}",
            address,
            sender
        );
        let original = reversed(&srs, &address, today)?.to_string();
        prop_assert_eq!(
            original.starts_with('"'),
            needs_quotes(&original)?,
            "{} for {}",
            original,
            sender
        );
    }

    #[test]
    fn a_local_part_over_the_limit_is_an_error_that_tells_both_lengths(
        (sender, hop) in sender_and_hop(mailbox()),
        today in day(),
        difference in -3..=3_isize,
    ) {
        let unlimited = forwarded(&hop.settings.srs(), &sender, &hop.alias, today)?;
        let octets = octets(&unlimited)?.0;
        let limit = octets.saturating_add_signed(difference);
        let key = hop
            .settings
            .keys
            .first()
            .map(Key::secret)
            .ok_or_else(|| TestCaseError::reject("no key"))?;
        let srs = Srs::builder(key)
            .hash_length(hop.settings.hash_length)
            .separator(hop.settings.separator)
            .local_part_limit(limit)
            .build()
            .map_err(|error| TestCaseError::fail(error.to_string()))?;
        match srs.forward(&sender, &hop.alias, today) {
            Ok(forwarded) => {
                prop_assert!(octets <= limit);
                prop_assert_eq!(forwarded.to_string(), unlimited);
            }
            Err(error) => {
                prop_assert!(octets > limit);
                prop_assert_eq!(error, ForwardError::LocalPartTooLong { octets, limit });
            }
        }
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn an_srs_address_is_read_as_it_was_written(
        (sender, hop) in sender_and_hop(mailbox_with_a_way_back()),
        today in day(),
    ) {
        let srs = hop.settings.srs();
        let written = forwarded(&srs, &sender, &hop.alias, today)?;
        let read = SrsAddress::parse(&written);
        let read = read.map_err(|error| TestCaseError::fail(format!("{written:?}: {error}")))?;
        // What we wrote has quotes only where it needs them, so all comes back to the byte.
        prop_assert_eq!(read.to_string(), written.clone());

        let (text, domain) = meaning(&written)?;
        prop_assert_eq!(read.claimed_hash(), hash(&text));
        prop_assert_eq!(char::from(read.separator()), hop.settings.separator);
        prop_assert_eq!(read.domain(), domain);
        let is_srs0 = read.kind() == SrsKind::Srs0;
        prop_assert_eq!(is_srs0, Tag::of(&text) == Tag::Srs0);
        prop_assert_eq!(
            read.claimed_timestamp(),
            is_srs0.then(|| Timestamp::from(today))
        );
        let (host, local_part) = (read.claimed_host(), read.claimed_local_part());
        let stamp = read
            .claimed_timestamp()
            .map(|timestamp| format!("{timestamp}="))
            .unwrap_or_default();
        let fields = format!(
            "{}{}{}={stamp}{host}={local_part}",
            read.kind(),
            read.separator(),
            read.claimed_hash()
        );
        prop_assert_eq!(fields, text);

        let reversed = reversed(&srs, &written, today)?;
        prop_assert_eq!(read.claimed_sender(), reversed.mailbox());
        prop_assert_eq!(read.claimed_sender().to_string(), reversed.to_string());
    }

    #[test]
    fn what_is_read_is_written_so_that_it_is_read_alike(
        address in prop_oneof![
            srs0_mailbox(),
            srs1_mailbox().prop_map(|(srs1, _)| srs1),
            mailbox(),
            hostile(),
        ],
    ) {
        if let Ok(read) = SrsAddress::parse(&address) {
            let written = read.to_string();
            prop_assert_eq!(SrsAddress::parse(&written), Ok(read));
            // The tag and the timestamp are written in upper case, and needless quotes are dropped.
            let folded = |address: &str| address.to_ascii_lowercase();
            prop_assert_eq!(meaning(&folded(&written))?, meaning(&folded(&address))?);
            prop_assert!(
                !syntax::is_mailbox(&address) || syntax::is_mailbox(&written),
                "{written}"
            );
        }
        if let Ok(read) = Mailbox::parse(&address) {
            let written = read.to_string();
            prop_assert_eq!(Mailbox::parse(&written), Ok(read));
            came_back(&written, &address)?;
            let (_, host) = meaning(&address)?;
            prop_assert_eq!(read.host(), host.as_str());
            prop_assert!(
                !syntax::is_mailbox(&address) || syntax::is_mailbox(&written),
                "{written}"
            );
        }
    }

    #[test]
    fn every_valid_mailbox_is_read(address in mailbox(), (srs1, srs0) in srs1_mailbox()) {
        for address in [&address, &srs1, &srs0] {
            prop_assert!(Mailbox::parse(address).is_ok(), "{address}");
        }
        prop_assert!(SrsAddress::parse(&srs1).is_ok(), "{srs1}");
    }
}
