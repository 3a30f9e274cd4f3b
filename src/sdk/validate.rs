//! The checks that a schema asks for, made on the known parts of a configuration.

use super::diagnostic::{Diagnostic, Path};
use super::made_up::is_made_up;
use super::schema::{Attribute, Block, Given};
use super::value::Value;

/// When a configuration is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Before anything is planned; values of a mocked provider may be in it.
    Validation {
        /// Whether Terraform keeps write-only values out of its state.
        write_only_allowed: bool,
    },
    /// While it is planned, or used.
    Use,
}

impl Block {
    /// Runs every check.
    pub fn validate(&self, config: &Value, path: &Path, moment: Moment) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        for attribute in &self.attributes {
            let value = config.attribute(&attribute.name);
            let path = path.attribute(&attribute.name);
            found.extend(attribute.problems(value, &path, moment));
        }
        for nested in &self.blocks {
            let path = path.attribute(&nested.name);
            match config.attribute(&nested.name) {
                block @ Value::Map(_) => {
                    found.extend(nested.block.validate(block, &path, moment));
                }
                Value::List(list) => {
                    for (index, block) in list.iter().enumerate() {
                        found.extend(nested.block.validate(block, &path.index(index), moment));
                    }
                }
                _ => {}
            }
        }
        found
    }
}

impl Attribute {
    fn problems(&self, value: &Value, path: &Path, moment: Moment) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        let not_valid = |why: &str, path: Path| {
            let summary = format!("Invalid {}", self.name);
            Diagnostic::error(summary, format!("{} is not valid: {why}.", self.name)).at(path)
        };
        let refused = Moment::Validation {
            write_only_allowed: false,
        };
        if self.write_only && !value.is_null() && moment == refused {
            found.push(
                Diagnostic::error(
                    "Write-only argument not supported",
                    format!(
                        "{} is write-only, and this version of Terraform would store it. \
                         Terraform 1.11 or newer is needed.",
                        self.name
                    ),
                )
                .at(path.clone()),
            );
        }
        if value.is_null() && self.given == Given::Required {
            found.push(not_valid("it is null, and has to be set", path.clone()));
        }
        if value.is_null() || !self.is_configurable() {
            return found;
        }
        if moment == Moment::Use || !is_made_up(value) {
            if let Some((key, why)) = self.text.problem_in(value) {
                // What has no proper shape has no meaning to be checked.
                let path = key.map_or_else(|| path.clone(), |key| path.key(key));
                found.push(not_valid(&why, path));
            } else if value.is_wholly_known() {
                let problems = self
                    .validators
                    .iter()
                    .filter_map(|check| check(value).err());
                found.extend(problems.map(|why| not_valid(&why, path.clone())));
            }
        }
        if let Some(instead) = &self.deprecated
            && value.is_wholly_known()
        {
            let summary = format!("{} is deprecated", self.name);
            found.push(Diagnostic::warning(summary, instead).at(path.clone()));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::schema::Schema;
    use super::*;

    const OLD: Moment = Moment::Validation {
        write_only_allowed: false,
    };

    fn schema() -> Schema {
        Schema::new(
            Block::new("A thing.")
                .with([
                    Attribute::string("mode", "How.").one_of(&["fast", "slow"]),
                    Attribute::number("size", "How much.").between(1, 10),
                    Attribute::string_set("friends", "Who."),
                ])
                .single(
                    "inner",
                    Block::new("Inside.")
                        .with([Attribute::string("token", "Secret.").write_only()]),
                ),
        )
    }

    fn config(mode: Value, size: Value, token: Value) -> Value {
        let inner = Value::Map(BTreeMap::from([("token".into(), token)]));
        Value::Map(BTreeMap::from([
            ("mode".into(), mode),
            ("size".into(), size),
            ("inner".into(), inner),
        ]))
    }

    fn paths(config: &Value, moment: Moment) -> Vec<String> {
        let found = schema().block.validate(config, &Path::root(), moment);
        let paths = found.iter().map(|one| one.path.clone().unwrap_or_default());
        paths.map(|path| path.to_string()).collect()
    }

    #[test]
    fn checks_name_the_path_and_skip_what_is_unknown() {
        let number = |number: i64| Value::Number(number.into());
        let wrong = config(Value::string("x"), number(11), Value::string("t"));
        assert_eq!(paths(&wrong, OLD), ["mode", "size", "inner.token"]);
        let unknown = config(Value::Unknown, Value::Unknown, Value::Null);
        assert!(paths(&unknown, OLD).is_empty());
    }

    #[test]
    fn one_problem_of_a_text_is_one_problem() {
        let wrong = config(Value::string("slow\n"), Value::Null, Value::string(" t"));
        assert_eq!(paths(&wrong, Moment::Use), ["mode", "inner.token"]);
        let set = Value::List(vec![Value::Unknown, Value::Null]);
        let wrong = Value::Map(BTreeMap::from([("friends".into(), set)]));
        assert_eq!(paths(&wrong, OLD), ["friends"]);
    }

    #[test]
    fn what_a_mocked_provider_makes_up_is_refused_by_the_plan_alone() {
        let made_up = config(
            Value::string("k3x9ab01"),
            Value::Number(0_i64.into()),
            Value::Null,
        );
        assert!(paths(&made_up, OLD).is_empty());
        assert_eq!(paths(&made_up, Moment::Use), ["mode", "size"]);
    }
}
