//! The example `forwarding`, run as its users run it: an evening whole, its settings, hostile senders,
//! messages in real time, and the page in a browser.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may fail loudly outside its `#[test]` function too"
)]

mod arguments;
mod browser;
mod evening;
#[path = "../example/mod.rs"]
mod example;
#[cfg(unix)]
mod files;
mod follow;
mod hostile;
mod program;
mod reader;
mod rules;
