//! Taking files: dropped anywhere on the page, or chosen with a button; sent in parts that survive a lost line, a node
//! that starts anew and a page that is loaded again.

mod center;
mod kept;
mod machine;
mod part;
mod pending;

pub use center::{Center, Job, Phase, Target, UploadProvider, use_uploads};

use domain::text::Text;
use gloo_events::{EventListener, EventListenerOptions};
use wasm_bindgen::JsCast;
use web_sys::{DragEvent, File, FileList, HtmlInputElement};
use yew::prelude::*;

use crate::api::ApiError;
use crate::browser;
use crate::i18n::{Tr, use_tr};
use crate::node_info::use_node_info;
use pending::Pending;

#[derive(PartialEq, Properties)]
pub struct Props {
    pub target: Target,
}

/// Why chosen files are not even sent.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Unfit {
    Nothing,
    Several,
    Empty,
    TooLarge { limit_bytes: u64 },
}

impl Unfit {
    fn message(self, tr: Tr) -> String {
        match self {
            Self::Nothing => tr.t(Text::UploadNoFile).to_owned(),
            Self::Several => tr.t(Text::UploadSeveral).to_owned(),
            Self::Empty => tr.t(Text::UploadEmptyFile).to_owned(),
            Self::TooLarge { limit_bytes } => tr.fill(Text::UploadTooLarge, &[("limit", &tr.bytes(limit_bytes))]),
        }
    }
}

/// Whether files of these sizes can be sent as one book. The format is for the node to judge: names lie.
fn fit(sizes: &[u64], limit_bytes: Option<u64>) -> Result<(), Unfit> {
    match (sizes, limit_bytes) {
        ([], _) => Err(Unfit::Nothing),
        ([0], _) => Err(Unfit::Empty),
        ([size], Some(limit_bytes)) if *size > limit_bytes => Err(Unfit::TooLarge { limit_bytes }),
        ([_], _) => Ok(()),
        _ => Err(Unfit::Several),
    }
}

#[component]
pub fn UploadPanel(props: &Props) -> Html {
    let tr = use_tr();
    let node = use_node_info();
    let Center { job, send, cancel, retry } = use_uploads();
    let unfit = use_state_eq(|| None::<Unfit>);
    let dragging = use_state_eq(|| false);
    let target = props.target;

    let take = {
        let unfit = unfit.clone();
        let limit_bytes = node.as_ref().map(|node| node.upload_limit_bytes);
        Callback::from(move |files: Vec<File>| {
            let sizes: Vec<u64> = files.iter().map(|file| file.size() as u64).collect();
            unfit.set(fit(&sizes, limit_bytes).err());
            if let (Ok(()), Some(file)) = (fit(&sizes, limit_bytes), files.into_iter().next()) {
                send.emit((target, file));
            }
        })
    };
    let under_way = job.as_ref().filter(|job| !job.is_stopped());
    use_drop_anywhere(under_way.is_some(), dragging.setter(), take.clone());

    let stopped = job.as_ref().filter(|job| job.target == target).and_then(|job| match &job.phase {
        Phase::Stopped { error, keep } => Some((error.message(tr), *keep)),
        _ => None,
    });
    let refusal = unfit.map(|unfit| (unfit.message(tr), false)).or(stopped);
    let endings = node.map_or_else(String::new, |node| node.formats.join(","));
    let look = match (under_way, &refusal) {
        _ if *dragging => "drop-zone dragging",
        (Some(_), _) => "drop-zone sending",
        (None, Some(_)) => "drop-zone refused",
        (None, None) => "drop-zone",
    };
    let retry = refusal.as_ref().is_some_and(|(_, keep)| *keep).then_some(retry);
    let title = match (*dragging, target) {
        (true, _) => Text::DropNow,
        (false, Target::Shelf) => Text::DropHere,
        (false, Target::Project(_)) => Text::FileAdd,
    };
    html! {
        <>
            <div id="drop-zone" class={classes!(look, target.project().map(|_| "drop-zone-small"))}>
                { match under_way {
                    Some(job) if job.target == target => progress(tr, job, &cancel),
                    Some(job) => html! { <p class="quiet">{ tr.fill(Text::UploadElsewhere, &[("name", &job.file.name)]) }</p> },
                    None => chooser(tr, title, refusal.map(|(why, _)| why), retry, endings, &take),
                } }
            </div>
            <Pending {target} {job} />
        </>
    }
}

fn progress(tr: Tr, job: &Job, cancel: &Callback<()>) -> Html {
    let (sent, total) = (job.sent, job.file.size);
    let amounts = [("sent", &*tr.bytes(sent)), ("total", &*tr.bytes(total))];
    let line = match &job.phase {
        Phase::Checking => tr.t(Text::UploadChecking).to_owned(),
        Phase::Waiting(_) => tr.fill(Text::UploadWaiting, &amounts),
        _ if job.resumed => tr.fill(Text::UploadGoesOn, &amounts),
        _ => tr.fill(Text::UploadSent, &amounts),
    };
    // A screen reader hears each quarter, not each packet.
    let quarter = sent.saturating_mul(4).checked_div(total).unwrap_or_default() * 25;
    let quarter = format!("{}{}", job.file.name, tr.fill(Text::PercentAfter, &[("n", &quarter.to_string())]));
    html! {
        <div class="upload">
            <p class="upload-name" id="upload-name">{ &job.file.name }</p>
            <progress id="upload-progress" class="bar" max={total.to_string()} value={sent.to_string()}
                aria-labelledby="upload-name"></progress>
            if let Phase::Waiting(error) = &job.phase {
                <p id="upload-waiting" class="meta" role="status">{ line }</p>
                // That the node does not answer is told above the page already.
                if *error != ApiError::Unreachable { <p class="notice">{ error.message(tr) }</p> }
            } else {
                <p class="meta">{ line }</p>
            }
            <p class="visually-hidden" role="status">{ quarter }</p>
            <button type="button" id="upload-cancel" class="button" onclick={cancel.reform(|_: MouseEvent| ())}>
                { tr.t(Text::Cancel) }
            </button>
        </div>
    }
}

fn chooser(
    tr: Tr,
    title: Text,
    refusal: Option<String>,
    retry: Option<Callback<()>>,
    endings: String,
    take: &Callback<Vec<File>>,
) -> Html {
    let on_change = take.reform(|event: Event| {
        let input: HtmlInputElement = event.target_unchecked_into();
        let files = listed(input.files());
        // So that choosing the same file again is a change too.
        input.set_value("");
        files
    });
    html! {
        <>
            <svg class="drop-mark" viewBox="0 0 48 48" aria-hidden="true" focusable="false">
                <path d="M24 40c-4-3-9-4-16-4V9c7 0 12 1 16 4 4-3 9-4 16-4v27c-7 0-12 1-16 4Z" />
                <path d="M24 13v27" />
            </svg>
            <p class="drop-title">{ tr.t(title) }</p>
            <div class="chooser">
                <input type="file" id="file-input" accept={endings} onchange={on_change} />
                <label for="file-input" class="button button-main">{ tr.t(Text::ChooseFile) }</label>
            </div>
            <p class="meta">{ tr.t(Text::DropFormats) }</p>
            <div role="alert" class="refusal">
                if let Some(why) = refusal {
                    <p id="upload-problem" class="notice notice-bad">{ why }</p>
                }
            </div>
            if let Some(retry) = retry {
                <button type="button" id="upload-retry" class="button" onclick={retry.reform(|_: MouseEvent| ())}>
                    { tr.t(Text::TryAgain) }
                </button>
            }
        </>
    }
}

/// Takes files dropped anywhere on the page: one that misses the panel would otherwise replace the page.
#[hook]
fn use_drop_anywhere(busy: bool, dragging: UseStateSetter<bool>, send: Callback<Vec<File>>) {
    let send = use_latest(send);
    use_effect_with(busy, move |busy| {
        let busy = *busy;
        let listen = |name: &'static str, heard: Box<dyn Fn(&DragEvent)>| {
            let options = EventListenerOptions::enable_prevent_default();
            EventListener::new_with_options(&browser::window(), name, options, move |event| {
                if let Some(event) = event.dyn_ref::<DragEvent>() {
                    heard(event);
                }
            })
        };
        let (over, left, dropped) = (dragging.clone(), dragging.clone(), dragging);
        let listeners = [
            listen(
                "dragover",
                Box::new(move |event| {
                    event.prevent_default();
                    over.set(!busy);
                }),
            ),
            // Leaving the window, not just one element of the page for another.
            listen(
                "dragleave",
                Box::new(move |event| {
                    if event.related_target().is_none() {
                        left.set(false);
                    }
                }),
            ),
            listen(
                "drop",
                Box::new(move |event| {
                    event.prevent_default();
                    dropped.set(false);
                    if !busy {
                        let send = send.borrow().clone();
                        send.emit(listed(event.data_transfer().and_then(|transfer| transfer.files())));
                    }
                }),
            ),
        ];
        move || drop(listeners)
    });
}

/// Holds the newest value for listeners that outlive a rendering.
#[hook]
fn use_latest<T: Clone + 'static>(value: T) -> std::rc::Rc<std::cell::RefCell<T>> {
    let latest = use_mut_ref(|| value.clone());
    latest.replace(value);
    latest
}

fn listed(files: Option<FileList>) -> Vec<File> {
    files.map(|files| (0..files.length()).filter_map(|i| files.get(i)).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_file_within_the_limit_is_sent() {
        assert_eq!(fit(&[10], Some(10)), Ok(()));
        assert_eq!(fit(&[10], None), Ok(()));
    }

    #[test]
    fn what_is_no_single_book_is_refused_before_it_is_sent() {
        assert_eq!(fit(&[], Some(10)), Err(Unfit::Nothing));
        assert_eq!(fit(&[1, 2], Some(10)), Err(Unfit::Several));
        assert_eq!(fit(&[0], Some(10)), Err(Unfit::Empty));
        assert_eq!(fit(&[11], Some(10)), Err(Unfit::TooLarge { limit_bytes: 10 }));
    }
}
