//! The one upload under way. It belongs to no page: it goes on while the visitor looks at something else.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use domain::id::{ProjectId, UploadId};
use domain::text::Text;
use gloo_timers::future::TimeoutFuture;
use web_sys::File;
use yew::platform::spawn_local;
use yew::prelude::*;
use yew_router::prelude::*;

use super::kept::{self, Fingerprint, Kept};
use super::machine::{Heard, Machine, Next, Step};
use super::part::{self, Cancel};
use crate::api::{self, ApiError};
use crate::browser;
use crate::connection::{Connection, use_connection};
use crate::i18n::{Tr, use_tr};
use crate::routes::Route;
use crate::toast::{Toasts, use_toasts};

/// What a file is to become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A project of its own.
    Shelf,
    /// A project's next file.
    Project(ProjectId),
}

impl Target {
    pub fn project(self) -> Option<ProjectId> {
        match self {
            Self::Shelf => None,
            Self::Project(id) => Some(id),
        }
    }

    /// The page where such a file is taken.
    pub fn route(self) -> Route {
        self.project().map_or(Route::Shelf, Route::files)
    }
}

/// How an upload stands.
#[derive(Clone, Debug, PartialEq)]
pub enum Phase {
    Sending,
    /// All is sent; the node checks and keeps it.
    Checking,
    /// It goes on by itself.
    Waiting(ApiError),
    /// It does not. What was sent may still be good for another try.
    Stopped {
        error: ApiError,
        keep: bool,
    },
}

/// An upload.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    pub target: Target,
    pub file: Fingerprint,
    /// Bytes that have gone out.
    pub sent: u64,
    /// It goes on where an earlier one stopped.
    pub resumed: bool,
    pub phase: Phase,
}

impl Job {
    pub fn is_stopped(&self) -> bool {
        matches!(self.phase, Phase::Stopped { .. })
    }
}

#[derive(Clone, Default, PartialEq)]
struct Jobs(Option<Job>);

enum Told {
    Began(Job),
    Sent(u64),
    Phase(Phase),
    Over,
}

impl Reducible for Jobs {
    type Action = Told;

    fn reduce(self: Rc<Self>, told: Told) -> Rc<Self> {
        let job = self.0.clone();
        Rc::new(Self(match told {
            Told::Began(job) => Some(job),
            Told::Sent(sent) => job.map(|job| Job { sent: sent.min(job.file.size), ..job }),
            Told::Phase(phase) => job.map(|job| Job { phase, ..job }),
            Told::Over => None,
        }))
    }
}

/// The upload under way, and what can be done about it.
#[derive(Clone, PartialEq)]
pub struct Center {
    pub job: Option<Job>,
    /// Sends a file, unless one is on its way.
    pub send: Callback<(Target, File)>,
    /// Calls it back, and has the node drop what it has.
    pub cancel: Callback<()>,
    /// Goes on with one that was stopped.
    pub retry: Callback<()>,
}

/// The upload under way.
#[hook]
pub fn use_uploads() -> Center {
    use_context::<Center>().expect("the shell provides the upload to every component")
}

/// What an upload needs while it is on its way.
struct Running {
    target: Target,
    file: File,
    upload: Cell<Option<UploadId>>,
    cancel: Cancel,
    over: Cell<bool>,
}

#[derive(PartialEq, Properties)]
pub struct Props {
    pub children: Html,
}

/// Keeps the upload for everything inside.
#[component]
pub fn UploadProvider(props: &Props) -> Html {
    let jobs = use_reducer_eq(Jobs::default);
    let running = use_mut_ref(|| None::<Rc<Running>>);
    let around = Around {
        jobs: jobs.dispatcher(),
        connection: use_connection(),
        toasts: use_toasts(),
        navigator: use_navigator(),
        tr: use_tr(),
    };
    let send = {
        let (running, around) = (running.clone(), around.clone());
        Callback::from(move |(target, file): (Target, File)| begin(&running, &around, target, file))
    };
    let cancel = {
        let (running, around) = (running.clone(), around.clone());
        Callback::from(move |()| give_up(&running, &around))
    };
    let retry = {
        Callback::from(move |()| {
            let stopped = running.borrow().as_ref().map(|run| (run.target, run.file.clone()));
            if let Some((target, file)) = stopped {
                begin(&running, &around, target, file);
            }
        })
    };
    let center = Center { job: jobs.0.clone(), send, cancel, retry };
    html! { <ContextProvider<Center> context={center}>{ props.children.clone() }</ContextProvider<Center>> }
}

/// What an upload speaks to.
#[derive(Clone)]
struct Around {
    jobs: UseReducerDispatcher<Jobs>,
    connection: Connection,
    toasts: Toasts,
    navigator: Option<Navigator>,
    tr: Tr,
}

type Slot = Rc<RefCell<Option<Rc<Running>>>>;

/// Sends a file, from where it was broken off if it was, unless another one is on its way.
fn begin(slot: &Slot, around: &Around, target: Target, file: File) {
    if slot.borrow().as_ref().is_some_and(|run| !run.over.get()) {
        return;
    }
    let print =
        Fingerprint { name: file.name(), size: file.size() as u64, modified_ms: file.last_modified().max(0.0) as u64 };
    let known = kept::find(&kept::all(), &print);
    let run =
        Rc::new(Running { target, file, upload: Cell::new(known), cancel: Cancel::default(), over: Cell::new(false) });
    slot.replace(Some(run.clone()));
    let job = Job { target, file: print.clone(), sent: 0, resumed: known.is_some(), phase: Phase::Sending };
    around.jobs.dispatch(Told::Began(job));
    let around = around.clone();
    spawn_local(async move {
        drive(&run, &around, print, known).await;
        run.over.set(true);
    });
}

fn give_up(slot: &Slot, around: &Around) {
    let Some(run) = slot.take() else { return };
    run.cancel.call();
    run.over.set(true);
    around.jobs.dispatch(Told::Over);
    if let Some(upload) = run.upload.get() {
        kept::forget(upload);
        // What can't be removed now expires.
        spawn_local(async move { drop(api::remove_upload(upload).await) });
    }
}

/// Takes a file from its first request to its last.
async fn drive(run: &Rc<Running>, around: &Around, print: Fingerprint, known: Option<UploadId>) {
    let mut machine = Machine::new(print.size, known);
    let mut step = machine.first();
    loop {
        if matches!(step, Step::Finish(_)) {
            around.jobs.dispatch(Told::Phase(Phase::Checking));
        }
        let heard = perform(run, around, &print, step).await;
        if run.cancel.is_called() {
            return;
        }
        if let Heard::Failed(error) = &heard {
            around.connection.heed(error);
        }
        let next = machine.heard(step, heard);
        around.jobs.dispatch(Told::Sent(machine.offset()));
        step = match next {
            Next::Do(step) => {
                around.jobs.dispatch(Told::Phase(Phase::Sending));
                step
            }
            Next::Wait { ms, then, error } => {
                around.jobs.dispatch(Told::Phase(Phase::Waiting(error)));
                TimeoutFuture::new(ms).await;
                if run.cancel.is_called() {
                    return;
                }
                then
            }
            Next::Done(project) => return arrived(run, around, &print.name, project),
            Next::Stop { error, keep } => {
                if let (false, Some(upload)) = (keep, run.upload.get()) {
                    kept::forget(upload);
                }
                return around.jobs.dispatch(Told::Phase(Phase::Stopped { error, keep }));
            }
        };
    }
}

async fn perform(run: &Rc<Running>, around: &Around, print: &Fingerprint, step: Step) -> Heard {
    match step {
        Step::Create => match api::create_upload(&print.name, print.size).await {
            Ok(view) if run.cancel.is_called() => {
                // Called back while it was being begun.
                drop(api::remove_upload(view.id).await);
                Heard::Created(view.id)
            }
            Ok(view) => {
                run.upload.set(Some(view.id));
                kept::remember(Kept { upload: view.id, file: print.clone(), project: run.target.project() });
                Heard::Created(view.id)
            }
            Err(error) => Heard::Failed(error),
        },
        Step::Ask(upload) => api::upload(upload).await.map_or_else(Heard::Failed, |view| Heard::At(view.offset)),
        Step::Send { upload, from, to } => {
            let jobs = around.jobs.clone();
            let tell = Callback::from(move |sent: u64| jobs.dispatch(Told::Sent(from + sent)));
            let sent = part::send(upload, &run.file, (from, to), tell, &run.cancel).await;
            sent.map_or_else(Heard::Failed, Heard::At)
        }
        Step::Finish(upload) => {
            let taken = match run.target {
                Target::Shelf => api::create_project(upload).await.map(|project| project.id),
                Target::Project(id) => api::add_revision(id, upload).await.map(|project| project.id),
            };
            taken.map_or_else(Heard::Failed, Heard::Taken)
        }
    }
}

/// The book is there: its page opens if the visitor waits for it, else it is offered.
fn arrived(run: &Running, around: &Around, name: &str, project: ProjectId) {
    if let Some(upload) = run.upload.get() {
        kept::forget(upload);
    }
    around.jobs.dispatch(Told::Over);
    around.connection.renew.emit(());
    let here = Route::recognize(&browser::path());
    let waits = here.as_ref() == Some(&run.target.route());
    let open = {
        let navigator = around.navigator.clone();
        Callback::from(move |()| {
            if let Some(navigator) = &navigator {
                navigator.push(&Route::project(project));
            }
        })
    };
    let text = around.tr.fill(Text::UploadArrived, &[("name", name)]);
    match run.target {
        Target::Shelf if waits => open.emit(()),
        _ if here.and_then(|route| route.project_id()) == Some(project) => around.toasts.say(text),
        _ => around.toasts.offer(text, around.tr.t(Text::Open), open),
    }
}
