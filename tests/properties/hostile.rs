//! Whatever comes in, nothing panics, and nothing goes out that could end an SMTP command.

use mail_srs::{
    AddressError, BuildError, ForwardError, ForwardedKind, HashFormat, Mailbox, ParseError,
    ReverseError, Secret, Secrets, Separator, SrsAddress, Timestamp,
};
use proptest::{prelude::*, sample::Index};

use crate::mailboxes::{self, hostile, mailbox};
use crate::settings::{self, CYCLE, Settings, day, keys};
use crate::syntax;
use crate::{
    came_back, config, forwarded, hop, is_within_limits, octets, reversed, sender_and_hop,
};

proptest! {
    #![proptest_config(config())]

    #[test]
    fn nothing_hostile_gets_through_or_stops_the_program(
        text in hostile(),
        other in hostile(),
        hop in hop(),
        today in day(),
        bounced in day(),
    ) {
        let srs = hop.settings.srs();
        // As a sender in the way, in the forwarder's own domain, and as the alias.
        let own_domain = text
            .rsplit_once('@')
            .map_or(text.as_str(), |(_, host)| host);
        for (sender, alias) in [
            (&*text, &*hop.alias),
            (&text, own_domain),
            (&other, &text),
            (&text, &text),
        ] {
            match srs.forward(sender, alias, today) {
                Ok(forwarded) => {
                    let address = forwarded.to_string();
                    let shown = format!("{forwarded:?}");
                    prop_assert!(
                        !shown.contains(|character: char| character.is_control()),
                        "{shown}"
                    );
                    prop_assert_eq!(forwarded.needs_smtputf8(), !address.is_ascii());
                    if forwarded.kind() == ForwardedKind::Null {
                        prop_assert!(matches!(&*address, "" | "<>"));
                        continue;
                    }
                    prop_assert!(syntax::is_safe_in_a_command(&address), "{address:?}");
                    prop_assert_eq!(forwarded.local_part_octets(), octets(&address)?.0);
                    prop_assert_eq!(
                        forwarded.within_rfc5321_limits(),
                        is_within_limits(&address)?
                    );
                }
                Err(ForwardError::Sender(error)) => names_a_place_in(sender, error)?,
                Err(ForwardError::Alias(error)) => names_a_place_in(alias, error)?,
                Err(error) => prop_assert!(false, "{error}"),
            }
        }
        match srs.reverse(&text, bounced) {
            Ok(reversed) => {
                let address = reversed.to_string();
                prop_assert!(syntax::is_safe_in_a_command(&address), "{address:?}");
            }
            Err(error) => {
                if let ReverseError::Address(error) = error {
                    names_a_place_in(&text, error)?;
                }
                let reply = error.smtp_reply().map(|reply| reply.to_string());
                prop_assert_eq!(reply.is_none(), error == ReverseError::NotSrs);
                for text in [error.to_string(), reply.unwrap_or_default()] {
                    prop_assert!(
                        text.chars().all(|character| matches!(character, ' '..='~')),
                        "{text:?}"
                    );
                }
            }
        }
        if let Ok(address) = SrsAddress::parse(&text) {
            let sender = address.claimed_sender();
            prop_assert!(
                syntax::is_safe_in_a_command(&address.to_string()),
                "{address}"
            );
            prop_assert!(
                syntax::is_safe_in_a_command(&sender.to_string()),
                "{sender}"
            );
            let shown = format!("{address:?}");
            prop_assert!(
                !shown.contains(|character: char| character.is_control()),
                "{shown}"
            );
        }
        if let Err(ParseError::Address(error)) = SrsAddress::parse(&text) {
            names_a_place_in(&text, error)?;
        }
        match Mailbox::parse(&text) {
            Ok(mailbox) => prop_assert!(
                syntax::is_safe_in_a_command(&mailbox.to_string()),
                "{mailbox}"
            ),
            Err(error) => names_a_place_in(&text, error)?,
        }
    }

    #[test]
    fn what_a_forwarder_takes_it_can_give_back(text in hostile(), hop in hop(), today in day()) {
        let srs = hop.settings.always_rewriting(true).srs();
        if let Ok(forwarded) = srs.forward(&text, &hop.alias, today) {
            let address = forwarded.to_string();
            if forwarded.is_rewritten() {
                let original = reversed(&srs, &address, today)?.to_string();
                prop_assert!(syntax::is_safe_in_a_command(&original), "{original:?}");
                // Senders like `a..b@docomo.example` are no mailboxes, and come back all the same.
                if forwarded.kind() == ForwardedKind::Srs0 {
                    came_back(&original, &text)?;
                }
            }
        }
    }

    #[test]
    fn a_tampered_address_gives_nothing_hostile(
        (sender, hop) in sender_and_hop(mailbox()),
        today in day(),
        piece in hostile(),
        at in any::<Index>(),
    ) {
        let srs = hop.settings.srs();
        let address = forwarded(&srs, &sender, &hop.alias, today)?;
        let mut offset = at.index(address.len() + 1);
        while !address.is_char_boundary(offset) {
            offset -= 1;
        }
        let (before, after) = address.split_at(offset);
        let tampered = format!("{before}{piece}{after}");
        if let Ok(reversed) = srs.reverse(&tampered, today) {
            prop_assert!(
                syntax::is_safe_in_a_command(&reversed.to_string()),
                "{reversed} from {tampered:?}"
            );
        }
        if let Ok(forwarded) = srs.forward(&tampered, &hop.alias, today) {
            prop_assert!(
                syntax::is_safe_in_a_command(&forwarded.to_string()),
                "{forwarded} from {tampered:?}"
            );
        }
    }

    #[test]
    fn the_builder_accepts_what_makes_sense_and_nothing_else(
        keys in keys(1..4),
        hash_length in 0..40_usize,
        hash_min in 0..40_usize,
        (max_age, max_skew) in any_window(),
        separator in prop_oneof![3 => mailboxes::separator(), 1 => any::<char>()],
    ) {
        let settings = Settings {
            keys,
            hash_length,
            hash_min,
            max_age,
            max_skew,
            separator,
            always_rewrite: false,
        };
        let lengths = || settings.keys.iter().map(|key| key.format.max_length());
        let hash_fits = 4 <= hash_length
            && lengths()
                .next()
                .is_some_and(|longest| hash_length <= longest);
        let minimum_fits = 4 <= hash_min
            && hash_min <= hash_length
            && lengths().all(|longest| hash_min <= longest);
        let expires = u32::from(max_age) + u32::from(max_skew) < u32::from(CYCLE) - 1;
        let separates = matches!(separator, '=' | '+' | '-');
        match settings.build() {
            Ok(_) => prop_assert!(hash_fits && minimum_fits && expires && separates),
            Err(BuildError::HashLength { length, .. }) => {
                prop_assert!(!hash_fits && length == hash_length);
            }
            Err(
                BuildError::HashMin { minimum, .. }
                | BuildError::HashMinForAccepted { minimum, .. },
            ) => {
                prop_assert!(!minimum_fits && minimum == hash_min);
            }
            Err(BuildError::Window { .. }) => prop_assert!(!expires),
            Err(BuildError::Separator(_)) => prop_assert!(!separates),
            Err(error) => prop_assert!(false, "{error}"),
        }
        prop_assert_eq!(
            Separator::try_from(separator).map(char::from).ok(),
            separates.then_some(separator)
        );
    }

    #[test]
    fn hostile_texts_are_no_timestamps_formats_or_secrets(
        text in hostile(),
        format in settings::format(),
    ) {
        prop_assert_eq!(text.parse::<Timestamp>().is_ok(), is_timestamp(&text));
        let names = ["base64url", "base64", "base32"];
        prop_assert_eq!(text.parse::<HashFormat>().is_ok(), names.contains(&&*text));
        prop_assert_eq!(
            Secret::new(&text).is_err(),
            text.bytes().all(|octet| octet == 0)
        );
        if let Ok(secrets) = Secrets::from_lines(&text, format) {
            prop_assert!((1..=text.split('\n').count()).contains(&secrets.len()));
        }
    }
}

/// Days back and ahead as a careless caller might set them, often about as many as the cycle has.
fn any_window() -> impl Strategy<Value = (u16, u16)> {
    let full = (0..CYCLE, -4..=2_i16)
        .prop_map(|(max_age, more)| (max_age, (CYCLE - max_age).saturating_add_signed(more)));
    prop_oneof![
        2 => (0..30_u16, 0..30_u16),
        1 => (0..=CYCLE, 0..=CYCLE),
        2 => full,
        1 => any::<(u16, u16)>(),
    ]
}

/// Two characters of base32 (RFC 4648 §6), in either case.
fn is_timestamp(text: &str) -> bool {
    text.len() == 2
        && text
            .chars()
            .all(|c| matches!(c, 'A'..='Z' | 'a'..='z' | '2'..='7'))
}

/// An error tells where the defect stands: at a character of the text, or at its end.
fn names_a_place_in(text: &str, error: AddressError) -> Result<(), TestCaseError> {
    prop_assert!(text.is_char_boundary(error.offset()), "{error} in {text:?}");
    Ok(())
}
