//! A question or a form above the page: the browser's own modal dialog, which keeps the keyboard inside, closes on
//! Escape where it may, and gives the focus back to where it was.

use domain::text::Text;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlDialogElement};
use yew::prelude::*;

use crate::browser;
use crate::i18n::Tr;

#[derive(PartialEq, Properties)]
pub struct Props {
    pub id: &'static str,
    pub title: String,
    /// Escape was pressed. Whoever shows the dialog takes it away. Without this it stays: what it shows is not shown
    /// again.
    #[prop_or_default]
    pub on_close: Option<Callback<()>>,
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
    use_effect_with(props.id, |id| {
        // Another dialog took the place of one that is open, and what had the focus is gone.
        if browser::focus_is_lost() {
            browser::focus_title(&format!("#{id}-title"));
        }
    });
    let on_cancel = {
        let on_close = props.on_close.clone();
        Callback::from(move |event: Event| {
            event.prevent_default();
            if let Some(on_close) = &on_close {
                on_close.emit(());
            }
        })
    };
    // Browsers close it all the same when Escape is pressed a second time.
    let on_closed = {
        let (dialog, on_close) = (dialog.clone(), props.on_close.clone());
        Callback::from(move |_: Event| match (&on_close, dialog.cast::<HtmlDialogElement>()) {
            (Some(on_close), _) => on_close.emit(()),
            (None, Some(dialog)) => {
                let _ = dialog.show_modal();
            }
            (None, None) => {}
        })
    };
    let title_id = format!("{}-title", props.id);
    html! {
        <dialog ref={dialog} id={props.id} class="dialog" aria-labelledby={title_id.clone()} oncancel={on_cancel} onclose={on_closed}>
            <h2 id={title_id}>{ &props.title }</h2>
            { props.children.clone() }
        </dialog>
    }
}

/// The button that closes a dialog and does nothing.
pub fn cancel(tr: Tr, on_close: &Callback<()>) -> Html {
    html! { <button type="button" class="button" onclick={on_close.reform(|_: MouseEvent| ())}>{ tr.t(Text::Cancel) }</button> }
}
