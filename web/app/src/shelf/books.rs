//! The projects that are listed: asked for page by page, and anew while a run is under way on one of them.

use std::rc::Rc;

use domain::id::ProjectId;
use domain::sharing::{ProjectAs, ProjectAsPage};
use gloo_timers::callback::Interval;
use yew::platform::spawn_local;
use yew::prelude::*;

use super::query::{PAGE, PAGE_MAX, Query};
use crate::api::{self, ApiError};
use crate::browser;
use crate::connection::{Connection, use_connection};
use crate::run_state;

/// How often the list is fetched anew while a run is under way on it.
const REFRESH_MS: u32 = 2_000;

/// What is listed.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    /// Of which query.
    pub query: Query,
    pub projects: Vec<ProjectAs>,
    /// How many the whole list holds.
    pub total: u32,
    /// Where it goes on.
    next: Option<String>,
}

impl Listed {
    pub fn has_more(&self) -> bool {
        self.next.is_some()
    }
}

/// What is known of the list.
#[derive(Clone, Debug, PartialEq)]
pub enum Known {
    Asked,
    Here(Rc<Listed>),
    Failed(ApiError),
}

/// What changes the list.
pub enum Change {
    /// The list from its beginning.
    Answer(Query, Result<ProjectAsPage, ApiError>),
    /// Its next page.
    More(Query, Result<ProjectAsPage, ApiError>),
    /// A project belongs to another list now.
    Left(ProjectId),
}

impl Known {
    /// After an answer to `query`. A failed refresh keeps what was there; that of another query does not.
    fn answered(&self, query: Query, answer: Result<ProjectAsPage, ApiError>) -> Self {
        match (answer, self) {
            (Ok(page), _) => {
                Self::Here(Rc::new(Listed { query, projects: page.projects, total: page.total, next: page.next }))
            }
            (Err(_), Self::Here(listed)) if listed.query == query => self.clone(),
            (Err(error), _) => Self::Failed(error),
        }
    }

    /// After the answer with the next page. One that comes for another list, or fails, changes nothing.
    fn continued(&self, query: &Query, answer: Result<ProjectAsPage, ApiError>) -> Self {
        let (Self::Here(listed), Ok(page)) = (self, answer) else { return self.clone() };
        if listed.query != *query {
            return self.clone();
        }
        let mut projects = listed.projects.clone();
        // One that moved between the pages is shown once.
        projects.extend(
            page.projects.into_iter().filter(|new| listed.projects.iter().all(|old| old.project.id != new.project.id)),
        );
        Self::Here(Rc::new(Listed { query: query.clone(), projects, total: page.total, next: page.next }))
    }

    fn without(&self, id: ProjectId) -> Self {
        let Self::Here(listed) = self else { return self.clone() };
        let mut listed = (**listed).clone();
        let before = listed.projects.len();
        listed.projects.retain(|listed| listed.project.id != id);
        listed.total = listed.total.saturating_sub((before - listed.projects.len()) as u32);
        Self::Here(Rc::new(listed))
    }

    /// Some run is under way.
    fn is_active(&self) -> bool {
        matches!(self, Self::Here(listed) if listed.projects.iter().any(|listed| run_state::is_active(&listed.project)))
    }
}

impl Reducible for Known {
    type Action = Change;

    fn reduce(self: Rc<Self>, change: Change) -> Rc<Self> {
        Rc::new(match change {
            Change::Answer(query, answer) => self.answered(query, answer),
            Change::More(query, answer) => self.continued(&query, answer),
            Change::Left(id) => self.without(id),
        })
    }
}

/// The list, and what asks for it.
pub struct Books {
    pub known: Known,
    /// From the beginning, as much as is shown.
    pub ask: Callback<()>,
    /// The next page.
    pub more: Callback<()>,
    /// Takes a project out, before the node is asked anew.
    pub leave: Callback<ProjectId>,
}

/// The list of `query`: asked for at once, whenever something may have changed, and again and again while a run is
/// under way.
#[hook]
pub fn use_books(query: &Query) -> Books {
    let connection = use_connection();
    let books = use_reducer_eq(|| Known::Asked);
    // The newest request: answers to others come too late.
    let newest = use_mut_ref(|| 0_u32);
    let shown = match &*books {
        Known::Here(listed) if listed.query == *query => listed.projects.len(),
        _ => 0,
    };
    let ask = {
        let (books, connection, query, newest) =
            (books.dispatcher(), connection.clone(), query.clone(), newest.clone());
        Callback::from(move |()| {
            *newest.borrow_mut() += 1;
            let number = *newest.borrow();
            let (books, connection, query, newest) = (books.clone(), connection.clone(), query.clone(), newest.clone());
            spawn_local(async move {
                let answer = pages(&query, shown, &connection).await;
                if *newest.borrow() == number {
                    books.dispatch(Change::Answer(query, answer));
                }
            });
        })
    };
    use_effect_with((query.clone(), connection.epoch), {
        let ask = ask.clone();
        move |_| ask.emit(())
    });
    let latest = use_mut_ref(|| ask.clone());
    latest.replace(ask.clone());
    use_effect_with(books.is_active(), move |active| {
        let tick = move || {
            if browser::is_visible() {
                let ask = latest.borrow().clone();
                ask.emit(());
            }
        };
        let interval = active.then(|| Interval::new(REFRESH_MS, tick));
        move || drop(interval)
    });
    let more = {
        let (books, ask) = (books.clone(), ask.clone());
        Callback::from(move |()| {
            let Known::Here(listed) = &*books else { return };
            let (books, listed, connection, ask) =
                (books.dispatcher(), listed.clone(), connection.clone(), ask.clone());
            spawn_local(async move {
                let answer = page(&listed.query, PAGE, listed.next.as_deref(), &connection).await;
                if answer.is_err() {
                    // A cursor that is worth nothing any more: from the beginning.
                    ask.emit(());
                }
                books.dispatch(Change::More(listed.query.clone(), answer));
            });
        })
    };
    let leave = {
        let books = books.dispatcher();
        Callback::from(move |id| books.dispatch(Change::Left(id)))
    };
    Books { known: (*books).clone(), ask, more, leave }
}

/// The list's beginning, at least as long as what is shown of it. A list holds 10,000 at most, so this ends.
async fn pages(query: &Query, shown: usize, connection: &Connection) -> Result<ProjectAsPage, ApiError> {
    let mut whole = page(query, shown.clamp(PAGE, PAGE_MAX), None, connection).await?;
    while whole.projects.len() < shown && whole.next.is_some() {
        let next = page(query, PAGE_MAX, whole.next.as_deref(), connection).await?;
        if next.projects.is_empty() {
            break;
        }
        whole.projects.extend(next.projects);
        (whole.total, whole.next) = (next.total, next.next);
    }
    Ok(whole)
}

async fn page(
    query: &Query,
    limit: usize,
    cursor: Option<&str>,
    connection: &Connection,
) -> Result<ProjectAsPage, ApiError> {
    let asked = query.asked(limit, cursor);
    let escaped = asked.iter().map(|(name, value)| format!("{name}={}", browser::escaped(value)));
    let answer = api::projects(&escaped.collect::<Vec<_>>().join("&")).await;
    if let Err(error) = &answer {
        connection.heed(error);
    }
    answer
}

#[cfg(test)]
mod tests {
    use domain::sharing::ProjectRole;

    use super::*;
    use crate::fixtures;

    fn project(id: u128) -> ProjectAs {
        ProjectAs { project: fixtures::project(id, None), role: ProjectRole::Owner, visits: false }
    }

    fn page(ids: &[u128], next: Option<&str>) -> Result<ProjectAsPage, ApiError> {
        let projects = ids.iter().copied().map(project).collect();
        Ok(ProjectAsPage { projects, total: 9, next: next.map(str::to_owned) })
    }

    fn ids(known: &Known) -> Vec<u128> {
        let Known::Here(listed) = known else { return Vec::new() };
        listed.projects.iter().map(|listed| listed.project.id.0).collect()
    }

    #[test]
    fn a_failed_refresh_keeps_the_books_that_were_there() {
        let query = Query::default();
        let here = Known::Asked.answered(query.clone(), page(&[1], None));
        assert_eq!(here.answered(query.clone(), Err(ApiError::Unreachable)), here);
        assert_eq!(Known::Asked.answered(query, Err(ApiError::Unreachable)), Known::Failed(ApiError::Unreachable));
        let other = Query { search: "x".into(), ..Query::default() };
        assert_eq!(here.answered(other, Err(ApiError::Unreachable)), Known::Failed(ApiError::Unreachable));
    }

    #[test]
    fn a_project_that_leaves_is_gone_at_once() {
        let here = Known::Asked.answered(Query::default(), page(&[1, 2], None)).without(ProjectId(1));
        assert_eq!(ids(&here), [2]);
        assert!(matches!(&here, Known::Here(listed) if listed.total == 8));
    }

    #[test]
    fn the_next_page_follows_the_first_and_shows_nothing_twice() {
        let query = Query::default();
        let here = Known::Asked.answered(query.clone(), page(&[1, 2], Some("c")));
        let more = here.continued(&query, page(&[2, 3], None));
        assert_eq!(ids(&more), [1, 2, 3]);
        assert!(matches!(&more, Known::Here(listed) if !listed.has_more()));
        let late = Query { search: "x".into(), ..Query::default() };
        assert_eq!(here.continued(&late, page(&[9], None)), here, "a page of another list");
    }
}
