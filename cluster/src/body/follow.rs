//! Gateway ↔ core: events of many projects at a time.

use bincode::{Decode, Encode};
use domain::id::ProjectId;
use domain::principal::Principal;
use domain::run::RunEvent;

/// Projects that one follower may follow.
pub const FOLLOWED_MAX: usize = 1_024;

/// A place in a core's memory of which projects' logs grew. Of another life of the core, or of too long ago, it says
/// nothing, and all logs are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct RingMark {
    /// Which life of which core.
    pub life: u128,
    /// How often a log had grown.
    pub count: u64,
}

/// Events of several projects after those that are known, waiting for the first one.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct FollowEvents {
    /// Who asks.
    pub principal: Principal,
    /// The answer's mark of last time; `None` to begin.
    pub since: Option<RingMark>,
    /// The projects; `None` for all of the tenant's, those to come too.
    pub named: Option<Vec<ProjectId>>,
    /// The last event that is known of each. Of others, to begin with, only later events are told; then all.
    pub known: Vec<(ProjectId, u64)>,
    /// Most events in the answer.
    pub limit: u32,
    /// How long to wait for the first one.
    pub wait_ms: u32,
}

/// Answer to [`FollowEvents`].
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct FollowedEvents {
    /// In each project's order.
    pub events: Vec<RunEvent>,
    /// Projects that are followed from now on, and the number of their last event.
    pub begun: Vec<(ProjectId, u64)>,
    /// To be said next time.
    pub since: Option<RingMark>,
}
