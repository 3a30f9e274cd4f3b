//! What settings are called: at the beginning of a sentence, and in private data.

use crate::byob::spec::Setting;

/// The setting as the subject of a sentence.
pub fn title(setting: Setting) -> &'static str {
    match setting {
        Setting::Tags => "Tags",
        Setting::Versioning => "Versioning",
        Setting::Key => "The key",
        Setting::PublicAccess => "The block on public access",
        Setting::Ownership => "The ownership of objects",
        Setting::Encryption => "Encryption",
        Setting::Cors => "The CORS rule",
        Setting::Lifecycle => "The lifecycle rule",
        Setting::Grants => "The bucket's access rules",
        Setting::Identity => "W&B's access",
    }
}

/// The verb that goes with [`title`].
pub fn was(setting: Setting) -> &'static str {
    match setting {
        Setting::Tags | Setting::Grants => "were",
        _ => "was",
    }
}

/// The name that is kept from one run to the next.
pub fn word(setting: Setting) -> &'static str {
    match setting {
        Setting::Tags => "tags",
        Setting::Versioning => "versioning",
        Setting::Key => "key",
        Setting::PublicAccess => "public_access",
        Setting::Ownership => "ownership",
        Setting::Encryption => "encryption",
        Setting::Cors => "cors",
        Setting::Lifecycle => "lifecycle",
        Setting::Grants => "grants",
        Setting::Identity => "identity",
    }
}
