//! What a storyboard tells: sentences that a reader understands, scenes that start where a reader turns the
//! page.

mod common;

use domain::book::Book;
use domain::language::Language;
use domain::storyboard::{Boundary, Evidence, Storyboard};
use story::{Settings, check, compose};

fn board(paragraphs: &[String], language: Language, settings: &Settings) -> (Book, Storyboard) {
    let book = common::book("Telling", language, &[paragraphs.to_vec()]);
    let board = compose(&book, &common::vectors(&book), settings).expect("a good book");
    assert_eq!(check(&book, &board), Ok(()));
    (book, board)
}

fn texts(evidence: &[Evidence]) -> Vec<&str> {
    evidence.iter().map(|e| e.text.as_str()).collect()
}

/// First sentences of the scenes that start at a valley.
fn valleys<'a>(book: &'a Book, board: &Storyboard) -> Vec<&'a str> {
    let chapter = &book.chapters[0];
    let first = |start| chapter.sentences.iter().position(|s| s.start == start).map(|s| chapter.sentence(s));
    let scenes = board.scenes.iter().filter(|s| s.boundary == Boundary::Cohesion);
    scenes.map(|s| first(s.start).expect("scenes start at sentences")).collect()
}

fn sea() -> String {
    "The harbour met the fisherman near an anchor and some seaweed. ".repeat(6).trim().to_owned()
}

fn kitchen() -> String {
    "The kitchen met the baker near a kettle and some cinnamon. ".repeat(6).trim().to_owned()
}

#[test]
fn a_scene_starts_at_the_paragraph_that_sets_another_time() {
    let mut paragraphs = vec![sea(); 6];
    paragraphs.push("The next morning Ada was still among the fisherman’s anchors in the harbour.".into());
    paragraphs.extend(vec![kitchen(); 6]);
    let (book, board) = board(&paragraphs, Language::En, &Settings::default());
    let expected = "The next morning Ada was still among the fisherman’s anchors in the harbour.";
    assert_eq!(valleys(&book, &board), [expected]);
}

#[test]
fn no_scene_starts_with_the_answer_to_what_was_just_said() {
    let mut paragraphs = vec![sea(); 6];
    paragraphs.push("“I have lost my glasses,” said Ada.".into());
    paragraphs.push(format!("Her glasses were on her nose. {}", kitchen()));
    paragraphs.extend(vec![kitchen(); 5]);
    let (book, board) = board(&paragraphs, Language::En, &Settings::default());
    assert!(!valleys(&book, &board).contains(&"Her glasses were on her nose."), "{:?}", valleys(&book, &board));
}

#[test]
fn a_long_stretch_is_not_cut_before_a_paragraph_that_leans_on_the_last() {
    let mut paragraphs = vec![sea(); 12];
    paragraphs[6] = format!("He met the fisherman. {}", sea());
    let settings = Settings { scene_max_words: 700, ..Settings::default() };
    let (book, board) = board(&paragraphs, Language::En, &settings);
    assert_eq!(board.scenes.len(), 2);
    assert_eq!(valleys(&book, &board), ["The harbour met the fisherman near an anchor and some seaweed."]);
}

#[test]
fn speech_without_marks_is_not_cut_from_its_answer() {
    let said = |who: &str| format!("Hélas! dit {who}, le port sent la cannelle et le pêcheur dort. {}", sea());
    let paragraphs: Vec<String> = (0..12).map(|i| said(if i % 2 == 0 { "Zoé" } else { "Ada" })).collect();
    let (_, board) = board(&paragraphs, Language::Fr, &Settings::default());
    assert_eq!(board.scenes.len(), 1);
    let (_, said) = self::board(&["Hélas! dit Zoé, je pars.".into()], Language::Fr, &Settings::default());
    assert!(said.scenes[0].panels[0].dialogue);
}

#[test]
fn a_summary_prefers_those_who_act_by_name_to_pronouns_pieces_of_speech_and_questions() {
    let told = "Ada carried the lamp over the frozen river to Bly before the others woke.";
    let also = "At the far bank Bly took the lamp from Ada and hung it in the window of the inn.";
    let paragraphs = [
        "He had not thought of the lamp on the frozen river for a very long time.",
        "“I never saw the lamp on the river again. I never asked about the frozen river either. I slept.”",
        told,
        "Who would carry the lamp over the frozen river before the others woke?",
        "She lit it. They saw the lamp on the frozen river and nobody among them said a word.",
        also,
        "The road was long, and Ada knew Bly. Nobody but Ada knew Bly.",
    ];
    let padding = "It rained on the frozen river all through the dark hours of the lamp.";
    let mut paragraphs = paragraphs.map(String::from).to_vec();
    paragraphs.push([padding; 4].join(" "));
    let (_, board) = board(&paragraphs, Language::En, &Settings::default());
    assert_eq!(texts(&board.scenes[0].summary), [told, also]);
}

#[test]
fn a_panel_brings_the_sentence_that_its_leading_one_leans_on() {
    let paragraph = "Ezra cut ice. He cut it in January, in blocks the size of hay bales.".to_owned();
    let (_, board) = board(&[paragraph], Language::En, &Settings::default());
    let expected = ["Ezra cut ice.", "He cut it in January, in blocks the size of hay bales."];
    assert_eq!(texts(&board.scenes[0].panels[0].evidence), expected);
}

#[test]
fn a_panel_of_few_words_goes_on_into_the_next_paragraph() {
    let paragraphs = ["The trouble with shadows is that they walk.", "The great sail gave the café its own."];
    let (_, board) = board(&paragraphs.map(String::from), Language::En, &Settings::default());
    assert_eq!(texts(&board.scenes[0].panels[0].evidence), paragraphs);
}

#[test]
fn a_panel_ends_before_a_speech_that_it_can_not_finish() {
    let told = "Ada stood the letter upon the music stand, where nobody who played could miss it at all.";
    let paragraph = format!("{told} “It slid. {}”", "It went down behind the hammers of the old piano. ".repeat(6));
    let (_, board) = board(&[paragraph], Language::En, &Settings::default());
    assert_eq!(texts(&board.scenes[0].panels[0].evidence), [told]);
}

#[test]
fn capitals_of_the_lines_of_a_song_make_no_name() {
    let song = "Pull on the day, it is too long, Heave, my lad! Heave, my lass! The wind has no house, Heave, my lad!";
    let paragraphs = [song.into(), "Then Ada sang it to Bly, and Bly to Ada.".into(), song.into()];
    let (_, board) = board(&paragraphs, Language::En, &Settings::default());
    let names: Vec<&str> = board.names.iter().map(|n| n.name.as_str()).collect();
    assert_eq!(names, ["Ada", "Bly"]);
}
