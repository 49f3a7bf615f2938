//! Running the program, and what holds for every run of it.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::example::example;

/// What no output may hold.
pub(crate) const SECRET: &str = "tops3cr3t";

fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| example("forwarding"))
}

/// A file of the example or of this test.
pub(crate) fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The program with these arguments, which are split at white space.
///
/// OURS stands for what messages of one's own need, NOW for the clock of the expected output, and
/// EXAMPLE for the folder of the example.
pub(crate) fn forwarding(arguments: &str) -> Command {
    let ours = "--srs-domain srs.provider.example --local-domains EXAMPLE/local-domains NOW";
    let now = format!("--secret {SECRET} --now 1795478400");
    let example = file("examples/forwarding");
    let arguments = arguments
        .replace("OURS", ours)
        .replace("NOW", &now)
        .replace("EXAMPLE", example.to_str().unwrap());
    let mut command = Command::new(program());
    command
        .args(arguments.split_whitespace())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

pub(crate) fn run(arguments: &str) -> Outcome {
    Outcome::of(forwarding(arguments).output().unwrap())
}

/// What a run left behind.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Outcome {
    /// Checks what holds for every run: it ends by itself, keeps the secret, and drives no terminal.
    #[track_caller]
    pub(crate) fn of(output: Output) -> Outcome {
        let out = String::from_utf8(output.stdout).unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert!(!err.contains("panicked"), "{err}");
        for text in [&out, &err] {
            assert!(!text.contains(SECRET), "{text}");
            assert_harmless(text);
        }
        let code = output.status.code().unwrap();
        Outcome { code, out, err }
    }

    /// The JSON document that is all of standard output.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        assert_eq!((self.code, self.err.as_str()), (0, ""));
        serde_json::from_str(&self.out).unwrap()
    }
}

/// Nothing but line ends that a terminal obeys, or that turns the direction of writing.
#[track_caller]
pub(crate) fn assert_harmless(text: &str) {
    let turns = |c| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let harmful = text
        .chars()
        .find(|&c| c != '\n' && (c.is_control() || turns(c)));
    assert_eq!(harmful, None, "{text:?}");
}

/// A folder that goes when dropped.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Folder {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("forwarding-{}-{number}", std::process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir(&path).unwrap();
        Folder(path)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Writes a file, and gives its path as an argument.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        fs::write(self.path(name), content).unwrap();
        self.argument(name)
    }

    pub(crate) fn argument(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Waits until a file holds this, long enough for a busy machine.
    #[track_caller]
    pub(crate) fn wait_for(&self, name: &str, text: &str) {
        for _ in 0..3_000 {
            if fs::read_to_string(self.path(name)).is_ok_and(|content| content.contains(text)) {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
        panic!("{name} without {text}: {}", self.read(name));
    }

    /// The names of what lies in it.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }
}

impl AsRef<OsStr> for Folder {
    fn as_ref(&self) -> &OsStr {
        self.0.as_ref()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap_or_default();
    }
}
