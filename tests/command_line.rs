//! The program `srs`, run as its users run it: what it promises on the command line, as a filter,
//! to a script that looks at the exit status, and to somebody who feeds it hostile addresses.
//!
//! Hashes written out here were computed apart from this crate.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may fail loudly outside its `#[test]` function too"
)]

mod example;

use core::time::Duration;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::{OnceLock, mpsc};
use std::thread::{self, JoinHandle};

use example::example;
use serde_json::{Value, json};

/// What no output may hold.
const SECRET: &str = "tops3cr3t";
const ALICE: &str = "alice@example.com";
const SRS0: &str = "SRS0=3lNH=4G=example.com=alice@forward.example";
/// Lines that are more than the pipes and buffers on the way hold.
const MANY: usize = 100_000;

// ------------------------------------------------------------------------ running the program

fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| example("srs"))
}

/// The program with these arguments, which are split at white space.
///
/// FORWARD and REVERSE stand for the flags that most runs need; the clock is that of `SRS0`.
fn srs(arguments: &str) -> Command {
    let arguments = arguments
        .replace("FORWARD", "--alias forward.example --secret SECRET NOW")
        .replace("REVERSE", "--reverse --secret SECRET NOW")
        .replace("SECRET", SECRET)
        .replace("NOW", "--now 1139668800");
    let mut command = Command::new(program());
    command
        .args(arguments.split_whitespace())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn run(arguments: &str) -> Outcome {
    Outcome::of(srs(arguments).output().unwrap())
}

/// Runs it with more arguments that are not split.
fn run_with(arguments: &str, more: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Outcome {
    Outcome::of(srs(arguments).args(more).output().unwrap())
}

/// Runs it as a filter of this input.
fn filter(arguments: &str, input: impl Into<Vec<u8>>) -> Outcome {
    let mut child = srs(arguments).stdin(Stdio::piped()).spawn().unwrap();
    let writer = feed(&mut child, input.into());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    Outcome::of(output)
}

/// Writes the input from a thread of its own and closes it; the program may go before that.
fn feed(child: &mut Child, input: Vec<u8>) -> JoinHandle<()> {
    let mut stdin = child.stdin.take().unwrap();
    thread::spawn(move || stdin.write_all(&input).unwrap_or_default())
}

/// What a run left behind.
#[derive(Debug, PartialEq)]
struct Outcome {
    code: i32,
    out: String,
    err: String,
}

impl Outcome {
    /// Checks what holds for every run: it ends by itself, keeps the secret, drives no terminal.
    #[track_caller]
    fn of(output: Output) -> Outcome {
        let out = String::from_utf8(output.stdout).unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert!(!err.contains("panicked"), "{err}");
        for text in [&out, &err] {
            assert!(!text.contains(SECRET), "{text}");
            let control = text.chars().find(|&c| c.is_control() && c != '\n');
            assert_eq!(control, None, "{text:?}");
        }
        let code = output.status.code().unwrap();
        Outcome { code, out, err }
    }

    #[track_caller]
    fn assert(&self, code: i32, out: &str, err: &str) {
        let found = (self.code, self.out.as_str(), self.err.as_str());
        assert_eq!(found, (code, out, err));
    }

    /// All went well, and this came out.
    #[track_caller]
    fn assert_out(&self, out: &str) {
        self.assert(0, out, "");
    }

    /// The objects on standard output, beside which there is nothing.
    #[track_caller]
    fn json(&self) -> Vec<Value> {
        assert_eq!(self.err, "");
        let lines = self.out.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

/// The rows of a table, a line each, with `|` between their cells.
fn rows<const CELLS: usize>(table: &str) -> impl Iterator<Item = [&str; CELLS]> {
    table.lines().map(|line| {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        cells.try_into().expect(line)
    })
}

/// A file that goes when dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str, content: impl AsRef<[u8]>) -> Scratch {
        let name = format!("{}-{name}", std::process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::write(&path, content).unwrap();
        Scratch(path)
    }
}

impl AsRef<OsStr> for Scratch {
    fn as_ref(&self) -> &OsStr {
        self.0.as_ref()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        fs::remove_file(&self.0).unwrap_or_default();
    }
}

// ---------------------------------------------------------------------------------- the verbs

#[test]
fn a_sender_is_forwarded_and_its_bounce_reversed() {
    run("FORWARD alice@example.com").assert_out(&format!("{SRS0}\n"));
    run(&format!("REVERSE {SRS0}")).assert_out("alice@example.com\n");
}

#[test]
fn the_next_hop_makes_srs1_and_reverses_it_to_the_first() {
    let secret = ["--secret", "an0ther s3cret"];
    let srs1 = "SRS1=64LP=forward.example==3lNH=4G=example.com=alice@next.example";
    run_with(&format!("--alias next.example {SRS0}"), secret).assert_out(&format!("{srs1}\n"));
    run_with(&format!("--reverse {srs1}"), secret).assert_out(&format!("{SRS0}\n"));
}

#[test]
fn the_clock_is_the_systems_unless_given() {
    let forwarded = run("--alias forward.example --secret SECRET alice@example.com");
    let inspected = run(&format!("--inspect --json {}", forwarded.out)).json();
    // Midnight may pass between the two.
    assert!(inspected[0]["claimed_age"].as_u64().unwrap() <= 1);
}

#[test]
fn senders_left_alone_come_out_as_they_came() {
    let senders = ["bob@Forward.Example", "<>", ""];
    run_with("FORWARD", senders).assert_out("bob@Forward.Example\n<>\n\n");
    let lines = run_with("FORWARD --json", senders).json();
    assert_eq!(lines, senders.map(|s| json!({"input": s, "output": s})));
}

#[test]
fn inspecting_needs_no_secret() {
    let quoted = "\"SRS0=HASH=4F=example.com=a b\"@forward.example";
    let srs1 = "SRS1+HASH=first.example=-QQQQ=4g=example.com=bob@next.example";
    run_with("--inspect NOW", [SRS0, quoted, srs1]).assert_out(
        "SRS0 at forward.example, separator =, claims hash 3lNH, timestamp 4G (days old: 0), \
         sender alice@example.com\n\
         SRS0 at forward.example, separator =, claims hash HASH, timestamp 4F (days old: 1), \
         sender \"a b\"@example.com\n\
         SRS1 at next.example, separator +, claims hash HASH, \
         sender SRS0-QQQQ=4g=example.com=bob@first.example\n",
    );
    run_with("--inspect NOW --json", [SRS0, srs1]).assert_out(concat!(
        r#"{"input":"SRS0=3lNH=4G=example.com=alice@forward.example","kind":"SRS0","#,
        r#""separator":"=","domain":"forward.example","claimed_hash":"3lNH","#,
        r#""claimed_timestamp":"4G","claimed_age":0,"claimed_host":"example.com","#,
        r#""claimed_local_part":"alice","claimed_sender":"alice@example.com"}"#,
        "\n",
        r#"{"input":"SRS1+HASH=first.example=-QQQQ=4g=example.com=bob@next.example","#,
        r#""kind":"SRS1","separator":"+","domain":"next.example","claimed_hash":"HASH","#,
        r#""claimed_timestamp":null,"claimed_age":null,"claimed_host":"first.example","#,
        r#""claimed_local_part":"-QQQQ=4g=example.com=bob","#,
        r#""claimed_sender":"SRS0-QQQQ=4g=example.com=bob@first.example"}"#,
        "\n",
    ));
}

// ---------------------------------------------------------------------------- the other flags

#[test]
fn each_flag_does_what_it_says() {
    let table = "\
        FORWARD --forward alice@example.com | SRS0=3lNH=4G=example.com=alice@forward.example
        FORWARD --address alice@example.com | SRS0=3lNH=4G=example.com=alice@forward.example
        FORWARD --alias bob@forward.example alice@example.com | SRS0=3lNH=4G=example.com=alice@forward.example
        FORWARD --separator + alice@example.com | SRS0+3lNH=4G=example.com=alice@forward.example
        FORWARD --separator - alice@example.com | SRS0-3lNH=4G=example.com=alice@forward.example
        FORWARD --separator=- alice@example.com | SRS0-3lNH=4G=example.com=alice@forward.example
        FORWARD --hashlength 27 alice@example.com | SRS0=3lNHrAih7C_z5UdeGaOa3IxX8h4=4G=example.com=alice@forward.example
        FORWARD --hash-format base64url user35@example.com | SRS0=PEJ_=4G=example.com=user35@forward.example
        FORWARD --hash-format base64 user35@example.com | SRS0=PEJ/=4G=example.com=user35@forward.example
        FORWARD --hash-format base32 alice@example.com | SRS0=TU3L=4G=example.com=alice@forward.example
        FORWARD --always-rewrite bob@forward.example | SRS0=4l5M=4G=forward.example=bob@forward.example
        FORWARD --local-part-limit 30 alice@example.com | SRS0=3lNH=4G=example.com=alice@forward.example
        REVERSE SRS0=3lNHrAih7C_z5UdeGaOa3IxX8h4=4G=example.com=alice@forward.example | alice@example.com
        REVERSE --hashlength 27 --hashmin 4 SRS0=3lNH=4G=example.com=alice@forward.example | alice@example.com
        REVERSE --hash-format base64 SRS0=PEJ/=4G=example.com=user35@forward.example | user35@example.com
        REVERSE --hash-format base32 SRS0=TU3L=4G=example.com=alice@forward.example | alice@example.com
        REVERSE --separator + --alias other.example SRS0=3lNH=4G=example.com=alice@forward.example | alice@example.com
        REVERSE --max-age 30 --now 1142260800 SRS0=3lNH=4G=example.com=alice@forward.example | alice@example.com
        REVERSE --max-skew 3 --now 1139409600 SRS0=3lNH=4G=example.com=alice@forward.example | alice@example.com";
    for [arguments, result] in rows(table) {
        println!("{arguments}");
        run(arguments).assert_out(&format!("{result}\n"));
    }
}

#[test]
fn the_flags_and_abbreviations_of_the_classic_srs_carry_over() {
    // Its flags, from its source, with values that make a difference.
    let classic = [
        ("separator", "=+"),
        ("address", "=bob@example.com"),
        ("secret", "=another"),
        ("secretfile", "=/dev/null"),
        ("forward", ""),
        ("reverse", ""),
        ("alias", "=other.example"),
        ("hashlength", "=6"),
        ("help", ""),
    ];
    for (name, value) in classic {
        let expected = run(&format!("FORWARD alice@example.com --{name}{value}"));
        assert_ne!(expected.code, 2, "{}", expected.err);
        for (end, _) in name.char_indices() {
            let (short, _) = name.split_at(end);
            let meant = classic.iter().filter(|(flag, _)| flag.starts_with(short));
            if meant.count() == 1 {
                let found = run(&format!("FORWARD alice@example.com --{short}{value}"));
                assert_eq!(found, expected, "--{short}");
            }
        }
    }
}

#[test]
fn reverse_wins_over_forward_as_in_the_classic_srs() {
    run(&format!("--forward REVERSE {SRS0}")).assert_out("alice@example.com\n");
    run(&format!("REVERSE {SRS0} --forward")).assert_out("alice@example.com\n");
}

#[test]
fn of_a_value_given_twice_the_last_holds() {
    run("--alias a.example --separator - --forward FORWARD --separator = --forward alice@example.com")
        .assert_out(&format!("{SRS0}\n"));
}

#[test]
fn addresses_of_the_flag_come_first() {
    let lines = run("REVERSE --json a@x --address b@x c@x --address -d@x -- -e@x").json();
    let inputs: Vec<_> = lines.iter().map(|line| &line["input"]).collect();
    assert_eq!(inputs, ["b@x", "-d@x", "a@x", "c@x", "-e@x"]);
}

#[test]
fn the_help_names_every_flag() {
    let help = run("--help");
    assert_eq!((help.code, help.err.as_str()), (0, ""));
    let flags = "forward reverse inspect alias secret secretfile address separator hashlength \
        hashmin hash-format accept max-age max-skew always-rewrite local-part-limit now json \
        generate-secret help";
    for flag in flags.split_whitespace() {
        assert!(help.out.contains(&format!("--{flag} ")), "{flag}");
    }
    assert_eq!(run("-h"), help);
}

// ------------------------------------------------------------------------------------ secrets

#[test]
fn the_first_secret_signs_and_all_verify() {
    let forwarded = run("--secret new --secret SECRET --alias x.example NOW alice@example.com");
    assert_eq!(
        forwarded,
        run("--secret new --alias x.example NOW alice@example.com")
    );
    let lines = run(&format!(
        "--secret new --secret older REVERSE --json {SRS0}"
    ))
    .json();
    assert_eq!(lines[0]["secret"], 2);
}

#[test]
fn a_secret_is_any_text() {
    for secret in [
        "-",
        "--reverse",
        "-x",
        "#x",
        " ",
        "a:b",
        "grün",
        "--secret=x",
    ] {
        let forwarded = run_with("--alias x.example a@example.com --secret", [secret]);
        assert_eq!(forwarded.code, 0, "{secret}: {}", forwarded.err);
        run_with(&format!("--reverse {} --secret", forwarded.out), [secret])
            .assert_out("a@example.com\n");
    }
}

#[cfg(unix)]
#[test]
fn a_secret_need_not_be_utf8() {
    use std::os::unix::ffi::OsStrExt;

    let octets = b"\xff\xfe";
    let file = Scratch::new("octets", octets);
    let from_file = run_with("--alias x.example NOW a@example.com --secretfile", [&file]);
    let argument = OsStr::from_bytes(octets);
    let from_argument = run_with("--alias x.example NOW a@example.com --secret", [argument]);
    assert_eq!(from_argument.code, 0, "{}", from_argument.err);
    assert_eq!(from_argument, from_file);
}

#[test]
fn a_secretfile_holds_one_secret_a_line() {
    let forward_with = |content: &str| {
        let file = Scratch::new("lines", content);
        let arguments = "--alias forward.example NOW alice@example.com --secretfile";
        run_with(arguments, [&file])
    };
    for content in [
        "tops3cr3t",
        "tops3cr3t\n",
        "tops3cr3t\r\n",
        "\n \t\n\r\n# tops3cr3\n#\ntops3cr3t\nolder\n",
    ] {
        forward_with(content).assert_out(&format!("{SRS0}\n"));
    }
    // All but the line end is part of a secret.
    for content in [
        " tops3cr3t",
        "tops3cr3t ",
        "tops3cr3t\r\r\n",
        "tops3cr3t # 2006",
        " # x",
    ] {
        let forwarded = forward_with(content);
        assert_eq!(forwarded.code, 0, "{content:?}: {}", forwarded.err);
        assert_ne!(forwarded.out, format!("{SRS0}\n"), "{content:?}");
    }
}

#[test]
fn secrets_come_in_the_order_of_flag_file_accept() {
    let file = Scratch::new("order", "second\nthird\n");
    let secrets = "--accept base64url:fourth --secret first NOW --secretfile";
    for (index, secret) in ["first", "second", "third", "fourth"].iter().enumerate() {
        let forwarded = run(&format!(
            "--secret {secret} --alias x.example NOW a@example.com"
        ));
        let arguments = format!("--reverse --json {} {secrets}", forwarded.out);
        assert_eq!(run_with(&arguments, [&file]).json()[0]["secret"], index);
    }
    assert_eq!(
        run_with(
            &format!("--alias x.example a@example.com {secrets}"),
            [&file]
        ),
        run("--alias x.example a@example.com --secret first NOW")
    );
}

#[test]
fn an_accepted_secret_has_its_own_format_and_only_verifies() {
    // A move from PostSRSd: sign in base32 with a new secret, accept what the old one signed.
    let moving = "--secret new --hash-format base32 --accept base64url:SECRET NOW";
    run(&format!("--reverse {moving} {SRS0}")).assert_out("alice@example.com\n");
    assert_eq!(
        run(&format!("--alias x.example {moving} a@example.com")),
        run("--alias x.example --secret new --hash-format base32 NOW a@example.com")
    );
    // Read in another format, the hash is another.
    run(&format!(
        "--reverse --secret new --accept base32:SECRET NOW {SRS0}"
    ))
    .assert(1, "", &format!("srs: {SRS0}: hash does not match\n"));
    // Only the first colon counts.
    let forwarded = run("--alias x.example --secret a:b: NOW a@example.com").out;
    run(&format!(
        "--reverse --secret new --accept base64url:a:b: NOW {forwarded}"
    ))
    .assert_out("a@example.com\n");
    // To verify it is enough by itself.
    run(&format!("--reverse --accept base64:SECRET NOW {SRS0}")).assert_out("alice@example.com\n");
}

#[test]
fn a_generated_secret_is_new_and_serves() {
    let generated = run("--generate-secret");
    assert_eq!((generated.code, generated.err.as_str()), (0, ""));
    let secret = generated.out.strip_suffix('\n').unwrap();
    let is_base32 = |byte| matches!(byte, b'A'..=b'Z' | b'2'..=b'7');
    assert!(
        secret.len() == 32 && secret.bytes().all(is_base32),
        "{secret}"
    );
    assert_ne!(run("--generate-secret"), generated);
    let forwarded = run(&format!(
        "--secret {secret} --alias x.example a@example.com"
    ))
    .out;
    run(&format!("--secret {secret} --reverse {forwarded}")).assert_out("a@example.com\n");
}

// ------------------------------------------------------------------------- errors and statuses

#[test]
fn each_error_has_its_code() {
    let table = "\
        FORWARD | alice | invalid-address | invalid sender: no at sign before offset 5
        FORWARD | a b@example.com | invalid-address | invalid sender: unquoted space at offset 1
        FORWARD --local-part-limit 29 | alice@example.com | local-part-too-long | rewritten local part takes 30 octets, over the limit of 29
        REVERSE | alice@example.com | not-srs | not an srs address
        REVERSE | | not-srs | not an srs address
        REVERSE | SRS0=a b=c@forward.example | invalid-address | invalid address: unquoted space at offset 6
        REVERSE | SRS0=3lNH@forward.example | malformed | malformed srs address: srs0 address lacks a field: hash, timestamp, host and user are needed
        REVERSE | SRS1=3lNH=a@forward.example | malformed | malformed srs address: srs1 address lacks a field: hash, host and rest are needed
        REVERSE | SRS0=3lN=4G=example.com=alice@forward.example | hash-too-short | hash of 3 characters is too short, 4 are needed
        REVERSE --hashlength 5 | SRS0=3lNH=4G=example.com=alice@forward.example | hash-too-short | hash of 4 characters is too short, 5 are needed
        REVERSE | SRS0=AAAA=4G=example.com=alice@forward.example | hash-mismatch | hash does not match
        REVERSE --now 1141569600 | SRS0=3lNH=4G=example.com=alice@forward.example | expired | address expired: it is 22 days old and 21 are allowed
        REVERSE --now 1139755200 --max-age 0 | SRS0=3lNH=4G=example.com=alice@forward.example | expired | address expired: it is 1 days old and 0 are allowed
        --inspect | alice@example.com | not-srs | not an srs address
        --inspect | SRS0=a b@forward.example | invalid-address | invalid address: unquoted space at offset 6
        --inspect | SRS0=HASH=1A=example.com=alice@x | malformed | malformed srs address: timestamp is not two base32 characters";
    for [arguments, address, code, message] in rows(table) {
        println!("{arguments} {address}");
        let failed = run_with(arguments, ["--json", "--", address]);
        assert_eq!(failed.code, 1);
        assert_eq!(
            failed.json(),
            [json!({"input": address, "error": code, "message": message})]
        );
        let shown = if address.is_empty() { "<>" } else { address };
        run_with(arguments, ["--", address]).assert(1, "", &format!("srs: {shown}: {message}\n"));
    }
}

#[test]
fn a_line_of_json_has_its_keys_in_this_order() {
    run("FORWARD --json alice@example.com alice").assert(
        1,
        concat!(
            r#"{"input":"alice@example.com","#,
            r#""output":"SRS0=3lNH=4G=example.com=alice@forward.example"}"#,
            "\n",
            r#"{"input":"alice","error":"invalid-address","#,
            r#""message":"invalid sender: no at sign before offset 5"}"#,
            "\n",
        ),
        "",
    );
    let folded = SRS0.to_ascii_lowercase();
    let srs1 = "SRS1=ezLv=first.example==QQQQ=4G=example.com=bob@forward.example";
    // The day before it was made.
    run(&format!("REVERSE --now 1139582400 --json {folded} {srs1}")).assert_out(concat!(
        r#"{"input":"srs0=3lnh=4g=example.com=alice@forward.example","#,
        r#""output":"alice@example.com","secret":0,"age":-1,"case_folded":true}"#,
        "\n",
        r#"{"input":"SRS1=ezLv=first.example==QQQQ=4G=example.com=bob@forward.example","#,
        r#""output":"SRS0=QQQQ=4G=example.com=bob@first.example","#,
        r#""secret":0,"age":null,"case_folded":false}"#,
        "\n",
    ));
}

#[test]
fn one_failed_address_does_not_stop_the_others() {
    run("FORWARD alice@example.com bob alice@example.com").assert(
        1,
        &format!("{SRS0}\n{SRS0}\n"),
        "srs: bob: invalid sender: no at sign before offset 3\n",
    );
    let lines = run("FORWARD --json alice@example.com bob alice@example.com");
    assert_eq!(lines.code, 1);
    let outputs: Vec<_> = lines
        .json()
        .iter()
        .map(|line| line["output"] == SRS0)
        .collect();
    assert_eq!(outputs, [true, false, true]);
}

#[test]
fn wrong_usage_is_told_so_that_one_can_act_on_it() {
    let table = "\
        --secret SECRET alice@example.com | no alias: forwarding needs --alias DOMAIN
        --secret SECRET | no alias: forwarding needs --alias DOMAIN
        --alias x.example alice@example.com | no secret: give --secret or --secretfile
        --reverse alice@example.com | no secret: give --secret or --secretfile
        --alias x.example --accept base64:SECRET alice@example.com | --accept signs nothing
        --secretfile no-such-file --reverse alice@example.com | cannot read --secretfile no-such-file:
        --secretfile / --reverse alice@example.com | cannot read --secretfile /:
        --secret= --alias x.example alice@example.com | --secret: secret is empty
        --reverse --accept base64: alice@example.com | --accept: secret is empty
        --reverse --accept SECRET alice@example.com | --accept takes FORMAT:SECRET
        --reverse --accept SECRET:base64 alice@example.com | --accept takes FORMAT:SECRET
        --reverse --accept base16:SECRET alice@example.com | base64url, base64 or base32
        --reverse --secret:SECRET alice@example.com | put a space or = before the value
        --reverse --secrets=SECRET alice@example.com | put a space or = before the value
        --reverse --accept-base64:SECRET alice@example.com | put a space or = before the value
        --reverse=SECRET alice@example.com | unexpected value for --reverse
        --generate-secret=SECRET | unexpected value for --generate-secret
        --sekret=SECRET alice@example.com | unexpected argument '--sekret'
        --sec=SECRET alice@example.com | unexpected argument '--sec'
        --secret SECRET --bogus | unexpected argument '--bogus'
        --secret SECRET -a@example.com | unexpected argument '-a'
        --secret | a value is required for '--secret <SECRET>'
        FORWARD --alias= a@x | --alias: invalid alias:
        FORWARD --alias a@b@ a@x | --alias: invalid alias:
        FORWARD --separator / a@x | use an equals, plus or minus sign
        FORWARD --separator == a@x | --separator <CHARACTER>
        FORWARD --hashlength 3 a@x | use 4 to 27 characters
        FORWARD --hashlength 28 a@x | use 4 to 27 characters
        FORWARD --hash-format base32 --hashlength 33 a@x | use 4 to 32 characters
        FORWARD --hashlength x a@x | --hashlength <NUMBER>
        FORWARD --hashmin 5 a@x | hash minimum of 5 is out of range
        FORWARD --hash-format hex a@x | use base64url, base64 or base32
        FORWARD --local-part-limit -1 a@x | unexpected argument '-1'
        REVERSE --max-age 65536 a@x | --max-age <DAYS>
        REVERSE --max-age 1023 a@x | keep their sum below 1023
        REVERSE --max-skew -1 a@x | unexpected argument '-1'
        REVERSE --now yesterday a@x | --now <UNIX>
        REVERSE --inspect a@x | cannot be used with
        --forward --inspect a@x | cannot be used with
        --generate-secret alice@example.com | cannot be used with";
    for [arguments, told] in rows(table) {
        let wrong = run(arguments);
        assert_eq!((wrong.code, wrong.out.as_str()), (2, ""), "{arguments}");
        let is_told = wrong.err.starts_with("error: ") && wrong.err.contains(told);
        assert!(is_told, "{arguments}: {}", wrong.err);
    }
    let empty = Scratch::new("empty", "# nothing\n\n");
    let wrong = run_with("--reverse a@x --secretfile", [&empty]);
    assert_eq!(wrong.code, 2);
    assert!(wrong.err.contains("the file of --secretfile holds none"));
}

#[test]
fn wrong_usage_leaves_the_input_unread() {
    let wrong = filter("--secret SECRET", "alice@example.com\n".repeat(MANY));
    assert_eq!((wrong.code, wrong.out.as_str()), (2, ""));
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
    for arguments in ["FORWARD", "REVERSE", "--inspect"] {
        for address in HOSTILE {
            // `Outcome::of` looks for control characters.
            let plain = run_with(arguments, ["--", address]);
            assert_eq!((plain.code, plain.out.as_str()), (1, ""), "{address:?}");
            assert_eq!(plain.err.lines().count(), 1, "{address:?}");

            let lines = run_with(arguments, ["--json", "--", address]);
            assert_eq!((lines.code, lines.out.lines().count()), (1, 1));
            assert_eq!(lines.json()[0]["input"], address);
        }
    }
}

#[test]
fn a_message_shows_the_address_it_belongs_to() {
    run_with("FORWARD", ["\x1b[31m\"o'neil\\\r\n\u{9b}\u{202e}é"]).assert(
        1,
        "",
        "srs: \\u{1b}[31m\"o'neil\\\\r\\n\\u{9b}\\u{202e}é: \
         invalid sender: no at sign before offset 22\n",
    );
    // But not all of one that would flood the terminal.
    let long = filter(
        "FORWARD",
        [b"a".repeat(60_000), vec![0xff; 60_000]].join(&b'\n'),
    );
    assert_eq!(long.err.lines().count(), 2);
    assert!(long.err.len() < 10_000, "{}", long.err.len());
}

#[test]
fn json_escapes_what_a_terminal_would_obey() {
    let address = "\u{1}\u{1b}\u{7f}\u{80}\u{9b}é\u{a0}\u{9f}\"\\";
    let line = run_with("FORWARD --json", [address]);
    assert!(line.out.contains(r"\u0001\u001b\u007f\u0080\u009b"));
    assert_eq!(line.json()[0]["input"], address);
}

#[test]
fn wrong_usage_drives_no_terminal() {
    for argument in [
        "--\x1b[31mx",
        "--bo\rgus",
        "--now=\x1b]0;x\x07",
        "--alias=\x1b[31m@",
    ] {
        assert_eq!(run_with("FORWARD a@x", [argument]).code, 2, "{argument:?}");
    }
}

// --------------------------------------------------------------------------------- the filter

#[test]
fn the_filter_answers_each_line_in_order() {
    let senders: String = (0..MANY)
        .flat_map(|number| ["user", &number.to_string(), "@example.com\n"].map(str::to_owned))
        .collect();
    let forwarded = filter("FORWARD", senders.clone());
    assert_eq!((forwarded.code, forwarded.err.as_str()), (0, ""));
    assert_eq!(
        forwarded.out.lines().nth(35),
        Some("SRS0=PEJ_=4G=example.com=user35@forward.example")
    );
    let reversed = filter("REVERSE", forwarded.out);
    assert_eq!((reversed.code, reversed.err.as_str()), (0, ""));
    // `assert_eq` would print both.
    assert!(reversed.out == senders);
}

#[test]
fn a_line_end_is_no_part_of_an_address() {
    for end in ["\n", "\r\n"] {
        for last in ["", end] {
            filter("FORWARD", format!("{ALICE}{end}{ALICE}{last}"))
                .assert_out(&format!("{SRS0}\n{SRS0}\n"));
        }
    }
    filter("FORWARD", "").assert_out("");
    // Everything else is.
    for (start, end) in [("", "\r\r\n"), ("", "\r"), (" ", "\n"), ("", " \n")] {
        let refused = filter("FORWARD", format!("{start}{ALICE}{end}"));
        assert_eq!((refused.code, refused.out.as_str()), (1, ""), "{end:?}");
    }
}

#[test]
fn an_empty_line_is_the_null_sender() {
    filter("FORWARD", "\nalice@example.com\n\r\n<>\n\n").assert_out(&format!("\n{SRS0}\n\n<>\n\n"));
    filter("FORWARD --json", "\n").assert_out("{\"input\":\"\",\"output\":\"\"}\n");
    filter("REVERSE", "\n").assert(1, "", "srs: <>: not an srs address\n");
}

#[test]
fn what_is_not_text_is_no_address() {
    let input = b"\xff@example.com\nalice@example.com\na\0b@example.com\nalice\xc3@example.com\n";
    filter("FORWARD", input).assert(
        1,
        &format!("{SRS0}\n"),
        "srs: \\xff@example.com: invalid address: not UTF-8 at offset 0\n\
         srs: a\\0b@example.com: invalid sender: control character at offset 1\n\
         srs: alice\\xc3@example.com: invalid address: not UTF-8 at offset 5\n",
    );
    let lines = filter("FORWARD --json", input).json();
    let errors: Vec<_> = lines.iter().map(|line| line["error"].as_str()).collect();
    let invalid = Some("invalid-address");
    assert_eq!(errors, [invalid, None, invalid, invalid]);
    assert_eq!(lines[0]["input"], "\u{fffd}@example.com");
}

#[cfg(unix)]
#[test]
fn what_is_not_text_is_no_address_among_the_arguments_either() {
    use std::os::unix::ffi::OsStrExt;

    run_with("FORWARD alice@example.com", [OsStr::from_bytes(b"\xff@x")]).assert(
        1,
        &format!("{SRS0}\n"),
        "srs: \\xff@x: invalid address: not UTF-8 at offset 0\n",
    );
}

#[test]
fn a_line_too_long_is_refused_and_the_next_one_answered() {
    const LONGEST: usize = 64 * 1024;
    for octets in [LONGEST, LONGEST + 1, LONGEST + 2, LONGEST + 3, 10 * LONGEST] {
        for end in ["\n", "\r\n", ""] {
            let mut input = "a".repeat(octets - "@x".len()) + "@x" + end;
            if !end.is_empty() {
                input += "alice@example.com\n";
            }
            let lines = filter("FORWARD --json", input).json();
            let message = &lines[0]["message"];
            if octets == LONGEST {
                assert!(message.is_null(), "{message}");
            } else {
                assert_eq!(message, "invalid address: longer than 65536 octets");
                assert_eq!(lines[0]["error"], "invalid-address");
            }
            let next: Vec<_> = lines[1..].iter().map(|line| &line["output"]).collect();
            assert_eq!(next, vec![SRS0; usize::from(!end.is_empty())], "{octets}");
        }
    }
}

/// A filter that is talked to line by line.
struct Talk {
    child: Child,
    stdin: ChildStdin,
    answers: mpsc::Receiver<String>,
}

impl Talk {
    fn new(arguments: &str) -> Talk {
        let mut child = srs(arguments)
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, answers) = mpsc::channel();
        thread::spawn(move || {
            let mut lines = stdout.lines().map_while(Result::ok);
            lines.try_for_each(|line| sender.send(line))
        });
        Talk {
            child,
            stdin,
            answers,
        }
    }

    fn say(&mut self, input: impl AsRef<[u8]>) {
        self.stdin.write_all(input.as_ref()).unwrap();
    }

    /// The next answer; the wait is long enough for a busy machine.
    #[track_caller]
    fn hear(&self) -> String {
        let answer = self.answers.recv_timeout(Duration::from_secs(30));
        answer.expect("an answer while the input is open")
    }

    /// Closes the input, and gives the exit status.
    fn end(mut self) -> Option<i32> {
        drop(self.stdin);
        self.child.wait().unwrap().code()
    }

    /// The most memory it ever took, in KiB.
    #[cfg(target_os = "linux")]
    fn peak_memory(&self) -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let mut lines = status.lines();
        let peak = lines.find_map(|line| line.strip_prefix("VmHWM:")?.strip_suffix("kB"));
        peak.unwrap().trim().parse().unwrap()
    }
}

#[test]
fn an_answer_comes_before_the_next_line_is_written() {
    let mut talk = Talk::new("FORWARD");
    for _ in 0..3 {
        talk.say("alice@example.com\n");
        assert_eq!(talk.hear(), SRS0);
    }
    // Also when a part of the next line is there already.
    talk.say("alice@example.com\nalice@exam");
    assert_eq!(talk.hear(), SRS0);
    talk.say("ple.com\n");
    assert_eq!(talk.hear(), SRS0);
    assert_eq!(talk.end(), Some(0));
}

#[test]
fn a_line_too_long_holds_no_answer_up() {
    let mut talk = Talk::new("FORWARD --json");
    for octets in [65_537, 70_000, 200_000] {
        talk.say(format!("alice@example.com\n{}", "a".repeat(octets)));
        assert!(talk.hear().contains(SRS0));
        talk.say("\n");
        assert!(talk.hear().contains("longer than"));
        // The same with its end at hand.
        talk.say("a".repeat(octets) + "\n");
        assert!(talk.hear().contains("longer than"));
    }
    assert_eq!(talk.end(), Some(1));
}

/// Linux only: elsewhere there is no /proc to read the peak from.
#[cfg(target_os = "linux")]
#[test]
fn memory_does_not_grow_with_the_input() {
    /// In KiB, a third of what comes in below and a fifteenth of what goes out.
    const MARGIN: usize = 1024;

    let mut talk = Talk::new("FORWARD --json");
    let ask = |talk: &mut Talk| {
        talk.say("alice@example.com\n".repeat(1_000));
        (0..1_000).for_each(|_| assert!(talk.hear().contains(SRS0)));
    };
    ask(&mut talk);
    // The longest line that is looked at.
    talk.say("a".repeat(65_534) + "@x\n");
    talk.hear();
    let little = talk.peak_memory();

    (0..200).for_each(|_| ask(&mut talk));
    let many_lines = talk.peak_memory();
    assert!(many_lines < little + MARGIN, "{little}, {many_lines}");

    (0..32).for_each(|_| talk.say("a".repeat(1024 * 1024)));
    talk.say("\n");
    talk.hear();
    let long_line = talk.peak_memory();
    assert!(long_line < little + MARGIN, "{little}, {long_line}");
    assert_eq!(talk.end(), Some(1));
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    for arguments in ["FORWARD", "FORWARD --json"] {
        let mut child = srs(arguments).stdin(Stdio::piped()).spawn().unwrap();
        let writer = feed(&mut child, "alice@example.com\n".repeat(MANY).into());
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
    let mut child = srs("FORWARD alice bob alice@example.com").spawn().unwrap();
    drop(child.stderr.take());
    Outcome::of(child.wait_with_output().unwrap()).assert(1, &format!("{SRS0}\n"), "");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_and_an_unreadable_input_are_told() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let told = Outcome::of(
        srs("FORWARD alice@example.com")
            .stdout(full)
            .output()
            .unwrap(),
    );
    assert_eq!(told.code, 1);
    assert!(told.err.starts_with("srs: cannot write standard output: "));

    let folder = File::open("/").unwrap();
    let told = Outcome::of(srs("FORWARD").stdin(folder).output().unwrap());
    assert_eq!(told.code, 1);
    assert!(told.err.starts_with("srs: cannot read standard input: "));
}
