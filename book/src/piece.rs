//! What a format's reader hands over: pieces of a book in reading order, before they are chapters.

use domain::book::ParagraphKind;

use crate::headings;
use crate::mapped::Mapped;
use crate::notes;

/// A paragraph, before its sentences are found.
pub(crate) struct Para {
    pub kind: ParagraphKind,
    pub text: Mapped,
    pub after_break: bool,
}

/// A stretch of the book between two divisions: a chapter, the title of a part, an imprint …
pub(crate) struct Piece {
    pub href: String,
    /// From the table of contents, else from its own headings.
    pub title: Option<String>,
    /// Where it stands among titles of parts: a lower level holds a higher one.
    pub level: u32,
    /// Titles above it in the table of contents; nothing if that doesn't nest or doesn't list it.
    pub above: Option<Vec<String>>,
    /// The table of contents lists it.
    pub listed: bool,
    /// The rule that sets it aside.
    pub aside: Option<&'static str>,
    /// Its heading is that of a chapter: without text it is an empty chapter, not the title of a part.
    pub is_chapter: bool,
    /// It shows a picture.
    pub pictured: bool,
    pub paragraphs: Vec<Para>,
}

impl Piece {
    pub fn new(href: &str) -> Self {
        Self {
            href: href.to_owned(),
            title: None,
            level: 0,
            above: None,
            listed: false,
            aside: None,
            is_chapter: false,
            pictured: false,
            paragraphs: Vec::new(),
        }
    }

    /// It holds text other than headings.
    pub fn has_prose(&self) -> bool {
        self.paragraphs.iter().any(|p| p.kind != ParagraphKind::Heading)
    }

    /// Its paragraphs, joined by one blank line.
    pub fn text(&self) -> String {
        let texts: Vec<&str> = self.paragraphs.iter().map(|p| p.text.text()).collect();
        texts.join("\n\n")
    }

    /// The headings that it starts with, joined.
    pub fn own_title(&self) -> Option<String> {
        let headings: Vec<&str> = self
            .paragraphs
            .iter()
            .take_while(|p| p.kind == ParagraphKind::Heading)
            .map(|p| p.text.text())
            .take(3)
            .collect();
        (!headings.is_empty()).then(|| headings.join(": "))
    }
}

/// What a finished block of text turned out to be.
pub(crate) enum Block {
    /// Nothing.
    Empty,
    /// An ornament: a break before what follows.
    Break,
    /// A note, which stands apart from the text.
    Note,
    /// Text, with its note marks dropped.
    Text(Mapped),
}

/// Tells what a block is, and drops the note marks in it.
pub(crate) fn block(mut text: Mapped) -> Block {
    if notes::is_note(text.text()) {
        return Block::Note;
    }
    let marks = notes::marks(text.text());
    if !marks.is_empty() {
        text.remove(&marks);
    }
    if headings::is_ornament(text.text()) {
        return Block::Break;
    }
    if !text.text().contains(char::is_alphanumeric) && !text.text().contains(['!', '?', '…', '.']) {
        return Block::Empty;
    }
    Block::Text(text)
}
