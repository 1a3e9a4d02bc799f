//! The changes of a storyboard as a whole: how many, back and forth.

use domain::edit::EditState;
use domain::text::Text;
use yew::prelude::*;

use super::desk::Order;
use crate::i18n::use_tr;
use crate::project::use_rights;

#[derive(PartialEq, Properties)]
pub struct Props {
    pub state: EditState,
    pub busy: bool,
    pub told: Option<Text>,
    pub act: Callback<Order>,
}

#[component]
pub fn Bar(props: &Props) -> Html {
    let tr = use_tr();
    let state = &props.state;
    if !use_rights().can_edit() {
        return html! {};
    }
    // Never disabled: that would take the keyboard's focus away after the last step.
    let button = |id: &'static str, label: Text, keys: &'static str, order: Order, can: bool| {
        let act = props.act.clone();
        let on_click = Callback::from(move |_: MouseEvent| {
            if can {
                act.emit(order.clone());
            }
        });
        html! {
            <button type="button" {id} class="button" aria-disabled={(!can).to_string()} aria-keyshortcuts={keys} onclick={on_click}>
                { tr.t(label) }
            </button>
        }
    };
    let count = match state.version {
        0 => tr.t(Text::ChangeNone).to_owned(),
        version => tr.fill(Text::ChangeVersion, &[("n", &tr.number(version))]),
    };
    let told = if props.busy { Some(Text::ChangeSaving) } else { props.told };
    html! {
        <div id="edit-bar" class="edit-bar" data-version={state.version.to_string()} data-busy={props.busy.to_string()}>
            { button("edit-undo", Text::Undo, "Control+Z", Order::Undo, state.can_undo) }
            { button("edit-redo", Text::Redo, "Control+Shift+Z", Order::Redo, state.can_redo) }
            <p class="meta facts"><span>{ count }</span><span role="status">{ told.map(|told| tr.t(told)) }</span></p>
        </div>
    }
}
