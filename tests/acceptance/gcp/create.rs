//! Buckets on Google Cloud from nothing: what is made.

use serde_json::json;

use super::{Stage, member};
use crate::harness::{ADMIN, DEPLOY, hcl};

#[test]
fn a_bucket_is_as_wandb_wants_it() {
    let stage = Stage::new("gcp-basic");
    stage.write_bucket(r#"tags = { team = "omega" }"#, "");
    stage.apply();
    stage.assert_empty_plan();
    let (name, state) = (stage.bucket(), stage.this());
    assert_eq!(state["id"], format!("gcp/simulated-project/{name}"));
    assert_eq!(
        state["arn"],
        format!("//storage.googleapis.com/projects/_/buckets/{name}")
    );
    assert_eq!(state["region"], "US");
    assert_eq!(state["verified"], true, "{}", state["findings"]);
    assert_eq!(state["findings"], json!([]));
    assert_eq!(state["storage"], json!({"name": name, "provider": "GCP"}));
    assert_eq!(state["storage_address"], format!("gs://{name}"));
    assert_eq!(state["registration_name"], name);
    assert_eq!(
        state["instance_bucket"],
        json!({"name": name, "provider": "gcs"})
    );
    assert_eq!(state["supported_file_store"], json!(null));
    assert_eq!(state["access_key_id"], json!(null));
    assert_eq!(state["soft_delete_days"], 7);
    assert_eq!(state["tags_all"], json!({"team": "omega"}));
    assert_eq!(
        state["gcp"],
        json!({"project": "simulated-project", "location": "US", "storage_class": "STANDARD",
            "wandb_service_account": DEPLOY, "wandb_roles": [ADMIN], "kms_key_name": null,
            "public_access_prevention": "enforced", "create_access_key": false,
            "access_key_rotation": null})
    );
    the_settings_are_as_wandb_wants_them(&stage);
    stage.destroy();
    assert!(!stage.exists());
}

fn the_settings_are_as_wandb_wants_them(stage: &Stage) {
    let seen = stage.seen();
    assert_eq!(seen["location"], "US");
    assert_eq!(seen["storageClass"], "STANDARD");
    assert_eq!(seen["versioning"]["enabled"], true);
    assert_eq!(
        seen["softDeletePolicy"]["retentionDurationSeconds"],
        "604800"
    );
    let access = &seen["iamConfiguration"];
    assert_eq!(access["uniformBucketLevelAccess"]["enabled"], true);
    assert_eq!(access["publicAccessPrevention"], "enforced");
    assert_eq!(seen["encryption"]["defaultKmsKeyName"], json!(null));
    assert_eq!(
        seen["cors"],
        json!([{"origin": ["*"], "method": ["GET", "HEAD", "PUT"],
            "responseHeader": ["Content-Type", "ETag"], "maxAgeSeconds": 3600}])
    );
    assert_eq!(seen["labels"]["team"], "omega");
    assert!(stage.is_ready(), "{}", seen["labels"]);
    assert_eq!(stage.members(ADMIN), [member(DEPLOY)]);
    // Nobody else got in.
    let bindings = stage.policy()["bindings"].to_string();
    assert!(!bindings.contains("allUsers"), "{bindings}");
}

#[test]
fn a_bucket_says_everything_in_the_call_that_makes_it() {
    let stage = Stage::alone("gcp-once", simulator::gcs::Config::default());
    let arguments = r#"
        soft_delete_days = 14
        noncurrent_version_days = 30
        tags = { a = "b" }
    "#;
    stage.write_bucket(arguments, r#"location = "europe-west4""#);
    stage.cloud().clear_requests();
    stage.apply();
    let requests = stage.cloud().requests();
    assert!(requests.len() <= 22, "{}: {requests:#?}", requests.len());
    stage.cloud().clear_requests();
    stage.assert_empty_plan();
    let requests = stage.cloud().requests();
    // A sign-in, the bucket, its policy, and what a second question may need.
    assert!(requests.len() <= 4, "{requests:#?}");
    let seen = stage.seen();
    assert_eq!(seen["location"], "EUROPE-WEST4");
    assert_eq!(
        seen["softDeletePolicy"]["retentionDurationSeconds"],
        "1209600"
    );
    assert_eq!(stage.this()["region"], "europe-west4");
    stage.cloud().clear_requests();
    stage.destroy();
    let requests = stage.cloud().requests();
    assert!(requests.len() <= 10, "{}: {requests:#?}", requests.len());
    assert_eq!(stage.cloud().buckets(), Vec::<String>::new());
}

#[test]
fn soft_delete_is_sent_whatever_the_organization_gives() {
    let config = simulator::gcs::Config {
        soft_delete_default: 0,
        ..Default::default()
    };
    let stage = Stage::alone("gcp-soft", config);
    stage.write_bucket("", "");
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(
        stage.seen()["softDeletePolicy"]["retentionDurationSeconds"],
        "604800"
    );
    stage.destroy();
}

#[test]
fn twenty_buckets_are_made_at_once() {
    let stage = Stage::new("gcp-twenty");
    let name = stage.bucket();
    let numbered = format!("{name}-${{count.index}}");
    let buckets = stage.bucket_block("count = 20", "");
    stage.write(&buckets.replace(name, &numbered));
    stage.apply_with(&["-parallelism=20"]);
    let plan = stage.plan_with(&["-parallelism=20"]);
    assert!(plan.is_empty(), "{}", plan.text);
    for number in [0, 9, 19] {
        let of = stage.state(&format!("wandb_byob_bucket.this[{number}]"));
        assert_eq!(of["verified"], true);
    }
    let arguments = ["destroy", "-auto-approve", "-no-color", "-parallelism=20"];
    stage.terraform(&arguments).succeeds();
    let left = stage.cloud().buckets();
    assert!(!left.iter().any(|one| one.starts_with(name)), "{left:?}");
}

#[test]
fn on_a_self_managed_instance_the_named_account_gets_in() {
    let stage = Stage::new("gcp-self");
    let email = super::account(&stage, "wandb-pods");
    let provider = stage.provider("").replace("dedicated", "self_managed");
    let block = hcl!(r#"wandb_service_account = "<email>""#, email);
    stage.write_under(&provider, &stage.bucket_block("", &block));
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.members(ADMIN), [member(&email)]);
    stage.destroy();
}
