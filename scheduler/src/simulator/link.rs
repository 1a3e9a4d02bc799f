//! How messages travel: in order and late, now and then doubled, overtaken or lost.

use super::leader::ToLeader;
use super::sim::{Sim, What};
use super::{coordinator, device};

/// How late a message may be that others overtake.
const OVERTAKEN_BY_US: u64 = 500_000;

/// One direction of one link: when its last message arrives.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lane {
    last_us: u64,
}

impl Sim<'_> {
    /// Arrival of a message that leaves now: once, twice or not at all.
    fn travel(&mut self, lane: Lane) -> (Lane, Option<u64>, Option<u64>) {
        let links = self.scenario.links;
        let rng = &mut self.link_rng;
        let straight = self.now_us + links.delay_us + rng.exponential(links.jitter_us) as u64;
        if self.calm {
            let at_us = straight.max(lane.last_us);
            return (Lane { last_us: at_us }, Some(at_us), None);
        }
        if rng.chance(links.dropped) {
            self.stats.faulted.dropped += 1;
            return (lane, None, None);
        }
        let (mut lane, mut at_us) = (lane, straight.max(lane.last_us));
        if rng.chance(links.reordered) {
            self.stats.faulted.reordered += 1;
            at_us = straight + rng.below(OVERTAKEN_BY_US);
        } else {
            lane.last_us = at_us;
        }
        let mut again_us = None;
        if rng.chance(links.duplicated) {
            self.stats.faulted.duplicated += 1;
            again_us = Some(at_us + rng.below(OVERTAKEN_BY_US));
        }
        (lane, Some(at_us), again_us)
    }

    /// From a worker to the leader. What is sent into a partition waits for its end if that is near, and is lost else.
    pub(super) fn worker_says(&mut self, device: u32, message: ToLeader) {
        let Some(held_until_us) = self.devices[device as usize].reach(self.now_us) else { return };
        let (lane, at_us, again_us) = self.travel(self.devices[device as usize].up_lane);
        self.devices[device as usize].up_lane = lane;
        if let Some(again_us) = again_us {
            self.queue.push(again_us.max(held_until_us), What::ToLeader(message.clone()));
        }
        if let Some(at_us) = at_us {
            self.queue.push(at_us.max(held_until_us), What::ToLeader(message));
        }
    }

    /// From the leader to a worker.
    pub(super) fn say_to_worker(&mut self, device: u32, message: device::Told) {
        let Some(held_until_us) = self.devices[device as usize].reach(self.now_us) else { return };
        let (lane, at_us, again_us) = self.travel(self.devices[device as usize].down_lane);
        self.devices[device as usize].down_lane = lane;
        if let Some(again_us) = again_us {
            let message = message.clone();
            self.queue.push(again_us.max(held_until_us), What::ToWorker { device, message });
        }
        if let Some(at_us) = at_us {
            self.queue.push(at_us.max(held_until_us), What::ToWorker { device, message });
        }
    }

    /// From a coordinator to the leader.
    pub(super) fn coordinator_says(&mut self, run: u32, message: ToLeader) {
        let (lane, at_us, again_us) = self.travel(self.runs[run as usize].up);
        self.runs[run as usize].up = lane;
        if let Some(again_us) = again_us {
            self.queue.push(again_us, What::ToLeader(message.clone()));
        }
        if let Some(at_us) = at_us {
            self.queue.push(at_us, What::ToLeader(message));
        }
    }

    /// From the leader to a coordinator.
    pub(super) fn say_to_coordinator(&mut self, run: u32, message: coordinator::Told) {
        let (lane, at_us, again_us) = self.travel(self.runs[run as usize].down);
        self.runs[run as usize].down = lane;
        if let Some(again_us) = again_us {
            let message = message.clone();
            self.queue.push(again_us, What::ToCoordinator { run, message });
        }
        if let Some(at_us) = at_us {
            self.queue.push(at_us, What::ToCoordinator { run, message });
        }
    }

    /// From somebody whose link never fails: an operator, the leader's own watch over its links.
    pub(super) fn tell_leader_in(&mut self, us: u64, message: ToLeader) {
        self.queue.push(self.now_us + us, What::ToLeader(message));
    }
}
