//! What `PostSRSd` 1.10 and 2.4.0 did with over 1,500 addresses, next to what this crate does.
//!
//! Where the two differ, the difference must have a reason that is known by name, and each reason
//! must account for as many cases as it did when they were looked at one by one.

use std::collections::BTreeMap;

use mail_srs::{Day, ForwardError, ForwardedKind, HashFormat, ReverseError, Secret, Secrets, Srs};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
struct Case {
    op: String,
    secrets: Vec<String>,
    forwarder: String,
    now: u64,
    config: Config,
    input: Option<String>,
    /// Where the octets are no UTF-8.
    input_hex: Option<String>,
    output: Option<String>,
    error: Option<String>,
    /// The answer rests on a database that earlier cases have filled.
    #[serde(default)]
    stateful: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    hashlen: Option<usize>,
    hashmin: Option<usize>,
    separator: Option<char>,
    #[serde(default)]
    alwaysrewrite: bool,
    #[serde(default)]
    database: bool,
    exclude: Option<Vec<String>>,
    domains: Option<Vec<String>>,
}

/// Why the answers differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reason {
    /// Lists of domains and a database are not the business of [`Srs`].
    ListsAndDatabase,
    /// `PostSRSd` looks whether a sender is one of its own addresses; here the caller does.
    AlreadyRewritten,
    /// An address is a `&str` here.
    NotUtf8,
    /// The builder refuses what `PostSRSd` takes: a hash below four characters or over 27, a
    /// minimum above the length, another separator.
    Settings,
    /// `PostSRSd` refuses settings that make sense here, such as 27 characters.
    ItsSettings,
    /// Its requests and answers are limited to some hundred octets.
    ItsBuffers,
    /// The null sender is left alone.
    NullSender,
    /// What it leaves alone for being in its own domain, version 2 answers with an error.
    OwnDomain,
    /// Control characters, unquoted specials, `=` in the host, an empty local part or host.
    NoAddress,
    /// Quotes stand outside, are dropped where needless, and are set for an address literal.
    Quotes,
    /// `SRS0@host` is an ordinary sender.
    TagWithoutSeparator,
    /// An SRS1 that nobody could reverse is an ordinary sender.
    IrreversibleSrs1,
    /// An address whose fields are wrong, though its hash is right.
    WrongFields,
    /// Every presented character of a hash must be right.
    LongerHash,
}

#[derive(Debug, PartialEq, Eq)]
enum Ours {
    Text(String),
    Settings,
    Forward(ForwardError),
    Reverse(ReverseError),
}

/// A rewriter with the case's configuration, as strict about clocks as `PostSRSd`.
fn srs(case: &Case, format: HashFormat) -> Option<Srs> {
    let secret = |text: &String| Some(Secret::new(text).ok()?.with_format(format));
    let mut secrets = case.secrets.iter().map(secret);
    let signing = Secrets::new(secrets.next()??);
    let ring = secrets.try_fold(signing, |ring, secret| Some(ring.accept(secret?)))?;
    let mut builder = Srs::builder(ring)
        .max_skew(0)
        .always_rewrite(case.config.alwaysrewrite);
    if let Some(length) = case.config.hashlen {
        builder = builder.hash_length(length);
    }
    if let Some(length) = case.config.hashmin {
        builder = builder.hash_min(length);
    }
    if let Some(separator) = case.config.separator {
        builder = builder.separator(separator);
    }
    builder.build().ok()
}

fn ours(case: &Case, input: &str, format: HashFormat) -> (Ours, Option<ForwardedKind>) {
    let Some(srs) = srs(case, format) else {
        return (Ours::Settings, None);
    };
    let today = Day::from_unix_seconds(case.now);
    if case.op == "forward" {
        match srs.forward(input, &case.forwarder, today) {
            Ok(forwarded) => (Ours::Text(forwarded.to_string()), Some(forwarded.kind())),
            Err(error) => (Ours::Forward(error), None),
        }
    } else {
        assert_eq!(case.op, "reverse");
        match srs.reverse(input, today) {
            Ok(reversed) => (Ours::Text(reversed.to_string()), None),
            Err(error) => (Ours::Reverse(error), None),
        }
    }
}

/// `None` if both answer with the same address, or both refuse it.
fn difference(case: &Case, format: HashFormat) -> Option<Reason> {
    let config = &case.config;
    if case.stateful || config.database || config.exclude.is_some() || config.domains.is_some() {
        return Some(Reason::ListsAndDatabase);
    }
    let Some(input) = case.input.as_deref() else {
        assert!(case.input_hex.is_some(), "{case:?}");
        return Some(Reason::NotUtf8);
    };
    let (ours, kind) = ours(case, input, format);
    let theirs = case.output.as_deref();
    let complaint = case.error.as_deref().unwrap_or_default();
    let tells = |of: &[&str]| of.iter().any(|text| complaint.contains(text));
    if ours == Ours::Text(theirs.unwrap_or_default().to_owned()) && theirs.is_some() {
        return None;
    }
    if theirs.is_none() && !matches!(ours, Ours::Text(_)) {
        return None;
    }
    let reason = match &ours {
        Ours::Settings => Reason::Settings,
        Ours::Text(_) if kind == Some(ForwardedKind::Null) => Reason::NullSender,
        Ours::Text(_) if tells(&["Already rewritten"]) => Reason::AlreadyRewritten,
        Ours::Text(text) if tells(&["Need not rewrite"]) && text == input => Reason::OwnDomain,
        Ours::Text(_) if tells(&["did not start"]) => Reason::ItsSettings,
        Ours::Text(_) if tells(&["No database for alias"]) => Reason::ListsAndDatabase,
        Ours::Text(_)
            if tells(&[
                "Buffer too small",
                "Invalid request",
                "Too big",
                "Invalid query",
            ]) =>
        {
            Reason::ItsBuffers
        }
        Ours::Text(_) if input.contains(['"', '[']) => Reason::Quotes,
        Ours::Text(_) if input.starts_with("SRS0@") || input.starts_with("SRS1@") => {
            Reason::TagWithoutSeparator
        }
        Ours::Text(_) if input.starts_with("SRS1") && kind == Some(ForwardedKind::Srs0) => {
            Reason::IrreversibleSrs1
        }
        Ours::Forward(ForwardError::Sender(_) | ForwardError::Alias(_))
        | Ours::Reverse(ReverseError::Address(_)) => Reason::NoAddress,
        Ours::Reverse(ReverseError::Malformed(_)) => Reason::WrongFields,
        Ours::Reverse(ReverseError::HashMismatch) => Reason::LongerHash,
        _ => panic!("no reason is known: {ours:?} for {case:?}"),
    };
    Some(reason)
}

fn count(file: &str, format: HashFormat) -> (usize, BTreeMap<Reason, usize>) {
    let mut alike = 0;
    let mut differing = BTreeMap::new();
    for line in file.lines() {
        let case = serde_json::from_str(line).unwrap();
        match difference(&case, format) {
            None => alike += 1,
            Some(reason) => *differing.entry(reason).or_default() += 1,
        }
    }
    (alike, differing)
}

#[test]
fn postsrsd_1_differs_for_known_reasons_only() {
    let (alike, differing) = count(include_str!("data/postsrsd1.jsonl"), HashFormat::Base64);
    let expected = BTreeMap::from([
        (Reason::ListsAndDatabase, 28),
        (Reason::AlreadyRewritten, 6),
        (Reason::NotUtf8, 3),
        (Reason::Settings, 34),
        (Reason::ItsBuffers, 3),
        (Reason::NullSender, 2),
        (Reason::NoAddress, 51),
        (Reason::Quotes, 11),
        (Reason::TagWithoutSeparator, 2),
        (Reason::IrreversibleSrs1, 9),
        (Reason::WrongFields, 18),
        (Reason::LongerHash, 7),
    ]);
    assert_eq!(differing, expected);
    assert_eq!(alike, 597);
}

#[test]
fn postsrsd_2_differs_for_known_reasons_only() {
    let (alike, differing) = count(include_str!("data/postsrsd2.jsonl"), HashFormat::Base64Url);
    let expected = BTreeMap::from([
        (Reason::ListsAndDatabase, 65),
        (Reason::NotUtf8, 3),
        (Reason::Settings, 16),
        (Reason::ItsSettings, 18),
        (Reason::ItsBuffers, 7),
        (Reason::NullSender, 2),
        (Reason::OwnDomain, 6),
        (Reason::NoAddress, 47),
        (Reason::Quotes, 11),
        (Reason::TagWithoutSeparator, 2),
        (Reason::IrreversibleSrs1, 9),
        (Reason::WrongFields, 19),
        (Reason::LongerHash, 4),
    ]);
    assert_eq!(differing, expected);
    assert_eq!(alike, 556);
}
