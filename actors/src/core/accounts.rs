//! What is asked of accounts.

use cluster::body::accounts::{AccountEventsReply, AccountReply, AuthenticatedReply, SessionsReply};
use cluster::body::credentials::{AccountsReply, KeysReply, RecoveryCodesReply, SecondFactorReply};
use cluster::body::exports::ExportReply;
use cluster::body::identities::IdentitiesReply;
use cluster::body::leaving::{AuditLogReply, LeavingReply};
use cluster::body::{Done, Fault};
use cluster::message::Message;

use super::Shared;
use crate::accounts::token::TokenKind;
use crate::accounts::{
    audit, avatar, credentials, exports, flows, identities, joining, keys, leaving, second, sessions, views,
};

impl Shared {
    pub(super) async fn answer_accounts(&self, message: Message) -> Result<Message, Fault> {
        let context = &self.context;
        Ok(match message {
            Message::Authenticate(ask) => {
                let principal = match ask.token.0.starts_with(TokenKind::Key.prefix()) {
                    true => keys::authenticate(context, &ask.token).await?,
                    false => sessions::authenticate(context, &ask.token).await?,
                };
                AuthenticatedReply { principal }.into()
            }
            Message::SignUpAccount(ask) => joining::sign_up(context, &ask).await.map(|()| Done {})?.into(),
            Message::ClaimNode(ask) => joining::claim(context, &ask).await?.into(),
            Message::BeginSession(ask) => sessions::begin(context, &ask).await?.into(),
            Message::EndSessions(ask) => {
                sessions::end(context, &ask.principal, &ask.visitor, ask.which).await.map(|()| Done {})?.into()
            }
            Message::ListSessions(ask) => {
                SessionsReply { sessions: sessions::list(context, &ask.principal).await? }.into()
            }
            Message::FollowLink(ask) => joining::follow_link(context, &ask).await?.into(),
            Message::ConfirmAgain(ask) => joining::confirm_again(context, &ask).await.map(|()| Done {})?.into(),
            Message::AskReset(ask) => credentials::ask_reset(context, &ask).await.map(|()| Done {})?.into(),
            Message::ResetPassword(ask) => credentials::reset(context, &ask).await.map(|()| Done {})?.into(),
            Message::ChangePassword(ask) => credentials::change_password(context, &ask).await?.into(),
            Message::SayPassword(ask) => sessions::say_password(context, &ask).await.map(|()| Done {})?.into(),
            Message::ReadAccount(ask) => AccountReply { account: views::own(context, &ask.principal).await? }.into(),
            Message::PatchAccount(ask) => AccountReply { account: views::patch(context, &ask).await? }.into(),
            Message::AskAddress(ask) => credentials::ask_address(context, &ask).await.map(|()| Done {})?.into(),
            Message::ListAccountEvents(ask) => AccountEventsReply { page: views::events(context, &ask).await? }.into(),
            Message::FindAccount(ask) => AccountReply { account: views::by_address(context, &ask).await? }.into(),
            Message::BeginFlow(ask) => flows::begin(context, &ask).await?.into(),
            Message::EndFlow(ask) => flows::end(context, &ask).await?.into(),
            Message::ListIdentities(ask) => IdentitiesReply { list: identities::list(context, &ask).await? }.into(),
            Message::UnlinkIdentity(ask) => identities::unlink(context, &ask).await.map(|()| Done {})?.into(),
            Message::LeaveAccount(ask) => LeavingReply { erase_at_ms: leaving::leave(context, &ask).await? }.into(),
            Message::ListAudit(ask) => AuditLogReply { page: audit::page(context, &ask).await? }.into(),
            Message::BeginExport(ask) => ExportReply { export: exports::begin(context, &ask).await? }.into(),
            Message::GetExport(ask) => ExportReply { export: exports::get(context, &ask).await? }.into(),
            Message::SignExport(ask) => exports::sign(context, &ask).await?.into(),
            Message::PutAvatar(ask) => avatar::put(context, &ask).await.map(|()| Done {})?.into(),
            Message::GetAvatar(ask) => avatar::get(context, &ask).await?.into(),
            Message::RemoveAvatar(ask) => avatar::remove(context, &ask).await.map(|()| Done {})?.into(),
            Message::ChangeRole(ask) => AccountReply { account: views::change_role(context, &ask).await? }.into(),
            other => return self.answer_credentials(other).await,
        })
    }

    async fn answer_credentials(&self, message: Message) -> Result<Message, Fault> {
        let context = &self.context;
        Ok(match message {
            Message::MakeKey(ask) => keys::make(context, &ask).await?.into(),
            Message::ListKeys(ask) => KeysReply { keys: keys::list(context, &ask.principal).await? }.into(),
            Message::RevokeKey(ask) => keys::revoke(context, &ask).await.map(|()| Done {})?.into(),
            Message::ListAccounts(ask) => AccountsReply { page: views::all(context, &ask).await? }.into(),
            Message::ReadSecondFactor(ask) => {
                SecondFactorReply { second_factor: second::stands(context, &ask.principal).await? }.into()
            }
            Message::BeginSecondFactor(ask) => second::begin(context, &ask).await?.into(),
            Message::ConfirmSecondFactor(ask) => {
                RecoveryCodesReply { codes: second::confirm(context, &ask).await? }.into()
            }
            Message::RemoveSecondFactor(ask) => second::remove(context, &ask).await.map(|()| Done {})?.into(),
            Message::RenewRecoveryCodes(ask) => {
                RecoveryCodesReply { codes: second::renew(context, &ask).await? }.into()
            }
            other => return self.answer_sharing(other).await,
        })
    }
}
