//! Reads which source files of a crate refer to which, from its syntax.
//!
//! A reference is resolved to the file that defines what it names: re-exports are followed, and are no
//! references themselves. Neither are a module's uses of what the modules around it define. Tests, comments
//! and strings do not count.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use syn::visit::{self, Visit};

/// A module's path from the crate's root, such as `["router", "ridge"]`.
type ModulePath = Vec<String>;

/// A module with a file of its own.
struct Module {
    file: PathBuf,
    items: Vec<syn::Item>,
    /// Each re-exported name with the path that it stands for.
    renamed: BTreeMap<String, Vec<String>>,
}

/// The modules of one crate and the references between their files.
pub struct ModuleGraph {
    modules: BTreeMap<ModulePath, Module>,
    /// The files that each file refers to.
    pub references: BTreeMap<PathBuf, BTreeSet<PathBuf>>,
    /// The top-level modules that each top-level module refers to.
    pub folders: BTreeMap<String, BTreeSet<String>>,
}

impl ModuleGraph {
    /// Reads the crate whose root is `root`, a `lib.rs` or `main.rs`.
    pub fn read(root: &Path) -> Self {
        let mut graph = Self {
            modules: BTreeMap::new(),
            references: BTreeMap::new(),
            folders: BTreeMap::new(),
        };
        graph.add(Vec::new(), root.to_path_buf(), root.parent().unwrap());
        let mut found = Vec::new();
        for (path, module) in &graph.modules {
            let mut names = Names { graph: &graph, module: path, found: Vec::new() };
            module.items.iter().for_each(|item| names.visit_item(item));
            found.extend(names.found.into_iter().map(|target| (path.clone(), target)));
        }
        for (from, to) in found {
            if !from.starts_with(&to) {
                let [from, to] = [&from, &to].map(|path| graph.modules[path].file.clone());
                graph.references.entry(from).or_default().insert(to);
            }
            if let (Some(from), Some(to)) = (from.first(), to.first())
                && from != to
            {
                graph.folders.entry(from.clone()).or_default().insert(to.clone());
            }
        }
        graph
    }

    /// The names of the top-level modules.
    pub fn top_level(&self) -> BTreeSet<String> {
        self.modules.keys().filter_map(|path| path.first()).cloned().collect()
    }

    /// The sets of files that refer to each other in a circle.
    pub fn circles(&self) -> Vec<BTreeSet<PathBuf>> {
        let reach = |start: &PathBuf| {
            let mut seen = BTreeSet::new();
            let mut next = vec![start];
            while let Some(file) = next.pop() {
                for target in self.references.get(file).into_iter().flatten() {
                    if seen.insert(target.clone()) {
                        next.push(target);
                    }
                }
            }
            seen
        };
        let reached: BTreeMap<_, _> =
            self.references.keys().map(|file| (file, reach(file))).collect();
        let mut circles = BTreeSet::new();
        for (file, targets) in reached.iter().filter(|(file, targets)| targets.contains(**file)) {
            let back = |other: &&PathBuf| {
                reached.get(other).is_some_and(|targets| targets.contains(*file))
            };
            circles.insert(targets.iter().filter(back).cloned().collect::<BTreeSet<_>>());
        }
        circles.into_iter().collect()
    }

    /// Adds the module in `file` and its submodules, whose files lie in `folder`.
    fn add(&mut self, path: ModulePath, file: PathBuf, folder: &Path) {
        let text = std::fs::read_to_string(&file)
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let syntax =
            syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let items: Vec<syn::Item> =
            syntax.items.into_iter().filter(|item| !is_test(attributes(item))).collect();
        let mut renamed = BTreeMap::new();
        for item in &items {
            match item {
                syn::Item::Mod(child) if child.content.is_none() => {
                    let name = child.ident.to_string();
                    let below = folder.join(&name);
                    let flat = folder.join(format!("{name}.rs"));
                    let place = if flat.exists() { flat } else { below.join("mod.rs") };
                    let child_path = path.iter().cloned().chain([name]).collect();
                    self.add(child_path, place, &below);
                }
                syn::Item::Use(item) if !matches!(item.vis, syn::Visibility::Inherited) => {
                    for (name, target) in leaves(&item.tree) {
                        renamed.insert(name, target);
                    }
                }
                _ => {}
            }
        }
        self.modules.insert(path, Module { file, items, renamed });
    }

    /// The module that defines what `segments`, written in the module `from`, names; none if it is
    /// outside the crate or a local name.
    fn resolve(&self, from: &[String], segments: &[String]) -> Option<ModulePath> {
        self.resolve_within(from, segments, 0)
    }

    fn resolve_within(
        &self,
        from: &[String],
        segments: &[String],
        depth: usize,
    ) -> Option<ModulePath> {
        let (first, mut rest) = segments.split_first()?;
        let mut module = from.to_vec();
        match first.as_str() {
            "crate" => module.clear(),
            "self" => {}
            "super" => {
                module.pop();
                while let Some(("super", after)) =
                    rest.split_first().map(|(next, after)| (next.as_str(), after))
                {
                    module.pop();
                    rest = after;
                }
            }
            name => {
                module.push(name.to_owned());
                if !self.modules.contains_key(&module) {
                    return None;
                }
            }
        }
        while let Some((name, after)) = rest.split_first() {
            let mut child = module.clone();
            child.push(name.clone());
            if self.modules.contains_key(&child) {
                module = child;
                rest = after;
            } else if let Some(target) = self.modules[&module].renamed.get(name)
                && depth < 8
                && let Some(found) = self.resolve_within(
                    &module,
                    &target.iter().chain(after).cloned().collect::<Vec<_>>(),
                    depth + 1,
                )
            {
                return Some(found);
            } else {
                break;
            }
        }
        Some(module)
    }
}

/// Collects the modules to which the names in a module's items lead.
struct Names<'a> {
    graph: &'a ModuleGraph,
    module: &'a ModulePath,
    found: Vec<ModulePath>,
}

impl Names<'_> {
    fn note(&mut self, segments: &[String]) {
        self.found.extend(self.graph.resolve(self.module, segments));
    }
}

impl<'ast> Visit<'ast> for Names<'_> {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        match item {
            syn::Item::Use(item) => {
                if matches!(item.vis, syn::Visibility::Inherited) {
                    leaves(&item.tree).iter().for_each(|(_, target)| self.note(target));
                }
            }
            item if is_test(attributes(item)) => {}
            item => visit::visit_item(self, item),
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> =
            path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.note(&segments);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, invocation: &'ast syn::Macro) {
        for path in paths_in(invocation.tokens.clone()) {
            self.note(&path);
        }
        visit::visit_macro(self, invocation);
    }
}

/// The paths of two or more segments in a macro's tokens.
fn paths_in(tokens: proc_macro2::TokenStream) -> Vec<Vec<String>> {
    use proc_macro2::TokenTree;
    let (mut paths, mut path, mut colons) = (Vec::new(), Vec::new(), 0);
    for token in tokens {
        match token {
            TokenTree::Ident(name) => {
                if colons != 2 {
                    paths.push(std::mem::take(&mut path));
                }
                path.push(name.to_string());
                colons = 0;
            }
            TokenTree::Punct(mark) if mark.as_char() == ':' => colons += 1,
            TokenTree::Group(group) => {
                paths.push(std::mem::take(&mut path));
                paths.extend(paths_in(group.stream()));
                colons = 0;
            }
            _ => {
                paths.push(std::mem::take(&mut path));
                colons = 0;
            }
        }
    }
    paths.push(path);
    paths.retain(|path| path.len() > 1);
    paths
}

/// The names that a `use` brings in, each with its whole path; a glob has the name `*`.
fn leaves(tree: &syn::UseTree) -> Vec<(String, Vec<String>)> {
    let below = |name: &syn::Ident, tree: &syn::UseTree| {
        let name = name.to_string();
        let whole = |(leaf, mut path): (String, Vec<String>)| {
            path.insert(0, name.clone());
            (leaf, path)
        };
        leaves(tree).into_iter().map(whole).collect()
    };
    match tree {
        syn::UseTree::Path(path) => below(&path.ident, &path.tree),
        syn::UseTree::Name(name) if name.ident == "self" => vec![("self".to_owned(), Vec::new())],
        syn::UseTree::Name(name) => vec![(name.ident.to_string(), vec![name.ident.to_string()])],
        syn::UseTree::Rename(name) => {
            vec![(name.rename.to_string(), vec![name.ident.to_string()])]
        }
        syn::UseTree::Glob(_) => vec![("*".to_owned(), Vec::new())],
        syn::UseTree::Group(group) => group.items.iter().flat_map(leaves).collect(),
    }
}

fn attributes(item: &syn::Item) -> &[syn::Attribute] {
    match item {
        syn::Item::Const(item) => &item.attrs,
        syn::Item::Fn(item) => &item.attrs,
        syn::Item::Impl(item) => &item.attrs,
        syn::Item::Mod(item) => &item.attrs,
        syn::Item::Struct(item) => &item.attrs,
        syn::Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute
                .parse_args::<syn::Path>()
                .is_ok_and(|condition| condition.is_ident("test") || condition.is_ident("doctest"))
    })
}
