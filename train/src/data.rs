//! The emotion data as it lies in its folder: a line a text, its labels' numbers after a tab.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use domain::id::Digest;

/// Plutchik's eight, in the order of their numbers in XED, which count from 1.
pub const PLUTCHIK: [&str; 8] = ["anger", "anticipation", "disgust", "fear", "joy", "sadness", "surprise", "trust"];
/// Ekman's six and neutral, with the GoEmotions labels that fold into each.
pub const EKMAN: [(&str, &[&str]); 7] = [
    ("anger", &["anger", "annoyance", "disapproval"]),
    ("disgust", &["disgust"]),
    ("fear", &["fear", "nervousness"]),
    (
        "joy",
        &[
            "joy",
            "amusement",
            "approval",
            "excitement",
            "gratitude",
            "love",
            "optimism",
            "relief",
            "pride",
            "admiration",
            "desire",
            "caring",
        ],
    ),
    ("sadness", &["sadness", "disappointment", "embarrassment", "grief", "remorse"]),
    ("surprise", &["surprise", "realization", "confusion", "curiosity"]),
    ("neutral", &["neutral"]),
];

/// Texts with their labels, a bit for each.
#[derive(Clone, Debug, Default)]
pub struct Labelled {
    /// The texts.
    pub texts: Vec<String>,
    /// Bit `i` is set where label `i` holds.
    pub labels: Vec<u32>,
}

impl Labelled {
    /// Texts.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// There are none.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// Those at `places`, in that order.
    pub fn at(&self, places: &[usize]) -> Self {
        let texts = places.iter().map(|place| self.texts[*place].clone()).collect();
        Self { texts, labels: places.iter().map(|place| self.labels[*place]).collect() }
    }

    /// Reads `path`: text, tab, numbers parted by commas, the first of which is `first`.
    fn read(path: &Path, first: u32, count: usize) -> Result<Self> {
        let file = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        let mut read = Self::default();
        for (index, line) in file.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let place = || format!("{}, line {}", path.display(), index + 1);
            let mut columns = line.split('\t');
            let (text, numbers) = (columns.next().unwrap_or_default(), columns.next().with_context(place)?);
            let mut labels = 0u32;
            for number in numbers.split(',') {
                let number: u32 = number.trim().parse().with_context(place)?;
                let label = number.checked_sub(first).filter(|label| (*label as usize) < count);
                labels |= 1 << label.with_context(|| format!("{}: there is no label {number}", place()))?;
            }
            read.texts.push(text.to_owned());
            read.labels.push(labels);
        }
        ensure!(!read.is_empty(), "{} has no lines", path.display());
        Ok(read)
    }
}

/// All that the emotion head is trained on and measured with.
#[derive(Clone, Debug)]
pub struct Emotions {
    /// Names of the GoEmotions labels, by number.
    pub names: Vec<String>,
    /// GoEmotions, upstream's train.
    pub train: Labelled,
    /// GoEmotions, upstream's dev.
    pub dev: Labelled,
    /// XED's English lines.
    pub english: Labelled,
    /// XED's French lines.
    pub french: Labelled,
    /// SHA-256 of each file, for the card.
    pub digests: BTreeMap<String, Digest>,
}

impl Emotions {
    /// Reads the folder `emotion` below `data`.
    ///
    /// # Errors
    /// A plain sentence where the folder is not there; else the file and line that can't be read.
    pub fn read(data: &Path) -> Result<Self> {
        let folder = data.join("emotion");
        if !folder.is_dir() {
            bail!("there is no {}; name the folder that holds `emotion/` with --data", folder.display());
        }
        let names =
            fs::read_to_string(folder.join("goemotions_labels.txt")).context("reading goemotions_labels.txt")?;
        let names: Vec<String> = names.split_whitespace().map(str::to_owned).collect();
        ensure!((1..=32).contains(&names.len()), "goemotions_labels.txt names {} labels", names.len());
        let goemotions = |file: &str| Labelled::read(&folder.join(file), 0, names.len());
        let xed = |file: &str| Labelled::read(&folder.join(file), 1, PLUTCHIK.len());
        let files = ["goemotions_train.tsv", "goemotions_dev.tsv", "xed_en.tsv", "xed_fr.tsv"];
        let digest = |file: &str| anyhow::Ok((file.to_owned(), Digest::of(&fs::read(folder.join(file))?)));
        Ok(Self {
            digests: files.into_iter().map(digest).collect::<Result<_>>()?,
            train: goemotions("goemotions_train.tsv")?,
            dev: goemotions("goemotions_dev.tsv")?,
            english: xed("xed_en.tsv")?,
            french: xed("xed_fr.tsv")?,
            names,
        })
    }

    /// For each GoEmotions label its place among [`EKMAN`].
    ///
    /// # Errors
    /// Where a label folds into none.
    pub fn ekman(&self) -> Result<Vec<usize>> {
        let fold = |name: &String| EKMAN.iter().position(|(_, folded)| folded.contains(&name.as_str()));
        self.names.iter().map(|name| fold(name).with_context(|| format!("{name} folds into none of Ekman's"))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_texts_and_bits_and_a_bad_line_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.tsv");
        fs::write(&path, "a b\t1\tid\n\nc\t8, 2\n").unwrap();
        let read = Labelled::read(&path, 1, 8).unwrap();
        assert_eq!(read.texts, ["a b", "c"]);
        assert_eq!(read.labels, [1, 1 << 7 | 1 << 1]);
        for (text, told) in [("a\t9\n", "line 1: there is no label 9"), ("a\t1\nb\n", "line 2"), ("a\tx\n", "line 1")] {
            fs::write(&path, text).unwrap();
            let error = format!("{:#}", Labelled::read(&path, 1, 8).unwrap_err());
            assert!(error.contains(told), "{error}");
        }
    }

    #[test]
    fn a_folder_that_is_not_there_is_told_in_a_sentence() {
        let error = Emotions::read(Path::new("/nowhere")).unwrap_err().to_string();
        assert!(error.contains("/nowhere/emotion") && error.contains("--data"), "{error}");
    }
}
