//! Settings in our words and in the SDK's.

use std::collections::BTreeMap;

use aws_sdk_s3::types as sdk;

use crate::byob::observed::{CorsRule, EncryptionState, LifecycleRule};

/// The first encryption rule; servers keep one.
pub(in crate::clouds) fn encryption(
    configuration: Option<&sdk::ServerSideEncryptionConfiguration>,
) -> EncryptionState {
    let Some(rule) = configuration.and_then(|configuration| configuration.rules().first()) else {
        return EncryptionState::default();
    };
    let default = rule.apply_server_side_encryption_by_default();
    EncryptionState {
        algorithm: default.map(|default| default.sse_algorithm().as_str().to_owned()),
        key: default
            .and_then(|default| default.kms_master_key_id())
            .filter(|key| !key.is_empty())
            .map(str::to_owned),
        bucket_key: rule.bucket_key_enabled().unwrap_or(false),
    }
}

/// A rule for web pages, from the SDK.
pub(in crate::clouds) fn cors(rule: &sdk::CorsRule) -> CorsRule {
    CorsRule {
        id: rule.id().map(str::to_owned),
        origins: rule.allowed_origins().to_vec(),
        methods: rule.allowed_methods().to_vec(),
        headers: rule.allowed_headers().to_vec(),
        exposed: rule.expose_headers().to_vec(),
        max_age_seconds: rule.max_age_seconds().map(i64::from),
    }
}

/// A rule for web pages, for the SDK.
pub(in crate::clouds) fn sdk_cors(rule: &CorsRule) -> Result<sdk::CorsRule, String> {
    let some = |list: &[String]| (!list.is_empty()).then(|| list.to_vec());
    sdk::CorsRule::builder()
        .set_id(rule.id.clone())
        .set_allowed_origins(Some(rule.origins.clone()))
        .set_allowed_methods(Some(rule.methods.clone()))
        .set_allowed_headers(some(&rule.headers))
        .set_expose_headers(some(&rule.exposed))
        .set_max_age_seconds(
            rule.max_age_seconds
                .map(i32::try_from)
                .transpose()
                .map_err(|error| error.to_string())?,
        )
        .build()
        .map_err(|error| error.to_string())
}

/// A rule about old data, from the SDK.
pub(in crate::clouds) fn lifecycle(rule: &sdk::LifecycleRule) -> LifecycleRule {
    let filter = rule.filter();
    let and = filter.and_then(sdk::LifecycleRuleFilter::and);
    // Old servers keep the prefix beside the filter.
    #[allow(deprecated)]
    let prefix = rule
        .prefix()
        .or_else(|| filter.and_then(sdk::LifecycleRuleFilter::prefix))
        .or_else(|| and.and_then(sdk::LifecycleRuleAndOperator::prefix))
        .unwrap_or_default();
    let narrowed = filter.is_some_and(|filter| {
        filter.tag().is_some()
            || filter.object_size_greater_than().is_some()
            || filter.object_size_less_than().is_some()
    }) || and.is_some_and(|and| {
        !and.tags().is_empty()
            || and.object_size_greater_than().is_some()
            || and.object_size_less_than().is_some()
    });
    LifecycleRule {
        id: rule.id().unwrap_or_default().to_owned(),
        enabled: rule.status() == &sdk::ExpirationStatus::Enabled,
        prefix: prefix.to_owned(),
        narrowed,
        expires_current: rule.expiration().is_some_and(|expiration| {
            expiration.days().is_some_and(|days| days > 0) || expiration.date().is_some()
        }),
        noncurrent_days: rule
            .noncurrent_version_expiration()
            .and_then(sdk::NoncurrentVersionExpiration::noncurrent_days)
            .and_then(|days| u32::try_from(days).ok())
            .filter(|days| *days > 0),
        abort_upload_days: rule
            .abort_incomplete_multipart_upload()
            .and_then(sdk::AbortIncompleteMultipartUpload::days_after_initiation)
            .and_then(|days| u32::try_from(days).ok())
            .filter(|days| *days > 0),
    }
}

/// Tags in the SDK's words.
pub(in crate::clouds) fn tagging(tags: &BTreeMap<String, String>) -> Result<sdk::Tagging, String> {
    let mut builder = sdk::Tagging::builder().set_tag_set(Some(Vec::new()));
    for (key, value) in tags {
        let tag = sdk::Tag::builder()
            .key(key)
            .value(value)
            .build()
            .map_err(|error| error.to_string())?;
        builder = builder.tag_set(tag);
    }
    builder.build().map_err(|error| error.to_string())
}

/// Whether both name the same key: servers answer a key's name with or without the prefix
/// of an AWS key, or only with its last part.
pub(in crate::clouds) fn same_key(wanted: &str, actual: &str) -> bool {
    let bare = |key: &str| key.strip_prefix("arn:aws:kms:").unwrap_or(key).to_owned();
    bare(wanted) == bare(actual)
        || wanted
            .strip_suffix(actual)
            .is_some_and(|start| !actual.is_empty() && start.ends_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_does_not_make_another_key() {
        assert!(same_key("wandb-key", "arn:aws:kms:wandb-key"));
        assert!(!same_key("wandb-key", "arn:aws:kms:other"));
        let arn = "arn:aws:kms:us-east-1:123456789012:key/0a1b";
        assert!(same_key(arn, "0a1b"));
        assert!(!same_key(arn, "a1b") && !same_key(arn, ""));
    }

    #[test]
    fn a_rule_with_tags_is_narrowed_and_expires() {
        let tag = sdk::Tag::builder()
            .key("a")
            .value("b")
            .build()
            .expect("complete");
        let rule = sdk::LifecycleRule::builder()
            .id("theirs")
            .status(sdk::ExpirationStatus::Enabled)
            .filter(
                sdk::LifecycleRuleFilter::builder()
                    .and(
                        sdk::LifecycleRuleAndOperator::builder()
                            .prefix("logs/")
                            .tags(tag)
                            .build(),
                    )
                    .build(),
            )
            .expiration(sdk::LifecycleExpiration::builder().days(3).build())
            .build()
            .expect("complete");
        let read = lifecycle(&rule);
        assert!(read.narrowed && read.expires_current);
        assert_eq!(read.prefix, "logs/");
    }
}
