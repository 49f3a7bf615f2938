//! The page in headless Chromium, with senders in it who would run scripts.
//!
//! Where Chromium is not installed this is left out, which one line tells; `MAIL_SRS_BROWSER=required`
//! makes that an error, as in CI. The screenshots lie in `forwarding-page` in the folder
//! `CARGO_TARGET_TMPDIR`, which is `tmp` in the target folder.

use std::env;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::hostile::{SENDERS, escaped, messages, spam};
use crate::program::{Folder, run};

/// As Debian packages it.
const CHROMIUM: &str = "chromium";

/// Whether there is a browser. If not, one line for all the tests tells what they leave out.
fn is_installed() -> bool {
    static IS_INSTALLED: OnceLock<bool> = OnceLock::new();
    let is_installed = *IS_INSTALLED.get_or_init(|| {
        let found = Command::new(CHROMIUM).arg("--version").output();
        let is_installed = found.is_ok_and(|output| output.status.success());
        if !is_installed {
            // On standard error itself, where libtest does not capture it.
            let line = "left out, for it is not installed: the page in Chromium; to run it: \
                        apt-get install chromium && cargo test --test forwarding\n";
            drop(std::io::stderr().write_all(line.as_bytes()));
        }
        is_installed
    });
    let is_required = env::var("MAIL_SRS_BROWSER").is_ok_and(|value| value == "required");
    assert!(
        is_installed || !is_required,
        "{CHROMIUM} is required and not installed"
    );
    is_installed
}

/// How the page is looked at.
#[derive(Clone, Copy)]
struct View {
    width: u32,
    is_dark: bool,
}

const PHONE: View = View {
    width: 360,
    is_dark: false,
};

impl View {
    /// Opens the page with a profile of its own, does what the option says, and gives what is printed.
    fn open(self, folder: &Folder, page: &Path, option: &str) -> String {
        let profile = folder.argument("profile");
        let mut command = Command::new(CHROMIUM);
        command
            .args([
                "--headless",
                "--disable-gpu",
                "--hide-scrollbars",
                "--no-first-run",
            ])
            // It runs as root in CI, and what it opens is made here.
            .arg("--no-sandbox")
            .args([
                "--disable-dev-shm-usage",
                "--disable-quic",
                "--disable-sync",
            ])
            .args([
                "--disable-background-networking",
                "--disable-component-update",
            ])
            .arg(format!("--user-data-dir={profile}"))
            .arg(format!("--window-size={},1800", self.width))
            .arg(option);
        // What prefers-color-scheme answers: 0 is dark.
        let scheme = u8::from(!self.is_dark);
        command.arg(format!("--blink-settings=preferredColorScheme={scheme}"));
        command.arg(page).stdin(Stdio::null());
        let output = command.output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
        fs::remove_dir_all(profile).unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    /// The document as it is when all has loaded and run.
    fn dom(self, folder: &Folder, page: &str) -> String {
        let path = folder.path("opened.html");
        fs::write(&path, page).unwrap();
        self.open(folder, &path, "--dump-dom")
    }
}

/// The page of the hostile evening.
fn hostile_page(folder: &Folder) -> String {
    let (messages, html) = (messages(folder), folder.argument("page.html"));
    assert_eq!(run(&format!("OURS {messages} --html {html}")).code, 0);
    folder.read("page.html")
}

/// The page without its policy, so that its own scripts may run.
fn without_policy(page: &str) -> String {
    let policy = page
        .lines()
        .find(|line| line.contains("Content-Security-Policy"));
    page.replace(policy.unwrap(), "")
}

/// Whether a script of a sender has run.
fn is_owned(dom: &str) -> bool {
    let (head, _) = dom.split_once("<head>").unwrap();
    head.contains("owned")
}

/// The text of the elements in which addresses are isolated.
fn isolated(dom: &str) -> Vec<String> {
    let cells = dom
        .split("<bdi dir=\"ltr\">")
        .skip(1)
        .map(|rest| rest.split_once("</bdi>").unwrap().0);
    let cells = cells.map(|cell| {
        cell.replace("<wbr>", "")
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&amp;", "&")
    });
    cells.collect()
}

#[test]
fn nothing_of_a_sender_is_executed() {
    if !is_installed() {
        return;
    }
    let folder = Folder::new();
    let page = hostile_page(&folder);

    // As it is; and where nothing but the escaping protects it.
    for page in [&page, &without_policy(&page)] {
        let dom = PHONE.dom(&folder, page);
        assert!(!is_owned(&dom), "{dom}");
        for tag in ["<script", "<img", "<svg", "<h1>Pay"] {
            assert!(!dom.contains(tag), "{tag}: {dom}");
        }
        let mut shown = isolated(&dom);
        let mut expected = vec!["petra@bigmail.example", "info@hofladen.example"];
        expected.extend(SENDERS.map(|(_, shown)| shown));
        shown.sort_unstable();
        expected.sort_unstable();
        assert_eq!(shown, expected);
    }

    // Were a sender not escaped, the policy would still protect the page; and without both it would be
    // seen here.
    for sender in &SENDERS[..3] {
        let raw = page.replace(&escaped(sender.0), sender.0);
        assert_ne!(raw, page);
        assert!(!is_owned(&PHONE.dom(&folder, &raw)), "{}", sender.0);
        assert!(
            is_owned(&PHONE.dom(&folder, &without_policy(&raw))),
            "{}",
            sender.0
        );
    }
}

/// What a script finds out about the page, in a frame as wide as the view: the window of a headless
/// Chromium is never narrower than 500 pixels but for a screenshot.
fn measure(view: View, folder: &Folder, page: &str, expression: &str) -> String {
    let (width, page) = (
        view.width,
        page.replace('&', "&amp;").replace('"', "&quot;"),
    );
    let frame = format!(
        "<!DOCTYPE html><html><head><meta name=\"color-scheme\" content=\"light dark\">\
         <title></title></head><body>\
         <iframe style=\"border:0\" width=\"{width}\" height=\"800\" srcdoc=\"{page}\"></iframe>\
         <script>onload = () => {{ const page = frames[0].document; \
         document.title = {expression}; }}</script></body></html>"
    );
    let dom = view.dom(folder, &frame);
    let (_, rest) = dom.split_once("<title>").unwrap();
    rest.split_once("</title>").unwrap().0.to_owned()
}

#[test]
fn it_fits_a_phone_and_follows_light_and_dark() {
    if !is_installed() {
        return;
    }
    let folder = Folder::new();
    let evening = folder.argument("evening.html");
    assert_eq!(run(&format!("NOW --html {evening}")).code, 0);
    let pages = [
        ("hostile", hostile_page(&folder)),
        ("evening", folder.read("evening.html")),
    ];
    let pictures = Path::new(env!("CARGO_TARGET_TMPDIR")).join("forwarding-page");
    fs::create_dir_all(&pictures).unwrap();
    for (name, page) in pages {
        // As wide as the phone, in letters of the ordinary size; and no sender has turned the writing of
        // what is beside it, so that the counts are still at the left.
        let layout = "[frames[0].innerWidth, page.documentElement.scrollWidth, \
                      getComputedStyle(page.querySelector('td')).fontSize, \
                      [...page.querySelectorAll('td:first-child')].every(\
                      cell => cell.getBoundingClientRect().right < 100)]";
        let found = measure(PHONE, &folder, &page, layout);
        assert_eq!(found, "360,360,16px,true", "{name}");
        for (scheme, paper) in [("light", "rgb(255, 255, 255)"), ("dark", "rgb(22, 25, 28)")] {
            let is_dark = scheme == "dark";
            let background = "getComputedStyle(page.body).backgroundColor";
            let found = measure(View { is_dark, ..PHONE }, &folder, &page, background);
            assert_eq!(found, paper, "{name}");
            for width in [360, 1000] {
                let picture = pictures.join(format!("{name}-{width}-{scheme}.png"));
                let path = folder.path("opened.html");
                fs::write(&path, &page).unwrap();
                let option = format!("--screenshot={}", picture.display());
                View { width, is_dark }.open(&folder, &path, &option);
                assert_eq!(png_width(&picture), width);
            }
        }
    }
}

#[test]
fn the_domain_comes_last_whatever_the_script_before_it() {
    if !is_installed() {
        return;
    }
    let folder = Folder::new();
    let page = hostile_page(&folder);
    let ends = "(() => { \
        const address = [...page.querySelectorAll('td bdi')].find(it => it.textContent[0] == 'ע'); \
        const end = (text, at) => { const range = page.createRange(); \
            range.setStart(text, at); range.setEnd(text, at + 1); \
            return range.getBoundingClientRect().left; }; \
        return end(address.firstChild, 0) < end(address.lastChild, 1); })()";
    assert_eq!(measure(PHONE, &folder, &page, ends), "true");
}

#[test]
fn two_spaces_are_not_one() {
    if !is_installed() {
        return;
    }
    let folder = Folder::new();
    let messages = folder.write("messages", spam("\"two  spaces\"@evil.example"));
    let html = folder.argument("page.html");
    assert_eq!(run(&format!("OURS {messages} --html {html}")).code, 0);
    // As it is laid out, and not as it stands in the document.
    let shown = "page.querySelector('td bdi').innerText.includes('two  spaces')";
    let page = folder.read("page.html");
    assert_eq!(measure(PHONE, &folder, &page, shown), "true");
}

/// The width that a PNG tells in its first chunk.
fn png_width(path: &PathBuf) -> u32 {
    let png = fs::read(path).unwrap();
    assert!(png.starts_with(b"\x89PNG"));
    u32::from_be_bytes(png[16..20].try_into().unwrap())
}
