//! One field of a form, with its label, its hint, and what is wrong with it.

use domain::text::Text;
use yew::prelude::*;

use super::field::{Choice, Field, Kind};
use crate::browser;
use crate::i18n::{Tr, use_tr};

#[derive(PartialEq, Properties)]
pub struct Props {
    /// The form's id.
    pub form: &'static str,
    pub field: Field,
    pub fault: Option<String>,
    /// The browser puts the focus there when the form shows.
    pub focus: bool,
    pub busy: bool,
}

/// What the elements of a row have in common.
struct Ids {
    id: String,
    hint: String,
    fault: String,
    /// Which of them describe the field.
    described: Option<String>,
}

impl Ids {
    fn of(props: &Props) -> Self {
        let id = format!("{}-{}", props.form, props.field.name);
        let (hint, fault) = (format!("{id}-hint"), format!("{id}-fault"));
        let parts = [props.field.hint.map(|_| &*hint), props.fault.as_ref().map(|_| &*fault)];
        let parts: Vec<&str> = parts.into_iter().flatten().collect();
        let described = (!parts.is_empty()).then(|| parts.join(" "));
        Self { id, hint, fault, described }
    }
}

#[component]
pub fn Row(props: &Props) -> Html {
    let (tr, ids, field) = (use_tr(), Ids::of(props), props.field);
    let body = match field.kind {
        Kind::Language => labelled(tr, props, &ids, languages(&ids, field.name)),
        Kind::Choice(choices) => labelled(tr, props, &ids, select(tr, &ids, field.name, choices)),
        Kind::Checks(choices) => checks(tr, props, &ids, choices),
        _ => {
            html! { <Input form={props.form} {field} fault={props.fault.clone()} focus={props.focus} busy={props.busy} /> }
        }
    };
    html! {
        <div class="field">
            { body }
            if let Some(fault) = &props.fault {
                <p id={ids.fault} class="fault">{ fault }</p>
            }
        </div>
    }
}

fn labelled(tr: Tr, props: &Props, ids: &Ids, control: Html) -> Html {
    html! {
        <>
            <label for={ids.id.clone()}>{ tr.t(props.field.label) }</label>
            { control }
            { hint(tr, props, ids) }
        </>
    }
}

fn hint(tr: Tr, props: &Props, ids: &Ids) -> Html {
    let hint = props.field.hint.map(|hint| html! { <p id={ids.hint.clone()} class="meta">{ tr.t(hint) }</p> });
    hint.unwrap_or_default()
}

/// A line to type into.
#[component]
fn Input(props: &Props) -> Html {
    let (tr, ids) = (use_tr(), Ids::of(props));
    // Of a password: it is shown. Of a code: it is one to recover with, which has letters.
    let turned = use_state_eq(|| false);
    {
        // What is sent is hidden again: browsers offer to keep what is in a field for passwords.
        let turned = turned.clone();
        let hides = props.busy && props.field.kind.is_secret();
        use_effect_with(hides, move |hides| {
            if *hides {
                turned.set(false);
            }
        });
    }
    let Field { name, label, kind, fill, .. } = props.field;
    let node = use_node_ref();
    use_effect_with((node.clone(), kind == Kind::OneTime && !props.focus), |(node, appears)| {
        // It appears when the node asks for it, below what was typed already.
        if let (true, Some(input)) = (*appears, node.cast::<web_sys::Element>()) {
            browser::focus(&input);
        }
    });
    let type_ = match kind {
        Kind::Email => "email",
        kind if kind.is_secret() && !*turned => "password",
        _ => "text",
    };
    let mode = (matches!(kind, Kind::OneTime | Kind::AppCode) && !*turned).then_some("numeric");
    let capitals = if kind == Kind::Name { "words" } else { "none" };
    let optional = kind == Kind::OptionalPassword;
    let invalid = props.fault.is_some().then_some("true");
    let input = html! {
        <input ref={node} id={ids.id.clone()} {name} type={type_} inputmode={mode} autocomplete={fill} autocapitalize={capitals}
            spellcheck="false" required={!optional} autofocus={props.focus} aria-invalid={invalid} aria-describedby={ids.described.clone()} />
    };
    let label = if kind == Kind::OneTime && *turned { Text::FieldRecoveryCode } else { label };
    html! {
        <>
            <label for={ids.id.clone()}>{ tr.t(label) }</label>
            if kind.is_secret() {
                <div class="password">{ input }{ toggle(tr, &ids.id, &turned) }</div>
            } else {
                { input }
            }
            { hint(tr, props, &ids) }
            if kind == Kind::OneTime {
                { other_code(tr, &ids.id, &turned) }
            }
        </>
    }
}

/// Each language is named in itself.
fn languages(ids: &Ids, name: &'static str) -> Html {
    html! {
        <select id={ids.id.clone()} {name} aria-describedby={ids.described.clone()}>
            <option value="en" lang="en">{ "English" }</option>
            <option value="fr" lang="fr">{ "Français" }</option>
        </select>
    }
}

fn select(tr: Tr, ids: &Ids, name: &'static str, choices: &[Choice]) -> Html {
    html! {
        <select id={ids.id.clone()} {name} aria-describedby={ids.described.clone()}>
            { for choices.iter().map(|choice| html! { <option value={choice.value}>{ tr.t(choice.label) }</option> }) }
        </select>
    }
}

/// Several things, each to be ticked, with what it means.
fn checks(tr: Tr, props: &Props, ids: &Ids, choices: &[Choice]) -> Html {
    let name = props.field.name;
    let invalid = props.fault.is_some().then_some("true");
    let check = |(index, choice): (usize, &Choice)| {
        // What is wrong with the choice is told of its first.
        let (id, first) = (format!("{}-{}", ids.id, choice.value), index == 0);
        let about = format!("{id}-about");
        let fault = ids.described.as_deref().filter(|_| first);
        let described = [choice.about.map(|_| &*about), fault].into_iter().flatten().collect::<Vec<_>>().join(" ");
        html! {
            <li class="check">
                <input type="checkbox" id={id.clone()} {name} value={choice.value} aria-invalid={invalid.filter(|_| first)}
                    aria-describedby={(!described.is_empty()).then_some(described)} />
                <div>
                    <label for={id}>{ tr.t(choice.label) }</label>
                    if let Some(text) = choice.about { <p id={about} class="meta">{ tr.t(text) }</p> }
                </div>
            </li>
        }
    };
    html! {
        <fieldset class="checks">
            <legend>{ tr.t(props.field.label) }</legend>
            { hint(tr, props, ids) }
            <ul>{ for choices.iter().enumerate().map(check) }</ul>
        </fieldset>
    }
}

/// Shows the password, or hides it.
fn toggle(tr: Tr, id: &str, shown: &UseStateHandle<bool>) -> Html {
    let (word, named) = match **shown {
        true => (Text::PasswordHide, Text::PasswordHideNamed),
        false => (Text::PasswordShow, Text::PasswordShowNamed),
    };
    html! {
        <button type="button" class="quiet-button" aria-controls={id.to_owned()} aria-label={tr.t(named)} onclick={turn(shown, None)}>
            { tr.t(word) }
        </button>
    }
}

/// A code of the app, or one to recover with: digits, or letters too.
fn other_code(tr: Tr, id: &str, recovers: &UseStateHandle<bool>) -> Html {
    let word = if **recovers { Text::CodeOfApp } else { Text::CodeToRecover };
    let to = format!("#{id}");
    html! {
        <button type="button" class="quiet-button other-code" aria-controls={id.to_owned()} onclick={turn(recovers, Some(to))}>
            { tr.t(word) }
        </button>
    }
}

fn turn(state: &UseStateHandle<bool>, focus: Option<String>) -> Callback<MouseEvent> {
    let state = state.clone();
    Callback::from(move |_: MouseEvent| {
        state.set(!*state);
        if let Some(focus) = &focus {
            browser::focus_first(focus);
        }
    })
}
