//! The digits of base64, base64url and base32: numbers of six or five bits, and their characters.

use core::iter;

/// The digits of an encoding.
pub(crate) struct Digits {
    /// The bits of each.
    bits: u32,
    of_characters: [u8; 256],
}

/// In place of a digit, for a character that is none.
const NONE: u8 = u8::MAX;

/// RFC 4648 §4.
pub(crate) static BASE64: Digits = Digits::new(
    6,
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
);

/// RFC 4648 §5, and its §4 as well: both are read as one alphabet.
pub(crate) static BASE64URL: Digits = BASE64.and(b'-', 62).and(b'_', 63);

/// RFC 4648 §6, which is written in upper case.
pub(crate) static BASE32: Digits = Digits::new(5, base32::RFC4648_NOPAD.alphabet());

#[expect(
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    reason = "the compiler has run this"
)]
impl Digits {
    const fn new(bits: u32, alphabet: &[u8]) -> Self {
        let mut of_characters = [NONE; 256];
        let mut digit = 0;
        while digit < alphabet.len() {
            of_characters[alphabet[digit] as usize] = digit as u8;
            digit += 1;
        }
        Self {
            bits,
            of_characters,
        }
    }

    /// The same with one more character.
    const fn and(&self, character: u8, digit: u8) -> Self {
        let mut of_characters = self.of_characters;
        of_characters[character as usize] = digit;
        Self {
            of_characters,
            ..*self
        }
    }
}

impl Digits {
    /// The digit that a character stands for.
    pub(crate) fn of_character(&self, character: u8) -> Option<u8> {
        let digit = self.of_characters.get(usize::from(character)).copied()?;
        (digit != NONE).then_some(digit)
    }

    /// The digits of some octets, and then zeros.
    pub(crate) fn of_octets(&self, octets: &[u8]) -> impl Iterator<Item = u8> {
        let mut octets = octets.iter();
        // Bits that were taken from the octets, and how many of the last are still to be given.
        let (mut taken, mut left) = (0_u16, 0);
        iter::repeat_with(move || {
            if left < self.bits {
                taken = taken << 8 | u16::from(octets.next().copied().unwrap_or_default());
                left += 8;
            }
            left -= self.bits;
            let [_, digit] = (taken >> left).to_be_bytes();
            digit & ((1 << self.bits) - 1)
        })
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;
    use base64ct::{Base64Unpadded, Base64UrlUnpadded, Encoding as _};

    use super::*;

    type Encode = for<'b> fn(&[u8], &'b mut [u8]) -> &'b [u8];

    const BASE64_ALPHABET: &str =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    /// Whatever the octets, and however many digits are begun by the last.
    #[test]
    fn they_are_those_of_the_crates_that_write_them() {
        let base64: Encode = |octets, to| Base64Unpadded::encode(octets, to).unwrap().as_bytes();
        let base64url: Encode =
            |octets, to| Base64UrlUnpadded::encode(octets, to).unwrap().as_bytes();
        let base32: Encode = |octets, to| base32::RFC4648_NOPAD.encode_buf(octets, to).unwrap();
        let encodings = [
            (&BASE64, base64),
            (&BASE64URL, base64),
            (&BASE64URL, base64url),
            (&BASE32, base32),
        ];
        for (digits, encode) in encodings {
            for length in 0..=20 {
                for first in 0..=255_u8 {
                    let octets: Vec<_> =
                        iter::successors(Some(first), |octet| Some(octet.wrapping_add(37)))
                            .take(length)
                            .collect();
                    let mut buffer = [0; 32];
                    let text = encode(&octets, &mut buffer);
                    let read: Option<Vec<_>> = text
                        .iter()
                        .map(|&character| digits.of_character(character))
                        .collect();
                    let written: Vec<_> = digits.of_octets(&octets).take(text.len()).collect();
                    assert_eq!(read, Some(written), "{text:?}");
                }
            }
        }
    }

    #[test]
    fn no_other_character_is_a_digit() {
        for (digits, alphabet) in [
            (&BASE64, BASE64_ALPHABET),
            (&BASE64URL, &[BASE64_ALPHABET, "-_"].concat()),
            (&BASE32, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"),
        ] {
            for octet in 0..=255 {
                let is_digit = alphabet.as_bytes().contains(&octet);
                assert_eq!(digits.of_character(octet).is_some(), is_digit, "{octet}");
            }
        }
    }
}
