//! Addresses of files that may be followed for a while, whoever has them.
//!
//! A token says which bytes it means and until when, and a signature of the core's keyring says that the core
//! said so. It means these bytes for good: a later run gives the file's name to others, and the token not.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bincode::{Decode, Encode};
use cluster::body::files::{OpenSigned, SignFile, SignedFileReply, SignedReply};
use cluster::body::projects::ArtefactReply;
use cluster::body::{Fault, Scope};
use domain::id::{AccountId, Digest};
use store::{BlobScope, Keyring, Purpose, Signed};

use crate::accounts::exports;
use crate::clock::wall_ms;
use crate::edits;
use crate::run::RunContext;
use crate::store_fault;

/// Longest time that an address may be followed: a day.
const MAX_VALID_S: u32 = 86_400;
/// Longest token that is looked at.
const MAX_TOKEN_BYTES: usize = 4_096;

type Result<T> = std::result::Result<T, Fault>;

/// What a token says. Changing it makes every token that is about worth nothing.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
struct Grant {
    scope: Scope,
    name: String,
    digest: Digest,
    bytes: u64,
    media_type: String,
    expires_ms: u64,
}

const CONFIG: bincode::config::Configuration<
    bincode::config::LittleEndian,
    bincode::config::Varint,
    bincode::config::Limit<MAX_TOKEN_BYTES>,
> = bincode::config::standard().with_limit::<MAX_TOKEN_BYTES>();

fn invalid() -> Fault {
    Fault::new("link-invalid", "this address was not made here, or was changed; ask for another one")
}

/// The token of a grant: what it says, a point, the signature.
fn seal(keys: &Keyring, grant: &Grant) -> Result<String> {
    let said = bincode::encode_to_vec(grant, CONFIG)
        .map_err(|e| Fault::new("internal", format!("an address could not be made: {e}")))?;
    Ok(format!("{}.{}", URL_SAFE_NO_PAD.encode(&said), keys.sign(Purpose::Url, &said)))
}

/// What a token says, if the core said it and it still holds.
fn unseal(keys: &Keyring, token: &str, now_ms: u64) -> Result<Grant> {
    if token.len() > MAX_TOKEN_BYTES {
        return Err(invalid());
    }
    let (said, signed) = token.split_once('.').ok_or_else(invalid)?;
    let said = URL_SAFE_NO_PAD.decode(said).map_err(|_| invalid())?;
    let signed: Signed = signed.parse().map_err(|_| invalid())?;
    if !keys.verify(Purpose::Url, &said, &signed) {
        return Err(invalid());
    }
    let (grant, used): (Grant, usize) = bincode::decode_from_slice(&said, CONFIG).map_err(|_| invalid())?;
    if used != said.len() {
        return Err(invalid());
    }
    if grant.expires_ms <= now_ms {
        return Err(Fault::new("link-expired", "this address could be followed for a while only; ask for another one"));
    }
    Ok(grant)
}

/// Signs an address of a file.
///
/// # Errors
/// As [`edits::artefact`]; `bad-request` for no time or too long a time.
pub async fn sign(context: &RunContext, ask: &SignFile) -> Result<SignedReply> {
    if !(1..=MAX_VALID_S).contains(&ask.valid_s) {
        return Err(Fault::new("bad-request", format!("an address is valid for 1 to {MAX_VALID_S} seconds")));
    }
    let file = edits::artefact(context, ask.principal, ask.project, &ask.name).await?;
    let expires_ms = wall_ms().saturating_add(u64::from(ask.valid_s) * 1_000);
    let grant = Grant {
        scope: Scope { tenant: ask.principal.tenant, project: ask.project },
        name: ask.name.clone(),
        digest: file.digest,
        bytes: file.bytes,
        media_type: file.media_type,
        expires_ms,
    };
    Ok(SignedReply { token: seal(&context.keys, &grant)?, expires_ms })
}

/// Signs an address of a file in an account's own scope.
///
/// # Errors
/// `internal`.
pub(crate) fn sign_own(
    context: &RunContext,
    scope: BlobScope,
    name: &str,
    file: ArtefactReply,
    valid_s: u32,
) -> Result<SignedReply> {
    let expires_ms = wall_ms().saturating_add(u64::from(valid_s) * 1_000);
    let grant = Grant {
        scope: Scope { tenant: scope.tenant, project: scope.project },
        name: name.to_owned(),
        digest: file.digest,
        bytes: file.bytes,
        media_type: file.media_type,
        expires_ms,
    };
    Ok(SignedReply { token: seal(&context.keys, &grant)?, expires_ms })
}

/// Whether a grant is of the archive that an account has now.
async fn is_own(context: &RunContext, grant: &Grant) -> Result<bool> {
    let row = context.records.account_get(AccountId(grant.scope.project.0)).await.map_err(|e| store_fault(&e))?;
    let row = row.filter(|row| row.tenant == grant.scope.tenant && row.leaving.is_none());
    Ok(row.and_then(|row| exports::ready(&row)).is_some_and(|(digest, _)| digest == grant.digest))
}

/// The file that a signed address means.
///
/// # Errors
/// `link-invalid`, `link-expired`; `project-not-found` once the project is deleted.
pub async fn open(context: &RunContext, ask: &OpenSigned) -> Result<SignedFileReply> {
    let grant = unseal(&context.keys, &ask.token, wall_ms())?;
    let Scope { tenant, project } = grant.scope;
    let row = context.records.project_get(tenant, project).await.map_err(|e| store_fault(&e))?;
    if row.is_none_or(|row| row.deleted || row.trash.is_some()) && !is_own(context, &grant).await? {
        return Err(Fault::new("project-not-found", "there is no such project"));
    }
    let file = ArtefactReply { digest: grant.digest, bytes: grant.bytes, media_type: grant.media_type };
    Ok(SignedFileReply { scope: grant.scope, name: grant.name, file, expires_ms: grant.expires_ms })
}

#[cfg(test)]
mod tests {
    use domain::id::{ProjectId, TenantId};

    use super::*;

    fn keys() -> Keyring {
        Keyring::generate().unwrap()
    }

    fn grant() -> Grant {
        Grant {
            scope: Scope { tenant: TenantId(1), project: ProjectId(2) },
            name: "storyboard.json".into(),
            digest: Digest([7; 32]),
            bytes: 300,
            media_type: "application/json".into(),
            expires_ms: 1_000,
        }
    }

    #[test]
    fn a_token_says_what_was_granted_until_it_expires() {
        let keys = keys();
        let token = seal(&keys, &grant()).unwrap();
        assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)), "{token}");
        assert_eq!(unseal(&keys, &token, 999), Ok(grant()));
        assert_eq!(unseal(&keys, &token, 1_000).unwrap_err().code, "link-expired");
        assert_eq!(unseal(&self::keys(), &token, 999).unwrap_err().code, "link-invalid");
    }

    #[test]
    fn a_token_of_another_purpose_or_with_any_character_changed_is_none() {
        let keys = keys();
        let token = seal(&keys, &grant()).unwrap();
        let (said, _) = token.split_once('.').unwrap();
        let cursor = keys.sign(Purpose::Cursor, &URL_SAFE_NO_PAD.decode(said).unwrap());
        assert_eq!(unseal(&keys, &format!("{said}.{cursor}"), 0).unwrap_err().code, "link-invalid");
        for at in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(unseal(&keys, &changed, 0).unwrap_err().code, "link-invalid", "{changed}");
        }
        for cut in 0..token.len() {
            assert!(unseal(&keys, &token[..cut], 0).is_err());
        }
    }
}
