//! Wrong usage, unreadable input, and what the exit status tells.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::Stdio;

use crate::program::{Folder, Outcome, SECRET, forwarding, run};

#[test]
fn wrong_usage_says_what_to_do() {
    let folder = Folder::new();
    let (empty, list) = (
        folder.write("empty", "# none\n"),
        folder.write("list", "*.example\n"),
    );
    let binary = folder.write("binary", b"\xff\n");
    let missing = folder.argument("missing");
    std::fs::create_dir(folder.path("sub")).unwrap();
    for (arguments, message) in [
        (
            "--follow",
            "no --srs-domain: give the domain of the new senders",
        ),
        (
            "--follow --srs-domain srs.x.example",
            "no --local-domains: give a file of the domains",
        ),
        (
            "EXAMPLE/evening.jsonl --srs-domain x.example --local-domains EXAMPLE/local-domains",
            "no secret: give --secretfile (`cargo run --example srs -- --generate-secret` makes one)",
        ),
        (
            "NOW --srs-domain @",
            "--srs-domain: srs domain is no domain",
        ),
        ("NOW --spam-cut-off high", "give a number such as 6.0"),
        ("NOW --spam-cut-off NaN", "give a number such as 6.0"),
        (
            "NOW --spam-cut-off inf",
            "to forward all spam, give --spam-destinations none",
        ),
        ("NOW --hash-format md5", "--hash-format"),
        (
            "NOW --customer bob@shop.example",
            "--customer: give a domain",
        ),
        ("NOW --secrettops3cr3t", "unexpected text after --secret"),
        ("EXAMPLE/evening.jsonl --follow", "cannot be used with"),
        ("NOW --html -", "--html: give a file"),
        (
            &format!("NOW --html {empty} --json={empty}"),
            "--html and --json: give each a file of its own",
        ),
        (
            &format!(
                "NOW --html {missing} --json={}/sub/../missing",
                folder.argument("")
            ),
            "--html and --json: give each a file of its own",
        ),
        (&format!("NOW --secretfile {empty}"), "--secretfile: "),
        (
            &format!("NOW --srs-destinations {list}"),
            "--srs-destinations: ",
        ),
        (
            &format!("NOW --spam-destinations {missing}"),
            "cannot read --spam-destinations ",
        ),
        (
            &format!("NOW --local-domains {binary}"),
            "is no text in UTF-8",
        ),
        (&format!("OURS {missing}"), "cannot read "),
    ] {
        let outcome = run(arguments);
        assert_eq!((outcome.code, outcome.out.as_str()), (2, ""), "{arguments}");
        assert!(
            outcome.err.starts_with("error: "),
            "{arguments}: {}",
            outcome.err
        );
        assert!(
            outcome.err.contains(message),
            "{arguments}: {}",
            outcome.err
        );
    }
}

#[test]
fn the_help_tells_the_format_of_a_message() {
    let outcome = run("--help");
    assert_eq!((outcome.code, outcome.err.as_str()), (0, ""));
    for field in [
        "recipient",
        "target",
        "sender",
        "score",
        "size",
        "time",
        "returns",
    ] {
        assert!(outcome.out.contains(&format!("\n  {field} ")), "{field}");
    }
    // And those of the JSON document.
    for field in run("NOW --json").json().as_object().unwrap().keys() {
        assert!(outcome.out.contains(field), "{field}");
    }
}

#[test]
fn the_report_bears_the_date() {
    for (now, date) in [
        (0_u64, "1970-01-01"),
        (951_782_400, "2000-02-29"),
        (951_868_800, "2000-03-01"),
        (1_798_761_599, "2026-12-31"),
        (1_798_761_600, "2027-01-01"),
        // 2100 is no leap year.
        (4_107_456_000, "2100-02-28"),
        (4_107_542_400, "2100-03-01"),
    ] {
        let report = run(&format!("--now {now} --json")).json();
        assert_eq!([&report["from"], &report["to"]], [date, date]);
    }
    assert_eq!(run(&format!("--now {}", u64::MAX)).code, 0);
}

#[test]
fn a_score_is_shown_as_it_is_and_not_rounded() {
    let folder = Folder::new();
    let message = r#"{"recipient":"a@shop.example","target":"b@home.example","sender":"","score":5.96,"size":1}"#;
    let messages = folder.write("messages", message);
    let outcome = run(&format!("OURS {messages} --spam-cut-off 5.96"));
    assert!(
        outcome.out.contains("from <>  (score 5.96)\n"),
        "{}",
        outcome.out
    );
    assert!(
        outcome.out.contains("\nScoring 5.96 and over, "),
        "{}",
        outcome.out
    );
    assert!(
        outcome.out.contains("\n        1     5.96  <>\n"),
        "{}",
        outcome.out
    );
    let outcome = run(&format!("OURS {messages}"));
    assert!(outcome.out.contains("  unchanged  "), "{}", outcome.out);
}

#[test]
fn secrets_come_from_the_command_line_first_and_then_from_the_file() {
    let folder = Folder::new();
    let other = folder.write("secrets", "# of last year\nan0ther s3cret\n");
    let made = run("NOW").out;
    // The first signs, and makes what it makes alone.
    assert_eq!(run(&format!("NOW --secretfile {other}")).out, made);
    let same = folder.write("same", format!("{SECRET}\n"));
    assert_eq!(
        run(&format!("--now 1795478400 --secretfile {same}")).out,
        made
    );
    let outcome = run(&format!("--now 1795478400 --secretfile {other}"));
    assert_eq!(outcome.code, 0);
    assert_ne!(outcome.out, made);
}

#[test]
fn a_line_that_is_no_message_is_told_and_counted_and_the_rest_is_done() {
    let folder = Folder::new();
    let good = r#"{"recipient":"a@shop.example","target":"b@home.example","sender":"c@example.com","score":0,"size":1}"#;
    let lines = [
        good.as_bytes(),
        b"",
        b"   ",
        b"{",
        b"not json",
        b"\xff\xfe",
        br#"{"recipient":"a@shop.example"}"#,
        br#"{"recipient":"a@shop.example","sender":""}"#,
        br#"{"recipient":"a@shop.example","target":"b@home.example","sender":"c@example.com","score":9}"#,
        br#"{"recipient":"a@shop.example","target":"b@home.example","sender":"c@example.com","score":"\u001b[31m","size":1}"#,
        br#"{"recipient":"a@shop.example","target":"b@home.example","sender":"c@example.com","score":1e999,"size":1}"#,
        br#"{"recipient":"a@shop.example","target":"b@home.example","sender":"c@example.com","score":1,"size":-1}"#,
        br#"{"recipient":"a@shop.example","target":null,"sender":"","returns":"never"}"#,
        br#"["18:00:00","a@shop.example","b@home.example","c@example.com",1,1,null]"#,
        &b"[".repeat(10_000),
        &b"a".repeat(16 * 1024 + 1),
        &b"a".repeat(1024 * 1024),
        good.as_bytes(),
    ];
    let messages = folder.write("messages", [&lines.join(&b"\r\n"[..])[..], b"\n"].concat());
    let outcome = run(&format!("OURS {messages}"));
    assert_eq!(outcome.code, 1);
    assert_eq!(
        outcome
            .out
            .matches("  rewritten  a@shop.example -> b@home.example")
            .count(),
        2
    );
    assert!(
        outcome
            .out
            .contains("      14  lines that are no message\n"),
        "{}",
        outcome.out
    );
    let told: Vec<_> = outcome.err.lines().collect();
    assert_eq!(told.len(), 14, "{}", outcome.err);
    for (line, number) in told.iter().zip(4..) {
        let start = format!("forwarding: {messages}, line {number}: ");
        assert!(line.starts_with(&start), "{line}");
    }
    assert!(told[2].contains("column 1"), "{}", told[2]);
    assert!(told[4].contains("missing field `target`"), "{}", told[4]);
    assert!(told[5].contains("needs a score and a size"), "{}", told[5]);
    assert!(
        told[10].contains("a message is a JSON object"),
        "{}",
        told[10]
    );
    for line in &told[12..] {
        assert!(line.contains("longer than 16384 octets"), "{line}");
    }

    // The last line need not end, and a message of its own may be as long as that.
    let long = good.replace(
        "\"size\"",
        &format!("{}\"size\"", " ".repeat(16 * 1024 - good.len())),
    );
    for lines in [long.clone(), format!("{long}\r\n{good}\r\n")] {
        let messages = folder.write("messages", lines);
        let outcome = run(&format!("OURS {messages}"));
        assert_eq!((outcome.code, outcome.err.as_str()), (0, ""));
    }
    // A carriage return ends no line by itself, also where the reading of one that is too long stops.
    for rest in ["\r", "\r\r"] {
        let messages = folder.write("messages", format!("{long}{rest} x\n"));
        let outcome = run(&format!("OURS {messages}"));
        assert_eq!(outcome.code, 1);
        assert!(outcome.err.contains("longer than 16384 octets"));
    }
}

#[test]
fn what_cannot_be_written_is_told() {
    let folder = Folder::new();
    for option in ["--html ", "--json="] {
        let path = folder.argument("missing/file");
        let outcome = run(&format!("NOW {option}{path}"));
        assert_eq!(outcome.code, 1);
        assert!(outcome.out.contains("Forwarded Discards"));
        assert!(
            outcome
                .err
                .starts_with(&format!("forwarding: cannot write {path}: ")),
            "{}",
            outcome.err
        );
    }
}

/// Linux only: elsewhere there is no /dev/full.
#[cfg(target_os = "linux")]
#[test]
fn what_is_no_file_is_written_to_and_not_replaced() {
    let folder = Folder::new();
    std::os::unix::fs::symlink("/dev/full", folder.path("full")).unwrap();
    let outcome = run(&format!("NOW --html {}", folder.argument("full")));
    assert_eq!(outcome.code, 1);
    assert!(outcome.err.contains("cannot write"), "{}", outcome.err);
    assert_eq!(folder.names(), ["full"]);
    assert!(folder.path("full").is_symlink());
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let mut child = forwarding("OURS --follow")
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let message = br#"{"recipient":"a@shop.example","target":"b@home.example","sender":"c@example.com","score":0,"size":1}"#;
    let writer = std::thread::spawn(move || {
        let line = [&message[..], b"\n"].concat();
        (0..100_000)
            .try_for_each(|_| stdin.write_all(&line))
            .unwrap_or_default();
    });
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut String::new()).unwrap();
    drop(stdout);
    let mut err = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut err)
        .unwrap();
    assert_eq!((child.wait().unwrap().code(), err.as_str()), (Some(0), ""));
    writer.join().unwrap();
    // And it is told when a disk is full.
    #[cfg(target_os = "linux")]
    {
        let full = std::fs::File::options()
            .write(true)
            .open("/dev/full")
            .unwrap();
        let outcome = Outcome::of(forwarding("NOW").stdout(full).output().unwrap());
        assert_eq!(outcome.code, 1);
        assert!(
            outcome
                .err
                .starts_with("forwarding: cannot write standard output: "),
            "{}",
            outcome.err
        );
    }
}

#[test]
fn the_document_on_standard_output_is_no_file() {
    for json in ["--json", "--json=-"] {
        let folder = Folder::new();
        let mut command = forwarding(&format!("NOW {json}"));
        let outcome = Outcome::of(command.current_dir(folder.path(".")).output().unwrap());
        assert!(outcome.json()["counts"].is_object());
        assert!(folder.names().is_empty());
    }
}
