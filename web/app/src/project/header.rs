//! What a project is called, and what can be done to it as a whole.

use domain::id::ProjectId;
use domain::project::Project;
use domain::text::Text;
use yew::prelude::*;
use yew_router::prelude::*;

use super::rights::use_rights;
use super::words::Words;
use crate::deeds::{Deed, use_deeds};
use crate::i18n::{Tr, use_tr};
use crate::pages::use_page;
use crate::routes::Route;
use crate::shelf::file_line;

#[derive(PartialEq, Properties)]
pub struct Props {
    pub project: Project,
}

#[component]
pub fn Header(props: &Props) -> Html {
    let tr = use_tr();
    let (project, rights) = (&props.project, use_rights());
    let heading = use_page(&project.name);
    let navigator = use_navigator();
    let on_done = Callback::from(move |(deed, _): (Deed, ProjectId)| {
        if let (true, Some(navigator)) = (deed.ends(), &navigator) {
            navigator.push(&Route::Shelf);
        }
    });
    let (act, question) = use_deeds(on_done);
    let editing = use_state_eq(|| false);
    let edit = |to: bool| {
        let editing = editing.clone();
        Callback::from(move |()| editing.set(to))
    };
    let deed = |deed: Deed| {
        let project = project.clone();
        act.reform(move |_: MouseEvent| (deed, project.clone()))
    };
    let language = project.language.map(|language| language.tag());
    let name_language = language.filter(|_| !project.named);
    let archive = if project.archived { Text::Unarchive } else { Text::Archive };
    html! {
        <>
            { above(tr, rights.visits) }
            <header class="title-page">
                <div class="title-words">
                    <h1 id="project-title" ref={heading} tabindex="-1" lang={name_language}>{ &project.name }</h1>
                    if project.named {
                        <p id="book-title" class="meta">{ tr.fill(Text::BookTitled, &[("title", &project.title)]) }</p>
                    }
                    if !project.authors.is_empty() {
                        <p class="book-authors">{ project.authors.join(", ") }</p>
                    }
                    if !project.description.is_empty() {
                        <p id="project-description" class="description">{ &project.description }</p>
                    }
                    <p class="meta">
                        if project.demo { <span class="tag">{ tr.t(Text::DemoBook) }</span> }
                        if project.archived { <span class="tag">{ tr.t(Text::ArchivedTag) }</span> }
                        { file_line(tr, project) }
                    </p>
                </div>
                if rights.can_edit() {
                    <div class="title-acts">
                        <button type="button" id="project-edit" class="button" onclick={edit(true).reform(|_: MouseEvent| ())}>
                            { tr.t(Text::EditWords) }
                        </button>
                        <button type="button" id="project-archive" class="quiet-button" onclick={deed(Deed::Archive(!project.archived))}>
                            { tr.t(archive) }
                        </button>
                        if rights.can_own() {
                            <button type="button" id="project-delete" class="quiet-button delete" onclick={deed(Deed::Delete)}>
                                { tr.t(Text::Delete) }
                            </button>
                        }
                    </div>
                }
            </header>
            if *editing {
                <Words project={project.clone()} on_close={edit(false)} />
            }
            { question }
        </>
    }
}

/// The way back to the shelf, or, for who has none, how they came here.
fn above(tr: Tr, visits: bool) -> Html {
    match visits {
        true => html! { <p id="visiting" class="notice">{ tr.t(Text::ShareVisiting) }</p> },
        false => html! { <p class="crumb"><Link<Route> to={Route::Shelf}>{ tr.t(Text::AllBooks) }</Link<Route>></p> },
    }
}
