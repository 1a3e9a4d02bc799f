//! Messages about who has a project.

use cluster::body::accounts::Visitor;
use cluster::body::sharing::{
    AcceptInvitation, ChangeMember, InvitationReply, InviteMember, JoinedReply, LinkOpenedReply, ListMembers,
    MakeShareLink, MembersReply, NoteBackup, OpenShareLink, QueryShared, ReachProject, ReachedReply, RemoveMember,
    RevokeShareLink, ShareLinkReply, SharedPageReply, WithdrawInvitation,
};
use cluster::message::Message;
use domain::account::{Secret, SystemRole};
use domain::id::{AccountId, InvitationId, ProjectId, SessionId, ShareLinkId, TenantId};
use domain::principal::{Principal, Proof, Signed, Visit};
use domain::project::{ProjectPage, ProjectQuery, Shown};
use domain::sharing::{
    Invitation, InvitationRequest, InvitationUse, Joined, Member, Members, NewShareLink, OpenedLink, ProjectRole,
    ShareLink, ShareLinkRequest, ShareLinkUse,
};

const PROJECT: ProjectId = ProjectId(0x9407);
const MEMBER: AccountId = AccountId(0xacc0);
const INVITATION: InvitationId = InvitationId(0x1471);
const LINK: ShareLinkId = ShareLinkId(0x114c);
const WHO: Principal = Principal {
    tenant: TenantId(7),
    proof: Proof::Session(Signed {
        account: MEMBER,
        session: SessionId(0x5e55),
        role: SystemRole::User,
        confirmed: true,
        proved_ms: 300,
    }),
};

fn secret(text: &str) -> Secret {
    Secret(text.into())
}

fn members() -> Members {
    let member = Member {
        account: MEMBER,
        name: "A".into(),
        email: Some("a@b.org".into()),
        role: ProjectRole::Editor,
        since_ms: Some(9),
        payer: false,
        you: true,
    };
    Members { members: vec![member], invitations: vec![invitation()] }
}

fn invitation() -> Invitation {
    Invitation {
        id: INVITATION,
        email: "c@d.org".into(),
        role: ProjectRole::Viewer,
        by: MEMBER,
        invited_ms: 10,
        expires_ms: 11,
    }
}

fn link() -> ShareLink {
    ShareLink { id: LINK, name: "l".into(), password: true, created_ms: 12, expires_ms: 13 }
}

pub fn examples() -> Vec<Message> {
    let visitor = || Visitor { address: "192.0.2.7".into(), agent: "curl".into() };
    let visit = Principal { tenant: TenantId(8), proof: Proof::Visit(Visit { project: PROJECT, link: LINK }) };
    let (principal, project, role) = (WHO, PROJECT, ProjectRole::Owner);
    let request = InvitationRequest { email: "c@d.org".into(), role: ProjectRole::Viewer };
    let make = ShareLinkRequest { name: "l".into(), password: Some(secret("p")), valid_s: 3_600 };
    let query = ProjectQuery { shown: Shown::Shared, ..ProjectQuery::default() };
    let page = ProjectPage { projects: vec![], total: 0, next: None };
    vec![
        ReachProject { principal: Principal::NOBODY, project, visit: Some(secret("v")) }.into(),
        ReachedReply { principal: visit, role: ProjectRole::Viewer, until_ms: Some(14) }.into(),
        ListMembers { principal, project }.into(),
        MembersReply { members: members(), links: vec![link()] }.into(),
        ChangeMember { principal, visitor: visitor(), project, member: MEMBER, role }.into(),
        RemoveMember { principal, visitor: visitor(), project, member: MEMBER }.into(),
        InviteMember { principal, visitor: visitor(), project, invitation: INVITATION, request }.into(),
        InvitationReply { invitation: invitation() }.into(),
        WithdrawInvitation { principal, visitor: visitor(), project, invitation: INVITATION }.into(),
        AcceptInvitation { principal, visitor: visitor(), request: InvitationUse { token: secret("t") } }.into(),
        JoinedReply { joined: Joined { project, role } }.into(),
        MakeShareLink { principal, visitor: visitor(), project, link: LINK, request: make }.into(),
        ShareLinkReply { link: NewShareLink { link: link(), url: secret("u") } }.into(),
        RevokeShareLink { principal, visitor: visitor(), project, link: LINK }.into(),
        OpenShareLink { visitor: visitor(), request: ShareLinkUse { token: secret("t"), password: None } }.into(),
        LinkOpenedReply { visit: secret("v"), opened: OpenedLink { project, expires_ms: 15 } }.into(),
        QueryShared { principal, query, limit: 10, cursor: None }.into(),
        SharedPageReply { page, roles: vec![role] }.into(),
        NoteBackup { principal, visitor: visitor() }.into(),
    ]
}
