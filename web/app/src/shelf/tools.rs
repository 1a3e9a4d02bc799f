//! What of the shelf is shown: a search, and two choices.

use domain::text::Text;
use gloo_timers::callback::Timeout;
use web_sys::{HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

use super::query::{Order, Query, Shown};
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
    let on_shown = {
        let (query, on_query) = (props.query.clone(), props.on_query.clone());
        Callback::from(move |event: Event| {
            let value = event.target_unchecked_into::<HtmlSelectElement>().value();
            let chosen = Shown::ALL.iter().find(|(_, name, _)| *name == value);
            if let Some((shown, ..)) = chosen {
                on_query.emit(Query { shown: *shown, ..query.clone() });
            }
        })
    };
    let on_sort = {
        let (query, on_query) = (props.query.clone(), props.on_query.clone());
        Callback::from(move |event: Event| {
            let value = event.target_unchecked_into::<HtmlSelectElement>().value();
            let chosen = Order::ALL.iter().find(|(_, name, _)| *name == value);
            if let Some((sort, ..)) = chosen {
                on_query.emit(Query { sort: *sort, ..query.clone() });
            }
        })
    };
    html! {
        <div class="tools" role="search">
            <div class="field tools-search">
                <label for="shelf-search">{ tr.t(Text::Search) }</label>
                <input id="shelf-search" type="search" autocomplete="off" maxlength="200" placeholder={tr.t(Text::SearchHint)}
                    value={typed} oninput={on_input} />
            </div>
            <div class="field">
                <label for="shelf-shown">{ tr.t(Text::ShownLabel) }</label>
                <select id="shelf-shown" onchange={on_shown}>
                    { for Shown::ALL.iter().map(|(shown, name, label)| html! {
                        <option value={*name} selected={*shown == props.query.shown}>{ tr.t(*label) }</option>
                    }) }
                </select>
            </div>
            <div class="field">
                <label for="shelf-sort">{ tr.t(Text::SortLabel) }</label>
                <select id="shelf-sort" onchange={on_sort}>
                    { for Order::ALL.iter().map(|(order, name, label)| html! {
                        <option value={*name} selected={*order == props.query.sort}>{ tr.t(*label) }</option>
                    }) }
                </select>
            </div>
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
