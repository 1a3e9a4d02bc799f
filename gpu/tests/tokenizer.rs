//! Texts are tokenized alone and joined afterwards, and that is the same as tokenizing them together.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic, in its helpers too")]

mod common;

use common::{model, tiny_model};
use gpu::Tokenizer;

#[test]
fn a_files_own_padding_and_truncation_are_not_used() {
    let (_folder, model) = tiny_model();
    let tokenizer = Tokenizer::open(&model).unwrap();
    let ids = tokenizer.encode_batch(&["w5 w6 w7 w8 w9 w10", "w5", ""]).unwrap();
    assert_eq!(ids, [vec![5, 6, 7, 8, 9, 10], vec![5], vec![]]);
}

#[test]
fn special_tokens_stand_around_the_spans_and_the_spans_find_their_tokens() {
    let (_folder, model) = tiny_model();
    let tokenizer = Tokenizer::open(&model).unwrap();
    assert_eq!(tokenizer.overhead_tokens(), 2);
    let input = tokenizer.passage_input(&[&[5, 6], &[7]]);
    assert_eq!(input.tokens, [1, 5, 6, 7, 2]);
    assert_eq!(input.spans, [(1, 3), (3, 4)]);
}

#[test]
fn prompts_go_before_the_text_where_the_folder_names_them() {
    let (folder, model) = tiny_model();
    let prompts = r#"{ "prompts": { "document": "w8 ", "query": "w9 w9 " } }"#;
    std::fs::write(folder.path().join("config_sentence_transformers.json"), prompts).unwrap();
    let model = gpu::ModelFolder::open(model.path()).unwrap();
    let tokenizer = Tokenizer::open(&model).unwrap();
    assert_eq!(tokenizer.passage_input(&[&[5]]).tokens, [1, 8, 5, 2]);
    assert_eq!(tokenizer.query_input(&[5]).tokens, [1, 9, 9, 5, 2]);
    assert_eq!(tokenizer.query_input(&[5]).spans, [(3, 4)]);
    assert_eq!(tokenizer.overhead_tokens(), 4);
}

#[test]
fn an_input_far_too_long_does_not_wrap_around() {
    let tokenizer = Tokenizer::double();
    let long = vec![9; 70_000];
    let input = tokenizer.passage_input(&[&long, &[8]]);
    assert_eq!(input.tokens.len(), 70_003);
    assert_eq!(input.spans, [(1, u16::MAX), (u16::MAX, u16::MAX)]);
}

#[test]
fn the_doubles_tokenizer_tells_words_and_marks_apart() {
    let tokenizer = Tokenizer::double();
    let ids = tokenizer.encode_batch(&["Où est-il ?", "où EST", "", "…!"]).unwrap();
    assert_eq!(ids.iter().map(Vec::len).collect::<Vec<_>>(), [5, 2, 0, 2]);
    assert_eq!(ids[0][..2], ids[1][..]);
    assert!(ids.iter().flatten().all(|id| (4..1 << 20).contains(id)));
}

#[test]
fn sentences_one_after_the_other_have_the_ids_of_their_text() {
    let Some(model) = model() else { return };
    let tokenizer = Tokenizer::open(&model).unwrap();
    let sentences = ["“Not I,” she said.", "Il s’en alla — seul.", "3½ miles…", "Ça\u{a0}alors !", "a  b"];
    let ids = tokenizer.encode_batch(&sentences).unwrap();
    let text = sentences.join(" ");
    let joined = tokenizer.encode_batch(&[&text]).unwrap().remove(0);
    assert_eq!(ids.concat(), joined);
    assert!(joined.iter().all(|id| *id < 250_037));
}
