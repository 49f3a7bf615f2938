//! Standard output that nobody reads to its end: the report's files are written all the same.

use std::fs;
use std::io::Write;
use std::process::Stdio;

use crate::hostile::spam;
use crate::program::{Folder, Outcome, file, forwarding, run};

/// A pipe that nobody reads.
fn closed() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

fn expected(name: &str) -> String {
    fs::read_to_string(file("tests/data/forwarding").join(name)).unwrap()
}

#[test]
fn a_reader_that_goes_away_leaves_the_files_whole() {
    let folder = Folder::new();
    let (html, json) = (folder.argument("page.html"), folder.argument("report.json"));
    let mut command = forwarding(&format!("NOW --html {html} --json={json}"));
    let outcome = Outcome::of(command.stdout(closed()).output().unwrap());
    assert_eq!((outcome.code, outcome.err.as_str()), (0, ""));
    assert_eq!(folder.read("page.html"), expected("evening.html"));
    assert_eq!(folder.read("report.json"), expected("evening.json"));
}

/// Linux only: elsewhere there is no /dev/full.
#[cfg(target_os = "linux")]
#[test]
fn so_does_a_full_disk_which_is_told_once() {
    let folder = Folder::new();
    let full = || fs::File::options().write(true).open("/dev/full").unwrap();
    let mut command = forwarding(&format!("NOW --html {}", folder.argument("page.html")));
    let outcome = Outcome::of(command.stdout(full()).output().unwrap());
    assert_eq!(outcome.code, 1);
    let told = "forwarding: cannot write standard output: ";
    assert!(outcome.err.starts_with(told), "{}", outcome.err);
    assert_eq!(outcome.err.lines().count(), 1, "{}", outcome.err);
    assert_eq!(folder.read("page.html"), expected("evening.html"));

    for arguments in ["--help", "NOW --json"] {
        let mut command = forwarding(arguments);
        let outcome = Outcome::of(command.stdout(full()).output().unwrap());
        assert_eq!(outcome.code, 1, "{arguments}");
        assert!(outcome.err.starts_with(told), "{}", outcome.err);
    }
}

#[test]
fn messages_that_come_after_the_reader_went_are_in_the_files() {
    let folder = Folder::new();
    let mut command = forwarding(&format!(
        "--follow OURS --json={}",
        folder.argument("report.json")
    ));
    let command = command.stdin(Stdio::piped()).stdout(closed());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    for count in 1..=3 {
        stdin.write_all(spam("a@evil.example").as_bytes()).unwrap();
        folder.wait_for("report.json", &format!("\"discarded\": {count},"));
    }
    drop(stdin);
    let outcome = Outcome::of(child.wait_with_output().unwrap());
    assert_eq!((outcome.code, outcome.err.as_str()), (0, ""));
}

#[test]
fn a_line_that_is_no_message_fails_it_though_nobody_reads() {
    let folder = Folder::new();
    let evening = fs::read_to_string(file("examples/forwarding/evening.jsonl")).unwrap();
    let messages = folder.write("messages", format!("oops\n{evening}"));
    let mut command = forwarding(&format!("OURS {messages}"));
    let outcome = Outcome::of(command.stdout(closed()).output().unwrap());
    assert_eq!(outcome.code, 1);
    assert!(outcome.err.contains(", line 1: "), "{}", outcome.err);
}

#[test]
fn input_that_cannot_be_read_leaves_a_report_of_what_was() {
    let folder = Folder::new();
    let html = folder.argument("page.html");
    // A folder can be opened, and not read, but on Windows.
    let outcome = run(&format!("OURS EXAMPLE --html {html}"));
    if cfg!(unix) {
        assert_eq!(outcome.code, 1);
        assert!(outcome.err.starts_with("forwarding: cannot read "));
        assert!(folder.read("page.html").contains("There were none.</p>"));
    } else {
        assert_ne!(outcome.code, 0);
    }
}
