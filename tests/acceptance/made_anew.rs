//! A bucket that somebody has deleted and made again behind Terraform's back.

use serde_json::json;

use crate::harness::{Aws, Cloud, Login, Minio, Stage, THIS};

const REFUSED: &str = "was made anew by somebody else";

/// Somebody's bucket, with something in it, has the place of the one in the state.
fn replace<C: Cloud<Login = Login>>(stage: &Stage<C>) {
    // The stand-in for AWS would keep them for the next bucket of that name.
    stage.s3_ok("delete_bucket_tagging", json!({}));
    stage.s3_ok("delete_bucket", json!({}));
    stage.s3_ok("create_bucket", json!({}));
    stage.put("theirs");
}

fn assert_is_theirs<C: Cloud<Login = Login>>(stage: &Stage<C>) {
    assert_eq!(stage.tags(), json!({}));
    let held = stage.s3_ok("holds", json!({}));
    assert_eq!(held["objects"], 1, "{held}");
}

fn is_never_mended<C: Cloud<Login = Login>>(
    stage: &Stage<C>,
    import_id: &str,
    arguments: &str,
    block: &str,
) {
    stage.write_bucket(arguments, block);
    stage.apply();
    let before = stage.this();
    replace(stage);
    let text = stage.plan_fails();
    assert!(text.contains(REFUSED), "{text}");
    assert!(text.contains(import_id), "{text}");
    assert!(stage.apply_fails().contains(REFUSED));
    let destroy = |more: &[&str]| {
        let mut arguments = vec!["destroy", "-auto-approve", "-no-color"];
        arguments.extend(more);
        stage.terraform(&arguments).fails()
    };
    assert!(destroy(&[]).contains(REFUSED));
    let text = destroy(&["-refresh=false"]);
    assert!(text.contains("may be somebody else's"), "{text}");
    assert_is_theirs(stage);
    assert_eq!(stage.this()["id"], before["id"]);
    // Said in so many words, it is taken over, with what is in it.
    stage.write_bucket(&format!("adopt = true\n{arguments}"), block);
    stage.apply();
    stage.assert_empty_plan();
    let held = stage.s3_ok("holds", json!({}));
    assert_eq!(held["objects"], 1, "{held}");
    assert_ne!(stage.this()["generation"], before["generation"]);
    assert_eq!(stage.this()["verified"], before["verified"]);
    stage.clean_up_objects();
    stage.destroy();
    assert!(!stage.exists());
}

#[test]
fn a_bucket_that_never_kept_versions_is_another_one() {
    let stage = Stage::<Minio>::new("anew");
    let id = stage.import_id();
    is_never_mended(&stage, &id, "", "create_access_key = true");
    let stage = Stage::<Aws>::new("anew");
    let id = stage.import_id();
    is_never_mended(&stage, &id, "", "");
}

#[test]
fn a_bucket_that_is_younger_and_bare_is_another_one() {
    let stage = Stage::<Aws>::new("younger");
    let id = stage.import_id();
    is_never_mended(&stage, &id, "versioning = false", "");
}

/// Ours was seen to be gone, so whatever has the name now is somebody's.
#[test]
fn a_bucket_that_comes_after_ours_was_gone_is_another_one() {
    let stage = Stage::<Minio>::new("after-gone");
    stage.write_bucket("", "create_access_key = true");
    stage.apply();
    stage.s3_ok("delete_bucket", json!({}));
    stage
        .terraform(&["apply", "-refresh-only", "-auto-approve", "-no-color"])
        .succeeds();
    stage.s3_ok("create_bucket", json!({}));
    stage.s3_ok(
        "put_bucket_versioning",
        json!({"VersioningConfiguration": {"Status": "Enabled"}}),
    );
    stage.put("theirs");
    let text = stage.plan_fails();
    assert!(text.contains(REFUSED), "{text}");
    let text = stage.apply_fails_with(&["-refresh=false"]);
    assert!(text.contains(REFUSED), "{text}");
    assert_is_theirs(&stage);
}

/// Who takes a tag away has not made another bucket.
#[test]
fn a_bucket_that_has_lost_its_tags_is_the_same() {
    fn is_mended<C: Cloud<Login = Login>>(stage: &Stage<C>) {
        stage.write_bucket("versioning = false", "");
        stage.apply();
        stage.s3_ok("delete_bucket_tagging", json!({}));
        assert_eq!(stage.plan().actions(THIS), ["update"]);
        stage.apply();
        stage.assert_empty_plan();
        assert_eq!(stage.marker(), format!("ready-{}", stage.generation()));
        stage.destroy();
    }
    is_mended(&Stage::<Minio>::new("lost-tags"));
    is_mended(&Stage::<Aws>::new("lost-tags"));
}
