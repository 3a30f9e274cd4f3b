//! Who is in a team.

use super::{bucket, members, with_bucket, write};
use crate::harness::hcl;

#[test]
fn a_stranger_among_the_members_stops_the_team() {
    let stage = with_bucket("team-stranger");
    write(&stage, r#"members = ["nobody@example.com"]"#);
    let text = stage.apply_fails();
    assert!(
        text.contains(r#"knows no user "nobody@example.com""#),
        "{text}"
    );
    assert!(stage.wandb.teams().is_empty());
    stage.write(&bucket(&stage));
    stage.destroy();
}

#[test]
fn a_person_who_is_named_twice_is_one_member_and_no_difference() {
    let stage = with_bucket("team-twice");
    write(
        &stage,
        r#"members = ["jane@example.com", "Jane@Example.com", "u-jane"]"#,
    );
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(members(&stage), ["u-jane"]);
    write(&stage, r#"members = ["u-joe", "joe@example.com"]"#);
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(members(&stage), ["u-joe"]);
}

#[test]
fn an_id_that_nobody_has_is_refused_before_anything_is_made() {
    let stage = with_bucket("team-nobody");
    for nobody in ["admin", "..", "u-jane/x"] {
        write(&stage, &hcl!(r#"members = ["u-jane", "<nobody>"]"#, nobody));
        let text = stage.apply_fails();
        let reason = format!("the W&B instance knows no user {nobody:?}");
        assert!(text.contains(&reason), "{text}");
        assert!(text.contains("members = ["), "{text}");
        assert!(stage.wandb.teams().is_empty(), "{nobody}");
    }
    write(&stage, r#"members = ["u-jane"]"#);
    stage.apply();
    write(&stage, r#"members = ["u-jane", "admin"]"#);
    let text = stage.apply_fails();
    assert!(text.contains(r#"knows no user "admin""#), "{text}");
    assert_eq!(members(&stage), ["u-jane"]);
}
