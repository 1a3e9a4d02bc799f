//! The addresses of the app. The node answers each of them with the same page.

use domain::id::ProjectId;
use yew::prelude::*;
use yew_router::prelude::*;

use crate::pages::{NotFound, ProjectPage, Shelf};

/// An address of the app.
#[derive(Clone, PartialEq, Debug, Routable)]
pub enum Route {
    #[at("/")]
    Shelf,
    #[at("/p/:id")]
    Project { id: String },
    /// One chapter of a project's storyboard, counted from 1.
    #[at("/p/:id/chapter/:chapter")]
    Chapter { id: String, chapter: usize },
    #[not_found]
    #[at("/404")]
    NotFound,
}

impl Route {
    pub fn project(id: ProjectId) -> Self {
        Self::Project { id: id.to_string() }
    }

    /// The chapter at `position` in the storyboard, from 0.
    pub fn chapter(id: ProjectId, position: usize) -> Self {
        Self::Chapter { id: id.to_string(), chapter: position + 1 }
    }
}

/// The page of an address.
pub fn switch(route: Route) -> Html {
    let project = |id: &str, position: usize| match id.parse::<ProjectId>() {
        Ok(id) => html! { <ProjectPage key={id.to_string()} {id} {position} /> },
        Err(_) => html! { <NotFound /> },
    };
    match route {
        Route::Shelf => html! { <Shelf /> },
        Route::Project { id } => project(&id, 0),
        Route::Chapter { id, chapter } => project(&id, chapter.saturating_sub(1)),
        Route::NotFound => html! { <NotFound /> },
    }
}
