//! What of the shelf is shown: a search, and four choices.

use domain::language::Language;
use domain::text::Text;
use gloo_timers::callback::Timeout;
use web_sys::{HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

use super::query::{LANGUAGES, Order, Query, STATES, Shown};
use crate::account::{Who, use_who};
use crate::i18n::use_tr;

/// How long typing rests before it is searched for.
const REST_MS: u32 = 250;

#[derive(PartialEq, Properties)]
pub struct Props {
    pub query: Query,
    pub on_query: Callback<Query>,
}

#[component]
pub fn Tools(props: &Props) -> Html {
    let tr = use_tr();
    let (typed, on_input) = use_search(props.query.clone(), props.on_query.clone());
    let query = &props.query;
    // Where nobody has an account nothing is shared.
    let shares = use_who() != Who::Trusted;
    // What a choice makes of the query; `None` for what can't be chosen.
    let on_choice = |choose: fn(&Query, &str) -> Option<Query>| {
        let (query, on_query) = (query.clone(), props.on_query.clone());
        Callback::from(move |event: Event| {
            let value = event.target_unchecked_into::<HtmlSelectElement>().value();
            if let Some(query) = choose(&query, &value) {
                on_query.emit(query);
            }
        })
    };
    let on_shown = on_choice(|query, value| {
        let (shown, ..) = Shown::ALL.iter().find(|(_, name, _)| *name == value)?;
        Some(Query { shown: *shown, ..query.clone() })
    });
    let on_state = on_choice(|query, value| {
        let state = STATES.iter().find(|(_, name, _)| *name == value).map(|(state, ..)| *state);
        Some(Query { state, ..query.clone() })
    });
    let on_language = on_choice(|query, value| Some(Query { language: Language::from_tag(value), ..query.clone() }));
    let on_sort = on_choice(|query, value| {
        let (sort, ..) = Order::ALL.iter().find(|(_, name, _)| *name == value)?;
        Some(Query { sort: *sort, ..query.clone() })
    });
    html! {
        <div class="tools" role="search">
            <div class="field tools-search">
                <label for="shelf-search">{ tr.t(Text::Search) }</label>
                <input id="shelf-search" type="search" autocomplete="off" maxlength="200" placeholder={tr.t(Text::SearchHint)}
                    value={typed} oninput={on_input} />
            </div>
            { choice("shelf-shown", tr.t(Text::ShownLabel), on_shown, html! {
                { for Shown::ALL.iter().filter(|(shown, ..)| *shown != Shown::Shared || shares).map(|(shown, name, label)| html! {
                    <option value={*name} selected={*shown == query.shown}>{ tr.t(*label) }</option>
                }) }
            }) }
            { choice("shelf-state", tr.t(Text::StateLabel), on_state, html! {
                <>
                    <option value="" selected={query.state.is_none()}>{ tr.t(Text::StateAny) }</option>
                    { for STATES.iter().map(|(state, name, label)| html! {
                        <option value={*name} selected={Some(*state) == query.state}>{ tr.t(*label) }</option>
                    }) }
                </>
            }) }
            { choice("shelf-language", tr.t(Text::BookLanguageLabel), on_language, html! {
                <>
                    <option value="" selected={query.language.is_none()}>{ tr.t(Text::BookLanguageAny) }</option>
                    { for LANGUAGES.iter().map(|(language, name)| html! {
                        <option value={language.tag()} lang={language.tag()} selected={Some(*language) == query.language}>{ *name }</option>
                    }) }
                </>
            }) }
            { choice("shelf-sort", tr.t(Text::SortLabel), on_sort, html! {
                { for Order::ALL.iter().map(|(order, name, label)| html! {
                    <option value={*name} selected={*order == query.sort}>{ tr.t(*label) }</option>
                }) }
            }) }
        </div>
    }
}

/// A choice with its label.
fn choice(id: &'static str, label: &'static str, on_change: Callback<Event>, options: Html) -> Html {
    html! {
        <div class="field">
            <label for={id}>{ label }</label>
            <select {id} onchange={on_change}>{ options }</select>
        </div>
    }
}

/// What is typed, and searched for once the typing rests.
#[hook]
fn use_search(query: Query, on_query: Callback<Query>) -> (String, Callback<InputEvent>) {
    let typed = use_state_eq(|| query.search.clone());
    {
        let typed = typed.setter();
        // The address leads elsewhere, or the search was cleared.
        use_effect_with(query.search.clone(), move |search| typed.set(search.clone()));
    }
    {
        use_effect_with(((*typed).clone(), query), move |(typed, query)| {
            let wanted = Query { search: typed.clone(), ..query.clone() };
            let timeout = (wanted != *query).then(|| Timeout::new(REST_MS, move || on_query.emit(wanted)));
            move || drop(timeout)
        });
    }
    let on_input = {
        let typed = typed.clone();
        Callback::from(move |event: InputEvent| typed.set(event.target_unchecked_into::<HtmlInputElement>().value()))
    };
    ((*typed).clone(), on_input)
}
