//! The page that Visiobook's visitors see: a Yew app over `/api/v1`. It knows the node by its answers alone, runs under
//! a policy that allows no inline script or style, and keeps two things in the browser: the visitor's language, and
//! which uploads were begun. Who is signed in the browser knows by a cookie that no script reads.
//!
//! | module | holds |
//! |---|---|
//! | [`account`] | who uses the page, the way in for others, one's own account |
//! | [`admin`] | the node's accounts, for admins |
//! | [`asked`] | what components ask of the node: kept fresh; errands |
//! | [`api`] | the client: one function a request, every failure a value |
//! | [`events`] | a project's events over SSE, opened anew when cut |
//! | [`connection`] | whether the node answers, and when to fetch anew |
//! | [`node_info`] | what the node tells of itself |
//! | [`run_state`] | how events move a run on; time left (pure) |
//! | [`i18n`] | the visitor's language; numbers, sizes and times in it |
//! | [`routes`] | addresses |
//! | [`shell`] | what surrounds every page |
//! | [`toast`], [`dialog`], [`confirm`] | words at the edge, forms and questions above the page |
//! | [`choose`] | a choice that is asked about before it is so |
//! | [`pages`] | shelf, project, not found |
//! | [`shelf`] | the list of projects: query, pages, rows |
//! | [`deeds`] | archiving, deleting, restoring, each with its way back |
//! | [`upload`] | files in parts, sent on after any break |
//! | [`project`] | a project's words, runs, files and activity |
//! | [`storyboard`] | chapters, scenes, panels, names, evidence, edits |
//! | [`browser`] | the few things asked of the browser itself |

mod account;
mod admin;
mod api;
mod asked;
mod browser;
mod choose;
mod confirm;
mod connection;
mod deeds;
mod dialog;
mod events;
#[cfg(test)]
mod fixtures;
mod i18n;
mod node_info;
mod pages;
mod project;
mod routes;
mod run_state;
mod shelf;
mod shell;
mod storyboard;
mod toast;
mod upload;

fn main() {
    let root = browser::document().get_element_by_id("app").expect("index.html holds #app");
    yew::Renderer::<shell::App>::with_root(root).render();
}
