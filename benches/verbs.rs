//! What forwarding and reversing cost, as a ratio to the floor measured in the same run.
//!
//! The floor is physics: with the key absorbed once, an HMAC-SHA1 of a short message is two
//! compressions of SHA-1, the second fed with what the first gave. The table at the end has the
//! medians and their ratio to it.

use std::fmt::{self, Display, Write as _};
use std::hint::black_box;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use criterion::{Bencher, Criterion};
use mail_srs::{
    AddressError, Day, Domains, Envelope, Forwarder, HashFormat, Outgoing, ReverseError, Secret,
    Secrets, Srs, SyntaxError,
};

const FLOOR: &str = "floor/two compressions";
const SENDER: &str = "alice@example.com";
const ALIAS: &str = "forward.example";
const SRS0_SENDER: &str = "SRS0=3lNH=4G=example.com=alice@first.example";
const SRS1_SENDER: &str = "SRS1=64LP=first.example==3lNH=4G=example.com=alice@second.example";
const TODAY: Day = Day::new(13_190);

fn secret() -> Secret {
    Secret::new("tops3cr3t").expect("not empty")
}

fn srs() -> Srs {
    Srs::new(secret())
}

/// Criterion, and what was measured with it in this run.
struct Run {
    criterion: Criterion,
    start: SystemTime,
    names: Vec<String>,
}

impl Run {
    fn measure(&mut self, name: &str, routine: impl FnMut(&mut Bencher<'_>)) {
        self.criterion.bench_function(name, routine);
        self.names.push(name.to_owned());
    }

    /// Measures `verb`, whose answer is written into a buffer that is used again.
    fn written<T: Display, E: fmt::Debug>(&mut self, name: &str, verb: impl Fn() -> Result<T, E>) {
        let mut buffer = String::with_capacity(1024);
        self.measure(name, |bencher| {
            bencher.iter(|| {
                buffer.clear();
                write!(buffer, "{}", verb().expect("genuine")).expect("a string takes all");
                black_box(buffer.len())
            });
        });
    }

    fn forward(&mut self, name: &str, srs: &Srs, sender: &str) {
        self.written(name, || {
            srs.forward(black_box(sender), black_box(ALIAS), black_box(TODAY))
        });
    }

    fn reverse(&mut self, name: &str, srs: &Srs, address: &str) {
        self.written(name, || srs.reverse(black_box(address), black_box(TODAY)));
    }

    fn refuse(&mut self, name: &str, address: &str, today: Day, error: ReverseError) {
        let srs = srs();
        assert_eq!(srs.reverse(address, today).err(), Some(error));
        self.measure(name, |bencher| {
            bencher.iter(|| srs.reverse(black_box(address), black_box(today)).is_err());
        });
    }

    /// The median of what was measured in this run, in nanoseconds.
    fn median(&self, name: &str) -> Option<f64> {
        let home = match std::env::var_os("CRITERION_HOME") {
            Some(home) => PathBuf::from(home),
            // This program stands in target/release/deps.
            None => std::env::current_exe()
                .ok()?
                .ancestors()
                .nth(3)?
                .join("criterion"),
        };
        // Criterion makes the folder's name of the benchmark's so.
        let file = home.join(name.replace('/', "_")).join("new/estimates.json");
        // An older one was not measured now, but left out by a filter.
        if file.metadata().ok()?.modified().ok()? < self.start {
            return None;
        }
        let estimates: serde_json::Value =
            serde_json::from_slice(&std::fs::read(file).ok()?).ok()?;
        estimates["median"]["point_estimate"].as_f64()
    }

    fn table(&self) {
        let Some(floor) = self.median(FLOOR) else {
            return;
        };
        println!("\n{:<36} {:>10} {:>10}", "", "median ns", "to floor");
        for name in &self.names {
            if let Some(median) = self.median(name) {
                println!("{name:<36} {median:>10.1} {:>10.2}", median / floor);
            }
        }
    }
}

fn made(srs: &Srs, sender: &str) -> String {
    srs.forward(sender, ALIAS, TODAY)
        .expect("valid")
        .to_string()
}

fn floor(run: &mut Run) {
    run.measure(FLOOR, |bencher| {
        let keyed = black_box([1, 2, 3, 4, 5]);
        let block = black_box([7; 64]);
        bencher.iter(|| {
            let mut inner = black_box(keyed);
            sha1::block_api::compress(&mut inner, &[black_box(block)]);
            let mut chained = block;
            for (octets, word) in chained.chunks_exact_mut(4).zip(inner) {
                octets.copy_from_slice(&word.to_be_bytes());
            }
            let mut outer = black_box(keyed);
            sha1::block_api::compress(&mut outer, &[chained]);
            outer
        });
    });
}

fn verbs(run: &mut Run) {
    let srs = srs();
    run.forward("forward/to SRS0", &srs, SENDER);
    run.forward("forward/SRS0 to SRS1", &srs, SRS0_SENDER);
    run.forward("forward/SRS1 to SRS1", &srs, SRS1_SENDER);
    run.forward("forward/null sender", &srs, "");
    run.reverse("reverse/SRS0", &srs, &made(&srs, SENDER));
    run.reverse("reverse/SRS1", &srs, &made(&srs, SRS0_SENDER));

    let genuine = made(&srs, SENDER);
    let forged = genuine.replace("alice", "malic");
    run.refuse("reverse/forged", &forged, TODAY, ReverseError::HashMismatch);
    let (age, max_age) = (22, 21);
    let later = Day::new(TODAY.number() + 22);
    let expired = ReverseError::Expired { age, max_age };
    run.refuse("reverse/expired", &genuine, later, expired);
    for (what, genuine_part, defective, error) in [
        (
            "timestamp",
            "=4G=",
            "=4=",
            ReverseError::Malformed(SyntaxError::Timestamp),
        ),
        (
            "fields",
            "=example.com=",
            ".example.com.",
            ReverseError::Malformed(SyntaxError::Srs0Fields),
        ),
        (
            "user",
            "=alice@",
            "=@",
            ReverseError::Malformed(SyntaxError::User),
        ),
        (
            "character",
            "=alice@",
            "=al ice@",
            ReverseError::Address(AddressError::Space { offset: 27 }),
        ),
        (
            "domain",
            "@forward.",
            "@forward ",
            ReverseError::Address(AddressError::Space { offset: 38 }),
        ),
    ] {
        let malformed = genuine.replace(genuine_part, defective);
        let name = format!("reverse/malformed {what}");
        run.refuse(&name, &malformed, TODAY, error);
    }
    for (what, recipient) in [
        ("", "alice@forward.example"),
        (", s", "sales@forward.example"),
        (", quoted", "\"john doe\"@forward.example"),
    ] {
        let name = format!("reverse/ordinary recipient{what}");
        run.refuse(&name, recipient, TODAY, ReverseError::NotSrs);
    }
}

fn secrets(run: &mut Run) {
    let address = made(&srs(), SENDER);
    for count in [1, 2, 4, 8] {
        let others = (1..count).map(|number| Secret::new([number]).expect("not empty"));
        let mut ring = others.chain([secret()]);
        let signing = Secrets::new(ring.next().expect("one at least"));
        let srs = Srs::builder(ring.fold(signing, Secrets::accept))
            .build()
            .unwrap();
        run.reverse(
            &format!("secrets/match in the last of {count}"),
            &srs,
            &address,
        );
    }
}

fn lengths(run: &mut Run) {
    let srs = srs();
    for length in [16, 32, 64, 128, 254] {
        let sender = format!("{}@example.com", "a".repeat(length - 12));
        run.forward(&format!("octets/forward {length}"), &srs, &sender);
        run.reverse(
            &format!("octets/reverse {length}"),
            &srs,
            &made(&srs, &sender),
        );
    }
}

/// Mailboxes whose characters need a second look.
fn characters(run: &mut Run) {
    let srs = srs();
    for (what, sender) in [
        ("quoted", "\"john doe\"@example.com"),
        ("UTF-8", "zoë@exämple.com"),
        ("literal", "alice@[192.0.2.1]"),
    ] {
        run.forward(&format!("characters/forward {what}"), &srs, sender);
        run.reverse(
            &format!("characters/reverse {what}"),
            &srs,
            &made(&srs, sender),
        );
    }
}

fn formats(run: &mut Run) {
    for format in [
        HashFormat::Base64Url,
        HashFormat::Base64,
        HashFormat::Base32,
    ] {
        let srs = Srs::new(secret().with_format(format));
        run.forward(&format!("format/forward {format}"), &srs, SENDER);
        run.reverse(
            &format!("format/reverse {format}"),
            &srs,
            &made(&srs, SENDER),
        );
    }
}

/// The policy on top, with as many local domains as a large host has.
fn policy(run: &mut Run) {
    for count in [1, 300_000] {
        let local = (0..count).flat_map(|n| [format!("p{n}.example"), format!(".p{n}.example")]);
        let forwarder = Forwarder::builder(srs())
            .srs_domain(ALIAS)
            .local_domains(Domains::new(local).expect("domains"))
            .build()
            .expect("complete");
        let envelope = || Envelope::new(black_box(SENDER), black_box("bob@home.example"));
        run.written(
            &format!("policy/rewrite, {count} local"),
            || match forwarder.outgoing(envelope(), black_box(TODAY)) {
                Ok(Outgoing::Rewrite(address)) => Ok(address),
                other => Err(format!("{other:?}")),
            },
        );
        let recipients = [
            ("ordinary recipient", "alice@forward.example".to_owned()),
            ("ours", made(&srs(), SENDER)),
            ("foreign", SRS0_SENDER.to_owned()),
        ];
        for (what, recipient) in &recipients {
            run.measure(&format!("policy/{what}, {count} local"), |bencher| {
                bencher.iter(|| {
                    let verdict = forwarder.incoming(black_box(recipient), Some(""), TODAY);
                    black_box(verdict.code())
                });
            });
        }
    }
}

fn strings(run: &mut Run) {
    let srs = srs();
    let address = made(&srs, SENDER);
    run.measure("new String/forward to SRS0", |bencher| {
        bencher.iter(|| {
            let forwarded = srs.forward(black_box(SENDER), black_box(ALIAS), black_box(TODAY));
            forwarded.expect("valid").to_string()
        });
    });
    run.measure("new String/reverse SRS0", |bencher| {
        bencher.iter(|| {
            let reversed = srs.reverse(black_box(&address), black_box(TODAY));
            reversed.expect("genuine").to_string()
        });
    });
}

/// The time for one address on each core, all cores at once, all with the same rewriter.
fn all_cores(run: &mut Run) {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let srs = srs();
    let name = format!("all cores/forward to SRS0 on {cores}");
    run.measure(&name, |bencher| {
        bencher.iter_custom(|iterations| {
            std::thread::scope(|scope| {
                let threads: Vec<_> = (0..cores)
                    .map(|_| {
                        scope.spawn(|| {
                            let mut buffer = String::with_capacity(1024);
                            let start = Instant::now();
                            for _ in 0..iterations {
                                buffer.clear();
                                let forwarded = srs.forward(black_box(SENDER), ALIAS, TODAY);
                                write!(buffer, "{}", forwarded.expect("valid")).expect("a string");
                                black_box(buffer.len());
                            }
                            start.elapsed()
                        })
                    })
                    .collect();
                let times = threads
                    .into_iter()
                    .map(|thread| thread.join().expect("no panic"));
                times.max().unwrap_or_default()
            })
        });
    });
}

fn main() {
    let mut run = Run {
        criterion: Criterion::default()
            .warm_up_time(Duration::from_millis(300))
            .measurement_time(Duration::from_millis(1200))
            .configure_from_args(),
        start: SystemTime::now(),
        names: Vec::new(),
    };
    for group in [
        floor, verbs, policy, secrets, lengths, characters, formats, strings, all_cores,
    ] {
        group(&mut run);
    }
    run.criterion.final_summary();
    run.table();
}
