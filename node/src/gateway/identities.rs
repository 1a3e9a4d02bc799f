//! Signing in with an identity provider's word: to the provider, and back.

use cluster::body::identities::{BeginFlow, EndFlow, FlowPurpose, ListIdentities, UnlinkIdentity};
use domain::account::Secret;
use domain::identity::{ProviderAddress, ProviderFlow};
use domain::language::Language;
use domain::principal::Principal;
use domain::text::Text;
use warp::http::{HeaderValue, StatusCode, header};
use warp::reply::{Reply, Response};

use super::accounts::{visitor, with_cookie};
use super::handlers::{empty, json};
use super::problem::ApiError;
use super::{Request, cookie};

type Result<T = Response> = std::result::Result<T, ApiError>;

/// `GET /api/v1/auth/oidc/begin`
pub async fn begin(request: Request) -> Result {
    let to = request.query("to").map(str::to_owned);
    let ask = leave(&request, Principal::NOBODY, FlowPurpose::SignIn, to);
    let (core, context) = (request.gateway.core.clone(), request.context());
    match core.call(ask, context).await.map(|began| (began.url, began.binding)).map_err(ApiError::from) {
        Ok((url, binding)) => seen_off(&request, &url, &binding),
        Err(error) => shown(&request, error),
    }
}

/// `POST /api/v1/account/identities`
pub async fn link(request: Request) -> Result {
    flow(request, FlowPurpose::Link).await
}

/// `POST /api/v1/auth/oidc/again`
pub async fn again(request: Request) -> Result {
    flow(request, FlowPurpose::Again).await
}

/// Begins a flow for whoever is signed in: their page sends the browser on.
async fn flow(mut request: Request, purpose: FlowPurpose) -> Result {
    let ProviderFlow { to } = request.optional_json().await?.unwrap_or_default();
    let ask = leave(&request, request.principal, purpose, to);
    let began = request.gateway.core.call(ask, request.context()).await?;
    let reply = json(StatusCode::OK, &ProviderAddress { url: began.url });
    Ok(with_cookie(reply, &cookie::keep_flow(request.gateway.auth.secure, &began.binding)))
}

fn leave(request: &Request, principal: Principal, purpose: FlowPurpose, to: Option<String>) -> BeginFlow {
    BeginFlow { principal, visitor: visitor(request), purpose, to }
}

fn seen_off(request: &Request, url: &str, binding: &Secret) -> Result {
    let response = redirect(url)?;
    Ok(with_cookie(response, &cookie::keep_flow(request.gateway.auth.secure, binding)))
}

fn redirect(url: &str) -> Result {
    let place = HeaderValue::from_str(url).map_err(|_| ApiError::new("internal", "an address can't be sent"))?;
    let mut response = StatusCode::SEE_OTHER.into_response();
    response.headers_mut().insert(header::LOCATION, place);
    Ok(response)
}

/// `GET /api/v1/auth/oidc/return`
pub async fn end(request: Request) -> Result {
    let secure = request.gateway.auth.secure;
    let ask = back(&request);
    // It works once, however it ends.
    let forget = cookie::forget_flow(secure);
    let (core, context) = (request.gateway.core.clone(), request.context());
    match core.call(ask, context).await {
        Ok(ended) => {
            let response = with_cookie(redirect(&ended.to)?, &forget);
            Ok(match ended.token {
                Some(token) => with_cookie(response, &cookie::keep(secure, &token)),
                None => response,
            })
        }
        Err(fault) => shown(&request, ApiError::from(fault).with_header(header::SET_COOKIE, forget)),
    }
}

fn back(request: &Request) -> EndFlow {
    let said = |name: &str| request.query(name).map(|text| Secret(text.to_owned()));
    EndFlow {
        visitor: visitor(request),
        state: said("state").unwrap_or_default(),
        binding: cookie::flow(&request.headers, request.gateway.auth.secure),
        code: said("code"),
        error: request.query("error").map(str::to_owned),
        session: request.way.credential.cookie().cloned(),
    }
}

/// `GET /api/v1/account/identities`
pub async fn list(request: Request) -> Result {
    let ask = ListIdentities { principal: request.principal };
    let reply = request.gateway.core.call(ask, request.context()).await?;
    Ok(json(StatusCode::OK, &reply.list))
}

/// `DELETE /api/v1/account/identities/{identity}`
pub async fn unlink(request: Request) -> Result {
    let identity = request.path_id(0)?;
    let ask = UnlinkIdentity { principal: request.principal, visitor: visitor(&request), identity };
    request.gateway.core.call(ask, request.context()).await?;
    Ok(empty())
}

/// An error, as a page for whoever was led here by a link, as a problem for a program.
fn shown(request: &Request, error: ApiError) -> Result {
    let accepted = request.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !accepted.contains("text/html") {
        return Err(error);
    }
    let asked = request.headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let language = if asked.trim_start().starts_with("fr") { Language::Fr } else { Language::En };
    tracing::info!(trace = %request.trace, status = error.status.as_u16(), code = error.code, "request refused");
    let mut response = Response::new(page(language, &error.code).into());
    *response.status_mut() = error.status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    if let Some(ms) = error.retry_after_ms {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(ms.div_ceil(1_000)));
    }
    for (name, value) in error.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.append(name, value);
        }
    }
    Ok(response)
}

/// What to do about an error. Nothing that anybody sent stands on the page.
fn page(language: Language, code: &str) -> String {
    let advice = match code {
        "oidc-off" => Text::FlowOff,
        "oidc-state-unknown" => Text::FlowUnknown,
        "oidc-refused" => Text::FlowRefused,
        "oidc-unavailable" => Text::FlowUnavailable,
        "oidc-answer-invalid" => Text::FlowInvalid,
        "oidc-unknown" => Text::FlowNobody,
        "oidc-taken" => Text::FlowTaken,
        "too-many-identities" => Text::FlowTooMany,
        "session-ended" | "sign-in-needed" => Text::FlowSessionEnded,
        "too-many-attempts" => Text::FlowTooOften,
        _ => Text::FlowFailed,
    };
    let tag = match language {
        Language::Fr => "fr",
        Language::En => "en",
    };
    // An icon of its own, or browsers ask for one that is not there.
    format!(
        "<!doctype html><html lang=\"{tag}\"><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><link rel=\"icon\" href=\"data:,\"><title>{title} – Visiobook</title><h1>{title}</h1><p>{advice}</p><p><a \
         href=\"/\">{back}</a></p><p><small><code>{code}</code></small></p></html>",
        title = language.text(Text::FlowTitle),
        advice = language.text(advice),
        back = language.text(Text::FlowBack),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_has_a_page_that_says_what_to_do_in_both_languages() {
        for code in ["oidc-off", "oidc-unknown", "oidc-unavailable", "internal"] {
            let (english, french) = (page(Language::En, code), page(Language::Fr, code));
            assert!(english.contains(code) && english.contains("lang=\"en\"") && !english.contains('{'));
            assert!(french.contains(code) && french.contains("lang=\"fr\"") && french != english);
        }
        assert_ne!(page(Language::En, "oidc-off"), page(Language::En, "oidc-taken"));
    }
}
