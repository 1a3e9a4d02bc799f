//! One panel: what the book says there, who is named, where exactly it stands in the book and in its file, and, apart
//! from that, what the editor says of it.

use domain::edit::EditedPanel;
use domain::storyboard::Evidence;
use domain::text::Text;
use yew::prelude::*;

use super::changes::{Around, toggle};
use super::desk::Order;
use super::panel_form::PanelForm;
use super::{Board, select};
use crate::browser;
use crate::i18n::{Tr, use_tr};

#[derive(PartialEq, Properties)]
pub struct Props {
    pub board: Board,
    pub panel: EditedPanel,
    pub around: Around,
    /// The name that panels are chosen by.
    pub chosen: Option<u32>,
    pub on_name: Callback<u32>,
    /// Its form is open.
    pub is_open: bool,
    /// Opens the form of a panel, or closes it.
    pub on_open: Callback<Option<u32>>,
    /// It can be looked at, not changed.
    pub is_fixed: bool,
    pub act: Callback<Order>,
}

#[component]
pub fn PanelCard(props: &Props) -> Html {
    let tr = use_tr();
    let EditedPanel { panel, editor } = &props.panel;
    let (id, mark) = (props.panel.id(), editor.clone().unwrap_or_default());
    let number = tr.number(u64::from(panel.index) + 1);
    let title_id = format!("panel-{}", panel.index + 1);
    let card = use_node_ref();
    let open = {
        let (card, on_open, to) = (card.clone(), props.on_open.clone(), (!props.is_open).then_some(id));
        Callback::from(move |()| {
            on_open.emit(to);
            if let (None, Some(card)) = (to, card.cast::<web_sys::Element>()) {
                browser::focus(&card);
            }
        })
    };
    let on_key = match props.is_fixed {
        true => Callback::noop(),
        false => keys(&props.panel, open.clone(), props.act.clone()),
    };
    let timed = if mark.timed { Text::DurationEdited } else { Text::DurationTitle };
    html! {
        <article ref={card} class={classes!("panel", mark.hidden.then_some("panel-hidden"), props.is_open.then_some("panel-open"))}
            tabindex="-1" aria-labelledby={title_id.clone()} data-panel={id.to_string()} onkeydown={on_key}>
            <header class="panel-head">
                <h5 id={title_id}>{ tr.fill(Text::PanelNumber, &[("n", &number)]) }</h5>
                if panel.dialogue { <span class="dialogue">{ tr.t(Text::Dialogue) }</span> }
                if let Some(shot) = mark.shot { <span class="shot">{ tr.t(shot.text()) }</span> }
                <span class="duration" title={tr.t(timed)}>{ tr.seconds(panel.duration_ms) }</span>
            </header>
            if mark.hidden { <p class="tag hidden-tag">{ tr.t(Text::PanelHidden) }</p> }
            <blockquote lang={props.board.language.tag()}>
                { for panel.evidence.iter().map(|evidence| html! { <p>{ &evidence.text }</p> }) }
            </blockquote>
            if let Some(caption) = &mark.caption {
                <p class="caption">{ caption }<span class="meta">{ tr.t(Text::EditorWords) }</span></p>
            }
            if let Some(note) = &mark.note {
                <p class="note"><strong>{ tr.t(Text::NoteTag) }</strong>{ " " }{ note }</p>
            }
            { names(tr, &props.board, &panel.names, props.chosen, &props.on_name) }
            <div class="panel-foot">
                <details class="evidence">
                    <summary>{ tr.t(Text::Evidence) }</summary>
                    { for panel.evidence.iter().map(|evidence| place(tr, &props.board, evidence)) }
                </details>
                if !props.is_fixed {
                    <button type="button" class="quiet-button panel-edit" aria-expanded={props.is_open.to_string()}
                        aria-label={tr.fill(Text::EditPanelNamed, &[("n", &number)])} onclick={open.reform(|_: MouseEvent| ())}>
                        { tr.t(Text::EditPanel) }
                    </button>
                }
            </div>
            if props.is_open {
                <PanelForm panel={props.panel.clone()} around={props.around} act={props.act.clone()} on_close={open} />
            }
        </article>
    }
}

/// What keys do while the panel itself has the focus.
fn keys(panel: &EditedPanel, open: Callback<()>, act: Callback<Order>) -> Callback<KeyboardEvent> {
    let hide = toggle(panel);
    Callback::from(move |event: KeyboardEvent| {
        let held = event.ctrl_key() || event.alt_key() || event.meta_key();
        if held || browser::is_typing(&event) {
            return;
        }
        match &*event.key() {
            "e" => {
                event.prevent_default();
                open.emit(());
            }
            "h" => act.emit(Order::Edit(vec![hide.clone()])),
            _ => {}
        }
    })
}

/// Names as buttons that choose the panels holding them.
pub fn names(tr: Tr, board: &Board, names: &[u32], chosen: Option<u32>, on_name: &Callback<u32>) -> Html {
    let button = |index: &u32| {
        let index = *index;
        let name = board.names.get(index as usize)?;
        let on_click = on_name.reform(move |_: MouseEvent| index);
        let pressed = (chosen == Some(index)).to_string();
        Some(html! {
            <li><button type="button" class="name" lang={board.language.tag()} aria-pressed={pressed} onclick={on_click}>
                { &name.name }
            </button></li>
        })
    };
    if names.is_empty() {
        return html! {};
    }
    html! { <ul class="names" aria-label={tr.t(Text::Names)}>{ for names.iter().filter_map(button) }</ul> }
}

/// Where a quotation stands.
fn place(tr: Tr, board: &Board, evidence: &Evidence) -> Html {
    let chapter = select::position_of(board, evidence.chapter).map(|position| board.chapter_title(tr, position));
    let range =
        |start: u64, end: u64| tr.fill(Text::ByteRange, &[("start", &tr.number(start)), ("end", &tr.number(end))]);
    html! {
        <dl>
            <div><dt>{ tr.t(Text::EvidenceChapter) }</dt><dd>{ chapter.unwrap_or_else(|| evidence.chapter.to_string()) }</dd></div>
            <div><dt>{ tr.t(Text::EvidenceText) }</dt><dd>{ range(evidence.start.into(), evidence.end.into()) }</dd></div>
            <div>
                <dt>{ tr.t(Text::EvidenceSource) }</dt>
                <dd><code>{ &evidence.source_href }</code>{ " " }{ range(evidence.source_start, evidence.source_end) }</dd>
            </div>
        </dl>
    }
}
