//! A small storyboard in full, so that a change of what is chosen is seen.

mod common;

use domain::language::Language;
use story::{Settings, compose};

#[test]
fn a_small_storyboard() {
    let paragraphs = [
        "# The Ferry",
        "The ferry left Ansel at dusk, with Mr. Bly at the helm. Ada counted the lamps on the shore until there were none.",
        "“Will it hold?” asked Ada.",
        "“It always has,” said Bly, and he patted the rail.",
        "***",
        "In the morning Ansel was gone from sight. Only the bells of Ansel came over the water to Ada and to Bly.",
    ];
    let book = common::book("The Crossing", Language::En, &[paragraphs.map(String::from).to_vec()]);
    let board = compose(&book, &common::vectors(&book), &Settings::default()).expect("a good book");
    insta::assert_json_snapshot!(board);
}
