//! BookNLP's file formats, so that scholars' tools and published scores apply.
//!
//! `NAME.tokens` holds a token a line with its paragraph, its sentence and its place in the text; `NAME.quotes` the
//! quotations; `NAME.entities` the mentions of people and places. All have a header, tabs between columns and no
//! quoting; spans are numbers of tokens, the last one included. What no model has told yet says so: `_` for a
//! lemma or a part of speech, `None` for a speaker.
//!
//! Format: D. Bamman, BookNLP, <https://github.com/booknlp/booknlp>.

mod words;

use std::fmt::Write as _;
use std::ops::Range;

use book::transcript::Transcript;

/// A text cut into tokens, with what is known of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// In order.
    pub tokens: Vec<Token>,
    /// In order, disjoint.
    pub quotes: Vec<Quote>,
}

/// A word or a mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Paragraph in the text, from 0.
    pub paragraph: u32,
    /// Sentence in the text, from 0.
    pub sentence: u32,
    /// Place in its sentence, from 0.
    pub in_sentence: u32,
    /// As the text has it.
    pub word: String,
    /// Where it stands, bytes.
    pub place: Range<u64>,
}

/// A quotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// Its first token.
    pub first: usize,
    /// Its last token.
    pub last: usize,
    /// As the text has it, white space folded.
    pub text: String,
}

/// Cuts a transcript into tokens and lays its quotations over them.
pub fn document(transcript: &Transcript) -> Document {
    let mut document = Document::default();
    let (mut paragraphs, mut sentences) = (0, 0);
    for (index, chapter) in transcript.chapters.iter().enumerate() {
        // Where each token of this chapter stands in the chapter's text.
        let mut spans: Vec<Range<usize>> = Vec::new();
        let first_token = document.tokens.len();
        for number in 0..chapter.paragraphs.len() {
            let language = chapter.paragraphs[number].language.unwrap_or(transcript.language);
            for (start, end) in transcript.sentences(index, number) {
                for (in_sentence, word) in (0u32..).zip(words::of(&chapter.text[start..end], language)) {
                    let span = start + word.start..start + word.end;
                    document.tokens.push(Token {
                        paragraph: paragraphs,
                        sentence: sentences,
                        in_sentence,
                        word: chapter.text[span.clone()].to_owned(),
                        place: transcript.place(index, number, span.clone()),
                    });
                    spans.push(span);
                }
                sentences += 1;
            }
            paragraphs += 1;
        }
        for quotation in &chapter.quotations {
            let (start, end) = (quotation.start as usize, quotation.end as usize);
            let first = spans.partition_point(|span| span.end <= start);
            let after = spans.partition_point(|span| span.start < end);
            if first < after {
                let text = chapter.text[start..end].split_whitespace().collect::<Vec<_>>().join(" ");
                document.quotes.push(Quote { first: first_token + first, last: first_token + after - 1, text });
            }
        }
    }
    document
}

impl Document {
    /// `NAME.tokens`.
    pub fn tokens_file(&self) -> String {
        let mut out = "paragraph_ID\tsentence_ID\ttoken_ID_within_sentence\ttoken_ID_within_document\tword\tlemma\t\
                       byte_onset\tbyte_offset\tPOS_tag\tfine_POS_tag\tdependency_relation\tsyntactic_head_ID\tevent\n"
            .to_owned();
        for (number, token) in self.tokens.iter().enumerate() {
            let Token { paragraph, sentence, in_sentence, word, place } = token;
            let (start, end) = (place.start, place.end);
            // Writing to a string cannot fail.
            let _ = writeln!(
                out,
                "{paragraph}\t{sentence}\t{in_sentence}\t{number}\t{word}\t_\t{start}\t{end}\t_\t_\t_\t_\tO"
            );
        }
        out
    }

    /// `NAME.quotes`.
    pub fn quotes_file(&self) -> String {
        let mut out = "quote_start\tquote_end\tmention_start\tmention_end\tmention_phrase\tchar_id\tquote\n".to_owned();
        for Quote { first, last, text } in &self.quotes {
            let _ = writeln!(out, "{first}\t{last}\tNone\tNone\tNone\tNone\t{text}");
        }
        out
    }

    /// `NAME.entities`: its header, until a model tells entities.
    pub fn entities_file(&self) -> String {
        "COREF\tstart_token\tend_token\tprop\tcat\ttext\n".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use book::Limits;
    use book::transcript::transcribe;

    use super::*;

    const TEXT: &str = "CHAPTER I\r\n\r\n“It’s late,” said Mr. Bell.\r\nShe didn’t hear; the door was shut, and the \
                        lamp was out.\r\n\r\n“Go — go!” he said.\r\n";

    #[test]
    fn tokens_stand_where_the_file_has_them() {
        let document = document(&transcribe("a.txt", TEXT.as_bytes(), &Limits::default()).unwrap());
        for token in &document.tokens {
            assert_eq!(&TEXT[token.place.start as usize..token.place.end as usize], token.word);
        }
        let seen: String = document.tokens.iter().map(|token| token.word.as_str()).collect();
        assert_eq!(seen, TEXT.split_whitespace().collect::<String>(), "no letter of the file is missing");
        assert_eq!(document.tokens.last().unwrap().paragraph, 2);
    }

    #[test]
    fn quotes_name_their_first_and_last_token() {
        let document = document(&transcribe("a.txt", TEXT.as_bytes(), &Limits::default()).unwrap());
        let words = |quote: &Quote| {
            document.tokens[quote.first..=quote.last].iter().map(|token| token.word.as_str()).collect::<Vec<_>>()
        };
        let quotes: Vec<_> = document.quotes.iter().map(words).collect();
        assert_eq!(quotes, [vec!["“", "It", "’s", "late", ",", "”"], vec!["“", "Go", "—", "go", "!", "”"]]);
    }

    #[test]
    fn files_have_a_header_and_a_line_each() {
        let document = document(&transcribe("a.txt", TEXT.as_bytes(), &Limits::default()).unwrap());
        let tokens = document.tokens_file();
        assert_eq!(tokens.lines().count(), 1 + document.tokens.len());
        assert!(tokens.lines().all(|line| line.split('\t').count() == 13));
        assert!(document.quotes_file().lines().all(|line| line.split('\t').count() == 7));
        assert_eq!(document.quotes_file().lines().count(), 3);
        assert_eq!(document.entities_file().lines().count(), 1);
    }
}
