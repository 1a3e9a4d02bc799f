//! A storyboard as it stood: an earlier version, to be looked at.

use std::rc::Rc;

use domain::id::{ProjectId, RunId};
use domain::text::Text;
use yew::platform::spawn_local;
use yew::prelude::*;

use super::Board;
use crate::api;
use crate::browser;
use crate::connection::use_connection;
use crate::i18n::use_tr;
use crate::toast::use_toasts;

/// Which earlier version is looked at.
#[derive(Clone, PartialEq)]
pub struct Past {
    /// The version, and its board once it is here.
    pub shown: Option<(u64, Board)>,
    /// Asks for a version, or for the newest one again.
    pub look: Callback<Option<u64>>,
}

/// Fetches earlier versions of a run's storyboard.
#[hook]
pub fn use_past(id: ProjectId, run: RunId) -> Past {
    let (tr, connection, toasts) = (use_tr(), use_connection(), use_toasts());
    let shown = use_state_eq(|| None::<(u64, Board)>);
    // The newest request: answers to others come too late.
    let newest = use_mut_ref(|| 0_u32);
    let look = {
        let shown = shown.setter();
        Callback::from(move |version: Option<u64>| {
            *newest.borrow_mut() += 1;
            let number = *newest.borrow();
            let Some(version) = version else {
                shown.set(None);
                browser::focus_first("#edit-history summary");
                return;
            };
            let (shown, newest) = (shown.clone(), newest.clone());
            let (connection, toasts) = (connection.clone(), toasts.clone());
            spawn_local(async move {
                let answer = api::storyboard_at(id, run, version).await;
                if *newest.borrow() != number {
                    return;
                }
                match answer {
                    Ok(board) => shown.set(Some((version, Board(Rc::new(board))))),
                    Err(error) => {
                        connection.heed(&error);
                        toasts.complain(error.message(tr));
                    }
                }
            });
        })
    };
    Past { shown: (*shown).clone(), look }
}

#[derive(PartialEq, Properties)]
pub struct Props {
    pub version: u64,
    pub look: Callback<Option<u64>>,
}

/// Says that what is shown is not the newest, and leads back to that.
#[component]
pub fn PastNotice(props: &Props) -> Html {
    let tr = use_tr();
    // What was asked for stands above what was pressed.
    use_effect_with(props.version, |_| browser::focus_first("#past-back"));
    let text = match props.version {
        0 => tr.t(Text::PastNoticeComposed).to_owned(),
        version => tr.fill(Text::PastNotice, &[("n", &tr.number(version))]),
    };
    html! {
        <div id="past-version" class="notice notice-warn" data-version={props.version.to_string()}>
            <p role="status">{ text }</p>
            <button type="button" id="past-back" class="button" onclick={props.look.reform(|_: MouseEvent| None)}>
                { tr.t(Text::PastBack) }
            </button>
        </div>
    }
}
