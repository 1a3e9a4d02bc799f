//! Every interface text, in both languages: one table, in which a missing string does not compile.

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

texts! {
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
    TrustDetail: "There is no sign-in, and no other machine can reach it." / "On n’y ouvre pas de session, et aucune autre machine ne peut l’atteindre.";
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
    DeleteQuestion: "Delete “{title}”?" / "Supprimer « {title} » ?";
    DeleteDetail: "The book, its runs and its storyboard are deleted from this node. For a while the node can bring them back." / "Le livre, ses analyses et son storyboard seront supprimés de ce nœud. Pendant un temps, le nœud peut encore les rétablir.";
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
}
