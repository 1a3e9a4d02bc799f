//! Files that were not sent whole: how to go on with them, and how to give them up.

use domain::text::Text;
use yew::platform::spawn_local;
use yew::prelude::*;

use super::center::{Job, Target};
use super::kept::{self, Kept};
use crate::api;
use crate::connection::use_connection;
use crate::i18n::use_tr;

#[derive(PartialEq, Properties)]
pub struct Props {
    pub target: Target,
    pub job: Option<Job>,
}

/// A file, and how much of it the node has.
#[derive(Clone, PartialEq)]
struct Found {
    kept: Kept,
    offset: u64,
}

#[component]
pub fn Pending(props: &Props) -> Html {
    let tr = use_tr();
    let connection = use_connection();
    let found = use_state_eq(Vec::<Found>::new);
    {
        let found = found.setter();
        let under_way = props.job.as_ref().is_some_and(|job| !job.is_stopped());
        use_effect_with((props.target, under_way, connection.epoch), move |(target, under_way, _)| {
            let target = *target;
            if !under_way {
                spawn_local(async move { found.set(look(target).await) });
            }
        });
    }
    let give_up = {
        let found = found.clone();
        move |kept: &Kept| {
            let (found, upload) = (found.clone(), kept.upload);
            Callback::from(move |_: MouseEvent| {
                kept::forget(upload);
                found.set(found.iter().filter(|other| other.kept.upload != upload).cloned().collect());
                // What can't be removed now expires.
                spawn_local(async move { drop(api::remove_upload(upload).await) });
            })
        }
    };
    let is_shown = |found: &&Found| props.job.as_ref().is_none_or(|job| job.file != found.kept.file);
    let entry = |found: &Found| {
        let file = &found.kept.file;
        let values = [("name", &*file.name), ("sent", &*tr.bytes(found.offset)), ("total", &*tr.bytes(file.size))];
        let text = if found.offset < file.size { Text::UploadPending } else { Text::UploadPendingWhole };
        html! {
            <li key={found.kept.upload.to_string()} class="notice pending">
                <p>{ tr.fill(text, &values) }</p>
                <button type="button" class="button give-up" onclick={give_up(&found.kept)}
                    aria-label={tr.fill(Text::UploadGiveUpNamed, &[("name", &file.name)])}>
                    { tr.t(Text::UploadGiveUp) }
                </button>
            </li>
        }
    };
    let shown: Vec<Html> = found.iter().filter(is_shown).map(entry).collect();
    if shown.is_empty() {
        return html! {};
    }
    html! { <ul id="upload-pending" class="pendings">{ for shown }</ul> }
}

/// What is remembered for `target` and is still there. What the node has dropped is forgotten.
async fn look(target: Target) -> Vec<Found> {
    let mut found = Vec::new();
    for kept in kept::all().into_iter().rev().filter(|kept| kept.project == target.project()) {
        match api::upload(kept.upload).await {
            Ok(view) if view.project.is_some() => kept::forget(kept.upload),
            Ok(view) => found.push(Found { kept, offset: view.offset }),
            Err(error) if matches!(error.code(), "upload-not-found" | "upload-expired") => kept::forget(kept.upload),
            // The node does not answer: what was begun may well be there.
            Err(_) => {}
        }
    }
    found
}
