//! One rewriter, shared by many threads without a lock, gives each the right answers.

use std::fmt::Write as _;

use mail_srs::{Day, ForwardedKind, HashFormat, ReverseError, Secret, Secrets, Srs};

const THREADS: usize = 16;
const ADDRESSES: usize = 64;
/// In each, a sender is forwarded and three addresses are reversed.
const ROUNDS: usize = 1_000_000 / THREADS / ADDRESSES / 4 + 1;
const TODAY: Day = Day::new(20_780);
const ALIAS: &str = "forward.example";

/// A call and its answer.
struct Expected {
    sender: String,
    kind: ForwardedKind,
    address: String,
    /// Made with the retired secret.
    retired: String,
    forged: String,
}

fn secret(text: &str, format: HashFormat) -> Secret {
    Secret::new(text).unwrap().with_format(format)
}

/// What a thread will be told, found out before there is any: no two threads ask the same.
fn expected(srs: &Srs, old: &Srs, thread: usize) -> Vec<Expected> {
    let answer = |number: usize| {
        let (sender, kind) = match number % 3 {
            0 => (
                format!("user{number}.{thread}@example.com"),
                ForwardedKind::Srs0,
            ),
            1 => (
                format!("\"user {number} \\\"{thread}\\\"\"@example.com"),
                ForwardedKind::Srs0,
            ),
            _ => (
                format!("SRS0=abcd=KH=example.com=user{number}.{thread}@first.example"),
                ForwardedKind::Srs1,
            ),
        };
        let made_by = |srs: &Srs| srs.forward(&sender, ALIAS, TODAY).unwrap().to_string();
        let address = made_by(srs);
        Expected {
            kind,
            retired: made_by(old),
            forged: address.replacen("user", "usr", 1),
            address,
            sender,
        }
    };
    (0..ADDRESSES).map(answer).collect()
}

#[test]
fn sixteen_threads_share_one_rewriter_over_a_million_calls() {
    let old = Srs::new(secret("retired", HashFormat::Base64Url));
    let ring = Secrets::new(secret("tops3cr3t", HashFormat::Base32))
        .accept(secret("retired", HashFormat::Base64Url));
    let srs = Srs::builder(ring).build().unwrap();
    let expected: Vec<Vec<Expected>> = (0..THREADS)
        .map(|thread| expected(&srs, &old, thread))
        .collect();

    let calls: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = expected
            .iter()
            .map(|expected| scope.spawn(|| ask(&srs, expected)))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .sum()
    });
    assert!(calls >= 1_000_000, "{calls}");
}

/// How many calls were answered as expected, which is all.
fn ask(srs: &Srs, expected: &[Expected]) -> usize {
    let mut calls = 0;
    let mut buffer = String::new();
    for _ in 0..ROUNDS {
        for expected in expected {
            let forwarded = srs.forward(&expected.sender, ALIAS, TODAY).unwrap();
            buffer.clear();
            write!(buffer, "{forwarded}").unwrap();
            assert_eq!(
                (forwarded.kind(), &buffer),
                (expected.kind, &expected.address)
            );
            for (address, secret_index) in [(&expected.address, 0), (&expected.retired, 1)] {
                let reversed = srs.reverse(address, TODAY).unwrap();
                buffer.clear();
                write!(buffer, "{reversed}").unwrap();
                assert_eq!(
                    (reversed.secret_index(), &buffer),
                    (secret_index, &expected.sender)
                );
            }
            let forged = srs.reverse(&expected.forged, TODAY);
            assert_eq!(forged, Err(ReverseError::HashMismatch));
            calls += 4;
        }
    }
    calls
}
