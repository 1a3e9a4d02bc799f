//! What the splitter does, and how well it does on passages marked by hand.

use std::collections::BTreeSet;

use super::*;

fn en(text: &str) -> Vec<&str> {
    split(text, Language::En).into_iter().map(|range| &text[range]).collect()
}

fn fr(text: &str) -> Vec<&str> {
    split(text, Language::Fr).into_iter().map(|range| &text[range]).collect()
}

/// What stands between two sentences in the marked passages.
const BOUNDARY: &str = " | ";

#[derive(Default)]
struct Score {
    sentences: usize,
    hard_sentences: usize,
    gold: usize,
    found: usize,
    both: usize,
}

impl Score {
    fn f1(&self) -> f64 {
        2.0 * self.both as f64 / (self.gold + self.found) as f64
    }
}

/// Compares the boundaries within each line of a file of marked passages with those that the splitter finds.
fn score(file: &str, language: Language) -> Score {
    let mut score = Score::default();
    let mut hard = false;
    for line in file.lines().filter(|line| !line.trim().is_empty()) {
        if let Some(section) = line.strip_prefix("## ") {
            hard = section.starts_with("hard");
            continue;
        }
        let parts: Vec<&str> = line.split(BOUNDARY).collect();
        let text = parts.join(" ");
        let starts = parts.iter().scan(0, |at, part| {
            let start = *at;
            *at += part.len() + 1;
            Some(start)
        });
        let gold: BTreeSet<usize> = starts.skip(1).collect();
        let found: BTreeSet<usize> = split(&text, language).iter().skip(1).map(|range| range.start).collect();
        for &at in gold.symmetric_difference(&found) {
            let what = if gold.contains(&at) { "missed" } else { "in vain" };
            println!("  {what}: {}¦{}", &text[..at], &text[at..]);
        }
        score.sentences += parts.len();
        score.hard_sentences += if hard { parts.len() } else { 0 };
        score.gold += gold.len();
        score.found += found.len();
        score.both += gold.intersection(&found).count();
    }
    score
}

#[test]
fn sentence_boundaries_are_found() {
    let files = [
        ("English", include_str!("../../tests/sentences/en.txt"), Language::En),
        ("French", include_str!("../../tests/sentences/fr.txt"), Language::Fr),
    ];
    for (name, file, language) in files {
        let score = score(file, language);
        let Score { sentences, hard_sentences, gold, found, both } = score;
        let f1 = score.f1();
        println!("{name}: {sentences} sentences, {hard_sentences} of them hard; {gold} boundaries within paragraphs, ");
        println!("  {found} found, {both} of them right: F1 {f1:.4}");
        assert!(sentences >= 200 && hard_sentences * 10 >= sentences * 4);
        assert!(f1 >= 0.98, "{name}: {f1:.4}");
    }
}

#[test]
fn titles_initials_and_numbers_do_not_end_sentences() {
    assert_eq!(en("Mr. Bell met Dr. Ash at St. Giles. They spoke.").len(), 2);
    assert_eq!(en("J. R. Bell paid 3.50 to Mrs. Ash, No. 5. It was late.").len(), 2);
    assert_eq!(fr("M. Durand vit Mme. Blanc et J.-B. Petit. Il salua.").len(), 2);
    assert_eq!(en("So do I. Then we agree."), ["So do I.", "Then we agree."]);
    assert_eq!(en("He left at 5 p.m. The lamps were lit.").len(), 2);
    assert_eq!(fr("Il remonta son col. Il partit.").len(), 2);
    assert_eq!(en("He lived in Mill St. The house stood alone.").len(), 2);
    assert_eq!(fr("On écrivit à l’abbé C. Il ne répondit pas.").len(), 2);
    assert_eq!(en("See ch. IV. It is short.").len(), 2);
    assert_eq!(en("“No, no. I remember.”"), ["“No, no.", "I remember.”"]);
}

#[test]
fn spoken_words_stay_with_who_speaks_them() {
    assert_eq!(fr("« Non ! » dit-il. Elle rit."), ["« Non ! » dit-il.", "Elle rit."]);
    assert_eq!(fr("— Oui ! — Non ? répondit-elle."), ["— Oui !", "— Non ? répondit-elle."]);
    assert_eq!(en("“Who is it?” said Ann. “Me!” Tom cried."), ["“Who is it?” said Ann.", "“Me!” Tom cried."]);
    assert_eq!(en("“I know. You don’t.” He left."), ["“I know.", "You don’t.”", "He left."]);
    assert_eq!(en("\"Go!\" Mr. Bell said. \"Now.\""), ["\"Go!\" Mr. Bell said.", "\"Now.\""]);
    assert_eq!(
        en("“Here!” Tom called. “Here!” Tom called the dog."),
        ["“Here!” Tom called.", "“Here!”", "Tom called the dog."]
    );
}

#[test]
fn an_ellipsis_ends_a_sentence_only_before_a_capital() {
    assert_eq!(en("Well… perhaps. Well... Perhaps."), ["Well… perhaps.", "Well...", "Perhaps."]);
    assert_eq!(en("So be it. … Whom? I say. … but no."), ["So be it. …", "Whom?", "I say. … but no."]);
    assert_eq!(fr("Il attendit… puis partit. Rien…"), ["Il attendit… puis partit.", "Rien…"]);
    assert_eq!(fr("— Je ne sais pas … , répondit-il. Et vous ?"), ["— Je ne sais pas … , répondit-il.", "Et vous ?"]);
}

#[test]
fn french_marks_set_off_by_spaces_stay_with_their_sentence() {
    assert_eq!(
        fr("Qui va là ? Personne ! Il dit : « Bien. » Puis rien."),
        ["Qui va là ?", "Personne !", "Il dit : « Bien. »", "Puis rien."]
    );
}

#[test]
fn text_without_an_end_is_one_sentence() {
    assert_eq!(en("no end"), ["no end"]);
    assert!(en("  ").is_empty());
    assert_eq!(en("..."), ["..."]);
}
