//! Who has a project: members, invitations that are open, share links, and what each role may do.

mod invite;
mod links;
mod members;

use domain::id::ProjectId;
use domain::sharing::ProjectRole;
use domain::text::Text;
use yew::prelude::*;

use super::rights::use_rights;
use crate::account::{Who, use_who};
use crate::api;
use crate::asked::use_asked;
use crate::i18n::{Tr, use_tr};
use invite::{Invitations, Invite};
use links::Links;
use members::MemberList;

/// Roles, as they are chosen, each with what it may do.
const ROLES: [(ProjectRole, &str, Text, Text); 3] = [
    (ProjectRole::Viewer, "viewer", Text::ProjectRoleViewer, Text::MemberViewerAbout),
    (ProjectRole::Editor, "editor", Text::ProjectRoleEditor, Text::MemberEditorAbout),
    (ProjectRole::Owner, "owner", Text::ProjectRoleOwner, Text::MemberOwnerAbout),
];

/// What a choice calls a role.
fn role_name(role: ProjectRole) -> &'static str {
    ROLES.iter().find(|(known, ..)| *known == role).map_or("viewer", |(_, name, ..)| *name)
}

/// The role that a value of a choice stands for.
fn role_of(value: &str) -> Option<ProjectRole> {
    ROLES.iter().find(|(_, name, ..)| *name == value).map(|(role, ..)| *role)
}

#[derive(PartialEq, Properties)]
pub struct Props {
    pub id: ProjectId,
    /// What it is called.
    pub name: String,
}

#[component]
pub fn Sharing(props: &Props) -> Html {
    let (tr, id, rights) = (use_tr(), props.id, use_rights());
    if use_who() == Who::Trusted {
        return html! { <p id="sharing-none" class="empty">{ tr.t(Text::SharingTrusted) }</p> };
    }
    html! {
        <section id="sharing" aria-labelledby="sharing-title">
            <div class="section-head">
                <div>
                    <h2 id="sharing-title" tabindex="-1">{ tr.t(Text::SharingTitle) }</h2>
                    <p class="lead-small">{ tr.t(if rights.can_own() { Text::SharingLead } else { Text::SharingLeadMember }) }</p>
                </div>
            </div>
            <People {id} name={props.name.clone()} />
            if rights.can_own() {
                <Links {id} />
            }
            { roles(tr) }
        </section>
    }
}

#[component]
fn People(props: &Props) -> Html {
    let (tr, id, rights) = (use_tr(), props.id, use_rights());
    let members = use_asked(id, |id| api::members(*id));
    members.shown(tr, |members| {
        html! {
            <>
                <MemberList {id} name={props.name.clone()} members={members.members.clone()} />
                if rights.can_own() {
                    <Invite {id} />
                    if !members.invitations.is_empty() {
                        <Invitations {id} invitations={members.invitations.clone()} />
                    }
                }
            </>
        }
    })
}

/// What each role may do.
fn roles(tr: Tr) -> Html {
    let entry = |(role, label, about): (&'static str, Text, Text)| {
        html! { <div data-role={role}><dt>{ tr.t(label) }</dt><dd>{ tr.t(about) }</dd></div> }
    };
    let link = ("link", Text::MemberLink, Text::MemberLinkAbout);
    let roles = ROLES.into_iter().map(|(_, name, label, about)| (name, label, about)).chain([link]);
    html! {
        <section id="roles" class="card" aria-labelledby="roles-title">
            <h3 id="roles-title">{ tr.t(Text::MemberRolesTitle) }</h3>
            <dl class="roles">{ for roles.map(entry) }</dl>
        </section>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_named_as_the_node_names_it() {
        for (role, name, ..) in ROLES {
            assert_eq!(serde_json::to_string(&role).unwrap(), format!("{name:?}"));
            assert_eq!((role_of(name), role_name(role)), (Some(role), name));
        }
        assert_eq!(role_of("admin"), None);
    }
}
