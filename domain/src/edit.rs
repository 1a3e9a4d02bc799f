//! What an editor may do to a storyboard: commands on top of what was composed, kept in order, each undoable.
//!
//! A storyboard is composed once and never changed. Its edits are a log: the storyboard at version *n* is the composed
//! one with the first *n* entries of the log applied. Undoing is an entry too, so a version is never taken back, and
//! two editors can't overwrite each other: an entry names the version that it was made for.

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::id::{Digest, RunId};
use crate::language::Language;
use crate::project::Actor;
use crate::storyboard::{Boundary, Evidence, Name, Panel, Scene, StoryChapter, Storyboard};
use crate::text::Text;

/// Entries that the log of one storyboard may have.
pub const ENTRIES_MAX: u64 = 5_000;
/// Longest caption or note, in characters.
pub const TEXT_MAX_CHARS: usize = 500;
/// Least and most time that a panel may be made to stand.
pub const DURATION_MS: std::ops::RangeInclusive<u32> = 500..=120_000;
/// Entries of one page of the log.
pub const EDITS_PAGE_MAX: u32 = 500;

/// How a panel is framed, as an editor decides it. The book does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Shot {
    /// A place, its figures small or none.
    Establishing,
    /// Figures in their surroundings.
    Wide,
    /// From head to foot.
    Full,
    /// From the waist up.
    Medium,
    /// Head and shoulders.
    Close,
    /// An eye, a hand.
    ExtremeClose,
    /// Past somebody's shoulder.
    OverShoulder,
    /// As somebody sees it.
    PointOfView,
    /// An object that matters.
    Insert,
}

impl Shot {
    /// Every shot.
    pub const ALL: [Self; 9] = [
        Self::Establishing,
        Self::Wide,
        Self::Full,
        Self::Medium,
        Self::Close,
        Self::ExtremeClose,
        Self::OverShoulder,
        Self::PointOfView,
        Self::Insert,
    ];

    /// What it is called.
    pub fn text(self) -> Text {
        match self {
            Self::Establishing => Text::ShotEstablishing,
            Self::Wide => Text::ShotWide,
            Self::Full => Text::ShotFull,
            Self::Medium => Text::ShotMedium,
            Self::Close => Text::ShotClose,
            Self::ExtremeClose => Text::ShotExtremeClose,
            Self::OverShoulder => Text::ShotOverShoulder,
            Self::PointOfView => Text::ShotPointOfView,
            Self::Insert => Text::ShotInsert,
        }
    }
}

/// One change. Panels are named by their ids, which stay the same whatever is moved: a composed panel's is its index,
/// one that a split makes gets the next number that is free.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", tag = "do", deny_unknown_fields)]
pub enum Edit {
    /// Puts the editor's words below a panel, or takes them away. They never pass for the book's.
    Caption {
        /// The panel.
        panel: u32,
        /// One to 500 characters; none takes the caption away.
        text: Option<String>,
    },
    /// Puts a note beside a panel, for those who work on it; pages for readers leave it out.
    Note {
        /// The panel.
        panel: u32,
        /// One to 500 characters; none takes the note away.
        text: Option<String>,
    },
    /// Says how a panel is framed.
    Shot {
        /// The panel.
        panel: u32,
        /// None leaves it open.
        shot: Option<Shot>,
    },
    /// Says how long a panel stands.
    Duration {
        /// The panel.
        panel: u32,
        /// 500 to 120,000 milliseconds; none goes back to reading speed.
        ms: Option<u32>,
    },
    /// Leaves a panel out of what readers see, or brings it back.
    Hide {
        /// The panel.
        panel: u32,
        /// Whether it is left out.
        hidden: bool,
    },
    /// Puts a panel elsewhere in its scene.
    Move {
        /// The panel.
        panel: u32,
        /// The panel of the same scene that it comes before; none puts it last.
        before: Option<u32>,
    },
    /// Makes one panel of two that follow each other in a scene. It keeps the first one's id and, where it has them,
    /// its caption, note and shot.
    Merge {
        /// The panel.
        panel: u32,
        /// The one right after it.
        with: u32,
    },
    /// Makes two panels of one. The first keeps id, caption, note and shot.
    Split {
        /// The panel.
        panel: u32,
        /// How many of its quotations the first one keeps; at least one is left for the second.
        at: u32,
    },
}

/// What the editors say of a panel. None of it is the book's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EditorMark {
    /// The panel's id in edits.
    pub id: u32,
    /// The editor's words below the panel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caption: Option<String>,
    /// A note for those who work on the panel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// How the panel is framed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shot: Option<Shot>,
    /// The panel's duration is the editor's, not reading speed's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub timed: bool,
    /// Readers don't see the panel.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hidden: bool,
}

/// A panel of an edited storyboard: what it quotes of the book, and, apart from that, what the editors say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EditedPanel {
    /// As in a composed storyboard. Its index is its position in the edited one.
    #[serde(flatten)]
    pub panel: Panel,
    /// What the editors say; absent in a storyboard that nobody edited, where a panel's id is its index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub editor: Option<EditorMark>,
}

impl EditedPanel {
    /// The panel's id in edits.
    pub fn id(&self) -> u32 {
        self.editor.as_ref().map_or(self.panel.index, |mark| mark.id)
    }

    /// Readers don't see the panel.
    pub fn is_hidden(&self) -> bool {
        self.editor.as_ref().is_some_and(|mark| mark.hidden)
    }
}

/// A scene of an edited storyboard: as [`Scene`], with panels in the editor's order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EditedScene {
    /// Position in the book, from 0.
    pub index: u32,
    /// Index of its chapter.
    pub chapter: u32,
    /// First byte in the chapter's text.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// Why the scene starts here.
    pub boundary: Boundary,
    /// One or two sentences of the text itself.
    pub summary: Vec<Evidence>,
    /// Names that stand in the scene, commonest first.
    pub names: Vec<u32>,
    /// At least one, hidden ones included.
    pub panels: Vec<EditedPanel>,
}

/// A storyboard with its edits: as [`Storyboard`], and what the editors made of it. A storyboard that nobody edited is
/// one too.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EditedStoryboard {
    /// Always [`crate::storyboard::STORYBOARD_SCHEMA`].
    pub schema: u32,
    /// The book's title.
    pub title: String,
    /// The book's authors.
    pub authors: Vec<String>,
    /// The book's language.
    pub language: Language,
    /// SHA-256 of the book file.
    pub book_digest: Digest,
    /// Of every chapter of the book, in order.
    pub chapters: Vec<StoryChapter>,
    /// Who and what is named, commonest first.
    pub names: Vec<Name>,
    /// In order of the book.
    pub scenes: Vec<EditedScene>,
    /// How the edits stand; absent where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edits: Option<EditState>,
}

impl From<Storyboard> for EditedStoryboard {
    fn from(board: Storyboard) -> Self {
        let Storyboard { schema, title, authors, language, book_digest, chapters, names, scenes } = board;
        let scenes = scenes.into_iter().map(EditedScene::from).collect();
        Self { schema, title, authors, language, book_digest, chapters, names, scenes, edits: None }
    }
}

impl From<Scene> for EditedScene {
    fn from(scene: Scene) -> Self {
        let Scene { index, chapter, start, end, boundary, summary, names, panels } = scene;
        let panels = panels.into_iter().map(|panel| EditedPanel { panel, editor: None }).collect();
        Self { index, chapter, start, end, boundary, summary, names, panels }
    }
}

/// What an entry of the log does.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", tag = "entry")]
pub enum EditEntry {
    /// A change.
    Edit {
        /// Which one.
        edit: Edit,
    },
    /// Takes back the newest change that stands.
    Undo,
    /// Brings back the change that was last taken back, if nothing was changed since.
    Redo,
}

/// An entry of the log, as it is read.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EditVersion {
    /// The storyboard's version since: 1 for the first entry, no gaps.
    pub version: u64,
    /// When, milliseconds since 1970 UTC.
    pub at_ms: u64,
    /// Who.
    pub by: Actor,
    /// What.
    #[serde(flatten)]
    pub entry: EditEntry,
}

/// How the edits of a storyboard stand.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EditState {
    /// The run that composed the storyboard.
    pub run: RunId,
    /// How many entries its log has; 0 while it stands as composed.
    pub version: u64,
    /// There is a change to take back.
    pub can_undo: bool,
    /// There is a change to bring back.
    pub can_redo: bool,
}

/// A page of the log.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EditPage {
    /// How the edits stand now.
    #[serde(flatten)]
    pub state: EditState,
    /// Oldest first.
    pub entries: Vec<EditVersion>,
}

/// What an editor asks for.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct EditRequest {
    /// The run whose storyboard is meant.
    pub run: RunId,
    /// The version that the editor sees: if it is another by now, nothing is changed.
    pub version: u64,
    /// The change.
    pub edit: Edit,
}

/// Asks for an undo or a redo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct UndoRequest {
    /// The run whose storyboard is meant.
    pub run: RunId,
    /// The version that the editor sees: if it is another by now, nothing is changed.
    pub version: u64,
}

/// An entry that has nothing to take back or to bring back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NothingThere;

/// The changes that stand after a log, and those that could be brought back. Positions in the log, from 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// In the order of their making.
    pub done: Vec<usize>,
    /// The next one to bring back last.
    pub undone: Vec<usize>,
}

impl Standing {
    /// Takes in the entry at position `at`.
    ///
    /// # Errors
    /// An undo or redo that has nothing to work on.
    pub fn take(&mut self, at: usize, entry: &EditEntry) -> Result<(), NothingThere> {
        match entry {
            EditEntry::Edit { .. } => {
                self.done.push(at);
                self.undone.clear();
            }
            EditEntry::Undo => self.undone.push(self.done.pop().ok_or(NothingThere)?),
            EditEntry::Redo => self.done.push(self.undone.pop().ok_or(NothingThere)?),
        }
        Ok(())
    }

    /// Takes in a whole log.
    ///
    /// # Errors
    /// A log that was never written entry by entry.
    pub fn of<'a>(log: impl IntoIterator<Item = &'a EditEntry>) -> Result<Self, NothingThere> {
        let mut standing = Self::default();
        for (at, entry) in log.into_iter().enumerate() {
            standing.take(at, entry)?;
        }
        Ok(standing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(panel: u32) -> EditEntry {
        EditEntry::Edit { edit: Edit::Hide { panel, hidden: true } }
    }

    #[test]
    fn what_is_undone_can_be_redone_until_something_new_is_done() {
        let log = [edit(1), edit(2), EditEntry::Undo, EditEntry::Redo, EditEntry::Undo, edit(3)];
        let standing = Standing::of(&log).unwrap();
        assert_eq!(standing, Standing { done: vec![0, 5], undone: vec![] });
        assert_eq!(Standing::of([&log[0], &EditEntry::Redo]), Err(NothingThere));
        assert_eq!(Standing::of([&EditEntry::Undo]), Err(NothingThere));
    }
}
