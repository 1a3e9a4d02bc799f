//! The form of a deed, which asks for a code of the second factor where the node wants one.

use domain::account::Secret;
use yew::prelude::*;

use super::deed::Deed;
use super::field::Filled;
use super::sheet::{Send, Sheet};
use crate::api::CODE_NEEDED;

#[derive(PartialEq, Properties)]
pub struct Props {
    pub deed: Deed,
    /// What fields hold at first.
    #[prop_or_default]
    pub initial: Vec<(&'static str, String)>,
    /// What the mailed link carried.
    #[prop_or_default]
    pub token: Option<Secret>,
    /// Whose password it is, for whatever keeps the visitor's passwords.
    #[prop_or_default]
    pub owner: Option<String>,
    pub on_done: Callback<Filled>,
    /// Stands before the button.
    #[prop_or_default]
    pub children: Html,
}

#[component]
pub fn AccountForm(props: &Props) -> Html {
    let deed = props.deed;
    // Once the node has said so: from then on there is a field for it.
    let wants_code = use_state_eq(|| false);
    let send = {
        let wants_code = wants_code.setter();
        use_memo(deed, move |deed| {
            let deed = *deed;
            Send::new(move |filled: Filled| {
                let wants_code = wants_code.clone();
                async move {
                    let done = deed.send(&filled).await;
                    if done.as_ref().is_err_and(|error| error.code() == CODE_NEEDED) {
                        wants_code.set(true);
                    }
                    done
                }
            })
        })
    };
    html! {
        <Sheet id={deed.id()} fields={deed.fields_with(*wants_code)} label={deed.label()} send={(*send).clone()} blame={deed.blame()}
            initial={props.initial.clone()} token={props.token.clone()} owner={props.owner.clone()} focus={deed == Deed::Again}
            on_done={props.on_done.clone()}>
            { props.children.clone() }
        </Sheet>
    }
}
