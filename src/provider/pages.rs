//! The generated pages of the documentation: what can be configured, what W&B needs of
//! a bucket, and who needs which permissions.
//!
//! `tests/tidy` writes them to `docs/`, and fails when they are not what is there.

use super::{Wandb, clouds};
use crate::byob::CloudKind;
use crate::byob::deployment::{self, Deployment, Scope};
use crate::byob::permission::{INSTANCE, Need};
use crate::byob::requirement::{Check, Requirement, Status};
use crate::byob::requirements::CATALOGUE;
use crate::sdk::docs::{Files, Kind, Page, Reference, front_matter, table};
use crate::sdk::prelude::*;

/// Every generated page. `examples` are the files below `examples/`, `guides` the
/// hand-written ones below `docs/guides/`.
pub fn pages(examples: &Files, guides: &Files) -> Vec<Page> {
    let mut pages = vec![requirements(), permissions()];
    let by_hand = guides.iter().map(|(path, text)| Page {
        path: format!("guides/{path}"),
        text: text.clone(),
    });
    let guides: Vec<Page> = by_hand.chain(pages.iter().cloned()).collect();
    let provider = Wandb::default();
    let name = Provider::name(&provider);
    let mut add = |kind, title: &str, schema: &Schema, up: &str| {
        let reference = Reference {
            provider: name,
            kind,
            name: title,
            schema,
            examples,
            more: &list(&guides, up),
        };
        pages.push(reference.page());
    };
    add(Kind::Provider, name, &Provider::schema(&provider), "");
    for one in provider.resources() {
        add(Kind::Resource, one.name(), &one.schema(), "../");
    }
    for one in provider.data_sources() {
        add(Kind::DataSource, one.name(), &one.schema(), "../");
    }
    for one in provider.ephemeral_resources() {
        add(Kind::Ephemeral, one.name(), &one.schema(), "../");
    }
    pages
}

/// Links to all guides, for a page that is `up` from the top.
fn list(guides: &[Page], up: &str) -> String {
    let lines: Vec<String> = guides
        .iter()
        .map(|guide| {
            let title = front_matter(&guide.text, "page_title").unwrap_or(&guide.path);
            format!("- [{title}]({up}{})", guide.path)
        })
        .collect();
    format!("## Guides\n\n{}", lines.join("\n"))
}

const REQUIREMENTS: &str = "\
W&B needs more of a bucket than that it is there. This is the whole list; what is not on it is not \
looked at.

Every plan reads the settings of a bucket again and decides each requirement. What does not hold \
stands in `findings` of the [bucket](../resources/byob_bucket.md) under its id; ids are never used \
for something else later. `verified` is true when the bucket was looked at as `verify` says, W&B is \
let in, nothing of the probe is unknown, and nothing fails. That the instance itself reaches the \
bucket, `wandb.connection`, fails only where `register` is true or W&B comes without a key; else it \
is a warning.";

const STATUSES: [(Status, &str); 5] = [
    (
        Status::Fail,
        "It does not hold, and W&B will not work as it should.",
    ),
    (
        Status::Warn,
        "It does not hold because the configuration says so, or it may hurt later.",
    ),
    (
        Status::Unknown,
        "It could not be checked; the finding says why.",
    ),
    (Status::Pass, "It holds. Not among the findings."),
    (
        Status::NotApplicable,
        "It says nothing about this bucket. Not among the findings.",
    ),
];

fn requirements() -> Page {
    let statuses = STATUSES.map(|(status, meaning)| [format!("`{status}`"), meaning.to_owned()]);
    let mut parts = vec![
        REQUIREMENTS.to_owned(),
        table(["Status", "Meaning"], statuses),
    ];
    parts.extend(CATALOGUE.iter().filter_map(requirement));
    parts.push(format!("## Which buckets W&B takes\n\n{}", availability()));
    Page::guide(
        "requirements",
        "What W&B needs of a bucket",
        "Every requirement with its reason, where it applies, and who mends it.",
        &parts.join("\n\n"),
    )
}

/// The clouds that can be configured, as far as `wanted`; `None` when there is none.
fn titles(wanted: impl Fn(CloudKind) -> bool) -> Option<String> {
    let titles: Vec<&str> = clouds::all()
        .iter()
        .map(|cloud| cloud.kind())
        .filter(|cloud| wanted(*cloud))
        .map(CloudKind::title)
        .collect();
    (!titles.is_empty()).then(|| titles.join(", "))
}

/// What `availability.supported` looks at.
fn availability() -> String {
    let cell = |deployment, scope| {
        titles(|cloud| deployment::availability(deployment, scope, cloud).is_ok())
            .unwrap_or_else(|| "none".to_owned())
    };
    let rows = [
        Deployment::MultiTenant,
        Deployment::Dedicated,
        Deployment::SelfManaged,
    ]
    .map(|one| {
        [
            format!("`{one}`"),
            cell(one, Scope::Team),
            cell(one, Scope::Instance),
        ]
    });
    table(
        [
            "`deployment`",
            "`scope = \"team\"`",
            "`scope = \"instance\"`",
        ],
        rows,
    )
}

/// The section about a requirement; `None` when no cloud has it yet.
fn requirement(one: &Requirement) -> Option<String> {
    let clouds = titles(|cloud| one.applies_to(cloud))?;
    let decided = match one.check {
        Check::Settings(_) => "at every plan, from the bucket's settings",
        Check::Trial => "after every change, by trying it; the last outcome is kept",
        Check::Either(_) => {
            "at every plan, where the cloud tells it with the bucket's settings; else after every \
             change, by trying it, and the last outcome is kept"
        }
    };
    let mended = if one.mended_by.is_empty() {
        "you, or the operator of the server; no apply changes it"
    } else {
        "`terraform apply`, where the server lets it"
    };
    let rows = [
        ("Why", Some(one.why.to_owned())),
        ("Where", Some(clouds)),
        ("Argument", arguments(one)),
        ("Decided", Some(decided.to_owned())),
        ("Mended by", Some(mended.to_owned())),
        ("Source", Some(format!("<{}>", one.source))),
    ];
    let lines: Vec<String> = rows
        .into_iter()
        .filter_map(|(name, text)| Some(format!("- {name}: {}", text?)))
        .collect();
    let lines = lines.join("\n");
    Some(format!("## `{}`\n\n{}.\n\n{lines}", one.id, one.title))
}

/// The argument that a requirement belongs to; cloud by cloud where they differ.
fn arguments(one: &Requirement) -> Option<String> {
    let named: Vec<(CloudKind, &str)> = clouds::all()
        .iter()
        .filter_map(|cloud| Some((cloud.kind(), one.argument(cloud.kind())?)))
        .collect();
    let (_, first) = named.first()?;
    if named.iter().all(|(_, name)| name == first) {
        return Some(format!("`{first}`"));
    }
    let each = named
        .iter()
        .map(|(cloud, name)| format!("`{name}` ({})", cloud.title()));
    Some(each.collect::<Vec<_>>().join(", "))
}

const CALLER: &str = "\
The credentials of the provider block. They are never handed to W&B. What belongs to a feature that \
is not used is not needed.";

const API_KEY: &str = "\
What the provider's `api_key` is used for. W&B has no finer rights than these: the key is one of an \
admin, or of a service account of the organization (one of a team cannot make teams). Without \
`api_key`, buckets are made and proven all the same, and teams cannot be planned.";

fn permissions() -> Page {
    let mut parts = vec![
        "Each call that is made and each right that W&B gets has a reason; this is the whole list."
            .to_owned(),
    ];
    for cloud in clouds::all() {
        let cloud = cloud.permissions();
        parts.push(format!("## {}", cloud.cloud));
        parts.push(format!("### What the caller needs\n\n{CALLER}"));
        parts.extend(cloud.caller.iter().map(need));
        parts.push("### What W&B gets".to_owned());
        parts.extend(cloud.wandb.iter().map(need));
    }
    parts.push(format!("## The W&B instance\n\n{API_KEY}"));
    parts.extend(INSTANCE.iter().map(need));
    Page::guide(
        "permissions",
        "Who needs which permissions",
        "What the caller needs on each cloud and at W&B, and what W&B gets, each with its reason.",
        &parts.join("\n\n"),
    )
}

fn need(need: &Need) -> String {
    let rows = need.permissions.iter().map(|permission| {
        let action = permission.action;
        let action = if action.contains('`') {
            action.to_owned()
        } else {
            format!("`{action}`")
        };
        [action, permission.reason.to_owned()]
    });
    format!(
        "#### {}\n\n{}",
        need.when,
        table(["Permission", "Reason"], rows)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each cell of the table of requirements and clouds is decided where it stands; what it
    /// names has to be there.
    #[test]
    fn every_argument_of_a_requirement_is_one_of_its_cloud() {
        let schema = Wandb::default()
            .resources()
            .into_iter()
            .find(|one| one.name() == "wandb_byob_bucket")
            .map(|one| one.schema())
            .expect("the bucket");
        for cloud in clouds::all() {
            for requirement in CATALOGUE {
                let Some(name) = requirement.argument(cloud.kind()) else {
                    continue;
                };
                let common = schema.block.attribute(name);
                let own = cloud.schema();
                assert!(
                    common.or(own.attribute(name)).is_some(),
                    "{}: {} has no argument {name}",
                    requirement.id,
                    cloud.kind()
                );
            }
        }
    }
}
