//! W&B and buckets on AWS: the instance's own test, and teams.

use serde_json::{Value, json};

use crate::aws_stage::{Amazon, way_in_for_wandb};

const TEAM: &str = "wandb_team_storage.this";

fn provider(amazon: &Amazon) -> String {
    let wandb = format!(
        "deployment = \"dedicated\"\n  base_url = \"{}\"\n  api_key = \"{}\"",
        amazon.wandb.url(),
        crate::harness::API_KEY
    );
    amazon.provider_block(&wandb, "region = \"us-east-1\"")
}

fn let_wandb_in(amazon: &Amazon) {
    let entry = way_in_for_wandb(amazon, amazon.bucket());
    amazon.wandb.add_store(&entry);
}

#[test]
fn byob_bucket_aws_registration_is_asked_for_as_configured() {
    let amazon = Amazon::new("aws-register");
    let give = |register: &str| {
        let resource = amazon.resource(register, "");
        amazon.write_raw(&format!("{}{resource}", provider(&amazon)));
    };
    // There is no key in the address, so that the instance must get in by itself.
    give("");
    let text = amazon.apply_fails();
    assert!(text.contains("does not reach the bucket"), "{text}");
    assert_ne!(amazon.this(), Value::Null);
    let key = amazon.own_keys();
    let_wandb_in(&amazon);
    amazon.apply();
    amazon.assert_empty_plan();
    assert_eq!(amazon.own_keys(), key);
    assert_eq!(amazon.this()["verified"], true);
    let told = amazon.this()["findings"].to_string();
    assert!(!told.contains("wandb.connection"), "{told}");
    give("register = true");
    amazon.apply();
    amazon.assert_empty_plan();
    give("register = false");
    amazon.wandb.clear_requests();
    amazon.apply();
    assert!(amazon.wandb.requests().is_empty());
    amazon.clean_up_objects();
    amazon.destroy();
}

#[test]
fn team_storage_on_a_bucket_on_aws() {
    let amazon = Amazon::new("aws-team");
    let_wandb_in(&amazon);
    let team = format!(
        "resource \"wandb_team_storage\" \"this\" {{\n team = \"{}\"\n storage = wandb_byob_bucket.this.storage\n \
         on_destroy = \"delete\"\n}}\n",
        amazon.bucket()
    );
    let bucket = amazon.resource(
        "on_destroy = \"delete_everything\"",
        "aws_external_id = \"from-wandb\"",
    );
    amazon.write_raw(&format!("{}{bucket}{team}", provider(&amazon)));
    amazon.apply();
    amazon.assert_empty_plan();
    let made = amazon.wandb.teams().into_iter().next().expect("a team");
    let of = |entry: &str| made.storage.get(entry).map(String::as_str);
    assert_eq!(of("provider"), Some("AWS"), "{:?}", made.storage);
    assert_eq!(of("name"), Some(amazon.bucket()));
    assert_eq!(amazon.state(TEAM)["storage"], amazon.this()["storage"]);
    assert_eq!(amazon.this()["storage"]["kms_key_id"], amazon.key());
    // Another key is another storage, which W&B never changes for a team.
    let other = amazon.foreign_key();
    let changed = bucket.replace(
        "aws_external_id",
        &format!("kms_key_arn = \"{other}\"\n aws_external_id"),
    );
    amazon.write_raw(&format!("{}{changed}{team}", provider(&amazon)));
    let plan = amazon.plan();
    assert_eq!(plan.actions(TEAM), ["delete", "create"], "{}", plan.text);
    let kept = team.replace("on_destroy = \"delete\"", "");
    amazon.write_raw(&format!("{}{bucket}{kept}", provider(&amazon)));
    amazon.apply();
    amazon.write_raw(&format!("{}{changed}{kept}", provider(&amazon)));
    let text = amazon.plan_fails();
    assert!(text.contains("W&B cannot change"), "{text}");
    amazon.write_raw(&format!("{}{bucket}{team}", provider(&amazon)));
    amazon.apply();
    amazon.destroy();
    assert!(amazon.wandb.teams().is_empty());
    assert!(!amazon.exists());
}

#[test]
fn team_storage_that_owns_its_bucket_on_aws() {
    let amazon = Amazon::new("aws-own");
    let_wandb_in(&amazon);
    let write = |tags: &str| {
        amazon.write_raw(&format!(
            "{}resource \"wandb_team_storage\" \"this\" {{\n team = \"{name}\"\n on_destroy = \"delete\"\n \
             byob_bucket {{\n name = \"{name}\"\n on_destroy = \"delete_everything\"\n {tags}\n aws {{\n \
             https_only = false\n }}\n }}\n}}\n",
            provider(&amazon),
            name = amazon.bucket(),
        ));
    };
    write("");
    amazon.apply();
    amazon.assert_empty_plan();
    let state = amazon.state(TEAM);
    assert_eq!(state["storage_status"], "bound");
    assert_eq!(state["byob_bucket"]["verified"], true);
    let key = state["byob_bucket"]["aws"]["kms_key_arn"]
        .as_str()
        .expect("a key");
    assert_eq!(amazon.own_keys(), [key]);
    assert_eq!(amazon.wandb.teams().len(), 1);
    let off = json!({"VersioningConfiguration": {"Status": "Suspended"}});
    amazon.s3_ok("put_bucket_versioning", off);
    write("tags = { a = \"b\" }");
    assert_eq!(amazon.plan().actions(TEAM), ["update"]);
    amazon.apply();
    amazon.assert_empty_plan();
    assert_eq!(amazon.tags()["a"], "b");
    assert_eq!(
        amazon.s3_ok("get_bucket_versioning", json!({}))["Status"],
        "Enabled"
    );
    // What W&B binds for good is refused where it is written.
    let main = amazon.path().join("main.tf");
    let deleted = std::fs::read_to_string(main).expect("written");
    let kept = deleted.replace("on_destroy = \"delete\"", "on_destroy = \"keep\"");
    amazon.write_raw(&kept);
    amazon.apply();
    for argument in [
        format!("kms_key_arn = \"{}\"", amazon.foreign_key()),
        "aws_external_id = \"another\"".to_owned(),
    ] {
        let changed = format!("https_only = false\n {argument}");
        amazon.write_raw(&kept.replace("https_only = false", &changed));
        let text = amazon.plan_fails();
        assert_eq!(text.matches("Error: ").count(), 1, "{text}");
        assert!(
            text.contains("change the byob_bucket.aws of team"),
            "{text}"
        );
        assert!(text.contains("aws {"), "{text}");
    }
    amazon.write_raw(&deleted);
    amazon.apply();
    amazon.destroy();
    assert!(amazon.wandb.teams().is_empty());
    assert!(!amazon.exists());
    assert_eq!(amazon.described(key)["KeyState"], "PendingDeletion");
}
