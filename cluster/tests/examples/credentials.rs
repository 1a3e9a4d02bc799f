//! Messages about keys, the second factor and the list of accounts.

use cluster::body::accounts::Visitor;
use cluster::body::credentials::{
    AccountsReply, BeginSecondFactor, ConfirmSecondFactor, KeyReply, KeysReply, ListAccounts, ListKeys, MakeKey,
    ReadSecondFactor, RecoveryCodesReply, RemoveSecondFactor, RenewRecoveryCodes, RevokeKey, SecondFactorBegun,
    SecondFactorReply,
};
use cluster::message::Message;
use domain::account::{AccountPage, Secret, SystemRole};
use domain::api_key::{ApiKey, ApiKeyRequest, KeyScope, KeyScopes};
use domain::id::{ApiKeyId, TenantId};
use domain::principal::{Keyed, Principal, Proof};
use domain::second_factor::{Code, SecondFactor};

use super::accounts::{ACCOUNT, WHO, account};

fn secret(text: &str) -> Secret {
    Secret(text.into())
}

pub fn examples() -> Vec<Message> {
    let visitor = Visitor { address: "192.0.2.7".into(), agent: "curl".into() };
    let (key, code) = (ApiKeyId(7), Code { code: secret("123456") });
    let made = ApiKey {
        id: key,
        name: "K".into(),
        scopes: vec![KeyScope::Read, KeyScope::Administer],
        made_ms: 1,
        used_ms: Some(2),
        ends_ms: 300,
    };
    let wanted = ApiKeyRequest { name: "K".into(), scopes: vec![KeyScope::Operate], valid_s: Some(300) };
    let keyed = Keyed {
        account: ACCOUNT,
        key,
        role: SystemRole::User,
        confirmed: true,
        scopes: KeyScopes::of(&[KeyScope::Write]),
    };
    let by_key = Principal { tenant: TenantId(7), proof: Proof::Key(keyed) };
    let stands = SecondFactor { on: true, since_ms: Some(300), recovery_codes_left: 9 };
    vec![
        MakeKey { principal: WHO, visitor: visitor.clone(), request: wanted }.into(),
        ListKeys { principal: by_key }.into(),
        RevokeKey { principal: WHO, visitor: visitor.clone(), key }.into(),
        ListAccounts { principal: WHO, after: Some(ACCOUNT), limit: 50 }.into(),
        ReadSecondFactor { principal: WHO }.into(),
        BeginSecondFactor { principal: WHO, visitor: visitor.clone() }.into(),
        ConfirmSecondFactor { principal: WHO, visitor: visitor.clone(), request: code.clone() }.into(),
        RemoveSecondFactor { principal: WHO, visitor: visitor.clone(), request: code.clone() }.into(),
        RenewRecoveryCodes { principal: WHO, visitor, request: code }.into(),
        KeyReply { key: made.clone(), token: secret("t") }.into(),
        KeysReply { keys: vec![made] }.into(),
        AccountsReply { page: AccountPage { accounts: vec![account()], next: Some(ACCOUNT) } }.into(),
        SecondFactorReply { second_factor: stands }.into(),
        SecondFactorBegun { secret: secret("S"), uri: secret("otpauth://totp/a") }.into(),
        RecoveryCodesReply { codes: vec![secret("c")] }.into(),
    ]
}
