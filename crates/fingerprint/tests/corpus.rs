//! How well failures of real systems are grouped, against labels by hand.

use std::collections::BTreeMap;
use std::collections::HashMap;

use fingerprint::Fingerprint;

/// The messages of a file with their labels.
fn read(text: &str) -> Vec<(&str, String)> {
    let mut messages = Vec::new();
    let mut label = "";
    for line in text.lines().filter(|line| !line.is_empty()) {
        match line.strip_prefix("== ") {
            Some(next) => label = next,
            // A few have several lines.
            None => messages.push((label, line.replace("\\n", "\n"))),
        }
    }
    messages
}

fn pairs(n: usize) -> usize {
    n * n.saturating_sub(1) / 2
}

/// Of the pairs that are grouped, how many have the same label; of those with the same label, how many
/// are grouped. Prints what is wrong.
#[expect(clippy::cast_precision_loss, reason = "they are hundreds")]
fn precision_and_recall(messages: &[(&str, String)]) -> (f64, f64) {
    let mut cells = HashMap::<(&str, String), usize>::new();
    let mut labels = BTreeMap::<&str, Vec<String>>::new();
    let mut titles = BTreeMap::<String, Vec<&str>>::new();
    for (label, message) in messages {
        let title = Fingerprint::of_message(message).expect("it has text").title;
        *cells.entry((label, title.clone())).or_default() += 1;
        labels.entry(label).or_default().push(title.clone());
        titles.entry(title).or_default().push(label);
    }
    for (label, found) in &labels {
        if found.iter().any(|title| title != &found[0]) {
            println!("apart, {label}: {found:#?}");
        }
    }
    for (title, found) in &titles {
        if found.iter().any(|label| label != &found[0]) {
            println!("together, {title}: {found:#?}");
        }
    }
    let both: usize = cells.values().map(|n| pairs(*n)).sum();
    let grouped: usize = titles.values().map(|labels| pairs(labels.len())).sum();
    let labelled: usize = labels.values().map(|titles| pairs(titles.len())).sum();
    (both as f64 / grouped as f64, both as f64 / labelled as f64)
}

fn assert_grouped(messages: &[(&str, String)], at_least: usize) {
    assert!(messages.len() >= at_least);
    let (precision, recall) = precision_and_recall(messages);
    println!("{} messages, precision {precision:.4}, recall {recall:.4}", messages.len());
    assert!(precision >= 0.97 && recall >= 0.97, "{precision:.4} {recall:.4}");
}

#[test]
fn messages_of_real_systems_are_grouped_by_their_cause() {
    assert_grouped(&read(include_str!("messages.txt")), 280);
}

/// Of causes that the function was not written with.
#[test]
fn messages_of_other_causes_are_grouped_as_well() {
    assert_grouped(&read(include_str!("messages_held_out.txt")), 190);
}
