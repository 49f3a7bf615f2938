//! Clients that stall, vanish, or are many; and loading anew under load.

use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use mail_srs::{Day, Secret, Srs};

use crate::client::{Client, netstring};
use crate::folder::Folder;
use crate::service::{PATIENCE, SECRET, SRS_DOMAIN, Service, Signal, command, unix};

const ALICE: &str = "alice@example.com";
const ORDINARY: &str = "NOTFOUND ordinary";

fn start(folder: &Folder, arguments: &[&str]) -> (Service, SocketAddr) {
    let socketmap = ["--socketmap", "inet:127.0.0.1:0"];
    let service = Service::start(folder, &[&socketmap[..], arguments].concat());
    let address = service.address("socketmap");
    (service, address)
}

#[test]
fn a_thousand_idle_clients_do_no_harm() {
    let folder = Folder::new();
    let (_service, address) = start(&folder, &[]);
    // This program takes a descriptor for each, too.
    let limit = Command::new("sh")
        .args(["-c", "ulimit -n"])
        .output()
        .unwrap();
    let limit = String::from_utf8(limit.stdout).unwrap();
    let limit: usize = limit.trim().parse().unwrap_or(usize::MAX);
    assert!(
        limit > 1_200,
        "this test needs more file descriptors than {limit}: ulimit -n 4096"
    );
    let mut idle: Vec<_> = (0..1_000).map(|_| Client::tcp(address)).collect();
    for client in &mut idle {
        assert_eq!(client.socketmap("reverse", ALICE), ORDINARY);
    }
    let mut busy = Client::tcp(address);
    assert_eq!(busy.socketmap("reverse", ALICE), ORDINARY);
    for client in &mut idle {
        assert_eq!(client.socketmap("reverse", ALICE), ORDINARY);
    }
}

#[test]
fn beyond_the_limit_clients_wait_for_a_place() {
    let folder = Folder::new();
    let (_service, address) = start(&folder, &["--connection-limit", "2"]);
    let mut first = Client::tcp(address);
    let mut second = Client::tcp(address);
    assert_eq!(first.socketmap("reverse", ALICE), ORDINARY);
    assert_eq!(second.socketmap("reverse", ALICE), ORDINARY);
    let mut third = Client::tcp(address);
    third.send(netstring("reverse bob@example.com"));
    assert_eq!(second.socketmap("reverse", ALICE), ORDINARY);
    drop(first);
    assert_eq!(third.receive_netstring(), ORDINARY);
}

#[test]
fn who_is_silent_or_slow_loses_the_connection() {
    let folder = Folder::new();
    let (_service, address) = start(&folder, &["--idle-time", "1", "--connection-limit", "1"]);
    let mut silent = Client::tcp(address);
    assert_eq!(silent.receive_to_end(), "");
    // So the place is free again. Each octet of a request is no new beginning.
    let mut slow = Client::tcp(address);
    slow.send("4000:");
    let is_closed = (0..400).any(|_| {
        thread::sleep(Duration::from_millis(50));
        slow.try_send("a").is_err()
    });
    assert!(is_closed);
    // Nor does anybody wait for a client that takes no reply.
    let deaf = TcpStream::connect(address).unwrap();
    deaf.set_nonblocking(true).unwrap();
    let requests = netstring("forward alice@example.com").repeat(1_000);
    while std::io::Write::write(&mut &deaf, requests.as_bytes()).is_ok() {}
    let mut next = Client::tcp(address);
    assert_eq!(next.socketmap("reverse", ALICE), ORDINARY);
    // Whoever asks from time to time may stay.
    for _ in 0..4 {
        thread::sleep(Duration::from_millis(400));
        assert_eq!(next.socketmap("reverse", ALICE), ORDINARY);
    }
    drop(deaf);
}

#[test]
fn who_vanishes_in_a_request_or_takes_no_reply_stops_nobody() {
    let folder = Folder::new();
    let (_service, address) = start(&folder, &["--connection-limit", "8"]);
    let request = netstring("reverse bob@example.com");
    for cut in 0..request.len() {
        let mut client = Client::tcp(address);
        client.send(&request[..cut]);
    }
    for _ in 0..20 {
        let mut client = Client::tcp(address);
        client.send(request.repeat(1_000));
    }
    // One that asks and asks, and takes no reply, until nothing goes through any more.
    let deaf = TcpStream::connect(address).unwrap();
    deaf.set_nonblocking(true).unwrap();
    let requests = request.repeat(1_000);
    while std::io::Write::write(&mut &deaf, requests.as_bytes()).is_ok() {}
    let mut client = Client::tcp(address);
    assert_eq!(client.socketmap("reverse", ALICE), ORDINARY);
    drop(deaf);
}

#[test]
fn loading_anew_under_load_loses_no_answer() {
    let folder = Folder::new();
    let (service, address) = start(&folder, &["--log-level", "info"]);
    let srs = Srs::new(Secret::new(SECRET).unwrap());
    let signed = srs.forward(ALICE, SRS_DOMAIN, Day::today()).unwrap();
    let signed = signed.to_string();
    let loaded = AtomicBool::new(false);
    thread::scope(|scope| {
        let asking: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let mut client = Client::tcp(address);
                    let mut asked = 0;
                    while !loaded.load(Ordering::Relaxed) || asked < 100 {
                        let reply = client.socketmap("reverse", &signed);
                        assert_eq!(reply, "OK alice@example.com");
                        asked += 1;
                    }
                    asked
                })
            })
            .collect();
        for number in 1..=20 {
            // The secret that is asked for is in each.
            folder.write("secrets", &format!("new {number}\n{SECRET}\n"));
            service.send(Signal::Hup);
            service.wait_for_line("loaded anew", number);
        }
        loaded.store(true, Ordering::Relaxed);
        let asked: usize = asking
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .sum();
        assert!(asked >= 800);
    });
}

/// However many maps share the places.
#[test]
fn a_map_that_nobody_asks_holds_no_place() {
    let folder = Folder::new();
    let tcp = [
        "--tcp-forward",
        "inet:127.0.0.1:0",
        "--tcp-reverse",
        "inet:127.0.0.1:0",
    ];
    let limit = ["--connection-limit", "1"];
    let (service, socketmap) = start(&folder, &[&tcp[..], &limit[..]].concat());
    for address in [
        socketmap,
        service.address("tcp_table forward"),
        service.address("tcp_table reverse"),
    ] {
        let mut client = Client::tcp(address);
        client.send("x\n");
        assert_ne!(client.receive_to_end(), "");
    }
}

#[test]
fn a_log_that_nobody_reads_stops_nobody() {
    let folder = Folder::new();
    let secrets = folder.write("secrets", SECRET);
    let socket = folder.path().join("srs");
    let arguments = [
        "--srs-domain",
        SRS_DOMAIN,
        "--secretfile",
        secrets.to_str().unwrap(),
    ];
    let socketmap = ["--socketmap", &unix(&socket)];
    let mut command = command(&[&arguments[..], &socketmap[..]].concat());
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    while !socket.exists() {
        assert_eq!(child.try_wait().unwrap(), None);
        thread::sleep(Duration::from_millis(5));
    }
    let mut client = Client::unix(&socket);
    for _ in 0..10_000 {
        assert!(client.socketmap("forward", ALICE).starts_with("OK "));
    }
    let id = child.id().to_string();
    assert!(Command::new("kill").arg(&id).status().unwrap().success());
    let deadline = Instant::now() + PATIENCE;
    while child.try_wait().unwrap().is_none() {
        assert!(Instant::now() < deadline);
        thread::sleep(Duration::from_millis(5));
    }
}
