//! Mail goes through a whole Postfix: what is rewritten, what comes back, what is refused.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use mail_srs::{Day, Secret, Srs};

use crate::folder::Folder;
use crate::instance::{Delivered, Instance, is_there};
use crate::service::{PATIENCE, SECRET, SRS_DOMAIN, Service, Signal, unix};

const ALICE: &str = "alice@example.com";
/// Forwards to [`HOME`].
const LIST: &str = "bob@lists.example.net";
const HOME: &str = "bob@home.example";
const MAILBOX: &str = "carol@local.example.net";

fn srs() -> Srs {
    Srs::new(Secret::new(SECRET).unwrap())
}

fn service(folder: &Folder) -> Service {
    let socket = unix(&folder.path().join("srs"));
    let arguments = [
        "--socketmap",
        &socket,
        "--local-domain",
        "lists.example.net",
        "--local-domain",
        "local.example.net",
    ];
    Service::start(folder, &arguments)
}

fn delivered(sender: &str, recipient: &str) -> Delivered {
    Delivered {
        sender: sender.to_owned(),
        recipient: recipient.to_owned(),
    }
}

/// Of messages that were forwarded, sorted.
fn original_senders(forwarded: &[Delivered], today: Day) -> Vec<String> {
    let mut senders: Vec<_> = forwarded
        .iter()
        .map(|message| {
            assert_eq!(message.recipient, HOME);
            srs().reverse(&message.sender, today).unwrap().to_string()
        })
        .collect();
    senders.sort();
    senders
}

#[test]
fn mail_is_forwarded_and_bounces_come_back() {
    if !is_there() {
        return;
    }
    let folder = Folder::new();
    let _service = service(&folder);
    let postfix = Instance::start(&folder.path().join("srs"));
    let today = Day::today();
    let made = srs().forward(ALICE, SRS_DOMAIN, today).unwrap().to_string();
    let expired = Day::new(today.number() - 30);
    let expired = srs().forward(ALICE, SRS_DOMAIN, expired).unwrap();
    let foreign = "SRS0=xxxx=JN=example.com=alice@other.example";

    // Forwarded, delivered here, sent by a user, and what is no more to be bounced.
    postfix.send(ALICE, LIST).unwrap();
    postfix.send(r#""john doe"@example.com"#, LIST).unwrap();
    postfix.send(ALICE, MAILBOX).unwrap();
    postfix.send(MAILBOX, LIST).unwrap();
    postfix.send("", LIST).unwrap();
    // Bounces, to here and in transit to somebody else.
    postfix.send("", &made).unwrap();
    postfix.send("", &made.to_lowercase()).unwrap();
    postfix.send("", foreign).unwrap();
    postfix.send(MAILBOX, foreign).unwrap();
    for (recipient, refusal) in [
        (made.replace("alice", "malice"), "550 5.7.1"),
        (expired.to_string(), "550 5.1.1"),
        (made.replace("=example.com", ""), "550 5.1.3"),
    ] {
        let reply = postfix.send("", &recipient).unwrap_err();
        assert!(
            reply.contains(refusal) && reply.contains("SRS address"),
            "{reply}"
        );
    }
    let reply = postfix
        .send("", &format!("nobody@{SRS_DOMAIN}"))
        .unwrap_err();
    assert!(reply.contains("550 5.1.1"), "{reply}");

    let mut all = postfix.delivered();
    // Those that bear a day, which may have begun meanwhile.
    let is_new = |message: &Delivered| message.sender.contains("SRS0=");
    let new: Vec<_> = all.extract_if(.., |message| is_new(message)).collect();
    assert_eq!(
        original_senders(&new, today),
        [r#""john doe"@example.com"#, ALICE]
    );
    let mut expected = [
        delivered(ALICE, MAILBOX),
        delivered(MAILBOX, HOME),
        delivered("", HOME),
        delivered("", ALICE),
        delivered("", ALICE),
        delivered("", foreign),
        delivered(MAILBOX, foreign),
    ];
    expected.sort();
    assert_eq!(all, expected);
}

/// While the service is away, Postfix holds mail back, or has its client do so.
#[test]
fn a_service_killed_under_load_loses_no_message() {
    if !is_there() {
        return;
    }
    let folder = Folder::new();
    let mut killed = service(&folder);
    let postfix = Instance::start(&folder.path().join("srs"));
    let today = Day::today();
    let load = Load::default();
    let (_restarted, mut taken) = thread::scope(|scope| {
        let clients: Vec<_> = (0..4)
            .map(|number| {
                scope.spawn({
                    let (load, postfix) = (&load, &postfix);
                    move || load.run(postfix, number)
                })
            })
            .collect();
        load.wait_until(|load| load.taken() >= 60);
        killed.send(Signal::Kill);
        load.wait_until(|load| load.refused() >= 8);
        killed.end();
        let restarted = service(&folder);
        let before = load.taken();
        load.wait_until(|load| load.taken() >= before + 60);
        load.end();
        let clients = clients.into_iter();
        let taken = clients.flat_map(|client| client.join().unwrap());
        (restarted, taken.collect::<Vec<_>>())
    });
    taken.sort();
    assert_eq!(original_senders(&postfix.delivered(), today), taken);
}

/// Clients that hand in messages, each with a sender of its own, until they are told to end.
#[derive(Default)]
struct Load {
    taken: AtomicUsize,
    refused: AtomicUsize,
    is_over: AtomicBool,
}

impl Load {
    /// Gives the senders of those that Postfix has taken.
    fn run(&self, postfix: &Instance, client: usize) -> Vec<String> {
        let mut taken = Vec::new();
        for number in 0.. {
            if self.is_over.load(Ordering::Relaxed) {
                break;
            }
            let sender = format!("alice+{client}.{number}@example.com");
            match postfix.send(&sender, LIST) {
                Ok(()) => {
                    taken.push(sender);
                    self.taken.fetch_add(1, Ordering::Relaxed);
                }
                // Only so that the client tries again.
                Err(reply) => {
                    assert!(reply.contains(" 4"), "{reply}");
                    self.refused.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
        taken
    }

    fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    fn refused(&self) -> usize {
        self.refused.load(Ordering::Relaxed)
    }

    fn end(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }

    fn wait_until(&self, is_so: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is_so(self) {
            if Instant::now() > deadline {
                self.end();
                panic!("{} taken, {} refused", self.taken(), self.refused());
            }
            thread::sleep(Duration::from_millis(5));
        }
    }
}
