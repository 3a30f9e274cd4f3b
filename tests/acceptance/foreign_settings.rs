//! What other people have set on a bucket that is adopted stays as they wrote it.

use serde_json::{Value, json};

use crate::harness::{Aws, Cloud, Login, Minio, SeaweedFs, Stage};

/// A sub-resource as it stands at the server.
fn document<C: Cloud<Login = Login>>(stage: &Stage<C>, part: &str) -> Value {
    stage.s3_ok("document", json!({"Part": part}))
}

fn put_document<C: Cloud<Login = Login>>(stage: &Stage<C>, part: &str, text: &str) {
    stage.s3_ok("document", json!({"Part": part, "Body": text}));
}

/// The rules of a document, without ours.
fn rules(document: &Value) -> Vec<String> {
    let text = document["text"].as_str().expect("a text");
    let mut rules: Vec<String> = text
        .split("<Rule>")
        .skip(1)
        .filter_map(|rest| Some(rest.split_once("</Rule>")?.0.to_owned()))
        .filter(|rule| !rule.contains("wandb-byob-"))
        .collect();
    rules.sort();
    rules
}

#[test]
fn lifecycle_rules_keep_what_no_sdk_knows_on_minio() {
    let stage = Stage::<Minio>::new("foreign-rules");
    stage.s3_ok("create_bucket", json!({}));
    put_document(
        &stage,
        "lifecycle",
        "<LifecycleConfiguration>\
         <Rule><ID>all</ID><Status>Enabled</Status><Filter><Prefix>logs/</Prefix></Filter>\
         <Expiration><Days>9</Days><ExpiredObjectAllVersions>true</ExpiredObjectAllVersions>\
         </Expiration></Rule>\
         <Rule><ID>markers</ID><Status>Enabled</Status><Filter><Prefix>tmp/</Prefix></Filter>\
         <DelMarkerExpiration><Days>5</Days></DelMarkerExpiration></Rule>\
         </LifecycleConfiguration>",
    );
    let before = rules(&document(&stage, "lifecycle"));
    assert_eq!(before.len(), 2);
    let text = before.concat();
    for part in [
        "<ExpiredObjectAllVersions>true<",
        "<DelMarkerExpiration><Days>5<",
    ] {
        assert!(text.contains(part), "{text}");
    }
    let arguments = |days: u32| format!("adopt = true\nnoncurrent_version_days = {days}");
    for days in [7, 8] {
        stage.write_bucket(&arguments(days), "");
        stage.apply();
        let after = document(&stage, "lifecycle");
        assert_eq!(rules(&after), before);
        let ours = format!("<NoncurrentDays>{days}</NoncurrentDays>");
        assert!(
            after["text"]
                .as_str()
                .is_some_and(|text| text.contains(&ours))
        );
        stage.assert_empty_plan();
    }
    stage.write_bucket("adopt = true", "");
    stage.apply();
    assert_eq!(rules(&document(&stage, "lifecycle")), before);
    stage.destroy();
}

#[test]
fn the_size_below_which_nothing_moves_survives_on_aws() {
    const SIZE: &str = "x-amz-transition-default-minimum-object-size";
    let stage = Stage::<Aws>::new("foreign-size");
    stage.s3_ok("create_bucket", json!({}));
    stage.s3_ok(
        "put_bucket_lifecycle_configuration",
        json!({
            "LifecycleConfiguration": {"Rules": [{"ID": "theirs", "Status": "Enabled",
                "Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 9}}]},
            "TransitionDefaultMinimumObjectSize": "varies_by_storage_class",
        }),
    );
    let before = document(&stage, "lifecycle");
    assert_eq!(before["headers"][SIZE], "varies_by_storage_class");
    stage.write_bucket("adopt = true\nnoncurrent_version_days = 7", "");
    stage.apply();
    let after = document(&stage, "lifecycle");
    assert_eq!(after["headers"][SIZE], "varies_by_storage_class");
    assert_eq!(rules(&after), rules(&before));
    assert_eq!(stage.lifecycle().as_array().map(Vec::len), Some(2));
    stage.assert_empty_plan();
    stage.destroy();
}

fn a_foreign_cors_rule_stays<C: Cloud<Login = Login>>(stage: &Stage<C>) {
    stage.s3_ok("create_bucket", json!({}));
    let theirs = json!({"AllowedOrigins": ["*"], "AllowedMethods": ["DELETE"],
        "AllowedHeaders": ["x-theirs"]});
    stage.put_cors(json!([theirs]));
    // Of several rules the stand-in for AWS takes the last, which the probe would find.
    stage.write_bucket("adopt = true\nverify = \"settings\"", "");
    stage.apply();
    stage.assert_empty_plan();
    let rules = stage.cors();
    let all = rules.as_array().expect("rules");
    assert_eq!(all.len(), 2, "{rules}");
    assert_eq!(all[0]["AllowedMethods"].as_array().map(Vec::len), Some(3));
    assert_eq!(all[1]["AllowedMethods"], theirs["AllowedMethods"]);
    assert_eq!(all[1]["AllowedOrigins"], theirs["AllowedOrigins"]);
    stage.destroy();
}

#[test]
fn a_foreign_cors_rule_for_our_origins_stays_on_aws() {
    a_foreign_cors_rule_stays(&Stage::<Aws>::new("foreign-cors"));
}

#[test]
fn a_foreign_cors_rule_for_our_origins_stays_on_seaweedfs() {
    a_foreign_cors_rule_stays(&Stage::<SeaweedFs>::new("foreign-cors"));
}

#[test]
fn tags_of_the_system_are_neither_shown_nor_touched_on_minio() {
    const SYSTEM: &str = "aws:cloudformation:stack-name";
    let stage = Stage::<Minio>::new("system-tags");
    stage.s3_ok("create_bucket", json!({}));
    stage.put_tags(&json!({SYSTEM: "theirs", "old": "x"}));
    stage.write_bucket(
        r#"
            adopt = true
            tags = { a = "b" }
        "#,
        "",
    );
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.tags()[SYSTEM], "theirs");
    assert_eq!(stage.tags()["a"], "b");
    assert_eq!(stage.tags().get("old"), None);
    assert_eq!(stage.this()["tags_all"], json!({"a": "b"}));
    stage.write_bucket(r#"tags = { a = "c" }"#, "");
    stage.apply();
    assert_eq!(stage.tags()[SYSTEM], "theirs");
    let id = stage.import_id();
    stage.forget(crate::harness::THIS);
    stage.import(crate::harness::THIS, &id).succeeds();
    assert_eq!(stage.this()["tags_all"], json!({"a": "c"}));
    stage.apply();
    assert_eq!(stage.tags()[SYSTEM], "theirs");
    stage.destroy();
}

#[test]
fn exceptions_from_versioning_are_a_finding_on_minio() {
    let stage = Stage::<Minio>::new("unversioned");
    stage.s3_ok("create_bucket", json!({}));
    let with = |prefix: &str| {
        put_document(
            &stage,
            "versioning",
            &format!(
                "<VersioningConfiguration><Status>Enabled</Status><ExcludedPrefixes><Prefix>\
                 {prefix}</Prefix></ExcludedPrefixes></VersioningConfiguration>"
            ),
        );
    };
    with("teams/omega/tmp/");
    stage.write_bucket("adopt = true\npath = \"teams/omega\"", "");
    stage.apply();
    let found = |id: &str| {
        let findings = stage.this()["findings"].as_array().cloned();
        let mut findings = findings.unwrap_or_default().into_iter();
        findings.find(|one| one["requirement"] == id)
    };
    let one = found("versioning.no_exclusions").expect("a finding");
    assert_eq!(one["status"], "warn", "{one}");
    assert_eq!(one["actual"], "teams/omega/tmp/", "{one}");
    // What is not W&B's is nobody's business here.
    with("other/");
    stage.write_bucket("path = \"teams/omega\"\ntags = { a = \"b\" }", "");
    stage.apply();
    assert_eq!(found("versioning.no_exclusions"), None);
    let text = document(&stage, "versioning")["text"].clone();
    assert!(
        text.as_str().is_some_and(|text| text.contains("other/")),
        "{text}"
    );
    stage.destroy();
}
