//! Buckets on AWS that are imported.

use serde_json::json;

use super::Stage;
use crate::harness::{ACCOUNT, THIS, hcl};

#[test]
fn a_bucket_that_exists_is_adopted_or_imported_and_never_taken() {
    let stage = Stage::new("aws-there");
    stage.s3_ok("create_bucket", json!({}));
    stage.put("theirs");
    stage.write_bucket("", "");
    let text = stage.plan_fails();
    let id = stage.import_id();
    assert!(text.contains(&id), "{text}");
    assert_eq!(stage.own_keys(), Vec::<String>::new());
    stage.write_bucket("adopt = true", "");
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.own_keys(), [stage.key()]);
    let key = stage.key();
    // Forgotten, and imported with a configuration that Terraform writes itself.
    stage.forget(THIS);
    let import = hcl!(
        r#"
            import {
              to = <this>
              id = "<id>"
            }
        "#,
        this = THIS,
        id
    );
    stage.write(&import);
    let plan = stage.plan_with(&["-generate-config-out=made.tf"]);
    assert!(plan.is_empty(), "{}", plan.text);
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.key(), key);
    stage.clean_up_objects();
    stage.destroy();
}

#[test]
fn an_import_knows_whom_the_bucket_lets_in_and_where() {
    let stage = Stage::new("aws-known");
    let admin = format!("arn:aws:iam::{ACCOUNT}:role/keys");
    let role = format!("arn:aws:iam::{ACCOUNT}:role/wandb");
    let block = hcl!(
        r#"
            wandb_principal_arns = ["<role>"]
            kms_admin_arns = ["<admin>"]
        "#,
        role,
        admin
    );
    let arguments = r#"
        path = "teams/a"
        register = false
    "#;
    let write = |stage: &Stage| {
        let provider = stage.provider("");
        let provider = provider.replace(r#""dedicated""#, r#""self_managed""#);
        stage.write_under(&provider, &stage.bucket_block(arguments, &block));
    };
    write(&stage);
    stage.apply();
    stage.assert_empty_plan();
    let (policy, key) = (stage.policy(), stage.key());
    let rules = stage.key_policy(&key);
    // As `import` of the command line does it, with the configuration that it has.
    stage.forget(THIS);
    stage.import(THIS, &stage.import_id()).succeeds();
    let state = stage.this();
    assert_eq!(state["path"], "teams/a");
    assert_eq!(state["aws"]["wandb_principal_arns"], json!([role]));
    assert_eq!(state["aws"]["kms_admin_arns"], json!([admin]));
    assert_eq!(state["aws"]["https_only"], false);
    // And with one that Terraform writes.
    stage.forget(THIS);
    let import = hcl!(
        r#"
            import {
              to = <this>
              id = "<id>"
            }
        "#,
        this = THIS,
        id = stage.import_id()
    );
    let provider = stage.provider("");
    let provider = provider.replace(r#""dedicated""#, r#""self_managed""#);
    stage.write_under(&provider, &import);
    stage.plan_with(&["-generate-config-out=made.tf"]);
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.policy(), policy);
    assert_eq!(stage.key_policy(&key), rules);
    stage.destroy();
}
