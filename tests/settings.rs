//! What the builder takes and refuses, and what it says.

use mail_srs::{
    BuildError, Day, HashFormat, ReverseError, Secret, Secrets, Separator, Srs, SrsBuilder,
};

fn builder() -> SrsBuilder {
    Srs::builder(Secret::new("tops3cr3t").unwrap())
}

fn base32() -> Secret {
    Secret::new("brand new")
        .unwrap()
        .with_format(HashFormat::Base32)
}

#[track_caller]
fn assert_refused(builder: SrsBuilder, error: BuildError, message: &str) {
    let refused = builder.build().unwrap_err();
    assert_eq!(refused, error);
    assert_eq!(refused.to_string(), message);
}

#[test]
fn a_hash_length_outside_the_encoding_is_refused() {
    for length in [0, 1, 3, 28, 32, usize::MAX] {
        let refused = builder().hash_length(length).build().unwrap_err();
        assert!(
            matches!(refused, BuildError::HashLength { length: told, minimum: 4, maximum: 27 } if told == length)
        );
        assert_eq!(
            refused.to_string(),
            format!("hash length of {length} is out of range: use 4 to 27 characters")
        );
    }
    assert!(builder().hash_length(27).build().is_ok());
    assert!(Srs::builder(base32()).hash_length(32).build().is_ok());
    let refused = Srs::builder(base32()).hash_length(33).build().unwrap_err();
    assert_eq!(
        refused.to_string(),
        "hash length of 33 is out of range: use 4 to 32 characters"
    );
}

#[test]
fn a_hash_minimum_below_four_or_above_the_length_is_refused() {
    let message = "hash minimum of 7 is out of range: use 4 to 6 characters, the hash length";
    let refused = builder().hash_length(6).hash_min(7).build().unwrap_err();
    assert_eq!(refused.to_string(), message);
    for minimum in [0, 3, 5] {
        let refused = builder().hash_min(minimum).build().unwrap_err();
        assert!(
            matches!(refused, BuildError::HashMin { minimum: told, lowest: 4, length: 4 } if told == minimum)
        );
    }
    assert!(builder().hash_length(6).hash_min(4).build().is_ok());
}

/// Otherwise the retired secret would verify nothing, silently.
#[test]
fn a_hash_minimum_that_an_accepted_secret_cannot_meet_is_refused() {
    let long = || Srs::builder(base32()).hash_length(32);
    let old = || Secret::new("tops3cr3t").unwrap();
    assert_eq!(
        long().accept(old()).build().unwrap_err().to_string(),
        "hash minimum of 32 shuts out an accepted secret: use at most 27"
    );
    assert!(long().accept(old()).hash_min(28).build().is_err());
    assert!(long().accept(old()).hash_min(27).build().is_ok());
}

#[test]
fn a_separator_of_another_kind_is_refused() {
    for separator in ['/', '_', ' ', '@', 'ä', '\0'] {
        assert_eq!(
            builder()
                .separator(separator)
                .build()
                .unwrap_err()
                .to_string(),
            "separator is none of those SRS knows: use an equals, plus or minus sign"
        );
    }
    for separator in [Separator::Equals, Separator::Plus, Separator::Minus] {
        let srs = builder().separator(separator).build().unwrap();
        let forwarded = srs
            .forward("a@b.example", "c.example", Day::new(0))
            .unwrap()
            .to_string();
        assert!(
            forwarded.starts_with(&format!("SRS0{separator}")),
            "{forwarded}"
        );
        assert_eq!(Separator::try_from(char::from(separator)), Ok(separator));
    }
}

#[test]
fn a_window_that_covers_the_cycle_is_refused() {
    assert_refused(
        builder().max_age(1022),
        BuildError::Window {
            max_age: 1022,
            max_skew: 1,
        },
        "maximum age of 1022 and skew of 1 days cover the cycle of timestamps: keep their sum below 1023",
    );
    for (max_age, max_skew) in [(1023, 0), (0, 1023), (1000, 23), (u16::MAX, u16::MAX)] {
        let refused = builder().max_age(max_age).max_skew(max_skew).build();
        assert!(matches!(refused, Err(BuildError::Window { .. })));
    }
    for (max_age, max_skew) in [(1022, 0), (0, 1022), (1000, 22), (0, 0)] {
        assert!(
            builder()
                .max_age(max_age)
                .max_skew(max_skew)
                .build()
                .is_ok()
        );
    }
}

#[test]
fn the_defaults_are_those_of_the_manual() {
    let default = Srs::new(Secret::new("tops3cr3t").unwrap());
    assert_eq!(
        format!("{default:?}"),
        format!("{:?}", builder().build().unwrap())
    );
    let today = Day::new(20_000);
    let forwarded = default
        .forward("alice@example.com", "fwd.example", today)
        .unwrap()
        .to_string();
    assert_eq!(forwarded.find("=example.com"), Some("SRS0=HHHH=TT".len()));
    let reverse = |day| {
        default
            .reverse(&forwarded, Day::new(day))
            .map(|reversed| reversed.age())
    };
    assert_eq!(
        reverse(19_998),
        Err(ReverseError::Expired {
            age: 1022,
            max_age: 21
        })
    );
    assert_eq!(reverse(19_999), Ok(Some(-1)));
    assert_eq!(reverse(20_021), Ok(Some(21)));
    assert_eq!(
        reverse(20_022),
        Err(ReverseError::Expired {
            age: 22,
            max_age: 21
        })
    );
}

#[test]
fn the_types_may_be_shared_between_threads() {
    fn shared<T: Send + Sync + Unpin + std::panic::UnwindSafe + std::panic::RefUnwindSafe>() {}
    shared::<Srs>();
    shared::<SrsBuilder>();
    shared::<Secret>();
    shared::<Secrets>();
    shared::<mail_srs::Forwarded<'_>>();
    shared::<mail_srs::Reversed<'_>>();
    shared::<mail_srs::SrsAddress<'_>>();
    shared::<mail_srs::Mailbox<'_>>();
    shared::<mail_srs::ForwardError>();
    shared::<ReverseError>();
}
