//! Secrets: what they refuse, how they are read, and that they do not show.

use mail_srs::{Day, HashFormat, Secret, SecretError, Secrets, Srs};

const TODAY: Day = Day::new(20_000);

fn signed(secrets: impl Into<Secrets>) -> String {
    let srs = Srs::builder(secrets).build().unwrap();
    srs.forward("alice@example.com", "fwd.example", TODAY)
        .unwrap()
        .to_string()
}

fn secret_index(secrets: Secrets, address: &str) -> Option<usize> {
    let reversed = Srs::builder(secrets)
        .build()
        .unwrap()
        .reverse(address, TODAY)
        .ok()?;
    Some(reversed.secret_index())
}

#[test]
fn an_empty_secret_is_refused() {
    assert_eq!(Secret::new("").unwrap_err(), SecretError::Empty);
    assert_eq!(Secret::new([]).unwrap_err(), SecretError::Empty);
    assert_eq!(Secret::new([0; 3]).unwrap_err(), SecretError::Empty);
    assert!(Secret::new([0, 1]).is_ok());
    assert!(Secret::new([0xff; 4096]).is_ok());
}

#[test]
fn lines_without_a_secret_are_refused() {
    for lines in ["", "\n", "\r\n", "# only a comment\n", "\n \t\n#\n"] {
        let refused = Secrets::from_lines(lines, HashFormat::Base64Url).unwrap_err();
        assert_eq!(refused, SecretError::NoSecret, "{lines:?}");
    }
}

#[test]
fn the_first_line_signs_and_all_verify() {
    let lines = "# since May\nfirst\n\nsecond\r\n# third\n  \nthird";
    let read = || Secrets::from_lines(lines, HashFormat::Base64).unwrap();
    assert_eq!(read().len(), 3);
    assert_eq!(
        signed(read()),
        signed(
            Secret::new("first")
                .unwrap()
                .with_format(HashFormat::Base64)
        )
    );
    for (index, secret) in ["first", "second", "third"].into_iter().enumerate() {
        let address = signed(Secret::new(secret).unwrap().with_format(HashFormat::Base64));
        assert_eq!(secret_index(read(), &address), Some(index), "{secret}");
    }
    for skipped in ["# since May", "# third", "  ", "second\r", "first\n"] {
        let address = signed(
            Secret::new(skipped)
                .unwrap()
                .with_format(HashFormat::Base64),
        );
        assert_eq!(secret_index(read(), &address), None, "{skipped:?}");
    }
}

#[test]
fn a_ring_joins_another_behind_its_own_secrets() {
    let read = |lines| Secrets::from_lines(lines, HashFormat::Base64).unwrap();
    let joined = || read("first\nsecond").accept_all(read("third\nfourth"));
    for (index, secret) in ["first", "second", "third", "fourth"]
        .into_iter()
        .enumerate()
    {
        assert_eq!(
            secret_index(joined(), &signed(read(secret))),
            Some(index),
            "{secret}"
        );
    }
    assert_eq!(signed(joined()), signed(read("first")));
}

/// As in PostSRSd; and `Mail::SRS` has the line end in it besides.
#[test]
fn spaces_and_octets_beyond_utf8_are_part_of_a_secret() {
    for secret in [
        &b" spaced "[..],
        b"a#b",
        b"\xff\xfe",
        "p\u{e4}ss".as_bytes(),
    ] {
        let read = Secrets::from_lines(secret, HashFormat::Base64Url).unwrap();
        assert_eq!(signed(read), signed(Secret::new(secret).unwrap()));
    }
}

#[test]
fn a_secret_does_not_show() {
    let secret = || Secret::new("tops3cr3t").unwrap();
    let ring = || Secrets::new(secret()).accept(secret());
    for shown in [
        format!("{:?} {:#?}", secret(), secret()),
        format!("{:?} {:#?}", ring(), ring()),
        format!(
            "{:?} {:#?}",
            Srs::builder(ring()).build().unwrap(),
            Srs::builder(ring()).build().unwrap()
        ),
        format!("{:?} {:#?}", Srs::builder(ring()), Srs::builder(ring())),
    ] {
        assert!(!shown.contains("tops3cr3t"), "{shown}");
        // Neither as octets.
        assert!(!shown.contains("116"), "{shown}");
        assert!(
            shown.contains("Secret { format: Base64Url, .. }"),
            "{shown}"
        );
    }
}

/// Looks at the memory in which a secret stood, which safe code can do only from outside.
#[cfg(target_os = "linux")]
#[test]
fn a_dropped_secret_leaves_nothing_in_memory() {
    use std::fs::File;
    use std::os::unix::fs::FileExt as _;

    let memory = File::open("/proc/self/mem").unwrap();
    // Clearing a vector drops what is in it and leaves the place as it is.
    let mut place = vec![Secret::new("tops3cr3t").unwrap()];
    let address = place.as_ptr().addr() as u64;
    let octets = || {
        let mut octets = [0; size_of::<Secret>()];
        memory.read_exact_at(&mut octets, address).unwrap();
        octets
    };
    // Four octets in a row without a zero: the states of SHA-1 have ten times four.
    let words = |octets: &[u8]| -> Vec<[u8; 4]> {
        let words = octets.windows(4).map(|word| word.try_into().unwrap());
        words.filter(|word: &[u8; 4]| !word.contains(&0)).collect()
    };

    let before = words(&octets());
    assert!(before.len() > 25, "the key was not found: {before:?}");
    place.clear();
    assert_eq!(words(&octets()), Vec::<[u8; 4]>::new());
}

#[test]
fn formats_are_named_as_on_the_command_line() {
    for (name, format, length) in [
        ("base64url", HashFormat::Base64Url, 27),
        ("base64", HashFormat::Base64, 27),
        ("base32", HashFormat::Base32, 32),
    ] {
        assert_eq!(name.parse(), Ok(format));
        assert_eq!(format.to_string(), name);
        assert_eq!(format.max_length(), length);
    }
    for name in ["", "Base64", "base64 ", "hex"] {
        assert_eq!(
            name.parse::<HashFormat>().unwrap_err().to_string(),
            "unknown hash format: use base64url, base64 or base32"
        );
    }
    assert_eq!(HashFormat::default(), HashFormat::Base64Url);
}

#[cfg(feature = "getrandom")]
#[test]
fn a_generated_secret_is_printable_and_new_each_time() {
    use mail_srs::GeneratedSecret;

    let generated = GeneratedSecret::new().unwrap();
    let text = generated.expose();
    // 32 characters of five bits are 160.
    assert_eq!(text.len(), 32);
    assert!(
        text.bytes()
            .all(|octet| matches!(octet, b'A'..=b'Z' | b'2'..=b'7')),
        "{text}"
    );
    assert_ne!(GeneratedSecret::new().unwrap().expose(), text);
    assert_eq!(format!("{generated:?}"), "GeneratedSecret { .. }");
    // Read back from a file, it is the same secret.
    let read = Secrets::from_lines(format!("{text}\n"), HashFormat::Base64Url).unwrap();
    assert_eq!(signed(generated.to_secret()), signed(read));
}
