//! Is this a mailbox? The grammar of RFC 5321 §4.1.2 and §4.1.3 with the extension of RFC 6531
//! §3.3, one function a rule.
//!
//! This is the judge of the laws in `main.rs`, so it shares nothing with the library: it is written
//! from the grammar alone, slow and obvious. It knows no limit of length (RFC 5321 §4.5.3.1);
//! `octets` in `main.rs` counts those.
//!
//! It is stricter than RFC 6531 in one point: `UTF8-non-ascii` there includes the C1 control
//! characters U+0080 to U+009F, which RFC 5198 §2 forbids in network text and RFC 6532 §3 advises
//! against. Here they are no part of any address.

/// `Mailbox = Local-part "@" ( Domain / address-literal )`
pub(crate) fn is_mailbox(address: &str) -> bool {
    split(address).is_some_and(|(local_part, host)| is_local_part(local_part) && is_host(host))
}

/// The local part as written, quotes included, and the host.
///
/// A quoted string ends at the first quote that no backslash stands before, and an unquoted local
/// part at its first "@", for no atom holds one.
pub(crate) fn split(address: &str) -> Option<(&str, &str)> {
    let local_part_end = if address.starts_with('"') {
        quoted_string_end(address)?
    } else {
        address.find('@')?
    };
    let (local_part, rest) = address.split_at(local_part_end);
    Some((local_part, rest.strip_prefix('@')?))
}

/// The offset after the closing quote of the quoted string that `text` begins with.
fn quoted_string_end(text: &str) -> Option<usize> {
    let mut after_backslash = false;
    for (offset, character) in text.char_indices().skip(1) {
        match character {
            _ if after_backslash => after_backslash = false,
            '\\' => after_backslash = true,
            '"' => return Some(offset + 1),
            _ => {}
        }
    }
    None
}

/// `Local-part = Dot-string / Quoted-string`
pub(crate) fn is_local_part(text: &str) -> bool {
    is_dot_string(text) || is_quoted_string(text)
}

/// `Dot-string = Atom *("." Atom)`
pub(crate) fn is_dot_string(text: &str) -> bool {
    text.split('.').all(is_atom)
}

/// `Atom = 1*atext`
fn is_atom(text: &str) -> bool {
    !text.is_empty() && text.chars().all(is_atext)
}

/// `atext` of RFC 5322 §3.2.3, and `atext =/ UTF8-non-ascii` of RFC 6531 §3.3.
pub(crate) fn is_atext(character: char) -> bool {
    character.is_ascii_alphanumeric()
        || "!#$%&'*+-/=?^_`{|}~".contains(character)
        || is_utf8_non_ascii(character)
}

/// `Quoted-string = DQUOTE *QcontentSMTP DQUOTE`
pub(crate) fn is_quoted_string(text: &str) -> bool {
    let Some(content) = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
    else {
        return false;
    };
    // `QcontentSMTP = qtextSMTP / quoted-pairSMTP`, and `quoted-pairSMTP = %d92 %d32-126`
    let mut characters = content.chars();
    while let Some(character) = characters.next() {
        let is_qcontent = match character {
            '\\' => matches!(characters.next(), Some(' '..='~')),
            _ => is_qtext(character),
        };
        if !is_qcontent {
            return false;
        }
    }
    true
}

/// `qtextSMTP = %d32-33 / %d35-91 / %d93-126`, and `qtextSMTP =/ UTF8-non-ascii` of RFC 6531 §3.3.
fn is_qtext(character: char) -> bool {
    matches!(character, ' '..='!' | '#'..='[' | ']'..='~') || is_utf8_non_ascii(character)
}

/// `UTF8-non-ascii` of RFC 6531 §3.3, without the C1 control characters.
fn is_utf8_non_ascii(character: char) -> bool {
    !character.is_ascii() && !character.is_control()
}

/// What may follow the "@": `Domain / address-literal`
pub(crate) fn is_host(text: &str) -> bool {
    is_domain(text) || is_address_literal(text)
}

/// `Domain = sub-domain *("." sub-domain)`
pub(crate) fn is_domain(text: &str) -> bool {
    text.split('.').all(is_sub_domain)
}

/// `sub-domain = Let-dig [Ldh-str]`, and `sub-domain =/ U-label` of RFC 6531 §3.3.
///
/// A U-label (RFC 5890 §2.3.2.1) is taken for any label with characters beyond ASCII. The tables of
/// IDNA2008 would take away from that, and an address that they refuse is none the worse for being
/// rewritten.
fn is_sub_domain(text: &str) -> bool {
    is_let_dig_hyphen_string(text, |character| {
        character.is_ascii_alphanumeric() || is_utf8_non_ascii(character)
    })
}

/// `Ldh-str = *( ALPHA / DIGIT / "-" ) Let-dig`; it may begin with a hyphen, but not end with one.
fn is_ldh_str(text: &str) -> bool {
    text.chars()
        .all(|character| character.is_ascii_alphanumeric() || character == '-')
        && text.ends_with(|character: char| character.is_ascii_alphanumeric())
}

/// Letters, digits and hyphens, with a letter or digit at both ends; `is_let_dig` says what counts
/// as letter or digit.
fn is_let_dig_hyphen_string(text: &str, is_let_dig: impl Fn(char) -> bool) -> bool {
    text.starts_with(&is_let_dig)
        && text
            .chars()
            .all(|character| is_let_dig(character) || character == '-')
        && text.chars().next_back().is_some_and(&is_let_dig)
}

/// `address-literal = "[" ( IPv4-address-literal / IPv6-address-literal / General-address-literal )
/// "]"`
pub(crate) fn is_address_literal(text: &str) -> bool {
    text.strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'))
        .is_some_and(|literal| {
            // `IPv6` is a Standardized-tag too, but RFC 5321 §4.1.3 gives its content, so a bad one
            // is no general literal. `"IPv6:"` is a literal of ABNF and read without regard to case
            // (RFC 5234 §2.3).
            match literal.split_once(':') {
                Some((tag, address)) if tag.eq_ignore_ascii_case("IPv6") => is_ipv6(address),
                Some((tag, content)) => {
                    is_ldh_str(tag) && !content.is_empty() && content.chars().all(is_dcontent)
                }
                None => is_ipv4(literal),
            }
        })
}

/// `dcontent = %d33-90 / %d94-126`
fn is_dcontent(character: char) -> bool {
    matches!(character, '!'..='Z' | '^'..='~')
}

/// `IPv4-address-literal = Snum 3("." Snum)`, and `Snum = 1*3DIGIT`, of a value from 0 to 255.
fn is_ipv4(text: &str) -> bool {
    let is_snum = |snum: &str| {
        (1..=3).contains(&snum.len())
            && snum.chars().all(|character| character.is_ascii_digit())
            && snum.parse::<u16>().is_ok_and(|value| value <= 255)
    };
    text.split('.').count() == 4 && text.split('.').all(is_snum)
}

/// `IPv6-addr = IPv6-full / IPv6-comp / IPv6v4-full / IPv6v4-comp`
fn is_ipv6(text: &str) -> bool {
    // An IPv4 address at the end stands for two groups, so `0:0` in its place leaves the same rule
    // to be checked: IPv6v4-full is then IPv6-full, and IPv6v4-comp, at most four groups, is then
    // IPv6-comp, at most six.
    if let Some((groups, ipv4)) = text.rsplit_once(':')
        && ipv4.contains('.')
    {
        return is_ipv4(ipv4) && is_ipv6(&format!("{groups}:0:0"));
    }
    let groups_in = |text: &str| -> Option<usize> {
        let is_group = |group: &str| {
            (1..=4).contains(&group.len()) && group.chars().all(|c| c.is_ascii_hexdigit())
        };
        if text.is_empty() {
            Some(0)
        } else {
            text.split(':')
                .all(is_group)
                .then(|| text.split(':').count())
        }
    };
    match text.split_once("::") {
        Some((before, after)) => groups_in(before)
            .zip(groups_in(after))
            .is_some_and(|(before, after)| before + after <= 6),
        None => groups_in(text) == Some(8),
    }
}

/// The text that a local part stands for: without the quotes, and `x` for each `\x` (RFC 5321
/// §4.1.2: "the surrounding quotes and backslashes are not part of the address").
pub(crate) fn local_part_text(local_part: &str) -> String {
    let Some(content) = local_part
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
    else {
        return local_part.to_owned();
    };
    let mut text = String::new();
    let mut characters = content.chars();
    while let Some(character) = characters.next() {
        text.extend(if character == '\\' {
            characters.next()
        } else {
            Some(character)
        });
    }
    text
}

/// A local part that stands for `text`, unquoted where it can be.
pub(crate) fn local_part_for(text: &str) -> String {
    if is_dot_string(text) {
        return text.to_owned();
    }
    let mut quoted = String::from('"');
    for character in text.chars() {
        if matches!(character, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted + "\""
}

/// What an address means: the text of its local part, and its host.
pub(crate) fn meaning(address: &str) -> Option<(String, &str)> {
    split(address).map(|(local_part, host)| (local_part_text(local_part), host))
}

/// Whether `MAIL FROM:<text>` is one command that ends where it should: `text` holds no control
/// character, and a space or an angle bracket only within a quoted string that begins it (RFC 5321
/// §4.1.1.2, §4.1.2).
///
/// Far weaker than `is_mailbox`, for a forwarder passes many an address that the grammar refuses,
/// `a..b@docomo.example` among them.
pub(crate) fn is_safe_in_a_command(text: &str) -> bool {
    let unquoted = match quoted_string_end(text) {
        Some(end) if text.starts_with('"') => text.split_at(end).1,
        _ => text,
    };
    !text.contains(|character: char| character.is_control())
        && !unquoted.contains([' ', '<', '>', '"', '\\'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn all(rule: fn(&str) -> bool, expected: bool, texts: &[&str]) {
        for text in texts {
            assert_eq!(rule(text), expected, "{text:?}");
        }
    }

    /// RFC 3696 §3 with errata 246 (the address without quotes is none), RFC 5321, RFC 5322
    /// appendix A, RFC 6531.
    #[test]
    fn good_mailboxes() {
        all(
            is_mailbox,
            true,
            &[
                "a@b",
                "alice@example.com",
                r#""Abc\@def"@example.com"#,
                r#""Fred Bloggs"@example.com"#,
                r#""Joe\\Blow"@example.com"#,
                r#""Abc@def"@example.com"#,
                "user+mailbox@example.com",
                "customer/department=shipping@example.com",
                "$A12345@example.com",
                "!def!xyz%abc@example.com",
                "_somename@example.com",
                r#""john.q.public"@example.com"#,
                r#"""@example.com"#,
                r#""a..b"@example.com"#,
                r#"".a"@example.com"#,
                r#""a."@example.com"#,
                r#""\a\"\\\ "@example.com"#,
                r#""<>()[]:;,"@example.com"#,
                "#!$%&'*+-/=?^_`{}|~@example.org",
                "prvs=3412abcdef=alice@example.com",
                "SRS0=3lNH=4G=example.com=alice@forward.example",
                "bounce-12-bob=example.org@list.example",
                "user@[192.0.2.1]",
                "user@[255.255.255.255]",
                "user@[IPv6:2001:db8::1]",
                "user@[ipv6:::]",
                "user@[IPv6:::1]",
                "user@[IPv6:1::]",
                "user@[IPv6:1:2:3:4:5:6:7:8]",
                "user@[IPv6:1:2:3::6:7:8]",
                "user@[IPv6:1:2:3:4:5:6:192.0.2.1]",
                "user@[IPv6:::ffff:192.0.2.1]",
                "user@[IPv6:1:2:3:4::192.0.2.1]",
                "user@[x-tag:some!content]",
                "user@[-t:c]",
                "user@1and1.example",
                "user@123.example",
                "user@xn--bcher-kva.example",
                "user@a--b.c-d",
                "Pelé@example.com",
                "δοκιμή@παράδειγμα.δοκιμή",
                "我買@屋企.香港",
                "user@bücher.example",
                "\"é ü\"@example.com",
                "a\u{a0}b@example.com",
            ],
        );
    }

    #[test]
    fn bad_mailboxes() {
        all(
            is_mailbox,
            false,
            &[
                "",
                "@",
                "<>",
                "alice",
                "alice@",
                "@example.com",
                ".a@example.com",
                "a.@example.com",
                "a..b@example.com",
                "a b@example.com",
                " a@example.com",
                "a@example.com ",
                "a@b@example.com",
                r"Abc\@def@example.com",
                r"Joe\\Blow@example.com",
                r"Fred\ Bloggs@example.com",
                r#"Abc"def@example.com"#,
                r#""abc"def@example.com"#,
                r#"def"abc"@example.com"#,
                r#""abc"."def"@example.com"#,
                r#""abc@example.com"#,
                r#"""abc"@example.com"#,
                r#""abc\"@example.com"#,
                r#""a"b"@example.com"#,
                r#"""""#,
                r#"""#,
                "<a@example.com>",
                "a@<example.com>",
                "a(comment)@example.com",
                "a:b@example.com",
                "a;b@example.com",
                "a,b@example.com",
                "a[1]@example.com",
                "a\tb@example.com",
                "a\0@example.com",
                "a\r\n@example.com",
                "a\u{7f}@example.com",
                "a\u{85}@example.com",
                "\"a\u{1}\"@example.com",
                "\"a\\\u{1}\"@example.com",
                "\"a\u{9f}\"@example.com",
                "\"\\é\"@example.com",
                "\"\\",
                "\"\\\"",
                "a@.example.com",
                "a@example.com.",
                "a@example..com",
                "a@-example.com",
                "a@example-.com",
                "a@exa_mple.com",
                "a@exa mple.com",
                "a@exa=mple.com",
                "a@example.com\n",
                "a@exa\u{80}mple.com",
                "a@192.0.2.1]",
                "a@[192.0.2.1",
                "a@[]",
                "a@[192.0.2]",
                "a@[192.0.2.256]",
                "a@[192.0.2.0001]",
                "a@[192.0.2.+1]",
                "a@[192.0.2.1.1]",
                "a@[192.0.2.]",
                "a@[2001:db8::1 ]",
                "a@[IPv6:]",
                "a@[IPv6:1]",
                "a@[IPv6::1]",
                "a@[IPv6:1:2:3:4:5:6:7]",
                "a@[IPv6:1:2:3:4:5:6:7:8:9]",
                "a@[IPv6:1:2:3:4::5:6:7]",
                "a@[IPv6:1::2::3]",
                "a@[IPv6::::]",
                "a@[IPv6:12345::]",
                "a@[IPv6:g::]",
                "a@[IPv6:1:2:3:4:5::192.0.2.1]",
                "a@[IPv6:1:2:3:4:5:6:7:192.0.2.1]",
                "a@[IPv6:192.0.2.1]",
                "a@[IPv6:1::192.0.2.1:2]",
                "a@[tag:]",
                "a@[tag-:x]",
                "a@[:x]",
                "a@[tag:a b]",
                "a@[tag:a]b]",
                "a@[tag:é]",
            ],
        );
    }

    #[test]
    fn what_an_address_means() {
        let meanings = [
            ("alice@example.com", "alice", "example.com"),
            (r#""alice"@example.com"#, "alice", "example.com"),
            (r#""a@b"@example.com"#, "a@b", "example.com"),
            (r#""\a\"\\"@example.com"#, r#"a"\"#, "example.com"),
            (r#"""@example.com"#, "", "example.com"),
            ("a@[t:x@y]", "a", "[t:x@y]"),
        ];
        for (address, text, host) in meanings {
            assert_eq!(meaning(address), Some((text.to_owned(), host)), "{address}");
            assert_eq!(local_part_text(&local_part_for(text)), text);
            assert!(is_local_part(&local_part_for(text)), "{address}");
        }
        assert_eq!(meaning("alice"), None);
        assert_eq!(meaning(r#""alice@example.com"#), None);
        assert_eq!(meaning(r#""alice"bob@example.com"#), None);
    }

    #[test]
    fn what_is_safe_in_a_command() {
        all(
            is_safe_in_a_command,
            true,
            &[
                "",
                "a..b@x",
                "a@b",
                r#""a > \" b"@x"#,
                "user@[192.0.2.1]",
                "a@b@c",
                "é@ü",
            ],
        );
        all(
            is_safe_in_a_command,
            false,
            &[
                "a b@x",
                "a@x>",
                "<a@x",
                "a@x\r",
                "a\n@x",
                "\"a\n\"@x",
                "a\"@x",
                "\"a@x",
                "a\u{85}@x",
                "\"a\"@x> \"",
                "\"a\\\"@x",
            ],
        );
    }
}
