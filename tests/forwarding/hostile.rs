//! Senders who mean harm, in every form of the report.

use serde_json::{Value, json};

use crate::program::{Folder, Outcome, assert_harmless, forwarding, run};

/// Envelope senders that a mail server takes, and what is to be seen of each. Any script in them puts
/// the word `owned` where [`crate::browser`] looks for it.
pub(crate) const SENDERS: [(&str, &str); 13] = {
    const fn plain(sender: &'static str) -> (&'static str, &'static str) {
        (sender, sender)
    }
    [
        plain("\"<script>document.documentElement.className='owned'</script>\"@evil.example"),
        plain("\"<img src=x onerror=document.documentElement.className='owned'>\"@evil.example"),
        plain("\"'><svg onload=document.documentElement.className='owned'>\"@evil.example"),
        plain("\"</td></tr></table></main><h1>Pay here</h1>\"@evil.example"),
        plain("\"</style><style>*{display:none}\"@evil.example"),
        plain("\"<!--\"@evil.example"),
        plain("\"&lt;b&gt; &amp;amp; &#x202e;\"@evil.example"),
        plain("\"javascript:document.documentElement.className='owned'\"@evil.example"),
        plain("o'brien&sons@evil.example"),
        plain("\"back\\\\slash\"@evil.example"),
        plain("עברית@evil.example"),
        (
            "exe\u{202e}gpj.moc@evil.example",
            "exe\\u{202e}gpj.moc@evil.example",
        ),
        (
            "a\u{2066}b\u{200b}c\u{feff}@evil.example",
            "a\\u{2066}b\\u{200b}c\\u{feff}@evil.example",
        ),
    ]
};

/// A message that is discarded, with this sender, as a line.
pub(crate) fn spam(sender: &str) -> String {
    let message = json!({
        "recipient": "info@hofladen.example",
        "target": "petra@bigmail.example",
        "sender": sender,
        "score": 9.5,
        "size": 1000,
    });
    format!("{message}\n")
}

/// The hostile evening, as a file.
pub(crate) fn messages(folder: &Folder) -> String {
    let lines: String = SENDERS.iter().map(|(sender, _)| spam(sender)).collect();
    folder.write("messages.jsonl", lines)
}

/// The page's text for an address.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
        .replace('@', "<wbr>@")
}

#[test]
fn a_page_holds_them_as_text() {
    let folder = Folder::new();
    let (messages, html) = (messages(&folder), folder.argument("page.html"));
    let outcome = run(&format!("OURS {messages} --html {html}"));
    assert_eq!((outcome.code, outcome.err.as_str()), (0, ""));
    let page = folder.read("page.html");
    assert_harmless(&page);
    for (sender, shown) in SENDERS {
        let cell = format!("<td><bdi dir=\"ltr\">{}</bdi></td>", escaped(shown));
        assert_eq!(page.matches(&cell).count(), 1, "{sender}: {page}");
    }
    // Every other angle bracket is of the program's own.
    let tags = [
        "<script",
        "<img",
        "<svg",
        "</style><style",
        "<!--",
        "<h1>Pay",
        "</main><",
    ];
    for tag in tags {
        assert!(!page.contains(tag), "{tag}");
    }
    assert_eq!(page.matches("<tr>").count(), 1 + SENDERS.len());
    assert_eq!(page.matches("<meta").count(), 6);
    assert!(page.contains("content=\"default-src 'none'; style-src 'unsafe-inline'; "));
    assert!(page.contains("<html lang=\"en\">"));
}

#[test]
fn so_do_target_recipient_and_customer() {
    let folder = Folder::new();
    let message = json!({
        "recipient": "\"<b>&'\"@shop.example",
        "target": "\"<i>\u{202e}\"@home.example",
        "sender": "",
        "score": 6,
        "size": 1,
        "time": "\u{1b}[31m",
    });
    let messages = folder.write("messages", message.to_string());
    let html = folder.argument("page.html");
    let outcome = run(&format!(
        "OURS {messages} --html {html} --customer shop.example"
    ));
    assert_eq!((outcome.code, outcome.err.as_str()), (0, ""));
    assert!(
        outcome.out.starts_with("\\u{1b}[31m  discarded  "),
        "{}",
        outcome.out
    );
    let page = folder.read("page.html");
    assert_harmless(&page);
    assert!(page.contains(&escaped("\"<b>&'\"@shop.example")), "{page}");
    assert!(
        page.contains(&escaped("\"<i>\\u{202e}\"@home.example")),
        "{page}"
    );
    assert!(page.contains("<i>no sender, as bounces have none</i>"));
}

#[test]
fn a_terminal_and_the_json_document_hold_them_harmless_and_whole() {
    let folder = Folder::new();
    let messages = messages(&folder);
    // `run` looks for what a terminal would obey.
    let out = run(&format!("OURS {messages}")).out;
    for (_, shown) in SENDERS {
        assert_eq!(
            out.matches(&format!("      9.5  {shown}\n")).count(),
            1,
            "{out}"
        );
    }
    let outcome = run(&format!("OURS {messages} --json"));
    assert!(outcome.out.is_ascii());
    let report = outcome.json();
    let lines = report["discards"][0]["senders"].as_array().unwrap();
    let mut told: Vec<_> = lines
        .iter()
        .map(|line| line["sender"].as_str().unwrap())
        .collect();
    let mut sent = SENDERS.map(|(sender, _)| sender);
    told.sort_unstable();
    sent.sort_unstable();
    assert_eq!(told, sent);
}

#[test]
fn control_characters_are_in_no_address_and_drive_no_terminal() {
    let folder = Folder::new();
    let senders = [
        "\u{1b}]0;owned\u{7}@evil.example",
        "a\r\nRCPT TO:<x@y.example>@z.example",
        "\u{9b}2J@evil.example",
    ];
    let lines: String = senders.iter().map(|sender| spam(sender)).collect();
    let outcome = run(&format!("OURS {}", folder.write("messages", lines)));
    assert_eq!(outcome.code, 0);
    assert_eq!(
        outcome.out.matches("(invalid-sender: ").count(),
        senders.len()
    );
    assert!(
        outcome.out.contains("\\u{1b}]0;owned\\u{7}@evil.example"),
        "{}",
        outcome.out
    );
    assert!(
        outcome.out.contains("not forwarded: 0\n"),
        "{}",
        outcome.out
    );
}

#[test]
fn senders_without_end_take_no_memory_without_end() {
    let folder = Folder::new();
    let mut lines: String = (0..1_003)
        .map(|n| spam(&format!("offer-{n}@evil.example")))
        .collect();
    // Those that are known are counted as before.
    lines += &spam("offer-7@evil.example");
    let messages = folder.write("messages", lines);
    let report = run(&format!("OURS {messages} --json")).json();
    let senders = report["discards"][0]["senders"].as_array().unwrap();
    assert_eq!(senders.len(), 1_001);
    assert_eq!(
        senders[0],
        json!({"count": 2, "highest_score": 9.5, "sender": "offer-7@evil.example"})
    );
    assert_eq!(
        senders[1_000],
        json!({"count": 3, "highest_score": 9.5, "sender": Value::Null})
    );
    let out = run(&format!("OURS {messages}")).out;
    assert!(out.contains("        3      9.5  all other senders\n"));
}

#[test]
fn nor_do_recipients_without_end() {
    let folder = Folder::new();
    let spam_to = |n: u32| spam("x@evil.example").replace("info@", &format!("info+{n}@"));
    let mut lines: String = (0..10_003).map(spam_to).collect();
    lines += &spam_to(7);
    let messages = folder.write("messages", lines);
    let html = folder.argument("page.html");
    let report = run(&format!("OURS {messages} --json --html {html}")).json();
    let groups = report["discards"].as_array().unwrap();
    assert_eq!(groups.len(), 10_001);
    assert_eq!(
        groups[10_000],
        json!({
            "target": Value::Null,
            "recipient": Value::Null,
            "senders": [{"count": 3, "highest_score": 9.5, "sender": Value::Null}],
        })
    );
    let known = groups
        .iter()
        .find(|group| group["recipient"] == "info+7@hofladen.example");
    assert_eq!(known.unwrap()["senders"][0]["count"], 2);
    let out = run(&format!("OURS {messages}")).out;
    let end = "\nNot forwarded for all other recipients\n\n    count  highest  sender\n        3      9.5  \
               all other senders\n";
    assert!(out.contains(end));
    let page = folder.read("page.html");
    assert_eq!(page.matches("<caption>").count(), 10_001);
    assert!(page.contains("<caption>mail to all other recipients</caption>"));
    assert!(page.contains("There were 10004. "));
}

#[test]
fn nor_do_the_two_together() {
    let folder = Folder::new();
    let mut lines = String::new();
    for recipient in 0..101 {
        for sender in 0..991 {
            lines += &spam(&format!("{sender}@evil.example"))
                .replace("info@", &format!("info+{recipient}@"));
        }
    }
    let messages = folder.write("messages", lines);
    let report = run(&format!("OURS {messages} --json")).json();
    let mut lines = report["discards"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|group| {
            let senders = group["senders"].as_array().unwrap();
            senders
                .iter()
                .map(|line| (line["sender"].is_null(), &line["count"]))
        });
    let others: Vec<_> = lines.by_ref().filter(|(is_others, _)| *is_others).collect();
    assert_eq!(others, [(true, &json!(91))]);
    let all = report["discards"].as_array().unwrap();
    let named: usize = all
        .iter()
        .map(|group| group["senders"].as_array().unwrap().len())
        .sum();
    assert_eq!(named, 100_001);
}

/// A message from anybody to a customer, as a line.
fn message(recipient: &str, sender: &str, score: u8) -> Value {
    json!({
        "recipient": recipient,
        "target": "b@home.example",
        "sender": sender,
        "score": score,
        "size": 1,
    })
}

/// What is printed for this message, in which [`run`] has found nothing that a terminal obeys.
fn printed(message: &Value) -> String {
    let folder = Folder::new();
    let messages = folder.write("messages", message.to_string());
    let outcome = run(&format!("OURS {messages}"));
    assert_eq!((outcome.code, outcome.err.as_str()), (0, ""));
    outcome.out
}

#[test]
fn a_recipient_drives_no_terminal() {
    let recipient = "\u{1b}]0;x\u{7}@shop.example";
    let shown = "\\u{1b}]0;x\\u{7}@shop.example";
    let out = printed(&message(recipient, "a@example.com", 1));
    assert!(out.contains(&format!("  rewritten  {shown} -> ")), "{out}");
    let out = printed(&message(recipient, "a@example.com", 9));
    assert!(out.contains(&format!("\n  mail to {shown}\n")), "{out}");
}

#[test]
fn nor_do_a_new_sender_and_the_one_that_a_bounce_goes_to() {
    let mut message = message("a@shop.example", "exe\u{202e}gpj@evil.example", 1);
    message["returns"] = json!("bounce");
    let out = printed(&message);
    let shown = "=evil.example=exe\\u{202e}gpj@srs.provider.example";
    assert_eq!(out.matches(shown).count(), 2, "{out}");
    assert!(out.contains(" -> exe\\u{202e}gpj@evil.example\n"), "{out}");
}

#[test]
fn the_json_document_holds_no_del() {
    let folder = Folder::new();
    let message = message("a\u{7f}b@shop.example", "a@example.com", 9).to_string();
    let outcome = run(&format!(
        "OURS --json {}",
        folder.write("messages", message)
    ));
    assert!(outcome.out.contains("a\\u007fb@shop.example"));
    let report = outcome.json();
    assert_eq!(report["discards"][0]["recipient"], "a\u{7f}b@shop.example");
}

#[test]
fn complaints_drive_no_terminal() {
    let folder = Folder::new();
    let mut message = message("a@shop.example", "a@example.com", 1);
    message["returns"] = json!("\u{1b}[31m");
    let messages = folder.write("messages", message.to_string());
    let outcome = run(&format!("OURS {messages}"));
    assert_eq!(outcome.code, 1);
    assert!(outcome.err.contains("`\\u{1b}[31m`"), "{}", outcome.err);

    // What an escape sequence is Clap takes out itself, and leaves the rest.
    let mut wrong = forwarding("NOW");
    wrong.arg("--x\u{7}\u{1b}[31m\u{202e}");
    let outcome = Outcome::of(wrong.output().unwrap());
    assert_eq!(outcome.code, 2);
    assert!(
        outcome.err.contains("\\u{202e}' found\n"),
        "{}",
        outcome.err
    );
}

#[test]
fn sizes_beyond_all_numbers_are_the_highest() {
    let folder = Folder::new();
    let lines = [1, 9, 1, 9].map(|score| {
        let mut message = message("a@shop.example", "a@example.com", score);
        message["size"] = json!(u64::MAX);
        message.to_string()
    });
    let messages = folder.write("messages", lines.join("\n"));
    let counts = run(&format!("OURS --json {messages}")).json()["counts"].take();
    assert_eq!(counts["forwarded_octets"], u64::MAX);
    assert_eq!(counts["discarded_octets"], u64::MAX);
}
