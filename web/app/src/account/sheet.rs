//! A form. What is wrong is said at the field that it is about, which gets the focus; what was typed stays; passwords
//! can be pasted, filled in by the browser, and looked at.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;

use domain::account::Secret;
use domain::language::Language;
use domain::text::Text;
use wasm_bindgen::JsCast;
use web_sys::{FormData, HtmlFormElement, HtmlInputElement, HtmlSelectElement};
use yew::platform::spawn_local;
use yew::prelude::*;

use super::field::{Blame, Faults, Field, Filled, Kind, blamed};
use super::row::Row;
use crate::api::{ApiError, CODE_NEEDED};
use crate::browser;
use crate::connection::use_connection;
use crate::i18n::{Tr, use_tr};

type Sending = Pin<Box<dyn Future<Output = Result<(), ApiError>>>>;

/// What asks the node for what was filled in.
#[derive(Clone)]
pub struct Send(Rc<dyn Fn(Filled) -> Sending>);

impl Send {
    pub fn new<F: Future<Output = Result<(), ApiError>> + 'static>(send: impl Fn(Filled) -> F + 'static) -> Self {
        Self(Rc::new(move |filled| Box::pin(send(filled))))
    }
}

impl PartialEq for Send {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

#[derive(PartialEq, Properties)]
pub struct Props {
    /// Begins the ids of its elements.
    pub id: &'static str,
    pub fields: Vec<Field>,
    /// What the button says.
    pub label: Text,
    /// It does something that can't be undone.
    #[prop_or_default]
    pub bad: bool,
    pub send: Send,
    #[prop_or_default]
    pub blame: Blame,
    /// What else may be wrong.
    #[prop_or_default]
    pub check: Option<Callback<Filled, Faults>>,
    /// What fields hold at first.
    #[prop_or_default]
    pub initial: Vec<(&'static str, String)>,
    /// What the mailed link carried.
    #[prop_or_default]
    pub token: Option<Secret>,
    /// Whose password it is, for whatever keeps the visitor's passwords.
    #[prop_or_default]
    pub owner: Option<String>,
    /// Its first field gets the focus.
    #[prop_or_default]
    pub focus: bool,
    #[prop_or_default]
    pub on_done: Callback<Filled>,
    /// Stands before the button.
    #[prop_or_default]
    pub children: Html,
}

/// How the last attempt went.
#[derive(Clone, Default, PartialEq)]
struct Attempt {
    busy: bool,
    faults: Faults,
    refusal: Option<ApiError>,
    /// How many there were: each that fails moves the focus.
    number: u32,
}

impl Attempt {
    /// What is wrong with a field.
    fn fault(&self, fields: &[Field], blame: Blame, name: &str, tr: Tr) -> Option<String> {
        let own = self.faults.iter().find(|(field, _)| *field == name).map(|(_, text)| tr.t(*text).to_owned());
        let refused = self.refusal.as_ref().filter(|error| blamed(fields, blame, error.code()) == Some(name));
        own.or_else(|| refused.map(|error| error.message(tr)))
    }

    /// What is wrong with none in particular. That a code is wanted too is nothing wrong: its field appears.
    fn problem(&self, fields: &[Field], blame: Blame, tr: Tr) -> Option<String> {
        let asks = fields.iter().any(|field| field.kind == Kind::OneTime);
        let refused = self.refusal.as_ref().filter(|error| blamed(fields, blame, error.code()).is_none());
        refused.filter(|error| !(asks && error.code() == CODE_NEEDED)).map(|error| error.message(tr))
    }
}

#[component]
pub fn Sheet(props: &Props) -> Html {
    let (tr, id) = (use_tr(), props.id);
    let (attempt, on_submit) = use_attempts(props);
    let form = use_node_ref();
    use_effect_with((form.clone(), at_first(&props.fields, &props.initial)), |(form, initial)| {
        if let Some(form) = form.cast::<HtmlFormElement>() {
            for (name, value) in initial {
                fill_in(&form, name, value);
            }
        }
    });
    let wrong = attempt.faults.len() + usize::from(attempt.refusal.is_some());
    use_effect_with((attempt.number, wrong > 0), move |(_, wrong)| {
        if *wrong {
            browser::focus_first(&format!("#{id}-form [aria-invalid='true']"));
        }
    });
    let label = if attempt.busy { Text::OneMoment } else { props.label };
    let button = if props.bad { "button-bad" } else { "button-main" };
    let first = props.fields.first().map(|field| field.name).filter(|_| props.focus);
    html! {
        <form id={format!("{id}-form")} class="form account-form" method="post" novalidate=true ref={form}
            aria-busy={attempt.busy.to_string()} onsubmit={on_submit}>
            <div role="alert">
                if let Some(problem) = attempt.problem(&props.fields, props.blame, tr) {
                    <p id={format!("{id}-problem")} class="notice notice-bad">{ problem }</p>
                }
            </div>
            if let Some(owner) = props.owner.clone() {
                <input type="email" name="username" autocomplete="username" value={owner} readonly=true tabindex="-1"
                    class="visually-hidden" aria-hidden="true" aria-label={tr.t(Text::FieldEmail)} />
            }
            // A list of their own, all with keys: a field that comes later leaves what is typed in the others.
            <>
                { for props.fields.iter().map(|field| html! {
                    <Row key={field.name} form={id} field={*field} focus={first == Some(field.name)} busy={attempt.busy}
                        fault={attempt.fault(&props.fields, props.blame, field.name, tr)} />
                }) }
            </>
            <div class="form-buttons">
                { props.children.clone() }
                <button type="submit" id={format!("{id}-submit")} class={classes!("button", button)}
                    aria-disabled={attempt.busy.to_string()}>{ tr.t(label) }</button>
            </div>
        </form>
    }
}

/// What was filled in, sent: one attempt at a time.
#[hook]
fn use_attempts(props: &Props) -> (Attempt, Callback<SubmitEvent>) {
    let (tr, connection) = (use_tr(), use_connection());
    let attempt = use_state_eq(Attempt::default);
    let under_way = use_memo((), |()| Cell::new(false));
    let on_submit = {
        let (attempt, token, on_done) = (attempt.clone(), props.token.clone(), props.on_done.clone());
        let (fields, send, check) = (props.fields.clone(), props.send.clone(), props.check.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let form = event.target().and_then(|target| target.dyn_into::<HtmlFormElement>().ok());
            let Some(filled) = form.and_then(|form| read(&form, &fields, tr.0, token.clone())) else { return };
            if under_way.get() {
                return;
            }
            let (mut faults, number) = (filled.faults(&fields), attempt.number + 1);
            if let (true, Some(check)) = (faults.is_empty(), &check) {
                faults = check.emit(filled.clone());
            }
            if !faults.is_empty() {
                return attempt.set(Attempt { faults, number, ..Attempt::default() });
            }
            under_way.set(true);
            attempt.set(Attempt { busy: true, number, ..Attempt::default() });
            let (attempt, under_way, on_done) = (attempt.clone(), Rc::clone(&under_way), on_done.clone());
            let (connection, sending) = (connection.clone(), (send.0)(filled.clone()));
            spawn_local(async move {
                let refusal = sending.await.err();
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

fn read(form: &HtmlFormElement, fields: &[Field], language: Language, token: Option<Secret>) -> Option<Filled> {
    let data = FormData::new_with_form(form).ok()?;
    let value = |field: &Field| {
        let chosen = data.get_all(field.name).iter().filter_map(|value| value.as_string()).collect::<Vec<_>>();
        (field.name, chosen.join(" "))
    };
    Some(Filled::new(fields.iter().map(value).collect(), language, token))
}

/// What fields hold at first. Of a choice it is said always: options are put in one by one from the last to the first,
/// and browsers choose what comes first.
fn at_first(fields: &[Field], initial: &[(&'static str, String)]) -> Vec<(&'static str, String)> {
    let first = |field: &Field| match field.kind {
        Kind::Choice([first, ..]) if initial.iter().all(|(name, _)| *name != field.name) => {
            Some((field.name, first.value.to_owned()))
        }
        _ => None,
    };
    fields.iter().filter_map(first).chain(initial.iter().cloned()).collect()
}

/// Puts a value into a field. Not by a property of the element: that would put it back at every rendering.
fn fill_in(form: &HtmlFormElement, name: &str, value: &str) {
    let Ok(found) = form.query_selector_all(&format!("[name='{name}']")) else { return };
    for field in (0..found.length()).filter_map(|index| found.get(index)) {
        if let Some(input) = field.dyn_ref::<HtmlInputElement>() {
            match &*input.type_() {
                "checkbox" => input.set_checked(value.split(' ').any(|chosen| chosen == input.value())),
                _ => input.set_value(value),
            }
        } else if let Some(select) = field.dyn_ref::<HtmlSelectElement>() {
            select.set_value(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::field::{Choice, ONE_TIME, field};
    use super::*;

    const CURRENT: Field = field("current", Text::FieldCurrentPassword, Kind::Password, "current-password", None);
    const BLAME: Blame = &[("password-wrong", "current")];

    fn refused(code: &str) -> Attempt {
        let problem = format!(r#"{{"type":"t","title":"T","status":403,"code":"{code}","detail":"d"}}"#);
        Attempt { refusal: Some(ApiError::from_answer(403, &problem)), ..Attempt::default() }
    }

    #[test]
    fn a_refusal_is_told_once_at_its_field_or_above_the_form() {
        let tr = Tr(Language::Fr);
        let (fields, wrong) = ([CURRENT], refused("password-wrong"));
        assert_eq!(wrong.fault(&fields, BLAME, "current", tr).as_deref(), Some(tr.t(Text::ErrorPasswordWrong)));
        assert_eq!((wrong.fault(&fields, BLAME, "password", tr), wrong.problem(&fields, BLAME, tr)), (None, None));
        let many = refused("too-many-attempts");
        assert_eq!(many.problem(&fields, BLAME, tr).as_deref(), Some(tr.t(Text::ErrorAttempts)));
        assert_eq!(many.fault(&fields, BLAME, "current", tr), None);
    }

    #[test]
    fn a_choice_is_its_first_unless_another_is_asked_for() {
        const CHOICES: &[Choice] = &[
            Choice { value: "little", label: Text::Or, about: None },
            Choice { value: "all", label: Text::Or, about: None },
        ];
        let fields = [CURRENT, field("role", Text::MemberRole, Kind::Choice(CHOICES), "off", None)];
        assert_eq!(at_first(&fields, &[]), [("role", "little".to_owned())]);
        let asked = [("current", "x".to_owned()), ("role", "all".into())];
        assert_eq!(at_first(&fields, &asked), asked);
    }

    #[test]
    fn that_a_code_is_wanted_is_nothing_wrong_once_there_is_a_field_for_it() {
        let (tr, asked) = (Tr(Language::En), refused(CODE_NEEDED));
        assert_eq!(asked.problem(&[CURRENT, ONE_TIME], BLAME, tr), None);
        assert_eq!(asked.problem(&[CURRENT], BLAME, tr).as_deref(), Some(tr.t(Text::ErrorCodeNeeded)));
    }
}
