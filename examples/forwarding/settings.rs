//! The command line, and the settings that it comes to.

use std::ffi::OsString;
use std::fmt::Display;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Parser};
use mail_srs::{
    Day, Destinations, Domains, Forwarder, GeneratedSecret, HashFormat, Secret, Secrets, Srs,
};

use crate::fate::{Rules, Scope, SpamRule};
use crate::report_files::Files;

/// The evening that comes with the program.
pub(crate) const EVENING: &[u8] = include_bytes!("evening.jsonl");
const EVENING_SRS_DOMAIN: &str = "srs.provider.example";
const EVENING_LOCAL_DOMAINS: &str = include_str!("local-domains");

/// Forward an evening's mail with SRS, and report the spam that was not forwarded
#[derive(Parser)]
#[command(
    name = "forwarding",
    override_usage = "forwarding [OPTIONS] [MESSAGES]\n       forwarding --follow [OPTIONS]",
    after_help = "\
Without MESSAGES it reads the evening that comes with it, with a secret made for this run. Messages
of your own need --srs-domain, --local-domains and --secretfile.

A message is a JSON object on a line of its own:
  recipient  whom it is for, in one of your domains
  target     where that recipient's mail is forwarded to; null if there is no such recipient
  sender     the envelope sender, \"\" for a bounce
  score      what the spam filter says; with a target only
  size       in octets; with a target only
  time       when it came, to be repeated; may be missing
  returns    what comes back to its new sender, to play that: \"bounce\", \"late-bounce\",
             \"altered-bounce\" or \"mail\"; may be missing
Other fields are passed over. A bounce that comes back is a message to an SRS address.

DESTINATIONS are \"all\", \"none\", or a file of domains, one a line: \"example.com\" is that domain,
\".example.com\" its subdomains, and # begins a comment.

The JSON document holds from, to, spam_cut_off, spam_destinations, customer, counts, and discards:
for each target and recipient the senders, each with count, highest_score and sender, which is \"\" for
bounces. More than 1,000 senders to one recipient or 100,000 in all are told together, with null for
sender; more than 10,000 recipients too, with null for all three.

Recipients that do not exist are counted, and never shown. --follow ends with its input; the files of
--json=FILE and --html are at most a second behind, and always whole.

Exit status: 0 when all went well, 1 when a line was no message or a file could not be read or
written, 2 for wrong usage."
)]
pub(crate) struct Arguments {
    /// File of messages to read instead of the evening that comes with the program
    #[arg(value_name = "MESSAGES", conflicts_with = "follow")]
    pub(crate) messages: Option<PathBuf>,

    /// Read messages from standard input as they come, and keep the report's files current
    #[arg(long)]
    pub(crate) follow: bool,

    /// Domain of the new senders
    #[arg(long, value_name = "DOMAIN")]
    srs_domain: Option<String>,

    /// File of the domains whose mail is yours, in the form of DESTINATIONS
    #[arg(long, value_name = "FILE")]
    local_domains: Option<PathBuf>,

    /// For whom senders are rewritten
    #[arg(long, value_name = "DESTINATIONS", default_value = "all")]
    srs_destinations: OsString,

    /// Lowest spam score that is not forwarded
    #[arg(long, value_name = "SCORE", default_value = "6.0", value_parser = score, allow_negative_numbers = true)]
    spam_cut_off: f64,

    /// To whom spam is not forwarded
    #[arg(long, value_name = "DESTINATIONS", default_value = "all")]
    spam_destinations: OsString,

    /// Secret; the first signs, all verify (other users may see it in the list of processes)
    #[arg(long, value_name = "SECRET", allow_hyphen_values = true)]
    secret: Vec<OsString>,

    /// File of further secrets, one a line; blank lines and lines beginning with # are skipped
    #[arg(long, value_name = "FILE")]
    secretfile: Option<PathBuf>,

    /// Hash format of the secrets: base64url, base64 or base32
    #[arg(long, value_name = "FORMAT", default_value_t)]
    hash_format: HashFormat,

    /// Unix time to take for now, in seconds
    #[arg(long, value_name = "UNIX")]
    now: Option<u64>,

    /// Report only what was discarded of mail to this domain
    #[arg(long, value_name = "DOMAIN")]
    customer: Option<String>,

    /// Print the report as a JSON document and nothing else; or write it to a file
    // A hyphen stands for standard output, and is what there is without a file.
    #[arg(
        long,
        value_name = "FILE",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "-"
    )]
    json: Option<PathBuf>,

    /// Write the report as a page that can be shown to a customer
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

/// What is made of the messages, and where it goes.
#[derive(Debug, Default)]
pub(crate) struct Outputs {
    /// The domain whose mail the report is about, and how to tell it; none for all.
    pub(crate) customer: Option<(String, Domains)>,
    /// Whether the JSON document is all that standard output shows.
    pub(crate) json_only: bool,
}

fn score(text: &str) -> Result<f64, &'static str> {
    match text.parse::<f64>() {
        Ok(score) if score.is_finite() => Ok(score),
        _ => Err("give a number such as 6.0; to forward all spam, give --spam-destinations none"),
    }
}

impl Arguments {
    pub(crate) fn parse_all() -> Result<Self, clap::Error> {
        Self::try_parse().map_err(|error| {
            match error.get(ContextKind::InvalidArg) {
                // Clap would repeat what may be a secret.
                Some(ContextValue::String(argument))
                    if error.kind() == ErrorKind::UnknownArgument
                        && argument.starts_with("--secret") =>
                {
                    usage("unexpected text after --secret: put a space or = before the value")
                }
                _ => error,
            }
        })
    }

    /// The day of a message that comes now.
    pub(crate) fn today(&self) -> Day {
        self.now.map_or_else(Day::today, Day::from_unix_seconds)
    }

    /// Whether the messages are those that come with the program.
    pub(crate) const fn plays_the_evening(&self) -> bool {
        self.messages.is_none() && !self.follow
    }

    pub(crate) fn outputs(&self) -> Result<Outputs, clap::Error> {
        let customer = match &self.customer {
            Some(name) => Some((
                name.clone(),
                Domains::new([name]).map_err(|_| {
                    usage("--customer: give a domain, as in the addresses of its mailboxes")
                })?,
            )),
            None => None,
        };
        Ok(Outputs {
            customer,
            json_only: self.json_only(),
        })
    }

    fn json_only(&self) -> bool {
        self.json.as_deref() == Some(Path::new("-"))
    }

    pub(crate) fn files(&self) -> Result<Files, clap::Error> {
        let json = self.json.clone().filter(|_| !self.json_only());
        let html = self.html.clone();
        if html.as_deref() == Some(Path::new("-")) {
            return Err(usage("--html: give a file, for a page is not printed"));
        }
        if let (Some(html), Some(json)) = (&html, &json)
            && is_same(html, json)
        {
            return Err(usage("--html and --json: give each a file of its own"));
        }
        Ok(Files::new(html, json))
    }

    pub(crate) fn rules(&self) -> Result<Rules, clap::Error> {
        let srs_domain = match &self.srs_domain {
            Some(domain) => domain,
            None if self.plays_the_evening() => EVENING_SRS_DOMAIN,
            None => return Err(usage("no --srs-domain: give the domain of the new senders")),
        };
        let local_domains = match &self.local_domains {
            Some(path) => read_text("--local-domains", path)?,
            None if self.plays_the_evening() => EVENING_LOCAL_DOMAINS.to_owned(),
            None => {
                return Err(usage(
                    "no --local-domains: give a file of the domains whose mail is yours",
                ));
            }
        };
        let local = || {
            Domains::from_lines(&local_domains)
                .map_err(|error| usage(format_args!("--local-domains: {error}")))
        };
        let srs = Srs::builder(self.secrets()?).build().map_err(usage)?;
        let forwarder = Forwarder::builder(srs)
            .srs_domain(srs_domain)
            .local_domains(local()?)
            .destinations(match scope("--srs-destinations", &self.srs_destinations)? {
                Scope::All => Destinations::All,
                Scope::Only(domains) => Destinations::Only(domains),
            })
            .build()
            .map_err(|error| usage(format_args!("--srs-domain: {error}")))?;
        let spam = SpamRule {
            cut_off: self.spam_cut_off,
            scope: scope("--spam-destinations", &self.spam_destinations)?,
            local: local()?,
        };
        Ok(Rules { forwarder, spam })
    }

    /// Those of --secret, then those of --secretfile.
    ///
    /// None is built in: somebody would run with it.
    fn secrets(&self) -> Result<Secrets, clap::Error> {
        let mut rings = Vec::new();
        for secret in &self.secret {
            let secret = Secret::new(secret.as_encoded_bytes())
                .map_err(|error| usage(format_args!("--secret: {error}")))?;
            rings.push(Secrets::new(secret.with_format(self.hash_format)));
        }
        if let Some(path) = &self.secretfile {
            let lines = read("--secretfile", path)?;
            let secrets = Secrets::from_lines(lines, self.hash_format);
            rings.push(secrets.map_err(|error| usage(format_args!("--secretfile: {error}")))?);
        }
        if rings.is_empty() && self.plays_the_evening() {
            let secret = GeneratedSecret::new().map_err(usage)?.to_secret();
            rings.push(Secrets::new(secret.with_format(self.hash_format)));
        }
        let joined = rings.into_iter().reduce(Secrets::accept_all);
        joined.ok_or_else(|| {
            usage(
                "no secret: give --secretfile (`cargo run --example srs -- --generate-secret` \
                 makes one)",
            )
        })
    }
}

/// Whether two paths lead to one file, which need not be there yet.
fn is_same(one: &Path, other: &Path) -> bool {
    let found = |path: &Path| {
        fs::canonicalize(path).or_else(|_| {
            let folder = path.parent().filter(|folder| *folder != Path::new(""));
            let folder = fs::canonicalize(folder.unwrap_or(Path::new(".")))?;
            Ok::<_, io::Error>(folder.join(path.file_name().unwrap_or_default()))
        })
    };
    match (found(one), found(other)) {
        // What is no file may well take both, such as /dev/null.
        (Ok(one), Ok(other)) => one == other && (one.is_file() || !one.exists()),
        _ => one == other,
    }
}

fn scope(option: &str, value: &OsString) -> Result<Scope, clap::Error> {
    match value.to_str() {
        Some("all") => Ok(Scope::All),
        Some("none") => Ok(Scope::Only(Domains::default())),
        _ => Domains::from_lines(&read_text(option, Path::new(value))?)
            .map(Scope::Only)
            .map_err(|error| usage(format_args!("{option}: {error}"))),
    }
}

fn read(option: &str, path: &Path) -> Result<Vec<u8>, clap::Error> {
    fs::read(path).map_err(|error| {
        let path = path.display();
        usage(format_args!("cannot read {option} {path}: {error}"))
    })
}

fn read_text(option: &str, path: &Path) -> Result<String, clap::Error> {
    String::from_utf8(read(option, path)?).map_err(|_| {
        let path = path.display();
        usage(format_args!("{option} {path} is no text in UTF-8"))
    })
}

/// Wrong usage, in the form that clap gives its own errors.
pub(crate) fn usage(message: impl Display) -> clap::Error {
    Arguments::command().error(ErrorKind::ValueValidation, message)
}
