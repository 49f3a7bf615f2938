//! A provider's evening: mail is forwarded with SRS, spam is not, and each customer can see what was
//! left behind.
//!
//! ```text
//! $ cargo run --example forwarding
//! ```
//!
//! It reads messages, one JSON object a line, and prints what became of each: forwarded with a new
//! sender, forwarded unchanged and why, or discarded for its spam score. Then comes the "Forwarded
//! Discards" report, and then what came back to the new senders: genuine bounces are sent home, forged
//! ones refused.
//!
//! Both measures were taken step by step, and are settings for that: SRS for a list of destinations
//! first (`--srs-destinations`), and later for all; spam withheld from a list of receivers first
//! (`--spam-destinations`), later from all. `--follow` does all that in real time.
//!
//! Each file holds one thing: the command line (`settings`), a message and the lines it comes in
//! (`message`, `lines`), what becomes of it (`fate`), what is kept of that (`counts`, `discards`,
//! together `evening`), and the report, in its three forms (`report`, `text`, `page`).

mod counts;
mod date;
mod discards;
mod evening;
mod fate;
mod file;
mod lines;
mod message;
mod page;
mod report;
mod settings;
mod text;
mod visible;

use std::fmt::Display;
use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, Read, StdoutLock, Write};
use std::process::ExitCode;

use evening::Evening;
use lines::Lines;
use message::Message;
use settings::{Arguments, EVENING, usage};
use visible::Visible;

/// Why the program ends before its work is done.
enum Stop {
    Usage(clap::Error),
    Read(String),
    Write(io::Error),
}

type Output = BufWriter<StdoutLock<'static>>;

/// Does all the work; the outcome is whether all of it went well.
fn run() -> Result<bool, Stop> {
    let arguments = Arguments::parse_all().map_err(Stop::Usage)?;
    let rules = arguments.rules().map_err(Stop::Usage)?;
    let outputs = arguments.outputs().map_err(Stop::Usage)?;
    let mut evening = Evening::new(rules, outputs, arguments.follow, arguments.today());
    let mut out = BufWriter::new(io::stdout().lock());

    let all_read = if arguments.follow {
        let input = ("standard input", io::stdin().lock());
        read(&arguments, input, &mut evening, &mut out)?
    } else if let Some(path) = &arguments.messages {
        let name = path.display().to_string();
        let file = File::open(path)
            .map_err(|error| Stop::Usage(usage(format_args!("cannot read {name}: {error}"))))?;
        read(&arguments, (&name, file), &mut evening, &mut out)?
    } else {
        read(&arguments, ("the evening", EVENING), &mut evening, &mut out)?
    };
    evening
        .end(arguments.today(), &mut out)
        .map_err(Stop::Write)?;
    let all_written = write_files(&evening);
    out.flush().map_err(Stop::Write)?;
    Ok(all_read && all_written)
}

/// Reads all messages; whether each line was one, and every file could be written meanwhile.
fn read(
    arguments: &Arguments,
    (name, input): (&str, impl Read),
    evening: &mut Evening,
    out: &mut Output,
) -> Result<bool, Stop> {
    let mut lines = Lines::new(input);
    let mut all_well = true;
    loop {
        if arguments.follow && lines.may_wait() {
            // Whoever looks while nothing comes finds all there is.
            all_well &= write_files(evening);
            out.flush().map_err(Stop::Write)?;
        }
        let next = lines.next();
        let next = next.map_err(|error| Stop::Read(format!("cannot read {name}: {error}")))?;
        let Some(line) = next else {
            return Ok(all_well);
        };
        if line.trim_ascii().is_empty() {
            continue;
        }
        match Message::parse(line) {
            Ok(message) => evening
                .take(&message, arguments.today(), out)
                .map_err(Stop::Write)?,
            Err(error) => {
                evening.count_unreadable();
                all_well = false;
                // Whoever sees both streams sees them in order.
                out.flush().map_err(Stop::Write)?;
                let (number, error) = (lines.number(), error.to_string());
                complain(format_args!("{name}, line {number}: {}", Visible(&error)));
            }
        }
    }
}

/// Brings the report's files to what is known now; whether all could be written.
fn write_files(evening: &Evening) -> bool {
    let mut all_well = true;
    for (path, written) in evening.write_files() {
        if let Err(error) = written {
            complain(format_args!("cannot write {}: {error}", path.display()));
            all_well = false;
        }
    }
    all_well
}

/// Writes a message to standard error, in one piece; if nobody can read it, so be it.
fn complain(message: impl Display) {
    let message = format!("forwarding: {message}\n");
    io::stderr()
        .write_all(message.as_bytes())
        .unwrap_or_default();
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
            for line in error.to_string().lines() {
                writeln!(io::stderr(), "{}", Visible(line)).unwrap_or_default();
            }
            ExitCode::from(2)
        }
        Err(Stop::Read(message)) => {
            complain(message);
            ExitCode::FAILURE
        }
        // The reader has seen enough, as `head` does.
        Err(Stop::Write(error)) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(Stop::Write(error)) => {
            complain(format_args!("cannot write standard output: {error}"));
            ExitCode::FAILURE
        }
    }
}
