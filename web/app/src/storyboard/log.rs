//! The history of a storyboard's changes, newest first.

use domain::edit::{Edit, EditEntry, EditVersion, Shot};
use domain::text::Text;
use web_sys::HtmlDetailsElement;
use yew::platform::spawn_local;
use yew::prelude::*;

use super::{Board, Place};
use crate::api;
use crate::connection::use_connection;
use crate::i18n::{Tr, use_tr};

/// Entries that are fetched at a time.
const PAGE: u64 = 50;

#[derive(PartialEq, Properties)]
pub struct Props {
    pub place: Place,
    pub board: Board,
    /// The earlier version that is looked at.
    pub past: Option<u64>,
    /// The newest version.
    pub versions: u64,
    /// Asks for an earlier version, or for the newest again.
    pub look: Callback<Option<u64>>,
}

#[component]
pub fn History(props: &Props) -> Html {
    let tr = use_tr();
    let open = use_state_eq(|| false);
    let version = props.versions;
    let (entries, earlier) = use_log(props.place, version, *open);
    let on_toggle = {
        let open = open.clone();
        Callback::from(move |event: Event| open.set(event.target_unchecked_into::<HtmlDetailsElement>().open()))
    };
    let see = |of: u64, label: Html, name: Option<String>| {
        let wanted = (of != version).then_some(of);
        let is_shown = props.past.unwrap_or(version) == of;
        html! {
            <button type="button" class="quiet-button see" data-version={of.to_string()} aria-label={name}
                aria-pressed={is_shown.to_string()} onclick={props.look.reform(move |_: MouseEvent| wanted)}>{ label }</button>
        }
    };
    let entry = |entry: &EditVersion| {
        let name = tr.fill(Text::PastSeeNamed, &[("n", &tr.number(entry.version))]);
        html! {
            <li key={entry.version}>
                <p>{ entry_text(tr, &entry.entry, |panel| props.board.number_of(panel)) }</p>
                <p class="meta">{ tr.moment(entry.at_ms) }</p>
                { see(entry.version, html! { tr.t(Text::PastSee) }, Some(name)) }
            </li>
        }
    };
    let has_earlier = entries.last().is_some_and(|oldest| oldest.version > 1);
    html! {
        <details id="edit-history" class="edit-history" ontoggle={on_toggle}>
            <summary>{ tr.t(Text::ChangesTitle) }</summary>
            if version == 0 {
                <p class="quiet">{ tr.t(Text::ChangesEmpty) }</p>
            }
            <ol class="feed">{ for entries.iter().map(entry) }</ol>
            if !entries.is_empty() && !has_earlier {
                { see(0, html! { tr.t(Text::PastSeeComposed) }, None) }
            }
            if has_earlier {
                <button type="button" class="button more" onclick={earlier.reform(|_: MouseEvent| ())}>{ tr.t(Text::ChangesMore) }</button>
            }
        </details>
    }
}

/// The newest entries up to `version`, newest first, while they are shown; the callback fetches earlier ones.
#[hook]
fn use_log(place: Place, version: u64, open: bool) -> (Vec<EditVersion>, Callback<()>) {
    let connection = use_connection();
    let entries = use_state_eq(Vec::<EditVersion>::new);
    // Those after `from` up to `to`, put behind `newer`.
    let fetch = {
        let entries = entries.clone();
        move |to: u64, newer: Vec<EditVersion>| {
            let (entries, connection) = (entries.clone(), connection.clone());
            let from = to.saturating_sub(PAGE);
            spawn_local(async move {
                match api::edits(place.id, place.run, from, (to - from).max(1)).await {
                    Ok(page) => entries.set(newer.into_iter().chain(page.entries.into_iter().rev()).collect()),
                    Err(error) => connection.heed(&error),
                }
            });
        }
    };
    {
        let fetch = fetch.clone();
        use_effect_with((version, open), move |(version, open)| {
            if *open && *version > 0 {
                fetch(*version, Vec::new());
            }
        });
    }
    let earlier = {
        let entries = entries.clone();
        Callback::from(move |()| {
            if let Some(oldest) = entries.last() {
                fetch(oldest.version - 1, (*entries).clone());
            }
        })
    };
    ((*entries).clone(), earlier)
}

/// What an entry did, in a line. Panels are told by the numbers that they have now.
fn entry_text(tr: Tr, entry: &EditEntry, number_of: impl Fn(u32) -> Option<u32>) -> String {
    let edit = match entry {
        EditEntry::Undo => return tr.t(Text::LogUndo).to_owned(),
        EditEntry::Redo => return tr.t(Text::LogRedo).to_owned(),
        EditEntry::Edit { edit } => edit,
    };
    let name = |panel: &u32| match number_of(*panel) {
        Some(number) => tr.fill(Text::LogPanel, &[("n", &tr.number(number.into()))]),
        None => tr.t(Text::LogPanelGone).to_owned(),
    };
    let of = |text: Text, panel: &u32, more: (&str, &str)| tr.fill(text, &[("panel", &name(panel)), more]);
    let bare = |text: Text, panel: &u32| of(text, panel, ("", ""));
    let said = match edit {
        Edit::Caption { panel, text: Some(text) } => of(Text::LogCaption, panel, ("text", text)),
        Edit::Caption { panel, text: None } => bare(Text::LogNoCaption, panel),
        Edit::Note { panel, text: Some(text) } => of(Text::LogNote, panel, ("text", text)),
        Edit::Note { panel, text: None } => bare(Text::LogNoNote, panel),
        Edit::Shot { panel, shot } => {
            let shot = tr.t(shot.map_or(Text::EditShotNone, Shot::text));
            of(Text::LogShot, panel, ("shot", shot))
        }
        Edit::Duration { panel, ms: Some(ms) } => of(Text::LogDuration, panel, ("time", &tr.seconds(*ms))),
        Edit::Duration { panel, ms: None } => bare(Text::LogNoDuration, panel),
        Edit::Hide { panel, hidden } => bare(if *hidden { Text::LogHide } else { Text::LogShow }, panel),
        Edit::Move { panel, .. } => bare(Text::LogMove, panel),
        Edit::Merge { panel, .. } => bare(Text::LogMerge, panel),
        Edit::Split { panel, .. } => bare(Text::LogSplit, panel),
    };
    let mut letters = said.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use domain::language::Language;

    use super::*;

    #[test]
    fn a_change_is_told_by_the_number_that_its_panel_has_now() {
        let text = |edit: Edit| {
            let numbers = |panel: u32| (panel != 9).then_some(panel + 100);
            entry_text(Tr(Language::En), &EditEntry::Edit { edit }, numbers)
        };
        assert_eq!(text(Edit::Hide { panel: 4, hidden: true }), "Panel 104 hidden from readers");
        assert_eq!(text(Edit::Caption { panel: 4, text: Some("Rain".into()) }), "Caption of panel 104: “Rain”");
        assert_eq!(text(Edit::Merge { panel: 9, with: 4 }), "A former panel joined with the next");
        assert_eq!(text(Edit::Shot { panel: 4, shot: None }), "Shot of panel 104: open");
    }
}
