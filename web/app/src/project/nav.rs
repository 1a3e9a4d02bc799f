//! The parts of a project's page, as links.

use domain::id::ProjectId;
use domain::text::Text;
use web_sys::MouseEvent;
use yew::prelude::*;
use yew_router::prelude::*;

use super::rights::use_rights;
use crate::account::{Who, use_who};
use crate::i18n::use_tr;
use crate::routes::{Route, Section};

#[derive(PartialEq, Properties)]
pub struct Props {
    pub id: ProjectId,
    pub section: Section,
}

#[component]
pub fn Nav(props: &Props) -> Html {
    let tr = use_tr();
    let navigator = use_navigator();
    let entry = |name: &'static str, label: Text, route: Route, here: bool| {
        let on_click = {
            let (navigator, route) = (navigator.clone(), route.clone());
            Callback::from(move |event: MouseEvent| {
                // With a key held the browser opens it elsewhere.
                let elsewhere = event.ctrl_key() || event.meta_key() || event.shift_key();
                if let (Some(navigator), false) = (&navigator, elsewhere) {
                    event.prevent_default();
                    navigator.push(&route);
                }
            })
        };
        html! {
            <li><a id={format!("section-{name}")} href={route.to_path()} onclick={on_click} aria-current={here.then_some("page")}>
                { tr.t(label) }
            </a></li>
        }
    };
    let (id, section) = (props.id, props.section);
    let is_member = use_rights().is_member();
    // Where nobody has an account there is nobody to share with.
    let shares = use_who() != Who::Trusted && is_member;
    let is_board = matches!(section, Section::Storyboard { .. });
    html! {
        <nav class="sections" aria-label={tr.t(Text::Sections)}>
            <ul>
                { entry("storyboard", Text::Storyboard, Route::project(id), is_board) }
                { entry("runs", Text::SectionRuns, Route::runs(id), section == Section::Runs) }
                { entry("files", Text::SectionFiles, Route::files(id), section == Section::Files) }
                if is_member {
                    { entry("activity", Text::SectionActivity, Route::activity(id), section == Section::Activity) }
                }
                if shares {
                    { entry("sharing", Text::SharingTitle, Route::sharing(id), section == Section::Sharing) }
                }
            </ul>
        </nav>
    }
}
