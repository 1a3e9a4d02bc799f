//! Where a storyboard is worked on: it is fetched, changed a step at a time for the version that is shown, and fetched
//! again after each.

use std::rc::Rc;

use domain::edit::{Edit, EditRequest, UndoRequest};
use domain::id::{ProjectId, RunId};
use domain::text::Text;
use yew::platform::spawn_local;
use yew::prelude::*;

use super::Board;
use crate::api::{self, ApiError};
use crate::connection::use_connection;
use crate::i18n::use_tr;
use crate::toast::use_toasts;

/// What is to be done to the storyboard.
#[derive(Clone, Debug, PartialEq)]
pub enum Order {
    Edit(Vec<Edit>),
    Undo,
    Redo,
}

/// What is on the desk.
#[derive(Clone, Default, PartialEq)]
struct Desktop {
    board: Option<Result<Board, ApiError>>,
    /// Something is being changed.
    busy: bool,
    /// What became of the last order.
    told: Option<Text>,
}

enum Change {
    Board(Result<Board, ApiError>),
    Busy,
    Done(Option<Text>),
}

impl Reducible for Desktop {
    type Action = Change;

    fn reduce(self: Rc<Self>, change: Change) -> Rc<Self> {
        let mut desk = (*self).clone();
        match change {
            // A failed refresh keeps the board that was there.
            Change::Board(Err(_)) if matches!(desk.board, Some(Ok(_))) => {}
            Change::Board(board) => desk.board = Some(board),
            Change::Busy => (desk.busy, desk.told) = (true, None),
            Change::Done(told) => (desk.busy, desk.told) = (false, told),
        }
        Rc::new(desk)
    }
}

/// A storyboard that is worked on.
pub struct Desk {
    pub board: Option<Result<Board, ApiError>>,
    pub busy: bool,
    pub told: Option<Text>,
    /// Carries an order out, unless one is being carried out.
    pub act: Callback<Order>,
}

/// Fetches the storyboard of a run, and changes it.
#[hook]
pub fn use_desk(id: ProjectId, run: RunId) -> Desk {
    let (tr, connection, toasts) = (use_tr(), use_connection(), use_toasts());
    let desk = use_reducer_eq(Desktop::default);
    let working = use_mut_ref(|| false);
    let has_board = matches!(desk.board, Some(Ok(_)));
    {
        let (desk, connection) = (desk.dispatcher(), connection.clone());
        use_effect_with((id, run, connection.epoch), move |_| {
            if !has_board {
                spawn_local(async move {
                    let board = fetch(id, run).await;
                    if let Err(error) = &board {
                        connection.heed(error);
                    }
                    desk.dispatch(Change::Board(board));
                });
            }
        });
    }
    let act = {
        let (desk, working) = (desk.clone(), working.clone());
        Callback::from(move |order: Order| {
            let Some(Ok(board)) = &desk.board else { return };
            if working.replace(true) {
                return;
            }
            let version = board.state(run).version;
            let (desk, working) = (desk.dispatcher(), working.clone());
            let (connection, toasts) = (connection.clone(), toasts.clone());
            desk.dispatch(Change::Busy);
            spawn_local(async move {
                let done = carry_out(id, run, version, order).await;
                // After a refusal too: it may be shown otherwise than it stands.
                let board = fetch(id, run).await;
                if let Err(error) = done.as_ref().map(|_| ()).and(board.as_ref().map(|_| ())) {
                    connection.heed(error);
                    let is_conflict = error.code() == "storyboard-changed";
                    toasts.complain(if is_conflict {
                        tr.t(Text::ChangeConflict).to_owned()
                    } else {
                        error.message(tr)
                    });
                }
                working.replace(false);
                desk.dispatch(Change::Board(board));
                desk.dispatch(Change::Done(done.ok()));
            });
        })
    };
    Desk { board: desk.board.clone(), busy: desk.busy, told: desk.told, act }
}

async fn fetch(id: ProjectId, run: RunId) -> Result<Board, ApiError> {
    api::storyboard(id, run).await.map(|board| Board(Rc::new(board)))
}

/// Each step is for the version that the one before it made. Gives what to say of it.
async fn carry_out(id: ProjectId, run: RunId, version: u64, order: Order) -> Result<Text, ApiError> {
    match order {
        Order::Undo => api::undo(id, &UndoRequest { run, version }).await.map(|_| Text::ChangeUndone),
        Order::Redo => api::redo(id, &UndoRequest { run, version }).await.map(|_| Text::ChangeRedone),
        Order::Edit(edits) => {
            let mut version = version;
            for edit in edits {
                version = api::edit(id, &EditRequest { run, version, edit }).await?.version;
            }
            Ok(Text::ChangeSaved)
        }
    }
}
