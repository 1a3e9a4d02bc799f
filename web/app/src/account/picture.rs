//! The picture of an account: shown at the top of every page, chosen and removed on the account's own.

use std::rc::Rc;

use domain::belongings::AVATAR_MAX_BYTES;
use domain::text::Text;
use web_sys::{File, HtmlInputElement};
use yew::prelude::*;

use crate::api;
use crate::asked::{use_asked, use_errands};
use crate::browser::{self, ObjectUrl};
use crate::i18n::use_tr;

const KINDS: &str = "image/png,image/jpeg,image/webp";

/// One's own picture, or the initial of one's name.
#[derive(PartialEq, Properties)]
pub struct FaceProps {
    pub name: String,
    /// As the account's own page shows it.
    #[prop_or_default]
    pub large: bool,
}

#[hook]
fn use_picture() -> Rc<Option<ObjectUrl>> {
    let picture = use_asked((), |()| api::picture());
    let bytes = picture.here().cloned().flatten();
    use_memo(bytes, |bytes| bytes.as_ref().and_then(|bytes| ObjectUrl::of_bytes(bytes, "image/jpeg")))
}

#[component]
pub fn Face(props: &FaceProps) -> Html {
    let picture = use_picture();
    let large = props.large.then_some("face-large");
    match &*picture {
        Some(url) => {
            html! { <img class={classes!("face", large)} src={url.as_str().to_owned()} alt="" width="32" height="32" /> }
        }
        None => {
            let initial: String = props.name.chars().take(1).flat_map(char::to_uppercase).collect();
            html! { <span class={classes!("account-initial", large)} aria-hidden="true">{ initial }</span> }
        }
    }
}

#[derive(PartialEq, Properties)]
pub struct Props {
    pub name: String,
}

/// Where the picture is chosen and removed.
#[component]
pub fn PictureSection(props: &Props) -> Html {
    let (tr, errands, picture) = (use_tr(), use_errands(), use_picture());
    let choose = {
        let errands = errands.clone();
        Callback::from(move |event: Event| {
            let input = event.target_unchecked_into::<HtmlInputElement>();
            let file: Option<File> = input.files().and_then(|files| files.get(0));
            // The same file may be chosen again.
            input.set_value("");
            let Some(file) = file else { return };
            if file.size() > AVATAR_MAX_BYTES as f64 {
                return errands.refuse(tr.t(Text::PictureTooBig).to_owned());
            }
            errands.run(api::put_picture(file), tr.t(Text::PictureSaved).to_owned(), || {});
        })
    };
    let remove = Callback::from(move |_: MouseEvent| {
        errands.end(api::remove_picture(), tr.t(Text::PictureRemoved).to_owned(), || {
            browser::focus_first("#picture-input")
        });
    });
    html! {
        <section id="picture" class="card" aria-labelledby="picture-title">
            <h2 id="picture-title">{ tr.t(Text::PictureTitle) }</h2>
            <p>{ tr.t(Text::PictureLead) }</p>
            <div class="picture-acts">
                <Face name={props.name.clone()} large=true />
                <div class="chooser">
                    <input id="picture-input" type="file" accept={KINDS} aria-label={tr.t(Text::PictureChoose)} onchange={choose} />
                    <span class="button" aria-hidden="true">{ tr.t(Text::PictureChoose) }</span>
                </div>
                if picture.is_some() {
                    <button type="button" id="picture-remove" class="button" onclick={remove}>{ tr.t(Text::PictureRemove) }</button>
                }
            </div>
        </section>
    }
}
