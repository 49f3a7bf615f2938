//! The lookup service of `examples/postfix`: by itself, asked by Postfix's own `postmap`, and at work
//! in a whole Postfix on loopback.
//!
//! Where Postfix is not installed, or the tests do not run as root, as which alone Postfix starts,
//! what needs it is left out, which one line tells; `MAIL_SRS_PEERS=required` makes that an error,
//! as in CI.

#![cfg(unix)]

mod client;
mod delivery;
#[path = "../example/mod.rs"]
mod example;
mod faults;
mod folder;
mod instance;
mod lookups;
mod postmap;
mod service;
