//! Where an octet stands in a text, looked for in words of eight octets.

use core::mem;

/// The octets of a word.
const WORD: usize = 8;

/// The places of an octet other than zero, the first one first.
pub(crate) struct Places<'a> {
    octet: u8,
    /// What was not looked at yet.
    rest: &'a [u8],
    /// Where the word behind the one that was looked at last begins.
    next: usize,
    /// The places in that word that are still to be given, as [`places_in`] tells them.
    found: u64,
}

impl<'a> Places<'a> {
    #[inline]
    pub(crate) const fn of(octet: u8, text: &'a [u8]) -> Self {
        Self {
            octet,
            rest: text,
            next: 0,
            found: 0,
        }
    }
}

impl Iterator for Places<'_> {
    type Item = usize;

    #[inline(always)]
    fn next(&mut self) -> Option<usize> {
        while self.found == 0 {
            let word = if let Some((word, rest)) = self.rest.split_first_chunk() {
                self.rest = rest;
                u64::from_le_bytes(*word)
            } else if self.rest.is_empty() {
                return None;
            } else {
                // It is filled up with zeros, which are not looked for.
                let last = mem::take(&mut self.rest).iter().rev();
                last.fold(0, |word, &octet| word << 8 | u64::from(octet))
            };
            self.found = places_in(word, self.octet);
            self.next += WORD;
        }
        let place = self.found.trailing_zeros() as usize / 8;
        // The lowest bit is taken off.
        self.found &= self.found - 1;
        Some(self.next - WORD + place)
    }
}

/// The last place of an octet.
#[inline(always)]
pub(crate) fn last_place(octet: u8, mut text: &[u8]) -> Option<usize> {
    while let Some((before, word)) = text.split_last_chunk() {
        if let Some(bit) = places_in(u64::from_le_bytes(*word), octet).checked_ilog2() {
            return Some(before.len() + bit as usize / 8);
        }
        text = before;
    }
    text.iter().rposition(|&other| other == octet)
}

/// A word with the highest bit of each octet set that is the one looked for, and no other.
#[inline]
const fn places_in(word: u64, octet: u8) -> u64 {
    const LOWEST: u64 = u64::from_le_bytes([1; WORD]);
    const ALL_BUT_HIGHEST: u64 = u64::from_le_bytes([0x7f; WORD]);
    // Zero where the octet stands, so that nothing is carried into the highest bit.
    let differing = word ^ (LOWEST * octet as u64);
    let carried = (differing & ALL_BUT_HIGHEST) + ALL_BUT_HIGHEST;
    !(carried | differing | ALL_BUT_HIGHEST)
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    /// Whatever stands beside it, and wherever words end.
    #[test]
    fn they_are_those_that_a_look_at_each_octet_finds() {
        // Among them those that differ from it in one bit only, the highest too, and the ends.
        for other in [0, 1, b'<', b'?', b'}', 0x7f, 0x80, 0xbd, u8::MAX] {
            for length in 0..20_u32 {
                // All patterns of so many octets, or some that repeat.
                for pattern in 0..1_u32 << length.min(11) {
                    let is_place = |index: u32| pattern.rotate_right(index % 11) & 1 == 1;
                    let octet = |index| if is_place(index) { b'=' } else { other };
                    let text: Vec<u8> = (0..length).map(octet).collect();
                    let expected: Vec<_> = (0..text.len()).filter(|&at| text[at] == b'=').collect();
                    let found: Vec<_> = Places::of(b'=', &text).collect();
                    assert_eq!(found, expected, "{text:?}");
                    assert_eq!(
                        last_place(b'=', &text),
                        expected.last().copied(),
                        "{text:?}"
                    );
                }
            }
        }
    }
}
