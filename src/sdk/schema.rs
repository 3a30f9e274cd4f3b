//! What a configuration may say: attributes, blocks, and the rules about them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use super::diagnostic::Path;
use super::text::Text;
use super::value::{Type, Value};

/// A check of one known value. The error is the end of a sentence about it.
pub type Validator = Arc<dyn Fn(&Value) -> Result<(), String> + Send + Sync>;

/// Who gives an attribute its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given {
    /// The configuration must.
    Required,
    /// The configuration may.
    Optional,
    /// The provider does.
    Computed,
    /// The configuration may; otherwise the provider does.
    OptionalComputed,
}

/// One attribute.
#[derive(Clone)]
pub struct Attribute {
    /// Its name: lower-case letters, digits and underscores.
    pub name: String,
    /// Its type.
    pub ty: Type,
    /// Markdown for people.
    pub description: String,
    /// Who gives it its value.
    pub given: Given,
    /// Hidden in Terraform's output.
    pub sensitive: bool,
    /// Never stored: only to be seen in the configuration.
    pub write_only: bool,
    /// What to use instead, when it is on its way out.
    pub deprecated: Option<String>,
    /// The value when the configuration has none.
    pub default: Option<Value>,
    /// A change makes a new object.
    pub requires_replace: bool,
    /// A computed value that stays what it was when something else changes.
    pub keeps_state: bool,
    /// The only texts that it may be; empty when others may be as well.
    pub allowed: &'static [&'static str],
    /// The least and the most that a number may be.
    pub range: Option<(i64, i64)>,
    /// What its texts look like.
    pub text: Text,
    pub(super) validators: Vec<Validator>,
}

impl fmt::Debug for Attribute {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Attribute")
            .field("name", &self.name)
            .field("ty", &self.ty)
            .field("given", &self.given)
            .finish_non_exhaustive()
    }
}

impl Attribute {
    /// An optional attribute of any type.
    pub fn new(name: &str, ty: Type, description: &str) -> Self {
        Self {
            name: name.to_owned(),
            ty,
            description: description.to_owned(),
            given: Given::Optional,
            sensitive: false,
            write_only: false,
            deprecated: None,
            default: None,
            requires_replace: false,
            keeps_state: false,
            allowed: &[],
            range: None,
            text: Text::default(),
            validators: Vec::new(),
        }
    }

    /// An optional text.
    pub fn string(name: &str, description: &str) -> Self {
        Self::new(name, Type::String, description)
    }

    /// An optional switch.
    pub fn bool(name: &str, description: &str) -> Self {
        Self::new(name, Type::Bool, description)
    }

    /// An optional number.
    pub fn number(name: &str, description: &str) -> Self {
        Self::new(name, Type::Number, description)
    }

    /// An optional set of texts.
    pub fn string_set(name: &str, description: &str) -> Self {
        Self::new(name, Type::set(Type::String), description)
    }

    /// An optional map of texts.
    pub fn string_map(name: &str, description: &str) -> Self {
        Self::new(name, Type::map(Type::String), description)
    }

    /// The configuration must give it.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.given = Given::Required;
        self
    }

    /// The provider gives it.
    #[must_use]
    pub fn computed(mut self) -> Self {
        self.given = match self.given {
            Given::Required | Given::Computed => Given::Computed,
            Given::Optional | Given::OptionalComputed => Given::Computed,
        };
        self
    }

    /// The configuration may give it, otherwise the provider does.
    #[must_use]
    pub fn optional_computed(mut self) -> Self {
        self.given = Given::OptionalComputed;
        self
    }

    /// The value when the configuration has none.
    #[must_use]
    pub fn default(mut self, value: Value) -> Self {
        self.given = Given::OptionalComputed;
        self.default = Some(value);
        self
    }

    /// Hidden in Terraform's output.
    #[must_use]
    pub fn sensitive(mut self) -> Self {
        self.sensitive = true;
        self
    }

    /// Never stored in plan or state.
    #[must_use]
    pub fn write_only(mut self) -> Self {
        self.write_only = true;
        self.sensitive = true;
        self
    }

    /// A change makes a new object.
    #[must_use]
    pub fn requires_replace(mut self) -> Self {
        self.requires_replace = true;
        self
    }

    /// A computed value that stays what it was when something else changes.
    #[must_use]
    pub fn keeps_state(mut self) -> Self {
        self.keeps_state = true;
        self
    }

    /// On its way out; `instead` says what to use.
    #[must_use]
    pub fn deprecated(mut self, instead: &str) -> Self {
        self.deprecated = Some(instead.to_owned());
        self
    }

    /// Its texts are not the names, keys and addresses that texts are by default.
    #[must_use]
    pub fn text(mut self, shape: Text) -> Self {
        self.text = shape;
        self
    }

    /// Adds a check of the whole value, made when it is set and wholly known.
    #[must_use]
    pub fn check(
        mut self,
        check: impl Fn(&Value) -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        self.validators.push(Arc::new(check));
        self
    }

    /// Adds a check of a text.
    #[must_use]
    pub fn check_string(
        self,
        check: impl Fn(&str) -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        self.check(move |value| match value {
            Value::String(text) => check(text),
            _ => Ok(()),
        })
    }

    /// The text must be one of these.
    #[must_use]
    pub fn one_of(mut self, allowed: &'static [&'static str]) -> Self {
        self.allowed = allowed;
        self.check_string(move |text| {
            if allowed.contains(&text) {
                return Ok(());
            }
            let quoted: Vec<String> = allowed.iter().map(|one| format!("{one:?}")).collect();
            Err(format!(
                "it is {text:?}, and may be one of {}",
                quoted.join(", ")
            ))
        })
    }

    /// The number must be whole and in this range, both ends included.
    #[must_use]
    pub fn between(mut self, least: i64, most: i64) -> Self {
        self.range = Some((least, most));
        self.check(move |value| match value {
            Value::Number(number) => match number.to_i64() {
                Some(number) if (least..=most).contains(&number) => Ok(()),
                _ => Err(format!(
                    "it is {number}, and may be a whole number from {least} to {most}"
                )),
            },
            _ => Ok(()),
        })
    }

    /// Whether a configuration may set it.
    pub fn is_configurable(&self) -> bool {
        self.given != Given::Computed
    }

    /// Whether the provider may give it a value.
    pub fn is_computed(&self) -> bool {
        matches!(self.given, Given::Computed | Given::OptionalComputed)
    }
}

/// How often a block may stand, and what becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nesting {
    /// At most once; null when absent.
    Single,
    /// Any number of times, in order.
    List,
    /// Any number of times, without order.
    Set,
}

/// A block inside a block.
#[derive(Clone, Debug)]
pub struct NestedBlock {
    /// Its name.
    pub name: String,
    /// How often it may stand.
    pub nesting: Nesting,
    /// What is in it.
    pub block: Block,
}

/// Attributes and blocks.
#[derive(Clone, Debug, Default)]
pub struct Block {
    /// Markdown for people.
    pub description: String,
    /// In the order of the documentation.
    pub attributes: Vec<Attribute>,
    /// In the order of the documentation.
    pub blocks: Vec<NestedBlock>,
}

impl Block {
    /// An empty block.
    pub fn new(description: &str) -> Self {
        Self {
            description: description.to_owned(),
            ..Self::default()
        }
    }

    /// Adds attributes.
    #[must_use]
    pub fn with(mut self, attributes: impl IntoIterator<Item = Attribute>) -> Self {
        self.attributes.extend(attributes);
        self
    }

    /// Adds a block that may stand once.
    #[must_use]
    pub fn single(self, name: &str, block: Self) -> Self {
        self.nested(name, Nesting::Single, block)
    }

    /// Adds a block.
    #[must_use]
    pub fn nested(mut self, name: &str, nesting: Nesting, block: Self) -> Self {
        self.blocks.push(NestedBlock {
            name: name.to_owned(),
            nesting,
            block,
        });
        self
    }

    /// The attribute of this name.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes
            .iter()
            .find(|attribute| attribute.name == name)
    }

    /// The type of the block's values.
    pub fn ty(&self) -> Type {
        let attributes = self
            .attributes
            .iter()
            .map(|one| (one.name.clone(), one.ty.clone()));
        let blocks = self.blocks.iter().map(|nested| {
            let ty = nested.block.ty();
            let ty = match nested.nesting {
                Nesting::Single => ty,
                Nesting::List => Type::list(ty),
                Nesting::Set => Type::set(ty),
            };
            (nested.name.clone(), ty)
        });
        Type::Object {
            attributes: attributes.chain(blocks).collect::<BTreeMap<_, _>>(),
            optional: BTreeSet::new(),
        }
    }

    /// What Terraform would refuse about this block, for a test to find.
    fn problems(&self, path: &Path, found: &mut Vec<String>) {
        let mut names = BTreeSet::new();
        let all = self.attributes.iter().map(|one| &one.name);
        for name in all.chain(self.blocks.iter().map(|one| &one.name)) {
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            if name.is_empty() || !name.chars().all(plain) {
                found.push(format!("{path}: {name:?} is no name"));
            }
            if !names.insert(name) {
                found.push(format!("{path}: {name:?} stands twice"));
            }
        }
        for attribute in &self.attributes {
            if attribute.description.is_empty() {
                found.push(format!("{path}: {} has no description", attribute.name));
            }
            if attribute.write_only && attribute.is_computed() {
                found.push(format!(
                    "{path}: {} is write-only and computed",
                    attribute.name
                ));
            }
        }
        for nested in &self.blocks {
            if nested.block.description.is_empty() {
                found.push(format!("{path}: block {} has no description", nested.name));
            }
            nested.block.problems(&path.attribute(&nested.name), found);
        }
    }
}

/// The schema of the provider, a resource, a data source or an ephemeral resource.
#[derive(Clone, Debug, Default)]
pub struct Schema {
    /// Goes up when stored states have to be rewritten.
    pub version: i64,
    /// What is in it.
    pub block: Block,
}

impl Schema {
    /// Version 0 of a schema.
    pub fn new(block: Block) -> Self {
        Self { version: 0, block }
    }

    /// What Terraform would refuse about it; empty when all is well.
    pub fn problems(&self) -> Vec<String> {
        let mut found = Vec::new();
        self.block.problems(&Path::root(), &mut found);
        found
    }
}

#[cfg(test)]
#[path = "schema_tests.rs"]
mod tests;
