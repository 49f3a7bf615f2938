//! A whole Postfix of a test's own on loopback, and a sink for all that it delivers.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use crate::folder::Folder;
use crate::service::PATIENCE;

/// Whether the tests with Postfix run. If not, one line for all of them tells what they leave out.
pub(crate) fn is_there() -> bool {
    static MISSING: OnceLock<Option<&str>> = OnceLock::new();
    let missing = *MISSING.get_or_init(|| {
        let missing = if run("postconf", &["mail_version"]).is_none() {
            Some("Postfix is not installed")
        } else if run("id", &["-u"]).is_none_or(|id| id.stdout != b"0\n") {
            Some("Postfix starts as root only")
        } else {
            None
        };
        if let Some(missing) = missing {
            // On standard error, where libtest does not capture it.
            let line = format!(
                "left out, for {missing}: the lookup service at work in Postfix; to run it: \
                 apt-get install postfix && cargo test --test postfix, as root\n"
            );
            drop(std::io::stderr().write_all(line.as_bytes()));
        }
        missing
    });
    let is_required = std::env::var("MAIL_SRS_PEERS").is_ok_and(|value| value == "required");
    assert!(missing.is_none() || !is_required, "{missing:?}");
    missing.is_none()
}

fn run(program: &str, arguments: &[&str]) -> Option<Output> {
    postfix_command(program).args(arguments).output().ok()
}

/// Postfix's programs are for administrators, whose path is not everybody's.
pub(crate) fn postfix_command(program: &str) -> Command {
    let mut command = Command::new(program);
    let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/sbin";
    command.env("PATH", path).stdin(Stdio::null());
    command
}

/// A message as the sink has it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Delivered {
    pub(crate) sender: String,
    pub(crate) recipient: String,
}

pub(crate) struct Instance {
    folder: Folder,
    sink: Child,
    /// Where mail comes in.
    port: u16,
}

impl Instance {
    /// Starts Postfix as README sets it up, to ask the service on this socket.
    pub(crate) fn start(socket: &Path) -> Instance {
        let folder = Folder::new();
        let [port, rewriting, sink_port] = free_ports();
        for name in ["etc", "queue", "data", "sink"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let path = folder.path().to_str().unwrap();
        for name in ["data", "sink"] {
            let mut chown = Command::new("chown");
            let chown = chown.args(["postfix", &format!("{path}/{name}")]);
            assert!(chown.status().unwrap().success());
        }
        let files = [
            ("main.cf", include_str!("main.cf")),
            ("master.cf", include_str!("master.cf")),
        ];
        for (name, content) in files {
            let content = content
                .replace("FOLDER", path)
                .replace("SOCKET", socket.to_str().unwrap())
                .replace("REWRITING", &rewriting.to_string())
                .replace("SINK", &sink_port.to_string())
                .replace("PORT", &port.to_string());
            let file = folder.path().join("etc").join(name);
            fs::write(&file, content).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        }
        let sink = postfix_command("smtp-sink")
            .args(["-u", "postfix", "-R", &format!("{path}/sink"), "-d", "%s."])
            .args([&format!("127.0.0.1:{sink_port}"), "1000"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let instance = Instance { folder, sink, port };
        instance.control(&["start"]);
        for port in [port, rewriting, sink_port] {
            instance.wait_until(|| TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok());
        }
        instance
    }

    fn configuration(&self) -> String {
        self.folder.path().join("etc").display().to_string()
    }

    fn control(&self, arguments: &[&str]) {
        let mut command = postfix_command("postfix");
        command.args(["-c", &self.configuration()]).args(arguments);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }

    /// Hands a message in, and gives the refusal if it is not taken.
    pub(crate) fn send(&self, sender: &str, recipient: &str) -> Result<(), String> {
        let mut source = postfix_command("smtp-source");
        source.args(["-f", sender, "-t", recipient]);
        let output = source.arg(format!("127.0.0.1:{}", self.port)).output();
        let output = output.unwrap();
        if output.status.success() {
            Ok(())
        } else {
            Err(String::from_utf8(output.stderr).unwrap())
        }
    }

    /// Has what was deferred tried again at once. Postfix may sleep over it for minutes, after much has
    /// failed within a second.
    fn flush(&self) {
        let mut queue = postfix_command("postqueue");
        queue.args(["-c", &self.configuration(), "-f"]);
        assert!(queue.status().unwrap().success());
    }

    /// What is taken and not yet delivered, a line each.
    fn queue(&self) -> String {
        let mut queue = postfix_command("postqueue");
        let output = queue.args(["-c", &self.configuration(), "-j"]).output();
        let output = output.unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Waits for all deliveries, and gives them.
    pub(crate) fn delivered(&self) -> Vec<Delivered> {
        self.wait_until(|| {
            let is_done = self.queue().is_empty();
            if !is_done {
                self.flush();
            }
            is_done
        });
        let mut delivered: Vec<_> = fs::read_dir(self.folder.path().join("sink"))
            .unwrap()
            .filter_map(|file| delivered(&fs::read_to_string(file.unwrap().path()).unwrap()))
            .collect();
        delivered.sort();
        delivered
    }

    /// What is left in the queue, and the end of Postfix's log.
    fn state(&self) -> String {
        let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        let end = lines.len().saturating_sub(40);
        format!("{}\n{}", self.queue(), lines[end..].join("\n"))
    }

    fn wait_until(&self, mut is_so: impl FnMut() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is_so() {
            assert!(Instant::now() < deadline, "{}", self.state());
            thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        let mut command = postfix_command("postfix");
        command.args(["-c", &self.configuration(), "abort"]);
        drop(command.stderr(Stdio::null()).status());
        drop(self.sink.kill());
        drop(self.sink.wait());
    }
}

/// The envelope, which the sink writes before the message; none of what went without one, such as a
/// connection that only looked whether somebody listens.
fn delivered(file: &str) -> Option<Delivered> {
    let path = |name: &str| {
        let line = file.lines().find_map(|line| line.strip_prefix(name))?;
        let (path, _parameters) = line.strip_prefix('<')?.rsplit_once('>')?;
        Some(path.to_owned())
    };
    Some(Delivered {
        sender: path("X-Mail-Args: ")?,
        recipient: path("X-Rcpt-Args: ")?,
    })
}

/// At once, so that they differ.
fn free_ports<const N: usize>() -> [u16; N] {
    let listeners = [(); N].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
    let ports = listeners.map(|listener| listener.local_addr().unwrap().port());
    assert_eq!(BTreeSet::from(ports).len(), N);
    ports
}
