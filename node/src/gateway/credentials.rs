//! Keys for programs, the second factor, and the list of accounts.

use cluster::body::credentials::{
    BeginSecondFactor, ConfirmSecondFactor, ListAccounts, ListKeys, MakeKey, ReadSecondFactor, RemoveSecondFactor,
    RenewRecoveryCodes, RevokeKey,
};
use domain::account::{ACCOUNT_PAGE_MAX, Secret};
use domain::api_key::{ApiKeyList, NewApiKey};
use domain::id::AccountId;
use domain::second_factor::{NewSecondFactor, RecoveryCodes};
use qrcode::QrCode;
use qrcode::render::svg;
use warp::http::StatusCode;
use warp::reply::Response;

use super::Request;
use super::accounts::visitor;
use super::handlers::{empty, json};
use super::problem::ApiError;
use super::projects::number;

type Result<T = Response> = std::result::Result<T, ApiError>;

/// Accounts of a page, unless another number is asked for.
const ACCOUNTS_DEFAULT: u32 = 50;
/// Smallest side of the picture for an app to scan, pixels.
const QR_SIDE: u32 = 240;

/// `GET /api/v1/account/keys`
pub async fn keys(request: Request) -> Result {
    let ask = ListKeys { principal: request.principal };
    let reply = request.gateway.core.call(ask, request.context()).await?;
    Ok(json(StatusCode::OK, &ApiKeyList { keys: reply.keys }))
}

/// `POST /api/v1/account/keys`
pub async fn make_key(mut request: Request) -> Result {
    let ask = MakeKey { principal: request.principal, visitor: visitor(&request), request: request.json().await? };
    let reply = request.gateway.core.call(ask, request.context()).await?;
    Ok(json(StatusCode::CREATED, &NewApiKey { key: reply.key, token: reply.token }))
}

/// `DELETE /api/v1/account/keys/{key}`
pub async fn revoke_key(request: Request) -> Result {
    let ask = RevokeKey { principal: request.principal, visitor: visitor(&request), key: request.path_id(0)? };
    request.gateway.core.call(ask, request.context()).await?;
    Ok(empty())
}

/// `GET /api/v1/account/second-factor`
pub async fn second_factor(request: Request) -> Result {
    let ask = ReadSecondFactor { principal: request.principal };
    let reply = request.gateway.core.call(ask, request.context()).await?;
    Ok(json(StatusCode::OK, &reply.second_factor))
}

/// `POST /api/v1/account/second-factor`
pub async fn begin_second_factor(request: Request) -> Result {
    let ask = BeginSecondFactor { principal: request.principal, visitor: visitor(&request) };
    let begun = request.gateway.core.call(ask, request.context()).await?;
    let qr_svg = picture(&begun.uri)?;
    Ok(json(StatusCode::OK, &NewSecondFactor { secret: begun.secret, uri: begun.uri, qr_svg }))
}

/// An address as a QR code, in SVG.
fn picture(uri: &Secret) -> Result<Secret> {
    let code = QrCode::new(uri.0.as_bytes());
    let code = code.map_err(|e| ApiError::new("internal", format!("the address makes no picture: {e}")))?;
    Ok(Secret(code.render::<svg::Color>().min_dimensions(QR_SIDE, QR_SIDE).build()))
}

/// `PUT /api/v1/account/second-factor`
pub async fn confirm_second_factor(mut request: Request) -> Result {
    let said = request.json().await?;
    let ask = ConfirmSecondFactor { principal: request.principal, visitor: visitor(&request), request: said };
    let reply = request.gateway.core.call(ask, request.context()).await?;
    Ok(json(StatusCode::OK, &RecoveryCodes { codes: reply.codes }))
}

/// `POST /api/v1/account/second-factor/remove`
pub async fn remove_second_factor(mut request: Request) -> Result {
    let said = request.json().await?;
    let ask = RemoveSecondFactor { principal: request.principal, visitor: visitor(&request), request: said };
    request.gateway.core.call(ask, request.context()).await?;
    Ok(empty())
}

/// `POST /api/v1/account/second-factor/recovery-codes`
pub async fn renew_recovery_codes(mut request: Request) -> Result {
    let said = request.json().await?;
    let ask = RenewRecoveryCodes { principal: request.principal, visitor: visitor(&request), request: said };
    let reply = request.gateway.core.call(ask, request.context()).await?;
    Ok(json(StatusCode::OK, &RecoveryCodes { codes: reply.codes }))
}

/// `GET /api/v1/accounts/all`
pub async fn accounts(request: Request) -> Result {
    let limit = number(&request, "limit", 1..=u64::from(ACCOUNT_PAGE_MAX))?.map_or(ACCOUNTS_DEFAULT, |n| n as u32);
    let after: Option<AccountId> = match request.query("after") {
        Some(text) => Some(text.parse().map_err(|_| ApiError::new("bad-request", "`after` is no account's id"))?),
        None => None,
    };
    let ask = ListAccounts { principal: request.principal, after, limit };
    let reply = request.gateway.core.call(ask, request.context()).await?;
    Ok(json(StatusCode::OK, &reply.page))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_picture_that_runs_nothing() {
        let uri = format!("otpauth://totp/Visiobook:{}?secret={}&issuer=Visiobook", "a".repeat(254), "A".repeat(32));
        let svg = picture(&Secret(uri)).unwrap().0;
        assert!(svg.contains("<svg") && svg.ends_with("</svg>"), "{svg}");
        assert!(!svg.contains("script") && !svg.contains("href"));
    }
}
