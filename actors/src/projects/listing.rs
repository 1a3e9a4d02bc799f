//! The list of a tenant's projects: one bounded partition, filtered, sorted and searched in memory, in pages.
//!
//! A page says where the next one goes on by a *cursor*: the place of its last project in the order, signed together
//! with tenant and query. So a cursor is good for the list that it came from and for nothing else, and a project that
//! comes, goes or moves between two pages is at worst missed or seen twice, never a reason to start over.

use bincode::{Decode, Encode};
use cluster::body::Fault;
use domain::id::{ProjectId, TenantId};
use domain::principal::Principal;
use domain::project::{PAGE_MAX, Project, ProjectPage, ProjectQuery, SEARCH_MAX_CHARS, Shown, Sort, StateFilter};
use futures_util::future::try_join_all;
use store::rows::{LIST_MAX, ProjectRow};
use store::{Keyring, Purpose, Signed};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::views::{view, whole};
use super::{Result, fault};
use crate::run::RunContext;
use domain::api::ProjectView;

/// Runs read at a time where a list is filtered by their state.
const READS: usize = 16;
/// Longest cursor: a name's key and a signature.
const CURSOR_MAX_BYTES: usize = 16 << 10;
/// What a cursor's bytes are: never changes, a new way gets a new number.
const CURSOR_CONFIG: bincode::config::Configuration = bincode::config::standard();

/// A place in a list: what it is sorted by, then the id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
struct Place {
    key: Key,
    project: ProjectId,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
enum Key {
    Time(u64),
    Text(String),
}

/// All projects of a tenant, newest first, as the first messages show them.
pub async fn all(context: &RunContext, principal: Principal) -> Result<Vec<ProjectView>> {
    let query = ProjectQuery { shown: Shown::All, ..ProjectQuery::default() };
    let rows = context.records.project_list(principal.tenant, LIST_MAX).await.map_err(fault)?;
    let mut views = Vec::new();
    for (_, row) in ordered(rows, &query) {
        views.push(view(context, &row).await?);
    }
    Ok(views)
}

/// A page of a tenant's projects.
///
/// # Errors
/// `bad-cursor`, `bad-request` for a search that is too long.
pub async fn page(
    context: &RunContext,
    principal: Principal,
    query: &ProjectQuery,
    limit: u32,
    cursor: Option<&str>,
) -> Result<ProjectPage> {
    let rows = match query.shown {
        // What is others' is none of the tenant's.
        Shown::Shared => Vec::new(),
        _ => context.records.project_list(principal.tenant, LIST_MAX).await.map_err(fault)?,
    };
    paged(context, principal.tenant, rows, query, limit, cursor).await
}

/// A page of these projects, for whoever has this tenant.
///
/// # Errors
/// As [`page`].
pub(crate) async fn paged(
    context: &RunContext,
    tenant: TenantId,
    rows: Vec<ProjectRow>,
    query: &ProjectQuery,
    limit: u32,
    cursor: Option<&str>,
) -> Result<ProjectPage> {
    if query.search.chars().count() > SEARCH_MAX_CHARS {
        let detail = format!("a search has at most {SEARCH_MAX_CHARS} characters");
        return Err(Fault::new("bad-request", detail));
    }
    let after = cursor.map(|text| open_cursor(&context.keys, tenant, query, text)).transpose()?;
    let rows = in_state(context, ordered(rows, query), query).await?;
    let total = rows.len() as u32;
    let limit = limit.clamp(1, PAGE_MAX) as usize;
    let from = after.map_or(0, |after| rows.partition_point(|(place, _)| !comes_after(place, &after, query)));
    let shown = &rows[from..rows.len().min(from + limit)];
    let next = match shown.last() {
        Some((last, _)) if from + shown.len() < rows.len() => Some(cursor_of(&context.keys, tenant, query, last)?),
        _ => None,
    };
    let mut projects: Vec<Project> = Vec::with_capacity(shown.len());
    for some in shown.chunks(READS) {
        projects.extend(try_join_all(some.iter().map(|(_, row)| whole(context, row))).await?);
    }
    Ok(ProjectPage { projects, total, next })
}

/// The rows that a query takes, by what stands in them alone, in its order.
fn ordered(rows: Vec<ProjectRow>, query: &ProjectQuery) -> Vec<(Place, ProjectRow)> {
    let words: Vec<String> = fold(&query.search).split_whitespace().map(str::to_owned).collect();
    let taken = rows.into_iter().filter(|row| is_taken(row, query, &words));
    let mut placed: Vec<_> = taken.map(|row| (place(&row, query.sort), row)).collect();
    placed.sort_by(|(a, _), (b, _)| if descends(query) { b.cmp(a) } else { a.cmp(b) });
    placed
}

/// Times go from the newest on and names from A on, unless it is to be the other way round.
fn descends(query: &ProjectQuery) -> bool {
    (query.sort != Sort::Name) != query.reversed
}

fn comes_after(place: &Place, after: &Place, query: &ProjectQuery) -> bool {
    if descends(query) { place < after } else { place > after }
}

fn place(row: &ProjectRow, sort: Sort) -> Place {
    let key = match sort {
        Sort::Created => Key::Time(row.created_ms),
        Sort::Changed => Key::Time(row.changed_ms),
        Sort::Name => Key::Text(fold(row.name.as_ref().unwrap_or(&row.book.title))),
    };
    Place { key, project: row.project }
}

fn is_taken(row: &ProjectRow, query: &ProjectQuery, words: &[String]) -> bool {
    let shown = match query.shown {
        _ if row.deleted => false,
        Shown::Deleted => row.trash.is_some(),
        _ if row.trash.is_some() => false,
        Shown::Active => !row.archived,
        Shown::Archived => row.archived,
        Shown::All | Shown::Shared => true,
    };
    shown
        && query.language.is_none_or(|language| row.book.language == Some(language))
        && (words.is_empty() || {
            let text = searched(row);
            words.iter().all(|word| text.contains(word.as_str()))
        })
}

/// Everything of a project that is searched.
fn searched(row: &ProjectRow) -> String {
    let book = &row.book;
    let name = row.name.as_deref().unwrap_or_default();
    let parts = [name, &book.title, &book.authors.join("\n"), &row.description, &book.file_name];
    fold(&parts.join("\n"))
}

/// Text with case and accents aside: `Été` and `ete` are one.
fn fold(text: &str) -> String {
    text.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).collect()
}

/// Those whose newest run stands as the query wants it. Runs are partitions of their own: this is the one filter that
/// reads more than the list.
async fn in_state(
    context: &RunContext,
    rows: Vec<(Place, ProjectRow)>,
    query: &ProjectQuery,
) -> Result<Vec<(Place, ProjectRow)>> {
    let Some(wanted) = query.state else { return Ok(rows) };
    let mut fits = Vec::with_capacity(rows.len());
    for some in rows.chunks(READS) {
        fits.extend(try_join_all(some.iter().map(|(_, row)| is_in_state(context, row, wanted))).await?);
    }
    Ok(rows.into_iter().zip(fits).filter(|(_, fits)| *fits).map(|(placed, _)| placed).collect())
}

async fn is_in_state(context: &RunContext, row: &ProjectRow, wanted: StateFilter) -> Result<bool> {
    let Some(run) = row.run else { return Ok(false) };
    let run = context.records.run_get(run).await.map_err(fault)?;
    Ok(run.is_some_and(|run| wanted.takes(&run.state)))
}

fn cursor_of(keys: &Keyring, tenant: TenantId, query: &ProjectQuery, place: &Place) -> Result<String> {
    let body = encoded(place)?;
    let signed = keys.sign(Purpose::Cursor, &signed_bytes(tenant, query, &body)?);
    let hex: String = body.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("{hex}.{signed}"))
}

fn open_cursor(keys: &Keyring, tenant: TenantId, query: &ProjectQuery, text: &str) -> Result<Place> {
    let bad = || Fault::new("bad-cursor", "this cursor is not of this list: begin again without one");
    if text.len() > CURSOR_MAX_BYTES {
        return Err(bad());
    }
    let (hex, signature) = text.split_once('.').ok_or_else(bad)?;
    let body = unhex(hex).ok_or_else(bad)?;
    let signed: Signed = signature.parse().map_err(|_| bad())?;
    if !keys.verify(Purpose::Cursor, &signed_bytes(tenant, query, &body)?, &signed) {
        return Err(bad());
    }
    match bincode::decode_from_slice(&body, CURSOR_CONFIG) {
        Ok((place, read)) if read == body.len() => Ok(place),
        _ => Err(bad()),
    }
}

/// What is signed: which list, for whom, and the place in it.
fn signed_bytes(tenant: TenantId, query: &ProjectQuery, body: &[u8]) -> Result<Vec<u8>> {
    encoded(&("projects-1", tenant, query, body))
}

fn encoded(value: &impl Encode) -> Result<Vec<u8>> {
    bincode::encode_to_vec(value, CURSOR_CONFIG)
        .map_err(|e| Fault::new("internal", format!("a cursor could not be encoded: {e}")))
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).filter(|_| !byte.is_ascii_uppercase());
    let pair = |pair: &[u8]| Some((digit(pair[0])? << 4 | digit(*pair.get(1)?)?) as u8);
    text.as_bytes().chunks(2).map(pair).collect()
}

#[cfg(test)]
mod tests;
