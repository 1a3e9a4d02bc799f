//! Interface texts of projects of several people.

macro_rules! sharing_texts {
    ($($before:tt)*) => {
        texts! {
            $($before)*

            // -- projects of several people, on the page
            SharingTitle: "Sharing" / "Partage";
            SharingLead: "Who has this project, who was invited, and addresses that show it to whoever has them." / "Qui a ce projet, qui y est invité, et les adresses qui le montrent à qui les a.";
            SharingLeadMember: "Who has this project. Its owners say who may." / "Qui a ce projet. Ses propriétaires disent qui peut.";
            SharingTrusted: "This node trusts whoever sits at this machine, and has no accounts to share with. Make the first one, and projects can be shared." / "Ce nœud fait confiance à qui est devant cette machine, et n’a pas de comptes avec qui partager. Créez le premier, et les projets pourront être partagés.";
            MemberOne: "{n} person has this project" / "{n} personne a ce projet";
            MemberMany: "{n} people have this project" / "{n} personnes ont ce projet";
            MemberYou: "you" / "vous";
            MemberPayer: "pays for it" / "en porte les frais";
            MemberSince: "since {time}" / "depuis le {time}";
            MemberRole: "Role" / "Rôle";
            MemberRolesTitle: "What each role may do" / "Ce que permet chaque rôle";
            MemberViewerAbout: "Sees the storyboard, the runs, the files and who did what, and changes nothing." / "Voit le storyboard, les analyses, les fichiers et qui a fait quoi, et ne change rien.";
            MemberEditorAbout: "Changes the storyboard, the project’s words and files, and begins runs. What that takes the payer pays for." / "Modifie le storyboard, les mots et les fichiers du projet, et lance des analyses. Les frais en reviennent au payeur.";
            MemberOwnerAbout: "Says who may do what, makes share links, and deletes the project." / "Dit qui peut quoi, crée des liens de partage et supprime le projet.";
            MemberLink: "Whoever has a share link" / "Qui a un lien de partage";
            MemberLinkAbout: "Sees the storyboard, the runs and the files without an account, but nobody’s name." / "Voit le storyboard, les analyses et les fichiers sans compte, mais le nom de personne.";
            MemberRemove: "Remove" / "Retirer";
            MemberRemoveNamed: "Remove {name}" / "Retirer {name}";
            MemberLeave: "Leave" / "Quitter";
            RemoveQuestion: "Remove {name} from this project?" / "Retirer {name} de ce projet ?";
            RemoveDetail: "They see nothing of it any more, at once." / "Cette personne n’en voit plus rien, aussitôt.";
            RemoveDone: "{name} was removed." / "{name} ne fait plus partie du projet.";
            LeaveQuestion: "Leave “{title}”?" / "Quitter « {title} » ?";
            LeaveDetail: "You see nothing of it any more, until an owner invites you again." / "Vous n’en voyez plus rien, jusqu’à ce qu’un propriétaire vous invite de nouveau.";
            LeaveDone: "You have left “{title}”." / "Vous avez quitté « {title} ».";
            InviteTitle: "Invite somebody" / "Inviter quelqu’un";
            InviteLead: "A link is mailed to the address. It works once, within a week, for the account that has this address." / "Un lien est envoyé à l’adresse. Il fonctionne une fois, dans la semaine, pour le compte qui a cette adresse.";
            InviteRoleHint: "What each role may do stands below." / "Ce que permet chaque rôle figure plus bas.";
            InviteDo: "Mail the invitation" / "Envoyer l’invitation";
            InviteDone: "An invitation is on its way to {email}." / "Une invitation est en route vers {email}.";
            InvitationsTitle: "Invitations that are open" / "Invitations en attente";
            InviteSent: "mailed {time}" / "envoyée le {time}";
            InviteEnds: "works until {time}" / "valable jusqu’au {time}";
            InviteAgainNamed: "Mail the invitation to {email} again" / "Renvoyer l’invitation à {email}";
            InviteWithdraw: "Withdraw" / "Annuler";
            InviteWithdrawNamed: "Withdraw the invitation to {email}" / "Annuler l’invitation à {email}";
            InviteWithdrawn: "The invitation to {email} was withdrawn." / "L’invitation à {email} est annulée.";
            LinksTitle: "Share links" / "Liens de partage";
            LinksLead: "Whoever has such an address sees the project, without an account, and changes nothing." / "Qui a une telle adresse voit le projet, sans compte, et ne change rien.";
            LinksNone: "There are no share links." / "Il n’y a pas de lien de partage.";
            LinkNew: "New share link" / "Nouveau lien de partage";
            LinkMake: "Make the link" / "Créer le lien";
            LinkName: "What it is called" / "Son nom";
            LinkNameHint: "Such as whom it is for. Who opens it is not shown this." / "Par exemple à qui il est destiné. Qui l’ouvre ne le voit pas.";
            LinkSpan: "How long it can be used" / "Sa durée";
            LinkPassword: "Password, if you wish one" / "Mot de passe, si vous en voulez un";
            LinkPasswordHint: "Tell it apart from the link. At least ten characters; leave it empty for none." / "Donnez-le séparément du lien. Au moins dix caractères ; laissez vide pour n’en mettre aucun.";
            LinkHasPassword: "with a password" / "avec mot de passe";
            LinkMade: "The share link “{name}”" / "Le lien de partage « {name} »";
            LinkMadeLead: "Send it to whoever is to see the project." / "Envoyez-le à qui doit voir le projet.";
            LinkOnce: "It is shown this once. Whoever it is passed on to sees the project too." / "Il ne s’affiche qu’une fois. Toute personne à qui il est transmis voit aussi le projet.";
            LinkUrl: "The share link" / "Le lien de partage";
            LinkRevokeQuestion: "Revoke the share link “{name}”?" / "Révoquer le lien de partage « {name} » ?";
            LinkRevokeDetail: "It shows nothing any more, at once, also to whoever has it open. That can’t be taken back." / "Il ne montre plus rien, aussitôt, même à qui l’a ouvert. C’est définitif.";
            InvitationTitle: "You are invited to a project" / "Vous êtes invité à un projet";
            InvitationLead: "It was mailed to the address of one account, which alone can accept it." / "L’invitation a été envoyée à l’adresse d’un compte, qui seul peut l’accepter.";
            InvitationSignIn: "You are invited to a project. Sign in with the account that has the address that the invitation was mailed to. If you have none yet, sign up with that address, then open the letter again." / "Vous êtes invité à un projet. Connectez-vous avec le compte dont l’adresse a reçu l’invitation. Si vous n’en avez pas, inscrivez-vous avec cette adresse, puis rouvrez la lettre.";
            InvitationAccept: "Accept" / "Accepter";
            InvitationOther: "Use another account" / "Utiliser un autre compte";
            InvitationDone: "You have joined. Your role: {role}." / "Vous faites partie du projet. Votre rôle : {role}.";
            ShareTitle: "A shared project" / "Un projet partagé";
            ShareAsks: "Whoever gave you this link has a password for it." / "La personne qui vous a donné ce lien a un mot de passe pour lui.";
            ShareMissing: "This page is reached by a share link. Open it once more: it is not kept here." / "On arrive ici par un lien de partage. Ouvrez-le de nouveau : il n’est pas gardé ici.";
            ShareVisiting: "You see this project by a share link, and can change nothing." / "Vous voyez ce projet par un lien de partage, et ne pouvez rien y changer.";
            ShownShared: "Shared with me" / "Partagés avec moi";
            SharedEmpty: "Nobody has shared a project with you." / "Personne n’a partagé de projet avec vous.";
            ErrorInvitationForAnother: "This invitation was mailed to another address than that of this account. Use the account that has it." / "Cette invitation a été envoyée à une autre adresse que celle de ce compte. Utilisez le compte qui l’a.";
            ErrorInvitationGone: "This invitation is not there any more: it was accepted, withdrawn, or is too old." / "Cette invitation n’existe plus : elle a été acceptée, annulée, ou est trop ancienne.";
            ErrorTooManyMembers: "The project has as many members as it can have. Remove one first." / "Le projet a autant de membres que possible. Retirez-en un d’abord.";
            ErrorTooManyInvitations: "As many invitations are open as can be. Withdraw one first." / "Il y a autant d’invitations en attente que possible. Annulez-en une d’abord.";
            ErrorTooManyLinks: "The project has as many share links as it can have. Revoke one first." / "Le projet a autant de liens de partage que possible. Révoquez-en un d’abord.";
            ErrorTooManyShared: "As many projects are shared with this account as can be. Leave one first." / "Autant de projets que possible sont partagés avec ce compte. Quittez-en un d’abord.";
            ErrorPayerStays: "Whoever pays for a project stays its owner." / "Qui porte les frais d’un projet en reste propriétaire.";
            ErrorShareOver: "This link shows nothing any more: its time is over, or it was revoked. Ask whoever gave it to you for another." / "Ce lien ne montre plus rien : il est échu ou révoqué. Demandez-en un autre à qui vous l’a donné.";
            ErrorSharePassword: "This is not the link’s password." / "Ce n’est pas le mot de passe du lien.";
            ActorSomebody: "Somebody" / "Quelqu’un";
        }
    };
}
