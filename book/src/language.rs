//! Which language a book is in, and which of its paragraphs are in the other, found in the text.

use std::sync::LazyLock;

use domain::language::Language;
use whatlang::Lang;

use crate::error::BookError;
use crate::lexicon::{self, Lexicon};

/// How many samples are taken through the book, and how long each is, characters.
const SAMPLES: usize = 24;
const SAMPLE_CHARS: usize = 800;

/// Commonest words of one language that are none of the other's.
static STOPWORDS_EN: Lexicon = LazyLock::new(|| {
    lexicon::words(
        "the and of to was he she it that with his her had you not for is but they were this have from said which what \
         there my",
    )
});
static STOPWORDS_FR: Lexicon = LazyLock::new(|| {
    lexicon::words(
        "le la les des et est dans que qui il elle vous nous je pas une un du au avec pour sur était avait mais ce se \
         son sa ses lui ne plus",
    )
});

/// Fewer words do not tell what a paragraph is written in.
const PASSAGE_WORDS: u32 = 6;
/// So large a share of common words of the other language does, with at most a quarter as many of the book's.
const PASSAGE_SHARE: f64 = 0.2;

/// A text shorter than this is judged by its commonest words first, characters: trigrams mislead there.
const SHORT_CHARS: usize = 400;

/// Tells the language of `paragraphs`. `tag`, from the metadata, only breaks ties.
pub(crate) fn detect(paragraphs: &[&str], tag: Option<&str>) -> Result<Language, BookError> {
    let samples = samples(paragraphs);
    let (en, fr) = stopwords(&samples);
    let by_words = match (en, fr) {
        (en, fr) if en >= 0.12 && en > 2.0 * fr => Some(Language::En),
        (en, fr) if fr >= 0.12 && fr > 2.0 * en => Some(Language::Fr),
        _ => None,
    };
    let short = samples.iter().map(|s| s.chars().count()).sum::<usize>() < SHORT_CHARS;
    if let (true, Some(language)) = (short, by_words) {
        return Ok(language);
    }
    let (winner, share) = vote(&samples);
    match winner {
        Some(Lang::Eng) if share >= 0.5 => Ok(Language::En),
        Some(Lang::Fra) if share >= 0.5 => Ok(Language::Fr),
        Some(other) if !matches!(other, Lang::Eng | Lang::Fra) && share >= 0.5 && !short => unknown(other.eng_name()),
        _ => match by_words.or_else(|| tag.and_then(Language::from_tag)) {
            Some(language) => Ok(language),
            None if winner == Some(Lang::Eng) => Ok(Language::En),
            None if winner == Some(Lang::Fra) => Ok(Language::Fr),
            None => unknown(winner.map_or("no language that could be told", Lang::eng_name)),
        },
    }
}

fn unknown(looks_like: &str) -> Result<Language, BookError> {
    Err(BookError::UnknownLanguage { looks_like: looks_like.to_owned() })
}

/// Stretches spread evenly through the text.
fn samples(paragraphs: &[&str]) -> Vec<String> {
    let step = paragraphs.len().div_ceil(SAMPLES).max(1);
    paragraphs
        .chunks(step)
        .map(|chunk| {
            let mut sample = String::new();
            for paragraph in chunk {
                let room = SAMPLE_CHARS.saturating_sub(sample.chars().count());
                if room == 0 {
                    break;
                }
                sample.extend(paragraph.chars().take(room));
                sample.push(' ');
            }
            sample
        })
        .collect()
}

/// The language of a paragraph of a book in `book`, where that is the other one beyond doubt.
pub(crate) fn of_paragraph(text: &str, book: Language) -> Option<Language> {
    let (words, en, fr) = count(text);
    let (own, other, language) = match book {
        Language::En => (en, fr, Language::Fr),
        Language::Fr => (fr, en, Language::En),
    };
    let clear = words >= PASSAGE_WORDS && other >= 2 && own * 4 <= other;
    (clear && f64::from(other) >= PASSAGE_SHARE * f64::from(words)).then_some(language)
}

/// Shares of all words that are English and French stopwords.
fn stopwords(samples: &[String]) -> (f64, f64) {
    let counts = samples.iter().map(|sample| count(sample));
    let (words, en, fr) = counts.fold((0, 0, 0), |sum, of| (sum.0 + of.0, sum.1 + of.1, sum.2 + of.2));
    let words = f64::from(words.max(1));
    (f64::from(en) / words, f64::from(fr) / words)
}

/// Words, English stopwords and French ones.
fn count(text: &str) -> (u32, u32, u32) {
    let (mut words, mut en, mut fr) = (0u32, 0u32, 0u32);
    let mut lower = String::new();
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        words += 1;
        lower.clear();
        // No stopword is longer, and `É` is the only capital that is not ASCII among them.
        if word.len() <= 6 {
            lower.extend(word.chars().flat_map(char::to_lowercase));
            en += u32::from(STOPWORDS_EN.contains(lower.as_str()));
            fr += u32::from(STOPWORDS_FR.contains(lower.as_str()));
        }
    }
    (words, en, fr)
}

/// The language that most of the samples look like, by their length, and its share of all.
fn vote(samples: &[String]) -> (Option<Lang>, f64) {
    let mut votes: Vec<(Lang, usize)> = Vec::new();
    let mut total = 0;
    for sample in samples {
        let Some(info) = whatlang::detect(sample) else { continue };
        let weight = sample.len();
        total += weight;
        match votes.iter_mut().find(|(lang, _)| *lang == info.lang()) {
            Some((_, sum)) => *sum += weight,
            None => votes.push((info.lang(), weight)),
        }
    }
    // The first of equals wins, so that the answer does not hang on the order of a map.
    let best = votes.iter().rev().max_by_key(|(_, sum)| *sum);
    best.map_or((None, 0.0), |&(lang, sum)| (Some(lang), sum as f64 / total.max(1) as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_are_told_apart_even_in_short_texts() {
        assert_eq!(detect(&["The lamp was lit and the door was shut."], None), Ok(Language::En));
        assert_eq!(detect(&["La lampe était allumée et la porte était fermée."], None), Ok(Language::Fr));
    }

    #[test]
    fn a_third_language_is_named() {
        let german = "Der alte Mann ging langsam durch den Wald, und die Vögel sangen nicht mehr, weil der Winter \
                      gekommen war. Niemand wusste, woher er kam, und er sprach mit keinem Menschen im Dorf.";
        let error = detect(&[german, german, german], Some("en")).unwrap_err();
        assert_eq!(error, BookError::UnknownLanguage { looks_like: "German".to_owned() });
    }

    #[test]
    fn a_paragraph_in_the_other_language_is_told() {
        let french = "« Mon ami, dit-il, vous ne savez pas ce que la guerre fait des hommes. »";
        assert_eq!(of_paragraph(french, Language::En), Some(Language::Fr));
        assert_eq!(of_paragraph(french, Language::Fr), None);
        let english = "The letter was in English, and she read it to him twice.";
        assert_eq!(of_paragraph(english, Language::Fr), Some(Language::En));
        assert_eq!(of_paragraph("Voilà un mot.", Language::En), None, "too short to tell");
        assert_eq!(of_paragraph("He called her “ma chère” and kissed her hand, as was his way.", Language::En), None);
    }

    #[test]
    fn metadata_breaks_a_tie() {
        assert_eq!(detect(&["Hm! Hm! Hm!"], Some("fr-FR")), Ok(Language::Fr));
    }
}
