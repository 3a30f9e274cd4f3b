//! Buckets that are imported, and ids that name none.

use serde_json::json;

use super::Stage;
use crate::harness::{Login, THIS, ask, hcl};

#[test]
fn an_import_plans_empty() {
    let stage = Stage::new("import");
    stage.write_bucket(
        r#"
            path = "p"
            tags = { a = "b" }
        "#,
        "create_access_key = true",
    );
    stage.apply();
    let id = stage.this()["id"].as_str().expect("an id").to_owned();
    let key = stage.this()["access_key_id"].clone();
    stage.forget(THIS);
    stage.import(THIS, &id).succeeds();
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
    stage.write_bucket(
        r#"
            tags = { a = "b" }
            noncurrent_version_days = 5
        "#,
        "",
    );
    stage.apply();
    let id = stage.this()["id"].as_str().expect("an id").to_owned();
    std::fs::remove_file(stage.path().join("terraform.tfstate")).expect("removed");
    stage.write(&hcl!(
        r#"
            import {
              to = <this>
              id = "<id>"
            }
        "#,
        this = THIS,
        id
    ));
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
    let import = |id: &str| stage.import(THIS, id).fails();
    let text = import(&stage.import_id());
    assert!(text.contains("there is no bucket"), "{text}");
    assert!(import("acme").contains("is no import id"));
    let text = import("s3_compatible/127.0.0.1:1/acme");
    assert!(text.contains("the id names host 127.0.0.1:1"), "{text}");
}

#[test]
fn a_foreign_user_of_our_name_is_not_touched() {
    let stage = Stage::new("foreign-user");
    stage.s3_ok("create_bucket", json!({}));
    stage.mark("ready-00c0ffee");
    let user = format!("wandb-byob-00c0ffee-{}", stage.bucket());
    stage.admin(
        "user_add",
        json!({"access_key": user, "secret_key": "theirs-secret-1"}),
    );
    stage.admin(
        "attach_policy",
        json!({"policies": ["readonly"], "user": user}),
    );
    stage.write_bucket("", "create_access_key = true");
    stage.import(THIS, &stage.import_id()).succeeds();
    let text = stage.apply_fails();
    assert!(text.contains(&user), "{text}");
    let info = stage.ask("admin", "user_info", json!({"access_key": user}));
    assert_eq!(info["ok"]["policyName"], "readonly");
    let own = Login {
        access_key: user.clone(),
        secret_key: "theirs-secret-1".to_owned(),
        ..stage.login.clone()
    };
    let args = json!({"Bucket": stage.bucket()});
    let answer = ask(&own, "s3", "list_objects_v2", args);
    assert!(
        answer.get("ok").is_some() || answer["error"] == "AccessDenied",
        "{answer}"
    );
    stage.ask("admin", "user_remove", json!({"access_key": user}));
    stage.clean_up();
}
