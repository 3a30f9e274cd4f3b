//! What is refused on Google Cloud before anything is made.

use super::Stage;
use crate::harness::hcl;
use crate::input::told;

#[test]
fn bad_values_are_refused_at_their_argument() {
    let stage = Stage::new("gcp-bad");
    let key = |place: &str| {
        format!(
            "kms_key_name = \"projects/simulated-project/locations/{place}/keyRings/r/cryptoKeys/k\""
        )
    };
    for (block, argument) in [
        (r#"location = "us east""#.to_owned(), "location"),
        (r#"storage_class = "standard""#.to_owned(), "storage_class"),
        (r#"storage_class = "RAPID""#.to_owned(), "storage_class"),
        (r#"project = "Simulated Project""#.to_owned(), "project"),
        (r#"project = "123456789012""#.to_owned(), "project"),
        (
            r#"wandb_service_account = "jane@example.com""#.to_owned(),
            "wandb_service_account",
        ),
        (
            r#"wandb_service_account = "serviceAccount:a@b-project.iam.gserviceaccount.com""#
                .to_owned(),
            "wandb_service_account",
        ),
        ("wandb_roles = []".to_owned(), "wandb_roles"),
        (
            r#"wandb_roles = ["storage.admin"]"#.to_owned(),
            "wandb_roles",
        ),
        (
            r#"wandb_roles = ["roles/x", null]"#.to_owned(),
            "wandb_roles",
        ),
        (r#"kms_key_name = "k""#.to_owned(), "kms_key_name"),
        (
            format!("{}/cryptoKeyVersions/1\"", key("us").trim_end_matches('"')),
            "kms_key_name",
        ),
        (
            r#"public_access_prevention = "on""#.to_owned(),
            "public_access_prevention",
        ),
    ] {
        stage.write_bucket("", &block);
        let text = stage.plan_fails();
        assert_eq!(told(&text, argument), 1, "{block}: {text}");
    }
    for (block, location) in [
        (key("europe-west4"), "US"),
        (key("global"), "US"),
        (key("us"), "us-east1"),
        (key("europe-west4"), "EU"),
    ] {
        stage.write_bucket("", &format!("{block}\nlocation = {location:?}"));
        let text = stage.plan_fails();
        assert!(text.contains("kms_key_name does not fit"), "{text}");
        assert_eq!(text.matches("Error: ").count(), 1, "{text}");
    }
    // The location that nobody names is US.
    stage.write_bucket("", &key("europe-west4"));
    let text = stage.plan_fails();
    assert!(text.contains("kms_key_name does not fit"), "{text}");
    stage.write_bucket("", r#"access_key_rotation = "1""#);
    let text = stage.plan_fails();
    assert!(text.contains("access_key_rotation"), "{text}");
    stage.write_bucket("", "https_only = true");
    let text = stage.plan_fails();
    assert!(text.contains("https_only"), "{text}");
    assert!(!stage.exists());
}

#[test]
fn soft_delete_is_within_what_google_and_wandb_take() {
    let stage = Stage::new("gcp-days");
    for days in ["0", "6", "91", "-7", "7.5"] {
        stage.write_bucket(&format!("soft_delete_days = {days}"), "");
        let text = stage.plan_fails();
        assert!(text.contains("soft_delete_days"), "{days}: {text}");
        assert_eq!(text.matches("Error: ").count(), 1, "{days}: {text}");
    }
    for days in ["7", "90"] {
        stage.write_bucket(&format!("soft_delete_days = {days}"), "");
        stage.plan();
    }
    let aws = hcl!(
        r#"
            resource "wandb_byob_bucket" "aws" {
              name = "acme-wandb"
              soft_delete_days = 7
              aws {
                region = "us-east-1"
              }
            }
        "#
    );
    stage.write(&aws);
    let text = stage.plan_fails();
    assert_eq!(told(&text, "soft_delete_days"), 1, "{text}");
}

#[test]
fn labels_follow_googles_rules() {
    let stage = Stage::new("gcp-labels");
    let long = "a".repeat(64);
    let many: Vec<String> = (0..64).map(|one| format!("t{one} = \"\"")).collect();
    for (tags, words) in [
        (r#"{ Cost = "ml" }"#.to_owned(), "no key of a label"),
        (r#"{ "1cost" = "ml" }"#.to_owned(), "no key of a label"),
        (
            r#"{ "cost center" = "ml" }"#.to_owned(),
            "no key of a label",
        ),
        (r#"{ cost = "ML" }"#.to_owned(), "none of a label"),
        (r#"{ cost = "a.b" }"#.to_owned(), "none of a label"),
        (format!("{{ cost = {long:?} }}"), "none of a label"),
        (format!("{{ {long} = \"\" }}"), "no key of a label"),
        (format!("{{ {} }}", many.join("\n")), "there are 64"),
        (
            r#"{ "terraform-provider-wandb" = "x" }"#.to_owned(),
            "the provider's own",
        ),
    ] {
        stage.write_bucket(&format!("tags = {tags}"), "");
        let text = stage.plan_fails();
        assert!(text.contains(words), "{tags}: {text}");
        assert!(text.contains("Invalid tags"), "{tags}: {text}");
    }
    // Those of the provider's block are checked as well.
    let provider = stage.provider(r#"default_tags = { Owner = "ops" }"#);
    stage.write_under(&provider, &stage.bucket_block("", ""));
    let text = stage.plan_fails();
    assert!(text.contains(r#"default_tags["Owner"]"#), "{text}");
    let provider = stage.provider(r#"default_tags = { owner = "ops", a = "x" }"#);
    let bucket = stage.bucket_block(r#"tags = { a = "b", empty = "" }"#, "");
    stage.write_under(&provider, &bucket);
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.labels()["owner"], "ops");
    assert_eq!(stage.labels()["a"], "b");
    assert_eq!(stage.labels()["empty"], "");
    stage.destroy();
}

#[test]
fn names_follow_googles_rules() {
    let stage = Stage::new("gcp-names");
    let long = "a".repeat(64);
    let dotted = format!("{}.example.com", "a".repeat(64));
    for name in [
        "ab",
        "Acme",
        "acme wandb",
        "-acme",
        "acme-",
        "_acme",
        "goog-acme",
        "my-google-data",
        "my-g00gle-data",
        "my-g0ogle-data",
        "192.168.0.1",
        "a..b",
        "acme.-x",
        "acme-.x",
        &long,
        &dotted,
    ] {
        let bucket = stage.bucket_block("", "").replace(stage.bucket(), name);
        stage.write(&bucket);
        let text = stage.plan_fails();
        assert_eq!(
            text.matches("Error: Invalid name").count(),
            1,
            "{name}: {text}"
        );
    }
    for name in ["acme_wandb", "0acme", "a.example.com"] {
        let bucket = stage.bucket_block("", "").replace(stage.bucket(), name);
        stage.write(&bucket);
        stage.plan();
    }
}

#[test]
fn what_a_deployment_does_not_take_is_refused() {
    let stage = Stage::new("gcp-where");
    let on = |deployment: &str, arguments: &str, block: &str| {
        let provider = stage.provider("").replace("dedicated", deployment);
        stage.write_under(&provider, &stage.bucket_block(arguments, block));
        stage.plan_fails()
    };
    let text = on("self_managed", "", "");
    assert!(text.contains("wandb_service_account"), "{text}");
    assert!(text.contains("create_access_key"), "{text}");
    let text = on("multi_tenant", "", "create_access_key = true");
    assert!(text.contains("create_access_key"), "{text}");
    let text = on("multi_tenant", r#"scope = "instance""#, "");
    assert!(text.contains("scope"), "{text}");
    // What it takes.
    let provider = stage.provider("").replace("dedicated", "multi_tenant");
    stage.write_under(&provider, &stage.bucket_block("", ""));
    let plan = stage.plan();
    let planned = &plan.change(crate::harness::THIS)["after"]["gcp"];
    assert_eq!(
        planned["wandb_service_account"],
        "wandb-integration@wandb-production.iam.gserviceaccount.com"
    );
    let provider = stage.provider("").replace("dedicated", "self_managed");
    stage.write_under(
        &provider,
        &stage.bucket_block("", "create_access_key = true"),
    );
    stage.plan();
}

#[test]
fn rights_that_the_caller_lacks_are_a_warning() {
    let stage = Stage::alone("gcp-rights", simulator::gcs::Config::default());
    let caller = super::account(&stage, "reader");
    stage.cloud().grant_project(
        crate::harness::PROJECT,
        "roles/storage.objectViewer",
        &super::member(&caller),
    );
    let login = crate::harness::GoogleLogin::with(stage.login.cloud.clone(), &caller);
    let warned = |arguments: &str, block: &str| {
        let written = stage.bucket_block(arguments, block);
        stage.write_under(&stage.provider_on(&login, ""), &written);
        let run = stage.terraform(&["plan", "-no-color"]);
        let text = run.text();
        assert!(run.0.status.success(), "{text}");
        assert!(text.contains("The caller may lack rights"), "{text}");
        assert!(text.contains("storage.buckets.create"), "{text}");
        text
    };
    // What nobody does takes no right.
    let text = warned(r#"verify = "settings""#, "create_access_key = true");
    assert!(text.contains("iam.serviceAccountKeys.create"), "{text}");
    assert!(!text.contains("storage.objects."), "{text}");
    let text = warned("", "");
    assert!(!text.contains("iam.serviceAccount"), "{text}");
    assert!(text.contains("storage.objects.create"), "{text}");
    let text = stage.apply_fails();
    assert!(text.contains("storage.buckets."), "{text}");
    assert!(!stage.exists());
}
