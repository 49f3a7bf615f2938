//! HMAC-SHA1 with a key that was absorbed once; the only file that names sha1.
//!
//! It is written out on SHA-1's compression since nothing ready is near the two compressions that a
//! short message must take: hmac's `Hmac` takes 1.76 times their time, its `HmacCore` 1.75, this
//! 1.41. A test holds it against hmac.

use core::slice;

use sha1::block_api::compress;
use sha1::{Digest as _, Sha1};
use subtle::{Choice, ConstantTimeEq};
use zeroize::{Zeroize as _, ZeroizeOnDrop, Zeroizing};

/// The octets of a block of SHA-1.
pub(crate) const BLOCK_OCTETS: usize = 64;

/// The octets of an HMAC-SHA1.
pub(crate) const MAC_OCTETS: usize = 20;

pub(crate) type Block = [u8; BLOCK_OCTETS];

type State = [u32; 5];

/// With which SHA-1 begins (FIPS 180-4 §5.3.1).
const INITIAL: State = [
    0x6745_2301,
    0xefcd_ab89,
    0x98ba_dcfe,
    0x1032_5476,
    0xc3d2_e1f0,
];

/// The states of SHA-1 that have absorbed a key, as RFC 2104 §4 advises to keep it. They are wiped
/// when it is dropped.
pub(crate) struct Key {
    inner: State,
    outer: State,
}

impl Key {
    pub(crate) fn new(octets: &[u8]) -> Self {
        let mut block = Zeroizing::new([0; BLOCK_OCTETS]);
        if let Some(start) = block.get_mut(..octets.len()) {
            start.copy_from_slice(octets);
        } else if let Some(start) = block.first_chunk_mut() {
            // RFC 2104 §2: of a key longer than a block, its hash is the key.
            *start = <[u8; MAC_OCTETS]>::from(Sha1::digest(octets));
        }
        let absorbed = |pad: u8| {
            let mut state = INITIAL;
            let mut padded = block.clone();
            for octet in padded.iter_mut() {
                *octet ^= pad;
            }
            compress(&mut state, slice::from_ref(&*padded));
            state
        };
        Self {
            inner: absorbed(0x36),
            outer: absorbed(0x5c),
        }
    }

    /// Begins the HMAC of a message.
    pub(crate) const fn begin(&self) -> Mac<'_> {
        Mac {
            key: self,
            state: self.inner,
            absorbed: BLOCK_OCTETS,
        }
    }
}

/// Two are equal if their states are, as those of one secret.
impl ConstantTimeEq for Key {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.inner.ct_eq(&other.inner) & self.outer.ct_eq(&other.outer)
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        self.inner.zeroize();
        self.outer.zeroize();
    }
}

impl ZeroizeOnDrop for Key {}

/// An HMAC under way.
pub(crate) struct Mac<'key> {
    key: &'key Key,
    state: State,
    /// The octets that it has absorbed, those of the key among them.
    absorbed: usize,
}

impl Mac<'_> {
    /// Whether it has absorbed nothing of the message yet.
    pub(crate) const fn is_new(&self) -> bool {
        self.absorbed == BLOCK_OCTETS
    }

    /// Absorbs a whole block of the message.
    pub(crate) fn update(&mut self, block: &Block) {
        compress(&mut self.state, slice::from_ref(block));
        self.absorbed += BLOCK_OCTETS;
    }

    /// Pads the last `length` octets of the message, fewer than a block, which stand before the zeros
    /// in `last`: with a bit, and with the length of all in bits at the end of a block (FIPS 180-4
    /// §5.1.1). Tells how many blocks that takes.
    #[inline]
    pub(crate) fn pad(&self, last: &mut [Block; 2], length: usize) -> usize {
        const LENGTH_OCTETS: usize = 8;
        let bits = (self.absorbed + length) as u64 * 8;
        let blocks = if length < BLOCK_OCTETS - LENGTH_OCTETS {
            1
        } else {
            2
        };
        let octets = last.as_flattened_mut().get_mut(..blocks * BLOCK_OCTETS);
        let octets = octets.unwrap_or_default();
        if let Some(after) = octets.get_mut(length) {
            *after = 0x80;
        }
        if let Some(end) = octets.last_chunk_mut() {
            *end = bits.to_be_bytes();
        }
        blocks
    }

    /// Ends it with the last blocks of the message, which are padded.
    #[inline]
    pub(crate) fn finish(&self, padded: &[Block]) -> [u8; MAC_OCTETS] {
        let mut state = self.state;
        compress(&mut state, padded);
        let mut block = OUTER_BLOCK;
        write_words(&mut block, state);
        let mut state = self.key.outer;
        compress(&mut state, slice::from_ref(&block));
        let mut mac = [0; MAC_OCTETS];
        write_words(&mut mac, state);
        mac
    }
}

/// What the outer hash absorbs after the key: the inner hash, for which here are zeros, and padding.
const OUTER_BLOCK: Block = {
    let mut block = [0; BLOCK_OCTETS];
    block[MAC_OCTETS] = 0x80;
    let bits = (BLOCK_OCTETS + MAC_OCTETS) as u64 * 8;
    if let Some(end) = block.last_chunk_mut() {
        *end = bits.to_be_bytes();
    }
    block
};

fn write_words(octets: &mut [u8], words: State) {
    for (octets, word) in octets.chunks_exact_mut(4).zip(words) {
        octets.copy_from_slice(&word.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;
    use hmac::{Hmac, KeyInit as _, Mac as _};

    use super::*;

    /// Whatever the lengths, past two blocks.
    #[test]
    fn it_is_the_hmac_of_the_crate_of_that_name() {
        let octets: Vec<u8> = (0..=255).map(|octet| octet ^ 0xa5).collect();
        for key in (0..140).map(|length| &octets[..length]) {
            for message in (0..200).map(|length| &octets[octets.len() - length..]) {
                let key_absorbed = Key::new(key);
                let mut mac = key_absorbed.begin();
                let (blocks, rest) = message.as_chunks();
                for block in blocks {
                    mac.update(block);
                }
                let mut last = [[0; BLOCK_OCTETS]; 2];
                last[0][..rest.len()].copy_from_slice(rest);
                let blocks = mac.pad(&mut last, rest.len());
                let mut expected = Hmac::<Sha1>::new_from_slice(key).unwrap();
                expected.update(message);
                let expected: [u8; MAC_OCTETS] = expected.finalize().into_bytes().into();
                assert_eq!(mac.finish(&last[..blocks]), expected);
            }
        }
    }
}
