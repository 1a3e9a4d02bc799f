//! What is known of a project without asking anybody: never more than is so.

use actors::hand::AtHand;
use actors::projects::{changes, find_deleted_too, views as shown};
use domain::project::{Project, ProjectPatch};

use super::*;

impl World {
    fn known(&self, who: &Person) -> Option<ProjectRole> {
        let ask = ReachProject { principal: who.principal, project: self.project, visit: None };
        let reached = AtHand::of(self.context.clone()).reach(&ask)?;
        (reached.principal.tenant == self.payer.principal.tenant).then_some(reached.role)
    }

    fn known_visit(&self, visit: &Secret) -> Option<ReachedReply> {
        let ask = ReachProject { principal: Principal::NOBODY, project: self.project, visit: Some(visit.clone()) };
        let reached = AtHand::of(self.context.clone()).reach(&ask)?;
        matches!(reached.principal.proof, Proof::Visit(_)).then_some(reached)
    }

    fn known_project(&self) -> Option<Project> {
        AtHand::of(self.context.clone()).project(self.payer.principal, self.project)
    }

    /// The project as it is asked for, from memory since.
    async fn project_asked_for(&self) -> Project {
        let row = find_deleted_too(&self.context, self.payer.principal, self.project).await.unwrap();
        let project = shown::whole(&self.context, &row).await.unwrap();
        assert_eq!(self.known_project().as_ref(), Some(&project), "asked for, it is at hand");
        project
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_a_project_is_known_as_it_is_and_not_as_it_was() {
    let world = World::new().await;
    let (anna, ben) = (world.member(ProjectRole::Viewer).await, somebody(&world.context).await);
    assert_eq!(world.role(&anna).await, Some(ProjectRole::Viewer));
    assert_eq!(world.known(&anna), Some(ProjectRole::Viewer), "asked for, it is at hand");
    assert_eq!((world.known(&world.payer), world.known(&ben)), (Some(ProjectRole::Owner), None));
    for role in [ProjectRole::Owner, ProjectRole::Editor, ProjectRole::Viewer] {
        world.change(&world.payer, &anna, role).await.unwrap();
        assert!(world.known(&anna).is_none_or(|known| known == role));
        assert_eq!(world.role(&anna).await, Some(role));
        assert_eq!(world.known(&anna), Some(role));
    }
    world.remove(&world.payer, &anna).await.unwrap();
    assert_eq!(world.known(&anna), None, "removed");
    let anna = world.member(ProjectRole::Editor).await;
    assert_eq!(world.role(&anna).await, Some(ProjectRole::Editor));
    world.remove(&anna, &anna).await.unwrap();
    assert_eq!(world.known(&anna), None, "left");

    let (link, token) = world.link(&world.payer, None).await.unwrap();
    let (visit, _) = world.open(&token, None).await.unwrap();
    assert!(world.visit(&visit, world.project).await.is_some() && world.known_visit(&visit).is_some());
    world.revoke(link).await.unwrap();
    assert_eq!(world.known_visit(&visit), None, "revoked");

    let anna = world.member(ProjectRole::Viewer).await;
    assert_eq!(world.role(&anna).await, Some(ProjectRole::Viewer));
    sharing::erase(&world.context, world.project).await.unwrap();
    assert_eq!(world.known(&anna), None, "erased");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_is_known_as_it_is_and_not_as_it_was() {
    let world = World::new().await;
    let before = world.project_asked_for().await;
    let patch = ProjectPatch { name: Some(Some("Ferry".into())), ..ProjectPatch::default() };
    changes::patch(&world.context, world.payer.principal, world.project, None, &patch).await.unwrap();
    assert!(world.known_project().is_none_or(|project| project.name == "Ferry"));
    let after = world.project_asked_for().await;
    assert_eq!((after.name.as_str(), after.version), ("Ferry", before.version + 1));

    changes::discard(&world.context, world.payer.principal, world.project, None).await.unwrap();
    assert!(world.known_project().is_none_or(|project| project.deleted.is_some()));
    assert!(world.project_asked_for().await.deleted.is_some());
    changes::mark_deleted(&world.context, world.payer.principal, world.project, None).await.unwrap();
    assert_eq!(world.known_project(), None);
    let row = world.context.records.project_get(world.payer.principal.tenant, world.project).await.unwrap();
    assert!(row.unwrap().deleted);
    assert_eq!(world.known_project(), None, "what is being erased is nobody's");
    let ben = somebody(&world.context).await;
    assert_eq!(AtHand::of(world.context.clone()).project(ben.principal, world.project), None, "another tenant's");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_was_told_that_somebody_was_removed_finds_them_nowhere_however_many_ask_meanwhile() {
    let world = Arc::new(World::new().await);
    for _ in 0..20 {
        let anna = world.member(ProjectRole::Editor).await;
        assert_eq!(world.role(&anna).await, Some(ProjectRole::Editor));
        let askers: Vec<_> = (0..4)
            .map(|_| {
                let (world, anna) = (world.clone(), anna.clone());
                tokio::spawn(async move { while world.role(&anna).await.is_some() {} })
            })
            .collect();
        tokio::task::yield_now().await;
        world.remove(&world.payer, &anna).await.unwrap();
        assert_eq!(world.known(&anna), None);
        for asker in askers {
            asker.await.unwrap();
        }
        assert_eq!(world.known(&anna), None, "none of them brought it back");
    }
}
