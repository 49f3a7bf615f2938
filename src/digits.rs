//! The digits of base64, base64url and base32: numbers of six or five bits, and their characters.

use core::iter;

/// The digits of an encoding.
pub(crate) struct Digits {
    /// The bits of each.
    bits: u32,
    characters: [u8; 64],
    /// What each character stands for: as it is, and in the other case.
    of_characters: [[u8; 2]; 256],
}

/// In place of a digit, for a character that is none. No digit is as large.
const NONE: u8 = u8::MAX;

/// RFC 4648 §4.
pub(crate) static BASE64: Digits = Digits::new(
    6,
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
);

/// RFC 4648 §5, and read as its §4 as well, as one alphabet.
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
        let mut digits = Self {
            bits,
            characters: [0; 64],
            of_characters: [[NONE; 2]; 256],
        };
        let mut digit = 0;
        while digit < alphabet.len() {
            digits = digits.and(alphabet[digit], digit as u8);
            digit += 1;
        }
        digits
    }

    /// The same with one more character for a digit, which is written so from now on.
    const fn and(&self, character: u8, digit: u8) -> Self {
        let Self {
            bits,
            mut characters,
            mut of_characters,
        } = *self;
        characters[digit as usize] = character;
        of_characters[character as usize][0] = digit;
        let in_other_case = if character.is_ascii_lowercase() {
            character.to_ascii_uppercase()
        } else {
            character.to_ascii_lowercase()
        };
        of_characters[in_other_case as usize][1] = digit;
        Self {
            bits,
            characters,
            of_characters,
        }
    }
}

impl Digits {
    /// The digits that a character stands for: as it is, and in the other case.
    pub(crate) fn of_character(&self, character: u8) -> [u8; 2] {
        // The table has a place for each octet.
        let digits = self.of_characters.get(usize::from(character)).copied();
        digits.unwrap_or([NONE; 2])
    }

    /// The digit that a character stands for in either case, of an encoding that uses one case only.
    pub(crate) fn of_character_folded(&self, character: u8) -> Option<u8> {
        let [as_is, other] = self.of_character(character);
        let digit = as_is.min(other);
        (digit != NONE).then_some(digit)
    }

    /// The digits of some octets, and then zeros.
    pub(crate) fn of_octets(&self, octets: &[u8]) -> impl Iterator<Item = u8> {
        let mut octets = octets.iter();
        // Bits that were taken from the octets, and how many of the last are still to be given.
        let (mut taken, mut left) = (0_u32, 0);
        iter::repeat_with(move || {
            if left < self.bits {
                taken = taken << 8 | u32::from(octets.next().copied().unwrap_or_default());
                left += 8;
            }
            left -= self.bits;
            let [.., digit] = (taken >> left).to_be_bytes();
            digit & ((1 << self.bits) - 1)
        })
    }

    /// The character for a digit, if it is one.
    pub(crate) fn character(&self, digit: impl Into<usize>) -> Option<u8> {
        self.characters.get(digit.into()).copied()
    }

    /// Writes octets in characters, from their beginning, and then zeros. They are looked up as they
    /// are asked for, so that the time tells of no more than of what is written.
    pub(crate) fn write(&self, octets: &[u8]) -> impl Iterator<Item = u8> {
        // There is one for each digit.
        self.of_octets(octets)
            .map(|digit| self.character(digit).unwrap_or_default())
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
        // What is read must be known in its own case, what is written is what the crate writes.
        let encodings = [
            (&BASE64, base64, true),
            (&BASE64URL, base64, false),
            (&BASE64URL, base64url, true),
            (&BASE32, base32, true),
        ];
        for (digits, encode, is_written_so) in encodings {
            for length in 0..=20 {
                for first in 0..=255_u8 {
                    let octets: Vec<_> =
                        iter::successors(Some(first), |octet| Some(octet.wrapping_add(37)))
                            .take(length)
                            .collect();
                    let mut buffer = [0; 32];
                    let text = encode(&octets, &mut buffer);
                    let read: Vec<_> = text
                        .iter()
                        .map(|&character| digits.of_character(character)[0])
                        .collect();
                    let expected: Vec<_> = digits.of_octets(&octets).take(text.len()).collect();
                    assert_eq!(read, expected, "{text:?}");
                    let written: Vec<_> = digits.write(&octets).take(text.len()).collect();
                    assert_eq!(
                        written == text,
                        is_written_so || !text.iter().any(|c| b"+/".contains(c))
                    );
                }
            }
        }
    }

    #[test]
    fn a_character_is_a_digit_if_it_is_in_the_alphabet_in_either_case() {
        for (digits, alphabet) in [
            (&BASE64, BASE64_ALPHABET),
            (&BASE64URL, &[BASE64_ALPHABET, "-_"].concat()),
            (&BASE32, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"),
        ] {
            let is_digit = |octet: u8| alphabet.as_bytes().contains(&octet);
            for octet in 0..=255_u8 {
                let [as_is, other] = digits.of_character(octet);
                assert_eq!(as_is != NONE, is_digit(octet), "{octet}");
                let in_other_case = if octet.is_ascii_lowercase() {
                    octet.to_ascii_uppercase()
                } else {
                    octet.to_ascii_lowercase()
                };
                assert_eq!(other, digits.of_character(in_other_case)[0], "{octet}");
            }
        }
    }
}
