//! The composing stage: book and vectors become a storyboard, and files to take away.

use std::collections::HashMap;
use std::sync::Arc;

use cluster::body::Fault;
use domain::book::Book;
use domain::id::ItemId;
use domain::manifest::{Manifest, Segment};
use domain::passage::Encoded;
use domain::run::{RunSettings, RunState, Stage};
use store::rows::Artefact;

use super::row::OwnedRun;
use super::{Halt, RunContext, RunName, heavy, permit};

/// The storyboard, for programs.
pub const STORYBOARD_JSON: &str = "storyboard.json";
/// The storyboard, for people: one page that needs nothing else.
pub const STORYBOARD_HTML: &str = "storyboard.html";
/// The book's canonical text, which all evidence points into.
pub const BOOK_JSON: &str = "book.json";

/// Composes from the named segments alone: the same segments give the same bytes.
pub async fn compose(
    context: &Arc<RunContext>,
    name: RunName,
    run: &mut OwnedRun,
    manifest: &Manifest,
) -> Result<(), Halt> {
    run.move_to(RunState::Working { stage: Stage::Composing }).await?;
    let permit = permit(context).await?;
    let book: Book = context.get(name.scope, manifest.book).await?;
    let mut encoded: HashMap<ItemId, Encoded> = HashMap::new();
    for row in context.records.segments(name.run).await? {
        let segment: Segment = context.get(name.scope, row.segment.digest).await?;
        encoded.extend(segment.items);
    }
    let manifest = manifest.clone();
    let settings = story_settings(&run.row().settings);
    let work = move || files(&book, &manifest, &encoded, &settings);
    let files = heavy(permit, work).await?.map_err(Halt::Fail)?;
    let mut artefacts = Vec::with_capacity(files.len());
    for (name_of_file, media_type, bytes) in files {
        let size = bytes.len() as u64;
        let digest = context.put_bytes(name.scope, bytes).await?;
        let media_type = media_type.to_owned();
        artefacts.push(Artefact { name: name_of_file.to_owned(), digest, bytes: size, media_type });
    }
    store::failpoint::pass("a run's files are stored");
    let change = |row: &mut store::rows::RunRow| {
        row.artefacts.clone_from(&artefacts);
        row.state = RunState::Ready;
    };
    run.update(change, Vec::new()).await
}

type File = (&'static str, &'static str, Vec<u8>);

/// What a run's settings mean to whoever composes.
pub(crate) fn story_settings(settings: &RunSettings) -> story::Settings {
    story::Settings {
        panel_words: settings.panel_words,
        panels_per_scene_max: settings.panels_per_scene_max,
        scene_min_words: settings.scene_min_words,
        scene_max_words: settings.scene_max_words,
        reading_words_per_minute: settings.reading_words_per_minute,
        name_min_count: settings.name_min_count,
        ..story::Settings::default()
    }
}

fn files(
    book: &Book,
    manifest: &Manifest,
    encoded: &HashMap<ItemId, Encoded>,
    settings: &story::Settings,
) -> Result<Vec<File>, Fault> {
    let story = |e: story::StoryError| Fault::new(e.code(), e.to_string());
    let vectors = story::SentenceVectors::from_segments(book, manifest, encoded).map_err(story)?;
    let board = story::compose(book, &vectors, settings).map_err(story)?;
    // A storyboard that claims what the text does not say is never handed out.
    story::check(book, &board).map_err(|v| Fault::new("story-contract", v.to_string()))?;
    let json = |e: serde_json::Error| Fault::new("internal", format!("a file could not be written as JSON: {e}"));
    Ok(vec![
        (STORYBOARD_JSON, "application/json", serde_json::to_vec(&board).map_err(json)?),
        (STORYBOARD_HTML, "text/html; charset=utf-8", story::to_html(book, &board).into_bytes()),
        (BOOK_JSON, "application/json", serde_json::to_vec(book).map_err(json)?),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_without_wishes_composes_as_composing_does_by_itself() {
        assert_eq!(story_settings(&RunSettings::default()), story::Settings::default());
    }
}
