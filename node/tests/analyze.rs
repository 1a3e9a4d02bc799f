//! `visiobook analyze`, as its user sees it.
#![allow(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod common;

use std::io::Write;
use std::process::Stdio;

use common::{ENGLISH, FRENCH, analyze, check_evidence, files_below, results, sample, succeed, wait_for_line};
use domain::language::Language;

#[test]
fn both_samples_become_storyboards_that_keep_the_evidence_contract() {
    for (name, language) in [(ENGLISH, Language::En), (FRENCH, Language::Fr)] {
        let out = tempfile::tempdir().unwrap();
        succeed(&mut analyze(&sample(name), out.path()));
        let results = results(out.path());
        assert_eq!(results.book.language, language);
        assert_eq!(results.board.chapters.len(), results.book.chapters.len());
        assert!(results.board.chapters.iter().all(|chapter| chapter.scenes > 0));
        assert!(results.html.starts_with("<!doctype html>") || results.html.starts_with("<!DOCTYPE html>"));
        check_evidence(&sample(name), &results);
    }
}

#[test]
fn a_text_book_in_an_old_encoding_keeps_the_contract_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("été.txt");
    let prose = "Le marchand ferma sa boutique à la tombée du jour. « Où allez-vous ? » demanda l\u{2019}élève. \
                 Personne ne répondit, et la neige couvrait déjà la place.";
    let text = format!("CHAPITRE I\n\n{prose}\n\n{prose}\n\nCHAPITRE II\n\n{prose}\n\n{prose}\n");
    let latin: Vec<u8> = text.chars().map(|c| if c == '\u{2019}' { b'\'' } else { c as u8 }).collect();
    std::fs::File::create(&path).unwrap().write_all(&latin).unwrap();
    let out = folder.path().join("out");
    succeed(&mut analyze(&path, &out));
    let results = results(&out);
    assert_eq!(results.book.chapters.len(), 2);
    check_evidence(&path, &results);
}

#[test]
fn a_second_call_writes_the_same_bytes_at_once() {
    let out = tempfile::tempdir().unwrap();
    succeed(&mut analyze(&sample(ENGLISH), out.path()));
    let first = results(out.path()).json;
    std::fs::remove_file(out.path().join("storyboard.json")).unwrap();
    let again = succeed(&mut analyze(&sample(ENGLISH), out.path()));
    assert!(String::from_utf8_lossy(&again.stderr).contains("already analysed"));
    assert_eq!(results(out.path()).json, first);
}

#[test]
fn programs_get_json_lines() {
    let out = tempfile::tempdir().unwrap();
    let output = succeed(analyze(&sample(ENGLISH), out.path()).arg("--json"));
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let states: Vec<&str> = lines.iter().filter_map(|line| line["state"].as_str()).collect();
    assert!(states.contains(&"ready"), "{text}");
    assert_eq!(lines.last().unwrap()["event"], "done");
    assert_eq!(lines.last().unwrap()["files"].as_array().unwrap().len(), 3);
}

#[test]
fn what_is_no_book_gets_one_clear_sentence_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let epub = std::fs::read(sample(ENGLISH)).unwrap();
    let cases = [
        ("no book", file("picture.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01")),
        ("empty", file("empty.txt", b"")),
        ("truncated", file("cut.epub", &epub[..epub.len() / 2])),
        ("not there", folder.path().join("missing.epub")),
        ("a folder", folder.path().to_owned()),
    ];
    for (what, path) in cases {
        let out = folder.path().join("out");
        let output = analyze(&path, &out).output().unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{what}: {message}");
        assert_eq!(message.trim().lines().count(), 1, "{what}: {message}");
        assert!(message.starts_with("visiobook: "), "{what}: {message}");
        assert!(!out.exists(), "{what}: something was left behind");
    }
}

#[test]
fn an_output_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a-file");
    std::fs::write(&file, "x").unwrap();
    let output = analyze(&sample(ENGLISH), &file.join("out")).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("a-file"));
}

#[test]
fn ctrl_c_stops_cleanly_and_the_same_command_goes_on() {
    let out = tempfile::tempdir().unwrap();
    let mut command = analyze(&sample(ENGLISH), out.path());
    command.arg("--json").env("VISIOBOOK__WORKER__DOUBLE_DELAY_MS", "300").stdout(Stdio::piped());
    // One, however many cores there are: it is to be at it still.
    command.env("VISIOBOOK__WORKER__CPU_WORKERS", "1");
    let mut child = command.stderr(Stdio::null()).spawn().unwrap();
    let pipe = child.stdout.take().unwrap();
    let running = common::Running(child);
    wait_for_line(pipe, |line| !line.contains("\"passages_done\":0"));
    let began = std::time::Instant::now();
    assert_eq!(running.interrupt().code(), Some(130));
    assert!(began.elapsed().as_secs() < 60);
    assert!(!out.path().join("storyboard.json").exists());
    succeed(&mut analyze(&sample(ENGLISH), out.path()));
    check_evidence(&sample(ENGLISH), &results(out.path()));
    assert!(files_below(out.path()).iter().all(|path| !path.ends_with("storyboard.part")));
}

#[test]
fn every_whole_book_becomes_a_storyboard_that_keeps_the_evidence_contract() {
    for path in common::shared_books() {
        let out = tempfile::tempdir().unwrap();
        succeed(&mut analyze(&path, out.path()));
        let results = results(out.path());
        check_evidence(&path, &results);
        println!(
            "{}: {} chapters, {} scenes",
            path.file_name().unwrap().display(),
            results.board.chapters.len(),
            results.board.scenes.len()
        );
    }
}

#[test]
fn a_full_disk_is_told_and_once_there_is_room_the_same_command_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let mount = |size: &str| {
        let mut command = std::process::Command::new("mount");
        command.args(["-t", "tmpfs", "-o", size, "tmpfs"]).arg(folder.path()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    if !mount("size=260k") {
        println!("skipped: mounting a small file system is not allowed here");
        return;
    }
    let out = folder.path().join("out");
    let full = analyze(&sample(ENGLISH), &out).output().unwrap();
    let grown = mount("remount,size=64m");
    let again = analyze(&sample(ENGLISH), &out).output().unwrap();
    let complete = out.join("storyboard.json").exists();
    let unmounted = std::process::Command::new("umount").arg(folder.path()).status().unwrap();
    let message = String::from_utf8_lossy(&full.stderr);
    assert_eq!(full.status.code(), Some(1), "{message}");
    assert!(message.contains("no space left"), "{message}");
    assert!(grown && unmounted.success());
    assert!(again.status.success() && complete, "{}", String::from_utf8_lossy(&again.stderr));
}
