//! Something that is shown this once: to be copied or kept as a file.

use domain::text::Text;
use yew::platform::spawn_local;
use yew::prelude::*;

use crate::browser::{self, ObjectUrl};
use crate::dialog::Dialog;
use crate::i18n::{Tr, use_tr};

#[derive(PartialEq, Properties)]
pub struct Props {
    pub id: &'static str,
    /// What it is.
    pub label: Text,
    pub lines: Vec<String>,
    /// What its file is called, if it can be kept as one.
    #[prop_or_default]
    pub file: Option<&'static str>,
}

/// What became of copying.
#[derive(Clone, Copy, PartialEq)]
enum Copied {
    Not,
    Done,
    /// The browser does not let us: it is selected instead.
    Selected,
}

#[component]
pub fn Once(props: &Props) -> Html {
    let (tr, shown) = (use_tr(), use_node_ref());
    let copied = use_state_eq(|| Copied::Not);
    let text = props.lines.join("\n");
    let url = {
        let named = props.file.is_some();
        use_memo((text.clone(), named), |(text, named)| {
            named.then(|| ObjectUrl::of_text(&format!("{text}\n"))).flatten()
        })
    };
    let on_copy = {
        let (copied, shown) = (copied.clone(), shown.clone());
        Callback::from(move |_: MouseEvent| {
            let (copied, shown, text) = (copied.clone(), shown.clone(), text.clone());
            spawn_local(async move {
                if browser::copy(&text).await {
                    return copied.set(Copied::Done);
                }
                if let Some(shown) = shown.cast::<web_sys::Element>() {
                    browser::select(&shown);
                }
                copied.set(Copied::Selected);
            });
        })
    };
    let told = match *copied {
        Copied::Not => None,
        Copied::Done => Some(Text::CopyDone),
        Copied::Selected => Some(Text::CopySelected),
    };
    html! {
        <div id={props.id} class="once" role="group" aria-label={tr.t(props.label)}>
            <ul ref={shown} class="once-lines">{ for props.lines.iter().map(|line| html! { <li><code>{ line }</code></li> }) }</ul>
            <div class="once-acts">
                <button type="button" id={format!("{}-copy", props.id)} class="button" onclick={on_copy}>{ tr.t(Text::Copy) }</button>
                if let (Some(file), Some(url)) = (props.file, url.as_ref()) {
                    <a id={format!("{}-file", props.id)} class="button" href={url.as_str().to_owned()} download={file}>{ tr.t(Text::KeepAsFile) }</a>
                }
                <span class="meta" role="status">{ told.map(|told| tr.t(told)) }</span>
            </div>
        </div>
    }
}

/// A dialog with something that is shown this once. Nothing but its button closes it.
///
/// It is no component: in the place of another dialog it is that one with other words, and the focus stays inside.
pub struct Keep {
    pub id: &'static str,
    pub title: String,
    pub lead: Text,
    /// That it is not shown again.
    pub warning: Text,
    /// What is to be kept.
    pub once: Html,
    /// The button: its id, what it says, what it does.
    pub kept: (&'static str, Text, Callback<()>),
}

impl Keep {
    pub fn html(self, tr: Tr) -> Html {
        let (id, label, on_kept) = self.kept;
        html! {
            <Dialog id={self.id} title={self.title}>
                <p>{ tr.t(self.lead) }</p>
                <p class="notice notice-warn">{ tr.t(self.warning) }</p>
                { self.once }
                <div class="dialog-buttons">
                    <button type="button" {id} class="button button-main" onclick={on_kept.reform(|_: MouseEvent| ())}>{ tr.t(label) }</button>
                </div>
            </Dialog>
        }
    }
}
