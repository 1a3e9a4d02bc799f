//! Moving between panels by key: j and k anywhere on the page, the arrows once a panel has the focus (elsewhere
//! they scroll, as everyone expects).

use gloo_events::{EventListener, EventListenerOptions};
use wasm_bindgen::JsCast;
use web_sys::{Element, KeyboardEvent};
use yew::prelude::*;

use crate::browser;

/// Which way to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Next,
    Previous,
}

/// What a key means.
fn step(key: &str, in_panel: bool) -> Option<Step> {
    match key {
        "j" => Some(Step::Next),
        "k" => Some(Step::Previous),
        "ArrowDown" | "ArrowRight" if in_panel => Some(Step::Next),
        "ArrowUp" | "ArrowLeft" if in_panel => Some(Step::Previous),
        _ => None,
    }
}

/// Where a step leads among `count` panels; nothing past either end.
fn target(step: Step, current: Option<usize>, first_in_view: usize, count: usize) -> Option<usize> {
    match (step, current) {
        (_, None) => (first_in_view < count).then_some(first_in_view),
        (Step::Next, Some(current)) => (current + 1 < count).then_some(current + 1),
        (Step::Previous, Some(current)) => current.checked_sub(1),
    }
}

/// Listens for the keys; `past_end` is told of a step that leads past the panels that are shown.
#[hook]
pub fn use_panel_keys(past_end: Callback<Step>) {
    use_effect_with(past_end, |past_end| {
        let past_end = past_end.clone();
        let options = EventListenerOptions::enable_prevent_default();
        let listener = EventListener::new_with_options(&browser::document(), "keydown", options, move |event| {
            let Some(event) = event.dyn_ref::<KeyboardEvent>() else { return };
            let Some(step) = wanted(event) else { return };
            event.prevent_default();
            if !go(step) {
                past_end.emit(step);
            }
        });
        move || drop(listener)
    });
}

/// Puts the focus on the first or the last of the panels that are shown.
pub fn focus_end(step: Step) {
    let panels = panels();
    let panel = match step {
        Step::Next => panels.first(),
        Step::Previous => panels.last(),
    };
    if let Some(panel) = panel {
        browser::focus(panel);
    }
}

/// Which way to go in the history of changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Undo,
    Redo,
}

/// What a key means with Ctrl, or the command key, held.
fn way(key: &str, shift: bool) -> Option<Way> {
    match (key, shift) {
        ("z", false) => Some(Way::Undo),
        ("z" | "Z", true) | ("y", false) => Some(Way::Redo),
        _ => None,
    }
}

/// Listens for undo and redo. Where letters are typed they stay the field's own.
#[hook]
pub fn use_turn_keys(turned: Callback<Way>) {
    use_effect_with(turned, |turned| {
        let turned = turned.clone();
        let options = EventListenerOptions::enable_prevent_default();
        let listener = EventListener::new_with_options(&browser::document(), "keydown", options, move |event| {
            let Some(event) = event.dyn_ref::<KeyboardEvent>() else { return };
            if !(event.ctrl_key() || event.meta_key()) || event.alt_key() || browser::is_typing(event) {
                return;
            }
            if let Some(way) = way(&event.key(), event.shift_key()) {
                event.prevent_default();
                turned.emit(way);
            }
        });
        move || drop(listener)
    });
}

fn wanted(event: &KeyboardEvent) -> Option<Step> {
    if event.ctrl_key() || event.alt_key() || event.meta_key() || browser::is_typing(event) {
        return None;
    }
    let at = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    let in_panel = at.is_some_and(|at| at.closest(".panel").ok().flatten().is_some());
    step(&event.key(), in_panel)
}

fn go(step: Step) -> bool {
    let panels = panels();
    let active = browser::document().active_element();
    let current = panels.iter().position(|panel| panel.contains(active.as_deref()));
    let in_view = |panel: &Element| panel.get_bounding_client_rect().bottom() > 0.0;
    let first_in_view = panels.iter().position(in_view).unwrap_or_default();
    let panel = target(step, current, first_in_view, panels.len()).and_then(|index| panels.get(index));
    if let Some(panel) = panel {
        browser::focus(panel);
    }
    panel.is_some()
}

fn panels() -> Vec<Element> {
    let Ok(found) = browser::document().query_selector_all("#storyboard .panel") else { return Vec::new() };
    (0..found.length()).filter_map(|i| found.get(i)?.dyn_into().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrows_move_between_panels_only_from_within_one() {
        assert_eq!(step("j", false), Some(Step::Next));
        assert_eq!(step("k", true), Some(Step::Previous));
        assert_eq!(step("ArrowDown", true), Some(Step::Next));
        assert_eq!(step("ArrowDown", false), None);
        assert_eq!(step("Tab", true), None);
    }

    #[test]
    fn undo_and_redo_have_the_keys_that_everyone_knows() {
        assert_eq!(way("z", false), Some(Way::Undo));
        assert_eq!(way("Z", true), Some(Way::Redo));
        assert_eq!(way("y", false), Some(Way::Redo));
        assert_eq!(way("x", false), None);
    }

    #[test]
    fn the_first_step_takes_the_panel_in_view() {
        assert_eq!(target(Step::Next, None, 3, 8), Some(3));
        assert_eq!(target(Step::Previous, None, 0, 0), None);
    }

    #[test]
    fn a_step_past_either_end_leads_nowhere() {
        assert_eq!(target(Step::Next, Some(6), 0, 8), Some(7));
        assert_eq!(target(Step::Next, Some(7), 0, 8), None);
        assert_eq!(target(Step::Previous, Some(0), 0, 8), None);
    }
}
