//! What editors make of a storyboard: commands applied to a composed one, in order.
//!
//! Editors order, hide, join, divide and time panels, and add words of their own beside them. They can't change what a
//! panel quotes: a panel's evidence is always sentences of the composed storyboard, each in one panel at most, and
//! what editors say stands in a field of its own. [`check_edited`] proves that of any edited storyboard, whoever made
//! it.

use std::collections::{HashMap, HashSet};

use domain::book::Book;
use domain::edit::{
    DURATION_MS, Edit, EditState, EditedPanel, EditedScene, EditedStoryboard, EditorMark, TEXT_MAX_CHARS,
};
use domain::storyboard::{Evidence, Panel, Scene, Storyboard};

use crate::check::{Violation, check, holds};
use crate::notes::{Notes, words_in};
use crate::{Settings, panels};

/// Why a change can't be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// There is no panel of that id.
    #[error("there is no panel {panel}: look at the storyboard again")]
    NoPanel {
        /// The id.
        panel: u32,
    },
    /// A text that is empty, too long, or holds control characters.
    #[error("the editor's words have 1 to {max} characters, in one line or several", max = TEXT_MAX_CHARS)]
    BadText,
    /// A duration out of range.
    #[error("a panel stands {} to {} milliseconds", DURATION_MS.start(), DURATION_MS.end())]
    BadDuration,
    /// The two panels are not of one scene, or are one and the same.
    #[error("panel {panel} can't go before panel {before}: panels are ordered within their scene")]
    OtherScene {
        /// The panel.
        panel: u32,
        /// Where it was to go.
        before: u32,
    },
    /// The second panel is not the one right after the first.
    #[error("panel {with} does not come right after panel {panel}: only neighbours are joined")]
    NotNeighbours {
        /// The first.
        panel: u32,
        /// The second.
        with: u32,
    },
    /// Too few quotations for this division.
    #[error("panel {panel} has {quotations} quotations and can't be divided after {at}")]
    BadSplit {
        /// The panel.
        panel: u32,
        /// Where it was to be divided.
        at: u32,
        /// How many there are.
        quotations: usize,
    },
    /// The command would leave everything as it is.
    #[error("this changes nothing")]
    NoChange,
}

impl EditError {
    /// Stable code for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoPanel { .. } => "edit-no-panel",
            Self::BadText => "edit-bad-text",
            Self::BadDuration => "edit-bad-duration",
            Self::OtherScene { .. } => "edit-other-scene",
            Self::NotNeighbours { .. } => "edit-not-neighbours",
            Self::BadSplit { .. } => "edit-bad-split",
            Self::NoChange => "edit-no-change",
        }
    }
}

/// A storyboard while it is edited.
pub struct Editing<'a> {
    book: &'a Book,
    base: &'a Storyboard,
    settings: &'a Settings,
    /// The panels of each scene, in the editor's order.
    scenes: Vec<Vec<EditedPanel>>,
    /// The scene of each panel, by id: panels never leave theirs.
    scene_of: Vec<usize>,
    /// Which sentences of a chapter are spoken, once somebody needs to know.
    spoken: HashMap<u32, Vec<bool>>,
}

impl<'a> Editing<'a> {
    /// Begins with a composed storyboard that keeps the contract. `settings` are those that it was composed with.
    pub fn new(book: &'a Book, base: &'a Storyboard, settings: &'a Settings) -> Self {
        let mut scene_of = Vec::new();
        let mut scenes = Vec::with_capacity(base.scenes.len());
        for (at, scene) in base.scenes.iter().enumerate() {
            let marked = scene.panels.iter().map(|panel| {
                let id = scene_of.len() as u32;
                scene_of.push(at);
                EditedPanel { panel: panel.clone(), editor: Some(EditorMark { id, ..EditorMark::default() }) }
            });
            scenes.push(marked.collect());
        }
        Self { book, base, settings, scenes, scene_of, spoken: HashMap::new() }
    }

    /// Makes one change, or none at all.
    ///
    /// # Errors
    /// Why it can't be made.
    pub fn apply(&mut self, edit: &Edit) -> Result<(), EditError> {
        match edit {
            Edit::Caption { panel, text } => {
                let text = text.as_deref().map(said).transpose()?;
                self.set(*panel, |mark| &mut mark.caption, text)
            }
            Edit::Note { panel, text } => {
                let text = text.as_deref().map(said).transpose()?;
                self.set(*panel, |mark| &mut mark.note, text)
            }
            Edit::Shot { panel, shot } => self.set(*panel, |mark| &mut mark.shot, *shot),
            Edit::Hide { panel, hidden } => self.set(*panel, |mark| &mut mark.hidden, *hidden),
            Edit::Duration { panel, ms } => self.time(*panel, *ms),
            Edit::Move { panel, before } => self.put(*panel, *before),
            Edit::Merge { panel, with } => self.join(*panel, *with),
            Edit::Split { panel, at } => self.divide(*panel, *at),
        }
    }

    /// Scene and position of a panel.
    fn find(&self, panel: u32) -> Result<(usize, usize), EditError> {
        let scene = *self.scene_of.get(panel as usize).ok_or(EditError::NoPanel { panel })?;
        // One that was joined with another is gone.
        let at = self.scenes[scene].iter().position(|there| there.id() == panel);
        at.map(|at| (scene, at)).ok_or(EditError::NoPanel { panel })
    }

    fn set<T: PartialEq>(
        &mut self,
        panel: u32,
        field: impl FnOnce(&mut EditorMark) -> &mut T,
        value: T,
    ) -> Result<(), EditError> {
        let (scene, at) = self.find(panel)?;
        let field = field(mark(&mut self.scenes[scene][at]));
        if *field == value {
            return Err(EditError::NoChange);
        }
        *field = value;
        Ok(())
    }

    fn time(&mut self, panel: u32, ms: Option<u32>) -> Result<(), EditError> {
        if ms.is_some_and(|ms| !DURATION_MS.contains(&ms)) {
            return Err(EditError::BadDuration);
        }
        let (scene, at) = self.find(panel)?;
        let there = &self.scenes[scene][at].panel;
        let duration_ms = ms.unwrap_or_else(|| reading_time(&there.evidence, self.settings));
        let edited = &mut self.scenes[scene][at];
        let was = (edited.panel.duration_ms, mark(edited).timed);
        edited.panel.duration_ms = duration_ms;
        mark(edited).timed = ms.is_some();
        if was == (duration_ms, ms.is_some()) { Err(EditError::NoChange) } else { Ok(()) }
    }

    fn put(&mut self, panel: u32, before: Option<u32>) -> Result<(), EditError> {
        let (scene, from) = self.find(panel)?;
        let to = match before {
            None => self.scenes[scene].len(),
            Some(before) => match self.find(before)? {
                (other, at) if other == scene && at != from => at,
                _ => return Err(EditError::OtherScene { panel, before }),
            },
        };
        if to == from + 1 {
            return Err(EditError::NoChange);
        }
        let moved = self.scenes[scene].remove(from);
        self.scenes[scene].insert(if to > from { to - 1 } else { to }, moved);
        Ok(())
    }

    fn join(&mut self, panel: u32, with: u32) -> Result<(), EditError> {
        let ((scene, at), next) = (self.find(panel)?, self.find(with)?);
        if next != (scene, at + 1) {
            return Err(EditError::NotNeighbours { panel, with });
        }
        let mut second = self.scenes[scene].remove(at + 1);
        let first = &mut self.scenes[scene][at];
        first.panel.evidence.append(&mut second.panel.evidence);
        first.panel.evidence.sort_by_key(|quoted| quoted.start);
        let new = second.panel.names.into_iter().filter(|name| !first.panel.names.contains(name));
        let new: Vec<u32> = new.collect();
        first.panel.names.extend(new);
        // Commonest first, as in any panel.
        first.panel.names.sort_unstable();
        first.panel.dialogue |= second.panel.dialogue;
        first.panel.duration_ms = reading_time(&first.panel.evidence, self.settings);
        let theirs = second.editor.unwrap_or_default();
        let ours = mark(first);
        ours.caption = ours.caption.take().or(theirs.caption);
        ours.note = ours.note.take().or(theirs.note);
        ours.shot = ours.shot.or(theirs.shot);
        ours.hidden &= theirs.hidden;
        ours.timed = false;
        Ok(())
    }

    fn divide(&mut self, panel: u32, at: u32) -> Result<(), EditError> {
        let (scene, position) = self.find(panel)?;
        let quotations = self.scenes[scene][position].panel.evidence.len();
        if at == 0 || at as usize >= quotations {
            return Err(EditError::BadSplit { panel, at, quotations });
        }
        let id = self.scene_of.len() as u32;
        self.scene_of.push(scene);
        let first = &mut self.scenes[scene][position];
        let rest = first.panel.evidence.split_off(at as usize);
        let (names, hidden) = (first.panel.names.clone(), first.is_hidden());
        mark(first).timed = false;
        let kept = std::mem::take(&mut first.panel.evidence);
        let (first, second) = (self.panel(kept, &names), self.panel(rest, &names));
        self.scenes[scene][position].panel = first;
        let editor = Some(EditorMark { id, hidden, ..EditorMark::default() });
        self.scenes[scene].insert(position + 1, EditedPanel { panel: second, editor });
        Ok(())
    }

    /// A panel of these quotations, with those of `names` that stand in them.
    fn panel(&mut self, evidence: Vec<Evidence>, names: &[u32]) -> Panel {
        let stands = |name: &&u32| {
            let name = &self.base.names[**name as usize].name;
            evidence.iter().any(|quoted| holds(quoted, name))
        };
        let names = names.iter().filter(stands).copied().collect();
        let dialogue = evidence.iter().any(|quoted| self.is_spoken(quoted));
        let duration_ms = reading_time(&evidence, self.settings);
        Panel { index: 0, evidence, names, dialogue, duration_ms }
    }

    fn is_spoken(&mut self, quoted: &Evidence) -> bool {
        let Some(chapter) = self.book.chapters.get(quoted.chapter as usize) else { return false };
        let language = self.book.language;
        let spoken = self.spoken.entry(quoted.chapter).or_insert_with(|| Notes::of(chapter, language).spoken);
        let sentence = chapter.sentences.binary_search_by_key(&quoted.start, |sentence| sentence.start);
        sentence.is_ok_and(|at| spoken[at])
    }

    /// The storyboard as it stands now.
    pub fn board(&self, edits: EditState) -> EditedStoryboard {
        let base = self.base.clone();
        let mut index = 0..;
        let scenes = base.scenes.into_iter().zip(&self.scenes).map(|(scene, panels)| {
            let numbered = panels.iter().cloned().zip(&mut index).map(|(mut edited, index)| {
                edited.panel.index = index;
                edited
            });
            let panels = numbered.collect();
            EditedScene { panels, ..EditedScene::from(Scene { panels: Vec::new(), ..scene }) }
        });
        let scenes = scenes.collect();
        let bare = Storyboard { scenes: Vec::new(), ..base };
        EditedStoryboard { scenes, edits: Some(edits), ..bare.into() }
    }
}

/// The mark of a panel that is being edited: each has one.
fn mark(panel: &mut EditedPanel) -> &mut EditorMark {
    panel.editor.get_or_insert_default()
}

/// An editor's words, if they can be used.
fn said(text: &str) -> Result<String, EditError> {
    let text = text.trim();
    let is_odd = |c: char| c.is_control() && c != '\n';
    if text.is_empty() || text.chars().count() > TEXT_MAX_CHARS || text.chars().any(is_odd) {
        return Err(EditError::BadText);
    }
    Ok(text.to_owned())
}

fn reading_time(evidence: &[Evidence], settings: &Settings) -> u32 {
    panels::duration_ms(evidence.iter().map(|quoted| words_in(&quoted.text)).sum(), settings)
}

/// An edited storyboard without what is hidden, and what editors say of the panels that are left, by index.
pub(crate) fn as_readers_see_it(board: &EditedStoryboard) -> (Storyboard, HashMap<u32, EditorMark>) {
    let mut marks = HashMap::new();
    let mut shown = plain(board);
    let mut index = 0;
    for (scene, edited) in shown.scenes.iter_mut().zip(&board.scenes) {
        for there in edited.panels.iter().filter(|panel| !panel.is_hidden()) {
            scene.panels.push(Panel { index, ..there.panel.clone() });
            marks.extend(there.editor.clone().map(|mark| (index, mark)));
            index += 1;
        }
    }
    (shown, marks)
}

/// An edited storyboard without its panels.
fn plain(board: &EditedStoryboard) -> Storyboard {
    let scene = |scene: &EditedScene| Scene {
        index: scene.index,
        chapter: scene.chapter,
        start: scene.start,
        end: scene.end,
        boundary: scene.boundary,
        summary: scene.summary.clone(),
        names: scene.names.clone(),
        panels: Vec::new(),
    };
    Storyboard {
        schema: board.schema,
        title: board.title.clone(),
        authors: board.authors.clone(),
        language: board.language,
        book_digest: board.book_digest,
        chapters: board.chapters.clone(),
        names: board.names.clone(),
        scenes: board.scenes.iter().map(scene).collect(),
    }
}

/// Checks that an edited storyboard is honest: all that [`check`] demands of a storyboard but the order of its panels.
/// Every quotation is a sentence of its scene, quoted exactly, in one panel at most; a panel quotes in order of the
/// book and names whom its quotations name; ids and indexes are unique.
///
/// # Errors
/// The first violation.
pub fn check_edited(book: &Book, board: &EditedStoryboard) -> Result<(), Violation> {
    let mut exploded = plain(board);
    let (mut index, mut ids) = (0, HashSet::new());
    let mut position = 0_u32;
    for (scene, edited) in exploded.scenes.iter_mut().zip(&board.scenes) {
        let mut quotations = Vec::new();
        for there in &edited.panels {
            let at = || format!("panel {position}");
            if there.panel.index != position || !ids.insert(there.id()) {
                return Err(Violation::BadIndex { at: at(), index: there.panel.index });
            }
            if there.panel.evidence.is_empty() {
                return Err(Violation::Empty { at: at() });
            }
            if !there.panel.evidence.is_sorted_by_key(|quoted| quoted.start) {
                return Err(Violation::OutsideScene { at: at() });
            }
            names_stand(board, &there.panel, &at)?;
            quotations.extend(there.panel.evidence.iter().cloned());
            position += 1;
        }
        // In order of the book, each a panel of its own: what is quoted twice, or elsewhere, shows.
        quotations.sort_by_key(|quoted| quoted.start);
        scene.panels = quotations
            .into_iter()
            .map(|quoted| {
                let panel = Panel { index, evidence: vec![quoted], names: Vec::new(), dialogue: false, duration_ms: 0 };
                index += 1;
                panel
            })
            .collect();
    }
    check(book, &exploded)
}

/// Each name of a panel stands in what it quotes.
fn names_stand(board: &EditedStoryboard, panel: &Panel, at: &dyn Fn() -> String) -> Result<(), Violation> {
    for &name in &panel.names {
        let Some(known) = board.names.get(name as usize) else {
            return Err(Violation::BadIndex { at: at(), index: name });
        };
        if !panel.evidence.iter().any(|quoted| holds(quoted, &known.name)) {
            return Err(Violation::NameNotThere { at: format!("{}, name {name}", at()) });
        }
    }
    Ok(())
}
