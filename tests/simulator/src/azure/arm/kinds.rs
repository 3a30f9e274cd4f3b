//! The kinds of resources, their versions, and what roles call what is done with them.

use super::target::Target;
use crate::azure::refusal::Refusal;
use crate::azure::request::Request;

/// A kind of resource.
pub(crate) struct Kind {
    /// In lower case, with the namespace.
    pub(crate) path: &'static str,
    /// As it is written, with the namespace.
    pub(crate) name: &'static str,
    versions: &'static [&'static str],
    /// The verbs of its actions, in lower case, and as they are written.
    verbs: &'static [(&'static str, &'static str)],
    /// Whether everybody in the directory may ask.
    open: bool,
}

const STORAGE: &[&str] = &[
    "2026-09-01",
    "2025-08-01",
    "2025-06-01",
    "2025-01-01",
    "2024-01-01",
    "2023-05-01",
    "2023-04-01",
    "2023-01-01",
    "2022-09-01",
    "2022-05-01",
    "2021-09-01",
    "2021-08-01",
    "2021-06-01",
    "2021-04-01",
    "2021-02-01",
    "2021-01-01",
    "2019-06-01",
    "2019-04-01",
];
const IDENTITY: &[&str] = &[
    "2025-01-31-preview",
    "2024-11-30",
    "2023-07-31-preview",
    "2023-01-31",
    "2022-01-31-preview",
];
const ASSIGNMENT: &[&str] = &[
    "2022-04-01",
    "2020-10-01-preview",
    "2020-04-01-preview",
    "2015-07-01",
];
const DEFINITION: &[&str] = &[
    "2022-05-01-preview",
    "2022-04-01",
    "2018-01-01-preview",
    "2015-07-01",
];
const LOCKS: &[&str] = &["2020-05-01", "2017-04-01", "2016-09-01", "2015-01-01"];
const RESOURCES: &[&str] = &[
    "2025-04-01",
    "2025-03-01",
    "2024-11-01",
    "2024-07-01",
    "2024-03-01",
    "2023-07-01",
    "2022-12-01",
    "2022-09-01",
    "2021-04-01",
    "2021-01-01",
    "2020-10-01",
    "2020-06-01",
    "2019-10-01",
    "2018-05-01",
];

const fn kind(path: &'static str, name: &'static str, versions: &'static [&'static str]) -> Kind {
    Kind {
        path,
        name,
        versions,
        verbs: &[],
        open: false,
    }
}

impl Kind {
    const fn with(mut self, verbs: &'static [(&'static str, &'static str)]) -> Self {
        self.verbs = verbs;
        self
    }

    const fn open(mut self) -> Self {
        self.open = true;
        self
    }
}

static KINDS: &[Kind] = &[
    kind(
        "subscriptions",
        "Microsoft.Resources/subscriptions",
        RESOURCES,
    ),
    kind(
        "resourcegroups",
        "Microsoft.Resources/subscriptions/resourceGroups",
        RESOURCES,
    ),
    kind(
        "resources",
        "Microsoft.Resources/subscriptions/resources",
        RESOURCES,
    ),
    kind(
        "providers",
        "Microsoft.Resources/subscriptions/providers",
        RESOURCES,
    ),
    kind(
        "microsoft.storage/checknameavailability",
        "Microsoft.Storage/checkNameAvailability",
        STORAGE,
    ),
    kind(
        "microsoft.storage/operations",
        "Microsoft.Storage/operations",
        STORAGE,
    )
    .open(),
    kind(
        "microsoft.storage/storageaccounts",
        "Microsoft.Storage/storageAccounts",
        STORAGE,
    )
    .with(&[("listkeys", "listKeys"), ("regeneratekey", "regenerateKey")]),
    kind(
        "microsoft.storage/storageaccounts/managementpolicies",
        "Microsoft.Storage/storageAccounts/managementPolicies",
        STORAGE,
    ),
    kind(
        "microsoft.storage/storageaccounts/blobservices",
        "Microsoft.Storage/storageAccounts/blobServices",
        STORAGE,
    ),
    kind(
        "microsoft.storage/storageaccounts/fileservices",
        "Microsoft.Storage/storageAccounts/fileServices",
        STORAGE,
    ),
    kind(
        "microsoft.storage/storageaccounts/queueservices",
        "Microsoft.Storage/storageAccounts/queueServices",
        STORAGE,
    ),
    kind(
        "microsoft.storage/storageaccounts/tableservices",
        "Microsoft.Storage/storageAccounts/tableServices",
        STORAGE,
    ),
    kind(
        "microsoft.storage/storageaccounts/blobservices/containers",
        "Microsoft.Storage/storageAccounts/blobServices/containers",
        STORAGE,
    )
    .with(&[
        ("setlegalhold", "setLegalHold"),
        ("clearlegalhold", "clearLegalHold"),
    ]),
    kind(
        "microsoft.storage/storageaccounts/blobservices/containers/immutabilitypolicies",
        "Microsoft.Storage/storageAccounts/blobServices/containers/immutabilityPolicies",
        STORAGE,
    )
    .with(&[("lock", "lock"), ("extend", "extend")]),
    kind(
        "microsoft.storage/storageaccounts/fileservices/shares",
        "Microsoft.Storage/storageAccounts/fileServices/shares",
        STORAGE,
    ),
    kind(
        "microsoft.storage/storageaccounts/queueservices/queues",
        "Microsoft.Storage/storageAccounts/queueServices/queues",
        STORAGE,
    ),
    kind(
        "microsoft.storage/storageaccounts/tableservices/tables",
        "Microsoft.Storage/storageAccounts/tableServices/tables",
        STORAGE,
    ),
    kind(
        "microsoft.managedidentity/userassignedidentities",
        "Microsoft.ManagedIdentity/userAssignedIdentities",
        IDENTITY,
    ),
    kind(
        "microsoft.managedidentity/userassignedidentities/federatedidentitycredentials",
        "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials",
        IDENTITY,
    ),
    kind(
        "microsoft.authorization/roleassignments",
        "Microsoft.Authorization/roleAssignments",
        ASSIGNMENT,
    ),
    kind(
        "microsoft.authorization/roledefinitions",
        "Microsoft.Authorization/roleDefinitions",
        DEFINITION,
    ),
    kind(
        "microsoft.authorization/permissions",
        "Microsoft.Authorization/permissions",
        DEFINITION,
    )
    .open(),
    kind(
        "microsoft.authorization/locks",
        "Microsoft.Authorization/locks",
        LOCKS,
    ),
];

/// The kind of what is named; an action's is that of what it is on.
pub(crate) fn find(target: &Target) -> Result<&'static Kind, Refusal> {
    let mut path = target.path();
    // What an operation of Storage is asked for by.
    if path.starts_with("microsoft.storage/locations/asyncoperations") {
        path = "microsoft.storage/operations".to_owned();
    }
    let of = |path: &str| KINDS.iter().find(|kind| kind.path == path);
    if let Some(kind) = of(&path) {
        return Ok(kind);
    }
    if let Some(verb) = target.verb()
        && let Some(kind) = of(&target.without_verb().path())
        && kind.verbs.iter().any(|(lower, _)| *lower == verb)
    {
        return Ok(kind);
    }
    let namespace = &target.namespace;
    let known = [
        "microsoft.storage",
        "microsoft.managedidentity",
        "microsoft.authorization",
    ];
    if !known.contains(&namespace.to_ascii_lowercase().as_str()) {
        let message = format!("The resource namespace '{namespace}' is invalid.");
        return Err(Refusal::new(404, "InvalidResourceNamespace", message));
    }
    let message = format!(
        "The resource type '{}' could not be found in the namespace '{namespace}'.",
        target.types.join("/")
    );
    Err(Refusal::new(404, "InvalidResourceType", message))
}

impl Kind {
    /// Whether the version is one that this kind has.
    pub(crate) fn check_version(&self, request: &Request) -> Result<(), Refusal> {
        let Some(version) = request
            .parameter("api-version")
            .filter(|one| !one.is_empty())
        else {
            let message = "The api-version query parameter (?api-version=) is required for all \
                requests.";
            return Err(Refusal::bad("MissingApiVersionParameter", message));
        };
        if self.versions.contains(&version) {
            return Ok(());
        }
        let (namespace, kind) = self.name.split_once('/').unwrap_or_default();
        let supported = self.versions.join(",");
        if namespace == "Microsoft.Resources" {
            let message = format!(
                "The api-version '{version}' is invalid. The supported versions are '{supported}'."
            );
            return Err(Refusal::bad("InvalidApiVersionParameter", message));
        }
        let message = format!(
            "The resource type '{kind}' could not be found in the namespace '{namespace}' for api \
             version '{version}'. The supported api-versions are '{supported}'."
        );
        Err(Refusal::bad("InvalidResourceType", message))
    }

    /// What roles call it; nothing where everybody may.
    pub(crate) fn action(
        &self,
        target: &Target,
        request: &Request,
    ) -> Result<Option<String>, Refusal> {
        // The list of subscriptions holds what the caller may see.
        if self.open || (self.path == "subscriptions" && !target.is_one()) {
            return Ok(None);
        }
        let verb = target.verb();
        let spelled = self
            .verbs
            .iter()
            .find(|(lower, _)| Some(*lower) == verb.as_deref());
        let name = self.name;
        Ok(Some(match (request.method.as_str(), spelled) {
            ("POST", Some((_, verb))) => format!("{name}/{verb}/action"),
            ("GET" | "HEAD", None) => format!("{name}/read"),
            ("POST", None) if self.path.ends_with("checknameavailability") => {
                format!("{name}/read")
            }
            ("PUT" | "PATCH", None) if target.is_one() => format!("{name}/write"),
            ("DELETE", None) if target.is_one() => format!("{name}/delete"),
            (method, _) => {
                let message =
                    format!("The requested resource does not support http method '{method}'.");
                return Err(Refusal::new(405, "MethodNotAllowed", message));
            }
        }))
    }
}
