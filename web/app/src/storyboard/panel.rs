//! One panel: what the book says there, who is named, and where exactly it stands in the book and in its file.

use domain::storyboard::{Evidence, Panel};
use domain::text::Text;
use yew::prelude::*;

use super::{Board, select};
use crate::i18n::{Tr, use_tr};

#[derive(PartialEq, Properties)]
pub struct Props {
    pub board: Board,
    pub panel: Panel,
    /// The name that panels are chosen by.
    pub chosen: Option<u32>,
    pub on_name: Callback<u32>,
}

#[component]
pub fn PanelCard(props: &Props) -> Html {
    let tr = use_tr();
    let panel = &props.panel;
    let number = tr.number(u64::from(panel.index) + 1);
    let title_id = format!("panel-{}", panel.index + 1);
    html! {
        <article class="panel" tabindex="-1" aria-labelledby={title_id.clone()}>
            <header class="panel-head">
                <h5 id={title_id}>{ tr.fill(Text::PanelNumber, &[("n", &number)]) }</h5>
                if panel.dialogue { <span class="dialogue">{ tr.t(Text::Dialogue) }</span> }
                <span class="duration" title={tr.t(Text::DurationTitle)}>{ tr.seconds(panel.duration_ms) }</span>
            </header>
            <blockquote lang={props.board.language.tag()}>
                { for panel.evidence.iter().map(|evidence| html! { <p>{ &evidence.text }</p> }) }
            </blockquote>
            { names(tr, &props.board, &panel.names, props.chosen, &props.on_name) }
            <details class="evidence">
                <summary>{ tr.t(Text::Evidence) }</summary>
                { for panel.evidence.iter().map(|evidence| place(tr, &props.board, evidence)) }
            </details>
        </article>
    }
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
