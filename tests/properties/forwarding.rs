//! The policy of a forwarder: what it rewrites comes back to it, what is ours is never wrapped
//! again, and what is somebody else's is left alone.

use mail_srs::{
    Day, Domains, DomainsError, Envelope, Forwarder, Incoming, IncomingError, KeepReason, Mailbox,
    Outgoing, ReverseError, Srs, SrsKind, TooLong,
};
use proptest::{collection::vec, prelude::*, sample::Index, sample::select};

use crate::mailboxes::{Tag, domain, hostile, mailbox, ordinary_mailbox, requoted};
use crate::settings::{Settings, day, later, settings};
use crate::there_and_back::{any_age, cases, with_case};
use crate::{
    bounce_destination, came_back, config, forwarded, mailbox_with_a_way_back, meaning, syntax,
};

/// The domains of the forwarder: for SRS addresses, the first being the default, and local.
const SRS_DOMAINS: [&str; 3] = ["srs.forward.example", "old.example", "[192.0.2.1]"];
const SRS_PARENT: &str = ".customers.example";
const LOCAL_DOMAINS: [&str; 2] = ["local.example", "süd.example"];
const LOCAL_PARENT: &str = ".local.example";

/// How deep one address of ours within another is followed.
const MAX_STEPS: usize = 8;

fn forwarder(settings: &Settings) -> Result<Forwarder, TestCaseError> {
    let set = |domains: &[&str], parent| {
        Domains::new(domains.iter().copied().chain([parent]))
            .map_err(|error| TestCaseError::fail(error.to_string()))
    };
    let [srs_domain, accepted @ ..] = SRS_DOMAINS;
    Forwarder::builder(settings.srs())
        .srs_domain(srs_domain)
        .accepted_domains(set(&accepted, SRS_PARENT)?)
        .local_domains(set(&LOCAL_DOMAINS, LOCAL_PARENT)?)
        .build()
        .map_err(|error| TestCaseError::fail(error.to_string()))
}

/// Whose a host is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    ForSrs,
    Local,
    Elsewhere,
}

/// A host, and whose it is, by construction.
fn host() -> impl Strategy<Value = (String, Whose)> {
    let label = "[a-zA-Z0-9]{1,8}(\\.[a-z0-9]{1,8})?";
    prop_oneof![
        2 => select(&SRS_DOMAINS[..]).prop_map(|host| (host.to_owned(), Whose::ForSrs)),
        1 => label.prop_map(|label| (label + SRS_PARENT, Whose::ForSrs)),
        1 => select(&LOCAL_DOMAINS[..]).prop_map(|host| (host.to_owned(), Whose::Local)),
        1 => label.prop_map(|label| (label + LOCAL_PARENT, Whose::Local)),
        2 => elsewhere().prop_map(|host| (host, Whose::Elsewhere)),
    ]
}

/// The host of somebody else, among them such as only look like one of ours.
fn elsewhere() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => domain(),
        1 => select(
            &[
                "customers.example",
                "forward.example",
                "mx.old.example",
                "notold.example",
                "old.example.org",
                "xlocal.example",
                "[192.0.2.2]",
            ][..]
        )
        .prop_map(str::to_owned),
    ]
}

/// The same address at another host, letter case changed where `upper_case`, repeated, says.
fn at(address: &str, host: &str, upper_case: &[bool]) -> String {
    let (local_part, _) = syntax::split(address).unwrap_or_default();
    format!("{local_part}@{}", with_case(host, upper_case))
}

fn outcome<'a>(
    forwarder: &'a Forwarder,
    envelope: Envelope<'a>,
    today: Day,
) -> Result<Outgoing<'a>, TestCaseError> {
    forwarder
        .outgoing(envelope, today)
        .map_err(|error| TestCaseError::fail(format!("{envelope:?}: {error}")))
}

proptest! {
    #![proptest_config(config())]

    /// Whatever the domains' letter case, and whatever the mailbox.
    #[test]
    fn a_sender_is_rewritten_if_both_ends_are_elsewhere(
        settings in settings(),
        (sender, destination) in (mailbox(), mailbox()),
        ((from, of_sender), (to, of_destination)) in (host(), host()),
        (upper_case, other_case) in (cases(), cases()),
        today in day(),
    ) {
        let forwarder = forwarder(&settings)?;
        let is_srs = Tag::of(&meaning(&sender)?.0) != Tag::None;
        let expected = match (of_sender, of_destination) {
            (Whose::ForSrs, _) if is_srs => Some(KeepReason::AlreadyOurs),
            (Whose::ForSrs | Whose::Local, _) => Some(KeepReason::LocalSender),
            (_, Whose::ForSrs | Whose::Local) => Some(KeepReason::LocalDestination),
            (Whose::Elsewhere, Whose::Elsewhere) => None,
        };
        for (upper_case, other_case) in [(&upper_case, &other_case), (&other_case, &upper_case)] {
            let sender = at(&sender, &from, upper_case);
            for destination in [at(&destination, &to, other_case), with_case(&to, upper_case)] {
                let envelope = Envelope::new(&sender, &destination);
                match outcome(&forwarder, envelope, today)? {
                    Outgoing::Rewrite(address) => {
                        prop_assert_eq!(expected, None);
                        let made = forwarded(forwarder.srs(), &sender, SRS_DOMAINS[0], today)?;
                        prop_assert_eq!(address.to_string(), made);
                    }
                    Outgoing::Keep(reason) => prop_assert_eq!(Some(reason), expected),
                }
            }
        }
    }

    #[test]
    fn what_is_rewritten_comes_back(
        settings in settings(),
        sender in mailbox_with_a_way_back(),
        from in elsewhere(),
        (srs_domain, _) in host().prop_filter("for SRS", |(_, whose)| *whose == Whose::ForSrs),
        (upper_case, other_case) in (cases(), cases()),
        today in day(),
        when in any::<Index>(),
    ) {
        let forwarder = forwarder(&settings)?;
        let sender = at(&sender, &from, &upper_case);
        let srs_domain = with_case(&srs_domain, &other_case);
        let envelope = Envelope::new(&sender, "bob@elsewhere.example");
        for envelope in [envelope, envelope.srs_domain(&srs_domain)] {
            let Outgoing::Rewrite(address) = outcome(&forwarder, envelope, today)? else {
                return Err(TestCaseError::fail(format!("{envelope:?} is kept")));
            };
            let address = address.to_string();
            // In whatever case its domain comes back.
            let (_, host) = syntax::split(&address).unwrap_or_default();
            let bounced = at(&address, host, &upper_case);
            for age in [0, any_age(&settings, when)?] {
                let day = later(today, age);
                let Incoming::Ours(reversed) = forwarder.incoming(&bounced, Some(""), day) else {
                    return Err(TestCaseError::fail(format!("{bounced} is not ours")));
                };
                let (came, expected) = (reversed.to_string(), bounce_destination(&sender)?);
                if Tag::of(&meaning(&sender)?.0) == Tag::None {
                    came_back(&came, &expected)?;
                } else {
                    prop_assert_eq!(meaning(&came)?, meaning(&expected)?);
                }
                // From a real sender it is genuine too, but no bounce.
                prop_assert_eq!(
                    forwarder.incoming(&bounced, Some(&sender), day),
                    Incoming::Refused(IncomingError::NotABounce)
                );
            }
        }
    }

    #[test]
    fn a_foreign_address_is_never_touched(
        settings in settings(),
        local_part in prop_oneof![
            hostile(),
            hostile().prop_map(|text| format!("SRS0={text}")),
            hostile().prop_map(|text| format!("\"srs1+{text}\"")),
            mailbox().prop_map(|address| {
                syntax::split(&address).unwrap_or_default().0.to_owned()
            }),
        ],
        host in elsewhere(),
        sender in prop_oneof![Just(None), Just(Some(String::new())), mailbox().prop_map(Some)],
        upper_case in cases(),
        today in day(),
    ) {
        let recipient = format!("{local_part}@{}", with_case(&host, &upper_case));
        let verdict = forwarder(&settings)?.incoming(&recipient, sender.as_deref(), today);
        let begin = recipient.strip_prefix('"').map_or(recipient.clone(), |_| {
            syntax::local_part_text(&format!("{}\"", recipient.trim_end_matches('\\')))
        });
        let expected = match Tag::of(&begin) {
            Tag::None => Incoming::Ordinary,
            Tag::Srs0 | Tag::Srs1 => Incoming::Foreign,
        };
        prop_assert_eq!(verdict, expected, "{:?}", recipient);
    }

    #[test]
    fn a_verdict_does_not_depend_on_the_case_of_domains(
        settings in settings(),
        address in prop_oneof![mailbox(), ordinary_mailbox()],
        (host, whose) in host(),
        genuine in any::<bool>(),
        upper_case in cases(),
        today in day(),
    ) {
        let forwarder = forwarder(&settings)?;
        // Genuine in whatever domain: the hash does not cover that.
        let address = if genuine {
            forwarded(&settings.always_rewriting(true).srs(), &address, "any.example", today)?
        } else {
            address
        };
        let [one, other] = [&[false][..], &upper_case].map(|case| at(&address, &host, case));
        for sender in [None, Some(""), Some("eve@example.org")] {
            let verdict = forwarder.incoming(&one, sender, today);
            prop_assert_eq!(verdict, forwarder.incoming(&other, sender, today));
            let has_tag = Tag::of(&meaning(&one)?.0) != Tag::None;
            let as_expected = match (whose, has_tag) {
                (_, false) | (Whose::Local, _) => verdict == Incoming::Ordinary,
                (Whose::Elsewhere, true) => verdict == Incoming::Foreign,
                (Whose::ForSrs, true) => {
                    matches!(verdict, Incoming::Ours(_) | Incoming::Refused(_))
                }
            };
            prop_assert!(as_expected, "{one}: {verdict:?}");
            if whose == Whose::ForSrs && genuine && sender.is_none() {
                prop_assert!(matches!(verdict, Incoming::Ours(_)), "{one}: {verdict:?}");
            }
        }
    }

    /// Through hosts of ours, which share their secrets and domains, and through others, in any
    /// order: our addresses are made once, hold one address, and lead back to it from anywhere.
    #[test]
    fn no_loop_makes_an_address_within_an_address(
        settings in settings(),
        theirs in settings(),
        sender in ordinary_mailbox(),
        from in elsewhere(),
        path in vec(select(&["ours", "old", "theirs", "others"][..]), 1..12),
        today in day(),
    ) {
        let forwarder = forwarder(&settings)?;
        let sender = at(&sender, &from, &[false]);
        let theirs = theirs.always_rewriting(false).srs();
        let mut address = sender.clone();
        let mut first: Option<String> = None;
        for hop in path {
            let is_ours = address != sender && SRS_DOMAINS.iter().any(|d| address.ends_with(d));
            let next = match hop {
                "ours" | "old" => {
                    let domain = SRS_DOMAINS[usize::from(hop == "old")];
                    let envelope = Envelope::new(&address, "next.example").srs_domain(domain);
                    match outcome(&forwarder, envelope, today)? {
                        Outgoing::Rewrite(address) => {
                            prop_assert!(!is_ours, "{address} is rewritten again");
                            address.to_string()
                        }
                        Outgoing::Keep(reason) => {
                            prop_assert!(is_ours, "{reason:?}: {address}");
                            prop_assert_eq!(reason, KeepReason::AlreadyOurs);
                            address.clone()
                        }
                    }
                }
                other => forwarded(&theirs, &address, &format!("{other}.example"), today)?,
            };
            address = next;
            // What the first hop made, whoever it was, is all that any later address holds.
            let first = first.get_or_insert_with(|| address.clone());
            let (first_text, first_hop) = meaning(first)?;
            let (text, _) = meaning(&address)?;
            if address != *first && Tag::of(&text) == Tag::Srs1 {
                let rest = first_text.get("SRS0".len()..).unwrap_or_default();
                let fields: Vec<_> = text.splitn(4, '=').collect();
                prop_assert!(
                    text.get("SRS1=".len()..).is_some_and(|fields| {
                        fields.split_once('=').is_some_and(|(_, fields)| {
                            fields == format!("{first_hop}={rest}")
                        })
                    }),
                    "{fields:?} is not {first}"
                );
            } else {
                prop_assert_eq!(&text, &first_text);
            }
            if SRS_DOMAINS.iter().any(|domain| address.ends_with(domain)) {
                let Incoming::Ours(reversed) = forwarder.incoming(&address, Some(""), today) else {
                    return Err(TestCaseError::fail(format!("{address} is not taken")));
                };
                let expected = if SRS_DOMAINS.contains(&&*first_hop) { &sender } else { first };
                prop_assert_eq!(meaning(&reversed.to_string())?, meaning(expected)?);
            }
        }
    }

    /// Following does what reversing would, if each step were written out and read again.
    #[test]
    fn following_is_reversing_again_and_again(
        settings in settings(),
        sender in mailbox(),
        hosts in vec(host(), 1..4),
        (upper_case, folded) in (cases(), any::<bool>()),
        backslashes in prop_oneof![Just(None), vec(any::<bool>(), 1..40).prop_map(Some)],
        (today, when) in (day(), any::<Index>()),
    ) {
        let srs = settings.always_rewriting(true).srs();
        let forwarder = forwarder(&settings)?;
        let mut address = sender;
        let mut is_ours = false;
        for (host, whose) in hosts {
            address = at(&address, &host, &upper_case);
            let next = forwarded(&srs, &address, SRS_DOMAINS[1], today)?;
            is_ours |= whose == Whose::ForSrs;
            address = next;
        }
        let (local_part, domain) = syntax::split(&address).unwrap_or_default();
        let local_part = match (backslashes, folded) {
            (Some(backslashes), _) => requoted(local_part, &backslashes),
            (None, true) => with_case(local_part, &upper_case),
            (None, false) => local_part.to_owned(),
        };
        let address = format!("{local_part}@{domain}");
        let day = later(today, any_age(&settings, when)?);
        let verdict = match forwarder.incoming(&address, None, day) {
            Incoming::Ours(reversed) => Ok((
                meaning(&reversed.to_string())?,
                reversed.secret_index(),
                reversed.case_folded(),
                reversed.age(),
                reversed.kind(),
            )),
            Incoming::Refused(error) => Err(error),
            other => return Err(TestCaseError::fail(format!("{address}: {other:?}"))),
        };
        prop_assert_eq!(&verdict, &step_by_step(&srs, &address, day)?, "{}", address);
        prop_assert!(is_ours || verdict.is_ok(), "{address}: {verdict:?}");
    }

    #[test]
    fn a_set_of_domains_is_its_entries(
        entries in vec((any::<bool>(), "[a-cA-C]{1,2}(\\.[a-b]){0,3}"), 0..12),
        domain in "[a-cA-C]{1,2}(\\.[a-bA-B]){0,4}",
    ) {
        let entries: Vec<String> = entries
            .into_iter()
            .map(|(parent, entry)| if parent { format!(".{entry}") } else { entry })
            .collect();
        let lower_case = domain.to_ascii_lowercase();
        let matches = entries.iter().map(|entry| entry.to_ascii_lowercase()).any(|entry| {
            lower_case == entry || (entry.starts_with('.') && lower_case.ends_with(&entry))
        });
        let fail = |error: DomainsError| TestCaseError::fail(error.to_string());
        for set in [
            Domains::new(&entries).map_err(fail)?,
            Domains::from_lines(&entries.join("\n")).map_err(fail)?,
        ] {
            prop_assert_eq!(set.contains(&domain), matches, "{} in {:?}", domain, entries);
        }
    }

    #[test]
    fn what_is_taken_for_an_entry_can_be_found(
        text in prop_oneof![hostile(), domain(), host().prop_map(|(host, _)| host)],
        parent in any::<bool>(),
        upper_case in cases(),
    ) {
        let entry = if parent { format!(".{text}") } else { text };
        let listed = Domains::new([&entry]);
        prop_assert_eq!(
            listed.is_ok(),
            Domains::from_lines(&format!("first.example\n{entry}\n")).is_ok()
                && !entry.is_empty() && entry.trim() == entry && !entry.contains(['#', '\n']),
            "{:?}", entry
        );
        if let Ok(listed) = listed {
            let subdomain = format!("mx{entry}");
            let found = if entry.starts_with('.') { &subdomain } else { &entry };
            prop_assert!(found.len() > 255 || listed.contains(&with_case(found, &upper_case)));
            // What the set takes for a domain, an address can hold.
            prop_assert!(Mailbox::parse(&format!("alice@{found}")).is_ok(), "{found:?}");
        }
    }

    #[test]
    fn nothing_hostile_gets_through_the_policy(
        settings in settings(),
        (sender, destination) in (hostile(), hostile()),
        srs_domain in prop_oneof![Just(None), hostile().prop_map(Some)],
        too_long in select(&[TooLong::Rewrite, TooLong::Keep, TooLong::Refuse][..]),
        today in day(),
    ) {
        // Any text passes for an accepted domain, so only what is none can be refused.
        let forwarder = Forwarder::builder(settings.srs())
            .srs_domain(SRS_DOMAINS[0])
            .accepted_domains(Domains::matching(|domain| domain.len() % 2 == 0))
            .too_long(too_long)
            .build()
            .map_err(|error| TestCaseError::fail(error.to_string()))?;
        let mut envelope = Envelope::new(&sender, &destination);
        if let Some(srs_domain) = &srs_domain {
            envelope = envelope.srs_domain(srs_domain);
        }
        match forwarder.outgoing(envelope, today) {
            Ok(Outgoing::Rewrite(address)) => {
                let fits = address.within_rfc5321_limits();
                prop_assert!(fits || too_long == TooLong::Rewrite, "{address}");
                let address = address.to_string();
                prop_assert!(syntax::is_safe_in_a_command(&address), "{address:?}");
                prop_assert!(address != sender);
            }
            Ok(Outgoing::Keep(reason)) => {
                let safe = reason == KeepReason::NullSender || syntax::is_safe_in_a_command(&sender);
                prop_assert!(safe, "{sender:?} is kept");
            }
            Err(error) => {
                let reply = error.smtp_reply().map(|reply| reply.to_string());
                for text in [error.to_string(), reply.unwrap_or_default()] {
                    prop_assert!(text.chars().all(|c| matches!(c, ' '..='~')), "{text:?}");
                }
            }
        }
        match forwarder.incoming(&destination, Some(&sender), today) {
            Incoming::Ours(reversed) => {
                prop_assert!(syntax::is_safe_in_a_command(&reversed.to_string()), "{reversed}");
            }
            Incoming::Refused(error) => {
                prop_assert_ne!(error, IncomingError::Srs(ReverseError::NotSrs));
                let text = error.to_string();
                prop_assert!(text.chars().all(|c| matches!(c, ' '..='~')), "{text:?}");
            }
            Incoming::Ordinary | Incoming::Foreign => {}
        }
    }
}

type Told = ((String, String), usize, bool, Option<i16>, SrsKind);

/// Reverses as long as the result is an SRS address in a domain of ours, each written and read.
fn step_by_step(
    srs: &Srs,
    address: &str,
    today: Day,
) -> Result<Result<Told, IncomingError>, TestCaseError> {
    let (mut address, mut index, mut folded) = (address.to_owned(), 0, false);
    for _ in 0..MAX_STEPS {
        let reversed = match srs.reverse(&address, today) {
            Ok(reversed) => reversed,
            Err(error) => return Ok(Err(error.into())),
        };
        index = reversed.secret_index().max(index);
        folded |= reversed.case_folded();
        let (text, host) = meaning(&reversed.to_string())?;
        let lower_case = host.to_ascii_lowercase();
        let is_ours = SRS_DOMAINS.contains(&&*lower_case) || lower_case.ends_with(SRS_PARENT);
        if Tag::of(&text) == Tag::None || !is_ours {
            let (age, kind) = (reversed.age(), reversed.kind());
            return Ok(Ok(((text, host), index, folded, age, kind)));
        }
        address = reversed.to_string();
    }
    Ok(Err(IncomingError::TooManySteps))
}
