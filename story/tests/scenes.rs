//! Where scenes start, on books made for the purpose.

mod common;

use std::time::{Duration, Instant};

use domain::book::Book;
use domain::language::Language;
use domain::storyboard::{Boundary, Storyboard};
use story::{SentenceVectors, Settings, check, compose};

/// A paragraph of six sentences about the words of `topic`.
fn about(topic: [&str; 4]) -> String {
    let [a, b, c, d] = topic;
    (0..6).map(|i| format!("The {a} met the {b} near a {c} and some {d} number {i}.")).collect::<Vec<_>>().join(" ")
}

const SEA: [&str; 4] = ["harbour", "fisherman", "anchor", "seaweed"];
const KITCHEN: [&str; 4] = ["kitchen", "baker", "kettle", "cinnamon"];
const LAW: [&str; 4] = ["tribunal", "magistrate", "verdict", "parchment"];

fn board(paragraphs: Vec<String>, settings: &Settings) -> (Book, Storyboard) {
    let book = common::book("Scenes", Language::En, &[paragraphs]);
    let board = compose(&book, &common::vectors(&book), settings).expect("a good book");
    assert_eq!(check(&book, &board), Ok(()));
    (book, board)
}

/// The paragraph and reason of each scene's start.
fn starts(book: &Book, board: &Storyboard) -> Vec<(u32, Boundary)> {
    let paragraph = |start| book.chapters[0].sentences.iter().find(|s| s.start == start).map(|s| s.paragraph);
    board.scenes.iter().map(|s| (paragraph(s.start).expect("scenes start at sentences"), s.boundary)).collect()
}

#[test]
fn scenes_start_where_the_talk_turns_to_something_else() {
    let paragraphs = [SEA, SEA, SEA, SEA, KITCHEN, KITCHEN, KITCHEN, KITCHEN, LAW, LAW, LAW, LAW].map(about);
    let (book, board) = board(paragraphs.to_vec(), &Settings::default());
    let expected = [(0, Boundary::Chapter), (4, Boundary::Cohesion), (8, Boundary::Cohesion)];
    assert_eq!(starts(&book, &board), expected);
}

#[test]
fn a_marked_break_always_starts_a_scene_however_short() {
    let paragraphs = vec![about(SEA), "***".into(), "Ada slept.".into(), "***".into(), about(SEA)];
    let (book, board) = board(paragraphs, &Settings::default());
    let expected = [(0, Boundary::Chapter), (1, Boundary::Break), (2, Boundary::Break)];
    assert_eq!(starts(&book, &board), expected);
}

#[test]
fn a_running_exchange_is_not_cut_even_where_its_talk_turns() {
    let spoken = |topic| about(topic).replace("The ", "“The ").replace('.', ".”");
    let paragraphs = [SEA, SEA, SEA, SEA, KITCHEN, KITCHEN, KITCHEN, KITCHEN].map(spoken);
    let settings = Settings { scene_max_words: 600, ..Settings::default() };
    let (_, board) = board(paragraphs.to_vec(), &settings);
    assert_eq!(board.scenes.len(), 1);
}

#[test]
fn a_short_bridge_of_narration_does_not_end_an_exchange() {
    let spoken = |topic| about(topic).replace("The ", "“The ").replace('.', ".”");
    let mut paragraphs = [SEA, SEA, SEA, SEA].map(spoken).to_vec();
    paragraphs.push("He shrugged.".into());
    paragraphs.extend([KITCHEN, KITCHEN, KITCHEN, KITCHEN].map(spoken));
    let (_, board) = board(paragraphs, &Settings::default());
    assert_eq!(board.scenes.len(), 1);
}

#[test]
fn a_long_stretch_without_valleys_is_cut_near_its_middle() {
    let settings = Settings { scene_max_words: 600, ..Settings::default() };
    let (book, board) = board(vec![about(SEA); 10], &settings);
    assert_eq!(starts(&book, &board), [(0, Boundary::Chapter), (5, Boundary::Cohesion)]);
}

#[test]
fn dialogue_is_seen_by_marks_and_dashes_in_both_languages() {
    let spoken = |text: &str, language| {
        let book = common::book("Talk", language, &[vec![text.into()]]);
        let board = compose(&book, &common::vectors(&book), &Settings::default()).expect("a good book");
        board.scenes[0].panels[0].dialogue
    };
    for text in ["“Stay,” she said.", "\"Stay,\" she said.", "‘Stay,’ she said.", "He cried: “Stay!”"] {
        assert!(spoken(text, Language::En), "{text}");
    }
    for text in ["« Restez », dit-elle.", "— Restez, dit-elle.", "--Restez, dit-elle.", "Il rit.--Restez, dit-elle."]
    {
        assert!(spoken(text, Language::Fr), "{text}");
    }
    for text in ["It was Ada’s lamp—the old one.", "She stayed, and the dogs’ bowls were full."] {
        assert!(!spoken(text, Language::En), "{text}");
    }
    assert!(!spoken("Elle resta – sans un mot – jusqu’au soir.", Language::Fr));
}

#[test]
fn a_panel_stands_as_long_as_it_takes_to_read_within_bounds() {
    let (_, short) = board(vec!["Ada slept.".into()], &Settings::default());
    assert_eq!(short.scenes[0].panels[0].duration_ms, Settings::default().panel_min_ms);
    let words = vec!["word"; 50].join(" ");
    let (_, long) = board(vec![format!("The {words} end.")], &Settings::default());
    assert_eq!(long.scenes[0].panels[0].duration_ms, 52 * 60_000 / 200);
}

#[test]
fn a_chapter_of_thirty_thousand_sentences_takes_seconds_not_minutes() {
    let topics = [SEA, KITCHEN, LAW];
    let paragraphs: Vec<String> = (0..5_000).map(|i| about(topics[(i / 7) % 3])).collect();
    for spoken in [false, true] {
        // Spoken throughout it is one scene of thirty thousand sentences: nothing may be quadratic in those.
        let mark = |p: &String| if spoken { format!("“{p}”") } else { p.clone() };
        let book = common::book("Long", Language::En, &[paragraphs.iter().map(mark).collect()]);
        assert_eq!(book.chapters[0].sentences.len(), 30_000);
        let values = (0..30_000 * 384_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 16) as f32 / 65_536.0);
        let vectors = SentenceVectors::new(&book, 384, vec![values.collect()]).expect("one vector a sentence");
        let started = Instant::now();
        let board = compose(&book, &vectors, &Settings::default()).expect("a good book");
        let took = started.elapsed();
        println!("spoken {spoken}: {took:?}, {} scenes", board.scenes.len());
        assert_eq!(check(&book, &board), Ok(()));
        assert!(took < Duration::from_secs(60), "{took:?}, in a build without optimisation");
    }
}
