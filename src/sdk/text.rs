//! What a text in a configuration, or in a variable of the environment, may look like before
//! anybody asks what it means.
//!
//! No message repeats the text: it may be a secret.

use super::value::Value;

/// The shape of a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Text {
    /// One line that is not empty, without blanks around it. What a name, a key or an address
    /// looks like.
    #[default]
    Line,
    /// Lines, such as those of a certificate.
    Lines,
    /// One line that means nothing to us: it may be empty.
    Free,
}

impl Text {
    /// Why a text does not have this shape, as the end of a sentence.
    pub fn check(self, text: &str) -> Result<(), String> {
        let is_break = |c: char| self == Self::Lines && matches!(c, '\n' | '\r' | '\t');
        if let Some(wrong) = text.chars().find(|c| is_hidden(*c) && !is_break(*c)) {
            let name = match wrong {
                '\n' | '\r' => "a line break".to_owned(),
                '\t' => "a tab".to_owned(),
                other => format!("the invisible character U+{:04X}", u32::from(other)),
            };
            return Err(format!("it holds {name}"));
        }
        match self {
            Self::Free => Ok(()),
            _ if text.is_empty() => {
                Err("it is empty; leave it out, or set it to null, to say nothing".to_owned())
            }
            _ if text.trim().is_empty() => Err("it holds nothing but blanks".to_owned()),
            Self::Line if text.trim() != text => Err("it begins or ends with a blank".to_owned()),
            Self::Line | Self::Lines => Ok(()),
        }
    }

    /// The first problem in a value, and the key of the map's element that has it.
    pub(super) fn problem_in(self, value: &Value) -> Option<(Option<&str>, String)> {
        match value {
            Value::String(text) => self.check(text).err().map(|why| (None, why)),
            Value::List(list) => list.iter().find_map(|element| match element {
                Value::Null => Some((None, "it holds null".to_owned())),
                element => {
                    let (_, why) = self.problem_in(element)?;
                    Some((None, format!("of one of its elements, {why}")))
                }
            }),
            // Null in a map is an element that is not there.
            Value::Map(map) => map.iter().find_map(|(key, element)| {
                let why = match Self::Line.check(key) {
                    Err(why) => format!("of one of its keys, {why}"),
                    Ok(()) => self.problem_in(element)?.1,
                };
                Some((Some(key.as_str()), why))
            }),
            _ => None,
        }
    }
}

/// A character that nobody sees: it came with a copy, or from the end of a file.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_of_texts() {
        let all = [Text::Line, Text::Lines, Text::Free];
        for (text, good) in [
            ("a", [true, true, true]),
            ("a b", [true, true, true]),
            ("ü", [true, true, true]),
            ("", [false, false, true]),
            (" ", [false, false, true]),
            ("a ", [false, true, true]),
            (" a", [false, true, true]),
            ("\u{a0}a", [false, true, true]),
            ("a\n", [false, true, false]),
            ("a\r\nb", [false, true, false]),
            ("a\tb", [false, true, false]),
            ("\n", [false, false, false]),
            ("a\u{0}", [false, false, false]),
            ("a\u{7f}", [false, false, false]),
            ("\u{feff}a", [false, false, false]),
            ("a\u{200b}", [false, false, false]),
        ] {
            for (shape, good) in all.into_iter().zip(good) {
                assert_eq!(shape.check(text).is_ok(), good, "{shape:?} {text:?}");
            }
        }
    }

    #[test]
    fn no_problem_repeats_the_text() {
        for text in ["hunter2\n", " hunter2", "hunter2\u{0}"] {
            let why = Text::Line.check(text).expect_err("a problem");
            assert!(!why.contains("hunter2"), "{why}");
        }
    }

    #[test]
    fn null_is_nothing_in_a_map_and_a_problem_in_a_set() {
        let set = Value::List(vec![Value::Null]);
        assert_eq!(
            Text::Line.problem_in(&set),
            Some((None, "it holds null".to_owned()))
        );
        let map = Value::Map([("a".to_owned(), Value::Null)].into());
        assert_eq!(Text::Line.problem_in(&map), None);
        let map = Value::Map([("a".to_owned(), Value::string(""))].into());
        assert_eq!(
            Text::Line.problem_in(&map).map(|(key, _)| key),
            Some(Some("a"))
        );
        let open = Value::List(vec![Value::Unknown, Value::string("")]);
        assert!(Text::Line.problem_in(&open).is_some());
    }
}
