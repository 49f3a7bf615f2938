//! The Sender Rewriting Scheme (SRS): forward mail without failing SPF, and turn the bounces back.
//!
//! A server that forwards a message unchanged fails SPF at the next hop, because the sender's domain
//! never authorised it. SRS rewrites the envelope sender into the forwarder's own domain and packs
//! the original into the local part, signed and dated, so that a bounce finds its way home.
//!
//! ```
//! use mail_srs::{Day, Secret, Srs};
//!
//! let srs = Srs::new(Secret::new("tops3cr3t")?);
//! let today = Day::from_unix_seconds(1_139_668_800); // or Day::today()
//!
//! let forwarded = srs.forward("alice@example.com", "forward.example", today)?;
//! let sender = forwarded.to_string();
//! assert_eq!(sender, "SRS0=3lNH=4G=example.com=alice@forward.example");
//!
//! let reversed = srs.reverse(&sender, today)?;
//! assert_eq!(reversed.to_string(), "alice@example.com");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! - [`Srs`] has the two verbs, [`SrsBuilder`] its settings, [`Secrets`] what it signs and verifies
//!   with.
//! - [`Forwarded`] and [`Reversed`] are their results: they borrow from the arguments and implement
//!   `Display`, so `write!` puts them where you like.
//! - [`ReverseError`] says why an address was refused, and [`ReverseError::smtp_reply`] what to
//!   answer.
#![cfg_attr(
    feature = "std",
    doc = "- [`Forwarder`] is what a mail server needs on top: whose mail is rewritten, for which destinations,
  and what a recipient is. [`Domains`] are the sets of domains that it knows."
)]
//! - [`SrsAddress`] reads an SRS address without any secret, for logs and tools.
//!
//! Neither verb allocates, reads a clock or has any effect. Both take the [`Day`] as an argument.
//!
#![cfg_attr(
    all(any(doc, doctest), feature = "std"),
    doc = "The [guide] tells how to choose the settings, move from other software, and run a forwarder."
)]
//!
//! # Scope
//!
//! There is no RFC for SRS. The addresses are those of `Mail::SRS`, libsrs2 and `PostSRSd`; where
//! these disagree, this crate decides, and its tests say how. What it decides on hostile input:
//! nothing comes out that could end an SMTP command.
//!
//! Not here: DNS and SPF checks. SRS makes SPF pass, but not DMARC's alignment of SPF with `From:`;
//! DKIM has to carry that.
//!
//! # Features
//!
//! - `std` (default): `Day::today`, the only function that reads a clock; `Forwarder` and its
//!   `Domains`. Implies `alloc`.
//! - `alloc`: several secrets, by `Secrets::accept` and `Secrets::from_lines`.
//! - `getrandom`: `GeneratedSecret`.
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![deny(missing_docs)]
// Nothing that input can reach may panic; tests may, so these are not in the manifest.
#![warn(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    clippy::string_slice,
    clippy::unwrap_used
)]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod digits;
#[cfg(feature = "std")]
mod domains;
mod error;
mod forward;
#[cfg(feature = "std")]
mod forwarder;
mod hash;
mod mac;
mod mailbox;
mod reverse;
mod secret;
mod srs;
mod srs_address;
mod timestamp;

// Text only, for the documentation; its examples use everything that `std` brings.
#[cfg(all(any(doc, doctest), feature = "std"))]
pub mod guide;

#[cfg(feature = "getrandom")]
pub use crate::secret::GeneratedSecret;
#[cfg(feature = "std")]
pub use crate::{
    domains::Domains,
    error::{DomainsError, ForwarderBuildError, IncomingError, OutgoingError},
    forwarder::{
        Destinations, Envelope, Forwarder, ForwarderBuilder, Incoming, KeepReason, Outgoing, Spf,
        TooLong,
    },
};
pub use crate::{
    error::{
        AddressError, BuildError, ForwardError, HashFormatError, ParseError, ReverseError,
        SecretError, SeparatorError, SmtpReply, SyntaxError,
    },
    forward::{Forwarded, ForwardedKind},
    mailbox::{Mailbox, Text},
    reverse::Reversed,
    secret::{HashFormat, Secret, Secrets},
    srs::{Srs, SrsBuilder},
    srs_address::{Separator, SrsAddress, SrsKind},
    timestamp::{Day, Timestamp},
};

/// The examples of README.md are tested with those of the crate.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
