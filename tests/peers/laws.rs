//! What holds of a sender, a forwarder and a peer.

use mail_srs::{Day, HashFormat, ReverseError, Srs};
use proptest::{prelude::*, test_runner::TestCaseResult};

use crate::{
    differences::{Difference, Kind, bounce, ours, theirs},
    hops::{Hop, stamp},
    mailboxes::requoted,
    peer::Peer,
    syntax,
    tally::Tally,
};

const DAY: u64 = 86_400;

/// Both forward the sender and both reverse what either made of it.
pub(crate) fn agree(
    peer: &mut dyn Peer,
    hop: &Hop,
    now: u64,
    sender: &str,
    tally: &mut Tally,
) -> TestCaseResult {
    let today = Day::from_unix_seconds(now);
    let srs = hop.srs(HashFormat::Base64);
    let made = srs.forward(sender, &hop.alias, today);
    let made = made.map_err(|error| TestCaseError::fail(format!("{sender}: {error}")))?;
    let is_rewritten = made.is_rewritten();
    let made = made.to_string();
    let made_by_peer = peer.forward(hop, now, sender);

    if let Some(difference) = Difference::of(peer.kind(), hop, sender) {
        let expected = ours(hop, &stamp(today), sender);
        prop_assert_eq!(&made, &expected, "{:?}", sender);
        let expected = theirs(peer.kind(), hop, &stamp(today), sender);
        prop_assert_eq!(made_by_peer.clone().ok(), expected, "{:?}", sender);
        if is_rewritten {
            differ(
                peer,
                hop,
                now,
                sender,
                difference,
                &made,
                made_by_peer.ok().as_deref(),
            )?;
        }
        tally.differ_instead(difference);
        return Ok(());
    }

    prop_assert_eq!(Ok(&made), made_by_peer.as_ref(), "{:?}", sender);
    if is_rewritten {
        let back = reversed(&srs, &made, today)?;
        prop_assert_eq!(syntax::meaning(&back).map(owned), Some(bounce(sender)));
        prop_assert_eq!(
            peer.reverse(hop, now, &made),
            Ok(back.clone()),
            "{:?}",
            made
        );
        accept_and_refuse(peer, hop, now, sender, (&made, &back), tally)?;
    }
    tally.equal();
    Ok(())
}

/// What each side makes of the other's address where these differ.
fn differ(
    peer: &mut dyn Peer,
    hop: &Hop,
    now: u64,
    sender: &str,
    difference: Difference,
    made: &str,
    made_by_peer: Option<&str>,
) -> TestCaseResult {
    let today = Day::from_unix_seconds(now);
    let srs = hop.srs(HashFormat::Base64);
    // Two hashes of four characters may be equal by chance.
    let leaves_nothing_to_chance = hop.hash_length >= 8;

    let back = reversed(&srs, made, today)?;
    // No mailbox, perhaps: an SRS1 may name any first hop.
    prop_assert!(syntax::is_safe_in_a_command(&back), "{back}");
    prop_assert_eq!(syntax::meaning(&back).map(owned), Some(bounce(sender)));
    let back_by_peer = peer.reverse(hop, now, made);
    let is_quoted = made.starts_with('"');
    if is_quoted && peer.kind() != Kind::Pysrs {
        prop_assert!(back_by_peer.is_err(), "{made}: {back_by_peer:?}");
    } else if made.contains('\\') {
        prop_assert!(back_by_peer.is_err() || !leaves_nothing_to_chance, "{made}");
    } else {
        prop_assert_eq!(
            back_by_peer,
            Ok(if is_quoted { quoted(&back) } else { back })
        );
    }

    let Some(theirs) = made_by_peer else {
        return Ok(());
    };
    let back = srs.reverse(theirs, today);
    let back_by_peer = peer.reverse(hop, now, theirs);
    match difference {
        Difference::QuotedLocalPart if peer.kind() == Kind::Pysrs => {
            // It may be an SRS1 that nobody could reverse as well.
            let is_refused = match back {
                Err(ReverseError::HashMismatch) => true,
                Err(ReverseError::Malformed(_)) => theirs.starts_with("\"SRS1"),
                _ => false,
            };
            prop_assert!(
                is_refused || !leaves_nothing_to_chance,
                "{theirs}: {back:?}"
            );
        }
        Difference::QuotedLocalPart => {
            prop_assert!(
                matches!(back, Err(ReverseError::Address(_))),
                "{theirs}: {back:?}"
            );
            // PostSRSd has lost the user to the `@` before it.
            let expected = (theirs.matches('@').count() == 1).then_some(sender);
            prop_assert_eq!(back_by_peer.ok(), expected.map(str::to_owned));
        }
        Difference::IrreversibleSrs1 | Difference::TagWithoutSeparator => {
            prop_assert!(
                matches!(back, Err(ReverseError::Malformed(_))),
                "{theirs}: {back:?}"
            );
        }
        Difference::WhenToQuote | Difference::AddressLiteral => {
            let back = back.map(|back| back.to_string()).unwrap_or_default();
            prop_assert_eq!(syntax::meaning(&back).map(owned), Some(bounce(sender)));
            let is_quoted = theirs.starts_with('"');
            prop_assert_eq!(
                back_by_peer,
                Ok(if is_quoted { quoted(&back) } else { back })
            );
        }
        Difference::CaseBeyondAscii => {
            let back = back.map(|back| back.to_string()).unwrap_or_default();
            let (text, host) = syntax::meaning(sender).unwrap();
            let expected = (text.replacen("ſRS0", "SRS0", 1), host.to_owned());
            prop_assert_eq!(syntax::meaning(&back).map(owned), Some(expected));
        }
        other => prop_assert!(false, "{other:?} is no matter of senders"),
    }
    Ok(())
}

/// What both accept of an address that both made, and what both refuse.
fn accept_and_refuse(
    peer: &mut dyn Peer,
    hop: &Hop,
    now: u64,
    sender: &str,
    (made, back): (&str, &str),
    tally: &mut Tally,
) -> TestCaseResult {
    let today = Day::from_unix_seconds(now);
    let srs = hop.srs(HashFormat::Base64);
    let (head, hash, tail) = around_hash(hop, made);
    let accepts = |srs: &Srs, peer: &mut dyn Peer, address: &str| {
        prop_assert_eq!(reversed(srs, address, today)?, back);
        prop_assert_eq!(peer.reverse(hop, now, address), Ok(back.to_owned()));
        Ok(())
    };
    let refuses = |srs: &Srs, peer: &mut dyn Peer, hop: &Hop, address: &str| {
        prop_assert_eq!(srs.reverse(address, today), Err(ReverseError::HashMismatch));
        prop_assert!(peer.reverse(hop, now, address).is_err(), "{address}");
        Ok(())
    };

    accepts(
        &srs,
        peer,
        &[head, &hash.to_ascii_lowercase(), tail].concat(),
    )?;
    refuses(
        &srs,
        peer,
        hop,
        &[head, another(hash), &hash[1..], tail].concat(),
    )?;

    // The default format verifies theirs, and signs as they do but for two characters.
    let url = hop.srs(HashFormat::Base64Url);
    prop_assert_eq!(reversed(&url, made, today)?, back);
    let translated = [head, &hash.replace('+', "-").replace('/', "_"), tail].concat();
    let signed = url
        .forward(sender, &hop.alias, today)
        .map(|made| made.to_string());
    prop_assert_eq!(signed.as_ref(), Ok(&translated));
    if translated != made {
        prop_assert!(peer.reverse(hop, now, &translated).is_err(), "{translated}");
        tally.differ_too(Difference::HashAlphabet);
    }

    let longest = Hop {
        hash_length: 27,
        ..hop.clone()
    };
    let whole = longest
        .srs(HashFormat::Base64)
        .forward(sender, &hop.alias, today);
    let whole = whole.map(|made| made.to_string()).unwrap_or_default();
    accepts(&srs, peer, &whole)?;
    if let Some(next) = around_hash(&longest, &whole)
        .1
        .get(hop.hash_length..)
        .filter(|rest| !rest.is_empty())
    {
        let wrong = [head, hash, another(next), tail].concat();
        if peer.kind() == Kind::PostSrsd {
            prop_assert_eq!(srs.reverse(&wrong, today), Err(ReverseError::HashMismatch));
            prop_assert_eq!(peer.reverse(hop, now, &wrong), Ok(back.to_owned()));
            tally.differ_too(Difference::LongerHash);
        } else {
            refuses(&srs, peer, hop, &wrong)?;
        }
    }

    if !peer.obeys() {
        return Ok(());
    }
    // Another secret of the ring signs; then one that the other side does not have.
    let rotated = hop.after_rotation();
    prop_assert_eq!(
        reversed(&rotated.srs(HashFormat::Base64), made, today)?,
        back
    );
    prop_assert_eq!(peer.reverse(&rotated, now, made), Ok(back.to_owned()));
    if hop.hash_length >= 8 {
        let stranger = hop.stranger();
        refuses(&stranger.srs(HashFormat::Base64), peer, &stranger, made)?;
    }
    age(peer, hop, now, (made, back), tally)
}

/// An SRS0 address is accepted from its day to the last of its age, and its hash alone does not
/// make it one. An SRS1 never expires.
fn age(
    peer: &mut dyn Peer,
    hop: &Hop,
    now: u64,
    (made, back): (&str, &str),
    tally: &mut Tally,
) -> TestCaseResult {
    let srs = hop.srs(HashFormat::Base64);
    let (text, _) = syntax::meaning(made).unwrap();
    let is_srs0 = text.starts_with("SRS0");
    let max_age = u64::from(hop.max_age);
    for (time, is_accepted) in [
        (now + max_age * DAY, true),
        (now + (max_age + 1) * DAY, !is_srs0),
        (now - DAY, !is_srs0),
    ] {
        let day = Day::from_unix_seconds(time);
        let answer = peer.reverse(hop, time, made);
        if is_accepted {
            prop_assert_eq!(reversed(&srs, made, day)?, back);
            prop_assert_eq!(answer.as_deref(), Ok(back));
        } else {
            let is_expired = matches!(srs.reverse(made, day), Err(ReverseError::Expired { .. }));
            prop_assert!(is_expired, "{made}");
            prop_assert!(answer.is_err(), "{made}: {answer:?}");
        }
    }
    if is_srs0 && hop.max_age < 1022 {
        let yesterday = Day::from_unix_seconds(now - DAY);
        let lenient = hop
            .build(HashFormat::Base64, 1)
            .map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(reversed(&lenient, made, yesterday)?, back);
        tally.differ_too(Difference::ClockSkew);
    }
    // A zero before a number changes nothing, where the field may be longer. The empty user of
    // `""` is left out, and so is whatever needs quotes.
    if let Some((user, host)) = back
        .split_once('@')
        .filter(|_| is_srs0 && !made.starts_with('"'))
    {
        let stamp = format!("A{}", stamp(Day::from_unix_seconds(now)));
        let address = format!("{}@{}", hop.srs0(&stamp, host, user), hop.domain());
        let answer = srs.reverse(&address, Day::from_unix_seconds(now));
        prop_assert!(
            matches!(answer, Err(ReverseError::Malformed(_))),
            "{address}: {answer:?}"
        );
        prop_assert_eq!(peer.reverse(hop, now, &address), Ok(back.to_owned()));
        tally.differ_too(Difference::TimestampField);
    }
    Ok(())
}

/// Forwards through hops of which we are every other, and sends the bounce back.
pub(crate) fn chain(
    peer: &mut dyn Peer,
    hops: &[Hop],
    ours_first: bool,
    now: u64,
    sender: &str,
) -> TestCaseResult {
    let today = Day::from_unix_seconds(now);
    let is_ours = |index: usize| index.is_multiple_of(2) == ours_first;
    let mut address = sender.to_owned();
    for (index, hop) in hops.iter().enumerate() {
        address = if is_ours(index) {
            let srs = hop.srs(HashFormat::Base64);
            let made = srs
                .forward(&address, &hop.alias, today)
                .map(|made| made.to_string());
            made.map_err(|error| TestCaseError::fail(format!("{address}: {error}")))?
        } else {
            peer.forward(hop, now, &address)
                .map_err(TestCaseError::fail)?
        };
    }
    let mut bounces = 0;
    loop {
        let (_, host) = syntax::meaning(&address).unwrap();
        let Some(index) = hops.iter().position(|hop| hop.domain() == host) else {
            break;
        };
        let hop = &hops[index];
        address = if is_ours(index) {
            reversed(&hop.srs(HashFormat::Base64), &address, today)?
        } else {
            peer.reverse(hop, now, &address)
                .map_err(TestCaseError::fail)?
        };
        bounces += 1;
    }
    // From the last hop to the first, however many lie between, and home; or, where the sender was
    // another forwarder's address, from the last hop straight there.
    let is_srs =
        bounce(sender).0.starts_with("SRS0") && bounce(sender).0[4..].starts_with(['=', '+', '-']);
    prop_assert_eq!(bounces, if is_srs { 1 } else { 2 }, "{}", sender);
    prop_assert_eq!(syntax::meaning(&address).map(owned), Some(bounce(sender)));
    Ok(())
}

/// What both sides make of senders and settings that are no matter of chance.
pub(crate) fn fixed(peer: &mut dyn Peer, hop: &Hop, now: u64, tally: &mut Tally) -> TestCaseResult {
    let today = Day::from_unix_seconds(now);
    // Postfix never asks for an empty key, and PostSRSd would hang up.
    let nulls = if peer.obeys() {
        &["", "<>"][..]
    } else {
        &["<>"]
    };
    for &null in nulls {
        let made = hop
            .srs(HashFormat::Base64)
            .forward(null, &hop.alias, today)
            .map(|made| made.to_string());
        prop_assert_eq!(made.as_deref(), Ok(null));
        let answer = peer.forward(hop, now, null);
        prop_assert!(answer.is_err(), "{null:?}: {answer:?}");
        tally.differ_too(Difference::NullSender);
    }
    if peer.obeys() {
        let shortest = Hop {
            hash_length: 1,
            alias: "forward.example".to_owned(),
            ..hop.clone()
        };
        prop_assert!(shortest.build(HashFormat::Base64, 0).is_err());
        let expected = format!(
            "{}@forward.example",
            shortest.srs0(&stamp(today), "example.com", "alice")
        );
        prop_assert_eq!(
            peer.forward(&shortest, now, "alice@example.com"),
            Ok(expected)
        );
        tally.differ_too(Difference::ShortestHash);
    }
    Ok(())
}

fn reversed(srs: &Srs, address: &str, today: Day) -> Result<String, TestCaseError> {
    match srs.reverse(address, today) {
        Ok(reversed) => Ok(reversed.to_string()),
        Err(error) => Err(TestCaseError::fail(format!(
            "{address:?} is not reversed: {error}"
        ))),
    }
}

/// The address before its hash, the hash, and the address after it.
fn around_hash<'a>(hop: &Hop, address: &'a str) -> (&'a str, &'a str, &'a str) {
    let start = "SRS0=".len() + usize::from(address.starts_with('"'));
    let (head, rest) = address.split_at(start);
    let (hash, tail) = rest.split_at(hop.hash_length);
    (head, hash, tail)
}

/// A character of a hash that is not the first of these, in neither case.
fn another(hash: &str) -> &'static str {
    if hash.starts_with(['a', 'A']) {
        "B"
    } else {
        "A"
    }
}

/// With quotes, needed or not, as pysrs writes what came with them.
fn quoted(address: &str) -> String {
    let (local_part, host) = syntax::split(address).unwrap();
    format!("{}@{host}", requoted(local_part, &[false]))
}

fn owned((text, host): (String, &str)) -> (String, String) {
    (text, host.to_owned())
}
