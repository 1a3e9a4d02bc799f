//! Makes the folder that a node serves: `bundler WASM STATIC DIST`.
//!
//! The app's wasm goes through wasm-bindgen; every file but the page itself is named by its content, so that
//! browsers keep it for good; `.br` and `.gz` lie beside whatever they make smaller. The folder is swapped in whole.
//!
//! | module | holds |
//! |---|---|
//! | [`bindgen`] | wasm from the compiler → wasm and JavaScript for the browser |
//! | [`dist`] | names, compression, the swap |

mod bindgen;
mod dist;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

use anyhow::{Context, Result, bail};

use dist::Dist;

fn main() -> ExitCode {
    let args: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bundler: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &[PathBuf]) -> Result<()> {
    let [wasm, assets, dist] = args else { bail!("usage: bundler WASM STATIC DIST") };
    let wasm = fs::read(wasm).with_context(|| format!("{} can't be read", wasm.display()))?;
    let assets = static_files(assets)?;
    let app = bindgen::bind(wasm)?;
    let mut bundle = Dist::begin(dist)?;
    let mut links = vec![("app.wasm".to_owned(), bundle.put_hashed("app.wasm", &app.wasm)?)];
    let script = app.script(&links[0].1);
    links.push(("app.js".to_owned(), bundle.put_hashed("app.js", script.as_bytes())?));
    let (pages, others): (Vec<_>, Vec<_>) = assets.into_iter().partition(|(name, _)| name == "index.html");
    for (name, body) in others {
        let link = bundle.put_hashed(&name, &body)?;
        links.push((name, link));
    }
    for (name, body) in pages {
        let page = String::from_utf8(body).with_context(|| format!("{name} is not UTF-8"))?;
        bundle.put(&name, filled(page, &links)?.as_bytes())?;
    }
    bundle.finish()
}

/// Files of the static folder, by name, so that the same input gives the same output.
fn static_files(folder: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("{} can't be read", folder.display()))? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.with_context(|| format!("{} has an odd name", path.display()))?.to_owned();
        files.push((name, fs::read(&path).with_context(|| format!("{} can't be read", path.display()))?));
    }
    files.sort();
    Ok(files)
}

/// The page with each `{{name}}` replaced by the address of that file.
fn filled(mut page: String, links: &[(String, String)]) -> Result<String> {
    for (name, link) in links {
        page = page.replace(&format!("{{{{{name}}}}}"), &format!("/{link}"));
    }
    match page.split_once("{{") {
        None => Ok(page),
        Some((_, rest)) => {
            bail!("the page names a file that is not there: {}", rest.split("}}").next().unwrap_or(rest))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_links_files_by_their_hashed_names() {
        let links = [("style.css".to_owned(), "style-00.css".to_owned())];
        assert_eq!(filled("<{{style.css}}>".into(), &links).unwrap(), "</style-00.css>");
    }

    #[test]
    fn a_link_to_a_file_that_is_not_there_is_refused() {
        let error = filled("{{nowhere.css}}".into(), &[]).unwrap_err();
        assert!(error.to_string().ends_with("nowhere.css"));
    }
}
