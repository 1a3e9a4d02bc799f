//! The form in which a panel is worked on: what the editor says of it, and where it stands.

use domain::edit::{Edit, EditedPanel, Shot, TEXT_MAX_CHARS};
use domain::text::Text;
use web_sys::{HtmlInputElement, HtmlSelectElement, HtmlTextAreaElement, KeyboardEvent, SubmitEvent};
use yew::prelude::*;

use super::changes::{Around, Draft, toggle};
use super::desk::Order;
use crate::browser;
use crate::i18n::{Tr, use_tr};

#[derive(PartialEq, Properties)]
pub struct Props {
    pub panel: EditedPanel,
    pub around: Around,
    pub act: Callback<Order>,
    pub on_close: Callback<()>,
}

#[component]
pub fn PanelForm(props: &Props) -> Html {
    let tr = use_tr();
    let draft = use_state_eq(|| Draft::of(&props.panel));
    let is_bad = use_state_eq(|| false);
    {
        let draft = draft.setter();
        // Undone, redone or changed by somebody else: the form shows what is so.
        use_effect_with(Draft::of(&props.panel), move |now| draft.set(now.clone()));
    }
    use_effect_with((), |()| browser::focus_first("#panel-caption"));
    let save = {
        let (draft, is_bad, act, panel) = (draft.clone(), is_bad.clone(), props.act.clone(), props.panel.clone());
        Callback::from(move |()| {
            let edits = draft.edits(&panel);
            is_bad.set(edits.is_err());
            if let Some(edits) = edits.ok().filter(|edits| !edits.is_empty()) {
                act.emit(Order::Edit(edits));
            }
        })
    };
    let on_key = {
        let (save, on_close) = (save.clone(), props.on_close.clone());
        Callback::from(move |event: KeyboardEvent| match &*event.key() {
            "Escape" => on_close.emit(()),
            "Enter" if event.ctrl_key() || event.meta_key() => save.emit(()),
            _ => {}
        })
    };
    let on_submit = save.reform(|event: SubmitEvent| event.prevent_default());
    let n = tr.number(u64::from(props.panel.panel.index) + 1);
    html! {
        <form class="form panel-form" aria-label={tr.fill(Text::EditPanelNamed, &[("n", &n)])} onsubmit={on_submit} onkeydown={on_key}>
            { said(tr, &draft, *is_bad) }
            <div class="form-buttons">
                <button type="submit" class="button button-main panel-save">{ tr.t(Text::Save) }</button>
                <button type="button" class="button" onclick={props.on_close.reform(|_: MouseEvent| ())}>{ tr.t(Text::Close) }</button>
            </div>
            { acts(tr, props) }
        </form>
    }
}

/// What the editor says of the panel.
fn said(tr: Tr, draft: &UseStateHandle<Draft>, is_bad: bool) -> Html {
    let area = |id: &'static str, label: Text, hint: Text, value: &str, put: fn(&mut Draft, String)| {
        let on_input = {
            let draft = draft.clone();
            Callback::from(move |event: InputEvent| {
                let mut changed = (*draft).clone();
                put(&mut changed, event.target_unchecked_into::<HtmlTextAreaElement>().value());
                draft.set(changed);
            })
        };
        html! {
            <div class="field">
                <label for={id}>{ tr.t(label) }</label>
                <textarea {id} rows="2" maxlength={TEXT_MAX_CHARS.to_string()} aria-describedby={format!("{id}-hint")}
                    value={value.to_owned()} oninput={on_input} />
                <p id={format!("{id}-hint")} class="meta">{ tr.t(hint) }</p>
            </div>
        }
    };
    let on_shot = {
        let draft = draft.clone();
        Callback::from(move |event: Event| {
            let chosen = event.target_unchecked_into::<HtmlSelectElement>().value().parse::<usize>().ok();
            draft.set(Draft { shot: chosen.and_then(|at| Shot::ALL.get(at)).copied(), ..(*draft).clone() });
        })
    };
    let on_seconds = {
        let draft = draft.clone();
        Callback::from(move |event: InputEvent| {
            draft.set(Draft { seconds: event.target_unchecked_into::<HtmlInputElement>().value(), ..(*draft).clone() });
        })
    };
    let hint = if is_bad { Text::EditSecondsBad } else { Text::EditSecondsHint };
    html! {
        <>
            { area("panel-caption", Text::EditCaption, Text::EditCaptionHint, &draft.caption, |draft, text| draft.caption = text) }
            { area("panel-note", Text::EditNote, Text::EditNoteHint, &draft.note, |draft, text| draft.note = text) }
            <div class="field-pairs">
                <div class="field">
                    <label for="panel-shot">{ tr.t(Text::EditShot) }</label>
                    <select id="panel-shot" onchange={on_shot}>
                        <option value="" selected={draft.shot.is_none()}>{ tr.t(Text::EditShotNone) }</option>
                        { for Shot::ALL.into_iter().enumerate().map(|(at, shot)| html! {
                            <option value={at.to_string()} selected={draft.shot == Some(shot)}>{ tr.t(shot.text()) }</option>
                        }) }
                    </select>
                </div>
                <div class="field">
                    <label for="panel-seconds">{ tr.t(Text::EditSeconds) }</label>
                    <input id="panel-seconds" inputmode="decimal" autocomplete="off" aria-describedby="panel-seconds-hint"
                        aria-invalid={is_bad.to_string()} value={draft.seconds.clone()} oninput={on_seconds} />
                    <p id="panel-seconds-hint" class={if is_bad { "meta bad" } else { "meta" }} role={is_bad.then_some("alert")}>{ tr.t(hint) }</p>
                </div>
            </div>
        </>
    }
}

/// Where the panel stands, and whether readers see it.
fn acts(tr: Tr, props: &Props) -> Html {
    let id = props.panel.id();
    let button = |name: &'static str, label: Text, edit: Option<Edit>| {
        let is_off = edit.is_none();
        let act = props.act.clone();
        let on_click = Callback::from(move |_: MouseEvent| {
            if let Some(edit) = edit.clone() {
                act.emit(Order::Edit(vec![edit]));
            }
        });
        html! {
            <button type="button" class="button" data-act={name} aria-disabled={is_off.to_string()} onclick={on_click}>{ tr.t(label) }</button>
        }
    };
    let hide = if props.panel.is_hidden() { Text::EditShow } else { Text::EditHide };
    html! {
        <fieldset class="panel-acts">
            <legend>{ tr.t(Text::EditOrder) }</legend>
            { button("hide", hide, Some(toggle(&props.panel))) }
            { button("earlier", Text::EditEarlier, props.around.earlier(id)) }
            { button("later", Text::EditLater, props.around.later(id)) }
            { button("merge", Text::EditMerge, props.around.merge(id)) }
            if props.panel.panel.evidence.len() > 1 {
                <Split panel={id} quotations={props.panel.panel.evidence.len()} act={props.act.clone()} />
            }
        </fieldset>
    }
}

#[derive(PartialEq, Properties)]
struct SplitProps {
    panel: u32,
    quotations: usize,
    act: Callback<Order>,
}

/// Divides a panel after one of its quotations.
#[component]
fn Split(props: &SplitProps) -> Html {
    let tr = use_tr();
    let chosen = use_state_eq(|| 1_u32);
    // Another panel's quotations may be fewer.
    let at = (*chosen).min(u32::try_from(props.quotations - 1).unwrap_or(1));
    let on_change = {
        let chosen = chosen.clone();
        Callback::from(move |event: Event| {
            chosen.set(event.target_unchecked_into::<HtmlSelectElement>().value().parse().unwrap_or(1));
        })
    };
    let on_split = {
        let (act, panel) = (props.act.clone(), props.panel);
        Callback::from(move |_: MouseEvent| act.emit(Order::Edit(vec![Edit::Split { panel, at }])))
    };
    html! {
        <div class="split">
            <label for="panel-split">{ tr.t(Text::EditSplitAt) }</label>
            <select id="panel-split" onchange={on_change}>
                { for (1..props.quotations).map(|n| html! {
                    <option value={n.to_string()} selected={n as u32 == at}>{ tr.number(n as u64) }</option>
                }) }
            </select>
            <button type="button" class="button" data-act="split" onclick={on_split}>{ tr.t(Text::EditSplit) }</button>
        </div>
    }
}
