//! Whose a bucket and a key are: what is another's is neither used, nor changed, nor given up.

use serde_json::{Value, json};
use simulator::amazon;

use super::{CALLER, QUIET, Stage, does, is_put, stage};
use crate::harness::{Login, ask, hcl, moto};

/// The tags of a key.
fn key_tags(stage: &Stage, key: &str) -> Value {
    stage.kms("list_resource_tags", json!({"KeyId": key}))["Tags"].clone()
}

#[test]
fn the_key_of_one_bucket_is_refused_to_another() {
    let first = Stage::new("own-first");
    first.write_bucket(QUIET, "");
    first.apply();
    let key = first.key();
    let (tags, policy) = (key_tags(&first, &key), first.key_policy(&key));
    let owner = json!({"TagKey": "terraform-provider-wandb/bucket", "TagValue": first.bucket()});
    assert!(
        tags.as_array().expect("tags").contains(&owner),
        "no {owner} in {tags}"
    );
    // By an argument, for a bucket that is made and for one that is there.
    let second = Stage::new("own-second");
    second.write_bucket(QUIET, &hcl!(r#"kms_key_arn = "<key>""#, key));
    let text = second.apply_fails();
    assert!(text.contains(first.bucket()), "{text}");
    let rules = second.s3("get_bucket_encryption").to_string();
    assert!(!rules.contains(&key), "{rules}");
    second.write_bucket(QUIET, "");
    second.apply();
    second.assert_empty_plan();
    second.write_bucket(QUIET, &hcl!(r#"kms_key_arn = "<key>""#, key));
    let text = second.apply_fails();
    assert!(text.contains(first.bucket()), "{text}");
    second.write_bucket(QUIET, "");
    second.apply();
    second.assert_empty_plan();
    let own = second.key();
    second.destroy();
    assert_eq!(second.described(&own)["KeyState"], "PendingDeletion");
    // The first bucket and its key know nothing of it.
    assert_eq!(key_tags(&first, &key), tags);
    assert_eq!(first.key_policy(&key), policy);
    assert_eq!(first.described(&key)["KeyState"], "Enabled");
    first.assert_empty_plan();
    first.destroy();
}

#[test]
fn an_alias_that_names_another_buckets_key_is_not_followed() {
    let first = Stage::new("own-alias-first");
    first.write_bucket(QUIET, "");
    first.apply();
    let key = first.key();
    let (tags, policy) = (key_tags(&first, &key), first.key_policy(&key));
    let second = Stage::new("own-alias-second");
    let alias = json!({"AliasName": second.alias(), "TargetKeyId": key});
    second.kms("create_alias", alias);
    second.write_bucket(QUIET, "");
    let text = second.apply_fails();
    assert!(text.contains(first.bucket()), "{text}");
    // Destroyed half made: the key that the alias names is not its own.
    second.destroy();
    assert_eq!(key_tags(&first, &key), tags);
    assert_eq!(first.key_policy(&key), policy);
    assert_eq!(first.described(&key)["KeyState"], "Enabled");
    second.kms("delete_alias", json!({"AliasName": second.alias()}));
    first.assert_empty_plan();
    first.destroy();
}

#[test]
fn a_bucket_that_was_imported_bare_and_adopted_since_is_left_alone() {
    let import = Stage::new("own-import");
    import.s3_ok("create_bucket", json!({}));
    import.put("theirs");
    import.write_bucket(QUIET, "");
    import
        .import("wandb_byob_bucket.this", &import.import_id())
        .succeeds();
    let destroyer = import.import_id();
    // Another state takes it over, and fills it.
    let marker = "ready-00c0ffee";
    import.mark(marker);
    import.put("more");
    let text = import.apply_fails();
    assert!(text.contains("00c0ffee"), "{text}");
    assert_eq!(import.marker(), marker);
    let text = import.destroy().text();
    assert!(text.contains("was left alone"), "{destroyer}: {text}");
    import.s3_ok("head_object", json!({"Key": "theirs"}));
    import.s3_ok("head_object", json!({"Key": "more"}));
    assert_eq!(import.marker(), marker);
    import.clean_up();
}

#[test]
fn the_first_change_after_an_import_takes_the_bucket_from_the_state_before() {
    let stage = Stage::new("own-moved");
    stage.write_bucket(QUIET, "");
    stage.apply();
    let (before, key) = (stage.generation(), stage.key());
    let state = stage.path().join("terraform.tfstate");
    let older = std::fs::read(&state).expect("a state");
    stage.forget("wandb_byob_bucket.this");
    stage
        .import("wandb_byob_bucket.this", &stage.import_id())
        .succeeds();
    stage.write_bucket(&format!("{QUIET}\n tags = {{ a = \"b\" }}"), "");
    stage.apply();
    stage.assert_empty_plan();
    let after = stage.generation();
    assert_ne!(after, before);
    assert_eq!(stage.marker(), format!("ready-{after}"));
    assert_eq!(stage.own_keys(), [key.as_str()]);
    // The state that had it before can neither delete the bucket nor give up its key.
    let newer = std::fs::read(&state).expect("a state");
    std::fs::write(&state, older).expect("the state is written");
    let text = stage.destroy().text();
    assert!(text.contains("was left alone"), "{text}");
    assert_eq!(stage.marker(), format!("ready-{after}"));
    assert_eq!(stage.described(&key)["KeyState"], "Enabled");
    std::fs::write(&state, newer).expect("the state is written");
    stage.destroy();
    assert_eq!(stage.described(&key)["KeyState"], "PendingDeletion");
}

#[test]
fn an_adoption_that_fails_gives_the_bucket_and_its_key_back() {
    let (stage, proxy) = stage("own-back");
    stage.write_bucket(QUIET, "create_access_key = true");
    stage.apply();
    let (marker, key, user) = (stage.marker(), stage.key(), stage.user());
    let tags = key_tags(&stage, &key);
    let state = stage.path().join("terraform.tfstate");
    let first = std::fs::read(&state).expect("a state");
    stage.forget("wandb_byob_bucket.this");
    let adopting = format!("{QUIET}\n adopt = true\n tags = {{ a = \"b\" }}");
    stage.write_bucket(&adopting, "create_access_key = true");
    let denied = amazon::iam_denied(CALLER, "iam:CreateAccessKey", "*");
    proxy.reply(usize::MAX, denied, does("CreateAccessKey"));
    let text = stage.apply_fails();
    assert!(text.contains("iam:CreateAccessKey"), "{text}");
    proxy.clear();
    assert_eq!(stage.this(), json!(null));
    assert_eq!(stage.marker(), marker);
    assert_eq!(key_tags(&stage, &key)[0], tags[0]);
    // What it made is gone, and what was there is not.
    assert_eq!(stage.only_user(), user);
    // The first state goes on as if nothing had been; its key can be replaced.
    std::fs::write(&state, first).expect("the state is written");
    stage.write_bucket(
        QUIET,
        "create_access_key = true\n access_key_rotation = \"2\"",
    );
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.access_keys_of(&user).len(), 1);
    stage.destroy();
}

#[test]
fn an_adoption_retires_the_user_of_the_owner_before() {
    let stage = Stage::new("own-former");
    stage.write_bucket(QUIET, "create_access_key = true");
    stage.apply();
    let (former, key) = (stage.user(), stage.key());
    stage.forget("wandb_byob_bucket.this");
    let adopting = format!("{QUIET}\n adopt = true");
    stage.write_bucket(&adopting, "create_access_key = true");
    stage.apply();
    stage.assert_empty_plan();
    let gone = stage.ask("iam", "get_user", json!({"UserName": former}));
    assert_eq!(gone["error"], "NoSuchEntity");
    assert_eq!(stage.own_keys(), [key.as_str()]);
    assert_eq!(stage.access_keys_of(&stage.user()).len(), 1);
    assert_eq!(stage.marker(), format!("ready-{}", stage.generation()));
    stage.destroy();
    assert_eq!(stage.described(&key)["KeyState"], "PendingDeletion");
}

#[test]
fn of_two_adoptions_at_once_one_has_the_bucket() {
    let adopted = |name: &str| {
        let (stage, proxy) = stage(name);
        stage.s3_ok("create_bucket", json!({}));
        stage.put("theirs");
        stage.write_bucket(&format!("{QUIET}\n adopt = true"), "");
        proxy.clear();
        (stage, proxy)
    };
    let (alone, proxy) = adopted("own-alone");
    alone.apply();
    let requests = proxy.requests();
    let policy = requests.iter().position(is_put("?policy"));
    let policy = policy.expect("a policy is written") + 1;
    alone.clean_up_objects();
    alone.destroy();
    let (stage, proxy) = adopted("own-twice");
    let (login, bucket) = (Login::of(moto()), stage.bucket().to_owned());
    // The other one marks the bucket while this one works on it.
    proxy.run_at(policy, move || {
        let tags = json!([{"Key": "terraform-provider-wandb", "Value": "ready-00c0ffee"}]);
        let args = json!({"Bucket": bucket, "Tagging": {"TagSet": tags}});
        ask(&login, "s3", "put_bucket_tagging", args);
    });
    let text = stage.apply_fails();
    assert!(text.contains("00c0ffee"), "{text}");
    assert_eq!(stage.this(), json!(null));
    assert_eq!(stage.marker(), "ready-00c0ffee");
    stage.s3_ok("head_object", json!({"Key": "theirs"}));
    stage.clean_up();
}
