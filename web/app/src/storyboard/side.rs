//! Beside the board: its chapters, and its names to choose panels by.

use domain::text::Text;
use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, HtmlInputElement};
use yew::prelude::*;
use yew_router::prelude::*;

use super::{Board, Place, panel, select};
use crate::browser;
use crate::i18n::use_tr;
use crate::routes::Route;

/// Names offered at once: the commonest, or those that fit what was typed.
const NAMES_OFFERED: usize = 14;

#[derive(PartialEq, Properties)]
pub struct ChaptersProps {
    pub place: Place,
    pub board: Board,
    pub position: usize,
    /// Panels to show, chapter by chapter.
    pub counts: std::rc::Rc<Vec<usize>>,
}

#[component]
pub fn Chapters(props: &ChaptersProps) -> Html {
    let tr = use_tr();
    let open = *use_memo((), |()| browser::is_wide());
    let list = use_node_ref();
    {
        let list = list.clone();
        use_effect_with(props.position, move |_| show_current(&list));
    }
    let entry = |(position, count): (usize, &usize)| {
        let to = props.place.chapter(position);
        let link = html! {
            <Link<Route> {to}>
                <span lang={props.board.chapter_title_language(position)}>{ props.board.chapter_title(tr, position) }</span>
                <span class="count" aria-hidden="true">{ count }</span>
                <span class="visually-hidden">{ tr.count(*count as u64, Text::PanelOne, Text::PanelMany) }</span>
            </Link<Route>>
        };
        let look = classes!((*count == 0).then_some("bare"), (position == props.position).then_some("here"));
        html! { <li class={look} aria-current={(position == props.position).then_some("true")}>{ link }</li> }
    };
    html! {
        <details class="side-part" {open}>
            <summary>{ tr.t(Text::Chapters) }</summary>
            <nav ref={list} id="chapters" aria-label={tr.t(Text::Chapters)}>
                <ol>{ for props.counts.iter().enumerate().map(entry) }</ol>
            </nav>
        </details>
    }
}

/// Scrolls the list, and it alone, to the chapter that is shown.
fn show_current(list: &NodeRef) {
    let Some(list) = list.cast::<HtmlElement>() else { return };
    let Ok(Some(current)) = list.query_selector(".here") else { return };
    if let Ok(current) = current.dyn_into::<HtmlElement>() {
        list.set_scroll_top(current.offset_top() - list.client_height() / 3);
    }
}

#[derive(PartialEq, Properties)]
pub struct NamesProps {
    pub board: Board,
    pub chosen: Option<u32>,
    pub on_name: Callback<u32>,
}

#[component]
pub fn Names(props: &NamesProps) -> Html {
    let tr = use_tr();
    let open = *use_memo((), |()| browser::is_wide());
    let query = use_state_eq(String::new);
    let on_input = {
        let query = query.clone();
        Callback::from(move |event: InputEvent| query.set(event.target_unchecked_into::<HtmlInputElement>().value()))
    };
    let found = select::names_like(&props.board, &query, NAMES_OFFERED);
    html! {
        <details class="side-part" {open}>
            <summary>{ tr.t(Text::Names) }</summary>
            if props.board.names.is_empty() {
                <p class="quiet">{ tr.t(Text::NoNames) }</p>
            } else {
                <label class="visually-hidden" for="name-filter">{ tr.t(Text::FindName) }</label>
                <input id="name-filter" type="search" autocomplete="off" placeholder={tr.t(Text::FindName)}
                    value={(*query).clone()} oninput={on_input} />
                <div id="name-list">
                    { panel::names(tr, &props.board, &found, props.chosen, &props.on_name) }
                    <p class="quiet" role="status">
                        if found.is_empty() { { tr.t(Text::NoSuchName) } }
                    </p>
                </div>
                <p class="meta">{ tr.t(Text::NamesByRule) }</p>
            }
        </details>
    }
}
