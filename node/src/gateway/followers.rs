//! Those who follow a project's events: one question to the core stands for all of them, however many they are.
//!
//! A follower subscribes first and then reads what it has missed, so nothing falls in between. What it hears may be
//! old to it, or leave a gap where it was slow; the events' numbers tell, and the core has them all.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cluster::body::projects::EventsAfter;
use cluster::envelope::Trace;
use cluster::link::CallContext;
use domain::id::{ProjectId, TenantId};
use domain::principal::Principal;
use domain::run::RunEvent;
use tokio::sync::broadcast;

use super::Gateway;

/// How long the core holds a question for events open. Shorter than any proxy's patience.
const WAIT_MS: u32 = 15_000;
/// How long an answer may take beyond that.
const DEADLINE: Duration = Duration::from_secs(10);
/// Most events in one answer of the core.
pub const PAGE: u32 = 256;
/// Events that a slow follower may be behind before it has to ask the core itself.
const BACKLOG: usize = 64;

/// An event as it is told to followers.
pub type News = Arc<RunEvent>;

/// The projects that are followed.
#[derive(Default)]
pub struct Followers {
    projects: Mutex<HashMap<(TenantId, ProjectId), broadcast::Sender<News>>>,
}

impl Followers {
    /// Whatever happens in a project from now on; events up to `seq` are not repeated. It is closed when the project
    /// is gone, the core can't be reached or the node stops.
    pub fn follow(
        gateway: &Arc<Gateway>,
        principal: Principal,
        project: ProjectId,
        seq: u64,
    ) -> broadcast::Receiver<News> {
        let key = (principal.tenant, project);
        let mut projects = gateway.followers.projects.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(news) = projects.get(&key) {
            return news.subscribe();
        }
        let (news, follower) = broadcast::channel(BACKLOG);
        projects.insert(key, news.clone());
        tokio::spawn(ask(gateway.clone(), principal, project, seq, news));
        follower
    }

    /// Forgets a project unless somebody follows it. Nobody can come in between.
    fn is_forgotten(&self, key: (TenantId, ProjectId), news: &broadcast::Sender<News>) -> bool {
        let mut projects = self.projects.lock().unwrap_or_else(PoisonError::into_inner);
        let is_idle = news.receiver_count() == 0;
        if is_idle {
            projects.remove(&key);
        }
        is_idle
    }

    fn forget(&self, key: (TenantId, ProjectId)) {
        self.projects.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
    }
}

/// Asks the core for a project's events as long as somebody follows it.
async fn ask(
    gateway: Arc<Gateway>,
    principal: Principal,
    project: ProjectId,
    mut after: u64,
    news: broadcast::Sender<News>,
) {
    let key = (principal.tenant, project);
    let mut stopping = gateway.stopping.clone();
    while !gateway.followers.is_forgotten(key, &news) {
        let context = CallContext {
            trace: Trace(project.0),
            ..CallContext::within(Duration::from_millis(u64::from(WAIT_MS)) + DEADLINE)
        };
        let question = EventsAfter { principal, project, after, limit: PAGE, wait_ms: WAIT_MS };
        let answer = tokio::select! {
            answer = gateway.core.call(question, context) => answer,
            _ = stopping.wait_for(|stop| *stop) => break,
        };
        let Ok(reply) = answer else { break };
        for event in reply.events {
            after = event.seq;
            // Whoever has left needs no news.
            let _ = news.send(Arc::new(event));
        }
    }
    // Dropped after that: whoever follows is told that it is over, and whoever comes begins anew.
    gateway.followers.forget(key);
}
