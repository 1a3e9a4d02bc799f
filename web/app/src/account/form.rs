//! A form of an account. What is wrong is said at the field that it is about, which gets the focus; what was typed
//! stays; passwords can be pasted, filled in by the browser, and looked at.

use std::cell::Cell;
use std::rc::Rc;

use domain::account::Secret;
use domain::language::Language;
use domain::text::Text;
use wasm_bindgen::JsCast;
use web_sys::{FormData, HtmlFormElement, HtmlInputElement, HtmlSelectElement};
use yew::platform::spawn_local;
use yew::prelude::*;

use super::deed::{Deed, Field, Filled, Kind};
use crate::api::ApiError;
use crate::browser;
use crate::connection::use_connection;
use crate::i18n::{Tr, use_tr};

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

/// How the last attempt went.
#[derive(Clone, Default, PartialEq)]
struct Attempt {
    busy: bool,
    faults: Vec<(&'static str, Text)>,
    refusal: Option<ApiError>,
    /// How many there were: each that fails moves the focus.
    number: u32,
}

impl Attempt {
    /// What is wrong with a field.
    fn fault(&self, deed: Deed, name: &str, tr: Tr) -> Option<String> {
        let own = self.faults.iter().find(|(field, _)| *field == name).map(|(_, text)| tr.t(*text).to_owned());
        let refused = self.refusal.as_ref().filter(|error| deed.field_of(error.code()) == Some(name));
        own.or_else(|| refused.map(|error| error.message(tr)))
    }

    /// What is wrong with none in particular.
    fn problem(&self, deed: Deed, tr: Tr) -> Option<String> {
        let refused = self.refusal.as_ref().filter(|error| deed.field_of(error.code()).is_none());
        refused.map(|error| error.message(tr))
    }
}

#[component]
pub fn AccountForm(props: &Props) -> Html {
    let (tr, deed) = (use_tr(), props.deed);
    let (attempt, on_submit) = use_attempts(props);
    let form = use_node_ref();
    use_effect_with((form.clone(), props.initial.clone()), |(form, initial)| {
        if let Some(form) = form.cast::<HtmlFormElement>() {
            for (name, value) in initial {
                fill_in(&form, name, value);
            }
        }
    });
    let wrong = attempt.faults.len() + usize::from(attempt.refusal.is_some());
    use_effect_with((attempt.number, wrong > 0), move |(_, wrong)| {
        if *wrong {
            browser::focus_first(&format!("#{}-form [aria-invalid='true']", deed.id()));
        }
    });
    let label = if attempt.busy { Text::OneMoment } else { deed.label() };
    html! {
        <form id={format!("{}-form", deed.id())} class="form account-form" method="post" novalidate=true ref={form}
            aria-busy={attempt.busy.to_string()} onsubmit={on_submit}>
            <div role="alert">
                if let Some(problem) = attempt.problem(deed, tr) {
                    <p id={format!("{}-problem", deed.id())} class="notice notice-bad">{ problem }</p>
                }
            </div>
            if let Some(owner) = props.owner.clone() {
                <input type="email" name="username" autocomplete="username" value={owner} readonly=true tabindex="-1"
                    class="visually-hidden" aria-hidden="true" aria-label={tr.t(Text::FieldEmail)} />
            }
            { for deed.fields().iter().map(|field| html! {
                <Row key={field.name} {deed} field={*field} fault={attempt.fault(deed, field.name, tr)} busy={attempt.busy} />
            }) }
            <div class="form-buttons">
                { props.children.clone() }
                <button type="submit" id={format!("{}-submit", deed.id())} class="button button-main"
                    aria-disabled={attempt.busy.to_string()}>{ tr.t(label) }</button>
            </div>
        </form>
    }
}

/// What was filled in, sent: one attempt at a time.
#[hook]
fn use_attempts(props: &Props) -> (Attempt, Callback<SubmitEvent>) {
    let (tr, connection, deed) = (use_tr(), use_connection(), props.deed);
    let attempt = use_state_eq(Attempt::default);
    let under_way = use_memo((), |()| Cell::new(false));
    let on_submit = {
        let (attempt, token, on_done) = (attempt.clone(), props.token.clone(), props.on_done.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let form = event.target().and_then(|target| target.dyn_into::<HtmlFormElement>().ok());
            let Some(filled) = form.and_then(|form| read(&form, deed, tr.0, token.clone())) else { return };
            if under_way.get() {
                return;
            }
            let (faults, number) = (filled.faults(deed), attempt.number + 1);
            if !faults.is_empty() {
                return attempt.set(Attempt { faults, number, ..Attempt::default() });
            }
            under_way.set(true);
            attempt.set(Attempt { busy: true, number, ..Attempt::default() });
            let (attempt, under_way, on_done) = (attempt.clone(), Rc::clone(&under_way), on_done.clone());
            let connection = connection.clone();
            spawn_local(async move {
                let refusal = filled.send(deed).await.err();
                under_way.set(false);
                if let Some(error) = &refusal {
                    connection.heed(error);
                }
                let done = refusal.is_none();
                attempt.set(Attempt { refusal, number: number + 1, ..Attempt::default() });
                if done {
                    on_done.emit(filled);
                }
            });
        })
    };
    ((*attempt).clone(), on_submit)
}

fn read(form: &HtmlFormElement, deed: Deed, language: Language, token: Option<Secret>) -> Option<Filled> {
    let data = FormData::new_with_form(form).ok()?;
    let value = |field: &Field| (field.name, data.get(field.name).as_string().unwrap_or_default());
    Some(Filled::new(deed.fields().iter().map(value).collect(), language, token))
}

/// Puts a value into a field. Not by a property of the element: that would put it back at every rendering.
fn fill_in(form: &HtmlFormElement, name: &str, value: &str) {
    let Ok(Some(field)) = form.query_selector(&format!("[name='{name}']")) else { return };
    if let Some(input) = field.dyn_ref::<HtmlInputElement>() {
        input.set_value(value);
    } else if let Some(select) = field.dyn_ref::<HtmlSelectElement>() {
        select.set_value(value);
    }
}

#[derive(PartialEq, Properties)]
struct RowProps {
    deed: Deed,
    field: Field,
    fault: Option<String>,
    busy: bool,
}

#[component]
fn Row(props: &RowProps) -> Html {
    let tr = use_tr();
    let shown = use_state_eq(|| false);
    {
        // What is sent is hidden again: browsers offer to keep what is in a field for passwords.
        let shown = shown.clone();
        use_effect_with(props.busy, move |busy| {
            if *busy {
                shown.set(false);
            }
        });
    }
    let Field { name, label, kind, fill, hint } = props.field;
    let id = format!("{}-{name}", props.deed.id());
    let (hint_id, fault_id) = (format!("{id}-hint"), format!("{id}-fault"));
    let described: Vec<&str> =
        [hint.map(|_| &*hint_id), props.fault.as_ref().map(|_| &*fault_id)].into_iter().flatten().collect();
    let described = (!described.is_empty()).then(|| described.join(" "));
    let invalid = props.fault.is_some().then_some("true");
    let kind_of_input = match kind {
        Kind::Email => "email",
        Kind::Password | Kind::NewPassword if !*shown => "password",
        _ => "text",
    };
    let capitals = if kind == Kind::Name { "words" } else { "none" };
    let input = html! {
        <input id={id.clone()} {name} type={kind_of_input} autocomplete={fill} autocapitalize={capitals} spellcheck="false"
            required=true autofocus={props.deed == Deed::Again} aria-invalid={invalid} aria-describedby={described.clone()} />
    };
    html! {
        <div class="field">
            <label for={id.clone()}>{ tr.t(label) }</label>
            { match kind {
                Kind::Language => languages(&id, name, described),
                kind if kind.is_secret() => html! { <div class="password">{ input }{ toggle(tr, &id, &shown) }</div> },
                _ => input,
            } }
            if let Some(hint) = hint {
                <p id={hint_id} class="meta">{ tr.t(hint) }</p>
            }
            if let Some(fault) = &props.fault {
                <p id={fault_id} class="fault">{ fault }</p>
            }
        </div>
    }
}

/// Each language is named in itself.
fn languages(id: &str, name: &'static str, described: Option<String>) -> Html {
    html! {
        <select id={id.to_owned()} {name} aria-describedby={described}>
            <option value="en" lang="en">{ "English" }</option>
            <option value="fr" lang="fr">{ "Français" }</option>
        </select>
    }
}

/// Shows the password, or hides it.
fn toggle(tr: Tr, id: &str, shown: &UseStateHandle<bool>) -> Html {
    let (word, named) = match **shown {
        true => (Text::PasswordHide, Text::PasswordHideNamed),
        false => (Text::PasswordShow, Text::PasswordShowNamed),
    };
    let on_click = {
        let shown = shown.clone();
        Callback::from(move |_: MouseEvent| shown.set(!*shown))
    };
    html! {
        <button type="button" class="quiet-button" aria-controls={id.to_owned()} aria-label={tr.t(named)} onclick={on_click}>
            { tr.t(word) }
        </button>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_told_once_at_its_field_or_above_the_form() {
        let tr = Tr(Language::Fr);
        let refused = |code: &str| {
            let problem = format!(r#"{{"type":"t","title":"T","status":403,"code":"{code}","detail":"d"}}"#);
            Attempt { refusal: Some(ApiError::from_answer(403, &problem)), ..Attempt::default() }
        };
        let wrong = refused("password-wrong");
        assert_eq!(wrong.fault(Deed::Password, "current", tr).as_deref(), Some(tr.t(Text::ErrorPasswordWrong)));
        assert_eq!((wrong.fault(Deed::Password, "password", tr), wrong.problem(Deed::Password, tr)), (None, None));
        let many = refused("too-many-attempts");
        assert_eq!(many.problem(Deed::Password, tr).as_deref(), Some(tr.t(Text::ErrorAttempts)));
        assert_eq!(many.fault(Deed::Password, "current", tr), None);
    }
}
