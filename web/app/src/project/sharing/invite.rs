//! Inviting somebody by mail, and the invitations that are open.

use domain::id::ProjectId;
use domain::sharing::{Invitation, InvitationRequest, ProjectRole};
use domain::text::Text;
use yew::prelude::*;

use super::{ROLES, role_of};
use crate::account::field::{Blame, Choice, Field, Filled, Kind, field};
use crate::account::sheet::{Send, Sheet};
use crate::api;
use crate::asked::use_errands;
use crate::browser;
use crate::i18n::use_tr;

const CHOICES: &[Choice] = &[choice(0), choice(1), choice(2)];
const FIELDS: &[Field] = &[
    field("email", Text::FieldEmail, Kind::Email, "off", None),
    field("role", Text::MemberRole, Kind::Choice(CHOICES), "off", Some(Text::InviteRoleHint)),
];
const BLAME: Blame = &[("bad-email", "email")];

const fn choice(index: usize) -> Choice {
    Choice { value: ROLES[index].1, label: ROLES[index].2, about: None }
}

#[derive(PartialEq, Properties)]
pub struct Props {
    pub id: ProjectId,
}

/// The form to invite somebody.
#[component]
pub fn Invite(props: &Props) -> Html {
    let (tr, errands, id) = (use_tr(), use_errands(), props.id);
    // Another number is another form, with nothing in it.
    let sent = use_state_eq(|| 0_u32);
    let send = use_memo(id, |id| {
        let id = *id;
        Send::new(move |filled: Filled| async move { api::invite(id, &request(&filled)).await })
    });
    let on_done = {
        let sent = sent.clone();
        Callback::from(move |filled: Filled| {
            sent.set(*sent + 1);
            errands.say(tr.fill(Text::InviteDone, &[("email", &filled.text("email"))]));
            browser::focus_first("#invite-title");
        })
    };
    html! {
        <section id="invite" class="card" aria-labelledby="invite-title">
            <h3 id="invite-title" tabindex="-1">{ tr.t(Text::InviteTitle) }</h3>
            <p>{ tr.t(Text::InviteLead) }</p>
            <Sheet key={*sent} id="invite" fields={FIELDS.to_vec()} label={Text::InviteDo} send={(*send).clone()} blame={BLAME} {on_done} />
        </section>
    }
}

fn request(filled: &Filled) -> InvitationRequest {
    let role = role_of(&filled.text("role")).unwrap_or(ProjectRole::Viewer);
    InvitationRequest { email: filled.text("email"), role }
}

#[derive(PartialEq, Properties)]
pub struct OpenProps {
    pub id: ProjectId,
    pub invitations: Vec<Invitation>,
}

/// Invitations that were neither accepted nor withdrawn.
#[component]
pub fn Invitations(props: &OpenProps) -> Html {
    let (tr, errands, id) = (use_tr(), use_errands(), props.id);
    let entry = |invitation: &Invitation| {
        let (email, named) = (invitation.email.clone(), [("email", &*invitation.email)]);
        let again = {
            let (errands, said) = (errands.clone(), tr.fill(Text::InviteDone, &named));
            let request = InvitationRequest { email: email.clone(), role: invitation.role };
            Callback::from(move |_: MouseEvent| {
                let request = request.clone();
                errands.run(async move { api::invite(id, &request).await }, said.clone(), || {});
            })
        };
        let withdraw = {
            let (errands, said, invitation) = (errands.clone(), tr.fill(Text::InviteWithdrawn, &named), invitation.id);
            Callback::from(move |_: MouseEvent| {
                let then = || browser::focus_first("#invite-title");
                errands.end(api::withdraw_invitation(id, invitation), said.clone(), then);
            })
        };
        let time = |text: Text, at_ms: u64| tr.fill(text, &[("time", &tr.moment(at_ms))]);
        let facts = [
            tr.project_role(invitation.role).to_owned(),
            time(Text::InviteSent, invitation.invited_ms),
            time(Text::InviteEnds, invitation.expires_ms),
        ];
        html! {
            <li key={invitation.id.to_string()} class="session" data-invitation={email.clone()}>
                <div>
                    <p><strong>{ &email }</strong></p>
                    <p class="meta">{ facts.join(" · ") }</p>
                </div>
                <button type="button" class="button invite-again" aria-label={tr.fill(Text::InviteAgainNamed, &named)} onclick={again}>
                    { tr.t(Text::MailAgain) }
                </button>
                <button type="button" class="button invite-withdraw" aria-label={tr.fill(Text::InviteWithdrawNamed, &named)} onclick={withdraw}>
                    { tr.t(Text::InviteWithdraw) }
                </button>
            </li>
        }
    };
    html! {
        <section id="invitations" class="card" aria-labelledby="invitations-title">
            <h3 id="invitations-title">{ tr.t(Text::InvitationsTitle) }</h3>
            <ul class="session-list">{ for props.invitations.iter().map(entry) }</ul>
        </section>
    }
}

#[cfg(test)]
mod tests {
    use domain::language::Language;

    use super::*;

    #[test]
    fn whoever_is_invited_gets_the_role_that_was_chosen() {
        let values = vec![("email", "ben@example.org".to_owned()), ("role", "editor".into())];
        let asked = request(&Filled::new(values, Language::En, None));
        assert_eq!(asked, InvitationRequest { email: "ben@example.org".into(), role: ProjectRole::Editor });
    }
}
