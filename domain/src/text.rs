//! Every interface text, in both languages: one table, in which a missing string does not compile.

#[macro_use]
mod accounts;
#[macro_use]
mod sharing;

use crate::language::Language;

macro_rules! texts {
    ($($(#[$section:meta])* $key:ident: $en:literal / $fr:literal;)*) => {
        /// Key of an interface text.
        #[allow(missing_docs, reason = "the English text beside each key says what it is")]
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Text { $($(#[$section])* $key),* }

        impl Text {
            /// Every key, for checks that run over the whole table.
            pub const ALL: &'static [Self] = &[$(Self::$key),*];
        }

        impl Language {
            /// The interface text of `key` in this language.
            pub fn text(self, key: Text) -> &'static str {
                match (self, key) {
                    $((Self::En, Text::$key) => $en, (Self::Fr, Text::$key) => $fr,)*
                }
            }
        }
    };
}

// The rest of the table stands in a file of its own, which hands on what stands here.
account_texts! {
    // -- storyboard.html ------------------------------------------------------------------------
    StoryStoryboard: "Storyboard" / "Storyboard";
    StorySkip: "Skip to the scenes" / "Aller aux scènes";
    StoryChapters: "Chapters" / "Chapitres";
    StoryChapter: "Chapter" / "Chapitre";
    StoryScenes: "Scenes" / "Scènes";
    StoryScene: "Scene" / "Scène";
    StoryPanels: "Panels" / "Cases";
    StoryPanel: "Panel" / "Case";
    StoryNames: "Names" / "Noms";
    StoryNamesRule: "Found by a rule: words and phrases that recur with a capital letter away from the start of a sentence." / "Trouvés par une règle : mots et groupes de mots qui reviennent avec une majuscule ailleurs qu’en début de phrase.";
    StoryDialogue: "dialogue" / "dialogue";
    StorySource: "Source" / "Source";
    StoryBytes: "bytes" / "octets";
    StoryAbout: "Every word on this page but its headings is quoted from the book." / "Hormis les intitulés, chaque mot de cette page est cité du livre.";
    StoryAboutEdited: "Every word on this page but its headings and what is marked as the editor’s is quoted from the book." / "Hormis les intitulés et ce qui est indiqué comme de l’éditeur, chaque mot de cette page est cité du livre.";
    StoryEditor: "the editor’s words" / "mots de l’éditeur";
    ShotEstablishing: "establishing shot" / "plan d’ensemble";
    ShotWide: "wide shot" / "plan large";
    ShotFull: "full shot" / "plan en pied";
    ShotMedium: "medium shot" / "plan moyen";
    ShotClose: "close-up" / "gros plan";
    ShotExtremeClose: "extreme close-up" / "très gros plan";
    ShotOverShoulder: "over the shoulder" / "par-dessus l’épaule";
    ShotPointOfView: "point of view" / "vue subjective";
    ShotInsert: "insert" / "insert";

    // -- the page -------------------------------------------------------------------------------
    AppName: "Visiobook" / "Visiobook";
    LanguageChoice: "Language of the page" / "Langue de la page";
    SkipToContent: "Skip to the content" / "Aller au contenu";
    TrustLabel: "Who this node trusts" / "À qui ce nœud fait confiance";
    TrustTitle: "This node trusts whoever sits at this machine." / "Ce nœud fait confiance à toute personne devant cette machine.";
    TrustDetail: "They may do everything here. There is no sign-in, and no other machine can reach it." / "Elle peut tout y faire. On n’y ouvre pas de session, et aucune autre machine ne peut l’atteindre.";
    LostNode: "The node does not answer. Trying again; what you see may be out of date." / "Le nœud ne répond pas. Nouvel essai en cours ; ce qui s’affiche n’est peut-être plus à jour.";
    LostOffline: "You are offline. The page goes on by itself once you are back." / "Vous êtes hors ligne. La page reprendra d’elle-même à votre retour.";
    FootLine: "Every word of a storyboard is quoted from its book." / "Chaque mot d’un storyboard est cité de son livre.";
    Version: "Visiobook {version}" / "Visiobook {version}";
    Loading: "Loading…" / "Chargement…";
    TryAgain: "Try again" / "Réessayer";
    Cancel: "Cancel" / "Annuler";
    Keep: "Keep it" / "Conserver";
    Delete: "Delete" / "Supprimer";
    ErrorUnreachable: "The node does not answer. Check that Visiobook is running, then try again." / "Le nœud ne répond pas. Vérifiez que Visiobook est en marche, puis réessayez.";
    ErrorUnexpected: "The node gave an answer that this page does not know (HTTP {status}). Reload the page, then try again." / "Le nœud a donné une réponse que cette page ne connaît pas (HTTP {status}). Rechargez la page, puis réessayez.";
    ErrorUnreadable: "The node’s answer can’t be read: it may be of another version. Reload the page." / "La réponse du nœud est illisible : il est peut-être d’une autre version. Rechargez la page.";
    ErrorQuota: "There is no room for this file: books and uploads together have reached what this node allows. Erase deleted books for good, give other uploads up, or have the limit raised." / "Il n’y a pas de place pour ce fichier : livres et envois ont atteint ensemble ce que ce nœud autorise. Effacez pour de bon des livres supprimés, abandonnez d’autres envois, ou faites relever la limite.";
    ErrorUploads: "Too many uploads are open. Give some up, or wait until they expire." / "Trop d’envois sont ouverts. Abandonnez-en, ou attendez qu’ils expirent.";
    ErrorFull: "The node’s disk is full. Free some space; nothing that was kept is lost." / "Le disque du nœud est plein. Libérez de la place ; rien de ce qui a été gardé n’est perdu.";
    ErrorRunning: "A run is under way. Cancel it or wait for its end, then try again." / "Une analyse est en cours. Annulez-la ou attendez sa fin, puis réessayez.";
    ErrorUnchanged: "This is the file that the project has already. Analyse it again under “Runs” instead." / "C’est le fichier que le projet a déjà. Analysez-le plutôt de nouveau sous « Analyses ».";
    NotFoundTitle: "Nothing on this page" / "Rien à cette page";
    NotFoundDetail: "The address is wrong, or the book has been deleted." / "L’adresse est fausse, ou le livre a été supprimé.";
    BackToShelf: "Back to your books" / "Retour à vos livres";
    ShelfHeading: "From a book to its storyboard" / "D’un livre à son storyboard";
    ShelfLead: "Give Visiobook a novel or a story in English or French. It finds the scenes and the names, and lays out panels in the book’s own words, each with the place where it stands." / "Confiez à Visiobook un roman ou une nouvelle, en français ou en anglais. Il y trouve les scènes et les noms, et dispose des cases avec les mots mêmes du livre, chacune avec l’endroit d’où elle vient.";
    ShelfTitle: "Your books" / "Vos livres";
    ShelfEmpty: "No book yet. Drop one above to see its storyboard here." / "Aucun livre pour l’instant. Déposez-en un ci-dessus pour voir ici son storyboard.";
    DropHere: "Drop a book here" / "Déposez un livre ici";
    DropNow: "Let go to upload it" / "Relâchez pour l’envoyer";
    DropFormats: "EPUB, PDF, DOCX, HTML, Markdown or plain text, English or French" / "EPUB, PDF, DOCX, HTML, Markdown ou texte brut, en français ou en anglais";
    ChooseFile: "Choose a file" / "Choisir un fichier";
    UploadSent: "{sent} of {total} sent" / "{sent} envoyés sur {total}";
    UploadChecking: "Sent. The node is storing it…" / "Envoyé. Le nœud l’enregistre…";
    UploadNoFile: "That was no file. Drop an EPUB, a PDF, a DOCX or a text file." / "Ce n’était pas un fichier. Déposez un EPUB, un PDF, un DOCX ou un fichier texte.";
    UploadSeveral: "One book at a time, please." / "Un seul livre à la fois, s’il vous plaît.";
    UploadEmptyFile: "This file is empty. Choose a file with a book in it." / "Ce fichier est vide. Choisissez un fichier qui contienne un livre.";
    UploadTooLarge: "This file is larger than this node takes ({limit})." / "Ce fichier dépasse ce que ce nœud accepte ({limit}).";
    DemoBook: "Demo" / "Démo";
    FormatEpub: "EPUB" / "EPUB";
    FormatPdf: "PDF" / "PDF";
    FormatDocx: "DOCX" / "DOCX";
    FormatTxt: "Text" / "Texte";
    FormatHtml: "Web page" / "Page web";
    FormatMarkdown: "Markdown" / "Markdown";
    DeleteNamed: "Delete “{title}”" / "Supprimer « {title} »";
    DeleteDetail: "The book, its runs and its storyboard are erased from this node. This can’t be undone." / "Le livre, ses analyses et son storyboard seront effacés de ce nœud. C’est irréversible.";
    StateNoRun: "Not analysed yet" / "Pas encore analysé";
    StateReceived: "Waiting to start" / "En attente";
    StateReady: "Ready" / "Prêt";
    StateFailed: "Failed" / "Échec";
    StateCancelled: "Cancelled" / "Annulé";
    StageReading: "Reading" / "Lecture";
    StageUnderstanding: "Understanding" / "Compréhension";
    StageComposing: "Composing" / "Composition";
    ReceivedDetail: "The run begins as soon as a device is free." / "L’analyse commence dès qu’un appareil est libre.";
    ReadingDetail: "Finding chapters, sentences and passages." / "Recherche des chapitres, des phrases et des passages.";
    UnderstandingDetail: "The encoder goes through the book passage by passage." / "L’encodeur parcourt le livre passage par passage.";
    ComposingDetail: "Making scenes, summaries, names and panels." / "Création des scènes, des résumés, des noms et des cases.";
    PercentAfter: ", {n}%" / ", {n} %";
    PassagesDone: "{done} of {total} passages" / "{done} passages sur {total}";
    TokensPerSecond: "{n} tokens/s" / "{n} jetons/s";
    TimeLeft: "about {time} left" / "encore {time} environ";
    TimeLeftMoment: "a moment left" / "encore un instant";
    CancelRun: "Cancel the run" / "Annuler l’analyse";
    RunFailed: "The run failed at the stage “{stage}”." / "L’analyse a échoué à l’étape « {stage} ».";
    RunCancelled: "The run was cancelled. You can start a new one." / "L’analyse a été annulée. Vous pouvez en lancer une nouvelle.";
    StreamCut: "The live view is cut; connecting again." / "Le suivi en direct est coupé ; reconnexion en cours.";
    WarningOne: "{n} remark on the book" / "{n} remarque sur le livre";
    WarningMany: "{n} remarks on the book" / "{n} remarques sur le livre";
    AllBooks: "All books" / "Tous les livres";
    Storyboard: "Storyboard" / "Storyboard";
    Downloads: "Downloads" / "Téléchargements";
    DownloadHtml: "Storyboard as one HTML page" / "Storyboard en une page HTML";
    DownloadJson: "Storyboard as JSON" / "Storyboard en JSON";
    DownloadBook: "Book text as JSON" / "Texte du livre en JSON";
    Chapters: "Chapters" / "Chapitres";
    ChapterNumber: "Chapter {n}" / "Chapitre {n}";
    ChapterOf: "Chapter {n} of {total}" / "Chapitre {n} sur {total}";
    PreviousChapter: "Previous chapter" / "Chapitre précédent";
    NextChapter: "Next chapter" / "Chapitre suivant";
    ChapterOne: "{n} chapter" / "{n} chapitre";
    ChapterMany: "{n} chapters" / "{n} chapitres";
    SceneOne: "{n} scene" / "{n} scène";
    SceneMany: "{n} scenes" / "{n} scènes";
    PanelOne: "{n} panel" / "{n} case";
    PanelMany: "{n} panels" / "{n} cases";
    NameOne: "{n} name" / "{n} nom";
    NameMany: "{n} names" / "{n} noms";
    SceneNumber: "Scene {n}" / "Scène {n}";
    PanelNumber: "Panel {n}" / "Case {n}";
    BoundaryChapter: "opens the chapter" / "ouvre le chapitre";
    BoundaryBreak: "after a break in the text" / "après une coupure du texte";
    BoundaryCohesion: "where the talk turns" / "là où le propos change";
    Dialogue: "Dialogue" / "Dialogue";
    DurationTitle: "How long the panel stands, by reading speed" / "Durée de la case, selon la vitesse de lecture";
    Names: "Names" / "Noms";
    FindName: "Find a name" / "Chercher un nom";
    NoNames: "No name recurs in this book." / "Aucun nom ne revient dans ce livre.";
    NoSuchName: "No such name." / "Aucun nom de ce genre.";
    NamesByRule: "Names are found by a rule: words that recur with a capital away from a sentence’s start." / "Les noms sont trouvés par une règle : des mots qui reviennent avec une majuscule ailleurs qu’en début de phrase.";
    NameChosen: "{name}: {panels} in {chapters}." / "{name} : {panels} dans {chapters}.";
    ShowAll: "Show all panels" / "Afficher toutes les cases";
    NoPanelHere: "No panel of this chapter holds this name." / "Aucune case de ce chapitre ne contient ce nom.";
    MoreOne: "Show {n} more panel" / "Afficher encore {n} case";
    MoreMany: "Show more panels ({n} are left)" / "Afficher plus de cases ({n} restent)";
    KeysHint: "Keys: j and k go to the next and previous panel; so do the arrows within a panel." / "Clavier : j et k mènent à la case suivante et précédente, de même que les flèches dans une case.";
    Evidence: "Where it stands" / "Où cela se trouve";
    EvidenceChapter: "Chapter" / "Chapitre";
    EvidenceText: "In its text" / "Dans son texte";
    EvidenceSource: "In the file" / "Dans le fichier";
    ByteRange: "bytes {start}–{end}" / "octets {start}–{end}";
    UnitBytes: "{n} bytes" / "{n} octets";
    UnitKilobytes: "{n} kB" / "{n} ko";
    UnitMegabytes: "{n} MB" / "{n} Mo";
    UnitSeconds: "{n} s" / "{n} s";
    UnitWholeSeconds: "{n} s" / "{n} s";
    UnitMinutes: "{n} min" / "{n} min";
    UnitHours: "{h} h {m} min" / "{h} h {m} min";

    // -- the page: actions on projects -----------------------------------------------------------
    Undo: "Undo" / "Annuler";
    Redo: "Redo" / "Rétablir";
    Close: "Close" / "Fermer";
    Save: "Save" / "Enregistrer";
    Open: "Open" / "Ouvrir";
    ShowMore: "Show more" / "Afficher la suite";
    Search: "Search your books" / "Chercher dans vos livres";
    SearchHint: "Title, author, description…" / "Titre, auteur, description…";
    ShownLabel: "Show" / "Afficher";
    ShownActive: "On the shelf" / "Sur l’étagère";
    ShownArchived: "Put aside" / "Mis de côté";
    ShownDeleted: "Deleted" / "Supprimés";
    StateLabel: "State" / "État";
    StateAny: "Any state" / "Tous les états";
    StateWorking: "Under way" / "En cours";
    BookLanguageLabel: "Language" / "Langue";
    BookLanguageAny: "Any language" / "Toutes les langues";
    FilteredNone: "No book here is in this state and language." / "Aucun livre ici n’est dans cet état et cette langue.";
    ClearFilters: "Any state and language" / "Tous les états et toutes les langues";
    SortLabel: "Sort by" / "Trier par";
    SortNewest: "Newest first" / "Plus récents d’abord";
    SortOldest: "Oldest first" / "Plus anciens d’abord";
    SortChanged: "Last changed" / "Derniers modifiés";
    SortName: "Name, A to Z" / "Nom, de A à Z";
    SortNameDown: "Name, Z to A" / "Nom, de Z à A";
    BookOne: "{n} book" / "{n} livre";
    BookMany: "{n} books" / "{n} livres";
    FoundNone: "No book matches “{search}”. Search for another word, or look among the books put aside." / "Aucun livre ne correspond à « {search} ». Cherchez un autre mot, ou regardez parmi les livres mis de côté.";
    ClearSearch: "Clear the search" / "Effacer la recherche";
    ArchivedEmpty: "Nothing is put aside. A book that you archive leaves the shelf and waits here." / "Rien n’est mis de côté. Un livre que vous archivez quitte l’étagère et attend ici.";
    DeletedEmpty: "Nothing to restore. A deleted book waits here until it is erased for good." / "Rien à rétablir. Un livre supprimé attend ici avant d’être effacé pour de bon.";
    Archive: "Archive" / "Archiver";
    ArchiveNamed: "Archive “{title}”" / "Archiver « {title} »";
    Unarchive: "Put back" / "Remettre";
    UnarchiveNamed: "Put “{title}” back on the shelf" / "Remettre « {title} » sur l’étagère";
    Restore: "Restore" / "Rétablir";
    RestoreNamed: "Restore “{title}”" / "Rétablir « {title} »";
    Erase: "Erase" / "Effacer";
    EraseNamed: "Erase “{title}” for good" / "Effacer « {title} » pour de bon";
    ErasedAfter: "Erased for good after {date}" / "Effacé pour de bon après le {date}";
    EraseQuestion: "Erase “{title}” for good?" / "Effacer « {title} » pour de bon ?";
    DeletedToast: "“{title}” was deleted." / "« {title} » a été supprimé.";
    ErasedToast: "“{title}” was erased." / "« {title} » a été effacé.";
    RestoredToast: "“{title}” is back." / "« {title} » est de retour.";
    ArchivedToast: "“{title}” was put aside." / "« {title} » a été mis de côté.";
    UnarchivedToast: "“{title}” is back on the shelf." / "« {title} » est de retour sur l’étagère.";
    ChangedMeanwhile: "Somebody changed “{title}” meanwhile, so nothing was done. It is shown as it stands now: look, then try again." / "Quelqu’un a modifié « {title} » entre-temps ; rien n’a donc été fait. Le livre s’affiche tel qu’il est maintenant : regardez, puis réessayez.";
    ArchivedTag: "Put aside" / "Mis de côté";
    EditWords: "Name and description" / "Nom et description";
    NameLabel: "Name" / "Nom";
    NameHint: "Leave it empty for the book’s own title, “{title}”." / "Laissez vide pour le titre du livre, « {title} ».";
    DescriptionLabel: "Description" / "Description";
    DescriptionHint: "For whoever works on it; it stands in no storyboard." / "Pour qui travaille dessus ; elle ne figure dans aucun storyboard.";
    WordsConflict: "Somebody changed this meanwhile: it is called “{title}” now. Your words are still here; save again to put them in place of theirs." / "Quelqu’un a modifié cela entre-temps : le nom est maintenant « {title} ». Vos mots sont encore là ; enregistrez de nouveau pour les mettre à la place des siens.";
    WordsSaved: "Saved." / "Enregistré.";
    BookTitled: "The book’s title: {title}" / "Titre du livre : {title}";
    Sections: "Parts of this project" / "Parties de ce projet";
    SectionRuns: "Runs" / "Analyses";
    SectionFiles: "Files" / "Fichiers";
    SectionActivity: "Activity" / "Activité";
    NoStoryboard: "There is no storyboard yet. It appears here as soon as a run is ready." / "Il n’y a pas encore de storyboard. Il apparaît ici dès qu’une analyse est prête.";
    EarlierStoryboard: "This is the storyboard of the run before. The new one takes its place once it is ready." / "Voici le storyboard de l’analyse précédente. Le nouveau le remplacera dès qu’il sera prêt.";
    OldStoryboard: "This is the storyboard of the run of {date}, not the newest one." / "Voici le storyboard de l’analyse du {date}, et non le plus récent.";
    NewestStoryboard: "Go to the newest storyboard" / "Aller au storyboard le plus récent";

    // -- the page: uploads -----------------------------------------------------------------------
    UploadGoesOn: "{sent} of {total} sent, going on from where it stopped" / "{sent} envoyés sur {total}, reprise là où l’envoi s’était arrêté";
    UploadWaiting: "Interrupted at {sent} of {total}. It goes on by itself as soon as it can." / "Interrompu à {sent} sur {total}. L’envoi reprendra de lui-même dès que possible.";
    UploadPending: "“{name}” has not been sent whole: {sent} of {total} are on the node. Choose or drop the same file again, and it goes on from there." / "« {name} » n’a pas été envoyé en entier : {sent} sur {total} sont sur le nœud. Choisissez ou déposez de nouveau le même fichier, et l’envoi reprendra de là.";
    UploadPendingWhole: "“{name}” is on the node, but no book was made of it yet. Choose or drop the same file again to go on." / "« {name} » est sur le nœud, mais n’a pas encore donné de livre. Choisissez ou déposez de nouveau le même fichier pour continuer.";
    UploadGiveUp: "Give it up" / "Abandonner";
    UploadGiveUpNamed: "Give the upload of “{name}” up" / "Abandonner l’envoi de « {name} »";
    UploadElsewhere: "“{name}” is being sent. The next file can be sent once it is there." / "« {name} » est en cours d’envoi. Le fichier suivant pourra partir ensuite.";
    UploadBar: "Sending “{name}”: {percent}%" / "Envoi de « {name} » : {percent} %";
    UploadStopped: "“{name}” was not sent whole." / "« {name} » n’a pas été envoyé en entier.";
    UploadArrived: "“{name}” has arrived and is being analysed." / "« {name} » est arrivé, et son analyse a commencé.";

    // -- the page: runs --------------------------------------------------------------------------
    RunsTitle: "Runs of this book" / "Analyses de ce livre";
    RunsLead: "Each run analyses one file of the book with its settings. Results that are the same are taken over, so that repeating a run costs little." / "Chaque analyse porte sur un fichier du livre, avec ses réglages. Les résultats identiques sont repris : recommencer coûte donc peu.";
    RunsEmpty: "No run yet. Start one to get a storyboard." / "Aucune analyse pour l’instant. Lancez-en une pour obtenir un storyboard.";
    RunsFilteredNone: "No run of this book is in this state." / "Aucune analyse de ce livre n’est dans cet état.";
    RunNew: "Analyse again…" / "Analyser de nouveau…";
    RunOf: "Run of {date}" / "Analyse du {date}";
    RunNewest: "newest" / "la plus récente";
    RunTook: "took {time}" / "a duré {time}";
    RunOnFile: "file {n}" / "fichier {n}";
    RunRepeats: "repeats the run of {date}" / "reprend l’analyse du {date}";
    RunUsual: "usual settings" / "réglages habituels";
    RunFiles: "Files of this run" / "Fichiers de cette analyse";
    RunRetry: "Try again" / "Réessayer";
    RunRepeat: "Repeat with other settings…" / "Refaire avec d’autres réglages…";
    RunShow: "Show its storyboard" / "Voir son storyboard";
    RunAudit: "Check its results" / "Vérifier ses résultats";
    AuditClean: "Sound: each of {items} stands in exactly one of {segments}." / "En ordre : chacun des {items} figure dans exactement un des {segments}.";
    AuditBad: "Not sound: {missing} missing, {repeated} twice, {foreign} unknown. Analyse the book again." / "Pas en ordre : {missing} manquants, {repeated} en double, {foreign} inconnus. Analysez de nouveau le livre.";
    ItemOne: "{n} passage" / "{n} passage";
    ItemMany: "{n} passages" / "{n} passages";
    SegmentOne: "{n} segment" / "{n} segment";
    SegmentMany: "{n} segments" / "{n} segments";
    RunStarted: "A run has begun." / "Une analyse a commencé.";
    RunBusy: "A run is under way. Cancel it or wait for its end to begin another one." / "Une analyse est en cours. Annulez-la ou attendez sa fin pour en lancer une autre.";
    SettingsTitle: "Analyse again" / "Analyser de nouveau";
    SettingsLead: "Everything but the length of passages changes only what is composed, which takes seconds." / "Hormis la longueur des passages, tout ne change que la composition, qui prend quelques secondes.";
    SettingsFile: "File" / "Fichier";
    SettingsFileNewest: "{n}: {name} (newest)" / "{n} : {name} (le plus récent)";
    SettingsFileOther: "{n}: {name}" / "{n} : {name}";
    SettingsReset: "Usual settings" / "Réglages habituels";
    SettingsStart: "Start" / "Lancer";
    SettingHint: "{low} to {high}, usually {usual}" / "de {low} à {high}, d’habitude {usual}";
    SettingNumber: "{setting}: enter a whole number from {low} to {high}." / "{setting} : entrez un nombre entier de {low} à {high}.";
    SettingScene: "The longest scene must have at least twice the words of the shortest." / "La scène la plus longue doit avoir au moins deux fois les mots de la plus courte.";
    SettingPassage: "Tokens of a passage" / "Jetons par passage";
    SettingPanelWords: "Words a panel" / "Mots par case";
    SettingPanelsMax: "Panels of a scene, at most" / "Cases par scène, au plus";
    SettingSceneMin: "Words of a scene, at least" / "Mots par scène, au moins";
    SettingSceneMax: "Words of a scene, at most" / "Mots par scène, au plus";
    SettingReading: "Words read a minute" / "Mots lus par minute";
    SettingNames: "Mentions of a name, at least" / "Mentions d’un nom, au moins";

    // -- the page: files and activity ------------------------------------------------------------
    FilesTitle: "Files of this book" / "Fichiers de ce livre";
    FilesLead: "A new draft or a better scan becomes the next file, and its analysis begins at once. Earlier files stay, with their storyboards." / "Une nouvelle version ou une meilleure numérisation devient le fichier suivant, et son analyse commence aussitôt. Les fichiers précédents restent, avec leurs storyboards.";
    FileAdd: "Drop the next version of the book here" / "Déposez ici la version suivante du livre";
    FileNumber: "File {n}" / "Fichier {n}";
    FileCurrent: "current" / "actuel";
    FileAdded: "added {date}" / "ajouté le {date}";
    FileAnalyse: "Analyse this file…" / "Analyser ce fichier…";
    FileRuns: "Runs of this file: {n}" / "Analyses de ce fichier : {n}";
    ActivityTitle: "What was done" / "Ce qui a été fait";
    ActivityEmpty: "Nothing yet." / "Rien pour l’instant.";
    ActivityMore: "Show earlier activity" / "Afficher l’activité antérieure";
    ActorLocal: "You, at this machine" / "Vous, sur cette machine";
    ActorNode: "The node" / "Le nœud";
    ActCreated: "Project made of “{file}”" / "Projet créé à partir de « {file} »";
    ActNamed: "Named “{name}”" / "Nommé « {name} »";
    ActDescribed: "Description changed" / "Description modifiée";
    ActArchived: "Put aside" / "Mis de côté";
    ActUnarchived: "Put back on the shelf" / "Remis sur l’étagère";
    ActDeleted: "Deleted" / "Supprimé";
    ActRestored: "Restored" / "Rétabli";
    ActInvited: "Somebody invited ({role})" / "Quelqu’un invité ({role})";
    ActInvitationWithdrawn: "Invitation withdrawn" / "Invitation retirée";
    ActJoined: "Joined ({role})" / "A rejoint le projet ({role})";
    ActMemberChanged: "Gave a member another role ({role})" / "Rôle d’un membre changé ({role})";
    ActMemberRemoved: "Member removed" / "Membre retiré";
    ActLeft: "Left" / "A quitté le projet";
    ActShareLinkMade: "Share link made" / "Lien de partage créé";
    ActShareLinkRevoked: "Share link revoked" / "Lien de partage révoqué";
    ProjectRoleViewer: "viewer" / "lecteur";
    ProjectRoleEditor: "editor" / "éditeur";
    ProjectRoleOwner: "owner" / "propriétaire";
    AccountActInvited: "Invited {email} to a project ({role})" / "{email} invité à un projet ({role})";
    AccountActInvitationWithdrawn: "Withdrew an invitation" / "Invitation retirée";
    AccountActJoined: "Joined a project ({role})" / "Projet rejoint ({role})";
    AccountActLeft: "Left a project" / "Projet quitté";
    AccountActChangedMember: "Gave a project’s member another role ({role})" / "Rôle d’un membre d’un projet changé ({role})";
    AccountActRemovedMember: "Removed a project’s member" / "Membre d’un projet retiré";
    AccountActShareLinkMade: "Made a share link" / "Lien de partage créé";
    AccountActShareLinkRevoked: "Revoked a share link" / "Lien de partage révoqué";
    AccountActLookedAt: "Looked at another account" / "Autre compte consulté";
    AccountActSeenByAdmin: "An admin looked at this account" / "Compte consulté par un administrateur";
    AccountActBackedUp: "Made a backup" / "Sauvegarde faite";
    ActRevised: "File {n} added: “{file}”" / "Fichier {n} ajouté : « {file} »";
    ActRunStarted: "Run begun on file {n}" / "Analyse lancée sur le fichier {n}";
    ActRunRepeated: "Run begun on file {n}, repeating an earlier one" / "Analyse lancée sur le fichier {n}, en reprenant une précédente";
    ActRunCancelled: "Run cancelled" / "Analyse annulée";

    // -- the page: edits of a storyboard ---------------------------------------------------------
    EditPanel: "Edit" / "Modifier";
    EditPanelNamed: "Edit panel {n}" / "Modifier la case {n}";
    EditCaption: "Caption" / "Légende";
    EditCaptionHint: "Your words below the panel, marked as the editor’s." / "Vos mots sous la case, indiqués comme de l’éditeur.";
    EditNote: "Note" / "Note";
    EditNoteHint: "For those who work on it; readers don’t see it." / "Pour qui travaille dessus ; les lecteurs ne la voient pas.";
    EditShot: "Shot" / "Plan";
    EditShotNone: "open" / "non précisé";
    EditSeconds: "Stands for (seconds)" / "Durée (secondes)";
    EditSecondsHint: "Empty: reading speed. 0.5 to 120." / "Vide : vitesse de lecture. De 0,5 à 120.";
    EditSecondsBad: "Enter seconds from 0.5 to 120, or nothing." / "Entrez des secondes de 0,5 à 120, ou rien.";
    EditOrder: "This panel" / "Cette case";
    EditHide: "Hide from readers" / "Cacher aux lecteurs";
    EditShow: "Show to readers" / "Montrer aux lecteurs";
    EditEarlier: "Move earlier" / "Avancer";
    EditLater: "Move later" / "Reculer";
    EditMerge: "Join with the next" / "Joindre à la suivante";
    EditSplit: "Divide" / "Diviser";
    EditSplitAt: "Divide after quotation" / "Diviser après la citation";
    PanelHidden: "Hidden from readers" / "Cachée aux lecteurs";
    EditorWords: "the editor’s words" / "mots de l’éditeur";
    NoteTag: "Note" / "Note";
    DurationEdited: "How long the panel stands, as the editor set it" / "Durée de la case, fixée par l’éditeur";
    ChangeNone: "As composed" / "Tel que composé";
    ChangeVersion: "Version {n}" / "Version {n}";
    ChangeSaving: "Saving…" / "Enregistrement…";
    ChangeSaved: "Saved" / "Enregistré";
    ChangeUndone: "Taken back" / "Annulé";
    ChangeRedone: "Brought back" / "Rétabli";
    ChangeConflict: "Somebody changed the storyboard meanwhile, so your change was not made. It is shown as it stands now: look, then make it again." / "Quelqu’un a modifié le storyboard entre-temps ; votre modification n’a donc pas été faite. Il s’affiche tel qu’il est maintenant : regardez, puis recommencez.";
    ChangesTitle: "History of changes" / "Historique des modifications";
    ChangesEmpty: "Nobody has changed this storyboard yet. Choose “Edit” on a panel." / "Personne n’a encore modifié ce storyboard. Choisissez « Modifier » sur une case.";
    ChangesMore: "Show earlier changes" / "Afficher les modifications antérieures";
    PastSee: "See this version" / "Voir cette version";
    PastSeeNamed: "See the storyboard as change {n} left it" / "Voir le storyboard tel que la modification {n} l’a laissé";
    PastSeeComposed: "See it as it was composed" / "Voir le storyboard d’origine";
    PastNotice: "This is the storyboard as change {n} left it. You can look at it; changes are made to the newest version." / "Voici le storyboard tel que la modification {n} l’a laissé. Vous pouvez le consulter ; on modifie la dernière version.";
    PastNoticeComposed: "This is the storyboard as it was composed, before any change. You can look at it; changes are made to the newest version." / "Voici le storyboard d’origine, avant toute modification. Vous pouvez le consulter ; on modifie la dernière version.";
    PastBack: "Back to the newest version" / "Revenir à la dernière version";
    LogUndo: "Took a change back" / "Modification annulée";
    LogRedo: "Brought a change back" / "Modification rétablie";
    LogCaption: "Caption of {panel}: “{text}”" / "Légende de {panel} : « {text} »";
    LogNoCaption: "Caption of {panel} taken away" / "Légende de {panel} retirée";
    LogNote: "Note on {panel}: “{text}”" / "Note sur {panel} : « {text} »";
    LogNoNote: "Note on {panel} taken away" / "Note sur {panel} retirée";
    LogShot: "Shot of {panel}: {shot}" / "Plan de {panel} : {shot}";
    LogDuration: "{panel} stands for {time}" / "{panel} dure {time}";
    LogNoDuration: "{panel} stands by reading speed" / "{panel} suit la vitesse de lecture";
    LogHide: "{panel} hidden from readers" / "{panel} cachée aux lecteurs";
    LogShow: "{panel} shown to readers" / "{panel} montrée aux lecteurs";
    LogMove: "{panel} moved" / "{panel} déplacée";
    LogMerge: "{panel} joined with the next" / "{panel} jointe à la suivante";
    LogSplit: "{panel} divided" / "{panel} divisée";
    LogPanel: "panel {n}" / "case {n}";
    LogPanelGone: "a former panel" / "une ancienne case";
    KeysEdit: "With a panel in focus, e edits it and h hides or shows it. Ctrl+Z takes a change back, Ctrl+Shift+Z brings it back." / "Sur une case, e la modifie et h la cache ou la montre. Ctrl+Z annule une modification, Ctrl+Maj+Z la rétablit.";
    // -- the way in -----------------------------------------------------------------------------
    FieldEmail: "Mail address" / "Adresse électronique";
    FieldName: "Your name" / "Votre nom";
    FieldCode: "Code that the node printed when it started" / "Code que le nœud a affiché à son démarrage";
    FieldPassword: "Password" / "Mot de passe";
    FieldNewPassword: "New password" / "Nouveau mot de passe";
    ClaimTitle: "Make the first account" / "Créer le premier compte";
    ClaimLead: "It is an admin’s, and gets the projects that are here. From then on everybody signs in." / "C’est celui d’un administrateur, et il reçoit les projets qui sont ici. Ensuite, tout le monde se connecte.";
    SignInTitle: "Sign in" / "Se connecter";
    SignInLead: "Your books are here when you are." / "Vos livres vous attendent.";
    SignUpTitle: "Sign up" / "S’inscrire";
    SignUpLead: "A link to confirm your address will be mailed to you." / "Un lien pour confirmer votre adresse vous sera envoyé.";
    ConfirmTitle: "Confirm the address" / "Confirmer l’adresse";
    ConfirmLead: "With your password, so that nobody confirms what somebody else began." / "Avec votre mot de passe, pour que personne ne confirme ce qu’un autre a commencé.";
    ForgotTitle: "Set another password" / "Choisir un autre mot de passe";
    ForgotLead: "A link will be mailed to you, if an account has this address." / "Un lien vous sera envoyé, si un compte a cette adresse.";
    ResetTitle: "Set this password" / "Choisir ce mot de passe";
    ResetLead: "Everybody who is signed in to your account will be signed out." / "Toutes les sessions de votre compte seront fermées.";
    ResetDone: "Your password was changed." / "Votre mot de passe a changé.";
    SignOut: "Sign out" / "Se déconnecter";
    ErrorSignIn: "No account has this address and this password." / "Aucun compte n’a cette adresse et ce mot de passe.";
    ErrorAttempts: "Too many attempts. Wait a moment, then try again." / "Trop d’essais. Patientez un instant, puis recommencez.";
    ErrorMailedLink: "This link was used before, is too old, or a newer one was mailed." / "Ce lien a déjà servi, est trop ancien, ou un plus récent a été envoyé.";

    // -- mail -----------------------------------------------------------------------------------
    MailConfirmSubject: "Confirm your address" / "Confirmez votre adresse";
    MailConfirm: "Somebody signed up to Visiobook at {site} with this address.\n\nIf it was you, confirm it within 24 hours, with the password that you chose:\n\n{link}\n\nIf it was not, do nothing: without that, the account is worth nothing.\n" / "Quelqu’un s’est inscrit à Visiobook, sur {site}, avec cette adresse.\n\nSi c’est vous, confirmez-la dans les 24 heures, avec le mot de passe que vous avez choisi :\n\n{link}\n\nSinon, ne faites rien : sans cela, le compte ne sert à rien.\n";
    MailKnownSubject: "You have an account already" / "Vous avez déjà un compte";
    MailKnown: "Somebody signed up to Visiobook at {site} with this address, which has an account there already. Nothing was changed, and whoever it was has not been told.\n\nIf it was you, sign in. Should you have forgotten your password, set another one:\n\n{link}\n" / "Quelqu’un s’est inscrit à Visiobook, sur {site}, avec cette adresse, qui y a déjà un compte. Rien n’a changé, et cette personne n’en sait rien.\n\nSi c’est vous, connectez-vous. Si vous avez oublié votre mot de passe, choisissez-en un autre :\n\n{link}\n";
    MailResetSubject: "Set another password" / "Choisissez un autre mot de passe";
    MailReset: "Somebody asked for another password for your account of Visiobook at {site}.\n\nIf it was you, set one within an hour:\n\n{link}\n\nIf it was not, do nothing: your password stays as it is.\n" / "Quelqu’un a demandé un autre mot de passe pour votre compte de Visiobook, sur {site}.\n\nSi c’est vous, choisissez-le dans l’heure :\n\n{link}\n\nSinon, ne faites rien : votre mot de passe reste le même.\n";
    MailPasswordSubject: "Your password was changed" / "Votre mot de passe a changé";
    MailPassword: "The password of your account of Visiobook at {site} was changed, and everybody else was signed out.\n\nIf it was not you, set another one at once:\n\n{link}\n" / "Le mot de passe de votre compte de Visiobook, sur {site}, a changé, et toutes les autres sessions ont été fermées.\n\nSi ce n’est pas vous, choisissez-en un autre sans attendre :\n\n{link}\n";
    MailAddressSubject: "Confirm your new address" / "Confirmez votre nouvelle adresse";
    MailAddress: "This is to be the address of an account of Visiobook at {site}.\n\nIf it is yours, confirm it within 24 hours, with your password:\n\n{link}\n\nIf it is not, do nothing.\n" / "Cette adresse doit devenir celle d’un compte de Visiobook, sur {site}.\n\nSi ce compte est le vôtre, confirmez-la dans les 24 heures, avec votre mot de passe :\n\n{link}\n\nSinon, ne faites rien.\n";
    MailAddressAskedSubject: "Your account is to get another address" / "Votre compte va changer d’adresse";
    MailAddressAsked: "Somebody who is signed in to your account of Visiobook at {site} wants it to have another address.\n\nIf it was not you, set another password at once, which signs everybody out:\n\n{link}\n" / "Quelqu’un qui est connecté à votre compte de Visiobook, sur {site}, veut lui donner une autre adresse.\n\nSi ce n’est pas vous, choisissez sans attendre un autre mot de passe, ce qui ferme toutes les sessions :\n\n{link}\n";
    MailAddressChangedSubject: "Your account has another address" / "Votre compte a changé d’adresse";
    MailAddressChanged: "Your account of Visiobook at {site} has another address, and gets no more mail at this one.\n\nIf that is not what you wanted, speak to whoever runs {site}. A new account can be made there with this address:\n\n{link}\n" / "Votre compte de Visiobook, sur {site}, a une autre adresse et ne reçoit plus de courrier à celle-ci.\n\nSi ce n’est pas ce que vous vouliez, parlez-en aux responsables de {site}. Un nouveau compte peut y être créé avec cette adresse :\n\n{link}\n";
    MailInvitationSubject: "You are invited to a book" / "Vous êtes invité à un livre";
    MailInvitation: "Somebody shares a book with you, in Visiobook at {site}. To see it, follow this link within 7 days, signed in with the account that has this address; an account can be made there:\n\n{link}\n\nThe link works once. If you expect nothing of the kind, do nothing: without you it opens nothing.\n" / "Quelqu’un partage un livre avec vous, dans Visiobook, sur {site}. Pour le voir, suivez ce lien dans les 7 jours, en vous connectant avec le compte qui a cette adresse ; un compte peut y être créé :\n\n{link}\n\nLe lien ne sert qu’une fois. Si vous n’attendez rien de tel, ne faites rien : sans vous, il n’ouvre rien.\n";
    ActorAccount: "An account" / "Un compte";
}
