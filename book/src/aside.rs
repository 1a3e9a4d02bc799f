//! What is left out of the story, by rule. A rule's name is what [`domain::book::SetAside::reason`] says.
//!
//! A preface, a foreword or an introduction is kept: it is the author's prose.

/// `epub:type` (and DPUB-ARIA role) words, and the rule that each stands for.
const TYPES: &[(&str, &str)] = &[
    ("cover", "cover"),
    ("titlepage", "title-page"),
    ("halftitlepage", "half-title"),
    ("halftitle", "half-title"),
    ("imprint", "imprint"),
    ("imprimatur", "imprint"),
    ("colophon", "colophon"),
    ("copyright-page", "copyright"),
    ("toc", "table-of-contents"),
    ("landmarks", "table-of-contents"),
    ("page-list", "table-of-contents"),
    ("loi", "list-of-illustrations"),
    ("lot", "list-of-illustrations"),
    ("endnotes", "notes"),
    ("footnotes", "notes"),
    ("rearnotes", "notes"),
    ("dedication", "dedication"),
    ("acknowledgments", "acknowledgments"),
    ("bibliography", "bibliography"),
    ("index", "index"),
    ("glossary", "glossary"),
    ("dramatis-personae", "dramatis-personae"),
    ("errata", "errata"),
    ("other-credits", "credits"),
    ("contributors", "credits"),
    ("seriespage", "advertisement"),
];

/// Titles and file names that say the same, lower case.
const TITLES: &[(&str, &str)] = &[
    ("cover", "cover"),
    ("couverture", "cover"),
    ("titlepage", "title-page"),
    ("title-page", "title-page"),
    ("title page", "title-page"),
    ("page de titre", "title-page"),
    ("halftitle", "half-title"),
    ("halftitlepage", "half-title"),
    ("half-title", "half-title"),
    ("half title", "half-title"),
    ("faux-titre", "half-title"),
    ("imprint", "imprint"),
    ("colophon", "colophon"),
    ("achevé d’imprimer", "colophon"),
    ("achevé d'imprimer", "colophon"),
    ("uncopyright", "copyright"),
    ("copyright", "copyright"),
    ("copyright page", "copyright"),
    ("mentions légales", "copyright"),
    ("licence", "licence"),
    ("license", "licence"),
    ("toc", "table-of-contents"),
    ("nav", "table-of-contents"),
    ("contents", "table-of-contents"),
    ("table of contents", "table-of-contents"),
    ("table des matières", "table-of-contents"),
    ("table", "table-of-contents"),
    ("sommaire", "table-of-contents"),
    ("loi", "list-of-illustrations"),
    ("illustrations", "list-of-illustrations"),
    ("list of illustrations", "list-of-illustrations"),
    ("table des illustrations", "list-of-illustrations"),
    ("endnotes", "notes"),
    ("footnotes", "notes"),
    ("notes", "notes"),
    ("notes de bas de page", "notes"),
    ("dedication", "dedication"),
    ("dédicace", "dedication"),
    ("acknowledgments", "acknowledgments"),
    ("acknowledgements", "acknowledgments"),
    ("remerciements", "acknowledgments"),
    ("bibliography", "bibliography"),
    ("bibliographie", "bibliography"),
    ("index", "index"),
    ("glossary", "glossary"),
    ("glossaire", "glossary"),
    ("dramatis personae", "dramatis-personae"),
    ("dramatis-personae", "dramatis-personae"),
    ("errata", "errata"),
    ("about the author", "advertisement"),
    ("à propos de l’auteur", "advertisement"),
    ("à propos de l'auteur", "advertisement"),
    ("also by the author", "advertisement"),
    ("du même auteur", "advertisement"),
    ("by the same author", "advertisement"),
    ("catalogue", "advertisement"),
    ("à propos de cette édition électronique", "imprint"),
    ("à propos de cette édition", "imprint"),
    ("about this edition", "imprint"),
    ("about this ebook", "imprint"),
    ("full project gutenberg license", "licence"),
    ("the full project gutenberg license", "licence"),
    ("table des chapitres", "table-of-contents"),
    ("liste des illustrations", "list-of-illustrations"),
    ("crédits", "credits"),
    ("credits", "credits"),
    ("page de copyright", "copyright"),
    ("notes de fin", "notes"),
    ("note", "notes"),
    ("transcriber’s note", "transcriber-note"),
    ("transcriber's note", "transcriber-note"),
    ("transcriber’s notes", "transcriber-note"),
    ("transcriber's notes", "transcriber-note"),
    ("note du transcripteur", "transcriber-note"),
    ("note sur la transcription", "transcriber-note"),
];

/// The rule for an `epub:type` or `role` attribute, a space-separated list with or without prefixes.
pub(crate) fn by_type(types: &str) -> Option<&'static str> {
    types.split_whitespace().find_map(|word| {
        let word = word.rsplit(':').next().unwrap_or(word);
        let word = word.strip_prefix("doc-").unwrap_or(word);
        TYPES.iter().find(|(name, _)| *name == word).map(|&(_, rule)| rule)
    })
}

/// The rule for a heading, or for a file's name without its ending. The whole of it must match.
pub(crate) fn by_title(title: &str) -> Option<&'static str> {
    let title = title.trim().trim_matches(['.', ':', '*', '[', ']', ' ']).to_lowercase();
    TITLES.iter().find(|(name, _)| *name == title).map(|&(_, rule)| rule)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_read_types_and_titles() {
        assert_eq!(by_type("frontmatter z3998:dramatis-personae"), Some("dramatis-personae"));
        assert_eq!(by_type("doc-endnotes"), Some("notes"));
        assert_eq!(by_type("preface"), None);
        assert_eq!(by_title("Table des matières."), Some("table-of-contents"));
        assert_eq!(by_title("Notes from underground"), None);
        assert_eq!(by_title("Preface"), None);
    }
}
