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
//! together `evening`), the report, in its three forms (`report`, `text`, `page`), and where all that
//! goes (`screen`, `file`).

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
mod screen;
mod settings;
mod text;
mod visible;

use std::fmt::Display;
use std::fs::File;
use std::io::{self, Read, Write};
use std::process::ExitCode;

use evening::Evening;
use lines::Lines;
use message::Message;
use screen::Screen;
use settings::{Arguments, EVENING, usage};
use visible::Visible;

/// Does all the work; the outcome is whether all of it went well, or what is wrong with the usage.
fn run() -> Result<bool, clap::Error> {
    let arguments = Arguments::parse_all()?;
    let rules = arguments.rules()?;
    let outputs = arguments.outputs()?;
    let mut evening = Evening::new(rules, outputs, arguments.follow, arguments.today());
    let mut screen = Screen::new();

    let all_read = if arguments.follow {
        let input = ("standard input", io::stdin().lock());
        read(&arguments, input, &mut evening, &mut screen)
    } else if let Some(path) = &arguments.messages {
        let name = path.display().to_string();
        let file =
            File::open(path).map_err(|error| usage(format_args!("cannot read {name}: {error}")))?;
        read(&arguments, (&name, file), &mut evening, &mut screen)
    } else {
        read(
            &arguments,
            ("the evening", EVENING),
            &mut evening,
            &mut screen,
        )
    };
    evening.end(arguments.today(), &mut screen);
    let all_written = write_files(&evening);
    Ok(all_read & all_written & end(screen))
}

/// Reads all messages, or as many as anybody looks at; whether each line was one, and every file could
/// be written meanwhile.
fn read(
    arguments: &Arguments,
    (name, input): (&str, impl Read),
    evening: &mut Evening,
    screen: &mut Screen,
) -> bool {
    let mut lines = Lines::new(input);
    let mut all_well = true;
    loop {
        if arguments.follow && lines.may_wait() {
            // Whoever looks while nothing comes finds all there is.
            all_well &= write_files(evening);
            screen.flush();
        }
        if !screen.is_open() && !evening.has_files() {
            return all_well;
        }
        let line = match lines.next() {
            Ok(Some(line)) => line,
            Ok(None) => return all_well,
            Err(error) => {
                complain(format_args!("cannot read {name}: {error}"));
                return false;
            }
        };
        if line.trim_ascii().is_empty() {
            continue;
        }
        match Message::parse(line) {
            Ok(message) => evening.take(&message, arguments.today(), screen),
            Err(error) => {
                evening.count_unreadable();
                all_well = false;
                // Whoever sees both streams sees them in order.
                screen.flush();
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

/// Whether all that was to be printed was.
fn end(screen: Screen) -> bool {
    match screen.end() {
        Ok(()) => true,
        Err(error) => {
            complain(format_args!("cannot write standard output: {error}"));
            false
        }
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) if !error.use_stderr() => {
            // The help that was asked for.
            let mut screen = Screen::new();
            screen.print(error);
            if end(screen) {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
        Err(error) => {
            for line in error.to_string().lines() {
                writeln!(io::stderr(), "{}", Visible(line)).unwrap_or_default();
            }
            ExitCode::from(2)
        }
    }
}
