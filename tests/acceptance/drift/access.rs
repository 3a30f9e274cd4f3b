//! Rows about who gets in, and how: browsers, policies, public access, ownership, HTTPS.

use serde_json::{Value, json};

use super::{Drift, drift};
use crate::aws::finding;
use crate::harness::{Aws, Cloud, SeaweedFs, Stage, WANDB, ask};

/// The statements of a policy, by their names.
fn sids(document: &Value) -> Vec<String> {
    let all = document["Statement"].as_array().expect("statements");
    let mut sids: Vec<String> = all
        .iter()
        .filter_map(|one| one["Sid"].as_str().map(str::to_owned))
        .collect();
    sids.sort();
    sids
}

/// Changes the statements of the bucket's policy.
fn change_policy(stage: &Stage<Aws>, change: impl Fn(&mut Vec<Value>)) {
    let mut policy = stage.policy();
    change(policy["Statement"].as_array_mut().expect("statements"));
    stage.put_policy(&policy);
}

#[test]
fn origins_are_put_back_beside_a_foreign_rule_on_seaweedfs() {
    drift(Drift::<SeaweedFs> {
        what: "cors.methods",
        broken: |stage| {
            stage.put_cors(json!([{"AllowedMethods": ["GET"],
                "AllowedOrigins": ["https://example.com"]}]));
        },
        mended: |stage, _| {
            let rules = stage.cors();
            assert_eq!(rules[0]["AllowedOrigins"], json!(["*"]));
            // Somebody else's rule stays, after ours.
            assert_eq!(rules[1]["AllowedOrigins"], json!(["https://example.com"]));
        },
        ..Drift::default()
    });
}

#[test]
fn rules_for_browsers_are_put_back_on_aws() {
    drift(Drift::<Aws> {
        what: "cors.etag_exposed",
        broken: |stage| {
            stage.s3_ok("delete_bucket_cors", json!({}));
        },
        mended: |stage, _| assert_eq!(stage.cors()[0]["ExposeHeaders"], json!(["ETag"])),
        ..Drift::default()
    });
}

#[test]
fn a_changed_policy_is_put_right_and_foreign_statements_stay_on_aws() {
    drift(Drift::<Aws> {
        what: "access.wandb_read_write",
        broken: |stage| {
            let bucket = format!("arn:aws:s3:::{}", stage.bucket());
            change_policy(stage, |statements| {
                statements[0]["Action"] = json!("s3:ListBucket");
                statements.push(json!({"Sid": "Audit", "Effect": "Allow",
                    "Action": "s3:ListBucket", "Resource": bucket,
                    "Principal": {"AWS": "arn:aws:iam::111122223333:root"}}));
            });
        },
        mended: |stage, _| {
            assert_eq!(sids(&stage.policy()), ["Audit", "WAndBAccountAccess"]);
            // The same in other words is no difference.
            change_policy(stage, |statements| {
                statements.reverse();
                for one in statements.iter_mut().filter(|one| one["Sid"] != "Audit") {
                    one["Principal"]["AWS"] = json!("830241207209");
                }
            });
            stage.assert_empty_plan();
            // Now the policy is to be ours alone.
            stage.write_bucket("", "exclusive_policy = true");
            stage.apply();
            stage.assert_empty_plan();
            assert_eq!(sids(&stage.policy()), ["WAndBAccountAccess"]);
        },
        ..Drift::default()
    });
}

#[test]
fn a_policy_that_was_removed_is_put_back_on_aws() {
    drift(Drift::<Aws> {
        what: "access.wandb_read_write",
        broken: |stage| {
            stage.s3_ok("delete_bucket_policy", json!({}));
        },
        mended: |stage, _| assert_eq!(sids(&stage.policy()), ["WAndBAccountAccess"]),
        ..Drift::default()
    });
}

/// What Amazon makes of a principal whose role was deleted.
#[test]
fn a_deleted_principal_is_named_and_put_back_on_aws() {
    drift(Drift::<Aws> {
        what: "access.wandb_read_write",
        broken: |stage| {
            change_policy(stage, |statements| {
                statements[0]["Principal"]["AWS"] = json!(["AROAEXAMPLEID"]);
            });
        },
        says: &["deleted (AROAEXAMPLEID)"],
        mended: |stage, _| {
            let principal = &stage.policy()["Statement"][0]["Principal"];
            assert_eq!(principal["AWS"], json!([WANDB]));
        },
        ..Drift::default()
    });
}

#[test]
fn public_access_is_blocked_again_on_aws() {
    drift(Drift::<Aws> {
        what: "access.public_blocked",
        broken: |stage| {
            stage.s3_ok("delete_public_access_block", json!({}));
        },
        mended: |stage, _| {
            let answer = stage.s3_ok("get_public_access_block", json!({}));
            let switches = &answer["PublicAccessBlockConfiguration"];
            assert_eq!(switches["RestrictPublicBuckets"], true);
        },
        ..Drift::default()
    });
}

#[test]
fn objects_are_the_bucket_owners_again_on_aws() {
    drift(Drift::<Aws> {
        what: "ownership.bucket_owner",
        broken: |stage| {
            let rules = json!({"Rules": [{"ObjectOwnership": "ObjectWriter"}]});
            let args = json!({"OwnershipControls": rules});
            stage.s3_ok("put_bucket_ownership_controls", args);
        },
        mended: |stage, _| {
            let answer = stage.s3_ok("get_bucket_ownership_controls", json!({}));
            let rule = &answer["OwnershipControls"]["Rules"][0];
            assert_eq!(rule["ObjectOwnership"], "BucketOwnerEnforced");
        },
        ..Drift::default()
    });
}

/// Behind TLS; the stand-in applies the rule about plain HTTP there: see `amazon.py`.
fn by_tls_alone(name: &str) -> Stage<Aws> {
    let mut stage = Stage::behind_tls(name);
    stage.set("AWS_CA_BUNDLE", &Aws::certificate());
    stage
}

/// What a plain request for an object is answered with.
fn plain_error(stage: &Stage<Aws>) -> Value {
    stage.put("data");
    let args = json!({"Bucket": stage.bucket(), "Key": "data"});
    ask(&Aws::login(), "s3", "head_object", args)["error"].clone()
}

#[test]
fn a_lost_rule_against_plain_http_is_put_back_on_aws() {
    drift(Drift::<Aws> {
        what: "https_only",
        stage: by_tls_alone,
        broken: |stage| {
            assert_eq!(stage.this()["findings"], json!([]));
            assert_eq!(plain_error(stage), "403");
            change_policy(stage, |statements| {
                statements.retain(|one| one["Effect"] != "Deny");
            });
        },
        shows: "aws",
        mended: |stage, _| assert_eq!(plain_error(stage), "403"),
        ..Drift::default()
    });
}

#[test]
fn a_changed_rule_against_plain_http_is_put_right_on_aws() {
    drift(Drift::<Aws> {
        what: "access.https_only",
        stage: by_tls_alone,
        broken: |stage| {
            change_policy(stage, |statements| {
                for one in statements.iter_mut().filter(|one| one["Effect"] == "Deny") {
                    one["Action"] = json!("s3:PutObject");
                }
            });
        },
        mended: |stage, _| {
            assert_eq!(plain_error(stage), "403");
            // Taken back by choice, which is a warning.
            stage.write_bucket("", "https_only = false");
            stage.apply();
            stage.assert_empty_plan();
            assert_eq!(plain_error(stage), Value::Null);
            let found = finding(stage, "access.https_only").expect("a finding");
            assert_eq!(found["status"], "warn");
        },
        ..Drift::default()
    });
}
