//! Links in Markdown pages that lead to files of the checkout lead somewhere.

use std::path::Path;

use super::Complaint;

/// Checks every local link of a page; code is left alone.
pub fn check(root: &Path, name: &str, text: &str) -> Vec<Complaint> {
    let folder = Path::new(name).parent().unwrap_or(Path::new(""));
    let mut complaints = Vec::new();
    let mut in_code = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            continue;
        }
        for target in targets(&without_code(line)) {
            let path = target.split(['#', '?']).next().unwrap_or_default().replace("%20", " ");
            if is_local(&target) && !path.is_empty() && !root.join(folder).join(&path).exists() {
                complaints.push(Complaint {
                    file: name.to_owned(),
                    line: index + 1,
                    what: format!("the link to {target} leads nowhere"),
                });
            }
        }
    }
    complaints
}

fn is_local(target: &str) -> bool {
    !target.starts_with('#') && !target.contains("://") && !target.starts_with("mailto:") && !target.starts_with('/')
}

/// The line with its `code` blanked out.
fn without_code(line: &str) -> String {
    line.split('`').enumerate().filter(|(index, _)| index % 2 == 0).map(|(_, text)| text).collect::<Vec<_>>().join("``")
}

/// Targets of `[text](target)`, of `[text](target "title")` and of `[label]: target`; what follows `[^note]: ` is text.
fn targets(line: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in line.match_indices("](") {
        let rest = &line[at + 2..];
        if let Some(end) = rest.find(')') {
            let target = rest[..end].split_whitespace().next().unwrap_or_default();
            found.push(target.trim_matches(['<', '>']).to_owned());
        }
    }
    let definition = line.strip_prefix('[').and_then(|rest| rest.split_once("]: "));
    if let Some((_, target)) = definition.filter(|(label, _)| !label.starts_with('^')) {
        found.extend(target.split_whitespace().next().map(str::to_owned));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_to_a_file_that_is_gone_is_named_with_its_line() {
        let scratch = tempfile::tempdir().expect("a temporary folder");
        std::fs::create_dir(scratch.path().join("docs")).expect("made");
        std::fs::write(scratch.path().join("docs/here.md"), "x").expect("written");
        let page = "See [this](here.md#part) and [that](../docs/here.md).\n\n[gone](gone.md) `[code](gone.md)`\n```\n[block](gone.md)\n```\n[far](https://example.org/x) [own](#part)\n\n[label]: missing.md\n\n[^1]: A note.\n";
        let complaints = check(scratch.path(), "docs/page.md", page);
        let lines: Vec<String> = complaints.iter().map(ToString::to_string).collect();
        assert_eq!(
            lines,
            [
                "docs/page.md:3: the link to gone.md leads nowhere",
                "docs/page.md:9: the link to missing.md leads nowhere"
            ]
        );
    }
}
