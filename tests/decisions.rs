//! What this crate does where the existing systems disagree: one test, or a few, for each decision.
//!
//! Hashes written out here were made by the system that the comment names, or by an HMAC-SHA1
//! computed apart from this crate.

use mail_srs::{
    AddressError, BuildError, Day, ForwardError, ForwardedKind, HashFormat, Mailbox, ParseError,
    ReverseError, Secret, Srs, SrsAddress, SyntaxError,
};

/// 2024-03-01 10:00 UTC, timestamp `KH`: the clock of the addresses made by the other systems.
const NOW: u64 = 1_709_287_200;
const ALIAS: &str = "fwd.example.net";

fn today() -> Day {
    Day::from_unix_seconds(NOW)
}

fn day(offset: i64) -> Day {
    Day::new(today().number().checked_add_signed(offset).unwrap())
}

fn secret(format: HashFormat) -> Secret {
    Secret::new("tops3cr3t").unwrap().with_format(format)
}

fn srs(format: HashFormat) -> Srs {
    Srs::new(secret(format))
}

fn base64() -> Srs {
    srs(HashFormat::Base64)
}

#[track_caller]
fn forward(srs: &Srs, sender: &str) -> String {
    srs.forward(sender, ALIAS, today()).unwrap().to_string()
}

#[track_caller]
fn reverse(srs: &Srs, address: &str) -> Result<String, ReverseError> {
    srs.reverse(address, today())
        .map(|reversed| reversed.to_string())
}

#[track_caller]
fn assert_forwards(srs: &Srs, sender: &str, expected: &str) {
    assert_eq!(forward(srs, sender), expected, "{sender}");
}

#[track_caller]
fn assert_reverses(srs: &Srs, address: &str, expected: &str) {
    assert_eq!(reverse(srs, address).as_deref(), Ok(expected), "{address}");
}

#[track_caller]
fn assert_refuses(srs: &Srs, address: &str, expected: ReverseError) {
    assert_eq!(reverse(srs, address), Err(expected), "{address}");
}

const FORGED: ReverseError = ReverseError::HashMismatch;

const fn malformed(error: SyntaxError) -> ReverseError {
    ReverseError::Malformed(error)
}

// `+` and `/` in the hash

/// `yK/6` is what PostSRSd 1.10 signs, `yK_6` what PostSRSd 2.4.0 does, for a sender with the same
/// text to be hashed.
#[test]
fn base64url_signs_without_plus_and_slash_and_verifies_both_alphabets() {
    // The needless quotes are hashed by PostSRSd, so here they are part of the text.
    let sender = r#""\"alice\""@example.com"#;
    let url = srs(HashFormat::Base64Url);
    assert_forwards(
        &url,
        sender,
        r#""SRS0=yK_6=KH=example.com=\"alice\""@fwd.example.net"#,
    );
    for hash in ["yK_6", "yK/6"] {
        let address = format!(r#""SRS0={hash}=KH=example.com=\"alice\""@fwd.example.net"#);
        assert_reverses(&url, &address, sender);
    }
}

#[test]
fn base64_is_byte_for_byte_the_reference_and_no_other_alphabet() {
    let sender = r#""\"alice\""@example.com"#;
    assert_forwards(
        &base64(),
        sender,
        r#""SRS0=yK/6=KH=example.com=\"alice\""@fwd.example.net"#,
    );
    let url = r#""SRS0=yK_6=KH=example.com=\"alice\""@fwd.example.net"#;
    assert_refuses(&base64(), url, FORGED);
}

// What exactly is hashed

/// The known weakness of the compatible formats: `=example.com=alice` and `=example.co=malice` run
/// together alike. `Mail::SRS` 0.31 accepts the second with the hash of the first.
#[test]
fn compatible_formats_do_not_bind_the_border_between_host_and_user() {
    for format in [HashFormat::Base64Url, HashFormat::Base64] {
        let srs = srs(format);
        assert_forwards(
            &srs,
            "alice@example.com",
            "SRS0=gfkj=KH=example.com=alice@fwd.example.net",
        );
        let moved = "SRS0=gfkj=KH=example.co=malice@fwd.example.net";
        assert_reverses(&srs, moved, "malice@example.co");
    }
}

/// The other known weakness: the SRS1 made for a stranger's sender is a valid hash for an SRS0 with
/// a date of the stranger's choice.
#[test]
fn compatible_formats_do_not_bind_the_tag() {
    for format in [HashFormat::Base64Url, HashFormat::Base64] {
        let srs = srs(format);
        let wrapped = forward(&srs, "SRS0=x@khvictim.example");
        let hash = SrsAddress::parse(&wrapped)
            .unwrap()
            .claimed_hash()
            .to_string();
        assert_eq!(
            wrapped,
            format!("SRS1={hash}=khvictim.example==x@fwd.example.net")
        );
        let dated = format!("SRS0={hash}=KH=victim.example==x@fwd.example.net");
        assert_reverses(&srs, &dated, "=x@victim.example");
    }
}

#[test]
fn base32_binds_the_border_between_host_and_user() {
    let srs = srs(HashFormat::Base32);
    let address = forward(&srs, "alice@example.com");
    assert_reverses(&srs, &address, "alice@example.com");
    for (from, to) in [
        ("=example.com=alice@", "=example.co=malice@"),
        ("=example.com=alice@", "=example.comalic=e@"),
        ("=KH=example.com=", "=KH=example.co=m="),
    ] {
        assert_refuses(&srs, &address.replace(from, to), FORGED);
    }
}

#[test]
fn base32_binds_the_tag() {
    let srs = srs(HashFormat::Base32);
    let wrapped = forward(&srs, "SRS0=x@khvictim.example");
    assert_reverses(&srs, &wrapped, "SRS0=x@khvictim.example");
    let dated = wrapped
        .replace("SRS1", "SRS0")
        .replace("=khvictim.example==x", "=KH=victim.example==x");
    assert_refuses(&srs, &dated, FORGED);
    let undated = forward(&srs, "=x@victim.example")
        .replace("SRS0", "SRS1")
        .replace("=KH=victim.example==x", "=KHvictim.example==x");
    assert_refuses(&srs, &undated, FORGED);
}

/// Signed in base64 as an SRS1, host and rest run together are what base32 hashes of an SRS0, tag,
/// borders and all. So a secret may not be used for both, and one ring cannot hold it as both.
#[test]
fn base32_takes_no_secret_of_another_format() {
    let sender = "SRS0=KH=victim.example=bob@srs0";
    let long = |format| {
        Srs::builder(secret(format))
            .hash_length(27)
            .build()
            .unwrap()
    };
    let base64_form = forward(&long(HashFormat::Base64), sender);
    let base32_form = forward(&long(HashFormat::Base32), "bob@victim.example");
    let mac = |address: &str, bits: u32, alphabet: &str| {
        let hash = SrsAddress::parse(address)
            .unwrap()
            .claimed_hash()
            .to_string();
        let value = |letter| alphabet.find(letter).unwrap() as u128;
        // As many bits as fit.
        hash.chars()
            .take(20)
            .fold(0, |mac, letter| (mac << bits) | value(letter))
            >> (20 * bits - 96)
    };
    let lower = "abcdefghijklmnopqrstuvwxyz";
    let upper = lower.to_uppercase();
    assert_eq!(
        mac(&base64_form, 6, &format!("{upper}{lower}0123456789+/")),
        mac(&base32_form, 5, &format!("{upper}234567")),
    );

    for (signing, accepted) in [
        (HashFormat::Base32, HashFormat::Base64),
        (HashFormat::Base32, HashFormat::Base64Url),
        (HashFormat::Base64, HashFormat::Base32),
        (HashFormat::Base64Url, HashFormat::Base32),
    ] {
        let mixed = Srs::builder(secret(signing))
            .accept(secret(accepted))
            .build();
        assert_eq!(mixed.unwrap_err(), BuildError::SharedSecret);
    }
    // Base64 and base64url hash alike, and other octets are another secret.
    let alike = Srs::builder(secret(HashFormat::Base64)).accept(secret(HashFormat::Base64Url));
    assert!(alike.build().is_ok());
    let other = Secret::new("another").unwrap();
    assert!(
        Srs::builder(secret(HashFormat::Base32))
            .accept(other)
            .build()
            .is_ok()
    );
}

/// `srs0=kh=example.com=alice` and `srs1=first.example==xxxx=kh=orig.example=alice`, keyed with
/// `tops3cr3t`, in base32.
#[test]
fn base32_hashes_the_lower_cased_local_part_without_the_hash() {
    let srs = srs(HashFormat::Base32);
    assert_forwards(
        &srs,
        "Alice@Example.com",
        "SRS0=RGOL=KH=Example.com=Alice@fwd.example.net",
    );
    assert_forwards(
        &srs,
        "SRS0=XXXX=KH=orig.example=alice@first.example",
        "SRS1=NYU6=first.example==XXXX=KH=orig.example=alice@fwd.example.net",
    );
}

// One format or many

#[test]
fn each_secret_has_its_own_format() {
    let moved = Srs::builder(
        Secret::new("brand new")
            .unwrap()
            .with_format(HashFormat::Base32),
    )
    .accept(secret(HashFormat::Base64Url))
    .build()
    .unwrap();
    // Signed by PostSRSd, under the retired secret.
    let in_flight = "SRS0=gfkj=KH=example.com=alice@fwd.example.net";
    let reversed = moved.reverse(in_flight, today()).unwrap();
    assert_eq!(
        (reversed.to_string().as_str(), reversed.secret_index()),
        ("alice@example.com", 1)
    );

    let made = forward(&moved, "alice@example.com");
    let reversed = moved.reverse(&made, today()).unwrap();
    assert_eq!(reversed.secret_index(), 0);
    // The retired secret signs nothing, in either format.
    assert_refuses(&srs(HashFormat::Base64Url), &made, FORGED);
    assert_refuses(&srs(HashFormat::Base32), &made, FORGED);
}

#[test]
fn a_match_to_the_letter_comes_before_one_in_another_case() {
    // Found by search: for this sender, `tops3cr3t` makes IgBE and `retired` iGbe.
    let sender = "9073913@example.com";
    let retired = || Secret::new("retired").unwrap();
    let ring = Srs::builder(secret(HashFormat::Base64Url))
        .accept(retired())
        .build()
        .unwrap();
    for (hash, secret_index, case_folded) in [
        ("IgBE", 0, false),
        ("iGbe", 1, false),
        ("igbe", 0, true),
        ("IGBE", 0, true),
    ] {
        let address = format!("SRS0={hash}=KH=example.com=9073913@fwd.example.net");
        let reversed = ring.reverse(&address, today()).unwrap();
        assert_eq!(reversed.to_string(), sender);
        assert_eq!(reversed.secret_index(), secret_index, "{hash}");
        assert_eq!(reversed.case_folded(), case_folded, "{hash}");
    }
}

// Clock skew

#[test]
fn tomorrows_timestamp_is_accepted_by_default() {
    let srs = base64();
    let ahead = srs
        .forward("alice@example.com", ALIAS, day(1))
        .unwrap()
        .to_string();
    let reversed = srs.reverse(&ahead, today()).unwrap();
    assert_eq!(reversed.age(), Some(-1));
    let further = srs
        .forward("alice@example.com", ALIAS, day(2))
        .unwrap()
        .to_string();
    assert_refuses(
        &srs,
        &further,
        ReverseError::Expired {
            age: 1022,
            max_age: 21,
        },
    );
}

#[test]
fn max_skew_of_none_refuses_tomorrow_as_the_reference_does() {
    let srs = Srs::builder(secret(HashFormat::Base64))
        .max_skew(0)
        .build()
        .unwrap();
    let ahead = srs
        .forward("alice@example.com", ALIAS, day(1))
        .unwrap()
        .to_string();
    assert_refuses(
        &srs,
        &ahead,
        ReverseError::Expired {
            age: 1023,
            max_age: 21,
        },
    );
}

// Hash first or timestamp first

#[test]
fn an_old_address_is_expired_only_if_genuine() {
    let srs = base64();
    let old = srs
        .forward("alice@example.com", ALIAS, day(-22))
        .unwrap()
        .to_string();
    assert_refuses(
        &srs,
        &old,
        ReverseError::Expired {
            age: 22,
            max_age: 21,
        },
    );
    assert_refuses(&srs, &old.replace("alice", "malice"), FORGED);
}

// The timestamp field

/// The third is the one that sends `Mail::SRS` and pysrs into a loop of 10^10 steps: its hash is
/// right, since the border of the timestamp is not hashed. The second does so to libsrs2.
#[test]
fn a_timestamp_is_two_base32_characters() {
    for timestamp in [
        "",
        "777777777",
        "KHexample",
        "K",
        "AKH",
        "K1",
        "K-",
        "08",
        "KÄ",
        "é",
    ] {
        let address = format!("SRS0=gfkj={timestamp}=.com=alice@fwd.example.net");
        assert_refuses(&base64(), &address, malformed(SyntaxError::Timestamp));
    }
    assert_reverses(
        &base64(),
        "SRS0=gfkj=kh=example.com=alice@fwd.example.net",
        "alice@example.com",
    );
}

// A hash longer than configured

#[test]
fn every_presented_character_of_a_hash_must_be_right() {
    let long = Srs::builder(secret(HashFormat::Base64))
        .hash_length(27)
        .build()
        .unwrap();
    let address = forward(&long, "alice@example.com");
    let hash = SrsAddress::parse(&address)
        .unwrap()
        .claimed_hash()
        .to_string();
    assert_eq!(hash.len(), 27);
    for length in 4..=27 {
        let cut = address.replace(&hash, &hash[..length]);
        assert_reverses(&base64(), &cut, "alice@example.com");
        // PostSRSd 1.10 ignores what follows the characters it made itself.
        let other = if hash.as_bytes()[length - 1] == b'7' {
            "8"
        } else {
            "7"
        };
        let wrong = address.replace(&hash, &[&hash[..length - 1], other].concat());
        assert_refuses(&base64(), &wrong, FORGED);
    }
    for tail in ["A", "=", "AAAAAAAAAAAAAAAAAAAA"] {
        let longer = address.replace(&hash, &[&hash, tail].concat());
        assert!(reverse(&base64(), &longer).is_err(), "{longer}");
    }
    assert_refuses(
        &base64(),
        "SRS0=gfkjAAAA=KH=example.com=alice@fwd.example.net",
        FORGED,
    );
}

#[test]
fn a_hash_shorter_than_the_minimum_is_too_short() {
    let srs = Srs::builder(secret(HashFormat::Base64))
        .hash_length(8)
        .hash_min(5)
        .build()
        .unwrap();
    let too_short = ReverseError::HashTooShort {
        length: 4,
        minimum: 5,
    };
    assert_refuses(
        &srs,
        "SRS0=gfkj=KH=example.com=alice@fwd.example.net",
        too_short,
    );
    let empty = ReverseError::HashTooShort {
        length: 0,
        minimum: 5,
    };
    assert_refuses(&srs, "SRS0==KH=example.com=alice@fwd.example.net", empty);
}

// The shortest hash

#[test]
fn a_hash_has_four_characters_at_least() {
    let short = Srs::builder(secret(HashFormat::Base64))
        .hash_length(3)
        .build();
    assert!(matches!(
        short,
        Err(BuildError::HashLength {
            length: 3,
            minimum: 4,
            maximum: 27
        })
    ));
    let short = Srs::builder(secret(HashFormat::Base64)).hash_min(3).build();
    assert!(matches!(
        short,
        Err(BuildError::HashMin {
            minimum: 3,
            lowest: 4,
            length: 4
        })
    ));
    for hash in ["g", "gf", "gfk"] {
        let address = format!("SRS0={hash}=KH=example.com=alice@fwd.example.net");
        let too_short = ReverseError::HashTooShort {
            length: hash.len(),
            minimum: 4,
        };
        assert_refuses(&base64(), &address, too_short);
    }
}

// SRS1 without host, or whose rest has no separator

/// The last is what PostSRSd issue 100 was about.
#[test]
fn an_srs1_that_nobody_could_reverse_is_wrapped_as_an_ordinary_sender() {
    for local_part in [
        "SRS1=HHHH",
        "SRS1=",
        "SRS1=HHHH=",
        "SRS1=HHHH==",
        "SRS1=HHHH===XXXX=KH=orig.example=alice",
        "SRS1=HHHH=first.example",
        "SRS1=HHHH=first.example=",
        "SRS1=HHHH=first.example=XXXX=KH=orig.example=alice",
        "SRS1=yyyy=5KPL=3G=a.example=x",
    ] {
        let sender = format!("{local_part}@second.example");
        let forwarded = base64()
            .forward(&sender, ALIAS, today())
            .unwrap()
            .to_string();
        let end = format!("=KH=second.example={local_part}@fwd.example.net");
        assert!(
            forwarded.starts_with("SRS0=") && forwarded.ends_with(&end),
            "{forwarded}"
        );
        assert_reverses(&base64(), &forwarded, &sender);
        assert!(
            matches!(reverse(&base64(), &sender), Err(ReverseError::Malformed(_))),
            "{sender}"
        );
    }
}

/// Between quotes the field may hold what no host holds; its reversal would be no address.
#[test]
fn an_srs1_whose_host_is_none_is_wrapped_as_an_ordinary_sender() {
    let sender = r#""SRS1=HHHH=first example==XXXX=KH=orig.example=alice"@second.example"#;
    let forwarded = base64().forward(sender, ALIAS, today()).unwrap();
    assert_eq!(forwarded.kind(), ForwardedKind::Srs0);
    assert_reverses(&base64(), &forwarded.to_string(), sender);
    assert_refuses(&base64(), sender, malformed(SyntaxError::Host));
}

/// What it reverses to would be no address, though the sender itself is a valid one.
#[test]
fn an_srs1_whose_host_is_no_domain_is_wrapped_as_an_ordinary_sender() {
    for host in [
        "(",
        "a,b",
        "a:25",
        "[",
        "[192.0.2.1",
        "]",
        "a..b",
        ".a",
        "a.",
    ] {
        let sender = format!(r#""SRS1=HHHH={host}==x"@second.example"#);
        let forwarded = base64().forward(&sender, ALIAS, today()).unwrap();
        assert_eq!(forwarded.kind(), ForwardedKind::Srs0, "{sender}");
        let back = reverse(&base64(), &forwarded.to_string()).unwrap();
        let read = |address| Mailbox::parse(address).unwrap().to_string();
        assert_eq!(back, read(&sender));
        assert_refuses(&base64(), &sender, malformed(SyntaxError::Host));
    }
    // An address literal is a host.
    let sender = r#""SRS1=HHHH=[192.0.2.1]==x"@second.example"#;
    let forwarded = forward(&base64(), sender);
    assert_reverses(&base64(), &forwarded, "SRS0=x@[192.0.2.1]");
    let escaped = forwarded.replace("[192.0.2.1]", r"\[192\.0.2.1\]");
    assert_reverses(&base64(), &escaped, "SRS0=x@[192.0.2.1]");
}

/// An SRS0 sender whose own host is no domain has no way back through an SRS1.
#[test]
fn an_srs0_at_no_domain_is_wrapped_as_an_ordinary_sender() {
    for sender in ["SRS0=x@a..b", "SRS0=x@first.example."] {
        let forwarded = base64().forward(sender, ALIAS, today()).unwrap();
        assert_eq!(forwarded.kind(), ForwardedKind::Srs0);
        assert_reverses(&base64(), &forwarded.to_string(), sender);
    }
}

#[test]
fn each_defect_of_the_grammar_is_named() {
    for (local_part, error) in [
        ("SRS0=gfkj", SyntaxError::Srs0Fields),
        ("SRS0=gfkj=KH=example.com", SyntaxError::Srs0Fields),
        ("SRS0=gfkj=KHH=example.com=alice", SyntaxError::Timestamp),
        ("SRS0=gfkj=KH==alice", SyntaxError::Host),
        ("SRS0=gfkj=KH=example.com=", SyntaxError::User),
        ("SRS1=HHHH=first.example", SyntaxError::Srs1Fields),
        ("SRS1=HHHH===XXXX", SyntaxError::Host),
        ("SRS1=HHHH=first.example=XXXX", SyntaxError::Rest),
    ] {
        let address = format!("{local_part}@fwd.example.net");
        assert_refuses(&base64(), &address, malformed(error));
        // Between quotes a user may be empty, and an `=` may be half of a pair.
        if error != SyntaxError::User {
            let pairs = local_part.replace('=', r"\=");
            let address = format!(r#""{pairs}"@fwd.example.net"#);
            assert_refuses(&base64(), &address, malformed(error));
        }
    }
}

// Forwarding an SRS1 sender

/// libsrs2's git HEAD doubles the address instead.
#[test]
fn an_srs1_sender_keeps_first_hop_and_rest_and_gets_our_hash() {
    // As Mail::SRS 0.31 signs it.
    let expected = "SRS1=HVG4=first.example==XXXX=KH=orig.example=alice@fwd.example.net";
    let srs0 = "SRS0=XXXX=KH=orig.example=alice@first.example";
    assert_forwards(&base64(), srs0, expected);
    let srs1 = "SRS1=HHHH=first.example==XXXX=KH=orig.example=alice@second.example";
    assert_forwards(&base64(), srs1, expected);
    assert_reverses(&base64(), expected, srs0);
}

#[test]
fn the_separators_of_first_and_second_hop_do_not_mix() {
    let plus = Srs::builder(secret(HashFormat::Base64))
        .separator('+')
        .build()
        .unwrap();
    let sender = "srs0-XXXX=KH=orig.example=alice@first.example";
    let forwarded = forward(&plus, sender);
    assert_eq!(&forwarded[..5], "SRS1+");
    assert!(
        forwarded.contains("=first.example=-XXXX=KH=orig.example=alice@"),
        "{forwarded}"
    );
    assert_reverses(
        &plus,
        &forwarded,
        "SRS0-XXXX=KH=orig.example=alice@first.example",
    );
}

/// What other systems put behind the tag is opaque: Exim, srs.js, mailrs-srs.
#[test]
fn foreign_srs0_senders_are_all_wrapped_alike() {
    for local_part in [
        "SRS0=4df1=kh=example.com=alice",
        "SRS0=ad47=KI=example.com=alice",
        "SRS0=0a1b2c3d=327=example.com=alice",
        "SRS0=",
        "SRS0=x",
    ] {
        let sender = format!("{local_part}@first.example");
        let forwarded = base64().forward(&sender, ALIAS, today()).unwrap();
        assert_eq!(forwarded.kind(), ForwardedKind::Srs1);
        assert_reverses(&base64(), &forwarded.to_string(), &sender);
    }
}

// `SRS0@host`

#[test]
fn a_tag_without_separator_makes_an_ordinary_address() {
    for local_part in [
        "SRS0", "SRS1", "srs0", "SRS0.x", "SRS", "SRS2=x", "SRS01=x", "xSRS0=x",
    ] {
        let sender = format!("{local_part}@first.example");
        assert_refuses(&base64(), &sender, ReverseError::NotSrs);
        let forwarded = base64().forward(&sender, ALIAS, today()).unwrap();
        assert_eq!(forwarded.kind(), ForwardedKind::Srs0);
        assert_reverses(&base64(), &forwarded.to_string(), &sender);
    }
}

/// So that an ordinary recipient costs next to nothing: it is not looked at beyond its beginning.
#[test]
fn what_begins_with_no_tag_is_not_srs_whatever_else_it_is() {
    for address in [
        "",
        "<>",
        "alice",
        "al ice@x",
        "\r\n",
        "\"alice",
        "\"SRS0\"=@x",
        "SRS0",
        "\"\\",
        // A pair stands only between quotes.
        r"s\RS0=aaaa=4G=example.com=alice@x",
    ] {
        assert_refuses(&base64(), address, ReverseError::NotSrs);
        assert_eq!(SrsAddress::parse(address), Err(ParseError::NotSrs));
    }
}

/// Its letters in either case, its digit and its separator, and in their places nothing else.
#[test]
fn a_tag_is_known_by_each_of_its_octets() {
    let tag = ["Ss", "Rr", "Ss", "01", "=+-"];
    for (place, known) in tag.iter().enumerate() {
        for character in '\0'..='\u{ff}' {
            let mut begun: Vec<char> = "SRS0=".chars().collect();
            begun[place] = character;
            let local_part: String = begun
                .into_iter()
                .chain("HHHH=KH=a.example=b".chars())
                .collect();
            for address in [
                format!("{local_part}@fwd.example.net"),
                format!(r#""{local_part}"@fwd.example.net"#),
            ] {
                let is_srs = SrsAddress::parse(&address) != Err(ParseError::NotSrs);
                assert_eq!(is_srs, known.contains(character), "{address:?}");
            }
        }
    }
}

// The null sender

#[test]
fn the_null_sender_is_left_alone() {
    let always = Srs::builder(secret(HashFormat::Base64))
        .always_rewrite(true)
        .build()
        .unwrap();
    for srs in [base64(), always] {
        for sender in ["", "<>"] {
            let forwarded = srs.forward(sender, ALIAS, today()).unwrap();
            assert_eq!(forwarded.kind(), ForwardedKind::Null);
            assert!(!forwarded.is_rewritten());
            assert_eq!(forwarded.to_string(), sender);
        }
    }
}

#[test]
fn the_own_domain_is_left_alone_unless_always_rewritten() {
    for alias in [ALIAS, "FWD.Example.Net", "bob@fwd.EXAMPLE.net"] {
        for sender in [
            "alice@fwd.example.net",
            "SRS0=x@FWD.example.net",
            "SRS1=@fwd.example.net",
        ] {
            let forwarded = base64().forward(sender, alias, today()).unwrap();
            assert_eq!(forwarded.kind(), ForwardedKind::OwnDomain);
            assert_eq!(forwarded.to_string(), sender);
        }
    }
    let always = Srs::builder(secret(HashFormat::Base64))
        .always_rewrite(true)
        .build()
        .unwrap();
    let own = "SRS0=XXXX=KH=orig.example=alice@fwd.example.net";
    let wrapped = forward(&always, own);
    assert!(wrapped.starts_with("SRS1=") && wrapped.contains("=fwd.example.net==XXXX="));
    assert_reverses(&always, &wrapped, own);
    // A subdomain is another domain.
    let forwarded = base64()
        .forward("alice@sub.fwd.example.net", ALIAS, today())
        .unwrap();
    assert_eq!(forwarded.kind(), ForwardedKind::Srs0);
}

// `"quoted local"@host`

/// The hashes are pysrs's (`ApIq`), which keeps the quotes outside too, and `Mail::SRS`'s.
#[test]
fn quotes_stay_outside_and_the_hash_covers_what_they_hold() {
    for (sender, forwarded) in [
        (
            r#""john doe"@example.com"#,
            r#""SRS0=ApIq=KH=example.com=john doe"@fwd.example.net"#,
        ),
        (
            r#""a@b"@example.com"#,
            r#""SRS0=2wNr=KH=example.com=a@b"@fwd.example.net"#,
        ),
        (
            r#""a\"b\\c"@example.com"#,
            r#""SRS0=QIMZ=KH=example.com=a\"b\\c"@fwd.example.net"#,
        ),
    ] {
        assert_forwards(&base64(), sender, forwarded);
        assert_reverses(&base64(), forwarded, sender);
    }
}

#[test]
fn a_hop_that_escapes_otherwise_does_no_harm() {
    let forwarded = r#""SRS0=ApIq=KH=example.com=john doe"@fwd.example.net"#;
    for escaped in [
        r#""SRS0=ApIq=KH=example.com=\john\ \do\e"@fwd.example.net"#,
        r#""SRS0\=ApIq\=KH\=example.com\=john doe"@fwd.example.net"#,
        r#""\S\R\S\0=\Ap\I\q=\K\H=\example.com=john doe"@fwd.example.net"#,
    ] {
        assert_reverses(&base64(), escaped, r#""john doe"@example.com"#);
        assert_eq!(SrsAddress::parse(escaped).unwrap().to_string(), forwarded);
    }
    assert_forwards(&base64(), r#""\john\ doe"@example.com"#, forwarded);
}

#[test]
fn a_quoted_srs_sender_is_an_srs_sender() {
    let plain = "SRS0=XXXX=KH=orig.example=alice@first.example";
    let quoted = r#""SRS0=XXXX=KH=orig.example=alice"@first.example"#;
    assert_eq!(forward(&base64(), quoted), forward(&base64(), plain));
    let spaced = r#""srs0=XXXX=KH=orig.example=al ice"@first.example"#;
    let forwarded = forward(&base64(), spaced);
    assert!(forwarded.starts_with(r#""SRS1="#), "{forwarded}");
    let upper = r#""SRS0=XXXX=KH=orig.example=al ice"@first.example"#;
    assert_reverses(&base64(), &forwarded, upper);
}

// When to quote

#[test]
fn quotes_come_and_go_with_the_need_for_them() {
    for (sender, quoted, back) in [
        // Japanese carriers gave out such addresses; what came without quotes leaves without.
        ("a..b@docomo.example", false, "a..b@docomo.example"),
        (".a@docomo.example", false, ".a@docomo.example"),
        ("a.@docomo.example", false, "a.@docomo.example"),
        // The same local parts as the RFC has them.
        (r#""a..b"@example.com"#, true, r#""a..b"@example.com"#),
        (r#"".a"@example.com"#, true, r#"".a"@example.com"#),
        (r#""a."@example.com"#, true, r#""a."@example.com"#),
        (r#"""@example.com"#, true, r#"""@example.com"#),
        // Needless quotes may be dropped: the addresses are equal.
        (r#""alice"@example.com"#, false, "alice@example.com"),
        (r#""a.b"@example.com"#, false, "a.b@example.com"),
        (r#""\a\.\b"@example.com"#, false, "a.b@example.com"),
        // Characters that may stand only between quotes.
        ("a,b@example.com", true, r#""a,b"@example.com"#),
        ("(a)@example.com", true, r#""(a)"@example.com"#),
        ("jörg@example.com", false, "jörg@example.com"),
        (
            r#""jörg müller"@bücher.example"#,
            true,
            r#""jörg müller"@bücher.example"#,
        ),
    ] {
        let forwarded = forward(&base64(), sender);
        assert_eq!(forwarded.starts_with('"'), quoted, "{forwarded}");
        assert_reverses(&base64(), &forwarded, back);
    }
}

/// `"SRS0=HASH=KH=example.com=.a"` is a Dot-string, but what it stands for is none.
#[test]
fn quotes_for_the_sake_of_the_original_user_outlast_every_hop() {
    for sender in [
        r#"".a"@example.com"#,
        r#"""@example.com"#,
        r#""a..b"@[192.0.2.1]"#,
    ] {
        let hops = ["b.example", "c.example", "d.example"]
            .map(|domain| (domain, Srs::new(Secret::new(domain).unwrap())));
        let mut address = sender.to_owned();
        for (domain, srs) in &hops {
            address = srs.forward(&address, domain, today()).unwrap().to_string();
            assert!(address.starts_with('"'), "{address}");
        }
        let [(_, first), _, (_, last)] = &hops;
        let at_first = reverse(last, &address).unwrap();
        assert_reverses(first, &at_first, sender);
    }
    // However deep the nesting, and in fields that are no user.
    let nested =
        r#""SRS0=a=KH=b.example=SRS1=c=d.example==e=KH=f.example=SRS0=g=KH=h=.a"@x.example"#;
    for sender in [nested, r#""SRS0=a..b=KH=b.example=c"@x.example"#] {
        assert_eq!(SrsAddress::parse(sender).unwrap().to_string(), sender);
        let forwarded = forward(&base64(), sender);
        assert!(forwarded.starts_with('"'), "{forwarded}");
        assert_reverses(&base64(), &forwarded, sender);
    }
    // What called for quotes in the sender may be what forwarding drops.
    for sender in [
        "SRS1=HHHH=first.example==XXXX=KH=orig.example=alice@[192.0.2.1]",
        r#""SRS1=H(HH=first.example==XXXX=KH=orig.example=alice"@second.example"#,
    ] {
        let plain = "SRS1=HVG4=first.example==XXXX=KH=orig.example=alice@fwd.example.net";
        assert_forwards(&base64(), sender, plain);
    }
    // Quotes that only the first hop's address literal calls for end with it.
    let sender = "SRS0=XXXX=KH=orig.example=alice@[192.0.2.1]";
    let forwarded = forward(&base64(), sender);
    assert!(forwarded.starts_with('"'), "{forwarded}");
    assert_reverses(&base64(), &forwarded, sender);
}

// An address literal

/// PostSRSd signs alike, but sends an address that is none.
#[test]
fn an_address_literal_makes_quotes() {
    for (sender, forwarded) in [
        (
            "user@[192.0.2.1]",
            r#""SRS0=GZYs=KH=[192.0.2.1]=user"@fwd.example.net"#,
        ),
        (
            "user@[IPv6:2001:db8::1]",
            r#""SRS0=WkSn=KH=[IPv6:2001:db8::1]=user"@fwd.example.net"#,
        ),
    ] {
        assert_forwards(&base64(), sender, forwarded);
        assert_reverses(&base64(), forwarded, sender);
        // As PostSRSd sent it.
        assert_reverses(&base64(), &forwarded.replace('"', ""), sender);
    }
    // Its quotes make a Quoted-string of what needed them, and came without.
    let forwarded = forward(&base64(), "a..b@[192.0.2.1]");
    assert_reverses(&base64(), &forwarded, r#""a..b"@[192.0.2.1]"#);
    let forwarded = base64()
        .forward("alice@example.com", "[192.0.2.9]", today())
        .unwrap();
    assert_eq!(
        forwarded.to_string(),
        "SRS0=gfkj=KH=example.com=alice@[192.0.2.9]"
    );
}

// Control characters, unquoted specials, and the like

/// Each with the offset of its defect; also as the alias.
#[test]
fn what_is_no_address_is_refused_with_defect_and_offset() {
    use AddressError as E;
    for (sender, error) in [
        ("alice", E::MissingAt { offset: 5 }),
        ("alice@", E::EmptyHost { offset: 6 }),
        ("@example.com", E::EmptyLocalPart { offset: 0 }),
        ("@", E::EmptyLocalPart { offset: 0 }),
        (
            "a\r\nRCPT TO:<b@c.example>@x",
            E::ControlCharacter { offset: 1 },
        ),
        ("alice@example.com\r\n", E::ControlCharacter { offset: 17 }),
        (
            "alice@example.com\nX: y",
            E::ControlCharacter { offset: 17 },
        ),
        ("al\0ice@example.com", E::ControlCharacter { offset: 2 }),
        ("al\x7fice@example.com", E::ControlCharacter { offset: 2 }),
        ("al\u{85}ice@example.com", E::ControlCharacter { offset: 2 }),
        ("é\u{9b}@example.com", E::ControlCharacter { offset: 2 }),
        ("\"a\tb\"@example.com", E::ControlCharacter { offset: 2 }),
        ("\"a\\\nb\"@example.com", E::ControlCharacter { offset: 3 }),
        ("al ice@example.com", E::Space { offset: 2 }),
        (" alice@example.com", E::Space { offset: 0 }),
        ("alice@exa mple.com", E::Space { offset: 9 }),
        ("<alice@example.com>", E::SpecialCharacter { offset: 0 }),
        ("alice@example.com>", E::SpecialCharacter { offset: 17 }),
        ("a@b@example.com", E::SpecialCharacter { offset: 1 }),
        ("@a,@b:user@example.com", E::SpecialCharacter { offset: 0 }),
        ("al\"ice@example.com", E::SpecialCharacter { offset: 2 }),
        ("al\\ice@example.com", E::SpecialCharacter { offset: 2 }),
        ("alice@exa\\mple.com", E::SpecialCharacter { offset: 9 }),
        ("\"alice\"@b@example.com", E::SpecialCharacter { offset: 9 }),
        ("alice@exa,mple.com", E::SpecialCharacter { offset: 9 }),
        ("alice@example.com:25", E::SpecialCharacter { offset: 17 }),
        ("alice@(example.com)", E::SpecialCharacter { offset: 6 }),
        ("alice@[192.0.2.1", E::SpecialCharacter { offset: 6 }),
        ("alice@[192.0.2.1]x", E::SpecialCharacter { offset: 6 }),
        ("alice@[]]", E::SpecialCharacter { offset: 6 }),
        ("user@exa=mple.com", E::EqualsInHost { offset: 8 }),
        ("\"alice@example.com", E::UnterminatedQuote { offset: 0 }),
        (
            "\"alice\\\"@example.com",
            E::UnterminatedQuote { offset: 0 },
        ),
        ("\"", E::UnterminatedQuote { offset: 0 }),
        ("\"al\"ice@example.com", E::TextAfterQuote { offset: 4 }),
        ("\"alice\"", E::MissingAt { offset: 7 }),
    ] {
        let refused = base64().forward(sender, ALIAS, today()).unwrap_err();
        assert_eq!(refused, ForwardError::Sender(error), "{sender:?}");
    }
    for (alias, error) in [
        ("", E::EmptyHost { offset: 0 }),
        ("bob@", E::EmptyHost { offset: 4 }),
        ("fwd.example\r\n", E::ControlCharacter { offset: 11 }),
        ("fwd example", E::Space { offset: 3 }),
        ("fwd=example", E::EqualsInHost { offset: 3 }),
        ("<fwd.example>", E::SpecialCharacter { offset: 0 }),
        ("@fwd.example", E::EmptyLocalPart { offset: 0 }),
    ] {
        let refused = base64()
            .forward("alice@example.com", alias, today())
            .unwrap_err();
        assert_eq!(refused, ForwardError::Alias(error), "{alias:?}");
    }
}

/// Whichever part the defect is in; that of the local part comes first.
#[test]
fn what_begins_as_an_srs_address_is_refused_with_defect_and_offset_too() {
    use AddressError as E;
    for (address, error) in [
        (
            "SRS0=gfkj=KH=example.com=alice",
            E::MissingAt { offset: 30 },
        ),
        (
            "SRS0=gfkj=KH=example.com=alice@fwd.example.net\r\n",
            E::ControlCharacter { offset: 46 },
        ),
        (
            "SRS0=M+ad=KH=orig.example=a@b@fwd.example.net",
            E::SpecialCharacter { offset: 27 },
        ),
        (
            "SRS0=iwhk=KH=orig.example=john doe@fwd.example.net",
            E::Space { offset: 30 },
        ),
        (
            "SRS0=iwhk=KH=orig.example=john doe@fwd example.net",
            E::Space { offset: 30 },
        ),
        (
            "SRS0=iwhk=KH=orig.example=é\u{85}@fwd.example.net",
            E::ControlCharacter { offset: 28 },
        ),
        (
            "SRS0=iwhk=KH=orig.example=a\u{85} b@fwd.example.net",
            E::ControlCharacter { offset: 27 },
        ),
        (
            "SRS0=iwhk=KH=orig.example=josé p@fwd.example.net",
            E::Space { offset: 31 },
        ),
        (
            "\"SRS0=iwhk=KH=orig.example=é\t\"@fwd.example.net",
            E::ControlCharacter { offset: 29 },
        ),
        (
            "SRS0=iwhk=KH=orig.example=alice@fwd é\u{85}.example.net",
            E::Space { offset: 35 },
        ),
        (
            "\"SRS0=gfkj=KH=example.com=alice@fwd.example.net",
            E::UnterminatedQuote { offset: 0 },
        ),
    ] {
        assert_refuses(&base64(), address, ReverseError::Address(error));
    }
}

/// The null sender is left alone "always", so nothing else is looked at.
#[test]
fn the_null_sender_is_left_alone_whatever_the_alias() {
    for alias in ["", "fwd example", "\r\n"] {
        let forwarded = base64().forward("<>", alias, today()).unwrap();
        assert_eq!(forwarded.kind(), ForwardedKind::Null);
    }
}

/// Even with the right hash no host comes out that is none.
#[test]
fn a_genuine_hash_does_not_make_a_host() {
    for address in [
        r#""SRS0=gfkj=KH==example.comalice"@fwd.example.net"#,
        r#""SRS0=5ubd=KH=exa mple.com=alice"@fwd.example.net"#,
        r#""SRS0=js1m=KH=a@b.example=alice"@fwd.example.net"#,
    ] {
        assert_refuses(&base64(), address, malformed(SyntaxError::Host));
    }
}

/// Nesting costs no more than length: were it the square of it, these would take minutes.
#[test]
fn long_and_deeply_nested_addresses_take_no_longer_than_their_length() {
    for nested in [
        "SRS0====",
        "SRS1=a=b====",
        "SRS0=a=KH=b=",
        "=",
        r"\=",
        r"\\",
        "SRS1=",
    ] {
        let deep = nested.repeat(100_000 / nested.len());
        for address in [
            format!("\"{deep}\"@example.com"),
            format!("\"SRS0=aaaa=KH=example.com={deep}\"@second.example"),
            format!("\"SRS1=aaaa=example.com=={deep}\"@second.example"),
        ] {
            let forwarded = base64().forward(&address, ALIAS, today()).unwrap();
            let back = reverse(&base64(), &forwarded.to_string()).unwrap();
            assert!(back.len() >= 25_000, "{}", back.len());
            assert!(reverse(&base64(), &address).is_err());
            if let Ok(address) = SrsAddress::parse(&address) {
                assert!(address.claimed_sender().to_string().len() >= 25_000);
            }
        }
    }
}

fn read(address: &str) -> SrsAddress<'_> {
    SrsAddress::parse(address).unwrap()
}

#[test]
fn an_address_that_was_read_has_quotes_where_it_needs_them_only() {
    for (address, written) in [
        // It came without, and a receiver that sends so wants it so.
        ("SRS0=XXXX=KH=orig.example=a..b@x.example", None),
        (r#""SRS0=XXXX=KH=orig.example=a..b"@x.example"#, None),
        (r#""SRS0=XXXX=KH=orig.example=a b"@x.example"#, None),
        (
            r#""SRS0=XXXX=KH=orig.example=alice"@x.example"#,
            Some("SRS0=XXXX=KH=orig.example=alice@x.example"),
        ),
        // As some systems send it.
        (
            "SRS0=XXXX=KH=orig.example=a,b@x.example",
            Some(r#""SRS0=XXXX=KH=orig.example=a,b"@x.example"#),
        ),
        // The hash needs them.
        (r#""SRS0=X\"X\\=KH=orig.example=alice"@x.example"#, None),
    ] {
        assert_eq!(read(address).to_string(), written.unwrap_or(address));
    }
}

#[test]
fn addresses_are_equal_if_they_mean_the_same() {
    let mailbox = |address| Mailbox::parse(address).unwrap();
    assert_eq!(
        mailbox("alice@example.com"),
        mailbox(r#""\al\ice"@example.com"#)
    );
    assert_ne!(mailbox("alice@example.com"), mailbox("alice@example.org"));
    assert_ne!(mailbox("alice@example.com"), mailbox("Alice@example.com"));
    assert_eq!(
        mailbox(r#""a\b c"@example.com"#).local_part().to_string(),
        r#""ab c""#
    );

    let address = "SRS0=gfkj=KH=example.com=alice@fwd.example.net";
    assert_eq!(
        read(address),
        read(r#""SRS0=\gfkj=KH=example.com=alice"@fwd.example.net"#)
    );
    for other in [
        address.replace("SRS0=", "SRS0+"),
        address.replace("gfkj", "gfkJ"),
        address.replace("KH", "KI"),
        address.replace("example.com", "example.org"),
        address.replace("alice", "bob"),
        address.replace("fwd", "next"),
    ] {
        assert_ne!(read(address), read(&other), "{other}");
    }
}

#[test]
fn debug_shows_what_a_result_holds() {
    let forwarded = base64()
        .forward("alice@example.com", ALIAS, today())
        .unwrap();
    assert_eq!(
        format!("{forwarded:?}"),
        "Forwarded { kind: Srs0, sender: SRS0=gfkj=KH=example.com=alice@fwd.example.net }"
    );
    assert_eq!(
        format!("{:?}", read(&forwarded.to_string())),
        "SrsAddress { kind: Srs0, separator: Equals, claimed_hash: \"gfkj\", \
         claimed_timestamp: Some(Timestamp { slot: 327 }), claimed_host: \"example.com\", \
         claimed_local_part: \"alice\", domain: \"fwd.example.net\" }"
    );
}

// The local part over 64 octets

#[test]
fn the_length_of_the_local_part_is_told_and_can_be_limited() {
    // `SRS0=HHHH=KH=example.com=` takes 25 octets.
    for (length, fits) in [(39, true), (40, false)] {
        let sender = format!("{}@example.com", "a".repeat(length));
        let forwarded = base64().forward(&sender, ALIAS, today()).unwrap();
        assert_eq!(forwarded.local_part_octets(), 25 + length);
        assert_eq!(forwarded.within_rfc5321_limits(), fits);

        let limited = Srs::builder(secret(HashFormat::Base64))
            .local_part_limit(64)
            .build()
            .unwrap();
        let limited = limited
            .forward(&sender, ALIAS, today())
            .map(|made| made.to_string());
        let expected = if fits {
            Ok(forwarded.to_string())
        } else {
            Err(ForwardError::LocalPartTooLong {
                octets: 65,
                limit: 64,
            })
        };
        assert_eq!(limited, expected);
    }
}

#[test]
fn quotes_and_escapes_count_as_octets() {
    let forwarded = base64()
        .forward(r#""a\"b"@[192.0.2.1]"#, ALIAS, today())
        .unwrap();
    let local_part = forwarded.to_string().rsplit_once('@').unwrap().0.len();
    assert_eq!(forwarded.local_part_octets(), local_part);
}

#[test]
fn a_sender_left_alone_is_not_limited() {
    let limited = Srs::builder(secret(HashFormat::Base64))
        .local_part_limit(4)
        .build()
        .unwrap();
    assert!(limited.forward("", ALIAS, today()).is_ok());
    assert!(
        limited
            .forward("alice@fwd.example.net", ALIAS, today())
            .is_ok()
    );
}

#[test]
fn the_path_and_the_domain_have_limits_of_their_own() {
    let host = |length: usize| format!("{}.example", "a".repeat(length - 8));
    let within = |sender: &str, alias: &str| {
        let forwarded = base64().forward(sender, alias, today()).unwrap();
        forwarded.within_rfc5321_limits()
    };
    // 16 octets of local part, `@`, the angle brackets, and the domain make 256.
    assert!(within("a@b", &host(237)));
    assert!(!within("a@b", &host(238)));
    assert!(within("", ALIAS));
    assert!(!within(&format!("a@{}", host(254)), &host(254)));
}

#[test]
fn the_need_for_smtputf8_is_told() {
    let needs = |sender: &str, alias: &str| {
        base64()
            .forward(sender, alias, today())
            .unwrap()
            .needs_smtputf8()
    };
    assert!(!needs("alice@example.com", ALIAS));
    assert!(!needs("", ALIAS));
    assert!(needs("jörg@example.com", ALIAS));
    assert!(needs("alice@bücher.example", ALIAS));
    assert!(needs("alice@example.com", "bücher.example"));
    assert!(needs("jörg@fwd.example.net", ALIAS));
    assert!(needs("SRS0=XXXX=KH=orig.example=jörg@first.example", ALIAS));
}

/// Only ASCII letters are folded: srslib and mileusna/srs fold `Ä` too, and sign otherwise.
#[test]
fn case_means_ascii_case() {
    assert_forwards(
        &base64(),
        "ÄÖÜ@Example.com",
        "SRS0=dfLV=KH=Example.com=ÄÖÜ@fwd.example.net",
    );
    let lower = "SRS0=dfLV=KH=Example.com=äöü@fwd.example.net";
    assert_refuses(&base64(), lower, FORGED);
}
