//! The form for a project's name and description.

use domain::project::{DESCRIPTION_MAX_CHARS, NAME_MAX_CHARS, Project, ProjectPatch};
use domain::text::Text;
use web_sys::{HtmlInputElement, HtmlTextAreaElement, SubmitEvent};
use yew::platform::spawn_local;
use yew::prelude::*;

use crate::api;
use crate::connection::use_connection;
use crate::dialog::{Dialog, cancel};
use crate::i18n::use_tr;
use crate::toast::use_toasts;

/// What is to be changed of `base` for it to have these words; none if it has them.
fn patch(base: &Project, name: &str, description: &str) -> Option<ProjectPatch> {
    let name = name.trim();
    let is_title = name.is_empty() || name == base.title;
    let new_name = match (is_title, base.named) {
        (true, true) => Some(None),
        (true, false) => None,
        (false, _) => (name != base.name).then(|| Some(name.to_owned())),
    };
    let description = description.trim();
    let new_description =
        (description != base.description).then(|| (!description.is_empty()).then(|| description.to_owned()));
    let patch = ProjectPatch { name: new_name, description: new_description, archived: None };
    (patch != ProjectPatch::default()).then_some(patch)
}

#[derive(PartialEq, Properties)]
pub struct Props {
    pub project: Project,
    pub on_close: Callback<()>,
}

#[component]
pub fn Words(props: &Props) -> Html {
    let tr = use_tr();
    let name = use_state_eq(|| props.project.name.clone());
    let description = use_state_eq(|| props.project.description.clone());
    let form = use_words(&props.project, props.on_close.clone());
    let on_submit = {
        let (send, name, description) = (form.send.clone(), name.clone(), description.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            send.emit(((*name).clone(), (*description).clone()));
        })
    };
    let on_name = {
        let name = name.clone();
        Callback::from(move |event: InputEvent| name.set(event.target_unchecked_into::<HtmlInputElement>().value()))
    };
    let on_description = {
        let description = description.clone();
        Callback::from(move |event: InputEvent| {
            description.set(event.target_unchecked_into::<HtmlTextAreaElement>().value());
        })
    };
    html! {
        <Dialog id="words" title={tr.t(Text::EditWords)} on_close={props.on_close.clone()}>
            <form class="form" onsubmit={on_submit}>
                if let Some(problem) = &form.problem {
                    <p id="words-problem" class="notice notice-bad" role="alert">{ problem }</p>
                }
                <div class="field">
                    <label for="words-name">{ tr.t(Text::NameLabel) }</label>
                    <input id="words-name" maxlength={NAME_MAX_CHARS.to_string()} autocomplete="off" aria-describedby="words-name-hint"
                        value={(*name).clone()} oninput={on_name} />
                    <p id="words-name-hint" class="meta">{ tr.fill(Text::NameHint, &[("title", &props.project.title)]) }</p>
                </div>
                <div class="field">
                    <label for="words-description">{ tr.t(Text::DescriptionLabel) }</label>
                    <textarea id="words-description" rows="5" maxlength={DESCRIPTION_MAX_CHARS.to_string()}
                        aria-describedby="words-description-hint" value={(*description).clone()} oninput={on_description} />
                    <p id="words-description-hint" class="meta">{ tr.t(Text::DescriptionHint) }</p>
                </div>
                <div class="dialog-buttons">
                    { cancel(tr, &props.on_close) }
                    <button type="submit" id="words-save" class="button button-main" disabled={form.busy}>{ tr.t(Text::Save) }</button>
                </div>
            </form>
        </Dialog>
    }
}

struct Form {
    busy: bool,
    problem: Option<String>,
    send: Callback<(String, String)>,
}

/// Sends the words for the version of the project that its maker saw. After a conflict they stand for the one that is
/// there now, which is told.
#[hook]
fn use_words(project: &Project, on_close: Callback<()>) -> Form {
    let (tr, connection, toasts) = (use_tr(), use_connection(), use_toasts());
    let base = use_state(|| project.clone());
    let busy = use_state_eq(|| false);
    let problem = use_state_eq(|| None::<String>);
    let send = {
        let (busy, problem) = (busy.clone(), problem.clone());
        Callback::from(move |(name, description): (String, String)| {
            let Some(patch) = patch(&base, &name, &description) else { return on_close.emit(()) };
            busy.set(true);
            let (base, busy, problem, on_close) = (base.clone(), busy.clone(), problem.clone(), on_close.clone());
            let (connection, toasts) = (connection.clone(), toasts.clone());
            spawn_local(async move {
                let error = match api::change(base.id, base.version, &patch).await {
                    Ok(_) => {
                        connection.renew.emit(());
                        toasts.say(tr.t(Text::WordsSaved).to_owned());
                        return on_close.emit(());
                    }
                    Err(error) => error,
                };
                connection.heed(&error);
                let told = match (error.code(), api::project(base.id).await.map(|found| found.project)) {
                    ("precondition-failed", Ok(now)) => {
                        let told = tr.fill(Text::WordsConflict, &[("title", &now.name)]);
                        base.set(now);
                        connection.renew.emit(());
                        told
                    }
                    _ => error.message(tr),
                };
                busy.set(false);
                problem.set(Some(told));
            });
        })
    };
    Form { busy: *busy, problem: (*problem).clone(), send }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    fn project(name: Option<&str>, description: &str) -> Project {
        Project {
            name: name.unwrap_or("Title").into(),
            named: name.is_some(),
            description: description.into(),
            title: "Title".into(),
            ..fixtures::project(1, None)
        }
    }

    #[test]
    fn words_that_are_there_already_change_nothing() {
        assert_eq!(patch(&project(None, ""), "", ""), None);
        assert_eq!(patch(&project(None, "d"), " Title ", "d "), None);
        assert_eq!(patch(&project(Some("Mine"), "d"), "Mine", "d"), None);
    }

    #[test]
    fn only_what_was_changed_is_sent_and_nothing_goes_back_to_the_title() {
        let named = patch(&project(None, "d"), " Mine ", "d");
        assert_eq!(named, Some(ProjectPatch { name: Some(Some("Mine".into())), ..ProjectPatch::default() }));
        let back = patch(&project(Some("Mine"), "d"), "", "d");
        assert_eq!(back, Some(ProjectPatch { name: Some(None), ..ProjectPatch::default() }));
        let bare = patch(&project(Some("Mine"), "d"), "Mine", "  ");
        assert_eq!(bare, Some(ProjectPatch { description: Some(None), ..ProjectPatch::default() }));
    }
}
