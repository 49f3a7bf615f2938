//! Every setting that the builder accepts, and every day.
#![expect(
    clippy::expect_used,
    reason = "settings that are refused are a defect of these tests"
)]

use core::{fmt, ops::RangeInclusive};

use mail_srs::{BuildError, Day, HashFormat, Secret, Secrets, Srs};
use proptest::{collection::vec, prelude::*, sample::select};

use crate::mailboxes;

/// The days after which timestamps repeat: they have ten bits.
pub(crate) const CYCLE: u16 = 1024;

/// A secret that a failing law can print, which `Secret` rightly cannot.
#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) octets: Vec<u8>,
    pub(crate) format: HashFormat,
}

impl Key {
    pub(crate) fn secret(&self) -> Secret {
        Secret::new(&self.octets)
            .expect("no key here is empty")
            .with_format(self.format)
    }

    /// Whether both sign alike, given the same format.
    ///
    /// HMAC fills a key up to the 64 octets of SHA-1's block with zeros (RFC 2104 §2), so `k` and
    /// `k\0` are one secret to it. Longer keys are hashed first.
    pub(crate) fn signs_like(&self, other: &Key) -> bool {
        let filled = |key: &Key| {
            let mut block = key.octets.clone();
            block.resize(block.len().max(64), 0);
            block
        };
        filled(self) == filled(other)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.format, self.octets.escape_ascii())
    }
}

/// What an `Srs` is built from.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The first signs; no two of them sign alike.
    pub(crate) keys: Vec<Key>,
    pub(crate) hash_length: usize,
    pub(crate) hash_min: usize,
    pub(crate) max_age: u16,
    pub(crate) max_skew: u16,
    pub(crate) separator: char,
    pub(crate) always_rewrite: bool,
}

impl Settings {
    pub(crate) fn srs(&self) -> Srs {
        self.build().expect("the builder accepts these settings")
    }

    pub(crate) fn build(&self) -> Result<Srs, BuildError> {
        Srs::builder(ring(&self.keys))
            .hash_length(self.hash_length)
            .hash_min(self.hash_min)
            .max_age(self.max_age)
            .max_skew(self.max_skew)
            .separator(self.separator)
            .always_rewrite(self.always_rewrite)
            .build()
    }

    /// The same settings with these keys and the longest hashes, so that chance plays no part.
    pub(crate) fn with_whole_hashes(&self, keys: &[Key]) -> Settings {
        let keys = keys.to_vec();
        Settings {
            hash_length: signing(&keys).format.max_length(),
            hash_min: longest_minimum(&keys),
            keys,
            ..self.clone()
        }
    }

    /// The same settings, rewriting senders in the forwarder's own domain or not.
    pub(crate) fn always_rewriting(&self, always_rewrite: bool) -> Settings {
        Settings {
            always_rewrite,
            ..self.clone()
        }
    }

    /// From the day furthest ahead that is accepted to the day that is oldest, as ages.
    pub(crate) fn window(&self) -> RangeInclusive<i16> {
        -self.max_skew.cast_signed()..=self.max_age.cast_signed()
    }
}

fn ring(keys: &[Key]) -> Secrets {
    let mut secrets = keys.iter().map(Key::secret);
    let signing = secrets.next().expect("a key that signs");
    secrets.fold(Secrets::new(signing), Secrets::accept)
}

fn signing(keys: &[Key]) -> &Key {
    keys.first().expect("a key that signs")
}

/// The longest `hash_min` that shuts out none of the keys.
fn longest_minimum(keys: &[Key]) -> usize {
    keys.iter()
        .map(|key| key.format.max_length())
        .min()
        .unwrap_or_default()
}

/// All settings, the defaults and the limits more often than the rest.
pub(crate) fn settings() -> BoxedStrategy<Settings> {
    let lengths = |keys: Vec<Key>| {
        let longest = signing(&keys).format.max_length();
        let longest_minimum = longest_minimum(&keys);
        prop_oneof![2 => Just(4), 1 => Just(longest), 3 => 4..=longest].prop_flat_map(
            move |length| {
                let minimums = 4..=length.min(longest_minimum);
                (
                    Just(keys.clone()),
                    Just(length),
                    prop_oneof![Just(*minimums.end()), minimums],
                )
            },
        )
    };
    (
        keys(1..4).prop_flat_map(lengths),
        window(),
        mailboxes::separator(),
        any::<bool>(),
    )
        .prop_map(
            |((keys, hash_length, hash_min), (max_age, max_skew), separator, always_rewrite)| {
                Settings {
                    keys,
                    hash_length,
                    hash_min,
                    max_age,
                    max_skew,
                    separator,
                    always_rewrite,
                }
            },
        )
        .boxed()
}

/// Days back and days ahead. At least one timestamp of the cycle is outside, or nothing expires.
fn window() -> impl Strategy<Value = (u16, u16)> {
    let widest = CYCLE - 2;
    prop_oneof![
        3 => Just((21, 1)),
        1 => Just((0, 0)),
        1 => Just((widest, 0)),
        1 => Just((0, widest)),
        1 => (0..=widest).prop_map(move |max_age| (max_age, widest - max_age)),
        3 => (0..=widest).prop_flat_map(move |max_age| (Just(max_age), 0..=widest - max_age)),
    ]
}

/// Keys of which no two sign alike.
pub(crate) fn keys(count: core::ops::Range<usize>) -> BoxedStrategy<Vec<Key>> {
    vec(key(), count)
        .prop_filter("no two sign alike", |keys| {
            keys.iter().enumerate().all(|(index, key)| {
                !keys
                    .iter()
                    .skip(index + 1)
                    .any(|other| key.signs_like(other))
            })
        })
        .boxed()
}

/// A key as people choose them, of any octets, and around the block length of SHA-1 and beyond it.
pub(crate) fn key() -> impl Strategy<Value = Key> {
    let octets = prop_oneof![
        3 => "[ -~]{1,32}".prop_map(String::into_bytes),
        2 => vec(any::<u8>(), 1..40),
        1 => vec(any::<u8>(), 62..67),
        1 => vec(any::<u8>(), 67..300),
    ]
    // To an HMAC zeros are an empty key, and refused.
    .prop_filter("not zeros alone", |octets| {
        octets.iter().any(|&octet| octet != 0)
    });
    (octets, format()).prop_map(|(octets, format)| Key { octets, format })
}

pub(crate) fn format() -> impl Strategy<Value = HashFormat> {
    select(
        &[
            HashFormat::Base64Url,
            HashFormat::Base64,
            HashFormat::Base32,
        ][..],
    )
}

/// Any day, those of the first cycles and around today more often than those of distant ages.
pub(crate) fn day() -> impl Strategy<Value = Day> {
    prop_oneof![
        2 => 0..2 * u64::from(CYCLE),
        2 => 20_000..23_000_u64,
        1 => any::<u64>(),
        1 => u64::MAX - 2 * u64::from(CYCLE)..=u64::MAX,
    ]
    .prop_map(Day::new)
}

/// The day that many days later. Where the numbers end they go on at the other end, which the
/// timestamps do not notice: 2^64 is a multiple of their cycle.
pub(crate) fn later(day: Day, days: i16) -> Day {
    Day::new(day.number().wrapping_add_signed(days.into()))
}
