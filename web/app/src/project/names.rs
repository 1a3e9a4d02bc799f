//! What the members of a project are called, for whoever may know.

use std::rc::Rc;

use domain::id::ProjectId;
use domain::project::Actor;
use domain::sharing::Member;
use domain::text::Text;
use yew::prelude::*;

use super::rights::use_rights;
use crate::account::{Who, use_who};
use crate::api;
use crate::asked::use_asked;
use crate::i18n::Tr;

/// Who has the project; nobody where there are no accounts, and for visitors.
#[derive(Clone, Default, PartialEq)]
pub struct Names(Rc<Vec<Member>>);

impl Names {
    /// Who did something: by name, if they have the project still.
    pub fn of(&self, tr: Tr, actor: Actor) -> String {
        let member = match actor {
            Actor::Account(id) => self.0.iter().find(|member| member.account == id),
            _ => None,
        };
        member.map_or_else(|| actor_text(tr, actor).to_owned(), |member| member.name.clone())
    }
}

/// What members are called.
#[hook]
pub fn use_names(id: ProjectId) -> Names {
    let (rights, who) = (use_rights(), use_who());
    let asks = rights.is_member() && matches!(who, Who::SignedIn(_));
    let members = use_asked((id, asks), |(id, asks)| {
        let (id, asks) = (*id, *asks);
        async move {
            match asks {
                true => api::members(id).await.map(|members| Names(Rc::new(members.members))),
                false => Ok(Names::default()),
            }
        }
    });
    members.here().cloned().unwrap_or_default()
}

/// Who, where nobody is named.
fn actor_text(tr: Tr, actor: Actor) -> &'static str {
    tr.t(match actor {
        Actor::Local => Text::ActorLocal,
        Actor::Node => Text::ActorNode,
        Actor::Account(_) => Text::ActorAccount,
        Actor::Somebody => Text::ActorSomebody,
    })
}

/// Who, by the id of their account where they have one.
pub fn actor_id(tr: Tr, actor: Actor) -> String {
    match actor {
        Actor::Account(id) => id.to_string(),
        other => actor_text(tr, other).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use domain::id::AccountId;
    use domain::language::Language;
    use domain::sharing::ProjectRole;

    use super::*;

    #[test]
    fn members_are_named_and_whoever_left_is_an_account() {
        let member = Member {
            account: AccountId(7),
            name: "Anna".into(),
            email: None,
            role: ProjectRole::Owner,
            since_ms: None,
            payer: true,
            you: true,
        };
        let (tr, names) = (Tr(Language::En), Names(Rc::new(vec![member])));
        assert_eq!(names.of(tr, Actor::Account(AccountId(7))), "Anna");
        assert_eq!(names.of(tr, Actor::Account(AccountId(8))), tr.t(Text::ActorAccount));
        assert_eq!(names.of(tr, Actor::Local), tr.t(Text::ActorLocal));
    }
}
