//! Rules for Rust files: lengths, what must not be written, and who must not touch the stores.

use std::path::Path;

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::Complaint;

const MAX_FILE_LINES: usize = 500;
const MAX_FUNCTION_LINES: usize = 70;
const UNFINISHED: [&str; 3] = ["todo", "unimplemented", "dbg"];

/// Checks one file; `name` is relative to the checkout.
pub fn check(name: &str, text: &str) -> Vec<Complaint> {
    let mut rules = Rules { file: name, keep_from_store: keeps_from_store(name), complaints: Vec::new() };
    let lines = text.lines().count();
    if lines > MAX_FILE_LINES {
        rules.complain_at(0, format!("{lines} lines, more than {MAX_FILE_LINES}"));
    }
    if is_crate_root(name) && !text.starts_with("//!") {
        rules.complain_at(1, "a crate opens with `//!`: what it is for, what it never does, a map".to_owned());
    }
    match syn::parse_file(text) {
        Ok(file) => rules.visit_file(&file),
        Err(error) => rules.complain(error.span(), format!("can't be parsed: {error}")),
    }
    rules.complaints
}

/// Gateways and workers hold no store credentials: their modules don't so much as name the crate.
fn keeps_from_store(name: &str) -> bool {
    name.starts_with("node/src/gateway/")
        || name == "node/src/gateway.rs"
        || name.strip_prefix("actors/src/").is_some_and(|rest| rest.starts_with("worker"))
}

fn is_crate_root(name: &str) -> bool {
    let path = Path::new(name);
    path.ends_with("src/lib.rs") || path.ends_with("src/main.rs")
}

struct Rules<'a> {
    file: &'a str,
    keep_from_store: bool,
    complaints: Vec<Complaint>,
}

impl Rules<'_> {
    fn complain(&mut self, at: Span, what: String) {
        self.complain_at(at.start().line, what);
    }

    fn complain_at(&mut self, line: usize, what: String) {
        self.complaints.push(Complaint { file: self.file.to_owned(), line, what });
    }

    fn measure(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let lines = block.span().end().line + 1 - signature.span().start().line;
        if lines > MAX_FUNCTION_LINES {
            let what = format!("function `{}` has {lines} lines, more than {MAX_FUNCTION_LINES}", signature.ident);
            self.complain(signature.span(), what);
        }
    }

    fn forbid_store(&mut self, at: Span) {
        if self.keep_from_store {
            self.complain(at, "gateway and worker modules do not use `store`".to_owned());
        }
    }

    fn forbid_unfinished(&mut self, macro_name: &syn::Ident) {
        if UNFINISHED.iter().any(|name| macro_name == name) {
            self.complain(macro_name.span(), format!("`{macro_name}!` is not for committed code"));
        }
    }

    /// Looks into what macros are handed, which no parser but their own understands: `todo!`, `store::`.
    fn tokens(&mut self, tokens: TokenStream) {
        let trees: Vec<TokenTree> = tokens.into_iter().collect();
        for (index, tree) in trees.iter().enumerate() {
            let is_punct = |offset: usize, mark| matches!(trees.get(index + offset), Some(TokenTree::Punct(punct)) if punct.as_char() == mark);
            match tree {
                TokenTree::Group(group) => self.tokens(group.stream()),
                TokenTree::Ident(ident) if is_punct(1, '!') && !is_punct(2, '=') => self.forbid_unfinished(ident),
                TokenTree::Ident(ident) if ident == "store" && is_punct(1, ':') && is_punct(2, ':') => {
                    // `crate::store::` and the like are other modules.
                    let inner = index > 1
                        && matches!(&trees[index - 2..index], [.., TokenTree::Punct(punct)] if punct.as_char() == ':');
                    if !inner {
                        self.forbid_store(ident.span());
                    }
                }
                _ => {}
            }
        }
    }
}

impl<'ast> Visit<'ast> for Rules<'_> {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.measure(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.measure(&function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        if let Some(block) = &function.default {
            self.measure(&function.sig, block);
        }
        visit::visit_trait_item_fn(self, function);
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let mut roots = vec![&item.tree];
        while let Some(tree) = roots.pop() {
            match tree {
                syn::UseTree::Path(path) if path.ident == "store" => self.forbid_store(path.ident.span()),
                syn::UseTree::Name(name) if name.ident == "store" => self.forbid_store(name.ident.span()),
                syn::UseTree::Rename(rename) if rename.ident == "store" => self.forbid_store(rename.ident.span()),
                syn::UseTree::Group(group) => roots.extend(&group.items),
                _ => {}
            }
        }
    }

    fn visit_item_extern_crate(&mut self, item: &'ast syn::ItemExternCrate) {
        if item.ident == "store" {
            self.forbid_store(item.ident.span());
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.segments.len() > 1 && path.segments[0].ident == "store" {
            self.forbid_store(path.span());
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, invocation: &'ast syn::Macro) {
        if let Some(last) = invocation.path.segments.last() {
            self.forbid_unfinished(&last.ident);
        }
        self.tokens(invocation.tokens.clone());
        visit::visit_macro(self, invocation);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(name: &str, text: &str) -> Vec<String> {
        check(name, text).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_file_and_a_function_that_keep_the_limits_pass() {
        let body = "    let x = 1;\n".repeat(MAX_FUNCTION_LINES - 2);
        assert_eq!(complaints("book/src/a.rs", &format!("fn f() {{\n{body}}}\n")), [""; 0]);
    }

    #[test]
    fn a_function_of_one_line_too_many_is_named_in_functions_methods_traits_and_tests() {
        let body = "let x = 1;\n".repeat(MAX_FUNCTION_LINES - 1);
        let long = format!("fn long() {{\n{body}}}\n");
        for text in [
            long.clone(),
            format!("impl A {{\n{long}}}\n"),
            format!("trait A {{\n{long}}}\n"),
            format!("#[cfg(test)]\nmod tests {{\n/// Docs don't count.\n#[test]\n{long}}}\n"),
        ] {
            let found = complaints("book/src/a.rs", &text);
            assert_eq!(found.len(), 1, "{text}");
            assert!(found[0].contains("`long` has 71 lines"), "{found:?}");
        }
    }

    #[test]
    fn a_file_of_one_line_too_many_is_named() {
        let found = complaints("book/src/a.rs", &"// x\n".repeat(MAX_FILE_LINES + 1));
        assert_eq!(found, ["book/src/a.rs: 501 lines, more than 500"]);
    }

    #[test]
    fn unfinished_code_is_named_even_inside_another_macro() {
        let text = "fn f() {\n    todo!();\n    assert!({ dbg!(1); a != b });\n    std::unimplemented!()\n}\n";
        let lines: Vec<usize> = check("book/src/a.rs", text).iter().map(|complaint| complaint.line).collect();
        assert_eq!(lines, [2, 3, 4]);
    }

    #[test]
    fn a_crate_that_does_not_open_with_its_purpose_is_named() {
        for root in ["book/src/lib.rs", "node/src/main.rs"] {
            assert_eq!(complaints(root, "mod a;\n").len(), 1);
            assert_eq!(complaints(root, "//! What it is for.\nmod a;\n"), [""; 0]);
        }
    }

    #[test]
    fn gateways_and_workers_do_not_touch_the_stores() {
        for line in [
            "use store::Records;",
            "use {domain::id, store as s};",
            "extern crate store;",
            "fn f(records: &dyn store::Records) {}",
            "fn f() { tokio::select! { _ = store::open() => {} } }",
        ] {
            for file in ["node/src/gateway/routes.rs", "actors/src/worker.rs", "actors/src/worker/device.rs"] {
                let found = complaints(file, line);
                assert!(!found.is_empty() && found[0].contains("do not use `store`"), "{file}: {line}: {found:?}");
            }
            assert_eq!(complaints("actors/src/storage.rs", line), [""; 0], "core modules may");
        }
    }

    #[test]
    fn a_variable_or_module_of_that_name_is_no_store() {
        let text =
            "use crate::store::Thing;\nfn f(store: u8) -> u8 { println!(\"{}\", crate::store::ONE); store.min(1) }\n";
        assert_eq!(complaints("node/src/gateway/routes.rs", text), [""; 0]);
    }
}
