//! Sharing over real rows: inviting, joining, roles, leaving, share links, and what races and failing stores leave.
#![allow(clippy::unwrap_used, clippy::panic, reason = "this is test code, helpers included")]

mod failing;
#[path = "sharing/hand.rs"]
mod hand;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use actors::accounts::letters::{Mail, MailError, Mailer};
use actors::accounts::sharing::{self, index, invitations, links, members};
use actors::accounts::{Accounts, open, views};
use actors::run::RunContext;
use cluster::body::Fault;
use cluster::body::accounts::{ListAccountEvents, Visitor};
use cluster::body::sharing::{
    AcceptInvitation, ChangeMember, InviteMember, ListMembers, MakeShareLink, MembersReply, OpenShareLink, QueryShared,
    ReachProject, ReachedReply, RemoveMember, RevokeShareLink, WithdrawInvitation,
};
use domain::account::{AccountAct, Secret, SystemRole};
use domain::id::{InvitationId, ProjectId, SessionId, ShareLinkId, TenantId};
use domain::principal::{Principal, Proof, Signed};
use domain::project::{ProjectQuery, Shown};
use domain::sharing::{
    Invitation, InvitationRequest, InvitationUse, Joined, OpenedLink, ProjectRole, ShareLinkRequest, ShareLinkUse,
};
use failing::{account_policy, context};
use futures_util::future::join;
use store::conformance::{account_row, project_row};
use store::rows::{AccountRow, EmailRow, SharedProject, SharedRow};
use store::{Cas, DataFolder, Faults};

const KINDS: [store::Fault; 3] = [store::Fault::Refuse, store::Fault::Lose, store::Fault::Doubt];
const PASSWORD: &str = "a lamp upon the ferry";

/// Keeps what it is given.
#[derive(Default)]
struct Outbox(Mutex<Vec<Mail>>);

#[async_trait::async_trait]
impl Mailer for Outbox {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        self.0.lock().unwrap().push(mail.clone());
        Ok(())
    }
}

/// Somebody who is signed in.
#[derive(Clone)]
struct Person {
    principal: Principal,
    row: AccountRow,
}

/// A core, its mail, and a project that somebody pays for.
struct World {
    context: Arc<RunContext>,
    mail: Arc<Outbox>,
    payer: Person,
    project: ProjectId,
    _data: tempfile::TempDir,
}

fn fresh() -> u128 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    u128::from(NEXT.fetch_add(1, Ordering::Relaxed)) << 8 | 0x5a
}

fn visitor() -> Visitor {
    // Each from elsewhere: attempts are counted in tests of their own.
    let address = std::net::Ipv4Addr::from(0x0a00_0000 + (fresh() >> 8) as u32).to_string();
    Visitor { address, agent: "test".into() }
}

fn code<T>(result: Result<T, Fault>) -> String {
    result.err().map_or_else(|| "done".to_owned(), |fault| fault.code)
}

impl World {
    async fn new() -> Self {
        Self::failing(Faults::Never).await
    }

    async fn failing(faults: Faults) -> Self {
        let data = tempfile::tempdir().unwrap();
        let (folder, mail) = (DataFolder::open(data.path()).unwrap(), Arc::new(Outbox::default()));
        let accounts = Accounts::new(mail.clone(), account_policy());
        let context = Arc::new(RunContext { accounts, ..context(&folder, faults) });
        open(&context).await.unwrap();
        let payer = somebody(&context).await;
        let row = project_row(payer.principal.tenant);
        let _ = failing::settle(async || done(context.records.project_insert(row.clone(), None).await)).await;
        Self { project: row.project, context, mail, payer, _data: data }
    }

    async fn reach(&self, who: &Person) -> ReachedReply {
        let ask = ReachProject { principal: who.principal, project: self.project, visit: None };
        sharing::reach(&self.context, &ask).await.unwrap()
    }

    /// What somebody may do with the project, if anything.
    async fn role(&self, who: &Person) -> Option<ProjectRole> {
        let reached = self.reach(who).await;
        (reached.principal.tenant == self.payer.principal.tenant).then_some(reached.role)
    }

    async fn invite(&self, by: &Person, email: &str, role: ProjectRole) -> Result<Invitation, Fault> {
        let ask = InviteMember {
            principal: by.principal,
            visitor: visitor(),
            project: self.project,
            invitation: InvitationId(fresh()),
            request: InvitationRequest { email: email.into(), role },
        };
        Ok(invitations::invite(&self.context, &ask).await?.invitation)
    }

    /// The token of the newest letter to somebody.
    async fn token(&self, to: &str) -> Secret {
        self.context.accounts.settled().await;
        let mail = self.mail.0.lock().unwrap().iter().rfind(|mail| mail.to == to).cloned().unwrap();
        Secret(mail.text.split_once('#').unwrap().1.split_whitespace().next().unwrap().to_owned())
    }

    async fn accept(&self, who: &Person, token: &Secret) -> Result<Joined, Fault> {
        let request = InvitationUse { token: token.clone() };
        let ask = AcceptInvitation { principal: who.principal, visitor: visitor(), request };
        invitations::accept(&self.context, &ask).await
    }

    /// Somebody who was given the project.
    async fn member(&self, role: ProjectRole) -> Person {
        let who = somebody(&self.context).await;
        self.invite(&self.payer, &who.row.email, role).await.unwrap();
        let token = self.token(&who.row.email).await;
        assert_eq!(self.accept(&who, &token).await.unwrap(), Joined { project: self.project, role });
        who
    }

    async fn withdraw(&self, invitation: InvitationId) -> Result<(), Fault> {
        let (principal, project) = (self.payer.principal, self.project);
        let ask = WithdrawInvitation { principal, visitor: visitor(), project, invitation };
        invitations::withdraw(&self.context, &ask).await
    }

    async fn change(&self, by: &Person, whom: &Person, role: ProjectRole) -> Result<(), Fault> {
        let (principal, project, member) = (by.principal, self.project, whom.row.account);
        let ask = ChangeMember { principal, visitor: visitor(), project, member, role };
        members::change_role(&self.context, &ask).await
    }

    async fn remove(&self, by: &Person, whom: &Person) -> Result<(), Fault> {
        let (principal, project, member) = (by.principal, self.project, whom.row.account);
        members::remove(&self.context, &RemoveMember { principal, visitor: visitor(), project, member }).await
    }

    async fn list(&self, by: &Person) -> Result<MembersReply, Fault> {
        members::list(&self.context, &ListMembers { principal: by.principal, project: self.project }).await
    }

    async fn shared_with(&self, who: &Person) -> Vec<(ProjectId, ProjectRole)> {
        let query = ProjectQuery { shown: Shown::Shared, ..ProjectQuery::default() };
        let ask = QueryShared { principal: who.principal, query, limit: 10, cursor: None };
        let reply = index::page(&self.context, &ask).await.unwrap();
        reply.page.projects.iter().map(|project| project.id).zip(reply.roles).collect()
    }

    async fn link(&self, by: &Person, password: Option<&str>) -> Result<(ShareLinkId, Secret), Fault> {
        let password = password.map(|text| Secret(text.into()));
        let request = ShareLinkRequest { name: "for the printer".into(), password, valid_s: 3_600 };
        let (principal, project, link) = (by.principal, self.project, ShareLinkId(fresh()));
        let ask = MakeShareLink { principal, visitor: visitor(), project, link, request };
        let made = links::make(&self.context, &ask).await?.link;
        Ok((made.link.id, Secret(made.url.0.split_once('#').unwrap().1.to_owned())))
    }

    async fn open(&self, token: &Secret, password: Option<&str>) -> Result<(Secret, OpenedLink), Fault> {
        let request = ShareLinkUse { token: token.clone(), password: password.map(|text| Secret(text.into())) };
        let reply = links::open(&self.context, &OpenShareLink { visitor: visitor(), request }).await?;
        Ok((reply.visit, reply.opened))
    }

    async fn visit(&self, visit: &Secret, project: ProjectId) -> Option<ReachedReply> {
        let ask = ReachProject { principal: Principal::NOBODY, project, visit: Some(visit.clone()) };
        let reached = sharing::reach(&self.context, &ask).await.unwrap();
        matches!(reached.principal.proof, Proof::Visit(_)).then_some(reached)
    }

    async fn revoke(&self, link: ShareLinkId) -> Result<(), Fault> {
        let (principal, project) = (self.payer.principal, self.project);
        links::revoke(&self.context, &RevokeShareLink { principal, visitor: visitor(), project, link }).await
    }

    async fn log(&self, of: &Person) -> Vec<AccountAct> {
        let ask = ListAccountEvents { principal: of.principal, account: None, before: None, limit: 100 };
        let events = views::events(&self.context, &ask).await.unwrap().events;
        events.into_iter().rev().map(|event| event.what).collect()
    }
}

fn done<T, C: std::fmt::Debug>(cas: Result<Cas<T, C>, store::StoreError>) -> Result<(), Fault> {
    match cas {
        Ok(Cas::Unknown(error)) | Err(error) => Err(Fault::new("store", error.to_string())),
        Ok(_) => Ok(()),
    }
}

async fn somebody(context: &Arc<RunContext>) -> Person {
    let row = AccountRow { role: SystemRole::User, ..account_row() };
    failing::settle(async || done(context.records.account_insert(row.clone(), None).await)).await;
    let email = EmailRow { email: row.email.clone(), version: 0, account: row.account };
    failing::settle(async || done(context.records.email_claim(email.clone(), 0).await)).await;
    let signed =
        Signed { account: row.account, session: SessionId(1), role: SystemRole::User, confirmed: true, proved_ms: 1 };
    Person { principal: Principal { tenant: row.tenant, proof: Proof::Session(signed) }, row }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_is_accepted_once_by_the_account_that_has_its_address() {
    let world = World::new().await;
    let (anna, ben) = (somebody(&world.context).await, somebody(&world.context).await);
    assert_eq!(world.role(&anna).await, None);
    world.invite(&world.payer, &anna.row.email.to_uppercase(), ProjectRole::Editor).await.unwrap();
    let token = world.token(&anna.row.email).await;
    assert_eq!(code(world.accept(&ben, &token).await), "invitation-for-another");
    assert_eq!(world.role(&ben).await, None);
    world.accept(&anna, &token).await.unwrap();
    assert_eq!(code(world.accept(&anna, &token).await), "mailed-link-invalid", "it works once");
    assert_eq!(world.role(&anna).await, Some(ProjectRole::Editor));
    let reached = world.reach(&anna).await.principal;
    assert_eq!((reached.tenant, reached.proof), (world.payer.principal.tenant, anna.principal.proof));
    assert_eq!(world.shared_with(&anna).await, [(world.project, ProjectRole::Editor)]);
    assert_eq!(world.shared_with(&ben).await, []);
    assert!(world.log(&anna).await.contains(&AccountAct::Joined { project: world.project, role: ProjectRole::Editor }));
    let invited = |act: &AccountAct| matches!(act, AccountAct::Invited { email, .. } if *email == anna.row.email);
    assert!(world.log(&world.payer).await.iter().any(invited));
    // Whoever pays may follow a link of their own: it gives them nothing that they have not.
    world.invite(&world.payer, &world.payer.row.email, ProjectRole::Viewer).await.unwrap();
    let own = world.token(&world.payer.row.email).await;
    assert_eq!(world.accept(&world.payer, &own).await.unwrap().role, ProjectRole::Owner);
    assert_eq!(world.shared_with(&world.payer).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_that_was_replaced_or_withdrawn_opens_nothing() {
    let world = World::new().await;
    let anna = somebody(&world.context).await;
    world.invite(&world.payer, &anna.row.email, ProjectRole::Viewer).await.unwrap();
    let first = world.token(&anna.row.email).await;
    let second = world.invite(&world.payer, &anna.row.email, ProjectRole::Editor).await.unwrap();
    let token = world.token(&anna.row.email).await;
    assert_ne!(first, token);
    assert_eq!(code(world.accept(&anna, &first).await), "mailed-link-invalid");
    assert_eq!(world.list(&world.payer).await.unwrap().members.invitations.iter().collect::<Vec<_>>(), [&second]);
    world.withdraw(second.id).await.unwrap();
    assert_eq!(code(world.withdraw(second.id).await), "invitation-not-found");
    assert_eq!(code(world.accept(&anna, &token).await), "mailed-link-invalid");
    assert_eq!(world.role(&anna).await, None);
    let local = Person { principal: Principal::LOCAL, ..world.payer.clone() };
    assert_eq!(code(world.invite(&local, "a@b.org", ProjectRole::Viewer).await), "account-needed");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_has_so_many_invitations_and_an_address_gets_so_many() {
    let world = World::new().await;
    let mut codes = Vec::new();
    for number in 0..22 {
        codes.push(code(world.invite(&world.payer, &format!("a{number}@example.org"), ProjectRole::Viewer).await));
    }
    assert_eq!(codes.iter().filter(|code| *code == "done").count(), 20, "{codes:?}");
    assert_eq!(codes.last().unwrap(), "too-many-attempts");
    let world = World::new().await;
    let mut codes = Vec::new();
    for _ in 0..4 {
        codes.push(code(world.invite(&world.payer, "anna@example.org", ProjectRole::Viewer).await));
    }
    assert_eq!(codes, ["done", "done", "done", "too-many-attempts"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_role_may_all_that_the_one_before_may_and_no_more() {
    let world = World::new().await;
    let viewer = world.member(ProjectRole::Viewer).await;
    let editor = world.member(ProjectRole::Editor).await;
    let owner = world.member(ProjectRole::Owner).await;
    let stranger = somebody(&world.context).await;
    for (who, wanted) in [(&viewer, "forbidden"), (&editor, "forbidden"), (&stranger, "project-not-found")] {
        assert_eq!(code(world.invite(who, "a@b.org", ProjectRole::Owner).await), wanted);
        assert_eq!(code(world.change(who, who, ProjectRole::Owner).await), wanted, "nobody raises themselves");
        assert_eq!(code(world.remove(who, &owner).await), wanted);
        assert_eq!(code(world.link(who, None).await), wanted);
    }
    let seen = world.list(&viewer).await.unwrap();
    let addresses = seen.members.members.iter().filter(|member| member.email.is_some());
    assert_eq!((seen.members.members.len(), addresses.count()), (4, 1), "her own alone");
    assert_eq!((seen.members.invitations, seen.links), (vec![], vec![]));
    let all = world.list(&owner).await.unwrap().members.members;
    assert!(all[0].payer && all[0].account == world.payer.row.account && all.iter().all(|one| one.email.is_some()));

    world.change(&owner, &viewer, ProjectRole::Editor).await.unwrap();
    assert_eq!(world.role(&viewer).await, Some(ProjectRole::Editor));
    assert_eq!(code(world.change(&owner, &stranger, ProjectRole::Viewer).await), "member-not-found");
    // The payer stays, whoever asks.
    for by in [&owner, &world.payer] {
        assert_eq!(code(world.remove(by, &world.payer).await), "payer-stays");
        assert_eq!(code(world.change(by, &world.payer, ProjectRole::Viewer).await), "payer-stays");
    }
    world.remove(&viewer, &viewer).await.unwrap();
    assert_eq!((world.role(&viewer).await, world.shared_with(&viewer).await), (None, vec![]));
    assert_eq!(code(world.list(&viewer).await), "project-not-found");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_owner_gave_out_ends_with_them() {
    let world = World::new().await;
    let owner = world.member(ProjectRole::Owner).await;
    let anna = somebody(&world.context).await;
    world.invite(&owner, &anna.row.email, ProjectRole::Owner).await.unwrap();
    let invitation = world.token(&anna.row.email).await;
    let (_, link) = world.link(&owner, None).await.unwrap();
    let (visit, _) = world.open(&link, None).await.unwrap();
    assert!(world.visit(&visit, world.project).await.is_some());
    world.remove(&world.payer, &owner).await.unwrap();
    assert_eq!(code(world.accept(&anna, &invitation).await), "mailed-link-invalid");
    assert_eq!(code(world.open(&link, None).await), "share-link-over");
    assert!(world.visit(&visit, world.project).await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_listens_is_told_that_somebody_lost_something() {
    let world = World::new().await;
    let anna = world.member(ProjectRole::Editor).await;
    let mut unshared = world.context.accounts.unshared().subscribe();
    world.change(&world.payer, &anna, ProjectRole::Viewer).await.unwrap();
    assert_eq!(unshared.try_recv(), Ok(world.project));
    assert_eq!(world.role(&anna).await, Some(ProjectRole::Viewer), "from then on");
    world.remove(&world.payer, &anna).await.unwrap();
    assert_eq!(unshared.try_recv(), Ok(world.project));
    assert_eq!(world.role(&anna).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_an_acceptance_and_a_withdrawal_at_once_one_wins() {
    let (mut joined, mut withdrawn) = (0, 0);
    for _ in 0..12 {
        let world = World::new().await;
        let anna = somebody(&world.context).await;
        let invitation = world.invite(&world.payer, &anna.row.email, ProjectRole::Viewer).await.unwrap().id;
        let token = world.token(&anna.row.email).await;
        let (accepted, taken_back) = join(world.accept(&anna, &token), world.withdraw(invitation)).await;
        assert_ne!(accepted.is_ok(), taken_back.is_ok(), "{accepted:?} {taken_back:?}");
        assert_eq!(world.role(&anna).await.is_some(), accepted.is_ok());
        let listed = world.shared_with(&anna).await;
        assert_eq!(listed.len(), usize::from(accepted.is_ok()), "what is listed is what is true");
        if accepted.is_ok() { joined += 1 } else { withdrawn += 1 }
    }
    println!("{joined} joined, {withdrawn} were withdrawn");
}

#[tokio::test(flavor = "multi_thread")]
async fn owners_who_remove_each_other_at_once_leave_the_payer_and_at_most_one() {
    for _ in 0..8 {
        let world = World::new().await;
        let (anna, ben) = (world.member(ProjectRole::Owner).await, world.member(ProjectRole::Owner).await);
        let (one, other) = join(world.remove(&anna, &ben), world.remove(&ben, &anna)).await;
        assert!(one.is_ok() != other.is_ok(), "whoever is out removes nobody: {one:?} {other:?}");
        assert_eq!(world.list(&world.payer).await.unwrap().members.members.len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_is_removed_and_invited_again_is_listed_again() {
    let world = World::new().await;
    let anna = world.member(ProjectRole::Viewer).await;
    world.remove(&world.payer, &anna).await.unwrap();
    world.invite(&world.payer, &anna.row.email, ProjectRole::Editor).await.unwrap();
    world.accept(&anna, &world.token(&anna.row.email).await).await.unwrap();
    assert_eq!(world.shared_with(&anna).await, [(world.project, ProjectRole::Editor)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_crash_left_in_the_index_gives_nothing_and_is_cleared_away() {
    let world = World::new().await;
    let anna = world.member(ProjectRole::Viewer).await;
    let records = &world.context.records;
    let row = records.shared_get(anna.row.account).await.unwrap();
    let (old, new) = (ProjectId(fresh()), ProjectId(fresh()));
    let left = |project, since_ms| SharedProject { project, since_ms };
    let mut projects = row.projects.clone();
    projects.extend([left(old, 1), left(new, row.projects[0].since_ms)]);
    let _ = records.shared_update(SharedRow { projects, ..row.clone() }, row.version).await.unwrap().applied().unwrap();
    assert_eq!(world.shared_with(&anna).await, [(world.project, ProjectRole::Viewer)]);
    let named: Vec<ProjectId> =
        records.shared_get(anna.row.account).await.unwrap().projects.iter().map(|one| one.project).collect();
    assert_eq!(named, [world.project, new], "what may be about to be true stays for a while");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_share_link_shows_its_project_alone_until_it_is_revoked() {
    let world = World::new().await;
    let (link, token) = world.link(&world.payer, None).await.unwrap();
    let (visit, opened) = world.open(&token, None).await.unwrap();
    assert_eq!(opened.project, world.project);
    let reached = world.visit(&visit, world.project).await.unwrap();
    assert_eq!((reached.principal.tenant, reached.role), (world.payer.principal.tenant, ProjectRole::Viewer));
    assert_eq!(reached.until_ms, Some(opened.expires_ms));
    let other = project_row(world.payer.principal.tenant);
    let other = world.context.records.project_insert(other, None).await.unwrap().applied().unwrap();
    assert!(world.visit(&visit, other.project).await.is_none(), "another one of the same tenant");
    assert!(world.visit(&token, world.project).await.is_none(), "the link is no visit");
    assert_eq!(code(world.open(&visit, None).await), "share-link-over", "nor a visit a link");
    world.revoke(link).await.unwrap();
    assert!(world.visit(&visit, world.project).await.is_none());
    assert_eq!(code(world.open(&token, None).await), "share-link-over");
    assert_eq!(code(world.revoke(link).await), "share-link-not-found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_share_link_whose_time_is_over_shows_nothing() {
    let world = World::new().await;
    let (_, token) = world.link(&world.payer, None).await.unwrap();
    let (visit, _) = world.open(&token, None).await.unwrap();
    let records = &world.context.records;
    let row = records.access_get(world.project).await.unwrap().unwrap();
    let (mut over, version) = (row.clone(), row.version);
    over.links[0].expires_ms = 1;
    let _ = records.access_update(over, version).await.unwrap().applied().unwrap();
    // What is at hand is so for less than a second.
    let until = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while world.visit(&visit, world.project).await.is_some() {
        assert!(std::time::Instant::now() < until, "it still shows something");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(code(world.open(&token, None).await), "share-link-over");
    assert_eq!(world.list(&world.payer).await.unwrap().links, [], "it is listed no more");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_share_links_password_is_wanted_and_not_guessed() {
    let world = World::new().await;
    assert_eq!(code(world.link(&world.payer, Some("short")).await), "password-weak");
    let (_, token) = world.link(&world.payer, Some(PASSWORD)).await.unwrap();
    let row = world.context.records.access_get(world.project).await.unwrap().unwrap();
    assert!(row.links[0].password.as_ref().unwrap().starts_with("$argon2id$"));
    assert_eq!(code(world.open(&token, None).await), "share-password-needed");
    assert_eq!(code(world.open(&token, Some("nine keepers")).await), "share-password-wrong");
    assert!(world.open(&token, Some(PASSWORD)).await.is_ok());
    let from = visitor();
    let mut codes = Vec::new();
    for _ in 0..12 {
        let request = ShareLinkUse { token: token.clone(), password: Some(Secret("nine keepers".into())) };
        codes.push(code(links::open(&world.context, &OpenShareLink { visitor: from.clone(), request }).await));
    }
    assert_eq!(codes.last().unwrap(), "too-many-attempts", "{codes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_share_link_lasts_from_an_hour_to_a_year() {
    let world = World::new().await;
    for (valid_s, wanted) in
        [(3_599, "bad-request"), (3_600, "done"), (31_622_400, "done"), (31_622_401, "bad-request")]
    {
        let request = ShareLinkRequest { name: "a".into(), password: None, valid_s };
        let (principal, project) = (world.payer.principal, world.project);
        let ask = MakeShareLink { principal, visitor: visitor(), project, link: ShareLinkId(fresh()), request };
        assert_eq!(code(links::make(&world.context, &ask).await), wanted, "{valid_s}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_write_fails_an_invitation_that_is_repeated_makes_one_member() {
    for (nth, kind) in (0..16).flat_map(|nth| KINDS.map(|kind| (nth, kind))) {
        let world = World::failing(Faults::Nth { nth, fault: kind }).await;
        let anna = somebody(&world.context).await;
        failing::settle(async || world.invite(&world.payer, &anna.row.email, ProjectRole::Editor).await.map(drop))
            .await;
        let token = world.token(&anna.row.email).await;
        // What was lost may have been done: then the link is used up, and she is in.
        for _ in 0..3 {
            let _ = world.accept(&anna, &token).await;
        }
        assert_eq!(world.role(&anna).await, Some(ProjectRole::Editor), "write {nth}");
        assert_eq!(world.shared_with(&anna).await, [(world.project, ProjectRole::Editor)], "write {nth}");
        failing::settle(async || match world.remove(&world.payer, &anna).await {
            Err(fault) if fault.code == "member-not-found" => Ok(()),
            done => done,
        })
        .await;
        assert_eq!((world.role(&anna).await, world.shared_with(&anna).await), (None, vec![]), "write {nth}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tenants_that_nobody_has_get_nothing() {
    let world = World::new().await;
    let (_, token) = world.link(&world.payer, None).await.unwrap();
    world.open(&token, None).await.unwrap();
    let ask = ReachProject { principal: Principal::NOBODY, project: world.project, visit: None };
    let reached = sharing::reach(&world.context, &ask).await.unwrap();
    assert_eq!((reached.principal, reached.principal.tenant), (Principal::NOBODY, TenantId::NONE));
}
