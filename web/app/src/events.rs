//! Follows a project's events over SSE. The browser reconnects by itself after most losses, telling the last event
//! that it saw; where it gives up (the node restarts, a proxy answers instead) the stream is opened anew from there.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use domain::id::ProjectId;
use domain::run::RunEvent;
use gloo_events::EventListener;
use gloo_timers::future::TimeoutFuture;
use wasm_bindgen::JsCast;
use web_sys::{EventSource, MessageEvent};
use yew::Callback;
use yew::platform::spawn_local;

use crate::api;

const FIRST_WAIT_MS: u32 = 500;
const LONGEST_WAIT_MS: u32 = 10_000;

/// What the stream tells.
#[derive(Clone, Debug, PartialEq)]
pub enum Signal {
    /// Something happened to a run.
    Event(RunEvent),
    /// The stream is open: events come as they happen.
    Live,
    /// The stream is cut; it is being opened again.
    Cut,
}

/// An open stream; dropping it closes it.
pub struct Follow(#[expect(dead_code, reason = "held for its Drop")] Rc<Stream>);

impl Follow {
    /// Follows `project` from the event after `seq`.
    pub fn start(project: ProjectId, seq: u64, tell: Callback<Signal>) -> Self {
        let (seq, wait_ms) = (Cell::new(seq), Cell::new(FIRST_WAIT_MS));
        let stream = Rc::new(Stream { project, seq, wait_ms, tell, open: RefCell::new(None) });
        stream.open();
        Self(stream)
    }
}

struct Stream {
    project: ProjectId,
    /// Last event that was told.
    seq: Cell<u64>,
    /// How long to wait before the next opening.
    wait_ms: Cell<u32>,
    tell: Callback<Signal>,
    open: RefCell<Option<Open>>,
}

/// The listeners come first: they go before what they listen to.
struct Open {
    _listeners: [EventListener; 3],
    source: EventSource,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.source.close();
    }
}

impl Stream {
    fn open(self: &Rc<Self>) {
        // Fails for malformed addresses only, and this one is ours.
        let Ok(source) = EventSource::new(&api::events_url(self.project, self.seq.get())) else { return };
        let on = |name: &'static str, heard: fn(&Rc<Self>, &web_sys::Event)| {
            let stream: Weak<Self> = Rc::downgrade(self);
            EventListener::new(&source, name, move |event| {
                if let Some(stream) = stream.upgrade() {
                    heard(&stream, event);
                }
            })
        };
        let listeners = [on("open", Self::opened), on("run", Self::heard), on("error", Self::cut)];
        self.open.replace(Some(Open { _listeners: listeners, source }));
    }

    fn opened(self: &Rc<Self>, _: &web_sys::Event) {
        self.wait_ms.set(FIRST_WAIT_MS);
        self.tell.emit(Signal::Live);
    }

    fn heard(self: &Rc<Self>, event: &web_sys::Event) {
        let data = event.dyn_ref::<MessageEvent>().and_then(|message| message.data().as_string());
        // An event of a newer node that this page can't read is passed over: the run's end still shows,
        // since the page fetches the project whenever the stream is opened anew.
        let Some(event) = data.and_then(|data| serde_json::from_str::<RunEvent>(&data).ok()) else { return };
        self.seq.set(event.seq);
        self.tell.emit(Signal::Event(event));
    }

    fn cut(self: &Rc<Self>, _: &web_sys::Event) {
        self.tell.emit(Signal::Cut);
        let given_up = self.open.borrow().as_ref().is_some_and(|o| o.source.ready_state() == EventSource::CLOSED);
        if given_up {
            self.open_later();
        }
    }

    fn open_later(self: &Rc<Self>) {
        let wait_ms = self.wait_ms.get();
        self.wait_ms.set((wait_ms * 2).min(LONGEST_WAIT_MS));
        let stream = Rc::downgrade(self);
        spawn_local(async move {
            TimeoutFuture::new(wait_ms).await;
            if let Some(stream) = stream.upgrade() {
                stream.open();
            }
        });
    }
}
