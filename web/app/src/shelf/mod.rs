//! The projects: searched, sorted, put aside, deleted and restored.

mod books;
mod query;
mod row;
mod tools;

pub use query::STATES;
pub use row::{book_line, file_line, run_chip, stage_text};

use domain::text::Text;
use yew::prelude::*;
use yew_router::prelude::*;

use crate::browser;
use crate::deeds::use_deeds;
use crate::i18n::{Tr, use_tr};
use crate::routes::Route;
use books::{Books, Known, Listed, use_books};
use query::{Query, Shown};
use row::BookRow;
use tools::Tools;

#[component(BookList)]
pub fn book_list() -> Html {
    let tr = use_tr();
    let (query, on_query) = use_query();
    let Books { known, ask, more, leave } = use_books(&query);
    // Whatever is done to a project in a list, it leaves that list.
    let (act, question) = use_deeds(leave.reform(|(_, id)| id));
    let clear = {
        let (query, on_query) = (query.clone(), on_query.clone());
        Callback::from(move |_: MouseEvent| {
            // One thing at a time: the search first, then what else narrows the list.
            if !query.search.trim().is_empty() {
                on_query.emit(Query { search: String::new(), ..query.clone() });
                browser::focus_first("#shelf-search");
            } else {
                on_query.emit(Query { state: None, language: None, ..query.clone() });
                browser::focus_first("#shelf-state");
            }
        })
    };
    html! {
        <section class="shelf" aria-labelledby="shelf-title">
            <div class="shelf-head">
                <h2 id="shelf-title">{ tr.t(Text::ShelfTitle) }</h2>
                <p id="shelf-count" class="meta" role="status">{ count(tr, &known, &query) }</p>
            </div>
            <Tools query={query.clone()} on_query={on_query} />
            { match &known {
                Known::Asked => html! { <p class="quiet" role="status">{ tr.t(Text::Loading) }</p> },
                Known::Failed(error) => html! {
                    <div class="notice notice-bad" role="alert">
                        <p>{ error.message(tr) }</p>
                        <button type="button" class="button" onclick={ask.reform(|_: MouseEvent| ())}>{ tr.t(Text::TryAgain) }</button>
                    </div>
                },
                Known::Here(listed) if listed.projects.is_empty() => nothing(tr, &query, &clear),
                Known::Here(listed) => html! {
                    <>
                        <ul id="project-list" class="books" aria-busy={(listed.query != query).to_string()}>
                            { for listed.projects.iter().map(|listed| html! {
                                <BookRow key={listed.project.id.to_string()} listed={listed.clone()} act={act.clone()} />
                            }) }
                        </ul>
                        { rest(tr, listed, &more) }
                    </>
                },
            } }
            { question }
        </section>
    }
}

/// What is shown, kept in the page's address: a reload and the way back show the same.
#[hook]
fn use_query() -> (Query, Callback<Query>) {
    let location = use_location();
    let navigator = use_navigator();
    let query = location.and_then(|location| location.query::<Query>().ok()).unwrap_or_default();
    let on_query = Callback::from(move |query: Query| {
        if let Some(navigator) = &navigator {
            // Refused only for what can't be written in an address, and these are words.
            let _ = navigator.replace_with_query(&Route::Shelf, &query);
        }
    });
    (query, on_query)
}

fn count(tr: Tr, known: &Known, query: &Query) -> String {
    match known {
        Known::Here(listed) if listed.query == *query => tr.count(listed.total.into(), Text::BookOne, Text::BookMany),
        _ => String::new(),
    }
}

fn nothing(tr: Tr, query: &Query, clear: &Callback<MouseEvent>) -> Html {
    let search = query.search.trim();
    if !search.is_empty() {
        return html! {
            <div id="shelf-none" class="empty">
                <p>{ tr.fill(Text::FoundNone, &[("search", search)]) }</p>
                <button type="button" class="button" onclick={clear}>{ tr.t(Text::ClearSearch) }</button>
            </div>
        };
    }
    if query.state.is_some() || query.language.is_some() {
        return html! {
            <div id="shelf-none" class="empty">
                <p>{ tr.t(Text::FilteredNone) }</p>
                <button type="button" class="button" onclick={clear}>{ tr.t(Text::ClearFilters) }</button>
            </div>
        };
    }
    let (id, text) = match query.shown {
        Shown::Active => ("shelf-empty", Text::ShelfEmpty),
        Shown::Archived => ("shelf-none", Text::ArchivedEmpty),
        Shown::Deleted => ("shelf-none", Text::DeletedEmpty),
        Shown::Shared => ("shelf-none", Text::SharedEmpty),
    };
    html! { <p {id} class="empty">{ tr.t(text) }</p> }
}

fn rest(tr: Tr, listed: &Listed, more: &Callback<()>) -> Html {
    if !listed.has_more() {
        return html! {};
    }
    html! {
        <button type="button" id="more-projects" class="button more" onclick={more.reform(|_: MouseEvent| ())}>
            { tr.t(Text::ShowMore) }
        </button>
    }
}
