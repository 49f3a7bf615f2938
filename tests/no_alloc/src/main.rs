//! Forwards and reverses where nothing could allocate; the exit status is 0 if all was right.
#![no_std]
#![no_main]

use core::fmt::{self, Write};
use core::panic::PanicInfo;

use mail_srs::{Day, Secret, Srs};

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

fn there_and_back() -> Option<()> {
    let srs = Srs::new(Secret::new("tops3cr3t").ok()?);
    let today = Day::from_unix_seconds(1_139_668_800);

    let mut sender = Line::new();
    let forwarded = srs
        .forward("alice@example.com", "forward.example", today)
        .ok()?;
    write!(sender, "{forwarded}").ok()?;
    if sender.as_str() != "SRS0=3lNH=4G=example.com=alice@forward.example" {
        return None;
    }

    let mut original = Line::new();
    let reversed = srs.reverse(sender.as_str(), today).ok()?;
    write!(original, "{reversed}").ok()?;
    (original.as_str() == "alice@example.com").then_some(())
}

#[unsafe(no_mangle)]
extern "C" fn main() -> i32 {
    i32::from(there_and_back().is_none())
}
