//! What is asked of who has a project.

use cluster::body::sharing::JoinedReply;
use cluster::body::{Done, Fault};
use cluster::message::Message;

use super::Shared;
use crate::accounts::sharing::{self, index, invitations, links, members};
use crate::uploads;

impl Shared {
    pub(super) async fn answer_sharing(&self, message: Message) -> Result<Message, Fault> {
        let context = &self.context;
        Ok(match message {
            Message::ListMembers(ask) => members::list(context, &ask).await?.into(),
            Message::ChangeMember(ask) => members::change_role(context, &ask).await.map(|()| Done {})?.into(),
            Message::RemoveMember(ask) => members::remove(context, &ask).await.map(|()| Done {})?.into(),
            Message::InviteMember(ask) => invitations::invite(context, &ask).await?.into(),
            Message::WithdrawInvitation(ask) => invitations::withdraw(context, &ask).await.map(|()| Done {})?.into(),
            Message::AcceptInvitation(ask) => JoinedReply { joined: invitations::accept(context, &ask).await? }.into(),
            Message::MakeShareLink(ask) => links::make(context, &ask).await?.into(),
            Message::RevokeShareLink(ask) => links::revoke(context, &ask).await.map(|()| Done {})?.into(),
            Message::OpenShareLink(ask) => links::open(context, &ask).await?.into(),
            Message::QueryShared(ask) => index::page(context, &ask).await?.into(),
            Message::NoteBackup(ask) => sharing::note_backup(context, &ask).await.map(|()| Done {})?.into(),
            other => return uploads::answer(context, other).await,
        })
    }
}
