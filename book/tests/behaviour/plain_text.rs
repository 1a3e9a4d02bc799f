//! What plain text becomes.

use domain::book::ParagraphKind;
use domain::language::Language;

use crate::fixture::{ENGLISH, asides, book_of, sentences, titles, warnings};

fn book(text: &str) -> domain::book::Book {
    book_of("lamp.txt", text.as_bytes())
}

#[test]
fn title_author_and_chapters_are_found() {
    let book =
        book(&format!("The Lamp\n\nby Jane Ash\n\n\nCHAPTER I\n\nDusk\n\n{ENGLISH}\n\n\nCHAPTER II\n\n{ENGLISH}\n"));
    assert_eq!((book.title.as_str(), book.authors.as_slice()), ("The Lamp", ["Jane Ash".to_owned()].as_slice()));
    assert_eq!(titles(&book), ["CHAPTER I: Dusk", "CHAPTER II"]);
    assert_eq!(asides(&book), ["title-page"]);
}

#[test]
fn hard_wrapped_lines_are_joined() {
    let wrapped = "The lamp was out, and she had not heard him come in, for the\nwind was at the door, and the rain was on the roof, and she had\nbeen asleep before the fire.\n\n".repeat(5);
    let book = book(&wrapped);
    assert_eq!(book.chapters[0].paragraphs.len(), 5);
    assert!(sentences(&book)[0].contains("for the wind was"));
}

#[test]
fn without_blank_lines_each_line_is_a_paragraph() {
    let book = book(&format!("{ENGLISH}\n").repeat(12));
    assert_eq!(book.chapters[0].paragraphs.len(), 12);
}

#[test]
fn parts_hold_chapters() {
    let text = format!(
        "PART ONE\n\nChapter 1\n\n{ENGLISH}\n\nChapter 2\n\n{ENGLISH}\n\nPART TWO\n\nChapter 3\n\n{ENGLISH}\n\nEpilogue\n\n{ENGLISH}\n"
    );
    let book = book(&text);
    let parts: Vec<String> = book.chapters.iter().map(|chapter| chapter.parts.join("/")).collect();
    assert_eq!(parts, ["PART ONE", "PART ONE", "PART TWO", ""]);
}

#[test]
fn bare_numbers_count_as_headings_only_in_order() {
    let book = book(&format!("I\n\n{ENGLISH}\n\nII\n\n{ENGLISH}\n\n1805\n\n{ENGLISH}\n\nX\n\n{ENGLISH}\n"));
    assert_eq!(titles(&book), ["I", "II"]);
}

#[test]
fn french_chapters_and_dialogue_are_read() {
    let text = "La Lampe\n\nCHAPITRE PREMIER\n\nIl était tard, et la lampe était éteinte. « Qui est là ? » dit-elle. Personne ne répondit.\n\nCHAPITRE II\n\n— Vous voilà ! — Oui, madame.\n";
    let book = book(text);
    assert_eq!(book.language, Language::Fr);
    assert_eq!(titles(&book), ["CHAPITRE PREMIER", "CHAPITRE II"]);
    assert_eq!(sentences(&book)[1], "« Qui est là ? » dit-elle.");
    assert_eq!(sentences(&book)[3..], ["— Vous voilà !", "— Oui, madame."]);
}

#[test]
fn breaks_notes_and_verse_are_told_apart() {
    let text = format!(
        "{ENGLISH}\n\n* * *\n\nShe had the lamp[1] with her.\n\n[1] It was of brass.\n\n    The owl was there,\n    And so was I.\n\n\n\nHe was late.\n"
    );
    let book = book(&text);
    let chapter = &book.chapters[0];
    let kinds: Vec<_> = chapter.paragraphs.iter().map(|p| (p.kind, p.after_break)).collect();
    use ParagraphKind::{Prose, Verse};
    assert_eq!(kinds, [(Prose, false), (Prose, true), (Verse, false), (Prose, true)]);
    assert_eq!(sentences(&book)[2], "She had the lamp with her.");
    let notes: Vec<_> = book.notes.iter().map(|note| (note.label.as_str(), note.text.as_str())).collect();
    assert_eq!(notes, [("1", "It was of brass.")]);
    let anchor = book.notes[0].anchor.unwrap();
    assert!(chapter.text[anchor.at as usize..].starts_with(" with her."));
}

#[test]
fn licences_and_contents_are_set_aside() {
    let text = format!(
        "The Project Gutenberg eBook of The Lamp\n\nTitle: The Lamp\nAuthor: Jane Ash\n\n*** START OF THE PROJECT GUTENBERG EBOOK THE LAMP ***\n\nCONTENTS\n\nCHAPTER I. Dusk\n\nCHAPTER II. Night\n\nCHAPTER III. Dawn\n\nCHAPTER I. Dusk\n\n{ENGLISH}\n\nCHAPTER II. Night\n\n{ENGLISH}\n\nCHAPTER III. Dawn\n\n{ENGLISH}\n\nTHE END\n\n*** END OF THE PROJECT GUTENBERG EBOOK THE LAMP ***\n\nMuch small print follows here.\n"
    );
    let book = book(&text);
    assert_eq!((book.title.as_str(), book.authors.as_slice()), ("The Lamp", ["Jane Ash".to_owned()].as_slice()));
    assert_eq!(titles(&book), ["CHAPTER I. Dusk", "CHAPTER II. Night", "CHAPTER III. Dawn"]);
    assert!(asides(&book).contains(&"licence") && asides(&book).contains(&"table-of-contents"));
    assert!(!sentences(&book).contains(&"THE END"));
    assert!(warnings(&book).is_empty());
}

#[test]
fn a_heading_that_a_rule_sets_aside_never_takes_the_whole_book() {
    let book = book(&format!("Notes\n\n{}", format!("{ENGLISH}\n\n").repeat(9)));
    assert_eq!(titles(&book), ["Notes"]);
}

#[test]
fn a_chapter_without_text_is_a_warning() {
    let book = book(&format!("CHAPTER I\n\n{ENGLISH}\n\nCHAPTER II\n\nCHAPTER III\n\n{ENGLISH}\n"));
    assert_eq!(titles(&book), ["CHAPTER I", "CHAPTER III"]);
    assert_eq!(warnings(&book), ["empty-chapter"]);
}

#[test]
fn every_encoding_gives_the_same_book_at_its_own_offsets() {
    let text =
        "CHAPITRE I\r\n\r\nL'été où elle était là, il a rêvé d'une forêt, près du château. « Déjà ? » dit-il.\r\n";
    let plain = book_of("lampe.txt", text.as_bytes());
    let utf16 =
        |bom: &[u8], unit: fn(u16) -> [u8; 2]| bom.iter().copied().chain(text.encode_utf16().flat_map(unit)).collect();
    let files: [Vec<u8>; 9] = [
        [b"\xEF\xBB\xBF", text.as_bytes()].concat(),
        utf16(&[0xFF, 0xFE], u16::to_le_bytes),
        utf16(&[0xFE, 0xFF], u16::to_be_bytes),
        utf16(&[], u16::to_le_bytes),
        utf16(&[], u16::to_be_bytes),
        encoding_rs::WINDOWS_1252.encode(text).0.into_owned(),
        encoding_rs::ISO_8859_15.encode(text).0.into_owned(),
        encoding_rs::MACINTOSH.encode(text).0.into_owned(),
        dos(text),
    ];
    for (index, bytes) in files.iter().enumerate() {
        assert_eq!(book_of("lampe.txt", bytes).chapters[0].text, plain.chapters[0].text, "{index}");
    }
}

/// In code page 850, as far as French needs it.
fn dos(text: &str) -> Vec<u8> {
    let high = [('é', 0x82), ('â', 0x83), ('à', 0x85), ('ê', 0x88), ('è', 0x8A), ('ù', 0x97), ('«', 0xAE), ('»', 0xAF)];
    text.chars().map(|c| high.iter().find(|(known, _)| *known == c).map_or(c as u8, |&(_, byte)| byte)).collect()
}

#[test]
fn marks_of_printed_pages_are_kept_as_pages_and_no_text() {
    let text = format!(
        "CHAPTER I\r\n\r\n[Pg 7]\r\n\r\n{ENGLISH}\r\n\r\nShe went to the [Page 8]water, {{9}} and\r\nthe [Pg 10]\r\nboat was gone.\r\n\r\n[Pg xi] CHAPTER II\r\n\r\n{ENGLISH}\r\n"
    );
    let book = book(&text);
    assert_eq!(titles(&book), ["CHAPTER I", "CHAPTER II"]);
    let chapter = &book.chapters[0];
    assert_eq!(chapter.sentence(2), "She went to the water, and the boat was gone.");
    let pages = chapter.pages.iter().map(|page| {
        let text = &chapter.text[page.at as usize..];
        (page.label.as_str(), text.split([' ', ',']).next().unwrap())
    });
    assert_eq!(pages.collect::<Vec<_>>(), [("7", "The"), ("8", "water"), ("9", "and"), ("10", "boat")]);
    assert_eq!(book.chapters[1].pages[0].label, "xi");
}

#[test]
fn letters_are_told_by_how_they_open_and_close() {
    let text = format!(
        "CHAPTER I\n\n{ENGLISH}\n\nBath, June 3rd, 1790.\n\nMy dear Anna,\n\n{ENGLISH}\n\nYours ever,\n\nTom Bell\n\nP.S. Burn this.\n\n“My dear Tom,” she said, and put it away.\n"
    );
    let kinds: Vec<_> = book(&text).chapters[0].paragraphs.iter().map(|paragraph| paragraph.kind).collect();
    use ParagraphKind::{Heading, Letter, Prose};
    assert_eq!(kinds, [Heading, Prose, Letter, Letter, Letter, Letter, Letter, Letter, Prose]);
    let epistolary = "LETTRE PREMIÈRE\n\nCécile à Sophie\n\nTu vois, ma bonne amie, que je te tiens parole, et que la lampe est éteinte.\n\nLETTRE II\n\nJe ne vous crois pas, et je vous le dis.\n";
    let book = book(epistolary);
    assert!(book.chapters.iter().flat_map(|c| &c.paragraphs).all(|p| matches!(p.kind, Heading | Letter)));
}

#[test]
fn a_title_page_is_read_line_by_line() {
    for head in ["The Lamp\nby Jane Ash", "THE LAMP\n\nBY\n\nJane Ash", "The Lamp\n\nJane Ash", "Jane Ash\n\nThe Lamp"]
    {
        let book = book(&format!("{head}\n\n\nCHAPTER I\n\n{ENGLISH}\n\nCHAPTER II\n\n{ENGLISH}\n"));
        assert_eq!(
            (book.title.to_lowercase().as_str(), book.authors.as_slice()),
            ("the lamp", ["Jane Ash".to_owned()].as_slice()),
            "{head}"
        );
    }
    let play =
        book(&format!("The Lamp\n\nA Play in Two Acts\n\nACT I\n\nSCENE I\n\n{ENGLISH}\n\nSCENE II\n\n{ENGLISH}\n"));
    assert!(play.authors.is_empty());
}

#[test]
fn numbers_below_the_heading_of_a_chapter_count_its_sections() {
    let text = format!("CHAPTER I\n\nI\n\n{ENGLISH}\n\nII\n\n{ENGLISH}\n\nCHAPTER II\n\n{ENGLISH}\n\nI\n\n{ENGLISH}\n");
    let book = book(&text);
    assert_eq!(titles(&book), ["CHAPTER I", "CHAPTER II"]);
    assert!(warnings(&book).is_empty());
    let breaks = book.chapters.iter().flat_map(|chapter| &chapter.paragraphs).filter(|p| p.after_break).count();
    assert_eq!(breaks, 2);
    let in_parts = format!("PART ONE\n\nI\n\n{ENGLISH}\n\nII\n\n{ENGLISH}\n\nPART TWO\n\nI\n\n{ENGLISH}\n");
    assert_eq!(titles(&book_of("lamp.txt", in_parts.as_bytes())), ["I", "II", "I"]);
}

#[test]
fn headings_are_told_by_the_habits_of_the_file() {
    let chapters = |headings: [&str; 3]| {
        let body = format!("{ENGLISH}\n\n{ENGLISH}\n");
        titles(&book(&headings.map(|heading| format!("{heading}\n\n{body}\n\n\n")).concat()))
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    for headings in [
        ["1. The Door", "2. The Boat", "3. The Key"],
        ["I. THE DOOR.", "II. THE BOAT.", "III. THE KEY."],
        ["CHAPTER TWENTY", "CHAPTER TWENTY-ONE", "CHAPTER THE THIRTIETH"],
        ["Chapitre vingt et un", "Chapitre trente-deux", "Chapitre quatre-vingt-dixième"],
    ] {
        assert_eq!(chapters(headings), headings);
    }
    assert_eq!(
        chapters(["CHAPTER I\nIn Which He Comes", "CHAPTER II\nIn Which He Goes", "CHAPTER III\nThe Key"]),
        ["CHAPTER I: In Which He Comes", "CHAPTER II: In Which He Goes", "CHAPTER III: The Key"]
    );
}

#[test]
fn short_lines_far_from_the_text_above_are_headings_where_nothing_else_is() {
    let body = format!("{ENGLISH}\n\n{ENGLISH}\n");
    let chapters: String = ["THE DOOR", "The Boat", "THE KEY"].map(|title| format!("\n\n\n{title}\n\n{body}")).concat();
    assert_eq!(titles(&book(&format!("The Lamp\n\nby Jane Ash\n{chapters}"))), ["THE DOOR", "The Boat", "THE KEY"]);
}

#[test]
fn headings_stand_out_where_no_line_is_blank() {
    let line = format!("{ENGLISH} {ENGLISH}\n");
    let text: String = (1..=4).map(|n| format!("Chapitre {n}\n{}", line.repeat(9))).collect();
    assert_eq!(titles(&book(&text)), ["Chapitre 1", "Chapitre 2", "Chapitre 3", "Chapitre 4"]);
}

#[test]
fn a_single_numbered_line_is_no_heading() {
    let book = book(&format!("CHAPTER I\n\n{ENGLISH}\n\n1. The lamp\n\n{ENGLISH}\n\nCHAPTER II\n\n{ENGLISH}\n"));
    assert_eq!(titles(&book), ["CHAPTER I", "CHAPTER II"]);
}

#[test]
fn numbered_arguments_are_no_notes() {
    let book = book(&format!(
        "She had the lamp[1] with her.\n\n[1] It was of brass.\n\n(2) What is a lamp?\n\n(3) Who has it?\n\n{ENGLISH}\n"
    ));
    assert_eq!((book.notes.len(), book.chapters[0].paragraphs.len()), (1, 4));
}
