//! The pages of the app, one file each, and what they share.

mod not_found;
mod project;
mod shelf;

pub use not_found::NotFound;
pub use project::ProjectPage;
pub use shelf::Shelf;

use std::cell::Cell;

use yew::prelude::*;

use crate::browser;

thread_local! {
    static PAGES_SHOWN: Cell<u32> = const { Cell::new(0) };
}

/// Names the page in the browser's tab and puts the focus on its heading, so that a screen reader starts there.
/// The heading is the page's `<h1 tabindex="-1">`; `title` is empty while nothing is known yet.
#[hook]
pub fn use_page(title: &str) -> NodeRef {
    let heading = use_node_ref();
    use_effect_with(AttrValue::from(title.to_owned()), |title| {
        browser::set_title(&if title.is_empty() { "Visiobook".to_owned() } else { format!("{title} – Visiobook") });
    });
    {
        let heading = heading.clone();
        let known = !title.is_empty();
        use_effect_with(known, move |known| {
            let shown_before = *known && PAGES_SHOWN.replace(PAGES_SHOWN.get() + 1) > 0;
            // On the very first page the focus stays where the browser puts it.
            if let (true, Some(heading)) = (shown_before, heading.cast::<web_sys::Element>()) {
                browser::focus(&heading);
            }
        });
    }
    heading
}
