//! The Sender Rewriting Scheme (SRS): forward mail without failing SPF, and turn the bounces back.
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![deny(missing_docs)]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod error;
mod forward;
mod hash;
mod mailbox;
mod reverse;
mod secret;
mod srs;
mod srs_address;
mod timestamp;

#[cfg(feature = "getrandom")]
pub use crate::secret::GeneratedSecret;
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
