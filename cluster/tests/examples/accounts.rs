//! Messages about accounts.

use cluster::body::accounts::{
    AccountEventsReply, AccountReply, AskAddress, AskReset, Authenticate, AuthenticatedReply, BeginSession,
    ChangePassword, ChangeRole, ClaimNode, ConfirmAgain, EndSessions, FindAccount, FollowLink, ListAccountEvents,
    ListSessions, PatchAccount, ReadAccount, ResetPassword, SayPassword, SessionReply, SessionsReply, SignUpAccount,
    Visitor, WhichSessions,
};
use cluster::message::Message;
use domain::account::{
    Account, AccountAct, AccountEvent, AccountEventPage, AccountPatch, Claim, LinkUse, MailAddress, PasswordAgain,
    PasswordChange, PasswordReset, RoleChange, Secret, Session, SignIn, SignUp, SystemRole,
};
use domain::id::{AccountId, SessionId, TenantId};
use domain::language::Language;
use domain::principal::{Principal, Proof, Signed};

pub const ACCOUNT: AccountId = AccountId(0xacc0);
const SESSION: SessionId = SessionId(0x5e55);
pub const WHO: Principal = Principal {
    tenant: TenantId(7),
    proof: Proof::Session(Signed {
        account: ACCOUNT,
        session: SESSION,
        role: SystemRole::Operator,
        confirmed: true,
        proved_ms: 300,
    }),
};

fn secret(text: &str) -> Secret {
    Secret(text.into())
}

pub fn account() -> Account {
    Account {
        id: ACCOUNT,
        email: "a@b.org".into(),
        confirmed: true,
        name: "A".into(),
        language: Language::Fr,
        role: SystemRole::Admin,
        created_ms: 11,
    }
}

pub fn examples() -> Vec<Message> {
    let visitor = Visitor { address: "192.0.2.7".into(), agent: "curl".into() };
    let sign_up = SignUp { email: "a@b.org".into(), password: secret("p"), name: "A".into(), language: None };
    let claim = Claim {
        code: secret("c"),
        email: "a@b.org".into(),
        password: secret("p"),
        name: "A".into(),
        language: Some(Language::Fr),
    };
    let sign_in = SignIn { email: "a@b.org".into(), password: secret("p"), code: None };
    let address = MailAddress { email: "a@b.org".into() };
    let reset = PasswordReset { token: secret("t"), password: secret("p") };
    let change = PasswordChange { current: secret("p"), password: secret("q"), code: None };
    let session = Session {
        id: SESSION,
        began_ms: 1,
        seen_ms: 2,
        ends_ms: 300,
        agent: "curl".into(),
        address: "192.0.2.7".into(),
        current: true,
    };
    let what = AccountAct::RoleChanged { role: SystemRole::User, by: ACCOUNT };
    let event = AccountEvent { seq: 300, at_ms: 10, address: "192.0.2.7".into(), what };
    vec![
        Authenticate { token: secret("t") }.into(),
        SignUpAccount { visitor: visitor.clone(), request: sign_up }.into(),
        ClaimNode { visitor: visitor.clone(), request: claim }.into(),
        BeginSession { visitor: visitor.clone(), request: sign_in, instead_of: Some(secret("t")) }.into(),
        EndSessions { principal: WHO, visitor: visitor.clone(), which: WhichSessions::One(SESSION) }.into(),
        ListSessions { principal: Principal::NOBODY }.into(),
        FollowLink {
            visitor: visitor.clone(),
            request: LinkUse { token: secret("t"), password: secret("p"), code: None },
        }
        .into(),
        ConfirmAgain { principal: WHO, visitor: visitor.clone() }.into(),
        AskReset { visitor: visitor.clone(), request: address.clone() }.into(),
        ResetPassword { visitor: visitor.clone(), request: reset }.into(),
        ChangePassword { principal: WHO, visitor: visitor.clone(), request: change }.into(),
        SayPassword {
            principal: WHO,
            visitor: visitor.clone(),
            request: PasswordAgain { password: secret("p"), code: Some(secret("1")) },
        }
        .into(),
        ReadAccount { principal: WHO }.into(),
        PatchAccount {
            principal: WHO,
            visitor: visitor.clone(),
            patch: AccountPatch { name: Some("B".into()), language: None },
        }
        .into(),
        AskAddress { principal: WHO, visitor: visitor.clone(), request: address }.into(),
        ListAccountEvents { principal: WHO, account: Some(ACCOUNT), before: Some(300), limit: 50 }.into(),
        FindAccount { principal: WHO, email: "a@b.org".into() }.into(),
        ChangeRole { principal: WHO, visitor, account: ACCOUNT, request: RoleChange { role: SystemRole::Operator } }
            .into(),
        AuthenticatedReply { principal: WHO }.into(),
        SessionReply { token: secret("t"), account: account() }.into(),
        AccountReply { account: account() }.into(),
        SessionsReply { sessions: vec![session] }.into(),
        AccountEventsReply { page: AccountEventPage { events: vec![event], next: Some(300) } }.into(),
    ]
}
