//! The service, started for a test and ended with it.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Condvar, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use crate::example::example;
use crate::folder::Folder;

/// What nothing here takes, however busy the machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) const SECRET: &str = "tops3cr3t";
pub(crate) const SRS_DOMAIN: &str = "srs.example.net";

/// Signals by their names, as kill(1) takes them.
#[derive(Clone, Copy)]
pub(crate) enum Signal {
    Hup,
    Int,
    Term,
    Kill,
    Stop,
    Cont,
}

pub(crate) struct Service {
    child: Child,
    log: Arc<(Mutex<Vec<String>>, Condvar)>,
}

/// The program with these arguments, and at first with few file descriptors: it must ask for more.
pub(crate) fn command(arguments: &[&str]) -> Command {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -S -n 256 && exec \"$0\" \"$@\""]);
    command.arg(PROGRAM.get_or_init(|| example("postfix")));
    command.args(arguments).stdin(Stdio::null());
    command
}

/// Runs the program where it ends by itself, after a line or two.
pub(crate) fn output(arguments: &[&str]) -> Output {
    let mut command = command(arguments);
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    if wait(&mut child).is_none() {
        child.kill().unwrap();
        panic!("it serves: {:#?}", child.wait_with_output());
    }
    child.wait_with_output().unwrap()
}

/// What it ends with, if it does.
fn wait(child: &mut Child) -> Option<ExitStatus> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let status = child.try_wait().unwrap();
        if status.is_some() || Instant::now() > deadline {
            return status;
        }
        thread::sleep(Duration::from_millis(5));
    }
}

impl Service {
    /// Starts it with the secrets of the file `secrets`, and waits until it serves.
    pub(crate) fn start(folder: &Folder, arguments: &[&str]) -> Service {
        let secrets = folder.path().join("secrets");
        if !secrets.exists() {
            folder.write("secrets", SECRET);
        }
        let secrets = secrets.to_str().unwrap();
        let mut all = vec!["--srs-domain", SRS_DOMAIN, "--secretfile", secrets];
        all.extend_from_slice(arguments);
        let mut child = command(&all).stderr(Stdio::piped()).spawn().unwrap();
        let log = Arc::new((Mutex::new(Vec::new()), Condvar::new()));
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let seen = Arc::clone(&log);
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                seen.0.lock().unwrap().push(line);
                seen.1.notify_all();
            }
        });
        let service = Service { child, log };
        let options = ["--socketmap", "--tcp-forward", "--tcp-reverse"];
        let sockets = arguments.iter().filter(|text| options.contains(text));
        let sockets = sockets.count();
        service.wait_for(|log| {
            let served = log.iter().filter(|line| line.starts_with("info: serving "));
            (served.count() >= sockets).then_some(())
        });
        service
    }

    /// Waits until the log has what is looked for.
    pub(crate) fn wait_for<T>(&self, mut look: impl FnMut(&[String]) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        let mut log = self.log.0.lock().unwrap();
        loop {
            if let Some(found) = look(&log) {
                return found;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "not in the log: {log:#?}");
            log = self.log.1.wait_timeout(log, left).unwrap().0;
        }
    }

    /// Waits for so many lines with this text, and gives the last.
    pub(crate) fn wait_for_line(&self, text: &str, count: usize) -> String {
        self.wait_for(|log| {
            let mut lines = log.iter().filter(|line| line.contains(text));
            lines.nth(count - 1).cloned()
        })
    }

    pub(crate) fn log(&self) -> Vec<String> {
        self.log.0.lock().unwrap().clone()
    }

    /// The address on which it serves this: the first, where a name has several.
    pub(crate) fn address(&self, served: &str) -> SocketAddr {
        let text = format!("info: serving {served} on inet:");
        let line = self.wait_for_line(&text, 1);
        line.strip_prefix(&text).unwrap().parse().unwrap()
    }

    pub(crate) fn send(&self, signal: Signal) {
        let signal = match signal {
            Signal::Hup => "-HUP",
            Signal::Int => "-INT",
            Signal::Stop => "-STOP",
            Signal::Cont => "-CONT",
            Signal::Term => "-TERM",
            Signal::Kill => "-KILL",
        };
        let id = self.child.id().to_string();
        let status = Command::new("kill").args([signal, &id]).status().unwrap();
        assert!(status.success());
    }

    /// Waits for it to end.
    pub(crate) fn end(&mut self) -> ExitStatus {
        wait(&mut self.child).unwrap_or_else(|| panic!("it does not end: {:#?}", self.log()))
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The option's value for a Unix socket.
pub(crate) fn unix(path: &Path) -> String {
    format!("unix:{}", path.display())
}
