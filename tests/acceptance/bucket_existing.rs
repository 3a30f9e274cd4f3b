//! Buckets that were there before: taken, adopted, imported, half made.

use serde_json::json;

use crate::harness::{Stage, ask};

const THIS: &str = "wandb_byob_bucket.this";

fn marked(stage: &Stage, marker: &str) {
    let tags = json!({"TagSet": [{"Key": "terraform-provider-wandb", "Value": marker}]});
    stage.s3_ok("put_bucket_tagging", json!({"Tagging": tags}));
}

#[test]
fn a_name_that_is_taken_offers_the_import() {
    let stage = Stage::new("taken");
    stage.s3_ok("create_bucket", json!({}));
    stage.put("theirs");
    stage.write_bucket("", "");
    let text = stage.plan_fails();
    let host = stage.login.endpoint.replace("http://", "");
    assert!(text.contains("exists already"), "{text}");
    assert!(
        text.contains(&format!("id = \"s3_compatible/{host}/{}\"", stage.bucket())),
        "{text}"
    );
    assert_eq!(stage.tags(), json!({}));
    stage.clean_up();
}

#[test]
fn a_finished_bucket_of_another_state_is_refused_at_apply() {
    let stage = Stage::new("other-state");
    stage.s3_ok("create_bucket", json!({}));
    marked(&stage, "ready-00c0ffee");
    stage.write_bucket("", "");
    let text = stage.apply_fails();
    assert!(text.contains("exists already"), "{text}");
    assert_eq!(stage.tags()["terraform-provider-wandb"], "ready-00c0ffee");
    assert_eq!(stage.this(), json!(null));
    stage.clean_up();
}

#[test]
fn adopt_takes_a_bucket_over_and_keeps_its_data() {
    let stage = Stage::new("adopt");
    stage.s3_ok("create_bucket", json!({}));
    stage.put("theirs");
    stage.write_bucket("adopt = true", "create_access_key = true");
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.s3("get_bucket_versioning")["ok"]["Status"], "Enabled");
    assert!(
        stage
            .s3_with("head_object", json!({"Key": "theirs"}))
            .get("ok")
            .is_some()
    );
    assert!(
        stage.tags()["terraform-provider-wandb"]
            .as_str()
            .is_some_and(|text| text.starts_with("ready-"))
    );
    stage.clean_up_objects();
    stage.destroy();
}

#[test]
fn an_adoption_that_fails_leaves_no_state_and_can_be_repeated() {
    let stage = Stage::new("adopt-fails");
    stage.s3_ok("create_bucket", json!({}));
    stage.put("theirs");
    // MinIO without a key service cannot encrypt.
    stage.write_bucket("adopt = true", "sse_algorithm = \"AES256\"");
    let text = stage.apply_fails();
    assert!(text.contains("Encryption"), "{text}");
    assert_eq!(stage.this(), json!(null));
    assert!(
        stage
            .tags()
            .get("terraform-provider-wandb")
            .is_none_or(|text| !text.as_str().unwrap_or_default().starts_with("creating"))
    );
    stage.write_bucket("adopt = true", "");
    stage.apply();
    stage.assert_empty_plan();
    stage.clean_up_objects();
    stage.destroy();
}

#[test]
fn a_half_made_bucket_is_gone_on_with() {
    let stage = Stage::new("half");
    stage.s3_ok("create_bucket", json!({}));
    marked(&stage, "creating-00c0ffee");
    stage.write_bucket("", "create_access_key = true");
    let plan = stage.plan();
    assert!(plan.text.contains("is half made"), "{}", plan.text);
    stage.apply();
    stage.assert_empty_plan();
    // Of its own: another state may hold the one that began it.
    let generation = stage.this()["generation"].clone();
    let generation = generation.as_str().expect("a generation");
    assert_ne!(generation, "00c0ffee");
    let marker = format!("ready-{generation}");
    assert_eq!(stage.tags()["terraform-provider-wandb"], marker);
    stage.destroy();
}

#[test]
fn a_bare_young_bucket_counts_as_half_made() {
    let stage = Stage::new("bare");
    stage.s3_ok("create_bucket", json!({}));
    stage.write_bucket("", "");
    let plan = stage.plan();
    assert!(plan.text.contains("is half made"), "{}", plan.text);
    stage.apply();
    stage.assert_empty_plan();
    stage.destroy();
}

#[test]
fn an_import_plans_empty() {
    let stage = Stage::new("import");
    stage.write_bucket(
        "path = \"p\"\n tags = { a = \"b\" }",
        "create_access_key = true",
    );
    stage.apply();
    let id = stage.this()["id"].as_str().expect("an id").to_owned();
    let key = stage.this()["access_key_id"].clone();
    stage.terraform(&["state", "rm", THIS]).succeeds();
    stage
        .terraform(&["import", "-no-color", THIS, &id])
        .succeeds();
    assert_eq!(stage.this()["access_key_id"], key);
    assert_eq!(stage.this()["secret_access_key"], json!(null));
    // Only the path and what is proven by trying is not the server's to tell.
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.this()["access_key_id"], key);
    stage.destroy();
}

#[test]
fn a_generated_configuration_plans_empty() {
    let stage = Stage::new("generate");
    stage.write_bucket("tags = { a = \"b\" }\n noncurrent_version_days = 5", "");
    stage.apply();
    let id = stage.this()["id"].as_str().expect("an id").to_owned();
    std::fs::remove_file(stage.path().join("terraform.tfstate")).expect("removed");
    stage.write(&format!("import {{\n  to = {THIS}\n  id = \"{id}\"\n}}\n"));
    stage
        .terraform(&["plan", "-no-color", "-generate-config-out=made.tf"])
        .succeeds();
    let plan = stage.plan();
    assert!(plan.is_empty(), "{}", plan.text);
    stage.apply();
    stage.assert_empty_plan();
    stage.destroy();
    assert!(!stage.exists());
}

#[test]
fn an_import_of_nothing_and_of_nonsense_says_so() {
    let stage = Stage::new("import-none");
    stage.write_bucket("", "");
    let host = stage.login.endpoint.replace("http://", "");
    let import = |id: &str| stage.terraform(&["import", "-no-color", THIS, id]).fails();
    let text = import(&format!("s3_compatible/{host}/{}", stage.bucket()));
    assert!(text.contains("there is no bucket"), "{text}");
    assert!(import("acme").contains("is no import id"));
    let text = import("s3_compatible/127.0.0.1:1/acme");
    assert!(text.contains("the id names host 127.0.0.1:1"), "{text}");
}

#[test]
fn a_foreign_user_of_our_name_is_not_touched() {
    let stage = Stage::new("foreign-user");
    stage.s3_ok("create_bucket", json!({}));
    marked(&stage, "ready-00c0ffee");
    let user = format!("wandb-byob-00c0ffee-{}", stage.bucket());
    let made = ask(
        &stage.login,
        "admin",
        "user_add",
        json!({"access_key": user, "secret_key": "theirs-secret-1"}),
    );
    assert!(made.get("ok").is_some(), "{made}");
    let attached = ask(
        &stage.login,
        "admin",
        "attach_policy",
        json!({"policies": ["readonly"], "user": user}),
    );
    assert!(attached.get("ok").is_some(), "{attached}");
    stage.write_bucket("", "create_access_key = true");
    let host = stage.login.endpoint.replace("http://", "");
    let id = format!("s3_compatible/{host}/{}", stage.bucket());
    stage
        .terraform(&["import", "-no-color", THIS, &id])
        .succeeds();
    let text = stage.apply_fails();
    assert!(text.contains(&user), "{text}");
    let info = ask(
        &stage.login,
        "admin",
        "user_info",
        json!({"access_key": user}),
    );
    assert_eq!(info["ok"]["policyName"], "readonly");
    let own = crate::harness::Login {
        access_key: user.clone(),
        secret_key: "theirs-secret-1".to_owned(),
        ..stage.login.clone()
    };
    assert!(
        ask(
            &own,
            "s3",
            "list_objects_v2",
            json!({"Bucket": stage.bucket()})
        )
        .get("ok")
        .is_some()
            || ask(
                &own,
                "s3",
                "list_objects_v2",
                json!({"Bucket": stage.bucket()})
            )["error"]
                == "AccessDenied"
    );
    ask(
        &stage.login,
        "admin",
        "user_remove",
        json!({"access_key": user}),
    );
    stage.clean_up();
}

#[test]
fn the_same_bucket_twice_in_one_run_is_refused() {
    let stage = Stage::new("twice");
    let one = stage.bucket_block("", "");
    let two = one.replace("\"this\"", "\"other\"");
    stage.write(&format!("{one}{two}"));
    let text = stage.plan_fails();
    assert!(text.contains("is made twice"), "{text}");
    assert!(!stage.exists());
}
