//! Simulated coordinators: pages out, results into segments, everything again after a loss.

use super::leader::ToLeader;
use super::ledger::Broken;
use super::link::Lane;
use super::sim::{Fate, Sim, What, run_id, term_of};
use crate::event::{Event, ItemFailure, Refusal};
use crate::item::{Class, Marks};
use crate::model::rank;

/// Items outstanding at the scheduler at a time.
const MAX_OUTSTANDING: u32 = 1_024;
/// Items in a page.
const PAGE_ITEMS: u32 = 256;
/// A segment is written when it holds so many items ...
const SEGMENT_ITEMS: usize = 256;
/// ... or is open for so long.
const SEGMENT_AGE_US: u64 = 400_000;
/// Without an answer or a result for so long, what is outstanding is handed in again.
const PATIENCE_US: u64 = 5_000_000;
/// From the loss of a coordinator to the next one's first step.
pub(super) const LEASE_US: u64 = 2_000_000;

/// What a coordinator is told.
#[derive(Clone, Debug)]
pub(super) enum Told {
    Accepted {
        page: u32,
    },
    Refused {
        page: u32,
        reason: Refusal,
        retry_after_ms: u64,
    },
    Results(Box<[u32]>),
    ItemFailed {
        item: u32,
        reason: ItemFailure,
    },
    Marked {
        item: u32,
        marks: Marks,
    },
    /// Somebody else leads.
    Follow,
}

/// One run, what its store row says, and what its coordinator of the moment knows.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) tenant: u32,
    pub(super) class: Class,
    pub(super) model: u32,
    pub(super) first: u32,
    pub(super) count: u32,
    /// In the store.
    pub(super) term: u64,
    pub(super) came_us: Option<u64>,
    pub(super) up_alive: bool,
    next: u32,
    again: Vec<u32>,
    pub(super) sent: u32,
    ended: u32,
    closed: bool,
    buffer: Vec<u32>,
    commit_planned: bool,
    page: u32,
    in_flight: Vec<u32>,
    not_before_us: u64,
    heard_us: u64,
    watched: bool,
    pub(super) up: Lane,
    pub(super) down: Lane,
}

impl Run {
    pub(super) fn new(tenant: u32, class: Class, model: u32, first: u32, count: u32) -> Self {
        Self {
            tenant,
            class,
            model,
            first,
            count,
            term: 1,
            came_us: None,
            up_alive: true,
            next: 0,
            again: Vec::new(),
            sent: 0,
            ended: 0,
            closed: false,
            buffer: Vec::new(),
            commit_planned: false,
            page: 0,
            in_flight: Vec::new(),
            not_before_us: 0,
            heard_us: 0,
            watched: false,
            up: Lane::default(),
            down: Lane::default(),
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.ended == self.count
    }
}

impl Sim<'_> {
    pub(super) fn pump_later(&mut self, number: u32, term: u64) {
        if self.runs[number as usize].term == term {
            self.pump(number);
        }
    }

    /// Hands in a page, if there is something to hand in, room for it, and no page on its way.
    fn pump(&mut self, number: u32) {
        let now_us = self.now_us;
        let run = &mut self.runs[number as usize];
        run.came_us.get_or_insert(now_us);
        let waiting = run.again.len() as u32 + run.count - run.next;
        let room = MAX_OUTSTANDING.saturating_sub(run.sent);
        if !run.up_alive || !run.in_flight.is_empty() || run.is_over() || waiting == 0 || room < PAGE_ITEMS.min(waiting)
        {
            return;
        }
        if now_us < run.not_before_us {
            let term = run.term;
            self.queue.push(self.runs[number as usize].not_before_us, What::Pump { run: number, term });
            return;
        }
        let mut page = Vec::with_capacity(PAGE_ITEMS.min(waiting) as usize);
        while page.len() < PAGE_ITEMS.min(room) as usize {
            let item = match run.again.pop() {
                Some(item) => item,
                None if run.next < run.count => {
                    run.next += 1;
                    run.first + run.next - 1
                }
                None => break,
            };
            let entry = &mut self.items[item as usize];
            if entry.fate == Fate::Waiting {
                entry.fate = Fate::Sent;
                if entry.sent_us == 0 {
                    entry.sent_us = now_us.max(1);
                }
                page.push(item);
            }
        }
        if page.is_empty() {
            return;
        }
        run.sent += page.len() as u32;
        run.page += 1;
        run.in_flight.clone_from(&page);
        let submit = ToLeader::Submit { run: number, term: run.term, page: run.page, items: page.into() };
        self.coordinator_says(number, submit);
        self.watch(number);
    }

    fn watch(&mut self, number: u32) {
        let run = &mut self.runs[number as usize];
        if !run.watched {
            run.watched = true;
            run.heard_us = self.now_us;
            let term = run.term;
            self.queue.push(self.now_us + PATIENCE_US, What::Patience { run: number, term });
        }
    }

    pub(super) fn lose_patience(&mut self, number: u32, term: u64) {
        let run = &mut self.runs[number as usize];
        if run.term != term || !run.up_alive || run.is_over() {
            return;
        }
        run.watched = false;
        if run.sent == 0 && run.in_flight.is_empty() {
            return;
        }
        let due_us = run.heard_us + PATIENCE_US;
        if self.now_us >= due_us {
            self.hand_in_again(number);
        } else {
            run.watched = true;
            self.queue.push(due_us, What::Patience { run: number, term });
        }
    }

    /// Puts what is outstanding back into the line; the scheduler ignores what it has.
    fn hand_in_again(&mut self, number: u32) {
        let run = &mut self.runs[number as usize];
        run.in_flight.clear();
        run.not_before_us = 0;
        run.heard_us = self.now_us;
        let sent = (run.first..run.first + run.next).rev().filter(|&item| self.items[item as usize].fate == Fate::Sent);
        let sent: Vec<u32> = sent.collect();
        run.sent = 0;
        for item in sent {
            self.items[item as usize].fate = Fate::Waiting;
            run.again.push(item);
        }
        self.pump(number);
    }

    pub(super) fn tell_coordinator(&mut self, number: u32, told: Told) {
        let run = &mut self.runs[number as usize];
        if !run.up_alive || run.is_over() {
            return;
        }
        run.heard_us = self.now_us;
        match told {
            Told::Accepted { page } => {
                if page == run.page {
                    run.in_flight.clear();
                    self.pump(number);
                }
            }
            Told::Refused { page, reason, retry_after_ms } => self.refused(number, page, reason, retry_after_ms),
            Told::Results(items) => self.results(number, &items),
            Told::ItemFailed { item, reason } => self.item_failed(number, item, reason),
            Told::Marked { item, marks } => self.items[item as usize].marks = marks,
            Told::Follow => self.hand_in_again(number),
        }
    }

    fn refused(&mut self, number: u32, page: u32, reason: Refusal, retry_after_ms: u64) {
        let run = &mut self.runs[number as usize];
        if page != run.page {
            return;
        }
        self.stats.faulted.refused += 1;
        if matches!(reason, Refusal::StaleTerm | Refusal::Cancelled) {
            self.breaks(Broken::WronglyRefused { run: number, reason });
            return;
        }
        for item in std::mem::take(&mut run.in_flight) {
            let entry = &mut self.items[item as usize];
            if entry.fate == Fate::Sent {
                entry.fate = Fate::Waiting;
                run.again.push(item);
                run.sent -= 1;
            }
        }
        run.not_before_us = self.now_us + retry_after_ms.max(10) * 1_000;
        self.pump(number);
    }

    fn results(&mut self, number: u32, items: &[u32]) {
        let now_us = self.now_us;
        let run = &mut self.runs[number as usize];
        for &item in items {
            let entry = &mut self.items[item as usize];
            match entry.fate {
                Fate::Sent => run.sent -= 1,
                Fate::Waiting => {}
                _ => continue,
            }
            entry.fate = Fate::Buffered;
            run.buffer.push(item);
            let us = now_us - entry.sent_us;
            self.stats.turnaround[rank(run.class)].add(us);
            let tenant = &mut self.tenants[run.tenant as usize];
            tenant.turnaround.add(us);
            tenant.served_ms += self.scenario.models[run.model as usize].cost.item_ns(entry.tokens) / 1e6;
            self.stats.last_us = now_us;
        }
        if run.buffer.is_empty() {
            return;
        }
        let last = run.sent == 0 && run.again.is_empty() && run.next == run.count;
        if last || run.buffer.len() >= SEGMENT_ITEMS {
            let term = run.term;
            self.commit(number, term);
        } else if !run.commit_planned {
            run.commit_planned = true;
            let term = run.term;
            self.queue.push(now_us + SEGMENT_AGE_US, What::Commit { run: number, term });
        }
        self.pump(number);
    }

    /// A compare-and-set names the segment in the run's row: now its results are accepted.
    pub(super) fn commit(&mut self, number: u32, term: u64) {
        let run = &mut self.runs[number as usize];
        if run.term != term || !run.up_alive {
            // The row has moved on: whoever wrote under the older term steps down.
            return;
        }
        run.commit_planned = false;
        for item in std::mem::take(&mut run.buffer) {
            let entry = &mut self.items[item as usize];
            match entry.fate {
                Fate::Buffered => entry.fate = Fate::Committed,
                Fate::Cancelled => continue,
                _ => {
                    self.broken.get_or_insert(Broken::TwiceAccepted { item });
                    continue;
                }
            }
            run.ended += 1;
            self.stats.ended[0] += 1;
        }
        self.close_run(number);
    }

    fn close_run(&mut self, number: u32) {
        let run = &mut self.runs[number as usize];
        if run.is_over() && !std::mem::replace(&mut run.closed, true) {
            run.again = Vec::new();
            self.active_runs -= 1;
        }
    }

    fn item_failed(&mut self, number: u32, item: u32, reason: ItemFailure) {
        let run = &mut self.runs[number as usize];
        let entry = &mut self.items[item as usize];
        match entry.fate {
            Fate::Sent => run.sent -= 1,
            Fate::Waiting => {}
            _ => return,
        }
        entry.fate = Fate::Failed;
        run.ended += 1;
        self.stats.ended[1] += 1;
        self.stats.faulted.given_up[reason as usize] += 1;
        self.close_run(number);
        self.pump(number);
    }

    /// Somebody cancels the run: its row says so, then the scheduler is told.
    pub(super) fn cancel(&mut self, number: u32) {
        let run = &mut self.runs[number as usize];
        if run.is_over() || !run.up_alive {
            return;
        }
        for item in run.first..run.first + run.count {
            let entry = &mut self.items[item as usize];
            if matches!(entry.fate, Fate::Waiting | Fate::Sent | Fate::Buffered) {
                entry.fate = Fate::Cancelled;
                run.ended += 1;
                self.stats.ended[2] += 1;
            }
        }
        run.buffer.clear();
        run.in_flight.clear();
        let event = Event::CancelRun { run: run_id(number), term: term_of(run.term) };
        self.stats.faulted.cancelled += 1;
        self.close_run(number);
        self.coordinator_says(number, ToLeader::Event(event));
    }

    /// The coordinator dies, and what it had not written with it.
    pub(super) fn lose_coordinator(&mut self, number: u32) {
        let run = &mut self.runs[number as usize];
        if run.is_over() || !run.up_alive {
            return;
        }
        run.up_alive = false;
        self.stats.faulted.coordinator_losses += 1;
        self.queue.push(self.now_us + LEASE_US, What::CoordinatorUp { run: number });
    }

    /// Another one takes the run over, with the next term; the old one may still be talking.
    pub(super) fn coordinator_up(&mut self, number: u32) {
        let run = &mut self.runs[number as usize];
        run.up_alive = true;
        let old = run.term;
        run.term += 1;
        // Replies to the old coordinator's pages are none of the new one's.
        run.page += 1;
        run.again.clear();
        run.buffer.clear();
        run.in_flight.clear();
        (run.sent, run.next, run.not_before_us) = (0, run.count, 0);
        (run.watched, run.commit_planned) = (false, false);
        for item in (run.first..run.first + run.count).rev() {
            let entry = &mut self.items[item as usize];
            if matches!(entry.fate, Fate::Waiting | Fate::Sent | Fate::Buffered) {
                entry.fate = Fate::Waiting;
                run.again.push(item);
            }
        }
        self.pump(number);
        let run = &self.runs[number as usize];
        let page: Vec<u32> = (run.first..run.first + run.count).take(20).collect();
        let stale = ToLeader::Submit { run: number, term: old, page: u32::MAX, items: page.into() };
        let late_us = self.fault_rng.below(200_000);
        self.tell_leader_in(late_us, stale);
    }
}
