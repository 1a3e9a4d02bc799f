//! The shelf: where a book is dropped, and the books that are there.

use std::rc::Rc;

use domain::api::ProjectView;
use domain::id::ProjectId;
use domain::text::Text;
use gloo_timers::callback::Interval;
use yew::platform::spawn_local;
use yew::prelude::*;
use yew_router::prelude::*;

use super::use_page;
use crate::api::{self, ApiError};
use crate::book_row::BookRow;
use crate::browser;
use crate::confirm::ConfirmDelete;
use crate::connection::use_connection;
use crate::i18n::use_tr;
use crate::routes::Route;
use crate::run_state;
use crate::upload::UploadPanel;

/// How often the list is fetched anew while a run is under way on it.
const REFRESH_MS: u32 = 2_000;

#[component]
pub fn Shelf() -> Html {
    let tr = use_tr();
    let heading = use_page(tr.t(Text::ShelfTitle));
    let navigator = use_navigator();
    let on_accepted = use_callback(navigator, |project: ProjectView, navigator| {
        if let Some(navigator) = navigator {
            navigator.push(&Route::project(project.id));
        }
    });
    html! {
        <>
            <section class="hero">
                <h1 ref={heading} tabindex="-1">{ tr.t(Text::ShelfHeading) }</h1>
                <p class="lead">{ tr.t(Text::ShelfLead) }</p>
                <UploadPanel {on_accepted} />
            </section>
            <Books />
        </>
    }
}

/// What is known of the shelf.
#[derive(Clone, PartialEq)]
enum Known {
    Asked,
    Here(Rc<Vec<ProjectView>>),
    Failed(ApiError),
}

impl Known {
    /// After an answer. A failed refresh keeps what was there.
    fn answered(&self, answer: Result<Vec<ProjectView>, ApiError>) -> Self {
        match (answer, self) {
            (Ok(projects), _) => Self::Here(Rc::new(projects)),
            (Err(_), Self::Here(projects)) => Self::Here(projects.clone()),
            (Err(error), _) => Self::Failed(error),
        }
    }

    fn without(&self, id: ProjectId) -> Self {
        match self {
            Self::Here(projects) => Self::Here(Rc::new(projects.iter().filter(|p| p.id != id).cloned().collect())),
            other => other.clone(),
        }
    }
}

enum Change {
    Answer(Result<Vec<ProjectView>, ApiError>),
    Deleted(ProjectId),
}

impl Reducible for Known {
    type Action = Change;

    fn reduce(self: Rc<Self>, change: Change) -> Rc<Self> {
        Rc::new(match change {
            Change::Answer(answer) => self.answered(answer),
            Change::Deleted(id) => self.without(id),
        })
    }
}

/// The books, asked for at once and whenever the connection is back, and again and again while a run is
/// under way. The callback asks by hand.
#[hook]
fn use_books() -> (UseReducerHandle<Known>, Callback<()>) {
    let connection = use_connection();
    let books = use_reducer_eq(|| Known::Asked);
    let asking = use_mut_ref(|| false);
    let ask = {
        let (books, connection) = (books.dispatcher(), connection.clone());
        use_callback((), move |(), ()| {
            if asking.replace(true) {
                return;
            }
            let (books, connection, asking) = (books.clone(), connection.clone(), asking.clone());
            spawn_local(async move {
                let answer = api::projects().await.map(|list| list.projects);
                asking.replace(false);
                if let Err(error) = &answer {
                    connection.heed(error);
                }
                books.dispatch(Change::Answer(answer));
            });
        })
    };
    use_effect_with(connection.epoch, {
        let ask = ask.clone();
        move |_| ask.emit(())
    });
    let active = matches!(&*books, Known::Here(projects) if projects.iter().any(run_state::is_active));
    use_effect_with(active, {
        let ask = ask.clone();
        move |active| {
            let tick = move || {
                if browser::is_visible() {
                    ask.emit(());
                }
            };
            let interval = active.then(|| Interval::new(REFRESH_MS, tick));
            move || drop(interval)
        }
    });
    (books, ask)
}

#[component(Books)]
fn book_list() -> Html {
    let tr = use_tr();
    let (books, ask) = use_books();
    let leaving = use_state(|| None::<ProjectView>);
    let on_delete = use_callback(leaving.clone(), |project: ProjectView, leaving| leaving.set(Some(project)));
    let on_keep = use_callback(leaving.clone(), |(), leaving| leaving.set(None));
    let on_deleted = {
        let (books, leaving) = (books.dispatcher(), leaving.clone());
        Callback::from(move |id| {
            books.dispatch(Change::Deleted(id));
            leaving.set(None);
        })
    };
    html! {
        <section class="shelf" aria-labelledby="shelf-title">
            <h2 id="shelf-title">{ tr.t(Text::ShelfTitle) }</h2>
            { match &*books {
                Known::Asked => html! { <p class="quiet" role="status">{ tr.t(Text::Loading) }</p> },
                Known::Failed(error) => html! {
                    <div class="notice notice-bad" role="alert">
                        <p>{ error.message(tr) }</p>
                        <button type="button" class="button" onclick={ask.reform(|_| ())}>{ tr.t(Text::TryAgain) }</button>
                    </div>
                },
                Known::Here(projects) if projects.is_empty() => html! {
                    <p id="shelf-empty" class="empty">{ tr.t(Text::ShelfEmpty) }</p>
                },
                Known::Here(projects) => html! {
                    <ul id="project-list" class="books">
                        { for projects.iter().map(|project| html! {
                            <BookRow key={project.id.to_string()} project={project.clone()} on_delete={on_delete.clone()} />
                        }) }
                    </ul>
                },
            } }
            if let Some(project) = &*leaving {
                <ConfirmDelete id={project.id} title={project.title.clone()} {on_keep} {on_deleted} />
            }
        </section>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_refresh_keeps_the_books_that_were_there() {
        let here = Known::Here(Rc::new(Vec::new()));
        assert!(here.answered(Err(ApiError::Unreachable)) == here);
        assert!(Known::Asked.answered(Err(ApiError::Unreachable)) == Known::Failed(ApiError::Unreachable));
        assert!(Known::Asked.answered(Ok(Vec::new())) == here);
    }
}
