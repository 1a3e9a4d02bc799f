use domain::id::Digest;
use domain::language::Language;
use proptest::prelude::*;
use store::rows::{RevisionRow, Trash};

use super::*;

const TENANT: TenantId = TenantId(7);

fn row(id: u128, title: &str, created_ms: u64) -> ProjectRow {
    ProjectRow {
        tenant: TENANT,
        project: ProjectId(id),
        version: 1,
        name: None,
        description: String::new(),
        archived: false,
        book: RevisionRow {
            title: title.into(),
            authors: vec!["Élodie Brontë".into()],
            language: Some(Language::Fr),
            format: None,
            file_name: "livre.epub".into(),
            digest: Digest::of(b""),
            bytes: 1,
            added_ms: created_ms,
        },
        earlier_books: vec![],
        created_ms,
        changed_ms: created_ms,
        demo: false,
        trash: None,
        deleted: false,
        run: None,
        earlier_runs: vec![],
    }
}

fn ids(rows: Vec<ProjectRow>, query: &ProjectQuery) -> Vec<u128> {
    ordered(rows, query).iter().map(|(place, _)| place.project.0).collect()
}

#[test]
fn a_search_takes_all_words_wherever_they_stand_whatever_their_case_and_accents() {
    let books = || vec![row(1, "L’Été indien", 1), row(2, "Winter Loan", 2)];
    let found = |search: &str| ids(books(), &ProjectQuery { search: search.into(), ..ProjectQuery::default() });
    assert_eq!(found("ETE bronte"), [1]);
    assert_eq!(found("LIVRE"), [2, 1]);
    assert_eq!(found("winter summer"), [0; 0]);
    assert_eq!(found(""), [2, 1]);
}

#[test]
fn what_is_put_aside_or_deleted_shows_only_where_it_is_asked_for() {
    let archived = ProjectRow { archived: true, ..row(2, "b", 2) };
    let trash = Some(Trash { at_ms: 1, erase_at_ms: 2, intent: 3 });
    let deleted = ProjectRow { trash, archived: true, ..row(3, "c", 3) };
    let erased = ProjectRow { deleted: true, trash, ..row(4, "d", 4) };
    let rows = vec![row(1, "a", 1), archived, deleted, erased];
    let found = |shown| ids(rows.clone(), &ProjectQuery { shown, ..ProjectQuery::default() });
    assert_eq!(found(Shown::Active), [1]);
    assert_eq!(found(Shown::Archived), [2]);
    assert_eq!(found(Shown::All), [2, 1]);
    assert_eq!(found(Shown::Deleted), [3]);
}

#[test]
fn names_go_from_a_on_without_case_and_accents_and_times_from_the_newest_on() {
    let rows = vec![row(1, "Zola", 1), row(2, "été", 3), row(3, "Fables", 2)];
    let found = |sort, reversed| ids(rows.clone(), &ProjectQuery { sort, reversed, ..ProjectQuery::default() });
    assert_eq!(found(Sort::Name, false), [2, 3, 1]);
    assert_eq!(found(Sort::Name, true), [1, 3, 2]);
    assert_eq!(found(Sort::Created, false), [2, 3, 1]);
    assert_eq!(found(Sort::Created, true), [1, 3, 2]);
}

#[test]
fn a_cursor_is_good_for_its_own_list_only() {
    let keys = Keyring::generate().unwrap();
    let query = ProjectQuery { search: "x".into(), ..ProjectQuery::default() };
    let place = Place { key: Key::Text("été".into()), project: ProjectId(9) };
    let text = cursor_of(&keys, TENANT, &query, &place).unwrap();
    assert_eq!(open_cursor(&keys, TENANT, &query, &text), Ok(place));
    let code = |result: Result<Place>| result.map_err(|fault| fault.code);
    let bad = Err("bad-cursor".to_owned());
    assert_eq!(code(open_cursor(&keys, TenantId(8), &query, &text)), bad, "another tenant");
    assert_eq!(code(open_cursor(&keys, TENANT, &ProjectQuery::default(), &text)), bad, "another query");
    let other = Keyring::generate().unwrap();
    assert_eq!(code(open_cursor(&other, TENANT, &query, &text)), bad, "another node's keys");
    assert_eq!(code(open_cursor(&keys, TENANT, &query, "")), bad);
}

proptest! {
    #[test]
    fn a_cursor_that_was_touched_is_refused_and_never_panics(at in 0..200_usize, with in any::<char>()) {
        let keys = Keyring::generate().unwrap();
        let query = ProjectQuery::default();
        let place = Place { key: Key::Time(1_700_000_000_000), project: ProjectId(9) };
        let text = cursor_of(&keys, TENANT, &query, &place).unwrap();
        let mut touched: Vec<char> = text.chars().collect();
        let at = at % touched.len();
        let was = std::mem::replace(&mut touched[at], with);
        let touched: String = touched.into_iter().collect();
        prop_assert_eq!(open_cursor(&keys, TENANT, &query, &touched).is_ok(), was == with);
    }

    #[test]
    fn pages_hold_each_project_once_in_the_order_of_the_whole_list(
        times in prop::collection::vec(0..5_u64, 0..40),
        size in 1..7_usize,
        by_name in any::<bool>(),
        reversed in any::<bool>(),
    ) {
        let rows: Vec<_> = times.iter().enumerate()
            .map(|(id, time)| row(id as u128, &format!("T{time}"), *time)).collect();
        let sort = if by_name { Sort::Name } else { Sort::Created };
        let query = ProjectQuery { sort, reversed, ..ProjectQuery::default() };
        let whole = ordered(rows, &query);
        let (mut paged, mut after) = (Vec::new(), None::<Place>);
        loop {
            let from = after.as_ref()
                .map_or(0, |after| whole.partition_point(|(place, _)| !comes_after(place, after, &query)));
            let page = &whole[from..whole.len().min(from + size)];
            let Some((last, _)) = page.last() else { break };
            after = Some(last.clone());
            paged.extend(page.iter().map(|(place, _)| place.project));
        }
        prop_assert_eq!(paged, whole.iter().map(|(place, _)| place.project).collect::<Vec<_>>());
    }
}
