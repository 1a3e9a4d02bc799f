//! Which part of a board is shown: one chapter, perhaps only the panels that hold a name. Pure.

use domain::edit::{EditedPanel, EditedScene, EditedStoryboard};
use domain::storyboard::StoryChapter;

/// A scene with those of its panels that are shown.
#[derive(Debug, PartialEq)]
pub struct Cut<'a> {
    pub scene: &'a EditedScene,
    pub panels: Vec<&'a EditedPanel>,
}

/// The part of a chapter that is shown.
#[derive(Debug, PartialEq)]
pub struct Selection<'a> {
    /// Scenes with at least one shown panel.
    pub cuts: Vec<Cut<'a>>,
    /// Panels that would be shown but for the limit.
    pub hidden: usize,
}

/// The panels of the chapter at `position` that hold `name` (all, without one), at most `limit` of them.
pub fn select(board: &EditedStoryboard, position: usize, name: Option<u32>, limit: usize) -> Selection<'_> {
    let (mut cuts, mut room, mut hidden) = (Vec::new(), limit, 0);
    for scene in board.chapters.get(position).map_or(&[][..], |chapter| scenes(board, chapter)) {
        let mut panels: Vec<&EditedPanel> = scene.panels.iter().filter(|panel| holds(panel, name)).collect();
        let shown = panels.len().min(room);
        hidden += panels.len() - shown;
        room -= shown;
        panels.truncate(shown);
        if !panels.is_empty() {
            cuts.push(Cut { scene, panels });
        }
    }
    Selection { cuts, hidden }
}

/// Panels that hold `name` (all, without one), chapter by chapter.
pub fn panels_per_chapter(board: &EditedStoryboard, name: Option<u32>) -> Vec<usize> {
    let panels = |scene: &EditedScene| scene.panels.iter().filter(|panel| holds(panel, name)).count();
    board.chapters.iter().map(|chapter| scenes(board, chapter).iter().map(panels).sum()).collect()
}

/// The nearest chapter before `position` with something to show, given [`panels_per_chapter`].
pub fn before(counts: &[usize], position: usize) -> Option<usize> {
    counts.iter().take(position).rposition(|count| *count > 0)
}

/// The nearest chapter after `position` with something to show, given [`panels_per_chapter`].
pub fn after(counts: &[usize], position: usize) -> Option<usize> {
    let start = position + 1;
    counts.get(start..)?.iter().position(|count| *count > 0).map(|offset| start + offset)
}

/// Names that contain `query`, whatever the case and accents, commonest first: indexes into the board's names.
pub fn names_like(board: &EditedStoryboard, query: &str, limit: usize) -> Vec<u32> {
    let query = plain(query.trim());
    let found = board.names.iter().zip(0..).filter(|(name, _)| plain(&name.name).contains(&query));
    found.map(|(_, index)| index).take(limit).collect()
}

/// Position in the board of the chapter that `book.json` counts as `chapter`.
pub fn position_of(board: &EditedStoryboard, chapter: u32) -> Option<usize> {
    board.chapters.iter().position(|c| c.chapter == chapter)
}

fn scenes<'a>(board: &'a EditedStoryboard, chapter: &StoryChapter) -> &'a [EditedScene] {
    let start = (chapter.first_scene as usize).min(board.scenes.len());
    let end = start.saturating_add(chapter.scenes as usize).min(board.scenes.len());
    &board.scenes[start..end]
}

fn holds(panel: &EditedPanel, name: Option<u32>) -> bool {
    name.is_none_or(|name| panel.panel.names.contains(&name))
}

/// Lower case, without the accents of French.
fn plain(text: &str) -> String {
    let bare = |letter: char| match letter {
        'à' | 'â' | 'ä' => 'a',
        'ç' => 'c',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'î' | 'ï' => 'i',
        'ô' | 'ö' => 'o',
        'ù' | 'û' | 'ü' => 'u',
        'ÿ' => 'y',
        '’' => '\'',
        other => other,
    };
    text.chars().flat_map(char::to_lowercase).map(bare).collect()
}

#[cfg(test)]
mod tests {
    use domain::id::Digest;
    use domain::language::Language;
    use domain::storyboard::{Boundary, Evidence, Method, Name, Panel, STORYBOARD_SCHEMA, Scene, Storyboard};

    use super::*;

    fn evidence() -> Evidence {
        let (text, source_href) = ("x".to_owned(), "a.txt".to_owned());
        Evidence { text, chapter: 0, start: 0, end: 1, source_href, source_start: 0, source_end: 1 }
    }

    fn scene(index: u32, chapter: u32, names_of_panels: &[&[u32]]) -> Scene {
        let panel = |names: &&[u32]| Panel {
            index: 0,
            evidence: vec![evidence()],
            names: names.to_vec(),
            dialogue: false,
            duration_ms: 1_000,
        };
        let panels = names_of_panels.iter().map(panel).collect();
        let (boundary, summary) = (Boundary::Break, Vec::new());
        Scene { index, chapter, start: 0, end: 1, boundary, summary, names: Vec::new(), panels }
    }

    /// Three chapters of 2, 1 and 1 scenes; name 1 stands in the first and the last.
    fn board() -> EditedStoryboard {
        let scenes =
            vec![scene(0, 0, &[&[0], &[0, 1]]), scene(1, 0, &[&[1]]), scene(2, 1, &[&[0]]), scene(3, 2, &[&[1]])];
        let chapter = |chapter, first_scene, scenes| StoryChapter { chapter, title: None, first_scene, scenes };
        let name = |name: &str| Name { name: name.into(), count: 2, method: Method::Rule, first: evidence() };
        Storyboard {
            schema: STORYBOARD_SCHEMA,
            title: "A".into(),
            authors: Vec::new(),
            language: Language::Fr,
            book_digest: Digest::of(b""),
            chapters: vec![chapter(0, 0, 2), chapter(1, 2, 1), chapter(2, 3, 1)],
            names: vec![name("Éloïse"), name("L’Abbé")],
            scenes,
        }
        .into()
    }

    #[test]
    fn a_chapter_shows_all_its_panels_without_a_name() {
        let board = board();
        let selection = select(&board, 0, None, 10);
        assert_eq!(selection.cuts.iter().map(|cut| cut.panels.len()).collect::<Vec<_>>(), [2, 1]);
        assert_eq!(selection.hidden, 0);
    }

    #[test]
    fn a_name_leaves_only_the_scenes_that_hold_it() {
        let board = board();
        assert_eq!(select(&board, 0, Some(1), 10).cuts.len(), 2);
        assert_eq!(select(&board, 1, Some(1), 10).cuts.len(), 0);
    }

    #[test]
    fn the_limit_hides_the_rest_and_says_how_much() {
        let board = board();
        let selection = select(&board, 0, None, 1);
        assert_eq!((selection.cuts.len(), selection.cuts[0].panels.len(), selection.hidden), (1, 1, 2));
    }

    #[test]
    fn turning_the_page_skips_chapters_without_the_name() {
        let counts = panels_per_chapter(&board(), Some(1));
        assert_eq!(counts, [2, 0, 1]);
        assert_eq!(after(&counts, 0), Some(2));
        assert_eq!(before(&counts, 2), Some(0));
        assert_eq!((after(&counts, 2), before(&counts, 0)), (None, None));
        assert_eq!(after(&counts, usize::MAX - 1), None);
    }

    #[test]
    fn names_are_found_without_their_accents() {
        let board = board();
        assert_eq!(names_like(&board, " eloi", 9), [0]);
        assert_eq!(names_like(&board, "l'ABBE", 9), [1]);
        assert_eq!(names_like(&board, "", 1), [0]);
    }

    #[test]
    fn a_chapter_that_points_past_the_scenes_shows_nothing() {
        let mut board = board();
        board.chapters[2].first_scene = 90;
        assert_eq!(select(&board, 2, None, 10).cuts.len(), 0);
        assert_eq!(select(&board, 7, None, 10).cuts.len(), 0);
    }
}
