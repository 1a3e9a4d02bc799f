//! What is done to a whole project from the shelf or from its own page: each deed at once, said in a toast that can
//! undo it. Only what can't be undone is asked about first.

use domain::id::ProjectId;
use domain::project::{Project, ProjectPatch};
use domain::text::Text;
use gloo_timers::future::TimeoutFuture;
use yew::platform::spawn_local;
use yew::prelude::*;

use crate::api::{self, ApiError};
use crate::confirm::ConfirmErase;
use crate::connection::{Connection, use_connection};
use crate::i18n::{Tr, use_tr};
use crate::node_info::use_node_info;
use crate::toast::{Toasts, use_toasts};

/// A deed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Puts aside, or back on the shelf.
    Archive(bool),
    Delete,
    Restore,
    /// Erases what was deleted.
    Erase,
}

impl Deed {
    /// The project has no page any more.
    pub fn ends(self) -> bool {
        matches!(self, Self::Delete | Self::Erase)
    }
}

/// Does deeds, and tells of each that is done; the second part is the question that waits, to be shown by whoever uses
/// this.
#[hook]
pub fn use_deeds(on_done: Callback<(Deed, ProjectId)>) -> (Callback<(Deed, Project)>, Html) {
    let around = Around { tr: use_tr(), connection: use_connection(), toasts: use_toasts(), on_done };
    let can_undo = use_node_info().is_none_or(|node| node.undo_delete_s > 0);
    let asked = use_state(|| None::<Project>);
    let act = {
        let (around, asked) = (around.clone(), asked.clone());
        Callback::from(move |(deed, project): (Deed, Project)| {
            if deed == Deed::Erase || (deed == Deed::Delete && !can_undo) {
                return asked.set(Some(project));
            }
            let around = around.clone();
            spawn_local(async move { around.perform(deed, project).await });
        })
    };
    let question = (*asked).clone().map(|project| {
        let keep = {
            let asked = asked.clone();
            Callback::from(move |()| asked.set(None))
        };
        let title = project.name.clone();
        let erase = {
            let (asked, around) = (asked.clone(), around.clone());
            Callback::from(move |()| {
                asked.set(None);
                let (around, project) = (around.clone(), project.clone());
                spawn_local(async move { around.perform(Deed::Erase, project).await });
            })
        };
        html! { <ConfirmErase {title} on_keep={keep} on_erase={erase} /> }
    });
    (act, question.unwrap_or_default())
}

#[derive(Clone)]
struct Around {
    tr: Tr,
    connection: Connection,
    toasts: Toasts,
    on_done: Callback<(Deed, ProjectId)>,
}

impl Around {
    async fn perform(self, deed: Deed, project: Project) {
        let (id, version) = (project.id, project.version);
        let done = match deed {
            Deed::Archive(archived) => api::change(id, version, &archiving(archived)).await.map(|_| ()),
            Deed::Delete => api::delete(id, version).await,
            Deed::Restore => api::restore(id).await.map(|_| ()),
            Deed::Erase => api::erase(id).await,
        };
        match done {
            Ok(()) => {
                self.told(deed, id).await;
                self.say(deed, project);
            }
            // Somebody else was faster: what was asked for is so.
            Err(error) if error.is_not_found() && deed.ends() => self.told(deed, id).await,
            Err(error) => self.refused(&error, &project.name),
        }
    }

    async fn told(&self, deed: Deed, id: ProjectId) {
        self.on_done.emit((deed, id));
        // Its row or page goes first: it must not ask for what is gone.
        TimeoutFuture::new(0).await;
        self.connection.renew.emit(());
    }

    fn refused(&self, error: &ApiError, name: &str) {
        self.connection.heed(error);
        self.connection.renew.emit(());
        self.toasts.complain(match error.code() {
            "precondition-failed" => self.tr.fill(Text::ChangedMeanwhile, &[("title", name)]),
            _ => error.message(self.tr),
        });
    }

    fn say(&self, deed: Deed, project: Project) {
        let (said, back) = match deed {
            Deed::Archive(true) => (Text::ArchivedToast, Some(Deed::Archive(false))),
            Deed::Archive(false) => (Text::UnarchivedToast, Some(Deed::Archive(true))),
            Deed::Delete => (Text::DeletedToast, Some(Deed::Restore)),
            Deed::Restore => (Text::RestoredToast, None),
            Deed::Erase => (Text::ErasedToast, None),
        };
        let text = self.tr.fill(said, &[("title", &project.name)]);
        let Some(back) = back else { return self.toasts.say(text) };
        let around = self.clone();
        let undo = Callback::from(move |()| {
            let (around, project) = (around.clone(), project.clone());
            spawn_local(async move { around.undo(back, project).await });
        });
        self.toasts.offer(text, self.tr.t(Text::Undo), undo);
    }

    /// Takes a deed back, whatever was changed since by somebody else: theirs stays.
    async fn undo(self, back: Deed, project: Project) {
        let undone = match back {
            Deed::Archive(archived) => match api::project(project.id).await {
                Ok(now) => api::change(project.id, now.project.version, &archiving(archived)).await.map(|_| ()),
                Err(error) => Err(error),
            },
            _ => api::restore(project.id).await.map(|_| ()),
        };
        match undone {
            Ok(()) => {
                self.connection.renew.emit(());
                let said = match back {
                    Deed::Archive(true) => Text::ArchivedToast,
                    Deed::Archive(false) => Text::UnarchivedToast,
                    _ => Text::RestoredToast,
                };
                self.toasts.say(self.tr.fill(said, &[("title", &project.name)]));
            }
            Err(error) => self.refused(&error, &project.name),
        }
    }
}

fn archiving(archived: bool) -> ProjectPatch {
    ProjectPatch { archived: Some(archived), ..ProjectPatch::default() }
}
