//! What components ask of the node: lists and facts, kept fresh, and errands, told of at the page's edge.

use std::cell::Cell;
use std::rc::Rc;

use domain::text::Text;
use yew::platform::spawn_local;
use yew::prelude::*;

use crate::api::ApiError;
use crate::connection::{Connection, use_connection};
use crate::i18n::{Tr, use_tr};
use crate::toast::{Toasts, use_toasts};

/// What is known of an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Asked<T> {
    UnderWay,
    Here(T),
    Failed(ApiError),
}

impl<T> Asked<T> {
    pub fn here(&self) -> Option<&T> {
        match self {
            Self::Here(found) => Some(found),
            Self::UnderWay | Self::Failed(_) => None,
        }
    }

    /// Shows it, or that it is on its way, or why it is not here.
    pub fn shown(&self, tr: Tr, show: impl FnOnce(&T) -> Html) -> Html {
        match self {
            Self::UnderWay => html! { <p class="quiet" role="status">{ tr.t(Text::Loading) }</p> },
            Self::Failed(error) => html! { <p class="notice notice-bad" role="alert">{ error.message(tr) }</p> },
            Self::Here(found) => show(found),
        }
    }
}

/// Asks for something at once, whenever `of` is another, and whenever the node may see it otherwise. A failed refresh
/// keeps what was there.
#[hook]
pub fn use_asked<T, D, F>(of: D, ask: impl Fn(&D) -> F + 'static) -> Asked<T>
where
    T: Clone + PartialEq + 'static,
    D: Clone + PartialEq + 'static,
    F: Future<Output = Result<T, ApiError>> + 'static,
{
    let connection = use_connection();
    let asked = use_state_eq(|| Asked::UnderWay);
    // Of what the answer is that is here.
    let known = use_mut_ref(|| None::<D>);
    {
        let (asked, connection) = (asked.setter(), connection.clone());
        use_effect_with((of, connection.epoch), move |(of, _)| {
            let (of, answer) = (of.clone(), ask(of));
            if known.borrow().as_ref().is_some_and(|known| *known != of) {
                asked.set(Asked::UnderWay);
            }
            let wanted = Rc::new(Cell::new(true));
            let still = Rc::clone(&wanted);
            spawn_local(async move {
                let answer = answer.await;
                // Answers to what is not asked any more come too late.
                if !still.get() {
                    return;
                }
                match answer {
                    Ok(found) => {
                        known.replace(Some(of));
                        asked.set(Asked::Here(found));
                    }
                    Err(error) => {
                        // What an account may not see it may not see the next time either: that asks nobody anew.
                        if error == ApiError::Unreachable || error.is_unsigned() {
                            connection.heed(&error);
                        }
                        if *known.borrow() != Some(of) {
                            asked.set(Asked::Failed(error));
                        }
                    }
                }
            });
            move || wanted.set(false)
        });
    }
    (*asked).clone()
}

/// What is being done in dialogs, one step after the other, if anything, and what goes to another step. Once something
/// was `made`, the lists that it stands in are fetched anew.
#[hook]
pub fn use_steps<S: Clone + PartialEq + 'static>(made: fn(&S) -> bool) -> (Option<S>, Callback<Option<S>>) {
    let renew = use_connection().renew;
    let step = use_state_eq(|| None::<S>);
    let to = {
        let step = step.setter();
        Callback::from(move |next: Option<S>| {
            if next.as_ref().is_some_and(made) {
                renew.emit(());
            }
            step.set(next);
        })
    };
    ((*step).clone(), to)
}

/// Runs errands.
#[derive(Clone, PartialEq)]
pub struct Errands {
    tr: Tr,
    connection: Connection,
    toasts: Toasts,
}

/// Runs errands.
#[hook]
pub fn use_errands() -> Errands {
    Errands { tr: use_tr(), connection: use_connection(), toasts: use_toasts() }
}

impl Errands {
    /// Has the node do something. Says so when it is done, after `then`, and what went wrong if it is not.
    pub fn run<T: 'static>(
        &self,
        errand: impl Future<Output = Result<T, ApiError>> + 'static,
        said: String,
        then: impl FnOnce() + 'static,
    ) {
        let around = self.clone();
        spawn_local(async move {
            match errand.await {
                Err(error) => around.complain(&error),
                Ok(_) => {
                    then();
                    around.say(said);
                }
            }
        });
    }

    /// The same for what puts an end to something: what is gone already is as it was asked to be.
    pub fn end(
        &self,
        errand: impl Future<Output = Result<(), ApiError>> + 'static,
        said: String,
        then: impl FnOnce() + 'static,
    ) {
        let gone_is_well = async move {
            match errand.await {
                Err(error) if error.is_not_found() => Ok(()),
                done => done,
            }
        };
        self.run(gone_is_well, said, then);
    }

    /// Says that something is done, and has everything fetched anew.
    pub fn say(&self, said: String) {
        self.toasts.say(said);
        self.connection.renew.emit(());
    }

    /// Has everything fetched anew, who is signed in too.
    pub fn renew(&self) {
        self.connection.renew.emit(());
    }

    /// Says why something is not even asked for.
    pub fn refuse(&self, why: String) {
        self.toasts.complain(why);
    }

    /// Says what went wrong.
    pub fn complain(&self, error: &ApiError) {
        self.connection.heed(error);
        self.toasts.complain(error.message(self.tr));
    }
}
