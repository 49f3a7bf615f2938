//! The Sender Rewriting Scheme on the command line, with the flags of the classic `srs(1)`.
//!
//! ```text
//! $ srs --secret tops3cr3t --alias forward.example alice@example.com
//! SRS0=3lNH=4G=example.com=alice@forward.example
//! $ srs --secret tops3cr3t --reverse SRS0=3lNH=4G=example.com=alice@forward.example
//! alice@example.com
//! ```
//!
//! Without an address it is a filter: one address a line on standard input, answered as soon as no
//! further line is at hand. The file reads in this order: arguments, settings, the three verbs,
//! output, input.

use std::borrow::Cow;
use std::ffi::OsString;
use std::fmt::{self, Display, Write as _};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{fs, str};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Parser};
use mail_srs::{
    Day, ForwardError, Forwarded, GeneratedSecret, HashFormat, Mailbox, ParseError, ReverseError,
    Reversed, Secret, SecretError, Secrets, Srs, SrsAddress, SrsKind, Text, Timestamp,
};
use serde::{Serialize, Serializer};

/// Octets beyond which a text is refused unread, so that a line without end takes no memory.
///
/// Far above any address: RFC 5321 §4.5.3.1.3 ends a path at 256.
const LONGEST_ADDRESS: usize = 64 * 1024;

/// Octets of an address that an error message repeats.
const LONGEST_SHOWN: usize = 1024;

/// What a pipe holds on Linux; larger buffers bring nothing.
const BUFFER_SIZE: usize = 64 * 1024;

// ---------------------------------------------------------------------------------- arguments

/// Rewrite envelope senders for forwarding, and turn the bounces back (SRS)
#[derive(Parser)]
#[command(
    name = "srs",
    override_usage = "srs [--forward | --reverse | --inspect] [OPTIONS] [ADDRESS]...\n       \
                      srs --generate-secret",
    after_help = "\
Addresses are taken from --address, then from the rest of the command line. Without any, they are
read from standard input, one a line; an empty line is the null sender.

Results go to standard output, a line each. An address that fails has a message on standard error
instead, but with --json it too has its line, so that lines out match lines in.

Exit status: 0 when all went well, 1 when an address failed, 2 for wrong usage.",
    // As Perl's Getopt::Long has it: `--rev` is `--reverse`, and the last of two values holds.
    infer_long_args = true,
    args_override_self = true
)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
struct Arguments {
    /// Rewrite senders into the domain of --alias (the default)
    #[arg(long)]
    forward: bool,

    /// Turn SRS addresses back into the senders they were made for
    // As in the classic srs, it wins over --forward, which nothing here reads.
    #[arg(long)]
    reverse: bool,

    /// Show the fields of SRS addresses without verifying them; needs no secret
    #[arg(long, conflicts_with_all = ["forward", "reverse"])]
    inspect: bool,

    /// Domain of the new sender; of a full address, its domain is used
    // The hidden names here and below are abbreviations that the newer options made ambiguous.
    #[arg(long, value_name = "DOMAIN", alias = "al")]
    alias: Option<String>,

    /// Secret; the first signs, all verify (other users may see it in the list of processes)
    // A hyphen may begin a secret. It is no `String`, for its bytes are the key, UTF-8 or not.
    #[arg(long, value_name = "SECRET", allow_hyphen_values = true)]
    secret: Vec<OsString>,

    /// File of further secrets, one a line; blank lines and lines beginning with # are skipped
    #[arg(long, value_name = "FILE")]
    secretfile: Option<PathBuf>,

    /// Address to work on; here it may begin with a hyphen
    #[arg(long, value_name = "ADDRESS", allow_hyphen_values = true)]
    address: Vec<OsString>,

    /// Separator after SRS0 and SRS1 in new addresses: = (the default), + or -
    #[arg(long, value_name = "CHARACTER", allow_hyphen_values = true)]
    separator: Option<char>,

    /// Characters of the hash in new addresses [default: 4]
    #[arg(long, value_name = "NUMBER", aliases = ["ha", "has", "hash"])]
    hashlength: Option<usize>,

    /// Characters of the hash that --reverse demands [default: that of --hashlength]
    #[arg(long, value_name = "NUMBER")]
    hashmin: Option<usize>,

    /// Hash format of the secrets above: base64url, base64 or base32 [default: base64url]
    #[arg(
        long,
        value_name = "FORMAT",
        default_value_t,
        hide_default_value = true
    )]
    hash_format: HashFormat,

    /// Secret of any hash format that only verifies
    #[arg(long, value_name = "FORMAT:SECRET", allow_hyphen_values = true)]
    accept: Vec<OsString>,

    /// Days for which an SRS0 address can be reversed [default: 21]
    #[arg(long, value_name = "DAYS")]
    max_age: Option<u16>,

    /// Days that an SRS0 address may be dated ahead [default: 1]
    #[arg(long, value_name = "DAYS")]
    max_skew: Option<u16>,

    /// Rewrite senders of the alias's own domain too
    #[arg(long)]
    always_rewrite: bool,

    /// Refuse new senders whose local part takes more octets (RFC 5321 allows 64)
    #[arg(long, value_name = "NUMBER")]
    local_part_limit: Option<usize>,

    /// Unix time to take for now, in seconds
    #[arg(long, value_name = "UNIX")]
    now: Option<u64>,

    /// Answer each address, also one that failed, with a JSON object on a line of its own
    #[arg(long)]
    json: bool,

    /// Make a new secret of 160 random bits, print it and do nothing else
    #[arg(long, exclusive = true)]
    generate_secret: bool,

    /// Address to work on
    #[arg(value_name = "ADDRESS")]
    addresses: Vec<OsString>,
}

/// Wrong usage, in the form that clap gives its own errors.
fn usage(message: impl Display) -> clap::Error {
    Arguments::command().error(ErrorKind::ValueValidation, message)
}

/// Takes out of clap's error what may be a secret, written where clap sees none.
fn without_secrets(error: clap::Error) -> clap::Error {
    match (error.kind(), error.get(ContextKind::InvalidArg)) {
        (ErrorKind::UnknownArgument, Some(ContextValue::String(argument)))
            if argument.starts_with("--secret") || argument.starts_with("--accept") =>
        {
            usage("unexpected text after --secret or --accept: put a space or = before the value")
        }
        (ErrorKind::TooManyValues, Some(argument)) => usage(format_args!(
            "unexpected value for {argument}: it takes none"
        )),
        _ => error,
    }
}

// ----------------------------------------------------------------------------------- settings

/// What to do with every address.
struct Task {
    verb: Verb,
    today: Day,
}

enum Verb {
    Forward { srs: Srs, alias: String },
    Reverse { srs: Srs },
    Inspect,
}

impl Task {
    fn new(arguments: &Arguments) -> Result<Self, clap::Error> {
        let today = arguments
            .now
            .map_or_else(Day::today, Day::from_unix_seconds);
        let verb = if arguments.inspect {
            Verb::Inspect
        } else if arguments.reverse {
            Verb::Reverse {
                srs: srs(arguments)?,
            }
        } else {
            let alias = arguments.alias.clone().ok_or_else(|| {
                usage("no alias: forwarding needs --alias DOMAIN, the domain of new senders")
            })?;
            if arguments.secret.is_empty() && arguments.secretfile.is_none() {
                return Err(no_secret("a secret given with --accept signs nothing"));
            }
            let srs = srs(arguments)?;
            // A bad alias would fail with each address: one attempt tells beforehand.
            if let Err(error @ ForwardError::Alias(_)) =
                srs.forward("sender@example.com", &alias, today)
            {
                return Err(usage(format_args!("--alias: {error}")));
            }
            Verb::Forward { srs, alias }
        };
        Ok(Self { verb, today })
    }
}

fn srs(arguments: &Arguments) -> Result<Srs, clap::Error> {
    let mut builder = Srs::builder(secrets(arguments)?).always_rewrite(arguments.always_rewrite);
    if let Some(separator) = arguments.separator {
        builder = builder.separator(separator);
    }
    if let Some(length) = arguments.hashlength {
        builder = builder.hash_length(length);
    }
    if let Some(length) = arguments.hashmin {
        builder = builder.hash_min(length);
    }
    if let Some(days) = arguments.max_age {
        builder = builder.max_age(days);
    }
    if let Some(days) = arguments.max_skew {
        builder = builder.max_skew(days);
    }
    if let Some(octets) = arguments.local_part_limit {
        builder = builder.local_part_limit(octets);
    }
    builder.build().map_err(usage)
}

/// The secrets in the order of their indices: --secret, the lines of --secretfile, --accept.
///
/// No message here holds a byte of a value, which may be a secret even where it is a mistake.
fn secrets(arguments: &Arguments) -> Result<Secrets, clap::Error> {
    let format = arguments.hash_format;
    let mut rings = Vec::new();
    for secret in &arguments.secret {
        rings.push(ring_of("--secret", secret.as_encoded_bytes(), format)?);
    }
    if let Some(path) = &arguments.secretfile {
        // As with the classic srs, a file without one does no harm beside another source.
        rings.extend(Secrets::from_lines(read_secretfile(path)?, format).ok());
    }
    for accepted in &arguments.accept {
        let (format, secret) = split_accepted(accepted.as_encoded_bytes()).ok_or_else(|| {
            usage("--accept takes FORMAT:SECRET, where FORMAT is base64url, base64 or base32")
        })?;
        rings.push(ring_of("--accept", secret, format)?);
    }
    let joined = rings.into_iter().reduce(Secrets::accept_all);
    joined.ok_or_else(|| match arguments.secretfile {
        Some(_) => no_secret("the file of --secretfile holds none"),
        None => no_secret("none is built in"),
    })
}

fn ring_of(source: &str, bytes: &[u8], format: HashFormat) -> Result<Secrets, clap::Error> {
    match Secret::new(bytes) {
        Ok(secret) => Ok(secret.with_format(format).into()),
        Err(error) => Err(usage(format_args!("{source}: {error}"))),
    }
}

fn read_secretfile(path: &Path) -> Result<Vec<u8>, clap::Error> {
    fs::read(path).map_err(|error| {
        let path = path.display();
        usage(format_args!("cannot read --secretfile {path}: {error}"))
    })
}

/// Splits at the first colon: no format holds one, a secret may.
fn split_accepted(accepted: &[u8]) -> Option<(HashFormat, &[u8])> {
    let colon = accepted.iter().position(|&byte| byte == b':')?;
    let (format, rest) = accepted.split_at(colon);
    let format = str::from_utf8(format).ok()?.parse().ok()?;
    Some((format, rest.strip_prefix(b":")?))
}

fn no_secret(reason: &str) -> clap::Error {
    usage(format_args!(
        "no secret: give --secret or --secretfile ({reason})"
    ))
}

// -------------------------------------------------------------------------------- the verbs

/// What came of an address; its fields are those of the JSON object.
#[derive(Serialize)]
#[serde(untagged)]
enum Answer<'a> {
    Forwarded {
        output: AsText<Forwarded<'a>>,
    },
    Reversed {
        output: AsText<Reversed<'a>>,
        secret: usize,
        age: Option<i16>,
        case_folded: bool,
    },
    Inspected(Claims<'a>),
}

/// The fields of an SRS address, of which only the domain is more than a claim.
#[derive(Serialize)]
struct Claims<'a> {
    kind: AsText<SrsKind>,
    separator: char,
    domain: &'a str,
    claimed_hash: AsText<Text<'a>>,
    claimed_timestamp: Option<AsText<Timestamp>>,
    /// Days modulo 1,024: what is dated one day ahead is 1,023 days old.
    claimed_age: Option<u16>,
    claimed_host: AsText<Text<'a>>,
    claimed_local_part: AsText<Text<'a>>,
    claimed_sender: AsText<Mailbox<'a>>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("invalid address: longer than {LONGEST_ADDRESS} octets")]
    TooLong,
    #[error("invalid address: not UTF-8 at offset {offset}")]
    NotUtf8 { offset: usize },
    #[error(transparent)]
    Forward(#[from] ForwardError),
    #[error(transparent)]
    Reverse(#[from] ReverseError),
    #[error(transparent)]
    Inspect(#[from] ParseError),
}

impl Failure {
    /// The word in the field `error`.
    fn code(&self) -> &'static str {
        match self {
            Self::Forward(ForwardError::LocalPartTooLong { .. }) => "local-part-too-long",
            Self::Reverse(error) => error.code(),
            Self::Inspect(error) => ReverseError::from(*error).code(),
            // The library may add errors; until they have a word here, the address is at fault.
            Self::TooLong | Self::NotUtf8 { .. } | Self::Forward(_) => "invalid-address",
        }
    }
}

impl Task {
    fn answer<'a>(&'a self, address: &'a [u8]) -> Result<Answer<'a>, Failure> {
        if address.len() > LONGEST_ADDRESS {
            return Err(Failure::TooLong);
        }
        let address = str::from_utf8(address).map_err(|error| Failure::NotUtf8 {
            offset: error.valid_up_to(),
        })?;
        Ok(match &self.verb {
            Verb::Forward { srs, alias } => Answer::Forwarded {
                output: AsText(srs.forward(address, alias, self.today)?),
            },
            Verb::Reverse { srs } => {
                let reversed = srs.reverse(address, self.today)?;
                Answer::Reversed {
                    secret: reversed.secret_index(),
                    age: reversed.age(),
                    case_folded: reversed.case_folded(),
                    output: AsText(reversed),
                }
            }
            Verb::Inspect => Answer::Inspected(Claims::new(address, self.today)?),
        })
    }
}

impl<'a> Claims<'a> {
    fn new(address: &'a str, today: Day) -> Result<Self, ParseError> {
        let parsed = SrsAddress::parse(address)?;
        let timestamp = parsed.claimed_timestamp();
        Ok(Self {
            kind: AsText(parsed.kind()),
            separator: parsed.separator().into(),
            domain: parsed.domain(),
            claimed_hash: AsText(parsed.claimed_hash()),
            claimed_timestamp: timestamp.map(AsText),
            claimed_age: timestamp.map(|timestamp| timestamp.age(today)),
            claimed_host: AsText(parsed.claimed_host()),
            claimed_local_part: AsText(parsed.claimed_local_part()),
            claimed_sender: AsText(parsed.claimed_sender()),
        })
    }
}

/// The line for people; the sender comes last, for it may hold spaces and commas.
impl Display for Claims<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            kind,
            separator,
            domain,
            claimed_hash,
            claimed_sender,
            ..
        } = self;
        write!(
            f,
            "{kind} at {domain}, separator {separator}, claims hash {claimed_hash}, "
        )?;
        if let (Some(timestamp), Some(age)) = (&self.claimed_timestamp, self.claimed_age) {
            write!(f, "timestamp {timestamp} (days old: {age}), ")?;
        }
        write!(f, "sender {claimed_sender}")
    }
}

// ------------------------------------------------------------------------------------- output

/// Serializes a value as its text, straight into the output.
struct AsText<T>(T);

impl<T: Display> Display for AsText<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<T: Display> Serialize for AsText<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// A line of --json: what came in, then the fields of what came of it.
#[derive(Serialize)]
struct Line<'a, T> {
    input: Cow<'a, str>,
    #[serde(flatten)]
    outcome: T,
}

#[derive(Serialize)]
struct Failed<'a> {
    error: &'static str,
    message: AsText<&'a Failure>,
}

/// Writes JSON that no terminal obeys: the control characters that JSON leaves alone, DEL and U+0080
/// to U+009F, are escaped too. They stand in its strings only.
fn write_escaped(json: &[u8], output: &mut impl Write) -> io::Result<()> {
    // As almost all of it is. Without an early end, many octets are looked at in one go.
    let printable = |octet| matches!(octet, b' '..=b'~');
    if json.iter().fold(true, |all, &octet| all & printable(octet)) {
        return output.write_all(json);
    }
    // It is UTF-8, as all JSON.
    for piece in String::from_utf8_lossy(json).split_inclusive(char::is_control) {
        match (
            piece.strip_suffix(char::is_control),
            piece.chars().next_back(),
        ) {
            (Some(text), Some(control)) => {
                output.write_all(text.as_bytes())?;
                write!(output, "\\u{:04x}", u32::from(control))?;
            }
            _ => output.write_all(piece.as_bytes())?,
        }
    }
    Ok(())
}

/// An address as a message repeats it: it cannot drive a terminal nor flood it.
struct Shown<'a>(&'a [u8]);

impl Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.0.get(..LONGEST_SHOWN).unwrap_or(self.0);
        for chunk in shown.utf8_chunks() {
            for character in chunk.valid().chars() {
                match character {
                    // These belong to addresses, and drive nothing.
                    '"' | '\'' | '\\' => f.write_char(character)?,
                    _ => character.escape_debug().fmt(f)?,
                }
            }
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        if shown.len() < self.0.len() {
            f.write_str("...")?;
        }
        Ok(())
    }
}

/// Results on standard output, errors on standard error; with `json` both on standard output.
struct Output {
    results: BufWriter<io::StdoutLock<'static>>,
    json: bool,
    /// The line that is being made for it.
    line: Vec<u8>,
    failed: bool,
}

impl Output {
    fn new(json: bool) -> Self {
        let results = BufWriter::with_capacity(BUFFER_SIZE, io::stdout().lock());
        Self {
            results,
            json,
            line: Vec::new(),
            failed: false,
        }
    }

    fn write(&mut self, address: &[u8], outcome: Result<Answer<'_>, Failure>) -> io::Result<()> {
        self.failed |= outcome.is_err();
        match outcome {
            Ok(answer) if self.json => self.write_json(address, answer),
            Err(failure) if self.json => {
                let failed = Failed {
                    error: failure.code(),
                    message: AsText(&failure),
                };
                self.write_json(address, failed)
            }
            Ok(Answer::Forwarded { output }) => writeln!(self.results, "{output}"),
            Ok(Answer::Reversed { output, .. }) => writeln!(self.results, "{output}"),
            Ok(Answer::Inspected(claims)) => writeln!(self.results, "{claims}"),
            Err(failure) => {
                // Whoever sees both streams sees them in order.
                self.results.flush()?;
                let shown = Shown(if address.is_empty() { b"<>" } else { address });
                complain(format_args!("{shown}: {failure}"));
                Ok(())
            }
        }
    }

    fn write_json(&mut self, address: &[u8], outcome: impl Serialize) -> io::Result<()> {
        let line = Line {
            // It looks at ASCII by words, as the lossy reading does not.
            input: str::from_utf8(address)
                .map_or_else(|_| String::from_utf8_lossy(address), Cow::Borrowed),
            outcome,
        };
        self.line.clear();
        serde_json::to_writer(&mut self.line, &line)?;
        write_escaped(&self.line, &mut self.results)?;
        self.results.write_all(b"\n")
    }
}

/// Writes a message to standard error, in one piece; if nobody can read it, so be it.
fn complain(message: impl Display) {
    io::stderr()
        .write_all(format!("srs: {message}\n").as_bytes())
        .unwrap_or_default();
}

// -------------------------------------------------------------------------------------- input

/// Lines of any bytes, at most a little more than [`LONGEST_ADDRESS`] of each.
struct Lines<R> {
    input: BufReader<R>,
    line: Vec<u8>,
    /// The end of the line given last has not been read yet.
    cut: bool,
}

impl<R: Read> Lines<R> {
    fn new(input: R) -> Self {
        let input = BufReader::with_capacity(BUFFER_SIZE, input);
        Self {
            input,
            line: Vec::new(),
            cut: false,
        }
    }

    /// Whether reading on may have to wait for whoever writes the lines.
    fn may_wait(&self) -> bool {
        // The end of a line that was cut may be at hand, but is no further line.
        self.cut || !self.input.buffer().contains(&b'\n')
    }

    /// The next line without its end; one that is too long comes cut, but still too long.
    fn next(&mut self) -> io::Result<Option<&[u8]>> {
        if self.cut {
            self.input.skip_until(b'\n')?;
        }
        self.line.clear();
        // Room for the longest address and its line end.
        let limit = LONGEST_ADDRESS + 2;
        self.input
            .by_ref()
            .take(limit as u64)
            .read_until(b'\n', &mut self.line)?;
        let ended = self.line.strip_suffix(b"\n");
        self.cut = ended.is_none() && self.line.len() == limit;
        Ok(match ended {
            Some(line) => Some(line.strip_suffix(b"\r").unwrap_or(line)),
            None if self.line.is_empty() => None,
            None => Some(&self.line),
        })
    }
}

/// Why the program ends before its work is done.
enum Stop {
    Usage(clap::Error),
    Random(SecretError),
    Read(io::Error),
    Write(io::Error),
}

/// Does all the work; the outcome is whether every address went well.
fn run() -> Result<bool, Stop> {
    let arguments = Arguments::try_parse().map_err(|error| Stop::Usage(without_secrets(error)))?;
    let mut output = Output::new(arguments.json);
    if arguments.generate_secret {
        let secret = GeneratedSecret::new().map_err(Stop::Random)?;
        writeln!(output.results, "{}", secret.expose()).map_err(Stop::Write)?;
    } else {
        let task = Task::new(&arguments).map_err(Stop::Usage)?;
        if arguments.address.is_empty() && arguments.addresses.is_empty() {
            filter(&task, &mut output)?;
        }
        for address in arguments.address.iter().chain(&arguments.addresses) {
            let address = address.as_encoded_bytes();
            output
                .write(address, task.answer(address))
                .map_err(Stop::Write)?;
        }
    }
    output.results.flush().map_err(Stop::Write)?;
    Ok(!output.failed)
}

fn filter(task: &Task, output: &mut Output) -> Result<(), Stop> {
    let mut lines = Lines::new(io::stdin().lock());
    loop {
        if lines.may_wait() {
            // Whoever waits for an answer before writing on gets it now.
            output.results.flush().map_err(Stop::Write)?;
        }
        let Some(address) = lines.next().map_err(Stop::Read)? else {
            return Ok(());
        };
        output
            .write(address, task.answer(address))
            .map_err(Stop::Write)?;
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(Stop::Usage(error)) if !error.use_stderr() => {
            // The help that was asked for.
            write!(io::stdout(), "{error}").unwrap_or_default();
            ExitCode::SUCCESS
        }
        Err(Stop::Usage(error)) => {
            // What clap repeats of the arguments need not come from the keyboard.
            for line in error.to_string().lines() {
                writeln!(io::stderr(), "{}", Shown(line.as_bytes())).unwrap_or_default();
            }
            ExitCode::from(2)
        }
        Err(Stop::Random(error)) => {
            complain(error);
            ExitCode::FAILURE
        }
        Err(Stop::Read(error)) => {
            complain(format_args!("cannot read standard input: {error}"));
            ExitCode::FAILURE
        }
        // The reader has seen enough, as `head` does.
        Err(Stop::Write(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(Stop::Write(error)) => {
            complain(format_args!("cannot write standard output: {error}"));
            ExitCode::FAILURE
        }
    }
}
