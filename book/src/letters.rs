//! Letters within the story, where no element, class or style says that they are: told by how they open and close.
//!
//! An address (`My dear Anna,`) and, some paragraphs on, a farewell (`Yours ever,`) or a signature make a letter of
//! all between them, with a dateline above and a postscript below. Under the heading of a letter (`Letter IV`,
//! `Lettre première`) all of the chapter is one. An address alone is none: people call out to one another.

use std::collections::HashSet;

use domain::book::ParagraphKind;

use crate::headings;
use crate::piece::{Para, Piece};

/// A letter is no longer, paragraphs.
const LETTER_PARAGRAPHS: usize = 60;
/// An address, a dateline, a farewell and a signature are no longer, characters.
const ADDRESS_CHARS: usize = 70;
const ADDRESS_WORDS: usize = 9;
const DATELINE_CHARS: usize = 90;
const FAREWELL_CHARS: usize = 140;
const SIGNATURE_CHARS: usize = 40;
const SIGNATURE_WORDS: usize = 6;

/// Marks the letters of every piece.
pub(crate) fn mark(pieces: &mut [Piece]) {
    for piece in pieces.iter_mut().filter(|piece| piece.aside.is_none()) {
        if piece.own_title().is_some_and(|title| is_letter_title(&title)) {
            piece.paragraphs.iter_mut().for_each(make);
        } else {
            mark_within(piece);
        }
    }
}

fn make(para: &mut Para) {
    if para.kind == ParagraphKind::Prose {
        para.kind = ParagraphKind::Letter;
    }
}

/// `Letter IV`, `Lettre première`, `LETTER THE LAST`.
fn is_letter_title(title: &str) -> bool {
    let first = title.split_whitespace().next().unwrap_or_default().to_lowercase();
    matches!(first.as_str(), "letter" | "lettre")
        && headings::heading_line(title.split(": ").next().unwrap_or(title)).is_some()
}

fn mark_within(piece: &mut Piece) {
    let mut words = None;
    let mut at = 0;
    while at < piece.paragraphs.len() {
        let Some(run_in) = address(&piece.paragraphs[at]) else {
            at += 1;
            continue;
        };
        let Some(end) = end(&piece.paragraphs, at, run_in, &mut words) else {
            at += 1;
            continue;
        };
        let start = at - usize::from(at > 0 && is_dateline(&piece.paragraphs[at - 1]));
        for para in &mut piece.paragraphs[start..end] {
            // Its head and its foot are set as lines of verse are.
            let short = para.text.text().chars().count() <= FAREWELL_CHARS;
            if para.kind == ParagraphKind::Verse && short && (is_dateline(para) || is_farewell(para)) {
                para.kind = ParagraphKind::Prose;
            }
            make(para);
        }
        at = end;
    }
}

/// One past the last paragraph of the letter whose address stands at `start`; nothing if it never closes.
fn end(paragraphs: &[Para], start: usize, run_in: bool, words: &mut Option<HashSet<String>>) -> Option<usize> {
    let reach = paragraphs.len().min(start + LETTER_PARAGRAPHS);
    // What the letter says stands behind its address, or in the same paragraph.
    let body = if run_in { start } else { start + 1 };
    for at in start + 1..reach {
        let para = &paragraphs[at];
        if para.kind == ParagraphKind::Heading || address(para) == Some(false) {
            return None;
        }
        if is_farewell(para) || at > body && is_signature(para, paragraphs, words) {
            let mut end = at + 1;
            while end < reach && (is_signature(&paragraphs[end], paragraphs, words) || is_postscript(&paragraphs[end]))
            {
                end += 1;
            }
            return Some(end);
        }
    }
    None
}

/// The words of a paragraph, without the mark that each of a quoted letter opens with; nothing of one that is told
/// otherwise.
fn words(para: &Para) -> Option<&str> {
    let plain = matches!(para.kind, ParagraphKind::Prose | ParagraphKind::Verse | ParagraphKind::Epigraph);
    let text = para.text.text();
    let inner = text.trim_start_matches(['“', '"', '‘', '«', '\'', ' ', '_']).trim_end_matches('_');
    plain.then_some(inner)
}

/// The same, of a paragraph of at most so many characters.
fn short(para: &Para, chars: usize) -> Option<&str> {
    words(para).filter(|text| text.len() <= chars * 4 && text.chars().count() <= chars)
}

/// How those who write letters address others, lower case.
const ADDRESSES: &[&str] = &[
    "my dear",
    "my dearest",
    "my own",
    "my beloved",
    "my lord",
    "dear",
    "dearest",
    "sir",
    "madam",
    "gentlemen",
    "honoured",
    "honored",
    "beloved",
    "monsieur",
    "madame",
    "mademoiselle",
    "messieurs",
    "cher",
    "chère",
    "chers",
    "chères",
    "mon cher",
    "ma chère",
    "mes chers",
    "mes chères",
    "mon ami",
    "mon bon",
    "ma bonne",
    "mon amie",
    "ma mie",
    "mon bien-aimé",
    "ma bien-aimée",
    "très cher",
    "très chère",
    "mon père",
    "ma mère",
    "mon enfant",
];

/// Whether a paragraph is the address of a letter; `true` if the letter goes on in it, behind a dash.
fn address(para: &Para) -> Option<bool> {
    let text = words(para)?;
    let head = &text[..text.floor_char_boundary(ADDRESS_CHARS)];
    // `DEAR SIR,--The oars are found.`
    let run_in = [",—", ",--", ".—", ".--", ", —"].iter().filter_map(|mark| Some((head.find(mark)?, mark.len()))).min();
    let (line, goes_on) = match run_in {
        Some((at, len)) if at + len < text.len() => (&text[..at + 1], true),
        _ => (short(para, ADDRESS_CHARS)?, false),
    };
    let lower = line.to_lowercase();
    let named = ADDRESSES.iter().any(|address| {
        lower.strip_prefix(address).is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '-'))
    });
    // Speech is closed by a mark; `Dear old Tom, he thought.` ends as what is told does.
    let ends = goes_on || line.ends_with([',', ':', '—', '-']);
    let plain = !line.contains(['!', '?', ';', '”', '»', '"']) && !stops_within(line);
    let brief = line.matches(',').count() <= 2 && line.split_whitespace().count() <= ADDRESS_WORDS;
    (named && ends && plain && brief).then_some(goes_on)
}

/// A sentence ends within the line; `Dear Mr. Bell,` has none.
fn stops_within(line: &str) -> bool {
    line.match_indices(". ").any(|(at, _)| {
        let word = line[..at].rsplit(' ').next().unwrap_or_default();
        word.chars().count() > 4
    })
}

/// Words of a farewell, lower case.
const FAREWELLS: &[&str] = &[
    "yours ",
    "yours,",
    "yours.",
    "your affectionate",
    "your loving",
    "your obedient",
    "your most",
    "your faithful",
    "your friend",
    "your sincere",
    "your devoted",
    "your humble",
    "obedient servant",
    "humble servant",
    "sincerely",
    "faithfully",
    "affectionately",
    "respectfully",
    "farewell",
    "votre dévoué",
    "votre dévouée",
    "votre ami",
    "votre amie",
    "votre serviteur",
    "votre servante",
    "votre très",
    "votre affectionné",
    "bien à vous",
    "tout à vous",
    "à vous",
    "adieu",
    "agréez",
    "veuillez agréer",
    "recevez",
    "je vous embrasse",
    "je t’embrasse",
    "je t'embrasse",
    "votre respectueux",
    "ton ami",
    "ton amie",
    "ton fils",
    "ta fille",
    "ton frère",
    "ta sœur",
    "your son",
    "your daughter",
    "your sister",
    "your brother",
    "your mother",
    "your father",
    "your wife",
    "your husband",
    "with love",
    "ever thine",
];

/// `I remain, dear Madam, your most obedient servant,`
fn is_farewell(para: &Para) -> bool {
    let Some(text) = short(para, FAREWELL_CHARS) else { return false };
    let lower = text.to_lowercase();
    let said = FAREWELLS.iter().any(|words| {
        lower.starts_with(words) || words.len() > 8 && lower.contains(words) || lower.contains(&format!(", {words}"))
    });
    let exclaimed = text.contains(['!', '?', '”', '»']);
    said && !exclaimed
}

/// `Anna.`, `JANE ASH`, `M. Oak`, `Your loving Tom`: a name in a line of its own. A single word that the text has in
/// lower case too, `Silence.`, is none.
fn is_signature(para: &Para, paragraphs: &[Para], known: &mut Option<HashSet<String>>) -> bool {
    let Some(text) = short(para, SIGNATURE_CHARS) else { return false };
    let name = text.trim_end_matches(['.', '”', '"', '»', '’', ' ']);
    let list: Vec<&str> = name.split_whitespace().collect();
    let particle = |word: &str| matches!(word, "de" | "du" | "la" | "le" | "von" | "van" | "des" | "and" | "et" | "&");
    let named = |word: &&str| word.starts_with(char::is_uppercase) || particle(word) || word.starts_with("d’");
    if list.is_empty()
        || list.len() > SIGNATURE_WORDS
        || !list.iter().all(named)
        || name.contains(|c: char| !c.is_alphanumeric() && !matches!(c, '.' | ',' | ' ' | '-' | '\'' | '’' | '&'))
    {
        return false;
    }
    let [word] = list.as_slice() else { return true };
    let known = known.get_or_insert_with(|| {
        let text = paragraphs.iter().flat_map(|para| para.text.text().split(|c: char| !c.is_alphanumeric()));
        text.filter(|word| word.starts_with(char::is_lowercase)).map(str::to_owned).collect()
    });
    !known.contains(&word.to_lowercase())
}

/// `P.S. Burn this.`
fn is_postscript(para: &Para) -> bool {
    words(para).is_some_and(|text| {
        let head: String = text.chars().take(14).filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase();
        ["ps", "postscript", "nb", "postscriptum"].iter().any(|start| head.starts_with(start))
            && text.starts_with(['P', 'N'])
            && (head.len() > 8 && head.starts_with("postscript") || text[1..].starts_with(['.', 'S', '-']))
    })
}

/// `Bath, June 3rd, 1790.`, `14 Mill Street, May 2.`, `Paris, ce 3 août.`
fn is_dateline(para: &Para) -> bool {
    const MONTHS: &[&str] = &[
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
        "jan",
        "feb",
        "sept",
        "oct",
        "nov",
        "dec",
        "janvier",
        "février",
        "mars",
        "avril",
        "mai",
        "juin",
        "juillet",
        "août",
        "septembre",
        "octobre",
        "novembre",
        "décembre",
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
        "lundi",
        "mardi",
        "mercredi",
        "jeudi",
        "vendredi",
        "samedi",
        "dimanche",
    ];
    let Some(text) = short(para, DATELINE_CHARS) else { return false };
    let lower = text.to_lowercase();
    let mut parts = lower.split(|c: char| !c.is_alphanumeric());
    let dated = parts.any(|word| MONTHS.contains(&word));
    dated && text.contains([',', '.']) && !text.contains(['!', '?', '“', '«'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::Width;

    fn kinds(paragraphs: &[&str]) -> String {
        let mut piece = Piece::new("");
        for text in paragraphs {
            let mut para = Para::new(Width::Utf8);
            para.text.push(text, 0);
            piece.paragraphs.push(para);
        }
        mark(std::slice::from_mut(&mut piece));
        piece.paragraphs.iter().map(|p| if p.kind == ParagraphKind::Letter { 'L' } else { '.' }).collect()
    }

    #[test]
    fn a_letter_lasts_from_its_date_to_its_postscript() {
        assert_eq!(
            kinds(&[
                "He opened the letter.",
                "Bath, June 3rd, 1790.",
                "My dear Madam,",
                "I have the lamp.",
                "And it is lit.",
                "I remain, dear Madam, your most obedient servant,",
                "JANE ASH.",
                "P.S. Burn this.",
                "He put it away.",
            ]),
            ".LLLLLLL."
        );
        assert_eq!(
            kinds(&["Ma chère Anna,", "Je pars demain.", "Adieu, ma chère Anna.", "Tom.", "Elle plia la feuille."]),
            "LLLL."
        );
    }

    #[test]
    fn a_quoted_letter_and_one_that_goes_on_behind_its_address_are_letters() {
        assert_eq!(
            kinds(&["“My dear Tom,", "“I am gone.", "“Your affectionate sister,", "“Anna.”", "He wept."]),
            "LLLL."
        );
        assert_eq!(kinds(&["DEAR SIR,--The oars are found.", "Yours faithfully, BELL & CO.", "He laughed."]), "LL.");
    }

    #[test]
    fn people_who_call_out_to_one_another_write_no_letters() {
        for told in [
            &["“My dear Tom,” said Ann.", "“Yes?”", "“Yours is the lamp.”"][..],
            &["“My dear!”", "He came.", "Silence.", "Then silence fell."],
            &["Dear old Tom, he thought, and went to bed.", "He slept.", "Anna."],
            &["— Mon cher ami, dit-il.", "— Adieu, monsieur."],
            &["My dear Tom,", "The lamp was out.", "It was late.", "Nobody came."],
        ] {
            assert!(!kinds(told).contains('L'), "{told:?}");
        }
    }
}
