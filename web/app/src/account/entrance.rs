//! The forms to sign up and in, to confirm an address, and to set another password: one component, told which.

use domain::account::{Claim, LinkUse, MailAddress, PasswordReset, Secret, SignIn, SignUp};
use domain::language::Language;
use domain::text::Text;
use wasm_bindgen::JsCast;
use web_sys::{FormData, HtmlFormElement};
use yew::platform::spawn_local;
use yew::prelude::*;
use yew_router::prelude::*;

use crate::api::{self, ApiError};
use crate::browser;
use crate::connection::use_connection;
use crate::i18n::use_tr;
use crate::pages::use_page;
use crate::routes::Route;

/// What a form is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    Claim,
    SignIn,
    SignUp,
    Confirm,
    Forgot,
    Reset,
}

/// A field: its name, its label, its type, and what browsers fill in.
type Field = (&'static str, Text, &'static str, &'static str);

const EMAIL: Field = ("email", Text::FieldEmail, "email", "username");
const NAME: Field = ("name", Text::FieldName, "text", "name");
const CODE: Field = ("code", Text::FieldCode, "text", "off");
const PASSWORD: Field = ("password", Text::FieldPassword, "password", "current-password");
const NEW_PASSWORD: Field = ("password", Text::FieldNewPassword, "password", "new-password");

impl Deed {
    fn fields(self) -> &'static [Field] {
        match self {
            Self::Claim => &[CODE, EMAIL, NAME, NEW_PASSWORD],
            Self::SignIn => &[EMAIL, PASSWORD],
            Self::SignUp => &[EMAIL, NAME, NEW_PASSWORD],
            Self::Confirm => &[PASSWORD],
            Self::Forgot => &[EMAIL],
            Self::Reset => &[NEW_PASSWORD],
        }
    }

    fn title(self) -> Text {
        match self {
            Self::Claim => Text::ClaimTitle,
            Self::SignIn => Text::SignInTitle,
            Self::SignUp => Text::SignUpTitle,
            Self::Confirm => Text::ConfirmTitle,
            Self::Forgot => Text::ForgotTitle,
            Self::Reset => Text::ResetTitle,
        }
    }

    fn lead(self) -> Text {
        match self {
            Self::Claim => Text::ClaimLead,
            Self::SignIn => Text::SignInLead,
            Self::SignUp => Text::SignUpLead,
            Self::Confirm => Text::ConfirmLead,
            Self::Forgot => Text::ForgotLead,
            Self::Reset => Text::ResetLead,
        }
    }

    /// What is said when it is done and nobody is signed in by it.
    fn done(self) -> Option<Text> {
        match self {
            Self::Claim | Self::SignIn | Self::Confirm => None,
            Self::SignUp => Some(Text::SignUpDone),
            Self::Forgot => Some(Text::ForgotDone),
            Self::Reset => Some(Text::ResetDone),
        }
    }
}

/// What was filled in.
struct Filled(FormData, Language);

impl Filled {
    fn text(&self, name: &str) -> String {
        self.0.get(name).as_string().unwrap_or_default()
    }

    fn secret(&self, name: &str) -> Secret {
        Secret(self.text(name))
    }

    async fn send(&self, deed: Deed) -> Result<(), ApiError> {
        let (email, name, password) = (self.text("email"), self.text("name"), self.secret("password"));
        let (language, token) = (Some(self.1), Secret(browser::fragment()));
        match deed {
            Deed::Claim => {
                let claim = Claim { code: self.secret("code"), email, password, name, language };
                api::claim(&claim).await.map(drop)
            }
            Deed::SignIn => api::sign_in(&SignIn { email, password }).await.map(drop),
            Deed::SignUp => api::sign_up(&SignUp { email, password, name, language }).await,
            Deed::Confirm => api::confirm(&LinkUse { token, password }).await.map(drop),
            Deed::Forgot => api::forgot(&MailAddress { email }).await,
            Deed::Reset => api::reset(&PasswordReset { token, password }).await,
        }
    }
}

#[derive(PartialEq, Properties)]
pub struct Props {
    pub deed: Deed,
}

/// A form.
#[component]
pub fn Entrance(props: &Props) -> Html {
    let (deed, tr, connection) = (props.deed, use_tr(), use_connection());
    let heading = use_page(tr.t(deed.title()));
    let navigator = use_navigator();
    let (refused, busy, done) = (use_state_eq(|| None), use_state_eq(|| false), use_state_eq(|| false));
    let on_submit = {
        let (refused, busy, done) = (refused.clone(), busy.clone(), done.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let form = event.target().and_then(|target| target.dyn_into::<HtmlFormElement>().ok());
            let Some(data) = form.and_then(|form| FormData::new_with_form(&form).ok()) else { return };
            let (refused, busy, done) = (refused.clone(), busy.clone(), done.clone());
            let (connection, navigator) = (connection.clone(), navigator.clone());
            busy.set(true);
            spawn_local(async move {
                let sent = Filled(data, tr.0).send(deed).await;
                busy.set(false);
                match sent {
                    Ok(()) if deed.done().is_some() => done.set(true),
                    Ok(()) => {
                        if let Some(navigator) = navigator {
                            navigator.push(&Route::Shelf);
                        }
                        connection.renew.emit(());
                    }
                    Err(error) => refused.set(Some(error.message(tr))),
                }
            });
        })
    };
    let field = |(name, label, kind, fill): &Field| {
        let id = format!("entrance-{name}");
        html! {
            <p class="field">
                <label for={id.clone()}>{ tr.t(*label) }</label>
                <input {id} name={*name} type={*kind} autocomplete={*fill} required=true />
            </p>
        }
    };
    let link = |route: Route, text: Text| html! { <li><Link<Route> to={route}>{ tr.t(text) }</Link<Route>></li> };
    let form = html! {
        <form id="entrance" onsubmit={on_submit}>
            { for deed.fields().iter().map(field) }
            if let Some(why) = (*refused).clone() {
                <p id="entrance-refused" role="alert" class="problem">{ why }</p>
            }
            <p><button type="submit" class="primary" disabled={*busy}>{ tr.t(deed.title()) }</button></p>
        </form>
    };
    html! {
        <section class="entrance">
            <h1 tabindex="-1" ref={heading}>{ tr.t(deed.title()) }</h1>
            if let (true, Some(text)) = (*done, deed.done()) {
                <p id="entrance-done" role="status">{ tr.t(text) }</p>
                <ul>{ link(Route::Shelf, Text::SignInTitle) }</ul>
            } else {
                <p>{ tr.t(deed.lead()) }</p>
                { form }
                if deed == Deed::SignIn {
                    <ul>{ link(Route::SignUp, Text::SignUpTitle) }{ link(Route::Forgot, Text::ForgotTitle) }</ul>
                }
            }
        </section>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_asks_for_what_it_sends() {
        for deed in [Deed::Claim, Deed::SignIn, Deed::SignUp, Deed::Confirm, Deed::Forgot, Deed::Reset] {
            let names: Vec<&str> = deed.fields().iter().map(|(name, ..)| *name).collect();
            let mut once = names.clone();
            once.dedup();
            assert_eq!(names, once);
            assert_eq!(names.contains(&"password"), deed != Deed::Forgot);
        }
    }
}
