//! `visiobook read` and `visiobook annotate`, as their users see them.
#![allow(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod common;

use common::{ENGLISH, files_below, sample, succeed, visiobook};
use domain::book::Book;

/// A text of our own, with a dialogue.
const STORY: &str = "CHAPITRE I\n\n— Qui est là ? demanda le vieillard.\n\n— Moi, répondit Anne, et il pleut.\n\n\
                     La porte s’ouvrit, et elle entra dans la chambre où il était assis près du feu.\n";

fn text(output: &[u8]) -> String {
    String::from_utf8(output.to_vec()).unwrap()
}

#[test]
fn reading_is_summed_up_for_people() {
    let output = succeed(visiobook().arg("read").arg(sample(ENGLISH)));
    let summary = text(&output.stdout);
    for word in ["title", "language", "English", "chapter", "sentences", "quotes", "read in"] {
        assert!(summary.contains(word), "{word} is not in:\n{summary}");
    }
}

#[test]
fn reading_gives_programs_the_whole_book() {
    let output = succeed(visiobook().arg("read").arg(sample(ENGLISH)).arg("--json"));
    let book: Book = serde_json::from_slice(&output.stdout).unwrap();
    assert!(!book.chapters.is_empty());
    assert!(book.chapters.iter().any(|chapter| !chapter.quotations.is_empty()));
}

#[test]
fn what_is_no_book_gets_one_sentence_and_exit_code_2() {
    let folder = tempfile::tempdir().unwrap();
    let picture = folder.path().join("picture.png");
    std::fs::write(&picture, b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR").unwrap();
    let missing = folder.path().join("missing.txt");
    let out = folder.path().join("out");
    for file in [&picture, &missing, &folder.path().to_owned()] {
        for command in ["read", "annotate"] {
            let mut run = visiobook();
            run.arg(command).arg(file);
            if command == "annotate" {
                run.arg("--out").arg(&out);
            }
            let output = run.output().unwrap();
            let message = text(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{command} {}: {message}", file.display());
            assert_eq!(message.trim().lines().count(), 1, "{message}");
            assert!(message.starts_with("visiobook: "), "{message}");
        }
    }
}

#[test]
fn a_text_is_annotated_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("porte.txt");
    std::fs::write(&file, STORY).unwrap();
    let out = folder.path().join("out");
    succeed(visiobook().arg("annotate").arg(&file).arg("--out").arg(&out));
    let mut names: Vec<String> =
        files_below(&out).iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect();
    names.sort();
    assert_eq!(names, ["porte.entities", "porte.quotes", "porte.tokens"]);
    let tokens = std::fs::read_to_string(out.join("porte.tokens")).unwrap();
    let rows: Vec<Vec<&str>> = tokens.lines().skip(1).map(|line| line.split('\t').collect()).collect();
    for row in &rows {
        let (start, end): (usize, usize) = (row[6].parse().unwrap(), row[7].parse().unwrap());
        assert_eq!(&STORY[start..end], row[4]);
    }
    let all: String = rows.iter().map(|row| row[4]).collect();
    assert_eq!(all, STORY.split_whitespace().collect::<String>(), "the tokens cover the whole file");
    let quotes = std::fs::read_to_string(out.join("porte.quotes")).unwrap();
    let quotes: Vec<&str> = quotes.lines().skip(1).filter_map(|line| line.split('\t').nth(6)).collect();
    assert_eq!(quotes, ["— Qui est là ?", "— Moi, répondit Anne, et il pleut."]);
}

#[test]
fn a_book_is_annotated_with_its_story_beside() {
    let out = tempfile::tempdir().unwrap();
    succeed(visiobook().arg("annotate").arg(sample(ENGLISH)).arg("--out").arg(out.path()));
    let name = ENGLISH.strip_suffix(".epub").unwrap();
    let story = std::fs::read_to_string(out.path().join(format!("{name}.txt"))).unwrap();
    let tokens = std::fs::read_to_string(out.path().join(format!("{name}.tokens"))).unwrap();
    for line in tokens.lines().skip(1) {
        let row: Vec<&str> = line.split('\t').collect();
        let (start, end): (usize, usize) = (row[6].parse().unwrap(), row[7].parse().unwrap());
        assert_eq!(&story[start..end], row[4]);
    }
}

#[test]
fn two_files_of_one_name_are_not_mixed_up() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (folder.path().join("a.txt"), folder.path().join("a.md"));
    std::fs::write(&a, STORY).unwrap();
    std::fs::write(&b, STORY).unwrap();
    let output =
        visiobook().arg("annotate").args([&a, &b]).arg("--out").arg(folder.path().join("out")).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("annotate them apart"));
}
