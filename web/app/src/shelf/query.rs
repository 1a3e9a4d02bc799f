//! What of the shelf is shown, and in which order: how it stands in the page's address and what the node is asked.

use domain::language::Language;
use domain::project::StateFilter;
use domain::text::Text;
use serde::{Deserialize, Serialize};

/// Projects of a page.
pub const PAGE: usize = 50;
/// Most that one request gives.
pub const PAGE_MAX: usize = 500;

/// Which projects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shown {
    #[default]
    Active,
    Archived,
    Deleted,
    /// Other people's, that whoever looks is a member of.
    Shared,
}

impl Shown {
    pub const ALL: [(Self, &'static str, Text); 4] = [
        (Self::Active, "active", Text::ShownActive),
        (Self::Archived, "archived", Text::ShownArchived),
        (Self::Deleted, "deleted", Text::ShownDeleted),
        (Self::Shared, "shared", Text::ShownShared),
    ];
}

/// States of a project's newest run, as they can be chosen.
pub const STATES: [(StateFilter, &str, Text); 5] = [
    (StateFilter::Received, "received", Text::StateReceived),
    (StateFilter::Working, "working", Text::StateWorking),
    (StateFilter::Ready, "ready", Text::StateReady),
    (StateFilter::Failed, "failed", Text::StateFailed),
    (StateFilter::Cancelled, "cancelled", Text::StateCancelled),
];

/// Languages of books, each by its own name.
pub const LANGUAGES: [(Language, &str); 2] = [(Language::En, "English"), (Language::Fr, "Français")];

/// In which order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    #[default]
    Newest,
    Oldest,
    Changed,
    Name,
    NameDown,
}

impl Order {
    pub const ALL: [(Self, &'static str, Text); 5] = [
        (Self::Newest, "newest", Text::SortNewest),
        (Self::Oldest, "oldest", Text::SortOldest),
        (Self::Changed, "changed", Text::SortChanged),
        (Self::Name, "name", Text::SortName),
        (Self::NameDown, "namedown", Text::SortNameDown),
    ];

    /// What the node calls it, and whether it is turned round.
    fn asked(self) -> (&'static str, bool) {
        match self {
            Self::Newest => ("created", false),
            Self::Oldest => ("created", true),
            Self::Changed => ("changed", false),
            Self::Name => ("name", false),
            Self::NameDown => ("name", true),
        }
    }
}

/// What is shown of the shelf, as the page's address holds it: what is usual is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Query {
    #[serde(skip_serializing_if = "is_usual")]
    pub shown: Shown,
    #[serde(skip_serializing_if = "is_usual")]
    pub state: Option<StateFilter>,
    #[serde(skip_serializing_if = "is_usual")]
    pub language: Option<Language>,
    #[serde(skip_serializing_if = "is_usual")]
    pub sort: Order,
    #[serde(skip_serializing_if = "is_usual")]
    pub search: String,
}

fn is_usual<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Query {
    /// What the node is asked for a page of at most `limit`, unescaped.
    pub fn asked(&self, limit: usize, cursor: Option<&str>) -> Vec<(&'static str, String)> {
        let shown = Shown::ALL.iter().find(|(shown, ..)| *shown == self.shown).map_or("active", |(_, name, _)| name);
        let (sort, reversed) = self.sort.asked();
        let mut asked = vec![("shown", shown.to_owned()), ("sort", sort.to_owned())];
        let state = STATES.iter().find(|(state, ..)| Some(*state) == self.state);
        asked.extend(state.map(|(_, name, _)| ("state", (*name).to_owned())));
        asked.extend(self.language.map(|language| ("language", language.tag().to_owned())));
        if reversed {
            asked.push(("reversed", "true".to_owned()));
        }
        // The node takes no more, and nobody means more.
        let search: String = self.search.trim().chars().take(domain::project::SEARCH_MAX_CHARS).collect();
        if !search.is_empty() {
            asked.push(("search", search));
        }
        asked.push(("limit", limit.clamp(1, PAGE_MAX).to_string()));
        asked.extend(cursor.map(|cursor| ("cursor", cursor.to_owned())));
        asked
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(query: &Query) -> String {
        let pairs = query.asked(PAGE, Some("c"));
        pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
    }

    #[test]
    fn the_node_is_asked_for_what_is_shown_in_its_own_words() {
        assert_eq!(asked(&Query::default()), "shown=active&sort=created&limit=50&cursor=c");
        let query =
            Query { shown: Shown::Deleted, sort: Order::NameDown, search: " été  ".into(), ..Query::default() };
        assert_eq!(asked(&query), "shown=deleted&sort=name&reversed=true&search=été&limit=50&cursor=c");
        let query = Query { state: Some(StateFilter::Failed), language: Some(Language::Fr), ..Query::default() };
        assert_eq!(asked(&query), "shown=active&sort=created&state=failed&language=fr&limit=50&cursor=c");
        let long = Query { search: "x".repeat(900), ..Query::default() };
        assert_eq!(long.asked(9_000, None)[2..], [("search", "x".repeat(200)), ("limit", "500".to_owned())]);
    }

    #[test]
    fn every_choice_is_spelt_as_the_address_spells_it() {
        for (order, name, _) in Order::ALL {
            assert_eq!(serde_json::to_value(order).ok(), Some(name.into()));
        }
        for (shown, name, _) in Shown::ALL {
            assert_eq!(serde_json::to_value(shown).ok(), Some(name.into()));
        }
        for (state, name, _) in STATES {
            assert_eq!(serde_json::to_value(state).ok(), Some(name.into()));
        }
        assert_eq!(serde_json::to_string(&Query::default()).ok().as_deref(), Some("{}"));
    }
}
