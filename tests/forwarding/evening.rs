//! The evening that comes with the program: whole, against what is expected of it, and under other
//! settings, against what the rules come to when they are told again here.

use std::collections::BTreeMap;
use std::fs;

use mail_srs::{Day, Secret, Srs};
use serde_json::{Value, json};

use crate::program::{Folder, SECRET, file, forwarding, run};

/// The senders of the evening that are none.
const NO_SENDERS: [&str; 2] = ["scanner", "root@localhost@xray-01"];

/// The messages of the evening.
fn messages() -> Vec<Value> {
    let lines = fs::read_to_string(file("examples/forwarding/evening.jsonl")).unwrap();
    let messages = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    messages.collect()
}

/// The domains of a list of the example.
fn list(name: &str) -> Vec<String> {
    let lines = fs::read_to_string(file("examples/forwarding").join(name)).unwrap();
    let entries = lines
        .lines()
        .map(|line| line.split('#').next().unwrap().trim());
    entries
        .filter(|entry| !entry.is_empty())
        .map(str::to_owned)
        .collect()
}

fn is_in(list: &[String], address: &str) -> bool {
    let domain = address.rsplit_once('@').map_or("", |(_, domain)| domain);
    list.iter().any(|entry| match entry.strip_prefix('.') {
        Some(_) => domain.ends_with(entry.as_str()),
        None => domain == entry,
    })
}

#[test]
fn it_is_as_large_as_an_evening_and_names_nobody_real() {
    let messages = messages();
    assert!(messages.len() >= 200, "{}", messages.len());
    // The names that RFC 2606 and RFC 6761 keep for this.
    let reserved = [
        ".example",
        ".test",
        ".invalid",
        "@example.com",
        ".example.com",
        "@example.net",
        ".example.net",
        "@example.org",
        ".example.org",
    ];
    for message in &messages {
        for field in ["recipient", "target", "sender"] {
            let address = message[field].as_str().unwrap_or("");
            assert!(
                matches!(address, "" | "<>")
                    || NO_SENDERS.contains(&address)
                    || reserved.iter().any(|end| address.ends_with(end)),
                "{address}"
            );
        }
    }
}

/// `tests/data/README.md` tells how the expected files are made.
#[test]
fn the_whole_run_is_as_expected() {
    let folder = Folder::new();
    let (html, json) = (folder.argument("page.html"), folder.argument("report.json"));
    let outcome = run(&format!("NOW --html {html} --json={json}"));
    assert_eq!((outcome.code, outcome.err.as_str()), (0, ""));
    let expected = |name| fs::read_to_string(file("tests/data/forwarding").join(name)).unwrap();
    assert_eq!(outcome.out, expected("evening.txt"));
    assert_eq!(folder.read("report.json"), expected("evening.json"));
    assert_eq!(folder.read("page.html"), expected("evening.html"));
    assert_eq!(folder.names(), ["page.html", "report.json"]);

    // As a file it is the same evening.
    let ours = run("EXAMPLE/evening.jsonl OURS");
    assert_eq!((ours.code, ours.out), (0, outcome.out));
    // So is the document, alone on standard output.
    assert_eq!(run("NOW --json").out, expected("evening.json"));
}

#[test]
fn readme_shows_what_it_prints() {
    let readme = fs::read_to_string(file("README.md")).unwrap();
    let (_, section) = readme.split_once("\n## A provider's evening\n").unwrap();
    let excerpt = section.split("```").nth(1).unwrap();
    let evening = fs::read_to_string(file("tests/data/forwarding/evening.txt")).unwrap();
    let pieces: Vec<_> = excerpt
        .strip_prefix("text\n")
        .unwrap()
        .split("[...]\n")
        .collect();
    assert!(pieces.len() > 3);
    // Each piece is whole, they come in this order, and something is left out wherever that is said.
    let mut rest = evening.strip_prefix(pieces[0]).expect(pieces[0]);
    for piece in &pieces[1..pieces.len() - 1] {
        let (left_out, after) = rest.split_once(&format!("\n{piece}")).expect(piece);
        assert_ne!(left_out, "", "{piece}");
        rest = after;
    }
    assert!(rest.ends_with(pieces[pieces.len() - 1]));
    // So it was made.
    assert!(section.contains(&format!("--secret {SECRET} --now 1795478400`")));
    assert!(section.contains(&format!(" {} messages", messages().len())));
    for [rewritten, not_covered, discarded, ..] in &FIGURES[..5] {
        let row = format!("| {rewritten} | {not_covered} | {discarded} |\n");
        assert!(section.contains(&row), "{row}");
    }
}

#[test]
fn without_a_secret_each_run_makes_its_own() {
    let [one, other] = [(); 2].map(|()| run("--now 1795478400"));
    for outcome in [&one, &other] {
        assert_eq!((outcome.code, outcome.err.as_str()), (0, ""));
        assert!(
            outcome.out.contains("      11  bounces sent home"),
            "{}",
            outcome.out
        );
    }
    assert_ne!(one.out, other.out);
    let rest = |out: &str| out.split_once("\nForwarded Discards").unwrap().1.len();
    assert_eq!(rest(&one.out), rest(&other.out));
}

#[test]
fn new_senders_are_those_of_the_library() {
    let srs = Srs::new(Secret::new(SECRET).unwrap());
    let today = Day::from_unix_seconds(1_795_478_400);
    let out = run("NOW").out;
    let (evening, _) = out.split_once("\nForwarded Discards").unwrap();
    let mut made = 0;
    for line in evening
        .lines()
        .filter(|line| line.contains("  rewritten  "))
    {
        let new_sender = line
            .split("  as ")
            .nth(1)
            .unwrap()
            .split("  (")
            .next()
            .unwrap();
        let [time, _, route] = [0, 1, 2].map(|at| line.splitn(3, "  ").nth(at).unwrap());
        assert!(
            messages().iter().any(|message| {
                let sender = message["sender"].as_str().unwrap();
                message["time"] == time
                    && route.starts_with(message["recipient"].as_str().unwrap())
                    && srs
                        .forward(sender, "srs.provider.example", today)
                        .is_ok_and(|forwarded| forwarded.to_string() == new_sender)
            }),
            "{line}"
        );
        made += 1;
    }
    assert_eq!(made, 118);
}

/// What the settings of a run say.
struct Settings {
    cut_off: f64,
    /// `all`, `none`, or the name of a list.
    spam: &'static str,
    srs: &'static str,
}

impl Settings {
    fn arguments(&self) -> String {
        let destinations = |setting: &str| match setting {
            "all" | "none" => setting.to_owned(),
            name => format!("EXAMPLE/{name}"),
        };
        format!(
            "NOW --json --spam-cut-off {} --spam-destinations {} --srs-destinations {}",
            self.cut_off,
            destinations(self.spam),
            destinations(self.srs),
        )
    }

    fn covers(setting: &str, target: &str) -> bool {
        match setting {
            "all" => true,
            "none" => false,
            name => is_in(&list(name), target),
        }
    }

    /// The fate of a message, in the words of the counts.
    fn fate(&self, message: &Value) -> &'static str {
        let local = list("local-domains");
        let [recipient, sender] =
            ["recipient", "sender"].map(|field| message[field].as_str().unwrap());
        let Some(target) = message["target"].as_str() else {
            let is_srs = recipient.to_ascii_uppercase().starts_with("SRS");
            return if is_srs && recipient.ends_with("@srs.provider.example") {
                "forged"
            } else {
                "unknown"
            };
        };
        let is_null = matches!(sender, "" | "<>");
        if NO_SENDERS.contains(&sender) {
            "no sender"
        } else if target.contains(' ') {
            "deferred"
        } else if message["score"].as_f64().unwrap() >= self.cut_off
            && !is_in(&local, target)
            && Settings::covers(self.spam, target)
        {
            "discarded"
        } else if !is_null
            && !is_in(&local, sender)
            && !is_in(&local, target)
            && Settings::covers(self.srs, target)
        {
            "rewritten"
        } else {
            "unchanged"
        }
    }
}

/// The settings in the order in which the provider came to them, and some more.
const SETTINGS: [Settings; 7] = [
    Settings {
        cut_off: 6.0,
        spam: "none",
        srs: "none",
    },
    Settings {
        cut_off: 6.0,
        spam: "none",
        srs: "srs-destinations",
    },
    Settings {
        cut_off: 6.0,
        spam: "none",
        srs: "all",
    },
    Settings {
        cut_off: 6.0,
        spam: "spam-destinations",
        srs: "all",
    },
    Settings {
        cut_off: 6.0,
        spam: "all",
        srs: "all",
    },
    Settings {
        cut_off: 9.6,
        spam: "all",
        srs: "all",
    },
    Settings {
        cut_off: -100.0,
        spam: "spam-destinations",
        srs: "srs-destinations",
    },
];

type Tally = BTreeMap<(String, String), BTreeMap<String, (u64, f64)>>;

#[test]
fn every_setting_comes_to_what_its_rules_say() {
    let messages = messages();
    for settings in SETTINGS {
        let arguments = settings.arguments();
        let report = run(&arguments).json();
        let mut fates = BTreeMap::<_, u64>::new();
        let mut octets = BTreeMap::<_, u64>::new();
        let mut discards = Tally::new();
        for message in &messages {
            let fate = settings.fate(message);
            *fates.entry(fate).or_default() += 1;
            *octets.entry(fate).or_default() += message["size"].as_u64().unwrap_or(0);
            if fate == "discarded" {
                let [target, recipient, sender] = ["target", "recipient", "sender"]
                    .map(|field| message[field].as_str().unwrap().to_owned());
                let group = discards
                    .entry((target, recipient.to_lowercase()))
                    .or_default();
                let tally = group
                    .entry(sender.replace("<>", ""))
                    .or_insert((0, -1000.0));
                tally.0 += 1;
                tally.1 = tally.1.max(message["score"].as_f64().unwrap());
            }
        }
        let fate = |fate| *fates.get(fate).unwrap_or(&0);
        let octets = |fate| *octets.get(fate).unwrap_or(&0);

        let mut reported = Tally::new();
        for group in report["discards"].as_array().unwrap() {
            let [target, recipient] =
                ["target", "recipient"].map(|field| group[field].as_str().unwrap().to_owned());
            let senders = reported.entry((target, recipient)).or_default();
            for line in group["senders"].as_array().unwrap() {
                let sender = line["sender"].as_str().unwrap().to_owned();
                let tally = (
                    line["count"].as_u64().unwrap(),
                    line["highest_score"].as_f64().unwrap(),
                );
                assert_eq!(senders.insert(sender, tally), None);
            }
        }
        assert_eq!(reported, discards, "{arguments}");

        let counts = &report["counts"];
        let forwarded = |of: &dyn Fn(&str) -> bool| -> u64 {
            let codes = counts["forwarded"].as_object().unwrap().iter();
            codes
                .filter(|(code, _)| of(code))
                .map(|(_, count)| count.as_u64().unwrap())
                .sum()
        };
        let is_rewrite = |code: &str| code.starts_with("rewrite");
        assert_eq!(forwarded(&is_rewrite), fate("rewritten"), "{arguments}");
        assert_eq!(
            forwarded(&|code| !is_rewrite(code)),
            fate("unchanged"),
            "{arguments}"
        );
        assert_eq!(counts["discarded"], fate("discarded"), "{arguments}");
        assert_eq!(
            counts["discarded_octets"],
            octets("discarded"),
            "{arguments}"
        );
        assert_eq!(
            counts["forwarded_octets"],
            octets("rewritten") + octets("unchanged"),
            "{arguments}"
        );
        assert_eq!(counts["unknown_recipients"], fate("unknown"), "{arguments}");
        assert_eq!(
            counts["senders_refused"],
            json!({"invalid-sender": fate("no sender")})
        );
        assert_eq!(
            counts["deferred"],
            json!({"invalid-destination": fate("deferred")})
        );
        assert_eq!(report["spam_cut_off"], settings.cut_off);
        assert_eq!(
            report["spam_destinations"],
            if settings.spam == "all" {
                "all"
            } else {
                "listed"
            }
        );
    }
}

#[test]
fn the_story_in_figures() {
    let figures = SETTINGS.map(|settings| {
        let counts = run(&settings.arguments()).json()["counts"].take();
        let sum = |counts: &Value| -> u64 {
            let counts = counts.as_object().unwrap().values();
            counts.map(|count| count.as_u64().unwrap()).sum()
        };
        let of = |field: &str| counts["forwarded"][field].as_u64().unwrap_or(0);
        [
            of("rewrite") + of("rewrite-too-long"),
            of("destination-not-covered"),
            counts["discarded"].as_u64().unwrap(),
            counts["bounces_reversed"].as_u64().unwrap(),
            sum(&counts["bounces_refused"]),
        ]
    });
    // Rewritten, not covered, discarded, bounces reversed and refused. README has those of the first.
    assert_eq!(figures, FIGURES);
}

const FIGURES: [[u64; 5]; 7] = [
    [0, 167, 0, 0, 6],
    [124, 43, 0, 10, 10],
    [167, 0, 0, 11, 12],
    [132, 0, 43, 11, 12],
    [118, 0, 57, 11, 12],
    [142, 0, 28, 11, 12],
    [13, 43, 127, 0, 6],
];

#[test]
fn the_lines_with_most_messages_come_first_and_then_the_highest_scores() {
    let report = run("NOW --json").json();
    let groups = report["discards"].as_array().unwrap();
    let names: Vec<_> = groups
        .iter()
        .map(|group| {
            (
                group["target"].as_str().unwrap(),
                group["recipient"].as_str().unwrap(),
            )
        })
        .collect();
    assert!(names.is_sorted());
    for group in groups {
        let lines = group["senders"].as_array().unwrap().iter();
        let ranks = lines.map(|line| {
            (
                line["count"].as_u64().unwrap(),
                line["highest_score"].as_f64().unwrap(),
            )
        });
        assert!(ranks.is_sorted_by(|a, b| a >= b), "{group}");
    }
}

#[test]
fn unknown_recipients_are_counted_and_never_listed() {
    let folder = Folder::new();
    let html = folder.argument("page.html");
    let json = folder.argument("report.json");
    let unknown: Vec<_> = messages()
        .into_iter()
        .filter(|message| SETTINGS[0].fate(message) == "unknown")
        .map(|message| message["recipient"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(unknown.len(), 37);
    let outcome = run(&format!("NOW --html {html} --json={json}"));
    assert!(
        outcome
            .out
            .contains("      37  rejected: no such recipient\n"),
        "{}",
        outcome.out
    );
    for text in [
        outcome.out,
        outcome.err,
        folder.read("page.html"),
        folder.read("report.json"),
    ] {
        // No other address of the evening ends as one of these does.
        let listed = unknown
            .iter()
            .find(|recipient| text.contains(recipient.as_str()));
        assert_eq!(listed, None);
    }
}

#[test]
fn a_customers_report_holds_nobody_elses_mail() {
    let folder = Folder::new();
    let html = folder.argument("page.html");
    let outcome = run(&format!("NOW --customer Teahouse.example --html {html}"));
    let report = outcome.out.split_once("\nForwarded Discards").unwrap().1;
    let report = report.split_once("\nWhat comes back").unwrap().0;
    assert_eq!(report.matches("mail to ").count(), 2, "{report}");
    assert_eq!(
        report.matches("mail to hello@teahouse.example\n").count(),
        1
    );
    assert_eq!(
        report.matches("mail to orders@teahouse.example\n").count(),
        1
    );
    assert!(report.contains("not forwarded: 11\n"), "{report}");

    let page = folder.read("page.html");
    assert!(page.contains("Teahouse.example"));
    assert!(page.contains("There were 11."));
    for other in list("local-domains")
        .iter()
        .filter(|domain| *domain != "teahouse.example")
    {
        assert!(!page.contains(other.as_str()), "{other}");
    }
    assert!(!page.contains("bigmail.example"));
    // The counts are not for customers.
    assert!(!page.contains("258"));

    let nobody = forwarding(&format!("NOW --customer other.example --html {html}"));
    assert!({ nobody }.output().unwrap().status.success());
    assert!(folder.read("page.html").contains("There were none.</p>"));
}
