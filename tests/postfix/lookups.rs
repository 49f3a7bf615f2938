//! What the service answers, and its life: loading, signals, refusals to start.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;

use mail_srs::{Day, Secret, Srs};

use crate::client::{Client, netstring};
use crate::folder::Folder;
use crate::service::{SECRET, SRS_DOMAIN, Service, Signal, output, unix};

const ALICE: &str = "alice@example.com";

fn signed(sender: &str, secret: &str, day: Day) -> String {
    let srs = Srs::new(Secret::new(secret).unwrap());
    srs.forward(sender, SRS_DOMAIN, day).unwrap().to_string()
}

/// An address as the service makes it now, which may be another in the next second.
fn signed_today(sender: &str) -> [String; 2] {
    let today = Day::today();
    let yesterday = Day::new(today.number() - 1);
    [today, yesterday].map(|day| signed(sender, SECRET, day))
}

const LOCAL: [&str; 4] = [
    "--local-domain",
    "local.example",
    "--local-domain",
    ".local.example",
];
const SOCKETMAP: [&str; 2] = ["--socketmap", "inet:127.0.0.1:0"];

fn socketmap(folder: &Folder) -> (Service, Client) {
    let service = Service::start(folder, &[&LOCAL[..], &SOCKETMAP[..]].concat());
    let client = Client::tcp(service.address("socketmap"));
    (service, client)
}

#[test]
fn each_kind_of_address_has_its_answer_in_each_map() {
    let folder = Folder::new();
    let (_service, mut client) = socketmap(&folder);
    let today = Day::today();
    let ours = signed(ALICE, SECRET, today);
    let expired = signed(ALICE, SECRET, Day::new(today.number() - 30));
    let forged = signed(ALICE, "another", today);
    let malformed = format!("SRS0=AAAA=example.com@{SRS_DOMAIN}");
    let foreign = "SRS0=xxxx=JN=example.com=alice@other.example";
    for (key, forward, reverse, access) in [
        (
            "",
            "NOTFOUND null-sender",
            "NOTFOUND ordinary",
            "NOTFOUND ordinary",
        ),
        // So Postfix writes the null sender.
        (
            r#""""#,
            "NOTFOUND null-sender",
            "NOTFOUND ordinary",
            "NOTFOUND ordinary",
        ),
        (
            "postmaster",
            "NOTFOUND invalid-sender",
            "NOTFOUND ordinary",
            "NOTFOUND ordinary",
        ),
        (
            "bob@local.example",
            "NOTFOUND local-sender",
            "NOTFOUND ordinary",
            "NOTFOUND ordinary",
        ),
        (
            "bob@MX.Local.example",
            "NOTFOUND local-sender",
            "NOTFOUND ordinary",
            "NOTFOUND ordinary",
        ),
        (
            &ours,
            "NOTFOUND already-ours",
            "OK alice@example.com",
            "NOTFOUND ours",
        ),
        (
            &expired,
            "NOTFOUND already-ours",
            "NOTFOUND expired",
            "OK 550 5.1.1 SRS address has expired",
        ),
        (
            &forged,
            "NOTFOUND already-ours",
            "NOTFOUND hash-mismatch",
            "OK 550 5.7.1 SRS address is not genuine",
        ),
        (
            &malformed,
            "NOTFOUND already-ours",
            "NOTFOUND malformed",
            "OK 550 5.1.3 SRS address is malformed",
        ),
        (
            "a b@example.com",
            "NOTFOUND invalid-sender",
            "NOTFOUND ordinary",
            "NOTFOUND ordinary",
        ),
        (
            "srs0=@local.example",
            "NOTFOUND local-sender",
            "NOTFOUND ordinary",
            "NOTFOUND ordinary",
        ),
    ] {
        assert_eq!(client.socketmap("forward", key), forward, "{key}");
        assert_eq!(client.socketmap("reverse", key), reverse, "{key}");
        assert_eq!(client.socketmap("access", key), access, "{key}");
    }
    assert_eq!(client.socketmap("reverse", foreign), "NOTFOUND foreign");
    assert_eq!(client.socketmap("access", foreign), "NOTFOUND foreign");
    assert!(client.socketmap("forward", foreign).starts_with("OK SRS1="));
    for sender in [ALICE, r#""john doe"@example.com"#, "jörg@bücher.example"] {
        let reply = client.socketmap("forward", sender);
        let address = reply.strip_prefix("OK ").unwrap().to_owned();
        assert!(signed_today(sender).contains(&address), "{address}");
        assert_eq!(
            client.socketmap("reverse", &address),
            format!("OK {sender}")
        );
        assert_eq!(client.socketmap("access", &address), "NOTFOUND ours");
    }
}

#[test]
fn the_older_protocol_answers_alike() {
    let folder = Folder::new();
    let tcp = [
        "--tcp-forward",
        "inet:localhost:0",
        "--tcp-reverse",
        "inet4:127.0.0.1:0",
    ];
    let service = Service::start(&folder, &[&LOCAL[..], &tcp[..]].concat());
    let mut forward = Client::tcp(service.address("tcp_table forward"));
    let mut reverse = Client::tcp(service.address("tcp_table reverse"));
    for (sender, encoded) in [
        (ALICE, ALICE),
        (r#""john doe"@example.com"#, r#""john%20doe"@example.com"#),
        ("50%@example.com", "50%25@example.com"),
        ("jörg@example.com", "j%c3%b6rg@example.com"),
    ] {
        let reply = forward.get(sender);
        let address = reply.strip_prefix("200 ").unwrap();
        let address = address
            .replace("%20", " ")
            .replace("%25", "%")
            .replace("%c3%b6", "ö");
        assert!(signed_today(sender).contains(&address), "{reply}");
        assert_eq!(reverse.get(&address), format!("200 {encoded}"));
    }
    assert_eq!(forward.get("bob@local.example"), "500 local-sender");
    assert_eq!(reverse.get(ALICE), "500 ordinary");
    // Postfix takes no reply of more than 4,096 octets; of what goes beyond it would make an error.
    let long = format!("{}@example.com", "%".repeat(1_355));
    assert_eq!(forward.get(&long), "500 reply-too-long");
    assert_eq!(forward.get("a"), "500 invalid-sender");
    forward.send("get caf%C3%28@example.com\n");
    assert_eq!(forward.receive_line(), "500 not-utf8");
}

#[test]
fn requests_may_come_in_any_pieces() {
    let folder = Folder::new();
    let (_service, mut client) = socketmap(&folder);
    let request = netstring("reverse bob@example.com");
    for octet in request.bytes() {
        client.send([octet]);
    }
    assert_eq!(client.receive_netstring(), "NOTFOUND ordinary");
    client.send(request.repeat(1_000) + "2");
    for _ in 0..1_000 {
        assert_eq!(client.receive_netstring(), "NOTFOUND ordinary");
    }
    client.send("3:reverse bob@example.com,");
    assert_eq!(client.receive_netstring(), "NOTFOUND ordinary");
    // The longest there may be.
    let key = "a".repeat(4096 - "reverse ".len());
    assert_eq!(client.socketmap("reverse", &key), "NOTFOUND ordinary");
}

/// That this gets this reply, and no more.
fn assert_ends(address: SocketAddr, request: &str, reply: &str) {
    let mut client = Client::tcp(address);
    // A long one is not read to its end.
    drop(client.try_send(request));
    let answer = client.receive_to_end();
    let shown = &request[..request.len().min(30)];
    assert!(
        answer == reply || (answer.is_empty() && request.len() > 9_000),
        "{shown}: {answer}"
    );
}

#[test]
fn what_is_no_request_is_answered_so_and_ends_the_connection() {
    let folder = Folder::new();
    let tcp = ["--tcp-forward", "inet:127.0.0.1:0"];
    let service = Service::start(&folder, &[&SOCKETMAP[..], &tcp[..]].concat());
    let socketmap = service.address("socketmap");
    let tcp = service.address("tcp_table forward");
    let invalid = "20:PERM invalid request,";
    let too_long = "21:PERM request too long,";
    for (request, reply) in [
        ("get alice@example.com\n".to_owned(), invalid),
        ("\0".into(), invalid),
        (":,".into(), invalid),
        ("-1:,".into(), invalid),
        ("+9:reverse a,".into(), invalid),
        ("09:reverse a,".into(), invalid),
        ("9:reverse a;".into(), invalid),
        ("7:reverse,".into(), invalid),
        ("0:,".into(), invalid),
        ("4097:".into(), too_long),
        ("99999999999999999999999:".into(), too_long),
        ("99999".into(), too_long),
        ("4".repeat(1_000_000), too_long),
    ] {
        assert_ends(socketmap, &request, reply);
    }
    for (request, reply) in [
        (
            "put alice@example.com\n".to_owned(),
            "400 invalid%20request\n",
        ),
        ("GET alice@example.com\n".into(), "400 invalid%20request\n"),
        ("get\n".into(), "400 invalid%20request\n"),
        ("\n".into(), "400 invalid%20request\n"),
        ("get %4\n".into(), "400 invalid%20request\n"),
        ("get %\n".into(), "400 invalid%20request\n"),
        ("get %+1\n".into(), "400 invalid%20request\n"),
        ("get %zz\n".into(), "400 invalid%20request\n"),
        (
            netstring("forward alice@example.com") + "\n",
            "400 invalid%20request\n",
        ),
        (
            "get ".to_owned() + &"a".repeat(4092),
            "400 request%20too%20long\n",
        ),
        (
            "get ".to_owned() + &"a".repeat(4092) + "\n",
            "400 request%20too%20long\n",
        ),
        ("a".repeat(1_000_000), "400 request%20too%20long\n"),
    ] {
        assert_ends(tcp, &request, reply);
    }
    // A map that there is not is no fault of the protocol.
    let mut client = Client::tcp(socketmap);
    let reply = client.socketmap("srs", ALICE);
    assert_eq!(
        reply,
        "PERM no such map: there are forward, reverse and access"
    );
    assert_eq!(client.socketmap("reverse", ALICE), "NOTFOUND ordinary");
}

#[test]
fn a_hostile_key_takes_one_line_of_the_log() {
    let folder = Folder::new();
    let (service, mut client) = socketmap(&folder);
    let key = "a\r\ninfo: forged\u{1b}[2J\u{85}<x>@example.com";
    assert_eq!(client.socketmap("forward", key), "NOTFOUND invalid-sender");
    let line = service.wait_for_line("cannot be rewritten", 1);
    assert_eq!(
        line,
        "warn: forward: <a\\r\\ninfo: forged\\u{1b}[2J\\u{85}\\u{3c}x\\u{3e}@example.com> cannot be \
         rewritten: invalid sender: control character at offset 1"
    );
    assert!(
        !service
            .log()
            .iter()
            .any(|line| line.starts_with("info: forged"))
    );
}

#[test]
fn each_rewrite_is_a_line_of_the_log() {
    let folder = Folder::new();
    let (service, mut client) = socketmap(&folder);
    let reply = client.socketmap("forward", ALICE);
    let address = reply.strip_prefix("OK ").unwrap();
    client.socketmap("reverse", address);
    client.socketmap("reverse", "bob@example.com");
    client.socketmap("reverse", &address.replace("alice", "malice"));
    let last = service.wait_for_line("malice", 1);
    assert!(last.starts_with("warn: reverse: <SRS0="), "{last}");
    assert!(last.ends_with(" is refused: hash does not match"), "{last}");
    let log = service.log();
    let expected = [
        format!("info: forward: <{ALICE}> becomes <{address}>"),
        format!("info: reverse: <{address}> becomes <{ALICE}>"),
        last,
    ];
    assert_eq!(log[1..], expected);
}

#[test]
fn files_are_loaded_anew_and_bad_ones_are_not() {
    let folder = Folder::new();
    let domains = folder.write("domains", "local.example # comment\n");
    let arguments = ["--local-domains-file", domains.to_str().unwrap()];
    let service = Service::start(&folder, &[&SOCKETMAP[..], &arguments[..]].concat());
    let mut client = Client::tcp(service.address("socketmap"));
    let today = Day::today();
    let old = signed(ALICE, SECRET, today);
    let new = signed(ALICE, "brand new", today);
    let mut verdicts = || {
        [
            ("reverse", &*old),
            ("reverse", &new),
            ("forward", "bob@local.example"),
        ]
        .map(|(map, key)| client.socketmap(map, key)[..2].to_owned())
    };
    let (found, not) = ("OK".to_owned(), "NO".to_owned());
    let expected =
        |verdicts: [bool; 3]| verdicts.map(|yes| if yes { &found } else { &not }.clone());
    assert_eq!(verdicts(), expected([true, false, false]));

    folder.write("secrets", &format!("brand new\n{SECRET}\n"));
    folder.write("domains", "other.example\n");
    service.send(Signal::Hup);
    service.wait_for_line("info: secrets and domains are loaded anew", 1);
    assert_eq!(verdicts(), expected([true, true, true]));

    let secrets = folder.path().join("secrets");
    for (number, (damage, error)) in [
        (("secrets", "# none\n"), "no secret"),
        (("domains", "*.example\n"), "line 1"),
        (("domains", "a.example\nb example\n"), "line 2"),
    ]
    .into_iter()
    .enumerate()
    {
        let before = fs::read_to_string(folder.path().join(damage.0)).unwrap();
        folder.write(damage.0, damage.1);
        service.send(Signal::Hup);
        let line = service.wait_for_line("; the old secrets and domains stay in use", number + 1);
        assert!(
            line.starts_with("error: ") && line.contains(error),
            "{line}"
        );
        assert_eq!(verdicts(), expected([true, true, true]));
        folder.write(damage.0, &before);
    }
    fs::set_permissions(&secrets, fs::Permissions::from_mode(0o644)).unwrap();
    service.send(Signal::Hup);
    let line = service.wait_for_line("; the old secrets and domains stay in use", 4);
    assert!(
        line.contains("can be read or written by any user"),
        "{line}"
    );
    fs::remove_file(&secrets).unwrap();
    service.send(Signal::Hup);
    service.wait_for_line("; the old secrets and domains stay in use", 5);
    assert_eq!(verdicts(), expected([true, true, true]));

    folder.write("secrets", "brand new");
    service.send(Signal::Hup);
    service.wait_for_line("info: secrets and domains are loaded anew", 2);
    assert_eq!(verdicts(), expected([false, true, true]));
}

#[test]
fn it_ends_when_the_requests_in_hand_are_answered() {
    let folder = Folder::new();
    let socket = folder.path().join("srs");
    let mut service = Service::start(&folder, &["--socketmap", &unix(&socket)]);
    let mut silent = Client::unix(&socket);
    assert_eq!(silent.socketmap("reverse", ALICE), "NOTFOUND ordinary");
    let mut client = Client::unix(&socket);
    assert_eq!(client.socketmap("reverse", ALICE), "NOTFOUND ordinary");
    let request = netstring("reverse bob@example.com");
    let (first, second) = request.split_at(9);
    client.send(first);
    // Until it has read that.
    assert_eq!(silent.socketmap("reverse", ALICE), "NOTFOUND ordinary");
    service.send(Signal::Term);
    service.wait_for_line("no longer serving", 1);
    client.send(second);
    assert_eq!(client.receive_netstring(), "NOTFOUND ordinary");
    assert_eq!(client.receive_to_end(), "");
    assert_eq!(silent.receive_to_end(), "");
    assert_eq!(service.end().code(), Some(0));
    assert!(!socket.exists());
}

#[test]
fn a_socket_left_behind_is_replaced_and_a_live_one_is_not() {
    let folder = Folder::new();
    let socket = folder.path().join("srs");
    let arguments = ["--socketmap", &unix(&socket)];
    let mut killed = Service::start(&folder, &arguments);
    killed.send(Signal::Kill);
    killed.end();
    assert!(socket.exists());
    let _live = Service::start(&folder, &arguments);
    let secrets = folder.path().join("secrets");
    let second = [
        &[
            "--srs-domain",
            SRS_DOMAIN,
            "--secretfile",
            secrets.to_str().unwrap(),
        ],
        &arguments[..],
    ];
    let second = output(&second.concat());
    assert_eq!(second.status.code(), Some(1));
    let error = String::from_utf8(second.stderr).unwrap();
    assert!(error.contains("error: cannot serve on unix:"), "{error}");
    let mut client = Client::unix(&socket);
    assert_eq!(client.socketmap("reverse", ALICE), "NOTFOUND ordinary");
    // A file that is no socket stays.
    let file = folder.write("file", "precious");
    let arguments = ["--socketmap", &unix(&file)];
    let refused = [
        &[
            "--srs-domain",
            SRS_DOMAIN,
            "--secretfile",
            secrets.to_str().unwrap(),
        ],
        &arguments[..],
    ];
    assert_eq!(output(&refused.concat()).status.code(), Some(1));
    assert_eq!(fs::read_to_string(file).unwrap(), "precious");
}

#[test]
#[expect(clippy::too_many_lines, reason = "most of it is a table")]
fn what_it_cannot_serve_with_it_refuses() {
    let folder = Folder::new();
    let secrets = folder.write("secrets", SECRET);
    let open = folder.write("open", SECRET);
    fs::set_permissions(&open, fs::Permissions::from_mode(0o602)).unwrap();
    let empty = folder.write("empty", "\n# nothing\n");
    let domains = folder.write("domains", "a.example\n@b.example\n");
    let latin = folder.path().join("latin");
    fs::write(&latin, b"b\xfccher.example").unwrap();
    let huge = folder.write("huge", "");
    // Without any octet of it on the disk.
    let file = fs::File::options().write(true).open(&huge).unwrap();
    file.set_len((64 << 20) + 1).unwrap();
    let [secrets, open, empty, domains, latin, huge] =
        [&secrets, &open, &empty, &domains, &latin, &huge].map(|path| path.to_str().unwrap());
    let socket = &SOCKETMAP.join(" ");
    let good = &format!("--srs-domain {SRS_DOMAIN} --secretfile {secrets}");
    for (arguments, code, error) in [
        (good.clone(), 2, "required arguments were not provided"),
        (
            format!("--secretfile {secrets} {socket}"),
            2,
            "--srs-domain",
        ),
        (
            format!("--srs-domain {SRS_DOMAIN} {socket}"),
            2,
            "--secretfile",
        ),
        (
            format!("{good} --socketmap 127.0.0.1:1"),
            2,
            "expected unix:PATH, inet:HOST:PORT or inet:PORT",
        ),
        (
            format!("{good} --socketmap inet:host"),
            2,
            "expected unix:PATH, inet:HOST:PORT or inet:PORT",
        ),
        (
            format!("{good} --socketmap inet::1"),
            2,
            "expected unix:PATH, inet:HOST:PORT or inet:PORT",
        ),
        (
            format!("{good} --socketmap unix:"),
            2,
            "expected unix:PATH, inet:HOST:PORT or inet:PORT",
        ),
        (
            format!("{good} {socket} --separator /"),
            2,
            "expected =, + or -",
        ),
        (
            format!("{good} {socket} --connection-limit 0"),
            2,
            "expected 1 to 1000000",
        ),
        (
            format!("{good} {socket} --idle-time 0"),
            2,
            "expected 1 to 86400",
        ),
        (
            format!("{good} {socket} --hash-format md5"),
            2,
            "hash format",
        ),
        (
            format!("{good} {socket} --accept-secretfile {secrets}"),
            2,
            "expected FORMAT:FILE",
        ),
        (format!("{good} {socket} --hashlength 3"), 1, "error: "),
        (
            format!("{good} {socket} --hashlength 4 --hashmin 5"),
            1,
            "error: ",
        ),
        (format!("{good} {socket} --max-age 1024"), 1, "error: "),
        (
            format!("{good} {socket} --local-domain *.example"),
            1,
            "error: --local-domain: ",
        ),
        (
            format!("{good} {socket} --accepted-domain a@b"),
            1,
            "error: --accepted-domain: ",
        ),
        (
            format!("{good} {socket} --local-domains-file {domains}"),
            1,
            "line 2",
        ),
        (
            format!("{good} {socket} --local-domains-file {latin}"),
            1,
            "is no text in UTF-8",
        ),
        (
            format!("{good} {socket} --local-domains-file {huge}"),
            1,
            "is larger than 64 MiB",
        ),
        (
            format!("{good} {socket} --local-domains-file /nonexistent"),
            1,
            "cannot read /nonexistent",
        ),
        (
            format!("--srs-domain a..b --secretfile {secrets} {socket}"),
            1,
            "error: --srs-domain: ",
        ),
        (
            format!("--srs-domain {SRS_DOMAIN} --secretfile {open} {socket}"),
            1,
            "can be read or written by any user: chmod 600, or 640",
        ),
        (
            format!("--srs-domain {SRS_DOMAIN} --secretfile {empty} {socket}"),
            1,
            "no secret",
        ),
        // The same secret must not sign in both.
        (
            format!("{good} {socket} --accept-secretfile base32:{secrets}"),
            1,
            "base32",
        ),
        (
            format!("{good} --socketmap unix:/nonexistent/srs"),
            1,
            "cannot serve on unix:/nonexistent",
        ),
    ] {
        let arguments: Vec<_> = arguments.split_whitespace().collect();
        let output = output(&arguments);
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
        assert!(text.contains(error), "{arguments:?}: {text}");
        assert!(!text.contains(SECRET), "{text}");
    }
}

/// A clash would let an old secret's mail in, and sign with a new one.
#[test]
fn a_retired_secret_of_another_format_verifies() {
    let folder = Folder::new();
    let old = folder.write("old", SECRET);
    folder.write("secrets", "brand new and only for this");
    let accept = format!("base64:{}", old.display());
    let arguments = ["--hash-format", "base32", "--accept-secretfile", &accept];
    let service = Service::start(&folder, &[&SOCKETMAP[..], &arguments[..]].concat());
    let mut client = Client::tcp(service.address("socketmap"));
    let reply = client.socketmap("reverse", &signed(ALICE, SECRET, Day::today()));
    assert_eq!(reply, "OK alice@example.com");
    let reply = client.socketmap("forward", ALICE);
    let address = reply.strip_prefix("OK ").unwrap();
    assert!(!signed_today(ALICE).contains(&address.to_owned()));
    assert_eq!(client.socketmap("reverse", address), "OK alice@example.com");
}

#[test]
fn settings_of_postsrsd_have_their_options() {
    let folder = Folder::new();
    let arguments = [
        "--separator",
        "+",
        "--hashlength",
        "6",
        "--hashmin",
        "5",
        "--max-age",
        "3",
        "--max-skew",
        "0",
        "--accepted-domain",
        "old.example",
    ];
    let service = Service::start(&folder, &[&SOCKETMAP[..], &arguments[..]].concat());
    let mut client = Client::tcp(service.address("socketmap"));
    let reply = client.socketmap("forward", ALICE);
    let address = reply.strip_prefix("OK ").unwrap();
    assert!(address.starts_with("SRS0+"), "{address}");
    assert_eq!(&address[11..12], "=", "{address}");
    let mut reverse = |address: &str| client.socketmap("reverse", address);
    let at = |domain| address.replace(SRS_DOMAIN, domain);
    assert_eq!(reverse(&at("old.example")), "OK alice@example.com");
    assert_eq!(reverse(&at("new.example")), "NOTFOUND foreign");
    let cut = |length: usize| format!("{}{}", &address[..5 + length], &address[11..]);
    assert_eq!(reverse(&cut(5)), "OK alice@example.com");
    assert_eq!(reverse(&cut(4)), "NOTFOUND hash-too-short");
    let today = Day::today().number();
    // A day may begin meanwhile.
    for (day, reply) in [
        (today - 2, "OK alice@example.com"),
        (today - 5, "NOTFOUND expired"),
    ] {
        let longer = Srs::builder(Secret::new(SECRET).unwrap()).hash_length(6);
        let address = longer.build().unwrap();
        let address = address.forward(ALICE, SRS_DOMAIN, Day::new(day)).unwrap();
        assert_eq!(reverse(&address.to_string()), reply);
    }
    let ahead = Srs::builder(Secret::new(SECRET).unwrap()).hash_length(6);
    let ahead = ahead.build().unwrap();
    let ahead = ahead
        .forward(ALICE, SRS_DOMAIN, Day::new(today + 1))
        .unwrap();
    let reply = reverse(&ahead.to_string());
    // Unless that day has begun.
    assert!(
        reply == "NOTFOUND expired" || Day::today().number() > today,
        "{reply}"
    );
}

/// Those that had come before the signal are seen by the service only after it.
#[test]
fn what_was_sent_before_the_end_is_answered() {
    let folder = Folder::new();
    for _ in 0..10 {
        let (mut service, client) = socketmap(&folder);
        let address = service.address("socketmap");
        let mut clients: Vec<_> = (0..9)
            .map(|_| Client::tcp(address))
            .chain([client])
            .collect();
        for client in &mut clients {
            assert_eq!(client.socketmap("reverse", ALICE), "NOTFOUND ordinary");
        }
        service.send(Signal::Stop);
        for client in &mut clients {
            client.send(netstring("reverse bob@example.com"));
        }
        service.send(Signal::Term);
        service.send(Signal::Cont);
        for client in &mut clients {
            assert_eq!(client.receive_netstring(), "NOTFOUND ordinary");
        }
        assert_eq!(service.end().code(), Some(0));
    }
}

#[test]
fn it_ends_on_an_interrupt_as_well() {
    let folder = Folder::new();
    let (mut service, _client) = socketmap(&folder);
    service.send(Signal::Int);
    assert_eq!(service.end().code(), Some(0));
}

#[test]
fn an_address_may_be_a_port_alone_or_one_family() {
    let folder = Folder::new();
    let arguments = [
        "--socketmap",
        "inet:0",
        "--tcp-forward",
        "inet4:localhost:0",
    ];
    let service = Service::start(&folder, &arguments);
    // Of one option there may be two lines.
    service.address("tcp_table forward");
    let log = service.log();
    let of = |served: &str| {
        let text = format!("info: serving {served} on inet:");
        let lines = log.iter().filter_map(|line| line.strip_prefix(&text));
        lines
            .map(|address| address.parse().unwrap())
            .collect::<Vec<SocketAddr>>()
    };
    assert!(
        of("socketmap")
            .iter()
            .all(|address| address.ip().is_loopback())
    );
    assert!(of("tcp_table forward").iter().all(SocketAddr::is_ipv4));
    assert!(
        !log.iter()
            .any(|line| line.contains("reached from other machines")),
        "{log:?}"
    );
    let all = Service::start(&folder, &["--socketmap", "inet4:*:0"]);
    all.wait_for_line("warn: inet:0.0.0.0:", 1);
}

#[test]
fn a_successor_keeps_its_socket() {
    let folder = Folder::new();
    let socket = folder.path().join("srs");
    let arguments = ["--socketmap", &unix(&socket)];
    let mut old = Service::start(&folder, &arguments);
    fs::remove_file(&socket).unwrap();
    let _new = Service::start(&folder, &arguments);
    old.send(Signal::Term);
    assert_eq!(old.end().code(), Some(0));
    let mut client = Client::unix(&socket);
    assert_eq!(client.socketmap("reverse", ALICE), "NOTFOUND ordinary");
}

/// Not even if the name has another address that is free, as `localhost` has where it stands for IPv6 as well.
#[test]
fn a_port_that_another_serves_is_not_shared() {
    let folder = Folder::new();
    let secrets = folder.write("secrets", SECRET);
    let other = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = format!("inet:localhost:{}", other.local_addr().unwrap().port());
    let arguments = [
        "--srs-domain",
        SRS_DOMAIN,
        "--secretfile",
        secrets.to_str().unwrap(),
        "--socketmap",
        &address,
    ];
    let output = output(&arguments);
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(
        error.contains(&format!("cannot serve on {address}")),
        "{error}"
    );
}

#[test]
fn domains_of_the_command_line_and_of_the_file_are_local() {
    let folder = Folder::new();
    let file = folder.write("domains", ".listed.example\n");
    let arguments = ["--local-domains-file", file.to_str().unwrap()];
    let arguments = [&LOCAL[..], &SOCKETMAP[..], &arguments[..]].concat();
    let service = Service::start(&folder, &arguments);
    let mut client = Client::tcp(service.address("socketmap"));
    for sender in ["bob@local.example", "bob@MX.Listed.example"] {
        assert_eq!(client.socketmap("forward", sender), "NOTFOUND local-sender");
    }
    assert!(
        client
            .socketmap("forward", "bob@listed.example")
            .starts_with("OK ")
    );
}
