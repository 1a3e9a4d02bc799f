//! What surrounds every page: languages, notices, the word on trust, the mark and the foot.

use domain::language::Language;
use domain::text::Text;
use yew::prelude::*;
use yew_router::prelude::*;

use crate::account::again::PasswordDialog;
use crate::account::{Gate, Menu, WhoProvider};
use crate::browser;
use crate::connection::{Connection, use_connection, use_connection_state};
use crate::i18n::{I18n, use_i18n, use_language_state, use_tr};
use crate::node_info::{NodeInfoProvider, use_node_info};
use crate::routes::{Route, switch};
use crate::toast::ToastProvider;
use crate::upload::{Phase, UploadProvider, use_uploads};

#[component]
pub fn App() -> Html {
    let i18n = use_language_state();
    let connection = use_connection_state();
    html! {
        <ContextProvider<I18n> context={i18n}>
            <ContextProvider<Connection> context={connection.clone()}>
                <NodeInfoProvider connection={connection.clone()}>
                    <WhoProvider {connection}>
                        <BrowserRouter>
                            <ToastProvider><UploadProvider><Frame /></UploadProvider></ToastProvider>
                        </BrowserRouter>
                    </WhoProvider>
                </NodeInfoProvider>
            </ContextProvider<Connection>>
        </ContextProvider<I18n>>
    }
}

#[component]
fn Frame() -> Html {
    let tr = use_tr();
    html! {
        <>
            <a class="skip" href="#main">{ tr.t(Text::SkipToContent) }</a>
            <header class="top">
                <Link<Route> to={Route::Shelf} classes="mark">
                    <svg viewBox="0 0 32 32" aria-hidden="true" focusable="false">
                        <path d="M16 27c-3-2-7-3-12-3V5c5 0 9 1 12 3 3-2 7-3 12-3v19c-5 0-9 1-12 3Z" />
                        <path d="m13 12 7 4-7 4Z" class="mark-play" />
                    </svg>
                    <span>{ tr.t(Text::AppName) }</span>
                </Link<Route>>
                <div class="top-right">
                    <Languages />
                    <Menu />
                </div>
            </header>
            <Trust />
            <Lost />
            <UploadBar />
            <main id="main" tabindex="-1"><Gate><Switch<Route> render={switch} /></Gate></main>
            <Foot />
            <PasswordDialog />
        </>
    }
}

#[component]
fn Languages() -> Html {
    let i18n = use_i18n();
    let choice = |language: Language, short: &'static str, name: &'static str| {
        let chosen = i18n.tr.0 == language;
        let on_click = i18n.choose.reform(move |_: MouseEvent| language);
        html! {
            <button type="button" id={format!("language-{}", language.tag())} lang={language.tag()} title={name}
                aria-label={name} aria-pressed={chosen.to_string()} onclick={on_click}>{ short }</button>
        }
    };
    // Each language is named in itself: who looks for it may not read the other.
    html! {
        <div class="languages" role="group" aria-label={i18n.tr.t(Text::LanguageChoice)}>
            { choice(Language::En, "EN", "English") }
            { choice(Language::Fr, "FR", "Français") }
        </div>
    }
}

/// Says that this node trusts whoever sits at the machine.
#[component]
fn Trust() -> Html {
    let tr = use_tr();
    let trusts = use_node_info().is_some_and(|node| node.local_trust);
    let claims = use_route::<Route>() == Some(Route::Claim);
    html! {
        if trusts {
            <aside id="trust-banner" class="trust" aria-label={tr.t(Text::TrustLabel)}>
                <p>
                    <strong>{ tr.t(Text::TrustTitle) }</strong>{ " " }{ tr.t(Text::TrustDetail) }
                    if !claims {
                        { " " }<Link<Route> to={Route::Claim}>{ tr.t(Text::ClaimTitle) }</Link<Route>>
                    }
                </p>
            </aside>
        }
    }
}

/// Says that the node does not answer.
#[component]
fn Lost() -> Html {
    let tr = use_tr();
    let lost = use_connection().lost;
    html! {
        <div role="status">
            if lost {
                <p id="connection-lost" class="lost-notice">
                    { tr.t(if browser::is_offline() { Text::LostOffline } else { Text::LostNode }) }
                </p>
            }
        </div>
    }
}

/// Says how an upload goes whose own page is not the one that is shown.
#[component]
fn UploadBar() -> Html {
    let tr = use_tr();
    let job = use_uploads().job;
    let here = use_route::<Route>();
    let Some(job) = job.filter(|job| here.as_ref() != Some(&job.target.route())) else { return html! {} };
    let percent = job.sent.saturating_mul(100).checked_div(job.file.size).unwrap_or_default();
    let text = match &job.phase {
        Phase::Stopped { .. } => tr.fill(Text::UploadStopped, &[("name", &job.file.name)]),
        _ => tr.fill(Text::UploadBar, &[("name", &job.file.name), ("percent", &percent.to_string())]),
    };
    html! {
        <div id="upload-bar" class="upload-bar">
            <p>{ text }</p>
            <Link<Route> to={job.target.route()}>{ tr.t(Text::Open) }</Link<Route>>
        </div>
    }
}

#[component]
fn Foot() -> Html {
    let tr = use_tr();
    let version = use_node_info().map(|node| node.version.clone());
    html! {
        <footer class="foot">
            <p>{ tr.t(Text::FootLine) }</p>
            if let Some(version) = version {
                <p>{ tr.fill(Text::Version, &[("version", &version)]) }</p>
            }
        </footer>
    }
}
