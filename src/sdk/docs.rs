//! Reference pages in the layout of Terraform's registry, from schemas and examples.
//!
//! Touches no file: texts come in by their paths, and pages go out with theirs. What a
//! schema knows is said once: the wire takes [`Attribute::documentation`] as well.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::schema::{Attribute, Block, Given, NestedBlock, Nesting, Schema};
use super::value::{Type, Value};

/// Texts by their paths below one folder.
pub type Files = BTreeMap<String, String>;

const NOT_BY_HAND: &str = "# Generated from source code and examples; do not edit.";
const WRITE_ONLY: &str = "[Write-only](https://developer.hashicorp.com/terraform/language/resources/ephemeral#write-only-arguments)";

/// A page of the documentation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Below the folder of the documentation, for example `resources/line.md`.
    pub path: String,
    /// Markdown with front matter.
    pub text: String,
}

impl Page {
    /// A guide. Its body begins below the title.
    pub fn guide(name: &str, title: &str, description: &str, body: &str) -> Self {
        let head = head(title, description);
        Self {
            path: format!("guides/{name}.md"),
            text: format!("{head}\n# {title}\n\n{}\n", body.trim()),
        }
    }
}

/// What a reference page is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The provider itself.
    Provider,
    /// Something that is managed.
    Resource,
    /// Something that is looked up.
    DataSource,
    /// Something that is never stored.
    Ephemeral,
}

impl Kind {
    fn title(self) -> &'static str {
        match self {
            Self::Provider => "Provider",
            Self::Resource => "Resource",
            Self::DataSource => "Data Source",
            Self::Ephemeral => "Ephemeral Resource",
        }
    }

    /// The folder of the pages, and of the examples.
    fn folder(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Resource => "resources",
            Self::DataSource => "data-sources",
            Self::Ephemeral => "ephemeral-resources",
        }
    }

    /// The example that stands first.
    fn first_example(self) -> &'static str {
        match self {
            Self::Provider => "provider.tf",
            Self::Resource => "resource.tf",
            Self::DataSource => "data-source.tf",
            Self::Ephemeral => "ephemeral-resource.tf",
        }
    }
}

/// What a reference page is made of.
#[derive(Clone, Copy, Debug)]
pub struct Reference<'a> {
    /// The provider's name, for example `tiny`.
    pub provider: &'a str,
    /// What the page is about.
    pub kind: Kind,
    /// The full name, for example `tiny_line`; the provider's own for its page.
    pub name: &'a str,
    /// What may be configured, and what comes out.
    pub schema: &'a Schema,
    /// All examples.
    pub examples: &'a Files,
    /// Markdown between the examples and the schema.
    pub more: &'a str,
}

impl Reference<'_> {
    /// The page.
    pub fn page(&self) -> Page {
        let block = &self.schema.block;
        let (title, heading) = match self.kind {
            Kind::Provider => {
                let title = format!("{} Provider", self.name);
                (title.clone(), title)
            }
            kind => (
                format!("{} {} - {}", self.name, kind.title(), self.provider),
                format!("{} ({})", self.name, kind.title()),
            ),
        };
        let mut parts = vec![
            format!("{}\n# {heading}", head(&title, &block.description)),
            block.description.clone(),
        ];
        parts.extend(self.usage());
        parts.push(self.more.trim().to_owned());
        parts.push("## Schema".to_owned());
        lists(block, &[], &mut parts);
        parts.extend(self.import());
        parts.retain(|part| !part.is_empty());
        Page {
            path: self.path(),
            text: format!("{}\n", parts.join("\n\n")),
        }
    }

    fn path(&self) -> String {
        let prefix = format!("{}_", self.provider);
        let short = self.name.strip_prefix(&prefix).unwrap_or(self.name);
        match self.kind {
            Kind::Provider => "index.md".to_owned(),
            kind => format!("{}/{short}.md", kind.folder()),
        }
    }

    /// The example of this name.
    fn example(&self, file: &str) -> Option<&str> {
        let path = match self.kind {
            Kind::Provider => format!("{}/{file}", self.kind.folder()),
            kind => format!("{}/{}/{file}", kind.folder(), self.name),
        };
        self.examples.get(&path).map(|text| text.trim())
    }

    /// The first example, then the others by name, each under its first line.
    fn usage(&self) -> Vec<String> {
        let first = self.kind.first_example();
        let mut usage: Vec<String> = self
            .example(first)
            .map(|text| format!("## Example Usage\n\n{}", fenced("terraform", text)))
            .into_iter()
            .collect();
        let folder = format!("{}/{}/", self.kind.folder(), self.name);
        let others = self
            .examples
            .keys()
            .filter_map(|path| path.strip_prefix(&folder))
            .filter(|file| file.ends_with(".tf") && *file != first && *file != "import.tf");
        usage.extend(others.filter_map(|file| {
            let (title, text) = titled(self.example(file)?);
            Some(format!("### {title}\n\n{}", fenced("terraform", text)))
        }));
        usage
    }

    fn import(&self) -> Vec<String> {
        let ways = [
            ("import.tf", "terraform", "With an `import` block:"),
            ("import.sh", "shell", "On the command line:"),
        ];
        let found: Vec<String> = ways
            .into_iter()
            .filter_map(|(file, language, way)| {
                Some(format!(
                    "{way}\n\n{}",
                    fenced(language, self.example(file)?)
                ))
            })
            .collect();
        if found.is_empty() {
            return found;
        }
        std::iter::once("## Import".to_owned())
            .chain(found)
            .collect()
    }
}

/// A value of the front matter, if it stands on one line.
pub fn front_matter<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let (matter, _) = text.strip_prefix("---\n")?.split_once("\n---\n")?;
    matter.lines().find_map(|line| {
        let value = line.strip_prefix(key)?.strip_prefix(':')?;
        Some(value.trim().trim_matches('"'))
    })
}

/// A table in Markdown.
pub fn table<const N: usize>(
    head: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let line = |cells: &[String]| format!("| {} |", cells.join(" | "));
    let mut lines = vec![
        line(&head.map(str::to_owned)),
        line(&head.map(|_| "---".to_owned())),
    ];
    lines.extend(
        rows.into_iter()
            .map(|row| line(&row.map(|cell| cell.replace('|', "\\|")))),
    );
    lines.join("\n")
}

fn head(title: &str, description: &str) -> String {
    let title = title.replace('"', "\\\"");
    format!(
        "---\n{NOT_BY_HAND}\npage_title: \"{title}\"\nsubcategory: \"\"\ndescription: |-\n  {description}\n---\n"
    )
}

fn fenced(language: &str, text: &str) -> String {
    format!("```{language}\n{text}\n```")
}

/// Splits the comment that an example begins with from the rest.
fn titled(text: &str) -> (&str, &str) {
    text.strip_prefix("# ")
        .and_then(|text| text.split_once('\n'))
        .map_or(("Another example", text), |(title, rest)| {
            (title.trim_end_matches('.'), rest.trim())
        })
}

/// The three lists of a block, and below them what is nested in it. `trail` holds the
/// names of the blocks around it.
fn lists(block: &Block, trail: &[&str], parts: &mut Vec<String>) {
    let lines = |wanted: fn(&Attribute) -> bool| -> Vec<String> {
        let attributes = block.attributes.iter().filter(|one| wanted(one));
        attributes.map(|one| attribute_line(one, trail)).collect()
    };
    let required = lines(|one| one.given == Given::Required);
    let mut optional = lines(|one| one.is_configurable() && one.given != Given::Required);
    optional.extend(block.blocks.iter().map(|one| block_line(one, trail)));
    let read_only = lines(|one| !one.is_configurable());
    for (name, lines) in [
        ("Required", required),
        ("Optional", optional),
        ("Read-Only", read_only),
    ] {
        if !lines.is_empty() {
            parts.push(subheading(name, trail));
            parts.push(lines.join("\n"));
        }
    }
    for attribute in &block.attributes {
        if let Some(fields) = object(&attribute.ty) {
            let inner = [trail, &[attribute.name.as_str()]].concat();
            parts.push(nested_heading("nestedatt", &inner));
            parts.push(subheading("Attributes", &inner));
            let fields = fields
                .iter()
                .map(|(name, ty)| format!("- `{name}` ({})", type_name(ty)));
            parts.push(fields.collect::<Vec<_>>().join("\n"));
        }
    }
    for nested in &block.blocks {
        let inner = [trail, &[nested.name.as_str()]].concat();
        parts.push(nested_heading("nestedblock", &inner));
        lists(&nested.block, &inner, parts);
    }
}

fn subheading(name: &str, trail: &[&str]) -> String {
    if trail.is_empty() {
        format!("### {name}")
    } else {
        format!("{name}:")
    }
}

fn nested_heading(kind: &str, trail: &[&str]) -> String {
    format!(
        "<a id=\"{}\"></a>\n### Nested Schema for `{}`",
        anchor(kind, trail),
        trail.join(".")
    )
}

fn anchor(kind: &str, trail: &[&str]) -> String {
    format!("{kind}--{}", trail.join("--"))
}

fn below(kind: &str, trail: &[&str], name: &str) -> String {
    let inner = [trail, &[name]].concat();
    format!(
        " (see [below for nested schema](#{}))",
        anchor(kind, &inner)
    )
}

fn attribute_line(attribute: &Attribute, trail: &[&str]) -> String {
    let mut facts = vec![type_name(&attribute.ty)];
    facts.extend(attribute.sensitive.then(|| "Sensitive".to_owned()));
    facts.extend(attribute.write_only.then(|| WRITE_ONLY.to_owned()));
    facts.extend(
        attribute
            .deprecated
            .as_ref()
            .map(|_| "Deprecated".to_owned()),
    );
    let below = object(&attribute.ty).map(|_| below("nestedatt", trail, &attribute.name));
    format!(
        "- `{}` ({}) {}{}",
        attribute.name,
        facts.join(", "),
        attribute.documentation(),
        below.unwrap_or_default()
    )
}

fn block_line(nested: &NestedBlock, trail: &[&str]) -> String {
    let kind = match nested.nesting {
        Nesting::Single => "Block, at most one",
        Nesting::List => "Block List",
        Nesting::Set => "Block Set",
    };
    format!(
        "- `{}` ({kind}) {}{}",
        nested.name,
        nested.block.description,
        below("nestedblock", trail, &nested.name)
    )
}

/// The attributes of the objects that a type is made of.
fn object(ty: &Type) -> Option<&BTreeMap<String, Type>> {
    match ty {
        Type::Object { attributes, .. } => Some(attributes),
        Type::List(inner) | Type::Set(inner) | Type::Map(inner) => object(inner),
        Type::Bool | Type::Number | Type::String | Type::Dynamic | Type::Tuple(_) => None,
    }
}

fn type_name(ty: &Type) -> String {
    match ty {
        Type::Bool => "Boolean".to_owned(),
        Type::Number => "Number".to_owned(),
        Type::String => "String".to_owned(),
        Type::Dynamic => "Dynamic".to_owned(),
        Type::List(inner) => format!("List of {}", type_name(inner)),
        Type::Set(inner) => format!("Set of {}", type_name(inner)),
        Type::Map(inner) => format!("Map of {}", type_name(inner)),
        Type::Tuple(_) => "Tuple".to_owned(),
        Type::Object { .. } => "Object".to_owned(),
    }
}

impl Attribute {
    /// The description, with what the rest of the schema says about the attribute:
    /// values that it may have, its default, and what a change does.
    pub fn documentation(&self) -> String {
        let mut text = self.description.clone();
        // Values that the description goes through one by one are not listed again.
        let is_told = |value: &&str| self.description.contains(&format!("`{value}`"));
        if !self.allowed.iter().all(is_told) {
            let quoted: Vec<String> = self.allowed.iter().map(|one| format!("`{one}`")).collect();
            let _ = write!(text, " One of {}.", quoted.join(", "));
        }
        if let Some((least, most)) = self.range {
            let _ = write!(text, " From `{least}` to `{most}`.");
        }
        match &self.default {
            None | Some(Value::Null) => {}
            Some(Value::String(default)) => {
                let _ = write!(text, " Default: `{default}`.");
            }
            Some(default) => {
                let _ = write!(text, " Default: `{}`.", literal(default));
            }
        }
        if self.requires_replace {
            text.push_str(" A change replaces the resource.");
        }
        if let Some(instead) = &self.deprecated {
            let _ = write!(text, " Deprecated: {instead}");
        }
        text
    }
}

/// A value as a configuration would spell it.
fn literal(value: &Value) -> String {
    match value {
        Value::Null | Value::Unknown => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => format!("{text:?}"),
        Value::List(elements) => {
            let elements: Vec<String> = elements.iter().map(literal).collect();
            format!("[{}]", elements.join(", "))
        }
        Value::Map(map) => {
            let pairs: Vec<String> = map
                .iter()
                .map(|(key, value)| format!("{key} = {}", literal(value)))
                .collect();
            format!("{{ {} }}", pairs.join(", "))
        }
        Value::Dynamic(_, value) => literal(value),
    }
}

#[cfg(test)]
#[path = "docs_tests.rs"]
mod tests;
