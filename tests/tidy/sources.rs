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

/// The numbers of decisions that a text refers to.
fn decisions_named(text: &str) -> Vec<&str> {
    ["decision ", "decisions/"]
        .iter()
        .flat_map(|word| text.split(word).skip(1))
        .filter_map(|rest| rest.get(..4))
        .filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
        .collect()
}

#[test]
fn decisions_are_in_the_index_and_what_names_one_finds_it() {
    let folder = Path::new(ROOT).join("docs/dev/decisions");
    let pages: Vec<String> = fs::read_dir(folder)
        .expect("decisions")
        .map(|entry| entry.expect("an entry").file_name().display().to_string())
        .filter(|name| name != "README.md")
        .collect();
    let index = read("docs/dev/decisions/README.md");
    let mut lost: Vec<String> = pages
        .iter()
        .filter(|page| !index.contains(&format!("({page})")))
        .map(|page| format!("docs/dev/decisions/README.md does not list {page}"))
        .collect();
    let others = [".cargo/config.toml", "deny.toml"].map(|path| Source::of(path, &read(path)));
    for source in sources(&["src"]).iter().chain(&others) {
        for number in decisions_named(&source.text) {
            if !pages.iter().any(|page| page.starts_with(number)) {
                lost.push(format!("{}: there is no decision {number}", source.path));
            }
        }
    }
    none(lost);
}

#[test]
fn breaches_are_found() {
    assert_eq!(
        decisions_named("see decision 0003 and decisions/0005-x.md; a decision of 2024"),
        ["0003", "0005"]
    );
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
