//! Windows of whole sentences for the encoder.

use domain::book::Chapter;
use domain::passage::{Passage, SentenceSpan};

/// Cuts a chapter into passages of at most `max_tokens` tokens: greedily, as many whole sentences as fit.
/// A sentence that is longer than that starts a passage of its own and is cut by tokens; what remains of
/// it opens the next passage.
///
/// `sentence_tokens[i]` is the length of the chapter's sentence `i`; sentences beyond the end of that
/// slice are left out. Each token stands in exactly one passage; a `max_tokens` of 0 counts as 1.
pub fn windows(chapter: &Chapter, sentence_tokens: &[u32], max_tokens: u32) -> Vec<Passage> {
    let max_tokens = max_tokens.max(1);
    let mut passages = Vec::new();
    let mut spans: Vec<SentenceSpan> = Vec::new();
    let mut used = 0;
    let mut close = |spans: &mut Vec<SentenceSpan>, used: &mut u32| {
        *used = 0;
        if !spans.is_empty() {
            passages.push(Passage { chapter: chapter.index, spans: std::mem::take(spans) });
        }
    };
    let count = chapter.sentences.len().min(sentence_tokens.len());
    for (sentence, &tokens) in (0u32..).zip(&sentence_tokens[..count]) {
        if tokens > max_tokens - used {
            close(&mut spans, &mut used);
        }
        let mut token_start = 0;
        while tokens - token_start > max_tokens {
            let token_end = token_start + max_tokens;
            spans.push(SentenceSpan { sentence, token_start, token_end });
            close(&mut spans, &mut used);
            token_start = token_end;
        }
        spans.push(SentenceSpan { sentence, token_start, token_end: tokens });
        used += tokens - token_start;
    }
    close(&mut spans, &mut used);
    passages
}
