//! Who may name whom. `docs/dev/architecture.md` says why.

use crate::layers::{CLOUDS, HOMES, LAYERS};
use crate::sources::{Source, none, read, sources};

/// What the domain may not name: it is pure.
const IMPURE: [&str; 12] = [
    "tokio",
    "std::env",
    "std::fs",
    "std::io",
    "TcpListener",
    "TcpStream",
    "ToSocketAddrs",
    "UdpSocket",
    "std::process",
    "std::thread",
    "Instant::now",
    "SystemTime::now",
];

/// Words of one cloud's language, which only that cloud's folder speaks.
const LANGUAGES: [&str; 6] = [
    "\"Sid\"",
    "\"Statement\"",
    "x-amz-",
    "x-ms-",
    "x-goog-",
    "\"arn:",
];

/// The layers that speak no cloud's language.
const SPEECHLESS: [&str; 4] = [
    "src/byob/",
    "src/probe/",
    "src/terraform/",
    "src/resources/",
];

/// Whether `name` begins somewhere in `line`, and not inside of a longer name.
fn names(line: &str, name: &str) -> bool {
    line.match_indices(name).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
    })
}

/// The identifier at the beginning of `text`.
fn identifier(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_');
    &text[..end.unwrap_or(text.len())]
}

/// The names right below `parent` that a line of code uses, in groups as well.
/// rustfmt keeps a group that has no line to itself on one line.
fn children<'a>(line: &'a str, parent: &str) -> Vec<&'a str> {
    let mut found = Vec::new();
    for (at, _) in line.match_indices(parent) {
        let rest = &line[at + parent.len()..];
        let Some(group) = rest.strip_prefix('{') else {
            found.push(identifier(rest));
            continue;
        };
        let mut depth = 0;
        let mut first = true;
        for (at, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => first = true,
                c if first && !c.is_whitespace() => {
                    found.push(identifier(&group[at..]));
                    first = false;
                }
                _ => {}
            }
        }
    }
    found
}

/// The module that a file is: `["clouds", "s3", "look"]` for `src/clouds/s3/look.rs`.
/// Tests in a file of their own are `mod tests` of the file that they test.
fn module(path: &str) -> Vec<&str> {
    let below = path.trim_start_matches("src/").trim_end_matches(".rs");
    let mut parts: Vec<&str> = below.split('/').collect();
    match parts.pop() {
        None | Some("mod") => {}
        Some(file) => match file.strip_suffix("_tests") {
            Some(tested) => parts.extend([tested, "tests"]),
            None => parts.push(file),
        },
    }
    parts
}

/// Whether a line goes up to the root of the crate by `super`. Indented lines may be
/// inside of `mod tests`, one level further down.
fn climbs_out(line: &str, depth: usize) -> bool {
    let indent = usize::from(line.starts_with(' '));
    line.contains(&"super::".repeat(depth + indent))
}

/// Finds what is wrong with one file.
type Rule = fn(&Source) -> Vec<String>;

fn layer_breaches(source: &Source) -> Vec<String> {
    let path = &source.path;
    let module = module(path);
    let Some((layer, allowed)) = LAYERS.iter().find(|(layer, _)| *layer == module[0]) else {
        return match module[0] {
            "lib" | "main" => Vec::new(),
            other => vec![format!(
                "{path}: {other} is no layer; say in LAYERS what it may name"
            )],
        };
    };
    let mut found = Vec::new();
    let mut say = |number: usize, what: String| found.push(format!("{path}:{number}: {what}"));
    // Groups may run over several lines; each of their lines counts as the first one's.
    let mut group = String::new();
    for (number, line) in source.code() {
        if climbs_out(line, module.len()) {
            say(
                number,
                "write crate:: where another layer is meant".to_owned(),
            );
        }
        let text = if group.is_empty() {
            line.to_owned()
        } else {
            format!("{group} {}", line.trim())
        };
        let is_open = text.contains("crate::{") && !text.contains(';');
        group = if is_open { text.clone() } else { String::new() };
        if is_open {
            continue;
        }
        for other in children(&text, "crate::") {
            // The one macro of the crate is the SDK's.
            let other = if other == "model" { "sdk" } else { other };
            if other != *layer && !allowed.contains(&other) {
                say(number, format!("{layer} may not name {other}"));
            }
        }
    }
    found
}

/// Clouds are folders of `src/clouds`, and Terraform's side of each one is a folder of
/// `src/provider/clouds`.
fn cloud_breaches(source: &Source) -> Vec<String> {
    let (path, module) = (&source.path, module(&source.path));
    let below = module.iter().position(|part| *part == "clouds");
    let Some(own) = below.and_then(|at| module.get(at + 1)) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (number, line) in source.code() {
        let named = children(line, "clouds::").into_iter();
        for other in named.chain(children(line, "super::")) {
            if CLOUDS.contains(&other) && other != *own {
                found.push(format!(
                    "{path}:{number}: {own} may not name the cloud {other}"
                ));
            }
        }
    }
    found
}

fn home_breaches(source: &Source) -> Vec<String> {
    let path = &source.path;
    let mut found = Vec::new();
    for (number, line) in source.code() {
        for (name, homes) in HOMES {
            if names(line, name) && !homes.iter().any(|home| path.starts_with(home)) {
                found.push(format!(
                    "{path}:{number}: {name} may be named in {homes:?} only"
                ));
            }
        }
        if path.starts_with("src/byob/") {
            let impure = IMPURE.into_iter().filter(|name| names(line, name));
            found.extend(impure.map(|name| format!("{path}:{number}: byob is pure, no {name}")));
        }
    }
    found
}

/// The SDK could be lifted out for another provider.
fn language_breaches(source: &Source) -> Vec<String> {
    let path = &source.path;
    if !SPEECHLESS.iter().any(|layer| path.starts_with(layer)) || path.ends_with("_tests.rs") {
        return Vec::new();
    }
    source
        .code()
        .flat_map(|(number, line)| {
            let words = LANGUAGES.iter().filter(|word| line.contains(**word));
            words
                .map(|word| format!("{path}:{number}: {word} is one cloud's language"))
                .collect::<Vec<_>>()
        })
        .collect()
}

fn sdk_breaches(source: &Source) -> Vec<String> {
    if !source.path.starts_with("src/sdk/") {
        return Vec::new();
    }
    let lines = source.text.lines().enumerate();
    lines
        .filter(|(_, line)| {
            let line = line.replace("wandb_provider::", "").to_lowercase();
            ["wandb", "w&b", "bucket"]
                .iter()
                .any(|word| line.contains(word))
        })
        .map(|(index, _)| {
            format!(
                "{}:{}: the SDK knows no W&B and no bucket",
                source.path,
                index + 1
            )
        })
        .collect()
}

/// An expectation that is computed by the code under test is none.
fn oracle_breaches(source: &Source) -> Vec<String> {
    let lines = source
        .code()
        .filter(|(_, line)| names(line, "wandb_provider"));
    lines
        .map(|(number, _)| {
            format!(
                "{}:{number}: the product's code may not be used here",
                source.path
            )
        })
        .collect()
}

#[test]
fn layers_name_only_what_is_below_them() {
    none(sources(&["src"]).iter().flat_map(layer_breaches).collect());
}

#[test]
fn clouds_do_not_know_each_other() {
    none(
        sources(&["src/clouds", "src/provider/clouds"])
            .iter()
            .flat_map(cloud_breaches)
            .collect(),
    );
}

#[test]
fn libraries_and_powers_stay_in_their_homes() {
    none(sources(&["src"]).iter().flat_map(home_breaches).collect());
}

#[test]
fn only_a_cloud_speaks_its_language() {
    none(
        sources(&["src"])
            .iter()
            .flat_map(language_breaches)
            .collect(),
    );
}

#[test]
fn the_sdk_knows_nothing_about_this_provider() {
    none(
        sources(&["src/sdk"])
            .iter()
            .flat_map(sdk_breaches)
            .collect(),
    );
}

#[test]
fn the_simulator_and_the_rings_of_the_user_share_no_code_with_the_product() {
    let manifest = read("tests/simulator/Cargo.toml");
    for word in [
        "terraform-provider-wandb",
        "wandb_provider",
        "\"..",
        "\"../..",
    ] {
        assert!(
            !manifest.contains(word),
            "tests/simulator/Cargo.toml names {word}"
        );
    }
    let folders = [
        "tests/simulator",
        "tests/harness",
        "tests/acceptance",
        "tests/fault",
        "tests/bench",
    ];
    none(sources(&folders).iter().flat_map(oracle_breaches).collect());
}

#[test]
fn breaches_are_found() {
    let tries: [(&str, &str, Rule); 16] = [
        (
            "src/provider/clouds/aws/mod.rs",
            "use crate::clouds::gcp::Clients;",
            cloud_breaches,
        ),
        ("src/sdk/x.rs", "use crate::byob::Cloud;", layer_breaches),
        (
            "src/resources/x.rs",
            "use crate::clouds::probe;",
            layer_breaches,
        ),
        (
            "src/clouds/aws/x.rs",
            "    crate::sdk::serve();",
            layer_breaches,
        ),
        (
            "src/byob/x.rs",
            "use crate::{byob::name, wandb};",
            layer_breaches,
        ),
        (
            "src/byob/x.rs",
            "use crate::{\n    sdk::Value,\n};",
            layer_breaches,
        ),
        ("src/byob/mod.rs", "use super::sdk;", layer_breaches),
        (
            "src/byob/x/y.rs",
            "use super::super::super::sdk;",
            layer_breaches,
        ),
        ("src/helpers/x.rs", "", layer_breaches),
        (
            "src/clouds/aws/x.rs",
            "use crate::clouds::gcp;",
            cloud_breaches,
        ),
        (
            "src/clouds/s3/x.rs",
            "use super::super::aws::client;",
            cloud_breaches,
        ),
        (
            "src/resources/x.rs",
            "use aws_sdk_s3::Client;",
            home_breaches,
        ),
        (
            "src/clouds/aws/x.rs",
            "tokio::time::sleep(pause).await",
            home_breaches,
        ),
        (
            "src/byob/x.rs",
            "let now = SystemTime::now();",
            home_breaches,
        ),
        ("src/sdk/x.rs", "/// Deletes the bucket.", sdk_breaches),
        (
            "tests/acceptance/x.rs",
            "use wandb_provider::byob;",
            oracle_breaches,
        ),
    ];
    for (path, text, rule) in tries {
        assert_eq!(rule(&Source::of(path, text)).len(), 1, "{path}: {text}");
    }
    let fine: [(&str, &str, Rule); 8] = [
        (
            "src/sdk/plan_tests.rs",
            "use super::super::schema::Block;",
            layer_breaches,
        ),
        (
            "src/sdk/rpc/mod.rs",
            "use super::wire::tfplugin5;",
            layer_breaches,
        ),
        ("src/byob/mod.rs", "    use super::*;", layer_breaches),
        (
            "src/resources/x.rs",
            "use crate::{byob::Cloud, model, sdk::prelude::*};",
            layer_breaches,
        ),
        (
            "src/resources/x.rs",
            "// crate::clouds opens them",
            layer_breaches,
        ),
        (
            "src/clouds/aws/x.rs",
            "use crate::clouds::s3::look;",
            cloud_breaches,
        ),
        (
            "src/sdk/handshake.rs",
            "let mut out = std::io::stdout().lock();",
            home_breaches,
        ),
        (
            "src/sdk/mod.rs",
            "//! use wandb_provider::model;",
            sdk_breaches,
        ),
    ];
    for (path, text, rule) in fine {
        assert_eq!(
            rule(&Source::of(path, text)),
            Vec::<String>::new(),
            "{path}: {text}"
        );
    }
}
