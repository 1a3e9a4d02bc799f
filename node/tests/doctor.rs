//! What `doctor` says of a machine, to people and to programs.
#![allow(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod common;

use std::process::{Command, Output};

use common::{model, visiobook};
use serde_json::Value;

/// Its answer as JSON.
fn checks(output: &Output) -> Vec<Value> {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

fn doctor(command: &mut Command, json: bool) -> Output {
    let folder = tempfile::tempdir().unwrap();
    command.arg("doctor").arg("--data-dir").arg(folder.path().join("data"));
    command.args(json.then_some("--json")).output().unwrap()
}

fn check<'a>(checks: &'a [Value], name: &str) -> &'a Value {
    checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("no {name}: {checks:?}"))
}

#[test]
fn what_is_not_needed_may_be_absent() {
    let output = doctor(&mut visiobook(), true);
    assert!(output.status.success(), "{output:?}");
    let checks = checks(&output);
    for name in ["libtorch", "processor", "stores"] {
        assert_eq!(check(&checks, name)["verdict"], "good");
    }
    assert_eq!(check(&checks, "model")["verdict"], "absent", "the double");
}

#[test]
fn a_model_that_is_missing_is_bad_and_the_exit_code_says_so() {
    let output = doctor(visiobook().env("VISIOBOOK__MODEL__PATH", "/nowhere"), false);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stdout).unwrap();
    let line = said.lines().find(|line| line.starts_with("BAD")).unwrap();
    assert!(line.contains("model") && line.contains("/nowhere"), "{said}");
    assert!(String::from_utf8(output.stderr).unwrap().contains("1 of "));
}

#[test]
fn a_device_is_timed_against_its_own_matrix_rate() {
    let Some(model) = model() else { return };
    let output = doctor(visiobook().env("VISIOBOOK__MODEL__PATH", model), true);
    assert!(output.status.success(), "{output:?}");
    let checks = checks(&output);
    let encoder = check(&checks, "encoder");
    let found = encoder["found"].as_str().unwrap();
    assert_eq!(encoder["verdict"], "good");
    assert!(found.contains(" tokens/s in ") && found.contains(" GFLOP/s ") && found.ends_with('%'), "{found}");
}
