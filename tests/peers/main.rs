//! `Mail::SRS`, pysrs and `PostSRSd`, as Debian packages them, at work beside this crate on fresh
//! addresses.
//!
//! The senders are those of the property tests, drawn anew in each run. `MAIL_SRS_SEED` repeats a
//! run; each prints its seed. A peer that is not installed is left out, which one line tells;
//! `MAIL_SRS_PEERS=required` makes that an error, as in CI.

mod child;
mod daemon;
mod differences;
mod hops;
mod laws;
#[path = "../properties/mailboxes.rs"]
#[expect(dead_code, reason = "hostile input is for the property tests")]
mod mailboxes;
mod peer;
#[path = "../properties/syntax.rs"]
mod syntax;
mod tally;

use std::{
    collections::BTreeSet,
    env,
    hash::{BuildHasher as _, RandomState},
    io::Write as _,
    sync::OnceLock,
};

use mail_srs::Day;
use proptest::{
    prelude::*,
    strategy::ValueTree as _,
    test_runner::{RngAlgorithm, TestCaseResult, TestRng, TestRunner},
};

use child::Script;
use daemon::PostSrsd;
use differences::{Difference, Kind};
use hops::{Hop, hop, now, plain_sender, sender};
use tally::Tally;

/// How many senders each peer is asked about.
const SENDERS: usize = 2_400;

/// How many chains of forwarders each peer is part of.
const CHAINS: usize = 400;

/// The generators come with tests of their own.
fn config() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

fn seed() -> u64 {
    env::var("MAIL_SRS_SEED").map_or_else(
        |_| RandomState::new().hash_one("seed"),
        |seed| seed.parse().expect("MAIL_SRS_SEED is a number"),
    )
}

/// Draws what is tried from a seed.
struct Draw(TestRunner);

impl Draw {
    fn new(seed: u64) -> Draw {
        let mut octets = [0; 32];
        octets[..8].copy_from_slice(&seed.to_le_bytes());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &octets);
        Draw(TestRunner::new_with_rng(config(), rng))
    }

    fn next<S: Strategy>(&mut self, strategy: &S) -> S::Value {
        strategy.new_tree(&mut self.0).unwrap().current()
    }
}

/// Says it on standard error, where libtest does not capture it.
fn say(line: &str) {
    // A line at once, for the tests run side by side.
    drop(std::io::stderr().write_all(format!("{line}\n").as_bytes()));
}

/// Whether the peer is there. If not, one line for all the tests tells what they leave out.
fn is_installed(kind: Kind) -> bool {
    static MISSING: OnceLock<Vec<Kind>> = OnceLock::new();
    let missing = MISSING.get_or_init(|| {
        let peers = [
            (Kind::MailSrs, child::mail_srs_is_installed()),
            (Kind::Pysrs, child::pysrs_is_installed()),
            (Kind::PostSrsd, daemon::is_installed()),
        ];
        let missing = peers.into_iter().filter(|(_, is_installed)| !is_installed);
        let missing: Vec<_> = missing.map(|(kind, _)| kind).collect();
        if !missing.is_empty() {
            let names: Vec<_> = missing.iter().map(Kind::to_string).collect();
            let packages: Vec<_> = missing.iter().map(|kind| kind.package()).collect();
            say(&format!(
                "left out, for it is not installed: the comparison with {}; to run it: \
                 apt-get install {} && cargo test --test peers",
                names.join(", "),
                packages.join(" "),
            ));
        }
        missing
    });
    let is_required = env::var("MAIL_SRS_PEERS").is_ok_and(|value| value == "required");
    let is_missing = missing.contains(&kind);
    assert!(
        !(is_missing && is_required),
        "{kind} is required and not installed"
    );
    !is_missing
}

/// Today's time, and the law again if the day has changed under it.
fn at_the_real_time(mut law: impl FnMut(u64) -> TestCaseResult) -> TestCaseResult {
    loop {
        let day = Day::today();
        let result = law(day.number() * 86_400);
        if Day::today() == day {
            return result;
        }
    }
}

fn passes(result: TestCaseResult, seed: u64, what: &dyn core::fmt::Debug) {
    if let Err(error) = result {
        panic!("MAIL_SRS_SEED={seed}: {error}\n{what:?}");
    }
}

fn finish(kind: Kind, seed: u64, tally: &Tally) {
    assert!(tally.compared() >= 2_000);
    assert!(tally.is_mostly_equal(), "{tally}");
    say(&format!("{kind}, MAIL_SRS_SEED={seed}: {tally}"));
}

/// One of a hundred senders is in the forwarder's own domain.
fn into_own_domain(draw: &mut Draw, sender: &str) -> Option<String> {
    let (_, host) = syntax::split(sender)?;
    (draw.next(&(0..100)) == 0 && syntax::is_domain(host)).then(|| host.to_ascii_uppercase())
}

fn agrees(kind: Kind) {
    if !is_installed(kind) {
        return;
    }
    let mut peer = Script::start(kind);
    let seed = seed();
    let mut draw = Draw::new(seed);
    let mut tally = Tally::default();
    for _ in 0..SENDERS {
        let (sender, mut hop, now) = draw.next(&(sender(), hop(), now()));
        if let Some(alias) = into_own_domain(&mut draw, &sender) {
            hop.alias = alias;
        }
        let result = laws::agree(&mut peer, &hop, now, &sender, &mut tally);
        passes(result, seed, &(&sender, &hop, now));
    }
    let (hop, now) = draw.next(&(hop(), now()));
    passes(laws::fixed(&mut peer, &hop, now, &mut tally), seed, &hop);
    finish(kind, seed, &tally);
}

/// No hop is in the domain of another, of the sender, or of where the bounce goes.
fn has_different_domains(hops: &[Hop], sender: &str) -> bool {
    let domains = hops.iter().map(|hop| hop.domain().to_ascii_lowercase());
    let domains: BTreeSet<_> = domains.collect();
    let (_, origin) = syntax::meaning(sender).unwrap();
    let (_, destination) = differences::bounce(sender);
    domains.len() == hops.len()
        && !domains.contains(&origin.to_ascii_lowercase())
        && !domains.contains(&destination.to_ascii_lowercase())
}

fn chains(kind: Kind) {
    if !is_installed(kind) {
        return;
    }
    let mut peer = Script::start(kind);
    let seed = seed();
    let mut draw = Draw::new(seed);
    let hops = proptest::collection::vec(hop(), 2..=5);
    let chain = (plain_sender(), hops, now()).prop_filter("a plain chain", |(sender, hops, _)| {
        has_different_domains(hops, sender) && Difference::of(kind, &hops[0], sender).is_none()
    });
    for index in 0..CHAINS {
        let (sender, hops, now) = draw.next(&chain);
        let result = laws::chain(&mut peer, &hops, index % 2 == 0, now, &sender);
        passes(result, seed, &(&sender, &hops, now));
    }
    say(&format!(
        "{kind}, MAIL_SRS_SEED={seed}: {CHAINS} chains of 2 to 5 hops there and back"
    ));
}

#[test]
fn mail_srs_agrees() {
    agrees(Kind::MailSrs);
}

#[test]
fn mail_srs_chains() {
    chains(Kind::MailSrs);
}

#[test]
fn pysrs_agrees() {
    agrees(Kind::Pysrs);
}

#[test]
fn pysrs_chains() {
    chains(Kind::Pysrs);
}

#[test]
fn postsrsd_agrees() {
    let kind = Kind::PostSrsd;
    if !is_installed(kind) {
        return;
    }
    let mut peer = PostSrsd::start("agrees");
    let seed = seed();
    let mut draw = Draw::new(seed);
    let hops = peer.hops();
    let mut tally = Tally::default();
    for hop in hops.iter().cycle().take(SENDERS) {
        let mut sender = draw.next(&sender());
        if into_own_domain(&mut draw, &sender).is_some() {
            let (local_part, _) = syntax::split(&sender).unwrap();
            sender = format!("{local_part}@{}", hop.alias.to_ascii_uppercase());
        }
        let mut counted = Tally::default();
        let result = at_the_real_time(|now| {
            counted = Tally::default();
            laws::agree(&mut peer, hop, now, &sender, &mut counted)
        });
        tally.add(&counted);
        passes(result, seed, &(&sender, hop));
    }
    passes(
        at_the_real_time(|now| laws::fixed(&mut peer, &hops[0], now, &mut tally)),
        seed,
        &hops,
    );
    finish(kind, seed, &tally);
}

#[test]
fn postsrsd_chains() {
    let kind = Kind::PostSrsd;
    if !is_installed(kind) {
        return;
    }
    let mut peer = PostSrsd::start("chains");
    let seed = seed();
    let mut draw = Draw::new(seed);
    let daemons = peer.hops();
    let hops = proptest::collection::vec(hop(), 2..=5);
    for index in 0..CHAINS {
        let ours_first = index % 2 == 0;
        // Every other hop is a daemon, with the settings that it has.
        let hops = (plain_sender(), &hops).prop_map(|(sender, mut hops)| {
            let theirs = hops.iter_mut().skip(usize::from(ours_first)).step_by(2);
            for (hop, daemon) in theirs.zip(&daemons) {
                *hop = daemon.clone();
            }
            (sender, hops)
        });
        let chain = hops.prop_filter("a plain chain", |(sender, hops)| {
            has_different_domains(hops, sender) && Difference::of(kind, &hops[0], sender).is_none()
        });
        let (sender, hops) = draw.next(&chain);
        let result =
            at_the_real_time(|now| laws::chain(&mut peer, &hops, ours_first, now, &sender));
        passes(result, seed, &(&sender, &hops));
    }
    say(&format!(
        "{kind}, MAIL_SRS_SEED={seed}: {CHAINS} chains of 2 to 5 hops there and back"
    ));
}
