//! Messages about what belongs to an account: identities, and what is kept for it.

use cluster::body::accounts::Visitor;
use cluster::body::exports::{
    AvatarReply, BeginExport, ExportReply, GetAvatar, GetExport, PutAvatar, RemoveAvatar, SignExport,
};
use cluster::body::identities::{
    BeginFlow, EndFlow, FlowBegan, FlowEnded, FlowPurpose, IdentitiesReply, ListIdentities, UnlinkIdentity,
};
use cluster::body::leaving::{AuditLogReply, LeaveAccount, LeavingReply, ListAudit};
use cluster::message::Message;
use domain::account::Secret;
use domain::audit::{AuditAct, AuditEntry, AuditPage};
use domain::belongings::{DataExport, DeletionRequest, ExportStands};
use domain::health::JobTrouble;
use domain::id::{AccountId, AuditId, Digest};
use domain::identity::{IdentityList, LinkedIdentity};
use domain::principal::Principal;
use domain::project::Actor;

use super::accounts::{WHO, account};

fn secret(text: &str) -> Secret {
    Secret(text.into())
}

pub fn examples() -> Vec<Message> {
    let visitor = Visitor { address: "192.0.2.7".into(), agent: "curl".into() };
    let identity = LinkedIdentity { id: Digest([4; 32]), issuer: "i".into(), label: "l".into(), linked_ms: 300 };
    let (by, what) = (Actor::Account(AccountId(7)), AuditAct::ActivityRead { of: AccountId(9) });
    let entry = AuditEntry { id: AuditId(5), at_ms: 300, by, what };
    vec![
        BeginFlow {
            principal: Principal::NOBODY,
            visitor: visitor.clone(),
            purpose: FlowPurpose::Again,
            to: Some("/account".into()),
        }
        .into(),
        EndFlow {
            visitor: visitor.clone(),
            state: secret("s"),
            binding: Some(secret("b")),
            code: Some(secret("c")),
            error: None,
            session: Some(secret("t")),
        }
        .into(),
        ListIdentities { principal: WHO }.into(),
        UnlinkIdentity { principal: WHO, visitor: visitor.clone(), identity: Digest([4; 32]) }.into(),
        FlowBegan { url: "https://p/".into(), binding: secret("b") }.into(),
        FlowEnded { to: "/".into(), token: Some(secret("t")), account: account() }.into(),
        LeaveAccount {
            principal: WHO,
            visitor: Visitor { address: "192.0.2.7".into(), agent: "curl".into() },
            request: DeletionRequest { email: "a@b.org".into(), password: Some(secret("p")), code: None },
        }
        .into(),
        LeavingReply { erase_at_ms: 300 }.into(),
        ListAudit { principal: WHO, before: Some(AuditId(5)), limit: 50 }.into(),
        AuditLogReply { page: AuditPage { entries: vec![entry], next: Some(AuditId(5)) } }.into(),
        BeginExport { principal: WHO, visitor: visitor.clone() }.into(),
        GetExport { principal: WHO }.into(),
        ExportReply {
            export: DataExport {
                state: ExportStands::Failed,
                asked_ms: 300,
                projects: 1,
                projects_total: 2,
                bytes: 300,
                kept_until_ms: Some(300),
                trouble: Some(JobTrouble { code: "c".into(), detail: "d".into() }),
            },
        }
        .into(),
        SignExport { principal: WHO }.into(),
        PutAvatar { principal: WHO, visitor: visitor.clone(), sent: Digest([4; 32]) }.into(),
        GetAvatar { principal: WHO }.into(),
        AvatarReply { digest: Digest([4; 32]), bytes: vec![1, 2] }.into(),
        RemoveAvatar { principal: WHO, visitor: visitor.clone() }.into(),
        IdentitiesReply { list: IdentityList { identities: vec![identity], has_password: true } }.into(),
    ]
}
