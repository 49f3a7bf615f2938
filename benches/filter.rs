//! The command line's filter beside the library alone: a million addresses from a file to a file, by
//! one thread, as a ratio to the time that the library takes for the same addresses in the same run.

#[path = "../tests/example/mod.rs"]
mod example;

use std::fmt::Write as _;
use std::fs::{self, File};
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use mail_srs::{Day, Secret, Srs};

const SECRET: &str = "tops3cr3t";
const ALIAS: &str = "forward.example";
const ADDRESSES: u32 = 1_000_000;
const TODAY: Day = Day::new(20_780);
const RUNS: usize = 5;

/// The best time of several, which others on the machine disturbed least.
fn best(run: impl FnMut() -> Duration) -> Duration {
    let times = std::iter::repeat_with(run).take(RUNS);
    times.min().unwrap_or_default()
}

/// The time of the library, one address after the other into one buffer.
fn library(addresses: &str, verb: impl Fn(&str, &mut String)) -> Duration {
    let mut buffer = String::with_capacity(1024);
    best(|| {
        let start = Instant::now();
        for address in addresses.lines() {
            buffer.clear();
            verb(address, &mut buffer);
            black_box(buffer.len());
        }
        start.elapsed()
    })
}

/// The time of the filter, and the most memory that it was seen to have, in KiB.
fn filter(program: &Path, arguments: &[&str], from: &Path, to: &Path) -> (Duration, u64) {
    let mut memory = 0;
    let time = best(|| {
        let start = Instant::now();
        let mut child = Command::new(program)
            .args(["--secret", SECRET, "--now", "1795392000"])
            .args(arguments)
            .stdin(File::open(from).expect("the input"))
            .stdout(File::create(to).expect("the output"))
            .spawn()
            .expect("the filter");
        let status = PathBuf::from(format!("/proc/{}/status", child.id()));
        loop {
            if let Some(status) = child.try_wait().expect("a child") {
                assert!(status.success(), "{status}");
                return start.elapsed();
            }
            memory = memory.max(peak(&status).unwrap_or_default());
            thread::sleep(Duration::from_millis(1));
        }
    });
    (time, memory)
}

fn peak(status: &Path) -> Option<u64> {
    let status = fs::read_to_string(status).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

fn main() {
    let program = example::example("srs");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let [senders, made, output] =
        ["filter.senders", "filter.made", "filter.output"].map(|name| folder.join(name));
    let text = (0..ADDRESSES).fold(String::new(), |mut text, number| {
        let host = number % 977;
        writeln!(text, "user{number}@example{host}.com").expect("a string takes all");
        text
    });
    fs::write(&senders, &text).expect("the input");

    let srs = Srs::new(Secret::new(SECRET).expect("not empty"));
    let forward = library(&text, |sender, buffer| {
        let forwarded = srs.forward(sender, ALIAS, TODAY).expect("a sender");
        write!(buffer, "{forwarded}").expect("a string takes all");
    });
    println!(
        "{:<24} {:>10} {:>14} {:>12}",
        "", "ns each", "of the library", "peak KiB"
    );
    let row = |name: &str, (time, memory): (Duration, u64), library: Duration| {
        let nanoseconds = time.as_secs_f64() * 1e9 / f64::from(ADDRESSES);
        let ratio = library.as_secs_f64() / time.as_secs_f64();
        println!("{name:<24} {nanoseconds:>10.1} {ratio:>14.2} {memory:>12}");
    };
    row("library, forward", (forward, 0), forward);
    let to_alias = ["--alias", ALIAS];
    row(
        "filter, forward",
        filter(&program, &to_alias, &senders, &made),
        forward,
    );
    let as_json = ["--alias", ALIAS, "--json"];
    row(
        "filter, forward --json",
        filter(&program, &as_json, &senders, &output),
        forward,
    );

    let text = fs::read_to_string(&made).expect("what the filter made");
    let reverse = library(&text, |address, buffer| {
        let reversed = srs.reverse(address, TODAY).expect("genuine");
        write!(buffer, "{reversed}").expect("a string takes all");
    });
    row("library, reverse", (reverse, 0), reverse);
    row(
        "filter, reverse",
        filter(&program, &["--reverse"], &made, &output),
        reverse,
    );
    assert!(
        fs::read(&output).expect("what came back") == fs::read(&senders).expect("the input"),
        "each comes back"
    );
    let as_json = ["--reverse", "--json"];
    row(
        "filter, reverse --json",
        filter(&program, &as_json, &made, &output),
        reverse,
    );
}
