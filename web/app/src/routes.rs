//! The addresses of the app. The node answers each of them with the same page.

use domain::id::{ProjectId, RunId};
use yew::prelude::*;
use yew_router::prelude::*;

use crate::account::deed::Deed;
use crate::account::entrance::Entrance;
use crate::account::invitation::InvitationPage;
use crate::account::page::{AccountPage, Part};
use crate::admin::AdminPage;
use crate::pages::{NotFound, ProjectPage, Shelf};
use crate::project::SharePage;

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
    #[at("/p/:id/runs")]
    Runs { id: String },
    /// The same of an earlier run's storyboard.
    #[at("/p/:id/runs/:run/chapter/:chapter")]
    RunChapter { id: String, run: String, chapter: usize },
    #[at("/p/:id/files")]
    Files { id: String },
    #[at("/p/:id/activity")]
    Activity { id: String },
    #[at("/p/:id/sharing")]
    Sharing { id: String },
    #[at("/claim")]
    Claim,
    #[at("/sign-up")]
    SignUp,
    #[at("/confirm")]
    Confirm,
    #[at("/forgot")]
    Forgot,
    #[at("/reset")]
    Reset,
    /// Where a mailed invitation leads.
    #[at("/invitation")]
    Invitation,
    /// Where a share link leads.
    #[at("/shared")]
    Share,
    #[at("/account")]
    Account,
    #[at("/account/security")]
    Security,
    #[at("/account/activity")]
    AccountActivity,
    #[at("/account/data")]
    AccountData,
    /// The node's accounts, for admins.
    #[at("/accounts")]
    Accounts,
    /// What was done that reaches beyond an account.
    #[at("/accounts/log")]
    Audit,
    #[not_found]
    #[at("/404")]
    NotFound,
}

/// A part of a project's page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// The storyboard of the newest run that finished, or of the one that is named, at a chapter counted from 0.
    Storyboard {
        run: Option<RunId>,
        position: usize,
    },
    Runs,
    Files,
    Activity,
    Sharing,
}

impl Route {
    pub fn project(id: ProjectId) -> Self {
        Self::Project { id: id.to_string() }
    }

    pub fn runs(id: ProjectId) -> Self {
        Self::Runs { id: id.to_string() }
    }

    pub fn files(id: ProjectId) -> Self {
        Self::Files { id: id.to_string() }
    }

    pub fn activity(id: ProjectId) -> Self {
        Self::Activity { id: id.to_string() }
    }

    pub fn sharing(id: ProjectId) -> Self {
        Self::Sharing { id: id.to_string() }
    }

    /// The chapter at `position` from 0, in the newest storyboard or in that of a run.
    pub fn chapter(id: ProjectId, run: Option<RunId>, position: usize) -> Self {
        let (id, chapter) = (id.to_string(), position + 1);
        match run {
            None => Self::Chapter { id, chapter },
            Some(run) => Self::RunChapter { id, run: run.to_string(), chapter },
        }
    }

    /// The project, and the part of its page.
    pub fn section(&self) -> Option<(ProjectId, Section)> {
        let at = |chapter: usize| chapter.saturating_sub(1);
        let (id, section) = match self {
            Self::Shelf | Self::NotFound => return None,
            Self::Claim | Self::SignUp | Self::Confirm | Self::Forgot | Self::Reset => return None,
            Self::Invitation | Self::Share | Self::Accounts | Self::Audit => return None,
            Self::Account | Self::Security | Self::AccountData | Self::AccountActivity => return None,
            Self::Project { id } => (id, Section::Storyboard { run: None, position: 0 }),
            Self::Chapter { id, chapter } => (id, Section::Storyboard { run: None, position: at(*chapter) }),
            Self::RunChapter { id, run, chapter } => {
                (id, Section::Storyboard { run: Some(run.parse().ok()?), position: at(*chapter) })
            }
            Self::Runs { id } => (id, Section::Runs),
            Self::Files { id } => (id, Section::Files),
            Self::Activity { id } => (id, Section::Activity),
            Self::Sharing { id } => (id, Section::Sharing),
        };
        Some((id.parse().ok()?, section))
    }

    /// The form of an address that is there for whoever is not signed in.
    pub fn deed(&self) -> Option<Deed> {
        match self {
            Self::Claim => Some(Deed::Claim),
            Self::SignUp => Some(Deed::SignUp),
            Self::Confirm => Some(Deed::Confirm),
            Self::Forgot => Some(Deed::Forgot),
            Self::Reset => Some(Deed::Reset),
            _ => None,
        }
    }

    /// It shows something to whoever is not signed in too.
    pub fn is_open(&self) -> bool {
        self.deed().is_some() || matches!(self, Self::Invitation | Self::Share)
    }

    /// The part of one's own account that an address shows.
    pub fn account_part(&self) -> Option<Part> {
        match self {
            Self::Account => Some(Part::Profile),
            Self::Security => Some(Part::Security),
            Self::AccountData => Some(Part::Data),
            Self::AccountActivity => Some(Part::Activity),
            _ => None,
        }
    }

    pub fn project_id(&self) -> Option<ProjectId> {
        self.section().map(|(id, _)| id)
    }
}

/// The page of an address.
pub fn switch(route: Route) -> Html {
    if let Some(deed) = route.deed() {
        return html! { <Entrance key={deed.id()} {deed} /> };
    }
    if let Some(part) = route.account_part() {
        return html! { <AccountPage {part} /> };
    }
    match (&route, route.section()) {
        (Route::Shelf, _) => html! { <Shelf /> },
        (Route::Invitation, _) => html! { <InvitationPage /> },
        (Route::Accounts | Route::Audit, _) => html! { <AdminPage part={route.clone()} /> },
        (Route::Share, _) => html! { <SharePage /> },
        (_, Some((id, section))) => html! { <ProjectPage key={id.to_string()} {id} {section} /> },
        _ => html! { <NotFound /> },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_leads_to_a_part_of_a_project_or_nowhere() {
        let (id, run) = (ProjectId(3), RunId(4));
        let section = |route: Route| route.section().map(|(_, section)| section);
        assert_eq!(section(Route::chapter(id, None, 2)), Some(Section::Storyboard { run: None, position: 2 }));
        let of_run = Section::Storyboard { run: Some(run), position: 0 };
        assert_eq!(section(Route::chapter(id, Some(run), 0)), Some(of_run));
        assert_eq!(Route::runs(id).project_id(), Some(id));
        assert_eq!(section(Route::Runs { id: "nobody".into() }), None);
        assert_eq!(section(Route::RunChapter { id: id.to_string(), run: "x".into(), chapter: 1 }), None);
        assert_eq!(Route::recognize("/p/x/files"), Some(Route::Files { id: "x".into() }));
    }

    #[test]
    fn an_address_of_an_account_shows_a_form_or_a_part_of_it() {
        let route = |path: &str| Route::recognize(path).unwrap();
        assert_eq!(route("/confirm").deed(), Some(Deed::Confirm));
        assert_eq!(route("/account/security").account_part(), Some(Part::Security));
        assert!(route("/invitation").is_open() && route("/shared").is_open() && !route("/account").is_open());
        for path in ["/", "/p/x", "/account/nothing"] {
            assert_eq!((route(path).deed(), route(path).account_part()), (None, None), "{path}");
        }
    }
}
