//! The hash as text: alphabets, folding, truncation, comparison.

use subtle::ConstantTimeEq as _;

use crate::digits::{BASE32, BASE64, BASE64URL, Digits};
use crate::mac::{BLOCK_OCTETS, Block, MAC_OCTETS, Mac};
use crate::secret::{HashFormat, Secret, Secrets};

/// The shortest hash that is made or accepted, in characters: 2^-20 for a best guess that is read
/// without regard to case, be it base64 or base32. `Mail::SRS` takes 1.
pub(crate) const MIN_LENGTH: usize = 4;

/// The characters of the longest hash, in any format: 32 in base32, 27 in base64.
pub(crate) const MAX_LENGTH: usize = 32;

/// An HMAC, and how many characters of it are written, in which format.
#[derive(Clone, Copy)]
pub(crate) struct Hash {
    mac: [u8; MAC_OCTETS],
    format: HashFormat,
    length: usize,
}

impl Hash {
    /// Signs what `message` writes, cutting the hash to `length` characters, but no more than it has.
    #[inline]
    pub(crate) fn sign(secret: &Secret, length: usize, message: impl Fn(&mut Message<'_>)) -> Self {
        let mut hashed = Message::new(secret);
        message(&mut hashed);
        let format = secret.format();
        Self {
            mac: hashed.pad().mac(),
            format,
            length: length.min(format.max_length()),
        }
    }

    /// How many characters it has.
    pub(crate) const fn len(&self) -> usize {
        self.length
    }

    /// Its characters, which are ASCII.
    pub(crate) fn characters(&self) -> impl Iterator<Item = u8> {
        digits(self.format).write(&self.mac).take(self.length)
    }
}

/// Two are equal if they are written alike.
impl PartialEq for Hash {
    fn eq(&self, other: &Self) -> bool {
        self.characters().eq(other.characters())
    }
}

impl Eq for Hash {}

const fn digits(format: HashFormat) -> &'static Digits {
    match format {
        HashFormat::Base64Url => &BASE64URL,
        HashFormat::Base64 => &BASE64,
        HashFormat::Base32 => &BASE32,
    }
}

/// What is hashed, folded on its way into the HMAC: ASCII letters are lower-cased and all else
/// stays as it is, so that the hash survives a mail server that folds the local part.
pub(crate) struct Message<'key> {
    mac: Mac<'key>,
    binds_fields: bool,
    /// Octets that the HMAC has not seen yet, fewer than a block, and zeros behind them. The padding
    /// may need a second block.
    last: [Block; 2],
    length: usize,
}

impl<'key> Message<'key> {
    fn new(secret: &'key Secret) -> Self {
        Self {
            mac: secret.begin(),
            binds_fields: secret.format().binds_fields(),
            last: [[0; BLOCK_OCTETS]; 2],
            length: 0,
        }
    }

    /// Appends what every format hashes.
    #[inline]
    pub(crate) fn append(&mut self, octets: &[u8]) {
        let end = self.length + octets.len();
        let [block, _] = &mut self.last;
        match block.get_mut(self.length..end) {
            Some(place) if end < BLOCK_OCTETS => {
                copy_lowercase(place, octets);
                self.length = end;
            }
            _ => self.append_past_block(octets),
        }
    }

    /// The same for what fills the block, once or many times.
    #[cold]
    fn append_past_block(&mut self, mut octets: &[u8]) {
        let [block, _] = &mut self.last;
        while let Some(place) = block.get_mut(self.length..)
            && let Some((now, later)) = octets.split_at_checked(place.len())
        {
            copy_lowercase(place, now);
            self.mac.update(block);
            *block = [0; BLOCK_OCTETS];
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

    /// Ends it.
    #[inline]
    fn pad(&mut self) -> Padded<'_, 'key> {
        let blocks = self.mac.pad(&mut self.last, self.length);
        Padded {
            message: self,
            blocks,
        }
    }
}

/// A message with nothing more to come.
struct Padded<'message, 'key> {
    message: &'message mut Message<'key>,
    /// How many blocks its last octets fill with their padding.
    blocks: usize,
}

impl<'key> Padded<'_, 'key> {
    #[inline]
    fn mac(&self) -> [u8; MAC_OCTETS] {
        let last = self.message.last.get(..self.blocks).unwrap_or_default();
        self.message.mac.finish(last)
    }

    /// Makes it the same message for another secret. `write`, which wrote it, need not do so again if
    /// all of it is in the block still and the other format hashes the same: the padded block stays
    /// as it is, and costs no more than its compression.
    fn change_secret(&mut self, secret: &'key Secret, write: impl Fn(&mut Message<'key>)) {
        let message = &mut *self.message;
        if message.mac.is_new() && message.binds_fields == secret.format().binds_fields() {
            message.mac = secret.begin();
        } else {
            *message = Message::new(secret);
            write(message);
            self.blocks = message.pad().blocks;
        }
    }
}

/// Copies octets to a place as long, with ASCII letters lower-cased.
fn copy_lowercase(to: &mut [u8], from: &[u8]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = from.to_ascii_lowercase();
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
    let mut hashed = Message::new(secrets.signing());
    message(&mut hashed);
    let mut hashed = hashed.pad();
    for (secret_index, secret) in secrets.iter().enumerate() {
        // For the first, the one that signs, it was written already.
        if secret_index > 0 {
            hashed.change_secret(secret, &message);
        }
        let expected = hashed.mac();
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

/// Compares a hash with the HMAC that it is to show, digit by digit, in a time that depends on the
/// lengths and the verdict only, not on where the first difference stands.
fn compare(format: HashFormat, presented: &[u8], expected: &[u8; MAC_OCTETS]) -> Comparison {
    // An empty hash would differ nowhere, and so match.
    if !(MIN_LENGTH..=format.max_length()).contains(&presented.len()) {
        return Comparison::Different;
    }
    // What is not zero if some digits differ, as they are and without regard to case. The HMAC's are
    // neither compared nor folded: of a comparison the compiler can make a branch, which takes a time
    // of its own.
    let (mut exact, mut folded) = (0, 0);
    let digits = digits(format);
    for (&character, expected) in presented.iter().zip(digits.of_octets(expected)) {
        let [as_is, other] = digits
            .of_character(character)
            .map(|digit| u16::from(expected ^ digit));
        exact |= as_is;
        // A product is zero only if a factor is. That of two octets fits.
        folded |= as_is * other;
    }
    if exact.ct_eq(&0).into() {
        Comparison::Exact
    } else if folded.ct_eq(&0).into() {
        Comparison::Folded
    } else {
        Comparison::Different
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    /// However long they are, and wherever a block ends among them.
    #[test]
    fn pieces_are_hashed_as_one_lower_case_text() {
        let secret = Secret::new("tops3cr3t").unwrap();
        let octets: Vec<u8> = (0..=255).collect();
        for first in 0..140 {
            for second in 0..140 {
                let pieces = [&octets[..first], &octets[octets.len() - second..]];
                let mut message = Message::new(&secret);
                for piece in pieces {
                    message.append(piece);
                }

                let text = pieces.concat().to_ascii_lowercase();
                let (blocks, rest) = text.as_chunks();
                let mut mac = secret.begin();
                for block in blocks {
                    mac.update(block);
                }
                let mut last = [[0; BLOCK_OCTETS]; 2];
                last[0][..rest.len()].copy_from_slice(rest);
                let blocks = mac.pad(&mut last, rest.len());
                assert_eq!(message.pad().mac(), mac.finish(&last[..blocks]), "{text:?}");
            }
        }
    }

    #[test]
    fn a_hash_too_short_or_too_long_matches_nothing() {
        for format in [
            HashFormat::Base64Url,
            HashFormat::Base64,
            HashFormat::Base32,
        ] {
            let secret = Secret::new("tops3cr3t").unwrap().with_format(format);
            let secrets = Secrets::new(secret);
            let hash = Hash::sign(secrets.signing(), MAX_LENGTH, |_| ());
            let hash: Vec<_> = hash.characters().collect();
            let matches = |hash: &[u8]| verify(&secrets, hash, |_| ()).is_some();
            for length in 0..=hash.len() {
                assert_eq!(matches(&hash[..length]), length >= MIN_LENGTH, "{length}");
            }
            assert!(!matches(&[hash.as_slice(), b"A"].concat()));
        }
    }

    /// Whatever their formats, and wherever a block of the message ends.
    #[test]
    fn the_secret_that_signed_is_found() {
        let secret = |octets, format| Secret::new(octets).unwrap().with_format(format);
        let secrets = Secrets::new(secret("one", HashFormat::Base64))
            .accept(secret("two", HashFormat::Base64Url))
            .accept(secret("three", HashFormat::Base32))
            .accept(secret("four", HashFormat::Base64));
        let octets = [b'a'; 3 * BLOCK_OCTETS];
        for piece in (0..=octets.len()).map(|length| &octets[..length]) {
            let message = |message: &mut Message<'_>| {
                message.append(piece);
                message.append_border("=");
                message.append(b"alice");
            };
            for (secret_index, secret) in secrets.iter().enumerate() {
                let hash = Hash::sign(secret, MAX_LENGTH, message);
                let hash: Vec<_> = hash.characters().collect();
                let verdict = |hash: &[u8]| verify(&secrets, hash, message);
                let found = |case_folded| {
                    Some(Verified {
                        secret_index,
                        case_folded,
                    })
                };
                assert_eq!(verdict(&hash), found(false));
                assert_eq!(verdict(&hash.to_ascii_lowercase()), found(true));
                for index in 0..hash.len() {
                    let mut changed = hash.clone();
                    changed[index] = b'=';
                    assert_eq!(verdict(&changed), None);
                }
            }
        }
    }

    #[test]
    fn hashes_are_equal_if_they_are_written_alike() {
        let hash = |last, length| Hash {
            mac: [[1; MAC_OCTETS - 1].as_slice(), &[last]]
                .concat()
                .try_into()
                .unwrap(),
            format: HashFormat::Base64,
            length,
        };
        assert!(hash(1, 4) == hash(2, 4));
        assert!(hash(1, 27) != hash(2, 27));
        assert!(hash(1, 4) != hash(1, 5));
    }
}
