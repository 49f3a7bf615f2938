//! The report's files: what was there before, and what stays of it. Only Unix has such permissions, and
//! links that anybody may make.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Stdio;

use crate::program::{Folder, Outcome, forwarding, run};

#[test]
fn who_may_read_a_file_stays() {
    // Both less and more than a umask would leave.
    for mode in [0o600, 0o666] {
        let folder = Folder::new();
        let html = folder.write("page.html", "of yesterday");
        fs::set_permissions(&html, fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(run(&format!("NOW --html {html}")).code, 0);
        let found = fs::metadata(&html).unwrap().permissions().mode();
        assert_eq!(found & 0o7777, mode, "{found:o}");
        assert!(folder.read("page.html").contains("There were 57."));
        assert_eq!(folder.names(), ["page.html"]);
    }
}

#[test]
fn a_link_stays_one_and_what_it_leads_to_is_written() {
    for is_there in [true, false] {
        let folder = Folder::new();
        fs::create_dir(folder.path("site")).unwrap();
        if is_there {
            folder.write("site/page.html", "of yesterday");
        }
        symlink("site/page.html", folder.path("link.html")).unwrap();
        let html = folder.argument("link.html");
        assert_eq!(run(&format!("NOW --html {html}")).code, 0);
        assert!(folder.path("link.html").is_symlink());
        assert!(!folder.path("site/page.html").is_symlink());
        assert!(folder.read("site/page.html").contains("There were 57."));
        assert_eq!(folder.names(), ["link.html", "site"]);
        assert_eq!(fs::read_dir(folder.path("site")).unwrap().count(), 1);
    }
}

#[test]
fn what_a_killed_run_left_is_in_nobodys_way() {
    let folder = Folder::new();
    let html = folder.argument("page.html");
    let mut command = forwarding(&format!("OURS --follow --html {html}"));
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    // Its number is known now, and the page that it writes first is there.
    folder.wait_for("page.html", "There were none.");
    let beside = format!(".page.html.{}", child.id());
    folder.write("elsewhere", "somebody's");
    symlink("elsewhere", folder.path(&beside)).unwrap();
    drop(child.stdin.take());
    let outcome = Outcome::of(child.wait_with_output().unwrap());
    assert_eq!((outcome.code, outcome.err.as_str()), (0, ""));
    assert_eq!(folder.names(), ["elsewhere", "page.html"]);
    assert!(!folder.path("page.html").is_symlink());
    assert_eq!(folder.read("elsewhere"), "somebody's");
}
