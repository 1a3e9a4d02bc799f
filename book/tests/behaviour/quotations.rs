//! Quotations: our own dialogues, and how well those of annotated texts are found.

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
