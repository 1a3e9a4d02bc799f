//! Who has a project, each with their role.

use domain::id::ProjectId;
use domain::sharing::{Member, MemberRole, ProjectRole};
use domain::text::Text;
use yew::prelude::*;
use yew_router::prelude::*;

use super::{ROLES, role_name, role_of};
use crate::api;
use crate::asked::use_errands;
use crate::browser;
use crate::choose::Choose;
use crate::confirm::Confirm;
use crate::i18n::{Tr, use_tr};
use crate::project::rights::use_rights;
use crate::routes::Route;

#[derive(PartialEq, Properties)]
pub struct Props {
    pub id: ProjectId,
    /// What the project is called.
    pub name: String,
    pub members: Vec<Member>,
}

#[component]
pub fn MemberList(props: &Props) -> Html {
    let (tr, rights) = (use_tr(), use_rights());
    let leaving = use_state_eq(|| None::<Member>);
    let on_change = use_role_change(props.id);
    let on_end = {
        let leaving = leaving.clone();
        Callback::from(move |member: Member| leaving.set(Some(member)))
    };
    let entry = |member: &Member| row(tr, member, rights.can_own(), &on_change, &on_end);
    let close = {
        let leaving = leaving.clone();
        Callback::from(move |()| leaving.set(None))
    };
    html! {
        <section id="members" class="card" aria-labelledby="members-title">
            <h3 id="members-title" tabindex="-1">{ tr.count(props.members.len() as u64, Text::MemberOne, Text::MemberMany) }</h3>
            <ul class="session-list">{ for props.members.iter().map(entry) }</ul>
            if let Some(member) = &*leaving {
                <Ending id={props.id} name={props.name.clone()} member={member.clone()} on_close={close} />
            }
        </section>
    }
}

/// Gives members other roles.
#[hook]
fn use_role_change(id: ProjectId) -> Callback<(Member, ProjectRole)> {
    let (tr, errands) = (use_tr(), use_errands());
    Callback::from(move |(member, role): (Member, ProjectRole)| {
        let said = tr.fill(Text::MemberChanged, &[("name", &member.name), ("role", tr.project_role(role))]);
        errands.run(api::change_member(id, member.account, MemberRole { role }), said, || {});
    })
}

fn row(
    tr: Tr,
    member: &Member,
    can_own: bool,
    on_change: &Callback<(Member, ProjectRole)>,
    on_end: &Callback<Member>,
) -> Html {
    let can_change = can_own && !member.payer && !member.you;
    let named = [("name", &*member.name)];
    let on_role = {
        let (member, on_change) = (member.clone(), on_change.clone());
        Callback::from(move |chosen: String| {
            if let Some(role) = role_of(&chosen) {
                on_change.emit((member.clone(), role));
            }
        })
    };
    let end = {
        let member = member.clone();
        on_end.reform(move |_: MouseEvent| member.clone())
    };
    let since = member.since_ms.map(|at_ms| tr.fill(Text::MemberSince, &[("time", &tr.moment(at_ms))]));
    let facts = [member.email.clone(), since].into_iter().flatten().collect::<Vec<_>>().join(" · ");
    let roles: Vec<_> = ROLES.iter().map(|(_, name, label, _)| (*name, tr.t(*label))).collect();
    html! {
        <li key={member.account.to_string()} class="session member" data-member={member.account.to_string()} data-you={member.you.to_string()}>
            <div>
                <p><strong>{ &member.name }</strong>
                    if member.you { <span class="chip chip-good">{ tr.t(Text::MemberYou) }</span> }
                    if member.payer { <span class="chip">{ tr.t(Text::MemberPayer) }</span> }
                </p>
                <p class="meta">{ facts }</p>
            </div>
            if can_change {
                <Choose label={tr.fill(Text::MemberRoleOf, &named)} value={role_name(member.role)} options={roles} on_choose={on_role} />
            } else {
                <span class="tag">{ tr.project_role(member.role) }</span>
            }
            if member.you && !member.payer {
                <button type="button" id="leave" class="button" onclick={end}>{ tr.t(Text::MemberLeave) }</button>
            } else if can_change {
                <button type="button" class="button member-remove" aria-label={tr.fill(Text::MemberRemoveNamed, &named)} onclick={end}>
                    { tr.t(Text::MemberRemove) }
                </button>
            }
        </li>
    }
}

#[derive(PartialEq, Properties)]
struct EndingProps {
    id: ProjectId,
    name: String,
    member: Member,
    on_close: Callback<()>,
}

/// Asks before a member is removed, or leaves.
#[component]
fn Ending(props: &EndingProps) -> Html {
    let (tr, errands, navigator) = (use_tr(), use_errands(), use_navigator());
    let (id, account, you) = (props.id, props.member.account, props.member.you);
    let (title, detail, label, said) = match you {
        true => (
            tr.fill(Text::LeaveQuestion, &[("title", &props.name)]),
            tr.t(Text::LeaveDetail),
            Text::MemberLeave,
            tr.fill(Text::LeaveDone, &[("title", &props.name)]),
        ),
        false => (
            tr.fill(Text::RemoveQuestion, &[("name", &props.member.name)]),
            tr.t(Text::RemoveDetail),
            Text::MemberRemove,
            tr.fill(Text::RemoveDone, &[("name", &props.member.name)]),
        ),
    };
    let on_do = {
        let close = props.on_close.clone();
        Callback::from(move |()| {
            close.emit(());
            let (said, navigator) = (said.clone(), navigator.clone());
            match you {
                true => errands.end(api::remove_member(id, account), said, move || {
                    if let Some(navigator) = navigator {
                        navigator.push(&Route::Shelf);
                    }
                }),
                false => errands.end(api::remove_member(id, account), said, || browser::focus_first("#members-title")),
            }
        })
    };
    html! { <Confirm {title} detail={detail.to_owned()} {label} on_keep={props.on_close.clone()} {on_do} /> }
}
