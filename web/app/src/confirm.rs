//! Asks before something is done that can't be undone.

use domain::text::Text;
use yew::prelude::*;

use crate::dialog::Dialog;
use crate::i18n::use_tr;

#[derive(PartialEq, Properties)]
pub struct Props {
    pub title: String,
    pub on_keep: Callback<()>,
    pub on_erase: Callback<()>,
}

#[component]
pub fn ConfirmErase(props: &Props) -> Html {
    let tr = use_tr();
    html! {
        <Dialog id="confirm-delete" title={tr.fill(Text::EraseQuestion, &[("title", &props.title)])} on_close={props.on_keep.clone()}>
            <p>{ tr.t(Text::DeleteDetail) }</p>
            <div class="dialog-buttons">
                <button type="button" id="confirm-keep" class="button" onclick={props.on_keep.reform(|_: MouseEvent| ())}>
                    { tr.t(Text::Keep) }
                </button>
                <button type="button" id="confirm-yes" class="button button-bad" onclick={props.on_erase.reform(|_: MouseEvent| ())}>
                    { tr.t(Text::Erase) }
                </button>
            </div>
        </Dialog>
    }
}

#[derive(PartialEq, Properties)]
pub struct ConfirmProps {
    pub title: String,
    /// What will happen.
    pub detail: String,
    /// What the button says that does it.
    pub label: Text,
    pub on_keep: Callback<()>,
    pub on_do: Callback<()>,
}

#[component]
pub fn Confirm(props: &ConfirmProps) -> Html {
    let tr = use_tr();
    html! {
        <Dialog id="confirm" title={props.title.clone()} on_close={props.on_keep.clone()}>
            <p>{ &props.detail }</p>
            <div class="dialog-buttons">
                <button type="button" id="confirm-no" class="button" onclick={props.on_keep.reform(|_: MouseEvent| ())}>
                    { tr.t(Text::Cancel) }
                </button>
                <button type="button" id="confirm-do" class="button button-bad" onclick={props.on_do.reform(|_: MouseEvent| ())}>
                    { tr.t(props.label) }
                </button>
            </div>
        </Dialog>
    }
}
