//! Whatever is forwarded comes back: to its maker, within its window, and to nobody else.
#![no_main]

#[path = "../laws.rs"]
mod laws;

use libfuzzer_sys::fuzz_target;
use mail_srs::{Day, ForwardError, ForwardedKind, HashFormat, Mailbox, ReverseError, Secret, Srs};

const MAX_AGE: u16 = 21;

/// Signs whole hashes, so that chance plays no part.
fn srs(octets: &str, format: HashFormat) -> Option<Srs> {
    let secret = Secret::new(octets).ok()?.with_format(format);
    let builder = Srs::builder(secret).hash_length(format.max_length());
    Some(builder.build().expect("valid settings"))
}

/// Lower-cased, for comparisons that no folding disturbs.
fn folded(text: &str) -> String {
    text.to_ascii_lowercase()
}

fn same(one: &str, other: &str) -> bool {
    Mailbox::parse(&folded(one)) == Mailbox::parse(&folded(other))
}

fuzz_target!(|text: &str| {
    let [sender, alias, secret] = laws::lines(text, ["", "forward.example", "tops3cr3t"]);
    let day = |offset: i64| Day::new(13_190_u64.saturating_add_signed(offset));
    for format in [
        HashFormat::Base64Url,
        HashFormat::Base64,
        HashFormat::Base32,
    ] {
        let (Some(srs), Some(stranger)) = (srs(&secret, format), srs("a stranger's", format))
        else {
            return;
        };
        let forwarded = match srs.forward(&sender, &alias, day(0)) {
            Ok(forwarded) => forwarded,
            Err(ForwardError::Sender(error)) => return laws::assert_points_into(&sender, error),
            Err(ForwardError::Alias(_)) => {
                assert!(Mailbox::parse(&format!("a@{alias}")).is_err());
                assert!(Mailbox::parse(&alias).is_err());
                return;
            }
            Err(error) => panic!("{sender:?}: {error}"),
        };
        let address = forwarded.to_string();
        let domain = alias.rsplit('@').next().unwrap_or_default();
        let host = Mailbox::parse(&sender).map(|mailbox| mailbox.host().to_string());
        let is_own = host.is_ok_and(|host| host.eq_ignore_ascii_case(domain));
        match forwarded.kind() {
            ForwardedKind::Null => {
                assert!(matches!(&*sender, "" | "<>"));
                return assert_eq!(address, sender);
            }
            ForwardedKind::OwnDomain => {
                assert!(is_own);
                return assert_eq!(address, sender);
            }
            _ => assert!(!is_own),
        }
        laws::assert_one_address(&address);
        assert!(address.ends_with(&format!("@{domain}")));
        let local_part = address.len() - "@".len() - domain.len();
        assert_eq!(forwarded.local_part_octets(), local_part);
        assert_eq!(
            forwarded.within_rfc5321_limits(),
            local_part <= 64 && domain.len() <= 255 && address.len() + "<>".len() <= 256
        );
        assert_eq!(forwarded.needs_smtputf8(), !address.is_ascii());

        // Home again.
        let reversed = srs.reverse(&address, day(0)).expect("genuine");
        let original = reversed.to_string();
        laws::assert_one_address(&original);
        assert!(!reversed.case_folded());
        if forwarded.kind() == ForwardedKind::Srs0 {
            assert_eq!(reversed.age(), Some(0));
            let mailbox = Mailbox::parse(&sender).expect("it was forwarded");
            assert_eq!(Mailbox::parse(&original), Ok(mailbox));
            // Quotes that came, or that an address literal brought about, may stay.
            let had_quotes = sender.starts_with('"') || sender.ends_with(']');
            assert!(had_quotes || original == mailbox.to_string());
        } else {
            assert_eq!(reversed.age(), None);
            assert!(original.trim_start_matches('"').starts_with("SRS0"));
            let was_srs0 = folded(&sender.replace(['"', '\\'], "")).starts_with("srs0");
            assert!(
                !was_srs0 || same(&original, &sender),
                "{original:?} for {sender:?}"
            );
        }

        // A mail server on the way made one case of it.
        let (local, _) = address.split_at(local_part);
        for local in [local.to_ascii_lowercase(), local.to_ascii_uppercase()] {
            let folded = format!("{local}@{domain}");
            let back = srs.reverse(&folded, day(0));
            let back = back.expect("folding does no harm").to_string();
            assert!(same(&back, &original));
        }

        // In its window and not outside, and for nobody else.
        for (offset, is_within) in [(-2, false), (-1, true), (21, true), (22, false)] {
            let result = srs.reverse(&address, day(offset));
            if reversed.age().is_none() || is_within {
                assert_eq!(
                    result.map(|reversed| reversed.to_string()),
                    Ok(original.clone())
                );
            } else {
                let age = u16::try_from(offset.rem_euclid(1024)).unwrap_or_default();
                let max_age = MAX_AGE;
                assert_eq!(result, Err(ReverseError::Expired { age, max_age }));
            }
        }
        if !secret.trim_end_matches('\0').eq("a stranger's") {
            assert_eq!(
                stranger.reverse(&address, day(0)),
                Err(ReverseError::HashMismatch)
            );
        }

        // The next hop's bounce comes straight to the first.
        let next = stranger
            .forward(&address, "next.example", day(0))
            .expect("an address");
        if next.is_rewritten() {
            let first_hop = next.to_string();
            let back = stranger
                .reverse(&first_hop, day(0))
                .expect("genuine")
                .to_string();
            let expected = match forwarded.kind() {
                ForwardedKind::Srs0 => &address,
                _ => &original,
            };
            assert!(same(&back, expected), "{back:?} for {expected:?}");
        }
    }
});
