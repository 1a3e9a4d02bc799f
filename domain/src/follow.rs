//! What is said over the WebSocket that follows many projects.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::ProjectId;
use crate::run::RunEvent;

/// What a follower says, once, when the connection stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase", tag = "type")]
pub enum FollowerMessage {
    /// Follow from here on.
    Follow {
        /// The projects; all of the tenant's, those to come too, where none are named.
        #[serde(default)]
        projects: Option<Vec<ProjectId>>,
        /// The number of the last event that is known of each. Of projects that are not among them, only what happens
        /// from now on is told.
        #[serde(default)]
        after: BTreeMap<ProjectId, u64>,
    },
}

/// What a follower is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase", tag = "type")]
pub enum FollowedMessage {
    /// These are followed from now on, each after the event of this number.
    Following {
        /// The number of the last event that is not told.
        after: BTreeMap<ProjectId, u64>,
    },
    /// Something happened.
    Event {
        /// What, with its number.
        event: RunEvent,
    },
}
