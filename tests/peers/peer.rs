//! What the tests ask of a peer, whatever it is.

use crate::{differences::Kind, hops::Hop};

/// An answer: the address, or what the peer complains of.
pub(crate) type Answer = Result<String, String>;

/// Another implementation of SRS, at work on this machine.
pub(crate) trait Peer {
    fn kind(&self) -> Kind;

    /// Forwards a sender as this hop would, at this time in Unix seconds.
    fn forward(&mut self, hop: &Hop, now: u64, sender: &str) -> Answer;

    /// Reverses an address as this hop would, at this time in Unix seconds.
    fn reverse(&mut self, hop: &Hop, now: u64, address: &str) -> Answer;

    /// Whether it believes the time that it is told, and takes any settings. `PostSRSd` reads the
    /// system's clock, and its settings are those it was started with.
    fn obeys(&self) -> bool;
}
