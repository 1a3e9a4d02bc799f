//! wasm from the compiler → wasm and JavaScript for the browser. The library that this uses must be of the very
//! version of `wasm-bindgen` that the app is built with; both are pinned in the workspace.

use anyhow::{Context, Result, bail};
use wasm_bindgen_cli_support::Bindgen;

/// The app, ready for a browser.
pub struct App {
    /// Its machine code.
    pub wasm: Vec<u8>,
    glue: String,
}

impl App {
    /// The module that fetches the code from `wasm_name`, beside itself, and starts it.
    pub fn script(&self, wasm_name: &str) -> String {
        let start = format!("__wbg_init({{ module_or_path: new URL({wasm_name:?}, import.meta.url) }});");
        format!("{}\n{start}\n", self.glue)
    }
}

/// Runs wasm-bindgen over what the compiler made.
pub fn bind(wasm: Vec<u8>) -> Result<App> {
    let mut bindgen = Bindgen::new();
    bindgen.input_bytes("app", wasm).web(true)?.typescript(false).omit_default_module_path(true);
    bindgen.remove_name_section(true).remove_producers_section(true);
    let mut output = bindgen.generate_output().context("wasm-bindgen refused the app's wasm")?;
    if output.snippets().values().any(|snippets| !snippets.is_empty()) || !output.local_modules().is_empty() {
        bail!("a dependency brings JavaScript files of its own, which this bundler does not copy");
    }
    let glue = output.js().to_owned();
    Ok(App { wasm: output.wasm_mut().emit_wasm(), glue })
}
