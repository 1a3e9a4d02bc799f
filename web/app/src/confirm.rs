//! Asks before a book is deleted, and deletes it.

use domain::id::ProjectId;
use domain::text::Text;
use web_sys::HtmlDialogElement;
use yew::platform::spawn_local;
use yew::prelude::*;

use crate::api;
use crate::connection::use_connection;
use crate::i18n::use_tr;

#[derive(PartialEq, Properties)]
pub struct Props {
    pub id: ProjectId,
    pub title: String,
    pub on_keep: Callback<()>,
    pub on_deleted: Callback<ProjectId>,
}

#[component]
pub fn ConfirmDelete(props: &Props) -> Html {
    let tr = use_tr();
    let connection = use_connection();
    let dialog = use_node_ref();
    let busy = use_state(|| false);
    let refusal = use_state(|| None);

    use_effect_with(dialog.clone(), |dialog| {
        if let Some(dialog) = dialog.cast::<HtmlDialogElement>() {
            // Fails only for a dialog that is open already.
            let _ = dialog.show_modal();
        }
    });
    let on_delete = {
        let (busy, refusal, on_deleted, id) = (busy.clone(), refusal.clone(), props.on_deleted.clone(), props.id);
        Callback::from(move |_: MouseEvent| {
            busy.set(true);
            let (busy, refusal, on_deleted, connection) =
                (busy.clone(), refusal.clone(), on_deleted.clone(), connection.clone());
            spawn_local(async move {
                match api::delete(id).await {
                    Ok(()) => on_deleted.emit(id),
                    // Somebody else has deleted it meanwhile: what was asked for is so.
                    Err(error) if error.is_not_found() => on_deleted.emit(id),
                    Err(error) => {
                        connection.heed(&error);
                        refusal.set(Some(error));
                        busy.set(false);
                    }
                }
            });
        })
    };
    let on_keep = {
        let (dialog, on_keep) = (dialog.clone(), props.on_keep.clone());
        Callback::from(move |event: Event| {
            event.prevent_default();
            // Closing, rather than just taking it away, gives the focus back to where it was.
            if let Some(dialog) = dialog.cast::<HtmlDialogElement>() {
                dialog.close();
            }
            on_keep.emit(());
        })
    };
    html! {
        <dialog ref={dialog} id="confirm-delete" class="dialog" aria-labelledby="confirm-title" oncancel={on_keep.clone()}>
            <h2 id="confirm-title">{ tr.fill(Text::DeleteQuestion, &[("title", &props.title)]) }</h2>
            <p>{ tr.t(Text::DeleteDetail) }</p>
            if let Some(error) = &*refusal {
                <p class="notice notice-bad" role="alert">{ error.message(tr) }</p>
            }
            <div class="dialog-buttons">
                <button type="button" id="confirm-keep" class="button" onclick={on_keep.reform(Event::from)}>
                    { tr.t(Text::Keep) }
                </button>
                <button type="button" id="confirm-yes" class="button button-bad" disabled={*busy} onclick={on_delete}>
                    { tr.t(Text::Delete) }
                </button>
            </div>
        </dialog>
    }
}
