//! Has a letter mailed once more.

use domain::text::Text;
use yew::platform::spawn_local;
use yew::prelude::*;

use super::deed::Deed;
use super::field::Filled;
use crate::api::{self, ApiError};
use crate::connection::use_connection;
use crate::i18n::use_tr;

#[derive(PartialEq, Properties)]
pub struct Props {
    /// What had it mailed, and as what; the link that confirms the own address where nothing is said.
    #[prop_or_default]
    pub deed: Option<Deed>,
    #[prop_or_default]
    pub filled: Option<Filled>,
}

#[derive(Clone, Default, PartialEq)]
enum Asked {
    #[default]
    Not,
    UnderWay,
    Done,
    Refused(ApiError),
}

#[component]
pub fn Resend(props: &Props) -> Html {
    let (tr, connection) = (use_tr(), use_connection());
    let asked = use_state_eq(Asked::default);
    let on_click = {
        let (asked, ask) = (asked.clone(), props.deed.zip(props.filled.clone()));
        Callback::from(move |_: MouseEvent| {
            if *asked == Asked::UnderWay {
                return;
            }
            asked.set(Asked::UnderWay);
            let (asked, ask, connection) = (asked.clone(), ask.clone(), connection.clone());
            spawn_local(async move {
                let done = match ask {
                    Some((deed, filled)) => deed.send(&filled).await,
                    None => api::confirm_again().await,
                };
                asked.set(match done {
                    Ok(()) => Asked::Done,
                    Err(error) => {
                        connection.heed(&error);
                        Asked::Refused(error)
                    }
                });
            });
        })
    };
    html! {
        <div class="resend">
            <p class="meta">{ tr.t(Text::MailNothing) }</p>
            <button type="button" id="mail-again" class="button" aria-disabled={(*asked == Asked::UnderWay).to_string()}
                onclick={on_click}>{ tr.t(Text::MailAgain) }</button>
            <div role="status">
                { match &*asked {
                    Asked::Not | Asked::UnderWay => html! {},
                    Asked::Done => html! { <p id="mailed-again">{ tr.t(Text::MailedAgain) }</p> },
                    Asked::Refused(error) => html! { <p class="fault">{ error.message(tr) }</p> },
                } }
            </div>
        </div>
    }
}
