//! The guide: how to choose the settings, move from other software, run a forwarder, what the
//! scheme protects, and how the crate is tested.
//!
//! It holds text only. Every example in it is compiled and run by the tests.
//!
//! - [`settings`]: each setting and what it is worth; how to change secrets and hash lengths while
//!   mail is in flight,
//! - [`migrating`]: how to take over from `Mail::SRS`, libsrs2, `PostSRSd` and pysrs,
//! - [`forwarder`]: which mail to rewrite, what to answer at RCPT, and what SRS does not do,
//! - [`security`]: what the hash covers, and what it does not,
//! - [`testing`]: how it is tested, with figures and the commands that repeat them.

#[doc = include_str!("settings.md")]
pub mod settings {}

#[doc = include_str!("migrating.md")]
pub mod migrating {}

#[doc = include_str!("forwarder.md")]
pub mod forwarder {}

#[doc = include_str!("security.md")]
pub mod security {}

#[doc = include_str!("testing.md")]
pub mod testing {}
