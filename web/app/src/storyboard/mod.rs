//! The storyboard of a book: fetched once, shown a chapter at a time, so that a board of thousands of panels
//! costs no more than a chapter of it.

mod keyboard;
mod panel;
mod select;
mod side;
mod view;

use std::ops::Deref;
use std::rc::Rc;

use domain::id::ProjectId;
use domain::storyboard::Storyboard;
use domain::text::Text;
use yew::platform::spawn_local;
use yew::prelude::*;

use crate::api::{self, ApiError};
use crate::connection::use_connection;
use crate::i18n::{Tr, use_tr};
use view::StoryboardView;

/// A board that is shared by all its parts. Equal means the very same: boards are big and never change.
#[derive(Clone)]
struct Board(Rc<Storyboard>);

impl PartialEq for Board {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl Deref for Board {
    type Target = Storyboard;

    fn deref(&self) -> &Storyboard {
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
}

#[derive(PartialEq, Properties)]
pub struct Props {
    pub id: ProjectId,
    /// Which chapter to show, from 0.
    pub position: usize,
}

/// Fetches the board and shows it.
#[component]
pub fn StoryboardLoader(props: &Props) -> Html {
    let tr = use_tr();
    let connection = use_connection();
    let board = use_state(|| None::<Result<Board, ApiError>>);
    let has_board = matches!(&*board, Some(Ok(_)));
    {
        let (board, connection) = (board.clone(), connection.clone());
        use_effect_with((props.id, connection.epoch), move |(id, _)| {
            let id = *id;
            if !has_board {
                spawn_local(async move {
                    let answer = api::storyboard(id).await;
                    if let Err(error) = &answer {
                        connection.heed(error);
                    }
                    board.set(Some(answer.map(|board| Board(Rc::new(board)))));
                });
            }
        });
    }
    match &*board {
        None => html! { <p class="quiet" role="status">{ tr.t(Text::Loading) }</p> },
        Some(Err(error)) => html! { <p class="notice notice-bad" role="alert">{ error.message(tr) }</p> },
        Some(Ok(board)) => {
            let position = props.position.min(board.chapters.len().saturating_sub(1));
            html! { <StoryboardView id={props.id} board={board.clone()} {position} /> }
        }
    }
}
