//! Names on AWS.

use super::Stage;

#[test]
fn a_name_with_dots_has_an_alias_without() {
    let stage = Stage::new("aws-dots");
    let name = format!("acme.wandb.{}", stage.bucket());
    let resource = stage.bucket_block("", "").replace(stage.bucket(), &name);
    stage.write(&resource);
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.this()["verified"], true);
    // KMS allows no dots in an alias.
    let alias = format!("alias/wandb-byob/acme_wandb_{}", stage.bucket());
    assert_eq!(stage.described(&alias)["Arn"], stage.key());
    stage.destroy();
}
