//! Where an account is signed in, each with a way to end it.

use domain::account::Session;
use domain::text::Text;
use yew::platform::spawn_local;
use yew::prelude::*;

use super::agent::agent_text;
use super::menu::use_sign_out;
use crate::api::{self, ApiError};
use crate::browser;
use crate::connection::use_connection;
use crate::i18n::{Tr, use_tr};
use crate::toast::use_toasts;

/// What is known of the list.
#[derive(Clone, PartialEq)]
enum Known {
    Asked,
    Here(Vec<Session>),
    Failed(ApiError),
}

#[component]
pub fn Sessions() -> Html {
    let tr = use_tr();
    let known = use_sessions();
    let on_end = use_end();
    let (out, everywhere) = (use_sign_out(false), use_sign_out(true));
    let entry = |session: &Session| {
        let agent = agent_text(tr, &session.agent);
        let named = [("agent", &*agent), ("time", &*tr.moment(session.began_ms))];
        let on_click = match session.current {
            true => out.clone(),
            false => {
                let session = session.clone();
                on_end.reform(move |_: MouseEvent| session.clone())
            }
        };
        html! {
            <li key={session.id.to_string()} class="session" data-current={session.current.to_string()}>
                <div>
                    <p><strong title={session.agent.clone()}>{ &agent }</strong>
                        if session.current { <span class="chip chip-good">{ tr.t(Text::SessionHere) }</span> }
                    </p>
                    <p class="meta">{ facts(tr, session) }</p>
                </div>
                <button type="button" class="button session-end" aria-label={tr.fill(Text::SessionEndNamed, &named)} onclick={on_click}>
                    { tr.t(Text::SignOut) }
                </button>
            </li>
        }
    };
    html! {
        <section id="sessions" class="card" aria-labelledby="sessions-title">
            <h2 id="sessions-title" tabindex="-1">{ tr.t(Text::SessionsTitle) }</h2>
            <p>{ tr.t(Text::SessionsLead) }</p>
            { match &known {
                Known::Asked => html! { <p class="quiet" role="status">{ tr.t(Text::Loading) }</p> },
                Known::Failed(error) => html! { <p class="notice notice-bad" role="alert">{ error.message(tr) }</p> },
                Known::Here(sessions) => html! { <ul class="session-list">{ for sessions.iter().map(entry) }</ul> },
            } }
            <p><button type="button" id="sessions-end" class="button button-bad" onclick={everywhere}>{ tr.t(Text::SessionsEnd) }</button></p>
        </section>
    }
}

/// When and from where, in a line.
fn facts(tr: Tr, session: &Session) -> String {
    let time = |text: Text, at_ms: u64| tr.fill(text, &[("time", &tr.moment(at_ms))]);
    let from = (!session.address.is_empty()).then(|| tr.fill(Text::SessionFrom, &[("address", &session.address)]));
    let began = time(Text::SessionBegan, session.began_ms);
    let began = from.map_or(began.clone(), |from| format!("{began} {from}"));
    [began, time(Text::SessionSeen, session.seen_ms), time(Text::SessionEnds, session.ends_ms)].join(" · ")
}

#[hook]
fn use_sessions() -> Known {
    let connection = use_connection();
    let known = use_state_eq(|| Known::Asked);
    {
        let (known, connection) = (known.setter(), connection.clone());
        use_effect_with(connection.epoch, move |_| {
            spawn_local(async move {
                known.set(match api::sessions().await {
                    Ok(list) => Known::Here(list.sessions),
                    Err(error) => {
                        connection.heed(&error);
                        Known::Failed(error)
                    }
                });
            });
        });
    }
    (*known).clone()
}

/// Ends another session than this one.
#[hook]
fn use_end() -> Callback<Session> {
    let (tr, connection, toasts) = (use_tr(), use_connection(), use_toasts());
    Callback::from(move |session: Session| {
        let (connection, toasts) = (connection.clone(), toasts.clone());
        spawn_local(async move {
            match api::end_session(session.id).await {
                Err(error) if !error.is_not_found() => {
                    connection.heed(&error);
                    toasts.complain(error.message(tr));
                }
                // One that is gone already is what was asked for.
                _ => {
                    let agent = agent_text(tr, &session.agent);
                    toasts.say(tr.fill(Text::SessionEnded, &[("agent", &agent)]));
                    // Its button goes.
                    browser::focus_first("#sessions-title");
                    connection.renew.emit(());
                }
            }
        });
    })
}
