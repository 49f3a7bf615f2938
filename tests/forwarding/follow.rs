//! `--follow`: messages in real time.

use core::time::Duration;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::Stdio;
use std::process::{Child, ChildStdin};
use std::sync::mpsc::{self, Receiver};
use std::thread;

use serde_json::{Value, json};

use crate::hostile::spam;
use crate::program::{Folder, forwarding};

/// A run that is talked to line by line.
struct Talk {
    child: Child,
    stdin: ChildStdin,
    out: Receiver<String>,
    err: Receiver<String>,
}

/// The lines of a pipe as they come.
fn listen(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        let mut read = BufReader::new(pipe).lines().map_while(Result::ok);
        read.try_for_each(|line| sender.send(line))
    });
    lines
}

/// The next line; the wait is long enough for a busy machine.
#[track_caller]
fn hear(lines: &Receiver<String>) -> String {
    let line = lines.recv_timeout(Duration::from_secs(60));
    line.expect("a line while the input is open")
}

impl Talk {
    fn new(arguments: &str) -> Talk {
        let mut command = forwarding(&format!("--follow {arguments}"));
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        let stdin = child.stdin.take().unwrap();
        let out = listen(child.stdout.take().unwrap());
        let err = listen(child.stderr.take().unwrap());
        Talk {
            child,
            stdin,
            out,
            err,
        }
    }

    fn say(&mut self, input: impl AsRef<[u8]>) {
        self.stdin.write_all(input.as_ref()).unwrap();
    }

    /// Closes the input. Gives the exit status and the rest of the output.
    fn end(mut self) -> (Option<i32>, String) {
        drop(self.stdin);
        let rest: Vec<_> = self.out.iter().collect();
        (self.child.wait().unwrap().code(), rest.join("\n"))
    }
}

fn good(sender: &str) -> String {
    let message = json!({
        "recipient": "info@hofladen.example",
        "target": "petra@bigmail.example",
        "sender": sender,
        "score": 1,
        "size": 1000,
    });
    format!("{message}\n")
}

/// A message to a recipient without a target.
fn to(recipient: &str, sender: &str) -> String {
    format!(
        "{}\n",
        json!({"recipient": recipient, "target": null, "sender": sender})
    )
}

#[test]
fn what_became_of_a_message_is_told_before_the_next_one_comes() {
    let folder = Folder::new();
    let (html, json) = (folder.argument("page.html"), folder.argument("report.json"));
    let mut talk = Talk::new(&format!("OURS --html {html} --json={json}"));
    let report = || serde_json::from_str::<Value>(&folder.read("report.json")).unwrap();

    talk.say(good("alice@example.com"));
    let line = hear(&talk.out);
    let new_sender = line.split("  as ").nth(1).unwrap();
    assert!(new_sender.starts_with("SRS0="), "{line}");
    // Whoever hears of a message soon finds it in the files.
    folder.wait_for("report.json", "\"messages\": 1,");
    assert_eq!(report()["counts"]["forwarded"], json!({"rewrite": 1}));
    assert!(folder.read("page.html").contains("There were none.</p>"));
    // A browser that shows the page looks again.
    assert!(
        folder
            .read("page.html")
            .contains("<meta http-equiv=\"refresh\"")
    );

    for count in 1..=3 {
        talk.say(spam("best-price@evil.example"));
        let line = hear(&talk.out);
        assert!(
            line.ends_with("from best-price@evil.example  (score 9.5)"),
            "{line}"
        );
        folder.wait_for("page.html", &format!("<tr><td>{count}</td><td>9.5</td>"));
        folder.wait_for("report.json", &format!("\"messages\": {},", count + 1));
        assert_eq!(report()["discards"][0]["senders"][0]["count"], count);
    }

    // The bounce, and a forged one.
    talk.say(to(new_sender, ""));
    assert!(hear(&talk.out).ends_with(" -> alice@example.com"));
    talk.say(to(&new_sender.replace("alice", "malice"), ""));
    assert!(hear(&talk.out).ends_with("(hash-mismatch: 550 5.7.1 SRS address is not genuine)"));
    folder.wait_for("report.json", "\"messages\": 6,");
    assert_eq!(report()["counts"]["bounces_reversed"], 1);
    assert_eq!(
        report()["counts"]["bounces_refused"],
        json!({"hash-mismatch": 1})
    );

    // An unknown recipient is passed over in silence, and a line that is no message is not.
    talk.say(to("nobody@hofladen.example", "alice@example.com"));
    talk.say("oops\n");
    let line = hear(&talk.err);
    assert!(
        line.starts_with("forwarding: standard input, line 8: "),
        "{line}"
    );

    // Half a line is none, and holds up nothing.
    let message = good("bob@example.com");
    let (half, rest) = message.split_at(40);
    talk.say(good("carol@example.com") + half);
    assert!(hear(&talk.out).contains("=carol@"));
    folder.wait_for("report.json", "\"messages\": 8,");
    talk.say(rest);
    assert!(hear(&talk.out).contains("=bob@"));
    folder.wait_for("report.json", "\"messages\": 9,");
    let counts = report()["counts"].take();
    assert_eq!(counts["unknown_recipients"], 1);
    assert_eq!(counts["unreadable_lines"], 1);

    assert_eq!(folder.names(), ["page.html", "report.json"]);
    let (code, rest) = talk.end();
    assert_eq!(code, Some(1));
    assert!(
        rest.starts_with("\nForwarded Discards, 2026-11-24\n"),
        "{rest}"
    );
    assert!(
        rest.contains("        3      9.5  best-price@evil.example\n"),
        "{rest}"
    );
    assert!(!rest.contains("nobody@"), "{rest}");
    // Nothing more comes for which to look again.
    let page = folder.read("page.html");
    assert!(page.contains("There were 3.") && !page.contains("refresh"));
}

#[test]
fn the_document_alone_comes_at_the_end() {
    let mut talk = Talk::new("OURS --json");
    talk.say(spam("best-price@evil.example"));
    let (code, out) = talk.end();
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &report["counts"]["discarded"]), (Some(0), &json!(1)));
}

#[test]
fn what_is_played_comes_back_at_once() {
    let mut talk = Talk::new("OURS");
    let message = good("alice@example.com").replace('}', ",\"returns\":\"bounce\"}");
    talk.say(message);
    assert!(hear(&talk.out).contains("  rewritten  "));
    assert!(hear(&talk.out).ends_with(" -> alice@example.com"));
    assert_eq!(talk.end().0, Some(0));
}

#[test]
fn a_reader_of_the_files_finds_them_whole() {
    let folder = Folder::new();
    let mut talk = Talk::new(&format!("OURS --json={}", folder.argument("report.json")));
    talk.say(spam("best-price@evil.example"));
    folder.wait_for("report.json", "best-price");
    // Opened before, read after it was written anew.
    let mut before = File::open(folder.path("report.json")).unwrap();
    talk.say(spam("worst-price@evil.example"));
    folder.wait_for("report.json", "worst-price");
    let mut text = String::new();
    before.read_to_string(&mut text).unwrap();
    let report: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(report["counts"]["discarded"], 1);
    assert_eq!(talk.end().0, Some(0));
}

#[test]
fn the_files_are_there_before_the_first_message() {
    let folder = Folder::new();
    let talk = Talk::new(&format!("OURS --html {}", folder.argument("page.html")));
    folder.wait_for("page.html", "There were none.");
    assert_eq!(talk.end().0, Some(0));
}

#[test]
fn a_file_that_cannot_be_written_is_told_when_that_changes_and_in_the_end() {
    let folder = Folder::new();
    let html = folder.argument("missing/page.html");
    let mut talk = Talk::new(&format!(
        "OURS --html {html} --json={}",
        folder.argument("report.json")
    ));
    let line = hear(&talk.err);
    let start = format!("forwarding: cannot write {html}: ");
    assert!(line.starts_with(&start), "{line}");
    // It goes on all the same, and does not repeat that.
    for count in 1..=2 {
        talk.say(spam("best-price@evil.example"));
        assert!(hear(&talk.out).contains("  discarded  "));
        folder.wait_for("report.json", &format!("\"messages\": {count},"));
    }
    fs::create_dir(folder.path("missing")).unwrap();
    talk.say(spam("best-price@evil.example"));
    assert_eq!(
        hear(&talk.err),
        format!("forwarding: {html} is written again")
    );
    folder.wait_for("missing/page.html", "<tr><td>3</td>");
    assert_eq!(talk.end().0, Some(1));
}

#[test]
fn while_messages_keep_coming_the_files_are_not_written_for_each() {
    let folder = Folder::new();
    let mut talk = Talk::new(&format!("OURS --json={}", folder.argument("report.json")));
    folder.wait_for("report.json", "\"messages\": 0,");
    // Each is told before the next one comes, and each file that is put there is another.
    let mut found = Vec::new();
    for n in 0..2_000 {
        talk.say(good(&format!("a{n}@example.com")));
        hear(&talk.out);
        found.push(fs::read(folder.path("report.json")).unwrap());
    }
    found.dedup();
    assert!(found.len() < 1_000, "{}", found.len());
    folder.wait_for("report.json", "\"messages\": 2000,");
    assert_eq!(talk.end().0, Some(0));
}

#[cfg(unix)]
#[test]
fn a_file_that_stays_the_same_is_left_alone() {
    use std::os::unix::fs::MetadataExt as _;

    let folder = Folder::new();
    let (html, json) = (folder.argument("page.html"), folder.argument("report.json"));
    let mut talk = Talk::new(&format!("OURS --html {html} --json={json}"));
    folder.wait_for("page.html", "There were none.");
    let page = File::open(&html).unwrap();
    let number = |file: fs::Metadata| file.ino();
    let before = number(page.metadata().unwrap());
    // The page does not tell of what is forwarded.
    talk.say(good("alice@example.com"));
    folder.wait_for("report.json", "\"messages\": 1,");
    assert_eq!(number(fs::metadata(&html).unwrap()), before);
    assert_eq!(talk.end().0, Some(0));
}
