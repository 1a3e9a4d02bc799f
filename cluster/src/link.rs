//! The frozen actor message, addresses, and calls with deadlines.

use std::time::Duration;

use domain::id::Term;
use ractor::rpc::CallResult;
use ractor::{ActorRef, RpcReplyPort};
use ractor_cluster::RactorClusterMessage;

use crate::body::Fault;
use crate::envelope::{Envelope, Trace};
use crate::message::{Message, Request};

/// The one message type that actors of different roles exchange. Frozen for ever: what changes is inside
/// the envelope. Within a process the envelope is handed over as it is; ractor turns it into bytes only
/// for an actor of another node.
#[derive(RactorClusterMessage)]
pub enum Link {
    /// Said without an answer.
    Cast(Envelope),
    /// Asked; always answered, with a [`Fault`] if need be.
    #[rpc]
    Call(Envelope, RpcReplyPort<Envelope>),
}

/// How envelopes travel to an actor of the same process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wire {
    /// As they are.
    #[default]
    Memory,
    /// Into bytes and back, both ways, as if the actor lived on another node. For tests.
    Bytes,
}

/// Where a role's gateway actor can be reached.
#[derive(Clone)]
pub struct Address {
    actor: ActorRef<Link>,
    wire: Wire,
}

/// What a call carries besides its message.
#[derive(Clone, Copy, Debug)]
pub struct CallContext {
    /// How long to wait for the answer.
    pub deadline: Duration,
    /// Which request this belongs to.
    pub trace: Trace,
    /// The caller's term where it holds a lease.
    pub term: Term,
}

impl CallContext {
    /// A call outside any request and any lease.
    pub fn within(deadline: Duration) -> Self {
        Self { deadline, trace: Trace::default(), term: Term::default() }
    }
}

impl Address {
    /// The address of `actor`, with envelopes travelling by `wire`.
    pub fn new(actor: ActorRef<Link>, wire: Wire) -> Self {
        Self { actor, wire }
    }

    /// The actor behind it.
    pub fn actor(&self) -> &ActorRef<Link> {
        &self.actor
    }

    /// Asks and waits for the answer.
    ///
    /// # Errors
    /// The other side's [`Fault`]; `unavailable` if no answer came in time, in which case whether the
    /// request took effect is unknown; `unsupported` if the other side is too old or too new.
    pub async fn call<R: Request>(&self, request: R, context: CallContext) -> Result<R::Reply, Fault> {
        let envelope = Envelope {
            term: context.term,
            deadline_ms: u32::try_from(context.deadline.as_millis()).unwrap_or(u32::MAX),
            trace: context.trace,
            ..Envelope::new(request)
        };
        let envelope = self.travel(envelope);
        let answer = self.actor.call(|port| Link::Call(envelope, port), Some(context.deadline)).await;
        let Ok(CallResult::Success(answer)) = answer else {
            return Err(Fault::new(
                "unavailable",
                "no answer came in time; look whether it took effect, then try again",
            )
            .retry_after(1_000));
        };
        match self.travel(answer).message {
            Message::Fault(fault) => Err(fault),
            message => R::Reply::try_from(message).map_err(|other| Fault::unsupported(other.kind())),
        }
    }

    /// Says something without an answer. That the actor is gone is no error here: whoever needs to know
    /// watches it.
    pub fn cast(&self, message: impl Into<Message>, term: Term) {
        let envelope = self.travel(Envelope { term, ..Envelope::new(message) });
        if self.actor.cast(Link::Cast(envelope)).is_err() {
            tracing::debug!(actor = ?self.actor.get_id(), "cast to an actor that is gone");
        }
    }

    fn travel(&self, envelope: Envelope) -> Envelope {
        use ractor::BytesConvertable;
        match self.wire {
            Wire::Memory => envelope,
            Wire::Bytes => <Envelope as BytesConvertable>::from_bytes(envelope.into_bytes()),
        }
    }
}
