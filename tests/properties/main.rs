//! The laws of the Sender Rewriting Scheme, tried on random mailboxes, settings and days.
//!
//! Each test is one law. All goes through the public interface, and what is a valid address is
//! judged by `syntax.rs`, which shares nothing with the library. `PROPTEST_CASES` raises
//! the number of cases.

mod forgery;
mod forwarding;
mod hostile;
mod mailboxes;
mod settings;
mod syntax;
mod there_and_back;
mod time;
mod writing;

use mail_srs::{Day, Reversed, Srs};
use proptest::{collection::vec, prelude::*};

use mailboxes::{Tag, alias, mailbox, requoted};
use settings::{Settings, settings};

/// No file of seeds is kept: a case worth keeping becomes a test with a name.
fn config() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// For laws that try hundreds of addresses in each case.
fn fewer_cases() -> ProptestConfig {
    ProptestConfig {
        cases: (config().cases / 16).max(1),
        ..config()
    }
}

/// For laws that are to hold for thousands of addresses.
fn thousands_of_cases() -> ProptestConfig {
    ProptestConfig {
        cases: config().cases.saturating_mul(8),
        ..config()
    }
}

/// Forwards and says why not, where the law wants it forwarded.
fn forwarded(srs: &Srs, sender: &str, alias: &str, today: Day) -> Result<String, TestCaseError> {
    match srs.forward(sender, alias, today) {
        Ok(forwarded) => Ok(forwarded.to_string()),
        Err(error) => Err(TestCaseError::fail(format!(
            "{sender:?} is not forwarded: {error}"
        ))),
    }
}

/// Reverses and says why not, where the law wants it reversed.
fn reversed<'a>(srs: &Srs, address: &'a str, today: Day) -> Result<Reversed<'a>, TestCaseError> {
    srs.reverse(address, today)
        .map_err(|error| TestCaseError::fail(format!("{address:?} is not reversed: {error}")))
}

/// The text that a local part stands for, and the host.
fn meaning(address: &str) -> Result<(String, String), TestCaseError> {
    syntax::meaning(address)
        .map(|(text, host)| (text, host.to_owned()))
        .ok_or_else(|| TestCaseError::fail(format!("{address:?} has no two parts")))
}

/// Whether an address came back: equal as addresses are, and to the byte unless it came within
/// quotes or should have.
fn came_back(came: &str, expected: &str) -> Result<(), TestCaseError> {
    let (text, host) = meaning(expected)?;
    let (came_text, came_host) = meaning(came)?;
    prop_assert_eq!(
        (&came_text, &came_host),
        (&text, &host),
        "{} for {}",
        came,
        expected
    );
    // Dots alone do not count: `a..b@docomo.example` stays as it came, unless an address literal
    // gave it quotes on its way.
    let is_unquoted = text
        .chars()
        .all(|character| character == '.' || syntax::is_atext(character))
        && (syntax::is_dot_string(&text) || !host.contains(['[', ']']));
    if !expected.starts_with('"') && is_unquoted {
        prop_assert_eq!(came, expected);
    }
    Ok(())
}

/// What the bounce to an address made of this sender is to reach: the sender, or the
/// first hop if forwarders stand between. A tag comes back in upper case.
fn bounce_destination(sender: &str) -> Result<String, TestCaseError> {
    let (text, host) = meaning(sender)?;
    let (text, host) = match (Tag::of(&text), srs1_fields(&text)) {
        (Tag::Srs0, _) => (
            format!("SRS0{}", text.get("SRS0".len()..).unwrap_or_default()),
            &*host,
        ),
        (Tag::Srs1, Some((first_hop, rest))) => (format!("SRS0{rest}"), first_hop),
        _ => return Ok(sender.to_owned()),
    };
    Ok(format!("{}@{host}", written_as(sender, &text)))
}

/// The first hop and the rest in the text of an SRS1 local part, if they are as they should be.
fn srs1_fields(text: &str) -> Option<(&str, &str)> {
    let mut fields = text.get("SRS1=".len()..)?.splitn(3, '=');
    let (_hash, first_hop, rest) = (fields.next()?, fields.next()?, fields.next()?);
    (!first_hop.is_empty() && rest.starts_with(['=', '+', '-'])).then_some((first_hop, rest))
}

/// A mailbox of which any SRS1 names a first hop that mail can be sent to.
fn mailbox_with_a_way_back() -> impl Strategy<Value = String> {
    mailbox().prop_filter("a first hop that is a host", |address| {
        has_a_way_back(address)
    })
}

/// Whether an address, if it is an SRS1, names a first hop that mail can be sent to.
///
/// An SRS1 address names whatever its maker put there. Where that is no host, no bounce can get
/// there, and what SRS makes of it is for the laws on hostile input.
fn has_a_way_back(address: &str) -> bool {
    let text = syntax::meaning(address)
        .map(|(text, _)| text)
        .unwrap_or_default();
    Tag::of(&text) != Tag::Srs1
        || srs1_fields(&text).is_none_or(|(first_hop, _)| syntax::is_host(first_hop))
}

/// A forwarder, the alias it forwards by, and the alias's domain.
#[derive(Clone, Debug)]
struct Hop {
    settings: Settings,
    alias: String,
    domain: String,
}

fn hop() -> impl Strategy<Value = Hop> {
    (settings(), alias()).prop_map(|(settings, (alias, domain))| Hop {
        settings,
        alias,
        domain,
    })
}

/// A sender and the forwarder that it meets. No forwarder gets the sender's own domain: those
/// senders are left alone, and have a law of their own.
fn sender_and_hop(sender: impl Strategy<Value = String>) -> impl Strategy<Value = (String, Hop)> {
    (sender, hop()).prop_filter("a sender of another domain", |(sender, hop)| {
        syntax::split(sender).is_some_and(|(_, host)| !host.eq_ignore_ascii_case(&hop.domain))
    })
}

/// A sender and the forwarders in its way, all of different domains.
fn sender_and_chain() -> impl Strategy<Value = (String, Vec<Hop>)> {
    (mailbox_with_a_way_back(), vec(hop(), 1..=4)).prop_filter(
        "different domains",
        |(sender, hops)| {
            let mut domains: Vec<_> = hops
                .iter()
                .map(|hop| hop.domain.to_ascii_lowercase())
                .collect();
            domains.extend(syntax::split(sender).map(|(_, host)| host.to_ascii_lowercase()));
            domains.sort();
            domains.windows(2).all(|pair| pair.first() != pair.last())
        },
    )
}

/// The local part for a text, within quotes as that of `address` is, or where the text needs them.
///
/// An address of ours is quoted for a reason, which is not always to be seen in it: the sender
/// `""@example.com` gives `"SRS0=…=example.com="`, which reads as a dot-string, but not its sender.
fn written_as(address: &str, text: &str) -> String {
    let local_part = syntax::local_part_for(text);
    if address.starts_with('"') {
        requoted(&local_part, &[false])
    } else {
        local_part
    }
}

/// The hash in the text of an SRS local part.
fn hash(text: &str) -> &str {
    text.get("SRS0=".len()..)
        .and_then(|fields| fields.split('=').next())
        .unwrap_or_default()
}

/// A day's timestamp, by RFC 4648 §6: ten bits, high five bits first.
fn stamp(day: Day) -> String {
    let digit = |shift: u32| {
        let index = (day.number() >> shift) % 32;
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
            .chars()
            .nth(index as usize)
    };
    [digit(5), digit(0)].into_iter().flatten().collect()
}

/// The octets of a local part as written, and of the host.
fn octets(address: &str) -> Result<(usize, usize), TestCaseError> {
    let parts = syntax::split(address).map(|(local_part, host)| (local_part.len(), host.len()));
    parts.ok_or_else(|| TestCaseError::fail(format!("{address:?} has no two parts")))
}

/// RFC 5321 §4.5.3.1.1 to §4.5.3.1.3: local part, domain, and path, which has angle brackets.
fn is_within_limits(address: &str) -> Result<bool, TestCaseError> {
    let (local_part, host) = octets(address)?;
    Ok(local_part <= 64 && host <= 255 && "<>".len() + address.len() <= 256)
}
