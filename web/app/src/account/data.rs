//! What one has here: an archive of all of it to take along, and deleting the account.

use std::rc::Rc;

use domain::account::{Account, SystemRole};
use domain::belongings::{DataExport, DeletionRequest, ExportStands};
use domain::text::Text;
use gloo_timers::callback::Interval;
use yew::platform::spawn_local;
use yew::prelude::*;
use yew_router::prelude::*;

use super::field::{Blame, Field, Filled, Kind, ONE_TIME, field};
use super::sheet::{Send, Sheet};
use crate::api::{self, ApiError, CODE_NEEDED, CODE_WRONG};
use crate::asked::{use_asked, use_errands};
use crate::browser;
use crate::connection::use_connection;
use crate::dialog::{Dialog, cancel};
use crate::i18n::{Tr, use_tr};
use crate::routes::Route;

/// How often it is asked how far the archive is.
const REFRESH_MS: u32 = 1_500;
const EMAIL: Field = field("email", Text::FieldEmail, Kind::Repeat, "off", Some(Text::DeletionEmailHint));
const PASSWORD: Field = field("password", Text::FieldPassword, Kind::Password, "current-password", None);
const BLAME: Blame = &[("address-differs", "email"), ("password-wrong", "password"), (CODE_WRONG, "one-time")];

#[derive(PartialEq, Properties)]
pub struct Props {
    pub account: Rc<Account>,
}

#[component]
pub fn Data(props: &Props) -> Html {
    html! {
        <div class="settings">
            <Export />
            <Deletion account={props.account.clone()} />
        </div>
    }
}

/// What is known of the archive.
type Known = Option<Result<Option<DataExport>, ApiError>>;

/// How far the archive is: asked again and again while it is being written.
#[hook]
fn use_export() -> (Known, Callback<()>) {
    let connection = use_connection();
    let known = use_state_eq(|| Known::None);
    let ask = {
        let known = known.setter();
        let epoch = connection.epoch;
        use_callback(epoch, move |(), _| {
            let (known, connection) = (known.clone(), connection.clone());
            spawn_local(async move {
                let answer = api::export().await;
                if let Err(error) = &answer
                    && (*error == ApiError::Unreachable || error.is_unsigned())
                {
                    connection.heed(error);
                }
                known.set(Some(answer));
            });
        })
    };
    use_effect_with(ask.clone(), |ask| ask.emit(()));
    let runs = matches!(&*known, Some(Ok(Some(export))) if export.state == ExportStands::Running);
    {
        let ask = ask.clone();
        use_effect_with((runs, ask), |(runs, ask)| {
            let ask = ask.clone();
            let interval = runs.then(|| Interval::new(REFRESH_MS, move || ask.emit(())));
            move || drop(interval)
        });
    }
    ((*known).clone(), ask)
}

#[component]
fn Export() -> Html {
    let (tr, errands) = (use_tr(), use_errands());
    let (known, ask) = use_export();
    let begin = {
        let (errands, ask) = (errands.clone(), ask.clone());
        Callback::from(move |_: MouseEvent| {
            let (errands, ask) = (errands.clone(), ask.clone());
            spawn_local(async move {
                match api::begin_export().await {
                    Ok(_) => ask.emit(()),
                    Err(error) => errands.complain(&error),
                }
            });
        })
    };
    let fetch = Callback::from(move |_: MouseEvent| {
        let errands = errands.clone();
        spawn_local(async move {
            match api::link_export().await {
                // It comes as a file: the page stays.
                Ok(link) => browser::leave(&link.path),
                Err(error) => errands.complain(&error),
            }
        });
    });
    let make = |label: Text| {
        html! { <p><button type="button" id="export-begin" class="button" onclick={begin.clone()}>{ tr.t(label) }</button></p> }
    };
    html! {
        <section id="export" class="card" aria-labelledby="export-title">
            <h2 id="export-title">{ tr.t(Text::ExportTitle) }</h2>
            <p>{ tr.t(Text::ExportLead) }</p>
            { match &known {
                None => html! { <p class="quiet" role="status">{ tr.t(Text::Loading) }</p> },
                Some(Err(error)) => html! { <p class="notice notice-bad" role="alert">{ error.message(tr) }</p> },
                Some(Ok(None)) => make(Text::ExportBegin),
                Some(Ok(Some(export))) => html! { <>{ stands(tr, export, &fetch) }if export.state != ExportStands::Running { { make(Text::ExportAgain) } }</> },
            } }
        </section>
    }
}

/// How the archive stands.
fn stands(tr: Tr, export: &DataExport, fetch: &Callback<MouseEvent>) -> Html {
    let counted = export.projects_total > 0;
    let asked = tr.fill(Text::ExportAsked, &[("time", &tr.moment(export.asked_ms))]);
    match export.state {
        ExportStands::Running => {
            let (done, total) = (tr.number(export.projects), tr.number(export.projects_total));
            let said = match counted {
                true => tr.fill(Text::ExportProgress, &[("done", &done), ("total", &total)]),
                false => tr.t(Text::OneMoment).to_owned(),
            };
            html! {
                <div id="export-running" class="form">
                    <progress class="bar" max={export.projects_total.max(1).to_string()} value={counted.then(|| export.projects.to_string())}
                        aria-labelledby="export-title"></progress>
                    <p class="meta" role="status">{ said }</p>
                </div>
            }
        }
        ExportStands::Ready => {
            let kept = export.kept_until_ms.map(|at_ms| tr.fill(Text::ExportKept, &[("time", &tr.moment(at_ms))]));
            let facts = [Some(asked), Some(tr.bytes(export.bytes)), kept].into_iter().flatten().collect::<Vec<_>>();
            html! {
                <div id="export-ready" class="form" role="status">
                    <p class="meta">{ facts.join(" · ") }</p>
                    <p><button type="button" id="export-fetch" class="button button-main" onclick={fetch}>{ tr.t(Text::ExportFetch) }</button></p>
                </div>
            }
        }
        ExportStands::Failed => {
            let trouble = export.trouble.as_ref();
            html! {
                <p id="export-failed" class="notice notice-bad" role="alert">
                    { tr.t(Text::ExportFailed) }
                    if let Some(trouble) = trouble { { " " }{ &trouble.detail }{ " " }<code>{ &trouble.code }</code> }
                </p>
            }
        }
    }
}

#[component]
fn Deletion(props: &Props) -> Html {
    let (tr, open) = (use_tr(), use_state_eq(|| false));
    let to = |to: bool| {
        let open = open.clone();
        Callback::from(move |()| open.set(to))
    };
    html! {
        <section id="deletion" class="card" aria-labelledby="deletion-title">
            <h2 id="deletion-title">{ tr.t(Text::DeletionTitle) }</h2>
            <p>{ tr.t(Text::DeletionLead) }</p>
            if props.account.role == SystemRole::Admin {
                // The node refuses, whatever is filled in.
                <p id="deletion-hand-over" class="notice">{ tr.t(Text::ErrorHandOver) }</p>
                <p><Link<Route> to={Route::Accounts}>{ tr.t(Text::AdminTitle) }</Link<Route>></p>
            } else {
                <p>
                    <button type="button" id="deletion-open" class="button button-bad" onclick={to(true).reform(|_: MouseEvent| ())}>
                        { tr.t(Text::DeletionTitle) }
                    </button>
                </p>
            }
            if *open {
                <Deleting account={props.account.clone()} on_close={to(false)} />
            }
        </section>
    }
}

#[derive(PartialEq, Properties)]
struct DeletingProps {
    account: Rc<Account>,
    on_close: Callback<()>,
}

/// Says what will happen, and wants the address typed.
#[component]
fn Deleting(props: &DeletingProps) -> Html {
    let (tr, errands, navigator) = (use_tr(), use_errands(), use_navigator());
    let identities = use_asked((), |()| api::identities());
    let has_password = identities.here().is_none_or(|list| list.has_password);
    // Once the node has said so.
    let wants_code = use_state_eq(|| false);
    let more = [has_password.then_some(PASSWORD), wants_code.then_some(ONE_TIME)];
    let fields: Vec<Field> = [EMAIL].into_iter().chain(more.into_iter().flatten()).collect();
    let own = props.account.email.clone();
    let check = Callback::from(move |filled: Filled| {
        let same = filled.text(EMAIL.name).trim().eq_ignore_ascii_case(&own);
        if same { Vec::new() } else { vec![(EMAIL.name, Text::ErrorAddressDiffers)] }
    });
    let send = Send::new(move |filled: Filled| {
        let (errands, navigator, wants_code) = (errands.clone(), navigator.clone(), wants_code.clone());
        async move {
            let email = filled.text(EMAIL.name).trim().to_owned();
            let (password, code) = (filled.secret_if_any(PASSWORD.name), filled.one_time());
            let planned = match api::delete_account(&DeletionRequest { email, password, code }).await {
                Ok(planned) => planned,
                Err(error) => {
                    wants_code.set(*wants_code || error.code() == CODE_NEEDED);
                    return Err(error);
                }
            };
            if let Some(navigator) = navigator {
                navigator.push(&Route::Shelf);
            }
            errands.say(tr.fill(Text::DeletionDone, &[("time", &tr.moment(planned.erase_at_ms))]));
            Ok(())
        }
    });
    html! {
        <Dialog id="delete-account" title={tr.t(Text::DeletionQuestion)} on_close={props.on_close.clone()}>
            <ul class="points">
                <li>{ tr.t(Text::DeletionNow) }</li>
                <li>{ tr.t(Text::DeletionGrace) }</li>
                <li>{ tr.t(Text::DeletionThen) }</li>
            </ul>
            <Sheet id="deletion" {fields} label={Text::DeletionTitle} bad=true {send} {check} blame={BLAME} owner={props.account.email.clone()} focus=true>
                { cancel(tr, &props.on_close) }
            </Sheet>
        </Dialog>
    }
}
