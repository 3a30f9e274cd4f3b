//! What the predefined roles permit, as far as anything here asks. A name that ends in a
//! star stands for all permissions that begin so.

/// What a policy hangs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Home {
    Account,
    Bucket,
    CryptoKey,
    Project,
}

const LEGACY_READER: &[&str] = &[
    "storage.buckets.get",
    "storage.multipartUploads.list",
    "storage.objects.list",
];
const LEGACY_WRITER: &[&str] = &[
    "storage.buckets.get",
    "storage.multipartUploads.*",
    "storage.objects.create",
    "storage.objects.delete",
    "storage.objects.list",
    "storage.objects.restore",
    "storage.objects.setRetention",
];
const LEGACY_OWNER: &[&str] = &[
    "storage.buckets.enableObjectRetention",
    "storage.buckets.get",
    "storage.buckets.getIamPolicy",
    "storage.buckets.setIamPolicy",
    "storage.buckets.update",
    "storage.multipartUploads.*",
    "storage.objects.create",
    "storage.objects.delete",
    "storage.objects.list",
    "storage.objects.restore",
    "storage.objects.setRetention",
];
/// The project's owner has no right on any bucket but to make, list and delete them: the
/// rest comes with the policy that a bucket is made with.
const OWNER: &[&str] = &[
    "cloudkms.cryptoKeys.get",
    "cloudkms.cryptoKeys.getIamPolicy",
    "cloudkms.cryptoKeys.list",
    "cloudkms.cryptoKeys.setIamPolicy",
    "cloudkms.cryptoKeys.update",
    "iam.serviceAccountKeys.*",
    "iam.serviceAccounts.create",
    "iam.serviceAccounts.delete",
    "iam.serviceAccounts.disable",
    "iam.serviceAccounts.enable",
    "iam.serviceAccounts.get",
    "iam.serviceAccounts.getIamPolicy",
    "iam.serviceAccounts.list",
    "iam.serviceAccounts.setIamPolicy",
    "iam.serviceAccounts.undelete",
    "iam.serviceAccounts.update",
    "iam.serviceAccounts.actAs",
    "resourcemanager.projects.*",
    "serviceusage.services.*",
    "storage.buckets.create",
    "storage.buckets.delete",
    "storage.buckets.enableObjectRetention",
    "storage.buckets.list",
];
const EDITOR: &[&str] = &[
    "cloudkms.cryptoKeys.get",
    "cloudkms.cryptoKeys.list",
    "iam.serviceAccountKeys.get",
    "iam.serviceAccountKeys.list",
    "iam.serviceAccounts.actAs",
    "iam.serviceAccounts.create",
    "iam.serviceAccounts.delete",
    "iam.serviceAccounts.get",
    "iam.serviceAccounts.list",
    "iam.serviceAccounts.update",
    "resourcemanager.projects.get",
    "serviceusage.services.use",
    "storage.buckets.create",
    "storage.buckets.delete",
    "storage.buckets.list",
];

/// What a role permits; `None` for a role that is not known.
pub(crate) fn permissions(role: &str) -> Option<&'static [&'static str]> {
    let name = role.strip_prefix("roles/")?;
    Some(match name {
        "owner" => OWNER,
        "editor" => EDITOR,
        "viewer" => &[
            "iam.serviceAccounts.get",
            "iam.serviceAccounts.list",
            "resourcemanager.projects.get",
            "storage.buckets.list",
        ],
        "browser" => &[
            "resourcemanager.projects.get",
            "resourcemanager.projects.getIamPolicy",
        ],
        "resourcemanager.projectIamAdmin" => &[
            "resourcemanager.projects.get",
            "resourcemanager.projects.getIamPolicy",
            "resourcemanager.projects.setIamPolicy",
        ],
        "serviceusage.serviceUsageConsumer" => &["serviceusage.services.use"],
        _ => {
            return storage(name)
                .or_else(|| identity(name))
                .or_else(|| keys(name));
        }
    })
}

fn storage(name: &str) -> Option<&'static [&'static str]> {
    Some(match name.strip_prefix("storage.")? {
        "admin" => &[
            "storage.buckets.*",
            "storage.objects.*",
            "storage.multipartUploads.*",
            "resourcemanager.projects.get",
        ],
        "objectAdmin" => &["storage.objects.*", "storage.multipartUploads.*"],
        "objectUser" => &[
            "storage.multipartUploads.*",
            "storage.objects.create",
            "storage.objects.delete",
            "storage.objects.get",
            "storage.objects.list",
            "storage.objects.move",
            "storage.objects.restore",
            "storage.objects.update",
        ],
        "objectCreator" => &[
            "storage.multipartUploads.abort",
            "storage.multipartUploads.create",
            "storage.multipartUploads.listParts",
            "storage.objects.create",
        ],
        "objectViewer" => &["storage.objects.get", "storage.objects.list"],
        "bucketViewer" => &["storage.buckets.get", "storage.buckets.list"],
        "legacyBucketReader" => LEGACY_READER,
        "legacyBucketWriter" => LEGACY_WRITER,
        "legacyBucketOwner" => LEGACY_OWNER,
        "legacyObjectReader" => &["storage.objects.get"],
        "legacyObjectOwner" => &[
            "storage.objects.get",
            "storage.objects.getIamPolicy",
            "storage.objects.overrideUnlockedRetention",
            "storage.objects.setIamPolicy",
            "storage.objects.setRetention",
            "storage.objects.update",
        ],
        _ => return None,
    })
}

fn identity(name: &str) -> Option<&'static [&'static str]> {
    Some(match name.strip_prefix("iam.")? {
        "serviceAccountAdmin" => &[
            "iam.serviceAccounts.create",
            "iam.serviceAccounts.delete",
            "iam.serviceAccounts.disable",
            "iam.serviceAccounts.enable",
            "iam.serviceAccounts.get",
            "iam.serviceAccounts.getIamPolicy",
            "iam.serviceAccounts.list",
            "iam.serviceAccounts.setIamPolicy",
            "iam.serviceAccounts.undelete",
            "iam.serviceAccounts.update",
        ],
        "serviceAccountCreator" => &[
            "iam.serviceAccounts.create",
            "iam.serviceAccounts.get",
            "iam.serviceAccounts.list",
        ],
        "serviceAccountDeleter" => &[
            "iam.serviceAccounts.delete",
            "iam.serviceAccounts.get",
            "iam.serviceAccounts.list",
        ],
        "serviceAccountKeyAdmin" => &[
            "iam.serviceAccountKeys.*",
            "iam.serviceAccounts.get",
            "iam.serviceAccounts.list",
        ],
        "serviceAccountTokenCreator" => &[
            "iam.serviceAccounts.get",
            "iam.serviceAccounts.getAccessToken",
            "iam.serviceAccounts.getOpenIdToken",
            "iam.serviceAccounts.implicitDelegation",
            "iam.serviceAccounts.list",
            "iam.serviceAccounts.signBlob",
            "iam.serviceAccounts.signJwt",
        ],
        "serviceAccountUser" => &[
            "iam.serviceAccounts.actAs",
            "iam.serviceAccounts.get",
            "iam.serviceAccounts.list",
        ],
        "serviceAccountViewer" => &[
            "iam.serviceAccountKeys.get",
            "iam.serviceAccountKeys.list",
            "iam.serviceAccounts.get",
            "iam.serviceAccounts.getIamPolicy",
            "iam.serviceAccounts.list",
        ],
        "workloadIdentityUser" => &[
            "iam.serviceAccounts.get",
            "iam.serviceAccounts.getAccessToken",
            "iam.serviceAccounts.getOpenIdToken",
            "iam.serviceAccounts.list",
        ],
        _ => return None,
    })
}

fn keys(name: &str) -> Option<&'static [&'static str]> {
    Some(match name.strip_prefix("cloudkms.")? {
        "admin" => &[
            "cloudkms.cryptoKeys.get",
            "cloudkms.cryptoKeys.getIamPolicy",
            "cloudkms.cryptoKeys.list",
            "cloudkms.cryptoKeys.setIamPolicy",
            "cloudkms.cryptoKeys.update",
        ],
        "viewer" => &["cloudkms.cryptoKeys.get", "cloudkms.cryptoKeys.list"],
        "cryptoKeyEncrypterDecrypter" => &[
            "cloudkms.cryptoKeyVersions.useToDecrypt",
            "cloudkms.cryptoKeyVersions.useToEncrypt",
        ],
        "cryptoKeyEncrypter" => &["cloudkms.cryptoKeyVersions.useToEncrypt"],
        "cryptoKeyDecrypter" => &["cloudkms.cryptoKeyVersions.useToDecrypt"],
        _ => return None,
    })
}

/// Whether a list of permissions has this one in it.
pub(crate) fn includes<T: AsRef<str>>(list: &[T], permission: &str) -> bool {
    list.iter().any(|entry| {
        let entry = entry.as_ref();
        entry == permission
            || entry
                .strip_suffix('*')
                .is_some_and(|start| permission.starts_with(start))
    })
}

/// Whether a predefined role can be given on such a thing.
pub(crate) fn is_for(role: &str, home: Home) -> bool {
    if permissions(role).is_none() {
        return false;
    }
    let legacy = role.starts_with("roles/storage.legacy");
    let basic = ["roles/owner", "roles/editor", "roles/viewer"].contains(&role);
    match home {
        Home::Bucket => role.starts_with("roles/storage."),
        Home::Account => basic || role.starts_with("roles/iam."),
        Home::CryptoKey => basic || role.starts_with("roles/cloudkms."),
        Home::Project => !legacy,
    }
}

#[cfg(test)]
mod tests {
    use super::{Home, includes, is_for, permissions};

    #[test]
    fn an_owner_of_the_project_has_no_right_to_read_a_bucket() {
        let owner = permissions("roles/owner").unwrap();
        assert!(includes(owner, "storage.buckets.create"));
        assert!(!includes(owner, "storage.buckets.get"));
        assert!(includes(
            permissions("roles/storage.admin").unwrap(),
            "storage.objects.delete"
        ));
    }

    #[test]
    fn roles_have_their_homes() {
        assert!(is_for("roles/storage.legacyBucketOwner", Home::Bucket));
        assert!(!is_for("roles/storage.legacyBucketOwner", Home::Project));
        assert!(!is_for("roles/owner", Home::Bucket));
        assert!(!is_for("roles/storage.nothing", Home::Bucket));
    }
}
