//! The one actor of a role that other roles see.

use std::marker::PhantomData;
use std::time::Duration;

use cluster::body::Fault;
use cluster::envelope::Envelope;
use cluster::link::{Address, CallContext, Link, Wire};
use cluster::message::Request;
use domain::id::Term;
use ractor::{Actor, ActorProcessingErr, ActorRef, Message, RpcReplyPort, SpawnErr, pg};
use tokio::time::Instant;

/// Process group of the cores' entrances.
pub const CORE: &str = "core";
/// Process group of the schedulers' entrances.
pub const SCHEDULER: &str = "scheduler";
/// Process group of the workers.
pub const WORKER: &str = "worker";
/// How often it is looked whether somebody leads, while nobody does.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Something said to a role, and where the answer goes if one is wanted.
pub struct Said {
    /// What was said.
    pub envelope: Envelope,
    /// Where the answer goes.
    pub reply: Option<RpcReplyPort<Envelope>>,
}

impl Said {
    /// Takes a link message apart.
    pub fn from_link(link: Link) -> Self {
        match link {
            Link::Cast(envelope) => Self { envelope, reply: None },
            Link::Call(envelope, reply) => Self { envelope, reply: Some(reply) },
        }
    }
}

/// Sends the answer to a call.
pub fn answer(reply: RpcReplyPort<Envelope>, term: Term, result: Result<cluster::message::Message, Fault>) {
    let message = result.unwrap_or_else(cluster::message::Message::from);
    // Whoever asked may have given up; then nobody misses the answer.
    let _ = reply.send(Envelope { term, ..Envelope::new(message) });
}

/// Forwards every link message to a local actor whose own messages can hold it.
struct Entrance<M>(PhantomData<fn() -> M>);

impl<M: Message + From<Said>> Actor for Entrance<M> {
    type Msg = Link;
    type State = ActorRef<M>;
    type Arguments = ActorRef<M>;

    async fn pre_start(&self, _: ActorRef<Link>, inner: ActorRef<M>) -> Result<ActorRef<M>, ActorProcessingErr> {
        Ok(inner)
    }

    async fn handle(&self, _: ActorRef<Link>, link: Link, inner: &mut ActorRef<M>) -> Result<(), ActorProcessingErr> {
        inner.cast(M::from(Said::from_link(link)))?;
        Ok(())
    }
}

/// Opens an entrance to `inner` under `name`, shown to others in `group` of `scope`.
///
/// # Errors
/// If the name is taken.
pub async fn open<M: Message + From<Said>>(
    scope: &str,
    group: &str,
    name: String,
    inner: &ActorRef<M>,
    wire: Wire,
) -> Result<Address, SpawnErr> {
    let entrance = Entrance::<M>(PhantomData);
    let (actor, _) = Actor::spawn_linked(Some(name), entrance, inner.clone(), inner.get_cell()).await?;
    show(scope, group, &actor);
    Ok(Address::new(actor, wire))
}

/// Shows an actor to others in `group` of `scope`.
pub fn show(scope: &str, group: &str, actor: &ActorRef<Link>) {
    pg::join_scoped(scope.to_owned(), group.to_owned(), vec![actor.get_cell()]);
}

/// Finds the actor of `group` that is called `name`, on whichever node.
pub fn find(scope: &str, group: &str, name: &str) -> Option<ActorRef<Link>> {
    let members = pg::get_scoped_members(&scope.to_owned(), &group.to_owned());
    members.into_iter().find(|cell| cell.get_name().as_deref() == Some(name)).map(ActorRef::from)
}

/// The name of a worker's actor.
pub fn worker_name(worker: domain::id::WorkerId) -> String {
    format!("worker-{worker}")
}

/// The name of a core's entrance.
pub fn core_name(core: u128) -> String {
    format!("core-{core:032x}")
}

/// Whoever leads the scheduling now. Leadership moves, so each message finds its way anew.
#[derive(Clone)]
pub struct Leader {
    /// Scope of the process groups.
    pub scope: String,
    /// How envelopes travel.
    pub wire: Wire,
}

impl Leader {
    fn address(&self) -> Option<Address> {
        let members = pg::get_scoped_members(&self.scope, &SCHEDULER.to_owned());
        members.into_iter().next().map(|cell| Address::new(ActorRef::from(cell), self.wire))
    }

    /// Asks the leader, for which it waits within the deadline: a node that has just begun has none for a moment.
    ///
    /// # Errors
    /// `unavailable` if nobody leads until then; else as [`Address::call`].
    pub async fn call<R: Request>(&self, request: R, context: CallContext) -> Result<R::Reply, Fault> {
        let began = Instant::now();
        let Ok(address) = tokio::time::timeout(context.deadline, self.led()).await else {
            return Err(Fault::new("unavailable", "no scheduler leads at the moment").retry_after(1_000));
        };
        let deadline = context.deadline.saturating_sub(began.elapsed());
        address.call(request, CallContext { deadline, ..context }).await
    }

    /// The leader, as soon as there is one. A process group tells only actors of its changes, so it is looked at again.
    async fn led(&self) -> Address {
        loop {
            if let Some(address) = self.address() {
                return address;
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Tells the leader; while nobody leads, nobody is told, and whoever leads next asks anew.
    pub fn cast(&self, message: impl Into<cluster::message::Message>, term: Term) {
        if let Some(address) = self.address() {
            address.cast(message, term);
        }
    }
}
