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
//! (`message`, `lines`, `arrivals`), what becomes of it (`fate`), what is kept of that (`counts`, `discards`,
//! together `evening`), the report, in its three forms (`report`, `text`, `page`), and where all that
//! goes (`screen`, `report_files`, `whole_file`).

mod arrivals;
mod counts;
mod date;
mod discards;
mod evening;
mod fate;
mod lines;
mod message;
mod page;
mod report;
mod report_files;
mod screen;
mod settings;
mod text;
mod visible;
mod whole_file;

use std::fmt::Display;
use std::fs::File;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use arrivals::{Arrivals, Line};
use evening::Evening;
use mail_srs::Day;
use message::Message;
use report_files::Files;
use screen::Screen;
use settings::{Arguments, EVENING, usage};
use visible::Visible;

/// Does all the work; the outcome is whether all of it went well, or what is wrong with the usage.
fn run() -> Result<bool, clap::Error> {
    let arguments = Arguments::parse_all()?;
    let rules = arguments.rules()?;
    let outputs = arguments.outputs()?;
    let mut evening = Evening::new(rules, outputs, arguments.follow, arguments.today());
    let mut files = arguments.files()?;
    let mut screen = Screen::new();

    let (name, lines) = if arguments.follow {
        ("standard input".to_owned(), Arrivals::of(io::stdin()))
    } else if let Some(path) = &arguments.messages {
        let name = path.display().to_string();
        let file =
            File::open(path).map_err(|error| usage(format_args!("cannot read {name}: {error}")))?;
        (name, Arrivals::of(file))
    } else {
        ("the evening".to_owned(), Arrivals::of(EVENING))
    };
    let mut all_read = true;
    loop {
        let next = if arguments.follow {
            wait(&lines, &evening, &mut files, &mut screen)
        } else {
            lines.next()
        };
        if !screen.is_open() && files.is_none() {
            break;
        }
        match next {
            Ok(Some((number, line))) => {
                let taken = take(&line, &mut evening, arguments.today(), &mut screen);
                if let Err(error) = taken {
                    all_read = false;
                    let error = error.to_string();
                    complain(format_args!("{name}, line {number}: {}", Visible(&error)));
                }
            }
            Ok(None) => break,
            Err(error) => {
                all_read = false;
                complain(format_args!("cannot read {name}: {error}"));
                break;
            }
        }
    }
    evening.end(arguments.today(), &mut screen);
    files.write(&evening.report(), false);
    Ok(all_read & files.all_written() & end(screen))
}

/// The next line of those that are followed. Whoever looks while none comes finds all there is: on the
/// screen at once, in the files within a second.
fn wait(
    lines: &Arrivals,
    evening: &Evening,
    files: &mut Files,
    screen: &mut Screen,
) -> io::Result<Option<Line>> {
    if files.pause().is_zero() {
        files.write(&evening.report(), true);
    }
    if let Some(next) = lines.within(Duration::ZERO) {
        return next;
    }
    screen.flush();
    if !screen.is_open() && files.is_none() {
        return Ok(None);
    }
    if let Some(next) = lines.within(files.pause()) {
        return next;
    }
    files.write(&evening.report(), true);
    lines.next()
}

/// Takes the message of a line, if it is one.
fn take(
    line: &[u8],
    evening: &mut Evening,
    today: Day,
    screen: &mut Screen,
) -> Result<(), serde_json::Error> {
    if line.trim_ascii().is_empty() {
        return Ok(());
    }
    match Message::parse(line) {
        Ok(message) => {
            evening.take(&message, today, screen);
            Ok(())
        }
        Err(error) => {
            evening.count_unreadable();
            // Whoever sees both streams sees them in order.
            screen.flush();
            Err(error)
        }
    }
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
