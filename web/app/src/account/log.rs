//! What was done with an account, newest first.

use domain::account::{AccountAct, AccountEvent};
use domain::id::AccountId;
use domain::text::Text;
use yew::platform::spawn_local;
use yew::prelude::*;

use super::page::role_text;
use crate::api::{self, ApiError};
use crate::connection::use_connection;
use crate::i18n::{Tr, use_tr};

/// What is known of the log.
#[derive(Clone, Default, PartialEq)]
struct Feed {
    events: Vec<AccountEvent>,
    next: Option<u64>,
    is_here: bool,
    error: Option<ApiError>,
}

#[derive(PartialEq, Properties)]
pub struct Props {
    /// Of another account, which an admin may see; of one's own where none is named.
    #[prop_or_default]
    pub of: Option<AccountId>,
}

#[component]
pub fn AccountLog(props: &Props) -> Html {
    let of = props.of;
    let (tr, connection) = (use_tr(), use_connection());
    let feed = use_state_eq(Feed::default);
    let ask = {
        let (feed, connection) = (feed.clone(), connection.clone());
        Callback::from(move |before: Option<u64>| {
            let (feed, connection) = (feed.clone(), connection.clone());
            spawn_local(async move {
                let page = match of {
                    Some(of) => api::activity_of(of, before).await,
                    None => api::account_activity(before).await,
                };
                match page {
                    Ok(page) => {
                        let known = before.map(|_| feed.events.clone()).unwrap_or_default();
                        let events = known.into_iter().chain(page.events).collect();
                        feed.set(Feed { events, next: page.next, is_here: true, error: None });
                    }
                    Err(error) => {
                        // What an admin may not see asks nobody anew who they are.
                        if of.is_none() || error.is_unsigned() {
                            connection.heed(&error);
                        }
                        feed.set(Feed { error: Some(error), ..(*feed).clone() });
                    }
                }
            });
        })
    };
    use_effect_with(connection.epoch, {
        let ask = ask.clone();
        move |_| ask.emit(None)
    });
    let entry = |event: &AccountEvent| {
        let from = tr.fill(Text::SessionFrom, &[("address", &event.address)]);
        let from = if event.address.is_empty() { String::new() } else { format!(" · {from}") };
        html! {
            <li key={event.seq} class={is_alarming(&event.what).then_some("feed-bad")}>
                <p>{ act_text(tr, &event.what) }</p>
                <p class="meta">{ tr.moment(event.at_ms) }{ from }</p>
            </li>
        }
    };
    let next = feed.next;
    html! {
        <section id="account-log">
            if of.is_none() { <p class="lead-small">{ tr.t(Text::AccountActivityLead) }</p> }
            if let Some(error) = &feed.error {
                <p class="notice notice-bad" role="alert">{ error.message(tr) }</p>
            }
            if !feed.is_here {
                <p class="quiet" role="status">{ tr.t(Text::Loading) }</p>
            }
            <ol class="feed">{ for feed.events.iter().map(entry) }</ol>
            if next.is_some() {
                <button type="button" id="more-log" class="button more" onclick={ask.reform(move |_: MouseEvent| next)}>
                    { tr.t(Text::ActivityMore) }
                </button>
            }
        </section>
    }
}

/// It may have been somebody else.
fn is_alarming(act: &AccountAct) -> bool {
    matches!(act, AccountAct::SignInRefused | AccountAct::CodeRefused)
}

/// What was done, in a line.
fn act_text(tr: Tr, act: &AccountAct) -> String {
    match act {
        AccountAct::RecoveryCodeTaken { left } => tr.fill(act_key(act), &[("left", &left.to_string())]),
        AccountAct::AddressAsked { email } => tr.fill(act_key(act), &[("email", email)]),
        AccountAct::AddressChanged { before, email } => tr.fill(act_key(act), &[("before", before), ("email", email)]),
        AccountAct::RoleChanged { role, .. } | AccountAct::ChangedRole { role, .. } => {
            tr.fill(act_key(act), &[("role", role_text(tr, *role))])
        }
        AccountAct::Invited { email, role, .. } => {
            tr.fill(act_key(act), &[("email", email), ("role", tr.project_role(*role))])
        }
        AccountAct::Joined { role, .. } | AccountAct::ChangedMember { role, .. } => {
            tr.fill(act_key(act), &[("role", tr.project_role(*role))])
        }
        AccountAct::SignedUpAs { issuer }
        | AccountAct::IdentityLinked { issuer }
        | AccountAct::IdentityUnlinked { issuer } => tr.fill(act_key(act), &[("issuer", issuer)]),
        _ => tr.t(act_key(act)).to_owned(),
    }
}

/// The words for it.
fn act_key(act: &AccountAct) -> Text {
    match act {
        AccountAct::Claimed => Text::AccountActClaimed,
        AccountAct::SignedUp => Text::AccountActSignedUp,
        AccountAct::Confirmed => Text::AccountActConfirmed,
        AccountAct::SignedIn { .. } => Text::AccountActSignedIn,
        AccountAct::SignInRefused => Text::AccountActRefused,
        AccountAct::SaidAgain { .. } => Text::AccountActAgain,
        AccountAct::SessionEnded { .. } => Text::AccountActSessionEnded,
        AccountAct::SessionsEnded => Text::AccountActSessionsEnded,
        AccountAct::ResetAsked => Text::AccountActResetAsked,
        AccountAct::PasswordReset => Text::AccountActReset,
        AccountAct::PasswordChanged => Text::AccountActPassword,
        AccountAct::AddressAsked { .. } => Text::AccountActAddressAsked,
        AccountAct::AddressChanged { .. } => Text::AccountActAddress,
        AccountAct::Changed => Text::AccountActChanged,
        AccountAct::ConfirmAsked => Text::AccountActConfirmAsked,
        AccountAct::RoleChanged { .. } => Text::AccountActRole,
        AccountAct::ChangedRole { .. } => Text::AccountActGaveRole,
        AccountAct::KeyMade { .. } => Text::AccountActKeyMade,
        AccountAct::KeyRevoked { .. } => Text::AccountActKeyRevoked,
        AccountAct::SecondFactorBegun => Text::AccountActFactorBegun,
        AccountAct::SecondFactorOn => Text::AccountActFactorOn,
        AccountAct::SecondFactorOff => Text::AccountActFactorOff,
        AccountAct::CodeRefused => Text::AccountActCodeRefused,
        AccountAct::CodeTaken => Text::AccountActCodeTaken,
        AccountAct::RecoveryCodeTaken { .. } => Text::AccountActRecoveryTaken,
        AccountAct::RecoveryCodesRenewed => Text::AccountActRecoveryRenewed,
        AccountAct::Invited { .. } => Text::AccountActInvited,
        AccountAct::InvitationWithdrawn { .. } => Text::AccountActInvitationWithdrawn,
        AccountAct::Joined { .. } => Text::AccountActJoined,
        AccountAct::Left { .. } => Text::AccountActLeft,
        AccountAct::ChangedMember { .. } => Text::AccountActChangedMember,
        AccountAct::RemovedMember { .. } => Text::AccountActRemovedMember,
        AccountAct::ShareLinkMade { .. } => Text::AccountActShareLinkMade,
        AccountAct::ShareLinkRevoked { .. } => Text::AccountActShareLinkRevoked,
        AccountAct::LookedAt { .. } => Text::AccountActLookedAt,
        AccountAct::SeenByAdmin { .. } => Text::AccountActSeenByAdmin,
        AccountAct::BackedUp => Text::AccountActBackedUp,
        AccountAct::SignedUpAs { .. } => Text::AccountActSignedUpAs,
        AccountAct::IdentityLinked { .. } => Text::AccountActLinked,
        AccountAct::IdentityUnlinked { .. } => Text::AccountActUnlinked,
        AccountAct::DeletionAsked { .. } => Text::AccountActDeletion,
        AccountAct::ExportAsked => Text::AccountActExportAsked,
        AccountAct::ExportReady => Text::AccountActExportReady,
    }
}

#[cfg(test)]
mod tests {
    use domain::account::SystemRole;
    use domain::id::AccountId;
    use domain::language::Language;

    use super::*;

    #[test]
    fn what_was_done_names_what_it_was_done_to() {
        let en = Tr(Language::En);
        let moved = AccountAct::AddressChanged { before: "a@b.org".into(), email: "c@d.org".into() };
        assert_eq!(act_text(en, &moved), "Address changed from a@b.org to c@d.org");
        let raised = AccountAct::RoleChanged { role: SystemRole::Operator, by: AccountId(1) };
        assert_eq!(act_text(en, &raised), "Role since: Operator");
        assert!(is_alarming(&AccountAct::SignInRefused) && !is_alarming(&moved));
    }
}
