//! Asks before something is done that can't be undone.

use domain::text::Text;
use yew::prelude::*;

use crate::dialog::Dialog;
use crate::i18n::{Tr, use_tr};

#[derive(PartialEq, Properties)]
pub struct Props {
    pub title: String,
    pub on_keep: Callback<()>,
    pub on_erase: Callback<()>,
}

#[component]
pub fn ConfirmErase(props: &Props) -> Html {
    let tr = use_tr();
    let title = tr.fill(Text::EraseQuestion, &[("title", &props.title)]);
    let detail = tr.t(Text::DeleteDetail);
    let (keep, erase) = (("confirm-keep", Text::Keep, &props.on_keep), ("confirm-yes", Text::Erase, &props.on_erase));
    question(tr, "confirm-delete", title, detail, keep, erase)
}

/// What is on a button, its id first, and what it does.
type Button<'a> = (&'static str, Text, &'a Callback<()>);

fn question(tr: Tr, id: &'static str, title: String, detail: &str, keep: Button<'_>, deed: Button<'_>) -> Html {
    let button = |(id, label, on): Button<'_>, kind: Option<&'static str>| {
        html! { <button type="button" {id} class={classes!("button", kind)} onclick={on.reform(|_: MouseEvent| ())}>{ tr.t(label) }</button> }
    };
    html! {
        <Dialog {id} {title} on_close={keep.2.clone()}>
            <p>{ detail }</p>
            <div class="dialog-buttons">
                { button(keep, None) }
                { button(deed, Some("button-bad")) }
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
    let (keep, deed) = (("confirm-no", Text::Cancel, &props.on_keep), ("confirm-do", props.label, &props.on_do));
    question(use_tr(), "confirm", props.title.clone(), &props.detail, keep, deed)
}
