//! What is read as an envelope address, and written, is the same address; whatever the grammar of
//! RFC 5321 and RFC 6531 has for an address is read.
#![no_main]

#[path = "../laws.rs"]
mod laws;
#[path = "../../properties/syntax.rs"]
#[allow(dead_code, reason = "the laws on properties use all of it")]
mod syntax;

use libfuzzer_sys::fuzz_target;
use mail_srs::Mailbox;

fuzz_target!(|text: &str| {
    match Mailbox::parse(text) {
        Ok(mailbox) => {
            let written = mailbox.to_string();
            let again = Mailbox::parse(&written).expect("what was written can be read");
            assert_eq!(again, mailbox);
            assert_eq!(again.to_string(), written);
            // Quotes are added where they are missing.
            assert!(written.len() <= text.len() + 2);
            laws::assert_one_address(text);
            laws::assert_one_address(&written);

            let (local_part, host) = (mailbox.local_part().to_string(), mailbox.host().to_string());
            assert_eq!(written, format!("{local_part}@{host}"));
            assert_eq!(mailbox.local_part_octets(), local_part.len());
            assert_eq!(
                mailbox.within_rfc5321_limits(),
                local_part.len() <= 64 && host.len() <= 255 && written.len() + "<>".len() <= 256
            );
            assert_eq!(mailbox.needs_smtputf8(), !written.is_ascii());
            // Quotes stand only where they are needed.
            let between = local_part
                .strip_prefix('"')
                .and_then(|local_part| local_part.strip_suffix('"'));
            assert!(between.is_none_or(|between| !syntax::is_dot_string(between)));
        }
        Err(error) => {
            laws::assert_points_into(text, error);
            // A literal may hold them by the grammar, but the host in an SRS address may not.
            let is_plain = |host: &str| {
                !host.contains(['=', '<', '>', '@', '"', '\\', '[', ']', ',', ';', '(', ')'])
            };
            let host = syntax::split(text).map_or("", |(_, host)| host);
            let within = host
                .strip_prefix('[')
                .and_then(|host| host.strip_suffix(']'));
            if is_plain(within.unwrap_or(host)) {
                assert!(!syntax::is_mailbox(text), "{text:?} is an address: {error}");
            }
        }
    }
});
