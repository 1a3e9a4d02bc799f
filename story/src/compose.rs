//! Puts scenes, summaries, names and panels together.

use domain::book::Book;
use domain::storyboard::{Panel, STORYBOARD_SCHEMA, Scene, StoryChapter, Storyboard};

use crate::names::Names;
use crate::notes::{Notes, well_formed};
use crate::panels;
use crate::scenes;
use crate::summary::{self, Salience};
use crate::{SentenceVectors, Settings, StoryError};

/// Makes the storyboard of a book. Pure: the same inputs give the same bytes.
///
/// # Errors
/// Where book and vectors do not belong together, or the settings contradict themselves.
pub fn compose(book: &Book, vectors: &SentenceVectors, settings: &Settings) -> Result<Storyboard, StoryError> {
    settings.validate()?;
    well_formed(book)?;
    vectors.fit(book)?;
    let mut board = Storyboard {
        schema: STORYBOARD_SCHEMA,
        title: book.title.clone(),
        authors: book.authors.clone(),
        language: book.language,
        book_digest: book.source.digest,
        chapters: Vec::with_capacity(book.chapters.len()),
        names: Vec::new(),
        scenes: Vec::new(),
    };
    let names = Names::find(book, settings.name_min_count);
    let mut panels = 0;
    for (index, chapter) in book.chapters.iter().enumerate() {
        let notes = Notes::of(chapter, book.language);
        let chapter_vectors = vectors.chapter(index);
        let named: Vec<usize> = (0..chapter.sentences.len()).map(|s| names.in_sentence(index, s).len()).collect();
        let spans = scenes::cut(&notes, chapter_vectors, settings);
        board.chapters.push(StoryChapter {
            chapter: chapter.index,
            title: chapter.title.clone(),
            first_scene: board.scenes.len() as u32,
            scenes: spans.len() as u32,
        });
        for span in spans {
            let salience = Salience::of(span.sentences.clone(), chapter_vectors);
            let summary = summary::choose(&notes, &span.sentences, &salience, &named);
            let told = panels::lay_out(&notes, &span.sentences, &salience, &named, settings);
            board.scenes.push(Scene {
                index: board.scenes.len() as u32,
                chapter: chapter.index,
                start: chapter.sentences[span.sentences.start].start,
                end: chapter.sentences[span.sentences.end - 1].end,
                boundary: span.boundary,
                summary: summary.into_iter().map(|s| notes.evidence(s)).collect(),
                names: names.in_sentences(index, span.sentences.clone()),
                panels: told.into_iter().map(|s| panel(&notes, &names, &s, &mut panels, settings)).collect(),
            });
        }
    }
    board.names = names.list;
    Ok(board)
}

fn panel(notes: &Notes<'_>, names: &Names, sentences: &[usize], index: &mut u32, settings: &Settings) -> Panel {
    let words = sentences.iter().map(|&s| notes.words[s]).sum();
    let panel = Panel {
        index: *index,
        evidence: sentences.iter().map(|&s| notes.evidence(s)).collect(),
        names: names.in_sentences(notes.chapter.index as usize, sentences.iter().copied()),
        dialogue: sentences.iter().any(|&s| notes.spoken[s]),
        duration_ms: panels::duration_ms(words, settings),
    };
    *index += 1;
    panel
}
