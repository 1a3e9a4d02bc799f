//! The format of the sample stories, read strictly: a slip of the pen stops the build instead of reaching a reader.

use anyhow::{Result, bail, ensure};

const HEADER: [&str; 5] = ["title", "author", "language", "identifier", "modified"];

/// A story as its source states it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Story {
    /// Of the whole book.
    pub title: String,
    /// As printed.
    pub author: String,
    /// `en` or `fr`.
    pub language: String,
    /// A URN that never changes.
    pub identifier: String,
    /// `dcterms:modified`.
    pub modified: String,
    /// In reading order; never empty.
    pub chapters: Vec<Chapter>,
}

/// A chapter and its blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chapter {
    /// May hold emphasis.
    pub title: Spans,
    /// In reading order.
    pub blocks: Vec<Block>,
}

/// What stands between two empty lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// One paragraph.
    Paragraph(Spans),
    /// Verse, a letter, a notice: lines that keep their ends.
    Lines(Vec<Spans>),
    /// A break inside a chapter.
    Break,
}

/// Text in pieces, each with whether it is emphasised.
pub type Spans = Vec<(String, bool)>;

/// Reads a story.
///
/// # Errors
/// The line and what is wrong with it.
pub fn parse(text: &str) -> Result<Story> {
    check_lines(text)?;
    let lines: Vec<&str> = text.lines().collect();
    let mut header = Vec::new();
    for (index, key) in HEADER.iter().enumerate() {
        let value = lines.get(index).and_then(|line| line.strip_prefix(key)?.strip_prefix(": "));
        let Some(value) = value else { bail!("line {}: `{key}: …` is expected", index + 1) };
        header.push(value.to_owned());
    }
    ensure!(lines.get(HEADER.len()) == Some(&""), "line {}: an empty line ends the header", HEADER.len() + 1);
    let chapters = chapters(&lines, HEADER.len() + 1)?;
    let [title, author, language, identifier, modified] = header.try_into().expect("as many values as keys");
    ensure!(matches!(language.as_str(), "en" | "fr"), "line 3: `en` or `fr` is expected");
    Ok(Story { title, author, language, identifier, modified, chapters })
}

fn check_lines(text: &str) -> Result<()> {
    ensure!(text.ends_with('\n') && !text.ends_with("\n\n"), "one newline ends the file");
    for (index, line) in text.lines().enumerate() {
        ensure!(!line.contains(['\t', '\r']), "line {}: no tabs and no carriage returns", index + 1);
        ensure!(line.trim_matches(' ') == line, "line {}: no space at either end", index + 1);
    }
    Ok(())
}

fn chapters(lines: &[&str], first: usize) -> Result<Vec<Chapter>> {
    let mut chapters: Vec<Chapter> = Vec::new();
    let mut at = first;
    while at < lines.len() {
        let number = at + 1;
        let length = lines[at..].iter().position(|line| line.is_empty()).unwrap_or(lines.len() - at);
        let block = &lines[at..at + length];
        ensure!(!block.is_empty(), "line {number}: exactly one empty line stands between two blocks");
        if let [line] = block
            && let Some(title) = line.strip_prefix("# ")
        {
            end_of_chapter(chapters.last(), number)?;
            chapters.push(Chapter { title: spans(title, number)?, blocks: Vec::new() });
        } else {
            let Some(chapter) = chapters.last_mut() else { bail!("line {number}: the first block is a chapter") };
            let block = self::block(block, number)?;
            let after_break = chapter.blocks.last().is_none_or(|last| *last == Block::Break);
            ensure!(block != Block::Break || !after_break, "line {number}: a scene break stands between two texts");
            chapter.blocks.push(block);
        }
        at += length + 1;
    }
    end_of_chapter(chapters.last(), lines.len())?;
    ensure!(!chapters.is_empty(), "a story has a chapter");
    Ok(chapters)
}

fn end_of_chapter(chapter: Option<&Chapter>, number: usize) -> Result<()> {
    let whole = chapter.is_none_or(|chapter| chapter.blocks.last().is_some_and(|last| *last != Block::Break));
    ensure!(whole, "line {number}: a chapter ends with text");
    Ok(())
}

fn block(lines: &[&str], number: usize) -> Result<Block> {
    if lines.iter().all(|line| line.starts_with("> ")) {
        let lines = lines.iter().enumerate().map(|(index, line)| spans(&line[2..], number + index));
        return Ok(Block::Lines(lines.collect::<Result<_>>()?));
    }
    let [line] = lines else { bail!("line {number}: a paragraph is a single line") };
    if *line == "***" {
        return Ok(Block::Break);
    }
    ensure!(
        !line.starts_with(['#', '>', '*']) || line.starts_with('*') && !line.starts_with("**"),
        "line {number}: no such block"
    );
    Ok(Block::Paragraph(spans(line, number)?))
}

fn spans(text: &str, number: usize) -> Result<Spans> {
    let pieces: Vec<&str> = text.split('*').collect();
    ensure!(pieces.len() % 2 == 1, "line {number}: emphasis opens and closes on the same line");
    let inner_is_text = pieces.iter().skip(1).step_by(2).all(|piece| !piece.is_empty());
    ensure!(inner_is_text && !text.is_empty(), "line {number}: emphasis and text are not empty");
    let spans = pieces.iter().enumerate().map(|(index, piece)| ((*piece).to_owned(), index % 2 == 1));
    Ok(spans.filter(|(piece, _)| !piece.is_empty()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "title: T\nauthor: A\nlanguage: en\nidentifier: urn:x\nmodified: 2025-01-15T00:00:00Z\n\n";

    fn body(body: &str) -> Result<Vec<Chapter>> {
        parse(&format!("{HEAD}{body}")).map(|story| story.chapters)
    }

    #[test]
    fn each_kind_of_block_is_read_as_the_readme_describes_it() {
        let chapters = body("# The *Horn*\n\nShe *ran*.\n\n***\n\n> Dear Ann,\n> Tuesday.\n").expect("read");
        let plain = |text: &str| vec![(text.to_owned(), false)];
        assert_eq!(chapters[0].title, [("The ".to_owned(), false), ("Horn".to_owned(), true)]);
        assert_eq!(
            chapters[0].blocks,
            [
                Block::Paragraph(vec![("She ".into(), false), ("ran".into(), true), (".".into(), false)]),
                Block::Break,
                Block::Lines(vec![plain("Dear Ann,"), plain("Tuesday.")]),
            ]
        );
    }

    #[test]
    fn whatever_is_not_described_is_refused_with_its_line() {
        for (text, line) in [
            ("Text before a chapter.\n", "line 7"),
            ("# A\n\nOne.\n\n\nTwo.\n", "line 11"),
            ("# A\n\nOne\nand two.\n", "line 9"),
            ("# A\n\n***\n\nOne.\n", "line 9"),
            ("# A\n\nOne.\n\n***\n", "line 11"),
            ("# A\n\nOne.\n\n***\n\n***\n\nTwo.\n", "line 13"),
            ("# A\n\nAn *open end.\n", "line 9"),
            ("# A\n\nNothing ** there.\n", "line 9"),
            ("# A\n\n One.\n", "line 9"),
            ("# A\n\n## B\n", "line 9"),
            ("# A\n", "line 7"),
        ] {
            let error = body(text).expect_err(text).to_string();
            assert!(error.starts_with(line), "{text:?}: {error}");
        }
        assert!(parse("title: T\nlanguage: en\n").expect_err("no author").to_string().starts_with("line 2"));
    }
}
