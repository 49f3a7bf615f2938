//! Forwarding and reversing into a buffer that is used again never touches the heap, whatever the
//! outcome. `tests/no_alloc` shows that it needs no allocator; this shows that it uses none where
//! there is one, and several secrets.

use std::fmt::{Display, Write as _};
use std::hint::black_box;

use mail_srs::{
    Day, ForwardError, ForwardedKind, HashFormat, Secret, Secrets, Srs, SrsAddress, SrsKind,
};

const TODAY: Day = Day::new(20_780);
const ALIAS: &str = "forward.example";

/// What `work` gives, having made sure that it allocated nothing. Counted is this thread alone.
#[track_caller]
fn without_heap<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let mut result = None;
    let counted = allocation_counter::measure(|| result = Some(work()));
    assert_eq!(counted.count_total, 0, "{what}: {counted:?}");
    result.unwrap()
}

/// Writes into a buffer that is used again.
fn write(buffer: &mut String, result: impl Display) {
    buffer.clear();
    write!(buffer, "{result}").unwrap();
    black_box(buffer);
}

/// Every format as the one that signs, alone and with others to try.
fn rewriters() -> Vec<Srs> {
    let formats = [
        HashFormat::Base64Url,
        HashFormat::Base64,
        HashFormat::Base32,
    ];
    let secret = |text: &str, format| Secret::new(text).unwrap().with_format(format);
    let mut rewriters = Vec::new();
    for format in formats {
        for hash_length in [4, format.max_length()] {
            let alone = Secrets::new(secret("tops3cr3t", format));
            let several = formats
                .into_iter()
                .fold(Secrets::new(secret("tops3cr3t", format)), |ring, format| {
                    ring.accept(secret(&format!("retired {format}"), format))
                });
            for secrets in [alone, several] {
                let builder = Srs::builder(secrets).hash_length(hash_length).hash_min(4);
                rewriters.push(builder.build().unwrap());
            }
        }
    }
    rewriters
}

#[test]
fn the_counter_counts() {
    let counted = allocation_counter::measure(|| drop(black_box(Box::new(1))));
    assert_eq!(counted.count_total, 1);
    let mut buffer = String::with_capacity(16);
    let counted = allocation_counter::measure(|| write(&mut buffer, "longer than it can hold"));
    assert!(counted.count_total > 0);
    let srs = &rewriters()[0];
    let counted = allocation_counter::measure(|| {
        let forwarded = srs.forward("alice@example.com", ALIAS, TODAY).unwrap();
        black_box(forwarded.to_string());
    });
    assert!(counted.count_total > 0);
}

#[test]
fn forwarding_and_reversing_allocate_nothing() {
    let long = format!("{}@example.com", "a".repeat(1000));
    let mut buffer = String::with_capacity(4096);
    let mut bounced = String::with_capacity(4096);
    for srs in rewriters() {
        for (sender, kind) in [
            ("alice@example.com", SrsKind::Srs0),
            (long.as_str(), SrsKind::Srs0),
            ("jörg@exämple.com", SrsKind::Srs0),
            ("alice@[192.0.2.1]", SrsKind::Srs0),
            (r#""john \"doe\" \\ \a"@example.com"#, SrsKind::Srs0),
            (r#""@"@example.com"#, SrsKind::Srs0),
            (
                "SRS1=HHHH=first.example=nowhere@second.example",
                SrsKind::Srs0,
            ),
            (
                "SRS0=abcd=KH=example.com=alice@first.example",
                SrsKind::Srs1,
            ),
            (
                "srs0+abcd=kh=example.com=alice@first.example",
                SrsKind::Srs1,
            ),
            (
                r#""SRS0=abcd=KH=example.com=john \"doe\""@first.example"#,
                SrsKind::Srs1,
            ),
            (
                "SRS1=HHHH=first.example==abcd=KH=example.com=alice@second.example",
                SrsKind::Srs1,
            ),
        ] {
            let forwarded = without_heap(sender, || {
                let forwarded = srs.forward(sender, ALIAS, TODAY).unwrap();
                write(&mut buffer, forwarded);
                black_box(forwarded.local_part_octets());
                black_box(forwarded.within_rfc5321_limits());
                black_box(forwarded.needs_smtputf8());
                forwarded.kind()
            });
            let expected = match kind {
                SrsKind::Srs0 => ForwardedKind::Srs0,
                SrsKind::Srs1 => ForwardedKind::Srs1,
            };
            assert_eq!(forwarded, expected, "{sender}");

            // As it was made, and with its letters folded.
            for address in [buffer.clone(), buffer.to_ascii_lowercase()] {
                let reversed = without_heap(&address, || {
                    let reversed = srs.reverse(&address, TODAY).unwrap();
                    write(&mut bounced, reversed);
                    reversed.kind()
                });
                assert_eq!(reversed, kind, "{address}");
                let claimed = without_heap(&address, || {
                    let claimed = SrsAddress::parse(&address).unwrap();
                    write(&mut bounced, claimed);
                    claimed.kind()
                });
                assert_eq!(claimed, kind, "{address}");
            }
        }
        for (sender, kind) in [
            ("", ForwardedKind::Null),
            ("<>", ForwardedKind::Null),
            ("bob@Forward.Example", ForwardedKind::OwnDomain),
            (r#""bob \"b\""@forward.example"#, ForwardedKind::OwnDomain),
        ] {
            let found = without_heap(sender, || {
                let forwarded = srs.forward(sender, ALIAS, TODAY).unwrap();
                write(&mut buffer, forwarded);
                forwarded.kind()
            });
            assert_eq!(found, kind, "{sender}");
        }
    }
}

#[test]
fn a_retired_secret_verifies_without_an_allocation() {
    let secret = |text| Secret::new(text).unwrap();
    let old = Srs::new(secret("retired"));
    let address = old.forward("alice@example.com", ALIAS, TODAY).unwrap();
    let address = address.to_string();
    let ring = (0..8_u8).fold(Secrets::new(secret("signing")), |ring, number| {
        ring.accept(Secret::new([1, number]).unwrap())
    });
    let srs = Srs::builder(ring.accept(secret("retired")))
        .build()
        .unwrap();
    let mut buffer = String::with_capacity(1024);
    let index = without_heap(&address, || {
        let reversed = srs.reverse(&address, TODAY).unwrap();
        write(&mut buffer, reversed);
        reversed.secret_index()
    });
    assert_eq!(index, 9);
}

#[test]
fn every_refusal_allocates_nothing() {
    let mut buffer = String::with_capacity(1024);
    for srs in rewriters() {
        let genuine = srs.forward("alice@example.com", ALIAS, TODAY).unwrap();
        let genuine = genuine.to_string();
        for (address, today, reason) in [
            (
                "alice@forward.example".to_owned(),
                TODAY,
                "not an srs address",
            ),
            (genuine.replace("alice", "al ice"), TODAY, "invalid address"),
            (
                genuine.replace("@forward.example", ""),
                TODAY,
                "invalid address",
            ),
            (genuine.replace("=JM=", "=J=="), TODAY, "timestamp is not"),
            (genuine.replace("=alice", ""), TODAY, "lacks a field"),
            (genuine.replace("example.com", ""), TODAY, "host field"),
            (genuine.replace("alice", ""), TODAY, "user field"),
            ("SRS1=abcd=@x.example".to_owned(), TODAY, "lacks a field"),
            (
                "SRS1=abcd=first.example=alice@x.example".to_owned(),
                TODAY,
                "rest of the",
            ),
            (
                "SRS0=abc=JM=example.com=alice@x.example".to_owned(),
                TODAY,
                "too short",
            ),
            (genuine.replace("alice", "bob"), TODAY, "does not match"),
            (genuine.clone(), Day::new(TODAY.number() + 22), "expired"),
            (genuine.clone(), Day::new(TODAY.number() - 2), "expired"),
        ] {
            let error = without_heap(&address, || {
                let error = srs.reverse(&address, today).unwrap_err();
                write(&mut buffer, error);
                if let Some(reply) = error.smtp_reply() {
                    write(&mut buffer, reply);
                }
                error
            });
            assert!(error.to_string().contains(reason), "{address}: {error}");
        }
        for (sender, alias) in [
            ("alice", ALIAS),
            ("a b@example.com", ALIAS),
            ("alice@example.com", ""),
        ] {
            let error = without_heap(sender, || {
                let error = srs.forward(sender, alias, TODAY).unwrap_err();
                write(&mut buffer, error);
                error
            });
            assert!(matches!(
                error,
                ForwardError::Sender(_) | ForwardError::Alias(_)
            ));
        }
    }
    let strict = Srs::builder(Secret::new("tops3cr3t").unwrap()).local_part_limit(9);
    let strict = strict.build().unwrap();
    let error = without_heap("over the limit", || {
        let error = strict
            .forward("alice@example.com", ALIAS, TODAY)
            .unwrap_err();
        write(&mut buffer, error);
        error
    });
    assert!(matches!(error, ForwardError::LocalPartTooLong { .. }));
}
