//! The few things that the app asks of the browser itself. What a browser may withhold (storage in a private
//! window, say) is an `Option` or passes silently here, since the page works without it.

use js_sys::Array;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Document, Element, HtmlElement, Window};

/// The window. There is always one: the app runs in a page, never in a worker.
pub fn window() -> Window {
    web_sys::window().expect("the app runs in a page")
}

pub fn document() -> Document {
    window().document().expect("a page has a document")
}

pub fn set_document_language(tag: &str) {
    if let Some(html) = document().document_element() {
        // Refused only for names that are no attribute names.
        let _ = html.set_attribute("lang", tag);
    }
}

pub fn set_title(title: &str) {
    document().set_title(title);
}

/// What stands behind `#` in the page's address if it begins with `start`. It is taken out of the address at once, so
/// that neither the history nor a copied address has it.
pub fn take_fragment(start: &str) -> Option<String> {
    let location = window().location();
    let fragment = location.hash().unwrap_or_default().trim_start_matches('#').to_owned();
    if !fragment.starts_with(start) {
        return None;
    }
    let bare = format!("{}{}", path(), location.search().unwrap_or_default());
    if let Ok(history) = window().history() {
        // Refused for addresses of other sites only.
        let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&bare));
    }
    Some(fragment)
}

/// Path of the page's address.
pub fn path() -> String {
    window().location().pathname().unwrap_or_default()
}

/// Languages that the visitor's browser asks for, first choice first.
pub fn languages() -> Array {
    window().navigator().languages()
}

/// What `remember` kept under `key`, if the browser kept it.
pub fn recall(key: &str) -> Option<String> {
    window().local_storage().ok()??.get_item(key).ok()?
}

/// Keeps `value` for the next visit, where the browser lets us.
pub fn remember(key: &str, value: &str) {
    if let Ok(Some(storage)) = window().local_storage() {
        // A full or forbidden store only means that the choice is made again next time.
        let _ = storage.set_item(key, value);
    }
}

/// The page can be seen; a hidden one needs no fresh data.
pub fn is_visible() -> bool {
    document().visibility_state() == web_sys::VisibilityState::Visible
}

/// The browser itself knows that it has no network.
pub fn is_offline() -> bool {
    !window().navigator().on_line()
}

/// There is room for a column beside the text.
pub fn is_wide() -> bool {
    window().inner_width().ok().and_then(|width| width.as_f64()).is_some_and(|width| width >= 960.0)
}

/// As it stands in an address.
pub fn escaped(text: &str) -> String {
    js_sys::encode_uri_component(text).into()
}

/// Base64 of some bytes.
pub fn base64(bytes: &[u8]) -> String {
    let latin: String = bytes.iter().copied().map(char::from).collect();
    // Refused only for characters above U+00FF, and bytes are none.
    window().btoa(&latin).unwrap_or_default()
}

/// Nothing has the keyboard's focus: what had it is gone.
pub fn focus_is_lost() -> bool {
    let document = document();
    let body = document.body().map(web_sys::Element::from);
    document.active_element().is_none_or(|active| Some(active) == body)
}

/// Puts the focus on a title, which the keyboard comes to in no other way.
pub fn focus_title(css: &str) {
    if let Ok(Some(title)) = document().query_selector(css) {
        // Refused only for names that are no attribute names.
        let _ = title.set_attribute("tabindex", "-1");
        focus(&title);
    }
}

/// Puts the keyboard's focus on the first element that fits `css`, if there is one.
pub fn focus_first(css: &str) {
    if let Ok(Some(element)) = document().query_selector(css) {
        focus(&element);
    }
}

/// The panel that has the keyboard's focus, and which of its buttons does.
pub fn panel_in_focus() -> Option<(String, String)> {
    let active = document().active_element()?;
    let panel = active.closest("[data-panel]").ok()??.get_attribute("data-panel")?;
    Some((panel, active.get_attribute("data-act").unwrap_or_default()))
}

/// Letters are being typed where `event` happened, or a question waits there: keys keep their own meaning.
pub fn is_typing(event: &web_sys::KeyboardEvent) -> bool {
    let at = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    at.is_some_and(|at| at.closest("input, textarea, select, dialog").ok().flatten().is_some())
}

/// Puts the keyboard's focus on `element`.
pub fn focus(element: &Element) {
    if let Some(element) = element.dyn_ref::<HtmlElement>() {
        // Fails for detached elements only, where there is nothing to focus.
        let _ = element.focus();
    }
}

/// Puts words where the visitor pastes from. `false` where the browser does not let us: over plain HTTP, say.
pub async fn copy(text: &str) -> bool {
    let navigator = window().navigator();
    let clipboard = js_sys::Reflect::get(&navigator, &"clipboard".into());
    if clipboard.is_ok_and(|clipboard| clipboard.is_undefined()) {
        return false;
    }
    wasm_bindgen_futures::JsFuture::from(navigator.clipboard().write_text(text)).await.is_ok()
}

/// Selects all that an element shows.
pub fn select(element: &Element) {
    if let Ok(Some(selection)) = window().get_selection() {
        // Refused for kinds of nodes only that are no elements.
        let _ = selection.select_all_children(element);
    }
}

/// An address of something that the page made, until it is dropped.
#[derive(PartialEq)]
pub struct ObjectUrl(String);

impl ObjectUrl {
    /// Of a text; `None` where the browser gives none.
    pub fn of_text(text: &str) -> Option<Self> {
        let parts = Array::of1(&JsValue::from_str(text));
        let blob = web_sys::Blob::new_with_str_sequence(&parts).ok()?;
        web_sys::Url::create_object_url_with_blob(&blob).ok().map(Self)
    }

    /// Of bytes of a kind; `None` where the browser gives none.
    pub fn of_bytes(bytes: &[u8], kind: &str) -> Option<Self> {
        let parts = Array::of1(&js_sys::Uint8Array::from(bytes));
        let options = web_sys::BlobPropertyBag::new();
        options.set_type(kind);
        let blob = web_sys::Blob::new_with_u8_array_sequence_and_options(&parts, &options).ok()?;
        web_sys::Url::create_object_url_with_blob(&blob).ok().map(Self)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Drop for ObjectUrl {
    fn drop(&mut self) {
        // Refused for what is no such address only.
        let _ = web_sys::Url::revoke_object_url(&self.0);
    }
}

/// Leaves the page for another address.
pub fn leave(url: &str) {
    // Refused for malformed addresses only: the page stays.
    let _ = window().location().assign(url);
}

/// What time it is, milliseconds since 1970 UTC, by the visitor's clock.
pub fn now_ms() -> u64 {
    js_sys::Date::now() as u64
}
