//! `classify` from the outside: lines in, lines out, and what is said of bad ones.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic, in its helpers too")]

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

/// The program on the deterministic double, or on the model that set-up made.
fn classify(model: &str, labels: &str, file: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_visiobook"));
    command.args(["classify", "--task", "emotion", "--labels", labels, "--jsonl", file]);
    command.env("VISIOBOOK__MODEL__PATH", model).env("VISIOBOOK__MODEL__HEADS", heads());
    command.current_dir(env!("CARGO_MANIFEST_DIR")).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn heads() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../models"))
}

fn run(mut command: Command, input: &str) -> Output {
    let mut running: Child = command.spawn().unwrap();
    let mut stdin = running.stdin.take().unwrap();
    let input = input.to_owned();
    // On a thread, since the program answers while it reads; it may end before it has read all.
    let writing = std::thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
    let output = running.wait_with_output().unwrap();
    writing.join().unwrap();
    output
}

fn lines(output: &Output) -> Vec<serde_json::Value> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn text(text: &str) -> String {
    serde_json::json!({ "text": text }).to_string() + "\n"
}

#[test]
fn each_line_is_answered_in_order_whatever_its_length() {
    let texts: Vec<String> = (0..300).map(|i| format!("word{i} {}", "and more ".repeat(i * 13 % 90))).collect();
    let all: String = texts.iter().map(|t| text(t)).collect();
    let together = run(classify("double", "plutchik", "-"), &all);
    assert!(together.status.success(), "{together:?}");
    let together = lines(&together);
    assert_eq!(together.len(), texts.len());
    for at in [0, 1, 150, 299] {
        let alone = lines(&run(classify("double", "plutchik", "-"), &text(&texts[at])));
        assert_eq!(alone[0], together[at]);
    }
    assert!(together[0]["labels"]["joy"].as_f64().is_some_and(|p| (0.0..1.0).contains(&p)));
    assert_ne!(together[0], together[1]);
}

#[test]
fn a_program_that_waits_for_each_answer_gets_it() {
    let mut running = classify("double", "goemotions", "-").spawn().unwrap();
    let mut stdin = running.stdin.take().unwrap();
    let mut answers = BufReader::new(running.stdout.take().unwrap()).lines();
    for i in 0..5 {
        stdin.write_all(text(&format!("line {i}")).as_bytes()).unwrap();
        stdin.flush().unwrap();
        assert!(answers.next().unwrap().unwrap().starts_with("{\"labels\":{"));
    }
    drop(stdin);
    assert!(running.wait().unwrap().success() && answers.next().is_none());
}

#[test]
fn a_bad_line_is_named_and_what_came_before_it_is_answered() {
    for (bad, told) in [("nonsense\n", "line 3"), ("{\"txt\": 1}\n", "text"), ("\n", "line 3")] {
        let input = text("one") + &text("two") + bad + &text("late");
        let output = run(classify("double", "goemotions", "-"), &input);
        assert_eq!(output.status.code(), Some(2));
        assert_eq!(lines(&output).len(), 2);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(told), "{said}");
    }
    let output = run(classify("double", "goemotions", "/nowhere.jsonl"), "");
    assert_eq!(output.status.code(), Some(2));
    let output = run(classify("double", "nonsense", "-"), "");
    assert_eq!(output.status.code(), Some(2));
}

/// The model that set-up made, and the head that is checked in.
fn real() -> Option<String> {
    let model = std::env::var("VISIOBOOK_MODEL").ok().filter(|model| PathBuf::from(model).is_dir());
    if model.is_none() || !heads().join("emotion/card.json").is_file() {
        eprintln!("skipped: there is no model, or no head; `cargo xtask setup` fetches the model");
        return None;
    }
    model
}

#[test]
fn the_trained_head_hears_joy_and_anger_in_both_languages_and_has_an_answer_to_anything() {
    let Some(model) = real() else { return };
    let odd = ["", "\u{0}\u{1}\u{7f}", "   \n", "😀", "汉字 кириллица ελληνικά", &"long text ".repeat(5_000)];
    let plain = ["Thank you so much, this is the best day of my life!", "I hate you, get out of my house!"];
    let input: String = plain.iter().chain(&odd).map(|t| text(t)).collect();
    let output = run(classify(&model, "goemotions", "-"), &input);
    assert!(output.status.success(), "{output:?}");
    let said = lines(&output);
    assert_eq!(said.len(), plain.len() + odd.len());
    for answer in &said {
        let labels = answer["labels"].as_object().unwrap();
        assert_eq!(labels.len(), 28);
        assert!(labels.values().all(|p| p.as_f64().is_some_and(|p| (0.0..=1.0).contains(&p))));
    }
    let p = |line: usize, label: &str| said[line]["labels"][label].as_f64().unwrap();
    assert!(p(0, "gratitude") >= 0.5 && p(0, "anger") < 0.5);
    assert!(p(1, "anger") >= 0.5 && p(1, "gratitude") < 0.5);
    let input = text("Je te déteste, sors d'ici tout de suite !") + &text("Quel bonheur de te revoir, mon amour !");
    let said = lines(&run(classify(&model, "plutchik", "-"), &input));
    let p = |line: usize, label: &str| said[line]["labels"][label].as_f64().unwrap();
    assert!(p(0, "anger") > p(0, "joy") && p(1, "joy") > p(1, "anger"));
}

#[test]
fn a_head_that_is_not_there_is_refused_in_one_sentence() {
    let Some(model) = real() else { return };
    let mut command = classify(&model, "goemotions", "-");
    command.env("VISIOBOOK__MODEL__HEADS", "/nowhere");
    let output = run(command, &text("hello"));
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("/nowhere") && said.contains("head-missing"), "{said}");
}
