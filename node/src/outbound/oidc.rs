//! The identity provider that whoever runs the node names: OpenID Connect, code flow with PKCE.
//!
//! What a provider says is believed after its signature, and of its own pages nothing is believed at all. What went
//! wrong in detail goes into the log: visitors are told what to do.

use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use actors::accounts::flows::{Departure, IdentityProvider, Kept, Vouched};
use async_trait::async_trait;
use cluster::body::Fault;
use domain::account::Secret;
use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreIdToken, CoreIdTokenClaims, CoreJwsSigningAlgorithm, CoreProviderMetadata,
    CoreUserInfoClaims,
};
use openidconnect::{
    AccessToken, AsyncHttpClient, AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret, CsrfToken,
    DiscoveryError, EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest, HttpResponse, IssuerUrl, Nonce,
    OAuth2TokenResponse as _, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope,
    TokenResponse as _,
};
use tokio::sync::Mutex;

use super::dial::Dialler;
use super::fetch::{FetchError, fetch};
use super::guard::Rules;

/// How long what the provider says of itself is believed.
const KNOWN: Duration = Duration::from_secs(10 * 60);
/// Random bytes of state and nonce.
const RANDOM_BYTES: u32 = 32;
/// By how much the provider's clock may go after this machine's where it says when it asked somebody, seconds.
const CLOCKS_DIFFER_S: u64 = 30;

type Result<T> = std::result::Result<T, Fault>;

/// A client that knows the provider's endpoints, as far as it has them.
type Client =
    CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointMaybeSet, EndpointMaybeSet>;

/// Speaks with the provider, to addresses that are checked.
struct Http(Arc<Dialler>);

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = FetchError;
    type Future = Pin<Box<dyn Future<Output = std::result::Result<HttpResponse, FetchError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        let dialler = self.0.clone();
        Box::pin(async move { fetch(&dialler, request).await })
    }
}

/// What is known of a provider before anybody speaks with it.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What the page calls it.
    pub name: String,
    /// Its address, as its tokens say it.
    pub issuer: String,
    /// Who the node is to it.
    pub client_id: String,
    /// What shows that.
    pub client_secret: Secret,
    /// What is asked of it beside `openid`.
    pub scopes: Vec<String>,
    /// Where it sends browsers back to.
    pub redirect: String,
    /// Where the node's own requests to it may go.
    pub rules: Rules,
    /// How long it may take for all that one step wants of it.
    pub within: Duration,
}

/// A provider.
pub struct OidcProvider {
    settings: Settings,
    issuer: IssuerUrl,
    redirect: RedirectUrl,
    http: Http,
    /// What it says of itself, and since when that is known. Whoever wants it waits for whoever fetches it.
    known: Mutex<Option<(Instant, CoreProviderMetadata)>>,
}

fn unavailable(detail: &dyn std::fmt::Display) -> Fault {
    tracing::warn!(%detail, "the identity provider can't be used");
    let detail = "the identity provider can't be reached now: try again later, or sign in with a password";
    Fault::new("oidc-unavailable", detail).retry_after(10_000)
}

fn invalid(why: &dyn std::fmt::Display) -> Fault {
    tracing::warn!(%why, "the identity provider's answer can't be believed");
    let detail = "what the identity provider answered can't be believed: begin again; if that does not help, tell whoever \
                  runs this node";
    Fault::new("oidc-answer-invalid", detail)
}

fn discovery(error: &DiscoveryError<FetchError>) -> Fault {
    match error {
        DiscoveryError::Request(error) => unavailable(error),
        DiscoveryError::Response(status, ..) => unavailable(&format!("it answers {status} when asked about itself")),
        other => invalid(other),
    }
}

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

impl OidcProvider {
    /// A provider. Nobody speaks with it before somebody wants to sign in.
    ///
    /// # Errors
    /// Why its addresses are none.
    pub fn new(settings: Settings) -> std::result::Result<Self, String> {
        let issuer = IssuerUrl::new(settings.issuer.clone()).map_err(|e| e.to_string())?;
        let redirect = RedirectUrl::new(settings.redirect.clone()).map_err(|e| e.to_string())?;
        let http = Http(Arc::new(Dialler::new(settings.rules.clone())));
        Ok(Self { settings, issuer, redirect, http, known: Mutex::new(None) })
    }

    /// What the provider says of itself, its keys too; fetched anew where that is not known since `since`.
    async fn metadata(&self, since: Instant) -> Result<CoreProviderMetadata> {
        let mut known = self.known.lock().await;
        if let Some((_, metadata)) = known.as_ref().filter(|(at, _)| *at >= since) {
            return Ok(metadata.clone());
        }
        let found = CoreProviderMetadata::discover_async(self.issuer.clone(), &self.http).await;
        let found = found.map_err(|error| discovery(&error))?;
        // Browsers are sent there: no less is asked of it than of what the node itself speaks with.
        self.http.0.understand(found.authorization_endpoint().as_str()).map_err(|error| invalid(&error))?;
        *known = Some((Instant::now(), found.clone()));
        Ok(found)
    }

    async fn client(&self, since: Instant) -> Result<Client> {
        let (id, secret) = (self.settings.client_id.clone(), self.settings.client_secret.0.clone());
        let metadata = self.metadata(since).await?;
        let client = CoreClient::from_provider_metadata(metadata, ClientId::new(id), Some(ClientSecret::new(secret)));
        Ok(client.set_redirect_uri(self.redirect.clone()))
    }

    async fn depart(&self, fresh: bool) -> Result<Departure> {
        let client = self.client(recently()).await?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let mut going = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                || CsrfToken::new_random_len(RANDOM_BYTES),
                || Nonce::new_random_len(RANDOM_BYTES),
            )
            .set_pkce_challenge(challenge)
            .add_scopes(self.settings.scopes.iter().cloned().map(Scope::new));
        if fresh {
            going = going.set_max_age(Duration::ZERO);
        }
        let (url, state, nonce) = going.url();
        let kept = Kept {
            nonce: Secret(nonce.secret().clone()),
            verifier: Secret(verifier.secret().clone()),
            fresh_since_s: fresh.then(now_s),
        };
        Ok(Departure { url: url.into(), state: Secret(state.secret().clone()), kept })
    }

    async fn arrive(&self, kept: &Kept, code: &Secret) -> Result<Vouched> {
        let client = self.client(recently()).await?;
        let exchange = client.exchange_code(AuthorizationCode::new(code.0.clone())).map_err(|e| invalid(&e))?;
        let verifier = PkceCodeVerifier::new(kept.verifier.0.clone());
        let tokens = exchange.set_pkce_verifier(verifier).request_async(&self.http).await;
        let tokens = tokens.map_err(|error| match error {
            RequestTokenError::Request(error) => unavailable(&error),
            RequestTokenError::ServerResponse(said) => {
                tracing::warn!(error = %said.error(), "the identity provider does not take a code");
                Fault::new(
                    "oidc-refused",
                    "the provider does not vouch for you: it does not know the code; begin again",
                )
            }
            RequestTokenError::Parse(error, _) => invalid(&error),
            RequestTokenError::Other(why) => invalid(&why),
        })?;
        let token = tokens.id_token().ok_or_else(|| invalid(&"it gives no ID token"))?;
        let claims = self.believed(&client, token, &Nonce::new(kept.nonce.0.clone())).await?;
        if let Some(since_s) = kept.fresh_since_s {
            let asked = claims.auth_time().and_then(|at| u64::try_from(at.timestamp()).ok());
            if asked.is_none_or(|at_s| at_s + CLOCKS_DIFFER_S < since_s) {
                return Err(invalid(&"it was to ask somebody anew, and does not say that it did"));
            }
        }
        self.vouched(&client, &claims, tokens.access_token()).await
    }

    /// What an ID token says, once all that can be checked of it is. Where it is signed with a key that is not known,
    /// the provider's keys are fetched anew, once.
    async fn believed(&self, client: &Client, token: &CoreIdToken, nonce: &Nonce) -> Result<CoreIdTokenClaims> {
        let algorithms = [CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256, CoreJwsSigningAlgorithm::EcdsaP256Sha256];
        let first = token.claims(&client.id_token_verifier().set_allowed_algs(algorithms.clone()), nonce);
        let Err(ClaimsVerificationError::SignatureVerification(_)) = first else {
            return first.cloned().map_err(|error| invalid(&error));
        };
        let client = self.client(Instant::now()).await?;
        let verifier = client.id_token_verifier().set_allowed_algs(algorithms);
        token.claims(&verifier, nonce).cloned().map_err(|error| invalid(&error))
    }

    /// Whom the provider vouches for. Where its token says nothing of an address, it is asked.
    async fn vouched(&self, client: &Client, claims: &CoreIdTokenClaims, access: &AccessToken) -> Result<Vouched> {
        let mut vouched = Vouched {
            issuer: claims.issuer().to_string(),
            subject: claims.subject().to_string(),
            email: claims.email().map(|email| email.to_string()),
            email_verified: claims.email_verified() == Some(true),
            name: claims.name().and_then(|name| name.get(None)).map(|name| name.to_string()),
        };
        if vouched.email.is_none()
            && let Ok(ask) = client.user_info(access.clone(), Some(claims.subject().clone()))
        {
            let said: std::result::Result<CoreUserInfoClaims, _> = ask.request_async(&self.http).await;
            let said = said.map_err(|error| match error {
                openidconnect::UserInfoError::Request(error) => unavailable(&error),
                other => invalid(&other),
            })?;
            vouched.email = said.email().map(|email| email.to_string());
            vouched.email_verified = said.email_verified() == Some(true);
            vouched.name = said.name().and_then(|name| name.get(None)).map(|name| name.to_string()).or(vouched.name);
        }
        Ok(vouched)
    }

    async fn within<T>(&self, step: impl Future<Output = Result<T>>) -> Result<T> {
        let done = tokio::time::timeout(self.settings.within, step).await;
        done.unwrap_or_else(|_| Err(unavailable(&format!("it took more than {:?}", self.settings.within))))
    }
}

/// Since when what the provider says of itself has to be known.
fn recently() -> Instant {
    // A machine that just started has no earlier moment.
    Instant::now().checked_sub(KNOWN).unwrap_or_else(Instant::now)
}

#[async_trait]
impl IdentityProvider for OidcProvider {
    fn name(&self) -> &str {
        &self.settings.name
    }

    async fn begin(&self, fresh: bool) -> Result<Departure> {
        self.within(self.depart(fresh)).await
    }

    async fn end(&self, kept: &Kept, code: &Secret) -> Result<Vouched> {
        self.within(self.arrive(kept, code)).await
    }
}
