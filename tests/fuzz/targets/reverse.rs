//! What is reversed was signed, by a hash that is computed in another way here; and whatever has
//! the right hash is reversed.
#![no_main]

#[path = "../laws.rs"]
mod laws;

use data_encoding::{BASE32_NOPAD, BASE64_NOPAD};
use hmac::{Hmac, KeyInit, Mac};
use libfuzzer_sys::fuzz_target;
use mail_srs::{Day, HashFormat, ReverseError, Secret, Srs, SrsAddress, SrsKind};
use sha1::Sha1;

const SECRET: &str = "tops3cr3t";
const HASH_MIN: usize = 4;

/// The whole hash of an address, of which `base64url` has other signs for two characters.
fn hash(address: &SrsAddress<'_>, format: HashFormat) -> String {
    let host = address.claimed_host().to_string();
    let local_part = address.claimed_local_part().to_string();
    let stamp = address
        .claimed_timestamp()
        .map(|stamp| stamp.to_string())
        .unwrap_or_default();
    let message = match (format, address.kind()) {
        (HashFormat::Base32, SrsKind::Srs0) => format!("srs0={stamp}={host}={local_part}"),
        (HashFormat::Base32, SrsKind::Srs1) => format!("srs1={host}={local_part}"),
        _ => format!("{stamp}{host}{local_part}"),
    };
    let mut mac: Hmac<Sha1> = Hmac::new_from_slice(SECRET.as_bytes()).expect("any length");
    mac.update(message.to_ascii_lowercase().as_bytes());
    let mac = mac.finalize().into_bytes();
    match format {
        HashFormat::Base32 => BASE32_NOPAD.encode(&mac),
        _ => BASE64_NOPAD.encode(&mac),
    }
}

fn is_right(presented: &str, whole: &str, format: HashFormat) -> bool {
    let presented = match format {
        HashFormat::Base64Url => presented.replace('-', "+").replace('_', "/"),
        _ => presented.to_owned(),
    };
    presented.len() >= HASH_MIN
        && whole
            .get(..presented.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(&presented))
}

/// The address with another hash, where the old one stands as it is meant.
fn signed(text: &str, address: &SrsAddress<'_>, hash: &str) -> Option<String> {
    let old = address.claimed_hash().to_string();
    let start = usize::from(text.starts_with('"')) + "SRS0=".len();
    let rest = text.get(start..)?.strip_prefix(&old)?;
    rest.starts_with('=')
        .then(|| format!("{}{hash}{rest}", &text[..start]))
}

fuzz_target!(|text: &str| {
    let today = Day::new(13_190);
    for format in [
        HashFormat::Base64Url,
        HashFormat::Base64,
        HashFormat::Base32,
    ] {
        let secret = Secret::new(SECRET).expect("not empty").with_format(format);
        let srs = Srs::new(secret);
        let result = srs.reverse(text, today);
        let Ok(address) = SrsAddress::parse(text) else {
            assert!(matches!(
                result,
                Err(ReverseError::NotSrs | ReverseError::Address(_) | ReverseError::Malformed(_))
            ));
            assert_eq!(
                result == Err(ReverseError::NotSrs),
                !has_tag(text),
                "{text:?}"
            );
            return;
        };
        let whole = hash(&address, format);
        let presented = address.claimed_hash().to_string();
        let age = address.claimed_timestamp().map(|stamp| stamp.age(today));
        let is_dated_right = age.is_none_or(|age| age <= 21 || age == 1023);
        match result {
            Ok(reversed) => {
                assert!(
                    is_right(&presented, &whole, format),
                    "{text:?} is not signed"
                );
                assert!(is_dated_right, "{text:?} is out of date");
                assert_eq!(reversed.mailbox(), address.claimed_sender());
                laws::assert_one_address(&reversed.to_string());
                assert!(reversed.to_string().len() < text.len());
            }
            Err(ReverseError::Expired { .. }) => {
                assert!(
                    is_right(&presented, &whole, format),
                    "{text:?} is not signed"
                );
                assert!(!is_dated_right, "{text:?} is not out of date");
            }
            Err(ReverseError::HashTooShort { .. }) => assert!(presented.len() < HASH_MIN),
            Err(ReverseError::HashMismatch) => {
                assert!(!is_right(&presented, &whole, format), "{text:?} is signed");
                // With the right hash it is accepted, of whatever length.
                for length in [HASH_MIN, HASH_MIN + 1, whole.len()] {
                    let Some(text) = signed(text, &address, &whole[..length]) else {
                        continue;
                    };
                    let result = srs.reverse(&text, today).map(|reversed| {
                        assert_eq!(reversed.mailbox(), address.claimed_sender());
                    });
                    let is_expired = matches!(result, Err(ReverseError::Expired { .. }));
                    assert!(result.is_ok() && is_dated_right || is_expired && !is_dated_right);
                }
            }
            other => panic!("{text:?}: {other:?}"),
        }
    }
});

/// Whether a text begins with a tag and a separator, quotes and backslashes resolved.
fn has_tag(text: &str) -> bool {
    let mut characters = text.chars().peekable();
    let quoted = characters.next_if_eq(&'"').is_some();
    let mut tag = String::new();
    while tag.chars().count() < "SRS0=".len() {
        match characters.next() {
            Some('\\') if quoted => tag.extend(characters.next()),
            Some('"') | None => break,
            Some(character) => tag.push(character),
        }
    }
    let tag = tag.to_ascii_uppercase();
    ["SRS0", "SRS1"].iter().any(|kind| {
        tag.strip_prefix(kind)
            .is_some_and(|rest| rest.starts_with(['=', '+', '-']))
    })
}
