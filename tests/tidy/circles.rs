//! No file of `src` needs itself: what one names, by `use` or by path, never leads back to
//! it. Such files could only be read, moved and changed together.

use std::collections::{BTreeMap, BTreeSet};

use crate::sources::{Source, none, sources};

type Module = Vec<String>;

/// The module that a file is, and whether it is the front page of a folder.
fn module_of(path: &str) -> (Module, bool) {
    let below = path.trim_start_matches("src/").trim_end_matches(".rs");
    let mut parts: Module = below.split('/').map(str::to_owned).collect();
    let is_front = matches!(
        parts.last().map(String::as_str),
        Some("mod" | "lib" | "main")
    );
    if is_front {
        parts.pop();
    }
    (parts, is_front)
}

/// The paths of a `use` tree such as `a::{b, c::{d, e}}`.
fn flattened(tree: &str) -> Vec<String> {
    let tree = tree.trim();
    let Some((head, rest)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap_or_default();
        return vec![path.trim().to_owned()];
    };
    let inner = rest.rsplit_once('}').map_or(rest, |(inner, _)| inner);
    let (mut depth, mut part, mut parts) = (0, String::new(), Vec::new());
    for c in inner.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(std::mem::take(&mut part));
                continue;
            }
            _ => {}
        }
        part.push(c);
    }
    parts.push(part);
    parts
        .iter()
        .filter(|part| !part.trim().is_empty())
        .flat_map(|part| flattened(part))
        .map(|path| format!("{head}{path}"))
        .collect()
}

/// Every path of a file that begins at the root of the crate or next to the file.
fn paths(source: &Source) -> Vec<String> {
    let lines: Vec<&str> = source.code().map(|(_, line)| line).collect();
    let text = lines.join(" ");
    let mut found = Vec::new();
    for (at, _) in text.match_indices("use ") {
        let starts = at == 0 || text[..at].ends_with([' ', ';', '}', ')']);
        if let (true, Some((tree, _))) = (starts, text[at + 4..].split_once(';')) {
            found.extend(flattened(tree));
        }
    }
    for start in ["crate::", "super::"] {
        for (at, _) in text.match_indices(start) {
            let rest = &text[at..];
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_' && c != ':');
            found.push(rest[..end.unwrap_or(rest.len())].to_owned());
        }
    }
    found
}

/// Where a path leads, from the root of the crate.
fn absolute(path: &str, module: &Module, is_front: bool) -> Option<Module> {
    let compact = path.replace(' ', "");
    let parts: Vec<&str> = compact.split("::").collect();
    let own = if is_front {
        module.clone()
    } else {
        module[..module.len().saturating_sub(1)].to_vec()
    };
    let (mut base, rest) = match *parts.first()? {
        "crate" => (Module::new(), &parts[1..]),
        "self" => (own, &parts[1..]),
        "super" => {
            let climbs = parts.iter().take_while(|part| **part == "super").count();
            // The parent of a file that is no front page is its folder.
            let above = if is_front { climbs } else { climbs - 1 };
            let kept = own.len().checked_sub(above)?;
            (own[..kept].to_vec(), &parts[climbs..])
        }
        _ => return None,
    };
    base.extend(rest.iter().map(|part| (*part).to_owned()));
    Some(base)
}

/// For each file that is no front page, the files like it that it names.
fn edges(files: &[Source]) -> BTreeMap<Module, BTreeSet<Module>> {
    let modules: BTreeMap<Module, bool> = files.iter().map(|file| module_of(&file.path)).collect();
    let mut edges = BTreeMap::new();
    for file in files {
        let (module, is_front) = module_of(&file.path);
        if is_front {
            continue;
        }
        let mut named = BTreeSet::new();
        for path in paths(file) {
            let Some(full) = absolute(&path, &module, is_front) else {
                continue;
            };
            // The longest beginning that is a file.
            let file = (1..=full.len()).rev().map(|length| full[..length].to_vec());
            if let Some(other) = file.into_iter().find(|start| modules.contains_key(start))
                && other != module
                && !modules[&other]
            {
                named.insert(other);
            }
        }
        edges.insert(module, named);
    }
    edges
}

/// The files that lead back to themselves, each with the others of its circle.
fn circles(edges: &BTreeMap<Module, BTreeSet<Module>>) -> Vec<String> {
    let reached = |from: &Module| {
        let mut seen = BTreeSet::new();
        let mut next: Vec<&Module> = edges[from].iter().collect();
        while let Some(one) = next.pop() {
            if seen.insert(one.clone()) {
                next.extend(edges.get(one).into_iter().flatten());
            }
        }
        seen
    };
    let all: BTreeMap<&Module, BTreeSet<Module>> =
        edges.keys().map(|one| (one, reached(one))).collect();
    let mut found = BTreeSet::new();
    for (one, others) in &all {
        if others.contains(*one) {
            let circle = others.iter().filter(|other| all[other].contains(*one));
            let names: Vec<String> = circle.map(|other| other.join("/")).collect();
            found.insert(names.join(", "));
        }
    }
    found.into_iter().collect()
}

#[test]
fn no_file_leads_back_to_itself() {
    let files: Vec<Source> = sources(&["src"])
        .into_iter()
        .filter(|file| !file.path.ends_with("tests.rs"))
        .collect();
    none(circles(&edges(&files)));
}

#[test]
fn circles_are_found() {
    let of = |files: &[(&str, &str)]| {
        let files: Vec<Source> = files
            .iter()
            .map(|(path, text)| Source::of(path, text))
            .collect();
        circles(&edges(&files))
    };
    let mod_a = ("src/a/mod.rs", "mod b;\nmod c;\nmod d;\n");
    assert_eq!(
        of(&[
            mod_a,
            ("src/a/b.rs", "use super::c::X;\n"),
            ("src/a/c.rs", "use crate::{\n    a::{d::Y, other},\n};\n"),
            ("src/a/d.rs", "fn y() { super::b::z() }\n"),
        ]),
        ["a/b, a/c, a/d"]
    );
    assert_eq!(
        of(&[
            mod_a,
            ("src/a/b.rs", "use super::c::X;\n"),
            ("src/a/c.rs", "use super::Y;\n"),
            ("src/a/d.rs", "use crate::a::b::Z as W;\n"),
        ]),
        Vec::<String>::new()
    );
}
