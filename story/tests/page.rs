//! `storyboard.html` stands by itself and says nothing but what the book says.

mod common;

use domain::book::Book;
use domain::language::Language;
use domain::storyboard::Storyboard;
use story::{Settings, compose, content_security_policy, to_html};

fn page(title: &str, language: Language, paragraphs: &[&str]) -> (Book, Storyboard, String) {
    let book = common::book(title, language, &[paragraphs.iter().map(|&p| p.into()).collect()]);
    let board = compose(&book, &common::vectors(&book), &Settings::default()).expect("a good book");
    let html = to_html(&book, &board);
    (book, board, html)
}

#[test]
fn hostile_text_stays_text() {
    let attack = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>";
    let (mut book, mut board, _) =
        page("t", Language::En, &[&format!("Ada read {attack} aloud. </style></p> She wept.")]);
    for text in [&mut book.title, &mut board.title, &mut book.source.name] {
        *text = attack.into();
    }
    board.authors = vec![attack.into()];
    board.chapters[0].title = Some(attack.into());
    board.names.iter_mut().for_each(|n| n.name = attack.into());
    board.scenes[0].panels[0].evidence[0].source_href = attack.into();
    let html = to_html(&book, &board);
    let lower = html.to_lowercase();
    assert!(!lower.contains("<script") && !lower.contains("<img"), "{html}");
    assert_eq!(lower.matches("</style>").count(), 1);
    assert!(html.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot;&gt;&lt;img"));
}

#[test]
fn characters_that_html_forbids_are_replaced() {
    let (_, _, html) = page("t", Language::En, &["Ada\u{0}came\u{8}home."]);
    assert!(html.contains("Ada\u{fffd}came\u{fffd}home."));
}

#[test]
fn the_page_needs_no_script_and_nothing_from_elsewhere() {
    let (_, _, html) = page("A Lamp", Language::En, &["Ada came home. She lit the lamp."]);
    for foreign in ["<script", "<link", "<iframe", "http://", "https://", "src=", "@import", "url("] {
        assert!(!html.contains(foreign), "{foreign}");
    }
    assert!(!html.contains("style=\""), "inline styles do not pass the page's own policy");
}

#[test]
fn the_policy_lets_its_own_style_through_and_nothing_else() {
    let policy = content_security_policy();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"));
    // 32 bytes in base64 are 43 digits and one sign of padding.
    let hash = policy.split('\'').nth(3).and_then(|s| s.strip_prefix("sha256-")).expect("a hash");
    assert_eq!((hash.len(), hash.ends_with('=')), (44, true));
    let (_, _, html) = page("A Lamp", Language::En, &["Ada came home."]);
    assert!(html.contains(&format!("content=\"{}\"", policy.replace('\'', "&#39;"))));
}

#[test]
fn the_page_speaks_the_books_language() {
    let (_, _, english) = page("A Lamp", Language::En, &["Ada came home."]);
    let (_, _, french) = page("Une lampe", Language::Fr, &["Ada rentra."]);
    assert!(english.contains("<html lang=\"en\">") && english.contains(">Skip to the scenes<"));
    assert!(french.contains("<html lang=\"fr\">") && french.contains(">Aller aux scènes<"));
}

#[test]
fn headings_and_landmarks_are_in_order_and_every_reference_has_its_target() {
    let paragraphs =
        ["# The Lamp", "Ada came home to Orsenne. She lit the lamp.", "***", "In Orsenne, Ada slept. Ada woke."];
    let (_, board, html) = page("A Lamp", Language::En, &paragraphs);
    assert_eq!(html.matches("<h1").count(), 1);
    assert_eq!(html.matches("<h3").count(), board.scenes.len());
    for landmark in ["<header>", "<nav aria-label=", "<main id=", "<footer>"] {
        assert_eq!(html.matches(landmark).count(), 1, "{landmark}");
    }
    for attribute in ["href=\"#", "aria-labelledby=\""] {
        for target in html.split(attribute).skip(1).filter_map(|rest| rest.split('"').next()) {
            assert_eq!(html.matches(&format!(" id=\"{target}\"")).count(), 1, "#{target}");
        }
    }
}

#[test]
fn every_panel_quotes_its_evidence_in_full() {
    let (_, board, html) = page("A Lamp", Language::En, &["Ada came home & slept. “Stay,” said the <lamp>."]);
    for evidence in board.scenes.iter().flat_map(|s| &s.panels).flat_map(|p| &p.evidence) {
        let escaped = evidence.text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        assert!(html.contains(&format!("<p>{escaped}</p>")));
    }
}
