//! The files of the project, and rules about each of them on its own.

use std::fs;
use std::path::Path;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// Above this a file holds more than one thing.
const LONGEST: usize = 500;

/// One file of Rust.
pub struct Source {
    /// Its path below the project's root.
    pub path: String,
    /// What is in it.
    pub text: String,
}

impl Source {
    /// A file that is not on disk, to try a rule on.
    pub fn of(path: &str, text: &str) -> Self {
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }

    /// Its lines of code, comments left out, each with its number.
    pub fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
            .map(|(index, line)| (index + 1, line))
    }
}

/// The text of one file of the project.
pub fn read(path: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every file of Rust below these folders.
pub fn sources(folders: &[&str]) -> Vec<Source> {
    let mut found = Vec::new();
    let mut open: Vec<_> = folders
        .iter()
        .map(|one| Path::new(ROOT).join(one))
        .collect();
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{folder:?}: {error}")) {
            let path = entry.expect("an entry").path();
            let below = path.strip_prefix(ROOT).expect("below the root");
            let below = below.display().to_string();
            if path.is_dir() {
                open.push(path);
            } else if below.ends_with(".rs") {
                found.push(Source::of(&below, &read(&below)));
            }
        }
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    assert!(!found.is_empty(), "there are no files in {folders:?}");
    found
}

/// Fails with every breach, one a line.
pub fn none(breaches: Vec<String>) {
    assert!(breaches.is_empty(), "\n{}\n", breaches.join("\n"));
}

fn breaches(source: &Source) -> Vec<String> {
    let path = &source.path;
    let mut found = Vec::new();
    if !source.text.starts_with("//! ") {
        found.push(format!("{path}:1: say in //! what this file is for"));
    }
    let length = source.text.lines().count();
    if length > LONGEST {
        found.push(format!("{path}: {length} lines; above {LONGEST} split it"));
    }
    // Written in two parts, or this very line would be found.
    let never = [
        ("#[ig", "nore", "a test that does not run proves nothing"),
        (
            "#[should",
            "_panic",
            "say what is wrong, not that something is",
        ),
    ];
    for (number, line) in source.code() {
        for (first, second, why) in never {
            if line.contains(&format!("{first}{second}")) {
                found.push(format!("{path}:{number}: {first}{second}: {why}"));
            }
        }
    }
    found
}

#[test]
fn every_file_says_what_it_is_for_and_has_a_sensible_size() {
    none(
        sources(&["src", "tests"])
            .iter()
            .flat_map(breaches)
            .collect(),
    );
}

#[test]
fn breaches_are_found() {
    let found = |text: &str| breaches(&Source::of("src/x.rs", text));
    assert_eq!(found("//! Fine.\n\nfn x() {}\n"), Vec::<String>::new());
    assert_eq!(found("fn x() {}\n").len(), 1);
    assert_eq!(
        found(&format!("//! Long.\n{}", "\n".repeat(LONGEST))).len(),
        1
    );
    assert_eq!(
        found(concat!("//! Idle.\n#[ig", "nore]\nfn x() {}\n")).len(),
        1
    );
}
