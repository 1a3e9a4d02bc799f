//! What was done that reaches beyond an account of one's own, newest first.

use domain::account::SystemRole;
use domain::audit::{AuditAct, AuditEntry};
use domain::id::AuditId;
use domain::text::Text;
use yew::platform::spawn_local;
use yew::prelude::*;

use crate::account::page::role_text;
use crate::api::{self, ApiError};
use crate::connection::use_connection;
use crate::i18n::{Tr, use_tr};
use crate::project::actor_id;

/// What is known of the log.
#[derive(Clone, Default, PartialEq)]
struct Feed {
    entries: Vec<AuditEntry>,
    next: Option<AuditId>,
    is_here: bool,
    error: Option<ApiError>,
}

#[component]
pub fn AuditLog() -> Html {
    let (tr, connection) = (use_tr(), use_connection());
    let feed = use_state_eq(Feed::default);
    let ask = {
        let feed = feed.clone();
        Callback::from(move |before: Option<AuditId>| {
            let (feed, connection) = (feed.clone(), connection.clone());
            spawn_local(async move {
                match api::audit(before).await {
                    Ok(page) => {
                        let known = before.map(|_| feed.entries.clone()).unwrap_or_default();
                        let entries = known.into_iter().chain(page.entries).collect();
                        feed.set(Feed { entries, next: page.next, is_here: true, error: None });
                    }
                    Err(error) => {
                        if error == ApiError::Unreachable || error.is_unsigned() {
                            connection.heed(&error);
                        }
                        feed.set(Feed { error: Some(error), ..(*feed).clone() });
                    }
                }
            });
        })
    };
    use_effect_with((), {
        let ask = ask.clone();
        move |()| ask.emit(None)
    });
    let entry = |entry: &AuditEntry| {
        html! {
            <li key={entry.id.to_string()}>
                <p>{ act_text(tr, &entry.what) }</p>
                <p class="meta">{ tr.moment(entry.at_ms) }{ " · " }{ tr.fill(Text::AuditBy, &[("account", &actor_id(tr, entry.by))]) }</p>
            </li>
        }
    };
    let next = feed.next;
    html! {
        <section id="audit" aria-label={tr.t(Text::AuditTitle)}>
            if let Some(error) = &feed.error {
                <p class="notice notice-bad" role="alert">{ error.message(tr) }</p>
            } else if !feed.is_here {
                <p class="quiet" role="status">{ tr.t(Text::Loading) }</p>
            } else if feed.entries.is_empty() {
                <p class="empty">{ tr.t(Text::AuditNone) }</p>
            }
            <ol class="feed">{ for feed.entries.iter().map(entry) }</ol>
            if next.is_some() {
                <button type="button" id="more-audit" class="button more" onclick={ask.reform(move |_: MouseEvent| next)}>{ tr.t(Text::ActivityMore) }</button>
            }
        </section>
    }
}

/// What was done, in a line. Accounts are told by their ids: names may have to be forgotten.
fn act_text(tr: Tr, act: &AuditAct) -> String {
    let role = |role: SystemRole| role_text(tr, role);
    let (text, of) = match act {
        AuditAct::RoleChanged { of, role: given } => {
            return tr.fill(Text::AuditRole, &[("account", &of.to_string()), ("role", role(*given))]);
        }
        AuditAct::ActivityRead { of } => (Text::AuditRead, of),
        AuditAct::AccountLookedUp { of } => (Text::AuditLookedUp, of),
        AuditAct::BackupBegun => return tr.t(Text::AccountActBackedUp).to_owned(),
        AuditAct::AccountsListed => return tr.t(Text::AuditListed).to_owned(),
        AuditAct::DataExported { of } => (Text::AuditExported, of),
        AuditAct::AccountErased { of } => (Text::AuditErased, of),
    };
    tr.fill(text, &[("account", &of.to_string())])
}

#[cfg(test)]
mod tests {
    use domain::id::AccountId;
    use domain::language::Language;

    use super::*;

    #[test]
    fn what_was_done_names_the_account_that_it_was_done_to() {
        let (en, of) = (Tr(Language::En), AccountId(7));
        let raised = act_text(en, &AuditAct::RoleChanged { of, role: SystemRole::Admin });
        assert!(raised.contains(&of.to_string()) && raised.contains("Admin"), "{raised}");
        assert_ne!(act_text(en, &AuditAct::ActivityRead { of }), act_text(en, &AuditAct::AccountErased { of }));
    }
}
