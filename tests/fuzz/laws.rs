//! What must hold whatever the input was.

use mail_srs::{AddressError, Mailbox};

/// The lines of an input: a target takes what it needs, and the rest has defaults.
#[allow(dead_code, reason = "not every target takes lines")]
pub fn lines<const N: usize>(text: &str, defaults: [&'static str; N]) -> [String; N] {
    let mut lines = text.split('\n');
    defaults.map(|default| {
        let line = lines.next().filter(|line| !line.is_empty());
        line.unwrap_or(default).to_owned()
    })
}

/// An address that stands alone: nothing in it ends an SMTP command, a path or the address itself.
pub fn assert_one_address(address: &str) {
    assert!(Mailbox::parse(address).is_ok(), "{address:?} is no address");
    assert!(
        !address.contains(char::is_control),
        "{address:?} has a control"
    );
    let (mut in_quotes, mut after_backslash, mut ats) = (false, false, 0);
    for (offset, character) in address.char_indices() {
        if after_backslash {
            after_backslash = false;
        } else if in_quotes {
            match character {
                '\\' => after_backslash = true,
                '"' => in_quotes = false,
                _ => {}
            }
        } else {
            match character {
                '"' => {
                    assert_eq!(offset, 0, "{address:?} opens a quote within");
                    in_quotes = true;
                }
                '@' => ats += 1,
                ' ' | '<' | '>' | '\\' => panic!("{address:?} has {character:?} outside quotes"),
                _ => {}
            }
        }
    }
    assert!(!in_quotes, "{address:?} leaves a quote open");
    assert_eq!(ats, 1, "{address:?} has not one at sign");
}

#[allow(dead_code, reason = "not every target has such errors")]
/// An error points into the text, at the start of a character or at the end.
pub fn assert_points_into(text: &str, error: AddressError) {
    assert!(text.is_char_boundary(error.offset()), "{text:?}: {error}");
    assert_eq!(Mailbox::parse(text), Err(error));
}
