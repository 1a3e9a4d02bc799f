//! Front and back matter that is told by its words: licences, imprints, title pages.

use domain::book::{ParagraphKind, SetAside};

use crate::headings;
use crate::piece::{Draft, Para, Piece};

/// Words of what publishers and transcribers print round a book, lower case, and the rule for each.
const WORDS: &[(&str, &str)] = &[
    ("project gutenberg", "licence"),
    ("gutenberg.org", "licence"),
    ("all rights reserved", "copyright"),
    ("tous droits réservés", "copyright"),
    ("tous droits de traduction", "copyright"),
    ("no part of this", "copyright"),
    ("dépôt légal", "copyright"),
    ("isbn", "copyright"),
    ("library of congress", "copyright"),
    ("creative commons", "copyright"),
    ("domaine public", "copyright"),
    ("public domain", "copyright"),
    ("ebooks libres et gratuits", "imprint"),
    ("à propos de cette édition", "imprint"),
    ("exporté de wikisource", "imprint"),
    ("la bibliothèque libre", "imprint"),
    ("wikisource", "imprint"),
    ("standard ebooks", "imprint"),
    ("feedbooks", "imprint"),
    ("bibliothèque électronique du québec", "imprint"),
    ("bibebook", "imprint"),
    ("livres-num", "imprint"),
    ("distributed proofread", "imprint"),
    ("transcribed from", "imprint"),
    ("produced by", "imprint"),
    ("typeset by", "imprint"),
    ("first published", "imprint"),
    ("printed in", "imprint"),
    ("imprimé en", "imprint"),
    ("achevé d’imprimer", "colophon"),
    ("achevé d'imprimer", "colophon"),
];
/// What is set aside by its words is no longer, characters; a licence may be.
const MATTER_CHARS: usize = 3_000;
const LICENCE_CHARS: usize = 40_000;
/// A title page is no longer, characters.
const TITLE_PAGE_CHARS: usize = 700;

/// Sets front and back matter aside.
pub(crate) fn set_aside(draft: &mut Draft) {
    cut_licence(draft);
    by_words(&mut draft.pieces);
    title_pages(draft);
}

/// Where a Project Gutenberg licence ends, or starts again: `*** START OF THE PROJECT GUTENBERG EBOOK … ***`.
fn is_licence_mark(para: &Para, word: &str) -> bool {
    let text = para.text.text();
    let head: String = text.chars().take(60).collect::<String>().to_uppercase();
    let head = head.trim_start_matches(['*', ' ']);
    text.contains("***") && head.starts_with(word) && head.contains("GUTENBERG")
}

/// Sets aside what stands before and behind the marks of a licence.
fn cut_licence(draft: &mut Draft) {
    let find = |pieces: &[Piece], word: &str, from: (usize, usize)| {
        let places =
            pieces.iter().enumerate().flat_map(|(piece, p)| (0..p.paragraphs.len()).map(move |at| (piece, at)));
        places.filter(|&place| place >= from).find(|&(piece, at)| is_licence_mark(&pieces[piece].paragraphs[at], word))
    };
    let start = find(&draft.pieces, "START OF", (0, 0));
    if let Some((piece, at)) = start {
        let head: Vec<Para> = draft.pieces[piece].paragraphs.drain(..=at).collect();
        put_aside(draft, piece, &head);
        draft.pieces[..piece].iter_mut().for_each(|piece| piece.aside = Some("licence"));
    }
    let from = start.map_or((0, 0), |(piece, _)| (piece, 0));
    if let Some((piece, at)) = find(&draft.pieces, "END OF", from) {
        let tail: Vec<Para> = draft.pieces[piece].paragraphs.drain(at..).collect();
        put_aside(draft, piece, &tail);
        draft.pieces[piece + 1..].iter_mut().for_each(|piece| piece.aside = Some("licence"));
    }
}

fn put_aside(draft: &mut Draft, piece: usize, paragraphs: &[Para]) {
    let texts: Vec<&str> = paragraphs.iter().map(|para| para.text.text()).collect();
    let href = draft.pieces[piece].href.clone();
    draft.set_aside.push(SetAside { href, title: None, reason: "licence".to_owned(), text: texts.join("\n\n") });
    if draft.pieces[piece].paragraphs.is_empty() {
        draft.pieces[piece].aside = Some("licence");
    }
}

/// Sets aside short pieces that say what only a publisher says.
fn by_words(pieces: &mut [Piece]) {
    for piece in pieces.iter_mut().filter(|piece| piece.aside.is_none() && !piece.is_chapter) {
        let chars: usize = piece.paragraphs.iter().map(|para| para.text.text().len()).sum();
        if chars > LICENCE_CHARS {
            continue;
        }
        let text = piece.text().to_lowercase();
        let found =
            WORDS.iter().find(|(words, rule)| (chars <= MATTER_CHARS || *rule == "licence") && text.contains(words));
        // A novel may speak of its own printing in one line of many.
        let dense =
            found.is_some_and(|(words, _)| text.matches(words).count() * 1500 >= chars || chars <= MATTER_CHARS / 2);
        piece.aside = found.filter(|_| dense).map(|&(_, rule)| rule);
    }
}

/// Sets aside title pages before the first chapter. A book without a title takes that of the heading above all.
fn title_pages(draft: &mut Draft) {
    let told = |piece: &Piece| {
        piece
            .paragraphs
            .iter()
            .filter(|para| para.kind != ParagraphKind::Heading)
            .map(|para| para.text.text().len())
            .sum::<usize>()
    };
    let Some(first) = draft.pieces.iter().position(|piece| piece.is_chapter || told(piece) > TITLE_PAGE_CHARS) else {
        return;
    };
    if draft.title.is_none()
        && let Some(piece) = draft.pieces[..first].iter().find(|piece| piece.aside.is_none())
        && let Some(heading) = piece.paragraphs.first().filter(|para| para.kind == ParagraphKind::Heading)
        && headings::heading_line(heading.text.text()).is_none()
    {
        draft.title = Some(heading.text.text().to_owned());
        if draft.authors.is_empty() {
            draft.authors.extend(piece.paragraphs.iter().skip(1).take(2).find_map(|para| author(para.text.text())));
        }
    }
    let Some(title) = draft.title.as_deref().map(headings::letters).filter(|title| !title.is_empty()) else { return };
    for piece in draft.pieces[..first].iter_mut().filter(|piece| piece.aside.is_none()) {
        let division = piece.own_title().is_some_and(|own| headings::heading_line(&own).is_some());
        let says = piece.paragraphs.iter().take(4).any(|para| {
            let line = headings::letters(para.text.text());
            !line.is_empty() && (title.starts_with(&line) || line.starts_with(&title))
        });
        if says && !division && told(piece) <= TITLE_PAGE_CHARS {
            piece.aside = Some("title-page");
        }
    }
}

/// `by Jane Ash`, `de Jane Ash`: the author that a line of a title page names.
pub(crate) fn author(line: &str) -> Option<String> {
    let lower = line.to_lowercase();
    let by = ["written by ", "by ", "de ", "par ", "d’", "d'"].iter().find(|by| lower.starts_with(*by))?;
    let named = line.get(by.len()..)?.trim();
    let words = named.split_whitespace().count();
    let capital = named.chars().next().is_some_and(char::is_uppercase);
    ((1..=6).contains(&words) && capital && !named.contains(char::is_numeric)).then(|| named.to_owned())
}

/// `Ash, Jane` as it is spoken: `Jane Ash`. `Alexandre Dumas, fils` stays.
pub(crate) fn spoken(name: &str) -> String {
    let Some((last, first)) = name.split_once(", ") else { return name.to_owned() };
    let word =
        |word: &str| word.starts_with(char::is_uppercase) || matches!(word, "de" | "du" | "d’" | "von" | "van" | "la");
    let plain = |part: &str| part.split(' ').count() <= 3 && part.split(' ').all(word);
    let suffix =
        matches!(first, "Jr" | "Jr." | "Sr" | "Sr." | "Esq" | "Esq.") || !first.starts_with(char::is_uppercase);
    if plain(last) && plain(first) && !suffix { format!("{first} {last}") } else { name.to_owned() }
}

/// Title and author, as licences word them: `The Project Gutenberg eBook of The Lamp, by Jane Ash`.
pub(crate) fn named_by_licence(text: &str) -> (String, Option<String>) {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = text.split(" | ").next().unwrap_or(&text);
    let Some(at) = text.find("Gutenberg").filter(|&at| at < 24) else { return (text.to_owned(), None) };
    let rest = text[at..].split_once(" of ").map_or(text, |(_, rest)| rest);
    match rest.rsplit_once(", by ") {
        Some((title, author)) => (title.to_owned(), Some(author.trim_end_matches('.').to_owned())),
        None => (rest.to_owned(), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_read_as_licences_word_them() {
        assert_eq!(spoken("Ash, Jane"), "Jane Ash");
        assert_eq!(spoken("Hugo, Victor"), "Victor Hugo");
        for name in ["Alexandre Dumas, fils", "John Oak, Jr.", "Jane Ash", "Ash, Jane, 1801-1888"] {
            assert_eq!(spoken(name), name);
        }
        let named = |text| named_by_licence(text);
        assert_eq!(
            named("The Project Gutenberg eBook of The Lamp, by Jane Ash."),
            ("The Lamp".to_owned(), Some("Jane Ash".to_owned()))
        );
        assert_eq!(named("The Lamp | Project Gutenberg"), ("The Lamp".to_owned(), None));
        assert_eq!(named("The Lamp"), ("The Lamp".to_owned(), None));
    }
}
