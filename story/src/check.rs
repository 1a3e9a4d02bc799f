//! The evidence contract, as code: what holds of every storyboard of a book.

use std::ops::Range;

use domain::book::{Book, Chapter};
use domain::storyboard::{Evidence, STORYBOARD_SCHEMA, Scene, Storyboard};

/// How a storyboard breaks the contract. `at` says where, such as `panel 3`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// Title, authors, language, digest or schema are not the book's.
    #[error("{what} is not the book's")]
    OtherBook {
        /// Which of them.
        what: &'static str,
    },
    /// An index points nowhere, or is not the position that it should be.
    #[error("{at}: index {index} is out of range or out of order")]
    BadIndex {
        /// Where.
        at: String,
        /// The index.
        index: u32,
    },
    /// A chapter of the book is not told, or not in its place.
    #[error("chapter {chapter} is not covered")]
    ChapterNotCovered {
        /// Index of the chapter.
        chapter: u32,
    },
    /// A sentence lies in no scene, in two, or across an edge.
    #[error("sentence {sentence} of chapter {chapter} does not lie in exactly one scene")]
    NotAPartition {
        /// Index of the chapter.
        chapter: u32,
        /// Index of the sentence.
        sentence: u32,
    },
    /// A scene without panels, a panel without evidence, a scene without summary.
    #[error("{at} is empty")]
    Empty {
        /// Where.
        at: String,
    },
    /// Evidence that is no sentence of its chapter.
    #[error("{at}: {start}..{end} of chapter {chapter} is not a sentence")]
    NotASentence {
        /// Where.
        at: String,
        /// Index of the chapter.
        chapter: u32,
        /// First byte.
        start: u32,
        /// One past the last.
        end: u32,
    },
    /// Evidence whose text is not what stands at its offsets.
    #[error("{at}: the text is not what stands at its offsets")]
    OtherText {
        /// Where.
        at: String,
    },
    /// Evidence whose source range is not its sentence's.
    #[error("{at}: the source range is not the sentence's")]
    OtherSource {
        /// Where.
        at: String,
    },
    /// Evidence of a scene that lies outside of it, or is out of order.
    #[error("{at}: the evidence lies outside of its scene or out of order")]
    OutsideScene {
        /// Where.
        at: String,
    },
    /// A name whose evidence does not hold it.
    #[error("{at}: the evidence does not hold the name")]
    NameNotThere {
        /// Where.
        at: String,
    },
}

impl Violation {
    /// Stable code for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::OtherBook { .. } => "storyboard-other-book",
            Self::BadIndex { .. } => "storyboard-bad-index",
            Self::ChapterNotCovered { .. } => "storyboard-chapter-not-covered",
            Self::NotAPartition { .. } => "storyboard-not-a-partition",
            Self::Empty { .. } => "storyboard-empty",
            Self::NotASentence { .. } => "storyboard-not-a-sentence",
            Self::OtherText { .. } => "storyboard-other-text",
            Self::OtherSource { .. } => "storyboard-other-source",
            Self::OutsideScene { .. } => "storyboard-outside-scene",
            Self::NameNotThere { .. } => "storyboard-name-not-there",
        }
    }
}

/// Checks that `board` is an honest storyboard of `book`: every chapter is covered, scenes partition each
/// chapter's sentences, each scene has a summary and panels, and all evidence is quoted exactly, with the
/// source range of its sentence.
///
/// # Errors
/// The first violation, in order of the book.
pub fn check(book: &Book, board: &Storyboard) -> Result<(), Violation> {
    same_book(book, board)?;
    for (index, name) in board.names.iter().enumerate() {
        let at = || format!("name {index}");
        evidence(book, &name.first, &at)?;
        if name.name.is_empty() || name.count == 0 {
            return Err(Violation::Empty { at: at() });
        }
        if !holds(&name.first, &name.name) {
            return Err(Violation::NameNotThere { at: at() });
        }
    }
    chapters(book, board)?;
    let mut panels = 0;
    for (index, scene) in (0..).zip(&board.scenes) {
        if scene.index != index {
            return Err(Violation::BadIndex { at: format!("scene {index}"), index: scene.index });
        }
        one_scene(book, board, scene, &mut panels)?;
    }
    Ok(())
}

fn same_book(book: &Book, board: &Storyboard) -> Result<(), Violation> {
    let checks = [
        ("schema", board.schema == STORYBOARD_SCHEMA),
        ("title", board.title == book.title),
        ("authors", board.authors == book.authors),
        ("language", board.language == book.language),
        ("book_digest", board.book_digest == book.source.digest),
    ];
    checks.into_iter().find(|(_, same)| !same).map_or(Ok(()), |(what, _)| Err(Violation::OtherBook { what }))
}

/// Every chapter has its scenes, in order and without gaps, and they partition its sentences.
fn chapters(book: &Book, board: &Storyboard) -> Result<(), Violation> {
    let mut next = 0_u32;
    for (index, chapter) in (0_u32..).zip(&book.chapters) {
        let not_covered = Violation::ChapterNotCovered { chapter: index };
        let told = board.chapters.get(index as usize).ok_or(not_covered.clone())?;
        if told.chapter != index || told.title != chapter.title || told.scenes == 0 {
            return Err(not_covered);
        }
        if told.first_scene != next {
            return Err(Violation::BadIndex { at: format!("chapter {index}"), index: told.first_scene });
        }
        next = next.saturating_add(told.scenes);
        let scenes = board.scenes.get(told.first_scene as usize..next as usize).ok_or(not_covered)?;
        partition(index, chapter, scenes)?;
    }
    if board.chapters.len() != book.chapters.len() || next as usize != board.scenes.len() {
        return Err(Violation::BadIndex { at: "the last chapter".into(), index: next });
    }
    Ok(())
}

/// Walks scenes and sentences side by side: each scene takes one or more whole sentences, none is left.
fn partition(index: u32, chapter: &Chapter, scenes: &[Scene]) -> Result<(), Violation> {
    let mut sentence = 0;
    for scene in scenes {
        let here = || Violation::NotAPartition { chapter: index, sentence: sentence as u32 };
        if scene.chapter != index || chapter.sentences.get(sentence).is_none_or(|s| s.start != scene.start) {
            return Err(here());
        }
        let inside = chapter.sentences[sentence..].iter().take_while(|s| s.end <= scene.end).count();
        if inside == 0 || chapter.sentences[sentence + inside - 1].end != scene.end {
            return Err(here());
        }
        sentence += inside;
    }
    if sentence != chapter.sentences.len() {
        return Err(Violation::NotAPartition { chapter: index, sentence: sentence as u32 });
    }
    Ok(())
}

fn one_scene(book: &Book, board: &Storyboard, scene: &Scene, panels: &mut u32) -> Result<(), Violation> {
    let at = || format!("scene {}", scene.index);
    if scene.summary.is_empty() || scene.panels.is_empty() {
        return Err(Violation::Empty { at: at() });
    }
    let mut from = scene.start;
    quoted_in_order(book, scene, &scene.summary, &mut from, &at)?;
    name_indexes(board, &scene.names, &at)?;
    let mut from = scene.start;
    for panel in &scene.panels {
        let at = || format!("panel {panels}");
        if panel.index != *panels {
            return Err(Violation::BadIndex { at: at(), index: panel.index });
        }
        if panel.evidence.is_empty() {
            return Err(Violation::Empty { at: at() });
        }
        quoted_in_order(book, scene, &panel.evidence, &mut from, &at)?;
        name_indexes(board, &panel.names, &at)?;
        if let Some(&name) =
            panel.names.iter().find(|&&name| !panel.evidence.iter().any(|e| holds(e, &board.names[name as usize].name)))
        {
            return Err(Violation::NameNotThere { at: format!("{}, name {name}", at()) });
        }
        *panels += 1;
    }
    Ok(())
}

/// The sentence holds the name; spaces that don't break are spaces.
pub(crate) fn holds(quoted: &Evidence, name: &str) -> bool {
    !name.is_empty() && quoted.text.replace(char::is_whitespace, " ").contains(name)
}

fn name_indexes(board: &Storyboard, names: &[u32], at: &dyn Fn() -> String) -> Result<(), Violation> {
    match names.iter().find(|&&name| name as usize >= board.names.len()) {
        Some(&index) => Err(Violation::BadIndex { at: at(), index }),
        None => Ok(()),
    }
}

/// All of `list` is quoted exactly, lies in `scene`, and goes on from `from` without turning back.
fn quoted_in_order(
    book: &Book,
    scene: &Scene,
    list: &[Evidence],
    from: &mut u32,
    at: &dyn Fn() -> String,
) -> Result<(), Violation> {
    for quoted in list {
        evidence(book, quoted, at)?;
        if quoted.chapter != scene.chapter || quoted.start < *from || quoted.end > scene.end {
            return Err(Violation::OutsideScene { at: at() });
        }
        *from = quoted.end;
    }
    Ok(())
}

fn evidence(book: &Book, quoted: &Evidence, at: &dyn Fn() -> String) -> Result<(), Violation> {
    let Evidence { chapter, start, end, .. } = *quoted;
    let Some(text_of) = book.chapters.get(chapter as usize) else {
        return Err(Violation::BadIndex { at: at(), index: chapter });
    };
    let found = text_of.sentences.binary_search_by_key(&start, |s| s.start);
    let Some(sentence) = found.ok().map(|i| &text_of.sentences[i]).filter(|s| s.end == end) else {
        return Err(Violation::NotASentence { at: at(), chapter, start, end });
    };
    if quoted.text.is_empty() || text_of.text.get(range(start, end)) != Some(quoted.text.as_str()) {
        return Err(Violation::OtherText { at: at() });
    }
    let source = &sentence.source;
    if (&quoted.source_href, quoted.source_start, quoted.source_end) != (&source.href, source.start, source.end) {
        return Err(Violation::OtherSource { at: at() });
    }
    Ok(())
}

fn range(start: u32, end: u32) -> Range<usize> {
    start as usize..end as usize
}
