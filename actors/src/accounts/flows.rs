//! Ways to an identity provider and back (OpenID Connect, code flow with PKCE).
//!
//! What a flow was begun with is kept here, in memory, for a while and once: a state that comes back a second time
//! finds nothing. A restart loses flows that are under way, and whoever is on one begins anew.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use cluster::body::Fault;
use cluster::body::identities::{BeginFlow, EndFlow, FlowBegan, FlowEnded, FlowPurpose};
use domain::account::Secret;
use domain::id::{AccountId, Digest, SessionId};
use domain::identity::own_path;
use store::rows::SecretDigest;
use subtle::ConstantTimeEq as _;

use super::token::{Token, TokenKind};
use super::{Result, attempts, identities, signed};
use crate::run::RunContext;

/// How long somebody may take at the provider.
const FLOW: Duration = Duration::from_secs(10 * 60);
/// Flows that may be under way.
const FLOWS_MAX: usize = 10_000;
/// Longest code or state that is looked at, bytes.
const ANSWER_MAX_BYTES: usize = 4_096;
/// How much of what a provider says of an error is handed on, characters.
const ERROR_MAX_CHARS: usize = 100;

/// Who vouches for people: the node hands it in, for nothing here knows HTTP.
#[async_trait]
pub trait IdentityProvider: Send + Sync {
    /// What it is called.
    fn name(&self) -> &str;

    /// The address that somebody has to go to; with `fresh`, the provider asks them anew. It ends within the
    /// provider's own deadline.
    ///
    /// # Errors
    /// `oidc-unavailable`, `oidc-answer-invalid`.
    async fn begin(&self, fresh: bool) -> Result<Departure>;

    /// Who that was, for what the provider gave them. It ends within the provider's own deadline.
    ///
    /// # Errors
    /// `oidc-unavailable`, `oidc-answer-invalid`.
    async fn end(&self, kept: &Kept, code: &Secret) -> Result<Vouched>;
}

/// A flow as it begins.
pub struct Departure {
    /// Where to go.
    pub url: String,
    /// Names the flow on the way back: at least 128 random bits.
    pub state: Secret,
    /// What the end of the flow wants.
    pub kept: Kept,
}

/// What is kept of a flow while it is under way.
#[derive(Clone, Debug)]
pub struct Kept {
    /// What the provider's word has to hold.
    pub nonce: Secret,
    /// What shows that whoever has the code began the flow.
    pub verifier: Secret,
    /// The provider was told to ask anew; when that was, seconds since 1970 UTC.
    pub fresh_since_s: Option<u64>,
}

/// Somebody that the provider vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vouched {
    /// The provider, as its word names it.
    pub issuer: String,
    /// Who that is there, for good.
    pub subject: String,
    /// A mail address of theirs.
    pub email: Option<String>,
    /// The provider says that they read its mail.
    pub email_verified: bool,
    /// What they are called.
    pub name: Option<String>,
}

/// A flow that is under way.
struct Flow {
    binding: SecretDigest,
    kept: Kept,
    purpose: Purpose,
    to: String,
    until: Instant,
}

/// What a flow is for.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    SignIn,
    Link(AccountId, SessionId),
    Again(AccountId, SessionId),
}

/// Flows that are under way, by the digest of their state.
#[derive(Clone, Default)]
pub(super) struct Flows(Arc<Mutex<HashMap<Digest, Flow>>>);

impl Flows {
    fn all(&self) -> MutexGuard<'_, HashMap<Digest, Flow>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, state: &Secret, flow: Flow) -> Result<()> {
        let mut all = self.all();
        if all.len() >= FLOWS_MAX {
            let now = Instant::now();
            all.retain(|_, flow| flow.until > now);
        }
        if all.len() >= FLOWS_MAX {
            let detail = "too many people are signing in with the provider; try again";
            return Err(Fault::new("unavailable", detail).retry_after(30_000));
        }
        all.insert(Digest::of(state.0.as_bytes()), flow);
        Ok(())
    }

    /// Takes a flow, for whoever has what its browser was given: it is over, whoever asks.
    fn take(&self, state: &Secret, binding: Option<&Secret>) -> Option<Flow> {
        let flow = self.all().remove(&Digest::of(state.0.as_bytes()))?;
        let said = Digest::of(binding?.0.as_bytes()).0;
        let is_theirs: bool = said.ct_eq(&flow.binding).into();
        (is_theirs && Instant::now() < flow.until).then_some(flow)
    }
}

fn provider(context: &RunContext) -> Result<&Arc<dyn IdentityProvider>> {
    let none = || Fault::new("oidc-off", "this node relies on no identity provider: sign in with a password");
    context.accounts.provider.as_ref().ok_or_else(none)
}

/// Begins a flow to the provider.
///
/// # Errors
/// `oidc-off`, `oidc-unavailable`, `bad-request` for a path that is none, `too-many-attempts`; `account-needed` where
/// it is for an account.
pub async fn begin(context: &RunContext, ask: &BeginFlow) -> Result<FlowBegan> {
    let provider = provider(context)?;
    let no_path = || Fault::new("bad-request", "`to` is a path of this node's page, such as /account");
    let to = own_path(ask.to.as_deref().unwrap_or("/")).ok_or_else(no_path)?.to_owned();
    let purpose = match ask.purpose {
        FlowPurpose::SignIn => Purpose::SignIn,
        FlowPurpose::Link => signed(&ask.principal).map(|signed| Purpose::Link(signed.account, signed.session))?,
        FlowPurpose::Again => signed(&ask.principal).map(|signed| Purpose::Again(signed.account, signed.session))?,
    };
    attempts::secret(context, &ask.visitor).await?;
    let departure = provider.begin(matches!(purpose, Purpose::Again(..))).await?;
    // Drawn as a token is; which account it names is of no use here.
    let binding = Token::draw(AccountId(0))?.text(TokenKind::Link);
    let digest = Digest::of(binding.0.as_bytes()).0;
    let flow = Flow { binding: digest, kept: departure.kept, purpose, to, until: Instant::now() + FLOW };
    context.accounts.flows.keep(&departure.state, flow)?;
    Ok(FlowBegan { url: departure.url, binding })
}

/// Ends a flow: signs somebody in, adds their identity to their account, or takes it as the password said again.
///
/// # Errors
/// `oidc-off`, `oidc-state-unknown`, `oidc-refused`, `oidc-unavailable`, `oidc-answer-invalid`, `oidc-unknown`,
/// `oidc-taken`, `too-many-identities`, `session-ended`, `claim-needed`, `too-many-attempts`.
pub async fn end(context: &Arc<RunContext>, ask: &EndFlow) -> Result<FlowEnded> {
    let provider = provider(context)?;
    attempts::secret(context, &ask.visitor).await?;
    let unknown = || {
        let detail = "this flow to the provider was ended before, took longer than ten minutes, or was begun in another \
                      browser; begin again";
        Fault::new("oidc-state-unknown", detail)
    };
    let fits = |text: &Secret| text.0.len() <= ANSWER_MAX_BYTES;
    let state = Some(&ask.state).filter(|state| fits(state)).ok_or_else(unknown)?;
    let flow = context.accounts.flows.take(state, ask.binding.as_ref()).ok_or_else(unknown)?;
    let refused = || {
        let said: String = ask.error.as_deref().unwrap_or("nothing").chars().filter(|c| c.is_ascii_graphic()).collect();
        let said = &said[..said.len().min(ERROR_MAX_CHARS)];
        Fault::new("oidc-refused", format!("the provider does not vouch for you: it says {said}; begin again"))
    };
    let code = ask.code.as_ref().filter(|code| ask.error.is_none() && fits(code)).ok_or_else(refused)?;
    let vouched = provider.end(&flow.kept, code).await?;
    match flow.purpose {
        Purpose::SignIn => identities::sign_in(context, &vouched, ask, flow.to).await,
        Purpose::Link(account, session) => {
            identities::still_signed_in(context, ask.session.as_ref(), account, session).await?;
            identities::link(context, &vouched, (account, session), &ask.visitor, flow.to).await
        }
        Purpose::Again(account, session) => {
            identities::still_signed_in(context, ask.session.as_ref(), account, session).await?;
            identities::again(context, &vouched, (account, session), &ask.visitor, flow.to).await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(binding: &str, until: Instant) -> Flow {
        let kept = Kept { nonce: Secret("n".into()), verifier: Secret("v".into()), fresh_since_s: None };
        let binding = Digest::of(binding.as_bytes()).0;
        Flow { binding, kept, purpose: Purpose::SignIn, to: "/".into(), until }
    }

    #[test]
    fn a_flow_ends_once_in_the_browser_that_began_it_and_in_time() {
        let (flows, later) = (Flows::default(), Instant::now() + FLOW);
        let (state, mine, other) = (Secret("s".into()), Secret("mine".into()), Secret("other".into()));
        flows.keep(&state, flow("mine", later)).unwrap();
        assert!(flows.take(&Secret("t".into()), Some(&mine)).is_none(), "another state");
        assert!(flows.take(&state, Some(&mine)).is_some());
        assert!(flows.take(&state, Some(&mine)).is_none(), "again");
        for binding in [Some(&other), None] {
            flows.keep(&state, flow("mine", later)).unwrap();
            assert!(flows.take(&state, binding).is_none());
            assert!(flows.take(&state, Some(&mine)).is_none(), "who tried with another browser has used it up");
        }
        flows.keep(&state, flow("mine", Instant::now())).unwrap();
        assert!(flows.take(&state, Some(&mine)).is_none(), "too late");
    }

    #[test]
    fn flows_are_bounded_and_those_that_are_over_make_room() {
        let (flows, later) = (Flows::default(), Instant::now() + FLOW);
        for n in 0..FLOWS_MAX {
            let until = if n == 7 { Instant::now() } else { later };
            flows.keep(&Secret(n.to_string()), flow("b", until)).unwrap();
        }
        flows.keep(&Secret("one".into()), flow("b", later)).unwrap();
        let full = flows.keep(&Secret("two".into()), flow("b", later)).unwrap_err();
        assert_eq!((full.code.as_str(), full.retry_after_ms), ("unavailable", Some(30_000)));
    }
}
