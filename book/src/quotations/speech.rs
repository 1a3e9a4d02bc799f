//! Whether a stretch of text is somebody's words or the story's own.

use std::sync::LazyLock;

use domain::language::Language;

use crate::lexicon::{self, Lexicon};

/// Words of whoever speaks or is spoken to; `ton` is more often a tone of voice.
static FIRST_SECOND_FR: Lexicon = LazyLock::new(|| {
    lexicon::words("je j moi me m mon ma mes mien mienne tu te t toi ta tes vous votre vos vôtre nous notre nos nôtre")
});
static SECOND_FR: Lexicon = LazyLock::new(|| lexicon::words("tu te t toi ta tes vous votre vos vôtre monsieur madame"));
/// Presents that stories in the past tense keep for what is said.
static PRESENT_FR: Lexicon = LazyLock::new(|| {
    lexicon::words(
        "est sont suis es êtes sommes ai as avez avons faut sais sait veux veut peux peut va vais vas allez \
         allons voilà voici oui non dois doit",
    )
});
static FIRST_SECOND_EN: Lexicon =
    LazyLock::new(|| lexicon::words("i me my mine you your yours we us our ours thee thou thy"));
static PRESENT_EN: Lexicon = LazyLock::new(|| lexicon::words("is are am has have do does will shall can must may"));
/// Words in -ant that are no participles.
static NOT_PARTICIPLES: Lexicon = LazyLock::new(|| {
    lexicon::words(
        "avant maintenant pourtant cependant autant tant quant devant enfant instant durant pendant suivant \
         auparavant dorénavant méchant charmant important vivant argent",
    )
});
/// What opens a clause that only attends the speaking: his manner, what he did meanwhile.
static ATTENDANT_FR: Lexicon = LazyLock::new(|| {
    lexicon::words(
        "en dont qui avec sans comme puis tandis pendant lorsque quand après tout d sur dans à au aux les la l le \
         un une ses sa son toute déjà mécontent si auquel pour par vers sous assez très pareil pareille tel telle \
         tantôt moitié plus",
    )
});
static ATTENDANT_EN: Lexicon = LazyLock::new(|| {
    lexicon::words(
        "with without as while when and in his her after before at from who which then to the a looking but still \
         rather",
    )
});

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

fn has(text: &str, list: &Lexicon) -> bool {
    // A capital letter by itself is an initial or a title, `M.`, and no pronoun but the English one.
    words(text).any(|word| {
        let initial = word.len() == 1 && word.starts_with(char::is_uppercase) && !matches!(word, "I" | "J");
        !initial && list.contains(word.to_lowercase().as_str())
    })
}

/// Somebody speaks: of himself, to somebody, or in the present.
pub(super) fn is_spoken(text: &str, language: Language) -> bool {
    match language {
        Language::Fr => has(text, &SECOND_FR) || has(text, &PRESENT_FR),
        Language::En => has(text, &FIRST_SECOND_EN) || has(text, &PRESENT_EN),
    }
}

/// It ends in a high mark, whatever closes behind it.
pub(super) fn is_exclaimed(text: &str) -> bool {
    text.trim_end_matches(|c: char| c.is_whitespace() || matches!(c, '»' | '”' | '"' | '…')).ends_with(['!', '?'])
}

/// A clause behind "said he" that goes on telling how it was said, up to its next mark; `strictly` by more than
/// its first word.
pub(super) fn is_attendant(part: &str, strictly: bool, language: Language) -> bool {
    let clause = part.split([',', ';', ':', '—', '–', '«', '“']).next().unwrap_or(part);
    let clause = clause.strip_prefix("et ").or_else(|| clause.strip_prefix("and ")).unwrap_or(clause);
    let first = words(clause).next().unwrap_or("").to_lowercase();
    let spoken = is_spoken(clause, language);
    let exclaimed = is_exclaimed(part) && !part.contains(['«', '“']);
    match language {
        Language::Fr => {
            let participle = first.ends_with("ant") && !NOT_PARTICIPLES.contains(first.as_str());
            let gerund = clause.starts_with("en ") && words(clause).skip(1).take(3).any(|word| word.ends_with("ant"));
            let relative = matches!(first.as_str(), "dont" | "qui" | "avec" | "sans" | "tandis" | "lorsque")
                || clause.starts_with("ce qu");
            let told = matches!(first.as_str(), "il" | "elle" | "se" | "s") && is_told(clause, language);
            participle
                || gerund
                || told
                || !exclaimed && (relative || !strictly && !spoken && ATTENDANT_FR.contains(first.as_str()))
        }
        Language::En => {
            first.ends_with("ing") || !strictly && !exclaimed && !spoken && ATTENDANT_EN.contains(first.as_str())
        }
    }
}

/// Plainly the story's own words: a tense of telling, and nobody who speaks or is spoken to.
pub(super) fn is_told(sentence: &str, language: Language) -> bool {
    if is_exclaimed(sentence) {
        return false;
    }
    match language {
        Language::Fr => {
            let told = tells_fr(sentence);
            match told {
                Told::Third => {
                    !has(sentence, &FIRST_SECOND_FR) && !words(sentence).any(|word| matches!(word, "c" | "C"))
                }
                Told::First => !has(sentence, &SECOND_FR) && !has(sentence, &PRESENT_FR),
                Told::No => {
                    words(sentence).any(|word| matches!(word, "était" | "étaient" | "avait" | "avaient"))
                        && !has(sentence, &FIRST_SECOND_FR)
                        && !has(sentence, &PRESENT_FR)
                        && !words(sentence)
                            .any(|w| matches!(w, "c" | "C" | "ça" | "Ça" | "cela" | "Cela" | "qu" | "Qu"))
                }
            }
        }
        Language::En => {
            let past =
                words(sentence).take(4).any(|word| word.ends_with("ed") || matches!(word, "was" | "had" | "went"));
            past && !has(sentence, &FIRST_SECOND_EN) && !has(sentence, &PRESENT_EN)
        }
    }
}

enum Told {
    Third,
    First,
    No,
}

/// A subject with a verb in the simple past, or with the imperfect of a third person.
fn tells_fr(sentence: &str) -> Told {
    static CLITICS: Lexicon = LazyLock::new(|| lexicon::words("se s le la l les lui leur y en ne n me m nous"));
    let all: Vec<String> = words(sentence).map(str::to_lowercase).collect();
    let raw: Vec<&str> = words(sentence).collect();
    for (index, word) in all.iter().enumerate() {
        let named = raw[index].starts_with(char::is_uppercase) && index > 0 && word.len() > 2;
        let third = matches!(word.as_str(), "il" | "elle" | "ils" | "elles" | "on" | "qui" | "puis" | "et") || named;
        let noun =
            index > 0 && matches!(all[index - 1].as_str(), "le" | "la" | "l" | "les" | "un" | "une" | "son" | "sa");
        let first = matches!(word.as_str(), "je" | "j" | "nous");
        if !third && !first && !noun {
            continue;
        }
        let Some(verb) = all[index + 1..].iter().take(4).find(|word| !CLITICS.contains(word.as_str())) else {
            continue;
        };
        if first && is_simple_past_first(verb) {
            return Told::First;
        }
        if (third || noun) && (is_simple_past(verb) || !noun && is_imperfect(verb)) {
            return Told::Third;
        }
    }
    Told::No
}

fn is_simple_past(verb: &str) -> bool {
    static NOT: Lexicon = LazyLock::new(|| {
        lexicon::words(
            "pleut meut émeut a va voilà là déjà cela la ça papa fait doit voit croit soit petit nuit lit esprit bruit peut veut faut \
         vaut tout plaît fruit huit haut produit conduit suit vit droit reçoit boit écrit but début salut chut \
         point saint maint",
        )
    });
    static LONG: Lexicon = LazyLock::new(|| lexicon::words("èrent irent urent inrent"));
    if NOT.contains(verb) || verb.ends_with("ait") || verb.ends_with("ra") || verb.chars().count() < 3 {
        return matches!(
            verb,
            "fit" | "dit" | "mit" | "prit" | "vit" | "rit" | "fut" | "eut" | "put" | "dut" | "entra"
        ) || verb.ends_with("tira")
            || verb.ends_with("tra")
            || verb.ends_with("ura") && verb.len() > 5;
    }
    verb.ends_with(['a'])
        || verb.ends_with("it")
        || verb.ends_with("ut")
        || verb.ends_with("int")
        || LONG.iter().any(|end| verb.ends_with(end))
}

fn is_imperfect(verb: &str) -> bool {
    verb.chars().count() > 4
        && (verb.ends_with("ait") || verb.ends_with("aient"))
        && !is_conditional(verb)
        && !matches!(verb, "souhait" | "portrait" | "attrait")
}

/// `viendrait`, but not `pleurait`, `entrait`, `offrait`, `préparait`, whose stems end so.
fn is_conditional(verb: &str) -> bool {
    static STEMS: Lexicon = LazyLock::new(|| {
        lexicon::words("tir retir attir respir soupir admir désir expir aspir ouvr couvr découvr entrouvr recouvr")
    });
    let Some(stem) = verb.strip_suffix("ait").or_else(|| verb.strip_suffix("aient")).filter(|stem| stem.ends_with('r'))
    else {
        return false;
    };
    let before = &stem[..stem.len() - 1];
    let imperfect = before.ends_with('u') && !before.ends_with("au")
        || before.ends_with('t') && !before.ends_with("tt") && !before.ends_with("ît")
        || before.ends_with(['f', 'a'])
        || STEMS.contains(stem);
    !imperfect
}

fn is_simple_past_first(verb: &str) -> bool {
    let long = verb.chars().count() > 3;
    long && (verb.ends_with("ai") && !verb.ends_with("rai") || verb.ends_with("âmes") || verb.ends_with("îmes"))
        || matches!(
            verb,
            "pris" | "mis" | "sortis" | "vis" | "fis" | "dis" | "répondis" | "rendis" | "partis" | "entrai"
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imperfects_tell_and_conditionals_do_not() {
        for verb in ["pleurait", "entrait", "offraient", "préparait", "ouvrait", "respirait", "parlait"] {
            assert!(is_imperfect(verb), "{verb}");
        }
        for verb in ["viendrait", "serait", "aurait", "mettrait", "partirait", "connaîtraient", "devrait"] {
            assert!(!is_imperfect(verb), "{verb}");
        }
    }
}
