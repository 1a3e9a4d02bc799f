//! What holds of every storyboard, over books that nobody wrote.

mod common;

use domain::book::Book;
use domain::language::Language;
use domain::storyboard::{Boundary, Storyboard};
use proptest::prelude::*;
use story::{SentenceVectors, Settings, StoryError, Violation, check, compose};

const WORDS: &[&str] = &[
    "lamp",
    "Ada",
    "Bly",
    "Mr.",
    "river",
    "stone",
    "Orsenne",
    "winter",
    "the",
    "of",
    "a",
    "crossed",
    "opened",
    "door",
    "I",
    "IV",
    "d’Ys",
    "l’eau",
    "Zoé",
    "—",
    "--",
    "“stay”",
    "‘go’",
    "\"now\"",
    "« non »",
    "é",
    "🜁",
    "<b>",
    "&amp;",
    "O’Brien",
];

fn sentence() -> impl Strategy<Value = String> {
    let word = prop::sample::select(WORDS);
    let end = prop::sample::select(&[".", "!", "?", "…", ".”", ";", "", " »"][..]);
    let open = prop::sample::select(&["", "“", "— ", "--", "« ", "("][..]);
    (open, prop::collection::vec(word, 1..14), end)
        .prop_map(|(open, words, end)| format!("{open}{}{end}", words.join(" ")))
}

fn prose() -> impl Strategy<Value = String> {
    prop::collection::vec(sentence(), 1..7).prop_map(|s| s.join(" "))
}

fn block() -> impl Strategy<Value = String> {
    prop_oneof![
        12 => prose(),
        1 => prose().prop_map(|p| format!("> {p}")),
        1 => sentence().prop_map(|s| format!("# {s}")),
        1 => Just("***".to_owned()),
    ]
}

fn any_book() -> impl Strategy<Value = Book> {
    let chapter = (prop::collection::vec(block(), 0..14), sentence()).prop_map(|(mut blocks, last)| {
        blocks.push(last);
        blocks
    });
    let language = prop::sample::select(&[Language::En, Language::Fr][..]);
    (prop::collection::vec(chapter, 1..4), language)
        .prop_map(|(chapters, language)| common::book("Any", language, &chapters))
}

/// Small bounds, so that small books have several scenes.
fn any_settings() -> impl Strategy<Value = Settings> {
    (0_u32..60, 0_u32..6, 1_u32..80, 1_u32..60, 1_u32..6).prop_map(|(min, sentences, more, panel, panels)| Settings {
        scene_min_words: min,
        scene_min_sentences: sentences,
        scene_max_words: min * 2 + more,
        cohesion_block_words: 30,
        panel_words: panel,
        panels_per_scene_max: panels,
        ..Settings::default()
    })
}

fn bytes(board: &Storyboard) -> Vec<u8> {
    serde_json::to_vec(board).expect("a storyboard is plain data")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn every_book_gives_a_storyboard_that_keeps_the_contract(book in any_book(), settings in any_settings()) {
        let vectors = common::vectors(&book);
        let board = compose(&book, &vectors, &settings).expect("a well-formed book");
        prop_assert_eq!(check(&book, &board), Ok(()));
        for scene in &board.scenes {
            prop_assert!(scene.summary.len() <= 2);
            prop_assert!(scene.panels.len() <= settings.panels_per_scene_max as usize);
            for panel in &scene.panels {
                prop_assert!((1..=3).contains(&panel.evidence.len()));
                prop_assert!((settings.panel_min_ms..=settings.panel_max_ms).contains(&panel.duration_ms));
            }
        }
    }

    #[test]
    fn the_same_inputs_give_the_same_bytes(book in any_book(), settings in any_settings()) {
        let vectors = common::vectors(&book);
        let first = compose(&book, &vectors, &settings).expect("a well-formed book");
        let again = compose(&book.clone(), &vectors.clone(), &settings).expect("a well-formed book");
        prop_assert_eq!(bytes(&first), bytes(&again));
        prop_assert_eq!(story::to_html(&book, &first), story::to_html(&book, &again));
    }

    #[test]
    fn noise_in_the_last_bits_of_the_vectors_moves_no_scene_by_itself(book in any_book()) {
        // Batching and padding move floats by about 1e-7: far below the quantum of every decision.
        let vectors = common::vectors(&book);
        let moved = book.chapters.iter().enumerate().map(|(c, chapter)| {
            let of = |s| vectors.chapter(c).of(s).iter().map(|v| v * 1.000_000_1);
            (0..chapter.sentences.len()).flat_map(of).collect()
        });
        let moved = SentenceVectors::new(&book, vectors.dim(), moved.collect()).expect("one vector a sentence");
        let boards = [vectors, moved].map(|v| compose(&book, &v, &Settings::default()).expect("a well-formed book"));
        prop_assert_eq!(bytes(&boards[0]), bytes(&boards[1]));
    }

    #[test]
    fn no_cohesion_boundary_stands_between_two_speaking_paragraphs(book in any_book(), settings in any_settings()) {
        let board = compose(&book, &common::vectors(&book), &settings).expect("a well-formed book");
        for scene in board.scenes.iter().filter(|s| s.boundary == Boundary::Cohesion) {
            let chapter = &book.chapters[scene.chapter as usize];
            let at = chapter.sentences.iter().position(|s| s.start == scene.start).expect("scenes start at sentences");
            let paragraph = chapter.sentences[at].paragraph as usize;
            prop_assert_ne!(paragraph, chapter.sentences[at - 1].paragraph as usize, "a scene starts inside a paragraph");
            let speaks = |p: usize| {
                let p = &chapter.paragraphs[p];
                chapter.text[p.start as usize..p.end as usize].contains('“')
            };
            prop_assert!(!(speaks(chapter.sentences[at - 1].paragraph as usize) && speaks(paragraph)));
        }
    }
}

fn tiny() -> (Book, Storyboard) {
    let book = common::book("Tiny", Language::En, &[vec!["Ada came home. She lit the lamp.".into()]]);
    let board = compose(&book, &common::vectors(&book), &Settings::default()).expect("a good book");
    (book, board)
}

#[test]
fn a_book_of_one_sentence_is_one_scene_with_one_panel() {
    let book = common::book("One", Language::Fr, &[vec!["Voilà.".into()]]);
    let board = compose(&book, &common::vectors(&book), &Settings::default()).expect("a good book");
    assert_eq!((board.scenes.len(), board.scenes[0].panels.len()), (1, 1));
    assert_eq!(board.scenes[0].panels[0].evidence[0].text, "Voilà.");
    assert_eq!(check(&book, &board), Ok(()));
}

#[test]
fn vectors_of_nothing_but_zeros_still_give_a_storyboard() {
    let chapters = vec![vec!["Ada came home. She lit the lamp. Nobody spoke.".into(); 40]];
    let book = common::book("Zeros", Language::En, &chapters);
    let zeros = book.chapters.iter().map(|c| vec![0.0; c.sentences.len() * 4]).collect();
    let vectors = SentenceVectors::new(&book, 4, zeros).expect("one vector a sentence");
    let board = compose(&book, &vectors, &Settings::default()).expect("a good book");
    assert_eq!(check(&book, &board), Ok(()));
}

#[test]
fn a_chapter_without_sentences_is_refused_by_its_index() {
    let chapters = vec![vec!["Ada came home.".into()], vec!["# A heading alone".into()]];
    let book = common::book("Gap", Language::En, &chapters);
    let error = compose(&book, &common::vectors(&book), &Settings::default()).expect_err("nothing to quote");
    assert_eq!(error, StoryError::EmptyChapter { chapter: 1 });
}

#[test]
fn offsets_that_point_outside_of_the_text_are_refused_and_do_not_panic() {
    let (mut book, _) = tiny();
    let vectors = common::vectors(&book);
    book.chapters[0].sentences[1].end += 100;
    let error = compose(&book, &vectors, &Settings::default()).expect_err("a broken book");
    assert_eq!(error.code(), "story-malformed-book");
}

#[test]
fn vectors_of_another_book_are_refused() {
    let (book, _) = tiny();
    let other = common::book("Other", Language::En, &[vec!["Ada came home.".into()]]);
    let error = compose(&book, &common::vectors(&other), &Settings::default()).expect_err("one vector too few");
    assert_eq!(error, StoryError::MissingSentence { chapter: 0, sentence: 1 });
}

#[test]
fn the_check_sees_every_way_to_break_the_contract() {
    type Break = (&'static str, fn(&mut Storyboard));
    let ways: [Break; 12] = [
        ("storyboard-other-book", |b| b.title.push('!')),
        ("storyboard-other-text", |b| b.scenes[0].panels[0].evidence[0].text.push('!')),
        ("storyboard-not-a-sentence", |b| b.scenes[0].panels[0].evidence[0].end -= 1),
        ("storyboard-other-source", |b| b.scenes[0].summary[0].source_start += 1),
        ("storyboard-other-source", |b| b.scenes[0].summary[0].source_href.push('x')),
        ("storyboard-bad-index", |b| b.scenes[0].panels[0].evidence[0].chapter = 9),
        ("storyboard-bad-index", |b| b.scenes[0].panels[0].index = 7),
        ("storyboard-bad-index", |b| b.scenes[0].panels[0].names.push(99)),
        ("storyboard-empty", |b| b.scenes[0].panels[0].evidence.clear()),
        ("storyboard-empty", |b| b.scenes[0].panels.clear()),
        ("storyboard-not-a-partition", |b| b.scenes[0].end -= 1),
        ("storyboard-chapter-not-covered", |b| b.chapters.clear()),
    ];
    let (book, good) = tiny();
    assert_eq!(check(&book, &good), Ok(()));
    for (code, way) in ways {
        let mut board = good.clone();
        way(&mut board);
        assert_eq!(check(&book, &board).map_err(|v: Violation| v.code()), Err(code));
    }
}
