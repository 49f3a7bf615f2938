//! Postfix's own client asks each map.

use mail_srs::{Day, Secret, Srs};

use crate::folder::Folder;
use crate::instance::{is_there, postfix_command};
use crate::service::{SECRET, SRS_DOMAIN, Service, unix};

/// What `postmap -q` prints, or `None` if it finds nothing.
fn postmap(table: &str, key: &str) -> Option<String> {
    let output = postfix_command("postmap").args(["-q", key, table]).output();
    let output = output.unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(errors, "", "{table} {key}");
    let found = String::from_utf8(output.stdout).unwrap();
    output.status.success().then(|| found.trim_end().to_owned())
}

#[test]
fn postmap_is_answered_by_every_map() {
    if !is_there() {
        return;
    }
    let folder = Folder::new();
    let socket = folder.path().join("srs");
    let arguments = [
        "--socketmap",
        &unix(&socket),
        "--tcp-forward",
        "inet:127.0.0.1:0",
        "--tcp-reverse",
        "inet:127.0.0.1:0",
        "--local-domain",
        "local.example",
    ];
    let service = Service::start(&folder, &arguments);
    let map = |name| format!("socketmap:unix:{}:{name}", socket.display());
    let tcp = |served| format!("tcp:{}", service.address(served));
    let tables = [
        (map("forward"), map("reverse")),
        (tcp("tcp_table forward"), tcp("tcp_table reverse")),
    ];
    let srs = Srs::new(Secret::new(SECRET).unwrap());
    for (forward, reverse) in &tables {
        for sender in [
            "alice@example.com",
            r#""john doe"@example.com"#,
            r#""a\"b"@example.com"#,
            "50%@example.com",
            "o'hara+tag=x@example.com",
            "jörg@bücher.example",
            "alice@[192.0.2.1]",
        ] {
            let address = postmap(forward, sender).unwrap();
            let today = Day::today();
            let expected = [today.number() - 1, today.number()].map(|day| {
                srs.forward(sender, SRS_DOMAIN, Day::new(day))
                    .unwrap()
                    .to_string()
            });
            assert!(expected.contains(&address), "{address}");
            assert_eq!(postmap(reverse, &address).as_deref(), Some(sender));
            assert_eq!(postmap(&map("access"), &address), None);
            let forged = address.replacen('=', "=A", 1);
            assert_eq!(postmap(reverse, &forged), None);
            let reply = "550 5.7.1 SRS address is not genuine";
            assert_eq!(postmap(&map("access"), &forged).as_deref(), Some(reply));
        }
        assert_eq!(postmap(forward, "bob@local.example"), None);
        assert_eq!(postmap(forward, "no address"), None);
        assert_eq!(postmap(reverse, "bob@example.com"), None);
        assert_eq!(
            postmap(reverse, "SRS0=xxxx=JN=a.example=b@other.example"),
            None
        );
    }
}
