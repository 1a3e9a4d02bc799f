//! A question or a form above the page: the browser's own modal dialog, which keeps the keyboard inside, closes on
//! Escape, and gives the focus back to where it was.

use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlDialogElement};
use yew::prelude::*;

use crate::browser;

#[derive(PartialEq, Properties)]
pub struct Props {
    pub id: &'static str,
    pub title: String,
    /// Escape was pressed. Whoever shows the dialog takes it away.
    pub on_close: Callback<()>,
    pub children: Html,
}

#[component]
pub fn Dialog(props: &Props) -> Html {
    let dialog = use_node_ref();
    use_effect_with(dialog.clone(), |dialog| {
        let dialog = dialog.cast::<HtmlDialogElement>();
        let opener = browser::document().active_element();
        if let Some(dialog) = &dialog {
            // Fails only for a dialog that is open already.
            let _ = dialog.show_modal();
        }
        move || {
            if let Some(dialog) = dialog {
                dialog.close();
            }
            if let Some(opener) = opener.filter(|opener: &Element| opener.is_connected()) {
                browser::focus(opener.unchecked_ref());
            }
        }
    });
    let on_cancel = props.on_close.reform(|event: Event| event.prevent_default());
    let title_id = format!("{}-title", props.id);
    html! {
        <dialog ref={dialog} id={props.id} class="dialog" aria-labelledby={title_id.clone()} oncancel={on_cancel}>
            <h2 id={title_id}>{ &props.title }</h2>
            { props.children.clone() }
        </dialog>
    }
}
