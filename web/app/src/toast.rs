//! Short words at the edge of the page about what was just done, often with a way to undo it. One at a time: the
//! newest replaces the one before. It stays while a pointer or the keyboard's focus is on it.

use std::rc::Rc;

use domain::text::Text;
use gloo_timers::callback::Timeout;
use yew::prelude::*;

use crate::browser;
use crate::i18n::use_tr;

/// How long words stay that offer nothing.
const STAY_MS: u32 = 7_000;
/// How long words stay that offer something.
const STAY_WITH_OFFER_MS: u32 = 25_000;

/// What is said.
#[derive(Clone, PartialEq)]
pub struct Toast {
    text: String,
    bad: bool,
    /// What a button beside it is called, and does.
    offer: Option<(String, Callback<()>)>,
}

/// Says things.
#[derive(Clone, PartialEq)]
pub struct Toasts(Callback<Toast>);

impl Toasts {
    pub fn say(&self, text: String) {
        self.0.emit(Toast { text, bad: false, offer: None });
    }

    /// What went wrong.
    pub fn complain(&self, text: String) {
        self.0.emit(Toast { text, bad: true, offer: None });
    }

    /// With a button.
    pub fn offer(&self, text: String, label: &str, act: Callback<()>) {
        self.0.emit(Toast { text, bad: false, offer: Some((label.to_owned(), act)) });
    }
}

/// Says things.
#[hook]
pub fn use_toasts() -> Toasts {
    use_context::<Toasts>().expect("the shell provides toasts to every component")
}

/// What is shown: each toast has a number of its own.
#[derive(Clone, Default, PartialEq)]
struct Shown {
    number: u32,
    toast: Option<Toast>,
}

enum Change {
    Say(Toast),
    Close,
}

impl Reducible for Shown {
    type Action = Change;

    fn reduce(self: Rc<Self>, change: Change) -> Rc<Self> {
        let toast = match change {
            Change::Say(toast) => Some(toast),
            Change::Close => None,
        };
        Rc::new(Self { number: self.number + 1, toast })
    }
}

#[derive(PartialEq, Properties)]
pub struct Props {
    pub children: Html,
}

/// Lets everything inside say things, and shows them.
#[component]
pub fn ToastProvider(props: &Props) -> Html {
    let shown = use_reducer_eq(Shown::default);
    let say = {
        let shown = shown.dispatcher();
        use_callback((), move |toast, ()| shown.dispatch(Change::Say(toast)))
    };
    let on_close = {
        let shown = shown.dispatcher();
        use_callback((), move |(), ()| shown.dispatch(Change::Close))
    };
    html! {
        <ContextProvider<Toasts> context={Toasts(say)}>
            { props.children.clone() }
            <div class="toasts" role="status" aria-live="polite">
                if let Some(toast) = shown.toast.clone() {
                    <Said key={shown.number} {toast} {on_close} />
                }
            </div>
        </ContextProvider<Toasts>>
    }
}

/// The toast goes, and the focus that it may have had goes to where the page begins.
fn leave() {
    browser::focus_first("main h1");
}

#[derive(PartialEq, Properties)]
struct SaidProps {
    toast: Toast,
    on_close: Callback<()>,
}

#[component]
fn Said(props: &SaidProps) -> Html {
    let tr = use_tr();
    let held = use_state_eq(|| false);
    let stay_ms = if props.toast.offer.is_some() { STAY_WITH_OFFER_MS } else { STAY_MS };
    use_effect_with((*held, props.on_close.clone()), move |(held, on_close)| {
        let on_close = on_close.clone();
        let timeout = (!held).then(|| Timeout::new(stay_ms, move || on_close.emit(())));
        move || drop(timeout)
    });
    use_effect_with((), |()| {
        // What was acted on is gone, and the focus with it: the way back is the best place for it.
        if browser::focus_is_lost() {
            browser::focus_first("#toast-action");
        }
    });
    let hold = |to: bool| {
        let held = held.clone();
        move || held.set(to)
    };
    let (enter, exit, focus_in, focus_out) = (hold(true), hold(false), hold(true), hold(false));
    let on_close = props.on_close.clone();
    let offer = props.toast.offer.as_ref().map(|(label, act)| {
        let (act, on_close) = (act.clone(), props.on_close.clone());
        let on_click = move |_: MouseEvent| {
            leave();
            on_close.emit(());
            act.emit(());
        };
        html! { <button type="button" id="toast-action" class="button" onclick={on_click}>{ label }</button> }
    });
    html! {
        <div id="toast" class={classes!("toast", props.toast.bad.then_some("toast-bad"))}
            onmouseenter={move |_: MouseEvent| enter()} onmouseleave={move |_: MouseEvent| exit()}
            onfocusin={move |_: FocusEvent| focus_in()} onfocusout={move |_: FocusEvent| focus_out()}>
            <p>{ &props.toast.text }</p>
            { offer }
            <button type="button" id="toast-close" class="quiet-button" aria-label={tr.t(Text::Close)}
                onclick={move |_: MouseEvent| { leave(); on_close.emit(()) }}>{ "×" }</button>
        </div>
    }
}
