//! The program `srs`, run as its users run it: what it promises on the command line, as a filter,
//! to a script that looks at the exit status, and to somebody who feeds it hostile addresses.
//!
//! Hashes written out here were computed apart from this crate.

#![cfg(feature = "std")]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

const SECRET: &str = "tops3cr3t";
/// 2006-02-11 14:40 UTC, timestamp `4G`.
const NOW: u64 = 1_139_668_800;
const DAY: u64 = 86_400;
const ALICE: &str = "alice@example.com";
const SRS0: &str = "SRS0=3lNH=4G=example.com=alice@forward.example";
/// More than the pipes and buffers on the way hold.
const MANY: usize = 100_000;

// ------------------------------------------------------------------------ running the program

/// The program, built with the features of this test.
///
/// `cargo test --test command_line` builds no example, so this asks cargo for it, which does nothing
/// when it is there.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo
            .args(["build", "--quiet", "--example", "srs"])
            .arg("--message-format=json")
            .arg(concat!(
                "--manifest-path=",
                env!("CARGO_MANIFEST_DIR"),
                "/Cargo.toml"
            ))
            .args(["--no-default-features", "--features=std"]);
        if cfg!(feature = "getrandom") {
            cargo.arg("--features=getrandom");
        }
        if !cfg!(debug_assertions) {
            cargo.arg("--release");
        }
        // Cargo promises that this folder lies in the target folder, wherever that is.
        if let Some(target) = Path::new(env!("CARGO_TARGET_TMPDIR")).parent() {
            cargo.arg("--target-dir").arg(target);
        }
        let built = cargo.output().expect("cargo runs");
        let errors = String::from_utf8_lossy(&built.stderr);
        assert!(
            built.status.success(),
            "cargo build --example srs: {errors}"
        );
        built
            .stdout
            .split(|&byte| byte == b'\n')
            .filter_map(|line| serde_json::from_slice::<Value>(line).ok())
            .filter(|message| message["target"]["name"] == "srs")
            .find_map(|message| message["executable"].as_str().map(PathBuf::from))
            .expect("cargo tells where the example lies")
    })
}

fn srs<S: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(program());
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// What a run left behind.
#[derive(Debug, PartialEq)]
struct Outcome {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Outcome {
    /// What holds for every run: it ends by itself, keeps the secrets, and drives no terminal.
    fn of(output: Output) -> Outcome {
        let out = String::from_utf8(output.stdout).unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert!(!err.contains("panicked"), "{err}");
        for text in [&out, &err] {
            assert!(!text.contains(SECRET), "{text}");
            let control = text.chars().find(|&c| c.is_control() && c != '\n');
            assert_eq!(control, None, "{text:?}");
        }
        let code = output.status.code();
        Outcome { code, out, err }
    }

    #[track_caller]
    fn assert(self, code: i32, out: &str, err: &str) {
        let expected = Outcome {
            code: Some(code),
            out: out.into(),
            err: err.into(),
        };
        assert_eq!(self, expected);
    }

    /// The objects on standard output, which are all that is there.
    #[track_caller]
    fn json(&self) -> Vec<Value> {
        assert_eq!(self.err, "");
        self.out
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

/// Runs it with these arguments, split at white space.
fn run(arguments: &str) -> Outcome {
    run_with(arguments, &[])
}

/// Runs it with these arguments, and with more that are not split.
fn run_with(arguments: &str, more: &[&str]) -> Outcome {
    let arguments = arguments.split_whitespace().chain(more.iter().copied());
    Outcome::of(srs(arguments).output().unwrap())
}

/// Runs it as a filter of this input.
fn filter(arguments: &str, input: impl Into<Vec<u8>>) -> Outcome {
    let mut child = srs(arguments.split_whitespace())
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let writer = feed(&mut child, input.into());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    Outcome::of(output)
}

/// Writes the input from a thread of its own, and closes it; the program may go before that.
fn feed(child: &mut Child, input: Vec<u8>) -> thread::JoinHandle<()> {
    let mut stdin = child.stdin.take().unwrap();
    thread::spawn(move || {
        let _gone = stdin.write_all(&input);
    })
}

fn forward(more: &str) -> String {
    format!("--secret {SECRET} --alias forward.example --now {NOW} {more}")
}

fn reverse(more: &str) -> String {
    reverse_at(NOW, more)
}

fn reverse_at(now: u64, more: &str) -> String {
    format!("--reverse --secret {SECRET} --now {now} {more}")
}

/// A file of this test process, gone when dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str, content: &[u8]) -> Scratch {
        let name = format!("{}-{name}", std::process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::write(&path, content).unwrap();
        Scratch(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _gone = fs::remove_file(&self.0);
    }
}

// --------------------------------------------------------------------------------- the verbs

#[test]
fn a_sender_is_forwarded_and_its_bounce_reversed() {
    run(&forward(ALICE)).assert(0, &format!("{SRS0}\n"), "");
    run(&reverse(SRS0)).assert(0, "alice@example.com\n", "");
}

#[test]
fn the_next_hop_makes_srs1_and_reverses_it_to_the_first() {
    const SRS1: &str = "SRS1=64LP=forward.example==3lNH=4G=example.com=alice@next.example";
    let secret = ["--secret", "an0ther s3cret"];
    run_with(&format!("--alias next.example --now {NOW} {SRS0}"), &secret).assert(
        0,
        &format!("{SRS1}\n"),
        "",
    );
    run_with(&format!("--reverse {SRS1}"), &secret).assert(0, &format!("{SRS0}\n"), "");
}

#[test]
fn the_clock_is_the_systems_unless_given() {
    let forwarded = run(&format!(
        "--secret {SECRET} --alias forward.example {ALICE}"
    ));
    assert_eq!(forwarded.code, Some(0));
    let reversed = run(&format!(
        "--json --reverse --secret {SECRET} {}",
        forwarded.out
    ));
    assert_eq!(reversed.json()[0]["age"], 0);
    // By the clock, the day of all other tests is long past; the sum of these days is the cycle.
    let old = run(&format!(
        "--json --reverse --secret {SECRET} --max-age 0 --max-skew 0 {SRS0}"
    ));
    let today = run(&format!("--json --inspect {SRS0}")).json()[0]["claimed_age"].clone();
    assert_eq!(old.code, Some(i32::from(today != 0)));
}

#[test]
fn senders_left_alone_come_out_as_they_came() {
    let senders = ["bob@Forward.Example", "<>", ""];
    run_with(&forward(""), &senders).assert(0, "bob@Forward.Example\n<>\n\n", "");
    for (sender, line) in senders
        .iter()
        .zip(run_with(&forward("--json"), &senders).json())
    {
        assert_eq!(line, json!({"input": sender, "output": sender}));
    }
}

#[test]
fn inspecting_needs_no_secret() {
    let srs1 = "SRS1+HASH=first.example=-QQQQ=4g=example.com=bob@next.example";
    let addresses = [
        SRS0,
        srs1,
        "\"SRS0=HASH=4F=example.com=a b\"@forward.example",
    ];
    run_with(&format!("--inspect --now {NOW}"), &addresses).assert(
        0,
        "SRS0 at forward.example, separator =, claims hash 3lNH, timestamp 4G (0 days old), \
         sender alice@example.com\n\
         SRS1 at next.example, separator +, claims hash HASH, \
         sender SRS0-QQQQ=4g=example.com=bob@first.example\n\
         SRS0 at forward.example, separator =, claims hash HASH, timestamp 4F (1 days old), \
         sender \"a b\"@example.com\n",
        "",
    );
    let lines = run_with(&format!("--inspect --json --now {NOW}"), &addresses[..2]);
    lines.assert(
        0,
        "{\"input\":\"SRS0=3lNH=4G=example.com=alice@forward.example\",\"kind\":\"SRS0\",\
         \"separator\":\"=\",\"domain\":\"forward.example\",\"claimed_hash\":\"3lNH\",\
         \"claimed_timestamp\":\"4G\",\"claimed_age\":0,\"claimed_host\":\"example.com\",\
         \"claimed_local_part\":\"alice\",\"claimed_sender\":\"alice@example.com\"}\n\
         {\"input\":\"SRS1+HASH=first.example=-QQQQ=4g=example.com=bob@next.example\",\
         \"kind\":\"SRS1\",\"separator\":\"+\",\"domain\":\"next.example\",\
         \"claimed_hash\":\"HASH\",\"claimed_timestamp\":null,\"claimed_age\":null,\
         \"claimed_host\":\"first.example\",\
         \"claimed_local_part\":\"-QQQQ=4g=example.com=bob\",\
         \"claimed_sender\":\"SRS0-QQQQ=4g=example.com=bob@first.example\"}\n",
        "",
    );
}

// ---------------------------------------------------------------------------- the other flags

#[test]
fn each_flag_does_what_it_says() {
    let long = "SRS0=3lNHrAih7C_z5UdeGaOa3IxX8h4=4G=example.com=alice@forward.example";
    for (arguments, out) in [
        (forward("--forward alice@example.com"), SRS0),
        (forward("--address alice@example.com"), SRS0),
        (
            forward("--alias bob@forward.example alice@example.com"),
            SRS0,
        ),
        (
            forward("--separator + alice@example.com"),
            "SRS0+3lNH=4G=example.com=alice@forward.example",
        ),
        (
            forward("--separator - alice@example.com"),
            "SRS0-3lNH=4G=example.com=alice@forward.example",
        ),
        (
            forward("--separator=- alice@example.com"),
            "SRS0-3lNH=4G=example.com=alice@forward.example",
        ),
        (forward("--hashlength 27 alice@example.com"), long),
        (
            forward("--hash-format base64url user35@example.com"),
            "SRS0=PEJ_=4G=example.com=user35@forward.example",
        ),
        (
            forward("--hash-format base64 user35@example.com"),
            "SRS0=PEJ/=4G=example.com=user35@forward.example",
        ),
        (
            forward("--hash-format base32 alice@example.com"),
            "SRS0=TU3L=4G=example.com=alice@forward.example",
        ),
        (
            forward("--always-rewrite bob@forward.example --hashlength 4"),
            "SRS0=nQlb=4G=forward.example=bob@forward.example",
        ),
        (forward("--local-part-limit 30 alice@example.com"), SRS0),
        (reverse(long), ALICE),
        (
            reverse("--hashlength 27 --hashmin 4 SRS0=3lNH=4G=example.com=alice@forward.example"),
            ALICE,
        ),
        (
            reverse(
                "--separator + --alias other.example SRS0=3lNH=4G=example.com=alice@forward.example",
            ),
            ALICE,
        ),
        (
            reverse_at(NOW + 30 * DAY, &format!("--max-age 30 {SRS0}")),
            ALICE,
        ),
        (
            reverse_at(NOW - 3 * DAY, &format!("--max-skew 3 {SRS0}")),
            ALICE,
        ),
    ] {
        assert_eq!(
            run(&arguments),
            Outcome {
                code: Some(0),
                out: format!("{out}\n"),
                err: String::new()
            },
            "{arguments}"
        );
    }
}

#[test]
fn the_flags_and_abbreviations_of_the_classic_srs_carry_over() {
    // From its source, with a value that shows an effect.
    let classic = [
        ("separator", Some("+")),
        ("address", Some("bob@example.com")),
        ("secret", Some("an0ther")),
        ("secretfile", Some("/dev/null")),
        ("forward", None),
        ("reverse", None),
        ("alias", Some("other.example")),
        ("hashlength", Some("6")),
        ("help", None),
    ];
    for (name, value) in classic {
        let with_flag = |flag: &str| {
            let value = value.map_or(String::new(), |value| format!("={value}"));
            // Secrets come first to last, values of all others last wins.
            run(&format!(
                "--{flag}{value} {}",
                forward("--address alice@example.com")
            ))
        };
        let expected = with_flag(name);
        for end in 1..name.len() {
            let short = &name[..end];
            let is_unique = classic
                .iter()
                .filter(|(other, _)| other.starts_with(short))
                .count()
                == 1;
            if is_unique {
                assert_eq!(with_flag(short), expected, "--{short}");
            }
        }
    }
}

#[test]
fn reverse_wins_over_forward_as_in_the_classic_srs() {
    for arguments in [format!("--forward {SRS0}"), format!("{SRS0} --forward")] {
        run(&reverse(&arguments)).assert(0, "alice@example.com\n", "");
    }
}

#[test]
fn of_a_value_given_twice_the_last_holds() {
    run(&forward("--separator - --alias a.example --alias forward.example --separator = --json --json alice@example.com"))
        .assert(0, &format!("{{\"input\":\"{ALICE}\",\"output\":\"{SRS0}\"}}\n"), "");
}

#[test]
fn addresses_of_the_flag_come_first() {
    run(&reverse(&format!(
        "--json a@x --address b@x {SRS0} --address -c@x -- -d@x"
    )))
    .json()
    .iter()
    .zip(["b@x", "-c@x", "a@x", SRS0, "-d@x"])
    .for_each(|(line, input)| assert_eq!(line["input"], input));
}

#[test]
fn the_help_names_every_flag() {
    let help = run("--help");
    assert_eq!((help.code, help.err.as_str()), (Some(0), ""));
    for flag in [
        "--forward",
        "--reverse",
        "--inspect",
        "--alias",
        "--secret",
        "--secretfile",
        "--address",
        "--separator",
        "--hashlength",
        "--hashmin",
        "--hash-format",
        "--accept",
        "--max-age",
        "--max-skew",
        "--always-rewrite",
        "--local-part-limit",
        "--now",
        "--json",
        "--generate-secret",
        "--help",
    ] {
        assert!(help.out.contains(&format!("{flag} ")), "{flag}");
    }
    assert_eq!(run("-h"), help);
}

// ------------------------------------------------------------------------------------ secrets

#[test]
fn the_first_secret_signs_and_all_verify() {
    let secrets = "--secret new --secret older";
    let line = run(&format!(
        "--json --reverse {secrets} --secret {SECRET} --now {NOW} {SRS0}"
    ))
    .json();
    assert_eq!(line[0]["secret"], 2);
    let forwarded = run(&format!(
        "{secrets} --alias forward.example --now {NOW} {ALICE}"
    ));
    let alone = run(&format!(
        "--secret new --alias forward.example --now {NOW} {ALICE}"
    ));
    assert_eq!(forwarded, alone);
}

#[test]
fn a_secret_is_any_text() {
    for secret in [
        "-",
        "--reverse",
        "-x",
        "#comment",
        " ",
        "a:b",
        "grün",
        "--secret=x",
        "0",
    ] {
        let forwarded = run_with("--alias forward.example a@example.com --secret", &[secret]);
        assert_eq!(
            (forwarded.code, forwarded.err.as_str()),
            (Some(0), ""),
            "{secret}"
        );
        let reversed = run_with(&format!("--reverse {} --secret", forwarded.out), &[secret]);
        reversed.assert(0, "a@example.com\n", "");
    }
}

#[cfg(unix)]
#[test]
fn a_secret_need_not_be_utf8() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let file = Scratch::new("octets", b"\xff\xfe\n");
    let from_file = run(&format!(
        "--alias x.example a@example.com --secretfile {}",
        file.path()
    ));
    let mut command = srs(["--alias", "x.example", "a@example.com", "--secret"]);
    let from_argument = Outcome::of(
        command
            .arg(OsStr::from_bytes(b"\xff\xfe"))
            .output()
            .unwrap(),
    );
    assert_eq!(from_argument.code, Some(0));
    assert_eq!(from_argument, from_file);
}

#[test]
fn a_secretfile_holds_one_a_line() {
    let expected = Outcome {
        code: Some(0),
        out: format!("{SRS0}\n"),
        err: String::new(),
    };
    for content in [
        "tops3cr3t",
        "tops3cr3t\n",
        "tops3cr3t\r\n",
        "\n \t\n\r\n# tops\n#\ntops3cr3t\nolder\n",
    ] {
        let file = Scratch::new("lines", content.as_bytes());
        let arguments = format!("--alias forward.example --now {NOW} {ALICE} --secretfile");
        assert_eq!(
            run_with(&arguments, &[file.path()]),
            expected,
            "{content:?}"
        );
    }
    // All but the line end is part of a secret.
    for content in [
        " tops3cr3t\n",
        "tops3cr3t \n",
        "tops3cr3t\r\r\n",
        "tops3cr3t # 2006\n",
        " # x\n",
    ] {
        let file = Scratch::new("spaces", content.as_bytes());
        let arguments = format!("--alias forward.example --now {NOW} {ALICE} --secretfile");
        let forwarded = run_with(&arguments, &[file.path()]);
        assert_eq!(forwarded.code, Some(0), "{content:?}");
        assert_ne!(forwarded.out, expected.out, "{content:?}");
    }
}

#[test]
fn secrets_come_in_the_order_of_flag_file_accept() {
    let file = Scratch::new("order", b"second\nthird\n");
    let secrets = format!(
        "--accept base64:fourth --secretfile {} --secret first",
        file.path()
    );
    for (index, secret) in ["first", "second", "third", "fourth"].iter().enumerate() {
        let made = run(&format!(
            "--secret {secret} --alias x.example a@example.com"
        ));
        let line = run(&format!("--json --reverse {secrets} {}", made.out)).json();
        assert_eq!(line[0]["secret"], index);
    }
    let forwarded = run(&format!("{secrets} --alias x.example a@example.com"));
    assert_eq!(
        forwarded,
        run("--secret first --alias x.example a@example.com")
    );
}

#[test]
fn an_accepted_secret_has_its_own_format_and_only_verifies() {
    // A move from PostSRSd: sign base32 with a new secret, take bounces that the old one signed.
    let moving =
        format!("--secret new --hash-format base32 --accept base64url:{SECRET} --now {NOW}");
    run(&format!("--reverse {moving} {SRS0}")).assert(0, "alice@example.com\n", "");
    let forwarded = run(&format!("--alias forward.example {moving} {ALICE}"));
    let alone =
        format!("--secret new --hash-format base32 --alias forward.example --now {NOW} {ALICE}");
    assert_eq!(forwarded, run(&alone));
    // In another format than it was made in, the hash is another.
    run(&format!(
        "--reverse --secret new --accept base32:{SECRET} --now {NOW} {SRS0}"
    ))
    .assert(1, "", &format!("srs: {SRS0}: hash does not match\n"));
    // The secret may hold a colon.
    let made = run("--secret a:b: --alias x.example a@example.com");
    run(&format!(
        "--reverse --secret new --accept base64:a:b: {}",
        made.out
    ))
    .assert(0, "a@example.com\n", "");
    // To verify, it is enough alone.
    run(&format!(
        "--reverse --accept base64:{SECRET} --now {NOW} {SRS0}"
    ))
    .assert(0, "alice@example.com\n", "");
}

#[test]
fn a_generated_secret_is_new_and_serves() {
    let generated = run("--generate-secret");
    if cfg!(feature = "getrandom") {
        assert_eq!((generated.code, generated.err.as_str()), (Some(0), ""));
        let secret = generated.out.strip_suffix('\n').unwrap();
        assert_eq!(secret.len(), 32);
        assert!(
            secret
                .bytes()
                .all(|byte| matches!(byte, b'A'..=b'Z' | b'2'..=b'7')),
            "{secret}"
        );
        assert_ne!(run("--generate-secret").out, generated.out);
        let made = run(&format!(
            "--secret {secret} --alias x.example a@example.com"
        ));
        run(&format!("--reverse --secret {secret} {}", made.out)).assert(0, "a@example.com\n", "");
    } else {
        assert_eq!((generated.code, generated.out.as_str()), (Some(2), ""));
        assert!(
            generated.err.contains("--features getrandom"),
            "{}",
            generated.err
        );
    }
}

// ------------------------------------------------------------------------- errors and statuses

#[test]
fn each_error_has_its_code() {
    let forged = "SRS0=AAAA=4G=example.com=alice@forward.example";
    let short = "SRS0=3lN=4G=example.com=alice@forward.example";
    for (arguments, address, code, message) in [
        (
            forward(""),
            "alice",
            "invalid-address",
            "invalid sender: no at sign before offset 5",
        ),
        (
            forward(""),
            "a b@example.com",
            "invalid-address",
            "invalid sender: unquoted space at offset 1",
        ),
        (
            forward("--local-part-limit 29"),
            ALICE,
            "local-part-too-long",
            "rewritten local part takes 30 octets, over the limit of 29",
        ),
        (reverse(""), ALICE, "not-srs", "not an srs address"),
        (reverse(""), "", "not-srs", "not an srs address"),
        (
            reverse(""),
            "SRS0=a b=c@forward.example",
            "invalid-address",
            "invalid address: unquoted space at offset 6",
        ),
        (
            reverse(""),
            "SRS0=3lNH@forward.example",
            "malformed",
            "malformed srs address: srs0 address lacks a field: hash, timestamp, host and user are needed",
        ),
        (
            reverse(""),
            "SRS1=3lNH=a@forward.example",
            "malformed",
            "malformed srs address: srs1 address lacks a field: hash, host and rest are needed",
        ),
        (
            reverse(""),
            short,
            "hash-too-short",
            "hash of 3 characters is too short, 4 are needed",
        ),
        (
            reverse("--hashlength 5"),
            SRS0,
            "hash-too-short",
            "hash of 4 characters is too short, 5 are needed",
        ),
        (reverse(""), forged, "hash-mismatch", "hash does not match"),
        (
            reverse_at(NOW + 22 * DAY, ""),
            SRS0,
            "expired",
            "address expired: it is 22 days old and 21 are allowed",
        ),
        (
            reverse_at(NOW + DAY, "--max-age 0"),
            SRS0,
            "expired",
            "address expired: it is 1 days old and 0 are allowed",
        ),
        ("--inspect".into(), ALICE, "not-srs", "not an srs address"),
        (
            "--inspect".into(),
            "SRS0=a\u{7f}@x",
            "invalid-address",
            "invalid address: control character at offset 6",
        ),
        (
            "--inspect".into(),
            "SRS0=HASH=1A=example.com=alice@x",
            "malformed",
            "malformed srs address: timestamp is not two base32 characters",
        ),
    ] {
        let failed = run_with(&arguments, &["--json", "--", address]);
        assert_eq!(failed.code, Some(1), "{address}");
        let expected = json!({"input": address, "error": code, "message": message});
        assert_eq!(failed.json(), [expected], "{arguments} {address}");

        let plain = run_with(&arguments, &["--", address]);
        assert_eq!((plain.code, plain.out.as_str()), (Some(1), ""));
        assert!(plain.err.starts_with("srs: "), "{}", plain.err);
        assert!(
            plain.err.ends_with(&format!(": {message}\n")),
            "{}",
            plain.err
        );
    }
}

#[test]
fn a_line_of_json_has_its_keys_in_this_order() {
    run(&forward("--json alice@example.com alice")).assert(
        1,
        &format!(
            "{{\"input\":\"{ALICE}\",\"output\":\"{SRS0}\"}}\n\
             {{\"input\":\"alice\",\"error\":\"invalid-address\",\
             \"message\":\"invalid sender: no at sign before offset 5\"}}\n"
        ),
        "",
    );
    let folded = SRS0.to_ascii_lowercase();
    let srs1 = "SRS1=ZIDw=first.example==QQQQ=4G=example.com=bob@forward.example";
    run(&reverse_at(
        NOW - DAY,
        &format!("--json {SRS0} {folded} {srs1}"),
    ))
    .assert(
        0,
        &format!(
            "{{\"input\":\"{SRS0}\",\"output\":\"{ALICE}\",\
             \"secret\":0,\"age\":-1,\"case_folded\":false}}\n\
             {{\"input\":\"{folded}\",\"output\":\"{ALICE}\",\
             \"secret\":0,\"age\":-1,\"case_folded\":true}}\n\
             {{\"input\":\"{srs1}\",\"output\":\"SRS0=QQQQ=4G=example.com=bob@first.example\",\
             \"secret\":0,\"age\":null,\"case_folded\":false}}\n"
        ),
        "",
    );
}

#[test]
fn one_failed_address_does_not_stop_the_others() {
    run(&forward("alice@example.com bob alice@example.com")).assert(
        1,
        &format!("{SRS0}\n{SRS0}\n"),
        "srs: bob: invalid sender: no at sign before offset 3\n",
    );
    let lines = run(&forward("--json alice@example.com bob alice@example.com"));
    assert_eq!(lines.code, Some(1));
    let failed: Vec<_> = lines
        .json()
        .iter()
        .map(|line| line.get("error").is_some())
        .collect();
    assert_eq!(failed, [false, true, false]);
}

#[test]
fn wrong_usage_is_told_so_that_one_can_act_on_it() {
    let missing = format!("{}/no-such-file", env!("CARGO_TARGET_TMPDIR"));
    let empty = Scratch::new("empty", b"# nothing\n\n");
    let alias = "--alias forward.example";
    for (arguments, told) in [
        (
            format!("--secret {SECRET} {ALICE}"),
            "no alias: forwarding needs --alias DOMAIN",
        ),
        (
            format!("--secret {SECRET}"),
            "no alias: forwarding needs --alias DOMAIN",
        ),
        (
            format!("{alias} {ALICE}"),
            "no secret: give --secret or --secretfile",
        ),
        (
            format!("--reverse {SRS0}"),
            "no secret: give --secret or --secretfile",
        ),
        (
            format!("{alias} --accept base64:{SECRET} {ALICE}"),
            "--accept signs nothing",
        ),
        (
            format!("{alias} --secretfile {} {ALICE}", empty.path()),
            "the file of --secretfile holds none",
        ),
        (
            format!("{alias} --secretfile {missing} {ALICE}"),
            "no-such-file: ",
        ),
        (
            format!("--secret= {alias} {ALICE}"),
            "--secret: secret is empty",
        ),
        (
            format!("--reverse --accept base64: {SRS0}"),
            "--accept: secret is empty",
        ),
        (
            format!("--reverse --accept {SECRET} {SRS0}"),
            "--accept takes FORMAT:SECRET",
        ),
        (
            format!("--reverse --accept base16:{SECRET} {SRS0}"),
            "base64url, base64 or base32",
        ),
        (
            format!("--reverse --accept {SECRET}:base64 {SRS0}"),
            "--accept takes FORMAT:SECRET",
        ),
        (
            format!("--reverse --secret:{SECRET} {SRS0}"),
            "put a space or = before the value",
        ),
        (
            format!("--reverse --accept-base64:{SECRET} {SRS0}"),
            "put a space or = before the value",
        ),
        (
            format!("--reverse={SECRET} {SRS0}"),
            "unexpected value for --reverse",
        ),
        (
            format!("--generate-secret={SECRET}"),
            "unexpected value for --generate-secret",
        ),
        (
            format!("--secrets={SECRET} {alias} {ALICE}"),
            "put a space or = before the value",
        ),
        (
            format!("--sekret={SECRET} {alias} {ALICE}"),
            "unexpected argument '--sekret'",
        ),
        (
            format!("--sec={SECRET} {alias} {ALICE}"),
            "unexpected argument '--sec'",
        ),
        (
            format!("--secret {SECRET} --bogus"),
            "unexpected argument '--bogus'",
        ),
        (
            format!("--secret {SECRET} {alias} -a@example.com"),
            "unexpected argument '-a'",
        ),
        (
            "--secret".into(),
            "a value is required for '--secret <SECRET>'",
        ),
        (
            forward("--alias=forward.example:25@ a@x"),
            "--alias: invalid alias: ",
        ),
        (forward("--alias= a@x"), "--alias: invalid alias: "),
        (
            forward("--separator / a@x"),
            "use an equals, plus or minus sign",
        ),
        (forward("--separator == a@x"), "--separator"),
        (forward("--hashlength 3 a@x"), "use 4 to 27 characters"),
        (forward("--hashlength 28 a@x"), "use 4 to 27 characters"),
        (
            forward("--hash-format base32 --hashlength 33 a@x"),
            "use 4 to 32 characters",
        ),
        (forward("--hashlength x a@x"), "--hashlength <NUMBER>"),
        (
            forward("--hashlength 4 --hashmin 5 a@x"),
            "use 4 to 4 characters",
        ),
        (
            forward("--hash-format hex a@x"),
            "use base64url, base64 or base32",
        ),
        (reverse("--max-age 65536 a@x"), "--max-age <DAYS>"),
        (reverse("--max-age 1023 a@x"), "keep their sum below 1023"),
        (reverse("--max-skew -1 a@x"), "unexpected argument '-1'"),
        (reverse("--now yesterday a@x"), "--now <UNIX>"),
        (reverse("--inspect a@x"), "cannot be used with"),
        ("--forward --inspect a@x".into(), "cannot be used with"),
        (format!("--generate-secret {ALICE}"), "cannot be used with"),
    ] {
        let wrong = run(&arguments);
        assert_eq!(
            (wrong.code, wrong.out.as_str()),
            (Some(2), ""),
            "{arguments}"
        );
        assert!(
            wrong.err.starts_with("error: "),
            "{arguments}: {}",
            wrong.err
        );
        assert!(wrong.err.contains(told), "{arguments}: {}", wrong.err);
    }
}

#[test]
fn wrong_usage_leaves_the_input_unread() {
    let wrong = filter(
        &format!("--secret {SECRET}"),
        "alice@example.com\n".repeat(MANY),
    );
    assert_eq!((wrong.code, wrong.out.as_str()), (Some(2), ""));
}

// --------------------------------------------------------------------------- hostile addresses

/// Addresses made to drive a terminal, to end an SMTP command, or to add a line to a log.
const HOSTILE: [&str; 12] = [
    "a@example.com\r\nRCPT TO:<b@example.com>",
    "a\r\n@example.com",
    "a@example.com\n",
    "\n",
    "\x1b[31ma@example.com",
    "\"\x1b]0;owned\x07\"@example.com",
    "a@\x1b[2Jexample.com",
    "a\x08\x08b@example.com",
    "a\x7fb@example.com",
    "a\tb@example.com",
    "SRS0=HASH=4G=example.com=a\r\n@forward.example",
    "\"SRS0=HASH=4G=example.com=a\x1b[31m\"@forward.example",
];

#[test]
fn hostile_addresses_are_refused_and_do_not_come_out_raw() {
    // `Outcome::of` finds any control character.
    for arguments in [forward(""), reverse(""), "--inspect".into()] {
        for address in HOSTILE {
            let plain = run_with(&arguments, &["--", address]);
            assert_eq!(
                (plain.code, plain.out.as_str()),
                (Some(1), ""),
                "{address:?}"
            );
            assert_eq!(plain.err.lines().count(), 1, "{address:?}: {}", plain.err);

            let line = run_with(&arguments, &["--json", "--", address]);
            assert_eq!(
                (line.code, line.out.lines().count()),
                (Some(1), 1),
                "{address:?}"
            );
            assert_eq!(line.json()[0]["input"], address);
        }
    }
}

#[test]
fn a_message_shows_the_address_it_belongs_to() {
    run_with(
        &forward(""),
        &["--", "\x1b[31m\"o'neil\\\r\n\u{9b}\u{202e}é"],
    )
    .assert(
        1,
        "",
        "srs: \\u{1b}[31m\"o'neil\\\\r\\n\\u{9b}\\u{202e}é: \
         invalid sender: no at sign before offset 23\n",
    );
    // But not all of one that would flood the screen.
    let long = run_with(&forward(""), &[&"a".repeat(100_000)]);
    assert_eq!(long.code, Some(1));
    assert!(long.err.len() < 2_000, "{}", long.err.len());
}

#[test]
fn json_leaves_no_control_character_to_a_terminal() {
    let address = "\u{0}\u{1b}\u{7f}\u{80}\u{9b}é\u{a0}\u{9f}\"\\";
    let lines = filter(&forward("--json"), format!("{address}\n"));
    assert_eq!(lines.json()[0]["input"], address);
}

#[test]
fn wrong_usage_drives_no_terminal() {
    for argument in [
        "--\x1b[31mbogus",
        "--bo\rgus",
        "--now=\x1b]0;x\x07",
        "--alias=\x1b[31m@",
    ] {
        let wrong = run_with(&forward("a@x"), &[argument]);
        assert_eq!(
            (wrong.code, wrong.out.as_str()),
            (Some(2), ""),
            "{argument:?}"
        );
    }
}

// -------------------------------------------------------------------------------- the filter

#[test]
fn the_filter_answers_each_line_in_order() {
    let senders = |hosts: &str| -> String {
        (0..MANY)
            .map(|number| format!("user{number}@{hosts}\n"))
            .collect()
    };
    let input = senders("example.com");
    let forwarded = filter(&forward(""), input.clone());
    assert_eq!((forwarded.code, forwarded.err.as_str()), (Some(0), ""));
    assert_eq!(
        forwarded.out.lines().nth(35),
        Some("SRS0=PEJ_=4G=example.com=user35@forward.example")
    );
    let reversed = filter(&reverse(""), forwarded.out);
    assert_eq!((reversed.code, reversed.err.as_str()), (Some(0), ""));
    // No `assert_eq`, which would print both.
    assert!(reversed.out == input);
}

#[test]
fn a_line_end_is_no_part_of_an_address() {
    for input in [
        "alice@example.com\nalice@example.com\n",
        "alice@example.com\r\nalice@example.com\r\n",
        "alice@example.com\nalice@example.com",
        "alice@example.com\r\nalice@example.com",
    ] {
        filter(&forward(""), input).assert(0, &format!("{SRS0}\n{SRS0}\n"), "");
    }
    filter(&forward(""), "").assert(0, "", "");
    // All else is part of it.
    for input in [
        "alice@example.com\r\r\n",
        "alice@example.com\r",
        " alice@example.com\n",
        "alice@example.com \n",
    ] {
        let refused = filter(&forward(""), input);
        assert_eq!(
            (refused.code, refused.out.as_str()),
            (Some(1), ""),
            "{input:?}"
        );
    }
}

#[test]
fn an_empty_line_is_the_null_sender() {
    filter(&forward(""), "\nalice@example.com\n\r\n<>\n\n").assert(
        0,
        &format!("\n{SRS0}\n\n<>\n\n"),
        "",
    );
    filter(&forward("--json"), "\n").assert(0, "{\"input\":\"\",\"output\":\"\"}\n", "");
    filter(&reverse(""), "\n").assert(1, "", "srs: <>: not an srs address\n");
}

#[test]
fn what_is_no_text_is_no_address() {
    let input = b"\xff@example.com\nalice@example.com\na\0b@example.com\nalice\xc3@example.com\n";
    filter(&forward(""), input).assert(
        1,
        &format!("{SRS0}\n"),
        "srs: \\xff@example.com: invalid address: not UTF-8 at offset 0\n\
         srs: a\\0b@example.com: invalid sender: control character at offset 1\n\
         srs: alice\\xc3@example.com: invalid address: not UTF-8 at offset 5\n",
    );
    let lines = filter(&forward("--json"), input).json();
    let errors: Vec<_> = lines.iter().map(|line| line["error"].as_str()).collect();
    let invalid = Some("invalid-address");
    assert_eq!(errors, [invalid, None, invalid, invalid]);
    assert_eq!(lines[0]["input"], "\u{fffd}@example.com");
}

#[cfg(unix)]
#[test]
fn what_is_no_text_is_no_address_on_the_command_line_either() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let arguments = forward(ALICE);
    let mut command = srs(arguments.split_whitespace());
    let output = command
        .arg(OsStr::from_bytes(b"\xff@example.com"))
        .output()
        .unwrap();
    Outcome::of(output).assert(
        1,
        &format!("{SRS0}\n"),
        "srs: \\xff@example.com: invalid address: not UTF-8 at offset 0\n",
    );
}

#[test]
fn a_line_too_long_is_refused_and_the_next_one_answered() {
    const LONGEST: usize = 64 * 1024;
    for (octets, end, fits) in [
        (LONGEST, "\n", true),
        (LONGEST, "\r\n", true),
        (LONGEST, "", true),
        (LONGEST + 1, "\n", false),
        (LONGEST + 1, "\r\n", false),
        (LONGEST + 1, "", false),
        (LONGEST + 2, "\n", false),
        (LONGEST + 3, "\n", false),
        (10 * LONGEST, "\r\n", false),
        (10 * LONGEST, "", false),
    ] {
        let host = "@example.com";
        let user = "a".repeat(octets - host.len());
        let after = if end.is_empty() {
            ""
        } else {
            "alice@example.com\n"
        };
        let lines = filter(&forward("--json"), format!("{user}{host}{end}{after}")).json();
        assert_eq!(
            lines[0].get("output").is_some(),
            fits,
            "{octets} octets, {end:?}"
        );
        if !fits {
            assert_eq!(lines[0]["error"], "invalid-address");
            assert_eq!(
                lines[0]["message"],
                "invalid address: longer than 65536 octets"
            );
        }
        let rest: Vec<_> = lines[1..]
            .iter()
            .map(|line| line["output"].as_str())
            .collect();
        assert_eq!(
            rest,
            vec![Some(SRS0); usize::from(!after.is_empty())],
            "{octets} octets, {end:?}"
        );
    }
}

/// A filter that is talked to, line by line.
struct Talk {
    child: Child,
    stdin: ChildStdin,
    answers: mpsc::Receiver<String>,
}

impl Talk {
    fn new(arguments: &str) -> Talk {
        let mut child = srs(arguments.split_whitespace())
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, answers) = mpsc::channel();
        thread::spawn(move || {
            for line in stdout.lines() {
                let Ok(()) = sender.send(line.unwrap()) else {
                    return;
                };
            }
        });
        Talk {
            child,
            stdin,
            answers,
        }
    }

    fn say(&mut self, input: &str) {
        self.stdin.write_all(input.as_bytes()).unwrap();
    }

    /// The next answer, if it comes; the wait is long enough for a busy machine.
    #[track_caller]
    fn hear(&self) -> String {
        self.answers
            .recv_timeout(Duration::from_secs(30))
            .expect("an answer while the input is open")
    }

    fn end(mut self) -> Option<i32> {
        drop(self.stdin);
        self.child.wait().unwrap().code()
    }
}

#[test]
fn an_answer_comes_before_the_next_line_is_written() {
    let mut talk = Talk::new(&forward(""));
    for _ in 0..3 {
        talk.say("alice@example.com\n");
        assert_eq!(talk.hear(), SRS0);
    }
    // Also while a part of the next line is there already, or an endless one.
    talk.say("alice@example.com\nalice@exam");
    assert_eq!(talk.hear(), SRS0);
    talk.say("ple.com\n");
    assert_eq!(talk.hear(), SRS0);
    talk.say(&format!("alice@example.com\n{}", "a".repeat(200_000)));
    assert_eq!(talk.hear(), SRS0);
    talk.say("\nalice@example.com\n");
    assert_eq!(talk.hear(), SRS0);
    assert_eq!(talk.end(), Some(1));
}

#[cfg(target_os = "linux")]
#[test]
fn memory_does_not_grow_with_the_input() {
    /// What a debug build's allocator may still settle by.
    const MARGIN: usize = 1024;

    let mut talk = Talk::new(&forward("--json"));
    let peak_kib = |talk: &Talk| -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", talk.child.id())).unwrap();
        let peak = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .unwrap();
        peak.trim().strip_suffix(" kB").unwrap().parse().unwrap()
    };
    let chunk = "alice@example.com\n".repeat(1_000);
    let ask = |talk: &mut Talk| {
        talk.say(&chunk);
        for _ in 0..1_000 {
            talk.hear();
        }
    };
    ask(&mut talk);
    talk.say(&format!("{}\n", "a".repeat(100_000)));
    talk.hear();
    let small = peak_kib(&talk);

    // In lines and answers, this is over twenty times the margin.
    for _ in 0..300 {
        ask(&mut talk);
    }
    let many_lines = peak_kib(&talk);
    assert!(
        many_lines < small + MARGIN,
        "{small} KiB, then {many_lines} KiB"
    );

    // One line of 32 MiB.
    let part = "a".repeat(1024 * 1024);
    for _ in 0..32 {
        talk.say(&part);
    }
    talk.say("\nalice@example.com\n");
    assert!(talk.hear().contains("longer than"));
    assert!(talk.hear().contains(SRS0));
    let long_line = peak_kib(&talk);
    assert!(
        long_line < small + MARGIN,
        "{small} KiB, then {long_line} KiB"
    );
    assert_eq!(talk.end(), Some(1));
}

#[cfg(not(target_os = "linux"))]
#[test]
#[ignore = "peak memory is read from /proc, which only Linux has"]
fn memory_does_not_grow_with_the_input() {}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    for arguments in [forward(""), forward("--json")] {
        let mut child = srs(arguments.split_whitespace())
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let writer = feed(&mut child, "alice@example.com\n".repeat(MANY).into_bytes());
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        assert!(line.contains(SRS0));
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
    }
}

#[test]
fn a_closed_standard_error_does_not_stop_it() {
    let arguments = forward("alice bob alice@example.com");
    let mut child = srs(arguments.split_whitespace()).spawn().unwrap();
    drop(child.stderr.take());
    Outcome::of(child.wait_with_output().unwrap()).assert(1, &format!("{SRS0}\n"), "");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_and_an_unreadable_input_are_told() {
    let full = fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let arguments = forward(ALICE);
    let output = srs(arguments.split_whitespace())
        .stdout(full)
        .output()
        .unwrap();
    let told = Outcome::of(output);
    assert_eq!(told.code, Some(1));
    assert!(
        told.err.starts_with("srs: cannot write standard output: "),
        "{}",
        told.err
    );

    let folder = fs::File::open("/").unwrap();
    let arguments = forward("");
    let output = srs(arguments.split_whitespace())
        .stdin(folder)
        .output()
        .unwrap();
    let told = Outcome::of(output);
    assert_eq!(told.code, Some(1));
    assert!(
        told.err.starts_with("srs: cannot read standard input: "),
        "{}",
        told.err
    );
}
