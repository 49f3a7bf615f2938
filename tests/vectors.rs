//! Every address that the reference implementation made or reversed, byte for byte.
//!
//! `tests/data/README.md` tells how the files were made.

use mail_srs::{Day, HashFormat, ReverseError, Secret, Secrets, Srs};
use serde::Deserialize;

#[derive(Deserialize)]
struct Vector {
    op: String,
    secrets: Vec<String>,
    hash_length: usize,
    hash_min: usize,
    max_age: u16,
    separator: char,
    always_rewrite: bool,
    now: u64,
    alias: Option<String>,
    input: String,
    output: Option<String>,
    error: Option<String>,
}

impl Vector {
    /// A rewriter with the vector's configuration, set to be as strict as the reference.
    fn srs(&self, format: HashFormat) -> Srs {
        let mut secrets = self
            .secrets
            .iter()
            .map(|secret| Secret::new(secret).unwrap().with_format(format));
        let signing = Secrets::new(secrets.next().unwrap());
        Srs::builder(secrets.fold(signing, Secrets::accept))
            .hash_length(self.hash_length)
            .hash_min(self.hash_min)
            .max_age(self.max_age)
            // Mail::SRS allows no clock to be ahead.
            .max_skew(0)
            .separator(self.separator)
            .always_rewrite(self.always_rewrite)
            .build()
            .unwrap()
    }
}

fn mail_srs() -> Vec<Vector> {
    let vectors: Vec<Vector> = include_str!("data/mail-srs.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(vectors.len(), 1_836, "the file is not whole");
    vectors
}

#[track_caller]
fn check_reverse(vector: &Vector, srs: &Srs) {
    let today = Day::from_unix_seconds(vector.now);
    let reversed = srs.reverse(&vector.input, today);
    match (&vector.output, vector.error.as_deref()) {
        (Some(output), None) => {
            assert_eq!(
                reversed.map(|address| address.to_string()).as_ref(),
                Ok(output),
                "{}",
                vector.input
            );
        }
        (None, Some(error)) => {
            let found = match reversed {
                Err(ReverseError::HashTooShort { .. } | ReverseError::HashMismatch) => "hash",
                Err(ReverseError::Expired { .. }) => "timestamp",
                Err(ReverseError::NotSrs) => "not_srs",
                Err(ReverseError::Malformed(_)) => "malformed",
                other => panic!("{}: {other:?}", vector.input),
            };
            assert_eq!(found, error, "{}", vector.input);
        }
        other => panic!("vector with {other:?}"),
    }
}

#[test]
fn mail_srs_forwards_the_same() {
    let mut count = 0;
    for vector in mail_srs().iter().filter(|vector| vector.op == "forward") {
        let srs = vector.srs(HashFormat::Base64);
        let alias = vector.alias.as_deref().unwrap();
        let today = Day::from_unix_seconds(vector.now);
        let forwarded = srs.forward(&vector.input, alias, today).unwrap();
        assert_eq!(
            Some(forwarded.to_string()),
            vector.output,
            "{}",
            vector.input
        );
        count += 1;
    }
    assert_eq!(count, 360);
}

#[test]
fn mail_srs_reverses_the_same() {
    let mut count = 0;
    for vector in mail_srs().iter().filter(|vector| vector.op == "reverse") {
        check_reverse(vector, &vector.srs(HashFormat::Base64));
        count += 1;
    }
    assert_eq!(count, 1_476);
}

/// The default format takes over from `Mail::SRS` with its mail in flight.
#[test]
fn base64url_reverses_what_mail_srs_made() {
    for vector in mail_srs().iter().filter(|vector| vector.op == "reverse") {
        check_reverse(vector, &vector.srs(HashFormat::Base64Url));
    }
}

/// It signs alike as well, but for the two characters that receivers stumble over.
#[test]
fn base64url_differs_from_mail_srs_in_two_characters() {
    let mut differing = 0;
    for vector in mail_srs().iter().filter(|vector| vector.op == "forward") {
        let srs = vector.srs(HashFormat::Base64Url);
        let alias = vector.alias.as_deref().unwrap();
        let today = Day::from_unix_seconds(vector.now);
        let made = srs.forward(&vector.input, alias, today).unwrap();
        let output = vector.output.as_deref().unwrap();
        if !made.is_rewritten() {
            assert_eq!(made.to_string(), output);
            continue;
        }
        let (start, end) = (5, 5 + vector.hash_length);
        let hash = output[start..end].replace('+', "-").replace('/', "_");
        differing += usize::from(hash != output[start..end]);
        let expected = [&output[..start], &hash, &output[end..]].concat();
        assert_eq!(made.to_string(), expected);
    }
    assert!(differing > 0, "no vector has such a character");
}
