//! `Mail::SRS` and pysrs: one process each, told its settings and the time with every request.

use std::{
    fmt::Write as _,
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use crate::{
    differences::Kind,
    hops::Hop,
    peer::{Answer, Peer},
};

/// Debian's own, whatever other stands before it in the path.
const PYTHON: &str = "/usr/bin/python3";

pub(crate) struct Script {
    kind: Kind,
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Script {
    pub(crate) fn start(kind: Kind) -> Script {
        let (interpreter, script) = match kind {
            Kind::MailSrs => ("perl", "mail_srs.pl"),
            Kind::Pysrs => (PYTHON, "pysrs.py"),
            Kind::PostSrsd => panic!("PostSRSd is a daemon"),
        };
        let mut child = Command::new(interpreter)
            .arg(format!(
                "{}/tests/peers/{script}",
                env!("CARGO_MANIFEST_DIR")
            ))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Script {
            kind,
            requests: child.stdin.take().unwrap(),
            answers: BufReader::new(child.stdout.take().unwrap()),
            child,
        }
    }

    fn ask(&mut self, op: &str, hop: &Hop, now: u64, address: &str) -> Answer {
        let secrets: Vec<_> = hop.secrets.iter().map(|secret| hex(secret)).collect();
        let request = [
            op.to_owned(),
            now.to_string(),
            hop.separator.to_string(),
            hop.hash_length.to_string(),
            hop.max_age.to_string(),
            u8::from(hop.always_rewrite).to_string(),
            secrets.join(","),
            hex(address),
            hex(&hop.alias),
        ];
        writeln!(self.requests, "{}", request.join("\t")).unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        match answer.trim_end().split_once(' ') {
            Some(("ok", text)) => Ok(from_hex(text)),
            Some(("error", text)) => Err(from_hex(text)),
            _ => panic!("{:?} answers {answer:?} to {request:?}", self.kind),
        }
    }
}

impl Peer for Script {
    fn kind(&self) -> Kind {
        self.kind
    }

    fn forward(&mut self, hop: &Hop, now: u64, sender: &str) -> Answer {
        self.ask("forward", hop, now, sender)
    }

    fn reverse(&mut self, hop: &Hop, now: u64, address: &str) -> Answer {
        self.ask("reverse", hop, now, address)
    }

    fn obeys(&self) -> bool {
        true
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

pub(crate) fn mail_srs_is_installed() -> bool {
    succeeds(Command::new("perl").args(["-MMail::SRS", "-e1"]))
}

pub(crate) fn pysrs_is_installed() -> bool {
    succeeds(Command::new(PYTHON).args(["-c", "import SRS.Guarded"]))
}

fn succeeds(command: &mut Command) -> bool {
    let status = command.stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

fn hex(text: &str) -> String {
    text.bytes().fold(String::new(), |mut hex, octet| {
        write!(hex, "{octet:02x}").unwrap();
        hex
    })
}

fn from_hex(hex: &str) -> String {
    let octets = hex.as_bytes().chunks(2);
    let octet = |digits| u8::from_str_radix(str::from_utf8(digits).unwrap(), 16).unwrap();
    String::from_utf8_lossy(&octets.map(octet).collect::<Vec<_>>()).into_owned()
}
