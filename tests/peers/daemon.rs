//! `PostSRSd` 1.10: three daemons of different settings, asked as Postfix asks (`tcp_table(5)`), on
//! ports and with secrets of their own.

use std::{
    fmt::Write as _,
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::PathBuf,
    process::{self, Child, Command, Stdio},
    thread,
    time::Duration,
};

use crate::{
    differences::Kind,
    hops::Hop,
    peer::{Answer, Peer},
};

pub(crate) struct PostSrsd {
    daemons: Vec<Daemon>,
}

struct Daemon {
    hop: Hop,
    child: Child,
    secrets: PathBuf,
    forward: BufReader<TcpStream>,
    reverse: BufReader<TcpStream>,
}

impl PostSrsd {
    /// `name` tells apart the tests that have daemons at one time.
    pub(crate) fn start(name: &str) -> PostSrsd {
        let settings = [
            ('=', 4, "first.example", ["tops3cr3t", "r3t1r3d"]),
            ('+', 10, "Second.example", ["an0ther s3cret", "0lder"]),
            ('-', 27, "third.example", ["a th1rd", "the f0urth"]),
        ];
        let daemons = settings.map(|(separator, hash_length, alias, secrets)| {
            Daemon::start(
                name,
                Hop {
                    secrets: secrets.map(str::to_owned).to_vec(),
                    separator,
                    hash_length,
                    // Not to be set there.
                    max_age: 21,
                    always_rewrite: false,
                    alias: alias.to_owned(),
                },
            )
        });
        let daemons = daemons.into();
        PostSrsd { daemons }
    }

    /// The hops that its daemons are.
    pub(crate) fn hops(&self) -> Vec<Hop> {
        self.daemons
            .iter()
            .map(|daemon| daemon.hop.clone())
            .collect()
    }

    fn daemon(&mut self, hop: &Hop) -> &mut Daemon {
        let mut daemons = self.daemons.iter_mut();
        daemons
            .find(|daemon| daemon.hop.alias == hop.alias)
            .unwrap()
    }
}

impl Daemon {
    fn start(name: &str, hop: Hop) -> Daemon {
        let file = format!("postsrsd-{}-{name}-{}", process::id(), hop.alias);
        let secrets = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(file);
        fs::write(&secrets, hop.secrets.join("\n") + "\n").unwrap();
        // Another program may take a port between here and there, so a few are tried.
        for _ in 0..5 {
            let [forward, reverse] = free_ports();
            let mut child = Command::new("postsrsd")
                .env("PATH", path())
                .arg(format!("-s{}", secrets.display()))
                .arg(format!("-d{}", hop.alias))
                .arg(format!("-a{}", hop.separator))
                .arg(format!("-n{}", hop.hash_length))
                .arg(format!("-N{}", hop.hash_length))
                .args([format!("-f{forward}"), format!("-r{reverse}")])
                .arg("-4")
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            if let (Some(forward), Some(reverse)) = (connect(forward), connect(reverse)) {
                return Daemon {
                    hop,
                    child,
                    secrets,
                    forward,
                    reverse,
                };
            }
            drop(child.kill());
            drop(child.wait());
        }
        panic!("postsrsd does not listen");
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
        drop(fs::remove_file(&self.secrets));
    }
}

pub(crate) fn is_installed() -> bool {
    let mut command = Command::new("postsrsd");
    let command = command.arg("-v").env("PATH", path());
    command.stdout(Stdio::null()).status().is_ok()
}

/// It is installed for administrators, whose path is not everybody's.
fn path() -> String {
    std::env::var("PATH").unwrap_or_default() + ":/usr/sbin"
}

/// Both at once, so that they differ.
fn free_ports() -> [u16; 2] {
    let listeners = [(); 2].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

/// Waits for the daemon to listen.
fn connect(port: u16) -> Option<BufReader<TcpStream>> {
    (0..200).find_map(|_| {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port));
        if stream.is_err() {
            thread::sleep(Duration::from_millis(10));
        }
        stream.ok().map(BufReader::new)
    })
}

fn ask(daemon: &mut BufReader<TcpStream>, key: &str) -> Answer {
    let mut request = "get ".to_owned();
    for octet in key.bytes() {
        match octet {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => request.push(octet.into()),
            _ => write!(request, "%{octet:02X}").unwrap(),
        }
    }
    request.push('\n');
    daemon.get_mut().write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    daemon.read_line(&mut answer).unwrap();
    match answer.trim_end().split_once(' ') {
        Some(("200", text)) => Ok(percent_decoded(text)),
        Some(("500", text)) => Err(text.to_owned()),
        _ => panic!("postsrsd answers {answer:?} to {key:?}"),
    }
}

fn percent_decoded(text: &str) -> String {
    let mut pieces = text.split('%');
    let mut octets = pieces.next().unwrap().as_bytes().to_vec();
    for piece in pieces {
        let (digits, rest) = piece.split_at(2);
        octets.push(u8::from_str_radix(digits, 16).unwrap());
        octets.extend(rest.bytes());
    }
    String::from_utf8(octets).unwrap()
}

impl Peer for PostSrsd {
    fn kind(&self) -> Kind {
        Kind::PostSrsd
    }

    fn forward(&mut self, hop: &Hop, _now: u64, sender: &str) -> Answer {
        ask(&mut self.daemon(hop).forward, sender)
    }

    fn reverse(&mut self, hop: &Hop, _now: u64, address: &str) -> Answer {
        ask(&mut self.daemon(hop).reverse, address)
    }

    fn obeys(&self) -> bool {
        false
    }
}
