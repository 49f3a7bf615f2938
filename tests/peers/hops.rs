//! Forwarders: the settings that we and the peers have in common, and what is drawn for them.

use base64ct::{Base64Unpadded, Encoding as _};
use hmac::{Hmac, KeyInit as _, Mac as _};
use mail_srs::{BuildError, Day, HashFormat, Secret, Secrets, Srs};
use proptest::{collection::vec, prelude::*};
use sha1::Sha1;

use crate::{mailboxes, syntax};

/// A forwarder, us or the peer.
#[derive(Clone, Debug)]
pub(crate) struct Hop {
    /// The first signs.
    pub(crate) secrets: Vec<String>,
    pub(crate) separator: char,
    pub(crate) hash_length: usize,
    pub(crate) max_age: u16,
    pub(crate) always_rewrite: bool,
    /// A domain, or an address in it.
    pub(crate) alias: String,
}

impl Hop {
    /// Us at this hop: as strict about clocks as the peers are.
    pub(crate) fn srs(&self, format: HashFormat) -> Srs {
        self.build(format, 0).unwrap()
    }

    pub(crate) fn build(&self, format: HashFormat, max_skew: u16) -> Result<Srs, BuildError> {
        let secret = |secret| Secret::new(secret).unwrap().with_format(format);
        let mut secrets = self.secrets.iter().map(secret);
        let signing = Secrets::new(secrets.next().unwrap());
        Srs::builder(secrets.fold(signing, Secrets::accept))
            .hash_length(self.hash_length)
            .max_age(self.max_age)
            .max_skew(max_skew)
            .separator(self.separator)
            .always_rewrite(self.always_rewrite)
            .build()
    }

    pub(crate) fn domain(&self) -> &str {
        self.alias
            .rsplit_once('@')
            .map_or(&self.alias, |(_, domain)| domain)
    }

    /// Whether a sender at this host is left alone.
    pub(crate) fn leaves_alone(&self, host: &str) -> bool {
        !self.always_rewrite && self.domain().eq_ignore_ascii_case(host)
    }

    /// The same forwarder with another secret signing.
    pub(crate) fn after_rotation(&self) -> Hop {
        let mut hop = self.clone();
        hop.secrets.rotate_left(1);
        hop
    }

    /// A forwarder that knows none of its secrets.
    pub(crate) fn stranger(&self) -> Hop {
        let mut hop = self.clone();
        hop.secrets = vec![format!("not {}", self.secrets.join(" or "))];
        hop
    }

    /// An SRS0 local part, written from the format's definition and nothing of the library.
    pub(crate) fn srs0(&self, stamp: &str, host: &str, user: &str) -> String {
        let hash = self.hash(&[stamp, host, user]);
        format!("SRS0{}{hash}={stamp}={host}={user}", self.separator)
    }

    /// An SRS1 local part, written likewise.
    pub(crate) fn srs1(&self, host: &str, rest: &str) -> String {
        format!(
            "SRS1{}{}={host}={rest}",
            self.separator,
            self.hash(&[host, rest])
        )
    }

    fn hash(&self, fields: &[&str]) -> String {
        let mut mac = Hmac::<Sha1>::new_from_slice(self.secrets[0].as_bytes()).unwrap();
        mac.update(fields.concat().to_ascii_lowercase().as_bytes());
        let mut buffer = [0; 28];
        let hash = Base64Unpadded::encode(&mac.finalize().into_bytes(), &mut buffer).unwrap();
        hash[..self.hash_length].to_owned()
    }
}

/// A day's timestamp: ten bits in base32, high five bits first.
pub(crate) fn stamp(day: Day) -> String {
    let digit = |shift: u32| {
        let index = (day.number() >> shift) % 32;
        char::from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[usize::try_from(index).unwrap()])
    };
    [digit(5), digit(0)].into_iter().collect()
}

/// Any forwarder that all of us can be: hashes from 4 characters to the whole 27, no age of 0,
/// which to `Mail::SRS` is none given, and secrets of ASCII, for pysrs.
pub(crate) fn hop() -> impl Strategy<Value = Hop> {
    let secret = prop_oneof![3 => "[!-~]{1,32}", 1 => "[ -~]{62,80}"];
    let secrets = vec(secret, 1..4).prop_filter("different secrets", |secrets| {
        let mut sorted = secrets.clone();
        sorted.sort();
        sorted.dedup();
        sorted.len() == secrets.len()
    });
    (
        secrets,
        mailboxes::separator(),
        prop_oneof![1 => Just(4), 3 => 4..=27_usize],
        prop_oneof![1 => Just(21), 1 => 1..=1022_u16],
        prop::bool::weighted(0.1),
        mailboxes::alias(),
    )
        .prop_map(
            |(secrets, separator, hash_length, max_age, always_rewrite, (alias, _))| Hop {
                secrets,
                separator,
                hash_length,
                max_age,
                always_rewrite,
                alias,
            },
        )
}

/// Any second of three cycles of timestamps.
pub(crate) fn now() -> impl Strategy<Value = u64> {
    (20_000..20_000 + 3 * 1024_u64, 0..86_400_u64).prop_map(|(day, second)| day * 86_400 + second)
}

/// Senders as the property tests draw them, the usual ones twice as often as quoted ones and
/// address literals, about which the peers differ.
pub(crate) fn sender() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => plain_sender(),
        1 => mailboxes::mailbox(),
        1 => mailboxes::srs0_mailbox(),
        1 => mailboxes::srs1_mailbox().prop_map(|(address, _)| address),
    ]
}

/// A sender that needs no quotes and has none, at a domain.
pub(crate) fn plain_sender() -> impl Strategy<Value = String> {
    prop_oneof![
        2 => mailboxes::ordinary_mailbox(),
        1 => mailboxes::srs0_mailbox(),
        1 => mailboxes::srs1_mailbox().prop_map(|(address, _)| address),
    ]
    .prop_filter("no quotes, no literal", |address| {
        syntax::split(address).is_some_and(|(local_part, host)| {
            syntax::is_dot_string(local_part) && syntax::is_domain(host)
        })
    })
}
