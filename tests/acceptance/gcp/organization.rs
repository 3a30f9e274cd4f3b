//! Rules of an organization above the project: each refusal names its constraint.

use simulator::gcs::{Config, Constraint};

use super::Stage;
use crate::harness::ADMIN;

#[test]
fn a_refusal_names_the_constraint() {
    let stage = Stage::alone("gcp-org", Config::default());
    for (constraint, name) in [
        (
            Constraint::Locations {
                allowed: vec!["EUROPE-WEST4".to_owned()],
            },
            "constraints/gcp.resourceLocations",
        ),
        (
            Constraint::SoftDelete {
                allowed: vec![604_800 * 2],
            },
            "constraints/storage.softDeletePolicySeconds",
        ),
        (
            Constraint::CustomerKey,
            "constraints/gcp.restrictNonCmekServices",
        ),
    ] {
        stage.cloud().constrain(constraint);
        stage.write_bucket("", "");
        let text = stage.apply_fails();
        assert!(text.contains(name), "{name}: {text}");
        assert!(!stage.exists());
        stage.cloud().lift_constraints();
    }
    stage.apply();
    stage.assert_empty_plan();
    stage.destroy();
}

/// Google's answer does not say so itself.
#[test]
fn a_domain_that_is_not_allowed_is_told() {
    let stage = Stage::alone("gcp-domain", Config::default());
    stage.cloud().constrain(Constraint::Domains {
        allowed: vec!["simulated-project.iam.gserviceaccount.com".to_owned()],
    });
    stage.write_bucket("", "");
    let text = stage.apply_fails();
    assert!(text.contains("iam.allowedPolicyMemberDomains"), "{text}");
    // Half made, and gone on with once there is an exception.
    stage.cloud().lift_constraints();
    stage.apply();
    stage.assert_empty_plan();
    assert_eq!(stage.members(ADMIN).len(), 1);
    stage.destroy();
}

#[test]
fn keys_that_nobody_may_make_are_told() {
    let stage = Stage::alone("gcp-nokeys", Config::default());
    for (constraint, name) in [
        (
            Constraint::KeyCreation,
            "constraints/iam.disableServiceAccountKeyCreation",
        ),
        (
            Constraint::AccountCreation,
            "constraints/iam.disableServiceAccountCreation",
        ),
    ] {
        stage.cloud().constrain(constraint);
        stage.write_bucket("", "create_access_key = true");
        let text = stage.apply_fails();
        assert!(text.contains(name), "{name}: {text}");
        stage.cloud().lift_constraints();
        stage.destroy();
        assert!(!stage.exists());
        assert!(stage.made_accounts().is_empty());
    }
}

#[test]
fn what_the_organization_enforces_is_no_drift() {
    let stage = Stage::alone("gcp-enforced", Config::default());
    stage.cloud().constrain(Constraint::UniformAccess);
    stage.cloud().constrain(Constraint::PublicAccessPrevention);
    stage.write_bucket("", "");
    stage.apply();
    stage.assert_empty_plan();
    stage.destroy();
}
