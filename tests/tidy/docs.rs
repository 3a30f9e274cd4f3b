//! The documentation says what the code does: generated pages are current, examples
//! are there, links lead somewhere.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};
use wandb_provider::provider::Wandb;
use wandb_provider::provider::pages::pages;
use wandb_provider::sdk::docs::{Files, front_matter};
use wandb_provider::sdk::provider::Provider as _;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// How a generated page begins.
const GENERATED: &str = "---\n# Generated";

fn root() -> &'static Path {
    Path::new(ROOT)
}

/// Every file below `folder` of the project, by its path below that folder.
fn files(folder: &str) -> Files {
    let top = root().join(folder);
    let mut found = Files::new();
    let mut open = vec![top.clone()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{folder:?}: {error}")) {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path);
            } else if let Ok(text) = fs::read_to_string(&path) {
                let below = path.strip_prefix(&top).expect("below");
                found.insert(below.display().to_string(), text);
            }
        }
    }
    found
}

fn is_generated(text: &str) -> bool {
    text.starts_with(GENERATED)
}

fn hand_written_guides() -> Files {
    let mut guides = files("docs/guides");
    guides.retain(|_, text| !is_generated(text));
    guides
}

/// The number of the first line that differs, with both versions of it.
fn first_difference(is: &str, should: &str) -> String {
    let (mut is, mut should) = (is.lines(), should.lines());
    for number in 1.. {
        match (is.next(), should.next()) {
            (None, None) => break,
            (is, should) if is == should => {}
            (is, should) => {
                return format!(
                    "line {number}:\n  is        {}\n  should be {}",
                    is.unwrap_or("(the end)"),
                    should.unwrap_or("(the end)")
                );
            }
        }
    }
    "the ends of lines".to_owned()
}

#[test]
fn generated_pages_are_current() {
    let update = std::env::var("UPDATE").is_ok_and(|value| value == "1");
    let there = files("docs");
    let pages = pages(&files("examples"), &hand_written_guides());
    let mut stale = Vec::new();
    for page in &pages {
        let path = root().join("docs").join(&page.path);
        let is = there.get(&page.path).map_or("", String::as_str);
        if is == page.text {
            continue;
        }
        if update {
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(&path, &page.text).expect("written");
        } else {
            let difference = first_difference(is, &page.text);
            stale.push(format!("docs/{}, {difference}", page.path));
        }
    }
    let wanted: BTreeSet<&String> = pages.iter().map(|page| &page.path).collect();
    for (path, _) in there
        .iter()
        .filter(|(path, text)| is_generated(text) && !wanted.contains(path))
    {
        if update {
            fs::remove_file(root().join("docs").join(path)).expect("removed");
        } else {
            stale.push(format!("docs/{path}, which nothing generates any more"));
        }
    }
    assert!(
        stale.is_empty(),
        "the documentation is stale; run\n\n    UPDATE=1 cargo test --test tidy\n\n{}",
        stale.join("\n")
    );
}

#[test]
fn the_first_difference_is_told() {
    assert_eq!(
        first_difference("a\nb\n", "a\nc\n"),
        "line 2:\n  is        b\n  should be c"
    );
    assert_eq!(
        first_difference("a\n", "a\nb\n"),
        "line 2:\n  is        (the end)\n  should be b"
    );
}

#[test]
fn everything_has_a_page_an_example_and_a_way_to_import() {
    let (docs, examples) = (files("docs"), files("examples"));
    let provider = Wandb::default();
    let mut needed = vec!["provider/provider.tf".to_owned()];
    for one in provider.resources() {
        for file in ["resource.tf", "import.tf", "import.sh"] {
            needed.push(format!("resources/{}/{file}", one.name()));
        }
    }
    for one in provider.data_sources() {
        needed.push(format!("data-sources/{}/data-source.tf", one.name()));
    }
    for one in provider.ephemeral_resources() {
        needed.push(format!(
            "ephemeral-resources/{}/ephemeral-resource.tf",
            one.name()
        ));
    }
    for file in needed {
        assert!(examples.contains_key(&file), "examples/{file} is missing");
    }
    for one in provider.functions() {
        let page = format!("functions/{}.md", one.name());
        assert!(docs.contains_key(&page), "docs/{page} is missing");
    }
}

#[test]
fn the_registry_finds_a_title_on_every_page() {
    for (path, text) in files("docs") {
        if path.starts_with("dev/") {
            continue;
        }
        for key in ["page_title", "subcategory", "description"] {
            assert!(
                front_matter(&text, key).is_some(),
                "docs/{path} has no {key} in its front matter"
            );
        }
    }
}

/// What matters of a page in Markdown.
#[derive(Default)]
struct Marked {
    links: Vec<String>,
    anchors: BTreeSet<String>,
    /// Blocks of code: language and text.
    code: Vec<(String, String)>,
}

impl Marked {
    fn read(text: &str) -> Self {
        let mut marked = Self::default();
        let (mut heading, mut language) = (None, None);
        for event in Parser::new_ext(without_front_matter(text), Options::ENABLE_TABLES) {
            match event {
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    marked.links.push(dest_url.into_string());
                }
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => {
                    marked
                        .anchors
                        .extend(heading.take().map(|text| slug(&text)));
                }
                Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(name))) => {
                    language = Some(name.into_string());
                    marked
                        .code
                        .push((language.clone().unwrap_or_default(), String::new()));
                }
                Event::End(TagEnd::CodeBlock) => language = None,
                Event::Text(text) | Event::Code(text) => match (&mut heading, &language) {
                    (Some(heading), _) => heading.push_str(&text),
                    (None, Some(_)) => {
                        if let Some((_, code)) = marked.code.last_mut() {
                            code.push_str(&text);
                        }
                    }
                    (None, None) => {}
                },
                Event::Html(html) | Event::InlineHtml(html) => {
                    let ids = html.split("id=\"").skip(1);
                    marked
                        .anchors
                        .extend(ids.filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())));
                }
                _ => {}
            }
        }
        marked
    }
}

fn without_front_matter(text: &str) -> &str {
    text.strip_prefix("---\n")
        .and_then(|rest| rest.split_once("\n---\n"))
        .map_or(text, |(_, body)| body)
}

/// The anchor that a heading gets.
fn slug(heading: &str) -> String {
    heading
        .to_lowercase()
        .chars()
        .filter_map(|c| match c {
            ' ' => Some('-'),
            c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
            _ => None,
        })
        .collect()
}

/// Every page in Markdown that is meant for readers, by its path below the root.
fn readable() -> Files {
    let mut found = Files::new();
    for folder in ["docs", "examples"] {
        for (path, text) in files(folder) {
            found.insert(format!("{folder}/{path}"), text);
        }
    }
    for name in ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"] {
        if let Ok(text) = fs::read_to_string(root().join(name)) {
            found.insert(name.to_owned(), text);
        }
    }
    found.retain(|path, _| path.ends_with(".md"));
    found
}

#[test]
fn links_lead_somewhere() {
    let mut broken = Vec::new();
    for (path, text) in readable() {
        for link in Marked::read(&text).links {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target: PathBuf = if file.is_empty() {
                root().join(&path)
            } else {
                root().join(&path).parent().expect("a folder").join(file)
            };
            let found = match fs::read_to_string(&target) {
                Ok(text) => anchor.is_empty() || Marked::read(&text).anchors.contains(anchor),
                Err(_) => target.is_dir() && anchor.is_empty(),
            };
            if !found {
                broken.push(format!("{path}: {link}"));
            }
        }
    }
    assert!(
        broken.is_empty(),
        "these links lead nowhere:\n{}",
        broken.join("\n")
    );
}

/// Examples are applied by the acceptance ring, so what guides show is known to work.
/// A fragment that is no configuration of its own is marked as `hcl`.
#[test]
fn configurations_of_guides_are_examples() {
    let examples = files("examples");
    for (path, text) in files("docs/guides") {
        for (language, code) in Marked::read(&text).code {
            assert!(
                language != "terraform"
                    || examples
                        .values()
                        .any(|example| example.contains(code.trim())),
                "docs/guides/{path}: no file of examples holds this:\n\n{code}"
            );
        }
    }
}

#[test]
fn examples_are_formatted() {
    let output = Command::new("terraform")
        .args([
            "fmt",
            "-check",
            "-diff",
            "-recursive",
            "-no-color",
            "examples",
        ])
        .current_dir(root())
        .output()
        .expect("terraform is installed");
    assert!(
        output.status.success(),
        "run terraform fmt -recursive examples\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Examples that name a version name this one.
#[test]
fn examples_name_this_version() {
    let this = env!("CARGO_PKG_VERSION");
    let (minor, _) = this.rsplit_once('.').expect("a version");
    for (path, text) in files("examples") {
        for line in text
            .lines()
            .filter(|line| path.ends_with(".tf") && line.trim_start().starts_with("version "))
        {
            assert!(
                line.contains(&format!("\"~> {minor}\"")),
                "examples/{path}: {line}"
            );
        }
    }
}
