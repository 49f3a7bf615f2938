//! The texts of errors and the SMTP replies they call for.

use mail_srs::{AddressError, ForwardError, ParseError, ReverseError, SyntaxError};

#[test]
fn each_reversal_error_has_its_reply() {
    for (error, reply) in [
        (ReverseError::NotSrs, None),
        (
            ReverseError::Address(AddressError::Space { offset: 7 }),
            Some("550 5.1.3 SRS address is malformed"),
        ),
        (
            ReverseError::Malformed(SyntaxError::Timestamp),
            Some("550 5.1.3 SRS address is malformed"),
        ),
        (
            ReverseError::HashTooShort {
                length: 1,
                minimum: 4,
            },
            Some("550 5.7.1 SRS address is not genuine"),
        ),
        (
            ReverseError::HashMismatch,
            Some("550 5.7.1 SRS address is not genuine"),
        ),
        (
            ReverseError::Expired {
                age: 22,
                max_age: 21,
            },
            Some("550 5.1.1 SRS address has expired"),
        ),
    ] {
        let found = error.smtp_reply();
        assert_eq!(found.map(|reply| reply.to_string()).as_deref(), reply);
        if let Some(found) = found {
            let parts = format!("{} {} {}", found.code(), found.enhanced(), found.text());
            assert_eq!(parts, found.to_string());
        }
    }
}

#[test]
fn each_reversal_error_has_its_code() {
    let (length, minimum) = (1, 4);
    let (age, max_age) = (22, 21);
    for (error, code) in [
        (ReverseError::NotSrs, "not-srs"),
        (
            ReverseError::Address(AddressError::Space { offset: 7 }),
            "invalid-address",
        ),
        (ReverseError::Malformed(SyntaxError::User), "malformed"),
        (
            ReverseError::HashTooShort { length, minimum },
            "hash-too-short",
        ),
        (ReverseError::HashMismatch, "hash-mismatch"),
        (ReverseError::Expired { age, max_age }, "expired"),
    ] {
        assert_eq!(error.code(), code);
    }
}

#[test]
fn errors_say_what_is_wrong_and_where() {
    let offset = 7;
    for (error, text) in [
        (
            AddressError::MissingAt { offset },
            "no at sign before offset 7",
        ),
        (
            AddressError::EmptyLocalPart { offset },
            "empty local part at offset 7",
        ),
        (AddressError::EmptyHost { offset }, "empty host at offset 7"),
        (
            AddressError::ControlCharacter { offset },
            "control character at offset 7",
        ),
        (AddressError::Space { offset }, "unquoted space at offset 7"),
        (
            AddressError::SpecialCharacter { offset },
            "special character outside quotes at offset 7",
        ),
        (
            AddressError::EqualsInHost { offset },
            "equals sign in the host at offset 7",
        ),
        (
            AddressError::UnterminatedQuote { offset },
            "quoted local part opened at offset 7 is not closed",
        ),
        (
            AddressError::TextAfterQuote { offset },
            "text after the closing quote at offset 7",
        ),
    ] {
        assert_eq!(error.to_string(), text);
        assert_eq!(error.offset(), offset);
        assert_eq!(
            ForwardError::Sender(error).to_string(),
            format!("invalid sender: {text}")
        );
        assert_eq!(
            ForwardError::Alias(error).to_string(),
            format!("invalid alias: {text}")
        );
        assert_eq!(
            ReverseError::Address(error).to_string(),
            format!("invalid address: {text}")
        );
    }
}

#[test]
fn errors_say_what_is_wrong_with_an_srs_address() {
    for (error, text) in [
        (
            SyntaxError::Srs0Fields,
            "srs0 address lacks a field: hash, timestamp, host and user are needed",
        ),
        (
            SyntaxError::Timestamp,
            "timestamp is not two base32 characters",
        ),
        (SyntaxError::Host, "host field is not a host"),
        (SyntaxError::User, "user field is empty"),
        (
            SyntaxError::Srs1Fields,
            "srs1 address lacks a field: hash, host and rest are needed",
        ),
        (
            SyntaxError::Rest,
            "rest of the srs1 address does not begin with a separator",
        ),
    ] {
        assert_eq!(error.to_string(), text);
        assert_eq!(
            ReverseError::Malformed(error).to_string(),
            format!("malformed srs address: {text}")
        );
    }
    assert_eq!(
        ReverseError::Expired {
            age: 22,
            max_age: 21
        }
        .to_string(),
        "address expired: it is 22 days old and 21 are allowed"
    );
    assert_eq!(
        ReverseError::HashTooShort {
            length: 1,
            minimum: 4
        }
        .to_string(),
        "hash of 1 characters is too short, 4 are needed"
    );
    assert_eq!(
        ReverseError::HashMismatch.to_string(),
        "hash does not match"
    );
    assert_eq!(ReverseError::NotSrs.to_string(), "not an srs address");
    assert_eq!(
        ForwardError::LocalPartTooLong {
            octets: 65,
            limit: 64
        }
        .to_string(),
        "rewritten local part takes 65 octets, over the limit of 64"
    );
}

/// What was read without a secret and what was reversed fail alike.
#[test]
fn reading_and_reversing_name_the_same_defect() {
    for error in [
        ParseError::NotSrs,
        ParseError::Address(AddressError::Space { offset: 7 }),
        ParseError::Malformed(SyntaxError::Host),
    ] {
        assert_eq!(ReverseError::from(error).to_string(), error.to_string());
    }
}
