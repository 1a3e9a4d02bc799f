//! What was done to a project, by whom and when.

use domain::api::RunView;
use domain::id::ProjectId;
use domain::project::{Act, Activity};
use domain::text::Text;
use yew::platform::spawn_local;
use yew::prelude::*;

use super::names::use_names;
use crate::api::{self, ApiError};
use crate::connection::use_connection;
use crate::i18n::{Tr, use_tr};

#[derive(PartialEq, Properties)]
pub struct Props {
    pub id: ProjectId,
    /// Of what people set: another one means that something was done.
    pub version: u64,
    /// The same for runs.
    pub run: Option<RunView>,
}

/// What is known of the feed.
#[derive(Clone, Default, PartialEq)]
struct Feed {
    acts: Vec<Activity>,
    next: Option<u64>,
    is_here: bool,
    error: Option<ApiError>,
}

#[component]
pub fn ActivityFeed(props: &Props) -> Html {
    let tr = use_tr();
    let connection = use_connection();
    let feed = use_state_eq(Feed::default);
    let names = use_names(props.id);
    let run = props.run.as_ref().map(|run| (run.id, run.state.is_final()));
    let ask = {
        let (feed, connection, id) = (feed.clone(), connection.clone(), props.id);
        Callback::from(move |before: Option<u64>| {
            let (feed, connection) = (feed.clone(), connection.clone());
            spawn_local(async move {
                let answer = api::activity(id, before).await;
                let known = before.map(|_| feed.acts.clone()).unwrap_or_default();
                match answer {
                    Ok(page) => {
                        let acts = known.into_iter().chain(page.activity).collect();
                        feed.set(Feed { acts, next: page.next, is_here: true, error: None });
                    }
                    Err(error) => {
                        connection.heed(&error);
                        feed.set(Feed { error: Some(error), ..(*feed).clone() });
                    }
                }
            });
        })
    };
    use_effect_with((props.id, props.version, run, connection.epoch), {
        let ask = ask.clone();
        move |_| ask.emit(None)
    });
    let entry = |act: &Activity| {
        html! {
            <li key={act.seq}>
                <p>{ act_text(tr, &act.what) }</p>
                <p class="meta">{ names.of(tr, act.by) }{ " · " }{ tr.moment(act.at_ms) }</p>
            </li>
        }
    };
    let next = feed.next;
    html! {
        <section id="activity" aria-labelledby="activity-title">
            <h2 id="activity-title">{ tr.t(Text::ActivityTitle) }</h2>
            if let Some(error) = &feed.error {
                <p class="notice notice-bad" role="alert">{ error.message(tr) }</p>
            }
            if !feed.is_here {
                <p class="quiet" role="status">{ tr.t(Text::Loading) }</p>
            } else if feed.acts.is_empty() {
                <p class="empty">{ tr.t(Text::ActivityEmpty) }</p>
            }
            <ol class="feed">{ for feed.acts.iter().map(entry) }</ol>
            if next.is_some() {
                <button type="button" id="more-activity" class="button more" onclick={ask.reform(move |_: MouseEvent| next)}>
                    { tr.t(Text::ActivityMore) }
                </button>
            }
        </section>
    }
}

/// What was done, in a line.
fn act_text(tr: Tr, act: &Act) -> String {
    let plain = |text: Text| tr.t(text).to_owned();
    match act {
        Act::Created { file } => tr.fill(Text::ActCreated, &[("file", file)]),
        Act::Changed { name, described, archived } => {
            let parts = [
                name.as_ref().map(|name| tr.fill(Text::ActNamed, &[("name", name)])),
                described.then(|| plain(Text::ActDescribed)),
                archived.map(|archived| plain(if archived { Text::ActArchived } else { Text::ActUnarchived })),
            ];
            parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
        }
        Act::Deleted => plain(Text::ActDeleted),
        Act::Restored => plain(Text::ActRestored),
        Act::Revised { revision, file, .. } => {
            tr.fill(Text::ActRevised, &[("n", &revision.to_string()), ("file", file)])
        }
        Act::RunStarted { revision, of, .. } => {
            let text = if of.is_some() { Text::ActRunRepeated } else { Text::ActRunStarted };
            tr.fill(text, &[("n", &revision.to_string())])
        }
        Act::RunCancelled { .. } => plain(Text::ActRunCancelled),
        Act::Invited { role, .. } => tr.fill(Text::ActInvited, &[("role", tr.project_role(*role))]),
        Act::InvitationWithdrawn { .. } => plain(Text::ActInvitationWithdrawn),
        Act::Joined { role } => tr.fill(Text::ActJoined, &[("role", tr.project_role(*role))]),
        Act::MemberChanged { role, .. } => tr.fill(Text::ActMemberChanged, &[("role", tr.project_role(*role))]),
        Act::MemberRemoved { .. } => plain(Text::ActMemberRemoved),
        Act::Left => plain(Text::ActLeft),
        Act::ShareLinkMade { .. } => plain(Text::ActShareLinkMade),
        Act::ShareLinkRevoked { .. } => plain(Text::ActShareLinkRevoked),
    }
}

#[cfg(test)]
mod tests {
    use domain::language::Language;

    use super::*;

    #[test]
    fn a_change_of_several_things_names_each() {
        let act = Act::Changed { name: Some("Mine".into()), described: true, archived: Some(true) };
        assert_eq!(act_text(Tr(Language::En), &act), "Named “Mine” · Description changed · Put aside");
        let act = Act::Changed { name: None, described: false, archived: Some(false) };
        assert_eq!(act_text(Tr(Language::En), &act), "Put back on the shelf");
    }
}
