//! Every decision of the policy layer, with its reason: what leaves, and what comes in.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mail_srs::{
    AddressError, Day, Destinations, Domains, DomainsError, Envelope, Forwarder,
    ForwarderBuildError, ForwarderBuilder, Incoming, IncomingError, KeepReason, Outgoing,
    OutgoingError, ReverseError, Secret, Secrets, Spf, Srs, SrsKind, SyntaxError, TooLong,
};

const TODAY: Day = Day::new(20_780);
const ALICE: &str = "alice@example.com";
const HOME: &str = "bob@home.example";
const OURS: &str = "SRS0=Gt5l=JM=example.com=alice@srs.forward.example";
const FORGED: &str = "SRS0=AAAA=JM=example.com=alice@srs.forward.example";
const FOREIGN: &str = "SRS0=xemc=ET=bluewin.example=user@foreign.example";

fn srs() -> Srs {
    Srs::new(Secret::new("tops3cr3t").unwrap())
}

fn domains<const N: usize>(entries: [&str; N]) -> Domains {
    Domains::new(entries).unwrap()
}

/// A host with SRS domains, current, former and customers', and local domains.
fn builder() -> ForwarderBuilder {
    Forwarder::builder(srs())
        .srs_domain("srs.forward.example")
        .accepted_domains(domains(["old.example", ".customers.example"]))
        .local_domains(domains(["local.example", ".local.example", "[192.0.2.1]"]))
}

fn forwarder() -> Forwarder {
    builder().build().unwrap()
}

/// The code of an outcome, and the address if there is one.
fn outgoing(forwarder: &Forwarder, envelope: Envelope<'_>) -> (&'static str, String) {
    match forwarder.outgoing(envelope, TODAY) {
        Ok(outcome) => match outcome {
            Outgoing::Rewrite(address) => (outcome.code(), address.to_string()),
            Outgoing::Keep(_) => (outcome.code(), String::new()),
        },
        Err(error) => (error.code(), String::new()),
    }
}

/// The same without the address.
fn outgoing_code(forwarder: &Forwarder, envelope: Envelope<'_>) -> &'static str {
    outgoing(forwarder, envelope).0
}

/// The code of a verdict, and the original address or the reply if there is one.
fn incoming(
    forwarder: &Forwarder,
    recipient: &str,
    sender: Option<&str>,
) -> (&'static str, String) {
    let verdict = forwarder.incoming(recipient, sender, TODAY);
    let text = match verdict {
        Incoming::Ours(reversed) => reversed.to_string(),
        Incoming::Refused(error) => error.smtp_reply().to_string(),
        Incoming::Ordinary | Incoming::Foreign => String::new(),
    };
    (verdict.code(), text)
}

/// A sender whose rewritten local part takes this many octets.
fn sender_for(octets: usize) -> String {
    let user = octets - "SRS0=HHHH=JM=example.com=".len();
    format!("{}@example.com", "a".repeat(user))
}

#[test]
fn each_sender_and_destination_has_its_outcome() {
    let forwarder = forwarder();
    for (sender, destination, code) in [
        (ALICE, HOME, "rewrite"),
        (ALICE, "home.example", "rewrite"),
        (ALICE, "bob@[192.0.2.2]", "rewrite"),
        (r#""john doe"@example.com"#, HOME, "rewrite"),
        // Another forwarder's SRS address is a sender like any.
        (FOREIGN, HOME, "rewrite"),
        ("", HOME, "null-sender"),
        ("<>", HOME, "null-sender"),
        ("", "no address", "null-sender"),
        ("alice", HOME, "invalid-sender"),
        ("a b@example.com", HOME, "invalid-sender"),
        ("<alice@example.com>", HOME, "invalid-sender"),
        ("alice", "no address", "invalid-sender"),
        (ALICE, "no address", "invalid-destination"),
        (ALICE, "", "invalid-destination"),
        (ALICE, "bob@", "invalid-destination"),
        ("bob@local.example", "no address", "invalid-destination"),
        (OURS, HOME, "already-ours"),
        // Nobody verifies it on the way out: what it is worth shows when it comes back.
        (FORGED, HOME, "already-ours"),
        ("srs1-anything@OLD.example", HOME, "already-ours"),
        ("SRS0=x@shop.customers.example", HOME, "already-ours"),
        (r#""SRS0=x y"@old.example"#, HOME, "already-ours"),
        (r#""S\RS0=x y"@old.example"#, HOME, "already-ours"),
        (OURS, "bob@local.example", "already-ours"),
        ("bob@local.example", HOME, "local-sender"),
        ("bob@Mail.Local.Example", HOME, "local-sender"),
        ("bob@[192.0.2.1]", HOME, "local-sender"),
        ("postmaster@srs.forward.example", HOME, "local-sender"),
        ("postmaster@old.example", HOME, "local-sender"),
        // No SRS address without a separator, and none of ours in a domain that is only local.
        ("SRS0@srs.forward.example", HOME, "local-sender"),
        (
            "SRS0=Gt5l=JM=example.com=alice@local.example",
            HOME,
            "local-sender",
        ),
        ("bob@local.example", "eve@local.example", "local-sender"),
        (ALICE, "bob@local.example", "local-destination"),
        (ALICE, "LOCAL.example", "local-destination"),
        (ALICE, FORGED, "local-destination"),
        (ALICE, "bob@shop.customers.example", "local-destination"),
        // The entry for subdomains is not for the domain itself.
        ("bob@customers.example", HOME, "rewrite"),
        (ALICE, "bob@customers.example", "rewrite"),
    ] {
        let found = outgoing_code(&forwarder, Envelope::new(sender, destination));
        assert_eq!(found, code, "{sender} to {destination}");
    }
}

#[test]
fn what_is_rewritten_is_what_the_rewriter_makes() {
    let (code, address) = outgoing(&forwarder(), Envelope::new(ALICE, HOME));
    assert_eq!((code, &*address), ("rewrite", OURS));

    let (_, address) = outgoing(&forwarder(), Envelope::new(FOREIGN, HOME));
    let expected = srs().forward(FOREIGN, "srs.forward.example", TODAY);
    assert_eq!(address, expected.unwrap().to_string());
    assert!(address.starts_with("SRS1="), "{address}");
}

#[test]
fn destinations_can_be_chosen() {
    let listed = || domains(["gmail.example", ".outlook.example", "[192.0.2.2]"]);
    let only = builder().destinations(Destinations::Only(listed()));
    let only = only.build().unwrap();
    let but = builder().destinations(Destinations::AllBut(listed()));
    let but = but.build().unwrap();
    let neither = builder().destinations(Destinations::Only(Domains::default()));
    let neither = neither.build().unwrap();
    for (destination, is_listed) in [
        ("bob@gmail.example", true),
        ("GMAIL.example", true),
        ("bob@eu.outlook.example", true),
        ("bob@[192.0.2.2]", true),
        ("bob@outlook.example", false),
        ("bob@mx.gmail.example", false),
        ("bob@[192.0.2.3]", false),
    ] {
        let codes = if is_listed {
            ["rewrite", "destination-not-covered"]
        } else {
            ["destination-not-covered", "rewrite"]
        };
        let envelope = Envelope::new(ALICE, destination);
        let found = [&only, &but].map(|forwarder| outgoing_code(forwarder, envelope));
        assert_eq!(found, codes, "{destination}");
        assert_eq!(outgoing_code(&neither, envelope), "destination-not-covered");
    }
    // What is local is so before.
    let envelope = Envelope::new(ALICE, "bob@local.example");
    assert_eq!(outgoing_code(&only, envelope), "local-destination");
}

#[test]
fn an_unknown_destination_is_one_elsewhere_on_no_list() {
    let codes = |destinations| {
        let forwarder = builder().destinations(destinations).build().unwrap();
        ["", "@", "bob@local.example", OURS, ALICE].map(|sender| {
            let envelope = Envelope::to_unknown_destination(sender);
            outgoing_code(&forwarder, envelope)
        })
    };
    let listed = || domains(["home.example", ".home.example"]);
    let with = |last| {
        [
            "null-sender",
            "invalid-sender",
            "local-sender",
            "already-ours",
            last,
        ]
    };
    assert_eq!(codes(Destinations::All), with("rewrite"));
    assert_eq!(codes(Destinations::AllBut(listed())), with("rewrite"));
    let only = Destinations::Only(listed());
    assert_eq!(codes(only), with("destination-not-covered"));
}

#[test]
fn spf_counts_only_where_it_is_said_to() {
    let regardless = forwarder();
    let asking = builder().keep_if_spf_passes(true).build().unwrap();
    for (spf, code) in [
        (Spf::Passes, "spf-passes"),
        (Spf::Fails, "rewrite"),
        (Spf::Unknown, "rewrite"),
    ] {
        let envelope = Envelope::new(ALICE, HOME).spf(spf);
        assert_eq!(outgoing_code(&asking, envelope), code, "{spf:?}");
        assert_eq!(outgoing_code(&regardless, envelope), "rewrite", "{spf:?}");
    }
    assert_eq!(
        outgoing_code(&asking, Envelope::new(ALICE, HOME)),
        "rewrite"
    );
    // The other reasons come first.
    let covered = Destinations::Only(domains(["gmail.example"]));
    let asking = builder().keep_if_spf_passes(true).destinations(covered);
    let envelope = Envelope::new(ALICE, HOME).spf(Spf::Passes);
    let found = outgoing_code(&asking.build().unwrap(), envelope);
    assert_eq!(found, "destination-not-covered");
}

#[test]
fn what_is_too_long_is_rewritten_kept_or_refused_as_said() {
    for (octets, codes) in [
        (64, ["rewrite", "rewrite", "rewrite"]),
        (65, ["rewrite-too-long", "too-long", "refused-too-long"]),
    ] {
        let sender = sender_for(octets);
        let envelope = Envelope::new(&sender, HOME);
        let found = [TooLong::Rewrite, TooLong::Keep, TooLong::Refuse].map(|too_long| {
            outgoing_code(&builder().too_long(too_long).build().unwrap(), envelope)
        });
        assert_eq!(found, codes, "{octets}");
        assert_eq!(outgoing_code(&forwarder(), envelope), codes[0]);
    }
    let sender = sender_for(84);
    let refusing = builder().too_long(TooLong::Refuse).build().unwrap();
    let refused = refusing.outgoing(Envelope::new(&sender, HOME), TODAY);
    let error = OutgoingError::TooLong {
        octets: 84,
        limit: 64,
    };
    assert_eq!(refused, Err(error));
}

/// RFC 5321 §4.5.3.1.3: the path, with its brackets, has 256 octets.
#[test]
fn a_long_srs_domain_leaves_less_for_the_local_part() {
    let domain = ["a"; 100].join(".") + ".example";
    let limit = 256 - "<@>".len() - domain.len();
    assert!(limit < 64, "{limit}");
    let refusing = builder().srs_domain(&domain).too_long(TooLong::Refuse);
    let refusing = refusing.build().unwrap();
    let sender = sender_for(limit);
    assert_eq!(
        outgoing_code(&refusing, Envelope::new(&sender, HOME)),
        "rewrite"
    );
    let sender = sender_for(limit + 1);
    let refused = refusing.outgoing(Envelope::new(&sender, HOME), TODAY);
    let octets = limit + 1;
    assert_eq!(refused, Err(OutgoingError::TooLong { octets, limit }));
}

#[test]
fn a_limit_of_the_rewriter_is_never_exceeded() {
    let limited = |too_long| {
        let srs = Srs::builder(Secret::new("tops3cr3t").unwrap()).local_part_limit(40);
        Forwarder::builder(srs.build().unwrap())
            .srs_domain("srs.forward.example")
            .too_long(too_long)
            .build()
            .unwrap()
    };
    let sender = sender_for(41);
    for (too_long, code) in [
        (TooLong::Rewrite, "refused-too-long"),
        (TooLong::Keep, "too-long"),
        (TooLong::Refuse, "refused-too-long"),
    ] {
        let found = outgoing_code(&limited(too_long), Envelope::new(&sender, HOME));
        assert_eq!(found, code, "{too_long:?}");
    }
    let error = OutgoingError::TooLong {
        octets: 41,
        limit: 40,
    };
    let limited = limited(TooLong::Rewrite);
    assert_eq!(
        limited.outgoing(Envelope::new(&sender, HOME), TODAY),
        Err(error)
    );
}

#[test]
fn the_srs_domain_can_be_chosen_for_each_message() {
    let forwarder = forwarder();
    let into = |domain| outgoing(&forwarder, Envelope::new(ALICE, HOME).srs_domain(domain));
    for (chosen, written) in [
        ("shop.customers.example", "shop.customers.example"),
        ("bob@shop.customers.example", "shop.customers.example"),
        ("Old.example", "Old.example"),
        ("srs.forward.example", "srs.forward.example"),
    ] {
        let address = format!("SRS0=Gt5l=JM=example.com=alice@{written}");
        assert_eq!(into(chosen), ("rewrite", address.clone()));
        assert_eq!(
            incoming(&forwarder, &address, Some("")),
            ("ours", ALICE.to_owned())
        );
    }
    for (chosen, code) in [
        ("elsewhere.example", "srs-domain-not-accepted"),
        ("customers.example", "srs-domain-not-accepted"),
        ("local.example", "srs-domain-not-accepted"),
        ("no domain", "invalid-srs-domain"),
        ("", "invalid-srs-domain"),
    ] {
        assert_eq!(into(chosen), (code, String::new()), "{chosen}");
    }
    // It is only looked at if there is something to rewrite.
    let kept = Envelope::new("bob@local.example", HOME).srs_domain("elsewhere.example");
    assert_eq!(outgoing_code(&forwarder, kept), "local-sender");

    let choosing = Forwarder::builder(srs()).accepted_domains(domains(["shop.example"]));
    let choosing = choosing.build().unwrap();
    let envelope = Envelope::new(ALICE, HOME);
    assert_eq!(outgoing_code(&choosing, envelope), "no-srs-domain");
    let envelope = envelope.srs_domain("shop.example");
    assert_eq!(outgoing_code(&choosing, envelope), "rewrite");
    assert_eq!(incoming(&choosing, OURS, Some("")).0, "foreign");
}

#[test]
fn the_rewriter_may_not_rewrite_what_is_ours() {
    let always = Srs::builder(Secret::new("tops3cr3t").unwrap()).always_rewrite(true);
    let always = Forwarder::builder(always.build().unwrap()).srs_domain("srs.forward.example");
    let always = always.build().unwrap();
    assert_eq!(
        outgoing_code(&always, Envelope::new(OURS, HOME)),
        "already-ours"
    );
    let own = Envelope::new("bob@srs.forward.example", HOME);
    assert_eq!(outgoing_code(&always, own), "local-sender");
}

/// Asks with an unknown, a null and a real sender; only the genuine fare otherwise with the last.
fn assert_verdict(recipient: &str, verdict: &'static str, text: &str) {
    let forwarder = forwarder();
    let expected = (verdict, text.to_owned());
    for sender in [None, Some(""), Some("<>")] {
        assert_eq!(
            incoming(&forwarder, recipient, sender),
            expected,
            "{recipient}"
        );
    }
    let reply = "550 5.7.1 SRS address takes bounces only".to_owned();
    let expected = match verdict {
        "ours" => ("not-a-bounce", reply),
        _ => expected,
    };
    let found = incoming(&forwarder, recipient, Some("eve@example.org"));
    assert_eq!(found, expected, "{recipient}");
}

#[test]
fn what_is_not_ours_is_left_to_the_server() {
    for (recipient, verdict) in [
        // No tag: whatever it is, it is not for us to say.
        ("bob@local.example", "ordinary"),
        ("bob@elsewhere.example", "ordinary"),
        ("bob@srs.forward.example", "ordinary"),
        ("SRS0@srs.forward.example", "ordinary"),
        (
            "SRS2=Gt5l=JM=example.com=alice@srs.forward.example",
            "ordinary",
        ),
        ("not an address", "ordinary"),
        ("", "ordinary"),
        // A tag in a domain where users have mailboxes.
        ("SRS0=Gt5l=JM=example.com=alice@local.example", "ordinary"),
        ("SRS0=joe@MAIL.local.example", "ordinary"),
        ("SRS0=a b@local.example", "ordinary"),
        // Somebody else's, good or bad.
        (FOREIGN, "foreign"),
        (
            "SRS0=Gt5l=JM=example.com=alice@customers.example",
            "foreign",
        ),
        ("SRS1=x@foreign.example", "foreign"),
        ("srs0+x@foreign.example", "foreign"),
        (
            r#""SRS0=Gt5l=JM=example.com=a b"@foreign.example"#,
            "foreign",
        ),
        // Systems that divide at the first at sign make such.
        (r#"SRS0=P066=KH=b"@x.example="a@foreign.example"#, "foreign"),
        ("SRS0=a b@foreign.example", "foreign"),
    ] {
        assert_verdict(recipient, verdict, "");
    }
}

#[test]
fn what_is_ours_is_taken_or_refused() {
    const MALFORMED: &str = "550 5.1.3 SRS address is malformed";
    const FORGERY: &str = "550 5.7.1 SRS address is not genuine";
    for (recipient, verdict, text) in [
        (OURS, "ours", ALICE),
        (
            "SRS0=Gt5l=JM=example.com=alice@SRS.Forward.EXAMPLE",
            "ours",
            ALICE,
        ),
        ("SRS0=Gt5l=JM=example.com=alice@old.example", "ours", ALICE),
        (
            "SRS0=Gt5l=JM=example.com=alice@x.y.customers.example",
            "ours",
            ALICE,
        ),
        (
            r#""SRS0=Gt5l=JM=example.com=alice"@old.example"#,
            "ours",
            ALICE,
        ),
        (FORGED, "hash-mismatch", FORGERY),
        (
            "SRS0=Gt5=JM=example.com=alice@old.example",
            "hash-too-short",
            FORGERY,
        ),
        (
            "SRS0=Gt5lA=JM=example.com=alice@old.example",
            "hash-mismatch",
            FORGERY,
        ),
        (
            "SRS0=Gt5l=JMM=example.com=alice@old.example",
            "malformed",
            MALFORMED,
        ),
        ("SRS1=x@old.example", "malformed", MALFORMED),
        ("SRS0=a b@old.example", "invalid-address", MALFORMED),
        (
            r#"SRS0=P066=KH=b"@x.example="a@old.example"#,
            "invalid-address",
            MALFORMED,
        ),
        // Nobody's.
        (
            "SRS0=Gt5l=JM=example.com=alice",
            "invalid-address",
            MALFORMED,
        ),
        (
            "SRS0=Gt5l=JM=example.com=alice@",
            "invalid-address",
            MALFORMED,
        ),
        (
            "SRS0=Gt5l=JM=example.com=alice@old.example>",
            "invalid-address",
            MALFORMED,
        ),
        (
            "SRS0=Gt5l=JM=example.com=alice@old.example\r\n",
            "invalid-address",
            MALFORMED,
        ),
        (
            r#""SRS0=Gt5l=JM=example.com=alice"#,
            "invalid-address",
            MALFORMED,
        ),
    ] {
        assert_verdict(recipient, verdict, text);
    }
}

#[test]
fn the_verdict_depends_on_the_day() {
    let forwarder = forwarder();
    let on = |day| forwarder.incoming(OURS, Some(""), Day::new(day));
    let Incoming::Ours(reversed) = on(20_801) else {
        panic!("21 days are allowed");
    };
    assert_eq!(reversed.age(), Some(21));
    let expired = IncomingError::Srs(ReverseError::Expired {
        age: 22,
        max_age: 21,
    });
    assert_eq!(on(20_802), Incoming::Refused(expired));
    assert_eq!(on(20_802).code(), "expired");
    assert_eq!(
        expired.smtp_reply().to_string(),
        "550 5.1.1 SRS address has expired"
    );
    // Expired is said before the sender counts.
    let found = forwarder.incoming(OURS, Some("eve@example.org"), Day::new(20_802));
    assert_eq!(found, Incoming::Refused(expired));
}

#[test]
fn others_than_bounces_are_taken_if_that_is_said() {
    let lenient = builder().bounces_only(false).build().unwrap();
    let found = incoming(&lenient, OURS, Some("eve@example.org"));
    assert_eq!(found, ("ours", ALICE.to_owned()));
    assert_eq!(
        incoming(&lenient, FORGED, Some("eve@example.org")).0,
        "hash-mismatch"
    );
}

/// A message went from us to another forwarder, back to us, and on.
#[test]
fn an_address_of_ours_within_one_of_ours_is_followed() {
    let forwarder = forwarder();
    let theirs = Srs::new(Secret::new("an0ther s3cret").unwrap());
    for first_domain in ["srs.forward.example", "OLD.example"] {
        let first = srs()
            .forward(ALICE, first_domain, TODAY)
            .unwrap()
            .to_string();
        let second = theirs
            .forward(&first, "next.example", TODAY)
            .unwrap()
            .to_string();
        let envelope = Envelope::new(&second, HOME);
        let (code, third) = outgoing(&forwarder, envelope);
        assert_eq!(code, "rewrite");
        assert!(third.starts_with("SRS1="), "{third}");

        let later = Day::new(TODAY.number() + 5);
        let Incoming::Ours(reversed) = forwarder.incoming(&third, Some(""), later) else {
            panic!("{third} is ours");
        };
        assert_eq!(reversed.to_string(), ALICE);
        assert_eq!(reversed.age(), Some(5));
        assert_eq!(reversed.kind(), SrsKind::Srs0);
        assert!(!reversed.case_folded());

        // It expires as the inner one does.
        let late = forwarder.incoming(&third, Some(""), Day::new(TODAY.number() + 22));
        assert_eq!(late.code(), "expired");
    }
}

#[test]
fn another_forwarders_address_within_one_of_ours_is_not_followed() {
    let forwarder = forwarder();
    let (_, address) = outgoing(&forwarder, Envelope::new(FOREIGN, HOME));
    let found = incoming(&forwarder, &address, Some(""));
    assert_eq!(found, ("ours", FOREIGN.to_owned()));

    // Nor one in a local domain that is not for SRS addresses, nor an ordinary one in one that is.
    for sender in [
        "SRS0=Gt5l=JM=example.com=alice@local.example",
        "bob@srs.forward.example",
    ] {
        let address = srs()
            .forward(sender, "old.example", TODAY)
            .unwrap()
            .to_string();
        let found = incoming(&forwarder, &address, Some(""));
        assert_eq!(found, ("ours", sender.to_owned()));
    }
}

#[test]
fn a_forgery_within_a_genuine_address_is_refused() {
    let address = srs()
        .forward(FORGED, "old.example", TODAY)
        .unwrap()
        .to_string();
    assert!(srs().reverse(&address, TODAY).is_ok());
    assert_eq!(
        incoming(&forwarder(), &address, Some("")).0,
        "hash-mismatch"
    );
}

/// Quotes and quoted pairs are read in each step as they would be if it were written out.
#[test]
fn what_is_followed_may_be_quoted() {
    let forwarder = forwarder();
    for sender in [
        r#""john \"doe\""@example.com"#,
        r#"".alice"@example.com"#,
        r#"""@example.com"#,
    ] {
        let first = srs()
            .forward(sender, "old.example", TODAY)
            .unwrap()
            .to_string();
        let second = srs()
            .forward(&first, "srs.forward.example", TODAY)
            .unwrap()
            .to_string();
        let found = incoming(&forwarder, &second, Some(""));
        assert_eq!(found, ("ours", sender.to_owned()), "{second}");
    }
    // A pair where the host stands that decides whose it is.
    let second = srs()
        .forward(OURS, "old.example", TODAY)
        .unwrap()
        .to_string();
    let (local_part, domain) = second.split_once('@').unwrap();
    let escaped = local_part.replacen("=srs.forward", r"=\srs\.forward", 1);
    assert_ne!(escaped, local_part);
    let found = incoming(&forwarder, &format!("\"{escaped}\"@{domain}"), Some(""));
    assert_eq!(found, ("ours", ALICE.to_owned()));
}

/// An address within as many others as said, each genuine: the formats that others share do not
/// bind the fields' borders, so that forwarding a sender of a made-up host signs each.
fn nested(levels: usize) -> String {
    (0..levels).fold(ALICE.to_owned(), |inner, _| {
        let (local_part, domain) = inner.rsplit_once('@').unwrap();
        let (first, others) = local_part.split_at(1);
        let sender = format!("{others}@{domain}{first}");
        let signed = srs()
            .forward(&sender, "srs.forward.example", TODAY)
            .unwrap()
            .to_string();
        let (head, _) = signed.split_once(&format!("{domain}{first}=")).unwrap();
        format!("{head}{domain}={local_part}@srs.forward.example")
    })
}

#[test]
fn following_has_a_bound() {
    let forwarder = forwarder();
    assert_eq!(nested(1), OURS);
    for levels in 1..=8 {
        let found = incoming(&forwarder, &nested(levels), Some(""));
        assert_eq!(found, ("ours", ALICE.to_owned()), "{levels}");
    }
    for levels in [9, 10, 100] {
        let found = incoming(&forwarder, &nested(levels), Some(""));
        let reply = "550 5.4.6 SRS address leads to too many others".to_owned();
        assert_eq!(found, ("too-many-steps", reply), "{levels}");
    }
}

/// Which secret, and whether case was folded, is told of all steps.
#[test]
fn what_is_told_of_the_steps_holds_for_all() {
    let new = || Secret::new("brand new").unwrap();
    let ring = Secrets::new(new()).accept(Secret::new("tops3cr3t").unwrap());
    let forwarder = Forwarder::builder(Srs::builder(ring).build().unwrap())
        .srs_domain("srs.forward.example")
        .build()
        .unwrap();
    let told = |address: &str| match forwarder.incoming(address, Some(""), TODAY) {
        Incoming::Ours(reversed) => (
            reversed.to_string(),
            reversed.secret_index(),
            reversed.case_folded(),
        ),
        other => panic!("{address}: {other:?}"),
    };
    let alice = ALICE.to_owned();
    let both = [(Srs::new(new()), 0), (srs(), 1)];
    for (inner, inner_index) in &both {
        for (outer, outer_index) in &both {
            let first = inner
                .forward(ALICE, "srs.forward.example", TODAY)
                .unwrap()
                .to_string();
            let second = outer
                .forward(&first, "x.example", TODAY)
                .unwrap()
                .to_string();
            let (local_part, _) = second.split_once('@').unwrap();
            let second = format!("{local_part}@srs.forward.example");
            let index = *inner_index.max(outer_index);
            assert_eq!(told(&second), (alice.clone(), index, false));
            // The inner hash folded alone: that of the outer covers it without regard to case.
            let hash = first.get(5..9).unwrap();
            let folded = second.replace(hash, &hash.to_ascii_lowercase());
            assert_ne!(folded, second);
            assert_eq!(told(&folded), (alice.clone(), index, true));
            // And the outer alone.
            let hash = second.get(5..9).unwrap();
            let folded = second.replacen(hash, &hash.to_ascii_lowercase(), 1);
            assert_ne!(folded, second);
            assert_eq!(told(&folded), (alice.clone(), index, true));
        }
    }
}

#[test]
fn a_forwarder_needs_a_domain_that_is_one() {
    let build = |domain: &str| Forwarder::builder(srs()).srs_domain(domain).build();
    for domain in [
        "srs.forward.example",
        "bob@srs.forward.example",
        "[192.0.2.1]",
        "süd.example",
    ] {
        assert!(build(domain).is_ok(), "{domain}");
    }
    let long = "a".repeat(256);
    for domain in [
        "",
        ".",
        ".forward.example",
        "*.forward.example",
        "forward..example",
        "forward.example.",
        "a b",
        "bob@",
        "@forward.example",
        "[]",
        "[192.0.2.1",
        "a=b",
        "forward.example\r\n",
        &long,
    ] {
        let refused = build(domain).unwrap_err();
        assert_eq!(refused, ForwarderBuildError::SrsDomain, "{domain}");
    }
    let none = Forwarder::builder(srs()).local_domains(domains(["local.example"]));
    assert_eq!(none.build().unwrap_err(), ForwarderBuildError::NoDomain);
    let chosen = Forwarder::builder(srs()).accepted_domains(Domains::matching(|_| false));
    assert!(chosen.build().is_ok());
}

#[test]
fn errors_of_what_leaves_have_codes_texts_and_replies() {
    let offset = AddressError::Space { offset: 7 };
    for (error, code, text, reply) in [
        (
            OutgoingError::Sender(offset),
            "invalid-sender",
            "invalid sender: unquoted space at offset 7",
            Some("550 5.1.7 sender address is malformed"),
        ),
        (
            OutgoingError::Destination(offset),
            "invalid-destination",
            "invalid destination: unquoted space at offset 7",
            None,
        ),
        (
            OutgoingError::NoSrsDomain,
            "no-srs-domain",
            "no srs domain to rewrite into: the forwarder has none, so each envelope needs one",
            None,
        ),
        (
            OutgoingError::SrsDomain(offset),
            "invalid-srs-domain",
            "invalid srs domain: unquoted space at offset 7",
            None,
        ),
        (
            OutgoingError::SrsDomainNotAccepted,
            "srs-domain-not-accepted",
            "srs domain of the envelope is not among the accepted domains",
            None,
        ),
        (
            OutgoingError::TooLong {
                octets: 84,
                limit: 64,
            },
            "refused-too-long",
            "rewritten local part takes 84 octets, over the limit of 64",
            Some("550 5.1.7 sender address is too long to be forwarded"),
        ),
    ] {
        assert_eq!(error.code(), code);
        assert_eq!(error.to_string(), text);
        let found = error.smtp_reply().map(|reply| reply.to_string());
        assert_eq!(found.as_deref(), reply);
    }
}

#[test]
fn refusals_have_codes_texts_and_replies() {
    let offset = AddressError::Space { offset: 7 };
    for (error, code) in [
        (ReverseError::NotSrs, "not-srs"),
        (ReverseError::Address(offset), "invalid-address"),
        (ReverseError::Malformed(SyntaxError::Host), "malformed"),
        (
            ReverseError::HashTooShort {
                length: 1,
                minimum: 4,
            },
            "hash-too-short",
        ),
        (ReverseError::HashMismatch, "hash-mismatch"),
        (
            ReverseError::Expired {
                age: 22,
                max_age: 21,
            },
            "expired",
        ),
    ] {
        let refused = IncomingError::Srs(error);
        assert_eq!(refused.code(), code);
        assert_eq!(refused.to_string(), error.to_string());
        let reply = error.smtp_reply().map(|reply| reply.to_string());
        let reply = reply.unwrap_or("550 5.1.3 SRS address is malformed".to_owned());
        assert_eq!(refused.smtp_reply().to_string(), reply);
    }
    for (error, text) in [
        (
            IncomingError::NotABounce,
            "srs address is genuine, but the sender is not null",
        ),
        (
            IncomingError::TooManySteps,
            "srs address leads to too many others",
        ),
    ] {
        assert_eq!(error.to_string(), text);
    }
}

#[test]
fn reasons_have_codes_and_settings_have_texts() {
    for (reason, code) in [
        (KeepReason::NullSender, "null-sender"),
        (KeepReason::AlreadyOurs, "already-ours"),
        (KeepReason::LocalSender, "local-sender"),
        (KeepReason::LocalDestination, "local-destination"),
        (KeepReason::DestinationNotCovered, "destination-not-covered"),
        (KeepReason::SpfPasses, "spf-passes"),
        (KeepReason::TooLong, "too-long"),
    ] {
        assert_eq!(reason.code(), code);
        assert_eq!(Outgoing::Keep(reason).code(), code);
    }
    assert_eq!(
        ForwarderBuildError::SrsDomain.to_string(),
        "srs domain is no domain: give one such as srs.example.com"
    );
    assert_eq!(
        ForwarderBuildError::NoDomain.to_string(),
        "no domain for srs addresses: give an srs domain, or accepted domains to choose from"
    );
}

#[test]
fn domains_match_exactly_or_with_subdomains_in_any_case() {
    let set = domains([
        "Example.com",
        ".Example.NET",
        "[IPv6:2001:DB8::1]",
        "süd.example",
        "x_y.example",
    ]);
    for (domain, contained) in [
        ("example.com", true),
        ("EXAMPLE.COM", true),
        ("mx.example.com", false),
        ("notexample.com", false),
        ("com", false),
        ("example.net", false),
        ("mx.example.net", true),
        ("A.B.example.NET", true),
        ("notexample.net", false),
        (".example.net", false),
        (".a.example.net", false),
        ("example.net.", false),
        ("[ipv6:2001:db8::1]", true),
        ("[ipv6:2001:db8::2]", false),
        ("süd.example", true),
        ("SüD.EXAMPLE", true),
        // Case never means more than ASCII's.
        ("SÜD.EXAMPLE", false),
        ("X_Y.example", true),
        ("", false),
        (".", false),
    ] {
        assert_eq!(set.contains(domain), contained, "{domain}");
    }
    let nothing = Domains::default();
    assert!(!nothing.contains("example.com") && !nothing.contains(""));
}

#[test]
fn a_domain_has_no_more_than_255_octets() {
    let with = |octets: usize| "a.".repeat(octets / 2 - 8) + &"b".repeat(16);
    let (fits, too_long) = (with(254) + "b", with(256));
    assert_eq!((fits.len(), too_long.len()), (255, 256));
    let set = domains([&fits, ".bbbb"]);
    assert!(set.contains(&fits));
    assert!(set.contains(&fits.to_ascii_uppercase()));
    assert!(!set.contains(&too_long));
    let asked = Domains::matching(|_| true);
    assert!(asked.contains(&fits) && !asked.contains(&too_long));
    assert!(set.contains(&format!("{}.bbbb", "a".repeat(250))));
    assert!(!set.contains(&format!("{}.bbbb", "a".repeat(251))));
    assert_eq!(
        Domains::new([too_long]).unwrap_err(),
        DomainsError::Entry { entry: 1 }
    );
}

#[test]
fn domains_are_read_from_lines() {
    let lines = "\u{feff}example.com\r\n\r\n  \t\n# a comment\n \tExample.net \t# and another\r\n\
                 #example.org\n.example.edu#x\nlast.example";
    let set = Domains::from_lines(lines).unwrap();
    for domain in [
        "example.com",
        "example.net",
        "mx.example.edu",
        "last.example",
    ] {
        assert!(set.contains(domain), "{domain}");
    }
    assert!(!set.contains("example.org") && !set.contains("#example.org"));
    assert_eq!(format!("{set:?}"), "Domains(4 entries)");

    let empty = Domains::from_lines("# nothing\n\n").unwrap();
    assert_eq!(format!("{empty:?}"), "Domains(0 entries)");
    assert_eq!(
        format!("{:?}", Domains::matching(|_| true)),
        "Domains(a function)"
    );
}

#[test]
fn an_entry_that_is_no_domain_is_an_error_that_tells_where() {
    for entry in [
        "*.example.com",
        "@example.com",
        "alice@example.com",
        "example.com,",
        "a.example b.example",
        "example.com.",
        "example..com",
        "..example.com",
        ".",
        "..",
        "http://example.com",
        "a=b",
        "[192.0.2.1",
        "192.0.2.1]",
        "[]",
        "[a b]",
        ".[192.0.2.1]",
        "\"example.com\"",
        "a\u{80}b",
        "a\u{85}b",
        "a\u{a0}b",
        "a\u{7f}b",
        "a/b",
        "a!b",
        "!example.com",
        "a\\b",
        "<example.com>",
        // What nobody sees, such as the mark of a file that was put behind another.
        "\u{feff}example.org",
        "exam\u{200b}ple.org",
        "example.org\u{ad}",
        "\u{202e}example.org",
        "example\u{2060}.org",
        ".\u{200f}example.org",
    ] {
        let lines = format!("# first\n\nexample.com\n{entry}\nexample.net\n");
        let refused = Domains::from_lines(&lines).unwrap_err();
        assert_eq!(refused, DomainsError::Line { line: 4 }, "{entry:?}");
        let refused = Domains::new(["example.com", entry]).unwrap_err();
        assert_eq!(refused, DomainsError::Entry { entry: 2 }, "{entry:?}");
    }
    // In a list, nothing is skipped.
    for entry in ["", "# comment", " example.com", "example.com\n"] {
        let refused = Domains::new([entry]).unwrap_err();
        assert_eq!(refused, DomainsError::Entry { entry: 1 }, "{entry:?}");
    }
    let literal = format!("[{}]", "1".repeat(254));
    assert!(Domains::new([literal]).is_err());
    let place = "is no domain: write example.com for that alone, .example.com for its subdomains";
    assert_eq!(
        DomainsError::Line { line: 4 }.to_string(),
        format!("line 4 {place}")
    );
    assert_eq!(
        DomainsError::Entry { entry: 2 }.to_string(),
        format!("entry 2 {place}")
    );
}

/// The joiners change how some scripts are written, and IDNA allows them there.
#[test]
fn a_joiner_may_stand_in_a_domain() {
    let domain = "نامه\u{200c}ای.example";
    assert!(domains([domain]).contains(domain));
}

#[test]
fn one_set_can_be_both_local_and_accepted() {
    let customers = domains(["customer.example", ".customer.example"]);
    for customers in [
        customers.clone(),
        Domains::matching(move |d| customers.contains(d)),
    ] {
        let forwarder = Forwarder::builder(srs())
            .accepted_domains(customers.clone())
            .local_domains(customers)
            .build()
            .unwrap();
        let own = Envelope::new("bob@customer.example", HOME);
        assert_eq!(outgoing_code(&forwarder, own), "local-sender");
        let envelope = Envelope::new(ALICE, HOME).srs_domain("mx.customer.example");
        let (code, address) = outgoing(&forwarder, envelope);
        assert_eq!(code, "rewrite");
        let (code, original) = incoming(&forwarder, &address, None);
        assert_eq!((code, &*original), ("ours", ALICE));
    }
}

/// It is kept, as whatever bears a tag in a domain of ours; who asks at MAIL FROM is told.
#[test]
fn a_forged_sender_in_a_domain_of_ours_is_known_when_asked_for() {
    let forwarder = forwarder();
    let envelope = Envelope::new(FORGED, HOME);
    assert_eq!(outgoing_code(&forwarder, envelope), "already-ours");
    let (code, reply) = incoming(&forwarder, FORGED, Some(""));
    assert_eq!(code, "hash-mismatch");
    assert_eq!(reply, "550 5.7.1 SRS address is not genuine");
    assert_eq!(incoming(&forwarder, OURS, Some("")).0, "ours");
}

#[test]
fn hundreds_of_thousands_of_domains_are_one_set() {
    let lines: String = (0..300_000)
        .map(|number| match number % 3 {
            0 => format!(".p{number}.example\n"),
            _ => format!("P{number}.Example\r\n"),
        })
        .collect();
    let forwarder = Forwarder::builder(srs())
        .srs_domain("srs.forward.example")
        .local_domains(Domains::from_lines(&lines).unwrap())
        .build()
        .unwrap();
    for number in (0..300_000).step_by(997).chain([299_999]) {
        let for_subdomains = number % 3 == 0;
        for (sender, is_local) in [
            (format!("alice@p{number}.EXAMPLE"), !for_subdomains),
            (format!("alice@a.b.p{number}.example"), for_subdomains),
            (format!("alice@q{number}.example"), false),
        ] {
            let code = if is_local { "local-sender" } else { "rewrite" };
            let found = outgoing_code(&forwarder, Envelope::new(&sender, HOME));
            assert_eq!(found, code, "{sender}");
        }
    }
}

#[test]
fn a_function_can_stand_for_a_set_and_gets_lower_case() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let directory = Domains::matching(move |domain| {
        counter.fetch_add(1, Ordering::Relaxed);
        assert_eq!(domain, domain.to_ascii_lowercase());
        domain.ends_with(".directory.example") || domain == "[192.0.2.9]"
    });
    let forwarder = Forwarder::builder(srs())
        .srs_domain("srs.forward.example")
        .local_domains(directory)
        .build()
        .unwrap();
    for (sender, code) in [
        ("bob@X.Directory.Example", "local-sender"),
        ("bob@[192.0.2.9]", "local-sender"),
        (ALICE, "rewrite"),
    ] {
        assert_eq!(outgoing_code(&forwarder, Envelope::new(sender, HOME)), code);
    }
    assert_ne!(asked.swap(0, Ordering::Relaxed), 0);
    // An ordinary recipient asks nobody.
    assert_eq!(
        incoming(&forwarder, "bob@x.directory.example", None).0,
        "ordinary"
    );
    assert_eq!(incoming(&forwarder, OURS, None).0, "ours");
    assert_eq!(asked.load(Ordering::Relaxed), 0);
    let empty = Domains::matching(|_| unreachable!("these are no domains"));
    assert!(!empty.contains("") && !empty.contains(".example"));
}

#[test]
fn neither_verb_allocates() {
    let forwarder = builder()
        .destinations(Destinations::AllBut(domains(["a.example", ".b.example"])))
        .keep_if_spf_passes(true)
        .build()
        .unwrap();
    let nested = nested(3);
    let counted = allocation_counter::measure(|| {
        for (sender, destination) in [
            (ALICE, "BOB@Home.Example"),
            (FOREIGN, HOME),
            (OURS, HOME),
            ("bob@LOCAL.example", HOME),
            (ALICE, "bob@x.y.b.example"),
            ("a b@example.com", HOME),
        ] {
            let envelope = Envelope::new(sender, destination).srs_domain("Old.example");
            let _outcome = forwarder.outgoing(envelope, TODAY);
        }
        for recipient in [OURS, FORGED, FOREIGN, HOME, "SRS0=a b@x", &nested] {
            for sender in [None, Some(""), Some(ALICE)] {
                let _verdict = forwarder.incoming(recipient, sender, TODAY);
            }
        }
    });
    assert_eq!(counted.count_total, 0);
    // It does count.
    let counted = allocation_counter::measure(|| drop(ALICE.to_owned()));
    assert_eq!(counted.count_total, 1);
}

#[test]
fn a_forwarder_can_be_shared_and_shows_no_secret() {
    fn shareable<T: Send + Sync + 'static>(_: &T) {}
    let forwarder = forwarder();
    shareable(&forwarder);
    let shown = format!("{forwarder:?}");
    assert!(shown.contains("srs.forward.example"), "{shown}");
    assert!(!shown.contains("tops3cr3t"), "{shown}");
    assert!(forwarder.srs().reverse(OURS, TODAY).is_ok());
}
