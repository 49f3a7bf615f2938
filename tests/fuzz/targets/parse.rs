//! What is read as an SRS address, and written, is the same address.
#![no_main]

#[path = "../laws.rs"]
mod laws;

use libfuzzer_sys::fuzz_target;
use mail_srs::{Mailbox, ParseError, SrsAddress};

fuzz_target!(|text: &str| {
    match SrsAddress::parse(text) {
        Ok(address) => {
            let written = address.to_string();
            let again = SrsAddress::parse(&written).expect("what was written can be read");
            assert_eq!(again, address);
            assert_eq!(again.to_string(), written);
            // Quotes are added where they are missing.
            assert!(written.len() <= text.len() + 2);
            laws::assert_one_address(text);
            laws::assert_one_address(&written);
            laws::assert_one_address(&address.claimed_sender().to_string());
            // The tag is read, and the quotes may go; all the rest is there.
            assert!(written.ends_with(&format!("@{}", address.domain())));
            assert_eq!(
                again.claimed_sender(),
                address.claimed_sender(),
                "{text:?} and {written:?} stand for different senders"
            );
        }
        Err(ParseError::Address(error)) => laws::assert_points_into(text, error),
        Err(ParseError::Malformed(_)) => laws::assert_one_address(text),
        Err(ParseError::NotSrs) => {
            let tag = Mailbox::parse(text)
                .map(|mailbox| mailbox.local_part().to_string().replace(['"', '\\'], ""))
                .unwrap_or_default()
                .to_ascii_uppercase();
            let is_tagged = ["SRS0", "SRS1"].iter().any(|kind| {
                tag.strip_prefix(kind)
                    .is_some_and(|rest| rest.starts_with(['=', '+', '-']))
            });
            // A backslash or a quote within the tag would make another text of it.
            assert!(!is_tagged || text.contains('\\'), "{text:?} has a tag");
        }
        Err(error) => panic!("{text:?}: {error}"),
    }
});
