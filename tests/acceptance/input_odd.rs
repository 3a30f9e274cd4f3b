//! Input that is odd as a whole: null in sets, tags, values of mocked providers, and a
//! provider block that is open in part.

use serde_json::{Value, json};
use simulator::proxy::{Options, Proxy};
use simulator::servers::Server;

use super::input::{head, told};
use crate::harness::{API_KEY, Login, minio, moto, seaweedfs, wait};

/// A stage whose buckets are on MinIO.
type Stage = crate::harness::Stage<crate::harness::Minio>;

#[test]
fn null_in_a_set_is_an_error() {
    let stage = Stage::new("input-null");
    let s3 = stage.bucket_block("cors_allowed_origins = [\"*\", null]", "");
    let provider = stage.provider("ignore_tags = [null]").replace(
        "s3_compatible {",
        "aws {\n    allowed_account_ids = [null]\n  }\n  s3_compatible {",
    );
    let resources = format!(
        "{s3}\
         resource \"wandb_byob_bucket\" \"b\" {{\n name = \"acme-b\"\n aws {{\n wandb_principal_arns = [null]\n kms_admin_arns = [null]\n}}\n}}\n\
         resource \"wandb_team_storage\" \"c\" {{\n team = \"c\"\n members = [null]\n storage = {{ name = \"b\", provider = \"AWS\" }}\n}}\n"
    );
    stage.write_raw(&format!("{provider}{resources}"));
    let text = stage.plan_fails();
    for name in ["ignore_tags", "allowed_account_ids"] {
        assert_eq!(told(&text, name), 1, "{name}: {text}");
    }
    // Terraform looks at no resource before its provider is all right.
    let provider = provider.replace("ignore_tags = [null]", "");
    let provider = provider.replace("allowed_account_ids = [null]", "");
    stage.write_raw(&format!("{provider}{resources}"));
    let text = stage.plan_fails();
    for name in [
        "cors_allowed_origins",
        "wandb_principal_arns",
        "kms_admin_arns",
        "members",
    ] {
        assert_eq!(told(&text, name), 1, "{name}: {text}");
    }
}

#[test]
fn tags_that_no_server_takes_are_refused_before_the_bucket_is_made() {
    for (provider, own, place) in [
        ("", "tags = { owner = \"ml (research)\" }", "tags = { owner"),
        ("", "tags = { \"a;b\" = \"\" }", "tags = { \"a;b\""),
        (
            "default_tags = { owner = \"ml (research)\" }",
            "",
            "default_tags[\"owner\"]",
        ),
    ] {
        let stage = Stage::new("input-tags");
        stage.write_raw(&format!(
            "{}{}",
            stage.provider(provider),
            stage.bucket_block(own, "")
        ));
        let text = stage.plan_fails();
        assert!(text.contains("Invalid tags"), "{text}");
        assert!(text.contains(place), "{text}");
        let amazon = Stage::on("input-tags-aws", Login::of(moto()));
        let body = format!(
            "resource \"wandb_byob_bucket\" \"this\" {{\n name = \"{}\"\n {own}\n aws {{\n region = \"us-east-1\"\n}}\n}}\n",
            amazon.bucket()
        );
        let provider = format!("deployment = \"dedicated\"\n {provider}");
        amazon.write_raw(&format!("{}{body}", amazon.provider(&provider)));
        let text = amazon.plan_fails();
        assert!(text.contains("Invalid tags"), "{text}");
        assert!(text.contains(place), "{text}");
    }
    // Line breaks and empty keys are nobody's.
    let stage = Stage::new("input-tags-any");
    for tags in ["{ \"\" = \"x\" }", "{ a = \"x\\n\" }"] {
        let provider = stage.provider(&format!("default_tags = {tags}"));
        stage.write_raw(&format!("{provider}{}", stage.bucket_block("", "")));
        assert_eq!(told(&stage.plan_fails(), "default_tags"), 1, "{tags}");
        stage.write_bucket(&format!("tags = {tags}"), "");
        assert_eq!(told(&stage.plan_fails(), "tags"), 1, "{tags}");
    }
    // MinIO takes less than Amazon does, and says so.
    stage.write(&stage.bucket_block("tags = { owner = \"Forschung ü\" }", ""));
    let plan = stage.plan();
    assert!(plan.text.contains("goes beyond ASCII"), "{}", plan.text);
    assert!(stage.apply_fails().contains("tag"));
    stage.write(&stage.bucket_block("tags = { owner = \"Forschung: a_b/c=d+e-f@g.h\" }", ""));
    stage.apply();
    stage.assert_empty_plan();
    stage.destroy();
}

/// The reason for refusing them: asked by a client that is not ours.
#[test]
fn servers_take_no_such_tags() {
    for (server, beyond_ascii) in [(minio(), false), (seaweedfs(), true)] {
        let stage = Stage::on("input-tags-asked", Login::of(server));
        stage.s3_ok("create_bucket", json!({}));
        for (value, is_taken) in [
            ("ml (research)", false),
            ("a;b", false),
            ("Forschung: a_b/c=d+e-f@g.h", true),
            ("ü", beyond_ascii),
        ] {
            let tags = json!({"Tagging": {"TagSet": [{"Key": "owner", "Value": value}]}});
            let answer = stage.s3_with("put_bucket_tagging", tags);
            assert_eq!(answer.get("ok").is_some(), is_taken, "{value}: {answer}");
        }
        stage.clean_up();
    }
}

#[test]
fn a_mocked_provider_passes_the_validation() {
    let stage = Stage::new("input-mock");
    stage.write(
        "resource \"wandb_byob_bucket\" \"a\" {\n  name = \"acme-a\"\n  aws {\n    region = \"us-east-1\"\n    \
         kms_key_arn = wandb_byob_bucket.b.arn\n    wandb_principal_arns = [\"arn:aws:iam::${wandb_byob_bucket.b.generation}:root\"]\n  }\n}\n\
         resource \"wandb_byob_bucket\" \"b\" {\n  name = \"acme-b\"\n  s3_compatible {\n    create_access_key = true\n  }\n}\n\
         resource \"wandb_team_storage\" \"c\" {\n  team = \"c\"\n  storage = wandb_byob_bucket.a.storage\n}\n\
         resource \"wandb_team_storage\" \"d\" {\n  team = \"d\"\n  storage = { name = wandb_byob_bucket.b.id, provider = wandb_byob_bucket.b.region, path = wandb_byob_bucket.b.arn }\n}\n\
         resource \"wandb_team_storage\" \"e\" {\n  team = \"e\"\n  byob_bucket {\n    name = \"acme-e\"\n    cors_max_age_seconds = 60\n    \
         aws {\n      region = wandb_byob_bucket.b.region\n      kms_key_arn = \"arn:aws:kms:us-east-1:123456789012:key/0a1b\"\n    }\n  }\n}\n",
    );
    std::fs::write(
        stage.path().join("main.tftest.hcl"),
        "mock_provider \"wandb\" {}\n\nrun \"mocked\" {\n  assert {\n    condition     = wandb_team_storage.c.team == \"c\"\n    \
         error_message = \"no team\"\n  }\n}\n",
    )
    .expect("written");
    let text = stage.terraform(&["test", "-no-color"]).succeeds().text();
    assert!(text.contains("1 passed"), "{text}");
    // The plan of the provider itself refuses what looks as if it were made up.
    stage.write_bucket("registration_name = \"../abcd1234\"", "");
    stage.terraform(&["validate", "-no-color"]).succeeds();
    assert_eq!(told(&stage.plan_fails(), "registration_name"), 1);
}

/// A resource whose `output` is not known before it is applied.
const LATER: &str = "resource \"terraform_data\" \"later\" {\n  input = \"x\"\n}\n";

#[test]
fn what_the_provider_block_leaves_open_is_not_taken_from_the_environment() {
    let open = "terraform_data.later.output";
    let proxy_to = |server: &Server| {
        wait(Proxy::start(server.address(), Options::default())).expect("a proxy")
    };
    for (cloud, argument) in [
        ("s3_compatible", "endpoint"),
        ("s3_compatible", "region"),
        ("s3_compatible", "access_key"),
        ("s3_compatible", "secret_key"),
        ("s3_compatible", "ca_bundle"),
        ("aws", "region"),
        ("aws", "profile"),
        ("aws", "access_key"),
        ("aws", "token"),
        ("aws", "assume_role_arn"),
        ("aws", "external_id"),
    ] {
        let server = if cloud == "aws" { moto() } else { minio() };
        let mut stage = Stage::on("input-open", Login::of(server));
        let proxy = proxy_to(server);
        for (name, value) in [
            ("AWS_ENDPOINT_URL", proxy.url()),
            ("AWS_ENDPOINT_URL_S3", proxy.url()),
            ("AWS_ACCESS_KEY_ID", stage.login.access_key.clone()),
            ("AWS_SECRET_ACCESS_KEY", stage.login.secret_key.clone()),
            ("AWS_REGION", "us-east-1".to_owned()),
        ] {
            stage.set(name, &value);
        }
        let arguments = match argument {
            "access_key" => format!("access_key = {open}\n secret_key = \"hunter2-hunter2\""),
            "secret_key" => format!("access_key = \"somebody\"\n secret_key = {open}"),
            "token" => format!(
                "access_key = \"somebody\"\n secret_key = \"hunter2-hunter2\"\n token = {open}"
            ),
            other => format!("{other} = {open}"),
        };
        let block = if cloud == "aws" {
            "https_only = false"
        } else {
            ""
        };
        stage.write_raw(&format!(
            "{}provider \"wandb\" {{\n deployment = \"dedicated\"\n {cloud} {{\n {arguments}\n}}\n}}\n{LATER}\
             resource \"wandb_byob_bucket\" \"this\" {{\n name = \"{}\"\n {cloud} {{\n {block}\n}}\n}}\n",
            head(&stage),
            stage.bucket()
        ));
        let plan = stage.plan();
        assert_eq!(
            plan.actions("wandb_byob_bucket.this"),
            ["create"],
            "{cloud} {argument}: {}",
            plan.text
        );
        let asked = proxy.requests();
        assert!(asked.is_empty(), "{cloud} {argument}: {asked:?}");
    }
    // The instance likewise.
    for argument in [
        "base_url",
        "api_key",
        "username",
        "organization",
        "ca_bundle",
    ] {
        let mut stage = Stage::new("input-open-wandb");
        stage.set("WANDB_BASE_URL", &stage.wandb.url());
        stage.set("WANDB_API_KEY", API_KEY);
        stage.write_raw(&format!(
            "{}provider \"wandb\" {{\n {argument} = {open}\n}}\n{LATER}\
             resource \"wandb_team_storage\" \"c\" {{\n team = \"c\"\n storage = {{ name = \"b\", provider = \"AWS\" }}\n}}\n",
            head(&stage)
        ));
        let plan = stage.plan();
        assert_eq!(
            plan.actions("wandb_team_storage.c"),
            ["create"],
            "{argument}"
        );
        let asked = stage.wandb.requests();
        assert!(asked.is_empty(), "{argument}: {asked:?}");
        assert_eq!(stage.state("wandb_team_storage.c"), json!(Value::Null));
    }
}
