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
    StoryChapters: "Chapters" / "Chapitres";

    // -- the page -------------------------------------------------------------------------------
    AppName: "Visiobook" / "Visiobook";
}
