//! Odd names, odd orders, and servers that are not what they seem.

use std::time::Duration;

use serde_json::{Value, json};
use simulator::proxy::{Cut, Options, Proxy};
use simulator::servers::{MinioOptions, Server};
use simulator::wandb::{Config, Instance};

use crate::harness::{Login, Stage, ask, minio, seaweedfs, wait};

const THIS: &str = "wandb_byob_bucket.this";

/// The findings of a status, by requirement.
fn findings(stage: &Stage, status: &str) -> Vec<String> {
    let list = stage.this()["findings"].as_array().cloned();
    list.unwrap_or_default()
        .iter()
        .filter(|one| one["status"] == status)
        .filter_map(|one| one["requirement"].as_str().map(str::to_owned))
        .collect()
}

fn odd_names_and_paths(stage: &Stage) {
    // 63 characters with dots, and a path with everything that a path may hold.
    let name = format!(
        "{}.b-{}",
        "a".repeat(62 - stage.bucket().len() - 1),
        stage.bucket()
    );
    let name = name[name.len() - 63.min(name.len())..].trim_start_matches(['.', '-']);
    let path = "teams/Ünï côdé/it's (1) & more = x+y@z!,;:";
    let arguments = format!("path = \"{path}\"\n on_destroy = \"delete_everything\"");
    let body = stage
        .bucket_block(&arguments, "create_access_key = true")
        .replace(stage.bucket(), name);
    stage.write(&body);
    stage.apply();
    let plan = stage.plan();
    assert!(plan.is_empty(), "{}", plan.text);
    let state = stage.this();
    assert_eq!(state["verified"], true, "{}", state["findings"]);
    assert_eq!(state["storage"]["path"], path);
    let held = ask(&stage.login, "s3", "holds", json!({"Bucket": name}));
    assert_eq!(held["ok"]["objects"], 0, "{held}");
    assert_eq!(held["ok"]["versions"], 0, "{held}");
    stage.destroy();
}

#[test]
fn odd_names_and_paths_on_minio() {
    odd_names_and_paths(&Stage::new("odd"));
}

#[test]
fn odd_names_and_paths_on_seaweedfs() {
    odd_names_and_paths(&Stage::on("odd", Login::of(seaweedfs())));
}

#[test]
fn paths_that_mean_something_else_are_refused_at_plan() {
    let stage = Stage::new("odd-paths");
    for path in [
        "",
        "/a",
        "a/",
        "a//b",
        "..",
        "a/./b",
        "a/../b",
        "a*",
        "a?b",
        "${aws:username}",
        "a\\b",
    ] {
        stage.write_bucket(&format!("path = {}", hcl(path)), "");
        stage.plan_fails();
    }
    assert!(!stage.exists());
}

/// A text as Terraform's language writes it.
fn hcl(text: &str) -> String {
    Value::from(text).to_string().replace("${", "$${")
}

#[test]
fn as_many_tags_as_fit_beside_the_marker() {
    let stage = Stage::new("tags-many");
    let tags = |count: usize| {
        let all: Vec<String> = (0..count)
            .map(|number| format!("t{number} = \"v\""))
            .collect();
        format!("tags = {{\n {}\n }}", all.join("\n "))
    };
    stage.write_bucket(&tags(50), "");
    let text = stage.plan_fails();
    assert!(text.contains("49"), "{text}");
    assert!(!stage.exists());
    stage.write_bucket(&tags(49), "");
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.tags().as_object().map(|tags| tags.len()), Some(50));
    stage.destroy();
}

#[test]
fn odd_tags_on_minio_and_ones_that_it_refuses() {
    let stage = Stage::new("tags-odd");
    // MinIO takes no letters but ASCII's, and says so after the bucket is made.
    stage.write_bucket("tags = { \"Ünï\" = \"côdé\" }", "create_access_key = true");
    let text = stage.apply_fails();
    assert!(text.contains("The bucket's tags were not set"), "{text}");
    assert!(text.contains("TagKey"), "{text}");
    assert_ne!(stage.this(), Value::Null);
    let marker = stage.tags()["terraform-provider-wandb"].clone();
    assert!(
        marker
            .as_str()
            .is_some_and(|text| text.starts_with("creating-")),
        "{marker}"
    );
    let arguments =
        "tags = { \"a b\" = \"x=y:z/+-@_.\", \"empty\" = \"\", \"k.1:2/3=4+5-6@7_8\" = \"v\" }";
    stage.write_bucket(arguments, "create_access_key = true");
    stage.apply();
    stage.assert_empty_plan();
    let tags = stage.tags();
    assert_eq!(tags["a b"], "x=y:z/+-@_.");
    assert_eq!(tags["empty"], "");
    assert_eq!(tags.as_object().map(|tags| tags.len()), Some(4));
    stage.destroy();
}

#[test]
fn tags_that_never_reach_the_bucket_are_no_difference() {
    let stage = Stage::new("tags-unsent");
    for (extra, tags, all) in [
        (
            "ignore_tags = [\"theirs\"]",
            "{ theirs = \"x\", b = \"y\" }",
            json!({"b": "y"}),
        ),
        ("", "{ a = null, b = \"\" }", json!({"b": ""})),
        (
            "default_tags = { a = \"z\", c = null }",
            "{ a = null }",
            json!({"a": "z"}),
        ),
    ] {
        let body = stage.bucket_block(&format!("tags = {tags}"), "");
        stage.write_raw(&format!("{}{body}", stage.provider(extra)));
        stage.apply();
        stage.assert_empty_plan();
        let mut found = stage.tags();
        let marker = found
            .as_object_mut()
            .and_then(|tags| tags.remove("terraform-provider-wandb"));
        assert!(marker.is_some(), "{tags}");
        assert_eq!(found, all, "{tags}");
        assert_eq!(stage.this()["tags_all"], all, "{tags}");
        stage.destroy();
    }
}

#[test]
fn odd_tags_on_seaweedfs() {
    let stage = Stage::on("tags-odd", Login::of(seaweedfs()));
    let arguments = "tags = { \"a b\" = \"x=y:z/+-@_.\", \"Ünï\" = \"côdé\", \"empty\" = \"\" }";
    stage.write_bucket(arguments, "");
    stage.apply();
    stage.assert_empty_plan();
    let tags = stage.tags();
    assert_eq!(tags["a b"], "x=y:z/+-@_.");
    assert_eq!(tags["Ünï"], "côdé");
    assert_eq!(tags["empty"], "");
    stage.destroy();
}

#[test]
fn tags_that_are_the_providers_or_too_long_are_refused_at_plan() {
    let stage = Stage::new("tags-bad");
    let long = "x".repeat(257);
    for tags in [
        "{ \"terraform-provider-wandb\" = \"ready-00c0ffee\" }".to_owned(),
        "{ \"\" = \"x\" }".to_owned(),
        format!("{{ \"{}\" = \"x\" }}", &long[..129]),
        format!("{{ \"a\" = \"{long}\" }}"),
        "{ \"aws:a\" = \"x\" }".to_owned(),
    ] {
        stage.write_bucket(&format!("tags = {tags}"), "");
        let text = stage.plan_fails();
        assert!(text.contains("on main.tf line"), "{text}");
        assert!(text.contains("tags"), "{text}");
    }
    let body = stage.bucket_block("", "");
    let provider = stage.provider("ignore_tags = [\"terraform-provider-wandb\"]");
    stage.write_raw(&format!("{provider}{body}"));
    let text = stage.plan_fails();
    assert!(text.contains("ignore_tags"), "{text}");
    assert!(!stage.exists());
}

#[test]
fn two_states_for_one_bucket_are_told_and_the_older_deletes_nothing() {
    let older = Stage::new("two-states");
    older.write_bucket(
        "on_destroy = \"delete_everything\"",
        "create_access_key = true",
    );
    older.apply();
    let newer = Stage::on("two-states-b", older.login.clone());
    let body = newer
        .bucket_block("adopt = true", "create_access_key = true")
        .replace(newer.bucket(), older.bucket());
    newer.write(&body);
    newer.apply();
    older.put("data");
    let plan = older.plan();
    assert!(
        plan.text
            .contains("Another configuration has taken the bucket over"),
        "{}",
        plan.text
    );
    let text = older.destroy().text();
    assert!(text.contains("was left alone"), "{text}");
    assert!(older.exists());
    assert!(
        older
            .s3_with("head_object", json!({"Key": "data"}))
            .get("ok")
            .is_some()
    );
    let plan = newer.plan();
    assert!(plan.is_empty(), "{}", plan.text);
    older.clean_up_objects();
    newer.destroy();
    assert!(!older.exists());
}

#[test]
fn another_server_at_the_same_address_is_no_deletion() {
    let server = wait(Server::minio(MinioOptions::default())).expect("MinIO starts");
    let address = server.address();
    let stage = Stage::on("moved", Login::of(&server));
    stage.write_bucket("", "");
    stage.apply();
    wait(server.stop());
    // Whatever answers there now with 404 to everything is not the bucket's server.
    let config = Config {
        listen: address,
        ..Config::default()
    };
    let other = wait(Instance::start(config)).expect("the port is free again");
    let text = stage.plan_fails();
    assert!(text.contains("The bucket was not looked at"), "{text}");
    assert_ne!(stage.state(THIS), json!(null));
    stage
        .terraform(&["destroy", "-auto-approve", "-no-color"])
        .fails();
    assert_ne!(stage.state(THIS), json!(null));
    wait(other.stop());
}

#[test]
fn the_address_of_wandb_as_the_endpoint_is_an_error_at_plan() {
    let stage = Stage::new("wrong-endpoint");
    let login = Login {
        endpoint: stage.wandb.url(),
        ..stage.login.clone()
    };
    let body = stage.bucket_block("", "create_access_key = true");
    stage.write_raw(&format!("{}{body}", stage.provider_on(&login, "")));
    let text = stage.plan_fails();
    assert!(text.contains("The bucket cannot be planned"), "{text}");
}

#[test]
fn an_operation_that_takes_too_long_says_so_and_is_gone_on_with() {
    let delay = Options {
        delay: Duration::from_millis(200),
    };
    let proxy = wait(Proxy::start(minio().address(), delay)).expect("the proxy starts");
    let login = Login {
        endpoint: proxy.url(),
        ..Login::of(minio())
    };
    let stage = Stage::on("slow", login);
    let arguments = |time: &str| format!("timeouts {{\n create = \"{time}\"\n }}");
    stage.write_bucket(&arguments("1s"), "create_access_key = true");
    let text = stage.apply_fails();
    assert!(text.contains("the operation's timeout passed"), "{text}");
    assert!(text.contains("timeouts block"), "{text}");
    stage.write_bucket(&arguments("5m"), "create_access_key = true");
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.this()["verified"], true);
    stage.destroy();
    assert!(!stage.exists());
}

#[test]
fn without_retries_a_lost_answer_is_told_and_gone_on_with() {
    let proxy = wait(Proxy::start(minio().address(), Options::default())).expect("it starts");
    let login = Login {
        endpoint: proxy.url(),
        ..Login::of(minio())
    };
    let stage = Stage::on("no-retries", login);
    let provider = stage
        .provider("")
        .replace("max_retries = 2", "max_retries = 0");
    let body = stage.bucket_block("", "create_access_key = true");
    stage.write_raw(&format!("{provider}{body}"));
    // The bucket is made, and nobody hears of it.
    stage
        .terraform(&["plan", "-out=plan.bin", "-no-color"])
        .succeeds();
    proxy.clear();
    // Terraform plans once more, which looks, and the second request is it.
    proxy.cut_at(2, Cut::After);
    let text = stage.terraform(&["apply", "-no-color", "plan.bin"]).fails();
    assert!(text.contains("s3:CreateBucket"), "{text}");
    assert!(text.contains("the bucket, bare"), "{text}");
    stage.apply();
    stage.assert_empty_plan();
    stage.destroy();
}

#[test]
fn another_bucket_that_is_open_to_everybody_is_no_fault_of_wandbs_key() {
    let server = wait(Server::minio(MinioOptions::default())).expect("MinIO starts");
    let stage = Stage::on("open-neighbour", Login::of(&server));
    let name = "a-public-bucket";
    let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": ["*"]},
        "Action": ["s3:ListBucket", "s3:GetObject"], "Resource": [format!("arn:aws:s3:::{name}"), format!("arn:aws:s3:::{name}/*")]}]});
    let call = |call: &str, args: Value| {
        let told = ask(&stage.login, "s3", call, args);
        assert!(told.get("ok").is_some(), "{call}: {told}");
    };
    call("create_bucket", json!({"Bucket": name}));
    call(
        "put_bucket_policy",
        json!({"Bucket": name, "Policy": policy.to_string()}),
    );
    stage.write_bucket("", "create_access_key = true");
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.this()["verified"], true);
    stage.destroy();
    wait(server.stop());
}

#[test]
fn what_others_set_on_the_bucket_is_told_and_stays() {
    let stage = Stage::new("foreign-settings");
    stage.write_bucket("path = \"p\"", "create_access_key = true");
    stage.apply();
    let resource = format!("arn:aws:s3:::{}/*", stage.bucket());
    let policy = json!({"Version": "2012-10-17", "Statement": [{"Sid": "Everybody", "Effect": "Allow",
        "Principal": {"AWS": ["*"]}, "Action": ["s3:GetObject"], "Resource": [resource]}]});
    stage.s3_ok("put_bucket_policy", json!({"Policy": policy.to_string()}));
    let rule = json!({"ID": "clean", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 30}});
    stage.s3_ok(
        "put_bucket_lifecycle_configuration",
        json!({"LifecycleConfiguration": {"Rules": [rule]}}),
    );
    stage
        .terraform(&["apply", "-refresh-only", "-auto-approve", "-no-color"])
        .succeeds();
    let warned = findings(&stage, "warn");
    for requirement in ["access.public_blocked", "lifecycle.no_expiry"] {
        assert!(warned.iter().any(|one| one == requirement), "{warned:?}");
    }
    let text = stage.this()["findings"].to_string();
    assert!(text.contains("Everybody"), "{text}");
    stage.assert_empty_plan();
    // An apply of something else leaves both.
    stage.write_bucket(
        "path = \"p\"\n noncurrent_version_days = 4",
        "create_access_key = true",
    );
    stage.apply();
    let rules = stage.s3_ok("get_bucket_lifecycle_configuration", json!({}));
    assert_eq!(rules["Rules"].as_array().map(Vec::len), Some(2), "{rules}");
    assert!(stage.s3("get_bucket_policy").get("ok").is_some());
    stage.destroy();
}

#[test]
fn an_endpoint_is_the_same_in_every_spelling() {
    let stage = Stage::new("spelling");
    stage.write_bucket("", "");
    stage.apply();
    let body = stage.bucket_block("", "");
    let other = Login {
        endpoint: format!("{}/", stage.login.endpoint.replace("http", "HTTP")),
        ..stage.login.clone()
    };
    stage.write_raw(&format!("{}{body}", stage.provider_on(&other, "")));
    stage.assert_empty_plan();
    stage.write_bucket("", &format!("endpoint = \"{}/\"", stage.login.endpoint));
    let plan = stage.plan();
    assert_ne!(plan.actions(THIS), ["delete", "create"], "{}", plan.text);
    stage.apply();
    stage.assert_empty_plan();
    stage.destroy();
}

#[test]
fn a_provider_that_becomes_unknown_reads_nothing_and_keeps_the_state() {
    let stage = Stage::new("unknown-later");
    let body = stage.bucket_block("", "");
    stage.write(&body);
    stage.apply();
    let key = &stage.login.access_key;
    let provider = stage.provider("").replace(
        &format!("access_key = \"{key}\""),
        "access_key = terraform_data.key.output",
    );
    let data = format!("resource \"terraform_data\" \"key\" {{\n input = \"{key}\"\n}}\n");
    stage.write_raw(&format!("{provider}{data}{body}"));
    let plan = stage.plan();
    assert!(plan.text.contains("was not looked at"), "{}", plan.text);
    assert_eq!(plan.actions(THIS), ["no-op"], "{}", plan.text);
    stage.apply();
    stage.assert_empty_plan();
    stage.destroy();
}
