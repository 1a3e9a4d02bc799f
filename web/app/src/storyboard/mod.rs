//! The storyboard of a book: fetched once, shown a chapter at a time, so that a board of thousands of panels costs no
//! more than a chapter of it; and changed panel by panel, every change with its way back.

mod bar;
mod changes;
mod desk;
mod keyboard;
mod log;
mod panel;
mod panel_form;
mod past;
mod select;
mod side;
mod view;

use std::ops::Deref;
use std::rc::Rc;

use domain::edit::{EditState, EditedStoryboard};
use domain::id::{ProjectId, RunId};
use domain::text::Text;
use yew::prelude::*;

use crate::i18n::{Tr, use_tr};
use crate::routes::Route;
use desk::{Desk, use_desk};
use past::{Past, use_past};
use view::StoryboardView;

/// A board that is shared by all its parts. Equal means the very same: boards are big and never change.
#[derive(Clone)]
struct Board(Rc<EditedStoryboard>);

impl PartialEq for Board {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl Deref for Board {
    type Target = EditedStoryboard;

    fn deref(&self) -> &EditedStoryboard {
        &self.0
    }
}

impl Board {
    /// Heading of the chapter at `position`.
    fn chapter_title(&self, tr: Tr, position: usize) -> String {
        let title = self.chapters.get(position).and_then(|chapter| chapter.title.clone());
        title.unwrap_or_else(|| tr.fill(Text::ChapterNumber, &[("n", &(position + 1).to_string())]))
    }

    /// Language of that heading: the book's, if the book gives it one.
    fn chapter_title_language(&self, position: usize) -> Option<&'static str> {
        self.chapters.get(position)?.title.as_ref().map(|_| self.language.tag())
    }

    /// How its edits stand.
    fn state(&self, run: RunId) -> EditState {
        self.edits.clone().unwrap_or(EditState { run, version: 0, can_undo: false, can_redo: false })
    }

    /// The number that is shown of a panel, from 1; none if it is a part of another one by now.
    fn number_of(&self, panel: u32) -> Option<u32> {
        let mut panels = self.scenes.iter().flat_map(|scene| &scene.panels);
        panels.find(|found| found.id() == panel).map(|found| found.panel.index + 1)
    }
}

/// Where a board stands among the page's addresses.
#[derive(Clone, Copy, PartialEq)]
struct Place {
    id: ProjectId,
    run: RunId,
    /// It is the newest: its addresses don't name the run.
    is_newest: bool,
}

impl Place {
    fn chapter(self, position: usize) -> Route {
        Route::chapter(self.id, (!self.is_newest).then_some(self.run), position)
    }
}

#[derive(PartialEq, Properties)]
pub struct Props {
    pub id: ProjectId,
    pub run: RunId,
    pub is_newest: bool,
    /// Which chapter to show, from 0.
    pub position: usize,
}

/// Fetches the board and shows it.
#[component]
pub fn StoryboardLoader(props: &Props) -> Html {
    let tr = use_tr();
    let Desk { board, busy, told, act } = use_desk(props.id, props.run);
    let Past { shown, look } = use_past(props.id, props.run);
    match board {
        None => html! { <p class="quiet" role="status">{ tr.t(Text::Loading) }</p> },
        Some(Err(error)) => html! { <p class="notice notice-bad" role="alert">{ error.message(tr) }</p> },
        Some(Ok(newest)) => {
            let versions = newest.state(props.run).version;
            let (past, board) = match shown {
                Some((version, board)) => (Some(version), board),
                None => (None, newest),
            };
            let position = props.position.min(board.chapters.len().saturating_sub(1));
            let place = Place { id: props.id, run: props.run, is_newest: props.is_newest };
            html! { <StoryboardView {place} {board} {past} {versions} {position} {busy} {told} {act} {look} /> }
        }
    }
}
