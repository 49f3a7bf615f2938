//! A lookup service that rewrites senders for Postfix, in the place of `PostSRSd`.
//!
//! It answers Postfix's socketmap protocol, as `PostSRSd` 2, and its older `tcp_table` protocol, as
//! `PostSRSd` 1. `README.md` beside this file tells how Postfix is set up for it.
//!
//! ```text
//! $ postfix --srs-domain srs.example.net --secretfile /etc/mail-srs.secret \
//!           --socketmap unix:/var/spool/postfix/private/srs
//! info: serving socketmap on unix:/var/spool/postfix/private/srs
//! info: forward: <alice@example.com> becomes <SRS0=3lNH=4G=example.com=alice@srs.example.net>
//! ```

#[cfg(unix)]
mod arguments;
#[cfg(unix)]
mod connection;
#[cfg(unix)]
mod endpoint;
#[cfg(unix)]
mod journal;
#[cfg(unix)]
mod maps;
#[cfg(unix)]
mod protocol;
#[cfg(unix)]
mod server;
#[cfg(unix)]
mod service;
#[cfg(unix)]
mod settings;

#[cfg(unix)]
fn main() -> std::process::ExitCode {
    service::main()
}

#[cfg(not(unix))]
fn main() {
    eprintln!("error: Postfix runs on Unix, and so does this");
    std::process::exit(1);
}
