//! Terraform's language in raw strings, with named holes.

use std::fmt::Display;

/// A text whose holes are filled: `<name>` becomes the value of `name`, which is given as
/// `name = value`, or as `name` where a variable is called so. The text begins on a line
/// of its own and loses the indentation that its lines share.
macro_rules! hcl {
    (@value $hole:ident) => { $hole };
    (@value $hole:ident = $value:expr) => { $value };
    ($text:expr $(, $hole:ident $(= $value:expr)?)* $(,)?) => {
        $crate::harness::fill(
            $text,
            &[$((stringify!($hole), &$crate::harness::hcl!(@value $hole $(= $value)?))),*],
        )
        .unwrap_or_else(|error| panic!("{error}"))
    };
}
pub(crate) use hcl;

/// Fills the holes of a text and takes its indentation away; a hole without a value and
/// a value without a hole are errors.
pub fn fill(text: &str, values: &[(&str, &dyn Display)]) -> Result<String, String> {
    let text = without_indentation(text);
    let mut filled = String::new();
    let mut unused: Vec<&str> = values.iter().map(|(name, _)| *name).collect();
    let mut rest = text.as_str();
    while let Some((before, name, after)) = next_hole(rest) {
        let value = values.iter().find(|(other, _)| *other == name);
        let (_, value) = value.ok_or_else(|| format!("nothing fills <{name}> of {text}"))?;
        unused.retain(|other| *other != name);
        filled.push_str(before);
        filled.push_str(&value.to_string());
        rest = after;
    }
    filled.push_str(rest);
    match unused.first() {
        None => Ok(filled),
        Some(name) => Err(format!("there is no <{name}> in {text}")),
    }
}

/// What is before the first hole, its name, and what is after it.
fn next_hole(text: &str) -> Option<(&str, &str, &str)> {
    text.match_indices('<').find_map(|(start, _)| {
        let (name, after) = text[start + 1..].split_once('>')?;
        let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        is_name.then_some((&text[..start], name, after))
    })
}

/// The text without the first and the last line of a raw string, which are empty, and
/// without the indentation that the others share.
fn without_indentation(text: &str) -> String {
    let Some(text) = text.strip_prefix('\n') else {
        return text.to_owned();
    };
    let text = text.trim_end_matches(' ');
    let depth = |line: &str| line.len() - line.trim_start().len();
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let common = lines.map(depth).min().unwrap_or_default();
    let lines = text
        .lines()
        .map(|line| line.get(common..).unwrap_or_default());
    lines.map(|line| format!("{line}\n")).collect()
}

#[test]
fn holes_are_filled_and_indentation_is_taken_away() {
    let name = "omega";
    let filled = hcl!(
        r#"
            resource "x" "<name>" {
              pem = <<-PEM
              <more>
            }
        "#,
        name,
        more = 1 + 1
    );
    let expected = "resource \"x\" \"omega\" {\n  pem = <<-PEM\n  2\n}\n";
    assert_eq!(filled, expected);
    assert_eq!(hcl!(r#"a = "<b> < c""#, b = "<d>"), r#"a = "<d> < c""#);
}

#[test]
fn unknown_and_unused_holes_are_errors() {
    let unknown = fill("a = <b>", &[]);
    assert_eq!(unknown, Err("nothing fills <b> of a = <b>".to_owned()));
    let unused = fill("a", &[("b", &1)]);
    assert_eq!(unused, Err("there is no <b> in a".to_owned()));
}
