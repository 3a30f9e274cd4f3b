//! Documents in XML as they were written, for parts that no SDK's types know.

use std::ops::Range;

use xmlparser::{ElementEnd, Token, Tokenizer};

/// One element of a document, with where it stands in the text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::clouds) struct Element {
    /// Its name without a prefix.
    pub(in crate::clouds) name: String,
    /// From `<` of its beginning to `>` of its end.
    pub(in crate::clouds) range: Range<usize>,
    /// What it holds.
    pub(in crate::clouds) inner: Range<usize>,
    /// The text right inside of it, decoded.
    pub(in crate::clouds) text: String,
    pub(in crate::clouds) children: Vec<Element>,
}

impl Element {
    /// The first element of this name right inside.
    pub(in crate::clouds) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The text of the first element of this name right inside.
    pub(in crate::clouds) fn child_text(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.trim())
    }

    /// All elements of this name right inside.
    pub(in crate::clouds) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }
}

/// The texts of all elements of this name. What stands around them is not looked at:
/// what an answer to a probe holds need not be a document.
pub(in crate::clouds) fn elements(text: &str, name: &str) -> Vec<String> {
    text.split(&format!("<{name}>"))
        .skip(1)
        .filter_map(|rest| rest.split_once("</"))
        .map(|(inner, _)| inner.to_owned())
        .collect()
}

/// The outermost element of a document; why there is none, where it is no XML.
pub(in crate::clouds) fn parse(text: &str) -> Result<Element, String> {
    let mut open: Vec<Element> = Vec::new();
    let mut root = None;
    let mut close = |open: &mut Vec<Element>, inner_end: usize, end: usize| {
        let mut element = open.pop().ok_or("an element ends that did not begin")?;
        element.inner.end = inner_end.max(element.inner.start);
        element.range.end = end;
        match open.last_mut() {
            Some(parent) => parent.children.push(element),
            None => root = Some(element),
        }
        Ok::<(), String>(())
    };
    for token in Tokenizer::from(text) {
        match token.map_err(|error| error.to_string())? {
            Token::ElementStart { local, span, .. } => open.push(Element {
                name: local.as_str().to_owned(),
                range: span.range(),
                inner: span.end()..span.end(),
                ..Element::default()
            }),
            Token::ElementEnd { end, span } => match end {
                ElementEnd::Open => {
                    if let Some(element) = open.last_mut() {
                        element.inner.start = span.end();
                    }
                }
                ElementEnd::Close(_, name) => {
                    if open.last().is_some_and(|one| one.name != name.as_str()) {
                        return Err(format!("{name} ends where it did not begin"));
                    }
                    close(&mut open, span.start(), span.end())?;
                }
                ElementEnd::Empty => {
                    if let Some(element) = open.last_mut() {
                        element.inner.start = span.end();
                    }
                    close(&mut open, span.end(), span.end())?;
                }
            },
            Token::Text { text } => {
                if let Some(element) = open.last_mut() {
                    element.text.push_str(&decoded(text.as_str()));
                }
            }
            Token::Cdata { text, .. } => {
                if let Some(element) = open.last_mut() {
                    element.text.push_str(text.as_str());
                }
            }
            _ => {}
        }
    }
    match root {
        Some(root) if open.is_empty() => Ok(root),
        _ => Err("the document has no end".to_owned()),
    }
}

/// A text with its references to characters resolved; unknown ones stay as they are.
fn decoded(text: &str) -> String {
    let mut pieces = text.split('&');
    let mut decoded = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let found = piece
            .split_once(';')
            .and_then(|(name, rest)| Some((character(name)?, rest)));
        match found {
            Some((character, rest)) => {
                decoded.push(character);
                decoded.push_str(rest);
            }
            None => {
                decoded.push('&');
                decoded.push_str(piece);
            }
        }
    }
    decoded
}

fn character(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => number.parse(),
            };
            char::from_u32(code.ok()?)
        }
    }
}

/// A text as it may stand between two tags.
pub(in crate::clouds) fn encoded(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// Whether XML can carry this text at all, and a reader gets it back as it was.
pub(in crate::clouds) fn carries(text: &str) -> bool {
    !text
        .chars()
        .any(|c| c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_found_where_they_stand() {
        let text = "<?xml version=\"1.0\"?><a xmlns=\"urn:x\"><!-- c --><b>1 &lt; &#x32;</b><c/><s:b>two</s:b></a>";
        let root = parse(text).expect("a document");
        assert_eq!(root.name, "a");
        let all: Vec<&str> = root.all("b").map(|b| &text[b.range.clone()]).collect();
        assert_eq!(all, ["<b>1 &lt; &#x32;</b>", "<s:b>two</s:b>"]);
        assert_eq!(root.child_text("b"), Some("1 < 2"));
        assert_eq!(
            root.child("c").map(|c| &text[c.range.clone()]),
            Some("<c/>")
        );
        assert!(text[root.inner.clone()].starts_with("<!-- c --><b>"));
        assert!(text[root.inner].ends_with("</s:b>"));
    }

    #[test]
    fn what_is_no_document_is_refused() {
        for text in ["", "no XML", "<a><b></a>", "<a>", "{}"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn control_characters_are_not_carried() {
        for (text, expected) in [
            ("model.bin", true),
            ("a b+ü%&<>", true),
            ("ctl\u{1}x", false),
            ("line\nbreak", false),
            ("\u{ffff}", false),
        ] {
            assert_eq!(carries(text), expected, "{text:?}");
        }
    }
}
