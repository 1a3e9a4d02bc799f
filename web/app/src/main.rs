//! The page that Visiobook's visitors see: a Yew app over `/api/v1`. It knows the node by its answers alone, keeps
//! nothing but the visitor's language, and runs under a policy that allows no inline script or style.
//!
//! | module | holds |
//! |---|---|
//! | [`api`] | the client: one function a request, every failure a value |
//! | [`sending`] | an upload that tells how much has gone out |
//! | [`events`] | a project's events over SSE, opened anew when cut |
//! | [`connection`] | whether the node answers |
//! | [`node_info`] | what the node tells of itself |
//! | [`run_state`] | how events move a run on; time left (pure) |
//! | [`i18n`] | the visitor's language; numbers, sizes and times in it |
//! | [`routes`] | addresses |
//! | [`shell`] | what surrounds every page |
//! | [`pages`] | shelf, project, not found |
//! | [`upload`], [`book_row`], [`confirm`] | parts of the shelf |
//! | [`run_view`] | the live run |
//! | [`storyboard`] | chapters, scenes, panels, names, evidence |
//! | [`browser`] | the few things asked of the browser itself |

mod api;
mod book_row;
mod browser;
mod confirm;
mod connection;
mod events;
mod i18n;
mod node_info;
mod pages;
mod routes;
mod run_state;
mod run_view;
mod sending;
mod shell;
mod storyboard;
mod upload;

fn main() {
    let root = browser::document().get_element_by_id("app").expect("index.html holds #app");
    yew::Renderer::<shell::App>::with_root(root).render();
}
