//! Tests of reference pages. Expected pages are literals.

use super::*;

fn schema() -> Schema {
    let parts = Type::list(Type::object([
        ("size", Type::Number),
        ("name", Type::String),
    ]));
    Schema::new(
        Block::new("A line of text.")
            .with([
                Attribute::string("text", "What it says.")
                    .required()
                    .requires_replace(),
                Attribute::string("mode", "How it is drawn.")
                    .default(Value::string("thin"))
                    .one_of(&["thin", "thick"]),
                Attribute::string("end", "`round` is smooth, `flat` is not.")
                    .one_of(&["round", "flat"]),
                Attribute::number("width", "In points.").between(1, 10),
                Attribute::string_set("tags", "Words.")
                    .default(Value::set([Value::string("a"), Value::string("b")])),
                Attribute::string("colour", "Its colour.").deprecated("use `mode`."),
                Attribute::string("secret", "Kept.").sensitive(),
                Attribute::new("parts", parts, "What it is made of.").computed(),
            ])
            .single(
                "frame",
                Block::new("Around it.")
                    .with([Attribute::string("token_wo", "Not kept.").write_only()])
                    .nested(
                        "side",
                        Nesting::Set,
                        Block::new("One side.")
                            .with([Attribute::bool("open", "No line.").required()]),
                    ),
            ),
    )
}

fn page(kind: Kind, name: &str, examples: &Files, more: &str) -> Page {
    Reference {
        provider: "tiny",
        kind,
        name,
        schema: &schema(),
        examples,
        more,
    }
    .page()
}

#[test]
fn a_resource_has_its_whole_page() {
    let examples = Files::from(
        [
            (
                "resources/tiny_line/resource.tf",
                "resource \"tiny_line\" \"a\" {}\n",
            ),
            (
                "resources/tiny_line/thick.tf",
                "# A thick line.\n\n# Yes.\nresource \"tiny_line\" \"b\" {}\n",
            ),
            ("resources/tiny_line/import.tf", "import {}\n"),
            (
                "resources/tiny_line/import.sh",
                "terraform import tiny_line.a x\n",
            ),
            ("resources/tiny_lines/resource.tf", "another one's\n"),
        ]
        .map(|(path, text)| (path.to_owned(), text.to_owned())),
    );
    let page = page(
        Kind::Resource,
        "tiny_line",
        &examples,
        "## Notes\n\nDraw it.",
    );
    assert_eq!(page.path, "resources/line.md");
    assert_eq!(page.text, WHOLE);
}

const WHOLE: &str = r##"---
# Generated from source code and examples; do not edit.
page_title: "tiny_line Resource - tiny"
subcategory: ""
description: |-
  A line of text.
---

# tiny_line (Resource)

A line of text.

## Example Usage

```terraform
resource "tiny_line" "a" {}
```

### A thick line

```terraform
# Yes.
resource "tiny_line" "b" {}
```

## Notes

Draw it.

## Schema

### Required

- `text` (String) What it says. A change replaces the resource.

### Optional

- `mode` (String) How it is drawn. One of `thin`, `thick`. Default: `thin`.
- `end` (String) `round` is smooth, `flat` is not.
- `width` (Number) In points. From `1` to `10`.
- `tags` (Set of String) Words. Default: `["a", "b"]`.
- `colour` (String, Deprecated) Its colour. Deprecated: use `mode`.
- `secret` (String, Sensitive) Kept.
- `frame` (Block, at most one) Around it. (see [below for nested schema](#nestedblock--frame))

### Read-Only

- `parts` (List of Object) What it is made of. (see [below for nested schema](#nestedatt--parts))

<a id="nestedatt--parts"></a>
### Nested Schema for `parts`

Attributes:

- `name` (String)
- `size` (Number)

<a id="nestedblock--frame"></a>
### Nested Schema for `frame`

Optional:

- `token_wo` (String, Sensitive, [Write-only](https://developer.hashicorp.com/terraform/language/resources/ephemeral#write-only-arguments)) Not kept.
- `side` (Block Set) One side. (see [below for nested schema](#nestedblock--frame--side))

<a id="nestedblock--frame--side"></a>
### Nested Schema for `frame.side`

Required:

- `open` (Boolean) No line.

## Import

With an `import` block:

```terraform
import {}
```

On the command line:

```shell
terraform import tiny_line.a x
```
"##;

#[test]
fn each_kind_has_its_place_and_title() {
    let none = Files::new();
    for (kind, name, path, title, heading) in [
        (
            Kind::Provider,
            "tiny",
            "index.md",
            "tiny Provider",
            "# tiny Provider",
        ),
        (
            Kind::DataSource,
            "tiny_pen",
            "data-sources/pen.md",
            "tiny_pen Data Source - tiny",
            "# tiny_pen (Data Source)",
        ),
        (
            Kind::Ephemeral,
            "tiny_ink",
            "ephemeral-resources/ink.md",
            "tiny_ink Ephemeral Resource - tiny",
            "# tiny_ink (Ephemeral Resource)",
        ),
    ] {
        let page = page(kind, name, &none, "");
        assert_eq!(page.path, path);
        assert_eq!(front_matter(&page.text, "page_title"), Some(title));
        assert!(
            page.text
                .contains(&format!("\n{heading}\n\nA line of text.\n\n## Schema\n")),
            "{}",
            page.text
        );
        assert!(!page.text.contains("## Import"));
    }
}

#[test]
fn a_guide_is_a_title_and_a_body() {
    let page = Page::guide("pens", "All \"pens\"", "What there is.", "\nNone.\n\n");
    assert_eq!(page.path, "guides/pens.md");
    assert_eq!(
        page.text,
        "---\n# Generated from source code and examples; do not edit.\npage_title: \"All \\\"pens\\\"\"\n\
         subcategory: \"\"\ndescription: |-\n  What there is.\n---\n\n# All \"pens\"\n\nNone.\n"
    );
}

#[test]
fn front_matter_is_only_at_the_top() {
    let text = "---\npage_title: \"Pens\"\n---\n\nsubcategory: x\n";
    assert_eq!(front_matter(text, "page_title"), Some("Pens"));
    assert_eq!(front_matter(text, "subcategory"), None);
    assert_eq!(front_matter("page_title: x\n", "page_title"), None);
}

#[test]
fn bars_do_not_break_a_table() {
    assert_eq!(
        table(["a", "b"], [["1|2".to_owned(), "3".to_owned()]]),
        "| a | b |\n| --- | --- |\n| 1\\|2 | 3 |"
    );
}
