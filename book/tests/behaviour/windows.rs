//! Windows of sentences.

use book::windows;
use domain::book::{Chapter, Sentence, SourceRange};
use proptest::prelude::*;

fn chapter(sentences: usize) -> Chapter {
    let source = SourceRange { href: String::new(), start: 0, end: 1 };
    let sentence = Sentence { start: 0, end: 1, paragraph: 0, source };
    Chapter { index: 7, text: "x".to_owned(), sentences: vec![sentence; sentences], ..Chapter::default() }
}

fn spans(tokens: &[u32], max_tokens: u32) -> Vec<Vec<(u32, u32, u32)>> {
    windows(&chapter(tokens.len()), tokens, max_tokens)
        .iter()
        .map(|passage| passage.spans.iter().map(|s| (s.sentence, s.token_start, s.token_end)).collect())
        .collect()
}

#[test]
fn whole_sentences_fill_a_window() {
    assert_eq!(spans(&[4, 4, 4], 10), [vec![(0, 0, 4), (1, 0, 4)], vec![(2, 0, 4)]]);
    assert!(spans(&[], 10).is_empty());
}

#[test]
fn a_long_sentence_is_cut_and_its_rest_opens_the_next_window() {
    assert_eq!(
        spans(&[3, 25, 4], 10),
        [vec![(0, 0, 3)], vec![(1, 0, 10)], vec![(1, 10, 20)], vec![(1, 20, 25), (2, 0, 4)],]
    );
}

proptest! {
    #[test]
    fn each_token_stands_in_one_window_and_none_is_too_long(
        tokens in prop::collection::vec(0u32..2000, 0..60),
        max_tokens in 1u32..600,
    ) {
        let mut next = (0u32, 0u32);
        for passage in windows(&chapter(tokens.len()), &tokens, max_tokens) {
            prop_assert_eq!(passage.chapter, 7);
            prop_assert!(passage.spans.iter().map(|s| s.token_end - s.token_start).sum::<u32>() <= max_tokens);
            for span in passage.spans {
                prop_assert_eq!((span.sentence, span.token_start), next);
                let whole = span.token_end == tokens[span.sentence as usize];
                next = if whole { (span.sentence + 1, 0) } else { (span.sentence, span.token_end) };
            }
        }
        prop_assert_eq!(next, (tokens.len() as u32, 0));
    }
}
