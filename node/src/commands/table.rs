//! Tables for people: columns as wide as what stands in them, times and numbers as they are read.

use std::fmt::Write;

use serde_json::Value;

/// Widest column; longer words are cut.
const MAX_WIDTH: usize = 48;

/// Rows below a heading, in columns.
pub fn table<const N: usize>(heading: [&str; N], rows: &[[String; N]]) -> String {
    let cut = |text: &str| -> String {
        let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        match clean.char_indices().nth(MAX_WIDTH) {
            Some((at, _)) => format!("{}…", &clean[..at]),
            None => clean,
        }
    };
    let rows: Vec<[String; N]> = rows.iter().map(|row| row.each_ref().map(|cell| cut(cell))).collect();
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([heading[column].chars().count()]).max().unwrap_or(0)
    };
    let widths: [usize; N] = std::array::from_fn(width);
    let mut out = String::new();
    let mut line = |cells: [&str; N]| {
        let padded: Vec<String> = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        // Writing to a string can't fail.
        let _ = writeln!(out, "{}", padded.join("  ").trim_end());
    };
    line(heading);
    for row in &rows {
        line(row.each_ref().map(String::as_str));
    }
    out
}

/// A text in an answer; empty where there is none.
pub fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// A moment, in UTC to the minute.
pub fn moment(value: &Value) -> String {
    let Some(ms) = value.as_u64() else { return String::new() };
    let (days, minutes) = (ms / 86_400_000, ms / 60_000 % 1_440);
    let (year, month, day) = date(days);
    format!("{year}-{month:02}-{day:02} {:02}:{:02}", minutes / 60, minutes % 60)
}

/// The Gregorian date of a day since 1970: "days to civil" (Hinnant, chrono-compatible low-level date algorithms).
fn date(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

/// How a run stands, in a few words.
pub fn state(run: &Value) -> String {
    let state = &run["state"];
    let name = text(&state["state"]);
    match name.as_str() {
        "working" => {
            let progress = &run["progress"];
            format!("{} {}/{}", text(&state["stage"]), progress["passages_done"], progress["passages_total"])
        }
        "failed" => format!("failed ({})", text(&state["code"])),
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn columns_are_as_wide_as_what_stands_in_them() {
        let rows = [["a".into(), "été".into()], ["bcd".into(), "x\ny".into()]];
        assert_eq!(table(["id", "name"], &rows), "id   name\na    été\nbcd  x y\n");
        let long = table(["x"], &[["é".repeat(60)]]);
        assert_eq!(long.lines().nth(1).map(|line| line.chars().count()), Some(MAX_WIDTH + 1));
    }

    #[test]
    fn moments_are_the_calendars() {
        assert_eq!(moment(&json!(0)), "1970-01-01 00:00");
        assert_eq!(moment(&json!(951_782_400_000_u64)), "2000-02-29 00:00");
        assert_eq!(moment(&json!(1_700_000_000_000_u64)), "2023-11-14 22:13");
        assert_eq!(moment(&json!(null)), "");
    }

    #[test]
    fn a_run_says_how_it_stands() {
        let working = json!({ "state": { "state": "working", "stage": "understanding" },
            "progress": { "passages_done": 3, "passages_total": 9 } });
        assert_eq!(state(&working), "understanding 3/9");
        assert_eq!(state(&json!({ "state": { "state": "failed", "code": "c" } })), "failed (c)");
        assert_eq!(state(&json!({ "state": { "state": "ready" } })), "ready");
    }
}
