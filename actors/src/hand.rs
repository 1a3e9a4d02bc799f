//! What a core can say at once, from what its store has in memory: for a gateway of the same node.
//!
//! Looking at a project takes three questions that are asked with each request. As messages they pass from thread to
//! thread, which costs many times what answering them does. So a gateway that has the core beside it looks here first.
//! Whatever is not in memory, is to be written down, or is to be refused, is not said here: then the core is asked, as
//! by a gateway of another node, and what it says holds. Nothing is kept here: rows are as good as read
//! ([`store::Records::account_at_hand`]), so nothing that ended goes on.

use std::sync::Arc;

use cluster::body::sharing::{ReachProject, ReachedReply};
use domain::account::Secret;
use domain::id::ProjectId;
use domain::principal::Principal;
use domain::project::Project;

use crate::accounts::token::TokenKind;
use crate::accounts::{keys, sessions, sharing};
use crate::projects::views;
use crate::run::RunContext;

/// What is at hand.
#[derive(Clone)]
pub struct AtHand(Arc<RunContext>);

impl AtHand {
    /// What is at hand of a core.
    pub fn of(context: Arc<RunContext>) -> Self {
        Self(context)
    }

    /// What [`Authenticate`](cluster::body::accounts::Authenticate) would be answered.
    pub fn authenticate(&self, token: &Secret) -> Option<Principal> {
        match token.0.starts_with(TokenKind::Key.prefix()) {
            true => keys::at_once(&self.0, token),
            false => sessions::at_once(&self.0, token),
        }
    }

    /// What [`ReachProject`] would be answered.
    pub fn reach(&self, ask: &ReachProject) -> Option<ReachedReply> {
        let row = self.0.records.access_at_hand(ask.project)?;
        let reached = sharing::reached(&self.0, row.as_ref().as_ref(), ask);
        for account in &reached.given_by {
            self.0.records.account_at_hand(*account).filter(|row| row.leaving.is_none())?;
        }
        Some(reached.reply)
    }

    /// What [`ReadProject`](cluster::body::work::ReadProject) would be answered.
    pub fn project(&self, principal: Principal, project: ProjectId) -> Option<Project> {
        let row = self.0.records.project_at_hand(principal.tenant, project)?;
        if row.deleted { None } else { views::whole_at_once(&self.0, &row) }
    }

    /// How many rows are in memory, and what they take, as far as is counted, bytes.
    pub fn size(&self) -> (u64, u64) {
        self.0.records.at_hand()
    }
}
