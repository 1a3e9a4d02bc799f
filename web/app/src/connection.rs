//! Whether the node answers. Components report a request that got no answer; from then on the node is probed,
//! ever less often, until it answers again and everyone fetches anew.

use gloo_events::EventListener;
use gloo_timers::future::TimeoutFuture;
use yew::platform::spawn_local;
use yew::prelude::*;

use crate::api::{self, ApiError};
use crate::browser;

/// Waits between two probes grow up to this.
const LONGEST_WAIT_MS: u32 = 10_000;

/// Whether the node answers, as every component sees it.
#[derive(Clone, PartialEq)]
pub struct Connection {
    /// The node did not answer the last time it was asked.
    pub lost: bool,
    /// Grows each time the node answers again, or something was changed here: what was fetched before may be stale.
    pub epoch: u32,
    /// Tell that something was changed.
    pub renew: Callback<()>,
    /// Tell of a request that got no answer.
    pub report_lost: Callback<()>,
}

impl Connection {
    /// Reports `error` if it means that the node did not answer, or takes whoever asks for somebody else.
    pub fn heed(&self, error: &ApiError) {
        if *error == ApiError::Unreachable {
            self.report_lost.emit(());
        } else if error.is_of_another() {
            // Who it is gets asked anew, and the page shows what they may see, or a way in.
            self.renew.emit(());
        }
    }
}

/// Whether the node answers.
#[hook]
pub fn use_connection() -> Connection {
    use_context::<Connection>().expect("the shell provides the connection to every component")
}

#[derive(Default)]
struct Epoch(u32);

impl Reducible for Epoch {
    type Action = ();

    fn reduce(self: std::rc::Rc<Self>, (): ()) -> std::rc::Rc<Self> {
        std::rc::Rc::new(Self(self.0 + 1))
    }
}

/// Keeps the connection's state; for the shell alone.
#[hook]
pub fn use_connection_state() -> Connection {
    let lost = use_state_eq(|| false);
    let epoch = use_reducer(Epoch::default);
    let renew = {
        let epoch = epoch.dispatcher();
        use_callback((), move |(), ()| epoch.dispatch(()))
    };

    {
        let (handle, renew) = (lost.clone(), renew.clone());
        use_effect_with(*lost, move |lost| {
            let unmounted = std::rc::Rc::new(std::cell::Cell::new(false));
            if *lost {
                let unmounted = unmounted.clone();
                spawn_local(async move {
                    if answers_again(&unmounted).await {
                        renew.emit(());
                        handle.set(false);
                    }
                });
            }
            move || unmounted.set(true)
        });
    }
    {
        let lost = lost.clone();
        use_effect_with((), move |()| {
            // The browser losing its network says nothing of a node on this very machine: ask it.
            let listener = EventListener::new(&browser::window(), "offline", move |_| {
                let lost = lost.clone();
                spawn_local(async move { lost.set(api::node().await == Err(ApiError::Unreachable)) });
            });
            move || drop(listener)
        });
    }

    let report_lost = {
        let lost = lost.clone();
        use_callback((), move |(), ()| lost.set(true))
    };
    Connection { lost: *lost, epoch: epoch.0, renew, report_lost }
}

/// Probes until the node answers, or nobody waits for it any more.
async fn answers_again(unmounted: &std::cell::Cell<bool>) -> bool {
    let mut wait_ms = 1_000;
    loop {
        TimeoutFuture::new(wait_ms).await;
        if unmounted.get() {
            return false;
        }
        if api::node().await != Err(ApiError::Unreachable) {
            return true;
        }
        wait_ms = (wait_ms * 2).min(LONGEST_WAIT_MS);
    }
}
