//! Changing secrets while mail is in flight, as the guide tells: three nodes, whose clocks differ,
//! take each step on another day, and every address is bounced to every node on every later day.

use mail_srs::{Day, HashFormat, Mailbox, ReverseError, Secret, Secrets, Srs, SrsAddress};
use serde::Deserialize;

const MAX_AGE: u16 = 21;

/// A secret by its text, which can be compared, with its format.
type Key = (&'static str, HashFormat);

const OLD: Key = ("tops3cr3t", HashFormat::Base64Url);
const NEW: Key = ("br4nd n3w", HashFormat::Base32);
const NEWER: Key = ("br4nd n3wer", HashFormat::Base32);

/// From a day on, this is the ring of the first node. Each other node follows a day after the one
/// before it.
type Step = (u64, Vec<Key>);

struct Node {
    /// The days by which its clock is fast.
    clock: i64,
    steps: Vec<(u64, Vec<Key>, Srs)>,
}

impl Node {
    fn on(&self, day: u64) -> Option<(&[Key], &Srs, Day)> {
        let (_, ring, srs) = self.steps.iter().rev().find(|(from, ..)| *from <= day)?;
        let today = Day::new(day.checked_add_signed(self.clock).unwrap());
        Some((ring, srs, today))
    }
}

fn nodes(clocks: [i64; 3], max_skew: u16, steps: &[Step]) -> Vec<Node> {
    let srs = |ring: &[Key]| {
        let mut secrets = ring
            .iter()
            .map(|(text, format)| Secret::new(text).unwrap().with_format(*format));
        let signing = Secrets::new(secrets.next().unwrap());
        Srs::builder(secrets.fold(signing, Secrets::accept))
            .max_age(MAX_AGE)
            .max_skew(max_skew)
            .build()
            .unwrap()
    };
    let node = |(clock, follows)| Node {
        clock,
        steps: steps
            .iter()
            .map(|(day, ring)| (day + follows, ring.clone(), srs(ring)))
            .collect(),
    };
    clocks.into_iter().zip(0..).map(node).collect()
}

/// A forwarded message, to whose sender a bounce may come.
struct Forwarded {
    address: String,
    bounces_to: String,
    key: Key,
    on: u64,
    /// The day that an SRS0 address bears, by the clock of the node that made it.
    dated: Option<Day>,
}

impl Forwarded {
    fn is_verified_by(&self, (text, format): Key) -> bool {
        let in_format = match (self.key.1, format) {
            (HashFormat::Base64, HashFormat::Base64Url) => true,
            (HashFormat::Base64Url, HashFormat::Base64) => {
                let hash = self.address.split('=').nth(1).unwrap();
                !hash.contains(['-', '_'])
            }
            (made, read) => made == read,
        };
        self.key.0 == text && in_format
    }
}

/// What each node forwards on each day: an ordinary sender, and that of another forwarder.
fn forwarded(nodes: &[Node], days: std::ops::Range<u64>) -> Vec<Forwarded> {
    let mut all = Vec::new();
    for on in days {
        for (node, number) in nodes.iter().zip(1..) {
            let Some((ring, srs, today)) = node.on(on) else {
                continue;
            };
            let user = format!("day{on}.node{number}");
            for (sender, dated) in [
                (format!("{user}@example.com"), Some(today)),
                (
                    format!("SRS0=abcd=KH=example.com={user}@first.example"),
                    None,
                ),
            ] {
                let address = srs.forward(&sender, "forward.example", today).unwrap();
                all.push(Forwarded {
                    address: address.to_string(),
                    bounces_to: sender,
                    key: ring[0],
                    on,
                    dated,
                });
            }
        }
    }
    all
}

/// What became of the bounces.
#[derive(Debug, Default)]
struct Outcome {
    reversed: u32,
    /// Its secret was retired.
    retired: u32,
    expired: u32,
    /// Refused though an address of its age is accepted.
    lost: u32,
}

/// Bounces to every node on every day until `end`. Whatever the steps, each answer must be the one
/// that the node's ring and clock call for; the steps decide whether anything is lost.
fn bounced(nodes: &[Node], forwarded: &[Forwarded], max_skew: u16, end: u64) -> Outcome {
    let mut outcome = Outcome::default();
    for message in forwarded {
        for (node, on) in nodes
            .iter()
            .flat_map(|node| (message.on..end).map(move |on| (node, on)))
        {
            let Some((ring, srs, today)) = node.on(on) else {
                continue;
            };
            let verdict = srs.reverse(&message.address, today).map(|reversed| {
                (
                    reversed.secret_index(),
                    reversed.age(),
                    reversed.to_string(),
                )
            });
            let index = ring.iter().position(|key| message.is_verified_by(*key));
            let age = message.dated.map(|dated| {
                let days = i128::from(today.number()) - i128::from(dated.number());
                i16::try_from(days).unwrap()
            });
            let is_due = age.is_none_or(|age| age <= MAX_AGE.cast_signed());
            let is_early = age.is_some_and(|age| age < -max_skew.cast_signed());
            let expected = match index {
                None => Err(ReverseError::HashMismatch),
                Some(_) if !is_due || is_early => Err(ReverseError::Expired {
                    age: age.unwrap().rem_euclid(1024).cast_unsigned(),
                    max_age: MAX_AGE,
                }),
                Some(index) => Ok((index, age, message.bounces_to.clone())),
            };
            assert_eq!(verdict, expected, "{} on {on}", message.address);
            match expected {
                Ok(_) => outcome.reversed += 1,
                // An SRS1 bears no date: it ends with its secret.
                Err(_) if is_due && message.dated.is_some() => outcome.lost += 1,
                Err(ReverseError::HashMismatch) => outcome.retired += 1,
                Err(_) => outcome.expired += 1,
            }
        }
    }
    outcome
}

/// Appends the steps from one secret to the next: accept it, sign with it, and drop the old one when
/// it has not signed for `wait` days. Tells when all is done.
fn rotate(steps: &mut Vec<Step>, start: u64, old: Key, new: Key, wait: u16) -> u64 {
    // On the third day the last of three nodes has taken a step.
    let sign = start + 3;
    let last_signed_by_old = sign + 1;
    let drop = last_signed_by_old + u64::from(wait) + 1;
    steps.extend([
        (start, vec![old, new]),
        (sign, vec![new, old]),
        (drop, vec![new]),
    ]);
    drop + 3
}

/// Two rotations, one after the other, and what comes of bounces to all that was forwarded.
fn roll(clocks: [i64; 3], max_skew: u16, wait: u16) -> Outcome {
    let start = 20_780;
    let mut steps = vec![(start, vec![OLD])];
    let second = rotate(&mut steps, start + 10, OLD, NEW, wait);
    let end = rotate(&mut steps, second, NEW, NEWER, wait);
    let nodes = nodes(clocks, max_skew, &steps);
    // The third node comes with the third day.
    let forwarded = forwarded(&nodes, start + 3..end);
    bounced(&nodes, &forwarded, max_skew, end + 30)
}

#[test]
fn rolling_secrets_lose_nothing_and_leave_nothing_behind() {
    for (clocks, max_skew) in [
        ([0, 0, 0], 0),
        ([0, 0, 1], 1),
        ([0, 1, 0], 1),
        ([1, 0, 0], 1),
        ([0, -1, -1], 1),
        ([-1, 0, -1], 1),
        ([-1, -1, 0], 1),
        ([-1, 0, 1], 2),
        ([1, 0, -1], 2),
        ([0, -1, 1], 2),
    ] {
        let outcome = roll(clocks, max_skew, MAX_AGE + max_skew);
        assert_eq!(outcome.lost, 0, "{clocks:?}: {outcome:?}");
        let all_happens = outcome.reversed.min(outcome.retired).min(outcome.expired);
        assert!(all_happens > 0, "{clocks:?}: {outcome:?}");
    }
}

// That the drill would tell: what the guide warns of loses bounces.

#[test]
fn a_wait_of_one_day_less_loses_bounces() {
    assert!(roll([0, 0, 0], 0, MAX_AGE - 1).lost > 0);
    // The last address of a node that is ahead, bounced to one that is behind.
    assert!(roll([0, 0, 1], 1, MAX_AGE).lost > 0);
    assert!(roll([-1, 0, 1], 2, MAX_AGE + 1).lost > 0);
}

#[test]
fn clocks_further_apart_than_the_skew_lose_bounces() {
    assert!(roll([-1, 0, 1], 1, MAX_AGE + 2).lost > 0);
    assert!(roll([0, 0, 1], 0, MAX_AGE + 1).lost > 0);
}

#[test]
fn signing_with_a_secret_that_some_do_not_accept_yet_loses_bounces() {
    let start = 20_780;
    let steps = [(start, vec![OLD]), (start + 10, vec![NEW, OLD])];
    let nodes = nodes([0, 0, 0], 1, &steps);
    let forwarded = forwarded(&nodes, start + 3..start + 20);
    assert!(bounced(&nodes, &forwarded, 1, start + 40).lost > 0);
}

// From PostSRSd to a new base32 secret

#[derive(Deserialize)]
struct Case {
    op: String,
    secrets: Vec<String>,
    now: u64,
    config: serde_json::Value,
    input: Option<String>,
    output: Option<String>,
    #[serde(default)]
    stateful: bool,
}

/// The addresses that `PostSRSd` made with our old secret, was asked to reverse, and did.
fn made_by_postsrsd(file: &str, format: HashFormat) -> Vec<Forwarded> {
    let answers = || {
        file.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .filter(|case: &Case| {
                case.secrets == [OLD.0] && case.config == serde_json::json!({}) && !case.stateful
            })
            .filter_map(|case| Some((case.op, case.now, case.input?, case.output?)))
    };
    let reversed: std::collections::HashMap<_, _> = answers()
        .filter(|(op, ..)| op == "reverse")
        .map(|(_, _, input, output)| (input, output))
        .collect();
    answers()
        .filter(|(op, ..)| op == "forward")
        // What else it takes is no address, and what else it makes can bring no bounce home, such
        // as `SRS1=HHHH=host=@host`: see `tests/postsrsd.rs`.
        .filter(|(_, _, sender, address)| {
            Mailbox::parse(sender).is_ok() && SrsAddress::parse(address).is_ok()
        })
        .filter_map(|(_, now, _, address)| {
            let on = Day::from_unix_seconds(now);
            Some(Forwarded {
                bounces_to: reversed.get(&address)?.clone(),
                key: (OLD.0, format),
                on: on.number(),
                dated: address.starts_with("SRS0").then_some(on),
                address,
            })
        })
        .collect()
}

/// Moves from `PostSRSd` to the ring `first` and from there, by further rings with the same secret,
/// to a new secret, at every age that its addresses may then have.
fn move_from_postsrsd(in_flight: &[Forwarded], rings: &[Vec<Key>]) {
    let max_skew = 1;
    let wait = MAX_AGE + max_skew;
    for message in in_flight {
        for age in 0..=u64::from(MAX_AGE) {
            let mut start = message.on + age;
            let mut steps = Vec::new();
            for ring in rings {
                steps.push((start, ring.clone()));
                start += 3;
            }
            let old = rings.last().unwrap()[0];
            let end = rotate(&mut steps, start, old, NEW, wait);
            let nodes = nodes([0, 0, 1], max_skew, &steps);
            let message = std::slice::from_ref(message);
            let outcome = bounced(&nodes, message, max_skew, end + 10);
            assert_eq!(outcome.lost, 0, "{}: {outcome:?}", message[0].address);
            assert!(outcome.reversed > 0 && outcome.retired > 0);
        }
    }
    // What is forwarded during the move.
    let start = 19_783;
    let mut steps: Vec<Step> = (start..).step_by(3).zip(rings.iter().cloned()).collect();
    let old = rings.last().unwrap()[0];
    let end = rotate(&mut steps, start + 12, old, NEW, wait);
    for clocks in [[0, 0, 1], [0, 1, 0], [1, 0, 0]] {
        let nodes = nodes(clocks, max_skew, &steps);
        let forwarded = forwarded(&nodes, start + 3..end);
        let outcome = bounced(&nodes, &forwarded, max_skew, end + 30);
        assert_eq!(outcome.lost, 0, "{outcome:?}");
    }
}

#[test]
fn postsrsd_1_in_flight_survives_the_move_to_a_new_secret() {
    let in_flight = made_by_postsrsd(include_str!("data/postsrsd1.jsonl"), HashFormat::Base64);
    assert_eq!(in_flight.len(), 108);
    let base64 = (OLD.0, HashFormat::Base64);
    move_from_postsrsd(&in_flight, &[vec![base64], vec![base64, OLD], vec![OLD]]);
}

#[test]
fn postsrsd_2_in_flight_survives_the_move_to_a_new_secret() {
    let in_flight = made_by_postsrsd(include_str!("data/postsrsd2.jsonl"), HashFormat::Base64Url);
    assert_eq!(in_flight.len(), 100);
    move_from_postsrsd(&in_flight, &[vec![OLD]]);
}

/// A node that has `base64` refuses what one signs that has `base64url` already, if there is a `-`
/// or `_` in it.
#[test]
fn base64url_on_some_nodes_before_all_accept_it_loses_bounces() {
    let lost = (19_783..19_883).map(|start| {
        let base64 = (OLD.0, HashFormat::Base64);
        let steps = [(start, vec![base64]), (start + 3, vec![OLD])];
        let nodes = nodes([0, 0, 0], 1, &steps);
        let forwarded = forwarded(&nodes, start + 3..start + 5);
        bounced(&nodes, &forwarded, 1, start + 5).lost
    });
    assert!(lost.sum::<u32>() > 0);
}
