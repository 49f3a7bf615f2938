//! Rules that the evening has no message for.

use serde_json::{Value, json};

use crate::program::{Folder, run};

/// The report on one message to each target, all of it spam.
fn report(targets: &[&str]) -> Value {
    let folder = Folder::new();
    let lines = targets.iter().map(|target| {
        let message = json!({
            "recipient": "a@shop.example",
            "target": target,
            "sender": "x@evil.example",
            "score": 9,
            "size": 1,
        });
        format!("{message}\n")
    });
    let messages = folder.write("messages", lines.collect::<String>());
    run(&format!("OURS --json {messages}")).json()
}

#[test]
fn the_case_of_a_target_tells_nothing_apart() {
    let report = report(&["Bob@Home.example", "bob@home.EXAMPLE"]);
    let groups = report["discards"].as_array().unwrap();
    assert_eq!(groups.len(), 1, "{report}");
    assert_eq!(groups[0]["target"], "bob@home.example");
    assert_eq!(groups[0]["senders"][0]["count"], 2);
}

#[test]
fn the_domain_of_a_target_comes_after_its_last_at_sign() {
    // It is the provider's own, so that the spam stays where it is.
    let report = report(&["\"@x\"@teahouse.example"]);
    assert_eq!(report["counts"]["discarded"], 0, "{report}");
    assert_eq!(
        report["counts"]["forwarded"],
        json!({"local-destination": 1})
    );
}
