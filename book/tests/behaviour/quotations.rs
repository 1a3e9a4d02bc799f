//! Quotations: our own dialogues, and how well those of annotated texts are found.
//!
//! `SHOW_DIFFERENCES=1` prints each quotation that was missed or marked in vain.

use std::ops::Range;
use std::path::{Path, PathBuf};

use book::Limits;
use book::transcript::transcribe;

/// Where the annotated texts lie, if they do.
fn folder(below: &str) -> Option<PathBuf> {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data")).join(below);
    path.is_dir().then_some(path)
}

/// Found, predicted and true quotations of a text.
#[derive(Clone, Copy, Default)]
struct Count {
    found: usize,
    predicted: usize,
    gold: usize,
}

impl Count {
    fn add(&mut self, other: Self) {
        self.found += other.found;
        self.predicted += other.predicted;
        self.gold += other.gold;
    }

    fn precision(self) -> f64 {
        self.found as f64 / self.predicted.max(1) as f64
    }

    fn recall(self) -> f64 {
        self.found as f64 / self.gold.max(1) as f64
    }

    fn f1(self) -> f64 {
        2.0 * self.precision() * self.recall() / (self.precision() + self.recall()).max(1e-9)
    }

    fn print(self, name: &str) {
        let Self { found, predicted, gold } = self;
        let (p, r, f1) = (100.0 * self.precision(), 100.0 * self.recall(), 100.0 * self.f1());
        println!("{name:<45} {gold:>4} gold {predicted:>4} marked {found:>4} found  P {p:5.1}  R {r:5.1}  F1 {f1:5.1}");
    }
}

fn overlap(a: (usize, usize), b: (usize, usize)) -> f64 {
    let shared = a.1.min(b.1).saturating_sub(a.0.max(b.0));
    shared as f64 / (a.1.max(b.1) - a.0.min(b.0)).max(1) as f64
}

/// `Citation` spans of a brat file, characters; a broken one counts from its first to its last.
fn citations(ann: &str) -> Vec<(usize, usize)> {
    let spans = ann.lines().filter_map(|line| line.split('\t').nth(1)?.strip_prefix("Citation "));
    spans
        .map(|span| {
            let numbers: Vec<usize> = span.split([' ', ';']).map(|n| n.parse().unwrap()).collect();
            (*numbers.iter().min().unwrap(), *numbers.iter().max().unwrap())
        })
        .collect()
}

/// Quotations of a plain text file, in characters of the file.
fn quotations(path: &Path) -> Vec<(usize, usize)> {
    let bytes = std::fs::read(path).unwrap();
    let text = std::str::from_utf8(&bytes).unwrap();
    let transcript = transcribe("text.txt", &bytes, &Limits::default()).unwrap();
    let chapter = &transcript.chapters[0];
    // Character number in the file of a byte of the file.
    let number = |byte: u64| text[..byte as usize].chars().count();
    let place = |range: Range<usize>| {
        let paragraph = chapter.paragraphs.partition_point(|p| (p.end as usize) < range.end);
        transcript.place(0, paragraph, range)
    };
    let quotations = chapter.quotations.iter().map(|q| (q.start as usize, q.end as usize));
    quotations
        .map(|(start, end)| {
            let first = chapter.text[start..].chars().next().unwrap().len_utf8();
            let last = chapter.text[..end].chars().next_back().unwrap().len_utf8();
            (number(place(start..start + first).start), number(place(end - last..end).end))
        })
        .collect()
}

/// The measure of the shared scorer: a true quotation is found where a marked one shares half of their union.
fn count(gold: &[(usize, usize)], marked: &[(usize, usize)]) -> Count {
    let found = gold.iter().filter(|&&gold| marked.iter().any(|&marked| overlap(gold, marked) >= 0.5)).count();
    Count { found, predicted: marked.len(), gold: gold.len() }
}

/// Quotations of a text of ours, as they stand in it.
fn quoted(text: &str) -> Vec<String> {
    let transcript = transcribe("text.txt", text.as_bytes(), &Limits::default()).unwrap();
    let chapter = &transcript.chapters[0];
    let quotations = chapter.quotations.iter().map(|q| &chapter.text[q.start as usize..q.end as usize]);
    quotations.map(|quotation| quotation.replace("\n\n", " ¶ ")).collect()
}

#[test]
fn dashes_open_turns_and_the_story_ends_them() {
    let text = "La pluie tombait sur la ville, et la salle de l’auberge était vide.\n\n\
        — Qui est là ? demanda le vieillard en se levant.\n\n\
        — Moi, dit Anne, et je suis mouillée. Ouvrez donc !\n\n\
        — Entrez, fit-il. Il tira le verrou, et la porte grinça.\n\n\
        — Vous êtes seule ? s’écria la vieille ; et votre frère ?\n\n\
        — Il viendra, répondit-elle d’une voix basse, en regardant le feu.\n\n\
        — Bien, dit le vieillard, et il pleut.\n\n\
        Elle s’assit — c’était son habitude — près de la fenêtre.\n";
    assert_eq!(
        quoted(text),
        [
            "— Qui est là ?",
            "— Moi, dit Anne, et je suis mouillée. Ouvrez donc !",
            "— Entrez",
            "— Vous êtes seule ? s’écria la vieille ; et votre frère ?",
            "— Il viendra",
            "— Bien, dit le vieillard, et il pleut.",
        ]
    );
}

#[test]
fn who_insists_speaks_on_and_who_weeps_is_told_of() {
    let text = "La pluie tombait sur la ville, et la salle de l’auberge était vide.\n\n\
        — Rien du tout, vous dis-je.\n\n\
        — Rien, dis-je en riant.\n\n\
        — Mon père est mort, dit Anne. Elle pleurait.\n\n\
        -Qui est là ?\n\n-Personne.\n\n-Entrez donc, dit-il.\n";
    assert_eq!(
        quoted(text),
        [
            "— Rien du tout, vous dis-je.",
            "— Rien",
            "— Mon père est mort",
            "-Qui est là ?",
            "-Personne.",
            "-Entrez donc"
        ]
    );
}

#[test]
fn guillemets_quote_over_paragraphs_and_name_without_quoting() {
    let text = "Le « Pélican » était à quai depuis la veille, et l’on chargeait du bois.\n\n\
        « Il part ce soir, dit le patron. Montez à bord. »\n\n\
        Paul cria : « Attendez ! » et courut. Sur la coque on lisait « Pélican » en lettres jaunes.\n\n\
        La lettre disait ceci :\n\n\
        « Mon cher Paul, je suis arrivé hier dans cette ville où tu n’es pas.\n\n\
        « Il fait froid, et je pense à toi. »\n\n\
        « As-tu lu ? demanda Anne.\n\n\
        — J’ai lu, répondit-il. »\n";
    assert_eq!(
        quoted(text),
        [
            "« Il part ce soir, dit le patron. Montez à bord. »",
            "« Attendez ! »",
            "« Mon cher Paul, je suis arrivé hier dans cette ville où tu n’es pas. ¶ « Il fait froid, et je pense à toi. »",
            "« As-tu lu ?",
            "— J’ai lu",
        ]
    );
}

#[test]
fn a_tale_within_the_tale_gives_its_own_quotations() {
    let text = "Et il commença son histoire, que voici, et que nous avions demandée :\n\n\
        « J’étais jeune alors, et la maison était au bord de la mer.\n\n\
        « Un soir mon père entra et dit : « La barque est perdue. »\n\n\
        « Ma mère ne répondit rien ; elle regardait le feu.\n\n\
        « Nous partîmes le lendemain. »\n\n\
        Il se tut, et personne ne parla plus jusqu’à la nuit.\n";
    assert_eq!(quoted(text), ["« La barque est perdue. »"]);
}

#[test]
fn english_marks_of_both_kinds_are_told_from_apostrophes() {
    let double = "The night was dark, and nobody was on the road but the two of them.\n\n\
        “It’s late,” said Ann, “and the Bells’ dog is loose. Don’t go.”\n\n\
        “He told me, ‘Wait here,’ and I waited,” Tom said.\n\n\
        “I have a long tale to tell you, and it begins at sea.\n\n\
        “It was in the year of the flood.”\n\n\
        He called it a “boat” and got aboard the “Nautilus.”\n\n\
        “No; I told my wife what to answer.” He said, “Go.”\n";
    assert_eq!(
        quoted(double),
        [
            "“It’s late,”",
            "“and the Bells’ dog is loose. Don’t go.”",
            "“He told me, ‘Wait here,’ and I waited,”",
            "“I have a long tale to tell you, and it begins at sea. ¶ “It was in the year of the flood.”",
            "“No; I told my wife what to answer.”",
            "“Go.”",
        ]
    );
    let single = "The night was dark, and nobody was on the road but the two of them.\n\n\
        ‘It’s late,’ said Ann, ‘and the Bells’ dog is loose. Don’t go.’\n\n\
        ‘He told me, “Wait here,” and I waited,’ Tom said.\n\n\
        'Tis nothing, she thought, and the boys' room was cold.\n";
    assert_eq!(
        quoted(single),
        ["‘It’s late,’", "‘and the Bells’ dog is loose. Don’t go.’", "‘He told me, “Wait here,” and I waited,’"]
    );
}

#[test]
fn in_english_dashes_open_turns_only_where_that_is_the_habit() {
    let dashes = "The boys stood at the gate of the school and waited for the bell to ring.\n\n\
        —Have you the book? asked Stephen.\n\n—I have not, said the other. It is at home.\n\n\
        —Then we are lost.\n\nThe bell rang, and they went in.\n";
    assert_eq!(
        quoted(dashes),
        ["—Have you the book?", "—I have not, said the other. It is at home.", "—Then we are lost."]
    );
    let none = "The boys stood at the gate of the school and waited for the bell to ring.\n\n\
        —and the bell did not ring, though it was nine.\n\n“We are lost,” said one of them.\n";
    assert_eq!(quoted(none), ["“We are lost,”"]);
}

/// A tokenised text put together again: the text, and where each token of each sentence stands in it.
fn put_together(tokenised: &str) -> (String, Vec<Vec<Range<usize>>>) {
    let mut text = String::new();
    let mut places = Vec::new();
    let mut tight = true;
    let (mut double_open, mut single_open) = (false, false);
    for line in tokenised.lines() {
        let mut sentence = Vec::new();
        for token in line.split_whitespace() {
            let (mut closes, mut opens) = (
                token.starts_with(['.', ',', ';', ':', '!', '?', '”', ')', '’', '…'])
                    || token == "n't"
                    || token == "n’t",
                matches!(token, "“" | "‘" | "(" | "["),
            );
            if token == "\"" {
                (closes, opens) = (double_open, !double_open);
                double_open = !double_open;
            } else if token == "'" {
                (closes, opens) = (single_open, !single_open);
                single_open = !single_open;
            } else if token.starts_with('\'') {
                closes = true;
            }
            if !tight && !closes {
                text.push(' ');
            }
            let start = text.len();
            text.push_str(token);
            sentence.push(start..text.len());
            tight = opens;
        }
        places.push(sentence);
    }
    (text, places)
}

#[test]
fn english_quotations_are_found_in_annotated_texts() {
    let Some(folder) = folder("litbank") else {
        println!("skipped: the annotated English texts are not in the data folder");
        return;
    };
    for part in ["train", "dev"] {
        let mut total = Count::default();
        let mut exact = Count::default();
        let mut paths: Vec<PathBuf> = std::fs::read_dir(folder.join(part).join("quotations"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        paths.retain(|path| path.extension().is_some_and(|ext| ext == "ann"));
        paths.sort();
        for path in paths {
            let (text, places) = put_together(&std::fs::read_to_string(path.with_extension("txt")).unwrap());
            let transcript = transcribe("text.txt", text.as_bytes(), &Limits::default()).unwrap();
            let quotations = &transcript.chapters[0].quotations;
            let marked: Vec<_> = quotations.iter().map(|q| (q.start as usize, q.end as usize)).collect();
            let ann = std::fs::read_to_string(&path).unwrap();
            let gold: Vec<(usize, usize)> = ann
                .lines()
                .filter_map(|line| line.strip_prefix("QUOTE\t"))
                .map(|line| {
                    let at: Vec<usize> = line.split('\t').skip(1).take(4).map(|n| n.parse().unwrap()).collect();
                    (places[at[0]][at[1]].start, places[at[2]][at[3]].end)
                })
                .collect();
            total.add(count(&gold, &marked));
            let same = gold.iter().filter(|gold| marked.contains(gold)).count();
            exact.add(Count { found: same, predicted: marked.len(), gold: gold.len() });
        }
        total.print(&format!("English, {part}"));
        exact.print(&format!("English, {part}, exactly"));
        assert!(total.f1() >= 0.85);
    }
}

#[test]
fn french_quotations_are_found_in_annotated_texts() {
    let Some(folder) = folder("fr-litbank/citations") else {
        println!("skipped: the annotated French texts are not in the data folder");
        return;
    };
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ext| ext == "ann"));
    paths.sort();
    let mut total = Count::default();
    for path in paths {
        let gold = citations(&std::fs::read_to_string(&path).unwrap());
        let marked = quotations(&path.with_extension("txt"));
        let counted = count(&gold, &marked);
        counted.print(&path.file_stem().unwrap().to_string_lossy());
        if std::env::var_os("SHOW_DIFFERENCES").is_some() {
            show(&path, &gold, &marked);
        }
        total.add(counted);
    }
    total.print("all");
    assert!(total.f1() >= 0.88);
}

/// Prints what was missed and what was marked in vain.
fn show(path: &Path, gold: &[(usize, usize)], marked: &[(usize, usize)]) {
    let text: Vec<char> = std::fs::read_to_string(path.with_extension("txt")).unwrap().chars().collect();
    let lone = |of: &[(usize, usize)], others: &[(usize, usize)], sign: &str| {
        for &(start, end) in of.iter().filter(|&&a| !others.iter().any(|&b| overlap(a, b) >= 0.5)) {
            let slice = |a: usize, b: usize| text[a..b.min(text.len())].iter().collect::<String>().replace('\n', "¶");
            let inner = if end - start > 240 {
                format!("{} … {}", slice(start, start + 120), slice(end - 80, end))
            } else {
                slice(start, end)
            };
            println!("  {sign} {start} {}⟦{inner}⟧{}", slice(start.saturating_sub(50), start), slice(end, end + 60));
        }
    };
    lone(gold, marked, "missed");
    lone(marked, gold, "vain  ");
}
