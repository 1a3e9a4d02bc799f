//! Every interface text, in both languages: one table, in which a missing string does not compile.

use crate::language::Language;

macro_rules! texts {
    ($($(#[$section:meta])* $key:ident: $en:literal / $fr:literal;)*) => {
        /// Key of an interface text.
        #[allow(missing_docs, reason = "the English text beside each key says what it is")]
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Text { $($(#[$section])* $key),* }

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

    // -- the page -------------------------------------------------------------------------------
    AppName: "Visiobook" / "Visiobook";
}
