//! Guesses the hashes of many millions of addresses, and counts how many are accepted.
//!
//! ```text
//! cargo run --release --example guess_hashes [-- [--guesses N] [--seed N]]
//! ```
//!
//! A hash of four characters is the shortest, and the default. As hashes are read without regard to
//! case, a letter of base64 is right for two of its 64 values, and any other character for one. So
//! the best guess is four letters, right once in 32^4 = 2^20. Of base32, any character is right for
//! one of 32 values. It exits with 1 if a count is one that chance would give less than once in a
//! million runs, were that not so.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};

use clap::Parser;
use mail_srs::{Day, HashFormat, Secret, Srs};
use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};

const TODAY: Day = Day::new(20_780);
const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// After so many guesses the secret changes, lest all is about one.
const GUESSES_OF_A_SECRET: u64 = 1 << 16;

#[derive(Parser)]
#[command(about = "Guesses the hashes of addresses, and counts how many are accepted")]
struct Arguments {
    /// Guesses for each format and way of guessing
    #[arg(long, default_value_t = 1 << 25)]
    guesses: u64,
    /// What the random numbers begin with
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Somebody who guesses.
struct Attacker {
    format: HashFormat,
    draws_from: &'static str,
    characters: String,
    /// How likely one character is right.
    odds: f64,
}

fn attackers() -> Vec<Attacker> {
    let base64 = |others| format!("{LETTERS}0123456789{others}");
    let attacker = |format, draws_from, characters, odds| Attacker {
        format,
        draws_from,
        characters,
        odds,
    };
    let letters = || LETTERS.to_owned();
    // 52 letters that are right for two values, and 12 others.
    let any_of_64 = (52.0 * 2.0 + 12.0) / 64.0 / 64.0;
    vec![
        attacker(HashFormat::Base64Url, "letters", letters(), 1.0 / 32.0),
        attacker(HashFormat::Base64Url, "any of 64", base64("-_"), any_of_64),
        attacker(HashFormat::Base64, "letters", letters(), 1.0 / 32.0),
        attacker(HashFormat::Base64, "any of 64", base64("+/"), any_of_64),
        attacker(HashFormat::Base32, "letters", letters(), 1.0 / 32.0),
        attacker(
            HashFormat::Base32,
            "any of 32",
            "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".to_owned(),
            1.0 / 32.0,
        ),
    ]
}

/// How many of these guesses are accepted, each for another address.
fn accepted(attacker: &Attacker, batch: u64, guesses: u64, seed: u64) -> Result<u64, String> {
    let mut random = SmallRng::seed_from_u64(seed);
    let secret = Secret::new(random.random::<[u8; 20]>()).map_err(|error| error.to_string())?;
    let srs = Srs::new(secret.with_format(attacker.format));
    let characters = attacker.characters.as_bytes();
    let mut address = String::new();
    let mut accepted = 0;
    for number in 0..guesses {
        address.clear();
        address.push_str("SRS0=");
        for _ in 0..4 {
            let character = characters.get(random.random_range(..characters.len()));
            address.push(char::from(*character.unwrap_or(&b'A')));
        }
        write!(
            address,
            "=JM=victim.example=user{batch}.{number}@forward.example"
        )
        .map_err(|error| error.to_string())?;
        accepted += u64::from(srs.reverse(&address, TODAY).is_ok());
    }
    Ok(accepted)
}

/// How many of all guesses are accepted, on all cores. Their number does not change the count.
fn count(attacker: &Attacker, guesses: u64, seed: u64) -> Result<u64, String> {
    let batches = guesses.div_ceil(GUESSES_OF_A_SECRET);
    let next = AtomicU64::new(0);
    let work = || {
        let mut sum = 0;
        loop {
            let batch = next.fetch_add(1, Ordering::Relaxed);
            if batch >= batches {
                return Ok(sum);
            }
            let left = guesses - batch * GUESSES_OF_A_SECRET;
            let guesses = left.min(GUESSES_OF_A_SECRET);
            sum += accepted(attacker, batch, guesses, seed.wrapping_add(batch))?;
        }
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().map_err(|_| "a thread panicked".to_owned())?)
            .sum()
    })
}

/// The counts between which chance stays, but for once in a million on either side, where so many
/// are expected (Poisson's distribution).
fn bounds(expected: f64) -> (u64, u64) {
    let (mut low, mut sum, mut logarithm) = (None, 0.0, -expected);
    let mut count = 0;
    let mut times = 0.0;
    loop {
        sum += logarithm.exp();
        if sum > 1e-6 {
            low = low.or(Some(count));
        }
        if sum > 1.0 - 1e-6 {
            return (low.unwrap_or(count), count);
        }
        count += 1;
        times += 1.0;
        logarithm += (expected / times).ln();
    }
}

fn main() -> Result<ExitCode, String> {
    let arguments = Arguments::parse();
    let guesses = arguments.guesses;
    println!(
        "hashes of 4 characters, {guesses} guesses a line, seed {}\n",
        arguments.seed
    );
    println!("format     draws from accepted  expected  by chance   expected: 1 in");
    let mut seeds = SmallRng::seed_from_u64(arguments.seed);
    let mut as_expected = true;
    for attacker in attackers() {
        let accepted = count(&attacker, guesses, seeds.random())?;
        let odds = attacker.odds.powi(4);
        #[expect(clippy::cast_precision_loss, reason = "nobody waits for 2^53 guesses")]
        let expected = guesses as f64 * odds;
        let (low, high) = bounds(expected);
        let verdict = if (low..=high).contains(&accepted) {
            ""
        } else {
            as_expected = false;
            "  NOT AS EXPECTED"
        };
        println!(
            "{:<10} {:<9} {accepted:>9} {expected:>9.1} {low:>4} to {high:<4} {:>10.0}{verdict}",
            attacker.format.to_string(),
            attacker.draws_from,
            1.0 / odds,
        );
    }
    Ok(if as_expected {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
