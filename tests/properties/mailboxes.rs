//! Every kind of envelope address that a forwarder meets, and what an attacker may send instead of
//! one.

use proptest::{char, collection::vec, option, prelude::*, sample::select};

use crate::syntax;

/// A path takes at most 256 octets with its angle brackets (RFC 5321 §4.5.3.1.3), so an address
/// takes 254.
const LONGEST: usize = 254;

/// What a local part is to SRS, by its tag alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tag {
    /// None: an ordinary sender.
    None,
    /// `SRS0` and a separator, in any case.
    Srs0,
    /// `SRS1` and a separator, in any case.
    Srs1,
}

impl Tag {
    /// Of the text that a local part stands for.
    pub(crate) fn of(text: &str) -> Tag {
        match text.as_bytes() {
            [
                b'S' | b's',
                b'R' | b'r',
                b'S' | b's',
                b'0',
                b'=' | b'+' | b'-',
                ..,
            ] => Tag::Srs0,
            [
                b'S' | b's',
                b'R' | b'r',
                b'S' | b's',
                b'1',
                b'=' | b'+' | b'-',
                ..,
            ] => Tag::Srs1,
            _ => Tag::None,
        }
    }
}

/// Any valid mailbox, by RFC 5321 §4.1.2 and RFC 6531 §3.3.
pub(crate) fn mailbox() -> BoxedStrategy<String> {
    mailbox_of(
        prop_oneof![4 => ordinary_text(), 1 => srs0_text(), 1 => srs1_text(), 1 => srs_debris()],
    )
}

/// A mailbox that is no SRS address.
pub(crate) fn ordinary_mailbox() -> BoxedStrategy<String> {
    mailbox_of(ordinary_text())
}

/// A mailbox that another forwarder made: SRS0 of any system, or what only begins like one.
pub(crate) fn srs0_mailbox() -> BoxedStrategy<String> {
    mailbox_of(prop_oneof![
        3 => srs0_text(),
        1 => srs_debris().prop_filter("SRS0", |text| Tag::of(text) == Tag::Srs0),
    ])
}

/// A mailbox that a second forwarder made, and the first hop's address that it wraps.
pub(crate) fn srs1_mailbox() -> BoxedStrategy<(String, String)> {
    (
        tag("SRS1"),
        foreign_hash(),
        host(),
        separator(),
        opaque_rest(),
        way_of_writing(),
        host(),
    )
        .prop_map(|(tag, hash, first_hop, separator, rest, way, host)| {
            let address = format!(
                "{}@{host}",
                way.write(&format!("{tag}{hash}={first_hop}={separator}{rest}"))
            );
            let wrapped = format!(
                "{}@{first_hop}",
                syntax::local_part_for(&format!("SRS0{separator}{rest}"))
            );
            (address, wrapped)
        })
        .prop_filter("at most 254 octets", |(address, _)| {
            address.len() <= LONGEST
        })
        .boxed()
}

fn mailbox_of(text: impl Strategy<Value = String> + 'static) -> BoxedStrategy<String> {
    (text, way_of_writing(), host())
        .prop_map(|(text, way, host)| format!("{}@{host}", way.write(&text)))
        .prop_filter("at most 254 octets", |address| address.len() <= LONGEST)
        .boxed()
}

/// The local part within quotes, and with a backslash where the pattern, repeated, has one.
pub(crate) fn requoted(local_part: &str, backslashes: &[bool]) -> String {
    let backslashes = backslashes.to_vec();
    WayOfWriting::Quoted { backslashes }.write(&syntax::local_part_text(local_part))
}

/// How a local part is written: quotes and quoted pairs change nothing of what it stands for (RFC
/// 5321 §4.1.2).
#[derive(Clone, Debug)]
enum WayOfWriting {
    /// Quoted only where the text must be.
    AsNeeded,
    /// Quoted though it may be needless, with a backslash where the pattern, repeated, has one.
    Quoted { backslashes: Vec<bool> },
}

impl WayOfWriting {
    fn write(&self, text: &str) -> String {
        let WayOfWriting::Quoted { backslashes } = self else {
            return syntax::local_part_for(text);
        };
        let mut written = String::from("\"");
        for (character, backslash) in text.chars().zip(backslashes.iter().cycle()) {
            // `quoted-pairSMTP = %d92 %d32-126`: no backslash stands before a character beyond
            // ASCII.
            if matches!(character, '"' | '\\') || (*backslash && character.is_ascii()) {
                written.push('\\');
            }
            written.push(character);
        }
        written + "\""
    }
}

fn way_of_writing() -> BoxedStrategy<WayOfWriting> {
    prop_oneof![
        3 => Just(WayOfWriting::AsNeeded),
        1 => Just(WayOfWriting::Quoted { backslashes: vec![false] }),
        1 => vec(any::<bool>(), 1..8).prop_map(|backslashes| WayOfWriting::Quoted { backslashes }),
    ]
    .boxed()
}

/// What an ordinary local part stands for. Beside the usual, the forms that other schemes put
/// there.
fn ordinary_text() -> BoxedStrategy<String> {
    prop_oneof![
        4 => dot_string(),
        2 => vec(printable(), 0..24).prop_map(String::from_iter),
        // These need their quotes, or have lost them on the way: each is a dot-string but for its
        // dots or its length.
        1 => (dot_string(), select(&["", ".", "..", "a..b"][..]))
            .prop_map(|(text, dots)| format!("{dots}{text}{dots}")),
        1 => select(
            &[
                "", ".", "..", "a.", ".a", "=", "==", "=a", "a=", "+", "-", " ", "\"", "\\", "@",
                "a@b", "a@",
            ][..],
        )
        .prop_map(str::to_owned),
        // Long ones, of which a local part over 64 octets is made (RFC 5321 §4.5.3.1.1).
        1 => vec(atext(), 40..120).prop_map(String::from_iter),
        // VERP: the receiver in the sender.
        1 => (dot_string(), dot_string(), domain())
            .prop_map(|(list, user, host)| format!("{list}-bounce+{user}={host}")),
        // BATV, draft-levine-smtp-batv §4: `prvs=KDDDSSSSSS=user`.
        1 => ("[0-9]{4}[0-9a-f]{6}", dot_string())
            .prop_map(|(tag, user)| format!("prvs={tag}={user}")),
        // The bounce address of Amazon SES, and the Signed Envelope Sender draft.
        1 => "[0-9a-f]{16}-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{12}-000000",
        1 => (dot_string(), "[A-Z0-9]{8}").prop_map(|(user, tag)| format!("SES={tag}={user}")),
        // Almost SRS: no separator, a letter more or less, the tag not at the start. U+017F and
        // U+212A are letters whose lower case is ASCII's `s` and `k`; case means no more than
        // ASCII's.
        1 => (
            select(
                &[
                    "SRS0", "SRS1", "SRS", "SRS2=", "SRS01=", "SRS0.", "SRS0_", "xSRS0=", "ſRS0=",
                    "=SRS0=", " SRS0=",
                ][..],
            ),
            dot_string(),
        )
            .prop_map(|(tag, rest)| format!("{tag}{rest}")),
        1 => select(&["SRS0", "srs1"][..]).prop_map(str::to_owned),
    ]
    .prop_filter("no SRS address", |text| Tag::of(text) == Tag::None)
    .boxed()
}

/// SRS0 addresses of every system there is.
fn srs0_text() -> BoxedStrategy<String> {
    let stamp = || prop_oneof!["[A-Z2-7]{2}", "[a-z2-7]{2}"];
    prop_oneof![
        // Mail::SRS, libsrs2, PostSRSd: base64 or base64url.
        3 => (tag("SRS0"), foreign_hash(), stamp(), host(), ordinary_text())
            .prop_map(|(tag, hash, stamp, host, user)| {
                format!("{tag}{hash}={stamp}={host}={user}")
            }),
        // Exim: four hexadecimal digits, a lower-case stamp, and SRS0 within SRS0.
        1 => (
            tag("SRS0"),
            "[0-9a-f]{4}",
            "[a-z2-7]{2}",
            domain(),
            option::of(("[0-9a-f]{4}", domain())),
            dot_string(),
        )
            .prop_map(|(tag, hash, stamp, host, inner, user)| match inner {
                None => format!("{tag}{hash}={stamp}={host}={user}"),
                Some((inner, origin)) => {
                    let inner = format!("SRS0={inner}={stamp}={origin}={user}");
                    format!("{tag}{hash}={stamp}={host}={inner}")
                }
            }),
        // srs.js: hexadecimal. mailrs-srs: eight digits, a stamp of three decimals.
        1 => (tag("SRS0"), "[0-9a-f]{4,8}", "[A-Z2-7]{2}|[0-9]{3,4}", domain(), dot_string())
            .prop_map(|(tag, hash, stamp, host, user)| {
                format!("{tag}{hash}={stamp}={host}={user}")
            }),
    ]
    .boxed()
}

/// SRS1 addresses whose fields are as they should be.
fn srs1_text() -> BoxedStrategy<String> {
    (
        tag("SRS1"),
        foreign_hash(),
        host(),
        separator(),
        opaque_rest(),
    )
        .prop_map(|(tag, hash, host, separator, rest)| {
            format!("{tag}{hash}={host}={separator}{rest}")
        })
        .boxed()
}

/// SRS tags with too few fields, empty ones, or anything at all behind them.
fn srs_debris() -> BoxedStrategy<String> {
    let field = || {
        prop_oneof![
            2 => Just(String::new()),
            2 => "[A-Za-z0-9+/_-]{1,6}",
            2 => domain(),
            1 => host(),
            1 => vec(printable(), 0..6).prop_map(String::from_iter),
            // Each needs quotes for its dots alone, wherever it stands.
            1 => select(&["a..b", "..", ".a", "a."][..]).prop_map(str::to_owned),
        ]
    };
    (prop_oneof![tag("SRS0"), tag("SRS1")], vec(field(), 0..6))
        .prop_map(|(tag, fields)| tag + &fields.join("="))
        .boxed()
}

/// What a forwarder puts behind its `SRS0` and the separator: opaque to all others.
fn opaque_rest() -> BoxedStrategy<String> {
    prop_oneof![
        3 => (foreign_hash(), "[A-Z2-7]{2}", host(), ordinary_text())
            .prop_map(|(hash, stamp, host, user)| format!("{hash}={stamp}={host}={user}")),
        1 => vec(printable(), 0..16).prop_map(String::from_iter),
        1 => vec(select(&["a", "..", ".", "a..b", "", "=", "7W"][..]), 0..6)
            .prop_map(|fields| fields.join("=")),
    ]
    .boxed()
}

fn foreign_hash() -> impl Strategy<Value = String> {
    prop_oneof![
        "[A-Za-z0-9+/]{4}",
        "[A-Za-z0-9_-]{4,8}",
        "[0-9a-f]{4,8}",
        "[A-Z2-7]{8,32}"
    ]
}

/// A tag in any mixture of cases, and a separator.
fn tag(tag: &'static str) -> impl Strategy<Value = String> {
    let upper_case = prop_oneof![2 => Just([true; 3]), 1 => any::<[bool; 3]>()];
    (upper_case, separator()).prop_map(move |(upper_case, separator)| {
        let letter = |(letter, upper_case): (char, bool)| {
            if upper_case {
                letter
            } else {
                letter.to_ascii_lowercase()
            }
        };
        let upper_case = upper_case.into_iter().chain([true]);
        tag.chars()
            .zip(upper_case)
            .map(letter)
            .chain([separator])
            .collect()
    })
}

/// The separators that SRS knows.
pub(crate) fn separator() -> impl Strategy<Value = char> {
    select(&['=', '+', '-'][..])
}

/// `Dot-string = Atom *("." Atom)`
fn dot_string() -> BoxedStrategy<String> {
    vec(vec(atext(), 1..10).prop_map(String::from_iter), 1..4)
        .prop_map(|atoms| atoms.join("."))
        .boxed()
}

/// `atext`, with the signs that SRS and subaddressing use for their own more often than chance
/// would have it.
fn atext() -> impl Strategy<Value = char> {
    prop_oneof![
        10 => char::ranges(vec!['a'..='z', 'A'..='Z', '0'..='9'].into()),
        3 => select(&['=', '+', '-'][..]),
        2 => select("!#$%&'*/?^_`{|}~".chars().collect::<Vec<_>>()),
        1 => non_ascii(),
    ]
}

/// All that may stand between quotes.
fn printable() -> impl Strategy<Value = char> {
    prop_oneof![
        4 => atext(),
        3 => select(&[' ', '"', '\\', '@', '.', '<', '>', '(', ')', ',', ':', ';', '[', ']'][..]),
    ]
}

/// `UTF8-non-ascii` of RFC 6531 §3.3, but no control character.
fn non_ascii() -> impl Strategy<Value = char> {
    prop_oneof![
        // What a change of case takes into ASCII or makes longer, what has no width, and the ends
        // of the planes.
        select(
            &[
                'é',
                'É',
                'ß',
                'ı',
                'İ',
                'ſ',
                '\u{212a}',
                'Σ',
                'ς',
                'ǅ',
                '用',
                'д',
                '\u{a0}',
                '\u{301}',
                '\u{200b}',
                '\u{202e}',
                '\u{2028}',
                '\u{feff}',
                '\u{ffff}',
                '\u{1f4e7}',
                '\u{10ffff}',
            ][..]
        ),
        char::range('\u{a0}', '\u{10ffff}'),
    ]
}

/// What may follow the "@". Address literals are rarer than domains, there as here.
pub(crate) fn host() -> BoxedStrategy<String> {
    prop_oneof![6 => domain(), 1 => address_literal()].boxed()
}

/// `Domain = sub-domain *("." sub-domain)`
pub(crate) fn domain() -> BoxedStrategy<String> {
    let label = prop_oneof![
        6 => "[a-z0-9]{1,8}",
        2 => "[A-Za-z0-9]([A-Za-z0-9-]{0,10}[A-Za-z0-9])?",
        1 => "xn--[a-z0-9]{3,8}",
        1 => (non_ascii(), "[a-z0-9-]{0,3}", non_ascii())
            .prop_map(|(first, middle, last)| format!("{first}{middle}{last}")),
    ];
    let short = vec(label, 1..4).prop_map(|labels| labels.join("."));
    prop_oneof![12 => short, 1 => "[a-z]{63}\\.[a-z]{40}\\.example"].boxed()
}

/// `address-literal`: all of it but `=`, `@`, `"`, `<` and `>` in a general one. SRS cannot carry
/// the first, its own separator, and the others are refused as well; no such literal was
/// ever in use, for RFC 5321 §4.1.3 wants its tag to be in a standard and none but IPv6's is.
fn address_literal() -> BoxedStrategy<String> {
    prop_oneof![
        any::<core::net::Ipv4Addr>().prop_map(|address| format!("[{address}]")),
        any::<core::net::Ipv6Addr>().prop_map(|address| format!("[IPv6:{address}]")),
        Just("[IPv6:::1]".to_owned()),
        Just("[ipv6:::ffff:192.0.2.1]".to_owned()),
        "[a-zA-Z0-9-]{0,5}[a-zA-Z0-9]:[!#-;?A-Z^-~]{1,12}"
            .prop_filter("not IPv6", |literal| !literal
                .to_ascii_lowercase()
                .starts_with("ipv6:"))
            .prop_map(|literal| format!("[{literal}]")),
    ]
    .boxed()
}

/// Anything that could be put where an address belongs, most of it made to break something.
pub(crate) fn hostile() -> BoxedStrategy<String> {
    let pieces = || vec(piece(), 0..16).prop_map(|pieces| pieces.concat());
    let splice = |text: BoxedStrategy<String>| {
        (text, any::<prop::sample::Index>(), piece(), 0..3_usize).prop_map(
            |(text, at, piece, cut)| {
                // At any character, and in place of up to two.
                let characters: Vec<char> = text.chars().collect();
                let at = at.index(characters.len() + 1);
                let (before, after) = characters.split_at(at);
                before.iter().collect::<String>()
                    + &piece
                    + &after.iter().skip(cut).collect::<String>()
            },
        )
    };
    prop_oneof![
        1 => any::<String>(),
        1 => vec(any::<char>(), 0..40).prop_map(String::from_iter),
        3 => pieces(),
        2 => (prop_oneof![tag("SRS0"), tag("SRS1")], pieces()).prop_map(|(tag, rest)| tag + &rest),
        1 => (prop_oneof![tag("SRS0"), tag("SRS1")], pieces(), host())
            .prop_map(|(tag, rest, host)| format!("\"{tag}{rest}\"@{host}")),
        4 => splice(mailbox()),
        1 => splice(splice(mailbox()).boxed()),
        // Far over every limit.
        1 => (piece(), 0..3000_usize).prop_map(|(piece, times)| piece.repeat(times)),
    ]
    .boxed()
}

/// What a parser of addresses may trip over.
fn piece() -> BoxedStrategy<String> {
    prop_oneof![
        8 => select(
            &[
                "@", "\"", "\\", "=", "+", "-", ".", "/", "_", " ", "<", ">", "<>", "==", "\\\"",
                "\"@", "@\"", "\r\n", "\r", "\n", "\0", "\t", "\u{1b}", "\u{7f}", "\u{80}",
                "\u{85}", "\u{9f}", "\u{a0}", "\u{2028}", "\u{202e}", "\u{feff}", "\u{301}", "ſ",
                "K", "İ", "\u{10ffff}", "SRS0", "srs0=", "SRS0+", "SRS0-", "SRS1", "sRs1=",
                "SRS1+", "SRS1-", "AA", "2W", "777777777", "[", "]", "[192.0.2.1]", "[IPv6:::]",
                "alice", "example.com", "=example.com=", "RCPT TO:<a@b>",
            ][..]
        ).prop_map(str::to_owned),
        2 => any::<char>().prop_map(String::from),
        1 => "[A-Za-z0-9+/]{4}",
        1 => domain(),
    ]
    .boxed()
}

/// An alias to forward by, a domain or an address in it, and that domain.
pub(crate) fn alias() -> BoxedStrategy<(String, String)> {
    prop_oneof![
        3 => domain().prop_map(|domain| (domain.clone(), domain)),
        1 => (ordinary_text(), way_of_writing(), domain())
            .prop_map(|(text, way, domain)| (format!("{}@{domain}", way.write(&text)), domain)),
    ]
    .boxed()
}

/// The texts of which `main.rs` knows the rules are what it takes them for.
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_four_characters_and_a_separator() {
        for (text, tag) in [
            ("SRS0=", Tag::Srs0),
            ("srs0+x", Tag::Srs0),
            ("sRs1-", Tag::Srs1),
            ("SRS0", Tag::None),
            ("SRS2=x", Tag::None),
            ("xSRS0=", Tag::None),
            ("ſRS0=", Tag::None),
            ("SRS0.x", Tag::None),
            ("", Tag::None),
        ] {
            assert_eq!(Tag::of(text), tag, "{text}");
        }
    }

    proptest! {
        #![proptest_config(crate::config())]

        #[test]
        fn every_mailbox_is_one(
            address in mailbox(),
            (srs1, wrapped) in srs1_mailbox(),
            (alias, domain) in alias(),
        ) {
            for address in [&address, &srs1, &wrapped] {
                prop_assert!(syntax::is_mailbox(address), "{address}");
                prop_assert!(syntax::is_safe_in_a_command(address), "{address}");
            }
            prop_assert!(syntax::is_domain(&domain));
            prop_assert!(alias == domain || syntax::is_mailbox(&alias));
        }

        #[test]
        fn each_kind_has_its_tag(
            ordinary in ordinary_mailbox(),
            srs0 in srs0_mailbox(),
            (srs1, wrapped) in srs1_mailbox(),
        ) {
            let tag = |address| syntax::meaning(address).map(|(text, _)| Tag::of(&text));
            prop_assert_eq!(tag(&ordinary), Some(Tag::None));
            prop_assert_eq!(tag(&srs0), Some(Tag::Srs0));
            prop_assert_eq!(tag(&srs1), Some(Tag::Srs1));
            prop_assert_eq!(tag(&wrapped), Some(Tag::Srs0));
        }
    }
}
