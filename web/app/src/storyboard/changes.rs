//! What can be done to a panel where it stands, and what a form's words amount to as changes. Pure.

use domain::edit::{DURATION_MS, Edit, EditedPanel, EditedScene, Shot};

/// What stands around a panel in its scene, by ids.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Around {
    pub previous: Option<u32>,
    pub next: Option<u32>,
    /// The one after the next.
    after_next: Option<u32>,
}

impl Around {
    /// What stands around `panel` in `scene`, hidden panels included.
    pub fn of(scene: &EditedScene, panel: u32) -> Self {
        let ids: Vec<u32> = scene.panels.iter().map(EditedPanel::id).collect();
        let Some(at) = ids.iter().position(|id| *id == panel) else { return Self::default() };
        let id = |at: usize| ids.get(at).copied();
        Self { previous: at.checked_sub(1).and_then(id), next: id(at + 1), after_next: id(at + 2) }
    }

    /// Before the one before.
    pub fn earlier(&self, panel: u32) -> Option<Edit> {
        self.previous.map(|previous| Edit::Move { panel, before: Some(previous) })
    }

    /// Behind the next.
    pub fn later(&self, panel: u32) -> Option<Edit> {
        self.next.map(|_| Edit::Move { panel, before: self.after_next })
    }

    /// One panel with the next.
    pub fn merge(&self, panel: u32) -> Option<Edit> {
        self.next.map(|with| Edit::Merge { panel, with })
    }
}

/// Hidden if it is shown, shown if it is hidden.
pub fn toggle(panel: &EditedPanel) -> Edit {
    Edit::Hide { panel: panel.id(), hidden: !panel.is_hidden() }
}

/// What a form holds of a panel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    pub caption: String,
    pub note: String,
    pub shot: Option<Shot>,
    /// How long it stands, as somebody writes it; empty for reading speed.
    pub seconds: String,
}

/// The seconds are none that a panel can stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadSeconds;

impl Draft {
    /// What a panel has.
    pub fn of(panel: &EditedPanel) -> Self {
        let mark = panel.editor.clone().unwrap_or_default();
        Self {
            caption: mark.caption.unwrap_or_default(),
            note: mark.note.unwrap_or_default(),
            shot: mark.shot,
            seconds: if mark.timed { written(panel.panel.duration_ms) } else { String::new() },
        }
    }

    /// The changes that make a panel have this.
    pub fn edits(&self, of: &EditedPanel) -> Result<Vec<Edit>, BadSeconds> {
        let (panel, before) = (of.id(), Self::of(of));
        let text = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let mut edits = Vec::new();
        if self.caption.trim() != before.caption {
            edits.push(Edit::Caption { panel, text: text(&self.caption) });
        }
        if self.note.trim() != before.note {
            edits.push(Edit::Note { panel, text: text(&self.note) });
        }
        if self.shot != before.shot {
            edits.push(Edit::Shot { panel, shot: self.shot });
        }
        let ms = milliseconds(&self.seconds)?;
        if ms != milliseconds(&before.seconds)? {
            edits.push(Edit::Duration { panel, ms });
        }
        Ok(edits)
    }
}

/// Milliseconds as seconds, with no more digits than they need.
fn written(ms: u32) -> String {
    let (whole, rest) = (ms / 1_000, ms % 1_000);
    if rest == 0 { whole.to_string() } else { format!("{whole}.{rest:03}").trim_end_matches('0').to_owned() }
}

/// Seconds with a point or a comma; nothing for nothing.
fn milliseconds(text: &str) -> Result<Option<u32>, BadSeconds> {
    let text = text.trim().replace(',', ".");
    if text.is_empty() {
        return Ok(None);
    }
    let seconds: f64 = text.parse().map_err(|_| BadSeconds)?;
    let ms = (seconds * 1_000.0).round();
    let fits = ms >= f64::from(*DURATION_MS.start()) && ms <= f64::from(*DURATION_MS.end());
    if fits { Ok(Some(ms as u32)) } else { Err(BadSeconds) }
}

#[cfg(test)]
mod tests {
    use domain::edit::EditorMark;
    use domain::storyboard::{Boundary, Panel};

    use super::*;

    fn panel(id: u32) -> EditedPanel {
        let panel = Panel { index: id, evidence: Vec::new(), names: Vec::new(), dialogue: false, duration_ms: 2_500 };
        EditedPanel { panel, editor: None }
    }

    fn scene(ids: &[u32]) -> EditedScene {
        let panels = ids.iter().copied().map(panel).collect();
        let (summary, names) = (Vec::new(), Vec::new());
        EditedScene { index: 0, chapter: 0, start: 0, end: 1, boundary: Boundary::Break, summary, names, panels }
    }

    #[test]
    fn a_panel_moves_within_its_scene_and_no_further() {
        let scene = scene(&[4, 9, 2]);
        let first = Around::of(&scene, 4);
        assert_eq!(first.earlier(4), None);
        assert_eq!(first.later(4), Some(Edit::Move { panel: 4, before: Some(2) }));
        let middle = Around::of(&scene, 9);
        assert_eq!(middle.earlier(9), Some(Edit::Move { panel: 9, before: Some(4) }));
        assert_eq!(middle.later(9), Some(Edit::Move { panel: 9, before: None }));
        assert_eq!(middle.merge(9), Some(Edit::Merge { panel: 9, with: 2 }));
        let last = Around::of(&scene, 2);
        assert_eq!((last.later(2), last.merge(2)), (None, None));
    }

    #[test]
    fn a_form_sends_only_what_was_changed() {
        let mut of = panel(3);
        assert_eq!(Draft::of(&of).edits(&of), Ok(Vec::new()));
        let draft = Draft { caption: " Rain. ".into(), shot: Some(Shot::Wide), ..Draft::default() };
        let caption = Edit::Caption { panel: 3, text: Some("Rain.".into()) };
        assert_eq!(draft.edits(&of), Ok(vec![caption, Edit::Shot { panel: 3, shot: Some(Shot::Wide) }]));
        of.editor = Some(EditorMark { id: 7, note: Some("n".into()), timed: true, ..EditorMark::default() });
        assert_eq!(Draft::of(&of).seconds, "2.5");
        let bare = [Edit::Note { panel: 7, text: None }, Edit::Duration { panel: 7, ms: None }];
        assert_eq!(Draft::default().edits(&of), Ok(bare.to_vec()));
    }

    #[test]
    fn seconds_are_read_as_either_language_writes_them() {
        assert_eq!(milliseconds("2,25"), Ok(Some(2_250)));
        assert_eq!(milliseconds(" 120 "), Ok(Some(120_000)));
        for bad in ["0.4", "121", "two", "NaN", "-3"] {
            assert_eq!(milliseconds(bad), Err(BadSeconds), "{bad}");
        }
        assert_eq!(written(2_250), "2.25");
        assert_eq!(written(12_000), "12");
    }
}
