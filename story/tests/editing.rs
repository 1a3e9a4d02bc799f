//! What editors may make of a storyboard, and what holds of it whatever they do.

mod common;

use domain::book::Book;
use domain::edit::{Edit, EditState, EditedStoryboard, Shot};
use domain::id::RunId;
use domain::language::Language;
use domain::storyboard::Storyboard;
use proptest::prelude::*;
use story::editing::{EditError, Editing, check_edited};
use story::{Settings, Violation, check, compose, edited_to_html, to_html};

const STATE: EditState = EditState { run: RunId(1), version: 1, can_undo: true, can_redo: false };

fn settings() -> Settings {
    Settings {
        scene_min_words: 50,
        scene_min_sentences: 2,
        scene_max_words: 100,
        panel_words: 20,
        ..Settings::default()
    }
}

/// A book of one chapter with so many sentences, two a paragraph.
fn told(sentences: usize) -> (Book, Storyboard) {
    let line = |n: usize| format!("On the morning of day {n} old Mr. Bly crossed the frozen river to see Ada Orsenne.");
    let paragraphs = (0..sentences).step_by(2).map(|n| format!("{} {}", line(n), line(n + 1)));
    let book = common::book("Days", Language::En, &[paragraphs.collect()]);
    let board = compose(&book, &common::vectors(&book), &settings()).expect("a well-formed book");
    (book, board)
}

fn ids(board: &EditedStoryboard) -> Vec<u32> {
    board.scenes.iter().flat_map(|scene| scene.panels.iter().map(|panel| panel.id())).collect()
}

#[test]
fn an_untouched_storyboard_is_what_was_composed() {
    let (book, base) = told(24);
    let settings = settings();
    let board = Editing::new(&book, &base, &settings).board(STATE);
    assert_eq!(check_edited(&book, &board), Ok(()));
    assert_eq!(ids(&board), (0..ids(&board).len() as u32).collect::<Vec<_>>());
    let plain: Vec<_> = board.scenes.iter().flat_map(|scene| scene.panels.iter().map(|p| p.panel.clone())).collect();
    let composed: Vec<_> = base.scenes.iter().flat_map(|scene| scene.panels.clone()).collect();
    assert_eq!(plain, composed);
    // A composed storyboard is read as an edited one too, and the other way round.
    let as_edited: EditedStoryboard = serde_json::from_slice(&serde_json::to_vec(&base).unwrap()).unwrap();
    assert_eq!(as_edited, base.clone().into());
    let as_composed: Storyboard = serde_json::from_slice(&serde_json::to_vec(&board).unwrap()).unwrap();
    assert_eq!(as_composed, base);
}

#[test]
fn a_caption_stands_apart_from_what_the_book_says_and_is_told_as_the_editors() {
    let (book, base) = told(24);
    let settings = settings();
    let mut editing = Editing::new(&book, &base, &settings);
    let text = "Bly never forgave <her>";
    editing.apply(&Edit::Caption { panel: 1, text: Some(format!("  {text} ")) }).unwrap();
    editing.apply(&Edit::Note { panel: 1, text: Some("check the coat".into()) }).unwrap();
    editing.apply(&Edit::Shot { panel: 1, shot: Some(Shot::Close) }).unwrap();
    let board = editing.board(STATE);
    let panel = board.scenes.iter().flat_map(|scene| &scene.panels).find(|panel| panel.id() == 1).unwrap();
    assert_eq!(panel.editor.as_ref().and_then(|mark| mark.caption.as_deref()), Some(text));
    assert!(panel.panel.evidence.iter().all(|quoted| !quoted.text.contains("forgave")));
    assert_eq!(check_edited(&book, &board), Ok(()));
    let html = edited_to_html(&book, &board);
    assert!(html.contains("Bly never forgave &lt;her&gt; <small>(the editor’s words)"), "{html}");
    assert!(html.contains("close-up") && !html.contains("check the coat"), "notes are for editors");
    assert!(!to_html(&book, &base).contains("the editor’s"));
}

#[test]
fn what_is_hidden_is_left_out_for_readers_and_kept_for_editors() {
    let (book, base) = told(24);
    let settings = settings();
    let mut editing = Editing::new(&book, &base, &settings);
    editing.apply(&Edit::Hide { panel: 0, hidden: true }).unwrap();
    let board = editing.board(STATE);
    let first = &base.scenes[0].panels[0].evidence[0].text;
    let in_panels = |html: String| html.split("class=\"panels\"").nth(1).unwrap().contains(first.as_str());
    assert!(in_panels(to_html(&book, &base)) && !in_panels(edited_to_html(&book, &board)));
    assert!(board.scenes[0].panels[0].is_hidden());
    assert_eq!(check_edited(&book, &board), Ok(()));
    assert_eq!(editing.apply(&Edit::Hide { panel: 0, hidden: true }), Err(EditError::NoChange));
}

#[test]
fn panels_move_within_their_scene_and_are_joined_with_neighbours_only() {
    let (book, base) = told(24);
    let settings = settings();
    let mut editing = Editing::new(&book, &base, &settings);
    let per_scene: Vec<u32> = base.scenes.iter().map(|scene| scene.panels.len() as u32).collect();
    assert!(per_scene[0] >= 3 && per_scene.len() > 1, "{per_scene:?}");
    editing.apply(&Edit::Move { panel: 2, before: Some(0) }).unwrap();
    assert_eq!(ids(&editing.board(STATE))[..3], [2, 0, 1]);
    let other = per_scene[0];
    let refused = editing.apply(&Edit::Move { panel: 0, before: Some(other) });
    assert_eq!(refused, Err(EditError::OtherScene { panel: 0, before: other }));
    assert_eq!(editing.apply(&Edit::Merge { panel: 2, with: 1 }), Err(EditError::NotNeighbours { panel: 2, with: 1 }));
    editing.apply(&Edit::Merge { panel: 2, with: 0 }).unwrap();
    let board = editing.board(STATE);
    let joined = &board.scenes[0].panels[0];
    assert!(joined.panel.evidence.is_sorted_by_key(|quoted| quoted.start), "in order of the book");
    assert_eq!(check_edited(&book, &board), Ok(()));
    assert_eq!(editing.apply(&Edit::Hide { panel: 0, hidden: true }), Err(EditError::NoPanel { panel: 0 }));
}

#[test]
fn a_panel_that_is_divided_and_joined_again_quotes_what_it_did() {
    let (book, base) = told(24);
    let settings = settings();
    let mut editing = Editing::new(&book, &base, &settings);
    editing.apply(&Edit::Merge { panel: 0, with: 1 }).unwrap();
    let whole = editing.board(STATE).scenes[0].panels[0].panel.clone();
    let count = base.scenes.iter().map(|scene| scene.panels.len()).sum::<usize>() as u32;
    editing.apply(&Edit::Split { panel: 0, at: 1 }).unwrap();
    assert_eq!(ids(&editing.board(STATE))[..2], [0, count]);
    editing.apply(&Edit::Merge { panel: 0, with: count }).unwrap();
    assert_eq!(editing.board(STATE).scenes[0].panels[0].panel, whole);
    let quotations = whole.evidence.len();
    for at in [0, quotations as u32] {
        let refused = editing.apply(&Edit::Split { panel: 0, at });
        assert_eq!(refused, Err(EditError::BadSplit { panel: 0, at, quotations }));
    }
}

#[test]
fn the_check_sees_a_quotation_that_somebody_slipped_in() {
    let (book, base) = told(24);
    let settings = settings();
    let honest = Editing::new(&book, &base, &settings).board(STATE);
    let tampered = |change: fn(&mut EditedStoryboard)| {
        let mut board = honest.clone();
        change(&mut board);
        check_edited(&book, &board)
    };
    let text = tampered(|board| board.scenes[0].panels[0].panel.evidence[0].text.push_str(" He lied."));
    assert!(matches!(text, Err(Violation::OtherText { .. })), "{text:?}");
    let twice = tampered(|board| {
        let quoted = board.scenes[0].panels[0].panel.evidence[0].clone();
        board.scenes[0].panels[1].panel.evidence.insert(0, quoted);
    });
    assert!(matches!(twice, Err(Violation::OutsideScene { .. })), "{twice:?}");
    let names = tampered(|board| board.scenes[0].panels[0].panel.names.push(900));
    assert!(matches!(names, Err(Violation::BadIndex { .. })), "{names:?}");
    let empty = tampered(|board| board.scenes[0].panels[0].panel.evidence.clear());
    assert!(matches!(empty, Err(Violation::Empty { .. })), "{empty:?}");
    let id = tampered(|board| board.scenes[0].panels[1].editor.as_mut().unwrap().id = 0);
    assert!(matches!(id, Err(Violation::BadIndex { .. })), "{id:?}");
}

fn any_edit() -> impl Strategy<Value = Edit> {
    let panel = 0..40_u32;
    let text = prop::option::of(prop::sample::select(&["A caption", "", "two\nlines", "é", "\u{7}"][..]));
    let text = text.prop_map(|text| text.map(str::to_owned)).boxed();
    prop_oneof![
        (panel.clone(), text.clone()).prop_map(|(panel, text)| Edit::Caption { panel, text }),
        (panel.clone(), text).prop_map(|(panel, text)| Edit::Note { panel, text }),
        (panel.clone(), prop::option::of(prop::sample::select(&Shot::ALL[..])))
            .prop_map(|(panel, shot)| Edit::Shot { panel, shot }),
        (panel.clone(), prop::option::of(0..200_000_u32)).prop_map(|(panel, ms)| Edit::Duration { panel, ms }),
        (panel.clone(), any::<bool>()).prop_map(|(panel, hidden)| Edit::Hide { panel, hidden }),
        (panel.clone(), prop::option::of(0..40_u32)).prop_map(|(panel, before)| Edit::Move { panel, before }),
        (panel.clone(), 0..40_u32).prop_map(|(panel, with)| Edit::Merge { panel, with }),
        (0..39_u32).prop_map(|panel| Edit::Merge { panel, with: panel + 1 }),
        (panel, 0..4_u32).prop_map(|(panel, at)| Edit::Split { panel, at }),
    ]
}

/// All quotations of a storyboard, in order of the book.
fn quotations(board: &EditedStoryboard) -> Vec<(u32, u32)> {
    let panels = board.scenes.iter().flat_map(|scene| &scene.panels);
    let mut all: Vec<_> = panels.flat_map(|panel| &panel.panel.evidence).map(|q| (q.chapter, q.start)).collect();
    all.sort_unstable();
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn whatever_editors_do_the_storyboard_keeps_the_contract_and_loses_no_quotation(
        edits in prop::collection::vec(any_edit(), 0..40),
    ) {
        let (book, base) = told(30);
        prop_assert_eq!(check(&book, &base), Ok(()));
        let settings = settings();
        let mut editing = Editing::new(&book, &base, &settings);
        let all = quotations(&editing.board(STATE));
        let mut made = Vec::new();
        for edit in &edits {
            let before = editing.board(STATE);
            match editing.apply(edit) {
                Ok(()) => made.push(edit),
                Err(_) => prop_assert_eq!(&editing.board(STATE), &before, "a refused change changes nothing"),
            }
            let board = editing.board(STATE);
            prop_assert_eq!(check_edited(&book, &board), Ok(()));
            prop_assert_eq!(&quotations(&board), &all);
        }
        // What was made can be made again, and gives the same bytes.
        let mut again = Editing::new(&book, &base, &settings);
        for edit in made {
            prop_assert_eq!(again.apply(edit), Ok(()));
        }
        let bytes = |editing: &Editing<'_>| serde_json::to_vec(&editing.board(STATE)).unwrap();
        prop_assert_eq!(bytes(&again), bytes(&editing));
    }
}
