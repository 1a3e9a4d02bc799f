//! Who may know whom: the arrows between the crates, over `cargo metadata`.

use std::path::Path;

use anyhow::{Context, Result};
use cargo_metadata::{Metadata, MetadataCommand};

use super::Complaint;

const MIDDLE: [&str; 6] = ["book", "gpu", "story", "scheduler", "store", "cluster"];

/// Reads both workspaces and checks each dependency of each crate, those of tests and build scripts included.
pub fn check(root: &Path) -> Result<Vec<Complaint>> {
    let mut complaints = Vec::new();
    for manifest in ["Cargo.toml", "web/Cargo.toml"] {
        let metadata = MetadataCommand::new()
            .manifest_path(root.join(manifest))
            .no_deps()
            .exec()
            .with_context(|| format!("cargo can't read {manifest}"))?;
        complaints.extend(check_workspace(&metadata, manifest == "web/Cargo.toml"));
    }
    Ok(complaints)
}

fn check_workspace(metadata: &Metadata, web: bool) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for package in metadata.workspace_packages() {
        let from = package.name.as_str();
        for dependency in &package.dependencies {
            if dependency.path.is_none() || dependency.name == from {
                continue;
            }
            let to = dependency.name.as_str();
            if !(if web { to == "domain" } else { may_know(from, to) }) {
                let file =
                    package.manifest_path.strip_prefix(&metadata.workspace_root).unwrap_or(&package.manifest_path);
                let file = if web { format!("web/{file}") } else { file.to_string() };
                complaints.push(Complaint {
                    file,
                    line: 0,
                    what: format!("`{from}` may not know `{to}`: {}", rule(from, web)),
                });
            }
        }
    }
    complaints
}

/// `domain ← book, gpu, story, scheduler, store, cluster ← actors ← node`; gpu and story may use book.
fn may_know(from: &str, to: &str) -> bool {
    match from {
        "domain" | "xtask" => false,
        "gpu" | "story" => matches!(to, "domain" | "book"),
        "actors" => to == "domain" || MIDDLE.contains(&to),
        "node" => to == "domain" || to == "actors" || MIDDLE.contains(&to),
        // What the heads were made with; the product knows nothing of it.
        "train" => matches!(to, "domain" | "book" | "gpu"),
        // Benchmarks measure whatever there is; nobody depends on them.
        "benches" => to != "xtask",
        middle if MIDDLE.contains(&middle) => to == "domain",
        _ => false,
    }
}

fn rule(from: &str, web: bool) -> &'static str {
    match from {
        _ if web => "the web app shares `domain` with the servers and nothing else",
        "domain" => "it is what everyone shares",
        "xtask" => "it is compiled first and starts programs instead of linking them",
        _ => "arrows go domain ← book, gpu, story, scheduler, store, cluster ← actors ← node",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace(packages: &[(&str, &[&str])]) -> Metadata {
        let ids: Vec<String> = packages.iter().map(|(name, _)| format!("path+file:///w/{name}#{name}@0.1.0")).collect();
        let packages: Vec<serde_json::Value> = packages
            .iter()
            .zip(&ids)
            .map(|((name, dependencies), id)| {
                let dependencies: Vec<serde_json::Value> = dependencies
                    .iter()
                    .map(|to| {
                        serde_json::json!({"name": to, "req": "*", "kind": null, "optional": false,
                            "uses_default_features": true, "features": [], "path": format!("/w/{to}")})
                    })
                    .collect();
                serde_json::json!({"name": name, "version": "0.1.0", "id": id, "manifest_path": format!("/w/{name}/Cargo.toml"),
                    "dependencies": dependencies, "targets": [], "features": {}})
            })
            .collect();
        let metadata = serde_json::json!({"packages": packages, "workspace_members": ids, "resolve": null,
            "workspace_root": "/w", "target_directory": "/w/target", "version": 1});
        serde_json::from_value(metadata).expect("a workspace as cargo tells of it")
    }

    #[test]
    fn the_house_as_it_is_drawn_passes() {
        let house = workspace(&[
            ("domain", &[]),
            ("book", &["domain"]),
            ("story", &["domain", "book"]),
            ("actors", &["domain", "store", "cluster"]),
            ("node", &["actors", "store", "domain"]),
            ("train", &["domain", "gpu"]),
            ("benches", &["gpu", "node", "train"]),
        ]);
        assert_eq!(check_workspace(&house, false), []);
    }

    #[test]
    fn every_arrow_against_the_drawing_is_named() {
        for (from, to) in [
            ("domain", "book"),
            ("book", "gpu"),
            ("scheduler", "store"),
            ("store", "actors"),
            ("actors", "node"),
            ("node", "train"),
            ("train", "store"),
            ("xtask", "domain"),
        ] {
            let complaints = check_workspace(&workspace(&[(from, &[to])]), false);
            assert_eq!(complaints.len(), 1, "{from} → {to}");
            let text = complaints[0].to_string();
            assert!(text.starts_with(&format!("{from}/Cargo.toml: `{from}` may not know `{to}`")), "{text}");
        }
    }

    #[test]
    fn the_web_app_knows_the_shared_words_only() {
        assert_eq!(check_workspace(&workspace(&[("app", &["domain"])]), true), []);
        assert_eq!(check_workspace(&workspace(&[("app", &["story"])]), true).len(), 1);
    }
}
