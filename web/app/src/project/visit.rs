//! Looking at a project by a share link, without an account: where the link leads, and who is let in to the project's
//! page afterwards.

use domain::account::Secret;
use domain::id::ProjectId;
use domain::sharing::ShareLinkUse;
use domain::text::Text;
use yew::platform::spawn_local;
use yew::prelude::*;
use yew_router::prelude::*;

use crate::account::deed::Deed;
use crate::account::entrance::{Entrance, Told, use_fragment};
use crate::account::field::{Blame, Field, Filled, Kind, field};
use crate::account::sheet::{Send, Sheet};
use crate::api::{self, ApiError};
use crate::connection::use_connection;
use crate::i18n::use_tr;
use crate::pages::use_page;
use crate::routes::Route;

/// How what a share link carries begins.
const TOKEN_START: &str = "vp_";
/// The refusal that wants the link's password.
const PASSWORD_NEEDED: &str = "share-password-needed";
const PASSWORD: Field = field("password", Text::FieldPassword, Kind::Password, "off", None);
const BLAME: Blame = &[("share-password-wrong", "password")];

/// How far opening is.
#[derive(Clone, PartialEq)]
enum Opening {
    UnderWay,
    /// The link has a password.
    Asks,
    Refused(ApiError),
}

/// Opens the link of the address.
#[component]
pub fn SharePage() -> Html {
    let token = use_fragment(Some(TOKEN_START));
    match token {
        Some(token) => html! { <Opener key={token.0.clone()} token={token.clone()} /> },
        None => html! { <Told title={Text::ShareTitle} text={Text::ShareMissing} /> },
    }
}

#[derive(PartialEq, Properties)]
struct OpenerProps {
    token: Secret,
}

#[component]
fn Opener(props: &OpenerProps) -> Html {
    let (tr, navigator) = (use_tr(), use_navigator());
    let heading = use_page(tr.t(Text::ShareTitle));
    let opening = use_state_eq(|| Opening::UnderWay);
    let open = {
        let token = props.token.clone();
        move |password: Option<Secret>| {
            let (link, navigator) = (ShareLinkUse { token: token.clone(), password }, navigator.clone());
            async move {
                let opened = api::open_share_link(&link).await?;
                if let Some(navigator) = navigator {
                    navigator.replace(&Route::project(opened.project));
                }
                Ok(())
            }
        }
    };
    {
        let (opening, open) = (opening.setter(), open.clone());
        use_effect_with(props.token.clone(), move |_| {
            spawn_local(async move {
                match open(None).await {
                    Ok(()) => {}
                    Err::<(), ApiError>(error) if error.code() == PASSWORD_NEEDED => opening.set(Opening::Asks),
                    Err(error) => opening.set(Opening::Refused(error)),
                }
            });
        });
    }
    let send = use_memo(props.token.clone(), move |_| {
        Send::new(move |filled: Filled| open(Some(filled.secret(PASSWORD.name))))
    });
    html! {
        <section id="share" class="entrance">
            <h1 tabindex="-1" ref={heading}>{ tr.t(Text::ShareTitle) }</h1>
            { match &*opening {
                Opening::UnderWay => html! { <p class="quiet" role="status">{ tr.t(Text::OneMoment) }</p> },
                Opening::Refused(error) => html! {
                    <p id="share-refused" class="notice notice-bad" role="alert" data-code={error.code().to_owned()}>{ error.message(tr) }</p>
                },
                Opening::Asks => html! {
                    <>
                        <p class="lead-small">{ tr.t(Text::ShareAsks) }</p>
                        <Sheet id="share" fields={vec![PASSWORD]} label={Text::Open} send={(*send).clone()} blame={BLAME} focus=true />
                    </>
                },
            } }
        </section>
    }
}

/// Whether whoever is not signed in has a share link of a project.
#[derive(Clone, Copy, PartialEq)]
enum Visit {
    Unknown,
    /// They have.
    Open,
    /// They have none.
    Closed,
    /// They had, until now.
    Over,
}

#[derive(PartialEq, Properties)]
pub struct GateProps {
    pub id: ProjectId,
    /// Somebody was signed in until now.
    pub cut_off: bool,
    pub children: Html,
}

/// Shows a project to whoever has a share link of it, and to others the way in.
#[component]
pub fn VisitGate(props: &GateProps) -> Html {
    let (id, connection) = (props.id, use_connection());
    let visit = use_state_eq(|| Visit::Unknown);
    {
        let (visit, connection) = (visit.clone(), connection.clone());
        use_effect_with((id, connection.epoch), move |_| {
            spawn_local(async move {
                match api::project(id).await {
                    Ok(_) => visit.set(Visit::Open),
                    Err(ApiError::Unreachable) => connection.report_lost.emit(()),
                    // A node in trouble takes nothing away.
                    Err(error) if !error.is_unsigned() && !error.is_not_found() && *visit != Visit::Unknown => {}
                    Err(_) if matches!(*visit, Visit::Open | Visit::Over) => visit.set(Visit::Over),
                    Err(_) => visit.set(Visit::Closed),
                }
            });
        });
    }
    match *visit {
        Visit::Unknown => html! {},
        Visit::Open => props.children.clone(),
        Visit::Closed => html! { <Entrance deed={Deed::SignIn} cut_off={props.cut_off} /> },
        Visit::Over => html! {
            <Told title={Text::ShareTitle} text={Text::ErrorShareOver} ways={vec![(Route::Shelf, Text::SignInTitle)]} />
        },
    }
}
