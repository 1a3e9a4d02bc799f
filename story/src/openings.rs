//! What the first words of a sentence say of its tie to what came before.

use domain::language::Language;

/// Words from the start among which a word of time tells of a shift.
const REACH: usize = 6;

/// How a sentence takes up from the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opening {
    /// It sets another time: "The next morning", "Un soir".
    Shift,
    /// It leans on what came before: "He", "But", "Cela".
    Leans,
    /// It starts by itself, but its person is a pronoun: "Twice she thought".
    Pronoun,
    /// None of these.
    Plain,
}

const TIMES_EN: &str = "morning evening night day days noon midnight dawn dusk afternoon week weeks month months year \
    years o’clock o'clock hour hours spring summer autumn winter meanwhile monday tuesday wednesday thursday friday \
    saturday sunday";
const TIMES_FR: &str = "matin soir soirée nuit jour jours journée lendemain veille midi minuit aube semaine semaines \
    mois année années ans heure heures printemps été automne hiver lundi mardi mercredi jeudi vendredi samedi dimanche";
/// What stands before a time that is set, and not merely spoken of: "at nine o'clock", "un soir".
const SETTERS_EN: &str = "on at in that the next one all every early late by towards toward after before it for some \
    two three four five six seven eight ten when meanwhile";
const SETTERS_FR: &str = "le la l un une ce cet cette au à a dès vers après avant en pendant depuis deux trois quatre \
    cinq six sept huit dix quelques tout chaque quand lorsque";

const LEANING_EN: &str = "he she it they him them his her hers its their theirs this that these those and but so yet \
    or nor for then not again such there both neither even also \
    besides moreover however therefore thus";
const LEANING_FR: &str = "il elle ils elles lui leur leurs son sa ses ce c cela ceci ça cet cette ces celui-ci \
    celle-ci ceux-ci celles-ci et mais car or donc ni aussi alors puis même \
    pourtant ainsi";
const PERSONS_EN: &str = "he she it they him her them his their";
const PERSONS_FR: &str = "elle ils elles lui";
/// What follows "il" where it stands for nobody.
const IMPERSONAL_FR: &str = "y était faut fallait fallut pleuvait neigeait restait";

/// Reads the opening of a sentence.
pub(crate) fn read(text: &str, language: Language) -> Opening {
    // An apostrophe cuts French words apart and holds English ones together.
    let in_word = |c: char| c.is_alphanumeric() || c == '-' || (language == Language::En && matches!(c, '’' | '\''));
    let written: Vec<&str> =
        text.split(|c| !in_word(c)).filter(|w| w.chars().any(char::is_alphanumeric)).take(REACH).collect();
    let words: Vec<String> = written.iter().map(|word| word.to_lowercase()).collect();
    let Some(first) = words.first() else { return Opening::Plain };
    let (times, setters, leaning, persons) = match language {
        Language::En => (TIMES_EN, SETTERS_EN, LEANING_EN, PERSONS_EN),
        Language::Fr => (TIMES_FR, SETTERS_FR, LEANING_FR, PERSONS_FR),
    };
    if has(setters, first) && words.iter().any(|word| has(times, word)) {
        return Opening::Shift;
    }
    let impersonal = first == "il" && words.get(1).is_some_and(|second| has(IMPERSONAL_FR, second));
    if has(leaning, first) && !impersonal {
        return Opening::Leans;
    }
    // Whoever is named before the pronoun is the one that it means.
    let named = |word: &&str| word.starts_with(char::is_uppercase);
    let unnamed = 1 + written[1..].iter().take_while(|word| !named(word)).count();
    if words[1..unnamed].iter().any(|word| has(persons, word)) { Opening::Pronoun } else { Opening::Plain }
}

fn has(list: &str, word: &str) -> bool {
    list.split_ascii_whitespace().any(|w| w == word)
}

/// A speech tag stands within the sentence, as books have it that set dialogue without marks: "dit-il",
/// "s'écria Candide". French turns the verb round for it; English does not, and has its marks.
pub(crate) fn has_speech_tag(text: &str, language: Language) -> bool {
    const VERBS: &str = "dit disait répondit répondait répliqua s'écria s’écria reprit demanda ajouta continua \
        interrompit repartit";
    const WHO: &str = "le la les l'autre l’autre l'un l’un un une son sa mon ce cet cette";
    if language != Language::Fr {
        return false;
    }
    let mut before = "";
    let mut words = text.split_whitespace().peekable();
    while let Some(word) = words.next() {
        let (verb, turned) = word.split_once('-').map_or((word, false), |(verb, who)| {
            (
                verb,
                ["il", "elle", "ils", "elles", "je", "on"]
                    .contains(&who.trim_end_matches(|c: char| !c.is_alphabetic())),
            )
        });
        let incise = before.ends_with([',', '!', '?', '…']) || matches!(before, "lui" | "leur" | "me");
        let mut by_somebody = || words.peek().is_some_and(|w| w.starts_with(char::is_uppercase) || has(WHO, w));
        if has(VERBS, verb) && (turned || (incise && by_somebody())) {
            return true;
        }
        before = word;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_is_set_shifts_the_scene() {
        for text in [
            "That evening they lit both stoves.",
            "It was five weeks before the boat was dry.",
            "Towards nine o’clock the mouse came out.",
        ] {
            assert_eq!(read(text, Language::En), Opening::Shift, "{text}");
        }
        for text in
            ["Le lendemain, Ada partit.", "Un soir que Zoé dormait, on frappa.", "Au matin, le ciel était lavé."]
        {
            assert_eq!(read(text, Language::Fr), Opening::Shift, "{text}");
        }
    }

    #[test]
    fn pronouns_and_conjunctions_lean_on_what_came_before_and_impersonal_turns_do_not() {
        for text in ["Her glasses were on her nose.", "“But why?” said Ada.", "Not so much in fear as in surprise."]
        {
            assert_eq!(read(text, Language::En), Opening::Leans, "{text}");
        }
        assert_eq!(read("Twice she thought of Ada.", Language::En), Opening::Pronoun);
        assert_eq!(read("Twice Ada thought that she slept.", Language::En), Opening::Plain);
        assert_eq!(read("Elle partit.", Language::Fr), Opening::Leans);
        assert_eq!(read("C’est ainsi que Zoé partit.", Language::Fr), Opening::Leans);
        assert_eq!(read("Il y avait en ville un jeune garçon.", Language::Fr), Opening::Plain);
        assert_eq!(read("Ada crossed the river.", Language::En), Opening::Plain);
    }

    #[test]
    fn a_speech_tag_is_seen_without_any_mark() {
        for text in [
            "Hélas! dit Zoé, je pars.",
            "Je pars, répondit le capitaine.",
            "Venez, lui dit-elle.",
            "Eh bien! s'écria Zoé.",
        ] {
            assert!(has_speech_tag(text, Language::Fr), "{text}");
        }
        for text in ["On dit le plus grand bien de Zoé.", "Zoé reprit son chemin.", "Ce qui fut dit fut fait."] {
            assert!(!has_speech_tag(text, Language::Fr), "{text}");
        }
    }
}
