//! No address is accepted but those that one of the secrets made.

use mail_srs::{HashFormat, ReverseError};
use proptest::{collection::vec, prelude::*, sample::Index, sample::select};

use crate::mailboxes::{Tag, hostile, mailbox, requoted, srs0_mailbox, srs1_mailbox};
use crate::settings::{self, Key, Settings, day, key, keys, settings};
use crate::syntax;
use crate::{
    Hop, config, fewer_cases, forwarded, hash, meaning, reversed, sender_and_hop,
    thousands_of_cases, written_as,
};

proptest! {
    #![proptest_config(thousands_of_cases())]

    #[test]
    fn no_address_one_character_away_is_accepted(
        (sender, hop) in sender_and_hop(mailbox()),
        settings in with_whole_hashes(),
        today in day(),
        others in vec(forged_character(), 20..60),
    ) {
        let srs = settings.srs();
        let address = forwarded(&srs, &sender, &hop.alias, today)?;
        let (genuine, domain) = meaning(&address)?;
        let format = settings
            .keys
            .first()
            .map(|key| key.format)
            .unwrap_or_default();
        let original = reversed(&srs, &address, today)?
            .to_string()
            .to_ascii_lowercase();
        for text in one_character_away(&genuine, &others) {
            let presented = format!("{}@{domain}", written_as(&address, &text));
            let verdict = srs.reverse(&presented, today);
            if read_alike(&text, format) == read_alike(&genuine, format) {
                let came = verdict.map(|reversed| reversed.to_string().to_ascii_lowercase());
                let came =
                    came.map_err(|error| TestCaseError::fail(format!("{presented:?}: {error}")))?;
                prop_assert_eq!(meaning(&came)?, meaning(&original)?, "{}", presented);
            } else {
                // Never `Expired`: that would say that the hash is right.
                prop_assert!(
                    matches!(
                        verdict,
                        Err(ReverseError::HashMismatch
                            | ReverseError::HashTooShort { .. }
                            | ReverseError::Malformed(_)
                            | ReverseError::Address(_))
                    ),
                    "{presented:?} for {address:?}: {verdict:?}"
                );
            }
        }
    }

    #[test]
    fn no_cut_below_the_minimum_is_accepted_and_every_other_is(
        (sender, hop) in sender_and_hop(mailbox()),
        settings in settings(),
        today in day(),
    ) {
        let srs = settings.srs();
        let address = forwarded(&srs, &sender, &hop.alias, today)?;
        let (genuine, domain) = meaning(&address)?;
        let (minimum, made) = (settings.hash_min, hash(&genuine));
        for length in 0..=made.len() {
            let cut = genuine.replacen(made, made.get(..length).unwrap_or_default(), 1);
            let presented = format!("{}@{domain}", written_as(&address, &cut));
            let verdict = srs.reverse(&presented, today).map(|_| ());
            let expected = if length < minimum {
                Err(ReverseError::HashTooShort { length, minimum })
            } else {
                Ok(())
            };
            prop_assert_eq!(verdict, expected, "{} for {}", presented, address);
        }
    }

    /// Fields swapped within an address, and fields of two addresses, made by the same secret,
    /// joined to one: whatever is accepted is hashed as the address is that its hash is from.
    #[test]
    fn no_swap_or_splice_of_fields_is_accepted(
        (senders, hop) in senders_and_hop(),
        settings in with_whole_hashes(),
        days in (day(), day()),
    ) {
        let srs = settings.srs();
        let format = settings
            .keys
            .first()
            .map(|key| key.format)
            .unwrap_or_default();
        let made = [(&senders.0, days.0), (&senders.1, days.1)]
            .map(|(sender, today)| forwarded(&srs, sender, &hop.alias, today));
        let [one, other] = made;
        let (one, other) = (one?, other?);
        let (first, domain) = meaning(&one)?;
        let (second, _) = meaning(&other)?;
        let genuine = [first, second];
        for text in swaps(&genuine).into_iter().chain(splices(&genuine)) {
            let quoted = format!("{}@{domain}", requoted(&syntax::local_part_for(&text), &[false]));
            let presented = format!("{}@{domain}", syntax::local_part_for(&text));
            let is_alike = genuine.iter().any(|genuine| hashed_alike(&text, genuine, format));
            for presented in [quoted, presented] {
                // `Expired` too says that the hash is right.
                let is_genuine = matches!(
                    srs.reverse(&presented, days.0),
                    Ok(_) | Err(ReverseError::Expired { .. })
                );
                prop_assert!(
                    is_alike || !is_genuine,
                    "{presented:?} of {one:?} and {other:?}"
                );
            }
        }
        // The law would not notice if nothing were read: the addresses themselves are genuine.
        for (address, today) in [(&one, days.0), (&other, days.1)] {
            reversed(&srs, address, today)?;
        }
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn every_other_character_in_every_place_is_refused(
        (sender, hop) in sender_and_hop(mailbox()),
        settings in with_whole_hashes(),
        today in day(),
    ) {
        let srs = settings.srs();
        let address = forwarded(&srs, &sender, &hop.alias, today)?;
        let (genuine, domain) = meaning(&address)?;
        let format = settings
            .keys
            .first()
            .map(|key| key.format)
            .unwrap_or_default();
        let behind_tag = genuine.char_indices().skip("SRS0=".len());
        for ((at, character), new) in
            behind_tag.flat_map(|place| ('\0'..='\x7f').map(move |new| (place, new)))
        {
            let (before, from) = genuine.split_at(at);
            let after = from.strip_prefix(character).unwrap_or_default();
            let text = format!("{before}{new}{after}");
            let presented = format!("{}@{domain}", written_as(&address, &text));
            prop_assert_eq!(
                srs.reverse(&presented, today).is_ok(),
                read_alike(&text, format) == read_alike(&genuine, format),
                "{}",
                presented
            );
        }
    }
}

proptest! {
    #![proptest_config(fewer_cases())]

    #[test]
    fn no_border_between_fields_can_be_moved_under_base32(
        (sender, hop) in sender_and_hop(mailbox()),
        settings in settings(),
        key in key(),
        today in day(),
    ) {
        let key = Key {
            format: HashFormat::Base32,
            ..key
        };
        let srs = settings.with_whole_hashes(&[key]).srs();
        let address = forwarded(&srs, &sender, &hop.alias, today)?;
        let (genuine, domain) = meaning(&address)?;
        for text in with_a_border_moved(&genuine) {
            let presented = format!("{}@{domain}", written_as(&address, &text));
            prop_assert!(
                srs.reverse(&presented, today).is_err(),
                "{presented:?} for {address:?}"
            );
        }
        // Nor can an address of one kind be passed off as the other: the tag is hashed too.
        for tag in ["SRS0", "SRS1"] {
            let text = format!("{tag}{}", genuine.get(tag.len()..).unwrap_or_default());
            let presented = format!("{}@{domain}", written_as(&address, &text));
            prop_assert_eq!(
                srs.reverse(&presented, today).is_ok(),
                text == genuine,
                "{}",
                presented
            );
        }
    }

    /// The other formats hash the fields with nothing between them, as all systems do that they are
    /// compatible with (see `HashFormat`). This law shows that the one before tries what it says.
    #[test]
    fn the_border_between_host_and_user_can_be_moved_under_base64(
        user in "[a-z]{2,8}",
        domain in "[a-z]{2,8}\\.example",
        settings in settings(),
        key in key(),
        today in day(),
    ) {
        let format = if key.format == HashFormat::Base32 {
            HashFormat::Base64
        } else {
            key.format
        };
        let srs = settings.with_whole_hashes(&[Key { format, ..key }]).srs();
        let address = forwarded(&srs, &format!("{user}@{domain}"), "forward.invalid", today)?;
        let moved = address.replacen(&format!("e={user}"), &format!("=e{user}"), 1);
        prop_assert_ne!(&moved, &address);
        let shorter = domain.trim_end_matches('e');
        prop_assert_eq!(
            reversed(&srs, &moved, today)?.to_string(),
            format!("e{user}@{shorter}")
        );
    }
}

/// A text as SRS reads it: letters without regard to their case, and a base64url hash without
/// regard to which of the two alphabets it is written in. It is the only way in which
/// two texts one character apart are one address.
///
/// No more is needed, though base64 hashes the fields with nothing between them. Two texts can be
/// hashed alike only if they differ in where the `=` between host and user stands, and one
/// character cannot move it. Inserting or deleting a character, be it `=`, leaves a hashed text
/// of another length, or fields of which one is no longer what it must be. Changing the `=` to
/// some `c` makes the next `=` of the user the border: the hashed `host c first second` would have
/// to equal `host first = second`, hence `c first` equal `first =`, which means that `c` is `=`.
/// A character of hash or timestamp cannot join the host, for both have but one length.
fn read_alike(text: &str, format: HashFormat) -> String {
    let lower_case = text.to_ascii_lowercase();
    let Some((tag, fields)) = lower_case.split_at_checked("SRS0=".len()) else {
        return lower_case;
    };
    match fields.split_once('=') {
        Some((hash, rest)) if format == HashFormat::Base64Url => {
            format!("{tag}{}={rest}", hash.replace('-', "+").replace('_', "/"))
        }
        _ => lower_case,
    }
}

/// Two senders, of which one may be that of a forwarder and the other not, or both or none; and
/// sometimes they share a part.
fn senders_and_hop() -> impl Strategy<Value = ((String, String), Hop)> {
    (sender_and_hop(mailbox()), mailbox(), 0..4_u8).prop_filter_map(
        "a sender of another domain",
        |((one, hop), other, shared)| {
            let (one_local_part, one_host) = syntax::split(&one)?;
            let (local_part, host) = syntax::split(&other)?;
            let other = match shared {
                0 => format!("{one_local_part}@{host}"),
                1 => format!("{local_part}@{one_host}"),
                _ => other.clone(),
            };
            let (_, host) = syntax::split(&other)?;
            let is_foreign = !host.eq_ignore_ascii_case(&hop.domain);
            is_foreign.then_some(((one, other), hop))
        },
    )
}

/// The tag and separator, and the fields of the text of an SRS local part.
fn fields(text: &str) -> (&str, Vec<&str>) {
    let count = if Tag::of(text) == Tag::Srs0 { 4 } else { 3 };
    let (tag, fields) = text.split_at_checked("SRS0=".len()).unwrap_or_default();
    (tag, fields.splitn(count, '=').collect())
}

/// Each text with every two of its fields swapped.
fn swaps(texts: &[String; 2]) -> Vec<String> {
    let mut swapped = Vec::new();
    for text in texts {
        let (tag, fields) = fields(text);
        for one in 0..fields.len() {
            for other in 0..one {
                let mut fields = fields.clone();
                fields.swap(one, other);
                swapped.push(format!("{tag}{}", fields.join("=")));
            }
        }
    }
    swapped
}

/// Every way to take each field from one text or the other, and the tag as well.
fn splices(texts: &[String; 2]) -> Vec<String> {
    let [(one_tag, one), (other_tag, other)] = [fields(&texts[0]), fields(&texts[1])];
    let mut spliced = vec![one_tag.to_owned(), other_tag.to_owned()];
    for at in 0..one.len().max(other.len()) {
        // From the shorter one, where it has ended, nothing.
        let pieces: Vec<&str> = [&one, &other]
            .into_iter()
            .filter_map(|fields| fields.get(at).copied())
            .collect();
        spliced = spliced
            .into_iter()
            .flat_map(|text| {
                let border = if at == 0 { "" } else { "=" };
                pieces
                    .iter()
                    .map(|piece| format!("{text}{border}{piece}"))
                    .collect::<Vec<_>>()
            })
            .collect();
    }
    spliced
}

/// Whether two texts bear the same hash and have the same hashed: with the borders and the tag, or
/// in base64 all run together.
fn hashed_alike(text: &str, other: &str, format: HashFormat) -> bool {
    let [one, other] = [text, other].map(|text| {
        let alike = read_alike(text, format);
        let (tag, fields) = fields(&alike);
        let (hash, hashed) = fields.split_first().unwrap_or((&"", &[]));
        // The separator after the tag is not hashed in any format.
        let tag = tag.get(.."SRS0".len()).unwrap_or_default();
        match format {
            HashFormat::Base32 => format!("{hash} {tag}={}", hashed.join("=")),
            _ => format!("{hash} {}", hashed.concat()),
        }
    });
    one == other
}

/// The text with the `=` that ends its host at every other place behind its hash.
fn with_a_border_moved(text: &str) -> Vec<String> {
    // Behind hash and timestamp, or behind the hash.
    let fields = if Tag::of(text) == Tag::Srs0 { 3 } else { 2 };
    let (_, behind_tag) = text.split_at_checked("SRS0=".len()).unwrap_or_default();
    let host_and_user = behind_tag.splitn(fields, '=').last().unwrap_or_default();
    let before = text.strip_suffix(host_and_user).unwrap_or_default();
    let joined = host_and_user.replacen('=', "", 1);
    joined
        .char_indices()
        .map(|(at, _)| joined.split_at(at))
        .map(|(host, user)| format!("{before}{host}={user}"))
        .filter(|moved| moved != text)
        .collect()
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn no_other_secret_verifies(
        (sender, hop) in sender_and_hop(mailbox()),
        settings in with_whole_hashes(),
        others in keys(1..4),
        today in day(),
        bounced in day(),
    ) {
        prop_assume!(
            settings
                .keys
                .iter()
                .all(|key| others.iter().all(|other| !key.signs_like(other)))
        );
        let address = forwarded(&settings.srs(), &sender, &hop.alias, today)?;
        let stranger = Settings {
            hash_min: 4,
            ..settings.with_whole_hashes(&others)
        };
        // On any day: the hash comes first, so that `Expired` means genuine but old.
        prop_assert_eq!(
            stranger.srs().reverse(&address, bounced),
            Err(ReverseError::HashMismatch)
        );
    }

    #[test]
    fn no_foreign_address_is_accepted(
        address in prop_oneof![
            srs0_mailbox(),
            srs1_mailbox().prop_map(|(srs1, _)| srs1),
            mailbox(),
            hostile(),
        ],
        settings in with_whole_hashes(),
        today in day(),
    ) {
        let verdict = settings.srs().reverse(&address, today);
        prop_assert!(verdict.is_err(), "{address:?}: {verdict:?}");
        if let Some((text, _)) = syntax::meaning(&address).filter(|_| syntax::is_mailbox(&address))
        {
            // An ordinary recipient is told from a forged one.
            prop_assert_eq!(
                verdict == Err(ReverseError::NotSrs),
                Tag::of(&text) == Tag::None,
                "{}",
                address
            );
        }
    }

    #[test]
    fn the_secret_that_signed_is_told(
        (sender, hop) in sender_and_hop(mailbox()),
        keys in keys(1..5),
        signing in any::<Index>(),
        today in day(),
    ) {
        let index = signing.index(keys.len());
        let signer: Vec<Key> = keys.iter().skip(index).take(1).cloned().collect();
        let address = forwarded(
            &hop.settings.with_whole_hashes(&signer).srs(),
            &sender,
            &hop.alias,
            today,
        )?;
        let ring = hop.settings.with_whole_hashes(&keys).srs();
        let bounce = reversed(&ring, &address, today)?;
        prop_assert_eq!(bounce.secret_index(), index);
    }

    #[test]
    fn an_address_of_one_format_is_none_of_another_but_for_the_alphabets_of_base64(
        (sender, hop) in sender_and_hop(mailbox()),
        key in key(),
        made_as in settings::format(),
        read_as in settings::format(),
        hash_length in 4..=27_usize,
        today in day(),
    ) {
        let settings = |format| {
            let settings = hop.settings.with_whole_hashes(&[Key {
                format,
                ..key.clone()
            }]);
            Settings {
                hash_min: 4,
                ..settings
            }
        };
        let base64 = |format| format != HashFormat::Base32;
        let (from, to) = (settings(made_as), settings(read_as));
        // Between the formats of base64 nothing is left to chance at any length.
        let hash_length = if base64(made_as) && base64(read_as) {
            hash_length
        } else {
            made_as.max_length()
        };
        let address = forwarded(
            &Settings {
                hash_length,
                ..from
            }
            .srs(),
            &sender,
            &hop.alias,
            today,
        )?;
        let (text, _) = meaning(&address)?;
        let verifies = match (made_as, read_as) {
            (made_as, read_as) if made_as == read_as => true,
            (HashFormat::Base64, HashFormat::Base64Url) => true,
            (HashFormat::Base64Url, HashFormat::Base64) => !hash(&text).contains(['-', '_']),
            _ => false,
        };
        let verdict = to.srs().reverse(&address, today);
        prop_assert_eq!(
            verdict.is_ok(),
            verifies,
            "{} made as {}, read as {}",
            address,
            made_as,
            read_as
        );
        if let Ok(bounce) = verdict {
            prop_assert!(!bounce.case_folded());
        }
    }

    #[test]
    fn every_character_of_the_hash_must_be_right_however_many_there_are(
        (sender, hop) in sender_and_hop(mailbox()),
        key in key(),
        made in 4..=32_usize,
        minimum in 4..=32_usize,
        today in day(),
    ) {
        let whole = hop.settings.with_whole_hashes(&[key]);
        let longest = whole.hash_length;
        let (made, minimum) = (made.min(longest), minimum.min(longest));
        let made_with = |hash_length| Settings {
            hash_length,
            hash_min: 4,
            ..whole.clone()
        };
        let address = forwarded(&made_with(made).srs(), &sender, &hop.alias, today)?;
        // A shorter hash is the start of the longer one.
        let whole_address = forwarded(&made_with(longest).srs(), &sender, &hop.alias, today)?;
        let (whole, cut) = (meaning(&whole_address)?.0, meaning(&address)?.0);
        prop_assert_eq!(hash(&whole).get(..made), Some(hash(&cut)));

        let verdict = Settings {
            hash_min: minimum,
            ..made_with(longest)
        }
        .srs()
        .reverse(&address, today)
        .map(|_| ());
        let expected = if made < minimum {
            Err(ReverseError::HashTooShort {
                length: made,
                minimum,
            })
        } else {
            Ok(())
        };
        prop_assert_eq!(verdict, expected);
    }
}

/// Settings of one key with the longest hashes, so that chance plays no part: a forgery then passes
/// once in 2^135, the letters of base64 being worth five bits each.
fn with_whole_hashes() -> impl Strategy<Value = Settings> {
    (settings(), key()).prop_map(|(settings, key)| settings.with_whole_hashes(&[key]))
}

/// Every text one character away: behind the tag and its separator, each character changed, turned
/// to the other case, deleted, and preceded by a new one. New ones are taken in turn from `others`.
fn one_character_away(text: &str, others: &[char]) -> Vec<String> {
    let mut others = others.iter().cycle();
    let mut texts = Vec::new();
    for (at, character) in text
        .char_indices()
        .skip("SRS0=".len())
        .chain([(text.len(), '\0')])
    {
        let (before, from) = text.split_at(at);
        let mut put = |new: char, after: &str| texts.push(format!("{before}{new}{after}"));
        put(*others.next().unwrap_or(&'x'), from);
        if let Some(after) = from.strip_prefix(character) {
            put(*others.next().unwrap_or(&'x'), after);
            put(other_case(character), after);
            texts.push(format!("{before}{after}"));
        }
    }
    texts
}

fn other_case(letter: char) -> char {
    if letter.is_ascii_lowercase() {
        letter.to_ascii_uppercase()
    } else {
        letter.to_ascii_lowercase()
    }
}

/// What a forger might put: SRS's own characters, letters whose lower case Unicode but not SRS
/// takes to ASCII's, and all that needs quotes or is forbidden.
fn forged_character() -> impl Strategy<Value = char> {
    prop_oneof![
        4 => proptest::char::ranges(vec!['a'..='z', 'A'..='Z', '0'..='9'].into()),
        3 => select(&['=', '+', '-', '/', '_', '.'][..]),
        1 => select(&[
            '"', '\\', ' ', '@', '<', '\0', '\n', '\u{85}', 'ſ', '\u{212a}', 'İ', 'é', '\u{10ffff}',
        ][..]),
    ]
}
