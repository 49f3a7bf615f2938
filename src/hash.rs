//! The hash as text: alphabets, folding, truncation, comparison.

use base64ct::{Base64Unpadded, Base64UrlUnpadded, Encoding as _};
use subtle::ConstantTimeEq as _;

use crate::mac::{BLOCK_OCTETS, Block, MAC_OCTETS, Mac};
use crate::secret::{HashFormat, Secret, Secrets};

/// The shortest hash that is made or accepted, in characters: 2^-20 for a best guess that is read
/// without regard to case, be it base64 or base32. `Mail::SRS` takes 1.
pub(crate) const MIN_LENGTH: usize = 4;

/// The characters of the longest hash, in any format.
pub(crate) const MAX_LENGTH: usize = 32;

/// The start of the text of a hash, held inline.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hash {
    text: [u8; MAX_LENGTH],
    length: usize,
}

impl Hash {
    /// Signs what `message` writes, cutting the hash to `length` characters.
    pub(crate) fn sign(secret: &Secret, length: usize, message: impl Fn(&mut Message<'_>)) -> Self {
        let mut hashed = Message::new(secret);
        message(&mut hashed);
        Self::encode(&hashed.finish(), secret.format(), length)
    }

    /// The first `length` characters of the encoding, but no more than it has.
    fn encode(mac: &[u8; MAC_OCTETS], format: HashFormat, length: usize) -> Self {
        let length = length.min(format.max_length());
        let mut text = [0; MAX_LENGTH];
        // Only the octets that reach into those characters: six bits each, or five.
        let bits = match format {
            HashFormat::Base64Url | HashFormat::Base64 => 6,
            HashFormat::Base32 => 5,
        };
        let octets = mac.get(..(length * bits).div_ceil(8)).unwrap_or(mac);
        let written = match format {
            HashFormat::Base64Url => Base64UrlUnpadded::encode(octets, &mut text).is_ok(),
            HashFormat::Base64 => Base64Unpadded::encode(octets, &mut text).is_ok(),
            HashFormat::Base32 => base32::RFC4648_NOPAD.encode_buf(octets, &mut text).is_ok(),
        };
        // An empty hash matches nothing: four characters at least are presented.
        let length = if written { length } else { 0 };
        // What the last octet had beyond is no part of it.
        text.get_mut(length..).unwrap_or_default().fill(0);
        Self { text, length }
    }

    fn as_bytes(&self) -> &[u8] {
        self.text.get(..self.length).unwrap_or_default()
    }

    pub(crate) fn as_str(&self) -> &str {
        // Every alphabet is ASCII.
        core::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }
}

/// What is hashed, folded on its way into the HMAC: ASCII letters are lower-cased and all else
/// stays as it is, so that the hash survives a mail server that folds the local part.
pub(crate) struct Message<'key> {
    mac: Mac<'key>,
    binds_fields: bool,
    /// Octets that the HMAC has not seen yet, and zeros behind them.
    block: Block,
    length: usize,
}

impl<'key> Message<'key> {
    fn new(secret: &'key Secret) -> Self {
        Self {
            mac: secret.begin(),
            binds_fields: secret.format().binds_fields(),
            block: [0; BLOCK_OCTETS],
            length: 0,
        }
    }

    /// Appends what every format hashes.
    pub(crate) fn append(&mut self, octets: &[u8]) {
        let end = self.length + octets.len();
        match self.block.get_mut(self.length..end) {
            Some(place) if end < BLOCK_OCTETS => {
                place.copy_from_slice(octets);
                self.length = end;
            }
            _ => self.append_past_block(octets),
        }
    }

    /// The same for what fills the block, once or many times.
    #[cold]
    fn append_past_block(&mut self, mut octets: &[u8]) {
        while let Some(place) = self.block.get_mut(self.length..)
            && let Some((now, later)) = octets.split_at_checked(place.len())
        {
            place.copy_from_slice(now);
            self.block.make_ascii_lowercase();
            self.mac.update(&self.block);
            self.block = [0; BLOCK_OCTETS];
            self.length = 0;
            octets = later;
        }
        self.append(octets);
    }

    /// Appends the tag or a border between fields, which only the format of our own hashes.
    pub(crate) fn append_border(&mut self, border: &str) {
        if self.binds_fields {
            self.append(border.as_bytes());
        }
    }

    fn finish(mut self) -> [u8; MAC_OCTETS] {
        self.block.make_ascii_lowercase();
        self.mac.finish(self.block, self.length)
    }
}

/// Which secret made a hash, and whether its letters' case had changed since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Verified {
    pub(crate) secret_index: usize,
    pub(crate) case_folded: bool,
}

/// Finds the secret that made the `presented` hash of what `message` writes.
///
/// All of its characters must be right, however many they are. As in `Mail::SRS`, a match to the
/// letter under any secret comes before one that differs in case; the first of those is next.
pub(crate) fn verify(
    secrets: &Secrets,
    presented: &[u8],
    message: impl Fn(&mut Message<'_>),
) -> Option<Verified> {
    let mut folded = None;
    for (secret_index, secret) in secrets.iter().enumerate() {
        let expected = Hash::sign(secret, presented.len(), &message);
        match compare(secret.format(), presented, &expected) {
            Comparison::Exact => {
                return Some(Verified {
                    secret_index,
                    case_folded: false,
                });
            }
            Comparison::Folded => {
                folded = folded.or(Some(Verified {
                    secret_index,
                    case_folded: true,
                }));
            }
            Comparison::Different => {}
        }
    }
    folded
}

enum Comparison {
    Exact,
    Folded,
    Different,
}

/// Compares in a time that depends on the lengths and the verdict only, not on where the first
/// difference stands.
fn compare(format: HashFormat, presented: &[u8], expected: &Hash) -> Comparison {
    if presented.len() != expected.length {
        return Comparison::Different;
    }
    // The bits in which some octets differ, as they are and lower-cased.
    let (mut exact, mut folded) = (0, 0);
    for (&presented, &expected) in presented.iter().zip(&expected.text) {
        let presented = in_one_alphabet(format, presented);
        let expected = in_one_alphabet(format, expected);
        exact |= presented ^ expected;
        folded |= presented.to_ascii_lowercase() ^ expected.to_ascii_lowercase();
    }
    if exact.ct_eq(&0).into() {
        Comparison::Exact
    } else if folded.ct_eq(&0).into() {
        Comparison::Folded
    } else {
        Comparison::Different
    }
}

/// Gives a hash in base64url the characters of base64, since both are accepted as one alphabet.
fn in_one_alphabet(format: HashFormat, octet: u8) -> u8 {
    // Without a branch on the octet, since where they stand would tell something of the hash.
    let is_url = u8::from(format == HashFormat::Base64Url);
    let minus = is_url * u8::from(octet == b'-');
    let underscore = is_url * u8::from(octet == b'_');
    octet ^ (minus * (b'-' ^ b'+')) ^ (underscore * (b'_' ^ b'/'))
}
