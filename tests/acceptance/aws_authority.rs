//! Signatures and rights on AWS, at a stand-in that checks them: keys, the policies of
//! users, and signed addresses. What a bucket's policy gives to another principal it does
//! not apply; that is tried on SeaweedFS.

use serde_json::{Value, json};

use crate::aws_callers::{caller, iam, new_key, root};
use crate::aws_stage::{ACCOUNT, Amazon, THIS};
use crate::harness::{Login, ask, seaweedfs};

const PAGE: &str = include_str!("../../docs/guides/permissions.md");
/// The lists of the page that this caller needs, by words of their headings.
const LISTS: [&str; 4] = ["Every bucket", "verify", "kms_key_arn", "create_access_key"];

/// The actions of AWS's lists on the page that people read.
fn listed() -> Vec<String> {
    let part = |part: &'static str| part.strip_prefix("AWS\n");
    let cloud = PAGE
        .split("\n## ")
        .find_map(part)
        .expect("AWS's part of the page");
    let mut actions = Vec::new();
    for list in LISTS {
        let is_list = |part: &&str| part.lines().next().is_some_and(|line| line.contains(list));
        let rows = cloud.split("\n#### ").find(is_list);
        let rows = rows
            .unwrap_or_else(|| panic!("no list about {list}"))
            .lines();
        let found = rows.filter_map(|row| row.strip_prefix("| `")?.split_once('`'));
        actions.extend(found.map(|(action, _)| action.to_owned()));
    }
    actions
}

fn of_wandb(amazon: &Amazon) -> Login {
    let state = amazon.this();
    let text = |name: &str| state[name].as_str().expect("a text").to_owned();
    Login {
        access_key: text("access_key_id"),
        secret_key: text("secret_access_key"),
        ..root()
    }
}

fn keys(user: &str) -> Vec<Value> {
    let told = iam("list_access_keys", json!({"UserName": user}));
    let list = told["AccessKeyMetadata"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    list.into_iter()
        .map(|key| key["AccessKeyId"].clone())
        .collect()
}

/// Breaks something about W&B's user, sees it, and has it mended.
fn mended(amazon: &Amazon, what: &str, spoil: impl Fn()) {
    spoil();
    let plan = amazon.plan();
    assert_eq!(plan.actions(THIS), ["update"], "{what}: {}", plan.text);
    amazon.apply();
    amazon.assert_empty_plan();
    // The probe was made with the key.
    assert_eq!(amazon.this()["verified"], true, "{what}");
}

#[test]
fn byob_bucket_aws_access_key_is_proven_and_its_user_kept_as_it_should_be() {
    let amazon = Amazon::on("aws-key", caller("listed-only", &listed()));
    let path = "path = \"teams/omega\"";
    amazon.give(path, "create_access_key = true");
    amazon.apply();
    amazon.assert_empty_plan();
    let (state, wandb) = (amazon.this(), of_wandb(&amazon));
    assert_eq!(state["verified"], true);
    let told = state["findings"].to_string();
    assert!(
        !told.contains("unknown") && !told.contains("fail"),
        "{told}"
    );
    let name = amazon.bucket();
    let user = format!(
        "wandb-byob-{}-{name}",
        state["generation"].as_str().expect("a text")
    );
    let tries =
        |service: &str, call: &str, args: Value| ask(&wandb, service, call, args)["error"].clone();
    let object = |key: &str| json!({"Bucket": name, "Key": key, "Body": "x"});
    assert_eq!(
        tries("s3", "put_object", object("teams/omega/run")),
        Value::Null
    );
    assert_eq!(
        tries("s3", "put_object", object("teams/other/run")),
        "AccessDenied"
    );
    assert_eq!(
        tries("s3", "delete_bucket", json!({"Bucket": name})),
        "AccessDenied"
    );
    let policy = json!({"Bucket": name, "Policy": "{}"});
    assert_eq!(tries("s3", "put_bucket_policy", policy), "AccessDenied");
    assert_eq!(tries("iam", "list_users", json!({})), "AccessDenied");
    amazon.clean_up_objects();

    let own = json!({"UserName": user, "PolicyName": user});
    mended(&amazon, "other rights", || {
        let mut args = own.clone();
        args["PolicyDocument"] = json!(
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#
        );
        iam("put_user_policy", args);
    });
    mended(&amazon, "no rights", || {
        iam("delete_user_policy", own.clone());
    });
    mended(&amazon, "more rights", || {
        let arn = format!("arn:aws:iam::{ACCOUNT}:policy/listed-only");
        iam(
            "attach_user_policy",
            json!({"UserName": user, "PolicyArn": arn}),
        );
    });
    let attached = iam("list_attached_user_policies", json!({"UserName": user}));
    assert_eq!(attached["AttachedPolicies"], json!([]));
    assert_eq!(
        keys(&user),
        [json!(wandb.access_key)],
        "its key stays through all that"
    );
    mended(&amazon, "key disabled", || {
        let id = of_wandb(&amazon).access_key;
        iam(
            "update_access_key",
            json!({"UserName": user, "AccessKeyId": id, "Status": "Inactive"}),
        );
    });
    mended(&amazon, "key gone", || {
        let id = of_wandb(&amazon).access_key;
        iam(
            "delete_access_key",
            json!({"UserName": user, "AccessKeyId": id}),
        );
    });
    mended(&amazon, "user gone", || {
        let id = of_wandb(&amazon).access_key;
        iam(
            "delete_access_key",
            json!({"UserName": user, "AccessKeyId": id}),
        );
        iam("delete_user_policy", own.clone());
        iam("delete_user", json!({"UserName": user}));
    });
    assert_eq!(keys(&user), [json!(of_wandb(&amazon).access_key)]);

    // Bounded in place.
    let boundary = format!("arn:aws:iam::{ACCOUNT}:policy/listed-only");
    amazon.give(
        path,
        &format!("create_access_key = true\n permissions_boundary_arn = \"{boundary}\""),
    );
    amazon.apply();
    amazon.assert_empty_plan();
    let told = iam("get_user", json!({"UserName": user}));
    assert_eq!(
        told["User"]["PermissionsBoundary"]["PermissionsBoundaryArn"],
        boundary
    );
    mended(&amazon, "boundary gone", || {
        iam(
            "delete_user_permissions_boundary",
            json!({"UserName": user}),
        );
    });
    amazon.destroy();
    let gone = ask(&root(), "iam", "get_user", json!({"UserName": user}));
    assert_eq!(gone["error"], "NoSuchEntity");
}

#[test]
fn byob_bucket_aws_denied_is_not_gone_and_names_action_and_caller() {
    let mut amazon = Amazon::on("aws-denied", root());
    amazon.give("", "");
    amazon.apply();
    let id = amazon.this()["id"].clone();
    let few = ["s3:ListAllMyBuckets", "kms:*"].map(str::to_owned);
    amazon.login(caller("sees-nothing", &few));
    amazon.give("", "");
    let text = amazon.plan_fails();
    assert!(text.contains("The bucket was not looked at"), "{text}");
    assert!(text.contains("AccessDenied"), "{text}");
    let who = format!("to arn:aws:iam::{ACCOUNT}:user/sees-nothing");
    assert!(text.contains(&who), "{text}");
    assert!(text.contains("Allow s3:"), "{text}");
    assert_eq!(amazon.this()["id"], id);
    amazon
        .terraform(&["destroy", "-auto-approve", "-no-color"])
        .fails();
    assert_eq!(amazon.this()["id"], id);
    // A key that nobody has.
    let stranger = Login {
        access_key: "AKIAIOSFODNN7EXAMPLE".to_owned(),
        ..root()
    };
    amazon.login(stranger);
    amazon.give("", "");
    let text = amazon.plan_fails();
    assert!(text.contains("InvalidAccessKeyId"), "{text}");
    // A wrong secret, which is never printed.
    amazon.login(Login {
        secret_key: "not-the-secret-42".to_owned(),
        ..root()
    });
    amazon.give("", "");
    let text = amazon.plan_fails();
    assert!(text.contains("SignatureDoesNotMatch"), "{text}");
    assert!(!text.contains("not-the-secret-42"), "{text}");
    assert_eq!(amazon.this()["id"], id);
    amazon.login(root());
    amazon.give("", "");
    amazon.assert_empty_plan();
    amazon.destroy();
}

#[test]
fn byob_bucket_aws_callers_new_key_is_used_at_once() {
    let everything = ["*".to_owned()];
    let first = caller("rotating", &everything);
    let mut amazon = Amazon::on("aws-rotating", first.clone());
    amazon.give("", "");
    amazon.apply();
    let second = new_key("rotating");
    let old = json!({"UserName": "rotating", "AccessKeyId": first.access_key});
    iam("delete_access_key", old);
    assert!(amazon.plan_fails().contains("InvalidAccessKeyId"));
    amazon.login(second);
    amazon.give("", "");
    amazon.assert_empty_plan();
    amazon.destroy();
}

/// The very document that was written for AWS, at a server that applies it to a second
/// principal. SeaweedFS has no block on public access, so it cannot take the whole bucket.
#[test]
fn byob_bucket_aws_policy_lets_wandb_do_its_work_and_no_more() {
    let weed = Login::of(seaweedfs());
    let amazon = Amazon::new("aws-principal");
    let (bucket, user) = (amazon.bucket(), format!("wandb-{}", amazon.bucket()));
    let who = format!("arn:aws:iam::000000000000:user/{user}");
    amazon.give(
        "path = \"teams/omega\"",
        &format!("wandb_principal_arns = [\"{who}\"]"),
    );
    amazon.apply();
    let policy = amazon.policy().to_string();
    amazon.destroy();

    let did = |service: &str, call: &str, args: Value| {
        let answer = ask(&weed, service, call, args);
        assert!(answer.get("ok").is_some(), "{call}: {answer}");
        answer["ok"].clone()
    };
    for name in [bucket, &format!("{bucket}-2")] {
        did("s3", "create_bucket", json!({"Bucket": name}));
        let args = json!({"Bucket": name, "Key": "teams/other/run", "Body": "theirs"});
        did("s3", "put_object", args);
    }
    did("iam", "create_user", json!({"UserName": user}));
    let made = did("iam", "create_access_key", json!({"UserName": user}));
    let text = |name: &str| made["AccessKey"][name].as_str().expect("a text").to_owned();
    let wandb = Login {
        access_key: text("AccessKeyId"),
        secret_key: text("SecretAccessKey"),
        ..weed.clone()
    };
    let tries = |call: &str, args: Value| ask(&wandb, "s3", call, args)["error"].clone();
    let put = |key: &str| {
        tries(
            "put_object",
            json!({"Bucket": bucket, "Key": key, "Body": "x"}),
        )
    };
    let at = |key: &str| json!({"Bucket": bucket, "Key": key});
    assert_eq!(put("teams/omega/run"), "AccessDenied", "before the policy");
    let args = json!({"Bucket": bucket, "Policy": policy});
    did("s3", "put_bucket_policy", args.clone());
    crate::harness::until("the policy", || put("teams/omega/run").is_null());
    for call in [
        "get_object",
        "head_object",
        "create_multipart_upload",
        "delete_object",
    ] {
        assert_eq!(tries(call, at("teams/omega/run")), Value::Null, "{call}");
    }
    for call in [
        "list_objects_v2",
        "list_object_versions",
        "list_multipart_uploads",
        "get_bucket_location",
    ] {
        assert_eq!(
            tries(call, json!({"Bucket": bucket})),
            Value::Null,
            "{call}"
        );
    }
    assert_eq!(put("teams/other/run"), "AccessDenied");
    assert_eq!(tries("get_object", at("teams/other/run")), "AccessDenied");
    assert_eq!(tries("put_bucket_policy", args), "AccessDenied");
    assert_eq!(
        tries("delete_bucket", json!({"Bucket": bucket})),
        "AccessDenied"
    );
    let other = format!("{bucket}-2");
    assert_eq!(
        tries("list_objects_v2", json!({"Bucket": other})),
        "AccessDenied"
    );
    did("s3", "delete_bucket_policy", json!({"Bucket": bucket}));
    crate::harness::until("the end of the policy", || {
        put("teams/omega/run") == "AccessDenied"
    });
}
