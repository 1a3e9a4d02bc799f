//! The board itself: what it amounts to, downloads, and one chapter of scenes and panels.

use std::rc::Rc;

use domain::edit::{EditedPanel, EditedStoryboard};
use domain::storyboard::{Boundary, Evidence};
use domain::text::Text;
use yew::prelude::*;
use yew_router::prelude::*;

use super::bar::Bar;
use super::changes::Around;
use super::desk::Order;
use super::keyboard::{self, Step, Way, use_panel_keys, use_turn_keys};
use super::log::History;
use super::panel::{self, PanelCard};
use super::past::PastNotice;
use super::select::{self, Cut};
use super::side::{Chapters, Names};
use super::{Board, Place};
use crate::api;
use crate::browser;
use crate::i18n::{Tr, use_tr};
use crate::project::use_rights;

/// Panels shown of a chapter at first, and again with each asking for more.
const PANELS_AT_ONCE: usize = 60;

#[derive(PartialEq, Properties)]
pub struct Props {
    pub place: Place,
    pub board: Board,
    /// The version that this is of, if it is an earlier one: to be looked at, not changed.
    pub past: Option<u64>,
    /// The newest version.
    pub versions: u64,
    pub position: usize,
    pub busy: bool,
    pub told: Option<Text>,
    pub act: Callback<Order>,
    /// Asks for an earlier version, or for the newest again.
    pub look: Callback<Option<u64>>,
}

#[component]
pub fn StoryboardView(props: &Props) -> Html {
    let tr = use_tr();
    let (board, position) = (&props.board, props.position);
    let chosen = use_state_eq(|| None::<u32>);
    let counts = use_memo((board.clone(), *chosen), |(board, name)| select::panels_per_chapter(board, *name));
    let turn = use_turning(props.place, position);
    let open = use_state_eq(|| None::<u32>);
    let act = use_acts(props);
    let limit = use_limit((position, *chosen));
    let selection = select::select(board, position, *chosen, *limit);

    let more = {
        let limit = limit.clone();
        Callback::from(move |()| limit.set(*limit + PANELS_AT_ONCE))
    };
    let past_end = {
        let (turn, more, counts, hidden) = (turn.clone(), more.clone(), counts.clone(), selection.hidden);
        Callback::from(move |step| match step {
            Step::Next if hidden > 0 => more.emit(()),
            Step::Next => turn.emit((select::after(&counts, position), Some(step))),
            Step::Previous => turn.emit((select::before(&counts, position), Some(step))),
        })
    };
    use_panel_keys(past_end);
    let on_name = use_callback(chosen.clone(), |name, chosen| {
        chosen.set((**chosen != Some(name)).then_some(name));
    });

    let on_open = use_callback(open.clone(), |panel, open| open.set(panel));
    let is_fixed = !use_rights().can_edit() || props.past.is_some();
    let open = open.filter(|_| !is_fixed);
    let cards = Cards { chosen: *chosen, on_name: on_name.clone(), open, on_open, is_fixed, act: act.clone() };

    html! {
        <section id="storyboard" class="board" aria-labelledby="storyboard-title">
            <header class="board-head">
                <h2 id="storyboard-title">{ tr.t(Text::Storyboard) }</h2>
                <p class="numbers">{ for amounts(tr, board).into_iter().map(|part| html! { <span>{ part }</span> }) }</p>
                if let Some(version) = props.past {
                    <PastNotice {version} look={props.look.clone()} />
                } else {
                    { downloads(tr, props.place) }
                    <Bar state={board.state(props.place.run)} busy={props.busy} told={props.told} act={act.clone()} />
                }
            </header>
            <div class="board-body">
                <div class="side">
                    <Chapters place={props.place} board={board.clone()} {position} counts={counts.clone()} />
                    <Names board={board.clone()} chosen={*chosen} on_name={on_name.clone()} />
                </div>
                <div class="pages">
                    { chapter_heading(tr, board, position) }
                    { name_notice(tr, board, *chosen, &counts, &on_name) }
                    { for selection.cuts.iter().map(|cut| scene(tr, board, cut, &cards)) }
                    if selection.cuts.is_empty() {
                        <p class="empty">{ tr.t(Text::NoPanelHere) }</p>
                    }
                    if selection.hidden > 0 {
                        <button type="button" id="more-panels" class="button" onclick={more.reform(|_| ())}>
                            { tr.count(selection.hidden as u64, Text::MoreOne, Text::MoreMany) }
                        </button>
                    }
                    { pager(tr, board, &counts, position, &turn) }
                    <History place={props.place} board={board.clone()} past={props.past} versions={props.versions} look={props.look.clone()} />
                    <p class="meta keys">{ tr.t(Text::KeysHint) }{ " " }if !is_fixed { { tr.t(Text::KeysEdit) } }</p>
                </div>
            </div>
        </section>
    }
}

/// Carries orders out, those of the keyboard too. The focus stays where it was: on the panel, and on the button if it
/// is there still, wherever the change has put them.
#[hook]
fn use_acts(props: &Props) -> Callback<Order> {
    let acted = use_mut_ref(|| None::<(String, String)>);
    let act = {
        let (acted, act) = (acted.clone(), props.act.clone());
        Callback::from(move |order: Order| {
            acted.replace(browser::panel_in_focus());
            act.emit(order);
        })
    };
    use_effect_with(props.board.clone(), move |_| {
        let Some((panel, button)) = acted.take() else { return };
        if browser::focus_is_lost() {
            browser::focus_first(&format!("[data-panel='{panel}']"));
            browser::focus_first(&format!("[data-panel='{panel}'] [data-act='{button}']"));
        }
    });
    let can_edit = use_rights().can_edit();
    let act = if props.past.is_some() || !can_edit { Callback::noop() } else { act };
    let state = props.board.state(props.place.run);
    let turned = {
        let act = act.clone();
        Callback::from(move |way| match way {
            Way::Undo if state.can_undo => act.emit(Order::Undo),
            Way::Redo if state.can_redo => act.emit(Order::Redo),
            Way::Undo | Way::Redo => {}
        })
    };
    use_turn_keys(turned);
    act
}

/// How many panels are shown: starts over with each chapter and name.
#[hook]
fn use_limit(of: (usize, Option<u32>)) -> UseStateHandle<usize> {
    let limit = use_state_eq(|| PANELS_AT_ONCE);
    {
        let limit = limit.clone();
        use_effect_with(of, move |_| limit.set(PANELS_AT_ONCE));
    }
    limit
}

/// Where to turn to, and, if it was by a key, on which end's panel the focus goes.
type Turn = (Option<usize>, Option<Step>);

/// Turns to another chapter. The focus goes to its heading, or, when a key led there, to the nearest panel.
#[hook]
fn use_turning(place: Place, position: usize) -> Callback<Turn> {
    let navigator = use_navigator();
    let by_key = use_mut_ref(|| None::<Step>);
    let shown = use_mut_ref(|| position);
    {
        let by_key = by_key.clone();
        use_effect_with(position, move |position| {
            if shown.replace(*position) == *position {
                return;
            }
            match by_key.take() {
                Some(step) => keyboard::focus_end(step),
                None => {
                    if let Some(heading) = browser::document().get_element_by_id("chapter-title") {
                        browser::focus(&heading);
                    }
                }
            }
        });
    }
    Callback::from(move |(to, step): Turn| {
        if let (Some(to), Some(navigator)) = (to, &navigator) {
            by_key.replace(step);
            navigator.push(&place.chapter(to));
        }
    })
}

/// What the whole board amounts to, as readers see it.
fn amounts(tr: Tr, board: &EditedStoryboard) -> Vec<String> {
    let shown = || board.scenes.iter().flat_map(|scene| &scene.panels).filter(|panel| !panel.is_hidden());
    let panels = shown().count();
    let duration_ms = shown().map(|panel| u64::from(panel.panel.duration_ms)).sum();
    vec![
        tr.count(board.chapters.len() as u64, Text::ChapterOne, Text::ChapterMany),
        tr.count(board.scenes.len() as u64, Text::SceneOne, Text::SceneMany),
        tr.count(panels as u64, Text::PanelOne, Text::PanelMany),
        tr.count(board.names.len() as u64, Text::NameOne, Text::NameMany),
        tr.minutes(duration_ms),
    ]
}

fn downloads(tr: Tr, place: Place) -> Html {
    let link = |file: &'static str, label: Text| {
        let url = match place.is_newest {
            true => api::file_url(place.id, file),
            false => api::run_file_url(place.id, place.run, file),
        };
        html! { <li><a href={url} download={file}>{ tr.t(label) }</a></li> }
    };
    html! {
        <ul id="downloads" class="downloads" aria-label={tr.t(Text::Downloads)}>
            { link("storyboard.html", Text::DownloadHtml) }
            { link("storyboard.json", Text::DownloadJson) }
            { link("book.json", Text::DownloadBook) }
        </ul>
    }
}

fn chapter_heading(tr: Tr, board: &Board, position: usize) -> Html {
    let of = [("n", &*(position + 1).to_string()), ("total", &*board.chapters.len().to_string())];
    html! {
        <header class="chapter-head">
            <p class="meta">{ tr.fill(Text::ChapterOf, &of) }</p>
            <h3 id="chapter-title" tabindex="-1" lang={board.chapter_title_language(position)}>{ board.chapter_title(tr, position) }</h3>
        </header>
    }
}

/// Says which name panels are chosen by, and how to see all again.
fn name_notice(tr: Tr, board: &Board, chosen: Option<u32>, counts: &Rc<Vec<usize>>, on_name: &Callback<u32>) -> Html {
    let notice = chosen.and_then(|index| Some((index, board.names.get(index as usize)?))).map(|(index, name)| {
        let panels = tr.count(counts.iter().sum::<usize>() as u64, Text::PanelOne, Text::PanelMany);
        let of = counts.iter().filter(|count| **count > 0).count() as u64;
        let chapters = tr.count(of, Text::ChapterOne, Text::ChapterMany);
        let values = [("name", &*name.name), ("panels", &*panels), ("chapters", &*chapters)];
        html! {
            <div id="name-notice" class="notice">
                <p>{ tr.fill(Text::NameChosen, &values) }</p>
                <button type="button" id="name-clear" class="button" onclick={on_name.reform(move |_| index)}>{ tr.t(Text::ShowAll) }</button>
            </div>
        }
    });
    html! { <div role="status">{ notice }</div> }
}

/// What all panels share.
struct Cards {
    chosen: Option<u32>,
    on_name: Callback<u32>,
    open: Option<u32>,
    on_open: Callback<Option<u32>>,
    /// They can be looked at, not changed.
    is_fixed: bool,
    act: Callback<Order>,
}

fn scene(tr: Tr, board: &Board, cut: &Cut<'_>, cards: &Cards) -> Html {
    let scene = cut.scene;
    let title_id = format!("scene-{}", scene.index + 1);
    let why = match scene.boundary {
        Boundary::Chapter => Text::BoundaryChapter,
        Boundary::Break => Text::BoundaryBreak,
        Boundary::Cohesion => Text::BoundaryCohesion,
    };
    let number = tr.number(u64::from(scene.index) + 1);
    let card = |panel: &&EditedPanel| {
        let id = panel.id();
        html! {
            <PanelCard key={id} board={board.clone()} panel={(*panel).clone()} around={Around::of(scene, id)}
                chosen={cards.chosen} on_name={cards.on_name.clone()} is_open={cards.open == Some(id)}
                on_open={cards.on_open.clone()} is_fixed={cards.is_fixed} act={cards.act.clone()} />
        }
    };
    html! {
        <section class="scene" key={scene.index} aria-labelledby={title_id.clone()}>
            <header class="scene-head">
                <h4 id={title_id}>{ tr.fill(Text::SceneNumber, &[("n", &number)]) }</h4>
                <span class="meta">{ tr.t(why) }</span>
            </header>
            <p class="summary" lang={board.language.tag()}>
                { for scene.summary.iter().enumerate().map(|(i, evidence)| html! {
                    <>{ if i > 0 { joint(&scene.summary[i - 1], evidence) } else { "" } }<q>{ &evidence.text }</q></>
                }) }
            </p>
            { panel::names(tr, board, &scene.names, cards.chosen, &cards.on_name) }
            <div class="panels">{ for cut.panels.iter().map(card) }</div>
        </section>
    }
}

/// Between two sentences of a summary: a gap shows unless they stand side by side in the book.
fn joint(before: &Evidence, after: &Evidence) -> &'static str {
    // One space or one blank line.
    let adjacent = before.chapter == after.chapter && (before.end..=before.end + 2).contains(&after.start);
    if adjacent { " " } else { " … " }
}

fn pager(tr: Tr, board: &Board, counts: &[usize], position: usize, turn: &Callback<Turn>) -> Html {
    let button = |to: Option<usize>, id: &'static str, label: Text| {
        let to = to?;
        let on_click = turn.reform(move |_: MouseEvent| (Some(to), None));
        Some(html! {
            <button type="button" {id} class="turn" onclick={on_click}>
                <span class="meta">{ tr.t(label) }</span>
                <span lang={board.chapter_title_language(to)}>{ board.chapter_title(tr, to) }</span>
            </button>
        })
    };
    html! {
        <div class="pager">
            { button(select::before(counts, position), "chapter-previous", Text::PreviousChapter) }
            { button(select::after(counts, position), "chapter-next", Text::NextChapter) }
        </div>
    }
}
