//! `visiobook embed`: a line in, a line out, in order.
#![allow(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod common;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use common::{succeed, visiobook};
use serde_json::{Value, json};

fn embed(path: &Path) -> Command {
    let mut command = visiobook();
    command.args(["embed", "--quiet", "--jsonl"]).arg(path);
    command
}

fn with_lines(lines: &str) -> Output {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), lines).unwrap();
    embed(file.path()).output().unwrap()
}

fn answers(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn vector(answer: &Value) -> Vec<f64> {
    answer["vector"].as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

#[test]
fn each_line_is_answered_in_order_by_a_vector_of_length_one() {
    let texts = ["the mill", "", "la mer\u{7}", "the mill", "東京 and Paris et Москва"];
    let lines: String = texts.iter().map(|text| format!("{}\n", json!({ "id": 7, "text": text }))).collect();
    let output = with_lines(&lines);
    assert!(output.status.success(), "{output:?}");
    let answers = answers(&output);
    assert_eq!(answers.len(), 5);
    for answer in &answers {
        let norm: f64 = vector(answer).iter().map(|number| number * number).sum();
        assert!((norm - 1.0).abs() < 2e-3, "{norm}");
        assert_eq!(answer["windows"], 1);
    }
    assert_eq!(answers[0], answers[3]);
    assert_ne!(answers[0]["vector"], answers[2]["vector"]);
}

#[test]
fn a_text_of_ten_thousand_tokens_is_answered_by_the_mean_of_its_windows() {
    let output = with_lines(&json!({ "text": "word ".repeat(10_000) }).to_string());
    assert!(output.status.success(), "{output:?}");
    assert_eq!(answers(&output)[0]["windows"], 20);
}

#[test]
fn a_bad_line_is_named_and_those_before_it_are_answered() {
    let output = with_lines("{\"text\":\"good\"}\n{\"text\":\"better\"}\n{\"words\":3}\n{\"text\":\"late\"}\n");
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(answers(&output).len(), 2);
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(message.contains("line 3") && message.contains("text"), "{message}");
}

#[test]
fn a_file_that_is_not_there_and_a_model_that_is_not_there_are_told() {
    let output = embed(Path::new("/nowhere/texts.jsonl")).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let mut command = embed(Path::new("-"));
    let output = command.env("VISIOBOOK__MODEL__PATH", "/nowhere").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("model-missing"), "{output:?}");
}

#[test]
fn a_program_that_waits_for_each_answer_gets_it() {
    let mut command = embed(Path::new("-"));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut to, mut from) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
    for text in ["one", "two", "three"] {
        writeln!(to, "{}", json!({ "text": text })).unwrap();
        let mut line = String::new();
        from.read_line(&mut line).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap()["windows"], 1, "{text}");
    }
    drop(to);
    assert!(child.wait().unwrap().success());
}

#[test]
fn queries_and_passages_are_told_apart_where_the_model_does() {
    let Some(model) = common::model() else { return };
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "{\"text\":\"Who wrote the letter?\"}\n").unwrap();
    let of = |kind: &str| {
        let mut command = embed(file.path());
        command.env("VISIOBOOK__MODEL__PATH", &model).args(["--kind", kind]);
        vector(&answers(&succeed(&mut command))[0])
    };
    let (query, passage) = (of("query"), of("passage"));
    let cosine: f64 = query.iter().zip(&passage).map(|(a, b)| a * b).sum();
    assert!(query.len() == passage.len() && (0.5..0.999).contains(&cosine), "{cosine}");
}
