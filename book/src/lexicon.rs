//! Lists of words, as sets.

use std::collections::HashSet;
use std::sync::LazyLock;

/// A set of words in lower case, made on first use.
pub(crate) type Lexicon = LazyLock<HashSet<&'static str>>;

/// The words of a list that white space divides.
pub(crate) fn words(list: &'static str) -> HashSet<&'static str> {
    list.split_whitespace().collect()
}
