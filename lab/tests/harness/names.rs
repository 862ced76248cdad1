// SPDX-License-Identifier: MIT OR Apache-2.0
//! The paths in a module: imports, expressions, types, and those among the tokens of macros.

use std::collections::{BTreeMap, BTreeSet};

use syn::{
    Macro, UseTree, Visibility,
    buffer::{Cursor, TokenBuffer},
    visit::{self, Visit},
};

/// The paths in one module.
#[derive(Default)]
pub(crate) struct Names {
    pub(crate) paths: BTreeSet<Vec<String>>,
    pub(crate) imports: BTreeMap<String, Vec<String>>,
}

impl Names {
    /// Paths among tokens that may be no Rust syntax.
    fn scan(&mut self, mut at: Cursor<'_>) {
        while !at.eof() {
            if let Some((first, after)) = at.ident() {
                let mut path = vec![first.to_string()];
                at = after;
                while let Some((next, after)) = behind_colons(at) {
                    path.push(next);
                    at = after;
                }
                self.paths.insert(path);
            } else if let Some((inside, _, _, after)) = at.any_group() {
                self.scan(inside);
                at = after;
            } else if let Some((_, after)) = at.token_tree() {
                at = after;
            }
        }
    }

    fn import(&mut self, tree: &UseTree, mut before: Vec<String>) {
        match tree {
            UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.import(&path.tree, before);
            }
            UseTree::Name(name) => {
                let name = name.ident.to_string();
                let known_as = before
                    .last()
                    .filter(|_| name == "self")
                    .cloned()
                    .unwrap_or(name.clone());
                if name != "self" {
                    before.push(name);
                }
                self.imports.insert(known_as, before.clone());
                self.paths.insert(before);
            }
            UseTree::Rename(rename) => {
                before.push(rename.ident.to_string());
                self.imports
                    .insert(rename.rename.to_string(), before.clone());
                self.paths.insert(before);
            }
            UseTree::Glob(_) => {
                self.paths.insert(before);
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.import(tree, before.clone());
                }
            }
        }
    }
}

impl<'ast> Visit<'ast> for Names {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.import(&item.tree, Vec::new());
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names = path
            .segments
            .iter()
            .map(|segment| segment.ident.to_string());
        self.paths.insert(names.collect());
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        self.paths.insert(
            call.path
                .segments
                .iter()
                .map(|segment| segment.ident.to_string())
                .collect(),
        );
        self.scan(TokenBuffer::new2(call.tokens.clone()).begin());
    }

    fn visit_visibility(&mut self, _: &'ast Visibility) {
        // `pub(super)` names a place and uses no item of it.
    }
}

/// The next name of a path, after `::`.
fn behind_colons(at: Cursor<'_>) -> Option<(String, Cursor<'_>)> {
    let (first, after) = at.punct()?;
    let (second, after) = after.punct()?;
    let (name, after) = after.ident()?;
    (first.as_char() == ':' && second.as_char() == ':').then(|| (name.to_string(), after))
}
