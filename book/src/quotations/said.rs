//! Clauses that say who speaks, set among the spoken words: « Non, *dit-il*, jamais. »

use std::ops::Range;
use std::sync::LazyLock;

use domain::language::Language;

use super::speech;
use crate::lexicon::{self, Lexicon};

/// Stems of French verbs in -er that report words.
static STEMS_ER: Lexicon = LazyLock::new(|| {
    lexicon::words(
        "demand murmur cri écri répliqu ajout exclam continu commenc répét hurl balbuti soupir grond insist \
         affirm déclar observ remarqu questionn interrog ripost chuchot bégay susurr souffl articul prononç \
         prononc object protest expliqu avou assur jur pens song ordonn command conseill propos suggér annonç \
         annonc confirm approuv rican plaisant raill sanglot pleur râl vocifér tonn clam grommel marmonn marmott \
         bougonn maugré grogn ronchonn lanç lanc implor suppli pri salu appel not constat précis rectifi corrig \
         interpell apostroph reproch hasard risqu gliss termin achev racont cont narr criaill aboy braill gueul \
         beugl siffl tranch concéd rétorqu répond chevrot nasill zézay bredouill gazouill minaud détaill réclam \
         proclam déclam acclam récit chant dict gémiss rugiss mugiss glapiss invoqu opin argu allégu renchériss \
         rappel exig commenç menaç menac ajoutt rêv raisonn conclu estim jug décid héla hél",
    )
});
/// French verbs of other conjugations, in the forms that stories use.
static FORMS: Lexicon = LazyLock::new(|| {
    lexicon::words(
        "dit dis disait disais disaient dirent disent dira fit fis faisait faisais firent reprit reprenait \
         reprirent repris reprend répondit répondis répondait répondais répondaient répondirent répond répondent \
         interrompit interrompait interrompis poursuivit poursuivait poursuivis poursuit gémit rugit mugit glapit \
         redit admit promit convint soutint intervint conclut concluait repartit répartit repartait reparti \
         enquit renchérit écrivit écrivait écrivais écrivaient écrira lut lisait fait avertit acquiesça \
         acquiesçait permit souvint rit sourit éclata dut croyait croyais songeai songea songeait songeais vint \
         attendrit applaudit bondit frémit pâlit rougit finit maudit prédit contredit traduit traduisit \
         surenchérit entendit",
    )
});
/// Past participles after `avait`.
static PARTICIPLES: Lexicon = LazyLock::new(|| lexicon::words("dit répondu repris écrit poursuivi interrompu redit"));
static AUXILIARIES: Lexicon = LazyLock::new(|| lexicon::words("avait avais avaient a ai eut eus ont aura aurait"));
/// Pronouns that stand before the verb.
static CLITICS: Lexicon = LazyLock::new(|| lexicon::words("se me te lui leur nous vous y en le m s t"));
static INVERTED: Lexicon = LazyLock::new(|| lexicon::words("il elle ils elles on je t-il t-elle t-on t-ils t-elles"));
/// Words that open a subject.
static SUBJECT_OPENERS: Lexicon = LazyLock::new(|| {
    lexicon::words(
        "le la les l un une mon ma ton son sa ses notre votre leur ce cet cette quelqu celui-ci celle-ci celui-là \
         celle-là monsieur madame mademoiselle m mme mlle deux plusieurs maître docteur père mère",
    )
});
/// English verbs that report words.
pub(crate) static VERBS_EN: Lexicon = LazyLock::new(|| {
    lexicon::words(
        "said says cried asked replied answered returned exclaimed shouted whispered murmured muttered continued \
         added began repeated inquired enquired remarked observed called faltered screamed growled sighed thought \
         demanded suggested went laughed gasped sobbed groaned moaned snapped retorted rejoined responded \
         declared announced explained insisted agreed admitted protested pleaded begged urged warned ordered \
         commanded yelled roared bellowed shrieked squeaked snarled grunted mumbled stammered stuttered breathed \
         hissed panted wailed howled chuckled giggled wondered mused ventured interrupted interposed broke put \
         pursued resumed concluded finished quoth assented echoed ejaculated persisted objected confessed assured \
         told croaked drawled lisped sneered scoffed grumbled complained boasted joked teased sang read wrote \
         prayed swore vowed argued countered corrected reminded advised cautioned pronounced",
    )
});

/// A clause that says who speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    /// From its first letter to the end of its verb.
    pub verb: Range<usize>,
}

/// The first such clause of a stretch of text: behind a mark that divides, a reporting verb with its subject
/// after it.
pub(super) fn find(text: &str, language: Language) -> Option<Said> {
    let words = words(text);
    (1..words.len()).find_map(|index| {
        let (start, word) = words[index];
        let before = text[..start].trim_end();
        divides(before).then(|| at(text, &words, index, word, language)).flatten()
    })
}

/// A clause that opens a stretch shows itself within so many bytes.
const OPENING_BYTES: usize = 160;
/// So many parts of a sentence are looked at behind such a clause.
const PARTS: usize = 16;

/// Such a clause at the very start of `text`.
pub(super) fn opening(text: &str, language: Language) -> Option<Said> {
    let text = &text[..text.floor_char_boundary(OPENING_BYTES)];
    let words = words(text);
    let &(start, word) = words.first()?;
    let free = text[..start].chars().all(|c| c.is_whitespace() || matches!(c, ',' | '—' | '–' | ';'));
    free.then(|| at(text, &words, 0, word, language)).flatten()
}

/// Whether such a clause stands at the very start of `text`.
pub(super) fn opens(text: &str, language: Language) -> bool {
    opening(text, language).is_some()
}

fn divides(before: &str) -> bool {
    before.ends_with(['!', '?', ',', ';', '…', '—', '–', '»', '”', '’', ':']) || before.ends_with("...")
}

/// Words with their places, from letter or digit to the next white space.
fn words(text: &str) -> Vec<(usize, &str)> {
    let mut words = Vec::new();
    let mut at = 0;
    for piece in text.split(' ') {
        let lead = piece.find(char::is_alphanumeric).unwrap_or(piece.len());
        if lead < piece.len() {
            words.push((at + lead, &piece[lead..]));
        }
        at += piece.len() + 1;
    }
    words
}

fn bare(word: &str) -> String {
    word.trim_matches(|c: char| !c.is_alphanumeric()).replace('’', "'").to_lowercase()
}

fn at(text: &str, words: &[(usize, &str)], index: usize, word: &str, language: Language) -> Option<Said> {
    if !word.starts_with(char::is_lowercase) && language == Language::Fr {
        return None;
    }
    let end = match language {
        Language::Fr => french(words, index)?,
        Language::En => english(words, index)?,
    };
    let (start, last) = words[end];
    let verb_end = start + last.trim_end_matches(|c: char| !c.is_alphanumeric()).len();
    debug_assert!(text.is_char_boundary(verb_end));
    Some(Said { verb: words[index].0..verb_end })
}

/// Index of the verb's last word.
fn french(words: &[(usize, &str)], from: usize) -> Option<usize> {
    let mut index = from;
    let mut word = bare(words.get(index)?.1);
    for _ in 0..2 {
        if CLITICS.contains(word.as_str()) && !words[index].1.ends_with([',', ';']) {
            index += 1;
            word = bare(words.get(index)?.1);
        }
    }
    // `vous dis-je`: he who speaks says it once more.
    let insists = index > from && matches!(bare(words[from].1).as_str(), "vous" | "te") && word == "dis-je";
    if insists {
        return None;
    }
    let elided = ["s'", "m'", "t'", "l'"].iter().find_map(|prefix| word.strip_prefix(prefix));
    let word = elided.map_or(word.clone(), str::to_owned);
    let (verb, inverted) = split_inverted(&word);
    if AUXILIARIES.contains(verb) {
        let next = words.get(index + 1).map(|(_, word)| bare(word))?;
        let next_participle = is_participle(&next);
        return next_participle.then_some(index + 1);
    }
    match strength(verb)? {
        Strength::Past => Some(index),
        Strength::Other if inverted => Some(index),
        Strength::Other => {
            if words[index].1.ends_with([',', ';', '.', '!', '?']) {
                return None;
            }
            let raw = words.get(index + 1)?.1;
            let next = bare(raw);
            let first = next.split('\'').next().unwrap_or(&next);
            (SUBJECT_OPENERS.contains(first) || raw.starts_with(char::is_uppercase)).then_some(index)
        }
    }
}

/// `dit-il` is `dit` and a subject; `dis-moi` is not.
fn split_inverted(word: &str) -> (&str, bool) {
    match word.split_once('-') {
        Some((verb, rest)) if INVERTED.contains(rest) => (verb, true),
        _ => (word, false),
    }
}

enum Strength {
    /// A past of the third person, which hardly opens a clause but here.
    Past,
    /// A form that may be something else, so its subject must follow.
    Other,
}

fn strength(verb: &str) -> Option<Strength> {
    if FORMS.contains(verb) {
        let weak = matches!(verb, "fait" | "dis" | "répond" | "dut" | "vint" | "lut" | "finit" | "traduit" | "maudit")
            || verb.ends_with("ais")
            || verb.ends_with("is");
        return Some(if weak { Strength::Other } else { Strength::Past });
    }
    let suffix = STEMS_ER.iter().filter_map(|stem| verb.strip_prefix(stem)).min_by_key(|suffix| suffix.len())?;
    match suffix {
        "a" | "ait" | "èrent" | "aient" | "ea" | "eait" => Some(Strength::Past),
        "ai" | "ais" | "e" | "ent" | "era" | "eai" | "eais" => Some(Strength::Other),
        _ => None,
    }
}

fn is_participle(word: &str) -> bool {
    PARTICIPLES.contains(word) || STEMS_ER.iter().any(|stem| word.strip_prefix(stem) == Some("é"))
}

/// `said he`, `he said`, `Mr. Bell said`.
fn english(words: &[(usize, &str)], from: usize) -> Option<usize> {
    let word = bare(words.get(from)?.1);
    if VERBS_EN.contains(word.as_str()) && words[from].1.starts_with(char::is_lowercase) {
        return Some(from);
    }
    static SUBJECTS: Lexicon = LazyLock::new(|| lexicon::words("he she they i we the his her my mr mrs miss one"));
    if !SUBJECTS.contains(word.as_str()) && !words[from].1.starts_with(char::is_uppercase) {
        return None;
    }
    let reach = (from + 1..words.len().min(from + 4)).take_while(|&i| !words[i - 1].1.ends_with([',', ';', '!', '?']));
    reach.into_iter().find(|&i| VERBS_EN.contains(bare(words[i].1).as_str()))
}

/// Whether the speaker's words go on behind a clause that says who speaks, within the same sentence. `before` is
/// what he said so far: where a high mark ended that, or the clause tells more than who spoke, only what is plainly spoken
/// goes on. Where all of it stands within marks (`marked`), the speaker's words are what to expect.
pub(super) fn resumes(before: &str, rest: &str, marked: bool, language: Language) -> bool {
    let ended = before.trim_end().ends_with(['!', '?', '…']);
    let mut attended = false;
    let divided = rest.contains(';');
    let mut from = 0;
    for _ in 0..PARTS {
        let Some(found) = rest[from..].find([',', ';', ':', '—', '–', '…', '!', '?']) else { return false };
        let at = from + found;
        let mark = rest[at..].chars().next().unwrap_or(',');
        from = at + mark.len_utf8();
        let part = rest[from..].trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '—' | '–' | '-'));
        if !part.contains(char::is_alphanumeric) {
            return false;
        }
        if matches!(mark, ';' | '!' | '?') {
            return true;
        }
        let plain = !(ended || attended) || speech::is_spoken(part, language) || speech::is_exclaimed(part) || divided;
        let attendant = speech::is_attendant(part, marked, language);
        if plain && !attendant {
            return true;
        }
        attended |= attendant;
    }
    false
}
