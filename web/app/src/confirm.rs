//! Asks before a book is erased for good.

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
