//! Forwards and reverses where nothing could allocate; the exit status is 0 if all was right.
#![no_std]
#![no_main]

use core::fmt::{self, Write};
use core::panic::PanicInfo;

use mail_srs::{Day, HashFormat, ReverseError, Secret, Srs};

// Only for its start code, which calls `main`.
#[link(name = "c")]
unsafe extern "C" {}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {}
}

// The compiled `core` refers to it, though nothing unwinds where a panic aborts.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

/// A text of bounded length on the stack.
struct Line {
    octets: [u8; 128],
    length: usize,
}

impl Line {
    const fn new() -> Self {
        Self {
            octets: [0; 128],
            length: 0,
        }
    }

    fn as_str(&self) -> &str {
        core::str::from_utf8(&self.octets[..self.length]).unwrap_or_default()
    }
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.length + text.len();
        let place = self.octets.get_mut(self.length..end).ok_or(fmt::Error)?;
        place.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}

const TODAY: Day = Day::from_unix_seconds(1_139_668_800);

/// Forwards, reverses, and tells whether both gave what was expected.
fn there_and_back(srs: &Srs, sender: &str, forwarded: &str, reversed: &str) -> Option<()> {
    let mut line = Line::new();
    write!(
        line,
        "{}",
        srs.forward(sender, "forward.example", TODAY).ok()?
    )
    .ok()?;
    let mut back = Line::new();
    write!(back, "{}", srs.reverse(line.as_str(), TODAY).ok()?).ok()?;
    (line.as_str() == forwarded && back.as_str() == reversed).then_some(())
}

fn all() -> Option<()> {
    let srs = Srs::new(Secret::new("tops3cr3t").ok()?);
    for (sender, forwarded) in [
        (
            "alice@example.com",
            "SRS0=3lNH=4G=example.com=alice@forward.example",
        ),
        (
            r#""john \"doe\""@[192.0.2.1]"#,
            r#""SRS0=0tiT=4G=[192.0.2.1]=john \"doe\""@forward.example"#,
        ),
        (
            "SRS0=abcd=4G=example.com=alice@first.example",
            "SRS1=5XoE=first.example==abcd=4G=example.com=alice@forward.example",
        ),
    ] {
        there_and_back(&srs, sender, forwarded, sender)?;
    }
    let base32 = Secret::new("tops3cr3t")
        .ok()?
        .with_format(HashFormat::Base32);
    let base32 = Srs::builder(base32).hash_length(32).build().ok()?;
    there_and_back(
        &base32,
        "alice@example.com",
        "SRS0=TU3LFYPHPMU7BTY7DBI7HZA25P2RQED2=4G=example.com=alice@forward.example",
        "alice@example.com",
    )?;
    let forged = srs.reverse("SRS0=aaaa=4G=example.com=alice@forward.example", TODAY);
    (forged == Err(ReverseError::HashMismatch)).then_some(())
}

#[unsafe(no_mangle)]
extern "C" fn main() -> i32 {
    i32::from(all().is_none())
}
