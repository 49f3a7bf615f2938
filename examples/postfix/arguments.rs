//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Parser};
use log::LevelFilter;
use mail_srs::{HashFormat, Separator};

use crate::endpoint::Endpoint;

/// Rewrite envelope senders for Postfix (SRS), and turn the bounces back
#[derive(Parser)]
#[command(
    name = "postfix",
    group = ArgGroup::new("served").required(true).multiple(true),
    after_help = "\
ADDRESS is unix:PATH, inet:HOST:PORT or inet:PORT, which is on localhost. HOST may be * for all, and
inet4: or inet6: limits it.

SIGHUP loads the files anew; if one is bad, the old secrets and domains stay in use. SIGTERM ends
the service when the requests in hand are answered.

Exit status: 0 after SIGTERM or SIGINT, 1 if it cannot serve, 2 for wrong usage."
)]
pub(crate) struct Arguments {
    /// Domain of the new senders
    #[arg(long, value_name = "DOMAIN")]
    pub(crate) srs_domain: String,

    /// Further domain in which SRS addresses are accepted, such as a former one; .example.com
    /// stands for the subdomains
    #[arg(long, value_name = "DOMAIN")]
    pub(crate) accepted_domain: Vec<String>,

    /// Domain whose senders stay as they are; .example.com stands for the subdomains
    #[arg(long, value_name = "DOMAIN")]
    pub(crate) local_domain: Vec<String>,

    /// File of further such domains, one a line; # begins a comment
    #[arg(long, value_name = "FILE")]
    pub(crate) local_domains_file: Option<PathBuf>,

    /// File of secrets, one a line, of which the first signs; blank lines and lines beginning with
    /// # are skipped
    #[arg(long, value_name = "FILE")]
    pub(crate) secretfile: PathBuf,

    /// Hash format of these secrets: base64url, base64 or base32
    #[arg(long, value_name = "FORMAT", default_value_t)]
    pub(crate) hash_format: HashFormat,

    /// File of secrets of any hash format that only verify
    #[arg(long, value_name = "FORMAT:FILE", value_parser = accepted_secretfile)]
    pub(crate) accept_secretfile: Vec<(HashFormat, PathBuf)>,

    /// Separator after SRS0 and SRS1 in new addresses: =, + or -
    #[arg(long, value_name = "CHARACTER", default_value = "=", allow_hyphen_values = true, value_parser = separator)]
    pub(crate) separator: Separator,

    /// Characters of the hash in new addresses [default: 4]
    #[arg(long, value_name = "NUMBER")]
    pub(crate) hashlength: Option<usize>,

    /// Characters of the hash that are demanded [default: that of --hashlength]
    #[arg(long, value_name = "NUMBER")]
    pub(crate) hashmin: Option<usize>,

    /// Days for which an SRS0 address can be reversed [default: 21]
    #[arg(long, value_name = "DAYS")]
    pub(crate) max_age: Option<u16>,

    /// Days that an SRS0 address may be dated ahead [default: 1]
    #[arg(long, value_name = "DAYS")]
    pub(crate) max_skew: Option<u16>,

    /// Serve the socketmaps forward, reverse and access
    #[arg(long, value_name = "ADDRESS", group = "served")]
    pub(crate) socketmap: Option<Endpoint>,

    /// Serve forward alone, by Postfix's older tcp protocol
    #[arg(long, value_name = "ADDRESS", group = "served")]
    pub(crate) tcp_forward: Option<Endpoint>,

    /// Serve reverse alone, likewise
    #[arg(long, value_name = "ADDRESS", group = "served")]
    pub(crate) tcp_reverse: Option<Endpoint>,

    /// Connections at a time; further ones wait
    #[arg(long, value_name = "NUMBER", default_value_t = 2000, value_parser = connections)]
    pub(crate) connection_limit: usize,

    /// Seconds after which a silent connection is closed
    #[arg(long, value_name = "SECONDS", default_value = "300", value_parser = seconds)]
    pub(crate) idle_time: Duration,

    /// What to log on standard error: off, error, warn, info (each rewrite) or debug (each lookup)
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    pub(crate) log_level: LevelFilter,
}

fn accepted_secretfile(text: &str) -> Result<(HashFormat, PathBuf), &'static str> {
    let error = "expected FORMAT:FILE, where FORMAT is base64url, base64 or base32";
    let (format, file) = text.split_once(':').ok_or(error)?;
    Ok((format.parse().map_err(|_| error)?, file.into()))
}

fn separator(text: &str) -> Result<Separator, &'static str> {
    let mut characters = text.chars();
    let separator = characters.next().map(Separator::try_from);
    match (separator, characters.next()) {
        (Some(Ok(separator)), None) => Ok(separator),
        _ => Err("expected =, + or -"),
    }
}

fn connections(text: &str) -> Result<usize, &'static str> {
    match text.parse() {
        Ok(number @ 1..=1_000_000) => Ok(number),
        _ => Err("expected 1 to 1000000"),
    }
}

fn seconds(text: &str) -> Result<Duration, &'static str> {
    match text.parse() {
        Ok(number @ 1..=86_400) => Ok(Duration::from_secs(number)),
        _ => Err("expected 1 to 86400"),
    }
}
