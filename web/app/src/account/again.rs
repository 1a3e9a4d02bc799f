//! Asks for the password once more where the node wants it before it does something, whichever request that was. The
//! request waits for the answer.

use std::cell::RefCell;

use domain::text::Text;
use js_sys::{Function, Promise};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use yew::prelude::*;

use super::deed::Deed;
use super::form::AccountForm;
use super::identities::ProviderAgain;
use super::{Who, use_who};
use crate::dialog::Dialog;
use crate::i18n::use_tr;

thread_local! {
    /// The dialog, once the shell has one.
    static ASKER: RefCell<Option<Callback<Function>>> = const { RefCell::new(None) };
}

/// Asks. `false` if the visitor would rather not.
pub async fn ask() -> bool {
    let Some(asker) = ASKER.with_borrow(Option::clone) else { return false };
    let said = Promise::new(&mut |resolve, _| asker.emit(resolve));
    JsFuture::from(said).await.is_ok_and(|said| said.is_truthy())
}

/// The dialog: one for all requests that wait.
#[component]
pub fn PasswordDialog() -> Html {
    let tr = use_tr();
    let open = use_state_eq(|| false);
    let waiting = use_mut_ref(Vec::<Function>::new);
    {
        let (open, waiting) = (open.setter(), waiting.clone());
        use_effect_with((), move |()| {
            let ask = Callback::from(move |resolve: Function| {
                waiting.borrow_mut().push(resolve);
                open.set(true);
            });
            ASKER.set(Some(ask));
            || ASKER.set(None)
        });
    }
    let end = {
        let open = open.clone();
        Callback::from(move |said: bool| {
            open.set(false);
            for resolve in waiting.take() {
                // Calling a promise's own function can't fail.
                let _ = resolve.call1(&JsValue::NULL, &said.into());
            }
        })
    };
    let account = match use_who() {
        Who::SignedIn(account) => Some(account),
        _ => None,
    };
    {
        // What somebody asked for is not done in the name of the next.
        let end = end.clone();
        use_effect_with(account.as_ref().map(|account| account.id), move |_| move || end.emit(false));
    }
    let Some(account) = account.filter(|_| *open) else { return html! {} };
    html! {
        <Dialog id="again" title={tr.t(Text::AgainTitle)} on_close={end.reform(|()| false)}>
            <p>{ tr.t(Text::AgainLead) }</p>
            <AccountForm deed={Deed::Again} owner={account.email.clone()} on_done={end.reform(|_| true)}>
                <button type="button" id="again-cancel" class="button" onclick={end.reform(|_: MouseEvent| false)}>
                    { tr.t(Text::Cancel) }
                </button>
            </AccountForm>
            <ProviderAgain />
        </Dialog>
    }
}
