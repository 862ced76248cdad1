// SPDX-License-Identifier: MIT OR Apache-2.0
//! The graph of the workspace's Rust files: an edge from each file to the files that define its
//! names. A child module (`mod`) is no edge. Names are followed through re-exports.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use syn::{Expr, File, Item, Visibility, visit::Visit};

use crate::names::Names;

/// A module: the crate's root file, and the names from there.
type Module = (PathBuf, Vec<String>);

/// All Rust files of a workspace, and their dependencies.
#[derive(Default)]
pub(crate) struct Graph {
    /// Number of lines of each file, by its path in the checkout.
    pub(crate) files: BTreeMap<PathBuf, usize>,
    /// The files that define the names in a file.
    pub(crate) uses: BTreeMap<PathBuf, BTreeSet<PathBuf>>,
    /// The files that define a public type or trait of a name, once per definition.
    pub(crate) types: BTreeMap<String, Vec<PathBuf>>,
}

/// Declarations that must be known before names are looked up.
#[derive(Default)]
struct Tree {
    /// Root files of libraries, by the names in other crates.
    libraries: BTreeMap<String, PathBuf>,
    /// The file of a module.
    modules: BTreeMap<Module, PathBuf>,
    /// The imports of a module: the local name, and its path.
    imports: BTreeMap<Module, BTreeMap<String, Vec<String>>>,
    /// All paths in a module.
    paths: BTreeSet<(Module, Vec<String>)>,
}

impl Graph {
    /// Read all members of the workspace in a checkout.
    pub(crate) fn of(checkout: &Path) -> Self {
        let manifest = table(&checkout.join("Cargo.toml"));
        let mut tree = Tree::default();
        let known = manifest["workspace"]["dependencies"].as_table().unwrap();
        for (name, about) in known {
            if let Some(path) = about.get("path").and_then(toml::Value::as_str) {
                let root = Path::new(path).join("src/lib.rs");
                tree.libraries.insert(name.replace('-', "_"), root);
            }
        }
        let mut graph = Graph::default();
        for member in manifest["workspace"]["members"].as_array().unwrap() {
            let member = Path::new(member.as_str().unwrap());
            let package = table(&checkout.join(member).join("Cargo.toml"));
            let name = package["package"]["name"].as_str().unwrap();
            let library = member.join("src/lib.rs");
            if checkout.join(&library).exists() {
                tree.libraries.insert(name.replace('-', "_"), library);
            }
            for root in roots(checkout, member) {
                let children = root.parent().unwrap().to_owned();
                tree.read(
                    checkout,
                    &root,
                    &children,
                    (root.clone(), Vec::new()),
                    &mut graph,
                );
            }
        }
        for (module, path) in &tree.paths {
            let from = &tree.modules[module];
            if let Some(to) = tree.definition(module, path, 0)
                && to != from
            {
                graph.uses.get_mut(from).unwrap().insert(to.clone());
            }
        }
        graph
    }

    /// Sets of files that use each other, directly or indirectly.
    pub(crate) fn circles(&self) -> Vec<BTreeSet<PathBuf>> {
        let reached: BTreeMap<_, _> = self
            .files
            .keys()
            .map(|file| (file, self.reached(file)))
            .collect();
        let circles: BTreeSet<BTreeSet<PathBuf>> = self
            .files
            .keys()
            .filter(|file| reached[file].contains(*file))
            .map(|file| {
                let back = |other: &&PathBuf| {
                    reached
                        .get(other)
                        .is_some_and(|them| them.contains::<Path>(file))
                };
                reached[file].iter().filter(back).cloned().collect()
            })
            .collect();
        circles.into_iter().collect()
    }

    /// The edges of a circle, one file per line.
    pub(crate) fn inside(&self, circle: &BTreeSet<PathBuf>) -> String {
        let line = |file: &PathBuf| {
            let used = self.uses.get(file).into_iter().flatten();
            let used: Vec<_> = used
                .filter(|other| circle.contains(*other))
                .map(|other| other.display().to_string())
                .collect();
            format!("{} -> {}", file.display(), used.join(", "))
        };
        circle.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    fn reached(&self, from: &Path) -> BTreeSet<PathBuf> {
        let mut reached = BTreeSet::new();
        let mut next = vec![from];
        while let Some(file) = next.pop() {
            for used in self.uses.get(file).into_iter().flatten() {
                if reached.insert(used.clone()) {
                    next.push(used);
                }
            }
        }
        reached
    }
}

fn table(file: &Path) -> toml::Table {
    fs::read_to_string(file).unwrap().parse().unwrap()
}

/// The root files of a package.
fn roots(checkout: &Path, member: &Path) -> Vec<PathBuf> {
    let mut roots: Vec<_> = ["src/lib.rs", "src/main.rs", "build.rs"]
        .map(|file| member.join(file))
        .into();
    for folder in ["src/bin", "tests", "examples", "benches"] {
        for entry in fs::read_dir(checkout.join(member).join(folder))
            .into_iter()
            .flatten()
        {
            let name = member.join(folder).join(entry.unwrap().file_name());
            if name.extension().is_some_and(|extension| extension == "rs") {
                roots.push(name);
            } else {
                roots.push(name.join("main.rs"));
            }
        }
    }
    roots.retain(|root| checkout.join(root).exists());
    roots
}

impl Tree {
    /// Read a file, which is `module`, and the modules below it, which are in `children`.
    fn read(
        &mut self,
        checkout: &Path,
        file: &Path,
        children: &Path,
        module: Module,
        graph: &mut Graph,
    ) {
        let text = fs::read_to_string(checkout.join(file))
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        graph.files.insert(file.to_owned(), text.lines().count());
        graph.uses.entry(file.to_owned()).or_default();
        let parsed: File =
            syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        self.enter(checkout, file, children, module, &parsed.items, graph);
    }

    fn enter(
        &mut self,
        checkout: &Path,
        file: &Path,
        children: &Path,
        module: Module,
        items: &[Item],
        graph: &mut Graph,
    ) {
        self.modules.insert(module.clone(), file.to_owned());
        let mut found = Names::default();
        for item in items {
            let Item::Mod(child) = item else {
                found.visit_item(item);
                if let Some(name) = public_type(item) {
                    graph.types.entry(name).or_default().push(file.to_owned());
                }
                continue;
            };
            let name = child.ident.to_string();
            let mut below = module.clone();
            below.1.push(name.clone());
            let folder = children.join(&name);
            match &child.content {
                Some((_, items)) => self.enter(checkout, file, &folder, below, items, graph),
                None => {
                    let beside = children.join(format!("{name}.rs"));
                    if let Some(path) = elsewhere(child) {
                        // A file of another crate, where it is read.
                        let there = plain(&file.parent().unwrap().join(path));
                        self.modules.insert(below, there);
                        continue;
                    }
                    let there = if checkout.join(&beside).exists() {
                        beside
                    } else {
                        folder.join("mod.rs")
                    };
                    self.read(checkout, &there, &folder, below, graph);
                }
            }
        }
        self.paths
            .extend(found.paths.into_iter().map(|path| (module.clone(), path)));
        self.imports.insert(module, found.imports);
    }

    /// The file that defines the item `path` of `module`.
    fn definition(&self, module: &Module, path: &[String], depth: usize) -> Option<&PathBuf> {
        // Imports of a name by itself.
        if depth > 8 {
            return None;
        }
        let (first, mut rest) = path.split_first()?;
        let child = |module: &Module, name: &str| {
            let mut below = module.clone();
            below.1.push(name.to_owned());
            self.modules.contains_key(&below).then_some(below)
        };
        let mut at = match first.as_str() {
            "crate" => (module.0.clone(), Vec::new()),
            "self" => module.clone(),
            "super" => {
                let mut above = module.clone();
                above.1.pop();
                above
            }
            // A variable, or an imported name; the import has its edge.
            _ if path.len() == 1 => return None,
            name => match (child(module, name), self.libraries.get(name)) {
                (Some(below), _) => below,
                (None, Some(root)) => (root.clone(), Vec::new()),
                (None, None) => return None,
            },
        };
        while let Some((name, after)) = rest.split_first() {
            if name == "super" {
                at.1.pop();
            } else if let Some(below) = child(&at, name) {
                at = below;
            } else {
                let imported = self.imports.get(&at).and_then(|all| all.get(name));
                let through = imported
                    .and_then(|path| self.definition(&at, &[path, after].concat(), depth + 1));
                return through.or_else(|| self.modules.get(&at));
            }
            rest = after;
        }
        self.modules.get(&at)
    }
}

/// The name of a type or trait that is `pub`.
fn public_type(item: &Item) -> Option<String> {
    let (visibility, name) = match item {
        Item::Enum(item) => (&item.vis, &item.ident),
        Item::Struct(item) => (&item.vis, &item.ident),
        Item::Trait(item) => (&item.vis, &item.ident),
        Item::Type(item) => (&item.vis, &item.ident),
        Item::Union(item) => (&item.vis, &item.ident),
        _ => return None,
    };
    matches!(visibility, Visibility::Public(_)).then(|| name.to_string())
}

/// The file of a module with `#[path = "..."] mod name;`.
fn elsewhere(module: &syn::ItemMod) -> Option<String> {
    let path = module
        .attrs
        .iter()
        .find(|attribute| attribute.path().is_ident("path"))?;
    match &path.meta.require_name_value().ok()?.value {
        Expr::Lit(syn::ExprLit {
            lit: syn::Lit::Str(text),
            ..
        }) => Some(text.value()),
        _ => None,
    }
}

/// The same path without `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        if part.as_os_str() == ".." {
            plain.pop();
        } else {
            plain.push(part);
        }
    }
    plain
}
